# SPDX-License-Identifier: Apache-2.0
"""Hold the type table of ONNX spellings against the schemas of the onnx package (TAP)."""
import itertools
import subprocess
import sys

import onnx.defs

NAMES = {"bool": "bool", "int8": "i8", "uint8": "u8", "int16": "i16", "uint16": "u16",
         "int32": "i32", "uint32": "u32", "int64": "i64", "float16": "f16", "bfloat16": "bf16",
         "float": "f32", "double": "f64"}

# Forms of several nodes: the last one's schema is not theirs.
COMPOSED = {"floor_div", "not_equal"}
# Less than the schema on purpose. mod: floats only by the text of 28. pow: before 15 bf16 has no
# exponent of its own dtype.
NARROWER = {"mod", "pow"}


def allowed(schema, formal):
    """Short names of the types an input or output may have, with the variable they share."""
    for constraint in schema.type_constraints:
        if constraint.type_param_str == formal.type_str:
            kinds = constraint.allowed_type_strs
            break
    else:
        kinds = [formal.type_str]
    return {NAMES[k[7:-1]] for k in kinds if k[7:-1] in NAMES and k.startswith("tensor(")}


def combinations(schema, n_inputs):
    """All (inputs, output) that the schema allows; inputs behind are parameters that catalogue ops
    keep as attributes."""
    inputs = list(schema.inputs)[:n_inputs]
    if inputs[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic:
        inputs += inputs[-1:] * (n_inputs - len(inputs))
    slots = inputs + [schema.outputs[0]]
    variables = sorted({s.type_str for s in slots})
    choices = [sorted(allowed(schema, next(s for s in slots if s.type_str == v)))
               for v in variables]
    for combination in itertools.product(*choices):
        of = dict(zip(variables, combination))
        yield tuple(of[s.type_str] for s in slots)


def main():
    table, names = {}, {}
    for line in subprocess.run([sys.argv[1], "table"], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        op, name, opset, *dtypes = line.replace("-> ", "").split()
        if op in COMPOSED:
            continue
        names[op] = name
        table.setdefault((op, int(opset)), set()).add(tuple(dtypes))
    newest = onnx.defs.onnx_opset_version()
    print(f"1..{len(names)}")
    for number, (op, name) in enumerate(names.items(), 1):
        wrong = []
        # Below its first opset an op may have had another meaning.
        first = min(opset for o, opset in table if o == op)
        n_inputs = len(next(iter(table[op, first]))) - 1
        for opset in range(first, newest + 1):
            ours = table.get((op, opset), set())
            theirs = set(combinations(onnx.defs.get_schema(name, opset, ""), n_inputs))
            # Ours judges each slot alone; slots of one type variable are equal by the op itself.
            # All that the schema allows must have a form, and no dtype in any slot beyond it.
            if not theirs <= ours and op not in NARROWER:
                wrong.append(f"{name}-{opset} lacks {sorted(theirs - ours)[:3]}")
            for slot in range(max(map(len, theirs | ours), default=0)):
                extra = {t[slot] for t in ours} - {t[slot] for t in theirs}
                if extra:
                    wrong.append(f"{name}-{opset} slot {slot} has {sorted(extra)} too many")
        for text in wrong:
            print("#", text)
        print(f"{'not ok' if wrong else 'ok'} {number} - {op} since {first}")


main()
