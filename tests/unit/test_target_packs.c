/* SPDX-License-Identifier: Apache-2.0 */
/* target: libraries that build several programs together, of which one misbehaves. */
#include "selftest.h"

enum { PACK = 4, TESTS = 2 * PACK, CULPRIT = 2 }; /* selftest_pack.py: the input begins with 20 */

static const struct jury_options quick = {.cpu_deadline = 1, .wall_cap = 20};

static const struct {
    const char *action;
    enum outcome_kind kind;
    const char *phase;
    uint64_t restarts;
} cases[] = {
    {"raise-prepare", OUTCOME_ERROR, "load", 0},
    {"segv-prepare", OUTCOME_CRASH, "load", 1},
    {"spin-prepare", OUTCOME_HANG, "load", 1},
    {"raise-build", OUTCOME_ERROR, "load", 0},
    /* Four of them, two, then the culprit alone. */
    {"segv-build", OUTCOME_CRASH, "load", 3},
    {"exit-build", OUTCOME_CRASH, "load", 3},
    {"spin-build", OUTCOME_HANG, "load", 3},
    {"raise-run", OUTCOME_ERROR, "run", 0},
    {"segv-run", OUTCOME_CRASH, "run", 1},
};

static void post_all(struct fixture *f, struct test **tests)
{
    for (uint64_t i = 0; i < TESTS; i++) {
        tests[i] = echo_test(f->arena, i, PLACE_END);
        must(jury_post(f->jury, tests[i]));
    }
}

/* The right outcome for each and for its neighbours, in the pack and under another target. */
static void test_culprit(void **state)
{
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        char text[64];
        snprintf(text, sizeof text, "selftest:pack,%s", cases[c].action);
        struct fixture f = open_jury(2, (const char *const[]){text, "selftest:pack,echo"}, &quick);
        struct test *tests[TESTS];
        struct outcome o[2];
        post_all(&f, tests);
        for (size_t i = 0; i < TESTS; i++) {
            must(jury_take(f.jury, f.arena, o));
            assert_echo(tests[i], &o[1]);
            if (i != CULPRIT) {
                assert_echo(tests[i], &o[0]);
                continue;
            }
            if (o[0].kind != cases[c].kind || strcmp(o[0].phase, cases[c].phase) != 0) {
                fail_msg("%s: outcome %d at %s: %s", text, (int)o[0].kind, o[0].phase,
                         o[0].message);
            }
        }
        assert_int_equal(jury_usage(f.jury).restarts, cases[c].restarts);
        close_jury(&f);
    }
}

/* Alone it fails as in the pack. */
static void test_alone(void **state)
{
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        char text[64];
        snprintf(text, sizeof text, "selftest:pack,%s", cases[c].action);
        struct fixture f = open_jury(1, (const char *const[]){text}, &quick);
        struct test *other = echo_test(f.arena, 1, PLACE_ALIGNED);
        struct outcome o;
        must(jury_run_fresh(f.jury, 0, echo_test(f.arena, CULPRIT, PLACE_ALIGNED), f.arena, &o));
        assert_int_equal(o.kind, cases[c].kind);
        assert_string_equal(o.phase, cases[c].phase);
        must(jury_run_fresh(f.jury, 0, other, f.arena, &o));
        assert_echo(other, &o);
        close_jury(&f);
    }
}

/* What changes an input changes its own. */
static void test_changed_input(void **state)
{
    struct fixture f = open_jury(1, (const char *const[]){"selftest:pack,write"}, NULL);
    struct test *tests[TESTS];
    struct outcome o;

    post_all(&f, tests);
    for (size_t i = 0; i < TESTS; i++) {
        must(jury_take(f.jury, f.arena, &o));
        assert_int_equal(o.kind, OUTCOME_OK);
        assert_int_equal(o.input_changed, i == CULPRIT);
        assert_false(o.out_of_bounds);
        assert_int_equal(tensor_equal(&o.outputs[0], &tests[i]->inputs[0]), i != CULPRIT);
    }
    assert_int_equal(jury_usage(f.jury).restarts, 0);
    close_jury(&f);
}

/* Packs are full while there are tests, and nobody waits for one that does not come. */
static void test_sizes(void **state)
{
    struct fixture f = open_jury(1, (const char *const[]){"selftest:pack,size"}, NULL);
    struct test *tests[TESTS];
    struct outcome o;

    assert_int_equal(jury_window(f.jury), TESTS);
    post_all(&f, tests);
    for (size_t i = 0; i < TESTS; i++) {
        must(jury_take(f.jury, f.arena, &o));
        assert_true(((const float *)o.outputs[0].data)[0] == PACK);
    }
    for (uint64_t i = 0; i < 3; i++) {
        must(jury_post(f.jury, tests[i]));
    }
    for (uint64_t i = 0; i < 3; i++) {
        must(jury_take(f.jury, f.arena, &o));
        assert_true(((const float *)o.outputs[0].data)[0] == 3);
    }
    must(jury_run(f.jury, 0, tests[0], f.arena, &o));
    assert_true(((const float *)o.outputs[0].data)[0] == 1);
    must(jury_run_fresh(f.jury, 0, tests[0], f.arena, &o));
    assert_true(((const float *)o.outputs[0].data)[0] == 1);
    close_jury(&f);
}

/* x f32[2,3], as echo_test's, and a constant; both are outputs. */
static struct test *constant_test(struct arena *arena, uint64_t index)
{
    static const float numbers[] = {5, 6};
    struct test *test = echo_test(arena, index, PLACE_END);
    const struct shape shape = {1, {2}};
    struct program *p = program_clone(test->program, arena);

    program_add_output(p, program_add_const(p, "c", DTYPE_F32, &shape, numbers));
    test->program = p;
    return test;
}

/* What runs at other shapes first has its constants there too. */
static void test_dynamic(void **state)
{
    struct fixture f = open_jury(1, (const char *const[]){"selftest:pack,stale"}, NULL);
    struct test *tests[TESTS];
    struct outcome o;

    for (size_t i = 0; i < TESTS; i++) {
        tests[i] = constant_test(f.arena, i);
        tests[i]->before = constant_test(f.arena, i + TESTS);
        must(jury_post(f.jury, tests[i]));
    }
    for (size_t i = 0; i < TESTS; i++) {
        must(jury_take(f.jury, f.arena, &o));
        if (o.kind != OUTCOME_OK) {
            fail_msg("outcome %d: %s", (int)o.kind, o.message);
        }
        assert_int_equal(o.n_outputs, 2);
        assert_true(tensor_equal(&o.outputs[0], &tests[i]->before->inputs[0]));
        assert_true(((const float *)o.outputs[1].data)[1] == 6);
        assert_false(o.input_changed || o.out_of_bounds);
    }
    close_jury(&f);
}

/* What an option claims goes with it. */
static void test_claims_go_with_their_option(void **state)
{
    struct arena *arena = arena_new();
    struct target *strict = parse(arena, "torch:compile,casts=strict");
    struct target *narrow = parse(arena, "openvino:hint=bf16");

    assert_true(strict->strict_casts);
    assert_false(target_without(strict, 0, arena)->strict_casts);
    const struct target *less = target_without(narrow, 0, arena);
    assert_ptr_not_equal(narrow->precision, less->precision);
    assert_ptr_equal(less->precision, less->kind->precision);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_culprit), TEST(test_alone),   TEST(test_changed_input),
        TEST(test_sizes),   TEST(test_dynamic), cmocka_unit_test(test_claims_go_with_their_option),
    };

    return cmocka_run_group_tests_name("target_packs", tests, NULL, NULL);
}
