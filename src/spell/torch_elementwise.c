/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says the elementwise ops. */
#include "spell/torch_forms.h"

/* The quotient of integers is truncated, as ONNX's Div does. */
static void emit_div(struct planner *b, const char *callable)
{
    if (dtype_is_float(planner_output_value(b)->dtype)) {
        planner_plain(b, callable);
    } else {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)),
             TEXT("rounding_mode", "trunc"));
    }
}

static void emit_cast(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         DTYPE(NULL, planner_attribute(b, "to")->dtype));
}

static struct plan_arg bound_arg(const struct planner *b, const char *name)
{
    const struct attr *a = planner_attribute(b, name);
    struct plan_arg arg = {.keyword = name, .kind = PLAN_REAL, .f = a->f};

    if (!dtype_is_float(
            planner_output_value(b)->dtype)) { /* a float bound would promote the result */
        uint64_t bits = real_pattern(a->f);
        arg = (struct plan_arg)INT(name, (int64_t)bits);
    }
    return arg;
}

static void emit_clip(struct planner *b, const char *callable)
{
    const struct plan_arg args[] = {VALUE(planner_input(b, 0)), bound_arg(b, "min"),
                                    bound_arg(b, "max")};
    planner_call(b, planner_output(b), callable, args, ARRAY_SIZE(args));
}

/* ---- the table ---- */

const struct call_form torch_elementwise[] = {
    {"add", "torch.add", planner_plain},
    {"mul", "torch.mul", planner_plain},
    {"div", "torch.div", emit_div},
    {"neg", "torch.neg", planner_plain},
    {"relu", "torch.relu", planner_plain},
    {"exp", "torch.exp", planner_plain},
    {"log", "torch.log", planner_plain},
    {"sqrt", "torch.sqrt", planner_plain},
    {"tan", "torch.tan", planner_plain},
    {"floor", "torch.floor", planner_plain},
    {"cast", "torch.Tensor.to", emit_cast},
    {"less", "torch.lt", planner_plain},
    {"where", "torch.where", planner_plain},
    {"clip", "torch.clamp", emit_clip},
    {0},
};
