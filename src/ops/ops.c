/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the catalogue, lookup, and evaluation of nodes and whole programs. Every value that
 * leaves op_evaluate with `round` set is a value of its dtype.
 */
#include "ops/ops_internal.h"

const struct op *const op_table[] = {
#define OP_ENTRY(name) &op_##name,
    OP_MAP(OP_ENTRY)
#undef OP_ENTRY
};
const size_t op_count = ARRAY_SIZE(op_table);

const struct op *op_find(const char *name)
{
    for (size_t i = 0; i < op_count; i++) {
        if (text_equal(op_table[i]->name, name)) {
            return op_table[i];
        }
    }
    return NULL;
}

size_t op_index(const struct op *op)
{
    for (size_t i = 0; i < op_count; i++) {
        if (op_table[i] == op) {
            return i;
        }
    }
    BUG("%s is not in the table", op->name);
}

size_t op_n_inputs(const struct op *op)
{
    size_t n = 0;
    while (n < OP_INPUTS_MAX && op->in[n].name) {
        n++;
    }
    return n;
}

size_t op_n_outputs(const struct op *op)
{
    size_t n = 0;
    while (n < OP_OUTPUTS_MAX && op->out[n].name) {
        n++;
    }
    return n;
}

/* Of an input that holds indices into `data`. */
static struct index_use index_use_of(const struct node *node, const struct shape *data,
                                     const struct shape *indices)
{
    struct index_use use = {.n = 1};
    if (node->op->index_use) {
        node->op->index_use(node, data, indices, &use);
    } else {
        use.limit[0] = data->dim[axis_normalize(node_int(node, "axis", 0), data->rank)];
    }
    return use;
}

bool node_index_use(const struct program *p, const struct node *node, uint32_t k,
                    struct index_use *use)
{
    if (k >= 32 || !(node->op->index_inputs >> k & 1) || node->in[k] == VALUE_ABSENT) {
        return false;
    }
    *use = index_use_of(node, &p->values[node->in[0]].shape, &p->values[node->in[k]].shape);
    return true;
}

bool index_traps(const struct evaluation *e)
{
    const struct array *data = e->in[0];
    for (uint32_t k = 0; data && k < e->n_in; k++) {
        const struct array *indices = e->in[k];
        if (!(e->node->op->index_inputs >> k & 1) || !indices || indices->n == 0) {
            continue;
        }
        struct index_use use = index_use_of(e->node, &data->shape, &indices->shape);
        for (size_t i = 0; i < indices->n; i++) {
            real limit = (real)use.limit[i % use.n], index = indices->v[i];
            if (!(index >= -limit && index < limit)) {
                return true;
            }
        }
    }
    return false;
}

int64_t node_index_limit(const struct program *p, const struct node *node, uint32_t k,
                         size_t element)
{
    struct index_use use;
    return node_index_use(p, node, k, &use) ? use.limit[element % use.n] : -1;
}

int64_t node_index_least(const struct program *p, const struct node *node, uint32_t k)
{
    struct index_use use;
    if (!node_index_use(p, node, k, &use)) {
        return -1;
    }
    int64_t least = use.limit[0];
    for (uint32_t c = 1; c < use.n; c++) {
        least = use.limit[c] < least ? use.limit[c] : least;
    }
    return least;
}

void shape_strides(const struct shape *s, int64_t strides[RANK_MAX])
{
    int64_t step = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        strides[d] = step;
        step *= s->dim[d];
    }
}

size_t broadcast_index(const struct shape *out, const struct shape *in, size_t flat)
{
    size_t index = 0, step = 1;
    for (int back = 1; back <= in->rank; back++) {
        size_t size = (size_t)out->dim[out->rank - back], at = flat % size;
        flat /= size;
        int64_t own = in->dim[in->rank - back];
        index += own == 1 ? 0 : at * step;
        step *= (size_t)own;
    }
    return index;
}

/* ---- evaluation ---- */

struct array array_from_tensor(struct arena *arena, const struct tensor *t)
{
    size_t n = shape_numel(&t->shape);
    struct array a = {.dtype = t->dtype, .shape = t->shape, .n = n};
    a.v = ARENA_ARRAY(arena, real, n);
    dtype_load_many(t->dtype, t->data, n, a.v);
    return a;
}

struct tensor tensor_from_array(struct arena *arena, const struct array *a)
{
    struct tensor t = tensor_new(arena, a->dtype, &a->shape);
    dtype_store_many(a->dtype, t.data, a->n, a->v);
    return t;
}

void op_evaluate(const struct program *p, const struct node *node, const struct array *const *in,
                 bool round, struct array *out, real **noise, struct arena *arena)
{
    CHECK(node->op && node->n_in <= OP_INPUTS_MAX && node->n_out <= OP_OUTPUTS_MAX);
    struct evaluation e = {
        .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = arena};
    bool inexact = false;
    for (uint32_t k = 0; k < node->n_in; k++) {
        e.in[k] = in[k];
        inexact |= in[k] && in[k]->inexact;
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct value *v = &p->values[node->out[o]];
        struct array *y = &e.out[o];
        *y = (struct array){.dtype = v->dtype, .shape = v->shape, .n = shape_numel(&v->shape)};
        y->v = ARENA_ARRAY(arena, real, y->n);
        if (noise) {
            noise[o] = ARENA_ZARRAY(arena, real, y->n);
            e.noise[o] = noise[o];
        }
    }
    struct arena_mark mark = arena_mark(arena);
    node->op->evaluate(&e);
    arena_rewind(arena, mark); /* what the op needed on its way */
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct array *y = &e.out[o];
        if (round) { /* integers and bools come wrapped */
            bool is_float = dtype_is_float(y->dtype);
            y->inexact = (is_float && dtype_round_many(y->dtype, y->v, y->n)) || inexact;
        }
        out[o] = *y;
    }
}

void program_load(const struct program *p, const struct tensor *inputs, struct array *values,
                  struct arena *arena)
{
    uint32_t n_inputs = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_INPUT) {
            values[id] = array_from_tensor(arena, &inputs[n_inputs++]);
        } else if (v->kind == VALUE_CONST) {
            CHECK(v->data || shape_numel(&v->shape) == 0);
            struct tensor t = value_tensor(v);
            values[id] = array_from_tensor(arena, &t);
        }
    }
}

void program_evaluate(const struct program *p, const struct tensor *inputs, struct array *values,
                      struct arena *arena)
{
    program_load(p, inputs, values, arena);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        const struct array *in[OP_INPUTS_MAX] = {0};
        struct array out[OP_OUTPUTS_MAX];
        for (uint32_t k = 0; k < node->n_in; k++) {
            in[k] = node->in[k] == VALUE_ABSENT ? NULL : &values[node->in[k]];
        }
        op_evaluate(p, node, in, true, out, NULL, arena);
        for (uint32_t o = 0; o < node->n_out; o++) {
            values[node->out[o]] = out[o];
        }
    }
}
