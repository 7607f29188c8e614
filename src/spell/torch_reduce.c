/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says the ops that work along axes: reductions, arg_max, softmax. */
#include "spell/torch_internal.h"

/* torch would sum integers in int64: dtype keeps the input's. */
static void emit_sum(struct planner *b, const char *callable)
{
    const struct attr *axes = torch_attribute(b, "axes");

    CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)), INTS("dim", axes->n, axes->i),
         BOOL("keepdim", torch_attribute(b, "keepdims")->i[0]),
         DTYPE("dtype", torch_output_value(b)->dtype));
}

static void emit_max(struct planner *b, const char *callable)
{
    const struct attr *axes = torch_attribute(b, "axes");

    CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)), INTS("dim", axes->n, axes->i),
         BOOL("keepdim", torch_attribute(b, "keepdims")->i[0]));
}

static void emit_arg_max(struct planner *b, const char *callable)
{
    CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)),
         INT("dim", torch_attribute(b, "axis")->i[0]),
         BOOL("keepdim", torch_attribute(b, "keepdims")->i[0]));
}

static void emit_softmax(struct planner *b, const char *callable)
{
    CALL(b, torch_output(b), callable, VALUE(torch_input(b, 0)),
         INT("dim", torch_attribute(b, "axis")->i[0]));
}

/* ---- the table ---- */

const struct torch_form torch_reduce[] = {
    {"reduce_sum", "torch.sum", emit_sum},
    {"reduce_max", "torch.amax", emit_max},
    {"arg_max", "torch.argmax", emit_arg_max},
    {"softmax", "torch.softmax", emit_softmax},
    {0},
};
