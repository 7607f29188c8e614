/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program as an ONNX model. Values keep their names; constants become initializers with raw_data;
 * what a form needs beside them (axes, shapes, limits) gets an initializer with a name of its own.
 * The same program gives the same bytes. Where one model is to do for two shapes of a program, dims
 * in which they differ are symbolic.
 */
#include "spell/onnx_internal.h"

#include <string.h>

/* ---- parts of a node ---- */

void onnx_put_name(struct onnx_writer *w, const char *name)
{
    CHECK(w->proto->n_input < ONNX_NODE_INPUTS_MAX);
    w->proto->input[w->proto->n_input++] = arena_strdup(w->arena, name);
}

void onnx_put_input(struct onnx_writer *w, uint32_t value)
{
    onnx_put_name(w, value == VALUE_ABSENT ? "" : w->program->values[value].name);
}

static void add_initializer(struct onnx_writer *w, const char *name, const struct tensor *t)
{
    Onnx__GraphProto *g = w->graph;

    g->initializer =
        arena_room(w->arena, g->initializer, g->n_initializer, sizeof(Onnx__TensorProto *));
    g->initializer[g->n_initializer++] = onnx_tensor_make(w->arena, name, t);
}

void onnx_put_const(struct onnx_writer *w, const char *what, const struct tensor *t)
{
    const char *owner = w->program->values[w->node->out[0]].name;
    const char *name = names_add_fresh(w->taken, arena_printf(w->arena, "%s_%s", owner, what), 0);

    add_initializer(w, name, t);
    onnx_put_name(w, name);
}

static Onnx__AttributeProto *put_attribute(struct onnx_writer *w, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = arena_alloc(w->arena, sizeof *a);

    CHECK(w->proto->n_attribute < ONNX_NODE_ATTRS_MAX);
    onnx__attribute_proto__init(a);
    a->name = arena_strdup(w->arena, name);
    a->has_type = 1;
    a->type = type;
    w->proto->attribute[w->proto->n_attribute++] = a;
    return a;
}

void onnx_put_int(struct onnx_writer *w, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = put_attribute(w, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = value;
}

void onnx_put_ints(struct onnx_writer *w, const char *name, const int64_t *values, size_t n)
{
    Onnx__AttributeProto *a = put_attribute(w, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->n_ints = n;
    a->ints = arena_copy(w->arena, values, n * sizeof *values);
}

void onnx_put_float(struct onnx_writer *w, const char *name, float value)
{
    Onnx__AttributeProto *a = put_attribute(w, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->has_f = 1;
    a->f = value;
}

void onnx_put_text(struct onnx_writer *w, const char *name, const char *text)
{
    Onnx__AttributeProto *a = put_attribute(w, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    a->has_s = 1;
    a->s.len = strlen(text);
    a->s.data = (uint8_t *)arena_strdup(w->arena, text);
}

/* ---- nodes ---- */

static Onnx__NodeProto *add_node(struct onnx_writer *w, const char *type, size_t n_out)
{
    Onnx__NodeProto *n = arena_alloc(w->arena, sizeof *n);

    onnx__node_proto__init(n);
    n->op_type = arena_strdup(w->arena, type);
    n->input = ARENA_ARRAY(w->arena, char *, ONNX_NODE_INPUTS_MAX);
    n->attribute = ARENA_ARRAY(w->arena, Onnx__AttributeProto *, ONNX_NODE_ATTRS_MAX);
    n->output = ARENA_ARRAY(w->arena, char *, n_out);
    CHECK(w->graph->n_node < w->nodes_capacity);
    w->graph->node[w->graph->n_node++] = n;
    w->proto = n;
    return n;
}

static bool can_spell(const struct onnx_writer *w, const struct node *node)
{
    enum dtype in[OP_INPUTS_MAX], out[OP_OUTPUTS_MAX];

    for (uint32_t k = 0; k < node->n_in; k++) {
        bool is_absent = node->in[k] == VALUE_ABSENT;
        in[k] = is_absent ? DTYPE_NONE : w->program->values[node->in[k]].dtype;
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        out[o] = w->program->values[node->out[o]].dtype;
    }
    return onnx_can_spell(node->op, w->version.opset, in, node->n_in, out, node->n_out);
}

static enum err write_node(struct onnx_writer *w, const struct node *node)
{
    const struct value *first = &w->program->values[node->out[0]];

    CHECK(node->op && node->n_in <= OP_INPUTS_MAX);
    w->form = onnx_form_of_op(node->op_name);
    if (!w->form || !can_spell(w, node)) {
        return err_set(
            ERR_UNSUPPORTED, "%s: %s on %s has no form at opset %d", first->name, node->op_name,
            dtype_name(node->n_in ? w->program->values[node->in[0]].dtype : first->dtype),
            w->version.opset);
    }
    w->node = node;
    Onnx__NodeProto *n = add_node(w, w->form->type, node->n_out);
    for (uint32_t o = 0; o < node->n_out; o++) {
        n->output[n->n_output++] = arena_strdup(w->arena, w->program->values[node->out[o]].name);
    }
    TRY(w->form->write(w));
    while (n->n_input > 0 && n->input[n->n_input - 1][0] == '\0') { /* trailing absent ones */
        n->n_input--;
    }
    return ERR_OK;
}

void onnx_begin_step(struct onnx_writer *w, const char *type)
{
    CHECK(!w->last);
    w->last = w->proto;
    Onnx__NodeProto **node = w->graph->node;
    Onnx__NodeProto *step = add_node(w, type, 1);
    size_t n = w->graph->n_node;
    node[n - 1] = w->last; /* a step comes before the node that gives the result */
    node[n - 2] = step;
}

const char *onnx_end_step(struct onnx_writer *w, const char *what)
{
    char *name = arena_printf(w->arena, "%s_%s", onnx_result(w)->name, what);
    const char *fresh = names_add_fresh(w->taken, name, 0);

    CHECK(w->last);
    w->proto->output[w->proto->n_output++] = arena_strdup(w->arena, fresh);
    w->proto = w->last;
    w->last = NULL;
    return fresh;
}

void onnx_become(struct onnx_writer *w, const char *type)
{
    w->proto->op_type = arena_strdup(w->arena, type);
}

/* ---- the graph's ends ---- */

/* A symbolic dim is named after its two sizes: where they are the same, so is the name. */
static void put_dim(struct onnx_writer *w, Onnx__TensorShapeProto__Dimension *dim,
                    const struct value *v, int d)
{
    ptrdiff_t id = v - w->program->values;
    int64_t first = v->shape.dim[d], second = first;

    if (w->shapes[0]) {
        first = w->shapes[0]->values[id].shape.dim[d];
        second = w->shapes[1]->values[id].shape.dim[d];
    }
    if (first != second) {
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        dim->dim_param = arena_printf(w->arena, "d%lld_%lld", (long long)first, (long long)second);
    } else {
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dim->dim_value = first;
    }
}

static Onnx__ValueInfoProto *value_info(struct onnx_writer *w, const char *name,
                                        const struct value *v)
{
    Onnx__ValueInfoProto *info = arena_alloc(w->arena, sizeof *info);
    Onnx__TypeProto *type = arena_alloc(w->arena, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = arena_alloc(w->arena, sizeof *tensor);
    Onnx__TensorShapeProto *shape = arena_alloc(w->arena, sizeof *shape);

    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    info->name = arena_strdup(w->arena, name);
    info->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = onnx_dtype(v->dtype);
    tensor->shape = shape;
    shape->n_dim = (size_t)v->shape.rank;
    shape->dim = ARENA_ARRAY(w->arena, Onnx__TensorShapeProto__Dimension *, shape->n_dim);
    for (int d = 0; d < v->shape.rank; d++) {
        shape->dim[d] = arena_alloc(w->arena, sizeof **shape->dim);
        onnx__tensor_shape_proto__dimension__init(shape->dim[d]);
        put_dim(w, shape->dim[d], v, d);
    }
    return info;
}

static enum err write_sources(struct onnx_writer *w)
{
    const struct program *p = w->program;

    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_INPUT) {
            w->graph->input[w->graph->n_input++] = value_info(w, v->name, v);
        } else if (v->kind == VALUE_CONST) {
            if (!v->data) {
                return err_set(ERR_INPUT, "%s: the constant has no data yet", v->name);
            }
            const struct tensor t = value_tensor(v);
            add_initializer(w, v->name, &t);
        }
    }
    return ERR_OK;
}

/* An output that no node makes goes through an Identity: runtimes differ on direct ones. */
static void write_outputs(struct onnx_writer *w)
{
    const struct program *p = w->program;

    for (uint32_t i = 0; i < p->n_outputs; i++) {
        const struct value *v = &p->values[p->outputs[i]];
        const char *name = v->name;
        if (v->kind != VALUE_NODE) {
            name = names_add_fresh(w->taken, arena_printf(w->arena, "%s_out", v->name), 0);
            Onnx__NodeProto *n = add_node(w, "Identity", 1);
            onnx_put_name(w, v->name);
            n->output[n->n_output++] = arena_strdup(w->arena, name);
        }
        w->graph->output[w->graph->n_output++] = value_info(w, name, v);
    }
}

/* ---- the model ---- */

struct sink {
    ProtobufCBuffer base;
    struct buffer *buffer;
};

static void sink_append(ProtobufCBuffer *base, size_t size, const uint8_t *data)
{
    buffer_append(((struct sink *)base)->buffer, data, size);
}

static void pack(struct onnx_writer *w, struct buffer *model)
{
    Onnx__ModelProto m = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *opsets[] = {&opset};
    static char producer[] = "opjury", domain[] = "";
    struct sink sink = {{sink_append}, model};

    opset.domain = domain;
    opset.has_version = 1;
    opset.version = w->version.opset;
    m.has_ir_version = 1;
    m.ir_version = w->version.ir;
    m.producer_name = producer;
    m.n_opset_import = 1;
    m.opset_import = opsets;
    m.graph = w->graph;
    onnx__model_proto__pack_to_buffer(&m, &sink.base);
}

static enum err write_graph(struct onnx_writer *w)
{
    const struct program *p = w->program;
    Onnx__GraphProto *g = w->graph;

    onnx__graph_proto__init(g);
    g->name = arena_strdup(w->arena, "program");
    g->input = ARENA_ARRAY(w->arena, Onnx__ValueInfoProto *, p->n_values);
    g->output = ARENA_ARRAY(w->arena, Onnx__ValueInfoProto *, p->n_outputs);
    w->nodes_capacity = p->n_nodes * (1 + ONNX_STEPS_MAX) + p->n_outputs;
    g->node = ARENA_ARRAY(w->arena, Onnx__NodeProto *, w->nodes_capacity);
    for (uint32_t id = 0; id < p->n_values; id++) {
        names_set(w->taken, p->values[id].name, id);
    }
    TRY(write_sources(w));
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        TRY(write_node(w, &p->nodes[i]));
    }
    write_outputs(w);
    return ERR_OK;
}

/* shapes: both programs of a model with symbolic dims, or NULLs. */
static enum err write_model(const struct program *p, const struct program *const shapes[2],
                            struct onnx_version version, struct buffer *model)
{
    struct arena *arena = arena_new();
    Onnx__GraphProto graph;
    struct onnx_writer w = {.program = p,
                            .shapes = {shapes[0], shapes[1]},
                            .version = version,
                            .arena = arena,
                            .taken = names_new(arena, p->n_values * 2),
                            .graph = &graph};
    enum err err = ERR_OK;

    if (version.opset < ONNX_OPSET_MIN || version.opset > ONNX_OPSET_MAX) {
        err = err_set(ERR_UNSUPPORTED, "opset %d is outside %d to %d", version.opset,
                      ONNX_OPSET_MIN, ONNX_OPSET_MAX);
    }
    if (err == ERR_OK) {
        err = write_graph(&w);
    }
    if (err == ERR_OK) {
        pack(&w, model);
    }
    arena_free(arena);
    return err;
}

enum err onnx_write(const struct program *p, struct onnx_version version, struct buffer *model)
{
    const struct program *const shapes[2] = {NULL, NULL};
    return write_model(p, shapes, version, model);
}

enum err onnx_write_dynamic(const struct program *p, const struct test *before,
                            struct onnx_version version, struct buffer *model)
{
    if (!before) {
        return onnx_write(p, version, model);
    }
    const struct program *const shapes[2] = {p, before->program};
    struct buffer again = BUFFER_INIT;
    size_t start = model->size;

    enum err err = write_model(p, shapes, version, model);
    err = err ? err : write_model(before->program, shapes, version, &again);
    if (!err && (again.size != model->size - start ||
                 memcmp(again.data, (const char *)model->data + start, again.size) != 0)) {
        err = err_set(ERR_UNSUPPORTED, "the ONNX form of a node holds what hangs on a shape");
    }
    buffer_release(&again);
    return err;
}
