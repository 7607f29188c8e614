/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says the ops that move data: transpose, reshape, concat, gather. */
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

/* index_select takes a vector of indices from 0 up: they are flattened, those below 0 moved up by
 * the dim (an index out of range stays one, so torch still refuses it), the result is unfolded. */
static void emit_gather(struct planner *b, const char *callable)
{
    const struct shape *data = &torch_input_value(b, 0)->shape,
                       *index = &torch_input_value(b, 1)->shape;
    const struct shape *out = &torch_output_value(b)->shape;
    int64_t axis = torch_attribute(b, "axis")->i[0];
    int64_t dim = data->dim[axis < 0 ? axis + data->rank : axis];
    int64_t *flat = arena_alloc(b->arena, sizeof *flat);
    uint32_t i = torch_input(b, 1), below = torch_step(b, "below"), moved = torch_step(b, "moved");

    CALL(b, below, "torch.lt", VALUE(i), INT(NULL, 0));
    CALL(b, moved, "torch.add", VALUE(i), INT(NULL, dim));
    uint32_t chosen = torch_step(b, "index");
    CALL(b, chosen, "torch.where", VALUE(below), VALUE(moved), VALUE(i));
    uint32_t row = chosen, picked = torch_output(b);
    if (index->rank != 1) {
        *flat = (int64_t)shape_numel(index);
        row = torch_step(b, "flat");
        CALL(b, row, "torch.reshape", VALUE(chosen), INTS(NULL, 1, flat));
        picked = torch_step(b, "picked");
    }
    CALL(b, picked, callable, VALUE(torch_input(b, 0)), INT(NULL, axis), VALUE(row));
    if (index->rank != 1) {
        CALL(b, torch_output(b), "torch.reshape", VALUE(picked),
             INTS(NULL, (uint32_t)out->rank, out->dim));
    }
}

/* ---- the table ---- */

const struct torch_form torch_move[] = {
    {"transpose", "torch.permute", emit_transpose},
    {"reshape", "torch.reshape", emit_reshape},
    {"concat", "torch.cat", emit_concat},
    {"gather", "torch.index_select", emit_gather},
    {0},
};
