/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the search for clean inputs share: the driver (search.c), evaluation and
 * gradient steps (search_steps.c), intervals (search_ranges.c).
 */
#ifndef OPJURY_SEARCH_INTERNAL_H
#define OPJURY_SEARCH_INTERNAL_H

#include "generate/generate_internal.h"

/* ---- intervals (search_ranges.c) ---- */

struct interval interval_intersect(struct interval a, struct interval b);
bool interval_has_none(struct interval a);       /* no element */
struct interval interval_of_dtype(enum dtype d); /* all finite values */

/* All arrays are by value id. */
struct search {
    const struct program *p;
    struct leaf *leaves;
    struct rng rng;
    struct arena *arena;
    struct array *values; /* leaves, and results of the nodes before `bad` and its own */
    bool *is_free;        /* hangs on a leaf that may be changed */
    bool *is_smooth;      /* a float that does so by vjps alone */
    bool *is_dirty;       /* of leaves: changed since the last evaluation */
    uint32_t bad;         /* the first node that is not clean, n_nodes: none */
    uint64_t nodes;       /* evaluated in all, steps backward included */
    uint64_t nodes_max;
    /* search_ranges.c */
    struct facts *facts;      /* for queries of node_ranges */
    struct possible possible; /* its `widest`: where elements of clean programs can lie */
    struct interval *now;     /* where they lie, or will */
    struct interval *want;    /* where they may lie for the nodes behind to be clean */
};

/* ---- search_steps.c ---- */

/* Evaluates what hangs on dirty leaves, up to the first node that is not clean: `bad`. */
void search_evaluate(struct search *s);
/* Is the node clean on `given` in place of these values, and are its results where they are wanted?
 */
bool search_try_node(struct search *s, const struct node *node, uint32_t n, const uint32_t *ids,
                     const struct array *given);
/* Steps down the gradient until `bad` is clean, and then the next one, while that helps. */
void search_descend(struct search *s);
struct interval array_range(const struct array *a);

/* ---- search_ranges.c ---- */

/* Fills `possible`; false: whatever the leaves, some node is not clean. */
bool search_is_possible(struct search *s);
/* Narrows the operands that may_move, in `now` and, as wide as it goes, in `want`, until intervals
 * prove the node clean and its results where they are wanted. False: nothing does. is_bold: at
 * random among what fits. */
bool search_settle_node(struct search *s, const struct node *node, const bool *may_move,
                        bool is_bold);
/* Narrows the leaves' domains from the last node to the first until intervals prove all nodes
 * clean, and moves what lies outside: false: some node is left unproven. is_bold: at random among
 * what fits, else the widest. */
bool search_narrow(struct search *s, bool is_bold);

#endif
