/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ops share whose indices come in rows of `parts` parts, each for one dim of data (gather_nd,
 * scatter_nd), and gather_nd. ONNX reads the number of parts from the indices' last dim; here it is
 * an attribute too, since ranks follow from ranks and attributes alone.
 */
#include "ops/index.h"

/* ---- structure ---- */

/* Ranks of data and indices, batch dims, parts; of all that fit what is known one is drawn. */
struct nd_ranks {
    int data, indices, batch, parts;
};

/* What is left of data behind the batch and the parts, after the rows. */
static int slices_rank(const struct nd_ranks *n)
{
    return n->indices - 1 + n->data - n->batch - n->parts;
}

static bool fits(int known, int64_t v)
{
    return known < 0 || known == v;
}

static bool fits_attr(const struct attr *known, int64_t v)
{
    return !known || known->i[0] == v;
}

static bool has_batch_dims(const struct op *op)
{
    return strcmp(op->attrs[1].name, "batch_dims") == 0;
}

static bool is_possible(struct instance *m, const struct nd_ranks *n, const struct slot *slices)
{
    bool has_batch = has_batch_dims(m->op);
    bool is_usual = n->data <= 4 && n->indices <= 3;
    bool is_whole = slices_rank(n) <= RANK_MAX && (has_batch || n->batch == 0);
    bool is_asked = m->in[0].rank >= 0 || m->in[1].rank >= 0 || slices->rank > 3 ||
                    m->out[0].rank > 3; /* larger ones only then */
    return is_whole && (is_usual || is_asked) && fits(m->in[0].rank, n->data) &&
           fits(m->in[1].rank, n->indices) && fits(slices->rank, slices_rank(n)) &&
           fits_attr(instance_attr(m, "parts"), n->parts) &&
           fits_attr(has_batch ? instance_attr(m, "batch_dims") : NULL, n->batch);
}

static bool draw_nd_ranks(struct instance *m, const struct slot *slices, struct rng *rng,
                          struct nd_ranks *drawn)
{
    uint64_t count = 0;
    struct nd_ranks n;
    for (n.data = 1; n.data <= RANK_MAX; n.data++) {
        for (n.indices = 1; n.indices <= RANK_MAX; n.indices++) {
            for (n.batch = 0; n.batch < n.data && n.batch < n.indices; n.batch++) {
                for (n.parts = 1; n.parts <= n.data - n.batch; n.parts++) {
                    if (!is_possible(m, &n, slices)) {
                        continue;
                    }
                    count++;
                    if (count == 1 || (rng && rng_below(rng, count) == 0)) {
                        *drawn = n;
                    }
                }
            }
        }
    }
    return count == 1 || (count > 1 && rng) ||
           REFUSE("the ranks of data, indices and slices do not fit together");
}

bool nd_structure(struct instance *m, struct slot *slices, struct rng *rng)
{
    struct nd_ranks n = {0};
    bool has_batch = has_batch_dims(m->op);
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    if (!rng && (!instance_attr(m, "parts") || (has_batch && !instance_attr(m, "batch_dims")))) {
        return REFUSE("attribute parts or batch_dims is missing");
    }
    if (!draw_nd_ranks(m, slices, rng, &n)) {
        return false;
    }
    if (!instance_attr(m, "parts")) {
        instance_add_attr(m, "parts", ATTR_INT, 1)->i[0] = n.parts;
    }
    if (has_batch && !instance_attr(m, "batch_dims")) {
        instance_add_attr(m, "batch_dims", ATTR_INT, 1)->i[0] = n.batch;
    }
    return settle_rank(&m->in[0], n.data) && settle_rank(&m->in[1], n.indices) &&
           settle_rank(slices, slices_rank(&n));
}

void nd_relate(struct relation *r, struct instance *m, const struct slot *slices)
{
    const struct slot *data = &m->in[0], *indices = &m->in[1];
    const struct attr *batch_dims = instance_attr(m, "batch_dims");
    int batch = batch_dims ? (int)batch_dims->i[0] : 0, rows = indices->rank - 1;
    int64_t parts = instance_attr(m, "parts")->i[0];
    relation_narrow(r, indices->dim[rows], parts, parts);
    for (int d = 0; d < data->rank; d++) {
        if (d < batch) {
            relate_equal(r, data->dim[d], indices->dim[d]);
        } else if (d < batch + parts) {
            relation_narrow(r, data->dim[d], 1, DIM_LIMIT); /* no index into nothing is in range */
        } else {
            relate_equal(r, data->dim[d], slices->dim[rows + d - batch - parts]);
        }
    }
    for (int d = 0; d < rows; d++) {
        relate_equal(r, indices->dim[d], slices->dim[d]);
    }
}

/* ---- places ---- */

struct nd nd_of(const struct evaluation *e)
{
    const struct array *data = e->in[0], *indices = e->in[1];
    struct nd n = {.data = &data->shape,
                   .indices = indices->v,
                   .parts = (size_t)node_int(e->node, "parts", 1),
                   .batch = (size_t)node_int(e->node, "batch_dims", 0),
                   .rows_per_batch = 1,
                   .inside = 1};
    n.n_rows = indices->n / n.parts;
    for (size_t d = n.batch; d + 1 < (size_t)indices->shape.rank; d++) {
        n.rows_per_batch *= (size_t)indices->shape.dim[d];
    }
    for (size_t d = n.batch + n.parts; d < (size_t)data->shape.rank; d++) {
        n.inside *= (size_t)data->shape.dim[d];
    }
    shape_strides(&data->shape, n.strides);
    return n;
}

bool slice_start(const struct nd *n, size_t row, size_t *start)
{
    size_t block = n->inside;
    *start = 0;
    for (size_t c = 0; c < n->parts; c++) {
        int64_t length = n->data->dim[n->batch + c];
        real index = n->indices[row * n->parts + c];
        if (!(index >= -(real)length && index < (real)length)) {
            return false;
        }
        int64_t at = (int64_t)index + (index < 0 ? length : 0);
        *start += (size_t)(at * n->strides[n->batch + c]);
        block *= (size_t)length;
    }
    *start += row / n->rows_per_batch * block;
    return true;
}

/* The bits of all parts of a row. */
static uint8_t row_mark(const uint8_t *mark, const struct nd *n, size_t row)
{
    uint8_t any = 0;
    for (size_t c = 0; mark && c < n->parts; c++) {
        any |= mark[row * n->parts + c];
    }
    return any;
}

void nd_index_use(const struct node *node, const struct shape *data, const struct shape *indices,
                  struct index_use *use)
{
    use->n = (uint32_t)node_int(node, "parts", 1);
    for (uint32_t c = 0; c < use->n; c++) {
        use->limit[c] = data->dim[(uint32_t)node_int(node, "batch_dims", 0) + c];
    }
}

/* An index out of range gives our 0. */
static void gather_nd_range(struct range_query *q)
{
    move_range(q);
    q->out[0] = interval_union(q->out[0], (struct interval){.lo = 0, .hi = 0});
}

/* ---- gather_nd ---- */

static bool gather_nd_structure(struct instance *m, struct rng *rng)
{
    return nd_structure(m, &m->out[0], rng);
}

static void gather_nd_relate(struct relation *r, struct instance *m)
{
    nd_relate(r, m, &m->out[0]);
}

static void gather_nd_origins(const struct evaluation *e, struct origin *from)
{
    struct nd n = nd_of(e);
    for (size_t row = 0; row < n.n_rows; row++) {
        size_t start = 0;
        bool is_good = slice_start(&n, row, &start);
        for (size_t k = 0; k < n.inside; k++) {
            from[row * n.inside + k] =
                (struct origin){.input = is_good ? 0 : ORIGIN_NONE, .at = start + k};
        }
    }
}

static void gather_nd_taint(const struct taint *t)
{
    struct nd n = nd_of(t->e);
    move_taint(t);
    for (size_t i = 0; t->in_mark[1] && i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= row_mark(t->in_mark[1], &n, i / n.inside);
    }
}

/* "It is an error if any of the index values are out of bounds" (ONNX GatherND). */
static void gather_nd_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct nd n = nd_of(e);
    for (size_t i = 0; i < e->out[0].n; i++) {
        size_t start;
        mark[0][i] |= !slice_start(&n, i / n.inside, &start);
    }
}

const struct op op_gather_nd = {
    .name = "gather_nd",
    .summary = "slices of data at rows of indices",
    .in = {{"data", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX},
           {"indices", .dtypes = DT(I64), .rank_min = 1, .rank_max = RANK_MAX}},
    .out = {{"y", .same_as = "data", .rank_min = 0, .rank_max = RANK_MAX}},
    .attrs = {{"parts", ATTR_INT}, {"batch_dims", ATTR_INT}},
    .structure = gather_nd_structure,
    .relate = gather_nd_relate,
    .evaluate = move_evaluate,
    .taint = gather_nd_taint,
    .vjp = move_vjp,
    .range = gather_nd_range,
    .unspecified = gather_nd_unspecified,
    .traps = index_traps,
    .index_inputs = 1U << 1,
    .index_use = nd_index_use,
    .origins = gather_nd_origins};
