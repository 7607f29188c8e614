/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of whole lines along an axis that keep the shape: softmax log_softmax.
 */
#include "ops/ops_internal.h"

#define RANK_LINES .rank_min = 1, .rank_max = RANK_MAX

/* ---- shared ---- */

static bool softmax_structure(struct instance *m, struct rng *rng)
{
    int axis;
    return structure_same(m, rng) && settle_axis(m, "axis", m->in[0].rank, rng, &axis);
}

/* The largest; NaN if there is one. */
static real line_max(const real *x, struct line l)
{
    real most = -INFINITY;
    for (size_t k = 0; k < l.n; k++) {
        real v = x[l.start + k * l.step];
        most = isnan(most) || !beats(v, most) ? most : v;
    }
    return most;
}

/*
 * exp, the sum of n and the division round relative to y; x - max rounds relative to itself, which
 * exp turns into a relative error of the same size. Half floats are computed in f32 (torch:
 * at::opmath_type; ONNX Runtime casts), then rounded. 8: two exps of 2 ulps each, division.
 */
static real softmax_noise(enum dtype d, real y, real below_max, size_t n)
{
    bool is_half = dtype_is_half(d);
    real u = dtype_roundoff(is_half ? DTYPE_F32 : d);
    real relative = u * (8 + (real)n + 2 * below_max) + (is_half ? dtype_roundoff(d) : 0);
    return isfinite(below_max) ? y * relative : 0;
}

/* exp(x - max) / sum, as ONNX's function body and torch compute it: a line that holds NaN or +inf,
 * or nothing but -inf, is all NaN. */
static void softmax_line(struct evaluation *e, struct line l)
{
    const real *x = e->in[0]->v;
    real *y = e->out[0].v;
    real most = line_max(x, l), sum = 0;
    const bool is_f64 = e->out[0].dtype == DTYPE_F64;
    for (size_t k = 0; k < l.n; k++) {
        size_t i = l.start + k * l.step;
        real below = x[i] - most; /* up to f32, double's exp is fine enough */
        y[i] = is_f64 ? expl(below) : (real)exp((double)below);
        sum += y[i];
    }
    for (size_t k = 0; k < l.n; k++) {
        size_t i = l.start + k * l.step;
        y[i] /= sum;
        if (e->noise[0] && !isnan(y[i])) {
            e->noise[0][i] = softmax_noise(e->out[0].dtype, y[i], most - x[i], l.n);
        }
    }
}

static void softmax_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    int axis = node_axis(e->node, &x->shape);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        softmax_line(e, line_at(&x->shape, axis, i));
    }
}

/* A line with +inf: by ONNX's text (Exp / ReduceSum) the finite elements give finite / inf = 0, by
 * its function body (which subtracts the maximum first), and in torch, NaN. */
static void softmax_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *x = e->in[0];
    int axis = node_axis(e->node, &x->shape);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        bool has_inf = false, has_nan = false;
        for (size_t k = 0; k < l.n; k++) {
            real v = x->v[l.start + k * l.step];
            has_inf |= v == INFINITY;
            has_nan |= isnan(v) != 0;
        }
        for (size_t k = 0; has_inf && !has_nan && k < l.n; k++) {
            if (x->v[l.start + k * l.step] != INFINITY) {
                mark[0][l.start + k * l.step] = 1;
            }
        }
    }
}

static void softmax_taint(const struct taint *t)
{
    const struct array *x = t->e->in[0];
    int axis = node_axis(t->e->node, &x->shape);
    for (size_t i = 0; t->in_mark[0] && i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        uint8_t any = 0;
        for (size_t k = 0; k < l.n; k++) {
            any |= t->in_mark[0][l.start + k * l.step];
        }
        for (size_t k = 0; k < l.n; k++) {
            t->out_mark[0][l.start + k * l.step] |= any;
        }
    }
}

static void softmax_vjp(const struct vjp *v)
{
    const struct array *x = v->e->in[0];
    const real *y = v->e->out[0].v, *c = v->cotangent[0];
    int axis = node_axis(v->e->node, &x->shape);
    for (size_t i = 0; v->grad[0] && c && i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        real dot = 0;
        for (size_t k = 0; k < l.n; k++) {
            dot += c[l.start + k * l.step] * y[l.start + k * l.step];
        }
        for (size_t k = 0; k < l.n; k++) {
            size_t at = l.start + k * l.step;
            v->grad[0][at] += y[at] * (c[at] - dot);
        }
    }
}

static void softmax_range(struct range_query *q)
{
    bool may_nan = q->in[0].may_nan || isinf(q->in[0].lo) || isinf(q->in[0].hi);
    const struct shape *s = &q->in_value[0]->shape;
    bool is_alone = s->dim[node_axis(q->node, s)] == 1; /* exp(0) / exp(0) */
    q->out[0] = (struct interval){.lo = is_alone, .hi = 1, .may_nan = may_nan};
}

/* exp(x - max) doubles with every 0.7; far below the line's largest element it is 0, whatever moves
 * there (masks of -1e9). */
static void softmax_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    const struct array *x = e->in[0];
    real lo = logl(dtype_tiny(dtype_is_half(x->dtype) ? DTYPE_F32 : x->dtype)) - 1;
    int axis = node_axis(e->node, &x->shape);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        real top = line_max(x->v, l);
        for (size_t j = 0; j < l.n; j++) {
            size_t at = l.start + j * l.step;
            real beyond = lo - (x->v[at] - top);
            reach[at] = beyond > 2 ? 2 * beyond : 1; /* the largest may move as far */
        }
    }
}

#define SOFTMAX_OP                                                                                 \
    .in = {{"x", .dtypes = DT_FLOATS, RANK_LINES}}, .out = {{"y", .same_as = "x", RANK_LINES}},    \
    .attrs = {{"axis", ATTR_INT}}, .structure = softmax_structure, .relate = relate_same,          \
    .taint = softmax_taint, .unspecified = softmax_unspecified

const struct op op_softmax = {.name = "softmax",
                              .reaches = softmax_reaches,
                              .summary = "exp(x - max) / sum along an axis",
                              .evaluate = softmax_evaluate,
                              .vjp = softmax_vjp,
                              .range = softmax_range,
                              SOFTMAX_OP};

/* ---- log_softmax ---- */

/*
 * x - max rounds relative to itself, the sum of n exps relative to itself, so its logarithm by that
 * much; the difference rounds once more. Careful libraries subtract the maximum before the
 * logarithm (PyTorch issue 11752), as ONNX's function body does. Half of the worst case, which the
 * c of the bound more than doubles. Measured, of 1 + |y| + max - x: 5 roundoffs at n = 10, 30 at n
 * = 1000 (ONNX Runtime 1.31), 18 (torch 2.13).
 */
static real log_softmax_noise(enum dtype d, real y, real below_max, real n)
{
    bool is_half = dtype_is_half(d);
    real u = dtype_roundoff(is_half ? DTYPE_F32 : d);
    real noise = u * (4 + n / 2 + 2 * logl(n) + below_max + fabsl(y));
    noise += is_half ? dtype_roundoff(d) * fabsl(y) : 0;
    return isfinite(below_max) ? noise : 0;
}

static void log_softmax_line(struct evaluation *e, struct line l)
{
    const real *x = e->in[0]->v;
    real *y = e->out[0].v;
    real most = line_max(x, l), sum = 0;
    for (size_t k = 0; k < l.n; k++) {
        sum += expl(x[l.start + k * l.step] - most);
    }
    real log_sum = sum == 0 ? -INFINITY : logl(sum);
    for (size_t k = 0; k < l.n; k++) {
        size_t i = l.start + k * l.step;
        y[i] = x[i] - most - log_sum;
        if (e->noise[0] && isfinite(y[i])) {
            e->noise[0][i] = log_softmax_noise(e->out[0].dtype, y[i], most - x[i], (real)l.n);
        }
    }
}

static void log_softmax_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    int axis = node_axis(e->node, &x->shape);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        log_softmax_line(e, line_at(&x->shape, axis, i));
    }
}

/* How far the elements of a line may move: as they like where none outweighs the rest, for then the
 * logarithm's slopes lie between 0 and 1. Else the result of the one that does is minus the sum of
 * the others' weights, which grow e-fold per step of 1, unless they are beneath its roundoff. */
static real line_reach(const real *x, struct line l, real roundoff)
{
    real top = line_max(x, l), second = -INFINITY, sum = 0;
    bool met_top = false;
    for (size_t k = 0; k < l.n; k++) {
        real v = x[l.start + k * l.step];
        sum += expl(v - top);
        if (v == top && !met_top) {
            met_top = true;
        } else {
            second = fmaxl(second, v);
        }
    }
    real beneath = top - second + logl(roundoff);
    return !(sum < 2) ? INFINITY : beneath > 1 ? 2 * beneath : 2;
}

static void log_softmax_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    const struct array *x = e->in[0];
    real roundoff = dtype_roundoff(dtype_is_half(x->dtype) ? DTYPE_F32 : x->dtype);
    int axis = node_axis(e->node, &x->shape);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        real most = line_reach(x->v, l, roundoff);
        for (size_t j = 0; j < l.n; j++) {
            reach[l.start + j * l.step] = most;
        }
    }
}

/* dx = c - softmax(x) * sum c. */
static void log_softmax_vjp(const struct vjp *v)
{
    const struct array *x = v->e->in[0];
    const real *y = v->e->out[0].v, *c = v->cotangent[0];
    int axis = node_axis(v->e->node, &x->shape);
    for (size_t i = 0; v->grad[0] && c && i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        real sum = 0;
        for (size_t k = 0; k < l.n; k++) {
            sum += c[l.start + k * l.step];
        }
        for (size_t k = 0; k < l.n; k++) {
            size_t at = l.start + k * l.step;
            v->grad[0][at] += c[at] - expl(y[at]) * sum;
        }
    }
}

/* At least lo - hi - log n. */
static void log_softmax_range(struct range_query *q)
{
    struct interval x = q->in[0];
    const struct shape *s = &q->in_value[0]->shape;
    real n = (real)s->dim[node_axis(q->node, s)];
    if (interval_is_empty(x)) {
        q->out[0] = x;
        return;
    }
    bool is_finite = isfinite(x.lo) && isfinite(x.hi);
    if (n == 1) { /* x - x - log(exp(0)) */
        q->out[0] = (struct interval){.lo = 0, .hi = 0, .may_nan = x.may_nan || !is_finite};
        return;
    }
    real lo = is_finite && n > 0 ? x.lo - x.hi - logl(n) : -INFINITY;
    q->out[0] = interval_widen(
        (struct interval){.lo = lo - 0x1p-50L, .hi = 0, .may_nan = x.may_nan || !is_finite});
}

const struct op op_log_softmax = {.name = "log_softmax",
                                  .reaches = log_softmax_reaches,
                                  .summary = "x - max - log(sum(exp(x - max))) along an axis",
                                  .evaluate = log_softmax_evaluate,
                                  .vjp = log_softmax_vjp,
                                  .range = log_softmax_range,
                                  SOFTMAX_OP};
