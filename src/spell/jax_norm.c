/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How jax says normalisations: mean and variance in f32 at least, jax.nn.standardize with those
 * given (its own variance is the mean of squares less the square of the mean, "traditionally seen
 * as less accurate" by its source), then scale and bias.
 */
#include "spell/jax_forms.h"

static bool has_input(const struct planner *b, uint32_t k)
{
    return k < b->node->n_in && b->node->in[k] != VALUE_ABSENT;
}

/* A parameter in f32 at least, with the dims given (NULL: its own); `what` names the step. */
static uint32_t parameter(struct planner *b, uint32_t k, const char *what, const int64_t *dims,
                          uint32_t rank)
{
    uint32_t p = jax_widen(b, planner_input(b, k), planner_output_value(b)->dtype);

    if (dims) {
        uint32_t shaped = planner_step(b, what);
        CALL(b, shaped, "jax.numpy.reshape", VALUE(p), TUPLE(NULL, rank, dims));
        return shaped;
    }
    return p;
}

/* y * scale + bias (inputs 1 and 2, the bias may be absent) into the node's output. */
static void scale_and_shift(struct planner *b, uint32_t y, const int64_t *dims, uint32_t rank)
{
    enum dtype d = planner_output_value(b)->dtype;
    uint32_t scale = parameter(b, 1, "scale", dims, rank), to;

    if (has_input(b, 2)) {
        uint32_t scaled = planner_step(b, "scaled"), bias = parameter(b, 2, "bias", dims, rank);
        CALL(b, scaled, "jax.numpy.multiply", VALUE(y), VALUE(scale));
        to = jax_wide_output(b, d);
        CALL(b, to, "jax.numpy.add", VALUE(scaled), VALUE(bias));
    } else {
        to = jax_wide_output(b, d);
        CALL(b, to, "jax.numpy.multiply", VALUE(y), VALUE(scale));
    }
    jax_narrow(b, to, planner_output(b), d);
}

static struct plan_arg epsilon(const struct planner *b)
{
    return (struct plan_arg)REAL("epsilon", planner_attribute(b, "epsilon")->f);
}

/* axes of x, 0 .. rank - 1, in the plan's memory. */
static int64_t *axes_from(struct planner *b, int64_t first, int64_t end)
{
    int64_t *axes = ARENA_ARRAY(b->arena, int64_t, RANK_MAX + 1);

    for (int64_t d = first; d < end; d++) {
        axes[d - first] = d;
    }
    return axes;
}

struct moments {
    uint32_t mean, var;
};

static struct moments moments_of(struct planner *b, uint32_t x, const int64_t *axes, uint32_t n)
{
    struct moments m = {planner_step(b, "mean"), planner_step(b, "var")};

    CALL(b, m.mean, "jax.numpy.mean", VALUE(x), TUPLE("axis", n, axes), BOOL("keepdims", true));
    CALL(b, m.var, "jax.numpy.var", VALUE(x), TUPLE("axis", n, axes), BOOL("keepdims", true));
    return m;
}

static void standardize(struct planner *b, uint32_t to, uint32_t x, struct moments m)
{
    CALL(b, to, "jax.nn.standardize", VALUE(x),
         {.keyword = "mean", .kind = PLAN_VALUE, .value = m.mean},
         {.keyword = "variance", .kind = PLAN_VALUE, .value = m.var}, epsilon(b));
}

/* ---- of channels ---- */

/* (1, C, 1, 1): a parameter a channel beside x. */
static int64_t *channel_dims(struct planner *b)
{
    const struct shape *x = &planner_input_value(b, 0)->shape;
    int64_t *dims = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);

    for (int d = 0; d < x->rank; d++) {
        dims[d] = d == 1 ? x->dim[1] : 1;
    }
    return dims;
}

static void emit_batch_norm(struct planner *b, const char *callable)
{
    uint32_t rank = (uint32_t)planner_input_value(b, 0)->shape.rank;
    const int64_t *dims = channel_dims(b);
    struct moments m = {parameter(b, 3, "mean", dims, rank), parameter(b, 4, "var", dims, rank)};
    uint32_t x = jax_widen(b, planner_input(b, 0), planner_output_value(b)->dtype);
    uint32_t y = planner_step(b, "normal");

    standardize(b, y, x, m);
    scale_and_shift(b, y, dims, rank);
}

/* given * momentum + own * (1 - momentum) into output o. */
static void run_on(struct planner *b, uint32_t o, uint32_t given, uint32_t own)
{
    enum dtype d = planner_output_value(b)->dtype;
    double momentum = planner_attribute(b, "momentum")->f;
    const int64_t *dims = &planner_input_value(b, 0)->shape.dim[1];
    uint32_t flat = planner_step(b, "flat"), old = planner_step(b, "old"),
             fresh = planner_step(b, "fresh"), output = b->registers[b->node->out[o]];
    uint32_t sum = d == DTYPE_F16 || d == DTYPE_BF16 ? planner_step(b, "running") : output;

    CALL(b, flat, "jax.numpy.reshape", VALUE(own), TUPLE(NULL, 1, dims));
    CALL(b, old, "jax.numpy.multiply", VALUE(parameter(b, given, NULL, NULL, 0)),
         REAL(NULL, momentum));
    CALL(b, fresh, "jax.numpy.multiply", VALUE(flat), REAL(NULL, 1 - momentum));
    CALL(b, sum, "jax.numpy.add", VALUE(old), VALUE(fresh));
    jax_narrow(b, sum, output, d);
}

static void emit_batch_norm_training(struct planner *b, const char *callable)
{
    const struct shape *s = &planner_input_value(b, 0)->shape;
    uint32_t rank = (uint32_t)s->rank;
    int64_t *axes = axes_from(b, 0, s->rank);

    for (uint32_t d = 1; d + 1 < rank; d++) { /* all but dim 1 */
        axes[d] = d + 1;
    }
    uint32_t x = jax_widen(b, planner_input(b, 0), planner_output_value(b)->dtype);
    struct moments m = moments_of(b, x, axes, rank - 1);
    uint32_t y = planner_step(b, "normal");
    standardize(b, y, x, m);
    scale_and_shift(b, y, channel_dims(b), rank);
    run_on(b, 1, 3, m.mean);
    run_on(b, 2, 4, m.var);
}

/* Rows of each group, or of each channel. */
static void emit_group_norm(struct planner *b, const char *callable)
{
    const struct shape *s = &planner_input_value(b, 0)->shape;
    const struct attr *groups = node_attr(b->node, "num_groups");
    int64_t *rows = ARENA_ARRAY(b->arena, int64_t, 3);
    uint32_t rank = (uint32_t)s->rank;

    rows[0] = s->dim[0];
    rows[1] = groups ? groups->i[0] : s->dim[1];
    rows[2] = rows[0] * rows[1] > 0 ? (int64_t)shape_numel(s) / rows[0] / rows[1] : 0;
    uint32_t x = jax_widen(b, planner_input(b, 0), planner_output_value(b)->dtype);
    uint32_t grouped = planner_step(b, "rows"), normal = planner_step(b, "standard");
    CALL(b, grouped, "jax.numpy.reshape", VALUE(x), TUPLE(NULL, 3, rows));
    standardize(b, normal, grouped, moments_of(b, grouped, axes_from(b, 2, 3), 1));
    uint32_t y = planner_step(b, "normal");
    CALL(b, y, "jax.numpy.reshape", VALUE(normal), TUPLE(NULL, rank, s->dim));
    scale_and_shift(b, y, channel_dims(b), rank);
}

/* ---- of the last dims ---- */

static int64_t first_axis(const struct planner *b)
{
    int64_t axis = planner_attribute(b, "axis")->i[0];

    return axis < 0 ? axis + planner_input_value(b, 0)->shape.rank : axis;
}

static void emit_layer_norm(struct planner *b, const char *callable)
{
    int64_t rank = planner_input_value(b, 0)->shape.rank, first = first_axis(b);
    uint32_t x = jax_widen(b, planner_input(b, 0), planner_output_value(b)->dtype);
    struct moments m = moments_of(b, x, axes_from(b, first, rank), (uint32_t)(rank - first));
    uint32_t y = planner_step(b, "normal");

    standardize(b, y, x, m);
    scale_and_shift(b, y, NULL, 0);
}

static void emit_rms_norm(struct planner *b, const char *callable)
{
    int64_t rank = planner_input_value(b, 0)->shape.rank, first = first_axis(b);
    uint32_t x = jax_widen(b, planner_input(b, 0), planner_output_value(b)->dtype);
    uint32_t square = planner_step(b, "square"), mean = planner_step(b, "mean"),
             sum = planner_step(b, "sum"), factor = planner_step(b, "factor");

    CALL(b, square, "jax.numpy.square", VALUE(x));
    CALL(b, mean, "jax.numpy.mean", VALUE(square),
         TUPLE("axis", (uint32_t)(rank - first), axes_from(b, first, rank)),
         BOOL("keepdims", true));
    CALL(b, sum, "jax.numpy.add", VALUE(mean), REAL(NULL, planner_attribute(b, "epsilon")->f));
    CALL(b, factor, callable, VALUE(sum));
    uint32_t y = planner_step(b, "normal");
    CALL(b, y, "jax.numpy.multiply", VALUE(x), VALUE(factor));
    scale_and_shift(b, y, NULL, 0);
}

/* ---- the table ---- */

const struct call_form jax_norm[] = {
    {"batch_norm", NULL, emit_batch_norm},
    {"batch_norm_training", NULL, emit_batch_norm_training},
    {"layer_norm", NULL, emit_layer_norm},
    {"group_norm", NULL, emit_group_norm},
    {"instance_norm", NULL, emit_group_norm},
    {"rms_norm", "jax.lax.rsqrt", emit_rms_norm},
    {0},
};
