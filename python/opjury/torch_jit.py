# SPDX-License-Identifier: Apache-2.0
"""TorchScript: a module is traced or scripted, then run by torch's interpreter as its options say."""

import warnings

import torch

from opjury import NotExercised
from opjury.torch import exchange, from_dlpack, random_state, reset, state, version  # noqa: F401
from opjury.torch_module import Job

INTERPRETER = "The following operation failed in the TorchScript interpreter."
CHANGES = {"freeze": torch.jit.freeze, "inference": torch.jit.optimize_for_inference}


def capture(module, example, words):
    if "script" in words:
        try:
            return torch.jit.script(module)
        except Exception as e:  # pylint: disable=broad-except
            # As documented TorchScript is a subset of Python and of torch's functions.
            raise NotExercised(f"torch.jit.script does not take it: {str(e).strip().splitlines()[0]}") from None
    with warnings.catch_warnings():
        if "dynamic" in words:
            warnings.simplefilter("error", torch.jit.TracerWarning)
        try:
            return torch.jit.trace(module, example, check_trace=False)
        except torch.jit.TracerWarning as e:
            raise NotExercised(f"the trace holds for one shape only: {str(e).splitlines()[0]}") from None


def convert(module, example, words):
    level = words.get("opt", "default")
    jitted = capture(module, example, words)
    if level == "none":
        def plain(*tensors):
            with torch.jit.optimized_execution(False):
                return jitted(*tensors)
        return plain
    jitted = CHANGES.get(level, lambda module: module)(jitted)
    jitted(*example)  # profiled; later runs are optimized by that
    jitted(*example)
    graph = torch.jit.last_executed_optimized_graph()
    if "prim::profile(" in str(graph):
        raise NotExercised("no run was optimized")
    return jitted


def warm():
    """What the first trace of a process imports and sets up."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    source = b"def program(x0):\n    return (torch.add(x0, x0),)\n\n\nclass Program(torch.nn.Module):\n" \
             b"    def __init__(self):\n        super().__init__()\n\n    def forward(self, x0):\n" \
             b"        return program(x0)\n"
    for options in ("", "script,opt=inference"):
        load(source, options).run([torch.ones(2)])


def load(source, options):
    return Job(source, options, convert)


def run(job, tensors):
    try:
        return job.run(tensors)
    except RuntimeError as e:
        text = str(e).strip()  # people see the first line of a message, which may be empty
        if INTERPRETER in text:  # what went wrong stands behind a listing of the program
            text = text.splitlines()[-1].removeprefix("RuntimeError: ")
        raise type(e)(text) from None
