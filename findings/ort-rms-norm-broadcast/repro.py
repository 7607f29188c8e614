#!/usr/bin/env python3
"""onnxruntime 1.31.1: pow(f32) -> reduce_mean(f32) -> add(f32) -> sqrt(f32) -> div(f32) -> mul(f32): run fails with '} bias.shape={} and axis=' at opt=all; opt=basic, opt=none pass

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

# An ONNX model of opset 26:
#     x0: f32[1,1] = input
#     w0: f32[] = const [2]
#     v0: f32[1,1] = pow(x0, w0)
#     v1: f32[1,1] = reduce_mean(v0, axes=[1], keepdims=true)
#     x1: f32[1,1] = input
#     v2: f32[1,1] = add(x1, v1)
#     v3: f32[1,1] = sqrt(v2)
#     v4: f32[1,1] = div(x0, v3)
#     x2: f32[2] = input
#     v5: f32[1,2] = mul(v4, x2)
#     output v5
MODEL = base64.b64decode("""
CA0SBm9wanVyeTqQAgoRCgJ4MAoCdzASAnYwIgNQb3cKLgoCdjAKB3YxX2F4ZXMSAnYxIgpSZWR1Y2VNZWFuKg8K
CGtlZXBkaW1zGAGgAQIKEQoCeDEKAnYxEgJ2MiIDQWRkCg4KAnYyEgJ2MyIEU3FydAoRCgJ4MAoCdjMSAnY0IgNE
aXYKEQoCdjQKAngyEgJ2NSIDTXVsEgdwcm9ncmFtKgwQAUICdzBKBAAAAEAqFwgBEAdCB3YxX2F4ZXNKCAEAAAAA
AAAAWhQKAngwEg4KDAgBEggKAggBCgIIAVoUCgJ4MRIOCgwIARIICgIIAQoCCAFaEAoCeDISCgoICAESBAoCCAJi
FAoCdjUSDgoMCAESCAoCCAEKAggCQgQKABAa
""")
inputs = [
    # x0: f32[1,1]
    np.array([1], np.float32).reshape((1, 1)),
    # x1: f32[1,1]
    np.array([1], np.float32).reshape((1, 1)),
    # x2: f32[2]
    np.array([1, 1], np.float32),
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


EXPECTED_ERROR = "} bias.shape={} and axis="

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
