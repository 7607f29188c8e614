/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says matmul and the convolutions. */
#include "spell/torch_internal.h"

#include <string.h>

/* torch pads both ends alike: uneven pads are a step of their own. */
static void emit_conv2d(struct planner *b, const char *callable)
{
    const int64_t *pads = torch_attribute(b, "pads")->i; /* top, left, bottom, right */
    bool is_even = pads[0] == pads[2] && pads[1] == pads[3];
    struct plan_arg bias = {.kind = PLAN_NONE};
    uint32_t x = torch_input(b, 0);
    int64_t *around = ARENA_ZARRAY(b->arena, int64_t, 4);

    if (!is_even) {
        memcpy(around, (const int64_t[]){pads[1], pads[3], pads[0], pads[2]}, 4 * sizeof *around);
        x = torch_step(b, "pad");
        CALL(b, x, "torch.nn.functional.pad", VALUE(torch_input(b, 0)), INTS(NULL, 4, around));
        around = ARENA_ZARRAY(b->arena, int64_t, 2);
    } else {
        memcpy(around, pads, 2 * sizeof *around);
    }
    if (b->node->n_in > 2 && b->node->in[2] != VALUE_ABSENT) {
        bias = (struct plan_arg)VALUE(torch_input(b, 2));
    }
    CALL(b, torch_output(b), callable, VALUE(x), VALUE(torch_input(b, 1)), bias,
         INTS("stride", 2, torch_attribute(b, "strides")->i), INTS("padding", 2, around),
         INTS("dilation", 2, torch_attribute(b, "dilations")->i),
         INT("groups", torch_attribute(b, "group")->i[0]));
}

/* ---- the table ---- */

const struct torch_form torch_linear[] = {
    {"matmul", "torch.matmul", torch_plain},
    {"conv2d", "torch.nn.functional.conv2d", emit_conv2d},
    {0},
};
