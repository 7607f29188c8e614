/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says the elementwise ops. */
#include "spell/torch_internal.h"

/* The quotient of integers is truncated, as ONNX's Div does. */
static void emit_div(struct planner *b, const char *callable)
{
    if (dtype_is_float(torch_output_value(b)->dtype)) {
        torch_plain(b, callable);
    } else {
        CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)), VALUE(torch_input(b, 1)),
             TEXT("rounding_mode", "trunc"));
    }
}

static void emit_cast(struct planner *b, const char *callable)
{
    CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)),
         DTYPE(NULL, torch_attribute(b, "to")->dtype));
}

static struct plan_arg bound_arg(const struct planner *b, const char *name)
{
    const struct attr *a = torch_attribute(b, name);
    struct plan_arg arg = {.keyword = name, .kind = PLAN_REAL, .f = a->f};

    if (!dtype_is_float(
            torch_output_value(b)->dtype)) { /* a float bound would promote the result */
        uint64_t bits = real_pattern(a->f);
        arg = (struct plan_arg)INT(name, (int64_t)bits);
    }
    return arg;
}

static void emit_clip(struct planner *b, const char *callable)
{
    const struct plan_arg args[] = {VALUE(torch_input(b, 0)), bound_arg(b, "min"),
                                    bound_arg(b, "max")};
    torch_call(b, torch_output(b), callable, args, ARRAY_SIZE(args));
}

/* ---- the table ---- */

const struct torch_form torch_elementwise[] = {
    {"add", "torch.add", torch_plain},
    {"mul", "torch.mul", torch_plain},
    {"div", "torch.div", emit_div},
    {"neg", "torch.neg", torch_plain},
    {"relu", "torch.relu", torch_plain},
    {"exp", "torch.exp", torch_plain},
    {"log", "torch.log", torch_plain},
    {"sqrt", "torch.sqrt", torch_plain},
    {"tan", "torch.tan", torch_plain},
    {"floor", "torch.floor", torch_plain},
    {"cast", "torch.Tensor.to", emit_cast},
    {"less", "torch.lt", torch_plain},
    {"where", "torch.where", torch_plain},
    {"clip", "torch.clamp", emit_clip},
    {0},
};
