/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TensorFlow says products and convolutions. Its convolutions on the CPU take channels last and
 * the filter's behind its window; pads are zeros around. What only some of its kernels know (groups
 * beyond conv1d and conv2d, dilations beyond those) is said by parts, and by a filter with zeros
 * between.
 */
#include "spell/tf_forms.h"

enum { SPATIAL_MAX = 3 };

static bool has_third(const struct planner *b)
{
    return b->node->n_in > 2 && b->node->in[2] != VALUE_ABSENT;
}

/* ---- matmul, gemm, linear, einsum ---- */

static uint32_t as_matrix(struct planner *b, uint32_t k, int64_t axis)
{
    uint32_t to = planner_step(b, "matrix");

    CALL(b, to, "tf.expand_dims", VALUE(planner_input(b, k)), INT("axis", axis));
    return to;
}

/* A vector is a row on the left, a column on the right. */
static void emit_matmul(struct planner *b, const char *callable)
{
    bool is_row = planner_input_value(b, 0)->shape.rank == 1;
    bool is_column = planner_input_value(b, 1)->shape.rank == 1;
    uint32_t left = is_row ? as_matrix(b, 0, 0) : planner_input(b, 0);
    uint32_t right = is_column ? as_matrix(b, 1, 1) : planner_input(b, 1);
    uint32_t product = is_row || is_column ? planner_step(b, "product") : planner_output(b);

    CALL(b, product, callable, VALUE(left), VALUE(right));
    if (is_row || is_column) {
        int64_t *axes = ARENA_ARRAY(b->arena, int64_t, 2);
        uint32_t n = 0;
        if (is_row) {
            axes[n++] = -2;
        }
        if (is_column) {
            axes[n++] = -1;
        }
        CALL(b, planner_output(b), "tf.squeeze", VALUE(product), INTS("axis", n, axes));
    }
}

/* x times the factor, which an integer takes whole; x itself when that is 1. */
static uint32_t scaled(struct planner *b, uint32_t x, const char *name)
{
    double factor = planner_attribute(b, name)->f;

    if (factor == 1) {
        return x;
    }
    uint32_t to = planner_step(b, name);
    CALL(b, to, "tf.multiply", VALUE(x), tf_number(NULL, factor, planner_output_value(b)->dtype));
    return to;
}

static void emit_gemm(struct planner *b, const char *callable)
{
    bool is_plain = !has_third(b) && planner_attribute(b, "alpha")->f == 1;
    uint32_t product = is_plain ? planner_output(b) : planner_step(b, "product");

    CALL(b, product, callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)),
         BOOL("transpose_a", planner_attribute(b, "transA")->i[0]),
         BOOL("transpose_b", planner_attribute(b, "transB")->i[0]));
    if (has_third(b)) {
        uint32_t left = scaled(b, product, "alpha"), right = scaled(b, planner_input(b, 2), "beta");
        CALL(b, planner_output(b), "tf.add", VALUE(left), VALUE(right));
    } else if (!is_plain) {
        CALL(b, planner_output(b), "tf.multiply", VALUE(product),
             tf_number(NULL, planner_attribute(b, "alpha")->f, planner_output_value(b)->dtype));
    }
}

static void emit_linear(struct planner *b, const char *callable)
{
    bool is_vector = planner_input_value(b, 0)->shape.rank == 1;
    uint32_t product = has_third(b) ? planner_step(b, "product") : planner_output(b);

    if (is_vector) {
        CALL(b, product, "tf.linalg.matvec", VALUE(planner_input(b, 1)),
             VALUE(planner_input(b, 0)));
    } else {
        CALL(b, product, callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)),
             BOOL("transpose_b", true));
    }
    if (has_third(b)) {
        bool is_matrix = planner_output_value(b)->shape.rank == 2;
        CALL(b, planner_output(b),
             is_matrix && dtype_is_float(planner_output_value(b)->dtype) ? "tf.nn.bias_add"
                                                                         : "tf.add",
             VALUE(product), VALUE(planner_input(b, 2)));
    }
}

static void emit_einsum(struct planner *b, const char *callable)
{
    struct plan_arg args[1 + OP_INPUTS_MAX] = {TEXT(NULL, planner_attribute(b, "equation")->text)};
    size_t n = 1;

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        args[n++] = (struct plan_arg)VALUE(planner_input(b, k));
    }
    planner_call(b, planner_output(b), callable, args, n);
}

/* ---- what convolutions share ---- */

struct conv {
    int n; /* spatial dims */
    const int64_t *strides, *pads, *dilations, *window;
    int64_t group;
};

static struct conv conv_of(const struct planner *b)
{
    return (struct conv){.n = planner_input_value(b, 0)->shape.rank - 2,
                         .strides = planner_attribute(b, "strides")->i,
                         .pads = planner_attribute(b, "pads")->i,
                         .dilations = planner_attribute(b, "dilations")->i,
                         .window = &planner_input_value(b, 1)->shape.dim[2],
                         .group = planner_attribute(b, "group")->i[0]};
}

/* w[a, b, ...] as [..., b, a], or of a transposed one, whose first two are the other way round: as
 * [..., b, a] too. */
static uint32_t filter_last(struct planner *b, int n)
{
    static const int64_t perms[SPATIAL_MAX][5] = {{2, 1, 0}, {2, 3, 1, 0}, {2, 3, 4, 1, 0}};
    uint32_t to = planner_step(b, "filter");

    CALL(b, to, "tf.transpose", VALUE(planner_input(b, 1)),
         INTS(NULL, (uint32_t)n + 2, perms[n - 1]));
    return to;
}

/* dilation - 1 zeros between the filter's elements: each gets them behind it, and those behind the
 * last are cut off. */
static uint32_t dilated(struct planner *b, uint32_t w, const struct conv *c, int64_t in,
                        int64_t out)
{
    static const int64_t none[SPATIAL_MAX + 3] = {0};
    int64_t *size = ARENA_ARRAY(b->arena, int64_t, SPATIAL_MAX + 2);

    for (int d = 0; d < c->n; d++) {
        size[d] = c->window[d];
    }
    size[c->n] = in;
    size[c->n + 1] = out;
    for (int d = 0; d < c->n; d++) {
        if (c->dilations[d] == 1 || size[d] <= 1) {
            continue;
        }
        int64_t behind[SPATIAL_MAX + 3] = {0};
        uint32_t apart = planner_step(b, "apart"), flat = planner_step(b, "flat");
        uint32_t cut = planner_step(b, "dilated");
        behind[d + 1] = c->dilations[d] - 1;
        CALL(b, apart, "tf.expand_dims", VALUE(w), INT("axis", d + 1));
        uint32_t wide = tf_padded(b, apart, c->n + 3, none, behind,
                                  tf_number(NULL, 0, planner_output_value(b)->dtype));
        size[d] *= c->dilations[d];
        CALL(b, flat, "tf.reshape", VALUE(wide),
             INTS(NULL, (uint32_t)c->n + 2, tf_keep(b, size, (size_t)c->n + 2)));
        size[d] -= c->dilations[d] - 1;
        CALL(b, cut, "tf.slice", VALUE(flat), INTS(NULL, (uint32_t)c->n + 2, none),
             INTS(NULL, (uint32_t)c->n + 2, tf_keep(b, size, (size_t)c->n + 2)));
        w = cut;
    }
    return w;
}

/* The g-th of `group` equal parts along the last or first dim but `back`. */
static uint32_t part_of(struct planner *b, uint32_t x, const int64_t *dims, int rank, int axis,
                        int64_t group, int64_t g)
{
    int64_t begin[RANK_MAX] = {0}, size[RANK_MAX];
    uint32_t to = planner_step(b, "part");

    for (int d = 0; d < rank; d++) {
        size[d] = dims[d];
    }
    size[axis] /= group;
    begin[axis] = g * size[axis];
    CALL(b, to, "tf.slice", VALUE(x), INTS(NULL, (uint32_t)rank, tf_keep(b, begin, RANK_MAX)),
         INTS(NULL, (uint32_t)rank, tf_keep(b, size, (size_t)rank)));
    return to;
}

/* y + bias along the last dim, with channels first again, is the output. */
static void finish(struct planner *b, uint32_t y)
{
    int rank = planner_output_value(b)->shape.rank;

    if (has_third(b)) {
        bool is_float = dtype_is_float(planner_output_value(b)->dtype);
        uint32_t sum = planner_step(b, "sum");
        CALL(b, sum, is_float ? "tf.nn.bias_add" : "tf.add", VALUE(y), VALUE(planner_input(b, 2)));
        y = sum;
    }
    tf_channels_first(b, planner_output(b), y, rank);
}

/* ---- convolutions ---- */

/* conv1d takes a number, conv2d two, conv3d five. */
static struct plan_arg conv_ints(const struct planner *b, const char *keyword, int n,
                                 const int64_t *values)
{
    int64_t five[5] = {1, values[0], n > 1 ? values[1] : 1, n > 2 ? values[2] : 1, 1};

    return n == 1   ? (struct plan_arg)INT(keyword, values[0])
           : n == 2 ? (struct plan_arg)INTS(keyword, 2, values)
                    : (struct plan_arg)INTS(keyword, 5, tf_keep(b, five, 5));
}

static void emit_conv(struct planner *b, const char *callable)
{
    const struct conv c = conv_of(b);
    const struct shape *s = &planner_input_value(b, 0)->shape;
    const struct shape *w = &planner_input_value(b, 1)->shape;
    int rank = s->rank;
    int64_t lo[5] = {0}, hi[5] = {0}, in[5], filter_dims[5];
    uint32_t x = tf_channels_last(b, planner_input(b, 0), rank), filter = filter_last(b, c.n);

    in[0] = s->dim[0];
    in[rank - 1] = s->dim[1];
    for (int d = 0; d < c.n; d++) {
        lo[d + 1] = c.pads[d];
        hi[d + 1] = c.pads[c.n + d];
        in[d + 1] = s->dim[d + 2] + lo[d + 1] + hi[d + 1];
        filter_dims[d] = (w->dim[d + 2] - 1) * c.dilations[d] + 1;
    }
    x = tf_padded(b, x, rank, lo, hi, tf_number(NULL, 0, planner_output_value(b)->dtype));
    if (c.n < SPATIAL_MAX) {
        uint32_t y = planner_step(b, "whole");
        CALL(b, y, callable, VALUE(x), VALUE(filter),
             conv_ints(b, c.n == 1 ? "stride" : "strides", c.n, c.strides),
             TEXT("padding", "VALID"), conv_ints(b, "dilations", c.n, c.dilations));
        finish(b, y);
        return;
    }
    filter_dims[c.n] = w->dim[1];
    filter_dims[c.n + 1] = w->dim[0];
    filter = dilated(b, filter, &c, w->dim[1], w->dim[0]);
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, (size_t)c.group);
    for (int64_t g = 0; g < c.group; g++) {
        bool is_whole = c.group == 1;
        uint32_t px = is_whole ? x : part_of(b, x, in, rank, rank - 1, c.group, g);
        uint32_t pw =
            is_whole ? filter : part_of(b, filter, filter_dims, rank, rank - 1, c.group, g);
        parts[g] = planner_step(b, "whole");
        CALL(b, parts[g], callable, VALUE(px), VALUE(pw), conv_ints(b, "strides", c.n, c.strides),
             TEXT("padding", "VALID"));
    }
    uint32_t y = parts[0];
    if (c.group > 1) {
        y = planner_step(b, "all");
        CALL(b, y, "tf.concat", VALUES((uint32_t)c.group, parts), INT("axis", rank - 1));
    }
    finish(b, y);
}

/* All that the windows write, more of it behind by output_padding; pads are cut off. */
static void emit_conv_transpose(struct planner *b, const char *callable)
{
    const struct conv c = conv_of(b);
    const struct shape *s = &planner_input_value(b, 0)->shape;
    const struct shape *w = &planner_input_value(b, 1)->shape;
    const int rank = s->rank;
    const int64_t *more = planner_attribute(b, "output_padding")->i;
    int64_t in[5], filter_dims[5], whole[5], lo[5] = {0}, behind[5] = {0}, kept[5], begin[5] = {0};
    uint32_t x = tf_channels_last(b, planner_input(b, 0), rank);
    uint32_t filter = dilated(b, filter_last(b, c.n), &c, w->dim[1], w->dim[0]);

    in[0] = whole[0] = kept[0] = s->dim[0];
    in[rank - 1] = s->dim[1];
    whole[rank - 1] = w->dim[1];
    kept[rank - 1] = w->dim[1] * c.group;
    for (int d = 0; d < c.n; d++) {
        in[d + 1] = s->dim[d + 2];
        filter_dims[d] = (w->dim[d + 2] - 1) * c.dilations[d] + 1;
        whole[d + 1] = c.strides[d] * (s->dim[d + 2] - 1) + filter_dims[d];
        behind[d + 1] = more[d] > c.pads[c.n + d] ? more[d] - c.pads[c.n + d] : 0;
        begin[d + 1] = c.pads[d];
        kept[d + 1] = planner_output_value(b)->shape.dim[d + 2];
    }
    filter_dims[c.n] = w->dim[1];
    filter_dims[c.n + 1] = w->dim[0];
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, (size_t)c.group);
    for (int64_t g = 0; g < c.group; g++) {
        bool is_whole = c.group == 1;
        uint32_t px = is_whole ? x : part_of(b, x, in, rank, rank - 1, c.group, g);
        uint32_t pw =
            is_whole ? filter : part_of(b, filter, filter_dims, rank, rank - 1, c.group, g);
        parts[g] = planner_step(b, "whole");
        CALL(b, parts[g], callable, VALUE(px), VALUE(pw),
             INTS("output_shape", (uint32_t)rank, tf_keep(b, whole, (size_t)rank)),
             INTS("strides", (uint32_t)c.n, c.strides), TEXT("padding", "VALID"));
    }
    uint32_t y = parts[0];
    if (c.group > 1) {
        y = planner_step(b, "all");
        CALL(b, y, "tf.concat", VALUES((uint32_t)c.group, parts), INT("axis", rank - 1));
    }
    y = tf_padded(b, y, rank, lo, behind, tf_number(NULL, 0, planner_output_value(b)->dtype));
    uint32_t cut = planner_step(b, "cut");
    CALL(b, cut, "tf.slice", VALUE(y), INTS(NULL, (uint32_t)rank, tf_keep(b, begin, 5)),
         INTS(NULL, (uint32_t)rank, tf_keep(b, kept, (size_t)rank)));
    finish(b, cut);
}

static void single_conv(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_conv);
}

static void single_conv_transpose(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_conv_transpose);
}

static void single_gemm(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_gemm);
}

static void single_linear(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_linear);
}

/* ---- the table ---- */

const struct call_form tf_linear[] = {
    {"matmul", "tf.matmul", emit_matmul},
    {"gemm", "tf.matmul", single_gemm},
    {"linear", "tf.matmul", single_linear},
    {"einsum", "tf.einsum", emit_einsum},
    {"conv1d", "tf.nn.conv1d", single_conv},
    {"conv2d", "tf.nn.conv2d", single_conv},
    {"conv3d", "tf.nn.conv3d", single_conv},
    {"conv_transpose1d", "tf.nn.conv1d_transpose", single_conv_transpose},
    {"conv_transpose2d", "tf.nn.conv2d_transpose", single_conv_transpose},
    {"conv_transpose3d", "tf.nn.conv3d_transpose", single_conv_transpose},
    {0},
};
