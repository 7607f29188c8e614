/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign: the main job. Tests are generated, run on every target, judged and counted; what fails
 * is rechecked, reduced, put in a bucket and written down. One parent process watches; `jobs`
 * engine processes claim blocks of test indices from one store, so that a campaign can be stopped
 * and killed at any moment and goes on where it was. Every (test, target) run has one verdict.
 */
#ifndef OPJURY_CAMPAIGN_H
#define OPJURY_CAMPAIGN_H

#include "generate/generate.h"
#include "report/counts.h"
#include "report/report.h"
#include "store/store.h"

/* Engine processes at most; operators a program at most (tests stay readable and quick). */
enum { CAMPAIGN_JOBS_MAX = 256, CAMPAIGN_NODES_MAX = 256 };

/* How far a campaign was when it had used so much CPU time. */
struct campaign_point {
    double cpu;              /* seconds of all processes */
    uint64_t tests, buckets; /* buckets: new ones */
};
enum { CAMPAIGN_POINTS_MAX = 128 };
struct campaign_progress {
    size_t n;
    struct campaign_point points[CAMPAIGN_POINTS_MAX];
};

struct campaign_options {
    const char *const *targets; /* texts; none: every installed one */
    size_t n_targets;
    const char *python;                /* NULL: found as target_parse says */
    const char *policy;                /* name or file; NULL: "default" */
    const struct generator *generator; /* NULL: the policy's */
    const char *seeds;                 /* folder of models to start from; NULL: the policy's */
    const char *known;                 /* file or "none"; NULL: the shipped rules */
    uint32_t nodes;                    /* ops a program; 0: the policy's own */
    uint64_t seed;
    uint64_t tests;    /* in total, over all sittings; 0: no limit */
    double time;       /* seconds in total, over all sittings; 0: no limit */
    double cpu;        /* CPU seconds of all processes in total; 0: no limit */
    unsigned jobs;     /* engine processes, at least 1 */
    const char *out;   /* the campaign's folder; NULL: a new one under out/ */
    uint64_t max_open; /* new buckets a library that the summary lists (buckets_offer); 0: all */
    bool fixed;        /* weights stay as the policy says, whatever is found (campaign_epoch.c) */
    bool all_failures; /* also those that no older version passes (campaign_regress.c) */
    bool json;         /* stdout: one line with one object */
    bool quiet;        /* stdout: nothing */
    struct campaign_progress
        *progress; /* of this sitting, evenly over `cpu`; then what
                    * this process used before is not counted; NULL: not wanted */
};
/* Run or go on. *found: the campaign holds new findings. */
MUST_USE enum err campaign_run(const struct campaign_options *options, struct arena *arena,
                               bool *found);

/* out/1, out/2, ...: makes the first that is free. */
MUST_USE enum err campaign_new_folder(struct arena *arena, const char **dir);

/* Freed memory stays with this process: bounds take and free megabytes a test, and pages that are
 * given back must be cleared again for the next. */
void campaign_keep_memory(void);

/* Verdict counts add up over anything that runs tests: `run` uses it too. */
uint64_t verdict_sum(const struct verdict_counts *counts);

/* The targets named, or all installed ones. ERR_MISSING when that is none. */
MUST_USE enum err campaign_targets(const char *const *texts, size_t n_texts, const char *python,
                                   struct arena *arena, struct target ***targets, size_t *n);
/* The policy narrowed to what open targets (jury_open) support, at the highest opset that any of
 * them takes. nodes 0: as the policy says. */
MUST_USE enum err campaign_policy(const char *name, uint32_t nodes, struct target *const *targets,
                                  size_t n, struct arena *arena, struct policy **policy);
/* The policy that test `index` of the campaign in the store is made with: `policy`, whose text is
 * the campaign's, or, in its memory and the arena's, one with other weights. */
MUST_USE enum err campaign_policy_at(struct store *store, const struct policy *policy,
                                     const char *text, uint64_t index, struct arena *arena,
                                     const struct policy **result);

/* The tests of a campaign, made again from its seed and policy. */
struct campaign_again {
    struct store *store; /* the caller's, as long as this */
    struct campaign_key key;
    struct policy *policy;
};
/* dir: where the store is. ERR_STORE: it does not say what it is of, or is of another opjury. */
MUST_USE enum err campaign_again_open(struct store *store, const char *dir, struct arena *arena,
                                      struct campaign_again *again);
MUST_USE enum err campaign_again_test(const struct campaign_again *again, uint64_t index,
                                      struct arena *arena, struct test *test);
void campaign_again_close(struct campaign_again *again); /* fine on zeros */

#endif
