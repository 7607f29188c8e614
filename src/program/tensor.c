/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and tensors. Two tensors with equal bits but for their NaNs are the same, also to the
 * hash: which NaN a library makes is nobody's promise. */
#include "program/program.h"

#include <string.h>

size_t shape_numel(const struct shape *shape)
{
    size_t numel = 1;
    bool overflow = false;
    for (int32_t i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0) {
            return SIZE_MAX;
        }
        if (shape->dim[i] == 0) {
            return 0;
        }
        overflow |= __builtin_mul_overflow(numel, (size_t)shape->dim[i], &numel);
    }
    return overflow ? SIZE_MAX : numel;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
    if (a->rank != b->rank) {
        return false;
    }
    for (int32_t i = 0; i < a->rank; i++) {
        if (a->dim[i] != b->dim[i]) {
            return false;
        }
    }
    return true;
}

void shape_print(const struct shape *shape, struct buffer *buffer)
{
    buffer_puts(buffer, "[");
    for (int32_t i = 0; i < shape->rank; i++) {
        buffer_printf(buffer, i ? ",%lld" : "%lld", (long long)shape->dim[i]);
    }
    buffer_puts(buffer, "]");
}

size_t tensor_size(const struct tensor *tensor)
{
    size_t numel = shape_numel(&tensor->shape);
    size_t size;
    if (__builtin_mul_overflow(numel, dtype_size(tensor->dtype), &size)) {
        return SIZE_MAX;
    }
    return size;
}

struct tensor tensor_new(struct arena *arena, enum dtype dtype, const struct shape *shape)
{
    struct tensor tensor = {.dtype = dtype, .shape = *shape};
    tensor.data = arena_zalloc(arena, tensor_size(&tensor));
    return tensor;
}

/* Bytes that are made canonical at a time; a multiple of every element size. */
enum { BLOCK = 4096 };

#define CANONICAL_LOOP(type, condition, replacement)                                               \
    do {                                                                                           \
        type *e = data;                                                                            \
        for (size_t i = 0; i < size / sizeof(type); i++) {                                         \
            type x = e[i];                                                                         \
            e[i] = (condition) ? (type)(replacement) : x;                                          \
        }                                                                                          \
    } while (0)

/* One pattern for NaN, one for true. */
static void make_canonical(enum dtype dtype, void *data, size_t size)
{
    if (dtype == DTYPE_BOOL) {
        CANONICAL_LOOP(uint8_t, x != 0, 1);
    } else if (dtype == DTYPE_F16) {
        CANONICAL_LOOP(uint16_t, (x & 0x7fff) > 0x7c00, 0x7e00);
    } else if (dtype == DTYPE_BF16) {
        CANONICAL_LOOP(uint16_t, (x & 0x7fff) > 0x7f80, 0x7fc0);
    } else if (dtype == DTYPE_F32) {
        CANONICAL_LOOP(uint32_t, (x & 0x7fffffff) > 0x7f800000, 0x7fc00000);
    } else if (dtype == DTYPE_F64) {
        CANONICAL_LOOP(uint64_t, (x & INT64_MAX) > UINT64_C(0x7ff0000000000000),
                       UINT64_C(0x7ff8000000000000));
    }
}

static size_t canonical_block(enum dtype dtype, const void *data, size_t size, void *block)
{
    if (size > BLOCK) {
        size = BLOCK;
    }
    memcpy(block, data, size);
    make_canonical(dtype, block, size);
    return size;
}

bool tensor_equal(const struct tensor *a, const struct tensor *b)
{
    if (a->dtype != b->dtype || !shape_equal(&a->shape, &b->shape)) {
        return false;
    }
    size_t size = tensor_size(a);
    if (size == 0 || memcmp(a->data, b->data, size) == 0) {
        return true;
    }
    if (dtype_is_int(a->dtype)) {
        return false;
    }
    _Alignas(16) unsigned char block_a[BLOCK], block_b[BLOCK];
    for (size_t at = 0, n; at < size; at += n) {
        n = canonical_block(a->dtype, (const char *)a->data + at, size - at, block_a);
        canonical_block(b->dtype, (const char *)b->data + at, size - at, block_b);
        if (memcmp(block_a, block_b, n) != 0) {
            return false;
        }
    }
    return true;
}

uint64_t tensor_hash(const struct tensor *tensor, uint64_t seed)
{
    uint64_t hash = hash_mix((uint64_t)tensor->dtype, seed);
    hash = hash_bytes(tensor->shape.dim, sizeof(int64_t) * (size_t)tensor->shape.rank, hash);
    size_t size = tensor_size(tensor);
    _Alignas(16) unsigned char block[BLOCK];
    for (size_t at = 0, n; at < size; at += n) {
        n = canonical_block(tensor->dtype, (const char *)tensor->data + at, size - at, block);
        hash = hash_bytes(block, n, hash);
    }
    return hash;
}

struct tensor value_tensor(const struct value *v)
{
    return (struct tensor){v->dtype, v->shape, (void *)(uintptr_t)v->data};
}
