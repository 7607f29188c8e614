/* SPDX-License-Identifier: Apache-2.0 */
/* torch: the families of its forms. It has an object for every dtype of ours. */
#include "spell/torch_forms.h"

static const struct call_form *const families[] = {
    torch_elementwise, torch_math, torch_activation, torch_logic, torch_reduce, torch_linear,
    torch_pool,        torch_move, torch_slice,      torch_index, NULL};

const struct call_library torch_calls = {.name = "torch", .dtypes = "torch", .families = families};
