# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: a model's bytes become a session, inputs numpy arrays over the worker's memory."""

import base64
import mmap
import os
import re

import numpy
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from opjury import NotExercised

BFLOAT16 = 16  # TensorProto.BFLOAT16; numpy has no such dtype, so bits travel as uint16
NUMPY = {name: numpy.dtype(letters) for name, letters in {
    "BOOL": "?", "I8": "i1", "U8": "u1", "I16": "i2", "U16": "u2", "I32": "i4", "U32": "u4",
    "I64": "i8", "F16": "f2", "BF16": "u2", "F32": "f4", "F64": "f8"}.items()}
LEVELS = {"none": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC",
          "extended": "ORT_ENABLE_EXTENDED", "all": "ORT_ENABLE_ALL"}
# y = Relu(x) on float[1] at opset 13, IR 8
WARM = base64.b64decode("CAg6MwoMCgF4EgF5IgRSZWx1EgF3Wg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUIECgAQDQ==")


# Options of the target, and what each sets on the session's options.
CHOICES = {
    "execution=parallel": {"execution_mode": onnxruntime.ExecutionMode.ORT_PARALLEL, "inter_op_num_threads": 2},
    "memory=no_pattern": {"enable_mem_pattern": False},
    "memory=no_arena": {"enable_cpu_mem_arena": False},
    "memory=no_reuse": {"enable_mem_reuse": False},
    "prepacking=off": {"session.disable_prepacking": "1"},
    "compute=deterministic": {"use_deterministic_compute": True},
}


def set_options(session, settings):
    for name, value in settings.items():
        if "." in name:
            session.add_session_config_entry(name, value)
        else:
            setattr(session, name, value)


def session_options(options):
    """(SessionOptions, names of disabled optimizers, is it traced?) of "opt=LEVEL,...": options of the target."""
    words = dict(word.partition("=")[::2] for word in options.split(","))
    session = onnxruntime.SessionOptions()
    session.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, LEVELS[words["opt"]])
    session.intra_op_num_threads = int(words.get("threads", 1))
    session.inter_op_num_threads = 1
    for word in options.split(","):
        set_options(session, CHOICES.get(word, {}))
    # Errors are raised as well. Only the most verbose log names an optimizer before it has ended.
    session.log_severity_level = 0 if "trace" in words else 4
    disabled = words["disable"].split("+") if "disable" in words else None
    return session, disabled, "trace" in words


OPTIONS = {"opt=" + level: session_options("opt=" + level) for level in LEVELS}


# ---- single optimizers ----

# More names than people type come from `opjury blame`, which has them from the library's own file.
CHECKED_MAX = 16
CHECKED = set()
COMPOSED = re.compile(r"Level\d(_\w+)|(\w+)_CPUExecutionProvider")


def check_names(names):
    """The library says nothing of names that it does not have. What it has is a string of its file, or the end of a
    longer one, which linkers make one of."""
    with open(onnxruntime_pybind11_state.__file__, "rb") as file, \
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for name in names:
            composed = COMPOSED.fullmatch(name)
            parts = {name, *(composed.groups(name) if composed else ())}
            if not any(data.find(b"%s\0" % part.encode()) >= 0 for part in parts):
                raise NotExercised(f"onnxruntime {version()} has no optimizer {name}")


def name_optimizers():
    """In place of a long log on stderr, a file of ours here: a line for each optimizer that began, in that order (1.20.1
    says only of each that it has ended), one for each that changed the model, the last that was said of any, and where the
    library lies."""
    end = os.lseek(2, 0, os.SEEK_CUR)
    text = os.pread(2, end, 0).decode(errors="replace")
    lines = (re.findall(r"Applying graph transformer \w+", text) or
             re.findall(r"GraphTransformer \w+ modified: 0", text))
    lines += re.findall(r"GraphTransformer \w+ modified: 1", text)
    last = re.findall(r"Applying graph transformer \w+|GraphTransformer \w+ modified: \d", text)[-1:]
    os.ftruncate(2, 0)
    os.lseek(2, 0, os.SEEK_SET)
    os.write(2, "\n".join([*dict.fromkeys(lines), *last, "library " + onnxruntime_pybind11_state.__file__, ""]).encode())


# Versions before 1.23 take or give no bfloat16 outside a model.
HAS_BFLOAT16 = hasattr(onnxruntime.OrtValue, "__dlpack__")


def version():
    return onnxruntime.__version__


def warm():
    run(load(WARM, "opt=all"), [numpy.zeros(1, "f4")])


def load_saved(model, options, disabled, form):
    """Saves the optimized model, which is loaded again as it is."""
    session, _, _ = session_options(options)
    session.add_session_config_entry("session.save_model_format", form)
    fd = os.memfd_create("model")
    try:
        session.optimized_model_filepath = f"/proc/self/fd/{fd}"
        onnxruntime.InferenceSession(model, session, providers=["CPUExecutionProvider"],
                                     disabled_optimizers=disabled)
        saved = os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)
    session, _, _ = session_options(re.sub(r"opt=\w+", "opt=none", options))
    session.add_session_config_entry("session.load_model_format", form)
    return onnxruntime.InferenceSession(saved, session, providers=["CPUExecutionProvider"])


def load(model, options):
    """Whether its shapes are dynamic says the model."""
    if options not in OPTIONS:
        OPTIONS[options] = session_options(options)
    session, disabled, traced = OPTIONS[options]
    if disabled and len(disabled) <= CHECKED_MAX and not CHECKED.issuperset(disabled):
        check_names(disabled)
        CHECKED.update(disabled)
    saved = re.search(r"saved=(\w+)", options)
    try:
        if saved:
            return load_saved(model, options, disabled, saved[1].upper())
        return onnxruntime.InferenceSession(model, session, providers=["CPUExecutionProvider"],
                                            disabled_optimizers=disabled)
    finally:
        if traced:
            name_optimizers()


def run(session, tensors):
    feeds = {i.name: t for i, t in zip(session.get_inputs(), tensors)}
    outputs = session.get_outputs()
    if any(o.type == "tensor(bfloat16)" for o in outputs):
        if not HAS_BFLOAT16:
            raise NotImplementedError("a bfloat16 output is not supported by this version")
        feeds = {n: t if isinstance(t, onnxruntime.OrtValue)
                 else onnxruntime.OrtValue.ortvalue_from_numpy(t) for n, t in feeds.items()}
        values = session.run_with_ort_values([o.name for o in outputs], feeds)
        return [v if v.element_type() == BFLOAT16 else v.numpy() for v in values]
    return session.run(None, feeds)


def from_memory(memory, dtype, shape):
    array = numpy.ndarray(shape, NUMPY[dtype], memory)
    if dtype == "BF16":
        if not HAS_BFLOAT16:
            raise NotImplementedError("a bfloat16 input is not supported by this version")
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(array, BFLOAT16)
    return array
