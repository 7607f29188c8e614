/* SPDX-License-Identifier: Apache-2.0 */
/* A program as a plan of torch calls: the families' tables, registers and their names. */
#include "spell/torch_internal.h"

#include <string.h>

static const struct torch_form *const families[] = {
    torch_elementwise, torch_math, torch_activation, torch_logic, torch_reduce,
    torch_linear,      torch_pool, torch_move,       torch_slice, torch_index};

/* ---- what forms are made of ---- */

uint32_t torch_input(const struct planner *b, uint32_t k)
{
    return b->registers[b->node->in[k]];
}

const struct value *torch_input_value(const struct planner *b, uint32_t k)
{
    return &b->program->values[b->node->in[k]];
}

uint32_t torch_output(const struct planner *b)
{
    return b->registers[b->node->out[0]];
}

const struct value *torch_output_value(const struct planner *b)
{
    return &b->program->values[b->node->out[0]];
}

static uint32_t add_register(struct planner *b, const char *name)
{
    static const char *const reserved[] = {"torch", "program", "base64", "inf", "nan", NULL};
    uint32_t r = b->plan->n_registers++;

    b->names = arena_room(b->arena, b->names, r, sizeof *b->names);
    b->names[r] = names_add_fresh(b->taken, python_identifier(b->arena, name, reserved), r);
    return r;
}

uint32_t torch_step(struct planner *b, const char *what)
{
    return add_register(b, arena_printf(b->arena, "%s_%s", torch_output_value(b)->name, what));
}

void torch_call_tuple(struct planner *b, const uint32_t *to, size_t n_to, const char *callable,
                      const struct plan_arg *args, size_t n_args)
{
    uint32_t c = b->plan->n_calls++;

    b->calls = arena_room(b->arena, b->calls, c, sizeof *b->calls);
    b->calls[c] = (struct plan_call){.callable = callable,
                                     .n_args = (uint32_t)n_args,
                                     .args = arena_copy(b->arena, args, n_args * sizeof *args),
                                     .n_results = (uint32_t)n_to,
                                     .results = arena_copy(b->arena, to, n_to * sizeof *to)};
}

void torch_call(struct planner *b, uint32_t to, const char *callable, const struct plan_arg *args,
                size_t n_args)
{
    torch_call_tuple(b, &to, 1, callable, args, n_args);
}

const struct attr *torch_attribute(const struct planner *b, const char *name)
{
    const struct attr *a = node_attr(b->node, name);
    if (!a) {
        BUG("%s has no attribute %s", b->node->op_name, name);
    }
    return a;
}

void torch_refuse(struct planner *b, const char *why)
{
    b->refused = err_set(ERR_UNSUPPORTED, "%s (%s): torch has no %s", torch_output_value(b)->name,
                         b->node->op_name, why);
}

void torch_plain(struct planner *b, const char *callable)
{
    struct plan_arg args[OP_INPUTS_MAX] = {0};

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        args[k] = (struct plan_arg)VALUE(torch_input(b, k));
    }
    torch_call(b, torch_output(b), callable, args, b->node->n_in);
}

static const struct torch_form *find_form(const char *op)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        for (const struct torch_form *f = families[i]; f->op; f++) {
            if (strcmp(f->op, op) == 0) {
                return f;
            }
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
    const struct torch_form *form = find_form(node->op_name);
    const struct value *first = &b->program->values[node->out[0]];

    if (!form) {
        return err_set(ERR_UNSUPPORTED, "%s: torch has no form of %s here; use another target",
                       first->name, node->op_name);
    }
    b->node = node;
    for (uint32_t o = 0; o < node->n_out; o++) {
        b->registers[node->out[o]] = add_register(b, b->program->values[node->out[o]].name);
    }
    b->refused = ERR_OK;
    form->emit(b, form->callable);
    return b->refused;
}

enum err torch_plan(const struct program *p, struct arena *arena, struct plan **plan)
{
    struct planner b = {.program = p,
                        .arena = arena,
                        .plan = arena_zalloc(arena, sizeof *b.plan),
                        .registers = ARENA_ARRAY(arena, uint32_t, p->n_values),
                        .taken = names_new(arena, p->n_values + 16)};

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

enum err torch_print(const struct program *p, const struct test *before, struct arena *arena,
                     struct plan **plan, struct buffer *source)
{
    struct plan *other;

    TRY(torch_plan(p, arena, plan));
    if (!before) {
        plan_print_python(*plan, source);
        return ERR_OK;
    }
    TRY(torch_plan(before->program, arena, &other));
    const struct plan_shapes shapes = {p, before->program, other};
    return plan_print_shapes(*plan, &shapes, source);
}
