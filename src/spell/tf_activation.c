/* SPDX-License-Identifier: Apache-2.0 */
/* How TensorFlow says activations. */
#include "spell/tf_forms.h"

#include <string.h>

static double real_of(const struct planner *b, const char *name)
{
    return planner_attribute(b, name)->f;
}

/* Is the value what TensorFlow's own constant is in the result's dtype? Models hold its f32. */
static bool is_constant(const struct planner *b, double value, double constant)
{
    bool is_wide = planner_output_value(b)->dtype == DTYPE_F64;

    return value == constant || (!is_wide && value == (double)(float)constant);
}

/* alpha * expm1(x / divisor) below 0, x above: with 1 the call that TensorFlow has. */
static uint32_t exponential(struct planner *b, double alpha, double divisor)
{
    uint32_t x = planner_input(b, 0), below = planner_step(b, "below");

    if (divisor != 1) {
        uint32_t narrow = planner_step(b, "narrow");
        CALL(b, narrow, "tf.divide", VALUE(x), REAL(NULL, divisor));
        x = narrow;
    }
    uint32_t exp = planner_step(b, "exp");
    CALL(b, exp, "tf.math.expm1", VALUE(x));
    CALL(b, below, "tf.multiply", VALUE(exp), REAL(NULL, alpha));
    return below;
}

static void emit_elu(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha");

    if (alpha == 1) {
        planner_plain(b, callable);
    } else {
        tf_below_zero(b, planner_input(b, 0), exponential(b, alpha, 1));
    }
}

static void emit_celu(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha");

    if (alpha == 1) {
        planner_plain(b, callable);
    } else {
        tf_below_zero(b, planner_input(b, 0), exponential(b, alpha, alpha));
    }
}

/* tf.nn.selu has the paper's constants. */
static void emit_selu(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha"), gamma = real_of(b, "gamma");

    if (is_constant(b, alpha, 1.6732632423543772848) &&
        is_constant(b, gamma, 1.0507009873554804934)) {
        planner_plain(b, callable);
        return;
    }
    uint32_t below = exponential(b, alpha, 1), is_below = planner_step(b, "is_below");
    uint32_t elu = planner_step(b, "elu");
    CALL(b, is_below, "tf.less", VALUE(planner_input(b, 0)), REAL(NULL, 0));
    CALL(b, elu, "tf.where", VALUE(is_below), VALUE(below), VALUE(planner_input(b, 0)));
    CALL(b, planner_output(b), "tf.multiply", VALUE(elu), REAL(NULL, gamma));
}

static void emit_gelu(struct planner *b, const char *callable)
{
    bool is_tanh = strcmp(planner_attribute(b, "approximate")->text, "tanh") == 0;

    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), BOOL("approximate", is_tanh));
}

static void emit_mish(struct planner *b, const char *callable)
{
    uint32_t x = planner_input(b, 0), plus = planner_step(b, "plus"),
             gate = planner_step(b, "gate");

    CALL(b, plus, "tf.math.softplus", VALUE(x));
    CALL(b, gate, "tf.tanh", VALUE(plus));
    CALL(b, planner_output(b), callable, VALUE(x), VALUE(gate));
}

static void emit_swish(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         REAL("beta", real_of(b, "alpha")));
}

static void emit_hard_sigmoid(struct planner *b, const char *callable)
{
    uint32_t scaled = planner_step(b, "scaled"), sum = planner_step(b, "sum");

    CALL(b, scaled, "tf.multiply", VALUE(planner_input(b, 0)), REAL(NULL, real_of(b, "alpha")));
    CALL(b, sum, "tf.add", VALUE(scaled), REAL(NULL, real_of(b, "beta")));
    CALL(b, planner_output(b), callable, VALUE(sum), REAL(NULL, 0), REAL(NULL, 1));
}

static void emit_hard_swish(struct planner *b, const char *callable)
{
    uint32_t x = planner_input(b, 0), moved = planner_step(b, "moved");
    uint32_t clipped = planner_step(b, "clipped"), gate = planner_step(b, "gate");

    CALL(b, moved, "tf.add", VALUE(x), REAL(NULL, 3));
    CALL(b, clipped, "tf.nn.relu6", VALUE(moved));
    CALL(b, gate, "tf.divide", VALUE(clipped), REAL(NULL, 6));
    CALL(b, planner_output(b), callable, VALUE(x), VALUE(gate));
}

/* alpha is an attribute of single precision. */
static void emit_leaky_relu(struct planner *b, const char *callable)
{
    double alpha = real_of(b, "alpha");

    if (planner_output_value(b)->dtype != DTYPE_F64 || alpha == (double)(float)alpha) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), REAL("alpha", alpha));
        return;
    }
    uint32_t below = planner_step(b, "below");
    CALL(b, below, "tf.multiply", VALUE(planner_input(b, 0)), REAL(NULL, alpha));
    tf_below_zero(b, planner_input(b, 0), below);
}

static void emit_prelu(struct planner *b, const char *callable)
{
    uint32_t scaled = planner_step(b, "scaled");

    CALL(b, scaled, "tf.multiply", VALUE(planner_input(b, 0)), VALUE(planner_input(b, 1)));
    tf_below_zero(b, planner_input(b, 0), scaled);
}

static void emit_threshold(struct planner *b, const char *callable)
{
    uint32_t x = planner_input(b, 0), is_above = planner_step(b, "is_above");

    CALL(b, is_above, "tf.greater", VALUE(x), REAL(NULL, real_of(b, "alpha")));
    CALL(b, planner_output(b), callable, VALUE(is_above), VALUE(x), REAL(NULL, 0));
}

static void single_plain(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, planner_plain);
}

static void single_mish(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_mish);
}

static void single_hard_sigmoid(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_hard_sigmoid);
}

static void single_hard_swish(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_hard_swish);
}

static void single_selu(struct planner *b, const char *callable)
{
    tf_in_single(b, callable, emit_selu);
}

/* ---- the table ---- */

const struct call_form tf_activation[] = {
    {"relu", "tf.nn.relu", planner_plain},
    {"sigmoid", "tf.sigmoid", planner_plain},
    {"softplus", "tf.math.softplus", single_plain},
    {"softsign", "tf.nn.softsign", planner_plain},
    {"elu", "tf.nn.elu", emit_elu},
    {"celu", "tf.nn.elu", emit_celu},
    {"selu", "tf.nn.selu", single_selu},
    {"gelu", "tf.nn.gelu", emit_gelu},
    {"mish", "tf.multiply", single_mish},
    {"swish", "tf.nn.silu", emit_swish},
    {"hard_sigmoid", "tf.clip_by_value", single_hard_sigmoid},
    {"hard_swish", "tf.multiply", single_hard_swish},
    {"relu6", "tf.nn.relu6", planner_plain},
    {"leaky_relu", "tf.nn.leaky_relu", emit_leaky_relu},
    {"prelu", "tf.where", emit_prelu},
    {"thresholded_relu", "tf.where", emit_threshold},
    {0},
};
