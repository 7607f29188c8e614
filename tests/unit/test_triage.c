/* SPDX-License-Identifier: Apache-2.0 */
/* triage: what names a failure (messages, signatures, chains, keys of buckets); does it repeat? */
#include <math.h>
#include <string.h>

#include "selftest.h"
#include "triage/alike.h"
#include "triage/triage.h"

static int make_arena(void **state)
{
    *state = arena_new();
    return 0;
}

static int free_arena(void **state)
{
    arena_free(*state);
    return 0;
}

static struct program *parse_program(const char *text, struct arena *arena)
{
    struct program *p;
    if (program_parse("test", text, strlen(text), arena, &p) != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    return p;
}

/* ---- messages ---- */

static void message_keeps_words_and_drops_what_varies(void **state)
{
    static const struct {
        const char *message, *normal;
    } cases[] = {
        {"", ""},
        {"plain words stay", "plain words stay"},
        {"got 3 of 1e-5 and -2.5", "got # of # and #"},
        {"at 0x7fffdeadbeef", "at #"},
        {"name 'v12' and \"foo bar\"", "name * and *"},
        {"Name:'' Status", "Name:* Status"},
        {"n > 0 INTERNAL ASSERT FAILED at \"../aten/src/ATen/x.cpp\":12, please report",
         "n > # INTERNAL ASSERT FAILED at x.cpp:#, please report"},
        {"no file 'a/b.txt'", "no file *"},
        {"of ''quoted twice'' it", "of '*' it"},
        {"doesn't match, can't be", "doesn't match, can't be"},
        {"value v12 of node_7 is float16, not int64", "value # of node_# is float16, not int64"},
        {"shape {2,3,4} or {5,6}", "shape {#} or {#}"},
        {"sizes 2 x 3 x 4", "sizes #"},
        {"cannot open /tmp/a1b2/model.onnx.", "cannot open PATH."},
        {"/build/core/optimizer/relu_clip_fusion.cc:83 void Apply",
         "relu_clip_fusion.cc:# void Apply"},
        {"two\n  lines \n", "two lines"},
        {"Clip(13) is not implemented", "Clip(#) is not implemented"},
        {"In (\"x0\": tensor(bool),) -> (\"v0\",), tensor(bool)", "In (*,) -> (*,), tensor(bool)"},
        {"'x': tensor (f) or 'y': tensor(f", "*: tensor (f) or *: tensor(f"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(normalise_message(cases[i].message, *state), cases[i].normal);
    }
}

static void message_is_bounded_and_keeps_both_ends(void **state)
{
    char message[4096];
    memset(message, 'a', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    memcpy(message, "first", 5);
    memcpy(message + sizeof(message) - 5, "last", 4);
    const char *normal = normalise_message(message, *state);
    assert_int_equal(strlen(normal), 200);
    assert_memory_equal(normal, "first", 5);
    assert_string_equal(normal + 196, "last");
}

static void message_fragment_is_in_the_message(void **state)
{
    static const char *const messages[] = {
        "[ONNXRuntimeError] : 1 : FAIL : x.cc:83 Unexpected data type for Clip 'min' input of 11",
        "12",
        "",
        "'a' 'b'",
        "v1 v2 then the reason v3",
    };
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        const char *fragment = message_fragment(messages[i], *state);
        assert_non_null(strstr(messages[i], fragment));
    }
    assert_string_equal(message_fragment(messages[0], *state), "Unexpected data type for Clip");
    assert_string_equal(message_fragment(messages[4], *state), "then the reason");
}

/* ---- signatures ---- */

static void signature_of_an_error_has_no_names_of_the_program(void **state)
{
    const struct verdict v = {.kind = VERDICT_FINDING, .oracle = "status"};
    struct outcome a = {.kind = OUTCOME_ERROR,
                        .phase = "load",
                        .error_class = "Fail",
                        .message = "node 'v3' of shape {2,3}"};
    struct outcome b = a;
    b.message = "node 'v44' of shape {7}";
    const char *first = failure_signature(&v, &a, *state);
    assert_string_equal(first, "status load Fail: node * of shape {#}");
    assert_string_equal(failure_signature(&v, &b, *state), first);
    b.phase = "run";
    assert_string_not_equal(failure_signature(&v, &b, *state), first);
    b = a;
    b.error_class = "NotImplemented";
    assert_string_not_equal(failure_signature(&v, &b, *state), first);
}

static void signature_of_a_crash_has_the_frames_that_say_something(void **state)
{
    const struct verdict v = {.kind = VERDICT_FINDING, .oracle = "crash"};
    const struct outcome o = {
        .kind = OUTCOME_CRASH,
        .signal = 6,
        .n_frames = 6,
        .frames = {"raise", "abort", "conv_kernel", "run_node", "session_run", "main"},
    };
    assert_string_equal(failure_signature(&v, &o, *state),
                        "crash signal 6 at conv_kernel < run_node < session_run");
    /* Where in a function it dies is no matter, in which function is. */
    struct outcome unnamed = {.kind = OUTCOME_CRASH,
                              .signal = 8,
                              .n_frames = 2,
                              .frames = {"lib.so+0x520+0xf4", "lib.so+0x77"}};
    assert_string_equal(failure_signature(&v, &unnamed, *state),
                        "crash signal 8 at lib.so+0x520 < lib.so+0x77");
    const struct outcome gone = {.kind = OUTCOME_CRASH, .exit_status = 3};
    assert_string_equal(failure_signature(&v, &gone, *state), "crash exit 3");
    /* Code of the program itself has a name by what else was built with it. */
    struct outcome built = {
        .kind = OUTCOME_CRASH,
        .signal = 11,
        .n_frames = 3,
        .frames = {"kernel_19",
                   "cdouezngo23o3rqohixiaag5d2jvdblghriedljrzp4fuogwcqzi.main.so+0xdd00+0xa9",
                   "libpython3.11.so.1.0+0x1a6c80+0x41"}};
    assert_string_equal(failure_signature(&v, &built, *state), "crash signal 11 at kernel");
    built.frames[1] = "c2qbintsuu3frx2gkze7dcidgsyvfathc3pidfztou22yzudnrel.main.so+0x8040+0xa9";
    built.frames[0] = "kernel";
    assert_string_equal(failure_signature(&v, &built, *state), "crash signal 11 at kernel");
    built.frames[0] = "kernel_of_ours";
    built.frames[1] = "cdouezngo23.so+0x10+0x2";
    assert_string_equal(failure_signature(&v, &built, *state),
                        "crash signal 11 at kernel_of_ours < cdouezngo23.so+0x10 < "
                        "libpython3.11.so.1.0+0x1a6c80");
}

static void signatures_are_alike_but_for_one_word_of_many(void **state)
{
    static const char left[] = "status run Fail: helper.h:# Compute left operand cannot broadcast",
                      right[] =
                          "status run Fail: helper.h:# Compute right operand cannot broadcast",
                      longer[] = "status run Fail: helper.h:# Compute right operand cannot "
                                 "broadcast now",
                      other[] = "status run Fail: helper.h:# Move right operand cannot broadcast";
    assert_true(signatures_alike(left, right));
    assert_false(signatures_alike(right, longer));
    assert_false(signatures_alike(left, other));
    assert_false(signatures_alike("status run Fail: no left", "status run Fail: no right"));
    assert_false(signatures_alike("shape", "dtype"));
    /* Another function divides by zero, called by the same ones; or all else is another way. */
    assert_true(signatures_alike("crash signal 8 at a < b < c", "crash signal 8 at d < b < c"));
    assert_false(signatures_alike("crash signal 8 at a < b < c", "crash signal 8 at d < e < c"));
    assert_false(signatures_alike("crash signal 8 at a", "crash signal 8 at b"));
}

/* A check that did not hold is one place whatever led there; what malloc says may be any. */
static void signature_of_an_assertion_is_its_text(void **state)
{
    const struct verdict v = {.kind = VERDICT_FINDING, .oracle = "crash"};
    struct outcome o = {.kind = OUTCOME_CRASH,
                        .signal = 6,
                        .address = 4711,
                        .n_frames = 1,
                        .frames = {"conv_kernel"},
                        .assertion = "Check failed: rank > 0 (0 vs. 1)"};
    assert_string_equal(failure_signature(&v, &o, *state),
                        "crash signal 6 saying Check failed: rank > # (# vs. #)");
    o.assertion = "double free or corruption (out)";
    assert_string_equal(failure_signature(&v, &o, *state), "crash signal 6 at conv_kernel");
    o = (struct outcome){.kind = OUTCOME_CRASH, .signal = 11, .python = "nn/f.py:12 in relu"};
    assert_string_equal(failure_signature(&v, &o, *state), "crash signal 11 at f.py:# in relu");
}

static void signature_of_a_wrong_value_has_its_class_only(void **state)
{
    const struct outcome o = {.kind = OUTCOME_OK};
    const struct verdict a = {
        .kind = VERDICT_FINDING, .oracle = "value", .expected = 1, .text = "a"};
    const struct verdict b = {
        .kind = VERDICT_FINDING, .oracle = "value", .expected = 2, .text = "b"};
    assert_string_equal(failure_signature(&a, &o, *state), failure_signature(&b, &o, *state));
    const struct {
        real expected, actual;
        const char *signature;
    } classes[] = {
        {1, 2, "value"},
        {1, INFINITY, "value infinity"},
        {-INFINITY, INFINITY, "value infinity"},
        {NAN, 1, "value NaN expected"},
        {NAN, INFINITY, "value NaN expected"},
        {INFINITY, NAN, "value NaN came back"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        const struct verdict v = {.kind = VERDICT_FINDING,
                                  .oracle = "value",
                                  .expected = classes[i].expected,
                                  .actual = classes[i].actual};
        assert_string_equal(failure_signature(&v, &o, *state), classes[i].signature);
    }
    struct tensor flag = {.dtype = DTYPE_BOOL};
    const struct outcome discrete = {.kind = OUTCOME_OK, .n_outputs = 1, .outputs = &flag};
    assert_string_equal(failure_signature(&a, &discrete, *state), "value discrete");
    const struct verdict side = {.kind = VERDICT_FINDING, .oracle = "side_effects"};
    const struct outcome changed = {.kind = OUTCOME_OK, .input_changed = true};
    const struct outcome beside = {.kind = OUTCOME_OK, .out_of_bounds = true};
    assert_string_not_equal(failure_signature(&side, &changed, *state),
                            failure_signature(&side, &beside, *state));
}

/* ---- chains and buckets ---- */

static void chain_names_ops_and_dtypes_in_data_flow_order(void **state)
{
    struct program *p = parse_program("x: f64[3] = input\n"
                                      "r: f64[3] = relu(x)\n"
                                      "y: f64[3] = clip(r, min=-1.0, max=1.0)\n"
                                      "output y\n",
                                      *state);
    assert_string_equal(op_chain(p, *state), "relu(f64) -> clip(f64)");
}

static void chain_does_not_depend_on_the_order_of_independent_nodes(void **state)
{
    struct program *a = parse_program("x: f32[3] = input\n"
                                      "a: f32[3] = neg(x)\n"
                                      "b: i64[3] = cast(x, to=i64)\n"
                                      "c: f32[3] = exp(a)\n"
                                      "output c, b\n",
                                      *state);
    struct program *b = parse_program("x: f32[3] = input\n"
                                      "b: i64[3] = cast(x, to=i64)\n"
                                      "a: f32[3] = neg(x)\n"
                                      "c: f32[3] = exp(a)\n"
                                      "output c, b\n",
                                      *state);
    assert_string_equal(op_chain(a, *state), "cast(f32->i64), neg(f32) -> exp(f32)");
    assert_string_equal(op_chain(a, *state), op_chain(b, *state));
}

static const struct target_kind some_kind = {.name = "onnxruntime"};

static void bucket_key_tells_library_ops_and_signature_apart(void **state)
{
    const struct target t = {.kind = &some_kind, .text = "onnxruntime:opt=all"};
    struct program *p = parse_program("x: f32[3] = input\ny: f32[3] = relu(x)\noutput y\n", *state);
    assert_string_equal(bucket_key(p, NULL, &t, "value", *state),
                        "onnxruntime | relu(float) | value");
    assert_string_equal(bucket_key(p, NULL, &t, "crash signal 11 at f", *state),
                        "onnxruntime | relu | crash signal 11 at f");
    assert_string_equal(bucket_key(p, NULL, &t, "status load Fail: no", *state),
                        "onnxruntime | relu | status load Fail: no");
}

/* Dtypes by their class; what another op can stand in for is left out. */
static void bucket_key_has_what_the_cause_needs(void **state)
{
    static const char *const texts[] = {
        "x: f64[3] = input\na: f64[3] = neg(x)\ny: f64[3] = relu(a)\noutput y\n",
        "x: f32[3] = input\na: f32[3] = exp(x)\ny: f32[3] = relu(a)\noutput y\n"};
    static const bool first[] = {true, false};
    const struct target t = {.kind = &some_kind, .text = "onnxruntime:opt=all"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct program *p = parse_program(texts[i], *state);
        assert_string_equal(bucket_key(p, first, &t, "value", *state),
                            "onnxruntime | relu(float) | value");
    }
    struct program *half = parse_program(
        "x: f16[3] = input\na: i8[3] = cast(x, to=i8)\ny: i8[3] = relu(a)\noutput y\n", *state);
    assert_string_equal(bucket_key(half, NULL, &t, "value", *state),
                        "onnxruntime | cast(half) -> relu(int) | value");
}

/* ---- recheck ---- */

/* How many of four further runs fail in the way that the test was found to, by that oracle. */
static unsigned count_repeats(const char *target, const char *oracle, const char *signature,
                              struct arena *arena)
{
    struct target *t = parse(arena, target);
    struct jury *jury;
    must(jury_open(&t, 1, NULL, &jury));
    struct failure f = {.what = t,
                        .test = echo_test(arena, 1, PLACE_ALIGNED),
                        .verdict = {.kind = VERDICT_FINDING, .oracle = oracle, .text = ""},
                        .signature = signature};
    must(recheck(jury, &f, 4, arena));
    assert_int_equal(f.runs, 4);
    jury_close(jury);
    return f.repeats;
}

static void recheck_counts_the_same_failure_alone(void **state)
{
    static const char raised[] = "status run ZeroDivisionError: integer division or modulo by zero";
    assert_int_equal(count_repeats("selftest:raise", "status", raised, *state), 4);
    assert_int_equal(count_repeats("selftest:raise", "status", "status load: other", *state), 0);
    assert_int_equal(count_repeats("selftest:echo", "status", raised, *state), 0);
}

/* One look is two runs: results of chance differ, right ones and wrong ones that repeat do not. */
static void recheck_of_chance_compares_two_runs(void **state)
{
    assert_int_equal(count_repeats("selftest:chance", "determinism", "determinism", *state), 4);
    assert_int_equal(count_repeats("selftest:echo", "determinism", "determinism", *state), 0);
    assert_int_equal(count_repeats("selftest:raise", "determinism", "determinism", *state), 0);
}

/* What is right where another runs it is the runtime's failure; what is wrong there too is not. */
static void another_runtime_filters(void **state)
{
    static const char raised[] = "status run ZeroDivisionError: integer division or modulo by zero";
    static const struct {
        const char *program;
        unsigned repeats;
        enum verdict_kind other;
    } cases[] = {
        {NULL, 0, VERDICT_FILTERED}, /* its output is its input, as an echo has it */
        {"x: f32[2,3] = input\ny: f32[2,3] = neg(x)\noutput y\n", 2, 0},
    };
    struct target *t = parse(*state, "selftest:runtime,raise");
    struct jury *jury;
    must(jury_open(&t, 1, NULL, &jury));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct test *test = echo_test(*state, 1, PLACE_ALIGNED);
        if (cases[i].program != NULL) {
            test->program = parse_program(cases[i].program, *state);
        }
        struct failure f = {.what = t,
                            .test = test,
                            .verdict = {.kind = VERDICT_FINDING, .oracle = "status", .text = ""},
                            .signature = raised};
        must(recheck(jury, &f, 2, *state));
        assert_int_equal(f.repeats, cases[i].repeats);
        assert_int_equal(f.other_kind, cases[i].other);
        assert_true(cases[i].other == 0 || strstr(f.other, "echo, for it is right with echo: "));
    }
    jury_close(jury);
}

#define WITH_ARENA(name) cmocka_unit_test_setup_teardown(name, make_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(message_keeps_words_and_drops_what_varies),
        WITH_ARENA(message_is_bounded_and_keeps_both_ends),
        WITH_ARENA(message_fragment_is_in_the_message),
        WITH_ARENA(signature_of_an_error_has_no_names_of_the_program),
        WITH_ARENA(signatures_are_alike_but_for_one_word_of_many),
        WITH_ARENA(signature_of_a_crash_has_the_frames_that_say_something),
        WITH_ARENA(signature_of_an_assertion_is_its_text),
        WITH_ARENA(signature_of_a_wrong_value_has_its_class_only),
        WITH_ARENA(chain_names_ops_and_dtypes_in_data_flow_order),
        WITH_ARENA(chain_does_not_depend_on_the_order_of_independent_nodes),
        WITH_ARENA(bucket_key_tells_library_ops_and_signature_apart),
        WITH_ARENA(bucket_key_has_what_the_cause_needs),
        WITH_ARENA(another_runtime_filters),
        WITH_ARENA(recheck_counts_the_same_failure_alone),
        WITH_ARENA(recheck_of_chance_compares_two_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
