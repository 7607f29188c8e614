# SPDX-License-Identifier: Apache-2.0
"""check_numpy EXPECT_TOOL COUNT PROGRAMS [OP...]: the reference against scripts/numpy_judge (TAP).

Two evaluators written apart: COUNT generated programs of each op alone and dtype of its first input, and PROGRAMS of
many ops. Of every element that is compared at all numpy's value must lie within the reference's bound; of one op, where
nothing but the last rounding may differ, within a step of the dtype (where sums cancel: a FRACTION of the bound). Both
must say of the same programs that a library may refuse them. Each op is run once more with a fault planted in numpy's
result, which must be seen.
"""
import os
import sys
import tempfile

import numpy as np

from harness import Server, Tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
import numpy_judge  # noqa: E402

DTYPES = ("bool", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "f16", "bf16", "f32", "f64")
PRECISION = {"f16": (11, -14), "bf16": (8, -126), "f32": (24, -126), "f64": (53, -1022)}
FRACTION = 2.0 ** -8  # long double has 11 bits beyond f64, for some roundings
SHOWN = 3


def steps_of(reference, dtype):
    """The distance of one number of the dtype from the next, at each element; 0 of integers."""
    if dtype not in PRECISION:
        return np.zeros(reference.shape, numpy_judge.REAL)
    bits, least = PRECISION[dtype]
    _, exponent = np.frexp(np.where(np.isfinite(reference), reference, 0))
    return np.ldexp(numpy_judge.REAL(1), np.maximum(exponent - 1, least) - (bits - 1))


class Program:
    def __init__(self, folder, may_be_refused):
        self.may_be_refused = may_be_refused
        with open(os.path.join(folder, "program.txt"), encoding="utf-8") as f:
            self.text = f.read()
        with np.load(os.path.join(folder, "inputs.npz")) as arrays:
            self.inputs = dict(arrays)
        with np.load(os.path.join(folder, "expected.npz")) as arrays:
            self.expected = dict(arrays)

    def judge(self, is_one_op):
        """(elements compared, a line for each output in which numpy disagrees)"""
        doubts = []
        outputs, dtypes, reference = numpy_judge.evaluate(self.text, self.inputs, doubts)
        compared, faults = 0, []
        if bool(doubts) != self.may_be_refused:
            faults.append(f"the reference says that it may {'' if self.may_be_refused else 'not '}be refused, "
                          f"numpy: {doubts}")
        for name in outputs:
            bound = self.expected[f"{name}.bound"].astype(numpy_judge.REAL)
            ours = numpy_judge.from_file(self.expected[f"{name}.expected"], dtypes[name]).reshape(bound.shape)
            if is_one_op:
                bound = np.minimum(bound, np.maximum(steps_of(ours, dtypes[name]), FRACTION * bound))
            wrong = numpy_judge.far(reference[name], ours, bound)
            compared += int((~np.isnan(bound)).sum())
            if wrong.any():
                at = tuple(int(i) for i in np.argwhere(wrong)[0])
                faults.append(f"{name}{list(at)}: the reference has {ours[at]!r}, numpy {reference[name][at]!r}, "
                              f"allowed {bound[at]!r}; {wrong.sum()} of {wrong.size}")
        return compared, faults


def planted(operator):
    """Off by what any comparison must see."""
    def wrong(a, dtype, *x):
        result = operator(a, dtype, *x)
        first, *rest = result if isinstance(result, tuple) else (result,)
        first = np.asarray(first)
        if first.dtype == bool:
            first = ~first
        elif np.issubdtype(first.dtype, np.floating):
            first = first * numpy_judge.REAL(1.05) + numpy_judge.REAL(0.01)
        else:
            first = first + 1
        return (first, *rest)
    return wrong


class Check:
    def __init__(self, tool, folder):
        self.tap, self.server, self.folder = Tap(), Server(tool), folder

    def programs(self, requests):
        for request in requests:
            reply = self.server.ask(*request, self.folder)
            if reply.startswith("error"):
                raise SystemExit(f"Bail out! {reply}")
            if reply.startswith("ok"):
                yield Program(self.folder, reply == "ok traps")

    def judge(self, name, requests, is_one_op):
        """The programs, all judged."""
        judged, compared, comments, failed = [], 0, [], 0
        for program in self.programs(requests):
            try:
                n, faults = program.judge(is_one_op)
            except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
                n, faults = 0, [f"{type(error).__name__}: {error}"]
            compared += n
            judged.append(program)
            failed += bool(faults)
            if faults and failed <= SHOWN:
                comments += [line[:400] for line in program.text.splitlines()] + faults
        self.tap.result(not failed and compared > 0,
                        f"{name}: {len(judged)} programs, {compared} elements, {failed} programs disagree", comments)
        return judged

    def sees_fault(self, op, programs):
        right = numpy_judge.OPERATORS[op]
        numpy_judge.OPERATORS[op] = planted(right)
        try:
            return any(program.judge(True)[1] for program in programs)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError):
            return False  # said already of the operator itself
        finally:
            numpy_judge.OPERATORS[op] = right

    def run(self, count, many, chosen):
        ops = self.server.ask("ops").split()[1:]
        missing = sorted(set(ops) ^ set(numpy_judge.OPERATORS))
        self.tap.result(not missing, f"numpy_judge has all {len(ops)} ops and no others", missing)
        blind = []
        for op in chosen or ops:
            programs = self.judge(op, [("op", op, dtype, str(i)) for dtype in DTYPES for i in range(count)], True)
            if not self.sees_fault(op, programs):
                blind.append(op)
        self.tap.result(not blind, "a fault planted in numpy's result of an op is seen", blind)
        if not chosen:
            self.judge("many ops", [("mixed", str(i)) for i in range(many)], False)
        self.tap.close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        Check(sys.argv[1], folder).run(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])


main()
