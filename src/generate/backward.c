/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backward insertion: a node is made to produce a value that was an input or a constant so far,
 * whose dtype and shape are given. It goes before the first node that reads the value: all values
 * of the nodes before that place, and all other inputs and constants, may be its inputs without
 * making a cycle. What was concluded from the range that the value had is derived again where the
 * new range is not within it.
 */
#include <string.h>

#include "generate/generate_internal.h"

/* Nodes that may lie behind the place; the cost of an insertion does not grow with the graph. */
enum { WINDOW = 24 };

/* ---- what is to be produced ---- */

/* Dtypes that output o may have in what is supported. */
static dtype_set output_dtypes(const struct attempt *a, uint32_t o)
{
    dtype_set rows = 0, results = 0;
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        rows |= a->pairs[d] != 0 ? (dtype_set)1 << d : 0;
        results |= a->pairs[d];
    }
    if (a->out_leader[o] == a->out_leader[0]) {
        return results;
    }
    return a->out_leader[o] == &a->op->in[0] ? rows : a->out_leader[o]->dtypes;
}

/* The first node that reads the value; UINT32_MAX: it lies beyond the window. */
static uint32_t first_reader(const struct maker *g, uint32_t id)
{
    uint32_t n_nodes = g->p->n_nodes, left = g->facts[id].uses, first = UINT32_MAX;
    for (uint32_t step = 1; step <= WINDOW && step <= n_nodes && left > 0; step++) {
        const struct node *node = &g->p->nodes[n_nodes - step];
        for (uint32_t k = 0; k < node->n_in; k++) {
            if (node->in[k] == id) {
                first = n_nodes - step;
                left--;
            }
        }
    }
    return left == 0 ? first : UINT32_MAX;
}

bool attempt_give_output(const struct maker *g, struct attempt *a, uint32_t o, uint32_t id)
{
    const struct value *v = &g->p->values[id];
    CHECK(o < a->n_out && v->kind != VALUE_NODE);
    a->before = first_reader(g, id);
    a->target = id;
    a->target_output = o;
    if (a->out_leader[o] == a->out_leader[0]) {
        a->out_dtype = v->dtype;
    }
    return a->before != UINT32_MAX;
}

uint32_t pick_placeholder(struct maker *g, const struct attempt *a, uint32_t o)
{
    enum { WALK_MAX = 48 };
    dtype_set set = output_dtypes(a, o);
    const struct slot_spec *spec = op_output_spec(a->op, o);
    uint32_t last = VALUE_NEW;
    for (uint32_t step = 1; step <= WALK_MAX && step <= g->p->n_values; step++) {
        uint32_t id = g->p->n_values - step;
        const struct value *v = &g->p->values[id];
        const struct index_use *use = &g->facts[id].recipe.index;
        /* Unique indices cannot be promised of a result, nor rows with a limit for each part, nor
         * that floats are whole. */
        bool may_be_made = use->n == 0 || (use->n == 1 && !use->unique && dtype_is_int(v->dtype));
        bool fits = v->kind != VALUE_NODE && dtype_in(v->dtype, set) &&
                    rank_fits(spec, v->shape.rank) && may_be_made;
        if (fits) {
            last = id;
            if (rng_chance(&g->rng, 1, 3)) {
                break;
            }
        }
    }
    return last;
}

/* ---- what follows from its range ---- */

struct conclusion {
    uint32_t id, uses;
    struct interval range;
    bool assumed, is_live, is_moved;
};

struct rederivation {
    struct maker *g;
    uint32_t n;
    struct conclusion
        before[WINDOW * OP_OUTPUTS_MAX + 1]; /* what was concluded of changed values */
};

static bool is_within(const struct facts *now, const struct conclusion *before)
{
    const struct interval *a = &now->range, *b = &before->range;
    bool inside = a->lo > a->hi || (a->lo >= b->lo && a->hi <= b->hi);
    return inside && (b->may_nan || !a->may_nan) && (before->assumed || !now->assumed);
}

static struct conclusion *remember(struct rederivation *r, uint32_t id)
{
    const struct facts *f = &r->g->facts[id];
    CHECK(r->n < ARRAY_SIZE(r->before));
    r->before[r->n] =
        (struct conclusion){id, f->uses, f->range, f->assumed, f->is_live, f->is_moved};
    return &r->before[r->n++];
}

static void restore(struct maker *g, const struct conclusion *c)
{
    struct facts *f = &g->facts[c->id];
    f->range = c->range;
    f->uses = c->uses;
    f->assumed = c->assumed;
    f->is_live = c->is_live;
    f->is_moved = c->is_moved;
}

/* Bit k: input k has moved. */
static uint32_t moved_inputs(const struct maker *g, const struct node *node)
{
    uint32_t moved = 0;
    for (uint32_t k = 0; k < node->n_in; k++) {
        bool is_moved = node->in[k] != VALUE_ABSENT && g->facts[node->in[k]].is_moved;
        moved |= (uint32_t)is_moved << k;
    }
    return moved;
}

/* The ranges behind one node again; false: it would no longer have been made. */
static bool rederive_node(struct rederivation *r, const struct node *node, uint32_t moved)
{
    struct maker *g = r->g;
    struct conclusion *before = &r->before[r->n];
    bool was_dead = node_is_dead(g, node), was_assumed = false;
    for (uint32_t o = 0; o < node->n_out; o++) {
        was_assumed |= remember(r, node->out[o])->assumed;
    }
    enum hazard hazard = node_ranges(g->p, node, g->facts);
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct facts *f = &g->facts[node->out[o]];
        f->uses = before[o].uses;
        if (hazard == HAZARD_UNPROVEN && g->is_clean && was_assumed) {
            node_assume(g, node->out[o]);
        }
        if (is_within(f, &before[o])) {
            restore(g, &before[o]);
        } else {
            f->is_moved = true;
        }
    }
    bool is_fine = hazard_is_fine(g, hazard) || (hazard == HAZARD_UNPROVEN && was_assumed);
    return is_fine && (was_dead || !node_is_dead(g, node)) &&
           node_indices_hold(g, node, HAZARD_NONE, moved);
}

bool attempt_fits_readers(struct maker *g, const struct attempt *a, uint32_t made)
{
    struct rederivation r; /* large: filled as far as n */
    r.g = g;
    r.n = 0;
    struct facts *target = &g->facts[a->target];
    const struct facts *now = &g->facts[made];
    struct conclusion *before = remember(&r, a->target);
    bool fits = true;
    if (!is_within(now, before) || !now->is_live) {
        target->range = now->range;
        target->assumed = now->assumed;
        target->is_live = now->is_live;
        target->is_moved = true;
        /* The last one is the new node itself. */
        for (uint32_t i = a->before; fits && i + 1 < g->p->n_nodes; i++) {
            const struct node *node = &g->p->nodes[i];
            uint32_t moved = moved_inputs(g, node);
            fits = moved == 0 || rederive_node(&r, node, moved);
        }
    }
    for (uint32_t i = r.n; i-- > 0;) {
        g->facts[r.before[i].id].is_moved = false;
        if (!fits) {
            restore(g, &r.before[i]);
        }
    }
    return fits;
}

/* ---- into its place ---- */

void attempt_splice(struct maker *g, struct attempt *a, uint32_t index)
{
    struct program *p = g->p;
    struct node node = p->nodes[index];
    uint32_t made = node.out[a->target_output];
    struct facts *target = &g->facts[a->target];
    target->range = g->facts[made].range;
    target->assumed = g->facts[made].assumed;
    target->is_live = g->facts[made].is_live;
    target->is_dull = g->facts[made].is_dull;
    p->values[a->target].kind = VALUE_NODE;
    p->values[a->target].output = a->target_output;
    node.out[a->target_output] = a->target;
    p->n_values--;
    for (uint32_t id = made; id < p->n_values; id++) {
        p->values[id] = p->values[id + 1];
        g->facts[id] = g->facts[id + 1];
        node.out[p->values[id].output] = id;
    }
    memmove(&p->nodes[a->before + 1], &p->nodes[a->before],
            (index - a->before) * sizeof(p->nodes[0]));
    p->nodes[a->before] = node;
    for (uint32_t i = a->before; i <= index; i++) {
        for (uint32_t o = 0; o < p->nodes[i].n_out; o++) {
            p->values[p->nodes[i].out[o]].node = i;
        }
    }
    a->node = a->before;
}
