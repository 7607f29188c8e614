/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a correct implementation may be from the reference, element by element. The program is
 * evaluated K more times; each inexact result is moved by the rounding error its op may make, the
 * inputs of ops that jump by a little more, so that both sides of a jump are seen. What the samples
 * spread over is allowed. Nothing is compared where the spread does not bound the result: integers
 * and bools that may change, what indices that may change choose, what is behind a pole or an
 * overflow that may happen.
 */
#include "oracle/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct bound_table bound_table = {
    .samples = 12, .draws = 4, .first_samples = 1, .c = 3.0, .widen = 2.0, .cheap_steps = 2};

bool program_has_half(const struct program *p)
{
    for (uint32_t i = 0; i < p->n_values; i++) {
        if (dtype_is_half(p->values[i].dtype)) {
            return true;
        }
    }
    return false;
}

/* Room for all variants; of an exact value they are one and the same. */
static void track_init(struct sampler *s, uint32_t id, const struct array *declared, bool is_exact)
{
    struct track *t = &s->tracks[id];
    size_t n = declared->n;
    t->is_exact = is_exact;
    t->variant = ARENA_ARRAY(s->arena, struct array, s->n_variants);
    t->block = xmalloc(sizeof(real) * (n * (is_exact ? 1 : s->n_variants) + 1));
    for (unsigned k = 0; k < s->n_variants; k++) {
        t->variant[k] = *declared;
        t->variant[k].v = t->block + (is_exact ? 0 : n * k);
    }
    memcpy(t->block, declared->v, sizeof(real) * n);
}

static void track_release(struct track *t)
{
    free(t->block);
    free(t->deviation);
    free(t->mark);
    *t = (struct track){0};
}

static bool node_jumps(const struct program *p, const struct node *node)
{
    bool to_integers = false;
    for (uint32_t o = 0; o < node->n_out; o++) {
        to_integers |= !dtype_is_float(p->values[node->out[o]].dtype);
    }
    enum jumps jumps = node->op->jumps;
    bool is_continuous = jumps == JUMPS_TO_INTEGERS || jumps == JUMPS_IN_ORDER;
    return jumps != JUMPS_NEVER && (to_integers || !is_continuous);
}

/* In this sample what may be 0 is: the last of all. The first ones, drawn alone, have none, or
 * their bounds would not lie within those of all. */
static bool passes_zero(const struct sampler *s, unsigned k)
{
    return k == s->n_variants - 1 && k >= s->first_sample + bound_table.first_samples;
}

/* Input `input` moved by a few deviations. Every second input moves the other way, so that samples
 * 0 and 1 bring any two that are compared past each other on both sides; what may be 0 is so in the
 * last one, for the sign of 0 is neither of those beside it. */
static const struct array *widened(struct sampler *s, const struct track *t, unsigned k,
                                   uint32_t input)
{
    const struct array *a = &t->variant[k];
    struct array *moved = ARENA_ARRAY(s->scratch, struct array, 1);
    *moved = *a;
    moved->v = ARENA_ARRAY(s->scratch, real, a->n);
    const float *way = draw_ways(s, k, a, NULL, t->deviation);
    real step = (real)bound_table.widen * (input % 2 ? -1 : 1);
    enum dtype dtype = dtype_is_half(a->dtype) ? DTYPE_F32 : a->dtype;
    for (size_t i = 0; i < a->n; i++) {
        real d = t->deviation[i];
        bool can_move = d > 0 && isfinite(d) && isfinite(a->v[i]);
        moved->v[i] = can_move ? a->v[i] + (real)way[i] * step * d : a->v[i];
        if (fabsl(moved->v[i]) > dtype_max(dtype)) {
            moved->v[i] = dtype_round(dtype, moved->v[i]);
        }
        if (passes_zero(s, k) && can_move && fabsl(a->v[i]) <= fabsl(step) * d) {
            moved->v[i] = 0;
        }
    }
    return moved;
}

static const struct array *rounded(struct sampler *s, const struct array *a)
{
    struct array *copy = ARENA_ARRAY(s->scratch, struct array, 1);
    *copy = *a;
    copy->v = arena_copy(s->scratch, a->v, sizeof(real) * a->n);
    dtype_round_many(a->dtype, copy->v, a->n);
    return copy;
}

/* Three bits of the six: no two of the 20 codes hold one another. */
static unsigned mix_code(uint64_t reader)
{
    static const uint8_t codes[] = {7,  11, 13, 14, 19, 21, 22, 25, 26, 28,
                                    35, 37, 38, 41, 42, 44, 49, 50, 52, 56};
    return codes[reader % ARRAY_SIZE(codes)];
}

/*
 * A compiler may keep half-precision results in single precision (variant 1 does so everywhere) and
 * round them for one reader and not for another. In the mixed variants, without other errors, each
 * reader of a value has a code: of any two, one variant rounds for the first alone and one for the
 * second alone. Each sample decides by use; its errors put values near those that rounding gives,
 * so that alone would not show what rounding does to a value halfway between. The two samples that
 * move everything one way always round, which shows what overflows.
 */
static bool reads_rounded(const struct sampler *s, const struct node *node, unsigned k,
                          uint32_t input)
{
    const struct track *t = &s->tracks[node->in[input]];
    if (k < 2 || !dtype_is_half(t->variant[0].dtype)) {
        return false;
    }
    if (k < s->first_sample) {
        return mix_code(hash_mix(node->in[input], 0) + t->n_readers + input) >> (k - 2) & 1;
    }
    return k < s->first_sample + 2 || s->node_seed >> ((k + 5 * input) % 64) & 1;
}

static void gather_inputs(struct sampler *s, const struct node *node, unsigned k, bool jumps,
                          const struct array **in)
{
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == VALUE_ABSENT) {
            in[i] = NULL;
            continue;
        }
        const struct track *t = &s->tracks[node->in[i]];
        bool move =
            jumps && k >= s->first_sample && t->deviation && dtype_is_float(t->variant[0].dtype);
        s->is_settled &= !move;
        in[i] = move ? widened(s, t, k, i) : &t->variant[k];
        if (reads_rounded(s, node, k, i)) {
            in[i] = rounded(s, in[i]);
        }
    }
}

/* exact: the declared results before rounding. */
static void keep_variant(struct sampler *s, const struct node *node, unsigned k,
                         const struct array *out, const struct array *exact, real *const *noise)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct array *dst = &s->tracks[node->out[o]].variant[k];
        if (k >= s->first_sample && dtype_is_float(dst->dtype)) {
            const real *declared = exact[o].v == out[o].v ? NULL : exact[o].v;
            move_results(s, k, &out[o], declared, noise[o], dst->v);
        } else {
            memcpy(dst->v, out[o].v, sizeof(real) * dst->n);
        }
        bool wide = has_wide(s) && k > 0 && dtype_is_half(dst->dtype);
        dtype_round_many(wide ? DTYPE_F32 : dst->dtype, dst->v, dst->n);
    }
}

static int class_of(real v)
{
    if (isnan(v)) {
        return 3;
    }
    return isinf(v) ? (v > 0 ? 1 : 2) : 0;
}

/* Do all variants read the very same elements? */
static bool inputs_are_exact(const struct sampler *s, const struct node *node)
{
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] != VALUE_ABSENT && !s->tracks[node->in[i]].is_exact) {
            return false;
        }
    }
    return true;
}

/* Do all runs give what is declared? So it is where nothing rounds on the way. */
static bool node_is_exact(const struct sampler *s, const struct node *node, const struct array *out,
                          real *const *noise)
{
    if (!inputs_are_exact(s, node)) {
        return false;
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        for (size_t i = 0; i < out[o].n; i++) {
            if (noise[o][i] != 0) {
                return false;
            }
        }
    }
    return true;
}

/* The largest difference of a variant's element from the declared one, INFINITY when their classes
 * are others. */
static real deviation_at(const struct track *t, unsigned n_variants, size_t i)
{
    size_t n = t->variant[0].n;
    const real *v = t->block + i, base = *v;
    real most = 0;
    for (unsigned k = 1; k < n_variants; k++) {
        real d = fabsl(v[k * n] - base);
        if (d <= most) {
            continue;
        }
        if (isfinite(d)) {
            most = d;
        } else if (class_of(v[k * n]) != class_of(base)) { /* infinity - infinity is NaN, too */
            return INFINITY;
        }
    }
    return most;
}

/* What may be 0 is so in the last sample, for results of either sign do not tell what even
 * functions (abs, square) give of those between. */
static void pass_zero(const struct sampler *s, struct track *t)
{
    const struct array *last = &t->variant[s->n_variants - 1];
    if (!passes_zero(s, s->n_variants - 1) || !dtype_is_float(last->dtype)) {
        return;
    }
    for (size_t i = 0; i < last->n; i++) {
        real d = t->deviation[i];
        last->v[i] = d > 0 && isfinite(d) && fabsl(t->variant[0].v[i]) <= d ? 0 : last->v[i];
    }
}

static void measure(struct sampler *s, const struct node *node)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct track *t = &s->tracks[node->out[o]];
        bool any = false;
        t->deviation = xmalloc(sizeof(real) * (t->variant[0].n + 1));
        for (size_t i = 0; i < t->variant[0].n; i++) {
            t->deviation[i] = deviation_at(t, s->n_variants, i);
            any |= t->deviation[i] != 0;
        }
        if (any) {
            pass_zero(s, t);
        } else {
            free(t->deviation);
            t->deviation = NULL;
        }
        for (unsigned k = 0; k < s->n_variants; k++) {
            t->variant[k].inexact = any;
        }
    }
}

/* The declared inputs, said to be inexact. */
static void doubt_inputs(struct sampler *s, uint32_t n_in, const struct array **in)
{
    for (uint32_t i = 0; i < n_in; i++) {
        if (in[i]) {
            struct array *copy = arena_copy(s->scratch, in[i], sizeof(*copy));
            copy->inexact = true;
            in[i] = copy;
        }
    }
}

/* noise[o][i] becomes at least more[o][i]. */
static void widen_noise(struct sampler *s, const struct node *node, real **noise, real **more)
{
    mark_overflowing(s, node, more);
    for (uint32_t o = 0; o < node->n_out; o++) {
        size_t n = s->tracks[node->out[o]].variant[0].n;
        for (size_t i = 0; i < n; i++) {
            noise[o][i] = fmaxl(noise[o][i], more[o][i]);
        }
    }
}

/* The error of a formula that the library documents. */
static void approximate(const struct sampler *s, const struct node *node, const struct array *x,
                        const struct array *y, real *noise)
{
    real error = s->precision ? (real)approximation_of(s->precision, node) : 0;
    for (size_t i = 0; error > 0 && i < y->n; i++) {
        real size = isfinite(x->v[i]) ? fabsl(x->v[i]) : 0;
        noise[i] = isfinite(y->v[i]) ? fmaxl(noise[i], error * fmaxl(size, 1)) : noise[i];
    }
}

/* A cast of program_narrow. */
static bool is_entry(const struct program *p, const struct node *node)
{
    return node->n_attrs == 0 && p->values[node->in[0]].kind != VALUE_NODE &&
           strcmp(node->op_name, "cast") == 0;
}

/* The declared result, its errors, and room for the samples. true: it is exact. */
static bool declare(struct sampler *s, const struct node *node, const struct array **in,
                    struct array *out, real **noise)
{
    op_evaluate(s->p, node, in, false, out, noise, s->scratch);
    if (s->is_strict) {
        op_strict_noise(node, in, out, noise);
    }
    approximate(s, node, in[0], out, noise[0]);
    bool exact = node_is_exact(s, node, out, noise);
    for (uint32_t o = 0; o < node->n_out; o++) {
        track_init(s, node->out[o], &out[o], exact);
    }
    mark_overflowing(s, node, noise);
    keep_variant(s, node, 0, out, out, noise);
    mark_unspecified(s, node, in, 0);
    mark_overflowed(s, node, out);
    for (uint32_t o = 0; s->precision && o < node->n_out; o++) {
        mark_unclaimed(s, node->out[o], is_entry(s->p, node) ? in[0] : NULL);
    }
    return exact;
}

/* The exact result of variant k on `in`, and more noise where its inputs give more: the error that
 * the op may make is that of the declared inputs and of those moved all one way, for beyond a kink
 * (elu at 0) another one holds. */
static void evaluate_variant(struct sampler *s, const struct node *node, unsigned k, bool is_folded,
                             const struct array **in, struct array *out, real **noise)
{
    real *more[OP_OUTPUTS_MAX] = {0};
    bool asks = s->asks_variants && (k == s->first_sample || k == s->first_sample + 1);
    if (asks && is_folded) {
        doubt_inputs(s, node->n_in, in);
    }
    op_evaluate(s->p, node, in, false, out, asks ? more : NULL, s->scratch);
    if (asks && s->is_strict) {
        op_strict_noise(node, in, out, more);
    }
    if (asks) {
        widen_noise(s, node, noise, more);
    }
}

static void sample_node(struct sampler *s, uint32_t index)
{
    const struct node *node = &s->p->nodes[index];
    bool jumps = node_jumps(s->p, node), is_folded = may_be_folded(s->p, node);
    draw_codes(s, node);
    const struct array *in[OP_INPUTS_MAX] = {0}, *declared_in[OP_INPUTS_MAX] = {0};
    real *noise[OP_OUTPUTS_MAX] = {0};
    struct array out[OP_OUTPUTS_MAX], exact[OP_OUTPUTS_MAX];
    gather_inputs(s, node, 0, false, declared_in);
    if (is_folded) {
        doubt_inputs(s, node->n_in, declared_in);
    }
    unsigned n_variants = declare(s, node, declared_in, exact, noise) ? 1 : s->n_variants;
    bool is_same = inputs_are_exact(s, node); /* for every variant */
    for (unsigned k = 1; k < n_variants; k++) {
        struct arena_mark mark = arena_mark(s->scratch);
        if (is_same) {
            keep_variant(s, node, k, exact, exact, noise);
        } else {
            gather_inputs(s, node, k, jumps, in);
            evaluate_variant(s, node, k, is_folded, in, out, noise);
            keep_variant(s, node, k, out, exact, noise);
            mark_unspecified(s, node, in, k);
        }
        arena_rewind(s->scratch, mark); /* the same memory again, which is near */
    }
    if (n_variants > 1) {
        measure(s, node);
    }
    mark_node(s, node, declared_in);
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] != VALUE_ABSENT) {
            s->tracks[node->in[i]].n_readers += node->n_in;
        }
    }
    arena_reset(s->scratch);
}

static void release_dead(struct sampler *s, uint32_t index)
{
    const struct node *node = &s->p->nodes[index];
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == VALUE_ABSENT) {
            continue;
        }
        struct track *t = &s->tracks[node->in[i]];
        if (t->block && !t->is_output && t->last_use == index) {
            track_release(t);
        }
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct track *t = &s->tracks[node->out[o]];
        if (!t->is_output && t->last_use <= index) { /* nobody reads it */
            track_release(t);
        }
    }
}

/* Root mean square of the finite elements: the scale at which an error in this tensor is an error.
 */
static real scale_of(const struct array *a)
{
    real sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (isfinite(a->v[i])) {
            sum += a->v[i] * a->v[i];
            n++;
        }
    }
    return n ? sqrtl(sum / (real)n) : 0;
}

/* Do all samples, and what lies c spreads beyond them, round to the declared infinity? In a half
 * output: its value may be finite where it is kept in single precision. */
static bool overflows_surely(const struct track *t, unsigned n_variants, double c, size_t i)
{
    const struct array *base = &t->variant[0];
    real way = base->v[i] < 0 ? -1 : 1, least = INFINITY, most = 0;
    for (unsigned k = 0; k < n_variants; k++) {
        real v = way * t->variant[k].v[i];
        if (isnan(v)) {
            return false;
        }
        least = fminl(least, v);
        most = isinf(v) ? most : fmaxl(most, v);
    }
    real spread = most > least ? most - least : 0;
    real closest = dtype_round(base->dtype, least - (real)c * spread);
    return isinf(base->v[i]) && closest == INFINITY; /* of one sign */
}

/* What samples of an output say, and its deviation, which may be mended. */
static uint8_t element_state(const struct track *t, unsigned n_variants, real scale, double c,
                             size_t i)
{
    uint8_t mark = t->mark ? t->mark[i] : 0;
    if (mark & MARK_UNSPECIFIED) {
        return ELEMENT_UNSPECIFIED;
    }
    real *d = t->deviation ? &t->deviation[i] : NULL;
    const struct array *base = &t->variant[0];
    if (!dtype_is_float(base->dtype)) {
        bool may_change = mark & (MARK_JUMP | MARK_WILD) || (d && *d != 0);
        return may_change ? ELEMENT_UNSTABLE : ELEMENT_COMPARED;
    }
    if (mark & MARK_STEP && d) {
        *d *= (real)STEP_FACTOR;
    }
    if (d && mark & MARK_CLASH && dtype_is_half(base->dtype) &&
        overflows_surely(t, n_variants, c, i)) {
        *d = 0;
    }
    /* A bound as large as the value and as the tensor's typical value sees no error worth the name.
     */
    real seen = fabsl(base->v[i]) > scale ? fabsl(base->v[i]) : scale;
    bool is_blind = d && (isinf(*d) || (*d > 0 && (real)c * *d >= seen));
    return mark & MARK_WILD || is_blind ? ELEMENT_UNSTABLE : ELEMENT_COMPARED;
}

/*
 * The deviation of an output without its last rounding, which of halves is by far the most and
 * needs no multiplier: two numbers d apart round to numbers at most d and a step apart, and
 * bound_at allows that step. What hangs on jumps keeps all of it.
 */
static real *unrounded_deviation(struct sampler *s, const struct track *t)
{
    const struct array *base = &t->variant[0];
    real u = dtype_is_half(base->dtype) ? dtype_roundoff(base->dtype) : 0;
    real *d = arena_copy(s->arena, t->deviation, sizeof(real) * base->n);
    for (size_t i = 0; u > 0 && i < base->n; i++) {
        bool is_step = t->mark && t->mark[i] & MARK_STEP;
        d[i] = is_step ? d[i] : fmaxl(d[i] - u * fabsl(base->v[i]), 0);
    }
    return d;
}

static void expect(struct sampler *s, uint32_t id, double c, struct expectation *x)
{
    const struct track *t = &s->tracks[id];
    const struct array *base = &t->variant[0];
    size_t n = base->n;
    *x = (struct expectation){
        .dtype = base->dtype, .shape = base->shape, .n = n, .is_exact = t->is_exact};
    x->declared = arena_copy(s->arena, base->v, sizeof(real) * n);
    real *wide = has_wide(s) ? arena_copy(s->arena, t->variant[1].v, sizeof(real) * n) : NULL;
    uint8_t *state = arena_alloc(s->arena, n + 1);
    real scale = scale_of(base);
    for (size_t i = 0; i < n; i++) {
        state[i] = element_state(t, s->n_variants, scale, c, i);
        x->n_unstable += state[i] == ELEMENT_UNSTABLE;
        x->n_unspecified += state[i] == ELEMENT_UNSPECIFIED;
        if (wide && state[i] == ELEMENT_COMPARED && !isfinite(base->v[i])) {
            wide[i] = base->v[i]; /* all that may come back is of this class */
        }
    }
    x->wide = wide ? wide : x->declared;
    x->deviation = t->deviation ? unrounded_deviation(s, t) : NULL;
    x->state = state;
}

static bool is_needed(const struct sampler *s, const struct node *node)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        if (s->tracks[node->out[o]].is_needed) {
            return true;
        }
    }
    return false;
}

/* Which values the wanted outputs need, and which node is the last to read each. */
static void find_uses(struct sampler *s, const bool *wanted)
{
    const struct program *p = s->p;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        struct track *t = &s->tracks[p->outputs[o]];
        t->is_output |= !wanted || wanted[o];
        t->is_needed = t->is_output;
    }
    for (uint32_t n = p->n_nodes; n-- > 0;) {
        const struct node *node = &p->nodes[n];
        if (!is_needed(s, node)) {
            continue;
        }
        for (uint32_t i = 0; i < node->n_in; i++) {
            if (node->in[i] != VALUE_ABSENT) {
                struct track *t = &s->tracks[node->in[i]];
                t->is_needed = true;
                t->last_use = n > t->last_use ? n : t->last_use;
            }
        }
    }
}

static void sample_program(struct sampler *s, const struct bound_request *q)
{
    const struct program *p = s->p;
    find_uses(s, q->wanted);
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind != VALUE_NODE && s->tracks[id].is_needed) {
            track_init(s, id, &q->leaves[id], true);
            mark_unclaimed(s, id, NULL);
        }
    }
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        if (is_needed(s, &p->nodes[n])) {
            sample_node(s, n);
            release_dead(s, n);
        } else {
            skip_codes(s);
        }
    }
}

void bound_program(const struct bound_request *q, struct arena *arena, struct bounds *bounds)
{
    const struct program *p = q->p;
    CHECK(q->samples >= 1 && q->samples + 2 + MIXED <= VARIANTS_MAX);
    struct sampler s = {.p = p,
                        .arena = arena,
                        .scratch = arena_new(),
                        .rng = rng_seeded(q->seed),
                        .asks_variants = !q->is_first,
                        .is_strict = q->is_strict,
                        .precision = q->precision,
                        .is_settled = true};
    s.first_sample = !program_has_half(p) || q->is_strict ? 1 : q->is_first ? 2 : 2 + MIXED;
    s.n_variants = s.first_sample + q->samples;
    s.tracks = xcalloc(p->n_values + 1, sizeof(*s.tracks));
    s.largest = xcalloc(p->n_nodes + 1, sizeof(*s.largest));
    sample_program(&s, q);
    bounds->outputs = ARENA_ZARRAY(arena, struct expectation, p->n_outputs + 1);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        if (s.tracks[p->outputs[o]].is_output) {
            expect(&s, p->outputs[o], q->c, &bounds->outputs[o]);
        }
    }
    bounds->traps = s.traps;
    bounds->is_settled = s.is_settled;
    for (uint32_t id = 0; id < p->n_values; id++) {
        track_release(&s.tracks[id]);
    }
    free(s.tracks);
    free(s.largest);
    arena_free(s.scratch);
}

real bound_at(const struct expectation *x, double c, size_t i)
{
    if (!dtype_is_float(x->dtype) || !isfinite(x->declared[i])) {
        return 0; /* nothing is near infinity; where samples overflow the element is unstable */
    }
    if (x->is_exact) {
        return 0;
    }
    real d = x->deviation ? x->deviation[i] : 0;
    /* The reference's rounding and the run's: 2u|y| is one to two steps, a step at the bottom of
     * the range. */
    real step = 2 * dtype_roundoff(x->dtype) * fabsl(x->declared[i]) + dtype_tiny(x->dtype);
    return (real)c * d + step;
}

void expectation_tensors(const struct expectation *x, enum dtype stored, struct arena *arena,
                         struct tensor *expected, struct tensor *bound)
{
    *expected = tensor_new(arena, stored, &x->shape);
    *bound = tensor_new(arena, DTYPE_F64, &x->shape);
    for (size_t i = 0; i < x->n; i++) {
        real d = x->declared[i];
        real slack = isfinite(d) ? bound_at(x, bound_table.c, i) + fabsl(x->wide[i] - d) : 0;
        dtype_store(stored, expected->data, i, d);
        dtype_store(DTYPE_F64, bound->data, i, x->state[i] == ELEMENT_COMPARED ? slack : (real)NAN);
    }
}
