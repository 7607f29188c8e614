# SPDX-License-Identifier: Apache-2.0
"""torch.export: a module becomes an ExportedProgram, decomposed as its options say, and a module again."""

import logging
import warnings

import torch
import torch._dynamo
import torch.export

from opjury import NotExercised
from opjury.torch import exchange, from_dlpack, random_state, reset, state, version  # noqa: F401
from opjury.torch_module import Job

CORE = {}  # torch.export.default_decompositions(), which takes four times as long as to decompose a program
SOURCE = b"""def program(x0):
    return (torch.add(x0, x0),)


class Program(torch.nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x0):
        return program(x0)
"""


def export(module, example, words):
    """The ExportedProgram."""
    sizes = None
    if "dynamic" in words:
        sizes = [dict.fromkeys(range(x.dim()), torch.export.Dim.AUTO) for x in example]
    program = torch.export.export(module, example, strict="strict" in words, dynamic_shapes=sizes)
    depth = words.get("decompositions")
    if depth:
        program = program.run_decompositions({} if depth == "functional" else CORE)
    return program


def convert(module, example, words):
    program = export(module, example, words)
    if not any(node.op == "call_function" for node in program.graph.nodes):
        raise NotExercised("the exported program has no operator")
    return program.module()


def warm():
    logging.getLogger("torch").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    CORE.update(torch.export.default_decompositions().items())
    for options in ("strict", "decompositions=core,dynamic"):
        load(SOURCE, options).run([torch.ones(2, 3)])


def load(source, options):
    torch._dynamo.reset()
    return Job(source, options, convert)


def run(job, tensors):
    was_exported = job.converted is not None
    try:
        return job.run(tensors)
    except AssertionError as e:
        # A size of 0 or 1, or two sizes that were equal, are taken for fixed, as documented.
        if was_exported and "dynamic" in job.words and str(e).startswith("Guard failed"):
            raise NotExercised(f"exported for one shape only: {e}") from None
        raise
