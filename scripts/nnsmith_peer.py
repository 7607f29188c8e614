# SPDX-License-Identifier: Apache-2.0
"""nnsmith_peer: nnsmith 0.1.0 as all scripts here run it, in the environment that `scripts/setup peer`
makes: its torch front end, one thread, no memory beyond a limit, and stdout for answers alone."""
import logging
import os
import resource
import warnings

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")})
warnings.simplefilter("ignore")

MEMORY = 8 << 30  # weights of any size are asked for: such a model fails rather than the machine
TIMEOUT_MS = 10000  # its default, of one model; a third of it is its solver's


def answers():
    """What was stdout; what the libraries print there from now on goes to stderr."""
    stream = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return stream


def one_line(error):
    return ascii(f"{type(error).__name__} {error}")[1:-1][:200]


class Nnsmith:
    def __init__(self):
        import torch
        import z3
        from nnsmith import graph_gen
        from nnsmith.materialize import Model
        torch.set_num_threads(1)
        self.graph_gen = graph_gen
        self.model_type = Model.init("torch", backend_target="cpu")
        self.model_type.add_seed_setter()
        self.opset = self.model_type.operators()
        self.versions = f"nnsmith 0.1.0, torch {torch.__version__}, z3 {z3.get_version_string()}"

    def graph(self, method, nodes, seed, numel, **more):
        """A graph with its shapes and attributes."""
        gen = self.graph_gen.model_gen(opset=self.opset, method=method, seed=seed, max_nodes=nodes,
                                       max_elem_per_tensor=numel, timeout_ms=TIMEOUT_MS, **more)
        return gen.make_concrete()

