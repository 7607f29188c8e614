/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: tests from (campaign seed, index, policy). The same three give the same bytes on every
 * machine: all chance comes from rng streams split by labels, no libm decides anything.
 */
#ifndef OPJURY_GENERATE_H
#define OPJURY_GENERATE_H

#include "spell/spell.h"

enum { OP_WEIGHTS_MAX = 256, MOTIF_WEIGHTS_MAX = 128 };

/* What can be said / run: bit per dtype of the op's FIRST input slot and first output slot. */
struct support {
    /* op_table order; [op][in dtype] is the set of output dtypes that work. */
    dtype_set (*pairs)[DTYPE_COUNT];
};

/* A way to make graphs. What is made of them (data, pairs of shapes, tests) is the same for all. */
struct graph;
struct policy;
struct learner;
struct chain;
struct source;
struct generator {
    const char *name, *summary;
    /* Of policy->nodes ops, valid, within the policy's limits. is_clean: all values should be
     * finite, as far as the generator cares. Inputs that make it so are searched for when the
     * graph is_unproven. One that is_outside may fail: no program, and err_text says why.
     * (generate_internal.h) */
    struct graph (*make)(const struct policy *policy, bool is_clean, struct rng rng,
                         struct arena *arena);
    const struct learner *learner; /* in place of `make`: by what the tests before it hold */
    bool needs_seeds;              /* makes its graphs, of any number of ops, from the policy's */
    bool is_outside;               /* graphs, of any number of ops, come from another program */
};
extern const struct generator generators[]; /* the first is ours */
extern const size_t generator_count;
/* ERR_USAGE: there is none of that name; the message has them all. */
MUST_USE enum err generator_find(const char *name, const struct generator **generator);

/* The plain numbers of a policy: key, smallest, largest. */
#define POLICY_NUMBERS(X)                                                                          \
    X(nodes, 1, 1000000)        /* catalogue ops per program */                                    \
    X(numel_max, 1, 1 << 24)    /* of any tensor, weights too */                                   \
    X(dim_max, 1, 1 << 24)      /* of a new input's or weight's dim */                             \
    X(work_max, 1, 1 << 30)     /* multiply-adds of one node */                                    \
    X(one_percent, 0, 100)      /* a new dim is 1 for no other reason */                           \
    X(empty_percent, 0, 100)    /* programs in which dims may be 0 */                              \
    X(zero_percent, 0, 100)     /* a new dim of those is 0 */                                      \
    X(clean_percent, 0, 100)    /* inputs drawn `clean`; the rest `special` */                     \
    X(unproven_percent, 0, 100) /* clean: keep an op that ranges cannot clear of NaN and Inf */    \
    X(undefined_percent, 0,                                                                        \
      100)                   /* clean: the same of integers that may be undefined, and indices */  \
    X(dead_percent, 0, 100)  /* keep an op whose result is known to be constant */                 \
    X(twin_percent, 0, 100)  /* keep an op that takes one value twice */                           \
    X(reuse_percent, 0, 100) /* an op's input is an existing value rather than a new one */        \
    X(backward_percent, 0, 100) /* an op is made to produce an input or constant that is there */  \
    X(constant_percent, 0, 100) /* a new value is a constant rather than an input */               \
    X(weight_percent, 0, 100)   /* the same where the op declares constant_likely */               \
    X(intermediate_percent, 0, 100) /* a consumed value is an output too */                        \
    X(usual_percent, 0, 100)        /* a real attribute is a library's default */                  \
    X(large_percent, 0, 100)        /* programs with tensors to numel_max; else to a quarter */    \
    X(union_percent, 0, 100)        /* programs that may use what only some targets support */     \
    X(theme_percent, 0, 100)        /* programs mostly of one dtype, any with the same chance */   \
    X(motif_percent, 0, 100)        /* instead of one op a motif: what optimisers look for */      \
    X(dynamic_percent, 0, 100)      /* pairs of tests 2k, 2k + 1: one program at two shapes */     \
    X(opset, 1, 1000)

/*
 * All limits and distributions of the generator: data, no numbers in the code. Immutable once a
 * campaign has stored it; its text form (policy_print) says all of it.
 */
struct policy {
    char name[32];
#define POLICY_FIELD(key, lo, hi) uint32_t key;
    POLICY_NUMBERS(POLICY_FIELD)
#undef POLICY_FIELD
    uint32_t rank_weight[RANK_MAX + 1]; /* beyond the last rank with a weight there is no tensor */
    uint32_t dtype_weight[DTYPE_COUNT];
    uint32_t op_weight[OP_WEIGHTS_MAX];       /* op_table order */
    uint32_t motif_weight[MOTIF_WEIGHTS_MAX]; /* motif_table order */
    struct support all; /* supported by every target: what most programs use */
    struct support any; /* by at least one */
    const struct generator *generator;
    const char *seeds; /* folder of models to start from; NULL: none, or generator_open's */
    uint64_t seeds_hash;
    size_t n_seeds;
    const struct program **seed;
    struct chain
        *chain; /* what its generator remembers of the tests before; no result hangs on it */
    struct source *source; /* generator_open's: the program that makes the graphs */
};
/* One of the policies made in, default, clean and nnsmith39 (policy.c says what they are for)? */
bool policy_is_builtin(const char *name);
/* name: one of those or a file's path. Text: `key = value` lines, '#' comments; what a file does
 * not name is as in the default. ERR_USAGE with the line. */
MUST_USE enum err policy_load(const char *name, struct arena *arena, struct policy **policy);
/* The same from text; `name` is for messages. */
MUST_USE enum err policy_parse(const char *name, const char *text, struct arena *arena,
                               struct policy **policy);
/* The same with lines of a policy's text that change it. It shares what `policy` opened and must
 * not outlive it. */
MUST_USE enum err policy_changed(const struct policy *policy, const char *lines,
                                 struct arena *arena, const struct policy **changed);
/* Take from both tables what ONNX cannot say at that opset: for models that are to be written. */
void policy_at_opset(struct policy *policy, uint32_t opset);
/* The baseline, when no target's table is at hand: what ONNX can say at that opset, and in most
 * programs torch too. */
void policy_without_targets(struct policy *policy, uint32_t opset);
/* What a campaign on ONNX Runtime and torch has, as far as spellings tell without asking the
 * libraries: the one table what both can say, the other what either can. */
void policy_of_libraries(struct policy *policy, uint32_t opset);
/* The models (.onnx, program texts) of a folder and those in it to start from; those that cannot be
 * read or go beyond the policy's limits are left out with a warning. ERR_INPUT: none is left. */
MUST_USE enum err policy_seeds(struct policy *policy, const char *dir, struct arena *arena);
/*
 * Before the first test and policy_hash, when all else of the policy is known: what its generator
 * needs. Models to start from, where it has none, are those that the build made with the onnx
 * package; a program that makes its graphs is started. ERR_USAGE: there are none; ERR_MISSING: it
 * is not installed. A policy that was opened is to be closed, by the same process.
 */
MUST_USE enum err generator_open(struct policy *policy, struct arena *arena);
/* The policy of the campaign in the folder dir, opened: from its text and policy_hash. ERR_STORE:
 * it is another one by now: the campaign is of another version of opjury, or of other seed models.
 */
MUST_USE enum err generator_open_again(const char *dir, const char *text, uint64_t hash,
                                       struct arena *arena, struct policy **policy);
double generator_cpu(const struct policy *policy); /* seconds of its other processes so far */
/* Models of another program that were no tests so far. */
uint64_t generator_left_out(const struct policy *policy);
/* One line on the log, if there is anything to say: how many of its models are no tests, and why.
 */
void generator_say_left_out(const struct policy *policy);
void generator_close(struct policy *policy); /* fine on one that was not opened */
/* Can programs be made with it? ERR_USAGE if not: to be asked again after a change of its tables.
 */
MUST_USE enum err policy_check(const struct policy *policy);
void policy_print(const struct policy *policy, struct buffer *text);
/* Of all that policy_print prints but the name. Fast: computed for each test. */
uint64_t policy_hash(const struct policy *policy);

enum materialize {
    MATERIALIZE_NONE, /* shapes and attributes only: constants and inputs stay streams */
    MATERIALIZE_ALL,
};
/*
 * Test `index` of campaign `seed`. Memory is the arena's. Valid by construction: the unit tests
 * hold that it passes program_verify and ops_check. The policy must pass policy_check. test->inputs
 * is NULL with MATERIALIZE_NONE.
 */
void generate_test(const struct policy *policy, uint64_t seed, uint64_t index,
                   enum materialize what, struct arena *arena, struct test *test);
/* The same of any generator, also of one that is_outside (generator_open). ERR_IO, ERR_INPUT,
 * ERR_LIMIT: it has ended, talks nonsense, or makes nothing that we can use. Its tests are
 * functions of the same three as far as it goes by our seeds alone (nnsmith.c). */
MUST_USE enum err generate_any_test(const struct policy *policy, uint64_t seed, uint64_t index,
                                    enum materialize what, struct arena *arena, struct test *test);
/* The interpreter of the environment with nnsmith: $OPJURY_NNSMITH, or the one that `scripts/setup
 * peer` makes. ERR_MISSING: it is not there. */
MUST_USE enum err nnsmith_python(struct arena *arena, const char **python);

/* ---- clean inputs ---- */

/* An input or constant of a program, at its value id in an array; results have none. */
struct leaf {
    struct tensor data;
    bool is_free;    /* the search may change it */
    bool has_domain; /* it must stay in `domain` */
    struct interval domain;
};
/* By value id: which leaves are free, with what domain. Constants that hold data are not; indices
 * stay valid, and as they are where they must differ. Data of the others is left to the caller. */
struct leaf *leaves_new(const struct program *p, struct arena *arena);
/* Is the program clean with these? As search_clean has it. */
bool leaves_are_clean(const struct program *p, struct leaf *leaves, struct arena *arena);
/* What the search needed in the end, each the ones before too. */
enum search_way { SEARCH_DRAWN, SEARCH_DESCENDED, SEARCH_NARROWED, SEARCH_RESTARTED, SEARCH_WAYS };
struct search_result {
    bool is_clean;
    bool is_impossible; /* intervals prove that no leaves make it clean */
    enum search_way way;
    uint32_t bad;   /* the first node that is not clean; the program's n_nodes: none */
    uint64_t nodes; /* evaluated, or gone back through, in all */
};
/*
 * Changes free leaves until the program is clean: as the reference evaluates it, every value of a
 * float dtype is finite, no integer is undefined (division by zero, a cast or shift out of range),
 * no index out of range. Leaves that the search did not make clean are as they were. The same
 * leaves and rng give the same result.
 */
void search_clean(const struct program *p, struct leaf *leaves, struct rng rng, struct arena *arena,
                  struct search_result *result);

/* Test `index`'s program (as with MATERIALIZE_NONE) and n samples of its leaves, drawn plainly:
 * the first is what generate_test's search starts from. */
void generate_samples(const struct policy *policy, uint64_t seed, uint64_t index, unsigned n,
                      struct arena *arena, struct test *test, struct leaf **samples);

/* Inputs for a given program (opjury run): `clean` domain inferred, or lo..hi when has_domain. */
struct domain {
    const char *input; /* NULL: all */
    double lo, hi;
};
void generate_inputs(const struct program *p, uint64_t seed, const struct domain *domains,
                     size_t n_domains, struct arena *arena, struct test *test);

#endif
