# SPDX-License-Identifier: Apache-2.0
"""numpy_judge: what a program in text form must give, computed by numpy in long double.

An evaluator of its own, so that a finding does not rest on ours: each operator is written here once more from its
documents (ONNX operators, torch functions), with whole-array numpy calls. Every value is rounded to its dtype after
every operator; integers wrap as numpy's do. OPERATORS: name -> (node attributes, output dtype, inputs) -> array.
"""
import re

import numpy as np

from . import elementwise, index, linear, move, reduce, spatial, undefined
from .values import INTS, REAL, far, from_file, is_float, to_dtype

OPERATORS = (elementwise.OPERATORS | reduce.OPERATORS | linear.OPERATORS | spatial.OPERATORS | move.OPERATORS |
             index.OPERATORS)

# ---- the text form ----

VALUE = re.compile(r"\s*(\w+): (\w+)\[([\d,]*)\]")


def read_number(text):
    return {"true": True, "false": False}.get(text) if text in ("true", "false") else REAL(text)


def read_attribute(text):
    if text.startswith("["):
        return [int(part) for part in text[1:-1].split(",") if part.strip()]
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\d.*|inf|nan)", text):
        return REAL(float(text))  # attributes are doubles
    return text.strip('"')


def split(text):
    """At commas that are not inside brackets or quotes."""
    return [part.strip() for part in re.findall(r"""(?:\[[^\]]*\]|"[^"]*"|[^,\["])+""", text) if part.strip()]


def constant(text, dtype, shape):
    items = [part.strip() for part in text.strip().strip("[]").split(",") if part.strip()]
    if is_float(dtype):
        values = np.array([REAL(item) for item in items], REAL)
    else:
        values = np.array([read_number(item) if dtype == "bool" else int(item) for item in items], INTS[dtype])
    return to_dtype(values, dtype).reshape(shape)


def evaluate(text, inputs, doubts=None, has_shapes=True):
    """Program text and {name: array as stored}: ([output name], {name: dtype}, {name: value}). To the list of doubts
    goes a line for each node of which no document says that a library must run it. has_shapes: those of the text are
    meant, and what does not have them is an error; else the inputs have others."""
    values, dtypes = {}, {}
    outputs = []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("output "):
            outputs += [name.strip() for name in line[len("output "):].split(",")]
            continue
        left, right = line.split(" = ", 1)
        made = [(m.group(1), m.group(2), [int(d) for d in m.group(3).split(",") if d])
                for m in VALUE.finditer(left)]
        dtypes.update({name: dtype for name, dtype, _ in made})
        name, dtype, shape = made[0]
        if right == "input":
            values[name] = from_file(inputs[name], dtype).reshape(shape if has_shapes else inputs[name].shape)
        elif right.startswith("const "):
            values[name] = constant(right[len("const "):], dtype, shape)
        else:
            result, doubt = run_node(right, dtype, values)
            if doubt and doubts is not None:
                doubts.append(f"{name}: {doubt}")
            for (name, dtype, shape), value in zip(made, result if isinstance(result, tuple) else (result,)):
                values[name] = to_dtype(value, dtype)
                if has_shapes and values[name].shape != tuple(shape):
                    raise ValueError(f"{name}: numpy gives shape {values[name].shape}, the program says {shape}")
    return outputs, dtypes, values


def run_node(text, dtype, values):
    """What the node's outputs are before they are rounded to their dtypes, and why it may be refused or None."""
    match = re.match(r"(\w+)\((.*?)\)(?:\s+(?:alias|mutates)\(.*)?$", text)
    arguments, attributes = [], {}
    for part in split(match.group(2)):
        key = re.match(r"(\w+)=(.*)$", part)
        if key:
            attributes[key.group(1)] = read_attribute(key.group(2))
        else:
            arguments.append(None if part == "_" else values[part])
    name = match.group(1)
    doubt = undefined.FINDERS.get(name, lambda *x: None)(attributes, dtype, *arguments)
    with np.errstate(all="ignore"):
        return OPERATORS[name](attributes, dtype, *arguments), doubt
