/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of blame. */
#ifndef OPJURY_BLAME_INTERNAL_H
#define OPJURY_BLAME_INTERNAL_H

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* What a variation showed. */
enum answer {
    ANSWER_GOES,  /* it passes: the failure went away */
    ANSWER_SHOWS, /* the same failure */
    ANSWER_OTHER, /* another one */
    ANSWER_NONE,  /* it cannot be run there, or not judged */
};

/* Everything an ablation may use. */
struct blamer {
    const struct blame_request *request;
    struct arena *arena;          /* of the results */
    struct arena *scratch;        /* of one run */
    struct arena *options;        /* of the variation under way: a set of names may be large */
    const struct target *culprit; /* the failing target */
    struct target *slot;          /* the jury's: each variation takes its place */
    struct jury *jury;
    struct failure failure;
    struct onnx_version onnx; /* what the culprit takes */
    unsigned looks; /* so many passes in a row are needed to say that the failure is gone */
    struct blame *result;
    struct buffer text;   /* the paragraph */
    const char *level;    /* options of the lowest level that shows it; NULL: the culprit's own */
    bool level_is_guilty; /* the one below it does not */
};

/* The test on a variation of the culprit: "" for itself, else options that replace its own. */
struct variation {
    const char *kind, *what; /* as struct blame_try has them; what NULL: not worth a line */
    const char *options;
    const struct test *test; /* NULL: the finding's own */
    bool by_oracle;          /* messages and frames may differ: its oracle is what it is known by */
};
/* Runs it, and adds it to the tries. */
MUST_USE enum err blame_run(struct blamer *b, const struct variation *v, enum answer *answer);
/* Adds a try that could not be run. */
void blame_note(struct blamer *b, const char *kind, const char *what, const char *target,
                enum verdict_kind verdict, const char *text);
/* The guilty one, unless one was named before: ablations are in the order of what tells most. */
void blame_component(struct blamer *b, const char *component);
/* A sentence of the paragraph. */
void blame_say(struct blamer *b, const char *format, ...) PRINTF_LIKE(2, 3);
/* "a", "a and b", "a, b and c" (last: " and ", " or "); "" without any. */
const char *blame_list(const struct texts *texts, const char *last, struct arena *arena);
/* Open a jury for `target`, a copy of which becomes b's slot, in place of the one before. */
MUST_USE enum err blame_open(struct blamer *b, const struct target *target);

/* One kind of variations: the only thing to write to add one is such a struct and a line in
 * blame.c's table. */
struct ablation {
    const char *kind; /* as it stands in blame.json */
    bool (*applies)(const struct blamer *b);
    enum err (*apply)(struct blamer *b);
};
extern const struct ablation ablation_level, ablation_optimizer, ablation_subsystem,
    ablation_threads, ablation_layout, ablation_dtype, ablation_version;

/* ---- blame_version.c ---- */

/* Of versions in their order, judged (SHOWS or GOES): the first of the last ones in a row that show
 * it, and the one before it. NULL: there is none. */
void version_span(const char *const *versions, const enum answer *answers, size_t n,
                  const char **first_bad, const char **last_good);

/* ---- blame_names.c: which optimizers there are ---- */

/* What the log of a traced run says. Texts: the arena's. */
struct trace {
    struct texts ran;     /* optimizers, in their order */
    struct texts changed; /* those of them that changed the program; one that failed is the last */
    const char *open;    /* the one that began last and has not ended; NULL: it has, or the log does
                            not say when one begins */
    bool is_cut;         /* the library failed or died while it made the session */
    const char *library; /* its file; NULL: not said */
};
struct trace trace_read(const char *log, struct arena *arena);
/* Runs the test with `trace` added to the options of `as`, which takes the place of the jury's
 * target. */
MUST_USE enum err trace_run(struct jury *jury, size_t target, const struct target *as,
                            const struct test *test, struct arena *arena, struct trace *trace);
/* Does it apply rewrite rules, which have names of their own that no log says? */
bool applies_rules(const char *optimizer);
/* Every string of the file that may be the name of an optimizer, sorted, each once. */
MUST_USE enum err library_names(const char *path, struct arena *arena, struct texts *names);

/* A smallest part of `names` that makes `goes` true; that of all of them must be. "Smallest": it is
 * true of no part without one of them. Delta debugging: A. Zeller and R. Hildebrandt, Simplifying
 * and Isolating Failure-Inducing Input, 2002. `names` becomes that part. */
typedef enum err (*names_predicate)(void *context, const struct texts *names, bool *goes);
MUST_USE enum err names_minimise(struct texts *names, names_predicate goes, void *context,
                                 struct arena *arena);

#endif
