/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of unary functions. */
#include "spell/onnx_internal.h"

/* ---- compositions ---- */

static enum err write_square(struct onnx_writer *w)
{
    onnx_put_input(w, w->node->in[0]);
    onnx_put_input(w, w->node->in[0]);
    return ERR_OK;
}

static enum err write_rsqrt(struct onnx_writer *w)
{
    onnx_begin_step(w, "Sqrt");
    onnx_put_input(w, w->node->in[0]);
    onnx_put_name(w, onnx_end_step(w, "sqrt"));
    return ERR_OK;
}

static enum err write_exp2(struct onnx_writer *w)
{
    const struct shape scalar = {.rank = 0};
    enum dtype d = onnx_writer_operand(w, 0)->dtype;
    struct tensor two = tensor_new(w->arena, d, &scalar);

    if (d == DTYPE_BF16 && w->version.opset < 15) {
        return err_set(ERR_UNSUPPORTED, "%s: before opset 15 no exponent of Pow is bf16",
                       onnx_result(w)->name);
    }
    dtype_store(d, two.data, 0, 2);
    onnx_put_const(w, "base", &two);
    onnx_put_input(w, w->node->in[0]);
    return ERR_OK;
}

/* ---- is_inf ---- */

static const char *const detects[] = {"detect_negative", "detect_positive"};

static enum err write_is_inf(struct onnx_writer *w)
{
    for (size_t i = 0; i < ARRAY_SIZE(detects); i++) {
        onnx_put_int(w, detects[i], onnx_attribute(w, detects[i])->i[0]);
    }
    return onnx_write_plain(w);
}

static enum err read_is_inf(struct onnx_reader *r, struct onnx_node *n)
{
    for (size_t i = 0; i < ARRAY_SIZE(detects); i++) {
        onnx_set_attr(n, detects[i], ATTR_BOOL)->i[0] = onnx_attr_int(n, detects[i], 1) != 0;
    }
    return onnx_take_input(r, n, 0);
}

/* ---- the table ---- */

/* Floats at first, bfloat16 since 13 or 22. */
#define FLOATS_SINCE(first, bf16_since)                                                            \
    TYPES({first, SAME(FLOATS_OLD)}, {bf16_since, SAME(DT_FLOATS)})

/* Composed and so not read: square, rsqrt, exp2. Without a form, for want of one as exact: trunc,
 * expm1, log2, log1p. */
const struct onnx_form onnx_math[] = {
    {"abs", "Abs", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD | DT_INTS)}, {13, SAME(DT_NUMBERS)})},
    {"sign", "Sign", onnx_write_plain, onnx_read_plain,
     TYPES({9, SAME(FLOATS_OLD | DT_INTS)}, {13, SAME(DT_NUMBERS)})},
    {"ceil", "Ceil", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(6, 13)},
    {"round", "Round", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(11, 22)},
    {"square", "Mul", write_square, NULL,
     TYPES({7, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)},
           {14, SAME(DT_NUMBERS)})},
    {"reciprocal", "Reciprocal", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(6, 13)},
    {"rsqrt", "Reciprocal", write_rsqrt, NULL, FLOATS_SINCE(6, 13)},
    {"exp2", "Pow", write_exp2, NULL,
     TYPES({7, SAME(FLOATS_OLD)}, {12, SAME(FLOATS_OLD | INDICES)},
           {13, SAME(DT_FLOATS | INDICES)})},
    {"sin", "Sin", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(7, 22)},
    {"cos", "Cos", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(7, 22)},
    {"asin", "Asin", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(7, 22)},
    {"acos", "Acos", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(7, 22)},
    {"atan", "Atan", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(7, 22)},
    {"sinh", "Sinh", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(9, 22)},
    {"cosh", "Cosh", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(9, 22)},
    {"tanh", "Tanh", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(6, 13)},
    {"asinh", "Asinh", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(9, 22)},
    {"acosh", "Acosh", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(9, 22)},
    {"atanh", "Atanh", onnx_write_plain, onnx_read_plain, FLOATS_SINCE(9, 22)},
    {"erf", "Erf", onnx_write_plain, onnx_read_plain,
     TYPES({9, SAME(FLOATS_OLD | DT_INTS)}, {13, SAME(DT_FLOATS)})},
    {"is_nan", "IsNaN", onnx_write_plain, onnx_read_plain,
     TYPES({9, {FLOATS_OLD}, {DT(BOOL)}}, {13, {DT_FLOATS}, {DT(BOOL)}})},
    {"is_inf", "IsInf", write_is_inf, read_is_inf,
     TYPES({10, {DT(F32) | DT(F64)}, {DT(BOOL)}}, {20, {DT_FLOATS}, {DT(BOOL)}})},
    {0},
};
