/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that only move data (transpose, concat, gather, ...): each says where its output elements
 * come from (`origins`); evaluation, taint, gradient and range follow from that alone.
 */
#include "ops/ops_internal.h"

static const struct origin *origins_of(const struct evaluation *e)
{
    struct origin *from = ARENA_ARRAY(e->scratch, struct origin, e->out[0].n);
    e->node->op->origins(e, from);
    return from;
}

void move_evaluate(struct evaluation *e)
{
    const struct origin *from = origins_of(e);
    struct array *y = &e->out[0];
    for (size_t i = 0; i < y->n; i++) {
        y->v[i] = from[i].input == ORIGIN_NONE ? 0 : e->in[from[i].input]->v[from[i].at];
    }
}

void move_taint(const struct taint *t)
{
    const struct origin *from = origins_of(t->e);
    for (size_t i = 0; i < t->e->out[0].n; i++) {
        const uint8_t *mark = from[i].input == ORIGIN_NONE ? NULL : t->in_mark[from[i].input];
        t->out_mark[0][i] |= mark ? mark[from[i].at] : 0;
    }
}

void move_vjp(const struct vjp *v)
{
    if (!v->cotangent[0]) {
        return;
    }
    const struct origin *from = origins_of(v->e);
    for (size_t i = 0; i < v->e->out[0].n; i++) {
        real *grad = from[i].input == ORIGIN_NONE ? NULL : v->grad[from[i].input];
        if (grad) {
            grad[from[i].at] += v->cotangent[0][i];
        }
    }
}

void move_range(struct range_query *q)
{
    struct interval out = INTERVAL_EMPTY;
    for (uint32_t k = 0; k < q->node->n_in; k++) {
        if (!(q->node->op->index_inputs >> k & 1)) {
            out = interval_union(out, q->in[k]);
        }
    }
    q->out[0] = out;
}
