/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise ops of any number of inputs with numpy's broadcasting: one driver each for
 * evaluation, taint, gradient and range; an op adds kernels (struct elementwise). Output dims are
 * merged where all inputs run on without a break, so that kernels see long rows.
 */
#include "ops/ops_internal.h"

static uint32_t n_operands(const struct evaluation *e)
{
    CHECK(e->n_in <= ELEMENTWISE_INPUTS_MAX);
    return e->n_in;
}

/* ---- evaluation ---- */

/* Merged dims, outermost first; size[rank - 1] is the length of a row. */
struct walk {
    int rank;
    size_t size[RANK_MAX + 1];
    size_t stride[ELEMENTWISE_INPUTS_MAX][RANK_MAX + 1];
};

static bool can_merge(const struct walk *w, uint32_t n_in, const size_t *stride, size_t inner_size)
{
    for (uint32_t k = 0; k < n_in; k++) {
        if (stride[k] != w->stride[k][0] * inner_size) {
            return false;
        }
    }
    return true;
}

/* Dims are pushed from the innermost outwards, each in front of the others. */
static void walk_push(struct walk *w, uint32_t n_in, size_t size, const size_t *stride)
{
    if (w->rank && can_merge(w, n_in, stride, w->size[0])) {
        w->size[0] *= size;
        return;
    }
    memmove(&w->size[1], &w->size[0], sizeof(size_t) * (size_t)w->rank);
    w->size[0] = size;
    for (uint32_t k = 0; k < n_in; k++) {
        memmove(&w->stride[k][1], &w->stride[k][0], sizeof(size_t) * (size_t)w->rank);
        w->stride[k][0] = stride[k];
    }
    w->rank++;
}

static void walk_init(struct walk *w, const struct evaluation *e)
{
    const struct shape *out = &e->out[0].shape;
    uint32_t n_in = n_operands(e);
    size_t step[ELEMENTWISE_INPUTS_MAX];
    for (uint32_t k = 0; k < n_in; k++) {
        step[k] = 1;
    }
    w->rank = 0;
    for (int back = 1; back <= out->rank; back++) {
        size_t size = (size_t)out->dim[out->rank - back], stride[ELEMENTWISE_INPUTS_MAX] = {0};
        for (uint32_t k = 0; k < n_in; k++) {
            const struct shape *in = &e->in[k]->shape;
            size_t own = back <= in->rank ? (size_t)in->dim[in->rank - back] : 1;
            stride[k] = own == 1 ? 0 : step[k];
            step[k] *= own;
        }
        if (size != 1) {
            walk_push(w, n_in, size, stride);
        }
    }
    if (w->rank == 0) {
        static const size_t none[ELEMENTWISE_INPUTS_MAX] = {0};
        walk_push(w, n_in, 1, none);
    }
}

/* The next row's start in each input. */
static void walk_next(const struct walk *w, uint32_t n_in, size_t *at, size_t *offset)
{
    for (int d = w->rank - 2; d >= 0; d--) {
        at[d]++;
        for (uint32_t k = 0; k < n_in; k++) {
            offset[k] += w->stride[k][d];
        }
        if (at[d] < w->size[d]) {
            return;
        }
        for (uint32_t k = 0; k < n_in; k++) {
            offset[k] -= w->stride[k][d] * w->size[d];
        }
        at[d] = 0;
    }
}

/* Where each input's elements are, and those that output element i reads. */
static void map_operands(const struct evaluation *e, const size_t **map)
{
    for (uint32_t k = 0; k < n_operands(e); k++) {
        map[k] = broadcast_map(e->scratch, &e->out[0].shape, &e->in[k]->shape);
    }
}

static void load_operands(const struct evaluation *e, const size_t *const *map, size_t i, real *x)
{
    for (uint32_t k = 0; k < e->n_in; k++) {
        x[k] = e->in[k]->v[map[k] ? map[k][i] : i];
    }
}

static void add_losses(struct evaluation *e)
{
    const struct elementwise *f = e->node->op->elementwise;
    const struct array *y = &e->out[0];
    const size_t *map[ELEMENTWISE_INPUTS_MAX];
    map_operands(e, map);
    for (size_t i = 0; i < y->n; i++) {
        real x[ELEMENTWISE_INPUTS_MAX];
        load_operands(e, map, i, x);
        e->noise[0][i] += isfinite(y->v[i]) ? f->loss(e->node, y->dtype, x, y->v[i]) : 0;
    }
}

void elementwise_evaluate(struct evaluation *e)
{
    const struct elementwise *f = e->node->op->elementwise;
    struct array *y = &e->out[0];
    uint32_t n_in = n_operands(e);
    bool is_int = f->int_row && !dtype_is_float(e->in[0]->dtype);
    void (*kernel)(const struct row *) = is_int ? f->int_row : f->row;
    struct walk w;
    walk_init(&w, e);
    size_t at[RANK_MAX + 1] = {0}, offset[ELEMENTWISE_INPUTS_MAX] = {0};
    struct row row = {.node = e->node,
                      .d = y->dtype,
                      .n = w.size[w.rank - 1],
                      .lo = dtype_lowest(y->dtype),
                      .hi = dtype_max(y->dtype)};
    for (uint32_t k = 0; k < n_in; k++) {
        row.step[k] = w.stride[k][w.rank - 1];
    }
    for (size_t done = 0; done < y->n; done += row.n) {
        row.y = y->v + done;
        for (uint32_t k = 0; k < n_in; k++) {
            row.in[k] = e->in[k]->v + offset[k];
        }
        kernel(&row);
        walk_next(&w, n_in, at, offset);
    }
    noise_rounding(e, f->units);
    if (f->loss && e->noise[0] && dtype_is_float(y->dtype)) {
        add_losses(e);
    }
}

/* ---- taint and gradient ---- */

const size_t *broadcast_map(struct arena *scratch, const struct shape *out, const struct shape *in)
{
    if (shape_equal(out, in)) {
        return NULL;
    }
    size_t n = shape_numel(out);
    size_t *map = ARENA_ARRAY(scratch, size_t, n);
    for (size_t i = 0; i < n; i++) {
        map[i] = broadcast_index(out, in, i);
    }
    return map;
}

void elementwise_taint(const struct taint *t)
{
    const struct array *y = &t->e->out[0];
    for (uint32_t k = 0; k < t->e->n_in; k++) {
        const uint8_t *mark = t->in_mark[k];
        if (!mark) {
            continue;
        }
        const size_t *map = broadcast_map(t->e->scratch, &y->shape, &t->e->in[k]->shape);
        for (size_t i = 0; i < y->n; i++) {
            t->out_mark[0][i] |= mark[map ? map[i] : i];
        }
    }
}

void elementwise_vjp(const struct vjp *v)
{
    const struct evaluation *e = v->e;
    const struct elementwise *f = e->node->op->elementwise;
    const struct array *y = &e->out[0];
    const size_t *map[ELEMENTWISE_INPUTS_MAX];
    if (!v->cotangent[0] || !dtype_is_float(y->dtype)) {
        return;
    }
    map_operands(e, map);
    for (size_t i = 0; i < y->n; i++) {
        real x[ELEMENTWISE_INPUTS_MAX];
        load_operands(e, map, i, x);
        for (uint32_t k = 0; k < e->n_in; k++) {
            if (v->grad[k]) {
                real slope = f->slope(e->node, k, x, y->v[i]);
                v->grad[k][map[k] ? map[k][i] : i] += slope == 0 ? 0 : v->cotangent[0][i] * slope;
            }
        }
    }
}

/* ---- facts of pairs ---- */

void mark_pairs(const struct evaluation *e, uint8_t *mark, pair_test *is_open)
{
    const struct array *y = &e->out[0], *a = e->in[0], *b = e->in[1];
    const size_t *map_a = broadcast_map(e->scratch, &y->shape, &a->shape);
    const size_t *map_b = broadcast_map(e->scratch, &y->shape, &b->shape);
    for (size_t i = 0; i < y->n; i++) {
        mark[i] |= is_open(e, a->v[map_a ? map_a[i] : i], b->v[map_b ? map_b[i] : i]);
    }
}

bool has_pair(const struct evaluation *e, pair_test *is_open)
{
    const struct array *y = &e->out[0], *a = e->in[0], *b = e->in[1];
    const size_t *map_a = broadcast_map(e->scratch, &y->shape, &a->shape);
    const size_t *map_b = broadcast_map(e->scratch, &y->shape, &b->shape);
    bool found = false;
    for (size_t i = 0; i < y->n && !found; i++) {
        found = is_open(e, a->v[map_a ? map_a[i] : i], b->v[map_b ? map_b[i] : i]);
    }
    return found;
}

void reach_pairs(const struct evaluation *e, uint32_t k, real *reach, pair_reach *reach_of)
{
    const struct array *y = &e->out[0], *a = e->in[0], *b = e->in[1];
    const size_t *map_a = broadcast_map(e->scratch, &y->shape, &a->shape);
    const size_t *map_b = broadcast_map(e->scratch, &y->shape, &b->shape);
    for (size_t i = 0; i < e->in[k]->n; i++) {
        reach[i] = INFINITY;
    }
    for (size_t i = 0; i < y->n; i++) {
        size_t at[2] = {map_a ? map_a[i] : i, map_b ? map_b[i] : i};
        real own = reach_of(e, k, a->v[at[0]], b->v[at[1]]);
        reach[at[k]] = own < reach[at[k]] ? own : reach[at[k]];
    }
}

/* ---- range ---- */

void elementwise_range(struct range_query *q)
{
    bool may_nan = false, is_empty = false;
    for (uint32_t k = 0; k < q->node->n_in; k++) {
        may_nan |= q->in[k].may_nan;
        is_empty |= interval_is_empty(q->in[k]);
    }
    enum dtype d = q->out_value[0]->dtype;
    if (is_empty && dtype_is_float(d)) {
        q->out[0] = INTERVAL_EMPTY; /* no element, or NaN with anything: NaN */
    } else {
        q->out[0] = q->node->op->elementwise->bound(q);
    }
    q->out[0].may_nan = dtype_is_float(d) && (q->out[0].may_nan || may_nan);
}

void lowest_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    for (size_t i = 0; i < e->out[0].n; i++) {
        mark[0][i] |= e->in[0]->v[i] == -INFINITY;
    }
}

void nan_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    for (size_t i = 0; i < e->out[0].n; i++) {
        bool is_nan = isnan(e->in[0]->v[i]);
        mark[0][i] |= is_nan;
    }
}
