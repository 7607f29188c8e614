/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnxsim and onnxslim: an ONNX model is made simpler, then run by ONNX Runtime without any
 * optimisation, so that only the simplifier is under test. A model that it leaves as it is is not
 * exercised; what the same model shows with level=none is not its fault.
 */
#include "target/kinds.h"

#include <string.h>

/* Folding of constants; all that the library does by default. */
static const char *const levels[] = {"none", "fold", "all", NULL};
static const char *const order[] = {"level", NULL};
static const char *const defaults[] = {NULL}; /* a hundredth of a second a test: by name only */

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    bool is_level = false;

    for (size_t i = 0; value && strcmp(key, "level") == 0 && levels[i]; i++) {
        is_level = is_level || strcmp(value, levels[i]) == 0;
    }
    if (!is_level) {
        return err_set(ERR_USAGE, "%s takes %s, not '%s%s%s'", t->kind->name, t->kind->options, key,
                       value ? "=" : "", value ? value : "");
    }
    const char *said = strcmp(value, "all") == 0 ? "" : arena_printf(arena, "level=%s", value);
    t->options = options_with(t->options, order, "level", said, arena);
    return ERR_OK;
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return onnx_can_spell(op, t->onnx.opset, in, n_in, out, n_out);
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    return onnx_write(test->program, t->onnx, job);
}

#define SIMPLIFIER(library)                                                                        \
    {                                                                                              \
        .name = library,                                                                           \
        .summary = library ", its models run by ONNX Runtime as they are",                         \
        .options = "level=all|fold|none (none: ONNX Runtime alone)",                               \
        .package = library " onnxruntime",                                                         \
        .adapter = library,                                                                        \
        .option = set_option,                                                                      \
        .defaults = defaults,                                                                      \
        .can_spell = can_spell,                                                                    \
        .encode = encode,                                                                          \
        .probe_options = "probe",                                                                  \
        .runtime = "onnxruntime",                                                                  \
        .without = "level=none",                                                                   \
        .speaks_onnx = true,                                                                       \
        .level_option = "level",                                                                   \
        .levels = levels,                                                                          \
    }

const struct target_kind target_onnxsim = SIMPLIFIER("onnxsim");
const struct target_kind target_onnxslim = SIMPLIFIER("onnxslim");
