/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says unary functions. */
#include "spell/torch_forms.h"

static void emit_is_inf(struct planner *b, const char *callable)
{
    bool negative = planner_attribute(b, "detect_negative")->i[0] != 0;
    bool positive = planner_attribute(b, "detect_positive")->i[0] != 0;

    if (negative == positive) {
        if (negative) {
            planner_plain(b, callable);
            return;
        }
        uint32_t above = planner_step(b, "above"), below = planner_step(b, "below");
        CALL(b, above, "torch.isposinf", VALUE(planner_input(b, 0)));
        CALL(b, below, "torch.isneginf", VALUE(planner_input(b, 0)));
        CALL(b, planner_output(b), "torch.logical_and", VALUE(above), VALUE(below));
    } else {
        planner_plain(b, negative ? "torch.isneginf" : "torch.isposinf");
    }
}

/* ---- the table ---- */

const struct call_form torch_math[] = {
    {"abs", "torch.abs", planner_plain},
    {"sign", "torch.sign", planner_plain},
    {"ceil", "torch.ceil", planner_plain},
    {"round", "torch.round", planner_plain},
    {"trunc", "torch.trunc", planner_plain},
    {"square", "torch.square", planner_plain},
    {"reciprocal", "torch.reciprocal", planner_plain},
    {"rsqrt", "torch.rsqrt", planner_plain},
    {"exp2", "torch.exp2", planner_plain},
    {"expm1", "torch.expm1", planner_plain},
    {"log2", "torch.log2", planner_plain},
    {"log1p", "torch.log1p", planner_plain},
    {"sin", "torch.sin", planner_plain},
    {"cos", "torch.cos", planner_plain},
    {"asin", "torch.asin", planner_plain},
    {"acos", "torch.acos", planner_plain},
    {"atan", "torch.atan", planner_plain},
    {"sinh", "torch.sinh", planner_plain},
    {"cosh", "torch.cosh", planner_plain},
    {"tanh", "torch.tanh", planner_plain},
    {"asinh", "torch.asinh", planner_plain},
    {"acosh", "torch.acosh", planner_plain},
    {"atanh", "torch.atanh", planner_plain},
    {"erf", "torch.erf", planner_plain},
    {"is_nan", "torch.isnan", planner_plain},
    {"is_inf", "torch.isinf", emit_is_inf},
    {0},
};
