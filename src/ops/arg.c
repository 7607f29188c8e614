/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where along an axis the largest or smallest element lies: arg_max arg_min. Of equal ones the
 * first, or the last if select_last_index (which may be missing: false).
 */
#include "ops/ops_internal.h"

static bool arg_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    bool keeps;
    int axis;
    if (!settle_dtypes(m, rng) || !settle_bool(m, "keepdims", rng, &keeps)) {
        return false;
    }
    if (x->rank < 0 && y->rank >= 0) {
        x->rank = keeps ? y->rank : y->rank + 1;
    }
    if (rng && !instance_attr(m, "select_last_index") && rng_chance(rng, 1, 4)) {
        instance_add_attr(m, "select_last_index", ATTR_BOOL, 1)->i[0] = 1;
    }
    return draw_rank(x, 1, RANK_MAX, rng) && settle_axis(m, "axis", x->rank, rng, &axis) &&
           settle_rank(y, keeps ? x->rank : x->rank - 1);
}

static bool selects_last(const struct node *node)
{
    return node_int(node, "select_last_index", 0) != 0;
}

/* sign: 1 largest, -1 smallest. */
static void arg_evaluate(struct evaluation *e, real sign)
{
    const struct array *x = e->in[0];
    int axis = node_axis(e->node, &x->shape);
    bool last = selects_last(e->node);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        real best = -INFINITY;
        size_t at = 0;
        for (size_t k = 0; k < l.n && !isnan(best); k++) {
            real v = sign * x->v[l.start + k * l.step];
            if (beats(v, best) || (last && v == best)) {
                best = v;
                at = k;
            }
        }
        e->out[0].v[i] = (real)at;
    }
}

static void arg_max_evaluate(struct evaluation *e)
{
    arg_evaluate(e, 1);
}

static void arg_min_evaluate(struct evaluation *e)
{
    arg_evaluate(e, -1);
}

/* Ties: ONNX ("the index of the first occurrence is selected") and torch.argmax ("the indices of
 * the first maximal value are returned") agree; behind results that a run may not have exactly,
 * what is a tie here may be none there. Lines with NaN: no document says which index. */
static void arg_unspecified(const struct evaluation *e, uint8_t *mark, real sign)
{
    const struct array *x = e->in[0];
    int axis = node_axis(e->node, &x->shape);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        real best = sign * x->v[l.start + (size_t)e->out[0].v[i] * l.step];
        bool has_nan = false;
        size_t n_best = 0;
        for (size_t k = 0; k < l.n; k++) {
            real v = sign * x->v[l.start + k * l.step];
            n_best += v == best;
            has_nan |= isnan(v) != 0;
        }
        mark[i] |= has_nan || (x->inexact && n_best > 1);
    }
}

static void arg_max_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    arg_unspecified(e, mark[0], 1);
}

static void arg_min_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    arg_unspecified(e, mark[0], -1);
}

static void arg_places(const struct evaluation *e, const real *move, uint8_t *mark)
{
    const struct array *x = e->in[0];
    int axis = node_axis(e->node, &x->shape);
    for (size_t i = 0; i < count_lines(x, axis); i++) {
        struct line l = line_at(&x->shape, axis, i);
        size_t best = l.start + (size_t)e->out[0].v[i] * l.step;
        for (size_t k = 0; k < l.n; k++) {
            size_t at = l.start + k * l.step;
            real both = move[at] + move[best];
            mark[i] |= at != best && both > 0 && fabsl(x->v[at] - x->v[best]) <= both;
        }
    }
}

static void arg_range(struct range_query *q)
{
    const struct shape *in = &q->in_value[0]->shape;
    int64_t length = in->dim[node_axis(q->node, in)];
    q->out[0] = (struct interval){.lo = 0, .hi = (real)(length - 1)};
}

#define ARG_OP                                                                                     \
    .in = {{"x", .dtypes = DT_NUMBERS, .rank_min = 1, .rank_max = RANK_MAX}},                      \
    .out = {{"y", .dtypes = DT(I64), REDUCE_RANK}},                                                \
    .attrs = {{"axis", ATTR_INT},                                                                  \
              {"keepdims", ATTR_BOOL, .usually_true = true},                                       \
              {"select_last_index", ATTR_BOOL, .optional = true}},                                 \
    .structure = arg_structure, .relate = reduce_relate_some, .taint = reduce_taint,               \
    .range = arg_range, .jumps = JUMPS_IN_ORDER, .places = arg_places

const struct op op_arg_max = {.name = "arg_max",
                              .summary = "index of the largest element along an axis",
                              .evaluate = arg_max_evaluate,
                              .unspecified = arg_max_unspecified,
                              ARG_OP};

const struct op op_arg_min = {.name = "arg_min",
                              .summary = "index of the smallest element along an axis",
                              .evaluate = arg_min_evaluate,
                              .unspecified = arg_min_unspecified,
                              ARG_OP};
