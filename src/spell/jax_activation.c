/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says activations. */
#include "spell/jax_forms.h"

#include <string.h>

static double real_of(const struct planner *b, const char *name)
{
    return planner_attribute(b, name)->f;
}

/* Is the value what jax's own constant is in the result's dtype? Models hold its f32. */
static bool is_constant(const struct planner *b, double value, double constant)
{
    bool is_wide = planner_output_value(b)->dtype == DTYPE_F64;
    return value == constant || (!is_wide && value == (double)(float)constant);
}

static void emit_alpha(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         REAL(NULL, real_of(b, "alpha")));
}

/* jax.nn.selu has the paper's constants; others are a scaled elu. */
static void emit_selu(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha"), gamma = real_of(b, "gamma");

    if (is_constant(b, alpha, 1.6732632423543772848) &&
        is_constant(b, gamma, 1.0507009873554804934)) {
        planner_plain(b, callable);
        return;
    }
    uint32_t elu = planner_step(b, "elu");
    CALL(b, elu, "jax.nn.elu", VALUE(planner_input(b, 0)), REAL(NULL, alpha));
    CALL(b, planner_output(b), "jax.numpy.multiply", VALUE(elu), REAL(NULL, gamma));
}

static void emit_gelu(struct planner *b, const char *callable)
{
    bool is_tanh = strcmp(planner_attribute(b, "approximate")->text, "tanh") == 0;
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), BOOL("approximate", is_tanh));
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
    CALL(b, scaled, "jax.numpy.multiply", VALUE(x), REAL(NULL, alpha));
    CALL(b, gate, "jax.nn.sigmoid", VALUE(scaled));
    CALL(b, planner_output(b), "jax.numpy.multiply", VALUE(x), VALUE(gate));
}

/* jax.nn's is x / 6 + 1 / 2. */
static void emit_hard_sigmoid(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha"), beta = real_of(b, "beta");

    if (is_constant(b, alpha, 1.0 / 6) && beta == 0.5) {
        planner_plain(b, callable);
        return;
    }
    uint32_t scaled = planner_step(b, "scaled"), sum = planner_step(b, "sum");
    CALL(b, scaled, "jax.numpy.multiply", VALUE(planner_input(b, 0)), REAL(NULL, alpha));
    CALL(b, sum, "jax.numpy.add", VALUE(scaled), REAL(NULL, beta));
    CALL(b, planner_output(b), "jax.numpy.clip", VALUE(sum), REAL("min", 0), REAL("max", 1));
}

static void emit_prelu(struct planner *b, const char *callable)
{
    uint32_t x = planner_input(b, 0), below = planner_step(b, "below"),
             scaled = planner_step(b, "scaled");
    CALL(b, below, "jax.numpy.less", VALUE(x), INT(NULL, 0));
    CALL(b, scaled, "jax.numpy.multiply", VALUE(x), VALUE(planner_input(b, 1)));
    CALL(b, planner_output(b), callable, VALUE(below), VALUE(scaled), VALUE(x));
}

/* 0 for what is not greater; NaN stays. */
static void emit_threshold(struct planner *b, const char *callable)
{
    uint32_t x = planner_input(b, 0), below = planner_step(b, "below");
    CALL(b, below, "jax.numpy.less_equal", VALUE(x), REAL(NULL, real_of(b, "alpha")));
    CALL(b, planner_output(b), callable, VALUE(below), REAL(NULL, 0), VALUE(x));
}

/* jax.nn.relu6 makes floats of integers. */
static void emit_relu6(struct planner *b, const char *callable)
{
    if (dtype_is_float(planner_output_value(b)->dtype)) {
        planner_plain(b, callable);
    } else {
        CALL(b, planner_output(b), "jax.numpy.clip", VALUE(planner_input(b, 0)), INT("min", 0),
             INT("max", 6));
    }
}

/* ---- the table ---- */

const struct call_form jax_activation[] = {
    {"sigmoid", "jax.nn.sigmoid", planner_plain},
    {"softplus", "jax.nn.softplus", planner_plain},
    {"softsign", "jax.nn.soft_sign", planner_plain},
    {"elu", "jax.nn.elu", emit_alpha},
    {"celu", "jax.nn.celu", emit_alpha},
    {"selu", "jax.nn.selu", emit_selu},
    {"gelu", "jax.nn.gelu", emit_gelu},
    {"mish", "jax.nn.mish", planner_plain},
    {"swish", "jax.nn.silu", emit_swish},
    {"hard_sigmoid", "jax.nn.hard_sigmoid", emit_hard_sigmoid},
    {"hard_swish", "jax.nn.hard_swish", planner_plain},
    {"relu6", "jax.nn.relu6", emit_relu6},
    {"leaky_relu", "jax.nn.leaky_relu", emit_alpha},
    {"prelu", "jax.numpy.where", emit_prelu},
    {"thresholded_relu", "jax.numpy.where", emit_threshold},
    {0},
};
