/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says the elementwise ops. */
#include "spell/jax_forms.h"

/* Input k with the result's dims: jax.lax broadcasts scalars alone. */
static uint32_t broadcast(struct planner *b, uint32_t k)
{
    const struct shape *from = &planner_input_value(b, k)->shape,
                       *to = &planner_output_value(b)->shape;
    if (shape_equal(from, to)) {
        return planner_input(b, k);
    }
    uint32_t wide = planner_step(b, "wide");
    CALL(b, wide, "jax.numpy.broadcast_to", VALUE(planner_input(b, k)), jax_dims(to));
    return wide;
}

/* The quotient of integers is truncated, as ONNX's Div does: jax.numpy has it rounded down. */
static void emit_div(struct planner *b, const char *callable)
{
    if (dtype_is_float(planner_output_value(b)->dtype)) {
        planner_plain(b, callable);
        return;
    }
    uint32_t x = broadcast(b, 0), y = broadcast(b, 1);
    CALL(b, planner_output(b), "jax.lax.div", VALUE(x), VALUE(y));
}

static void emit_cast(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         DTYPE(NULL, planner_attribute(b, "to")->dtype));
}

static void emit_clip(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         jax_number(b, "min", planner_attribute(b, "min")->f),
         jax_number(b, "max", planner_attribute(b, "max")->f));
}

/* ---- the table ---- */

const struct call_form jax_elementwise[] = {
    {"add", "jax.numpy.add", planner_plain},
    {"mul", "jax.numpy.multiply", planner_plain},
    {"div", "jax.numpy.divide", emit_div},
    {"neg", "jax.numpy.negative", planner_plain},
    {"relu", "jax.nn.relu", planner_plain},
    {"exp", "jax.numpy.exp", planner_plain},
    {"log", "jax.numpy.log", planner_plain},
    {"sqrt", "jax.numpy.sqrt", planner_plain},
    {"tan", "jax.numpy.tan", planner_plain},
    {"floor", "jax.numpy.floor", planner_plain},
    {"cast", "jax.numpy.astype", emit_cast},
    {"less", "jax.numpy.less", planner_plain},
    {"where", "jax.numpy.where", planner_plain},
    {"clip", "jax.numpy.clip", emit_clip},
    {0},
};
