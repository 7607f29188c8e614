/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says indexing. Most of its functions take indices from 0 up only. */
#include "spell/torch_forms.h"

#include <string.h>

/* Indices of input k below 0 moved up by the dim; one out of range stays one, so torch still
 * refuses it. */
static uint32_t count_from_zero(struct planner *b, uint32_t k, uint32_t index, int64_t dim)
{
    if (!planner_may_be_negative(b, k)) {
        return index;
    }
    uint32_t below = planner_step(b, "below"), moved = planner_step(b, "moved");
    uint32_t chosen = planner_step(b, "index");

    CALL(b, below, "torch.lt", VALUE(index), INT(NULL, 0));
    CALL(b, moved, "torch.add", VALUE(index), INT(NULL, dim));
    CALL(b, chosen, "torch.where", VALUE(below), VALUE(moved), VALUE(index));
    return chosen;
}

/* Input k in int64, which alone torch.gather and the like take. */
static uint32_t wide_index(struct planner *b, uint32_t k)
{
    if (planner_input_value(b, k)->dtype == DTYPE_I64) {
        return planner_input(b, k);
    }
    uint32_t wide = planner_step(b, "wide");
    CALL(b, wide, "torch.Tensor.to", VALUE(planner_input(b, k)), DTYPE(NULL, DTYPE_I64));
    return wide;
}

static int64_t axis_size(const struct planner *b)
{
    const struct shape *data = &planner_input_value(b, 0)->shape;
    int64_t axis = planner_attribute(b, "axis")->i[0];

    return data->dim[axis < 0 ? axis + data->rank : axis];
}

/* ---- gather, index_select ---- */

/* index_select takes a vector: other indices are flattened, the result is unfolded. */
static void emit_gather(struct planner *b, const char *callable)
{
    const struct shape *index = &planner_input_value(b, 1)->shape;
    const struct shape *out = &planner_output_value(b)->shape;
    int64_t axis = planner_attribute(b, "axis")->i[0];
    int64_t *flat = arena_alloc(b->arena, sizeof *flat);
    uint32_t chosen = count_from_zero(b, 1, planner_input(b, 1), axis_size(b));
    uint32_t row = chosen, picked = planner_output(b);

    if (index->rank != 1) {
        *flat = (int64_t)shape_numel(index);
        row = planner_step(b, "flat");
        CALL(b, row, "torch.reshape", VALUE(chosen), INTS(NULL, 1, flat));
        picked = planner_step(b, "picked");
    }
    CALL(b, picked, callable, VALUE(planner_input(b, 0)), INT(NULL, axis), VALUE(row));
    if (index->rank != 1) {
        CALL(b, planner_output(b), "torch.reshape", VALUE(picked),
             INTS(NULL, (uint32_t)out->rank, out->dim));
    }
}

/* ---- gather_elements, scatter_elements ---- */

static void emit_gather_elements(struct planner *b, const char *callable)
{
    uint32_t index = count_from_zero(b, 1, wide_index(b, 1), axis_size(b));

    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INT(NULL, planner_attribute(b, "axis")->i[0]), VALUE(index));
}

/* What scatter_reduce calls the node's reduction; NULL: none. */
static const char *reduction_of(const struct planner *b)
{
    static const char *const names[][2] = {
        {"add", "sum"}, {"mul", "prod"}, {"max", "amax"}, {"min", "amin"}};
    const struct attr *a = node_attr(b->node, "reduction");

    for (size_t k = 0; a && k < ARRAY_SIZE(names); k++) {
        if (strcmp(a->text, names[k][0]) == 0) {
            return names[k][1];
        }
    }
    return NULL;
}

static void emit_scatter_elements(struct planner *b, const char *callable)
{
    uint32_t index = count_from_zero(b, 1, wide_index(b, 1), axis_size(b));
    uint32_t data = planner_input(b, 0), updates = planner_input(b, 2);
    int64_t axis = planner_attribute(b, "axis")->i[0];
    const char *reduction = reduction_of(b);

    if (reduction) {
        CALL(b, planner_output(b), "torch.scatter_reduce", VALUE(data), INT(NULL, axis),
             VALUE(index), VALUE(updates), TEXT(NULL, reduction));
    } else {
        CALL(b, planner_output(b), callable, VALUE(data), INT(NULL, axis), VALUE(index),
             VALUE(updates));
    }
}

/* ---- gather_nd, scatter_nd ---- */

/* The c-th parts of the rows. */
static uint32_t part_of(struct planner *b, int64_t c)
{
    uint32_t part = planner_step(b, "part");

    CALL(b, part, "torch.select", VALUE(planner_input(b, 1)), INT(NULL, -1), INT(NULL, c));
    return part;
}

/* Shapes of steps, in the plan's memory. */
static const int64_t *ints_of(struct planner *b, int64_t first, int64_t second)
{
    int64_t *ints = ARENA_ARRAY(b->arena, int64_t, 2);

    ints[0] = first;
    ints[1] = second;
    return ints;
}

/* Places in the dims of the parts taken as one, one row of them a batch. */
static uint32_t places_of(struct planner *b, int64_t batch, int64_t n_batches, int64_t n_rows)
{
    const struct shape *data = &planner_input_value(b, 0)->shape;
    int64_t parts = planner_attribute(b, "parts")->i[0];
    uint32_t places = 0;

    for (int64_t c = 0; c < parts; c++) {
        int64_t dim = data->dim[batch + c];
        uint32_t part = count_from_zero(b, 1, part_of(b, c), dim);
        if (c > 0) {
            uint32_t scaled = planner_step(b, "scaled"), sum = planner_step(b, "place");
            CALL(b, scaled, "torch.mul", VALUE(places), INT(NULL, dim));
            CALL(b, sum, "torch.add", VALUE(scaled), VALUE(part));
            part = sum;
        }
        places = part;
    }
    uint32_t rows = planner_step(b, "rows");
    CALL(b, rows, "torch.reshape", VALUE(places),
         INTS(NULL, 2, ints_of(b, n_batches, n_rows / (n_batches ? n_batches : 1))));
    return rows;
}

/* Batches and parts become one dim, which index_select takes from. */
static void emit_gather_nd(struct planner *b, const char *callable)
{
    const struct shape *data = &planner_input_value(b, 0)->shape,
                       *index = &planner_input_value(b, 1)->shape,
                       *out = &planner_output_value(b)->shape;
    int64_t batch = planner_attribute(b, "batch_dims")->i[0], parts = index->dim[index->rank - 1];
    int64_t n_batches = 1, n_places = 1, inside = 1;

    for (int64_t d = 0; d < data->rank; d++) {
        n_batches *= d < batch ? data->dim[d] : 1;
        n_places *= d >= batch && d < batch + parts ? data->dim[d] : 1;
        inside *= d >= batch + parts ? data->dim[d] : 1;
    }
    CHECK(parts > 0);
    int64_t n_rows = (int64_t)shape_numel(index) / parts;
    uint32_t rows = places_of(b, batch, n_batches, n_rows);
    if (batch > 0) {
        uint32_t starts = planner_step(b, "starts"), column = planner_step(b, "column");
        uint32_t moved = planner_step(b, "batched");
        CALL(b, starts, "torch.arange", INT(NULL, 0), INT(NULL, n_batches * n_places),
             INT(NULL, n_places));
        CALL(b, column, "torch.reshape", VALUE(starts), INTS(NULL, 2, ints_of(b, n_batches, 1)));
        CALL(b, moved, "torch.add", VALUE(rows), VALUE(column));
        rows = moved;
    }
    uint32_t flat = planner_step(b, "flat"), table = planner_step(b, "table");
    uint32_t picked = planner_step(b, "picked");
    CALL(b, flat, "torch.reshape", VALUE(rows), INTS(NULL, 1, ints_of(b, n_rows, 0)));
    CALL(b, table, "torch.reshape", VALUE(planner_input(b, 0)),
         INTS(NULL, 2, ints_of(b, n_batches * n_places, inside)));
    CALL(b, picked, callable, VALUE(table), INT(NULL, 0), VALUE(flat));
    CALL(b, planner_output(b), "torch.reshape", VALUE(picked),
         INTS(NULL, (uint32_t)out->rank, out->dim));
}

/* Places and updates as rows of a table, which scatter_reduce takes with an index for each element.
 */
static void emit_reducing_nd(struct planner *b, const char *reduction)
{
    const struct shape *data = &planner_input_value(b, 0)->shape,
                       *index = &planner_input_value(b, 1)->shape;
    int64_t parts = planner_attribute(b, "parts")->i[0], n_places = 1, inside = 1;

    for (int64_t d = 0; d < data->rank; d++) {
        n_places *= d < parts ? data->dim[d] : 1;
        inside *= d >= parts ? data->dim[d] : 1;
    }
    int64_t n_rows = (int64_t)shape_numel(index) / parts;
    uint32_t row = places_of(b, 0, 1, n_rows), column = planner_step(b, "column");
    uint32_t wide = planner_step(b, "wide"), table = planner_step(b, "table");
    uint32_t updates = planner_step(b, "updates"), reduced = planner_step(b, "reduced");
    CALL(b, column, "torch.reshape", VALUE(row), INTS(NULL, 2, ints_of(b, n_rows, 1)));
    CALL(b, wide, "torch.broadcast_to", VALUE(column), INTS(NULL, 2, ints_of(b, n_rows, inside)));
    CALL(b, table, "torch.reshape", VALUE(planner_input(b, 0)),
         INTS(NULL, 2, ints_of(b, n_places, inside)));
    CALL(b, updates, "torch.reshape", VALUE(planner_input(b, 2)),
         INTS(NULL, 2, ints_of(b, n_rows, inside)));
    CALL(b, reduced, "torch.scatter_reduce", VALUE(table), INT(NULL, 0), VALUE(wide),
         VALUE(updates), TEXT(NULL, reduction));
    CALL(b, planner_output(b), "torch.reshape", VALUE(reduced),
         INTS(NULL, (uint32_t)data->rank, data->dim));
}

/* index_put takes the parts one by one, and indices below 0; it replaces or adds. */
static void emit_scatter_nd(struct planner *b, const char *callable)
{
    int64_t parts = planner_attribute(b, "parts")->i[0];
    uint32_t *places = ARENA_ARRAY(b->arena, uint32_t, (size_t)parts);
    const char *reduction = reduction_of(b);
    bool adds = reduction && strcmp(reduction, "sum") == 0;

    if (reduction && !adds) {
        emit_reducing_nd(b, reduction);
        return;
    }
    for (int64_t c = 0; c < parts; c++) {
        places[c] = part_of(b, c);
    }
    if (adds) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
             VALUES((uint32_t)parts, places), VALUE(planner_input(b, 2)), BOOL("accumulate", true));
    } else {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
             VALUES((uint32_t)parts, places), VALUE(planner_input(b, 2)));
    }
}

/* ---- one_hot ---- */

static struct plan_arg level(const struct planner *b, const char *name)
{
    double v = planner_attribute(b, name)->f;
    enum dtype d = planner_output_value(b)->dtype;

    if (d == DTYPE_BOOL) {
        return (struct plan_arg)BOOL(NULL, v != 0);
    }
    return dtype_is_float(d) ? (struct plan_arg)REAL(NULL, v)
                             : (struct plan_arg)INT(NULL, (int64_t)v);
}

/* torch's one_hot is 0 and 1 in int64, its new dim is the last. */
static void emit_one_hot(struct planner *b, const char *callable)
{
    const struct shape *out = &planner_output_value(b)->shape;
    int64_t depth = planner_attribute(b, "depth")->i[0];
    uint32_t index = count_from_zero(b, 0, wide_index(b, 0), depth);
    uint32_t ones = planner_step(b, "ones"), turned = planner_step(b, "turned");
    uint32_t is_on = planner_step(b, "is_on"), off = planner_step(b, "off");

    CALL(b, ones, callable, VALUE(index), INT(NULL, depth));
    CALL(b, turned, "torch.movedim", VALUE(ones), INT(NULL, -1),
         INT(NULL, planner_attribute(b, "axis")->i[0]));
    CALL(b, is_on, "torch.gt", VALUE(turned), INT(NULL, 0));
    CALL(b, off, "torch.full", INTS(NULL, (uint32_t)out->rank, out->dim), level(b, "off"),
         DTYPE("dtype", planner_output_value(b)->dtype));
    CALL(b, planner_output(b), "torch.masked_fill", VALUE(off), VALUE(is_on), level(b, "on"));
}

/* ---- the table ---- */

const struct call_form torch_index[] = {
    {"gather", "torch.index_select", emit_gather},
    {"index_select", "torch.index_select", emit_gather},
    {"gather_elements", "torch.gather", emit_gather_elements},
    {"gather_nd", "torch.index_select", emit_gather_nd},
    {"scatter_elements", "torch.scatter", emit_scatter_elements},
    {"scatter_nd", "torch.index_put", emit_scatter_nd},
    {"one_hot", "torch.nn.functional.one_hot", emit_one_hot},
    {0},
};
