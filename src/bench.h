/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench: figures that the README and the docs quote are printed by `opjury bench SUBJECT`. A
 * subject is one const struct in one file src/bench_NAME.c and a line in cmd_bench.c's table.
 */
#ifndef OPJURY_BENCH_H
#define OPJURY_BENCH_H

#include "campaign.h"
#include "command.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

struct bench_settings {
    const char *subject;
    uint64_t tests; /* 0: the subject's own default */
    uint64_t seed;
    bool json;            /* one object on one line instead of tables */
    struct texts targets; /* --target; empty: the subject's default */
    const char *python;
    const char *policy; /* of the programs that are measured; NULL: the subject's default */
    /* `inputs` alone */
    uint64_t models, samples; /* 0: the subject's default */
    struct texts nodes;       /* --nodes, as given */
    const char *save, *load, *plot;
    struct texts from;  /* `buckets` alone: campaigns, */
    const char *labels; /* and which finding is of which cause */
    double time;        /* `campaign`, `compile`, `crash`: seconds; 0: their default */
};

struct bench_subject {
    const char *name;
    const char *summary;
    /* *failed: a floor that the subject states was not reached; exit status 1. */
    enum err (*run)(const struct bench_settings *settings, struct arena *arena, bool *failed);
};

extern const struct bench_subject bench_judge, bench_bounds, bench_diversity, bench_evaluate,
    bench_observability, bench_throughput, bench_generator, bench_inputs, bench_unjudged,
    bench_campaign, bench_compile, bench_reduce, bench_buckets, bench_crash;

/* One target by itself, its window kept full as in a campaign; CPU seconds, start-up apart. */
struct throughput {
    const char *target, *version;
    uint64_t tests;
    struct verdict_counts verdicts;
    double startup, generate, reference, judge, worker, library, total;
};
MUST_USE enum err bench_throughput_of(const struct bench_settings *s, struct target *target,
                                      struct arena *arena, struct throughput *t);

/* Writes to `path` the policy of programs that nnsmith can make too: nnsmith39 (--policy: that one)
 * with the default policy's sizes. *numel: the median of its ops' results. */
MUST_USE enum err bench_policy(const struct bench_settings *s, uint32_t nodes, const char *path,
                               struct arena *arena, size_t *numel);

/* A folder that a figure made for itself; what cannot be removed is said. */
void bench_remove_tree(const char *path);

/* For qsort: of size_t, of double. */
int bench_by_size(const void *a, const void *b);
int bench_by_value(const void *a, const void *b);
/* Of nothing: 0. */
double bench_percent(uint64_t part, uint64_t whole);
/* {"name": value} on a line; the value is given away. */
void bench_print_json(const char *name, json_t *value);

/* ---- the python side of a figure ---- */

/* nnsmith (scripts/time_nnsmith.py) in its environment. *versions: what it says it is; NULL: it
 * cannot be had, and *why says so in a line. */
MUST_USE enum err peer_start_nnsmith(struct arena *arena, struct peer *peer, const char **versions,
                                     const char **why);

#endif
