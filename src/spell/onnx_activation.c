/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of activations. */
#include "spell/onnx_internal.h"

/* ---- the table ---- */

const struct onnx_form onnx_activation[] = {
    {0},
};
