/* SPDX-License-Identifier: Apache-2.0 */
/* How TensorFlow says the ops that move data or give it other dims; its parts: tf_slice.c. */
#include "spell/tf_forms.h"

#include <string.h>

static void reshape(struct planner *b, uint32_t to, uint32_t x, uint32_t rank, const int64_t *dims)
{
    CALL(b, to, "tf.reshape", VALUE(x), INTS(NULL, rank, dims));
}

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
    CALL(b, planner_output(b), callable, VALUES(b->node->n_in, parts),
         INT("axis", planner_attribute(b, "axis")->i[0]));
}

static void emit_tile(struct planner *b, const char *callable)
{
    const struct attr *repeats = planner_attribute(b, "repeats");
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS(NULL, repeats->n, repeats->i));
}

static void emit_squeeze(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes");
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS("axis", axes->n, axes->i));
}

/* Axes are the result's: from the lowest up each is where it stays. */
static void emit_unsqueeze(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes");
    uint32_t x = planner_input(b, 0);
    unsigned mask = 0;
    int rank = planner_output_value(b)->shape.rank;

    for (unsigned k = 0; k < axes->n; k++) {
        mask |= 1U << (axes->i[k] < 0 ? axes->i[k] + rank : axes->i[k]);
    }
    for (; mask != 0; mask &= mask - 1) {
        bool is_last = (mask & (mask - 1)) == 0;
        uint32_t y = is_last ? planner_output(b) : planner_step(b, "part");
        CALL(b, y, callable, VALUE(x), INT("axis", __builtin_ctz(mask)));
        x = y;
    }
}

/* tf.linalg.band_part keeps the diagonal: what ends before it is chosen element by element, by the
 * diagonals' numbers. */
static void emit_triangle(struct planner *b, const char *callable)
{
    const struct value *x = planner_input_value(b, 0);
    const int64_t *matrix = &x->shape.dim[x->shape.rank - 2];
    int64_t k = planner_attribute(b, "k")->i[0];
    bool is_lower = strcmp(b->node->op_name, "tril") == 0;
    int64_t side = is_lower ? k : -k, most = is_lower ? matrix[1] : matrix[0];

    if (side >= 0) {
        int64_t kept = side < most ? side : most;
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
             INT(NULL, is_lower ? -1 : kept), INT(NULL, is_lower ? kept : -1));
        return;
    }
    int64_t dims[2] = {matrix[0], 1};
    uint32_t rows = planner_step(b, "rows"), column = planner_step(b, "column");
    uint32_t columns = planner_step(b, "columns"), diagonal = planner_step(b, "diagonal");
    uint32_t is_kept = planner_step(b, "is_kept");
    CALL(b, rows, "tf.range", INT(NULL, matrix[0]));
    reshape(b, column, rows, 2, tf_keep(b, dims, 2));
    CALL(b, columns, "tf.range", INT(NULL, matrix[1]));
    CALL(b, diagonal, "tf.subtract", VALUE(columns), VALUE(column));
    CALL(b, is_kept, is_lower ? "tf.less_equal" : "tf.greater_equal", VALUE(diagonal),
         INT(NULL, k));
    CALL(b, planner_output(b), "tf.where", VALUE(is_kept), VALUE(planner_input(b, 0)),
         tf_number(NULL, 0, x->dtype));
}

/* ---- blocks ---- */

/* TensorFlow's own are DCR; CRD is the six dims of the blocks in another order. */
static void emit_blocks(struct planner *b, const char *callable)
{
    bool is_to_space = strcmp(b->node->op_name, "depth_to_space") == 0;
    int64_t size = planner_attribute(b, "blocksize")->i[0];
    const struct value *out = planner_output_value(b);
    const struct shape *deep = is_to_space ? &planner_input_value(b, 0)->shape : &out->shape;
    const int64_t n = deep->dim[0], c = deep->dim[1] / size / size, h = deep->dim[2],
                  w = deep->dim[3];
    const int64_t to_space[2][6] = {{n, c, size, size, h, w}, {0, 1, 4, 2, 5, 3}};
    const int64_t to_depth[2][6] = {{n, c, h, size, w, size}, {0, 1, 3, 5, 2, 4}};

    if (strcmp(planner_attribute(b, "mode")->text, "DCR") == 0 && size > 1) {
        uint32_t last = tf_channels_last(b, planner_input(b, 0), 4);
        uint32_t moved = planner_step(b, "moved");
        CALL(b, moved, callable, VALUE(last), INT(NULL, size));
        tf_channels_first(b, planner_output(b), moved, 4);
        return;
    }
    const int64_t *lists =
        tf_keep(b, is_to_space ? to_space[0] : to_depth[0], 2 * (size_t)RANK_MAX);
    uint32_t blocks = planner_step(b, "blocks"), moved = planner_step(b, "moved");
    reshape(b, blocks, planner_input(b, 0), 6, lists);
    CALL(b, moved, "tf.transpose", VALUE(blocks), INTS(NULL, 6, lists + RANK_MAX));
    reshape(b, planner_output(b), moved, 4, out->shape.dim);
}

/* ---- shape, size ---- */

static void emit_shape(struct planner *b, const char *callable)
{
    int64_t *ints = ARENA_ARRAY(b->arena, int64_t, 2);
    int64_t start = planner_attribute(b, "start")->i[0];
    uint32_t all = planner_step(b, "all");

    ints[0] = start < 0 ? start + planner_input_value(b, 0)->shape.rank : start;
    ints[0] = ints[0] < 0 ? 0 : ints[0];
    ints[1] = planner_output_value(b)->shape.dim[0];
    ints[0] = ints[1] == 0 ? 0 : ints[0];
    CALL(b, all, callable, VALUE(planner_input(b, 0)), DTYPE("out_type", DTYPE_I64));
    CALL(b, planner_output(b), "tf.slice", VALUE(all), INTS(NULL, 1, ints),
         INTS(NULL, 1, ints + 1));
}

static void emit_size(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), DTYPE("out_type", DTYPE_I64));
}

/* ---- the table ---- */

const struct call_form tf_move[] = {
    {"transpose", "tf.transpose", emit_transpose},
    {"reshape", "tf.reshape", emit_reshape},
    {"flatten", "tf.reshape", emit_reshape},
    {"concat", "tf.concat", emit_concat},
    {"expand", "tf.broadcast_to", emit_reshape},
    {"tile", "tf.tile", emit_tile},
    {"squeeze", "tf.squeeze", emit_squeeze},
    {"unsqueeze", "tf.expand_dims", emit_unsqueeze},
    {"tril", "tf.linalg.band_part", emit_triangle},
    {"triu", "tf.linalg.band_part", emit_triangle},
    {"depth_to_space", "tf.nn.depth_to_space", emit_blocks},
    {"space_to_depth", "tf.nn.space_to_depth", emit_blocks},
    {"shape", "tf.shape", emit_shape},
    {"size", "tf.size", emit_size},
    {0},
};
