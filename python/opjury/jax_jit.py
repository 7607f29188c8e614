# SPDX-License-Identifier: Apache-2.0
"""jax.jit on the CPU: a plan of public calls is traced and compiled as one function, of the test's inputs; constants are
in the function, where XLA folds them."""

import jax

from opjury.jax import Program, from_memory, run, version  # noqa: F401


class Compiled(Program):
    def __init__(self, plan, options):
        super().__init__(plan, options)
        level, skip = self.words.get("opt", "3"), self.words.get("skip")
        self.is_whole = level != "eager"
        self.compiler = {"xla_backend_optimization_level": int(level)} if level not in ("3", "eager") else {}
        if skip:
            self.compiler["xla_disable_hlo_passes"] = skip

    def call(self, tensors):
        if not self.is_whole:
            return self.calls(tensors)
        inputs, constants = tensors[:self.n_inputs], tensors[self.n_inputs:]
        function = jax.jit(lambda *values: self.calls([*values, *constants]), compiler_options=self.compiler or None)
        return function(*inputs)


def load(plan, options):
    return Compiled(plan, options)
