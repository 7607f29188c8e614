#!/usr/bin/env python3
"""onnxruntime 1.31.1: linear(f32): run fails with '}, requested shape:{' at opt=all; opt=none passes

Needs onnxruntime and numpy. Exit status: 1 the fault shows, 0 it does not, 2 it cannot run.
"""
import base64
import faulthandler
import sys

try:
    import numpy as np
    from numpy import inf, nan
    import onnxruntime
except ImportError as missing:
    print(missing)
    sys.exit(2)


def packed(text, dtype, shape):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape).copy()

# An ONNX model of opset 21:
#     x0: f32[1,0,1] = input
#     x1: f32[1,1] = input
#     x2: f32[1] = input
#     v0: f32[1,0,1] = linear(x0, x1, x2)
#     output v0
MODEL = base64.b64decode("""
CAoSBm9wanVyeTrYAQotCgJ4MRINdjBfdHJhbnNwb3NlZCIJVHJhbnNwb3NlKg0KBHBlcm1AAUAAoAEHCicKAngw
Cg12MF90cmFuc3Bvc2VkEgp2MF9wcm9kdWN0IgZNYXRNdWwKGQoKdjBfcHJvZHVjdAoCeDISAnYwIgNBZGQSB3By
b2dyYW1aGAoCeDASEgoQCAESDAoCCAEKAggACgIIAVoUCgJ4MRIOCgwIARIICgIIAQoCCAFaEAoCeDISCgoICAES
BAoCCAFiGAoCdjASEgoQCAESDAoCCAEKAggACgIIAUIECgAQFQ==
""")
inputs = [
    # x0: f32[1,0,1]
    np.array([], np.float32).reshape((1, 0, 1)),
    # x1: f32[1,1]
    np.array([1], np.float32).reshape((1, 1)),
    # x2: f32[1]
    np.array([1], np.float32),
]


def run():
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        MODEL, options, providers=["CPUExecutionProvider"])
    feeds = {i.name: x for i, x in zip(session.get_inputs(), inputs)}
    return session.run(None, feeds)


EXPECTED_ERROR = "}, requested shape:{"

print("onnxruntime", onnxruntime.__version__)
before = [x.tobytes() for x in inputs]
faulthandler.dump_traceback_later(120, exit=True)
try:
    actual = run()
except Exception as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1 if EXPECTED_ERROR is not None and EXPECTED_ERROR in str(error) else 2)
faulthandler.cancel_dump_traceback_later()
print("no error")
sys.exit(0)
