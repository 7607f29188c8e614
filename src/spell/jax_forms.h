/* SPDX-License-Identifier: Apache-2.0 */
/* jax_forms: the families of jax's forms, each closed by an empty one, and what they share. */
#ifndef OPJURY_JAX_FORMS_H
#define OPJURY_JAX_FORMS_H

#include "spell/planner.h"

extern const struct call_form jax_elementwise[], jax_math[], jax_activation[], jax_logic[],
    jax_reduce[], jax_linear[], jax_pool[], jax_norm[], jax_move[], jax_slice[], jax_index[];

/* Dims and other lists are tuples: what jax.jit has as a static argument must be hashable. */
struct plan_arg jax_dims(const struct shape *s);
/* The node's attribute of that name, under a keyword. */
struct plan_arg jax_tuple(const struct planner *b, const char *keyword, const char *name);
struct plan_arg jax_axis(const struct planner *b);
struct plan_arg jax_flag(const struct planner *b, const char *keyword, const char *name);
/* A number of the result's dtype: a float would promote integers. */
struct plan_arg jax_number(const struct planner *b, const char *keyword, double value);

/* x with its dtype changed, in a step. */
uint32_t jax_cast(struct planner *b, uint32_t x, const char *what, enum dtype to);
/* Half floats are summed in f32, as the layers of jax's own libraries do: x, or x cast. */
uint32_t jax_widen(struct planner *b, uint32_t x, enum dtype d);
/* Where a node that widened its inputs of dtype d leaves its result: jax_narrow then makes it the
 * node's output. */
uint32_t jax_wide_output(struct planner *b, enum dtype d);
void jax_narrow(struct planner *b, uint32_t wide, uint32_t output, enum dtype d);

#endif
