/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of matmul and the convolutions. */
#include "spell/onnx_internal.h"

static enum err write_conv(struct onnx_writer *w)
{
    static const char *const lists[] = {"strides", "pads", "dilations"};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const struct attr *a = onnx_attribute(w, lists[i]);
        onnx_put_ints(w, lists[i], a->i, a->n);
    }
    onnx_put_int(w, "group", onnx_attribute(w, "group")->i[0]);
    onnx_put_ints(w, "kernel_shape", &onnx_writer_operand(w, 1)->shape.dim[2], 2);
    return onnx_write_plain(w);
}

static enum err read_conv(struct onnx_reader *r, struct onnx_node *n)
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
    TRY(onnx_ints_of(r, n, "strides", 2, 1, strides));
    TRY(onnx_ints_of(r, n, "dilations", 2, 1, dilations));
    TRY(onnx_ints_of(r, n, "pads", 4, 0, pads));
    TRY(onnx_ints_of(r, n, "kernel_shape", 2, -1, kernel));
    for (int d = 0; d < 2; d++) {
        if (kernel[d] != -1 && kernel[d] != w->dim[2 + d]) {
            return onnx_refuse(r, n, ERR_INPUT, "kernel_shape is not the weight's");
        }
    }
    TRY(onnx_auto_pads(r, n, 2, &x->dim[2], &w->dim[2], strides, dilations, pads));
    TRY(onnx_set_ints(r, n, "strides", strides, 2));
    TRY(onnx_set_ints(r, n, "pads", pads, 4));
    TRY(onnx_set_ints(r, n, "dilations", dilations, 2));
    onnx_set_attr(n, "group", ATTR_INT)->i[0] = onnx_attr_int(n, "group", 1);
    return ERR_OK;
}

/* ---- the table ---- */

const struct onnx_form onnx_linear[] = {
    {"matmul", "MatMul", onnx_write_plain, onnx_read_plain,
     TYPES({1, SAME(FLOATS_OLD)}, {9, SAME(FLOATS_OLD | WIDE_INTS)},
           {13, SAME(DT_FLOATS | WIDE_INTS)})},
    {"conv2d", "Conv", write_conv, read_conv, TYPES({1, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {0},
};
