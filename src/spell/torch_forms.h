/* SPDX-License-Identifier: Apache-2.0 */
/* torch_forms: the families of torch's forms, each closed by an empty one. */
#ifndef OPJURY_TORCH_FORMS_H
#define OPJURY_TORCH_FORMS_H

#include "spell/planner.h"

extern const struct call_form torch_elementwise[], torch_math[], torch_activation[], torch_logic[],
    torch_reduce[], torch_linear[], torch_pool[], torch_move[], torch_slice[], torch_index[];

#endif
