# SPDX-License-Identifier: Apache-2.0
"""Do motifs reach the optimisers they are for (TAP)? Programs around one motif go through ONNX
Runtime's optimisation, and the saved model tells by the operators it has now whether the pattern
was found: in a good part of the programs (hits), and not in all (near misses)."""
import collections
import os
import subprocess
import sys
import tempfile

import onnx
import onnxruntime as ort

PROGRAMS = 80
POLICY = """motif_percent = 100
motif.* = 0
motif.{} = 1
nodes = 9
clean_percent = 100
empty_percent = 0
union_percent = 0
dtype.* = 0
dtype.f32 = 1
"""
# motif, operator of the optimised model or, after "-", one that it has less often; share of programs at least and at most
EXPECTED = [
    ("layer_norm", "LayerNormalization", 0.2, 0.8),
    ("rms_norm", "SimplifiedLayerNormalization", 0.2, 0.8),
    ("gelu_erf", "Gelu", 0.1, 0.8),
    ("swish", "QuickGelu", 0.2, 1),
    ("quick_gelu", "QuickGelu", 0.2, 1),
    ("bias_gelu", "BiasGelu", 0.2, 1),
    ("gemm_act", "FusedGemm", 0.2, 1),
    ("attention", "FusedMatMul", 0.2, 1),
    ("conv_residual", "FusedConv", 0.1, 1),
    ("product_bn", "-BatchNormalization", 0.1, 0.9),
    ("transpose_matmul_add", "Gemm", 0.1, 0.9),
    ("product_transpose", "-Transpose", 0.1, 1),
    ("transpose_nothing", "-Transpose", 0.1, 0.9),
    ("transpose_binary_back", "-Transpose", 0.1, 1),
    ("cast_nothing", "-Cast", 0.1, 1),
    ("not_where", "-Not", 0.1, 1),
    ("reciprocal_mul", "-Mul", 0.1, 0.9),
]


def optimised(path, work):
    """How many nodes of each type ONNX Runtime runs; None: it refuses the model."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = os.path.join(work, "optimised.onnx")
    options.log_severity_level = 4
    try:
        ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:  # pylint: disable=broad-except
        return None  # a finding of a campaign, none of this test
    return count(options.optimized_model_filepath)


def count(path):
    return collections.Counter(n.op_type for n in onnx.load(path).graph.node)


def shows(path, wanted, work):
    """Does the optimised model have the operator, or less often?"""
    types = optimised(path, work)
    if types is None:
        return False
    return types[wanted[1:]] < count(path)[wanted[1:]] if wanted[0] == "-" else types[wanted] > 0


def share(tool, motif, wanted, work):
    policy = os.path.join(work, "policy")
    with open(policy, "w", encoding="utf-8") as f:
        f.write(POLICY.format(motif))
    models = os.path.join(work, motif)
    subprocess.run([tool, "gen", "--count", str(PROGRAMS), "--seed", "11", "--policy", policy, "--format", "onnx",
                    "--target", "onnxruntime:opt=none", "--out", models],
                   check=True, capture_output=True)  # a few have no ONNX form
    found = [shows(os.path.join(models, name), wanted, work) for name in sorted(os.listdir(models))
             if name.endswith(".onnx")]
    assert len(found) > PROGRAMS / 2
    return sum(found) / len(found)


def main(tool):
    print(f"1..{len(EXPECTED)}")
    with tempfile.TemporaryDirectory() as work:
        for i, (motif, wanted, least, most) in enumerate(EXPECTED, 1):
            got = share(tool, motif, wanted, work)
            fine = least <= got <= most
            print(f"{'ok' if fine else 'not ok'} {i} - {motif}: {wanted} in {got:.0%} of programs "
                  f"({least:.0%} to {most:.0%})", flush=True)


main(sys.argv[1])
