/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: reductions, scans, sorting. */
#ifndef OPJURY_TESTS_CASES_REDUCE_H
#define OPJURY_TESTS_CASES_REDUCE_H

static const struct op_case cases_reduce[] = {
    {0},
};

#endif
