/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops: the catalogue. One `const struct op` holds all that is known of an operator: slots, relation
 * of its dims and attributes, evaluation, gradient, value range, which elements no specification
 * defines. One file a family; ops.c has the table. How a library spells an op is spell's business.
 */
#ifndef OPJURY_OPS_H
#define OPJURY_OPS_H

#include "program/program.h"
#include "solve/solve.h"

enum { OP_INPUTS_MAX = 8, OP_OUTPUTS_MAX = 4, OP_ATTRS_MAX = 10 };

/* ---- what an op declares of its slots ---- */

struct slot_spec {
    const char *name;
    dtype_set dtypes;    /* allowed; ignored when same_as is set */
    const char *same_as; /* name of the earlier slot whose dtype this one has */
    int rank_min, rank_max;
    bool optional;         /* may be VALUE_ABSENT */
    bool constant_likely;  /* generators make it a weight more often than not */
    const char *mostly_as; /* name of an earlier slot whose dtype generators mostly give it */
    bool variadic;         /* the last input (concat) or output (split) may repeat: same dtype */
};
static inline bool rank_fits(const struct slot_spec *spec, int rank)
{
    return rank >= spec->rank_min && rank <= spec->rank_max;
}

/* How a real attribute is drawn: one of what libraries have as its default, else log-uniform: each
 * octave of least * (1 .. 2^octaves) as likely as the next, and 0 as one of them if it has_zero. */
enum signs { SIGNS_PLUS, SIGNS_MINUS, SIGNS_BOTH };
struct real_spec {
    double usual[2], least;
    unsigned octaves; /* 0: not drawn so */
    enum signs signs;
    bool has_zero;
};

struct attr_spec {
    const char *name;
    enum attr_kind kind;
    bool optional;     /* missing: false or 0 */
    bool usually_true; /* of an ATTR_BOOL: libraries' default is not false */
    struct real_spec real;
};

/*
 * One op being made, inferred or checked. The maker fills op and what it knows: dtypes, ranks (rank
 * < 0: not known yet). `structure` draws what has no number to solve for (axes, keepdims,
 * permutation, target dtype, unknown ranks and dtypes). Then dims and numeric attributes become
 * variables: known dims are fixed ones; `relate` states how they hang together.
 */
struct slot {
    bool present;
    enum dtype dtype;
    int rank; /* -1: not known */
    var dim[RANK_MAX];
};

struct instance {
    const struct op *op;
    uint32_t n_in, n_out, n_attrs;
    struct slot in[OP_INPUTS_MAX], out[OP_OUTPUTS_MAX];
    struct attr attr[OP_ATTRS_MAX];              /* structural ones are filled by `structure` */
    var attr_var[OP_ATTRS_MAX][ATTR_VALUES_MAX]; /* VAR_NONE: the attr's own value counts */
    bool is_node; /* describes an existing node: limits of taste (kernel <= 7) do not apply */
    unsigned usual_percent; /* real attributes drawn that are a library's default */
};
/* Nothing known: n_in present inputs and all outputs, ranks -1, dtypes NONE, no variables; no real
 * attribute is to be usual. */
void instance_init(struct instance *m, const struct op *op, uint32_t n_in);
/* A variadic last output comes once; more of it, as yet unknown. */
void instance_set_outputs(struct instance *m, uint32_t n_out);
/* Draws how many outputs a node has: 1 to OP_OUTPUTS_MAX, seldom 1, when the last is variadic. */
uint32_t op_draw_n_out(const struct op *op, struct rng *rng);
/* What input slot k is declared as (the last one repeats when variadic). */
const struct slot_spec *op_input_spec(const struct op *op, uint32_t k);
const struct slot_spec *op_output_spec(const struct op *op, uint32_t o);
struct attr *instance_attr(struct instance *m, const char *name); /* NULL if absent */
/* Adds the attr (kind, n values zeroed, no variables) and returns it. */
struct attr *instance_add_attr(struct instance *m, const char *name, enum attr_kind kind,
                               unsigned n);
/* The variable of value k of the attribute: its own if it has one, fixed to the attr's value if it
 * has that, else made with domain lo..hi (the attr is added or grows). */
var instance_attr_var(struct instance *m, struct relation *r, const char *name, unsigned k,
                      int64_t lo, int64_t hi);
/* After SOLVE_SAT: give the attributes that have variables their values. */
void instance_settle(struct instance *m, const struct relation *r);
struct shape slot_shape(const struct slot *s, const struct relation *r);

/* ---- evaluation ---- */

/* A tensor as the reference sees it: exact values of its dtype (or wider, see struct evaluation).
 */
struct array {
    enum dtype dtype;
    bool inexact; /* a run may hold other elements: no result is exact because these are short */
    struct shape shape;
    size_t n;
    real *v;
};

/*
 * Fill out[o].v with the op's result on in[], computed in `real` and NOT rounded (the caller rounds
 * to the dtype; integer results must already be wrapped: use dtype_wrap). Where noise[o] is not
 * NULL also fill it: the largest absolute error that a correct implementation in the op's own dtype
 * may make in that element beyond the rounding of exact inputs (elementwise: a few roundoffs times
 * |y|; sums: gamma_n times the sum of magnitudes, Higham 2002 ch. 3; 0 where the result is exact).
 */
struct evaluation {
    const struct node *node;
    const struct array *in[OP_INPUTS_MAX]; /* NULL when absent */
    uint32_t n_in, n_out;
    struct array out[OP_OUTPUTS_MAX];
    real *noise[OP_OUTPUTS_MAX]; /* zeroed by the caller */
    struct arena *scratch;
};

/* Which output elements derive from marked input elements: out_mark[o][i] |= bits of every input
 * element it depends on, values of index inputs considered. */
struct taint {
    const struct evaluation *e;            /* inputs and outputs as evaluated */
    const uint8_t *in_mark[OP_INPUTS_MAX]; /* NULL: nothing marked */
    uint8_t *out_mark[OP_OUTPUTS_MAX];
};

/* Vector-Jacobian product: given dL/d(out) as cotangent[o] (NULL: zero), ADD dL/d(in) to grad[k]
 * (NULL: not wanted, or not a float). */
struct vjp {
    const struct evaluation *e;
    const real *cotangent[OP_OUTPUTS_MAX];
    real *grad[OP_INPUTS_MAX];
};

/* All finite elements lie in lo..hi; may_nan: NaN possible; infinities show as lo / hi infinite.
 * Sound: may be wider than the truth, never narrower. empty lo > hi: no element. */
struct interval {
    real lo, hi;
    bool may_nan;
};
struct range_query {
    const struct node *node;
    const struct value *in_value[OP_INPUTS_MAX]; /* NULL when absent: shapes and dtypes */
    struct interval in[OP_INPUTS_MAX];
    const struct value *out_value[OP_OUTPUTS_MAX];
    struct interval out[OP_OUTPUTS_MAX]; /* to fill, before rounding and overflow to the dtype */
};

/* What may go wrong in a node, from its inputs' intervals; the worst is last. */
enum hazard {
    HAZARD_NONE,
    HAZARD_UNPROVEN,  /* a float result may be NaN or infinite */
    HAZARD_UNDEFINED, /* an integer result may be undefined: a float cast out of its range */
    HAZARD_TRAP,      /* never generated: integer division by zero, or MIN by -1, ends processes */
};

/* ---- the op ---- */

/* How an index input is used. Its last dim holds rows of `n` parts (1: no rows), part c below
 * limit[c] (negative ones down to minus it). Unique: of each `count` rows that lie `inside` rows
 * apart all differ, or results are unspecified (scatter). */
struct index_use {
    uint32_t n;
    int64_t limit[RANK_MAX];
    bool unique;
    size_t inside, count;
};

enum jumps {
    JUMPS_NEVER,
    JUMPS_ALWAYS,
    JUMPS_TO_INTEGERS, /* continuous between floats */
    JUMPS_IN_ORDER,    /* integers are places in an order (arg_max, sort), floats are continuous */
    JUMPS_WHERE_EQUAL  /* compares two inputs element by element: nowhere else */
};
enum folding { FOLDS_NOTHING, FOLDS_AS_PRODUCT, FOLDS_AS_SCALE };

struct elementwise; /* data of a family's shared functions: ops_internal.h */
struct origin;

struct op {
    const char *name;
    const char *summary;
    struct slot_spec in[OP_INPUTS_MAX];
    struct slot_spec out[OP_OUTPUTS_MAX];
    struct attr_spec attrs[OP_ATTRS_MAX];

    /* Draw structural attributes and unknown ranks / dtypes, consistent with what is known; false:
     * cannot be. rng NULL: nothing may be drawn, only inferred from what the instance holds
     * (checking). */
    bool (*structure)(struct instance *m, struct rng *rng);
    /* State the relation of dims and numeric attributes. Ranks, dtypes, structural attrs are known.
     */
    void (*relate)(struct relation *r, struct instance *m);
    /* Choose what is neither structure nor shape once dims are known (reals such as clip's bounds;
     * `range`: where the input's values lie, NULL unknown). Optional. */
    void (*finish)(struct instance *m, const struct interval *range, struct rng *rng);

    void (*evaluate)(struct evaluation *e);
    void (*taint)(const struct taint *t);
    void (*vjp)(const struct vjp *v); /* NULL: no gradient through it */
    void (*range)(struct range_query *q);
    /* Of integer results that may be undefined. NULL: HAZARD_NONE. */
    enum hazard (*hazard)(const struct range_query *q);
    /* Mark (set to 1) output elements no specification defines, each with the document it comes
     * from in a comment. NULL: none. */
    void (*unspecified)(const struct evaluation *e, uint8_t *const *mark);
    /* Do the inputs hold what is an error, for which a library may refuse the program or die
     * (integer division by zero, an index out of range)? NULL: never. */
    bool (*traps)(const struct evaluation *e);

    /* Do the shapes and attributes make a result the same, or hide the first input, whatever the
     * elements: the order of one element, its distance from the mean? NULL: never. */
    bool (*is_blind)(const struct program *p, const struct node *node);

    /* A tiny change of a float input may change the result by much (floor, less, arg_max). The
     * verdict widens the inputs of such ops. */
    enum jumps jumps;
    /* JUMPS_IN_ORDER: mark (set to 1) the places, elements of the integer output, that may be
     * others when each element of input 0 moves by up to move[i]. */
    void (*places)(const struct evaluation *e, const real *move, uint8_t *mark);
    /* Optimisers fold a scale or bias that follows a product into its weights (Conv + Mul, MatMul +
     * Add, batch normalisation), which rounds what is exact as written. */
    enum folding folding;
    bool is_mean; /* of its input: less it, optimisers make a normalisation of both */
    /* FOLDS_AS_SCALE: the factors, in magnitude, that the elements of input k become in a product's
     * weights once they are folded into them. NULL: themselves. */
    void (*factors)(const struct evaluation *e, uint32_t k, real *factor);
    /* Ops with poles or exponential growth: how far an element x of float input k may move while
     * the results it goes into stay near linear in it. Beyond it samples say nothing of the worst
     * case. NULL: anywhere. */
    real (*reach)(uint32_t k, real x);
    /* The same for a whole input, where it hangs on other elements or the dtype (exp underflows,
     * softmax on the line's largest): reach[i] of each element. */
    void (*reaches)(const struct evaluation *e, uint32_t k, real *reach);
    /* Multiply-adds of an op whose work is more than its tensors' sizes: fills in the dims whose
     * product they are, at most 2 * RANK_MAX, and gives their count. NULL: no such op. */
    size_t (*work)(struct instance *m, var *factors);
    /* Which inputs hold indices into another input: their domain is drawn accordingly. 0: none. */
    uint32_t index_inputs;
    /* What they choose from, `data` being input 0. NULL: its dim `axis`, indices may repeat. */
    void (*index_use)(const struct node *node, const struct shape *data,
                      const struct shape *indices, struct index_use *use);
    bool unique_indices; /* index_use asks for it */
    /* How often it is drawn when the policy does not say: ops that say little are rare. 0: 10. */
    uint32_t weight;
    /* Families share their functions; what differs is here. NULL outside the family. */
    const struct elementwise *elementwise;
    /* Data movement: where each output element comes from. */
    void (*origins)(const struct evaluation *e, struct origin *from);
};

extern const struct op *const op_table[];
extern const size_t op_count;
const struct op *op_find(const char *name); /* NULL when unknown */
size_t op_index(const struct op *op);       /* place in op_table */
size_t op_n_inputs(const struct op *op);    /* declared slots */
size_t op_n_outputs(const struct op *op);

/* false: input k holds no indices. */
bool node_index_use(const struct program *p, const struct node *node, uint32_t k,
                    struct index_use *use);
/* The exclusive upper bound of an element of input k (negative indices are allowed down to minus
 * it); of all its elements. -1 when it has none. */
int64_t node_index_limit(const struct program *p, const struct node *node, uint32_t k,
                         size_t element);
int64_t node_index_least(const struct program *p, const struct node *node, uint32_t k);

/* Set node->op of every node; ERR_INPUT for an unknown op. */
MUST_USE enum err ops_resolve(struct program *p);
/* Resolve, then check every node against its op: counts, dtypes, ranks, attributes, relation. The
 * text names the node. Also derives what a shape must be: a wrong declared shape is an error. */
MUST_USE enum err ops_check(struct program *p);

/* Output dtypes and shapes of a node (op, n_out, inputs and attributes known; out may be NULL):
 * ERR_INPUT as ops_check. */
MUST_USE enum err op_infer(const struct program *p, const struct node *node, struct arena *arena,
                           enum dtype *dtypes, struct shape *shapes);

/* The same for every node in order: into the program's computed values. */
MUST_USE enum err program_infer(struct program *p, struct arena *arena);

/* An instance of an existing node without variables: who re-solves it makes those. */
void instance_describe(struct instance *m, const struct program *p, const struct node *node);
/* State the relation of a described node over the program's variables, dim[value id]: nodes of one
 * program that are related so are solved as a whole. */
void node_relate(struct relation *r, const struct node *node, const var (*dim)[RANK_MAX],
                 struct instance *m);
/* Make an instance that describes an existing node (everything known), variables in r. */
void instance_from_node(struct instance *m, const struct program *p, const struct node *node,
                        struct relation *r);

/* Shared by families and by the oracle: out index -> flat index in a broadcast input. */
size_t broadcast_index(const struct shape *out, const struct shape *in, size_t flat);
void shape_strides(const struct shape *s, int64_t strides[RANK_MAX]);

/* Evaluate one node: allocates out[].v in `arena`, calls op->evaluate, and (if `round`) rounds to
 * each output's dtype; inexact is then what has been rounded here or on its way. in[k] NULL for
 * absent inputs. noise: NULL or array of n_out pointers to fill. */
void op_evaluate(const struct program *p, const struct node *node, const struct array *const *in,
                 bool round, struct array *out, real **noise, struct arena *arena);
/* The noise of op_evaluate becomes what is left of it where every op rounds a half float: sums,
 * products and others that round once in single precision, and then to the half, give the declared
 * value (11 and 8 bits are less than half of 24: S. Figueroa, When is double rounding innocuous?,
 * 1995), unless what they round is no value of single precision. */
void op_strict_noise(const struct node *node, const struct array *const *in,
                     const struct array *out, real *const *noise);
struct array array_from_tensor(struct arena *arena, const struct tensor *t);
/* Rounds to the array's dtype. */
struct tensor tensor_from_array(struct arena *arena, const struct array *a);

/* values[id] of every input and constant. */
void program_load(const struct program *p, const struct tensor *inputs, struct array *values,
                  struct arena *arena);
/*
 * Evaluate a whole program plainly: each value rounded to its dtype. values[id] is filled for every
 * value.
 */
void program_evaluate(const struct program *p, const struct tensor *inputs, struct array *values,
                      struct arena *arena);

#endif
