/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matmul: numpy's (ONNX MatMul, torch.matmul): rank 1 is a row on the left and a column on the
 * right, which the result loses again; leading dims broadcast. Up to f32 the products are exact in
 * double and its sums are 2^29 times finer than f32's, so double is the reference there; f64 uses
 * long double; integers wrap.
 */
#include "ops/ops_internal.h"

enum { MATMUL_RANK_MAX = 5 };

/* ---- structure and relation ---- */

static int batch_rank(int rank)
{
    return rank > 2 ? rank - 2 : 0;
}

static int result_rank(int a, int b)
{
    int batch_a = batch_rank(a), batch_b = batch_rank(b);
    return (batch_a > batch_b ? batch_a : batch_b) + (a > 1) + (b > 1);
}

/* Of all pairs of ranks that fit what is known, one is taken; equal ones more often. */
static bool matmul_structure(struct instance *m, struct rng *rng)
{
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    struct slot *a = &m->in[0], *b = &m->in[1], *y = &m->out[0];
    int choice[MATMUL_RANK_MAX * MATMUL_RANK_MAX][2];
    uint32_t weight[MATMUL_RANK_MAX * MATMUL_RANK_MAX];
    size_t n = 0;
    for (int i = 1; i <= MATMUL_RANK_MAX; i++) {
        for (int k = 1; k <= MATMUL_RANK_MAX; k++) {
            bool fits = (a->rank < 0 || a->rank == i) && (b->rank < 0 || b->rank == k) &&
                        (y->rank < 0 || y->rank == result_rank(i, k));
            if (fits) {
                choice[n][0] = i;
                choice[n][1] = k;
                weight[n++] = i == k ? 4 : 1;
            }
        }
    }
    if (n == 0 || (n > 1 && !rng)) {
        return REFUSE("the ranks of a, b and the result do not fit together");
    }
    size_t i = n > 1 ? rng_weighted(rng, weight, n) : 0;
    return settle_rank(a, choice[i][0]) && settle_rank(b, choice[i][1]) &&
           settle_rank(y, result_rank(choice[i][0], choice[i][1]));
}

static void matmul_relate(struct relation *r, struct instance *m)
{
    const struct slot *a = &m->in[0], *b = &m->in[1], *y = &m->out[0];
    relate_equal(r, a->dim[a->rank - 1], b->dim[b->rank == 1 ? 0 : b->rank - 2]);
    int to = y->rank;
    if (b->rank > 1) {
        relate_equal(r, b->dim[b->rank - 1], y->dim[--to]);
    }
    if (a->rank > 1) {
        relate_equal(r, a->dim[a->rank - 2], y->dim[--to]);
    }
    relate_broadcast_dims(r, a->dim, batch_rank(a->rank), b->dim, batch_rank(b->rank), y->dim, to);
}

/* ---- evaluation ---- */

struct product {
    size_t n_batches, rows, inner, cols;
    const size_t *a_batch, *b_batch; /* which matrix of a and b; NULL: the batch's own number */
};

static struct shape batch_shape(const struct shape *s)
{
    struct shape out = *s;
    out.rank = batch_rank(s->rank);
    return out;
}

static struct product product_of(const struct shape *a, const struct shape *b,
                                 const struct shape *y, struct arena *scratch)
{
    struct shape batch = *y, batch_a = batch_shape(a), batch_b = batch_shape(b);
    batch.rank = y->rank - (a->rank > 1) - (b->rank > 1);
    if (shape_numel(y) == 0) {
        return (struct product){0}; /* beside the 0 its batch dims may be huge */
    }
    return (struct product){
        .n_batches = shape_numel(&batch),
        .rows = a->rank > 1 ? (size_t)a->dim[a->rank - 2] : 1,
        .inner = (size_t)a->dim[a->rank - 1],
        .cols = b->rank > 1 ? (size_t)b->dim[b->rank - 1] : 1,
        .a_batch = broadcast_map(scratch, &batch, &batch_a),
        .b_batch = broadcast_map(scratch, &batch, &batch_b),
    };
}

static struct product product_in(const struct evaluation *e)
{
    return product_of(&e->in[0]->shape, &e->in[1]->shape, &e->out[0].shape, e->scratch);
}

/* Where batch i of a and b starts. */
static size_t a_start(const struct product *p, size_t i)
{
    return (p->a_batch ? p->a_batch[i] : i) * p->rows * p->inner;
}

static size_t b_start(const struct product *p, size_t i)
{
    return (p->b_batch ? p->b_batch[i] : i) * p->inner * p->cols;
}

/* y (zeroed) += a b; rows of b are walked in order, so that the innermost loop runs along memory.
 */
#define MATMUL_KERNEL(name, type)                                                                  \
    static void name(const struct product *p, const type *a, const type *b, type *restrict y)      \
    {                                                                                              \
        for (size_t n = 0; n < p->n_batches; n++) {                                                \
            const type *left = a + a_start(p, n), *right = b + b_start(p, n);                      \
            for (size_t i = 0; i < p->rows; i++, y += p->cols) {                                   \
                for (size_t k = 0; k < p->inner; k++) {                                            \
                    const type factor = left[i * p->inner + k], *row = right + k * p->cols;        \
                    for (size_t j = 0; j < p->cols; j++) {                                         \
                        y[j] += factor * row[j];                                                   \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
MATMUL_KERNEL(multiply_double, double)
MATMUL_KERNEL(multiply_real, real)
MATMUL_KERNEL(multiply_int, uint64_t)

static uint64_t *to_patterns(struct arena *scratch, const struct array *x)
{
    uint64_t *v = ARENA_ARRAY(scratch, uint64_t, x->n);
    for (size_t i = 0; i < x->n; i++) {
        v[i] = real_pattern(x->v[i]);
    }
    return v;
}

/* Product of a and b, or of their magnitudes, into y. */
static void multiply(struct evaluation *e, const struct product *p, bool magnitude, real *y)
{
    const struct array *a = e->in[0], *b = e->in[1];
    size_t n = e->out[0].n;
    if (a->dtype == DTYPE_F64) {
        memset(y, 0, sizeof(real) * n); /* all bits zero is +0 */
        multiply_real(p, reals_of(e->scratch, a, magnitude), reals_of(e->scratch, b, magnitude), y);
        return;
    }
    double *sum = ARENA_ZARRAY(e->scratch, double, n);
    multiply_double(p, doubles_of(e->scratch, a, magnitude), doubles_of(e->scratch, b, magnitude),
                    sum);
    for (size_t i = 0; i < n; i++) {
        y[i] = (real)sum[i];
    }
}

static void matmul_noise(struct evaluation *e, const struct product *p)
{
    const struct array *y = &e->out[0];
    real *magnitude = ARENA_ARRAY(e->scratch, real, y->n);
    multiply(e, p, true, magnitude);
    struct sum_noise s = sum_noise_init(y->dtype, p->inner, grid_of(e->in[0]) + grid_of(e->in[1]));
    for (size_t i = 0; i < y->n; i++) {
        e->noise[0][i] = sum_noise_of(&s, y->v[i], magnitude[i]);
    }
}

static void matmul_evaluate(struct evaluation *e)
{
    struct array *y = &e->out[0];
    struct product p = product_in(e);
    if (dtype_is_float(y->dtype)) {
        multiply(e, &p, false, y->v);
        if (e->noise[0]) {
            matmul_noise(e, &p);
        }
        return;
    }
    uint64_t *sum = ARENA_ZARRAY(e->scratch, uint64_t, y->n);
    multiply_int(&p, to_patterns(e->scratch, e->in[0]), to_patterns(e->scratch, e->in[1]), sum);
    for (size_t i = 0; i < y->n; i++) {
        y->v[i] = dtype_wrap(y->dtype, sum[i]);
    }
}

/* ---- taint, gradient, range ---- */

/* A marked row of a reaches its row of y, a marked column of b its column. */
static void matmul_taint(const struct taint *t)
{
    struct product p = product_in(t->e);
    const uint8_t *a = t->in_mark[0], *b = t->in_mark[1];
    uint8_t *y = t->out_mark[0];
    for (size_t n = 0; n < p.n_batches; n++) {
        for (size_t i = 0; i < p.rows; i++, y += p.cols) {
            for (size_t k = 0; k < p.inner; k++) {
                const uint8_t left = a ? a[a_start(&p, n) + i * p.inner + k] : 0;
                for (size_t j = 0; j < p.cols; j++) {
                    y[j] |= left | (b ? b[b_start(&p, n) + k * p.cols + j] : 0);
                }
            }
        }
    }
}

static void matmul_vjp(const struct vjp *v)
{
    struct product p = product_in(v->e);
    const real *a = v->e->in[0]->v, *b = v->e->in[1]->v, *c = v->cotangent[0];
    for (size_t n = 0; c && n < p.n_batches; n++) {
        size_t at_a = a_start(&p, n), at_b = b_start(&p, n);
        for (size_t i = 0; i < p.rows; i++, c += p.cols) {
            for (size_t k = 0; k < p.inner; k++) {
                size_t ia = at_a + i * p.inner + k;
                for (size_t j = 0; j < p.cols; j++) {
                    size_t ib = at_b + k * p.cols + j;
                    if (v->grad[0]) {
                        v->grad[0][ia] += c[j] * b[ib];
                    }
                    if (v->grad[1]) {
                        v->grad[1][ib] += a[ia] * c[j];
                    }
                }
            }
        }
    }
}

static void matmul_range(struct range_query *q)
{
    const struct shape *a = &q->in_value[0]->shape;
    enum dtype d = q->out_value[0]->dtype;
    struct interval term = interval_mul(q->in[0], q->in[1]);
    struct interval sum = interval_sum(term, (size_t)a->dim[a->rank - 1]);
    q->out[0] = dtype_is_float(d) ? sum : interval_fit(d, sum);
}

const struct op op_matmul = {
    .name = "matmul",
    .folding = FOLDS_AS_PRODUCT,
    .summary = "matrix product with numpy's rules for rank 1 and for leading dims",
    .in = {{"a", .dtypes = DT_NUMBERS, .rank_min = 1, .rank_max = MATMUL_RANK_MAX},
           {"b", .same_as = "a", .rank_min = 1, .rank_max = MATMUL_RANK_MAX,
            .constant_likely = true}},
    .out = {{"y", .same_as = "a", .rank_min = 0, .rank_max = MATMUL_RANK_MAX}},
    .structure = matmul_structure,
    .relate = matmul_relate,
    .evaluate = matmul_evaluate,
    .taint = matmul_taint,
    .vjp = matmul_vjp,
    .range = matmul_range};
