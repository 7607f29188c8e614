#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""time_nnsmith.py: the side of nnsmith 0.1.0 in `opjury bench generator`, `opjury bench campaign` and
`opjury bench compile`.

Runs in nnsmith's own environment, which `scripts/setup peer` makes. Says in one line what runs, then
answers each line on stdin with one line of JSON:

    model METHOD NODES SEED           one model of the 39 ops in float32: CPU seconds of the graph with
                                      its shapes and attributes (a), with weights and inputs (b), and
                                      what it looks like
    loop METHOD NODES SEED SECONDS    nnsmith's own loop on ONNX Runtime for so many CPU seconds, of the
                                      same ops: tests, models it failed to make, CPU seconds
    compile METHOD NODES SEED SECONDS  for so many CPU seconds, models of the same ops, each compiled
                                      by itself by torch.compile and compared with eager as nnsmith
                                      does: tests, those that differ or raised, CPU seconds

CPU seconds are user and system time of this process and its children; imports are not counted.
"""
import copy
import json
import os
import resource
import sys
import tempfile
import time
import types

import nnsmith_peer

# With more, what compilers in other processes take is not known before they end.
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

# Its own names, as src/generate's policy nnsmith39 has them; the rest of its 71 usable ones needs
# other dtypes or other copies of the same op.
OPS = """Add Sub Mul Div Max Min ReLU LeakyReLU GELU Sigmoid Abs Neg Floor Ceil Round Sin Cos Atan Clip
Softmax ReduceMean ReduceMax ReduceMin TorchReduceSum Reshape Transpose Slice Squeeze Concat2 Concat3
ConstPad Conv1d NCHWConv2d MaxPool2d AvgPool2d BatchNorm2d Linear PTMatMul ExpandLast1""".split()
NUMEL_MAX = 65536  # its default, of activations; it has no limit for weights
WARM = 3  # CPU seconds of its loop before those that count: first exports are slow
WARM_MODELS = 6  # compiled before those that count: tables of patterns, precompiled headers


def cpu():
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def narrow(opset, float32):
    """What `auto_opset` does, for one dtype and without running each op: that aborts or drops ops at
    random under this z3. ONNX and torch have all of these in float32."""
    for op in opset:
        op.in_dtypes = [d for d in op.in_dtypes if all(x == float32 for x in d)]
        op.out_dtypes = [d for d in op.out_dtypes if all(x == float32 for x in d)]
        assert op.in_dtypes and op.out_dtypes, op
    return opset


def patch():
    """Without these two its ONNX loop does not start today: the exporter it was written for is no
    longer torch's default, and onnx._serialize is gone."""
    import functools
    import onnx
    import torch
    torch.onnx.export = functools.partial(torch.onnx.export, dynamo=False)
    onnx._serialize = lambda model: model.SerializeToString()


class Peer(nnsmith_peer.Nnsmith):
    def __init__(self):
        super().__init__()
        from nnsmith.abstract.dtype import DType
        self.opset = narrow([op for op in self.opset if op.__name__ in OPS], DType.float32)
        if sorted(op.__name__ for op in self.opset) != sorted(OPS):
            raise RuntimeError("it lacks some of the 39 ops")

    def model(self, method, nodes, seed):
        start = cpu()
        try:
            ir = self.graph(method, nodes, seed, NUMEL_MAX)
            drawn = cpu()
            net = self.model_type.from_gir(ir).torch_model
            net.get_random_inps()
        except Exception as e:  # pylint: disable=broad-except
            return {"ok": False, "a": cpu() - start, "b": cpu() - start, "why": type(e).__name__}
        return {"ok": ir.n_compute_inst() == nodes, "why": "short", "a": drawn - start,
                "b": cpu() - start, **describe(ir, net)}

    def loop(self, method, nodes, seed, seconds):
        import nnsmith.cli.fuzz as fuzz
        from hydra import compose, initialize_config_module
        fuzz.auto_opset = lambda *_, **__: self.opset
        fuzz.time = types.SimpleNamespace(time=cpu)  # its time is up by this clock
        with tempfile.TemporaryDirectory() as folder, initialize_config_module("nnsmith.config", version_base=None):
            config = compose("main", overrides=[
                "model.type=onnx", "backend.type=onnxruntime", f"mgen.max_nodes={nodes}",
                f"mgen.method={method}", f"mgen.max_elem_per_tensor={NUMEL_MAX}", f"fuzz.seed={seed}",
                f"fuzz.time={seconds}s", f"fuzz.root={folder}/reports"])
            loop = fuzz.FuzzingLoop(config)
            loop.timeout_s = WARM
            loop.run()
            loop.timeout_s, before, start = seconds, copy.copy(loop.status), cpu()
            loop.run()
            took, status = cpu() - start, loop.status
        return {"tests": status.n_testcases - before.n_testcases, "seconds": took,
                "failed": status.n_fail_make_test - before.n_fail_make_test}

    def compile(self, method, nodes, seed, seconds):
        # An earlier run of the same seed must not have compiled them already.
        with tempfile.TemporaryDirectory() as folder:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
            return self.compile_models(method, nodes, seed, seconds)

    def compile_models(self, method, nodes, seed, seconds):
        import torch
        from nnsmith.materialize.torch import symbolnet
        # What it looks for and says between ops is no part of the model, and dynamo does not trace it.
        symbolnet.SymbolNet.debug_numeric = lambda *_: None
        symbolnet.TORCH_LOG = types.SimpleNamespace(isEnabledFor=lambda _: False)
        tests = wrong = failed = 0
        start = None
        while start is None or cpu() - start < seconds:
            if start is None and tests == WARM_MODELS:
                tests = wrong = failed = 0
                start = cpu()
            try:
                net = self.model_type.from_gir(self.graph(method, nodes, seed, NUMEL_MAX)).torch_model.eval()
                inputs = list(net.get_random_inps().values())
            except Exception:  # pylint: disable=broad-except
                failed += 1
                seed += 1
                continue
            tests += 1
            seed += 1
            wrong += not agrees(net, inputs)
            torch._dynamo.reset()
        return {"tests": tests, "failed": failed, "wrong": wrong, "seconds": cpu() - start}


def agrees(net, inputs):
    """Its tolerances: rtol 1e-2, atol 1e-3 (nnsmith/difftest.py)."""
    import torch
    with torch.no_grad():
        expected = net(*inputs)
        try:
            actual = torch.compile(net, fullgraph=True)(*inputs)
        except Exception:  # pylint: disable=broad-except
            return False
        return all(torch.allclose(a, e, rtol=1e-2, atol=1e-3, equal_nan=True)
                   for a, e in zip(actual, expected))


def describe(ir, net):
    """Shapes of op results; the longest chain of ops; outputs; operands; the largest weight."""
    from nnsmith.abstract.op import Input, Placeholder, Constant
    depth, dims, numel, kinds, operands = {}, [], [], [], 0
    for inst in ir.insts:
        is_op = not isinstance(inst.iexpr.op, (Input, Constant, Placeholder))
        below = max([depth[a] for a in inst.iexpr.args], default=0) + is_op
        for name in inst.retvals():
            depth[name] = below
            if is_op:
                tensor = ir.vars[name]
                dims += tensor.shape
                numel.append(int(tensor.nelement()))
        if is_op:
            operands += len(inst.iexpr.args)
            tensor = ir.vars[inst.retval()]
            kinds.append(f"{inst.iexpr.op.name()} {tensor.dtype.short()} {tensor.ndims}")
    return {"depth": max(depth.values()), "outputs": len(ir.leaf_var()), "operands": operands,
            "dims": len(dims), "ones": sum(d == 1 for d in dims), "numel": numel, "kinds": kinds,
            "weight": max((p.numel() for p in net.parameters()), default=0)}


def main():
    answers = nnsmith_peer.answers()
    try:
        patch()
        peer = Peer()
    except Exception as e:  # pylint: disable=broad-except
        print("error", nnsmith_peer.one_line(e), file=answers, flush=True)
        return
    print(peer.versions, file=answers, flush=True)
    for line in sys.stdin:
        what, method, *numbers = line.split()
        answer = {"model": peer.model, "loop": peer.loop, "compile": peer.compile}[what](
            method, *map(int, numbers))
        print(json.dumps(answer), file=answers, flush=True)


main()
