#!/usr/bin/env python3
"""onnxruntime 1.31.1: reduce_prod(i64): wrong result: 0 expected, -9223372036854775808 came back

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
#     x0: i64[18] = input
#     v0: i64[1] = reduce_prod(x0, keepdims=true, axes=[0])
#     output v0
MODEL = base64.b64decode("""
CA0SBm9wanVyeTp2Ci4KAngwCgd2MF9heGVzEgJ2MCIKUmVkdWNlUHJvZCoPCghrZWVwZGltcxgBoAECEgdwcm9n
cmFtKhcIARAHQgd2MF9heGVzSggAAAAAAAAAAFoQCgJ4MBIKCggIBxIECgIIEmIQCgJ2MBIKCggIBxIECgIIAUIE
CgAQGg==
""")
inputs = [
    # x0: i64[18]
    np.array([4611686018427387904, 4611686018427387904, 4611686018427387904, 4611686018427387904, 
        4611686018427387904, 4611686018427387904, 4611686018427387904, 
        4611686018427387904, 4611686018427387904, 4611686018427387904, 
        4611686018427387904, 4611686018427387904, 4611686018427387904, 
        4611686018427387904, 4611686018427387904, 4611686018427387904, 
        4611686018427387904, 0], np.int64),
]
# None: any value will do.
expected = [
    # v0: i64[1]
    np.array([0], np.int64),
]
# How far a result may lie from it; nan: not compared.
bound = [
    # v0: i64[1]
    np.array([0], np.float64),
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


EXPECTED_ERROR = None

print("onnxruntime", onnxruntime.__version__)
before = [x.tobytes() for x in inputs]
faulthandler.dump_traceback_later(120, exit=True)
try:
    actual = run()
except Exception as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1 if EXPECTED_ERROR is not None and EXPECTED_ERROR in str(error) else 2)
faulthandler.cancel_dump_traceback_later()
is_output_bfloat16 = [False]


def wide(array, is_bfloat16):
    if is_bfloat16:
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.longdouble)


def is_wrong(k):
    """Compare output k and print its worst element."""
    e, b, a = expected[k], bound[k], actual[k]
    if e is not None and (a.dtype != e.dtype or a.shape != e.shape):
        print(f"output {k}: {a.dtype}{a.shape}, expected {e.dtype}{e.shape}")
        return True
    if e is None or e.size == 0:
        return False
    b = np.zeros(e.shape) if b is None else b
    if e.dtype.kind in "biu" and not is_output_bfloat16[k]:  # exact, beyond 2**53 too
        wrong = excess = (a != e) & ~np.isnan(b)
    else:
        e, a = wide(e, is_output_bfloat16[k]), wide(a, is_output_bfloat16[k])
        with np.errstate(all="ignore"):
            same = (a == e) | (np.isnan(a) & np.isnan(e)) | np.isnan(b)
            off = np.where(same, 0, abs(a - e))
            off = np.where(np.isnan(off), inf, off)
            wrong = ~same & ~(np.isfinite(a) & np.isfinite(e) & (off <= b))
            excess = np.where(wrong, off - b, np.where(same, -inf, off - b))
    at = np.unravel_index(np.argmax(excess), e.shape)
    print(f"output {k}: {wrong.sum()} of {wrong.size} elements are wrong; at "
          f"{[int(i) for i in at]}: expected {e[at]}, actual {a[at]}, allowed {b[at]}")
    return bool(wrong.any())


if len(actual) != len(expected):
    print(f"{len(actual)} outputs, expected {len(expected)}")
    sys.exit(1)
wrong = [is_wrong(k) for k in range(len(expected))]
changed = [x.tobytes() for x in inputs] != before
if changed:
    print("an input was changed")
sys.exit(1 if any(wrong) or changed else 0)
