/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of the ops that work along axes: reductions, scans, sorting. */
#include "spell/onnx_internal.h"

#include <string.h>

/* Is there nothing to reduce, but something to give? */
static bool is_of_none(const struct shape *x, const struct attr *axes)
{
    struct shape kept = *x;

    for (unsigned k = 0; k < axes->n; k++) {
        kept.dim[axes->i[k] < 0 ? axes->i[k] + x->rank : axes->i[k]] = 1;
    }
    return shape_numel(x) == 0 && shape_numel(&kept) > 0;
}

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
        if (strcmp(n->form->op, "reduce_l1") == 0 || strcmp(n->form->op, "reduce_l2") == 0) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "the magnitudes alone");
        }
        n->is_identity = true;
        return ERR_OK;
    }
    if (count == 0) {
        axes = all;
        count = (size_t)onnx_operand(r, n, 0)->shape.rank;
    }
    return onnx_set_ints(r, n, "axes", axes, count);
}

/* As a reduction of booleans; all is the smallest, any the largest of them. Of none the text speaks
 * of the largest or smallest value of the dtype only, which is clear for numbers. */
static enum err write_truth(struct onnx_writer *w)
{
    const struct attr *axes = onnx_attribute(w, "axes");

    if (is_of_none(&onnx_writer_operand(w, 0)->shape, axes)) {
        return err_set(ERR_UNSUPPORTED, "%s: %s of no booleans", onnx_result(w)->name,
                       w->form->type);
    }
    if (onnx_writer_operand(w, 0)->dtype != DTYPE_BOOL) {
        onnx_begin_step(w, "Cast");
        onnx_put_int(w, "to", onnx_dtype(DTYPE_BOOL));
        onnx_put_input(w, w->node->in[0]);
        onnx_put_name(w, onnx_end_step(w, "truth"));
    } else {
        onnx_put_input(w, w->node->in[0]);
    }
    if (axes->n > 0) {
        struct tensor t = onnx_ints_tensor(w, axes->i, axes->n);
        onnx_put_const(w, "axes", &t);
    }
    onnx_put_int(w, "keepdims", onnx_attribute(w, "keepdims")->i[0]);
    return ERR_OK;
}

/* The largest of none is defined since 20, but not clearly of booleans. */
static enum err write_extreme(struct onnx_writer *w)
{
    const struct value *x = onnx_writer_operand(w, 0);

    if ((w->version.opset < 20 || x->dtype == DTYPE_BOOL) &&
        is_of_none(&x->shape, onnx_attribute(w, "axes"))) {
        return err_set(ERR_UNSUPPORTED, "%s: %s of no elements is not defined",
                       onnx_result(w)->name, w->form->type);
    }
    return write_reduce(w);
}

static enum err read_extreme(struct onnx_reader *r, struct onnx_node *n)
{
    TRY(read_reduce(r, n));
    const struct value *x = onnx_operand(r, n, 0);
    const struct attr *axes = NULL;
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        axes = n->attrs[i].kind == ATTR_INTS ? &n->attrs[i] : axes;
    }
    /* Axes are not checked yet: out of range they are refused with the rest. */
    for (unsigned k = 0; axes && k < axes->n; k++) {
        if (axes->i[k] < -x->shape.rank || axes->i[k] >= x->shape.rank) {
            return ERR_OK;
        }
    }
    if (axes && (r->opset < 20 || x->dtype == DTYPE_BOOL) && is_of_none(&x->shape, axes)) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "of no elements, which is not defined");
    }
    return ERR_OK;
}

/* ---- arg_max, arg_min, softmax ---- */

static enum err write_arg(struct onnx_writer *w)
{
    const struct attr *last = node_attr(w->node, "select_last_index");

    if (last && last->i[0] != 0) {
        if (w->version.opset < 12) {
            return err_set(ERR_UNSUPPORTED, "%s: select_last_index came with opset 12",
                           onnx_result(w)->name);
        }
        onnx_put_int(w, "select_last_index", 1);
    }
    onnx_put_int(w, "keepdims", onnx_attribute(w, "keepdims")->i[0]);
    return onnx_write_axis(w);
}

static enum err read_arg(struct onnx_reader *r, struct onnx_node *n)
{
    if (onnx_attr_int(n, "select_last_index", 0) != 0) {
        onnx_set_attr(n, "select_last_index", ATTR_BOOL)->i[0] = 1;
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

/* ---- cum_sum ---- */

static enum err write_cum_sum(struct onnx_writer *w)
{
    struct tensor t = onnx_ints_tensor(w, onnx_attribute(w, "axis")->i, 1);

    t.shape.rank = 0;
    t.shape.dim[0] = 0;
    TRY(onnx_write_plain(w));
    onnx_put_const(w, "axis", &t);
    onnx_put_int(w, "exclusive", onnx_attribute(w, "exclusive")->i[0]);
    onnx_put_int(w, "reverse", onnx_attribute(w, "reverse")->i[0]);
    return ERR_OK;
}

/* A scalar, or a list of one, of int32 or int64. */
static enum err one_integer(struct onnx_reader *r, struct onnx_node *n, size_t k, int64_t *value)
{
    const struct tensor *t = NULL;

    TRY(onnx_const_input(r, n, k, &t));
    CHECK(t);
    if (!dtype_in(t->dtype, INDICES) || shape_numel(&t->shape) != 1) {
        return onnx_refuse(r, n, ERR_INPUT, "input %zu must be one integer", k);
    }
    *value = (int64_t)dtype_load(t->dtype, t->data, 0);
    return ERR_OK;
}

static enum err read_cum_sum(struct onnx_reader *r, struct onnx_node *n)
{
    TRY(onnx_take_input(r, n, 0));
    TRY(one_integer(r, n, 1, &onnx_set_attr(n, "axis", ATTR_INT)->i[0]));
    onnx_set_attr(n, "exclusive", ATTR_BOOL)->i[0] = onnx_attr_int(n, "exclusive", 0) != 0;
    onnx_set_attr(n, "reverse", ATTR_BOOL)->i[0] = onnx_attr_int(n, "reverse", 0) != 0;
    return ERR_OK;
}

/* ---- top_k, sort ---- */

/* K is an input since 10, the order is a choice since 11. */
static enum err put_order(struct onnx_writer *w, int64_t k, bool largest, bool is_sorted)
{
    if (k < 1 || (w->version.opset < 11 && !(largest && is_sorted))) {
        return err_set(ERR_UNSUPPORTED,
                       k < 1 ? "%s: TopK's K must be positive"
                             : "%s: before opset 11 TopK gives the largest, sorted",
                       onnx_result(w)->name);
    }
    TRY(onnx_write_axis(w));
    if (onnx_as_input(w)) {
        struct tensor t = onnx_ints_tensor(w, &k, 1);
        onnx_put_const(w, "k", &t);
    } else {
        onnx_put_int(w, "k", k);
    }
    if (w->version.opset >= 11) {
        onnx_put_int(w, "largest", largest);
        onnx_put_int(w, "sorted", is_sorted);
    }
    return ERR_OK;
}

static enum err write_top_k(struct onnx_writer *w)
{
    return put_order(w, onnx_attribute(w, "k")->i[0], onnx_attribute(w, "largest")->i[0] != 0,
                     onnx_attribute(w, "sorted")->i[0] != 0);
}

static enum err read_top_k(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t k = 0;

    TRY(onnx_take_input(r, n, 0));
    if (r->opset >= n->form->input_since) {
        TRY(one_integer(r, n, 1, &k));
    } else {
        k = onnx_attr_int(n, "k", 0);
    }
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = onnx_attr_int(n, "axis", -1);
    onnx_set_attr(n, "k", ATTR_INT)->i[0] = k;
    onnx_set_attr(n, "largest", ATTR_BOOL)->i[0] = onnx_attr_int(n, "largest", 1) != 0;
    onnx_set_attr(n, "sorted", ATTR_BOOL)->i[0] = onnx_attr_int(n, "sorted", 1) != 0;
    return ERR_OK;
}

/* All of the axis. */
static enum err write_sort(struct onnx_writer *w)
{
    const struct shape *s = &onnx_writer_operand(w, 0)->shape;
    int64_t axis = onnx_attribute(w, "axis")->i[0];

    return put_order(w, s->dim[axis < 0 ? axis + s->rank : axis],
                     onnx_attribute(w, "descending")->i[0] != 0, true);
}

/* ---- the table ---- */

#define WIDE_TYPES TYPES({1, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)})
#define EXTREME_TYPES                                                                              \
    TYPES({1, SAME(FLOATS_OLD | WIDE_INTS)}, {12, SAME(FLOATS_OLD | WIDE_INTS | DT(I8) | DT(U8))}, \
          {13, SAME(DT_FLOATS | WIDE_INTS | DT(I8) | DT(U8))},                                     \
          {20, SAME(DT_FLOATS | WIDE_INTS | DT(I8) | DT(U8) | DT(BOOL))})
#define ARG_TYPES TYPES({1, {DT_NUMBERS & ~BF}, {DT(I64)}}, {13, {DT_NUMBERS}, {DT(I64)}})
#define ORDER_TYPES                                                                                \
    TYPES({1, {FLOATS_OLD}, {FLOATS_OLD, DT(I64)}},                                                \
          {11, {DT_NUMBERS & ~BF}, {DT_NUMBERS & ~BF, DT(I64)}},                                   \
          {24, {DT_NUMBERS}, {DT_NUMBERS, DT(I64)}})

const struct onnx_form onnx_reduce[] = {
    {"reduce_sum", "ReduceSum", write_reduce, read_reduce, .input_since = 13, WIDE_TYPES},
    {"reduce_max", "ReduceMax", write_extreme, read_extreme, .input_since = 18, EXTREME_TYPES},
    {"reduce_min", "ReduceMin", write_extreme, read_extreme, .input_since = 18, EXTREME_TYPES},
    {"reduce_all", "ReduceMin", write_truth, NULL, TYPES({20, {DT_ALL}, {DT(BOOL)}})},
    {"reduce_any", "ReduceMax", write_truth, NULL, TYPES({20, {DT_ALL}, {DT(BOOL)}})},
    {"reduce_mean", "ReduceMean", write_reduce, read_reduce, .input_since = 18, WIDE_TYPES},
    {"reduce_prod", "ReduceProd", write_reduce, read_reduce, .input_since = 18, WIDE_TYPES},
    {"reduce_l1", "ReduceL1", write_reduce, read_reduce, .input_since = 18, WIDE_TYPES},
    {"reduce_l2", "ReduceL2", write_reduce, read_reduce, .input_since = 18, WIDE_TYPES},
    {"reduce_log_sum_exp", "ReduceLogSumExp", write_reduce, read_reduce, .input_since = 18,
     TYPES({1, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)},
           {28, SAME(DT_FLOATS)})},
    {"arg_max", "ArgMax", write_arg, read_arg, ARG_TYPES},
    {"arg_min", "ArgMin", write_arg, read_arg, ARG_TYPES},
    {"softmax", "Softmax", onnx_write_axis, read_softmax, TYPES({13, SAME(DT_FLOATS)})},
    {"log_softmax", "LogSoftmax", onnx_write_axis, read_softmax, TYPES({13, SAME(DT_FLOATS)})},
    {"cum_sum", "CumSum", write_cum_sum, read_cum_sum,
     TYPES({11, SAME(DT(F32) | DT(F64) | WIDE_INTS)}, {14, SAME(DT_FLOATS | WIDE_INTS)})},
    {"top_k", "TopK", write_top_k, read_top_k, .input_since = 10, ORDER_TYPES},
    {"sort", "TopK", write_sort, NULL, .input_since = 10, ORDER_TYPES},
    {0},
};
