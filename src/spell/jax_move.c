/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says the ops that move data or give it other dims; its parts: jax_slice.c. */
#include "spell/jax_forms.h"

#include <string.h>

static void emit_transpose(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), jax_tuple(b, NULL, "perm"));
}

static void emit_reshape(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         jax_dims(&planner_output_value(b)->shape));
}

static void emit_concat(struct planner *b, const char *callable)
{
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, b->node->n_in);

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        parts[k] = planner_input(b, k);
    }
    CALL(b, planner_output(b), callable, VALUES(b->node->n_in, parts), jax_axis(b));
}

static void emit_tile(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), jax_tuple(b, NULL, "repeats"));
}

static void emit_axes(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), jax_tuple(b, "axis", "axes"));
}

static void emit_triangle(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INT("k", planner_attribute(b, "k")->i[0]));
}

/* ---- blocks ---- */

/* Blocks as dims of their own, in the order of the mode: DCR has the channel behind its block. */
static void emit_blocks(struct planner *b, const struct shape *deep, bool is_to_space)
{
    int64_t size = planner_attribute(b, "blocksize")->i[0];
    const int64_t n = deep->dim[0], c = deep->dim[1] / size / size, h = deep->dim[2],
                  w = deep->dim[3];
    const int64_t lists[4][2][6] = {
        {{n, size, size, c, h, w}, {0, 3, 4, 1, 5, 2}}, /* DCR to space */
        {{n, c, size, size, h, w}, {0, 1, 4, 2, 5, 3}}, /* CRD */
        {{n, c, h, size, w, size}, {0, 3, 5, 1, 2, 4}}, /* DCR to depth */
        {{n, c, h, size, w, size}, {0, 1, 3, 5, 2, 4}}, /* CRD */
    };
    bool is_crd = strcmp(planner_attribute(b, "mode")->text, "CRD") == 0;
    const int64_t *list = arena_copy(b->arena, lists[2 * !is_to_space + is_crd], sizeof lists[0]);
    uint32_t blocks = planner_step(b, "blocks"), moved = planner_step(b, "moved");

    CALL(b, blocks, "jax.numpy.reshape", VALUE(planner_input(b, 0)), TUPLE(NULL, 6, list));
    CALL(b, moved, "jax.numpy.transpose", VALUE(blocks), TUPLE(NULL, 6, list + 6));
    CALL(b, planner_output(b), "jax.numpy.reshape", VALUE(moved),
         jax_dims(&planner_output_value(b)->shape));
}

static void emit_depth_to_space(struct planner *b, const char *callable)
{
    emit_blocks(b, &planner_input_value(b, 0)->shape, true);
}

static void emit_space_to_depth(struct planner *b, const char *callable)
{
    emit_blocks(b, &planner_output_value(b)->shape, false);
}

/* ---- shape, size ---- */

static void emit_shape(struct planner *b, const char *callable)
{
    const struct value *x = planner_input_value(b, 0), *y = planner_output_value(b);
    int64_t start = planner_attribute(b, "start")->i[0];
    uint32_t dims = planner_step(b, "dims"), all = planner_step(b, "all");

    start += start < 0 ? x->shape.rank : 0;
    CALL(b, dims, callable, VALUE(planner_input(b, 0)));
    CALL(b, all, "jax.numpy.array", VALUE(dims), DTYPE(NULL, y->dtype));
    CALL(b, planner_output(b), "jax.lax.slice_in_dim", VALUE(all), INT(NULL, start),
         INT(NULL, start + y->shape.dim[0]));
}

static void emit_size(struct planner *b, const char *callable)
{
    uint32_t count = planner_step(b, "count");

    CALL(b, count, callable, VALUE(planner_input(b, 0)));
    CALL(b, planner_output(b), "jax.numpy.array", VALUE(count),
         DTYPE(NULL, planner_output_value(b)->dtype));
}

/* ---- the table ---- */

const struct call_form jax_move[] = {
    {"transpose", "jax.numpy.transpose", emit_transpose},
    {"reshape", "jax.numpy.reshape", emit_reshape},
    {"concat", "jax.numpy.concatenate", emit_concat},
    {"expand", "jax.numpy.broadcast_to", emit_reshape},
    {"tile", "jax.numpy.tile", emit_tile},
    {"squeeze", "jax.numpy.squeeze", emit_axes},
    {"unsqueeze", "jax.numpy.expand_dims", emit_axes},
    {"flatten", "jax.numpy.reshape", emit_reshape},
    {"tril", "jax.numpy.tril", emit_triangle},
    {"triu", "jax.numpy.triu", emit_triangle},
    {"depth_to_space", NULL, emit_depth_to_space},
    {"space_to_depth", NULL, emit_space_to_depth},
    {"shape", "jax.numpy.shape", emit_shape},
    {"size", "jax.numpy.size", emit_size},
    {0},
};
