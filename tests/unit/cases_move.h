/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: data movement. */
#ifndef OPJURY_TESTS_CASES_MOVE_H
#define OPJURY_TESTS_CASES_MOVE_H

static const struct op_case cases_move[] = {
    {0},
};

#endif
