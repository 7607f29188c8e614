/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says arithmetic of two inputs, comparisons, logic and bits. */
#include "spell/torch_internal.h"

static uint32_t cast_step(struct planner *b, uint32_t from, const char *what, enum dtype to)
{
    uint32_t step = torch_step(b, what);

    CALL(b, step, "torch.Tensor.to", VALUE(from), DTYPE(NULL, to));
    return step;
}

/* Mixed dtypes would be promoted, by rules that hang on ranks: they are computed in a dtype that
 * holds both, and the result has the base's. */
static void emit_pow(struct planner *b, const char *callable)
{
    enum dtype base = torch_input_value(b, 0)->dtype, exponent = torch_input_value(b, 1)->dtype;

    if (base == exponent) {
        torch_plain(b, callable);
        return;
    }
    bool is_float = dtype_is_float(base) || dtype_is_float(exponent);
    enum dtype wide = is_float ? DTYPE_F64 : DTYPE_I64;
    uint32_t x = cast_step(b, torch_input(b, 0), "base", wide);
    uint32_t y = cast_step(b, torch_input(b, 1), "exponent", wide);
    uint32_t power = torch_step(b, "power");
    CALL(b, power, callable, VALUE(x), VALUE(y));
    CALL(b, torch_output(b), "torch.Tensor.to", VALUE(power), DTYPE(NULL, base));
}

/* Of two at a time. */
static void emit_chain(struct planner *b, const char *callable)
{
    uint32_t so_far = torch_input(b, 0);

    for (uint32_t k = 1; k < b->node->n_in; k++) {
        bool is_last = k + 1 == b->node->n_in;
        uint32_t to = is_last ? torch_output(b) : torch_step(b, "so_far");
        CALL(b, to, callable, VALUE(so_far), VALUE(torch_input(b, k)));
        so_far = to;
    }
}

/* ---- the table ---- */

const struct torch_form torch_logic[] = {
    {"sub", "torch.sub", torch_plain},
    {"floor_div", "torch.floor_divide", torch_plain},
    {"mod", "torch.remainder", torch_plain},
    {"fmod", "torch.fmod", torch_plain},
    {"pow", "torch.pow", emit_pow},
    {"min", "torch.minimum", emit_chain},
    {"max", "torch.maximum", emit_chain},
    {"atan2", "torch.atan2", torch_plain},
    {"and", "torch.logical_and", torch_plain},
    {"or", "torch.logical_or", torch_plain},
    {"xor", "torch.logical_xor", torch_plain},
    {"not", "torch.logical_not", torch_plain},
    {"bit_and", "torch.bitwise_and", torch_plain},
    {"bit_or", "torch.bitwise_or", torch_plain},
    {"bit_xor", "torch.bitwise_xor", torch_plain},
    {"bit_not", "torch.bitwise_not", torch_plain},
    {"shift_left", "torch.bitwise_left_shift", torch_plain},
    {"shift_right", "torch.bitwise_right_shift", torch_plain},
    {"equal", "torch.eq", torch_plain},
    {"not_equal", "torch.ne", torch_plain},
    {"greater", "torch.gt", torch_plain},
    {"less_equal", "torch.le", torch_plain},
    {"greater_equal", "torch.ge", torch_plain},
    {0},
};
