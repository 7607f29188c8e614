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

struct interval interval_intersect(struct interval a, struct interval b)
{
    return (struct interval){.lo = a.lo > b.lo ? a.lo : b.lo, .hi = a.hi < b.hi ? a.hi : b.hi};
}

bool interval_has_none(struct interval a)
{
    return !(a.lo <= a.hi);
}

struct interval interval_of_dtype(enum dtype d)
{
    return d == DTYPE_BOOL ? (struct interval){.lo = 0, .hi = 1}
                           : (struct interval){.lo = dtype_lowest(d), .hi = dtype_max(d)};
}

static bool is_inside(struct interval a, struct interval b)
{
    return interval_has_none(a) || (!a.may_nan && a.lo >= b.lo && a.hi <= b.hi);
}

static bool is_same(struct interval a, struct interval b)
{
    return a.lo == b.lo && a.hi == b.hi;
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
    {.lo = 1.0625L, .hi = 1.25L},
    {.lo = 0.5L, .hi = 1},
    {.lo = 4, .hi = 64},
    {.lo = 64, .hi = 0x1p14L},
    {.lo = -0x1p-4L, .hi = 0x1p-4L},
    {.lo = 0, .hi = 0x1p-4L},
    {.lo = 0x1p-10L, .hi = 0x1p-4L},
    {.lo = 0x1p-14L, .hi = 0x1p-7L},
    {.lo = -0x1p-10L, .hi = 0x1p-10L},
    {.lo = 1, .hi = 1},
    {.lo = 0, .hi = 0},
    {.lo = 2, .hi = 2},
};
enum { OFFERS = 2 * ARRAY_SIZE(offers) + 2 };

/* The last two: where the result is wanted, and the middle of that. */
static struct interval offer(const struct search *s, const struct node *node, unsigned i)
{
    struct interval a = s->want[node->out[0]];
    if (i < 2 * ARRAY_SIZE(offers)) {
        a = offers[i / 2];
        return i % 2 ? (struct interval){.lo = -a.hi, .hi = -a.lo} : a;
    }
    real inset = i % 2 ? (a.hi - a.lo) / 4 : 0;
    return (struct interval){.lo = a.lo + inset, .hi = a.hi - inset};
}

/* ---- one node ---- */

/* Its operands, each value once. */
struct operands {
    uint32_t n, id[OP_INPUTS_MAX];
    bool may_move[OP_INPUTS_MAX];
    struct interval allowed[OP_INPUTS_MAX]; /* asked for by nodes behind, and as indices */
    struct interval own[OP_INPUTS_MAX];     /* where they lie, as far as that is allowed */
    struct interval tried[OP_INPUTS_MAX];
};

static struct interval index_limits(const struct program *p, const struct node *node, uint32_t k)
{
    int64_t least = node_index_least(p, node, k);
    return least < 0 ? interval_of_dtype(p->values[node->in[k]].dtype)
                     : (struct interval){.lo = -(real)least, .hi = (real)(least - 1)};
}

static struct operands operands_of(const struct search *s, const struct node *node,
                                   const bool *may_move)
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
        if (may_move[id] && shape_numel(&s->p->values[id].shape) > 0) {
            set.allowed[at] = interval_intersect(set.allowed[at], index_limits(s->p, node, k));
        }
    }
    for (uint32_t i = 0; i < set.n; i++) {
        struct interval now = s->now[set.id[i]], fits = interval_intersect(now, set.allowed[i]);
        /* What cannot be moved must be where it lies. */
        bool stays = !may_move[set.id[i]] || interval_has_none(now);
        set.may_move[i] = !stays;
        set.own[i] = stays ? now : interval_has_none(fits) ? set.allowed[i] : fits;
        set.tried[i] = set.own[i];
    }
    return set;
}

static bool are_points(const struct operands *set)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->tried[i].lo != set->tried[i].hi) {
            return false;
        }
    }
    return true;
}

static bool is_proven_by_ranges(struct search *s, const struct node *node)
{
    if (node_ranges(s->p, node, s->facts) != HAZARD_NONE) {
        return false;
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct interval range = s->facts[node->out[o]].range;
        struct interval held = whole(s->p->values[node->out[o]].dtype, range);
        held.may_nan = range.may_nan;
        if (!is_inside(held, s->want[node->out[o]])) {
            return false;
        }
    }
    return true;
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
    real y;
    if (are_points(set) && node_at_point(s->p, node, s->facts, s->arena, &y)) {
        const struct interval result = {.lo = y, .hi = y};
        return is_inside(result, s->want[node->out[0]]);
    }
    return is_proven_by_ranges(s, node);
}

/* False: it leaves nothing, or nothing new. */
static bool narrow_operand(const struct search *s, struct operands *set, uint32_t i,
                           struct interval to)
{
    struct interval own = interval_intersect(set->own[i], to),
                    any = interval_intersect(set->allowed[i], to);
    enum dtype d = s->p->values[set->id[i]].dtype;
    own = whole(d, own);
    any = whole(d, any);
    set->tried[i] = set->own[i];
    if (!set->may_move[i] || interval_has_none(any)) {
        return false;
    }
    /* A point of where it lies is no place for a tensor. */
    set->tried[i] = own.lo < own.hi || is_same(any, own) ? own : any;
    /* Some element lies where it must. */
    return !is_same(set->tried[i], set->own[i]) &&
           !interval_has_none(interval_intersect(set->tried[i], s->possible.sure[set->id[i]]));
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

/* Of a sum or difference, where operand i must lie for the result to be where it is wanted. */
static bool solve_operand(const struct search *s, const struct node *node,
                          const struct operands *set, uint32_t i, struct interval *solution)
{
    bool is_sum = strcmp(node->op_name, "add") == 0;
    if (set->n != 2 || !(is_sum || strcmp(node->op_name, "sub") == 0)) {
        return false;
    }
    const struct interval want = s->want[node->out[0]], other = set->own[1 - i];
    *solution = (struct interval){.lo = want.lo - other.lo, .hi = want.hi - other.hi};
    if (!is_sum && i == 0) {
        *solution = (struct interval){.lo = want.lo + other.hi, .hi = want.hi + other.lo};
    } else if (!is_sum) {
        *solution = (struct interval){.lo = other.hi - want.hi, .hi = other.lo - want.lo};
    }
    return true;
}

/* One operand narrowed, the others as they are. */
static bool narrow_one(struct search *s, const struct node *node, struct operands *set,
                       struct choice *choice)
{
    for (uint32_t i = 0; i < set->n; i++) {
        struct interval solution;
        reset_tried(set);
        if (solve_operand(s, node, set, i, &solution) && narrow_operand(s, set, i, solution) &&
            take(s, node, set, choice)) {
            return true;
        }
    }
    for (unsigned c = 0; c < OFFERS; c++) {
        for (uint32_t i = 0; i < set->n; i++) {
            reset_tried(set);
            if (narrow_operand(s, set, i, offer(s, node, c)) && take(s, node, set, choice)) {
                return true;
            }
        }
    }
    return false;
}

enum { LINEAR_CELLS = 64, OCTAVES = 32, CELLS = LINEAR_CELLS + 2 * OCTAVES };

/* Eighths of -4..4, then octaves of both signs. */
static struct interval cell(unsigned c)
{
    if (c < LINEAR_CELLS) {
        real lo = ((real)c - (real)LINEAR_CELLS / 2) / 8;
        return (struct interval){.lo = lo, .hi = lo + 0.125L};
    }
    c -= LINEAR_CELLS;
    real octave = ldexpl(1, (int)(c / 2) - OCTAVES / 2);
    return c % 2 ? (struct interval){.lo = -2 * octave, .hi = -octave}
                 : (struct interval){.lo = octave, .hi = 2 * octave};
}

/* The same with small cells, for what lies between the offers. */
static bool narrow_to_cell(struct search *s, const struct node *node, struct operands *set,
                           struct choice *choice)
{
    for (unsigned c = 0; c < CELLS; c++) {
        for (uint32_t i = 0; i < set->n; i++) {
            reset_tried(set);
            if (narrow_operand(s, set, i, cell(c)) && take(s, node, set, choice)) {
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
            any |= narrow_operand(s, set, i, offer(s, node, c));
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
    enum { TRIES = 300 };
    for (unsigned t = 0; t < TRIES && set->n > 1; t++) {
        reset_tried(set);
        for (uint32_t i = 0; i < set->n; i++) {
            if (rng_chance(&s->rng, 3, 4)) {
                narrow_operand(s, set, i, offer(s, node, (unsigned)rng_below(&s->rng, OFFERS)));
            }
        }
        if (take(s, node, set, choice)) {
            return true;
        }
    }
    return false;
}

/* A place in the domain: where values are mostly wanted, near 1, if it has that. */
static real draw_inside(struct search *s, enum dtype d, struct interval a)
{
    static const struct interval tame[] = {
        {.lo = -4, .hi = 4}, {.lo = -64, .hi = 64}, {.lo = -0x1p10L, .hi = 0x1p10L}};
    for (size_t i = 0; i < ARRAY_SIZE(tame); i++) {
        struct interval part = whole(d, interval_intersect(a, tame[i]));
        if (part.lo < part.hi) {
            a = part;
            break;
        }
    }
    real x = a.lo + (a.hi - a.lo) * (real)rng_below(&s->rng, 257) / 256;
    x = dtype_is_float(d) ? dtype_round(d, x) : floorl(x);
    return x < a.lo || x > a.hi ? dtype_round(d, a.lo) : x;
}

/* ---- by trial ---- */

/* Operands drawn from the tried intervals, the others as they are: is the node clean, and are its
 * results where they are wanted? No proof, but ranges say nothing of what cancels or repeats. */
static bool turns_out_clean(struct search *s, const struct node *node, const struct operands *set)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (!is_inside(set->tried[i], set->allowed[i])) {
            return false;
        }
    }
    struct arena_mark mark = arena_mark(s->arena);
    struct array *given = ARENA_ZARRAY(s->arena, struct array, set->n);
    for (uint32_t i = 0; i < set->n; i++) {
        given[i] = s->values[set->id[i]];
        if (set->may_move[i]) {
            given[i].v = ARENA_ARRAY(s->arena, real, given[i].n);
        }
        for (size_t k = 0; set->may_move[i] && k < given[i].n; k++) {
            given[i].v[k] = draw_inside(s, given[i].dtype, set->tried[i]);
        }
    }
    bool is_clean = search_try_node(s, node, set->n, set->id, given);
    arena_rewind(s->arena, mark);
    return is_clean;
}

/* One value and no other, of results: next to nothing gives that. */
static bool asks_for_a_point(const struct search *s, const struct operands *set)
{
    for (uint32_t i = 0; i < set->n; i++) {
        const struct value *v = &s->p->values[set->id[i]];
        if (v->kind == VALUE_NODE && dtype_is_float(v->dtype) && set->may_move[i] &&
            set->tried[i].lo == set->tried[i].hi) {
            return true;
        }
    }
    return false;
}

static bool try_some(struct search *s, const struct node *node, struct operands *set)
{
    enum { TRIALS = 32, LAST = 8 }; /* points are the last resort */
    for (unsigned t = 0; t < TRIALS && s->nodes < s->nodes_max; t++) {
        bool any = false;
        reset_tried(set);
        for (uint32_t i = 0; i < set->n; i++) {
            unsigned c = (unsigned)rng_below(&s->rng, OFFERS);
            c = rng_chance(&s->rng, 1, 3) ? OFFERS - 1 - (c & 1) : c;
            if (t > 0 && rng_chance(&s->rng, 3, 4)) {
                any |= narrow_operand(s, set, i, offer(s, node, c));
            }
        }
        bool may_be_point = t >= TRIALS - LAST || !asks_for_a_point(s, set);
        if ((any || t == 0) && may_be_point && turns_out_clean(s, node, set)) {
            return true;
        }
    }
    return false;
}

/* One end of an operand's interval, as far out as the node stays proven. */
static void push_end(struct search *s, const struct node *node, struct operands *set, uint32_t i,
                     bool is_lo, bool is_fine)
{
    const int first = 14, last = -5, step = is_fine ? 1 : 7;
    real *end = is_lo ? &set->tried[i].lo : &set->tried[i].hi;
    const real limit = is_lo ? set->allowed[i].lo : set->allowed[i].hi, sign = is_lo ? -1 : 1;
    for (int e = first; e >= last; e -= step) {
        const real old = *end, to = old + sign * ldexpl(1, e);
        *end = is_lo == (to < limit) ? limit : to;
        if (*end != old && !proves(s, node, set)) {
            *end = old;
        }
    }
}

/* Wherever else the operands may lie: the nodes before need not be asked for more. */
static void widen(struct search *s, const struct node *node, struct operands *set, bool is_fine)
{
    for (uint32_t i = 0; i < set->n; i++) {
        const struct interval found = set->tried[i];
        if (!set->may_move[i]) {
            continue;
        }
        set->tried[i] = set->allowed[i];
        if (is_same(found, set->allowed[i]) || proves(s, node, set)) {
            continue;
        }
        set->tried[i] = found;
        push_end(s, node, set, i, true, is_fine);
        push_end(s, node, set, i, false, is_fine);
    }
}

bool search_settle_node(struct search *s, const struct node *node, const bool *may_move,
                        bool is_bold)
{
    struct operands set = operands_of(s, node, may_move);
    struct choice choice = {.is_bold = is_bold};
    bool holds = proves(s, node, &set);
    if (holds) {
        choice.has_any = true;
        choice.best = set;
    } else if (!narrow_one(s, node, &set, &choice) && !narrow_all(s, node, &set, &choice) &&
               !narrow_to_cell(s, node, &set, &choice) && !choice.has_any) {
        choice.is_bold = false;
        narrow_some(s, node, &set, &choice);
    }
    bool is_proven = choice.has_any && !asks_for_a_point(s, &choice.best);
    if (!is_proven && try_some(s, node, &set)) {
        choice.has_any = true;
        choice.best = set;
    }
    if (choice.has_any) {
        set = choice.best;
        for (uint32_t i = 0; i < set.n; i++) {
            s->now[set.id[i]] = set.tried[i];
        }
        if (is_proven) {
            widen(s, node, &set, !holds);
        }
        for (uint32_t i = 0; i < set.n; i++) {
            s->want[set.id[i]] = set.tried[i];
        }
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
        from[node->out[o]] = interval_intersect(range, interval_of_dtype(v->dtype));
        if (interval_has_none(from[node->out[o]]) && shape_numel(&v->shape) > 0) {
            return false;
        }
    }
    return true;
}

bool search_is_possible(struct search *s)
{
    bool is_possible = true;
    possible_reserve(&s->possible, s->p->n_values, s->arena);
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        const struct value *v = &s->p->values[id];
        if (v->kind != VALUE_NODE) {
            const struct leaf *leaf = &s->leaves[id];
            possible_leaf(&s->possible, id,
                          !leaf->is_free     ? array_range(&s->values[id])
                          : leaf->has_domain ? leaf->domain
                                             : interval_of_dtype(v->dtype));
        }
    }
    for (int pass = 0; pass < 2; pass++) { /* the second with operands that the first narrowed */
        s->possible.is_again = pass > 0;
        for (uint32_t i = 0; i < s->p->n_nodes; i++) {
            is_possible &= possible_node(&s->possible, s->p, &s->p->nodes[i]);
        }
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
            uint32_t id = node->out[o];
            struct interval seen = array_range(&s->values[id]);
            bool is_bound = is_inside(s->facts[id].range, interval_of_dtype(s->values[id].dtype));
            is_bound &= !interval_has_none(s->now[id]);
            s->now[id].may_nan = false;
            if (!is_bound) {
                s->now[id] = i < s->bad ? seen : s->possible.widest[id];
                s->now[id] = interval_assume(s->values[id].dtype, s->now[id]);
            }
        }
    }
}

static void move_inside(struct search *s, uint32_t id)
{
    struct array *x = &s->values[id];
    struct interval want = whole(x->dtype, s->want[id]);
    for (size_t i = 0; i < x->n && !interval_has_none(want); i++) {
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
    memcpy(s->want, s->possible.widest, s->p->n_values * sizeof(*s->want));
    for (uint32_t i = s->p->n_nodes; i-- > 0;) {
        is_proven &= search_settle_node(s, &s->p->nodes[i], s->is_free, is_bold);
    }
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        if (s->p->values[id].kind != VALUE_NODE && s->leaves[id].is_free) {
            move_inside(s, id);
        }
    }
    return is_proven;
}
