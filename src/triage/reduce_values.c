/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tactics that change elements: values become 1, 0, small integers, short fractions; dtypes become
 * the ordinary ones. A value that could not be made simpler is then a part of the fault.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* ---- values ---- */

enum {
    SMALL = 16,    /* what people still read at a glance */
    PARTS_MAX = 8, /* of a leaf that change by themselves: more cost more runs than they save */
};

static real to_one(real v)
{
    return 1;
}

static real to_zero(real v)
{
    return 0;
}

static real clamp_small(real v)
{
    const real top = SMALL;
    return v > top ? top : v < -top ? -top : v;
}

static real to_integer(real v)
{
    return roundl(clamp_small(v));
}

static real to_eighths(real v)
{
    return roundl(clamp_small(v) * 8) / 8;
}

/* The least whole number that so many bits cannot hold, NaN for what they hold: what sums of
 * integers in floats lose is told by it, and not by the largest of all, which looks like
 * saturation. */
static real beyond(real v, int bits)
{
    real least = ldexpl(1, bits) + 1;
    return v >= least ? least : v <= -least ? -least : (real)NAN;
}

static real beyond_float(real v)
{
    return beyond(v, FLT_MANT_DIG);
}

static real beyond_double(real v)
{
    return beyond(v, DBL_MANT_DIG);
}

/* Four significant bits: keeps the magnitude, which tiny and huge values are about. Towards 0, so
 * that what is near the largest does not go beyond it. */
static real to_four_bits(real v)
{
    int exponent;
    real fraction = frexpl(v, &exponent);
    return ldexpl(truncl(fraction * 16), exponent - 4);
}

/* In the order in which they are tried: each gives what the later ones would leave alone. A value's
 * cost is the place of the first that does not change it. */
struct transform {
    real (*of)(real); /* NaN: not of this one */
    dtype_set dtypes; /* whose numbers it may change */
};
static const struct transform transforms[] = {
    {to_one, DT_ALL},        {to_zero, DT_ALL},        {to_integer, DT_ALL},   {to_eighths, DT_ALL},
    {beyond_float, DT_INTS}, {beyond_double, DT_INTS}, {to_four_bits, DT_ALL},
};

static size_t cost(enum dtype d, real v)
{
    if (!isfinite(v)) {
        return ARRAY_SIZE(transforms) + 1;
    }
    size_t i = 0;
    while (i < ARRAY_SIZE(transforms) && (!dtype_in(d, transforms[i].dtypes) ||
                                          transforms[i].of(v) != v || (v == 0 && signbit(v)))) {
        i++;
    }
    return i;
}

bool is_telling(enum dtype d, real v)
{
    return cost(d, v) >= 2;
}

/* A single number that was written into a graph of several ops is a parameter of what they do
 * together, as an attribute is of one: the 2 that is squared by, an epsilon. It stays about
 * as large as it was, for with another one they may do something else, which optimisers should not
 * take for the same. */
static bool is_parameter(const struct reducer *r, const struct value *v)
{
    const struct program *first = r->failure.test->program;
    if (v->kind != VALUE_CONST || r->best.program->n_nodes < 2 || shape_numel(&v->shape) != 1) {
        return false;
    }
    uint32_t id = program_find_value(first, v->name);
    return id != VALUE_ABSENT && first->values[id].kind == VALUE_CONST &&
           shape_numel(&first->values[id].shape) == 1;
}

/* Changes what gets cheaper in elements from .. from+n-1, of a parameter by a quarter at most; how
 * many did. */
static size_t simplify(const struct reducer *r, const struct value *v, void *data, size_t from,
                       size_t n, const struct transform *transform)
{
    size_t changed = 0;
    bool is_near = is_parameter(r, v);
    for (size_t i = from; i < from + n && dtype_in(v->dtype, transform->dtypes); i++) {
        real old = dtype_load(v->dtype, data, i);
        real new = isnan(old) ? 1 : transform->of(old);
        if (isnan(new)) {
            continue;
        }
        new = dtype_round(v->dtype, isfinite(new) ? new : 1);
        bool may = !is_near || fabsl(new - old) <= fabsl(old) / 4;
        if (may && cost(v->dtype, new) < cost(v->dtype, old)) {
            dtype_store(v->dtype, data, i, new);
            changed++;
        }
    }
    return changed;
}

/* Part `part` of `parts` of one leaf, or of each (VALUE_ABSENT). */
static bool try_transform(struct reducer *r, uint32_t only, size_t part, size_t parts,
                          const struct transform *transform)
{
    struct candidate c = candidate_new(r);
    size_t changed = 0;
    for (uint32_t id = 0; id < c.program->n_values; id++) {
        const struct value *v = &c.program->values[id];
        if (is_leaf(v) && (only == VALUE_ABSENT || only == id)) {
            size_t n = shape_numel(&v->shape);
            size_t from = n * part / parts, to = n * (part + 1) / parts;
            changed += simplify(r, v, c.leaf[id], from, to - from, transform);
        }
    }
    if (changed == 0) {
        arena_reset(r->scratch);
        return false;
    }
    return reduce_try(r, &c);
}

/* The whole leaf, then its parts, finer and finer; single elements only where they are few. */
static bool simplify_leaf(struct reducer *r, uint32_t id, const struct transform *transform)
{
    size_t n = shape_numel(&r->best.program->values[id].shape);
    bool progress = false;
    for (size_t parts = 1; parts <= n && parts <= PARTS_MAX; parts *= 2) {
        bool did = false;
        for (size_t part = 0; part < parts && !reduce_over(r); part++) {
            did = try_transform(r, id, part, parts, transform) || did;
        }
        progress = progress || did;
        if (parts == 1 && did) {
            break;
        }
    }
    return progress;
}

/* Elements of part `part` of `parts` that could not be made 1 or 0 become the leaf's first such
 * one. What falls is how many elements before one of its value are another. */
static bool try_unify(struct reducer *r, uint32_t id, size_t part, size_t parts)
{
    struct candidate c = candidate_new(r);
    const struct value *v = &c.program->values[id];
    size_t n = shape_numel(&v->shape), first = 0;
    bool changed = false;
    while (first < n && !is_telling(v->dtype, dtype_load(v->dtype, c.leaf[id], first))) {
        first++;
    }
    real value = first < n ? dtype_load(v->dtype, c.leaf[id], first) : 0;
    for (size_t i = n * part / parts; i < n * (part + 1) / parts; i++) {
        real old = dtype_load(v->dtype, c.leaf[id], i);
        if (i > first && is_telling(v->dtype, old) && old != value && !isnan(old)) {
            dtype_store(v->dtype, c.leaf[id], i, value);
            changed = true;
        }
    }
    if (!changed) {
        arena_reset(r->scratch);
        return false;
    }
    return reduce_try(r, &c);
}

/* Fewer different elements, in the whole leaf or in parts of it. */
static bool unify_leaf(struct reducer *r, uint32_t id)
{
    bool progress = false;
    size_t n = shape_numel(&r->best.program->values[id].shape);
    for (size_t parts = 1; parts <= n && parts <= PARTS_MAX && !progress; parts *= 2) {
        for (size_t part = 0; part < parts && !reduce_over(r); part++) {
            progress = try_unify(r, id, part, parts) || progress;
        }
    }
    return progress;
}

static bool values_apply(struct reducer *r)
{
    bool progress = false;
    for (size_t t = 0; t < ARRAY_SIZE(transforms); t++) {
        if (try_transform(r, VALUE_ABSENT, 0, 1, &transforms[t])) {
            progress = true;
            continue;
        }
        for (uint32_t id = 0; id < r->best.program->n_values && !reduce_over(r); id++) {
            if (is_leaf(&r->best.program->values[id])) {
                progress = simplify_leaf(r, id, &transforms[t]) || progress;
            }
        }
    }
    for (uint32_t id = 0; id < r->best.program->n_values && !reduce_over(r); id++) {
        if (is_leaf(&r->best.program->values[id])) {
            progress = unify_leaf(r, id) || progress;
        }
    }
    return progress;
}

const struct tactic tactic_values = {
    .name = "values",
    .summary = "ones, zeros, small integers, short fractions, fewer different ones",
    .apply = values_apply,
};

/* ---- dtypes ---- */

/* What replaces what: rows tried from the top, each everywhere in the program at once. People try
 * f32 first, then i64 for what must be whole. */
static const struct {
    dtype_set from;
    enum dtype to;
} simpler[] = {
    {DT_NUMBERS & ~DT(F32), DTYPE_F32},
    {DT_FLOATS & ~DT(F32), DTYPE_F32},
    {DT_INTS & ~DT(I64), DTYPE_I64},
    {DT(F64), DTYPE_F32},
    {DT(F16), DTYPE_F32},
    {DT(BF16), DTYPE_F32},
    {DT(F16), DTYPE_F64},
    {DT(BF16), DTYPE_F64},
};

static void change_leaf(struct reducer *r, struct candidate *c, uint32_t id, enum dtype to)
{
    struct value *v = &c->program->values[id];
    struct tensor changed = tensor_new(r->scratch, to, &v->shape);
    size_t n = shape_numel(&v->shape);
    for (size_t i = 0; i < n; i++) {
        dtype_store(to, changed.data, i, dtype_load(v->dtype, c->leaf[id], i));
    }
    c->leaf[id] = changed.data;
    v->dtype = to;
}

/* Indices stay whole, whatever becomes of the rest. */
static bool is_index(const struct program *p, uint32_t id)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; k < node->n_in; k++) {
            if (node->in[k] == id && ((node->op->index_inputs >> k) & 1) != 0) {
                return true;
            }
        }
    }
    return false;
}

bool candidate_retype(struct reducer *r, struct candidate *c, dtype_set from, enum dtype to)
{
    struct program *p = c->program;
    bool changed = false;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (is_leaf(v) && dtype_in(v->dtype, from) && !(dtype_is_float(to) && is_index(p, id))) {
            change_leaf(r, c, id, to);
            changed = true;
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t a = 0; a < p->nodes[i].n_attrs; a++) {
            struct attr *attr = &p->nodes[i].attrs[a];
            if (attr->kind == ATTR_DTYPE && dtype_in(attr->dtype, from)) {
                attr->dtype = to;
                changed = true;
            }
        }
    }
    return changed && candidate_infer(r, c);
}

static bool try_dtypes(struct reducer *r, dtype_set from, enum dtype to)
{
    struct candidate c = candidate_new(r);
    bool smaller = candidate_retype(r, &c, from, to) && reduce_try(r, &c);
    arena_reset(r->scratch);
    return smaller;
}

static bool dtypes_apply(struct reducer *r)
{
    bool progress = false;
    for (size_t i = 0; i < ARRAY_SIZE(simpler) && !reduce_over(r); i++) {
        progress = try_dtypes(r, simpler[i].from, simpler[i].to) || progress;
    }
    return progress;
}

const struct tactic tactic_dtypes = {
    .name = "dtypes",
    .summary = "f32 and i64 where any dtype will do",
    .apply = dtypes_apply,
};
