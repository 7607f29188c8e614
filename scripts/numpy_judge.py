# SPDX-License-Identifier: Apache-2.0
"""numpy_judge: what a program in text form must give, computed by numpy in long double.

An evaluator of its own, so that a committed finding does not rest on ours: each operator is written here once
more from its documents (ONNX operators, torch functions), with whole-array numpy calls. Every value is rounded to
its dtype after every operator; integers wrap as numpy's do.
"""
import functools
import math
import re

import numpy as np

FLOATS = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
INTS = {"i8": np.int8, "u8": np.uint8, "i16": np.int16, "u16": np.uint16, "i32": np.int32, "u32": np.uint32,
        "i64": np.int64, "bool": np.bool_}
REAL = np.longdouble


def is_float(dtype):
    return dtype == "bf16" or dtype in FLOATS


def round_bf16(x):
    """Nearest even, by the bits of float32."""
    f = np.asarray(x).astype(np.float32)
    bits = f.view(np.uint32).astype(np.uint64)
    up = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return np.where(np.isnan(f), f, up.astype(np.uint32).view(np.float32))


def to_dtype(x, dtype):
    """As held here: floats of every dtype as long double on the dtype's grid, all else as numpy has it."""
    with np.errstate(all="ignore"):
        if dtype == "bf16":
            return round_bf16(x).astype(REAL)
        if dtype in FLOATS:
            return np.asarray(x).astype(FLOATS[dtype]).astype(REAL)
        return np.asarray(x).astype(INTS[dtype])


def from_file(array, dtype):
    """An array of an .npz: bf16 is stored as uint16 bits."""
    if dtype == "bf16" and array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32).astype(REAL)
    return to_dtype(array, dtype)


# ---- operators: (node attributes, output dtype, inputs) -> array ----

def div(a, dtype, x, y):
    if is_float(dtype):
        return x / y
    zero = y == 0
    quotient = np.floor_divide(np.abs(x.astype(object)), np.abs(np.where(zero, 1, y).astype(object)))
    signed = np.where((x < 0) != (y < 0), -quotient, quotient)
    return np.where(zero, 0, signed).astype(INTS[dtype])


def cast(a, dtype, x):
    if dtype == "bool":
        return x != 0
    if not is_float(dtype) and np.issubdtype(x.dtype, np.floating):
        t = np.trunc(x)
        inside = (t >= np.iinfo(INTS[dtype]).min) & (t <= np.iinfo(INTS[dtype]).max)
        return np.where(inside, t, 0).astype(INTS[dtype])
    return x


def where(a, dtype, condition, x, y):
    return np.where(condition, x, y)


def clip(a, dtype, x):
    lo, hi = a["min"], a["max"]
    if not is_float(dtype):
        info = np.iinfo(INTS[dtype])
        lo, hi = int(max(lo, info.min)), int(min(hi, info.max))
    return np.where(x < lo, to_dtype(lo, dtype), np.where(x > hi, to_dtype(hi, dtype), x))


def axes_of(a, x):
    return tuple(axis % x.ndim for axis in a["axes"]) if a["axes"] else None if x.ndim == 0 else ()


def reduce_sum(a, dtype, x):
    return x.sum(axis=axes_of(a, x), keepdims=a["keepdims"], dtype=x.dtype)


def arg_max(a, dtype, x):
    if a.get("select_last_index"):
        last = x.shape[a["axis"]] - 1
        return last - np.argmax(np.flip(x, a["axis"]), axis=a["axis"], keepdims=a["keepdims"])
    return np.argmax(x, axis=a["axis"], keepdims=a["keepdims"])


def reduction(f):
    """Over the axes and with the keepdims of the node."""
    return lambda a, d, x: f(x, axis=axes_of(a, x), keepdims=a["keepdims"])


def extreme(f, sign):
    """Of no elements the value that loses against all (ONNX since 20)."""
    def evaluate(a, d, x):
        least = -sign * REAL(np.inf) if is_float(d) else False if d == "bool" else (
            np.iinfo(INTS[d]).min if sign > 0 else np.iinfo(INTS[d]).max)
        least = sign < 0 if d == "bool" else least
        return f(x, axis=axes_of(a, x), keepdims=a["keepdims"], initial=least)
    return evaluate


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


def in_order(x, axis, descending):
    """Values and indices; equal elements keep their order."""
    if descending:  # of the reversed line, read backwards
        places = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
    else:
        places = np.argsort(x, axis=axis, kind="stable")
    return np.take_along_axis(x, places, axis), places


def top_k(a, dtype, x):
    return tuple(y.take(range(a["k"]), a["axis"]) for y in in_order(x, a["axis"], a["largest"]))


def log_softmax(a, dtype, x):
    shifted = x - np.max(x, axis=a["axis"], keepdims=True, initial=-REAL(np.inf))
    return shifted - np.log(np.sum(np.exp(shifted), axis=a["axis"], keepdims=True))


def softmax(a, dtype, x):
    e = np.exp(x - x.max(axis=a["axis"], keepdims=True)) if x.size else x
    return e / e.sum(axis=a["axis"], keepdims=True)


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
    "add": lambda a, d, x, y: x + y,
    "mul": lambda a, d, x, y: x * y,
    "div": div,
    "neg": lambda a, d, x: np.negative(x),
    "relu": lambda a, d, x: np.where(x < 0, to_dtype(0, d), x),
    "exp": lambda a, d, x: np.exp(x),
    "log": lambda a, d, x: np.log(x),
    "sqrt": lambda a, d, x: np.sqrt(x),
    "tan": lambda a, d, x: np.tan(x),
    "floor": lambda a, d, x: np.floor(x) if is_float(d) else x,
    "cast": cast,
    "less": lambda a, d, x, y: x < y,
    "where": where,
    "clip": clip,
    "reduce_sum": reduce_sum,
    "reduce_max": extreme(np.max, 1),
    "reduce_min": extreme(np.min, -1),
    "reduce_all": reduction(lambda x, **kept: np.all(x != 0, **kept)),
    "reduce_any": reduction(lambda x, **kept: np.any(x != 0, **kept)),
    "reduce_mean": reduction(np.mean),
    "reduce_prod": reduction(lambda x, **kept: np.prod(x, dtype=x.dtype, **kept)),
    "reduce_l1": reduction(lambda x, **kept: np.sum(np.abs(x), dtype=x.dtype, **kept)),
    "reduce_l2": reduction(lambda x, **kept: np.sqrt(np.sum(x * x, **kept))),
    "reduce_log_sum_exp": reduction(log_sum_exp),
    "reduce_var": variance,
    "arg_min": lambda a, d, x: arg_max(a, d, np.negative(x) if is_float(d) else -x.astype(object)),
    "cum_sum": cum_sum,
    "top_k": top_k,
    "sort": lambda a, d, x: in_order(x, a["axis"], a["descending"]),
    "arg_max": arg_max,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "matmul": lambda a, d, x, y: np.matmul(x, y),
    "gemm": gemm,
    "linear": linear,
    "einsum": lambda a, d, *x: np.einsum(a["equation"], *x),
    "transpose": lambda a, d, x: np.transpose(x, a["perm"]),
    "reshape": lambda a, d, x: x.reshape(a["shape"]),
    "concat": lambda a, d, *x: np.concatenate(x, axis=a["axis"]),
}

for dims in "123":
    OPERATORS[f"conv{dims}d"] = conv
    OPERATORS[f"conv_transpose{dims}d"] = conv_transpose

# Functions that numpy has under a name: ours to numpy's.
for ours, theirs in {
        "abs": "abs", "square": "square", "exp2": "exp2",
        "expm1": "expm1", "log2": "log2", "log1p": "log1p", "sin": "sin", "cos": "cos", "asin": "arcsin",
        "acos": "arccos", "atan": "arctan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh",
        "acosh": "arccosh", "atanh": "arctanh", "sign": "sign", "is_nan": "isnan"}.items():
    OPERATORS[ours] = lambda a, d, x, f=getattr(np, theirs): f(x)
for ours, theirs in {"ceil": np.ceil, "round": np.rint, "trunc": np.trunc}.items():
    OPERATORS[ours] = lambda a, d, x, f=theirs: f(x) if is_float(d) else x
OPERATORS |= {
    "reciprocal": lambda a, d, x: 1 / x,
    "rsqrt": lambda a, d, x: 1 / np.sqrt(x),
    "erf": lambda a, d, x: np.vectorize(math.erf, otypes=[REAL])(x),  # to 53 bits
    "is_inf": lambda a, d, x: np.isneginf(x) & a["detect_negative"] | np.isposinf(x) & a["detect_positive"],
}


def fold(f):
    """Of two or more, one after the other."""
    return lambda a, d, *x: functools.reduce(f, x)


def hard_swish(a, dtype, x):
    return x * np.clip(x / 6 + REAL(0.5), 0, 1)


def gelu(a, dtype, x):
    if a["approximate"] == "tanh":
        return x / 2 * (1 + np.tanh(np.sqrt(2 / REAL(np.pi)) * (x + REAL("0.044715") * x ** 3)))
    upper = np.vectorize(math.erfc, otypes=[REAL])(-x / np.sqrt(REAL(2)))  # to 53 bits
    return x * (upper / 2)


OPERATORS |= {
    "max": fold(np.maximum),
    "min": fold(np.minimum),
    "pow": lambda a, d, x, y: np.power(x, y),
    "fmod": lambda a, d, x, y: np.fmod(x, y),
    "hard_swish": hard_swish,
    "gelu": gelu,
}


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


OPERATORS |= {
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


OPERATORS |= {
    "gather": take,
    "index_select": take,
    "gather_elements": lambda a, d, x, i: x[places(a, x, i)],
    "gather_nd": gather_nd,
    "scatter_elements": scatter(places),
    "scatter_nd": scatter(rows),
    "one_hot": one_hot,
}

# ---- the text form ----

VALUE = re.compile(r"\s*(\w+): (\w+)\[([\d,]*)\]")


def read_number(text):
    return {"true": True, "false": False}.get(text) if text in ("true", "false") else REAL(text)


def read_attribute(text):
    if text.startswith("["):
        return [int(part) for part in text[1:-1].split(",") if part.strip()]
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\d.*|inf|nan)", text):
        return REAL(text)
    return text.strip('"')


def split(text):
    """At commas that are not inside brackets or quotes."""
    return [part.strip() for part in re.findall(r"""(?:\[[^\]]*\]|"[^"]*"|[^,\["])+""", text) if part.strip()]


def constant(text, dtype, shape):
    items = [part.strip() for part in text.strip().strip("[]").split(",") if part.strip()]
    if is_float(dtype):
        values = np.array([REAL(item) for item in items], REAL)
    else:
        values = np.array([read_number(item) if dtype == "bool" else int(item) for item in items], INTS[dtype])
    return to_dtype(values, dtype).reshape(shape)


def evaluate(text, inputs):
    """Program text and {name: array as stored}: ([output name], {name: dtype}, {name: value})."""
    values, dtypes = {}, {}
    outputs = []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("output "):
            outputs += [name.strip() for name in line[len("output "):].split(",")]
            continue
        left, right = line.split(" = ", 1)
        made = [(m.group(1), m.group(2), [int(d) for d in m.group(3).split(",") if d])
                for m in VALUE.finditer(left)]
        dtypes.update({name: dtype for name, dtype, _ in made})
        name, dtype, shape = made[0]
        if right == "input":
            values[name] = from_file(inputs[name], dtype).reshape(shape)
        elif right.startswith("const "):
            values[name] = constant(right[len("const "):], dtype, shape)
        else:
            result = run_node(right, dtype, values)
            for (name, dtype, shape), value in zip(made, result if isinstance(result, tuple) else (result,)):
                values[name] = to_dtype(value, dtype)
                if values[name].shape != tuple(shape):
                    raise ValueError(f"{name}: numpy gives shape {values[name].shape}, the program says {shape}")
    return outputs, dtypes, values


def run_node(text, dtype, values):
    """What the node's outputs are before they are rounded to their dtypes."""
    match = re.match(r"(\w+)\((.*?)\)(?:\s+(?:alias|mutates)\(.*)?$", text)
    arguments, attributes = [], {}
    for part in split(match.group(2)):
        key = re.match(r"(\w+)=(.*)$", part)
        if key:
            attributes[key.group(1)] = read_attribute(key.group(2))
        else:
            arguments.append(None if part == "_" else values[part])
    with np.errstate(all="ignore"):
        return OPERATORS[match.group(1)](attributes, dtype, *arguments)
