/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX's spellings of the catalogue: the families' tables, and what they say together. */
#include "spell/onnx_internal.h"

#include <string.h>

static const struct onnx_form *const families[] = {
    onnx_elementwise, onnx_math, onnx_activation, onnx_logic, onnx_reduce,
    onnx_linear,      onnx_pool, onnx_move,       onnx_slice, onnx_index};

const struct onnx_form *onnx_form_of_op(const char *op)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        for (const struct onnx_form *f = families[i]; f->op; f++) {
            if (f->op[0] == op[0] && strcmp(f->op, op) == 0) {
                return f;
            }
        }
    }
    return NULL;
}

const struct onnx_form *onnx_form_of_type(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        for (const struct onnx_form *f = families[i]; f->op; f++) {
            if (f->read && strcmp(f->type, type) == 0) {
                return f;
            }
        }
    }
    return NULL;
}

const char *onnx_type_of(const struct op *op)
{
    const struct onnx_form *f = onnx_form_of_op(op->name);
    return f ? f->type : NULL;
}

bool onnx_comes_back(const struct op *op)
{
    const struct onnx_form *f = onnx_form_of_op(op->name);
    return f && f->read;
}

static const struct onnx_types *types_at(const struct onnx_form *f, int opset)
{
    const struct onnx_types *found = NULL;

    for (const struct onnx_types *t = f ? f->types : NULL; t && t->since != 0; t++) {
        found = t->since <= opset ? t : found;
    }
    return found;
}

/* sets[k], or the last one given. */
static dtype_set set_of(const dtype_set *sets, size_t n, size_t k)
{
    dtype_set last = sets[0];

    for (size_t i = 1; i < n && i <= k; i++) {
        last = sets[i] ? sets[i] : last;
    }
    return last;
}

bool onnx_can_spell(const struct op *op, int opset, const enum dtype *in, size_t n_in,
                    const enum dtype *out, size_t n_out)
{
    const struct onnx_types *t = types_at(onnx_form_of_op(op->name), opset);

    if (!t || opset < ONNX_OPSET_MIN || opset > ONNX_OPSET_MAX) {
        return false;
    }
    for (size_t k = 0; k < n_in; k++) {
        if (in[k] != DTYPE_NONE && !dtype_in(in[k], set_of(t->in, OP_INPUTS_MAX, k))) {
            return false;
        }
    }
    for (size_t o = 0; o < n_out; o++) {
        if (!dtype_in(out[o], set_of(t->out, OP_OUTPUTS_MAX, o))) {
            return false;
        }
    }
    return true;
}
