/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracles: each finds a planted fault and lets a near miss pass. Programs are written in text
 * form; outcomes are made by hand or by the evaluator with a fault. What bounds allow is in
 * test_oracle_bounds.c.
 */
#include "oracle_fixture.h"

#include "oracle_cases.h"

#include <math.h>
#include <signal.h>

static struct test add_test(void)
{
    struct test t = make_test("x: f32[4] = input\n"
                              "w: f32[4] = const [0.5, 1, -2, 1e-30]\n"
                              "y: f32[4] = add(x, w)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){1, 2, 3, 1e-30});
    return t;
}

static void test_right_run_passes(void **state)
{
    struct test t = add_test();
    struct outcome o = right_outcome(&t);
    assert_passes(&t, &o);
}

static void test_one_step_passes_ten_do_not(void **state)
{
    struct test t = add_test();
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, 1.5L + 0x1p-23L);
    assert_passes(&t, &o);
    put(&o, 0, 0, 1.5L + 10 * 0x1p-23L);
    assert_found(&t, &o, "value");
}

static void test_tiny_results_count(void **state)
{
    struct test t = add_test();
    struct outcome o = right_outcome(&t);
    put(&o, 0, 3, 2.1e-30L);
    assert_found(&t, &o, "value");
}

static void test_integers_are_exact(void **state)
{
    struct test t = make_test("x: i64[2] = input\ny: i64[2] = add(x, x)\noutput y\n");
    set_input(&t, 0, (const double[]){4611686018427387904.0, 5});
    struct outcome o = right_outcome(&t);
    assert_true(get(&o, 0, 0) == -0x1p63L); /* wraps */
    assert_passes(&t, &o);
    put(&o, 0, 1, 11);
    assert_found(&t, &o, "value");
}

static void test_classes_are_distinct(void **state)
{
    struct test t = make_test("x: f32[3] = input\ny: f32[3] = log(x)\noutput y\n");
    set_input(&t, 0, (const double[]){-1, 0, 2});
    struct outcome o = right_outcome(&t);
    assert_true(isnan(get(&o, 0, 0)) && isinf(get(&o, 0, 1)));
    assert_passes(&t, &o);
    struct outcome lost_nan = right_outcome(&t);
    put(&lost_nan, 0, 0, 0);
    assert_found(&t, &lost_nan, "value");
    struct outcome lost_inf = right_outcome(&t);
    put(&lost_inf, 0, 1, dtype_lowest(DTYPE_F32));
    assert_found(&t, &lost_inf, "value");
}

/* 0.1 * 10 lies on the edge of floor: a correct kernel may give 0 or 1 there, but 5 must be 5. */
static void test_edge_of_a_jump_is_unstable(void **state)
{
    struct test t = make_test("x: f32[4] = input\n"
                              "w: f32[4] = const [10, 10, 10, 10]\n"
                              "a: f32[4] = mul(x, w)\n"
                              "y: f32[4] = floor(a)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){0.1, 0.55, 0.77, 0.91});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, get(&o, 0, 0) == 1 ? 0 : 1);
    assert_passes(&t, &o);
    put(&o, 0, 1, 4);
    assert_found(&t, &o, "value");
}

static void test_mostly_unstable_is_unjudged(void **state)
{
    struct test t = make_test("x: f32[2] = input\n"
                              "w: f32[2] = const [10, 10]\n"
                              "a: f32[2] = mul(x, w)\n"
                              "y: i32[2] = cast(a, to=i32)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){0.1, 0.7});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, get(&o, 0, 0) == 1 ? 0 : 1);
    put(&o, 0, 1, get(&o, 0, 1) == 7 ? 6 : 7);
    struct verdict v = judged(&t, &o);
    assert_int_equal(v.kind, VERDICT_UNJUDGED);
    assert_true(v.n_unstable > 0);
}

static void test_unspecified_and_what_derives_from_it(void **state)
{
    struct test t = make_test("x: f32[2] = input\n"
                              "a: i32[2] = cast(x, to=i32)\n"
                              "y: i32[2] = add(a, a)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){1e20, 3});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, 12345);
    struct verdict v = judged(&t, &o);
    assert_int_not_equal(v.kind, VERDICT_FINDING);
    put(&o, 0, 1, 7);
    assert_found(&t, &o, "value");
}

/* Only an index out of range: neither NaN, of which a maximum is unspecified, nor one written
 * twice. */
static void test_traps_of_indices(void **state)
{
    static const struct {
        const char *reduction;
        double indices[2], update;
        bool traps;
    } cases[] = {{"max", {0, -3}, (double)NAN, false},
                 {"none", {1, 1}, 5, false},
                 {"max", {0, 3}, 5, true},
                 {"none", {-4, 0}, 5, true}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct test t =
            make_test(arena_printf(arena,
                                   "x: f32[3] = input\n"
                                   "i: i64[2,1] = input\n"
                                   "u: f32[2] = input\n"
                                   "y: f32[3] = scatter_nd(x, i, u, parts=1, reduction=\"%s\")\n"
                                   "output y\n",
                                   cases[i].reduction));
        set_input(&t, 0, (const double[]){1, 2, 3});
        set_input(&t, 1, cases[i].indices);
        set_input(&t, 2, (const double[]){cases[i].update, 7});
        struct reference *r = reference_new(&t, arena);
        assert_int_equal(reference_traps(r), cases[i].traps);
        assert_true(reference_expectation(r, 0)->n_unspecified > 0);
    }
}

/* Integers beyond 2^53 are open in fmod, but no reason to die; a divisor of 0 is. */
static void test_traps_of_division(void **state)
{
    struct test t = make_test("x: i64[2] = input\n"
                              "w: i64[2] = input\n"
                              "y: i64[2] = fmod(x, w)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){0x1p60, 3});
    set_input(&t, 1, (const double[]){7, 2});
    struct reference *r = reference_new(&t, arena);
    assert_int_equal(reference_expectation(r, 0)->n_unspecified, 1);
    assert_false(reference_traps(r));
    set_input(&t, 1, (const double[]){7, 0});
    assert_true(reference_traps(reference_new(&t, arena)));
}

static void test_elements(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(element_cases); i++) {
        const struct element_case *c = &element_cases[i];
        struct test t = make_test(c->text);
        for (size_t k = 0; k < shape_numel(&t.inputs[0].shape); k++) {
            double v = k < ARRAY_SIZE(c->input) ? c->input[k] : c->input[0];
            dtype_store(t.inputs[0].dtype, t.inputs[0].data, k, v);
        }
        struct outcome o = right_outcome(&t);
        if (judged(&t, &o).kind == VERDICT_FINDING) {
            fail_msg("%s: the reference itself is called wrong", c->label);
        }
        put(&o, 0, c->element, c->value);
        struct verdict v = judged(&t, &o);
        if ((v.kind == VERDICT_FINDING) != c->is_wrong) {
            fail_msg("%s: %s %s", c->label, c->is_wrong ? "not found" : "false finding:", v.text);
        }
    }
}

/* A library may refuse or die where integers are divided by zero or an index is out of range. */
static void test_undefined_programs_may_end(void **state)
{
    struct test t = make_test("x: i32[2] = input\nw: i32[2] = const [6, 6]\n"
                              "y: i32[2] = div(w, x)\noutput y\n");
    struct outcome o = {.kind = OUTCOME_ERROR, .phase = "run", .message = "division by zero"};
    set_input(&t, 0, (const double[]){3, 0});
    assert_int_equal(judged(&t, &o).kind, VERDICT_UNJUDGED);
    o = (struct outcome){.kind = OUTCOME_CRASH, .signal = SIGFPE, .message = ""};
    assert_int_equal(judged(&t, &o).kind, VERDICT_UNJUDGED);
    set_input(&t, 0, (const double[]){3, 1});
    assert_found(&t, &o, "crash");
}

static void test_form_oracles(void **state)
{
    struct test t = add_test();
    struct outcome o = right_outcome(&t);
    o.n_outputs = 0;
    assert_found(&t, &o, "count");
    o = right_outcome(&t);
    o.outputs[0] = tensor_new(arena, DTYPE_F64, &o.outputs[0].shape);
    assert_found(&t, &o, "dtype");
    o = right_outcome(&t);
    o.outputs[0].shape = (struct shape){2, {1, 4}};
    assert_found(&t, &o, "shape");
}

static void test_process_oracles(void **state)
{
    struct test t = add_test();
    struct outcome crash = {.kind = OUTCOME_CRASH, .signal = 11, .message = "", .log = ""};
    assert_found(&t, &crash, "crash");
    struct outcome exited = {.kind = OUTCOME_CRASH, .exit_status = 3, .message = "", .log = ""};
    assert_found(&t, &exited, "crash");
    struct outcome hang = {.kind = OUTCOME_HANG, .message = "10 s of CPU", .log = ""};
    assert_found(&t, &hang, "hang");
    struct outcome error = {.kind = OUTCOME_ERROR,
                            .phase = "load",
                            .error_class = "Fail",
                            .message = "no good",
                            .log = ""};
    assert_found(&t, &error, "status");
    struct outcome changed = right_outcome(&t);
    changed.input_changed = true;
    assert_found(&t, &changed, "side_effects");
    struct outcome beside = right_outcome(&t);
    beside.out_of_bounds = true;
    assert_found(&t, &beside, "side_effects");
    struct outcome left = right_outcome(&t);
    left.state_changed = "rounding mode";
    assert_found(&t, &left, "side_effects");
    assert_non_null(strstr(judged(&t, &left).text, "rounding mode"));
    struct outcome not_run = {.kind = OUTCOME_NOT_EXERCISED, .message = "fell back", .log = ""};
    assert_int_equal(judged(&t, &not_run).kind, VERDICT_NOT_EXERCISED);
    struct outcome unsupported = {.kind = OUTCOME_UNSUPPORTED, .message = "no kernel", .log = ""};
    assert_int_equal(judged(&t, &unsupported).kind, VERDICT_UNSUPPORTED);
}

static void test_determinism(void **state)
{
    struct test t = add_test();
    struct outcome a = right_outcome(&t), b = right_outcome(&t);
    const char *text = NULL;
    assert_true(outcomes_agree(&a, &b, arena, &text));
    put(&b, 0, 2, 1 + 0x1p-23L);
    assert_false(outcomes_agree(&a, &b, arena, &text));
    assert_string_equal(text, "output 0 differs between two runs of the same test");
    b = right_outcome(&t);
    b.n_outputs = 0;
    assert_false(outcomes_agree(&a, &b, arena, &text));
    assert_string_equal(text, "the number of outputs changed");
    const struct outcome died = {.kind = OUTCOME_CRASH, .signal = 11, .message = "", .log = ""};
    const struct outcome raised = {.kind = OUTCOME_ERROR, .message = "one", .log = ""};
    assert_false(outcomes_agree(&a, &died, arena, &text));
    assert_string_equal(text, "one run ended well, the other did not");
    assert_false(outcomes_agree(&died, &raised, arena, &text));
    struct outcome again = raised; /* texts of errors may hold addresses */
    again.message = "other";
    assert_true(outcomes_agree(&raised, &again, arena, &text));
}

/* Two libraries that agree against the reference accuse the reference; one alone does not. */
static void test_reference_suspect(void **state)
{
    static const struct target_kind other_kind = {.name = "other"};
    struct target first = here, second = {.kind = &other_kind, .text = "other"};
    struct target *targets[] = {&first, &second};
    struct test t = add_test();
    struct outcome o[2] = {right_outcome(&t), right_outcome(&t)};
    put(&o[0], 0, 0, 7);
    put(&o[1], 0, 0, 7);
    struct verdict v[2] = {judged(&t, &o[0]), judged(&t, &o[1])};
    assert_int_equal(judge_suspects(targets, o, 1, v), 0);
    static const struct target_kind upon = {.name = "upon", .runtime = "other"};
    struct target third = {.kind = &upon, .text = "upon"}; /* the other's kernels */
    struct target *of_one[] = {&second, &third};
    assert_int_equal(judge_suspects(of_one, o, 2, v), 0);
    assert_int_equal(judge_suspects(targets, o, 2, v), 2);
    assert_int_equal(v[0].kind, VERDICT_FILTERED);
    assert_string_equal(v[1].filter, "reference-suspect");

    for (int i = 0; i < 2; i++) { /* of another shape the two may agree, too */
        o[i].outputs[0].shape = (struct shape){2, {4, 1}};
        v[i] = judged(&t, &o[i]);
        assert_string_equal(v[i].oracle, "shape");
    }
    assert_int_equal(judge_suspects(targets, o, 2, v), 2);
    v[0] = judged(&t, &o[0]);
    o[1].outputs[0].shape = (struct shape){2, {1, 4}};
    v[1] = judged(&t, &o[1]);
    assert_int_equal(judge_suspects(targets, o, 2, v), 0);

    o[0] = right_outcome(&t);
    o[1] = right_outcome(&t);
    put(&o[0], 0, 0, 7);
    put(&o[1], 0, 0, 9);
    struct verdict w[2] = {judged(&t, &o[0]), judged(&t, &o[1])};
    assert_int_equal(judge_suspects(targets, o, 2, w), 0);
    assert_int_equal(w[0].kind, VERDICT_FINDING);
}

/* From an infinite reference all are as far: two faults there are not one. */
static void test_faults_beside_infinity(void **state)
{
    static const struct target_kind other_kind = {.name = "other"};
    struct target first = here, second = {.kind = &other_kind, .text = "other"};
    struct target *targets[] = {&first, &second};
    struct test t = make_test("x: f32[4] = input\ny: f32[4] = add(x, x)\noutput y\n");
    set_input(&t, 0, (const double[]){3e38, 1, 2, 3});
    struct outcome o[2] = {right_outcome(&t), right_outcome(&t)};
    put(&o[0], 0, 0, 7);
    put(&o[1], 0, 0, 9);
    struct verdict v[2] = {judged(&t, &o[0]), judged(&t, &o[1])};
    assert_int_equal(judge_suspects(targets, o, 2, v), 0);
    assert_int_equal(v[1].kind, VERDICT_FINDING);
    put(&o[1], 0, 0, 7);
    v[1] = judged(&t, &o[1]);
    assert_int_equal(judge_suspects(targets, o, 2, v), 2);
}

/* Beside an output that needs bounds: one step is an error in what is exact, none behind an exp. */
static void test_one_step_of_exact_values(void **state)
{
    struct test t = make_test("x: f32[2] = input\n"
                              "far: f32[2] = exp(x)\n"
                              "moved: f32[2] = neg(x)\n"
                              "behind: f32[2] = neg(far)\n"
                              "output far\noutput moved\noutput behind\n");
    set_input(&t, 0, (const double[]){1, 2});
    for (uint32_t k = 0; k < 3; k++) {
        struct outcome o = right_outcome(&t);
        real near = dtype_load(DTYPE_F32, o.outputs[k].data, 1);
        put(&o, 0, 0, dtype_load(DTYPE_F32, o.outputs[0].data, 0) * (1 + 0x1p-22L));
        put(&o, k, 1, near * (1 + 0x1p-23L));
        struct verdict v = judged(&t, &o);
        assert_int_equal(v.kind, k == 1 ? VERDICT_FINDING : VERDICT_PASS);
        assert_true(k != 1 || v.output == 1);
    }
}

/* Each of several runs is judged as it would be alone: the same bits, others, the same of a library
 * that may flush subnormals, the same with a side effect. */
static void test_runs_are_judged_as_alone(void **state)
{
    static const struct target_kind flushing = {.name = "flushing", .flushes_subnormals = true};
    struct target first = here, again = here, other = {.kind = &flushing, .text = "flushing"};
    struct target *targets[] = {&first, &again, &again, &other, &again};
    struct test t = make_test("x: f32[4] = input\ny: f32[4] = add(x, x)\noutput y\n");
    set_input(&t, 0, (const double[]){0x1p-140, 1, 2, 3});
    struct outcome o[ARRAY_SIZE(targets)];
    struct verdict v[ARRAY_SIZE(targets)];
    for (size_t i = 0; i < ARRAY_SIZE(o); i++) {
        o[i] = right_outcome(&t);
        put(&o[i], 0, 0, i == 2 ? 0x1p-139L : 0);
    }
    o[4].input_changed = true;
    judge_runs(&t, reference_new(&t, arena), targets, o, ARRAY_SIZE(o), arena, v);
    const enum verdict_kind expected[] = {VERDICT_FINDING, VERDICT_FINDING, VERDICT_PASS,
                                          VERDICT_PASS, VERDICT_FINDING};
    for (size_t i = 0; i < ARRAY_SIZE(o); i++) {
        assert_int_equal(v[i].kind, expected[i]);
    }
    assert_string_equal(v[1].text, v[0].text);
    assert_string_equal(v[4].oracle, "side_effects");
}

/* Who flushes subnormals computes half floats in single precision, where theirs are normal. */
static void test_half_floats_are_not_flushed(void **state)
{
    static const struct target_kind flushing = {.name = "flushing", .flushes_subnormals = true};
    struct target other = {.kind = &flushing, .text = "flushing"};
    struct target *targets[] = {&other};
    struct test t = make_test("x: f16[4] = input\ny: f16[4] = add(x, x)\noutput y\n");
    set_input(&t, 0, (const double[]){0x1p-17, 1, 2, 3});
    struct outcome o = right_outcome(&t);
    struct verdict v;
    judge_runs(&t, reference_new(&t, arena), targets, &o, 1, arena, &v);
    assert_int_equal(v.kind, VERDICT_PASS);
    put(&o, 0, 0, 0);
    judge_runs(&t, reference_new(&t, arena), targets, &o, 1, arena, &v);
    assert_int_equal(v.kind, VERDICT_FINDING);
}

/* What hangs on subnormals may be infinite where they may be flushed, what does not may not. */
static void test_behind_flushed(void **state)
{
    static const struct target_kind flushing = {.name = "flushing", .flushes_subnormals = true};
    struct target flushes = {.kind = &flushing, .text = "flushing"}, keeps = here;
    struct target *targets[] = {&flushes, &keeps};
    struct test t = make_test("x: f32[4] = input\ny: f32[4] = reciprocal(x)\noutput y\n");
    set_input(&t, 0, (const double[]){0x1p-127, 2, 1, 3});
    for (size_t i = 0; i < 4; i++) {
        struct verdict v;
        struct outcome o = right_outcome(&t);
        put(&o, 0, i / 2, INFINITY);
        judge_runs(&t, reference_new(&t, arena), &targets[i % 2], &o, 1, arena, &v);
        assert_int_equal(v.kind, i == 0 ? VERDICT_PASS : VERDICT_FINDING);
    }
}

static void test_verdict_repeats(void **state)
{
    struct test t = add_test();
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, 1.6L);
    struct verdict a = judged(&t, &o), b = judged(&t, &o);
    assert_true(a.bound == b.bound && a.expected == b.expected && a.n_wrong == b.n_wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_right_run_passes),
        TEST(test_one_step_passes_ten_do_not),
        TEST(test_tiny_results_count),
        TEST(test_integers_are_exact),
        TEST(test_classes_are_distinct),
        TEST(test_edge_of_a_jump_is_unstable),
        TEST(test_mostly_unstable_is_unjudged),
        TEST(test_unspecified_and_what_derives_from_it),
        TEST(test_traps_of_indices),
        TEST(test_traps_of_division),
        TEST(test_elements),
        TEST(test_undefined_programs_may_end),
        TEST(test_form_oracles),
        TEST(test_process_oracles),
        TEST(test_determinism),
        TEST(test_reference_suspect),
        TEST(test_one_step_of_exact_values),
        TEST(test_runs_are_judged_as_alone),
        TEST(test_half_floats_are_not_flushed),
        TEST(test_faults_beside_infinity),
        TEST(test_behind_flushed),
        TEST(test_verdict_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
