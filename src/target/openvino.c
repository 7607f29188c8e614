/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenVINO on the CPU. A program is an ONNX model that its front end reads. Precision and
 * performance are hints: f32 is always said, for by default a CPU that has the instructions
 * computes in bf16.
 */
#include "target/kinds.h"

#include <string.h>

static const char *const hints[] = {"f32", "bf16", "f16", NULL};
static const char *const modes[] = {"latency", "throughput", "cumulative", NULL};
/* Snippets fuse elementwise ops and generate code for them. */
static const char *const snippets[] = {"off", "on", NULL};
static const char *const order[] = {"hint", "mode", "snippets", "threads", "dynamic", NULL};
static const char *const threads[] = {"2", "4", NULL};
static const struct option_draw draws[] = {
    {"mode", modes}, {"snippets", snippets}, {"threads", threads}, {NULL}};
static const struct choice {
    const char *key, *usual;
    const char *const *values;
} choices[] = {{"hint", "f32", hints}, {"mode", "latency", modes}, {"snippets", "on", snippets}};

/*
 * erf by Abramowitz and Stegun 7.1.26, whose error is 1.5e-7, and gelu by erf; softplus and mish by
 * log(1 + exp(x)) in single precision (oneDNN's generated eltwise code).
 */
static const struct approximation approximations[] = {
    {"erf", 1.5e-7}, {"gelu", 1.5e-7}, {"softplus", 0x1p-20}, {"mish", 0x1p-20}, {NULL}};
/*
 * "Supported Model Precision" of its document on the CPU device: primitives compute in f32, bf16,
 * f16, i32 and, of quantized models, i8 and u8. Other types are converted on the way in and out. To
 * bf16 it converts by AVX512_BF16 where there is that (Intel SDM, VCVTNEPS2BF16: as if FTZ, DAZ).
 * Its transformation FlushFP32SubnormalsToZero does what it is called to constants, those that it
 * has made itself included (1 / x of a division).
 */
#define INTEGERS                                                                                   \
    [DTYPE_I16] = DTYPE_I32, [DTYPE_U16] = DTYPE_I32, [DTYPE_U32] = DTYPE_I32,                     \
    [DTYPE_I64] = DTYPE_I32
#define CLAIMS .flushes_bf16 = true, .flushes_constants = true, .approximates = approximations
static const struct precision by_f32 = {.computes = {[DTYPE_F64] = DTYPE_F32, INTEGERS}, CLAIMS};
static const struct precision by_f16 = {
    .computes = {[DTYPE_F32] = DTYPE_F16, [DTYPE_F64] = DTYPE_F16, INTEGERS}, CLAIMS};
static const struct precision by_bf16 = {
    .computes = {[DTYPE_F32] = DTYPE_BF16, [DTYPE_F64] = DTYPE_BF16, INTEGERS}, CLAIMS};

static const struct choice *find_choice(const char *key, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
        const struct choice *c = &choices[i];
        for (size_t k = 0; value && strcmp(c->key, key) == 0 && c->values[k]; k++) {
            if (strcmp(c->values[k], value) == 0) {
                return c;
            }
        }
    }
    return NULL;
}

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    const struct choice *c = find_choice(key, value);
    const char *said = key;

    if (strcmp(key, "threads") == 0) {
        return options_threads(t, order, value, arena);
    }
    if (c) {
        said = strcmp(c->usual, value) == 0 ? "" : arena_printf(arena, "%s=%s", key, value);
    } else if (strcmp(key, "dynamic") == 0 && !value) {
        t->dynamic = true;
    } else {
        return err_set(ERR_USAGE,
                       "openvino takes hint=f32|bf16|f16, mode=latency|throughput|cumulative, "
                       "snippets=on|off, threads=N and dynamic, not '%s%s%s'",
                       key, value ? "=" : "", value ? value : "");
    }
    if (strcmp(key, "hint") == 0) {
        t->precision = strcmp(value, "f32") == 0   ? &by_f32
                       : strcmp(value, "f16") == 0 ? &by_f16
                                                   : &by_bf16;
    }
    t->options = options_with(t->options, order, key, said, arena);
    return ERR_OK;
}

static bool is_half_of(const enum dtype *dtypes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (dtypes[i] != DTYPE_NONE && dtype_is_half(dtypes[i])) {
            return true;
        }
    }
    return false;
}

/* Its front end makes several nodes of such an op, and each rounds to bf16. With another precision
 * than f32 a half float may be converted to that and back, which rounds twice. */
static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    if (t->precision != &by_f32 && (is_half_of(in, n_in) || is_half_of(out, n_out))) {
        return false;
    }
    return !op_rounds_inside(op, DT(BF16), in, n_in, out, n_out) &&
           onnx_target_can_spell(t, op, in, n_in, out, n_out);
}

/* What its front end says that it does not translate hangs on an attribute here. */
static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    for (uint32_t i = 0; i < test->program->n_nodes; i++) {
        const struct attr *mode = node_attr(&test->program->nodes[i], "mode");
        bool is_pad = strcmp(test->program->nodes[i].op_name, "pad") == 0;
        if (is_pad && mode && strcmp(mode->text, "wrap") == 0) {
            return err_set(ERR_UNSUPPORTED, "openvino has no pad with mode=\"wrap\"");
        }
    }
    return onnx_target_encode(t, test, job);
}

static const char *const defaults[] = {"", "snippets=off", "hint=bf16", NULL};

const struct target_kind target_openvino = {
    .name = "openvino",
    .summary = "OpenVINO, CPU, one compiled model for each test",
    .options = "hint=f32|bf16|f16 (the precision), mode=latency|throughput|cumulative, "
               "snippets=on|off, threads=N (1), dynamic (one compiled model at two shapes)",
    .package = "openvino",
    .adapter = "openvino",
    .option = set_option,
    .defaults = defaults,
    .precision = &by_f32,
    .flushes_subnormals = true,
    .draws = draws,
    .can_spell = can_spell,
    .encode = encode,
    .probe_options = "",
    .speaks_onnx = true,
    .level_option = "snippets",
    .levels = snippets,
    .has_threads = true,
};
