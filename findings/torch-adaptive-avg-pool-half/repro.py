#!/usr/bin/env python3
"""torch 2.13.0+cpu: adaptive_avg_pool(bf16): wrong result: 0.934 expected, 0.938 came back

Needs torch and numpy. Exit status: 1 the fault shows, 0 it does not, 2 it cannot run.
"""
import base64
import faulthandler
import sys

try:
    import numpy as np
    from numpy import inf, nan
    import torch
except ImportError as missing:
    print(missing)
    sys.exit(2)


def packed(text, dtype, shape):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape).copy()


def bfloat16(values):
    """Their bits: numpy has no such dtype."""
    bits = np.array(values, np.float32).view(np.uint32)
    return (bits + 0x7fff + (bits >> 16 & 1) >> 16).astype(np.uint16)


def program(x0):
    v0 = torch.nn.functional.adaptive_avg_pool3d(x0, output_size=[2, 1, 1])
    return (v0,)


inputs = [
    # x0: bf16[1,1,3,2,2]
    bfloat16([1, 1, 1, 1, 1, 1, 0.734, 0.734, 0.734, 0.734, 1, 1]).reshape((1, 1, 3, 2, 2)),
]
# None: any value will do.
expected = [
    # v0: bf16[1,1,2,1,1]
    bfloat16([0.934, 0.867]).reshape((1, 1, 2, 1, 1)),
]
# How far a result may lie from it; nan: not compared.
bound = [
    # v0: bf16[1,1,2,1,1]
    np.array([0, 0], np.float64).reshape((1, 1, 2, 1, 1)),
]
constants = [
]
is_bfloat16 = [True]


def to_torch(x, is_bfloat16):
    return (torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if is_bfloat16
            else torch.from_numpy(x))


def to_numpy(y):
    if y.dtype == torch.bfloat16:
        return y.contiguous().view(torch.int16).numpy().view(np.uint16)
    return y.numpy()


def run():
    torch.set_num_threads(1)
    arguments = [to_torch(x, b) for x, b in zip(inputs + constants, is_bfloat16)]
    return [to_numpy(y) for y in program(*arguments)]


EXPECTED_ERROR = None

print("torch", torch.__version__)
before = [x.tobytes() for x in inputs]
faulthandler.dump_traceback_later(120, exit=True)
try:
    actual = run()
except Exception as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1 if EXPECTED_ERROR is not None and EXPECTED_ERROR in str(error) else 2)
faulthandler.cancel_dump_traceback_later()
is_output_bfloat16 = [True]


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
    e, a = wide(e, is_output_bfloat16[k]), wide(a, is_output_bfloat16[k])
    b = np.zeros(e.shape) if b is None else b
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
