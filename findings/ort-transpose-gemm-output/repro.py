#!/usr/bin/env python3
"""onnxruntime 1.31.1: transpose(f32) -> reduce_sum(f32) -> transpose(f32) -> gemm(f32): load fails with 'Failed to find node output or a constant initializer producing output: v1.' at opt=all; opt=none passes

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
#     x0: f32[2,1,1] = input
#     v0: f32[2,1,1] = transpose(x0, perm=[0,2,1])
#     v1: f32[1,1] = reduce_sum(v0, keepdims=false, axes=[0])
#     v2: f32[1,1] = transpose(v1, perm=[0,1])
#     w0: f32[] = const [0.375]
#     v3: f32[1,1] = gemm(v2, v1, w0, transA=false, transB=false, alpha=1.0, beta=1.0)
#     output v1, v3
MODEL = base64.b64decode("""
CA0SBm9wanVyeTrGAgokCgJ4MBICdjAiCVRyYW5zcG9zZSoPCgRwZXJtQABAAkABoAEHCi0KAnYwCgd2MV9heGVz
EgJ2MSIJUmVkdWNlU3VtKg8KCGtlZXBkaW1zGACgAQIKIgoCdjESAnYyIglUcmFuc3Bvc2UqDQoEcGVybUAAQAGg
AQcKVQoCdjIKAnYxCgJ3MBICdjMiBEdlbW0qDQoGdHJhbnNBGACgAQIqDQoGdHJhbnNCGACgAQIqDwoFYWxwaGEV
AACAP6ABASoOCgRiZXRhFQAAgD+gAQESB3Byb2dyYW0qDBABQgJ3MEoEAADAPioXCAEQB0IHdjFfYXhlc0oIAAAA
AAAAAABaGAoCeDASEgoQCAESDAoCCAIKAggBCgIIAWIUCgJ2MRIOCgwIARIICgIIAQoCCAFiFAoCdjMSDgoMCAES
CAoCCAEKAggBQgQKABAa
""")
inputs = [
    # x0: f32[2,1,1]
    np.array([1, 1], np.float32).reshape((2, 1, 1)),
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


EXPECTED_ERROR = "Failed to find node output or a constant initializer producing output"

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
