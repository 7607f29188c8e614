/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of indexing. */
#include "spell/onnx_internal.h"

#include <string.h>

/* ---- gather_nd ---- */

static enum err write_gather_nd(struct onnx_writer *w)
{
    int64_t batch_dims = onnx_attribute(w, "batch_dims")->i[0];

    if (w->version.opset >= 12) {
        onnx_put_int(w, "batch_dims", batch_dims);
    } else if (batch_dims != 0) {
        return err_set(ERR_UNSUPPORTED, "%s: GatherND has no batch_dims before opset 12",
                       onnx_result(w)->name);
    }
    return onnx_write_plain(w);
}

/* The last dim of the indices is the number of parts. */
static enum err read_rows(struct onnx_reader *r, struct onnx_node *n)
{
    TRY(onnx_read_plain(r, n));
    if (n->n_in < 2 || n->in[1] == VALUE_ABSENT || onnx_operand(r, n, 1)->shape.rank < 1) {
        return onnx_refuse(r, n, ERR_INPUT, "indices must have a rank of at least 1");
    }
    const struct shape *index = &onnx_operand(r, n, 1)->shape;
    onnx_set_attr(n, "parts", ATTR_INT)->i[0] = index->dim[index->rank - 1];
    return ERR_OK;
}

static enum err read_gather_nd(struct onnx_reader *r, struct onnx_node *n)
{
    onnx_set_attr(n, "batch_dims", ATTR_INT)->i[0] = onnx_attr_int(n, "batch_dims", 0);
    return read_rows(r, n);
}

/* ---- scatter_elements, scatter_nd ---- */

/* add and mul came with 16, max and min with 18. */
static enum err put_reduction(struct onnx_writer *w)
{
    const struct attr *a = node_attr(w->node, "reduction");

    if (!a || strcmp(a->text, "none") == 0) {
        return ERR_OK;
    }
    bool is_first = strcmp(a->text, "add") == 0 || strcmp(a->text, "mul") == 0;
    if (w->version.opset < (is_first ? 16 : 18)) {
        return err_set(ERR_UNSUPPORTED, "%s: reduction \"%s\" came with opset %d",
                       onnx_result(w)->name, a->text, is_first ? 16 : 18);
    }
    onnx_put_text(w, "reduction", a->text);
    return ERR_OK;
}

static void take_reduction(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "reduction", ONNX_STRING);

    if (a && !onnx_text_is(a, "none", "none")) {
        onnx_set_attr(n, "reduction", ATTR_TEXT)->text = onnx_text(r, a);
    }
}

static enum err write_scatter_elements(struct onnx_writer *w)
{
    TRY(put_reduction(w));
    return onnx_write_axis(w);
}

static enum err read_scatter_elements(struct onnx_reader *r, struct onnx_node *n)
{
    take_reduction(r, n);
    return onnx_read_axis(r, n);
}

static enum err write_scatter_nd(struct onnx_writer *w)
{
    TRY(put_reduction(w));
    return onnx_write_plain(w);
}

static enum err read_scatter_nd(struct onnx_reader *r, struct onnx_node *n)
{
    take_reduction(r, n);
    return read_rows(r, n);
}

/* ---- one_hot ---- */

/* "Indices tensor must have rank >= 1" (its shape inference): as a list of one index, whose row is
 * the result. */
static enum err write_one_hot_of_scalar(struct onnx_writer *w, const struct tensor *depth,
                                        const struct tensor *levels)
{
    struct tensor one = onnx_ints_tensor(w, (const int64_t[]){1}, 1);
    struct tensor length = onnx_ints_tensor(w, onnx_result(w)->shape.dim, 1);

    onnx_begin_step(w, "Reshape");
    onnx_put_input(w, w->node->in[0]);
    onnx_put_const(w, "one", &one);
    const char *list = onnx_end_step(w, "list");
    onnx_begin_step(w, "OneHot");
    onnx_put_name(w, list);
    onnx_put_const(w, "depth", depth);
    onnx_put_const(w, "levels", levels);
    onnx_put_int(w, "axis", 1);
    const char *row = onnx_end_step(w, "row");
    onnx_become(w, "Reshape");
    onnx_put_name(w, row);
    onnx_put_const(w, "length", &length);
    return ERR_OK;
}

static enum err write_one_hot(struct onnx_writer *w)
{
    const struct shape scalar = {.rank = 0}, two = {.rank = 1, .dim = {2}};
    const struct value *y = onnx_result(w);
    int64_t axis = onnx_attribute(w, "axis")->i[0], size = onnx_attribute(w, "depth")->i[0];
    /* As the indices where it can be: ONNX Runtime has few combinations. */
    bool is_short = onnx_writer_operand(w, 0)->dtype == DTYPE_I32 && size <= INT32_MAX;
    struct tensor depth = tensor_new(w->arena, is_short ? DTYPE_I32 : DTYPE_I64, &scalar),
                  levels = tensor_new(w->arena, y->dtype, &two);

    dtype_store(depth.dtype, depth.data, 0, (real)size);
    dtype_store(y->dtype, levels.data, 0, (real)onnx_attribute(w, "off")->f);
    dtype_store(y->dtype, levels.data, 1, (real)onnx_attribute(w, "on")->f);
    if (y->shape.rank == 1) {
        return write_one_hot_of_scalar(w, &depth, &levels);
    }
    /* before 11 none below -1 */
    onnx_put_int(w, "axis", w->version.opset < 11 && axis < 0 ? axis + y->shape.rank : axis);
    TRY(onnx_write_plain(w));
    onnx_put_const(w, "depth", &depth);
    onnx_put_const(w, "levels", &levels);
    return ERR_OK;
}

static enum err read_one_hot(struct onnx_reader *r, struct onnx_node *n)
{
    const struct tensor *depth = NULL, *levels = NULL;

    TRY(onnx_take_input(r, n, 0));
    TRY(onnx_const_input(r, n, 1, &depth));
    TRY(onnx_const_input(r, n, 2, &levels));
    CHECK(depth && levels);
    if (shape_numel(&depth->shape) != 1 || shape_numel(&levels->shape) != 2) {
        return onnx_refuse(r, n, ERR_INPUT, "depth must be one element, values two");
    }
    real size = dtype_load(depth->dtype, depth->data, 0);
    real off = dtype_load(levels->dtype, levels->data, 0);
    real on = dtype_load(levels->dtype, levels->data, 1);
    if (!(size >= 1 && size <= (real)PROGRAM_NUMEL_MAX)) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a depth of %Lg", size);
    }
    if ((real)(double)on != on || (real)(double)off != off) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "values that no f64 holds");
    }
    onnx_set_attr(n, "depth", ATTR_INT)->i[0] = (int64_t)size;
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = onnx_attr_int(n, "axis", -1);
    onnx_set_attr(n, "on", ATTR_REAL)->f = (double)on;
    onnx_set_attr(n, "off", ATTR_REAL)->f = (double)off;
    onnx_set_attr(n, "dtype", ATTR_DTYPE)->dtype = levels->dtype;
    return ERR_OK;
}

/* ---- the table ---- */

#define NUMBERS_OLD (DT_NUMBERS & ~BF)
#define ALL_OLD (DT_ALL & ~BF)

const struct onnx_form onnx_index[] = {
    {"index_select", "Gather", onnx_write_axis, NULL,
     TYPES({11, {ALL_OLD, INDICES}, {ALL_OLD}}, {13, {DT_ALL, INDICES}, {DT_ALL}})},
    {"gather_elements", "GatherElements", onnx_write_axis, onnx_read_axis,
     TYPES({11, {ALL_OLD, INDICES}, {ALL_OLD}}, {13, {DT_ALL, INDICES}, {DT_ALL}})},
    {"gather_nd", "GatherND", write_gather_nd, read_gather_nd,
     TYPES({11, {ALL_OLD, DT(I64)}, {ALL_OLD}}, {13, {DT_ALL, DT(I64)}, {DT_ALL}})},
    {"scatter_elements", "ScatterElements", write_scatter_elements, read_scatter_elements,
     TYPES({11, {ALL_OLD, INDICES, ALL_OLD}, {ALL_OLD}},
           {13, {DT_ALL, INDICES, DT_ALL}, {DT_ALL}})},
    {"scatter_nd", "ScatterND", write_scatter_nd, read_scatter_nd,
     TYPES({11, {ALL_OLD, DT(I64), ALL_OLD}, {ALL_OLD}},
           {13, {DT_ALL, DT(I64), DT_ALL}, {DT_ALL}})},
    {"one_hot", "OneHot", write_one_hot, read_one_hot,
     TYPES({9, {NUMBERS_OLD}, {ALL_OLD}}, {28, {NUMBERS_OLD}, {DT_ALL}})},
    {0},
};
