# SPDX-License-Identifier: Apache-2.0
"""Hold generated models against third parties (TAP): each passes onnx.checker with full shape inference, ONNX
Runtime loads it with optimisation off and runs it on the generated inputs, and every value that has a name in
the program, made an output, has the shape and dtype that the program declares.

What ONNX Runtime alone does otherwise is counted apart as the library's, by a rule that hides nothing of ours:
of a value of another form, also before a node that is refused then, onnx's shape inference says that it has the
declared one; a node that is refused otherwise runs in onnx's ReferenceEvaluator on the values that it got, and
its results have the declared forms there. Kernels that it says it lacks are counted by themselves: what it has
for an op as such is asked before, but not for each attribute.

check_generated.py OPJURY [MODELS [POLICY]...]"""
import collections
import os
import re
import subprocess
import sys
import tempfile
import warnings

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")})

import ml_dtypes  # noqa: E402  pylint: disable=wrong-import-position
import numpy as np  # noqa: E402  pylint: disable=wrong-import-position
import onnx  # noqa: E402  pylint: disable=wrong-import-position
import onnxruntime as ort  # noqa: E402  pylint: disable=wrong-import-position
from onnx import TensorProto as T  # noqa: E402  pylint: disable=wrong-import-position
from onnx.reference import ReferenceEvaluator  # noqa: E402  pylint: disable=wrong-import-position

TYPES = {"bool": T.BOOL, "i8": T.INT8, "u8": T.UINT8, "i16": T.INT16, "u16": T.UINT16, "i32": T.INT32,
         "u32": T.UINT32, "i64": T.INT64, "f16": T.FLOAT16, "bf16": T.BFLOAT16, "f32": T.FLOAT, "f64": T.DOUBLE}
NAMES = {v: k for k, v in TYPES.items()}
TARGET = "onnxruntime:opt=none"
NODES = [5, 10, 20, 40, 70, 100]
BATCH = 100
NO_KERNEL = "data type is not supported with"  # ONNX Runtime's words in ScatterElements and ScatterND
VALUE = re.compile(r"(\w+): (\w+)\[([\d,]*)\]")
Result = collections.namedtuple("Result", "ok is_library text")


def options():
    chosen = ort.SessionOptions()
    chosen.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    chosen.intra_op_num_threads = chosen.inter_op_num_threads = 1
    chosen.log_severity_level = 4
    return chosen


OPTIONS = options()


def generate(opjury, policy, nodes, first, count, directory):
    """Writes models and inputs; declared (dtype, shape) by name, test by test."""
    command = [opjury, "gen", "--policy", policy, "--nodes", str(nodes), "--first", str(first), "--count",
               str(count), "--target", TARGET, "--python", sys.executable]
    subprocess.run(command + ["--format", "onnx", "--out", directory], check=True, stderr=subprocess.DEVNULL)
    declared = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as text:
        for line in text.stdout:
            line = line[:400].decode()  # constants' elements follow
            if line.startswith("# test "):
                declared.append({})
            for name, dtype, dims in VALUE.findall(line.partition(" = ")[0]):
                declared[-1][name] = (TYPES[dtype], [int(d) for d in dims.split(",") if d])
    if text.returncode != 0 or len(declared) != count:
        raise RuntimeError(f"{' '.join(command)}: {len(declared)} tests, status {text.returncode}")
    return declared


def with_all_outputs(model, declared):
    """The model with every named value that a node makes as an output, as declared."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    made = [o for n in model.graph.node for o in n.output if o in declared]
    del wide.graph.output[:]
    wide.graph.output.extend(onnx.helper.make_tensor_value_info(n, *declared[n]) for n in made)
    return wide, made


def load_inputs(path, model):
    given = {}
    with np.load(path) as arrays:
        for value in model.graph.input:
            array = arrays[value.name]
            is_bits = value.type.tensor_type.elem_type == T.BFLOAT16
            given[value.name] = array.view(ml_dtypes.bfloat16) if is_bits else array
    return given


def to_ort(array):
    if array.dtype == ml_dtypes.bfloat16:
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array.view(np.uint16), T.BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(array)


def form(dtype, shape):
    return f"{NAMES.get(dtype, dtype)}{list(shape)}"


def misfit(actual, declared):
    """The first value of another form, or None."""
    return next((n for n in actual if (actual[n][0], list(actual[n][1])) != declared[n]), None)


def told(name, actual, declared):
    return f"{name} is {form(*actual[name])}, declared {form(*declared[name])}"


def run_onnxruntime(wide, made, given):
    session = ort.InferenceSession(wide.SerializeToString(), OPTIONS, providers=["CPUExecutionProvider"])
    values = session.run_with_ort_values(made, {n: to_ort(x) for n, x in given.items()})
    return {n: (v.element_type(), v.shape()) for n, v in zip(made, values)}


def prefix(wide, n_nodes):
    """The first nodes, and of the outputs those that they make."""
    part = onnx.ModelProto()
    part.CopyFrom(wide)
    del part.graph.node[n_nodes:]
    names = {o for n in part.graph.node for o in n.output}
    outputs = [o for o in wide.graph.output if o.name in names]
    del part.graph.output[:]
    part.graph.output.extend(outputs)
    return part, [o.name for o in outputs]


def refused_node(wide, given):
    """Index of the first node that ONNX Runtime refuses, and the forms of the values before it."""
    runs, refused, found = 0, len(wide.graph.node), {}
    while runs + 1 < refused:
        middle = (runs + refused) // 2
        try:
            found, runs = run_onnxruntime(*prefix(wide, middle), given), middle
        except Exception:  # pylint: disable=broad-except
            refused = middle
    return refused - 1, found


def inferred(wide, name):
    """What shape inference makes of one value, that of all others being declared; (0, []) if nothing."""
    bare = onnx.ModelProto()
    bare.CopyFrom(wide)
    bare.graph.value_info.extend(o for o in wide.graph.output if o.name != name)
    for output in bare.graph.output:
        if output.name == name:
            output.type.tensor_type.ClearField("shape")
    for value in onnx.shape_inference.infer_shapes(bare).graph.output:
        if value.name == name and value.type.tensor_type.HasField("shape"):
            tensor = value.type.tensor_type
            return tensor.elem_type, [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    return 0, []


def evaluated(wide, index, given):
    """Forms that onnx's evaluator gives the results of one node, on the values that ONNX Runtime hands it."""
    node = wide.graph.node[index]
    part, _ = prefix(wide, index)
    made = {o for n in part.graph.node for o in n.output}
    operands = {i.name: onnx.numpy_helper.to_array(i) for i in wide.graph.initializer if i.name in node.input}
    operands.update({n: given[n] for n in node.input if n in given})
    wanted = sorted({n for n in node.input if n in made})
    if wanted:
        del part.graph.output[:]
        part.graph.output.extend(onnx.ValueInfoProto(name=n) for n in wanted)
        session = ort.InferenceSession(part.SerializeToString(), OPTIONS, providers=["CPUExecutionProvider"])
        values = session.run_with_ort_values(wanted, {n: to_ort(x) for n, x in given.items()})
        operands.update({n: v.numpy() for n, v in zip(wanted, values)})
    infos = [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
             for n, x in operands.items()]
    graph = onnx.helper.make_graph([node], "node", infos, [onnx.ValueInfoProto(name=o) for o in node.output if o])
    alone = onnx.helper.make_model(graph, opset_imports=wide.opset_import, ir_version=wide.ir_version)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        values = ReferenceEvaluator(alone).run(None, operands)
    names = [o for o in node.output if o]
    return {n: (onnx.helper.np_dtype_to_tensor_dtype(np.asarray(v).dtype), np.shape(v)) for n, v in zip(names, values)}


def reason_against_library(wide, given, declared, name, index):
    """Why it may be ours after all; None: another says what we say. name: the value of another form; None: the
    node at index was refused."""
    if name:
        found = {name: inferred(wide, name)}
        return f"shape inference: {told(name, found, declared)}" if misfit(found, declared) else None
    try:
        found = evaluated(wide, index, given)
    except Exception as e:  # pylint: disable=broad-except
        return f"onnx's evaluator: {type(e).__name__} {first_line(e)}"
    if any(n not in declared for n in found):
        return "a value that the program does not name"
    name = misfit(found, declared)
    return f"onnx's evaluator: {told(name, found, declared)}" if name else None


def first_line(error):
    return str(error).strip().replace("\n", " ")[:300]


def check(path, declared):
    model = onnx.load(path + ".onnx")
    wide, made = with_all_outputs(model, declared)
    missing = {v.name for v in model.graph.output} - set(made) - {v.name for v in model.graph.input}
    if missing - {i.name for i in model.graph.initializer}:
        return Result(False, False, f"outputs that nothing makes: {missing}")
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.checker.check_model(wide, full_check=True)
    except Exception as e:  # pylint: disable=broad-except
        return Result(False, False, f"checker: {first_line(e)}")
    given = load_inputs(path + ".npz", model)
    try:
        found = run_onnxruntime(wide, made, given)
        name = misfit(found, declared)
        if not name:
            return Result(True, False, "")
        text = told(name, found, declared)
        index = None
    except Exception as e:  # pylint: disable=broad-except
        index, found = refused_node(wide, given)
        name = misfit(found, declared)
        text = (f"{told(name, found, declared)}, then " if name else "") + first_line(e)
    ours = reason_against_library(wide, given, declared, name, index)
    return Result(False, ours is None, text + (f"; {ours}" if ours else ""))


def plants(path, declared):
    """Names of the wrong declarations of the last value that pass."""
    made = [o for n in onnx.load(path + ".onnx").graph.node for o in n.output if declared.get(o, (0, []))[1]]
    dtype, dims = declared[made[-1]]
    wrong = {"a dim": (dtype, [*dims[:-1], dims[-1] + 1]), "a rank": (dtype, [1, *dims]),
             "a dtype": (T.INT64 if dtype != T.INT64 else T.FLOAT, dims)}
    return [name for name, form_ in wrong.items()
            if check(path, {**declared, made[-1]: form_})[:2] != (False, False)]


def check_plants(opjury):
    passed, tried = [], 0
    with tempfile.TemporaryDirectory() as directory:
        for i, declared in enumerate(generate(opjury, "nnsmith39", 5, 0, 20, directory)):
            if check(f"{directory}/{i}", declared).ok and any(d for _, d in declared.values()):
                passed += plants(f"{directory}/{i}", declared)
                tried += 1
    for name in passed:
        print(f"# {name} is not noticed")
    print(f"{'not ok' if passed or not tried else 'ok'} 1 - what is planted in {tried} models is noticed")
    return bool(passed) or not tried


def check_policy(opjury, policy, models):
    """Numbers of valid models, of those without a form in ONNX, without a kernel, and by text of those that only
    ONNX Runtime takes otherwise; the failures."""
    valid, absent, kernels, library, failures = 0, 0, 0, collections.Counter(), []
    each = -(-models // len(NODES))
    for nodes in NODES:
        for first in range(0, each, BATCH):
            with tempfile.TemporaryDirectory() as directory:
                count = min(BATCH, each - first)
                for i, declared in enumerate(generate(opjury, policy, nodes, first, count, directory)):
                    path = f"{directory}/{first + i}"
                    if not os.path.exists(path + ".onnx"):
                        absent += 1  # ONNX cannot say it: gen has said so
                        continue
                    result = check(path, declared)
                    valid += result.ok
                    if NO_KERNEL in result.text:
                        kernels += 1
                    elif result.is_library:
                        library[re.sub(r"\d+", "N", result.text)[:160]] += 1
                    elif not result.ok:
                        failures.append(f"--policy {policy} --nodes {nodes} --first {first + i}: {result.text}")
            if sys.stderr.isatty():
                print(f"\r{policy}, {nodes} ops: {first + count} models ", end="", file=sys.stderr, flush=True)
    return valid, absent, kernels, library, failures


def main():
    opjury, models = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
    policies = sys.argv[3:] or ["default", "nnsmith39"]
    print(f"1..{1 + len(policies)}")
    bad = check_plants(opjury)
    for k, policy in enumerate(policies):
        valid, absent, kernels, library, failures = check_policy(opjury, policy, models // len(policies))
        for failure in failures[:20]:
            print("#", failure)
        for text, n in library.most_common():
            print(f"# ONNX Runtime alone, {n}: {text}")
        total = valid + kernels + sum(library.values()) + len(failures)
        print(f"{'not ok' if failures or not valid else 'ok'} {k + 2} - policy {policy}: {total} models of {NODES[0]} "
              f"to {NODES[-1]} ops: {valid} run as declared, {len(failures)} are invalid; ONNX Runtime lacks a "
              f"kernel for {kernels} and is alone with what it makes of {sum(library.values())} more; ONNX cannot "
              f"say {absent} others", flush=True)
        bad |= bool(failures) or not valid
    return 1 if bad else 0


sys.exit(main())
