/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y = alpha * a b + beta * c of matrices: gemm (ONNX Gemm, torch.addmm) with both possibly
 * transposed and c broadcast to the result; linear (torch's), where rows are the leading dims of x,
 * the weight is transposed and the bias is one per column.
 */
#include "ops/product.h"

/* ---- gemm: structure and relation ---- */

/* Drawn by gemm_finish. Integers are scaled by integers: torch refuses others, and ONNX does not
 * say how they round. */
static bool check_factor(struct instance *m, const char *name, struct rng *rng)
{
    const struct attr *a = instance_attr(m, name);
    enum dtype d = m->in[0].dtype;
    if (!a) {
        return rng ? true : REFUSE("attribute %s is missing", name);
    }
    if (!isfinite(a->f) || (dtype_is_int(d) && !(trunc(a->f) == a->f && fabs(a->f) <= 0x1p53))) {
        return REFUSE("%s %g is no factor of %s", name, a->f, dtype_name(d));
    }
    return true;
}

static bool gemm_structure(struct instance *m, struct rng *rng)
{
    bool flag;
    return settle_dtypes(m, rng) && settle_rank(&m->in[0], 2) && settle_rank(&m->in[1], 2) &&
           (m->n_in < 3 || !m->in[2].present || draw_rank(&m->in[2], 0, 2, rng)) &&
           settle_rank(&m->out[0], 2) && settle_bool(m, "transA", rng, &flag) &&
           settle_bool(m, "transB", rng, &flag) && check_factor(m, "alpha", rng) &&
           check_factor(m, "beta", rng);
}

static void gemm_relate(struct relation *r, struct instance *m)
{
    const struct slot *a = &m->in[0], *b = &m->in[1], *y = &m->out[0];
    int ta = instance_attr(m, "transA")->i[0] != 0, tb = instance_attr(m, "transB")->i[0] != 0;
    relate_equal(r, a->dim[ta], y->dim[0]);
    relate_equal(r, a->dim[!ta], b->dim[tb]);
    relate_equal(r, b->dim[!tb], y->dim[1]);
    if (m->n_in > 2 && m->in[2].present) {
        relate_broadcast_dims(r, y->dim, 2, m->in[2].dim, m->in[2].rank, y->dim, 2);
    }
}

static void gemm_finish(struct instance *m, const struct interval *range, struct rng *rng)
{
    static const char *const names[] = {"alpha", "beta"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!instance_attr(m, names[i])) {
            double factor = draw_real(m, names[i], m->in[0].dtype, rng);
            instance_add_attr(m, names[i], ATTR_REAL, 1)->f = factor;
        }
    }
}

/* ---- evaluation of both ---- */

struct affine {
    struct product p;
    real alpha, beta;
    const real *c;          /* NULL: none */
    const struct array *in; /* what c is of */
    const size_t *c_at;     /* of each element of y; NULL: its own place, modulo period */
    size_t period;
};

static struct product gemm_product(const struct evaluation *e)
{
    size_t ta = node_int(e->node, "transA", 0) != 0, tb = node_int(e->node, "transB", 0) != 0;
    const int64_t *a = e->in[0]->shape.dim, *b = e->in[1]->shape.dim;
    size_t rows = (size_t)a[ta], inner = (size_t)a[!ta], cols = (size_t)b[!tb];
    const struct axis axes[] = {
        {.size = rows, .a = ta ? 1 : inner, .y = cols},
        {.size = cols, .b = tb ? inner : 1, .y = 1},
        {.size = inner, .a = ta ? rows : 1, .b = tb ? 1 : cols, .is_summed = true}};
    return product_of(e->scratch, axes, ARRAY_SIZE(axes), e->out[0].n);
}

static struct product linear_product(const struct evaluation *e)
{
    const struct array *y = &e->out[0];
    const int64_t *w = e->in[1]->shape.dim;
    size_t cols = (size_t)w[0], inner = (size_t)w[1];
    const struct axis axes[] = {{.size = y->n ? y->n / cols : 0, .a = inner, .y = cols},
                                {.size = cols, .b = inner, .y = 1},
                                {.size = inner, .a = 1, .b = 1, .is_summed = true}};
    return product_of(e->scratch, axes, ARRAY_SIZE(axes), y->n);
}

static struct affine affine_of(const struct evaluation *e)
{
    bool is_gemm = e->node->op == &op_gemm;
    struct affine f = {.p = is_gemm ? gemm_product(e) : linear_product(e),
                       .alpha = (real)node_real(e->node, "alpha", 1),
                       .beta = (real)node_real(e->node, "beta", 1),
                       .period = e->out[0].n};
    if (e->n_in > 2 && e->in[2]) {
        f.in = e->in[2];
        f.c = f.in->v;
        f.c_at = is_gemm ? broadcast_map(e->scratch, &e->out[0].shape, &f.in->shape) : NULL;
        f.period = is_gemm ? f.period : f.in->n;
    }
    return f;
}

static size_t c_at(const struct affine *f, size_t i)
{
    return f->c_at ? f->c_at[i] : i % f->period;
}

static real scaled_c(const struct affine *f, size_t i)
{
    return f->c ? f->beta * f->c[c_at(f, i)] : 0;
}

/* y holds the product. */
static void add_ints(const struct affine *f, const struct array *y)
{
    uint64_t alpha = real_pattern(f->alpha), beta = real_pattern(f->beta);
    for (size_t i = 0; i < y->n; i++) {
        uint64_t c = f->c ? beta * real_pattern(f->c[c_at(f, i)]) : 0;
        y->v[i] = dtype_wrap(y->dtype, alpha * real_pattern(y->v[i]) + c);
    }
}

/* A part overflows on the way while the whole does not: finite, infinite or NaN by order. */
static bool hides_overflow(real part, real whole, real limit)
{
    bool same = fabsl(whole) > limit && signbit(whole) == signbit(part);
    return fabsl(part) > limit && !same;
}

struct affine_noise {
    struct sum_noise sum;
    real limit;
    bool is_half;
    real most;       /* largest magnitude in a and b, where alpha scales one of them; else 0 */
    bool may_vanish; /* an element of those, times alpha, may underflow to 0 */
};

/* Is there an element that alpha takes below the smallest number? */
static bool vanishes(const struct array *x, real alpha)
{
    for (size_t i = 0; i < x->n; i++) {
        real v = fabsl(x->v[i]);
        if (v != 0 && v * fabsl(alpha) < dtype_tiny(x->dtype)) {
            return true;
        }
    }
    return false;
}

static real largest(const struct array *x)
{
    real most = 0;
    for (size_t i = 0; i < x->n; i++) {
        most = isfinite(x->v[i]) && fabsl(x->v[i]) > most ? fabsl(x->v[i]) : most;
    }
    return most;
}

/*
 * All as one sum, whose terms alpha and beta round once more each. Libraries scale the sum or one
 * of the operands by alpha, which may overflow or underflow there. Half floats: libraries may also
 * round the product and its scaled parts before they add the bias (MatMul, Mul and Add one by one).
 */
static real noise_at(const struct affine_noise *n, const struct affine *f, real sum, real magnitude,
                     real c, real y)
{
    real part = f->alpha * sum, scale = fabsl(f->alpha);
    real noise = sum_noise_of(&n->sum, y, scale * magnitude + (isfinite(c) ? fabsl(c) : 0));
    if (isnan(y)) {
        return 0;
    }
    if (n->may_vanish && isinf(y)) { /* 0 times infinity is NaN */
        return INFINITY;
    }
    if (isinf(sum_noise_of(&n->sum, sum, magnitude)) || hides_overflow(part, y, n->limit) ||
        hides_overflow(c, y, n->limit) || (fabsl(sum) > n->limit && fabsl(part) <= n->limit) ||
        scale * n->most > n->sum.limit) {
        return INFINITY;
    }
    noise += isfinite(y) && n->most > 1 ? n->sum.tiny * n->most : 0;
    if (n->is_half && isfinite(y) && (f->c || f->alpha != 1)) {
        noise += sum_noise_of(&n->sum, part, scale * magnitude);
        noise += f->alpha != 1 ? scale * sum_noise_of(&n->sum, sum, magnitude) : 0;
        noise += f->beta != 1 ? n->sum.roundoff * fabsl(c) : 0;
    }
    return noise;
}

/* All terms are multiples of 2^grid: a b alpha, and c beta. */
static int affine_grid(const struct evaluation *e, const struct affine *f)
{
    real factor[2] = {f->alpha, f->beta};
    const struct array alpha = {.n = 1, .v = &factor[0]}, beta = {.n = 1, .v = &factor[1]};
    int grid = grid_of(e->in[0]) + grid_of(e->in[1]);
    int scaled = grid + grid_of(&alpha);
    grid = scaled < grid ? scaled : grid;
    if (f->in) {
        int own = grid_of(f->in);
        scaled = own + grid_of(&beta);
        own = scaled < own ? scaled : own;
        grid = own < grid ? own : grid;
    }
    return grid;
}

static void affine_evaluate(struct evaluation *e)
{
    struct array *y = &e->out[0];
    const struct affine f = affine_of(e);
    product_evaluate(&f.p, e->scratch, e->in[0], e->in[1], y);
    if (!dtype_is_float(y->dtype)) {
        add_ints(&f, y);
        return;
    }
    const real *magnitude = NULL;
    struct affine_noise n = {0};
    if (e->noise[0]) {
        magnitude = product_magnitude(&f.p, e->scratch, e->in[0], e->in[1], y);
        n = (struct affine_noise){
            .sum = sum_noise_init(y->dtype, f.p.inner + 3, affine_grid(e, &f)),
            .limit = dtype_max(y->dtype),
            .is_half = dtype_is_half(y->dtype),
            .may_vanish = vanishes(e->in[0], f.alpha) || vanishes(e->in[1], f.alpha)};
        if (fabsl(f.alpha) != 1) {
            n.most = fmaxl(largest(e->in[0]), largest(e->in[1]));
        }
    }
    for (size_t i = 0; i < y->n; i++) {
        real sum = y->v[i], c = scaled_c(&f, i);
        y->v[i] = f.alpha * sum + c;
        if (magnitude) {
            e->noise[0][i] = noise_at(&n, &f, sum, magnitude[i], c, y->v[i]);
        }
    }
}

/* ---- taint, gradient, range, unspecified ---- */

static void affine_taint(const struct taint *t)
{
    const struct affine f = affine_of(t->e);
    product_taint(&f.p, t->e->scratch, t->in_mark[0], t->in_mark[1], t->out_mark[0]);
    for (size_t i = 0; f.c && t->in_mark[2] && i < t->e->out[0].n; i++) {
        t->out_mark[0][i] |= t->in_mark[2][c_at(&f, i)];
    }
}

static void affine_vjp(const struct vjp *v)
{
    if (!v->cotangent[0]) {
        return;
    }
    const struct affine f = affine_of(v->e);
    product_vjp(&f.p, v->e->in[0]->v, v->e->in[1]->v, v->cotangent[0], f.alpha, v->grad[0],
                v->grad[1]);
    for (size_t i = 0; f.c && v->grad[2] && i < v->e->out[0].n; i++) {
        v->grad[2][c_at(&f, i)] += f.beta * v->cotangent[0][i];
    }
}

static void affine_range(struct range_query *q)
{
    const struct shape *a = &q->in_value[0]->shape;
    int inner = q->node->op == &op_gemm && node_int(q->node, "transA", 0) ? 0 : a->rank - 1;
    real alpha = (real)node_real(q->node, "alpha", 1), beta = (real)node_real(q->node, "beta", 1);
    enum dtype d = q->out_value[0]->dtype;
    struct interval y = product_range(q->in[0], q->in[1], (size_t)a->dim[inner]);
    y = interval_mul(y, (struct interval){.lo = alpha, .hi = alpha});
    if (q->node->n_in > 2 && q->in_value[2]) {
        struct interval scale = {.lo = beta, .hi = beta};
        y = interval_add(y, interval_mul(q->in[2], scale));
    }
    y = interval_widen(y);
    q->out[0] = dtype_is_float(d) ? y : interval_fit(d, y);
}

/* 0 times what is not finite: ONNX's formula gives NaN, torch.addmm ("If beta is 0, then the
 * content of input will be ignored") and BLAS skip it. */
static void gemm_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    const struct affine f = affine_of(e);
    for (size_t i = 0; i < e->out[0].n; i++) {
        bool is_skipped = f.beta == 0 && f.c && !isfinite(f.c[c_at(&f, i)]);
        mark[0][i] |= is_skipped || (f.alpha == 0 && isnan(e->out[0].v[i]));
    }
}

static size_t affine_work(struct instance *m, var *factors)
{
    size_t n = 0;
    for (int d = 0; d < m->out[0].rank; d++) {
        factors[n++] = m->out[0].dim[d];
    }
    const struct attr *is_transposed = instance_attr(m, "transA");
    int inner = is_transposed && is_transposed->i[0] ? 0 : m->in[0].rank - 1;
    factors[n++] = m->in[0].dim[inner];
    return n;
}

/* ---- linear: structure and relation ---- */

static bool linear_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    x->rank = x->rank < 0 ? y->rank : x->rank;
    return settle_dtypes(m, rng) && draw_rank(x, 1, 5, rng) && settle_rank(&m->in[1], 2) &&
           (m->n_in < 3 || !m->in[2].present || settle_rank(&m->in[2], 1)) &&
           settle_rank(y, x->rank);
}

static void linear_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *w = &m->in[1], *y = &m->out[0];
    int last = x->rank - 1;
    for (int d = 0; d < last; d++) {
        relate_equal(r, x->dim[d], y->dim[d]);
    }
    relate_equal(r, x->dim[last], w->dim[1]);
    relate_equal(r, w->dim[0], y->dim[last]);
    if (m->n_in > 2 && m->in[2].present) {
        relate_equal(r, m->in[2].dim[0], w->dim[0]);
    }
}

/* ---- the ops ---- */

#define AFFINE                                                                                     \
    .folding = FOLDS_AS_PRODUCT, .evaluate = affine_evaluate, .taint = affine_taint,               \
    .vjp = affine_vjp, .range = affine_range, .work = affine_work

const struct op op_gemm = {
    .name = "gemm",
    .summary = "alpha * a b + beta * c of matrices, a and b possibly transposed",
    .in = {{"a", .dtypes = DT_NUMBERS, .rank_min = 2, .rank_max = 2},
           {"b", .same_as = "a", .rank_min = 2, .rank_max = 2, .constant_likely = true},
           {"c", .same_as = "a", .rank_min = 0, .rank_max = 2, .optional = true,
            .constant_likely = true}},
    .out = {{"y", .same_as = "a", .rank_min = 2, .rank_max = 2}},
    .attrs = {{"transA", ATTR_BOOL},
              {"transB", ATTR_BOOL},
              {"alpha", ATTR_REAL, .real = {{1, 1}, 0x1p-6, 9, SIGNS_BOTH}},
              {"beta", ATTR_REAL, .real = {{1, 1}, 0x1p-6, 9, SIGNS_BOTH, .has_zero = true}}},
    .structure = gemm_structure,
    .relate = gemm_relate,
    .finish = gemm_finish,
    .unspecified = gemm_unspecified,
    AFFINE};

const struct op op_linear = {
    .name = "linear",
    .summary = "x times a transposed weight, plus a bias",
    .in = {{"x", .dtypes = DT_NUMBERS, .rank_min = 1, .rank_max = 5},
           {"w", .same_as = "x", .rank_min = 2, .rank_max = 2, .constant_likely = true},
           {"b", .same_as = "x", .rank_min = 1, .rank_max = 1, .optional = true,
            .constant_likely = true}},
    .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = 5}},
    .structure = linear_structure,
    .relate = linear_relate,
    AFFINE};
