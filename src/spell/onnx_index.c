/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of indexing. */
#include "spell/onnx_internal.h"

/* ---- the table ---- */

const struct onnx_form onnx_index[] = {
    {0},
};
