/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch, eager, on the CPU with one thread or as many as asked for, or on a GPU. A program is a
 * plan of public calls; constants travel as tensors like inputs.
 */
#include "target/kinds.h"

#include <string.h>

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    static const char *const order[] = {"threads", "device", NULL};

    if (strcmp(key, "threads") == 0) {
        return options_threads(t, order, value, arena);
    }
    if (strcmp(key, "device") == 0) {
        return options_device(t, order, key, value, arena);
    }
    if (value || strcmp(key, "eager") != 0) {
        return err_set(ERR_USAGE,
                       "torch takes eager, threads=N and device=cuda, or torch:compile,...; "
                       "not '%s'",
                       key);
    }
    return ERR_OK; /* the only mode, hence no option of the canonical text */
}

bool torch_target_can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                            size_t n_in, const enum dtype *out, size_t n_out)
{
    return calls_can_spell(&torch_calls, op);
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    struct arena *arena = arena_new();
    struct plan *plan;
    enum err e = calls_plan(&torch_calls, test->program, arena, &plan);

    if (!e) {
        plan_encode(plan, job);
    }
    arena_free(arena);
    return e;
}

enum err torch_encode_module(const struct target *t, const struct test *test, struct buffer *job)
{
    struct arena *arena = arena_new();
    struct plan *plan;
    const struct test *before = t->dynamic ? test->before : NULL;
    enum err e = calls_print(&torch_calls, test->program, before, arena, &plan, job);

    if (!e) {
        torch_print_module(plan, job);
    }
    arena_free(arena);
    return e;
}

static const char *const defaults[] = {"", NULL};
const char *const torch_devices[] = {"device=cuda", NULL};

const struct target_kind target_torch = {
    .name = "torch",
    .summary = "PyTorch, eager",
    .options = "eager, threads=N (1), device=cuda",
    .package = "torch",
    .adapter = "torch",
    .option = set_option,
    .defaults = defaults,
    .can_spell = torch_target_can_spell,
    .encode = encode,
    .constants_as_tensors = true,
    .probe_options = "",
    .has_threads = true,
    .devices = torch_devices,
};
