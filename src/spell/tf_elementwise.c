/* SPDX-License-Identifier: Apache-2.0 */
/* How TensorFlow says what goes element by element: functions, arithmetic, logic, bits. */
#include "spell/tf_forms.h"

#include <math.h>

static void cast_to(struct planner *b, uint32_t to, uint32_t x, enum dtype d)
{
    CALL(b, to, "tf.cast", VALUE(x), DTYPE(NULL, d));
}

/* ---- of one input ---- */

static void emit_cast(struct planner *b, const char *callable)
{
    cast_to(b, planner_output(b), planner_input(b, 0), planner_attribute(b, "to")->dtype);
}

static void emit_clip(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;

    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         tf_number(NULL, planner_attribute(b, "min")->f, d),
         tf_number(NULL, planner_attribute(b, "max")->f, d));
}

/* The whole number next to it on the way to 0. */
static void emit_trunc(struct planner *b, const char *callable)
{
    uint32_t up = planner_step(b, "up"), down = planner_step(b, "down");
    uint32_t is_below = planner_step(b, "is_below"), x = planner_input(b, 0);

    CALL(b, up, "tf.math.ceil", VALUE(x));
    CALL(b, down, "tf.floor", VALUE(x));
    CALL(b, is_below, "tf.less", VALUE(x), REAL(NULL, 0));
    CALL(b, planner_output(b), callable, VALUE(is_below), VALUE(up), VALUE(down));
}

static void emit_exp2(struct planner *b, const char *callable)
{
    uint32_t two = planner_step(b, "two");

    CALL(b, two, "tf.constant", REAL(NULL, 2), DTYPE(NULL, planner_output_value(b)->dtype));
    CALL(b, planner_output(b), callable, VALUE(two), VALUE(planner_input(b, 0)));
}

static void emit_log2(struct planner *b, const char *callable)
{
    uint32_t natural = planner_step(b, "natural");

    CALL(b, natural, "tf.math.log", VALUE(planner_input(b, 0)));
    CALL(b, planner_output(b), callable, VALUE(natural), REAL(NULL, M_LN2));
}

static void emit_is_inf(struct planner *b, const char *callable)
{
    bool negative = planner_attribute(b, "detect_negative")->i[0] != 0;
    bool positive = planner_attribute(b, "detect_positive")->i[0] != 0;
    uint32_t x = planner_input(b, 0);

    if (negative && positive) {
        planner_plain(b, callable);
    } else if (negative || positive) {
        CALL(b, planner_output(b), "tf.equal", VALUE(x),
             REAL(NULL, negative ? -INFINITY : INFINITY));
    } else {
        uint32_t above = planner_step(b, "above"), below = planner_step(b, "below");
        CALL(b, above, "tf.equal", VALUE(x), REAL(NULL, INFINITY));
        CALL(b, below, "tf.equal", VALUE(x), REAL(NULL, -INFINITY));
        CALL(b, planner_output(b), "tf.logical_and", VALUE(above), VALUE(below));
    }
}

/* ---- of several inputs ---- */

/* Its kernels broadcast along at most five dims, where those side by side are one that broadcast
 * alike ("Broadcast between ... is not supported yet"). */
static bool can_broadcast(struct planner *b)
{
    enum { DIMS_MAX = 5 };
    const struct shape *out = &planner_output_value(b)->shape;
    unsigned before = 0, n = 0;

    for (int back = out->rank; back > 0; back--) {
        unsigned full = 0;
        for (uint32_t k = 0; k < b->node->n_in; k++) {
            const struct shape *s = &planner_input_value(b, k)->shape;
            bool is_full = back <= s->rank && s->dim[s->rank - back] != 1;
            full |= is_full ? 1U << k : 0;
        }
        n += full != 0 && full != before;
        before = full != 0 ? full : before;
    }
    if (n > DIMS_MAX) {
        planner_refuse(b, "such broadcasts");
    }
    return n <= DIMS_MAX;
}

static void emit_broadcast(struct planner *b, const char *callable)
{
    if (can_broadcast(b)) {
        planner_plain(b, callable);
    }
}

/* The quotient of integers is truncated, as ONNX's Div does. */
static void emit_div(struct planner *b, const char *callable)
{
    emit_broadcast(b, dtype_is_float(planner_output_value(b)->dtype) ? callable : "tf.truncatediv");
}

/* May an element be below 0? No constant that none is. */
static bool may_be_negative(const struct value *v)
{
    size_t n = shape_numel(&v->shape), i = 0;

    if (dtype_lowest(v->dtype) == 0) {
        return false;
    }
    while (v->data && i < n && dtype_load(v->dtype, v->data, i) >= 0) {
        i++;
    }
    return i < n;
}

/* Of one dtype: mixed ones are computed in one that holds both. Integers to powers below 0 are an
 * error ("Integers to negative integer powers are not allowed"). */
static void emit_pow(struct planner *b, const char *callable)
{
    const struct value *exponent = planner_input_value(b, 1);
    enum dtype base = planner_input_value(b, 0)->dtype;
    bool is_float = dtype_is_float(base) || dtype_is_float(exponent->dtype);

    if (!can_broadcast(b)) {
        return;
    }
    if (!is_float && may_be_negative(exponent)) {
        planner_refuse(b, "powers of integers that may be below 0");
        return;
    }
    if (base == exponent->dtype) {
        planner_plain(b, callable);
        return;
    }
    enum dtype wide = is_float ? DTYPE_F64 : DTYPE_I64;
    uint32_t x = planner_step(b, "base"), y = planner_step(b, "exponent");
    uint32_t power = planner_step(b, "power");
    cast_to(b, x, planner_input(b, 0), wide);
    cast_to(b, y, planner_input(b, 1), wide);
    CALL(b, power, callable, VALUE(x), VALUE(y));
    cast_to(b, planner_output(b), power, base);
}

/* Of two at a time. */
static void emit_chain(struct planner *b, const char *callable)
{
    uint32_t so_far = planner_input(b, 0);

    if (!can_broadcast(b)) {
        return;
    }
    for (uint32_t k = 1; k < b->node->n_in; k++) {
        bool is_last = k + 1 == b->node->n_in;
        uint32_t to = is_last ? planner_output(b) : planner_step(b, "so_far");
        CALL(b, to, callable, VALUE(so_far), VALUE(planner_input(b, k)));
        so_far = to;
    }
    if (b->node->n_in == 1) {
        planner_plain(b, "tf.identity");
    }
}

/* ---- the table ---- */

const struct call_form tf_elementwise[] = {
    {"neg", "tf.negative", planner_plain},
    {"exp", "tf.exp", planner_plain},
    {"log", "tf.math.log", planner_plain},
    {"sqrt", "tf.sqrt", planner_plain},
    {"tan", "tf.tan", planner_plain},
    {"floor", "tf.floor", planner_plain},
    {"cast", "tf.cast", emit_cast},
    {"clip", "tf.clip_by_value", emit_clip},
    {"abs", "tf.abs", planner_plain},
    {"sign", "tf.sign", planner_plain},
    {"ceil", "tf.math.ceil", planner_plain},
    {"round", "tf.round", planner_plain},
    {"trunc", "tf.where", emit_trunc},
    {"square", "tf.square", planner_plain},
    {"reciprocal", "tf.math.reciprocal", planner_plain},
    {"rsqrt", "tf.math.rsqrt", planner_plain},
    {"exp2", "tf.pow", emit_exp2},
    {"expm1", "tf.math.expm1", planner_plain},
    {"log2", "tf.divide", emit_log2},
    {"log1p", "tf.math.log1p", planner_plain},
    {"sin", "tf.sin", planner_plain},
    {"cos", "tf.cos", planner_plain},
    {"asin", "tf.asin", planner_plain},
    {"acos", "tf.acos", planner_plain},
    {"atan", "tf.atan", planner_plain},
    {"sinh", "tf.sinh", planner_plain},
    {"cosh", "tf.cosh", planner_plain},
    {"tanh", "tf.tanh", planner_plain},
    {"asinh", "tf.asinh", planner_plain},
    {"acosh", "tf.acosh", planner_plain},
    {"atanh", "tf.atanh", planner_plain},
    {"erf", "tf.math.erf", planner_plain},
    {"is_nan", "tf.math.is_nan", planner_plain},
    {"is_inf", "tf.math.is_inf", emit_is_inf},
    {"add", "tf.add", emit_broadcast},
    {"sub", "tf.subtract", emit_broadcast},
    {"mul", "tf.multiply", emit_broadcast},
    {"div", "tf.divide", emit_div},
    {"floor_div", "tf.math.floordiv", emit_broadcast},
    {"mod", "tf.math.floormod", emit_broadcast},
    {"fmod", "tf.truncatemod", emit_broadcast},
    {"pow", "tf.pow", emit_pow},
    {"min", "tf.minimum", emit_chain},
    {"max", "tf.maximum", emit_chain},
    {"atan2", "tf.atan2", emit_broadcast},
    {"and", "tf.logical_and", emit_broadcast},
    {"or", "tf.logical_or", emit_broadcast},
    {"xor", "tf.math.logical_xor", emit_broadcast},
    {"not", "tf.logical_not", planner_plain},
    {"bit_and", "tf.bitwise.bitwise_and", emit_broadcast},
    {"bit_or", "tf.bitwise.bitwise_or", emit_broadcast},
    {"bit_xor", "tf.bitwise.bitwise_xor", emit_broadcast},
    {"bit_not", "tf.bitwise.invert", planner_plain},
    {"shift_left", "tf.bitwise.left_shift", emit_broadcast},
    {"shift_right", "tf.bitwise.right_shift", emit_broadcast},
    {"equal", "tf.equal", emit_broadcast},
    {"not_equal", "tf.not_equal", emit_broadcast},
    {"less", "tf.less", emit_broadcast},
    {"less_equal", "tf.less_equal", emit_broadcast},
    {"greater", "tf.greater", emit_broadcast},
    {"greater_equal", "tf.greater_equal", emit_broadcast},
    {"where", "tf.where", emit_broadcast},
    {0},
};
