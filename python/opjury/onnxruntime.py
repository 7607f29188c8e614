# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: a model's bytes become a session, inputs numpy arrays over the worker's memory."""

import base64

import numpy
import onnxruntime

BFLOAT16 = 16  # TensorProto.BFLOAT16; numpy has no such dtype, so bits travel as uint16
NUMPY = {name: numpy.dtype(letters) for name, letters in {
    "BOOL": "?", "I8": "i1", "U8": "u1", "I16": "i2", "U16": "u2", "I32": "i4", "U32": "u4",
    "I64": "i8", "F16": "f2", "BF16": "u2", "F32": "f4", "F64": "f8"}.items()}
LEVELS = {"none": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC",
          "extended": "ORT_ENABLE_EXTENDED", "all": "ORT_ENABLE_ALL"}
# y = Relu(x) on float[1] at opset 13, IR 8
WARM = base64.b64decode("CAg6MwoMCgF4EgF5IgRSZWx1EgF3Wg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUIECgAQDQ==")


def session_options(level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, LEVELS[level])
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised as well
    return options


OPTIONS = {"opt=" + level: session_options(level) for level in LEVELS}


# Versions before 1.23 take or give no bfloat16 outside a model.
HAS_BFLOAT16 = hasattr(onnxruntime.OrtValue, "__dlpack__")


def version():
    return onnxruntime.__version__


def warm():
    run(load(WARM, "opt=all"), [numpy.zeros(1, "f4")])


def load(model, options):
    level = options.split(",", 1)[0]  # the model says whether its shapes are dynamic
    return onnxruntime.InferenceSession(model, OPTIONS[level], providers=["CPUExecutionProvider"])


def run(session, tensors):
    feeds = {i.name: t for i, t in zip(session.get_inputs(), tensors)}
    outputs = session.get_outputs()
    if any(o.type == "tensor(bfloat16)" for o in outputs):
        if not HAS_BFLOAT16:
            raise NotImplementedError("a bfloat16 output is not supported by this version")
        feeds = {n: t if isinstance(t, onnxruntime.OrtValue)
                 else onnxruntime.OrtValue.ortvalue_from_numpy(t) for n, t in feeds.items()}
        values = session.run_with_ort_values([o.name for o in outputs], feeds)
        return [v if v.element_type() == BFLOAT16 else v.numpy() for v in values]
    return session.run(None, feeds)


def from_memory(memory, dtype, shape):
    array = numpy.ndarray(shape, NUMPY[dtype], memory)
    if dtype == "BF16":
        if not HAS_BFLOAT16:
            raise NotImplementedError("a bfloat16 input is not supported by this version")
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(array, BFLOAT16)
    return array
