# SPDX-License-Identifier: Apache-2.0
"""Products of matrices and tensors, convolutions."""
import numpy as np

from .values import INTS, is_float


def window_parts(a, spatial, taps):
    """For each tap of a kernel: its index and the stretch of each padded dim that it meets."""
    strides, dilations = a["strides"], a["dilations"]
    for tap in np.ndindex(*taps):
        yield tap, tuple(slice(t * d, t * d + (n - 1) * s + 1, s)
                         for t, d, s, n in zip(tap, dilations, strides, spatial))


def channels(x):
    """A vector beside [N, C, ...]."""
    return (1, -1) + (1,) * (x.ndim - 2)


def conv(a, dtype, x, w, b=None):
    n, per = x.ndim - 2, w.shape[1]
    pads, group = a["pads"], a["group"]
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:n], pads[n:])])
    spatial = [(size - d * (k - 1) - 1) // s + 1
               for size, k, s, d in zip(x.shape[2:], w.shape[2:], a["strides"], a["dilations"])]
    y = np.zeros((x.shape[0], w.shape[0], *spatial), x.dtype)
    for o in range(w.shape[0] if y.size else 0):
        first = o // (w.shape[0] // group) * per
        for tap, part in window_parts(a, spatial, w.shape[2:]):
            patch = x[(slice(None), slice(first, first + per), *part)]
            y[:, o] += (patch * w[(o, slice(None), *tap)].reshape(channels(x))).sum(axis=1)
    return y if b is None else y + b.reshape(channels(y))


def conv_transpose(a, dtype, x, w, b=None):
    """What conv sums from its input into its output, back; pads are cut off the result."""
    n, (batch, c) = x.ndim - 2, x.shape[:2]
    pads, group, more = a["pads"], a["group"], a["output_padding"]
    whole = [s * (size - 1) + d * (k - 1) + 1 + extra for size, k, s, d, extra in
             zip(x.shape[2:], w.shape[2:], a["strides"], a["dilations"], more)]
    y = np.zeros((batch, w.shape[1] * group, *whole), x.dtype)
    for i in range(c if x.size else 0):
        first = i // (c // group) * w.shape[1]
        for tap, part in window_parts(a, x.shape[2:], w.shape[2:]):
            place = (slice(None), slice(first, first + w.shape[1]), *part)
            y[place] += x[:, i:i + 1] * w[(i, slice(None), *tap)].reshape(channels(x))
    cut = tuple(slice(lo, size - hi) for lo, hi, size in zip(pads[:n], pads[n:], whole))
    y = y[(slice(None), slice(None), *cut)]
    return y if b is None else y + b.reshape(channels(y))


def factor(value, dtype):
    return value if is_float(dtype) else INTS[dtype](int(value))


def gemm(a, dtype, x, y, c=None):
    x, y = x.T if a["transA"] else x, y.T if a["transB"] else y
    product = factor(a["alpha"], dtype) * np.matmul(x, y)
    return product if c is None else product + factor(a["beta"], dtype) * c


def linear(a, dtype, x, w, b=None):
    y = np.matmul(x, w.T)
    return y if b is None else y + b


OPERATORS = {
    "matmul": lambda a, d, x, y: np.matmul(x, y),
    "gemm": gemm,
    "linear": linear,
    "einsum": lambda a, d, *x: np.einsum(a["equation"], *x),
}
for dims in "123":
    OPERATORS[f"conv{dims}d"] = conv
    OPERATORS[f"conv_transpose{dims}d"] = conv_transpose
