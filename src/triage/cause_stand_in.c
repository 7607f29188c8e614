/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another op can stand in for. A stand-in reads an input that holds what makes it give what
 * the node gave; or, where nothing but an output reads the node, any operand of the node. The
 * reducer's tactic `ops` puts one such op where it does; here all are asked, also of nodes that
 * stay as they are, and one node is always left.
 */
#include <string.h>

#include "triage/cause_internal.h"

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

/* What a node gave by the reference. */
static const struct array *given_by(const struct search *s, uint32_t value)
{
    return &reference_values(reference_new(s->failure.test, s->arena))[value];
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
        in.recorded = tensor_from_array(s->arena, given_by(s, in.result)).data;
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
static enum err try_plain(struct search *s, uint32_t n, const struct plain_op *plain, bool keep,
                          bool *same)
{
    const struct program *p = s->failure.test->program;
    const struct node *node = &p->nodes[n];
    struct stand_in in = {
        .node = n, .op = plain, .operand = VALUE_ABSENT, .result = only_result(p, node)};
    *same = false;
    if (in.result == VALUE_ABSENT || strcmp(plain->name, node->op_name) == 0) {
        return ERR_OK;
    }
    if (plain_takes(plain, p->values[in.result].dtype)) {
        in.recorded = plain_source(plain, given_by(s, in.result), s->arena);
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
    for (size_t i = 0; i < PLAIN_OPS && !*same && !s->is_cut; i++) {
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
