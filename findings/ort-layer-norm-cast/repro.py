#!/usr/bin/env python3
"""onnxruntime 1.31.1: cast(f16->f32) -> reduce_mean(f32) -> sub(f32) -> pow(f32) -> reduce_mean(f32) -> add(f32) -> sqrt(f32) -> div(f32) -> mul(f32) -> add(f32): load fails with 'Type parameter (T) of Optype (LayerNormalization) bound to different types (tensor(float16) and  ...' at opt=all; opt=none passes

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
#     x0: f16[1,2] = input
#     v0: f32[1,2] = cast(x0, to=f32)
#     v1: f32[1,1] = reduce_mean(v0, axes=[1], keepdims=true)
#     v2: f32[1,2] = sub(v0, v1)
#     w0: f32[] = const [2]
#     v3: f32[1,2] = pow(v2, w0)
#     v4: f32[1,1] = reduce_mean(v3, axes=[1], keepdims=true)
#     w1: f32[] = const [7.6293945e-06]
#     v5: f32[1,1] = add(v4, w1)
#     v6: f32[1,1] = sqrt(v5)
#     v7: f32[1,2] = div(v2, v6)
#     x1: f32[2] = input
#     v8: f32[1,2] = mul(v7, x1)
#     x2: f32[2] = input
#     v9: f32[1,2] = add(v8, x2)
#     output v9
MODEL = base64.b64decode("""
CA0SBm9wanVyeTqkAwoZCgJ4MBICdjAiBENhc3QqCQoCdG8YAaABAgouCgJ2MAoHdjFfYXhlcxICdjEiClJlZHVj
ZU1lYW4qDwoIa2VlcGRpbXMYAaABAgoRCgJ2MAoCdjESAnYyIgNTdWIKEQoCdjIKAncwEgJ2MyIDUG93Ci4KAnYz
Cgd2NF9heGVzEgJ2NCIKUmVkdWNlTWVhbioPCghrZWVwZGltcxgBoAECChEKAnY0CgJ3MRICdjUiA0FkZAoOCgJ2
NRICdjYiBFNxcnQKEQoCdjIKAnY2EgJ2NyIDRGl2ChEKAnY3CgJ4MRICdjgiA011bAoRCgJ2OAoCeDISAnY5IgNB
ZGQSB3Byb2dyYW0qDBABQgJ3MEoEAAAAQCoMEAFCAncxSgQAAAA3KhcIARAHQgd2MV9heGVzSggBAAAAAAAAACoX
CAEQB0IHdjRfYXhlc0oIAQAAAAAAAABaFAoCeDASDgoMCAoSCAoCCAEKAggCWhAKAngxEgoKCAgBEgQKAggCWhAK
AngyEgoKCAgBEgQKAggCYhQKAnY5Eg4KDAgBEggKAggBCgIIAkIECgAQGg==
""")
inputs = [
    # x0: f16[1,2]
    np.array([0, 1], np.float16).reshape((1, 2)),
    # x1: f32[2]
    np.array([1, 1], np.float32),
    # x2: f32[2]
    np.array([0, 0], np.float32),
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


EXPECTED_ERROR = "Type parameter (T) of Optype (LayerNormalization) bound to different types (tensor(float16) and tensor(float) in node ("

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
