# SPDX-License-Identifier: Apache-2.0
"""Stand-alone scripts, run as users run them (TAP): status 1 when the fault shows, 0 when it does
not, 2 when it cannot run; what they print; both libraries, bf16 and large data included."""
import contextlib
import importlib.util
import io
import os
import signal
import subprocess
import sys
import tempfile

import numpy as np

SMALL = "x: f32[2,3] = input\nw: f32[3] = const [0.1, nan, 1e-40]\ny: f32[2,3] = add(x, w)\noutput y\n"
BF16 = "x: bf16[2,2] = input\ny: f32[2,2] = cast(x, to=f32)\nz: bf16[2,2] = transpose(x, perm=[1,0])\noutput y\noutput z\n"
INTS = ("x: i64[4] = input\nb: bool[4] = cast(x, to=bool)\ny: i64[4] = add(x, x)\n"
        "output y\noutput b\n")
LARGE = "x: f32[40,50] = input\ny: f32[40,50] = neg(x)\noutput y\n"
EMPTY = "x: f16[0,2] = input\ny: f16[0,2] = neg(x)\nz: f32[2] = input\nv: f32[2] = neg(z)\noutput v\noutput y\n"
# Elements whose text is not exact, and some that no text gives back.
BITS = ("x: bf16[1] = input\nw: bf16[5] = const [0.1, -0.3, 9e-41, 3e38, -inf]\ny: bf16[5] = add(x, w)\n"
        "v: f32[4] = const [0.1, 1e-45, 3.4028235e+38, -0]\nz: f32[4] = neg(v)\n"
        "u: f16[3] = const [0.1, 6e-08, 65504]\nq: f16[3] = neg(u)\noutput y\noutput z\noutput q\n")
POOLS = ("x: f32[1,1,5] = input\ny: f32[1,1,5] = max_pool(x, ceil_mode=false, kernel_shape=[1], strides=[1], "
         "dilations=[1], pads=[0,0])\nz: f32[1,1,3] = max_pool(x, ceil_mode=true, kernel_shape=[2], strides=[2], "
         "dilations=[1], pads=[0,0])\noutput y\noutput z\n")
SCALAR = "x: f64[] = input\ny: f64[] = neg(x)\noutput y\n"
REFUSED = "x: i16[4] = input\ny: i16[4] = relu(x)\noutput y\n"  # no kernel in onnxruntime


def script(tool, program, library, setup, fault, path):
    text = subprocess.run([tool, "script", library, setup, fault], input=program, text=True,
                          capture_output=True, check=True).stdout
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return subprocess.run([sys.executable, path], capture_output=True, text=True, check=False), text


class Tap:
    def __init__(self):
        self.n = 0

    def result(self, ok, name, *comments):
        self.n += 1
        for comment in comments if not ok else ():
            print("\n".join("# " + line for line in str(comment).splitlines()))
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name}")


def check_statuses(tap, tool, path):
    for library, setup in (("onnxruntime", "all"), ("onnxruntime", "none"), ("torch", "-")):
        for name, program in (("small", SMALL), ("bf16", BF16), ("ints", INTS), ("large", LARGE),
                              ("empty", EMPTY)):
            for fault, status in (("none", 0), ("value", 1)) + ((("end", 0),) if name in ("small", "bf16") else ()):
                done, _ = script(tool, program, library, setup, fault, path)
                tap.result(done.returncode == status and library in done.stdout and
                           ("1 of" in done.stdout) == (status == 1),
                           f"{library} {setup} {name}: {fault}", done.stdout, done.stderr)
        done, _ = script(tool, SCALAR, library, setup, "none", path)
        tap.result(done.returncode == 0, f"{library} {setup} rank 0", done.stdout, done.stderr)
    for setup in ("device=cpu", "jit", "jit,opt=none", "jit,script,opt=freeze", "jit,opt=inference", "export",
                  "export,strict,decompositions=core"):
        done, _ = script(tool, BF16 if setup == "export" else SMALL, "torch", setup, "value", path)
        tap.result(done.returncode == 1 and "1 of" in done.stdout, f"torch {setup}: the fault shows", done.stdout,
                   done.stderr)
        if setup != "device=cpu":
            done, _ = script(tool, SMALL, "torch", setup, "short-value", path)
            tap.result(done.returncode == 0 and "expected" in done.stdout, f"torch {setup}: short", done.stdout,
                       done.stderr)
    if importlib.util.find_spec("onnxscript"):
        for setup in ("onnx", "onnx,exporter=torchscript"):
            for program, fault, status in ((BF16, "value", 1), (SMALL, "short-value", 0)):
                done, _ = script(tool, program, "torch", setup, fault, path)
                tap.result(done.returncode == status, f"torch {setup} {fault}", done.stdout, done.stderr)
    _, text = script(tool, SMALL, "torch", "-", "end", path)
    data = {}
    exec(text.split("\ndef run")[0], data)  # pylint: disable=exec-used
    tap.result(all((x.ctypes.data + x.nbytes) % 4096 == 0 for x in data["inputs"]), "inputs end with a page")
    for beside, status in ((-1, 0), (0, -signal.SIGSEGV)):
        look = f"\nx = inputs[0]\nctypes.string_at(x.ctypes.data + x.nbytes + {beside}, 1)\n"
        done = subprocess.run([sys.executable, "-c", text.split("\ndef run")[0] + look], check=False)
        tap.result(done.returncode == status, f"what lies behind an input cannot be read: {beside}")
    done, _ = script(tool, REFUSED, "onnxruntime", "all", "NOT_IMPLEMENTED", path)
    tap.result(done.returncode == 1 and "NOT_IMPLEMENTED" in done.stdout, "the error shows",
               done.stdout, done.stderr)
    done, _ = script(tool, REFUSED, "onnxruntime", "all", "another text", path)
    tap.result(done.returncode == 2, "another error: it cannot run", done.stdout, done.stderr)
    done, _ = script(tool, SMALL, "torch", "-", "some text", path)
    tap.result(done.returncode == 0 and "no error" in done.stdout, "no error", done.stdout)


def check_form(tap, tool, path):
    done, text = script(tool, SMALL, "torch", "-", "value", path)
    tap.result("1 of 6 elements are wrong; at [0, 1]: expected 1.0, actual nan, allowed 0.0625" in
               done.stdout, "the worst element is named", done.stdout)
    tap.result(max(map(len, text.splitlines())) <= 100, "lines fit 100 columns")
    done, _ = script(tool, INTS, "torch", "-", "value", path)
    tap.result("1 of 4 elements are wrong" in done.stdout and ".0" not in done.stdout.partition("\n")[2].partition(", allowed")[0],
               "integers are integers, beyond 2**53 too", done.stdout)
    tap.result(text == script(tool, SMALL, "torch", "-", "value", path)[1], "the same bytes again")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("import torch", "import torch_that_is_not_there"))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    tap.result(done.returncode == 2 and "torch_that_is_not_there" in done.stdout,
               "without the library: status 2", done.stdout, done.stderr)
    done = subprocess.run([tool, "script", "onnxruntime", "best", "none"], input=SMALL, text=True,
                          capture_output=True, check=False)
    tap.result("has no level 'best'" in done.stderr, "an unknown level", done.stderr)


def check_bits(tap, tool, path):
    _, text = script(tool, BITS, "torch", "-", "none", path)
    scope = {}
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, path, "exec"), scope)  # pylint: disable=exec-used
    constants = {a.dtype.name: a.view(f"u{a.itemsize}").tolist() for a in scope["constants"]}
    tap.result(constants == {"uint16": [0x3dcd, 0xbe9a, 0x0001, 0x7f62, 0xff80],
                             "float32": [0x3dcccccd, 1, 0x7f7fffff, 0x80000000],
                             "float16": [0x2e66, 1, 0x7bff]}, "values keep their bits", constants)


def short(tool, program, library, setup, claim):
    """What the short script ends with, run in this interpreter, which has the libraries already; its names."""
    done = subprocess.run([tool, "script", library, setup, "short-" + claim], input=program, text=True,
                          capture_output=True, check=False)
    scope = {}
    if done.returncode != 0:
        return done.stderr, scope
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(done.stdout, scope)  # pylint: disable=exec-used
        except Exception as error:  # pylint: disable=broad-except
            return f"{type(error).__name__}: {error}", scope
    return "right", scope


def check_short(tap, tool):
    """The script that is to be read: its last lines hold where the library is right, and only there."""
    for library, setup in (("onnxruntime", "all"), ("onnxruntime", "none"), ("torch", "-")):
        for name, program in (("small", SMALL), ("ints", INTS), ("large", LARGE), ("empty", EMPTY)):
            for claim in "value", "wrong", "form", "inputs", "runs":
                end, _ = short(tool, program, library, setup, claim)
                tap.result(end.startswith("AssertionError" if claim == "wrong" else "right"),
                           f"short {library} {setup} {name}: {claim}", end)
    end, scope = short(tool, BITS, "torch", "-", "form")
    tap.result(end == "right", "short: bf16 in torch", end)
    bits = {n: scope[n].view(getattr(scope["torch"], f"int{8 * scope[n].itemsize}")).tolist() for n in "vwu"}
    tap.result(bits == {"v": [0x3dcccccd, 1, 0x7f7fffff, -1 << 31], "w": [0x3dcd, 0xbe9a - 65536, 1, 0x7f62,
                        0xff80 - 65536], "u": [0x2e66, 1, 0x7bff]}, "short: values keep their bits", bits)
    end, scope = short(tool, POOLS, "onnxruntime", "all", "value")
    tap.result(end == "right", "short: without attributes that are as without them", end)
    said = [sorted(a.name for a in node.attribute) for node in scope["model"].graph.node]
    tap.result(said == [["kernel_shape"], ["ceil_mode", "kernel_shape", "strides"]], "short: others are said", said)
    end, _ = short(tool, BITS, "onnxruntime", "all", "runs")
    tap.result("bfloat16" in end, "short: bf16 at the ends of a model", end)
    end, _ = short(tool, REFUSED, "onnxruntime", "all", "runs")
    tap.result("NOT_IMPLEMENTED" in end, "short: the error shows", end)


def main():
    tool = sys.argv[1]
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "repro.py")
        check_statuses(tap, tool, path)
        check_form(tap, tool, path)
        check_bits(tap, tool, path)
    check_short(tap, tool)
    print(f"1..{tap.n}")


main()
