/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a failure to the form of its cause, and buckets by it: on planted faults, and on two faults
 * of a real library (onnxruntime, where findings/ holds them) that no planted one is like.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "given.h"

#include "triage/cause_internal.h"

struct scene {
    struct arena *arena;
    struct target *target;
    struct jury *jury;
    struct failure failure;
    struct reduction reduction;
};

/* The cause of what fails there; to be closed. */
static void open_scene(struct scene *s, const char *target, const char *text, real value)
{
    *s = (struct scene){.arena = arena_new(), .reduction = {.cpu_limit = 60, .max_runs = 1000}};
    struct failure *f = &s->failure;
    ok(target_parse(target, NULL, s->arena, &s->target));
    ok(jury_open(&s->target, 1, &(struct jury_options){0}, &s->jury));
    f->what = s->target;
    f->test = given_test(text, value, s->arena);
    ok(jury_run_fresh(s->jury, 0, f->test, s->arena, &f->outcome));
    const struct judgement j = {.test = f->test,
                                .reference = reference_new(f->test, s->arena),
                                .target = s->target,
                                .outcome = &f->outcome,
                                .arena = s->arena};
    judge(&j, &f->verdict);
    assert_int_equal(f->verdict.kind, VERDICT_FINDING);
    f->signature = failure_signature(&f->verdict, &f->outcome, s->arena);
    ok(reduce_to_cause(s->jury, f, &s->reduction, s->arena));
    assert_true(s->reduction.reproduced && s->reduction.complete);
    f->signature = failure_signature(&s->reduction.verdict, &s->reduction.outcome, s->arena);
}

static void close_scene(struct scene *s)
{
    jury_close(s->jury);
    arena_free(s->arena);
}

enum { OLDER_TESTS = 2 };

/* The tests of every older bucket; NULL: no more. */
static enum err these_tests(void *context, const char *key, struct arena *arena,
                            const struct test ***tests, size_t *n)
{
    *tests = context;
    for (*n = 0; *n < OLDER_TESTS && (*tests)[*n] != NULL;) {
        ++*n;
    }
    return ERR_OK;
}

/* The bucket, where there is another of this key and these tests before it; NULL: there is none. */
static const char *key_beside_both(struct scene *s, const char *older, const struct test *first,
                                   const struct test *second)
{
    const struct test *tests[OLDER_TESTS] = {first, second};
    const struct older_buckets buckets = {&older, older != NULL, these_tests, tests};
    const char *key;
    ok(choose_bucket_key(s->jury, &s->failure, &s->reduction, &buckets, s->arena, &key));
    return key;
}

static const char *key_beside(struct scene *s, const char *older, const struct test *test)
{
    return key_beside_both(s, older, test, NULL);
}

static const char *own_key(struct scene *s)
{
    return key_beside(s, NULL, NULL);
}

static const char wrong_later[] =
    "x: f32[2] = input\ne: f32[2] = exp(x)\ny: f32[2] = reciprocal(e)\n"
    "z: f32[2] = neg(y)\noutput z\n";

/* Infinity lost in exp is seen as a wrong number behind its reciprocal. */
static void what_is_wrong_earlier_is_the_failure(void **state)
{
    struct scene s;
    open_scene(&s, "faulty:lose_inf.exp", wrong_later, 1000);
    assert_string_equal(op_chain(s.reduction.test->program, s.arena), "exp(f32)");
    assert_string_equal(own_key(&s), "faulty | exp(float) | value infinity");
    close_scene(&s);
}

static const char read_by_both[] =
    "x: f32[2] = input\nw: f32[2] = const [1, 1]\ny: f32[2] = sub(x, w)\n"
    "z: f32[2] = add(x, w)\noutput y, z\n";

/* A constant that one op writes over is wrong for the other; alone the first changes an input. */
static void what_is_written_over_is_the_failure(void **state)
{
    struct scene s;
    open_scene(&s, "faulty:overwrite.sub", read_by_both, 1);
    assert_string_equal(op_chain(s.reduction.test->program, s.arena), "sub(f32)");
    assert_string_equal(own_key(&s), "faulty | sub(float) | side_effects input changed");
    close_scene(&s);
    open_scene(&s, "faulty:negate.add", read_by_both, 1); /* and what is wrong by itself stays so */
    assert_string_equal(own_key(&s), "faulty | add(float) | value");
    close_scene(&s);
}

/* A search that has come to a failure which nobody has seen: of this oracle and signature. */
static struct search search_of(struct scene *s, const char *target, const char *text, real value,
                               const char *oracle, const char *signature)
{
    *s = (struct scene){.arena = arena_new(), .reduction = {.cpu_limit = 60, .max_runs = 1000}};
    ok(target_parse(target, NULL, s->arena, &s->target));
    ok(jury_open(&s->target, 1, &(struct jury_options){0}, &s->jury));
    s->failure = (struct failure){
        .what = s->target,
        .test = given_test(text, value, s->arena),
        .verdict = {.kind = VERDICT_FINDING, .oracle = oracle, .expected = 1, .bound = 0},
        .signature = signature,
    };
    return (struct search){
        .jury = s->jury, .failure = s->failure, .r = &s->reduction, .arena = s->arena};
}

static const char wrong_before[] =
    "x: f32[2] = input\ne: f32[2] = exp(x)\ny: f32[2] = relu(e)\noutput y\n";

/* What numbers do not do is no matter of the wrong number before it, known or not. */
static void a_crash_behind_a_wrong_number_stays_itself(void **state)
{
    static const struct {
        const char *oracle, *signature;
        bool is_explained;
    } cases[] = {{"value", "value", true},
                 {"crash", "crash signal 11 at f", false},
                 {"status", "status run Error: refused", false},
                 {"shape", "shape", false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s;
        struct search search = search_of(&s, "faulty:negate.exp", wrong_before, 1, cases[i].oracle,
                                         cases[i].signature);
        bool found;
        ok(search_earlier(&search, &found));
        assert_int_equal(found, cases[i].is_explained);
        assert_string_equal(search.failure.verdict.oracle, cases[i].oracle);
        assert_int_equal(search.failure.test->program->n_nodes, found ? 1 : 2);
        close_scene(&s);
    }
}

/* The wrong number that all that follows only spreads: where that is a known bug, so is all. */
static void a_wrong_number_behind_a_known_one_is_known(void **state)
{
    static const char rule[] = "- id: our-exp\n  library: faulty\n  ops: [exp]\n  oracle: value\n"
                               "  url: https://example.org/1\n  note: n\n";
    struct scene s;
    struct known_rules *rules;
    open_scene(&s, "faulty:negate.exp", wrong_before, 1);
    ok(known_parse("test", rule, strlen(rule), s.arena, &rules));
    const char *known = known_match(rules, s.target, s.reduction.test->program,
                                    &s.reduction.verdict, &s.reduction.outcome, s.arena);
    assert_string_equal(known, "our-exp");
    close_scene(&s);
}

/* What was seen once is not what failed. */
static void what_shows_once_takes_no_place(void **state)
{
    struct scene s;
    struct search search =
        search_of(&s, "selftest:first",
                  "x: f32[2] = input\na: f32[2] = relu(x)\ny: f32[2] = abs(a)\noutput y\n", 1,
                  "value", "value");
    bool found;
    ok(search_earlier(&search, &found));
    assert_false(found);
    assert_true(search.r->runs > 1);
    assert_int_equal(search.failure.test->program->n_nodes, 2);
    close_scene(&s);
}

/* A number that is hardly wrong takes no place of one that is wrong by far. */
static void what_is_hardly_wrong_is_not_the_same(void **state)
{
    bool same = false, is_slight = false;
    for (int i = 0; i < 200 && !is_slight; i++) {
        struct scene s;
        struct search search = search_of(&s, "faulty:low_precision.exp",
                                         "x: f16[1] = input\ny: f16[1] = exp(x)\noutput y\n",
                                         1 + i * 0x1p-8L, "value", "value");
        struct test test = *search.failure.test;
        struct outcome outcome;
        struct verdict verdict;
        search.failure.verdict.actual = 1.5L; /* of a bound of 1: slight itself */
        search.failure.verdict.expected = 0;
        search.failure.verdict.bound = 1;
        ok(search_look(&search, &test, &outcome, &verdict, &same));
        is_slight = same && failure_is_slight(&verdict);
        search.failure.verdict.actual = 100;
        ok(search_look(&search, &test, &outcome, &verdict, &same));
        close_scene(&s);
    }
    assert_true(is_slight && !same);
}

static struct failure failure_of(const char *oracle, const char *signature, real actual, real bound)
{
    return (struct failure){.verdict = {.oracle = oracle, .actual = actual, .bound = bound},
                            .signature = signature};
}

static void what_explains_what(void **state)
{
    const struct failure number = failure_of("value", "value", 10, 1);
    const struct failure slight = failure_of("value", "value", 1.5L, 1);
    const struct failure infinity = failure_of("value", "value infinity", 10, 0);
    const struct failure input = failure_of("side_effects", "side_effects", 0, 0);
    const struct failure shape = failure_of("shape", "shape", 0, 0);
    const struct failure a = failure_of("status", "status load A", 0, 0);
    const struct failure b = failure_of("status", "status load B", 0, 0);
    const struct failure crash = failure_of("crash", "crash signal 11 at f", 0, 0);
    const struct failure fused = failure_of(
        "status", "status run Fail: while running FusedX node: cannot broadcast dim", 0, 0);
    const struct failure alone =
        failure_of("status", "status run Fail: while running X node: cannot broadcast dim", 0, 0);
    assert_true(failure_explains(&alone, &fused));
    assert_true(failure_explains(&number, &number) && failure_explains(&number, &infinity) &&
                failure_explains(&infinity, &number) && failure_explains(&input, &number) &&
                failure_explains(&slight, &slight) && failure_explains(&number, &slight));
    assert_false(failure_explains(&slight, &number));
    assert_true(failure_explains(&shape, &a) && failure_explains(&shape, &number));
    assert_true(failure_explains(&a, &a) && failure_explains(&crash, &crash));
    assert_true(failure_explains(&a, &b)); /* refused, in other words */
    assert_false(failure_explains(&number, &a) || failure_explains(&number, &shape) ||
                 failure_explains(&number, &crash) || failure_explains(&shape, &crash) ||
                 failure_explains(&crash, &a) || failure_explains(&b, &number) ||
                 failure_explains(&crash, &number) || failure_explains(&number, &input));
}

/* Cut off at any run, it says so. */
static void a_search_that_is_cut_off_is_not_complete(void **state)
{
    struct scene s;
    open_scene(&s, "faulty:lose_inf.exp", wrong_later, 1000);
    unsigned all = s.reduction.runs;
    const struct failure cause = s.failure;
    struct failure f = s.failure;
    f.test = given_test(wrong_later, 1000, s.arena);
    f.signature = "value";
    for (unsigned runs = 1; runs < all; runs++) {
        struct reduction r = {.cpu_limit = 60, .max_runs = runs};
        ok(reduce_to_cause(s.jury, &f, &r, s.arena));
        assert_true(r.runs <= runs + 4);
        assert_false(r.complete);
    }
    struct reduction r = {.cpu_limit = 60, .max_runs = all};
    ok(reduce_to_cause(s.jury, &f, &r, s.arena));
    assert_true(r.complete);
    assert_int_equal(r.runs, all);
    assert_string_equal(failure_signature(&r.verdict, &r.outcome, s.arena), cause.signature);
    close_scene(&s);
}

/* In sittings, as `opjury reduce --runs 2` has them: each knows what those before it looked at. */
static void a_search_goes_on_where_it_was_cut_off(void **state)
{
    static const char text[] = "x: f32[2] = input\ne: f32[2] = exp(x)\ny: f32[2] = relu(e)\n"
                               "z: f32[2] = neg(y)\noutput z\n";
    struct scene s;
    open_scene(&s, "faulty:negate.relu+exp", text, 1);
    const char *chain = op_chain(s.reduction.test->program, s.arena);
    unsigned sittings = 0, all = s.reduction.runs;
    struct failure f = s.failure;
    struct reduction r = {0};
    f.test = given_test(text, 1, s.arena);
    do {
        r.cpu_limit = 60;
        r.max_runs = 2;
        ok(reduce_to_cause(s.jury, &f, &r, s.arena));
        assert_true(r.reproduced);
        f.test = r.test;
    } while (!r.complete && ++sittings < 10 * all);
    assert_true(r.complete);
    assert_string_equal(op_chain(r.test->program, s.arena), chain);
    close_scene(&s);
}

static void an_op_alone_stays_as_it_is(void **state)
{
    struct scene s;
    open_scene(&s, "faulty:negate.neg",
               "x: f32[2] = input\na: f32[2] = relu(x)\ny: f32[2] = neg(a)\noutput y\n", 1);
    assert_string_equal(own_key(&s), "faulty | neg(float) | value");
    close_scene(&s);
}

static const char read_later[] =
    "x: f32[1,1] = input\n"
    "s: f32[1] = input\n"
    "a: f32[1] = input\n"
    "m: f32[1] = %s(a)\n"
    "y: f32[1,1], n: f32[1], w: f32[1] = batch_norm_training(x, s, s, m, "
    "s, epsilon=0.0009765625, momentum=0.5)\n"
    "output m, y\n";

/* onnxruntime writes the running mean over what another op computed: whichever it is, one bucket,
 * be it by the wrong number or by what is behind it. */
static void what_any_op_can_stand_in_for_is_left_out(void **state)
{
    static const char *const ops[] = {"tanh", "sigmoid", "neg"};
    static const char key[] = "onnxruntime | batch_norm_training(float) | ";
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        struct scene s;
        char text[sizeof(read_later) + 16];
        snprintf(text, sizeof(text), read_later, ops[i]);
        open_scene(&s, "onnxruntime:opt=none", text, 3);
        if (strncmp(own_key(&s), key, strlen(key)) != 0) {
            fail_msg("%s: %s", ops[i], own_key(&s));
        }
        close_scene(&s);
    }
}

/* A fusion of two ops has neither left out. */
static void ops_that_are_needed_stay(void **state)
{
    struct scene s;
    open_scene(&s, "onnxruntime:opt=all",
               "x: f64[2] = input\na: f64[2] = tanh(x)\nr: f64[2] = relu(a)\n"
               "y: f64[2] = clip(r, min=-1.0, max=1.0)\nz: f64[2] = neg(y)\noutput z\n",
               1);
    const char *key = own_key(&s);
    assert_int_equal(strncmp(key, "onnxruntime | relu -> clip | status load ", 41), 0);
    close_scene(&s);
}

/* Of int64 beyond 32 bits onnxruntime compares parts: max and min by the same code. */
static void another_op_that_fails_there_too_is_the_same_cause(void **state)
{
    static const char text[] = "x: i64[2] = input\nw: i64[2] = const [-4, -4]\n"
                               "y: i64[2] = min(x, w)\noutput y\n";
    static const char of_max[] = "onnxruntime | max(int) | value discrete";
    static const char of_add[] = "onnxruntime | add(int) | value discrete";
    struct scene s;
    open_scene(&s, "onnxruntime:opt=none", text, -4294967296);
    const char *own = own_key(&s);
    assert_string_equal(own, "onnxruntime | min(int) | value discrete");
    struct test *max = given_test("x: i64[2] = input\nw: i64[2] = const [-4, -4]\n"
                                  "y: i64[2] = max(x, w)\noutput y\n",
                                  -4294967296, s.arena);
    assert_string_equal(key_beside(&s, own, max), own);
    assert_string_equal(key_beside(&s, of_max, max), of_max);
    assert_string_equal(key_beside(&s, "onnxruntime | max(int) | shape", max), own);
    assert_string_equal(key_beside(&s, "torch | max(int) | value discrete", max), own);
    /* Ours is right with add. */
    struct test *add = given_test("x: i64[2] = input\nw: i64[2] = const [-4, -4]\n"
                                  "y: i64[2] = add(x, w)\noutput y\n",
                                  -4294967296, s.arena);
    assert_string_equal(key_beside(&s, of_add, add), own);
    close_scene(&s);
}

/* Both ways: where ours passes in the place of the older one's, that is another fault. */
static void an_op_that_fails_there_alone_is_another_cause(void **state)
{
    static const char of_max[] = "onnxruntime | max(int) | value discrete";
    struct scene s;
    open_scene(&s, "onnxruntime:opt=none",
               "x: i64[2] = input\nw: i64[2] = const [-4, -4]\n"
               "y: i64[2] = min(x, w)\noutput y\n",
               -4294967296);
    const char *own = own_key(&s);
    struct test *alone =
        given_test("x: i64[2] = input\ny: i64[2] = max(x, x)\noutput y\n", 1, s.arena);
    assert_string_equal(key_beside(&s, of_max, alone), own);
    /* Among others it is the node of the key's op that counts. */
    struct test *passes = given_test("x: i64[2] = input\nn: i64[2] = neg(x)\n"
                                     "y: i64[2] = max(n, n)\noutput y\n",
                                     1, s.arena);
    assert_string_equal(key_beside(&s, of_max, passes), own);
    struct test *fails = given_test("x: i64[2] = input\nw: i64[2] = const [-4, -4]\n"
                                    "n: i64[2] = neg(x)\ny: i64[2] = max(n, w)\noutput y\n",
                                    4294967296, s.arena);
    assert_string_equal(key_beside(&s, of_max, fails), of_max);
    /* Where it cannot be told, or there is no test, nothing is merged. */
    struct test *two = given_test("x: i64[2] = input\nw: i64[2] = const [-4, -4]\n"
                                  "n: i64[2] = max(x, w)\ny: i64[2] = max(n, w)\noutput y\n",
                                  -4294967296, s.arena);
    assert_string_equal(key_beside(&s, of_max, two), own);
    assert_string_equal(key_beside(&s, of_max, NULL), own);
    close_scene(&s);
}

/* No bucket of another op takes what fails by its own op alone. */
static void another_op_that_passes_there_is_another_cause(void **state)
{
    struct scene s;
    open_scene(&s, "faulty:negate.relu", "x: f32[2] = input\ny: f32[2] = relu(x)\noutput y\n", 1);
    struct test *exp = given_test("x: f32[2] = input\ny: f32[2] = exp(x)\noutput y\n", 1, s.arena);
    assert_string_equal(key_beside(&s, "faulty | exp(float) | value", exp),
                        "faulty | relu(float) | value");
    close_scene(&s);
}

/* Products of f16 that are subnormal are flushed, and so are those of f32: each is seen with other
 * numbers, and each number goes to where it lies in the other's range. */
static void what_fails_in_another_dtype_too_is_the_same_cause(void **state)
{
    static const char f32[] = "x: f32[1] = input\ny: f32[1] = sinh(x)\noutput y\n";
    struct scene s;
    static const char of_float[] = "faulty | sinh(float) | value";
    open_scene(&s, "faulty:flush.sinh", "x: f16[1] = input\ny: f16[1] = sinh(x)\noutput y\n",
               0x1p-20L);
    assert_string_equal(own_key(&s), "faulty | sinh(float) | value");
    /* As if that had not been found: beside a bucket of a class that ours is not of. */
    s.reduction.test =
        given_test("x: f16[1] = input\ny: f16[1] = sinh(x)\noutput y\n", 0x1p-20L, s.arena);
    struct test *fails = given_test(f32, 0x1p-130L, s.arena);
    assert_string_equal(key_beside(&s, of_float, fails), of_float);
    struct test *passes = given_test(f32, 1, s.arena);
    assert_string_equal(key_beside(&s, of_float, passes), "faulty | sinh(half) | value");
    /* What is before it is of another dtype. */
    struct test *behind = given_test("x: i64[1] = input\nk: i64[1] = neg(x)\ns: f32[1] = input\n"
                                     "y: f32[1] = sinh(s)\noutput k, y\n",
                                     0x1p-130L, s.arena);
    assert_string_equal(key_beside(&s, of_float, behind), of_float);
    struct test *same =
        given_test("x: f16[1] = input\ny: f16[1] = sinh(x)\noutput y\n", 0x1p-20L, s.arena);
    assert_string_equal(key_beside(&s, of_float, same), "faulty | sinh(half) | value");
    close_scene(&s);
}

/* onnxruntime gives reductions of nothing the shape of their input: each op keeps its attributes
 * and gets the other's dims. */
static void a_shape_is_one_cause_whatever_the_attributes(void **state)
{
    static const char of_sum[] = "onnxruntime | reduce_sum | shape";
    struct scene s;
    open_scene(&s, "onnxruntime:opt=none",
               "x: f32[1,0,1,1] = input\n"
               "y: i64[0,1,1] = arg_max(x, keepdims=false, axis=-4)\noutput y\n",
               1);
    const char *own = own_key(&s);
    assert_string_equal(own, "onnxruntime | arg_max | shape");
    struct test *sum = given_test("x: f32[0,0,2] = input\n"
                                  "y: f32[0,0,1] = reduce_sum(x, keepdims=true, axes=[-1])\n"
                                  "output y\n",
                                  1, s.arena);
    assert_string_equal(key_beside(&s, of_sum, sum), of_sum);
    /* Not where the other's is no matter of nothing. */
    struct test *some = given_test("x: f32[1,1,2] = input\n"
                                   "y: f32[1,1,1] = reduce_sum(x, keepdims=true, axes=[-1])\n"
                                   "output y\n",
                                   1, s.arena);
    assert_string_equal(key_beside(&s, of_sum, some), own);
    close_scene(&s);
}

/* A dim that is reduced and is 1 hides that it is kept. */
static void a_dim_of_one_hides_no_shape(void **state)
{
    struct scene s;
    open_scene(&s, "onnxruntime:opt=none",
               "x: f32[0,1,1] = input\n"
               "y: f32[1,1,1] = reduce_sum(x, keepdims=true, axes=[-3])\noutput y\n",
               1);
    static const char of_mean[] = "onnxruntime | reduce_mean | shape";
    struct test *mean = given_test("x: f32[0,1,1,2] = input\n"
                                   "y: f32[0,1,1,1] = reduce_mean(x, keepdims=true, axes=[-1])\n"
                                   "output y\n",
                                   1, s.arena);
    assert_string_equal(key_beside(&s, of_mean, mean), of_mean);
    close_scene(&s);
}

/* Where the library says the same, what it is told decides: its Clip is relu6, too. */
static void what_is_told_in_the_same_ops_is_one_cause(void **state)
{
    struct scene s;
    open_scene(&s, "onnxruntime:opt=all",
               "x: i32[1] = input\nv: i32[1] = relu(x)\n"
               "y: i32[1] = clip(v, min=-1.0, max=2.0)\noutput y\n",
               1);
    const char *own = own_key(&s), *clip = strstr(own, "clip");
    assert_non_null(clip);
    const char *of_relu6 = arena_printf(s.arena, "%.*srelu6%s", (int)(clip - own), own, clip + 4);
    struct test *relu6 = given_test("x: f64[1] = input\nv: f64[1] = relu(x)\n"
                                    "y: f64[1] = relu6(v)\noutput y\n",
                                    1, s.arena);
    assert_string_equal(key_beside(&s, of_relu6, relu6), of_relu6);
    struct test *other = given_test("x: f64[1] = input\nv: f64[1] = relu(x)\n"
                                    "y: f64[1] = abs(v)\noutput y\n",
                                    1, s.arena);
    assert_string_equal(key_beside(&s, of_relu6, other), own);
    close_scene(&s);
}

/* A crash in the same functions is one whatever is beside the op in whose kernel it is. */
static void a_crash_in_the_same_functions_is_one_cause(void **state)
{
    struct scene s;
    open_scene(&s, "onnxruntime:opt=all",
               "x: f32[1,0,1,2] = input\nz: f32[1,0,2,2] = input\n"
               "y: f32[1,0,1,2] = einsum(x, z, equation=\"bhij,bhkj->bhik\")\noutput y\n",
               1);
    const char *own = own_key(&s), *rest = own + strlen("onnxruntime | einsum");
    const char *of_two = arena_printf(s.arena, "onnxruntime | einsum -> sub%s", rest);
    struct test *both = given_test("x: f32[1,1] = input\nz: f32[1,1] = input\n"
                                   "v: f32[1,1] = einsum(x, z, equation=\"ij,jk->ik\")\n"
                                   "y: f32[1,1] = sub(v, v)\noutput y\n",
                                   1, s.arena);
    assert_string_equal(key_beside(&s, of_two, both), of_two);
    struct test *other =
        given_test("x: f32[1] = input\ny: f32[1] = sub(x, x)\noutput y\n", 1, s.arena);
    assert_string_equal(key_beside(&s, of_two, other), own);
    close_scene(&s);
}

/* Another shape with ceil_mode alone; what is wrong without it too is another cause. */
static void a_shape_is_one_cause_by_a_switch(void **state)
{
    static const char pools[] = "faulty:flag_shape.max_pool.ceil_mode,"
                                "flag_shape.avg_pool.ceil_mode",
                      always[] = "faulty:flag_shape.max_pool.ceil_mode,wrong_shape.avg_pool",
                      of_avg[] = "faulty | avg_pool | shape";
    for (int i = 0; i < 2; i++) {
        struct scene s;
        open_scene(&s, i == 0 ? pools : always,
                   "x: f32[1,1,3] = input\n"
                   "y: f32[1,1,1] = max_pool(x, ceil_mode=true, kernel_shape=[3], strides=[2], "
                   "dilations=[1], pads=[0,0])\noutput y\n",
                   1);
        const char *own = own_key(&s);
        assert_string_equal(own, "faulty | max_pool | shape");
        struct test *avg =
            given_test("x: f32[1,1,1,3] = input\n"
                       "y: f32[1,1,1,1] = avg_pool(x, ceil_mode=true, count_include_pad=false, "
                       "kernel_shape=[1,3], strides=[1,2], dilations=[1,1], pads=[0,0,0,0])\n"
                       "output y\n",
                       1, s.arena);
        assert_string_equal(key_beside(&s, of_avg, avg), i == 0 ? of_avg : own);
        close_scene(&s);
    }
}

/* NaN is no number by which an op of one operand and one of two are told to be of one cause.
 */
static void nan_alone_is_shared_by_ops_of_one_form(void **state)
{
    static const char of_abs[] = "faulty | abs(float) | value NaN expected",
                      of_add[] = "faulty | add(float) | value NaN expected";
    struct scene s;
    open_scene(&s, "faulty:lose_nan.relu,lose_nan.abs,lose_nan.add",
               "x: f32[2] = input\ny: f32[2] = relu(x)\noutput y\n", NAN);
    const char *own = own_key(&s);
    assert_string_equal(own, "faulty | relu(float) | value NaN expected");
    struct test *abs =
        given_test("x: f32[2] = input\ny: f32[2] = abs(x)\noutput y\n", NAN, s.arena);
    assert_string_equal(key_beside(&s, of_abs, abs), of_abs);
    struct test *add = given_test("x: f32[2] = input\nz: f32[2] = input\n"
                                  "y: f32[2] = add(x, z)\noutput y\n",
                                  NAN, s.arena);
    assert_string_equal(key_beside(&s, of_add, add), own);
    close_scene(&s);
    /* Of ops that take any number each test has its own. */
    static const char of_min[] = "faulty | min(float) | value NaN expected";
    open_scene(&s, "faulty:lose_nan.max,lose_nan.min",
               "x: f32[2] = input\nz: f32[2] = input\ny: f32[2] = max(x, z)\noutput y\n", NAN);
    struct test *min = given_test("x: f32[2] = input\nz: f32[2] = input\nw: f32[2] = input\n"
                                  "y: f32[2] = min(x, z, w)\noutput y\n",
                                  NAN, s.arena);
    assert_string_equal(key_beside(&s, of_min, min), of_min);
    close_scene(&s);
}

static const char min_of_four[] = "a: i64[1] = const [1]\nb: i64[1] = const [-4294967296]\n"
                                  "x: i64[1] = input\nc: i64[2] = const [1, -16]\n"
                                  "y: i64[2] = min(a, b, x, c)\noutput y\n";

/* relu6 shows it of positive numbers with bits in the lower half, a minimum of negative ones. One
 * test of the older bucket that shows it is enough. */
static void numbers_are_as_special_with_other_bits(void **state)
{
    static const char of_min[] = "onnxruntime | min(int) | value discrete";
    struct scene s;
    open_scene(&s, "onnxruntime:opt=none", "x: i64[2] = input\ny: i64[2] = relu6(x)\noutput y\n",
               2147483648);
    struct test *min = given_test(min_of_four, 1, s.arena);
    struct test *alone =
        given_test("x: i64[2] = input\ny: i64[2] = min(x, x)\noutput y\n", 1, s.arena);
    const char *own = own_key(&s);
    assert_string_equal(key_beside(&s, of_min, min), of_min);
    assert_string_equal(key_beside(&s, of_min, alone), own);
    assert_string_equal(key_beside_both(&s, of_min, alone, min), of_min);
    close_scene(&s);
}

/* Sums and products of int64 go through double, comparisons do not: both fail with large numbers,
 * but not from the same on. */
static void other_large_numbers_are_another_cause(void **state)
{
    static const char of_min[] = "onnxruntime | min(int) | value discrete";
    static const char of_prod[] = "onnxruntime | reduce_prod(int) | value discrete";
    struct scene s;
    open_scene(&s, "onnxruntime:opt=none",
               "a: i64[1] = const [1]\nx: i64[1] = input\n"
               "b: i64[2] = concat(a, x, axis=0)\n"
               "y: i64[1] = reduce_sum(b, keepdims=true, axes=[0])\noutput y\n",
               -0x1p63L);
    struct test *prod = given_test("x: i64[1] = const [9223372036854775806]\n"
                                   "y: i64[1] = reduce_prod(x, keepdims=true, axes=[0])\n"
                                   "output y\n",
                                   1, s.arena);
    assert_string_equal(key_beside(&s, of_prod, prod), of_prod);
    assert_string_equal(key_beside(&s, of_min, given_test(min_of_four, 1, s.arena)), own_key(&s));
    close_scene(&s);
}

/* torch's instance_norm is its batch_norm in training. What the one shows by far the other may show
 * a little, and each needs all the numbers in one of its channels. */
static void what_is_slight_of_one_is_clear_of_the_other(void **state)
{
    static const char of_batch[] = "torch | batch_norm_training(half) | value";
    struct scene s;
    open_scene(&s, "torch",
               "x: f16[1,1,2] = const [-0.029296875, -0.0258331298828125]\n"
               "s: f16[1] = input\nb: f16[1] = input\n"
               "y: f16[1,1,2] = instance_norm(x, s, b, epsilon=9.999999747378752e-06)\n"
               "output y\n",
               1);
    struct test *batch =
        given_test("z: f16[1] = const [0]\nx: f16[2,1,2] = const [-4.19617e-05, 1, 2, 1]\n"
                   "s: f16[1] = input\nm: f16[1] = input\nv: f16[1] = input\n"
                   "y: f16[2,1,2], n: f16[1], w: f16[1] = batch_norm_training(x, s, z, m, v, "
                   "epsilon=0.0010000000474974513, momentum=0.8999999761581421)\n"
                   "output y\n",
                   1, s.arena);
    assert_string_equal(key_beside(&s, of_batch, batch), of_batch);
    close_scene(&s);
}

/* What is added up in f16 becomes inexact or infinite there: neither is so in f32. */
static void what_single_precision_mends_is_one_cause(void **state)
{
    static const char pool[] = "x: f16[1,1,3,2,2] = input\n"
                               "y: f16[1,1,2,1,1] = adaptive_avg_pool(x, output_size=[2,1,1])\n"
                               "output y\n";
    static const char of_number[] = "torch | adaptive_avg_pool(half) | value";
    struct scene s;
    open_scene(&s, "torch", pool, 60000);
    assert_string_equal(own_key(&s), "torch | adaptive_avg_pool(half) | value infinity");
    struct test *number = given_test(pool, 0.333251953125L, s.arena);
    assert_string_equal(key_beside(&s, of_number, number), of_number);
    close_scene(&s);
    /* Not where ours is so in f32 too. */
    static const char exp_f16[] = "x: f16[2] = input\ny: f16[2] = exp(x)\noutput y\n";
    open_scene(&s, "faulty:lose_inf.exp", exp_f16, 1000);
    s.reduction.test = given_test(exp_f16, 1000, s.arena);
    struct test *other = given_test(exp_f16, 1, s.arena);
    assert_string_equal(key_beside(&s, "faulty | exp(half) | value", other),
                        "faulty | exp(half) | value infinity");
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_earlier_is_the_failure),
        cmocka_unit_test(what_is_written_over_is_the_failure),
        cmocka_unit_test(a_crash_behind_a_wrong_number_stays_itself),
        cmocka_unit_test(a_wrong_number_behind_a_known_one_is_known),
        cmocka_unit_test(what_shows_once_takes_no_place),
        cmocka_unit_test(what_explains_what),
        cmocka_unit_test(what_is_hardly_wrong_is_not_the_same),
        cmocka_unit_test(a_search_that_is_cut_off_is_not_complete),
        cmocka_unit_test(a_search_goes_on_where_it_was_cut_off),
        cmocka_unit_test(an_op_alone_stays_as_it_is),
        cmocka_unit_test(what_any_op_can_stand_in_for_is_left_out),
        cmocka_unit_test(ops_that_are_needed_stay),
        cmocka_unit_test(another_op_that_fails_there_too_is_the_same_cause),
        cmocka_unit_test(a_shape_is_one_cause_whatever_the_attributes),
        cmocka_unit_test(a_dim_of_one_hides_no_shape),
        cmocka_unit_test(what_is_told_in_the_same_ops_is_one_cause),
        cmocka_unit_test(a_crash_in_the_same_functions_is_one_cause),
        cmocka_unit_test(a_shape_is_one_cause_by_a_switch),
        cmocka_unit_test(nan_alone_is_shared_by_ops_of_one_form),
        cmocka_unit_test(numbers_are_as_special_with_other_bits),
        cmocka_unit_test(other_large_numbers_are_another_cause),
        cmocka_unit_test(what_is_slight_of_one_is_clear_of_the_other),
        cmocka_unit_test(what_single_precision_mends_is_one_cause),
        cmocka_unit_test(what_fails_in_another_dtype_too_is_the_same_cause),
        cmocka_unit_test(an_op_that_fails_there_alone_is_another_cause),
        cmocka_unit_test(another_op_that_passes_there_is_another_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
