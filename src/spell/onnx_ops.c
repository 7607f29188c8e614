/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX's spellings of the catalogue as two tables: one form an op (name, the two directions), and
 * one row for each opset at which an op's type constraints change. The rows were written from the
 * operator schemas (onnx.defs) and tests/onnx_schemas.py holds them against it. A row is in force
 * from its opset to the op's next row; below an op's first row it has no form here.
 */
#include "spell/onnx_internal.h"

#include <string.h>

static const struct onnx_form onnx_forms[] = {
    {"add", "Add", onnx_write_plain, onnx_read_plain},
    {"mul", "Mul", onnx_write_plain, onnx_read_plain},
    {"div", "Div", onnx_write_plain, onnx_read_plain},
    {"neg", "Neg", onnx_write_plain, onnx_read_plain},
    {"relu", "Relu", onnx_write_plain, onnx_read_plain},
    {"exp", "Exp", onnx_write_plain, onnx_read_plain},
    {"log", "Log", onnx_write_plain, onnx_read_plain},
    {"sqrt", "Sqrt", onnx_write_plain, onnx_read_plain},
    {"tan", "Tan", onnx_write_plain, onnx_read_plain},
    {"floor", "Floor", onnx_write_plain, onnx_read_plain},
    {"cast", "Cast", onnx_write_cast, onnx_read_cast},
    {"less", "Less", onnx_write_plain, onnx_read_plain},
    {"where", "Where", onnx_write_plain, onnx_read_plain},
    {"clip", "Clip", onnx_write_clip, onnx_read_clip, .input_since = 11},
    {"reduce_sum", "ReduceSum", onnx_write_reduce, onnx_read_reduce, .input_since = 13},
    {"reduce_max", "ReduceMax", onnx_write_reduce, onnx_read_reduce, .input_since = 18},
    {"arg_max", "ArgMax", onnx_write_arg_max, onnx_read_arg_max},
    {"softmax", "Softmax", onnx_write_axis, onnx_read_softmax},
    {"matmul", "MatMul", onnx_write_plain, onnx_read_plain},
    {"conv2d", "Conv", onnx_write_conv, onnx_read_conv},
    {"transpose", "Transpose", onnx_write_transpose, onnx_read_transpose},
    {"reshape", "Reshape", onnx_write_reshape, onnx_read_reshape},
    {"concat", "Concat", onnx_write_axis, onnx_read_axis},
    {"gather", "Gather", onnx_write_axis, onnx_read_axis},
};

/* Which dtypes the first input, the other inputs and the outputs may have from an opset on. */
struct types {
    const char *op;
    int since;
    dtype_set first, rest, out;
};

#define FLOATS_OLD (DT(F16) | DT(F32) | DT(F64))
#define WIDE_INTS (DT(I32) | DT(I64) | DT(U32))
#define BF (DT(BF16))
#define INDICES (DT(I32) | DT(I64))
#define SAME(set) (set), (set), (set)

static const struct types onnx_types[] = {
    {"add", 7, SAME(FLOATS_OLD | WIDE_INTS)},
    {"add", 13, SAME(DT_FLOATS | WIDE_INTS)},
    {"add", 14, SAME(DT_NUMBERS)},
    {"mul", 7, SAME(FLOATS_OLD | WIDE_INTS)},
    {"mul", 13, SAME(DT_FLOATS | WIDE_INTS)},
    {"mul", 14, SAME(DT_NUMBERS)},
    {"div", 7, SAME(FLOATS_OLD | WIDE_INTS)},
    {"div", 13, SAME(DT_FLOATS | WIDE_INTS)},
    {"div", 14, SAME(DT_NUMBERS)},
    {"neg", 6, SAME(FLOATS_OLD | DT_SIGNED)},
    {"neg", 13, SAME(DT_FLOATS | DT_SIGNED)},
    {"relu", 6, SAME(FLOATS_OLD)},
    {"relu", 13, SAME(DT_FLOATS)},
    {"relu", 14, SAME(DT_FLOATS | DT_SIGNED)},
    {"exp", 6, SAME(FLOATS_OLD)},
    {"exp", 13, SAME(DT_FLOATS)},
    {"log", 6, SAME(FLOATS_OLD)},
    {"log", 13, SAME(DT_FLOATS)},
    {"sqrt", 6, SAME(FLOATS_OLD)},
    {"sqrt", 13, SAME(DT_FLOATS)},
    {"tan", 7, SAME(FLOATS_OLD)},
    {"tan", 22, SAME(DT_FLOATS)},
    {"floor", 6, SAME(FLOATS_OLD)},
    {"floor", 13, SAME(DT_FLOATS)},
    {"cast", 6, SAME(DT_ALL & ~BF)},
    {"cast", 13, SAME(DT_ALL)},
    {"less", 7, FLOATS_OLD, FLOATS_OLD, DT(BOOL)},
    {"less", 9, DT_NUMBERS & ~BF, DT_NUMBERS & ~BF, DT(BOOL)},
    {"less", 13, DT_NUMBERS, DT_NUMBERS, DT(BOOL)},
    {"where", 9, DT(BOOL), DT_ALL & ~BF, DT_ALL & ~BF},
    {"where", 16, DT(BOOL), DT_ALL, DT_ALL},
    {"clip", 6, SAME(FLOATS_OLD)},
    {"clip", 12, SAME(DT_NUMBERS & ~BF)},
    {"clip", 13, SAME(DT_NUMBERS)},
    {"reduce_sum", 1, SAME(FLOATS_OLD | WIDE_INTS)},
    {"reduce_sum", 13, SAME(DT_FLOATS | WIDE_INTS)},
    {"reduce_max", 1, SAME(FLOATS_OLD | WIDE_INTS)},
    {"reduce_max", 12, SAME(FLOATS_OLD | WIDE_INTS | DT(I8) | DT(U8))},
    {"reduce_max", 13, SAME(DT_FLOATS | WIDE_INTS | DT(I8) | DT(U8))},
    {"reduce_max", 20, SAME(DT_FLOATS | WIDE_INTS | DT(I8) | DT(U8) | DT(BOOL))},
    {"arg_max", 1, DT_NUMBERS & ~BF, 0, DT(I64)},
    {"arg_max", 13, DT_NUMBERS, 0, DT(I64)},
    /* Before 13 softmax worked on a flattened matrix: another op but where the axis is the last,
     * which dtypes do not say. */
    {"softmax", 13, SAME(DT_FLOATS)},
    {"matmul", 1, SAME(FLOATS_OLD)},
    {"matmul", 9, SAME(FLOATS_OLD | WIDE_INTS)},
    {"matmul", 13, SAME(DT_FLOATS | WIDE_INTS)},
    {"conv2d", 1, SAME(FLOATS_OLD)},
    {"conv2d", 22, SAME(DT_FLOATS)},
    {"transpose", 1, SAME(DT_ALL & ~BF)},
    {"transpose", 13, SAME(DT_ALL)},
    {"reshape", 5, SAME(DT_ALL & ~BF)},
    {"reshape", 13, SAME(DT_ALL)},
    {"concat", 4, SAME(DT_ALL & ~BF)},
    {"concat", 13, SAME(DT_ALL)},
    /* Indices below zero count from the end since 11. */
    {"gather", 11, DT_ALL & ~BF, INDICES, DT_ALL & ~BF},
    {"gather", 13, DT_ALL, INDICES, DT_ALL},
};

const struct onnx_form *onnx_form_of_op(const char *op)
{
    for (size_t i = 0; i < ARRAY_SIZE(onnx_forms); i++) {
        if (strcmp(onnx_forms[i].op, op) == 0) {
            return &onnx_forms[i];
        }
    }
    return NULL;
}

const struct onnx_form *onnx_form_of_type(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(onnx_forms); i++) {
        if (strcmp(onnx_forms[i].type, type) == 0) {
            return &onnx_forms[i];
        }
    }
    return NULL;
}

static const struct types *types_at(const char *op, int opset)
{
    const struct types *found = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(onnx_types); i++) {
        if (strcmp(onnx_types[i].op, op) == 0 && onnx_types[i].since <= opset) {
            found = &onnx_types[i];
        }
    }
    return found;
}

bool onnx_can_spell(const struct op *op, int opset, const enum dtype *in, size_t n_in,
                    const enum dtype *out, size_t n_out)
{
    const struct types *t = types_at(op->name, opset);

    if (!t || opset < ONNX_OPSET_MIN || opset > ONNX_OPSET_MAX) {
        return false;
    }
    for (size_t k = 0; k < n_in; k++) {
        if (in[k] != DTYPE_NONE && !dtype_in(in[k], k == 0 ? t->first : t->rest)) {
            return false;
        }
    }
    for (size_t o = 0; o < n_out; o++) {
        if (!dtype_in(out[o], t->out)) {
            return false;
        }
    }
    return true;
}
