# SPDX-License-Identifier: Apache-2.0
"""TensorFlow, tf.function: a program is Python source, traced and optimised (by XLA: compiled) as any user's.

Its constants are literals of the graph: what grappler and XLA know, they fold."""

import gc

import tensorflow as tf

from opjury import NotExercised
from opjury.tensorflow import exchange, from_memory, version  # noqa: F401

MODE = "function"
n_loaded = 0  # for file names


class Program:
    def __init__(self, source, options):
        global n_loaded
        n_loaded += 1
        words = dict(word.partition("=")[::2] for word in options.split(",") if word)
        self.mode = words.get("mode", MODE)
        self.disabled = words["disable"].split("+") if "disable" in words else []
        scope = {"tf": tf, "inf": float("inf"), "nan": float("nan")}
        exec(compile(source, f"<program {n_loaded}>", "exec"), scope)  # pylint: disable=exec-used
        self.function, self.n_inputs = scope["program"], scope["n_inputs"]

    def traced(self, tensors):
        """tf.function of the inputs alone."""
        constants = [tensor.numpy() for tensor in tensors[self.n_inputs:]]

        def program(*inputs):
            return self.function(*inputs, *[tf.constant(c) for c in constants])
        return tf.function(program, autograph=False, jit_compile=True if self.mode in ("xla", "lower") else None)


def set_optimizers(names, is_on):
    options = {name: is_on for name in names if name != "meta_optimizer"}
    if "meta_optimizer" in names:
        options["disable_meta_optimizer"] = not is_on
    tf.config.optimizer.set_experimental_options(options)


def load(source, options):
    return Program(source.decode(), options)


def run(program, tensors):
    if program.mode == "eager":
        return program.function(*tensors)
    inputs = tensors[:program.n_inputs]
    function = program.traced(tensors)
    if program.mode == "lower":  # to find out what XLA knows, without its code generator
        function.experimental_get_compiler_ir(*inputs)(stage="hlo")
        return []
    if program.disabled:
        set_optimizers(program.disabled, False)
    try:
        outputs = function(*inputs)
    finally:
        if program.disabled:
            set_optimizers(program.disabled, True)
    if function.experimental_get_tracing_count() != 1:
        raise NotExercised("tf.function made no graph of it")
    return outputs
