/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planted faults: mutation operators applied mechanically to every op of our own evaluator they
 * fit, one by one to its attributes. The in-process target `faulty` runs one of them (or none: a
 * correct implementation whose results carry legal rounding noise), so that the oracles can be
 * judged.
 */
#ifndef OPJURY_TARGET_FAULTY_H
#define OPJURY_TARGET_FAULTY_H

#include "target/target.h"

struct mutation;
struct fault {
    const struct mutation *mutation;
    const struct op *op;
    const struct attr_spec *attr; /* of mutations of attributes: which; else NULL */
    const struct op *fused;       /* only where the op reads a result of this one; NULL: anywhere */
    const struct fault *also;     /* one in another op; NULL: none */
};
extern const size_t mutation_count;
/* All that fit, in a fixed order; none is fused. */
size_t faults_all(struct arena *arena, struct fault **faults);
const char *mutation_name(const struct mutation *mutation);
const char *mutation_summary(const struct mutation *mutation);
/* Of an op's first input, where it shows; 0: any. */
dtype_set mutation_dtypes(const struct mutation *mutation);
/* "negate.add", "real_one.gemm.alpha"; "negate.relu+add" is a wrong fusion of relu with an add. */
const char *fault_name(const struct fault *fault, struct arena *arena);
bool fault_parse(const char *name, struct fault *fault);

/*
 * Evaluate a test with the fault in every node of its op (NULL: none). noise_seed 0: results
 * rounded exactly; else each inexact result first moves by up to the error its op may make.
 * outputs: program->n_outputs to fill.
 */
bool fault_evaluate(const struct test *test, const struct fault *fault, uint64_t noise_seed,
                    struct arena *arena, struct tensor *outputs);

/* Evaluate a test with one node's results 1 % larger, integers 1, bools the other way. values:
 * program->n_values to fill. */
void nudge_evaluate(const struct test *test, uint32_t node, struct arena *arena,
                    struct array *values, struct tensor *outputs);

extern const struct target_kind target_faulty;

#endif
