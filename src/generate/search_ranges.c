/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intervals for the search: from the last node to the first, operands are narrowed to intervals
 * from which the op's own `range` proves its results clean and where they are wanted. What is asked
 * of the leaves at the end is a box in which the whole program is clean. It works for all dtypes,
 * and without gradients.
 */
#include <math.h>
#include <string.h>

#include "generate/search_internal.h"

/* ---- intervals ---- */

static struct interval intersect(struct interval a, struct interval b)
{
    return (struct interval){.lo = a.lo > b.lo ? a.lo : b.lo, .hi = a.hi < b.hi ? a.hi : b.hi};
}

static bool is_empty(struct interval a)
{
    return !(a.lo <= a.hi);
}

static bool is_inside(struct interval a, struct interval b)
{
    return is_empty(a) || (!a.may_nan && a.lo >= b.lo && a.hi <= b.hi);
}

static bool is_same(struct interval a, struct interval b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

static struct interval full_range(enum dtype d)
{
    return d == DTYPE_BOOL ? (struct interval){.lo = 0, .hi = 1}
                           : (struct interval){.lo = dtype_lowest(d), .hi = dtype_max(d)};
}

/* Integers have integers as ends. */
static struct interval whole(enum dtype d, struct interval a)
{
    return dtype_is_float(d) ? a : (struct interval){.lo = ceill(a.lo), .hi = floorl(a.hi)};
}

/* Offered to operands, the widest first: caps of magnitude, signs, bands clear of 0, points. The
 * bands below 0 are mirrored from these. */
static const struct interval offers[] = {
    {.lo = -0x1p30L, .hi = 0x1p30L},
    {.lo = -0x1p14L, .hi = 0x1p14L},
    {.lo = -0x1p10L, .hi = 0x1p10L},
    {.lo = -0x1p7L, .hi = 0x1p7L},
    {.lo = -16, .hi = 16},
    {.lo = -4, .hi = 4},
    {.lo = -1, .hi = 1},
    {.lo = 0, .hi = 0x1p14L},
    {.lo = 0x1p-10L, .hi = 0x1p14L},
    {.lo = 0, .hi = 0x1p7L},
    {.lo = 0x1p-7L, .hi = 0x1p7L},
    {.lo = 1, .hi = 0x1p10L},
    {.lo = 0, .hi = 8},
    {.lo = 0x1p-4L, .hi = 16},
    {.lo = 1, .hi = 64},
    {.lo = 0x1p-4L, .hi = 4},
    {.lo = 0, .hi = 1},
    {.lo = -0.5L, .hi = 0.5L},
    {.lo = 1, .hi = 4},
    {.lo = 0x1p-10L, .hi = 0.5L},
    {.lo = 1, .hi = 2},
    {.lo = 0.5L, .hi = 1},
    {.lo = 64, .hi = 0x1p14L},
    {.lo = -0x1p-4L, .hi = 0x1p-4L},
    {.lo = 0, .hi = 0x1p-4L},
    {.lo = 0x1p-10L, .hi = 0x1p-4L},
    {.lo = -0x1p-10L, .hi = 0x1p-10L},
    {.lo = 1, .hi = 1},
    {.lo = 0, .hi = 0},
    {.lo = 2, .hi = 2},
};
enum { OFFERS = 2 * ARRAY_SIZE(offers) };

static struct interval offer(unsigned i)
{
    struct interval a = offers[i / 2];
    return i % 2 ? (struct interval){.lo = -a.hi, .hi = -a.lo} : a;
}

/* ---- one node ---- */

/* Its operands, each value once. */
struct operands {
    uint32_t n, id[OP_INPUTS_MAX];
    struct interval allowed[OP_INPUTS_MAX]; /* asked for by nodes behind, and as indices */
    struct interval own[OP_INPUTS_MAX];     /* where they lie, as far as that is allowed */
    struct interval tried[OP_INPUTS_MAX];
};

static struct interval index_limits(const struct program *p, const struct node *node, uint32_t k)
{
    int64_t least = node_index_least(p, node, k);
    return least < 0 ? full_range(p->values[node->in[k]].dtype)
                     : (struct interval){.lo = -(real)least, .hi = (real)(least - 1)};
}

static struct operands operands_of(const struct search *s, const struct node *node)
{
    struct operands set = {0};
    for (uint32_t k = 0; k < node->n_in; k++) {
        uint32_t id = node->in[k], at = 0;
        if (id == VALUE_ABSENT) {
            continue;
        }
        while (at < set.n && set.id[at] != id) {
            at++;
        }
        if (at == set.n) {
            set.id[set.n++] = id;
            set.allowed[at] = s->want[id];
        }
        if (shape_numel(&s->p->values[id].shape) > 0) {
            set.allowed[at] = intersect(set.allowed[at], index_limits(s->p, node, k));
        }
    }
    for (uint32_t i = 0; i < set.n; i++) {
        struct interval now = s->now[set.id[i]], fits = intersect(now, set.allowed[i]);
        /* What cannot be moved must be where it lies. */
        bool stays = !s->is_free[set.id[i]] || is_empty(now);
        set.own[i] = stays ? now : is_empty(fits) ? set.allowed[i] : fits;
        set.tried[i] = set.own[i];
    }
    return set;
}

/* Do the tried intervals prove the node clean? */
static bool proves(struct search *s, const struct node *node, const struct operands *set)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (!is_inside(set->tried[i], set->allowed[i])) {
            return false;
        }
        s->facts[set->id[i]].range = set->tried[i];
    }
    if (node_ranges(s->p, node, s->facts) != HAZARD_NONE) {
        return false;
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        if (!is_inside(s->facts[node->out[o]].range, s->want[node->out[o]])) {
            return false;
        }
    }
    return true;
}

/* False: it leaves nothing, or nothing new. */
static bool narrow_operand(const struct search *s, struct operands *set, uint32_t i,
                           struct interval to)
{
    struct interval own = intersect(set->own[i], to), any = intersect(set->allowed[i], to);
    enum dtype d = s->p->values[set->id[i]].dtype;
    own = whole(d, own);
    any = whole(d, any);
    set->tried[i] = set->own[i];
    if (!s->is_free[set->id[i]] || is_empty(set->own[i]) || is_empty(any)) {
        return false;
    }
    /* A point of where it lies is no place for a tensor. */
    set->tried[i] = own.lo < own.hi || is_same(any, own) ? own : any;
    return !is_same(set->tried[i], set->own[i]);
}

struct choice {
    bool is_bold, has_any;
    struct operands best;
};

/* True: that is the one to take. */
static bool take(struct search *s, const struct node *node, const struct operands *set,
                 struct choice *choice)
{
    if (!proves(s, node, set)) {
        return false;
    }
    if (!choice->is_bold || !choice->has_any) {
        choice->best = *set;
    }
    choice->has_any = true;
    if (!choice->is_bold || rng_chance(&s->rng, 1, 3)) {
        choice->best = *set;
        return true;
    }
    return false;
}

static void reset_tried(struct operands *set)
{
    memcpy(set->tried, set->own, sizeof(set->tried));
}

/* One operand narrowed, the others as they are. */
static bool narrow_one(struct search *s, const struct node *node, struct operands *set,
                       struct choice *choice)
{
    for (unsigned c = 0; c < OFFERS; c++) {
        for (uint32_t i = 0; i < set->n; i++) {
            reset_tried(set);
            if (narrow_operand(s, set, i, offer(c)) && take(s, node, set, choice)) {
                return true;
            }
        }
    }
    return false;
}

static bool narrow_all(struct search *s, const struct node *node, struct operands *set,
                       struct choice *choice)
{
    for (unsigned c = 0; c < OFFERS && set->n > 1; c++) {
        bool any = false;
        reset_tried(set);
        for (uint32_t i = 0; i < set->n; i++) {
            any |= narrow_operand(s, set, i, offer(c));
        }
        if (any && take(s, node, set, choice)) {
            return true;
        }
    }
    return false;
}

static bool narrow_some(struct search *s, const struct node *node, struct operands *set,
                        struct choice *choice)
{
    enum { TRIES = 100 };
    for (unsigned t = 0; t < TRIES && set->n > 1; t++) {
        reset_tried(set);
        for (uint32_t i = 0; i < set->n; i++) {
            if (rng_chance(&s->rng, 3, 4)) {
                narrow_operand(s, set, i, offer((unsigned)rng_below(&s->rng, OFFERS)));
            }
        }
        if (take(s, node, set, choice)) {
            return true;
        }
    }
    return false;
}

bool search_settle_node(struct search *s, const struct node *node, bool is_bold)
{
    struct operands set = operands_of(s, node);
    struct choice choice = {.is_bold = is_bold};
    if (proves(s, node, &set)) {
        choice.has_any = true;
        choice.best = set;
    } else if (!narrow_one(s, node, &set, &choice) && !narrow_all(s, node, &set, &choice) &&
               !choice.has_any) {
        choice.is_bold = false;
        narrow_some(s, node, &set, &choice);
    }
    for (uint32_t i = 0; choice.has_any && i < set.n; i++) {
        s->now[set.id[i]] = choice.best.tried[i];
        s->want[set.id[i]] = choice.best.tried[i];
    }
    return choice.has_any;
}

/* ---- the program ---- */

/* Ranges of the node's results from `from`, for results that turn out clean. False: none can. */
static bool clean_ranges(struct search *s, const struct node *node, struct interval *from)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT) {
            s->facts[node->in[k]].range = from[node->in[k]];
        }
    }
    node_ranges(s->p, node, s->facts);
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct value *v = &s->p->values[node->out[o]];
        struct interval range = s->facts[node->out[o]].range;
        from[node->out[o]] = intersect(range, full_range(v->dtype));
        if (is_empty(from[node->out[o]]) && shape_numel(&v->shape) > 0) {
            return false;
        }
    }
    return true;
}

static void start_widest(struct search *s)
{
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        const struct value *v = &s->p->values[id];
        if (v->kind != VALUE_NODE) {
            const struct leaf *leaf = &s->leaves[id];
            s->widest[id] = !leaf->is_free     ? array_range(&s->values[id])
                            : leaf->has_domain ? leaf->domain
                                               : full_range(v->dtype);
        }
    }
}

bool search_is_possible(struct search *s)
{
    bool is_possible = true;
    start_widest(s);
    for (uint32_t i = 0; i < s->p->n_nodes; i++) {
        is_possible &= clean_ranges(s, &s->p->nodes[i], s->widest);
    }
    return is_possible;
}

static void start_now(struct search *s)
{
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        if (s->p->values[id].kind != VALUE_NODE) {
            s->now[id] = array_range(&s->values[id]);
        }
    }
    for (uint32_t i = 0; i < s->p->n_nodes; i++) {
        const struct node *node = &s->p->nodes[i];
        clean_ranges(s, node, s->now);
        for (uint32_t o = 0; o < node->n_out; o++) {
            struct interval *now = &s->now[node->out[o]];
            now->may_nan = false;
            *now = is_empty(*now) ? s->widest[node->out[o]]
                                  : interval_assume(s->p->values[node->out[o]].dtype, *now);
        }
    }
}

/* A place in the domain: where values are mostly wanted, near 1, if it has that. */
static real draw_inside(struct search *s, enum dtype d, struct interval a)
{
    static const struct interval tame[] = {
        {.lo = -4, .hi = 4}, {.lo = -64, .hi = 64}, {.lo = -0x1p10L, .hi = 0x1p10L}};
    for (size_t i = 0; i < ARRAY_SIZE(tame); i++) {
        struct interval part = whole(d, intersect(a, tame[i]));
        if (part.lo < part.hi) {
            a = part;
            break;
        }
    }
    real x = a.lo + (a.hi - a.lo) * (real)rng_below(&s->rng, 257) / 256;
    x = dtype_is_float(d) ? dtype_round(d, x) : floorl(x);
    return x < a.lo || x > a.hi ? a.lo : x;
}

static void move_inside(struct search *s, uint32_t id)
{
    struct array *x = &s->values[id];
    struct interval want = whole(x->dtype, s->want[id]);
    for (size_t i = 0; i < x->n && !is_empty(want); i++) {
        if (!(x->v[i] >= want.lo && x->v[i] <= want.hi)) {
            x->v[i] = draw_inside(s, x->dtype, want);
            s->is_dirty[id] = true;
        }
    }
}

bool search_narrow(struct search *s, bool is_bold)
{
    bool is_proven = true;
    start_now(s);
    memcpy(s->want, s->widest, s->p->n_values * sizeof(*s->want));
    for (uint32_t i = s->p->n_nodes; i-- > 0;) {
        is_proven &= search_settle_node(s, &s->p->nodes[i], is_bold);
    }
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        if (s->p->values[id].kind != VALUE_NODE && s->leaves[id].is_free) {
            move_inside(s, id);
        }
    }
    return is_proven;
}
