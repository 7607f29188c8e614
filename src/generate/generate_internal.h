/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the generator share: recipes of values (draw.c), what is known of each value of
 * a program (ranges.c), how one node is made (choose.c, shape.c, commit.c), and the graph's maker
 * (graph.c).
 */
#ifndef OPJURY_GENERATE_INTERNAL_H
#define OPJURY_GENERATE_INTERNAL_H

#include "generate/generate.h"

/* ---- recipes: where the elements of an input or constant come from ---- */

enum style {
    STYLE_UNIFORM,
    STYLE_GRID,    /* 17 points: few bits, and ties */
    STYLE_INTEGER, /* integers, where the domain holds several; else the grid */
    STYLE_LOG,     /* log-uniform magnitudes over 12 octaves */
    STYLE_BELL,    /* mean of four uniform ones */
    STYLE_TIES,    /* three values, again and again */
    STYLE_COUNT,   /* of those for any op; for reductions: */
    STYLE_MOST_LO, /* the domain's least, but for one element in `rarity` */
    STYLE_MOST_HI, /* its largest */
};

struct recipe {
    enum style style;
    uint8_t special;        /* elements of 16 that are drawn from `kinds` instead */
    uint32_t kinds;         /* set of special kinds (draw.c) */
    uint32_t rarity;        /* of STYLE_MOST_..., > 0 */
    real lo, hi;            /* all other elements lie here */
    struct index_use index; /* n > 0: valid indices instead */
};

/* An ordinary recipe for the dtype; `attempt` counts up while ranges do not fit: from the second on
 * the domain is ever tamer. */
struct recipe recipe_draw(struct rng *rng, enum dtype d, unsigned attempt);
/* Some kinds of special values, for a whole program. */
uint32_t special_kinds_draw(struct rng *rng);
/* Let special values into it; a few, and small ones, if more would drown what is made of it. */
void recipe_make_special(struct recipe *recipe, uint32_t kinds, bool is_drowned, struct rng *rng);
/* Uniform in lo..hi. */
struct recipe recipe_between(real lo, real hi);
/* Valid indices for the use: each in -limit .. limit-1. */
struct recipe recipe_index(const struct index_use *use);
/* Where its elements lie, for sure. */
struct interval recipe_range(const struct recipe *recipe, enum dtype d);
/* Elements by the recipe. */
void recipe_fill(const struct recipe *recipe, struct rng *rng, struct tensor *t);

/* ---- what is known of values ---- */

struct facts {
    struct interval range; /* sound unless `assumed` */
    struct recipe recipe;  /* inputs and constants */
    uint32_t uses;
    bool assumed;   /* derives from an op that ranges could not clear */
    bool is_live;   /* known to depend on an input */
    bool is_dull;   /* likely the same whatever the inputs */
    bool is_inside; /* of a motif as written: no output, and nothing else reads it */
    bool is_moved;  /* while ranges are derived again (backward.c) */
};

/* Ranges of the node's outputs, into facts[]; the worst that may happen in it. */
enum hazard node_ranges(const struct program *p, const struct node *node, struct facts *facts);
/* NaN and infinity gone: what a range is taken for after an op that was kept unproven. */
struct interval interval_assume(enum dtype d, struct interval range);

/* What holds of each value, by id, whenever the program is clean (possible.c). */
struct possible {
    struct interval *widest; /* all elements lie here */
    struct interval *sure;   /* some element lies here, if there is one */
    bool *is_whole;          /* no fractions among the elements */
    bool *is_place;          /* indices of an order: arg_max, sort */
    struct facts *facts;     /* for queries of node_ranges */
    struct arena *arena;
    bool is_guess;     /* too: what the search cannot move, though other inputs may */
    bool is_again;     /* ranges that are known stay at least as narrow */
    bool has_narrowed; /* an operand of a node, and what was known of it before */
    uint32_t narrowed;
    struct interval widest_before, sure_before;
    uint32_t capacity;          /* values */
    bool *is_moved;             /* possible_behind's */
    uint32_t n_nodes, n_values; /* graph_make's: those before are known */
    bool is_current;            /* the last node too; if it stays out, what is known again: */
    uint32_t n_nodes_before, n_values_after;
};
void possible_reserve(struct possible *x, uint32_t n_values, struct arena *arena);
void possible_leaf(struct possible *x, uint32_t id, struct interval range);
/* The node's results; false: whatever the leaves, it is not clean. */
bool possible_node(struct possible *x, const struct program *p, const struct node *node);
/* Nodes from..end-1 again as far as they hang on `moved`, which is narrower than before. False: one
 * is not clean. */
bool possible_behind(struct possible *x, const struct program *p, uint32_t moved, uint32_t from,
                     uint32_t end);
/* The one result of an elementwise node whose operands are points (their `range`), as the reference
 * has it. False: it is not clean, or the node not of that kind. */
bool node_at_point(const struct program *p, const struct node *node, const struct facts *facts,
                   struct arena *arena, real *result);

/* ---- the graph ---- */

struct graph {
    struct program *program;
    struct facts *facts; /* by value id */
    bool is_clean;       /* all values finite, if not for is_unproven */
    bool is_unproven;    /* clean, but only evaluation can tell */
    uint32_t choice[2];  /* a learner's note for its learn() */
};

/* ---- the graph's maker ---- */

/* In place of a value id. */
#define VALUE_NEW (UINT32_MAX - 1)  /* to be made: an input or a constant */
#define VALUE_OPEN (UINT32_MAX - 2) /* to be chosen: an existing value, a new one, or none */
#define IS_VALUE(id) ((id) < VALUE_OPEN)

struct maker {
    const struct policy *policy;
    const struct support *support;
    struct arena *arena;
    struct program *p;
    struct relation *r;
    struct rng rng;
    struct facts *facts; /* by value id */
    uint32_t facts_capacity;
    bool is_clean, is_unproven, may_be_empty;
    bool is_unsteered;        /* ranges refuse only what is undefined */
    struct possible possible; /* looked at where ranges cannot clear a node */
    uint32_t numel_max;       /* of any tensor of this program */
    int rank_limit;           /* the policy's largest rank with a weight */
    uint32_t special_kinds;
    uint64_t weight_up_to[OP_WEIGHTS_MAX]; /* of ops 0..i of op_table that are supported */
    uint32_t dtype_weight[DTYPE_COUNT];
};

/*
 * One node on its way into the program. attempt_init leaves all of it open; what is given after it
 * stays, what is still open is drawn.
 *     attempt_init(g, &a, place, op_n_inputs(op), op_n_outputs(op));
 *     attempt_give_input(g, &a, 0, x);
 *     a.value[1] = VALUE_NEW;
 *     a.is_const = 1u << 1;
 *     a.recipe[1] = &ones;
 *     if (attempt_choose(g, &a) && attempt_make(g, &a)) ... a.node ...
 */
struct attempt {
    const struct op *op;
    const dtype_set *pairs;                           /* its rows of the support table */
    const struct slot_spec *in_leader[OP_INPUTS_MAX]; /* slots that the dtypes follow */
    const struct slot_spec *out_leader[OP_OUTPUTS_MAX];
    uint32_t n_in, n_out; /* n_in falls when the last inputs turn out absent */
    /* Backward: output target_output is to be this input or constant; VALUE_NEW: none is. Results
     * of the nodes from `before` on may not be read. */
    uint32_t target, target_output, before;
    enum dtype out_dtype;            /* of output 0; NONE: open */
    enum dtype dtype[OP_INPUTS_MAX]; /* NONE: open */
    uint32_t value[OP_INPUTS_MAX];   /* id, VALUE_OPEN, VALUE_NEW or VALUE_ABSENT */
    uint32_t given;                  /* bit k: value k is not the maker's to change */
    uint32_t is_const, is_input;     /* bit k: what a new value k is; neither: drawn */
    uint32_t is_scalar, is_vector;   /* bit k: of rank 0, of rank 1; neither: the op's to draw */
    const struct recipe *recipe[OP_INPUTS_MAX]; /* of a new value; NULL: drawn */
    int rank;                                   /* of input 0 when it is new; -1: open */
    enum hazard
        risk; /* the worst that evaluation may be left to tell of; attempt_choose draws it */
    uint32_t n_attrs; /* given ones; the others are drawn */
    struct attr attr[OP_ATTRS_MAX];
    struct instance instance; /* of attempt_make: shapes and attributes as solved */
    uint32_t node;            /* attempt_make: its index in the program */
};

/* The op at that place of op_table. Inputs beyond the declared ones are repeats of a variadic last
 * one; so are outputs. */
void attempt_init(const struct maker *g, struct attempt *a, size_t place, uint32_t n_in,
                  uint32_t n_out);
void attempt_give_input(const struct maker *g, struct attempt *a, uint32_t k, uint32_t id);
/* Output o is to be what was an input or constant so far; the other outputs are new. False: it is
 * read too far back in the graph. (backward.c) */
bool attempt_give_output(const struct maker *g, struct attempt *a, uint32_t o, uint32_t id);
struct attr *attempt_give_attr(struct attempt *a, const char *name, enum attr_kind kind,
                               unsigned n);
/* How many inputs and outputs a node of the op gets: drawn where the last slot is variadic. */
void draw_counts(struct maker *g, const struct op *op, uint32_t *n_in, uint32_t *n_out);
/* Values and dtypes of what is open, among what is supported; false: nothing is. (choose.c) */
bool attempt_choose(struct maker *g, struct attempt *a);
/* Shapes, attributes, new values, ranges: the node is in the program. False: it does not come
 * together, and nothing has changed. (shape.c, commit.c) */
bool attempt_make(struct maker *g, struct attempt *a);
/* The same; while it does not come together, with a new value for one more existing input that
 * attempt_choose picked, from the last to the first. Backward all of them become new at once. */
bool attempt_make_somehow(struct maker *g, struct attempt *a);
/* An op by the policy's weights, of those that are supported, as its place in op_table; is this one
 * among them? (graph.c) */
size_t draw_op(struct maker *g);
bool op_is_drawn(const struct maker *g, size_t place);

/* An input or constant that fits the op's output o, the newest most likely; VALUE_NEW: none. */
uint32_t pick_placeholder(struct maker *g, const struct attempt *a, uint32_t o);

/* Steps of these (choose.c, shape.c, commit.c, backward.c). */
bool percent(struct maker *g, uint32_t share);
int choose_rank(struct maker *g, const struct slot_spec *spec);
/* Is the value known well enough to be an index into some dim? */
bool may_index(const struct maker *g, uint32_t id);
bool attempt_solve(struct maker *g, struct attempt *a);
static inline bool op_is_either(const struct op *op, const char *a, const char *b)
{
    return text_equal(op->name, a) || text_equal(op->name, b);
}
/* equal and not_equal: results are as the operands are only where these have few values. */
bool op_asks_equality(const struct op *op);
/* Does an element of the result come of many? Of some that are not finite it is not either. */
bool op_mixes(const struct op *op);
/* May a node stay that may go wrong so? */
bool hazard_is_fine(const struct maker *g, enum hazard hazard);
/* A result that ranges could not clear is taken for finite. */
void node_assume(struct maker *g, uint32_t id);
/* Does the node give the same element everywhere, whatever its inputs' elements? */
bool node_is_dead(const struct maker *g, const struct node *node);
/* Are the indices in these inputs (bit k: input k) known to be valid, or taken at that risk? */
bool node_indices_hold(struct maker *g, const struct node *node, enum hazard risk, uint32_t which);
/* The node is the last one, its output `made` in place of the target: do the target's readers go on
 * with its range? If so they have it. */
bool attempt_fits_readers(struct maker *g, const struct attempt *a, uint32_t made);
/* The last node takes its place and the target its output's. */
void attempt_splice(struct maker *g, struct attempt *a, uint32_t index);
/* The slot whose dtype this one has: itself, or an earlier input. */
const struct slot_spec *slot_leader(const struct op *op, const struct slot_spec *slot);

/* Streams of a test: labels of rng_split. */
enum stream {
    STREAM_STRUCTURE = 1,
    STREAM_CONSTANTS,
    STREAM_INPUTS,
    STREAM_PLACEMENT,
    STREAM_SEARCH,
    STREAM_SHAPES,
};

/* Empty, with what the policy leaves to be drawn for the whole program. */
void maker_init(struct maker *g, const struct policy *policy, bool is_clean, struct rng rng,
                struct arena *arena);
/* Room in facts[] for so many values more. */
void maker_reserve(struct maker *g, uint32_t more);
/* Ids in order, outputs. */
struct graph maker_finish(struct maker *g);
/* The same without a search: inputs stay as they are drawn. */
struct graph maker_finish_plain(struct maker *g);
/* The generators' `make`. */
struct graph graph_make(const struct policy *policy, bool is_clean, struct rng rng,
                        struct arena *arena);

/* ---- generators that learn (chain.c) ---- */

enum { CHAIN_TESTS = 256 }; /* the store's BLOCK_TESTS */

struct learner {
    /* What is known at a chain's first test; of the arena, which lasts as long as the chain. */
    void *(*begin)(const struct policy *policy, struct arena *arena);
    /* The next test. It changes nothing that is known: the same state and rng give the same. */
    struct graph (*make)(const void *state, const struct policy *policy, struct rng rng,
                         struct arena *arena);
    /* The graph was made (without its facts); what is to last goes into the arena. */
    void (*learn)(void *state, const struct graph *graph, struct arena *arena);
};
extern const struct learner mutate_learner, random_learner;
struct chain *chain_new(struct arena *arena);
/* Test `index` of the campaign whose seed and policy the key is of. */
struct graph chain_make(const struct policy *policy, uint64_t key, uint64_t index,
                        struct arena *arena);

/* What graphs hold: sets as bits (coverage.c). Two forms may share a bit: a few of them do. */
enum { COVERAGE_FORMS = 1 << 18 };
struct coverage {
    uint64_t ops[OP_WEIGHTS_MAX / 64];
    uint64_t in_degrees[OP_WEIGHTS_MAX], out_degrees[OP_WEIGHTS_MAX]; /* bit d: degree d */
    uint64_t edges[OP_WEIGHTS_MAX * OP_WEIGHTS_MAX / 64];             /* [producer][reader] */
    uint64_t forms[COVERAGE_FORMS / 64];
    uint32_t n_forms[OP_WEIGHTS_MAX];
};
/* Of the items of a graph, how many no graph had before. */
struct novelty {
    uint32_t n_new, n;
};
struct novelty coverage_add(struct coverage *c, const struct program *p);
/* The same, but it is not added: what the graph has twice counts twice. */
struct novelty coverage_ask(const struct coverage *c, const struct program *p);
/* 0 to 1. */
double coverage_of_op(const struct coverage *c, const struct op *op);

struct graph nnsmith_make(const struct policy *policy, bool is_clean, struct rng rng,
                          struct arena *arena);
MUST_USE enum err nnsmith_open(const struct policy *policy, struct source **source);
double nnsmith_cpu(const struct source *source);
uint64_t nnsmith_left_out(const struct source *source);
void nnsmith_say_left_out(const struct source *source);
void nnsmith_close(struct source *source); /* NULL is fine */

/* ---- models that others made (seeds.c) ---- */

/* Those to start from that the build made with the onnx package. ERR_USAGE: there are none. */
MUST_USE enum err policy_seeds_of_build(struct policy *policy, struct arena *arena);

/* Does it hold by the ops' relations and keep to the policy's limits? Resolves its ops. */
MUST_USE enum err program_accept(const struct policy *policy, struct program *p);
/* Of an input or constant: the range of its data, or a recipe for it. */
struct facts leaf_facts(const struct program *p, uint32_t id, struct rng *rng);
/* The same for all of them. */
struct graph graph_of(struct program *p, struct rng *rng, struct arena *arena);

/* Of a constant's elements. */
struct interval range_of_data(const struct value *v);
/* The inputs' elements by their recipes: one sample of several. */
void fill_inputs(const struct graph *g, const struct rng *root, unsigned sample,
                 struct arena *arena, struct test *test);
/* What the index slots that the value goes into ask for: the tightest limits of one that wants
 * unique ones, else of all. false: it is no index. */
bool index_use_of(const struct program *p, uint32_t id, struct index_use *use);

/* ---- other shapes ---- */

/* `test`, made of that graph, with its inputs in other shapes: attributes, constants and ids of
 * values are the same. false: they leave no other shape, or none was found. */
bool test_at_other_shapes(const struct policy *policy, const struct graph *g,
                          const struct test *test, struct rng rng, struct arena *arena,
                          struct test *other);

#endif
