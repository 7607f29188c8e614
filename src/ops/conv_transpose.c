/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_transpose1d to 3d (ONNX ConvTranspose, torch): x[N,C,...], w[C,M/group,...], b[M] optional.
 * What a convolution sums from its input into its output is summed from x back into the result, so
 * here `in` of the walk is the result and `out` is x. Pads are cut off the result's ends,
 * output_padding is added to its far end.
 */
#include "ops/conv.h"

/* ---- structure and relation ---- */

/* torch: "output padding must be smaller than either stride or dilation"; so ONNX. */
static bool output_padding_fits(struct instance *m)
{
    const struct attr *more = instance_attr(m, "output_padding");
    const struct attr *stride = instance_attr(m, "strides"), *gap = instance_attr(m, "dilations");
    for (unsigned k = 0; more && stride && gap && k < more->n && k < stride->n && k < gap->n; k++) {
        if (more->i[k] >= stride->i[k] && more->i[k] >= gap->i[k]) {
            return REFUSE("output_padding %lld is not below stride or dilation",
                          (long long)more->i[k]);
        }
    }
    return true;
}

static bool conv_transpose_structure(struct instance *m, struct rng *rng)
{
    unsigned n = (unsigned)m->op->in[0].rank_min - 2;
    return conv_structure(m, rng) && check_ints(m, "output_padding", n, 0, rng) &&
           output_padding_fits(m);
}

/* y + pads = stride * (x - 1) + dilation * (kernel - 1) + 1 + output_padding */
static void relate_extent(struct relation *r, const struct conv_vars *v, int d, var x, var w,
                          var more, var y)
{
    var steps = relation_var(r, 0, DIM_LIMIT), taps = relation_var(r, 0, DIM_LIMIT);
    var span = relation_var(r, 0, DIM_LIMIT), reach = relation_var(r, 0, DIM_LIMIT);
    relate_linear_eq(r, 2, (const int64_t[]){1, -1}, (const var[]){x, steps}, 1);
    relate_linear_eq(r, 2, (const int64_t[]){1, -1}, (const var[]){w, taps}, 1);
    relate_product(r, 2, (const var[]){v->stride[d], steps}, span);
    relate_product(r, 2, (const var[]){v->dilation[d], taps}, reach);
    relate_linear_eq(r, 6, (const int64_t[]){1, 1, 1, -1, -1, -1},
                     (const var[]){y, v->pad[d], v->pad[v->n + d], span, reach, more}, 1);
}

static void conv_transpose_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *w = &m->in[1], *y = &m->out[0];
    struct conv_vars v;
    conv_relate_attrs(r, m, &v);
    for (int d = 0; d < v.n; d++) {
        const struct attr *given = instance_attr(m, "output_padding");
        const struct attr *stride = instance_attr(m, "strides");
        bool by_dilation = m->is_node && given->i[d] >= stride->i[d];
        var more = conv_attr_var(m, r, "output_padding", (unsigned)d, 0, STRIDE_MAX - 1);
        var above = by_dilation ? v.dilation[d] : v.stride[d];
        relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){more, above}, -1);
        relation_narrow(r, y->dim[2 + d], 1, DIM_LIMIT); /* torch: "Output size is too small" */
        relate_extent(r, &v, d, x->dim[2 + d], w->dim[2 + d], more, y->dim[2 + d]);
    }
    var in_per_group = relation_var(r, 1, DIM_LIMIT);
    relate_product(r, 2, (const var[]){v.group, in_per_group}, w->dim[0]);
    relate_product(r, 2, (const var[]){v.group, w->dim[1]}, y->dim[1]);
    relate_equal(r, w->dim[0], x->dim[1]);
    if (m->n_in > 2 && m->in[2].present) {
        relate_equal(r, m->in[2].dim[0], y->dim[1]);
    }
}

/* ---- evaluation ---- */

CONV_KERNEL(transpose_double, double, CONV_AT_IN, CONV_AT_OUT)
CONV_KERNEL(transpose_real, real, CONV_AT_IN, CONV_AT_OUT)

static void conv_transpose_evaluate(struct evaluation *e)
{
    conv_sum(e, true, &(const struct conv_kernels){transpose_double, transpose_real});
}

/* ---- taint, gradient, range ---- */

static void conv_transpose_taint(const struct taint *t)
{
    conv_taint_of(t, true);
}

static void conv_transpose_vjp(const struct vjp *v)
{
    conv_vjp_of(v, true);
}

static void conv_transpose_range(struct range_query *q)
{
    conv_range_of(q, true);
}

/* ---- unspecified ---- */

/* Does kernel tap `tap` bring an element of x to element i of the result's plane? */
static bool brings(const struct conv *c, const int64_t tap[SPATIAL_MAX], size_t i)
{
    int64_t left = (int64_t)i;
    for (int d = SPATIAL_MAX - 1; d >= 0; d--) {
        int64_t at = left % c->in_size[d] + c->pad[d] - tap[d] * c->dilation[d];
        left /= c->in_size[d];
        if (at < 0 || at % c->stride[d] != 0 || at / c->stride[d] >= c->out_size[d]) {
            return false;
        }
    }
    return true;
}

/* An infinite or NaN weight where it meets no element of x: NaN if a library puts zeros between the
 * elements and around them and convolves (as the documents of both describe it), nothing if it
 * scatters products (col2im). Neither says which. */
static void conv_transpose_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct conv c = conv_in(e, true);
    const struct array *w = e->in[1];
    int64_t tap[SPATIAL_MAX];
    for (size_t k = 0; k < w->n; k++) {
        if (isfinite(w->v[k])) {
            continue;
        }
        conv_tap_at(&c, k % c.kernel_size, tap);
        for (size_t n = 0; n < c.batch; n++) {
            size_t plane = (n * c.in_channels + conv_weight_channel(&c, k)) * c.in_plane;
            for (size_t i = 0; i < c.in_plane; i++) {
                mark[0][plane + i] |= !brings(&c, tap, i);
            }
        }
    }
}

static size_t conv_transpose_work(struct instance *m, var *factors)
{
    return conv_work_of(&m->in[0], &m->in[1], factors);
}

/* ---- the ops ---- */

#define CONV_TRANSPOSE(rank)                                                                       \
    CONV_SLOTS(rank, {"output_padding", ATTR_INTS}), .structure = conv_transpose_structure,        \
        .relate = conv_transpose_relate, .evaluate = conv_transpose_evaluate,                      \
        .taint = conv_transpose_taint, .vjp = conv_transpose_vjp, .range = conv_transpose_range,   \
        .unspecified = conv_transpose_unspecified, .work = conv_transpose_work

const struct op op_conv_transpose1d = {
    .name = "conv_transpose1d",
    .summary = "transposed 1-d convolution: what conv1d reads from, this adds to",
    CONV_TRANSPOSE(3)};

const struct op op_conv_transpose2d = {
    .name = "conv_transpose2d",
    .summary = "transposed 2-d convolution: what conv2d reads from, this adds to",
    CONV_TRANSPOSE(4)};

const struct op op_conv_transpose3d = {
    .name = "conv_transpose3d",
    .summary = "transposed 3-d convolution: what conv3d reads from, this adds to",
    CONV_TRANSPOSE(5)};
