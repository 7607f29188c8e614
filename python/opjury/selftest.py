# SPDX-License-Identifier: Apache-2.0
"""A library that misbehaves on purpose: outputs are the inputs, the option says what else happens.

It needs the standard library only, so tests of the workers run without any package.
"""

import ctypes
import mmap
import os
import platform
import re
import resource
import signal
import sys
import time

from opjury import NoDevice, selftest_sandbox

FORMAT = {"BOOL": "?", "I8": "b", "U8": "B", "I16": "h", "U16": "H", "I32": "i", "U32": "I",
          "I64": "q", "F16": "e", "F32": "f", "F64": "d"}
KEPT = []
starts_processes = True
SETTING = ["as it was"]
RAN = mmap.mmap(-1, 1)  # of all workers of one interpreter: has any run?


def version():
    return os.environ.get("OPJURY_SELFTEST_VERSION", "1")


def address(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def from_memory(memory, dtype, shape):
    if 0 in shape or not shape:
        return memory.cast(FORMAT[dtype])
    return memory.cast("B").cast(FORMAT[dtype], shape)


def state():
    return (("setting", SETTING[0]),)


def reset(before):
    SETTING[0] = dict(before)["setting"]


def recurse():
    """Overflow the C stack: each level of the callback is a frame of native code. Interpreters since
    3.12 stop after some thousand levels, so the stack may not grow as far as that."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, hard))
    sys.setrecursionlimit(10**6)
    callback = ctypes.CFUNCTYPE(None)
    again = callback(lambda: again())
    again()


def undefined_instruction():
    """What compilers put where a program cannot come."""
    code = {"x86_64": b"\x0f\x0b", "aarch64": b"\0\0\0\0"}[platform.machine()]
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    ctypes.CFUNCTYPE(None)(address(page))()


def shared_mappings():
    """Places of what the worker may write and the engine reads: the header, then results."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, access, *_ = line.split()
            if "opjury-ring" in line and access == "rw-s":
                yield [int(x, 16) for x in span.split("-")]


def overwrite_ring():
    for low, high in shared_mappings():
        ctypes.memset(low, 0xA5, min(high - low, 1 << 20))


def truncate_ring():
    """By the only way there is: the descriptor was closed. Not for everyone; then 'echo'."""
    for low, high in shared_mappings():
        try:
            ring = os.open(f"/proc/self/map_files/{low:x}-{high:x}", os.O_RDWR)
        except OSError:
            continue
        os.ftruncate(ring, 4096)


def fail_assertion():
    """As glibc's assert ends a process."""
    os.write(2, b"a line before\npython: library.cc:12: int f(int): Assertion `n > 0' failed.\n")
    os.abort()


def leave_child():
    """A process that would outlive us, as a compiler that a library started."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
        os._exit(0)


def bomb():
    """Each process starts others, for ever; where none can be started, who runs the tests may work."""
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


def leak_files(n):
    """Each is another file, or EMFILE."""
    for _ in range(n):
        KEPT.append(os.open("/dev/null", os.O_RDONLY))


def close_files(reopen):
    """Whatever is open, as a library that makes itself a daemon does."""
    os.closerange(0, 1024)
    if reopen:
        leak_files(32)


def write_much():
    block = b"x" * (1 << 20)
    for _ in range(1024):
        os.write(1, block)
    print("that was a gigabyte")


def allocate():
    while True:
        KEPT.append(bytearray(64 << 20))


def spin():
    while True:
        pass


def every_other():
    """Fails in each odd run of all processes, as the file counts them."""
    with open(os.environ["OPJURY_TURNS"], "ab") as turns:
        turns.write(b".")
        if turns.tell() % 2:
            1 // 0


ACTIONS = {
    "echo": lambda inputs: None,
    "raise": lambda inputs: 1 // 0,
    "segv": lambda inputs: ctypes.string_at(8),
    "abort": lambda inputs: os.abort(),
    "assert": lambda inputs: fail_assertion(),
    "illegal": lambda inputs: undefined_instruction(),
    "fpe": lambda inputs: os.kill(os.getpid(), 8),
    "exit": lambda inputs: os._exit(0),
    "overflow": lambda inputs: recurse(),
    "spin": lambda inputs: spin(),
    "spin-locked": lambda inputs: re.match("(a+)+$", "a" * 99 + "b"),  # never leaves C
    "sleep": lambda inputs: time.sleep(600),
    "stop": lambda inputs: os.kill(os.getpid(), signal.SIGSTOP),
    "child": lambda inputs: leave_child(),
    "fork-bomb": lambda inputs: bomb(),
    "allocate": lambda inputs: allocate(),
    "leak": lambda inputs: KEPT.append(bytearray(100 << 20)),
    "leak-files": lambda inputs: leak_files(100),
    "all-files": lambda inputs: leak_files(10**6),
    "close": lambda inputs: close_files(False),
    "close-reopen": lambda inputs: close_files(True),
    "gigabyte": lambda inputs: write_much(),
    "truncate": lambda inputs: truncate_ring(),
    "garbage": lambda inputs: overwrite_ring(),
    "garbage-segv": lambda inputs: (overwrite_ring(), ctypes.string_at(8)),
    "garbage-later": lambda inputs: (overwrite_ring(), time.sleep(0.3), ctypes.string_at(8)),
    "garbage-spin": lambda inputs: (overwrite_ring(), spin()),
    "garbage-sleep": lambda inputs: (overwrite_ring(), time.sleep(600)),
    "write-input": lambda inputs: ctypes.memset(address(inputs[0]), 0x7F, 1),
    "write-behind": lambda inputs: ctypes.memset(address(inputs[0]) + inputs[0].nbytes, 1, 1),
    "write-before": lambda inputs: ctypes.memset(address(inputs[0]) - 1, 1, 1),
    "read-behind": lambda inputs: ctypes.string_at(address(inputs[0]) + inputs[0].nbytes, 64),
    "round": lambda inputs: ctypes.CDLL("libm.so.6").fesetround(0xC00),
    "setting": lambda inputs: SETTING.__setitem__(0, "changed"),
    "print": lambda inputs: (print("to stdout"), print("to stderr", file=sys.stderr)),
    "kill-zygote": lambda inputs: (os.kill(os.getppid(), 9), time.sleep(600)),
    "text": lambda inputs: (_ for _ in ()).throw(RuntimeError("bad \udcff\x01 text")),
    "by-variable": lambda inputs: 1 // ("ORT_SELFTEST" not in os.environ),
    "every-other": lambda inputs: every_other(),
    "by-version": lambda inputs: ACTIONS[os.environ["OPJURY_SELFTEST_DOES"]](inputs),
    "rank": lambda inputs: None,
    "stale": lambda inputs: None,
    "chance": lambda inputs: None,
    "first": lambda inputs: None,
    "device=present": lambda inputs: None,
    **selftest_sandbox.ACTIONS,
}


def load(program, options):
    if options == "raise-load":
        raise RuntimeError("cannot load")
    if options == "device=absent":
        raise NoDevice("nothing is plugged in")
    if options == "segv-load":
        ctypes.string_at(8)
    return [options]


def run(loaded, inputs):
    """What was loaded keeps the inputs of its runs behind its option."""
    loaded.append(inputs)
    ACTIONS[loaded[0]](inputs)
    if loaded[0] == "rank":
        return [memoryview(bytes(1)).cast("b", (1,) * 8)]
    if loaded[0] == "chance":
        return [memoryview(os.urandom(x.nbytes)).cast(x.format, x.shape) for x in inputs]
    if loaded[0] == "first" and not RAN[0]:
        RAN[0] = 1
        return [memoryview(bytes(x.nbytes)).cast(x.format, x.shape) for x in inputs]
    return loaded[1] if loaded[0] == "stale" else inputs
