/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisations: (x - mean) / sqrt(var + epsilon) * scale + bias, where mean and variance (of n,
 * not n - 1) are of what lies together: layer_norm the dims from an axis on, group_norm a group of
 * channels, instance_norm a channel; rms_norm takes the mean for 0; batch_norm is given both. Such
 * a stretch of x is contiguous, so one walk serves all.
 */
#include "ops/ops_internal.h"

/* Means are of 2^28 elements at most; an epsilon of 0 would make constant inputs a pole. */
static const double epsilons[] = {0x1.4f8b58p-17 /* 1e-5f */, 0x1.0624dep-10 /* 1e-3f */,
                                  0x1.0c6f7ap-20 /* 1e-6f */, 0.125, 1};

/* ---- structure and relation ---- */

static bool settle_epsilon(struct instance *m, struct rng *rng)
{
    if (!settle_real(m, "epsilon", epsilons, ARRAY_SIZE(epsilons), rng)) {
        return false;
    }
    if (!(instance_attr(m, "epsilon")->f > 0)) {
        return REFUSE("epsilon must be above 0");
    }
    return true;
}

static bool settle_ranks(struct instance *m, int lo, int hi, int rank_of_scale, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    if (x->rank < 0) {
        x->rank = y->rank;
    }
    if (!draw_rank(x, lo, hi, rng) || !settle_rank(y, x->rank)) {
        return false;
    }
    for (uint32_t k = 1; k < m->n_in; k++) {
        if (m->in[k].present && !settle_rank(&m->in[k], rank_of_scale)) {
            return false;
        }
    }
    return true;
}

static bool channel_structure(struct instance *m, struct rng *rng)
{
    const struct slot_spec *x = &m->op->in[0];
    return settle_dtypes(m, rng) && settle_ranks(m, x->rank_min, x->rank_max, 1, rng) &&
           settle_epsilon(m, rng);
}

/* Nothing to take a mean of is 0 / 0: not made. */
static void relate_channels(struct relation *r, struct instance *m)
{
    relate_same(r, m);
    for (uint32_t k = 1; k < m->n_in; k++) {
        relate_equal(r, m->in[k].dim[0], m->in[0].dim[1]);
    }
    for (int d = 1; d < m->in[0].rank; d++) {
        relation_narrow(r, m->in[0].dim[d], 1, DIM_LIMIT);
    }
}

static bool group_structure(struct instance *m, struct rng *rng)
{
    return channel_structure(m, rng) && check_ints(m, "num_groups", 1, 1, rng);
}

static void group_relate(struct relation *r, struct instance *m)
{
    var groups = instance_attr_var(m, r, "num_groups", 0, 1, 64);
    var each = relation_var(r, 1, DIM_LIMIT);
    relate_channels(r, m);
    /* ONNX's function body reshapes by dims: a 0 would stand for another one. */
    relation_narrow(r, m->in[0].dim[0], 1, DIM_LIMIT);
    relate_product(r, 2, (const var[]){groups, each}, m->in[0].dim[1]);
}

/* The axis that the rank of a known scale says, else drawn. */
static bool layer_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0];
    int axis;
    if (!settle_dtypes(m, rng) || !settle_epsilon(m, rng)) {
        return false;
    }
    if (x->rank < 0) {
        x->rank = m->out[0].rank;
    }
    if (!draw_rank(x, 1, RANK_MAX, rng)) {
        return false;
    }
    for (uint32_t k = 1; rng && k < m->n_in && !instance_attr(m, "axis"); k++) {
        int rank = m->in[k].present ? m->in[k].rank : -1;
        if (rank >= 1 && rank <= x->rank) {
            instance_add_attr(m, "axis", ATTR_INT, 1)->i[0] = x->rank - rank;
        }
    }
    return settle_axis(m, "axis", x->rank, rng, &axis) &&
           settle_ranks(m, 1, RANK_MAX, x->rank - axis, rng);
}

static void layer_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], x->rank);
    relate_same(r, m);
    for (int d = axis; d < x->rank; d++) {
        relation_narrow(r, x->dim[d], 1, DIM_LIMIT);
        for (uint32_t k = 1; k < m->n_in; k++) {
            if (m->in[k].present) {
                relate_equal(r, m->in[k].dim[d - axis], x->dim[d]);
            }
        }
    }
}

/* ---- the walk ---- */

/* Elements i * length .. (i + 1) * length - 1 share mean and variance; element i has the parameters
 * of i / inside % count. */
struct norm {
    size_t length, inside, count;
    bool is_centered;
    /* By ONNX's text in single precision whatever the dtype (stash_type 1), and the normalised
     * value rounded to the dtype before it is scaled. */
    bool has_stash;
    real epsilon;
};

static size_t product_from(const struct shape *s, int d)
{
    size_t n = 1;
    for (; d < s->rank; d++) {
        n *= (size_t)s->dim[d];
    }
    return n;
}

static struct norm norm_of(const struct node *node, const struct shape *x)
{
    const struct attr *axis = node_attr(node, "axis");
    const struct attr *groups = node_attr(node, "num_groups");
    struct norm n = {.is_centered = node->op != &op_rms_norm,
                     .has_stash = axis || groups,
                     .epsilon = (real)node_real(node, "epsilon", 0)};
    if (axis) {
        n.length = n.count = product_from(x, axis_normalize(axis->i[0], x->rank));
        n.inside = 1;
        return n;
    }
    n.inside = product_from(x, 2);
    n.count = (size_t)x->dim[1];
    n.length = n.inside * (groups ? n.count / (size_t)groups->i[0] : 1);
    return n;
}

static struct norm norm_in(const struct evaluation *e)
{
    return norm_of(e->node, &e->in[0]->shape);
}

static size_t parameter_at(const struct norm *n, size_t i)
{
    return i / n->inside % n->count;
}

static const struct array *input(const struct evaluation *e, uint32_t k)
{
    return k < e->n_in ? e->in[k] : NULL;
}

/* Of one stretch. */
struct moments {
    real mean, var, deviation; /* sqrt(var + epsilon) */
    real magnitude, square;    /* means of |x| and x^2 */
};

static struct moments moments_of(const struct norm *n, const real *x)
{
    struct moments m = {0};
    for (size_t i = 0; i < n->length; i++) {
        m.mean += x[i];
        m.magnitude += fabsl(x[i]);
        m.square += x[i] * x[i];
    }
    real count = (real)n->length;
    m.mean = n->is_centered ? m.mean / count : 0;
    m.magnitude /= count;
    m.square /= count;
    for (size_t i = 0; i < n->length; i++) {
        m.var += (x[i] - m.mean) * (x[i] - m.mean);
    }
    m.var /= count;
    m.deviation = sqrtl(m.var + n->epsilon);
    return m;
}

/* ---- evaluation ---- */

/*
 * Errors of the moments, to first order. Sums of n terms: gamma_n / 2, as sum_noise_init says. The
 * variance: two passes lose gamma var + the mean's error squared; updates (Welford) gamma sqrt(var
 * E[x^2]) (Chan, Golub, LeVeque 1983); E[x^2] - E[x]^2, which ONNX's function bodies of
 * LayerNormalization and GroupNormalization are made of, gamma E[x^2].
 */
struct moment_errors {
    real mean, relative; /* relative: of 1 / deviation */
};

static struct moment_errors errors_of(const struct norm *n, const struct moments *m, real u)
{
    real nu = (real)n->length * u, gamma = (nu < 0.5L ? nu / (1 - nu) : 1) / 2 + 2 * u;
    struct moment_errors e = {.mean = n->is_centered ? gamma * m->magnitude : 0};
    real lost = gamma * m->var + e.mean * e.mean, both = m->var + n->epsilon;
    if (n->is_centered) {
        lost += gamma * (n->has_stash ? 2 * m->square : sqrtl(m->var * m->square));
    }
    /* Half of the variance lost: to first order no longer. */
    e.relative = lost > both / 4 ? INFINITY : lost / (2 * both) + 3 * u;
    return e;
}

static enum dtype norm_accumulator(const struct norm *n, enum dtype d)
{
    return n->has_stash || dtype_is_half(d) ? DTYPE_F32 : d;
}

/* May a step of some order overflow (scale / deviation, x times that, the scaled value before the
 * bias, the bias with the mean folded into it) that the result does not show? Infinite elements
 * aside: those show. */
static bool norm_overflows(const struct norm *n, const struct moments *m, enum dtype d, real x,
                           real scale, real bias)
{
    enum dtype acc = norm_accumulator(n, d);
    real slope = fabsl(scale) / m->deviation, largest = 1;
    const real factors[] = {x, m->mean, x - m->mean};
    for (size_t k = 0; k < ARRAY_SIZE(factors); k++) {
        largest = isfinite(factors[k]) ? fmaxl(largest, fabsl(factors[k])) : largest;
    }
    real scaled = isfinite(x) ? fabsl(x - m->mean) * slope : 0;
    real shift = isfinite(bias) ? fabsl(bias) : 0;
    return fmaxl(slope, fmaxl(fabsl(scale), 1)) * largest + shift > dtype_max(acc) ||
           scaled * (1 + 4 * dtype_roundoff(d)) > dtype_max(d);
}

/* The largest error of a finite y = (x - mean) / deviation * scale + bias; also when the scale is
 * folded with 1 / deviation and the mean with the bias. */
static real norm_noise_at(const struct norm *n, const struct moments *m,
                          const struct moment_errors *error, enum dtype d, real x, real scale,
                          real bias)
{
    enum dtype acc = norm_accumulator(n, d);
    real u = dtype_roundoff(acc), slope = fabsl(scale) / m->deviation;
    real scaled = fabsl(x - m->mean) * slope, both = fabsl(x) + fabsl(m->mean);
    if (isinf(error->relative)) {
        return INFINITY;
    }
    real noise = slope * (error->mean + 2 * u * both) + scaled * (error->relative + 3 * u) +
                 2 * u * fabsl(bias);
    if (d != acc) {
        real rounding = dtype_roundoff(d);
        noise += rounding * (scaled + fabsl(bias)) + (n->has_stash ? 2 * rounding * scaled : 0);
    }
    /* What underflow leaves of scale / deviation, scale * (x - mean), the normalised value, the
     * mean. */
    real tiny = fmaxl(dtype_tiny(acc), n->has_stash ? dtype_tiny(d) : 0);
    return noise + tiny * (both + 1 / m->deviation + fabsl(scale) + slope) + dtype_tiny(d);
}

static real norm_noise(const struct norm *n, const struct moments *m,
                       const struct moment_errors *error, enum dtype d, real y, real x, real scale,
                       real bias)
{
    if (isnan(y)) {
        return 0;
    }
    if (norm_overflows(n, m, d, x, scale, bias)) {
        return INFINITY;
    }
    return isinf(y) ? 0 : norm_noise_at(n, m, error, d, x, scale, bias);
}

static void norm_stretch(struct evaluation *e, const struct norm *n, size_t start)
{
    const real *x = e->in[0]->v + start;
    real *y = e->out[0].v + start;
    const struct array *scale = input(e, 1), *bias = input(e, 2);
    enum dtype d = e->out[0].dtype, acc = norm_accumulator(n, d);
    struct moments m = moments_of(n, x);
    struct moment_errors error = errors_of(n, &m, dtype_roundoff(acc));
    /* The squares must not overflow on their way. */
    bool overflows = m.square * (real)n->length > dtype_max(acc);
    for (size_t i = 0; i < n->length; i++) {
        size_t at = parameter_at(n, start + i);
        real s = scale ? scale->v[at] : 1, b = bias ? bias->v[at] : 0;
        y[i] = (x[i] - m.mean) / m.deviation * s + b;
        if (e->noise[0]) {
            real noise = norm_noise(n, &m, &error, d, y[i], x[i], s, b);
            e->noise[0][start + i] = overflows && !isnan(y[i]) ? INFINITY : noise;
        }
    }
}

static void norm_evaluate(struct evaluation *e)
{
    struct norm n = norm_in(e);
    for (size_t start = 0; start < e->in[0]->n; start += n.length) {
        norm_stretch(e, &n, start);
    }
}

/* ---- taint, gradient, range ---- */

static void taint_parameters(const struct taint *t, const struct norm *n)
{
    for (uint32_t k = 1; k < t->e->n_in; k++) {
        for (size_t i = 0; t->in_mark[k] && i < t->e->out[0].n; i++) {
            t->out_mark[0][i] |= t->in_mark[k][parameter_at(n, i)];
        }
    }
}

static void norm_taint(const struct taint *t)
{
    struct norm n = norm_in(t->e);
    for (size_t start = 0; t->in_mark[0] && start < t->e->in[0]->n; start += n.length) {
        uint8_t any = 0;
        for (size_t i = 0; i < n.length; i++) {
            any |= t->in_mark[0][start + i];
        }
        for (size_t i = 0; i < n.length; i++) {
            t->out_mark[0][start + i] |= any;
        }
    }
    taint_parameters(t, &n);
}

static void vjp_stretch(const struct vjp *v, const struct norm *n, size_t start)
{
    const real *x = v->e->in[0]->v + start, *c = v->cotangent[0] + start;
    const struct array *scale = input(v->e, 1);
    struct moments m = moments_of(n, x);
    real mean = 0, dot = 0;
    for (size_t i = 0; i < n->length; i++) {
        size_t at = parameter_at(n, start + i);
        real g = c[i] * (scale ? scale->v[at] : 1), h = (x[i] - m.mean) / m.deviation;
        mean += n->is_centered ? g / (real)n->length : 0;
        dot += g * h / (real)n->length;
        if (v->grad[1]) {
            v->grad[1][at] += c[i] * h;
        }
        if (v->grad[2]) {
            v->grad[2][at] += c[i];
        }
    }
    for (size_t i = 0; v->grad[0] && i < n->length; i++) {
        size_t at = parameter_at(n, start + i);
        real g = c[i] * (scale ? scale->v[at] : 1), h = (x[i] - m.mean) / m.deviation;
        v->grad[0][start + i] += (g - mean - h * dot) / m.deviation;
    }
}

static void norm_vjp(const struct vjp *v)
{
    struct norm n = norm_in(v->e);
    for (size_t start = 0; v->cotangent[0] && start < v->e->in[0]->n; start += n.length) {
        vjp_stretch(v, &n, start);
    }
}

/* One element lies sqrt(n - 1) deviations from the mean at most, sqrt(n) from zero. */
static void norm_range(struct range_query *q)
{
    struct interval y = INTERVAL_EMPTY;
    if (shape_numel(&q->out_value[0]->shape) > 0) {
        struct norm n = norm_of(q->node, &q->in_value[0]->shape);
        real most = sqrtl((real)n.length);
        y = (struct interval){.lo = -most, .hi = most};
        for (uint32_t k = 1; k < q->node->n_in && q->in_value[k]; k++) {
            y = k == 1 ? interval_mul(y, q->in[k]) : interval_add(y, q->in[k]);
        }
        y = interval_widen(interval_widen(y));
    }
    y.may_nan |= q->in[0].may_nan || isinf(q->in[0].lo) || isinf(q->in[0].hi);
    q->out[0] = y;
}

/* An infinite scale: scale / deviation * x + (bias - scale / deviation * mean), as it is often
 * computed, gives inf - inf. No text says in which order. */
static void norm_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *scale = input(e, 1);
    struct norm n = norm_in(e);
    for (size_t i = 0; scale && i < e->out[0].n; i++) {
        bool is_infinite = isinf(scale->v[parameter_at(&n, i)]);
        mark[0][i] |= is_infinite;
    }
}

/* Near linear in x as long as it moves little beside the deviation. */
static void norm_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    struct norm n = norm_in(e);
    for (size_t i = 0; i < e->in[k]->n; i++) {
        reach[i] = INFINITY;
    }
    for (size_t start = 0; k == 0 && start < e->in[0]->n; start += n.length) {
        struct moments m = moments_of(&n, e->in[0]->v + start);
        for (size_t i = 0; i < n.length; i++) {
            reach[start + i] = m.deviation;
        }
    }
}

#define NORM_CALLS                                                                                 \
    .evaluate = norm_evaluate, .taint = norm_taint, .vjp = norm_vjp, .range = norm_range,          \
    .unspecified = norm_unspecified, .reaches = norm_reaches

#define PARAMETER(slot, rank)                                                                      \
    {slot, .same_as = "x", .rank_min = 1, .rank_max = rank, .constant_likely = true}

const struct op op_layer_norm = {
    .name = "layer_norm",
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias over the dims from axis on",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 1, .rank_max = RANK_MAX},
           PARAMETER("scale", RANK_MAX),
           {"bias", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX, .optional = true,
            .constant_likely = true}},
    .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"axis", ATTR_INT}, {"epsilon", ATTR_REAL}},
    .structure = layer_structure,
    .relate = layer_relate,
    NORM_CALLS};

const struct op op_rms_norm = {
    .name = "rms_norm",
    .summary = "x / sqrt(mean(x^2) + epsilon) * scale over the dims from axis on",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 1, .rank_max = RANK_MAX},
           PARAMETER("scale", RANK_MAX)},
    .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"axis", ATTR_INT}, {"epsilon", ATTR_REAL}},
    .structure = layer_structure,
    .relate = layer_relate,
    NORM_CALLS};

const struct op op_group_norm = {
    .name = "group_norm",
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias over groups of channels",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 3, .rank_max = 5},
           PARAMETER("scale", 1),
           PARAMETER("bias", 1)},
    .out = {{"y", .same_as = "x", .rank_min = 3, .rank_max = 5}},
    .attrs = {{"num_groups", ATTR_INT}, {"epsilon", ATTR_REAL}},
    .structure = group_structure,
    .relate = group_relate,
    NORM_CALLS};

const struct op op_instance_norm = {
    .name = "instance_norm",
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias over each channel",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 3, .rank_max = 5},
           PARAMETER("scale", 1),
           PARAMETER("bias", 1)},
    .out = {{"y", .same_as = "x", .rank_min = 3, .rank_max = 5}},
    .attrs = {{"epsilon", ATTR_REAL}},
    .structure = channel_structure,
    .relate = relate_channels,
    NORM_CALLS};

/* ---- batch_norm: mean and variance are inputs ---- */

enum { BN_X, BN_SCALE, BN_BIAS, BN_MEAN, BN_VAR, BN_INPUTS };

struct channel {
    real scale, bias, mean, var, deviation;
};

static struct channel channel_at(const struct evaluation *e, const struct norm *n, size_t i)
{
    size_t at = parameter_at(n, i);
    struct channel c = {.scale = e->in[BN_SCALE]->v[at],
                        .bias = e->in[BN_BIAS]->v[at],
                        .mean = e->in[BN_MEAN]->v[at],
                        .var = e->in[BN_VAR]->v[at]};
    c.deviation = sqrtl(c.var + n->epsilon);
    return c;
}

/* As norm_noise_at; var + epsilon may cancel when a "variance" is negative. */
static real batch_noise(const struct norm *n, const struct channel *c, enum dtype d, real y, real x)
{
    struct moments m = {.mean = c->mean, .var = c->var, .deviation = c->deviation};
    real u = dtype_roundoff(dtype_is_half(d) ? DTYPE_F32 : d);
    real cancels = (fabsl(c->var) + n->epsilon) / (c->var + n->epsilon);
    struct moment_errors error = {.relative = u * (cancels + 3)};
    return norm_noise(n, &m, &error, d, y, x, c->scale, c->bias);
}

static void batch_evaluate(struct evaluation *e)
{
    struct norm n = norm_in(e);
    const real *x = e->in[BN_X]->v;
    struct array *y = &e->out[0];
    for (size_t i = 0; i < y->n; i++) {
        struct channel c = channel_at(e, &n, i);
        y->v[i] = (x[i] - c.mean) / c.deviation * c.scale + c.bias;
        if (e->noise[0] && isfinite(c.var)) {
            e->noise[0][i] = batch_noise(&n, &c, y->dtype, y->v[i], x[i]);
        }
    }
}

static void batch_taint(const struct taint *t)
{
    struct norm n = norm_in(t->e);
    for (size_t i = 0; t->in_mark[BN_X] && i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= t->in_mark[BN_X][i];
    }
    taint_parameters(t, &n);
}

static void batch_vjp(const struct vjp *v)
{
    struct norm n = norm_in(v->e);
    const real *x = v->e->in[BN_X]->v;
    for (size_t i = 0; v->cotangent[0] && i < v->e->out[0].n; i++) {
        struct channel c = channel_at(v->e, &n, i);
        real h = (x[i] - c.mean) / c.deviation, g = v->cotangent[0][i];
        real both = c.var + n.epsilon, slope = c.scale / c.deviation;
        const real part[BN_INPUTS] = {slope, h, 1, -slope, -h * c.scale / (2 * both)};
        for (uint32_t k = 0; k < BN_INPUTS; k++) {
            if (v->grad[k]) {
                v->grad[k][k == BN_X ? i : parameter_at(&n, i)] += g * part[k];
            }
        }
    }
}

static void batch_range(struct range_query *q)
{
    real epsilon = (real)node_real(q->node, "epsilon", 0), low = q->in[BN_VAR].lo + epsilon;
    struct interval s = {.lo = sqrtl(fmaxl(low, 0)),
                         .hi = sqrtl(fmaxl(q->in[BN_VAR].hi + epsilon, 0))};
    struct interval mean = {
        .lo = -q->in[BN_MEAN].hi, .hi = -q->in[BN_MEAN].lo, .may_nan = q->in[BN_MEAN].may_nan};
    struct interval y = interval_div(interval_add(q->in[BN_X], mean), interval_widen(s));
    y = interval_widen(interval_mul(interval_widen(y), q->in[BN_SCALE]));
    y = interval_widen(interval_widen(interval_add(y, q->in[BN_BIAS])));
    y.may_nan |= q->in[BN_VAR].may_nan || low < 0;
    if (isfinite(y.lo) && isfinite(y.hi)) { /* a sum may cancel: its rounding is of its terms */
        real most = fmaxl(fabsl(y.lo), fabsl(y.hi));
        most = fmaxl(most, fmaxl(fabsl(q->in[BN_BIAS].lo), fabsl(q->in[BN_BIAS].hi)));
        y.lo -= most * 0x1p-50L;
        y.hi += most * 0x1p-50L;
    }
    q->out[0] = y;
}

/* As norm_unspecified; also a pole, var = -epsilon, and a mean or variance that is infinite:
 * x * (scale / inf) - mean * (scale / inf) may be 0 * inf. */
static void batch_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct norm n = norm_in(e);
    for (size_t i = 0; i < e->out[0].n; i++) {
        struct channel c = channel_at(e, &n, i);
        mark[0][i] |= isinf(c.scale) || c.deviation == 0 || isinf(c.mean) || isinf(c.var);
    }
}

/* 1 / sqrt(var + epsilon) has a pole. */
static void batch_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    real epsilon = (real)node_real(e->node, "epsilon", 0);
    for (size_t i = 0; i < e->in[k]->n; i++) {
        reach[i] = k == BN_VAR ? fabsl(e->in[k]->v[i] + epsilon) : INFINITY;
    }
}

const struct op op_batch_norm = {
    .name = "batch_norm",
    .folding = FOLDS_AS_SCALE,
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias, a channel each (inference)",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 2, .rank_max = 5},
           PARAMETER("scale", 1),
           PARAMETER("bias", 1),
           PARAMETER("mean", 1),
           PARAMETER("var", 1)},
    .out = {{"y", .same_as = "x", .rank_min = 2, .rank_max = 5}},
    .attrs = {{"epsilon", ATTR_REAL}},
    .structure = channel_structure,
    .relate = relate_channels,
    .evaluate = batch_evaluate,
    .taint = batch_taint,
    .vjp = batch_vjp,
    .range = batch_range,
    .unspecified = batch_unspecified,
    .reaches = batch_reaches};
