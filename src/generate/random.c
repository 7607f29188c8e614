/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline `random`: random graphs as in GraphFuzz (Luo et al., Graph-based fuzz testing for
 * deep learning inference engines, ICSE 2021): first the edges, a small world of Watts and Strogatz
 * (Nature 393, 1998) made acyclic by the order of its nodes, then an operator for each node, drawn
 * evenly until one takes what the edges bring, with attributes at random among valid ones. There
 * are no motifs, no node is inserted before another one, and value ranges do not say what may
 * follow what: only what would be undefined (integer division by zero, an index out of range) is
 * refused. Inputs are drawn plainly, not searched for.
 *
 * Where the paper reshapes and pads what an edge brings until it fits, an edge that does not fit is
 * left out here. Its mutations of graphs, led by which operators, degrees, edges and shapes came up
 * before, are not here.
 */
#include <string.h>

#include "generate/generate_internal.h"

/* Of a node in the ring: neighbours ahead, and the chance in percent that an edge goes elsewhere.
 * These are K = 4 (to both sides) and P = 0.75 of WS(K, P) in Xie et al., Exploring randomly wired
 * neural networks for image recognition, ICCV 2019. */
enum { AHEAD = 2, REWIRED_PERCENT = 75 };

/* Sources of each node, all below it; more than a node can read are not needed. */
struct sources {
    uint32_t n;
    uint32_t node[OP_INPUTS_MAX];
};

static void add_edge(struct sources *sources, uint32_t a, uint32_t b)
{
    uint32_t from = a < b ? a : b, to = a < b ? b : a;
    struct sources *s = &sources[to];
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->node[i] == from) {
            return;
        }
    }
    if (from != to && s->n < OP_INPUTS_MAX) {
        s->node[s->n++] = from;
    }
}

static struct sources *draw_edges(struct maker *g, uint32_t n)
{
    struct sources *sources = ARENA_ZARRAY(g->arena, struct sources, n);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t ahead = 1; ahead <= AHEAD; ahead++) {
            bool is_rewired = percent(g, REWIRED_PERCENT);
            add_edge(sources, i, is_rewired ? (uint32_t)rng_below(&g->rng, n) : (i + ahead) % n);
        }
    }
    return sources;
}

/* All supported ops that have a weight, with the same one. */
static void weigh_equally(struct maker *g)
{
    uint32_t sum = 0, before = 0;
    for (size_t i = 0; i < op_count; i++) {
        bool is_drawn = g->weight_up_to[i] > before;
        before = g->weight_up_to[i];
        sum += is_drawn;
        g->weight_up_to[i] = sum;
    }
}

/* May input k be this value, beside those that are chosen? */
static bool fits(const struct maker *g, const struct attempt *a, uint32_t k, uint32_t id)
{
    const struct slot_spec *spec = op_input_spec(a->op, k);
    const struct value *v = &g->p->values[id];
    bool fits = dtype_in(v->dtype, spec->dtypes) && v->shape.rank >= spec->rank_min &&
                v->shape.rank <= spec->rank_max && (k > 0 || a->pairs[v->dtype] != 0);
    for (uint32_t i = 0; i < k && fits; i++) {
        bool is_tied = a->in_leader[i] == a->in_leader[k] && IS_VALUE(a->value[i]);
        fits = !is_tied || a->dtype[i] == v->dtype;
    }
    bool is_index = a->op->index_inputs >> k & 1;
    return fits && (!is_index || (!a->op->unique_indices && may_index(g, id)));
}

/* Each source goes into the first input that is free and takes it; other inputs are new, or absent
 * where that is allowed. False: a node with sources reads none of them. */
static bool wire(struct maker *g, struct attempt *a, const struct sources *s)
{
    uint32_t n_wired = 0;
    for (uint32_t k = 0; k < a->n_in; k++) {
        bool is_absent = op_input_spec(a->op, k)->optional && rng_chance(&g->rng, 1, 2);
        a->value[k] = is_absent ? VALUE_ABSENT : VALUE_NEW;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        const struct node *source = &g->p->nodes[s->node[i]];
        uint32_t id = source->out[rng_below(&g->rng, source->n_out)];
        for (uint32_t k = 0; k < a->n_in; k++) {
            if (!IS_VALUE(a->value[k]) && fits(g, a, k, id)) {
                a->value[k] = id;
                a->dtype[k] = g->p->values[id].dtype;
                n_wired++;
                break;
            }
        }
    }
    return n_wired > 0 || s->n == 0;
}

static bool insert_at(struct maker *g, const struct sources *s)
{
    struct attempt a;
    uint32_t n_in, n_out;
    const struct op *op = draw_op(g);
    draw_counts(g, op, &n_in, &n_out);
    attempt_init(g, &a, op, n_in, n_out);
    if (!wire(g, &a, s) || !attempt_choose(g, &a)) {
        return false;
    }
    a.risk = HAZARD_UNPROVEN;
    return attempt_make_somehow(g, &a);
}

struct graph random_make(const struct policy *policy, bool is_clean, struct rng rng,
                         struct arena *arena)
{
    /* With a source, ops are tried so often before the node may do without. */
    enum { WIRED_TRIES = 64, TRIES_MAX = 100000 };
    static const struct sources none = {0};
    struct maker g;
    maker_init(&g, policy, true, rng, arena);
    g.is_unsteered = true;
    weigh_equally(&g);
    const struct sources *sources = draw_edges(&g, policy->nodes);
    for (uint32_t n = 0, tries = 0; n < policy->nodes;) {
        bool is_made = insert_at(&g, tries < WIRED_TRIES ? &sources[n] : &none);
        n += is_made;
        tries = is_made ? 0 : tries + 1;
        if (tries == TRIES_MAX) {
            BUG("policy %s: no op fits after %u attempts", policy->name, tries);
        }
    }
    struct graph graph = maker_finish(&g);
    graph.is_clean = !graph.is_unproven;
    graph.is_unproven = false; /* no search: inputs stay as drawn */
    return graph;
}
