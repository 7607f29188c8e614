# SPDX-License-Identifier: Apache-2.0
"""The onnx package's node tests against our evaluator (TAP): every test of one node (functions too
when one node is all that they become) whose op the catalogue spells. A line an op: tests covered of
all whose types are ours, which must be 85 %, each skip with its reason; results must be off by no
more than the noise that the op grants, so integers, bool and what is only moved agree exactly. Last,
the functions that become several nodes of ours, within the tolerance of the tests."""
import collections
import os
import re
import sys
import tempfile
import warnings

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import numpy_helper

import harness

TYPES = {T.BOOL, T.INT8, T.UINT8, T.INT16, T.UINT16, T.INT32, T.UINT32, T.INT64, T.FLOAT16,
         T.BFLOAT16, T.FLOAT, T.DOUBLE}
RANK_MAX = 6
LEAST = 0.85


class Tally:
    def __init__(self):
        self.covered, self.other_types, self.cut, self.worst = 0, 0, 0, 0.0
        self.skips, self.failures = [], []

    def share(self):
        return self.covered / max(1, self.covered + len(self.skips) + len(self.failures))


def spelled_cases(types):
    """(test, op type; None: several)"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import onnx.backend.test.case.node as tests  # pylint: disable=import-outside-toplevel
        for case in tests.collect_testcases(None):
            nodes = case.model.graph.node if case.model else []
            kinds = {n.op_type for n in nodes} - ({"Constant", "Identity"} if len(nodes) > 1 else set())
            if kinds and not case.model.functions and all(k in types for k in kinds):
                if not any(n.domain for n in nodes):
                    yield case, nodes[0].op_type if len(nodes) == 1 else None


def has_our_types(model):
    return all(v.type.HasField("tensor_type") and v.type.tensor_type.elem_type in TYPES and
               len(v.type.tensor_type.shape.dim) <= RANK_MAX
               for v in [*model.graph.input, *model.graph.output])


def raise_opset(model, op):
    """An opset below 7, our least, becomes 7 where the op did not change in between."""
    opset = model.opset_import[0]
    if op and opset.version < 7:
        was = onnx.defs.get_schema(op, opset.version, "")
        if onnx.defs.get_schema(op, 7, "").since_version == was.since_version:
            opset.version = 7


def as_array(x):
    return numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else np.asarray(x)


def by_hand(expected):
    """One of the last decimal where the test's author wrote four of them (of the inputs too); else 0."""
    if expected.dtype.kind != "f":
        return 0.0
    short = np.round(expected.astype(np.float64), 4).astype(expected.dtype)
    return 1e-4 if np.array_equal(short, expected) else 0.0


def error_of(case, op, actual, noise, expected):
    """In units of what is granted; or a text."""
    if op is None:
        noise = (case.atol + case.rtol * np.abs(expected.astype(np.float64)))
    off = harness.excess(actual, noise, expected)
    if off != 0 and by_hand(expected):
        off = harness.excess(actual, noise + by_hand(expected), expected)
    return off


def cut_outputs(model, answer):
    """Optional outputs that our op has not are left out; false: that is not what is wrong."""
    match = re.search(r"outputs where \w+ here has (\d+)$", answer)
    if match:
        del model.graph.node[0].output[int(match[1]):]
        del model.graph.output[int(match[1]):]
    return bool(match)


def judge(server, case, op, directory, tally):
    model, arrays, out = (os.path.join(directory, n) for n in ("m.onnx", "in.npz", "out.npz"))
    raise_opset(case.model, op)
    onnx.save(case.model, model)
    for inputs, outputs in case.data_sets:
        names = [i.name for i in case.model.graph.input]
        np.savez(arrays, **{n: as_array(x) for n, x in zip(names, inputs)})
        answer = server.ask("model", model, arrays, out)
        if op and cut_outputs(case.model, answer):
            tally.cut += 1
            onnx.save(case.model, model)
            answer = server.ask("model", model, arrays, out)
        if answer.startswith("refused"):
            tally.skips.append(f"{case.name}: {answer.split(': ', 2)[-1]}")
            return
        if answer != "ok":
            tally.failures.append(f"{case.name}: {answer}")
            return
        for (actual, noise), expected in zip(harness.load_results(out), outputs):
            off = error_of(case, op, actual, noise, as_array(expected))
            if isinstance(off, str) or off > 1:
                tally.failures.append(f"{case.name}: {off}")
                return
            tally.worst = max(tally.worst, off)
    tally.covered += 1


def report(tap, op, ops, tally):
    n = tally.covered + len(tally.skips) + len(tally.failures)
    text = (f"{op} ({' '.join(ops)}): {tally.covered} of {n} tests, {tally.other_types} of types "
            f"that are not ours, worst {tally.worst:.2f} of the noise")
    if tally.cut:
        text += f", {tally.cut} without the further outputs"
    lines = [f"skip {s}" for s in tally.skips] + [f"failed {f}" for f in tally.failures]
    tap.result(tally.share() >= LEAST and not tally.failures, text, lines)


def main():
    server, tap = harness.Server(sys.argv[1]), harness.Tap()
    types = collections.defaultdict(list)
    for name, (kind, _) in harness.catalogue(server).items():
        types[kind].append(name)
    tallies = collections.defaultdict(Tally)
    with tempfile.TemporaryDirectory() as directory:
        for case, op in spelled_cases(types):
            if has_our_types(case.model):
                judge(server, case, op, directory, tallies[op])
            else:
                tallies[op].other_types += 1
    several = tallies.pop(None, Tally())
    for op, tally in sorted(tallies.items()):
        report(tap, op, types[op], tally)
    covered = sum(t.covered for t in tallies.values())
    tap.result(covered > 400, f"{covered} tests of {len(tallies)} ops")
    tap.result(several.covered > 80 and not several.failures,
               f"{several.covered} tests of several nodes, {len(several.skips)} refused",
               [f"skip {s}" for s in several.skips] + several.failures)
    tap.close()


main()
