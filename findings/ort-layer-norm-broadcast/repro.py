#!/usr/bin/env python3
"""onnxruntime 1.31.1: reduce_mean(f32) -> sub(f32) -> pow(f32) -> reduce_mean(f32) -> add(f32) -> sqrt(f32) -> div(f32) -> mul(f32) -> add(f32): run fails with 'Scale and (optional) bias must match X.shape[axis:] or be NumPy-broadcastable to it. X.shape={' at opt=all; opt=none passes

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
#     v0: f32[1,1] = reduce_mean(x0, axes=[1], keepdims=true)
#     v1: f32[1,1] = sub(x0, v0)
#     w0: f32[] = const [2]
#     v2: f32[1,1] = pow(v1, w0)
#     v3: f32[1,1] = reduce_mean(v2, axes=[1], keepdims=true)
#     w1: f32[] = const [7.6293945e-06]
#     v4: f32[1,1] = add(v3, w1)
#     v5: f32[1,1] = sqrt(v4)
#     v6: f32[1,1] = div(v1, v5)
#     x1: f32[2] = input
#     v7: f32[1,2] = mul(v6, x1)
#     x2: f32[2] = input
#     v8: f32[1,2] = add(v7, x2)
#     output v8
MODEL = base64.b64decode("""
CA0SBm9wanVyeTqJAwouCgJ4MAoHdjBfYXhlcxICdjAiClJlZHVjZU1lYW4qDwoIa2VlcGRpbXMYAaABAgoRCgJ4
MAoCdjASAnYxIgNTdWIKEQoCdjEKAncwEgJ2MiIDUG93Ci4KAnYyCgd2M19heGVzEgJ2MyIKUmVkdWNlTWVhbioP
CghrZWVwZGltcxgBoAECChEKAnYzCgJ3MRICdjQiA0FkZAoOCgJ2NBICdjUiBFNxcnQKEQoCdjEKAnY1EgJ2NiID
RGl2ChEKAnY2CgJ4MRICdjciA011bAoRCgJ2NwoCeDISAnY4IgNBZGQSB3Byb2dyYW0qDBABQgJ3MEoEAAAAQCoM
EAFCAncxSgQAAAA3KhcIARAHQgd2MF9heGVzSggBAAAAAAAAACoXCAEQB0IHdjNfYXhlc0oIAQAAAAAAAABaFAoC
eDASDgoMCAESCAoCCAEKAggBWhAKAngxEgoKCAgBEgQKAggCWhAKAngyEgoKCAgBEgQKAggCYhQKAnY4Eg4KDAgB
EggKAggBCgIIAkIECgAQGg==
""")
inputs = [
    # x0: f32[1,1]
    np.array([1], np.float32).reshape((1, 1)),
    # x1: f32[2]
    np.array([1, 1], np.float32),
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


EXPECTED_ERROR = "Scale and (optional) bias must match X.shape[axis:] or be NumPy-broadcastable to it. X.shape={"

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
