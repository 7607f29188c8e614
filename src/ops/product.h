/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product: sums of products of the elements of two arrays, y = sum over k of a * b, along axes each
 * of which runs through any of the three. matmul, gemm, linear and einsum only list their axes.
 */
#ifndef OPJURY_OPS_PRODUCT_H
#define OPJURY_OPS_PRODUCT_H

#include "ops/ops_internal.h"

enum { AXES_MAX = 2 * RANK_MAX };

/* Steps in the flat arrays: 0 where the axis does not run through one. */
struct axis {
    size_t size, a, b, y;
    bool is_summed; /* not in y */
};

/* Axes in a, b and y are batches; those in a and y rows, in b and y columns; the summed ones are
 * inner. An element lies at the sum of its tables' entries: a_batch[n] + a_row[i] + a_inner[k]. */
struct product {
    size_t n_batches, rows, inner, cols;
    const size_t *a_batch, *a_row, *a_inner, *b_batch, *b_inner, *b_col, *y_batch, *y_row, *y_col;
};

/* n_out: elements of y. Without any the product is empty: beside a 0 other dims may be huge. */
struct product product_of(struct arena *scratch, const struct axis *axes, size_t n, size_t n_out);
/* In y's dtype, not rounded; integers wrap. */
void product_evaluate(const struct product *p, struct arena *scratch, const struct array *a,
                      const struct array *b, const struct array *y);
/* Of the magnitudes of floats, the finite ones. */
real *product_magnitude(const struct product *p, struct arena *scratch, const struct array *a,
                        const struct array *b, const struct array *y);
/* A marked row of a reaches its row of y, a marked column of b its column. NULL: nothing marked. */
void product_taint(const struct product *p, struct arena *scratch, const uint8_t *a,
                   const uint8_t *b, uint8_t *y);
/* Adds scale times the gradient to grad_a and grad_b (NULL: not wanted). */
void product_vjp(const struct product *p, const real *a, const real *b, const real *cotangent,
                 real scale, real *grad_a, real *grad_b);
/* Of floats and integers, before rounding. */
struct interval product_range(struct interval a, struct interval b, size_t inner);
/* Steps of a contiguous array, which may be huge beside a 0: they wrap. */
void steps_of(const struct shape *s, size_t steps[RANK_MAX]);

#endif
