/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding as the script that people put into a report: imports, the model (calls of onnx.helper,
 * or of torch), inputs, one run, and one assertion that holds where the library is right. What
 * script.c writes judges every element and needs no onnx package; this one is to be read. Both
 * compute from the same inputs. Helpers are written where they are used only.
 */
#include "spell/spell_internal.h"

#include <string.h>

struct text {
    const struct script *script;
    const struct script_claim *claim;
    struct buffer *out;
    struct arena *arena;
};

/* ---- what both libraries share ---- */

/* Names of the script's own that no value may take. */
static const char *const reserved[] = {
    "np",      "onnxruntime", "base64",   "helper", "graph",    "numpy_helper", "TensorProto",
    "model",   "inf",         "nan",      "packed", "bfloat16", "options",      "session",
    "core",    "compiled",    "openvino", "tvm",    "relax",    "from_onnx",    "module",
    "machine", "given",       "tensor",   "x",      NULL};

static const char *output_name(const struct text *t, uint32_t o)
{
    const struct program *p = t->script->program;
    return python_identifier(t->arena, p->values[p->outputs[o]].name, reserved);
}

/* "v0[1, 0]"; of a scalar "v0" */
static const char *element_name(const struct text *t, const char *output)
{
    const struct program *p = t->script->program;
    const struct shape *s = &p->values[p->outputs[t->claim->output]].shape;
    size_t rest = t->claim->element;
    const char *place = "";
    for (int d = s->rank - 1; d >= 0; d--) {
        size_t dim = s->dim[d] > 0 ? (size_t)s->dim[d] : 1;
        place = arena_printf(t->arena, "%zu%s%s", rest % dim, place[0] != '\0' ? ", " : "", place);
        rest /= dim;
    }
    return s->rank > 0 ? arena_printf(t->arena, "%s[%s]", output, place) : output;
}

static const char *element_text(const struct text *t, const struct tensor *tensor)
{
    struct buffer text = BUFFER_INIT;
    python_element(&text, tensor, t->claim->element);
    const char *kept = arena_strdup(t->arena, text.data);
    buffer_release(&text);
    return kept;
}

/* The error that is allowed, as a number that Python reads. */
static const char *bound_text(const struct text *t)
{
    return element_text(t, &t->script->bound[t->claim->output]);
}

/* Of the body, written before its head is known. */
static bool uses(const struct buffer *body, const char *what)
{
    return body->size > 0 && strstr(body->data, what) != NULL;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '"';
}

/* As a word of its own: "inf", not "info". */
static bool uses_word(const struct buffer *body, const char *word)
{
    size_t n = strlen(word);
    const char *at = body->size > 0 ? strstr(body->data, word) : NULL;
    for (; at != NULL; at = strstr(at + 1, word)) {
        bool begins = at == body->data || !is_word_char(at[-1]);
        if (begins && !is_word_char(at[n])) {
            return true;
        }
    }
    return false;
}

/* ---- onnxruntime ---- */

static void put_onnx_head(struct text *t, const struct buffer *body)
{
    if (uses(body, "packed(")) {
        buffer_puts(t->out, "import base64\n\n");
    }
    bool nan = uses_word(body, "nan"), inf = uses_word(body, "inf");
    buffer_puts(t->out, "import numpy as np\n");
    if (nan || inf) {
        buffer_printf(t->out, "from numpy import %s%s%s\n", inf ? "inf" : "",
                      inf && nan ? ", " : "", nan ? "nan" : "");
    }
    const struct onnx_runner *runner = onnx_runner_of(t->script->library);
    buffer_printf(t->out, "%sfrom onnx import TensorProto, helper%s\n\n",
                  runner != NULL ? runner->short_imports : "import onnxruntime\n",
                  uses(body, "numpy_helper") ? ", numpy_helper" : "");
}

static void put_level(struct text *t)
{
    static const char *const levels[][2] = {{"all", "ORT_ENABLE_ALL"},
                                            {"extended", "ORT_ENABLE_EXTENDED"},
                                            {"basic", "ORT_ENABLE_BASIC"},
                                            {"none", "ORT_DISABLE_ALL"}};
    for (size_t i = 0; t->script->setup != NULL && i < ARRAY_SIZE(levels); i++) {
        if (strcmp(levels[i][0], t->script->setup) == 0) {
            buffer_printf(t->out,
                          "options.graph_optimization_level = "
                          "onnxruntime.GraphOptimizationLevel.%s\n",
                          levels[i][1]);
        }
    }
}

static unsigned n_threads(const struct text *t)
{
    return t->script->threads > 0 ? t->script->threads : 1;
}

/* "x0, x1" */
static const char *joined(const struct text *t, const char *list, const char *name)
{
    return *list != '\0' ? arena_printf(t->arena, "%s, %s", list, name) : name;
}

static void put_compiled_run(struct text *t, const struct onnx_runner *runner)
{
    const struct program *p = t->script->program;
    const char *inputs = "", *outputs = "";
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        const char *name = p->values[program_input(p, k)].name;
        inputs = joined(t, inputs, python_identifier(t->arena, name, reserved));
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        outputs = joined(t, outputs, output_name(t, o));
    }
    buffer_puts(t->out, "\n");
    runner->put_short(t->script, inputs, outputs, t->arena, t->out);
}

static void put_onnx_run(struct text *t)
{
    const struct program *p = t->script->program;
    const struct onnx_runner *runner = onnx_runner_of(t->script->library);
    if (runner != NULL) {
        put_compiled_run(t, runner);
        return;
    }
    buffer_puts(t->out, "\noptions = onnxruntime.SessionOptions()\n");
    put_level(t);
    buffer_printf(t->out, "options.intra_op_num_threads = %u\n", n_threads(t));
    session_lines(t->script->options, "", t->out);
    buffer_puts(t->out, "session = onnxruntime.InferenceSession(\n"
                        "    model.SerializeToString(), options, "
                        "providers=[\"CPUExecutionProvider\"]");
    python_disabled(t->out, t->script->disabled, "    ");
    buffer_puts(t->out, ")\n[");
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        buffer_printf(t->out, "%s%s", o > 0 ? ", " : "", output_name(t, o));
    }
    buffer_puts(t->out, "] = session.run(None, {");
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        const char *name = p->values[program_input(p, k)].name;
        buffer_puts(t->out, k > 0 ? ", " : "");
        python_string(t->out, name);
        buffer_printf(t->out, ": %s", python_identifier(t->arena, name, reserved));
    }
    buffer_puts(t->out, "})\n");
}

static void put_onnx_value(struct text *t)
{
    const struct tensor *e = &t->script->expected[t->claim->output];
    const char *at = element_name(t, output_name(t, t->claim->output));
    const char *value = element_text(t, e);
    buffer_printf(t->out, "print(\"expected %s, actual\", %s)\n", value, at);
    if (dtype_is_float(e->dtype)) {
        buffer_printf(t->out, "np.testing.assert_allclose(%s, %s, rtol=0, atol=%s)\n", at, value,
                      bound_text(t));
    } else {
        buffer_printf(t->out, "assert %s == %s\n", at, value);
    }
}

static void put_forms(struct text *t, const char *library)
{
    const struct program *p = t->script->program;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct value *v = &p->values[p->outputs[o]];
        const char *name = output_name(t, o);
        buffer_printf(t->out, "print(%s.dtype, tuple(%s.shape))\nassert tuple(%s.shape) == ", name,
                      name, name);
        python_shape(t->out, &v->shape);
        buffer_printf(t->out, "\nassert %s.dtype == %s.%s%s\n", name, library,
                      python_dtype(v->dtype),
                      v->dtype == DTYPE_BOOL && strcmp(library, "np") == 0 ? "_" : "");
    }
}

static void put_onnx_inputs(struct text *t, const char *format)
{
    const struct program *p = t->script->program;
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        const char *name =
            python_identifier(t->arena, p->values[program_input(p, k)].name, reserved);
        if (format != NULL) {
            buffer_printf(t->out, "%s_before = %s.copy()\n", name, name);
        } else {
            buffer_printf(t->out, "np.testing.assert_array_equal(%s, %s_before)\n", name, name);
        }
    }
}

static void put_onnx_claim(struct text *t)
{
    switch (t->claim->kind) {
    case CLAIM_VALUE:
        put_onnx_value(t);
        break;
    case CLAIM_FORM:
        put_forms(t, "np");
        break;
    case CLAIM_INPUTS:
        put_onnx_inputs(t, NULL);
        break;
    case CLAIM_RUNS:
        buffer_puts(t->out, "print(\"it runs\")\n");
        break;
    }
}

static const char packed_function[] =
    "\ndef packed(text, dtype, shape):\n"
    "    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape).copy()\n\n";
static const char bfloat16_function[] =
    "\ndef bfloat16(values):\n"
    "    \"\"\"Their bits: numpy has no such dtype.\"\"\"\n"
    "    bits = np.array(values, np.float32).view(np.uint32)\n"
    "    return (bits + 0x7fff + (bits >> 16 & 1) >> 16).astype(np.uint16)\n\n";

static bool has_bf16_ends(const struct program *p)
{
    bool has = false;
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        has = has || p->values[program_input(p, k)].dtype == DTYPE_BF16;
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        has = has || p->values[p->outputs[o]].dtype == DTYPE_BF16;
    }
    return has;
}

static enum err put_onnx_body(struct text *t, const struct buffer *model)
{
    const struct program *p = t->script->program;
    TRY(onnx_print_python(model, t->arena, t->out));
    buffer_puts(t->out, "\n");
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        buffer_printf(t->out, "%s = ",
                      python_identifier(t->arena, p->values[program_input(p, k)].name, reserved));
        python_array(t->out, &t->script->inputs[k]);
        buffer_puts(t->out, "\n");
    }
    if (t->claim->kind == CLAIM_INPUTS) {
        put_onnx_inputs(t, "copy");
    }
    put_onnx_run(t);
    put_onnx_claim(t);
    return ERR_OK;
}

static enum err put_onnxruntime(struct text *t)
{
    struct buffer model = BUFFER_INIT, body = BUFFER_INIT, *whole = t->out;
    if (has_bf16_ends(t->script->program)) { /* they enter and leave as OrtValue only */
        return err_set(ERR_UNSUPPORTED, "bfloat16 inputs and outputs need more than one line");
    }
    if (session_saved(t->script->options)) {
        return err_set(ERR_UNSUPPORTED, "a saved model needs more than a few lines");
    }
    enum err err = onnx_write(t->script->program, t->script->onnx, &model);
    t->out = &body;
    err = err != ERR_OK ? err : put_onnx_body(t, &model);
    t->out = whole;
    if (err == ERR_OK) {
        put_onnx_head(t, &body);
        buffer_puts(whole, uses(&body, "packed(") ? packed_function : "");
        buffer_puts(whole, uses(&body, "bfloat16(") ? bfloat16_function : "");
        buffer_append(whole, body.data, body.size);
    }
    buffer_release(&model);
    buffer_release(&body);
    return err;
}

/* ---- calls ---- */

/* from math import inf, nan: those that are used. */
static void put_math(struct text *t, const struct buffer *body)
{
    bool nan = uses_word(body, "nan"), inf = uses_word(body, "inf");
    if (nan || inf) {
        buffer_printf(t->out, "from math import %s%s%s\n", inf ? "inf" : "", inf && nan ? ", " : "",
                      nan ? "nan" : "");
    }
}

static void put_torch_head(struct text *t, const struct buffer *body)
{
    buffer_puts(t->out, uses(body, "base64.") ? "import base64\n" : "");
    put_math(t, body);
    buffer_puts(t->out, uses(body, "io.BytesIO") ? "import io\n" : "");
    buffer_puts(t->out, t->out->size > 0 ? "\n" : "");
    buffer_puts(t->out, uses(body, "onnxruntime.") ? "import onnxruntime\n" : "");
    buffer_printf(t->out, "import torch\n\ntorch.set_num_threads(%u)\n\n", n_threads(t));
}

static void put_torch_claim(struct text *t, const struct plan *plan)
{
    const char *output = plan->names[plan->outputs[t->claim->output]];
    const struct tensor *e = &t->script->expected[t->claim->output];
    const char *at = element_name(t, output);
    switch (t->claim->kind) {
    case CLAIM_VALUE:
        buffer_printf(t->out, "print(\"expected %s, actual\", %s.item())\n", element_text(t, e),
                      at);
        buffer_printf(t->out,
                      "torch.testing.assert_close(\n    %s, torch.tensor(%s, dtype=torch.%s), "
                      "rtol=0, atol=%s, equal_nan=True)\n",
                      at, element_text(t, e), python_dtype(e->dtype),
                      dtype_is_float(e->dtype) ? bound_text(t) : "0");
        break;
    case CLAIM_FORM:
        put_forms(t, "torch");
        break;
    case CLAIM_INPUTS:
        for (uint32_t i = 0; i < plan->n_inputs; i++) {
            buffer_printf(t->out, "assert torch.equal(%s, %s_before)\n", plan->names[i],
                          plan->names[i]);
        }
        break;
    case CLAIM_RUNS:
        buffer_puts(t->out, "print(\"it runs\")\n");
        break;
    }
}

static void put_jax_head(struct text *t, const struct buffer *body)
{
    bool is_packed = uses(body, "packed(");
    buffer_puts(t->out, is_packed ? "import base64\n" : "");
    if (n_threads(t) > 1) {
        buffer_puts(t->out, "import os\n\n");
        python_jax_head(t->script, t->out);
    }
    put_math(t, body);
    buffer_puts(t->out, t->out->size > 0 ? "\n" : "");
    static const char *const modules[] = {"jax.image", "jax.nn", "jax.numpy"};
    buffer_puts(t->out, "import jax\n");
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
        if (uses(body, arena_printf(t->arena, "%s.", modules[i]))) {
            buffer_printf(t->out, "import %s\n", modules[i]);
        }
    }
    buffer_puts(t->out, uses(body, "np.") ? "import numpy as np\n" : "");
    buffer_puts(t->out, "\n");
    python_jax_setup(t->script, "", t->out);
    buffer_puts(t->out, is_packed ? packed_function : "\n");
}

static void put_jax_claim(struct text *t, const struct plan *plan)
{
    const struct tensor *e = &t->script->expected[t->claim->output];
    const char *at = element_name(t, plan->names[plan->outputs[t->claim->output]]);
    if (t->claim->kind == CLAIM_VALUE) {
        const char *value = element_text(t, e);
        buffer_printf(t->out, "print(\"expected %s, actual\", %s.item())\n", value, at);
        if (dtype_is_float(e->dtype)) {
            buffer_printf(t->out, "np.testing.assert_allclose(%s.item(), %s, rtol=0, atol=%s)\n",
                          at, value, bound_text(t));
        } else {
            buffer_printf(t->out, "assert %s.item() == %s\n", at, value);
        }
    } else if (t->claim->kind == CLAIM_FORM) {
        put_forms(t, "jax.numpy");
    } else {
        buffer_puts(t->out, "print(\"it runs\")\n");
    }
}

static bool has_dtype(const struct program *p, enum dtype d)
{
    bool has = false;
    for (uint32_t id = 0; id < p->n_values; id++) {
        has = has || p->values[id].dtype == d;
    }
    return has;
}

static void put_names(struct text *t, const struct plan *plan, const uint32_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buffer_printf(t->out, "%s%s", i > 0 ? ", " : "", plan->names[values ? values[i] : i]);
    }
    buffer_puts(t->out, n == 1 && values ? "," : "");
}

/* As compiled, with the constants as the module's buffers. */
static void put_module_calls(struct text *t, const struct plan *plan)
{
    plan_print_python(plan, t->out);
    torch_print_module(plan, t->out);
    buffer_puts(t->out, "\n\nmodule = Program(");
    for (uint32_t i = 0; i < plan->n_consts; i++) {
        buffer_printf(t->out, "%s%s", i > 0 ? ", " : "", plan->names[plan->n_inputs + i]);
    }
    buffer_puts(t->out, ").eval()\nexample = (");
    put_names(t, plan, NULL, plan->n_inputs);
    buffer_puts(t->out, plan->n_inputs == 1 ? ",)\n" : ")\n");
    python_convert(t->script, "", t->out);
    put_names(t, plan, plan->outputs, plan->n_outputs);
    buffer_puts(t->out, plan->n_outputs > 0 ? " = " : "");
    buffer_puts(t->out, "compiled(*example)\n");
}

/* The function before what it is called with, as dynamo sees no more than the function. */
static void put_compiled_calls(struct text *t, const struct plan *plan)
{
    plan_print_python(plan, t->out);
    buffer_puts(t->out, "\n\n");
    put_names(t, plan, plan->outputs, plan->n_outputs);
    buffer_puts(t->out, plan->n_outputs > 0 ? " = " : "");
    python_compile(t->script, t->out);
    buffer_puts(t->out, "(");
    put_names(t, plan, NULL, plan->n_inputs + plan->n_consts);
    buffer_puts(t->out, ")\n");
}

/* jax.jit of the function, of the inputs: constants are in it. */
static void put_jitted_calls(struct text *t, const struct plan *plan)
{
    struct buffer function = BUFFER_INIT, *whole = t->out;
    plan_print_python(plan, t->out);
    buffer_puts(t->out, "\n\n");
    put_names(t, plan, plan->outputs, plan->n_outputs);
    buffer_puts(t->out, plan->n_outputs > 0 ? " = " : "");
    t->out = &function;
    if (plan->n_consts > 0) {
        buffer_puts(&function, plan->n_inputs > 0 ? "lambda " : "lambda");
        put_names(t, plan, NULL, plan->n_inputs);
        buffer_puts(&function, ": program(");
        put_names(t, plan, NULL, plan->n_inputs + plan->n_consts);
        buffer_puts(&function, ")");
    }
    t->out = whole;
    python_jit(t->script, function.size > 0 ? function.data : "program", t->out);
    buffer_puts(t->out, "(");
    put_names(t, plan, NULL, plan->n_inputs);
    buffer_puts(t->out, ")\n");
    buffer_release(&function);
}

static enum err put_calls_body(struct text *t, const struct call_library *library)
{
    const struct program *p = t->script->program;
    bool is_jax = library == &jax_calls;
    struct plan *plan;
    if (is_jax && t->claim->kind == CLAIM_INPUTS) {
        return err_set(ERR_UNSUPPORTED, "whose memory jax changed is seen in the long script");
    }
    TRY(calls_plan(library, p, t->arena, &plan));
    for (uint32_t i = 0; i < plan->n_inputs + plan->n_consts; i++) {
        bool is_input = i < plan->n_inputs;
        struct tensor constant;
        if (!is_input) {
            constant = value_tensor(&p->values[plan->const_values[i - plan->n_inputs]]);
        }
        buffer_printf(t->out, "%s = ", plan->names[i]);
        (is_jax ? python_jax_tensor : python_torch_tensor)(t->out, is_input ? &t->script->inputs[i]
                                                                            : &constant);
        buffer_puts(t->out, "\n");
        if (is_input && t->claim->kind == CLAIM_INPUTS) {
            buffer_printf(t->out, "%s_before = %s.clone()\n", plan->names[i], plan->names[i]);
        }
    }
    buffer_puts(t->out, "\n");
    if (torch_mode_of(t->script) == TORCH_COMPILE) {
        put_compiled_calls(t, plan);
    } else if (torch_mode_of(t->script) != TORCH_EAGER) {
        put_module_calls(t, plan);
    } else if (jax_is_jitted(t->script)) {
        put_jitted_calls(t, plan);
    } else {
        plan_print_calls(plan, "", !has_dtype(p, DTYPE_F64), t->out);
    }
    buffer_puts(t->out, "\n");
    (is_jax ? put_jax_claim : put_torch_claim)(t, plan);
    return ERR_OK;
}

static enum err put_calls(struct text *t, const struct call_library *library)
{
    struct buffer body = BUFFER_INIT, *whole = t->out;
    t->out = &body;
    enum err err = put_calls_body(t, library);
    t->out = whole;
    if (err == ERR_OK) {
        (library == &jax_calls ? put_jax_head : put_torch_head)(t, &body);
        buffer_append(whole, body.data, body.size);
    }
    buffer_release(&body);
    return err;
}

/* ---- tensorflow ---- */

static void put_tf_claim(struct text *t, const struct plan *plan)
{
    const char *output = plan->names[plan->outputs[t->claim->output]];
    const struct tensor *e = &t->script->expected[t->claim->output];
    const char *at = element_name(t, output);

    if (t->claim->kind == CLAIM_FORM) {
        put_forms(t, "tf");
    } else if (t->claim->kind != CLAIM_VALUE) {
        buffer_puts(t->out, "print(\"it runs\")\n");
    } else if (dtype_is_float(e->dtype)) {
        buffer_printf(t->out, "print(\"expected %s, actual\", float(%s))\n", element_text(t, e),
                      at);
        buffer_printf(t->out, "np.testing.assert_allclose(float(%s), %s, rtol=0, atol=%s)\n", at,
                      element_text(t, e), bound_text(t));
    } else {
        buffer_printf(t->out, "print(\"expected %s, actual\", %s.numpy())\n", element_text(t, e),
                      at);
        buffer_printf(t->out, "assert %s.numpy() == %s\n", at, element_text(t, e));
    }
}

static void put_tf_tensors(struct text *t, const struct plan *plan, bool are_inputs,
                           const char *indent)
{
    uint32_t first = are_inputs ? 0 : plan->n_inputs,
             n = are_inputs ? plan->n_inputs : plan->n_consts;

    for (uint32_t i = first; i < first + n; i++) {
        struct tensor constant;
        if (!are_inputs) {
            constant = value_tensor(&t->script->program->values[plan->const_values[i - first]]);
        }
        buffer_printf(t->out, "%s%s = ", indent, plan->names[i]);
        python_tf_tensor(t->out, are_inputs ? &t->script->inputs[i] : &constant);
        buffer_puts(t->out, "\n");
    }
}

/* Constants are literals of the graph. */
static void put_tf_graph(struct text *t, const struct plan *plan, bool is_single)
{
    buffer_puts(t->out, "\ndef program(");
    put_names(t, plan, NULL, plan->n_inputs);
    buffer_puts(t->out, "):\n");
    put_tf_tensors(t, plan, false, "    ");
    plan_print_calls(plan, "    ", is_single, t->out);
    buffer_puts(t->out, "    return (");
    put_names(t, plan, plan->outputs, plan->n_outputs);
    buffer_puts(t->out, ")\n\n\n");
    put_names(t, plan, plan->outputs, plan->n_outputs);
    buffer_puts(t->out, plan->n_outputs > 0 ? " = " : "");
    python_tf_function(t->script, t->out);
    buffer_puts(t->out, "(program)(");
    put_names(t, plan, NULL, plan->n_inputs);
    buffer_puts(t->out, ")\n");
}

static enum err put_tf_body(struct text *t)
{
    const struct program *p = t->script->program;
    bool is_single = !has_dtype(p, DTYPE_F64);
    struct plan *plan;

    TRY(calls_plan(&tf_calls, p, t->arena, &plan));
    python_tf_config(t->script, "", t->out);
    buffer_puts(t->out, "\n");
    put_tf_tensors(t, plan, true, "");
    if (tf_is_graph(t->script)) {
        put_tf_graph(t, plan, is_single);
    } else {
        put_tf_tensors(t, plan, false, "");
        plan_print_calls(plan, "", is_single, t->out);
    }
    buffer_puts(t->out, "\n");
    put_tf_claim(t, plan);
    return ERR_OK;
}

static enum err put_tensorflow(struct text *t)
{
    struct buffer body = BUFFER_INIT, *whole = t->out;

    if (t->claim->kind == CLAIM_INPUTS) {
        return err_set(ERR_UNSUPPORTED, "tensors of TensorFlow cannot be changed by its users");
    }
    t->out = &body;
    enum err err = put_tf_body(t);
    t->out = whole;
    if (err == ERR_OK) {
        bool nan = uses_word(&body, "nan"), inf = uses_word(&body, "inf");
        buffer_puts(whole, uses(&body, "base64.") ? "import base64\n" : "");
        if (nan || inf) {
            buffer_printf(whole, "from math import %s%s%s\n", inf ? "inf" : "",
                          inf && nan ? ", " : "", nan ? "nan" : "");
        }
        buffer_puts(whole, whole->size > 0 ? "\n" : "");
        buffer_puts(whole, uses(&body, "np.") ? "import numpy as np\n" : "");
        buffer_puts(whole, "import tensorflow as tf\n\n");
        buffer_append(whole, body.data, body.size);
    }
    buffer_release(&body);
    return err;
}

enum err script_write_short(const struct script *script, const struct script_claim *claim,
                            struct buffer *source)
{
    const struct call_library *calls = call_library_find(script->library);
    struct text t = {.script = script, .claim = claim, .out = source, .arena = arena_new()};
    enum err err;
    if (script->before != NULL || script->at_page_end) {
        err = err_set(ERR_UNSUPPORTED, "other shapes first, or inputs that end where a page does, "
                                       "need the long script");
    } else if (strcmp(script->library, "onnxruntime") == 0 ||
               onnx_runner_of(script->library) != NULL) {
        err = put_onnxruntime(&t);
    } else if (torch_device_of(script, t.arena)) {
        err = err_set(ERR_UNSUPPORTED, "what is moved to a device and back needs the long script");
    } else if (calls == &tf_calls) {
        err = put_tensorflow(&t);
    } else if (calls) {
        err = put_calls(&t, calls);
    } else {
        err = err_set(ERR_UNSUPPORTED, "no script can be written for %s", script->library);
    }
    arena_free(t.arena);
    return err;
}

/* ---- against a long script ---- */

/* What script.c writes of the program: the model in base64, the function of calls. */
static enum err print_program(const struct script *script, struct arena *arena, struct buffer *text)
{
    const struct call_library *calls = call_library_find(script->library);
    if (calls) {
        struct plan *plan;
        return calls_print(calls, script->program, script->before, arena, &plan, text);
    }
    struct buffer model = BUFFER_INIT;
    enum err err = onnx_write(script->program, script->onnx, &model);
    if (err == ERR_OK) {
        python_base64(text, model.data, model.size);
    }
    buffer_release(&model);
    return err;
}

bool script_has_program(const struct script *script, const char *source)
{
    struct arena *arena = arena_new();
    struct buffer text = BUFFER_INIT;
    bool has = print_program(script, arena, &text) == ERR_OK && strstr(source, text.data) != NULL;
    buffer_release(&text);
    arena_free(arena);
    return has;
}
