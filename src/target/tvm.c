/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TVM on the CPU. A program is an ONNX model that its front end makes a relax module of; LLVM
 * generates the code. The optimisation level is the pass context's.
 */
#include "target/kinds.h"

#include <string.h>

static const char *const levels[] = {"0", "1", "2", "3", NULL};
static const char *const order[] = {"opt", "dynamic", NULL};
/* A compilation takes tenths of a second where a call takes microseconds. */
static const double patience = 3;

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    const char *said = NULL;

    for (size_t i = 0; value && strcmp(key, "opt") == 0 && levels[i]; i++) {
        said = strcmp(value, levels[i]) == 0 ? arena_printf(arena, "opt=%s", value) : said;
    }
    if (strcmp(key, "dynamic") == 0 && !value) {
        said = key;
        t->dynamic = true;
    }
    if (!said) {
        return err_set(ERR_USAGE, "tvm takes opt=0|1|2|3 and dynamic, not '%s%s%s'", key,
                       value ? "=" : "", value ? value : "");
    }
    t->options = options_with(t->options, order, key, said, arena);
    return ERR_OK;
}

/* Sums of half floats are taken in half floats. What is compiled is for inference
 * (DecomposeOpsForInference), where a batch norm reads its statistics. */
static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return !op_rounds_inside(op, DT(F16) | DT(BF16), in, n_in, out, n_out) &&
           strcmp(op->name, "batch_norm_training") != 0 &&
           onnx_target_can_spell(t, op, in, n_in, out, n_out);
}

static const struct option_draw draws[] = {{"opt", levels}, {NULL}};
static const char *const defaults[] = {"opt=3", "opt=0", NULL};

const struct target_kind target_tvm = {
    .name = "tvm",
    .summary = "TVM, CPU by LLVM, one relax module from ONNX for each test",
    .options = "opt=0|1|2|3 (the pass context's level), dynamic (one module at two shapes)",
    .package = "apache-tvm onnx",
    .adapter = "tvm",
    .option = set_option,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = onnx_target_encode,
    .probe_options = "opt=0",
    .speaks_onnx = true,
    .patience = patience,
    .is_slow = true,
    .level_option = "opt",
    .levels = levels,
    .draws = draws,
};
