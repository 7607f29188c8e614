# SPDX-License-Identifier: Apache-2.0
"""PyTorch, eager: call plans are executed by the extension; here is what it must look up."""

import torch

from opjury import NoDevice
from opjury.calls import resolve  # noqa: F401

torch.set_num_threads(1)  # before any op: a pool that a fork would lose must not start

exchange = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
from_dlpack = torch.from_dlpack
random_state = torch.get_rng_state
dtypes = {"BOOL": torch.bool, "I8": torch.int8, "U8": torch.uint8, "I16": torch.int16,
          "U16": torch.uint16, "I32": torch.int32, "U32": torch.uint32, "I64": torch.int64,
          "F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}
RANDOM = torch.get_rng_state()


def version():
    return torch.__version__


def warm():
    """What each worker would pay for: oneDNN writes the code of its kernels when they are first used."""
    torch.add(torch.ones(1), torch.ones(1)).sum().item()
    for dtype in torch.float32, torch.bfloat16:
        a, images, filters = (torch.ones(shape, dtype=dtype)
                              for shape in ((64, 64), (2, 16, 16, 16), (16, 16, 3, 3)))
        torch.matmul(a, a)
        torch.nn.functional.conv2d(images, filters)
        torch.nn.functional.conv_transpose2d(images, filters)
        torch.nn.functional.conv1d(images[:, :6, 0], filters[:8, :3, 0], groups=2)  # its product of matrices


class Device:
    """A device of torch's, by its name: what is made without one is made there."""

    def __init__(self, name):
        if not torch.cuda.is_available():
            raise NoDevice("CUDA finds no GPU" if torch.backends.cuda.is_built()
                           else f"torch {version()} is built without CUDA")
        # As documented these round operands to 10 bits and sums to half floats: another claim than float32's.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        self.name = name

    def send(self, tensors):
        return [t.to(self.name) for t in tensors]

    def fetch(self, tensors):
        return [t.cpu() for t in tensors]


def find_device(words):
    """The Device that the options name; None: the CPU."""
    return Device(words["device"]) if "device" in words else None


def configure(options):
    words = dict(word.partition("=")[::2] for word in options.split(","))
    torch.set_num_threads(int(words.get("threads", 1)))
    device = find_device(words)
    torch.set_default_device(device.name if device else None)
    return device


def state():
    return (("default dtype", torch.get_default_dtype()),
            ("thread count", torch.get_num_threads()),
            ("grad mode", torch.is_grad_enabled()),
            ("deterministic algorithms", torch.are_deterministic_algorithms_enabled()))


def reset(before):
    values = dict(before)
    torch.set_default_dtype(values["default dtype"])
    torch.set_num_threads(values["thread count"])
    torch.set_grad_enabled(values["grad mode"])
    torch.use_deterministic_algorithms(values["deterministic algorithms"])
    torch.set_rng_state(RANDOM)
