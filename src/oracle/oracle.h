/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle: judges one run. The reference is our own evaluator; its error bound is per element: c
 * times the largest deviation of K perturbed re-evaluations plus one rounding of the output's
 * dtype. A run is judged alone; other runs of the test are evidence for blame, never the bar.
 */
#ifndef OPJURY_ORACLE_H
#define OPJURY_ORACLE_H

#include "target/target.h"

#define VERDICT_MAP(X)                                                                             \
    X(PASS, "pass")                                                                                \
    X(FINDING, "finding")                                                                          \
    X(KNOWN, "known")                                                                              \
    X(UNSUPPORTED, "unsupported")                                                                  \
    X(UNJUDGED, "unjudged")                                                                        \
    X(FLAKY, "flaky")                                                                              \
    X(FILTERED, "filtered")                                                                        \
    X(NOT_EXERCISED, "not_exercised")

enum verdict_kind {
#define VERDICT_ENUM(name, text) VERDICT_##name,
    VERDICT_MAP(VERDICT_ENUM)
#undef VERDICT_ENUM
        VERDICT_COUNT,
};
extern const char *const verdict_names[VERDICT_COUNT];

/* ---- the reference of a test ---- */

/* How one output element may be compared. */
enum element_state {
    ELEMENT_COMPARED,
    ELEMENT_UNSTABLE,    /* the samples disagree: a legal implementation may give another value */
    ELEMENT_UNSPECIFIED, /* derives from what no specification defines */
};
/* One output. A run's element may lie in [min(declared, wide) - d, max(declared, wide) + d] where
 * d = c * deviation + one rounding of the dtype there (bound_at). */
struct expectation {
    enum dtype dtype;
    struct shape shape;
    size_t n;
    const real *declared;  /* every value rounded to its dtype */
    const real *wide;      /* no rounding between half-precision floats; == declared without them */
    const real *deviation; /* largest deviation of the K perturbed re-evaluations, less the last
                              rounding of a half; NULL: all 0 */
    const uint8_t *state;  /* enum element_state */
    bool is_exact;         /* no rounding on the way: elements must be equal */
    size_t n_unstable, n_unspecified;
};
/* Distance allowed outside [declared, wide] at element i, for multiplier c. */
real bound_at(const struct expectation *x, double c, size_t i);
/* Expected values as they are stored in the output's dtype, and how far from them (f64) a correct
 * result may lie, by bound_table.c. NaN: not compared; 0 of infinity or NaN: only their own class
 * will do. */
void expectation_tensors(const struct expectation *x, enum dtype stored, struct arena *arena,
                         struct tensor *expected, struct tensor *bound);

struct reference;
/* Evaluates the declared semantics now; bounds only when they are asked for. Memory: the test's
 * arena, as long as the test. seed decides the perturbations. */
struct reference *reference_new(const struct test *test, struct arena *arena);
/* By what the target claims: every declared rounding, or results of the dtypes that it computes in
 * (whose arrays are of those). It may be r itself. */
struct reference *reference_for(struct reference *r, const struct target *t);
/* Computes the bounds on first call. */
const struct expectation *reference_expectation(struct reference *r, uint32_t output);
/* Another K than bound_table's, for the curves; forgets bounds computed before. */
void reference_set_samples(struct reference *r, unsigned samples);
/* May a library refuse the program or die, for an undefined element (integer division by zero, an
 * index out of range)? */
bool reference_traps(struct reference *r);
/* The declared result that output o is. */
const struct array *reference_output(struct reference *r, uint32_t o);
/* The same where every subnormal of f32, f64 and bf16, of the inputs too, is 0. */
const struct array *reference_flushed(struct reference *r, uint32_t o);
/* All values' declared results by id (reduction records intermediates). */
const struct array *reference_values(struct reference *r);

/* ---- verdicts ---- */

struct verdict {
    enum verdict_kind kind;
    const char *oracle; /* name of the oracle that spoke: "value", "crash", ...; "" for a pass */
    const char *filter; /* FILTERED: the filter's name */
    const char *text;   /* one line: what is wrong */
    /* value oracle: the worst element */
    uint32_t output;
    size_t element;
    real expected, actual, bound;
    size_t n_wrong, n_compared, n_unstable, n_unspecified; /* over all outputs */
};

/* One oracle = one const struct in one file and a line in oracle_table; asked in order until one
 * speaks. */
struct judgement {
    const struct test *test;
    struct reference *reference;
    const struct target *target;
    const struct outcome *outcome;
    struct arena *arena;
};
struct oracle {
    const char *name;
    const char *summary;
    /* true: it has spoken, *verdict is set. */
    bool (*judge)(const struct judgement *j, struct verdict *verdict);
};
extern const struct oracle *const oracle_table[];
extern const size_t oracle_count;

void judge(const struct judgement *j, struct verdict *verdict);
/* A test's runs, run i on target i. What a run gives bit for bit as one before it on a target of
 * the same kind has that one's verdict. Then judge_suspects; returns how many changed there. */
size_t judge_runs(const struct test *test, struct reference *reference,
                  struct target *const *targets, const struct outcome *outcomes, size_t n,
                  struct arena *arena, struct verdict *verdicts);
/* Two outcomes of the same run must agree bit for bit; false and a text if not. */
bool outcomes_agree(const struct outcome *a, const struct outcome *b, struct arena *arena,
                    const char **text);

/* The smallest c under which the outcome's outputs would pass (0: equal; INFINITY: no c helps).
 * What the curves of `opjury bench bounds` are made of. ERR-free: outputs must have the declared
 * dtypes and shapes. */
double value_critical_c(struct reference *r, const struct outcome *o);

/* Where the reference differs and all independent libraries agree, the fault is ours: turns those
 * verdicts into filtered by "reference-suspect". verdicts[i] is target i's; returns how many
 * changed. */
size_t judge_suspects(struct target *const *targets, const struct outcome *outcomes, size_t n,
                      struct verdict *verdicts);

/*
 * K and c in one place. Chosen by the curves that `opjury bench bounds` prints: false alarms of
 * correct runs against recall of planted faults.
 */
struct bound_table {
    unsigned samples;       /* K: perturbed re-evaluations */
    unsigned draws;         /* of K samples each, before a run is called wrong */
    unsigned first_samples; /* of those, drawn first: most runs pass under them */
    double c;               /* multiplier of the largest deviation */
    double widen;           /* inputs of ops that jump move by this many deviations */
    int64_t cheap_steps;    /* f32 and f64 this close on their grid pass without a bound */
};
extern const struct bound_table bound_table;

#endif
