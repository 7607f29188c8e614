/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors as Python source that gives the same bits back: literals where they are few and read
 * back, base64 elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "spell/spell_internal.h"

enum {
    LITERAL_ELEMENTS = 64, /* more are not read by people: base64 */
    WIDTH = 88,
};

void python_base64(struct buffer *out, const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = 0;
        size_t n = size - i < 3 ? size - i : 3;
        for (size_t k = 0; k < 3; k++) {
            three = three << 8 | (k < n ? bytes[i + k] : 0);
        }
        char four[4];
        for (size_t k = 0; k < 4; k++) {
            four[k] = k <= n ? digits[three >> (18 - 6 * k) & 63] : '=';
        }
        if (i / 3 * 4 % WIDTH == 0) {
            buffer_puts(out, "\n");
        }
        buffer_append(out, four, sizeof four);
    }
    buffer_puts(out, "\n");
}

void python_shape(struct buffer *out, const struct shape *s)
{
    buffer_puts(out, "(");
    for (int d = 0; d < s->rank; d++) {
        buffer_printf(out, "%lld%s", (long long)s->dim[d], d + 1 < s->rank ? ", " : "");
    }
    buffer_puts(out, s->rank == 1 ? ",)" : ")");
}

void python_element(struct buffer *out, const struct tensor *t, size_t i)
{
    real v = dtype_load(t->dtype, t->data, i);
    if (t->dtype == DTYPE_BOOL) {
        buffer_puts(out, v != 0 ? "True" : "False");
    } else {
        size_t start = out->size;
        dtype_print_value(t->dtype, v, out);
        if (strcmp(out->data + start, "-0") == 0) { /* as Python reads it, an integer */
            buffer_puts(out, ".0");
        }
    }
}

/* Does the text of every element, read as Python reads it, give the same bits? */
static bool reads_back(const struct tensor *t)
{
    struct buffer text = BUFFER_INIT;
    size_t n = shape_numel(&t->shape), size = dtype_size(t->dtype);
    bool same = true;

    for (size_t i = 0; same && dtype_is_float(t->dtype) && i < n; i++) {
        uint64_t bits = 0;
        buffer_clear(&text);
        python_element(&text, t, i);
        double v = strtod(text.data, NULL);
        dtype_store(t->dtype, &bits, 0, t->dtype == DTYPE_BF16 ? (real)(float)v : (real)v);
        same = memcmp(&bits, (const uint8_t *)t->data + i * size, size) == 0;
    }
    buffer_release(&text);
    return same;
}

static const char *numpy_dtype(enum dtype d)
{
    return d == DTYPE_BOOL ? "bool_" : d == DTYPE_BF16 ? "uint16" : python_dtype(d);
}

/* "1, 0.5, ...", in lines. */
void python_elements(struct buffer *out, const struct tensor *t)
{
    size_t n = shape_numel(&t->shape), line = out->size;

    for (size_t i = 0; i < n; i++) {
        python_element(out, t, i);
        buffer_puts(out, i + 1 < n ? ", " : "");
        if (out->size - line > WIDTH - 24 && i + 1 < n) {
            buffer_puts(out, "\n        ");
            line = out->size - 8;
        }
    }
}

bool python_is_literal(const struct tensor *t)
{
    return shape_numel(&t->shape) <= LITERAL_ELEMENTS && reads_back(t);
}

void python_array(struct buffer *out, const struct tensor *t)
{
    bool is_bf16 = t->dtype == DTYPE_BF16;

    if (!python_is_literal(t)) {
        buffer_puts(out, "packed(\"\"\"");
        python_base64(out, t->data, tensor_size(t));
        buffer_printf(out, "\"\"\", np.%s, ", numpy_dtype(t->dtype));
        python_shape(out, &t->shape);
        buffer_puts(out, ")");
        return;
    }
    const char *open = t->shape.rank == 0 ? "" : "[", *close = t->shape.rank == 0 ? "" : "]";
    buffer_printf(out, "%s(%s", is_bf16 ? "bfloat16" : "np.array", open);
    python_elements(out, t);
    if (is_bf16) {
        buffer_printf(out, "%s)", close);
    } else {
        buffer_printf(out, "%s, np.%s)", close, numpy_dtype(t->dtype));
    }
    if (t->shape.rank > 1) {
        buffer_puts(out, ".reshape(");
        python_shape(out, &t->shape);
        buffer_puts(out, ")");
    }
}

/* torch.tensor([1, 2], dtype=torch.int32) */
static void put_literal(const struct tensor *t, const char *callable, const char *dtypes,
                        struct buffer *out)
{
    bool is_scalar = t->shape.rank == 0;

    buffer_printf(out, "%s(%s", callable, is_scalar ? "" : "[");
    python_elements(out, t);
    buffer_printf(out, "%s, dtype=%s.%s)", is_scalar ? "" : "]", dtypes, python_dtype(t->dtype));
}

void python_jax_tensor(struct buffer *out, const struct tensor *t)
{
    if (python_is_literal(t)) {
        put_literal(t, "jax.numpy.array", "jax.numpy", out);
        if (t->shape.rank > 1) {
            buffer_puts(out, ".reshape(");
            python_shape(out, &t->shape);
            buffer_puts(out, ")");
        }
        return;
    }
    buffer_puts(out, "jax.numpy.asarray(");
    python_array(out, t);
    buffer_puts(out, t->dtype == DTYPE_BF16 ? ".view(jax.numpy.bfloat16))" : ")");
}

void python_torch_tensor(struct buffer *out, const struct tensor *t)
{
    if (python_is_literal(t)) {
        put_literal(t, "torch.tensor", "torch", out);
    } else {
        buffer_puts(out, "torch.frombuffer(bytearray(base64.b64decode(\"\"\"");
        python_base64(out, t->data, tensor_size(t));
        buffer_printf(out, "\"\"\")), dtype=torch.%s)", python_dtype(t->dtype));
    }
    if (t->shape.rank > 1 || (t->shape.rank == 0 && !python_is_literal(t))) {
        buffer_puts(out, ".reshape(");
        python_shape(out, &t->shape);
        buffer_puts(out, ")");
    }
}
