/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise arithmetic: add mul neg relu exp log sqrt tan floor clip. Broadcasting is numpy's
 * (ONNX "Multidirectional Broadcasting", torch "Broadcasting semantics"). Integers wrap modulo
 * 2^bits: ONNX says nothing, torch and every compiler's kernels do.
 */
#include "ops/ops_internal.h"

/* exp, log, tan: libraries promise 1 to 4 ulps (SLEEF u10 1.0, u35 3.5); an ulp is two roundoffs.
 * Measured on 10^6 values: ONNX Runtime 1.31's log 3.9 roundoffs, its exp 2.4, tan 1.4; torch 1.2.
 */
enum { EXP_UNITS = 4, LOG_UNITS = 4, TAN_UNITS = 4 };

/* ---- reach: how far an input may move while the result stays near linear ---- */

/* Beyond the ends of the range the result is 0 or infinite, whatever moves there (masks of -1e9).
 * Half floats: as computed, in single precision. */
static void exp_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    const struct array *x = e->in[0];
    enum dtype d = dtype_is_half(x->dtype) ? DTYPE_F32 : x->dtype;
    real lo = logl(dtype_tiny(d)) - 1, hi = logl(dtype_max(d)) + 1;
    for (size_t i = 0; i < x->n; i++) {
        real beyond = x->v[i] < lo ? lo - x->v[i] : x->v[i] - hi;
        reach[i] = beyond > 0.25L ? 4 * beyond : 1;
    }
}

static real log_reach(uint32_t k, real x)
{
    return fabsl(x);
}

/* The distance to the nearest odd multiple of pi/2. */
static real tan_reach(uint32_t k, real x)
{
    real from_pole = remainderl(x - 1.57079632679489661923L, 3.14159265358979323846L);
    return isfinite(x) ? fabsl(from_pole) : INFINITY;
}

/* ---- add, mul ---- */

UNARY_ROW(neg_row, -x)
UNARY_ROW(neg_int_row, WRAPPED(0 - x, 0 - real_pattern(x)))
BINARY_ROW(add_row, a + b)
BINARY_ROW(add_int_row, WRAPPED(a + b, real_pattern(a) + real_pattern(b)))
BINARY_ROW(mul_row, a *b)
BINARY_ROW(mul_int_row, WRAPPED(a *b, real_pattern(a) * real_pattern(b)))

static real add_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return 1;
}

static struct interval add_bound(const struct range_query *q)
{
    return interval_of_result(q, interval_add(q->in[0], q->in[1]));
}

/* An addend is no factor; how far it moves the sum matters where it is large. */
void addend_factors(const struct evaluation *e, uint32_t k, real *factor)
{
    for (size_t i = 0; i < e->in[k]->n; i++) {
        factor[i] = fmaxl(fabsl(e->in[k]->v[i]), 1);
    }
}

const struct op op_add = {.name = "add",
                          .folding = FOLDS_AS_SCALE,
                          .factors = addend_factors,
                          .summary = "a + b, broadcast; integers wrap",
                          BINARY_OP(DT_NUMBERS),
                          .elementwise = &(const struct elementwise){.row = add_row,
                                                                     .int_row = add_int_row,
                                                                     .units = 1,
                                                                     .slope = add_slope,
                                                                     .bound = add_bound}};

static real mul_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[1 - k];
}

static struct interval mul_bound(const struct range_query *q)
{
    return interval_of_result(q, interval_mul(q->in[0], q->in[1]));
}

const struct op op_mul = {.name = "mul",
                          .folding = FOLDS_AS_SCALE,
                          .summary = "a * b, broadcast; integers wrap",
                          BINARY_OP(DT_NUMBERS),
                          .elementwise = &(const struct elementwise){.row = mul_row,
                                                                     .int_row = mul_int_row,
                                                                     .units = 1,
                                                                     .slope = mul_slope,
                                                                     .bound = mul_bound}};

/* ---- neg, relu, floor ---- */

static real neg_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return -1;
}

static struct interval neg_bound(const struct range_query *q)
{
    return interval_of_result(q, (struct interval){.lo = -q->in[0].hi, .hi = -q->in[0].lo});
}

const struct op op_neg = {
    .name = "neg",
    .summary = "-x; the smallest integer stays itself",
    UNARY_OP(DT_SIGNED | DT_FLOATS),
    .elementwise = &(const struct elementwise){
        .row = neg_row, .int_row = neg_int_row, .slope = neg_slope, .bound = neg_bound}};

/* relu(NaN) is NaN: torch.relu is clamp_min(0), which keeps NaN; ONNX Relu's function body is
 * Max(x, 0), and NaN goes through Max's reference implementation (numpy.maximum). */
UNARY_ROW(relu_row, x < 0 ? 0 : x)

static real relu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] > 0;
}

static struct interval relu_bound(const struct range_query *q)
{
    return interval_clamp(q->in[0], 0, INFINITY);
}

const struct op op_relu = {.name = "relu",
                           .summary = "max(x, 0); NaN stays",
                           UNARY_OP(DT_SIGNED | DT_FLOATS),
                           .elementwise = &(const struct elementwise){
                               .row = relu_row, .slope = relu_slope, .bound = relu_bound}};

UNARY_ROW(floor_row, floorl(x))

static real floor_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return 0;
}

static struct interval floor_bound(const struct range_query *q)
{
    return (struct interval){.lo = floorl(q->in[0].lo), .hi = floorl(q->in[0].hi)};
}

const struct op op_floor = {.name = "floor",
                            .summary = "the largest integer not above x",
                            UNARY_OP(DT_FLOATS),
                            .jumps = JUMPS_ALWAYS,
                            .elementwise = &(const struct elementwise){
                                .row = floor_row, .slope = floor_slope, .bound = floor_bound}};

/* ---- exp, log, sqrt, tan ---- */

UNARY_ROW(exp_row, REAL_FUNCTION(exp, x))

static real exp_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return y;
}

static struct interval exp_bound(const struct range_query *q)
{
    struct interval y =
        interval_widen((struct interval){.lo = expl(q->in[0].lo), .hi = expl(q->in[0].hi)});
    y.lo = y.lo < EXP_GRAIN ? 0 : y.lo; /* where double is no longer finer by 2^-52 */
    y.hi = y.hi < EXP_GRAIN ? EXP_GRAIN : y.hi;
    return y;
}

const struct op op_exp = {
    .name = "exp",
    .reaches = exp_reaches,
    .summary = "e to the power of x",
    UNARY_OP(DT_FLOATS),
    .elementwise = &(const struct elementwise){
        .row = exp_row, .units = EXP_UNITS, .slope = exp_slope, .bound = exp_bound}};

UNARY_ROW(log_row, REAL_FUNCTION(log, x))

static real log_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return 1 / x[0];
}

static struct interval log_bound(const struct range_query *q)
{
    return interval_monotone(q->in[0], 0, INFINITY, logl);
}

const struct op op_log = {
    .name = "log",
    .reach = log_reach,
    .summary = "natural logarithm",
    UNARY_OP(DT_FLOATS),
    .elementwise = &(const struct elementwise){
        .row = log_row, .units = LOG_UNITS, .slope = log_slope, .bound = log_bound}};

/* Correctly rounded in IEEE 754, but torch's (MKL) misses that in 0.6 % of elements by up to 0.21
 * roundoffs; squares give their roots exactly there, too. */
enum { SQRT_UNITS = 2 };
UNARY_ROW(sqrt_row, sqrtl(x))

static real sqrt_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return 0.5L / y;
}

static struct interval sqrt_bound(const struct range_query *q)
{
    return interval_monotone(q->in[0], 0, INFINITY, sqrtl);
}

const struct op op_sqrt = {
    .name = "sqrt",
    .summary = "square root",
    UNARY_OP(DT_FLOATS),
    .elementwise = &(const struct elementwise){
        .row = sqrt_row, .units = SQRT_UNITS, .slope = sqrt_slope, .bound = sqrt_bound}};

UNARY_ROW(tan_row, REAL_FUNCTION(tan, x))

static real tan_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return 1 + y * y;
}

static struct interval tan_bound(const struct range_query *q)
{
    struct interval a = q->in[0];
    if (a.lo > -1.57L && a.hi < 1.57L) { /* between the poles at -pi/2 and pi/2 */
        return interval_widen((struct interval){.lo = tanl(a.lo), .hi = tanl(a.hi)});
    }
    bool may_nan = isinf(a.lo) || isinf(a.hi);
    return (struct interval){.lo = -INFINITY, .hi = INFINITY, .may_nan = may_nan};
}

const struct op op_tan = {
    .name = "tan",
    .reach = tan_reach,
    .summary = "tangent",
    UNARY_OP(DT_FLOATS),
    .elementwise = &(const struct elementwise){
        .row = tan_row, .units = TAN_UNITS, .slope = tan_slope, .bound = tan_bound}};

/* ---- clip ---- */

/* NaN stays: torch.clamp keeps it; ONNX Clip's function body is Where(Less(x, min), min, x), and so
 * on: no comparison holds. */
static void clip_row(const struct row *r)
{
    const real lo = (real)node_real(r->node, "min", 0), hi = (real)node_real(r->node, "max", 0);
    for (size_t i = 0; i < r->n; i++) {
        const real x = r->in[0][i];
        r->y[i] = x < lo ? lo : x > hi ? hi : x;
    }
}

/* torch: the gradient is 1 where min <= x <= max. */
static real clip_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] >= (real)node_real(node, "min", 0) && x[0] <= (real)node_real(node, "max", 0);
}

static struct interval clip_bound(const struct range_query *q)
{
    return interval_clamp(q->in[0], (real)node_real(q->node, "min", 0),
                          (real)node_real(q->node, "max", 0));
}

static bool check_limit(struct instance *m, const char *name, struct rng *rng)
{
    const struct attr *a = instance_attr(m, name);
    enum dtype d = m->in[0].dtype;
    if (!a) {
        return rng ? true : REFUSE("attribute %s is missing", name); /* drawn by clip_finish */
    }
    real v = (real)a->f;
    bool is_integral = dtype_is_float(d) || (truncl(v) == v && int_fits(d, v));
    if (isnan(v) || !is_integral || (dtype_is_float(d) && dtype_round(d, v) != v)) {
        return REFUSE("%s %g is not a value of %s", name, a->f, dtype_name(d));
    }
    return true;
}

static bool clip_structure(struct instance *m, struct rng *rng)
{
    if (!structure_same(m, rng) || !check_limit(m, "min", rng) || !check_limit(m, "max", rng)) {
        return false;
    }
    const struct attr *lo = instance_attr(m, "min"), *hi = instance_attr(m, "max");
    if (lo && hi && lo->f > hi->f) {
        return REFUSE("min %g lies above max %g", lo->f, hi->f);
    }
    return true;
}

/*
 * A value with few bits. Where it is known between what ends the input's values lie, mostly on the
 * way from their middle (0, if it is between) to the end, log-uniform: within, and most values are
 * near the middle.
 */
static real draw_limit(const struct instance *m, const char *name, const struct interval *range,
                       struct rng *rng)
{
    enum dtype d = m->in[0].dtype;
    bool is_known = range && isfinite(range->lo) && isfinite(range->hi) && range->lo < range->hi;
    real v = (real)draw_real(m, name, d, rng);
    if (is_known && rng_chance(rng, 3, 4)) {
        bool has_zero = range->lo <= 0 && range->hi >= 0;
        real middle = has_zero ? 0 : (range->lo + range->hi) / 2;
        real end = strcmp(name, "min") == 0 ? range->lo : range->hi;
        v = middle + (end - middle) / (real)(1U << rng_below(rng, 6));
    }
    v = dtype_round(DTYPE_BF16, v); /* 8 bits */
    if (dtype_is_float(d)) {
        v = dtype_round(d, v);
        return isinf(v) ? (v > 0 ? dtype_max(d) : dtype_lowest(d)) : v;
    }
    v = truncl(v) + 0; /* integers have no -0 */
    /* 2^53: attributes are f64 */
    real lo = fmaxl(dtype_lowest(d), -0x1p53L), hi = fminl(dtype_max(d), 0x1p53L);
    return fminl(fmaxl(v, lo), hi);
}

static void clip_finish(struct instance *m, const struct interval *range, struct rng *rng)
{
    enum dtype d = m->in[0].dtype;
    if (instance_attr(m, "min") || instance_attr(m, "max")) {
        return;
    }
    real lo = draw_limit(m, "min", range, rng), hi = draw_limit(m, "max", range, rng);
    if (rng_chance(rng, 1, 3)) { /* as in relu6 */
        lo = 0;
        hi = hi > 0 ? hi : 6;
    }
    if (lo > hi) {
        real t = lo;
        lo = hi;
        hi = t;
    }
    if (dtype_is_float(d) && rng_chance(rng, 1, 4)) { /* one side open */
        bool is_low = rng_chance(rng, 1, 2);
        lo = is_low ? -INFINITY : lo;
        hi = is_low ? hi : INFINITY;
    }
    instance_add_attr(m, "min", ATTR_REAL, 1)->f = (double)lo;
    instance_add_attr(m, "max", ATTR_REAL, 1)->f = (double)hi;
}

const struct op op_clip = {.name = "clip",
                           .summary = "min(max(x, min), max); an infinite limit is none; NaN stays",
                           UNARY_SLOTS(DT_NUMBERS),
                           .attrs = {{"min", ATTR_REAL, .real = {{0, -1}, 0x1p-6, 12, SIGNS_BOTH}},
                                     {"max", ATTR_REAL, .real = {{6, 1}, 0x1p-6, 12, SIGNS_BOTH}}},
                           .structure = clip_structure,
                           .finish = clip_finish,
                           .elementwise = &(const struct elementwise){
                               .row = clip_row, .slope = clip_slope, .bound = clip_bound}};
