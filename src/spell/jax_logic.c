/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says arithmetic of two inputs, comparisons, logic and bits. */
#include "spell/jax_forms.h"

/* Mixed dtypes would be promoted: they are computed in a dtype that holds both, and the result has
 * the base's. */
static void emit_pow(struct planner *b, const char *callable)
{
    enum dtype base = planner_input_value(b, 0)->dtype, exponent = planner_input_value(b, 1)->dtype;

    if (base == exponent) {
        planner_plain(b, callable);
        return;
    }
    bool is_float = dtype_is_float(base) || dtype_is_float(exponent);
    enum dtype wide = is_float ? DTYPE_F64 : DTYPE_I64;
    uint32_t x = jax_cast(b, planner_input(b, 0), "base", wide);
    uint32_t y = jax_cast(b, planner_input(b, 1), "exponent", wide);
    uint32_t power = planner_step(b, "power");
    CALL(b, power, callable, VALUE(x), VALUE(y));
    CALL(b, planner_output(b), "jax.numpy.astype", VALUE(power), DTYPE(NULL, base));
}

/* Of two at a time. */
static void emit_chain(struct planner *b, const char *callable)
{
    uint32_t so_far = planner_input(b, 0);

    for (uint32_t k = 1; k < b->node->n_in; k++) {
        bool is_last = k + 1 == b->node->n_in;
        uint32_t to = is_last ? planner_output(b) : planner_step(b, "so_far");
        CALL(b, to, callable, VALUE(so_far), VALUE(planner_input(b, k)));
        so_far = to;
    }
}

/* ---- the table ---- */

const struct call_form jax_logic[] = {
    {"sub", "jax.numpy.subtract", planner_plain},
    {"floor_div", "jax.numpy.floor_divide", planner_plain},
    {"mod", "jax.numpy.remainder", planner_plain},
    {"fmod", "jax.numpy.fmod", planner_plain},
    {"pow", "jax.numpy.power", emit_pow},
    {"min", "jax.numpy.minimum", emit_chain},
    {"max", "jax.numpy.maximum", emit_chain},
    {"atan2", "jax.numpy.atan2", planner_plain},
    {"and", "jax.numpy.logical_and", planner_plain},
    {"or", "jax.numpy.logical_or", planner_plain},
    {"xor", "jax.numpy.logical_xor", planner_plain},
    {"not", "jax.numpy.logical_not", planner_plain},
    {"bit_and", "jax.numpy.bitwise_and", planner_plain},
    {"bit_or", "jax.numpy.bitwise_or", planner_plain},
    {"bit_xor", "jax.numpy.bitwise_xor", planner_plain},
    {"bit_not", "jax.numpy.bitwise_not", planner_plain},
    {"shift_left", "jax.numpy.left_shift", planner_plain},
    {"shift_right", "jax.numpy.right_shift", planner_plain},
    {"equal", "jax.numpy.equal", planner_plain},
    {"not_equal", "jax.numpy.not_equal", planner_plain},
    {"greater", "jax.numpy.greater", planner_plain},
    {"less_equal", "jax.numpy.less_equal", planner_plain},
    {"greater_equal", "jax.numpy.greater_equal", planner_plain},
    {0},
};
