/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order along an axis, with the places the elements come from: top_k sort. NaN counts as the
 * largest, as torch.sort has it, but no document says so.
 */
#include "ops/ops_internal.h"

#include <stdlib.h>

#define RANK_LINES .rank_min = 1, .rank_max = RANK_MAX

/* ---- shared ---- */

struct element {
    real v; /* times -1 where the largest come first */
    size_t at;
};

static int compare_elements(const void *a, const void *b)
{
    const struct element *p = a, *q = b;
    bool p_nan = isnan(p->v), q_nan = isnan(q->v);
    if (p_nan != q_nan) {
        return p_nan ? 1 : -1;
    }
    if (!p_nan && p->v != q->v) {
        return p->v < q->v ? -1 : 1;
    }
    return p->at < q->at ? -1 : p->at > q->at;
}

/* The line in order; equal elements keep theirs. */
static struct element *sorted_line(struct arena *scratch, const real *x, struct line l,
                                   bool descending)
{
    struct element *order = ARENA_ARRAY(scratch, struct element, l.n);
    size_t n_nan = 0;
    for (size_t k = 0; k < l.n; k++) {
        real v = x[l.start + k * l.step];
        order[k] = (struct element){.v = descending ? -v : v, .at = k};
        n_nan += isnan(v) != 0;
    }
    qsort(order, l.n, sizeof(*order), compare_elements);
    if (descending && n_nan > 0) { /* NaN first */
        struct element *turned = ARENA_ARRAY(scratch, struct element, l.n);
        memcpy(turned, order + (l.n - n_nan), sizeof(*order) * n_nan);
        memcpy(turned + n_nan, order, sizeof(*order) * (l.n - n_nan));
        return turned;
    }
    return order;
}

/* One line of the input and the same one of the outputs. */
struct pair {
    struct line in, out;
};

static struct pair pair_at(const struct evaluation *e, size_t i)
{
    int axis = node_axis(e->node, &e->in[0]->shape);
    return (struct pair){.in = line_at(&e->in[0]->shape, axis, i),
                         .out = line_at(&e->out[0].shape, axis, i)};
}

static size_t count_pairs(const struct evaluation *e)
{
    return count_lines(&e->out[0], node_axis(e->node, &e->out[0].shape));
}

static void order_lines(struct evaluation *e, bool descending)
{
    for (size_t i = 0; i < count_pairs(e); i++) {
        struct pair p = pair_at(e, i);
        const struct element *order = sorted_line(e->scratch, e->in[0]->v, p.in, descending);
        for (size_t k = 0; k < p.out.n; k++) {
            size_t at = p.out.start + k * p.out.step;
            e->out[0].v[at] = e->in[0]->v[p.in.start + order[k].at * p.in.step];
            e->out[1].v[at] = (real)order[k].at;
        }
    }
}

/* All of a line taints its results. */
static void order_taint(const struct taint *t)
{
    for (size_t i = 0; t->in_mark[0] && i < count_pairs(t->e); i++) {
        struct pair p = pair_at(t->e, i);
        uint8_t any = 0;
        for (size_t k = 0; k < p.in.n; k++) {
            any |= t->in_mark[0][p.in.start + k * p.in.step];
        }
        for (size_t k = 0; k < p.out.n; k++) {
            t->out_mark[0][p.out.start + k * p.out.step] |= any;
            t->out_mark[1][p.out.start + k * p.out.step] |= any;
        }
    }
}

static void order_vjp(const struct vjp *v)
{
    for (size_t i = 0; v->grad[0] && v->cotangent[0] && i < count_pairs(v->e); i++) {
        struct pair p = pair_at(v->e, i);
        for (size_t k = 0; k < p.out.n; k++) {
            size_t at = p.out.start + k * p.out.step;
            size_t from = (size_t)v->e->out[1].v[at];
            v->grad[0][p.in.start + from * p.in.step] += v->cotangent[0][at];
        }
    }
}

/* Which of a line in order (ascending, or negated) may pass another one. NaN: none. */
static void line_places(struct arena *scratch, const struct element *order, const real *move,
                        struct line in, uint8_t *is_near)
{
    real *least = ARENA_ARRAY(scratch, real, in.n + 1); /* of this one and those behind it */
    least[in.n] = INFINITY;
    for (size_t k = in.n; k-- > 0;) {
        least[k] = fminl(least[k + 1], order[k].v - move[in.start + order[k].at * in.step]);
    }
    real most = -INFINITY; /* of those before it */
    for (size_t k = 0; k < in.n; k++) {
        real m = move[in.start + order[k].at * in.step];
        is_near[k] = most > order[k].v - m || least[k + 1] < order[k].v + m;
        most = fmaxl(most, order[k].v + m);
    }
}

static void order_places(const struct evaluation *e, bool descending, const real *move,
                         uint8_t *mark)
{
    for (size_t i = 0; i < count_pairs(e); i++) {
        struct pair p = pair_at(e, i);
        uint8_t *is_near = arena_zalloc(e->scratch, p.in.n + 1);
        const struct element *order = sorted_line(e->scratch, e->in[0]->v, p.in, descending);
        line_places(e->scratch, order, move, p.in, is_near);
        for (size_t k = 0; k < p.out.n; k++) {
            mark[p.out.start + k * p.out.step] |= is_near[k];
        }
    }
}

static void order_range(struct range_query *q)
{
    const struct shape *s = &q->in_value[0]->shape;
    q->out[0] = q->in[0];
    q->out[1] = (struct interval){.lo = 0, .hi = (real)(s->dim[node_axis(q->node, s)] - 1)};
}

static bool has_nan(const real *x, struct line l)
{
    for (size_t k = 0; k < l.n; k++) {
        if (isnan(x[l.start + k * l.step])) {
            return true;
        }
    }
    return false;
}

/* How many elements of the line equal v. */
static size_t count_equal(const real *x, struct line l, real v)
{
    size_t n = 0;
    for (size_t k = 0; k < l.n; k++) {
        n += x[l.start + k * l.step] == v;
    }
    return n;
}

static void mark_line(struct line l, uint8_t *const *mark)
{
    for (size_t k = 0; k < l.n; k++) {
        mark[0][l.start + k * l.step] = 1;
        mark[1][l.start + k * l.step] = 1;
    }
}

/* Indices of equal elements. */
static void mark_ties(const struct evaluation *e, struct pair p, uint8_t *mark)
{
    for (size_t k = 0; k < p.out.n; k++) {
        size_t at = p.out.start + k * p.out.step;
        mark[at] |= count_equal(e->in[0]->v, p.in, e->out[0].v[at]) > 1;
    }
}

static bool order_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0];
    int axis;
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    x->rank = x->rank < 0 ? m->out[0].rank : x->rank;
    return draw_rank(x, 1, RANK_MAX, rng) && settle_rank(&m->out[0], x->rank) &&
           settle_rank(&m->out[1], x->rank) && settle_axis(m, "axis", x->rank, rng, &axis);
}

static bool order_is_blind(const struct program *p, const struct node *node)
{
    const struct shape *x = &p->values[node->in[0]].shape;
    return x->dim[node_axis(node, x)] == 1;
}

#define ORDER_CALLS                                                                                \
    .taint = order_taint, .vjp = order_vjp, .range = order_range, .jumps = JUMPS_IN_ORDER,         \
    .is_blind = order_is_blind

/* ---- top_k ---- */

static bool top_k_structure(struct instance *m, struct rng *rng)
{
    bool flag;
    if (rng && !instance_attr(m, "sorted")) { /* the order of others is not defined */
        instance_add_attr(m, "sorted", ATTR_BOOL, 1)->i[0] = rng_chance(rng, 3, 4);
    }
    return order_structure(m, rng) && check_ints(m, "k", 1, 0, rng) &&
           settle_bool(m, "largest", rng, &flag) && settle_bool(m, "sorted", rng, &flag);
}

static void top_k_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], x->rank);
    var k = instance_attr_var(m, r, "k", 0, 1, DIM_LIMIT);
    for (int d = 0; d < x->rank; d++) {
        relate_equal(r, m->out[0].dim[d], d == axis ? k : x->dim[d]);
        relate_equal(r, m->out[1].dim[d], m->out[0].dim[d]);
    }
    relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){k, x->dim[axis]}, 0);
}

static void top_k_evaluate(struct evaluation *e)
{
    order_lines(e, node_int(e->node, "largest", 1) != 0);
}

/* Unsorted: "order of returned Values and Indices are undefined" (ONNX TopK), but for one. Ties:
 * ONNX gives the lower index, torch.topk "not guaranteed to be stable". NaN: no document. */
static void top_k_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    bool is_sorted = node_int(e->node, "sorted", 1) != 0;
    for (size_t i = 0; i < count_pairs(e); i++) {
        struct pair p = pair_at(e, i);
        if ((!is_sorted && p.out.n > 1) || has_nan(e->in[0]->v, p.in)) {
            mark_line(p.out, mark);
        } else {
            mark_ties(e, p, mark[1]);
        }
    }
}

static void top_k_places(const struct evaluation *e, const real *move, uint8_t *mark)
{
    order_places(e, node_int(e->node, "largest", 1) != 0, move, mark);
}

const struct op op_top_k = {
    .name = "top_k",
    .summary = "the k largest or smallest elements along an axis, and their indices",
    .in = {{"x", .dtypes = DT_NUMBERS, RANK_LINES}},
    .out = {{"values", .same_as = "x", RANK_LINES}, {"indices", .dtypes = DT(I64), RANK_LINES}},
    .attrs = {{"axis", ATTR_INT},
              {"k", ATTR_INT},
              {"largest", ATTR_BOOL, .usually_true = true},
              {"sorted", ATTR_BOOL, .usually_true = true}},
    .structure = top_k_structure,
    .relate = top_k_relate,
    .evaluate = top_k_evaluate,
    .unspecified = top_k_unspecified,
    .places = top_k_places,
    ORDER_CALLS};

/* ---- sort ---- */

static bool sort_structure(struct instance *m, struct rng *rng)
{
    bool flag;
    return order_structure(m, rng) && settle_bool(m, "descending", rng, &flag);
}

static void sort_relate(struct relation *r, struct instance *m)
{
    for (int d = 0; d < m->in[0].rank; d++) {
        relate_equal(r, m->in[0].dim[d], m->out[0].dim[d]);
        relate_equal(r, m->in[0].dim[d], m->out[1].dim[d]);
    }
}

static void sort_evaluate(struct evaluation *e)
{
    order_lines(e, node_int(e->node, "descending", 0) != 0);
}

/* torch.sort(stable=True): "the order of equivalent elements is preserved"; ONNX TopK: "the element
 * with the lower index will appear first". Behind results that a run may not have exactly, what is
 * a tie here may be none there. NaN: no document. */
static void sort_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    for (size_t i = 0; i < count_pairs(e); i++) {
        struct pair p = pair_at(e, i);
        if (has_nan(e->in[0]->v, p.in)) {
            mark_line(p.out, mark);
        } else if (e->in[0]->inexact) {
            mark_ties(e, p, mark[1]);
        }
    }
}

static void sort_places(const struct evaluation *e, const real *move, uint8_t *mark)
{
    order_places(e, node_int(e->node, "descending", 0) != 0, move, mark);
}

const struct op op_sort = {
    .name = "sort",
    .summary = "elements along an axis in order, equal ones in theirs, and their indices",
    .in = {{"x", .dtypes = DT_ALL, RANK_LINES}},
    .out = {{"values", .same_as = "x", RANK_LINES}, {"indices", .dtypes = DT(I64), RANK_LINES}},
    .attrs = {{"axis", ATTR_INT}, {"descending", ATTR_BOOL}},
    .structure = sort_structure,
    .relate = sort_relate,
    .evaluate = sort_evaluate,
    .unspecified = sort_unspecified,
    .places = sort_places,
    ORDER_CALLS};
