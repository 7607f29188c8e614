/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norm: what the normalisations share: stretches of x that one mean and variance are of, their
 * moments, and how far correct implementations may be from (x - mean) / deviation * scale + bias.
 */
#ifndef OPJURY_OPS_NORM_H
#define OPJURY_OPS_NORM_H

#include "ops/ops_internal.h"

/* ---- structure and relation of the norms of channels ---- */

/* Inputs that all begin with, though the last may be absent. */
enum { NORM_X, NORM_SCALE, NORM_BIAS };

#define NORM_PARAMETER(slot, rank)                                                                 \
    {slot, .same_as = "x", .rank_min = 1, .rank_max = rank, .constant_likely = true}

/* dtypes, ranks (of inputs behind x: 1), epsilon. */
bool norm_channel_structure(struct instance *m, struct rng *rng);
/* Inputs behind x are of its channels, of which there is one at least. */
void norm_relate_channels(struct relation *r, struct instance *m);

/* ---- the walk ---- */

/* Elements i * length .. (i + 1) * length - 1 share mean and variance; element i has the parameters
 * of i / inside % count. */
struct norm {
    size_t length, inside, count;
    bool is_centered;
    /* By ONNX's text in single precision whatever the dtype (stash_type 1), and the normalised
     * value rounded to the dtype before it is scaled. */
    bool has_stash;
    bool is_shared; /* several elements have one scale: it may be folded with mean and bias */
    real epsilon;
};
size_t norm_parameter_at(const struct norm *n, size_t i);
/* The dtype that computes: f32 for half floats. */
enum dtype norm_accumulator(const struct norm *n, enum dtype d);
/* Product of the dims from d on. */
size_t norm_numel_from(const struct shape *s, int d);

/* Of one stretch. */
struct moments {
    real mean, var, deviation; /* sqrt(var + epsilon) */
    real inverse;              /* 1 / deviation */
    real magnitude, square;    /* means of |x|, finite ones, and of x^2 */
};
struct moments norm_moments(const struct norm *n, const real *x);

/* Their errors; INFINITY: nothing is known of what depends on it. */
struct moment_errors {
    real mean, var, relative; /* relative: of 1 / deviation */
};
struct moment_errors norm_moment_errors(const struct norm *n, const struct moments *m,
                                        enum dtype d);

/* One element; y is the exact result. */
struct normed {
    real x, scale, bias, y;
};
/* Its largest error; INFINITY where ways of computing it give other classes. */
real norm_noise(const struct norm *n, const struct moments *m, const struct moment_errors *error,
                enum dtype d, const struct normed *el);

/* y and its noise for the stretch from `start` on; inputs x, scale, bias. */
void norm_stretch(struct evaluation *e, const struct norm *n, const struct moments *m,
                  size_t start);
/* Adds its gradients of x, scale, bias. */
void norm_vjp_stretch(const struct vjp *v, const struct norm *n, size_t start);
/* Marks of element i's parameters, inputs 1..last, as one. */
uint8_t norm_parameter_mark(const struct taint *t, const struct norm *n, uint32_t last, size_t i);
/* y of stretches of `length`. */
struct interval norm_range_of(const struct range_query *q, size_t length, uint32_t last);
/* A scale that is infinite and may be folded with mean and bias. */
void norm_mark_scales(const struct evaluation *e, const struct norm *n, uint8_t *mark);

/* 1e-5f, 1e-3f. Means are of 2^28 elements at most; an epsilon of 0 would make constant inputs a
 * pole. */
#define EPSILON_ATTR {"epsilon", ATTR_REAL, .real = {{0x1.4f8b58p-17, 0x1.0624dep-10}, 0x1p-20, 21}}

#endif
