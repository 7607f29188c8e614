/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says unary functions. */
#include "spell/torch_internal.h"

/* ---- the table ---- */

const struct torch_form torch_math[] = {
    {0},
};
