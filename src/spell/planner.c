/* SPDX-License-Identifier: Apache-2.0 */
/* A program as a plan of a library's calls: registers, their names, the form of each node. */
#include "spell/planner.h"

#include <string.h>

const struct call_library *call_library_find(const char *name)
{
    static const struct {
        const char *name; /* of the library; what people import it as may be shorter */
        const struct call_library *calls;
    } libraries[] = {{"torch", &torch_calls}, {"tensorflow", &tf_calls}, {"jax", &jax_calls}};

    for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
        if (strcmp(libraries[i].name, name) == 0) {
            return libraries[i].calls;
        }
    }
    return NULL;
}

/* ---- what forms are made of ---- */

uint32_t planner_input(const struct planner *b, uint32_t k)
{
    return b->registers[b->node->in[k]];
}

const struct value *planner_input_value(const struct planner *b, uint32_t k)
{
    return &b->program->values[b->node->in[k]];
}

uint32_t planner_output(const struct planner *b)
{
    return b->registers[b->node->out[0]];
}

const struct value *planner_output_value(const struct planner *b)
{
    return &b->program->values[b->node->out[0]];
}

static uint32_t add_register(struct planner *b, const char *name)
{
    const char *const reserved[] = {b->library->name, "program", "Program", "self",
                                    "base64",         "inf",     "nan",     NULL};
    uint32_t r = b->plan->n_registers++;

    b->names = arena_room(b->arena, b->names, r, sizeof *b->names);
    b->names[r] = names_add_fresh(b->taken, python_identifier(b->arena, name, reserved), r);
    return r;
}

uint32_t planner_step(struct planner *b, const char *what)
{
    return add_register(b, arena_printf(b->arena, "%s_%s", planner_output_value(b)->name, what));
}

void planner_call_tuple(struct planner *b, const uint32_t *to, size_t n_to, const char *callable,
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

void planner_call(struct planner *b, uint32_t to, const char *callable, const struct plan_arg *args,
                  size_t n_args)
{
    planner_call_tuple(b, &to, 1, callable, args, n_args);
}

const struct attr *planner_attribute(const struct planner *b, const char *name)
{
    const struct attr *a = node_attr(b->node, name);
    if (!a) {
        BUG("%s has no attribute %s", b->node->op_name, name);
    }
    return a;
}

bool planner_may_be_negative(const struct planner *b, uint32_t k)
{
    const struct value *v = planner_input_value(b, k);
    size_t n = shape_numel(&v->shape), i = 0;

    while (v->data && i < n && dtype_load(v->dtype, v->data, i) >= 0) {
        i++;
    }
    return i < n;
}

void planner_refuse(struct planner *b, const char *why)
{
    b->refused = err_set(ERR_UNSUPPORTED, "%s (%s): %s has no %s", planner_output_value(b)->name,
                         b->node->op_name, b->library->name, why);
}

void planner_plain(struct planner *b, const char *callable)
{
    struct plan_arg args[OP_INPUTS_MAX] = {0};

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        args[k] = (struct plan_arg)VALUE(planner_input(b, k));
    }
    planner_call(b, planner_output(b), callable, args, b->node->n_in);
}

static const struct call_form *find_form(const struct call_library *library, const char *op)
{
    for (size_t i = 0; library->families[i]; i++) {
        for (const struct call_form *f = library->families[i]; f->op; f++) {
            if (strcmp(f->op, op) == 0) {
                return f;
            }
        }
    }
    return NULL;
}

bool calls_can_spell(const struct call_library *library, const struct op *op)
{
    return find_form(library, op->name) != NULL;
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
    const struct call_form *form = find_form(b->library, node->op_name);
    const struct value *first = &b->program->values[node->out[0]];

    if (!form) {
        return err_set(ERR_UNSUPPORTED, "%s: %s has no form of %s here; use another target",
                       first->name, b->library->name, node->op_name);
    }
    b->node = node;
    for (uint32_t o = 0; o < node->n_out; o++) {
        b->registers[node->out[o]] = add_register(b, b->program->values[node->out[o]].name);
    }
    b->refused = ERR_OK;
    form->emit(b, form->callable);
    return b->refused;
}

enum err calls_plan(const struct call_library *library, const struct program *p,
                    struct arena *arena, struct plan **plan)
{
    struct planner b = {.library = library,
                        .program = p,
                        .arena = arena,
                        .plan = arena_zalloc(arena, sizeof *b.plan),
                        .registers = ARENA_ARRAY(arena, uint32_t, p->n_values),
                        .taken = names_new(arena, p->n_values + 16)};

    b.plan->library = library->name;
    b.plan->dtypes = library->dtypes;
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

enum err calls_print(const struct call_library *library, const struct program *p,
                     const struct test *before, struct arena *arena, struct plan **plan,
                     struct buffer *source)
{
    struct plan *other;

    TRY(calls_plan(library, p, arena, plan));
    if (!before) {
        plan_print_python(*plan, source);
        return ERR_OK;
    }
    TRY(calls_plan(library, before->program, arena, &other));
    const struct plan_shapes shapes = {p, before->program, other};
    return plan_print_shapes(*plan, &shapes, source);
}
