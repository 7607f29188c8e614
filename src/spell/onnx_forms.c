/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing direction of the ONNX forms: each fills the NodeProto of the node at hand with inputs
 * and attributes as the model's opset wants them. Output names are there already.
 */
#include "spell/onnx_internal.h"

#include <math.h>
#include <string.h>

static const struct attr *attribute(const struct onnx_writer *w, const char *name)
{
    const struct attr *a = node_attr(w->node, name);
    if (!a) {
        BUG("%s has no attribute %s", w->node->op_name, name);
    }
    return a;
}

static const struct value *operand(const struct onnx_writer *w, uint32_t k)
{
    return &w->program->values[w->node->in[k]];
}

static const struct value *result(const struct onnx_writer *w)
{
    return &w->program->values[w->node->out[0]];
}

static struct tensor ints_tensor(const struct onnx_writer *w, const int64_t *values, size_t n)
{
    const struct shape shape = {.rank = 1, .dim = {(int64_t)n}};
    struct tensor t = tensor_new(w->arena, DTYPE_I64, &shape);

    memcpy(t.data, values, n * sizeof *values);
    return t;
}

/* Axes below zero count from the end since 11. */
static int64_t axis_at(const struct onnx_writer *w, int64_t axis)
{
    return w->version.opset < 11 && axis < 0 ? axis + operand(w, 0)->shape.rank : axis;
}

static bool as_input(const struct onnx_writer *w)
{
    return w->version.opset >= w->form->input_since;
}

enum err onnx_write_plain(struct onnx_writer *w)
{
    for (uint32_t k = 0; k < w->node->n_in; k++) {
        onnx_put_input(w, w->node->in[k]);
    }
    return ERR_OK;
}

enum err onnx_write_cast(struct onnx_writer *w)
{
    onnx_put_int(w, "to", onnx_dtype(attribute(w, "to")->dtype));
    return onnx_write_plain(w);
}

static void put_limit(struct onnx_writer *w, const char *name)
{
    const struct shape scalar = {.rank = 0};
    enum dtype d = operand(w, 0)->dtype;
    double limit = attribute(w, name)->f;

    /* An absent limit is the largest finite value by the operator's text, so infinity is said. */
    if (isinf(limit) && !dtype_is_float(d)) {
        onnx_put_input(w, VALUE_ABSENT);
        return;
    }
    struct tensor t = tensor_new(w->arena, d, &scalar);
    dtype_store(d, t.data, 0, (real)limit);
    onnx_put_const(w, name, &t);
}

enum err onnx_write_clip(struct onnx_writer *w)
{
    static const char *const names[] = {"min", "max"};

    TRY(onnx_write_plain(w));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        double limit = attribute(w, names[i])->f;
        if (as_input(w)) {
            put_limit(w, names[i]);
        } else if (!isinf(limit) && (double)(float)limit != limit) {
            return err_set(ERR_UNSUPPORTED,
                           "%s: before opset 11 Clip's %s is a float, %.17g is not",
                           result(w)->name, names[i], limit);
        } else { /* absent ones would be the largest floats, not infinite */
            onnx_put_float(w, names[i], (float)limit);
        }
    }
    return ERR_OK;
}

enum err onnx_write_reduce(struct onnx_writer *w)
{
    const struct attr *axes = attribute(w, "axes");
    int64_t at[ATTR_VALUES_MAX];

    for (size_t i = 0; i < axes->n; i++) {
        at[i] = axis_at(w, axes->i[i]);
    }
    TRY(onnx_write_plain(w));
    if (axes->n == 0) { /* rank 0: no axes given means all */
        CHECK(operand(w, 0)->shape.rank == 0);
    } else if (as_input(w)) {
        struct tensor t = ints_tensor(w, at, axes->n);
        onnx_put_const(w, "axes", &t);
    } else {
        onnx_put_ints(w, "axes", at, axes->n);
    }
    onnx_put_int(w, "keepdims", attribute(w, "keepdims")->i[0]);
    return ERR_OK;
}

enum err onnx_write_axis(struct onnx_writer *w)
{
    onnx_put_int(w, "axis", axis_at(w, attribute(w, "axis")->i[0]));
    return onnx_write_plain(w);
}

enum err onnx_write_arg_max(struct onnx_writer *w)
{
    onnx_put_int(w, "keepdims", attribute(w, "keepdims")->i[0]);
    return onnx_write_axis(w);
}

enum err onnx_write_conv(struct onnx_writer *w)
{
    static const char *const lists[] = {"strides", "pads", "dilations"};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const struct attr *a = attribute(w, lists[i]);
        onnx_put_ints(w, lists[i], a->i, a->n);
    }
    onnx_put_int(w, "group", attribute(w, "group")->i[0]);
    onnx_put_ints(w, "kernel_shape", &operand(w, 1)->shape.dim[2], 2);
    return onnx_write_plain(w);
}

enum err onnx_write_transpose(struct onnx_writer *w)
{
    const struct attr *perm = attribute(w, "perm");

    onnx_put_ints(w, "perm", perm->i, perm->n);
    return onnx_write_plain(w);
}

/* A dim of 0 means "as in the input at that place" unless allowzero, which came with 14. */
enum err onnx_write_reshape(struct onnx_writer *w)
{
    const struct shape *to = &result(w)->shape, *from = &operand(w, 0)->shape;
    bool has_zero = false, is_kept = true;

    for (int d = 0; d < to->rank; d++) {
        has_zero = has_zero || to->dim[d] == 0;
        is_kept = is_kept && (to->dim[d] != 0 || (d < from->rank && from->dim[d] == 0));
    }
    struct tensor t = ints_tensor(w, to->dim, (size_t)to->rank);
    TRY(onnx_write_plain(w));
    onnx_put_const(w, "shape", &t);
    if (has_zero && w->version.opset >= 14) {
        onnx_put_int(w, "allowzero", 1);
    } else if (!is_kept) {
        return err_set(ERR_UNSUPPORTED, "%s: Reshape to a dim of 0 has no form before opset 14",
                       result(w)->name);
    }
    return ERR_OK;
}
