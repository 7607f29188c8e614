/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the families of ops share: steps of `structure` and `relate`, drivers of evaluation, taint,
 * gradient and range for ops of one shape (elementwise with broadcasting, data movement,
 * reduction), rounding noise, interval arithmetic.
 */
#ifndef OPJURY_OPS_INTERNAL_H
#define OPJURY_OPS_INTERNAL_H

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/ops.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* ---- structure (structure.c) ---- */

/* No: with the reason, which ops_check shows. */
#define REFUSE(...) (err_set(ERR_INPUT, __VA_ARGS__), false)

/* Largest dim or attribute a node may have: half of the solver's bound, so that sums fit. */
#define DIM_LIMIT ((int64_t)1 << 39)

/* Slots that share a dtype get the one that is known, else a drawn one. */
bool settle_dtypes(struct instance *m, struct rng *rng);
/* An unknown rank becomes `rank`; a known one must equal it. */
bool settle_rank(struct slot *s, int rank);
/* An unknown rank is drawn from lo..hi; a known one must lie there. */
bool draw_rank(struct slot *s, int lo, int hi, struct rng *rng);
/* The flag attribute, drawn when it is missing. */
bool settle_bool(struct instance *m, const char *name, struct rng *rng, bool *value);
/* The axis attribute in 0..rank-1, drawn (negative in 1 of 4) when it is missing. */
bool settle_axis(struct instance *m, const char *name, int rank, struct rng *rng, int *axis);
/* The finite real attribute, drawn as its spec says when it is missing. */
bool settle_real(struct instance *m, const char *name, struct rng *rng);
/* One drawn so, among the values of dtype d: floats of 8 bits, which all float dtypes hold if they
 * reach so far; integers whose magnitudes the spec's are, from 1. */
double draw_real(const struct instance *m, const char *name, enum dtype d, struct rng *rng);
/* If given: n values, each in lo..DIM_LIMIT. Missing is right only while drawing. */
bool check_ints(struct instance *m, const char *name, unsigned n, int64_t lo, struct rng *rng);
int axis_normalize(int64_t axis, int rank);
/* The text attribute: one of n choices, drawn when it is missing. */
bool settle_text(struct instance *m, const char *name, size_t n, const char *const *choices,
                 struct rng *rng, size_t *chosen);

/* Of an attribute's value only the sign is settled: a number for the relation to find. */
#define TO_SOLVE DIM_LIMIT
/* Its variable: while drawing in 0..most where the value is TO_SOLVE, in -most..-1 where it is
 * -TO_SOLVE; else as instance_attr_var gives it. */
var solve_attr_var(struct instance *m, struct relation *r, const char *name, unsigned k,
                   int64_t most);

/* Elementwise of one input; of several that broadcast. */
bool structure_same(struct instance *m, struct rng *rng);
bool structure_alpha(struct instance *m, struct rng *rng); /* and an attribute alpha */
bool structure_broadcast(struct instance *m, struct rng *rng);
void relate_same(struct relation *r, struct instance *m);
void relate_broadcast_slots(struct relation *r, struct instance *m);
/* The last n dims of three slots broadcast: out from a and b. */
void relate_broadcast_dims(struct relation *r, const var *a, int n_a, const var *b, int n_b,
                           const var *out, int n_out);

/* ---- elementwise (broadcast.c) ---- */

enum { ELEMENTWISE_INPUTS_MAX = OP_INPUTS_MAX };

/* A stretch of the output whose inputs are contiguous (step 1) or one element (step 0). */
struct row {
    const struct node *node;
    enum dtype d; /* of the output */
    size_t n;
    real lo, hi; /* of d */
    real *y;
    const real *in[ELEMENTWISE_INPUTS_MAX];
    size_t step[ELEMENTWISE_INPUTS_MAX];
};

struct elementwise {
    void (*row)(const struct row *r);
    void (*int_row)(const struct row *r); /* integer inputs; NULL: row */
    /* Largest error of a float result in roundoffs of its dtype: 0 exact; 1 or 2 (sqrt) none where
     * the exact result is a value of the dtype; more: always. */
    int units;
    /* What a careful computation may lose in absolute terms beside them: steps that cancel, terms
     * that underflow. Optional; for finite results of floats. */
    real (*loss)(const struct node *node, enum dtype d, const real *x, real y);
    /* d(out)/d(in[k]) at one element; NULL: no gradient. */
    real (*slope)(const struct node *node, uint32_t k, const real *x, real y);
    /* Result interval of non-empty inputs, without NaN-ness of theirs. */
    struct interval (*bound)(const struct range_query *q);
};
/* The attribute of activations. */
ALWAYS_INLINE real alpha_of(const struct node *node)
{
    return (real)node_real(node, "alpha", 1);
}
/* Of functions of one element: what they give at -inf, at NaN. */
void lowest_unspecified(const struct evaluation *e, uint8_t *const *mark);
void nan_unspecified(const struct evaluation *e, uint8_t *const *mark);

/* Kernels: y from x, or from a and b. `r` is the row: r->d the dtype, r->node the node. */
#define UNARY_ROW(name, expression)                                                                \
    static void name(const struct row *r)                                                          \
    {                                                                                              \
        for (size_t i = 0; i < r->n; i++) {                                                        \
            const real x = r->in[0][i * r->step[0]];                                               \
            r->y[i] = (expression);                                                                \
        }                                                                                          \
    }
#define BINARY_ROW(name, expression)                                                               \
    static void name(const struct row *r)                                                          \
    {                                                                                              \
        for (size_t i = 0; i < r->n; i++) {                                                        \
            const real a = r->in[0][i * r->step[0]], b = r->in[1][i * r->step[1]];                 \
            r->y[i] = (expression);                                                                \
        }                                                                                          \
    }
/* In a row of integers. A result in long double is exact where it fits the dtype (64 bits suffice,
 * and what is larger does not round into the range); else the wrapped pattern counts. */
#define WRAPPED(v, pattern) ((v) >= r->lo && (v) <= r->hi ? (v) : dtype_wrap(r->d, (pattern)))
/* Up to f32, double's function is 2^28 times finer than the dtype and ten times faster than long
 * double's. */
#define REAL_FUNCTION(name, x) (r->d == DTYPE_F64 ? name##l(x) : (real)name((double)(x)))
/* Where double's exp is no longer finer than f32 by 2^-28: it underflows. */
#define EXP_GRAIN 1e-300L

void elementwise_evaluate(struct evaluation *e);
void elementwise_taint(const struct taint *t);
void elementwise_vjp(const struct vjp *v);
void elementwise_range(struct range_query *q);
#define RANK_ANY .rank_min = 0, .rank_max = RANK_MAX

#define ELEMENTWISE_CALLS                                                                          \
    .evaluate = elementwise_evaluate, .taint = elementwise_taint, .vjp = elementwise_vjp,          \
    .range = elementwise_range

#define UNARY_SLOTS(op_dtypes)                                                                     \
    .in = {{"x", .dtypes = (op_dtypes), RANK_ANY}}, .out = {{"y", .same_as = "x", RANK_ANY}},      \
    .relate = relate_same, ELEMENTWISE_CALLS

#define UNARY_OP(op_dtypes) UNARY_SLOTS(op_dtypes), .structure = structure_same

#define BINARY_OP(op_dtypes)                                                                       \
    .in = {{"a", .dtypes = (op_dtypes), RANK_ANY}, {"b", .same_as = "a", RANK_ANY}},               \
    .out = {{"y", .same_as = "a", RANK_ANY}}, .structure = structure_broadcast,                    \
    .relate = relate_broadcast_slots, ELEMENTWISE_CALLS

/* map[i]: the element of a broadcast input that output element i reads; NULL: i itself. */
const size_t *broadcast_map(struct arena *scratch, const struct shape *out, const struct shape *in);
/* Of ops of two inputs: marks the elements made of a and b for which `is_open` holds. */
typedef bool pair_test(const struct evaluation *e, real a, real b);
void mark_pairs(const struct evaluation *e, uint8_t *mark, pair_test *is_open);
/* Is there one? */
bool has_pair(const struct evaluation *e, pair_test *is_open);
/* reach[i]: the least `reach_of` of all pairs that element i of input k is in. */
typedef real pair_reach(const struct evaluation *e, uint32_t k, real a, real b);
void reach_pairs(const struct evaluation *e, uint32_t k, real *reach, pair_reach *reach_of);
/* op->factors of sums. */
void addend_factors(const struct evaluation *e, uint32_t k, real *factor);

/* ---- data movement (move.c) ---- */

/* The output element is a copy of element `at` of input `input`. `origins` fills one for each
 * element of all outputs, one output after the other. */
struct origin {
    uint32_t input;
    size_t at;
};
enum { ORIGIN_NONE = UINT32_MAX }; /* no input's: evaluates to the attribute `value`, else 0 */
/* What the ops of this kind have in common. */
#define MOVE_CALLS                                                                                 \
    .evaluate = move_evaluate, .taint = move_taint, .vjp = move_vjp, .range = move_range
void move_evaluate(struct evaluation *e);
/* Marks of the moved element; what chose it (indices) the op adds itself. */
void move_taint(const struct taint *t);
void move_vjp(const struct vjp *v);
void move_range(struct range_query *q); /* the union of the inputs that are not indices */

/* `origins` of ops that keep the order of the elements. */
void origins_in_order(const struct evaluation *e, struct origin *from);
/* Of ops that go axis by axis: index i along an output's axis comes from index source() along the
 * input's (-1: none). Input axes are counted as the input's; outputs may have more before them. */
typedef int64_t source_fn(const struct evaluation *e, int axis, int64_t i);
void origins_by_axis(const struct evaluation *e, struct origin *from, source_fn *source);

/* An index of an index input is out of range: what the `traps` of those ops are. */
bool index_traps(const struct evaluation *e);

/* ---- reduction, lines along an axis (reduce.c) ---- */

/* Bit per axis. */
unsigned axes_mask(const struct attr *a, int rank);
/* The attribute `axes`, distinct, in -rank..rank-1, at least one but for rank 0; n are drawn when
 * it is missing. */
bool settle_axes(struct instance *m, int rank, unsigned n, struct rng *rng);
/* Bit per reduced axis: from `axes` or `axis`. */
unsigned reduced_axes(const struct node *node, int rank);
/* map[i]: the output element that input element i goes into. */
size_t *reduction_map(struct arena *scratch, const struct shape *in, unsigned mask);
size_t *reduction_of(const struct evaluation *e);
/* Elements that go into one result. */
size_t reduction_size(const struct node *node, const struct shape *in);
bool reduce_structure(struct instance *m, struct rng *rng);
/* Kept dims are equal, reduced ones 1 or gone; the second: and at least 1 before. */
void reduce_relate(struct relation *r, struct instance *m);
void reduce_relate_some(struct relation *r, struct instance *m);
void reduce_taint(const struct taint *t);
/* Marks integer results whose exact value does not fit. */
void reduce_mark_overflow(const struct evaluation *e, const real *exact, uint8_t *mark);

#define REDUCE_RANK .rank_min = 0, .rank_max = RANK_MAX
#define REDUCE_OP(op_dtypes)                                                                       \
    .in = {{"x", .dtypes = (op_dtypes), REDUCE_RANK}},                                             \
    .out = {{"y", .same_as = "x", REDUCE_RANK}},                                                   \
    .attrs = {{"axes", ATTR_INTS}, {"keepdims", ATTR_BOOL, .usually_true = true}},                 \
    .structure = reduce_structure, .taint = reduce_taint

/* Is it larger, where NaN is larger than all? */
ALWAYS_INLINE bool beats(real challenger, real best)
{
    return isnan(challenger) || challenger > best;
}

/* One line along the axis: its elements are start + k * step. */
struct line {
    size_t start, step, n;
};
struct line line_at(const struct shape *s, int axis, size_t i);
size_t count_lines(const struct array *x, int axis);
size_t elements_inside(const struct shape *s, int axis); /* in one step along the axis */
int node_axis(const struct node *node, const struct shape *in);

/* ---- noise (noise.c) ---- */

/* units roundoffs of |y| in each finite element; see struct elementwise. */
void noise_rounding(struct evaluation *e, int units);
/* gamma_n of Higham 2002, (3.4), halved. */
real noise_gamma(enum dtype acc, real n);
/* One sum of n terms in any order, in the dtype accumulation really uses: f32 for half floats. */
struct sum_noise {
    bool inexact; /* terms differ from run to run */
    enum dtype dtype;
    real gamma;
    real roundoff; /* of the final rounding when accumulation is wider, else 0 */
    real limit;    /* accumulation overflows beyond */
    real tiny;     /* what underflow of the terms may add up to */
    real exact;    /* magnitudes up to this are summed without rounding in any order */
};
/* All terms are multiples of 2^grid. */
struct sum_noise sum_noise_init(enum dtype d, size_t n_terms, int grid);
/* Half floats are rounded after each addition. */
struct sum_noise sum_noise_stepwise(enum dtype d, size_t n_terms, int grid);
/* sum: the exact result, magnitude: sum of the terms' magnitudes (finite ones). */
real sum_noise_of(const struct sum_noise *s, real sum, real magnitude);
/* A product as fraction * 2^exponent, so that it never leaves the range. */
struct scaled {
    real fraction;
    int64_t exponent;
};
void scaled_multiply(struct scaled *p, real factor);
real scaled_value(const struct scaled *p);
/* What decides whether every order of multiplication gives the same. */
struct factors {
    struct scaled above, below; /* products of the magnitudes above and below 1 */
    real odd;
    bool has_zero, has_inf;
};
struct factors *factors_of_none(struct arena *scratch, size_t n); /* n of them */
void factors_add(struct factors *f, real v);
/* Of the product y of n factors, rounded to `acc` after each. */
real factors_noise(const struct factors *f, enum dtype acc, size_t n, real y, bool inexact);
/* Far below every dtype, also when the other factor adds its own: elements not known exactly. */
enum { GRID_NONE = -100000 };
/* Largest g such that all finite elements of a float array are multiples of 2^g. */
int grid_of(const struct array *x);
/* The elements, or the magnitudes of the finite ones (others 0). */
const real *reals_of(struct arena *scratch, const struct array *x, bool magnitude);
const double *doubles_of(struct arena *scratch, const struct array *x, bool magnitude);

/* ---- intervals (interval.c) ---- */

#define INTERVAL_EMPTY ((struct interval){.lo = INFINITY, .hi = -INFINITY})
bool interval_is_empty(struct interval a); /* no element but NaN */
struct interval interval_union(struct interval a, struct interval b);
struct interval interval_add(struct interval a, struct interval b);
struct interval interval_mul(struct interval a, struct interval b);
struct interval interval_div(struct interval a, struct interval b);
/* Sum of n elements of a (n = 0: zero), widened for the rounding of any order. */
struct interval interval_sum(struct interval a, size_t n);
/* lo..hi a little wider: for functions whose evaluation is not monotone to the last bit. */
struct interval interval_widen(struct interval a);
/* By what n roundings in long double may add. */
struct interval interval_widen_by(struct interval a, size_t n);
/* Results of a function that grows or falls on lo..hi and is NaN outside. */
struct interval interval_monotone(struct interval a, real lo, real hi, real (*f)(real));
/* Of elements that are clamped to lo..hi. */
struct interval interval_clamp(struct interval a, real lo, real hi);
/* What an integer dtype makes of it: wrapped results may lie anywhere. */
struct interval interval_fit(enum dtype d, struct interval a);
/* The first output's: as it is for floats, fitted to integers. */
struct interval interval_of_result(const struct range_query *q, struct interval a);
struct interval interval_full(enum dtype d);

/* Is an integral value one of the integer dtype's? */
ALWAYS_INLINE bool int_fits(enum dtype d, real v)
{
    return v >= dtype_lowest(d) && v <= dtype_max(d);
}

/* ---- the ops, in the order of the table ---- */

/* One block a family. */

#define OPS_FIRST(X)                                                                               \
    X(add)                                                                                         \
    X(mul)                                                                                         \
    X(div)                                                                                         \
    X(neg)                                                                                         \
    X(relu)                                                                                        \
    X(exp)                                                                                         \
    X(log)                                                                                         \
    X(sqrt)                                                                                        \
    X(tan)                                                                                         \
    X(floor)                                                                                       \
    X(cast)                                                                                        \
    X(less)                                                                                        \
    X(where)                                                                                       \
    X(clip)                                                                                        \
    X(reduce_sum)                                                                                  \
    X(reduce_max)                                                                                  \
    X(arg_max)                                                                                     \
    X(softmax)                                                                                     \
    X(matmul)                                                                                      \
    X(conv2d)                                                                                      \
    X(transpose)                                                                                   \
    X(reshape)                                                                                     \
    X(concat)                                                                                      \
    X(gather)

/* unary functions */
#define OPS_MATH(X)                                                                                \
    X(abs)                                                                                         \
    X(sign)                                                                                        \
    X(ceil)                                                                                        \
    X(round)                                                                                       \
    X(trunc)                                                                                       \
    X(square)                                                                                      \
    X(reciprocal)                                                                                  \
    X(rsqrt)                                                                                       \
    X(exp2)                                                                                        \
    X(expm1)                                                                                       \
    X(log2)                                                                                        \
    X(log1p)                                                                                       \
    X(sin)                                                                                         \
    X(cos)                                                                                         \
    X(asin)                                                                                        \
    X(acos)                                                                                        \
    X(atan)                                                                                        \
    X(sinh)                                                                                        \
    X(cosh)                                                                                        \
    X(tanh)                                                                                        \
    X(asinh)                                                                                       \
    X(acosh)                                                                                       \
    X(atanh)                                                                                       \
    X(erf)                                                                                         \
    X(is_nan)                                                                                      \
    X(is_inf)

/* activations */
#define OPS_ACTIVATION(X)                                                                          \
    X(sigmoid)                                                                                     \
    X(softplus)                                                                                    \
    X(softsign)                                                                                    \
    X(elu)                                                                                         \
    X(celu)                                                                                        \
    X(selu)                                                                                        \
    X(gelu)                                                                                        \
    X(mish)                                                                                        \
    X(swish)                                                                                       \
    X(hard_sigmoid)                                                                                \
    X(hard_swish)                                                                                  \
    X(relu6)                                                                                       \
    X(leaky_relu)                                                                                  \
    X(prelu)                                                                                       \
    X(thresholded_relu)

/* arithmetic of two inputs, comparisons, logic and bits */
#define OPS_LOGIC(X)                                                                               \
    X(sub)                                                                                         \
    X(floor_div)                                                                                   \
    X(mod)                                                                                         \
    X(fmod)                                                                                        \
    X(pow)                                                                                         \
    X(min)                                                                                         \
    X(max)                                                                                         \
    X(atan2)                                                                                       \
    X(and)                                                                                         \
    X(or)                                                                                          \
    X(xor)                                                                                         \
    X(not)                                                                                         \
    X(bit_and)                                                                                     \
    X(bit_or)                                                                                      \
    X(bit_xor)                                                                                     \
    X(bit_not)                                                                                     \
    X(shift_left)                                                                                  \
    X(shift_right)                                                                                 \
    X(equal)                                                                                       \
    X(not_equal)                                                                                   \
    X(greater)                                                                                     \
    X(less_equal)                                                                                  \
    X(greater_equal)

/* reductions, scans, sorting */
#define OPS_REDUCE(X)                                                                              \
    X(reduce_min)                                                                                  \
    X(reduce_all)                                                                                  \
    X(reduce_any)                                                                                  \
    X(reduce_mean)                                                                                 \
    X(reduce_prod)                                                                                 \
    X(reduce_l1)                                                                                   \
    X(reduce_l2)                                                                                   \
    X(reduce_log_sum_exp)                                                                          \
    X(reduce_var)                                                                                  \
    X(arg_min)                                                                                     \
    X(cum_sum)                                                                                     \
    X(log_softmax)                                                                                 \
    X(top_k)                                                                                       \
    X(sort)

/* products and convolutions */
#define OPS_LINEAR(X)                                                                              \
    X(gemm)                                                                                        \
    X(linear)                                                                                      \
    X(einsum)                                                                                      \
    X(conv1d)                                                                                      \
    X(conv3d)                                                                                      \
    X(conv_transpose1d)                                                                            \
    X(conv_transpose2d)                                                                            \
    X(conv_transpose3d)

/* pooling, normalisation, resizing */
#define OPS_POOL(X)                                                                                \
    X(max_pool)                                                                                    \
    X(avg_pool)                                                                                    \
    X(global_max_pool)                                                                             \
    X(global_avg_pool)                                                                             \
    X(adaptive_max_pool)                                                                           \
    X(adaptive_avg_pool)                                                                           \
    X(batch_norm)                                                                                  \
    X(batch_norm_training)                                                                         \
    X(layer_norm)                                                                                  \
    X(group_norm)                                                                                  \
    X(instance_norm)                                                                               \
    X(rms_norm)                                                                                    \
    X(resize)

/* data movement */
#define OPS_MOVE(X)                                                                                \
    X(expand)                                                                                      \
    X(squeeze)                                                                                     \
    X(unsqueeze)                                                                                   \
    X(flatten)                                                                                     \
    X(slice)                                                                                       \
    X(split)                                                                                       \
    X(flip)                                                                                        \
    X(roll)                                                                                        \
    X(tile)                                                                                        \
    X(pad)                                                                                         \
    X(tril)                                                                                        \
    X(triu)                                                                                        \
    X(depth_to_space)                                                                              \
    X(space_to_depth)                                                                              \
    X(shape)                                                                                       \
    X(size)

/* indexing */
#define OPS_INDEX(X)                                                                               \
    X(index_select)                                                                                \
    X(gather_elements)                                                                             \
    X(gather_nd)                                                                                   \
    X(scatter_elements)                                                                            \
    X(scatter_nd)                                                                                  \
    X(one_hot)

#define OP_MAP(X)                                                                                  \
    OPS_FIRST(X)                                                                                   \
    OPS_MATH(X)                                                                                    \
    OPS_ACTIVATION(X) OPS_LOGIC(X) OPS_REDUCE(X) OPS_LINEAR(X) OPS_POOL(X) OPS_MOVE(X) OPS_INDEX(X)
#define OP_DECLARE(name) extern const struct op op_##name;
OP_MAP(OP_DECLARE)
#undef OP_DECLARE

#endif
