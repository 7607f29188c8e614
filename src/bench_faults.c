/* SPDX-License-Identifier: Apache-2.0 */
/* Policies for tests in which a planted fault may show. */
#include "bench_faults.h"

bool bench_has_op(const struct program *p, const struct op *op)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (p->nodes[i].op == op) {
            return true;
        }
    }
    return false;
}

struct policy bench_policy_of(const struct policy *of, const struct op *op, dtype_set shows,
                              uint32_t one_in)
{
    struct policy policy = *of;
    uint32_t total = 0;
    for (size_t i = 0; i < op_count; i++) {
        total += policy.op_weight[i];
    }
    policy.op_weight[op_index(op)] = total / one_in;
    dtype_set dtypes = shows & op->in[0].dtypes;
    for (enum dtype d = 1; dtypes && d < DTYPE_COUNT; d++) {
        policy.dtype_weight[d] = dtype_in(d, dtypes) ? policy.dtype_weight[d] : 0;
    }
    return policy;
}
