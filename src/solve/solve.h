/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solve: relations over integers with finite domains. An op states once how its dims and attributes
 * hang together; the same statement infers shapes (inputs fixed), inserts an op forward or backward
 * (some dims free), re-solves a whole program, and checks a given one (all fixed). Bounds
 * propagation, then random labelling with restarts. Deterministic: the rng stream decides, nothing
 * else.
 */
#ifndef OPJURY_SOLVE_H
#define OPJURY_SOLVE_H

#include "base/base.h"

typedef int32_t var; /* index of a variable in its relation */
enum { VAR_NONE = -1 };

struct relation;
/* All memory is the arena's. */
struct relation *relation_new(struct arena *arena);
/* Forget all variables and constraints, keep the memory. */
void relation_clear(struct relation *r);

/* A variable with domain lo..hi. |bounds| <= 2^40, so that products of two fit. */
var relation_var(struct relation *r, int64_t lo, int64_t hi);
var relation_fixed(struct relation *r, int64_t value);
/* How labelling draws a free variable: uniform (default) or log-uniform over its current domain. */
void relation_prefer_log(struct relation *r, var x);
/* Label this variable first with this value if its domain still holds it. */
void relation_hint(struct relation *r, var x, int64_t value);
void relation_narrow(struct relation *r, var x, int64_t lo, int64_t hi); /* intersect the domain */

/* sum(coef[i] * x[i]) == rhs, or <= rhs; |coef| <= 2^60. */
void relate_linear_eq(struct relation *r, size_t n, const int64_t *coef, const var *x, int64_t rhs);
void relate_linear_le(struct relation *r, size_t n, const int64_t *coef, const var *x, int64_t rhs);
/* Of hints for variables made equal the oldest variable's stays that may hold. */
void relate_equal(struct relation *r, var a, var b);
void relate_sum(struct relation *r, size_t n, const var *parts, var total); /* total = sum */
void relate_product(struct relation *r, size_t n, const var *factors, var product); /* n = 0: 1 */
/* product of factors <= limit: how a policy bounds numel. A factor below 1 counts as 1, so that an
 * empty tensor is no larger than others without its zeros; a limit above 2^60 counts as that. At
 * most 16 factors, of relate_product too. */
void relate_product_le(struct relation *r, size_t n, const var *factors, int64_t limit);
/* out == floor((in + pad_lo + pad_hi - dilation * (kernel - 1) - 1) / stride) + 1, the numerator
 * not negative; as ONNX Conv and torch define it. All but in and out are >= 0, stride, dilation
 * >= 1. */
void relate_window(struct relation *r, var in, var out, var kernel, var stride, var pad_lo,
                   var pad_hi, var dilation);
/* numpy broadcasting of one aligned dim: out == a if b == 1, b if a == 1, and a == b otherwise. */
void relate_broadcast(struct relation *r, var a, var b, var out);
/* x is one of the values. */
void relate_choice(struct relation *r, var x, size_t n, const int64_t *values);
/* y = values[index] with index variable: 0 <= index < n. */
void relate_element(struct relation *r, var index, size_t n, const var *values, var y);

enum solve_result {
    SOLVE_SAT,     /* every variable has a value and every constraint holds */
    SOLVE_UNSAT,   /* proved: by propagation or exhausted search */
    SOLVE_GAVE_UP, /* the step budget ended first */
};
/* Labels every variable. `steps` bounds the number of labelling decisions (0: 10,000). */
enum solve_result relation_solve(struct relation *r, struct rng *rng, size_t steps);
/* After SOLVE_SAT. */
int64_t relation_value(const struct relation *r, var x);
/* Do these values (indexed by var) satisfy all constraints and domains? For checks and tests. */
bool relation_holds(const struct relation *r, const int64_t *values);
size_t relation_n_vars(const struct relation *r);

#endif
