# SPDX-License-Identifier: Apache-2.0
"""TensorFlow, eager: call plans are executed by the extension; here is what it must look up.

A zygote runs no op: where it has, tf.function hangs in its children. So it only says how many threads there will be."""

import ctypes
import os

# XLA starts as many threads as there are cores. Each would reserve address space for a heap of its own (glibc's
# mallopt(3)), so that a worker reached the size at which it is replaced with its first program.
M_ARENA_MAX = -8
ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its log of the machine's instruction sets

import numpy
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

dtypes = {"BOOL": tf.bool, "I8": tf.int8, "U8": tf.uint8, "I16": tf.int16, "U16": tf.uint16,
          "I32": tf.int32, "U32": tf.uint32, "I64": tf.int64, "F16": tf.float16,
          "BF16": tf.bfloat16, "F32": tf.float32, "F64": tf.float64}
exchange = None


def version():
    return tf.__version__


def resolve(path):
    """The object of a public dotted path, "tf.math.add"."""
    found = tf
    for part in path.split(".")[1:]:
        found = getattr(found, part)
    return found


def from_memory(memory, dtype, shape):
    """As users do. from_dlpack takes what is not aligned to 64 bytes as it is, and kernels then abort."""
    return tf.constant(numpy.ndarray(shape, dtypes[dtype].as_numpy_dtype, memory))
