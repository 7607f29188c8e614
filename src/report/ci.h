/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ci: what a campaign found, held against a baseline of buckets that are accepted, in the forms
 * that other programs read: JUnit XML, SARIF 2.1.0, Markdown. Texts come from libraries: each form
 * writes any bytes so that they are text there and nothing else.
 */
#ifndef OPJURY_REPORT_CI_H
#define OPJURY_REPORT_CI_H

#include "report/counts.h"
#include "store/store.h"

/* ---- the baseline: a file that people read, edit and keep under version control ---- */

/*
 * A bucket has the key of its first finding; the same cause found by another op first has another.
 * So the file holds the keys of all its findings, and any of them tells it again.
 *
 * A line is such a key (control bytes as \xNN, '\' as '\\'); lines with '#' tell people
 * what fails, and stay with the key below them. Sorted by key, so that a change of it reads well.
 */
struct baseline_entry {
    const char *note; /* comment lines with their '#', "" if none */
    const char *key;
};
struct baseline {
    const char *head, *tail; /* comments before and behind all entries */
    size_t n;
    struct baseline_entry *entries; /* in order of key, each once */
};
/* ERR_MISSING: there is no such file; ERR_INPUT with the line. Memory: the arena's. */
MUST_USE enum err baseline_read(const char *path, struct arena *arena, struct baseline *baseline);
bool baseline_holds(const struct baseline *baseline, const char *key);
/* Nothing when it holds the key. `what` is for people; its line ends are lost. */
void baseline_add(struct baseline *baseline, const char *key, const char *what,
                  struct arena *arena);
MUST_USE enum err baseline_write(const char *path, const struct baseline *baseline);

/* ---- a campaign held against it ---- */

#define STANDING_MAP(X)                                                                            \
    X(OUTSIDE, "outside the baseline") /* new, and nobody has accepted it */                       \
    X(INSIDE, "in the baseline")                                                                   \
    X(KNOWN, "known") /* by a rule, the bucket's state, or the project's own tolerance */          \
    X(FLAKY, "did not repeat")

enum standing {
#define STANDING_ENUM(name, text) STANDING_##name,
    STANDING_MAP(STANDING_ENUM)
#undef STANDING_ENUM
        STANDING_COUNT,
};
extern const char *const standing_names[STANDING_COUNT];

struct ci_bucket {
    const struct bucket_row *row;
    struct texts keys; /* the bucket's, and those that its findings would have alone */
    enum standing standing;
    const char *library;
    const char *targets; /* with versions, without paths; one a line */
    const char *why;     /* KNOWN: the rule or state, and its url; else "" */
    const char *folder;  /* of its first finding that has one; NULL: none has */
    const char *program; /* the texts there, NULL where there is none */
    const char *verdicts;
};
struct ci_report {
    const char *dir;      /* of the campaign */
    const char *baseline; /* its file, NULL: none was given */
    const char *version;  /* of opjury */
    uint64_t seed;
    bool is_stopped; /* it was stopped before its end */
    const struct counts *counts;
    size_t n_buckets;
    const struct ci_bucket *buckets; /* in order of standing, then of rank */
    size_t n[STANDING_COUNT];
    size_t n_unseen; /* keys of the baseline that the campaign did not meet */
};
void junit_print(const struct ci_report *report, struct buffer *xml);
void sarif_print(const struct ci_report *report, struct buffer *json);
/* One line with one object, for `--json`. */
void ci_json_print(const struct ci_report *report, struct buffer *line);
void ci_summary_print(const struct ci_report *report, struct buffer *markdown);

#endif
