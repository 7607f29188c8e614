# SPDX-License-Identifier: Apache-2.0
"""TensorFlow, tf.function(jit_compile=True)."""

from opjury import tensorflow_function
from opjury.tensorflow_function import exchange, from_memory, load, run, version  # noqa: F401

tensorflow_function.MODE = "xla"
