/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors as ONNX's TensorProto and back. Written ones carry raw_data, which holds the elements as
 * ours do; read ones may carry typed fields, where narrow types lie in int32_data by their bits.
 */
#include "spell/onnx_internal.h"

#include <string.h>

/* TensorProto.DataType of each dtype. */
static const int32_t data_types[DTYPE_COUNT] = {
    [DTYPE_BOOL] = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL,
    [DTYPE_I8] = ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
    [DTYPE_U8] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
    [DTYPE_I16] = ONNX__TENSOR_PROTO__DATA_TYPE__INT16,
    [DTYPE_U16] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT16,
    [DTYPE_I32] = ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
    [DTYPE_U32] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT32,
    [DTYPE_I64] = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
    [DTYPE_F16] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16,
    [DTYPE_BF16] = ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16,
    [DTYPE_F32] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
    [DTYPE_F64] = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE,
};

int32_t onnx_dtype(enum dtype d)
{
    return data_types[d];
}

enum dtype onnx_dtype_parse(int32_t data_type)
{
    for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        if (data_types[d] == data_type) {
            return d;
        }
    }
    return DTYPE_NONE;
}

Onnx__TensorProto *onnx_tensor_make(struct arena *arena, const char *name, const struct tensor *t)
{
    Onnx__TensorProto *proto = arena_alloc(arena, sizeof *proto);

    onnx__tensor_proto__init(proto);
    proto->name = arena_strdup(arena, name);
    proto->has_data_type = 1;
    proto->data_type = onnx_dtype(t->dtype);
    proto->n_dims = (size_t)t->shape.rank;
    proto->dims = arena_copy(arena, t->shape.dim, proto->n_dims * sizeof *proto->dims);
    proto->has_raw_data = 1;
    proto->raw_data.len = tensor_size(t);
    proto->raw_data.data = t->data;
    return proto;
}

/* The typed field of this dtype: how many elements it has, and one of them as bits. */
static size_t typed_count(const Onnx__TensorProto *proto, enum dtype d)
{
    if (d == DTYPE_F32) {
        return proto->n_float_data;
    }
    if (d == DTYPE_F64) {
        return proto->n_double_data;
    }
    if (d == DTYPE_I64) {
        return proto->n_int64_data;
    }
    return d == DTYPE_U32 ? proto->n_uint64_data : proto->n_int32_data;
}

static void typed_copy(const Onnx__TensorProto *proto, enum dtype d, size_t n, void *data)
{
    uint8_t *to = data;

    for (size_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        if (d == DTYPE_F32) {
            memcpy(&bits, &proto->float_data[i], sizeof(float));
        } else if (d == DTYPE_F64) {
            memcpy(&bits, &proto->double_data[i], sizeof(double));
        } else if (d == DTYPE_I64) {
            bits = (uint64_t)proto->int64_data[i];
        } else if (d == DTYPE_U32) {
            bits = proto->uint64_data[i];
        } else {
            bits = (uint64_t)proto->int32_data[i];
        }
        memcpy(to + i * dtype_size(d), &bits, dtype_size(d)); /* little endian */
    }
}

static enum err parse_shape(const Onnx__TensorProto *proto, const char *what, struct shape *shape)
{
    *shape = (struct shape){.rank = (int32_t)proto->n_dims};
    if (proto->n_dims > RANK_MAX) {
        return err_set(ERR_UNSUPPORTED, "%s has rank %zu; ranks go to %d", what, proto->n_dims,
                       RANK_MAX);
    }
    for (size_t d = 0; d < proto->n_dims; d++) {
        if (proto->dims[d] < 0) {
            return err_set(ERR_INPUT, "%s has the dim %lld", what, (long long)proto->dims[d]);
        }
        shape->dim[d] = proto->dims[d];
    }
    return ERR_OK;
}

enum err onnx_tensor_parse(const Onnx__TensorProto *proto, const char *what, struct arena *arena,
                           struct tensor *tensor)
{
    enum dtype d = onnx_dtype_parse(proto->has_data_type ? proto->data_type : 0);
    struct shape shape;

    if (d == DTYPE_NONE) {
        return err_set(ERR_UNSUPPORTED, "%s has ONNX data type %d, which has no dtype here", what,
                       proto->data_type);
    }
    if (proto->n_external_data > 0 || (proto->has_data_location && proto->data_location != 0)) {
        return err_set(ERR_UNSUPPORTED, "%s keeps its data in another file; save it inside", what);
    }
    TRY(parse_shape(proto, what, &shape));
    size_t n = shape_numel(&shape);
    size_t held = proto->has_raw_data ? proto->raw_data.len / dtype_size(d) : typed_count(proto, d);
    bool is_whole = !proto->has_raw_data || proto->raw_data.len % dtype_size(d) == 0;
    if (held != n || !is_whole) { /* also what bounds n before memory is taken */
        return err_set(ERR_INPUT, "%s holds %zu elements where its shape has %zu", what, held, n);
    }
    *tensor = tensor_new(arena, d, &shape);
    if (!proto->has_raw_data) {
        typed_copy(proto, d, n, tensor->data);
    } else if (n > 0) {
        memcpy(tensor->data, proto->raw_data.data, proto->raw_data.len);
    }
    if (d == DTYPE_BOOL) {
        for (size_t i = 0; i < n; i++) {
            ((uint8_t *)tensor->data)[i] = ((uint8_t *)tensor->data)[i] != 0;
        }
    }
    return ERR_OK;
}
