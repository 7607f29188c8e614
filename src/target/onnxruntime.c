/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX Runtime on the CPU, one thread. A program is an ONNX model with its constants as
 * initializers; the optimisation level is the session's. The four levels of one interpreter share
 * a worker.
 */
#include "target/kinds.h"

#include <string.h>

static const char *const levels[] = {"opt=all", "opt=extended", "opt=basic", "opt=none", NULL};

static enum err set_option(struct target *t, const char *key, const char *value)
{
    for (size_t i = 0; levels[i] && value && strcmp(key, "opt") == 0; i++) {
        if (strcmp(value, strchr(levels[i], '=') + 1) == 0) {
            t->options = levels[i];
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "onnxruntime takes opt=all|extended|basic|none, not '%s%s%s'", key,
                   value ? "=" : "", value ? value : "");
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return onnx_can_spell(op, t->onnx.opset, in, n_in, out, n_out);
}

static enum err encode(const struct target *t, const struct program *p, struct buffer *job)
{
    return onnx_write(p, t->onnx, job);
}

const struct target_kind target_onnxruntime = {
    .name = "onnxruntime",
    .summary = "ONNX Runtime, CPU provider, one session for each test",
    .options = "opt=all|extended|basic|none",
    .package = "onnxruntime",
    .adapter = "onnxruntime",
    .option = set_option,
    .defaults = levels,
    .can_spell = can_spell,
    .encode = encode,
    .probe_options = "opt=none",
    .speaks_onnx = true,
};
