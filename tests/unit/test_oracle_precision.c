/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that document the dtypes they compute in are judged by those: what fits them is held to
 * them, what does not is not claimed, and all else is wrong as it is for others.
 */
#include "oracle_fixture.h"

#include <float.h>
#include <math.h>

static const struct approximation approximations[] = {{"erf", 1.5e-7}, {NULL}};
static const struct precision single = {
    .computes = {[DTYPE_F64] = DTYPE_F32, [DTYPE_I64] = DTYPE_I32},
    .flushes_bf16 = true,
    .flushes_constants = true,
    .approximates = approximations};
static const struct precision brief = {.computes = {[DTYPE_F32] = DTYPE_BF16}};

static struct verdict judged_by(const struct precision *precision, const struct test *t,
                                const struct outcome *o)
{
    struct target target = here;
    struct judgement j = {t, reference_new(t, arena), &target, o, arena};
    struct verdict v;
    target.precision = precision;
    judge(&j, &v);
    return v;
}

static void passes(const struct precision *precision, const struct test *t, const struct outcome *o)
{
    struct verdict v = judged_by(precision, t, o);
    if (v.kind != VERDICT_PASS) {
        fail_msg("%s: %s", v.oracle, v.text);
    }
}

static void found(const struct precision *precision, const struct test *t, const struct outcome *o)
{
    struct verdict v = judged_by(precision, t, o);
    assert_int_equal(v.kind, VERDICT_FINDING);
    assert_string_equal(v.oracle, "value");
}

static void test_f64_as_f32(void **state)
{
    struct test t = make_test("x: f64[2] = input\ny: f64[2] = mul(x, x)\noutput y\n");
    set_input(&t, 0, (const double[]){1.1, 3});
    struct outcome o = right_outcome(&t);
    passes(&single, &t, &o);
    put(&o, 0, 0, (real)(1.1F * 1.1F));
    assert_found(&t, &o, "value"); /* by what is declared */
    passes(&single, &t, &o);
    put(&o, 0, 0, (real)(1.1F * 1.1F) * (1 + 40 * 0x1p-24L));
    found(&single, &t, &o);
    put(&o, 0, 0, (real)(1.1F * 1.1F));
    put(&o, 0, 1, 9.00001L); /* what is exact in f32 too */
    found(&single, &t, &o);
}

static void test_ends_of_the_range(void **state)
{
    struct test t = make_test("x: f64[3] = input\ny: f64[3] = abs(x)\noutput y\n");
    set_input(&t, 0, (const double[]){1e300, -INFINITY, 1});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, FLT_MAX); /* it does not fit */
    passes(&single, &t, &o);
    put(&o, 0, 1, FLT_MAX); /* infinity does */
    found(&single, &t, &o);
}

static void test_i64_as_i32(void **state)
{
    struct test t = make_test("x: i64[4] = input\ny: i64[4] = add(x, x)\noutput y\n");
    set_input(&t, 0, (const double[]){5000000000.0, 1000000000.0, 16777217.0, 3});
    struct outcome o = right_outcome(&t);
    put(&o, 0, 0, 1410065408);
    assert_found(&t, &o, "value");
    passes(&single, &t, &o); /* an operand does not fit */
    put(&o, 0, 2, 33554432);                                             /* by way of floats */
    found(&single, &t, &o);
}

static void test_f32_as_bf16(void **state)
{
    struct test t = make_test("x: f32[2] = input\ny: f32[2] = mul(x, x)\noutput y\n");
    set_input(&t, 0, (const double[]){1.1, 3});
    struct outcome o = right_outcome(&t);
    passes(&brief, &t, &o); /* nothing has to be rounded */
    put(&o, 0, 0, 1.1015625L * 1.1015625L);
    passes(&brief, &t, &o);
    put(&o, 0, 0, 1.5L);
    found(&brief, &t, &o);
}

static void test_subnormals(void **state)
{
    struct test t = make_test("x: f32[1] = input\nw: f32[1] = const [1e-40]\nb: bf16[1] = input\n"
                              "y: f32[1] = neg(x)\nz: f32[1] = neg(w)\na: bf16[1] = neg(b)\n"
                              "output y, z, a\n");
    set_input(&t, 0, (const double[]){1e-40});
    set_input(&t, 1, (const double[]){1e-40});
    struct outcome o = right_outcome(&t);
    passes(&single, &t, &o);
    put(&o, 1, 0, 0);
    put(&o, 2, 0, 0);
    assert_int_equal(judged_by(&single, &t, &o).kind, VERDICT_UNJUDGED);
    put(&o, 0, 0, 0); /* no constant, and no bf16 */
    found(&single, &t, &o);
}

static void test_formulas(void **state)
{
    struct test t = make_test("x: f32[1] = input\ny: f32[1] = erf(x)\noutput y\n");
    set_input(&t, 0, (const double[]){0.0078125});
    struct outcome o = right_outcome(&t);
    real exact = get(&o, 0, 0);
    put(&o, 0, 0, exact + 1.2e-7L);
    assert_found(&t, &o, "value");
    passes(&single, &t, &o);
    put(&o, 0, 0, exact + 1e-5L);
    found(&single, &t, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_f64_as_f32),  TEST(test_ends_of_the_range), TEST(test_i64_as_i32),
        TEST(test_f32_as_bf16), TEST(test_subnormals),        TEST(test_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
