# SPDX-License-Identifier: Apache-2.0
"""Models as calls of onnx.helper are the models that we write (TAP): for generated programs of all ops, the source
in the short script makes the very model that the long one has as bytes, but for the producer's name, the order of
attributes, which onnx.helper sorts, and attributes of the value that ONNX says they have where they are missing.

check_sources.py SPELL_TOOL OPJURY"""
import base64
import re
import subprocess
import sys

import onnx

PROGRAMS = 150  # of 8 ops each: nearly every op of the catalogue comes up
OPS_LEAST = 100


def programs(opjury):
    """Texts of single programs; those with bfloat16 at their ends have no short script."""
    command = [opjury, "gen", "--nodes", "8", "--seed", "11", "--first", "0", "--count", str(PROGRAMS)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for part in re.split(r"(?m)^(?=# test )", text):
        if "= input" in part:
            yield part


def script(tool, program, form):
    done = subprocess.run([tool, "script", "onnxruntime", "all", form], input=program, text=True,
                          capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def made_by(short):
    scope = {}
    exec(short.split("\noptions = ")[0].replace("import onnxruntime\n", ""), scope)  # pylint: disable=exec-used
    return scope["model"]


def is_default(node, attribute, opset):
    """By the operator's schema; of lists by its document, which says "1 along each axis" or 0."""
    default = onnx.defs.get_schema(node.op_type, opset).attributes[attribute.name].default_value
    if default.type == onnx.AttributeProto.UNDEFINED:
        usual = {"strides": 1, "dilations": 1, "pads": 0, "output_padding": 0}.get(attribute.name)
        return attribute.type == onnx.AttributeProto.INTS and set(attribute.ints) <= {usual}
    return default == attribute


def fill(made, model):
    """What the source leaves out."""
    for node, whole in zip(made.graph.node, model.graph.node):
        names = {a.name for a in node.attribute}
        for a in whole.attribute:
            if a.name not in names and is_default(whole, a, model.opset_import[0].version):
                node.attribute.append(a)


def normalise(model):
    model.ClearField("producer_name")
    for node in model.graph.node:
        attributes = sorted(node.attribute, key=lambda a: a.name)
        del node.attribute[:]
        node.attribute.extend(attributes)


def main():
    tool, opjury = sys.argv[1:3]
    compared, different, ops = 0, [], set()
    for program in programs(opjury):
        short, whole = script(tool, program, "short-runs"), script(tool, program, "none")
        if short is None or whole is None:
            continue
        model = onnx.load_from_string(base64.b64decode(re.search(r'MODEL = base64.b64decode\("""(.*?)"""', whole, re.S)[1]))
        normalise(model)
        compared += 1
        ops |= {node.op_type for node in model.graph.node}
        made = made_by(short)
        fill(made, model)
        normalise(made)
        if made != model:
            different.append(program)
    for program in different[:2]:
        print("\n".join("# " + line[:200] for line in program.splitlines()))
    print(f"# {compared} models, {len(ops)} types of nodes")
    print(f"{'not ok' if different else 'ok'} 1 - the source makes the same model")
    print(f"{'ok' if compared > PROGRAMS / 2 and len(ops) >= OPS_LEAST else 'not ok'} 2 - of most ops")
    print("1..2")


main()
