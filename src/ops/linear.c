/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matmul: numpy's (ONNX MatMul, torch.matmul): rank 1 is a row on the left and a column on the
 * right, which the result loses again; leading dims broadcast.
 */
#include "ops/product.h"

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

/* The step along dim d of a batch that may broadcast. */
static size_t batch_step(const struct shape *s, const size_t *steps, int back)
{
    int d = batch_rank(s->rank) - back;
    return d >= 0 && s->dim[d] != 1 ? steps[d] : 0;
}

static struct product matmul_product(const struct evaluation *e)
{
    const struct shape *a = &e->in[0]->shape, *b = &e->in[1]->shape, *y = &e->out[0].shape;
    size_t in_a[RANK_MAX], in_b[RANK_MAX], in_y[RANK_MAX];
    steps_of(a, in_a);
    steps_of(b, in_b);
    steps_of(y, in_y);
    struct axis axes[AXES_MAX];
    size_t n = 0;
    int to = 0;
    for (int back = y->rank - (a->rank > 1) - (b->rank > 1); back > 0; back--, to++) {
        axes[n++] = (struct axis){.size = (size_t)y->dim[to],
                                  .a = batch_step(a, in_a, back),
                                  .b = batch_step(b, in_b, back),
                                  .y = in_y[to]};
    }
    if (a->rank > 1) {
        axes[n++] =
            (struct axis){.size = (size_t)y->dim[to], .a = in_a[a->rank - 2], .y = in_y[to]};
        to++;
    }
    if (b->rank > 1) {
        axes[n++] =
            (struct axis){.size = (size_t)y->dim[to], .b = in_b[b->rank - 1], .y = in_y[to]};
    }
    axes[n++] = (struct axis){.size = (size_t)a->dim[a->rank - 1],
                              .a = 1,
                              .b = b->rank > 1 ? in_b[b->rank - 2] : 1,
                              .is_summed = true};
    return product_of(e->scratch, axes, n, e->out[0].n);
}

static void matmul_evaluate(struct evaluation *e)
{
    const struct array *a = e->in[0], *b = e->in[1], *y = &e->out[0];
    struct product p = matmul_product(e);
    product_evaluate(&p, e->scratch, a, b, y);
    if (!e->noise[0] || !dtype_is_float(y->dtype)) {
        return;
    }
    const real *magnitude = product_magnitude(&p, e->scratch, a, b, y);
    struct sum_noise s = sum_noise_init(y->dtype, p.inner, grid_of(a) + grid_of(b));
    for (size_t i = 0; i < y->n; i++) {
        e->noise[0][i] = sum_noise_of(&s, y->v[i], magnitude[i]);
    }
}

/* ---- taint, gradient, range ---- */

static void matmul_taint(const struct taint *t)
{
    struct product p = matmul_product(t->e);
    product_taint(&p, t->e->scratch, t->in_mark[0], t->in_mark[1], t->out_mark[0]);
}

static void matmul_vjp(const struct vjp *v)
{
    if (v->cotangent[0]) {
        struct product p = matmul_product(v->e);
        product_vjp(&p, v->e->in[0]->v, v->e->in[1]->v, v->cotangent[0], 1, v->grad[0], v->grad[1]);
    }
}

static void matmul_range(struct range_query *q)
{
    const struct shape *a = &q->in_value[0]->shape;
    enum dtype d = q->out_value[0]->dtype;
    struct interval sum = product_range(q->in[0], q->in[1], (size_t)a->dim[a->rank - 1]);
    q->out[0] = dtype_is_float(d) ? sum : interval_fit(d, sum);
}

static size_t matmul_work(struct instance *m, var *factors)
{
    size_t n = 0;
    for (int d = 0; d < m->out[0].rank; d++) {
        factors[n++] = m->out[0].dim[d];
    }
    factors[n++] = m->in[0].dim[m->in[0].rank - 1];
    return n;
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
    .range = matmul_range,
    .work = matmul_work};
