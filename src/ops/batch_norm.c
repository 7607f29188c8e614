/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisation of channels over the whole batch: (x - mean) / sqrt(var + epsilon) * scale + bias.
 * batch_norm takes mean and variance as they are given (inference); batch_norm_training takes x's
 * own (of n, not n - 1) and gives the running ones moved towards them:
 * momentum * given + (1 - momentum) * own.
 */
#include "ops/norm.h"

/* Inputs behind those of every norm. */
enum { BN_MEAN = NORM_BIAS + 1, BN_VAR, BN_INPUTS };

static struct norm channels_of(const struct node *node, const struct shape *x)
{
    return (struct norm){.inside = norm_numel_from(x, 2),
                         .count = (size_t)x->dim[1],
                         .is_centered = true,
                         .is_shared = true,
                         .epsilon = (real)node_real(node, "epsilon", 0)};
}

static struct norm channels_in(const struct evaluation *e)
{
    return channels_of(e->node, &e->in[NORM_X]->shape);
}

/* ---- batch_norm: mean and variance are given ---- */

static struct moments given_moments(const struct evaluation *e, const struct norm *n, size_t c)
{
    struct moments m = {.mean = e->in[BN_MEAN]->v[c], .var = e->in[BN_VAR]->v[c]};
    m.deviation = sqrtl(m.var + n->epsilon);
    m.inverse = 1 / m.deviation;
    return m;
}

/* var + epsilon may cancel when a "variance" is negative. Folded into the weights of a
 * half-precision product, epsilon and the sum are halves themselves. */
static struct moment_errors given_errors(const struct norm *n, const struct moments *m,
                                         enum dtype d)
{
    real u = dtype_roundoff(norm_accumulator(n, d)), both = m->var + n->epsilon;
    real lost = 2 * u * (fabsl(m->var) + n->epsilon);
    if (dtype_is_half(d)) {
        lost += fabsl(dtype_round(d, n->epsilon) - n->epsilon) + dtype_tiny(d) / 2;
    }
    return (struct moment_errors){.relative =
                                      lost > both / 4 ? INFINITY : lost / (2 * both) + 3 * u};
}

/* Elements start .. start + inside - 1, of channel c. */
static void batch_row(struct evaluation *e, const struct norm *n, size_t start, size_t c)
{
    enum dtype d = e->out[0].dtype;
    struct moments m = given_moments(e, n, c);
    struct moment_errors error = given_errors(n, &m, d);
    struct normed el = {.scale = e->in[NORM_SCALE]->v[c], .bias = e->in[NORM_BIAS]->v[c]};
    for (size_t i = start; i < start + n->inside; i++) {
        el.x = e->in[NORM_X]->v[i];
        el.y = (el.x - m.mean) / m.deviation * el.scale + el.bias;
        e->out[0].v[i] = el.y;
        if (e->noise[0]) {
            e->noise[0][i] = norm_noise(n, &m, &error, d, &el);
            if (dtype_is_half(d)) { /* torch keeps slope and shift of a channel in the half dtype */
                real slope = fabsl(el.scale) / m.deviation;
                real folded = (fabsl(el.x) + fabsl(m.mean)) * slope;
                e->noise[0][i] += isfinite(el.y) ? 3 * dtype_roundoff(d) * folded : 0;
            }
        }
    }
}

static void batch_evaluate(struct evaluation *e)
{
    struct norm n = channels_in(e);
    for (size_t start = 0; start < e->out[0].n; start += n.inside) {
        batch_row(e, &n, start, norm_parameter_at(&n, start));
    }
}

/* Of an x that is NaN parameters change nothing. */
static void batch_taint(const struct taint *t)
{
    struct norm n = channels_in(t->e);
    for (size_t i = 0; i < t->e->out[0].n; i++) {
        uint8_t mark = t->in_mark[NORM_X] ? t->in_mark[NORM_X][i] : 0;
        if (mark || !isnan(t->e->in[NORM_X]->v[i])) {
            t->out_mark[0][i] |= mark | norm_parameter_mark(t, &n, BN_VAR, i);
        }
    }
}

static void batch_vjp(const struct vjp *v)
{
    struct norm n = channels_in(v->e);
    const real *x = v->e->in[NORM_X]->v;
    for (size_t i = 0; v->cotangent[0] && i < v->e->out[0].n; i++) {
        size_t c = norm_parameter_at(&n, i);
        struct moments m = given_moments(v->e, &n, c);
        real scale = v->e->in[NORM_SCALE]->v[c], g = v->cotangent[0][i];
        real h = (x[i] - m.mean) / m.deviation, slope = scale / m.deviation;
        real of_var = -h * scale / (2 * (m.var + n.epsilon));
        const real part[BN_INPUTS] = {slope, h, 1, -slope, of_var};
        for (uint32_t k = 0; k < BN_INPUTS; k++) {
            if (v->grad[k]) {
                v->grad[k][k == NORM_X ? i : c] += g * part[k];
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
    struct interval y = interval_div(interval_add(q->in[NORM_X], mean), interval_widen(s));
    y = interval_widen(interval_mul(interval_widen(y), q->in[NORM_SCALE]));
    y = interval_widen(interval_widen(interval_add(y, q->in[NORM_BIAS])));
    y.may_nan |= q->in[BN_VAR].may_nan || low < 0;
    if (isfinite(y.lo) && isfinite(y.hi)) { /* a sum may cancel: its rounding is of its terms */
        real most = fmaxl(fabsl(y.lo), fabsl(y.hi));
        most = fmaxl(most, fmaxl(fabsl(q->in[NORM_BIAS].lo), fabsl(q->in[NORM_BIAS].hi)));
        y.lo -= most * 0x1p-50L;
        y.hi += most * 0x1p-50L;
    }
    q->out[0] = y;
}

/* Also a pole, var = -epsilon, and a mean or variance that is infinite: x * (scale / inf) - mean *
 * (scale / inf) may be 0 * inf. */
static void batch_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct norm n = channels_in(e);
    norm_mark_scales(e, &n, mark[0]);
    for (size_t start = 0; start < e->out[0].n; start += n.inside) {
        struct moments m = given_moments(e, &n, norm_parameter_at(&n, start));
        if (m.deviation == 0 || isinf(m.mean) || isinf(m.var)) {
            memset(mark[0] + start, 1, n.inside);
        }
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

/* Folded into weights it multiplies them by scale / deviation and adds bias - mean * that. */
static void batch_factors(const struct evaluation *e, uint32_t k, real *factor)
{
    struct norm n = channels_in(e);
    for (size_t i = 0; i < e->in[k]->n; i++) {
        factor[i] = 1; /* x is no factor; variances are in the slope */
        if (k == NORM_X || k == BN_VAR) {
            continue;
        }
        struct moments m = given_moments(e, &n, i);
        real v = fabsl(e->in[k]->v[i]), slope = fabsl(e->in[NORM_SCALE]->v[i]) / m.deviation;
        factor[i] = k == NORM_SCALE ? slope : fmaxl(k == BN_MEAN ? v * slope : v, 1);
    }
}

#define BATCH_INPUTS                                                                               \
    {{"x", .dtypes = DT_FLOATS, .rank_min = 2, .rank_max = 5},                                     \
     NORM_PARAMETER("scale", 1),                                                                   \
     NORM_PARAMETER("bias", 1),                                                                    \
     NORM_PARAMETER("mean", 1),                                                                    \
     NORM_PARAMETER("var", 1)}

const struct op op_batch_norm = {
    .name = "batch_norm",
    .folding = FOLDS_AS_SCALE,
    .factors = batch_factors,
    .summary = "(x - mean) / sqrt(var + epsilon) * scale + bias, a channel each (inference)",
    .in = BATCH_INPUTS,
    .out = {{"y", .same_as = "x", .rank_min = 2, .rank_max = 5}},
    .attrs = {EPSILON_ATTR},
    .structure = norm_channel_structure,
    .relate = norm_relate_channels,
    .evaluate = batch_evaluate,
    .taint = batch_taint,
    .vjp = batch_vjp,
    .range = batch_range,
    .unspecified = batch_unspecified,
    .reaches = batch_reaches};

/* ---- batch_norm_training: of its own mean and variance ---- */

enum { TRAINED_Y, TRAINED_MEAN, TRAINED_VAR };

/* 0.9f, 0.99f */
#define MOMENTA {0x1.ccccccp-1, 0x1.fae148p-1}

static bool training_structure(struct instance *m, struct rng *rng)
{
    return norm_channel_structure(m, rng) && settle_rank(&m->out[TRAINED_MEAN], 1) &&
           settle_rank(&m->out[TRAINED_VAR], 1) && settle_real(m, "momentum", rng);
}

/* Nothing to take a mean of is 0 / 0: not made. */
static void training_relate(struct relation *r, struct instance *m)
{
    norm_relate_channels(r, m);
    relation_narrow(r, m->in[NORM_X].dim[0], 1, DIM_LIMIT);
    relate_equal(r, m->out[TRAINED_MEAN].dim[0], m->in[NORM_X].dim[1]);
    relate_equal(r, m->out[TRAINED_VAR].dim[0], m->in[NORM_X].dim[1]);
}

/* Channels first, so that what shares mean and variance lies together. */
static struct norm training_of(const struct node *node, const struct shape *x)
{
    struct norm n = channels_of(node, x);
    n.length = n.inside = (size_t)x->dim[0] * n.inside;
    return n;
}

static struct norm training_in(const struct evaluation *e)
{
    return training_of(e->node, &e->in[NORM_X]->shape);
}

/* place[i]: where element i of x lies, channels first. */
static size_t *channels_first(struct arena *scratch, const struct array *x)
{
    size_t batch = (size_t)x->shape.dim[0], count = (size_t)x->shape.dim[1];
    size_t inside = norm_numel_from(&x->shape, 2), *place = ARENA_ARRAY(scratch, size_t, x->n);
    for (size_t i = 0; i < x->n; i++) {
        size_t row = i / inside;
        place[i] = (row % count * batch + row / count) * inside + i % inside;
    }
    return place;
}

static real *moved_to(struct arena *scratch, const size_t *place, const real *v, size_t n)
{
    real *moved = ARENA_ARRAY(scratch, real, n);
    for (size_t i = 0; i < n; i++) {
        moved[place[i]] = v[i];
    }
    return moved;
}

/* One running statistic: momentum * given + (1 - momentum) * own. */
struct running {
    real given, own, momentum;
    real error;     /* of own */
    real corrected; /* 1, or n / (n - 1): torch's running variance is of n - 1 */
};

static real running_of(const struct running *s)
{
    return s->momentum * s->given + (1 - s->momentum) * s->own;
}

/* The largest error; INFINITY where a term may overflow that the result does not show. */
static real running_noise(const struct running *s, enum dtype d)
{
    enum dtype acc = dtype_is_half(d) ? DTYPE_F32 : d;
    real y = running_of(s), u = dtype_roundoff(acc), top = dtype_max(acc);
    real kept = fabsl(s->momentum * s->given), added = fabsl((1 - s->momentum) * s->own);
    real corrected = s->corrected * (1 + 8 * u);
    real less = fminl(kept, added) * corrected, more = fmaxl(kept, added) * corrected;
    if (isnan(y)) {
        return 0;
    }
    bool overflows = isfinite(s->own) && fabsl(s->own) > top;
    bool is_lost = overflows && (s->momentum == 1 || isinf(s->given)); /* inf * 0, inf - inf */
    is_lost |= isfinite(s->given) && fabsl(s->given) * corrected > dtype_max(d);
    if (is_lost || isinf(s->error)) {
        return INFINITY;
    }
    if (isinf(more)) {
        return isfinite(less) && less > top ? INFINITY : 0;
    }
    bool is_infinite = fabsl(y) > dtype_max(d) && less <= top;
    if (!is_infinite && (overflows || more > top || fabsl(y) * corrected > dtype_max(d))) {
        return INFINITY;
    }
    real noise = fabsl(1 - s->momentum) * s->error + 4 * u * (kept + added);
    if (s->corrected != 1) { /* and back */
        noise += (d == acc ? 3 * u : dtype_roundoff(d)) * (kept + fabsl(y));
    }
    noise += d == acc ? 0 : dtype_roundoff(d) * fabsl(y);
    return noise + 2 * dtype_tiny(acc) + 4 * dtype_tiny(d);
}

static void running_statistics(struct evaluation *e, const struct norm *n, const struct moments *m,
                               size_t c)
{
    enum dtype d = e->out[0].dtype;
    struct moment_errors error = norm_moment_errors(n, m, d);
    real count = (real)n->length, momentum = (real)node_real(e->node, "momentum", 0);
    const struct running both[] = {
        {.given = e->in[BN_MEAN]->v[c], .own = m->mean, .error = error.mean, .corrected = 1},
        {.given = e->in[BN_VAR]->v[c],
         .own = m->var,
         .error = error.var,
         .corrected = n->length > 1 ? count / (count - 1) : 1},
    };
    for (uint32_t k = 0; k < ARRAY_SIZE(both); k++) {
        struct running s = both[k];
        s.momentum = momentum;
        e->out[TRAINED_MEAN + k].v[c] = running_of(&s);
        if (e->noise[TRAINED_MEAN + k]) {
            e->noise[TRAINED_MEAN + k][c] = running_noise(&s, d);
        }
    }
}

static void training_evaluate(struct evaluation *e)
{
    struct norm n = training_in(e);
    const size_t *place = channels_first(e->scratch, e->in[NORM_X]);
    struct evaluation moved = *e;
    struct array x = *e->in[NORM_X];
    x.v = moved_to(e->scratch, place, x.v, x.n);
    moved.in[NORM_X] = &x;
    moved.out[TRAINED_Y].v = ARENA_ARRAY(e->scratch, real, x.n);
    moved.noise[TRAINED_Y] = e->noise[TRAINED_Y] ? ARENA_ZARRAY(e->scratch, real, x.n) : NULL;
    for (size_t c = 0; c < n.count; c++) {
        struct moments m = norm_moments(&n, x.v + c * n.length);
        norm_stretch(&moved, &n, &m, c * n.length);
        running_statistics(e, &n, &m, c);
    }
    for (size_t i = 0; i < x.n; i++) {
        e->out[TRAINED_Y].v[i] = moved.out[TRAINED_Y].v[place[i]];
        if (e->noise[TRAINED_Y]) {
            e->noise[TRAINED_Y][i] = moved.noise[TRAINED_Y][place[i]];
        }
    }
}

/* What x says of a channel: marks of any element, and whether one is NaN or infinite for sure. */
struct channel_marks {
    uint8_t any;
    bool is_nan, is_infinite;
};

static struct channel_marks *marks_of_channels(const struct taint *t, const struct norm *rows)
{
    struct channel_marks *c = ARENA_ZARRAY(t->e->scratch, struct channel_marks, rows->count);
    for (size_t i = 0; i < t->e->in[NORM_X]->n; i++) {
        struct channel_marks *of = &c[norm_parameter_at(rows, i)];
        real x = t->e->in[NORM_X]->v[i];
        uint8_t mark = t->in_mark[NORM_X] ? t->in_mark[NORM_X][i] : 0;
        of->any |= mark;
        of->is_nan |= isnan(x) && !mark;
        of->is_infinite |= isinf(x) && !mark;
    }
    return c;
}

/* NaN in a channel, or an infinity beside its mean, makes all NaN: others change nothing. */
static void training_taint(const struct taint *t)
{
    struct norm rows = channels_in(t->e);
    const struct channel_marks *of = marks_of_channels(t, &rows);
    for (size_t i = 0; i < t->e->in[NORM_X]->n; i++) {
        const struct channel_marks *c = &of[norm_parameter_at(&rows, i)];
        if (!c->is_nan && !c->is_infinite) {
            t->out_mark[TRAINED_Y][i] |= c->any | norm_parameter_mark(t, &rows, NORM_BIAS, i);
        }
    }
    for (uint32_t k = 0; k < 2; k++) {
        const uint8_t *given = t->in_mark[BN_MEAN + k];
        for (size_t c = 0; c < rows.count; c++) {
            if (!of[c].is_nan && !(k == 1 && of[c].is_infinite)) {
                t->out_mark[TRAINED_MEAN + k][c] |= of[c].any | (given ? given[c] : 0);
            }
        }
    }
}

/* What the running statistics hand to x of one channel, and to the given ones. */
static void running_vjp(const struct vjp *v, const struct norm *n, const real *x, size_t c,
                        real *grad)
{
    real momentum = (real)node_real(v->e->node, "momentum", 0);
    struct moments m = norm_moments(n, x);
    for (uint32_t k = 0; k < 2; k++) {
        real g = v->cotangent[TRAINED_MEAN + k] ? v->cotangent[TRAINED_MEAN + k][c] : 0;
        real own = g * (1 - momentum) / (real)n->length;
        for (size_t i = 0; grad && i < n->length; i++) {
            grad[i] += k == 0 ? own : own * 2 * (x[i] - m.mean);
        }
        if (v->grad[BN_MEAN + k]) {
            v->grad[BN_MEAN + k][c] += g * momentum;
        }
    }
}

static void training_vjp(const struct vjp *v)
{
    struct norm n = training_in(v->e);
    struct arena *scratch = v->e->scratch;
    const size_t *place = channels_first(scratch, v->e->in[NORM_X]);
    struct evaluation e = *v->e;
    struct array x = *e.in[NORM_X];
    struct vjp moved = *v;
    x.v = moved_to(scratch, place, x.v, x.n);
    e.in[NORM_X] = &x;
    moved.e = &e;
    moved.cotangent[TRAINED_Y] =
        v->cotangent[TRAINED_Y] ? moved_to(scratch, place, v->cotangent[TRAINED_Y], x.n) : NULL;
    moved.grad[NORM_X] = v->grad[NORM_X] ? ARENA_ZARRAY(scratch, real, x.n) : NULL;
    for (size_t c = 0; c < n.count; c++) {
        size_t start = c * n.length;
        if (moved.cotangent[TRAINED_Y]) {
            norm_vjp_stretch(&moved, &n, start);
        }
        running_vjp(&moved, &n, x.v + start, c,
                    moved.grad[NORM_X] ? moved.grad[NORM_X] + start : NULL);
    }
    for (size_t i = 0; v->grad[NORM_X] && i < x.n; i++) {
        v->grad[NORM_X][i] += moved.grad[NORM_X][place[i]];
    }
}

/* momentum * given + (1 - momentum) * own, whose terms may cancel. */
static struct interval running_range(const struct range_query *q, struct interval given,
                                     struct interval own)
{
    real momentum = (real)node_real(q->node, "momentum", 0), rest = 1 - momentum;
    given = interval_mul(given, (struct interval){.lo = momentum, .hi = momentum});
    own = interval_mul(own, (struct interval){.lo = rest, .hi = rest});
    struct interval y = interval_widen(interval_add(interval_widen(given), interval_widen(own)));
    real most = fmaxl(fmaxl(fabsl(given.lo), fabsl(given.hi)), fmaxl(fabsl(own.lo), fabsl(own.hi)));
    if (isfinite(most)) {
        y.lo -= most * 0x1p-50L;
        y.hi += most * 0x1p-50L;
    }
    return y;
}

/* The variance is no more than (hi - lo)^2 / 4 (Popoviciu). */
static void training_range(struct range_query *q)
{
    size_t length = training_of(q->node, &q->in_value[NORM_X]->shape).length;
    struct interval x = q->in[NORM_X], mean = interval_widen_by(x, length),
                    spread = {.hi = INFINITY};
    mean.may_nan = spread.may_nan = x.may_nan || isinf(x.lo) || isinf(x.hi);
    if (isfinite(x.lo) && isfinite(x.hi)) {
        real most = fmaxl(fabsl(x.lo), fabsl(x.hi)), rounding = (real)length * 0x1p-60L * most;
        mean.lo -= rounding;
        mean.hi += rounding;
        spread.hi = (x.hi - x.lo) * (x.hi - x.lo) / 4 + most * rounding;
        spread = interval_widen_by(spread, length);
    }
    q->out[TRAINED_Y] = norm_range_of(q, length, NORM_BIAS);
    q->out[TRAINED_MEAN] = running_range(q, q->in[BN_MEAN], mean);
    q->out[TRAINED_VAR] = running_range(q, q->in[BN_VAR], spread);
}

/* Nothing of an infinity is kept or added: 0 * inf as it is written, or left out. */
static void training_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct norm rows = channels_in(e);
    real momentum = (real)node_real(e->node, "momentum", 0);
    norm_mark_scales(e, &rows, mark[TRAINED_Y]);
    for (uint32_t k = 0; k < 2; k++) {
        for (size_t c = 0; c < rows.count; c++) {
            bool is_open = momentum == 0 && !isfinite(e->in[BN_MEAN + k]->v[c]);
            mark[TRAINED_MEAN + k][c] |= is_open;
        }
    }
    for (size_t i = 0; momentum == 1 && i < e->in[NORM_X]->n; i++) {
        bool is_open = !isfinite(e->in[NORM_X]->v[i]);
        mark[TRAINED_MEAN][norm_parameter_at(&rows, i)] |= is_open;
        mark[TRAINED_VAR][norm_parameter_at(&rows, i)] |= is_open;
    }
}

/* Near linear in x as long as it moves little beside the deviation. */
static void training_reaches(const struct evaluation *e, uint32_t k, real *reach)
{
    struct norm n = training_in(e);
    const size_t *place = channels_first(e->scratch, e->in[NORM_X]);
    const real *x = moved_to(e->scratch, place, e->in[NORM_X]->v, e->in[NORM_X]->n);
    for (size_t i = 0; i < e->in[k]->n; i++) {
        reach[i] = INFINITY;
    }
    real *deviation = ARENA_ARRAY(e->scratch, real, n.count);
    for (size_t c = 0; k == NORM_X && c < n.count; c++) {
        deviation[c] = norm_moments(&n, x + c * n.length).deviation;
    }
    for (size_t i = 0; k == NORM_X && i < e->in[k]->n; i++) {
        reach[i] = deviation[place[i] / n.length];
    }
}

/* The mean of one element is itself. */
static bool training_is_blind(const struct program *p, const struct node *node)
{
    const struct shape *x = &p->values[node->in[0]].shape;
    return (int64_t)shape_numel(x) == x->dim[1];
}

const struct op op_batch_norm_training = {
    .name = "batch_norm_training",
    .summary = "the same by x's own mean and variance; and the running ones, moved towards them",
    .in = BATCH_INPUTS,
    .out = {{"y", .same_as = "x", .rank_min = 2, .rank_max = 5},
            {"running_mean", .same_as = "x", .rank_min = 1, .rank_max = 1},
            {"running_var", .same_as = "x", .rank_min = 1, .rank_max = 1}},
    .attrs = {EPSILON_ATTR,
              {"momentum", ATTR_REAL, .real = {MOMENTA, 0x1p-8, 8, .has_zero = true}}},
    .structure = training_structure,
    .relate = training_relate,
    .evaluate = training_evaluate,
    .taint = training_taint,
    .vjp = training_vjp,
    .range = training_range,
    .unspecified = training_unspecified,
    .reaches = training_reaches,
    .is_blind = training_is_blind};
