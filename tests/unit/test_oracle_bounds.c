/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bounds allow: how a correct library may round, keep, order and fold, and the fault
 * beside it that it may not make.
 */
#include "oracle_fixture.h"

#include <math.h>

/* A compiler may keep halves in single precision: 2048 + 1 is 2048 in f16, 2049 without the
 * rounding. */
static void test_wide_and_declared_both_pass(void **state)
{
    struct test t = make_test("x: f16[1] = input\n"
                              "w: f16[1] = const [1]\n"
                              "a: f16[1] = add(x, w)\n"
                              "y: f32[1] = cast(a, to=f32)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){2048});
    struct outcome o = right_outcome(&t);
    assert_true(get(&o, 0, 0) == 2048);
    put(&o, 0, 0, 2049);
    assert_passes(&t, &o);
    put(&o, 0, 0, 2060);
    assert_found(&t, &o, "value");
}

static enum verdict_kind judged_strictly(const struct test *t, const struct outcome *o)
{
    struct target strict = here;
    strict.strict_casts = true;
    struct judgement j = {t, reference_new(t, arena), &strict, o, arena};
    struct verdict v;
    judge(&j, &v);
    return v.kind;
}

/* One that claims every declared rounding may leave none out; in the last one it may err by a step,
 * as any. */
static void test_strict_casts_round_where_declared(void **state)
{
    struct test t = make_test("x: f16[2] = input\n"
                              "w: f16[1] = const [1]\n"
                              "a: f16[2] = add(x, w)\n"
                              "y: f32[2] = cast(a, to=f32)\n"
                              "z: f16[2] = tan(x)\n"
                              "output y\noutput z\n");
    set_input(&t, 0, (const double[]){2048, 0.5});
    struct outcome o = right_outcome(&t);
    assert_int_equal(judged_strictly(&t, &o), VERDICT_PASS);
    put(&o, 1, 1, get(&o, 1, 1) + 0x1p-11L);
    assert_int_equal(judged_strictly(&t, &o), VERDICT_PASS);
    put(&o, 0, 0, 2049);
    assert_passes(&t, &o);
    assert_int_equal(judged_strictly(&t, &o), VERDICT_FINDING);
}

/* The verdict of a run that claims nothing is not that of one which gave the same bits and claims
 * every rounding, and the other way round. */
static void test_strict_casts_have_verdicts_of_their_own(void **state)
{
    struct test t = make_test("x: f16[1] = input\n"
                              "w: f16[1] = const [1]\n"
                              "a: f16[1] = add(x, w)\n"
                              "y: f32[1] = cast(a, to=f32)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){2048});
    struct outcome o[2] = {right_outcome(&t)};
    struct target usual = here, strict = here;
    struct verdict v[2];
    strict.strict_casts = true;
    put(&o[0], 0, 0, 2049);
    o[1] = o[0];
    for (int first = 0; first < 2; first++) {
        struct target *const targets[] = {first == 0 ? &usual : &strict,
                                          first == 0 ? &strict : &usual};
        judge_runs(&t, reference_new(&t, arena), targets, o, 2, arena, v);
        assert_int_equal(v[first].kind, VERDICT_PASS);
        assert_int_equal(v[1 - first].kind, VERDICT_FINDING);
    }
}

/* Sums of many terms may be reordered; the bound follows the magnitudes, not the cancelled result.
 */
static void test_reordered_sum_passes_wrong_term_does_not(void **state)
{
    struct test t = make_test("x: f32[1,256] = input\n"
                              "w: f32[256,1] = input\n"
                              "y: f32[1,1] = matmul(x, w)\n"
                              "output y\n");
    double x[256], w[256];
    for (int i = 0; i < 256; i++) {
        x[i] = (i % 17) * 0.37 - 2;
        w[i] = (i % 13) * 0.21 - 1;
    }
    set_input(&t, 0, x);
    set_input(&t, 1, w);
    struct outcome o = right_outcome(&t);
    float sum = 0;
    for (int i = 255; i >= 0; i--) {
        sum += (float)x[i] * (float)w[i];
    }
    put(&o, 0, 0, sum);
    assert_passes(&t, &o);
    put(&o, 0, 0, (real)sum + (real)((float)x[7] * (float)w[7]));
    assert_found(&t, &o, "value");
}

/* The huge terms cancel; a kernel that adds them in another order meets infinity or NaN on its way.
 */
static void test_overflow_on_the_way_is_not_compared(void **state)
{
    struct test t = make_test("x: f32[5] = input\n"
                              "s: f32[1] = reduce_sum(x, axes=[0], keepdims=true)\n"
                              "y: f32[1] = mul(s, s)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){3e38, 3e38, -3e38, -3e38, -3e38});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, NAN);
    assert_int_equal(judged(&t, &o).kind, VERDICT_UNJUDGED);
    set_input(&t, 0, (const double[]){3e8, 3e8, -3e8, -3e8, -3e8});
    o = right_outcome(&t);
    put(&o, 0, 0, NAN);
    assert_found(&t, &o, "value");
}

/* 2^-150 lies between 0 and the smallest subnormal: a correct exp may give either, and sqrt makes
 * much of it. */
static void test_underflow_may_round_either_way(void **state)
{
    struct test t = make_test("x: f32[2] = input\n"
                              "a: f32[2] = exp(x)\n"
                              "y: f32[2] = sqrt(a)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){-104, 1});
    struct outcome o = right_outcome(&t);
    assert_true(get(&o, 0, 0) == 0);
    put(&o, 0, 0, 0x1p-74L * 1.414L);
    assert_passes(&t, &o);
    put(&o, 0, 0, 1e-20L);
    assert_found(&t, &o, "value");
}

/* a and its transposed copy are equal, but a library may read one rounded and one not. */
static void test_a_half_is_rounded_for_one_reader_only(void **state)
{
    struct test t = make_test("x: f16[2] = input\n"
                              "a: f16[2] = tan(x)\n"
                              "b: f16[2] = transpose(a, perm=[0])\n"
                              "c: bool[2] = less(a, b)\n"
                              "y: i32[2] = cast(c, to=i32)\n"
                              "z: bool[2] = less(x, b)\n"
                              "output y, z\n");
    set_input(&t, 0, (const double[]){0.75, 0.5});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, 1);
    assert_int_not_equal(judged(&t, &o).kind, VERDICT_FINDING);
    put(&o, 1, 0, get(&o, 1, 0) == 0);
    assert_found(&t, &o, "value");
}

/* 3.4028227e38 is so near the largest that an error of 3 steps makes it infinite; 3.3e38 is not. */
static void test_what_may_overflow_may_be_infinite(void **state)
{
    struct test t = make_test("x: f32[1] = input\n"
                              "a: f32[1] = swish(x, alpha=1.0)\n"
                              "y: bool[1] = is_inf(a, detect_negative=true, detect_positive=true)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){3.4028227e38});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, 1);
    assert_int_not_equal(judged(&t, &o).kind, VERDICT_FINDING);
    set_input(&t, 0, (const double[]){3.3e38});
    o = right_outcome(&t);
    assert_true(get(&o, 0, 0) == 0);
    put(&o, 0, 0, 1);
    assert_found(&t, &o, "value");
}

/* Whatever is drawn: of exp2(0.013374), 1.009313, one reader sees 1.00977 and the other does not.
 */
static void test_no_half_is_rounded_for_all_readers_in_all_samples(void **state)
{
    for (int i = 0; i < 512; i++) {
        struct test t = make_test(arena_printf(arena,
                                               "x: f16[2] = input\n"
                                               "i: i64[1] = const [0]\n"
                                               "w: f16[1] = const [%d]\n"
                                               "a: f16[2] = exp2(x)\n"
                                               "b: f16[1] = gather_elements(a, i, axis=0)\n"
                                               "c: f16[1] = min(b, w, w)\n"
                                               "y: f16[2] = sub(a, c)\n"
                                               "output y\n",
                                               i + 2));
        set_input(&t, 0, (const double[]){0.013374, 1});
        struct outcome o = right_outcome(&t);
        put(&o, 0, 0, -0.000452L);
        assert_passes(&t, &o);
    }
}

/* The products are short and their sum exact; a scale folded into the weight rounds them. */
static void test_a_folded_scale_rounds(void **state)
{
    struct test t =
        make_test("x: f32[1,2,1,1] = input\n"
                  "w: f32[2,2,1,1] = const [0.4363556, 0.5, 1, 1]\n"
                  "s: f32[] = const [0.24240163]\n"
                  "a: f32[1,2,1,1] = conv2d(x, w, strides=[1,1], dilations=[1,1], pads=[0,0,0,0], "
                  "group=1)\n"
                  "y: f32[1,2,1,1] = mul(a, s)\n"
                  "output y\n");
    set_input(&t, 0, (const double[]){1, -0.875});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, -0.00027740747L);
    assert_passes(&t, &o);
    put(&o, 0, 0, -0.000279L);
    assert_found(&t, &o, "value");
}

/* The weight is infinite or NaN by how the padding is made, so nothing that padding touches is
 * known. */
static void test_padding_times_an_unknown_weight(void **state)
{
    struct test t =
        make_test("x: f32[1,1,1,1] = input\n"
                  "w: f32[1,1,2,1] = const [-inf, 1]\n"
                  "k: f32[1,1,2,1] = conv2d(x, w, strides=[1,1], dilations=[1,1], pads=[1,0,1,0], "
                  "group=1)\n"
                  "z: f32[1,1,1,1] = input\n"
                  "y: f32[1,1,6,1] = conv2d(z, k, strides=[1,1], dilations=[1,1], pads=[3,0,3,0], "
                  "group=1)\n"
                  "output y\n");
    set_input(&t, 0, (const double[]){1.5});
    set_input(&t, 1, (const double[]){1});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, NAN);
    assert_int_not_equal(judged(&t, &o).kind, VERDICT_FINDING);
}

/* 60000 * 2 overflows f16 but not where halves are kept in single precision; tan of either is
 * anybody's guess. */
static void test_nothing_is_known_behind_a_possible_overflow(void **state)
{
    struct test t = make_test("x: f16[2] = input\n"
                              "w: f16[2] = const [2, 2]\n"
                              "a: f16[2] = mul(x, w)\n"
                              "b: f16[2] = tan(a)\n"
                              "c: f16[2] = add(b, w)\n"
                              "y: f16[2] = sqrt(c)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){60000, 0.25});
    struct outcome o = right_outcome(&t);
    assert_true(isnan(get(&o, 0, 0)));
    put(&o, 0, 0, 0.75L);
    assert_passes(&t, &o);
    put(&o, 0, 1, 1);
    assert_found(&t, &o, "value");
}

/* The reference's 39/256 is exact by chance; the run's own rounding of it is not, so what should
 * cancel exactly need not. */
static void test_short_values_of_inexact_results_stay_inexact(void **state)
{
    struct test t = make_test("x: f32[1,1] = input\n"
                              "w: f32[3,2] = const [1, 1, 1, 1, -2, 1]\n"
                              "d: f32[1,1] = const [3]\n"
                              "a: f32[1,1] = div(x, d)\n"
                              "b: f32[1,3] = concat(a, a, a, axis=1)\n"
                              "c: f32[1,3] = exp(b)\n"
                              "y: f32[1,2] = matmul(c, w)\n"
                              "output y\n");
    set_input(&t, 0, (const double[]){0});
    struct outcome o = right_outcome(&t);
    assert_true(get(&o, 0, 0) == 0);
    put(&o, 0, 0, 0x1p-24L);
    assert_passes(&t, &o);
    put(&o, 0, 0, 0x1p-16L);
    assert_found(&t, &o, "value");
}

/* An error of six roundoffs that rsqrt halves, and three of its own. */
static void test_errors_that_cancel_in_all_samples(void **state)
{
    enum { N = 65536 };
    struct test t = make_test("x: f32[65536] = input\n"
                              "a: f32[65536] = acos(x)\n"
                              "y: f32[65536] = rsqrt(a)\n"
                              "output y\n");
    double *x = ARENA_ARRAY(arena, double, N);
    for (size_t i = 0; i < N; i++) {
        x[i] = -0.25 - (double)i * 0x1p-24; /* y just above 0.74 */
    }
    set_elements(&t, 0, N, x);
    struct outcome o = right_outcome(&t);
    for (size_t i = 0; i < N; i++) {
        put(&o, 0, i, get(&o, 0, i) + 0x1p-24L);
    }
    put(&o, 0, 0, get(&o, 0, 0) + 4 * 0x1p-24L); /* too far for the cheap comparison */
    assert_passes(&t, &o);
}

/* Of two in a row that differ by less than their errors: many of them, for 12 samples show most. */
static void test_places_of_near_equals(void **state)
{
    static const char *const orders[] = {
        "y: i64[4096] = arg_max(a, axis=1, keepdims=false)\noutput y\n",
        "y: i64[4096] = arg_min(a, axis=1, keepdims=false)\noutput y\n",
        "v: f32[4096,2], y: i64[4096,2] = sort(a, axis=1, descending=false)\noutput y\n",
        "v: f32[4096,1], y: i64[4096,1] = top_k(a, axis=1, k=1, largest=true, sorted=true)\n"
        "output y\n",
    };
    for (size_t k = 0; k < ARRAY_SIZE(orders); k++) {
        struct test t = make_test(
            arena_printf(arena, "x: f32[4096,2] = input\na: f32[4096,2] = asin(x)\n%s", orders[k]));
        double *x = ARENA_ARRAY(arena, double, 8192);
        for (size_t i = 0; i < 4096; i++) {
            x[2 * i] = 0.5 + (double)i * 0x1p-14;
            x[2 * i + 1] = x[2 * i] + 0x1p-24; /* one step */
        }
        set_elements(&t, 0, 8192, x);
        struct outcome o = right_outcome(&t);
        for (size_t i = 0; i < shape_numel(&o.outputs[0].shape); i++) {
            put(&o, 0, i, 1 - get(&o, 0, i));
        }
        assert_int_equal(judged(&t, &o).kind, VERDICT_UNJUDGED);
    }
}

/* Of two elements far apart one in 4096 pairs moves alike in all samples of one draw, and their
 * difference is then said to be certain: no run with legal rounding noise may be a finding for it.
 */
static void test_differences_of_what_moves_alike(void **state)
{
    enum { N = 65536, RUNS = 4 };
    struct test t = make_test("x: f32[65536] = input\n"
                              "a: f32[65536] = exp(x)\n"
                              "b: f32[65536] = roll(a, axes=[0], shifts=[61])\n"
                              "y: f32[65536] = sub(a, b)\n"
                              "output y\n");
    double *x = ARENA_ARRAY(arena, double, N);
    for (size_t i = 0; i < N; i++) { /* all differ, in the last bits */
        x[i] = 0.5 + (double)(i * 7919 % N) * 0x1p-24;
    }
    set_elements(&t, 0, N, x);
    struct outcome o = right_outcome(&t);
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        fault_evaluate(&t, NULL, seed, arena, o.outputs);
        assert_passes(&t, &o);
    }
    put(&o, 0, 1, get(&o, 0, 1) + 0x1p-17L); /* 80 roundoffs of exp(1/2) */
    assert_found(&t, &o, "value");
}

/* The first of two outweighs the second by e^13.5, or e^9 when each moves by its error: few samples
 * move a pair apart, and only some of them this way. */
static void test_log_softmax_of_what_outweighs(void **state)
{
    enum { PAIRS = 64 };
    struct test t = make_test("x: bf16[2,64] = input\n"
                              "a: bf16[2,64] = gelu(x, approximate=\"none\")\n"
                              "y: bf16[2,64] = log_softmax(a, axis=0)\n"
                              "output y\n");
    double x[2 * PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        x[i] = 96 + 0.5 * (double)i;
        x[PAIRS + i] = x[i] - 13.5;
    }
    set_input(&t, 0, x);
    struct outcome o = right_outcome(&t);
    for (size_t i = 0; i < PAIRS; i++) {
        put(&o, 0, i, -1e-4L);
    }
    assert_int_equal(judged(&t, &o).kind, VERDICT_UNJUDGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wide_and_declared_both_pass),
        TEST(test_strict_casts_round_where_declared),
        TEST(test_strict_casts_have_verdicts_of_their_own),
        TEST(test_reordered_sum_passes_wrong_term_does_not),
        TEST(test_overflow_on_the_way_is_not_compared),
        TEST(test_underflow_may_round_either_way),
        TEST(test_a_half_is_rounded_for_one_reader_only),
        TEST(test_what_may_overflow_may_be_infinite),
        TEST(test_no_half_is_rounded_for_all_readers_in_all_samples),
        TEST(test_a_folded_scale_rounds),
        TEST(test_padding_times_an_unknown_weight),
        TEST(test_nothing_is_known_behind_a_possible_overflow),
        TEST(test_short_values_of_inexact_results_stay_inexact),
        TEST(test_errors_that_cancel_in_all_samples),
        TEST(test_places_of_near_equals),
        TEST(test_differences_of_what_moves_alike),
        TEST(test_log_softmax_of_what_outweighs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
