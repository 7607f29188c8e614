# SPDX-License-Identifier: Apache-2.0
"""OpenVINO: a model's bytes are compiled for the CPU, inputs are tensors over the worker's memory."""

import glob
import os
import re
import sys

import numpy

from opjury import NotExercised

sys.modules["openvino_telemetry"] = None  # its import starts a thread, which reports it to its makers
import openvino  # noqa: E402

# numpy has no bfloat16: its bits travel as uint16, and openvino gives them back as float16.
NUMPY = {name: numpy.dtype(letters) for name, letters in {
    "BOOL": "?", "I8": "i1", "U8": "u1", "I16": "i2", "U16": "u2", "I32": "i4", "U32": "u4",
    "I64": "i8", "F16": "f2", "BF16": "u2", "F32": "f4", "F64": "f8"}.items()}
MODES = {"latency": "LATENCY", "throughput": "THROUGHPUT", "cumulative": "CUMULATIVE_THROUGHPUT"}
HINTS = {"f32": openvino.Type.f32, "bf16": openvino.Type.bf16, "f16": openvino.Type.f16}

# Finding its plug-ins starts no thread. What a compiled model starts, a fork would lose.
core = openvino.Core()
core.available_devices


def newest_opset():
    """It reads a model of any opset, by the newest whose schemas its front end holds."""
    [library] = glob.glob(os.path.join(os.path.dirname(openvino.__file__), "libs", "libopenvino_onnx_frontend.*"))
    with open(library, "rb") as file:
        return max(map(int, re.findall(rb"OpSet_Onnx_ver(\d+)E", file.read())))


NEWEST_OPSET = newest_opset()
NEWEST_IR = 13  # of opset 26 and 27; it does not look


def version():
    return openvino.__version__.partition("-")[0]


def settings(words):
    """By default a CPU with the instructions computes in bf16, so the precision is always said."""
    said = {"INFERENCE_PRECISION_HINT": words.get("hint", "f32"), "INFERENCE_NUM_THREADS": int(words.get("threads", 1)),
            "PERFORMANCE_HINT": MODES[words.get("mode", "latency")]}
    if words.get("snippets") == "off":
        said["SNIPPETS_MODE"] = "DISABLE"
    return said


def load(model, options):
    """Whether its shapes are dynamic says the model."""
    words = dict(word.partition("=")[::2] for word in options.split(","))
    if model[1] > NEWEST_IR or model[-1] > NEWEST_OPSET:  # opjury writes a model's IR version first, its opset last
        raise ValueError(f"IR {model[1]}, opset {model[-1]} is not known")
    compiled = core.compile_model(core.read_model(model), "CPU", settings(words))
    used = compiled.get_property("INFERENCE_PRECISION_HINT")
    if used != HINTS[words.get("hint", "f32")]:
        raise NotExercised(f"this CPU computes in {used.get_type_name()}, not in {words['hint']}")
    return compiled.create_infer_request()


def run(request, tensors):
    request.infer(dict(enumerate(tensors)), share_inputs=True, share_outputs=True)
    return [as_output(tensor) for tensor in request.output_tensors]


def as_output(tensor):
    is_bfloat16 = tensor.element_type == openvino.Type.bf16
    return (tensor.data.view("u2"), "BF16") if is_bfloat16 else tensor.data


def from_memory(memory, dtype, shape):
    array = numpy.ndarray(shape, NUMPY[dtype], memory)
    if dtype == "BF16":
        return openvino.Tensor(array, openvino.Shape(shape), openvino.Type.bf16)
    return openvino.Tensor(array, shared_memory=True)
