# SPDX-License-Identifier: Apache-2.0
"""JAX on the CPU: a program is a plan of public calls, each made as any user's; x64 is on, or int64 and float64 would
not be there. A backend's threads do not survive a fork, so the zygote stops after the import and each worker starts its
own. jax_jit.py compiles the plan as a whole."""

import ctypes
import os

# An arena of malloc's for each of XLA's threads reserves 64 MiB of address space, which is limited.
ctypes.CDLL(None).mallopt(-8, 2)  # M_ARENA_MAX
os.environ["NPROC"] = "1"  # the threads of XLA's pools: DefaultThreadPoolSize of its CPU client
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.extend
import jax.numpy
import ml_dtypes
import numpy

from opjury import NoDevice, _worker, calls

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_traceback_filtering", "off")  # nobody reads it here, and it costs

NAMES = {"BOOL": "bool", "I8": "int8", "U8": "uint8", "I16": "int16", "U16": "uint16", "I32": "int32", "U32": "uint32",
         "I64": "int64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
DTYPES = {name: getattr(jax.numpy, own) for name, own in NAMES.items()}
NUMPY = {name: numpy.dtype(ml_dtypes.bfloat16 if name == "BF16" else own) for name, own in NAMES.items()}

threads = 1      # of the backend
platform = "cpu"


def version():
    return jax.__version__


def options_of(text):
    return dict(word.partition("=")[::2] for word in text.split(",") if word)


def use_threads(n):
    """The client's pool has its size for life: another one takes its place."""
    global threads
    if n != threads:
        threads = n
        os.environ["NPROC"] = str(n)
        jax.clear_caches()
        jax.extend.backend.clear_backends()


def use_device(name):
    """A worker has one device from its first program on."""
    global platform
    if name != platform:
        platform = name
        jax.config.update("jax_platforms", name)
    try:
        jax.devices(name)
    except RuntimeError:
        raise NoDevice(f"jax {version()} finds no {name}") from None


class Program:
    def __init__(self, plan, options):
        self.words = options_of(options)
        self.n_inputs, self.calls = _worker.plan(plan, calls.resolve, DTYPES)

    def call(self, tensors):
        if self.words.get("disable_jit") != "on":
            return self.calls(tensors)
        with jax.disable_jit():
            return self.calls(tensors)


def traced(program, tensors):
    """Nothing compiled: is there a rule for each call with such arguments? Zeros in place of results."""
    inputs, constants = tensors[:program.n_inputs], tensors[program.n_inputs:]
    shapes = jax.eval_shape(lambda *values: program.calls([*values, *constants]), *inputs)
    return [numpy.zeros(s.shape, s.dtype) for s in shapes]


def load(plan, options):
    return Program(plan, options)


def run(program, tensors):
    if "probe" in program.words:
        return traced(program, tensors)
    use_threads(int(program.words.get("threads", 1)))
    use_device(program.words.get("device", "cpu"))
    outputs = program.call([jax.numpy.asarray(t) for t in tensors])
    return jax.block_until_ready(outputs)


def from_memory(memory, dtype, shape):
    return numpy.ndarray(shape, NUMPY[dtype], memory)
