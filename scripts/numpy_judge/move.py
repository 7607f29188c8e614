# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements: shapes, slices, padding, blocks."""
import math

import numpy as np

from .values import to_dtype


def slice_(a, dtype, x):
    index = [slice(None)] * x.ndim
    for axis, start, end, step in zip(a["axes"], a["starts"], a["ends"], a["steps"]):
        index[axis] = slice(start, end, step)
    return x[tuple(index)]


def pad(a, dtype, x):
    ends = list(zip(a["pads"][:x.ndim], a["pads"][x.ndim:]))
    x = x[tuple(slice(max(-lo, 0), n - max(-hi, 0)) for (lo, hi), n in zip(ends, x.shape))]
    value = {"constant_values": to_dtype(a["value"], dtype)} if a["mode"] == "constant" else {}
    return np.pad(x, [(max(lo, 0), max(hi, 0)) for lo, hi in ends], a["mode"], **value)


def depth_to_space(a, dtype, x):
    b, (n, c, h, w) = a["blocksize"], x.shape
    if a["mode"] == "DCR":
        x = x.reshape(n, b, b, c // b // b, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        x = x.reshape(n, c // b // b, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(n, c // b // b, h * b, w * b)


def space_to_depth(a, dtype, x):
    b, (n, c, h, w) = a["blocksize"], x.shape
    order = (0, 3, 5, 1, 2, 4) if a["mode"] == "DCR" else (0, 1, 3, 5, 2, 4)
    return x.reshape(n, c, h // b, b, w // b, b).transpose(order).reshape(n, c * b * b, h // b, w // b)


def unsqueeze(a, dtype, x):
    return np.expand_dims(x, tuple(a["axes"]))


def flatten(a, dtype, x):
    axis = a["axis"] + (x.ndim if a["axis"] < 0 else 0)
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


OPERATORS = {
    "transpose": lambda a, d, x: np.transpose(x, a["perm"]),
    "reshape": lambda a, d, x: x.reshape(a["shape"]),
    "concat": lambda a, d, *x: np.concatenate(x, axis=a["axis"]),
    "expand": lambda a, d, x: np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(a["shape"]))),
    "squeeze": lambda a, d, x: np.squeeze(x, tuple(a["axes"])),
    "unsqueeze": unsqueeze,
    "flatten": flatten,
    "slice": slice_,
    "split": lambda a, d, x: tuple(np.split(x, np.cumsum(a["split"])[:-1], a["axis"])),
    "flip": lambda a, d, x: np.flip(x, tuple(a["axes"])),
    "roll": lambda a, d, x: np.roll(x, tuple(a["shifts"]), tuple(a["axes"])),
    "tile": lambda a, d, x: np.tile(x, a["repeats"]),
    "pad": pad,
    "tril": lambda a, d, x: np.tril(x, a["k"]),
    "triu": lambda a, d, x: np.triu(x, a["k"]),
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "shape": lambda a, d, x: np.array(x.shape[a["start"]:a["end"]], np.int64),
    "size": lambda a, d, x: np.array(x.size, np.int64),
}
