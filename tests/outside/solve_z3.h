/* SPDX-License-Identifier: Apache-2.0 */
/* z3's opinion of the recorded relation: solve.h's definitions as formulas over the integers. */
#ifndef OPJURY_SOLVE_Z3_H
#define OPJURY_SOLVE_Z3_H

#include "solve_record.h"

enum opinion {
    OPINION_UNKNOWN, /* it gave up */
    OPINION_SAT,
    OPINION_UNSAT,
};

/* effort: z3's rlimit, a count of its steps, the same on every machine. */
enum opinion z3_solve(const struct record *r, unsigned effort);
/* Are these values, by variable, a solution? */
bool z3_accepts(const struct record *r, const int64_t *values);

#endif
