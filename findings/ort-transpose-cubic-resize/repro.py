#!/usr/bin/env python3
"""onnxruntime 1.31.1: transpose(f32) -> resize(f32): run fails with 'in the Resize operator' at opt=all; opt=basic, opt=none pass

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
#     x0: f32[1,2,1,1] = input
#     v0: f32[1,1,2,1] = transpose(x0, perm=[0,3,1,2])
#     v1: f32[1,1,1,1] = resize(v0, mode="cubic", coordinate_transformation_mode="align_corners", nearest_ ...
#     output v1
MODEL = base64.b64decode("""
CA0SBm9wanVyeTqeAgomCgJ4MBICdjAiCVRyYW5zcG9zZSoRCgRwZXJtQABAA0ABQAKgAQcKfQoCdjAKAAoACgh2
MV9zaXplcxICdjEiBlJlc2l6ZSoQCgRtb2RlIgVjdWJpY6ABAyoyCh5jb29yZGluYXRlX3RyYW5zZm9ybWF0aW9u
X21vZGUiDWFsaWduX2Nvcm5lcnOgAQMqFwoNY3ViaWNfY29lZmZfYRUAAIC/oAEBEgdwcm9ncmFtKjAIBBAHQgh2
MV9zaXplc0ogAQAAAAAAAAABAAAAAAAAAAEAAAAAAAAAAQAAAAAAAABaHAoCeDASFgoUCAESEAoCCAEKAggCCgII
AQoCCAFiHAoCdjESFgoUCAESEAoCCAEKAggBCgIIAQoCCAFCBAoAEBo=
""")
inputs = [
    # x0: f32[1,2,1,1]
    np.array([1, 1], np.float32).reshape((1, 2, 1, 1)),
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


EXPECTED_ERROR = "in the Resize operator"

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
