# SPDX-License-Identifier: Apache-2.0
"""Operators that go element by element, with broadcasting: functions, activations, arithmetic, logic, bits."""
import functools

import numpy as np

from .values import INTS, REAL, is_float, to_dtype

PI = REAL("3.14159265358979323846264338327950288")
SERIES_TERMS = 40  # of |x| <= 1: 2^40 / 81!! is below 2^-140
FRACTION_DEPTH = 600  # of x >= 1: twice as deep gives the same long doubles


def erf_series(x):
    """erf of |x| <= 1: 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!, whose terms have one sign
    (Abramowitz and Stegun 7.1.6)."""
    term = total = x
    for n in range(1, SERIES_TERMS):
        term = term * (2 * x * x) / (2 * n + 1)
        total = total + term
    return 2 / np.sqrt(PI) * np.exp(-x * x) * total


def erfc_fraction(x):
    """erfc of x >= 1 by its continued fraction (Abramowitz and Stegun 7.1.14)."""
    below = x
    for k in range(FRACTION_DEPTH, 0, -1):
        below = x + REAL(k) / 2 / below
    return np.exp(-x * x) / np.sqrt(PI) / below


def both_forms(x):
    """Where |x| <= 1, erf there, and erfc(|x|) elsewhere."""
    size = np.abs(x)
    is_near = size <= 1
    return is_near, erf_series(np.where(is_near, x, 0)), erfc_fraction(np.where(is_near, 1, size))


def erf(x):
    is_near, near, far = both_forms(x)
    return np.where(is_near, near, np.copysign(1 - far, x))


def erfc(x):
    is_near, near, far = both_forms(x)
    return np.where(is_near, 1 - near, np.where(x < 0, 2 - far, far))


# ---- activations ----

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(REAL(0), x)


def elu(x, alpha):
    return np.where(x < 0, alpha * np.expm1(x), x)


def gelu(a, dtype, x):
    if a["approximate"] == "tanh":  # (1 + tanh(z)) / 2 is sigmoid(2 z), without the cancellation
        return x * sigmoid(2 * np.sqrt(2 / PI) * (x + REAL("0.044715") * x ** 3))
    return x * (erfc(-x / np.sqrt(REAL(2))) / 2)


def clip(a, dtype, x):
    lo, hi = a["min"], a["max"]
    if not is_float(dtype):
        info = np.iinfo(INTS[dtype])
        lo, hi = int(max(lo, info.min)), int(min(hi, info.max))
    return np.where(x < lo, to_dtype(lo, dtype), np.where(x > hi, to_dtype(hi, dtype), x))


def prelu(a, dtype, x, slope):
    return np.where(x < 0, slope * x, x)


# ---- arithmetic of two inputs ----

def div(a, dtype, x, y):
    if is_float(dtype):
        return x / y
    zero = y == 0
    quotient = np.floor_divide(np.abs(x.astype(object)), np.abs(np.where(zero, 1, y).astype(object)))
    signed = np.where((x < 0) != (y < 0), -quotient, quotient)
    return wrap(np.where(zero, 0, signed), dtype)


def wrap(x, dtype):
    """Whole numbers of any size into an integer dtype."""
    count = 1 << 8 * np.dtype(INTS[dtype]).itemsize
    negative = count // 2 if np.issubdtype(INTS[dtype], np.signedinteger) else 0
    return np.asarray((np.asarray(x, object) + negative) % count - negative, object).astype(INTS[dtype])


def power(a, dtype, x, y):
    if is_float(dtype):
        return np.power(x, y.astype(REAL))
    if x.size == 0 or y.size == 0:
        return np.zeros(np.broadcast_shapes(x.shape, y.shape), x.dtype)
    return wrap(np.vectorize(integer_power, otypes=[object])(x.astype(object), y.astype(object)), dtype)


def integer_power(base, exponent):
    """Exact, of a fraction cut toward zero; 0 where it is no number."""
    if not exponent >= 0:
        return 0
    if exponent == np.floor(REAL(exponent)):
        return pow(base, int(exponent) if np.isfinite(REAL(exponent)) else 1 << 62, 1 << 64)
    return int(REAL(base) ** REAL(exponent)) if 0 <= base else 0


def shift(move):
    """By 0 to the width less one; other amounts are undefined (torch) and move out all but the sign."""
    def evaluate(a, dtype, x, by):
        width = 8 * np.dtype(INTS[dtype]).itemsize
        is_inside = (by >= 0) & (by < width)
        outside = np.where(x < 0, -1, 0) if move is np.right_shift else 0
        return np.where(is_inside, move(x, np.where(is_inside, by, 0).astype(x.dtype)), outside)
    return evaluate


def cast(a, dtype, x):
    if dtype == "bool":
        return x != 0
    if not is_float(dtype) and np.issubdtype(x.dtype, np.floating):
        t = np.trunc(x)
        inside = (t >= np.iinfo(INTS[dtype]).min) & (t <= np.iinfo(INTS[dtype]).max)
        return np.where(inside, t, 0).astype(INTS[dtype])
    return x


def fold(f):
    """Of two or more, one after the other."""
    return lambda a, d, *x: functools.reduce(f, x)


def of_values(f):
    """A function of the inputs alone."""
    return lambda a, d, *x: f(*x)


def of_floats(f):
    """What leaves integers as they are."""
    return lambda a, d, x: f(x) if is_float(d) else x


OPERATORS = {name: of_values(f) for name, f in {
    "neg": np.negative, "abs": np.abs, "sign": np.sign, "square": np.square, "sqrt": np.sqrt,
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log1p": np.log1p,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "erf": erf, "is_nan": np.isnan,
    "reciprocal": lambda x: 1 / x, "rsqrt": lambda x: 1 / np.sqrt(x),
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "floor_div": np.floor_divide, "mod": np.mod,
    "fmod": np.fmod, "atan2": np.arctan2,
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
    "equal": np.equal, "not_equal": np.not_equal,
    "and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor, "not": np.logical_not,
    "bit_and": np.bitwise_and, "bit_or": np.bitwise_or, "bit_xor": np.bitwise_xor, "bit_not": np.invert,
    "where": np.where,
    "sigmoid": sigmoid, "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "hard_swish": lambda x: x * np.clip(x / 6 + REAL(0.5), 0, 1),
}.items()}
OPERATORS |= {name: of_floats(f) for name, f in {
    "ceil": np.ceil, "floor": np.floor, "round": np.rint, "trunc": np.trunc}.items()}
OPERATORS |= {
    "cast": cast,
    "clip": clip,
    "div": div,
    "pow": power,
    "prelu": prelu,
    "gelu": gelu,
    "max": fold(np.maximum),
    "min": fold(np.minimum),
    "shift_left": shift(np.left_shift),
    "shift_right": shift(np.right_shift),
    "is_inf": lambda a, d, x: np.isneginf(x) & a["detect_negative"] | np.isposinf(x) & a["detect_positive"],
    "relu": lambda a, d, x: np.where(x < 0, to_dtype(0, d), x),
    "relu6": lambda a, d, x: np.where(x < 0, to_dtype(0, d), np.where(x > 6, to_dtype(6, d), x)),
    "elu": lambda a, d, x: elu(x, a["alpha"]),
    "celu": lambda a, d, x: np.where(x < 0, a["alpha"] * np.expm1(x / a["alpha"]), x),
    "selu": lambda a, d, x: a["gamma"] * elu(x, a["alpha"]),
    "swish": lambda a, d, x: x * sigmoid(a["alpha"] * x),
    "leaky_relu": lambda a, d, x: np.where(x < 0, a["alpha"] * x, x),
    "hard_sigmoid": lambda a, d, x: np.clip(a["alpha"] * x + a["beta"], 0, 1),
    "thresholded_relu": lambda a, d, x: np.where(x > a["alpha"], x, to_dtype(0, d)),
}
