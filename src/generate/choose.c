/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into a node: for each input that is open an existing value that fits or a new one,
 * dtypes by the policy's weights among what is supported.
 */
#include <math.h>
#include <string.h>

#include "generate/generate_internal.h"

void attempt_init(const struct maker *g, struct attempt *a, size_t place, uint32_t n_in,
                  uint32_t n_out)
{
    CHECK(n_in <= OP_INPUTS_MAX && n_out <= OP_OUTPUTS_MAX);
    const struct op *op = op_table[place];
    a->op = op;
    a->pairs = g->support->pairs[place];
    a->n_in = n_in;
    a->n_out = n_out;
    a->out_dtype = DTYPE_NONE;
    a->target = VALUE_NEW;
    a->target_output = 0;
    a->before = UINT32_MAX;
    a->given = a->is_const = a->is_input = a->is_scalar = a->is_vector = 0;
    a->rank = -1;
    a->risk = HAZARD_NONE;
    a->n_attrs = 0;
    for (uint32_t k = 0; k < OP_INPUTS_MAX; k++) {
        a->dtype[k] = DTYPE_NONE;
        a->value[k] = VALUE_OPEN;
        a->recipe[k] = NULL;
    }
    for (uint32_t k = 0; k < n_in; k++) { /* a variadic one repeats */
        a->in_leader[k] =
            k > 0 && !op->in[k].name ? a->in_leader[k - 1] : slot_leader(op, &op->in[k]);
    }
    for (uint32_t o = 0; o < n_out; o++) {
        a->out_leader[o] =
            o > 0 && !op->out[o].name ? a->out_leader[o - 1] : slot_leader(op, &op->out[o]);
    }
}

void attempt_give_input(const struct maker *g, struct attempt *a, uint32_t k, uint32_t id)
{
    CHECK(k < a->n_in && id < g->p->n_values);
    a->value[k] = id;
    a->dtype[k] = g->p->values[id].dtype;
    a->given |= 1u << k;
}

struct attr *attempt_give_attr(struct attempt *a, const char *name, enum attr_kind kind, unsigned n)
{
    CHECK(a->n_attrs < OP_ATTRS_MAX && n <= ATTR_VALUES_MAX);
    a->attr[a->n_attrs] = (struct attr){.name = name, .kind = kind, .n = (uint8_t)n};
    return &a->attr[a->n_attrs++];
}

bool percent(struct maker *g, uint32_t share)
{
    return rng_chance(&g->rng, share, 100);
}

/* A dtype of the set by the program's weights; any of it when none has one; DTYPE_NONE for none. */
static enum dtype draw_dtype(struct maker *g, dtype_set set)
{
    if (set != 0 && (set & (set - 1)) == 0) { /* as mostly: no choice */
        return (enum dtype)__builtin_ctz(set);
    }
    uint32_t weights[DTYPE_COUNT] = {0};
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        weights[d] = dtype_in(d, set) ? g->dtype_weight[d] : 0;
    }
    size_t drawn = rng_weighted(&g->rng, weights, DTYPE_COUNT);
    for (enum dtype d = 1; d < DTYPE_COUNT && drawn == DTYPE_COUNT; d++) {
        drawn = dtype_in(d, set) ? (size_t)d : drawn;
    }
    return drawn < DTYPE_COUNT ? (enum dtype)drawn : DTYPE_NONE;
}

/* Right-aligned, as broadcasting sees them. */
static bool shapes_agree(const struct shape *a, const struct shape *b)
{
    for (int back = 1; back <= a->rank && back <= b->rank; back++) {
        int64_t x = a->dim[a->rank - back], y = b->dim[b->rank - back];
        if (x != y && x != 1 && y != 1) {
            return false;
        }
    }
    return true;
}

/* How gladly it is taken, of 16: unused results first; what has shrunk to ones less. */
static unsigned appeal(const struct maker *g, uint32_t id, const struct shape *like)
{
    const struct value *v = &g->p->values[id];
    unsigned chance = g->facts[id].uses == 0 ? 14 : v->kind == VALUE_NODE ? 5 : 3;
    unsigned ones = 0;
    for (int d = 0; d < v->shape.rank; d++) {
        ones += v->shape.dim[d] == 1;
    }
    chance = ones > 1 ? chance / ones : chance;
    return like && !shapes_agree(like, &v->shape) ? chance / 6 : chance;
}

/* Does the value depend on none that is yet to be made? */
static bool is_before(const struct maker *g, const struct attempt *a, uint32_t id)
{
    const struct value *v = &g->p->values[id];
    return id != a->target && (v->kind != VALUE_NODE || v->node < a->before);
}

bool op_mixes(const struct op *op)
{
    return !op->elementwise && !op->origins;
}

/*
 * Does the op tell something of the value? The first input is not to be dull, so that a dull value
 * only goes where another one tells more. What mixes elements (sums, products, norms) makes nothing
 * but NaN of a value with some.
 */
static bool tells(const struct maker *g, const struct op *op, const struct slot_spec *spec,
                  uint32_t id)
{
    const struct facts *f = &g->facts[id];
    bool is_wild = f->range.may_nan || isinf(f->range.lo) || isinf(f->range.hi);
    bool is_dull = f->is_dull || !f->is_live;
    return !(op_mixes(op) && is_wild) && !(is_dull && spec == &op->in[0]);
}

/*
 * An existing value, by a walk backwards from the newest (or, now and then, from anywhere): each
 * that fits is taken with the chance of its appeal. like: shapes that broadcast with it are
 * preferred. VALUE_NEW when nothing was taken.
 */
static uint32_t pick_existing(struct maker *g, const struct attempt *a, dtype_set set,
                              const struct slot_spec *spec, const struct shape *like)
{
    enum { WALK_MAX = 48 };
    uint32_t n = g->p->n_values;
    if (n == 0) {
        return VALUE_NEW;
    }
    uint32_t newest = a->target == VALUE_NEW ? n - 1 : a->target;
    uint32_t at = rng_chance(&g->rng, 1, 4) ? (uint32_t)rng_below(&g->rng, n) : newest;
    uint32_t last = VALUE_NEW;
    bool may_be_dull = percent(g, g->policy->dead_percent);
    for (uint32_t step = 0; step < WALK_MAX && step < n; step++) {
        const struct value *v = &g->p->values[at];
        bool fits = dtype_in(v->dtype, set) && rank_fits(spec, v->shape.rank) &&
                    !g->facts[at].is_inside && is_before(g, a, at) &&
                    (may_be_dull || tells(g, a->op, spec, at));
        if (fits) {
            if (rng_below(&g->rng, 16) < appeal(g, at, like)) {
                return at;
            }
            last = like ? last : at;
        }
        at = at == 0 ? n - 1 : at - 1;
    }
    return last;
}

int choose_rank(struct maker *g, const struct slot_spec *spec)
{
    uint32_t weights[RANK_MAX + 1] = {0};
    for (int k = 0; k <= RANK_MAX; k++) {
        weights[k] = rank_fits(spec, k) ? g->policy->rank_weight[k] : 0;
    }
    size_t rank = rng_weighted(&g->rng, weights, RANK_MAX + 1);
    return rank <= RANK_MAX ? (int)rank : (int)spec->rank_min;
}

const struct slot_spec *slot_leader(const struct op *op, const struct slot_spec *slot)
{
    for (size_t k = 0; slot->same_as && k < OP_INPUTS_MAX && op->in[k].name; k++) {
        const char *name = op->in[k].name;
        if (text_equal(name, slot->same_as)) {
            return slot_leader(op, &op->in[k]);
        }
    }
    return slot;
}

/* The dtype that input k must have because of what is given or chosen already; DTYPE_NONE: free. */
static enum dtype dtype_so_far(const struct maker *g, const struct attempt *a, uint32_t k)
{
    const struct slot_spec *leader = a->in_leader[k];
    if (a->out_dtype != DTYPE_NONE && a->out_leader[0] == leader) {
        return a->out_dtype;
    }
    if (a->target != VALUE_NEW && a->out_leader[a->target_output] == leader) {
        return g->p->values[a->target].dtype;
    }
    for (uint32_t i = 0; i < a->n_in; i++) {
        if (a->dtype[i] != DTYPE_NONE && a->in_leader[i] == leader) {
            return a->dtype[i];
        }
    }
    return DTYPE_NONE;
}

/* Of an input slot already chosen. */
static enum dtype dtype_of_slot(const struct attempt *a, const char *name)
{
    uint32_t k = 0;
    while (!text_equal(a->op->in[k].name, name)) {
        k++;
    }
    return a->dtype[k];
}

/* Rows of the support table that what is given leaves. */
static dtype_set usable_rows(const struct maker *g, const struct attempt *a)
{
    enum dtype only = dtype_so_far(g, a, 0);
    dtype_set usable = 0;
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        bool fits =
            a->out_dtype == DTYPE_NONE ? a->pairs[d] != 0 : dtype_in(a->out_dtype, a->pairs[d]);
        usable |= fits && (only == DTYPE_NONE || only == d) ? (dtype_set)1 << d : 0;
    }
    return usable;
}

/* Input 0: it selects the row of the support table. */
static bool choose_first(struct maker *g, struct attempt *a)
{
    dtype_set usable = usable_rows(g, a);
    if (usable == 0) {
        return false;
    }
    if (a->value[0] == VALUE_OPEN) {
        a->value[0] = VALUE_NEW;
        bool is_scarce = op_asks_equality(a->op) || op_is_either(a->op, "reduce_any", "reduce_all");
        uint32_t share = g->policy->reuse_percent / (is_scarce ? 4 : 1);
        if (percent(g, share)) {
            a->value[0] = pick_existing(g, a, usable, &a->op->in[0], NULL);
        }
    }
    bool is_new = !IS_VALUE(a->value[0]);
    a->dtype[0] = is_new ? draw_dtype(g, usable) : g->p->values[a->value[0]].dtype;
    /* What a given output leaves of ranks is the op's to say. */
    if (is_new && a->rank < 0 && a->target == VALUE_NEW) {
        a->rank = choose_rank(g, &a->op->in[0]);
    }
    if (a->out_dtype == DTYPE_NONE) {
        a->out_dtype = draw_dtype(g, a->pairs[a->dtype[0]]);
    }
    return true;
}

bool may_index(const struct maker *g, uint32_t id)
{
    const struct facts *f = &g->facts[id];
    real most = g->policy->dim_max;
    return !f->assumed && !f->range.may_nan && f->range.lo >= -most && f->range.hi < most;
}

/* Is op(x, x) the same for all x but NaN and infinity? */
static bool cancels(const struct op *op)
{
    static const char *const names[] = {"sub", "div", "floor_div", "mod", "fmod", "xor", "bit_xor"};
    bool found = op->jumps == JUMPS_WHERE_EQUAL;
    for (size_t i = 0; !found && i < ARRAY_SIZE(names); i++) {
        found = text_equal(op->name, names[i]);
    }
    return found;
}

/* An existing value for input k, or VALUE_NEW. */
static uint32_t pick_other(struct maker *g, const struct attempt *a, uint32_t k, dtype_set set)
{
    const struct slot_spec *spec = op_input_spec(a->op, k);
    bool is_index = a->op->index_inputs >> k & 1;
    /* An existing value seldom has the right shape of a weight, or lies where the other one that it
     * is compared with does. */
    bool is_scarce = spec->constant_likely || a->op->jumps == JUMPS_WHERE_EQUAL;
    uint32_t share = g->policy->reuse_percent / (is_scarce ? 4 : 1);
    if (!percent(g, share)) {
        return VALUE_NEW;
    }
    bool has_like = IS_VALUE(a->value[0]) && !is_index;
    uint32_t id =
        pick_existing(g, a, set, spec, has_like ? &g->p->values[a->value[0]].shape : NULL);
    if (is_index && IS_VALUE(id)) {
        bool may_turn_out = a->risk == HAZARD_TRAP && dtype_is_int(g->p->values[id].dtype);
        if (a->op->unique_indices || !(may_turn_out || may_index(g, id))) {
            return VALUE_NEW;
        }
    }
    /* x - x and the like say little: a new value instead. */
    for (uint32_t i = 0; i < k && IS_VALUE(id); i++) {
        bool is_twin = a->value[i] == id && !percent(g, cancels(a->op) ? g->policy->dead_percent
                                                                       : g->policy->twin_percent);
        id = is_twin ? VALUE_NEW : id;
    }
    return id;
}

static void choose_other(struct maker *g, struct attempt *a, uint32_t k)
{
    const struct slot_spec *spec = op_input_spec(a->op, k);
    if (a->value[k] == VALUE_OPEN && spec->optional && rng_chance(&g->rng, 1, 2)) {
        a->value[k] = VALUE_ABSENT;
    }
    if (a->value[k] == VALUE_ABSENT || IS_VALUE(a->value[k])) {
        return;
    }
    a->dtype[k] = dtype_so_far(g, a, k);
    if (a->dtype[k] == DTYPE_NONE && spec->mostly_as && rng_chance(&g->rng, 3, 4)) {
        a->dtype[k] = dtype_of_slot(a, spec->mostly_as);
    }
    dtype_set set = a->dtype[k] != DTYPE_NONE ? (dtype_set)1 << a->dtype[k] : spec->dtypes;
    if (a->value[k] == VALUE_OPEN) {
        a->value[k] = pick_other(g, a, k, set);
    }
    a->dtype[k] = IS_VALUE(a->value[k]) ? g->p->values[a->value[k]].dtype : draw_dtype(g, set);
}

void draw_counts(struct maker *g, const struct op *op, uint32_t *n_in, uint32_t *n_out)
{
    *n_in = (uint32_t)op_n_inputs(op);
    if (op->in[*n_in - 1].variadic) {
        /* Two more times out of three, up to the most a node may have. */
        *n_in += (uint32_t)rng_below(&g->rng, 3);
        while (*n_in < OP_INPUTS_MAX && rng_chance(&g->rng, 1, 8)) {
            ++*n_in;
        }
    }
    *n_out = op_draw_n_out(op, &g->rng);
}

static enum hazard draw_risk(struct maker *g)
{
    bool may_be_undefined = percent(g, g->policy->undefined_percent);
    bool may_be_unproven = percent(g, g->policy->unproven_percent);
    if (!g->is_clean || !(may_be_undefined || may_be_unproven)) {
        return HAZARD_NONE;
    }
    return may_be_undefined ? HAZARD_TRAP : HAZARD_UNPROVEN;
}

bool attempt_choose(struct maker *g, struct attempt *a)
{
    a->risk = draw_risk(g);
    if (!choose_first(g, a)) {
        return false;
    }
    for (uint32_t k = 1; k < a->n_in; k++) {
        choose_other(g, a, k);
    }
    while (a->n_in > 0 && a->value[a->n_in - 1] == VALUE_ABSENT) {
        a->n_in--;
    }
    return true;
}
