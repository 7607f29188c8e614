/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs in which a plain op stands in for another. The reducer makes failures plainer so, with
 * one op; the search for the cause asks so, with all of them, which nodes matter.
 */
#include <string.h>

#include "triage/triage_internal.h"

const struct plain_op plain_ops[PLAIN_OPS] = {
    {"neg", false}, {"bit_not", false}, {"not", false}, {"sub", true}};

static real plain_of(const struct plain_op *plain, enum dtype d, real x)
{
    if (strcmp(plain->name, "bit_not") == 0) {
        return dtype_wrap(d, ~real_pattern(x));
    }
    return strcmp(plain->name, "not") == 0 ? x == 0
           : dtype_is_int(d)               ? dtype_wrap(d, -real_pattern(x))
                                           : -x;
}

bool plain_takes(const struct plain_op *plain, enum dtype d)
{
    const struct op *op = op_find(plain->name);
    return op != NULL && dtype_in(d, op->in[0].dtypes);
}

void *plain_source(const struct plain_op *plain, const struct array *made, struct arena *arena)
{
    struct tensor t = tensor_from_array(arena, made);
    for (size_t i = 0; i < made->n; i++) {
        dtype_store(t.dtype, t.data, i, plain_of(plain, t.dtype, made->v[i]));
    }
    return t.data;
}

bool is_plain(const struct node *node)
{
    bool found = false;
    for (size_t i = 0; i < PLAIN_OPS; i++) {
        found = found || strcmp(plain_ops[i].name, node->op_name) == 0;
    }
    return found;
}

static uint32_t add_stand_in(struct program *made, const struct program *p,
                             const struct stand_in *s, uint32_t operand, struct arena *arena)
{
    const struct value *x = &made->values[operand];
    enum dtype dtype = x->dtype;
    struct shape shape = x->shape;
    uint32_t in[2] = {operand};
    uint32_t n_in = 1;
    if (s->op->from_zero) {
        const struct shape scalar = {.rank = 0};
        in[0] = program_add_const(made, NULL, dtype, &scalar, arena_zalloc(arena, sizeof(real)));
        in[1] = operand;
        n_in = 2;
    }
    const char *name = p->values[s->result].name;
    uint32_t node =
        program_add_named_node(made, s->op->name, n_in, in, 0, NULL, 1, &dtype, &shape, &name);
    return made->nodes[node].out[0];
}

static void add_same_node(struct program *made, const struct program *p, const struct node *node,
                          uint32_t *to, struct arena *arena)
{
    uint32_t *in = ARENA_ARRAY(arena, uint32_t, node->n_in);
    enum dtype dtypes[NODE_OUTPUTS_MAX];
    struct shape shapes[NODE_OUTPUTS_MAX];
    const char *names[NODE_OUTPUTS_MAX];
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = node->in[k] == VALUE_ABSENT ? VALUE_ABSENT : to[node->in[k]];
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct value *v = &p->values[node->out[o]];
        dtypes[o] = v->dtype;
        shapes[o] = v->shape;
        names[o] = v->name;
    }
    uint32_t n = program_add_named_node(made, node->op_name, node->n_in, in, node->n_attrs,
                                        node->attrs, node->n_out, dtypes, shapes, names);
    for (uint32_t o = 0; o < node->n_out; o++) {
        to[node->out[o]] = made->nodes[n].out[o];
    }
}

struct program *with_stand_in(const struct program *p, const struct stand_in *s, const char **fresh,
                              struct arena *arena)
{
    struct program *made = program_new(arena);
    uint32_t *to = ARENA_ARRAY(arena, uint32_t, p->n_values);
    *fresh = NULL;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_INPUT) {
            to[id] = program_add_input(made, v->name, v->dtype, &v->shape);
        } else if (v->kind == VALUE_CONST) {
            to[id] = program_add_const(made, v->name, v->dtype, &v->shape, v->data);
        }
    }
    uint32_t given = VALUE_ABSENT;
    if (s->operand == VALUE_ABSENT) {
        const struct value *v = &p->values[s->result];
        *fresh = "given";
        for (int i = 2; program_find_value(p, *fresh) != VALUE_ABSENT; i++) {
            *fresh = arena_printf(arena, "given%d", i);
        }
        given = program_add_input(made, *fresh, v->dtype, &v->shape);
    }
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        if (n == s->node && s->op == NULL) {
            to[s->result] = given;
        } else if (n == s->node) {
            uint32_t operand = given != VALUE_ABSENT ? given : to[s->operand];
            to[s->result] = add_stand_in(made, p, s, operand, arena);
        } else {
            add_same_node(made, p, &p->nodes[n], to, arena);
        }
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        if (to[p->outputs[o]] != given) { /* no input is an output */
            program_add_output(made, to[p->outputs[o]]);
        }
    }
    return made->n_outputs > 0 ? program_prune(made, arena, true) : NULL;
}
