/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says arithmetic of two inputs, comparisons, logic and bits. */
#include "spell/torch_forms.h"

static uint32_t cast_step(struct planner *b, uint32_t from, const char *what, enum dtype to)
{
    uint32_t step = planner_step(b, what);

    CALL(b, step, "torch.Tensor.to", VALUE(from), DTYPE(NULL, to));
    return step;
}

/* Mixed dtypes would be promoted, by rules that hang on ranks: they are computed in a dtype that
 * holds both, and the result has the base's. */
static void emit_pow(struct planner *b, const char *callable)
{
    enum dtype base = planner_input_value(b, 0)->dtype, exponent = planner_input_value(b, 1)->dtype;

    if (base == exponent) {
        planner_plain(b, callable);
        return;
    }
    bool is_float = dtype_is_float(base) || dtype_is_float(exponent);
    enum dtype wide = is_float ? DTYPE_F64 : DTYPE_I64;
    uint32_t x = cast_step(b, planner_input(b, 0), "base", wide);
    uint32_t y = cast_step(b, planner_input(b, 1), "exponent", wide);
    uint32_t power = planner_step(b, "power");
    CALL(b, power, callable, VALUE(x), VALUE(y));
    CALL(b, planner_output(b), "torch.Tensor.to", VALUE(power), DTYPE(NULL, base));
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

const struct call_form torch_logic[] = {
    {"sub", "torch.sub", planner_plain},
    {"floor_div", "torch.floor_divide", planner_plain},
    {"mod", "torch.remainder", planner_plain},
    {"fmod", "torch.fmod", planner_plain},
    {"pow", "torch.pow", emit_pow},
    {"min", "torch.minimum", emit_chain},
    {"max", "torch.maximum", emit_chain},
    {"atan2", "torch.atan2", planner_plain},
    {"and", "torch.logical_and", planner_plain},
    {"or", "torch.logical_or", planner_plain},
    {"xor", "torch.logical_xor", planner_plain},
    {"not", "torch.logical_not", planner_plain},
    {"bit_and", "torch.bitwise_and", planner_plain},
    {"bit_or", "torch.bitwise_or", planner_plain},
    {"bit_xor", "torch.bitwise_xor", planner_plain},
    {"bit_not", "torch.bitwise_not", planner_plain},
    {"shift_left", "torch.bitwise_left_shift", planner_plain},
    {"shift_right", "torch.bitwise_right_shift", planner_plain},
    {"equal", "torch.eq", planner_plain},
    {"not_equal", "torch.ne", planner_plain},
    {"greater", "torch.gt", planner_plain},
    {"less_equal", "torch.le", planner_plain},
    {"greater_equal", "torch.ge", planner_plain},
    {0},
};
