# SPDX-License-Identifier: Apache-2.0
"""torch.onnx: a module becomes an ONNX model by the exporter under test; ONNX Runtime runs it, its optimizers off."""

import functools
import io
import logging
import warnings

try:
    import onnx
    import onnx.checker
    import onnx.reference
    import onnxruntime
    import onnxscript  # noqa: F401  # pylint: disable=unused-import
except ModuleNotFoundError as e:
    raise ImportError(f"torch:onnx needs {e.name}: python3 -m pip install onnx onnxscript onnxruntime "
                      "(scripts/setup onnx)") from None
import torch
import torch.onnx
from torch.onnx._internal.exporter import _decomp, _registration

from opjury import NotExercised
from opjury.onnxruntime import LEVELS
from opjury.torch import exchange, from_dlpack, random_state, reset, state, version  # noqa: F401
from opjury.torch_export import SOURCE
from opjury.torch_module import Job

# What the exporters, ONNX Runtime and onnx's evaluator say when they lack an operator or a kernel of its dtypes.
LACKS = ("No ONNX function found for", "No decompositions registered for", "to ONNX opset version",
         "Could not find an implementation for", "NOT_IMPLEMENTED", "No implementation for operator")


def keep_tables():
    """The registry of ONNX functions, and what is decomposed for it, are the same for every program; without this an
    export spends most of its time on them."""
    registry = _registration.ONNXRegistry
    registry.from_torchlib = staticmethod(functools.lru_cache(registry.from_torchlib))
    make, tables = _decomp.create_onnx_friendly_decomposition_table, {}

    def table_of(operators):
        key = frozenset(operators)
        if key not in tables:
            tables[key] = make(operators)
        return tables[key]
    _decomp.create_onnx_friendly_decomposition_table = table_of


def export(module, example, names, words):
    """The model's bytes."""
    if words.get("exporter") == "torchscript":
        file = io.BytesIO()
        torch.onnx.export(module, example, file, input_names=names, dynamo=False)
        return file.getvalue()
    program = torch.onnx.export(module, example, input_names=names, dynamo=True, optimize="plain" not in words,
                                verbose=False)
    return program.model_proto.SerializeToString()


def to_value(x):
    """numpy has no bfloat16, and ONNX Runtime takes no bool by DLPack."""
    if x.dtype == torch.bfloat16:
        return onnxruntime.OrtValue.from_dlpack(x)
    return onnxruntime.OrtValue.ortvalue_from_numpy(x.numpy())


def to_tensor(y):
    return torch.from_dlpack(y) if y.data_type() == "tensor(bfloat16)" else torch.from_numpy(y.numpy())


def in_runtime(model, names, words):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, LEVELS[words.get("opt", "none")])
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = [o.name for o in session.get_outputs()]

    def call(*tensors):
        values = dict(zip(names, tensors))
        feeds = {i.name: to_value(values[i.name]) for i in session.get_inputs()}
        return [to_tensor(y) for y in session.run_with_ort_values(outputs, feeds)]
    return call


def in_reference(model, names, _):
    """By onnx's own evaluator, which checks less than a runtime: the checker does."""
    onnx.checker.check_model(model, full_check=True)
    evaluator = onnx.reference.ReferenceEvaluator(model)

    def to_numpy(tensor):
        if tensor.dtype != torch.bfloat16:
            return tensor.numpy()
        import ml_dtypes
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)

    def to_torch(array):
        if array.dtype.name != "bfloat16":
            return torch.from_numpy(array.copy())
        return torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16)

    def call(*tensors):
        values = dict(zip(names, tensors))
        feeds = {name: to_numpy(values[name]) for name in evaluator.input_names}
        return [to_torch(y) for y in evaluator.run(None, feeds)]
    return call


def convert(module, example, words):
    names = [f"x{i}" for i in range(len(example))]
    model = export(module, example, names, words)
    return (in_reference if words.get("runtime") == "reference" else in_runtime)(model, names, words)


def warm():
    logging.getLogger("torch").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    keep_tables()
    for options in ("", "exporter=torchscript"):
        load(SOURCE, options).run([torch.ones(2, 3)])


def load(source, options):
    return Job(source, options, convert)


def run(job, tensors):
    try:
        return job.run(tensors)
    except Exception as e:  # pylint: disable=broad-except
        lack = next((text for text in LACKS if text in str(e)), None)
        if lack is None or "probe" in job.words:
            raise
        line = next(line for line in str(e).splitlines() if lack in line)
        raise NotExercised(f"it is not exported, or not run: {line.strip()}") from None
