# SPDX-License-Identifier: Apache-2.0
"""One plan, two roads (TAP): 1,000 generated programs, called by the worker's loop and run as
printed source, give the same bits on torch."""
import glob
import os
import subprocess
import sys
import tempfile

import numpy as np

PROGRAMS = 1000


def to_torch(torch, array, name):
    """In memory of torch's own, aligned to 64 bytes as the worker's: MKL's sums depend on that."""
    if name.endswith("_bf16"):
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16).clone()
    return torch.from_numpy(array).clone()


def dense(torch, tensor):
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.contiguous().view(torch.int16)
    return np.array(tensor.numpy())


def same(torch, path):
    scope = {"torch": torch}
    with open(path, encoding="utf-8") as f:
        source = f.read()
    exec(source, scope)  # pylint: disable=exec-used
    with np.load(path[:-3] + ".npz") as arrays:
        arguments = [to_torch(torch, arrays[n], n) for n in arrays.files if n[0] != "r"]
        results = [(n, arrays[n]) for n in arrays.files if n[0] == "r"]
    outputs = scope["program"](*arguments)
    if len(outputs) != len(results):
        return source
    for (_, expected), output in zip(results, outputs):
        actual = dense(torch, output)
        if actual.shape != expected.shape or actual.tobytes() != expected.tobytes():
            return source
    return None


def main():
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([sys.argv[1], str(PROGRAMS), directory], capture_output=True,
                              text=True, check=False)
        if done.returncode == 77:
            print(f"1..1\nok 1 - two roads # SKIP {done.stderr.strip()}")
            return
        import torch  # pylint: disable=import-outside-toplevel
        torch.set_num_threads(1)
        paths = glob.glob(os.path.join(directory, "*.py"))
        different = [text for text in (same(torch, p) for p in paths) if text]
        for text in [done.stderr, *different[:3]]:
            print("\n".join("# " + line for line in text.splitlines()))
        ok = len(paths) == PROGRAMS and not different and done.returncode == 0
        print(f"1..1\n{'ok' if ok else 'not ok'} 1 - {len(paths)} programs, {len(different)} differ")


main()
