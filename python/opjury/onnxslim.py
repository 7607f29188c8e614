# SPDX-License-Identifier: Apache-2.0
"""onnxslim: fusions, elimination of what is dead or there twice, folding of constants."""

import onnxslim

from opjury import simplifier
from opjury.simplifier import from_memory, run, warm  # noqa: F401

LEFT_OUT = {"all": None,
            "fold": ["graph_fusion", "dead_node_elimination", "subexpression_elimination", "weight_tying"]}


def version():
    return onnxslim.__version__


def simplify(model, level):
    return onnxslim.slim(model, skip_optimizations=LEFT_OUT[level])


def load(program, options):
    return simplifier.load("onnxslim", simplify, program, options)
