#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nnsmith_models.py: models of nnsmith 0.1.0 as programs in our text form, for the generator `nnsmith`.

Runs in nnsmith's own environment, which `scripts/setup peer` makes. First come the limits, a line
each, which src/generate/nnsmith.c writes:

    nodes N | numel N | ranks R... | op NAME IN>OUT...     what may be used of our catalogue
    go

which is answered by one line, `ready`, versions and how many of its operators are left, or `error`.
Then each line `model SEED` gets one of

    program BYTES LIMITED       and the program, in so many bytes; LIMITED 1: one of nnsmith's own
                                limits of time was met, so that another run may give another model
    left REASON                 there is none of that seed that we can say
    error WHAT                  a fault of this script

A model is nnsmith's own graph as its concolic method makes it, its default in all else; its operators
are said one by one as its torch front end has them (nnsmith/materialize/torch/forward.py), literals
included. Data of weights and constants is left open but for what torch itself sets (the statistics of
a new BatchNorm2d). A seed gives the same model whatever was made before: nnsmith's own seeding does not
reach what its solver remembers, so each model gets a new solver context.
"""
import sys

import nnsmith_peer

METHOD = "concolic"
DTYPES = {"float16": "f16", "float32": "f32", "float64": "f64", "int8": "i8", "int16": "i16",
          "int32": "i32", "int64": "i64", "uint8": "u8", "bool": "bool"}
INTS = ("i8", "i16", "i32", "i64", "u8")


class LeftOut(Exception):
    """The model cannot be said; the text is why."""


class Dtype(str):
    """As the value of an attribute: f32, not "f32"."""


def value_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Dtype):
        return value
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(str(int(v)) for v in value) + "]"
    return str(int(value))


def dtype_text(dtype):
    if dtype.name not in DTYPES:
        raise LeftOut(f"dtype {dtype.name}")
    return DTYPES[dtype.name]


class Program:
    """Lines of one program, with names as ours are: x, w, v and the number of the value."""

    def __init__(self, numel):
        self.numel = numel  # of any tensor, weights too
        self.lines = []

    def define(self, letter, dtype, shape, what):
        n = 1
        for dim in shape:
            n *= int(dim)
        if n > self.numel:
            raise LeftOut("a weight of more elements than the policy allows" if letter == "w" else
                          "a tensor of more elements than the policy allows")
        name = f"{letter}{len(self.lines)}"
        dims = ",".join(str(int(dim)) for dim in shape)
        self.lines.append(f"{name}: {dtype}[{dims}] = {what}")
        return name

    def weight(self, shape, value=None):
        """f32, as all of nnsmith's are; all elements `value` if there is one."""
        n = int(shape[0]) if shape else 1
        data = "?" if value is None else "[" + ", ".join([value] * n) + "]"
        return self.define("w", "f32", shape, f"const {data}")

    def node(self, op, inputs, dtype, dims, attrs):
        arguments = [*inputs, *(f"{name}={value_text(value)}" for name, value in attrs.items())]
        return self.define("v", dtype, dims, f"{op}({', '.join(arguments)})")


class Inst:
    """One of nnsmith's instructions: its operator, names of operands in our program, types."""

    def __init__(self, op, inputs, operands, result):
        self.op = op
        self.inputs = inputs
        self.dtype_in = [dtype_text(t.dtype) for t in operands]
        self.shape_in = [list(map(int, t.shape)) for t in operands]
        self.dtype = dtype_text(result.dtype)
        self.shape = list(map(int, result.shape))

    def node(self, p, name, *more, **attrs):
        return p.node(name, [*self.inputs, *more], self.dtype, self.shape, attrs)


# ---- what each operator is in our catalogue ----

def plain(name, **attrs):
    return name, lambda p, i: i.node(p, name, **attrs)


def say_clip(p, i):
    """nnsmith clips uint8 from -1 on too, which torch wraps to 255; of such limits it takes the upper."""
    limit = 1.0 if i.dtype in INTS else 1.5
    return i.node(p, "clip", min=limit if i.dtype == "u8" else -limit, max=limit)


def say_pool(name, **attrs):
    def say(p, i):
        op = i.op
        return i.node(p, name, ceil_mode=False, kernel_shape=[op.kernel_h_size, op.kernel_w_size],
                      strides=[op.stride] * 2, dilations=[1, 1], pads=[op.padding] * 4, **attrs)
    return name, say


def say_slice(p, i):
    """The same choice of negative indices as in its torch form."""
    op, region = i.op, i.op.extra_attrs["region"]
    axis = op.extra_attrs["axis"]
    dim, start, end = i.shape_in[0][axis], op.start, op.end
    if region in ("left", "mid"):
        start -= dim
    if region == "left" and end < dim and end != op.INT_MAX:
        end -= dim
    return i.node(p, "slice", axes=[axis], starts=[start], ends=[end], steps=[op.step])


def say_pad(mode):
    def say(p, i):
        """torch pads from the last dim on, a pair each."""
        pairs = i.op.padding_list
        if mode != "constant" and min(pairs) < 0:
            raise LeftOut("a negative pad of another mode than constant")
        rank = len(i.shape)
        before, after = [0] * rank, [0] * rank
        for k in range(len(pairs) // 2):
            before[rank - 1 - k], after[rank - 1 - k] = pairs[2 * k], pairs[2 * k + 1]
        return i.node(p, "pad", mode=mode, pads=before + after, value=0.5 if mode == "constant" else 0.0)
    return "pad", say


def say_batch_norm(p, i):
    channels = [i.op.nfeat]
    parameters = [p.weight(channels), p.weight(channels), p.weight(channels, "0"), p.weight(channels, "1")]
    return i.node(p, "batch_norm", *parameters, epsilon=1e-5)


def say_conv(name, dims):
    def say(p, i):
        op = i.op
        kernel = [op.kernel_size] if dims == 1 else [op.kernel_h_size, op.kernel_w_size]
        dilations = [op.dilation] if dims == 1 else [op.dilation_h, op.dilation_w]
        weight = p.weight([op.out_channels, op.in_channels, *kernel])
        bias = p.weight([op.out_channels])
        return i.node(p, name, weight, bias, strides=[op.stride] * dims, dilations=dilations,
                      pads=[op.padding] * 2 * dims, group=1)
    return name, say


def say_linear(p, i):
    return i.node(p, "linear", p.weight([i.op.ofeat, i.op.ifeat]), p.weight([i.op.ofeat]))


def say_transpose(p, i):
    perm = list(range(len(i.shape)))
    a, b = i.op.extra_attrs["dim0"], i.op.extra_attrs["dim1"]
    perm[a], perm[b] = perm[b], perm[a]
    return i.node(p, "transpose", perm=perm)


def say_resize(mode):
    """torch's interpolate: `nearest` rounds down, all others have pixels' centres at halves."""
    place = "asymmetric" if mode == "nearest" else "half_pixel"
    return "resize", lambda p, i: i.node(p, "resize", mode=mode, coordinate_transformation_mode=place,
                                         nearest_mode="floor", cubic_coeff_a=-0.75, sizes=i.op.size)


def say_reduce(name):
    return name, lambda p, i: i.node(p, name, keepdims=False, axes=[i.op.extra_attrs["reduce_dim"]])


def say_sum(p, i):
    """torch sums integers in int64."""
    attrs = {"keepdims": False, "axes": [i.op.extra_attrs["reduce_dim"]]}
    if i.dtype_in[0] == i.dtype:
        return i.node(p, "reduce_sum", **attrs)
    wide = p.node("cast", i.inputs, i.dtype, i.shape_in[0], {"to": Dtype(i.dtype)})
    return p.node("reduce_sum", [wide], i.dtype, i.shape, attrs)


def say_arg(name):
    return name, lambda p, i: i.node(p, name, keepdims=False, axis=i.op.extra_attrs["reduce_dim"])


SAY = {
    **{name: plain(name.lower()) for name in
       """Add Sub Mul Div Max Min Equal Greater Less And Or Xor Where ReLU Sigmoid Sin Cos Asin Acos Tan
       Atan Abs Ceil Floor Round Sqrt Log2 Neg Pow""".split()},
    "GELU": plain("gelu", approximate="none"),
    "LeakyReLU": plain("leaky_relu", alpha=0.01),
    "PReLU": ("prelu", lambda p, i: i.node(p, "prelu", p.weight([1] if i.shape else []))),
    "Clip": ("clip", say_clip),
    "Softmax": ("softmax", lambda p, i: i.node(p, "softmax", axis=i.op.dim)),
    "MaxPool2d": say_pool("max_pool"),
    "AvgPool2d": say_pool("avg_pool", count_include_pad=True),
    "Slice": ("slice", say_slice),
    "ConstPad": say_pad("constant"),
    "ReplicatePad": say_pad("edge"),
    "ReflectPad": say_pad("reflect"),
    **{f"ExpandLast{k}": ("expand", lambda p, i: i.node(p, "expand", shape=i.shape)) for k in range(1, 5)},
    "BatchNorm2d": ("batch_norm", say_batch_norm),
    "Conv1d": say_conv("conv1d", 1),
    "NCHWConv2d": say_conv("conv2d", 2),
    "Linear": ("linear", say_linear),
    "PTMatMul": plain("matmul"),
    "Reshape": ("reshape", lambda p, i: i.node(p, "reshape", shape=i.op.target_shape)),
    "Flatten": ("reshape", lambda p, i: i.node(p, "reshape", shape=i.shape)),
    "Transpose": ("transpose", say_transpose),
    "NearestInterp": say_resize("nearest"),
    "LinearInterp": say_resize("linear"),
    "BilinearInterp": say_resize("linear"),
    "TrilinearInterp": say_resize("linear"),
    "BicubicInterp": say_resize("cubic"),
    "Squeeze": ("squeeze", lambda p, i: i.node(p, "squeeze", axes=[i.op.extra_attrs["reduce_dim"]])),
    "TorchReduceSum": ("reduce_sum", say_sum),
    "ReduceMin": say_reduce("reduce_min"),
    "ReduceMax": say_reduce("reduce_max"),
    "ReduceMean": say_reduce("reduce_mean"),
    "ArgMin": say_arg("arg_min"),
    "ArgMax": say_arg("arg_max"),
    "Tril": ("tril", lambda p, i: i.node(p, "tril", k=i.op.diagonal)),
    "Triu": ("triu", lambda p, i: i.node(p, "triu", k=i.op.diagonal)),
    **{f"Concat{k}": ("concat", lambda p, i: i.node(p, "concat", axis=i.op.extra_attrs["axis"]))
       for k in range(1, 6)},
    **{f"Cast{to}": ("cast", lambda p, i: i.node(p, "cast", to=Dtype(i.dtype)))
       for to in ("Bool", "F32", "F64", "I32", "I64")},
}


# ---- limits ----

class Limits:
    def __init__(self, lines):
        self.nodes = self.numel = 0
        self.ranks, self.pairs = [], {}
        for line in lines:
            word, *rest = line.split()
            if word == "go":
                return
            if word == "op":
                self.pairs[rest[0]] = {tuple(pair.split(">")) for pair in rest[1:]}
            elif word == "ranks":
                self.ranks = [int(r) for r in rest]
            else:
                setattr(self, word, int(rest[0]))
        raise EOFError("the limits have no end")

    def allow(self, op, dtypes):
        """May the operator take these dtypes? As our tables say it, by the first operand; what
        nnsmith's own `auto_opset` finds out by running each once."""
        name, _ = SAY[op.__name__]
        if any(d.name not in DTYPES for d in dtypes):
            return False
        first = DTYPES[dtypes[0].name]
        result = result_dtype(op, dtypes)
        if op.__name__ == "TorchReduceSum" and result != first:
            return (first, result) in self.pairs.get("cast", ()) and (result, result) in self.pairs.get(name, ())
        return (first, result) in self.pairs.get(name, ())


def result_dtype(op, dtypes):
    if op.__name__ == "TorchReduceSum":
        return "i64" if DTYPES[dtypes[0].name] in INTS else DTYPES[dtypes[0].name]
    if len(op.out_dtypes) == 1:
        return DTYPES[op.out_dtypes[0][0].name]
    return DTYPES[dtypes[-1].name]  # the condition of Where comes first


def narrow(opset, limits):
    """Operators and dtypes that the policy and the targets have. Those of a narrow domain stay out,
    as by default (mgen.vulops)."""
    left = []
    for op in opset:
        if op.__name__ not in SAY or op.limit_domain:
            continue
        op.in_dtypes = [d for d in op.in_dtypes if limits.allow(op, d)]
        results = {result_dtype(op, d) for d in op.in_dtypes}
        op.out_dtypes = [d for d in op.out_dtypes if DTYPES.get(d[0].name) in results]
        if op.in_dtypes and op.out_dtypes:
            left.append(op)
    return left


# ---- models ----

class Models(nnsmith_peer.Nnsmith):
    def __init__(self, limits):
        import z3
        super().__init__()
        from nnsmith.abstract.op import rank_all
        self.z3 = z3
        self.limits = limits
        self.ranks = [r for r in limits.ranks if r in rank_all()]  # a model of another one never grows
        n_all = len(self.opset)
        self.opset = narrow(self.opset, limits)
        if not self.opset or not self.ranks:
            raise ValueError("policy and targets leave none of its operators, or none of its ranks")
        self.versions = f"ready {self.versions}: {len(self.opset)} of {n_all} operators"
        self.watch_solver()

    def watch_solver(self):
        """Notes when the solver's time is up, which nnsmith takes for no solution."""
        check = self.graph_gen.check_sat

        def check_sat(solver, *assumptions):
            result = check(solver, *assumptions)
            self.is_limited = self.is_limited or result == self.z3.unknown
            return result
        self.graph_gen.check_sat = check_sat

    def draw(self, seed):
        """nnsmith's graph; what it raises is a model that it fails to make."""
        self.is_limited = False
        self.z3.z3._main_ctx = None  # a new one at its first use
        try:
            ir = self.graph(METHOD, self.limits.nodes, seed, self.limits.numel,
                            rank_choices=self.ranks)
        except Exception as e:  # pylint: disable=broad-except
            raise LeftOut(f"nnsmith fails: {type(e).__name__}") from e
        self.is_limited = self.is_limited or ir.n_compute_inst() < self.limits.nodes
        return ir

    def say(self, ir):
        p = Program(self.limits.numel)
        of_var = {retval: inst for inst in ir.insts for retval in inst.retvals()}
        names = {}

        def say_inst(inst):
            kind = type(inst.iexpr.op).__name__
            result = ir.vars[inst.retval()]
            if kind in ("Input", "Constant"):
                letter, what = ("x", "input") if kind == "Input" else ("w", "const ?")
                return p.define(letter, dtype_text(result.dtype), result.shape, what)
            operands = [ir.vars[arg] for arg in inst.iexpr.args]
            return SAY[kind][1](p, Inst(inst.iexpr.op, [names[a] for a in inst.iexpr.args], operands, result))

        outputs = [v for v in ir.leaf_var() if type(of_var[v].iexpr.op).__name__ not in ("Input", "Constant")]
        if not outputs:
            raise LeftOut("no operator")
        stack = list(reversed(outputs))  # operands before their readers
        while stack:
            var = stack[-1]
            missing = [arg for arg in of_var[var].iexpr.args if arg not in names]
            if missing:
                stack += reversed(missing)
                continue
            if var not in names:
                names[var] = say_inst(of_var[var])
            stack.pop()
        return "\n".join([*p.lines, "output " + ", ".join(names[v] for v in outputs), ""])

    def answer(self, seed):
        try:
            text = self.say(self.draw(seed))
        except LeftOut as e:
            return f"left {e}\n"
        except Exception as e:  # pylint: disable=broad-except
            return f"error {nnsmith_peer.one_line(e)}\n"
        return f"program {len(text)} {int(self.is_limited)}\n{text}"


def main():
    answers = nnsmith_peer.answers()
    lines = iter(sys.stdin.readline, "")
    try:
        models = Models(Limits(lines))
    except Exception as e:  # pylint: disable=broad-except
        print("error", nnsmith_peer.one_line(e), file=answers, flush=True)
        return
    print(models.versions, file=answers, flush=True)
    for line in lines:
        print(models.answer(int(line.split()[1])), end="", file=answers, flush=True)


if __name__ == "__main__":
    main()
