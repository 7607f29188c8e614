# SPDX-License-Identifier: Apache-2.0
"""The values of dtypes: floats are held as long double on the dtype's grid, all else as numpy has it."""
import numpy as np

FLOATS = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
INTS = {"i8": np.int8, "u8": np.uint8, "i16": np.int16, "u16": np.uint16, "i32": np.int32, "u32": np.uint32,
        "i64": np.int64, "bool": np.bool_}
REAL = np.longdouble
# Of half floats: bits of the significand, exponent of the least normal number, largest finite number.
HALVES = {"f16": (11, -14, REAL(65504)), "bf16": (8, -126, REAL(2) ** 127 * (2 - REAL(2) ** -7))}


def is_float(dtype):
    return dtype == "bf16" or dtype in FLOATS


def round_half(x, dtype):
    """To the nearest even, in one step: numpy's own cast to float16 goes through float64."""
    bits, least, most = HALVES[dtype]
    x = np.asarray(x).astype(REAL)
    _, exponent = np.frexp(np.where(np.isfinite(x), x, 0))  # |x| in 2^(exponent - 1) .. 2^exponent
    place = np.maximum(exponent - 1, least) - (bits - 1)
    y = np.ldexp(np.rint(np.ldexp(x, -place)), place)
    return np.where(np.isfinite(x) & (np.abs(y) > most), np.copysign(REAL(np.inf), x), y)


def to_dtype(x, dtype):
    """Rounded to the dtype; integers wrap."""
    with np.errstate(all="ignore"):
        if dtype in HALVES:
            return round_half(x, dtype)
        if dtype in FLOATS:
            return np.asarray(x).astype(REAL).astype(FLOATS[dtype]).astype(REAL)
        return np.asarray(x).astype(INTS[dtype])


def from_file(array, dtype):
    """An array of an .npz: bf16 is stored as uint16 bits."""
    if dtype == "bf16" and array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32).astype(REAL)
    return to_dtype(array, dtype)


def far(actual, reference, bound):
    """Where two values differ by class (NaN, infinity, finite) or by more than the bound (NaN: anything goes)."""
    actual, reference = np.asarray(actual, REAL), np.asarray(reference, REAL)
    with np.errstate(all="ignore"):
        same = (actual == reference) | (np.isnan(actual) & np.isnan(reference))
        near = np.isfinite(actual) & np.isfinite(reference) & (np.abs(actual - reference) <= bound)
    return ~same & ~near & ~np.isnan(bound)
