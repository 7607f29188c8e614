/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that move data by shape alone: transpose reshape concat. Of any dtype, exact.
 */
#include "ops/ops_internal.h"

#define RANK_ANY .rank_min = 0, .rank_max = RANK_MAX

/* ---- transpose ---- */

static void draw_perm(struct instance *m, int rank, struct rng *rng)
{
    uint32_t order[RANK_MAX] = {0, 1, 2, 3, 4, 5};
    rng_shuffle(rng, order, (size_t)rank);
    struct attr *a = instance_add_attr(m, "perm", ATTR_INTS, (unsigned)rank);
    for (int d = 0; d < rank; d++) {
        a->i[d] = order[d];
    }
}

static bool transpose_structure(struct instance *m, struct rng *rng)
{
    if (!structure_same(m, rng)) {
        return false;
    }
    int rank = m->in[0].rank;
    const struct attr *a = instance_attr(m, "perm");
    if (!a) {
        if (!rng) {
            return REFUSE("attribute perm is missing");
        }
        draw_perm(m, rank, rng);
        return true;
    }
    if (!check_ints(m, "perm", (unsigned)rank, 0, rng)) {
        return false;
    }
    unsigned seen = 0;
    for (int d = 0; d < rank; d++) {
        seen |= a->i[d] < rank ? 1U << a->i[d] : 0;
    }
    return seen == (1U << rank) - 1 || REFUSE("perm is no permutation of 0..%d", rank - 1);
}

static void transpose_relate(struct relation *r, struct instance *m)
{
    const struct attr *perm = instance_attr(m, "perm");
    for (int d = 0; d < m->out[0].rank; d++) {
        relate_equal(r, m->out[0].dim[d], m->in[0].dim[perm->i[d]]);
    }
}

static void transpose_origins(const struct evaluation *e, struct origin *from)
{
    const struct attr *perm = node_attr(e->node, "perm");
    const struct shape *out = &e->out[0].shape;
    int64_t strides[RANK_MAX] = {0}, at[RANK_MAX] = {0}, here = 0;
    shape_strides(&e->in[0]->shape, strides);
    for (size_t i = 0; i < e->out[0].n; i++) {
        from[i] = (struct origin){.input = 0, .at = (size_t)here};
        for (int d = out->rank - 1; d >= 0; d--) {
            int64_t step = strides[perm->i[d]];
            here += step;
            if (++at[d] < out->dim[d]) {
                break;
            }
            here -= step * out->dim[d];
            at[d] = 0;
        }
    }
}

const struct op op_transpose = {.name = "transpose",
                                .summary = "dims in the order of perm",
                                .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                                .out = {{"y", .same_as = "x", RANK_ANY}},
                                .attrs = {{"perm", ATTR_INTS}},
                                .structure = transpose_structure,
                                .relate = transpose_relate,
                                .origins = transpose_origins,
                                MOVE_CALLS};

/* ---- reshape ---- */

static bool reshape_structure(struct instance *m, struct rng *rng)
{
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    const struct attr *shape = instance_attr(m, "shape");
    if (shape && shape->n > RANK_MAX) {
        return REFUSE("shape has %d dims; ranks go to %d", shape->n, RANK_MAX);
    }
    if (shape &&
        (!check_ints(m, "shape", shape->n, 0, rng) || !settle_rank(&m->out[0], shape->n))) {
        return false;
    }
    struct slot *x = &m->in[0], *y = &m->out[0];
    /* Rank 0 holds one element: drawn only beside ranks that often do, too. */
    int x_least = x->rank < 0 && y->rank > 1, y_least = y->rank < 0 && x->rank > 1;
    if (!draw_rank(x, x_least, RANK_MAX, rng) || !draw_rank(y, y_least, RANK_MAX, rng)) {
        return false;
    }
    if (!shape) {
        instance_add_attr(m, "shape", ATTR_INTS, 0); /* its values are variables */
    }
    return true;
}

static void reshape_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *y = &m->out[0];
    for (int d = 0; d < y->rank; d++) {
        relate_equal(r, y->dim[d], instance_attr_var(m, r, "shape", (unsigned)d, 0, DIM_LIMIT));
    }
    var numel = relation_var(r, 0, DIM_LIMIT);
    relate_product(r, (size_t)x->rank, x->dim, numel);
    relate_product(r, (size_t)y->rank, y->dim, numel);
}

const struct op op_reshape = {.name = "reshape",
                              .summary = "the same elements in row-major order under other dims",
                              .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                              .out = {{"y", .same_as = "x", RANK_ANY}},
                              .attrs = {{"shape", ATTR_INTS}},
                              .structure = reshape_structure,
                              .relate = reshape_relate,
                              .origins = origins_in_order,
                              MOVE_CALLS};

/* ---- concat ---- */

static bool concat_structure(struct instance *m, struct rng *rng)
{
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    int rank = m->out[0].rank, axis;
    for (uint32_t k = 0; k < m->n_in; k++) {
        rank = rank < 0 ? m->in[k].rank : rank;
    }
    struct slot *y = &m->out[0];
    y->rank = rank;
    if (!draw_rank(y, 1, RANK_MAX, rng)) {
        return false;
    }
    for (uint32_t k = 0; k < m->n_in; k++) {
        if (!settle_rank(&m->in[k], y->rank)) {
            return false;
        }
    }
    return settle_axis(m, "axis", y->rank, rng, &axis);
}

static void concat_relate(struct relation *r, struct instance *m)
{
    const struct slot *y = &m->out[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], y->rank);
    var along[OP_INPUTS_MAX];
    for (uint32_t k = 0; k < m->n_in; k++) {
        along[k] = m->in[k].dim[axis];
        for (int d = 0; d < y->rank; d++) {
            if (d != axis) {
                relate_equal(r, m->in[k].dim[d], y->dim[d]);
            }
        }
    }
    relate_sum(r, m->n_in, along, y->dim[axis]);
}

static void concat_origins(const struct evaluation *e, struct origin *from)
{
    const struct shape *out = &e->out[0].shape;
    int axis = axis_normalize(node_int(e->node, "axis", 0), out->rank);
    size_t inside = 1, outside = 1, i = 0;
    for (int d = 0; d < out->rank; d++) {
        outside *= d < axis ? (size_t)out->dim[d] : 1;
        inside *= d > axis ? (size_t)out->dim[d] : 1;
    }
    /* An empty result may have huge dims beside its 0: nothing to go through. */
    for (size_t o = 0; o < outside && e->out[0].n > 0; o++) {
        for (uint32_t k = 0; k < e->n_in; k++) {
            size_t block = inside * (size_t)e->in[k]->shape.dim[axis];
            for (size_t b = 0; b < block; b++) {
                from[i++] = (struct origin){.input = k, .at = o * block + b};
            }
        }
    }
}

const struct op op_concat = {
    .name = "concat",
    .summary = "one to eight tensors one after the other along an axis",
    .in = {{"x", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX, .variadic = true}},
    .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"axis", ATTR_INT}},
    .structure = concat_structure,
    .relate = concat_relate,
    .origins = concat_origins,
    MOVE_CALLS};
