/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motif: small graphs that optimisers look for, as data. Each step names an op, where its inputs
 * come from and which attributes the pattern asks for; all else is drawn. Half of those that are
 * inserted are as written, half are near misses: one thing of the pattern is another.
 */
#ifndef OPJURY_MOTIF_H
#define OPJURY_MOTIF_H

#include "generate/generate_internal.h"

enum { MOTIF_STEPS_MAX = 12, MOTIF_INPUTS_MAX = 6, MOTIF_GIVEN_MAX = 2 };

enum operand_kind {
    OPERAND_OPEN,    /* whatever the generator chooses, none where it may be absent */
    OPERAND_X,       /* the motif's input: an existing value or a new one, the same everywhere */
    OPERAND_STEP,    /* what an earlier step gives */
    OPERAND_WEIGHT,  /* a new constant */
    OPERAND_VECTOR,  /* a new constant of rank 1 */
    OPERAND_LITERAL, /* a scalar constant of that value */
};

struct operand {
    enum operand_kind kind;
    uint8_t step, output; /* STEP */
    double value;         /* LITERAL */
};

enum given_kind {
    GIVEN_NOT,
    GIVEN_INTS,    /* these values; ATTR_INT and ATTR_BOOL: the first */
    GIVEN_SAME,    /* as that step has it */
    GIVEN_INVERSE, /* the permutation that undoes that step's */
    GIVEN_SHAPE,   /* the dims of X */
    /* Of what the step's first operand is, which an earlier step gives: */
    GIVEN_OWN,   /* its dims */
    GIVEN_ORDER, /* 0, 1, ..: a permutation that moves nothing */
    GIVEN_EACH,  /* i[0], n times for each of its dims */
};

struct given {
    const char *name;
    enum given_kind kind;
    uint8_t step, n;
    int64_t i[3];
};

/* The op of the step before, with its attributes. */
#define AGAIN "="

struct step {
    const char *op; /* one of several: "relu|sigmoid|tanh"; AGAIN: the step before once more */
    struct operand in[MOTIF_INPUTS_MAX];
    struct given attrs[MOTIF_GIVEN_MAX];
    bool to_x;     /* its result has X's dtype */
    enum dtype to; /* or this one */
    uint8_t n_out; /* of a variadic op; 0: drawn */
};

struct motif {
    const char *name;
    struct step steps[MOTIF_STEPS_MAX];
    bool floats;            /* later steps want X so, or of */
    int rank_min, rank_max; /* ranks; 0, 0: any */
};

extern const struct motif motif_table[];
extern const size_t motif_count;

uint32_t motif_n_steps(const struct motif *motif);
/* Insert one of the policy's weight that has at most `most` nodes; how many came together: 0 to
 * most. What was inserted before a step that failed stays. */
uint32_t motif_insert(struct maker *g, uint32_t most);

#endif
