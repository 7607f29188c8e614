# SPDX-License-Identifier: Apache-2.0
"""selftest as a library that runs no compiler: its workers can start no process.

$OPJURY_SETUP says where its set-up goes wrong: "import-segv", "warm-sleep", "worker-exit", ...
"""

import os

from opjury import selftest
from opjury.selftest import from_memory, load, reset, run, version  # noqa: F401

WHERE, _, ACTION = os.environ.get("OPJURY_SETUP", "").partition("-")


def act(where):
    if where == WHERE:
        selftest.ACTIONS[ACTION](None)


act("import")


def warm():
    act("warm")


def state():
    act("worker")  # asked first before any run
    return selftest.state()
