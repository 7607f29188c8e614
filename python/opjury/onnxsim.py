# SPDX-License-Identifier: Apache-2.0
"""onnxsim: rewrites of onnx's optimizer and folding of constants."""

import onnxsim

from opjury import simplifier
from opjury.simplifier import from_memory, run, warm  # noqa: F401


def version():
    return onnxsim.__version__.lstrip("v")


def simplify(model, level):
    # certify proves with a solver where there is one: that is not what users wait for.
    return onnxsim.simplify(model, perform_optimization=level == "all", certify=False)[0]


def load(program, options):
    return simplifier.load("onnxsim", simplify, program, options)
