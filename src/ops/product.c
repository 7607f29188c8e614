/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of two arrays along axes. Each batch is packed into plain matrices of the type that
 * sums: up to f32 the products are exact in double and its sums are 2^29 times finer than f32's, so
 * double is the reference there; f64 uses long double; integers wrap.
 */
#include "ops/product.h"

void steps_of(const struct shape *s, size_t steps[RANK_MAX])
{
    size_t step = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        steps[d] = step;
        step *= (size_t)s->dim[d];
    }
}

/* ---- tables ---- */

enum role { ROLE_BATCH, ROLE_ROW, ROLE_INNER, ROLE_COL, ROLE_COUNT };

static enum role role_of(const struct axis *x)
{
    if (x->is_summed) {
        return ROLE_INNER;
    }
    return x->b == 0 ? ROLE_ROW : x->a == 0 ? ROLE_COL : ROLE_BATCH;
}

/* One role's axes as places in one array, in row-major order. */
struct table {
    size_t n;
    const size_t *at[3]; /* in a, b, y */
};

static struct table table_of(struct arena *scratch, const struct axis *axes, size_t n_axes,
                             enum role role)
{
    size_t n = 1, filled = 1;
    for (size_t x = 0; x < n_axes; x++) {
        n *= role_of(&axes[x]) == role && n > 0 ? axes[x].size : 1;
    }
    size_t *at[3];
    for (int k = 0; k < 3; k++) {
        at[k] = ARENA_ZARRAY(scratch, size_t, n);
    }
    for (size_t x = 0; x < n_axes && n > 0; x++) {
        if (role_of(&axes[x]) != role) {
            continue;
        }
        size_t size = axes[x].size;
        const size_t step[3] = {axes[x].a, axes[x].b, axes[x].y};
        for (int k = 0; k < 3; k++) {
            for (size_t i = filled * size; i-- > 0;) {
                at[k][i] = at[k][i / size] + i % size * step[k];
            }
        }
        filled *= size;
    }
    return (struct table){n, {at[0], at[1], at[2]}};
}

/* A summed axis without elements leaves nothing to sum, however long the others are. */
static bool has_terms(const struct axis *axes, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        if (axes[x].is_summed && axes[x].size == 0) {
            return false;
        }
    }
    return true;
}

struct product product_of(struct arena *scratch, const struct axis *axes, size_t n, size_t n_out)
{
    if (n_out == 0) {
        return (struct product){0};
    }
    struct table batch = table_of(scratch, axes, n, ROLE_BATCH);
    struct table row = table_of(scratch, axes, n, ROLE_ROW);
    struct table col = table_of(scratch, axes, n, ROLE_COL);
    struct table inner = {0};
    if (has_terms(axes, n)) {
        inner = table_of(scratch, axes, n, ROLE_INNER);
    }
    return (struct product){.n_batches = batch.n,
                            .rows = row.n,
                            .inner = inner.n,
                            .cols = col.n,
                            .a_batch = batch.at[0],
                            .b_batch = batch.at[1],
                            .y_batch = batch.at[2],
                            .a_row = row.at[0],
                            .y_row = row.at[2],
                            .a_inner = inner.at[0],
                            .b_inner = inner.at[1],
                            .b_col = col.at[1],
                            .y_col = col.at[2]};
}

/* ---- evaluation ---- */

/* Rows of b are walked in order, so that the innermost loop runs along memory. */
#define PRODUCT_KERNEL(name, type, CONVERT, RESULT)                                                \
    static void name##_pack(type *to, const real *from, const size_t *rows, size_t n_rows,         \
                            const size_t *cols, size_t n_cols)                                     \
    {                                                                                              \
        for (size_t i = 0; i < n_rows; i++) {                                                      \
            for (size_t k = 0; k < n_cols; k++) {                                                  \
                *to++ = CONVERT(from[rows[i] + cols[k]]);                                          \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void name##_matrix(const struct product *p, const type *a, const type *b,               \
                              type *restrict y)                                                    \
    {                                                                                              \
        for (size_t i = 0; i < p->rows; i++, y += p->cols) {                                       \
            for (size_t k = 0; k < p->inner; k++) {                                                \
                const type factor = a[i * p->inner + k], *row = b + k * p->cols;                   \
                for (size_t j = 0; j < p->cols; j++) {                                             \
                    y[j] += factor * row[j];                                                       \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void name(const struct product *p, struct arena *scratch, enum dtype d, const real *a,  \
                     const real *b, real *y)                                                       \
    {                                                                                              \
        type *left = ARENA_ARRAY(scratch, type, p->rows * p->inner);                               \
        type *right = ARENA_ARRAY(scratch, type, p->inner * p->cols);                              \
        type *sum = ARENA_ARRAY(scratch, type, p->rows * p->cols);                                 \
        for (size_t n = 0; n < p->n_batches; n++) {                                                \
            if (n == 0 || p->a_batch[n] != p->a_batch[n - 1]) {                                    \
                name##_pack(left, a + p->a_batch[n], p->a_row, p->rows, p->a_inner, p->inner);     \
            }                                                                                      \
            if (n == 0 || p->b_batch[n] != p->b_batch[n - 1]) {                                    \
                name##_pack(right, b + p->b_batch[n], p->b_inner, p->inner, p->b_col, p->cols);    \
            }                                                                                      \
            for (size_t i = 0; i < p->rows * p->cols; i++) {                                       \
                sum[i] = 0;                                                                        \
            }                                                                                      \
            name##_matrix(p, left, right, sum);                                                    \
            for (size_t i = 0; i < p->rows; i++) {                                                 \
                for (size_t j = 0; j < p->cols; j++) {                                             \
                    y[p->y_batch[n] + p->y_row[i] + p->y_col[j]] = RESULT(sum[i * p->cols + j]);   \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        (void)d;                                                                                   \
    }
#define UNCHANGED(x) (x)
#define WRAP(x) dtype_wrap(d, x)
PRODUCT_KERNEL(multiply_double, double, (double), (real))
PRODUCT_KERNEL(multiply_real, real, UNCHANGED, UNCHANGED)
PRODUCT_KERNEL(multiply_int, uint64_t, real_pattern, WRAP)

static void multiply(const struct product *p, struct arena *scratch, enum dtype d, const real *a,
                     const real *b, real *y)
{
    if (!dtype_is_float(d)) {
        multiply_int(p, scratch, d, a, b, y);
    } else if (d == DTYPE_F64) {
        multiply_real(p, scratch, d, a, b, y);
    } else {
        multiply_double(p, scratch, d, a, b, y);
    }
}

void product_evaluate(const struct product *p, struct arena *scratch, const struct array *a,
                      const struct array *b, const struct array *y)
{
    multiply(p, scratch, y->dtype, a->v, b->v, y->v);
}

real *product_magnitude(const struct product *p, struct arena *scratch, const struct array *a,
                        const struct array *b, const struct array *y)
{
    real *magnitude = ARENA_ARRAY(scratch, real, y->n);
    multiply(p, scratch, y->dtype, reals_of(scratch, a, true), reals_of(scratch, b, true),
             magnitude);
    return magnitude;
}

/* ---- taint, gradient, range ---- */

/* What is marked in each row of a matrix. */
static void collect_marks(uint8_t *to, const uint8_t *from, const size_t *rows, size_t n_rows,
                          const size_t *cols, size_t n_cols)
{
    memset(to, 0, n_rows);
    for (size_t i = 0; from && i < n_rows; i++) {
        for (size_t k = 0; k < n_cols; k++) {
            to[i] |= from[rows[i] + cols[k]];
        }
    }
}

void product_taint(const struct product *p, struct arena *scratch, const uint8_t *a,
                   const uint8_t *b, uint8_t *y)
{
    uint8_t *row = arena_alloc(scratch, p->rows), *col = arena_alloc(scratch, p->cols);
    for (size_t n = 0; n < p->n_batches; n++) {
        collect_marks(row, a ? a + p->a_batch[n] : NULL, p->a_row, p->rows, p->a_inner, p->inner);
        collect_marks(col, b ? b + p->b_batch[n] : NULL, p->b_col, p->cols, p->b_inner, p->inner);
        for (size_t i = 0; i < p->rows; i++) {
            for (size_t j = 0; j < p->cols; j++) {
                y[p->y_batch[n] + p->y_row[i] + p->y_col[j]] |= row[i] | col[j];
            }
        }
    }
}

void product_vjp(const struct product *p, const real *a, const real *b, const real *cotangent,
                 real scale, real *grad_a, real *grad_b)
{
    for (size_t n = 0; n < p->n_batches; n++) {
        for (size_t i = 0; i < p->rows; i++) {
            for (size_t k = 0; k < p->inner; k++) {
                size_t at_a = p->a_batch[n] + p->a_row[i] + p->a_inner[k];
                for (size_t j = 0; j < p->cols; j++) {
                    size_t at_b = p->b_batch[n] + p->b_inner[k] + p->b_col[j];
                    real c = scale * cotangent[p->y_batch[n] + p->y_row[i] + p->y_col[j]];
                    if (grad_a) {
                        grad_a[at_a] += c * b[at_b];
                    }
                    if (grad_b) {
                        grad_b[at_b] += c * a[at_a];
                    }
                }
            }
        }
    }
}

struct interval product_range(struct interval a, struct interval b, size_t inner)
{
    return interval_sum(interval_mul(a, b), inner);
}
