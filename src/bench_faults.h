/* SPDX-License-Identifier: Apache-2.0 */
/* What the subjects of `opjury bench` that plant faults share. */
#ifndef OPJURY_BENCH_FAULTS_H
#define OPJURY_BENCH_FAULTS_H

#include "generate/generate.h"
#include "target/faulty.h"

bool bench_has_op(const struct program *p, const struct op *op);
/* For each `one_in` other nodes one is the op, its dtype one in which the fault shows (0: any). */
struct policy bench_policy_of(const struct policy *of, const struct op *op, dtype_set shows,
                              uint32_t one_in);

#endif
