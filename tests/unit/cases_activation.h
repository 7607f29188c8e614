/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: activations. */
#ifndef OPJURY_TESTS_CASES_ACTIVATION_H
#define OPJURY_TESTS_CASES_ACTIVATION_H

static const struct op_case cases_activation[] = {
    {0},
};

#endif
