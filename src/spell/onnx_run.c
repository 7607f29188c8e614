/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How scripts run an ONNX model on the libraries that compile one, by the same calls and options as
 * the worker's adapters: the long form for every element and bfloat16, the short one to be read.
 */
#include "spell/spell_internal.h"

#include <string.h>

/* ---- options ---- */

/* The value behind `key` in "hint=bf16,snippets=off", NULL: it is not there. */
static const char *find_value(const struct script *script, const char *key, struct arena *arena)
{
    size_t n = strlen(key);

    for (const char *at = script->setup; at != NULL && *at != '\0'; at += *at == ',') {
        size_t size = strcspn(at, ",");
        if (size > n && strncmp(at, key, n) == 0 && at[n] == '=') {
            return arena_printf(arena, "%.*s", (int)(size - n - 1), at + n + 1);
        }
        at += size;
    }
    return NULL;
}

/* ---- openvino ---- */

static const char openvino_long[] =
    "\ndef to_tensor(x, is_bfloat16):\n"
    "    if is_bfloat16:\n"
    "        return openvino.Tensor(x, openvino.Shape(x.shape), openvino.Type.bf16)\n"
    "    return openvino.Tensor(x, shared_memory=True)\n"
    "\n\n"
    "def to_numpy(tensor):\n"
    "    is_bfloat16 = tensor.element_type == openvino.Type.bf16\n"
    "    return (tensor.data.view(np.uint16) if is_bfloat16 else tensor.data).copy()\n"
    "\n\n"
    "def infer(request, inputs):\n"
    "    tensors = [to_tensor(x, b) for x, b in zip(inputs, is_bfloat16)]\n"
    "    request.infer(dict(enumerate(tensors)), share_inputs=True)\n"
    "    return [to_numpy(tensor) for tensor in request.output_tensors]\n"
    "\n\n"
    "def run():\n"
    "    core = openvino.Core()\n";

static void put_settings(const struct script *script, struct arena *arena, struct buffer *out)
{
    const char *hint = find_value(script, "hint", arena);
    const char *mode = find_value(script, "mode", arena);

    buffer_printf(out, "{\"INFERENCE_PRECISION_HINT\": \"%s\", \"INFERENCE_NUM_THREADS\": %u",
                  hint != NULL ? hint : "f32", script->threads > 0 ? script->threads : 1);
    if (mode != NULL) {
        buffer_printf(out, ", \"PERFORMANCE_HINT\": \"%s\"",
                      strcmp(mode, "throughput") == 0 ? "THROUGHPUT" : "CUMULATIVE_THROUGHPUT");
    }
    if (find_value(script, "snippets", arena) != NULL) {
        buffer_puts(out, ", \"SNIPPETS_MODE\": \"DISABLE\"");
    }
    buffer_puts(out, "}");
}

static void openvino_run(const struct script *script, struct arena *arena, struct buffer *out)
{
    buffer_puts(out, openvino_long);
    buffer_puts(out,
                "    compiled = core.compile_model(core.read_model(MODEL), \"CPU\",\n        ");
    put_settings(script, arena, out);
    buffer_puts(out, ")\n    request = compiled.create_infer_request()\n");
    buffer_puts(out, script->before != NULL ? "    infer(request, other_inputs)\n" : "");
    buffer_puts(out, "    return infer(request, inputs)\n\n");
}

static void openvino_short(const struct script *script, const char *inputs, const char *outputs,
                           struct arena *arena, struct buffer *out)
{
    buffer_puts(out, "core = openvino.Core()\ncompiled = core.compile_model(\n"
                     "    core.read_model(model.SerializeToString()), \"CPU\",\n    ");
    put_settings(script, arena, out);
    buffer_printf(out, ")\n[%s] = compiled([%s]).to_tuple()\n", outputs, inputs);
}

/* ---- tvm ---- */

static const char tvm_long[] =
    "\ndef to_tensor(x, is_bfloat16):\n"
    "    return tvm.runtime.tensor(x.view(\"bfloat16\") if is_bfloat16 else x, tvm.cpu())\n"
    "\n\n"
    "def to_numpy(output):\n"
    "    is_shape = isinstance(output, tvm.runtime.ShapeTuple)\n"
    "    array = np.array(output, np.int64) if is_shape else output.numpy()\n"
    "    return array.view(np.uint16) if array.dtype == \"bfloat16\" else array\n"
    "\n\n"
    "def call(machine, inputs):\n"
    "    given = machine[\"main\"](*[to_tensor(x, b) for x, b in zip(inputs, is_bfloat16)])\n"
    "    is_one = isinstance(given, (tvm.runtime.Tensor, tvm.runtime.ShapeTuple))\n"
    "    return [to_numpy(output) for output in ([given] if is_one else given)]\n"
    "\n\n"
    "def run():\n";

static void put_compiled(const struct script *script, const char *model, const char *indent,
                         struct arena *arena, struct buffer *out)
{
    const char *opt = find_value(script, "opt", arena);

    buffer_printf(out,
                  "%smodule = relax.transform.DecomposeOpsForInference()(from_onnx(%s))\n"
                  "%swith tvm.transform.PassContext(opt_level=%s):\n"
                  "%s    compiled = tvm.compile(module, tvm.target.Target({\"kind\": \"llvm\"}))\n"
                  "%smachine = relax.VirtualMachine(compiled, tvm.cpu())\n",
                  indent, model, indent, opt != NULL ? opt : "3", indent, indent);
}

static void tvm_run(const struct script *script, struct arena *arena, struct buffer *out)
{
    buffer_puts(out, tvm_long);
    put_compiled(script, "onnx.load_from_string(MODEL)", "    ", arena, out);
    buffer_puts(out, script->before != NULL ? "    call(machine, other_inputs)\n" : "");
    buffer_puts(out, "    return call(machine, inputs)\n\n");
}

static void tvm_short(const struct script *script, const char *inputs, const char *outputs,
                      struct arena *arena, struct buffer *out)
{
    bool is_one = script->program->n_outputs == 1;

    put_compiled(script, "model", "", arena, out);
    buffer_printf(out,
                  "given = machine[\"main\"](*[tvm.runtime.tensor(x, tvm.cpu()) for x in [%s]])\n"
                  "%s = %s\n",
                  inputs, outputs,
                  is_one ? "given.numpy()" : "[tensor.numpy() for tensor in given]");
}

/* ---- onnxsim, onnxslim: ONNX Runtime runs what they make ---- */

static const char simplifier_long[] =
    "\ndef to_value(x, is_bfloat16):\n"
    "    if is_bfloat16:\n"
    "        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(x, 16)\n"
    "    return onnxruntime.OrtValue.ortvalue_from_numpy(x)\n"
    "\n\n"
    "def to_numpy(value):\n"
    "    if value.data_type() != \"tensor(bfloat16)\":\n"
    "        return value.numpy()\n"
    "    shape = tuple(value.shape())\n"
    "    size = 2 * int(np.prod(shape, dtype=np.int64))\n"
    "    data = ctypes.string_at(value.data_ptr(), size) if size else b\"\"\n"
    "    return np.frombuffer(data, np.uint16).reshape(shape)\n"
    "\n\n"
    "def run():\n"
    "    model = onnx.load_from_string(MODEL)\n";

/* The session of what is made of `model`; an input that nothing reads may be gone there. */
static void put_simplified(const struct script *script, const char *indent, struct arena *arena,
                           struct buffer *out)
{
    const char *level = find_value(script, "level", arena);
    bool is_sim = strcmp(script->library, "onnxsim") == 0;
    const char *folding = is_sim ? ", perform_optimization=False"
                                 : ", skip_optimizations=[\n    \"graph_fusion\", "
                                   "\"dead_node_elimination\", \"subexpression_elimination\", "
                                   "\"weight_tying\"]";

    buffer_printf(out, "%snames = [i.name for i in model.graph.input]\n", indent);
    if (!level || strcmp(level, "none") != 0) {
        buffer_printf(out, "%smodel = %s(model%s)%s\n", indent,
                      is_sim ? "onnxsim.simplify" : "onnxslim.slim", level ? folding : "",
                      is_sim ? "[0]" : "");
    }
    buffer_printf(out,
                  "%soptions = onnxruntime.SessionOptions()\n"
                  "%soptions.graph_optimization_level = "
                  "onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL\n"
                  "%soptions.intra_op_num_threads = 1\n"
                  "%ssession = onnxruntime.InferenceSession(\n"
                  "%s    model.SerializeToString(), options, "
                  "providers=[\"CPUExecutionProvider\"])\n",
                  indent, indent, indent, indent, indent);
}

static void simplifier_run(const struct script *script, struct arena *arena, struct buffer *out)
{
    buffer_puts(out, simplifier_long);
    put_simplified(script, "    ", arena, out);
    buffer_puts(out, "    given = dict(zip(names, map(to_value, inputs, is_bfloat16)))\n"
                     "    feeds = {i.name: given[i.name] for i in session.get_inputs()}\n"
                     "    values = session.run_with_ort_values(\n"
                     "        [o.name for o in session.get_outputs()], feeds)\n"
                     "    return [to_numpy(value) for value in values]\n\n");
}

static void simplifier_short(const struct script *script, const char *inputs, const char *outputs,
                             struct arena *arena, struct buffer *out)
{
    put_simplified(script, "", arena, out);
    buffer_printf(out,
                  "given = dict(zip(names, [%s]))\n"
                  "[%s] = session.run(\n"
                  "    None, {i.name: given[i.name] for i in session.get_inputs()})\n",
                  inputs, outputs);
}

#define SIMPLIFIER(name)                                                                           \
    {                                                                                              \
        .library = name,                                                                           \
        .package = name " onnxruntime",                                                            \
        .reads_by_onnx = true,                                                                     \
        .long_imports =                                                                            \
            "    import ctypes\n    import onnx\n    import onnxruntime\n    import " name "\n",   \
        .short_imports = "import onnxruntime\nimport " name "\n",                                  \
        .put_run = simplifier_run,                                                                 \
        .put_short = simplifier_short,                                                             \
    }

/* ---- the table ---- */

static const struct onnx_runner runners[] = {
    SIMPLIFIER("onnxsim"),
    SIMPLIFIER("onnxslim"),
    {.library = "openvino",
     .package = "openvino",
     .long_imports = "    import openvino\n",
     .short_imports = "import openvino\n",
     .put_run = openvino_run,
     .put_short = openvino_short},
    {.library = "tvm",
     .package = "apache-tvm",
     .reads_by_onnx = true,
     .long_imports = "    import ml_dtypes\n    import onnx\n    import tvm\n"
                     "    from tvm import relax\n"
                     "    from tvm.relax.frontend.onnx import from_onnx\n",
     .short_imports = "import tvm\nfrom tvm import relax\n"
                      "from tvm.relax.frontend.onnx import from_onnx\n",
     .put_run = tvm_run,
     .put_short = tvm_short},
};

const struct onnx_runner *onnx_runner_of(const char *library)
{
    for (size_t i = 0; i < ARRAY_SIZE(runners); i++) {
        if (strcmp(runners[i].library, library) == 0) {
            return &runners[i];
        }
    }
    return NULL;
}

/* ---- all libraries ---- */

bool script_is_onnx(const char *library)
{
    return strcmp(library, "onnxruntime") == 0 || onnx_runner_of(library) != NULL;
}

bool script_has_library(const char *library)
{
    return call_library_find(library) != NULL || script_is_onnx(library);
}

const char *script_needs(const char *library, bool is_short, struct arena *arena)
{
    const struct onnx_runner *runner = onnx_runner_of(library);
    const char *package = runner != NULL ? runner->package : library;
    bool needs_onnx = script_is_onnx(library) && (is_short || (runner && runner->reads_by_onnx));

    if (is_short && !script_is_onnx(library)) {
        return package;
    }
    return arena_printf(arena, "numpy%s and %s", needs_onnx ? ", onnx" : "", package);
}
