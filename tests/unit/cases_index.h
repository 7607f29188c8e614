/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: indexing. */
#ifndef OPJURY_TESTS_CASES_INDEX_H
#define OPJURY_TESTS_CASES_INDEX_H

static const struct op_case cases_index[] = {
    {0},
};

#endif
