/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts: what a campaign did, in numbers. Every run has one verdict, so the sum over verdicts is
 * the number of runs, in total and over the targets.
 */
#ifndef OPJURY_REPORT_COUNTS_H
#define OPJURY_REPORT_COUNTS_H

#include "oracle/oracle.h"

struct verdict_counts {
    uint64_t n[VERDICT_COUNT];
};
struct target_counts {
    const char *text, *version;
    struct verdict_counts verdicts;
};
struct filter_count {
    const char *name;
    uint64_t n;
};
/* Seconds of all processes but `elapsed`, which is wall time (of J engines: 1/J of each). */
enum usage_kind { USAGE_CPU, USAGE_LIBRARY, USAGE_REDUCE, USAGE_ELAPSED, USAGE_COUNT };
struct counts {
    uint64_t tests;
    uint64_t runs;     /* (test, target, scenario) */
    uint64_t repeated; /* runs made a second time to compare bit for bit */
    uint64_t restarts; /* workers replaced */
    struct verdict_counts verdicts;
    size_t n_targets, n_filters;
    struct target_counts *targets;
    struct filter_count *filters;
    double usage[USAGE_COUNT];
};
/* How far a campaign was, over all sittings. */
struct progress_point {
    double elapsed, cpu; /* seconds */
    uint64_t tests;
    uint64_t findings; /* runs with that verdict */
    uint64_t buckets;  /* new ones */
};

#endif
