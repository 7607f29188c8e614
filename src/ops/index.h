/* SPDX-License-Identifier: Apache-2.0 */
/* index: what ops that read data where indices say share with those that write it there. */
#ifndef OPJURY_OPS_INDEX_H
#define OPJURY_OPS_INDEX_H

#include "ops/ops_internal.h"

/* ---- an index for each element (index.c) ---- */

/* All slots have one rank. */
bool elements_structure(struct instance *m, struct rng *rng);
/* The element of data at i's coordinates with that of the axis replaced; false: out of range. */
bool element_at(const struct shape *data, const struct shape *indices, int axis, size_t i,
                real index, size_t *at);

/* ---- rows of indices (index_nd.c) ---- */

/* slices: the indices' dims but the last, then data's behind the parts. */
bool nd_structure(struct instance *m, struct slot *slices, struct rng *rng);
void nd_relate(struct relation *r, struct instance *m, const struct slot *slices);
void nd_index_use(const struct node *node, const struct shape *data, const struct shape *indices,
                  struct index_use *use);

/* Row i of the indices names the slice of `inside` elements at `start`. */
struct nd {
    const struct shape *data;
    const real *indices;
    size_t parts, batch, n_rows, rows_per_batch, inside;
    int64_t strides[RANK_MAX];
};
struct nd nd_of(const struct evaluation *e);
bool slice_start(const struct nd *n, size_t row, size_t *start); /* false: out of range */

#endif
