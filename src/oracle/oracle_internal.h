/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of oracle: bounds of a whole program, and the oracles' entries. */
#ifndef OPJURY_ORACLE_INTERNAL_H
#define OPJURY_ORACLE_INTERNAL_H

#include "oracle/oracle.h"

bool program_has_half(const struct program *p);
/*
 * Bounds of every output by `samples` perturbed re-evaluations (node by node, all samples side by
 * side). leaves: declared arrays by value id, inputs and constants filled. outputs: p->n_outputs to
 * fill; their memory is `arena`'s. traps: a library may refuse the program or die, for an undefined
 * element (integer division by zero, an index out of range). Cost: about samples + 2 plain
 * evaluations.
 */
void bound_program(const struct program *p, const struct array *leaves, uint64_t seed,
                   unsigned samples, double c, struct arena *arena, struct expectation *outputs,
                   bool *traps);

extern const struct oracle oracle_crash, oracle_hang, oracle_status, oracle_side_effects,
    oracle_n_outputs, oracle_dtype, oracle_shape, oracle_value;

#endif
