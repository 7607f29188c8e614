/* SPDX-License-Identifier: Apache-2.0 */
/* jax: the families of its forms, and what they share. With x64 it has every dtype of ours. */
#include "spell/jax_forms.h"

static const struct call_form *const families[] = {
    jax_elementwise, jax_math, jax_activation, jax_logic, jax_reduce, jax_linear,
    jax_pool,        jax_norm, jax_move,       jax_slice, jax_index,  NULL};

const struct call_library jax_calls = {.name = "jax", .dtypes = "jax.numpy", .families = families};

struct plan_arg jax_dims(const struct shape *s)
{
    return (struct plan_arg)TUPLE(NULL, (uint32_t)s->rank, s->dim);
}

struct plan_arg jax_tuple(const struct planner *b, const char *keyword, const char *name)
{
    const struct attr *a = planner_attribute(b, name);

    return (struct plan_arg)TUPLE(keyword, a->n, a->i);
}

struct plan_arg jax_axis(const struct planner *b)
{
    return (struct plan_arg)INT("axis", planner_attribute(b, "axis")->i[0]);
}

struct plan_arg jax_flag(const struct planner *b, const char *keyword, const char *name)
{
    return (struct plan_arg)BOOL(keyword, planner_attribute(b, name)->i[0]);
}

struct plan_arg jax_number(const struct planner *b, const char *keyword, double value)
{
    enum dtype d = planner_output_value(b)->dtype;

    if (dtype_is_float(d)) {
        return (struct plan_arg)REAL(keyword, value);
    }
    if (d == DTYPE_BOOL) {
        return (struct plan_arg)BOOL(keyword, value != 0);
    }
    uint64_t bits = real_pattern(value);
    return (struct plan_arg)INT(keyword, (int64_t)bits);
}

/* ---- half floats ---- */

static bool is_half(enum dtype d)
{
    return d == DTYPE_F16 || d == DTYPE_BF16;
}

uint32_t jax_cast(struct planner *b, uint32_t x, const char *what, enum dtype to)
{
    uint32_t cast = planner_step(b, what);

    CALL(b, cast, "jax.numpy.astype", VALUE(x), DTYPE(NULL, to));
    return cast;
}

uint32_t jax_widen(struct planner *b, uint32_t x, enum dtype d)
{
    return is_half(d) ? jax_cast(b, x, "wide", DTYPE_F32) : x;
}

uint32_t jax_wide_output(struct planner *b, enum dtype d)
{
    return is_half(d) ? planner_step(b, "result") : planner_output(b);
}

void jax_narrow(struct planner *b, uint32_t wide, uint32_t output, enum dtype d)
{
    if (is_half(d)) {
        CALL(b, output, "jax.numpy.astype", VALUE(wide), DTYPE(NULL, d));
    }
}
