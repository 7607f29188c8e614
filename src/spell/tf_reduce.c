/* SPDX-License-Identifier: Apache-2.0 */
/* How TensorFlow says the ops that work along axes: reductions, scans, sorting. */
#include "spell/tf_forms.h"

#include <string.h>

static struct plan_arg axes_arg(const struct planner *b)
{
    const struct attr *axes = planner_attribute(b, "axes");
    return (struct plan_arg)INTS("axis", axes->n, axes->i);
}

static struct plan_arg keepdims_arg(const struct planner *b)
{
    return (struct plan_arg)BOOL("keepdims", planner_attribute(b, "keepdims")->i[0]);
}

/* The node's axis, counted from the first. */
static int axis_of(const struct planner *b)
{
    int64_t axis = planner_attribute(b, "axis")->i[0];
    return (int)(axis < 0 ? axis + planner_input_value(b, 0)->shape.rank : axis);
}

static struct plan_arg axis_arg(const struct planner *b)
{
    return (struct plan_arg)INT("axis", planner_attribute(b, "axis")->i[0]);
}

/* ---- reductions ---- */

static void reduce(struct planner *b, uint32_t x, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(x), axes_arg(b), keepdims_arg(b));
}

static void emit_reduce(struct planner *b, const char *callable)
{
    reduce(b, planner_input(b, 0), callable);
}

/* false < true. */
static void emit_extreme(struct planner *b, const char *callable)
{
    bool is_max = strcmp(b->node->op_name, "reduce_max") == 0;

    if (planner_output_value(b)->dtype == DTYPE_BOOL) {
        callable = is_max ? "tf.reduce_any" : "tf.reduce_all";
    }
    emit_reduce(b, callable);
}

static void emit_truth(struct planner *b, const char *callable)
{
    enum dtype d = planner_input_value(b, 0)->dtype;
    uint32_t x = planner_input(b, 0);

    if (d != DTYPE_BOOL) {
        uint32_t truth = planner_step(b, "truth");
        CALL(b, truth, "tf.not_equal", VALUE(x), tf_number(NULL, 0, d));
        x = truth;
    }
    reduce(b, x, callable);
}

static void emit_l1(struct planner *b, const char *callable)
{
    uint32_t x = planner_input(b, 0);

    if (dtype_lowest(planner_output_value(b)->dtype) < 0) {
        uint32_t magnitude = planner_step(b, "abs");
        CALL(b, magnitude, "tf.abs", VALUE(x));
        x = magnitude;
    }
    reduce(b, x, callable);
}

/* tf.math.reduce_variance divides by n. */
static void emit_var(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes");
    const struct shape *s = &planner_input_value(b, 0)->shape;
    int64_t correction = planner_attribute(b, "correction")->i[0];
    double n = 1;

    if (correction == 0) {
        emit_reduce(b, callable);
        return;
    }
    for (unsigned k = 0; k < axes->n; k++) {
        n *= (double)s->dim[axes->i[k] < 0 ? axes->i[k] + s->rank : axes->i[k]];
    }
    double left = n > (double)correction ? n - (double)correction : 0;
    uint32_t x = planner_input(b, 0), mean = planner_step(b, "mean"), off = planner_step(b, "off");
    uint32_t squares = planner_step(b, "squares"), sum = planner_step(b, "sum");
    CALL(b, mean, "tf.reduce_mean", VALUE(x), axes_arg(b), BOOL("keepdims", true));
    CALL(b, off, "tf.subtract", VALUE(x), VALUE(mean));
    CALL(b, squares, "tf.square", VALUE(off));
    CALL(b, sum, "tf.reduce_sum", VALUE(squares), axes_arg(b), keepdims_arg(b));
    CALL(b, planner_output(b), "tf.divide", VALUE(sum), REAL(NULL, left));
}

/* ---- arg_max, arg_min ---- */

static uint32_t reversed(struct planner *b, uint32_t x, int64_t axis)
{
    uint32_t to = planner_step(b, "reversed");

    CALL(b, to, "tf.reverse", VALUE(x), INTS(NULL, 1, tf_keep(b, &axis, 1)));
    return to;
}

/* The first of equals, and a result without the axis. */
static void emit_arg(struct planner *b, const char *callable)
{
    int axis = axis_of(b);
    const struct attr *last = node_attr(b->node, "select_last_index");
    bool keeps = planner_attribute(b, "keepdims")->i[0] != 0, is_last = last && last->i[0] != 0;
    uint32_t x = planner_input(b, 0), found = planner_output(b);
    const struct plan_arg type = DTYPE("output_type", DTYPE_I64);

    if (is_last) {
        x = reversed(b, x, axis);
    }
    if (is_last || keeps) {
        found = planner_step(b, "found");
    }
    CALL(b, found, callable, VALUE(x), INT("axis", axis), type);
    if (is_last) {
        uint32_t last_place = planner_step(b, "end");
        uint32_t from_start = keeps ? planner_step(b, "from_start") : planner_output(b);
        CALL(b, last_place, "tf.constant",
             INT(NULL, planner_input_value(b, 0)->shape.dim[axis] - 1), DTYPE(NULL, DTYPE_I64));
        CALL(b, from_start, "tf.subtract", VALUE(last_place), VALUE(found));
        found = from_start;
    }
    if (keeps) {
        CALL(b, planner_output(b), "tf.expand_dims", VALUE(found), INT("axis", axis));
    }
}

/* ---- scans, softmax ---- */

/* "Input dims must be <= 5": more become three. */
static void emit_softmax(struct planner *b, const char *callable)
{
    enum { SOFTMAX_RANK_MAX = 5 };
    const struct shape *s = &planner_input_value(b, 0)->shape;
    int axis = axis_of(b);

    if (s->rank <= SOFTMAX_RANK_MAX) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axis_arg(b));
        return;
    }
    int64_t lines[3] = {1, s->dim[axis], 1};
    uint32_t flat = planner_step(b, "flat"), y = planner_step(b, "soft");
    for (int d = 0; d < s->rank; d++) {
        lines[0] *= d < axis ? s->dim[d] : 1;
        lines[2] *= d > axis ? s->dim[d] : 1;
    }
    CALL(b, flat, "tf.reshape", VALUE(planner_input(b, 0)), INTS(NULL, 3, tf_keep(b, lines, 3)));
    CALL(b, y, callable, VALUE(flat), INT("axis", 1));
    CALL(b, planner_output(b), "tf.reshape", VALUE(y), INTS(NULL, (uint32_t)s->rank, s->dim));
}

static void emit_cum_sum(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axis_arg(b),
         BOOL("exclusive", planner_attribute(b, "exclusive")->i[0]),
         BOOL("reverse", planner_attribute(b, "reverse")->i[0]));
}

/* ---- top_k, sort ---- */

/* The order the other way round: of integers their complement, which has no least without a
 * counterpart. */
static void turn(struct planner *b, uint32_t to, uint32_t x)
{
    bool is_float = dtype_is_float(planner_output_value(b)->dtype);

    CALL(b, to, is_float ? "tf.negative" : "tf.bitwise.invert", VALUE(x));
}

/* Dims in order but for two, which change places. */
static const int64_t *swapped(const struct planner *b, int rank, int axis)
{
    int64_t *perm = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);

    for (int d = 0; d < rank; d++) {
        perm[d] = d == axis ? rank - 1 : d == rank - 1 ? axis : d;
    }
    return perm;
}

/* Of the largest along the last axis; an equal one with a lower index comes first. */
static void emit_top_k(struct planner *b, const char *callable)
{
    const uint32_t rank = (uint32_t)planner_input_value(b, 0)->shape.rank;
    const int axis = axis_of(b);
    bool is_moved = axis != (int)rank - 1, is_least = planner_attribute(b, "largest")->i[0] == 0;
    uint32_t x = planner_input(b, 0), places = b->registers[b->node->out[1]];
    uint32_t results[2] = {planner_output(b), places};
    const struct plan_arg perm = INTS(NULL, rank, swapped(b, (int)rank, axis));

    if (is_moved) {
        uint32_t moved = planner_step(b, "moved");
        CALL(b, moved, "tf.transpose", VALUE(x), perm);
        x = moved;
    }
    if (is_least) {
        uint32_t turned = planner_step(b, "turned");
        turn(b, turned, x);
        x = turned;
    }
    if (is_moved || is_least) {
        results[0] = planner_step(b, "values");
    }
    if (is_moved) {
        results[1] = planner_step(b, "places");
    }
    const struct plan_arg args[] = {VALUE(x), INT("k", planner_attribute(b, "k")->i[0]),
                                    BOOL("sorted", planner_attribute(b, "sorted")->i[0]),
                                    DTYPE("index_type", DTYPE_I64)};
    planner_call_tuple(b, results, 2, callable, args, ARRAY_SIZE(args));
    if (is_least) {
        uint32_t values = is_moved ? planner_step(b, "least") : planner_output(b);
        turn(b, values, results[0]);
        results[0] = values;
    }
    if (is_moved) {
        CALL(b, planner_output(b), "tf.transpose", VALUE(results[0]), perm);
        CALL(b, places, "tf.transpose", VALUE(results[1]), perm);
    }
}

static void emit_sort(struct planner *b, const char *callable)
{
    bool descends = planner_attribute(b, "descending")->i[0] != 0;
    uint32_t x = planner_input(b, 0), places = planner_step(b, "places");
    const struct plan_arg direction = TEXT("direction", descends ? "DESCENDING" : "ASCENDING");

    CALL(b, planner_output(b), callable, VALUE(x), axis_arg(b), direction);
    CALL(b, places, "tf.argsort", VALUE(x), axis_arg(b), direction, BOOL("stable", true));
    CALL(b, b->registers[b->node->out[1]], "tf.cast", VALUE(places), DTYPE(NULL, DTYPE_I64));
}

static void single_reduce(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_reduce);
}

static void single_cum_sum(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_cum_sum);
}

static void single_softmax(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_softmax);
}

static void single_var(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_var);
}

/* ---- the table ---- */

const struct call_form tf_reduce[] = {
    {"reduce_sum", "tf.reduce_sum", emit_reduce},
    {"reduce_max", "tf.reduce_max", emit_extreme},
    {"reduce_min", "tf.reduce_min", emit_extreme},
    {"reduce_all", "tf.reduce_all", emit_truth},
    {"reduce_any", "tf.reduce_any", emit_truth},
    {"reduce_mean", "tf.reduce_mean", emit_reduce},
    {"reduce_prod", "tf.reduce_prod", emit_reduce},
    {"reduce_l1", "tf.reduce_sum", emit_l1},
    {"reduce_l2", "tf.math.reduce_euclidean_norm", single_reduce},
    {"reduce_log_sum_exp", "tf.reduce_logsumexp", emit_reduce},
    {"reduce_var", "tf.math.reduce_variance", single_var},
    {"arg_max", "tf.argmax", emit_arg},
    {"arg_min", "tf.argmin", emit_arg},
    {"softmax", "tf.nn.softmax", emit_softmax},
    {"log_softmax", "tf.nn.log_softmax", single_softmax},
    {"cum_sum", "tf.cumsum", single_cum_sum},
    {"top_k", "tf.math.top_k", emit_top_k},
    {"sort", "tf.sort", emit_sort},
    {0},
};
