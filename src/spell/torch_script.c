/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch's compilers and exporters in scripts: the public calls that the worker's adapters make, by
 * the same options. torch.compile takes the function of a program, the others a module whose
 * buffers are the constants.
 */
#include "spell/spell_internal.h"

#include <string.h>

/* By the mode of the target: "compile" of torch:compile,dynamic. */
static const char *const modes[] = {
    [TORCH_EAGER] = "",        [TORCH_COMPILE] = "compile", [TORCH_JIT] = "jit",
    [TORCH_EXPORT] = "export", [TORCH_ONNX] = "onnx",
};

enum torch_mode torch_mode_of(const struct script *script)
{
    const char *setup = script->setup != NULL ? script->setup : "";
    size_t n = strcspn(setup, ",");

    for (size_t i = TORCH_COMPILE; strcmp(script->library, "torch") == 0 && i < ARRAY_SIZE(modes);
         i++) {
        if (strlen(modes[i]) == n && strncmp(setup, modes[i], n) == 0) {
            return (enum torch_mode)i;
        }
    }
    return TORCH_EAGER;
}

/* The value behind `key`, "" for a word alone; 0: it is not there. */
static size_t find_option(const char *options, const char *key, const char **value)
{
    size_t n = strlen(key);

    for (const char *at = options; at != NULL; at = strchr(at + 1, ',')) {
        const char *word = at + (*at == ',');
        if (strncmp(word, key, n) == 0 && strchr("=,", word[n]) != NULL) {
            *value = word + n + (word[n] == '=');
            return strcspn(*value, ",") + 1;
        }
    }
    return 0;
}

static bool has_option(const struct script *script, const char *word)
{
    const char *value;
    const char *equals = strchr(word, '=');
    size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    char key[32];

    CHECK(n < sizeof key);
    memcpy(key, word, n);
    key[n] = '\0';
    size_t size = script->setup != NULL ? find_option(script->setup, key, &value) : 0;
    return size > 0 && (equals == NULL || (strlen(equals + 1) == size - 1 &&
                                           strncmp(value, equals + 1, size - 1) == 0));
}

const char *torch_device_of(const struct script *script, struct arena *arena)
{
    const char *value;
    size_t n = script->setup != NULL ? find_option(script->setup, "device", &value) : 0;

    return n > 0 ? arena_printf(arena, "%.*s", (int)n - 1, value) : NULL;
}

void python_compile(const struct script *script, struct buffer *source)
{
    const char *setup = script->setup, *value;
    size_t n = find_option(setup, "backend", &value);

    buffer_puts(source, "torch.compile(program, fullgraph=True");
    if (n > 0) {
        buffer_printf(source, ", backend=\"%.*s\"", (int)n - 1, value);
    }
    if (has_option(script, "dynamic")) {
        buffer_puts(source, ", dynamic=True");
    }
    n = find_option(setup, "mode", &value);
    const char *mode = value;
    if (has_option(script, "casts")) { /* beside options torch.compile takes no mode */
        buffer_puts(source, ", options={");
        if (n > 0) {
            buffer_printf(source, "**torch._inductor.list_mode_options(\"%.*s\"), ", (int)n - 1,
                          mode);
        }
        buffer_puts(source, "\"emulate_precision_casts\": True}");
    } else if (n > 0) {
        buffer_printf(source, ", mode=\"%.*s\"", (int)n - 1, mode);
    }
    buffer_puts(source, ")");
}

/* ---- modules ---- */

void torch_print_module(const struct plan *plan, struct buffer *source)
{
    buffer_puts(source, "\n\nclass Program(torch.nn.Module):\n    def __init__(self");
    for (uint32_t i = 0; i < plan->n_consts; i++) {
        buffer_printf(source, ", c%u", i);
    }
    buffer_puts(source, "):\n        super().__init__()\n");
    for (uint32_t i = 0; i < plan->n_consts; i++) {
        buffer_printf(source, "        self.register_buffer(\"c%u\", c%u)\n", i, i);
    }
    buffer_puts(source, "\n    def forward(self");
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        buffer_printf(source, ", %s", plan->names[i]);
    }
    buffer_puts(source, "):\n        return program(");
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        buffer_printf(source, "%s%s", i > 0 ? ", " : "", plan->names[i]);
    }
    for (uint32_t i = 0; i < plan->n_consts; i++) {
        buffer_printf(source, "%sself.c%u", plan->n_inputs + i > 0 ? ", " : "", i);
    }
    buffer_puts(source, ")\n");
}

static const char jit_plain[] = "\n"
                                "%sdef compiled(*tensors):\n"
                                "%s    with torch.jit.optimized_execution(False):\n"
                                "%s        return jitted(*tensors)\n"
                                "\n";

static void put_jit(const struct script *script, const char *indent, struct buffer *source)
{
    bool is_script = has_option(script, "script"), is_plain = has_option(script, "opt=none");

    buffer_printf(source,
                  is_script ? "%sjitted = torch.jit.script(module)\n"
                            : "%sjitted = torch.jit.trace(module, example, check_trace=False)\n",
                  indent);
    if (has_option(script, "opt=freeze")) {
        buffer_printf(source, "%sjitted = torch.jit.freeze(jitted)\n", indent);
    } else if (has_option(script, "opt=inference")) {
        buffer_printf(source, "%sjitted = torch.jit.optimize_for_inference(jitted)\n", indent);
    }
    if (is_plain) {
        buffer_printf(source, jit_plain, indent, indent, indent);
        return;
    }
    buffer_printf(source, "%scompiled = jitted\n", indent);
    buffer_printf(source, "%scompiled(*example)  # profiled: later runs are optimized by it\n",
                  indent);
}

static void put_export(const struct script *script, const char *indent, struct buffer *source)
{
    buffer_printf(source, "%sexported = torch.export.export(\n%s    module, example, strict=%s",
                  indent, indent, has_option(script, "strict") ? "True" : "False");
    if (has_option(script, "dynamic")) {
        buffer_printf(source,
                      ",\n%s    dynamic_shapes=[{d: torch.export.Dim.AUTO for d in "
                      "range(x.dim())} for x in example]",
                      indent);
    }
    buffer_puts(source, ")\n");
    if (has_option(script, "decompositions=functional")) {
        buffer_printf(source, "%sexported = exported.run_decompositions({})\n", indent);
    } else if (has_option(script, "decompositions=core")) {
        buffer_printf(source, "%sexported = exported.run_decompositions()\n", indent);
    }
    buffer_printf(source, "%scompiled = exported.module()\n", indent);
}

static const char onnx_dynamo[] =
    "%sexported = torch.onnx.export(\n"
    "%s    module, example, input_names=names, dynamo=True, optimize=%s, verbose=False)\n"
    "%smodel = exported.model_proto.SerializeToString()\n";
static const char onnx_older[] =
    "%sfile = io.BytesIO()\n"
    "%storch.onnx.export(module, example, file, input_names=names, dynamo=False)\n"
    "%smodel = file.getvalue()\n";
static const char onnx_session[] =
    "%soptions = onnxruntime.SessionOptions()\n"
    "%soptions.graph_optimization_level = onnxruntime.GraphOptimizationLevel.%s\n"
    "%soptions.intra_op_num_threads = 1\n"
    "%ssession = onnxruntime.InferenceSession(\n"
    "%s    model, options, providers=[\"CPUExecutionProvider\"])\n"
    "\n";
static const char onnx_run[] =
    "%sdef compiled(*tensors):\n"
    "%s    values = dict(zip(names, tensors))\n"
    "%s    feeds = {i.name: onnxruntime.OrtValue.from_dlpack(values[i.name])\n"
    "%s             if values[i.name].dtype == torch.bfloat16\n"
    "%s             else onnxruntime.OrtValue.ortvalue_from_numpy(values[i.name].numpy())\n"
    "%s             for i in session.get_inputs()}\n"
    "%s    outputs = [o.name for o in session.get_outputs()]\n"
    "%s    return [torch.from_dlpack(y) if y.data_type() == \"tensor(bfloat16)\"\n"
    "%s            else torch.from_numpy(y.numpy())\n"
    "%s            for y in session.run_with_ort_values(outputs, feeds)]\n"
    "\n";

static void put_onnx(const struct script *script, const char *indent, struct buffer *source)
{
    const char *i = indent;
    const char *level = has_option(script, "opt=all")        ? "ORT_ENABLE_ALL"
                        : has_option(script, "opt=extended") ? "ORT_ENABLE_EXTENDED"
                        : has_option(script, "opt=basic")    ? "ORT_ENABLE_BASIC"
                                                             : "ORT_DISABLE_ALL";

    buffer_printf(source, "%snames = [f\"x{i}\" for i in range(len(example))]\n", i);
    if (has_option(script, "exporter=torchscript")) {
        buffer_printf(source, onnx_older, i, i, i);
    } else {
        buffer_printf(source, onnx_dynamo, i, i, has_option(script, "plain") ? "False" : "True", i);
    }
    buffer_printf(source, onnx_session, i, i, level, i, i, i);
    buffer_printf(source, onnx_run, i, i, i, i, i, i, i, i, i, i);
}

void python_convert(const struct script *script, const char *indent, struct buffer *source)
{
    switch (torch_mode_of(script)) {
    case TORCH_JIT:
        put_jit(script, indent, source);
        break;
    case TORCH_EXPORT:
        put_export(script, indent, source);
        break;
    case TORCH_ONNX:
        put_onnx(script, indent, source);
        break;
    case TORCH_EAGER:
    case TORCH_COMPILE:
        BUG("they take no module");
    }
}
