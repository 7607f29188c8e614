#!/usr/bin/env python3
"""onnxruntime 1.31.1: pad(f32) -> max_pool(f32): load fails with 'Pad should be smaller than kernel.' at opt=all; opt=none passes

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
#     x0: f32[1,1,1,1] = input
#     v0: f32[1,1,2,1] = pad(x0, mode="constant", pads=[0,0,0,0,0,0,1,0], value=0.0)
#     v1: f32[1,1,2,1] = max_pool(v0, ceil_mode=true, kernel_shape=[1,1], strides=[1,1], dilations=[1,1],  ...
#     output v1
MODEL = base64.b64decode("""
CA0SBm9wanVyeTq4AgorCgJ4MAoHdjBfcGFkcxICdjAiA1BhZCoTCgRtb2RlIghjb25zdGFudKABAwpzCgJ2MBIC
djEiB01heFBvb2wqFQoMa2VybmVsX3NoYXBlQAFAAaABByoQCgdzdHJpZGVzQAFAAaABByoRCgRwYWRzQABAAEAA
QACgAQcqEgoJZGlsYXRpb25zQAFAAaABByoQCgljZWlsX21vZGUYAaABAhIHcHJvZ3JhbSpPCAgQB0IHdjBfcGFk
c0pAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAA
AFocCgJ4MBIWChQIARIQCgIIAQoCCAEKAggBCgIIAWIcCgJ2MRIWChQIARIQCgIIAQoCCAEKAggCCgIIAUIECgAQ
Gg==
""")
inputs = [
    # x0: f32[1,1,1,1]
    np.array([1], np.float32).reshape((1, 1, 1, 1)),
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


EXPECTED_ERROR = "onnxruntime::PoolAttributes::PoolAttributes(const KernelInfoType&, const std::string&, int) [with KernelInfoType = onnxruntime::OpKernelInfo; std::string = std::__cxx11::basic_string<char>] pads[dim] < kernel_shape[dim] && pads[dim + kernel_shape.size()] < kernel_shape[dim] was false. Pad should be smaller than kernel."

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
