/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of `opjury compare` share: a row for each generator, what its tests hold
 * (compare_count.c), and the plots (compare_plot.c).
 */
#ifndef OPJURY_COMPARE_H
#define OPJURY_COMPARE_H

#include "campaign_parts.h"

/* Sets of buckets are drawn for so many generators at most. */
enum { COMPARE_MAX = 8, VENN_MAX = 4 };

/* Distinct ones: ops; op, dtype and rank of its first input; (producer, reader) of a value. */
enum variety_kind { VARIETY_OPS, VARIETY_TYPED, VARIETY_PAIRS, VARIETY_COUNT };
struct variety {
    uint64_t n[VARIETY_COUNT];
};

struct compare_row {
    const struct generator *generator;
    const char *dir;
    struct campaign_progress progress;
    struct variety at[CAMPAIGN_POINTS_MAX]; /* of the tests up to that point */
    struct counts counts;
    struct variety variety;
    uint64_t n_left_out; /* models that another program made and that are no tests */
    size_t n_buckets;    /* new ones and known bugs; of what repeats */
    const char **buckets;
};
/* Runs that the target did not refuse as unsupported, of all. */
double compare_validity(const struct compare_row *row);

/* Makes the campaign's tests 0 .. counts.tests-1 again, from the policy in its store, without
 * data. */
MUST_USE enum err compare_count(struct compare_row *row, struct arena *arena);

/* Buckets that exactly the generators of the set (bit k: rows[k]) have. */
uint64_t compare_shared(const struct compare_row *rows, size_t n, unsigned set);

void compare_curves_svg(const struct compare_row *rows, size_t n, struct buffer *svg);
void compare_venn_svg(const struct compare_row *rows, size_t n, struct buffer *svg);
/* curves.svg, venn.svg (of 2 to 4), curves.csv, gnuplot's scripts for both, and their PNGs if it is
 * installed; *drawn false: it is not. */
MUST_USE enum err compare_plot(const char *dir, const struct compare_row *rows, size_t n,
                               struct arena *arena, bool *drawn);

#endif
