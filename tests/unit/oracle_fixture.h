/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a program in text form, what a run of them gives, and how that is judged. Memory: the
 * test's. */
#ifndef OPJURY_TEST_ORACLE_FIXTURE_H
#define OPJURY_TEST_ORACLE_FIXTURE_H

#include "oracle/oracle.h"
#include "target/faulty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static const struct target here = {.kind = &target_faulty, .text = "faulty", .options = "none"};

static inline int setup(void **state)
{
    arena = arena_new();
    return 0;
}

static inline int teardown(void **state)
{
    arena_free(arena);
    return 0;
}

static inline struct test make_test(const char *text)
{
    struct program *p;
    enum err e = program_parse("test", text, strlen(text), arena, &p);
    if (e != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    struct test t = {.program = p, .n_inputs = program_n_inputs(p)};
    t.inputs = ARENA_ARRAY(arena, struct tensor, t.n_inputs + 1);
    for (uint32_t k = 0; k < t.n_inputs; k++) {
        const struct value *v = &p->values[program_input(p, k)];
        t.inputs[k] = tensor_new(arena, v->dtype, &v->shape);
    }
    return t;
}

static inline void set_elements(struct test *t, uint32_t k, size_t n, const double *v)
{
    assert_int_equal(n, shape_numel(&t->inputs[k].shape));
    for (size_t i = 0; i < n; i++) {
        dtype_store(t->inputs[k].dtype, t->inputs[k].data, i, v[i]);
    }
}
/* Input k is these: an array, or (const double[]){...}. */
#define set_input(t, k, ...) set_elements((t), (k), ARRAY_SIZE((__VA_ARGS__)), (__VA_ARGS__))

/* What a run gives that follows the reference exactly. */
static inline struct outcome right_outcome(const struct test *t)
{
    struct outcome o = {
        .kind = OUTCOME_OK, .message = "", .log = "", .n_outputs = t->program->n_outputs};
    o.outputs = ARENA_ARRAY(arena, struct tensor, o.n_outputs + 1);
    fault_evaluate(t, NULL, 0, arena, o.outputs);
    return o;
}

static inline struct verdict judged(const struct test *t, const struct outcome *o)
{
    struct judgement j = {t, reference_new(t, arena), &here, o, arena};
    struct verdict v;
    judge(&j, &v);
    return v;
}

static inline void assert_found(const struct test *t, const struct outcome *o, const char *oracle)
{
    struct verdict v = judged(t, o);
    assert_int_equal(v.kind, VERDICT_FINDING);
    assert_string_equal(v.oracle, oracle);
    assert_non_null(v.text);
}

static inline void assert_passes(const struct test *t, const struct outcome *o)
{
    struct verdict v = judged(t, o);
    if (v.kind != VERDICT_PASS) {
        fail_msg("%s: %s", v.oracle, v.text);
    }
}

static inline void put(struct outcome *o, uint32_t output, size_t i, real v)
{
    dtype_store(o->outputs[output].dtype, o->outputs[output].data, i, v);
}

static inline real get(const struct outcome *o, uint32_t output, size_t i)
{
    return dtype_load(o->outputs[output].dtype, o->outputs[output].data, i);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
