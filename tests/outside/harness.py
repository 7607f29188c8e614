# SPDX-License-Identifier: Apache-2.0
"""What the checks here share: TAP, our evaluator as a process, dtypes, when results agree."""
import subprocess

import ml_dtypes
import numpy as np

DTYPES = {np.dtype(t): name for t, name in (
    (np.bool_, "bool"), (np.int8, "i8"), (np.uint8, "u8"), (np.int16, "i16"), (np.uint16, "u16"),
    (np.int32, "i32"), (np.uint32, "u32"), (np.int64, "i64"), (np.float16, "f16"),
    (ml_dtypes.bfloat16, "bf16"), (np.float32, "f32"), (np.float64, "f64"))}


class Tap:
    def __init__(self):
        self.n = 0

    def result(self, ok, name, comments=()):
        self.n += 1
        for comment in comments:
            print("\n".join("# " + line for line in str(comment).splitlines()))
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name}", flush=True)

    def close(self):
        print(f"1..{self.n}")


class Server:
    """A tool that answers a line with a line; one that dies is an answer too."""

    def __init__(self, *command):
        self.command, self.process = command, None

    def ask(self, *words):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            self.process.stdin.write(" ".join(words) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if line.startswith(("ok", "refused", "error")):
            return line.rstrip("\n")
        text = line + self.process.stdout.read()
        status, self.process = self.process.wait(), None
        return f"error died with status {status}: {text.strip()}"


def catalogue(server):
    """op -> (its ONNX type or None, whether onnx_read makes the op of it)"""
    words = (w.split(":") for w in server.ask("ops").split()[1:])
    return {name: (None if kind == "-" else kind, back == "1") for name, kind, back in words}


def load_results(path):
    """The outputs with the noise granted to each element."""
    with np.load(path) as arrays:
        n = len(arrays.files) // 2
        return [(arrays[f"y{k}"], arrays[f"e{k}"]) for k in range(n)]


def excess(actual, noise, expected):
    """Error of the worst element in units of what is granted: its noise and the rounding of both results
    (0: none is off; any where that is infinite); infinite where nothing is. Another dtype or shape is a text."""
    if actual.dtype == np.uint16 and expected.dtype == ml_dtypes.bfloat16:
        actual = actual.view(ml_dtypes.bfloat16)
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return (f"{actual.dtype}{list(actual.shape)} where {expected.dtype}{list(expected.shape)} "
                "is right")
    if actual.dtype.kind in "iub":
        return 0.0 if np.array_equal(actual[noise == 0], expected[noise == 0]) else np.inf
    a, b = actual.astype(np.longdouble), expected.astype(np.longdouble)
    off = ~((a == b) | (np.isnan(a) & np.isnan(b)) | np.isinf(noise))
    if not off.any():
        return 0.0
    roundoff = float(ml_dtypes.finfo(expected.dtype).eps) / 2
    granted = np.where(noise > 0, noise + roundoff * np.abs(b), 0)
    with np.errstate(all="ignore"):
        units = (np.abs(a - b) / granted)[off]
    return float("inf") if not np.isfinite(units).all() else float(units.max())
