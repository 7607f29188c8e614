/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of the ops that move data or give it other dims; its parts: onnx_slice.c. */
#include "spell/onnx_internal.h"

#include <string.h>

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

/* ---- expand, tile ---- */

static enum err write_expand(struct onnx_writer *w)
{
    const struct attr *shape = onnx_attribute(w, "shape");
    struct tensor t = onnx_ints_tensor(w, shape->i, shape->n);

    TRY(onnx_write_plain(w));
    onnx_put_const(w, "shape", &t);
    return ERR_OK;
}

static enum err write_tile(struct onnx_writer *w)
{
    const struct attr *repeats = onnx_attribute(w, "repeats");
    struct tensor t = onnx_ints_tensor(w, repeats->i, repeats->n);

    TRY(onnx_write_plain(w));
    onnx_put_const(w, "repeats", &t);
    return ERR_OK;
}

static enum err read_list(struct onnx_reader *r, struct onnx_node *n, const char *name)
{
    const int64_t *values = NULL;
    size_t count = 0;

    TRY(onnx_take_input(r, n, 0));
    TRY(onnx_int64_list(r, n, 1, &values, &count));
    return onnx_set_ints(r, n, name, values, count);
}

static enum err read_expand(struct onnx_reader *r, struct onnx_node *n)
{
    return read_list(r, n, "shape");
}

static enum err read_tile(struct onnx_reader *r, struct onnx_node *n)
{
    return read_list(r, n, "repeats");
}

/* ---- squeeze, unsqueeze, flatten ---- */

static enum err write_axes_in(struct onnx_writer *w, int rank)
{
    const struct attr *axes = onnx_attribute(w, "axes");
    int64_t at[ATTR_VALUES_MAX];

    for (size_t i = 0; i < axes->n; i++) {
        bool is_moved = axes->i[i] < 0 && w->version.opset < 11;
        at[i] = axes->i[i] + (is_moved ? rank : 0);
    }
    TRY(onnx_write_plain(w));
    if (onnx_as_input(w)) {
        struct tensor t = onnx_ints_tensor(w, at, axes->n);
        onnx_put_const(w, "axes", &t);
    } else {
        onnx_put_ints(w, "axes", at, axes->n);
    }
    return ERR_OK;
}

static enum err write_squeeze(struct onnx_writer *w)
{
    return write_axes_in(w, onnx_writer_operand(w, 0)->shape.rank);
}

static enum err write_unsqueeze(struct onnx_writer *w)
{
    return write_axes_in(w, onnx_result(w)->shape.rank);
}

static enum err read_axes(struct onnx_reader *r, struct onnx_node *n, const int64_t **axes,
                          size_t *count)
{
    const Onnx__AttributeProto *a;

    TRY(onnx_take_input(r, n, 0));
    if (r->opset >= n->form->input_since && onnx_has_input(n, 1)) {
        return onnx_int64_list(r, n, 1, axes, count);
    }
    if (r->opset < n->form->input_since && (a = onnx_attr(n, "axes", ONNX_INTS)) != NULL) {
        *axes = a->ints;
        *count = a->n_ints;
    }
    return ERR_OK;
}

/* Without axes all dims of 1 go; what an empty list means is not said. */
static enum err read_squeeze(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t ones[RANK_MAX];
    const int64_t *axes = NULL;
    size_t count = 0;

    TRY(read_axes(r, n, &axes, &count));
    if (axes && count == 0) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "an empty list of axes");
    }
    if (axes) {
        return onnx_set_ints(r, n, "axes", axes, count);
    }
    const struct shape *x = &onnx_operand(r, n, 0)->shape;
    for (int d = 0; d < x->rank; d++) {
        if (x->dim[d] == 1) {
            ones[count++] = d;
        }
    }
    n->is_identity = count == 0;
    return n->is_identity ? ERR_OK : onnx_set_ints(r, n, "axes", ones, count);
}

static enum err read_unsqueeze(struct onnx_reader *r, struct onnx_node *n)
{
    const int64_t *axes = NULL;
    size_t count = 0;

    TRY(read_axes(r, n, &axes, &count));
    n->is_identity = axes && count == 0;
    return n->is_identity ? ERR_OK : onnx_set_ints(r, n, "axes", axes, count);
}

static enum err read_flatten(struct onnx_reader *r, struct onnx_node *n)
{
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = onnx_attr_int(n, "axis", 1);
    return onnx_take_input(r, n, 0);
}

/* ---- tril, triu ---- */

static enum err write_triangle(struct onnx_writer *w)
{
    static const struct shape scalar = {0};
    int64_t k = onnx_attribute(w, "k")->i[0];
    struct tensor t = tensor_new(w->arena, DTYPE_I64, &scalar);

    TRY(onnx_write_plain(w));
    if (k != 0) {
        *(int64_t *)t.data = k;
        onnx_put_const(w, "k", &t);
    }
    onnx_put_int(w, "upper", strcmp(w->node->op_name, "triu") == 0);
    return ERR_OK;
}

static enum err read_triangle(struct onnx_reader *r, struct onnx_node *n)
{
    bool is_upper = onnx_attr_int(n, "upper", 1) != 0;
    static const int64_t zero = 0;
    const int64_t *k = &zero;
    size_t count = 1;

    n->form = onnx_form_of_op(is_upper ? "triu" : "tril");
    TRY(onnx_take_input(r, n, 0));
    if (onnx_has_input(n, 1)) {
        TRY(onnx_int64_list(r, n, 1, &k, &count));
    }
    if (count != 1) {
        return onnx_refuse(r, n, ERR_INPUT, "k has %zu values", count);
    }
    onnx_set_attr(n, "k", ATTR_INT)->i[0] = *k;
    return ERR_OK;
}

/* ---- depth_to_space, space_to_depth ---- */

/* First opset with the attribute mode; before it DCR is meant. */
static int mode_since(const struct onnx_form *form)
{
    return strcmp(form->op, "depth_to_space") == 0 ? 11 : 28;
}

/* SpaceToDepth in the order of channels first, as Reshape, Transpose, Reshape: x[N, C, H, b, W, b]
 * to y[N, C, b, b, H, W]. */
static enum err write_channels_first(struct onnx_writer *w)
{
    const struct shape *y = &onnx_result(w)->shape;
    int64_t b = onnx_attribute(w, "blocksize")->i[0];
    const int64_t split[] = {y->dim[0], y->dim[1] / (b * b), y->dim[2], b, y->dim[3], b};
    struct tensor parts = onnx_ints_tensor(w, split, ARRAY_SIZE(split));
    struct tensor joined = onnx_ints_tensor(w, y->dim, (size_t)y->rank);

    onnx_begin_step(w, "Reshape");
    onnx_put_input(w, w->node->in[0]);
    onnx_put_const(w, "parts", &parts);
    const char *blocks = onnx_end_step(w, "blocks");
    onnx_begin_step(w, "Transpose");
    onnx_put_name(w, blocks);
    onnx_put_ints(w, "perm", (const int64_t[]){0, 1, 3, 5, 2, 4}, ARRAY_SIZE(split));
    const char *moved = onnx_end_step(w, "moved");
    onnx_become(w, "Reshape");
    onnx_put_name(w, moved);
    onnx_put_const(w, "shape", &joined);
    return ERR_OK;
}

static enum err write_blocks(struct onnx_writer *w)
{
    const char *mode = onnx_attribute(w, "mode")->text;
    bool has_mode = w->version.opset >= mode_since(w->form);

    if (!has_mode && strcmp(mode, "DCR") != 0) {
        if (strcmp(w->node->op_name, "space_to_depth") == 0 &&
            shape_numel(&onnx_result(w)->shape) > 0) { /* 0 copies a dim */
            return write_channels_first(w);
        }
        return err_set(ERR_UNSUPPORTED, "%s: %s has no mode %s before opset %d",
                       onnx_result(w)->name, w->form->type, mode, mode_since(w->form));
    }
    if (has_mode) {
        onnx_put_text(w, "mode", mode);
    }
    onnx_put_int(w, "blocksize", onnx_attribute(w, "blocksize")->i[0]);
    return onnx_write_plain(w);
}

static enum err read_blocks(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *mode =
        r->opset >= mode_since(n->form) ? onnx_attr(n, "mode", ONNX_STRING) : NULL;
    const char *text = mode ? onnx_text(r, mode) : "DCR";

    onnx_set_attr(n, "mode", ATTR_TEXT)->text = text;
    onnx_set_attr(n, "blocksize", ATTR_INT)->i[0] = onnx_attr_int(n, "blocksize", 0);
    return onnx_take_input(r, n, 0);
}

/* ---- shape ---- */

static enum err write_shape(struct onnx_writer *w)
{
    int64_t start = onnx_attribute(w, "start")->i[0], end = onnx_attribute(w, "end")->i[0];
    int64_t rank = onnx_writer_operand(w, 0)->shape.rank;
    bool is_whole = (start == 0 || start == -rank) && end == rank;

    if (!is_whole && w->version.opset < 15) {
        return err_set(ERR_UNSUPPORTED, "%s: Shape gives all dims before opset 15",
                       onnx_result(w)->name);
    }
    if (w->version.opset >= 15 && (start != 0 || end != rank)) {
        onnx_put_int(w, "start", start);
        onnx_put_int(w, "end", end);
    }
    return onnx_write_plain(w);
}

static int64_t clamped_place(int64_t place, int64_t rank)
{
    place = place < -rank ? 0 : place < 0 ? place + rank : place;
    return place > rank ? rank : place;
}

/* start and end are clamped; past the end there is nothing. What is right as it is stays. */
static enum err read_shape(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t start = r->opset >= 15 ? onnx_attr_int(n, "start", 0) : 0;

    TRY(onnx_take_input(r, n, 0));
    int64_t rank = onnx_operand(r, n, 0)->shape.rank;
    int64_t end = r->opset >= 15 ? onnx_attr_int(n, "end", rank) : rank;
    int64_t first = clamped_place(start, rank), stop = clamped_place(end, rank);
    bool is_empty = first >= stop;
    bool is_plain = first <= stop && start >= -rank && start <= rank && end >= -rank && end <= rank;
    onnx_set_attr(n, "start", ATTR_INT)->i[0] = is_plain ? start : is_empty ? 0 : first;
    onnx_set_attr(n, "end", ATTR_INT)->i[0] = is_plain ? end : is_empty ? 0 : stop;
    return ERR_OK;
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
    {"expand", "Expand", write_expand, read_expand,
     TYPES({8, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"tile", "Tile", write_tile, read_tile, TYPES({6, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"squeeze", "Squeeze", write_squeeze, read_squeeze, .input_since = 13,
     TYPES({1, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"unsqueeze", "Unsqueeze", write_unsqueeze, read_unsqueeze, .input_since = 13,
     TYPES({1, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"flatten", "Flatten", onnx_write_axis, read_flatten,
     TYPES({1, SAME(FLOATS_OLD)}, {9, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"tril", "Trilu", write_triangle, read_triangle, TYPES({14, SAME(DT_ALL)})},
    {"triu", "Trilu", write_triangle, read_triangle, TYPES({14, SAME(DT_ALL)})},
    {"depth_to_space", "DepthToSpace", write_blocks, read_blocks,
     TYPES({1, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"space_to_depth", "SpaceToDepth", write_blocks, read_blocks,
     TYPES({1, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"shape", "Shape", write_shape, read_shape,
     TYPES({1, {DT_ALL & ~BF}, {DT(I64)}}, {13, {DT_ALL}, {DT(I64)}})},
    {"size", "Size", onnx_write_plain, onnx_read_plain,
     TYPES({1, {DT_ALL & ~BF}, {DT(I64)}}, {13, {DT_ALL}, {DT(I64)}})},
    {0},
};
