/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of mutations, those of inputs and results, and which ops they fit. What a mutation
 * leaves as it is counts as not exercised: it need not fit each op, dtype and shape that has the
 * properties.
 */
#include "target/mutation.h"

#include <math.h>
#include <string.h>

/* ---- which ops ---- */

static dtype_set output_dtypes(const struct op *op, size_t o)
{
    const struct slot_spec *s = &op->out[o];
    while (s->same_as) {
        const char *name = s->same_as;
        for (size_t k = 0; k < op_n_inputs(op); k++) {
            s = strcmp(op->in[k].name, name) == 0 ? &op->in[k] : s;
        }
    }
    return s->dtypes;
}

static dtype_set input_dtypes(const struct op *op)
{
    return op->in[0].dtypes;
}

static bool fits_all(const struct op *op)
{
    return true;
}

static bool has_elements(const struct op *op)
{
    return op->out[0].rank_max > 0;
}

static bool gives_floats(const struct op *op)
{
    return output_dtypes(op, 0) & DT_FLOATS;
}

/* Results are computed, not chosen from the inputs. */
static bool computes(const struct op *op)
{
    return gives_floats(op) && !op->origins;
}

static bool compares(const struct op *op)
{
    return op->jumps == JUMPS_WHERE_EQUAL;
}

static bool computes_integers(const struct op *op)
{
    return !op->origins && (output_dtypes(op, 0) & DT_INTS) && (input_dtypes(op) & DT_FLOATS);
}

/* floor and its like, casts, quotients. */
static bool rounds(const struct op *op)
{
    return op->elementwise && (output_dtypes(op, 0) & DT_NUMBERS) && op_n_inputs(op) <= 2 &&
           (op->jumps != JUMPS_NEVER || op->traps);
}

static bool has_two_inputs(const struct op *op)
{
    return op_n_inputs(op) > 1 || op->in[0].variadic;
}

static bool has_operands(const struct op *op)
{
    return op->elementwise && op_n_inputs(op) > 1;
}

/* Two inputs in a row of one dtype: operands are the last two. */
static bool has_like_inputs(const struct op *op)
{
    size_t n = op_n_inputs(op);
    return op->in[n - 1].variadic || (n > 1 && op->in[n - 1].same_as && !op->in[n - 1].optional);
}

static bool reads_unsigned(const struct op *op)
{
    return !op->origins && !op->index_inputs && (input_dtypes(op) & DT_UNSIGNED);
}

static bool has_optional_input(const struct op *op)
{
    return op->in[op_n_inputs(op) - 1].optional;
}

static bool is_product(const struct op *op)
{
    return op->folding == FOLDS_AS_PRODUCT;
}

static bool has_minimum(const struct op *op)
{
    return attr_fits(op, "min");
}

static bool has_pads(const struct op *op)
{
    return attr_fits(op, "pads");
}

static bool has_dilations(const struct op *op)
{
    return attr_fits(op, "dilations");
}

static bool has_kernel_shape(const struct op *op)
{
    return attr_fits(op, "kernel_shape");
}

static bool has_group(const struct op *op)
{
    return attr_fits(op, "group");
}

/* Windows over padded inputs, not a transposed convolution's over outputs. */
static bool has_padded_input(const struct op *op)
{
    return has_pads(op) && attr_fits(op, "strides") && !attr_fits(op, "output_padding");
}

static bool has_indices(const struct op *op)
{
    return op->index_inputs != 0;
}

/* Of a variance of its own. */
static bool normalises(const struct op *op)
{
    return attr_fits(op, "epsilon") && op_n_inputs(op) == 3;
}

static bool keeps_dtype(const struct op *op)
{
    return op_n_outputs(op) == 1 && op->out[0].same_as &&
           strcmp(op->out[0].same_as, op->in[0].name) == 0;
}

static bool same_slot(const struct slot_spec *a, const struct slot_spec *b)
{
    bool named = !a->name == !b->name && !a->same_as == !b->same_as;
    return named && (a->dtypes & ~b->dtypes) == 0 && a->rank_min == b->rank_min &&
           a->rank_max == b->rank_max && a->optional == b->optional && a->variadic == b->variadic;
}

static bool is_sibling(const struct op *op, const struct op *other)
{
    bool same = op->relate == other->relate && op->index_inputs == other->index_inputs &&
                !op->elementwise == !other->elementwise && op != other;
    for (int k = 0; same && k < OP_INPUTS_MAX; k++) {
        same = same_slot(&op->in[k], &other->in[k]);
    }
    for (int o = 0; same && o < OP_OUTPUTS_MAX; o++) {
        same = same_slot(&op->out[o], &other->out[o]);
    }
    for (int i = 0; same && i < OP_ATTRS_MAX; i++) {
        const char *a = op->attrs[i].name, *b = other->attrs[i].name;
        same = !a == !b && (!a || strcmp(a, b) == 0);
    }
    return same;
}

const struct op *mutation_sibling(const struct op *op)
{
    size_t at = op_index(op);
    for (size_t i = 1; i < op_count; i++) {
        const struct op *other = op_table[(at + i) % op_count];
        if (is_sibling(op, other)) {
            return other;
        }
    }
    return NULL;
}

static bool has_sibling(const struct op *op)
{
    return mutation_sibling(op) != NULL;
}

/* ---- the result ---- */

static bool is_true(real v)
{
    return v != 0;
}

static void after_negate(struct site *s)
{
    for (uint32_t o = 0; o < s->node.n_out; o++) {
        struct array *y = &s->out[o];
        for (size_t i = 0; i < y->n; i++) {
            real v = y->v[i];
            y->v[i] = y->dtype == DTYPE_BOOL ? !is_true(v) : dtype_round(y->dtype, -v);
        }
    }
}

static void after_off_by_one(struct site *s)
{
    for (uint32_t o = 0; o < s->node.n_out; o++) {
        for (size_t i = 0; i + 1 < s->out[o].n; i++) {
            s->out[o].v[i] = s->out[o].v[i + 1];
        }
    }
}

static void after_drop_tail(struct site *s)
{
    for (uint32_t o = 0; o < s->node.n_out; o++) {
        if (s->out[o].n) {
            s->out[o].v[s->out[o].n - 1] = 0;
        }
    }
}

static void after_low_precision(struct site *s)
{
    struct array *y = &s->out[0];
    if (!dtype_is_float(y->dtype)) {
        return;
    }
    int keep = dtype_table[y->dtype].bits / 2;
    for (size_t i = 0; i < y->n; i++) {
        int exponent;
        real m = frexpl(y->v[i], &exponent);
        if (isfinite(m)) {
            y->v[i] = ldexpl(rintl(ldexpl(m, keep)), exponent - keep);
        }
    }
}

static void after_lose_nan(struct site *s)
{
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = isnan(s->out->v[i]) ? 0 : s->out->v[i];
    }
}

static void after_lose_inf(struct site *s)
{
    real top = dtype_max(s->out->dtype);
    for (size_t i = 0; i < s->out->n; i++) {
        if (isinf(s->out->v[i])) {
            s->out->v[i] = s->out->v[i] > 0 ? top : -top;
        }
    }
}

static void after_flush(struct site *s)
{
    real least = dtype_min_normal(s->out->dtype);
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = fabsl(s->out->v[i]) < least ? 0 : s->out->v[i];
    }
}

static void after_epsilon(struct site *s)
{
    if (!dtype_is_float(s->out->dtype)) {
        return;
    }
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = dtype_round(s->out->dtype, s->out->v[i] + 0x1p-16L);
    }
}

static real in_at(const struct site *s, uint32_t k, size_t flat)
{
    return s->in[k].v[broadcast_index(&s->out->shape, &s->in[k].shape, flat)];
}

/* The op evaluated on the same numbers as f64, so that nothing wraps. */
static const real *unwrapped(struct site *s)
{
    struct evaluation e = {.node = &s->node, .n_in = s->node.n_in, .n_out = s->node.n_out};
    struct array in[OP_INPUTS_MAX];
    for (uint32_t k = 0; k < s->node.n_in; k++) {
        in[k] = s->in[k];
        in[k].dtype = DTYPE_F64;
        e.in[k] = s->present[k] ? &in[k] : NULL;
    }
    for (uint32_t o = 0; o < s->node.n_out; o++) {
        e.out[o] = s->out[o];
        e.out[o].dtype = o == 0 ? DTYPE_F64 : e.out[o].dtype;
        e.out[o].v = ARENA_ARRAY(s->arena, real, e.out[o].n);
    }
    e.scratch = s->arena;
    s->node.op->evaluate(&e);
    return e.out[0].v;
}

static void after_saturate(struct site *s)
{
    enum dtype d = s->out->dtype;
    if (!dtype_is_int(d) || !dtype_is_int(s->in[0].dtype)) {
        return;
    }
    const real *exact = unwrapped(s);
    real lo = dtype_lowest(d), hi = dtype_max(d);
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = exact[i] < lo ? lo : exact[i] > hi ? hi : s->out->v[i];
    }
}

typedef long double rounding(long double);
static rounding *const roundings[] = {roundl, rintl, truncl, floorl, ceill};

/* What the op rounds, element by element; its result is one of `roundings` of it. */
static bool rounds_so(const struct site *s, rounding *f, const real *v)
{
    for (size_t i = 0; i < s->out->n; i++) {
        bool counts = isfinite(v[i]) && isfinite(s->out->v[i]);
        if (counts && f(v[i]) != s->out->v[i]) {
            return false;
        }
    }
    return true;
}

/* Another rounding: halves away from zero for halves to even, floor for truncation. */
static void after_wrong_round(struct site *s)
{
    real *v = ARENA_ARRAY(s->arena, real, s->out->n + 1);
    bool is_one = false;
    if (!dtype_is_float(s->in[0].dtype) && s->node.n_in == 1) {
        return;
    }
    for (size_t i = 0; i < s->out->n; i++) {
        v[i] = s->node.n_in == 1 ? s->in[0].v[i] : in_at(s, 0, i) / in_at(s, 1, i);
    }
    for (size_t f = 0; f < ARRAY_SIZE(roundings); f++) {
        is_one |= rounds_so(s, roundings[f], v);
    }
    for (size_t f = 0; is_one && f < ARRAY_SIZE(roundings); f++) {
        if (rounds_so(s, roundings[f], v)) {
            continue;
        }
        for (size_t i = 0; i < s->out->n; i++) {
            if (isfinite(v[i]) && isfinite(s->out->v[i])) {
                s->out->v[i] = dtype_round(s->out->dtype, roundings[f](v[i]));
            }
        }
        return;
    }
}

static void after_unordered(struct site *s)
{
    for (size_t i = 0; i < s->out->n; i++) {
        bool has_nan = isnan(in_at(s, 0, i)) || isnan(in_at(s, 1, i));
        s->out->v[i] = has_nan ? !is_true(s->out->v[i]) : s->out->v[i];
    }
}

static void after_wrong_boundary(struct site *s)
{
    for (size_t i = 0; i < s->out->n; i++) {
        bool is_equal = in_at(s, 0, i) == in_at(s, 1, i);
        s->out->v[i] = is_equal ? !is_true(s->out->v[i]) : s->out->v[i];
    }
}

/* The input comes back, in its own shape. */
static void after_skip(struct site *s)
{
    if (shape_equal(&s->in[0].shape, &s->out->shape)) {
        s->out->v = s->in[0].v;
    }
    s->form[0] = s->in[0].shape;
}

/* ---- inputs ---- */

static void before_lose_first(struct site *s)
{
    if (s->present[0] && s->in[0].n) {
        s->in[0].v[0] = 0;
    }
}

static void before_lose_last(struct site *s)
{
    if (s->present[0] && s->in[0].n) {
        s->in[0].v[s->in[0].n - 1] = 0;
    }
}

/* The last two. */
static void before_swap_operands(struct site *s)
{
    uint32_t n = s->node.n_in;
    if (n < 2 || !s->present[n - 1] || !s->present[n - 2]) {
        return;
    }
    struct array *a = &s->in[n - 2], *b = &s->in[n - 1], kept = *a;
    if (a->dtype == b->dtype && shape_equal(&a->shape, &b->shape)) {
        *a = *b;
        *b = kept;
    }
}

static void fill_with_first(struct array *a)
{
    for (size_t i = 1; i < a->n; i++) {
        a->v[i] = a->v[0];
    }
}

/* One that is folded, too. */
static void before_stale_constant(struct site *s)
{
    bool *is_const = ARENA_ARRAY(s->arena, bool, s->p->n_values);
    program_mark_constants(s->p, is_const);
    for (uint32_t k = 0; k < s->node.n_in; k++) {
        if (s->present[k] && is_const[s->node.in[k]]) {
            fill_with_first(&s->in[k]);
        }
    }
}

static void before_scalar_broadcast(struct site *s)
{
    uint32_t last = s->node.n_in - 1;
    if (s->present[last]) {
        fill_with_first(&s->in[last]);
    }
}

static void before_signed(struct site *s)
{
    for (uint32_t k = 0; k < s->node.n_in; k++) {
        if (!s->present[k] || !dtype_in(s->in[k].dtype, DT_UNSIGNED)) {
            continue;
        }
        real half = ldexpl(1, dtype_table[s->in[k].dtype].bits - 1);
        for (size_t i = 0; i < s->in[k].n; i++) {
            real v = s->in[k].v[i];
            s->in[k].v[i] = v >= half ? v - 2 * half : v;
        }
    }
}

static void before_forget_optional(struct site *s)
{
    uint32_t last = s->node.n_in - 1;
    for (size_t i = 0; op_input_spec(s->node.op, last)->optional && i < s->in[last].n; i++) {
        s->in[last].v[i] = 0;
    }
}

static void before_ignore_bound(struct site *s)
{
    site_attr(s, "min")->f =
        dtype_is_float(s->in[0].dtype) ? -(double)INFINITY : (double)dtype_lowest(s->in[0].dtype);
}

/* Convolution in place of correlation; for matmul the second operand read backwards. */
static void before_flip_weight(struct site *s)
{
    struct array *w = &s->in[1];
    size_t block = s->node.n_in > 1 && s->present[1] ? w->n : 0;
    for (int d = 0; block && d < w->shape.rank - 2; d++) {
        block /= (size_t)w->shape.dim[d];
    }
    for (size_t base = 0; block && base + block <= w->n; base += block) {
        for (size_t i = 0; i < block / 2; i++) {
            real t = w->v[base + i];
            w->v[base + i] = w->v[base + block - 1 - i];
            w->v[base + block - 1 - i] = t;
        }
    }
}

static void before_clamp_index(struct site *s)
{
    for (uint32_t k = 0; k < s->node.n_in; k++) {
        for (size_t i = 0; s->node.op->index_inputs >> k & 1 && i < s->in[k].n; i++) {
            s->in[k].v[i] = s->in[k].v[i] < 0 ? 0 : s->in[k].v[i];
        }
    }
}

/* Elements that one mean and variance are of. */
static size_t normalised(struct site *s)
{
    const struct shape *x = &s->in[0].shape;
    const struct attr *axis = site_attr(s, "axis"), *groups = site_attr(s, "num_groups");
    int first = axis ? (int)(axis->i[0] < 0 ? axis->i[0] + x->rank : axis->i[0]) : groups ? 1 : 2;
    size_t n = 1;
    for (int d = first; d < x->rank; d++) {
        n *= (size_t)x->dim[d];
    }
    return groups ? n / (size_t)groups->i[0] : n;
}

/* Divided by n - 1 in place of n. */
static void before_other_variance(struct site *s)
{
    size_t n = normalised(s);
    real factor = n > 1 ? sqrtl((real)(n - 1) / (real)n) : 1;
    struct array *scale = &s->in[1];
    for (size_t i = 0; i < scale->n; i++) {
        scale->v[i] *= factor;
    }
}

static void before_confuse(struct site *s)
{
    s->node.op = mutation_sibling(s->node.op);
    s->node.op_name = s->node.op->name;
}

/* ---- the form ---- */

static void form_dtype(struct tensor *t)
{
    static const enum dtype other[DTYPE_COUNT] = {
        [DTYPE_F32] = DTYPE_F64,  [DTYPE_F64] = DTYPE_F32, [DTYPE_F16] = DTYPE_F32,
        [DTYPE_BF16] = DTYPE_F32, [DTYPE_I64] = DTYPE_I32,
    };
    t->dtype = other[t->dtype] ? other[t->dtype] : DTYPE_I64;
}

struct shape other_form(const struct shape *shape)
{
    int64_t n = (int64_t)shape_numel(shape);
    return shape->rank == 1 ? (struct shape){2, {1, n}} : (struct shape){1, {n}};
}

static void form_shape(struct tensor *t)
{
    t->shape = other_form(&t->shape);
}

/* ---- the table ---- */

/* Their results say nothing of their inputs' elements. */
#define OF_SHAPES "shape size"
#define COMMUTATIVE "add mul min max and or xor bit_and bit_or bit_xor equal not_equal " OF_SHAPES
/* Nothing that can wrap: comparisons of a kind, minima, what only makes smaller. */
#define NEVER_WRAPS                                                                                \
    "relu clip reduce_max arg_max sign ceil round trunc relu6 mod fmod min max reduce_min "        \
    "arg_min "                                                                                     \
    "top_k sort max_pool resize reduce_all reduce_any where"
/* The low bits of unsigned and signed are the same. */
#define SIGN_IS_LAST                                                                               \
    "add mul sub square matmul gemm linear einsum reduce_sum reduce_prod cum_sum bit_and bit_or "  \
    "bit_xor bit_not shift_left equal not_equal where is_nan is_inf ceil round trunc "             \
    "reduce_all reduce_any shape size neg pow resize"

/* Attributes that the shapes of inputs or the result hang on. */
#define OF_THE_SIZE                                                                                \
    "shape sizes output_size repeats blocksize depth parts batch_dims group layer_norm.axis "      \
    "rms_norm.axis"

/* Results that one of few numbers, chosen by attributes or not. */
#define GIVES_FEW "sign one_hot"
/* What NaN gives is specified by no document, or not NaN. */
#define NAN_IS_OPEN                                                                                \
    GIVES_FEW " thresholded_relu top_k sort max_pool global_max_pool adaptive_max_pool"
/* Bounded; infinite at poles that no element can have, or whose sign is open. */
#define NEVER_INFINITE                                                                             \
    GIVES_FEW " softmax sin cos tan asin acos atan tanh erf sigmoid softsign hard_sigmoid relu6 "  \
              "atan2 fmod rsqrt"
/* Integers, roots and logarithms (next to 1 a roundoff is the least), cosines (no float is as close
 * to a zero of theirs), what is at least 1, or the least difference of two. */
#define NEVER_SUBNORMAL                                                                            \
    GIVES_FEW " floor ceil round trunc floor_div sqrt rsqrt log log2 cos acos cosh acosh "         \
              "hard_sigmoid"
/* What overflows is not specified, or is an error; the last compute nothing. */
#define OVERFLOW_IS_OPEN "reduce_sum reduce_prod reduce_l1 pow div floor_div one_hot " OF_SHAPES

/* Of models that are read: never given here, and 0 when they are not. */
#define ONLY_READ "scale_d scale_h scale_w"

#define BITS(kind) (1U << ATTR_##kind)

const struct mutation mutation_table[] = {
    {"negate", "the result's sign is wrong, or its truth", fits_all, .after = after_negate},
    {"off_by_one", "each element is its right neighbour", has_elements, .after = after_off_by_one},
    {"drop_tail", "the last element is not written", fits_all, .after = after_drop_tail},
    {"low_precision", "computed with half the significand", computes, .not= GIVES_FEW,
     .dtypes = DT_FLOATS, .after = after_low_precision},
    {"lose_nan", "NaN becomes 0", gives_floats, .not= NAN_IS_OPEN, .dtypes = DT_FLOATS,
     .after = after_lose_nan},
    {"lose_inf", "infinity becomes the largest value", gives_floats, .not= NEVER_INFINITE,
     .dtypes = DT_FLOATS, .after = after_lose_inf},
    {"flush", "subnormal results become 0", computes, .not= NEVER_SUBNORMAL, .dtypes = DT_FLOATS,
     .after = after_flush},
    {"epsilon", "2^-16 is added", computes, .dtypes = DT_FLOATS, .after = after_epsilon},
    {"saturate", "integer overflow saturates", computes_integers,
     .not= NEVER_WRAPS " " OVERFLOW_IS_OPEN, .dtypes = DT_INTS, .after = after_saturate},
    {"wrong_round", "rounds another way", rounds, .not= "atan2", .after = after_wrong_round},
    {"unordered", "a comparison with NaN is the other way", compares, .dtypes = DT_FLOATS,
     .after = after_unordered},
    {"wrong_boundary", "a comparison of equals is the other way", compares,
     .after = after_wrong_boundary},
    {"skip", "the op is left out", keeps_dtype, .after = after_skip},
    {"confuse", "another op of the same form is taken", has_sibling, .before = before_confuse},
    {"lose_first", "the first input element is taken as 0", fits_all, .not= OF_SHAPES,
     .before = before_lose_first},
    {"lose_last", "the last input element is taken as 0", fits_all, .not= OF_SHAPES,
     .before = before_lose_last},
    {"swap_operands", "the last two operands are exchanged", has_like_inputs,
     .not= COMMUTATIVE " scatter_nd", /* its indices have a form of their own */
     .before = before_swap_operands},
    {"stale_constant", "a constant is read as its first element", has_two_inputs,
     .before = before_stale_constant},
    {"scalar_broadcast", "the last operand is read as its first element", has_operands,
     .before = before_scalar_broadcast},
    {"signed", "unsigned is read as signed", reads_unsigned, .not= SIGN_IS_LAST,
     .dtypes = DT_UNSIGNED, .before = before_signed},
    {"forget_optional", "the optional input counts for nothing", has_optional_input,
     .before = before_forget_optional},
    {"ignore_bound", "the lower bound is ignored", has_minimum, .before = before_ignore_bound},
    {"flip_weight", "the weight is read backwards", is_product, .before = before_flip_weight},
    {"drop_tap", "the last term of sums is left out", is_product, .before = before_drop_tap},
    {"ignore_group", "all groups read the first one's channels", has_group,
     .before = before_ignore_group},
    {"swap_pads", "padding before and after are exchanged", has_pads, .before = before_swap_pads},
    {"pad_zero", "padding counts as 0", has_kernel_shape, .before = before_pad_zero},
    {"pad_edge", "padding repeats the edge", has_padded_input, .before = before_pad_edge},
    {"no_dilation", "dilation is ignored", has_dilations, .before = before_no_dilation},
    {"short_kernel", "windows are one shorter", has_kernel_shape, .before = before_short_kernel},
    {"clamp_index", "negative indices become 0", has_indices, .before = before_clamp_index},
    {"other_variance", "n - 1 in place of n", normalises, .before = before_other_variance},
    {"flip_flag", "an attribute is taken as its opposite", fits_all, .not= "sorted",
     .of_attrs = BITS(BOOL), .before = before_flip_flag},
    {"flag_shape", "with an attribute on, the output has another shape", fits_all,
     .of_attrs = BITS(BOOL), .before = before_flag_shape},
    {"wrong_number", "an attribute is off by a little: another axis, offset, padding", fits_all,
     .not= OF_THE_SIZE, .of_attrs = BITS(INT) | BITS(INTS), .before = before_wrong_number},
    {"real_zero", "an attribute is taken as 0", fits_all, .not= ONLY_READ, .of_attrs = BITS(REAL),
     .before = before_real_zero},
    {"real_one", "an attribute is taken as 1", fits_all, .of_attrs = BITS(REAL),
     .before = before_real_one},
    {"other_text", "an attribute is taken as another: a mode, an equation", fits_all,
     .of_attrs = BITS(TEXT), .before = before_other_text},
    {"overwrite", "the last operand is written over", fits_all, .overwrites = true},
    {"wrong_dtype", "the output has another dtype", fits_all, .form = form_dtype},
    {"wrong_shape", "the output has another shape", fits_all, .form = form_shape},
};
const size_t mutation_count = ARRAY_SIZE(mutation_table);

bool mutation_lists(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list ? strstr(list, name) : NULL; at; at = strstr(at + 1, name)) {
        bool starts = at == list || at[-1] == ' ', ends = at[n] == ' ' || at[n] == '\0';
        if (starts && ends) {
            return true;
        }
    }
    return false;
}

struct attr *site_attr(struct site *s, const char *name)
{
    for (uint32_t i = 0; i < s->node.n_attrs; i++) {
        if (strcmp(s->node.attrs[i].name, name) == 0) {
            return &s->node.attrs[i];
        }
    }
    return NULL;
}
