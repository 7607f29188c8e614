/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value oracle on generated programs: bounds by the first samples decide as those by all would,
 * and outputs for which none are asked are those that they would pass.
 */
#include "generate/generate.h"
#include "oracle/oracle.h"
#include "target/faulty.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { TESTS = 200 };
static const struct target here = {.kind = &target_faulty, .text = "faulty", .options = "none"};

/* The reference's own outputs, each float element moved by up to `most` of itself. */
static struct outcome moved_outcome(const struct test *t, real most, struct rng *rng,
                                    struct arena *arena)
{
    struct outcome o = {
        .kind = OUTCOME_OK, .message = "", .log = "", .n_outputs = t->program->n_outputs};
    o.outputs = ARENA_ARRAY(arena, struct tensor, o.n_outputs + 1);
    fault_evaluate(t, NULL, 0, arena, o.outputs);
    for (uint32_t k = 0; k < o.n_outputs; k++) {
        struct tensor *y = &o.outputs[k];
        for (size_t i = 0; dtype_is_float(y->dtype) && i < shape_numel(&y->shape); i++) {
            real way = (real)rng_below(rng, 2001) / 1000 - 1;
            dtype_store(y->dtype, y->data, i, dtype_load(y->dtype, y->data, i) * (1 + most * way));
        }
    }
    return o;
}

static struct verdict judged(const struct test *t, const struct outcome *o, bool by_all,
                             struct arena *arena)
{
    struct judgement j = {t, reference_new(t, arena), &here, o, arena};
    struct verdict v;
    if (by_all) {
        reference_expectation(j.reference, 0);
    }
    judge(&j, &v);
    return v;
}

static void test_first_samples_decide_as_all(void **state)
{
    struct arena *lasting = arena_new(), *arena = arena_new();
    struct policy *policy;
    struct rng rng = rng_seeded(1);
    size_t n[VERDICT_COUNT] = {0};
    assert_int_equal(policy_load("default", lasting, &policy), ERR_OK);
    policy_without_targets(policy, 21);
    for (uint64_t i = 0; i < TESTS; i++) {
        struct test t;
        arena_reset(arena);
        generate_test(policy, 1, i, MATERIALIZE_ALL, arena, &t);
        /* From less than a step of f32 up to what no bound allows. */
        real most = 0x1p-25L * (real)(1 << i % 20);
        struct outcome o = moved_outcome(&t, most, &rng, arena);
        struct verdict first = judged(&t, &o, false, arena), all = judged(&t, &o, true, arena);
        if (first.kind != all.kind || first.n_wrong != all.n_wrong) {
            fail_msg("test %d: %s with %zu wrong elements, by all samples %s with %zu", (int)i,
                     verdict_names[first.kind], first.n_wrong, verdict_names[all.kind],
                     all.n_wrong);
        }
        n[all.kind]++;
    }
    assert_true(n[VERDICT_PASS] >= TESTS / 10 && n[VERDICT_FINDING] >= TESTS / 10);
    arena_free(lasting);
    arena_free(arena);
}

/* What the plain evaluation has rounded, no bound takes for exact. */
static void test_what_is_rounded_is_not_exact(void **state)
{
    struct arena *lasting = arena_new(), *arena = arena_new();
    struct policy *policy;
    size_t n_rounded = 0, n_exact = 0;
    assert_int_equal(policy_load("default", lasting, &policy), ERR_OK);
    policy_without_targets(policy, 21);
    for (uint64_t i = 0; i < TESTS; i++) {
        struct test t;
        arena_reset(arena);
        generate_test(policy, 2, i, MATERIALIZE_ALL, arena, &t);
        struct reference *r = reference_new(&t, arena);
        for (uint32_t o = 0; o < t.program->n_outputs; o++) {
            bool is_rounded = reference_values(r)[t.program->outputs[o]].inexact;
            bool is_exact = reference_expectation(r, o)->is_exact;
            if (is_rounded && is_exact) {
                fail_msg("test %d: output %u is rounded and exact", (int)i, o);
            }
            n_rounded += is_rounded;
            n_exact += is_exact;
        }
    }
    assert_true(n_rounded >= TESTS / 10 && n_exact >= TESTS / 10);
    arena_free(lasting);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_samples_decide_as_all),
        cmocka_unit_test(test_what_is_rounded_is_not_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
