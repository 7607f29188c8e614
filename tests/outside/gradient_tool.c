/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gradient_tool COUNT DIR [OP...]: generated programs of one node on float64, with our gradient of
 * a random cotangent. DIR/OP.I.py is torch's source; DIR/OP.I.npz holds a0, a1 ... the arguments
 * (inputs, then constants), c0 ... the cotangents of float outputs (of the program), g0 ... the
 * gradients of float arguments (no vjp: 0), s0 ... how far those move when all floats move by STEP:
 * much, where the function has a kink or is steep. stdout: a line "OP PROGRAMS REFUSED has|no
 * ELEMENTWISE" an op.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generate.h"
#include "must.h"

enum { DRAWS = 6, SIDES = 6 };
#define STEP 0x1p-26L
#define STEP_FLOOR 0x1p-10L /* of smaller arguments: what lies at 0 */

/* ---- our gradient ---- */

struct point {
    const struct program *p;
    const struct node *node;
    struct array in[OP_INPUTS_MAX];
    real *cotangent[OP_OUTPUTS_MAX];
    struct arena *arena;
};

/* grad[k] of the node's inputs. */
static void differentiate(struct point *at, real **grad)
{
    struct evaluation e = {
        .node = at->node, .n_in = at->node->n_in, .n_out = at->node->n_out, .scratch = at->arena};
    struct vjp v = {.e = &e};

    for (uint32_t k = 0; k < e.n_in; k++) {
        bool is_present = at->node->in[k] != VALUE_ABSENT;
        e.in[k] = is_present ? &at->in[k] : NULL;
        grad[k] = is_present && dtype_is_float(at->in[k].dtype)
                      ? ARENA_ZARRAY(at->arena, real, at->in[k].n)
                      : NULL;
        v.grad[k] = grad[k];
    }
    op_evaluate(at->p, at->node, e.in, false, e.out, NULL, at->arena);
    for (uint32_t o = 0; o < e.n_out; o++) {
        v.cotangent[o] = at->cotangent[o];
    }
    if (at->node->op->vjp) {
        at->node->op->vjp(&v);
    }
}

/*
 * All elements up, all down; then each by chance, and the other way: of two that are equal each is
 * once the larger. One value taken twice moves as one.
 */
static struct point moved(const struct point *at, int side, const struct rng *chance)
{
    struct point to = *at;
    struct rng rng = *chance;
    const real sign = side % 2 ? -1 : 1;

    for (uint32_t k = 0; k < at->node->n_in; k++) {
        uint32_t same = 0;
        while (at->node->in[same] != at->node->in[k]) {
            same++;
        }
        const struct array *x = &at->in[k];
        if (same < k || !dtype_is_float(x->dtype)) {
            to.in[k] = to.in[same < k ? same : k];
            continue;
        }
        to.in[k].v = ARENA_ARRAY(at->arena, real, x->n);
        for (size_t i = 0; i < x->n; i++) {
            real size = fabsl(x->v[i]) > STEP_FLOOR ? fabsl(x->v[i]) : STEP_FLOOR;
            real way = side < 2 ? 1 : (real)rng_range(&rng, -1024, 1024) / 1024;
            to.in[k].v[i] = x->v[i] + size * STEP * way * sign;
        }
    }
    return to;
}

/* ---- a program as files ---- */

struct files {
    struct named_tensor items[4 * OP_INPUTS_MAX + OP_OUTPUTS_MAX];
    size_t n;
};

static void put(struct files *f, struct arena *arena, const char *what, uint32_t k,
                struct tensor tensor)
{
    f->items[f->n++] = (struct named_tensor){arena_printf(arena, "%s%u", what, k), tensor};
}

static void put_reals(struct files *f, struct arena *arena, const char *what, uint32_t k,
                      const struct shape *shape, const real *v)
{
    struct tensor t = tensor_new(arena, DTYPE_F64, shape);

    for (size_t i = 0; i < shape_numel(shape); i++) {
        ((double *)t.data)[i] = (double)v[i];
    }
    put(f, arena, what, k, t);
}

/* torch moves running statistics beside its graph: no gradient comes from them. */
static bool torch_follows(const struct node *node, uint32_t o)
{
    return o == 0 || strcmp(node->op_name, "batch_norm_training") != 0;
}

static struct point point_of(const struct test *test, struct rng *rng, struct arena *arena)
{
    const struct program *p = test->program;
    struct point at = {.p = p, .node = &p->nodes[0], .arena = arena};
    struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values);

    program_load(p, test->inputs, values, arena);
    for (uint32_t k = 0; k < at.node->n_in; k++) {
        if (at.node->in[k] != VALUE_ABSENT) {
            at.in[k] = values[at.node->in[k]];
        }
    }
    for (uint32_t o = 0; o < at.node->n_out; o++) {
        const struct value *y = &p->values[at.node->out[o]];
        if (dtype_is_float(y->dtype) && torch_follows(at.node, o)) {
            size_t n = shape_numel(&y->shape);
            real *c = ARENA_ARRAY(arena, real, n);
            for (size_t i = 0; i < n; i++) {
                c[i] = (real)rng_range(rng, -64, 64) / 32;
            }
            at.cotangent[o] = c;
        }
    }
    return at;
}

/* sum[id] += of each of the node's inputs. */
static void gather_by_value(const struct point *at, real *const *grad, real **sum)
{
    for (uint32_t k = 0; k < at->node->n_in; k++) {
        real **of = &sum[at->node->in[k]];
        if (!grad[k]) {
            continue;
        }
        if (!*of) {
            *of = ARENA_ZARRAY(at->arena, real, at->in[k].n);
        }
        for (size_t i = 0; i < at->in[k].n; i++) {
            (*of)[i] += grad[k][i];
        }
    }
}

static real **gradient_by_value(struct point *at)
{
    real *grad[OP_INPUTS_MAX];
    real **sum = ARENA_ZARRAY(at->arena, real *, at->p->n_values);

    differentiate(at, grad);
    gather_by_value(at, grad, sum);
    return sum;
}

/* What no document orders (top_k unsorted) counts nothing. */
static void drop_unspecified(struct point *at)
{
    struct evaluation e = {
        .node = at->node, .n_in = at->node->n_in, .n_out = at->node->n_out, .scratch = at->arena};
    uint8_t *mark[OP_OUTPUTS_MAX];

    if (!at->node->op->unspecified) {
        return;
    }
    for (uint32_t k = 0; k < e.n_in; k++) {
        e.in[k] = at->node->in[k] == VALUE_ABSENT ? NULL : &at->in[k];
    }
    op_evaluate(at->p, at->node, e.in, false, e.out, NULL, at->arena);
    for (uint32_t o = 0; o < e.n_out; o++) {
        mark[o] = arena_zalloc(at->arena, e.out[o].n + 1);
    }
    at->node->op->unspecified(&e, mark);
    for (uint32_t o = 0; o < e.n_out; o++) {
        for (size_t i = 0; at->cotangent[o] && i < e.out[o].n; i++) {
            at->cotangent[o][i] = mark[o][i] ? 0 : at->cotangent[o][i];
        }
    }
}

static void save(const struct test *test, const struct plan *plan, const char *stem,
                 struct rng *rng, struct arena *arena)
{
    const struct program *p = test->program;
    struct point at = point_of(test, rng, arena);
    drop_unspecified(&at);
    real **gradient = gradient_by_value(&at), **side[SIDES];
    struct files f = {.n = 0};
    struct buffer source = BUFFER_INIT;

    for (int s = 0; s < SIDES; s++) {
        struct rng chance = rng_seeded((uint64_t)s / 2);
        struct point beside = moved(&at, s, &chance);
        side[s] = gradient_by_value(&beside);
    }
    for (uint32_t a = 0; a < plan->n_inputs + plan->n_consts; a++) {
        bool is_input = a < plan->n_inputs;
        uint32_t id = is_input ? plan->input_values[a] : plan->const_values[a - plan->n_inputs];
        const struct value *v = &p->values[id];
        put(&f, arena, "a", a, is_input ? test->inputs[a] : value_tensor(v));
        if (!gradient[id]) {
            continue;
        }
        put_reals(&f, arena, "g", a, &v->shape, gradient[id]);
        real *moves = ARENA_ZARRAY(arena, real, shape_numel(&v->shape));
        for (size_t i = 0; i < shape_numel(&v->shape); i++) {
            for (int s = 0; s < SIDES; s++) {
                real d = fabsl(side[s][id][i] - gradient[id][i]);
                moves[i] = d > moves[i] || isnan(d) ? d : moves[i];
            }
        }
        put_reals(&f, arena, "s", a, &v->shape, moves);
    }
    for (uint32_t o = 0; o < at.node->n_out; o++) {
        uint32_t place = 0; /* among the program's outputs, all of which are the node's */
        while (p->outputs[place] != at.node->out[o]) {
            place++;
        }
        if (at.cotangent[o]) {
            put_reals(&f, arena, "c", place, &p->values[at.node->out[o]].shape, at.cotangent[o]);
        }
    }
    must(npz_write(arena_printf(arena, "%s.npz", stem), f.items, f.n));
    plan_print_python(plan, &source);
    must(file_write(arena_printf(arena, "%s.py", stem), source.data, source.size));
    buffer_release(&source);
}

/* ---- all ops ---- */

static bool is_all_f64(const struct program *p)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (dtype_is_float(p->values[id].dtype) && p->values[id].dtype != DTYPE_F64) {
            return false;
        }
    }
    return true;
}

static void check_op(struct policy *policy, size_t op, unsigned count, const char *dir,
                     struct arena *arena)
{
    unsigned made = 0, refused = 0;
    struct rng rng = rng_seeded(op);

    for (size_t i = 0; i < op_count; i++) {
        policy->op_weight[i] = i == op ? 10 : 0;
    }
    for (uint64_t i = 0; made < count && refused < 4 * count && i < (uint64_t)count * DRAWS; i++) {
        struct test test;
        struct plan *plan;
        arena_reset(arena);
        generate_test(policy, 3000, i, MATERIALIZE_ALL, arena, &test);
        const struct program *p = test.program;
        if (p->n_nodes != 1 || p->nodes[0].op != op_table[op] || !is_all_f64(p) ||
            p->n_outputs != p->nodes[0].n_out) {
            continue;
        }
        if (calls_plan(&torch_calls, p, arena, &plan) != ERR_OK) {
            refused++;
            continue;
        }
        save(&test, plan, arena_printf(arena, "%s/%s.%u", dir, op_table[op]->name, made), &rng,
             arena);
        made++;
    }
    printf("%s %u %u %s %d\n", op_table[op]->name, made, refused, op_table[op]->vjp ? "has" : "no",
           op_table[op]->elementwise != NULL);
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(), *work = arena_new();
    struct policy *policy;

    if (argc < 3) {
        fprintf(stderr, "usage: gradient_tool COUNT DIR [OP...]\n");
        return 2;
    }
    must(policy_parse("gradients",
                      "nodes = 1\nnumel_max = 256\ndim_max = 32\nclean_percent = 100\n"
                      "unproven_percent = 0\ndtype.* = 0\ndtype.f64 = 1\ndtype.i64 = 0\n",
                      arena, &policy));
    for (size_t op = 0; op < op_count; op++) {
        bool is_chosen = argc == 3;
        for (int i = 3; i < argc; i++) {
            is_chosen = is_chosen || strcmp(argv[i], op_table[op]->name) == 0;
        }
        if (is_chosen && dtype_in(DTYPE_F64, op_table[op]->in[0].dtypes)) {
            check_op(policy, op, (unsigned)atoi(argv[1]), argv[2], work);
        }
    }
    arena_free(work);
    arena_free(arena);
    return 0;
}
