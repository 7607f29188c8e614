/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same program at other shapes: the relations of all nodes over one set of variables, with the
 * dims of inputs free and attributes and constants as they are (dynamic shapes).
 */
#include <string.h>

#include "generate/generate_internal.h"

struct whole {
    const struct program *p;
    const struct policy *policy;
    struct relation *relation;
    var (*dim)[RANK_MAX]; /* by value id */
    struct rng rng;
};

/* An input's dim is drawn anew two times out of three: up to twice its size and some. */
static void free_dim(struct whole *w, uint32_t id, int d)
{
    int64_t now = w->p->values[id].shape.dim[d], hint = now;
    var x = relation_var(w->relation, now > 0 ? 1 : 0, w->policy->dim_max);
    if (now > 0 && rng_chance(&w->rng, 2, 3)) {
        hint = rng_log_range(&w->rng, 1, 2 * now + 4);
    }
    relation_prefer_log(w->relation, x);
    relation_hint(w->relation, x, hint);
    w->dim[id][d] = x;
}

static void make_dims(struct whole *w, uint32_t id)
{
    const struct value *v = &w->p->values[id];
    for (int d = 0; d < v->shape.rank; d++) {
        int64_t now = v->shape.dim[d];
        if (v->kind == VALUE_INPUT) {
            free_dim(w, id, d);
        } else if (v->kind == VALUE_CONST) {
            w->dim[id][d] = relation_fixed(w->relation, now);
        } else {
            w->dim[id][d] = relation_var(w->relation, now > 0 ? 1 : 0, w->policy->numel_max);
        }
    }
    relate_product_le(w->relation, (size_t)v->shape.rank, w->dim[id], w->policy->numel_max);
}

static void relate_nodes(struct whole *w, struct arena *arena)
{
    for (uint32_t i = 0; i < w->p->n_nodes; i++) {
        struct instance *m = arena_alloc(arena, sizeof(*m));
        var factors[2 * RANK_MAX];
        instance_describe(m, w->p, &w->p->nodes[i]);
        node_relate(w->relation, &w->p->nodes[i], (const var(*)[RANK_MAX])w->dim, m);
        if (m->op->work) {
            size_t n = m->op->work(m, factors);
            relate_product_le(w->relation, n, factors, w->policy->work_max);
        }
    }
}

/* The solution's shapes; false: they are the ones it has. */
static bool take_shapes(const struct whole *w, struct program *made)
{
    bool differs = false;
    for (uint32_t id = 0; id < made->n_values; id++) {
        struct value *v = &made->values[id];
        for (int d = 0; d < v->shape.rank; d++) {
            int64_t size = relation_value(w->relation, w->dim[id][d]);
            differs |= v->kind == VALUE_INPUT && size != v->shape.dim[d];
            v->shape.dim[d] = size;
        }
    }
    return differs;
}

/* NULL: there are no other shapes, or none were found. */
static struct program *program_at_other_shapes(struct whole *w, struct arena *arena)
{
    enum { ATTEMPTS = 3, STEPS = 1000 };
    struct program *made = program_clone(w->p, arena);
    CHECK(ops_resolve(made) == ERR_OK);
    w->relation = relation_new(arena);
    w->dim = arena_zalloc(arena, sizeof(*w->dim) * w->p->n_values);
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        relation_clear(w->relation);
        for (uint32_t id = 0; id < w->p->n_values; id++) {
            make_dims(w, id);
        }
        relate_nodes(w, arena);
        if (relation_solve(w->relation, &w->rng, STEPS) == SOLVE_SAT && take_shapes(w, made)) {
            return made;
        }
    }
    return NULL;
}

/* Do all indices, also constant and computed ones, lie in the dims that they choose from? */
static bool indices_hold(const struct program *p, const struct array *values)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; k < node->n_in; k++) {
            struct index_use use;
            if (!node_index_use(p, node, k, &use)) {
                continue;
            }
            const struct array *x = &values[node->in[k]];
            for (size_t e = 0; e < x->n; e++) {
                real limit = (real)use.limit[e % use.n];
                if (!(x->v[e] >= -limit && x->v[e] < limit)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* Input indices choose from the new dims. */
static void fit_indices(struct graph *g)
{
    for (uint32_t id = 0; id < g->program->n_values; id++) {
        struct index_use use;
        if (g->program->values[id].kind == VALUE_INPUT && index_use_of(g->program, id, &use)) {
            g->facts[id].recipe = recipe_index(&use);
        }
    }
}

bool test_at_other_shapes(const struct policy *policy, const struct graph *g,
                          const struct test *test, struct rng rng, struct arena *arena,
                          struct test *other)
{
    enum { REDRAWS = 4 };
    struct whole w = {.p = g->program, .policy = policy, .rng = rng};
    struct graph made = {.program = program_at_other_shapes(&w, arena)};
    if (!made.program) {
        return false;
    }
    made.facts = arena_copy(arena, g->facts, made.program->n_values * sizeof(*made.facts));
    fit_indices(&made);
    *other = *test;
    other->program = made.program;
    for (unsigned redraw = 0; redraw < REDRAWS; redraw++) {
        fill_inputs(&made, &rng, redraw, arena, other);
        struct arena_mark mark = arena_mark(arena);
        struct array *values = ARENA_ZARRAY(arena, struct array, made.program->n_values);
        program_evaluate(made.program, other->inputs, values, arena);
        bool hold = indices_hold(made.program, values);
        arena_rewind(arena, mark);
        if (hold) {
            return true;
        }
    }
    return false;
}
