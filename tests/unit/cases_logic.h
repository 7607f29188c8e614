/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: arithmetic of two inputs, comparisons, logic and bits. */
#ifndef OPJURY_TESTS_CASES_LOGIC_H
#define OPJURY_TESTS_CASES_LOGIC_H

static const struct op_case cases_logic[] = {
    {0},
};

#endif
