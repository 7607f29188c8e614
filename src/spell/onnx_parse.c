/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading direction of the ONNX forms: each makes inputs and attributes of a catalogue op from
 * a NodeProto, defaults of its opset included. What the catalogue cannot say is ERR_UNSUPPORTED,
 * what ONNX does not allow ERR_INPUT; shapes are checked afterwards by the op's own relation.
 */
#include "spell/onnx_internal.h"

#include <math.h>
#include <string.h>

enum err onnx_read_plain(struct onnx_reader *r, struct onnx_node *n)
{
    for (size_t k = 0; k < n->proto->n_input; k++) {
        TRY(onnx_take_input(r, n, k));
    }
    return ERR_OK;
}

enum err onnx_read_cast(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t to = onnx_attr_int(n, "to", 0);

    onnx_attr_int(n, "saturate", 1); /* of float8 only, as is round_mode */
    onnx_attr(n, "round_mode", ONNX_STRING);
    enum dtype d = to < 0 || to > INT32_MAX ? DTYPE_NONE : onnx_dtype_parse((int32_t)to);
    if (d == DTYPE_NONE) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a cast to data type %lld", (long long)to);
    }
    onnx_set_attr(n, "to", ATTR_DTYPE)->dtype = d;
    return onnx_take_input(r, n, 0);
}

/* ---- clip ---- */

static enum err read_limit(struct onnx_reader *r, struct onnx_node *n, size_t k, double *limit)
{
    static const char *const names[] = {"min", "max"};
    const struct tensor *t = NULL;

    if (r->opset < n->form->input_since) {
        const Onnx__AttributeProto *a = onnx_attr(n, names[k - 1], ONNX_FLOAT);
        if (a) {
            *limit = (double)a->f;
        }
        return ERR_OK;
    }
    if (!onnx_has_input(n, k)) {
        return ERR_OK;
    }
    TRY(onnx_const_input(r, n, k, &t));
    CHECK(t);
    if (shape_numel(&t->shape) != 1 || t->dtype != onnx_operand(r, n, 0)->dtype) {
        return onnx_refuse(r, n, ERR_INPUT, "%s must be one element of the input's dtype",
                           names[k - 1]);
    }
    real v = dtype_load(t->dtype, t->data, 0);
    if (isnan(v) || (real)(double)v != v) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a %s that no f64 holds", names[k - 1]);
    }
    *limit = (double)v;
    return ERR_OK;
}

/* "They default to numeric_limits::lowest() and numeric_limits::max()" (Clip-11, 12, 13), which f64
 * must hold. Before 11 a limit that was not given was the largest f32. */
static enum err default_limits(struct onnx_reader *r, struct onnx_node *n, double limit[2])
{
    enum dtype d = onnx_operand(r, n, 0)->dtype;
    bool is_old = r->opset < n->form->input_since && d != DTYPE_F16;
    enum dtype of = is_old ? DTYPE_F32 : d;

    limit[0] = (double)dtype_lowest(of);
    limit[1] = (double)dtype_max(of);
    if (!onnx_has_input(n, 2) && (real)limit[1] != dtype_max(of)) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "%s without a max", dtype_name(d));
    }
    return ERR_OK;
}

enum err onnx_read_clip(struct onnx_reader *r, struct onnx_node *n)
{
    double limit[2];

    TRY(onnx_take_input(r, n, 0));
    TRY(default_limits(r, n, limit));
    TRY(read_limit(r, n, 1, &limit[0]));
    TRY(read_limit(r, n, 2, &limit[1]));
    if (limit[0] > limit[1]) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "min %g lies above max %g", limit[0], limit[1]);
    }
    onnx_set_attr(n, "min", ATTR_REAL)->f = limit[0];
    onnx_set_attr(n, "max", ATTR_REAL)->f = limit[1];
    return ERR_OK;
}

/* ---- axes ---- */

static enum err int64_list(struct onnx_reader *r, struct onnx_node *n, size_t k,
                           const int64_t **values, size_t *count)
{
    const struct tensor *t = NULL;

    TRY(onnx_const_input(r, n, k, &t));
    CHECK(t);
    if (t->dtype != DTYPE_I64 || t->shape.rank > 1) {
        return onnx_refuse(r, n, ERR_INPUT, "input %zu must be a list of int64", k);
    }
    *values = t->data;
    *count = shape_numel(&t->shape);
    return ERR_OK;
}

enum err onnx_read_reduce(struct onnx_reader *r, struct onnx_node *n)
{
    static const int64_t all[RANK_MAX] = {0, 1, 2, 3, 4, 5};
    const Onnx__AttributeProto *a;
    const int64_t *axes = NULL;
    size_t count = 0;

    TRY(onnx_take_input(r, n, 0));
    if (r->opset >= n->form->input_since && onnx_has_input(n, 1)) {
        TRY(int64_list(r, n, 1, &axes, &count));
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

enum err onnx_read_arg_max(struct onnx_reader *r, struct onnx_node *n)
{
    if (onnx_attr_int(n, "select_last_index", 0) != 0) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "select_last_index");
    }
    onnx_set_attr(n, "keepdims", ATTR_BOOL)->i[0] = onnx_attr_int(n, "keepdims", 1) != 0;
    return onnx_read_axis(r, n);
}

/* Gather, ArgMax: 0 when not given; Concat must give it. */
enum err onnx_read_axis(struct onnx_reader *r, struct onnx_node *n)
{
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = onnx_attr_int(n, "axis", 0);
    if (n->proto->n_input == 0) {
        return onnx_refuse(r, n, ERR_INPUT, "no inputs");
    }
    return onnx_read_plain(r, n);
}

/* Before 13 the dims from the axis on were one: the same op only where that is the last dim. */
enum err onnx_read_softmax(struct onnx_reader *r, struct onnx_node *n)
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

/* ---- conv ---- */

static enum err conv_ints(struct onnx_reader *r, struct onnx_node *n, const char *name,
                          size_t count, int64_t otherwise, int64_t *values)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name, ONNX_INTS);

    for (size_t i = 0; i < count; i++) {
        values[i] = otherwise;
    }
    if (a && a->n_ints != count) {
        return onnx_refuse(r, n, ERR_INPUT, "%s has %zu values where %zu are needed", name,
                           a->n_ints, count);
    }
    if (a) {
        memcpy(values, a->ints, count * sizeof *values);
    }
    return ERR_OK;
}

/* SAME_*: as many outputs as inputs / stride, rounded up; the odd one goes to the end named. */
static enum err auto_pads(struct onnx_reader *r, struct onnx_node *n, const struct shape *x,
                          const struct shape *w, const int64_t *strides, const int64_t *dilations,
                          int64_t pads[4])
{
    const Onnx__AttributeProto *a = onnx_attr(n, "auto_pad", ONNX_STRING);
    const char *mode = a && a->has_s ? (const char *)a->s.data : "NOTSET";
    size_t size = a && a->has_s ? a->s.len : strlen(mode);
    bool is_upper = size == 10 && memcmp(mode, "SAME_UPPER", size) == 0;
    bool is_lower = size == 10 && memcmp(mode, "SAME_LOWER", size) == 0;

    if (size == 6 && memcmp(mode, "NOTSET", size) == 0) {
        return ERR_OK;
    }
    memset(pads, 0, 4 * sizeof *pads);
    if (size == 5 && memcmp(mode, "VALID", size) == 0) {
        return ERR_OK;
    }
    if (!is_upper && !is_lower) {
        return onnx_refuse(r, n, ERR_INPUT, "unknown auto_pad");
    }
    for (int d = 0; d < 2; d++) {
        __int128 in = x->dim[2 + d], out, span, total;
        if (strides[d] < 1 || dilations[d] < 1) {
            return onnx_refuse(r, n, ERR_INPUT, "strides and dilations must be at least 1");
        }
        out = (in + strides[d] - 1) / strides[d];
        span = (__int128)(w->dim[2 + d] - 1) * dilations[d] + 1;
        total = (out - 1) * strides[d] + span - in;
        total = total < 0 ? 0 : total;
        if (total > INT32_MAX) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "pads beyond 2^31");
        }
        pads[d] = (int64_t)(is_upper ? total / 2 : total - total / 2);
        pads[2 + d] = (int64_t)total - pads[d];
    }
    return ERR_OK;
}

enum err onnx_read_conv(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t strides[2], dilations[2], pads[4], kernel[2];

    TRY(onnx_read_plain(r, n));
    if (n->n_in < 2 || n->in[1] == VALUE_ABSENT) {
        return onnx_refuse(r, n, ERR_INPUT, "no weight");
    }
    const struct shape *x = &onnx_operand(r, n, 0)->shape, *w = &onnx_operand(r, n, 1)->shape;
    if (x->rank != 4 || w->rank != 4) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a convolution that is not of 2 dims");
    }
    TRY(conv_ints(r, n, "strides", 2, 1, strides));
    TRY(conv_ints(r, n, "dilations", 2, 1, dilations));
    TRY(conv_ints(r, n, "pads", 4, 0, pads));
    TRY(conv_ints(r, n, "kernel_shape", 2, -1, kernel));
    for (int d = 0; d < 2; d++) {
        if (kernel[d] != -1 && kernel[d] != w->dim[2 + d]) {
            return onnx_refuse(r, n, ERR_INPUT, "kernel_shape is not the weight's");
        }
    }
    TRY(auto_pads(r, n, x, w, strides, dilations, pads));
    TRY(onnx_set_ints(r, n, "strides", strides, 2));
    TRY(onnx_set_ints(r, n, "pads", pads, 4));
    TRY(onnx_set_ints(r, n, "dilations", dilations, 2));
    onnx_set_attr(n, "group", ATTR_INT)->i[0] = onnx_attr_int(n, "group", 1);
    return ERR_OK;
}

/* ---- shapes ---- */

enum err onnx_read_transpose(struct onnx_reader *r, struct onnx_node *n)
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

/* 0 copies a dim unless allowzero, one -1 takes what is left. */
enum err onnx_read_reshape(struct onnx_reader *r, struct onnx_node *n)
{
    const int64_t *asked = NULL;
    size_t rank = 0;
    struct shape to = {0};
    int open = -1;

    TRY(onnx_take_input(r, n, 0));
    TRY(int64_list(r, n, 1, &asked, &rank));
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
