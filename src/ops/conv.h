/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv: what the convolutions of 1 to 3 spatial dims and their transposes share. Both are the same
 * walk over products out[position] * w[tap] * in[position * stride + tap * dilation - pad]; a
 * convolution sums them into out, a transposed one into in.
 */
#ifndef OPJURY_OPS_CONV_H
#define OPJURY_OPS_CONV_H

#include "ops/ops_internal.h"

/* Limits of taste for what is drawn: kernels, strides and dilations of models; group up to
 * depthwise of 64 channels. */
enum { KERNEL_MAX = 7, STRIDE_MAX = 4, PAD_MAX = 4, DILATION_MAX = 3, GROUP_MAX = 64 };
enum { SPATIAL_MAX = 3 };

/* ---- structure and relation ---- */

struct conv_vars {
    int n; /* spatial dims */
    var stride[SPATIAL_MAX], dilation[SPATIAL_MAX], pad[2 * SPATIAL_MAX], group;
};
bool conv_structure(struct instance *m, struct rng *rng);
/* The variables of the attributes, and a kernel and an input that are not empty. */
void conv_relate_attrs(struct relation *r, struct instance *m, struct conv_vars *v);
var conv_attr_var(struct instance *m, struct relation *r, const char *name, unsigned k, int64_t lo,
                  int64_t hi);

/* A product for each element of what is summed and each weight of its channel. */
size_t conv_work_of(const struct slot *summed, const struct slot *weight, var *factors);

/* Tensors of `rank`; attributes of both, and what an op adds. */
#define CONV_SLOTS(rank, ...)                                                                      \
    .folding = FOLDS_AS_PRODUCT,                                                                   \
    .in = {{"x", .dtypes = DT_FLOATS, .rank_min = rank, .rank_max = rank},                         \
           {"w", .same_as = "x", .rank_min = rank, .rank_max = rank, .constant_likely = true},     \
           {"b", .same_as = "x", .rank_min = 1, .rank_max = 1, .optional = true,                   \
            .constant_likely = true}},                                                             \
    .out = {{"y", .same_as = "x", .rank_min = rank, .rank_max = rank}},                            \
    .attrs = {{"strides", ATTR_INTS},                                                              \
              {"pads", ATTR_INTS},                                                                 \
              {"dilations", ATTR_INTS},                                                            \
              {"group", ATTR_INT},                                                                 \
              __VA_ARGS__}

/* ---- the walk over all products ---- */

/* Fewer than 3 spatial dims: the first ones are 1. The weight is [out_channels, per_group_in,
 * kernel]. Transposed: `in` is the result and `out` is x. */
struct conv {
    bool is_transposed;
    size_t batch, in_channels, out_channels, per_group_in, per_group_out;
    size_t in_plane, out_plane, kernel_size;
    int64_t in_size[SPATIAL_MAX], out_size[SPATIAL_MAX], kernel[SPATIAL_MAX], stride[SPATIAL_MAX],
        pad[SPATIAL_MAX], dilation[SPATIAL_MAX];
};
struct conv conv_in(const struct evaluation *e, bool is_transposed);

/* n products of w, x[i * step] and y[i]; all given as places in the flat arrays. */
struct tap {
    size_t w, x, step, y, n;
};
typedef void tap_fn(void *data, const struct tap *tap);
/* The place of term i in x, and in the result. */
ALWAYS_INLINE size_t conv_from(const struct conv *c, const struct tap *tap, size_t i)
{
    return c->is_transposed ? tap->y + i : tap->x + i * tap->step;
}
ALWAYS_INLINE size_t conv_to(const struct conv *c, const struct tap *tap, size_t i)
{
    return c->is_transposed ? tap->x + i * tap->step : tap->y + i;
}

/* The output positions of one dim that kernel position k reads inside the input. */
ALWAYS_INLINE void conv_inside(const struct conv *c, int d, int64_t k, int64_t *first, int64_t *end)
{
    int64_t shift = k * c->dilation[d] - c->pad[d]; /* input = output * stride + shift */
    *first = shift >= 0 ? 0 : (-shift + c->stride[d] - 1) / c->stride[d];
    int64_t last = c->in_size[d] - 1 - shift;
    *end = last < 0 ? 0 : last / c->stride[d] + 1;
    *end = *end < c->out_size[d] ? *end : c->out_size[d];
}

/* Where kernel tap number `tap` lies. */
ALWAYS_INLINE void conv_tap_at(const struct conv *c, size_t tap, int64_t at[SPATIAL_MAX])
{
    int64_t left = (int64_t)tap;
    for (int d = SPATIAL_MAX - 1; d >= 0; d--) {
        at[d] = left % c->kernel[d];
        left /= c->kernel[d];
    }
}

/* A kernel position along one dim: the output positions that read inside the input, and where the
 * first of them does. */
struct span {
    int64_t first, end, in;
};

ALWAYS_INLINE const struct span *conv_spans(const struct conv *c, int d, struct arena *scratch)
{
    struct span *spans = ARENA_ARRAY(scratch, struct span, (size_t)c->kernel[d]);
    for (int64_t k = 0; k < c->kernel[d]; k++) {
        struct span *s = &spans[k];
        conv_inside(c, d, k, &s->first, &s->end);
        s->in = s->first * c->stride[d] + k * c->dilation[d] - c->pad[d];
    }
    return spans;
}

/* The rows that weight w takes part in, which is at `at` in the kernel. */
ALWAYS_INLINE void conv_weight_taps(const struct conv *c, const struct span *const at[SPATIAL_MAX],
                                    size_t x_plane, size_t y_plane, size_t w, tap_fn *fn,
                                    void *data)
{
    const struct span *a = at[0], *b = at[1], *row = at[2];
    if (row->first >= row->end) {
        return;
    }
    for (int64_t i = a->first, x = a->in; i < a->end; i++, x += c->stride[0]) {
        int64_t from = x * c->in_size[1] + b->in;
        for (int64_t j = b->first; j < b->end; j++, from += c->stride[1]) {
            int64_t to = (i * c->out_size[1] + j) * c->out_size[2] + row->first;
            struct tap tap = {.w = w,
                              .x = x_plane + (size_t)(from * c->in_size[2] + row->in),
                              .step = (size_t)c->stride[2],
                              .y = y_plane + (size_t)to,
                              .n = (size_t)(row->end - row->first)};
            fn(data, &tap);
        }
    }
}

/* The rows of one kernel, whose first weight is w. */
ALWAYS_INLINE void conv_kernel_taps(const struct conv *c, const struct span *const of[SPATIAL_MAX],
                                    size_t x_plane, size_t y_plane, size_t w, tap_fn *fn,
                                    void *data)
{
    for (int64_t i = 0; i < c->kernel[0]; i++) {
        for (int64_t j = 0; j < c->kernel[1]; j++) {
            for (int64_t k = 0; k < c->kernel[2]; k++) {
                const struct span *const at[SPATIAL_MAX] = {of[0] + i, of[1] + j, of[2] + k};
                conv_weight_taps(c, at, x_plane, y_plane, w++, fn, data);
            }
        }
    }
}

ALWAYS_INLINE void conv_taps(const struct conv *c, struct arena *scratch, tap_fn *fn, void *data)
{
    if (c->batch == 0 || c->per_group_in == 0 || c->kernel_size == 0) {
        return; /* beside a 0 the other dims may be huge */
    }
    const struct span *const of[SPATIAL_MAX] = {
        conv_spans(c, 0, scratch), conv_spans(c, 1, scratch), conv_spans(c, 2, scratch)};
    for (size_t at = 0; at < c->batch * c->out_channels; at++) {
        size_t n = at / c->out_channels, m = at % c->out_channels;
        size_t w = m * c->per_group_in * c->kernel_size;
        size_t channel = n * c->in_channels + m / c->per_group_out * c->per_group_in;
        for (size_t k = 0; k < c->per_group_in; k++, w += c->kernel_size) {
            conv_kernel_taps(c, of, (channel + k) * c->in_plane, at * c->out_plane, w, fn, data);
        }
    }
}

/* ---- evaluation ---- */

/*
 * A function that sums all products into `to`, which begins as the bias b of its channel (NULL: 0).
 * TO and FROM: the place of term i of tap t in the array that is summed into, and in the other.
 */
#define CONV_KERNEL(name, type, TO, FROM)                                                          \
    struct name##_data {                                                                           \
        const type *w, *from;                                                                      \
        type *to;                                                                                  \
    };                                                                                             \
    ALWAYS_INLINE void name##_tap(void *data, const struct tap *t)                                 \
    {                                                                                              \
        const struct name##_data *d = data;                                                        \
        const type factor = d->w[t->w], *from = d->from;                                           \
        type *restrict to = d->to;                                                                 \
        if (t->step == 1) {                                                                        \
            for (size_t i = 0; i < t->n; i++) {                                                    \
                to[TO(t, i, 1)] += factor * from[FROM(t, i, 1)];                                   \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < t->n; i++) {                                                        \
            to[TO(t, i, t->step)] += factor * from[FROM(t, i, t->step)];                           \
        }                                                                                          \
    }                                                                                              \
    static void name(const struct conv *c, const struct conv_result *to, struct arena *scratch,    \
                     const type *from, const type *w, const type *b, type *y)                      \
    {                                                                                              \
        for (size_t i = 0; i < to->n; i++) {                                                       \
            y[i] = b ? b[conv_channel(to, i)] : 0;                                                 \
        }                                                                                          \
        struct name##_data data = {w, from, y};                                                    \
        conv_taps(c, scratch, name##_tap, &data);                                                  \
    }
#define CONV_AT_OUT(t, i, step) ((t)->y + (i))
#define CONV_AT_IN(t, i, step) ((t)->x + (i) * (step))

/* The array that products are summed into. */
struct conv_result {
    size_t n, plane, channels;
    size_t terms; /* of one element, at most */
    /* Sums of an element that libraries round to the dtype, also half floats, before they add them
     * (col2im); 0: none. */
    size_t parts;
};
ALWAYS_INLINE size_t conv_channel(const struct conv_result *y, size_t i)
{
    return y->plane && y->channels ? i / y->plane % y->channels : 0;
}
ALWAYS_INLINE const struct array *conv_bias(const struct evaluation *e)
{
    return e->n_in > 2 ? e->in[2] : NULL;
}
/* Sums in double up to f32 (see product.c), in long double for f64; and their noise. */
struct conv_kernels {
    void (*in_double)(const struct conv *c, const struct conv_result *to, struct arena *scratch,
                      const double *from, const double *w, const double *b, double *y);
    void (*in_real)(const struct conv *c, const struct conv_result *to, struct arena *scratch,
                    const real *from, const real *w, const real *b, real *y);
};
void conv_sum(struct evaluation *e, bool is_transposed, const struct conv_kernels *k);

/* ---- taint, gradient, range of both ---- */

/* The channel of the result that weight k goes into. */
size_t conv_weight_channel(const struct conv *c, size_t k);
void conv_taint_of(const struct taint *t, bool is_transposed);
void conv_vjp_of(const struct vjp *v, bool is_transposed);
void conv_range_of(struct range_query *q, bool is_transposed);

#endif
