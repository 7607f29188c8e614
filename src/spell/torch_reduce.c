/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says the ops that work along axes: reductions, scans, sorting. */
#include "spell/torch_forms.h"

#include <string.h>

static struct plan_arg axes_arg(const struct planner *b)
{
    const struct attr *axes = planner_attribute(b, "axes");
    return (struct plan_arg)INTS("dim", axes->n, axes->i);
}

static struct plan_arg flag_arg(const struct planner *b, const char *keyword, const char *name)
{
    return (struct plan_arg)BOOL(keyword, planner_attribute(b, name)->i[0]);
}

static struct plan_arg axis_arg(const struct planner *b)
{
    return (struct plan_arg)INT("dim", planner_attribute(b, "axis")->i[0]);
}

/* A list of one, which the plan borrows. */
static struct plan_arg list_of_one(const struct planner *b, int64_t value)
{
    int64_t *list = arena_alloc(b->arena, sizeof *list);
    *list = value;
    return (struct plan_arg)INTS(NULL, 1, list);
}

/* ---- reductions ---- */

static void emit_reduce(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axes_arg(b),
         flag_arg(b, "keepdim", "keepdims"));
}

static void emit_extreme(struct planner *b, const char *callable)
{
    const struct shape *x = &planner_input_value(b, 0)->shape;
    const struct attr *axes = planner_attribute(b, "axes");
    for (size_t i = 0; i < axes->n; i++) {
        if (x->dim[axes->i[i] < 0 ? axes->i[i] + x->rank : axes->i[i]] == 0) {
            planner_refuse(b, "largest or smallest along a dim of no elements");
            return;
        }
    }
    emit_reduce(b, callable);
}

/* torch would sum integers in int64: dtype keeps the input's. */
static void sum_of(struct planner *b, uint32_t x, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(x), axes_arg(b), flag_arg(b, "keepdim", "keepdims"),
         DTYPE("dtype", planner_output_value(b)->dtype));
}

static void emit_sum(struct planner *b, const char *callable)
{
    sum_of(b, planner_input(b, 0), callable);
}

/* The norm is of floats only. */
static void emit_norm(struct planner *b, const char *callable)
{
    bool is_l1 = strcmp(b->node->op_name, "reduce_l1") == 0;

    if (!dtype_is_float(planner_output_value(b)->dtype)) {
        uint32_t magnitude = planner_step(b, "abs");
        CALL(b, magnitude, "torch.abs", VALUE(planner_input(b, 0)));
        sum_of(b, magnitude, "torch.sum");
        return;
    }
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), INT(NULL, is_l1 ? 1 : 2),
         axes_arg(b), flag_arg(b, "keepdim", "keepdims"));
}

/* torch.prod takes one axis: the reduced ones go to the end and become one. */
static void emit_prod(struct planner *b, const char *callable)
{
    const struct attr *axes = planner_attribute(b, "axes");
    const struct shape *x = &planner_input_value(b, 0)->shape, *y = &planner_output_value(b)->shape;
    const struct plan_arg dtype = DTYPE("dtype", planner_output_value(b)->dtype);
    int64_t *perm = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    int64_t *flat = ARENA_ARRAY(b->arena, int64_t, RANK_MAX + 1);
    unsigned mask = 0;
    uint32_t n = 0, to = 0;

    if (axes->n == 0) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), dtype);
        return;
    }
    if (axes->n == 1) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), INT("dim", axes->i[0]),
             flag_arg(b, "keepdim", "keepdims"), dtype);
        return;
    }
    for (unsigned k = 0; k < axes->n; k++) {
        mask |= 1U << (axes->i[k] < 0 ? axes->i[k] + x->rank : axes->i[k]);
    }
    for (int d = 0; d < x->rank; d++) {
        if (!(mask >> d & 1)) {
            perm[to++] = d;
            flat[n++] = x->dim[d];
        }
    }
    flat[n] = 1;
    for (int d = 0; d < x->rank; d++) {
        if (mask >> d & 1) {
            perm[to++] = d;
            flat[n] *= x->dim[d];
        }
    }
    uint32_t moved = planner_step(b, "moved"), rows = planner_step(b, "rows"),
             product = planner_step(b, "product");
    CALL(b, moved, "torch.permute", VALUE(planner_input(b, 0)), INTS(NULL, to, perm));
    CALL(b, rows, "torch.reshape", VALUE(moved), INTS(NULL, n + 1, flat));
    CALL(b, product, callable, VALUE(rows), INT("dim", -1), dtype);
    CALL(b, planner_output(b), "torch.reshape", VALUE(product),
         INTS(NULL, (uint32_t)y->rank, y->dim));
}

static void emit_var(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axes_arg(b),
         INT("correction", planner_attribute(b, "correction")->i[0]),
         flag_arg(b, "keepdim", "keepdims"));
}

/* torch.all of uint8 is uint8: of the truth of the elements. */
static void emit_truth(struct planner *b, const char *callable)
{
    uint32_t x = planner_input(b, 0);

    if (planner_input_value(b, 0)->dtype == DTYPE_U8) {
        uint32_t truth = planner_step(b, "truth");
        CALL(b, truth, "torch.ne", VALUE(x), INT(NULL, 0));
        x = truth;
    }
    CALL(b, planner_output(b), callable, VALUE(x), axes_arg(b), flag_arg(b, "keepdim", "keepdims"));
}

/* ---- arg_max, arg_min, softmax ---- */

/* The last one is the first of the reversed axis. */
static void emit_arg(struct planner *b, const char *callable)
{
    const struct attr *last = node_attr(b->node, "select_last_index");
    const struct shape *s = &planner_input_value(b, 0)->shape;
    int64_t axis = planner_attribute(b, "axis")->i[0];

    if (!last || last->i[0] == 0) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axis_arg(b),
             flag_arg(b, "keepdim", "keepdims"));
        return;
    }
    uint32_t turned = planner_step(b, "turned"), at = planner_step(b, "at"),
             minus = planner_step(b, "minus");
    CALL(b, turned, "torch.flip", VALUE(planner_input(b, 0)), list_of_one(b, axis));
    CALL(b, at, callable, VALUE(turned), axis_arg(b), flag_arg(b, "keepdim", "keepdims"));
    CALL(b, minus, "torch.neg", VALUE(at));
    CALL(b, planner_output(b), "torch.add", VALUE(minus),
         INT(NULL, s->dim[axis < 0 ? axis + s->rank : axis] - 1));
}

static void emit_softmax(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), axis_arg(b));
}

/* ---- cum_sum ---- */

/* All but the last element, behind a zero. */
static uint32_t shifted(struct planner *b, uint32_t x, uint32_t to)
{
    const struct shape *s = &planner_output_value(b)->shape;
    int64_t axis = planner_attribute(b, "axis")->i[0];
    int from_end = (int)(axis < 0 ? -axis - 1 : s->rank - 1 - axis);
    int64_t *pads = ARENA_ZARRAY(b->arena, int64_t, 2 * RANK_MAX);
    uint32_t rest = planner_step(b, "rest");

    pads[2 * from_end] = 1; /* pairs from the last dim back */
    CALL(b, rest, "torch.narrow", VALUE(x), INT(NULL, axis), INT(NULL, 0),
         INT(NULL, s->dim[s->rank - 1 - from_end] - 1));
    CALL(b, to, "torch.nn.functional.pad", VALUE(rest),
         INTS(NULL, (uint32_t)(2 * from_end + 2), pads));
    return to;
}

static void emit_cum_sum(struct planner *b, const char *callable)
{
    const struct shape *s = &planner_output_value(b)->shape;
    int64_t axis = planner_attribute(b, "axis")->i[0];
    bool reverse = planner_attribute(b, "reverse")->i[0] != 0;
    bool shifts = planner_attribute(b, "exclusive")->i[0] != 0 &&
                  s->dim[axis < 0 ? axis + s->rank : axis] > 0;
    uint32_t x = planner_input(b, 0), turned = 0, moved = 0, sum = planner_output(b);

    if (reverse) {
        turned = planner_step(b, "turned");
        CALL(b, turned, "torch.flip", VALUE(x), list_of_one(b, axis));
        x = turned;
        sum = planner_step(b, "sum");
    }
    if (shifts) {
        moved = planner_step(b, "moved");
        x = shifted(b, x, moved);
    }
    CALL(b, sum, callable, VALUE(x), axis_arg(b), DTYPE("dtype", planner_output_value(b)->dtype));
    if (reverse) {
        CALL(b, planner_output(b), "torch.flip", VALUE(sum), list_of_one(b, axis));
    }
}

/* ---- top_k, sort ---- */

#define CALL_PAIR(b, callable, ...)                                                                \
    planner_call_tuple(                                                                            \
        b,                                                                                         \
        (const uint32_t[]){(b)->registers[(b)->node->out[0]], (b)->registers[(b)->node->out[1]]},  \
        2, callable, (const struct plan_arg[]){__VA_ARGS__},                                       \
        ARRAY_SIZE(((const struct plan_arg[]){__VA_ARGS__})))

static void emit_top_k(struct planner *b, const char *callable)
{
    CALL_PAIR(b, callable, VALUE(planner_input(b, 0)), INT(NULL, planner_attribute(b, "k")->i[0]),
              axis_arg(b), flag_arg(b, "largest", "largest"), flag_arg(b, "sorted", "sorted"));
}

static void emit_sort(struct planner *b, const char *callable)
{
    CALL_PAIR(b, callable, VALUE(planner_input(b, 0)), axis_arg(b),
              flag_arg(b, "descending", "descending"), BOOL("stable", 1));
}

/* ---- the table ---- */

const struct call_form torch_reduce[] = {
    {"reduce_sum", "torch.sum", emit_sum},
    {"reduce_max", "torch.amax", emit_extreme},
    {"reduce_min", "torch.amin", emit_extreme},
    {"reduce_all", "torch.all", emit_truth},
    {"reduce_any", "torch.any", emit_truth},
    {"reduce_mean", "torch.mean", emit_reduce},
    {"reduce_prod", "torch.prod", emit_prod},
    {"reduce_l1", "torch.linalg.vector_norm", emit_norm},
    {"reduce_l2", "torch.linalg.vector_norm", emit_norm},
    {"reduce_log_sum_exp", "torch.logsumexp", emit_reduce},
    {"reduce_var", "torch.var", emit_var},
    {"arg_max", "torch.argmax", emit_arg},
    {"arg_min", "torch.argmin", emit_arg},
    {"softmax", "torch.softmax", emit_softmax},
    {"log_softmax", "torch.log_softmax", emit_softmax},
    {"cum_sum", "torch.cumsum", emit_cum_sum},
    {"top_k", "torch.topk", emit_top_k},
    {"sort", "torch.sort", emit_sort},
    {0},
};
