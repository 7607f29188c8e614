/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch.export: a module is exported to a graph of operators, decomposed where that is asked for,
 * and run as the module that the exported program gives.
 */
#include "target/kinds.h"

#include <string.h>

/* run_decompositions({}) only takes mutation out of the graph. */
static const char *const levels[] = {"none", "functional", "core", NULL};
static const char *const order[] = {"decompositions", "strict",  "threads",
                                    "device",         "dynamic", NULL};
static const double patience = 2; /* symbolic shapes take longer than any kernel */

static enum err set_level(struct target *t, const char *value, struct arena *arena)
{
    for (size_t i = 0; levels[i]; i++) {
        if (strcmp(levels[i], value) == 0) {
            const char *said = i == 0 ? "" : arena_printf(arena, "decompositions=%s", value);
            t->options = options_with(t->options, order, "decompositions", said, arena);
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "torch:export: decompositions=none|functional|core, not '%s'", value);
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
    if (value && strcmp(key, "decompositions") == 0) {
        return set_level(t, value, arena);
    }
    bool is_dynamic = strcmp(key, "dynamic") == 0;
    if (value || !(is_dynamic || strcmp(key, "strict") == 0)) {
        return err_set(ERR_USAGE,
                       "torch:export takes strict, decompositions=none|functional|core, threads=N, "
                       "device=cuda and dynamic, not '%s%s%s'",
                       key, value ? "=" : "", value ? value : "");
    }
    t->options = options_with(t->options, order, key, key, arena);
    t->dynamic |= is_dynamic;
    return ERR_OK;
}

static const char *const defaults[] = {NULL};

const struct target_kind target_torch_export = {
    .name = "torch",
    .mode = "export",
    .summary = "PyTorch, torch.export, the exported program as a module",
    .options = "strict (by dynamo), decompositions=none|functional|core (run_decompositions), "
               "threads=N (1), device=cuda, dynamic (sizes are open: one program for two shapes)",
    .package = "torch",
    .adapter = "torch_export",
    .option = set_option,
    .defaults = defaults,
    .can_spell = torch_target_can_spell,
    .encode = torch_encode_module,
    .constants_as_tensors = true,
    .probe_options = "probe",
    .patience = patience,
    .level_option = "decompositions",
    .levels = levels,
    .has_threads = true,
    .devices = torch_devices,
};
