/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of the ops that work along axes: reductions, arg_max, softmax. */
#include "spell/onnx_internal.h"

static enum err write_reduce(struct onnx_writer *w)
{
    const struct attr *axes = onnx_attribute(w, "axes");
    int64_t at[ATTR_VALUES_MAX];

    for (size_t i = 0; i < axes->n; i++) {
        at[i] = onnx_axis_at(w, axes->i[i]);
    }
    TRY(onnx_write_plain(w));
    if (axes->n == 0) { /* rank 0: no axes given means all */
        CHECK(onnx_writer_operand(w, 0)->shape.rank == 0);
    } else if (onnx_as_input(w)) {
        struct tensor t = onnx_ints_tensor(w, at, axes->n);
        onnx_put_const(w, "axes", &t);
    } else {
        onnx_put_ints(w, "axes", at, axes->n);
    }
    onnx_put_int(w, "keepdims", onnx_attribute(w, "keepdims")->i[0]);
    return ERR_OK;
}

static enum err read_reduce(struct onnx_reader *r, struct onnx_node *n)
{
    static const int64_t all[RANK_MAX] = {0, 1, 2, 3, 4, 5};
    const Onnx__AttributeProto *a;
    const int64_t *axes = NULL;
    size_t count = 0;

    TRY(onnx_take_input(r, n, 0));
    if (r->opset >= n->form->input_since && onnx_has_input(n, 1)) {
        TRY(onnx_int64_list(r, n, 1, &axes, &count));
    } else if (r->opset < n->form->input_since && (a = onnx_attr(n, "axes", ONNX_INTS)) != NULL) {
        axes = a->ints;
        count = a->n_ints;
    }
    onnx_set_attr(n, "keepdims", ATTR_BOOL)->i[0] = onnx_attr_int(n, "keepdims", 1) != 0;
    if (onnx_attr_int(n, "noop_with_empty_axes", 0) != 0 && count == 0) {
        n->is_identity = true;
        return ERR_OK;
    }
    if (count == 0) {
        axes = all;
        count = (size_t)onnx_operand(r, n, 0)->shape.rank;
    }
    return onnx_set_ints(r, n, "axes", axes, count);
}

/* ---- arg_max, softmax ---- */

static enum err write_arg_max(struct onnx_writer *w)
{
    onnx_put_int(w, "keepdims", onnx_attribute(w, "keepdims")->i[0]);
    return onnx_write_axis(w);
}

static enum err read_arg_max(struct onnx_reader *r, struct onnx_node *n)
{
    if (onnx_attr_int(n, "select_last_index", 0) != 0) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "select_last_index");
    }
    onnx_set_attr(n, "keepdims", ATTR_BOOL)->i[0] = onnx_attr_int(n, "keepdims", 1) != 0;
    return onnx_read_axis(r, n);
}

/* Before 13 the dims from the axis on were one: the same op only where that is the last dim. */
static enum err read_softmax(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t axis = onnx_attr_int(n, "axis", r->opset < 13 ? 1 : -1);

    TRY(onnx_take_input(r, n, 0));
    int rank = onnx_operand(r, n, 0)->shape.rank;
    if (r->opset < 13 && axis != -1 && axis != rank - 1) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED,
                           "before opset 13 on an axis that is not the last");
    }
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = axis;
    return ERR_OK;
}

/* ---- the table ---- */

const struct onnx_form onnx_reduce[] = {
    {"reduce_sum", "ReduceSum", write_reduce, read_reduce, .input_since = 13,
     TYPES({1, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)})},
    {"reduce_max", "ReduceMax", write_reduce, read_reduce, .input_since = 18,
     TYPES({1, SAME(FLOATS_OLD | WIDE_INTS)}, {12, SAME(FLOATS_OLD | WIDE_INTS | DT(I8) | DT(U8))},
           {13, SAME(DT_FLOATS | WIDE_INTS | DT(I8) | DT(U8))},
           {20, SAME(DT_FLOATS | WIDE_INTS | DT(I8) | DT(U8) | DT(BOOL))})},
    {"arg_max", "ArgMax", write_arg_max, read_arg_max,
     TYPES({1, {DT_NUMBERS & ~BF}, {DT(I64)}}, {13, {DT_NUMBERS}, {DT(I64)}})},
    {"softmax", "Softmax", onnx_write_axis, read_softmax, TYPES({13, SAME(DT_FLOATS)})},
    {0},
};
