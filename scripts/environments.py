# SPDX-License-Identifier: Apache-2.0
"""Virtual environments of a library in one version, each made once."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def make(folder, requirement, *installs):
    """(its interpreter, None), or (its interpreter, the line that says why there is none).

    It lies in ROOT/folder/requirement; each of `installs` is the words of one `pip install`.
    """
    place = os.path.join(ROOT, folder, requirement)
    python = os.path.join(place, "bin", "python")
    stamp = os.path.join(place, ".complete")
    if os.path.exists(stamp):
        return python, None
    shutil.rmtree(place, ignore_errors=True)
    print(f"# installing {requirement}", file=sys.stderr, flush=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    for command in ([sys.executable, "-m", "venv", place], *(pip + list(words) for words in installs)):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
            return python, f"{requirement} could not be installed: {last[0]}"
    with open(stamp, "w", encoding="utf-8"):
        pass
    return python, None
