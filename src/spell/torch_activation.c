/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says activations. */
#include "spell/torch_forms.h"

static double real_of(const struct planner *b, const char *name)
{
    return planner_attribute(b, name)->f;
}

/* Is the value what torch's own constant is in the result's dtype? Models hold its f32. */
static bool is_constant(const struct planner *b, double value, double constant)
{
    bool is_wide = planner_output_value(b)->dtype == DTYPE_F64;
    return value == constant || (!is_wide && value == (double)(float)constant);
}

/* "reverts to the linear function when input * beta > threshold", 20: in f64 exp(-20) counts. */
static void emit_softplus(struct planner *b, const char *callable)
{
    if (planner_output_value(b)->dtype != DTYPE_F64) {
        planner_plain(b, callable);
    } else {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), REAL("beta", 1),
             REAL("threshold", 40));
    }
}

static void emit_alpha(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         REAL(NULL, real_of(b, "alpha")));
}

static void emit_threshold(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         REAL(NULL, real_of(b, "alpha")), REAL(NULL, 0));
}

/* torch.selu has the paper's constants; others are a scaled elu. */
static void emit_selu(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha"), gamma = real_of(b, "gamma");

    if (is_constant(b, alpha, 1.6732632423543772848) &&
        is_constant(b, gamma, 1.0507009873554804934)) {
        planner_plain(b, callable);
        return;
    }
    uint32_t elu = planner_step(b, "elu");
    CALL(b, elu, "torch.nn.functional.elu", VALUE(planner_input(b, 0)), REAL(NULL, alpha));
    CALL(b, planner_output(b), "torch.mul", VALUE(elu), REAL(NULL, gamma));
}

static void emit_gelu(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         TEXT("approximate", planner_attribute(b, "approximate")->text));
}

/* silu is swish with alpha 1. */
static void emit_swish(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha");

    if (alpha == 1) {
        planner_plain(b, callable);
        return;
    }
    uint32_t x = planner_input(b, 0), scaled = planner_step(b, "scaled"),
             gate = planner_step(b, "gate");
    CALL(b, scaled, "torch.mul", VALUE(x), REAL(NULL, alpha));
    CALL(b, gate, "torch.sigmoid", VALUE(scaled));
    CALL(b, planner_output(b), "torch.mul", VALUE(x), VALUE(gate));
}

/* hardsigmoid is x / 6 + 1 / 2. */
static void emit_hard_sigmoid(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha"), beta = real_of(b, "beta");

    if (is_constant(b, alpha, 1.0 / 6) && beta == 0.5) {
        planner_plain(b, callable);
        return;
    }
    uint32_t scaled = planner_step(b, "scaled"), sum = planner_step(b, "sum");
    CALL(b, scaled, "torch.mul", VALUE(planner_input(b, 0)), REAL(NULL, alpha));
    CALL(b, sum, "torch.add", VALUE(scaled), REAL(NULL, beta));
    CALL(b, planner_output(b), "torch.clamp", VALUE(sum), REAL("min", 0), REAL("max", 1));
}

/* One slope a channel, dim 1 of x: all dims of the slope but that are 1. */
static bool is_per_channel(const struct shape *x, const struct shape *slope)
{
    bool is_one = true;

    for (int back = 1; back <= slope->rank; back++) {
        is_one = is_one && (x->rank - back == 1 || slope->dim[slope->rank - back] == 1);
    }
    return is_one && x->rank >= 2 && x->rank - 1 <= slope->rank;
}

/* torch.prelu takes one slope or one a channel, in floats. */
static void emit_prelu(struct planner *b, const char *callable)
{
    const struct value *x = planner_input_value(b, 0), *slope = planner_input_value(b, 1);
    uint32_t in = planner_input(b, 0), weight = planner_input(b, 1);
    int64_t *numel = arena_alloc(b->arena, sizeof *numel);

    *numel = (int64_t)shape_numel(&slope->shape);
    bool is_plain = *numel == 1 || is_per_channel(&x->shape, &slope->shape);
    if (is_plain && *numel > 0 && dtype_is_float(x->dtype) && x->shape.rank > 0) {
        uint32_t flat = planner_step(b, "slope");
        CALL(b, flat, "torch.reshape", VALUE(weight), INTS(NULL, 1, numel));
        CALL(b, planner_output(b), callable, VALUE(in), VALUE(flat));
        return;
    }
    uint32_t below = planner_step(b, "below"), scaled = planner_step(b, "scaled");
    CALL(b, below, "torch.lt", VALUE(in), INT(NULL, 0));
    CALL(b, scaled, "torch.mul", VALUE(in), VALUE(weight));
    CALL(b, planner_output(b), "torch.where", VALUE(below), VALUE(scaled), VALUE(in));
}

/* ---- the table ---- */

const struct call_form torch_activation[] = {
    {"sigmoid", "torch.sigmoid", planner_plain},
    {"softplus", "torch.nn.functional.softplus", emit_softplus},
    {"softsign", "torch.nn.functional.softsign", planner_plain},
    {"elu", "torch.nn.functional.elu", emit_alpha},
    {"celu", "torch.nn.functional.celu", emit_alpha},
    {"selu", "torch.nn.functional.selu", emit_selu},
    {"gelu", "torch.nn.functional.gelu", emit_gelu},
    {"mish", "torch.nn.functional.mish", planner_plain},
    {"swish", "torch.nn.functional.silu", emit_swish},
    {"hard_sigmoid", "torch.nn.functional.hardsigmoid", emit_hard_sigmoid},
    {"hard_swish", "torch.nn.functional.hardswish", planner_plain},
    {"relu6", "torch.nn.functional.relu6", planner_plain},
    {"leaky_relu", "torch.nn.functional.leaky_relu", emit_alpha},
    {"prelu", "torch.nn.functional.prelu", emit_prelu},
    {"thresholded_relu", "torch.nn.functional.threshold", emit_threshold},
    {0},
};
