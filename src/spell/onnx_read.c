/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX models as programs. Constants and Identity dissolve into values, each other node becomes the
 * catalogue op of its form, and shapes are found by the ops' own relations; what the file says of
 * inner shapes is not trusted. The file is hostile: its nesting is bounded before it is unpacked,
 * all counts and sizes are checked, and memory is an arena's.
 */
#include "spell/onnx_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- unpacking ---- */

/* TypeProto and GraphProto nest in themselves, and the unpacker recurses: a model of ours needs 8
 * (model, graph, node, attribute, tensor ... ), 64 leaves room and bounds the stack. */
enum { NESTING_MAX = 64 };

static bool get_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

static bool nesting_is_sane(const ProtobufCMessageDescriptor *message, const uint8_t *at,
                            const uint8_t *end, int depth)
{
    uint64_t tag, size = 0;

    while (at < end) {
        if (!get_varint(&at, end, &tag)) {
            return false;
        }
        uint64_t wire = tag & 7;
        bool is_whole = wire == 0 || wire == 2 ? get_varint(&at, end, &size)
                        : wire == 1            ? (size = 8, true)
                        : wire == 5            ? (size = 4, true)
                                               : false;
        if (wire == 0) {
            size = 0;
        }
        if (!is_whole || size > (uint64_t)(end - at)) {
            return false;
        }
        const ProtobufCFieldDescriptor *field =
            tag >> 3 > UINT32_MAX
                ? NULL
                : protobuf_c_message_descriptor_get_field(message, (unsigned)(tag >> 3));
        bool is_nested = wire == 2 && field && field->type == PROTOBUF_C_TYPE_MESSAGE;
        if (is_nested && (depth == NESTING_MAX ||
                          !nesting_is_sane(field->descriptor, at, at + size, depth + 1))) {
            return false;
        }
        at += size;
    }
    return true;
}

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void forget(void *arena, void *memory)
{
    (void)arena; /* all goes with it */
    (void)memory;
}

const Onnx__ModelProto *onnx_unpack(const char *name, const void *data, size_t size,
                                    struct arena *arena)
{
    ProtobufCAllocator allocator = {allocate, forget, arena};
    const Onnx__ModelProto *m = NULL;
    const uint8_t *bytes = data;

    if (size > 0 && nesting_is_sane(&onnx__model_proto__descriptor, bytes, bytes + size, 0)) {
        m = onnx__model_proto__unpack(&allocator, size, bytes);
    }
    if (!m || !m->graph) {
        err_set(ERR_INPUT, "%s is no ONNX model", name);
        return NULL;
    }
    return m;
}

/* ---- texts ---- */

enum err onnx_refuse(const struct onnx_reader *r, const struct onnx_node *n, enum err code,
                     const char *format, ...)
{
    va_list args;
    char text[256];

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *out = n->proto->n_output ? n->proto->output[0] : "?";
    return err_set(code, "%s: %.60s (%.60s): %s", r->file, out, n->proto->op_type, text);
}

/* ---- names and values ---- */

char *onnx_identifier(struct arena *arena, const char *name)
{
    return python_identifier(arena, name, NULL);
}

static const char *fresh_identifier(struct onnx_reader *r, const char *name)
{
    const char *fresh = names_add_fresh(r->identifiers, onnx_identifier(r->work, name), 0);
    return arena_strdup(r->arena, fresh); /* outlives the tables */
}

static enum err add_value(struct onnx_reader *r, struct onnx_value value)
{
    if (value.name[0] == '\0') {
        return err_set(ERR_INPUT, "%s: a value without a name", r->file);
    }
    if (names_find(r->places, value.name) != NAME_NONE) {
        return err_set(ERR_INPUT, "%s: %.60s is defined twice", r->file, value.name);
    }
    r->values = arena_room(r->work, r->values, r->n_values, sizeof *r->values);
    names_set(r->places, value.name, r->n_values);
    r->values[r->n_values++] = value;
    return ERR_OK;
}

static enum err decode(struct onnx_reader *r, struct onnx_value *v)
{
    if (v->proto && !v->constant) {
        struct tensor *t = arena_alloc(r->arena, sizeof *t);
        char *what = arena_printf(r->work, "%s: %.60s", r->file, v->name);
        TRY(onnx_tensor_parse(v->proto, what, r->arena, t));
        v->constant = t;
    }
    return ERR_OK;
}

/* A constant enters the program when the first op uses it. */
static enum err value_id(struct onnx_reader *r, struct onnx_value *v, uint32_t *id)
{
    if (v->id == VALUE_ABSENT) {
        TRY(decode(r, v));
        v->id = program_add_const(r->program, fresh_identifier(r, v->name), v->constant->dtype,
                                  &v->constant->shape, v->constant->data);
    }
    *id = v->id;
    return ERR_OK;
}

/* ---- what forms use ---- */

bool onnx_has_input(const struct onnx_node *n, size_t k)
{
    *n->n_known = *n->n_known > k ? *n->n_known : k + 1;
    return k < n->proto->n_input && n->proto->input[k][0] != '\0';
}

static enum err find_input(const struct onnx_reader *r, const struct onnx_node *n, size_t k,
                           struct onnx_value **v)
{
    if (!onnx_has_input(n, k)) {
        return onnx_refuse(r, n, ERR_INPUT, "input %zu is missing", k);
    }
    uint32_t place = names_find(r->places, n->proto->input[k]);
    if (place == NAME_NONE) {
        return onnx_refuse(r, n, ERR_INPUT, "nothing before it makes its input %.60s",
                           n->proto->input[k]);
    }
    *v = &r->values[place];
    return ERR_OK;
}

enum err onnx_take_input(struct onnx_reader *r, struct onnx_node *n, size_t k)
{
    struct onnx_value *v = NULL;
    uint32_t id = VALUE_ABSENT;

    if (n->n_in == OP_INPUTS_MAX) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "more than %d inputs", OP_INPUTS_MAX);
    }
    if (onnx_has_input(n, k) || k == 0) {
        TRY(find_input(r, n, k, &v));
        CHECK(v);
        TRY(value_id(r, v, &id));
    }
    n->in[n->n_in++] = id;
    return ERR_OK;
}

const struct value *onnx_operand(const struct onnx_reader *r, const struct onnx_node *n, size_t k)
{
    return &r->program->values[n->in[k]];
}

enum err onnx_const_input(struct onnx_reader *r, const struct onnx_node *n, size_t k,
                          const struct tensor **t)
{
    struct onnx_value *v = NULL;

    TRY(find_input(r, n, k, &v));
    CHECK(v);
    TRY(decode(r, v));
    if (!v->constant && v->given) { /* read_graph is run again with it as a constant */
        v->constant = v->given;
        *v->is_needed = true;
    }
    if (!v->constant) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "its input %.60s is not a constant",
                           n->proto->input[k]);
    }
    *t = v->constant;
    return ERR_OK;
}

const Onnx__AttributeProto *onnx_attr(struct onnx_node *n, const char *name, int type)
{
    for (size_t i = 0; i < n->proto->n_attribute && i < 32; i++) {
        const Onnx__AttributeProto *a = n->proto->attribute[i];
        if (strcmp(a->name, name) == 0 && (int)a->type == type) {
            n->attrs_used |= 1u << i;
            return a;
        }
    }
    return NULL;
}

int64_t onnx_attr_int(struct onnx_node *n, const char *name, int64_t otherwise)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name, ONNX_INT);
    return a ? a->i : otherwise;
}

const char *onnx_text(const struct onnx_reader *r, const Onnx__AttributeProto *a)
{
    char *text = arena_zalloc(r->arena, a->s.len + 1);

    memcpy(text, a->s.data, a->s.len);
    for (const char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') {
            return "?";
        }
    }
    return text;
}

struct attr *onnx_set_attr(struct onnx_node *n, const char *name, enum attr_kind kind)
{
    CHECK(n->n_attrs < OP_ATTRS_MAX);
    struct attr *a = &n->attrs[n->n_attrs++];
    *a = (struct attr){.name = name, .kind = kind, .n = 1};
    return a;
}

enum err onnx_set_ints(const struct onnx_reader *r, struct onnx_node *n, const char *name,
                       const int64_t *values, size_t count)
{
    if (count > ATTR_VALUES_MAX) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "%s has %zu values", name, count);
    }
    struct attr *a = onnx_set_attr(n, name, ATTR_INTS);
    a->n = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        a->i[i] = values[i];
    }
    return ERR_OK;
}

/* ---- nodes ---- */

static bool has_output(const struct onnx_node *n, size_t o)
{
    return o < n->proto->n_output && n->proto->output[o][0] != '\0';
}

static enum err check_attributes(const struct onnx_reader *r, const struct onnx_node *n)
{
    if (n->proto->n_attribute > 32) {
        return onnx_refuse(r, n, ERR_INPUT, "%zu attributes", n->proto->n_attribute);
    }
    for (size_t i = 0; i < n->proto->n_attribute; i++) {
        if (!(n->attrs_used & 1u << i)) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "its attribute %.60s has no form here",
                               n->proto->attribute[i]->name);
        }
    }
    return ERR_OK;
}

static enum err check_types(const struct onnx_reader *r, const struct onnx_node *n,
                            const struct op *op, const enum dtype *out, size_t n_out)
{
    enum dtype in[OP_INPUTS_MAX];

    for (uint32_t k = 0; k < n->n_in; k++) {
        in[k] = n->in[k] == VALUE_ABSENT ? DTYPE_NONE : r->program->values[n->in[k]].dtype;
    }
    bool is_old = strcmp(op->name, "softmax") == 0 && r->opset < 13; /* see read_softmax */
    if (!is_old && !onnx_can_spell(op, r->opset, in, n->n_in, out, n_out)) {
        return onnx_refuse(r, n, ERR_INPUT, "opset %d does not have it on %s", r->opset,
                           dtype_name(in[0]));
    }
    return ERR_OK;
}

/* Right in ONNX, but more than the catalogue's op does. */
static enum err check_slots(const struct onnx_reader *r, const struct onnx_node *n,
                            const struct op *op)
{
    for (uint32_t k = 0; k < n->n_in; k++) {
        const struct slot_spec *spec = op_input_spec(op, k);
        const struct value *v = n->in[k] == VALUE_ABSENT ? NULL : onnx_operand(r, n, k);
        if (v && !spec->same_as && !dtype_in(v->dtype, spec->dtypes)) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "%s here does not take %s", op->name,
                               dtype_name(v->dtype));
        }
        if (v && (v->shape.rank < spec->rank_min || v->shape.rank > spec->rank_max)) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "%s here takes ranks %d to %d, not %d",
                               op->name, spec->rank_min, spec->rank_max, v->shape.rank);
        }
    }
    return ERR_OK;
}

/* In the order in which the op declares them, as texts are written. */
static void order_attributes(const struct op *op, struct onnx_node *n)
{
    struct attr ordered[OP_ATTRS_MAX];
    uint32_t count = 0;

    for (size_t s = 0; s < OP_ATTRS_MAX && op->attrs[s].name; s++) {
        for (uint32_t i = 0; i < n->n_attrs; i++) {
            if (strcmp(n->attrs[i].name, op->attrs[s].name) == 0) {
                ordered[count++] = n->attrs[i];
            }
        }
    }
    CHECK(count == n->n_attrs);
    memcpy(n->attrs, ordered, count * sizeof *ordered);
}

/* Outputs that the model does not name, or leaves out at the end, get names of their own. */
static enum err add_outputs(struct onnx_reader *r, const struct onnx_node *n,
                            const struct node *node, const enum dtype *dtypes,
                            const struct shape *shapes)
{
    const char *names[OP_OUTPUTS_MAX];

    for (uint32_t o = 0; o < node->n_out; o++) {
        names[o] = fresh_identifier(r, has_output(n, o) ? n->proto->output[o] : "unused");
    }
    uint32_t i =
        program_add_named_node(r->program, node->op_name, node->n_in, node->in, node->n_attrs,
                               node->attrs, node->n_out, dtypes, shapes, names);
    r->program->nodes[i].op = node->op;
    for (uint32_t o = 0; o < node->n_out; o++) {
        if (has_output(n, o)) {
            struct onnx_value v = {.id = r->program->nodes[i].out[o], .name = n->proto->output[o]};
            TRY(add_value(r, v));
        }
    }
    return ERR_OK;
}

static enum err count_outputs(const struct onnx_reader *r, const struct onnx_node *n,
                              const struct op *op, uint32_t *n_out)
{
    size_t declared = op_n_outputs(op), given = n->proto->n_output;
    bool repeats = op->out[declared - 1].variadic;
    size_t most = repeats ? OP_OUTPUTS_MAX : declared;

    if (given > most) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "%zu outputs where %s here has %zu", given,
                           op->name, most);
    }
    *n_out = (uint32_t)(repeats && given > declared ? given : declared);
    return ERR_OK;
}

static enum err add_op(struct onnx_reader *r, struct onnx_node *n)
{
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];
    const struct op *op = op_find(n->form->op);

    CHECK(op);
    order_attributes(op, n);
    struct node node = {.op_name = op->name, .op = op, .n_in = n->n_in, .n_attrs = n->n_attrs};
    node.in = n->in;
    node.attrs = n->attrs;
    while (node.n_in > 0 && node.in[node.n_in - 1] == VALUE_ABSENT) {
        node.n_in--;
    }
    n->n_in = node.n_in;
    TRY(check_slots(r, n, op));
    TRY(count_outputs(r, n, op, &node.n_out));
    enum err err = op_infer(r->program, &node, r->work, dtypes, shapes);
    if (err != ERR_OK) {
        const char *text = arena_strdup(r->work, err_text()), *nameless;
        nameless = strstr(text, "): "); /* ops names a node by outputs, which this has not yet */
        return onnx_refuse(r, n, err, "%s", nameless ? nameless + 3 : text);
    }
    TRY(check_types(r, n, op, dtypes, node.n_out));
    return add_outputs(r, n, &node, dtypes, shapes);
}

/* The output is another name of the input. */
static enum err add_alias(struct onnx_reader *r, const struct onnx_node *n, size_t k)
{
    struct onnx_value *v = NULL;

    TRY(find_input(r, n, k, &v));
    CHECK(v);
    struct onnx_value alias = *v;
    alias.name = n->proto->output[0];
    return add_value(r, alias);
}

static struct tensor numbers(struct onnx_reader *r, enum dtype d, int rank, const void *data,
                             size_t n)
{
    return (struct tensor){d,
                           {.rank = rank, .dim = {rank ? (int64_t)n : 0}},
                           arena_copy(r->arena, data, n * dtype_size(d))};
}

static enum err constant_tensor(struct onnx_reader *r, struct onnx_node *n, struct tensor *t)
{
    const Onnx__AttributeProto *a;

    if ((a = onnx_attr(n, "value", ONNX_TENSOR)) && a->t) {
        char *what = arena_printf(r->work, "%s: %.60s", r->file, n->proto->output[0]);
        return onnx_tensor_parse(a->t, what, r->arena, t);
    }
    if ((a = onnx_attr(n, "value_int", ONNX_INT))) {
        *t = numbers(r, DTYPE_I64, 0, &a->i, 1);
    } else if ((a = onnx_attr(n, "value_ints", ONNX_INTS))) {
        *t = numbers(r, DTYPE_I64, 1, a->ints, a->n_ints);
    } else if ((a = onnx_attr(n, "value_float", ONNX_FLOAT))) {
        *t = numbers(r, DTYPE_F32, 0, &a->f, 1);
    } else if ((a = onnx_attr(n, "value_floats", ONNX_FLOATS))) {
        *t = numbers(r, DTYPE_F32, 1, a->floats, a->n_floats);
    } else {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a constant that is no tensor of numbers");
    }
    return ERR_OK;
}

static enum err read_constant(struct onnx_reader *r, struct onnx_node *n)
{
    struct tensor *t = arena_alloc(r->arena, sizeof *t);

    TRY(constant_tensor(r, n, t));
    TRY(check_attributes(r, n));
    return add_value(
        r, (struct onnx_value){.id = VALUE_ABSENT, .name = n->proto->output[0], .constant = t});
}

/* What the form takes no notice of would be lost. */
static enum err check_inputs(const struct onnx_reader *r, const struct onnx_node *n)
{
    const size_t n_known = *n->n_known;

    for (size_t k = n_known; k < n->proto->n_input; k++) {
        if (n->proto->input[k][0] != '\0') {
            return onnx_refuse(r, n, ERR_INPUT, "%zu inputs where %zu are known", n->proto->n_input,
                               n_known);
        }
    }
    return ERR_OK;
}

static enum err read_node(struct onnx_reader *r, const Onnx__NodeProto *proto)
{
    size_t n_known = 0;
    struct onnx_node n = {.proto = proto, .n_known = &n_known};
    const char *domain = proto->domain ? proto->domain : "";

    if (!proto->op_type) {
        return err_set(ERR_INPUT, "%s: a node without op_type", r->file);
    }
    for (size_t i = 0; i < proto->n_attribute; i++) {
        if (!proto->attribute[i]->name) {
            return onnx_refuse(r, &n, ERR_INPUT, "an attribute without a name");
        }
    }
    if (proto->n_output > OP_OUTPUTS_MAX || !has_output(&n, 0)) {
        return onnx_refuse(r, &n, ERR_UNSUPPORTED, "%zu outputs", proto->n_output);
    }
    if (domain[0] != '\0' && strcmp(domain, "ai.onnx") != 0) {
        return onnx_refuse(r, &n, ERR_UNSUPPORTED, "ops of domain %.60s are not in the catalogue",
                           domain);
    }
    bool is_value =
        strcmp(proto->op_type, "Constant") == 0 || strcmp(proto->op_type, "Identity") == 0;
    if (is_value && proto->n_output != 1) {
        return onnx_refuse(r, &n, ERR_INPUT, "%zu outputs", proto->n_output);
    }
    if (strcmp(proto->op_type, "Constant") == 0) {
        return read_constant(r, &n);
    }
    if (strcmp(proto->op_type, "Identity") == 0) {
        return add_alias(r, &n, 0);
    }
    n.form = onnx_form_of_type(proto->op_type);
    if (!n.form) {
        return onnx_refuse(r, &n, ERR_UNSUPPORTED, "the op is not in the catalogue");
    }
    TRY(n.form->read(r, &n));
    TRY(check_attributes(r, &n));
    TRY(check_inputs(r, &n));
    return n.is_identity ? add_alias(r, &n, 0) : add_op(r, &n);
}

/* ---- the graph's ends ---- */

/* "N=3": the value of dim `name` if it is among dims, else 1. */
static enum err find_dim(const char *name, const char *const *dims, size_t n_dims, int64_t *value)
{
    size_t size = strlen(name);
    char *end;

    *value = 1;
    for (size_t i = 0; i < n_dims; i++) {
        if (strncmp(dims[i], name, size) == 0 && dims[i][size] == '=') {
            *value = strtoll(dims[i] + size + 1, &end, 10);
            if (end == dims[i] + size + 1 || *end != '\0' || *value < 0) {
                return err_set(ERR_USAGE, "'%s' gives no dim: write NAME=NUMBER", dims[i]);
            }
        }
    }
    return ERR_OK;
}

/* The value given for an input of the model; n_inputs: none. */
static size_t find_given(const struct onnx_source *source, const char *name)
{
    size_t i = 0;

    while (i < source->n_inputs && strcmp(source->inputs[i].name, name) != 0) {
        i++;
    }
    return i;
}

static enum err read_input(struct onnx_reader *r, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto *type = info->type;
    const Onnx__TypeProto__Tensor *tensor =
        type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? type->tensor_type : NULL;
    const char *name = info->name ? info->name : "";
    struct shape shape = {0};

    if (!tensor || !tensor->shape) {
        return err_set(ERR_UNSUPPORTED, "%s: input %.60s is no tensor of a known rank", r->file,
                       name);
    }
    enum dtype d = onnx_dtype_parse(tensor->has_elem_type ? tensor->elem_type : 0);
    if (d == DTYPE_NONE || tensor->shape->n_dim > RANK_MAX) {
        return err_set(ERR_UNSUPPORTED, "%s: input %.60s has data type %d and rank %zu", r->file,
                       name, tensor->elem_type, tensor->shape->n_dim);
    }
    shape.rank = (int32_t)tensor->shape->n_dim;
    for (int i = 0; i < shape.rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[i];
        shape.dim[i] = 1;
        if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
            shape.dim[i] = dim->dim_value;
        } else if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM) {
            TRY(find_dim(dim->dim_param ? dim->dim_param : "", r->source->dims, r->source->n_dims,
                         &shape.dim[i]));
        }
        if (shape.dim[i] < 0) {
            return err_set(ERR_INPUT, "%s: dim %d of input %.60s is %lld", r->file, i, name,
                           (long long)shape.dim[i]);
        }
    }
    struct onnx_value v = {.id = VALUE_ABSENT, .name = name};
    size_t given = find_given(r->source, name);
    if (given < r->source->n_inputs) {
        v.given = &r->source->inputs[given].tensor;
        v.is_needed = &r->is_needed[given];
    }
    if (v.given && *v.is_needed) {
        v.constant = v.given;
    } else {
        v.id = program_add_input(r->program, fresh_identifier(r, name), d, &shape);
    }
    return add_value(r, v);
}

static enum err read_outputs(struct onnx_reader *r)
{
    const Onnx__GraphProto *g = r->graph;
    uint8_t *is_output = ARENA_ZARRAY(r->work, uint8_t, r->program->n_values + g->n_output);

    for (size_t i = 0; i < g->n_output; i++) {
        const char *name = g->output[i]->name ? g->output[i]->name : "";
        uint32_t place = names_find(r->places, name), id = VALUE_ABSENT;
        if (place == NAME_NONE) {
            return err_set(ERR_INPUT, "%s: nothing makes the output %.60s", r->file, name);
        }
        CHECK(r->values);
        TRY(value_id(r, &r->values[place], &id)); /* at most one more value each */
        if (is_output[id]++) {
            return err_set(ERR_UNSUPPORTED, "%s: %.60s is another output under a new name", r->file,
                           name);
        }
        program_add_output(r->program, id);
    }
    return ERR_OK;
}

/* Old models list initializers among the inputs too: those are constants. */
static enum err read_graph(struct onnx_reader *r)
{
    const Onnx__GraphProto *g = r->graph;
    struct names *constants = names_new(r->work, g->n_initializer);

    if (g->n_sparse_initializer > 0) {
        return err_set(ERR_UNSUPPORTED, "%s: sparse initializers", r->file);
    }
    for (size_t i = 0; i < g->n_initializer; i++) {
        names_set(constants, g->initializer[i]->name ? g->initializer[i]->name : "", 0);
    }
    for (size_t i = 0; i < g->n_input; i++) {
        if (names_find(constants, g->input[i]->name ? g->input[i]->name : "") == NAME_NONE) {
            TRY(read_input(r, g->input[i]));
        }
    }
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Onnx__TensorProto *t = g->initializer[i];
        TRY(add_value(r, (struct onnx_value){
                             .id = VALUE_ABSENT, .name = t->name ? t->name : "", .proto = t}));
    }
    for (size_t i = 0; i < g->n_node; i++) {
        TRY(read_node(r, g->node[i]));
    }
    return read_outputs(r);
}

static enum err find_opset(const char *name, const Onnx__ModelProto *m, int *opset)
{
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->opset_import[i];
        if (!o->domain || o->domain[0] == '\0' || strcmp(o->domain, "ai.onnx") == 0) {
            if (o->version < ONNX_OPSET_MIN || o->version > ONNX_OPSET_MAX) {
                return err_set(ERR_UNSUPPORTED, "%s: opset %lld; %d to %d are known", name,
                               (long long)o->version, ONNX_OPSET_MIN, ONNX_OPSET_MAX);
            }
            *opset = (int)o->version;
            return ERR_OK;
        }
    }
    return err_set(ERR_INPUT, "%s names no opset", name);
}

/* The graph as a program. */
static enum err read_model(struct onnx_reader *r)
{
    size_t n_names = r->graph->n_node * 2 + r->graph->n_initializer;

    r->program = program_new(r->arena);
    r->places = names_new(r->work, n_names);
    r->identifiers = names_new(r->work, n_names);
    r->n_values = 0;
    TRY(read_graph(r));
    enum err err = program_verify(r->program);
    return err == ERR_OK ? ERR_OK : err_set(err, "%s: %s", r->file, err_text());
}

static size_t count_needed(const struct onnx_reader *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->source->n_inputs; i++) {
        n += r->is_needed[i];
    }
    return n;
}

enum err onnx_read(const struct onnx_source *source, struct arena *arena, struct program **program)
{
    struct arena *work = arena_new();
    const Onnx__ModelProto *m = onnx_unpack(source->name, source->data, source->size, work);
    struct onnx_reader r = {.source = source,
                            .file = source->name,
                            .arena = arena,
                            .work = work,
                            .is_needed = ARENA_ZARRAY(work, bool, source->n_inputs + 1)};
    enum err err = m ? find_opset(source->name, m, &r.opset) : ERR_INPUT;

    r.graph = m ? m->graph : NULL;
    for (size_t needed = SIZE_MAX; err == ERR_OK && needed != count_needed(&r);) {
        needed = count_needed(&r);
        err = read_model(&r);
    }
    if (err == ERR_OK) {
        *program = r.program;
    }
    arena_free(work);
    return err;
}

enum err onnx_read_version(const char *name, const void *data, size_t size,
                           struct onnx_version *version)
{
    struct arena *work = arena_new();
    const Onnx__ModelProto *m = onnx_unpack(name, data, size, work);
    int opset = 0;
    enum err err = m ? find_opset(name, m, &opset) : ERR_INPUT;
    if (err == ERR_OK) {
        *version = (struct onnx_version){.opset = opset, .ir = (int)m->ir_version};
    }
    arena_free(work);
    return err;
}

enum err onnx_read_types(const char *name, const void *data, size_t size, struct arena *arena,
                         struct texts *types)
{
    struct arena *work = arena_new();
    const Onnx__ModelProto *m = onnx_unpack(name, data, size, work);
    *types = (struct texts){0};
    for (size_t i = 0; m != NULL && m->graph != NULL && i < m->graph->n_node; i++) {
        const char *type = m->graph->node[i]->op_type;
        if (!texts_have(types, type)) {
            texts_add(types, arena_strdup(arena, type), arena);
        }
    }
    enum err err = m != NULL ? ERR_OK : ERR_INPUT;
    arena_free(work);
    return err;
}
