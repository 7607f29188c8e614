/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value oracle: is every element of every output where the reference allows it to be? Equal or
 * a few steps away passes at once; only else bounds are computed, of the first samples and, where
 * those do not decide, of all, and of more draws of them before a run is called wrong. An output of
 * which over half cannot be compared is unjudged, never a pass.
 */
#include "oracle/oracle_internal.h"

#include <math.h>

/* What came back as one output, against the declared values. */
struct received {
    const real *v;
    bool is_same;   /* every element equal */
    bool is_beside; /* or one step away */
    bool is_near;   /* or a few */
};

static bool is_same(real a, real e)
{
    return a == e || (isnan(a) && isnan(e));
}

static void compare_steps(const struct array *expected, struct received *got)
{
    /* Two steps of a half float are up to 1.6 %: a wrong element of a move may lie as near. */
    int64_t steps = dtype_is_half(expected->dtype) ? 0 : bound_table.cheap_steps;
    bool is_float = dtype_is_float(expected->dtype);
    *got = (struct received){got->v, true, true, true};
    for (size_t i = 0; i < expected->n && got->is_near; i++) {
        real a = got->v[i], e = expected->v[i];
        if (is_same(a, e)) {
            continue;
        }
        bool is_finite = is_float && isfinite(a) && isfinite(e);
        int64_t away = is_finite ? dtype_steps(expected->dtype, a, e) : INT64_MAX;
        got->is_same = false;
        got->is_beside &= away <= 1;
        got->is_near = away <= steps;
    }
    got->is_beside &= got->is_near;
}

static struct received *receive(const struct judgement *j)
{
    uint32_t n = j->test->program->n_outputs;
    struct received *got = ARENA_ZARRAY(j->arena, struct received, n + 1);
    for (uint32_t o = 0; o < n; o++) {
        const struct tensor *t = &j->outcome->outputs[o];
        const struct array *expected = reference_output(j->reference, o);
        real *v = ARENA_ARRAY(j->arena, real, expected->n);
        dtype_load_many(t->dtype, t->data, expected->n, v);
        got[o].v = v;
        compare_steps(expected, &got[o]);
    }
    return got;
}

/* Distance of `a` outside [declared, wide], 0 inside; INFINITY when another class. */
static real distance(const struct expectation *x, size_t i, real a)
{
    real d = x->declared[i], w = x->wide[i];
    if (isnan(d) || isnan(a)) {
        return isnan(d) && isnan(a) ? 0 : INFINITY;
    }
    real lo = d < w ? d : w, hi = d < w ? w : d;
    if (a >= lo && a <= hi) {
        return 0;
    }
    return a < lo ? lo - a : a - hi; /* INFINITY where one of them is infinite */
}

static bool may_flush(const struct target *t)
{
    return t && (t->flushes_subnormals || t->kind->flushes_subnormals);
}

/* Extra distance a target says it needs. Half floats are computed in single precision, where theirs
 * are normal. */
static real target_slack(const struct target *t, const struct expectation *x)
{
    bool flushes = may_flush(t) && dtype_is_float(x->dtype) && x->dtype != DTYPE_F16;
    return flushes ? dtype_min_normal(x->dtype) : 0;
}

static bool element_allowed(const struct expectation *x, size_t i, real a, double c, real slack)
{
    real gap = distance(x, i, a), bound = bound_at(x, c, i) + slack;
    if (gap == 0 || gap <= bound) { /* the bound of an expected NaN is NaN */
        return true;
    }
    /* Rounding up past the largest value is overflow to infinity, and legal within the bound. */
    real d = x->declared[i], top = dtype_max(x->dtype);
    return dtype_is_float(x->dtype) && isinf(a) && isfinite(d) && (a > 0) == (d > 0) &&
           fabsl(d) + bound >= top;
}

/* May it come of a subnormal that the target flushes: is it another element without those? */
static bool hangs_on_subnormals(const struct judgement *j, const struct expectation *x, uint32_t o,
                                size_t i, double c, real slack)
{
    if (!may_flush(j->target)) {
        return false;
    }
    return !element_allowed(x, i, reference_flushed(j->reference, o)->v[i], c, slack);
}

/* How bad: distance over bound; infinite for another class. For the worst element. */
static real badness(const struct expectation *x, size_t i, real a, double c, real slack)
{
    real bound = bound_at(x, c, i) + slack, gap = distance(x, i, a);
    return isinf(gap) || bound == 0 ? (real)1e30 + (isfinite(gap) ? gap : 0) : gap / bound;
}

/* Outputs judged so far. */
struct tally {
    struct verdict v;
    real worst;      /* badness of its element */
    bool is_blind;   /* over half of an output cannot be compared, and it is not near at once */
    bool is_excused; /* an element that cannot be compared is not the declared one */
};

static void judge_output(const struct judgement *j, const struct expectation *x,
                         const struct received *got, uint32_t o, struct tally *t)
{
    double c = bound_table.c;
    real slack = target_slack(j->target, x);
    for (size_t i = 0; i < x->n; i++) {
        real a = got->v[i];
        bool is_compared = x->state[i] == ELEMENT_COMPARED;
        t->v.n_compared += is_compared;
        if (is_same(a, x->declared[i])) {
            continue;
        }
        t->is_excused |= !is_compared;
        if (!is_compared || element_allowed(x, i, a, c, slack) ||
            hangs_on_subnormals(j, x, o, i, c, slack)) {
            continue;
        }
        t->v.n_wrong++;
        real bad = badness(x, i, a, c, slack);
        if (bad > t->worst) {
            t->worst = bad;
            t->v.output = o;
            t->v.element = i;
            t->v.expected = x->declared[i];
            t->v.actual = a;
            t->v.bound = bound_at(x, c, i) + slack;
        }
    }
    t->v.n_unstable += x->n_unstable;
    t->v.n_unspecified += x->n_unspecified;
    t->is_blind |= x->n > 0 && 2 * (x->n_unstable + x->n_unspecified) > x->n && !got->is_near;
}

static const char *describe_worst(const struct judgement *j, const struct verdict *v)
{
    const struct program *p = j->test->program;
    enum dtype d = p->values[p->outputs[v->output]].dtype;
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s[%zu]: expected ", p->values[p->outputs[v->output]].name, v->element);
    dtype_print_value(d, v->expected, &text);
    buffer_puts(&text, ", got ");
    dtype_print_value(d, v->actual, &text);
    buffer_printf(&text, ", allowed error %.3Lg; %zu of %zu compared elements wrong", v->bound,
                  v->n_wrong, v->n_compared);
    const char *kept = arena_strdup(j->arena, text.data);
    buffer_release(&text);
    return kept;
}

/* One step away lies within every bound but that of an exact value, and no value is exact on whose
 * way the reference has rounded. */
static bool needs_bounds(const struct received *got, const struct array *expected)
{
    return !got->is_same && !(got->is_beside && expected->inexact);
}

/* Of those outputs alone that need bounds. */
static const bool *wanted_outputs(const struct judgement *j, const struct received *got)
{
    const struct program *p = j->test->program;
    bool *wanted = ARENA_ZARRAY(j->arena, bool, p->n_outputs + 1);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        wanted[o] = needs_bounds(&got[o], reference_output(j->reference, o));
    }
    return wanted;
}

/* wanted: NULL for all. */
static struct tally judge_by(const struct judgement *j, const struct bounds *bounds,
                             const bool *wanted, const struct received *got)
{
    struct tally t = {.v = {.oracle = oracle_value.name}, .worst = -1};
    for (uint32_t o = 0; o < j->test->program->n_outputs; o++) {
        if (!wanted || wanted[o]) {
            judge_output(j, &bounds->outputs[o], &got[o], o, &t);
        }
    }
    return t;
}

/*
 * By the first samples, and by all where those do not decide. They do where all samples must say
 * the same; and where an element's bound hangs on how far they move what jumps, these moves are as
 * right as any.
 */
static struct tally judge_wanted(const struct judgement *j, const struct received *got)
{
    const bool *wanted = wanted_outputs(j, got);
    const struct bounds *first = reference_first_bounds(j->reference, wanted);
    struct tally t = judge_by(j, first, wanted, got);
    if (t.v.n_wrong == 0 && (first->is_settled || !t.is_excused)) {
        return t;
    }
    return judge_by(j, reference_bounds(j->reference, wanted), wanted, got);
}

static bool all_near(const struct program *p, const struct received *got)
{
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        if (!got[o].is_near) {
            return false;
        }
    }
    return true;
}

static bool value_judge(const struct judgement *given, struct verdict *v)
{
    struct judgement own = *given, *j = &own;
    own.reference = reference_for(given->reference, given->target);
    const struct received *got = receive(j);
    if (all_near(j->test->program, got)) {
        return false;
    }
    struct tally tally = judge_wanted(j, got);
    if (tally.v.n_wrong > 0) {
        tally = judge_by(j, reference_widened(j->reference), NULL, got);
    }
    *v = tally.v;
    if (v->n_wrong) {
        v->kind = VERDICT_FINDING;
        v->text = describe_worst(j, v);
        return true;
    }
    if (tally.is_blind) {
        v->kind = VERDICT_UNJUDGED;
        v->text = "over half of an output is unstable or unspecified";
        return true;
    }
    return false;
}

double value_critical_c(struct reference *r, const struct outcome *o)
{
    real worst = 0;
    for (uint32_t k = 0; k < o->n_outputs; k++) {
        const struct expectation *x = reference_expectation(r, k);
        for (size_t i = 0; i < x->n; i++) {
            if (x->state[i] != ELEMENT_COMPARED) {
                continue;
            }
            real a = dtype_load(x->dtype, o->outputs[k].data, i);
            if (element_allowed(x, i, a, 0, 0)) {
                continue;
            }
            real d = x->deviation ? x->deviation[i] : 0;
            real gap = distance(x, i, a) - bound_at(x, 0, i);
            real c = d > 0 && isfinite(gap) ? gap / d : INFINITY;
            worst = c > worst ? c : worst;
        }
    }
    return (double)worst;
}

const struct oracle oracle_value = {
    .name = "value",
    .summary = "every element within the reference's own error bound",
    .judge = value_judge,
};
