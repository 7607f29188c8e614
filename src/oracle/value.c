/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value oracle: is every element of every output where the reference allows it to be? Equal or
 * a few steps away passes at once; only else the bounds are computed. An output of which over half
 * cannot be compared is unjudged, never a pass.
 */
#include "oracle/oracle_internal.h"

#include <math.h>

static bool cheap_equal(const struct array *expected, const struct tensor *actual)
{
    /* Two steps of a half float are up to 1.6 %: a wrong element of a move may lie as near. */
    int64_t steps = dtype_is_half(expected->dtype) ? 0 : bound_table.cheap_steps;
    bool is_float = dtype_is_float(expected->dtype);
    for (size_t i = 0; i < expected->n; i++) {
        real a = dtype_load(actual->dtype, actual->data, i), e = expected->v[i];
        if (a == e || (isnan(a) && isnan(e))) {
            continue;
        }
        if (!is_float || isnan(a) || isnan(e) || isinf(a) || isinf(e) ||
            dtype_steps(expected->dtype, a, e) > steps) {
            return false;
        }
    }
    return true;
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

/* Extra distance a target says it needs. */
static real target_slack(const struct target *t, const struct expectation *x)
{
    bool flushes = t && t->kind->flushes_subnormals && dtype_is_float(x->dtype);
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

/* How bad: distance over bound; infinite for another class. For the worst element. */
static real badness(const struct expectation *x, size_t i, real a, double c, real slack)
{
    real bound = bound_at(x, c, i) + slack, gap = distance(x, i, a);
    return isinf(gap) || bound == 0 ? (real)1e30 + (isfinite(gap) ? gap : 0) : gap / bound;
}

static void judge_output(const struct judgement *j, uint32_t o, struct verdict *v, real *worst)
{
    const struct expectation *x = reference_expectation(j->reference, o);
    const struct tensor *actual = &j->outcome->outputs[o];
    double c = bound_table.c;
    real slack = target_slack(j->target, x);
    for (size_t i = 0; i < x->n; i++) {
        if (x->state[i] != ELEMENT_COMPARED) {
            continue;
        }
        v->n_compared++;
        real a = dtype_load(actual->dtype, actual->data, i);
        if (element_allowed(x, i, a, c, slack)) {
            continue;
        }
        v->n_wrong++;
        real bad = badness(x, i, a, c, slack);
        if (bad > *worst) {
            *worst = bad;
            v->output = o;
            v->element = i;
            v->expected = x->declared[i];
            v->actual = a;
            v->bound = bound_at(x, c, i) + slack;
        }
    }
    v->n_unstable += x->n_unstable;
    v->n_unspecified += x->n_unspecified;
}

static const char *describe_worst(const struct judgement *j, const struct verdict *v)
{
    const struct program *p = j->test->program;
    enum dtype d = p->values[p->outputs[v->output]].dtype;
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s[%zu]: expected ", p->values[p->outputs[v->output]].name, v->element);
    dtype_print(d, v->expected, &text);
    buffer_puts(&text, ", got ");
    dtype_print(d, v->actual, &text);
    buffer_printf(&text, ", allowed error %.3Lg; %zu of %zu compared elements wrong", v->bound,
                  v->n_wrong, v->n_compared);
    const char *kept = arena_strdup(j->arena, text.data);
    buffer_release(&text);
    return kept;
}

static bool value_judge(const struct judgement *j, struct verdict *v)
{
    const struct program *p = j->test->program;
    const struct array *values = reference_values(j->reference);
    bool equal = true;
    for (uint32_t o = 0; o < p->n_outputs && equal; o++) {
        equal = cheap_equal(&values[p->outputs[o]], &j->outcome->outputs[o]);
    }
    if (equal) {
        return false;
    }
    real worst = -1;
    bool blind = false;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        judge_output(j, o, v, &worst);
        const struct expectation *x = reference_expectation(j->reference, o);
        blind |= x->n > 0 && 2 * (x->n_unstable + x->n_unspecified) > x->n &&
                 !cheap_equal(&values[p->outputs[o]], &j->outcome->outputs[o]);
    }
    if (v->n_wrong) {
        v->kind = VERDICT_FINDING;
        v->text = describe_worst(j, v);
        return true;
    }
    if (blind) {
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
