# SPDX-License-Identifier: Apache-2.0
"""Start of a zygote: import one library through its adapter, warm it up, hand over to C.

An adapter is a module opjury/NAME.py. It must not start a thread. It offers

    version() -> str
    warm()                          optional: first calls whose cost every worker would pay
    load(program, options), run(loaded, tensors) -> sequence of outputs: tensors, or (memory of
                                    its bits, "BF16") where the library's buffers have no such dtype
      and prepare(loaded, tensors), build([loaded, ...]) -> [None or exception, ...]
                                    optional, between the two: what several programs share
      or dtypes: {"f32": object} and resolve(path) -> callable: driven by call plans (load may make a function of
        one: _worker.plan)
      and configure(options)      optional: what the options say, "" for none, before the calls and after; gives None
                                    or a device: send(tensors) and fetch(tensors) move lists there and back
    exchange                        the type's __dlpack_c_exchange_api__ capsule, or None
    from_dlpack(capsule)            or from_memory(memoryview, dtype, shape): tensors in
    random_state() -> tensor        optional: state of the library's generator
    state() -> ((name, value), ...) optional: what a call must leave as it was
    reset(state)                    optional: put it back
    close()                         optional: when the zygote ends
    starts_processes = True         optional: its workers run compilers; others can start no process
    places                          optional: what workers read besides what is imported, paths

and raises opjury.NotExercised where it cannot do what a target's options claim, opjury.NoDevice where they
name a device that is not there. Workers run in a sandbox (sandbox.h): files go to tempfile.gettempdir(),
which is a worker's own and empty at its start.

Must be readable by interpreters that are too old for it: they get one clear line.
"""

import faulthandler
import fcntl
import gc
import importlib
import os
import sys
import tempfile

ENVIRONMENT, MISSING = 3, 4  # wire.h: WIRE_EXIT_*


def give_up(code, text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    os._exit(code)


def check_interpreter():
    version = "%d.%d" % sys.version_info[:2]
    if sys.version_info < (3, 11) or sys.implementation.name != "cpython":
        give_up(ENVIRONMENT, "%s is version %s: opjury needs CPython 3.11 or newer"
                % (sys.executable, version))
    import sysconfig

    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        give_up(ENVIRONMENT, "%s is a free-threaded build of Python %s: opjury needs the ordinary one"
                % (sys.executable, version))


def settle(folder):
    """The temporary folder, home and working directory of this process and of all it starts."""
    os.environ["HOME"] = os.environ["TMPDIR"] = folder
    tempfile.tempdir = None
    os.chdir(folder)


def main(name, socket):
    check_interpreter()
    scratch = os.environ.pop("OPJURY_SCRATCH")
    lock = os.open(scratch, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)  # scratch.c: as long as we live
    os.mkdir(scratch + "/zygote", 0o700)
    os.environ["HOME"] = os.environ["TMPDIR"] = scratch + "/zygote"
    try:
        adapter = importlib.import_module("opjury." + name)
    except ModuleNotFoundError as e:
        if e.name == name.partition("_")[0]:
            give_up(MISSING, "%s has no %s" % (sys.executable, e.name))
        give_up(ENVIRONMENT, "import of %s fails in %s: %s" % (name, sys.executable, e))
    except Exception as e:
        give_up(ENVIRONMENT, "import of %s fails in %s: %s: %s"
                % (name, sys.executable, type(e).__name__, str(e).replace("\n", " ")))
    from opjury import _worker, places

    if hasattr(adapter, "warm"):
        adapter.warm()
    gc.collect()
    gc.freeze()  # what is imported stays: a collection in a worker need not touch its pages
    # What dies says where in Python's code it is, behind what crash.c records. 3.14 adds C frames.
    without = {"c_stack": False} if sys.version_info >= (3, 14) else {}
    faulthandler.enable(2, all_threads=False, **without)
    confined = None if os.environ.get("OPJURY_SANDBOX") == "off" else \
        places.readable(adapter) + [scratch + "/zygote"]
    _worker.serve(socket, adapter, adapter.version(), scratch, settle, confined)
