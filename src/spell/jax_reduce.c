/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says the ops that work along axes: reductions, scans, sorting. */
#include "spell/jax_forms.h"

#include <string.h>

static struct plan_arg axes_arg(const struct planner *b)
{
    return jax_tuple(b, "axis", "axes");
}

static struct plan_arg keeps_arg(const struct planner *b)
{
    return jax_flag(b, "keepdims", "keepdims");
}

static int64_t axis_of(const struct planner *b)
{
    int64_t axis = planner_attribute(b, "axis")->i[0];

    return axis < 0 ? axis + planner_input_value(b, 0)->shape.rank : axis;
}

static void flip(struct planner *b, uint32_t to, uint32_t x)
{
    CALL(b, to, "jax.numpy.flip", VALUE(x), jax_axis(b));
}

/* ---- reductions ---- */

static void emit_reduce(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axes_arg(b), keeps_arg(b));
}

static void emit_extreme(struct planner *b, const char *callable)
{
    if (shape_numel(&planner_input_value(b, 0)->shape) == 0) {
        planner_refuse(b, "largest or smallest of no elements");
        return;
    }
    emit_reduce(b, callable);
}

/* Narrow integers would be summed in int64: dtype keeps the input's. */
static void sum_of(struct planner *b, uint32_t x, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(x), axes_arg(b),
         DTYPE("dtype", planner_output_value(b)->dtype), keeps_arg(b));
}

static void emit_sum(struct planner *b, const char *callable)
{
    sum_of(b, planner_input(b, 0), callable);
}

/* The norm is of floats. */
static void emit_norm(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;

    if (!dtype_is_float(d)) {
        uint32_t magnitude = planner_step(b, "abs");
        CALL(b, magnitude, "jax.numpy.abs", VALUE(planner_input(b, 0)));
        sum_of(b, magnitude, "jax.numpy.sum");
        return;
    }
    bool is_l1 = strcmp(b->node->op_name, "reduce_l1") == 0;
    uint32_t x = jax_widen(b, planner_input(b, 0), d), y = jax_wide_output(b, d);
    CALL(b, y, callable, VALUE(x), axes_arg(b), keeps_arg(b), INT("ord", is_l1 ? 1 : 2));
    jax_narrow(b, y, planner_output(b), d);
}

static void emit_wide(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;
    uint32_t x = jax_widen(b, planner_input(b, 0), d), y = jax_wide_output(b, d);

    CALL(b, y, callable, VALUE(x), axes_arg(b), keeps_arg(b));
    jax_narrow(b, y, planner_output(b), d);
}

static void emit_var(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axes_arg(b),
         INT("correction", planner_attribute(b, "correction")->i[0]), keeps_arg(b));
}

/* ---- arg_max, arg_min, softmax ---- */

/* The last one is the first of the reversed axis. */
static void emit_arg(struct planner *b, const char *callable)
{
    const struct attr *last = node_attr(b->node, "select_last_index");

    if (!last || last->i[0] == 0) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), jax_axis(b), keeps_arg(b));
        return;
    }
    uint32_t turned = planner_step(b, "turned"), at = planner_step(b, "at");
    flip(b, turned, planner_input(b, 0));
    CALL(b, at, callable, VALUE(turned), jax_axis(b), keeps_arg(b));
    CALL(b, planner_output(b), "jax.numpy.subtract",
         INT(NULL, planner_input_value(b, 0)->shape.dim[axis_of(b)] - 1), VALUE(at));
}

static void emit_softmax(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;
    uint32_t x = jax_widen(b, planner_input(b, 0), d), y = jax_wide_output(b, d);

    CALL(b, y, callable, VALUE(x), jax_axis(b));
    jax_narrow(b, y, planner_output(b), d);
}

/* ---- cum_sum ---- */

/* All but the last element (the first, from the end) behind a zero. */
static uint32_t shifted(struct planner *b, bool reverse)
{
    const struct shape *s = &planner_output_value(b)->shape;
    int64_t *starts = ARENA_ZARRAY(b->arena, int64_t, RANK_MAX);
    int64_t *limits = arena_copy(b->arena, s->dim, sizeof s->dim);
    int64_t *pads = ARENA_ZARRAY(b->arena, int64_t, 2 * RANK_MAX);
    int64_t axis = axis_of(b);
    uint32_t rank = (uint32_t)s->rank, rest = planner_step(b, "rest"),
             moved = planner_step(b, "moved");

    starts[axis] += reverse;
    limits[axis] -= !reverse;
    pads[2 * axis + reverse] = 1;
    CALL(b, rest, "jax.lax.slice", VALUE(planner_input(b, 0)), TUPLE(NULL, rank, starts),
         TUPLE(NULL, rank, limits));
    CALL(b, moved, "jax.numpy.pad", VALUE(rest), TUPLES(NULL, rank, 2, pads));
    return moved;
}

/* Half floats are summed in f32. */
static void emit_cum_sum(struct planner *b, const char *callable)
{
    const struct value *out = planner_output_value(b);
    bool reverse = planner_attribute(b, "reverse")->i[0] != 0;
    bool shifts = planner_attribute(b, "exclusive")->i[0] != 0 && out->shape.dim[axis_of(b)] > 0;
    uint32_t x = shifts ? shifted(b, reverse) : planner_input(b, 0);

    x = jax_widen(b, x, out->dtype);
    uint32_t y = jax_wide_output(b, out->dtype);
    CALL(b, y, callable, VALUE(x), INT("axis", axis_of(b)), BOOL("reverse", reverse));
    jax_narrow(b, y, planner_output(b), out->dtype);
}

/* ---- top_k, sort ---- */

static bool is_last_axis(const struct planner *b)
{
    return axis_of(b) == planner_input_value(b, 0)->shape.rank - 1;
}

/* Values and places in an order that keeps that of equal ones. */
static void emit_ordered(struct planner *b, uint32_t places, bool is_descending)
{
    CALL(b, places, "jax.numpy.argsort", VALUE(planner_input(b, 0)), jax_axis(b),
         BOOL("stable", true), BOOL("descending", is_descending));
}

static void emit_taken(struct planner *b, uint32_t places)
{
    CALL(b, planner_output(b), "jax.numpy.take_along_axis", VALUE(planner_input(b, 0)),
         VALUE(places), jax_axis(b));
}

/* jax.lax.top_k gives the largest, with places in int32; the smallest are the first in order. */
static void emit_top_k(struct planner *b, const char *callable)
{
    int64_t k = planner_attribute(b, "k")->i[0];
    uint32_t values = planner_output(b), places = b->registers[b->node->out[1]];

    if (planner_attribute(b, "largest")->i[0]) {
        uint32_t narrow = planner_step(b, "places");
        const uint32_t pair[] = {values, narrow};
        const struct plan_arg args[] = {VALUE(planner_input(b, 0)), INT(NULL, k),
                                        INT("axis", axis_of(b))};
        planner_call_tuple(b, pair, 2, callable, args, ARRAY_SIZE(args) - is_last_axis(b));
        CALL(b, places, "jax.numpy.astype", VALUE(narrow), DTYPE(NULL, DTYPE_I64));
        return;
    }
    uint32_t order = planner_step(b, "order");
    emit_ordered(b, order, false);
    CALL(b, places, "jax.lax.slice_in_dim", VALUE(order), INT(NULL, 0), INT(NULL, k),
         INT("axis", axis_of(b)));
    emit_taken(b, places);
}

static void emit_sort(struct planner *b, const char *callable)
{
    uint32_t places = b->registers[b->node->out[1]];
    bool is_descending = planner_attribute(b, "descending")->i[0] != 0;

    emit_ordered(b, places, is_descending);
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), jax_axis(b),
         BOOL("descending", is_descending));
}

/* ---- the table ---- */

const struct call_form jax_reduce[] = {
    {"reduce_sum", "jax.numpy.sum", emit_sum},
    {"reduce_max", "jax.numpy.max", emit_extreme},
    {"reduce_min", "jax.numpy.min", emit_extreme},
    {"reduce_all", "jax.numpy.all", emit_reduce},
    {"reduce_any", "jax.numpy.any", emit_reduce},
    {"reduce_mean", "jax.numpy.mean", emit_reduce},
    {"reduce_prod", "jax.numpy.prod", emit_sum},
    {"reduce_l1", "jax.numpy.linalg.vector_norm", emit_norm},
    {"reduce_l2", "jax.numpy.linalg.vector_norm", emit_norm},
    {"reduce_log_sum_exp", "jax.nn.logsumexp", emit_wide},
    {"reduce_var", "jax.numpy.var", emit_var},
    {"arg_max", "jax.numpy.argmax", emit_arg},
    {"arg_min", "jax.numpy.argmin", emit_arg},
    {"softmax", "jax.nn.softmax", emit_softmax},
    {"log_softmax", "jax.nn.log_softmax", emit_softmax},
    {"cum_sum", "jax.lax.cumsum", emit_cum_sum},
    {"top_k", "jax.lax.top_k", emit_top_k},
    {"sort", "jax.numpy.sort", emit_sort},
    {0},
};
