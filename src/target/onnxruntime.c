/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX Runtime on the CPU, one thread. A program is an ONNX model with its constants as
 * initializers; the optimisation level is the session's. The four levels of one interpreter share
 * a worker. With `dynamic` the model's dims are symbolic, and one session runs a test's two shapes.
 */
#include "target/kinds.h"

#include <string.h>

/* The levels as canonical options, without and with `dynamic`. */
static const char *const levels[] = {"opt=all", "opt=extended", "opt=basic", "opt=none", NULL};
static const char *const dynamic_levels[] = {"opt=all,dynamic", "opt=extended,dynamic",
                                             "opt=basic,dynamic", "opt=none,dynamic"};

static size_t level_of(const struct target *t)
{
    size_t i = 0;

    while (strncmp(t->options, levels[i], strlen(levels[i])) != 0) {
        i++;
    }
    return i;
}

static enum err set_option(struct target *t, const char *key, const char *value)
{
    size_t level = level_of(t);
    bool known = !value && strcmp(key, "dynamic") == 0;

    t->dynamic |= known;
    for (size_t i = 0; levels[i] && value && strcmp(key, "opt") == 0; i++) {
        if (strcmp(value, strchr(levels[i], '=') + 1) == 0) {
            level = i;
            known = true;
        }
    }
    if (!known) {
        return err_set(ERR_USAGE,
                       "onnxruntime takes opt=all|extended|basic|none and dynamic, not '%s%s%s'",
                       key, value ? "=" : "", value ? value : "");
    }
    t->options = t->dynamic ? dynamic_levels[level] : levels[level];
    return ERR_OK;
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return onnx_can_spell(op, t->onnx.opset, in, n_in, out, n_out);
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    return onnx_write_dynamic(test->program, t->dynamic ? test->before : NULL, t->onnx, job);
}

const struct target_kind target_onnxruntime = {
    .name = "onnxruntime",
    .summary = "ONNX Runtime, CPU provider, one session for each test",
    .options = "opt=all|extended|basic|none, dynamic (one session at two shapes)",
    .package = "onnxruntime",
    .adapter = "onnxruntime",
    .option = set_option,
    .defaults = levels,
    .can_spell = can_spell,
    .encode = encode,
    .probe_options = "opt=none",
    .speaks_onnx = true,
};
