/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TorchScript: a module is traced (or scripted) and run by torch's own interpreter. Its first run
 * is profiled, the second one optimised by that; the second is the one that is judged.
 */
#include "target/kinds.h"

#include <string.h>

static const char *const levels[] = {"none", "default", "freeze", "inference", NULL};
static const char *const order[] = {"opt", "script", "threads", "device", "dynamic", NULL};

static enum err set_level(struct target *t, const char *value, struct arena *arena)
{
    for (size_t i = 0; levels[i]; i++) {
        if (strcmp(levels[i], value) == 0) {
            const char *said =
                strcmp(value, "default") == 0 ? "" : arena_printf(arena, "opt=%s", value);
            t->options = options_with(t->options, order, "opt", said, arena);
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "torch:jit: opt=none|default|freeze|inference, not '%s'", value);
}

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    if (strcmp(key, "threads") == 0) {
        return options_threads(t, order, value, arena);
    }
    if (strcmp(key, "device") == 0) {
        return options_device(t, order, key, value, arena);
    }
    if (value && strcmp(key, "opt") == 0) {
        return set_level(t, value, arena);
    }
    bool is_dynamic = strcmp(key, "dynamic") == 0, is_trace = strcmp(key, "trace") == 0;
    if (value || !(is_dynamic || is_trace || strcmp(key, "script") == 0)) {
        return err_set(ERR_USAGE,
                       "torch:jit takes trace, script, opt=none|default|freeze|inference, "
                       "threads=N, device=cuda and dynamic, not '%s%s%s'",
                       key, value ? "=" : "", value ? value : "");
    }
    const char *word = is_trace ? "script" : key;
    t->options = options_with(t->options, order, word, is_trace ? "" : key, arena);
    t->dynamic |= is_dynamic;
    return ERR_OK;
}

static const char *const defaults[] = {NULL}; /* by name only, as all that compiles */

const struct target_kind target_torch_jit = {
    .name = "torch",
    .mode = "jit",
    .summary = "PyTorch, TorchScript (torch.jit), traced",
    .options = "trace, script, opt=none|default|freeze|inference (optimized_execution(False), "
               "profiled, torch.jit.freeze, optimize_for_inference), threads=N (1), device=cuda, "
               "dynamic (one trace for two shapes)",
    .package = "torch",
    .adapter = "torch_jit",
    .option = set_option,
    .defaults = defaults,
    .can_spell = torch_target_can_spell,
    .encode = torch_encode_module,
    .constants_as_tensors = true,
    .probe_options = "probe",
    .level_option = "opt",
    .levels = levels,
    .has_threads = true,
    .devices = torch_devices,
};
