/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interval arithmetic over the extended reals for the ops' `range`: sound, not tight. Ends may be
 * infinite; NaN-ness travels as a flag. Rounding of the ends is covered because evaluation rounds
 * the same way (monotone), or by widening.
 */
#include "ops/ops_internal.h"

bool interval_is_empty(struct interval a)
{
    return !(a.lo <= a.hi);
}

static bool has_zero(struct interval a)
{
    return a.lo <= 0 && a.hi >= 0;
}

static bool has_infinity(struct interval a)
{
    return isinf(a.lo) || isinf(a.hi);
}

struct interval interval_union(struct interval a, struct interval b)
{
    bool may_nan = a.may_nan || b.may_nan;
    struct interval out = a;
    if (interval_is_empty(a)) {
        out = b;
    } else if (!interval_is_empty(b)) {
        out.lo = a.lo < b.lo ? a.lo : b.lo;
        out.hi = a.hi > b.hi ? a.hi : b.hi;
    }
    out.may_nan = may_nan;
    return out;
}

struct interval interval_add(struct interval a, struct interval b)
{
    bool may_nan = a.may_nan || b.may_nan;
    if (interval_is_empty(a) || interval_is_empty(b)) {
        return (struct interval){.lo = INFINITY, .hi = -INFINITY, .may_nan = may_nan};
    }
    bool clash = (a.hi == INFINITY && b.lo == -INFINITY) || (a.lo == -INFINITY && b.hi == INFINITY);
    real lo = a.lo + b.lo, hi = a.hi + b.hi;
    return (struct interval){.lo = isnan(lo) ? -INFINITY : lo,
                             .hi = isnan(hi) ? INFINITY : hi,
                             .may_nan = may_nan || clash};
}

/* 0 * inf is NaN only at the point; near it anything finite can come: the other ends bound it. */
static real product(real a, real b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

static struct interval hull4(real a, real b, real c, real d, bool may_nan)
{
    real lo = fminl(fminl(a, b), fminl(c, d)), hi = fmaxl(fmaxl(a, b), fmaxl(c, d));
    return (struct interval){.lo = lo, .hi = hi, .may_nan = may_nan};
}

struct interval interval_mul(struct interval a, struct interval b)
{
    bool may_nan = a.may_nan || b.may_nan;
    if (interval_is_empty(a) || interval_is_empty(b)) {
        return (struct interval){.lo = INFINITY, .hi = -INFINITY, .may_nan = may_nan};
    }
    may_nan |= (has_zero(a) && has_infinity(b)) || (has_zero(b) && has_infinity(a));
    return hull4(product(a.lo, b.lo), product(a.lo, b.hi), product(a.hi, b.lo), product(a.hi, b.hi),
                 may_nan);
}

static real quotient(real a, real b)
{
    return isinf(b) ? 0 : a / b;
}

struct interval interval_div(struct interval a, struct interval b)
{
    bool may_nan = a.may_nan || b.may_nan;
    if (interval_is_empty(a) || interval_is_empty(b)) {
        return (struct interval){.lo = INFINITY, .hi = -INFINITY, .may_nan = may_nan};
    }
    may_nan |= (has_zero(a) && has_zero(b)) || (has_infinity(a) && has_infinity(b));
    if (has_zero(b)) {
        return (struct interval){.lo = -INFINITY, .hi = INFINITY, .may_nan = may_nan};
    }
    /* inf / inf is NaN, but inf over the finite part of b is inf */
    struct interval out = hull4(quotient(a.lo, b.lo), quotient(a.lo, b.hi), quotient(a.hi, b.lo),
                                quotient(a.hi, b.hi), may_nan);
    if (has_infinity(a) && has_infinity(b)) {
        out.lo = -INFINITY;
        out.hi = INFINITY;
    }
    return out;
}

struct interval interval_widen(struct interval a)
{
    /* 2^-50: far above long double's rounding of any formula here, far below f32's. */
    if (isfinite(a.lo)) {
        a.lo -= fabsl(a.lo) * 0x1p-50L;
    }
    if (isfinite(a.hi)) {
        a.hi += fabsl(a.hi) * 0x1p-50L;
    }
    return a;
}

struct interval interval_widen_by(struct interval a, size_t n)
{
    real slack = (real)(n + 1) * 0x1p-50L;
    a.lo = isfinite(a.lo) ? a.lo - fabsl(a.lo) * slack : a.lo;
    a.hi = isfinite(a.hi) ? a.hi + fabsl(a.hi) * slack : a.hi;
    return a;
}

struct interval interval_monotone(struct interval a, real lo, real hi, real (*f)(real))
{
    if (a.hi < lo || a.lo > hi) {
        return (struct interval){.lo = INFINITY, .hi = -INFINITY, .may_nan = true};
    }
    real from = f(fmaxl(a.lo, lo)), to = f(fminl(a.hi, hi));
    struct interval out = {.lo = from < to ? from : to, .hi = from < to ? to : from};
    out = interval_widen(out);
    out.may_nan = a.lo < lo || a.hi > hi;
    return out;
}

struct interval interval_clamp(struct interval a, real lo, real hi)
{
    return (struct interval){.lo = fminl(fmaxl(a.lo, lo), hi), .hi = fminl(fmaxl(a.hi, lo), hi)};
}

struct interval interval_sum(struct interval a, size_t n)
{
    if (n == 0) {
        return (struct interval){.lo = 0, .hi = 0};
    }
    if (interval_is_empty(a)) {
        return a;
    }
    bool clash = a.lo == -INFINITY && a.hi == INFINITY && n > 1;
    struct interval out = {.lo = a.lo * (real)n, .hi = a.hi * (real)n};
    if (n > 1) {
        /* Partial sums round relative to the largest of them. */
        real slack = fmaxl(fabsl(out.lo), fabsl(out.hi)) * (real)n * 0x1p-50L;
        out.lo = isfinite(out.lo) ? out.lo - slack : out.lo;
        out.hi = isfinite(out.hi) ? out.hi + slack : out.hi;
        out.lo = isnan(out.lo) ? -INFINITY : out.lo;
        out.hi = isnan(out.hi) ? INFINITY : out.hi;
    }
    out.may_nan = a.may_nan || clash;
    return out;
}

struct interval interval_full(enum dtype d)
{
    return (struct interval){.lo = dtype_lowest(d), .hi = dtype_max(d)};
}

struct interval interval_fit(enum dtype d, struct interval a)
{
    if (interval_is_empty(a)) {
        return a;
    }
    bool fits = a.lo >= dtype_lowest(d) && a.hi <= dtype_max(d);
    return fits ? (struct interval){.lo = a.lo, .hi = a.hi} : interval_full(d);
}

struct interval interval_of_result(const struct range_query *q, struct interval a)
{
    enum dtype d = q->out_value[0]->dtype;
    return dtype_is_float(d) ? a : interval_fit(d, a);
}
