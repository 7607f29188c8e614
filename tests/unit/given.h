/* SPDX-License-Identifier: Apache-2.0 */
/* A test of a program that is written out. */
#ifndef OPJURY_TEST_GIVEN_H
#define OPJURY_TEST_GIVEN_H

#include "ops/ops.h"

static inline void ok(enum err err)
{
    if (err != ERR_OK) {
        fail_msg("%s", err_text());
    }
}

/* All inputs hold this value. */
static inline struct test *given_test(const char *text, real value, struct arena *arena)
{
    struct program *p;
    ok(program_parse("test", text, strlen(text), arena, &p));
    ok(ops_check(p));
    struct test *test = arena_zalloc(arena, sizeof(*test));
    test->program = p;
    test->policy = "given";
    test->n_inputs = program_n_inputs(p);
    test->inputs = ARENA_ARRAY(arena, struct tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        const struct value *v = &p->values[program_input(p, k)];
        test->inputs[k] = tensor_new(arena, v->dtype, &v->shape);
        for (size_t i = 0; i < shape_numel(&v->shape); i++) {
            dtype_store(v->dtype, test->inputs[k].data, i, value);
        }
    }
    return test;
}

#endif
