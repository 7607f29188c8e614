/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says the ops that move data or give it other dims; its parts: torch_slice.c. */
#include "spell/torch_forms.h"

#include <string.h>

static void emit_transpose(struct planner *b, const char *callable)
{
    const struct attr *perm = planner_attribute(b, "perm");
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), INTS(NULL, perm->n, perm->i));
}

static void emit_reshape(struct planner *b, const char *callable)
{
    const struct shape *s = &planner_output_value(b)->shape;
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS(NULL, (uint32_t)s->rank, s->dim));
}

static void emit_concat(struct planner *b, const char *callable)
{
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, b->node->n_in);

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        parts[k] = planner_input(b, k);
    }
    const struct plan_arg list = {.kind = PLAN_VALUES, .n = b->node->n_in, .values = parts};
    CALL(b, planner_output(b), callable, list, INT("dim", planner_attribute(b, "axis")->i[0]));
}

/* ---- other dims ---- */

static void emit_tile(struct planner *b, const char *callable)
{
    const struct attr *repeats = planner_attribute(b, "repeats");
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS(NULL, repeats->n, repeats->i));
}

static void emit_squeeze(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes");
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), INTS("dim", axes->n, axes->i));
}

/* Axes are the result's: from the lowest up each is where it stays. */
static void emit_unsqueeze(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes");
    uint32_t x = planner_input(b, 0);
    unsigned mask = 0;
    int rank = planner_output_value(b)->shape.rank;

    for (unsigned k = 0; k < axes->n; k++) {
        mask |= 1u << (axes->i[k] < 0 ? axes->i[k] + rank : axes->i[k]);
    }
    for (; mask != 0; mask &= mask - 1) {
        bool is_last = (mask & (mask - 1)) == 0;
        uint32_t y = is_last ? planner_output(b) : planner_step(b, "part");
        CALL(b, y, callable, VALUE(x), INT(NULL, __builtin_ctz(mask)));
        x = y;
    }
}

static void emit_flatten(struct planner *b, const char *callable)
{
    int64_t axis = planner_attribute(b, "axis")->i[0];
    int rank = planner_input_value(b, 0)->shape.rank;

    axis += axis < 0 ? rank : 0;
    if (axis == 0 || axis == rank) { /* a dim of 1 comes beside all of them */
        emit_reshape(b, "torch.reshape");
        return;
    }
    uint32_t part = planner_step(b, "part");
    CALL(b, part, callable, VALUE(planner_input(b, 0)), INT("start_dim", axis));
    CALL(b, planner_output(b), callable, VALUE(part), INT("start_dim", 0),
         INT("end_dim", axis - 1));
}

static void emit_triangle(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INT("diagonal", planner_attribute(b, "k")->i[0]));
}

/* ---- blocks ---- */

/* torch's own are CRD; DCR is the six dims of the blocks in another order. */
static void emit_blocks(struct planner *b, const struct shape *deep, bool is_to_space)
{
    int64_t size = planner_attribute(b, "blocksize")->i[0];
    const int64_t n = deep->dim[0], c = deep->dim[1] / size / size, h = deep->dim[2],
                  w = deep->dim[3];
    const int64_t to_space[2][6] = {{n, size, size, c, h, w}, {0, 3, 4, 1, 5, 2}};
    const int64_t to_depth[2][6] = {{n, c, h, size, w, size}, {0, 3, 5, 1, 2, 4}};
    const int64_t *lists = arena_copy(b->arena, is_to_space ? to_space : to_depth, sizeof to_space);
    const struct shape *out = &planner_output_value(b)->shape;
    uint32_t blocks = planner_step(b, "blocks"), moved = planner_step(b, "moved");

    CALL(b, blocks, "torch.reshape", VALUE(planner_input(b, 0)), INTS(NULL, 6, lists));
    CALL(b, moved, "torch.permute", VALUE(blocks), INTS(NULL, 6, lists + 6));
    CALL(b, planner_output(b), "torch.reshape", VALUE(moved), INTS(NULL, 4, out->dim));
}

static bool is_crd(const struct planner *b)
{
    return strcmp(planner_attribute(b, "mode")->text, "CRD") == 0;
}

static void emit_shuffle(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INT(NULL, planner_attribute(b, "blocksize")->i[0]));
}

static void emit_depth_to_space(struct planner *b, const char *callable)
{
    if (is_crd(b)) {
        emit_shuffle(b, callable);
    } else {
        emit_blocks(b, &planner_input_value(b, 0)->shape, true);
    }
}

static void emit_space_to_depth(struct planner *b, const char *callable)
{
    if (is_crd(b)) {
        emit_shuffle(b, callable);
    } else {
        emit_blocks(b, &planner_output_value(b)->shape, false);
    }
}

/* ---- shape, size ---- */

static void emit_shape(struct planner *b, const char *callable)
{
    const struct value *x = planner_input_value(b, 0), *y = planner_output_value(b);
    int64_t start = planner_attribute(b, "start")->i[0];
    uint32_t dims = planner_step(b, "dims"), all = planner_step(b, "all");

    CALL(b, dims, callable, VALUE(planner_input(b, 0)));
    CALL(b, all, "torch.tensor", VALUE(dims), DTYPE("dtype", y->dtype));
    CALL(b, planner_output(b), "torch.narrow", VALUE(all), INT(NULL, 0),
         INT(NULL, start < 0 ? start + x->shape.rank : start), INT(NULL, y->shape.dim[0]));
}

static void emit_size(struct planner *b, const char *callable)
{
    uint32_t count = planner_step(b, "count");

    CALL(b, count, callable, VALUE(planner_input(b, 0)));
    CALL(b, planner_output(b), "torch.tensor", VALUE(count),
         DTYPE("dtype", planner_output_value(b)->dtype));
}

/* ---- the table ---- */

const struct call_form torch_move[] = {
    {"transpose", "torch.permute", emit_transpose},
    {"reshape", "torch.reshape", emit_reshape},
    {"concat", "torch.cat", emit_concat},
    {"expand", "torch.broadcast_to", emit_reshape},
    {"tile", "torch.tile", emit_tile},
    {"squeeze", "torch.squeeze", emit_squeeze},
    {"unsqueeze", "torch.unsqueeze", emit_unsqueeze},
    {"flatten", "torch.flatten", emit_flatten},
    {"tril", "torch.tril", emit_triangle},
    {"triu", "torch.triu", emit_triangle},
    {"depth_to_space", "torch.nn.functional.pixel_shuffle", emit_depth_to_space},
    {"space_to_depth", "torch.nn.functional.pixel_unshuffle", emit_space_to_depth},
    {"shape", "torch.Tensor.size", emit_shape},
    {"size", "torch.numel", emit_size},
    {0},
};
