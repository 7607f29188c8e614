/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reductions over axes: reduce_sum reduce_max arg_max, and softmax, which keeps the shape. `axes`
 * are distinct, in -rank..rank-1, in any order, and not empty but for rank 0 (an empty list means
 * "all" in torch and by default in ONNX; for a scalar both readings agree).
 */
#include "ops/ops_internal.h"

#define RANK_ANY .rank_min = 0, .rank_max = RANK_MAX

/* ---- structure and relation ---- */

static unsigned axes_mask(const struct attr *a, int rank)
{
    unsigned mask = 0;
    for (unsigned k = 0; k < a->n; k++) {
        mask |= 1U << axis_normalize(a->i[k], rank);
    }
    return mask;
}

unsigned reduced_axes(const struct node *node, int rank)
{
    const struct attr *a = node_attr(node, "axes");
    return axes_mask(a ? a : node_attr(node, "axis"), rank);
}

size_t *reduction_map(struct arena *scratch, const struct shape *in, unsigned mask)
{
    size_t n = shape_numel(in), step[RANK_MAX] = {0}, at[RANK_MAX] = {0}, kept = 1, to = 0;
    size_t *map = ARENA_ARRAY(scratch, size_t, n);
    for (int d = in->rank - 1; d >= 0; d--) {
        bool is_reduced = mask >> d & 1;
        step[d] = is_reduced ? 0 : kept;
        kept *= is_reduced ? 1 : (size_t)in->dim[d];
    }
    for (size_t i = 0; i < n; i++) {
        map[i] = to;
        for (int d = in->rank - 1; d >= 0; d--) {
            to += step[d];
            if (++at[d] < (size_t)in->dim[d]) {
                break;
            }
            to -= step[d] * (size_t)in->dim[d];
            at[d] = 0;
        }
    }
    return map;
}

static bool check_axes(const struct attr *a, int rank)
{
    unsigned seen = 0;
    for (unsigned k = 0; k < a->n; k++) {
        if (a->i[k] < -rank || a->i[k] >= rank) {
            return REFUSE("axis %lld lies outside rank %d", (long long)a->i[k], rank);
        }
        unsigned bit = 1U << axis_normalize(a->i[k], rank);
        if (seen & bit) {
            return REFUSE("axis %lld is named twice", (long long)a->i[k]);
        }
        seen |= bit;
    }
    if ((a->n == 0) != (rank == 0)) {
        return REFUSE("axes must name at least one axis, none for rank 0");
    }
    return true;
}

static void draw_axes(struct instance *m, int rank, unsigned n, struct rng *rng)
{
    uint32_t order[RANK_MAX] = {0, 1, 2, 3, 4, 5};
    rng_shuffle(rng, order, (size_t)rank);
    bool is_negative = rng_chance(rng, 1, 4);
    struct attr *a = instance_add_attr(m, "axes", ATTR_INTS, n);
    for (unsigned k = 0; k < n; k++) {
        a->i[k] = (int64_t)order[k] - (is_negative ? rank : 0);
    }
}

/* How many axes go: the attribute's, else what the ranks leave, else drawn. 0 .. rank. */
static unsigned count_axes(struct instance *m, bool keeps, struct rng *rng)
{
    const struct attr *a = instance_attr(m, "axes");
    int in = m->in[0].rank, out = m->out[0].rank;
    if (a) {
        return a->n;
    }
    if (in >= 0 && out >= 0 && !keeps) {
        return in > out ? (unsigned)(in - out) : 0;
    }
    if (in >= 0) {
        return in == 0 ? 0 : (unsigned)rng_range(rng, 1, in);
    }
    int most = keeps && out >= 0 ? out : RANK_MAX - (out >= 0 ? out : 3);
    return most < 1 ? 0 : (unsigned)rng_range(rng, 1, most < 2 ? most : 2);
}

static bool reduce_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    bool keeps;
    if (!settle_dtypes(m, rng) || !settle_bool(m, "keepdims", rng, &keeps)) {
        return false;
    }
    struct attr *axes = instance_attr(m, "axes");
    if (!rng && (!axes || x->rank < 0)) {
        return REFUSE(axes ? "a rank does not follow from the inputs"
                           : "attribute axes is missing");
    }
    unsigned n = count_axes(m, keeps, rng);
    if (x->rank < 0) {
        int least = y->rank >= 0 ? y->rank + (keeps ? 0 : (int)n) : (int)n;
        int most = y->rank >= 0 ? least : 4;
        if (!draw_rank(x, least, most, rng)) {
            return false;
        }
    }
    if (x->rank > RANK_MAX || (int)n > x->rank) {
        return REFUSE("%u axes of rank %d", n, x->rank);
    }
    if (!axes) {
        draw_axes(m, x->rank, n, rng);
        axes = instance_attr(m, "axes");
    }
    return check_axes(axes, x->rank) && settle_rank(y, keeps ? x->rank : x->rank - (int)n);
}

/* Kept dims are equal, reduced ones 1 or gone. least: how long a reduced dim must be. */
static void relate_reduced(struct relation *r, struct instance *m, unsigned mask, int64_t least)
{
    bool keeps = instance_attr(m, "keepdims")->i[0] != 0;
    const struct slot *x = &m->in[0], *y = &m->out[0];
    int to = 0;
    for (int d = 0; d < x->rank; d++) {
        if (!(mask >> d & 1)) {
            relate_equal(r, x->dim[d], y->dim[to++]);
            continue;
        }
        relation_narrow(r, x->dim[d], least, DIM_LIMIT);
        if (keeps) {
            relation_narrow(r, y->dim[to++], 1, 1);
        }
    }
}

static void reduce_sum_relate(struct relation *r, struct instance *m)
{
    relate_reduced(r, m, axes_mask(instance_attr(m, "axes"), m->in[0].rank), 0);
}

/* The largest of no elements: an error in torch, minus infinity in ONNX since opset 20. Not made.
 */
static void reduce_max_relate(struct relation *r, struct instance *m)
{
    relate_reduced(r, m, axes_mask(instance_attr(m, "axes"), m->in[0].rank), 1);
}

/* ---- shared evaluation ---- */

static size_t *map_of(const struct evaluation *e)
{
    const struct array *x = e->in[0];
    return reduction_map(e->scratch, &x->shape, reduced_axes(e->node, x->shape.rank));
}

/* All of a group taints its result. */
static void reduce_taint(const struct taint *t)
{
    if (!t->in_mark[0]) {
        return;
    }
    const size_t *map = map_of(t->e);
    for (size_t i = 0; i < t->e->in[0]->n; i++) {
        t->out_mark[0][map[i]] |= t->in_mark[0][i];
    }
}

/* Elements that go into one result. */
static size_t group_size(const struct node *node, const struct shape *in)
{
    unsigned mask = reduced_axes(node, in->rank);
    size_t n = 1;
    for (int d = 0; d < in->rank; d++) {
        n *= mask >> d & 1 ? (size_t)in->dim[d] : 1;
    }
    return n;
}

/* ---- reduce_sum ---- */

static void sum_noise(struct evaluation *e, const size_t *map)
{
    const struct array *x = e->in[0], *y = &e->out[0];
    if (!e->noise[0] || !dtype_is_float(y->dtype)) {
        return;
    }
    struct sum_noise s = sum_noise_init(y->dtype, group_size(e->node, &x->shape), grid_of(x));
    real *magnitude = ARENA_ZARRAY(e->scratch, real, y->n);
    for (size_t i = 0; i < x->n; i++) {
        magnitude[map[i]] += isfinite(x->v[i]) ? fabsl(x->v[i]) : 0;
    }
    for (size_t o = 0; o < y->n; o++) {
        e->noise[0][o] = sum_noise_of(&s, y->v[o], magnitude[o]);
    }
}

static void reduce_sum_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = map_of(e);
    if (dtype_is_float(y->dtype)) {
        memset(y->v, 0, sizeof(real) * y->n); /* all bits zero is +0 */
        for (size_t i = 0; i < x->n; i++) {
            y->v[map[i]] += x->v[i];
        }
        sum_noise(e, map);
        return;
    }
    uint64_t *sum = ARENA_ZARRAY(e->scratch, uint64_t, y->n);
    for (size_t i = 0; i < x->n; i++) {
        sum[map[i]] += real_pattern(x->v[i]);
    }
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = dtype_wrap(y->dtype, sum[o]);
    }
}

/* Integers whose exact sum does not fit: the ONNX text does not say; ONNX Runtime saturates on
 * purpose (its pull request 28743), torch and numpy wrap. */
static void reduce_sum_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *x = e->in[0], *y = &e->out[0];
    if (dtype_is_float(y->dtype)) {
        return;
    }
    const size_t *map = map_of(e);
    real *sum = ARENA_ZARRAY(e->scratch, real, y->n);
    for (size_t i = 0; i < x->n; i++) {
        sum[map[i]] += x->v[i];
    }
    for (size_t o = 0; o < y->n; o++) {
        mark[0][o] |= !int_fits(y->dtype, sum[o]);
    }
}

static void reduce_sum_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const size_t *map = map_of(v->e);
    for (size_t i = 0; i < v->e->in[0]->n; i++) {
        v->grad[0][i] += v->cotangent[0][map[i]];
    }
}

static void reduce_sum_range(struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    struct interval sum = interval_sum(q->in[0], group_size(q->node, &q->in_value[0]->shape));
    q->out[0] = dtype_is_float(d) ? sum : interval_fit(d, sum);
}

const struct op op_reduce_sum = {.name = "reduce_sum",
                                 .summary = "sum over axes, in the input's dtype; integers wrap",
                                 .in = {{"x", .dtypes = DT_NUMBERS, RANK_ANY}},
                                 .out = {{"y", .same_as = "x", RANK_ANY}},
                                 .attrs = {{"axes", ATTR_INTS}, {"keepdims", ATTR_BOOL}},
                                 .structure = reduce_structure,
                                 .relate = reduce_sum_relate,
                                 .evaluate = reduce_sum_evaluate,
                                 .taint = reduce_taint,
                                 .vjp = reduce_sum_vjp,
                                 .range = reduce_sum_range,
                                 .unspecified = reduce_sum_unspecified};

/* ---- reduce_max ---- */

/* NaN goes through wherever it stands: torch.amax does so, ONNX's reference implementation is
 * numpy.maximum.reduce; the ONNX text is silent, but a result that depends on NaN's place cannot be
 * meant (ONNX Runtime's does: its issue 10514). */
static bool beats(real challenger, real best)
{
    return isnan(challenger) || challenger > best;
}

static void reduce_max_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = map_of(e);
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = -INFINITY;
    }
    for (size_t i = 0; i < x->n; i++) {
        real *best = &y->v[map[i]];
        *best = !isnan(*best) && beats(x->v[i], *best) ? x->v[i] : *best;
    }
}

/* Ties share the gradient evenly, as torch.amax documents. */
static void reduce_max_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const struct array *x = v->e->in[0], *y = &v->e->out[0];
    const size_t *map = map_of(v->e);
    size_t *ties = ARENA_ZARRAY(v->e->scratch, size_t, y->n);
    for (size_t i = 0; i < x->n; i++) {
        ties[map[i]] += x->v[i] == y->v[map[i]];
    }
    for (size_t i = 0; i < x->n; i++) {
        if (x->v[i] == y->v[map[i]]) {
            v->grad[0][i] += v->cotangent[0][map[i]] / (real)ties[map[i]];
        }
    }
}

static void reduce_max_range(struct range_query *q)
{
    q->out[0] = q->in[0];
}

const struct op op_reduce_max = {.name = "reduce_max",
                                 .summary = "largest over axes; NaN goes through",
                                 .in = {{"x", .dtypes = DT_NUMBERS, RANK_ANY}},
                                 .out = {{"y", .same_as = "x", RANK_ANY}},
                                 .attrs = {{"axes", ATTR_INTS}, {"keepdims", ATTR_BOOL}},
                                 .structure = reduce_structure,
                                 .relate = reduce_max_relate,
                                 .evaluate = reduce_max_evaluate,
                                 .taint = reduce_taint,
                                 .vjp = reduce_max_vjp,
                                 .range = reduce_max_range};

/* ---- arg_max ---- */

static bool arg_max_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    bool keeps;
    int axis;
    if (!settle_dtypes(m, rng) || !settle_bool(m, "keepdims", rng, &keeps)) {
        return false;
    }
    if (x->rank < 0 && y->rank >= 0) {
        x->rank = keeps ? y->rank : y->rank + 1;
    }
    return draw_rank(x, 1, RANK_MAX, rng) && settle_axis(m, "axis", x->rank, rng, &axis) &&
           settle_rank(y, keeps ? x->rank : x->rank - 1);
}

static void arg_max_relate(struct relation *r, struct instance *m)
{
    relate_reduced(r, m, axes_mask(instance_attr(m, "axis"), m->in[0].rank), 1);
}

static size_t elements_inside(const struct shape *s, int axis)
{
    size_t n = 1;
    for (int d = axis + 1; d < s->rank; d++) {
        n *= (size_t)s->dim[d];
    }
    return n;
}

static int node_axis(const struct node *node, const struct shape *in)
{
    return axis_normalize(node_int(node, "axis", 0), in->rank);
}

static void arg_max_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = map_of(e);
    int axis = node_axis(e->node, &x->shape);
    size_t inside = elements_inside(&x->shape, axis), length = (size_t)x->shape.dim[axis];
    real *best = ARENA_ARRAY(e->scratch, real, y->n);
    for (size_t o = 0; o < y->n; o++) {
        best[o] = -INFINITY;
        y->v[o] = 0;
    }
    for (size_t i = 0; i < x->n; i++) {
        size_t o = map[i];
        if (!isnan(best[o]) && beats(x->v[i], best[o])) {
            best[o] = x->v[i];
            y->v[o] = (real)(i / inside % length);
        }
    }
}

/* Ties: ONNX (select_last_index = 0) and torch write "the first", but PyTorch does not take reports
 * of another one (its issue 113175, and older ones: ties are by parallel order), so ties are not
 * compared. Rows with NaN: no document says which index. */
static void arg_max_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *x = e->in[0], *y = &e->out[0];
    const size_t *map = map_of(e);
    real *best = ARENA_ARRAY(e->scratch, real, y->n);
    for (size_t o = 0; o < y->n; o++) {
        best[o] = -INFINITY;
    }
    for (size_t i = 0; i < x->n; i++) {
        best[map[i]] = fmaxl(best[map[i]], x->v[i]); /* passes NaN over */
        if (isnan(x->v[i])) {
            mark[0][map[i]] = 1;
        }
    }
    size_t *n_best = ARENA_ZARRAY(e->scratch, size_t, y->n);
    for (size_t i = 0; i < x->n; i++) {
        size_t o = map[i];
        n_best[o] += x->v[i] == best[o];
        mark[0][o] |= n_best[o] > 1;
    }
}

static void arg_max_range(struct range_query *q)
{
    const struct shape *in = &q->in_value[0]->shape;
    int64_t length = in->dim[node_axis(q->node, in)];
    q->out[0] = (struct interval){.lo = 0, .hi = (real)(length - 1)};
}

const struct op op_arg_max = {
    .name = "arg_max",
    .summary = "index of the largest element along an axis",
    .in = {{"x", .dtypes = DT_NUMBERS, .rank_min = 1, .rank_max = RANK_MAX}},
    .out = {{"y", .dtypes = DT(I64), RANK_ANY}},
    .attrs = {{"axis", ATTR_INT}, {"keepdims", ATTR_BOOL}},
    .structure = arg_max_structure,
    .relate = arg_max_relate,
    .evaluate = arg_max_evaluate,
    .taint = reduce_taint,
    .range = arg_max_range,
    .unspecified = arg_max_unspecified,
    .jumps = JUMPS_ALWAYS};

/* ---- softmax ---- */

static bool softmax_structure(struct instance *m, struct rng *rng)
{
    int axis;
    return structure_same(m, rng) && settle_axis(m, "axis", m->in[0].rank, rng, &axis);
}

/* One line along the axis: its elements are start + k * step. */
struct line {
    size_t start, step, n;
};

static struct line line_at(const struct shape *s, int axis, size_t i)
{
    size_t inside = elements_inside(s, axis), n = (size_t)s->dim[axis];
    return (struct line){.start = i / inside * inside * n + i % inside, .step = inside, .n = n};
}

static size_t count_lines(const struct array *x, int axis)
{
    return x->n ? x->n / (size_t)x->shape.dim[axis] : 0;
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
    q->out[0] = (struct interval){.lo = 0, .hi = 1, .may_nan = may_nan};
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

const struct op op_softmax = {
    .name = "softmax",
    .reaches = softmax_reaches,
    .summary = "exp(x - max) / sum along an axis",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 1, .rank_max = RANK_MAX}},
    .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"axis", ATTR_INT}},
    .structure = softmax_structure,
    .relate = relate_same,
    .evaluate = softmax_evaluate,
    .taint = softmax_taint,
    .vjp = softmax_vjp,
    .range = softmax_range,
    .unspecified = softmax_unspecified};
