/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How jax says indexing. jax.numpy counts indices below 0 from the end; jax.lax does not. An index
 * out of range is no error in jax ("Out-of-Bounds Indexing", JAX's list of sharp bits), and nothing
 * that we judge.
 */
#include "spell/jax_forms.h"

#include <string.h>

/* ---- gather, gather_elements ---- */

static void emit_take(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)),
         jax_axis(b));
}

/* Data beside the indices is cut off: take_along_axis would repeat indices along a dim of 1. */
static void emit_gather_elements(struct planner *b, const char *callable)
{
    const struct shape *data = &planner_input_value(b, 0)->shape,
                       *index = &planner_input_value(b, 1)->shape;
    int64_t axis = planner_attribute(b, "axis")->i[0];
    int64_t *limits = arena_copy(b->arena, index->dim, sizeof index->dim),
            *zeros = ARENA_ZARRAY(b->arena, int64_t, RANK_MAX);
    uint32_t x = planner_input(b, 0);

    axis += axis < 0 ? data->rank : 0;
    limits[axis] = data->dim[axis];
    if (memcmp(limits, data->dim, (size_t)data->rank * sizeof *limits) != 0) {
        x = planner_step(b, "part");
        CALL(b, x, "jax.lax.slice", VALUE(planner_input(b, 0)),
             TUPLE(NULL, (uint32_t)data->rank, zeros), TUPLE(NULL, (uint32_t)data->rank, limits));
    }
    CALL(b, planner_output(b), callable, VALUE(x), VALUE(planner_input(b, 1)), jax_axis(b));
}

/* ---- what jax.lax is told of indices ---- */

/* Numbers first, first + 1, ... below end. */
static struct plan_arg count_up(struct planner *b, const char *keyword, int64_t first, int64_t end)
{
    int64_t *list = ARENA_ARRAY(b->arena, int64_t, 2 * RANK_MAX), n = 0;

    for (int64_t i = first; i < end; i++) {
        list[n++] = i;
    }
    return (struct plan_arg)TUPLE(keyword, (uint32_t)n, list);
}

/* index, with `limit` added where it is below 0. */
static uint32_t count_from_zero(struct planner *b, uint32_t index, struct plan_arg limit)
{
    uint32_t below = planner_step(b, "below"), moved = planner_step(b, "moved"),
             chosen = planner_step(b, "index");

    CALL(b, below, "jax.numpy.less", VALUE(index), INT(NULL, 0));
    CALL(b, moved, "jax.numpy.add", VALUE(index), limit);
    CALL(b, chosen, "jax.numpy.where", VALUE(below), VALUE(moved), VALUE(index));
    return chosen;
}

/* Rows of indices into dims from `first` on. */
static uint32_t rows_from_zero(struct planner *b, int64_t first)
{
    const struct shape *data = &planner_input_value(b, 0)->shape;
    const struct value *index = planner_input_value(b, 1);
    uint32_t dims;

    if (!planner_may_be_negative(b, 1)) {
        return planner_input(b, 1);
    }
    dims = planner_step(b, "dims");
    CALL(b, dims, "jax.numpy.array",
         TUPLE(NULL, (uint32_t)index->shape.dim[index->shape.rank - 1], data->dim + first),
         DTYPE(NULL, index->dtype));
    return count_from_zero(b, planner_input(b, 1), (struct plan_arg)VALUE(dims));
}

/* ---- gather_nd ---- */

static void emit_gather_nd(struct planner *b, const char *callable)
{
    const struct shape *data = &planner_input_value(b, 0)->shape,
                       *index = &planner_input_value(b, 1)->shape;
    int64_t batch = planner_attribute(b, "batch_dims")->i[0], parts = index->dim[index->rank - 1];
    int64_t *sizes = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    uint32_t rows = rows_from_zero(b, batch), numbers = planner_step(b, "numbers");

    for (int d = 0; d < data->rank; d++) {
        sizes[d] = d < batch + parts ? 1 : data->dim[d];
    }
    CALL(b, numbers, "jax.lax.GatherDimensionNumbers",
         count_up(b, "offset_dims", index->rank - 1, index->rank - 1 + data->rank - batch - parts),
         count_up(b, "collapsed_slice_dims", batch, batch + parts),
         count_up(b, "start_index_map", batch, batch + parts),
         count_up(b, "operand_batching_dims", 0, batch),
         count_up(b, "start_indices_batching_dims", 0, batch));
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(rows), VALUE(numbers),
         TUPLE(NULL, (uint32_t)data->rank, sizes));
}

/* ---- scatter_elements, scatter_nd ---- */

static const char *scatter_of(const struct planner *b, const char *plain)
{
    static const char *const names[][2] = {{"add", "jax.lax.scatter_add"},
                                           {"mul", "jax.lax.scatter_mul"},
                                           {"max", "jax.lax.scatter_max"},
                                           {"min", "jax.lax.scatter_min"}};
    const struct attr *a = node_attr(b->node, "reduction");

    for (size_t k = 0; a && k < ARRAY_SIZE(names); k++) {
        if (strcmp(a->text, names[k][0]) == 0) {
            return names[k][1];
        }
    }
    return plain;
}

/* Each row of indices is a place in the first `parts` dims of the data; an update has the rest. */
static void scatter(struct planner *b, const char *plain, uint32_t rows, int64_t batch,
                    int64_t parts)
{
    int64_t rest = planner_input_value(b, 0)->shape.rank - parts;
    uint32_t numbers = planner_step(b, "numbers");

    CALL(b, numbers, "jax.lax.ScatterDimensionNumbers",
         count_up(b, "update_window_dims", batch, batch + rest),
         count_up(b, "inserted_window_dims", 0, parts),
         count_up(b, "scatter_dims_to_operand_dims", 0, parts));
    CALL(b, planner_output(b), scatter_of(b, plain), VALUE(planner_input(b, 0)), VALUE(rows),
         VALUE(planner_input(b, 2)), VALUE(numbers));
}

static void emit_scatter_nd(struct planner *b, const char *callable)
{
    const struct shape *index = &planner_input_value(b, 1)->shape;

    scatter(b, callable, rows_from_zero(b, 0), index->rank - 1, index->dim[index->rank - 1]);
}

/* The place of each update as a row: the index in the dim `axis`, its own place in all others. */
static void emit_scatter_elements(struct planner *b, const char *callable)
{
    const struct value *index = planner_input_value(b, 1);
    const struct shape *data = &planner_input_value(b, 0)->shape, *s = &index->shape;
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, RANK_MAX), rows;
    int64_t axis = planner_attribute(b, "axis")->i[0];

    axis += axis < 0 ? data->rank : 0;
    for (int d = 0; d < s->rank; d++) {
        if (d == axis) {
            parts[d] = planner_input(b, 1);
            if (planner_may_be_negative(b, 1)) {
                parts[d] =
                    count_from_zero(b, parts[d], (struct plan_arg)INT(NULL, data->dim[axis]));
            }
            continue;
        }
        parts[d] = planner_step(b, "place");
        CALL(b, parts[d], "jax.lax.broadcasted_iota", DTYPE(NULL, index->dtype), jax_dims(s),
             INT(NULL, d));
    }
    rows = planner_step(b, "rows");
    CALL(b, rows, "jax.numpy.stack", VALUES((uint32_t)s->rank, parts), INT("axis", -1));
    scatter(b, callable, rows, s->rank, data->rank);
}

/* ---- one_hot ---- */

static struct plan_arg level(const struct planner *b, const char *name)
{
    return jax_number(b, NULL, planner_attribute(b, name)->f);
}

/* jax.nn.one_hot is 0 for an index below 0. */
static void emit_one_hot(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;
    int64_t depth = planner_attribute(b, "depth")->i[0];
    uint32_t index = planner_input(b, 0), is_on, on;

    if (dtype_is_float(planner_input_value(b, 0)->dtype)) {
        index = jax_cast(b, index, "whole", DTYPE_I64);
    }
    if (planner_may_be_negative(b, 0)) {
        index = count_from_zero(b, index, (struct plan_arg)INT(NULL, depth));
    }
    is_on = planner_step(b, "is_on");
    on = planner_step(b, "on");
    CALL(b, is_on, callable, VALUE(index), INT(NULL, depth), DTYPE("dtype", DTYPE_BOOL),
         jax_axis(b));
    CALL(b, on, "jax.numpy.array", level(b, "on"), DTYPE(NULL, d));
    CALL(b, planner_output(b), "jax.numpy.where", VALUE(is_on), VALUE(on), level(b, "off"));
}

/* ---- the table ---- */

const struct call_form jax_index[] = {
    {"gather", "jax.numpy.take", emit_take},
    {"index_select", "jax.numpy.take", emit_take},
    {"gather_elements", "jax.numpy.take_along_axis", emit_gather_elements},
    {"gather_nd", "jax.lax.gather", emit_gather_nd},
    {"scatter_elements", "jax.lax.scatter", emit_scatter_elements},
    {"scatter_nd", "jax.lax.scatter", emit_scatter_nd},
    {"one_hot", "jax.nn.one_hot", emit_one_hot},
    {0},
};
