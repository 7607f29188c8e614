/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selection: where. It takes over only what it chose, and its taint says so.
 */
#include "ops/ops_internal.h"

static void where_row(const struct row *r)
{
    for (size_t i = 0; i < r->n; i++) {
        bool chosen = r->in[0][i * r->step[0]] != 0;
        r->y[i] = chosen ? r->in[1][i * r->step[1]] : r->in[2][i * r->step[2]];
    }
}

static real where_slope(const struct node *node, uint32_t k, const real *x, real y)
{
    return k == (x[0] != 0 ? 1 : 2);
}

static void where_taint(const struct taint *t)
{
    const struct array *y = &t->e->out[0];
    const size_t *map[3];
    for (uint32_t k = 0; k < 3; k++) {
        map[k] = broadcast_map(t->e->scratch, &y->shape, &t->e->in[k]->shape);
    }
    for (size_t i = 0; i < y->n; i++) {
        size_t at[3];
        for (uint32_t k = 0; k < 3; k++) {
            at[k] = map[k] ? map[k][i] : i;
        }
        uint8_t doubt = t->in_mark[0] ? t->in_mark[0][at[0]] : 0;
        uint32_t chosen = t->e->in[0]->v[at[0]] != 0 ? 1 : 2;
        for (uint32_t k = 1; k < 3; k++) {
            bool may_be = doubt || k == chosen;
            t->out_mark[0][i] |= may_be && t->in_mark[k] ? t->in_mark[k][at[k]] : 0;
        }
        t->out_mark[0][i] |= doubt;
    }
}

static void where_range(struct range_query *q)
{
    struct interval out = INTERVAL_EMPTY;
    if (q->in[0].hi != 0) {
        out = interval_union(out, q->in[1]);
    }
    if (q->in[0].lo != 1) {
        out = interval_union(out, q->in[2]);
    }
    q->out[0] = out;
}

const struct op op_where = {
    .name = "where",
    .summary = "x where cond holds, else y; broadcast",
    .in = {{"cond", .dtypes = DT(BOOL), RANK_ANY},
           {"x", .dtypes = DT_ALL, RANK_ANY},
           {"y", .same_as = "x", RANK_ANY}},
    .out = {{"z", .same_as = "x", RANK_ANY}},
    .structure = structure_broadcast,
    .relate = relate_broadcast_slots,
    .evaluate = elementwise_evaluate,
    .taint = where_taint,
    .vjp = elementwise_vjp,
    .range = where_range,
    .elementwise = &(const struct elementwise){.row = where_row, .slope = where_slope}};
