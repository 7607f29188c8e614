# SPDX-License-Identifier: Apache-2.0
"""Hold written models and torch sources against the libraries (TAP): every op on every dtype that
has a form is accepted by onnx.checker with full shape inference at opsets from 11 to 26, and what
ONNX Runtime and torch make of it at opset 21 is what numpy says. A kernel that a library lacks is
counted, not a failure."""
import collections
import os
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../scripts"))
import numpy_judge  # noqa: E402  pylint: disable=wrong-import-position

DTYPES = {"bool": np.bool_, "i8": np.int8, "u8": np.uint8, "i16": np.int16, "u16": np.uint16,
          "i32": np.int32, "u32": np.uint32, "i64": np.int64, "f16": np.float16,
          "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64}
FLOATS = ["f16", "bf16", "f32", "f64"]
SIGNED = ["i8", "i16", "i32", "i64"]
NUMBERS = FLOATS + SIGNED + ["u8", "u16", "u32"]
ALL = NUMBERS + ["bool"]
TOLERANCE = {"f16": 4e-3, "bf16": 3e-2, "f32": 1e-5, "f64": 1e-12}
Case = collections.namedtuple("Case", "op dtype text inputs expected")
OPSETS = [(11, 6), (13, 7), (16, 8), (18, 8), (21, 10), (22, 10), (26, 13)]


def wide(array):
    return array.astype(np.float64) if array.dtype.kind not in "iub" else array.astype(np.int64)


def values(rng, dtype, shape, low=-4.0, high=4.0):
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype in FLOATS:
        return rng.uniform(low, high, shape).astype(DTYPES[dtype])
    return rng.integers(0 if dtype[0] == "u" else -9, 10, shape).astype(DTYPES[dtype])


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def shape_text(shape):
    return "[" + ",".join(map(str, shape)) + "]"


def case(op, dtype, inputs, call, expected, out_dtype=None):
    """One node over inputs a, b, c; expected: what numpy gives in wide arithmetic."""
    lines = []
    names = []
    for name, (d, array) in zip("abc", inputs):
        lines.append(f"{name}: {d}{shape_text(array.shape)} = input")
        names.append(name)
    out = out_dtype or dtype
    lines.append(f"y: {out}{shape_text(expected.shape)} = {call}")
    lines.append("output y")
    kept = DTYPES[out]
    with np.errstate(over="ignore", invalid="ignore"):
        return Case(op, dtype, "\n".join(lines) + "\n", [a for _, a in inputs],
                    expected.astype(kept))


def elementwise(rng):
    for d in NUMBERS:
        a, b = values(rng, d, (2, 1, 3)), values(rng, d, (4, 1))
        yield case("add", d, [(d, a), (d, b)], "add(a, b)", wide(a) + wide(b))
        yield case("mul", d, [(d, a), (d, b)], "mul(a, b)", wide(a) * wide(b))
        b = np.where(b == 0, DTYPES[d](3), b)
        q = wide(a) / wide(b) if d in FLOATS else np.trunc(wide(a) / wide(b)).astype(np.int64)
        yield case("div", d, [(d, a), (d, b)], "div(a, b)", q)
        yield case("less", d, [(d, a), (d, b)], "less(a, b)", a < b, "bool")
        low, high = ("0.0", "3.0") if d[0] == "u" else ("-2.0", "1.0")
        yield case("clip", d, [(d, a)], f"clip(a, min={low}, max={high})",
                   wide(a).clip(float(low), float(high)))
        if d in FLOATS:
            yield case("clip", d, [(d, a)], "clip(a, min=-inf, max=1.0)", wide(a).clip(None, 1.0))
    for d in FLOATS + SIGNED:
        a = values(rng, d, (3, 5))
        yield case("neg", d, [(d, a)], "neg(a)", -wide(a))
        yield case("relu", d, [(d, a)], "relu(a)", np.maximum(wide(a), 0))
    for d in FLOATS:
        a, p = values(rng, d, (3, 5), -1, 1), values(rng, d, (), 0.5, 8)
        b = values(rng, d, (), 1, 8)
        for name, f, x in (("exp", np.exp, a), ("log", np.log, p), ("sqrt", np.sqrt, p),
                           ("tan", np.tan, a), ("floor", np.floor, a), ("ceil", np.ceil, a * 4),
                           ("round", np.rint, a * 4), ("square", np.square, a),
                           ("reciprocal", np.reciprocal, p), ("rsqrt", lambda v: 1 / np.sqrt(v), p),
                           ("exp2", np.exp2, a), ("sin", np.sin, a * 4), ("cos", np.cos, a * 4),
                           ("asin", np.arcsin, a), ("acos", np.arccos, a), ("atan", np.arctan, a),
                           ("sinh", np.sinh, a), ("cosh", np.cosh, a), ("tanh", np.tanh, a),
                           ("asinh", np.arcsinh, a), ("acosh", np.arccosh, b),
                           ("atanh", np.arctanh, a), ("sign", np.sign, a), ("abs", np.abs, a)):
            yield case(name, d, [(d, x)], f"{name}(a)", np.asarray(f(wide(x))))
    for d in ALL:
        a, b = values(rng, d, (2, 3)), values(rng, d, (3,))
        c = values(rng, "bool", (2, 1))
        yield case("where", d, [("bool", c), (d, a), (d, b)], "where(a, b, c)",
                   np.where(c, wide(a), wide(b)))
        for to in ALL:
            x = np.abs(a) if to[0] == "u" and d != "bool" else a
            v = wide(x)
            v = v != 0 if to == "bool" else v if to in FLOATS else np.trunc(v)
            yield case("cast", d, [(d, x)], f"cast(a, to={to})", v, to)


def reductions(rng):
    for d in NUMBERS:
        a = values(rng, d, (2, 3, 4))
        for axes, keep in (((1,), True), ((0, -1), False), ((0, 1, 2), False)):
            text = f"axes={shape_text(axes)}, keepdims={str(keep).lower()}"
            yield case("reduce_sum", d, [(d, a)], f"reduce_sum(a, {text})",
                       np.asarray(wide(a).sum(axes, keepdims=keep)))
            yield case("reduce_max", d, [(d, a)], f"reduce_max(a, {text})",
                       np.asarray(wide(a).max(axes, keepdims=keep)))
        yield case("reduce_min", d, [(d, a)], "reduce_min(a, axes=[1], keepdims=false)",
                   wide(a).min(1))
        yield case("arg_min", d, [(d, a)], "arg_min(a, axis=0, keepdims=false)",
                   np.argmin(a, 0), "i64")
        yield case("cum_sum", d, [(d, a)], "cum_sum(a, axis=1, exclusive=false, reverse=true)",
                   np.flip(np.cumsum(np.flip(wide(a), 1), 1), 1))
        s = values(rng, d, ())
        yield case("reduce_sum", d, [(d, s)], "reduce_sum(a, axes=[], keepdims=false)", wide(s))
        yield case("arg_max", d, [(d, a)], "arg_max(a, axis=-2, keepdims=true)",
                   np.expand_dims(np.argmax(a, -2), -2), "i64")
    for d in FLOATS:
        a = values(rng, d, (2, 3, 4))
        yield case("softmax", d, [(d, a)], "softmax(a, axis=1)", softmax(wide(a), 1))
        yield case("softmax", d, [(d, a)], "softmax(a, axis=-1)", softmax(wide(a), -1))
        yield case("log_softmax", d, [(d, a)], "log_softmax(a, axis=1)",
                   np.log(softmax(wide(a), 1)))
        for name, f in (("mean", np.mean), ("l1", lambda v, x: np.abs(v).sum(x)),
                        ("l2", lambda v, x: np.sqrt((v * v).sum(x))),
                        ("log_sum_exp", lambda v, x: np.log(np.exp(v).sum(x)))):
            yield case(f"reduce_{name}", d, [(d, a)],
                       f"reduce_{name}(a, axes=[0,2], keepdims=false)", f(wide(a), (0, 2)))


def linear(rng):
    for d in NUMBERS:
        a, b, v = values(rng, d, (2, 1, 3, 4)), values(rng, d, (5, 4, 2)), values(rng, d, (4,))
        yield case("matmul", d, [(d, a), (d, b)], "matmul(a, b)", wide(a) @ wide(b))
        yield case("matmul", d, [(d, a), (d, v)], "matmul(a, b)", wide(a) @ wide(v))
        for turned, alpha, beta in ((False, 1, 1), (True, 2, 3)):
            x, y = values(rng, d, (2, 3)), values(rng, d, (3, 4))
            c = values(rng, d, (2, 1) if turned else (4,))
            call = (f"transA={str(turned).lower()}, transB={str(turned).lower()}, "
                    f"alpha={alpha}.0, beta={beta}.0")
            product = alpha * (wide(x) @ wide(y))
            x, y = (np.ascontiguousarray(v.T) if turned else v for v in (x, y))
            yield case("gemm", d, [(d, x), (d, y)], f"gemm(a, b, {call})", product)
            yield case("gemm", d, [(d, x), (d, y), (d, c)], f"gemm(a, b, c, {call})",
                       product + beta * wide(c))
        x, w, b = values(rng, d, (2, 3, 4)), values(rng, d, (5, 4)), values(rng, d, (5,))
        yield case("linear", d, [(d, x), (d, w)], "linear(a, b)", wide(x) @ wide(w).T)
        yield case("linear", d, [(d, x), (d, w), (d, b)], "linear(a, b, c)",
                   wide(x) @ wide(w).T + wide(b))
        for equation, x, y in (("ij,jk->ik", (2, 3), (3, 4)), ("ii,i->i", (3, 3), (3,)),
                               ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)),
                               ("ij,ij->", (2, 3), (2, 3))):
            x, y = values(rng, d, x), values(rng, d, y)
            yield case("einsum", d, [(d, x), (d, y)], f'einsum(a, b, equation="{equation}")',
                       np.asarray(np.einsum(equation, wide(x), wide(y))))
        x = values(rng, d, (2, 3, 4))  # torch sums integers alone into int64
        equation = "ijk->ki" if d in FLOATS else "ijk->kij"
        yield case("einsum", d, [(d, x)], f'einsum(a, equation="{equation}")',
                   np.einsum(equation, wide(x)))


def convolutions(rng):
    """Of 1 to 3 dims, their last ones."""
    for d in FLOATS:
        for op, n in ((op, n) for op in ("conv", "conv_transpose") for n in (1, 2, 3)):
            x = values(rng, d, (2, 4) + (4, 5, 6)[3 - n:])
            w = values(rng, d, ((6, 2) if op == "conv" else (4, 3)) + (2, 3, 2)[3 - n:])
            b = values(rng, d, (6,))
            for pads, strides, dilations in (((0, 1, 0, 1, 2, 1), (2, 1, 2), (1, 2, 1)),
                                             ((1, 1, 1, 1, 1, 1), (1, 2, 1), (1, 1, 1))):
                a = {"strides": strides[3 - n:], "pads": pads[3 - n:3] + pads[6 - n:],
                     "dilations": dilations[3 - n:], "group": 2}
                if op == "conv_transpose":
                    a["output_padding"] = tuple(s - 1 for s in a["strides"])
                text = ", ".join(f"{k}={v if k == 'group' else shape_text(v)}"
                                 for k, v in a.items())
                name = f"{op}{n}d"
                f = numpy_judge.OPERATORS[name]
                yield case(name, d, [(d, x), (d, w), (d, b)], f"{name}(a, b, c, {text})",
                           f(a, d, wide(x), wide(w), wide(b)))
                yield case(name, d, [(d, x), (d, w)], f"{name}(a, b, {text})",
                           f(a, d, wide(x), wide(w)))


def put(x, at, updates, f=None):
    """In a copy of x: replaced, or combined by f."""
    y = x.copy()
    if f:
        f.at(y, at, updates)
    else:
        y[at] = updates
    return y


def movement(rng):
    for d in ALL:
        a = values(rng, d, (2, 3, 4))
        v = wide(a)
        yield case("transpose", d, [(d, a)], "transpose(a, perm=[2,0,1])", v.transpose(2, 0, 1))
        yield case("reshape", d, [(d, a)], "reshape(a, shape=[4,1,6])", v.reshape(4, 1, 6))
        e = values(rng, d, (0, 3))
        yield case("reshape", d, [(d, e)], "reshape(a, shape=[3,0,2])", wide(e).reshape(3, 0, 2))
        b = values(rng, d, (2, 1, 4))
        yield case("concat", d, [(d, a), (d, b), (d, a)], "concat(a, b, c, axis=-2)",
                   np.concatenate([v, wide(b), v], -2))
        for kind in ("i32", "i64"):
            for shape in ((2, 2), (), (3,)):
                i = np.asarray(rng.integers(-3, 3, shape)).astype(DTYPES[kind])
                yield case("gather", d, [(d, a), (kind, i)], "gather(a, b, axis=1)",
                           np.take(v, i, 1))


def parts(rng):
    """Slices, pads and blocks."""
    for d in ALL:
        a = values(rng, d, (2, 3, 4))
        v = wide(a)
        for op, call, y in (
                ("expand", "shape=[2,1,1,4]", np.broadcast_to(v, (2, 2, 3, 4))),
                ("tile", "repeats=[2,1,3]", np.tile(v, (2, 1, 3))),
                ("unsqueeze", "axes=[-1,1]", v[:, None, :, :, None]),
                ("flatten", "axis=-1", v.reshape(6, 4)),
                ("slice", "axes=[1,-1], starts=[1,-4], ends=[9223372036854775807,3], "
                 "steps=[1,1]", v[:, 1:, -4:3]),
                ("slice", "axes=[2,0], starts=[9223372036854775807,0], "
                 "ends=[-9223372036854775808,2], steps=[-2,1]", v[0:2, :, ::-2]),
                ("flip", "axes=[0,-1]", v[::-1, :, ::-1]),
                ("roll", "axes=[2,0], shifts=[-1,3]", np.roll(v, (-1, 3), (2, 0))),
                ("pad", 'mode="constant", pads=[0,-1,2,1,1,0], value=1.0',
                 np.pad(v[:, 1:], ((0, 1), (0, 1), (2, 0)), constant_values=1)),
                ("pad", 'mode="edge", pads=[0,1,2,0,0,1], value=0.0',
                 np.pad(v, ((0, 0), (1, 0), (2, 1)), "edge")),
                ("pad", 'mode="reflect", pads=[1,0,3,0,2,0], value=0.0',
                 np.pad(v, ((1, 0), (0, 2), (3, 0)), "reflect")),
                ("tril", "k=-1", np.tril(v, -1)), ("triu", "k=1", np.triu(v, 1))):
            yield case(op, d, [(d, a)], f"{op}(a, {call})", y)
        yield case("shape", d, [(d, a)], "shape(a, start=-2, end=3)", np.array([3, 4]), "i64")
        yield case("size", d, [(d, a)], "size(a)", np.array(24), "i64")
        s = values(rng, d, (1, 3, 1))
        yield case("squeeze", d, [(d, s)], "squeeze(a, axes=[0,-1])", wide(s).reshape(3))
        x = values(rng, d, (2, 8, 1, 3))
        b = wide(x).reshape(2, 2, 2, 2, 1, 3)
        yield case("depth_to_space", d, [(d, x)], 'depth_to_space(a, blocksize=2, mode="DCR")',
                   b.transpose(0, 3, 4, 1, 5, 2).reshape(2, 2, 2, 6))
        yield case("depth_to_space", d, [(d, x)], 'depth_to_space(a, blocksize=2, mode="CRD")',
                   b.transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 2, 6))
        w = values(rng, d, (2, 2, 2, 6))
        yield case("space_to_depth", d, [(d, w)], 'space_to_depth(a, blocksize=2, mode="DCR")',
                   wide(w).reshape(2, 2, 1, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(2, 8, 1, 3))
        yield case("space_to_depth", d, [(d, w)], 'space_to_depth(a, blocksize=2, mode="CRD")',
                   wide(w).reshape(2, 2, 1, 2, 3, 2).transpose(0, 1, 3, 5, 2, 4).reshape(2, 8, 1, 3))


def indexing(rng):
    for d in ALL:
        a, u = values(rng, d, (3, 4)), values(rng, d, (3, 2))
        v, w = wide(a), wide(u)
        for kind in ("i32", "i64"):
            i = np.array([[0, -1], [2, 1], [-4, 3]], DTYPES[kind])
            at = (np.arange(3)[:, None], i)
            k = np.array([2, 0, -3, 2], DTYPES[kind])
            yield case("index_select", d, [(d, a), (kind, k)], "index_select(a, b, axis=0)", v[k])
            yield case("gather_elements", d, [(d, a), (kind, i)], "gather_elements(a, b, axis=1)",
                       v[at])
            yield case("scatter_elements", d, [(d, a), (kind, i), (d, u)],
                       "scatter_elements(a, b, c, axis=-1)", put(v, at, w))
            yield case("one_hot", d, [(kind, k)],
                       f"one_hot(a, depth=3, axis=0, on=1.0, off=0.0, dtype={d})",
                       (np.arange(3)[:, None] == k % 3).astype(np.int64), d)
            yield case("one_hot", d, [(kind, np.array(-1, DTYPES[kind]))],
                       f"one_hot(a, depth=3, axis=0, on=1.0, off=0.0, dtype={d})",
                       np.array([0, 0, 1]), d)
        i = np.array([[0, 3], [-1, 0], [0, -1]])
        yield case("gather_nd", d, [(d, a), ("i64", i)], "gather_nd(a, b, parts=2, batch_dims=0)",
                   v[i[:, 0], i[:, 1]])
        yield case("gather_nd", d, [(d, a), ("i64", i[:, :1])],
                   "gather_nd(a, b, parts=1, batch_dims=1)", v[np.arange(3), i[:, 0]])
        r, s = values(rng, d, (3,)), values(rng, d, (3, 4))
        yield case("scatter_nd", d, [(d, a), ("i64", np.array([[0], [-1], [1]])), (d, s)],
                   "scatter_nd(a, b, c, parts=1)", put(v, ([0, -1, 1],), wide(s)))
        for name, f in (("add", np.add), ("mul", np.multiply), ("max", np.maximum),
                        ("min", np.minimum)):
            i = np.array([[0, -1], [2, 2], [-4, 0]])
            text = f'axis=1, reduction="{name}"'
            yield case("scatter_elements", d, [(d, a), ("i64", i), (d, u)],
                       f"scatter_elements(a, b, c, {text})",
                       put(v, (np.arange(3)[:, None], i), w, f))
            i = np.array([[0, 3], [-1, 0], [0, -1]])
            yield case("scatter_nd", d, [(d, a), ("i64", i), (d, r)],
                       f'scatter_nd(a, b, c, parts=2, reduction="{name}")',
                       put(v, (i[:, 0], i[:, 1]), wide(r), f))
            i = np.array([[-1], [2], [0]])
            yield case("scatter_nd", d, [(d, a), ("i64", i), (d, s)],
                       f'scatter_nd(a, b, c, parts=1, reduction="{name}")',
                       put(v, (i[:, 0],), wide(s), f))


def run_onnxruntime(model, inputs):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {}
    for i, x in zip(session.get_inputs(), inputs):
        if x.dtype == ml_dtypes.bfloat16:
            feeds[i.name] = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(
                x.view(np.uint16), onnx.TensorProto.BFLOAT16)
        else:
            feeds[i.name] = ort.OrtValue.ortvalue_from_numpy(x)
    value = session.run_with_ort_values(["y"], feeds)[0]
    if value.data_type() == "tensor(bfloat16)":
        return torch.from_dlpack(value._ortvalue.to_dlpack()) if hasattr(
            value._ortvalue, "to_dlpack") else None
    return value.numpy()


def to_torch(x):
    if x.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(x.view(np.uint16).copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(x))


def to_numpy(y):
    if isinstance(y, torch.Tensor) and y.dtype == torch.bfloat16:
        return y.contiguous().view(torch.uint16).numpy().view(ml_dtypes.bfloat16)
    return y.numpy() if isinstance(y, torch.Tensor) else y


def differs(case_, actual):
    """None, or what is wrong."""
    expected = case_.expected
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return f"{actual.dtype}{actual.shape} for {expected.dtype}{expected.shape}"
    name = next(n for n, d in DTYPES.items() if expected.dtype == d)
    if name in TOLERANCE:
        a, e = actual.astype(np.float64), expected.astype(np.float64)
        close = np.allclose(a, e, TOLERANCE[name], TOLERANCE[name] * 4, equal_nan=True)
    else:
        close = np.array_equal(actual, expected)
    return None if close else f"{actual.ravel()[:6]} for {expected.ravel()[:6]}"


def export(tool, cases, opset, ir, directory):
    os.makedirs(directory)
    subprocess.run([tool, "export", str(opset), str(ir), directory], check=True, text=True,
                   input="---\n".join(c.text for c in cases))


class Tap:
    def __init__(self):
        self.n = 0

    def result(self, failures, name):
        self.n += 1
        for failure in failures[:10]:
            print("#", failure)
        print(f"{'not ok' if failures else 'ok'} {self.n} - {name}")


def check_models(tap, tool, cases, directory):
    for opset, ir in OPSETS:
        where = f"{directory}/{opset}"
        export(tool, cases, opset, ir, where)
        failures, forms = [], 0
        for i, c in enumerate(cases):
            if not os.path.exists(f"{where}/{i}.onnx"):
                continue
            forms += 1
            try:
                onnx.checker.check_model(onnx.load(f"{where}/{i}.onnx"), full_check=True)
            except Exception as e:  # pylint: disable=broad-except
                failures.append(f"{c.op} {c.dtype}: {str(e).splitlines()[0]}")
        tap.result(failures, f"opset {opset}: the checker takes {forms} of {len(cases)} models")


def check_results(tap, name, cases, run, absent):
    missing = collections.Counter()
    failures, same = [], 0
    for i, c in enumerate(cases):
        try:
            actual = run(i, c)
        except Exception as e:  # pylint: disable=broad-except
            if not any(text in str(e) for text in absent):
                failures.append(f"{c.op} {c.dtype}: {str(e).splitlines()[0]}\n#  {c.text!r}")
            missing[c.op, c.dtype] += 1
            continue
        if actual is None:
            continue
        wrong = differs(c, actual)
        same += not wrong
        if wrong:
            failures.append(f"{c.op} {c.dtype}: {wrong}\n#  {c.text!r}")
    tap.result(failures, f"{name}: {same} of {len(cases)} results are numpy's, "
                         f"{sum(missing.values())} have no kernel")
    if "-v" in sys.argv:
        print("# no kernel:", " ".join(f"{o}/{d}" for o, d in missing))


def main():
    tool = sys.argv[1]
    rng = np.random.default_rng(0)
    cases = [*elementwise(rng), *reductions(rng), *linear(rng), *convolutions(rng), *movement(rng),
             *parts(rng), *indexing(rng)]
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        check_models(tap, tool, cases, directory)

        def with_onnxruntime(i, c):
            path = f"{directory}/21/{i}.onnx"
            return to_numpy(run_onnxruntime(path, c.inputs)) if os.path.exists(path) else None

        def with_torch(i, c):
            scope = {"torch": torch}
            with open(f"{directory}/21/{i}.py", encoding="utf-8") as f:
                exec(f.read(), scope)  # pylint: disable=exec-used
            return to_numpy(scope["program"](*map(to_torch, c.inputs))[0])

        check_results(tap, "onnxruntime", cases, with_onnxruntime,
                      ["NOT_IMPLEMENTED", "data type is not supported with"])
        check_results(tap, "torch", cases, with_torch,
                      ["not implemented for", "not supported", "unsupported"])
    print(f"1..{tap.n}")


main()
