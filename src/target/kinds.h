/* SPDX-License-Identifier: Apache-2.0 */
/* kinds: the libraries, one file each. */
#ifndef OPJURY_TARGET_KINDS_H
#define OPJURY_TARGET_KINDS_H

#include "target/target.h"

extern const struct target_kind target_onnxruntime;
extern const struct target_kind target_onnxsim;
extern const struct target_kind target_onnxslim;
extern const struct target_kind target_torch;
extern const struct target_kind target_torch_compile;
extern const struct target_kind target_command;
extern const struct target_kind target_torch_export;
extern const struct target_kind target_torch_jit;
extern const struct target_kind target_jax;
extern const struct target_kind target_jax_jit;
extern const struct target_kind target_openvino;
extern const struct target_kind target_tvm;
extern const struct target_kind target_tensorflow;
extern const struct target_kind target_tensorflow_function;
extern const struct target_kind target_tensorflow_xla;
extern const struct target_kind target_torch_onnx;
extern const struct target_kind target_selftest;
extern const struct target_kind target_selftest_denied;
extern const struct target_kind target_selftest_pack;
extern const struct target_kind target_selftest_runtime;

/* Most threads a target may be asked for: more than that is no use to find out whether it matters.
 */
enum { THREADS_MAX = 64 };

/* Canonical options with `said` ("opt=all", "dynamic", "" for none) as what they say of `key`; all
 * keys of `order`, NULL-terminated, in that order. */
const char *options_with(const char *options, const char *const *order, const char *key,
                         const char *said, struct arena *arena);
/* threads=VALUE into t->options; 1 is not said. */
MUST_USE enum err options_threads(struct target *t, const char *const *order, const char *value,
                                  struct arena *arena);

/* key=VALUE into t->options where it is one of kind->devices, VALUE "cpu" as by default. */
MUST_USE enum err options_device(struct target *t, const char *const *order, const char *key,
                                 const char *value, struct arena *arena);

extern const char *const torch_devices[];
/* A program as the source of a module, constants as its buffers. */
MUST_USE enum err torch_encode_module(const struct target *t, const struct test *test,
                                      struct buffer *job);
/* Is it of one of these dtypes, and neither a move nor elementwise? Bounds take such ops as
 * computed in single precision and rounded once; not every library claims that. */
bool op_rounds_inside(const struct op *op, dtype_set dtypes, const enum dtype *in, size_t n_in,
                      const enum dtype *out, size_t n_out);

/* A program as an ONNX model of the version that the target takes; what that says. */
bool onnx_target_can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                           size_t n_in, const enum dtype *out, size_t n_out);
MUST_USE enum err onnx_target_encode(const struct target *t, const struct test *test,
                                     struct buffer *job);

/* A program as a plan of torch calls, encoded; what torch spells. */
bool torch_target_can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                            size_t n_in, const enum dtype *out, size_t n_out);

#endif
