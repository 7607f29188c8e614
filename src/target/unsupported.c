/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unsupported: the phrases by which a library says that it lacks something, as opposed to failing
 * at it. Each is part of a message of the named library, found in its sources.
 */
#include <string.h>

#include "target/target_internal.h"

static const struct phrase {
    const char *library;
    const char *text;
} phrases[] = {
    /* ONNX Runtime: no kernel for these types; no such op at this opset; a newer opset or IR. */
    {"onnxruntime", "Could not find an implementation for"},
    {"onnxruntime", "NOT_IMPLEMENTED"},
    {"onnxruntime", "is not a registered function/op"},
    {"onnxruntime", "No Op registered for"},
    {"onnxruntime", "Unsupported model IR version"},
    {"onnxruntime", "is under development and support for this is limited"},
    {"onnxruntime", "is till opset"},
    {"onnxruntime", "is not supported"},
    /* The operator's schema does not allow the type. */
    {"onnxruntime", "of operator ("},
    /* OpenVINO: no translation of the node; an operation that is not defined for these types. */
    {"openvino", "OpenVINO does not support the following ONNX operations"},
    {"openvino", "nput element type must be"},
    {"openvino", "Unsupported element type"},
    {"openvino", "has unsupported"},
    {"openvino", "is not supported"},
    {"openvino", "doesn't support"},
    {"openvino", "not implemented"},
    {"openvino", "is not known"},
    /* TVM: operators and attributes that its front end does not translate. */
    {"tvm", "The following operators are not supported"},
    {"tvm", "not supported"},
    {"tvm", "not implemented"},
    {"tvm", "NotImplementedError"},
    {"tvm", "does not support"},
    {"tvm", "nsupported"},
    /* It meets f32 constants of its own, has no intrinsic, no form or no least value of the dtype.
     */
    {"tvm", "must have the same datatype"},
    {"tvm", "unknown intrinsic"},
    {"tvm", "only applies to float"},
    {"tvm", "Cannot decide m"},
    {"tvm", "to have integer dtype"},
    {"tvm", "to have float dtype"},
    {"tvm", "only support float"},
    /* PyTorch: AT_DISPATCH's default case; ops without a kernel for a dtype. */
    {"torch", "not implemented for '"},
    {"torch", "not implemented for dtype"},
    {"torch", "does not support"},
    {"torch", "is not supported"},
    {"torch", "not supported for"},
    {"torch", "Unsupported dtype"},
    {"torch", "could not create a primitive descriptor"},
    /* JAX: a primitive's rule of dtypes (jax._src.lax.lax.naryop_dtype_rule). */
    {"jax", "does not accept dtype"},
    {"torch", "Promotion for uint16, uint32, uint64 types is not supported"},
    /* TensorFlow: the op's definition has no such dtype (a kernel's, a Python function's check);
     * no kernel for the device; XLA: no compiled form; none for the dtype. */
    {"tensorflow", "is not in the list of allowed values"},
    {"tensorflow", "not in list of allowed values"},
    {"tensorflow", "Could not find device for node"},
    {"tensorflow", "Could not find compatible device"},
    {"tensorflow", "No OpKernel was registered to support Op"},
    {"tensorflow", "Detected unsupported operations when trying to compile graph"},
    {"tensorflow", "Op type not registered"},
    {"tensorflow", "UNIMPLEMENTED"},
    {"tensorflow", "is not implemented"},
    {"tensorflow", "not supported"},
};

bool error_is_unsupported(const struct target *t, const struct outcome *o)
{
    if (o->kind != OUTCOME_ERROR) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
        bool is_of = strcmp(phrases[i].library, t->kind->name) == 0 ||
                     (t->kind->runtime && strcmp(phrases[i].library, t->kind->runtime) == 0);
        if (is_of && strstr(o->message, phrases[i].text)) {
            return true;
        }
    }
    return false;
}

bool error_is_of_form(const struct outcome *o)
{
    return o->kind == OUTCOME_ERROR &&
           strncmp(o->message, WIRE_OUTPUT_HAS, strlen(WIRE_OUTPUT_HAS)) == 0;
}
