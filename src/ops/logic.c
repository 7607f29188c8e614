/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons, logic of bools, and bits of integers: less greater less_equal greater_equal equal
 * not_equal; and or xor not; bit_and bit_or bit_xor bit_not shift_left shift_right. A comparison
 * jumps; the others take nothing inexact.
 */
#include "ops/ops_internal.h"

#define LOGIC_CALLS                                                                                \
    .relate = relate_broadcast_slots, .evaluate = elementwise_evaluate,                            \
    .taint = elementwise_taint, .range = elementwise_range

/* ---- comparisons: false with NaN, but not_equal true (IEEE 754 5.11) ---- */

#define COMPARISON(op_dtypes)                                                                      \
    .in = {{"a", .dtypes = (op_dtypes), RANK_ANY}, {"b", .same_as = "a", RANK_ANY}},               \
    .out = {{"y", .dtypes = DT(BOOL), RANK_ANY}}, .structure = structure_broadcast, LOGIC_CALLS,   \
    .jumps = JUMPS_WHERE_EQUAL

BINARY_ROW(less_row, a < b)
BINARY_ROW(greater_row, a > b)
BINARY_ROW(less_equal_row, a <= b)
BINARY_ROW(greater_equal_row, a >= b)
BINARY_ROW(equal_row, a == b)
BINARY_ROW(not_equal_row, a != b)

static bool both_known(struct interval a, struct interval b)
{
    return !interval_is_empty(a) && !interval_is_empty(b);
}

static bool may_be_nan(struct interval a, struct interval b)
{
    return a.may_nan || b.may_nan;
}

static struct interval less_than(struct interval a, struct interval b)
{
    bool never = both_known(a, b) && a.lo >= b.hi;
    bool always = both_known(a, b) && !may_be_nan(a, b) && a.hi < b.lo;
    return (struct interval){.lo = always, .hi = !never};
}

static struct interval at_most(struct interval a, struct interval b)
{
    bool never = both_known(a, b) && a.lo > b.hi;
    bool always = both_known(a, b) && !may_be_nan(a, b) && a.hi <= b.lo;
    return (struct interval){.lo = always, .hi = !never};
}

static struct interval less_bound(const struct range_query *q)
{
    return less_than(q->in[0], q->in[1]);
}

static struct interval greater_bound(const struct range_query *q)
{
    return less_than(q->in[1], q->in[0]);
}

static struct interval less_equal_bound(const struct range_query *q)
{
    return at_most(q->in[0], q->in[1]);
}

static struct interval greater_equal_bound(const struct range_query *q)
{
    return at_most(q->in[1], q->in[0]);
}

static struct interval equal_bound(const struct range_query *q)
{
    const struct interval a = q->in[0], b = q->in[1];
    bool never = both_known(a, b) && (a.hi < b.lo || b.hi < a.lo);
    bool always =
        both_known(a, b) && !may_be_nan(a, b) && a.lo == a.hi && b.lo == b.hi && a.lo == b.lo;
    return (struct interval){.lo = always, .hi = !never};
}

static struct interval not_equal_bound(const struct range_query *q)
{
    struct interval equal = equal_bound(q);
    return (struct interval){.lo = equal.hi == 0, .hi = equal.lo == 0};
}

const struct op op_less = {.name = "less",
                           .summary = "a < b, broadcast; false with NaN",
                           COMPARISON(DT_NUMBERS),
                           .elementwise =
                               &(const struct elementwise){.row = less_row, .bound = less_bound}};

const struct op op_greater = {
    .name = "greater",
    .summary = "a > b, broadcast; false with NaN",
    COMPARISON(DT_NUMBERS),
    .elementwise = &(const struct elementwise){.row = greater_row, .bound = greater_bound}};

const struct op op_less_equal = {
    .name = "less_equal",
    .summary = "a <= b, broadcast; false with NaN",
    COMPARISON(DT_NUMBERS),
    .elementwise = &(const struct elementwise){.row = less_equal_row, .bound = less_equal_bound}};

const struct op op_greater_equal = {.name = "greater_equal",
                                    .summary = "a >= b, broadcast; false with NaN",
                                    COMPARISON(DT_NUMBERS),
                                    .elementwise = &(const struct elementwise){
                                        .row = greater_equal_row, .bound = greater_equal_bound}};

const struct op op_equal = {
    .name = "equal",
    .summary = "a == b, broadcast; false with NaN",
    COMPARISON(DT_ALL),
    .elementwise = &(const struct elementwise){.row = equal_row, .bound = equal_bound}};

const struct op op_not_equal = {
    .name = "not_equal",
    .summary = "a != b, broadcast; true with NaN",
    COMPARISON(DT_ALL),
    .elementwise = &(const struct elementwise){.row = not_equal_row, .bound = not_equal_bound}};

/* ---- logic of bools ---- */

#define PAIR_OF(op_dtypes)                                                                         \
    .in = {{"a", .dtypes = (op_dtypes), RANK_ANY}, {"b", .same_as = "a", RANK_ANY}},               \
    .out = {{"y", .same_as = "a", RANK_ANY}}, .structure = structure_broadcast, LOGIC_CALLS

#define ONE_OF(op_dtypes)                                                                          \
    .in = {{"x", .dtypes = (op_dtypes), RANK_ANY}}, .out = {{"y", .same_as = "x", RANK_ANY}},      \
    .structure = structure_same, .relate = relate_same, .evaluate = elementwise_evaluate,          \
    .taint = elementwise_taint, .range = elementwise_range

BINARY_ROW(and_row, a != 0 && b != 0)
BINARY_ROW(or_row, a != 0 || b != 0)
BINARY_ROW(xor_row, (a != 0) != (b != 0))
UNARY_ROW(not_row, x == 0)

static struct interval and_bound(const struct range_query *q)
{
    return (struct interval){.lo = fminl(q->in[0].lo, q->in[1].lo),
                             .hi = fminl(q->in[0].hi, q->in[1].hi)};
}

static struct interval or_bound(const struct range_query *q)
{
    return (struct interval){.lo = fmaxl(q->in[0].lo, q->in[1].lo),
                             .hi = fmaxl(q->in[0].hi, q->in[1].hi)};
}

static struct interval not_bound(const struct range_query *q)
{
    return (struct interval){.lo = 1 - q->in[0].hi, .hi = 1 - q->in[0].lo};
}

const struct op op_and = {.name = "and",
                          .summary = "both hold, broadcast",
                          PAIR_OF(DT(BOOL)),
                          .elementwise =
                              &(const struct elementwise){.row = and_row, .bound = and_bound}};

const struct op op_or = {.name = "or",
                         .summary = "one or both hold, broadcast",
                         PAIR_OF(DT(BOOL)),
                         .elementwise =
                             &(const struct elementwise){.row = or_row, .bound = or_bound}};

const struct op op_xor = {
    .name = "xor",
    .summary = "one holds, not both, broadcast",
    PAIR_OF(DT(BOOL)),
    .elementwise = &(const struct elementwise){.row = xor_row, .bound = not_equal_bound}};

const struct op op_not = {.name = "not",
                          .summary = "it does not hold",
                          ONE_OF(DT(BOOL)),
                          .elementwise =
                              &(const struct elementwise){.row = not_row, .bound = not_bound}};

/* ---- bits ---- */

BINARY_ROW(bit_and_row, dtype_wrap(r->d, real_pattern(a) & real_pattern(b)))
BINARY_ROW(bit_or_row, dtype_wrap(r->d, real_pattern(a) | real_pattern(b)))
BINARY_ROW(bit_xor_row, dtype_wrap(r->d, real_pattern(a) ^ real_pattern(b)))
UNARY_ROW(bit_not_row, dtype_wrap(r->d, ~real_pattern(x)))

/* Numbers of n bits and a sign stay such; without a sign the result has none. */
static struct interval bits_bound(const struct range_query *q)
{
    const struct interval a = q->in[0], b = q->in[1];
    if (!both_known(a, b)) {
        return interval_full(q->out_value[0]->dtype);
    }
    real lo = fminl(a.lo, b.lo), hi = fmaxl(a.hi, b.hi), power = 1;
    while (power <= hi || -power > lo) {
        power *= 2;
    }
    return (struct interval){.lo = lo < 0 ? -power : 0, .hi = power - 1};
}

/* No sign, and no more than the operand that has none, in `and`. */
static struct interval bit_and_bound(const struct range_query *q)
{
    const struct interval a = q->in[0], b = q->in[1];
    struct interval out = bits_bound(q);
    if (both_known(a, b) && (a.lo >= 0 || b.lo >= 0)) {
        out.lo = 0;
        out.hi = fminl(a.lo >= 0 ? a.hi : INFINITY, b.lo >= 0 ? b.hi : INFINITY);
    }
    return out;
}

static struct interval bit_not_bound(const struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    real sum = dtype_lowest(d) < 0 ? -1 : dtype_max(d); /* x and its complement */
    return (struct interval){.lo = sum - q->in[0].hi, .hi = sum - q->in[0].lo};
}

const struct op op_bit_and = {
    .name = "bit_and",
    .summary = "bits that both have, broadcast",
    PAIR_OF(DT_INTS),
    .elementwise = &(const struct elementwise){.row = bit_and_row, .bound = bit_and_bound}};

const struct op op_bit_or = {
    .name = "bit_or",
    .summary = "bits that one or both have, broadcast",
    PAIR_OF(DT_INTS),
    .elementwise = &(const struct elementwise){.row = bit_or_row, .bound = bits_bound}};

const struct op op_bit_xor = {
    .name = "bit_xor",
    .summary = "bits in which the two differ, broadcast",
    PAIR_OF(DT_INTS),
    .elementwise = &(const struct elementwise){.row = bit_xor_row, .bound = bits_bound}};

const struct op op_bit_not = {
    .name = "bit_not",
    .summary = "every bit the other way",
    ONE_OF(DT_INTS),
    .elementwise = &(const struct elementwise){.row = bit_not_row, .bound = bit_not_bound}};

/* ---- shifts ---- */

static real width_of(enum dtype d)
{
    return (real)(8 * dtype_size(d));
}

/* What is unspecified gives 0, or -1 for a negative number shifted right, as ONNX (28) has it. */
static real shifted_left(enum dtype d, real a, real by)
{
    return by < 0 || by >= width_of(d) ? 0 : dtype_wrap(d, real_pattern(a) << (int)by);
}

static real shifted_right(enum dtype d, real a, real by)
{
    return by < 0 || by >= width_of(d) ? -(a < 0) : floorl(ldexpl(a, -(int)by));
}

BINARY_ROW(shift_left_row, shifted_left(r->d, a, b))
BINARY_ROW(shift_right_row, shifted_right(r->d, a, b))

static bool is_known_shift(const struct range_query *q)
{
    const struct interval by = q->in[1];
    return both_known(q->in[0], by) && by.lo >= 0 && by.hi < width_of(q->out_value[0]->dtype);
}

static struct interval shift_left_bound(const struct range_query *q)
{
    enum dtype d = q->out_value[0]->dtype;
    if (!is_known_shift(q)) {
        return interval_full(d);
    }
    int least = (int)q->in[1].lo, most = (int)q->in[1].hi;
    const struct interval a = q->in[0];
    return interval_fit(d, (struct interval){.lo = ldexpl(a.lo, a.lo < 0 ? most : least),
                                             .hi = ldexpl(a.hi, a.hi < 0 ? least : most)});
}

/* Toward 0 or -1. */
static struct interval shift_right_bound(const struct range_query *q)
{
    if (!is_known_shift(q)) {
        return interval_full(q->out_value[0]->dtype);
    }
    int least = (int)q->in[1].lo, most = (int)q->in[1].hi;
    const struct interval a = q->in[0];
    return (struct interval){.lo = floorl(ldexpl(a.lo, a.lo < 0 ? -least : -most)),
                             .hi = floorl(ldexpl(a.hi, a.hi < 0 ? -most : -least))};
}

/* torch: "the behavior is undefined" for negative amounts and those not below the width; C23 6.5.8
 * the same; ONNX's BitShift says nothing before opset 28. */
static bool shift_is_open(const struct evaluation *e, real a, real by)
{
    return by < 0 || by >= width_of(e->out[0].dtype);
}

static void shift_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    mark_pairs(e, mark[0], shift_is_open);
}

static enum hazard shift_hazard(const struct range_query *q)
{
    return is_known_shift(q) ? HAZARD_NONE : HAZARD_TRAP;
}

#define SHIFT_OP                                                                                   \
    .in = {{"a", .dtypes = DT_INTS, RANK_ANY},                                                     \
           {"by", .same_as = "a", .constant_likely = true, RANK_ANY}},                             \
    .out = {{"y", .same_as = "a", RANK_ANY}}, .structure = structure_broadcast, LOGIC_CALLS,       \
    .unspecified = shift_unspecified, .hazard = shift_hazard

const struct op op_shift_left = {
    .name = "shift_left",
    .summary = "a * 2^by, broadcast; wraps",
    SHIFT_OP,
    .elementwise = &(const struct elementwise){.row = shift_left_row, .bound = shift_left_bound}};

const struct op op_shift_right = {
    .name = "shift_right",
    .summary = "a / 2^by rounded down, broadcast",
    SHIFT_OP,
    .elementwise = &(const struct elementwise){.row = shift_right_row, .bound = shift_right_bound}};
