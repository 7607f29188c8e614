# SPDX-License-Identifier: Apache-2.0
"""Virtual environments of a library in one release, each made once.

As a program (`opjury blame --versions` asks it): for each line "LIBRARY VERSION FOLDER" of its input the line
"python PATH", or "none REASON".
"""
import fcntl
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# library, packages that wheels of releases before this one need beside them: they name no upper bound themselves.
COMPANIONS = [
    ("onnxruntime", (1, 19), ["numpy<2", "protobuf<5"]),
    ("onnxruntime", (1, 21), ["numpy<2.2"]),
    ("torch", (2, 3), ["numpy<2"]),
]


def companions(library, version):
    parts = tuple(int(part) for part in version.split("+")[0].split(".")[:2] if part.isdecimal())
    return next((packages for name, before, packages in COMPANIONS if name == library and parts < before), ["numpy"])


def requirement(library, version):
    """What pip installs: the version without its build tag."""
    return f"{library}=={version.split('+')[0]}"


def of_release(folder, library, version):
    """make() of a release from PyPI, or of torch's from $TORCH_INDEX_URL."""
    index = os.environ.get("TORCH_INDEX_URL") if library == "torch" else None
    return make(folder, requirement(library, version), companions(library, version),
                (["--index-url", index] if index else []) + [requirement(library, version)])


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def make(folder, name, *installs):
    """(its interpreter, None), or (its interpreter, the line that says why there is none).

    It lies in ROOT/folder/name; each of `installs` is the words of one `pip install`. Of several processes that
    want the same one makes it.
    """
    place = os.path.join(ROOT, folder, name)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return make_alone(place, name, installs)


def make_alone(place, name, installs):
    python = os.path.join(place, "bin", "python")
    stamp = os.path.join(place, ".complete")
    if os.path.exists(stamp):
        return python, None
    shutil.rmtree(place, ignore_errors=True)
    print(f"# installing {name}", file=sys.stderr, flush=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    for command in ([sys.executable, "-m", "venv", place], *(pip + list(words) for words in installs)):
        done = run(command)
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
            return python, f"{name} could not be installed: {last[0]}"
    with open(stamp, "w", encoding="utf-8"):
        pass
    return python, None


def main():
    for line in sys.stdin:
        library, version, folder = line.rstrip("\n").split(" ", 2)
        python, reason = of_release(folder, library, version)
        print(f"none {reason}" if reason else f"python {python}", flush=True)


if __name__ == "__main__":
    main()
