# SPDX-License-Identifier: Apache-2.0
"""numpy reads the .npz files that we write; we read what numpy writes, order and byte order included
(TAP)."""
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto as T, helper

from harness import Server, Tap, load_results

KINDS = {"b": (T.BOOL, np.bool_), "c": (T.INT8, np.int8), "d": (T.UINT32, np.uint32),
         "e": (T.FLOAT16, np.float16), "f": (T.DOUBLE, np.float64), "g": (T.INT64, np.int64)}


def save_model(path):
    """Every input transposed."""
    nodes = [helper.make_node("Transpose", [n], ["t" + n], perm=[1, 2, 0]) for n in KINDS]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, k, [2, 3, 4]) for n, (k, _) in KINDS.items()],
        [helper.make_tensor_value_info("t" + n, k, None) for n, (k, _) in KINDS.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def main():
    tap, server = Tap(), Server(sys.argv[1])
    rng = np.random.default_rng(0)
    arrays = {n: rng.integers(0, 2 if n == "b" else 100, (2, 3, 4)).astype(d)
              for n, (_, d) in KINDS.items()}
    arrays["f"] = np.asfortranarray(arrays["f"])
    with tempfile.TemporaryDirectory() as directory:
        files = [os.path.join(directory, f) for f in ("m.onnx", "in.npz", "out.npz")]
        save_model(files[0])
        np.savez(files[1], **arrays)
        reply = server.ask("model", *files)
        results = load_results(files[2]) if reply.startswith("ok") else []
        same = len(results) == len(arrays) and all(
            np.array_equal(r, a.transpose(1, 2, 0)) and r.dtype == a.dtype
            for (r, _), a in zip(results, arrays.values()))
        tap.result(same, "arrays travel through .npz", [reply])
        for save, text in ((lambda: np.savez_compressed(files[1], **arrays), "is compressed"),
                           (lambda: np.savez(files[1], b=arrays["f"].astype(">f8")),
                            "'>f8' has no dtype here"),
                           (lambda: open(files[1], "w", encoding="utf-8").close(),
                            "no whole .npz")):
            save()
            reply = server.ask("model", *files)
            tap.result(text in reply, f"refused: {text}", [reply])
    tap.close()


main()
