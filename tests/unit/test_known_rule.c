/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule that `opjury known add` writes: it knows its own finding and others of the same cause,
 * and nothing that would be in another bucket.
 */
#include <math.h>
#include <string.h>

#include "triage/triage.h"
#include "unit.h"

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

static const struct target_kind kind = {.name = "torch"};
static const struct target target = {.kind = &kind, .text = "torch", .version = "2.13.0+cpu"};

/* A failure of `y = relu(x)` in some dtype. */
struct seen {
    const char *dtype;
    struct verdict verdict;
    struct outcome outcome;
};

static struct program *relu_of(const char *dtype, struct arena *arena)
{
    struct program *p;
    const char *text =
        arena_printf(arena, "x: %s[3] = input\ny: %s[3] = relu(x)\noutput y\n", dtype, dtype);
    if (program_parse("test", text, strlen(text), arena, &p) != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s\n%s", err_text(), text);
    }
    return p;
}

/* As the value oracle says it. */
static struct seen wrong_value(const char *dtype, real expected, real actual, struct arena *arena)
{
    enum dtype d = dtype_parse(dtype, strlen(dtype));
    struct buffer text = BUFFER_INIT;
    buffer_puts(&text, "y[0]: expected ");
    dtype_print(d, expected, &text);
    buffer_puts(&text, ", got ");
    dtype_print(d, actual, &text);
    buffer_puts(&text, ", allowed error 1.5e-07; 1 of 3 compared elements wrong");
    struct seen s = {
        .dtype = dtype,
        .verdict = {.kind = VERDICT_FINDING,
                    .oracle = "value",
                    .text = arena_strdup(arena, text.data),
                    .expected = expected,
                    .actual = actual},
        .outcome = {.kind = OUTCOME_OK, .n_outputs = 1},
    };
    buffer_release(&text);
    s.outcome.outputs = ARENA_ZARRAY(arena, struct tensor, 1);
    s.outcome.outputs[0].dtype = d;
    return s;
}

/* The rule of a finding in the bucket of its own form, or of `key`. */
static const char *rule_text(const struct seen *s, const char *key, dtype_set dtypes,
                             struct arena *arena)
{
    const struct program *p = relu_of(s->dtype, arena);
    const char *signature = failure_signature(&s->verdict, &s->outcome, arena);
    const struct known_report report = {
        .id = "r",
        .key = key != NULL ? key : bucket_key(p, NULL, &target, signature, arena),
        .dtypes = dtypes,
        .target = &target,
        .verdict = &s->verdict,
        .outcome = &s->outcome,
        .url = "u",
    };
    return known_rule_for(&report, arena);
}

static bool knows(const char *rule, const struct seen *s, struct arena *arena)
{
    struct known_rules *rules;
    if (known_parse("rule", rule, strlen(rule), arena, &rules) != ERR_OK) {
        fail_msg("%s\n%s", err_text(), rule);
    }
    return known_match(rules, &target, relu_of(s->dtype, arena), &s->verdict, &s->outcome, arena) !=
           NULL;
}

static void a_rule_is_of_the_classes_of_dtypes_of_its_bucket(void **state)
{
    static const struct {
        const char *of, *seen;
        bool is_known;
    } cases[] = {
        {"f32", "f32", true},  {"f32", "f64", true},  {"f32", "f16", false},
        {"f32", "i64", false}, {"f16", "bf16", true}, {"f16", "f32", false},
        {"i64", "i8", true},   {"i64", "i16", true},  {"i64", "f64", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seen of = wrong_value(cases[i].of, 1, 2, *state);
        struct seen other = wrong_value(cases[i].seen, 3, 4, *state);
        if (knows(rule_text(&of, NULL, 0, *state), &other, *state) != cases[i].is_known) {
            fail_msg("a rule of %s and a finding in %s", cases[i].of, cases[i].seen);
        }
    }
    /* Another finding of the same bucket was of halves. */
    struct seen f32 = wrong_value("f32", 1, 2, *state), bf16 = wrong_value("bf16", 1, 2, *state);
    assert_true(knows(rule_text(&f32, NULL, DT(F16), *state), &bf16, *state));
}

static void a_wrong_number_is_no_wrong_infinity_and_no_nan(void **state)
{
    static const struct {
        real expected, actual;
        unsigned class; /* those of one signature */
    } values[] = {
        {1, 2, 0},
        {-1.5L, 1e30L, 0},
        {0, -0.0L, 0},
        {1, (real)INFINITY, 1},
        {-(real)INFINITY, -2, 1},
        {(real)INFINITY, -(real)INFINITY, 1},
        {(real)NAN, 1, 2},
        {(real)NAN, -(real)INFINITY, 2},
        {1e-30L, (real)NAN, 3},
        {-(real)INFINITY, (real)NAN, 3},
    };
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct seen of = wrong_value("f32", values[i].expected, values[i].actual, *state);
        const char *rule = rule_text(&of, NULL, 0, *state);
        for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
            struct seen s = wrong_value("f64", values[k].expected, values[k].actual, *state);
            if (knows(rule, &s, *state) != (values[i].class == values[k].class)) {
                fail_msg("%s\n%s", rule, s.verdict.text);
            }
        }
    }
}

static void booleans_and_integers_are_numbers(void **state)
{
    struct seen of = wrong_value("i8", -1, 7, *state), other = wrong_value("i8", 0, 1, *state);
    const char *rule = rule_text(&of, NULL, 0, *state);
    assert_true(knows(rule, &of, *state));
    assert_true(knows(rule, &other, *state));
}

static void a_shape_is_wrong_in_every_dtype(void **state)
{
    struct seen s = wrong_value("f32", 0, 0, *state), other = wrong_value("i8", 0, 0, *state);
    s.verdict.oracle = other.verdict.oracle = "shape";
    assert_true(knows(rule_text(&s, NULL, 0, *state), &other, *state));
    other.verdict.oracle = "dtype";
    assert_false(knows(rule_text(&s, NULL, 0, *state), &other, *state));
}

static void signals_messages_and_effects_are_told_apart(void **state)
{
    struct seen s = {
        .dtype = "f32",
        .verdict = {.kind = VERDICT_FINDING, .oracle = "crash", .text = "it died"},
        .outcome = {.kind = OUTCOME_CRASH,
                    .signal = 11,
                    .message = "killed by signal 11 (Segmentation fault)"},
    };
    struct seen other = s;
    const char *rule = rule_text(&s, NULL, 0, *state);
    assert_true(knows(rule, &s, *state));
    other.outcome.signal = 8;
    other.outcome.message = "killed by signal 8 (Floating point exception)";
    assert_false(knows(rule, &other, *state));

    s.verdict = (struct verdict){
        .kind = VERDICT_FINDING, .oracle = "side_effects", .text = "an input tensor was changed"};
    s.outcome = (struct outcome){.kind = OUTCOME_OK, .input_changed = true};
    other = s;
    other.outcome = (struct outcome){.kind = OUTCOME_OK, .out_of_bounds = true};
    other.verdict.text = "memory beside an input tensor was overwritten";
    rule = rule_text(&s, NULL, 0, *state);
    assert_true(knows(rule, &s, *state));
    assert_false(knows(rule, &other, *state));

    s.verdict = (struct verdict){.kind = VERDICT_FINDING, .oracle = "status", .text = "refused"};
    s.outcome = (struct outcome){.kind = OUTCOME_ERROR,
                                 .phase = "run",
                                 .error_class = "RuntimeError",
                                 .message = "relu(): no kernel (of this kind) is there for [3]"};
    other = s;
    other.outcome.message = "relu(): the operands are not on one device at all";
    rule = rule_text(&s, NULL, 0, *state);
    assert_true(knows(rule, &s, *state));
    assert_false(knows(rule, &other, *state));
    other.outcome.message = "";
    rule = rule_text(&other, NULL, 0, *state); /* an error that says nothing */
    assert_true(knows(rule, &other, *state));
}

static void ops_in_the_place_of_each_other_are_all_named(void **state)
{
    struct seen s = wrong_value("i64", 1, 2, *state);
    const char *rule = rule_text(&s, "torch | clip|relu(int) | value discrete", 0, *state);
    assert_non_null(strstr(rule, "ops: [clip|relu]"));
    assert_true(knows(rule, &s, *state));
    rule = rule_text(&s, "torch | clip(int) -> neg(float) | value discrete", 0, *state);
    assert_non_null(strstr(rule, "ops: [clip -> neg]"));
    assert_non_null(strstr(rule, "f64"));
    assert_non_null(strstr(rule, "i8"));
    assert_null(strstr(rule, "f16"));
    assert_false(knows(rule, &s, *state));
    assert_non_null(strstr(rule, "versions: [\"2.13.0\"]"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rule_is_of_the_classes_of_dtypes_of_its_bucket),
        TEST(a_wrong_number_is_no_wrong_infinity_and_no_nan),
        TEST(booleans_and_integers_are_numbers),
        TEST(a_shape_is_wrong_in_every_dtype),
        TEST(signals_messages_and_effects_are_told_apart),
        TEST(ops_in_the_place_of_each_other_are_all_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
