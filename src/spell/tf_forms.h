/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tf_forms: the families of TensorFlow's forms, each closed by an empty one, and what they share.
 * Its kernels for the CPU have channels last, indices from 0 up and windows without pads of their
 * own: what an op here has otherwise is said by calls around them. Of a tuple or list of numbers
 * TensorFlow makes a tensor, of a number one of the dtype of the tensor beside it, which comes
 * first: where a number stands first, tf.function would give it a dtype of its own.
 */
#ifndef OPJURY_TF_FORMS_H
#define OPJURY_TF_FORMS_H

#include "spell/planner.h"

extern const struct call_form tf_elementwise[], tf_activation[], tf_reduce[], tf_linear[],
    tf_pool[], tf_norm[], tf_move[], tf_slice[], tf_index[];

/* The number as an argument beside tensors of that dtype. */
struct plan_arg tf_number(const char *keyword, double value, enum dtype d);
/* Numbers in the plan's memory. */
const int64_t *tf_keep(const struct planner *b, const int64_t *values, size_t n);
/* x[N, C, ...] with its channels last; and back, into `to`. */
uint32_t tf_channels_last(struct planner *b, uint32_t x, int rank);
void tf_channels_first(struct planner *b, uint32_t to, uint32_t x, int rank);
/* lo and hi more elements before and behind each of `rank` dims: a step, x itself when all are 0.
 */
uint32_t tf_padded(struct planner *b, uint32_t x, int rank, const int64_t *lo, const int64_t *hi,
                   struct plan_arg fill);
typedef void tf_emit(struct planner *b, const char *callable);
/* Emits the node in single precision where it is of half floats: for what is several calls, each of
 * which would round, and for kernels that compute step by step, or add up, in half floats. */
void tf_in_single(struct planner *b, const char *callable, tf_emit *emit);
/* Emits it in a wider dtype: floats go in and come out by tf.cast. */
void tf_in_wider(struct planner *b, enum dtype wide, const char *callable, tf_emit *emit);
/* x < 0 ? below : x. */
void tf_below_zero(struct planner *b, uint32_t x, uint32_t below);

#endif
