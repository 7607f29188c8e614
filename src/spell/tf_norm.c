/* SPDX-License-Identifier: Apache-2.0 */
/* How TensorFlow says normalisations: by moments; of images in single precision by its own call. */
#include "spell/tf_forms.h"

#include <math.h>

static bool is_given(const struct planner *b, uint32_t k)
{
    return k < b->node->n_in && b->node->in[k] != VALUE_ABSENT;
}

/* Parameter k of the channels, beside x[N, C, ...]. */
static uint32_t beside_channels(struct planner *b, uint32_t k)
{
    const struct shape *x = &planner_input_value(b, 0)->shape;
    int64_t dims[RANK_MAX] = {1, 1, 1, 1, 1, 1};
    uint32_t to = planner_step(b, "wide");

    dims[1] = x->dim[1];
    CALL(b, to, "tf.reshape", VALUE(planner_input(b, k)),
         INTS(NULL, (uint32_t)x->rank, tf_keep(b, dims, RANK_MAX)));
    return to;
}

static struct plan_arg value_arg(const char *keyword, uint32_t r)
{
    return (struct plan_arg){.keyword = keyword, .kind = PLAN_VALUE, .value = r};
}

static struct plan_arg epsilon(const struct planner *b, const char *keyword)
{
    return (struct plan_arg)REAL(keyword, planner_attribute(b, "epsilon")->f);
}

/* x / sqrt(square + epsilon) into a step. */
static uint32_t divided(struct planner *b, uint32_t x, uint32_t square)
{
    uint32_t sum = planner_step(b, "sum"), inverse = planner_step(b, "inverse");
    uint32_t to = planner_step(b, "normal");

    CALL(b, sum, "tf.add", VALUE(square), epsilon(b, NULL));
    CALL(b, inverse, "tf.math.rsqrt", VALUE(sum));
    CALL(b, to, "tf.multiply", VALUE(x), VALUE(inverse));
    return to;
}

/* x less its mean over the axes, divided by its deviation. */
static uint32_t normal(struct planner *b, uint32_t x, uint32_t n_axes, const int64_t *axes)
{
    const uint32_t moments[] = {planner_step(b, "mean"), planner_step(b, "var")};
    uint32_t centered = planner_step(b, "centered");
    const struct plan_arg args[] = {VALUE(x), INTS(NULL, n_axes, axes), BOOL("keepdims", true)};

    planner_call_tuple(b, moments, 2, "tf.nn.moments", args, ARRAY_SIZE(args));
    CALL(b, centered, "tf.subtract", VALUE(x), VALUE(moments[0]));
    return divided(b, centered, moments[1]);
}

/* y * scale + bias is the output. */
static void affine(struct planner *b, uint32_t y, uint32_t scale, bool has_bias, uint32_t bias)
{
    uint32_t product = has_bias ? planner_step(b, "scaled") : planner_output(b);

    CALL(b, product, "tf.multiply", VALUE(y), VALUE(scale));
    if (has_bias) {
        CALL(b, planner_output(b), "tf.add", VALUE(product), VALUE(bias));
    }
}

static const int64_t *axes_from(const struct planner *b, int first, int rank)
{
    int64_t *axes = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);

    for (int d = first; d < rank; d++) {
        axes[d - first] = d;
    }
    return axes;
}

/* ---- over channels ---- */

/* An image's is one call, which takes epsilon and the parameters in single precision and gives six
 * results; others are put together as tf.nn.batch_normalization does. */
static void emit_batch_norm(struct planner *b, const char *callable)
{
    const struct value *x = planner_input_value(b, 0);

    if (x->dtype != DTYPE_F32 || x->shape.rank != 4) {
        uint32_t scale = beside_channels(b, 1), bias = beside_channels(b, 2);
        uint32_t mean = beside_channels(b, 3), variance = beside_channels(b, 4);
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(mean),
             VALUE(variance), VALUE(bias), VALUE(scale), epsilon(b, NULL));
        return;
    }
    uint32_t results[6], last = tf_channels_last(b, planner_input(b, 0), 4);
    for (unsigned k = 0; k < ARRAY_SIZE(results); k++) {
        results[k] = planner_step(b, k == 0 ? "normal" : "unused");
    }
    const struct plan_arg args[] = {value_arg("x", last),
                                    value_arg("scale", planner_input(b, 1)),
                                    value_arg("offset", planner_input(b, 2)),
                                    value_arg("mean", planner_input(b, 3)),
                                    value_arg("variance", planner_input(b, 4)),
                                    epsilon(b, "epsilon"),
                                    BOOL("is_training", false)};
    planner_call_tuple(b, results, ARRAY_SIZE(results), "tf.raw_ops.FusedBatchNormV3", args,
                       ARRAY_SIZE(args));
    tf_channels_first(b, planner_output(b), results[0], 4);
}

/* keep * old + (1 - keep) * now */
static void move_statistic(struct planner *b, uint32_t to, uint32_t old, uint32_t now, double keep)
{
    uint32_t kept = planner_step(b, "kept"), taken = planner_step(b, "taken");

    CALL(b, kept, "tf.multiply", VALUE(old), REAL(NULL, keep));
    CALL(b, taken, "tf.multiply", VALUE(now), REAL(NULL, 1 - keep));
    CALL(b, to, "tf.add", VALUE(kept), VALUE(taken));
}

static void emit_batch_norm_training(struct planner *b, const char *callable)
{
    int rank = planner_input_value(b, 0)->shape.rank;
    int64_t axes[RANK_MAX] = {0};
    double keep = planner_attribute(b, "momentum")->f;
    const uint32_t moments[] = {planner_step(b, "mean"), planner_step(b, "var")};

    for (int d = 2; d < rank; d++) {
        axes[d - 1] = d;
    }
    const int64_t *kept = tf_keep(b, axes, RANK_MAX);
    const struct plan_arg args[] = {VALUE(planner_input(b, 0)),
                                    INTS(NULL, (uint32_t)rank - 1, kept)};
    planner_call_tuple(b, moments, 2, callable, args, ARRAY_SIZE(args));
    move_statistic(b, b->registers[b->node->out[1]], planner_input(b, 3), moments[0], keep);
    move_statistic(b, b->registers[b->node->out[2]], planner_input(b, 4), moments[1], keep);
    uint32_t y = normal(b, planner_input(b, 0), (uint32_t)rank - 1, kept);
    uint32_t scale = beside_channels(b, 1), bias = beside_channels(b, 2);
    affine(b, y, scale, true, bias);
}

/* Of groups of channels as one dim, or of each channel. */
static void emit_group_norm(struct planner *b, const char *callable)
{
    const struct shape *s = &planner_input_value(b, 0)->shape;
    const struct attr *given = node_attr(b->node, "num_groups");
    int64_t groups = given ? given->i[0] : s->dim[1], inside = 1;
    int64_t *rows = ARENA_ARRAY(b->arena, int64_t, 3);
    uint32_t grouped = planner_step(b, "grouped"), y = planner_step(b, "whole");

    for (int d = 2; d < s->rank; d++) {
        inside *= s->dim[d];
    }
    rows[0] = s->dim[0];
    rows[1] = groups;
    rows[2] = groups > 0 ? s->dim[1] / groups * inside : 0;
    CALL(b, grouped, callable, VALUE(planner_input(b, 0)), INTS(NULL, 3, rows));
    uint32_t each = normal(b, grouped, 1, axes_from(b, 2, 3));
    CALL(b, y, callable, VALUE(each), INTS(NULL, (uint32_t)s->rank, s->dim));
    uint32_t scale = beside_channels(b, 1), bias = beside_channels(b, 2);
    affine(b, y, scale, true, bias);
}

/* ---- over the last dims ---- */

static int first_axis(const struct planner *b)
{
    int64_t axis = planner_attribute(b, "axis")->i[0];
    return (int)(axis < 0 ? axis + planner_input_value(b, 0)->shape.rank : axis);
}

static void emit_layer_norm(struct planner *b, const char *callable)
{
    int rank = planner_input_value(b, 0)->shape.rank, first = first_axis(b);
    uint32_t y =
        normal(b, planner_input(b, 0), (uint32_t)(rank - first), axes_from(b, first, rank));

    affine(b, y, planner_input(b, 1), is_given(b, 2), is_given(b, 2) ? planner_input(b, 2) : 0);
}

static void emit_rms_norm(struct planner *b, const char *callable)
{
    int rank = planner_input_value(b, 0)->shape.rank, first = first_axis(b);
    uint32_t squares = planner_step(b, "squares"), mean = planner_step(b, "mean");

    CALL(b, squares, "tf.square", VALUE(planner_input(b, 0)));
    CALL(b, mean, callable, VALUE(squares),
         INTS("axis", (uint32_t)(rank - first), axes_from(b, first, rank)), BOOL("keepdims", true));
    affine(b, divided(b, planner_input(b, 0), mean), planner_input(b, 1), false, 0);
}

static void single_batch_norm(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_batch_norm);
}

static void single_batch_norm_training(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_batch_norm_training);
}

static void single_layer_norm(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_layer_norm);
}

static void single_group_norm(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_group_norm);
}

static void single_rms_norm(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_rms_norm);
}

/* ---- the table ---- */

const struct call_form tf_norm[] = {
    {"batch_norm", "tf.nn.batch_normalization", single_batch_norm},
    {"batch_norm_training", "tf.nn.moments", single_batch_norm_training},
    {"layer_norm", "tf.nn.moments", single_layer_norm},
    {"group_norm", "tf.reshape", single_group_norm},
    {"instance_norm", "tf.reshape", single_group_norm},
    {"rms_norm", "tf.reduce_mean", single_rms_norm},
    {0},
};
