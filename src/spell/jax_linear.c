/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says products and convolutions. */
#include "spell/jax_forms.h"

static bool has_input(const struct planner *b, uint32_t k)
{
    return k < b->node->n_in && b->node->in[k] != VALUE_ABSENT;
}

/* ---- convolutions ---- */

static uint32_t spatial_dims(const struct planner *b)
{
    return (uint32_t)planner_input_value(b, 0)->shape.rank - 2;
}

/* A register for a result to which a bias may still be added. */
static uint32_t before_bias(struct planner *b)
{
    return has_input(b, 2) ? planner_step(b, "product") : planner_output(b);
}

/* One bias a channel, dim 1. */
static void add_bias(struct planner *b, uint32_t y)
{
    if (!has_input(b, 2)) {
        return;
    }
    int64_t *dims = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    uint32_t n = spatial_dims(b) + 1, bias = planner_step(b, "bias");
    for (uint32_t d = 0; d < n; d++) {
        dims[d] = d == 0 ? -1 : 1;
    }
    CALL(b, bias, "jax.numpy.reshape", VALUE(planner_input(b, 2)), TUPLE(NULL, n, dims));
    CALL(b, planner_output(b), "jax.numpy.add", VALUE(y), VALUE(bias));
}

/* The pads of each dim side by side. */
static int64_t *pads_by_dim(struct planner *b, const int64_t *lo, const int64_t *hi)
{
    uint32_t n = spatial_dims(b);
    int64_t *pads = ARENA_ARRAY(b->arena, int64_t, 2 * (size_t)n);

    for (uint32_t d = 0; d < n; d++) {
        pads[2 * d] = lo[d];
        pads[2 * d + 1] = hi[d];
    }
    return pads;
}

static void emit_conv(struct planner *b, const char *callable)
{
    uint32_t n = spatial_dims(b), y = before_bias(b);
    const int64_t *pads = planner_attribute(b, "pads")->i;

    CALL(b, y, callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)),
         jax_tuple(b, "window_strides", "strides"),
         TUPLES("padding", n, 2, pads_by_dim(b, pads, pads + n)),
         jax_tuple(b, "rhs_dilation", "dilations"),
         INT("feature_group_count", planner_attribute(b, "group")->i[0]));
    add_bias(b, y);
}

/* The weight[in, out / groups, ...] of a transposed convolution as that of a convolution: [out,
 * in / groups, ...], turned round. */
static uint32_t turned_weight(struct planner *b)
{
    const struct shape *w = &planner_input_value(b, 1)->shape;
    int64_t groups = planner_attribute(b, "group")->i[0];
    int64_t *axes = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    uint32_t rank = (uint32_t)w->rank, x = planner_input(b, 1), turned = planner_step(b, "turned");

    for (uint32_t d = 2; d < rank; d++) {
        axes[d - 2] = d;
    }
    CALL(b, turned, "jax.numpy.flip", VALUE(x), TUPLE("axis", rank - 2, axes));
    x = turned;
    if (groups > 1) {
        int64_t *split = ARENA_ARRAY(b->arena, int64_t, RANK_MAX + 1);
        split[0] = groups;
        split[1] = w->dim[0] / groups;
        for (uint32_t d = 1; d < rank; d++) {
            split[d + 1] = w->dim[d];
        }
        uint32_t parts = planner_step(b, "parts"), swapped = planner_step(b, "swapped");
        CALL(b, parts, "jax.numpy.reshape", VALUE(x), TUPLE(NULL, rank + 1, split));
        CALL(b, swapped, "jax.numpy.swapaxes", VALUE(parts), INT(NULL, 1), INT(NULL, 2));
        int64_t *joined = arena_copy(b->arena, w->dim, sizeof w->dim);
        joined[0] = groups * w->dim[1];
        joined[1] = w->dim[0] / groups;
        uint32_t weight = planner_step(b, "weight");
        CALL(b, weight, "jax.numpy.reshape", VALUE(swapped), TUPLE(NULL, rank, joined));
        return weight;
    }
    uint32_t weight = planner_step(b, "weight");
    CALL(b, weight, "jax.numpy.swapaxes", VALUE(x), INT(NULL, 0), INT(NULL, 1));
    return weight;
}

/* A convolution over the input with stride - 1 zeros between its elements. */
static void emit_conv_transpose(struct planner *b, const char *callable)
{
    uint32_t n = spatial_dims(b), weight = turned_weight(b), y = before_bias(b);
    const int64_t *pads = planner_attribute(b, "pads")->i,
                  *more = planner_attribute(b, "output_padding")->i,
                  *dilation = planner_attribute(b, "dilations")->i;
    int64_t lo[RANK_MAX], hi[RANK_MAX], *ones = ARENA_ARRAY(b->arena, int64_t, n);

    for (uint32_t d = 0; d < n; d++) {
        int64_t reach = dilation[d] * (planner_input_value(b, 1)->shape.dim[2 + d] - 1);
        lo[d] = reach - pads[d];
        hi[d] = reach - pads[n + d] + more[d];
        ones[d] = 1;
    }
    CALL(b, y, callable, VALUE(planner_input(b, 0)), VALUE(weight),
         TUPLE("window_strides", n, ones), TUPLES("padding", n, 2, pads_by_dim(b, lo, hi)),
         jax_tuple(b, "lhs_dilation", "strides"), jax_tuple(b, "rhs_dilation", "dilations"),
         INT("feature_group_count", planner_attribute(b, "group")->i[0]));
    add_bias(b, y);
}

/* ---- gemm, linear, einsum ---- */

static uint32_t matrix(struct planner *b, uint32_t k, const char *flag)
{
    uint32_t x = planner_input(b, k);

    if (planner_attribute(b, flag)->i[0]) {
        x = planner_step(b, flag);
        CALL(b, x, "jax.numpy.transpose", VALUE(planner_input(b, k)));
    }
    return x;
}

/* x times the node's factor, in a step; x itself where that is 1. */
static uint32_t scaled(struct planner *b, uint32_t x, const char *name)
{
    double f = planner_attribute(b, name)->f;

    if (f == 1) {
        return x;
    }
    uint32_t y = planner_step(b, name);
    CALL(b, y, "jax.numpy.multiply", VALUE(x), jax_number(b, NULL, f));
    return y;
}

/* Half floats as a whole in f32: users of jax write this as one expression, and what is rounded
 * between its parts is theirs to say. */
static void emit_gemm(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;
    uint32_t left = jax_widen(b, matrix(b, 0, "transA"), d),
             right = jax_widen(b, matrix(b, 1, "transB"), d);
    bool has_sum = has_input(b, 2), is_scaled = planner_attribute(b, "alpha")->f != 1;
    uint32_t y = has_sum || is_scaled ? planner_step(b, "product") : jax_wide_output(b, d);

    CALL(b, y, callable, VALUE(left), VALUE(right));
    if (is_scaled) {
        uint32_t alpha = has_sum ? planner_step(b, "alpha") : jax_wide_output(b, d);
        CALL(b, alpha, "jax.numpy.multiply", VALUE(y),
             jax_number(b, NULL, planner_attribute(b, "alpha")->f));
        y = alpha;
    }
    if (has_sum) {
        uint32_t c = scaled(b, jax_widen(b, planner_input(b, 2), d), "beta");
        uint32_t sum = jax_wide_output(b, d);
        CALL(b, sum, "jax.numpy.add", VALUE(y), VALUE(c));
        y = sum;
    }
    jax_narrow(b, y, planner_output(b), d);
}

static void emit_linear(struct planner *b, const char *callable)
{
    uint32_t weight = planner_step(b, "weight"), y = before_bias(b);

    CALL(b, weight, "jax.numpy.transpose", VALUE(planner_input(b, 1)));
    CALL(b, y, callable, VALUE(planner_input(b, 0)), VALUE(weight));
    if (has_input(b, 2)) {
        CALL(b, planner_output(b), "jax.numpy.add", VALUE(y), VALUE(planner_input(b, 2)));
    }
}

static void emit_einsum(struct planner *b, const char *callable)
{
    struct plan_arg args[OP_INPUTS_MAX + 1] = {TEXT(NULL, planner_attribute(b, "equation")->text)};
    size_t n = 1;

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        args[n++] = (struct plan_arg)VALUE(planner_input(b, k));
    }
    planner_call(b, planner_output(b), callable, args, n);
}

/* ---- the table ---- */

#define CONV "jax.lax.conv_general_dilated"

const struct call_form jax_linear[] = {
    {"matmul", "jax.numpy.matmul", planner_plain},
    {"gemm", "jax.numpy.matmul", emit_gemm},
    {"linear", "jax.numpy.matmul", emit_linear},
    {"einsum", "jax.numpy.einsum", emit_einsum},
    {"conv1d", CONV, emit_conv},
    {"conv2d", CONV, emit_conv},
    {"conv3d", CONV, emit_conv},
    {"conv_transpose1d", CONV, emit_conv_transpose},
    {"conv_transpose2d", CONV, emit_conv_transpose},
    {"conv_transpose3d", CONV, emit_conv_transpose},
    {0},
};
