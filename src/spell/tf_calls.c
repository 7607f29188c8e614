/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow: the families of its forms, and what they share. It has all dtypes of ours. */
#include "spell/tf_forms.h"

#include <math.h>

struct plan_arg tf_number(const char *keyword, double value, enum dtype d)
{
    if (d == DTYPE_BOOL) {
        return (struct plan_arg)BOOL(keyword, value != 0);
    }
    if (dtype_is_float(d)) {
        return (struct plan_arg)REAL(keyword, value);
    }
    real inside = fminl(fmaxl(value, dtype_lowest(d)), dtype_max(d));
    return (struct plan_arg)INT(keyword, (int64_t)inside);
}

const int64_t *tf_keep(const struct planner *b, const int64_t *values, size_t n)
{
    return arena_copy(b->arena, values, n * sizeof *values);
}

static void transpose(struct planner *b, uint32_t to, uint32_t x, int rank, bool is_back)
{
    static const int64_t last[][5] = {{0, 2, 1}, {0, 2, 3, 1}, {0, 2, 3, 4, 1}},
                         first[][5] = {{0, 2, 1}, {0, 3, 1, 2}, {0, 4, 1, 2, 3}};
    const int64_t *perm = is_back ? first[rank - 3] : last[rank - 3];

    CALL(b, to, "tf.transpose", VALUE(x), INTS(NULL, (uint32_t)rank, perm));
}

uint32_t tf_channels_last(struct planner *b, uint32_t x, int rank)
{
    uint32_t to = planner_step(b, "last");

    transpose(b, to, x, rank, false);
    return to;
}

void tf_channels_first(struct planner *b, uint32_t to, uint32_t x, int rank)
{
    transpose(b, to, x, rank, true);
}

uint32_t tf_padded(struct planner *b, uint32_t x, int rank, const int64_t *lo, const int64_t *hi,
                   struct plan_arg fill)
{
    int64_t *pads = ARENA_ARRAY(b->arena, int64_t, 2 * RANK_MAX);
    bool is_padded = false;

    for (int d = 0; d < rank; d++) {
        pads[2 * d] = lo[d];
        pads[2 * d + 1] = hi[d];
        is_padded = is_padded || lo[d] != 0 || hi[d] != 0;
    }
    if (!is_padded) {
        return x;
    }
    uint32_t to = planner_step(b, "padded");
    fill.keyword = "constant_values";
    CALL(b, to, "tf.pad", VALUE(x), TUPLES(NULL, (uint32_t)rank, 2, pads), fill);
    return to;
}

void tf_in_wider(struct planner *b, enum dtype wide, const char *callable, tf_emit *emit)
{
    const struct node *node = b->node;
    uint32_t given[OP_INPUTS_MAX], wanted[OP_OUTPUTS_MAX];

    for (uint32_t k = 0; k < node->n_in; k++) {
        bool is_float =
            node->in[k] != VALUE_ABSENT && dtype_is_float(planner_input_value(b, k)->dtype);
        given[k] = is_float ? planner_input(b, k) : UINT32_MAX;
    }
    for (uint32_t k = 0; k < node->n_in; k++) { /* a value may stand in two places */
        if (given[k] != UINT32_MAX && planner_input(b, k) == given[k]) {
            uint32_t cast = planner_step(b, "wide");
            CALL(b, cast, "tf.cast", VALUE(given[k]), DTYPE(NULL, wide));
            b->registers[node->in[k]] = cast;
        }
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        wanted[o] = b->registers[node->out[o]];
        b->registers[node->out[o]] = planner_step(b, "wide");
    }
    emit(b, callable);
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct value *y = &b->program->values[node->out[o]];
        CALL(b, wanted[o], "tf.cast", VALUE(b->registers[node->out[o]]), DTYPE(NULL, y->dtype));
        b->registers[node->out[o]] = wanted[o];
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (given[k] != UINT32_MAX) {
            b->registers[node->in[k]] = given[k];
        }
    }
}

void tf_in_single(struct planner *b, const char *callable, tf_emit *emit)
{
    if (dtype_is_half(planner_output_value(b)->dtype)) {
        tf_in_wider(b, DTYPE_F32, callable, emit);
    } else {
        emit(b, callable);
    }
}

void tf_below_zero(struct planner *b, uint32_t x, uint32_t below)
{
    uint32_t is_below = planner_step(b, "is_below");

    CALL(b, is_below, "tf.less", VALUE(x), tf_number(NULL, 0, planner_output_value(b)->dtype));
    CALL(b, planner_output(b), "tf.where", VALUE(is_below), VALUE(below), VALUE(x));
}

/* ---- the library ---- */

static const struct call_form *const families[] = {
    tf_elementwise, tf_activation, tf_reduce, tf_linear, tf_pool,
    tf_norm,        tf_move,       tf_slice,  tf_index,  NULL};

const struct call_library tf_calls = {.name = "tf", .dtypes = "tf", .families = families};
