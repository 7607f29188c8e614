/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: products and convolutions. */
#ifndef OPJURY_TESTS_CASES_LINEAR_H
#define OPJURY_TESTS_CASES_LINEAR_H

static const struct op_case cases_linear[] = {
    {0},
};

#endif
