/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that take parts of a tensor along its axes: slice flip roll split. Of any dtype, exact.
 */
#include "ops/ops_internal.h"

#define RANK_SOME .rank_min = 1, .rank_max = RANK_MAX

/* ---- slice ---- */

/*
 * As ONNX Slice: start and end count from the end when negative, the end is not taken, a negative
 * step goes backwards. What lies outside the dim is clamped there; here only the two ends are
 * written so: OPEN_LOW and OPEN_HIGH mean from or to the end on that side. All other bounds lie in
 * the dim, or the slice is empty whatever the dim is (2:1). Readers of models write theirs so.
 */
#define OPEN_LOW INT64_MIN
#define OPEN_HIGH INT64_MAX

static bool is_empty_slice(int64_t start, int64_t end, int64_t step)
{
    bool is_given = start > -TO_SOLVE && start < TO_SOLVE && end > -TO_SOLVE && end < TO_SOLVE;
    bool is_same_side = (start < 0) == (end < 0);
    return is_given && is_same_side && (step > 0 ? start >= end : start <= end);
}

static bool check_bound(const char *name, int64_t bound, int64_t open)
{
    return bound == open || (bound >= -DIM_LIMIT && bound <= DIM_LIMIT) ||
           REFUSE("%s holds %lld, which lies outside every dim", name, (long long)bound);
}

static bool check_slices(struct instance *m, unsigned n)
{
    const struct attr *starts = instance_attr(m, "starts"), *ends = instance_attr(m, "ends"),
                      *steps = instance_attr(m, "steps");
    if (!starts || !ends || !steps || starts->n != n || ends->n != n || steps->n != n) {
        return REFUSE("each of %u axes needs a start, an end and a step", n);
    }
    for (unsigned k = 0; k < n; k++) {
        int64_t step = steps->i[k];
        if (step == 0 || step < -DIM_LIMIT || step > DIM_LIMIT) {
            return REFUSE("a step of %lld", (long long)step);
        }
        if (!check_bound("starts", starts->i[k], step > 0 ? OPEN_LOW : OPEN_HIGH) ||
            !check_bound("ends", ends->i[k], step > 0 ? OPEN_HIGH : OPEN_LOW)) {
            return false;
        }
    }
    return true;
}

static int64_t draw_bound(struct rng *rng, int64_t open)
{
    return rng_chance(rng, 1, 4) ? open : rng_chance(rng, 1, 3) ? -TO_SOLVE : TO_SOLVE;
}

static void draw_slices(struct instance *m, unsigned n, struct rng *rng)
{
    static const int64_t steps[] = {1, 1, 1, 1, 1, 1, 2, 2, 3, -1, -1, -2};
    int64_t start[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
    for (unsigned k = 0; k < n; k++) {
        step[k] = steps[rng_below(rng, ARRAY_SIZE(steps))];
        start[k] = draw_bound(rng, step[k] > 0 ? OPEN_LOW : OPEN_HIGH);
        end[k] = draw_bound(rng, step[k] > 0 ? OPEN_HIGH : OPEN_LOW);
        if (step[k] > 0 && rng_chance(rng, 1, 32)) { /* empty */
            start[k] = rng_range(rng, 0, 3);
            end[k] = rng_range(rng, 0, start[k]);
        }
    }
    memcpy(instance_add_attr(m, "starts", ATTR_INTS, n)->i, start, n * sizeof(*start));
    memcpy(instance_add_attr(m, "ends", ATTR_INTS, n)->i, end, n * sizeof(*end));
    memcpy(instance_add_attr(m, "steps", ATTR_INTS, n)->i, step, n * sizeof(*step));
}

/* One or a few of `rank` axes. */
static unsigned draw_axis_count(int rank, struct rng *rng)
{
    int64_t most = rank < 3 ? rank : 3;
    return rng && rank > 0 ? (unsigned)rng_range(rng, 1, rng_chance(rng, 1, 2) ? 1 : most) : 0;
}

static bool slice_structure(struct instance *m, struct rng *rng)
{
    if (!structure_same(m, rng)) {
        return false;
    }
    int rank = m->in[0].rank;
    if (!settle_axes(m, rank, draw_axis_count(rank, rng), rng)) {
        return false;
    }
    unsigned n = instance_attr(m, "axes")->n;
    if (rng && !instance_attr(m, "starts")) {
        draw_slices(m, n, rng);
    }
    return check_slices(m, n);
}

/* The place in 0..dim that a bound means. */
static var bound_place(struct relation *r, struct instance *m, const char *name, unsigned k,
                       var dim)
{
    var bound = solve_attr_var(m, r, name, k, DIM_LIMIT - 1);
    if (instance_attr(m, name)->i[k] >= 0) {
        return bound;
    }
    var place = relation_var(r, 0, DIM_LIMIT);
    relate_linear_eq(r, 3, (const int64_t[]){1, 1, -1}, (const var[]){dim, bound, place}, 0);
    return place;
}

/* a + by == b */
static void relate_offset(struct relation *r, var a, int64_t by, var b)
{
    relate_linear_eq(r, 2, (const int64_t[]){1, -1}, (const var[]){a, b}, -by);
}

/* The first element taken, and the place at which the slice stops (one past it, the way it goes).
 */
static void relate_bounds(struct relation *r, struct instance *m, unsigned k, var dim, var *first,
                          var *stop)
{
    int64_t start = instance_attr(m, "starts")->i[k], end = instance_attr(m, "ends")->i[k];
    bool is_open_start = start == OPEN_LOW || start == OPEN_HIGH;
    bool is_open_end = end == OPEN_LOW || end == OPEN_HIGH;
    if (!is_open_start) {
        *first = bound_place(r, m, "starts", k, dim);
    } else if (start == OPEN_LOW) {
        *first = relation_fixed(r, 0);
    } else {
        *first = relation_var(r, -1, DIM_LIMIT);
        relate_offset(r, dim, -1, *first);
    }
    if (!is_open_end) {
        *stop = bound_place(r, m, "ends", k, dim);
    } else {
        *stop = end == OPEN_LOW ? relation_fixed(r, -1) : dim;
    }
}

static void relate_slice(struct relation *r, struct instance *m, unsigned k, var in, var out)
{
    int64_t step = instance_attr(m, "steps")->i[k];
    if (is_empty_slice(instance_attr(m, "starts")->i[k], instance_attr(m, "ends")->i[k], step)) {
        relation_narrow(r, out, 0, 0);
        return;
    }
    var first, stop, length = relation_var(r, 1, DIM_LIMIT), one = relation_fixed(r, 1);
    var zero = relation_fixed(r, 0);
    relate_bounds(r, m, k, in, &first, &stop);
    var lower = step > 0 ? first : stop, upper = step > 0 ? stop : first;
    relate_linear_eq(r, 3, (const int64_t[]){1, -1, -1}, (const var[]){upper, lower, length}, 0);
    /* upper <= in, or the last index when going backwards */
    relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){upper, in}, step > 0 ? 0 : -1);
    var stride = step > 0 ? instance_attr_var(m, r, "steps", k, 1, step) : relation_fixed(r, -step);
    relate_window(r, length, out, one, stride, zero, zero, one);
}

static void slice_relate(struct relation *r, struct instance *m)
{
    const struct attr *axes = instance_attr(m, "axes");
    int rank = m->in[0].rank;
    unsigned sliced = axes_mask(axes, rank);
    for (int d = 0; d < rank; d++) {
        if (!(sliced >> d & 1)) {
            relate_equal(r, m->in[0].dim[d], m->out[0].dim[d]);
        }
    }
    for (unsigned k = 0; k < axes->n; k++) {
        int d = axis_normalize(axes->i[k], rank);
        relate_slice(r, m, k, m->in[0].dim[d], m->out[0].dim[d]);
    }
}

/* Which of the node's axes this is; -1: none. */
static int axis_place(const struct node *node, int rank, int axis)
{
    const struct attr *axes = node_attr(node, "axes");
    for (int k = 0; k < axes->n; k++) {
        if (axis_normalize(axes->i[k], rank) == axis) {
            return k;
        }
    }
    return -1;
}

static int64_t slice_source(const struct evaluation *e, int axis, int64_t i)
{
    const struct shape *x = &e->in[0]->shape;
    int k = axis_place(e->node, x->rank, axis);
    if (k < 0) {
        return i;
    }
    int64_t start = node_attr(e->node, "starts")->i[k];
    start = start == OPEN_LOW    ? 0
            : start == OPEN_HIGH ? x->dim[axis] - 1
            : start < 0          ? start + x->dim[axis]
                                 : start;
    return start + i * node_attr(e->node, "steps")->i[k];
}

static void slice_origins(const struct evaluation *e, struct origin *from)
{
    origins_by_axis(e, from, slice_source);
}

const struct op op_slice = {.name = "slice",
                            .summary = "from starts up to ends by steps along axes",
                            .in = {{"x", .dtypes = DT_ALL, RANK_SOME}},
                            .out = {{"y", .same_as = "x", RANK_SOME}},
                            .attrs = {{"axes", ATTR_INTS},
                                      {"starts", ATTR_INTS},
                                      {"ends", ATTR_INTS},
                                      {"steps", ATTR_INTS}},
                            .structure = slice_structure,
                            .relate = slice_relate,
                            .origins = slice_origins,
                            MOVE_CALLS};

/* ---- flip ---- */

static bool flip_structure(struct instance *m, struct rng *rng)
{
    return structure_same(m, rng) &&
           settle_axes(m, m->in[0].rank, draw_axis_count(m->in[0].rank, rng), rng);
}

static int64_t flip_source(const struct evaluation *e, int axis, int64_t i)
{
    const struct shape *x = &e->in[0]->shape;
    return axis_place(e->node, x->rank, axis) < 0 ? i : x->dim[axis] - 1 - i;
}

static void flip_origins(const struct evaluation *e, struct origin *from)
{
    origins_by_axis(e, from, flip_source);
}

const struct op op_flip = {.name = "flip",
                           .summary = "the other way round along axes",
                           .in = {{"x", .dtypes = DT_ALL, RANK_SOME}},
                           .out = {{"y", .same_as = "x", RANK_SOME}},
                           .attrs = {{"axes", ATTR_INTS}},
                           .structure = flip_structure,
                           .relate = relate_same,
                           .origins = flip_origins,
                           MOVE_CALLS};

/* ---- roll ---- */

/* ONNX says it with three nodes an axis: two axes are what fits. */
enum { ROLL_AXES_MAX = 2 };

static bool roll_structure(struct instance *m, struct rng *rng)
{
    if (!structure_same(m, rng)) {
        return false;
    }
    int rank = m->in[0].rank;
    unsigned n = draw_axis_count(rank < ROLL_AXES_MAX ? rank : ROLL_AXES_MAX, rng);
    if (!settle_axes(m, rank, n, rng)) {
        return false;
    }
    n = instance_attr(m, "axes")->n;
    if (n > ROLL_AXES_MAX) {
        return REFUSE("%u axes; up to %d are possible", n, ROLL_AXES_MAX);
    }
    if (rng && !instance_attr(m, "shifts")) {
        struct attr *shifts = instance_add_attr(m, "shifts", ATTR_INTS, n);
        for (unsigned k = 0; k < n; k++) {
            shifts->i[k] =
                rng_range(rng, 1, rng_chance(rng, 1, 2) ? 2 : 9) * (rng_chance(rng, 1, 2) ? -1 : 1);
        }
    }
    return check_ints(m, "shifts", n, -DIM_LIMIT, rng);
}

static int64_t roll_source(const struct evaluation *e, int axis, int64_t i)
{
    const struct shape *x = &e->in[0]->shape;
    int k = axis_place(e->node, x->rank, axis);
    if (k < 0) {
        return i;
    }
    int64_t n = x->dim[axis], from = (i - node_attr(e->node, "shifts")->i[k]) % n;
    return from < 0 ? from + n : from;
}

static void roll_origins(const struct evaluation *e, struct origin *from)
{
    origins_by_axis(e, from, roll_source);
}

const struct op op_roll = {.name = "roll",
                           .summary = "moved on by shifts along axes; what leaves comes in again",
                           .in = {{"x", .dtypes = DT_ALL, RANK_SOME}},
                           .out = {{"y", .same_as = "x", RANK_SOME}},
                           .attrs = {{"axes", ATTR_INTS}, {"shifts", ATTR_INTS}},
                           .structure = roll_structure,
                           .relate = relate_same,
                           .origins = roll_origins,
                           MOVE_CALLS};

/* ---- split ---- */

static bool split_structure(struct instance *m, struct rng *rng)
{
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    struct slot *x = &m->in[0];
    int axis;
    for (uint32_t o = 0; o < m->n_out && x->rank < 0; o++) {
        x->rank = m->out[o].rank;
    }
    if (!draw_rank(x, 1, RANK_MAX, rng) || !settle_axis(m, "axis", x->rank, rng, &axis)) {
        return false;
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        if (!settle_rank(&m->out[o], x->rank)) {
            return false;
        }
    }
    return check_ints(m, "split", m->n_out, 0, rng);
}

static void split_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0];
    int axis = axis_normalize(instance_attr(m, "axis")->i[0], x->rank);
    var along[OP_OUTPUTS_MAX];
    for (uint32_t o = 0; o < m->n_out; o++) {
        along[o] = instance_attr_var(m, r, "split", o, 0, DIM_LIMIT);
        for (int d = 0; d < x->rank; d++) {
            relate_equal(r, m->out[o].dim[d], d == axis ? along[o] : x->dim[d]);
        }
    }
    relate_sum(r, m->n_out, along, x->dim[axis]);
}

static void split_origins(const struct evaluation *e, struct origin *from)
{
    const struct shape *x = &e->in[0]->shape;
    int axis = axis_normalize(node_int(e->node, "axis", 0), x->rank);
    size_t inside = 1, first = 0;
    for (int d = axis + 1; d < x->rank; d++) {
        inside *= (size_t)x->dim[d];
    }
    for (uint32_t o = 0; o < e->n_out; o++) {
        size_t block = inside * (size_t)e->out[o].shape.dim[axis];
        for (size_t i = 0; i < e->out[o].n; i++) {
            size_t row = i / block * inside * (size_t)x->dim[axis];
            *from++ = (struct origin){.input = 0, .at = row + first + i % block};
        }
        first += block;
    }
}

const struct op op_split = {.name = "split",
                            .summary = "one to four parts along an axis, of the sizes in split",
                            .in = {{"x", .dtypes = DT_ALL, RANK_SOME}},
                            .out = {{"y", .same_as = "x", RANK_SOME, .variadic = true}},
                            .attrs = {{"axis", ATTR_INT}, {"split", ATTR_INTS}},
                            .structure = split_structure,
                            .relate = split_relate,
                            .origins = split_origins,
                            MOVE_CALLS};
