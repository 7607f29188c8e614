/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says the ops that take parts of a tensor or pad it: slice, flip, roll, split, pad. */
#include "spell/jax_forms.h"

#include <string.h>

/* ---- slice ---- */

/* jax.lax.slice goes upward: axes with steps down are turned afterwards. */
struct parts {
    int64_t *starts, *limits, *steps; /* a dim each */
    int64_t *turned;
    uint32_t n_turned;
};

/* All of x. */
static struct parts parts_new(struct planner *b, const struct shape *x)
{
    struct parts p = {.starts = ARENA_ZARRAY(b->arena, int64_t, RANK_MAX),
                      .limits = arena_copy(b->arena, x->dim, sizeof x->dim),
                      .steps = ARENA_ARRAY(b->arena, int64_t, RANK_MAX),
                      .turned = ARENA_ARRAY(b->arena, int64_t, RANK_MAX)};

    for (int d = 0; d < RANK_MAX; d++) {
        p.steps[d] = 1;
    }
    return p;
}

/* m elements from `first` on; the lowest one is where a slice begins. */
static void set_part(struct parts *p, int64_t axis, int64_t first, int64_t step, int64_t m)
{
    int64_t stride = step < 0 ? -step : step, length = m > 0 ? (m - 1) * stride + 1 : 0;
    int64_t low = m == 0 ? 0 : step < 0 ? first - (length - 1) : first;

    p->starts[axis] = low;
    p->limits[axis] = low + length;
    p->steps[axis] = m > 1 ? stride : 1;
    if (step < 0 && m > 1) {
        p->turned[p->n_turned++] = axis;
    }
}

static void emit_parts(struct planner *b, uint32_t x, const struct parts *p)
{
    uint32_t rank = (uint32_t)planner_output_value(b)->shape.rank;
    uint32_t y = p->n_turned > 0 ? planner_step(b, "part") : planner_output(b);

    CALL(b, y, "jax.lax.slice", VALUE(x), TUPLE(NULL, rank, p->starts),
         TUPLE(NULL, rank, p->limits), TUPLE(NULL, rank, p->steps));
    if (p->n_turned > 0) {
        CALL(b, planner_output(b), "jax.numpy.flip", VALUE(y),
             TUPLE("axis", p->n_turned, p->turned));
    }
}

static void emit_slice(struct planner *b, const char *callable)
{
    const struct shape *from = &planner_input_value(b, 0)->shape,
                       *to = &planner_output_value(b)->shape;
    const struct attr *axes = planner_attribute(b, "axes"),
                      *starts = planner_attribute(b, "starts"),
                      *steps = planner_attribute(b, "steps");
    struct parts p = parts_new(b, from);

    for (unsigned k = 0; k < axes->n; k++) {
        int64_t axis = axes->i[k] + (axes->i[k] < 0 ? from->rank : 0), start = starts->i[k];
        int64_t dim = from->dim[axis];
        int64_t first = start == INT64_MIN ? 0
                        : start > dim      ? dim - 1
                        : start < 0        ? start + dim
                                           : start;
        set_part(&p, axis, first, steps->i[k], to->dim[axis]);
    }
    emit_parts(b, planner_input(b, 0), &p);
}

/* ---- flip, roll, split ---- */

static void emit_flip(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), jax_tuple(b, "axis", "axes"));
}

static void emit_roll(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), jax_tuple(b, NULL, "shifts"),
         jax_tuple(b, "axis", "axes"));
}

static void emit_split(struct planner *b, const char *callable)
{
    const struct attr *split = planner_attribute(b, "split");
    uint32_t parts[OP_OUTPUTS_MAX] = {0};
    int64_t axis = planner_attribute(b, "axis")->i[0];

    axis += axis < 0 ? planner_input_value(b, 0)->shape.rank : 0;
    for (uint32_t o = 0; o < b->node->n_out; o++) {
        parts[o] = b->registers[b->node->out[o]];
    }
    const struct plan_arg args[] = {VALUE(planner_input(b, 0)), TUPLE(NULL, split->n, split->i),
                                    INT("axis", axis)};
    if (b->node->n_out > 1) {
        planner_call_tuple(b, parts, b->node->n_out, callable, args, ARRAY_SIZE(args));
    } else { /* a list of one */
        CALL(b, parts[0], "jax.lax.slice_in_dim", VALUE(planner_input(b, 0)), INT(NULL, 0),
             INT(NULL, split->i[0]), INT("axis", axis));
    }
}

/* ---- pad ---- */

/* Less than no pad is cut off afterwards. */
static void emit_pad(struct planner *b, const char *callable)
{
    const struct attr *pads = planner_attribute(b, "pads");
    const char *mode = planner_attribute(b, "mode")->text;
    struct shape padded = planner_input_value(b, 0)->shape;
    uint32_t rank = (uint32_t)padded.rank;
    int64_t *around = ARENA_ZARRAY(b->arena, int64_t, 2 * RANK_MAX);
    bool is_cut = false;

    for (uint32_t d = 0; d < rank; d++) {
        for (uint32_t side = 0; side < 2; side++) {
            int64_t pad = pads->i[d + side * rank];
            is_cut |= pad < 0;
            around[2 * d + side] = pad > 0 ? pad : 0;
            padded.dim[d] += around[2 * d + side];
        }
    }
    uint32_t y = is_cut ? planner_step(b, "padded") : planner_output(b);
    struct plan_arg args[] = {VALUE(planner_input(b, 0)), TUPLES(NULL, rank, 2, around),
                              TEXT("mode", mode),
                              jax_number(b, "constant_values", planner_attribute(b, "value")->f)};
    bool is_constant = strcmp(mode, "constant") == 0;
    planner_call(b, y, callable, args, ARRAY_SIZE(args) - !is_constant);
    if (is_cut) {
        struct parts p = parts_new(b, &padded);
        for (uint32_t d = 0; d < rank; d++) {
            int64_t lo = pads->i[d] < 0 ? -pads->i[d] : 0;
            set_part(&p, d, lo, 1, planner_output_value(b)->shape.dim[d]);
        }
        emit_parts(b, y, &p);
    }
}

/* ---- the table ---- */

const struct call_form jax_slice[] = {
    {"slice", NULL, emit_slice},           {"flip", "jax.numpy.flip", emit_flip},
    {"roll", "jax.numpy.roll", emit_roll}, {"split", "jax.lax.split", emit_split},
    {"pad", "jax.numpy.pad", emit_pad},    {0},
};
