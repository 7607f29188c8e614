/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a number of graphs hold, as GraphFuzz's operator-level coverage has it (Luo et al.,
 * Graph-based fuzz testing for deep learning inference engines, ICSE 2021, section III.B): for each
 * op whether it is there, the numbers of edges into and out of it, the ops that read it, and its
 * shapes with its attributes. Dtypes, of which the paper has one, count with the shapes.
 */
#include <string.h>

#include "generate/generate_internal.h"

/* The paper's expected most of shapes and attributes of an op, and its largest output degree. */
enum { SHAPES_EXPECTED = 200, OUT_DEGREE_MAX = 5 };

/* Is the bit set? With `is_kept` it then is. */
static bool bit_was_set(uint64_t *bits, size_t at, bool is_kept)
{
    bool was = bits[at / 64] >> (at % 64) & 1;
    bits[at / 64] |= (uint64_t)is_kept << (at % 64);
    return was;
}

static uint64_t hash_value(const struct program *p, uint32_t id, uint64_t hash)
{
    if (id == VALUE_ABSENT) {
        return hash_mix(hash, 0);
    }
    const struct value *v = &p->values[id];
    hash = hash_mix(hash, v->dtype);
    return hash_bytes(v->shape.dim, (size_t)v->shape.rank * sizeof(v->shape.dim[0]), hash);
}

/* Of dtypes and shapes of the inputs, and of the attributes. */
static uint64_t hash_form(const struct program *p, const struct node *node)
{
    uint64_t hash = op_index(node->op);
    for (uint32_t k = 0; k < node->n_in; k++) {
        hash = hash_value(p, node->in[k], hash);
    }
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        const struct attr *a = &node->attrs[i];
        hash = hash_text(a->name, hash_mix(hash, a->kind));
        switch (a->kind) {
        case ATTR_REAL:
            hash = hash_bytes(&a->f, sizeof(a->f), hash);
            break;
        case ATTR_TEXT:
            hash = hash_text(a->text, hash);
            break;
        case ATTR_DTYPE:
            hash = hash_mix(hash, a->dtype);
            break;
        case ATTR_INT:
        case ATTR_INTS:
        case ATTR_BOOL:
            hash = hash_bytes(a->i, a->n * sizeof(a->i[0]), hash);
            break;
        }
    }
    return hash;
}

struct visit {
    struct coverage *c;
    bool is_kept;
    struct novelty found;
};

static void see(struct visit *v, uint64_t *bits, size_t at)
{
    v->found.n++;
    v->found.n_new += !bit_was_set(bits, at, v->is_kept);
}

static void see_node(struct visit *v, const struct program *p, uint32_t index,
                     const uint32_t *out_degree)
{
    struct coverage *c = v->c;
    const struct node *node = &p->nodes[index];
    size_t op = op_index(node->op);
    uint32_t in_degree = 0, out = out_degree[index];
    for (uint32_t k = 0; k < node->n_in; k++) {
        const struct value *from = node->in[k] == VALUE_ABSENT ? NULL : &p->values[node->in[k]];
        if (from != NULL && from->kind == VALUE_NODE) {
            size_t source = op_index(p->nodes[from->node].op);
            see(v, c->edges, source * OP_WEIGHTS_MAX + op);
            in_degree++;
        }
    }
    see(v, c->ops, op);
    see(v, &c->in_degrees[op], in_degree < 63 ? in_degree : 63);
    see(v, &c->out_degrees[op], out < OUT_DEGREE_MAX ? out : OUT_DEGREE_MAX);
    uint32_t n_new = v->found.n_new;
    see(v, c->forms, hash_form(p, node) % COVERAGE_FORMS);
    c->n_forms[op] += v->is_kept && v->found.n_new > n_new;
}

static struct novelty visit(struct coverage *c, const struct program *p, bool is_kept)
{
    struct visit v = {.c = c, .is_kept = is_kept};
    struct arena_mark mark = arena_mark(p->arena);
    uint32_t *out_degree = ARENA_ZARRAY(p->arena, uint32_t, p->n_nodes);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
            uint32_t id = p->nodes[i].in[k];
            if (id != VALUE_ABSENT && p->values[id].kind == VALUE_NODE) {
                out_degree[p->values[id].node]++;
            }
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        see_node(&v, p, i, out_degree);
    }
    arena_rewind(p->arena, mark);
    return v.found;
}

struct novelty coverage_add(struct coverage *c, const struct program *p)
{
    return visit(c, p, true);
}

struct novelty coverage_ask(const struct coverage *c, const struct program *p)
{
    return visit((struct coverage *)(uintptr_t)c, p, false);
}

static double share(uint64_t set, uint32_t most)
{
    double n = (double)__builtin_popcountll(set);
    return n < most ? n / most : 1;
}

double coverage_of_op(const struct coverage *c, const struct op *op)
{
    size_t i = op_index(op);
    uint32_t n_edges = 0, n_forms = c->n_forms[i];
    for (size_t word = 0; word < OP_WEIGHTS_MAX / 64; word++) {
        uint64_t edges = c->edges[i * OP_WEIGHTS_MAX / 64 + word];
        n_edges += (uint32_t)__builtin_popcountll(edges);
    }
    return ((double)(c->ops[i / 64] >> i % 64 & 1) +
            share(c->in_degrees[i], (uint32_t)op_n_inputs(op) + 1) +
            share(c->out_degrees[i], OUT_DEGREE_MAX + 1) + (double)n_edges / (double)op_count +
            (n_forms < SHAPES_EXPECTED ? (double)n_forms / (double)SHAPES_EXPECTED : 1)) /
           5;
}
