/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planted faults: mutation operators applied mechanically to every op of our own evaluator they
 * fit. The in-process target `faulty` runs one of them (or none: a correct implementation whose
 * results carry legal rounding noise), so that the oracles can be judged.
 */
#ifndef OPJURY_TARGET_FAULTY_H
#define OPJURY_TARGET_FAULTY_H

#include "target/target.h"

struct mutation;
struct fault {
    const struct mutation *mutation;
    const struct op *op;
};
extern const size_t mutation_count;
/* Every (mutation, op) pair that fits, in a fixed order. */
size_t faults_all(struct arena *arena, struct fault **faults);
const char *mutation_name(const struct mutation *mutation);
const char *mutation_summary(const struct mutation *mutation);
/* "negate.add" */
const char *fault_name(const struct fault *fault, struct arena *arena);
bool fault_parse(const char *name, struct fault *fault);

/*
 * Evaluate a test with the fault in every node of its op (NULL: none). noise_seed 0: results
 * rounded exactly; else each inexact result first moves by up to the error its op may make.
 * outputs: program->n_outputs to fill.
 */
void fault_evaluate(const struct test *test, const struct fault *fault, uint64_t noise_seed,
                    struct arena *arena, struct tensor *outputs);

extern const struct target_kind target_faulty;

#endif
