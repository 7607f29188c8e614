# SPDX-License-Identifier: Apache-2.0
"""selftest in packs: one program of a pack misbehaves, the one whose first input begins with 20.

The option says how and when: "segv-prepare", "raise-build", ...; "size" answers with how many were
built together, "stale" with what it was first prepared with.
"""

import ctypes

from opjury import selftest
from opjury.selftest import from_memory, version  # noqa: F401

CULPRIT = 20.0


class Program:
    def __init__(self, options):
        self.action, _, self.when = options.partition("-")
        self.culprit, self.size, self.first = False, 0, []

    def act(self, when, inputs=None):
        if self.culprit and when == self.when:
            selftest.ACTIONS[self.action](inputs)


def load(_, options):
    return Program(options)


def prepare(program, inputs):
    program.culprit = inputs[0][0, 0] == CULPRIT
    program.first = program.first or inputs
    program.act("prepare")


def build(programs):
    errors = []
    for program in programs:
        program.size = len(programs)
        try:
            program.act("build")
            errors.append(None)
        except ZeroDivisionError as e:
            errors.append(e)
    return errors


def run(program, inputs):
    program.act("run", inputs)
    if program.action == "write" and program.culprit:
        ctypes.memset(selftest.address(inputs[0]), 0x7F, 1)
    if program.action == "size":
        size = (ctypes.c_float * 6)(*[program.size] * 6)
        return [memoryview(size).cast("B").cast("f", (2, 3))]
    return program.first if program.action == "stale" else inputs
