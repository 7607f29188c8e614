# SPDX-License-Identifier: Apache-2.0
"""Operators on x[N, C, ...]: pooling, normalisation, resizing."""
import math
from fractions import Fraction

import numpy as np

from .linear import channels, window_parts
from .values import INTS, REAL, is_float


# ---- pooling ----

def pooled_sizes(a, sizes):
    """ONNX MaxPool: windows that would start behind the data and the padding before it are left out."""
    n, pads, result = len(sizes), a["pads"], []
    for k, size in enumerate(sizes):
        room = size + pads[k] + pads[n + k] - a["dilations"][k] * (a["kernel_shape"][k] - 1) - 1
        stride = a["strides"][k]
        count = (-(-room // stride) if a["ceil_mode"] else room // stride) + 1
        if a["ceil_mode"] and (count - 1) * stride >= size + pads[k]:
            count -= 1
        result.append(count)
    return result


def padded(a, x, sizes, by):
    """With the node's padding, and behind it as many zeros as the last windows reach."""
    n, pads = x.ndim - 2, a["pads"]
    more = [max(0, (count - 1) * s + d * (k - 1) + 1 - (size + lo + hi)) for count, s, d, k, size, lo, hi in
            zip(sizes, a["strides"], a["dilations"], a["kernel_shape"], x.shape[2:], pads[:n], pads[n:])]
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:n], pads[n:])], constant_values=by)
    return np.pad(x, [(0, 0), (0, 0), *((0, extra) for extra in more)],
                  constant_values=0 if by == 1 else by)


def windows(a, x, sizes, by):
    x = padded(a, x, sizes, by)
    for _, part in window_parts(a, sizes, a["kernel_shape"]):
        yield x[(slice(None), slice(None), *part)]


def max_pool(a, dtype, x):
    sizes = pooled_sizes(a, x.shape[2:])
    least = -REAL(np.inf) if is_float(dtype) else np.iinfo(INTS[dtype]).min
    result = np.full((*x.shape[:2], *sizes), least, x.dtype)
    for part in windows(a, x, sizes, least):
        result = np.maximum(result, part)
    return result


def avg_pool(a, dtype, x):
    """The count of a window's elements, of the padding's too where the node says so."""
    sizes = pooled_sizes(a, x.shape[2:])
    total = sum(windows(a, x, sizes, 0))
    count = sum(windows(a, np.ones_like(x), sizes, 1 if a["count_include_pad"] else 0))
    return total / count


def adaptive(f):
    """torch: window i of n goes from floor(i size / n) to before ceil((i + 1) size / n); global: n = 1."""
    def evaluate(a, dtype, x):
        sizes, spatial = x.shape[2:], tuple(range(2, x.ndim))
        wanted = a.get("output_size", [1] * len(sizes))
        result = np.zeros((*x.shape[:2], *wanted), x.dtype)
        for at in np.ndindex(*wanted) if result.size else ():
            part = tuple(slice(i * size // n, -(-(i + 1) * size // n)) for i, size, n in zip(at, sizes, wanted))
            result[(slice(None), slice(None), *at)] = f(x[(slice(None), slice(None), *part)], axis=spatial)
        return result
    return evaluate


# ---- normalisation ----

def standard(x, axes, epsilon):
    mean = np.mean(x, axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(np.mean((x - mean) ** 2, axis=axes, keepdims=True) + epsilon)


def last_axes(a, x):
    return tuple(range(a["axis"] % x.ndim, x.ndim))


def layer_norm(a, dtype, x, scale, bias=None):
    y = standard(x, last_axes(a, x), a["epsilon"]) * scale
    return y if bias is None else y + bias


def rms_norm(a, dtype, x, scale):
    return x / np.sqrt(np.mean(x * x, axis=last_axes(a, x), keepdims=True) + a["epsilon"]) * scale


def group_norm(a, dtype, x, scale, bias):
    """instance_norm: a channel is a group."""
    groups = a.get("num_groups", x.shape[1])
    each = x.reshape(x.shape[0], groups, x.shape[1] // groups, math.prod(x.shape[2:]))
    y = standard(each, (2, 3), a["epsilon"]).reshape(x.shape)
    return y * scale.reshape(channels(x)) + bias.reshape(channels(x))


def batch_norm(a, dtype, x, *parameters):
    scale, bias, mean, var = (p.reshape(channels(x)) for p in parameters)
    return (x - mean) / np.sqrt(var + a["epsilon"]) * scale + bias


def batch_norm_training(a, dtype, x, *parameters):
    """The running statistics move by those of the batch, whose variance is of n."""
    scale, bias, mean, var = (p.reshape(channels(x)) for p in parameters)
    axes, keep = (0, *range(2, x.ndim)), REAL(a["momentum"])
    own = (np.mean(x, axis=axes), np.var(x, axis=axes))
    moved = (keep * given.reshape(-1) + (1 - keep) * now for given, now in zip((mean, var), own))
    return (standard(x, axes, a["epsilon"]) * scale + bias, *moved)


# ---- resizing ----

def source(mode, i, length, resized, scale):
    """ONNX Resize, coordinate_transformation_mode: where output i of a line lies on the input's, exactly."""
    if mode == "align_corners":
        return Fraction(i * (length - 1), resized - 1) if resized > 1 else Fraction(0)
    if mode == "asymmetric":
        return i / scale
    if mode == "pytorch_half_pixel" and resized == 1:
        return Fraction(0)
    offset = Fraction(0)
    if mode == "half_pixel_symmetric":
        offset = Fraction(length, 2) * (1 - resized / (scale * length))
    return offset + (i + Fraction(1, 2)) / scale - Fraction(1, 2)


ROUNDINGS = {"round_prefer_floor": lambda x: math.ceil(x - Fraction(1, 2)),
             "round_prefer_ceil": lambda x: math.floor(x + Fraction(1, 2)),
             "floor": math.floor, "ceil": math.ceil}


def hat(t, slope):
    return max(Fraction(0), 1 - abs(t))


def cubic(t, slope):
    """Equation (4) of Keys 1981, doi 10.1109/TASSP.1981.1163711."""
    t = abs(t)
    if t <= 1:
        return ((slope + 2) * t - (slope + 3)) * t * t + 1
    return ((slope * t - 5 * slope) * t + 8 * slope) * t - 4 * slope if t < 2 else Fraction(0)


def taps(a, x, scale, length):
    """(index, weight) of what is read for the coordinate x; behind the ends the ends' elements."""
    if a["mode"] == "nearest":
        return [(ROUNDINGS[a["nearest_mode"]](x), Fraction(1))]
    kernel, reach = (hat, 1) if a["mode"] == "linear" else (cubic, 2)
    narrow = min(scale, Fraction(1)) if a.get("antialias") else Fraction(1)
    slope = Fraction(float(a["cubic_coeff_a"]))
    found = [(i, kernel((i - x) * narrow, slope))
             for i in range(math.ceil(x - reach / narrow), math.floor(x + reach / narrow) + 1)]
    if a.get("exclude_outside"):
        found = [(i, w) for i, w in found if 0 <= i < length]
    whole = sum(w for _, w in found)
    return [(i, w / whole) for i, w in found if w != 0]


def resize_line(a, x, axis, resized, scale):
    length = x.shape[axis]
    result = np.zeros((*x.shape[:axis], resized, *x.shape[axis + 1:]), x.dtype)
    for i in range(resized if x.size else 0):
        at = source(a["coordinate_transformation_mode"], i, length, resized, scale)
        for k, w in taps(a, at, scale, length):
            element = x.take(min(max(k, 0), length - 1), axis)
            term = element if w == 1 else element * (REAL(w.numerator) / REAL(w.denominator))
            result[(slice(None),) * axis + (i,)] += term
    return result


def resize(a, dtype, x):
    n = x.ndim - 2
    for k, resized in enumerate(a["sizes"]):
        name = ("scale_d", "scale_h", "scale_w")[3 - n + k]
        length = x.shape[2 + k]
        scale = Fraction(float(a[name])) if name in a else Fraction(resized, length) if length else Fraction(1)
        x = resize_line(a, x, 2 + k, resized, scale)
    return x


OPERATORS = {
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_max_pool": adaptive(np.max),
    "global_avg_pool": adaptive(np.mean),
    "adaptive_max_pool": adaptive(np.max),
    "adaptive_avg_pool": adaptive(np.mean),
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "instance_norm": group_norm,
    "batch_norm": batch_norm,
    "batch_norm_training": batch_norm_training,
    "resize": resize,
}
