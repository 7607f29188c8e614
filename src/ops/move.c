/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that only move data (transpose, concat, gather, ...): each says where its output elements
 * come from (`origins`); evaluation, taint, gradient and range follow from that alone.
 */
#include "ops/ops_internal.h"

static const struct origin *origins_of(const struct evaluation *e)
{
    size_t n = 0;
    for (uint32_t o = 0; o < e->n_out; o++) {
        n += e->out[o].n;
    }
    struct origin *from = ARENA_ARRAY(e->scratch, struct origin, n);
    e->node->op->origins(e, from);
    return from;
}

void move_evaluate(struct evaluation *e)
{
    const struct origin *from = origins_of(e);
    const real value = (real)node_real(e->node, "value", 0);
    for (uint32_t o = 0; o < e->n_out; o++) {
        struct array *y = &e->out[o];
        for (size_t i = 0; i < y->n; i++) {
            y->v[i] = from[i].input == ORIGIN_NONE ? value : e->in[from[i].input]->v[from[i].at];
        }
        from += y->n;
    }
}

void move_taint(const struct taint *t)
{
    const struct origin *from = origins_of(t->e);
    for (uint32_t o = 0; o < t->e->n_out; o++) {
        for (size_t i = 0; i < t->e->out[o].n; i++) {
            const uint8_t *mark = from[i].input == ORIGIN_NONE ? NULL : t->in_mark[from[i].input];
            t->out_mark[o][i] |= mark ? mark[from[i].at] : 0;
        }
        from += t->e->out[o].n;
    }
}

void move_vjp(const struct vjp *v)
{
    const struct origin *from = origins_of(v->e);
    for (uint32_t o = 0; o < v->e->n_out; o++) {
        for (size_t i = 0; v->cotangent[o] && i < v->e->out[o].n; i++) {
            real *grad = from[i].input == ORIGIN_NONE ? NULL : v->grad[from[i].input];
            if (grad) {
                grad[from[i].at] += v->cotangent[o][i];
            }
        }
        from += v->e->out[o].n;
    }
}

void move_range(struct range_query *q)
{
    struct interval all = INTERVAL_EMPTY;
    for (uint32_t k = 0; k < q->node->n_in; k++) {
        if (!(q->node->op->index_inputs >> k & 1)) {
            all = interval_union(all, q->in[k]);
        }
    }
    for (uint32_t o = 0; o < q->node->n_out; o++) {
        q->out[o] = all;
    }
}

/* ---- where elements come from ---- */

void origins_in_order(const struct evaluation *e, struct origin *from)
{
    for (size_t i = 0; i < e->out[0].n; i++) {
        from[i] = (struct origin){.input = 0, .at = i};
    }
}

/* For each index along an output axis what it adds to the place in the input; -1: no input's. */
static const int64_t *steps_along(const struct evaluation *e, int axis, int64_t n, int64_t stride,
                                  source_fn *source)
{
    int64_t *step = ARENA_ARRAY(e->scratch, int64_t, (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        int64_t index = axis < 0 ? 0 : source(e, axis, i);
        step[i] = index < 0 ? -1 : index * stride;
    }
    return step;
}

void origins_by_axis(const struct evaluation *e, struct origin *from, source_fn *source)
{
    const struct shape *x = &e->in[0]->shape, *y = &e->out[0].shape;
    const int64_t *step[RANK_MAX];
    int64_t strides[RANK_MAX] = {0}, at[RANK_MAX] = {0};
    if (e->out[0].n == 0) {
        return; /* beside a 0 other dims may be huge */
    }
    shape_strides(x, strides);
    for (int d = 0; d < y->rank; d++) {
        int axis = d - y->rank + x->rank;
        step[d] = steps_along(e, axis, y->dim[d], axis < 0 ? 0 : strides[axis], source);
    }
    for (size_t i = 0; i < e->out[0].n; i++) {
        int64_t place = 0;
        bool is_none = false;
        for (int d = 0; d < y->rank; d++) {
            is_none |= step[d][at[d]] < 0;
            place += step[d][at[d]];
        }
        from[i] = is_none ? (struct origin){.input = ORIGIN_NONE}
                          : (struct origin){.input = 0, .at = (size_t)place};
        for (int d = y->rank - 1; d >= 0 && ++at[d] == y->dim[d]; d--) {
            at[d] = 0;
        }
    }
}
