/* SPDX-License-Identifier: Apache-2.0 */
/* How TensorFlow says the ops that take parts of a tensor or pad it. */
#include "spell/tf_forms.h"

#include <string.h>

static uint32_t slice(struct planner *b, uint32_t x, const struct shape *begin,
                      const struct shape *size)
{
    uint32_t to = planner_step(b, "part");

    CALL(b, to, "tf.slice", VALUE(x),
         INTS(NULL, (uint32_t)size->rank, tf_keep(b, begin->dim, RANK_MAX)),
         INTS(NULL, (uint32_t)size->rank, tf_keep(b, size->dim, RANK_MAX)));
    return to;
}

/* ---- slice ---- */

/* All dims are named. One that goes down to the first element has no end to name. */
static void emit_slice(struct planner *b, const char *callable)
{
    const struct shape *from = &planner_input_value(b, 0)->shape,
                       *to = &planner_output_value(b)->shape;
    const struct attr *axes = planner_attribute(b, "axes"),
                      *starts = planner_attribute(b, "starts"),
                      *steps = planner_attribute(b, "steps");
    int64_t *begin = ARENA_ZARRAY(b->arena, int64_t, RANK_MAX), end_mask = 0;
    int64_t *end = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    int64_t *stride = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    const uint32_t rank = (uint32_t)from->rank;

    for (int d = 0; d < from->rank; d++) {
        end[d] = from->dim[d];
        stride[d] = 1;
    }
    for (unsigned k = 0; k < axes->n; k++) {
        int64_t axis = axes->i[k] + (axes->i[k] < 0 ? from->rank : 0), start = starts->i[k];
        int64_t dim = from->dim[axis], n = to->dim[axis], step = steps->i[k];
        int64_t first = start < -dim   ? (step < 0 ? -1 : 0)
                        : start > dim  ? (step < 0 ? dim - 1 : dim)
                        : start < 0    ? start + dim
                        : start == dim ? (step < 0 ? dim - 1 : dim)
                                       : start;
        if (n == 0) {
            end[axis] = 0;
            continue;
        }
        begin[axis] = first;
        stride[axis] = step;
        end[axis] = first + n * step;
        if (end[axis] < 0) {
            end_mask |= (int64_t)1 << axis;
            end[axis] = 0;
        }
        end[axis] = step > 0 && end[axis] > dim ? dim : end[axis];
    }
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), INTS(NULL, rank, begin),
         INTS(NULL, rank, end), INTS(NULL, rank, stride), INT("end_mask", end_mask));
}

/* ---- flip, roll, split ---- */

static void emit_flip(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes");
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), INTS(NULL, axes->n, axes->i));
}

static void emit_roll(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes"),
                      *shifts = planner_attribute(b, "shifts");
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS("shift", shifts->n, shifts->i), INTS("axis", axes->n, axes->i));
}

/* A list of one is no tensor. */
static void emit_split(struct planner *b, const char *callable)
{
    const struct attr *split = planner_attribute(b, "split");
    uint32_t parts[OP_OUTPUTS_MAX] = {0};

    if (b->node->n_out == 1) {
        CALL(b, planner_output(b), "tf.identity", VALUE(planner_input(b, 0)));
        return;
    }
    for (uint32_t o = 0; o < b->node->n_out; o++) {
        parts[o] = b->registers[b->node->out[o]];
    }
    const struct plan_arg args[] = {VALUE(planner_input(b, 0)), INTS(NULL, split->n, split->i),
                                    INT("axis", planner_attribute(b, "axis")->i[0])};
    planner_call_tuple(b, parts, b->node->n_out, callable, args, ARRAY_SIZE(args));
}

/* ---- pad ---- */

/* What goes before (side 0) or after x along the axis, of its own elements. */
static uint32_t beside(struct planner *b, uint32_t x, const struct shape *now, int axis, int side,
                       int64_t pad)
{
    const char *mode = planner_attribute(b, "mode")->text;
    int64_t n = now->dim[axis], places[1] = {axis};
    bool is_edge = strcmp(mode, "edge") == 0, is_reflect = strcmp(mode, "reflect") == 0;
    struct shape begin = {.rank = now->rank}, size = *now;

    begin.dim[axis] = is_edge      ? (side == 0 ? 0 : n - 1)
                      : is_reflect ? (side == 0 ? 1 : n - 1 - pad)
                                   : (side == 0 ? n - pad : 0);
    size.dim[axis] = is_edge ? 1 : pad;
    uint32_t part = slice(b, x, &begin, &size);
    if (is_edge) {
        uint32_t wide = planner_step(b, "wide");
        size.dim[axis] = pad;
        CALL(b, wide, "tf.broadcast_to", VALUE(part),
             INTS(NULL, (uint32_t)size.rank, tf_keep(b, size.dim, RANK_MAX)));
        return wide;
    }
    if (is_reflect) {
        uint32_t back = planner_step(b, "back");
        CALL(b, back, "tf.reverse", VALUE(part), INTS(NULL, 1, tf_keep(b, places, 1)));
        return back;
    }
    return part;
}

/* Axis by axis, of parts. */
static void pad_by_parts(struct planner *b, uint32_t x, struct shape now, const int64_t *lo,
                         const int64_t *hi)
{
    for (int d = 0; d < now.rank; d++) {
        uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, 3), n = 0;
        if (lo[d] == 0 && hi[d] == 0) {
            continue;
        }
        if (lo[d] > 0) {
            parts[n++] = beside(b, x, &now, d, 0, lo[d]);
        }
        parts[n++] = x;
        if (hi[d] > 0) {
            parts[n++] = beside(b, x, &now, d, 1, hi[d]);
        }
        uint32_t y = planner_step(b, "wider");
        CALL(b, y, "tf.concat", VALUES(n, parts), INT("axis", d));
        now.dim[d] += lo[d] + hi[d];
        x = y;
    }
    CALL(b, planner_output(b), "tf.identity", VALUE(x));
}

/* Pads below 0 are cut off first. */
static void emit_pad(struct planner *b, const char *callable)
{
    const struct attr *given = planner_attribute(b, "pads");
    const char *mode = planner_attribute(b, "mode")->text;
    const struct value *v = planner_input_value(b, 0);
    int rank = v->shape.rank;
    bool is_constant = strcmp(mode, "constant") == 0, is_cut = false;
    /* "inputs rank not in [0,5]" */
    bool is_mirror = strcmp(mode, "reflect") == 0 && rank < RANK_MAX;
    struct shape begin = {.rank = rank}, now = v->shape;
    int64_t lo[RANK_MAX], hi[RANK_MAX], *pairs = ARENA_ARRAY(b->arena, int64_t, 2 * RANK_MAX);
    uint32_t x = planner_input(b, 0);

    for (int d = 0; d < rank; d++) {
        int64_t first = given->i[d], last = given->i[d + rank];
        begin.dim[d] = first < 0 ? -first : 0;
        now.dim[d] -= begin.dim[d] + (last < 0 ? -last : 0);
        pairs[2 * d] = lo[d] = first > 0 ? first : 0;
        pairs[2 * d + 1] = hi[d] = last > 0 ? last : 0;
        is_cut = is_cut || first < 0 || last < 0;
    }
    if (is_cut) {
        x = slice(b, x, &begin, &now);
    }
    if (is_constant) {
        CALL(b, planner_output(b), callable, VALUE(x), TUPLES(NULL, (uint32_t)rank, 2, pairs),
             TEXT("mode", "CONSTANT"),
             tf_number("constant_values", planner_attribute(b, "value")->f, v->dtype));
    } else if (is_mirror) {
        CALL(b, planner_output(b), callable, VALUE(x), TUPLES(NULL, (uint32_t)rank, 2, pairs),
             TEXT("mode", "REFLECT"));
    } else {
        pad_by_parts(b, x, now, lo, hi);
    }
}

/* ---- the table ---- */

const struct call_form tf_slice[] = {
    {"slice", "tf.strided_slice", emit_slice},
    {"flip", "tf.reverse", emit_flip},
    {"roll", "tf.roll", emit_roll},
    {"split", "tf.split", emit_split},
    {"pad", "tf.pad", emit_pad},
    {0},
};
