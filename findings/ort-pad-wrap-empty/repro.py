#!/usr/bin/env python3
"""onnxruntime 1.31.1: pad(f32): run fails with 'Unexpected mode of'

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
#     x0: f32[1,1,0,0] = input
#     v0: f32[1,1,0,0] = pad(x0, mode="wrap", pads=[0,0,0,0,0,0,0,0], value=0.0)
#     output v0
MODEL = base64.b64decode("""
CAoSBm9wanVyeTq/AQonCgJ4MAoHdjBfcGFkcxICdjAiA1BhZCoPCgRtb2RlIgR3cmFwoAEDEgdwcm9ncmFtKk8I
CBAHQgd2MF9wYWRzSkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAAAAAAWhwKAngwEhYKFAgBEhAKAggBCgIIAQoCCAAKAggAYhwKAnYwEhYKFAgBEhAKAggBCgIIAQoC
CAAKAggAQgQKABAV
""")
inputs = [
    # x0: f32[1,1,0,0]
    np.array([], np.float32).reshape((1, 1, 0, 0)),
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


EXPECTED_ERROR = "Unexpected mode of"

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
