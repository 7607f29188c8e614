/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: pooling, normalisation, resizing. */
#ifndef OPJURY_TESTS_CASES_POOL_H
#define OPJURY_TESTS_CASES_POOL_H

static const struct op_case cases_pool[] = {
    {0},
};

#endif
