# SPDX-License-Identifier: Apache-2.0
"""torch.compile: a program is Python source, traced and compiled by itself as any user's.

inductor runs a C++ compiler for each kernel, which takes longer than all its own work. In a pack of
programs what it asks to be built is put off until all of them are traced; then their kernels, as it
wrote them and with its own command line, become one shared library. Cache look-ups are off: each
program is compiled anew. The scratch folder of a worker holds generated sources and libraries; the
precompiled header lies in opjury's cache, under inductor's own hash of compiler, flags and header.
"""

import functools
import gc
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import types

# sympy keeps 1000 results of a function by default; inductor asks for many more again and again.
os.environ.update({"TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
                   "SYMPY_CACHE_SIZE": "50000"})

import sympy
import torch
import torch._dynamo
import torch._functorch.config
import torch._inductor
from torch._dynamo.output_graph import OutputGraph
from torch._dynamo.utils import counters
from torch._inductor import codecache
from torch._inductor.async_compile import AsyncCompile
from torch._inductor.compiler_bisector import CompilerBisector

from opjury import NotExercised
from opjury.torch import (dtypes, exchange, find_device, from_dlpack, random_state,  # noqa: F401
                          reset, state, version)

del dtypes  # programs are no call plans here
starts_processes = True  # g++
places = []  # precompiled headers
WARM = """def program(x):
    return (torch.softmax(torch.sin(x) + x, 0), torch.matmul(x, x), torch.cumsum(x, 0), x.sum())
"""
Bindings = codecache.CppPythonBindingsCodeCache
n_loaded = 0  # for file names: dynamo takes two functions of one name and place for one


# ---- kernels that are built later ----

class Later(Exception):
    """A kernel was called that is not built yet."""


class Kernel:
    """What stands in inductor's wrapper for a kernel."""

    def __init__(self, argtypes, source):
        self.argtypes, self.source, self.call = argtypes, source, None

    def __call__(self, *args):
        if self.call is None:
            raise Later
        return self.call(*args)

    def build(self):
        """By itself, as inductor does."""
        self.call = Bindings.load_pybinding(self.argtypes, self.source)


collected = []  # kernels that the program under way asked for


def collect(_, argtypes, source):
    collected.append(Kernel(argtypes, source))
    return collected[-1]


class Library(Bindings):
    """One shared library of several kernels, each with inductor's own binding."""

    cache = {}
    n_kernels = 0

    @classmethod
    def _load_library_inner(cls, path, key):
        os.environ["_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR"] = str(
            torch._C._dynamo.guards._torchinductor_pyobject_tensor_data_ptr)
        kernels = types.ModuleType(key)
        kernels.calls = []
        for k in range(cls.n_kernels):
            spec = importlib.util.spec_from_file_location(f"{key}.kernel_{k}", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            kernels.calls.append(module.kernel)
        return kernels


INCLUDES = "#define PY_SSIZE_T_CLEAN\n" + "".join(
    f"#include <{header}>\n" for header in ("Python.h", "sstream", "cstdlib", "cerrno"))


def unit(kernels):
    """The C++ of several kernels: each in a namespace, its two C names made its own."""
    parts = [INCLUDES]
    for k, kernel in enumerate(kernels):
        arguments = ", ".join(f"parse_arg<{a.replace('const ', '')}>(args, {n})"
                              for n, a in enumerate(kernel.argtypes))
        binding = Bindings.suffix_template.format(
            arg_len=len(kernel.argtypes), entry_func="kernel", extra_parse_arg="",
            call_entry_func=Bindings.call_entry_function.format(arguments))
        parts.append(f"#define kernel kernel_{k}\n#define PyInit_kernel PyInit_kernel_{k}\n"
                     f"namespace opjury_{k} {{\n{kernel.source}\n{binding}\n}}\n"
                     "#undef kernel\n#undef PyInit_kernel\n")
    return "".join(parts)


def needs_vectors(kernel):
    return any(marker in kernel.source for marker in codecache._VEC_ISA_CPP_SOURCE_MARKERS)


def build_together(kernels):
    for has_vectors in (False, True):
        group = [k for k in kernels if needs_vectors(k) == has_vectors]
        if len(group) == 1:
            group[0].build()
        elif group:
            Library.n_kernels = len(group)
            library = Library.load_async(unit(group), "cpu", needs_vec_isa=has_vectors)()
            for kernel, call in zip(group, library.calls):
                kernel.call = call


# ---- parts that are left out ----

class Skip:
    """skip=NAME or NAME:N, what TORCH_BISECT_SUBSYSTEM and TORCH_BISECT_MAX say for a process."""

    def __init__(self, words):
        self.name, _, most = words.get("skip", "").partition(":")
        self.most = int(most) if most else -1  # applications that are not left out
        self.applied = 0

    def leaves_out(self, name, what):
        if name != self.name or self.most < 0:
            return name == self.name
        self.applied += 1
        if self.applied <= self.most:  # see struct subsystem
            print(f"applied {name} {self.applied} {what() if what else name}", file=sys.stderr,
                  flush=True)
        return self.applied > self.most


def is_left_out(_, name, what=None):
    """CompilerBisector.disable_subsystem asks the environment, or files, what to leave out."""
    return under_way is not None and under_way.skip.leaves_out(name, what)


# ---- programs ----

under_way = None  # the program that is called


def watch(compile_graph):
    """OutputGraph.call_user_compiler, which also notes how many sizes of the graph are open."""
    @functools.wraps(compile_graph)
    def watched(self, graph, *args, **kwargs):
        under_way.open_sizes = sum(isinstance(n.meta.get("example_value"), torch.SymInt)
                                   for n in graph.graph.nodes if n.op == "placeholder")
        return compile_graph(self, graph, *args, **kwargs)
    return watched


class Program:
    def __init__(self, source, options):
        global n_loaded
        n_loaded += 1
        words = dict(word.partition("=")[::2] for word in options.split(",") if word)
        self.source, self.options = source, options
        self.is_probe = "probe" in words  # eager, to find out what there is
        self.threads = int(words.get("threads", 1))
        self.backend = words.get("backend", "inductor")
        self.skip = Skip(words)
        self.device = find_device(words)
        self.arguments = {"fullgraph": True, "backend": self.backend, **inductor_options(words)}
        if "dynamic" in words:
            self.arguments["dynamic"] = True
        scope = {"torch": torch, "inf": float("inf"), "nan": float("nan")}
        exec(compile(source, f"<program {n_loaded}>", "exec"), scope)  # pylint: disable=exec-used
        self.function, self.compiled = scope["program"], None
        self.graphs, self.kernels, self.tensors = 0, [], []
        self.open_sizes = 0  # of the graph that was compiled last

    def call_eager(self, tensors):
        if not self.device:
            return self.function(*tensors)
        torch.set_default_device(self.device.name)
        try:
            return self.device.fetch(self.function(*self.device.send(tensors)))
        finally:
            torch.set_default_device(None)

    def call(self, tensors):
        """A first call compiles. Later: a kernel was reached that is yet to be built."""
        global under_way
        under_way = self
        self.skip.applied = 0
        if self.compiled is None:
            self.compiled = torch.compile(self.function, **self.arguments)
        torch.set_num_threads(self.threads)
        if self.device:
            torch.set_default_device(self.device.name)
            tensors = self.device.send(tensors)
        counters.clear()
        try:
            if self.skip.name != "cse":
                return self.compiled(*tensors)
            with torch._functorch.config.patch(cse=False):
                return self.compiled(*tensors)
        except torch._dynamo.exc.Unsupported as e:
            raise NotExercised("dynamo does not make one graph of it: " +
                               str(e).strip().partition("\n")[0]) from None
        finally:
            under_way = None
            torch.set_num_threads(1)
            if self.device:
                torch.set_default_device(None)
            self.kernels += collected
            collected.clear()
            self.graphs += counters["stats"]["unique_graphs"]

    def prepare(self, tensors):
        self.tensors.append(tensors)
        try:
            self.call(tensors)
        except Later:
            pass

    def build(self):
        for kernel in self.kernels:
            if kernel.call is None:
                kernel.build()

    def build_alone(self):
        """What fails together with others fails by itself as for any user: the exception. Or it does
        not, which is no fault of the program: None."""
        again = Program(self.source, self.options)
        try:
            for tensors in self.tensors:
                again.prepare(tensors)
            again.build()
        except Exception as e:  # pylint: disable=broad-except
            return shortened(e)
        self.__dict__.update(again.__dict__)
        return None


def inductor_options(words):
    """mode= and casts= as torch.compile's argument: it takes either a mode or options."""
    options = {}
    if "mode" in words:
        options.update(torch._inductor.list_mode_options(words["mode"], "dynamic" in words))
    if words.get("casts") == "strict":
        options["emulate_precision_casts"] = True
    if words.get("skip") in ("layout_optimization", "comprehensive_padding"):
        options[words["skip"]] = False
    return {"options": options} if options else {}


def shortened(error):
    """The command line of a compiler that failed says nothing of the program and hides what does."""
    head, _, rest = str(error).partition("\n\nCommand:\n")
    _, _, output = rest.partition("\n\nOutput:\n")
    lines = [re.sub(r"^\S+: error: ", "", line)
             for line in output.splitlines() if " error: " in line]
    if not lines:
        return error
    lines[0] = f"{head}: {lines[0]}"  # people see the first line of a message
    return type(type(error).__name__, (RuntimeError,), {})("\n".join(lines))


# ---- what the worker asks ----

def load(source, options):
    begin_pack()
    return Program(source.decode(), options)


def prepare(program, tensors):
    if not program.is_probe and program.backend == "inductor":
        if unusable:
            raise NotExercised(unusable)
        program.prepare(tensors)
    return True


def build(programs):
    """None or an exception for each; what fails together is halved."""
    global is_dirty
    is_dirty = True
    try:
        build_together([k for p in programs for k in p.kernels if k.call is None])
    except Exception:  # pylint: disable=broad-except
        if len(programs) == 1:
            return [programs[0].build_alone()]
        half = len(programs) // 2
        return build(programs[:half]) + build(programs[half:])
    return [None] * len(programs)


def run(program, tensors):
    if program.is_probe:
        return program.call_eager(tensors)
    try:
        outputs = program.call(tensors)
    except Later:  # it was compiled again, for other shapes
        program.build()
        outputs = program.call(tensors)
    if program.graphs == 0:
        raise NotExercised("dynamo made no graph of it: there was nothing to compile")
    if "dynamic" in program.arguments and program.open_sizes == 0:
        raise NotExercised("all sizes of its graph are fixed")
    return program.device.fetch(outputs) if program.device else outputs


# ---- files ----

scratch = None    # a worker's folder
is_dirty = False  # something was compiled since all was forgotten
unusable = ""     # why inductor is


def put_headers(folder):
    codecache._HEADER_DIR = os.path.join(folder, "torch-headers")
    codecache._HEADER_LOCK_DIR = os.path.join(codecache._HEADER_DIR, "locks")


def begin_pack():
    """Forget the last pack; a worker's first has its own folder, and headers that none needed before."""
    global scratch, is_dirty
    if scratch is None:
        scratch = os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(tempfile.gettempdir(), "inductor")
        put_headers(tempfile.gettempdir())
    elif is_dirty:
        torch._dynamo.reset()
        codecache.PyCodeCache.cache_clear()
        Bindings.cache_clear()
        Library.cache.clear()
        shutil.rmtree(scratch, ignore_errors=True)
    if is_dirty or not os.path.exists(scratch):
        os.makedirs(scratch, exist_ok=True)
    is_dirty = False


def warm():
    """Imports, pattern tables, instruction sets, precompiled headers: what each worker inherits."""
    global unusable
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(tempfile.gettempdir(), "inductor")
    put_headers(os.environ.get("OPJURY_CACHE", tempfile.gettempdir()))
    places.append(codecache._HEADER_DIR)
    # It times guards after it has flushed all caches, for a log: of no effect on what is compiled.
    torch._dynamo.guards.profile_guard_manager = lambda *_: 0.0
    AsyncCompile.cpp_pybinding = collect
    CompilerBisector.disable_subsystem = is_left_out
    OutputGraph.call_user_compiler = watch(OutputGraph.call_user_compiler)
    # inductor looks at strides of one index again and again, and keeps the last 128 of them only.
    sympy.simplify = functools.lru_cache(1 << 16, typed=True)(sympy.simplify)
    gc.set_threshold(50000, 20, 100)  # a compilation's many objects stay until its end
    program = Program(WARM, "")
    try:
        program.prepare([torch.ones(8, 8)])
        program.build()
        run(program, [torch.ones(8, 8)])
    except Exception as e:  # pylint: disable=broad-except
        unusable = (f"inductor compiles nothing here; it needs g++ and the headers of this Python "
                    f"(scripts/setup compile): {type(e).__name__}: {shortened(e)}").partition("\n")[0]
    torch._dynamo.reset()
