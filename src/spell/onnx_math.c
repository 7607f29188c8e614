/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of unary functions. */
#include "spell/onnx_internal.h"

/* ---- the table ---- */

const struct onnx_form onnx_math[] = {
    {0},
};
