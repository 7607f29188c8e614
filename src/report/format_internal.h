/* SPDX-License-Identifier: Apache-2.0 */
/* The formats, for the table. */
#ifndef OPJURY_FORMAT_INTERNAL_H
#define OPJURY_FORMAT_INTERNAL_H

#include "report/format.h"

extern const struct report_format format_markdown, format_json, format_pytorch,
    format_pytorch_compile, format_onnxruntime, format_openvino, format_tvm, format_jax,
    format_tensorflow;

#endif
