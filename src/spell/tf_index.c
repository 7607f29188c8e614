/* SPDX-License-Identifier: Apache-2.0 */
/* How TensorFlow says indexing: by indices from 0 up, along axes or by rows of places. */
#include "spell/tf_forms.h"

#include <string.h>

/* May an index of input k count from the end? No constant that none does. */
static bool may_be_below(const struct planner *b, uint32_t k)
{
    const struct value *v = planner_input_value(b, k);
    size_t n = shape_numel(&v->shape), i = 0;

    while (v->data && i < n && dtype_load(v->dtype, v->data, i) >= 0) {
        i++;
    }
    return i < n;
}

/* Indices of input k below 0 moved up by the dims: one number, or one of each part of a row. One
 * out of range stays one. */
static uint32_t count_from_zero(struct planner *b, uint32_t k, uint32_t index, struct plan_arg dims)
{
    if (!may_be_below(b, k)) {
        return index;
    }
    uint32_t below = planner_step(b, "below"), moved = planner_step(b, "moved");
    uint32_t chosen = planner_step(b, "index");

    CALL(b, below, "tf.less", VALUE(index), INT(NULL, 0));
    CALL(b, moved, "tf.add", VALUE(index), dims);
    CALL(b, chosen, "tf.where", VALUE(below), VALUE(moved), VALUE(index));
    return chosen;
}

static int axis_of(const struct planner *b)
{
    int64_t axis = planner_attribute(b, "axis")->i[0];
    return (int)(axis < 0 ? axis + planner_input_value(b, 0)->shape.rank : axis);
}

/* Along the node's axis. */
static uint32_t index_along(struct planner *b, uint32_t k)
{
    int64_t dim = planner_input_value(b, 0)->shape.dim[axis_of(b)];

    return count_from_zero(b, k, planner_input(b, k), (struct plan_arg)INT(NULL, dim));
}

/* ---- gather, gather_elements, gather_nd ---- */

static void emit_gather(struct planner *b, const char *callable)
{
    uint32_t index = index_along(b, 1);

    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(index),
         INT("axis", axis_of(b)));
}

static const int64_t *axis_last(const struct planner *b, int rank, int axis)
{
    int64_t *perm = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);

    for (int d = 0; d < rank; d++) {
        perm[d] = d == axis ? rank - 1 : d == rank - 1 ? axis : d;
    }
    return perm;
}

/* The axis last, all others are batches, of which data has as many as there are indices. */
static void emit_gather_elements(struct planner *b, const char *callable)
{
    static const int64_t zeros[RANK_MAX] = {0};
    const struct shape *s = &planner_input_value(b, 0)->shape;
    const struct shape *i = &planner_input_value(b, 1)->shape;
    const uint32_t rank = (uint32_t)s->rank;
    const int axis = axis_of(b), last = s->rank - 1;
    uint32_t index = index_along(b, 1), data = planner_input(b, 0);
    int64_t dims[RANK_MAX] = {0};
    bool is_cut = false;

    for (int d = 0; d < s->rank; d++) {
        dims[d] = d == axis ? s->dim[d] : i->dim[d];
        is_cut = is_cut || dims[d] != s->dim[d];
    }
    if (is_cut) {
        uint32_t part = planner_step(b, "part");
        CALL(b, part, "tf.slice", VALUE(data), INTS(NULL, rank, zeros),
             INTS(NULL, rank, tf_keep(b, dims, RANK_MAX)));
        data = part;
    }
    const struct plan_arg perm = INTS(NULL, rank, axis_last(b, s->rank, axis));
    uint32_t taken = planner_output(b);
    if (axis != last) {
        uint32_t rows = planner_step(b, "rows"), places = planner_step(b, "places");
        CALL(b, rows, "tf.transpose", VALUE(data), perm);
        CALL(b, places, "tf.transpose", VALUE(index), perm);
        data = rows;
        index = places;
        taken = planner_step(b, "taken");
    }
    CALL(b, taken, callable, VALUE(data), VALUE(index), INT("axis", last), INT("batch_dims", last));
    if (axis != last) {
        CALL(b, planner_output(b), "tf.transpose", VALUE(taken), perm);
    }
}

/* Rows of places in the dims from `first` on. */
static uint32_t index_rows(struct planner *b, int64_t first)
{
    const struct shape *s = &planner_input_value(b, 0)->shape;
    uint32_t parts = (uint32_t)planner_attribute(b, "parts")->i[0];

    return count_from_zero(b, 1, planner_input(b, 1),
                           (struct plan_arg)INTS(NULL, parts, &s->dim[first]));
}

static void emit_gather_nd(struct planner *b, const char *callable)
{
    int64_t batch = planner_attribute(b, "batch_dims")->i[0];
    uint32_t rows = index_rows(b, batch);

    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(rows),
         INT("batch_dims", batch));
}

/* ---- scatter_elements, scatter_nd ---- */

/* NULL: TensorFlow has none, and refuses. */
static const char *scatter_call(struct planner *b)
{
    static const char *const names[][2] = {{"none", "tf.tensor_scatter_nd_update"},
                                           {"add", "tf.tensor_scatter_nd_add"},
                                           {"max", "tf.tensor_scatter_nd_max"},
                                           {"min", "tf.tensor_scatter_nd_min"}};
    const struct attr *a = node_attr(b->node, "reduction");

    bool has_reductions = planner_output_value(b)->dtype != DTYPE_BOOL;

    for (size_t k = 0; k < (has_reductions ? ARRAY_SIZE(names) : 1); k++) {
        if (strcmp(a ? a->text : "none", names[k][0]) == 0) {
            return names[k][1];
        }
    }
    planner_refuse(b, "scatter with this reduction");
    return NULL;
}

/* Where each index stands along a dim, as the index's shape. */
static uint32_t places_along(struct planner *b, const struct shape *index, int d, enum dtype type)
{
    int64_t dims[RANK_MAX] = {1, 1, 1, 1, 1, 1};
    uint32_t line = planner_step(b, "line"), turned = planner_step(b, "turned");
    uint32_t places = planner_step(b, "places");
    const uint32_t rank = (uint32_t)index->rank;

    dims[d] = index->dim[d];
    CALL(b, line, "tf.range", INT(NULL, index->dim[d]), DTYPE("dtype", type));
    CALL(b, turned, "tf.reshape", VALUE(line), INTS(NULL, rank, tf_keep(b, dims, RANK_MAX)));
    CALL(b, places, "tf.broadcast_to", VALUE(turned), INTS(NULL, rank, index->dim));
    return places;
}

static void emit_scatter_elements(struct planner *b, const char *callable)
{
    const struct value *index = planner_input_value(b, 1);
    const int rank = index->shape.rank, axis = axis_of(b);
    const char *call = scatter_call(b);

    if (!call) {
        return;
    }
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, RANK_MAX), rows = planner_step(b, "rows");
    uint32_t chosen = index_along(b, 1);
    for (int d = 0; d < rank; d++) {
        parts[d] = d == axis ? chosen : places_along(b, &index->shape, d, index->dtype);
    }
    CALL(b, rows, "tf.stack", VALUES((uint32_t)rank, parts), INT("axis", -1));
    CALL(b, planner_output(b), call, VALUE(planner_input(b, 0)), VALUE(rows),
         VALUE(planner_input(b, 2)));
}

static void emit_scatter_nd(struct planner *b, const char *callable)
{
    const char *call = scatter_call(b);

    if (!call) {
        return;
    }
    uint32_t rows = index_rows(b, 0), updates = planner_input(b, 2);
    if (planner_input_value(b, 1)->shape.rank ==
        1) { /* one row: for TensorFlow a list of numbers */
        uint32_t list = planner_step(b, "list"), one = planner_step(b, "one");
        CALL(b, list, "tf.expand_dims", VALUE(rows), INT("axis", 0));
        CALL(b, one, "tf.expand_dims", VALUE(updates), INT("axis", 0));
        rows = list;
        updates = one;
    }
    CALL(b, planner_output(b), call, VALUE(planner_input(b, 0)), VALUE(rows), VALUE(updates));
}

/* ---- one_hot ---- */

/* An axis below -1 counts from the first for TensorFlow. */
static void emit_one_hot(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;
    int64_t depth = planner_attribute(b, "depth")->i[0];
    int64_t axis = planner_attribute(b, "axis")->i[0];
    uint32_t index = planner_input(b, 0);

    if (dtype_is_float(planner_input_value(b, 0)->dtype)) {
        uint32_t whole = planner_step(b, "whole");
        CALL(b, whole, "tf.cast", VALUE(index), DTYPE(NULL, DTYPE_I64));
        index = whole;
    }
    index = count_from_zero(b, 0, index, (struct plan_arg)INT(NULL, depth));
    CALL(b, planner_output(b), callable, VALUE(index), INT(NULL, depth),
         tf_number("on_value", planner_attribute(b, "on")->f, d),
         tf_number("off_value", planner_attribute(b, "off")->f, d),
         INT("axis", axis < -1 ? axis + planner_output_value(b)->shape.rank : axis),
         DTYPE("dtype", d));
}

/* ---- the table ---- */

const struct call_form tf_index[] = {
    {"gather", "tf.gather", emit_gather},
    {"index_select", "tf.gather", emit_gather},
    {"gather_elements", "tf.gather", emit_gather_elements},
    {"gather_nd", "tf.gather_nd", emit_gather_nd},
    {"scatter_elements", "tf.tensor_scatter_nd_update", emit_scatter_elements},
    {"scatter_nd", "tf.tensor_scatter_nd_update", emit_scatter_nd},
    {"one_hot", "tf.one_hot", emit_one_hot},
    {0},
};
