/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that give the same elements other dims: squeeze unsqueeze flatten depth_to_space
 * space_to_depth; and those that say what the dims are: shape size. Of any dtype, exact.
 */
#include "ops/ops_internal.h"

#define RANK_ANY .rank_min = 0, .rank_max = RANK_MAX
#define RANK_SOME .rank_min = 1, .rank_max = RANK_MAX

/* ---- squeeze, unsqueeze ---- */

/* `whole` has the axes, `rest` has not. */
static bool ones_structure(struct instance *m, struct slot *whole, struct slot *rest,
                           struct rng *rng)
{
    const struct attr *axes = instance_attr(m, "axes");
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    int n = axes ? axes->n : 1;
    if (!axes && whole->rank >= 0 && rest->rank >= 0) {
        n = whole->rank - rest->rank;
    } else if (!axes && rng && rng_chance(rng, 1, 4)) {
        n = 2;
    }
    if (whole->rank < 0 && rest->rank >= 0) {
        whole->rank = rest->rank + n;
    }
    if (n < 1 || !draw_rank(whole, n, RANK_MAX, rng)) {
        return REFUSE("there is no rank for %d axes", n);
    }
    return settle_axes(m, whole->rank, (unsigned)n, rng) && settle_rank(rest, whole->rank - n);
}

static void relate_ones(struct relation *r, struct instance *m, const struct slot *whole,
                        const struct slot *rest)
{
    unsigned ones = axes_mask(instance_attr(m, "axes"), whole->rank);
    int to = 0;
    for (int d = 0; d < whole->rank; d++) {
        if (ones >> d & 1) {
            relation_narrow(r, whole->dim[d], 1, 1);
        } else {
            relate_equal(r, whole->dim[d], rest->dim[to++]);
        }
    }
}

static bool squeeze_structure(struct instance *m, struct rng *rng)
{
    return ones_structure(m, &m->in[0], &m->out[0], rng);
}

static void squeeze_relate(struct relation *r, struct instance *m)
{
    relate_ones(r, m, &m->in[0], &m->out[0]);
}

static bool unsqueeze_structure(struct instance *m, struct rng *rng)
{
    return ones_structure(m, &m->out[0], &m->in[0], rng);
}

static void unsqueeze_relate(struct relation *r, struct instance *m)
{
    relate_ones(r, m, &m->out[0], &m->in[0]);
}

const struct op op_squeeze = {.name = "squeeze",
                              .summary = "without axes, which are 1",
                              .in = {{"x", .dtypes = DT_ALL, RANK_SOME}},
                              .out = {{"y", .same_as = "x", RANK_ANY}},
                              .attrs = {{"axes", ATTR_INTS}},
                              .structure = squeeze_structure,
                              .relate = squeeze_relate,
                              .origins = origins_in_order,
                              MOVE_CALLS};

const struct op op_unsqueeze = {.name = "unsqueeze",
                                .summary = "with dims of 1 as the result's axes",
                                .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                                .out = {{"y", .same_as = "x", RANK_SOME}},
                                .attrs = {{"axes", ATTR_INTS}},
                                .structure = unsqueeze_structure,
                                .relate = unsqueeze_relate,
                                .origins = origins_in_order,
                                MOVE_CALLS};

/* ---- flatten ---- */

/* The dims before axis are one dim, those from it on another. */
static bool flatten_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0];
    if (!settle_dtypes(m, rng) || !draw_rank(x, 0, RANK_MAX, rng) || !settle_rank(&m->out[0], 2)) {
        return false;
    }
    struct attr *axis = instance_attr(m, "axis");
    if (!axis) {
        if (!rng) {
            return REFUSE("attribute axis is missing");
        }
        axis = instance_add_attr(m, "axis", ATTR_INT, 1);
        axis->i[0] = rng_chance(rng, 1, 4) && x->rank > 0 ? -rng_range(rng, 1, x->rank)
                                                          : rng_range(rng, 0, x->rank);
    }
    return (axis->i[0] >= -x->rank && axis->i[0] <= x->rank) ||
           REFUSE("axis %lld lies outside rank %d", (long long)axis->i[0], x->rank);
}

static void flatten_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], x->rank);
    relate_product(r, (size_t)axis, x->dim, m->out[0].dim[0]);
    relate_product(r, (size_t)(x->rank - axis), x->dim + axis, m->out[0].dim[1]);
}

const struct op op_flatten = {.name = "flatten",
                              .summary = "a matrix: the dims before axis, the dims from it on",
                              .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                              .out = {{"y", .same_as = "x", .rank_min = 2, .rank_max = 2}},
                              .attrs = {{"axis", ATTR_INT}},
                              .structure = flatten_structure,
                              .relate = flatten_relate,
                              .origins = origins_in_order,
                              MOVE_CALLS};

/* ---- depth_to_space, space_to_depth ---- */

/* Of a block's channels the block's position counts first (DCR), or the channel (CRD). */
static const char *const block_modes[] = {"DCR", "CRD"};

static bool blocks_structure(struct instance *m, struct rng *rng)
{
    size_t mode;
    if (!settle_dtypes(m, rng) || !settle_rank(&m->in[0], 4) || !settle_rank(&m->out[0], 4)) {
        return false;
    }
    if (rng && !instance_attr(m, "blocksize")) {
        instance_add_attr(m, "blocksize", ATTR_INT, 1)->i[0] = rng_chance(rng, 1, 8) ? 1 : TO_SOLVE;
    } else if (!check_ints(m, "blocksize", 1, 1, rng)) {
        return false;
    }
    return settle_text(m, "mode", ARRAY_SIZE(block_modes), block_modes, rng, &mode);
}

static void relate_blocks(struct relation *r, struct instance *m, const struct slot *deep,
                          const struct slot *wide)
{
    enum { DRAWN_MAX = 3 };
    var b = solve_attr_var(m, r, "blocksize", 0, DRAWN_MAX);
    bool is_drawn = !m->is_node && instance_attr(m, "blocksize")->i[0] == TO_SOLVE;
    relation_narrow(r, b, is_drawn ? 2 : 1, DIM_LIMIT);
    relate_equal(r, deep->dim[0], wide->dim[0]);
    relate_product(r, 3, (const var[]){b, b, wide->dim[1]}, deep->dim[1]);
    for (int d = 2; d < 4; d++) {
        relate_product(r, 2, (const var[]){b, deep->dim[d]}, wide->dim[d]);
    }
}

static void depth_to_space_relate(struct relation *r, struct instance *m)
{
    relate_blocks(r, m, &m->in[0], &m->out[0]);
}

static void space_to_depth_relate(struct relation *r, struct instance *m)
{
    relate_blocks(r, m, &m->out[0], &m->in[0]);
}

/* The element of the deep tensor that is element i of the wide one. */
static size_t deep_place(const struct node *node, const struct shape *wide, size_t i)
{
    size_t b = (size_t)node_int(node, "blocksize", 1), channels = (size_t)wide->dim[1];
    size_t columns = (size_t)wide->dim[3], rows = (size_t)wide->dim[2];
    size_t column = i % columns, row = i / columns % rows, c = i / columns / rows % channels,
           batch = i / columns / rows / channels, part = row % b * b + column % b;
    bool is_crd = strcmp(node_attr(node, "mode")->text, block_modes[1]) == 0;
    size_t channel = is_crd ? c * b * b + part : part * channels + c;
    return ((batch * channels * b * b + channel) * (rows / b) + row / b) * (columns / b) +
           column / b;
}

static void depth_to_space_origins(const struct evaluation *e, struct origin *from)
{
    for (size_t i = 0; i < e->out[0].n; i++) {
        from[i] = (struct origin){.input = 0, .at = deep_place(e->node, &e->out[0].shape, i)};
    }
}

static void space_to_depth_origins(const struct evaluation *e, struct origin *from)
{
    for (size_t i = 0; i < e->out[0].n; i++) {
        from[deep_place(e->node, &e->in[0]->shape, i)] = (struct origin){.input = 0, .at = i};
    }
}

#define BLOCKS                                                                                     \
    .in = {{"x", .dtypes = DT_ALL, .rank_min = 4, .rank_max = 4}},                                 \
    .out = {{"y", .same_as = "x", .rank_min = 4, .rank_max = 4}},                                  \
    .attrs = {{"blocksize", ATTR_INT}, {"mode", ATTR_TEXT}}, .structure = blocks_structure,        \
    MOVE_CALLS

const struct op op_depth_to_space = {.name = "depth_to_space",
                                     .summary = "channels become square blocks of an image",
                                     .relate = depth_to_space_relate,
                                     .origins = depth_to_space_origins,
                                     BLOCKS};

const struct op op_space_to_depth = {.name = "space_to_depth",
                                     .summary = "square blocks of an image become channels",
                                     .relate = space_to_depth_relate,
                                     .origins = space_to_depth_origins,
                                     BLOCKS};

/* ---- shape, size ---- */

/* Results do not depend on elements: little is found behind them. */
enum { CONSTANT_WEIGHT = 1 };

static void no_taint(const struct taint *t)
{
    (void)t;
}

static int64_t draw_place(struct rng *rng)
{
    return rng_chance(rng, 1, 4) ? -TO_SOLVE : TO_SOLVE;
}

/* Of the dims those from start to before end, which count from the rank's end when negative. */
static bool shape_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0];
    if (!settle_dtypes(m, rng) || !draw_rank(x, 0, RANK_MAX, rng) || !settle_rank(&m->out[0], 1)) {
        return false;
    }
    if (rng && !instance_attr(m, "start")) {
        instance_add_attr(m, "start", ATTR_INT, 1)->i[0] = x->rank > 0 ? draw_place(rng) : 0;
        instance_add_attr(m, "end", ATTR_INT, 1)->i[0] = x->rank > 0 ? draw_place(rng) : 0;
    }
    return check_ints(m, "start", 1, -DIM_LIMIT, rng) && check_ints(m, "end", 1, -DIM_LIMIT, rng);
}

static void shape_relate(struct relation *r, struct instance *m)
{
    int64_t rank = m->in[0].rank, offset = 0;
    static const char *const names[] = {"start", "end"};
    var place[2];
    for (int side = 0; side < 2; side++) {
        bool is_back = instance_attr(m, names[side])->i[0] < 0;
        place[side] = solve_attr_var(m, r, names[side], 0, rank > 0 ? rank : 1);
        relation_narrow(r, place[side], is_back ? -rank : 0, is_back ? -1 : rank);
        offset += is_back ? (side == 0 ? -rank : rank) : 0;
    }
    /* end - start */
    relate_linear_eq(r, 3, (const int64_t[]){1, -1, -1},
                     (const var[]){place[1], place[0], m->out[0].dim[0]}, -offset);
}

static int64_t first_dim(const struct node *node, int rank)
{
    int64_t start = node_int(node, "start", 0);
    return start < 0 ? start + rank : start;
}

static void shape_evaluate(struct evaluation *e)
{
    const struct shape *x = &e->in[0]->shape;
    int64_t start = first_dim(e->node, x->rank);
    for (size_t i = 0; i < e->out[0].n; i++) {
        e->out[0].v[i] = (real)x->dim[start + (int64_t)i];
    }
}

static void shape_range(struct range_query *q)
{
    const struct shape *x = &q->in_value[0]->shape;
    int64_t start = first_dim(q->node, x->rank);
    q->out[0] = INTERVAL_EMPTY;
    for (int64_t i = 0; i < q->out_value[0]->shape.dim[0]; i++) {
        real dim = (real)x->dim[start + i];
        q->out[0] = interval_union(q->out[0], (struct interval){.lo = dim, .hi = dim});
    }
}

const struct op op_shape = {.name = "shape",
                            .summary = "the dims from start to before end",
                            .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                            .out = {{"y", .dtypes = DT(I64), .rank_min = 1, .rank_max = 1}},
                            .attrs = {{"start", ATTR_INT}, {"end", ATTR_INT}},
                            .structure = shape_structure,
                            .relate = shape_relate,
                            .evaluate = shape_evaluate,
                            .taint = no_taint,
                            .range = shape_range,
                            .weight = CONSTANT_WEIGHT};

static bool size_structure(struct instance *m, struct rng *rng)
{
    return settle_dtypes(m, rng) && draw_rank(&m->in[0], 0, RANK_MAX, rng) &&
           settle_rank(&m->out[0], 0);
}

static void size_relate(struct relation *r, struct instance *m)
{
    (void)r;
    (void)m;
}

static void size_evaluate(struct evaluation *e)
{
    e->out[0].v[0] = (real)e->in[0]->n;
}

static void size_range(struct range_query *q)
{
    real n = (real)shape_numel(&q->in_value[0]->shape);
    q->out[0] = (struct interval){.lo = n, .hi = n};
}

const struct op op_size = {.name = "size",
                           .summary = "the number of elements",
                           .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                           .out = {{"y", .dtypes = DT(I64), .rank_min = 0, .rank_max = 0}},
                           .structure = size_structure,
                           .relate = size_relate,
                           .evaluate = size_evaluate,
                           .taint = no_taint,
                           .range = size_range,
                           .weight = CONSTANT_WEIGHT};
