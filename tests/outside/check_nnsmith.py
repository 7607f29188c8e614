# SPDX-License-Identifier: Apache-2.0
"""What scripts/nnsmith_models.py says of nnsmith's operators is what they do (TAP): each instruction of
its models, on random operands and with its own weights, gives in torch what our evaluator makes of the node
that is printed for it; and each model as a whole holds by the ops' relations.

check_nnsmith.py EVAL_TOOL MODELS, by the interpreter of nnsmith's environment. Each operator must come up.
"""
import collections
import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [os.path.join(ROOT, "scripts"), os.path.join(ROOT, "tests/outside")]

import nnsmith_models  # noqa: E402  pylint: disable=wrong-import-position
import nnsmith_peer  # noqa: E402  pylint: disable=wrong-import-position
import numpy as np  # noqa: E402  pylint: disable=wrong-import-position
import torch  # noqa: E402  pylint: disable=wrong-import-position
from harness import Server, Tap, excess, load_results  # noqa: E402  pylint: disable=wrong-import-position

ROUNDINGS = 8  # as much as is granted, so often: what is said wrongly is off by far more
NUMEL, NODES = 4096, 10


class Everything(dict):
    """All pairs of dtypes of every op, but of those that our catalogue lacks."""

    class Pairs:
        def __init__(self, op):
            self.op = op

        def __contains__(self, pair):
            return (self.op, *pair) != ("neg", "u8", "u8")

    def get(self, key, default=None):
        return self.Pairs(key)


def limits():
    lines = [f"nodes {NODES}", f"numel {NUMEL}", "ranks 0 1 2 3 4 5 6", "go"]
    chosen = nnsmith_models.Limits(lines)
    chosen.pairs = Everything()
    return chosen


def random_operand(rng, tensor):
    dtype = tensor.dtype.torch()
    shape = [int(d) for d in tensor.shape]
    if dtype == torch.bool:
        return torch.from_numpy(np.asarray(rng.integers(0, 2, shape) == 1))
    if dtype.is_floating_point:
        return torch.from_numpy(np.asarray(rng.uniform(-3, 3, shape))).to(dtype)
    return torch.from_numpy(np.asarray(rng.integers(0 if dtype == torch.uint8 else -5, 6, shape))).to(dtype)


class Checker:
    def __init__(self, tool, directory):
        self.server = Server(tool)
        self.path = os.path.join(directory, "x")
        self.rng = np.random.default_rng(1)
        self.worst = collections.defaultdict(float)
        self.faults = collections.defaultdict(list)

    def evaluate(self, text, arrays):
        """Our results of the program, or a text."""
        with open(self.path + ".txt", "w", encoding="ascii") as f:
            f.write(text)
        np.savez(self.path + ".in.npz", **arrays)
        answer = self.server.ask("program", self.path + ".txt", self.path + ".in.npz", self.path + ".out.npz")
        return load_results(self.path + ".out.npz")[0] if answer.startswith("ok") else answer

    def check(self, ir, inst):
        from nnsmith.materialize.torch.forward import forward_fn
        op, kind = inst.iexpr.op, type(inst.iexpr.op).__name__
        types = [ir.vars[a] for a in inst.iexpr.args]
        operands = [random_operand(self.rng, t) for t in types]
        p = nnsmith_models.Program(NUMEL)
        names = [p.define("x", nnsmith_models.dtype_text(t.dtype), t.shape, "input") for t in types]
        arrays = {name: x.numpy() for name, x in zip(names, operands)}
        result = nnsmith_models.SAY[kind][1](p, nnsmith_models.Inst(op, names, types, ir.vars[inst.retval()]))
        function = forward_fn(op)
        weights = []
        if isinstance(function, torch.nn.Module):
            function.eval()
            weights = [w.detach().numpy() for w in function.parameters()]
        for line in p.lines:
            if line.endswith("const ?"):
                name, shape = line.split(":")[0], line[line.index("[") + 1:line.index("]")]
                arrays[name] = weights.pop(0).reshape([int(d) for d in shape.split(",") if d])
        text = "\n".join(p.lines).replace("const ?", "input") + f"\noutput {result}\n"
        with torch.no_grad():
            expected = function(*operands).numpy()
        got = self.evaluate(text, arrays)
        off = excess(*got, expected) if not isinstance(got, str) else got
        if isinstance(off, str) or off > ROUNDINGS or weights:
            self.faults[kind].append(f"{off}\n{text}")
        else:
            self.worst[kind] = max(self.worst[kind], off)


def main():
    tool, n_models = sys.argv[1], int(sys.argv[2])
    answers = nnsmith_peer.answers()
    sys.stdout = answers
    models = nnsmith_models.Models(limits())
    tap, left_out, refused = Tap(), collections.Counter(), []
    with tempfile.TemporaryDirectory() as directory:
        checker = Checker(tool, directory)
        for seed in range(n_models):
            try:
                ir = models.draw(seed)
                models.say(ir)
            except nnsmith_models.LeftOut as e:
                left_out[str(e)] += 1
                continue
            for inst in ir.insts:
                if type(inst.iexpr.op).__name__ in nnsmith_models.SAY:
                    checker.check(ir, inst)
        for kind in sorted(set(checker.worst) | set(checker.faults)):
            faults = checker.faults[kind]
            tap.result(not faults, f"{kind}: as in torch ({checker.worst[kind]:.2g} of what is granted)", faults[:3])
    missing = {op.__name__ for op in models.opset} - set(checker.worst) - set(checker.faults)
    tap.result(not missing, f"all {len(models.opset)} operators came up", [f"not: {name}" for name in sorted(missing)])
    tap.result(sum(left_out.values()) <= n_models // 10,
               f"{sum(left_out.values())} of {n_models} models are left out", left_out.items())
    tap.close()


main()
