/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: a campaign on disk, DIR/campaign.db (SQLite, WAL, STRICT tables). Rows: the campaign's
 * settings, immutable policies, blocks of 256 test indices with their counts, findings, buckets.
 * Several engine processes share one file. What is committed survives kill -9 at any moment; a
 * block that was not committed is run again and counted once.
 */
#ifndef OPJURY_STORE_H
#define OPJURY_STORE_H

#include "program/program.h"

enum { BLOCK_TESTS = 256, EPOCH_TESTS = 4096 };

struct store;
/* ERR_STORE: busy, corrupt, disk full, newer schema: text says which and what to do. create: make
 * DIR and the file when missing; without it ERR_MISSING. Not to be used across fork: each process
 * opens its own. */
MUST_USE enum err store_open(const char *dir, bool create, struct store **store);
void store_close(struct store *store); /* NULL is fine */
/* Of the processes that use this campaign only one is between these two, for what takes longer than
 * a transaction may. One that dies there leaves it. */
MUST_USE enum err store_enter(struct store *store);
void store_leave(struct store *store);

/* The settings that make a campaign what it is. A store that holds other ones: ERR_USAGE names the
 * difference. First call on an empty store records them. */
struct campaign_key {
    uint64_t seed;
    const char *targets; /* canonical texts with versions, one a line */
    const char *policy;  /* policy text */
    uint64_t policy_hash;
};
MUST_USE enum err store_bind(struct store *store, const struct campaign_key *key);
/* The recorded settings; *bound false when there are none yet. */
MUST_USE enum err store_key(struct store *store, struct arena *arena, struct campaign_key *key,
                            bool *bound);

/* ---- policies by epoch ---- */
/* Epoch e's policy row: the stored one, else the text `made`, stored by whoever is first. The
 * caller makes it from the counts of complete epochs <= e - 2 only. made NULL: *policy is NULL when
 * there is none. */
MUST_USE enum err store_policy(struct store *store, uint64_t epoch, const char *made,
                               struct arena *arena, const char **policy);

/* ---- blocks ---- */
struct block {
    uint64_t number;
    uint64_t first, end; /* test indices still to run: first .. end-1 */
};
/* Claim the next block with work below `tests` (0: no limit); false in *got when none is left. A
 * block whose claimer is dead (pid, its start time, boot) is free again. */
MUST_USE enum err store_claim(struct store *store, uint64_t tests, struct block *block, bool *got);
/* Tests first .. done-1 of the claimed block are counted: counts (JSON object of numbers, nested
 * one level) are added to the campaign's totals in the same transaction. done == end releases it as
 * complete, less leaves it open for later: the claim ends either way. */
MUST_USE enum err store_commit(struct store *store, const struct block *block, uint64_t done,
                               const char *counts_json);
/* Are all of the first `tests`, a whole number of blocks, done? */
MUST_USE enum err store_complete(struct store *store, uint64_t tests, bool *complete);
/* Sum of all committed counts; '{}' when none. tests: how many indices are done. */
MUST_USE enum err store_totals(struct store *store, struct arena *arena, const char **counts_json,
                               uint64_t *tests);

/* ---- findings and buckets ---- */
struct finding_row {
    uint64_t id;
    uint64_t test_index;
    const char *target, *scenario, *oracle; /* oracle: that found it */
    const char *signature, *text;           /* of the reduced program, as its ops */
    const char *ops;                        /* op chain of the reduced program */
    const char *state;                      /* "new", "known", "flaky" */
    const char *bucket;                     /* key of its bucket */
    const char *folder;                     /* relative to DIR and in it; "": none */
    const char *json;                       /* all else, for programs */
};
/* One row a (test_index, target, scenario, oracle): adding again updates it. *id is set. Texts that
 * are NULL are stored as ""; row->id is not read. A finding that is new in a bucket that is marked
 * "fixed" takes that mark away. */
MUST_USE enum err store_add_finding(struct store *store, const struct finding_row *row,
                                    uint64_t *id);
MUST_USE enum err store_findings(struct store *store, struct arena *arena,
                                 struct finding_row **rows, size_t *n);
/* Those with higher ids, and those of a bucket that have folders; in order of id too. */
MUST_USE enum err store_findings_since(struct store *store, uint64_t id, struct arena *arena,
                                       struct finding_row **rows, size_t *n);
MUST_USE enum err store_bucket_folders(struct store *store, const char *key, struct arena *arena,
                                       struct finding_row **rows, size_t *n);
/* Those of bucket `from` with this signature and these ops go to bucket `to`, in that state; their
 * json says "joined": "look". Fine where there are none. */
MUST_USE enum err store_move_findings(struct store *store, const char *from, const char *signature,
                                      const char *ops, const char *to, const char *state);
/* Two buckets that have one cause become one: all findings of `from` go to bucket `to`. What people
 * said of `from` is said of it where nothing was, but "fixed". */
MUST_USE enum err store_merge_buckets(struct store *store, const char *from, const char *to);
/* Made of its findings: ops, text and oracle (which the signature begins with) are those of the
 * first that was reduced, or of the first; targets one a line; state "new" if any finding is new,
 * else "known" if any is, else "flaky"; in place of "new" what it is marked as. */
struct bucket_row {
    uint64_t id;
    const char *key, *oracle, *ops, *targets, *state, *text, *url;
    const char *note; /* "": what its folders say of it (rank_buckets) */
    uint64_t first_finding, n_findings;
};
/* In order of id, which is the order of first sight. */
MUST_USE enum err store_buckets(struct store *store, struct arena *arena, struct bucket_row **rows,
                                size_t *n);
/* What people say of a bucket: "reported" (it waits for its maintainers), "fixed" (it does not show
 * in a newer version), "wontfix"; "" takes it back. url NULL: as it was. */
MUST_USE enum err store_mark_bucket(struct store *store, const char *key, const char *state,
                                    const char *url);
/* Which new buckets to show: of each library the first, as long as with those that are reported
 * they are no more than max_open (0: no limit). A project that gets more than it mends stops to
 * look: NeuRI kept 15 open reports a project. offered[n]; returns how many wait. */
#define MAX_OPEN 15
size_t buckets_offer(const struct bucket_row *rows, size_t n, uint64_t max_open, bool *offered);
/* Has this bucket key been seen? *id 0 if not. */
MUST_USE enum err store_find_bucket(struct store *store, const char *key, uint64_t *id);

#endif
