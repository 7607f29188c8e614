/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisations: (x - mean) / sqrt(var + epsilon) * scale + bias, where mean and variance (of n,
 * not n - 1) are of what lies together: layer_norm the dims from an axis on, group_norm a group of
 * channels, instance_norm a channel; rms_norm takes the mean for 0; batch_norm is given both. Such
 * a stretch of x is contiguous, so one walk serves all.
 */
#include "ops/norm.h"

/* ---- structure and relation ---- */

static bool settle_epsilon(struct instance *m, struct rng *rng)
{
    if (!settle_real(m, "epsilon", rng)) {
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

bool norm_channel_structure(struct instance *m, struct rng *rng)
{
    const struct slot_spec *x = &m->op->in[0];
    return settle_dtypes(m, rng) && settle_ranks(m, x->rank_min, x->rank_max, 1, rng) &&
           settle_epsilon(m, rng);
}

/* Nothing to take a mean of is 0 / 0: not made. */
void norm_relate_channels(struct relation *r, struct instance *m)
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
    return norm_channel_structure(m, rng) && check_ints(m, "num_groups", 1, 1, rng);
}

static void group_relate(struct relation *r, struct instance *m)
{
    var groups = instance_attr_var(m, r, "num_groups", 0, 1, 64);
    var each = relation_var(r, 1, DIM_LIMIT);
    norm_relate_channels(r, m);
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

size_t norm_numel_from(const struct shape *s, int d)
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
                     .is_shared = !axis,
                     .epsilon = (real)node_real(node, "epsilon", 0)};
    if (axis) {
        n.length = n.count = norm_numel_from(x, axis_normalize(axis->i[0], x->rank));
        n.inside = 1;
        return n;
    }
    n.inside = norm_numel_from(x, 2);
    n.count = (size_t)x->dim[1];
    n.length = n.inside * (groups ? n.count / (size_t)groups->i[0] : 1);
    return n;
}

static struct norm norm_in(const struct evaluation *e)
{
    return norm_of(e->node, &e->in[0]->shape);
}

size_t norm_parameter_at(const struct norm *n, size_t i)
{
    return i / n->inside % n->count;
}

static const struct array *input(const struct evaluation *e, uint32_t k)
{
    return k < e->n_in ? e->in[k] : NULL;
}

struct moments norm_moments(const struct norm *n, const real *x)
{
    struct moments m = {0};
    for (size_t i = 0; i < n->length; i++) {
        m.mean += x[i];
        m.magnitude += isfinite(x[i]) ? fabsl(x[i]) : 0;
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
    m.inverse = 1 / m.deviation;
    return m;
}

/* ---- errors ---- */

enum dtype norm_accumulator(const struct norm *n, enum dtype d)
{
    return n->has_stash || dtype_is_half(d) ? DTYPE_F32 : d;
}

/*
 * To first order. Sums of n terms: noise_gamma. The variance: two passes lose gamma var + the
 * mean's error squared; updates (Welford) gamma sqrt(var E[x^2]) (Chan, Golub, LeVeque 1983);
 * E[x^2] - E[x]^2, which ONNX's function bodies of LayerNormalization and GroupNormalization are
 * made of, gamma E[x^2]. Squares that overflow make 1 / deviation 0 or NaN, or do not, by the
 * order.
 */
struct moment_errors norm_moment_errors(const struct norm *n, const struct moments *m, enum dtype d)
{
    enum dtype acc = norm_accumulator(n, d);
    real u = dtype_roundoff(acc), count = (real)n->length, top = dtype_max(acc);
    real gamma = noise_gamma(acc, count) + 2 * u;
    struct moment_errors e = {.mean = n->is_centered && n->length > 1 ? gamma * m->magnitude : 0};
    real lost = gamma * m->var + e.mean * e.mean + dtype_tiny(acc), both = m->var + n->epsilon;
    if (n->is_centered) {
        lost += gamma * (n->has_stash ? 2 * m->square : sqrtl(m->var * m->square));
    }
    if (n->is_centered && m->magnitude * count > top) {
        e.mean = INFINITY;
    }
    bool overflows = isinf(e.mean) || (n->has_stash ? m->square : m->var) * count > top;
    overflows &= isfinite(m->square);
    bool is_infinite = !n->has_stash && isfinite(e.mean) && m->var > top;
    e.var = overflows && !is_infinite ? INFINITY : lost;
    /* Half of the variance lost: to first order no longer. */
    e.relative = overflows || lost > both / 4 ? INFINITY : lost / (2 * both) + 3 * u;
    return e;
}

/*
 * The ways that libraries take to y = (x - mean) / deviation * scale + bias:
 *   n = (x - mean) / deviation, or x / deviation - mean / deviation, often by a factor
 *   1 / deviation, then n * scale + bias;
 *   (x - mean) * slope + bias, slope being scale / deviation;
 *   x * slope + (bias - mean * slope), where several elements have these parameters;
 *   scale * (x - mean) / deviation + bias, as ONNX's reference has it for BatchNormalization.
 */
struct steps {
    enum dtype acc;             /* computes n, from x rounded to it */
    enum dtype stage;           /* holds n: the coarser of that and the result's */
    enum dtype wide;            /* scales n: the finer */
    real away, size;            /* |x - mean|; the larger of |x|, |mean| */
    real scale, inverse, slope; /* magnitudes; 1 / deviation, scale / deviation */
    real folded;                /* |mean * slope|; 0: not folded with the bias */
    real bias;                  /* |bias|; 0: infinite */
};

/* fmaxl, inline: it is asked for each element many times. */
static inline real larger(real a, real b)
{
    return a >= b || isnan(b) ? a : b;
}

static struct steps steps_of(const struct norm *n, const struct moments *m, enum dtype d,
                             const struct normed *el)
{
    struct steps s = {.acc = norm_accumulator(n, d),
                      .away = fabsl(el->x - m->mean),
                      .size = larger(fabsl(el->x), fabsl(m->mean)),
                      .scale = fabsl(el->scale),
                      .inverse = m->inverse,
                      .bias = isfinite(el->bias) ? fabsl(el->bias) : 0};
    s.stage = n->has_stash && dtype_is_half(d) ? d : s.acc;
    s.wide = dtype_is_half(d) ? s.acc : d;
    s.slope = s.scale * s.inverse;
    s.folded = n->is_shared ? fabsl(m->mean) * s.slope : 0;
    return s;
}

/* May a step of some way overflow that y, finite or of an infinite bias, does not show? */
static bool may_overflow(const struct norm *n, const struct steps *s, enum dtype d)
{
    real scaled = s->away * s->slope;
    real most = larger(s->slope * (n->is_shared ? larger(s->size, 1) : 1), s->away * s->scale);
    return larger(s->away, s->size) * larger(s->inverse, 1) > dtype_max(s->acc) ||
           larger(most, scaled) + s->bias > dtype_max(s->wide) ||
           scaled * (1 + 4 * dtype_roundoff(d)) > dtype_max(d);
}

/* Is y infinite whichever way is taken? What else may come is inf - inf: of a slope that overflows,
 * or its product with the mean, or 0 * inf of a slope that underflows beside an infinite x. */
static bool is_surely_infinite(const struct norm *n, const struct steps *s, const struct moments *m,
                               enum dtype d, const struct normed *el)
{
    real top = dtype_max(s->wide);
    bool folds = n->is_shared && (s->slope > top || s->folded + s->bias > top);
    if (folds || fabsl(m->mean) * s->inverse > dtype_max(s->acc)) {
        return false;
    }
    if (isinf(el->x)) {
        return s->slope >= 2 * dtype_tiny(s->wide);
    }
    return isfinite(el->bias) && fabsl(el->y) > dtype_max(d);
}

/* An infinite scale has the sign of x - mean, as long as that has one and n is not 0. */
static real infinite_scale_noise(const struct norm *n, const struct steps *s,
                                 const struct moment_errors *error)
{
    real u = dtype_roundoff(s->acc);
    real doubt = n->is_centered ? 4 * (error->mean + 4 * u * s->size) : 0;
    if (isnan(s->away) || (s->away == 0 && doubt == 0)) {
        return 0;
    }
    bool is_sure = s->away > doubt && s->away * s->inverse >= 2 * dtype_tiny(s->stage);
    return is_sure && !isinf(error->relative) ? 0 : INFINITY;
}

/* What underflow takes from a step of this magnitude. */
static real underflow(real step, enum dtype d)
{
    return step != 0 && step < dtype_min_normal(d) ? dtype_tiny(d) : 0;
}

/* What underflow of the slope, of scale * (x - mean), of n, of the mean leaves in y. */
static real underflow_noise(const struct norm *n, const struct steps *s, const struct moments *m,
                            enum dtype d)
{
    real mean = fabsl(m->mean), moved = n->is_shared ? 2 * s->size : s->away;
    real parts =
        larger(underflow(s->away * s->inverse, s->stage), underflow(mean * s->inverse, s->acc));
    real of_x = d == s->wide && s->acc != d ? underflow(s->size, s->acc) : 0;
    of_x += n->is_centered ? underflow(mean, s->acc) : 0;
    return underflow(s->slope, s->wide) * moved +
           underflow(s->scale * s->away, s->wide) * s->inverse + parts * s->scale +
           of_x * s->slope + 2 * dtype_tiny(s->wide) + dtype_tiny(d);
}

static real finite_noise(const struct norm *n, const struct steps *s, const struct moments *m,
                         const struct moment_errors *error, enum dtype d, const struct normed *el)
{
    real u = dtype_roundoff(s->acc), scaled = s->away * s->slope;
    real both = fabsl(el->x) + fabsl(m->mean);
    real noise = s->slope * (error->mean + 2 * u * both) + scaled * (error->relative + 3 * u) +
                 2 * u * s->bias;
    if (d != s->acc) {
        real rounding = dtype_roundoff(d);
        noise += rounding * (scaled + s->bias) + (n->has_stash ? 2 * rounding * scaled : 0);
    }
    return noise + underflow_noise(n, s, m, d);
}

real norm_noise(const struct norm *n, const struct moments *m, const struct moment_errors *error,
                enum dtype d, const struct normed *el)
{
    struct steps s = steps_of(n, m, d, el);
    if (isinf(m->deviation)) { /* of infinite elements; n is 0 */
        bool overflows =
            isfinite(s.away) && isfinite(s.scale) && s.away * s.scale > dtype_max(s.wide);
        return overflows ? INFINITY : 0;
    }
    if (isinf(el->scale)) {
        return infinite_scale_noise(n, &s, error);
    }
    if (isnan(el->y)) {
        return 0;
    }
    bool is_infinite = is_surely_infinite(n, &s, m, d, el);
    if (isinf(error->relative) || (!is_infinite && may_overflow(n, &s, d))) {
        return INFINITY;
    }
    return isinf(el->y) ? 0 : finite_noise(n, &s, m, error, d, el);
}

/* ---- evaluation ---- */

void norm_stretch(struct evaluation *e, const struct norm *n, const struct moments *m, size_t start)
{
    const real *x = e->in[0]->v + start;
    const struct array *scale = input(e, NORM_SCALE), *bias = input(e, NORM_BIAS);
    enum dtype d = e->out[0].dtype;
    struct moment_errors error = norm_moment_errors(n, m, d);
    for (size_t i = 0; i < n->length; i++) {
        size_t at = norm_parameter_at(n, start + i);
        struct normed el = {.x = x[i]};
        el.scale = scale ? scale->v[at] : 1;
        el.bias = bias ? bias->v[at] : 0;
        el.y = (el.x - m->mean) / m->deviation * el.scale + el.bias;
        e->out[0].v[start + i] = el.y;
        if (e->noise[0]) {
            e->noise[0][start + i] = norm_noise(n, m, &error, d, &el);
        }
    }
}

static void norm_evaluate(struct evaluation *e)
{
    struct norm n = norm_in(e);
    for (size_t start = 0; start < e->in[0]->n; start += n.length) {
        struct moments m = norm_moments(&n, e->in[0]->v + start);
        norm_stretch(e, &n, &m, start);
    }
}
/* ---- taint, gradient, range ---- */

uint8_t norm_parameter_mark(const struct taint *t, const struct norm *n, uint32_t last, size_t i)
{
    uint8_t mark = 0;
    for (uint32_t k = 1; k <= last && k < t->e->n_in; k++) {
        mark |= t->in_mark[k] ? t->in_mark[k][norm_parameter_at(n, i)] : 0;
    }
    return mark;
}

/* All of a stretch is NaN if one element is, or is infinite beside a mean: others change nothing.
 */
static void taint_stretch(const struct taint *t, const struct norm *n, size_t start)
{
    const real *x = t->e->in[0]->v + start;
    const uint8_t *mark = t->in_mark[0] ? t->in_mark[0] + start : NULL;
    uint8_t any = 0;
    bool is_nan = false;
    for (size_t i = 0; i < n->length; i++) {
        bool makes_nan = isnan(x[i]) || (n->is_centered && isinf(x[i]));
        is_nan |= makes_nan && !(mark && mark[i]);
        any |= mark ? mark[i] : 0;
    }
    for (size_t i = start; i < start + n->length && !is_nan; i++) {
        t->out_mark[0][i] |= any | norm_parameter_mark(t, n, NORM_BIAS, i);
    }
}

static void norm_taint(const struct taint *t)
{
    struct norm n = norm_in(t->e);
    for (size_t start = 0; start < t->e->in[0]->n; start += n.length) {
        taint_stretch(t, &n, start);
    }
}

void norm_vjp_stretch(const struct vjp *v, const struct norm *n, size_t start)
{
    const real *x = v->e->in[0]->v + start, *c = v->cotangent[0] + start;
    const struct array *scale = input(v->e, NORM_SCALE);
    struct moments m = norm_moments(n, x);
    real mean = 0, dot = 0;
    for (size_t i = 0; i < n->length; i++) {
        size_t at = norm_parameter_at(n, start + i);
        real g = c[i] * (scale ? scale->v[at] : 1), h = (x[i] - m.mean) / m.deviation;
        mean += n->is_centered ? g / (real)n->length : 0;
        dot += g * h / (real)n->length;
        if (v->grad[NORM_SCALE]) {
            v->grad[NORM_SCALE][at] += c[i] * h;
        }
        if (v->grad[NORM_BIAS]) {
            v->grad[NORM_BIAS][at] += c[i];
        }
    }
    for (size_t i = 0; v->grad[0] && i < n->length; i++) {
        size_t at = norm_parameter_at(n, start + i);
        real g = c[i] * (scale ? scale->v[at] : 1), h = (x[i] - m.mean) / m.deviation;
        v->grad[0][start + i] += (g - mean - h * dot) / m.deviation;
    }
}

static void norm_vjp(const struct vjp *v)
{
    struct norm n = norm_in(v->e);
    for (size_t start = 0; v->cotangent[0] && start < v->e->in[0]->n; start += n.length) {
        norm_vjp_stretch(v, &n, start);
    }
}

/* One element lies sqrt(n - 1) deviations from the mean at most, sqrt(n) from zero. */
struct interval norm_range_of(const struct range_query *q, size_t length, uint32_t last)
{
    struct interval y = INTERVAL_EMPTY;
    if (shape_numel(&q->out_value[0]->shape) > 0) {
        real most = sqrtl((real)length);
        y = (struct interval){.lo = -most, .hi = most};
        for (uint32_t k = 1; k <= last && k < q->node->n_in && q->in_value[k]; k++) {
            y = k == 1 ? interval_mul(y, q->in[k]) : interval_add(y, q->in[k]);
        }
        y = interval_widen(interval_widen(y));
    }
    y.may_nan |= q->in[0].may_nan || isinf(q->in[0].lo) || isinf(q->in[0].hi);
    return y;
}

static void norm_range(struct range_query *q)
{
    struct norm n = norm_of(q->node, &q->in_value[0]->shape);
    bool is_alone = n.is_centered && n.length == 1; /* x - x */
    q->out[0] = norm_range_of(q, is_alone ? 0 : n.length, NORM_BIAS);
}

/* scale / deviation * x + (bias - scale / deviation * mean) gives inf - inf. No text says in which
 * order. */
void norm_mark_scales(const struct evaluation *e, const struct norm *n, uint8_t *mark)
{
    const struct array *scale = input(e, NORM_SCALE);
    for (size_t start = 0; n->is_shared && start < e->out[0].n; start += n->inside) {
        if (isinf(scale->v[norm_parameter_at(n, start)])) {
            memset(mark + start, 1, n->inside);
        }
    }
}

static void norm_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct norm n = norm_in(e);
    norm_mark_scales(e, &n, mark[0]);
}

/* Near linear in x as long as it moves little beside the deviation. */
static void norm_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    struct norm n = norm_in(e);
    for (size_t i = 0; i < e->in[k]->n; i++) {
        reach[i] = INFINITY;
    }
    for (size_t start = 0; k == 0 && start < e->in[0]->n; start += n.length) {
        struct moments m = norm_moments(&n, e->in[0]->v + start);
        for (size_t i = 0; i < n.length; i++) {
            reach[start + i] = m.deviation;
        }
    }
}

/* There are as many means as elements: each is its own. */
static bool has_one_element(const struct shape *x, int64_t means)
{
    return (int64_t)shape_numel(x) == means;
}

static bool layer_is_blind(const struct program *p, const struct node *node)
{
    const struct shape *x = &p->values[node->in[0]].shape;
    int64_t means = 1;
    for (int d = 0; d < node_axis(node, x); d++) {
        means *= x->dim[d];
    }
    return has_one_element(x, means);
}

static bool group_is_blind(const struct program *p, const struct node *node)
{
    const struct shape *x = &p->values[node->in[0]].shape;
    return has_one_element(x, x->dim[0] * node_int(node, "num_groups", 1));
}

static bool instance_is_blind(const struct program *p, const struct node *node)
{
    const struct shape *x = &p->values[node->in[0]].shape;
    return has_one_element(x, x->dim[0] * x->dim[1]);
}

#define NORM_CALLS                                                                                 \
    .evaluate = norm_evaluate, .taint = norm_taint, .vjp = norm_vjp, .range = norm_range,          \
    .unspecified = norm_unspecified, .reaches = norm_reaches

const struct op op_layer_norm = {
    .name = "layer_norm",
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias over the dims from axis on",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 1, .rank_max = RANK_MAX},
           NORM_PARAMETER("scale", RANK_MAX),
           {"bias", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX, .optional = true,
            .constant_likely = true}},
    .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"axis", ATTR_INT}, EPSILON_ATTR},
    .structure = layer_structure,
    .relate = layer_relate,
    .is_blind = layer_is_blind,
    NORM_CALLS};

const struct op op_rms_norm = {
    .name = "rms_norm",
    .summary = "x / sqrt(mean(x^2) + epsilon) * scale over the dims from axis on",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 1, .rank_max = RANK_MAX},
           NORM_PARAMETER("scale", RANK_MAX)},
    .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"axis", ATTR_INT}, EPSILON_ATTR},
    .structure = layer_structure,
    .relate = layer_relate,
    NORM_CALLS};

const struct op op_group_norm = {
    .name = "group_norm",
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias over groups of channels",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 3, .rank_max = 5},
           NORM_PARAMETER("scale", 1),
           NORM_PARAMETER("bias", 1)},
    .out = {{"y", .same_as = "x", .rank_min = 3, .rank_max = 5}},
    .attrs = {{"num_groups", ATTR_INT}, EPSILON_ATTR},
    .structure = group_structure,
    .relate = group_relate,
    .is_blind = group_is_blind,
    NORM_CALLS};

const struct op op_instance_norm = {
    .name = "instance_norm",
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias over each channel",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 3, .rank_max = 5},
           NORM_PARAMETER("scale", 1),
           NORM_PARAMETER("bias", 1)},
    .out = {{"y", .same_as = "x", .rank_min = 3, .rank_max = 5}},
    .attrs = {EPSILON_ATTR},
    .structure = norm_channel_structure,
    .relate = norm_relate_channels,
    .is_blind = instance_is_blind,
    NORM_CALLS};
