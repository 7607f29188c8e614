# SPDX-License-Identifier: Apache-2.0
"""TVM: an ONNX model becomes a module of relax, which is compiled for the CPU and run by its virtual machine."""

import ml_dtypes
import numpy
import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

NUMPY = {name: numpy.dtype(letters) for name, letters in {
    "BOOL": "?", "I8": "i1", "U8": "u1", "I16": "i2", "U16": "u2", "I32": "i4", "U32": "u4",
    "I64": "i8", "F16": "f2", "BF16": ml_dtypes.bfloat16, "F32": "f4", "F64": "f8"}.items()}


def version():
    return tvm.__version__


def load(model, options):
    """Whether its shapes are dynamic says the model."""
    words = dict(word.partition("=")[::2] for word in options.split(","))
    if model[1] > onnx.IR_VERSION or model[-1] > onnx.defs.onnx_opset_version():  # first and last as opjury writes them
        raise ValueError(f"IR {model[1]}, opset {model[-1]} is not known")
    module = relax.transform.DecomposeOpsForInference()(from_onnx(onnx.load_from_string(model)))
    with tvm.transform.PassContext(opt_level=int(words["opt"])):
        compiled = tvm.compile(module, tvm.target.Target({"kind": "llvm"}))
    return relax.VirtualMachine(compiled, tvm.cpu())


def run(machine, tensors):
    given = machine["main"](*[tvm.runtime.tensor(array, tvm.cpu()) for array in tensors])
    outputs = [given] if isinstance(given, (tvm.runtime.Tensor, tvm.runtime.ShapeTuple)) else given
    return [as_output(output) for output in outputs]


def as_output(output):
    """ONNX Shape becomes relax's shape_of, which gives no tensor."""
    array = numpy.array(output, "i8") if isinstance(output, tvm.runtime.ShapeTuple) else output.numpy()
    return (array.view("u2"), "BF16") if array.dtype == ml_dtypes.bfloat16 else array


def from_memory(memory, dtype, shape):
    return numpy.ndarray(shape, NUMPY[dtype], memory)
