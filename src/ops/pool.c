/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pooling over windows of x[N,C,...] with 1 to 3 spatial dims: max_pool avg_pool, over all of it
 * (global_max_pool, global_avg_pool), and over windows that a wanted size gives
 * (adaptive_max_pool, adaptive_avg_pool: torch's). All that walks over windows (evaluation, taint,
 * gradient) goes through for_windows. Padding takes no part in a maximum.
 */
#include "ops/ops_internal.h"

/* Limits of taste for what is drawn. */
enum { KERNEL_MAX = 5, STRIDE_MAX = 4, PAD_MAX = 3, DILATION_MAX = 3 };
enum { SPATIAL_MAX = 3 };

#define RANK_POOL .rank_min = 3, .rank_max = 2 + SPATIAL_MAX

/* ---- structure and relation ---- */

static bool settle_ranks(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    if (x->rank < 0) {
        x->rank = y->rank;
    }
    return draw_rank(x, 3, 2 + SPATIAL_MAX, rng) && settle_rank(y, x->rank);
}

static bool pool_structure(struct instance *m, struct rng *rng)
{
    bool ceil_mode;
    if (!settle_dtypes(m, rng) || !settle_ranks(m, rng)) {
        return false;
    }
    unsigned n = (unsigned)m->in[0].rank - 2;
    return check_ints(m, "kernel_shape", n, 1, rng) && check_ints(m, "strides", n, 1, rng) &&
           check_ints(m, "pads", 2 * n, 0, rng) && check_ints(m, "dilations", n, 1, rng) &&
           settle_bool(m, "ceil_mode", rng, &ceil_mode);
}

/* torch's has no dilations: half have none. */
static bool avg_pool_structure(struct instance *m, struct rng *rng)
{
    bool counts_pads;
    if (!pool_structure(m, rng) || !settle_bool(m, "count_include_pad", rng, &counts_pads)) {
        return false;
    }
    if (rng && !instance_attr(m, "dilations") && rng_chance(rng, 1, 2)) {
        struct attr *a = instance_add_attr(m, "dilations", ATTR_INTS, (unsigned)m->in[0].rank - 2);
        for (unsigned k = 0; k < a->n; k++) {
            a->i[k] = 1;
        }
    }
    return true;
}

static var log_attr(struct instance *m, struct relation *r, const char *name, unsigned k,
                    int64_t lo, int64_t hi)
{
    var x = instance_attr_var(m, r, name, k, lo, hi);
    relation_prefer_log(r, x);
    return x;
}

/*
 * With ceil_mode a last window that is not full counts too, unless it starts in the padding behind
 * (torch's text of MaxPool2d; ONNX's since MaxPool-22, its implementations before): the smaller of
 * both counts.
 */
static void relate_ceil(struct relation *r, const var window[6], var out)
{
    const var in = window[0], kernel = window[1], stride = window[2], lo = window[3],
              hi = window[4], dilation = window[5];
    const var one = relation_fixed(r, 1), zero = relation_fixed(r, 0);
    var full = relation_var(r, 1, DIM_LIMIT), up = relation_var(r, 1, DIM_LIMIT),
        starts = relation_var(r, 1, DIM_LIMIT), most = relation_var(r, 0, DIM_LIMIT);
    relate_window(r, in, full, kernel, stride, lo, hi, dilation); /* one window fits at least */
    relate_linear_eq(r, 3, (const int64_t[]){1, 1, -1}, (const var[]){hi, stride, most}, 1);
    relate_window(r, in, up, kernel, stride, lo, most, dilation);
    relate_window(r, in, starts, one, stride, lo, zero, one);
    relate_element(r, relation_var(r, 0, 1), 2, (const var[]){up, starts}, out);
    relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){out, up}, 0);
    relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){out, starts}, 0);
}

static void relate_planes(struct relation *r, struct instance *m)
{
    for (int d = 0; d < 2; d++) {
        relate_equal(r, m->in[0].dim[d], m->out[0].dim[d]);
    }
    /* Only the batch may be empty: torch and ONNX Runtime refuse no channels. */
    for (int d = 1; d < m->in[0].rank; d++) {
        relation_narrow(r, m->in[0].dim[d], 1, DIM_LIMIT);
        relation_narrow(r, m->out[0].dim[d], 1, DIM_LIMIT);
    }
}

static void pool_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *y = &m->out[0];
    unsigned n = (unsigned)x->rank - 2;
    var kernel[SPATIAL_MAX], stride[SPATIAL_MAX], dilation[SPATIAL_MAX], pad[2 * SPATIAL_MAX];
    bool ceil_mode = instance_attr(m, "ceil_mode")->i[0] != 0;
    relate_planes(r, m);
    for (unsigned d = 0; d < n; d++) {
        kernel[d] = log_attr(m, r, "kernel_shape", d, 1, KERNEL_MAX);
        stride[d] = log_attr(m, r, "strides", d, 1, STRIDE_MAX);
        dilation[d] = log_attr(m, r, "dilations", d, 1, DILATION_MAX);
    }
    for (unsigned d = 0; d < 2 * n; d++) {
        pad[d] = log_attr(m, r, "pads", d, 0, PAD_MAX);
        /* As large as the kernel: ONNX Runtime refuses it, torch beyond half of that. */
        relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){pad[d], kernel[d % n]}, -1);
    }
    for (unsigned d = 0; d < n; d++) {
        const var window[] = {x->dim[2 + d], kernel[d], stride[d], pad[d], pad[n + d], dilation[d]};
        if (ceil_mode) {
            relate_ceil(r, window, y->dim[2 + d]);
        } else {
            relate_window(r, window[0], y->dim[2 + d], window[1], window[2], window[3], window[4],
                          window[5]);
        }
    }
}

static bool global_structure(struct instance *m, struct rng *rng)
{
    return settle_dtypes(m, rng) && settle_ranks(m, rng);
}

static void global_relate(struct relation *r, struct instance *m)
{
    relate_planes(r, m);
    for (int d = 2; d < m->in[0].rank; d++) {
        relation_narrow(r, m->out[0].dim[d], 1, 1);
    }
}

static bool adaptive_structure(struct instance *m, struct rng *rng)
{
    return global_structure(m, rng) &&
           check_ints(m, "output_size", (unsigned)m->in[0].rank - 2, 1, rng);
}

static void adaptive_relate(struct relation *r, struct instance *m)
{
    relate_planes(r, m);
    for (int d = 2; d < m->in[0].rank; d++) {
        var size = instance_attr_var(m, r, "output_size", (unsigned)d - 2, 1, DIM_LIMIT);
        relate_equal(r, size, m->out[0].dim[d]);
    }
}

/* ---- the walk over windows ---- */

/* The input positions of one dim that an output position reads: start + k * step, k < n. */
struct span {
    int64_t start, step, n;
    int64_t with_pads; /* positions of the window inside input and pads */
};

struct windows {
    size_t planes, in_plane, out_plane;
    int64_t in[SPATIAL_MAX], out[SPATIAL_MAX]; /* ones in front when there are fewer dims */
    struct span *span[SPATIAL_MAX];
    size_t n_most; /* positions of the largest window */
};

static struct span span_of_window(const struct node *node, unsigned d, unsigned n, int64_t in,
                                  int64_t o)
{
    const int64_t *pads = node_attr(node, "pads")->i;
    int64_t kernel = node_attr(node, "kernel_shape")->i[d];
    int64_t step = node_attr(node, "dilations")->i[d];
    int64_t first = o * node_attr(node, "strides")->i[d] - pads[d];
    int64_t skipped = first < 0 ? (-first + step - 1) / step : 0;
    int64_t inside = first < in ? (in - 1 - first) / step + 1 : 0;
    int64_t limit = in + pads[n + d];
    int64_t with_pads = first < limit ? (limit - 1 - first) / step + 1 : 0;
    inside = inside < kernel ? inside : kernel;
    return (struct span){.start = first + skipped * step,
                         .step = step,
                         .n = inside > skipped ? inside - skipped : 0,
                         .with_pads = with_pads < kernel ? with_pads : kernel};
}

/* torch's adaptive pooling: from floor(o in / out) to ceil((o + 1) in / out). */
static struct span span_of_share(int64_t in, int64_t out, int64_t o)
{
    int64_t start = o * in / out, end = ((o + 1) * in + out - 1) / out;
    return (struct span){.start = start, .step = 1, .n = end - start, .with_pads = end - start};
}

static struct windows windows_of(const struct node *node, const struct shape *x,
                                 const struct shape *y, struct arena *arena)
{
    struct windows w = {.in_plane = 1, .out_plane = 1, .n_most = 1};
    if (shape_numel(y) == 0) {
        return w; /* beside a 0 the other dims may be huge */
    }
    bool has_kernel = node_attr(node, "kernel_shape") != NULL;
    int n = x->rank - 2;
    w.planes = (size_t)(x->dim[0] * x->dim[1]);
    for (int k = 0; k < SPATIAL_MAX; k++) {
        int d = k - (SPATIAL_MAX - n); /* spatial dim */
        w.in[k] = d < 0 ? 1 : x->dim[2 + d];
        w.out[k] = d < 0 ? 1 : y->dim[2 + d];
        w.in_plane *= (size_t)w.in[k];
        w.out_plane *= (size_t)w.out[k];
        w.span[k] = ARENA_ARRAY(arena, struct span, (size_t)w.out[k]);
        int64_t most = 0;
        for (int64_t o = 0; o < w.out[k]; o++) {
            struct span s = d >= 0 && has_kernel
                                ? span_of_window(node, (unsigned)d, (unsigned)n, w.in[k], o)
                                : span_of_share(w.in[k], w.out[k], o);
            most = s.n > most ? s.n : most;
            w.span[k][o] = s;
        }
        w.n_most *= (size_t)most;
    }
    return w;
}

/* Is there an output position that reads no input? Windows that begin inside it read that. */
static bool has_empty_window(const struct node *node, const struct shape *x, const struct shape *y)
{
    const struct attr *strides = node_attr(node, "strides"), *pads = node_attr(node, "pads");
    unsigned n = (unsigned)x->rank - 2;
    bool found = false;
    for (unsigned d = 0; d < n && shape_numel(y) > 0; d++) {
        int64_t in = x->dim[2 + d], out = y->dim[2 + d];
        if (!strides) { /* shares of all */
            found |= in == 0;
            continue;
        }
        int64_t step = strides->i[d], pad = pads->i[d];
        for (int64_t o = 0; o < out && o * step < pad; o++) {
            found |= span_of_window(node, d, n, in, o).n == 0;
        }
        for (int64_t o = out - 1; o >= 0 && o * step - pad >= in; o--) {
            found |= span_of_window(node, d, n, in, o).n == 0;
        }
    }
    return found;
}

static bool query_has_empty_window(const struct range_query *q)
{
    return has_empty_window(q->node, &q->in_value[0]->shape, &q->out_value[0]->shape);
}

static struct windows windows_in(const struct evaluation *e)
{
    return windows_of(e->node, &e->in[0]->shape, &e->out[0].shape, e->scratch);
}

/* One output element y reads the input elements x[0..n); with_pads counts padding too. */
struct window {
    size_t y, n, with_pads;
    const size_t *x;
};
typedef void window_fn(void *data, const struct window *w);

static size_t collect(const struct windows *w, const struct span *const s[SPATIAL_MAX],
                      size_t plane, size_t *x)
{
    size_t n = 0;
    for (int64_t i = 0; i < s[0]->n; i++) {
        for (int64_t j = 0; j < s[1]->n; j++) {
            int64_t row = (s[0]->start + i * s[0]->step) * w->in[1] + s[1]->start + j * s[1]->step;
            for (int64_t k = 0; k < s[2]->n; k++) {
                x[n++] = plane + (size_t)(row * w->in[2] + s[2]->start + k * s[2]->step);
            }
        }
    }
    return n;
}

static void for_windows(const struct windows *w, struct arena *scratch, window_fn *fn, void *data)
{
    size_t *x = ARENA_ARRAY(scratch, size_t, w->n_most + 1);
    for (size_t at = 0; at < w->planes * w->out_plane; at++) {
        size_t o = at % w->out_plane, inner = (size_t)w->out[2];
        const struct span *s[] = {&w->span[0][o / inner / (size_t)w->out[1]],
                                  &w->span[1][o / inner % (size_t)w->out[1]],
                                  &w->span[2][o % inner]};
        size_t n = collect(w, s, at / w->out_plane * w->in_plane, x);
        size_t all = (size_t)(s[0]->with_pads * s[1]->with_pads * s[2]->with_pads);
        fn(data, &(struct window){.y = at, .n = n, .with_pads = all, .x = x});
    }
}

static void taint_window(void *data, const struct window *w)
{
    const struct taint *t = data;
    for (size_t k = 0; k < w->n; k++) {
        t->out_mark[0][w->y] |= t->in_mark[0][w->x[k]];
    }
}

static void pool_taint(const struct taint *t)
{
    struct taint copy = *t;
    struct windows w = windows_in(t->e);
    if (t->in_mark[0]) {
        for_windows(&w, t->e->scratch, taint_window, &copy);
    }
}

/* ---- maximum ---- */

/* The place of the largest; NaN is larger than all, the first of equals counts. SIZE_MAX: none. */
static size_t largest(const real *v, const struct window *w)
{
    size_t best = SIZE_MAX;
    for (size_t k = 0; k < w->n; k++) {
        real x = v[w->x[k]];
        if (best == SIZE_MAX || (!isnan(v[best]) && (isnan(x) || x > v[best]))) {
            best = w->x[k];
        }
    }
    return best;
}

/* What nothing but padding gives, though no document says so. */
static real max_of_none(enum dtype d)
{
    return dtype_is_float(d) ? -INFINITY : dtype_lowest(d);
}

static void max_window(void *data, const struct window *w)
{
    struct evaluation *e = data;
    size_t best = largest(e->in[0]->v, w);
    e->out[0].v[w->y] = best == SIZE_MAX ? max_of_none(e->out[0].dtype) : e->in[0]->v[best];
}

static void max_evaluate(struct evaluation *e)
{
    struct windows w = windows_in(e);
    for_windows(&w, e->scratch, max_window, e);
}

/* The first of equals gets the gradient, as torch's indices say. */
static void max_vjp_window(void *data, const struct window *w)
{
    const struct vjp *v = data;
    size_t best = largest(v->e->in[0]->v, w);
    if (best != SIZE_MAX) {
        v->grad[0][best] += v->cotangent[0][w->y];
    }
}

static void max_vjp(const struct vjp *v)
{
    struct windows w = windows_in(v->e);
    struct vjp copy = *v;
    if (v->grad[0] && v->cotangent[0]) {
        for_windows(&w, v->e->scratch, max_vjp_window, &copy);
    }
}

static void max_range(struct range_query *q)
{
    q->out[0] = q->in[0];
    if (query_has_empty_window(q)) {
        real v = max_of_none(q->out_value[0]->dtype);
        q->out[0] = interval_union(q->in[0], (struct interval){.lo = v, .hi = v});
    }
}

struct marking {
    const struct evaluation *e;
    uint8_t *mark;
};

/*
 * A window of nothing but padding: ONNX says nothing, torch refuses pads that allow it without
 * dilations. NaN: torch keeps it; the ONNX text is silent and its reference implementation keeps it
 * only where it comes first (op_max_pool.py: "if Yh is None or x > Yh").
 */
static void max_mark_window(void *data, const struct window *w)
{
    const struct marking *m = data;
    size_t best = largest(m->e->in[0]->v, w);
    m->mark[w->y] |= best == SIZE_MAX || isnan(m->e->in[0]->v[best]);
}

static void max_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct windows w = windows_in(e);
    for_windows(&w, e->scratch, max_mark_window, &(struct marking){.e = e, .mark = mark[0]});
}

#define MAX_CALLS                                                                                  \
    .evaluate = max_evaluate, .taint = pool_taint, .vjp = max_vjp, .range = max_range,             \
    .unspecified = max_unspecified

const struct op op_max_pool = {.name = "max_pool",
                               .summary = "largest in each window of 1 to 3 spatial dims",
                               .in = {{"x", .dtypes = DT_FLOATS | DT_SIGNED | DT(U8), RANK_POOL}},
                               .out = {{"y", .same_as = "x", RANK_POOL}},
                               .attrs = {{"kernel_shape", ATTR_INTS},
                                         {"strides", ATTR_INTS},
                                         {"pads", ATTR_INTS},
                                         {"dilations", ATTR_INTS},
                                         {"ceil_mode", ATTR_BOOL}},
                               .structure = pool_structure,
                               .relate = pool_relate,
                               MAX_CALLS};

const struct op op_global_max_pool = {.name = "global_max_pool",
                                      .summary = "largest over all spatial dims",
                                      .in = {{"x", .dtypes = DT_FLOATS, RANK_POOL}},
                                      .out = {{"y", .same_as = "x", RANK_POOL}},
                                      .structure = global_structure,
                                      .relate = global_relate,
                                      MAX_CALLS};

const struct op op_adaptive_max_pool = {.name = "adaptive_max_pool",
                                        .summary = "largest in windows that give a wanted size",
                                        .in = {{"x", .dtypes = DT_FLOATS, RANK_POOL}},
                                        .out = {{"y", .same_as = "x", RANK_POOL}},
                                        .attrs = {{"output_size", ATTR_INTS}},
                                        .structure = adaptive_structure,
                                        .relate = adaptive_relate,
                                        MAX_CALLS};

/* ---- average ---- */

/* A sum and a division, or a product with 1/n (global pools; ONNX Runtime's mean). */
enum { DIVISION_UNITS = 2 };

struct averaging {
    struct evaluation *e;
    bool counts_pads;
    int grid;
};

static bool counts_pads(const struct node *node)
{
    return node_int(node, "count_include_pad", 0) != 0;
}

static void avg_noise(const struct averaging *a, const struct window *w, real sum)
{
    struct evaluation *e = a->e;
    enum dtype d = e->out[0].dtype, acc = dtype_is_half(d) ? DTYPE_F32 : d;
    struct sum_noise s = sum_noise_init(acc, w->n, a->grid);
    real magnitude = 0, count = (real)(a->counts_pads ? w->with_pads : w->n);
    for (size_t k = 0; k < w->n; k++) {
        real x = e->in[0]->v[w->x[k]];
        magnitude += isfinite(x) ? fabsl(x) : 0;
    }
    /* The sum may overflow where the average does not. */
    bool overflows = magnitude > s.limit && isfinite(sum);
    e->noise[0][w->y] = overflows ? INFINITY : sum_noise_of(&s, sum, magnitude) / count;
}

static void avg_window(void *data, const struct window *w)
{
    const struct averaging *a = data;
    const real *x = a->e->in[0]->v;
    real sum = 0;
    for (size_t k = 0; k < w->n; k++) {
        sum += x[w->x[k]];
    }
    a->e->out[0].v[w->y] = sum / (real)(a->counts_pads ? w->with_pads : w->n);
    if (a->e->noise[0] && w->n > 0) {
        avg_noise(a, w, sum);
    }
}

static void avg_evaluate(struct evaluation *e)
{
    struct windows w = windows_in(e);
    struct averaging a = {.e = e, .counts_pads = counts_pads(e->node), .grid = GRID_NONE};
    real *sums = e->noise[0];
    if (sums) {
        a.grid = grid_of(e->in[0]);
    }
    for_windows(&w, e->scratch, avg_window, &a);
    if (sums) {
        e->noise[0] = ARENA_ZARRAY(e->scratch, real, e->out[0].n);
        noise_rounding(e, DIVISION_UNITS);
        for (size_t i = 0; i < e->out[0].n; i++) {
            sums[i] += e->noise[0][i];
        }
        e->noise[0] = sums;
    }
}

static void avg_vjp_window(void *data, const struct window *w)
{
    const struct vjp *v = data;
    real count = (real)(counts_pads(v->e->node) ? w->with_pads : w->n);
    for (size_t k = 0; k < w->n; k++) {
        v->grad[0][w->x[k]] += v->cotangent[0][w->y] / count;
    }
}

static void avg_vjp(const struct vjp *v)
{
    struct windows w = windows_in(v->e);
    struct vjp copy = *v;
    if (v->grad[0] && v->cotangent[0]) {
        for_windows(&w, v->e->scratch, avg_vjp_window, &copy);
    }
}

static void avg_range(struct range_query *q)
{
    struct interval x = q->in[0];
    if (counts_pads(q->node)) {
        x = interval_union(x, (struct interval){.lo = 0, .hi = 0});
    }
    bool clash = isinf(x.lo) && isinf(x.hi) && !interval_is_empty(x);
    q->out[0] = interval_widen(x);
    q->out[0].may_nan = x.may_nan || clash || query_has_empty_window(q);
}

/* The average of nothing: 0 / 0, or whatever is left in the memory. No document says. */
static void avg_mark_window(void *data, const struct window *w)
{
    const struct marking *m = data;
    m->mark[w->y] |= w->n == 0 && !counts_pads(m->e->node);
}

static void avg_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct windows w = windows_in(e);
    for_windows(&w, e->scratch, avg_mark_window, &(struct marking){.e = e, .mark = mark[0]});
}

#define AVG_CALLS                                                                                  \
    .evaluate = avg_evaluate, .taint = pool_taint, .vjp = avg_vjp, .range = avg_range,             \
    .unspecified = avg_unspecified

const struct op op_avg_pool = {
    .name = "avg_pool",
    .summary = "mean of each window of 1 to 3 spatial dims; padding is counted as zeros or not",
    .in = {{"x", .dtypes = DT_FLOATS, RANK_POOL}},
    .out = {{"y", .same_as = "x", RANK_POOL}},
    .attrs = {{"kernel_shape", ATTR_INTS},
              {"strides", ATTR_INTS},
              {"pads", ATTR_INTS},
              {"dilations", ATTR_INTS},
              {"ceil_mode", ATTR_BOOL},
              {"count_include_pad", ATTR_BOOL}},
    .structure = avg_pool_structure,
    .relate = pool_relate,
    AVG_CALLS};

const struct op op_global_avg_pool = {.name = "global_avg_pool",
                                      .summary = "mean over all spatial dims",
                                      .in = {{"x", .dtypes = DT_FLOATS, RANK_POOL}},
                                      .out = {{"y", .same_as = "x", RANK_POOL}},
                                      .structure = global_structure,
                                      .relate = global_relate,
                                      AVG_CALLS};

const struct op op_adaptive_avg_pool = {.name = "adaptive_avg_pool",
                                        .summary = "mean of windows that give a wanted size",
                                        .in = {{"x", .dtypes = DT_FLOATS, RANK_POOL}},
                                        .out = {{"y", .same_as = "x", RANK_POOL}},
                                        .attrs = {{"output_size", ATTR_INTS}},
                                        .structure = adaptive_structure,
                                        .relate = adaptive_relate,
                                        AVG_CALLS};
