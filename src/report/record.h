/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: one finding as data, read from its folder, from which every report is made (record_read),
 * and the order in which findings are worth looking at (rank). Reading runs no library. All
 * memory is the arena's; a text that is not there is NULL where this says so, else "".
 */
#ifndef OPJURY_RECORD_H
#define OPJURY_RECORD_H

#include "report/report.h"
#include "store/store.h"

/* ---- how bad: the first is the worst ---- */

/* A result nobody can see is wrong does more harm than a process that ends; of refusals and
 * slowness the user learns at once. */
#define SEVERITY_MAP(X)                                                                            \
    X(WRONG, "silent wrong result") /* value, shape, dtype, count, determinism, side effects */    \
    X(CRASH, "crash")               /* a signal, an exit */                                        \
    X(GRADIENT, "wrong gradient")   /* */                                                          \
    X(REFUSED, "refused")           /* an error on a valid program */                              \
    X(SLOW, "slow or hanging")      /* no answer in time */
enum severity {
#define SEVERITY_ENUM(name, text) SEVERITY_##name,
    SEVERITY_MAP(SEVERITY_ENUM)
#undef SEVERITY_ENUM
        SEVERITY_COUNT,
};
extern const char *const severity_names[SEVERITY_COUNT];
/* Of an oracle's name. One that is not known is as bad as the worst. */
enum severity severity_of(const char *oracle);

/* ---- the record ---- */

/* A row of the verdict table. */
struct record_run {
    const char *target, *library, *version, *verdict, *oracle, *text;
    /* The worst element of a wrong value: "y[1,0]", and numbers as text; NULL: none is told. */
    const char *place, *expected, *actual, *bound;
    uint64_t n_wrong, n_compared, n_unstable, n_unspecified;
    const char *phase, *error_class, *message; /* of an error; NULL */
    int signal, exit_status;                   /* of a crash */
    struct texts frames;                       /* of a crash, innermost first */
    struct texts modules; /* "module: build id", of those that frames name; none in older folders */
    /* As in struct outcome; NULL where there is none, and in older folders. */
    const char *address, *fault, *python_frame, *assertion, *log;
};
/* What was tried to make it go away (blame.json). */
struct record_trial {
    const char *kind, *what, *target, *verdict, *text;
};
struct record_library {
    const char *name, *version;
    const char *python; /* "CPython 3.11.2"; NULL: not known, or none */
};
/* What speaks for a program and inputs that somebody may have; each that holds counts. */
#define REALISM_MAP(X)                                                                             \
    X(public_api, "public API only")                                                               \
    X(finite_inputs, "finite inputs and constants")                                                \
    X(ordinary_magnitudes, "ordinary magnitudes")                                                  \
    X(plain_shapes, "plain shapes (no dim of 0, at most 4 dims)")                                  \
    X(valid, "valid by the specification")
struct realism {
#define REALISM_FIELD(name, text) bool name;
    REALISM_MAP(REALISM_FIELD)
#undef REALISM_FIELD
};
enum { REALISM_COUNT = 5 };

/* PyTorch's rule for reports of fuzzers: would torch._dynamo.utils.same call it different? */
struct torch_rule {
    bool applies; /* the finding is of torch's values */
    bool passes;
    const char *text; /* one sentence with its numbers; "" when it does not apply */
};

struct output_values; /* record_internal.h */
struct record {
    const char *folder;
    const char *title; /* judgement.md's heading; without one, what is guilty of what, short */
    const char *fault; /* "onnxruntime 1.31.1: clip(i64): wrong result: 1 expected, ..." */
    enum severity severity;
    bool is_titled; /* the title is judgement.md's, which people write in Markdown */
    const char *library, *version, *target, *oracle, *signature, *ops;

    const struct test *test; /* the program and its inputs, reduced */
    const char *program;     /* program.txt, with its comments */
    const char *script;      /* the smallest script that shows it; NULL: no library runs it */
    const char *needs;       /* packages of the script: "numpy, torch"; NULL without one */
    const char *repro;       /* repro.py, which judges by itself; NULL: the folder has none */

    size_t n_runs; /* the verdict table */
    const struct record_run *runs;
    const struct record_run *culprit;    /* of runs */
    const struct output_values *outputs; /* of the program, in order; NULL: no expected.npz */
    /* Over the elements that are compared; NaN: there are no numbers. relative: to the expected
     * value, where that is not 0. times: error by bound, infinite where the bound is 0 or one of
     * the two is no number. */
    double max_abs, max_rel, times;

    unsigned repeats, rechecks; /* k of n fresh runs showed it */
    size_t n_elsewhere;         /* other configurations in which the campaign ran it */
    const struct record_trial *elsewhere;
    const char *gone_in; /* the newest version installed, which does not show it; NULL */
    bool is_reduced;     /* it is smaller than what was found, or cannot be made smaller */
    size_t nodes_before, elements_before, nodes_after, elements_after; /* all 0: not tried */

    bool is_blamed;                    /* there is a blame.json */
    const char *component;             /* the guilty one; NULL: none was found */
    const char *blame_text;            /* what blame says in a sentence; NULL */
    const char *blame_version;         /* of the library, in which that was found; NULL */
    const char *first_bad, *last_good; /* versions; NULL */
    size_t n_trials;
    const struct record_trial *trials;

    const char *opjury, *system, *kernel, *architecture, *cpu; /* of the machine */
    const char *os, *libc, *isa;                               /* "" in folders of older versions */
    size_t n_libraries;
    const struct record_library *libraries; /* those of the table, each once; the culprit's first */
    struct texts variables; /* "MALLOC_PERTURB_=65": to be set, or it may not show */
    bool is_unwritten;      /* an output holds memory that was never written */

    const char *seed, *inputs, *placement;
    uint64_t test_index;

    const char *judgement; /* judgement.md; NULL */
    const char
        *known_issue; /* what judgement.md says behind "Reported:", else the bucket's url; NULL */
    struct realism realism;
    struct torch_rule torch_rule;

    /* Of the campaign that it is in; 0 and NULL when only a folder is known. */
    uint64_t id, bucket_size;
    const char *bucket, *state; /* BUCKET_TOLERATED for "new", as rank_buckets has it */
};
/* ERR_MISSING, ERR_INPUT: what of the folder is not there or broken, in one line. */
MUST_USE enum err record_read(const char *folder, struct arena *arena, struct record **record);
/* The same for a row of the campaign in `dir`, with what the store knows of it and its bucket.
 * ERR_MISSING when the row has no folder. */
MUST_USE enum err record_of_row(const char *dir, const struct finding_row *row,
                                const struct bucket_row *bucket, struct arena *arena,
                                struct record **record);
/* The state in which a new bucket is shown when its project's own check lets it pass (torch_rule):
 * `opjury report` would refuse it, so nobody is told that there is something to do. */
#define BUCKET_TOLERATED "tolerated"
/* Gives the bucket that state, and a note why, where it is the record's. */
void record_tolerate(const struct record *record, struct bucket_row *bucket, struct arena *arena);
unsigned realism_count(const struct realism *r);

/* ---- the order ---- */

/*
 * What the project's own check does not let pass; what the newest version installed still shows, or
 * was not asked; worst severity first; then the more of REALISM_MAP holds; then the larger error
 * against the bound, by whole powers of ten (no number counts as none: what is no value says
 * nothing); then the larger bucket; then what was found first.
 */
struct rank {
    enum severity severity;
    unsigned realism;
    double times;
    uint64_t bucket_size, id;
    bool is_gone, is_tolerated;
};
/* < 0: a comes first. */
int rank_compare(const struct rank *a, const struct rank *b);
struct rank record_rank(const struct record *record);
/* Puts the buckets of the campaign in `dir` into this order. New ones that are BUCKET_TOLERATED get
 * that state, and a note why. What a bucket's folders do not tell
 * (none is there, or it is broken) counts as not realistic. */
MUST_USE enum err rank_buckets(struct store *store, const char *dir, struct arena *arena,
                               struct bucket_row *buckets, size_t n);

#endif
