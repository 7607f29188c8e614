/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cast: every dtype to every dtype. Floats to integers truncate toward zero; integers to narrower
 * ones keep the low bits (ONNX Cast: "discard higher bits and reinterpret"; torch the same); to
 * bool: nonzero, NaN included, is true; to floats: to nearest even, overflow to infinity.
 */
#include "ops/ops_internal.h"

static real cast_value(enum dtype to, real x)
{
    if (to == DTYPE_BOOL) {
        return x != 0;
    }
    if (dtype_is_float(to)) {
        return x;
    }
    real t = truncl(x);
    if (int_fits(to, t)) {
        return t;
    }
    /* Integers keep the low bits. Floats out of range are unspecified: any value will do. */
    return fabsl(t) <= 0x1p63L ? dtype_wrap(to, real_pattern(t)) : dtype_lowest(to);
}

static void cast_row(const struct row *r)
{
    for (size_t i = 0; i < r->n; i++) {
        r->y[i] = cast_value(r->d, r->in[0][i]);
    }
}

static real cast_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return 1; /* asked for only between floats */
}

static struct interval cast_bound(const struct range_query *q)
{
    const struct interval a = q->in[0];
    enum dtype to = q->out_value[0]->dtype;
    if (to == DTYPE_BOOL) {
        bool never = !a.may_nan && a.lo == 0 && a.hi == 0;
        bool always = !interval_is_empty(a) && (a.lo > 0 || a.hi < 0);
        return (struct interval){.lo = always, .hi = !never};
    }
    if (dtype_is_float(to)) {
        return (struct interval){.lo = a.lo, .hi = a.hi};
    }
    if (interval_is_empty(a) || a.may_nan) {
        return interval_full(to);
    }
    return interval_fit(to, (struct interval){.lo = truncl(a.lo), .hi = truncl(a.hi)});
}

/* A float outside the integer's range, infinity and NaN: undefined (C23 6.3.1.4; ONNX Cast: "fixed
 * point: undefined if OOR"; torch gives what the processor does). */
static void cast_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *x = e->in[0];
    enum dtype to = e->out[0].dtype;
    if (!dtype_is_float(x->dtype) || !dtype_is_int(to)) {
        return;
    }
    for (size_t i = 0; i < x->n; i++) {
        real t = truncl(x->v[i]);
        mark[0][i] |= !(t >= dtype_lowest(to) && t <= dtype_max(to));
    }
}

static enum hazard cast_hazard(const struct range_query *q)
{
    const struct interval a = q->in[0];
    enum dtype to = q->out_value[0]->dtype;
    if (!dtype_is_float(q->in_value[0]->dtype) || !dtype_is_int(to)) {
        return HAZARD_NONE;
    }
    bool beyond =
        !interval_is_empty(a) && (a.lo <= dtype_lowest(to) - 1 || a.hi >= dtype_max(to) + 1);
    return a.may_nan || beyond ? HAZARD_UNDEFINED : HAZARD_NONE;
}

static bool cast_structure(struct instance *m, struct rng *rng)
{
    struct attr *to = instance_attr(m, "to");
    if (to) {
        if (m->out[0].dtype != DTYPE_NONE && m->out[0].dtype != to->dtype) {
            return REFUSE("the result is %s, not %s as `to` says", dtype_name(m->out[0].dtype),
                          dtype_name(to->dtype));
        }
        m->out[0].dtype = to->dtype;
    }
    if (!structure_same(m, rng)) {
        return false;
    }
    if (!to) {
        if (!rng) {
            return REFUSE("attribute to is missing");
        }
        instance_add_attr(m, "to", ATTR_DTYPE, 1)->dtype = m->out[0].dtype;
    }
    return true;
}

const struct op op_cast = {
    .name = "cast",
    .summary = "to another dtype",
    .in = {{"x", .dtypes = DT_ALL, .rank_min = 0, .rank_max = RANK_MAX}},
    .out = {{"y", .dtypes = DT_ALL, .rank_min = 0, .rank_max = RANK_MAX}},
    .attrs = {{"to", ATTR_DTYPE}},
    .structure = cast_structure,
    .relate = relate_same,
    .evaluate = elementwise_evaluate,
    .taint = elementwise_taint,
    .vjp = elementwise_vjp,
    .range = elementwise_range,
    .unspecified = cast_unspecified,
    .hazard = cast_hazard,
    .jumps = JUMPS_TO_INTEGERS,
    .elementwise = &(const struct elementwise){
        .row = cast_row, .units = 1, .slope = cast_slope, .bound = cast_bound}};
