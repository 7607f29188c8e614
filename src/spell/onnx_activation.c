/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of activations. */
#include "spell/onnx_internal.h"

#include <string.h>

/* ---- real attributes ---- */

static enum err write_reals(struct onnx_writer *w)
{
    for (uint32_t i = 0; i < w->node->n_attrs; i++) {
        TRY(onnx_put_real(w, w->node->attrs[i].name));
    }
    return onnx_write_plain(w);
}

/* What the schemas give when an attribute is not said. */
static const struct {
    const char *op, *attribute;
    float otherwise;
} defaults[] = {
    {"elu", "alpha", 1},
    {"celu", "alpha", 1},
    {"selu", "alpha", 1.67326319217681884765625F},
    {"selu", "gamma", 1.05070102214813232421875F},
    {"swish", "alpha", 1},
    {"hard_sigmoid", "alpha", 0.2F},
    {"hard_sigmoid", "beta", 0.5F},
    {"leaky_relu", "alpha", 0.01F},
    {"thresholded_relu", "alpha", 1},
};

static enum err read_reals(struct onnx_reader *r, struct onnx_node *n)
{
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        if (strcmp(defaults[i].op, n->form->op) == 0) {
            onnx_take_real(n, defaults[i].attribute, defaults[i].otherwise);
        }
    }
    return onnx_read_plain(r, n);
}

/* ---- gelu, relu6 ---- */

static enum err write_gelu(struct onnx_writer *w)
{
    onnx_put_text(w, "approximate", onnx_attribute(w, "approximate")->text);
    return onnx_write_plain(w);
}

static enum err read_gelu(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "approximate", ONNX_STRING);
    bool is_tanh = a && a->s.len == 4 && memcmp(a->s.data, "tanh", 4) == 0;
    bool is_none = !a || (a->s.len == 4 && memcmp(a->s.data, "none", 4) == 0);

    if (!is_tanh && !is_none) {
        return onnx_refuse(r, n, ERR_INPUT, "approximate must be none or tanh");
    }
    onnx_set_attr(n, "approximate", ATTR_TEXT)->text = is_tanh ? "tanh" : "none";
    return onnx_take_input(r, n, 0);
}

/* Clip from 0 to 6. */
static enum err write_relu6(struct onnx_writer *w)
{
    static const char *const names[] = {"min", "max"};
    const struct shape scalar = {.rank = 0};

    TRY(onnx_write_plain(w));
    for (int i = 0; i < 2; i++) {
        if (onnx_as_input(w)) {
            struct tensor t = tensor_new(w->arena, onnx_result(w)->dtype, &scalar);
            dtype_store(t.dtype, t.data, 0, i ? 6 : 0);
            onnx_put_const(w, names[i], &t);
        } else {
            onnx_put_float(w, names[i], i ? 6 : 0);
        }
    }
    return ERR_OK;
}

/* ---- the table ---- */

const struct onnx_form onnx_activation[] = {
    {"sigmoid", "Sigmoid", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD)}, {13, SAME(DT_FLOATS)})},
    {"softplus", "Softplus", onnx_write_plain, onnx_read_plain,
     TYPES({1, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"softsign", "Softsign", onnx_write_plain, onnx_read_plain,
     TYPES({1, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"elu", "Elu", write_reals, read_reals, TYPES({6, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"celu", "Celu", write_reals, read_reals, TYPES({12, SAME(DT(F32))}, {28, SAME(DT_FLOATS)})},
    {"selu", "Selu", write_reals, read_reals, TYPES({6, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"gelu", "Gelu", write_gelu, read_gelu, TYPES({20, SAME(DT_FLOATS)})},
    {"mish", "Mish", onnx_write_plain, onnx_read_plain,
     TYPES({18, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"swish", "Swish", write_reals, read_reals, TYPES({24, SAME(DT_FLOATS)})},
    {"hard_sigmoid", "HardSigmoid", write_reals, read_reals,
     TYPES({6, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"hard_swish", "HardSwish", onnx_write_plain, onnx_read_plain,
     TYPES({14, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"relu6", "Clip", write_relu6, NULL, .input_since = 11,
     TYPES({6, SAME(FLOATS_OLD)}, {12, SAME(DT_NUMBERS & ~BF)}, {13, SAME(DT_NUMBERS)})},
    {"leaky_relu", "LeakyRelu", write_reals, read_reals,
     TYPES({6, SAME(FLOATS_OLD)}, {16, SAME(DT_FLOATS)})},
    {"prelu", "PRelu", onnx_write_plain, onnx_read_plain,
     TYPES({7, SAME(FLOATS_OLD)}, {9, SAME(FLOATS_OLD | WIDE_INTS)},
           {16, SAME(DT_FLOATS | WIDE_INTS)})},
    {"thresholded_relu", "ThresholdedRelu", write_reals, read_reals,
     TYPES({10, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {0},
};
