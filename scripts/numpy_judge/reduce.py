# SPDX-License-Identifier: Apache-2.0
"""Reductions, scans, orders and softmax along axes."""
import numpy as np

from .values import INTS, REAL, is_float


def axes_of(a, x):
    return tuple(axis % x.ndim for axis in a["axes"]) if a["axes"] else None if x.ndim == 0 else ()


def reduction(f):
    """Over the axes and with the keepdims of the node."""
    return lambda a, d, x: f(x, axis=axes_of(a, x), keepdims=a["keepdims"])


def extreme(f, sign):
    """Of no elements the value that loses against all (ONNX since 20)."""
    def evaluate(a, d, x):
        if is_float(d):
            least = -sign * REAL(np.inf)
        elif d == "bool":
            least = sign < 0
        else:
            least = np.iinfo(INTS[d]).min if sign > 0 else np.iinfo(INTS[d]).max
        return f(x, axis=axes_of(a, x), keepdims=a["keepdims"], initial=least)
    return evaluate


def total(x, **kept):
    return np.sum(x, dtype=x.dtype, **kept)


def product(x, **kept):
    """Of floats by fractions and exponents, so that nothing overflows on the way."""
    if not np.issubdtype(x.dtype, np.floating):
        return np.prod(x, dtype=x.dtype, **kept)
    is_whole = np.isfinite(x)
    fraction, exponent = np.frexp(np.where(is_whole, x, 1))
    fraction = np.where(is_whole, fraction, x)
    return np.ldexp(np.prod(fraction, **kept), np.sum(exponent, **kept).astype(np.int32))


def log_sum_exp(x, axis, keepdims):
    most = np.max(x, axis=axis, keepdims=True, initial=-REAL(np.inf))
    shift = np.where(np.isinf(most), 0, most)
    result = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return result if keepdims else result.reshape(np.sum(x, axis=axis).shape)


def variance(a, dtype, x):
    axes, keeps = axes_of(a, x), a["keepdims"]
    n = x.size // max(1, np.sum(x, axis=axes).size)
    mean = np.mean(x, axis=axes, keepdims=True)
    return np.sum((x - mean) ** 2, axis=axes, keepdims=keeps) / REAL(max(0, n - a["correction"]))


def cum_sum(a, dtype, x):
    axis = a["axis"]
    x = np.flip(x, axis) if a["reverse"] else x
    y = np.cumsum(x, axis=axis, dtype=x.dtype)
    if a["exclusive"] and x.shape[axis] > 0:
        y = np.concatenate([np.zeros_like(y.take([0], axis)), y.take(range(x.shape[axis] - 1), axis)], axis)
    return np.flip(y, axis) if a["reverse"] else y


# ---- orders ----

def arg_max(a, dtype, x):
    if a.get("select_last_index"):
        last = x.shape[a["axis"]] - 1
        return last - np.argmax(np.flip(x, a["axis"]), axis=a["axis"], keepdims=a["keepdims"])
    return np.argmax(x, axis=a["axis"], keepdims=a["keepdims"])


def arg_min(a, dtype, x):
    return arg_max(a, dtype, np.negative(x) if np.issubdtype(x.dtype, np.floating) else -x.astype(object))


def in_order(x, axis, descending):
    """Values and indices; equal elements keep their order."""
    if descending:  # of the reversed line, read backwards
        places = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
    else:
        places = np.argsort(x, axis=axis, kind="stable")
    return np.take_along_axis(x, places, axis), places


def top_k(a, dtype, x):
    return tuple(y.take(range(a["k"]), a["axis"]) for y in in_order(x, a["axis"], a["largest"]))


# ---- softmax ----

def log_softmax(a, dtype, x):
    shifted = x - np.max(x, axis=a["axis"], keepdims=True, initial=-REAL(np.inf))
    return shifted - np.log(np.sum(np.exp(shifted), axis=a["axis"], keepdims=True))


def softmax(a, dtype, x):
    e = np.exp(x - x.max(axis=a["axis"], keepdims=True)) if x.size else x
    return e / e.sum(axis=a["axis"], keepdims=True)


OPERATORS = {
    "reduce_sum": reduction(total),
    "reduce_max": extreme(np.max, 1),
    "reduce_min": extreme(np.min, -1),
    "reduce_all": reduction(lambda x, **kept: np.all(x != 0, **kept)),
    "reduce_any": reduction(lambda x, **kept: np.any(x != 0, **kept)),
    "reduce_mean": reduction(np.mean),
    "reduce_prod": reduction(product),
    "reduce_l1": reduction(lambda x, **kept: total(np.abs(x), **kept)),
    "reduce_l2": reduction(lambda x, **kept: np.sqrt(np.sum(x * x, **kept))),
    "reduce_log_sum_exp": reduction(log_sum_exp),
    "reduce_var": variance,
    "arg_max": arg_max,
    "arg_min": arg_min,
    "cum_sum": cum_sum,
    "top_k": top_k,
    "sort": lambda a, d, x: in_order(x, a["axis"], a["descending"]),
    "softmax": softmax,
    "log_softmax": log_softmax,
}
