/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How torch says each op: public calls with their arguments. torch_forms is the table; an op whose
 * call is its name on its inputs needs a row only, the others have a function that makes the calls.
 * A form exists for every dtype that torch has an object for; which of them a build implements is
 * found by probing, not here.
 */
#include "spell/spell_internal.h"

#include <string.h>

struct planner {
    const struct program *program;
    const struct node *node; /* being spelled */
    struct arena *arena;
    struct plan *plan;
    uint32_t *registers; /* of each program value */
    struct plan_call *calls;
    const char **names; /* of each register */
    uint32_t calls_capacity, names_capacity;
    struct names *taken;
};

/* ---- what forms are made of ---- */

#define VALUE(r) {.kind = PLAN_VALUE, .value = (r)}
#define INT(key, x) {.keyword = (key), .kind = PLAN_INT, .i = (x)}
#define INTS(key, count, x) {.keyword = (key), .kind = PLAN_INTS, .n = (count), .ints = (x)}
#define BOOL(key, x) {.keyword = (key), .kind = PLAN_BOOL, .i = (x)}
#define DTYPE(key, x) {.keyword = (key), .kind = PLAN_DTYPE, .dtype = (x)}
#define TEXT(key, x) {.keyword = (key), .kind = PLAN_TEXT, .text = (x)}

/* Make a call whose result goes to the register. */
#define CALL(b, to, callable, ...)                                                                 \
    add_call(b, to, callable, (const struct plan_arg[]){__VA_ARGS__},                              \
             ARRAY_SIZE(((const struct plan_arg[]){__VA_ARGS__})))

static uint32_t input(const struct planner *b, uint32_t k)
{
    return b->registers[b->node->in[k]];
}

static const struct value *input_value(const struct planner *b, uint32_t k)
{
    return &b->program->values[b->node->in[k]];
}

static uint32_t output(const struct planner *b)
{
    return b->registers[b->node->out[0]];
}

static const struct value *output_value(const struct planner *b)
{
    return &b->program->values[b->node->out[0]];
}

static uint32_t add_register(struct planner *b, const char *name)
{
    static const char *const reserved[] = {"torch", "program", NULL};
    uint32_t r = b->plan->n_registers++;

    if (r == b->names_capacity) {
        const char **old = b->names;
        b->names_capacity *= 2;
        b->names = ARENA_ARRAY(b->arena, const char *, b->names_capacity);
        memcpy(b->names, old, r * sizeof *old);
    }
    b->names[r] = names_add_fresh(b->taken, python_identifier(b->arena, name, reserved), r);
    return r;
}

/* A register for a step inside the node: "v3_pad". */
static uint32_t step(struct planner *b, const char *what)
{
    return add_register(b, arena_printf(b->arena, "%s_%s", output_value(b)->name, what));
}

static void add_call(struct planner *b, uint32_t to, const char *callable,
                     const struct plan_arg *args, size_t n_args)
{
    uint32_t c = b->plan->n_calls++;

    if (c == b->calls_capacity) {
        struct plan_call *old = b->calls;
        b->calls_capacity *= 2;
        b->calls = ARENA_ARRAY(b->arena, struct plan_call, b->calls_capacity);
        memcpy(b->calls, old, c * sizeof *old);
    }
    b->calls[c] = (struct plan_call){.callable = callable,
                                     .n_args = (uint32_t)n_args,
                                     .args = arena_copy(b->arena, args, n_args * sizeof *args),
                                     .n_results = 1,
                                     .results = arena_copy(b->arena, &to, sizeof to)};
}

/* Attributes are borrowed: a plan lives as long as its program. */
static const struct attr *attribute(const struct planner *b, const char *name)
{
    const struct attr *a = node_attr(b->node, name);
    if (!a) {
        BUG("%s has no attribute %s", b->node->op_name, name);
    }
    return a;
}

/* ---- forms ---- */

struct form {
    const char *op;
    const char *callable; /* emit NULL: called on all inputs */
    void (*emit)(struct planner *b, const char *callable);
};

static void emit_plain(struct planner *b, const char *callable)
{
    struct plan_arg args[OP_INPUTS_MAX] = {0};

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        args[k] = (struct plan_arg)VALUE(input(b, k));
    }
    add_call(b, output(b), callable, args, b->node->n_in);
}

/* The quotient of integers is truncated, as ONNX's Div does. */
static void emit_div(struct planner *b, const char *callable)
{
    if (dtype_is_float(output_value(b)->dtype)) {
        emit_plain(b, callable);
    } else {
        CALL(b, output(b), callable, VALUE(input(b, 0)), VALUE(input(b, 1)),
             TEXT("rounding_mode", "trunc"));
    }
}

static void emit_cast(struct planner *b, const char *callable)
{
    CALL(b, output(b), callable, VALUE(input(b, 0)), DTYPE(NULL, attribute(b, "to")->dtype));
}

static struct plan_arg bound_arg(const struct planner *b, const char *name)
{
    const struct attr *a = attribute(b, name);
    struct plan_arg arg = {.keyword = name, .kind = PLAN_REAL, .f = a->f};

    if (!dtype_is_float(output_value(b)->dtype)) { /* a float bound would promote the result */
        uint64_t bits = real_pattern(a->f);
        arg = (struct plan_arg)INT(name, (int64_t)bits);
    }
    return arg;
}

static void emit_clip(struct planner *b, const char *callable)
{
    const struct plan_arg args[] = {VALUE(input(b, 0)), bound_arg(b, "min"), bound_arg(b, "max")};
    add_call(b, output(b), callable, args, ARRAY_SIZE(args));
}

/* torch would sum integers in int64: dtype keeps the input's. */
static void emit_sum(struct planner *b, const char *callable)
{
    const struct attr *axes = attribute(b, "axes");

    CALL(b, output(b), callable, VALUE(input(b, 0)), INTS("dim", axes->n, axes->i),
         BOOL("keepdim", attribute(b, "keepdims")->i[0]), DTYPE("dtype", output_value(b)->dtype));
}

static void emit_max(struct planner *b, const char *callable)
{
    const struct attr *axes = attribute(b, "axes");

    CALL(b, output(b), callable, VALUE(input(b, 0)), INTS("dim", axes->n, axes->i),
         BOOL("keepdim", attribute(b, "keepdims")->i[0]));
}

static void emit_arg_max(struct planner *b, const char *callable)
{
    CALL(b, output(b), callable, VALUE(input(b, 0)), INT("dim", attribute(b, "axis")->i[0]),
         BOOL("keepdim", attribute(b, "keepdims")->i[0]));
}

static void emit_softmax(struct planner *b, const char *callable)
{
    CALL(b, output(b), callable, VALUE(input(b, 0)), INT("dim", attribute(b, "axis")->i[0]));
}

/* torch pads both ends alike: uneven pads are a step of their own. */
static void emit_conv2d(struct planner *b, const char *callable)
{
    const int64_t *pads = attribute(b, "pads")->i; /* top, left, bottom, right */
    bool is_even = pads[0] == pads[2] && pads[1] == pads[3];
    struct plan_arg bias = {.kind = PLAN_NONE};
    uint32_t x = input(b, 0);
    int64_t *around = ARENA_ZARRAY(b->arena, int64_t, 4);

    if (!is_even) {
        memcpy(around, (const int64_t[]){pads[1], pads[3], pads[0], pads[2]}, 4 * sizeof *around);
        x = step(b, "pad");
        CALL(b, x, "torch.nn.functional.pad", VALUE(input(b, 0)), INTS(NULL, 4, around));
        around = ARENA_ZARRAY(b->arena, int64_t, 2);
    } else {
        memcpy(around, pads, 2 * sizeof *around);
    }
    if (b->node->n_in > 2 && b->node->in[2] != VALUE_ABSENT) {
        bias = (struct plan_arg)VALUE(input(b, 2));
    }
    CALL(b, output(b), callable, VALUE(x), VALUE(input(b, 1)), bias,
         INTS("stride", 2, attribute(b, "strides")->i), INTS("padding", 2, around),
         INTS("dilation", 2, attribute(b, "dilations")->i),
         INT("groups", attribute(b, "group")->i[0]));
}

static void emit_transpose(struct planner *b, const char *callable)
{
    const struct attr *perm = attribute(b, "perm");
    CALL(b, output(b), callable, VALUE(input(b, 0)), INTS(NULL, perm->n, perm->i));
}

static void emit_reshape(struct planner *b, const char *callable)
{
    const struct shape *s = &output_value(b)->shape;
    CALL(b, output(b), callable, VALUE(input(b, 0)), INTS(NULL, (uint32_t)s->rank, s->dim));
}

static void emit_concat(struct planner *b, const char *callable)
{
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, b->node->n_in);

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        parts[k] = input(b, k);
    }
    const struct plan_arg list = {.kind = PLAN_VALUES, .n = b->node->n_in, .values = parts};
    CALL(b, output(b), callable, list, INT("dim", attribute(b, "axis")->i[0]));
}

/* index_select takes a vector of indices from 0 up: they are flattened, those below 0 moved up by
 * the dim (an index out of range stays one, so torch still refuses it), the result is unfolded. */
static void emit_gather(struct planner *b, const char *callable)
{
    const struct shape *data = &input_value(b, 0)->shape, *index = &input_value(b, 1)->shape;
    const struct shape *out = &output_value(b)->shape;
    int64_t axis = attribute(b, "axis")->i[0];
    int64_t dim = data->dim[axis < 0 ? axis + data->rank : axis];
    int64_t *flat = arena_alloc(b->arena, sizeof *flat);
    uint32_t i = input(b, 1), below = step(b, "below"), moved = step(b, "moved");

    CALL(b, below, "torch.lt", VALUE(i), INT(NULL, 0));
    CALL(b, moved, "torch.add", VALUE(i), INT(NULL, dim));
    uint32_t chosen = step(b, "index");
    CALL(b, chosen, "torch.where", VALUE(below), VALUE(moved), VALUE(i));
    uint32_t row = chosen, picked = output(b);
    if (index->rank != 1) {
        *flat = (int64_t)shape_numel(index);
        row = step(b, "flat");
        CALL(b, row, "torch.reshape", VALUE(chosen), INTS(NULL, 1, flat));
        picked = step(b, "picked");
    }
    CALL(b, picked, callable, VALUE(input(b, 0)), INT(NULL, axis), VALUE(row));
    if (index->rank != 1) {
        CALL(b, output(b), "torch.reshape", VALUE(picked),
             INTS(NULL, (uint32_t)out->rank, out->dim));
    }
}

static const struct form torch_forms[] = {
    {"add", "torch.add", emit_plain},
    {"mul", "torch.mul", emit_plain},
    {"div", "torch.div", emit_div},
    {"neg", "torch.neg", emit_plain},
    {"relu", "torch.relu", emit_plain},
    {"exp", "torch.exp", emit_plain},
    {"log", "torch.log", emit_plain},
    {"sqrt", "torch.sqrt", emit_plain},
    {"tan", "torch.tan", emit_plain},
    {"floor", "torch.floor", emit_plain},
    {"cast", "torch.Tensor.to", emit_cast},
    {"less", "torch.lt", emit_plain},
    {"where", "torch.where", emit_plain},
    {"clip", "torch.clamp", emit_clip},
    {"reduce_sum", "torch.sum", emit_sum},
    {"reduce_max", "torch.amax", emit_max},
    {"arg_max", "torch.argmax", emit_arg_max},
    {"softmax", "torch.softmax", emit_softmax},
    {"matmul", "torch.matmul", emit_plain},
    {"conv2d", "torch.nn.functional.conv2d", emit_conv2d},
    {"transpose", "torch.permute", emit_transpose},
    {"reshape", "torch.reshape", emit_reshape},
    {"concat", "torch.cat", emit_concat},
    {"gather", "torch.index_select", emit_gather},
};

static const struct form *find_form(const char *op)
{
    for (size_t i = 0; i < ARRAY_SIZE(torch_forms); i++) {
        if (strcmp(torch_forms[i].op, op) == 0) {
            return &torch_forms[i];
        }
    }
    return NULL;
}

bool torch_can_spell(const struct op *op, const enum dtype *in, size_t n_in, const enum dtype *out,
                     size_t n_out)
{
    return find_form(op->name) != NULL; /* torch has an object for every dtype of ours */
}

/* ---- the plan ---- */

static const uint32_t *place_values(struct planner *b, enum value_kind kind, uint32_t *n)
{
    const struct program *p = b->program;
    uint32_t *ids = ARENA_ARRAY(b->arena, uint32_t, p->n_values);

    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind == kind) {
            ids[(*n)++] = id;
            b->registers[id] = add_register(b, p->values[id].name);
        }
    }
    return ids;
}

static enum err spell_node(struct planner *b, const struct node *node)
{
    const struct form *form = find_form(node->op_name);
    const struct value *first = &b->program->values[node->out[0]];

    if (!form) {
        return err_set(ERR_UNSUPPORTED, "%s: torch has no form of %s here; use another target",
                       first->name, node->op_name);
    }
    b->node = node;
    for (uint32_t o = 0; o < node->n_out; o++) {
        b->registers[node->out[o]] = add_register(b, b->program->values[node->out[o]].name);
    }
    form->emit(b, form->callable);
    return ERR_OK;
}

enum err torch_plan(const struct program *p, struct arena *arena, struct plan **plan)
{
    struct planner b = {.program = p,
                        .arena = arena,
                        .plan = arena_zalloc(arena, sizeof *b.plan),
                        .registers = ARENA_ARRAY(arena, uint32_t, p->n_values),
                        .calls_capacity = p->n_nodes + 16,
                        .names_capacity = p->n_values + 16,
                        .taken = names_new(arena, p->n_values + 16)};
    b.calls = ARENA_ARRAY(arena, struct plan_call, b.calls_capacity);
    b.names = ARENA_ARRAY(arena, const char *, b.names_capacity);

    b.plan->library = "torch";
    b.plan->input_values = place_values(&b, VALUE_INPUT, &b.plan->n_inputs);
    b.plan->const_values = place_values(&b, VALUE_CONST, &b.plan->n_consts);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        TRY(spell_node(&b, &p->nodes[i]));
    }
    uint32_t *outputs = ARENA_ARRAY(arena, uint32_t, p->n_outputs);
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        outputs[i] = b.registers[p->outputs[i]];
    }
    b.plan->n_outputs = p->n_outputs;
    b.plan->outputs = outputs;
    b.plan->calls = b.calls;
    b.plan->names = b.names;
    *plan = b.plan;
    return ERR_OK;
}
