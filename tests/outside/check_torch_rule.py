# SPDX-License-Identifier: Apache-2.0
"""PyTorch's rule for reports of fuzzers as `opjury report` says it, against torch._dynamo.utils.same itself (TAP): on
findings made here, whose results are off by more and less than the rule allows.

check_torch_rule.py OPJURY"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch._dynamo.utils import same

from harness import Tap

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
CASES = 48
ENVIRONMENT = {"opjury": "0", "system": "Linux", "kernel": "6", "architecture": "x86_64", "cpu": "any", "targets": []}


def stored(tensor):
    """As .npz files have it: bf16 by its bits."""
    return (tensor.view(torch.int16).numpy().view(np.uint16) if tensor.dtype == torch.bfloat16 else tensor.numpy())


def write(folder, name, n, x, expected, actual):
    os.makedirs(folder)
    with open(f"{folder}/program.txt", "w", encoding="utf-8") as f:
        f.write(f"x: {name}[{n}] = input\ny: {name}[{n}] = sqrt(x)\noutput y\n")
    np.savez(f"{folder}/inputs.npz", x=stored(x))
    np.savez(f"{folder}/expected.npz", **{"y.expected": stored(expected), "y.bound": np.zeros(n),
                                          "y.actual": stored(actual)})
    row = {"target": "torch", "version": "2", "verdict": "finding", "oracle": "value", "text": "wrong"}
    for file, data in (("environment.json", ENVIRONMENT),
                       ("verdict.json", {"title": "t", "library": "torch", "version": "2", "target": "torch",
                                         "oracle": "value", "verdicts": [row]})):
        with open(f"{folder}/{file}", "w", encoding="utf-8") as f:
            json.dump(data, f)


def says(opjury, folder):
    done = subprocess.run([opjury, "report", folder, "--format", "json"], capture_output=True, text=True, check=True)
    record = json.loads(done.stdout)
    return record["passes_torch_rule"], record["torch_rule"]


def case(k, generator):
    """A dtype, a number of elements, and results that are off by a share of what the rule is about."""
    name = list(DTYPES)[k % 3]
    n = [4, 300, 1200][k // 3 % 3]
    x = (torch.rand(n, generator=generator) * 100 + 0.5).to(DTYPES[name])
    exact = x.double().sqrt()
    expected = exact.to(DTYPES[name])
    scale = 10 ** (torch.rand(1, generator=generator, dtype=torch.float64) * 3 - 4.5)
    noise = torch.randn(n, generator=generator, dtype=torch.float64) * scale * exact
    actual = (exact + noise).to(DTYPES[name])
    if k % 12 == 11:
        actual[n // 2] = [float("nan"), float("inf")][k // 12 % 2]
    return name, n, x, exact, expected, actual


def main():
    tap, generator = Tap(), torch.Generator().manual_seed(5)
    seen = set()
    with tempfile.TemporaryDirectory() as directory:
        for k in range(CASES):
            name, n, x, exact, expected, actual = case(k, generator)
            different = not same(expected, actual, exact, log_error=lambda *_: None)
            folder = os.path.join(directory, str(k))
            write(folder, name, n, x, expected, actual)
            passes, text = says(sys.argv[1], folder)
            seen.add((name, different))
            tap.result(passes == different, f"case {k}: {name}[{n}], {'different' if different else 'the same'}",
                       [text] if passes != different else [])
    tap.result(len(seen) == 6, "each dtype with both answers", sorted(seen) if len(seen) != 6 else [])
    tap.close()


main()
