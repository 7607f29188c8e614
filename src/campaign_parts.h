/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the campaign share: counts and their JSON form in the store, the page on which
 * an engine process shows its parent how far it is, triage of failures, the summary.
 */
#ifndef OPJURY_CAMPAIGN_PARTS_H
#define OPJURY_CAMPAIGN_PARTS_H

#include <stdatomic.h>

#include "campaign.h"

/* ---- counts (report/counts.h): of a block while it runs, of a campaign when read back ---- */

/* Zero for these targets. */
void counts_init(struct counts *counts, struct target *const *targets, size_t n,
                 struct arena *arena);
/* One run's verdict. filter: the name when the verdict is `filtered`. */
void counts_add(struct counts *counts, size_t target, const struct verdict *verdict,
                struct arena *arena);
/* Is runs == the sum over verdicts == the sum over targets? */
bool counts_add_up(const struct counts *counts);
/* BUG unless they do: of counts that this process made. */
void counts_check(const struct counts *counts);
/* The store's form: an object of numbers and of objects of numbers. */
void counts_print(const struct counts *counts, struct buffer *json);
MUST_USE enum err counts_parse(const char *json, struct arena *arena, struct counts *counts);
/* Those of the campaign in `dir`, whose store this is. ERR_STORE: they do not add up. */
MUST_USE enum err counts_read(struct store *store, const char *dir, struct arena *arena,
                              struct counts *counts);

/* The same for others to read: targets without paths of this machine. */
const struct counts *counts_labelled(const struct counts *counts, struct arena *arena);
/* A bucket's targets so, each with the version that ran; one a line. */
const char *counts_bucket_targets(const struct counts *counts, const struct bucket_row *row,
                                  struct arena *arena);

/* ---- the page an engine shares with its parent ---- */

struct live {
    _Atomic bool ready; /* targets open, campaign bound: others may start */
    double begin;       /* clock_wall of that moment */
    _Atomic uint64_t tests, restarts, buckets;
    _Atomic uint64_t verdicts[VERDICT_COUNT];
    _Atomic uint64_t cpu; /* microseconds of its processes in this sitting */
    _Atomic bool done;    /* err is set; without it the process was killed */
    enum err err;
    char error[1024];
};

/* ---- one engine process ---- */

struct engine_options {
    const struct campaign_options *campaign;
    struct target **targets;
    size_t n_targets;
    const char *dir;
    struct live *live;
    struct live *first; /* the first engine's page: it starts the clock of --time for all */
    double time_left;   /* wall seconds from then on, when --time is given */
    double cpu_left;    /* seconds of this engine, when a limit is given */
    double cpu_before;  /* seconds the parent spent on start-up, counted by its first engine */
};
/* The whole life of an engine process; the parent reads the result from live->err. */
MUST_USE enum err engine_run(const struct engine_options *options);

/* ---- several versions of a library ---- */

/* Targets that are one but for the interpreter, in the order of their versions. */
#define NO_TARGET SIZE_MAX
struct regressions {
    struct target *const *targets;
    size_t n;
    size_t *n_older, **older; /* of each target the older ones */
    bool *is_version;         /* there is another version of it */
    bool any;
};
/* Of open targets, which have versions. In the arena. */
struct regressions *regressions_new(struct target *const *targets, size_t n, struct arena *arena);
/* Versions get models of the same opset and IR. */
void regressions_align(const struct regressions *r);
/* A line for each library: which version is the base. */
void regressions_say(const struct regressions *r);
/* The newest older version that passes; NO_TARGET: none. */
size_t regression_from(const struct regressions *r, size_t target, const struct verdict *verdicts);
/* Failures that no older version passes become filtered. */
void regressions_filter(const struct regressions *r, struct verdict *verdicts, struct arena *arena);
/* How many did. */
uint64_t regressions_filtered(const struct counts *counts);

/* ---- policies by epoch ---- */

/* The first epoch that learns; each from all but the one before it, which is still under way. */
enum { EPOCH_LEARNS = 2 };
/* Tests that are to be complete before the epoch's policy is made. */
uint64_t epoch_known_tests(uint64_t epoch);
/* Its text, for store_policy; `text` is the campaign's. */
MUST_USE enum err epoch_make(struct store *store, const struct known_rules *rules,
                             const struct policy *policy, const char *text, uint64_t epoch,
                             struct arena *arena, const char **made);

/* ---- triage of a failing run ---- */

/* A text that a finding's row has beside its columns; NULL: none of that name. A list of them. */
const char *row_text(const struct finding_row *row, const char *name, struct arena *arena);
struct texts row_texts(const struct finding_row *row, const char *name, struct arena *arena);
/* How it failed before it was reduced; the row's own signature in rows that do not say. */
const char *row_found_signature(const struct finding_row *row, struct arena *arena);

/* The buckets of a campaign, for whoever puts failures in them. */
struct seen;
#define NO_BUCKET SIZE_MAX
struct seen *seen_new(struct store *store, const char *dir); /* both outlive it */
void seen_free(struct seen *seen);                           /* NULL is fine */
/* Those of earlier sittings and of other engines too: what came since the last look. */
MUST_USE enum err seen_read(struct seen *seen);
/* The number of the bucket with this key, a new one where there is none, and back. */
size_t seen_bucket(struct seen *seen, const char *key);
const char *seen_key(const struct seen *seen, size_t bucket);
/* Further findings of a bucket are rows: they are made again from the seed. */
enum { FOLDERS_A_BUCKET = 3 };
MUST_USE enum err seen_is_full(struct seen *seen, size_t bucket, bool *full);
/* The bucket that explains a failure that was not reduced, by its op chain; NO_BUCKET: none. */
size_t seen_explaining(const struct seen *seen, const char *library, const char *signature,
                       const char *ops);
/* What was reduced, on its way to a bucket. */
struct placed {
    struct jury *jury;
    const struct failure *failure; /* with the signature of its reduced form */
    const struct reduction *reduction;
    const char *found_signature; /* before it was reduced */
    bool is_asked;               /* by a person: what other buckets have is looked at anyway */
    uint64_t except;             /* the finding itself, where it is in a bucket already; 0: no */
    /* results */
    const char *own; /* key of the reduced form; NULL: it was not reduced to its end */
    size_t bucket;
    bool is_guess;       /* by the ops of one that was reduced to its end */
    struct texts merged; /* keys of the buckets that are parts of this one from now on */
};
/* Where the first of its key went, or what has its cause. Only between store_enter and store_leave:
 * each sees the buckets of the others, with their tests, before it makes one; two that fail by one
 * cause at the same time would make two of it. */
MUST_USE enum err seen_place(struct seen *seen, struct placed *p, struct arena *arena);

struct triage;
struct triage_options {
    struct store *store;
    struct jury *jury;
    struct target *const *targets;
    size_t n_targets;
    const struct known_rules *known;
    /* NULL, or rules that name causes, for a figure: the one that knows the smallest form of a
     * finding stands in its row's JSON as "label". Nothing else comes of it. */
    const struct known_rules *labels;
    const char *dir;
    unsigned jobs;
    const struct counts *totals; /* of the campaign when this engine started */
    struct live *live;
};
MUST_USE enum err triage_open(const struct triage_options *options, struct triage **triage);
void triage_close(struct triage *triage); /* NULL is fine */
double triage_reduce_cpu(const struct triage *triage);
double triage_other_cpu(const struct triage *triage); /* of workers that are not the jury's */

/* Is this the key of the bucket for what there was no time to reduce? */
bool is_unreduced_bucket(const char *key);
/* The rule whose bucket this is; NULL: no known bug's. */
const char *known_bucket_rule(const char *key);
/* Its bucket's key. */
const char *known_bucket_key(const char *rule, struct arena *arena);

/* One test as run on all targets. */
struct trial {
    const struct test *test;
    struct reference *reference;
    const struct outcome *outcomes;
    struct verdict *verdicts;
    const struct regressions *regressions; /* NULL: failures of any version are findings */
};
/*
 * The verdict of target `t` is `finding`: make sure (-> flaky), look it up (-> known), reduce, put
 * in a bucket, write down. Changes the verdict's kind. cpu: seconds this campaign has used. Nothing
 * may be posted to the jury.
 */
MUST_USE enum err triage_finding(struct triage *triage, const struct trial *trial, size_t t,
                                 double cpu, struct arena *arena);

/* ---- buckets as they are shown ---- */

/* The url of the rule that knows it, for each that has none of its own. known: the rules, as
 * known_load takes them. */
void buckets_put_urls(const char *known, struct bucket_row *rows, size_t n, struct arena *arena);
/* All of the campaign in `dir`, whose store this is, so, in the order of their rank
 * (report/record.h); ops, text and url fit a line of a terminal. */
MUST_USE enum err buckets_read(struct store *store, const char *dir, const char *known,
                               struct arena *arena, struct bucket_row **rows, size_t *n);
/* What is said of those that buckets_offer holds back, and how to see them: a line without its
 * end. */
const char *buckets_waiting(size_t waiting, uint64_t max_open, const char *dir,
                            struct arena *arena);

/* ---- DIR/progress.csv ---- */

struct progress_file {
    const char *path;
    double next; /* elapsed seconds of the next line */
    bool failed; /* that was said */
};
/* A line of it, if it is time for one or the sitting's end. */
void progress_note(struct progress_file *file, const struct progress_point *now, bool is_end);
/* In order of time; *n is 0 where there is no file. */
MUST_USE enum err progress_read(const char *dir, struct arena *arena,
                                struct progress_point **points, size_t *n);

/* ---- what is said at the end ---- */

struct summary {
    const char *dir;
    const struct campaign_options *options;
    struct counts counts;
    const struct bucket_row *buckets; /* in the order of their rank */
    size_t n_buckets;
};
MUST_USE enum err summary_read(const char *dir, const struct campaign_options *options,
                               struct arena *arena, struct summary *summary);
size_t summary_new_buckets(const struct summary *summary);
void summary_print(const struct summary *summary, struct buffer *text);
/* The part above the buckets. */
void summary_print_work(const struct summary *summary, struct buffer *text);
/* Of these rows the new ones that are to be looked at, and how many more there are. */
void summary_print_new(const struct summary *summary, const struct bucket_row *rows, size_t n,
                       struct buffer *text);
void summary_json(const struct summary *summary, struct buffer *line);

#endif
