/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv1d, conv2d, conv3d: x[N,C,...], w[M,C/group,...], b[M] optional; pads are those of all
 * beginnings, then of all ends (ONNX Conv; torch has one pad a dim, the rest is padded before).
 */
#include "ops/conv.h"

/* ---- structure and relation ---- */

bool conv_structure(struct instance *m, struct rng *rng)
{
    int rank = m->op->in[0].rank_min;
    unsigned n = (unsigned)rank - 2;
    if (rng && !instance_attr(m, "group") && rng_chance(rng, 1, 3)) {
        instance_add_attr(m, "group", ATTR_INT, 1)->i[0] = TO_SOLVE; /* several */
    }
    return settle_dtypes(m, rng) && settle_rank(&m->in[0], rank) && settle_rank(&m->in[1], rank) &&
           (m->n_in < 3 || !m->in[2].present || settle_rank(&m->in[2], 1)) &&
           settle_rank(&m->out[0], rank) && check_ints(m, "strides", n, 1, rng) &&
           check_ints(m, "pads", 2 * n, 0, rng) && check_ints(m, "dilations", n, 1, rng) &&
           check_ints(m, "group", 1, 1, rng);
}

var conv_attr_var(struct instance *m, struct relation *r, const char *name, unsigned k, int64_t lo,
                  int64_t hi)
{
    var x = instance_attr_var(m, r, name, k, lo, hi);
    relation_prefer_log(r, x);
    return x;
}

/* Many channel counts have no divisor but 1: unless several groups are asked for, there is one. */
static var group_var(struct instance *m, struct relation *r)
{
    const struct attr *group = instance_attr(m, "group");
    if (m->is_node || !group || group->i[0] != TO_SOLVE) {
        return conv_attr_var(m, r, "group", 0, 1, GROUP_MAX);
    }
    var x = solve_attr_var(m, r, "group", 0, GROUP_MAX);
    relation_narrow(r, x, 2, GROUP_MAX);
    relation_prefer_log(r, x);
    return x;
}

void conv_relate_attrs(struct relation *r, struct instance *m, struct conv_vars *v)
{
    v->n = m->in[0].rank - 2;
    for (unsigned k = 0; k < (unsigned)v->n; k++) {
        v->stride[k] = conv_attr_var(m, r, "strides", k, 1, STRIDE_MAX);
        v->dilation[k] = conv_attr_var(m, r, "dilations", k, 1, DILATION_MAX);
    }
    for (unsigned k = 0; k < 2 * (unsigned)v->n; k++) {
        v->pad[k] = conv_attr_var(m, r, "pads", k, 0, PAD_MAX);
    }
    v->group = group_var(m, r);
    for (int d = 0; d < v->n; d++) {
        /* Nothing to slide over is an error in torch. */
        relation_narrow(r, m->in[0].dim[2 + d], 1, DIM_LIMIT);
        relation_narrow(r, m->in[1].dim[2 + d], 1, m->is_node ? DIM_LIMIT : KERNEL_MAX);
    }
    relation_narrow(r, m->in[1].dim[1], 1, DIM_LIMIT);
    relate_equal(r, m->in[0].dim[0], m->out[0].dim[0]);
}

static void conv_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *w = &m->in[1], *y = &m->out[0];
    struct conv_vars v;
    conv_relate_attrs(r, m, &v);
    for (int d = 0; d < v.n; d++) {
        relate_window(r, x->dim[2 + d], y->dim[2 + d], w->dim[2 + d], v.stride[d], v.pad[d],
                      v.pad[v.n + d], v.dilation[d]);
    }
    /* channels = group * channels per group, on both sides */
    var out_per_group = relation_var(r, 1, DIM_LIMIT);
    relate_product(r, 2, (const var[]){v.group, w->dim[1]}, x->dim[1]);
    relate_product(r, 2, (const var[]){v.group, out_per_group}, w->dim[0]);
    relate_equal(r, w->dim[0], y->dim[1]);
    if (m->n_in > 2 && m->in[2].present) {
        relate_equal(r, m->in[2].dim[0], w->dim[0]);
    }
}

/* ---- evaluation ---- */

/* is_empty: the result has no elements; beside a 0 the other dims may be huge. */
static struct conv conv_of(const struct node *node, const struct shape *x, const struct shape *w,
                           const struct shape *y, bool is_transposed, bool is_empty)
{
    const struct shape *in = is_transposed ? y : x, *out = is_transposed ? x : y;
    size_t group = (size_t)node_int(node, "group", 1);
    struct conv c = {.is_transposed = is_transposed,
                     .batch = is_empty ? 0 : (size_t)in->dim[0],
                     .in_channels = (size_t)in->dim[1],
                     .out_channels = (size_t)w->dim[0],
                     .per_group_in = (size_t)w->dim[1],
                     .per_group_out = (size_t)w->dim[0] / group,
                     .in_plane = 1,
                     .out_plane = 1,
                     .kernel_size = 1};
    int n = in->rank - 2, skip = SPATIAL_MAX - n;
    for (int d = 0; d < SPATIAL_MAX; d++) {
        int from = d - skip;
        bool is_there = from >= 0;
        c.in_size[d] = is_there ? in->dim[2 + from] : 1;
        c.out_size[d] = is_there ? out->dim[2 + from] : 1;
        c.kernel[d] = is_there ? w->dim[2 + from] : 1;
        c.stride[d] = is_there ? node_attr(node, "strides")->i[from] : 1;
        c.pad[d] = is_there ? node_attr(node, "pads")->i[from] : 0;
        c.dilation[d] = is_there ? node_attr(node, "dilations")->i[from] : 1;
        c.in_plane *= (size_t)c.in_size[d];
        c.out_plane *= (size_t)c.out_size[d];
        c.kernel_size *= (size_t)c.kernel[d];
    }
    return c;
}

struct conv conv_in(const struct evaluation *e, bool is_transposed)
{
    return conv_of(e->node, &e->in[0]->shape, &e->in[1]->shape, &e->out[0].shape, is_transposed,
                   e->out[0].n == 0);
}

/* torch has the product of each tap of a transposed one in columns of the dtype, and adds those up
 * in it (col2im): how many reach the same element, those at equal distance modulo the stride. */
static size_t count_parts(const struct conv *c)
{
    size_t parts = 1;
    for (int d = 0; d < SPATIAL_MAX; d++) {
        int64_t period = c->stride[d] / common_divisor(c->stride[d], c->dilation[d]);
        parts *= (size_t)((c->kernel[d] + period - 1) / period);
    }
    return parts;
}

static struct conv_result result_of(const struct conv *c, size_t n)
{
    if (c->is_transposed) {
        return (struct conv_result){.n = n,
                                    .plane = c->in_plane,
                                    .channels = c->in_channels,
                                    .terms = c->per_group_out * c->kernel_size,
                                    .parts = count_parts(c)};
    }
    return (struct conv_result){.n = n,
                                .plane = c->out_plane,
                                .channels = c->out_channels,
                                .terms = c->per_group_in * c->kernel_size};
}

static void sum_into(struct evaluation *e, const struct conv *c, const struct conv_result *to,
                     const struct conv_kernels *k, bool magnitude, real *y)
{
    const struct array *b = conv_bias(e);
    struct arena *scratch = e->scratch;
    if (e->out[0].dtype == DTYPE_F64) {
        k->in_real(c, to, scratch, reals_of(scratch, e->in[0], magnitude),
                   reals_of(scratch, e->in[1], magnitude),
                   b ? reals_of(scratch, b, magnitude) : NULL, y);
        return;
    }
    double *sum = ARENA_ARRAY(scratch, double, to->n);
    k->in_double(c, to, scratch, doubles_of(scratch, e->in[0], magnitude),
                 doubles_of(scratch, e->in[1], magnitude),
                 b ? doubles_of(scratch, b, magnitude) : NULL, sum);
    for (size_t i = 0; i < to->n; i++) {
        y[i] = (real)sum[i];
    }
}

/* Half floats rounded part by part, and with the bias: each part once, each addition once; half of
 * it, as in noise.c. */
static real parts_noise(enum dtype d, size_t roundings, int grid, real y, real magnitude)
{
    real u = dtype_roundoff(d), step = ldexpl(1, grid);
    if (isnan(y)) {
        return 0;
    }
    if (magnitude > dtype_max(d) && fabsl(y) != magnitude) { /* parts of both signs overflow */
        return INFINITY;
    }
    bool is_exact = step >= dtype_tiny(d) && magnitude <= step / u;
    return isinf(y) || is_exact ? 0 : (real)roundings * u * magnitude / 2;
}

static int conv_grid(const struct evaluation *e)
{
    int grid = grid_of(e->in[0]) + grid_of(e->in[1]);
    int own = conv_bias(e) ? grid_of(conv_bias(e)) : grid;
    return own < grid ? own : grid;
}

void conv_sum(struct evaluation *e, bool is_transposed, const struct conv_kernels *k)
{
    const struct array *y = &e->out[0];
    struct conv c = conv_in(e, is_transposed);
    struct conv_result to = result_of(&c, y->n);
    size_t n_bias = conv_bias(e) ? 1 : 0;
    sum_into(e, &c, &to, k, false, y->v);
    if (!e->noise[0]) {
        return;
    }
    real *magnitude = ARENA_ARRAY(e->scratch, real, y->n);
    sum_into(e, &c, &to, k, true, magnitude);
    int grid = conv_grid(e);
    struct sum_noise s = sum_noise_init(y->dtype, to.terms + n_bias, grid);
    bool has_parts = dtype_is_half(y->dtype) && to.parts > 0 && to.parts + n_bias > 1;
    for (size_t i = 0; i < y->n; i++) {
        e->noise[0][i] = sum_noise_of(&s, y->v[i], magnitude[i]);
        if (has_parts) {
            e->noise[0][i] += parts_noise(y->dtype, to.parts + n_bias, grid, y->v[i], magnitude[i]);
        }
    }
}

CONV_KERNEL(convolve_double, double, CONV_AT_OUT, CONV_AT_IN)
CONV_KERNEL(convolve_real, real, CONV_AT_OUT, CONV_AT_IN)

static void conv_evaluate(struct evaluation *e)
{
    conv_sum(e, false, &(const struct conv_kernels){convolve_double, convolve_real});
}

/* ---- taint, gradient ---- */

size_t conv_weight_channel(const struct conv *c, size_t k)
{
    size_t pair = k / c->kernel_size, out = pair / c->per_group_in;
    return c->is_transposed ? out / c->per_group_out * c->per_group_in + pair % c->per_group_in
                            : out;
}

/* Marks of weights and of the bias. A marked weight may be infinite or NaN in a run, where zeros
 * between or around the elements times it count too: it marks all of its channel. */
static void taint_channels(const struct taint *t, const struct conv *c,
                           const struct conv_result *to)
{
    uint8_t *mark = arena_zalloc(t->e->scratch, to->channels);
    for (size_t k = 0; t->in_mark[1] && k < t->e->in[1]->n; k++) {
        mark[conv_weight_channel(c, k)] |= t->in_mark[1][k];
    }
    for (size_t i = 0; conv_bias(t->e) && t->in_mark[2] && i < to->channels; i++) {
        mark[i] |= t->in_mark[2][i];
    }
    for (size_t i = 0; i < to->n; i++) {
        t->out_mark[0][i] |= mark[conv_channel(to, i)];
    }
}

struct taint_taps {
    const struct conv *c;
    const struct taint *t;
};

static void taint_tap(void *data, const struct tap *tap)
{
    const struct taint_taps *of = data;
    for (size_t i = 0; i < tap->n; i++) {
        of->t->out_mark[0][conv_to(of->c, tap, i)] |= of->t->in_mark[0][conv_from(of->c, tap, i)];
    }
}

void conv_taint_of(const struct taint *t, bool is_transposed)
{
    struct conv c = conv_in(t->e, is_transposed);
    struct conv_result to = result_of(&c, t->e->out[0].n);
    if (to.n == 0) {
        return;
    }
    if (t->in_mark[0]) {
        conv_taps(&c, t->e->scratch, taint_tap, &(struct taint_taps){&c, t});
    }
    taint_channels(t, &c, &to);
}

struct vjp_taps {
    const struct conv *c;
    const struct vjp *v;
};

static void vjp_tap(void *data, const struct tap *tap)
{
    const struct vjp_taps *of = data;
    const struct vjp *v = of->v;
    const real *x = v->e->in[0]->v, *w = v->e->in[1]->v;
    for (size_t i = 0; i < tap->n; i++) {
        real cotangent = v->cotangent[0][conv_to(of->c, tap, i)];
        size_t from = conv_from(of->c, tap, i);
        if (v->grad[0]) {
            v->grad[0][from] += w[tap->w] * cotangent;
        }
        if (v->grad[1]) {
            v->grad[1][tap->w] += x[from] * cotangent;
        }
    }
}

void conv_vjp_of(const struct vjp *v, bool is_transposed)
{
    if (!v->cotangent[0]) {
        return;
    }
    struct conv c = conv_in(v->e, is_transposed);
    struct conv_result to = result_of(&c, v->e->out[0].n);
    conv_taps(&c, v->e->scratch, vjp_tap, &(struct vjp_taps){&c, v});
    for (size_t i = 0; conv_bias(v->e) && v->grad[2] && i < to.n; i++) {
        v->grad[2][conv_channel(&to, i)] += v->cotangent[0][i];
    }
}

static void conv_taint(const struct taint *t)
{
    conv_taint_of(t, false);
}

static void conv_vjp(const struct vjp *v)
{
    conv_vjp_of(v, false);
}

/* ---- range, unspecified ---- */

/* Does any product lie inside the input? Dilated kernels may have all their taps in the padding. */
static bool reads_input(const struct conv *c)
{
    bool reads = true;
    for (int d = 0; d < SPATIAL_MAX; d++) {
        int64_t first = 0, end = 0;
        for (int64_t k = 0; first >= end && k < c->kernel[d]; k++) {
            conv_inside(c, d, k, &first, &end);
        }
        reads = reads && first < end;
    }
    return reads;
}

void conv_range_of(struct range_query *q, bool is_transposed)
{
    const struct interval zero = {.lo = 0, .hi = 0};
    struct conv c = conv_of(q->node, &q->in_value[0]->shape, &q->in_value[1]->shape,
                            &q->out_value[0]->shape, is_transposed, false);
    struct interval term = interval_union(interval_mul(q->in[0], q->in[1]), zero); /* padding */
    bool is_finite = !term.may_nan && isfinite(term.lo) && isfinite(term.hi);
    struct interval sum =
        is_finite && !reads_input(&c) ? zero : interval_sum(term, result_of(&c, 0).terms);
    if (q->node->n_in > 2 && q->in_value[2]) {
        sum = interval_widen(interval_add(sum, q->in[2]));
    }
    q->out[0] = sum;
}

static void conv_range(struct range_query *q)
{
    conv_range_of(q, false);
}

/* Where a weight is infinite or NaN and lies over padding: 0 * inf is NaN if the zeros are
 * multiplied (ONNX Runtime, im2col), nothing if they are skipped (we; oneDNN). ONNX and torch say
 * "zero padding" and not which. */
static void mark_padded(const struct conv *c, size_t tap, uint8_t *plane)
{
    int64_t at[SPATIAL_MAX], first[SPATIAL_MAX], end[SPATIAL_MAX];
    conv_tap_at(c, tap, at);
    for (int d = 0; d < SPATIAL_MAX; d++) {
        conv_inside(c, d, at[d], &first[d], &end[d]);
    }
    for (size_t i = 0; i < c->out_plane; i++) {
        int64_t left = (int64_t)i;
        bool is_inside = true;
        for (int d = SPATIAL_MAX - 1; d >= 0; d--) {
            int64_t y = left % c->out_size[d];
            left /= c->out_size[d];
            is_inside &= y >= first[d] && y < end[d];
        }
        plane[i] |= !is_inside;
    }
}

static void conv_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct conv c = conv_in(e, false);
    const struct array *w = e->in[1];
    for (size_t k = 0; k < w->n; k++) {
        size_t m = conv_weight_channel(&c, k);
        for (size_t n = 0; !isfinite(w->v[k]) && n < c.batch; n++) {
            mark_padded(&c, k % c.kernel_size, mark[0] + (n * c.out_channels + m) * c.out_plane);
        }
    }
}

size_t conv_work_of(const struct slot *summed, const struct slot *weight, var *factors)
{
    size_t n = 0;
    for (int d = 0; d < summed->rank; d++) {
        factors[n++] = summed->dim[d];
    }
    for (int d = 1; d < weight->rank; d++) {
        factors[n++] = weight->dim[d];
    }
    return n;
}

static size_t conv_work(struct instance *m, var *factors)
{
    return conv_work_of(&m->out[0], &m->in[1], factors);
}

/* Does some window have some tap in the data, along spatial dim d? */
static bool meets_data(const struct program *p, const struct node *node, int d)
{
    int64_t data = p->values[node->in[0]].shape.dim[2 + d];
    int64_t taps = p->values[node->in[1]].shape.dim[2 + d];
    int64_t windows = p->values[node->out[0]].shape.dim[2 + d];
    const struct attr *strides = node_attr(node, "strides"), *pads = node_attr(node, "pads");
    int64_t dilation = node_attr(node, "dilations")->i[d];
    bool meets = false;
    for (int64_t i = 0; i < windows * taps && !meets; i++) {
        int64_t at = i / taps * strides->i[d] - pads->i[d] + i % taps * dilation;
        meets = at >= 0 && at < data;
    }
    return meets;
}

static bool conv_is_blind(const struct program *p, const struct node *node)
{
    int n = p->values[node->in[0]].shape.rank - 2;
    bool meets = true;
    for (int d = 0; d < n && meets; d++) {
        meets = meets_data(p, node, d);
    }
    return !meets;
}

/* ---- the ops ---- */

#define CONV(rank)                                                                                 \
    CONV_SLOTS(rank), .structure = conv_structure, .relate = conv_relate,                          \
        .evaluate = conv_evaluate, .taint = conv_taint, .vjp = conv_vjp, .range = conv_range,      \
        .unspecified = conv_unspecified, .work = conv_work, .is_blind = conv_is_blind

const struct op op_conv1d = {
    .name = "conv1d",
    .summary = "1-d convolution (cross-correlation) with stride, pads, dilation, groups",
    CONV(3)};

const struct op op_conv2d = {
    .name = "conv2d",
    .summary = "2-d convolution (cross-correlation) with strides, pads, dilations, groups",
    CONV(4)};

const struct op op_conv3d = {
    .name = "conv3d",
    .summary = "3-d convolution (cross-correlation) with strides, pads, dilations, groups",
    CONV(5)};
