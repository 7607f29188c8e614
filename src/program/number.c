/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as text. Written: the fewest digits that read back to the same value of the dtype. Read:
 * what is written, and any other decimal that is in the dtype's range. glibc's conversions between
 * decimal and binary are correctly rounded.
 */
#include "program/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The value of a decimal, rounded to a float dtype. The 16-bit ones go by way of double: the two
 * roundings differ from one only for texts of more than 16 digits. */
static real read_float(enum dtype d, const char *text)
{
    return d == DTYPE_F32 ? (real)strtof(text, NULL) : dtype_round(d, strtod(text, NULL));
}

/* Decimal digits that every value of d keeps on the way to binary and back, and that tell all
 * values of d apart: floor((bits - 1) log10 2) and ceil(1 + bits log10 2), as FLT_DIG and
 * FLT_DECIMAL_DIG are defined. */
static void digits_of(enum dtype d, int *kept, int *needed)
{
    int bits = dtype_table[d].bits;
    *kept = (bits - 1) * 30103 / 100000;
    *needed = bits * 30103 / 100000 + 2;
}

static void print_float(enum dtype d, real value, struct buffer *buffer)
{
    if (isnan(value)) {
        buffer_puts(buffer, "nan");
        return;
    }
    if (isinf(value)) {
        buffer_puts(buffer, value < 0 ? "-inf" : "inf");
        return;
    }
    /* Small integers are most of what is written, and shortest as they are. */
    if (fabsl(value) < 100000 && value == (real)(int)value && !(value == 0 && signbit(value))) {
        buffer_printf(buffer, "%d", (int)value);
        return;
    }
    int kept, needed;
    digits_of(d, &kept, &needed);
    /* A normal value that has a short text has it as its `kept` digits, zeros dropped. */
    int digits = fabsl(value) >= dtype_min_normal(d) ? kept : 1;
    char text[320]; /* the longest a double can be, as far as the compiler knows */
    do {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
    } while (read_float(d, text) != value && ++digits <= needed);
    buffer_puts(buffer, text);
}

void dtype_print(enum dtype d, real value, struct buffer *buffer)
{
    value = dtype_round(d, value);
    if (d == DTYPE_BOOL) {
        buffer_puts(buffer, value != 0 ? "true" : "false");
    } else if (dtype_is_float(d)) {
        print_float(d, value, buffer);
    } else {
        buffer_printf(buffer, "%lld", (long long)value);
    }
}

void dtype_print_value(enum dtype d, real value, struct buffer *buffer)
{
    dtype_print(dtype_is_half(d) ? DTYPE_F32 : d, dtype_round(d, value), buffer);
}

/* -?DIGITS[.DIGITS][e[+-]DIGITS], at least one digit before or behind the point. */
bool text_is_decimal(const char *text, bool *is_integer)
{
    const char *at = text + (*text == '-');
    const char *start = at;
    while (is_digit(*at)) {
        at++;
    }
    size_t n_digits = (size_t)(at - start);
    *is_integer = true;
    if (*at == '.') {
        *is_integer = false;
        start = ++at;
        while (is_digit(*at)) {
            at++;
        }
        n_digits += (size_t)(at - start);
    }
    if (n_digits == 0) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        *is_integer = false;
        at++;
        at += *at == '-' || *at == '+';
        if (!is_digit(*at)) {
            return false;
        }
        while (is_digit(*at)) {
            at++;
        }
    }
    return *at == '\0';
}

bool text_to_int(const char *text, int64_t *value)
{
    bool is_integer;
    if (!text_is_decimal(text, &is_integer) || !is_integer) {
        return false;
    }
    errno = 0;
    long long parsed = strtoll(text, NULL, 10);
    if (errno == ERANGE) {
        return false;
    }
    *value = parsed;
    return true;
}

static bool text_to_float(enum dtype d, const char *text, real *value)
{
    if (strcmp(text, "nan") == 0) {
        *value = NAN;
        return true;
    }
    if (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0) {
        *value = *text == '-' ? -(real)INFINITY : (real)INFINITY;
        return true;
    }
    bool is_integer;
    if (!text_is_decimal(text, &is_integer)) {
        return false;
    }
    *value = read_float(d, text);
    return isfinite(*value);
}

bool dtype_scan(enum dtype d, const char *text, real *value)
{
    if (dtype_is_float(d)) {
        return text_to_float(d, text, value);
    }
    if (d == DTYPE_BOOL) {
        *value = strcmp(text, "true") == 0;
        return *value != 0 || strcmp(text, "false") == 0;
    }
    int64_t i;
    if (!text_to_int(text, &i) || (real)i < dtype_lowest(d) || (real)i > dtype_max(d)) {
        return false;
    }
    *value = (real)i;
    return true;
}
