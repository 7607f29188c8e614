/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference of one test: every value by our own evaluator, and, only when a run does not equal
 * it at once, the bounds of the outputs.
 */
#include "oracle/oracle_internal.h"

#include <math.h>

struct reference {
    const struct test *test;
    struct arena *arena;
    struct array *values;        /* by value id */
    struct expectation *outputs; /* NULL until asked for */
    unsigned samples;
    bool traps;
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

static void find_bounds(struct reference *r)
{
    const struct program *p = r->test->program;
    if (!r->outputs) {
        r->outputs = ARENA_ZARRAY(r->arena, struct expectation, p->n_outputs + 1);
        /* The perturbations are a function of the program alone, so a verdict repeats. */
        bound_program(p, r->values, program_hash(p), r->samples, bound_table.c, r->arena,
                      r->outputs, &r->traps);
    }
}

const struct expectation *reference_expectation(struct reference *r, uint32_t output)
{
    CHECK(output < r->test->program->n_outputs);
    find_bounds(r);
    return &r->outputs[output];
}

bool reference_traps(struct reference *r)
{
    find_bounds(r);
    return r->traps;
}

void reference_set_samples(struct reference *r, unsigned samples)
{
    r->samples = samples;
    r->outputs = NULL;
}

const struct array *reference_values(struct reference *r)
{
    return r->values;
}

bool reference_is_finite(struct reference *r)
{
    const struct program *p = r->test->program;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct array *a = &r->values[id];
        if (!dtype_is_float(a->dtype)) {
            continue;
        }
        for (size_t i = 0; i < a->n; i++) {
            if (!isfinite(a->v[i])) {
                return false;
            }
        }
    }
    return true;
}
