/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch's rule for reports of fuzzers: a result must be further from a reference in float64 than
 * the project's own check allows (torch._dynamo.utils.same with fp64_ref and its default tol, as
 * .github/ISSUE_TEMPLATE/pt2-bug-report.yml asks). The check compares a result with another one and
 * takes their errors against float64; here the other one is the correct result rounded to the
 * output's dtype, and float64 is our reference without rounding between half-precision floats.
 * Elements that are not compared have no error, nor have NaN and infinities where both are that.
 * tests/outside/check_torch_rule.py holds it against the check itself.
 */
#include <math.h>
#include <string.h>

#include "report/record_internal.h"

/* The check's default tol, of allclose (relative and absolute) and, by a tenth, of the errors. */
static const double tol = 1e-4;

/* Errors of half-precision results may be three times as large, others twice; of few elements, or
 * of convolutions by one element, noise is more. */
static double multiplier(const struct output_values *x)
{
    bool is_point = x->shape.rank == 4 && x->shape.dim[2] == 1 && x->shape.dim[3] == 1;
    return dtype_is_half(x->dtype) || x->n < 1000 || is_point ? 3 : 2;
}

/* Which of equal elements is the largest is nobody's promise: the rule says not to compare those.
 */
static bool is_index_output(const struct program *p, const char *name)
{
    const struct value *v = &p->values[program_find_value(p, name)];
    if (v->kind != VALUE_NODE || !dtype_is_int(v->dtype)) {
        return false;
    }
    const char *op = p->nodes[v->node].op_name;
    bool is_pair = strcmp(op, "top_k") == 0 || strcmp(op, "sort") == 0;
    return strncmp(op, "arg_", 4) == 0 || (is_pair && v->output == 1);
}

struct errors {
    bool is_close;          /* by allclose */
    bool is_other_class;    /* NaN or infinity in one of the two alone */
    double result, rounded; /* root mean square against float64 */
};

static struct errors errors_of(const struct output_values *x, const real *exact)
{
    struct errors e = {.is_close = true};
    real result = 0, rounded = 0;
    for (size_t i = 0; i < x->n; i++) {
        real ref = dtype_load(x->dtype, x->expected->data, i);
        real res = dtype_load(x->dtype, x->actual->data, i);
        bool is_same = res == ref || (isnan(res) && isnan(ref));
        if (isnan(dtype_load(DTYPE_F64, x->bound->data, i)) || (is_same && !isfinite(ref))) {
            continue;
        }
        bool is_close = fabsl(ref - res) <= (real)tol + (real)tol * fabsl(res);
        e.is_other_class = e.is_other_class || !isfinite(ref) || !isfinite(res);
        e.is_close = e.is_close && !e.is_other_class && is_close;
        real fine = exact != NULL ? exact[i] : ref;
        result += (fine - res) * (fine - res);
        rounded += (fine - ref) * (fine - ref);
    }
    e.result = x->n > 0 ? (double)sqrtl(result / (real)x->n) : 0;
    e.rounded = x->n > 0 ? (double)sqrtl(rounded / (real)x->n) : 0;
    return e;
}

/* float64 where the dtype is a half; else the rounded values say the same within tol. */
static const real *exact_values(const struct test *test, uint32_t output, struct arena *arena)
{
    const struct program *p = test->program;
    if (!dtype_is_half(p->values[p->outputs[output]].dtype)) {
        return NULL;
    }
    return reference_expectation(reference_new(test, arena), output)->wide;
}

/* true: different. */
static bool compare(const struct output_values *x, const real *exact, struct arena *arena,
                    const char **text)
{
    struct errors e = errors_of(x, exact);
    double allowed = multiplier(x) * e.rounded + tol / 10;
    if (e.is_close) {
        *text = arena_printf(arena, "%s is within rtol = atol = %g of the correct result", x->name,
                             tol);
        return false;
    }
    if (!dtype_is_float(x->dtype)) {
        *text = arena_printf(arena, "%s is no float and not equal", x->name);
        return true;
    }
    if (e.is_other_class) { /* no multiple of an error is as large */
        *text = arena_printf(arena,
                             "%s is NaN or infinite where the correct result is not, or the "
                             "other way round",
                             x->name);
        return true;
    }
    *text = arena_printf(arena,
                         "RMSE of %s against float64: %.4g; of the correctly rounded result: %.4g; "
                         "allowed: %g * %.4g + %g = %.4g",
                         x->name, e.result, e.rounded, multiplier(x), e.rounded, tol / 10, allowed);
    return !(e.result <= allowed);
}

/* true: different. */
static bool judge_output(const struct test *test, uint32_t o, const struct output_values *x,
                         struct arena *arena, const char **text)
{
    if (is_index_output(test->program, x->name)) {
        *text =
            arena_printf(arena,
                         "%s holds indices of largest or smallest elements, which the rule does "
                         "not compare",
                         x->name);
        return false;
    }
    return compare(x, exact_values(test, o, arena), arena, text);
}

struct torch_rule torch_rule_of(const struct test *test, const struct output_values *outputs,
                                const char *failing, struct arena *arena)
{
    struct torch_rule rule = {.applies = true, .text = "no output can be compared"};
    for (uint32_t o = 0; o < test->program->n_outputs && !rule.passes; o++) {
        const char *text = rule.text, *name = outputs[o].name;
        bool is_failing =
            strncmp(name, failing, strlen(name)) == 0 && strchr("[", failing[strlen(name)]) != NULL;
        rule.passes = outputs[o].actual != NULL && judge_output(test, o, &outputs[o], arena, &text);
        if (rule.passes || is_failing || o == 0) { /* of others there is nothing to say */
            rule.text = text;
        }
    }
    return rule;
}
