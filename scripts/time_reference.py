#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""time_reference.py: the side of onnx's ReferenceEvaluator in `opjury bench evaluate`.

Writes the onnx package's node tests into a folder of its own, NAME.onnx and NAME.npz each; prints the
folder, the names, an empty line. Then answers each NAME on stdin with the CPU seconds of one run of that
model on those inputs, making of the session not counted, or with "error TEXT". The folder ends with it.
"""
import os
import sys
import tempfile
import time
import warnings

# As the workers run: one core, no threads that spin beside it.
os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")})

import ml_dtypes  # noqa: E402  pylint: disable=wrong-import-position
import numpy as np  # noqa: E402  pylint: disable=wrong-import-position
import onnx  # noqa: E402  pylint: disable=wrong-import-position
from onnx import TensorProto, numpy_helper  # noqa: E402  pylint: disable=wrong-import-position
from onnx.reference import ReferenceEvaluator  # noqa: E402  pylint: disable=wrong-import-position

BATCH_SECONDS, BATCHES = 0.002, 3  # as in src/bench_evaluate.c


def as_array(x):
    return numpy_helper.to_array(x) if isinstance(x, TensorProto) else np.asarray(x)


def raise_opset(model):
    """An opset below 7, opjury's least, becomes 7 where no op changed in between."""
    opset = model.opset_import[0]
    since = [[onnx.defs.get_schema(n.op_type, o, "").since_version for n in model.graph.node]
             for o in (opset.version, 7)] if opset.version < 7 and not opset.domain else [0, 1]
    if since[0] == since[1]:
        opset.version = 7


def write_node_tests(folder):
    import onnx.backend.test.case.node as tests  # pylint: disable=import-outside-toplevel
    for case in tests.collect_testcases(None):
        if case.model is None or not case.data_sets:
            continue
        inputs = case.data_sets[0][0]
        if not all(isinstance(x, (np.ndarray, np.generic, TensorProto)) for x in inputs):
            continue  # sequences, optionals
        names = [i.name for i in case.model.graph.input]
        raise_opset(case.model)
        onnx.save(case.model, f"{folder}/{case.name}.onnx")
        np.savez(f"{folder}/{case.name}.npz", **{n: as_array(x) for n, x in zip(names, inputs)})
        print(case.name)


def load_inputs(model, path):
    """bfloat16 is written as its bits."""
    given = {}
    with np.load(path) as arrays:
        for value in model.graph.input:
            if value.name in arrays:
                array = arrays[value.name]
                is_bits = value.type.tensor_type.elem_type == TensorProto.BFLOAT16 and array.itemsize == 2
                given[value.name] = array.view(ml_dtypes.bfloat16) if is_bits else array
    return given


def seconds_of(run):
    """CPU seconds of a call: the least of some batches, as others use the machine, too."""
    run()
    best, n, batches = float("inf"), 1, 0
    while batches < BATCHES:
        start = time.process_time()
        for _ in range(n):
            run()
        took = time.process_time() - start
        if took < BATCH_SECONDS:
            n *= 2
        else:
            best, batches = min(best, took / n), batches + 1
    return best


def answer(stem):
    model = onnx.load(stem + ".onnx")
    given = load_inputs(model, stem + ".npz")
    session = ReferenceEvaluator(model)
    return f"{seconds_of(lambda: session.run(None, given)):.9f}"


def main():
    warnings.simplefilter("ignore")
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory() as folder, np.errstate(all="ignore"):
        print(folder)
        write_node_tests(folder)
        print()
        for line in sys.stdin:
            try:
                print(answer(os.path.join(folder, line.strip())))
            except Exception as e:  # whatever it lacks
                print("error", type(e).__name__, str(e).replace("\n", " ")[:200])


main()
