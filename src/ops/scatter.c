/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that put updates into a copy of data where indices say: scatter_elements, scatter_nd. They
 * replace what is there, or go into it by `reduction` (which may be missing: none), in any order. A
 * negative index counts from the end.
 */
#include "ops/index.h"

/* ---- reduction ---- */

/* What an update does to the element at its place. */
enum effect { REPLACES, ADDS, MULTIPLIES, RAISES, LOWERS };

static const char *const reductions[] = {
    [REPLACES] = "none", [ADDS] = "add", [MULTIPLIES] = "mul", [RAISES] = "max", [LOWERS] = "min"};

static bool settle_reduction(struct instance *m, struct rng *rng)
{
    size_t chosen;
    if (!instance_attr(m, "reduction")) {
        return !rng || rng_chance(rng, 1, 2) ||
               settle_text(m, "reduction", ARRAY_SIZE(reductions) - 1, reductions + 1, rng,
                           &chosen);
    }
    return settle_text(m, "reduction", ARRAY_SIZE(reductions), reductions, NULL, &chosen);
}

static enum effect effect_of(const struct attr *reduction)
{
    for (size_t k = 0; reduction && k < ARRAY_SIZE(reductions); k++) {
        if (strcmp(reduction->text, reductions[k]) == 0) {
            return (enum effect)k;
        }
    }
    return REPLACES;
}

/* Of bools + is `or` and * is `and` (numpy, torch), as are max and min. */
static real combined(enum effect effect, enum dtype d, real old, real update)
{
    bool wraps = dtype_is_int(d), is_bool = d == DTYPE_BOOL;
    uint64_t a = wraps ? real_pattern(old) : 0, b = wraps ? real_pattern(update) : 0;
    switch (effect) {
    case ADDS:
        return wraps ? dtype_wrap(d, a + b) : is_bool ? fmaxl(old, update) : old + update;
    case MULTIPLIES:
        return wraps ? dtype_wrap(d, a * b) : old * update;
    case RAISES:
        return isnan(old) || old >= update ? old : update;
    case LOWERS:
        return isnan(old) || old <= update ? old : update;
    case REPLACES:
        break;
    }
    return update;
}

/* ---- places ---- */

static const size_t NOWHERE = SIZE_MAX; /* an index is out of range */

/* Update i goes to to[i]; n[o] of them go to element o. */
struct scatter {
    const struct array *data, *updates;
    enum effect effect;
    size_t *to, *n;
};

static void places_of_elements(const struct evaluation *e, size_t *to)
{
    const struct shape *data = &e->in[0]->shape, *indices = &e->in[1]->shape;
    int axis = node_axis(e->node, data);
    for (size_t i = 0; i < e->in[1]->n; i++) {
        if (!element_at(data, indices, axis, i, e->in[1]->v[i], &to[i])) {
            to[i] = NOWHERE;
        }
    }
}

static void places_of_rows(const struct evaluation *e, size_t *to)
{
    struct nd n = nd_of(e);
    for (size_t row = 0; row < n.n_rows; row++) {
        size_t start = 0;
        bool is_good = slice_start(&n, row, &start);
        for (size_t k = 0; k < n.inside; k++) {
            to[row * n.inside + k] = is_good ? start + k : NOWHERE;
        }
    }
}

static struct scatter scatter_of(const struct evaluation *e)
{
    struct scatter s = {.data = e->in[0],
                        .updates = e->in[2],
                        .effect = effect_of(node_attr(e->node, "reduction")),
                        .to = ARENA_ARRAY(e->scratch, size_t, e->in[2]->n),
                        .n = ARENA_ZARRAY(e->scratch, size_t, e->in[0]->n)};
    if (e->node->op == &op_scatter_nd) {
        places_of_rows(e, s.to);
    } else {
        places_of_elements(e, s.to);
    }
    for (size_t i = 0; i < s.updates->n; i++) {
        if (s.to[i] != NOWHERE) {
            s.n[s.to[i]]++;
        }
    }
    return s;
}

/* ---- evaluation ---- */

static int common_grid(const struct scatter *s)
{
    int a = grid_of(s->data), b = grid_of(s->updates);
    return a < b ? a : b;
}

static void sum_noise(const struct scatter *s, const struct array *y, struct arena *scratch,
                      real *noise)
{
    real *magnitude = ARENA_ARRAY(scratch, real, y->n);
    int grid = common_grid(s);
    for (size_t o = 0; o < y->n; o++) {
        magnitude[o] = isfinite(s->data->v[o]) ? fabsl(s->data->v[o]) : 0;
    }
    for (size_t i = 0; i < s->updates->n; i++) {
        real v = s->updates->v[i];
        if (s->to[i] != NOWHERE) {
            magnitude[s->to[i]] += isfinite(v) ? fabsl(v) : 0;
        }
    }
    for (size_t o = 0; o < y->n; o++) {
        struct sum_noise sum = sum_noise_stepwise(y->dtype, s->n[o] + 1, grid);
        noise[o] = s->n[o] ? sum_noise_of(&sum, y->v[o], magnitude[o]) : 0;
    }
}

static void product_noise(const struct scatter *s, const struct array *y, struct arena *scratch,
                          real *noise)
{
    struct factors *f = factors_of_none(scratch, y->n);
    bool inexact = s->data->inexact || s->updates->inexact;
    for (size_t o = 0; o < y->n; o++) {
        factors_add(&f[o], s->data->v[o]);
    }
    for (size_t i = 0; i < s->updates->n; i++) {
        if (s->to[i] != NOWHERE) {
            factors_add(&f[s->to[i]], s->updates->v[i]);
        }
    }
    for (size_t o = 0; o < y->n; o++) {
        noise[o] = s->n[o] ? factors_noise(&f[o], y->dtype, s->n[o] + 1, y->v[o], inexact) : 0;
    }
}

static void scatter_evaluate(struct evaluation *e)
{
    struct array *y = &e->out[0];
    struct scatter s = scatter_of(e);
    memcpy(y->v, s.data->v, sizeof(real) * y->n);
    for (size_t i = 0; i < s.updates->n; i++) {
        if (s.to[i] != NOWHERE) {
            real *at = &y->v[s.to[i]];
            *at = combined(s.effect, y->dtype, *at, s.updates->v[i]);
        }
    }
    bool rounds = e->noise[0] && dtype_is_float(y->dtype);
    if (rounds && s.effect == ADDS) {
        sum_noise(&s, y, e->scratch, e->noise[0]);
    } else if (rounds && s.effect == MULTIPLIES) {
        product_noise(&s, y, e->scratch, e->noise[0]);
    }
}

/* ---- taint, gradient, range ---- */

static void scatter_taint(const struct taint *t)
{
    struct scatter s = scatter_of(t->e);
    const uint8_t *data = t->in_mark[0], *updates = t->in_mark[2];
    size_t n = t->e->out[0].n;
    uint8_t *mark = arena_zalloc(t->e->scratch, n + 1);
    if (data) {
        memcpy(mark, data, n);
    }
    for (size_t i = 0; i < s.updates->n; i++) {
        if (s.to[i] != NOWHERE) {
            uint8_t *at = &mark[s.to[i]];
            *at = (uint8_t)((s.effect == REPLACES ? 0 : *at) | (updates ? updates[i] : 0));
        }
    }
    for (size_t o = 0; o < n; o++) {
        t->out_mark[0][o] |= mark[o];
    }
}

/* An index that is not known may name any place of its line. */
static void scatter_elements_taint(const struct taint *t)
{
    const struct array *data = t->e->in[0], *indices = t->e->in[1];
    int axis = node_axis(t->e->node, &data->shape);
    scatter_taint(t);
    for (size_t i = 0; t->in_mark[1] && i < indices->n; i++) {
        for (int64_t c = 0; t->in_mark[1][i] && c < data->shape.dim[axis]; c++) {
            size_t at;
            if (element_at(&data->shape, &indices->shape, axis, i, (real)c, &at)) {
                t->out_mark[0][at] |= t->in_mark[1][i];
            }
        }
    }
}

/* A row that is not known may name any place. */
static void scatter_nd_taint(const struct taint *t)
{
    uint8_t any = 0;
    scatter_taint(t);
    for (size_t i = 0; t->in_mark[1] && i < t->e->in[1]->n; i++) {
        any |= t->in_mark[1][i];
    }
    for (size_t i = 0; i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= any;
    }
}

/* What d(result) / d(element) follows from, for each element of the result: the factors that are
 * zero, the product of the others; the terms that are the largest or smallest. */
struct slopes {
    const real *y; /* unrounded */
    size_t *count; /* of zeros, of ties */
    real *product;
};

static real slope(const struct scatter *s, const struct slopes *f, size_t o, real v)
{
    switch (s->effect) {
    case ADDS:
        return 1;
    case MULTIPLIES:
        return f->count[o] > (v == 0) ? 0 : v == 0 ? f->product[o] : f->product[o] / v;
    case RAISES:
    case LOWERS:
        return v == f->y[o] ? 1 / (real)f->count[o] : 0; /* as torch.amax has it */
    case REPLACES:
        break;
    }
    return 0;
}

static void count_in(const struct scatter *s, struct slopes *f, size_t o, real v)
{
    bool is_product = s->effect == MULTIPLIES;
    f->count[o] += is_product ? v == 0 : v == f->y[o];
    f->product[o] *= is_product && v != 0 ? v : 1;
}

/* The last update that goes to element o of the result; NOWHERE: none. */
static const size_t *last_updates(const struct scatter *s, struct arena *scratch)
{
    size_t *last = ARENA_ARRAY(scratch, size_t, s->data->n);
    for (size_t o = 0; o < s->data->n; o++) {
        last[o] = NOWHERE;
    }
    for (size_t i = 0; i < s->updates->n; i++) {
        if (s->to[i] != NOWHERE) {
            last[s->to[i]] = i;
        }
    }
    return last;
}

static void replace_vjp(const struct vjp *v, const struct scatter *s)
{
    const size_t *last = last_updates(s, v->e->scratch);
    for (size_t o = 0; o < s->data->n; o++) {
        real *grad = v->grad[last[o] == NOWHERE ? 0 : 2];
        if (grad) {
            grad[last[o] == NOWHERE ? o : last[o]] += v->cotangent[0][o];
        }
    }
}

static void scatter_vjp(const struct vjp *v)
{
    struct scatter s = scatter_of(v->e);
    size_t n = s.data->n;
    const real *data = s.data->v, *updates = s.updates->v, *cotangent = v->cotangent[0];
    if (!cotangent) {
        return;
    }
    if (s.effect == REPLACES) {
        replace_vjp(v, &s);
        return;
    }
    struct slopes f = {.y = v->e->out[0].v,
                       .count = ARENA_ZARRAY(v->e->scratch, size_t, n),
                       .product = ARENA_ARRAY(v->e->scratch, real, n)};
    for (size_t o = 0; o < n; o++) {
        f.product[o] = 1;
        count_in(&s, &f, o, data[o]);
    }
    for (size_t i = 0; i < s.updates->n; i++) {
        if (s.to[i] != NOWHERE) {
            count_in(&s, &f, s.to[i], updates[i]);
        }
    }
    for (size_t o = 0; v->grad[0] && o < n; o++) {
        v->grad[0][o] += s.n[o] ? cotangent[o] * slope(&s, &f, o, data[o]) : cotangent[o];
    }
    for (size_t i = 0; v->grad[2] && i < s.updates->n; i++) {
        size_t o = s.to[i];
        v->grad[2][i] += o == NOWHERE ? 0 : cotangent[o] * slope(&s, &f, o, updates[i]);
    }
}

/* Of 0 to n factors. */
static struct interval products_of(struct interval a, size_t n)
{
    const struct interval one = {.lo = 1, .hi = 1};
    if (interval_is_empty(a)) {
        return (struct interval){.lo = 1, .hi = 1, .may_nan = a.may_nan};
    }
    real most = powl(fmaxl(fabsl(a.lo), fabsl(a.hi)), (real)n);
    real least = a.lo >= 0 ? powl(a.lo, (real)n) : -most;
    struct interval out = interval_union(one, (struct interval){.lo = least, .hi = most});
    out.lo = a.lo >= 0 ? out.lo : fminl(out.lo, a.lo);
    out.may_nan = a.may_nan || (a.lo <= 0 && a.hi >= 0 && isinf(out.hi));
    return interval_widen_by(out, n);
}

/* Of one element of data and 0 to n updates. */
static struct interval range_of(enum effect effect, struct interval data, struct interval updates,
                                size_t n)
{
    const struct interval zero = {.lo = 0, .hi = 0};
    struct interval sum = interval_union(zero, interval_sum(updates, n));
    if (effect == ADDS) {
        return interval_widen_by(interval_add(data, sum), n);
    }
    return effect == MULTIPLIES ? interval_widen(interval_mul(data, products_of(updates, n)))
                                : interval_union(data, updates);
}

static void scatter_range(struct range_query *q)
{
    const struct shape *data = &q->in_value[0]->shape, *indices = &q->in_value[1]->shape;
    size_t n = q->node->op == &op_scatter_nd
                   ? shape_numel(indices) / (size_t)node_int(q->node, "parts", 1)
                   : (size_t)indices->dim[node_axis(q->node, data)];
    enum effect effect = effect_of(node_attr(q->node, "reduction"));
    q->out[0] = interval_of_result(q, range_of(effect, q->in[0], q->in[2], n));
}

/* ---- what is not defined ---- */

/*
 * "In cases where reduction is set to none, indices should not have duplicate entries" and "it is
 * an error if any of the index values are out of bounds" (ONNX ScatterElements, ScatterND). max and
 * min with NaN: ONNX's texts do not say, and its reference implementations of the two ops differ
 * (Python's max, numpy.maximum).
 */
static void scatter_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct scatter s = scatter_of(e);
    bool orders = s.effect == RAISES || s.effect == LOWERS, is_lost = false;
    for (size_t i = 0; i < s.updates->n; i++) {
        is_lost |= s.to[i] == NOWHERE;
        if (s.to[i] != NOWHERE && orders) {
            mark[0][s.to[i]] |= isnan(s.updates->v[i]) || isnan(s.data->v[s.to[i]]);
        }
    }
    for (size_t o = 0; o < e->out[0].n; o++) {
        mark[0][o] |= is_lost || (s.effect == REPLACES && s.n[o] > 1);
    }
}

#define SCATTER_CALLS                                                                              \
    .evaluate = scatter_evaluate, .vjp = scatter_vjp, .range = scatter_range,                      \
    .unspecified = scatter_unspecified, .traps = index_traps, .index_inputs = 1U << 1,             \
    .unique_indices = true

/* ---- scatter_elements ---- */

static bool scatter_elements_structure(struct instance *m, struct rng *rng)
{
    return elements_structure(m, rng) && settle_reduction(m, rng);
}

/* Unique indices need as many places along the axis. Other dims: "index.size(d) <= self.size(d) for
 * all dimensions d != dim" (torch.scatter; ONNX Runtime asks for the same). */
static void scatter_elements_relate(struct relation *r, struct instance *m)
{
    const struct slot *data = &m->in[0], *indices = &m->in[1];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], data->rank);
    bool is_unique = effect_of(instance_attr(m, "reduction")) == REPLACES;
    relation_narrow(r, data->dim[axis], 1, DIM_LIMIT);
    for (int d = 0; d < data->rank; d++) {
        relate_equal(r, data->dim[d], m->out[0].dim[d]);
        relate_equal(r, indices->dim[d], m->in[2].dim[d]);
        if (d != axis || is_unique) {
            relate_linear_le(r, 2, (const int64_t[]){1, -1},
                             (const var[]){indices->dim[d], data->dim[d]}, 0);
        }
    }
}

static void scatter_elements_index_use(const struct node *node, const struct shape *data,
                                       const struct shape *indices, struct index_use *use)
{
    int axis = node_axis(node, data);
    use->limit[0] = data->dim[axis];
    use->unique = effect_of(node_attr(node, "reduction")) == REPLACES;
    use->count = (size_t)indices->dim[axis];
    use->inside = elements_inside(indices, axis);
}

const struct op op_scatter_elements = {
    .name = "scatter_elements",
    .summary = "data with updates put to each index's place: replacing, added, ...",
    .in = {{"data", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX},
           {"indices", .dtypes = DT(I32) | DT(I64), .rank_min = 1, .rank_max = RANK_MAX,
            .constant_likely = true},
           {"updates", .same_as = "data", .rank_min = 1, .rank_max = RANK_MAX}},
    .out = {{"y", .same_as = "data", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"axis", ATTR_INT}, {"reduction", ATTR_TEXT, .optional = true}},
    .structure = scatter_elements_structure,
    .relate = scatter_elements_relate,
    .taint = scatter_elements_taint,
    .index_use = scatter_elements_index_use,
    SCATTER_CALLS};

/* ---- scatter_nd ---- */

static bool scatter_nd_structure(struct instance *m, struct rng *rng)
{
    struct slot *data = &m->in[0], *y = &m->out[0];
    data->rank = data->rank < 0 ? y->rank : data->rank;
    return nd_structure(m, &m->in[2], rng) && settle_rank(y, data->rank) &&
           settle_reduction(m, rng);
}

/* Unique rows need as many places. */
static void scatter_nd_relate(struct relation *r, struct instance *m)
{
    const struct slot *data = &m->in[0], *indices = &m->in[1];
    nd_relate(r, m, &m->in[2]);
    for (int d = 0; d < data->rank; d++) {
        relate_equal(r, data->dim[d], m->out[0].dim[d]);
    }
    if (effect_of(instance_attr(m, "reduction")) == REPLACES) {
        var rows = relation_var(r, 0, DIM_LIMIT), places = relation_var(r, 0, DIM_LIMIT);
        relate_product(r, (size_t)indices->rank - 1, indices->dim, rows);
        relate_product(r, (size_t)instance_attr(m, "parts")->i[0], data->dim, places);
        relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){rows, places}, 0);
    }
}

static void scatter_nd_index_use(const struct node *node, const struct shape *data,
                                 const struct shape *indices, struct index_use *use)
{
    nd_index_use(node, data, indices, use);
    use->unique = effect_of(node_attr(node, "reduction")) == REPLACES;
    use->inside = 1;
    use->count = shape_numel(indices) / use->n;
}

const struct op op_scatter_nd = {
    .name = "scatter_nd",
    .summary = "data with slices put at rows of indices: replacing, added, ...",
    .in = {{"data", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX},
           {"indices", .dtypes = DT(I64), .rank_min = 1, .rank_max = RANK_MAX,
            .constant_likely = true},
           {"updates", .same_as = "data", .rank_min = 0, .rank_max = RANK_MAX}},
    .out = {{"y", .same_as = "data", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"parts", ATTR_INT}, {"reduction", ATTR_TEXT, .optional = true}},
    .structure = scatter_nd_structure,
    .relate = scatter_nd_relate,
    .taint = scatter_nd_taint,
    .index_use = scatter_nd_index_use,
    SCATTER_CALLS};
