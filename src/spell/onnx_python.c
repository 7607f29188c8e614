/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of ours as the calls of onnx.helper that make the same one, but attributes that are as if
 * they were not there: what a maintainer reads in a report, where base64 would say nothing. Only
 * what onnx_write writes is known here.
 */
#include <stdlib.h>
#include <string.h>

#include "spell/onnx_internal.h"

/* "TensorProto.FLOAT" */
static const char *type_name(int32_t data_type)
{
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(&onnx__tensor_proto__data_type__descriptor, data_type);
    CHECK(v != NULL);
    return v->name;
}

/* An attribute's float in the fewest digits that Python and ONNX bring back to it. */
static void put_float(struct buffer *out, float value)
{
    size_t start = out->size;
    dtype_print(DTYPE_F32, (real)value, out);
    const char *text = out->data + start;
    bool reads_back = (float)strtod(text, NULL) == value && strpbrk(text, "in") == NULL;
    if (!reads_back) {
        out->size = start;
        out->data[start] = '\0';
        python_real(out, (double)value);
    } else if (strpbrk(text, ".e") == NULL) {
        buffer_puts(out, ".0");
    }
}

static void put_texts(struct buffer *out, char *const *texts, size_t n)
{
    buffer_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        buffer_puts(out, i > 0 ? ", " : "");
        python_string(out, texts[i]);
    }
    buffer_puts(out, "]");
}

/* What the operators' document says of these where they are missing, whichever op has them
 * (https://onnx.ai/onnx/operators). */
static const struct {
    const char *name;
    int64_t value; /* of each */
} defaults[] = {
    {"ceil_mode", 0}, {"count_include_pad", 0},
    {"dilations", 1}, {"group", 1},
    {"keepdims", 1},  {"output_padding", 0},
    {"pads", 0},      {"select_last_index", 0},
    {"strides", 1},   {"transA", 0},
    {"transB", 0},
};

static bool is_default(const Onnx__AttributeProto *a)
{
    size_t i = 0;
    while (i < ARRAY_SIZE(defaults) && strcmp(defaults[i].name, a->name) != 0) {
        i++;
    }
    bool same =
        i < ARRAY_SIZE(defaults) &&
        ((int)a->type == ONNX_INTS || ((int)a->type == ONNX_INT && a->i == defaults[i].value));
    for (size_t k = 0; k < a->n_ints && same; k++) {
        same = a->ints[k] == defaults[i].value;
    }
    return same;
}

static enum err put_attribute(struct buffer *out, const Onnx__AttributeProto *a,
                              struct arena *arena)
{
    buffer_printf(out, ", %s=", a->name);
    int type = (int)a->type;
    if (type == ONNX_INT) {
        buffer_printf(out, "%lld", (long long)a->i);
    } else if (type == ONNX_INTS) {
        buffer_puts(out, "[");
        for (size_t i = 0; i < a->n_ints; i++) {
            buffer_printf(out, "%s%lld", i > 0 ? ", " : "", (long long)a->ints[i]);
        }
        buffer_puts(out, "]");
    } else if (type == ONNX_FLOAT) {
        put_float(out, a->f);
    } else if (type == ONNX_STRING) {
        python_string(out, arena_printf(arena, "%.*s", (int)a->s.len, (const char *)a->s.data));
    } else {
        return err_set(ERR_UNSUPPORTED, "attribute %s has type %d, which is not written as source",
                       a->name, type);
    }
    return ERR_OK;
}

static enum err put_nodes(struct buffer *out, const Onnx__GraphProto *g, struct arena *arena)
{
    buffer_puts(out, "    [\n");
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        buffer_puts(out, "        helper.make_node(");
        python_string(out, n->op_type);
        buffer_puts(out, ", ");
        put_texts(out, n->input, n->n_input);
        buffer_puts(out, ", ");
        put_texts(out, n->output, n->n_output);
        for (size_t a = 0; a < n->n_attribute; a++) {
            TRY(is_default(n->attribute[a]) ? ERR_OK : put_attribute(out, n->attribute[a], arena));
        }
        buffer_puts(out, "),\n");
    }
    buffer_puts(out, "    ],\n    \"program\",\n");
    return ERR_OK;
}

static void put_infos(struct buffer *out, Onnx__ValueInfoProto *const *infos, size_t n)
{
    buffer_puts(out, "    [\n");
    for (size_t i = 0; i < n; i++) {
        const Onnx__TypeProto__Tensor *t = infos[i]->type->tensor_type;
        buffer_puts(out, "        helper.make_tensor_value_info(");
        python_string(out, infos[i]->name);
        buffer_printf(out, ", TensorProto.%s, [", type_name(t->elem_type));
        for (size_t d = 0; d < t->shape->n_dim; d++) {
            buffer_printf(out, "%s%lld", d > 0 ? ", " : "", (long long)t->shape->dim[d]->dim_value);
        }
        buffer_puts(out, "]),\n");
    }
    buffer_puts(out, "    ],\n");
}

/* numpy has no bfloat16: such a constant is made of its bits. */
static enum err put_constants(struct buffer *out, const Onnx__GraphProto *g, struct arena *arena)
{
    if (g->n_initializer == 0) {
        return ERR_OK;
    }
    buffer_puts(out, "    [\n");
    for (size_t i = 0; i < g->n_initializer; i++) {
        struct tensor t;
        TRY(onnx_tensor_parse(g->initializer[i], g->initializer[i]->name, arena, &t));
        bool is_bf16 = t.dtype == DTYPE_BF16;
        buffer_puts(out,
                    is_bf16 ? "        helper.make_tensor(" : "        numpy_helper.from_array(");
        if (is_bf16) {
            python_string(out, g->initializer[i]->name);
            buffer_puts(out, ", TensorProto.BFLOAT16, [");
            for (int d = 0; d < t.shape.rank; d++) {
                buffer_printf(out, "%s%lld", d > 0 ? ", " : "", (long long)t.shape.dim[d]);
            }
            buffer_puts(out, "], ");
            python_array(out, &t);
            buffer_puts(out, ".tobytes(), raw=True),\n");
        } else {
            python_array(out, &t);
            buffer_puts(out, ", ");
            python_string(out, g->initializer[i]->name);
            buffer_puts(out, "),\n");
        }
    }
    buffer_puts(out, "    ],\n");
    return ERR_OK;
}

enum err onnx_print_python(const struct buffer *model, struct arena *arena, struct buffer *source)
{
    const Onnx__ModelProto *m = onnx_unpack("the model", model->data, model->size, arena);
    CHECK(m != NULL && m->n_opset_import == 1);
    buffer_puts(source, "graph = helper.make_graph(\n");
    TRY(put_nodes(source, m->graph, arena));
    put_infos(source, m->graph->input, m->graph->n_input);
    put_infos(source, m->graph->output, m->graph->n_output);
    TRY(put_constants(source, m->graph, arena));
    buffer_printf(source,
                  ")\nmodel = helper.make_model(\n"
                  "    graph, opset_imports=[helper.make_opsetid(\"\", %lld)], ir_version=%lld)\n",
                  (long long)m->opset_import[0]->version, (long long)m->ir_version);
    return ERR_OK;
}
