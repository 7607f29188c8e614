# SPDX-License-Identifier: Apache-2.0
"""Operators that read or write at indices."""
import numpy as np

from .values import to_dtype


def inside(i, n):
    """Indices out of range, which nothing defines, become some of the range."""
    return np.clip(i, -np.asarray(n), np.asarray(n) - 1).astype(np.int64)


def take(a, dtype, x, i):
    return np.take(x, inside(i, x.shape[a["axis"]]), a["axis"])


def places(a, x, i):
    """Along the axis by index, along the others where the index stands."""
    at = list(np.indices(i.shape, sparse=True))
    at[a["axis"]] = inside(i, x.shape[a["axis"]])
    return tuple(at)


def rows(a, x, i):
    return tuple(np.moveaxis(inside(i, x.shape[:a["parts"]]), -1, 0))


def gather_nd(a, dtype, x, i):
    b = a["batch_dims"]
    if b == 0:
        return x[rows(a, x, i)]
    parts = [gather_nd(a | {"batch_dims": b - 1}, dtype, y, j) for y, j in zip(x, i)]
    return np.stack(parts) if parts else np.zeros((0, *i.shape[1:-1], *x.shape[b + a["parts"]:]), x.dtype)


def scatter(place):
    functions = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}

    def operator(a, dtype, x, i, updates):
        y, reduction = x.copy(), a.get("reduction", "none")
        if reduction == "none":
            y[place(a, x, i)] = updates
        else:
            functions[reduction].at(y, place(a, x, i), updates)
        return y
    return operator


def one_hot(a, dtype, i):
    n, axis = a["depth"], a["axis"]
    counted = np.arange(n).reshape([n] + [1] * (i.ndim - axis if axis >= 0 else -1 - axis))
    hot = np.expand_dims(np.where(i < 0, i + n, i), axis) == counted
    return np.where(hot, to_dtype(a["on"], dtype), to_dtype(a["off"], dtype))


OPERATORS = {
    "gather": take,
    "index_select": take,
    "gather_elements": lambda a, d, x, i: x[places(a, x, i)],
    "gather_nd": gather_nd,
    "scatter_elements": scatter(places),
    "scatter_nd": scatter(rows),
    "one_hot": one_hot,
}
