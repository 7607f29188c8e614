#!/usr/bin/env python3
"""torch 2.13.0+cpu: instance_norm(f32): run fails with 'out of range for tensor of size ['

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


def program(x0, x1, x2):
    v0 = torch.nn.functional.instance_norm(x0, weight=x1, bias=x2, eps=9.999999974752427e-07)
    return (v0,)


inputs = [
    # x0: f32[0,1,2]
    np.array([], np.float32).reshape((0, 1, 2)),
    # x1: f32[1]
    np.array([1], np.float32),
    # x2: f32[1]
    np.array([1], np.float32),
]
constants = [
]
is_bfloat16 = [False, False, False]


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


EXPECTED_ERROR = "out of range for tensor of size ["

print("torch", torch.__version__)
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
