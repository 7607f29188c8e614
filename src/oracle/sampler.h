/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the bound share: bound.c evaluates all variants of a program side by side,
 * ways.c moves their elements, marks.c says of which elements they say nothing.
 */
#ifndef OPJURY_SAMPLER_H
#define OPJURY_SAMPLER_H

#include "oracle/oracle_internal.h"

/*
 * UNSPECIFIED: no document defines it. WILD: the samples do not bound it, an input may move further
 * than the op is near linear, say. JUMP, of integers and bools: it may be another value than in the
 * samples. CLASH: samples are of different classes (finite, infinite, NaN). STEP, of floats: they
 * hang on jumps (floor), of which few samples show the worst together. OVERFLOW: infinite by
 * rounding in a scale; one that follows may be made one with it, which then does not overflow (x *
 * 2 * 0.5).
 */
enum {
    MARK_UNSPECIFIED = 1,
    MARK_JUMP = 2,
    MARK_WILD = 4,
    MARK_CLASH = 8,
    MARK_STEP = 16,
    MARK_OVERFLOW = 32,
};
enum { STEP_FACTOR = 4 }; /* their deviations count as often */
enum { VARIANTS_MAX = 64, CODE_BITS = 6, CODES = 61 };
enum { MIXED = 6 }; /* variants in which some readers see halves rounded */

/* One value in all its evaluations. Variant 0 is declared; when the program has halves, 1 is wide
 * and MIXED are mixed (not for first bounds); then come the samples. Freed after its last use,
 * unless it is an output. */
struct track {
    struct array *variant; /* n_variants arrays over one block */
    real *block;
    real *deviation; /* NULL: all samples are equal */
    bool is_exact;   /* nothing rounds on the way to it: every run holds these elements */
    uint8_t *mark;   /* NULL: nothing marked */
    uint32_t last_use;
    uint32_t n_readers; /* numbers given to inputs that read it */
    bool is_output;     /* and wanted */
    bool is_needed;     /* by a wanted output */
};

struct sampler {
    const struct program *p;
    struct arena *arena; /* results */
    struct arena *scratch;
    struct track *tracks; /* by value id */
    unsigned n_variants, first_sample;
    struct rng rng;
    uint64_t node_seed; /* of the node under way */
    uint8_t *code;      /* each element's pattern of ways, a bit a sample */
    real *largest;      /* by node: the largest finite operand of a product */
    bool traps; /* an element that is undefined was met: a library may refuse the program or die */
    bool is_settled;    /* of struct bounds */
    bool asks_variants; /* errors are those of moved inputs, too */
    bool is_strict;     /* of struct bound_request */
    const struct precision *precision;
};

/* Variant 1 keeps half floats in single precision. */
static inline bool has_wide(const struct sampler *s)
{
    return s->first_sample > 1;
}

/* ---- ways.c ---- */

/* New patterns of ways for the elements of a node. */
void draw_codes(struct sampler *s, const struct node *node);
/* For a node that is not sampled: what the others draw stays as it is. */
void skip_codes(struct sampler *s);
/*
 * Which way each element moves in sample k: 1 or -1, or half of that; for those whose size (of the
 * move) is not 0. The first two samples move everything one way (errors of one kernel are rarely
 * independent) and go on in the way they went, so that errors of a chain add up; the next CODE_BITS
 * give each element its own pattern of ways, so that results that hang on a difference are seen;
 * two turn back each time, for errors that cancel when they go on; the rest move equal values
 * alike, as one kernel does, some by half only. declared: where the elements were; NULL: where they
 * are.
 */
const float *draw_ways(struct sampler *s, unsigned k, const struct array *a, const real *declared,
                       const real *size);
/* Each result of sample k moved by the error that the op may make. */
void move_results(struct sampler *s, unsigned k, const struct array *out, const real *declared,
                  const real *noise, real *moved);

/* ---- marks.c: each after the variants of a node are there, `in` being the declared inputs ---- */

/* Of a value that is there what the precision does not claim: integers that do not fit the dtype
 * that they are computed in, subnormals that may become 0, and those of `given` (NULL: none) that a
 * cast to the dtype of the value makes infinite. */
void mark_unclaimed(struct sampler *s, uint32_t id, const struct array *given);
/* Of the result of variant k, whose inputs `in` are. */
void mark_unspecified(struct sampler *s, const struct node *node, const struct array *const *in,
                      unsigned k);
/* An infinite error: terms that overflow on their way, so finite, infinite or NaN by order. It
 * becomes 0. */
void mark_overflowing(struct sampler *s, const struct node *node, real **noise);
/* Results of a scale, `exact` before rounding, that rounding made infinite. */
void mark_overflowed(struct sampler *s, const struct node *node, const struct array *exact);
/* All others: of inputs' marks, of inputs that move too far, of what compilers may do to products,
 * of the samples themselves. */
void mark_node(struct sampler *s, const struct node *node, const struct array *const *in);

/* May optimisers make one op of this node and its neighbours, which does not round as they do: a
 * product and a scale or bias before or behind it, folded into its weights; a mean and what it is
 * taken from, x - mean(x)? Then no short sum of it counts as exact. */
bool may_be_folded(const struct program *p, const struct node *node);

#endif
