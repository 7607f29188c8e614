#!/usr/bin/env python3
"""onnxruntime 1.31.1: matmul(f64) -> mul(f64): load fails with 'onnxruntime::MatMul<double>::MatMul(const onnxruntime::OpKernelInfo&) std::isfinite(alpha_attr_) was false. FusedMatMul alpha attribute must be finite, got: -inf' at opt=extended; opt=basic, opt=none pass

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
#     x0: f64[1] = input
#     x1: f64[1] = input
#     v0: f64[] = matmul(x0, x1)
#     w0: f64[] = const [-1.7976931348623157e+308]
#     v1: f64[] = mul(v0, w0)
#     output v1
MODEL = base64.b64decode("""
CAoSBm9wanVyeTp2ChQKAngwCgJ4MRICdjAiBk1hdE11bAoRCgJ2MAoCdzASAnYxIgNNdWwSB3Byb2dyYW0qEBAL
QgJ3MEoI////////7/9aEAoCeDASCgoICAsSBAoCCAFaEAoCeDESCgoICAsSBAoCCAFiDAoCdjESBgoECAsSAEIE
CgAQFQ==
""")
inputs = [
    # x0: f64[1]
    np.array([1], np.float64),
    # x1: f64[1]
    np.array([1], np.float64),
]


def run():
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED)
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        MODEL, options, providers=["CPUExecutionProvider"])
    feeds = {i.name: x for i, x in zip(session.get_inputs(), inputs)}
    return session.run(None, feeds)


EXPECTED_ERROR = "onnxruntime::MatMul<double>::MatMul(const onnxruntime::OpKernelInfo&) std::isfinite(alpha_attr_) was false. FusedMatMul alpha attribute must be finite, got: -inf"

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
