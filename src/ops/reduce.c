/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reductions over axes: reduce_sum reduce_max reduce_min reduce_all reduce_any, and what all
 * reductions share. `axes` are distinct, in -rank..rank-1, in any order, and not empty but for rank
 * 0 (an empty list means "all" in torch and by default in ONNX; for a scalar both readings agree).
 */
#include "ops/ops_internal.h"

/* ---- structure and relation ---- */

unsigned axes_mask(const struct attr *a, int rank)
{
    unsigned mask = 0;
    for (unsigned k = 0; k < a->n; k++) {
        mask |= 1U << axis_normalize(a->i[k], rank);
    }
    return mask;
}

unsigned reduced_axes(const struct node *node, int rank)
{
    const struct attr *a = node_attr(node, "axes");
    return axes_mask(a ? a : node_attr(node, "axis"), rank);
}

size_t *reduction_map(struct arena *scratch, const struct shape *in, unsigned mask)
{
    size_t n = shape_numel(in), step[RANK_MAX] = {0}, at[RANK_MAX] = {0}, kept = 1, to = 0;
    size_t *map = ARENA_ARRAY(scratch, size_t, n);
    for (int d = in->rank - 1; d >= 0; d--) {
        bool is_reduced = mask >> d & 1;
        step[d] = is_reduced ? 0 : kept;
        kept *= is_reduced ? 1 : (size_t)in->dim[d];
    }
    for (size_t i = 0; i < n; i++) {
        map[i] = to;
        for (int d = in->rank - 1; d >= 0; d--) {
            to += step[d];
            if (++at[d] < (size_t)in->dim[d]) {
                break;
            }
            to -= step[d] * (size_t)in->dim[d];
            at[d] = 0;
        }
    }
    return map;
}

static bool check_axes(const struct attr *a, int rank)
{
    unsigned seen = 0;
    for (unsigned k = 0; k < a->n; k++) {
        if (a->i[k] < -rank || a->i[k] >= rank) {
            return REFUSE("axis %lld lies outside rank %d", (long long)a->i[k], rank);
        }
        unsigned bit = 1U << axis_normalize(a->i[k], rank);
        if (seen & bit) {
            return REFUSE("axis %lld is named twice", (long long)a->i[k]);
        }
        seen |= bit;
    }
    if ((a->n == 0) != (rank == 0)) {
        return REFUSE("axes must name at least one axis, none for rank 0");
    }
    return true;
}

static void draw_axes(struct instance *m, int rank, unsigned n, struct rng *rng)
{
    uint32_t order[RANK_MAX] = {0, 1, 2, 3, 4, 5};
    rng_shuffle(rng, order, (size_t)rank);
    bool is_negative = rng_chance(rng, 1, 4);
    struct attr *a = instance_add_attr(m, "axes", ATTR_INTS, n);
    for (unsigned k = 0; k < n; k++) {
        a->i[k] = (int64_t)order[k] - (is_negative ? rank : 0);
    }
}

bool settle_axes(struct instance *m, int rank, unsigned n, struct rng *rng)
{
    if (!instance_attr(m, "axes")) {
        if (!rng || n > (unsigned)rank) {
            return REFUSE("attribute axes is missing");
        }
        draw_axes(m, rank, n, rng);
    }
    return check_axes(instance_attr(m, "axes"), rank);
}

/* How many axes go: the attribute's, else what the ranks leave, else drawn. 0 .. rank. */
static unsigned count_axes(struct instance *m, bool keeps, struct rng *rng)
{
    const struct attr *a = instance_attr(m, "axes");
    int in = m->in[0].rank, out = m->out[0].rank;
    if (a) {
        return a->n;
    }
    if (in >= 0 && out >= 0 && !keeps) {
        return in > out ? (unsigned)(in - out) : 0;
    }
    if (in >= 0) {
        return in == 0 ? 0 : (unsigned)rng_range(rng, 1, in);
    }
    int most = keeps && out >= 0 ? out : RANK_MAX - (out >= 0 ? out : 3);
    return most < 1 ? 0 : (unsigned)rng_range(rng, 1, most < 2 ? most : 2);
}

bool reduce_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    bool keeps;
    if (!settle_dtypes(m, rng) || !settle_bool(m, "keepdims", rng, &keeps)) {
        return false;
    }
    struct attr *axes = instance_attr(m, "axes");
    if (!rng && (!axes || x->rank < 0)) {
        return REFUSE(axes ? "a rank does not follow from the inputs"
                           : "attribute axes is missing");
    }
    unsigned n = count_axes(m, keeps, rng);
    if (x->rank < 0) {
        int least = y->rank >= 0 ? y->rank + (keeps ? 0 : (int)n) : (int)n;
        int most = y->rank >= 0 ? least : 4;
        if (!draw_rank(x, least, most, rng)) {
            return false;
        }
    }
    if (x->rank > RANK_MAX || (int)n > x->rank) {
        return REFUSE("%u axes of rank %d", n, x->rank);
    }
    return settle_axes(m, x->rank, n, rng) && settle_rank(y, keeps ? x->rank : x->rank - (int)n);
}

static void relate_dims(struct relation *r, struct instance *m, int64_t least)
{
    const struct attr *axes = instance_attr(m, "axes");
    bool keeps = instance_attr(m, "keepdims")->i[0] != 0;
    const struct slot *x = &m->in[0], *y = &m->out[0];
    unsigned mask = axes_mask(axes ? axes : instance_attr(m, "axis"), x->rank);
    int to = 0;
    for (int d = 0; d < x->rank; d++) {
        if (!(mask >> d & 1)) {
            relate_equal(r, x->dim[d], y->dim[to++]);
            continue;
        }
        relation_narrow(r, x->dim[d], least, DIM_LIMIT);
        if (keeps) {
            relation_narrow(r, y->dim[to++], 1, 1);
        }
    }
}

void reduce_relate(struct relation *r, struct instance *m)
{
    relate_dims(r, m, 0);
}

void reduce_relate_some(struct relation *r, struct instance *m)
{
    relate_dims(r, m, 1);
}

/* ---- shared evaluation ---- */

size_t *reduction_of(const struct evaluation *e)
{
    const struct array *x = e->in[0];
    return reduction_map(e->scratch, &x->shape, reduced_axes(e->node, x->shape.rank));
}

/* All of a group taints its result. */
void reduce_taint(const struct taint *t)
{
    if (!t->in_mark[0]) {
        return;
    }
    const size_t *map = reduction_of(t->e);
    for (size_t i = 0; i < t->e->in[0]->n; i++) {
        t->out_mark[0][map[i]] |= t->in_mark[0][i];
    }
}

size_t reduction_size(const struct node *node, const struct shape *in)
{
    unsigned mask = reduced_axes(node, in->rank);
    size_t n = 1;
    for (int d = 0; d < in->rank; d++) {
        n *= mask >> d & 1 ? (size_t)in->dim[d] : 1;
    }
    return n;
}

/* Integers whose exact result does not fit: the ONNX text does not say; ONNX Runtime saturates on
 * purpose (its pull request 28743), torch and numpy wrap. */
void reduce_mark_overflow(const struct evaluation *e, const real *exact, uint8_t *mark)
{
    const struct array *y = &e->out[0];
    for (size_t o = 0; o < y->n; o++) {
        mark[o] |= !int_fits(y->dtype, exact[o]);
    }
}

/* ---- lines along an axis ---- */

size_t elements_inside(const struct shape *s, int axis)
{
    size_t n = 1;
    for (int d = axis + 1; d < s->rank; d++) {
        n *= (size_t)s->dim[d];
    }
    return n;
}

int node_axis(const struct node *node, const struct shape *in)
{
    return axis_normalize(node_int(node, "axis", 0), in->rank);
}

struct line line_at(const struct shape *s, int axis, size_t i)
{
    size_t inside = elements_inside(s, axis), n = (size_t)s->dim[axis];
    return (struct line){.start = i / inside * inside * n + i % inside, .step = inside, .n = n};
}

size_t count_lines(const struct array *x, int axis)
{
    return x->n ? x->n / (size_t)x->shape.dim[axis] : 0;
}

/* ---- reduce_sum ---- */

static void sum_noise(struct evaluation *e, const size_t *map)
{
    const struct array *x = e->in[0], *y = &e->out[0];
    if (!e->noise[0] || !dtype_is_float(y->dtype)) {
        return;
    }
    struct sum_noise s = sum_noise_init(y->dtype, reduction_size(e->node, &x->shape), grid_of(x));
    real *magnitude = ARENA_ZARRAY(e->scratch, real, y->n);
    for (size_t i = 0; i < x->n; i++) {
        magnitude[map[i]] += isfinite(x->v[i]) ? fabsl(x->v[i]) : 0;
    }
    for (size_t o = 0; o < y->n; o++) {
        e->noise[0][o] = sum_noise_of(&s, y->v[o], magnitude[o]);
    }
}

static void reduce_sum_evaluate(struct evaluation *e)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e);
    if (dtype_is_float(y->dtype)) {
        memset(y->v, 0, sizeof(real) * y->n); /* all bits zero is +0 */
        for (size_t i = 0; i < x->n; i++) {
            y->v[map[i]] += x->v[i];
        }
        sum_noise(e, map);
        return;
    }
    uint64_t *sum = ARENA_ZARRAY(e->scratch, uint64_t, y->n);
    for (size_t i = 0; i < x->n; i++) {
        sum[map[i]] += real_pattern(x->v[i]);
    }
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = dtype_wrap(y->dtype, sum[o]);
    }
}

static void reduce_sum_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct array *x = e->in[0], *y = &e->out[0];
    if (dtype_is_float(y->dtype)) {
        return;
    }
    const size_t *map = reduction_of(e);
    real *sum = ARENA_ZARRAY(e->scratch, real, y->n);
    for (size_t i = 0; i < x->n; i++) {
        sum[map[i]] += x->v[i];
    }
    reduce_mark_overflow(e, sum, mark[0]);
}

static void reduce_sum_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const size_t *map = reduction_of(v->e);
    for (size_t i = 0; i < v->e->in[0]->n; i++) {
        v->grad[0][i] += v->cotangent[0][map[i]];
    }
}

static void reduce_sum_range(struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    struct interval sum = interval_sum(q->in[0], reduction_size(q->node, &q->in_value[0]->shape));
    q->out[0] = dtype_is_float(d) ? sum : interval_fit(d, sum);
}

const struct op op_reduce_sum = {.name = "reduce_sum",
                                 .summary = "sum over axes, in the input's dtype; integers wrap",
                                 REDUCE_OP(DT_NUMBERS),
                                 .relate = reduce_relate,
                                 .evaluate = reduce_sum_evaluate,
                                 .vjp = reduce_sum_vjp,
                                 .range = reduce_sum_range,
                                 .unspecified = reduce_sum_unspecified};

/* ---- reduce_max, reduce_min ---- */

/* ONNX since opset 20: "minus infinity (if supported by the datatype) or the minimum value"; an
 * error in torch. sign: 1 largest, -1 smallest. */
static real extreme_of_none(enum dtype d, real sign)
{
    real least = sign > 0 ? dtype_lowest(d) : dtype_max(d);
    return dtype_is_float(d) ? -sign * INFINITY : least;
}

/* NaN goes through wherever it stands: torch.amax does so, ONNX's reference implementation is
 * numpy.maximum.reduce; the ONNX text is silent, but a result that depends on NaN's place cannot be
 * meant (ONNX Runtime's does: its issue 10514). */
static void extreme_evaluate(struct evaluation *e, real sign)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e);
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = extreme_of_none(y->dtype, sign);
    }
    for (size_t i = 0; i < x->n; i++) {
        real *best = &y->v[map[i]];
        *best = !isnan(*best) && beats(sign * x->v[i], sign * *best) ? x->v[i] : *best;
    }
}

static void reduce_max_evaluate(struct evaluation *e)
{
    extreme_evaluate(e, 1);
}

static void reduce_min_evaluate(struct evaluation *e)
{
    extreme_evaluate(e, -1);
}

/* Ties share the gradient evenly, as torch.amax documents. */
static void extreme_vjp(const struct vjp *v)
{
    if (!v->grad[0] || !v->cotangent[0]) {
        return;
    }
    const struct array *x = v->e->in[0], *y = &v->e->out[0];
    const size_t *map = reduction_of(v->e);
    size_t *ties = ARENA_ZARRAY(v->e->scratch, size_t, y->n);
    for (size_t i = 0; i < x->n; i++) {
        ties[map[i]] += x->v[i] == y->v[map[i]];
    }
    for (size_t i = 0; i < x->n; i++) {
        if (x->v[i] == y->v[map[i]]) {
            v->grad[0][i] += v->cotangent[0][map[i]] / (real)ties[map[i]];
        }
    }
}

static void extreme_range(struct range_query *q, real sign)
{
    real none = extreme_of_none(q->out_value[0]->dtype, sign);
    bool is_empty = reduction_size(q->node, &q->in_value[0]->shape) == 0;
    q->out[0] = is_empty ? (struct interval){.lo = none, .hi = none} : q->in[0];
}

static void reduce_max_range(struct range_query *q)
{
    extreme_range(q, 1);
}

static void reduce_min_range(struct range_query *q)
{
    extreme_range(q, -1);
}

#define EXTREME_OP REDUCE_OP(DT_ALL), .relate = reduce_relate, .vjp = extreme_vjp

const struct op op_reduce_max = {.name = "reduce_max",
                                 .summary = "largest over axes; NaN goes through; false < true",
                                 .evaluate = reduce_max_evaluate,
                                 .range = reduce_max_range,
                                 EXTREME_OP};

const struct op op_reduce_min = {.name = "reduce_min",
                                 .summary = "smallest over axes; NaN goes through; false < true",
                                 .evaluate = reduce_min_evaluate,
                                 .range = reduce_min_range,
                                 EXTREME_OP};

/* ---- reduce_all, reduce_any ---- */

/* Is an element of a group zero (NaN is not)? `found` gives the result, else the other one. */
static void search(struct evaluation *e, bool zero, real found)
{
    const struct array *x = e->in[0];
    struct array *y = &e->out[0];
    const size_t *map = reduction_of(e);
    for (size_t o = 0; o < y->n; o++) {
        y->v[o] = 1 - found;
    }
    for (size_t i = 0; i < x->n; i++) {
        if ((x->v[i] == 0) == zero) {
            y->v[map[i]] = found;
        }
    }
}

static void reduce_all_evaluate(struct evaluation *e)
{
    search(e, true, 0);
}

static void reduce_any_evaluate(struct evaluation *e)
{
    search(e, false, 1);
}

/* What may become 0 may become false. */
static real truth_reach(uint32_t k, real x)
{
    return fabsl(x);
}

static void truth_range(struct range_query *q)
{
    const struct interval *x = &q->in[0];
    bool is_zero = !x->may_nan && x->lo == 0 && x->hi == 0;
    bool has_zero = x->lo <= 0 && x->hi >= 0;
    bool has_elements = shape_numel(&q->in_value[0]->shape) > 0;
    q->out[0] =
        (struct interval){.lo = has_elements && !has_zero, .hi = !(has_elements && is_zero)};
}

#define TRUTH_OP                                                                                   \
    .in = {{"x", .dtypes = DT_ALL, REDUCE_RANK}}, .out = {{"y", .dtypes = DT(BOOL), REDUCE_RANK}}, \
    .attrs = {{"axes", ATTR_INTS}, {"keepdims", ATTR_BOOL, .usually_true = true}},                 \
    .structure = reduce_structure, .relate = reduce_relate, .taint = reduce_taint,                 \
    .range = truth_range, .reach = truth_reach, .jumps = JUMPS_ALWAYS

const struct op op_reduce_all = {.name = "reduce_all",
                                 .summary = "are all elements over axes nonzero; of none: true",
                                 .evaluate = reduce_all_evaluate,
                                 TRUTH_OP};

const struct op op_reduce_any = {.name = "reduce_any",
                                 .summary = "is an element over axes nonzero; of none: false",
                                 .evaluate = reduce_any_evaluate,
                                 TRUTH_OP};
