/* SPDX-License-Identifier: Apache-2.0 */
/*
 * triage: from a failing run to one bucket with one small program. Recheck (is it real, does it
 * repeat), known-bug rules, reduction that keeps the *same* failure, signature of the reduced form.
 */
#ifndef OPJURY_TRIAGE_H
#define OPJURY_TRIAGE_H

#include "oracle/oracle.h"

struct failure;
struct reduction;

/* What stays the same while a program shrinks: oracle, error class and normalised message (numbers,
 * names and addresses out), crash signal and top frames; of a wrong value whether NaN or infinity
 * is in it. */
const char *failure_signature(const struct verdict *v, const struct outcome *o,
                              struct arena *arena);
/* What the failing output needs, names kept: other outputs of the program are not to blame. All of
 * it (p itself) where what failed is no output. */
const struct program *failing_slice(const struct program *p, const struct verdict *v,
                                    const struct outcome *o, struct arena *arena);
/* Numbers, quoted names, hex and paths replaced; at most 200 bytes. */
const char *normalise_message(const char *message, struct arena *arena);
/* The part of the message that says the reason, none of what varies in it: what a script looks for
 * in a library's text to tell that it is this error. */
const char *message_fragment(const char *message, struct arena *arena);
/* Key of the bucket: library, chain of the reduced program's ops but those that another op can
 * stand in for (stands_in: by node, NULL: none; with classes of dtypes where the signature has no
 * message and no frames), signature. */
const char *bucket_key(const struct program *reduced, const bool *stands_in, const struct target *t,
                       const char *signature, struct arena *arena);
/* The buckets that are there. */
struct older_buckets {
    const char *const *keys;
    size_t n;
    /* The reduced tests of one, which may be none. Asked only where they decide. Memory: `arena`.
     */
    enum err (*tests_of)(void *context, const char *key, struct arena *arena,
                         const struct test ***tests, size_t *n);
    void *context;
};
/* The same of a failure that was reduced, but where an older bucket has the cause: one that differs
 * in its one op alone, which fits in the place of ours, as ours in the place of it in a test of
 * that bucket, and both programs then fail in the same way; or in the class of its dtype alone, and
 * its test fails in our dtype too. Or of the same ops, refused or crashed in other words; or right
 * without the same optimizer, the one being told to the library in ops that the other has, too
 * (alike.h). A bucket without a test has nothing but its key. What
 * libraries write once for many ops (reductions of nothing, comparisons of integers) is one cause.
 */
MUST_USE enum err choose_bucket_key(struct jury *jury, const struct failure *f,
                                    const struct reduction *r, const struct older_buckets *older,
                                    struct arena *arena, const char **key);
/* "relu(f64) -> clip(f64)" */
const char *op_chain(const struct program *p, struct arena *arena);
bool chain_has_op(const char *chain, const char *op);

/* ---- known bugs ---- */
/* YAML: a list of rules {id, library, versions (optional list), ops (list: all must be there),
 * dtypes, ranks, read_again, oracle, message (POSIX extended regex), url, note}; known.yaml says
 * what each means. */
struct known_rules;
/* What `opjury known add` writes to; read with the shipped rules where it is there. */
#define KNOWN_FILE "out/known.yaml"
/* path NULL: the shipped rules and KNOWN_FILE's; "none": no rules. ERR_USAGE with the line. Memory:
 * the arena's. */
MUST_USE enum err known_load(const char *path, struct arena *arena, struct known_rules **rules);
/* From text; `name` is for messages. */
MUST_USE enum err known_parse(const char *name, const char *text, size_t size, struct arena *arena,
                              struct known_rules **rules);
/* A line a rule: id, library, ops, url. */
void known_list(const struct known_rules *rules, struct buffer *out);
/* Where the bug of the rule with this id is reported; NULL: there is no such rule. */
const char *known_url(const struct known_rules *rules, const char *id);
/* A failure that was reduced and is reported. */
struct known_report {
    const char *id;   /* of the rule */
    const char *key;  /* of its bucket: "LIBRARY | OPS | SIGNATURE" */
    dtype_set dtypes; /* in which findings of the bucket failed, beside those that its key names */
    const struct target *target;
    const struct verdict *verdict;
    const struct outcome *outcome;
    const char *url, *note; /* note NULL: none */
};
/* A rule that knows it, in YAML: of this library and version, with the ops of the bucket's key, the
 * classes of dtypes where the key has them, the oracle, and of the message what the signature has
 * of it: a wrong number is not a wrong NaN. */
const char *known_rule_for(const struct known_report *report, struct arena *arena);
/* Is there a rule of this id that names the op? */
bool known_names(const struct known_rules *rules, const char *id, const char *op);
/* The id of the first rule that matches, NULL if none. What of p the failing output does not need
 * matters only to rules with read_again: what is written over may be read anywhere. */
const char *known_match(const struct known_rules *rules, const struct target *t,
                        const struct program *p, const struct verdict *v, const struct outcome *o,
                        struct arena *arena);

/* ---- recheck and reduce ---- */
struct failure {
    size_t target; /* index in the jury */
    const struct target *what;
    const struct test *test;
    struct verdict verdict;
    struct outcome outcome;
    const char *signature;
    const char *rule; /* that knows it; NULL: none, or nobody has asked */
    /* Another version of the library, in the place `passes_slot` of the jury, where the test must
     * pass: else it is another failure. NULL: none. */
    const struct target *passes_in;
    size_t passes_slot;
    /* Rechecks made, how many showed the same signature, and how many passed. */
    unsigned runs, repeats, passes;
    /* What the last of those showed that neither showed it nor passed; NULL: there was none. */
    const char *other;
    enum verdict_kind other_kind; /* FINDING: it fails in another way; else it cannot be judged */
};
/* A failure of determinism is none of a single run: the run is compared with a second one. */
bool shows_chance(const struct failure *f);
/* Run `test` once in a fresh worker of the failure's target and judge it. *same: the same failure
 * as f's. What fails without the part of the target that is under test too (target_kind.without), or
 * is right with another runtime (target_kind.instead), is FILTERED. Memory of outcome and verdict: `arena`. */
MUST_USE enum err failure_shows(struct jury *jury, const struct failure *f, const struct test *test,
                                struct arena *arena, struct outcome *outcome,
                                struct verdict *verdict, bool *same);
/* Run again in fresh workers; fills runs / repeats / passes. */
MUST_USE enum err recheck(struct jury *jury, struct failure *f, unsigned times,
                          struct arena *arena);
/* Is it real? The one rule for all who call a failure new: it shows in each of two fresh runs; one
 * that shows by chance, in one of four. Fills runs / repeats / passes. */
MUST_USE enum err failure_repeats(struct jury *jury, struct failure *f, struct arena *arena,
                                  bool *yes);

/* Leaves the options of f's target out that `draws` drew and the failure does not need; outcome and
 * verdict are then what the test gives so. Not of hangs. Memory: `arena`. */
MUST_USE enum err failure_drop_options(struct jury *jury, struct failure *f,
                                       const struct target *draws, struct arena *arena);

/* A look at a failure in another configuration. */
struct recheck_try {
    const char *kind, *what;   /* "threads", "threads=4"; "version", "1.31.1" */
    enum verdict_kind verdict; /* FINDING: the same failure; PASS; UNSUPPORTED; UNJUDGED: it is
                                  another one, or not always */
};
/* Remembers where each target's library is newest. All given outlives it. */
struct elsewhere;
struct elsewhere *elsewhere_new(struct jury *jury, struct target *const *targets, size_t n);
void elsewhere_close(struct elsewhere *e);       /* NULL is fine */
double elsewhere_cpu(const struct elsewhere *e); /* seconds of workers that are not the jury's */
/* With another thread count, then in the newest version installed, where the target has threads and
 * there is a newer one than its own. Texts: the arena's. */
enum { ELSEWHERE_MAX = 2 };
MUST_USE enum err elsewhere_run(struct elsewhere *e, const struct failure *f, struct arena *arena,
                                struct recheck_try tries[ELSEWHERE_MAX], size_t *n);

/* The same of the form that it was reduced to. Nothing is told once the user asked to stop. */
MUST_USE enum err elsewhere_reduced(struct elsewhere *e, const struct failure *f,
                                    const struct reduction *r, struct arena *arena,
                                    struct recheck_try tries[ELSEWHERE_MAX], size_t *n);

struct reduction {
    double cpu_limit; /* seconds of engine + worker CPU; stops at the best so far */
    unsigned max_runs;
    /* NULL, or told of each smaller test. */
    void (*smaller)(const struct test *best, unsigned runs);
    /* Where an unfinished reduction of the test with hash tried_of goes on: hashes of what was
     * tried before, and then of all that was, with the result's hash. Of another test they say
     * nothing. */
    uint64_t tried_of;
    const uint64_t *tried;
    size_t n_tried;
    /* results */
    const struct test *test; /* smallest that shows the same signature */
    const char *target;      /* the failure's, with the fewest options that show it */
    struct verdict verdict;
    struct outcome outcome;
    unsigned runs;
    double cpu;
    bool reproduced; /* false: it did not fail when run again; the test is as it was */
    bool complete;   /* no tactic made progress any more, nor the search for the cause */
    /* Of reduce_to_cause, by node of test->program: another op can stand in for it, and the failure
     * stays. NULL: for none. */
    const bool *stands_in;
};
/* The failure in the form that it was reduced to, of f's signature, which is that form's. */
struct failure failure_reduced(const struct failure *f, const struct reduction *r);
/* Deterministic. Memory of the result: `arena`. ERR_STOPPED: by the user; the result is the best so
 * far. */
MUST_USE enum err reduce(struct jury *jury, const struct failure *f, struct reduction *r,
                         struct arena *arena);
/* The same, then on to the form of the cause (cause.c): the result may be another failure, which
 * is behind this one, and has another signature. */
MUST_USE enum err reduce_to_cause(struct jury *jury, const struct failure *f, struct reduction *r,
                                  struct arena *arena);
/* What a campaign gives one finding: most need 15 to 70 runs, well below a second; what is stubborn
 * must not take the others' turn. */
struct reduce_bounds {
    double cpu;      /* seconds */
    double cpu_most; /* where there is plenty: as long as so many runs take */
    unsigned runs;
};
extern const struct reduce_bounds reduce_bounds;
/* The test of some nodes only, keep[node]: what the others computed becomes inputs that hold what
 * the reference (of `test`) recorded. NULL: nothing is left to compute. Memory: `arena`. */
const struct test *test_of_nodes(const struct test *test, struct reference *reference,
                                 const bool *keep, struct arena *arena);

/* ---- blame ---- */

/* One variation of the failing target, and what it showed. */
struct blame_try {
    /* "level", "optimizer", "subsystem", "threads", "layout", "dtype", "version" */
    const char *kind;
    /* "opt=basic", "FuseReluClip" (run without it), "skip=lowerings", "threads=4", "f32", "1.20.1"
     */
    const char *what;
    const char *target;        /* its text without a path */
    enum verdict_kind verdict; /* PASS, FINDING, UNSUPPORTED or UNJUDGED */
    const char *text;          /* the verdict's; of another failure it begins with these words */
};
struct blame_request {
    const struct target *target;   /* the failing one, parsed */
    const struct failure *failure; /* its test, verdict.oracle and signature */
    struct texts versions;         /* releases of the library to try, from its package index */
    const struct blame *earlier;   /* a run that was stopped: what it tried in this version is not
                                      tried again; NULL: none */
    /* Called with each try as it ends; NULL: not. */
    void (*tried)(const struct blame_try *try, void *context);
    void *context;
};
struct blame {
    bool reproduced;       /* false: the failure does not show any more; nothing was tried */
    const char *component; /* what is guilty: "optimizer FuseReluClip", "optimizer A or B" (right
                              without any one), "optimizers A+B" (without both), "lowering amin",
                              "opt>=basic"; NULL: nothing that was tried */
    const char *text;      /* for people, a paragraph */
    const char *version;   /* of the library that was run */
    const char *first_bad, *last_good; /* of the versions that were tried; NULL: not known */
    struct blame_try *tries;
    size_t n_tries;
    bool complete; /* false: it was stopped, and `earlier` of another request takes this up */
};
/* Runs the test in variations of the target. Memory of the result: `arena`. ERR_STOPPED: the user
 * asked to stop; what was tried is in the result. */
MUST_USE enum err blame(const struct blame_request *request, struct arena *arena,
                        struct blame *result);

#endif
