/* SPDX-License-Identifier: Apache-2.0 */
/* one_hot: a new dim of size `depth` that is `on` at the index and `off` elsewhere. */
#include "ops/ops_internal.h"

/* The value that stands for one attribute must be one of the dtype. */
static bool settle_level(struct instance *m, const char *name, enum dtype d, struct rng *rng)
{
    if (rng && !instance_attr(m, name)) {
        double level = draw_real(m, name, d, rng);
        instance_add_attr(m, name, ATTR_REAL, 1)->f = level;
    }
    if (!settle_real(m, name, rng)) {
        return false;
    }
    real v = (real)instance_attr(m, name)->f;
    bool is_value = dtype_is_float(d) ? dtype_round(d, v) == v
                    : d == DTYPE_BOOL ? v == 0 || v == 1
                                      : truncl(v) == v && int_fits(d, v);
    return is_value ? true : REFUSE("%s is no value of %s", name, dtype_name(d));
}

/* Missing is right only while drawing: then it follows from the result's dim. */
static bool check_depth(struct instance *m, struct rng *rng)
{
    const struct attr *depth = instance_attr(m, "depth");
    if (!depth) {
        return rng ? true : REFUSE("attribute depth is missing");
    }
    return (depth->i[0] >= 1 && depth->i[0] <= DIM_LIMIT) || REFUSE("depth must be positive");
}

static bool one_hot_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    struct attr *to = instance_attr(m, "dtype");
    int axis;
    if (to && y->dtype == DTYPE_NONE) {
        y->dtype = to->dtype;
    }
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    if (!to) {
        if (!rng) {
            return REFUSE("attribute dtype is missing");
        }
        to = instance_add_attr(m, "dtype", ATTR_DTYPE, 1);
        to->dtype = y->dtype;
    }
    if (to->dtype != y->dtype) {
        return REFUSE("dtype is %s where the result is %s", dtype_name(to->dtype),
                      dtype_name(y->dtype));
    }
    x->rank = x->rank < 0 && y->rank > 0 ? y->rank - 1 : x->rank;
    return draw_rank(x, 0, x->rank < 0 ? 3 : RANK_MAX - 1, rng) && settle_rank(y, x->rank + 1) &&
           settle_axis(m, "axis", y->rank, rng, &axis) && settle_level(m, "on", y->dtype, rng) &&
           settle_level(m, "off", y->dtype, rng) && check_depth(m, rng);
}

static void one_hot_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *y = &m->out[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], y->rank), from = 0;
    for (int d = 0; d < y->rank; d++) {
        if (d == axis) {
            /* Drawn ones are not 1: on everywhere. */
            relate_equal(r, y->dim[d], instance_attr_var(m, r, "depth", 0, 2, DIM_LIMIT));
        } else {
            relate_equal(r, y->dim[d], x->dim[from++]);
        }
    }
}

/* The element of the indices that output element i goes with, and its place along the axis. */
struct spot {
    size_t from;
    int64_t place;
};

static struct spot spot_of(const struct shape *out, int axis, size_t i)
{
    size_t inside = 1, depth = (size_t)out->dim[axis];
    for (int d = axis + 1; d < out->rank; d++) {
        inside *= (size_t)out->dim[d];
    }
    return (struct spot){.from = i / (inside * depth) * inside + i % inside,
                         .place = (int64_t)(i / inside % depth)};
}

static int axis_of(const struct evaluation *e)
{
    return axis_normalize(node_int(e->node, "axis", -1), e->out[0].shape.rank);
}

static void one_hot_evaluate(struct evaluation *e)
{
    struct array *y = &e->out[0];
    int axis = axis_of(e);
    real on = (real)node_real(e->node, "on", 1), off = (real)node_real(e->node, "off", 0);
    for (size_t i = 0; i < y->n; i++) {
        struct spot s = spot_of(&y->shape, axis, i);
        real index = e->in[0]->v[s.from];
        index += index < 0 ? (real)y->shape.dim[axis] : 0;
        y->v[i] = index == (real)s.place ? on : off;
    }
}

static void one_hot_taint(const struct taint *t)
{
    const struct array *y = &t->e->out[0];
    int axis = axis_of(t->e);
    for (size_t i = 0; t->in_mark[0] && i < y->n; i++) {
        t->out_mark[0][i] |= t->in_mark[0][spot_of(&y->shape, axis, i).from];
    }
}

static void one_hot_range(struct range_query *q)
{
    real on = (real)node_real(q->node, "on", 1), off = (real)node_real(q->node, "off", 0);
    q->out[0] = (struct interval){.lo = fminl(on, off), .hi = fmaxl(on, off)};
}

static void one_hot_index_use(const struct node *node, const struct shape *data,
                              const struct shape *indices, struct index_use *use)
{
    use->limit[0] = node_int(node, "depth", 1);
}

/* Out of range: all off by ONNX's text, an error in torch ("Class values must be smaller than
 * num_classes"). Between integers: cast to int64 by ONNX's text, nothing by its reference. */
static void one_hot_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *y = &e->out[0];
    int axis = axis_of(e);
    real depth = (real)y->shape.dim[axis];
    for (size_t i = 0; i < y->n; i++) {
        real index = e->in[0]->v[spot_of(&y->shape, axis, i).from];
        mark[0][i] |= !(index >= -depth && index < depth && truncl(index) == index);
    }
}

const struct op op_one_hot = {
    .name = "one_hot",
    .summary = "a new dim that is on at the index and off elsewhere",
    .in = {{"indices", .dtypes = DT(I32) | DT(I64) | DT(F32), .rank_min = 0,
            .rank_max = RANK_MAX - 1}},
    .out = {{"y", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX}},
    .attrs = {{"depth", ATTR_INT},
              {"axis", ATTR_INT},
              {"on", ATTR_REAL, .real = {{1, 1}, 0x1p-6, 12, SIGNS_BOTH}},
              {"off", ATTR_REAL, .real = {{0, 0}, 0x1p-6, 12, SIGNS_BOTH}},
              {"dtype", ATTR_DTYPE}},
    .structure = one_hot_structure,
    .relate = one_hot_relate,
    .evaluate = one_hot_evaluate,
    .taint = one_hot_taint,
    .range = one_hot_range,
    .unspecified = one_hot_unspecified,
    .traps = index_traps,
    .jumps = JUMPS_ALWAYS, /* of floats */
    .index_inputs = 1U << 0,
    .index_use = one_hot_index_use};
