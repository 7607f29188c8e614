/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search for inputs with which a program is clean. Steps down the gradient of what is not clean
 * first, which keep most of what was drawn; then intervals, which ask for nothing of the ops but
 * their ranges; then again from values ever tamer.
 */
#include <math.h>
#include <string.h>

#include "generate/search_internal.h"

/* ---- leaves ---- */

/* Indices that must differ, or be whole among floats, are more than a domain can say: they stay. */
static void hold_indices(const struct program *p, const struct node *node, struct leaf *leaves)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        struct index_use use;
        if (!node_index_use(p, node, k, &use)) {
            continue;
        }
        struct leaf *leaf = &leaves[node->in[k]];
        const real least = (real)node_index_least(p, node, k);
        const struct interval valid = {.lo = -least, .hi = least - 1};
        leaf->domain = leaf->has_domain ? interval_intersect(leaf->domain, valid) : valid;
        leaf->has_domain = true;
        leaf->is_free &= !use.unique && dtype_is_int(p->values[node->in[k]].dtype);
    }
}

struct leaf *leaves_new(const struct program *p, struct arena *arena)
{
    struct leaf *leaves = ARENA_ZARRAY(arena, struct leaf, p->n_values);
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        leaves[id].is_free = v->kind == VALUE_INPUT || (v->kind == VALUE_CONST && !v->data);
        if (v->kind == VALUE_CONST && v->data) {
            leaves[id].data = value_tensor(v);
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        hold_indices(p, &p->nodes[i], leaves);
    }
    return leaves;
}

static void mark_moving(struct search *s)
{
    const struct program *p = s->p;
    for (uint32_t id = 0; id < p->n_values; id++) {
        s->is_free[id] = p->values[id].kind != VALUE_NODE && s->leaves[id].is_free;
        s->is_smooth[id] = s->is_free[id] && dtype_is_float(p->values[id].dtype);
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        bool any = false, any_smooth = false;
        for (uint32_t k = 0; k < node->n_in; k++) {
            any |= node->in[k] != VALUE_ABSENT && s->is_free[node->in[k]];
            any_smooth |= node->in[k] != VALUE_ABSENT && s->is_smooth[node->in[k]];
        }
        for (uint32_t o = 0; o < node->n_out; o++) {
            uint32_t id = node->out[o];
            s->is_free[id] = any;
            s->is_smooth[id] = any_smooth && node->op->vjp && dtype_is_float(p->values[id].dtype);
        }
    }
}

static struct search *search_new(const struct program *p, struct leaf *leaves, struct rng rng,
                                 struct arena *arena)
{
    uint32_t n = p->n_values;
    struct search *s = ARENA_ZARRAY(arena, struct search, 1);
    *s = (struct search){.p = p, .leaves = leaves, .rng = rng, .arena = arena};
    s->values = ARENA_ZARRAY(arena, struct array, n);
    s->is_free = ARENA_ZARRAY(arena, bool, n);
    s->is_smooth = ARENA_ZARRAY(arena, bool, n);
    s->is_dirty = ARENA_ZARRAY(arena, bool, n);
    s->facts = ARENA_ZARRAY(arena, struct facts, n);
    s->now = ARENA_ZARRAY(arena, struct interval, n);
    s->want = ARENA_ZARRAY(arena, struct interval, n);
    for (uint32_t id = 0; id < n; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_NODE) {
            size_t numel = shape_numel(&v->shape);
            s->values[id] = (struct array){.dtype = v->dtype,
                                           .shape = v->shape,
                                           .n = numel,
                                           .v = ARENA_ARRAY(arena, real, numel)};
        } else {
            s->values[id] = array_from_tensor(arena, &leaves[id].data);
        }
    }
    mark_moving(s);
    return s;
}

static void store_leaves(const struct search *s)
{
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        if (s->p->values[id].kind != VALUE_NODE && s->leaves[id].is_free) {
            const struct array *x = &s->values[id];
            dtype_store_many(x->dtype, s->leaves[id].data.data, x->n, x->v);
        }
    }
}

/* New values for all free leaves, in the tamest domains at last. */
static void redraw(struct search *s, unsigned restart)
{
    static const struct interval tame[] = {
        {.lo = -4, .hi = 4}, {.lo = -1, .hi = 1}, {.lo = 0x1p-4L, .hi = 4}, {.lo = 1, .hi = 2}};
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        const struct leaf *leaf = &s->leaves[id];
        if (s->p->values[id].kind == VALUE_NODE || !leaf->is_free) {
            continue;
        }
        struct interval to = tame[(restart + rng_below(&s->rng, 2)) % ARRAY_SIZE(tame)];
        struct array *x = &s->values[id];
        to = interval_intersect(to, s->possible.widest[id]);
        const bool is_float = dtype_is_float(x->dtype);
        const real lo = is_float ? to.lo : ceill(to.lo), hi = is_float ? to.hi : floorl(to.hi);
        for (size_t i = 0; i < x->n && lo <= hi; i++) {
            real v = lo + (hi - lo) * (real)rng_below(&s->rng, 257) / 256;
            v = is_float ? v : floorl(v);
            x->v[i] = dtype_round(x->dtype, v);
            s->is_dirty[id] = true;
        }
    }
}

/* ---- the search ---- */

/* From the leaves as they are; the last step that it needed. */
static enum search_way search_from_here(struct search *s, bool is_first)
{
    enum { ROUNDS = 3 };
    enum search_way way = SEARCH_DRAWN;
    for (unsigned round = 0; round < ROUNDS && s->bad < s->p->n_nodes; round++) {
        way = way == SEARCH_DRAWN ? SEARCH_DESCENDED : way;
        search_descend(s);
        if (s->bad < s->p->n_nodes && s->nodes < s->nodes_max) {
            way = SEARCH_NARROWED;
            search_narrow(s, round > 0 || !is_first);
            search_evaluate(s);
        }
    }
    return way;
}

bool leaves_are_clean(const struct program *p, struct leaf *leaves, struct arena *arena)
{
    struct arena_mark mark = arena_mark(arena);
    struct search *s = search_new(p, leaves, rng_seeded(0), arena);
    search_evaluate(s);
    bool is_clean = s->bad == p->n_nodes;
    arena_rewind(arena, mark);
    return is_clean;
}

void search_clean(const struct program *p, struct leaf *leaves, struct rng rng, struct arena *arena,
                  struct search_result *result)
{
    enum { RESTARTS = 5, BUDGET = 100 };
    struct arena_mark mark = arena_mark(arena);
    struct search *s = search_new(p, leaves, rng, arena);
    s->nodes_max = (uint64_t)BUDGET * p->n_nodes;
    search_evaluate(s);
    *result = (struct search_result){.way = SEARCH_DRAWN};
    bool is_possible = s->bad == p->n_nodes || search_is_possible(s);
    if (is_possible) {
        result->way = search_from_here(s, true);
    }
    for (unsigned i = 0; is_possible && i < RESTARTS && s->bad < p->n_nodes; i++) {
        redraw(s, i);
        search_evaluate(s);
        search_from_here(s, false);
        result->way = SEARCH_RESTARTED;
    }
    result->is_clean = s->bad == p->n_nodes;
    result->is_impossible = !is_possible;
    result->bad = s->bad;
    result->nodes = s->nodes;
    if (result->is_clean && result->way != SEARCH_DRAWN) {
        store_leaves(s);
    }
    arena_rewind(arena, mark);
}
