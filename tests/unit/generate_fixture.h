/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the generators start from: the default policy, and a test's bytes as one number. */
#ifndef OPJURY_GENERATE_FIXTURE_H
#define OPJURY_GENERATE_FIXTURE_H

#include "generate/generate.h"
#include "unit.h"

struct fixture {
    struct arena *arena; /* of the policy */
    struct arena *test;  /* reset for each test */
    struct policy *policy;
};

static inline int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_new();
    f.test = arena_new();
    assert_int_equal(policy_load("default", f.arena, &f.policy), ERR_OK);
    *state = &f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    arena_free(f->test);
    return 0;
}

/* Everything that a worker would see. */
static inline uint64_t digest(const struct test *test)
{
    uint64_t hash = hash_mix(program_hash(test->program), (uint64_t)test->placement);
    hash = hash_text(test->policy, hash);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        hash = tensor_hash(&test->inputs[k], hash);
    }
    return hash;
}

#endif
