/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models of each op, broken in one field: what other programs write, or nobody. They are refused in
 * a line, or read as a program that holds.
 */
#include <string.h>

#include "generate_fixture.h"

#include "spell/onnx.pb-c.h"
#include "spell/spell.h"

typedef Onnx__AttributeProto attribute;

static char nonsense[] = "nonsense", nothing[] = "";

/* Of all things that may be broken in a model the one that is, counted down to. */
struct choice {
    unsigned left;
    const char *what; /* NULL until it was found */
    struct arena *arena;
};

static bool is_it(struct choice *c, const char *what)
{
    if (c->what || c->left-- > 0) {
        return false;
    }
    c->what = what;
    return true;
}

static void *wider(struct choice *c, void *items, size_t n)
{
    void **more = ARENA_ZARRAY(c->arena, void *, n + 1);
    if (n > 0) {
        memcpy(more, items, n * sizeof(*more));
    }
    return more;
}

/* ---- what may be broken ---- */

static void break_attribute(struct choice *c, Onnx__NodeProto *node, size_t k)
{
    attribute *a = node->attribute[k];
    if (is_it(c, "an attribute is missing")) {
        node->attribute[k] = node->attribute[--node->n_attribute];
    } else if (is_it(c, "an attribute has another type")) {
        bool is_float = a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        a->type = is_float ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
                           : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    } else if (is_it(c, "an attribute has no type")) {
        a->has_type = 0;
    } else if (is_it(c, "an attribute is far below 0")) {
        a->i = INT64_MIN;
        for (size_t i = 0; i < a->n_ints; i++) {
            a->ints[i] = INT64_MIN;
        }
        a->f = -__builtin_inff();
    } else if (is_it(c, "an attribute is another text")) {
        a->s = (ProtobufCBinaryData){sizeof nonsense - 1, (uint8_t *)nonsense};
    } else if (is_it(c, "a list is longer")) {
        int64_t *ints = ARENA_ZARRAY(c->arena, int64_t, a->n_ints + 20);
        for (size_t i = 0; i < a->n_ints; i++) {
            ints[i] = a->ints[i];
        }
        a->ints = ints;
        a->n_ints += 20;
    } else if (is_it(c, "an attribute has another name")) {
        a->name = nonsense;
    }
}

static void break_node(struct choice *c, Onnx__NodeProto *node)
{
    if (is_it(c, "there is no such operator")) {
        node->op_type = nonsense;
    } else if (is_it(c, "an operator of others")) {
        node->domain = nonsense;
    } else if (is_it(c, "an input less")) {
        node->n_input -= node->n_input > 0;
    } else if (is_it(c, "no inputs")) {
        node->n_input = 0;
    } else if (is_it(c, "an input is absent") && node->n_input > 0) {
        node->input[0] = nothing;
    } else if (is_it(c, "an input of no node") && node->n_input > 0) {
        node->input[node->n_input - 1] = nonsense;
    } else if (is_it(c, "an input more") && node->n_input > 0) {
        node->input = wider(c, node->input, node->n_input);
        node->input[node->n_input] = node->input[0];
        node->n_input++;
    } else if (is_it(c, "an output more")) {
        node->output = wider(c, node->output, node->n_output);
        node->output[node->n_output++] = nonsense;
    } else if (is_it(c, "no outputs")) {
        node->n_output = 0;
    } else if (is_it(c, "a node that reads itself") && node->n_input > 0) {
        node->input[0] = node->output[0];
    }
    for (size_t k = 0; k < node->n_attribute && !c->what; k++) {
        break_attribute(c, node, k);
    }
}

static void break_tensor(struct choice *c, Onnx__TensorProto *t)
{
    if (t->raw_data.len > 0 && is_it(c, "data of another size")) {
        t->raw_data.len--;
    } else if (is_it(c, "a dtype that there is not")) {
        t->data_type = 99;
    } else if (is_it(c, "another dtype")) {
        t->data_type = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT
                           ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64
                           : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    } else if (is_it(c, "data in another file")) {
        t->has_data_location = 1;
        t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    } else if (is_it(c, "a rank that no program has")) {
        t->n_dims = 9;
        t->dims = ARENA_ARRAY(c->arena, int64_t, 9);
        for (int i = 0; i < 9; i++) {
            t->dims[i] = 1;
        }
    } else if (is_it(c, "a dim below 0") && t->n_dims > 0) {
        t->dims[0] = -1;
    } else if (is_it(c, "a dim beyond memory") && t->n_dims > 0) {
        t->dims[0] = INT64_MAX;
    }
}

static void break_input(struct choice *c, Onnx__ValueInfoProto *info)
{
    Onnx__TypeProto__Tensor *t = info->type->tensor_type;
    if (is_it(c, "an input without a type")) {
        info->type = NULL;
    } else if (is_it(c, "an input of a dtype that there is not")) {
        t->elem_type = 99;
    } else if (is_it(c, "an input without a shape")) {
        t->shape = NULL;
    } else if (is_it(c, "an input of a dim below 0") && t->shape->n_dim > 0) {
        t->shape->dim[0]->dim_value = -5;
    } else if (is_it(c, "an input without a name")) {
        info->name = nothing;
    }
}

/* false: there is nothing more to break. */
static bool break_model(struct choice *c, Onnx__ModelProto *m)
{
    Onnx__GraphProto *g = m->graph;
    for (size_t i = 0; i < g->n_node && !c->what; i++) {
        break_node(c, g->node[i]);
    }
    for (size_t i = 0; i < g->n_initializer && !c->what; i++) {
        break_tensor(c, g->initializer[i]);
    }
    for (size_t i = 0; i < g->n_input && !c->what; i++) {
        break_input(c, g->input[i]);
    }
    if (is_it(c, "no outputs of the graph")) {
        g->n_output = 0;
    } else if (is_it(c, "an output of no node")) {
        g->output[0]->name = nonsense;
    } else if (is_it(c, "an opset of the future")) {
        m->opset_import[0]->version = INT64_MAX;
    } else if (is_it(c, "no opset")) {
        m->n_opset_import = 0;
    } else if (is_it(c, "no graph")) {
        m->graph = NULL;
    }
    return c->what != NULL;
}

/* ---- what is read of it ---- */

/* Where the op has a default, takes any number of inputs, or has nothing of that kind. */
static bool may_hold(const char *what)
{
    static const char *const harmless[] = {"an attribute is missing",
                                           "an attribute is far below 0",
                                           "an attribute is another text",
                                           "a list is longer",
                                           "an input less",
                                           "an input more",
                                           "a dim below 0",
                                           "a dim beyond memory",
                                           "an input of a dim below 0"};
    bool is_harmless = false;
    for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
        is_harmless |= strcmp(what, harmless[i]) == 0;
    }
    return is_harmless;
}

/* true: it was refused. */
static bool read_broken(const Onnx__ModelProto *m, const char *op, const char *what,
                        struct arena *arena)
{
    size_t size = onnx__model_proto__get_packed_size(m);
    uint8_t *bytes = xmalloc(size ? size : 1); /* its own: reading past it is seen */
    struct program *p = NULL;
    onnx__model_proto__pack(m, bytes);
    enum err err =
        onnx_read(&(struct onnx_source){.name = "model", .data = bytes, .size = size}, arena, &p);
    free(bytes);
    if (err == ERR_OK && (ops_check(p) != ERR_OK || !may_hold(what))) {
        fail_msg("%s, %s: read; %s", op, what, err_text());
    }
    bool is_told = err == ERR_INPUT || err == ERR_UNSUPPORTED || err == ERR_LIMIT;
    if (err != ERR_OK && (!is_told || strncmp(err_text(), "model", 5) != 0 ||
                          strchr(err_text(), '\n') != NULL || strlen(err_text()) < 12)) {
        fail_msg("%s, %s: %s: \"%s\"", op, what, err_name(err), err_text());
    }
    return err != ERR_OK;
}

static unsigned n_broken, n_refused;

static void *take(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void give_back(void *arena, void *pointer) {}

static void break_all(const struct buffer *model, const char *op, struct arena *arena)
{
    ProtobufCAllocator memory = {take, give_back, arena};
    for (unsigned k = 0;; k++) {
        struct arena_mark mark = arena_mark(arena);
        struct choice c = {.left = k, .arena = arena};
        Onnx__ModelProto *m =
            onnx__model_proto__unpack(&memory, model->size, (const uint8_t *)model->data);
        assert_non_null(m);
        bool is_broken = break_model(&c, m);
        if (is_broken) {
            n_broken++;
            n_refused += read_broken(m, op, c.what, arena);
        }
        arena_rewind(arena, mark);
        if (!is_broken) {
            return;
        }
    }
}

static void broken_models_are_refused_or_hold(void **state)
{
    enum { TRIES = 4, SEED = 5 };
    struct fixture *f = *state;
    struct buffer model = BUFFER_INIT;
    struct policy policy = *f->policy;
    policy.nodes = 1;
    for (size_t i = 0; i < op_count; i++) {
        memset(policy.op_weight, 0, sizeof(policy.op_weight));
        policy.op_weight[i] = 1;
        for (uint64_t k = 0; k < TRIES && onnx_type_of(op_table[i]); k++) {
            struct test test;
            arena_reset(f->test);
            buffer_clear(&model);
            generate_test(&policy, SEED, k, MATERIALIZE_ALL, f->test, &test);
            if (onnx_write(test.program, ONNX_VERSION_DEFAULT, &model) == ERR_OK) {
                break_all(&model, op_table[i]->name, f->test);
            }
        }
    }
    buffer_release(&model);
    print_message("# %u of %u broken models are refused\n", n_refused, n_broken);
    assert_true(n_broken > 10000 && n_refused > n_broken / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(broken_models_are_refused_or_hold, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
