# SPDX-License-Identifier: Apache-2.0
"""What adapters of libraries share that make an ONNX model simpler: ONNX Runtime runs what they made, as it is."""

import onnx

from opjury import NotExercised, onnxruntime

from_memory, warm = onnxruntime.from_memory, onnxruntime.warm


def form(model):
    """All of a model that says what it computes: no names and order of nodes, no shapes that were inferred."""
    graph = model.graph
    nodes = []
    for node in graph.node:
        plain = onnx.NodeProto()
        plain.CopyFrom(node)
        plain.ClearField("name")
        attributes = sorted(plain.attribute, key=lambda a: a.name)
        del plain.attribute[:]
        plain.attribute.extend(attributes)
        nodes.append(plain.SerializeToString(deterministic=True))
    constants = [(x.name, x.data_type, tuple(x.dims), onnx.numpy_helper.to_array(x).tobytes())
                 for x in graph.initializer]
    return sorted(nodes), sorted(constants)


def load(name, simplify, program, options):
    """The session, and where its inputs stand among the model's; what nothing reads may be gone. options: of the target,
    "level=LEVEL", "" for all; "probe" takes a model that stays as it is."""
    level = options.partition("=")[2] or "all"
    original = onnx.load_from_string(program)
    if level != "none":
        made = simplify(onnx.load_from_string(program), level)
        if options != "probe" and form(made) == form(original):
            raise NotExercised(f"{name} leaves the model as it is")
        program = made.SerializeToString()
    session = onnxruntime.load(program, "opt=none")
    names = [x.name for x in original.graph.input]
    return session, [names.index(x.name) for x in session.get_inputs()]


def run(loaded, tensors):
    session, places = loaded
    return onnxruntime.run(session, [tensors[i] for i in places])
