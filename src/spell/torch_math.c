/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says unary functions. */
#include "spell/torch_internal.h"

static void emit_is_inf(struct planner *b, const char *callable)
{
    bool negative = torch_attribute(b, "detect_negative")->i[0] != 0;
    bool positive = torch_attribute(b, "detect_positive")->i[0] != 0;

    if (negative == positive) {
        if (negative) {
            torch_plain(b, callable);
            return;
        }
        uint32_t above = torch_step(b, "above"), below = torch_step(b, "below");
        CALL(b, above, "torch.isposinf", VALUE(torch_input(b, 0)));
        CALL(b, below, "torch.isneginf", VALUE(torch_input(b, 0)));
        CALL(b, torch_output(b), "torch.logical_and", VALUE(above), VALUE(below));
    } else {
        torch_plain(b, negative ? "torch.isneginf" : "torch.isposinf");
    }
}

/* ---- the table ---- */

const struct torch_form torch_math[] = {
    {"abs", "torch.abs", torch_plain},
    {"sign", "torch.sign", torch_plain},
    {"ceil", "torch.ceil", torch_plain},
    {"round", "torch.round", torch_plain},
    {"trunc", "torch.trunc", torch_plain},
    {"square", "torch.square", torch_plain},
    {"reciprocal", "torch.reciprocal", torch_plain},
    {"rsqrt", "torch.rsqrt", torch_plain},
    {"exp2", "torch.exp2", torch_plain},
    {"expm1", "torch.expm1", torch_plain},
    {"log2", "torch.log2", torch_plain},
    {"log1p", "torch.log1p", torch_plain},
    {"sin", "torch.sin", torch_plain},
    {"cos", "torch.cos", torch_plain},
    {"asin", "torch.asin", torch_plain},
    {"acos", "torch.acos", torch_plain},
    {"atan", "torch.atan", torch_plain},
    {"sinh", "torch.sinh", torch_plain},
    {"cosh", "torch.cosh", torch_plain},
    {"tanh", "torch.tanh", torch_plain},
    {"asinh", "torch.asinh", torch_plain},
    {"acosh", "torch.acosh", torch_plain},
    {"atanh", "torch.atanh", torch_plain},
    {"erf", "torch.erf", torch_plain},
    {"is_nan", "torch.isnan", torch_plain},
    {"is_inf", "torch.isinf", emit_is_inf},
    {0},
};
