/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unary functions: rounding and signs (abs sign ceil round trunc), powers (square reciprocal
 * rsqrt), exponentials and logarithms, trigonometry, hyperbolic functions, erf; is_nan and is_inf.
 * Neighbours of old are in elementwise.c (neg relu exp log sqrt tan floor).
 */
#include "ops/ops_internal.h"

/*
 * Roundoffs. Libraries promise 1 to 4 ulps (SLEEF u10, u35); an ulp is two roundoffs. Measured on
 * 10^6 values of f32 and f64 in each of several ranges against long double, ONNX Runtime 1.31 /
 * torch 2.13: exp2 1.0 / 1.2, expm1 - / 1.5, log2 - / 1.1, log1p - / 2.0, sin and cos 5.1 / 1.1
 * where the argument is small or not near a zero, asin 8.5 / 1.5, acos 5.1 / 1.5, atan 4.9 / 1.4,
 * sinh 2.7 / 2.0, cosh 2.5 / 1.0, tanh 9.0 (f64; f32 5.5) / 1.3, asinh 2.3 / 2.3, acosh 2.1 / 2.3,
 * atanh 2.2 / 2.0, erf 1.4 / 1.2, rsqrt 1.5 / 1.5, reciprocal and square 1.0 / 1.0. Half
 * floats: 1.0, one rounding.
 */
enum {
    FINE_UNITS = 4, /* all that stay below 3 */
    SIN_UNITS = 5,
    ASIN_UNITS = 9,
    ACOS_UNITS = 6,
    ATAN_UNITS = 5,
    TANH_UNITS = 10,
    RSQRT_UNITS = 3, /* two roundings, nothing exact */
    RECIPROCAL_UNITS = 1,
    SQUARE_UNITS = 1,
};

/* What a library computes d in (torch: at::opmath_type; ONNX Runtime: casts to float). */
static enum dtype computed_in(enum dtype d)
{
    return dtype_is_half(d) ? DTYPE_F32 : d;
}

/* ---- reach: how far an input may move while the result stays near linear ---- */

/* The scale on which exponentials and waves bend. */
static real unit_reach(uint32_t k, real x)
{
    return 1;
}

/* Steepest at zero, ever flatter outwards. */
static real flat_reach(uint32_t k, real x)
{
    return fmaxl(1, fabsl(x));
}

/* The distance to a pole or an end of the domain: at 0, at -1, at 1, at both. */
static real zero_reach(uint32_t k, real x)
{
    return fabsl(x);
}

static real minus_one_reach(uint32_t k, real x)
{
    return fabsl(x + 1);
}

static real one_reach(uint32_t k, real x)
{
    return fabsl(x - 1);
}

static real ones_reach(uint32_t k, real x)
{
    return fabsl(fabsl(x) - 1);
}

/* ---- what most functions are ---- */

/* f(x) from libm's function of that name. */
#define FUNCTION_ROW(function) UNARY_ROW(function##_row, REAL_FUNCTION(function, x))
#define SLOPE(function, expression)                                                                \
    static real function##_slope(const struct node *node, uint32_t k, const real *in, real y)      \
    {                                                                                              \
        const real x = in[0];                                                                      \
        (void)x; /* some follow from y alone */                                                    \
        return (expression);                                                                       \
    }
#define BOUND(function, expression)                                                                \
    static struct interval function##_bound(const struct range_query *q)                           \
    {                                                                                              \
        const struct interval a = q->in[0];                                                        \
        return (expression);                                                                       \
    }
#define MONOTONE_BOUND(function, lo, hi) BOUND(function, interval_monotone(a, lo, hi, function##l))

/* The elementwise data of an op that has a row, a slope and a bound of its name. */
#define KERNELS(function, ...)                                                                     \
    .elementwise = &(const struct elementwise)                                                     \
    {                                                                                              \
        .row = function##_row, .slope = function##_slope, .bound = function##_bound, __VA_ARGS__   \
    }

/* Magnitudes of the elements. */
static struct interval magnitude(struct interval a)
{
    real lo = fabsl(a.lo), hi = fabsl(a.hi);
    bool has_zero = a.lo <= 0 && a.hi >= 0;
    return (struct interval){.lo = has_zero ? 0 : fminl(lo, hi), .hi = fmaxl(lo, hi)};
}

static struct interval interval_of(real lo, real hi)
{
    return (struct interval){.lo = lo, .hi = hi};
}

/* ---- abs, sign ---- */

UNARY_ROW(abs_row, fabsl(x))
UNARY_ROW(abs_int_row, fabsl(x) <= r->hi ? fabsl(x) : x)
SLOPE(abs, (x > 0) - (x < 0)) /* 0 at 0, as torch has it */
BOUND(abs, interval_of_result(q, magnitude(a)))

const struct op op_abs = {.name = "abs",
                          .summary = "magnitude; the smallest integer stays itself",
                          UNARY_OP(DT_NUMBERS),
                          KERNELS(abs, .int_row = abs_int_row)};

static real sign_of(real x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

UNARY_ROW(sign_row, sign_of(x))
SLOPE(sign, 0)
BOUND(sign, interval_of(sign_of(a.lo), sign_of(a.hi)))

/* NaN: torch gives 0, numpy NaN; the ONNX text has three cases, none of which NaN is. */
const struct op op_sign = {.name = "sign",
                           .summary = "-1, 0 or 1",
                           UNARY_OP(DT_NUMBERS),
                           .jumps = JUMPS_ALWAYS,
                           .unspecified = nan_unspecified,
                           KERNELS(sign)};

/* ---- to integers ---- */

UNARY_ROW(ceil_row, ceill(x))
SLOPE(ceil, 0)
BOUND(ceil, interval_of(ceill(a.lo), ceill(a.hi)))

const struct op op_ceil = {.name = "ceil",
                           .summary = "the smallest integer not below x",
                           UNARY_OP(DT_NUMBERS),
                           .jumps = JUMPS_ALWAYS,
                           KERNELS(ceil)};

/* "For halves, the rule is to round to the nearest even integer" (ONNX Round-11); torch.round says
 * the same. */
UNARY_ROW(round_row, rintl(x))
SLOPE(round, 0)
BOUND(round, interval_of(rintl(a.lo), rintl(a.hi)))

const struct op op_round = {.name = "round",
                            .summary = "the nearest integer, halves to even",
                            UNARY_OP(DT_NUMBERS),
                            .jumps = JUMPS_ALWAYS,
                            KERNELS(round)};

UNARY_ROW(trunc_row, truncl(x))
SLOPE(trunc, 0)
BOUND(trunc, interval_of(truncl(a.lo), truncl(a.hi)))

const struct op op_trunc = {.name = "trunc",
                            .summary = "the integer part",
                            UNARY_OP(DT_NUMBERS),
                            .jumps = JUMPS_ALWAYS,
                            KERNELS(trunc)};

/* ---- square, reciprocal, rsqrt ---- */

UNARY_ROW(square_row, x *x)
UNARY_ROW(square_int_row, WRAPPED(x *x, real_pattern(x) * real_pattern(x)))
SLOPE(square, 2 * x)

static struct interval square_bound(const struct range_query *q)
{
    struct interval a = magnitude(q->in[0]);
    return interval_of_result(q, interval_of(a.lo * a.lo, a.hi * a.hi));
}

const struct op op_square = {.name = "square",
                             .summary = "x * x; integers wrap",
                             UNARY_OP(DT_NUMBERS),
                             .folding = FOLDS_AS_SCALE,
                             KERNELS(square, .int_row = square_int_row, .units = SQUARE_UNITS)};

/* The sign of a computed zero is defined by neither ONNX nor torch, and with it that of 1 / 0 is
 * not: as for div. */
static void pole_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    for (size_t i = 0; i < e->out[0].n; i++) {
        mark[0][i] |= e->in[0]->v[i] == 0;
    }
}

UNARY_ROW(reciprocal_row, 1 / x)
SLOPE(reciprocal, -y *y)
BOUND(reciprocal, interval_div(interval_of(1, 1), a))

const struct op op_reciprocal = {.name = "reciprocal",
                                 .summary = "1 / x",
                                 UNARY_OP(DT_FLOATS),
                                 .reach = zero_reach,
                                 .unspecified = pole_unspecified,
                                 KERNELS(reciprocal, .units = RECIPROCAL_UNITS)};

/* + 0: no minus zero */
static real rsqrtl(real x)
{
    return 1 / sqrtl(x + 0);
}

UNARY_ROW(rsqrt_row, rsqrtl(x))
SLOPE(rsqrt, -0.5L * y * y * y)
MONOTONE_BOUND(rsqrt, 0, INFINITY)

const struct op op_rsqrt = {.name = "rsqrt",
                            .summary = "1 / sqrt(x)",
                            UNARY_OP(DT_FLOATS),
                            .reach = zero_reach,
                            .unspecified = pole_unspecified,
                            KERNELS(rsqrt, .units = RSQRT_UNITS)};

/* ---- exponentials and logarithms ---- */

#define LN_2 0.693147180559945309417L

FUNCTION_ROW(exp2)
SLOPE(exp2, y *LN_2)

static struct interval exp2_bound(const struct range_query *q)
{
    struct interval y = interval_monotone(q->in[0], -INFINITY, INFINITY, exp2l);
    y.lo = y.lo < EXP_GRAIN ? 0 : y.lo;
    y.hi = fmaxl(y.hi, EXP_GRAIN);
    return y;
}

const struct op op_exp2 = {.name = "exp2",
                           .summary = "2 to the power of x",
                           UNARY_OP(DT_FLOATS),
                           .reach = unit_reach,
                           KERNELS(exp2, .units = FINE_UNITS)};

FUNCTION_ROW(expm1)
SLOPE(expm1, y + 1)
MONOTONE_BOUND(expm1, -INFINITY, INFINITY)

const struct op op_expm1 = {.name = "expm1",
                            .summary = "e to the power of x, less 1",
                            UNARY_OP(DT_FLOATS),
                            .reach = unit_reach,
                            KERNELS(expm1, .units = FINE_UNITS)};

FUNCTION_ROW(log2)
SLOPE(log2, 1 / (x * LN_2))
MONOTONE_BOUND(log2, 0, INFINITY)

const struct op op_log2 = {.name = "log2",
                           .summary = "logarithm to base 2",
                           UNARY_OP(DT_FLOATS),
                           .reach = zero_reach,
                           KERNELS(log2, .units = FINE_UNITS)};

FUNCTION_ROW(log1p)
SLOPE(log1p, 1 / (1 + x))
MONOTONE_BOUND(log1p, -1, INFINITY)

const struct op op_log1p = {.name = "log1p",
                            .summary = "natural logarithm of 1 + x",
                            UNARY_OP(DT_FLOATS),
                            .reach = minus_one_reach,
                            KERNELS(log1p, .units = FINE_UNITS)};

/* ---- trigonometry ---- */

/*
 * Behind the first quarter turn a multiple of pi/2 is taken away, which loses what that multiple
 * was rounded to: a few roundoffs of 1, though of a tiny result that may be all. ONNX Runtime's f64
 * (Eigen) loses up to 5.6 below |x| = 15, nothing above; torch and f32 nothing anywhere, up to the
 * largest arguments. No text promises more.
 */
#define QUARTER 0.78L /* a little less than pi/4 */
static real reduction_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    const real roundoffs = 6;
    return fabsl(x[0]) <= QUARTER ? 0 : roundoffs * dtype_roundoff(computed_in(d));
}

/* A little less than pi/2. */
#define HALF_TURN 1.57L

/* Infinity gives NaN. */
static struct interval wave_bound(struct interval a)
{
    return (struct interval){.lo = -1, .hi = 1, .may_nan = isinf(a.lo) || isinf(a.hi)};
}

static bool is_near_zero(struct interval a)
{
    return a.lo >= -HALF_TURN && a.hi <= HALF_TURN;
}

FUNCTION_ROW(sin)
SLOPE(sin, cosl(x))
BOUND(sin, is_near_zero(a) ? interval_monotone(a, -HALF_TURN, HALF_TURN, sinl) : wave_bound(a))

const struct op op_sin = {.name = "sin",
                          .summary = "sine",
                          UNARY_OP(DT_FLOATS),
                          .reach = unit_reach,
                          KERNELS(sin, .units = SIN_UNITS, .loss = reduction_loss)};

FUNCTION_ROW(cos)
SLOPE(cos, -sinl(x))
BOUND(cos, is_near_zero(a) ? interval_monotone(magnitude(a), 0, HALF_TURN, cosl) : wave_bound(a))

const struct op op_cos = {.name = "cos",
                          .summary = "cosine",
                          UNARY_OP(DT_FLOATS),
                          .reach = unit_reach,
                          KERNELS(cos, .units = SIN_UNITS, .loss = reduction_loss)};

FUNCTION_ROW(asin)
SLOPE(asin, 1 / sqrtl(1 - x * x))
MONOTONE_BOUND(asin, -1, 1)

const struct op op_asin = {.name = "asin",
                           .summary = "inverse sine",
                           UNARY_OP(DT_FLOATS),
                           .reach = ones_reach,
                           KERNELS(asin, .units = ASIN_UNITS)};

FUNCTION_ROW(acos)
SLOPE(acos, -1 / sqrtl(1 - x * x))
MONOTONE_BOUND(acos, -1, 1)

const struct op op_acos = {.name = "acos",
                           .summary = "inverse cosine",
                           UNARY_OP(DT_FLOATS),
                           .reach = ones_reach,
                           KERNELS(acos, .units = ACOS_UNITS)};

FUNCTION_ROW(atan)
SLOPE(atan, 1 / (1 + x * x))
MONOTONE_BOUND(atan, -INFINITY, INFINITY)

const struct op op_atan = {.name = "atan",
                           .summary = "inverse tangent",
                           UNARY_OP(DT_FLOATS),
                           .reach = flat_reach,
                           KERNELS(atan, .units = ATAN_UNITS)};

/* ---- hyperbolic functions ---- */

FUNCTION_ROW(sinh)
SLOPE(sinh, coshl(x))
MONOTONE_BOUND(sinh, -INFINITY, INFINITY)

const struct op op_sinh = {.name = "sinh",
                           .summary = "hyperbolic sine",
                           UNARY_OP(DT_FLOATS),
                           .reach = unit_reach,
                           KERNELS(sinh, .units = FINE_UNITS)};

FUNCTION_ROW(cosh)
SLOPE(cosh, sinhl(x))
BOUND(cosh, interval_monotone(magnitude(a), 0, INFINITY, coshl))

const struct op op_cosh = {.name = "cosh",
                           .summary = "hyperbolic cosine",
                           UNARY_OP(DT_FLOATS),
                           .reach = unit_reach,
                           KERNELS(cosh, .units = FINE_UNITS)};

/* A rational function multiplies x by small coefficients before it divides: near the smallest
 * normal value bits are lost on the way (ONNX Runtime's f32: 200 roundoffs at 1.2e-38, 5e-3 being
 * its coefficient). */
static real tanh_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    const real steps = 256;
    return steps * dtype_tiny(computed_in(d));
}

FUNCTION_ROW(tanh)
SLOPE(tanh, 1 - y * y)
MONOTONE_BOUND(tanh, -INFINITY, INFINITY)

const struct op op_tanh = {.name = "tanh",
                           .summary = "hyperbolic tangent",
                           UNARY_OP(DT_FLOATS),
                           .reach = flat_reach,
                           KERNELS(tanh, .units = TANH_UNITS, .loss = tanh_loss)};

FUNCTION_ROW(asinh)
SLOPE(asinh, 1 / hypotl(1, x))
MONOTONE_BOUND(asinh, -INFINITY, INFINITY)

const struct op op_asinh = {.name = "asinh",
                            .summary = "inverse hyperbolic sine",
                            UNARY_OP(DT_FLOATS),
                            .reach = flat_reach,
                            KERNELS(asinh, .units = FINE_UNITS)};

FUNCTION_ROW(acosh)
SLOPE(acosh, 1 / sqrtl((x - 1) * (x + 1)))
MONOTONE_BOUND(acosh, 1, INFINITY)

const struct op op_acosh = {.name = "acosh",
                            .summary = "inverse hyperbolic cosine",
                            UNARY_OP(DT_FLOATS),
                            .reach = one_reach,
                            KERNELS(acosh, .units = FINE_UNITS)};

FUNCTION_ROW(atanh)
SLOPE(atanh, 1 / ((1 - x) * (1 + x)))
MONOTONE_BOUND(atanh, -1, 1)

const struct op op_atanh = {.name = "atanh",
                            .summary = "inverse hyperbolic tangent",
                            UNARY_OP(DT_FLOATS),
                            .reach = ones_reach,
                            KERNELS(atanh, .units = FINE_UNITS)};

/* ---- erf ---- */

#define TWO_OVER_SQRT_PI 1.12837916709551257390L

FUNCTION_ROW(erf)
SLOPE(erf, TWO_OVER_SQRT_PI *expl(-x *x))
MONOTONE_BOUND(erf, -INFINITY, INFINITY)

const struct op op_erf = {.name = "erf",
                          .summary = "error function",
                          UNARY_OP(DT_FLOATS),
                          .reach = flat_reach,
                          KERNELS(erf, .units = FINE_UNITS)};

/* ---- is_nan, is_inf ---- */

#define CLASS_OP                                                                                   \
    .in = {{"x", .dtypes = DT_NUMBERS, RANK_ANY}}, .out = {{"y", .dtypes = DT(BOOL), RANK_ANY}},   \
    .relate = relate_same, .evaluate = elementwise_evaluate, .taint = elementwise_taint,           \
    .range = elementwise_range, .jumps = JUMPS_ALWAYS

/* Programs of ordinary values ask too, so that the answer counts as open for floats. */
static struct interval class_bound(const struct range_query *q)
{
    return interval_of(0, dtype_is_float(q->in_value[0]->dtype));
}

UNARY_ROW(is_nan_row, isnan(x) != 0)
const struct op op_is_nan = {
    .name = "is_nan",
    .summary = "is it NaN?",
    CLASS_OP,
    .structure = structure_same,
    .elementwise = &(const struct elementwise){.row = is_nan_row, .bound = class_bound}};

static void is_inf_row(const struct row *r)
{
    const bool negative = node_int(r->node, "detect_negative", 1) != 0;
    const bool positive = node_int(r->node, "detect_positive", 1) != 0;
    for (size_t i = 0; i < r->n; i++) {
        const real x = r->in[0][i * r->step[0]];
        r->y[i] = (negative && x == -INFINITY) || (positive && x == INFINITY);
    }
}

static bool is_inf_structure(struct instance *m, struct rng *rng)
{
    bool detects;
    return structure_same(m, rng) && settle_bool(m, "detect_negative", rng, &detects) &&
           settle_bool(m, "detect_positive", rng, &detects);
}

const struct op op_is_inf = {
    .name = "is_inf",
    .summary = "is it infinite, of the signs that are looked for?",
    CLASS_OP,
    .attrs = {{"detect_negative", ATTR_BOOL, .usually_true = true},
              {"detect_positive", ATTR_BOOL, .usually_true = true}},
    .structure = is_inf_structure,
    .elementwise = &(const struct elementwise){.row = is_inf_row, .bound = class_bound}};
