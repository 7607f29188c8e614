# SPDX-License-Identifier: Apache-2.0
"""Our vjps against torch's autograd (TAP, a test an op): generated programs of one node on float64,
a random cotangent. An element of a gradient may be off by some roundoffs of the largest
magnitude around it, and by what it moves when its arguments move by their roundoff. Elements at
kinks, where a step of 2^-26 changes the gradient by much, are not compared. Ops without a vjp must
have no gradient, or 0, in torch too."""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

import harness

ROUNDOFF = 2.0**-53
FEW = 2**14      # roundoffs that a gradient of several steps may lose; a sixty-fourth of them, element-wise
STEP = 2.0**-26  # gradient_tool's
KINK = 1e-3      # a relative change by a step of that size


class Tally:
    def __init__(self):
        self.programs, self.compared, self.kinks, self.worst, self.failures = 0, 0, 0, 0.0, []


def gradient_of(torch, program, arrays, wanted):
    n = sum(name[0] == "a" for name in arrays)
    arguments = [torch.from_numpy(arrays[f"a{k}"]).clone().requires_grad_(k in wanted)
                 for k in range(n)]
    outputs = program(*arguments)
    pairs = [(y, torch.from_numpy(arrays[f"c{o}"])) for o, y in enumerate(outputs)
             if f"c{o}" in arrays and y.requires_grad]
    found = [None] * len(wanted)
    if pairs and wanted:
        found = torch.autograd.grad([y for y, _ in pairs], [arguments[k] for k in wanted],
                                    [c for _, c in pairs], allow_unused=True)
    return {k: np.zeros(arrays[f"g{k}"].shape) if g is None else g.numpy()
            for k, g in zip(wanted, found)}


def gradients(torch, path, arrays):
    """torch's, of each float argument that it can differentiate by; 0 where it depends on none."""
    scope = {"torch": torch}
    with open(path, encoding="utf-8") as f:
        exec(f.read(), scope)  # pylint: disable=exec-used
    wanted = [int(name[1:]) for name in arrays if name[0] == "g"]
    try:
        return gradient_of(torch, scope["program"], arrays, wanted)
    except (IndexError, RuntimeError) as error:
        if not all(a.size for a in arrays.values()):
            return {}  # of no elements
        if not re.search("is not implemented|is not differentiable with respect to", str(error)):
            raise
    found = {}
    for k in wanted if len(wanted) > 1 else ():
        try:
            found.update(gradient_of(torch, scope["program"], arrays, [k]))
        except RuntimeError:
            pass
    return found


def compare(argument, ours, theirs, moves, around, few, tally, where):
    """around: largest magnitude of what the gradient is made of. few: roundoffs of it that may be lost."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), around)
        is_kink = ~(moves <= KINK * size + 1e-290) | ~np.isfinite(ours)
        # Of three equal elements the steps may leave one in the middle.
        is_kink |= np.isin(argument, argument[is_kink])
        granted = ROUNDOFF * (few * size + 16 * moves / STEP) + 1e-300
        off = np.abs(ours - theirs) / granted
        off = np.where(is_kink | (ours == theirs), 0, np.where(np.isnan(off), np.inf, off))
    tally.kinks += int(is_kink.sum())
    tally.compared += int((~is_kink).sum())
    worst = float(off.max(initial=0))
    tally.worst = max(tally.worst, worst)
    if worst > 1:
        i = np.unravel_index(off.argmax(), off.shape)
        tally.failures.append(f"{where}{list(map(int, i))}: ours {ours[i]!r}, torch's {theirs[i]!r}, "
                              f"{worst:.3g} of what is granted, {int((off > 1).sum())} such")


def check_program(torch, stem, is_elementwise, tally):
    with np.load(stem + ".npz") as file:
        arrays = {name: file[name] for name in file.files}
    tally.programs += 1
    found = gradients(torch, stem + ".py", arrays)
    # Element-wise gradients stand for themselves, but torch makes some of the result: 1 - y * y.
    kinds = "c" if is_elementwise else "cg"
    largest = max([np.abs(arrays[n]).max(initial=0) for n in arrays if n[0] in kinds], default=0)
    for k, theirs in found.items():
        few = FEW / 64 if is_elementwise else FEW
        compare(arrays[f"a{k}"], arrays[f"g{k}"], theirs, arrays[f"s{k}"], largest, few, tally,
                f"{os.path.basename(stem)}: a{k}")


def explain(directory, failure):
    with open(os.path.join(directory, failure.split(":")[0] + ".py"), encoding="utf-8") as f:
        return [failure, f.read()]


def main():
    tap, count = harness.Tap(), sys.argv[2] if len(sys.argv) > 2 else "5"
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError:
        print("1..1\nok 1 - gradients # SKIP no torch")
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        made = subprocess.run([sys.argv[1], count, directory, *sys.argv[3:]], stdout=subprocess.PIPE,
                              text=True, check=True).stdout
        for line in made.splitlines():
            op, programs, refused, vjp, elementwise = line.split()
            tally = Tally()
            for i in range(int(programs)):
                check_program(torch, os.path.join(directory, f"{op}.{i}"), elementwise == "1", tally)
            comments = [c for f in tally.failures[:2] for c in explain(directory, f)]
            # Inputs repeat values, so most elements of a sort or a maximum lie at ties.
            is_seen = int(programs) > 0 and 4 * tally.compared >= tally.kinks
            tap.result(not tally.failures and is_seen,
                       f"{op} ({vjp} vjp): {programs} programs, {refused} that torch does not say, "
                       f"{tally.compared} elements, {tally.kinks} at kinks, worst {tally.worst:.3f}",
                       comments)
    tap.close()


main()
