/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says unary functions. */
#include "spell/jax_forms.h"

static void emit_is_inf(struct planner *b, const char *callable)
{
    bool negative = planner_attribute(b, "detect_negative")->i[0] != 0;
    bool positive = planner_attribute(b, "detect_positive")->i[0] != 0;

    if (negative && positive) {
        planner_plain(b, callable);
    } else if (negative || positive) {
        planner_plain(b, negative ? "jax.numpy.isneginf" : "jax.numpy.isposinf");
    } else {
        CALL(b, planner_output(b), "jax.numpy.zeros_like", VALUE(planner_input(b, 0)),
             DTYPE("dtype", DTYPE_BOOL));
    }
}

/* ---- the table ---- */

const struct call_form jax_math[] = {
    {"abs", "jax.numpy.abs", planner_plain},
    {"sign", "jax.numpy.sign", planner_plain},
    {"ceil", "jax.numpy.ceil", planner_plain},
    {"round", "jax.numpy.round", planner_plain},
    {"trunc", "jax.numpy.trunc", planner_plain},
    {"square", "jax.numpy.square", planner_plain},
    {"reciprocal", "jax.numpy.reciprocal", planner_plain},
    {"rsqrt", "jax.lax.rsqrt", planner_plain},
    {"exp2", "jax.numpy.exp2", planner_plain},
    {"expm1", "jax.numpy.expm1", planner_plain},
    {"log2", "jax.numpy.log2", planner_plain},
    {"log1p", "jax.numpy.log1p", planner_plain},
    {"sin", "jax.numpy.sin", planner_plain},
    {"cos", "jax.numpy.cos", planner_plain},
    {"asin", "jax.numpy.asin", planner_plain},
    {"acos", "jax.numpy.acos", planner_plain},
    {"atan", "jax.numpy.atan", planner_plain},
    {"sinh", "jax.numpy.sinh", planner_plain},
    {"cosh", "jax.numpy.cosh", planner_plain},
    {"tanh", "jax.numpy.tanh", planner_plain},
    {"asinh", "jax.numpy.asinh", planner_plain},
    {"acosh", "jax.numpy.acosh", planner_plain},
    {"atanh", "jax.numpy.atanh", planner_plain},
    {"erf", "jax.lax.erf", planner_plain},
    {"is_nan", "jax.numpy.isnan", planner_plain},
    {"is_inf", "jax.numpy.isinf", emit_is_inf},
    {0},
};
