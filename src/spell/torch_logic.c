/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says arithmetic of two inputs, comparisons, logic and bits. */
#include "spell/torch_internal.h"

/* ---- the table ---- */

const struct torch_form torch_logic[] = {
    {0},
};
