/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that were written and read back are compared with ids in one order. */
#ifndef OPJURY_CANONICAL_H
#define OPJURY_CANONICAL_H

#include <string.h>

#include "spell/spell.h"

/* The same program with ids in the order in which a reader of models makes them: inputs, then each
 * constant before the first node that uses it. Names are fresh. */
static inline struct program *canonical(const struct program *p, struct arena *arena)
{
    struct program *q = program_new(arena);
    uint32_t *id = ARENA_ARRAY(arena, uint32_t, p->n_values);
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];
    uint32_t in[OP_INPUTS_MAX];

    CHECK(p->values);
    memset(id, 0xff, sizeof *id * p->n_values);
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        const struct value *v = &p->values[program_input(p, k)];
        id[program_input(p, k)] = program_add_input(q, NULL, v->dtype, &v->shape);
    }
    for (uint32_t i = 0; i < p->n_nodes + p->n_outputs; i++) {
        const struct node *n = i < p->n_nodes ? &p->nodes[i] : NULL;
        const uint32_t *uses = n ? n->in : &p->outputs[i - p->n_nodes];
        CHECK(uses);
        for (uint32_t k = 0; k < (n ? n->n_in : 1); k++) {
            const struct value *v = uses[k] == VALUE_ABSENT ? NULL : &p->values[uses[k]];
            if (v && v->kind == VALUE_CONST && id[uses[k]] == VALUE_ABSENT) {
                id[uses[k]] = program_add_const(q, NULL, v->dtype, &v->shape, v->data);
            }
            in[n ? k : 0] = v ? id[uses[k]] : VALUE_ABSENT;
        }
        if (!n) {
            program_add_output(q, in[0]);
            continue;
        }
        CHECK(n->out);
        for (uint32_t o = 0; o < n->n_out; o++) {
            dtypes[o] = p->values[n->out[o]].dtype;
            shapes[o] = p->values[n->out[o]].shape;
        }
        uint32_t at = program_add_node(q, n->op_name, n->n_in, in, n->n_attrs, n->attrs, n->n_out,
                                       dtypes, shapes);
        for (uint32_t o = 0; o < n->n_out; o++) {
            id[n->out[o]] = q->nodes[at].out[o];
        }
    }
    CHECK(ops_resolve(q) == ERR_OK);
    return q;
}

#endif
