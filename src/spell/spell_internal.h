/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of spell share: Python literals and identifiers, the ONNX tables and names.
 */
#ifndef OPJURY_SPELL_INTERNAL_H
#define OPJURY_SPELL_INTERNAL_H

#include "spell/spell.h"

/* ---- names (names.c): a map from texts to numbers, in an arena ---- */

#define NAME_NONE UINT32_MAX
struct names;
struct names *names_new(struct arena *arena, size_t expected);
uint32_t names_find(const struct names *names, const char *name); /* NAME_NONE: not there */
/* The name is borrowed. An old number is replaced. */
void names_set(struct names *names, const char *name, uint32_t number);
/* `name`, or name_2, name_3 ...: the first that is not there yet; added with that number. */
const char *names_add_fresh(struct names *names, const char *name, uint32_t number);

/* ---- Python source (python_text.c) ---- */

/* A float literal that reads back to the same bits: 1.0, -0.0, float("inf"). */
void python_real(struct buffer *source, double value);
void python_single(struct buffer *source, float value);
/* A string literal with escapes. */
void python_string(struct buffer *source, const char *text);
/* "A+B" as the argument of a session that turns two optimizers off; NULL: nothing. */
/* Lines of a script that set on `options` what these options of a target say (session_choices). */
void session_lines(const char *options, const char *indent, struct buffer *source);
/* The format, "ONNX" or "ORT", in which the optimized model is saved and loaded again; NULL: it is
 * not. */
const char *session_saved(const char *options);
void python_disabled(struct buffer *source, const char *names, const char *indent);
/* `name` itself, or with underscores behind it where Python or `reserved` (NULL-terminated) has
 * that word; other characters than identifiers' become underscores. */
char *python_identifier(struct arena *arena, const char *name, const char *const *reserved);

/* ---- tensors as Python source (python_tensor.c) ---- */

/* (2, 1): a tuple. */
void python_shape(struct buffer *source, const struct shape *s);
/* In lines, from the next line on. */
void python_base64(struct buffer *source, const void *data, size_t size);
/* 1, 0.5, inf, nan, True: what element i is called with `from numpy import inf, nan`. */
void python_element(struct buffer *source, const struct tensor *t, size_t i);
/* 1, 0.5, inf: all of them, in their order. */
void python_elements(struct buffer *source, const struct tensor *t);
/* Few elements, and their texts give the same bits? Else the two below write base64. */
bool python_is_literal(const struct tensor *t);
/* np.array([1, 2], np.float32).reshape((2, 1)), or packed("""...""", np.float32, (2, 1)); of bf16
 * bfloat16([...]), its bits. The script must have the functions packed and bfloat16. */
void python_array(struct buffer *source, const struct tensor *t);
/* torch.tensor([1, 2], dtype=torch.float32).reshape((2, 1)), or torch.frombuffer of base64. */
void python_torch_tensor(struct buffer *source, const struct tensor *t);
/* jax.numpy.array([1, 2], dtype=jax.numpy.float32).reshape((2, 1)), or of `packed`. */
void python_jax_tensor(struct buffer *source, const struct tensor *t);

/* ---- tf_script.c ---- */

/* Is it a script of tf.function? */
bool tf_is_graph(const struct script *script);
/* tf.function(...) by the options of the target, to be called with a function. */
void python_tf_function(const struct script *script, struct buffer *source);
/* Lines that set threads, and what is left out of grappler. */
void python_tf_config(const struct script *script, const char *indent, struct buffer *source);
/* The functions to_tensor, to_numpy and run of a long script. */
void python_tf_run(const struct script *script, struct buffer *source);
/* tf.constant([1, 2], tf.float32), or of np.frombuffer of base64. */
void python_tf_tensor(struct buffer *out, const struct tensor *t);

/* ---- torch_script.c ---- */

/* How the target runs a program: its mode. */
enum torch_mode { TORCH_EAGER, TORCH_COMPILE, TORCH_JIT, TORCH_EXPORT, TORCH_ONNX };
enum torch_mode torch_mode_of(const struct script *script);
/* The device that the target names; NULL: the CPU. */
const char *torch_device_of(const struct script *script, struct arena *arena);
/* torch.compile(program, fullgraph=True, ...) by the options of the target. */
void python_compile(const struct script *script, struct buffer *source);
/* Lines behind `indent` that make `compiled` of `module` and `example`, a tuple of its inputs: of
 * the modes that take a module. */
void python_convert(const struct script *script, const char *indent, struct buffer *source);

/* ---- jax_script.c ---- */

/* Does the script compile the program as a whole (jax:jit)? */
bool jax_is_jitted(const struct script *script);
/* What stands before `import jax`, and behind `import os`. */
void python_jax_head(const struct script *script, struct buffer *source);
/* What jax is told before the first call. */
void python_jax_setup(const struct script *script, const char *indent, struct buffer *source);
/* jax.jit(FUNCTION, ...) by the options of the target. */
void python_jit(const struct script *script, const char *function, struct buffer *source);
/* def run() of the long script, which has inputs, constants and is_bfloat16. */
void python_jax_run(const struct script *script, struct buffer *source);

/* ---- onnx_run.c ---- */

/* A library that compiles an ONNX model, in scripts. */
struct onnx_runner {
    const char *library, *package; /* the module, and what pip installs */
    bool reads_by_onnx;            /* the model's bytes become a model by the onnx package */
    const char *long_imports, *short_imports;
    /* The function run() of the long script, which has MODEL, inputs, other_inputs, is_bfloat16. */
    void (*put_run)(const struct script *script, struct arena *arena, struct buffer *out);
    /* One run of `model` on "x0, x1", which gives "v0, v1". */
    void (*put_short)(const struct script *script, const char *inputs, const char *outputs,
                      struct arena *arena, struct buffer *out);
};
const struct onnx_runner *onnx_runner_of(const char *library); /* NULL: none */

/* ---- onnx_python.c ---- */

/* A serialised model that the writer made, as calls of onnx.helper that make `model`. Constants are
 * python_array's. */
MUST_USE enum err onnx_print_python(const struct buffer *model, struct arena *arena,
                                    struct buffer *source);

/* ---- plan.c ---- */

/* The calls of plan_print_python alone, a line each behind `indent`. is_single: reals that float32
 * holds as the shortest decimal that it rounds to them, 1e-05: as people write them, and where
 * nothing is computed in float64 no matter. */
void plan_print_calls(const struct plan *plan, const char *indent, bool is_single,
                      struct buffer *source);

#endif
