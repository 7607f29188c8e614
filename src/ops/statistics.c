/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reductions whose result is a function of a sum or a product: reduce_mean reduce_prod reduce_l1
 * reduce_l2 reduce_log_sum_exp reduce_var. Half floats are computed in f32 and rounded once (torch:
 * at::opmath_type; ONNX Runtime casts). Where an intermediate result may leave the range of that
 * dtype by one way of computing and not by another, noise is infinite.
 */
#include "ops/ops_internal.h"

/* ---- shared ---- */

/* The dtype that accumulates. */
static enum dtype accumulator(enum dtype d)
{
    return dtype_is_half(d) ? DTYPE_F32 : d;
}

/* Of the last rounding, when accumulation is wider. */
static real half_rounding(enum dtype d, real y)
{
    return dtype_is_half(d) && isfinite(y) ? dtype_roundoff(d) * fabsl(y) : 0;
}

/* sum of f(x - center[o]) over each group o, finite terms only if asked. */
enum term { TERM_MAGNITUDE, TERM_SQUARE, TERM_FINITE_MAGNITUDE, TERM_FINITE_SQUARE };

static real term_of(enum term t, real v)
{
    if (t >= TERM_FINITE_MAGNITUDE && !isfinite(v)) {
        return 0;
    }
    return t == TERM_MAGNITUDE || t == TERM_FINITE_MAGNITUDE ? fabsl(v) : v * v;
}

static real *sum_terms(const struct evaluation *e, const size_t *map, enum term t,
                       const real *center)
{
    const struct array *x = e->in[0];
    real *sum = ARENA_ZARRAY(e->scratch, real, e->out[0].n);
    for (size_t i = 0; i < x->n; i++) {
        sum[map[i]] += term_of(t, center ? x->v[i] - center[map[i]] : x->v[i]);
    }
    return sum;
}

static size_t n_terms(const struct evaluation *e)
{
    return reduction_size(e->node, &e->in[0]->shape);
}

static size_t query_terms(const struct range_query *q)
{
    return reduction_size(q->node, &q->in_value[0]->shape);
}

static struct interval magnitude_of(struct interval a)
{
    real lo = fabsl(a.lo), hi = fabsl(a.hi);
    struct interval out = {.lo = lo < hi ? lo : hi, .hi = lo < hi ? hi : lo, .may_nan = a.may_nan};
    out.lo = a.lo <= 0 && a.hi >= 0 ? 0 : out.lo;
    return interval_is_empty(a) ? a : out;
}

/* ---- reduce_mean ---- */

/* The sum's error and one more of the division, or two by the reciprocal of n. A power of two
 * divides exactly. */
static void mean_noise(struct evaluation *e, const size_t *map, size_t n)
{
    const struct array *x = e->in[0], *y = &e->out[0];
    enum dtype d = y->dtype, acc = accumulator(d);
    struct sum_noise s = sum_noise_init(acc, n, grid_of(x));
    const real *magnitude = sum_terms(e, map, TERM_FINITE_MAGNITUDE, NULL);
    real u = n & (n - 1) ? 2 * dtype_roundoff(acc) : 0, min = dtype_min_normal(acc);
    for (size_t o = 0; o < y->n; o++) {
        real v = y->v[o], sum = v * (real)n;
        bool overflows = magnitude[o] * (1 + 2 * s.gamma) > s.limit;
        if (!isfinite(v)) {
            e->noise[0][o] = overflows && isinf(v) ? INFINITY : 0;
            continue;
        }
        real noise = sum_noise_of(&s, sum, magnitude[o]);
        bool is_exact = noise == 0 && u == 0 && (v == 0 || fabsl(v) >= min) && !x->inexact;
        real tiny = is_exact ? 0 : dtype_tiny(acc);
        noise = noise / (real)n + u * fabsl(v) + tiny;
        if (dtype_is_half(d) && !(is_exact && dtype_round(d, v) == v)) {
            noise += half_rounding(d, v);
        }
        e->noise[0][o] = overflows ? INFINITY : magnitude[o] == 0 ? 0 : noise;
    }
}

static void reduce_mean_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e), n = n_terms(e);
    memset(y->v, 0, sizeof(real) * y->n); /* all bits zero is +0 */
    for (size_t i = 0; i < x->n; i++) {
        y->v[map[i]] += x->v[i];
    }
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] /= (real)n;
    }
    if (e->noise[0]) {
        mean_noise(e, map, n);
    }
}

static void reduce_mean_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const size_t *map = reduction_of(v->e), n = n_terms(v->e);
    for (size_t i = 0; i < v->e->in[0]->n; i++) {
        v->grad[0][i] += v->cotangent[0][map[i]] / (real)n;
    }
}

static void reduce_mean_range(struct range_query *q)
{
    size_t n = query_terms(q);
    struct interval sum = interval_sum(q->in[0], n);
    q->out[0] = sum;
    q->out[0].lo = sum.lo / (real)n;
    q->out[0].hi = sum.hi / (real)n;
    q->out[0] = interval_widen(q->out[0]);
}

/* Of integers ONNX says neither how the mean is rounded nor where it may overflow, and torch has no
 * such mean; the mean of nothing is "undefined" (ONNX) or NaN (torch): neither is made. */
const struct op op_reduce_mean = {.name = "reduce_mean",
                                  .summary = "mean over axes",
                                  .is_mean = true,
                                  REDUCE_OP(DT_FLOATS),
                                  .relate = reduce_relate_some,
                                  .evaluate = reduce_mean_evaluate,
                                  .vjp = reduce_mean_vjp,
                                  .range = reduce_mean_range};

/* ---- reduce_prod ---- */

static void reduce_prod_noise(struct evaluation *e, const size_t *map)
{
    const struct array *x = e->in[0], *y = &e->out[0];
    size_t n = n_terms(e);
    struct factors *f = factors_of_none(e->scratch, y->n);
    for (size_t i = 0; i < x->n; i++) {
        factors_add(&f[map[i]], x->v[i]);
    }
    for (size_t o = 0; o < y->n; o++) {
        e->noise[0][o] = factors_noise(&f[o], y->dtype, n, y->v[o], x->inexact);
    }
}

static struct scaled *products(const struct evaluation *e, const size_t *map)
{
    struct scaled *p = ARENA_ZARRAY(e->scratch, struct scaled, e->out[0].n);
    for (size_t o = 0; o < e->out[0].n; o++) {
        p[o].fraction = 1;
    }
    for (size_t i = 0; i < e->in[0]->n; i++) {
        scaled_multiply(&p[map[i]], e->in[0]->v[i]);
    }
    return p;
}

static void reduce_prod_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e);
    if (dtype_is_float(y->dtype)) {
        const struct scaled *p = products(e, map);
        for (size_t o = 0; o < y->n; o++) {
            y->v[o] = scaled_value(&p[o]);
        }
        if (e->noise[0]) {
            reduce_prod_noise(e, map);
        }
        return;
    }
    uint64_t *product = ARENA_ARRAY(e->scratch, uint64_t, y->n);
    for (size_t o = 0; o < y->n; o++) {
        product[o] = 1;
    }
    for (size_t i = 0; i < x->n; i++) {
        product[map[i]] *= real_pattern(x->v[i]);
    }
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = dtype_wrap(y->dtype, product[o]);
    }
}

static void reduce_prod_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    if (dtype_is_float(e->out[0].dtype)) {
        return;
    }
    const struct scaled *p = products(e, reduction_of(e));
    real *exact = ARENA_ARRAY(e->scratch, real, e->out[0].n);
    for (size_t o = 0; o < e->out[0].n; o++) {
        exact[o] = scaled_value(&p[o]); /* rounded to 64 bits: 2^64 stays beyond what fits */
    }
    reduce_mark_overflow(e, exact, mark[0]);
}

/* The product of the others. */
static void reduce_prod_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const struct array *x = v->e->in[0];
    size_t n_out = v->e->out[0].n, *zeros = ARENA_ZARRAY(v->e->scratch, size_t, n_out);
    const size_t *map = reduction_of(v->e);
    real *product = ARENA_ARRAY(v->e->scratch, real, n_out);
    for (size_t o = 0; o < n_out; o++) {
        product[o] = 1;
    }
    for (size_t i = 0; i < x->n; i++) {
        zeros[map[i]] += x->v[i] == 0;
        product[map[i]] *= x->v[i] == 0 ? 1 : x->v[i];
    }
    for (size_t i = 0; i < x->n; i++) {
        size_t o = map[i], others = zeros[o] - (x->v[i] == 0);
        real rest = x->v[i] == 0 ? product[o] : product[o] / x->v[i];
        v->grad[0][i] += others ? 0 : v->cotangent[0][o] * rest;
    }
}

static void reduce_prod_range(struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    size_t n = query_terms(q);
    struct interval x = q->in[0], size = magnitude_of(x);
    if (n == 0) {
        q->out[0] = (struct interval){.lo = 1, .hi = 1};
        return;
    }
    if (interval_is_empty(x)) {
        q->out[0] = x;
        return;
    }
    real least = powl(size.lo, (real)n), most = powl(size.hi, (real)n);
    struct interval out = {.lo = x.lo >= 0 ? least : -most, .hi = most};
    out.may_nan = x.may_nan || (size.lo == 0 && isinf(size.hi));
    out = interval_widen_by(out, n);
    q->out[0] = dtype_is_float(d) ? out : interval_fit(d, out);
}

const struct op op_reduce_prod = {.name = "reduce_prod",
                                  .summary = "product over axes; integers wrap; of none: 1",
                                  REDUCE_OP(DT_NUMBERS),
                                  .relate = reduce_relate,
                                  .evaluate = reduce_prod_evaluate,
                                  .vjp = reduce_prod_vjp,
                                  .range = reduce_prod_range,
                                  .unspecified = reduce_prod_unspecified};

/* ---- reduce_l1 ---- */

static void reduce_l1_evaluate(struct evaluation *e)
{
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e);
    const real *sum = sum_terms(e, map, TERM_MAGNITUDE, NULL);
    bool is_float = dtype_is_float(y->dtype);
    for (size_t o = 0; o < y->n; o++) {
        bool fits = is_float || int_fits(y->dtype, sum[o]);
        y->v[o] = fits ? sum[o] : 0; /* unspecified */
    }
    if (e->noise[0] && is_float) {
        struct sum_noise s = sum_noise_init(y->dtype, n_terms(e), grid_of(e->in[0]));
        for (size_t o = 0; o < y->n; o++) {
            e->noise[0][o] = isfinite(y->v[o]) ? sum_noise_of(&s, y->v[o], y->v[o]) : 0;
        }
    }
}

static void reduce_l1_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    if (!dtype_is_float(e->out[0].dtype)) {
        reduce_mark_overflow(e, sum_terms(e, reduction_of(e), TERM_MAGNITUDE, NULL), mark[0]);
    }
}

static void reduce_l1_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const struct array *x = v->e->in[0];
    const size_t *map = reduction_of(v->e);
    for (size_t i = 0; i < x->n; i++) {
        v->grad[0][i] += v->cotangent[0][map[i]] * (real)((x->v[i] > 0) - (x->v[i] < 0));
    }
}

static void reduce_l1_range(struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    struct interval sum = interval_sum(magnitude_of(q->in[0]), query_terms(q));
    q->out[0] = dtype_is_float(d) ? sum : interval_fit(d, sum);
    if (!dtype_is_float(d)) {
        q->out[0] = interval_union(q->out[0], (struct interval){.lo = 0, .hi = 0});
    }
}

const struct op op_reduce_l1 = {.name = "reduce_l1",
                                .summary = "sum of magnitudes over axes",
                                REDUCE_OP(DT_NUMBERS),
                                .relate = reduce_relate,
                                .evaluate = reduce_l1_evaluate,
                                .vjp = reduce_l1_vjp,
                                .range = reduce_l1_range,
                                .unspecified = reduce_l1_unspecified};

/* ---- reduce_l2 ---- */

/* ONNX's formula sqrt(sum(x * x)) may be taken at its word: the squares overflow or underflow on
 * their way. The square root halves the relative error of the sum. */
static real l2_noise(enum dtype d, size_t n, real y, real squares)
{
    enum dtype acc = accumulator(d);
    real gamma = noise_gamma(acc, (real)n + 1), lost = (real)n * dtype_tiny(acc);
    if (!isfinite(y) || y == 0) {
        return 0;
    }
    if (squares * (1 + 2 * gamma) > dtype_max(acc)) {
        return INFINITY;
    }
    real low = squares > lost ? sqrtl(squares - lost) : 0;
    return y * (gamma / 2 + 2 * dtype_roundoff(acc)) + (y - low) + half_rounding(d, y);
}

static void reduce_l2_evaluate(struct evaluation *e)
{
    struct array *y = &e->out[0];
    const real *squares = sum_terms(e, reduction_of(e), TERM_SQUARE, NULL);
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = sqrtl(squares[o]);
        if (e->noise[0]) {
            e->noise[0][o] = l2_noise(y->dtype, n_terms(e), y->v[o], squares[o]);
        }
    }
}

static void reduce_l2_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const struct array *x = v->e->in[0];
    const real *y = v->e->out[0].v;
    const size_t *map = reduction_of(v->e);
    for (size_t i = 0; i < x->n; i++) {
        v->grad[0][i] += y[map[i]] == 0 ? 0 : v->cotangent[0][map[i]] * x->v[i] / y[map[i]];
    }
}

static void reduce_l2_range(struct range_query *q)
{
    size_t n = query_terms(q);
    struct interval size = magnitude_of(q->in[0]);
    if (n == 0) {
        q->out[0] = (struct interval){.lo = 0, .hi = 0};
        return;
    }
    size.lo *= sqrtl((real)n);
    size.hi *= sqrtl((real)n);
    q->out[0] = interval_is_empty(size) ? size : interval_widen_by(size, n);
}

/* Of integers ONNX does not say how the root is rounded: not made. */
const struct op op_reduce_l2 = {.name = "reduce_l2",
                                .summary = "square root of the sum of squares over axes",
                                REDUCE_OP(DT_FLOATS),
                                .relate = reduce_relate,
                                .evaluate = reduce_l2_evaluate,
                                .vjp = reduce_l2_vjp,
                                .range = reduce_l2_range};

/* ---- reduce_log_sum_exp ---- */

/*
 * The sum of n exps has a relative error, which the logarithm makes absolute: two exps of 2 ulps,
 * n additions (x - max rounds relative to itself, but terms far below weigh little); the logarithm
 * and the last addition round relative to what they give. Half of the worst case, which c
 * more than doubles; measured, of 1 + |y|: up to 3.9 roundoffs (ONNX Runtime 1.31), 1.8
 * (torch 2.13). ONNX's text says log(sum(exp(x))), torch's documentation and ONNX Runtime subtract
 * the maximum first: where the plain formula overflows or loses all, nothing is expected.
 * torch.logsumexp is written with other ops (ATen ReduceOps.cpp), so half floats are rounded after
 * x - max, exp, sum and log.
 */
static real log_sum_exp_noise(enum dtype d, size_t n, real y, real most)
{
    enum dtype acc = accumulator(d);
    if (!isfinite(y)) {
        return 0;
    }
    real u = dtype_roundoff(acc);
    if (y + 1 > logl(dtype_max(acc)) || most - 1 < logl(dtype_min_normal(acc))) {
        return INFINITY;
    }
    real noise = u * (4 + (real)n / 2 + 2 * fabsl(y)) + half_rounding(d, y);
    return noise + (dtype_is_half(d) ? dtype_roundoff(d) * (1 + logl((real)n)) : 0);
}

static void reduce_log_sum_exp_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e), n = n_terms(e);
    real *most = ARENA_ARRAY(e->scratch, real, y->n), *sum = ARENA_ZARRAY(e->scratch, real, y->n);
    for (size_t o = 0; o < y->n; o++) {
        most[o] = -INFINITY;
    }
    for (size_t i = 0; i < x->n; i++) {
        real *m = &most[map[i]];
        *m = !isnan(*m) && beats(x->v[i], *m) ? x->v[i] : *m;
    }
    for (size_t i = 0; i < x->n; i++) {
        real m = most[map[i]];
        sum[map[i]] += isinf(m) ? 0 : expl(x->v[i] - m);
    }
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = isinf(most[o]) ? most[o] : most[o] + logl(sum[o]);
        if (e->noise[0]) {
            e->noise[0][o] = log_sum_exp_noise(y->dtype, n, y->v[o], most[o]);
        }
    }
}

static void reduce_log_sum_exp_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const struct array *x = v->e->in[0];
    const real *y = v->e->out[0].v;
    const size_t *map = reduction_of(v->e);
    for (size_t i = 0; i < x->n; i++) {
        real weight = isfinite(y[map[i]]) ? expl(x->v[i] - y[map[i]]) : 0;
        v->grad[0][i] += v->cotangent[0][map[i]] * weight;
    }
}

static void reduce_log_sum_exp_range(struct range_query *q)
{
    size_t n = query_terms(q);
    struct interval out = q->in[0];
    if (n == 0) {
        q->out[0] = (struct interval){.lo = -INFINITY, .hi = -INFINITY};
        return;
    }
    out.lo += n == 1 ? 0 : logl((real)n) - (real)n * 0x1p-50L;
    out.hi += logl((real)n) + (real)n * 0x1p-50L;
    q->out[0] = interval_is_empty(q->in[0]) ? q->in[0] : interval_widen_by(out, n);
}

const struct op op_reduce_log_sum_exp = {.name = "reduce_log_sum_exp",
                                         .summary = "log(sum(exp(x))) over axes; of none: -inf",
                                         REDUCE_OP(DT_FLOATS),
                                         .relate = reduce_relate,
                                         .evaluate = reduce_log_sum_exp_evaluate,
                                         .vjp = reduce_log_sum_exp_vjp,
                                         .range = reduce_log_sum_exp_range};

/* ---- reduce_var ---- */

static bool reduce_var_structure(struct instance *m, struct rng *rng)
{
    const struct attr *a = instance_attr(m, "correction");
    if (!a && !rng) {
        return REFUSE("attribute correction is missing");
    }
    if (!a) {
        instance_add_attr(m, "correction", ATTR_INT, 1)->i[0] = rng_log_range(rng, 0, 3);
    } else if (a->i[0] < 0 || a->i[0] > DIM_LIMIT) {
        return REFUSE("correction %lld; 0 to 2^39 is possible", (long long)a->i[0]);
    }
    return reduce_structure(m, rng);
}

static real degrees_of_freedom(const struct node *node, size_t n)
{
    real free = (real)n - (real)node_int(node, "correction", 1);
    return free > 0 ? free : 0;
}

static real *means(const struct evaluation *e, const size_t *map, size_t n)
{
    const struct array *x = e->in[0];
    real *mean = ARENA_ZARRAY(e->scratch, real, e->out[0].n);
    for (size_t i = 0; i < x->n; i++) {
        mean[map[i]] += x->v[i];
    }
    for (size_t o = 0; o < e->out[0].n; o++) {
        mean[o] /= (real)n;
    }
    return mean;
}

/*
 * S = sum (x - mean)^2. Two passes: gamma_{n+3} S + n d^2 with d the mean's error; Welford's
 * recurrence: n u S k with k = sqrt(sum x^2 / S), the condition number (Chan, Golub, LeVeque 1983,
 * table 1). Both are right: the sum of both errors.
 */
static void reduce_var_noise(struct evaluation *e, const size_t *map, const real *squares)
{
    const struct array *y = &e->out[0];
    size_t n = n_terms(e);
    enum dtype acc = accumulator(y->dtype);
    const real *magnitude = sum_terms(e, map, TERM_FINITE_MAGNITUDE, NULL),
               *all = sum_terms(e, map, TERM_FINITE_SQUARE, NULL);
    real gamma = noise_gamma(acc, (real)n + 3), free = degrees_of_freedom(e->node, n);
    for (size_t o = 0; o < y->n; o++) {
        if (!isfinite(y->v[o]) || n == 1 || all[o] == 0) {
            continue;
        }
        real d = gamma * magnitude[o] / (real)n;
        real noise = gamma * (squares[o] + sqrtl(squares[o] * all[o])) + (real)n * d * d;
        real most = dtype_max(acc) / (1 + 2 * gamma);
        noise = (noise + (real)n * dtype_tiny(acc)) / free + dtype_roundoff(acc) * y->v[o] +
                half_rounding(y->dtype, y->v[o]);
        /* Squares that overflow stay infinite, as long as the mean is not. */
        bool is_infinite = magnitude[o] <= most && y->v[o] - noise > dtype_max(y->dtype);
        e->noise[0][o] = squares[o] + magnitude[o] > most && !is_infinite ? INFINITY : noise;
    }
}

static void reduce_var_evaluate(struct evaluation *e)
{
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e), n = n_terms(e);
    const real *squares = sum_terms(e, map, TERM_SQUARE, means(e, map, n));
    real free = degrees_of_freedom(e->node, n);
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = squares[o] / free;
    }
    if (e->noise[0]) {
        reduce_var_noise(e, map, squares);
    }
}

/* torch.var divides by max(0, n - correction): the sum of squares over 0 is NaN or infinite by a
 * rounding, but for one element, whose sum is 0. */
static void reduce_var_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    size_t n = n_terms(e);
    if (n > 1 && degrees_of_freedom(e->node, n) == 0) {
        memset(mark[0], 1, e->out[0].n);
    }
}

static void reduce_var_vjp(const struct vjp *v)
{
    size_t n = n_terms(v->e);
    real free = degrees_of_freedom(v->e->node, n);
    if (!v->grad[0] || !v->cotangent[0] || free == 0) {
        return;
    }
    const struct array *x = v->e->in[0];
    const size_t *map = reduction_of(v->e);
    const real *mean = means(v->e, map, n);
    for (size_t i = 0; i < x->n; i++) {
        v->grad[0][i] += v->cotangent[0][map[i]] * 2 * (x->v[i] - mean[map[i]]) / free;
    }
}

/* No more than n (hi - lo)^2 / 4 (Popoviciu), over the degrees of freedom. */
static void reduce_var_range(struct range_query *q)
{
    size_t n = query_terms(q);
    struct interval x = q->in[0];
    real free = degrees_of_freedom(q->node, n), most = (x.hi - x.lo) * (x.hi - x.lo) * (real)n / 4;
    bool is_finite = isfinite(x.lo) && isfinite(x.hi) && free > 0;
    real rounding = 0x1p-100L * (real)(n * n) * fmaxl(x.lo * x.lo, x.hi * x.hi);
    struct interval out = {.hi = is_finite ? (most + rounding) / free : INFINITY,
                           .may_nan = x.may_nan || !is_finite};
    q->out[0] = interval_is_empty(x) ? x : interval_widen_by(out, n);
}

static bool reduce_var_is_blind(const struct program *p, const struct node *node)
{
    const struct shape *x = &p->values[node->in[0]].shape, *y = &p->values[node->out[0]].shape;
    return shape_numel(x) == shape_numel(y);
}

const struct op op_reduce_var = {.name = "reduce_var",
                                 .summary = "sum of (x - mean)^2 over axes / (n - correction)",
                                 .in = {{"x", .dtypes = DT_FLOATS, REDUCE_RANK}},
                                 .out = {{"y", .same_as = "x", REDUCE_RANK}},
                                 .attrs = {{"axes", ATTR_INTS},
                                           {"keepdims", ATTR_BOOL, .usually_true = true},
                                           {"correction", ATTR_INT}},
                                 .structure = reduce_var_structure,
                                 .relate = reduce_relate_some,
                                 .evaluate = reduce_var_evaluate,
                                 .taint = reduce_taint,
                                 .vjp = reduce_var_vjp,
                                 .range = reduce_var_range,
                                 .unspecified = reduce_var_unspecified,
                                 .is_blind = reduce_var_is_blind};
