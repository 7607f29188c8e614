/* SPDX-License-Identifier: Apache-2.0 */
/* Running sums along an axis: cum_sum, as ONNX CumSum has it. */
#include "ops/ops_internal.h"

#define RANK_LINES .rank_min = 1, .rank_max = RANK_MAX

static bool cum_sum_structure(struct instance *m, struct rng *rng)
{
    int axis;
    bool flag;
    return structure_same(m, rng) && settle_axis(m, "axis", m->in[0].rank, rng, &axis) &&
           settle_bool(m, "exclusive", rng, &flag) && settle_bool(m, "reverse", rng, &flag);
}

/* The elements of one line in the order in which they are added, and how many of them result k of
 * that order holds. */
struct scan {
    struct line line;
    bool reverse, exclusive;
};

static struct scan scan_at(const struct evaluation *e, size_t i)
{
    const struct shape *s = &e->in[0]->shape;
    return (struct scan){.line = line_at(s, node_axis(e->node, s), i),
                         .reverse = node_int(e->node, "reverse", 0) != 0,
                         .exclusive = node_int(e->node, "exclusive", 0) != 0};
}

static size_t scan_index(const struct scan *s, size_t k)
{
    return s->line.start + (s->reverse ? s->line.n - 1 - k : k) * s->line.step;
}

static size_t count_scans(const struct evaluation *e)
{
    return count_lines(e->in[0], node_axis(e->node, &e->in[0]->shape));
}

static void sum_reals(const struct evaluation *e, const struct scan *s, int grid)
{
    const real *x = e->in[0]->v;
    real sum = 0, magnitude = 0;
    for (size_t k = 0; k < s->line.n; k++) {
        size_t i = scan_index(s, k);
        size_t n_terms = k + !s->exclusive;
        real before = sum, magnitude_before = magnitude;
        sum += x[i];
        magnitude += isfinite(x[i]) ? fabsl(x[i]) : 0;
        e->out[0].v[i] = s->exclusive ? before : sum;
        if (e->noise[0] && n_terms > 0) {
            struct sum_noise noise = sum_noise_init(e->out[0].dtype, n_terms, grid);
            e->noise[0][i] =
                sum_noise_of(&noise, e->out[0].v[i], s->exclusive ? magnitude_before : magnitude);
        }
    }
}

static void sum_integers(const struct evaluation *e, const struct scan *s)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < s->line.n; k++) {
        size_t i = scan_index(s, k);
        uint64_t before = sum;
        sum += real_pattern(e->in[0]->v[i]);
        e->out[0].v[i] = dtype_wrap(e->out[0].dtype, s->exclusive ? before : sum);
    }
}

static void cum_sum_evaluate(struct evaluation *e)
{
    bool is_float = dtype_is_float(e->out[0].dtype);
    int grid = is_float && e->noise[0] ? grid_of(e->in[0]) : 0;
    for (size_t i = 0; i < count_scans(e); i++) {
        struct scan s = scan_at(e, i);
        if (is_float) {
            sum_reals(e, &s, grid);
        } else {
            sum_integers(e, &s);
        }
    }
}

static void cum_sum_taint(const struct taint *t)
{
    for (size_t i = 0; t->in_mark[0] && i < count_scans(t->e); i++) {
        struct scan s = scan_at(t->e, i);
        uint8_t so_far = 0;
        for (size_t k = 0; k < s.line.n; k++) {
            size_t at = scan_index(&s, k);
            uint8_t before = so_far;
            so_far |= t->in_mark[0][at];
            t->out_mark[0][at] |= s.exclusive ? before : so_far;
        }
    }
}

/* The same sum of the cotangent from the other end. */
static void cum_sum_vjp(const struct vjp *v)
{
    for (size_t i = 0; v->grad[0] && v->cotangent[0] && i < count_scans(v->e); i++) {
        struct scan s = scan_at(v->e, i);
        real sum = 0;
        for (size_t k = s.line.n; k-- > 0;) {
            size_t at = scan_index(&s, k);
            real before = sum;
            sum += v->cotangent[0][at];
            v->grad[0][at] += s.exclusive ? before : sum;
        }
    }
}

static void cum_sum_range(struct range_query *q)
{
    const struct shape *s = &q->in_value[0]->shape;
    enum dtype d = q->out_value[0]->dtype;
    size_t n = (size_t)s->dim[node_axis(q->node, s)];
    struct interval x = q->in[0], zero = {.lo = 0, .hi = 0};
    struct interval out = interval_union(x, interval_sum(x, n));
    out = node_int(q->node, "exclusive", 0) ? interval_union(out, zero) : out;
    q->out[0] = dtype_is_float(d) ? out : interval_fit(d, out);
}

const struct op op_cum_sum = {
    .name = "cum_sum",
    .summary = "running sum along an axis, from its end if reverse; integers wrap",
    .in = {{"x", .dtypes = DT_NUMBERS, RANK_LINES}},
    .out = {{"y", .same_as = "x", RANK_LINES}},
    .attrs = {{"axis", ATTR_INT}, {"exclusive", ATTR_BOOL}, {"reverse", ATTR_BOOL}},
    .structure = cum_sum_structure,
    .relate = relate_same,
    .evaluate = cum_sum_evaluate,
    .taint = cum_sum_taint,
    .vjp = cum_sum_vjp,
    .range = cum_sum_range};
