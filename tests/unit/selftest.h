/* SPDX-License-Identifier: Apache-2.0 */
/* Juries of selftest, the library that misbehaves on purpose, for the tests of target. */
#ifndef OPJURY_TEST_SELFTEST_H
#define OPJURY_TEST_SELFTEST_H

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "target/target.h"

/* jury_window() where no library builds packs. */
enum { WINDOW = 8 };

static inline struct target *parse(struct arena *arena, const char *text)
{
    struct target *t = NULL;

    must(target_parse(text, NULL, arena, &t));
    return t;
}

/* x: f32[2,3] in, x out. */
static inline struct test *echo_test(struct arena *arena, uint64_t index, enum placement placement)
{
    struct program *p = program_new(arena);
    struct shape shape = {2, {2, 3}};
    struct test *test = ARENA_ZARRAY(arena, struct test, 1);
    uint32_t x = program_add_input(p, "x", DTYPE_F32, &shape);

    program_add_output(p, x);
    test->index = index;
    test->program = p;
    test->n_inputs = 1;
    test->inputs = ARENA_ZARRAY(arena, struct tensor, 1);
    test->inputs[0] = tensor_new(arena, DTYPE_F32, &shape);
    for (int i = 0; i < 6; i++) {
        ((float *)test->inputs[0].data)[i] = (float)(index * 10 + (uint64_t)i);
    }
    test->placement = placement;
    test->policy = "given";
    return test;
}

static inline void assert_echo(const struct test *test, const struct outcome *o)
{
    if (o->kind != OUTCOME_OK) {
        fail_msg("outcome %d: %s", (int)o->kind, o->message);
    }
    assert_int_equal(o->n_outputs, 1);
    assert_true(tensor_equal(&o->outputs[0], &test->inputs[0]));
}

struct fixture {
    struct arena *arena;
    struct jury *jury;
    struct target *targets[4];
    size_t n;
};

/* Juries that a test has open: what a failed one leaves must not be counted by the next. */
static struct fixture opened[4];

static inline struct fixture open_jury(size_t n, const char *const *texts,
                                       const struct jury_options *options)
{
    struct fixture f = {.arena = arena_new(), .n = n};

    for (size_t i = 0; i < n; i++) {
        f.targets[i] = parse(f.arena, texts[i]);
    }
    must(jury_open(f.targets, n, options, &f.jury));
    for (size_t i = 0; i < ARRAY_SIZE(opened); i++) {
        if (!opened[i].jury) {
            opened[i] = f;
            return f;
        }
    }
    fail_msg("too many juries at once");
    return f;
}

static inline void close_jury(struct fixture *f)
{
    struct fixture closed = *f;

    for (size_t i = 0; i < ARRAY_SIZE(opened); i++) {
        if (opened[i].jury == closed.jury) {
            opened[i] = (struct fixture){0};
        }
    }
    jury_close(closed.jury);
    arena_free(closed.arena);
}

static inline int close_all(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(opened); i++) {
        if (opened[i].jury) {
            close_jury(&opened[i]);
        }
    }
    return 0;
}

/* One run of a selftest action beside an innocent target in the same worker. */
static inline struct outcome provoke(struct fixture *f, const char *action,
                                     const struct jury_options *options, enum placement placement)
{
    char text[64];
    struct outcome o[2];
    struct test *test;

    snprintf(text, sizeof text, "selftest:%s", action);
    *f = open_jury(2, (const char *const[]){text, "selftest:echo"}, options);
    test = echo_test(f->arena, 7, placement);
    must(jury_post(f->jury, test));
    must(jury_take(f->jury, f->arena, o));
    assert_echo(test, &o[1]);
    return o[0];
}

#define TEST(name) cmocka_unit_test_teardown(name, close_all)

#endif
