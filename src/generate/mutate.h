/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline `mutate`: a model as a list of layers that rules change, whole ones (mutate.c) or
 * what a layer's weights hold (mutate_weights.c), before it is made again.
 */
#ifndef OPJURY_GENERATE_MUTATE_H
#define OPJURY_GENERATE_MUTATE_H

#include "generate/generate_internal.h"

/* Layers that one rule may add. */
enum { ADDED_MAX = 4 };

/* A layer as it is to be: values are ids of the seed's, from its n_values on new ones; VALUE_NEW:
 * an input or constant to be drawn. */
struct layer {
    const struct op *op;
    uint32_t n_in, n_out, n_attrs;
    uint32_t in[OP_INPUTS_MAX], out[OP_OUTPUTS_MAX];
    const struct attr *attrs; /* those that are not among them are drawn */
};

struct mutant {
    struct maker *g;
    const struct program *seed;
    uint32_t n, n_most, n_values;
    struct layer *layers;
    uint32_t *like; /* by id: the seed's value whose dtype and shape it has */
    uint32_t *made; /* by id: the value of the new program; VALUE_ABSENT: none yet */
    void **weights; /* by id: elements in place of those of the seed's constant; NULL: none */
};

/* Changes layer i, or what it stands between; false: not possible there, and nothing has changed.
 */
typedef bool mutation_fn(struct mutant *m, uint32_t i);
/* LEMON's five rules for weights, those of DeepMutation (Ma et al., ISSRE 2018). */
mutation_fn weights_fuzz, weights_shuffle, weights_invert, weights_block, weights_switch;

#endif
