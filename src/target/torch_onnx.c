/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch.onnx: a module is exported to an ONNX model, which ONNX Runtime runs in the same process.
 * The exporter is under test: no optimiser of the runtime is at work, and a failure that goes away
 * when onnx's reference evaluator runs the same model is the runtime's (`instead`).
 */
#include "target/kinds.h"

#include <string.h>

static const char *const runtimes[] = {"reference", "onnxruntime", NULL};
static const char *const exporters[] = {"dynamo", "torchscript", NULL};
static const char *const levels[] = {"none", "basic", "extended", "all", NULL};
static const char *const order[] = {"exporter", "plain", "opt", "runtime", NULL};
static const double patience = 3; /* an export takes seconds */

struct choice {
    const char *key;
    const char *const *values;
    const char *usual;
};
static const struct choice choices[] = {
    {"exporter", exporters, "dynamo"},
    {"opt", levels, "none"},
    {"runtime", runtimes, "onnxruntime"},
};

static const struct choice *find_choice(const char *key, const char *value)
{
    for (size_t i = 0; value && i < ARRAY_SIZE(choices); i++) {
        for (size_t k = 0; strcmp(key, choices[i].key) == 0 && choices[i].values[k]; k++) {
            if (strcmp(value, choices[i].values[k]) == 0) {
                return &choices[i];
            }
        }
    }
    return NULL;
}

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    const struct choice *choice = find_choice(key, value);

    if (choice) {
        bool is_usual = strcmp(value, choice->usual) == 0;
        const char *said = is_usual ? "" : arena_printf(arena, "%s=%s", key, value);
        t->options = options_with(t->options, order, key, said, arena);
        return ERR_OK;
    }
    if (value || strcmp(key, "plain") != 0) {
        return err_set(ERR_USAGE,
                       "torch:onnx takes exporter=dynamo|torchscript, plain, "
                       "opt=none|basic|extended|all and runtime=onnxruntime|reference, not "
                       "'%s%s%s'",
                       key, value ? "=" : "", value ? value : "");
    }
    t->options = options_with(t->options, order, key, key, arena);
    return ERR_OK;
}

/* A remainder of floats is exported as x - y * floor(x / y): ONNX has none, and what that rounds is
 * no mistake. */
static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    bool is_remainder = strcmp(op->name, "mod") == 0 && dtype_is_float(in[0]);

    return !is_remainder && torch_target_can_spell(t, op, in, n_in, out, n_out);
}

static const char *const defaults[] = {NULL};

const struct target_kind target_torch_onnx = {
    .name = "torch",
    .mode = "onnx",
    .summary = "PyTorch, torch.onnx.export, the model run by ONNX Runtime",
    .options = "exporter=dynamo|torchscript, plain (the exporter's own optimizer is off), "
               "opt=none|basic|extended|all (of ONNX Runtime), runtime=onnxruntime|reference "
               "(onnx's evaluator)",
    .package = "onnxscript onnxruntime",
    .adapter = "torch_onnx",
    .option = set_option,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = torch_encode_module,
    .constants_as_tensors = true,
    .probe_options = "probe",
    .patience = patience,
    .level_option = "runtime",
    .levels = runtimes,
    .runtime = "onnxruntime",
    .instead = "runtime=reference",
};
