/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of the baseline `mutate` that change what a layer's weights hold. A neuron is what makes
 * one channel of the layer's output: the slices of its weights along the first dim, or along the
 * last for a matrix product, whose weights stand the other way round.
 */
#include <string.h>

#include "generate/mutate.h"

/* Of a layer's neurons those that change: DeepMutation's and LEMON's ratio. */
enum { CHANGED_PERCENT = 30 };

/* Element e of neuron j is (e / inner * n + j) * inner + e % inner. */
struct weights {
    enum dtype dtype;
    void *data;
    size_t n, inner, n_elements; /* neurons; elements of each */
};

static size_t place(const struct weights *w, size_t neuron, size_t e)
{
    return (e / w->inner * w->n + neuron) * w->inner + e % w->inner;
}

static real get(const struct weights *w, size_t neuron, size_t e)
{
    return dtype_load(w->dtype, w->data, place(w, neuron, e));
}

static void put(const struct weights *w, size_t neuron, size_t e, real value)
{
    dtype_store(w->dtype, w->data, place(w, neuron, e), value);
}

/* A constant of floats that is not the layer's first input. */
static bool is_weights(const struct mutant *m, uint32_t id)
{
    const struct value *v = id < m->seed->n_values ? &m->seed->values[id] : NULL;
    return v != NULL && v->kind == VALUE_CONST && v->data != NULL && dtype_is_float(v->dtype) &&
           v->shape.rank > 0 && shape_numel(&v->shape) > 0;
}

/* Layer i's, a copy of their elements that the new program will have. */
static bool weights_of(struct mutant *m, uint32_t i, struct weights *w)
{
    const struct layer *l = &m->layers[i];
    uint32_t k = 1;
    while (k < l->n_in && !is_weights(m, l->in[k])) {
        k++;
    }
    if (k >= l->n_in) {
        return false;
    }
    const struct value *v = &m->seed->values[l->in[k]];
    const struct shape *shape = &v->shape;
    size_t numel = shape_numel(shape);
    bool is_last = strcmp(l->op->name, "matmul") == 0;
    *w =
        (struct weights){.dtype = v->dtype, .n = (size_t)shape->dim[is_last ? shape->rank - 1 : 0]};
    w->n_elements = numel / w->n;
    w->inner = is_last ? 1 : w->n_elements;
    void **data = &m->weights[l->in[k]];
    if (*data == NULL) {
        *data = arena_copy(m->g->arena, v->data, numel * dtype_size(v->dtype));
    }
    w->data = *data;
    return true;
}

typedef void change_fn(const struct weights *w, size_t neuron, struct rng *rng);

/* Some neurons, one at least. */
static bool change_some(struct mutant *m, uint32_t i, change_fn *change)
{
    struct weights w;
    if (!weights_of(m, i, &w)) {
        return false;
    }
    size_t sure = (size_t)rng_below(&m->g->rng, w.n);
    for (size_t j = 0; j < w.n; j++) {
        if (j == sure || percent(m->g, CHANGED_PERCENT)) {
            change(&w, j, &m->g->rng);
        }
    }
    return true;
}

/* Noise of a bell's shape, the mean of four uniform draws, whose deviation is 0.1. */
static void fuzz(const struct weights *w, size_t neuron, struct rng *rng)
{
    const real width = 0.35L;
    for (size_t e = 0; e < w->n_elements; e++) {
        real sum = 0;
        for (int i = 0; i < 4; i++) {
            sum += 2 * (real)rng_unit(rng) - 1;
        }
        put(w, neuron, e, get(w, neuron, e) + sum / 4 * width);
    }
}

static void shuffle(const struct weights *w, size_t neuron, struct rng *rng)
{
    for (size_t e = w->n_elements - 1; e > 0; e--) {
        size_t other = (size_t)rng_below(rng, e + 1);
        real x = get(w, neuron, e);
        put(w, neuron, e, get(w, neuron, other));
        put(w, neuron, other, x);
    }
}

static void invert(const struct weights *w, size_t neuron, struct rng *rng)
{
    (void)rng;
    for (size_t e = 0; e < w->n_elements; e++) {
        put(w, neuron, e, -get(w, neuron, e));
    }
}

static void block_effect(const struct weights *w, size_t neuron, struct rng *rng)
{
    (void)rng;
    for (size_t e = 0; e < w->n_elements; e++) {
        put(w, neuron, e, 0);
    }
}

bool weights_fuzz(struct mutant *m, uint32_t i)
{
    return change_some(m, i, fuzz);
}

bool weights_shuffle(struct mutant *m, uint32_t i)
{
    return change_some(m, i, shuffle);
}

bool weights_invert(struct mutant *m, uint32_t i)
{
    return change_some(m, i, invert);
}

bool weights_block(struct mutant *m, uint32_t i)
{
    return change_some(m, i, block_effect);
}

/* Two neurons, each with the weights of the other. */
bool weights_switch(struct mutant *m, uint32_t i)
{
    struct weights w;
    if (!weights_of(m, i, &w) || w.n < 2) {
        return false;
    }
    size_t a = (size_t)rng_below(&m->g->rng, w.n), b = (size_t)rng_below(&m->g->rng, w.n - 1);
    b += b >= a;
    for (size_t e = 0; e < w.n_elements; e++) {
        real x = get(&w, a, e);
        put(&w, a, e, get(&w, b, e));
        put(&w, b, e, x);
    }
    return true;
}
