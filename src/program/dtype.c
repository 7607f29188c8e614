/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of every dtype: their limits, and the way between stored bits and `real`. Each value is
 * rounded once, to nearest even, whatever its size; the engine never changes the rounding mode.
 * Text forms of numbers are in number.c.
 */
#include "program/program.h"

#include <math.h>
#include <string.h>

const struct dtype_info dtype_table[DTYPE_COUNT] = {[DTYPE_NONE] = {"none", 0, CLASS_BOOL, 0, 0, 0},
#define DTYPE_ROW(id, name, size, class, bits, emax, emin)                                         \
    [DTYPE_##id] = {name, size, class, bits, emax, emin},
                                                    DTYPE_MAP(DTYPE_ROW)
#undef DTYPE_ROW
};

const struct dtype_limits dtype_limits[DTYPE_COUNT] = {
    [DTYPE_BOOL] = {1, 0, 0, 0, 0},
    [DTYPE_I8] = {INT8_MAX, INT8_MIN, 0, 0, 0},
    [DTYPE_U8] = {UINT8_MAX, 0, 0, 0, 0},
    [DTYPE_I16] = {INT16_MAX, INT16_MIN, 0, 0, 0},
    [DTYPE_U16] = {UINT16_MAX, 0, 0, 0, 0},
    [DTYPE_I32] = {INT32_MAX, INT32_MIN, 0, 0, 0},
    [DTYPE_U32] = {UINT32_MAX, 0, 0, 0, 0},
    [DTYPE_I64] = {INT64_MAX, INT64_MIN, 0, 0, 0},
    [DTYPE_F16] = {65504, -65504, 0x1p-11L, 0x1p-24L, 0x1p-14L},
    [DTYPE_BF16] = {0x1.fep127L, -0x1.fep127L, 0x1p-8L, 0x1p-133L, 0x1p-126L},
    [DTYPE_F32] = {0x1.fffffep127L, -0x1.fffffep127L, 0x1p-24L, 0x1p-149L, 0x1p-126L},
    [DTYPE_F64] = {0x1.fffffffffffffp1023L, -0x1.fffffffffffffp1023L, 0x1p-53L, 0x1p-1074L,
                   0x1p-1022L},
};

enum dtype dtype_parse(const char *name, size_t size)
{
    for (int d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        if (strlen(dtype_table[d].name) == size && memcmp(dtype_table[d].name, name, size) == 0) {
            return (enum dtype)d;
        }
    }
    return DTYPE_NONE;
}

/* ---- a real taken apart ---- */

/* |v| = significand * 2^(exponent - 63) with the top bit of the significand set. Zero has
 * significand 0 and an exponent below all others. */
struct parts {
    bool negative;
    int exponent; /* EXPONENT_SPECIAL: infinity, or NaN if significand bits follow the top one */
    uint64_t significand;
};
enum { EXPONENT_SPECIAL = 16384, EXPONENT_LOWEST = -16383 }; /* as x87 has them */

static inline bool parts_are_nan(struct parts parts)
{
    return parts.exponent == EXPONENT_SPECIAL && parts.significand << 1 != 0;
}

/* All by the bits: comparing and converting on the x87 costs several times as much. */
static inline struct parts real_parts(real v)
{
    struct parts parts;
#if __LDBL_MANT_DIG__ == 64 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* x87 extended: 64 bits with an explicit leading one, then sign and exponent in 16. What is
     * subnormal there keeps its leading zeros: it is far below every dtype. */
    uint16_t top;
    memcpy(&parts.significand, &v, sizeof parts.significand);
    memcpy(&top, (const char *)&v + sizeof parts.significand, sizeof top);
    parts.negative = top >> 15;
    parts.exponent = (top & 0x7fff) + EXPONENT_LOWEST;
#else
    parts.negative = signbit(v);
    if (v == 0 || !isfinite(v)) {
        parts.exponent = v == 0 ? EXPONENT_LOWEST : EXPONENT_SPECIAL;
        parts.significand = v == 0 ? 0 : isnan(v) ? UINT64_MAX : UINT64_C(1) << 63;
        return parts;
    }
    real scaled = ldexpl(frexpl(fabsl(v), &parts.exponent), 64);
    parts.exponent -= 1;
    parts.significand = (uint64_t)scaled;
    /* What does not fit may only break ties: all dtypes have far fewer bits than 64. */
    parts.significand |= (real)parts.significand != scaled;
#endif
    return parts;
}

/* The 16-bit pattern nearest to v in a binary format with `bits` of significand (hidden one
 * included) and smallest normal 2^(emin - 1). Ties go to even; what rounds beyond the largest value
 * is infinity. */
static inline uint16_t encode_16(real v, int bits, int emax, int emin)
{
    struct parts parts = real_parts(v);
    unsigned infinity = (unsigned)(emax - emin + 2) << (bits - 1);
    unsigned sign = parts.negative ? 0x8000 : 0;
    if (parts.exponent >= emax) {
        return (uint16_t)(parts_are_nan(parts) ? infinity | 1u << (bits - 2) : sign | infinity);
    }
    int lowest = emin - 1;
    int exponent = parts.exponent > lowest ? parts.exponent : lowest;
    int drop = 64 - bits + (exponent - parts.exponent);
    if (drop > 64) {
        return (uint16_t)sign; /* zero, or below half of the smallest subnormal */
    }
    uint64_t kept = drop == 64 ? 0 : parts.significand >> drop;
    uint64_t rest = drop == 64 ? parts.significand : parts.significand << (64 - drop);
    uint64_t half = UINT64_C(1) << 63;
    kept += rest > half || (rest == half && (kept & 1));
    /* The hidden one adds 1 to the exponent field, and so does a carry out of the significand. */
    return (uint16_t)(sign | (((uint64_t)(exponent - lowest) << (bits - 1)) + kept));
}

static inline uint16_t encode_f16(real v)
{
    return encode_16(v, 11, 16, -13);
}

static inline uint16_t encode_bf16(real v)
{
    return encode_16(v, 8, 128, -125);
}

static inline float float_of(uint32_t pattern)
{
    float f;
    memcpy(&f, &pattern, sizeof f);
    return f;
}

static inline real decode_f16(uint16_t pattern)
{
    uint32_t sign = (uint32_t)(pattern & 0x8000) << 16;
    uint32_t magnitude = pattern & 0x7fff;
    if (magnitude >= 0x7c00) {
        return float_of(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    }
    if (magnitude < 0x400) {
        real v = (real)magnitude * 0x1p-24L;
        return sign ? -v : v;
    }
    return float_of(sign | ((magnitude << 13) + ((127 - 15) << 23)));
}

static inline real decode_bf16(uint16_t pattern)
{
    return float_of((uint32_t)pattern << 16);
}

/* ---- integers ---- */

/* The integral part mod 2^64; `special` for NaN and infinity. */
static inline uint64_t integral_pattern(real value, uint64_t special)
{
    struct parts parts = real_parts(value);
    int shift = 63 - parts.exponent;
    uint64_t pattern = shift > 63 ? 0 : parts.significand >> (shift & 63);
    if (shift < 0) {
        if (parts.exponent == EXPONENT_SPECIAL) {
            return special;
        }
        pattern = shift > -64 ? parts.significand << -shift : 0;
    }
    return parts.negative ? 0 - pattern : pattern;
}

uint64_t real_pattern(real value)
{
    return integral_pattern(value, UINT64_C(1) << 63);
}

/* Out-of-range conversion to a signed type is defined by gcc and clang as wrapping. */
real dtype_wrap(enum dtype d, uint64_t pattern)
{
    switch (d) {
    case DTYPE_BOOL:
        return pattern != 0;
    case DTYPE_I8:
        return (int8_t)pattern;
    case DTYPE_U8:
        return (uint8_t)pattern;
    case DTYPE_I16:
        return (int16_t)pattern;
    case DTYPE_U16:
        return (uint16_t)pattern;
    case DTYPE_I32:
        return (int32_t)pattern;
    case DTYPE_U32:
        return (uint32_t)pattern;
    case DTYPE_I64:
        return (real)(int64_t)pattern;
    case DTYPE_NONE:
    case DTYPE_F16:
    case DTYPE_BF16:
    case DTYPE_F32:
    case DTYPE_F64:
    case DTYPE_COUNT:
        break;
    }
    BUG("dtype_wrap of %s", dtype_name(d));
}

/* The pattern an integer dtype keeps of any real. */
static inline uint64_t int_pattern(enum dtype d, real value)
{
    return integral_pattern(value, (uint64_t)(int64_t)dtype_limits[d].lowest);
}

/* ---- rounding ---- */

#define ROUND_LOOP(expression)                                                                     \
    do {                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            real v = values[i];                                                                    \
            values[i] = (real)(expression);                                                        \
            lost |= values[i] != v;                                                                \
        }                                                                                          \
        return lost != 0;                                                                          \
    } while (0)

/* Rounds *v by its bits when it is zero, or normal in the format and not near overflow: what nearly
 * all elements are, in a third of the time that the x87 takes. false: another way is needed.
 * *lost: not 0 if it was no value of the format. */
static inline __attribute__((always_inline)) bool round_normal(real *v, int bits, int emax,
                                                               int emin, uint64_t *lost)
{
#if __LDBL_MANT_DIG__ == 64 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t significand;
    uint16_t top;
    memcpy(&significand, v, sizeof significand);
    memcpy(&top, (const char *)v + sizeof significand, sizeof top);
    unsigned above = (unsigned)(top & 0x7fff) - (unsigned)(emin - 1 - EXPONENT_LOWEST);
    if (above >= (unsigned)(emax - emin) && significand != 0) {
        return false;
    }
    uint64_t unit = UINT64_C(1) << (64 - bits);
    uint64_t rounded = significand + (unit / 2 - 1) + (significand >> (64 - bits) & 1);
    bool carries = rounded < significand;
    rounded = (rounded & ~(unit - 1)) | (uint64_t)carries << 63;
    top = (uint16_t)(top + carries);
    *lost |= rounded ^ significand;
    memcpy(v, &rounded, sizeof rounded);
    memcpy((char *)v + sizeof rounded, &top, sizeof top);
    return true;
#else
    return false;
#endif
}

#define ROUND_FLOATS(bits, emax, emin, expression)                                                 \
    do {                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            if (!round_normal(&values[i], bits, emax, emin, &lost)) {                              \
                real v = values[i];                                                                \
                values[i] = (real)(expression);                                                    \
                lost |= values[i] != v && !isnan(v);                                               \
            }                                                                                      \
        }                                                                                          \
        return lost != 0;                                                                          \
    } while (0)

bool dtype_round_many(enum dtype d, real *values, size_t n)
{
    uint64_t lost = 0;
    switch (d) {
    case DTYPE_BOOL:
        ROUND_LOOP(v != 0);
    case DTYPE_I8:
        ROUND_LOOP((int8_t)int_pattern(DTYPE_I8, v));
    case DTYPE_U8:
        ROUND_LOOP((uint8_t)int_pattern(DTYPE_U8, v));
    case DTYPE_I16:
        ROUND_LOOP((int16_t)int_pattern(DTYPE_I16, v));
    case DTYPE_U16:
        ROUND_LOOP((uint16_t)int_pattern(DTYPE_U16, v));
    case DTYPE_I32:
        ROUND_LOOP((int32_t)int_pattern(DTYPE_I32, v));
    case DTYPE_U32:
        ROUND_LOOP((uint32_t)int_pattern(DTYPE_U32, v));
    case DTYPE_I64:
        ROUND_LOOP((int64_t)int_pattern(DTYPE_I64, v));
    case DTYPE_F16:
        ROUND_FLOATS(11, 16, -13, decode_f16(encode_f16(v)));
    case DTYPE_BF16:
        ROUND_FLOATS(8, 128, -125, decode_bf16(encode_bf16(v)));
    case DTYPE_F32:
        ROUND_FLOATS(24, 128, -125, isnan(v) ? (real)NAN : (real)(float)v);
    case DTYPE_F64:
        ROUND_FLOATS(53, 1024, -1021, isnan(v) ? (real)NAN : (real)(double)v);
    case DTYPE_NONE:
    case DTYPE_COUNT:
        break;
    }
    BUG("dtype_round of dtype %d", d);
}

real dtype_round(enum dtype d, real value)
{
    dtype_round_many(d, &value, 1);
    return value;
}

/* ---- loading and storing: one loop a dtype ---- */

#define LOAD_LOOP(type, expression)                                                                \
    do {                                                                                           \
        const type *from = data;                                                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            type x = from[i];                                                                      \
            out[i] = (real)(expression);                                                           \
        }                                                                                          \
        return;                                                                                    \
    } while (0)

void dtype_load_many(enum dtype d, const void *data, size_t n, real *out)
{
    switch (d) {
    case DTYPE_BOOL:
        LOAD_LOOP(uint8_t, x != 0);
    case DTYPE_I8:
        LOAD_LOOP(int8_t, x);
    case DTYPE_U8:
        LOAD_LOOP(uint8_t, x);
    case DTYPE_I16:
        LOAD_LOOP(int16_t, x);
    case DTYPE_U16:
        LOAD_LOOP(uint16_t, x);
    case DTYPE_I32:
        LOAD_LOOP(int32_t, x);
    case DTYPE_U32:
        LOAD_LOOP(uint32_t, x);
    case DTYPE_I64:
        LOAD_LOOP(int64_t, x);
    case DTYPE_F16:
        LOAD_LOOP(uint16_t, decode_f16(x));
    case DTYPE_BF16:
        LOAD_LOOP(uint16_t, decode_bf16(x));
    case DTYPE_F32:
        LOAD_LOOP(float, x);
    case DTYPE_F64:
        LOAD_LOOP(double, x);
    case DTYPE_NONE:
    case DTYPE_COUNT:
        break;
    }
    BUG("dtype_load of dtype %d", d);
}

#define STORE_LOOP(type, expression)                                                               \
    do {                                                                                           \
        type *to = data;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            real v = in[i];                                                                        \
            to[i] = (type)(expression);                                                            \
        }                                                                                          \
        return;                                                                                    \
    } while (0)

void dtype_store_many(enum dtype d, void *data, size_t n, const real *in)
{
    switch (d) {
    case DTYPE_BOOL:
        STORE_LOOP(uint8_t, v != 0);
    case DTYPE_I8:
        STORE_LOOP(int8_t, int_pattern(DTYPE_I8, v));
    case DTYPE_U8:
        STORE_LOOP(uint8_t, int_pattern(DTYPE_U8, v));
    case DTYPE_I16:
        STORE_LOOP(int16_t, int_pattern(DTYPE_I16, v));
    case DTYPE_U16:
        STORE_LOOP(uint16_t, int_pattern(DTYPE_U16, v));
    case DTYPE_I32:
        STORE_LOOP(int32_t, int_pattern(DTYPE_I32, v));
    case DTYPE_U32:
        STORE_LOOP(uint32_t, int_pattern(DTYPE_U32, v));
    case DTYPE_I64:
        STORE_LOOP(int64_t, int_pattern(DTYPE_I64, v));
    case DTYPE_F16:
        STORE_LOOP(uint16_t, encode_f16(v));
    case DTYPE_BF16:
        STORE_LOOP(uint16_t, encode_bf16(v));
    /* One NaN only: quiet, positive, without payload. */
    case DTYPE_F32:
        STORE_LOOP(float, isnan(v) ? NAN : (float)v);
    case DTYPE_F64:
        STORE_LOOP(double, isnan(v) ? (double)NAN : (double)v);
    case DTYPE_NONE:
    case DTYPE_COUNT:
        break;
    }
    BUG("dtype_store of dtype %d", d);
}

real dtype_load(enum dtype d, const void *data, size_t index)
{
    real value;
    dtype_load_many(d, (const char *)data + index * dtype_size(d), 1, &value);
    return value;
}

void dtype_store(enum dtype d, void *data, size_t index, real value)
{
    dtype_store_many(d, (char *)data + index * dtype_size(d), 1, &value);
}

/* ---- distance ---- */

/* The place of a float in the order of all values of its dtype; both zeros are at 0. */
static int64_t float_place(enum dtype d, real value)
{
    uint64_t pattern = 0;
    dtype_store(d, &pattern, 0, value); /* little endian: the low bytes */
    uint64_t sign = UINT64_C(1) << (8 * dtype_size(d) - 1);
    int64_t magnitude = (int64_t)(pattern & (sign - 1));
    return pattern & sign ? -magnitude : magnitude;
}

int64_t dtype_steps(enum dtype d, real a, real b)
{
    if (isnan(a) || isnan(b)) {
        return isnan(a) && isnan(b) ? 0 : INT64_MAX;
    }
    int64_t x, y;
    if (dtype_is_float(d)) {
        x = float_place(d, a);
        y = float_place(d, b);
    } else {
        x = (int64_t)dtype_round(d, a);
        y = (int64_t)dtype_round(d, b);
    }
    uint64_t steps = x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
    return steps > INT64_MAX ? INT64_MAX : (int64_t)steps;
}
