/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says pooling, normalisation, resizing. */
#include "spell/torch_internal.h"

/* ---- the table ---- */

const struct torch_form torch_pool[] = {
    {0},
};
