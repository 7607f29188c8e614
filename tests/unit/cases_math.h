/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: unary functions. */
#ifndef OPJURY_TESTS_CASES_MATH_H
#define OPJURY_TESTS_CASES_MATH_H

static const struct op_case cases_math[] = {
    {0},
};

#endif
