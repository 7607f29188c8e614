# SPDX-License-Identifier: Apache-2.0
"""torch's own samples (OpInfo) against our evaluator (TAP, a test an op): for each op whose torch form
is one call, the samples of that callable become programs of one node, and what torch gives must be off
by no more than the noise that the op grants. Which callable it is comes from the forms themselves; how
its arguments become attributes is in INVERSE, ops without a line there take tensors and numbers as
they come. A sample that says what the op cannot say is skipped, with the reason counted."""
import collections
import os
import re
import subprocess
import sys
import tempfile
import types
import warnings

import numpy as np

import harness

DTYPES = ("float32", "float64", "int32", "int64", "bool")
# Forms of ops that do not take float64, or whose common form is more than a call.
CALLS = {"and": "logical_and", "or": "logical_or", "xor": "logical_xor", "not": "logical_not",
         "bit_and": "bitwise_and", "bit_or": "bitwise_or", "bit_xor": "bitwise_xor",
         "bit_not": "bitwise_not", "arg_max": "argmax", "cum_sum": "cumsum", "gather_elements": "gather",
         "index_select": "index_select", "min": "minimum", "max": "maximum", "swish": "nn.functional.silu",
         "where": "where", "conv2d": "nn.functional.conv2d", "conv3d": "nn.functional.conv3d",
         "reduce_prod": "prod", "is_inf": "isinf", "max_pool": "nn.functional.max_pool2d",
         "avg_pool": "nn.functional.avg_pool2d", "space_to_depth": "nn.functional.pixel_unshuffle",
         "batch_norm_training": "nn.functional.batch_norm", "gemm": "addmm"}


class Skip(Exception):
    pass


class Bound(dict):
    """Arguments by name; knows which were asked for."""

    def __init__(self, names, arguments, keywords):
        super().__init__(zip(names, arguments), **keywords)
        self.asked = set()
        if len(arguments) > len(names):
            raise Skip("more arguments")

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)

    def rest(self):
        return {k for k, v in self.items() if k not in self.asked and v is not None}


def ints(x, n=None):
    values = [int(x)] * (n or 1) if isinstance(x, int) else [int(v) for v in x]
    return values * n if n and len(values) == 1 else values


def reduced(a, x, _):
    dims = a.get("dim")
    return {"axes": list(range(x.dim())) if dims is None or dims == () else ints(dims),
            "keepdims": bool(a.get("keepdim", False))}


def variance(a, x, y):
    unbiased, correction = a.get("unbiased"), a.get("correction", 1)
    correction = correction if unbiased is None else int(unbiased)
    if x.numel() == 0:
        raise Skip("no elements")
    if not isinstance(correction, int) or correction < 0:
        raise Skip("a correction that is no natural number")
    return {**reduced(a, x, y), "correction": correction}


def one_axis(a, _, __):
    if not isinstance(a.get("dim"), int):
        raise Skip("no dim")
    return {"axis": a.get("dim")}


def arg(a, x, y):
    return {**one_axis(a, x, y), "keepdims": bool(a.get("keepdim", False))}


def number(name, attribute, default):
    return lambda a, x, y: {attribute: float(a.get(name, default))}


def bounds(a, x, _):
    lo, hi = a.get("min"), a.get("max")
    if not all(b is None or isinstance(b, (int, float)) for b in (lo, hi)):
        raise Skip("bounds that are tensors")
    big = float(np.finfo(np.float64).max)
    return {"min": -big if lo is None else float(lo), "max": big if hi is None else float(hi)}


def convolution(n):
    def attributes(a, _, __):
        if isinstance(a.get("padding", 0), str):
            raise Skip("padding by name")
        pads = ints(a.get("padding", 0), n)
        return {"strides": ints(a.get("stride", 1), n), "pads": pads + pads,
                "dilations": ints(a.get("dilation", 1), n), "group": a.get("groups", 1)}
    return attributes


def rolled(a, x, _):
    if not a.get("dims"):
        raise Skip("all elements as one line")
    if len({d % x.dim() for d in ints(a.get("dims"))}) < len(ints(a.get("dims"))):
        raise Skip("a dim twice")
    if len(ints(a.get("dims"))) > 2:
        raise Skip("more than two axes, which is what the catalogue's op has")
    return {"axes": ints(a.get("dims")), "shifts": ints(a.get("shifts"))}


def tiled(a, x, _):
    repeats = ints(a.get("dims"))
    if len(repeats) > x.dim():
        raise Skip("more repeats than dims")
    return {"repeats": [1] * (x.dim() - len(repeats)) + repeats}


def squeezed(a, x, _):
    dims = a.get("dim")
    if dims is None or any(x.dim() == 0 or x.shape[d] != 1 for d in ints(dims)):
        raise Skip("dims that stay")
    return {"axes": ints(dims)}


def pieces(a, _, y):
    a.get("split_size_or_sections")
    axis = a.get("dim", 0)
    if len(y) > 4:
        raise Skip("more outputs than an op has")
    return {"axis": axis, "split": [part.shape[axis] for part in y]}


def shaped(a, _, y):
    a.get("shape")
    return {"shape": list(y.shape)}


def ordered(a, _, __):
    a.get("stable")
    return {"axis": a.get("dim", -1), "descending": bool(a.get("descending", False))}


def largest(a, _, __):
    return {"axis": a.get("dim", -1), "k": a.get("k"), "largest": bool(a.get("largest", True)),
            "sorted": bool(a.get("sorted", True))}


def group_norm(a, _, __):
    return {"num_groups": a.get("num_groups"), "epsilon": float(a.get("eps", 1e-5))}


def norm(order):
    def attributes(a, x, y):
        if a.get("ord", 2) != order:
            raise Skip("another norm")
        return reduced(a, x, y)
    return attributes


def over_last(a, x, _):
    if a.get("eps", 1e-5) is None:
        raise Skip("no epsilon")
    return {"axis": x.dim() - len(a.get("normalized_shape")), "epsilon": float(a.get("eps", 1e-5))}


def window(a, x, y):
    n = x.dim() - 2
    size = a.get("kernel_size")
    if a.get("return_indices") or a.get("divisor_override"):
        raise Skip("indices, or a divisor")
    if (not isinstance(size, int) and len(size) != n) or y.shape[:2] != x.shape[:2]:
        raise Skip("no batch")
    kernel, stride = ints(a.get("kernel_size"), n), a.get("stride")
    pads = ints(a.get("padding", 0), n)
    found = {"kernel_shape": kernel, "strides": ints(stride, n) if stride else kernel,
             "pads": pads + pads, "dilations": ints(a.get("dilation", 1), n),
             "ceil_mode": bool(a.get("ceil_mode", False))}
    return found


def average_window(a, x, y):
    return {**window(a, x, y), "count_include_pad": bool(a.get("count_include_pad", True))}


def adaptive(a, x, y):
    size = a.get("output_size")
    if a.get("return_indices"):
        raise Skip("indices")
    if y.shape[:2] != x.shape[:2] or (not isinstance(size, int) and len(size) != x.dim() - 2):
        raise Skip("no batch")
    return {"output_size": list(y.shape[2:])}


def to_one(a, x, y):
    if set(adaptive(a, x, y)["output_size"]) != {1}:
        raise Skip("to more than one element")
    return {}


def batch_norm(a, _, __):
    if a.get("training") or a.get("weight") is None or a.get("bias") is None:
        raise Skip("training, or no weight or bias")
    a.get("momentum")
    return {"epsilon": float(a.get("eps", 1e-5))}


def batch_norm_training(a, _, __):
    """torch's momentum is the share of the new."""
    if not a.get("training") or a.get("weight") is None or a.get("bias") is None:
        raise Skip("no training, or no weight or bias")
    return {"epsilon": float(a.get("eps", 1e-5)), "momentum": 1 - float(a.get("momentum", 0.1))}


def instance_norm(a, _, __):
    if not a.get("use_input_stats", True) or a.get("weight") is None or a.get("bias") is None:
        raise Skip("statistics of its own, or no weight or bias")
    for name in ("running_mean", "running_var", "momentum"):
        a.get(name)
    return {"epsilon": float(a.get("eps", 1e-5))}


def transposed(n):
    def attributes(a, x, y):
        return {**convolution(n)(a, x, y), "output_padding": ints(a.get("output_padding", 0), n)}
    return attributes


def equation(a, _, __):
    if "." in a.get("equation"):
        raise Skip("an ellipsis")
    return {"equation": a.get("equation")}


def padded(a, x, _):
    pads, mode = ints(a.get("pad")), a.get("mode", "constant")
    before, after = pads[0::2][::-1], pads[1::2][::-1]
    none = [0] * (x.dim() - len(before))
    if x.dtype.is_floating_point is False and x.dtype.itemsize == 1:
        raise Skip("a value that is no bool")
    if mode not in ("constant", "reflect"):
        raise Skip("mode " + mode)
    return {"mode": mode, "pads": none + before + none + after, "value": float(a.get("value", 0) or 0)}


def narrowed(a, x, _):
    dim, start = a.get("dim"), a.get("start")
    if not isinstance(start, int):
        raise Skip("a start that is a tensor")
    start += x.shape[dim] if start < 0 else 0
    return {"axes": [dim], "starts": [start], "ends": [start + a.get("length")], "steps": [1]}


def permuted(a, x, _):
    return {"perm": [d % x.dim() for d in ints(a.get("dims"))]}


# op -> names of the arguments behind the first ("*": a tensor, an input), what makes attributes of them
INVERSE = {
    **{op: ("dim keepdim", reduced) for op in ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min",
                                               "reduce_all", "reduce_any", "reduce_log_sum_exp")},
    "reduce_prod": ("dim keepdim", reduced), "reduce_var": ("dim unbiased keepdim correction", variance),
    "arg_max": ("dim keepdim", arg), "arg_min": ("dim keepdim", arg),
    "softmax": ("dim", one_axis), "log_softmax": ("dim", one_axis),
    "cum_sum": ("dim", lambda a, x, y: {**one_axis(a, x, y), "exclusive": False, "reverse": False}),
    "sort": ("dim descending stable", ordered), "top_k": ("k dim largest sorted", largest),
    "transpose": ("dims", permuted), "einsum": ("equation", equation),
    "global_avg_pool": ("output_size", to_one), "global_max_pool": ("output_size return_indices", to_one),
    "batch_norm": ("*running_mean *running_var *weight *bias training momentum eps", batch_norm),
    "batch_norm_training": ("*running_mean *running_var *weight *bias training momentum eps",
                            batch_norm_training),
    "instance_norm": ("running_mean running_var *weight *bias use_input_stats momentum eps",
                      instance_norm),
    **{f"conv_transpose{n}d": ("*weight *bias stride padding output_padding groups dilation",
                               transposed(n)) for n in (1, 2, 3)},
    "where": ("*condition *other", lambda a, x, y: {}),
    "reduce_l1": ("ord dim keepdim", norm(1)), "reduce_l2": ("ord dim keepdim", norm(2)),
    "layer_norm": ("normalized_shape *weight *bias eps", over_last),
    "rms_norm": ("normalized_shape *weight eps", over_last),
    "max_pool": ("kernel_size stride padding dilation ceil_mode return_indices", window),
    "avg_pool": ("kernel_size stride padding ceil_mode count_include_pad divisor_override",
                 average_window),
    "adaptive_avg_pool": ("output_size", adaptive), "adaptive_max_pool": ("output_size return_indices", adaptive),
    "pad": ("pad mode value", padded), "slice": ("dim start length", narrowed),
    "space_to_depth": ("downscale_factor", lambda a, x, y: {"blocksize": a.get("downscale_factor"),
                                                            "mode": "CRD"}),
    "reshape": ("shape", shaped), "expand": ("shape", shaped),
    "flip": ("dims", lambda a, x, y: {"axes": ints(a.get("dims"))}),
    "roll": ("shifts dims", rolled), "tile": ("dims", tiled), "squeeze": ("dim", squeezed),
    "unsqueeze": ("dim", lambda a, x, y: {"axes": ints(a.get("dim"))}),
    "tril": ("diagonal", lambda a, x, y: {"k": a.get("diagonal", 0)}),
    "triu": ("diagonal", lambda a, x, y: {"k": a.get("diagonal", 0)}),
    "concat": ("dim", lambda a, x, y: {"axis": a.get("dim", 0)}),
    "split": ("split_size_or_sections dim", pieces),
    "gather_elements": ("dim *index", one_axis), "index_select": ("dim *index", one_axis),
    "clip": ("min max", bounds), "elu": ("alpha", number("alpha", "alpha", 1)),
    "celu": ("alpha", number("alpha", "alpha", 1)),
    "leaky_relu": ("negative_slope", number("negative_slope", "alpha", 0.01)),
    "swish": ("", lambda a, x, y: {"alpha": 1.0}),
    "gelu": ("approximate", lambda a, x, y: {"approximate": a.get("approximate", "none")}),
    **{f"conv{n}d": ("*weight *bias stride padding dilation groups", convolution(n)) for n in (1, 2, 3)},
    "group_norm": ("num_groups *weight *bias eps", group_norm),
    "depth_to_space": ("upscale_factor", lambda a, x, y: {"blocksize": a.get("upscale_factor"),
                                                          "mode": "CRD"}),
    "is_inf": ("", lambda a, x, y: {"detect_negative": True, "detect_positive": True}),
    "linear": ("*weight *bias", lambda a, x, y: {}),
    "gemm": ("*mat1 *mat2 beta alpha", lambda a, x, y: {"transA": False, "transB": False, "alpha": float(a.get("alpha", 1)),
                                                        "beta": float(a.get("beta", 1))}),
}
# Where torch's samples have another order: which of them is our k-th.
ORDER = {"where": [1, 0, 2], "gemm": [1, 2, 0], "batch_norm": [0, 3, 4, 1, 2],
         "batch_norm_training": [0, 3, 4, 1, 2]}
PLAIN = ("*other *third", lambda a, x, y: {})


# ---- programs ----

def spell(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value).replace(" ", "")


def typed(array):
    return f"{harness.DTYPES[array.dtype]}[{','.join(map(str, array.shape))}]"


def as_array(torch, t):
    return t.detach().resolve_neg().numpy().copy() if isinstance(t, torch.Tensor) else None


def further_results(op, outputs):
    """Those that torch's callable does not give."""
    if op == "sort" and len(outputs) == 1:
        return [f"unused: i64[{','.join(map(str, outputs[0].shape))}]"]
    if op == "batch_norm_training":
        channels = f"{harness.DTYPES[outputs[0].dtype]}[{outputs[0].shape[1]}]"
        return [f"mean: {channels}", f"var: {channels}"]
    return []


def program_of(torch, op, sample, y):
    names, attributes = INVERSE.get(op, PLAIN)
    names = names.split()
    first = list(sample.input) if isinstance(sample.input, (list, tuple)) else [sample.input]
    a = Bound([n.lstrip("*") for n in names], sample.args, sample.kwargs)
    inputs = first + [a.get(n[1:]) for n in names if n[0] == "*"]
    inputs = [inputs[k] for k in ORDER.get(op, range(len(inputs)))]
    while inputs and inputs[-1] is None:
        inputs.pop()
    attrs = attributes(a, first[0], y)
    if a.rest():
        raise Skip("argument " + " ".join(sorted(a.rest())))
    y = y[:1] if op == "sort" and not a.get("stable") else y  # its indices are of no order
    lead = next((x for x in inputs if isinstance(x, torch.Tensor)), None)
    if lead is None or any(not isinstance(x, (torch.Tensor, int, float, bool)) for x in inputs):
        raise Skip("inputs that are no tensors")
    arrays = [as_array(torch, x if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=lead.dtype))
              for x in inputs]
    outputs = [as_array(torch, part) for part in (y if isinstance(y, (tuple, list)) else [y])]
    if any(o is None or o.dtype not in harness.DTYPES for o in [*arrays, *outputs]):
        raise Skip("types that are not ours")
    if any(isinstance(x, torch.Tensor) and x.dtype != lead.dtype and x.dtype.is_floating_point
           for x in inputs) and op != "where":
        raise Skip("inputs of several types")
    text = "".join(f"x{k}: {typed(x)} = input\n" for k, x in enumerate(arrays))
    results = ", ".join([f"y{k}: {typed(o)}" for k, o in enumerate(outputs)] +
                        further_results(op, outputs))
    said = ", ".join([f"x{k}" for k in range(len(arrays))] +
                     [f"{k}={spell(v)}" for k, v in attrs.items()])
    text += f"{results} = {op}({said})\n" + "".join(f"output y{k}\n" for k in range(len(outputs)))
    return text, arrays, outputs


# ---- an op ----

class Tally:
    def __init__(self):
        self.covered, self.worst = 0, 0.0
        self.skips, self.failures = collections.Counter(), []

    def skip(self, reason):
        self.skips[reason] += 1


REFUSALS = re.compile(r"takes ranks|has dtype|does not take|cannot be|must be|is no |rank|dtype|"
                      r"inputs where|type", re.I)


def judge(torch, server, op, call, sample, directory, tally):
    files = [os.path.join(directory, n) for n in ("p.txt", "in.npz", "out.npz")]
    try:
        y = call(sample.input, *sample.args, **sample.kwargs)
        text, arrays, outputs = program_of(torch, op, sample, y)
    except Skip as reason:
        tally.skip(str(reason))
        return
    with open(files[0], "w", encoding="utf-8") as f:
        f.write(text)
    np.savez(files[1], **{f"x{k}": x for k, x in enumerate(arrays)})
    answer = server.ask("program", *files)
    if answer != "ok":
        reason = re.sub(r"^error (program[^ ]*|\S+): ", "", answer)
        (tally.skip if REFUSALS.search(reason) else tally.failures.append)(reason[:100])
        return
    for k, ((actual, noise), expected) in enumerate(zip(harness.load_results(files[2]), outputs)):
        off = harness.excess(actual, noise, expected)
        if isinstance(off, str) or off > 1:
            tally.failures.append(f"output {k}: {off} in\n{text}")
            return
        tally.worst = max(tally.worst, off)
    tally.covered += 1


def forms(tool):
    """op -> dotted callable, of the ops whose plan is one call"""
    calls = {}
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([tool, "3", directory], stdout=subprocess.PIPE, check=True)
        for name in sorted(os.listdir(directory)):
            if name.endswith(".py"):
                with open(os.path.join(directory, name), encoding="utf-8") as f:
                    found = re.findall(r"= torch\.([\w.]+)\(", f.read())
                if len(found) == 1:
                    calls.setdefault(name.split(".")[0], found[0])
    return {**calls, **CALLS}


def op_infos():
    sys.modules.setdefault("expecttest", types.ModuleType("expecttest"))
    sys.modules["expecttest"].TestCase = object
    from torch.testing._internal.common_methods_invocations import op_db  # pylint: disable=all
    found = {}
    for info in op_db:
        for name in (info.name, *(alias.name for alias in info.aliases)):
            found.setdefault(name, info)
    return found


def main():
    tap, server = harness.Tap(), harness.Server(sys.argv[1])
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    warnings.simplefilter("ignore")
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError:
        print("1..1\nok 1 - opinfo # SKIP no torch")
        return
    torch.set_num_threads(1)
    torch.manual_seed(1)
    infos, calls, total = op_infos(), forms(sys.argv[2]), 0
    with tempfile.TemporaryDirectory() as directory:
        for op in harness.catalogue(server):
            info = infos.get(calls.get(op, ""))
            if info is None:
                continue
            tally = Tally()
            for name in DTYPES:
                dtype = getattr(torch, name)
                if dtype not in info.supported_dtypes("cpu"):
                    continue
                for n, sample in enumerate(info.sample_inputs("cpu", dtype)):
                    if n == most:
                        break
                    judge(torch, server, op, info.op, sample, directory, tally)
            skips = [f"skip {n}: {reason}" for reason, n in tally.skips.items()]
            total += tally.covered
            nothing = " # SKIP no sample that it can say" * (not tally.failures and not tally.covered)
            tap.result(not tally.failures,
                       f"{op} ({info.name}): {tally.covered} of "
                       f"{tally.covered + sum(tally.skips.values()) + len(tally.failures)} samples, "
                       f"worst {tally.worst:.2f} of the noise{nothing}", skips + tally.failures[:2])
    tap.result(total > 1000, f"{total} samples")
    tap.close()


main()
