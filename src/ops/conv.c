/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv2d: x[N,C,H,W], w[M,C/group,kh,kw], b[M] optional; pads are top, left, bottom, right (ONNX
 * Conv; torch has one pad a dim, the rest is padded before). All that walks over the products
 * (evaluation, taint, gradient) goes through conv_taps.
 */
#include "ops/ops_internal.h"

/* Limits of taste for what is drawn: kernels, strides and dilations of models; group up to
 * depthwise of 64 channels. */
enum { KERNEL_MAX = 7, STRIDE_MAX = 4, PAD_MAX = 4, DILATION_MAX = 3, GROUP_MAX = 64 };

/* ---- structure and relation ---- */

static bool conv2d_structure(struct instance *m, struct rng *rng)
{
    return settle_dtypes(m, rng) && settle_rank(&m->in[0], 4) && settle_rank(&m->in[1], 4) &&
           (m->n_in < 3 || !m->in[2].present || settle_rank(&m->in[2], 1)) &&
           settle_rank(&m->out[0], 4) && check_ints(m, "strides", 2, 1, rng) &&
           check_ints(m, "pads", 4, 0, rng) && check_ints(m, "dilations", 2, 1, rng) &&
           check_ints(m, "group", 1, 1, rng);
}

static var log_attr(struct instance *m, struct relation *r, const char *name, unsigned k,
                    int64_t lo, int64_t hi)
{
    var x = instance_attr_var(m, r, name, k, lo, hi);
    relation_prefer_log(r, x);
    return x;
}

static void conv2d_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *w = &m->in[1], *y = &m->out[0];
    var stride[2], dilation[2], pad[4];
    for (unsigned k = 0; k < 2; k++) {
        stride[k] = log_attr(m, r, "strides", k, 1, STRIDE_MAX);
        dilation[k] = log_attr(m, r, "dilations", k, 1, DILATION_MAX);
    }
    for (unsigned k = 0; k < 4; k++) {
        pad[k] = log_attr(m, r, "pads", k, 0, PAD_MAX);
    }
    for (unsigned d = 0; d < 2; d++) {
        /* Nothing to slide over is an error in torch. */
        relation_narrow(r, x->dim[2 + d], 1, DIM_LIMIT);
        relation_narrow(r, w->dim[2 + d], 1, m->is_node ? DIM_LIMIT : KERNEL_MAX);
        relate_window(r, x->dim[2 + d], y->dim[2 + d], w->dim[2 + d], stride[d], pad[d], pad[2 + d],
                      dilation[d]);
    }
    /* channels = group * channels per group, on both sides */
    var group = log_attr(m, r, "group", 0, 1, GROUP_MAX);
    var out_per_group = relation_var(r, 1, DIM_LIMIT);
    relation_narrow(r, w->dim[1], 1, DIM_LIMIT);
    relate_product(r, 2, (const var[]){group, w->dim[1]}, x->dim[1]);
    relate_product(r, 2, (const var[]){group, out_per_group}, w->dim[0]);
    relate_equal(r, x->dim[0], y->dim[0]);
    relate_equal(r, w->dim[0], y->dim[1]);
    if (m->n_in > 2 && m->in[2].present) {
        relate_equal(r, m->in[2].dim[0], w->dim[0]);
    }
}

/* ---- the walk over all products ---- */

struct conv {
    size_t batch, in_channels, out_channels, per_group_in, per_group_out;
    int64_t in_size[2], out_size[2], kernel[2], stride[2], pad[2], dilation[2];
    bool has_bias;
};

static struct conv conv_of(const struct node *node, const struct shape *x, const struct shape *w,
                           const struct shape *y, bool has_bias)
{
    size_t group = (size_t)node_int(node, "group", 1);
    /* Beside a 0 the other dims of an empty result may be huge: no batch, no walk. */
    struct conv c = {.batch = shape_numel(y) > 0 ? (size_t)x->dim[0] : 0,
                     .in_channels = (size_t)x->dim[1],
                     .out_channels = (size_t)w->dim[0],
                     .per_group_in = (size_t)w->dim[1],
                     .per_group_out = (size_t)w->dim[0] / group,
                     .has_bias = has_bias};
    for (int d = 0; d < 2; d++) {
        c.in_size[d] = x->dim[2 + d];
        c.out_size[d] = y->dim[2 + d];
        c.kernel[d] = w->dim[2 + d];
        c.stride[d] = node_attr(node, "strides")->i[d];
        c.pad[d] = node_attr(node, "pads")->i[d];
        c.dilation[d] = node_attr(node, "dilations")->i[d];
    }
    return c;
}

static struct conv conv_in(const struct evaluation *e)
{
    bool has_bias = e->n_in > 2 && e->in[2];
    return conv_of(e->node, &e->in[0]->shape, &e->in[1]->shape, &e->out[0].shape, has_bias);
}

/* The output positions of one dim that kernel position k reads inside the input. */
static void inside(const struct conv *c, int d, int64_t k, int64_t *first, int64_t *end)
{
    int64_t shift = k * c->dilation[d] - c->pad[d]; /* input = output * stride + shift */
    *first = shift >= 0 ? 0 : (-shift + c->stride[d] - 1) / c->stride[d];
    int64_t last = c->in_size[d] - 1 - shift;
    *end = last < 0 ? 0 : last / c->stride[d] + 1;
    *end = *end < c->out_size[d] ? *end : c->out_size[d];
}

/* n products y[i] += w * x[i * step]; all given as places in the flat arrays. */
struct tap {
    size_t w, x, step, y, n;
};
typedef void tap_fn(void *data, const struct tap *tap);

/* The rows that one weight takes part in. */
ALWAYS_INLINE void weight_taps(const struct conv *c, int64_t i, int64_t j, size_t x_plane,
                               size_t y_plane, size_t w, tap_fn *fn, void *data)
{
    int64_t row, row_end, col, col_end;
    inside(c, 0, i, &row, &row_end);
    inside(c, 1, j, &col, &col_end);
    for (; row < row_end && col < col_end; row++) {
        int64_t in_row = row * c->stride[0] + i * c->dilation[0] - c->pad[0];
        int64_t in_col = col * c->stride[1] + j * c->dilation[1] - c->pad[1];
        struct tap tap = {.w = w,
                          .x = x_plane + (size_t)(in_row * c->in_size[1] + in_col),
                          .step = (size_t)c->stride[1],
                          .y = y_plane + (size_t)(row * c->out_size[1] + col),
                          .n = (size_t)(col_end - col)};
        fn(data, &tap);
    }
}

ALWAYS_INLINE void conv_taps(const struct conv *c, tap_fn *fn, void *data)
{
    size_t in_plane = (size_t)(c->in_size[0] * c->in_size[1]);
    size_t out_plane = (size_t)(c->out_size[0] * c->out_size[1]);
    for (size_t at = 0; at < c->batch * c->out_channels; at++) {
        size_t n = at / c->out_channels, m = at % c->out_channels;
        size_t w = m * c->per_group_in * (size_t)(c->kernel[0] * c->kernel[1]);
        size_t channel = n * c->in_channels + m / c->per_group_out * c->per_group_in;
        for (size_t k = 0; k < c->per_group_in; k++) {
            for (int64_t i = 0; i < c->kernel[0]; i++) {
                for (int64_t j = 0; j < c->kernel[1]; j++) {
                    weight_taps(c, i, j, (channel + k) * in_plane, at * out_plane, w++, fn, data);
                }
            }
        }
    }
}

/* ---- evaluation ---- */

/* Sums in double up to f32 (see linear.c), in long double for f64. */
#define CONV_KERNEL(name, type)                                                                    \
    struct name##_data {                                                                           \
        const type *x, *w;                                                                         \
        type *y;                                                                                   \
    };                                                                                             \
    ALWAYS_INLINE void name##_tap(void *data, const struct tap *t)                                 \
    {                                                                                              \
        const struct name##_data *d = data;                                                        \
        const type factor = d->w[t->w], *x = d->x + t->x;                                          \
        type *restrict y = d->y + t->y;                                                            \
        if (t->step == 1) {                                                                        \
            for (size_t i = 0; i < t->n; i++) {                                                    \
                y[i] += factor * x[i];                                                             \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < t->n; i++) {                                                        \
            y[i] += factor * x[i * t->step];                                                       \
        }                                                                                          \
    }                                                                                              \
    static void name(const struct conv *c, const type *x, const type *w, const type *b, type *y)   \
    {                                                                                              \
        size_t plane = (size_t)(c->out_size[0] * c->out_size[1]);                                  \
        for (size_t i = 0; i < c->batch * c->out_channels * plane; i++) {                          \
            y[i] = b ? b[i / plane % c->out_channels] : 0;                                         \
        }                                                                                          \
        struct name##_data data = {x, w, y};                                                       \
        conv_taps(c, name##_tap, &data);                                                           \
    }
CONV_KERNEL(convolve_double, double)
CONV_KERNEL(convolve_real, real)

static void convolve(struct evaluation *e, const struct conv *c, bool magnitude, real *y)
{
    const struct array *b = c->has_bias ? e->in[2] : NULL;
    if (e->out[0].dtype == DTYPE_F64) {
        convolve_real(c, reals_of(e->scratch, e->in[0], magnitude),
                      reals_of(e->scratch, e->in[1], magnitude),
                      b ? reals_of(e->scratch, b, magnitude) : NULL, y);
        return;
    }
    double *sum = ARENA_ARRAY(e->scratch, double, e->out[0].n);
    convolve_double(c, doubles_of(e->scratch, e->in[0], magnitude),
                    doubles_of(e->scratch, e->in[1], magnitude),
                    b ? doubles_of(e->scratch, b, magnitude) : NULL, sum);
    for (size_t i = 0; i < e->out[0].n; i++) {
        y[i] = (real)sum[i];
    }
}

static size_t count_terms(const struct conv *c)
{
    return c->per_group_in * (size_t)(c->kernel[0] * c->kernel[1]) + (c->has_bias ? 1 : 0);
}

static void conv2d_evaluate(struct evaluation *e)
{
    struct conv c = conv_in(e);
    struct array *y = &e->out[0];
    convolve(e, &c, false, y->v);
    if (!e->noise[0]) {
        return;
    }
    real *magnitude = ARENA_ARRAY(e->scratch, real, y->n);
    convolve(e, &c, true, magnitude);
    int grid = grid_of(e->in[0]) + grid_of(e->in[1]);
    if (c.has_bias && grid_of(e->in[2]) < grid) {
        grid = grid_of(e->in[2]);
    }
    struct sum_noise s = sum_noise_init(y->dtype, count_terms(&c), grid);
    for (size_t i = 0; i < y->n; i++) {
        e->noise[0][i] = sum_noise_of(&s, y->v[i], magnitude[i]);
    }
}

/* ---- taint, gradient ---- */

static void taint_tap(void *data, const struct tap *tap)
{
    const struct taint *t = data;
    for (size_t i = 0; t->in_mark[0] && i < tap->n; i++) {
        t->out_mark[0][tap->y + i] |= t->in_mark[0][tap->x + i * tap->step];
    }
}

/* A marked weight may be infinite or NaN in a run, where zeros of the padding times it count too:
 * it marks all of its channel. */
static void taint_channels(const struct taint *t, const struct conv *c, size_t plane)
{
    size_t block = t->e->in[1]->n / c->out_channels;
    uint8_t *mark = arena_zalloc(t->e->scratch, c->out_channels);
    for (size_t i = 0; i < t->e->in[1]->n; i++) {
        mark[i / block] |= t->in_mark[1][i];
    }
    for (size_t i = 0; i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= mark[i / plane % c->out_channels];
    }
}

static void conv2d_taint(const struct taint *t)
{
    struct conv c = conv_in(t->e);
    struct taint copy = *t;
    conv_taps(&c, taint_tap, &copy);
    size_t plane = (size_t)(c.out_size[0] * c.out_size[1]);
    if (t->in_mark[1] && t->e->in[1]->n > 0 && t->e->out[0].n > 0) {
        taint_channels(t, &c, plane);
    }
    for (size_t i = 0; c.has_bias && t->in_mark[2] && i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= t->in_mark[2][i / plane % c.out_channels];
    }
}

static void vjp_tap(void *data, const struct tap *tap)
{
    const struct vjp *v = data;
    const real *x = v->e->in[0]->v, *w = v->e->in[1]->v, *c = v->cotangent[0];
    for (size_t i = 0; i < tap->n; i++) {
        if (v->grad[0]) {
            v->grad[0][tap->x + i * tap->step] += w[tap->w] * c[tap->y + i];
        }
        if (v->grad[1]) {
            v->grad[1][tap->w] += x[tap->x + i * tap->step] * c[tap->y + i];
        }
    }
}

static void conv2d_vjp(const struct vjp *v)
{
    if (!v->cotangent[0]) {
        return;
    }
    struct conv c = conv_in(v->e);
    struct vjp copy = *v;
    conv_taps(&c, vjp_tap, &copy);
    size_t plane = (size_t)(c.out_size[0] * c.out_size[1]);
    for (size_t i = 0; c.has_bias && v->grad[2] && i < v->e->out[0].n; i++) {
        v->grad[2][i / plane % c.out_channels] += v->cotangent[0][i];
    }
}

/* ---- range, unspecified ---- */

static void conv2d_range(struct range_query *q)
{
    bool has_bias = q->node->n_in > 2 && q->in_value[2];
    struct conv c = conv_of(q->node, &q->in_value[0]->shape, &q->in_value[1]->shape,
                            &q->out_value[0]->shape, has_bias);
    const struct interval zero = {.lo = 0, .hi = 0};
    struct interval term = interval_union(interval_mul(q->in[0], q->in[1]), zero); /* padding */
    struct interval sum = interval_sum(term, c.per_group_in * (size_t)(c.kernel[0] * c.kernel[1]));
    if (has_bias) {
        sum = interval_widen(interval_add(sum, q->in[2]));
    }
    q->out[0] = sum;
}

/* Where a weight is infinite or NaN and lies over padding: 0 * inf is NaN if the zeros are
 * multiplied (ONNX Runtime, im2col), nothing if they are skipped (we; oneDNN). ONNX and torch say
 * "zero padding" and not which. */
static void mark_padded(const struct conv *c, int64_t i, int64_t j, uint8_t *plane)
{
    int64_t row, row_end, col, col_end;
    inside(c, 0, i, &row, &row_end);
    inside(c, 1, j, &col, &col_end);
    for (int64_t y = 0; y < c->out_size[0]; y++) {
        for (int64_t x = 0; x < c->out_size[1]; x++) {
            bool is_inside = y >= row && y < row_end && x >= col && x < col_end;
            plane[y * c->out_size[1] + x] |= !is_inside;
        }
    }
}

static void conv2d_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct conv c = conv_in(e);
    const struct array *w = e->in[1];
    size_t plane = (size_t)(c.out_size[0] * c.out_size[1]);
    size_t taps = (size_t)(c.kernel[0] * c.kernel[1]);
    for (size_t k = 0; k < w->n; k++) {
        if (isfinite(w->v[k])) {
            continue;
        }
        int64_t at = (int64_t)(k % taps);
        size_t m = k / (taps * c.per_group_in);
        for (size_t n = 0; n < c.batch; n++) {
            mark_padded(&c, at / c.kernel[1], at % c.kernel[1],
                        mark[0] + (n * c.out_channels + m) * plane);
        }
    }
}

const struct op op_conv2d = {
    .name = "conv2d",
    .folding = FOLDS_AS_PRODUCT,
    .summary = "2-d convolution (cross-correlation) with strides, pads, dilations, groups",
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = 4, .rank_max = 4},
           {"w", .same_as = "x", .rank_min = 4, .rank_max = 4, .constant_likely = true},
           {"b", .same_as = "x", .rank_min = 1, .rank_max = 1, .optional = true,
            .constant_likely = true}},
    .out = {{"y", .same_as = "x", .rank_min = 4, .rank_max = 4}},
    .attrs = {{"strides", ATTR_INTS},
              {"pads", ATTR_INTS},
              {"dilations", ATTR_INTS},
              {"group", ATTR_INT}},
    .structure = conv2d_structure,
    .relate = conv2d_relate,
    .evaluate = conv2d_evaluate,
    .taint = conv2d_taint,
    .vjp = conv2d_vjp,
    .range = conv2d_range,
    .unspecified = conv2d_unspecified};
