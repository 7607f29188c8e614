/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding as a script that needs the library and numpy only. It holds the model (bytes for ONNX
 * Runtime, calls for torch), inputs, expected values and bounds; it runs them the failing way and
 * says by its exit status whether the fault shows. Whatever it computes from is written so that the
 * same bits come back: a number that its text would not give back is written in base64.
 */
#include "spell/spell_internal.h"

#include <string.h>

enum { LISTING_WIDTH = 100 };

struct text {
    const struct script *script;
    struct buffer *out;
    struct arena *arena;
};

/* ---- values ---- */

static void put_tensors(const char *name, const struct tensor *tensors, const char *const *labels,
                        size_t n, struct buffer *out)
{
    buffer_printf(out, "%s = [\n", name);
    for (size_t i = 0; i < n; i++) {
        buffer_printf(out, "    # %s\n    ", labels[i]);
        if (tensors && tensors[i].data) {
            python_array(out, &tensors[i]);
        } else {
            buffer_puts(out, "None");
        }
        buffer_puts(out, ",\n");
    }
    buffer_puts(out, "]\n");
}

/* ---- the script's parts ---- */

/* bf16 enters and leaves as OrtValue only. */
static bool has_bf16_ends(const struct program *p)
{
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        if (p->values[program_input(p, k)].dtype == DTYPE_BF16) {
            return true;
        }
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        if (p->values[p->outputs[o]].dtype == DTYPE_BF16) {
            return true;
        }
    }
    return false;
}

static void put_head(struct text *t)
{
    struct buffer *out = t->out;
    const struct onnx_runner *runner = onnx_runner_of(t->script->library);
    bool is_onnx = strcmp(t->script->library, "onnxruntime") == 0;
    bool is_placed = t->script->at_page_end, is_jax = strcmp(t->script->library, "jax") == 0;
    bool is_tf = strcmp(t->script->library, "tensorflow") == 0;
    bool is_saved = is_onnx && session_saved(t->script->options);
    bool is_exported = torch_mode_of(t->script) == TORCH_ONNX;

    buffer_puts(out, "#!/usr/bin/env python3\n\"\"\"");
    for (const char *c = t->script->title; *c; c++) {
        char ch = *c == '"' ? '\'' : *c == '\\' ? '/' : (unsigned char)*c < 0x20 ? ' ' : *c;
        buffer_append(out, &ch, 1);
    }
    if (t->script->command) {
        buffer_printf(out, "\n\nRun it as %s:\n%s.", t->script->command, t->script->why);
    }
    buffer_printf(out,
                  "\n\n"
                  "Needs %s. Exit status: 1 the fault shows, 0 it does not, 2 it cannot "
                  "run.\n\"\"\"\n"
                  "import base64\n"
                  "%s"
                  "import faulthandler\n"
                  "%s%s%s"
                  "import sys\n"
                  "%s"
                  "\n",
                  runner != NULL ? script_needs(t->script->library, false, t->arena)
                                 : arena_printf(t->arena, "%s%s and numpy", t->script->library,
                                                is_exported ? ", onnxruntime, onnxscript" : ""),
                  is_placed || (is_onnx && has_bf16_ends(t->script->program)) ? "import ctypes\n"
                                                                              : "",
                  is_exported ? "import io\n" : "", is_placed ? "import mmap\n" : "",
                  is_saved || is_jax ? "import os\n" : "", is_saved ? "import tempfile\n" : "");
    if (is_jax) {
        python_jax_head(t->script, out);
    }
    buffer_printf(out,
                  "try:\n"
                  "    import numpy as np\n"
                  "    from numpy import inf, nan\n"
                  "%s%s%s"
                  "except ImportError as missing:\n"
                  "    print(missing)\n"
                  "    sys.exit(2)\n\n",
                  runner != NULL ? runner->long_imports
                                 : arena_printf(t->arena, "    import %s%s\n", t->script->library,
                                                is_tf ? " as tf" : ""),
                  is_exported ? "    import onnxruntime\n" : "",
                  is_jax ? "    import jax.image\n    import jax.nn\n    import jax.numpy\n" : "");
}

/* Helpers are written where they are used only. */
static bool any_dtype(const struct program *p, enum dtype d)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].dtype == d) {
            return true;
        }
    }
    return false;
}

static void put_helpers(struct text *t)
{
    buffer_puts(t->out, "\ndef packed(text, dtype, shape):\n"
                        "    return np.frombuffer(base64.b64decode(text), dtype)"
                        ".reshape(shape).copy()\n\n");
    if (any_dtype(t->script->program, DTYPE_BF16)) {
        buffer_puts(t->out, "\ndef bfloat16(values):\n"
                            "    \"\"\"Their bits: numpy has no such dtype.\"\"\"\n"
                            "    bits = np.array(values, np.float32).view(np.uint32)\n"
                            "    return (bits + 0x7fff + (bits >> 16 & 1) >> 16)"
                            ".astype(np.uint16)\n\n");
    }
}

/* Some kernels read otherwise where an array does not begin as numpy's do, some behind its end. */
static const char at_page_end[] =
    "\ndef at_page_end(array):\n"
    "    \"\"\"Behind it lies a page that may not be touched.\"\"\"\n"
    "    page, size = mmap.PAGESIZE, array.nbytes\n"
    "    used = -(-size // page) * page\n"
    "    memory = mmap.mmap(-1, used + page)\n"
    "    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))\n"
    "    ctypes.CDLL(None).mprotect(ctypes.c_void_p(address + used), ctypes.c_size_t(page), 0)\n"
    "    placed = np.frombuffer(memory, np.uint8, size, used - size).view(array.dtype)\n"
    "    placed = placed.reshape(array.shape)\n"
    "    placed[...] = array\n"
    "    return placed\n\n"
    "\n# The fault may hang on where the inputs lie.\n";

static void put_placed(const char *name, struct buffer *out)
{
    buffer_printf(out, "%s = [at_page_end(x) for x in %s]\n", name, name);
}

static const char **value_labels(const struct program *p, const uint32_t *ids, size_t n,
                                 struct arena *arena)
{
    const char **labels = ARENA_ARRAY(arena, const char *, n);

    for (size_t i = 0; i < n; i++) {
        const struct value *v = &p->values[ids[i]];
        struct buffer shape = BUFFER_INIT;
        shape_print(&v->shape, &shape);
        labels[i] = arena_printf(arena, "%s: %s%s", v->name, dtype_name(v->dtype), shape.data);
        buffer_release(&shape);
    }
    return labels;
}

static void put_inputs(struct text *t, const char *name, const struct program *p,
                       const struct tensor *inputs)
{
    uint32_t n = program_n_inputs(p);
    uint32_t *ids = ARENA_ARRAY(t->arena, uint32_t, n);

    for (uint32_t k = 0; k < n; k++) {
        ids[k] = program_input(p, k);
    }
    put_tensors(name, inputs, value_labels(p, ids, n, t->arena), n, t->out);
}

static void put_data(struct text *t)
{
    const struct program *p = t->script->program;

    if (t->script->before) {
        buffer_puts(t->out, "# The same session runs these shapes first.\n");
        put_inputs(t, "other_inputs", t->script->before->program, t->script->before->inputs);
    }
    put_inputs(t, "inputs", p, t->script->inputs);
    if (t->script->at_page_end) {
        buffer_puts(t->out, at_page_end);
        put_placed("inputs", t->out);
        if (t->script->before) {
            put_placed("other_inputs", t->out);
        }
    }
    const char **outputs = value_labels(p, p->outputs, p->n_outputs, t->arena);
    if (!t->script->expected_error) {
        buffer_puts(t->out, "# None: any value will do.\n");
        put_tensors("expected", t->script->expected, outputs, p->n_outputs, t->out);
        buffer_puts(t->out, "# How far a result may lie from it; nan: not compared.\n");
        put_tensors("bound", t->script->bound, outputs, p->n_outputs, t->out);
    }
}

/* The graph for people: one comment line a statement, long constants cut. */
static void put_listing(struct text *t)
{
    struct buffer listing = BUFFER_INIT;

    program_print(t->script->program, &listing);
    for (const char *line = listing.data; line && *line;) {
        size_t size = strcspn(line, "\n");
        bool is_cut = size > LISTING_WIDTH;
        buffer_printf(t->out, "#     %.*s%s\n", (int)(is_cut ? LISTING_WIDTH : size), line,
                      is_cut ? " ..." : "");
        line += size + (line[size] == '\n');
    }
    buffer_release(&listing);
}

/* ---- onnxruntime ---- */

static const char *optimization_level(const char *setup)
{
    static const char *const levels[][2] = {{"all", "ORT_ENABLE_ALL"},
                                            {"extended", "ORT_ENABLE_EXTENDED"},
                                            {"basic", "ORT_ENABLE_BASIC"},
                                            {"none", "ORT_DISABLE_ALL"}};
    for (size_t i = 0; setup && i < ARRAY_SIZE(levels); i++) {
        if (strcmp(levels[i][0], setup) == 0) {
            return levels[i][1];
        }
    }
    return setup ? NULL : levels[0][1];
}

static const char run_session[] = "    feeds = {i.name: x for i, x in "
                                  "zip(session.get_inputs(), inputs)}\n"
                                  "    return session.run(None, feeds)\n";

static const char run_values[] =
    "    feeds = {}\n"
    "    for i, x in zip(session.get_inputs(), inputs):\n"
    "        if i.type == \"tensor(bfloat16)\":\n"
    "            feeds[i.name] = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(\n"
    "                x, 16)  # TensorProto.BFLOAT16\n"
    "        else:\n"
    "            feeds[i.name] = onnxruntime.OrtValue.ortvalue_from_numpy(x)\n"
    "    names = [o.name for o in session.get_outputs()]\n"
    "    return [to_numpy(v) for v in session.run_with_ort_values(names, feeds)]\n";

static const char run_twice[] = "    run_session(session, other_inputs)\n"
                                "    return run_session(session, inputs)\n";

static const char values_to_numpy[] =
    "\ndef to_numpy(value):\n"
    "    if value.data_type() != \"tensor(bfloat16)\":\n"
    "        return value.numpy()\n"
    "    shape = tuple(value.shape())\n"
    "    size = 2 * int(np.prod(shape, dtype=np.int64))\n"
    "    data = ctypes.string_at(value.data_ptr(), size) if size else b\"\"\n"
    "    return np.frombuffer(data, np.uint16).reshape(shape)\n\n";

static unsigned n_threads(const struct script *script)
{
    return script->threads > 0 ? script->threads : 1;
}

/* The session, of the model as it is or as it was saved and loaded again. */
static void put_session(struct text *t)
{
    static const char make[] = "onnxruntime.InferenceSession(\n"
                               "        %s, options, providers=[\"CPUExecutionProvider\"]";
    const char *saved = session_saved(t->script->options);

    if (saved) {
        buffer_printf(
            t->out,
            "    saved = os.path.join(tempfile.mkdtemp(), \"model\")\n"
            "    options.optimized_model_filepath = saved\n"
            "    options.add_session_config_entry(\"session.save_model_format\", \"%s\")\n"
            "    ",
            saved);
        buffer_printf(t->out, make, "MODEL");
        python_disabled(t->out, t->script->disabled, "        ");
        buffer_printf(
            t->out,
            ")\n"
            "    options = onnxruntime.SessionOptions()\n"
            "    options.graph_optimization_level = (\n"
            "        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)\n"
            "    options.intra_op_num_threads = %u\n"
            "    options.add_session_config_entry(\"session.load_model_format\", \"%s\")\n",
            n_threads(t->script), saved);
        session_lines(t->script->options, "    ", t->out);
    }
    buffer_puts(t->out, "    session = ");
    buffer_printf(t->out, make, saved ? "saved" : "MODEL");
    python_disabled(t->out, saved ? NULL : t->script->disabled, "        ");
    buffer_puts(t->out, ")\n");
}

/* MODEL, in base64 behind its listing. */
static enum err put_model(struct text *t)
{
    struct buffer model = BUFFER_INIT;
    enum err err =
        onnx_write_dynamic(t->script->program, t->script->before, t->script->onnx, &model);

    if (err == ERR_OK) {
        buffer_printf(t->out, "# An ONNX model of opset %d:\n", t->script->onnx.opset);
        put_listing(t);
        buffer_puts(t->out, "MODEL = base64.b64decode(\"\"\"");
        python_base64(t->out, model.data, model.size);
        buffer_puts(t->out, "\"\"\")\n");
    }
    buffer_release(&model);
    return err;
}

static enum err put_onnxruntime(struct text *t)
{
    const char *level = optimization_level(t->script->setup);
    const char *once = has_bf16_ends(t->script->program) ? run_values : run_session;
    bool is_bf16 = has_bf16_ends(t->script->program), is_dynamic = t->script->before != NULL;

    if (!level) {
        return err_set(ERR_UNSUPPORTED, "onnxruntime has no level '%s'; all, extended, basic, none",
                       t->script->setup);
    }
    TRY(put_model(t));
    put_data(t);
    buffer_puts(t->out, is_bf16 ? values_to_numpy : "\n");
    if (is_dynamic) {
        buffer_printf(t->out, "\ndef run_session(session, inputs):\n%s\n", once);
    }
    buffer_printf(t->out,
                  "\ndef run():\n"
                  "    options = onnxruntime.SessionOptions()\n"
                  "    options.graph_optimization_level = (\n"
                  "        onnxruntime.GraphOptimizationLevel.%s)\n"
                  "    options.intra_op_num_threads = %u\n",
                  level, n_threads(t->script));
    session_lines(t->script->options, "    ", t->out);
    put_session(t);
    buffer_printf(t->out, "%s\n", is_dynamic ? run_twice : once);
    return ERR_OK;
}

/* ---- libraries that compile a model ---- */

static void put_flags(struct buffer *out, const char *name, const bool *flags, uint32_t n)
{
    buffer_printf(out, "%s = [", name);
    for (uint32_t i = 0; i < n; i++) {
        buffer_printf(out, "%s%s", i > 0 ? ", " : "", flags[i] ? "True" : "False");
    }
    buffer_puts(out, "]\n");
}

static enum err put_compiled_model(struct text *t, const struct onnx_runner *runner)
{
    const struct program *p = t->script->program;
    uint32_t n = program_n_inputs(p);
    bool *is_bf16 = ARENA_ZARRAY(t->arena, bool, n + 1);

    for (uint32_t k = 0; k < n; k++) {
        is_bf16[k] = p->values[program_input(p, k)].dtype == DTYPE_BF16;
    }
    TRY(put_model(t));
    put_data(t);
    put_flags(t->out, "is_bfloat16", is_bf16, n);
    buffer_puts(t->out, "\n");
    runner->put_run(t->script, t->arena, t->out);
    return ERR_OK;
}

/* ---- calls ---- */

static const char torch_run[] =
    "\ndef to_torch(x, is_bfloat16):\n"
    "    return (torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if is_bfloat16\n"
    "            else torch.from_numpy(x))%s\n"
    "\n\n"
    "def to_numpy(y):\n"
    "    if y.dtype == torch.bfloat16:\n"
    "        return y%s.contiguous().view(torch.int16).numpy().view(np.uint16)\n"
    "    return y%s.numpy()\n"
    "\n\n"
    "def run():\n";

static const char torch_call[] =
    "    arguments = [to_torch(x, b) for x, b in zip(inputs + constants, is_bfloat16)]\n"
    "    return [to_numpy(y) for y in program(*arguments)]\n"
    "\n";

static const char compiled_first[] =
    "    compiled(*[to_torch(x, b) for x, b in zip(other_inputs + constants, is_bfloat16)])\n";
static const char compiled_call[] =
    "    arguments = [to_torch(x, b) for x, b in zip(inputs + constants, is_bfloat16)]\n"
    "    return [to_numpy(y) for y in compiled(*arguments)]\n"
    "\n";

/* What is made on no device in particular is made there; these round as documented. */
static const char torch_device[] =
    "    torch.set_default_device(\"%s\")\n"
    "    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False\n"
    "    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False\n"
    "    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False\n";

static const char module_head[] =
    "    tensors = [to_torch(x, b) for x, b in zip(inputs + constants, is_bfloat16)]\n"
    "    module = Program(*tensors[len(inputs):]).eval()\n"
    "    tensors = tuple(tensors[:len(inputs)])\n";

static void put_module_run(struct text *t)
{
    buffer_puts(t->out, module_head);
    buffer_puts(t->out, t->script->before
                            ? "    example = tuple(to_torch(x, b) for x, b in zip(other_inputs, "
                              "is_bfloat16))\n"
                            : "    example = tensors\n");
    python_convert(t->script, "    ", t->out);
    buffer_puts(t->out, t->script->before ? "    compiled(*example)\n" : "");
    buffer_puts(t->out, "    return [to_numpy(y) for y in compiled(*tensors)]\n\n");
}

static void put_torch_run(struct text *t)
{
    const char *device = torch_device_of(t->script, t->arena);
    const char *to = device ? arena_printf(t->arena, ".to(\"%s\")", device) : "";
    buffer_printf(t->out, torch_run, to, device ? ".cpu()" : "", device ? ".cpu()" : "");
    buffer_printf(t->out, "    torch.set_num_threads(%u)\n", n_threads(t->script));
    if (device) {
        buffer_printf(t->out, torch_device, device);
    }
    if (torch_mode_of(t->script) == TORCH_EAGER) {
        buffer_puts(t->out, torch_call);
        return;
    }
    if (torch_mode_of(t->script) != TORCH_COMPILE) {
        put_module_run(t);
        return;
    }
    buffer_puts(t->out, "    compiled = ");
    python_compile(t->script, t->out);
    buffer_puts(t->out, "\n");
    buffer_puts(t->out, t->script->before ? compiled_first : "");
    buffer_puts(t->out, compiled_call);
}

/* The function of calls, and what it is called with. */
static enum err put_calls(struct text *t, const struct call_library *library)
{
    const struct program *p = t->script->program;
    struct plan *plan;

    buffer_puts(t->out, "\n");
    TRY(calls_print(library, p, t->script->before, t->arena, &plan, t->out));
    if (library == &torch_calls && torch_mode_of(t->script) > TORCH_COMPILE) {
        torch_print_module(plan, t->out);
    }
    buffer_puts(t->out, "\n\n");
    put_data(t);
    struct tensor *constants = ARENA_ARRAY(t->arena, struct tensor, plan->n_consts);
    for (uint32_t i = 0; i < plan->n_consts; i++) {
        constants[i] = value_tensor(&p->values[plan->const_values[i]]);
    }
    put_tensors("constants", constants,
                value_labels(p, plan->const_values, plan->n_consts, t->arena), plan->n_consts,
                t->out);
    uint32_t n = plan->n_inputs + plan->n_consts;
    bool *is_bf16 = ARENA_ZARRAY(t->arena, bool, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id =
            i < plan->n_inputs ? plan->input_values[i] : plan->const_values[i - plan->n_inputs];
        is_bf16[i] = p->values[id].dtype == DTYPE_BF16;
    }
    put_flags(t->out, "is_bfloat16", is_bf16, n);
    buffer_puts(t->out, "\n");
    return ERR_OK;
}

static enum err put_torch(struct text *t)
{
    TRY(put_calls(t, &torch_calls));
    put_torch_run(t);
    return ERR_OK;
}

static enum err put_jax(struct text *t)
{
    TRY(put_calls(t, &jax_calls));
    python_jax_run(t->script, t->out);
    return ERR_OK;
}

/* ---- tensorflow ---- */

static enum err put_tensorflow(struct text *t)
{
    TRY(put_calls(t, &tf_calls));
    python_tf_run(t->script, t->out);
    return ERR_OK;
}

/* ---- judging ---- */

/* faulthandler ends the process with status 1 when the library hangs. */
static const char call_part[] =
    "\nprint(\"%s\", %s.__version__)\n"
    "before = [x.tobytes() for x in inputs]\n"
    "faulthandler.dump_traceback_later(120, exit=True)\n"
    "try:\n"
    "    actual = run()\n"
    "except Exception as error:\n"
    "    print(f\"{type(error).__name__}: {error}\")\n"
    "    sys.exit(1 if EXPECTED_ERROR is not None and EXPECTED_ERROR in str(error) else 2)\n"
    "faulthandler.cancel_dump_traceback_later()\n";

static const char judge_part[] =
    "\n\ndef wide(array, is_bfloat16):\n"
    "    if is_bfloat16:\n"
    "        array = (array.astype(np.uint32) << 16).view(np.float32)\n"
    "    return array.astype(np.longdouble)\n"
    "\n\n"
    "def is_wrong(k):\n"
    "    \"\"\"Compare output k and print its worst element.\"\"\"\n"
    "    e, b, a = expected[k], bound[k], actual[k]\n"
    "    if e is not None and (a.dtype != e.dtype or a.shape != e.shape):\n"
    "        print(f\"output {k}: {a.dtype}{a.shape}, expected {e.dtype}{e.shape}\")\n"
    "        return True\n"
    "    if e is None or e.size == 0:\n"
    "        return False\n"
    "    b = np.zeros(e.shape) if b is None else b\n"
    "    if e.dtype.kind in \"biu\" and not is_output_bfloat16[k]:  # exact, beyond 2**53 too\n"
    "        wrong = excess = (a != e) & ~np.isnan(b)\n"
    "    else:\n"
    "        e, a = wide(e, is_output_bfloat16[k]), wide(a, is_output_bfloat16[k])\n"
    "        with np.errstate(all=\"ignore\"):\n"
    "            same = (a == e) | (np.isnan(a) & np.isnan(e)) | np.isnan(b)\n"
    "            off = np.where(same, 0, abs(a - e))\n"
    "            off = np.where(np.isnan(off), inf, off)\n"
    "            wrong = ~same & ~(np.isfinite(a) & np.isfinite(e) & (off <= b))\n"
    "            excess = np.where(wrong, off - b, np.where(same, -inf, off - b))\n"
    "    at = np.unravel_index(np.argmax(excess), e.shape)\n"
    "    print(f\"output {k}: {wrong.sum()} of {wrong.size} elements are wrong; at \"\n"
    "          f\"{[int(i) for i in at]}: expected {e[at]}, actual {a[at]}, allowed {b[at]}\")\n"
    "    return bool(wrong.any())\n"
    "\n\n"
    "if len(actual) != len(expected):\n"
    "    print(f\"{len(actual)} outputs, expected {len(expected)}\")\n"
    "    sys.exit(1)\n"
    "wrong = [is_wrong(k) for k in range(len(expected))]\n"
    "changed = [x.tobytes() for x in inputs] != before\n"
    "if changed:\n"
    "    print(\"an input was changed\")\n"
    "sys.exit(1 if any(wrong) or changed else 0)\n";

static void put_judgement(struct text *t)
{
    const struct program *p = t->script->program;
    const char *library = t->script->library;

    if (t->script->expected_error) {
        buffer_puts(t->out, "\nEXPECTED_ERROR = ");
        python_string(t->out, t->script->expected_error);
        buffer_puts(t->out, "\n");
    } else {
        buffer_puts(t->out, "\nEXPECTED_ERROR = None\n");
    }
    buffer_printf(t->out, call_part, library, strcmp(library, "tensorflow") == 0 ? "tf" : library);
    if (t->script->expected_error) {
        buffer_puts(t->out, "print(\"no error\")\nsys.exit(0)\n");
        return;
    }
    bool *is_bf16 = ARENA_ZARRAY(t->arena, bool, p->n_outputs + 1);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        is_bf16[o] = p->values[p->outputs[o]].dtype == DTYPE_BF16;
    }
    put_flags(t->out, "is_output_bfloat16", is_bf16, p->n_outputs);
    buffer_puts(t->out, judge_part);
}

enum err script_write(const struct script *script, struct buffer *source)
{
    const struct call_library *calls = call_library_find(script->library);
    struct text t = {.script = script, .out = source, .arena = arena_new()};
    enum err err;

    put_head(&t);
    put_helpers(&t);
    if (strcmp(script->library, "onnxruntime") == 0) {
        err = put_onnxruntime(&t);
    } else if (calls == &torch_calls) {
        err = put_torch(&t);
    } else if (calls == &tf_calls) {
        err = put_tensorflow(&t);
    } else if (calls == &jax_calls) {
        err = put_jax(&t);
    } else if (onnx_runner_of(script->library) != NULL) {
        err = put_compiled_model(&t, onnx_runner_of(script->library));
    } else {
        err = err_set(ERR_UNSUPPORTED, "no script can be written for %s", script->library);
    }
    if (err == ERR_OK) {
        put_judgement(&t);
    }
    arena_free(t.arena);
    return err;
}
