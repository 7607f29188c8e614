/* SPDX-License-Identifier: Apache-2.0 */
/* Activations of linear pieces: hard_sigmoid hard_swish relu6 leaky_relu prelu thresholded_relu. */
#include "ops/ops_internal.h"

static real beta_of(const struct node *node)
{
    return (real)node_real(node, "beta", 0);
}

static real clamp(real x, real lo, real hi)
{
    return x < lo ? lo : x > hi ? hi : x; /* NaN stays */
}

/* ---- hard_sigmoid, hard_swish ---- */

/* ONNX's default and torch's slope, in f32: 0.2, 1 / 6. */
#define HARD_ALPHAS {0x1.99999ap-3, 0x1.555556p-3}

static bool hard_sigmoid_structure(struct instance *m, struct rng *rng)
{
    return structure_same(m, rng) && settle_real(m, "alpha", rng) && settle_real(m, "beta", rng);
}

static void hard_sigmoid_row(const struct row *r)
{
    const real alpha = alpha_of(r->node), beta = beta_of(r->node);
    for (size_t i = 0; i < r->n; i++) {
        r->y[i] = clamp(alpha * r->in[0][i] + beta, 0, 1);
    }
}

static real hard_sigmoid_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return y > 0 && y < 1 ? alpha_of(node) : 0;
}

/* Product and sum round, alpha itself in half floats, also just outside 0..1. */
static real hard_sigmoid_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    real part = alpha_of(node) * x[0], sum = part + beta_of(node);
    real loss = dtype_roundoff(d) * (2 * fabsl(part) + fabsl(beta_of(node)) + fabsl(sum));
    return sum < -loss || sum > 1 + loss ? 0 : loss;
}

static struct interval hard_sigmoid_bound(const struct range_query *q)
{
    real alpha = alpha_of(q->node), beta = beta_of(q->node);
    struct interval y = interval_mul(q->in[0], (struct interval){.lo = alpha, .hi = alpha});
    bool may_nan = y.may_nan;
    y = interval_widen(interval_add(y, (struct interval){.lo = beta, .hi = beta}));
    y.lo -= fabsl(beta) * 0x1p-50L; /* the sum may cancel */
    y.hi += fabsl(beta) * 0x1p-50L;
    y = interval_clamp(y, 0, 1);
    y.may_nan = may_nan;
    return y;
}

const struct op op_hard_sigmoid = {
    .name = "hard_sigmoid",
    .summary = "alpha * x + beta between 0 and 1",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"alpha", ATTR_REAL, .real = {HARD_ALPHAS, 0x1p-6, 7}},
              {"beta", ATTR_REAL, .real = {{0.5, 0.5}, 0x1p-6, 6, SIGNS_BOTH, .has_zero = true}}},
    .structure = hard_sigmoid_structure,
    .elementwise = &(const struct elementwise){.row = hard_sigmoid_row,
                                               .loss = hard_sigmoid_loss,
                                               .slope = hard_sigmoid_slope,
                                               .bound = hard_sigmoid_bound}};

UNARY_ROW(hard_swish_row, x *clamp(x / 6 + 0.5L, 0, 1))

static real hard_swish_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] <= -3 ? 0 : x[0] >= 3 ? 1 : x[0] / 3 + 0.5L;
}

/* x / 6 and the sum round (ONNX defines it by HardSigmoid with 1 / 6 as a float); measured: 2.5
 * roundoffs of the result, 1.5 of x. A product that overflows inside an op may make its result
 * infinite (PyTorch's notes, "Numerical accuracy", extremal values). */
static real hard_swish_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    real size = fabsl(x[0]), u = dtype_roundoff(d);
    if (x[0] < -3.1L) {
        return 0;
    }
    if (6 * size > dtype_max(d)) { /* x * min(x + 3, 6) / 6, as torch has it */
        return INFINITY;
    }
    return u * (3 * fabsl(y) + (x[0] < 3.1L ? 3 * size : 0));
}

static struct interval hard_swish_bound(const struct range_query *q)
{
    struct interval x = q->in[0];
    real lo = clamp(x.lo / 6 + 0.5L, 0, 1), hi = clamp(x.hi / 6 + 0.5L, 0, 1);
    real at_lo = lo == 0 ? 0 : x.lo * lo, at_hi = hi == 0 ? 0 : x.hi * hi;
    struct interval y =
        interval_widen((struct interval){.lo = fminl(at_lo, at_hi), .hi = fmaxl(at_lo, at_hi)});
    if (x.lo < 0) { /* least at -1.5 */
        y = interval_union(y, (struct interval){.lo = -0.3751L, .hi = 0});
    }
    y.may_nan = x.lo == -INFINITY;
    return y;
}

/* -inf * 0 is NaN by the formula of ONNX, 0 by the pieces that torch lists. */
const struct op op_hard_swish = {.name = "hard_swish",
                                 .summary = "x * max(0, min(1, x / 6 + 1 / 2))",
                                 UNARY_OP(DT_FLOATS),
                                 .unspecified = lowest_unspecified,
                                 .elementwise =
                                     &(const struct elementwise){.row = hard_swish_row,
                                                                 .loss = hard_swish_loss,
                                                                 .slope = hard_swish_slope,
                                                                 .bound = hard_swish_bound}};

/* ---- relu6 ---- */

UNARY_ROW(relu6_row, clamp(x, 0, 6))

static real relu6_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] > 0 && x[0] < 6;
}

static struct interval relu6_bound(const struct range_query *q)
{
    return interval_clamp(q->in[0], 0, 6);
}

const struct op op_relu6 = {.name = "relu6",
                            .summary = "min(max(x, 0), 6); NaN stays",
                            UNARY_OP(DT_NUMBERS),
                            .elementwise = &(const struct elementwise){
                                .row = relu6_row, .slope = relu6_slope, .bound = relu6_bound}};

/* ---- leaky_relu, prelu ---- */

#define LEAKY_ALPHA 0x1.47ae14p-7 /* 0.01f */

static void leaky_relu_row(const struct row *r)
{
    const real alpha = alpha_of(r->node);
    for (size_t i = 0; i < r->n; i++) {
        const real x = r->in[0][i];
        r->y[i] = x < 0 ? alpha * x : x;
    }
}

static real leaky_relu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] < 0 ? alpha_of(node) : 1;
}

/* alpha may have been rounded to the dtype, and to f32 by ONNX. */
static real leaky_relu_loss(const struct node *node, enum dtype d, const real *x, real y)
{
    bool is_value = dtype_round(d, alpha_of(node)) == alpha_of(node);
    return x[0] < 0 && !is_value ? dtype_roundoff(d) * fabsl(y) : 0;
}

static struct interval leaky_relu_bound(const struct range_query *q)
{
    real alpha = alpha_of(q->node);
    struct interval x = q->in[0], y = INTERVAL_EMPTY;
    if (x.lo < 0) {
        struct interval below = {.lo = x.lo, .hi = fminl(x.hi, 0)};
        y = interval_mul(below, (struct interval){.lo = alpha, .hi = alpha});
    }
    return x.hi >= 0 ? interval_union(y, interval_clamp(x, 0, INFINITY)) : y;
}

const struct op op_leaky_relu = {
    .name = "leaky_relu",
    .summary = "x, below 0 alpha * x",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"alpha", ATTR_REAL,
               .real = {{LEAKY_ALPHA, LEAKY_ALPHA}, 0x1p-8, 9, SIGNS_BOTH, .has_zero = true}}},
    .structure = structure_alpha,
    .elementwise = &(const struct elementwise){.row = leaky_relu_row,
                                               .units = 1,
                                               .loss = leaky_relu_loss,
                                               .slope = leaky_relu_slope,
                                               .bound = leaky_relu_bound}};

/* The slope has at most x's rank; its dims are aligned at the end. */
static bool prelu_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *slope = &m->in[1], *y = &m->out[0];
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    x->rank = x->rank < 0 ? y->rank : x->rank;
    int least = slope->rank > 0 ? slope->rank : 0;
    if (!draw_rank(x, least, x->rank < 0 && least < 4 ? 4 : RANK_MAX, rng) ||
        !settle_rank(y, x->rank)) {
        return false;
    }
    if (slope->rank < 0 && rng && x->rank >= 2 && rng_chance(rng, 1, 2)) {
        slope->rank = x->rank - 1;
    }
    return draw_rank(slope, 0, x->rank, rng);
}

/* ONNX: "slope should be unidirectional broadcastable to input tensor X". One rank less is mostly
 * a slope per channel, dim 1 of x, the form that torch has. */
static void prelu_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *slope = &m->in[1];
    relate_same(r, m);
    relate_broadcast_dims(r, x->dim, x->rank, slope->dim, slope->rank, m->out[0].dim, x->rank);
    for (int d = 1; !m->is_node && slope->rank == x->rank - 1 && d < slope->rank; d++) {
        relation_hint(r, slope->dim[d], 1);
    }
}

BINARY_ROW(prelu_row, a < 0 ? a * b : a)
BINARY_ROW(prelu_int_row, a < 0 ? dtype_wrap(r->d, real_pattern(a) * real_pattern(b)) : a)

static real prelu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return k == 0 ? (x[0] < 0 ? x[1] : 1) : (x[0] < 0 ? x[0] : 0);
}

static struct interval prelu_bound(const struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    struct interval x = q->in[0], y = INTERVAL_EMPTY;
    if (x.lo < 0) {
        y = interval_mul((struct interval){.lo = x.lo, .hi = fminl(x.hi, 0)}, q->in[1]);
    }
    y = x.hi >= 0 ? interval_union(y, interval_clamp(x, 0, INFINITY)) : y;
    return dtype_is_float(d) ? y : interval_fit(d, y);
}

/* Above 0 the slope says nothing, even NaN. */
static void prelu_range(struct range_query *q)
{
    bool is_float = dtype_is_float(q->out_value[0]->dtype);
    q->out[0] = interval_is_empty(q->in[0]) ? INTERVAL_EMPTY : prelu_bound(q);
    q->out[0].may_nan = is_float && (q->out[0].may_nan || q->in[0].may_nan || q->in[1].may_nan);
}

/* x = 0 with an infinite slope: x in ONNX ("x for x >= 0"), slope * x in torch. A NaN slope above
 * 0: torch has max(0, x) + weight * min(0, x), ONNX x. */
static void prelu_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *x = e->in[0], *slope = e->in[1];
    const size_t *map = broadcast_map(e->scratch, &x->shape, &slope->shape);
    for (size_t i = 0; i < x->n; i++) {
        real s = slope->v[map ? map[i] : i];
        mark[0][i] |= x->v[i] >= 0 && !isfinite(s);
    }
}

const struct op op_prelu = {
    .name = "prelu",
    .summary = "x, below 0 slope * x; the slope is broadcast to x",
    .in = {{"x", .dtypes = DT_FLOATS | DT(I32) | DT(I64) | DT(U32), RANK_ANY},
           {"slope", .same_as = "x", RANK_ANY, .constant_likely = true}},
    .out = {{"y", .same_as = "x", RANK_ANY}},
    .structure = prelu_structure,
    .relate = prelu_relate,
    .evaluate = elementwise_evaluate,
    .taint = elementwise_taint,
    .vjp = elementwise_vjp,
    .range = prelu_range,
    .unspecified = prelu_unspecified,
    .elementwise = &(const struct elementwise){
        .row = prelu_row, .int_row = prelu_int_row, .units = 1, .slope = prelu_slope}};

/* ---- thresholded_relu ---- */

static void thresholded_relu_row(const struct row *r)
{
    const real alpha = alpha_of(r->node);
    for (size_t i = 0; i < r->n; i++) {
        const real x = r->in[0][i];
        r->y[i] = x > alpha || isnan(x) ? x : 0;
    }
}

static real thresholded_relu_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return x[0] > alpha_of(node);
}

static struct interval thresholded_relu_bound(const struct range_query *q)
{
    real alpha = alpha_of(q->node);
    struct interval x = q->in[0], y = INTERVAL_EMPTY;
    if (x.hi > alpha) {
        y = (struct interval){.lo = fmaxl(x.lo, alpha), .hi = x.hi};
    }
    return x.lo <= alpha ? interval_union(y, (struct interval){.lo = 0, .hi = 0}) : y;
}

/* NaN: 0 by the text of both ("otherwise"), but torch's threshold keeps it (x <= t ? 0 : x). */
const struct op op_thresholded_relu = {
    .name = "thresholded_relu",
    .summary = "x above alpha, else 0",
    UNARY_SLOTS(DT_FLOATS),
    .attrs = {{"alpha", ATTR_REAL, .real = {{1, 1}, 0x1p-7, 9, SIGNS_BOTH, .has_zero = true}}},
    .structure = structure_alpha,
    .jumps = JUMPS_ALWAYS,
    .unspecified = nan_unspecified,
    .elementwise = &(const struct elementwise){.row = thresholded_relu_row,
                                               .slope = thresholded_relu_slope,
                                               .bound = thresholded_relu_bound}};
