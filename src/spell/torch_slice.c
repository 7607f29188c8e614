/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How torch says the ops that take parts of a tensor or pad it: slice, flip, roll, split, pad. A
 * slice without Python's brackets is narrow, then windows of one element (unfold), then flip.
 */
#include "spell/torch_forms.h"

#include <string.h>

/* The register of a node's next call: its output's when it is the last one. */
static uint32_t next_step(struct planner *b, const char *what, unsigned *left)
{
    return --*left == 0 ? planner_output(b) : planner_step(b, what);
}

static const int64_t *keep(const struct planner *b, const int64_t *values, size_t n)
{
    return arena_copy(b->arena, values, n * sizeof *values);
}

/* ---- slice ---- */

static unsigned slice_calls(int64_t step)
{
    unsigned windows = step > 1 || step < -1 ? 2 : 0;
    return 1 + windows + (step < 0 ? 1 : 0);
}

/* m elements from `first` on; the lowest one is where narrow begins. */
static uint32_t emit_slice_of(struct planner *b, uint32_t x, int64_t axis, int64_t first,
                              int64_t step, int64_t m, unsigned *left)
{
    int64_t stride = step < 0 ? -step : step, length = m > 0 ? (m - 1) * stride + 1 : 0;
    int64_t low = m == 0 ? 0 : step < 0 ? first - (length - 1) : first;
    uint32_t y = next_step(b, "part", left);

    CALL(b, y, "torch.narrow", VALUE(x), INT(NULL, axis), INT(NULL, low), INT(NULL, length));
    if (stride > 1) {
        uint32_t windows = next_step(b, "windows", left), every = next_step(b, "every", left);
        CALL(b, windows, "torch.Tensor.unfold", VALUE(y), INT(NULL, axis), INT(NULL, 1),
             INT(NULL, stride));
        CALL(b, every, "torch.squeeze", VALUE(windows), INT(NULL, -1));
        y = every;
    }
    if (step < 0) {
        uint32_t back = next_step(b, "back", left);
        CALL(b, back, "torch.flip", VALUE(y), INTS(NULL, 1, keep(b, &axis, 1)));
        y = back;
    }
    return y;
}

static void emit_slice(struct planner *b, const char *callable)
{
    const struct shape *from = &planner_input_value(b, 0)->shape,
                       *to = &planner_output_value(b)->shape;
    const struct attr *axes = planner_attribute(b, "axes"),
                      *starts = planner_attribute(b, "starts"),
                      *steps = planner_attribute(b, "steps");
    uint32_t x = planner_input(b, 0);
    unsigned left = 0;

    for (unsigned k = 0; k < axes->n; k++) {
        bool is_empty = to->dim[axes->i[k] + (axes->i[k] < 0 ? from->rank : 0)] == 0;
        left += slice_calls(is_empty ? 1 : steps->i[k]);
    }
    for (unsigned k = 0; k < axes->n; k++) {
        int64_t axis = axes->i[k] + (axes->i[k] < 0 ? from->rank : 0), start = starts->i[k];
        int64_t dim = from->dim[axis], m = to->dim[axis];
        int64_t first = start == INT64_MIN ? 0
                        : start > dim      ? dim - 1
                        : start < 0        ? start + dim
                                           : start;
        x = emit_slice_of(b, x, axis, first, m == 0 ? 1 : steps->i[k], m, &left);
    }
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
         INTS(NULL, shifts->n, shifts->i), INTS(NULL, axes->n, axes->i));
}

static void emit_split(struct planner *b, const char *callable)
{
    const struct attr *split = planner_attribute(b, "split");
    int64_t axis = planner_attribute(b, "axis")->i[0];
    uint32_t parts[OP_OUTPUTS_MAX] = {0};

    for (uint32_t o = 0; o < b->node->n_out; o++) {
        parts[o] = b->registers[b->node->out[o]];
    }
    const struct plan_arg args[] = {VALUE(planner_input(b, 0)), INTS(NULL, split->n, split->i),
                                    INT("dim", axis)};
    if (b->node->n_out > 1) {
        planner_call_tuple(b, parts, b->node->n_out, callable, args, ARRAY_SIZE(args));
    } else { /* a tuple of one */
        CALL(b, parts[0], "torch.narrow", VALUE(planner_input(b, 0)), INT(NULL, axis), INT(NULL, 0),
             INT(NULL, split->i[0]));
    }
}

/* ---- pad ---- */

/* torch lists the last dim first, both its ends together. */
static struct plan_arg torch_pads(const struct planner *b, int rank, int n_dims)
{
    const struct attr *pads = planner_attribute(b, "pads");
    int64_t list[2 * RANK_MAX] = {0};

    for (int k = 0; k < n_dims; k++) {
        list[2 * k] = pads->i[rank - 1 - k];
        list[2 * k + 1] = pads->i[2 * rank - 1 - k];
    }
    const struct plan_arg arg = INTS(NULL, 2 * (uint32_t)n_dims, keep(b, list, 2 * (size_t)n_dims));
    return arg;
}

/* Dims that functional.pad of another mode than constant can pad at once: the last one of rank 2 or
 * 3, two of 3 or 4, three of 4 or 5, of floats that are not empty. 0: it cannot. */
static int padded_together(const struct planner *b, int rank)
{
    const struct attr *pads = planner_attribute(b, "pads");
    const struct value *x = planner_input_value(b, 0);
    int first = 0;

    while (first < rank && pads->i[first] == 0 && pads->i[first + rank] == 0) {
        first++;
    }
    int n = rank - first < rank - 2 ? rank - 2 : rank - first;
    bool is_possible = dtype_is_float(x->dtype) && shape_numel(&x->shape) > 0;
    return is_possible && rank >= 2 && n >= 1 && n <= 3 && n >= rank - 2 && n < rank ? n : 0;
}

/* What goes before (side 0) or after x along the axis. */
static uint32_t emit_beside(struct planner *b, uint32_t x, const struct shape *now, int axis,
                            int side, int64_t pad)
{
    const char *mode = planner_attribute(b, "mode")->text;
    int64_t n = now->dim[axis];
    bool is_edge = strcmp(mode, "edge") == 0, is_reflect = strcmp(mode, "reflect") == 0;
    int64_t from = is_edge      ? (side == 0 ? 0 : n - 1)
                   : is_reflect ? (side == 0 ? 1 : n - 1 - pad)
                                : (side == 0 ? n - pad : 0);
    const int64_t at = axis;
    uint32_t part = planner_step(b, "part"), beside = part;

    CALL(b, part, "torch.narrow", VALUE(x), INT(NULL, axis), INT(NULL, from),
         INT(NULL, is_edge ? 1 : pad));
    if (is_edge) {
        struct shape wide = *now;
        wide.dim[axis] = pad;
        beside = planner_step(b, "wide");
        CALL(b, beside, "torch.broadcast_to", VALUE(part),
             INTS(NULL, (uint32_t)wide.rank, keep(b, wide.dim, RANK_MAX)));
    } else if (is_reflect) {
        beside = planner_step(b, "back");
        CALL(b, beside, "torch.flip", VALUE(part), INTS(NULL, 1, keep(b, &at, 1)));
    }
    return beside;
}

/* Axis by axis, of parts. */
static void emit_pad_parts(struct planner *b, int rank)
{
    const struct attr *pads = planner_attribute(b, "pads");
    struct shape now = planner_input_value(b, 0)->shape;
    uint32_t x = planner_input(b, 0);
    unsigned left = 0;

    for (int d = 0; d < rank; d++) {
        left += pads->i[d] != 0 || pads->i[d + rank] != 0;
    }
    for (int d = 0; d < rank; d++) {
        uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, 3), n = 0;
        if (pads->i[d] == 0 && pads->i[d + rank] == 0) {
            continue;
        }
        if (pads->i[d] > 0) {
            parts[n++] = emit_beside(b, x, &now, d, 0, pads->i[d]);
        }
        parts[n++] = x;
        if (pads->i[d + rank] > 0) {
            parts[n++] = emit_beside(b, x, &now, d, 1, pads->i[d + rank]);
        }
        uint32_t y = next_step(b, "padded", &left);
        CALL(b, y, "torch.cat", VALUES(n, parts), INT("dim", d));
        now.dim[d] += pads->i[d] + pads->i[d + rank];
        x = y;
    }
}

static void emit_pad(struct planner *b, const char *callable)
{
    const struct attr *pads = planner_attribute(b, "pads");
    const char *mode = planner_attribute(b, "mode")->text;
    int rank = planner_input_value(b, 0)->shape.rank, together = padded_together(b, rank);
    bool is_padded = false;

    for (unsigned k = 0; k < pads->n; k++) {
        is_padded = is_padded || pads->i[k] != 0;
    }
    if (strcmp(mode, "constant") == 0 || !is_padded) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), torch_pads(b, rank, rank),
             TEXT("mode", "constant"), REAL("value", planner_attribute(b, "value")->f));
    } else if (together > 0) {
        const char *name = strcmp(mode, "edge") == 0   ? "replicate"
                           : strcmp(mode, "wrap") == 0 ? "circular"
                                                       : mode;
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
             torch_pads(b, rank, together), TEXT("mode", name));
    } else {
        emit_pad_parts(b, rank);
    }
}

/* ---- the table ---- */

const struct call_form torch_slice[] = {
    {"slice", "torch.narrow", emit_slice},
    {"flip", "torch.flip", emit_flip},
    {"roll", "torch.roll", emit_roll},
    {"split", "torch.split", emit_split},
    {"pad", "torch.nn.functional.pad", emit_pad},
    {0},
};
