/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relation as it was stated through solve.h, kept beside the solver's own form of it: the linker
 * wraps the functions that state (meson.build), and each wrapper records before it passes on. There
 * is one record; relation_new and relation_clear begin it again.
 */
#ifndef OPJURY_SOLVE_RECORD_H
#define OPJURY_SOLVE_RECORD_H

#include "solve/solve.h"

enum recorded_kind {
    RECORDED_LINEAR_EQ, /* sum num[i] * x[i] == rhs; equalities and sums too */
    RECORDED_LINEAR_LE,
    RECORDED_PRODUCT, /* the last variable is the product of the others */
    RECORDED_PRODUCT_LE,
    RECORDED_WINDOW,
    RECORDED_BROADCAST,
    RECORDED_CHOICE,
    RECORDED_ELEMENT, /* index, y, values... */
};

struct recorded {
    enum recorded_kind kind;
    size_t n, n_num;
    size_t x, num; /* places in record.x and record.num */
    int64_t rhs;
};

struct recorded_domain {
    int64_t lo, hi;
};

struct record {
    const struct relation *owner;
    struct recorded_domain *domain; /* by variable */
    var *x;
    int64_t *num;
    struct recorded *constraints;
    size_t n_vars, n_x, n_num, n_constraints;
};
extern struct record record;

/* Called in place of relation_solve, when the record is complete; NULL: the solver itself. */
typedef enum solve_result (*solve_hook)(struct relation *r, struct rng *rng, size_t steps);
extern solve_hook record_hook;
enum solve_result record_solve(struct relation *r, struct rng *rng, size_t steps); /* itself */
/* The record as text, one line a variable and constraint, each begun with "#". */
void record_print(void);
void record_release(void);

#endif
