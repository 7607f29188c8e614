/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of one node: a chosen op whose first input has a chosen dtype. */
#ifndef OPJURY_NARROW_H
#define OPJURY_NARROW_H

#include "generate/generate.h"

/* Makes p a policy of that op alone, whose first input has the dtype and whose result one of
 * `outs`; false: there is no such node. What p->all and p->any had of the op is gone. */
static inline bool policy_narrow(struct policy *p, size_t op, enum dtype d, dtype_set outs)
{
    for (size_t i = 0; i < op_count; i++) {
        p->op_weight[i] = i == op ? 10 : 0;
    }
    for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
        p->all.pairs[op][in] = in == d ? outs : 0;
        p->any.pairs[op][in] = in == d ? outs : 0;
    }
    return outs != 0 && policy_check(p) == ERR_OK;
}

/* The generator may begin with another op where it finds no shape for this one. */
static inline bool is_narrow(const struct program *p, size_t op, enum dtype d)
{
    return p->n_nodes == 1 && p->nodes[0].op == op_table[op] &&
           p->values[p->nodes[0].in[0]].dtype == d;
}

#endif
