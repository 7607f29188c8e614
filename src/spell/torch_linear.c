/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says products and convolutions. */
#include "spell/torch_forms.h"

/* ---- convolutions ---- */

static struct plan_arg third_or_none(const struct planner *b)
{
    if (b->node->n_in > 2 && b->node->in[2] != VALUE_ABSENT) {
        return (struct plan_arg)VALUE(planner_input(b, 2));
    }
    return (struct plan_arg){.kind = PLAN_NONE};
}

/* The smaller pad of each dim. */
static int64_t *common_pads(struct planner *b, uint32_t n)
{
    const int64_t *pads = planner_attribute(b, "pads")->i;
    int64_t *common = ARENA_ZARRAY(b->arena, int64_t, n);

    for (uint32_t d = 0; d < n; d++) {
        common[d] = pads[d] < pads[n + d] ? pads[d] : pads[n + d];
    }
    return common;
}

static bool pads_are_even(const struct planner *b, uint32_t n)
{
    const int64_t *pads = planner_attribute(b, "pads")->i;

    for (uint32_t d = 0; d < n; d++) {
        if (pads[d] != pads[n + d]) {
            return false;
        }
    }
    return true;
}

/* torch pads both ends alike: uneven pads are a step of their own, the last dim's first. */
static void emit_conv(struct planner *b, const char *callable)
{
    uint32_t n = (uint32_t)planner_input_value(b, 0)->shape.rank - 2, x = planner_input(b, 0);
    const int64_t *pads = planner_attribute(b, "pads")->i, *common = common_pads(b, n);

    if (!pads_are_even(b, n)) {
        int64_t *around = ARENA_ZARRAY(b->arena, int64_t, 2 * n);
        for (uint32_t d = 0; d < n; d++) {
            around[2 * (n - 1 - d)] = pads[d];
            around[2 * (n - 1 - d) + 1] = pads[n + d];
        }
        x = planner_step(b, "pad");
        CALL(b, x, "torch.nn.functional.pad", VALUE(planner_input(b, 0)),
             INTS(NULL, 2 * n, around));
        common = ARENA_ZARRAY(b->arena, int64_t, n);
    }
    CALL(b, planner_output(b), callable, VALUE(x), VALUE(planner_input(b, 1)), third_or_none(b),
         INTS("stride", n, planner_attribute(b, "strides")->i), INTS("padding", n, common),
         INTS("dilation", n, planner_attribute(b, "dilations")->i),
         INT("groups", planner_attribute(b, "group")->i[0]));
}

/* Uneven pads: what is left is cut off afterwards. */
static void emit_conv_transpose(struct planner *b, const char *callable)
{
    uint32_t n = (uint32_t)planner_input_value(b, 0)->shape.rank - 2;
    const int64_t *pads = planner_attribute(b, "pads")->i, *common = common_pads(b, n);
    uint32_t uneven = 0;

    for (uint32_t d = 0; d < n; d++) {
        uneven += pads[d] != pads[n + d];
    }
    uint32_t y = uneven ? planner_step(b, "whole") : planner_output(b);
    CALL(b, y, callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)), third_or_none(b),
         INTS("stride", n, planner_attribute(b, "strides")->i), INTS("padding", n, common),
         INTS("output_padding", n, planner_attribute(b, "output_padding")->i),
         INT("groups", planner_attribute(b, "group")->i[0]),
         INTS("dilation", n, planner_attribute(b, "dilations")->i));
    for (uint32_t d = 0; d < n; d++) {
        if (pads[d] != pads[n + d]) {
            uint32_t cut = --uneven ? planner_step(b, "cut") : planner_output(b);
            CALL(b, cut, "torch.narrow", VALUE(y), INT(NULL, 2 + (int64_t)d),
                 INT(NULL, pads[d] - common[d]),
                 INT(NULL, planner_output_value(b)->shape.dim[2 + d]));
            y = cut;
        }
    }
}

/* ---- gemm, linear, einsum ---- */

/* Integers take no real factors. */
static struct plan_arg factor(const struct planner *b, const char *keyword, const char *name)
{
    double f = planner_attribute(b, name)->f;

    if (dtype_is_float(planner_output_value(b)->dtype)) {
        return (struct plan_arg)REAL(keyword, f);
    }
    return (struct plan_arg)INT(keyword, (int64_t)f);
}

static uint32_t matrix(struct planner *b, uint32_t k, const char *flag)
{
    uint32_t x = planner_input(b, k);

    if (planner_attribute(b, flag)->i[0]) {
        x = planner_step(b, flag);
        CALL(b, x, "torch.transpose", VALUE(planner_input(b, k)), INT(NULL, 0), INT(NULL, 1));
    }
    return x;
}

static void emit_gemm(struct planner *b, const char *callable)
{
    uint32_t left = matrix(b, 0, "transA"), right = matrix(b, 1, "transB");
    struct plan_arg c = third_or_none(b);

    if (c.kind != PLAN_NONE) {
        CALL(b, planner_output(b), callable, c, VALUE(left), VALUE(right),
             factor(b, "beta", "beta"), factor(b, "alpha", "alpha"));
        return;
    }
    bool is_scaled = planner_attribute(b, "alpha")->f != 1;
    uint32_t y = is_scaled ? planner_step(b, "product") : planner_output(b);
    CALL(b, y, "torch.mm", VALUE(left), VALUE(right));
    if (is_scaled) {
        CALL(b, planner_output(b), "torch.mul", VALUE(y), factor(b, NULL, "alpha"));
    }
}

static void emit_linear(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)),
         third_or_none(b));
}

static void emit_einsum(struct planner *b, const char *callable)
{
    struct plan_arg args[3] = {TEXT(NULL, planner_attribute(b, "equation")->text)};
    size_t n = 1;

    for (uint32_t k = 0; k < b->node->n_in; k++) {
        args[n++] = (struct plan_arg)VALUE(planner_input(b, k));
    }
    planner_call(b, planner_output(b), callable, args, n);
}

/* ---- the table ---- */

const struct call_form torch_linear[] = {
    {"matmul", "torch.matmul", planner_plain},
    {"gemm", "torch.addmm", emit_gemm},
    {"linear", "torch.nn.functional.linear", emit_linear},
    {"einsum", "torch.einsum", emit_einsum},
    {"conv1d", "torch.nn.functional.conv1d", emit_conv},
    {"conv2d", "torch.nn.functional.conv2d", emit_conv},
    {"conv3d", "torch.nn.functional.conv3d", emit_conv},
    {"conv_transpose1d", "torch.nn.functional.conv_transpose1d", emit_conv_transpose},
    {"conv_transpose2d", "torch.nn.functional.conv_transpose2d", emit_conv_transpose},
    {"conv_transpose3d", "torch.nn.functional.conv_transpose3d", emit_conv_transpose},
    {0},
};
