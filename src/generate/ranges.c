/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value ranges along a program: each op's interval, made an interval of values of its dtype, and
 * what may go wrong in it. Ends are snapped outward to 8 bits, because some come from libm, whose
 * last bits differ between machines, and they decide what is generated.
 */
#include <math.h>

#include "generate/generate_internal.h"

/* x87 extended: a 64-bit significand with its leading bit, then sign and exponent. */
union extended {
    real value;
    struct {
        uint64_t significand;
        uint16_t sign_exponent;
    } bits;
};

static real snap(real x, bool up)
{
    enum { DROPPED = 56 };
    const uint64_t step = (uint64_t)1 << DROPPED;
    if (x == 0 || !isfinite(x)) {
        return x;
    }
    union extended u = {.value = x};
    uint64_t kept = u.bits.significand & ~(step - 1);
    if (kept == u.bits.significand) {
        return x;
    }
    if ((x > 0) == up) {
        kept += step;
        if (kept == 0) {
            kept = (uint64_t)1 << 63;
            u.bits.sign_exponent++;
        }
    }
    u.bits.significand = kept;
    return u.value;
}

/* Rounded to the dtype: a normal number of 8 bits is one of each. */
static real fit_end(enum dtype d, real x, bool up)
{
    real snapped = snap(x, up), size = fabsl(snapped);
    bool fits = size >= dtype_min_normal(d) && size <= dtype_max(d);
    return fits ? snapped : dtype_round(d, snapped);
}

/* What hardware may flush to zero reaches zero. */
static struct interval fit_float(enum dtype d, struct interval a)
{
    real normal = dtype_min_normal(d);
    a.lo = fit_end(d, a.lo, false);
    a.hi = fit_end(d, a.hi, true);
    a.lo = a.lo > 0 && a.lo < normal ? 0 : a.lo;
    a.hi = a.hi < 0 && a.hi > -normal ? 0 : a.hi;
    return a;
}

static struct interval fit_int(enum dtype d, struct interval a)
{
    real lowest = d == DTYPE_BOOL ? 0 : dtype_lowest(d), max = d == DTYPE_BOOL ? 1 : dtype_max(d);
    bool fits = !a.may_nan && a.lo >= lowest && a.hi <= max;
    return fits || a.lo > a.hi ? a : (struct interval){.lo = lowest, .hi = max};
}

static bool is_clear(struct interval a)
{
    return !a.may_nan && (a.lo > a.hi || (isfinite(a.lo) && isfinite(a.hi)));
}

static enum hazard hazard_of(const struct range_query *q, const struct interval *out)
{
    const struct op *op = q->node->op;
    enum hazard hazard = op->hazard ? op->hazard(q) : HAZARD_NONE;
    if (hazard != HAZARD_NONE) {
        return hazard;
    }
    for (uint32_t o = 0; o < q->node->n_out; o++) {
        if (dtype_is_float(q->out_value[o]->dtype) && !is_clear(out[o])) {
            return HAZARD_UNPROVEN;
        }
    }
    return HAZARD_NONE;
}

enum hazard node_ranges(const struct program *p, const struct node *node, struct facts *facts)
{
    struct range_query q; /* large: what is beyond the node's own is left as it is */
    q.node = node;
    memset(q.in_value, 0, sizeof(q.in_value));
    bool assumed = false, is_live = false;
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] == VALUE_ABSENT) {
            q.in[k] = (struct interval){0};
            continue;
        }
        const struct facts *f = &facts[node->in[k]];
        q.in_value[k] = &p->values[node->in[k]];
        q.in[k] = f->range;
        assumed |= f->assumed;
        is_live |= f->is_live;
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        q.out_value[o] = &p->values[node->out[o]];
        q.out[o] = (struct interval){0};
    }
    node->op->range(&q);
    struct interval out[OP_OUTPUTS_MAX];
    for (uint32_t o = 0; o < node->n_out; o++) {
        enum dtype d = q.out_value[o]->dtype;
        out[o] = dtype_is_float(d) ? fit_float(d, q.out[o]) : fit_int(d, q.out[o]);
        facts[node->out[o]] =
            (struct facts){.range = out[o], .assumed = assumed, .is_live = is_live};
    }
    return hazard_of(&q, out);
}

struct interval interval_assume(enum dtype d, struct interval range)
{
    /* As far as values of a healthy program go; 2^10 is in reach of every float dtype. */
    const real far = 0x1p10L;
    if (!dtype_is_float(d)) {
        return range;
    }
    range.may_nan = false;
    range.lo = !(range.lo >= -far) ? -far : range.lo;
    range.hi = !(range.hi <= far) ? far : range.hi;
    if (range.lo > range.hi) {
        return (struct interval){.lo = -far, .hi = far};
    }
    return range;
}
