/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pow: the result has the base's dtype; the exponent may have another (ONNX since 12). Floats are
 * C's pow (C23 F.10.4.4: x^0 and 1^y are 1, NaN or not). Integer powers wrap; integers to
 * fractions are truncated.
 */
#include "ops/ops_internal.h"

/* ---- evaluation ---- */

static real float_power(enum dtype d, real a, real b)
{
    /* glibc 2.36's powl has infinity for (-inf)^(-2^63), where pow has 0. */
    bool is_double = d != DTYPE_F64 || isinf(a);
    return is_double ? (real)pow((double)a, (double)b) : powl(a, b);
}

/* a^n modulo 2^64. */
static uint64_t pattern_power(uint64_t a, uint64_t n)
{
    uint64_t power = 1;
    for (; n > 0; n >>= 1) {
        power *= n & 1 ? a : 1;
        a *= a;
    }
    return power;
}

/* Integers: what is unspecified (negative exponents, fractions of negatives) is what torch and a
 * cast of C's pow give where those agree, else 0. */
static real int_power(enum dtype d, real a, real b)
{
    real limit = dtype_max(d);
    if (fabsl(b) < 0x1p63L && b == truncl(b) && b >= 0) {
        return dtype_wrap(d, pattern_power(real_pattern(a), real_pattern(b)));
    }
    real p = truncl(powl(a, b));
    return fabsl(p) <= limit ? p + 0 : 0; /* integers have no -0 */
}

BINARY_ROW(pow_row, float_power(r->d, a, b))
BINARY_ROW(pow_int_row, int_power(r->d, a, b))

/* torch: 0 where the exponent is 0, and d/dy = 0 at 0^y. */
static real pow_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    if (k == 0) {
        return x[1] == 0 ? 0 : x[1] * powl(x[0], x[1] - 1);
    }
    return x[0] == 0 && x[1] >= 0 ? 0 : y * logl(x[0]);
}

/* ---- what is open ---- */

/*
 * Floats: 0 to a negative odd power is infinite with the sign of zero, which nothing defines (see
 * div); of integer exponents that the dtype does not hold, torch rounds them to it (its type
 * promotion), ONNX Runtime to double. Integers: overflow (torch wraps; ONNX Runtime casts C's pow
 * of f64, undefined by C23 6.3.1.4); negative exponents (numpy, ONNX's reference, refuses them);
 * fractions of negatives are NaN; fractional powers so close to an integer that pow's rounding
 * decides.
 */
static bool pow_is_open(const struct evaluation *e, real a, real b)
{
    enum dtype d = e->out[0].dtype;
    if (dtype_is_float(d)) {
        bool is_int = !dtype_is_float(e->in[1]->dtype);
        return (a != 1 && is_int && dtype_round(d, b) != b) ||
               (a == 0 && b < 0 && fabsl(remainderl(b, 2)) == 1);
    }
    bool is_whole = b == truncl(b);
    real p = powl(a, b);
    bool is_near = !is_whole && fabsl(p - rintl(p)) <= 0x1p-18L * fabsl(p) && p != rintl(p);
    /* With an exponent of floats torch computes in its dtype, ONNX Runtime in double. */
    enum dtype of_b = e->in[1]->dtype;
    bool is_rounded = dtype_is_float(of_b) && fabsl(p) * dtype_roundoff(of_b) > 1;
    return !(b >= 0) || is_near || is_rounded || !int_fits(d, truncl(p)) || isnan(p);
}

static void pow_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    mark_pairs(e, mark[0], pow_is_open);
}

/*
 * a^b = exp(b ln |a|): near linear while that exponent moves by less than 1, and where it lies
 * beyond the dtype's range until it comes back. Low powers of whole exponents are polynomials,
 * which samples bound anywhere. Of negative bases all exponents but whole ones give NaN; of 0 odd
 * ones below 0 give the infinity of its sign.
 */
static real pow_reach(const struct evaluation *e, uint32_t k, real a, real b)
{
    enum dtype d = dtype_is_half(e->out[0].dtype) ? DTYPE_F32 : e->out[0].dtype;
    real base = fabsl(a), log_base = logl(base), power = b * log_base;
    if (!dtype_is_float(d) || (k == 0 && b >= 0 && b <= 4 && b == truncl(b))) {
        return INFINITY;
    }
    real lo = logl(dtype_tiny(d)) - 1, hi = logl(dtype_max(d)) + 1;
    real beyond = power < lo ? lo - power : power - hi;
    real move = beyond > 0.25L ? 4 * beyond : 1;
    if (k == 1) {
        if (base == 0) {
            return b < 0 ? fminl(-b, fabsl(remainderl(b - 1, 2))) : b;
        }
        move /= fabsl(log_base);
        return a < 0 && isfinite(b) ? fminl(move, fabsl(b - rintl(b))) : move;
    }
    return fminl(base, move * base / fabsl(b));
}

static void pow_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    reach_pairs(e, k, reach, pow_reach);
}

/* ---- range ---- */

/* Of a base without sign: b ln a is largest and smallest at the corners. */
static struct interval positive_powers(struct interval a, struct interval b)
{
    real corner[4] = {powl(a.lo, b.lo), powl(a.lo, b.hi), powl(a.hi, b.lo), powl(a.hi, b.hi)};
    struct interval out = {.lo = corner[0], .hi = corner[0]};
    for (int i = 1; i < 4; i++) {
        out.lo = fminl(out.lo, corner[i]);
        out.hi = fmaxl(out.hi, corner[i]);
    }
    if (b.lo <= 0 && b.hi >= 0) { /* x^0, of infinities too */
        out.lo = fminl(out.lo, 1);
        out.hi = fmaxl(out.hi, 1);
    }
    return interval_widen(out);
}

static struct interval real_powers(struct interval a, struct interval b, bool is_whole)
{
    if (a.lo > 0 || (a.lo == 0 && b.lo >= 0)) { /* -0 to an odd power below 0 is -inf */
        return positive_powers(a, b);
    }
    struct interval size = {.lo = a.hi < 0 ? -a.hi : 0, .hi = fmaxl(fabsl(a.lo), a.hi)};
    struct interval out = positive_powers(size, b);
    bool is_even = b.lo == b.hi && fmodl(b.lo, 2) == 0;
    out.lo = is_even ? out.lo : -out.hi;
    out.may_nan = a.lo < 0 && !is_whole && !is_even;
    return out;
}

static bool is_int_exponent(const struct range_query *q)
{
    return !dtype_is_float(q->in_value[1]->dtype);
}

static void pow_range(struct range_query *q)
{
    const struct interval a = q->in[0], b = q->in[1];
    enum dtype d = q->out_value[0]->dtype;
    struct interval out = INTERVAL_EMPTY;
    if (!interval_is_empty(a) && !interval_is_empty(b)) {
        out = real_powers(a, b, is_int_exponent(q));
    }
    bool may_nan = a.may_nan || b.may_nan || out.may_nan;
    if (!dtype_is_float(d)) {
        out.lo = truncl(fminl(out.lo, 0));
        out.hi = truncl(out.hi);
        bool is_known = !interval_is_empty(out) && !may_nan && b.lo >= 0;
        q->out[0] = is_known ? interval_fit(d, out) : interval_full(d);
        return;
    }
    if (a.may_nan || b.may_nan) { /* NaN^0 and 1^NaN */
        out = interval_union(out, (struct interval){.lo = 1, .hi = 1});
    }
    if (d != DTYPE_F64 && out.lo > 0 && out.lo < EXP_GRAIN) { /* the kernel is double's pow */
        out.lo = 0;
    }
    if (d != DTYPE_F64 && fabsl(out.hi) > 0x1p1000L) {
        out.hi = INFINITY;
        out.lo = out.lo < 0 ? -INFINITY : out.lo;
    }
    out.may_nan = may_nan;
    q->out[0] = out;
}

static enum hazard pow_hazard(const struct range_query *q)
{
    const struct interval a = q->in[0], b = q->in[1];
    enum dtype d = q->out_value[0]->dtype;
    if (dtype_is_float(d) || interval_is_empty(a) || interval_is_empty(b)) {
        return HAZARD_NONE;
    }
    struct interval out = real_powers(a, b, is_int_exponent(q));
    bool is_fine = b.lo >= 0 && !out.may_nan && !b.may_nan && out.lo >= dtype_lowest(d) &&
                   out.hi <= dtype_max(d);
    return is_fine ? HAZARD_NONE : HAZARD_UNDEFINED;
}

/* ---- structure ---- */

/* What libraries have of mixed dtypes: ONNX Runtime these four with one another. */
static bool is_mixed_drawn(enum dtype a, enum dtype b)
{
    const dtype_set mixed = DT(I32) | DT(I64) | DT(F32) | DT(F64);
    return a == b || (dtype_in(a, mixed) && dtype_in(b, mixed));
}

static bool pow_structure(struct instance *m, struct rng *rng)
{
    bool is_free = m->in[1].dtype == DTYPE_NONE;
    if (!structure_broadcast(m, rng)) {
        return false;
    }
    if (is_free) {
        m->in[1].dtype = m->in[0].dtype;
    }
    if (rng && !is_mixed_drawn(m->in[0].dtype, m->in[1].dtype)) {
        return REFUSE("%s to the power of %s is not drawn", dtype_name(m->in[0].dtype),
                      dtype_name(m->in[1].dtype));
    }
    return true;
}

/* SLEEF promises 1 ulp (pow u10), two roundoffs; measured on 4 * 10^5 values of each kind:
 * torch 1.0, ONNX Runtime 2.0 (cubes: two products). */
enum { POW_UNITS = 3 };

const struct op op_pow = {
    .name = "pow",
    .summary = "a to the power of b, broadcast, in a's dtype",
    .in = {{"a", .dtypes = DT_NUMBERS, RANK_ANY},
           {"b", .dtypes = DT_NUMBERS, .mostly_as = "a", .constant_likely = true, RANK_ANY}},
    .out = {{"y", .same_as = "a", RANK_ANY}},
    .structure = pow_structure,
    .relate = relate_broadcast_slots,
    .evaluate = elementwise_evaluate,
    .taint = elementwise_taint,
    .vjp = elementwise_vjp,
    .range = pow_range,
    .hazard = pow_hazard,
    .unspecified = pow_unspecified,
    .jumps = JUMPS_TO_INTEGERS,
    .reaches = pow_reaches,
    .elementwise = &(const struct elementwise){
        .row = pow_row, .int_row = pow_int_row, .units = POW_UNITS, .slope = pow_slope}};
