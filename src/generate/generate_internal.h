/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the generator share: recipes of values (draw.c), what is known of each value of
 * a program (ranges.c), and the graph's maker (graph.c).
 */
#ifndef OPJURY_GENERATE_INTERNAL_H
#define OPJURY_GENERATE_INTERNAL_H

#include "generate/generate.h"

/* ---- recipes: where the elements of an input or constant come from ---- */

enum style {
    STYLE_UNIFORM,
    STYLE_GRID,    /* 17 points: few bits, and ties */
    STYLE_INTEGER, /* integers, where the domain holds several; else the grid */
    STYLE_LOG,     /* log-uniform magnitudes over 12 octaves */
    STYLE_BELL,    /* mean of four uniform ones */
    STYLE_TIES,    /* three values, again and again */
    STYLE_COUNT,
};

struct recipe {
    enum style style;
    uint8_t special;        /* elements of 16 that are drawn from `kinds` instead */
    uint32_t kinds;         /* set of special kinds (draw.c) */
    real lo, hi;            /* all other elements lie here */
    struct index_use index; /* n > 0: valid indices instead */
};

/* An ordinary recipe for the dtype; `attempt` counts up while ranges do not fit: from the second on
 * the domain is ever tamer. */
struct recipe recipe_draw(struct rng *rng, enum dtype d, unsigned attempt);
/* Some kinds of special values, for a whole program. */
uint32_t special_kinds_draw(struct rng *rng);
/* Let special values into it. */
void recipe_make_special(struct recipe *recipe, uint32_t kinds, struct rng *rng);
/* Uniform in lo..hi. */
struct recipe recipe_between(real lo, real hi);
/* Valid indices for the use: each in -limit .. limit-1. */
struct recipe recipe_index(const struct index_use *use);
/* Where its elements lie, for sure. */
struct interval recipe_range(const struct recipe *recipe, enum dtype d);
/* Elements by the recipe. */
void recipe_fill(const struct recipe *recipe, struct rng *rng, struct tensor *t);

/* ---- what is known of values ---- */

struct facts {
    struct interval range; /* sound unless `assumed` */
    struct recipe recipe;  /* inputs and constants */
    uint32_t uses;
    bool assumed; /* derives from an op that ranges could not clear */
    bool is_live; /* depends on an input */
};

/* Ranges of the node's outputs, into facts[]; the worst that may happen in it. */
enum hazard node_ranges(const struct program *p, const struct node *node, struct facts *facts);
/* NaN and infinity gone: what a range is taken for after an op that was kept unproven. */
struct interval interval_assume(enum dtype d, struct interval range);

/* ---- the graph ---- */

struct graph {
    struct program *program;
    struct facts *facts; /* by value id */
    bool is_unproven;    /* clean, but only evaluation can tell */
};

/* Streams of a test: labels of rng_split. */
enum stream { STREAM_STRUCTURE = 1, STREAM_CONSTANTS, STREAM_INPUTS, STREAM_PLACEMENT };

struct graph graph_make(const struct policy *policy, bool is_clean, struct rng rng,
                        struct arena *arena);

#endif
