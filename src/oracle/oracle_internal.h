/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of oracle: bounds of a program, and the oracles' entries. */
#ifndef OPJURY_ORACLE_INTERNAL_H
#define OPJURY_ORACLE_INTERNAL_H

#include "oracle/oracle.h"

bool program_has_half(const struct program *p);
/* The absolute error that is documented of the node's op, 0 for none. */
double approximation_of(const struct precision *precision, const struct node *node);
/* Does the precision claim less of that program than what is declared? */
bool program_is_narrowed(const struct program *p, const struct precision *precision);
/* p in the dtypes that floats are computed in; inputs, constants and the places of outputs are p's.
 * For evaluation alone. */
struct program *program_narrow(const struct program *p, const struct precision *precision,
                               struct arena *arena);
struct bound_request {
    const struct program *p;
    const struct array *leaves; /* declared arrays by value id, inputs and constants filled */
    uint64_t seed;
    unsigned samples;
    double c;
    const bool *wanted; /* by output; NULL: all of them */
    bool is_first;      /* errors of the declared inputs alone, which are no larger */
    bool is_strict;     /* half floats are rounded by every op */
    const struct precision *precision; /* what it does not claim is not compared; NULL: all is */
};
struct bounds {
    struct expectation *outputs; /* by output, zero where not wanted */
    /* A library may refuse the program or die, for an undefined element (integer division by zero,
     * an index out of range). */
    bool traps;
    /* More samples can only widen the bounds and make more elements unstable. Not where something
     * jumps: how far its inputs move, and whether samples show the jump, is theirs to say. */
    bool is_settled;
};
/* Bounds by perturbed re-evaluations (node by node, all samples side by side). Memory: `arena`'s.
 * Cost: about samples + 2 plain evaluations of what the wanted outputs need. */
void bound_program(const struct bound_request *request, struct arena *arena, struct bounds *bounds);

/*
 * Bounds by the first few samples alone, at a quarter of the cost: what most runs pass under. Of
 * the outputs that are wanted, at least. Where they are settled, what lies within them lies within
 * those of all samples, and what is unstable or unspecified is so there.
 */
const struct bounds *reference_first_bounds(struct reference *r, const bool *wanted);
/* By all samples, of the outputs that are wanted at least. */
const struct bounds *reference_bounds(struct reference *r, const bool *wanted);
/* Of all outputs, widened by more draws of samples: what of one draw says that two elements move
 * alike is chance, at one in 4096 pairs, and another says otherwise. For runs that would be called
 * wrong. */
const struct bounds *reference_widened(struct reference *r);

extern const struct oracle oracle_crash, oracle_hang, oracle_status, oracle_side_effects,
    oracle_n_outputs, oracle_dtype, oracle_shape, oracle_value;

#endif
