/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers: each format against its definition. A rounding is a monotone step function, so it is
 * right everywhere if it is right at, just below and just above the middle of each two neighbours;
 * f16 and bf16 are looked at in all of these places, f32 and f64 in drawn ones. Texts must read
 * back to the same bits and be the shortest that do.
 */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "program/program.h"

static const enum dtype floats[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32, DTYPE_F64};
static const enum dtype ints[] = {DTYPE_I8,  DTYPE_U8,  DTYPE_I16, DTYPE_U16,
                                  DTYPE_I32, DTYPE_U32, DTYPE_I64};

/* Bit for bit, but that one NaN is as good as another; tells -0 from 0. */
static bool same(real a, real b)
{
    return (isnan(a) && isnan(b)) || (a == b && !signbit(a) == !signbit(b));
}

static real load_bits(enum dtype d, uint64_t bits)
{
    return dtype_load(d, &bits, 0);
}

static uint64_t store_bits(enum dtype d, real value)
{
    uint64_t bits = 0;
    dtype_store(d, &bits, 0, value);
    return bits;
}

static uint64_t sign_bit(enum dtype d)
{
    return UINT64_C(1) << (8 * dtype_size(d) - 1);
}

static uint64_t infinity_bits(enum dtype d)
{
    const struct dtype_info *info = &dtype_table[d];
    return (uint64_t)(info->emax - info->emin + 2) << (info->bits - 1);
}

/* The value of a pattern by the definition of IEEE 754's binary formats. */
static real defined_value(enum dtype d, uint64_t bits)
{
    const struct dtype_info *info = &dtype_table[d];
    uint64_t magnitude = bits & (sign_bit(d) - 1);
    uint64_t hidden = UINT64_C(1) << (info->bits - 1);
    uint64_t exponent = magnitude / hidden, fraction = magnitude % hidden;
    real value;
    if (magnitude > infinity_bits(d)) {
        return (real)NAN;
    }
    if (magnitude == infinity_bits(d)) {
        value = (real)INFINITY;
    } else if (exponent == 0) {
        value = ldexpl((real)fraction, info->emin - info->bits);
    } else {
        value = ldexpl((real)(hidden + fraction), (int)exponent - 1 + info->emin - info->bits);
    }
    return bits & sign_bit(d) ? -value : value;
}

/* ---- tables and limits ---- */

static void names_are_read_and_written(void **state)
{
    for (int d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        const char *name = dtype_name((enum dtype)d);
        assert_int_equal(dtype_parse(name, strlen(name)), d);
        assert_int_equal(dtype_parse(name, strlen(name) - 1), DTYPE_NONE);
    }
    assert_int_equal(dtype_parse("f320", 3), DTYPE_F32);
    assert_int_equal(dtype_parse("f128", 4), DTYPE_NONE);
    assert_int_equal(dtype_parse("none", 4), DTYPE_NONE);
    assert_int_equal(dtype_parse("", 0), DTYPE_NONE);
}

static void classes_are_apart(void **state)
{
    assert_int_equal(DT_FLOATS & DT_INTS, 0);
    assert_int_equal(DT_ALL, (1u << DTYPE_COUNT) - 2);
    assert_true(dtype_is_float(DTYPE_BF16) && !dtype_is_float(DTYPE_I8));
    assert_true(dtype_is_int(DTYPE_U32) && !dtype_is_int(DTYPE_BOOL) && !dtype_is_int(DTYPE_F64));
}

static void float_limits_follow_from_the_table(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(floats); i++) {
        enum dtype d = floats[i];
        const struct dtype_info *info = &dtype_table[d];
        real unit = ldexpl(1, -info->bits);
        assert_true(dtype_roundoff(d) == unit);
        assert_true(dtype_max(d) == ldexpl(1 - unit, info->emax));
        assert_true(dtype_lowest(d) == -dtype_max(d));
        assert_true(dtype_min_normal(d) == ldexpl(1, info->emin - 1));
        assert_true(dtype_tiny(d) == ldexpl(1, info->emin - info->bits));
        assert_true(load_bits(d, 1) == dtype_tiny(d));
        assert_true(load_bits(d, infinity_bits(d) - 1) == dtype_max(d));
    }
    assert_true(dtype_max(DTYPE_F32) == FLT_MAX && dtype_min_normal(DTYPE_F32) == FLT_MIN);
    assert_true(dtype_max(DTYPE_F64) == DBL_MAX && dtype_tiny(DTYPE_F64) == DBL_TRUE_MIN);
}

static void int_limits_follow_from_the_table(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
        enum dtype d = ints[i];
        bool is_signed = dtype_table[d].class == CLASS_SIGNED;
        assert_true(dtype_max(d) == ldexpl(1, dtype_table[d].bits - is_signed) - 1);
        assert_true(dtype_lowest(d) == (is_signed ? -dtype_max(d) - 1 : 0));
        assert_true(dtype_roundoff(d) == 0 && dtype_tiny(d) == 0 && dtype_min_normal(d) == 0);
    }
    assert_true(dtype_max(DTYPE_BOOL) == 1 && dtype_lowest(DTYPE_BOOL) == 0);
}

/* ---- loading, storing, rounding ---- */

static void every_16_bit_pattern_is_its_definition(void **state)
{
    for (int i = 0; i < 2; i++) {
        for (uint64_t bits = 0; bits < 65536; bits++) {
            real value = load_bits(floats[i], bits);
            assert_true(same(value, defined_value(floats[i], bits)));
            assert_true(same(dtype_round(floats[i], value), value));
            uint64_t canonical =
                infinity_bits(floats[i]) | UINT64_C(1) << (dtype_table[floats[i]].bits - 2);
            assert_int_equal(store_bits(floats[i], value), isnan(value) ? canonical : bits);
        }
    }
}

/* What lies around the middle of the values of `bits` and `bits + 1`, and of their negatives. */
static void check_middle(enum dtype d, uint64_t bits)
{
    real low = defined_value(d, bits), high = defined_value(d, bits + 1);
    if (isinf(high)) {
        high = ldexpl(1, dtype_table[d].emax); /* where the grid would go on */
    }
    real middle = (low + high) / 2; /* exact: one bit more */
    uint64_t even = bits + (bits & 1);
    assert_int_equal(store_bits(d, middle), even);
    assert_int_equal(store_bits(d, nextafterl(middle, 0)), bits);
    assert_int_equal(store_bits(d, nextafterl(middle, (real)INFINITY)), bits + 1);
    assert_int_equal(store_bits(d, -middle), even | sign_bit(d));
    assert_int_equal(store_bits(d, nextafterl(-middle, 0)), bits | sign_bit(d));
    assert_int_equal(store_bits(d, nextafterl(-middle, -(real)INFINITY)), (bits + 1) | sign_bit(d));
    assert_true(same(dtype_round(d, middle), defined_value(d, even)));
    assert_true(same(dtype_round(d, -middle), -defined_value(d, even)));
    assert_true(same(dtype_round(d, nextafterl(middle, 0)), low));
}

static void every_16_bit_rounding_is_right(void **state)
{
    for (int i = 0; i < 2; i++) {
        for (uint64_t bits = 0; bits < infinity_bits(floats[i]); bits++) {
            check_middle(floats[i], bits);
        }
    }
}

static void wide_roundings_are_right(void **state)
{
    struct rng rng = rng_seeded(1);
    for (int i = 2; i < 4; i++) {
        enum dtype d = floats[i];
        uint64_t end = infinity_bits(d), hidden = UINT64_C(1) << (dtype_table[d].bits - 1);
        check_middle(d, end - 1);
        check_middle(d, hidden - 1);
        check_middle(d, hidden);
        for (int k = 0; k < 30000; k++) {
            check_middle(d, rng_below(&rng, end));
            check_middle(d, rng_below(&rng, hidden)); /* subnormal */
            uint64_t bits = rng_next(&rng) & (sign_bit(d) * 2 - 1);
            assert_true(same(load_bits(d, bits), defined_value(d, bits)));
        }
    }
}

static void extremes_of_real_round_too(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(floats); i++) {
        enum dtype d = floats[i];
        assert_true(same(dtype_round(d, LDBL_MAX), (real)INFINITY));
        assert_true(same(dtype_round(d, -LDBL_MAX), -(real)INFINITY));
        assert_true(same(dtype_round(d, ldexpl(1, dtype_table[d].emax)), (real)INFINITY));
        assert_true(same(dtype_round(d, ldexpl(1.5L, dtype_table[d].emax)), (real)INFINITY));
        assert_true(same(dtype_round(d, -ldexpl(1.75L, dtype_table[d].emax + 1)), -(real)INFINITY));
        assert_true(same(dtype_round(d, LDBL_TRUE_MIN), 0));
        assert_true(same(dtype_round(d, -LDBL_TRUE_MIN), -0.0L));
        assert_true(same(dtype_round(d, -LDBL_MIN), -0.0L));
        assert_true(same(dtype_round(d, -0.0L), -0.0L));
        assert_true(same(dtype_round(d, (real)INFINITY), (real)INFINITY));
        assert_true(isnan(dtype_round(d, (real)NAN)));
        assert_int_equal(store_bits(d, -(real)NAN), store_bits(d, (real)NAN));
        assert_int_equal(store_bits(d, (real)NAN) & sign_bit(d), 0);
    }
}

/* No rounding by way of another format: these sit one bit of real beside a middle. */
static void nothing_rounds_twice(void **state)
{
    assert_true(dtype_round(DTYPE_F16, 1 + 0x1p-11L + 0x1p-60L) == 1 + 0x1p-10L);
    assert_true(dtype_round(DTYPE_F16, 1 + 0x1p-11L) == 1);
    assert_true(dtype_round(DTYPE_BF16, 1 + 0x1p-8L + 0x1p-63L) == 1 + 0x1p-7L);
    assert_true(dtype_round(DTYPE_F16, 65520 - 0x1p-45L) == 65504);
    assert_true(dtype_round(DTYPE_F16, 0x1p-25L + 0x1p-85L) == 0x1p-24L);
    assert_true(dtype_round(DTYPE_F16, 0x1p-25L) == 0);
    assert_true(dtype_round(DTYPE_F32, 1 + 0x1p-24L + 0x1p-60L) == 1 + 0x1p-23L);
}

static void integers_wrap(void **state)
{
    assert_true(dtype_round(DTYPE_I8, 128) == -128 && dtype_round(DTYPE_I8, -129) == 127);
    assert_true(dtype_round(DTYPE_U8, 256) == 0 && dtype_round(DTYPE_U8, -1) == 255);
    assert_true(dtype_round(DTYPE_U32, 0x1p32L + 5) == 5);
    assert_true(dtype_round(DTYPE_I64, 0x1p63L) == -0x1p63L);
    assert_true(dtype_round(DTYPE_I64, 0x1p64L - 1) == -1);
    assert_true(dtype_round(DTYPE_I32, 0x1p100L) == 0);
    assert_true(dtype_round(DTYPE_I64, -(0x1p64L + 0x1p10L)) == -0x1p10L);
    assert_true(dtype_wrap(DTYPE_I16, 0x18000) == -32768);
    assert_true(dtype_wrap(DTYPE_U16, UINT64_MAX) == 65535);
    for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
        enum dtype d = ints[i];
        assert_true(dtype_round(d, (real)NAN) == dtype_lowest(d));
        assert_true(dtype_round(d, (real)INFINITY) == dtype_lowest(d));
        assert_true(dtype_round(d, -(real)INFINITY) == dtype_lowest(d));
        assert_true(dtype_round(d, dtype_max(d)) == dtype_max(d));
        assert_true(dtype_round(d, dtype_lowest(d)) == dtype_lowest(d));
        assert_true(dtype_round(d, dtype_max(d) + 1) == dtype_lowest(d));
        assert_true(dtype_round(d, dtype_lowest(d) - 1) == dtype_max(d));
    }
    assert_true(dtype_round(DTYPE_BOOL, -0.5L) == 1 && dtype_round(DTYPE_BOOL, -0.0L) == 0);
    assert_true(dtype_round(DTYPE_BOOL, (real)NAN) == 1);
    assert_int_equal(store_bits(DTYPE_BOOL, 300), 1);
    assert_true(load_bits(DTYPE_BOOL, 7) == 1);
}

static void patterns_of_integral_values(void **state)
{
    struct rng rng = rng_seeded(2);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rng_next(&rng) >> rng_below(&rng, 64);
        assert_true(real_pattern((real)bits) == bits);
        assert_true(real_pattern((real)(int64_t)bits) == bits);
        for (size_t k = 0; k < ARRAY_SIZE(ints); k++) {
            uint64_t stored = 0;
            memcpy(&stored, &bits, dtype_size(ints[k]));
            real value = dtype_wrap(ints[k], bits);
            assert_true(value >= dtype_lowest(ints[k]) && value <= dtype_max(ints[k]));
            assert_true(store_bits(ints[k], value) == stored);
            assert_true(load_bits(ints[k], bits) == value);
            assert_true(dtype_round(ints[k], (real)(int64_t)bits) == value);
        }
    }
    assert_true(real_pattern(-0x1p63L) == UINT64_C(1) << 63);
    assert_true(real_pattern(0x1p64L - 1) == UINT64_MAX);
    assert_true(real_pattern((0x1p63L + 1) * 0x1p63L) == UINT64_C(1) << 63);
    assert_true(real_pattern((0x1p63L + 1) * 0x1p64L) == 0);
}

static void many_is_one_by_one(void **state)
{
    enum { N = 1000 };
    static unsigned char data[N * 8], stored[N * 8], one[N * 8], two[N * 8];
    static real values[N], wide[N], rounded[N];
    struct rng rng = rng_seeded(3);
    for (int d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        for (size_t i = 0; i < sizeof data; i++) {
            data[i] = (unsigned char)rng_next(&rng);
        }
        dtype_load_many((enum dtype)d, data, N, values);
        dtype_store_many((enum dtype)d, stored, N, values);
        for (size_t i = 0; i < N; i++) {
            wide[i] = ((real)rng_unit(&rng) - 0.5L) * ldexpl(1, (int)rng_range(&rng, -160, 160));
            wide[i] = dtype_is_float((enum dtype)d) ? wide[i] : truncl(wide[i]);
            rounded[i] = wide[i];
        }
        dtype_round_many((enum dtype)d, rounded, N);
        for (size_t i = 0; i < N; i++) {
            assert_true(same(values[i], dtype_load((enum dtype)d, data, i)));
            dtype_store((enum dtype)d, one, i, values[i]);
            assert_true(same(rounded[i], dtype_round((enum dtype)d, wide[i])));
            dtype_store((enum dtype)d, two, i, wide[i]);
            assert_true(same(rounded[i], dtype_load((enum dtype)d, two, i)));
        }
        assert_memory_equal(stored, one, N * dtype_size((enum dtype)d));
        memset(stored, 0x55, 16);
        dtype_store_many((enum dtype)d, stored, 0, values);
        assert_int_equal(stored[0], 0x55);
    }
}

/* ---- distance ---- */

static void steps_count_values_between(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(floats); i++) {
        enum dtype d = floats[i];
        real tiny = dtype_tiny(d), next = 1 + 2 * dtype_roundoff(d);
        assert_int_equal(dtype_steps(d, 1, 1), 0);
        assert_int_equal(dtype_steps(d, 1, next), 1);
        assert_int_equal(dtype_steps(d, next, 1), 1);
        assert_int_equal(dtype_steps(d, 1, 1 - dtype_roundoff(d)), 1);
        assert_int_equal(dtype_steps(d, -0.0L, 0), 0);
        assert_int_equal(dtype_steps(d, -tiny, tiny), 2);
        assert_int_equal(dtype_steps(d, dtype_max(d), (real)INFINITY), 1);
        assert_int_equal(dtype_steps(d, 1, 2), INT64_C(1) << (dtype_table[d].bits - 1));
        assert_int_equal(dtype_steps(d, (real)NAN, (real)NAN), 0);
        assert_true(dtype_steps(d, (real)NAN, 1) == INT64_MAX);
        assert_true(dtype_steps(d, 1, (real)NAN) == INT64_MAX);
        assert_true(dtype_steps(d, -(real)INFINITY, (real)INFINITY) > 0);
    }
    assert_int_equal(dtype_steps(DTYPE_U8, 3, 250), 247);
    assert_true(dtype_steps(DTYPE_I64, INT64_MIN, INT64_MAX) == INT64_MAX);
    assert_int_equal(dtype_steps(DTYPE_I64, INT64_MAX, INT64_MAX - 1), 1);
    assert_int_equal(dtype_steps(DTYPE_BOOL, 0, 1), 1);
}

/* ---- texts ---- */

static const char *printed(enum dtype d, real value)
{
    static struct buffer buffer = BUFFER_INIT;
    buffer_clear(&buffer);
    dtype_print(d, value, &buffer);
    static char text[64];
    snprintf(text, sizeof text, "%s", buffer.data);
    buffer_release(&buffer);
    return text;
}

/* Not the fewest digits, but those of what is there: people calculate with them. */
static void values_have_the_digits_of_single_precision(void **state)
{
    static const struct {
        enum dtype d;
        real value;
        const char *text;
    } rows[] = {
        {DTYPE_BF16, -9.6875L, "-9.6875"},
        {DTYPE_BF16, 2, "2"},
        {DTYPE_BF16, 0x1p-133L, "9.1835e-41"},
        {DTYPE_BF16, NAN, "nan"},
        {DTYPE_F16, 0.1L, "0.099975586"},
        {DTYPE_F16, -0.0L, "-0"},
        {DTYPE_F32, 0.1L, "0.1"},
        {DTYPE_F64, 0.1L, "0.1"},
        {DTYPE_I64, 7, "7"},
        {DTYPE_BOOL, 1, "true"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buffer text = BUFFER_INIT;
        dtype_print_value(rows[i].d, rows[i].value, &text);
        assert_string_equal(text.data, rows[i].text);
        buffer_release(&text);
    }
}

static void texts_are_as_people_write(void **state)
{
    static const struct {
        real value;
        const char *text;
        enum dtype d;
    } rows[] = {
        {1, "1", DTYPE_F32},
        {-0.5L, "-0.5", DTYPE_F32},
        {0.1L, "0.1", DTYPE_F32},
        {1e-40L, "1e-40", DTYPE_F32},
        {-0.0L, "-0", DTYPE_F32},
        {0, "0", DTYPE_F32},
        {(real)INFINITY, "inf", DTYPE_F32},
        {-(real)INFINITY, "-inf", DTYPE_F32},
        {(real)NAN, "nan", DTYPE_F32},
        {-(real)NAN, "nan", DTYPE_F32},
        {16777216, "16777216", DTYPE_F32},
        {FLT_MAX, "3.4028235e+38", DTYPE_F32},
        {FLT_TRUE_MIN, "1e-45", DTYPE_F32},
        {0.1L, "0.1", DTYPE_F64},
        {DBL_MAX, "1.7976931348623157e+308", DTYPE_F64},
        {DBL_TRUE_MIN, "5e-324", DTYPE_F64},
        {1 / 3.0L, "0.3333333333333333", DTYPE_F64},
        {65504, "65504", DTYPE_F16},
        {0.1L, "0.1", DTYPE_F16},
        {0x1p-24L, "6e-08", DTYPE_F16},
        {3.14L, "3.14", DTYPE_BF16},
        {INT64_MIN, "-9223372036854775808", DTYPE_I64},
        {INT64_MAX, "9223372036854775807", DTYPE_I64},
        {UINT32_MAX, "4294967295", DTYPE_U32},
        {-128, "-128", DTYPE_I8},
        {0, "false", DTYPE_BOOL},
        {1, "true", DTYPE_BOOL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(printed(rows[i].d, rows[i].value), rows[i].text);
    }
}

static real read_back(enum dtype d, const char *text)
{
    return d == DTYPE_F32 ? (real)strtof(text, NULL) : dtype_round(d, strtod(text, NULL));
}

static size_t count_digits(const char *text)
{
    size_t n = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '0' && n) {
            zeros++;
        } else if (*text >= '1' && *text <= '9') {
            n += 1 + zeros;
            zeros = 0;
        }
    }
    return n;
}

static void check_text(enum dtype d, real value)
{
    const char *text = printed(d, value);
    assert_true(same(read_back(d, text), value));
    size_t digits = count_digits(text);
    /* Small integers are written out. */
    bool is_small_integer = fabsl(value) < 100000 && value == truncl(value);
    if (digits > 1 && isfinite(value) && !is_small_integer) {
        char shorter[64];
        snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, (double)value);
        assert_false(same(read_back(d, shorter), value));
    }
}

static void every_16_bit_value_reads_back(void **state)
{
    for (int i = 0; i < 2; i++) {
        for (uint64_t bits = 0; bits < 65536; bits++) {
            check_text(floats[i], load_bits(floats[i], bits));
        }
    }
}

static void wide_values_read_back(void **state)
{
    struct rng rng = rng_seeded(4);
    for (int i = 2; i < 4; i++) {
        enum dtype d = floats[i];
        uint64_t hidden = UINT64_C(1) << (dtype_table[d].bits - 1);
        for (int k = 0; k < 20000; k++) {
            check_text(d, load_bits(d, rng_next(&rng)));
            check_text(d, load_bits(d, rng_below(&rng, hidden)));
            check_text(d, dtype_round(d, (real)rng_range(&rng, -9999999, 9999999) / 1000));
            check_text(d, dtype_round(d, (real)rng_range(&rng, -9999999, 9999999)));
        }
        for (uint64_t power = 0; power < infinity_bits(d); power += hidden) {
            check_text(d, load_bits(d, power));
            check_text(d, load_bits(d, power ? power - 1 : 1));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_and_written),
        cmocka_unit_test(classes_are_apart),
        cmocka_unit_test(float_limits_follow_from_the_table),
        cmocka_unit_test(int_limits_follow_from_the_table),
        cmocka_unit_test(every_16_bit_pattern_is_its_definition),
        cmocka_unit_test(every_16_bit_rounding_is_right),
        cmocka_unit_test(wide_roundings_are_right),
        cmocka_unit_test(extremes_of_real_round_too),
        cmocka_unit_test(nothing_rounds_twice),
        cmocka_unit_test(integers_wrap),
        cmocka_unit_test(patterns_of_integral_values),
        cmocka_unit_test(many_is_one_by_one),
        cmocka_unit_test(steps_count_values_between),
        cmocka_unit_test(texts_are_as_people_write),
        cmocka_unit_test(values_have_the_digits_of_single_precision),
        cmocka_unit_test(every_16_bit_value_reads_back),
        cmocka_unit_test(wide_values_read_back),
    };
    return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
