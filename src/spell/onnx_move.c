/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of the ops that move data: transpose, reshape, concat, gather. */
#include "spell/onnx_internal.h"

static enum err write_transpose(struct onnx_writer *w)
{
    const struct attr *perm = onnx_attribute(w, "perm");

    onnx_put_ints(w, "perm", perm->i, perm->n);
    return onnx_write_plain(w);
}

static enum err read_transpose(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "perm", ONNX_INTS);
    int64_t reversed[RANK_MAX] = {0};

    TRY(onnx_take_input(r, n, 0));
    int rank = onnx_operand(r, n, 0)->shape.rank;
    for (int d = 0; d < rank; d++) {
        reversed[d] = rank - 1 - d;
    }
    return a ? onnx_set_ints(r, n, "perm", a->ints, a->n_ints)
             : onnx_set_ints(r, n, "perm", reversed, (size_t)rank);
}

/* ---- reshape ---- */

/* A dim of 0 means "as in the input at that place" unless allowzero, which came with 14. */
static enum err write_reshape(struct onnx_writer *w)
{
    const struct shape *to = &onnx_result(w)->shape, *from = &onnx_writer_operand(w, 0)->shape;
    bool has_zero = false, is_kept = true;

    for (int d = 0; d < to->rank; d++) {
        has_zero = has_zero || to->dim[d] == 0;
        is_kept = is_kept && (to->dim[d] != 0 || (d < from->rank && from->dim[d] == 0));
    }
    struct tensor t = onnx_ints_tensor(w, to->dim, (size_t)to->rank);
    TRY(onnx_write_plain(w));
    onnx_put_const(w, "shape", &t);
    if (has_zero && w->version.opset >= 14) {
        onnx_put_int(w, "allowzero", 1);
    } else if (!is_kept) {
        return err_set(ERR_UNSUPPORTED, "%s: Reshape to a dim of 0 has no form before opset 14",
                       onnx_result(w)->name);
    }
    return ERR_OK;
}

/* 0 copies a dim unless allowzero, one -1 takes what is left. */
static enum err read_reshape(struct onnx_reader *r, struct onnx_node *n)
{
    const int64_t *asked = NULL;
    size_t rank = 0;
    struct shape to = {0};
    int open = -1;

    TRY(onnx_take_input(r, n, 0));
    TRY(onnx_int64_list(r, n, 1, &asked, &rank));
    CHECK(asked);
    const struct shape *from = &onnx_operand(r, n, 0)->shape;
    bool allow_zero = onnx_attr_int(n, "allowzero", 0) != 0;
    if (rank > RANK_MAX) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "rank %zu; ranks go to %d", rank, RANK_MAX);
    }
    to.rank = (int32_t)rank;
    for (int d = 0; d < to.rank; d++) {
        bool is_copied = asked[d] == 0 && !allow_zero;
        if (asked[d] < -1 || (asked[d] == -1 && open >= 0) || (is_copied && d >= from->rank)) {
            return onnx_refuse(r, n, ERR_INPUT, "no shape is meant by dim %d", d);
        }
        open = asked[d] == -1 ? d : open;
        to.dim[d] = asked[d] == -1 ? 1 : is_copied ? from->dim[d] : asked[d];
    }
    size_t have = shape_numel(from), given = shape_numel(&to);
    if (open >= 0 && (given == 0 || given > have || have % given != 0)) {
        return onnx_refuse(r, n, ERR_INPUT, "the dim -1 does not follow from %zu elements", have);
    }
    if (open >= 0) {
        to.dim[open] = (int64_t)(have / given);
    }
    return onnx_set_ints(r, n, "shape", to.dim, rank);
}

/* ---- the table ---- */

const struct onnx_form onnx_move[] = {
    {"transpose", "Transpose", write_transpose, read_transpose,
     TYPES({1, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"reshape", "Reshape", write_reshape, read_reshape,
     TYPES({5, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"concat", "Concat", onnx_write_axis, onnx_read_axis,
     TYPES({4, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"gather", "Gather", onnx_write_axis, onnx_read_axis,
     TYPES({11, {DT_ALL & ~BF, INDICES}, {DT_ALL & ~BF}}, {13, {DT_ALL, INDICES}, {DT_ALL}})},
    {0},
};
