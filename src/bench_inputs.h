/* SPDX-License-Identifier: Apache-2.0 */
/* What `opjury bench inputs` counts, and draws. */
#ifndef OPJURY_BENCH_INPUTS_H
#define OPJURY_BENCH_INPUTS_H

#include "bench.h"
#include "generate/generate.h"

/* The programs of one scene and size. */
struct inputs_row {
    const char *scene;
    uint64_t nodes;
    uint64_t models, samples; /* programs; plain samples of all of them */
    uint64_t plain, any;      /* clean samples; programs with one */
    uint64_t searched;        /* programs that the search made clean */
    uint64_t impossible;      /* of the others: intervals prove that nothing does */
    uint64_t ways[SEARCH_WAYS];
    uint64_t failing[OP_WEIGHTS_MAX]; /* of the others: the first op that is not clean */
    double make_seconds;              /* CPU: graphs */
    double plain_seconds;             /* samples, drawn and evaluated */
    double search_seconds;            /* from the first sample, its evaluation included */
    double evaluations;               /* whole programs' worth of nodes, over all searches */
    double *seconds;                  /* of each search, in order of size */
};

double inputs_plain(const struct inputs_row *row); /* percent */
double inputs_any(const struct inputs_row *row);
double inputs_searched(const struct inputs_row *row);
double inputs_plain_ms(const struct inputs_row *row);  /* CPU a sample */
double inputs_search_ms(const struct inputs_row *row); /* CPU a program */

/* Shares and costs over the number of nodes, as SVG. */
void inputs_plot(const struct inputs_row *rows, size_t n, struct buffer *svg);

#endif
