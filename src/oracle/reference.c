/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference of one test: every value by our own evaluator, and, only when a run does not equal
 * it at once, the bounds of the outputs.
 */
#include "oracle/oracle_internal.h"

#include <math.h>

/* Bounds of some outputs. */
struct partial {
    struct bounds bounds;
    bool *wanted; /* of which; NULL: none */
};

struct reference {
    const struct test *test;
    struct arena *arena;
    struct array *values;  /* by value id */
    struct array *flushed; /* the same without subnormals; NULL until asked for */
    unsigned samples;
    struct bounds all;          /* of all outputs by all samples; outputs NULL until asked for */
    struct partial some, first; /* by all samples, by the first */
    bool is_widened;
    bool is_strict;
    const struct precision *precision;   /* NULL: what is declared */
    struct reference *strict, *narrowed; /* NULL until asked for */
};

struct reference *reference_new(const struct test *test, struct arena *arena)
{
    const struct program *p = test->program;
    struct reference *r = arena_zalloc(arena, sizeof(*r));
    r->test = test;
    r->arena = arena;
    r->samples = bound_table.samples;
    r->values = ARENA_ZARRAY(arena, struct array, p->n_values);
    program_evaluate(p, test->inputs, r->values, arena);
    return r;
}

static struct reference *narrow(struct reference *r, const struct precision *precision)
{
    struct test *test = arena_copy(r->arena, r->test, sizeof(*test));
    test->program = program_narrow(r->test->program, precision, r->arena);
    struct reference *n = reference_new(test, r->arena);
    n->samples = r->samples;
    n->precision = precision;
    n->narrowed = r->narrowed;
    return n;
}

/* One for each map of dtypes that has been asked for: as many as a library has precisions. */
static struct reference *reference_narrowed(struct reference *r, const struct precision *precision)
{
    struct reference *n = r->narrowed;
    if (!program_is_narrowed(r->test->program, precision)) {
        return r;
    }
    while (n && n->precision != precision) {
        n = n->narrowed;
    }
    if (!n) {
        n = r->narrowed = narrow(r, precision);
    }
    return n;
}

static struct reference *reference_strict(struct reference *r)
{
    if (!program_has_half(r->test->program)) {
        return r;
    }
    if (!r->strict) {
        r->strict = arena_zalloc(r->arena, sizeof(*r));
        *r->strict = (struct reference){.test = r->test,
                                        .arena = r->arena,
                                        .values = r->values,
                                        .samples = r->samples,
                                        .is_strict = true};
    }
    return r->strict;
}

struct reference *reference_for(struct reference *r, const struct target *t)
{
    if (t && t->strict_casts) {
        return reference_strict(r);
    }
    return t && t->precision ? reference_narrowed(r, t->precision) : r;
}

/* Half floats are computed in single precision, where theirs are normal. */
static void flush(struct array *a)
{
    bool has_subnormals = dtype_is_float(a->dtype) && a->dtype != DTYPE_F16;
    real least = has_subnormals ? dtype_min_normal(a->dtype) : 0;
    for (size_t i = 0; i < a->n && has_subnormals; i++) {
        a->v[i] = fabsl(a->v[i]) < least ? copysignl(0, a->v[i]) : a->v[i];
    }
}

static void evaluate_flushed(struct reference *r)
{
    const struct program *p = r->test->program;
    r->flushed = ARENA_ZARRAY(r->arena, struct array, p->n_values);
    program_load(p, r->test->inputs, r->flushed, r->arena);
    for (uint32_t id = 0; id < p->n_values; id++) {
        flush(&r->flushed[id]);
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        const struct array *in[OP_INPUTS_MAX] = {0};
        struct array out[OP_OUTPUTS_MAX];
        for (uint32_t k = 0; k < node->n_in; k++) {
            in[k] = node->in[k] == VALUE_ABSENT ? NULL : &r->flushed[node->in[k]];
        }
        op_evaluate(p, node, in, true, out, NULL, r->arena);
        for (uint32_t o = 0; o < node->n_out; o++) {
            flush(&out[o]);
            r->flushed[node->out[o]] = out[o];
        }
    }
}

const struct array *reference_flushed(struct reference *r, uint32_t o)
{
    if (!r->flushed) {
        evaluate_flushed(r);
    }
    return &r->flushed[r->test->program->outputs[o]];
}

/* wanted: NULL for all, by all samples. */
static void find_bounds(struct reference *r, unsigned samples, unsigned draw, const bool *wanted,
                        bool is_first, struct bounds *bounds)
{
    const struct program *p = r->test->program;
    /* The perturbations are a function of the program alone, so a verdict repeats. */
    const struct bound_request request = {.p = p,
                                          .leaves = r->values,
                                          .seed = program_hash(p) + draw,
                                          .samples = samples,
                                          .c = bound_table.c,
                                          .wanted = wanted,
                                          .is_first = is_first,
                                          .is_strict = r->is_strict,
                                          .precision = r->precision};
    bound_program(&request, r->arena, bounds);
}

static const struct bounds *bounds_of(struct reference *r)
{
    if (!r->all.outputs) {
        find_bounds(r, r->samples, 0, NULL, false, &r->all);
    }
    return &r->all;
}

/* What has been wanted before is wanted again: of another run of the test. */
static const struct bounds *partial_bounds(struct reference *r, const bool *wanted, bool is_first,
                                           struct partial *p)
{
    uint32_t n = r->test->program->n_outputs;
    bool is_covered = p->wanted != NULL;
    if (r->all.outputs) {
        return &r->all;
    }
    if (!p->wanted) {
        p->wanted = ARENA_ZARRAY(r->arena, bool, n + 1);
    }
    for (uint32_t o = 0; o < n; o++) {
        is_covered &= p->wanted[o] || !wanted[o];
        p->wanted[o] |= wanted[o];
    }
    if (!is_covered) {
        unsigned samples = is_first ? bound_table.first_samples : r->samples;
        find_bounds(r, samples, 0, p->wanted, is_first, &p->bounds);
    }
    return &p->bounds;
}

const struct bounds *reference_first_bounds(struct reference *r, const bool *wanted)
{
    return partial_bounds(r, wanted, true, &r->first);
}

const struct bounds *reference_bounds(struct reference *r, const bool *wanted)
{
    return partial_bounds(r, wanted, false, &r->some);
}

/* What either says may be otherwise may be. */
static void widen(struct expectation *x, const struct expectation *more, struct arena *arena)
{
    real *deviation = ARENA_ZARRAY(arena, real, x->n + 1);
    uint8_t *state = arena_alloc(arena, x->n + 1);
    x->n_unstable = x->n_unspecified = 0;
    for (size_t i = 0; i < x->n; i++) {
        real a = x->deviation ? x->deviation[i] : 0, b = more->deviation ? more->deviation[i] : 0;
        deviation[i] = a > b ? a : b;
        state[i] = x->state[i] > more->state[i] ? x->state[i] : more->state[i];
        x->n_unstable += state[i] == ELEMENT_UNSTABLE;
        x->n_unspecified += state[i] == ELEMENT_UNSPECIFIED;
    }
    x->deviation = x->deviation || more->deviation ? deviation : NULL;
    x->state = state;
}

const struct bounds *reference_widened(struct reference *r)
{
    bounds_of(r);
    for (unsigned draw = 1; !r->is_widened && draw < bound_table.draws; draw++) {
        struct bounds more = {0};
        find_bounds(r, r->samples, draw, NULL, false, &more);
        for (uint32_t o = 0; o < r->test->program->n_outputs; o++) {
            widen(&r->all.outputs[o], &more.outputs[o], r->arena);
        }
        r->all.traps |= more.traps;
    }
    r->is_widened = true;
    return &r->all;
}

const struct expectation *reference_expectation(struct reference *r, uint32_t output)
{
    CHECK(output < r->test->program->n_outputs);
    return &bounds_of(r)->outputs[output];
}

bool reference_traps(struct reference *r)
{
    return bounds_of(r)->traps;
}

void reference_set_samples(struct reference *r, unsigned samples)
{
    r->samples = samples;
    r->all.outputs = NULL;
    r->some.wanted = NULL;
    r->is_widened = false;
}

const struct array *reference_values(struct reference *r)
{
    return r->values;
}

const struct array *reference_output(struct reference *r, uint32_t o)
{
    return &r->values[r->test->program->outputs[o]];
}
