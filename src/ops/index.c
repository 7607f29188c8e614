/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that read data at the places that indices name: gather, index_select, gather_elements,
 * gather_nd. A negative index counts from the end (ONNX Gather since opset 11).
 */
#include "ops/index.h"

/* data.rank - 1 + indices.rank == y.rank. Of all pairs that fit what is known, one is taken. */
static bool gather_ranks(struct instance *m, struct rng *rng)
{
    struct slot *data = &m->in[0], *indices = &m->in[1], *y = &m->out[0];
    int choice[RANK_MAX * (RANK_MAX + 1)][2];
    int least = m->op->in[1].rank_min, most = m->op->in[1].rank_max;
    size_t n = 0;
    for (int a = 1; a <= RANK_MAX; a++) {
        for (int b = 0; b <= RANK_MAX + 1 - a && b <= RANK_MAX; b++) {
            bool fits = b >= least && b <= most && (data->rank < 0 || data->rank == a) &&
                        (indices->rank < 0 || indices->rank == b) &&
                        (y->rank < 0 || y->rank == a - 1 + b);
            bool is_usual = b <= 2 && a <= 4; /* drawn only when nothing larger is asked for */
            if (fits && (is_usual || data->rank >= 0 || y->rank > 3)) {
                choice[n][0] = a;
                choice[n++][1] = b;
            }
        }
    }
    if (n == 0 || (n > 1 && !rng)) {
        return REFUSE("the ranks of data, indices and result do not fit together");
    }
    size_t i = n > 1 ? rng_below(rng, n) : 0;
    return settle_rank(data, choice[i][0]) && settle_rank(indices, choice[i][1]) &&
           settle_rank(y, choice[i][0] - 1 + choice[i][1]);
}

static bool gather_structure(struct instance *m, struct rng *rng)
{
    int axis;
    return settle_dtypes(m, rng) && gather_ranks(m, rng) &&
           settle_axis(m, "axis", m->in[0].rank, rng, &axis);
}

static void gather_relate(struct relation *r, struct instance *m)
{
    const struct slot *data = &m->in[0], *indices = &m->in[1], *y = &m->out[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], data->rank), to = 0;
    for (int d = 0; d < data->rank; d++) {
        if (d != axis) {
            relate_equal(r, data->dim[d], y->dim[to++]);
            continue;
        }
        relation_narrow(r, data->dim[d], 1, DIM_LIMIT); /* no index into nothing is in range */
        for (int k = 0; k < indices->rank; k++) {
            relate_equal(r, indices->dim[k], y->dim[to++]);
        }
    }
}

/* Output element i is data[outer, indices[middle], inner]. */
struct gather {
    size_t inside, length, n_indices;
};

static struct gather gather_of(const struct evaluation *e)
{
    const struct shape *data = &e->in[0]->shape;
    int axis = axis_normalize(node_int(e->node, "axis", 0), data->rank);
    struct gather g = {.inside = 1, .length = (size_t)data->dim[axis], .n_indices = e->in[1]->n};
    for (int d = axis + 1; d < data->rank; d++) {
        g.inside *= (size_t)data->dim[d];
    }
    return g;
}

static size_t middle_of(const struct gather *g, size_t i)
{
    return i / g->inside % g->n_indices;
}

static bool in_range(const struct gather *g, real index)
{
    return index >= -(real)g->length && index < (real)g->length;
}

static void gather_origins(const struct evaluation *e, struct origin *from)
{
    struct gather g = gather_of(e);
    size_t block = g.inside * g.n_indices;
    for (size_t i = 0; i < e->out[0].n; i += g.inside) {
        real index = e->in[1]->v[middle_of(&g, i)];
        bool is_good = in_range(&g, index);
        size_t at = is_good ? (size_t)(index < 0 ? index + (real)g.length : index) : 0;
        size_t start = (i / block * g.length + at) * g.inside;
        for (size_t k = 0; k < g.inside; k++) {
            from[i + k] = (struct origin){.input = is_good ? 0 : ORIGIN_NONE, .at = start + k};
        }
    }
}

static void gather_taint(const struct taint *t)
{
    move_taint(t);
    struct gather g = gather_of(t->e);
    for (size_t i = 0; t->in_mark[1] && i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= t->in_mark[1][middle_of(&g, i)];
    }
}

static void gather_range(struct range_query *q)
{
    const struct shape *data = &q->in_value[0]->shape;
    real length = (real)data->dim[axis_normalize(node_int(q->node, "axis", 0), data->rank)];
    move_range(q);
    if (q->in[1].lo < -length || q->in[1].hi >= length) { /* out of range gives our 0 */
        q->out[0] = interval_union(q->out[0], (struct interval){.lo = 0, .hi = 0});
    }
}

/* ONNX Gather: "It is an error if any of the index values are out of bounds." */
static void gather_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct gather g = gather_of(e);
    for (size_t i = 0; i < e->out[0].n; i++) {
        mark[0][i] |= !in_range(&g, e->in[1]->v[middle_of(&g, i)]);
    }
}

/* What gather has in common with gather_elements, and with index_select. */
#define MOVES_BY_INDEX                                                                             \
    .attrs = {{"axis", ATTR_INT}}, .evaluate = move_evaluate, .vjp = move_vjp,                     \
    .range = gather_range, .traps = index_traps, .index_inputs = 1U << 1
#define SLICES_BY_INDEX                                                                            \
    .structure = gather_structure, .relate = gather_relate, .taint = gather_taint,                 \
    .unspecified = gather_unspecified, .origins = gather_origins

const struct op op_gather = {
    .name = "gather",
    .summary = "slices of data along an axis, chosen by indices (numpy.take)",
    .in = {{"data", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX},
           {"indices", .dtypes = DT(I32) | DT(I64), .rank_min = 0, .rank_max = RANK_MAX}},
    .out = {{"y", .same_as = "data", .rank_min = 0, .rank_max = RANK_MAX}},
    SLICES_BY_INDEX,
    MOVES_BY_INDEX};

/* torch's; ONNX says it as a Gather. */
const struct op op_index_select = {
    .name = "index_select",
    .summary = "slices of data along an axis, chosen by a vector of indices",
    .in = {{"data", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX},
           {"indices", .dtypes = DT(I32) | DT(I64), .rank_min = 1, .rank_max = 1}},
    .out = {{"y", .same_as = "data", .rank_min = 1, .rank_max = RANK_MAX}},
    SLICES_BY_INDEX,
    MOVES_BY_INDEX};

/* ---- gather_elements ---- */

bool elements_structure(struct instance *m, struct rng *rng)
{
    int rank = -1, axis;
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    for (uint32_t k = 0; k < m->n_in; k++) {
        rank = m->in[k].rank >= 0 ? m->in[k].rank : rank;
    }
    rank = rank < 0 ? m->out[0].rank : rank;
    if (rank < 0) {
        if (!rng) {
            return REFUSE("a rank does not follow from the inputs");
        }
        rank = (int)rng_range(rng, 1, 4);
    }
    if (rank < 1) {
        return REFUSE("data has rank 0");
    }
    for (uint32_t k = 0; k < m->n_in; k++) {
        if (!settle_rank(&m->in[k], rank)) {
            return false;
        }
    }
    return settle_rank(&m->out[0], rank) && settle_axis(m, "axis", rank, rng, &axis);
}

/* torch.gather: "index.size(d) <= input.size(d) for all dimensions d != dim"; ONNX Runtime asks for
 * the same, ONNX's text for as many dims only. */
static void gather_elements_relate(struct relation *r, struct instance *m)
{
    const struct slot *data = &m->in[0], *indices = &m->in[1], *y = &m->out[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], data->rank);
    for (int d = 0; d < data->rank; d++) {
        relate_equal(r, indices->dim[d], y->dim[d]);
        if (d == axis) {
            relation_narrow(r, data->dim[d], 1, DIM_LIMIT);
        } else {
            relate_linear_le(r, 2, (const int64_t[]){1, -1},
                             (const var[]){indices->dim[d], data->dim[d]}, 0);
        }
    }
}

bool element_at(const struct shape *data, const struct shape *indices, int axis, size_t i,
                real index, size_t *at)
{
    int64_t strides[RANK_MAX], length = data->dim[axis];
    if (!(index >= -(real)length && index < (real)length)) {
        return false;
    }
    shape_strides(data, strides);
    *at = 0;
    for (int d = indices->rank - 1; d >= 0; d--) {
        int64_t c = (int64_t)(i % (size_t)indices->dim[d]);
        i /= (size_t)indices->dim[d];
        c = d == axis ? (int64_t)index + (index < 0 ? length : 0) : c;
        *at += (size_t)(c * strides[d]);
    }
    return true;
}

static void gather_elements_origins(const struct evaluation *e, struct origin *from)
{
    const struct array *data = e->in[0], *indices = e->in[1];
    int axis = axis_normalize(node_int(e->node, "axis", 0), data->shape.rank);
    for (size_t i = 0; i < indices->n; i++) {
        size_t at = 0;
        bool is_good = element_at(&data->shape, &indices->shape, axis, i, indices->v[i], &at);
        from[i] = (struct origin){.input = is_good ? 0 : ORIGIN_NONE, .at = at};
    }
}

static void gather_elements_taint(const struct taint *t)
{
    move_taint(t);
    for (size_t i = 0; t->in_mark[1] && i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= t->in_mark[1][i];
    }
}

/* "all index values are expected to be within bounds [-s, s-1]" (ONNX GatherElements). */
static void nowhere_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct origin *from = ARENA_ARRAY(e->scratch, struct origin, e->out[0].n);
    e->node->op->origins(e, from);
    for (size_t i = 0; i < e->out[0].n; i++) {
        mark[0][i] |= from[i].input == ORIGIN_NONE;
    }
}

const struct op op_gather_elements = {
    .name = "gather_elements",
    .summary = "for each index the element of data at its place, the axis replaced by the index",
    .in = {{"data", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX},
           {"indices", .dtypes = DT(I32) | DT(I64), .rank_min = 1, .rank_max = RANK_MAX}},
    .out = {{"y", .same_as = "data", .rank_min = 1, .rank_max = RANK_MAX}},
    .structure = elements_structure,
    .relate = gather_elements_relate,
    .taint = gather_elements_taint,
    .unspecified = nowhere_unspecified,
    .origins = gather_elements_origins,
    MOVES_BY_INDEX};
