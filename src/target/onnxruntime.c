/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX Runtime on the CPU, one thread or as many as asked for. A program is an ONNX model with its
 * constants as initializers; the optimisation level is the session's. The four levels of one
 * interpreter share a worker. With `dynamic` the model's dims are symbolic, and one session runs a
 * test's two shapes. Left out: session.set_denormal_as_zero, which by its documentation only the
 * first session of a process heeds.
 */
#include "target/kinds.h"

#include <ctype.h>
#include <string.h>

/* Canonical options begin with the level: targets without other options are these. */
static const char *const defaults[] = {"opt=all", "opt=extended", "opt=basic", "opt=none", NULL};
static const char *const levels[] = {"none", "basic", "extended", "all", NULL};
static const char *const order[] = {"opt",     "execution", "memory",  "prepacking",
                                    "compute", "saved",     "threads", "disable",
                                    "trace",   "dynamic",   NULL};

/* What users set, and what it changes: how nodes and memory are scheduled, which form of weights
 * kernels read, which kernels are chosen, and with `saved` the model itself: written after it was
 * optimized, in that format, and loaded again. */
static const char *const executions[] = {"parallel", NULL};
static const char *const memories[] = {"no_pattern", "no_arena", "no_reuse", NULL};
static const char *const packings[] = {"off", NULL};
static const char *const computes[] = {"deterministic", NULL};
static const char *const formats[] = {"onnx", "ort", NULL};
static const char *const thread_counts[] = {"2", "4", NULL};
static const char *const optimizers[] = {"ConstantFolding", NULL};
static const struct option_draw draws[] = {{"opt", levels},
                                           {"execution", executions},
                                           {"memory", memories},
                                           {"prepacking", packings},
                                           {"compute", computes},
                                           {"saved", formats},
                                           {"threads", thread_counts},
                                           {"disable", optimizers},
                                           {NULL}};

static enum err set_level(struct target *t, const char *value, struct arena *arena)
{
    for (size_t i = 0; levels[i]; i++) {
        if (strcmp(value, levels[i]) == 0) {
            const char *said = arena_printf(arena, "opt=%s", value);
            t->options = options_with(t->options, order, "opt", said, arena);
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "onnxruntime: opt=all|extended|basic|none, not '%s'", value);
}

/* Whether the library has optimizers of these names is the worker's to find out. */
static enum err set_disabled(struct target *t, const char *value, struct arena *arena)
{
    enum { NAME_MAX_BYTES = 64 }; /* its longest has 32 letters */

    for (const char *at = value; at;) {
        size_t size = strcspn(at, "+"), known = 0;
        while (known < size && (isalnum((unsigned char)at[known]) || at[known] == '_')) {
            known++;
        }
        if (known == 0 || known < size || size > NAME_MAX_BYTES) {
            return err_set(ERR_USAGE,
                           "onnxruntime: disable=A+B takes names of optimizers, not '%.*s'",
                           (int)size, at);
        }
        at = at[size] == '+' ? at + size + 1 : NULL;
    }
    const char *said = arena_printf(arena, "disable=%s", value);
    t->options = options_with(t->options, order, "disable", said, arena);
    return ERR_OK;
}

/* "memory=no_arena", one of those that are drawn; "memory=usual" is as by default. */
static bool set_choice(struct target *t, const char *key, const char *value, struct arena *arena)
{
    for (const struct option_draw *d = draws; value && d->key; d++) {
        bool is_value = strcmp(value, "usual") == 0;
        for (size_t i = 0; d->values[i]; i++) {
            is_value = is_value || strcmp(value, d->values[i]) == 0;
        }
        if (is_value && strcmp(d->key, key) == 0) {
            bool is_said = strcmp(value, "usual") != 0;
            const char *said = is_said ? arena_printf(arena, "%s=%s", key, value) : "";
            t->options = options_with(t->options, order, key, said, arena);
            return true;
        }
    }
    return false;
}

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    bool is_word = strcmp(key, "dynamic") == 0 || strcmp(key, "trace") == 0;

    if (value && strcmp(key, "opt") == 0) {
        return set_level(t, value, arena);
    }
    if (value && strcmp(key, "disable") == 0) {
        return set_disabled(t, value, arena);
    }
    if (strcmp(key, "threads") == 0) {
        return options_threads(t, order, value, arena);
    }
    if (set_choice(t, key, value, arena)) {
        return ERR_OK;
    }
    if (value || !is_word) {
        return err_set(ERR_USAGE, "onnxruntime takes %s; not '%s%s%s'", t->kind->options, key,
                       value ? "=" : "", value ? value : "");
    }
    t->dynamic |= strcmp(key, "dynamic") == 0;
    t->options = options_with(t->options, order, key, key, arena);
    return ERR_OK;
}

bool onnx_target_can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                           size_t n_in, const enum dtype *out, size_t n_out)
{
    return onnx_can_spell(op, t->onnx.opset, in, n_in, out, n_out);
}

enum err onnx_target_encode(const struct target *t, const struct test *test, struct buffer *job)
{
    return onnx_write_dynamic(test->program, t->dynamic ? test->before : NULL, t->onnx, job);
}

const struct target_kind target_onnxruntime = {
    .name = "onnxruntime",
    .summary = "ONNX Runtime, CPU provider, one session for each test",
    .options =
        "opt=all|extended|basic|none, execution=parallel, memory=no_pattern|no_arena|no_reuse, "
        "prepacking=off, compute=deterministic, saved=onnx|ort (the optimized model is saved so "
        "and "
        "loaded again), threads=N (1), disable=A+B (optimizers by their names), trace (the log "
        "names the optimizers that ran), dynamic (one session at two shapes)",
    .package = "onnxruntime",
    .adapter = "onnxruntime",
    .option = set_option,
    .defaults = defaults,
    .can_spell = onnx_target_can_spell,
    .encode = onnx_target_encode,
    .probe_options = "opt=none",
    .speaks_onnx = true,
    .level_option = "opt",
    .levels = levels,
    .has_threads = true,
    .has_optimizers = true,
    .draws = draws,
};
