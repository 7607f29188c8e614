/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of arithmetic of two inputs, comparisons, logic and bits. */
#include "spell/onnx_internal.h"

/* ---- the table ---- */

const struct onnx_form onnx_logic[] = {
    {0},
};
