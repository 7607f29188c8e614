/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activations. Several are products or differences whose factors lose what the result keeps (1 -
 * sigmoid, exp - 1, 1 + erf), and libraries compute them so: each says what that may cost in
 * absolute terms (`loss`). Measured on 10^6 values of f32 and f64, ONNX Runtime 1.31 and torch 2.13
 * against long double.
 */
#include "ops/ops_internal.h"

ALWAYS_INLINE real exp_of(enum dtype d, real x)
{
    return d == DTYPE_F64 ? expl(x) : (real)exp((double)x);
}

ALWAYS_INLINE real log1p_of(enum dtype d, real x)
{
    return d == DTYPE_F64 ? log1pl(x) : (real)log1p((double)x);
}

ALWAYS_INLINE real expm1_of(enum dtype d, real x)
{
    return d == DTYPE_F64 ? expm1l(x) : (real)expm1((double)x);
}

#define ALPHA_ROW(name, expression)                                                                \
    static void name(const struct row *r)                                                          \
    {                                                                                              \
        const real alpha = alpha_of(r->node);                                                      \
        for (size_t i = 0; i < r->n; i++) {                                                        \
            const real x = r->in[0][i];                                                            \
            r->y[i] = (expression);                                                                \
        }                                                                                          \
    }

/* ---- losses ---- */

/* As one kernel computes it: half floats in f32 and rounded once. */
static real kernel_roundoffs(enum dtype d, real units)
{
    return dtype_is_half(d) ? units * dtype_roundoff(DTYPE_F32) + dtype_roundoff(d)
                            : units * dtype_roundoff(d);
}

/* What may be flushed to zero; beyond |x| = 1500 exp is 0 or infinite in every precision. */
static real flush(enum dtype d, real x)
{
    return fabsl(x) < 1500 ? dtype_min_normal(dtype_is_half(d) ? DTYPE_F32 : d) : 0;
}

/* exp grows e-fold per step of 1; where it is 0 or infinite in every precision it stays so. */
static real sigmoid_reach(uint32_t k, real x)
{
    return fabsl(x) > 1500 ? fabsl(x) / 2 : 1;
}

/* exp(x) - 1 below 0, linear above. */
static real elu_reach(uint32_t k, real x)
{
    return x > 0 ? INFINITY : sigmoid_reach(k, x);
}

/* ---- ranges ---- */

/* Between two results (NaN: none), a little wider, within what the function can give. */
static struct interval span(real a, real b, real least, real most)
{
    struct interval y = interval_widen((struct interval){.lo = fminl(a, b), .hi = fmaxl(a, b)});
    y.lo -= EXP_GRAIN; /* where double's functions reach 0 and long double's do not */
    y.hi += EXP_GRAIN;
    return interval_clamp(y, least, most);
}

/* Of a function that is monotone on either side of 0, where it is 0. */
static struct interval span_through_zero(struct interval x, real at_lo, real at_hi)
{
    struct interval y = span(at_lo, at_hi, -INFINITY, INFINITY);
    if (x.lo < 0 && x.hi > 0) {
        y = interval_union(y, (struct interval){.lo = 0, .hi = 0});
    }
    return y;
}

/* ---- sigmoid, softplus, softsign ---- */

/* Measured: 2.4 roundoffs torch; 2.7 ONNX Runtime, which has 1 - sigmoid(-x) (f64) or a rational
 * approximation (f32) below 0: 2 roundoffs of 1. */
enum { SIGMOID_UNITS = 4, SOFTPLUS_UNITS = 6, SOFTSIGN_UNITS = 3 };

ALWAYS_INLINE real sigmoid_of(enum dtype d, real x)
{
    if (x >= 0) {
        return 1 / (1 + exp_of(d, -x));
    }
    real e = exp_of(d, x);
    return e / (1 + e);
}

UNARY_ROW(sigmoid_row, sigmoid_of(r->d, x))

static real sigmoid_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return y * (1 - y);
}

static real sigmoid_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    return kernel_roundoffs(dtype_is_half(d) ? DTYPE_F32 : d, 2) + flush(d, x[0]);
}

static struct interval sigmoid_bound(const struct range_query *q)
{
    return span(sigmoid_of(DTYPE_F64, q->in[0].lo), sigmoid_of(DTYPE_F64, q->in[0].hi), 0, 1);
}

const struct op op_sigmoid = {.name = "sigmoid",
                              .summary = "1 / (1 + exp(-x))",
                              UNARY_OP(DT_FLOATS),
                              .reach = sigmoid_reach,
                              .elementwise = &(const struct elementwise){.row = sigmoid_row,
                                                                         .units = SIGMOID_UNITS,
                                                                         .loss = sigmoid_loss,
                                                                         .slope = sigmoid_slope,
                                                                         .bound = sigmoid_bound}};

/* Measured: 5.4 roundoffs ONNX Runtime, 2.9 torch. */
ALWAYS_INLINE real softplus_of(enum dtype d, real x)
{
    return (x > 0 ? x : isnan(x) ? x : 0) + log1p_of(d, exp_of(d, -fabsl(x)));
}

UNARY_ROW(softplus_row, softplus_of(r->d, x))

static real softplus_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return sigmoid_of(DTYPE_F64, x[0]);
}

static real softplus_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    return flush(d, x[0]);
}

static struct interval softplus_bound(const struct range_query *q)
{
    return span(softplus_of(DTYPE_F64, q->in[0].lo), softplus_of(DTYPE_F64, q->in[0].hi), 0,
                INFINITY);
}

const struct op op_softplus = {.name = "softplus",
                               .summary = "log(1 + exp(x))",
                               UNARY_OP(DT_FLOATS),
                               .reach = elu_reach,
                               .elementwise = &(const struct elementwise){.row = softplus_row,
                                                                          .units = SOFTPLUS_UNITS,
                                                                          .loss = softplus_loss,
                                                                          .slope = softplus_slope,
                                                                          .bound = softplus_bound}};

/* Measured: 2.4 roundoffs ONNX Runtime, 2.0 torch. */
UNARY_ROW(softsign_row, x / (1 + fabsl(x)))

static real softsign_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    real below = 1 + fabsl(x[0]);
    return 1 / (below * below);
}

static struct interval softsign_bound(const struct range_query *q)
{
    real lo = q->in[0].lo, hi = q->in[0].hi;
    struct interval y = span(isinf(lo) ? copysignl(1, lo) : lo / (1 + fabsl(lo)),
                             isinf(hi) ? copysignl(1, hi) : hi / (1 + fabsl(hi)), -1, 1);
    y.may_nan = isinf(lo) || isinf(hi);
    return y;
}

/* inf / inf by the formula of ONNX and torch, 1 by its limit: no document says which. */
static void infinity_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    for (size_t i = 0; i < e->out[0].n; i++) {
        bool is_infinite = isinf(e->in[0]->v[i]);
        mark[0][i] |= is_infinite;
    }
}

const struct op op_softsign = {.name = "softsign",
                               .summary = "x / (1 + |x|)",
                               UNARY_OP(DT_FLOATS),
                               .unspecified = infinity_unspecified,
                               .elementwise = &(const struct elementwise){.row = softsign_row,
                                                                          .units = SOFTSIGN_UNITS,
                                                                          .slope = softsign_slope,
                                                                          .bound = softsign_bound}};

/* ---- elu, celu, selu ---- */

/* Measured: torch (expm1) 3.0 roundoffs; ONNX Runtime has alpha * (exp(x) - 1), which loses one
 * roundoff of alpha. */
static real exp_loss(enum dtype d, real scale, real y)
{
    return kernel_roundoffs(d, 4) * fabsl(y) +
           2 * dtype_roundoff(dtype_is_half(d) ? DTYPE_F32 : d) * fabsl(scale);
}

ALWAYS_INLINE real elu_of(enum dtype d, real x, real alpha)
{
    return x < 0 ? alpha * expm1_of(d, x) : x;
}

ALPHA_ROW(elu_row, elu_of(r->d, x, alpha))

static real elu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] > 0 ? 1 : alpha_of(node) * expl(x[0]);
}

static real elu_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    return x[0] < 0 ? exp_loss(d, alpha_of(node), y) : 0;
}

static struct interval elu_bound(const struct range_query *q)
{
    struct interval x = q->in[0];
    real alpha = alpha_of(q->node);
    return span_through_zero(x, elu_of(DTYPE_F64, x.lo, alpha), elu_of(DTYPE_F64, x.hi, alpha));
}

const struct op op_elu = {
    .name = "elu",
    .summary = "x, below 0 alpha * (exp(x) - 1)",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"alpha", ATTR_REAL, .real = {{1, 1}, 0x1p-6, 9}}},
    .structure = structure_alpha,
    .reach = elu_reach,
    .elementwise = &(const struct elementwise){
        .row = elu_row, .loss = elu_loss, .slope = elu_slope, .bound = elu_bound}};

/* alpha < 0 would make it grow exponentially, 0 divides by it; the paper that ONNX and torch cite
 * (Barron 2017) has alpha > 0. */
static bool celu_structure(struct instance *m, struct rng *rng)
{
    if (!structure_alpha(m, rng)) {
        return false;
    }
    return instance_attr(m, "alpha")->f > 0 ? true : REFUSE("alpha must be positive");
}

ALWAYS_INLINE real celu_of(enum dtype d, real x, real alpha)
{
    return x < 0 ? alpha * expm1_of(d, x / alpha) : x;
}

ALPHA_ROW(celu_row, celu_of(r->d, x, alpha))

static real celu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] > 0 ? 1 : expl(x[0] / alpha_of(node));
}

/* ONNX defines it by nodes of its own dtype (x / alpha, exp, - 1, * alpha). */
static real celu_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    real alpha = alpha_of(node);
    return x[0] < 0 ? dtype_roundoff(d) * (4 * fabsl(y) + 2 * alpha) : 0;
}

static struct interval celu_bound(const struct range_query *q)
{
    struct interval x = q->in[0];
    real alpha = alpha_of(q->node);
    return span_through_zero(x, celu_of(DTYPE_F64, x.lo, alpha), celu_of(DTYPE_F64, x.hi, alpha));
}

/* Of exp(x / alpha). */
static void celu_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    const real alpha = alpha_of(e->node);
    for (size_t i = 0; i < e->in[k]->n; i++) {
        reach[i] = alpha * elu_reach(k, e->in[k]->v[i] / alpha);
    }
}

const struct op op_celu = {
    .name = "celu",
    .summary = "x, below 0 alpha * (exp(x / alpha) - 1)",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"alpha", ATTR_REAL, .real = {{1, 1}, 0x1p-4, 7}}},
    .structure = celu_structure,
    .reaches = celu_reaches,
    .elementwise = &(const struct elementwise){
        .row = celu_row, .loss = celu_loss, .slope = celu_slope, .bound = celu_bound}};

/* The usual constants as ONNX has them, in f32; torch's own are those in f64. */
#define SELU_ALPHA 0x1.ac5afp+0
#define SELU_GAMMA 0x1.0cfabep+0

static bool selu_structure(struct instance *m, struct rng *rng)
{
    return structure_same(m, rng) && settle_real(m, "alpha", rng) && settle_real(m, "gamma", rng);
}

static real gamma_of(const struct node *node)
{
    return (real)node_real(node, "gamma", 1);
}

static void selu_row(const struct row *r)
{
    const real alpha = alpha_of(r->node), gamma = gamma_of(r->node);
    for (size_t i = 0; i < r->n; i++) {
        r->y[i] = gamma * elu_of(r->d, r->in[0][i], alpha);
    }
}

static real selu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return gamma_of(node) * elu_slope(node, k, x, y);
}

static real selu_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    real gamma = gamma_of(node);
    return x[0] < 0 ? exp_loss(d, gamma * alpha_of(node), y) + dtype_roundoff(d) * fabsl(y)
                    : kernel_roundoffs(d, 2) * fabsl(y);
}

static struct interval selu_bound(const struct range_query *q)
{
    real gamma = gamma_of(q->node);
    struct interval y = interval_mul(elu_bound(q), (struct interval){.lo = gamma, .hi = gamma});
    return interval_widen(y);
}

const struct op op_selu = {
    .name = "selu",
    .summary = "gamma * elu(x)",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"alpha", ATTR_REAL, .real = {{SELU_ALPHA, SELU_ALPHA}, 0x1p-4, 6}},
              {"gamma", ATTR_REAL, .real = {{SELU_GAMMA, SELU_GAMMA}, 0x1p-4, 6}}},
    .structure = selu_structure,
    .reach = elu_reach,
    .elementwise = &(const struct elementwise){
        .row = selu_row, .loss = selu_loss, .slope = selu_slope, .bound = selu_bound}};

/* ---- x times a sigmoid: gelu, mish, swish ---- */

/* Unspecified: -inf * 0 is NaN by the formulas of ONNX and torch, the limit is 0; no document says
 * which. */

/* Of a function that falls to `least` below 0 and rises from there; NaN at -inf. */
static struct interval dip(struct interval x, real at_lo, real at_hi, real least)
{
    struct interval y = span(isnan(at_lo) ? 0 : at_lo, isnan(at_hi) ? 0 : at_hi, least, INFINITY);
    if (x.lo < 0) {
        y = interval_union(y, (struct interval){.lo = least, .hi = 0});
    }
    y.may_nan = x.lo == -INFINITY;
    return y;
}

static bool gelu_structure(struct instance *m, struct rng *rng)
{
    struct attr *a = instance_attr(m, "approximate");
    if (!structure_same(m, rng)) {
        return false;
    }
    if (!a) {
        if (!rng) {
            return REFUSE("attribute approximate is missing");
        }
        a = instance_add_attr(m, "approximate", ATTR_TEXT, 1);
        a->text = rng_chance(rng, 1, 2) ? "tanh" : "none";
    }
    bool is_known = strcmp(a->text, "none") == 0 || strcmp(a->text, "tanh") == 0;
    return is_known ? true : REFUSE("approximate is %s; none or tanh is possible", a->text);
}

static bool is_tanh(const struct node *node)
{
    const struct attr *a = node_attr(node, "approximate");
    return a && strcmp(a->text, "tanh") == 0;
}

#define SQRT_HALF 0.70710678118654752440L
#define SQRT_2_OVER_PI 0.79788456080286535588L
#define GELU_CUBIC 0.044715L

/* 1 + erf(z) = erfc(-z), without cancellation; 1 + tanh(z) = 2 sigmoid(2 z). */
ALWAYS_INLINE real gelu_of(enum dtype d, real x, bool tanh)
{
    if (tanh) {
        return x * sigmoid_of(d, 2 * SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));
    }
    real z = -x * SQRT_HALF;
    return x * (d == DTYPE_F64 ? erfcl(z) : (real)erfc((double)z)) / 2;
}

static void gelu_row(const struct row *r)
{
    const bool tanh = is_tanh(r->node);
    for (size_t i = 0; i < r->n; i++) {
        r->y[i] = gelu_of(r->d, r->in[0][i], tanh);
    }
}

static real gelu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    real v = x[0];
    if (is_tanh(node)) {
        real s = sigmoid_of(DTYPE_F64, 2 * SQRT_2_OVER_PI * (v + GELU_CUBIC * v * v * v));
        return s + v * s * (1 - s) * 2 * SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * v * v);
    }
    return erfcl(-v * SQRT_HALF) / 2 + v * expl(-v * v / 2) * SQRT_2_OVER_PI / 2;
}

/* x / 2 * (1 + erf): what erf rounds stays when 1 is added. Measured: 6.3 roundoffs of |x| (torch,
 * f32, whose erf is an approximation), 3.1 (ONNX Runtime, tanh). ONNX defines it by nodes. Beyond
 * half the range x * (1 + erf) overflows before it is halved, as hard_swish's product does. */
static real gelu_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    real size = fabsl(x[0]), u = dtype_roundoff(d);
    /* oneDNN's bf16 results go through VCVTNEPS2BF16, which flushes subnormal ones (Intel SDM). */
    if (2 * x[0] > dtype_max(d)) {
        return INFINITY;
    }
    real small = d == DTYPE_BF16 ? fminl(fabsl(y), dtype_min_normal(d)) : 0;
    return u * (4 * fabsl(y) + 6 * size * fminl(size, 1)) + size * flush(d, x[0]) + small;
}

static struct interval gelu_bound(const struct range_query *q)
{
    struct interval x = q->in[0];
    bool tanh = is_tanh(q->node);
    return dip(x, gelu_of(DTYPE_F64, x.lo, tanh), gelu_of(DTYPE_F64, x.hi, tanh), -0.171L);
}

/* The tail falls as exp(-x^2 / 2). */
static real gelu_reach(uint32_t k, real x)
{
    return x > 0 || x < -100 ? INFINITY : 1 / (1 - x);
}

const struct op op_gelu = {
    .name = "gelu",
    .summary = "x times the normal distribution function of x, or its approximation by tanh",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"approximate", ATTR_TEXT}},
    .structure = gelu_structure,
    .reach = gelu_reach,
    .unspecified = lowest_unspecified,
    .elementwise = &(const struct elementwise){
        .row = gelu_row, .loss = gelu_loss, .slope = gelu_slope, .bound = gelu_bound}};

/* tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) with e = exp(x). */
ALWAYS_INLINE real mish_gate(enum dtype d, real x)
{
    real e = exp_of(d, -fabsl(x));
    real n = x > 0 ? 1 + 2 * e : e * (e + 2);
    return n / (n + (x > 0 ? 2 * e * e : 2));
}

UNARY_ROW(mish_row, x *mish_gate(r->d, x))

static real mish_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    real t = mish_gate(DTYPE_F64, x[0]);
    return t + x[0] * (1 - t * t) * sigmoid_of(DTYPE_F64, x[0]);
}

/* Measured: 8.5 roundoffs ONNX Runtime, 4.1 torch. ONNX defines it by nodes of its own dtype. */
static real mish_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    return 10 * dtype_roundoff(d) * fabsl(y) + 2 * fabsl(x[0]) * flush(d, x[0]);
}

static struct interval mish_bound(const struct range_query *q)
{
    struct interval x = q->in[0];
    return dip(x, x.lo * mish_gate(DTYPE_F64, x.lo), x.hi * mish_gate(DTYPE_F64, x.hi), -0.309L);
}

const struct op op_mish = {
    .name = "mish",
    .summary = "x * tanh(softplus(x))",
    UNARY_OP(DT_FLOATS),
    .reach = elu_reach,
    .unspecified = lowest_unspecified,
    .elementwise = &(const struct elementwise){
        .row = mish_row, .loss = mish_loss, .slope = mish_slope, .bound = mish_bound}};

ALPHA_ROW(swish_row, x *sigmoid_of(r->d, alpha *x))

static real swish_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    real alpha = alpha_of(node), s = sigmoid_of(DTYPE_F64, alpha * x[0]);
    return s + alpha * x[0] * s * (1 - s);
}

/* Measured: 2.8 roundoffs torch; ONNX Runtime's sigmoid loses 2 of 1. ONNX defines it by nodes of
 * its own dtype; the product alpha * x moves the sigmoid by its rounding. */
static real swish_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    real z = alpha_of(node) * x[0], size = fabsl(x[0]);
    real step = z == x[0] ? 0 : fminl(fabsl(z), 64);
    return dtype_roundoff(d) * ((4 + step) * fabsl(y) + 2 * size) + size * flush(d, z);
}

/* swish(x) = z * sigmoid(z) / alpha with z = alpha * x; 0 at -inf in z. */
static struct interval swish_bound(const struct range_query *q)
{
    real alpha = alpha_of(q->node);
    struct interval x = q->in[0], scale = {.lo = alpha, .hi = alpha};
    if (alpha == 0) {
        struct interval half = interval_mul(x, (struct interval){.lo = 0.5L, .hi = 0.5L});
        half.may_nan |= isinf(x.lo) || isinf(x.hi); /* times 0 */
        return half;
    }
    struct interval z = interval_mul(x, scale);
    struct interval y =
        dip(z, z.lo * sigmoid_of(DTYPE_F64, z.lo), z.hi * sigmoid_of(DTYPE_F64, z.hi), -0.279L);
    return interval_widen(interval_div(y, scale));
}

static void swish_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    real alpha = alpha_of(e->node);
    for (size_t i = 0; i < e->out[0].n; i++) {
        mark[0][i] |= isinf(e->in[0]->v[i]) && !(alpha * e->in[0]->v[i] > 0);
    }
}

/* Of the sigmoid of alpha * x. */
static void swish_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    const real alpha = fabsl(alpha_of(e->node));
    for (size_t i = 0; i < e->in[k]->n; i++) {
        reach[i] = alpha > 0 ? sigmoid_reach(k, alpha * e->in[k]->v[i]) / alpha : INFINITY;
    }
}

const struct op op_swish = {
    .name = "swish",
    .summary = "x * sigmoid(alpha * x); silu when alpha is 1",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"alpha", ATTR_REAL, .real = {{1, 1}, 0x1p-6, 9, SIGNS_BOTH, .has_zero = true}}},
    .structure = structure_alpha,
    .reaches = swish_reaches,
    .unspecified = swish_unspecified,
    .elementwise = &(const struct elementwise){
        .row = swish_row, .loss = swish_loss, .slope = swish_slope, .bound = swish_bound}};
