/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program as a library computes it that documents dtypes which it computes in others (f64 in
 * f32): the floats that the program is given are cast first, and all that follow are of the other
 * dtype. Integers stay as they are declared, for they are the same in a narrower dtype as long as
 * they fit; those that do not are marked (marks.c).
 */
#include "oracle/oracle_internal.h"

#include <string.h>

static enum dtype float_for(const struct precision *precision, enum dtype d)
{
    enum dtype in = precision->computes[d];
    return dtype_is_float(d) && in != DTYPE_NONE ? in : d;
}

double approximation_of(const struct precision *precision, const struct node *node)
{
    const struct approximation *a = precision->approximates;
    while (a && a->op && strcmp(a->op, node->op_name) != 0) {
        a++;
    }
    return a && a->op ? a->error : 0;
}

static bool is_given(const struct value *v)
{
    return v->kind != VALUE_NODE;
}

bool program_is_narrowed(const struct program *p, const struct precision *precision)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        enum dtype d = p->values[id].dtype;
        bool may_flush = (d == DTYPE_BF16 && precision->flushes_bf16) ||
                         (p->values[id].kind == VALUE_CONST && precision->flushes_constants);
        if (precision->computes[d] != DTYPE_NONE || may_flush) {
            return true;
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (approximation_of(precision, &p->nodes[i]) > 0) {
            return true;
        }
    }
    return false;
}

/* Of value `from` to value `to`; without the attribute that every cast of a program has. */
static struct node cast_node(uint32_t from, uint32_t to, struct arena *arena)
{
    struct node cast = {.op_name = "cast", .op = op_find("cast"), .n_in = 1, .n_out = 1};
    cast.in = arena_copy(arena, &from, sizeof(from));
    cast.out = arena_copy(arena, &to, sizeof(to));
    return cast;
}

/* The casts: values behind all others, nodes before all others. */
static uint32_t add_casts(const struct program *p, const struct precision *precision,
                          struct program *q, uint32_t *stands_for)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        enum dtype d = float_for(precision, v->dtype);
        stands_for[id] = id;
        if (!is_given(v) || d == v->dtype) {
            continue;
        }
        uint32_t to = p->n_values + n;
        q->values[to] = *v;
        q->values[to].kind = VALUE_NODE;
        q->values[to].dtype = d;
        q->values[to].node = n;
        q->nodes[n] = cast_node(id, to, q->arena);
        stands_for[id] = to;
        n++;
    }
    return n;
}

struct program *program_narrow(const struct program *p, const struct precision *precision,
                               struct arena *arena)
{
    struct program *q = arena_copy(arena, p, sizeof(*p));
    uint32_t *stands_for = ARENA_ARRAY(arena, uint32_t, p->n_values + 1);
    q->arena = arena;
    q->values = ARENA_ZARRAY(arena, struct value, 2 * (size_t)p->n_values + 1);
    q->nodes = ARENA_ZARRAY(arena, struct node, (size_t)p->n_nodes + p->n_values + 1);
    memcpy(q->values, p->values, p->n_values * sizeof(*p->values));
    uint32_t n_casts = add_casts(p, precision, q, stands_for);
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct value *v = &q->values[id];
        if (!is_given(v)) {
            v->dtype = float_for(precision, v->dtype);
            v->node += n_casts;
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        struct node *node = &q->nodes[n_casts + i];
        *node = p->nodes[i];
        node->in = ARENA_ARRAY(arena, uint32_t, node->n_in + 1);
        for (uint32_t k = 0; k < node->n_in; k++) {
            uint32_t id = p->nodes[i].in[k];
            node->in[k] = id == VALUE_ABSENT ? id : stands_for[id];
        }
    }
    q->outputs = ARENA_ARRAY(arena, uint32_t, p->n_outputs + 1);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        q->outputs[o] = stands_for[p->outputs[o]];
    }
    q->n_values = q->values_capacity = p->n_values + n_casts;
    q->n_nodes = q->nodes_capacity = p->n_nodes + n_casts;
    return q;
}
