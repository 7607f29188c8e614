# SPDX-License-Identifier: Apache-2.0
"""check_finding FOLDER: does this interpreter's library still show the finding, and is it a fault by numpy?

Runs the folder's repro.py, takes the values it got, and holds them against scripts/numpy_judge. Ends with one line;
status 0 when the fault shows and numpy says that it is one.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import numpy_judge

PERTURBED = {"MALLOC_PERTURB_": "65"}  # as in the workers (src/target/zygote.c): memory never written is not zeros
SECONDS = 300  # of one repro.py; a hang is shown by the script itself
# Runs the script as it is, and saves its list `actual` however it ends.
RUN = """
import sys, numpy
path, out = sys.argv[1:]
sys.argv[1:] = []
scope, status = {"__name__": "__main__", "__file__": path}, 0
try:
    exec(compile(open(path).read(), path, "exec"), scope)
except SystemExit as end:
    status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
if isinstance(scope.get("actual"), (list, tuple)):
    numpy.savez(out, *scope["actual"])
sys.exit(status)
"""


class Doubt(Exception):
    """Why the finding is not confirmed."""


def variables(folder):
    """What environment.json says to set, such as ONEDNN_MAX_CPU_ISA where a fault is of one kernel only."""
    try:
        with open(os.path.join(folder, "environment.json"), encoding="utf-8") as f:
            return json.load(f).get("variables", {})
    except FileNotFoundError:
        return {}


def run_script(folder):
    """(exit status, its values or None)"""
    with tempfile.TemporaryDirectory() as work:
        saved = os.path.join(work, "actual.npz")
        done = subprocess.run([sys.executable, "-c", RUN, os.path.join(folder, "repro.py"), saved],
                              capture_output=True, text=True, timeout=SECONDS, check=False,
                              env=os.environ | PERTURBED | variables(folder))
        if not os.path.exists(saved):
            return done, None
        with np.load(saved) as arrays:
            return done, [arrays[f"arr_{k}"] for k in range(len(arrays.files))]


def judge_values(outputs, dtypes, reference, expected, actual):
    """One line about the worst element, or Doubt."""
    if actual is None:
        raise Doubt("repro.py leaves no values")
    if len(actual) != len(outputs):
        return f"{len(actual)} outputs, the program has {len(outputs)}"
    lines = []
    for name, got in zip(outputs, actual):
        bound = expected[f"{name}.bound"].astype(numpy_judge.REAL)
        ours = numpy_judge.from_file(expected[f"{name}.expected"], dtypes[name]).reshape(bound.shape)
        if numpy_judge.far(ours, reference[name], bound).any():
            raise Doubt(f"{name}: numpy does not give what opjury expects")
        if got.shape != reference[name].shape:
            lines.append(f"{name}: shape {got.shape}, numpy has {reference[name].shape}")
            continue
        if got.dtype != expected[f"{name}.expected"].dtype:
            lines.append(f"{name}: {got.dtype}, the program says {dtypes[name]}")
            continue
        got = numpy_judge.from_file(got, dtypes[name])
        wrong = numpy_judge.far(got, reference[name], bound)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            lines.append(f"{name}{list(at)}: {got[at]}, numpy has {reference[name][at]}, allowed {bound[at]}; "
                         f"{wrong.sum()} of {wrong.size} elements")
    if not lines:
        raise Doubt("by numpy the values are right")
    return "; ".join(lines)


def check(folder):
    with open(os.path.join(folder, "verdict.json"), encoding="utf-8") as f:
        verdict = json.load(f)
    with open(os.path.join(folder, "program.txt"), encoding="utf-8") as f:
        text = f.read()
    with np.load(os.path.join(folder, "inputs.npz")) as inputs:
        # Evaluates whatever the oracle is: the program must be a valid one, with the shapes it states.
        doubts = []
        outputs, dtypes, reference = numpy_judge.evaluate(text, inputs, doubts)
    before = os.path.join(folder, "inputs_before.npz")
    if os.path.exists(before):  # of the same session at other shapes
        with np.load(before) as inputs:
            numpy_judge.evaluate(text, inputs, doubts, has_shapes=False)
    done, actual = run_script(folder)
    died = done.returncode < 0
    if done.returncode != 1 and not (died and verdict["oracle"] == "crash"):
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or [""]
        raise Doubt(f"repro.py ends with {done.returncode}: {last[0]}")
    if verdict["oracle"] not in ("value", "shape", "dtype", "count"):
        if doubts:
            raise Doubt(f"undefined: {doubts[0]}")
        return f"{verdict['oracle']}, shown by repro.py; numpy evaluates the program"
    with np.load(os.path.join(folder, "expected.npz")) as expected:
        return judge_values(outputs, dtypes, reference, expected, actual)


try:
    print(check(sys.argv[1]))
except (Doubt, OSError, KeyError, ValueError, subprocess.TimeoutExpired) as doubt:
    print(f"{type(doubt).__name__}: {doubt}")
    sys.exit(1)
