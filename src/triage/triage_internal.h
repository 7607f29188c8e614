/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of triage. */
#ifndef OPJURY_TRIAGE_INTERNAL_H
#define OPJURY_TRIAGE_INTERNAL_H

#include "triage/triage.h"

/* The first present input, NULL without any. */
const struct value *node_operand(const struct program *p, const struct node *node);
/* Its dtype, DTYPE_NONE without any. */
enum dtype node_dtype(const struct program *p, const struct node *node);
/* What a bucket's key says of a dtype: "half", "float", "int"; else its name. */
const char *dtype_class(enum dtype d);
/* Does node `to` read an output of node `from`? */
bool node_feeds(const struct program *p, uint32_t from, uint32_t to);

/* Is what was seen the failure of that signature? A wrong NaN may become a wrong infinity and that
 * a wrong number, which are simpler, but not the other way; in a library's message one word may be
 * another (alike.h): the name of the node that an optimizer made. */
bool same_failure(const char *signature, const char *seen);

/* Of an oracle or a signature: is a number wrong? */
bool is_value(const char *text);
/* Is a wrong number hardly beyond its bound, or far beyond it? What is wrong in any other way is
 * clear. The former never takes the place of the latter. */
bool failure_is_slight(const struct verdict *v);
bool failure_is_clear(const struct verdict *v);

/* The target with the fewest options with which `shows` still says true. */
typedef bool shows_on(void *context, const struct target *less);
const struct target *fewest_options(const struct target *t, shows_on *shows, void *context,
                                    struct arena *arena);

/* ---- stand-ins ---- */

/* A plain op: of one operand, which it gives back when asked twice, and nothing special about any
 * number. */
struct plain_op {
    const char *name;
    bool from_zero; /* its operand is the second one, behind a constant 0 */
};
enum { PLAIN_OPS = 4 };
extern const struct plain_op plain_ops[PLAIN_OPS]; /* the first is neg */
bool plain_takes(const struct plain_op *plain, enum dtype d);
/* The elements of which it makes these. */
void *plain_source(const struct plain_op *plain, const struct array *made, struct arena *arena);
bool is_plain(const struct node *node);

/* What stands in for a node. */
struct stand_in {
    uint32_t node;
    const struct plain_op *op; /* NULL: none; what the node gave is given */
    uint32_t operand;          /* value id; VALUE_ABSENT: a new input that holds `recorded` */
    void *recorded;            /* elements that give what the node gave */
    uint32_t result;           /* the one output of the node that anything reads */
};
/* The program so changed, its nodes not resolved; NULL: nothing is left to compute. Values keep
 * their names; *fresh: the name of the input that is new, NULL: none is. */
struct program *with_stand_in(const struct program *p, const struct stand_in *s, const char **fresh,
                              struct arena *arena);

/* ---- the reducer ---- */

struct form;

/*
 * Everything a tactic may use. `best` is the smallest test known to fail in the same way; it and
 * all that hangs on it changes when a try says true.
 */
struct reducer {
    const struct form *form;
    struct jury *jury;
    struct failure failure; /* its signature is that of best */
    struct test best;
    struct verdict verdict; /* of best */
    struct outcome outcome;
    struct arena *kept;    /* best */
    struct arena *spare;   /* the next best */
    struct arena *scratch; /* one try */
    struct arena *notes;   /* what a tactic remembers between tries; emptied before each tactic */
    struct arena *origin;  /* what lasts as long as the reduction */
    uint64_t *tried;       /* open-addressing set of hashes of tests, 0: free */
    size_t tried_capacity, n_tried;
    uint64_t unjudged; /* tried, but its run gave no answer; 0: none */
    unsigned runs, max_runs;
    void (*smaller)(const struct test *best, unsigned runs);
    bool is_clear; /* the failure is no matter of a bound that is a little too narrow */
    double cpu_start, cpu_limit;
    enum err err; /* of the jury; ends the reduction */

    /* Of graphs: the other shapes that best.before comes from, with all values; NULL: none are
     * needed. */
    const struct test *twin;
    const struct array *twin_values;
    struct reference *reference; /* of best; made when first asked for */
};

/* One way to make a test smaller. apply: did it make progress? Each has a measure that only falls,
 * so that all of them together end. */
struct tactic {
    const char *name;
    const char *summary;
    bool (*apply)(struct reducer *r);
};

/*
 * What a test consists of, and so how it becomes smaller: a graph today. The reducer itself knows
 * only that tests can be copied, told apart and run; a tactic makes a test of its form and asks
 * reduce_test.
 */
struct form {
    struct test (*clone)(const struct test *test, struct arena *arena);
    uint64_t (*hash)(const struct test *test); /* of all that a run may depend on; not 0 */
    /* Shows the failure once more (reduce_run), the plainest ways first; false: it does not show.
     */
    bool (*begin)(struct reducer *r);
    const struct tactic *const *tactics; /* round after round, in this order */
    size_t n_tactics;
    void (*end)(struct reducer *r); /* what is done once, when no tactic finds more */
};
extern const struct form form_graph;

/* Does the test, unless one like it was tried, fail in the same way? Then it is the new best. */
bool reduce_test(struct reducer *r, const struct test *test);
/* The same, tried or not. */
bool reduce_run(struct reducer *r, const struct test *test);
/* No more tries: a bound was hit, the user asked, or the jury failed. */
bool reduce_over(const struct reducer *r);

/* ---- graphs ---- */

/*
 * A graph to try: a program that may be changed in place, and the elements of its leaves (inputs
 * and constants) by value id; NULL for what nodes compute. All memory is the reducer's scratch.
 */
struct candidate {
    struct program *program;
    void **leaf;
};
/* A changeable copy of the best test. */
struct candidate candidate_new(struct reducer *r);
/* Without what no output needs. */
void candidate_prune(struct reducer *r, struct candidate *c);
/* It goes on as another program: what has a name that it had is as it was, constants that are new
 * hold what they hold, the input `fresh` (NULL: none) these elements. */
void candidate_become(struct reducer *r, struct candidate *c, struct program *p, const char *fresh,
                      void *elements);
/* Dtypes and shapes of computed values as they follow from the leaves and attributes; indices are
 * folded into what they index. false: they do not fit together. */
bool candidate_infer(struct reducer *r, struct candidate *c);
/* As a test, like the best one in all else. */
struct test candidate_test(struct reducer *r, const struct candidate *c);
/* Does the candidate hold together and fail in the same way? Then it is the new best. Whatever the
 * answer, the candidate's memory is gone. */
bool reduce_try(struct reducer *r, struct candidate *c);
/* Leaves and attributes of dtypes `from` get `to`, indices excepted, and all else follows. false:
 * nothing changed, or it does not fit together. */
bool candidate_retype(struct reducer *r, struct candidate *c, dtype_set from, enum dtype to);
/* The test so changed; NULL: there is none that holds together. */
const struct test *test_retyped(const struct test *test, dtype_set from, enum dtype to,
                                struct arena *arena);
struct reference *reducer_reference(struct reducer *r);
bool is_leaf(const struct value *v);
size_t value_bytes(const struct value *v);
/* Neither 1 nor 0, in which numbers end that say nothing. */
bool is_telling(enum dtype d, real v);

extern const struct tactic tactic_outputs, tactic_nodes, tactic_bypass, tactic_operands, tactic_ops,
    tactic_inputs, tactic_dims, tactic_attrs, tactic_values, tactic_rows, tactic_dtypes;

#endif
