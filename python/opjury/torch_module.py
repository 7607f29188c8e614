# SPDX-License-Identifier: Apache-2.0
"""What TorchScript, torch.export and exporters share: a program's source becomes a module, its options words."""

import linecache
import sys
import types

import torch

from opjury.torch import find_device

FILES_MAX = 64  # sources that are kept for TorchScript, which reads them again
n_loaded = 0


def execute(source):
    """(program, Program) of a source, which inspect finds as it finds a file's."""
    global n_loaded
    n_loaded += 1
    name = f"<program {n_loaded}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    linecache.cache.pop(f"<program {n_loaded - FILES_MAX}>", None)
    module = sys.modules["opjury_program"] = types.ModuleType("opjury_program")  # dynamo imports it
    module.torch, module.inf, module.nan = torch, float("inf"), float("nan")
    exec(compile(source, name, "exec"), module.__dict__)  # pylint: disable=exec-used
    return module.program, module.Program


class Job:
    """A program in the way that its options ask for. convert(module, example, words) gives what is called with
    tensors as the module is."""

    def __init__(self, source, options, convert):
        self.words = dict(word.partition("=")[::2] for word in options.split(",") if word)
        self.device = find_device(self.words)
        self.function, self.make_module = execute(source.decode())
        self.n_constants = self.make_module.__init__.__code__.co_argcount - 1
        self.convert, self.converted = convert, None

    def split(self, tensors):
        end = len(tensors) - self.n_constants
        return tuple(tensors[:end]), tensors[end:]

    def call(self, tensors):
        if "probe" in self.words:
            return self.function(*tensors)
        inputs, constants = self.split(tensors)
        if self.converted is None:
            self.converted = self.convert(self.make_module(*constants).eval(), inputs, self.words)
        return self.converted(*inputs)

    def run(self, tensors):
        """The outputs; what was converted at the first shapes runs at others too."""
        torch.set_num_threads(int(self.words.get("threads", 1)))
        try:
            if not self.device:
                return self.call(tensors)
            torch.set_default_device(self.device.name)
            return self.device.fetch(self.call(self.device.send(tensors)))
        finally:
            torch.set_num_threads(1)
            torch.set_default_device(None)
