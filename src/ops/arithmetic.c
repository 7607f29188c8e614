/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic of two inputs and more: sub div floor_div mod fmod min max atan2. Three divisions go
 * together: div truncates integers, floor_div rounds down, as mod's quotient does; fmod's
 * truncates. What integers leave undefined is the same in all.
 */
#include "ops/ops_internal.h"

/* ---- sub ---- */

BINARY_ROW(sub_row, a - b)
BINARY_ROW(sub_int_row, WRAPPED(a - b, real_pattern(a) - real_pattern(b)))

static real sub_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return k == 0 ? 1 : -1;
}

static struct interval sub_bound(const struct range_query *q)
{
    const struct interval b = q->in[1];
    struct interval negated = {.lo = -b.hi, .hi = -b.lo};
    return interval_of_result(q, interval_add(q->in[0], negated));
}

const struct op op_sub = {.name = "sub",
                          .folding = FOLDS_AS_SCALE,
                          .factors = addend_factors,
                          .summary = "a - b, broadcast; integers wrap",
                          BINARY_OP(DT_NUMBERS),
                          .elementwise = &(const struct elementwise){.row = sub_row,
                                                                     .int_row = sub_int_row,
                                                                     .units = 1,
                                                                     .slope = sub_slope,
                                                                     .bound = sub_bound}};

/* ---- what divisions share ---- */

/* 1/b grows without bound toward b = 0. */
static real div_reach(uint32_t k, real x)
{
    return k == 1 ? fabsl(x) : INFINITY;
}

/* Integers: division by zero and MIN / -1 are undefined (C23 6.5.6; ONNX issue 1152: "not defined
 * by the standard"; torch raises for zero). */
static bool int_division_is_open(const struct evaluation *e, real a, real b)
{
    real lowest = dtype_lowest(e->out[0].dtype);
    return b == 0 || (lowest < 0 && a == lowest && b == -1);
}

static bool division_traps(const struct evaluation *e)
{
    return !dtype_is_float(e->out[0].dtype) && has_pair(e, int_division_is_open);
}

static bool holds(struct interval a, real x)
{
    return a.lo <= x && x <= a.hi;
}

static enum hazard division_hazard(const struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    real lowest = dtype_lowest(d);
    bool overflows = lowest < 0 && holds(q->in[0], lowest) && holds(q->in[1], -1);
    bool traps = dtype_is_int(d) && (holds(q->in[1], 0) || overflows);
    return traps ? HAZARD_TRAP : HAZARD_NONE;
}

/* Quotients of integers, rounded by `f`. */
static struct interval int_quotients(const struct range_query *q, struct interval out,
                                     real (*f)(real))
{
    enum dtype d = q->out_value[0]->dtype;
    if (interval_is_empty(out) || isinf(out.lo) || isinf(out.hi)) {
        return interval_full(d);
    }
    return interval_fit(d, (struct interval){.lo = f(out.lo), .hi = f(out.hi)});
}

/* ---- div ---- */

BINARY_ROW(div_row, a / b)
/* The quotient of two 64-bit integers never rounds up to the next integer in 64 bits. What is
 * unspecified gives 0 and the wrapped value. */
BINARY_ROW(div_int_row, b == 0 ? 0 : WRAPPED(truncl(a / b), real_pattern(truncl(a / b))))

static real div_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return k == 0 ? 1 / x[1] : -x[0] / (x[1] * x[1]);
}

static struct interval div_bound(const struct range_query *q)
{
    struct interval out = interval_div(q->in[0], q->in[1]);
    return dtype_is_float(q->out_value[0]->dtype) ? out : int_quotients(q, out, truncl);
}

/* Floats: IEEE 754 defines x / 0, but the sign of a computed zero is defined by neither ONNX nor
 * torch (max(-0, 0), sums of zeros), and with it the sign of the infinity is not either. 0 / 0 is
 * NaN for sure. */
static bool div_is_open(const struct evaluation *e, real a, real b)
{
    bool is_float = dtype_is_float(e->out[0].dtype);
    return is_float ? b == 0 && a != 0 && !isnan(a) : int_division_is_open(e, a, b);
}

static void div_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    mark_pairs(e, mark[0], div_is_open);
}

const struct op op_div = {.name = "div",
                          .folding = FOLDS_AS_SCALE,
                          .reach = div_reach,
                          .summary = "a / b, broadcast; integers truncate toward zero",
                          BINARY_OP(DT_NUMBERS),
                          .unspecified = div_unspecified,
                          .hazard = division_hazard,
                          .traps = division_traps,
                          .elementwise = &(const struct elementwise){.row = div_row,
                                                                     .int_row = div_int_row,
                                                                     .units = 1,
                                                                     .slope = div_slope,
                                                                     .bound = div_bound}};

/* ---- floor_div ---- */

/* a - b * n of the largest n that keeps the divisor's sign: exact but for the last sum. */
static real floor_remainder(real a, real b)
{
    real m = fmodl(a, b);
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

/* The quotient itself may round up to the next integer; from the exact remainder it does not. */
static real floor_quotient(real a, real b)
{
    real m = fmodl(a, b);
    if (!isfinite(a) || !isfinite(b) || b == 0) {
        return floorl(a / b);
    }
    return rintl((a - m) / b) - (m != 0 && (m < 0) != (b < 0));
}

BINARY_ROW(floor_div_row, floor_quotient(a, b))
BINARY_ROW(floor_div_int_row,
           b == 0 ? 0 : WRAPPED(floor_quotient(a, b), real_pattern(floor_quotient(a, b))))

/* torch: (a - fmod(a, b)) / b, and floor of it: two roundings, which an integer has room for up to
 * a quarter of the largest odd one. */
static real floor_div_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    real u = dtype_roundoff(d), n = fabsl(y);
    return n * u * 4 >= 1 ? 4 * u * n : 0;
}

static real no_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return 0;
}

static struct interval floor_div_bound(const struct range_query *q)
{
    struct interval out = interval_div(q->in[0], q->in[1]);
    bool may_nan = out.may_nan;
    out = interval_widen(out); /* a quotient's last bit is as good as an integer */
    if (!dtype_is_float(q->out_value[0]->dtype)) {
        return int_quotients(q, out, floorl);
    }
    return (struct interval){.lo = floorl(out.lo), .hi = floorl(out.hi), .may_nan = may_nan};
}

/* Floats: torch documents floor(a / b) but computes Python's a // b, from the remainder: of an
 * infinite a NaN, of an infinite b and the other sign -1, where the text gives infinity and 0. */
static bool floor_div_is_open(const struct evaluation *e, real a, real b)
{
    bool is_float = dtype_is_float(e->out[0].dtype);
    bool is_limit = isinf(a) || (isinf(b) && a != 0 && (a < 0) != (b < 0));
    return div_is_open(e, a, b) || (is_float && is_limit && !isnan(a) && !isnan(b));
}

static void floor_div_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    mark_pairs(e, mark[0], floor_div_is_open);
}

const struct op op_floor_div = {.name = "floor_div",
                                .reach = div_reach,
                                .summary = "the largest integer not above a / b, broadcast",
                                BINARY_OP(DT_NUMBERS),
                                .unspecified = floor_div_unspecified,
                                .hazard = division_hazard,
                                .traps = division_traps,
                                .jumps = JUMPS_ALWAYS,
                                .elementwise =
                                    &(const struct elementwise){.row = floor_div_row,
                                                                .int_row = floor_div_int_row,
                                                                .loss = floor_div_loss,
                                                                .slope = no_slope,
                                                                .bound = floor_div_bound}};

/* ---- mod, fmod ---- */

/* The result runs through all it can be while a moves by b, and b by its share of the quotient. */
static real mod_reach(const struct evaluation *e, uint32_t k, real a, real b)
{
    real quotient = fabsl(a / b);
    return k == 1 && quotient > 1 ? fabsl(b) / quotient : fabsl(b);
}

static void mod_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    reach_pairs(e, k, reach, mod_reach);
}

BINARY_ROW(mod_row, floor_remainder(a, b))
BINARY_ROW(mod_int_row, b == 0 ? 0 : floor_remainder(a, b))

static real mod_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return k == 0 ? 1 : -floor_quotient(x[0], x[1]);
}

/* NaN where b is 0 or a infinite. */
static bool may_lack_remainder(struct interval a, struct interval b)
{
    return holds(b, 0) || isinf(a.lo) || isinf(a.hi);
}

static struct interval mod_bound(const struct range_query *q)
{
    const struct interval a = q->in[0], b = q->in[1];
    if (interval_is_empty(a) || interval_is_empty(b)) {
        return interval_full(q->out_value[0]->dtype);
    }
    bool is_positive = a.lo >= 0 && b.lo >= 0;
    real hi = b.hi > 0 ? b.hi : 0;
    return (struct interval){.lo = b.lo < 0 ? b.lo : 0,
                             .hi = is_positive && a.hi < hi ? a.hi : hi,
                             .may_nan = may_lack_remainder(a, b)};
}

/*
 * Floats: torch defines remainder as a - a.div(b, rounding_mode="floor") * b, ONNX (28) Mod as A -
 * floor(A / B) * B: as computed that is noise where the quotient has more digits than the dtype
 * (half floats: single precision).
 */
static bool mod_is_open(const struct evaluation *e, real a, real b)
{
    enum dtype d = e->out[0].dtype;
    if (!dtype_is_float(d)) {
        return int_division_is_open(e, a, b);
    }
    real u = dtype_roundoff(dtype_is_half(d) ? DTYPE_F32 : d);
    return b != 0 && isfinite(a) && fabsl(a) * u >= fabsl(b);
}

static void mod_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    mark_pairs(e, mark[0], mod_is_open);
}

const struct op op_mod = {.name = "mod",
                          .reaches = mod_reaches,
                          .summary = "a - b floor(a / b), broadcast: Python's %, of the sign of b",
                          BINARY_OP(DT_NUMBERS),
                          .unspecified = mod_unspecified,
                          .hazard = division_hazard,
                          .traps = division_traps,
                          .jumps = JUMPS_ALWAYS,
                          .elementwise = &(const struct elementwise){.row = mod_row,
                                                                     .int_row = mod_int_row,
                                                                     .units = 1,
                                                                     .slope = mod_slope,
                                                                     .bound = mod_bound}};

/* Exact in every dtype, however large the quotient (IEEE 754; ONNX Mod: "exactly the value"). */
BINARY_ROW(fmod_row, fmodl(a, b))
BINARY_ROW(fmod_int_row, b == 0 ? 0 : fmodl(a, b))

static real fmod_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return k == 0 ? 1 : -truncl(x[0] / x[1]);
}

static struct interval fmod_bound(const struct range_query *q)
{
    const struct interval a = q->in[0], b = q->in[1];
    if (interval_is_empty(a) || interval_is_empty(b)) {
        return interval_full(q->out_value[0]->dtype);
    }
    real most = fmaxl(fabsl(b.lo), fabsl(b.hi));
    return (struct interval){.lo = a.lo < 0 ? -fminl(most, -a.lo) : 0,
                             .hi = a.hi > 0 ? fminl(most, a.hi) : 0,
                             .may_nan = may_lack_remainder(a, b)};
}

/* Integers: ONNX constrains T to floats before 28 where fmod is 1, though its own tests have int64;
 * ONNX Runtime computes C's fmod of f64, which does not hold them all. */
static bool fmod_is_open(const struct evaluation *e, real a, real b)
{
    bool is_beyond = fabsl(a) > 0x1p53L || fabsl(b) > 0x1p53L;
    return !dtype_is_float(e->out[0].dtype) && (is_beyond || int_division_is_open(e, a, b));
}

static void fmod_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    mark_pairs(e, mark[0], fmod_is_open);
}

const struct op op_fmod = {
    .name = "fmod",
    .reaches = mod_reaches,
    .summary = "a - b trunc(a / b), broadcast: C's fmod and %, of the sign of a",
    BINARY_OP(DT_NUMBERS),
    .unspecified = fmod_unspecified,
    .hazard = division_hazard,
    .traps = division_traps,
    .jumps = JUMPS_ALWAYS,
    .elementwise = &(const struct elementwise){
        .row = fmod_row, .int_row = fmod_int_row, .slope = fmod_slope, .bound = fmod_bound}};

/* ---- min, max ---- */

/* NaN in any input is NaN: torch.maximum says so, ONNX's reference is numpy.maximum, which does. */
static void extreme_row(const struct row *r, int sign)
{
    for (size_t i = 0; i < r->n; i++) {
        real y = r->in[0][i * r->step[0]];
        for (uint32_t k = 1; k < r->node->n_in; k++) {
            const real x = r->in[k][i * r->step[k]];
            bool stays = isnan(y) || (sign > 0 ? y >= x : y <= x);
            y = stays ? y : x;
        }
        r->y[i] = y;
    }
}

static void max_row(const struct row *r)
{
    extreme_row(r, 1);
}

static void min_row(const struct row *r)
{
    extreme_row(r, -1);
}

/* torch.maximum: equal ones share the gradient. */
static real extreme_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < node->n_in; i++) {
        n += x[i] == y;
    }
    return x[k] == y ? 1 / (real)n : 0;
}

static struct interval max_bound(const struct range_query *q)
{
    struct interval out = {.lo = -INFINITY, .hi = -INFINITY};
    for (uint32_t k = 0; k < q->node->n_in; k++) {
        out.lo = fmaxl(out.lo, q->in[k].lo);
        out.hi = fmaxl(out.hi, q->in[k].hi);
    }
    return out;
}

static struct interval min_bound(const struct range_query *q)
{
    struct interval out = {.lo = INFINITY, .hi = INFINITY};
    for (uint32_t k = 0; k < q->node->n_in; k++) {
        out.lo = fminl(out.lo, q->in[k].lo);
        out.hi = fminl(out.hi, q->in[k].hi);
    }
    return out;
}

#define EXTREME_OP                                                                                 \
    .in = {{"a", .dtypes = DT_NUMBERS, RANK_ANY},                                                  \
           {"b", .same_as = "a", .variadic = true, RANK_ANY}},                                     \
    .out = {{"y", .same_as = "a", RANK_ANY}}, .structure = structure_broadcast,                    \
    .relate = relate_broadcast_slots, ELEMENTWISE_CALLS

const struct op op_max = {.name = "max",
                          .summary = "the largest of the inputs, broadcast; NaN if there is one",
                          EXTREME_OP,
                          .elementwise = &(const struct elementwise){
                              .row = max_row, .slope = extreme_slope, .bound = max_bound}};

const struct op op_min = {.name = "min",
                          .summary = "the smallest of the inputs, broadcast; NaN if there is one",
                          EXTREME_OP,
                          .elementwise = &(const struct elementwise){
                              .row = min_row, .slope = extreme_slope, .bound = min_bound}};

/* ---- atan2 ---- */

/* SLEEF promises 1 ulp (atan2 u10), two roundoffs; measured on 8 * 10^5 values: torch 1.3. */
enum { ATAN2_UNITS = 3 };

BINARY_ROW(atan2_row, r->d == DTYPE_F64 ? atan2l(a, b) : (real)atan2((double)a, (double)b))

static real atan2_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    real square = x[0] * x[0] + x[1] * x[1];
    return (k == 0 ? x[1] : -x[0]) / square;
}

static struct interval atan2_bound(const struct range_query *q)
{
    const struct interval y = q->in[0], x = q->in[1];
    const real pi = 3.14159265358979323846L;
    struct interval out = {.lo = -pi, .hi = pi};
    if (x.lo > 0) {
        out = (struct interval){.lo = -pi / 2, .hi = pi / 2};
    }
    out.lo = y.lo > 0 ? 0 : out.lo; /* -0 is below 0 here */
    out.hi = y.hi < 0 ? 0 : out.hi;
    return interval_widen(out);
}

/* On the jump, y = 0 and x <= 0, the sign of zero decides; see div_is_open. */
static bool atan2_is_open(const struct evaluation *e, real a, real b)
{
    return a == 0 && b <= 0;
}

static void atan2_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    mark_pairs(e, mark[0], atan2_is_open);
}

const struct op op_atan2 = {
    .name = "atan2",
    .summary = "the angle of the point (b, a), broadcast",
    BINARY_OP(DT_FLOATS),
    .unspecified = atan2_unspecified,
    .jumps = JUMPS_ALWAYS,
    .elementwise = &(const struct elementwise){
        .row = atan2_row, .units = ATAN2_UNITS, .slope = atan2_slope, .bound = atan2_bound}};
