/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says the ops that move data: transpose, reshape, concat. */
#include "spell/torch_internal.h"

static void emit_transpose(struct planner *b, const char *callable)
{
    const struct attr *perm = torch_attribute(b, "perm");
    CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)), INTS(NULL, perm->n, perm->i));
}

static void emit_reshape(struct planner *b, const char *callable)
{
    const struct shape *s = &torch_output_value(b)->shape;
    CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)),
         INTS(NULL, (uint32_t)s->rank, s->dim));
}

static void emit_concat(struct planner *b, const char *callable)
{
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, b->node->n_in);

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        parts[k] = torch_input(b, k);
    }
    const struct plan_arg list = {.kind = PLAN_VALUES, .n = b->node->n_in, .values = parts};
    CALL(b, torch_output(b), callable, list, INT("dim", torch_attribute(b, "axis")->i[0]));
}

/* ---- the table ---- */

const struct torch_form torch_move[] = {
    {"transpose", "torch.permute", emit_transpose},
    {"reshape", "torch.reshape", emit_reshape},
    {"concat", "torch.cat", emit_concat},
    {0},
};
