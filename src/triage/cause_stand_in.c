/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another op can stand in for. A stand-in is plain: of one operand, which it gives back when
 * asked twice, and nothing special about any number. It reads an input that holds what makes it
 * give what the node gave; or, where nothing but an output reads the node, any operand of the node.
 */
#include <string.h>

#include "triage/cause_internal.h"

/* What stands in for a node: one op of one operand. */
struct stand_in {
    uint32_t node;
    const char *op;
    bool from_zero;   /* its operand is the second one, behind a constant 0 */
    uint32_t operand; /* value id; VALUE_ABSENT: a new input that holds `recorded` */
    void *recorded;   /* elements that give what the node gave */
    uint32_t result;  /* the one output of the node that anything reads */
};

static uint32_t add_stand_in(struct program *made, const struct program *p,
                             const struct stand_in *s, uint32_t operand, struct arena *arena)
{
    const struct value *x = &made->values[operand];
    enum dtype dtype = x->dtype;
    struct shape shape = x->shape;
    uint32_t in[2] = {operand};
    uint32_t n_in = 1;
    if (s->from_zero) {
        const struct shape scalar = {.rank = 0};
        in[0] = program_add_const(made, NULL, dtype, &scalar, arena_zalloc(arena, sizeof(real)));
        in[1] = operand;
        n_in = 2;
    }
    const char *name = p->values[s->result].name;
    uint32_t node =
        program_add_named_node(made, s->op, n_in, in, 0, NULL, 1, &dtype, &shape, &name);
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

/* The program with one node replaced, NULL: nothing is left to compute; *fresh: the name of the
 * input that is new, NULL: none is. */
static struct program *with_stand_in(const struct program *p, const struct stand_in *s,
                                     const char **fresh, struct arena *arena)
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

/* ---- plain ops ---- */

static const struct plain {
    const char *op;
    bool from_zero;
} plain_ops[] = {{"neg", false}, {"bit_not", false}, {"not", false}, {"sub", true}};

static real plain_of(const struct plain *plain, enum dtype d, real x)
{
    if (strcmp(plain->op, "bit_not") == 0) {
        return dtype_wrap(d, ~real_pattern(x));
    }
    return strcmp(plain->op, "not") == 0 ? x == 0
           : dtype_is_int(d)             ? dtype_wrap(d, -real_pattern(x))
                                         : -x;
}

static bool plain_takes(const struct plain *plain, enum dtype d)
{
    const struct op *op = op_find(plain->op);
    return op != NULL && dtype_in(d, op->in[0].dtypes);
}

/* The elements of which the plain op makes what the node gave. */
static void *recorded_for(const struct search *s, const struct plain *plain, uint32_t value)
{
    const struct array *a = &reference_values(reference_new(s->failure.test, s->arena))[value];
    struct tensor t = tensor_from_array(s->arena, a);
    for (size_t i = 0; i < a->n; i++) {
        dtype_store(t.dtype, t.data, i, plain_of(plain, t.dtype, a->v[i]));
    }
    return t.data;
}

static bool is_read(const struct program *p, uint32_t value, bool as_output)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
            if (p->nodes[i].in[k] == value) {
                return true;
            }
        }
    }
    for (uint32_t o = 0; o < p->n_outputs && as_output; o++) {
        if (p->outputs[o] == value) {
            return true;
        }
    }
    return false;
}

/* The one output of the node that anything reads; VALUE_ABSENT: several are. */
static uint32_t only_result(const struct program *p, const struct node *node)
{
    uint32_t result = VALUE_ABSENT;
    for (uint32_t o = 0; o < node->n_out; o++) {
        if (is_read(p, node->out[o], true)) {
            if (result != VALUE_ABSENT) {
                return VALUE_ABSENT;
            }
            result = node->out[o];
        }
    }
    return result;
}

static bool is_plain(const struct node *node)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain_ops); i++) {
        if (strcmp(plain_ops[i].op, node->op_name) == 0) {
            return true;
        }
    }
    return false;
}

enum err search_without(struct search *s, bool *found)
{
    const struct program *p = s->failure.test->program;
    *found = false;
    for (uint32_t n = p->n_nodes; n-- > 0 && !*found && !s->is_cut;) {
        struct stand_in in = {.node = n, .operand = VALUE_ABSENT};
        in.result = only_result(p, &p->nodes[n]);
        if (!is_plain(&p->nodes[n]) || in.result == VALUE_ABSENT) {
            continue;
        }
        struct reference *r = reference_new(s->failure.test, s->arena);
        in.recorded = tensor_from_array(s->arena, &reference_values(r)[in.result]).data;
        const char *fresh;
        struct program *rest = with_stand_in(p, &in, &fresh, s->arena);
        if (rest == NULL || rest->n_nodes == 0) {
            continue;
        }
        struct test *test = test_with(s->failure.test, rest, fresh, in.recorded, s->arena);
        TRY(search_adopt_if_wrong(s, test, found));
    }
    return ERR_OK;
}

static enum err try_stand_in(struct search *s, const struct stand_in *in, bool keep, bool *same)
{
    const char *fresh;
    struct program *p = with_stand_in(s->failure.test->program, in, &fresh, s->arena);
    struct test *test = test_with(s->failure.test, p, fresh, in->recorded, s->arena);
    struct outcome outcome;
    struct verdict verdict;
    if (!keep) {
        return search_ask(s, test, same);
    }
    TRY(search_look(s, test, &outcome, &verdict, same));
    if (*same) {
        search_adopt(s, test, &outcome, &verdict);
    }
    return ERR_OK;
}

/* The node gives something, no matter how; or, where nothing but an output reads it, it reads an
 * operand, no matter to what end. */
static enum err try_plain(struct search *s, uint32_t n, const struct plain *plain, bool keep,
                          bool *same)
{
    const struct program *p = s->failure.test->program;
    const struct node *node = &p->nodes[n];
    struct stand_in in = {.node = n,
                          .op = plain->op,
                          .from_zero = plain->from_zero,
                          .operand = VALUE_ABSENT,
                          .result = only_result(p, node)};
    *same = false;
    if (in.result == VALUE_ABSENT || strcmp(plain->op, node->op_name) == 0) {
        return ERR_OK;
    }
    if (plain_takes(plain, p->values[in.result].dtype)) {
        in.recorded = recorded_for(s, plain, in.result);
        TRY(try_stand_in(s, &in, keep, same));
    }
    bool is_last = !is_read(p, in.result, false);
    for (uint32_t k = 0; k < node->n_in && is_last && !*same && !s->is_cut; k++) {
        in.operand = node->in[k];
        if (in.operand != VALUE_ABSENT && plain_takes(plain, p->values[in.operand].dtype)) {
            TRY(try_stand_in(s, &in, keep, same));
        }
    }
    return ERR_OK;
}

static enum err try_any_plain(struct search *s, uint32_t n, bool keep, bool *same)
{
    *same = false;
    for (size_t i = 0; i < ARRAY_SIZE(plain_ops) && !*same && !s->is_cut; i++) {
        TRY(try_plain(s, n, &plain_ops[i], keep, same));
    }
    return ERR_OK;
}

enum err search_put_plain_ops(struct search *s, bool *changed)
{
    *changed = false;
    for (bool again = true; again;) {
        again = false;
        for (uint32_t n = s->failure.test->program->n_nodes; n-- > 0 && !again;) {
            const struct program *p = s->failure.test->program;
            uint32_t left = 0;
            for (uint32_t i = 0; i < p->n_nodes; i++) {
                left += !is_plain(&p->nodes[i]);
            }
            if (left > 1 && !is_plain(&p->nodes[n])) {
                TRY(try_any_plain(s, n, true, &again));
            }
        }
        *changed = *changed || again;
    }
    return ERR_OK;
}

enum err search_mark_stand_ins(struct search *s)
{
    const struct program *p = s->failure.test->program;
    bool *marks = ARENA_ZARRAY(s->arena, bool, p->n_nodes);
    uint32_t left = p->n_nodes;
    for (uint32_t n = p->n_nodes; n-- > 0 && left > 1;) {
        if (is_plain(&p->nodes[n])) {
            TRY(try_any_plain(s, n, false, &marks[n]));
            left -= marks[n];
        }
    }
    s->r->stands_in = marks;
    return ERR_OK;
}
