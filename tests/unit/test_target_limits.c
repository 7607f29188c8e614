/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: libraries that run away (processes, files, memory, output, endless loops) or whose
 * set-up dies. Each is done for real, among tests of the same worker, none of which is lost.
 */
#include "selftest.h"

#include <signal.h>

/* One misbehaves, before and behind tests that do not: its outcome. */
static struct outcome among_others(struct fixture *f, const char *mode, const char *action,
                                   const struct jury_options *options)
{
    struct test *tests[WINDOW];
    struct outcome o[3], seen = {0};
    char text[64], echo[64];

    snprintf(text, sizeof text, "selftest:%s%s", mode, action);
    snprintf(echo, sizeof echo, "selftest:%secho", mode);
    *f = open_jury(3, (const char *const[]){echo, text, echo}, options);
    for (uint64_t i = 0; i < 2; i++) {
        tests[i] = echo_test(f->arena, i, PLACE_END);
        must(jury_post(f->jury, tests[i]));
    }
    for (uint64_t i = 0; i < 2; i++) {
        must(jury_take(f->jury, f->arena, o));
        assert_echo(tests[i], &o[0]);
        assert_echo(tests[i], &o[2]);
        assert_true(i == 0 || o[1].kind == seen.kind);
        seen = o[1];
    }
    return seen;
}

static void assert_hang(const char *mode, const char *action, const struct jury_options *options)
{
    struct fixture f;
    struct outcome o = among_others(&f, mode, action, options);

    assert_int_equal(o.kind, OUTCOME_HANG);
    assert_string_equal(o.phase, "run");
    assert_int_equal(jury_usage(f.jury).restarts, 2);
    close_jury(&f);
}

static void test_hangs(void **state)
{
    struct jury_options cpu = {.cpu_deadline = 0.3, .wall_cap = 120};
    struct jury_options wall = {.cpu_deadline = 20, .wall_cap = 2};

    assert_hang("", "spin-locked", &cpu); /* no signal handler of Python's would run */
    assert_hang("", "stop", &wall);
}

static void test_illegal_instruction(void **state)
{
    struct fixture f;
    struct outcome o = among_others(&f, "", "illegal", NULL);

    assert_int_equal(o.kind, OUTCOME_CRASH);
    assert_int_equal(o.signal, SIGILL);
    close_jury(&f);
}

/* ---- processes ---- */

static void test_no_process(void **state)
{
    struct fixture f;
    struct outcome o = among_others(&f, "denied,", "child", NULL);

    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.error_class, "PermissionError");
    assert_int_equal(jury_usage(f.jury).restarts, 0);
    close_jury(&f);
    assert_hang("denied,", "fork-bomb", &(struct jury_options){.cpu_deadline = 20, .wall_cap = 1});
}

/* Where processes may be started, they are bounded, and end with their worker. */
static void test_fork_bomb(void **state)
{
    struct jury_options options = {.cpu_deadline = 20, .wall_cap = 3};
    struct fixture f;
    struct outcome o = provoke(&f, "fork-bomb", &options, PLACE_END);

    assert_int_equal(o.kind, OUTCOME_HANG);
    close_jury(&f);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* ---- files ---- */

/* 100 stay open each time: a new worker comes before an innocent run pays for it. */
static void test_leaked_files(void **state)
{
    struct fixture f =
        open_jury(2, (const char *const[]){"selftest:leak-files", "selftest:echo"}, NULL);

    for (uint64_t i = 0; i < 12; i++) {
        struct test *test = echo_test(f.arena, i, PLACE_ALIGNED);
        struct outcome o[2];
        must(jury_post(f.jury, test));
        must(jury_take(f.jury, f.arena, o));
        assert_echo(test, &o[0]);
        assert_echo(test, &o[1]);
    }
    assert_int_equal(jury_usage(f.jury).restarts, 0);
    close_jury(&f);
}

/* The run that took the last one is told so, the next of the same test has a new worker. */
static void test_no_files_left(void **state)
{
    struct fixture f;
    struct outcome o = among_others(&f, "", "all-files", NULL);

    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_non_null(strstr(o.message, "Too many open files"));
    assert_int_equal(jury_usage(f.jury).restarts, 0);
    close_jury(&f);
}

/* What is ours is closed, or is another file now. */
static void test_closed_channel(void **state)
{
    static const char *const actions[] = {"close", "close-reopen"};

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        struct fixture f;
        struct outcome o = among_others(&f, "", actions[i], NULL);
        assert_int_equal(o.kind, OUTCOME_OK);
        assert_string_equal(o.state_changed, "open files");
        assert_int_equal(jury_usage(f.jury).restarts, 0);
        close_jury(&f);
    }
}

/* It is sealed. */
static void test_truncated_ring(void **state)
{
    struct fixture f;
    struct outcome o = among_others(&f, "", "truncate", NULL);

    assert_true(o.kind == OUTCOME_OK || strcmp(o.error_class, "PermissionError") == 0);
    close_jury(&f);
}

static void test_output(void **state)
{
    struct fixture f;
    struct outcome o = among_others(&f, "", "gigabyte", NULL);

    assert_int_equal(o.kind, OUTCOME_OK);
    assert_true(strlen(o.log) < 1 << 20);
    assert_non_null(strstr(o.log, "that was a gigabyte"));
    close_jury(&f);
}

/* ---- set-up ---- */

static enum err open_broken(struct fixture *f, const char *setup, double start_cap)
{
    const struct jury_options options = {
        .cpu_deadline = 0.5, .wall_cap = 20, .start_cap = start_cap};

    *f = (struct fixture){.arena = arena_new(), .n = 1};
    f->targets[0] = parse(f->arena, "selftest:denied,echo");
    setenv("OPJURY_SETUP", setup, 1);
    enum err e = jury_open(f->targets, 1, &options, &f->jury);
    unsetenv("OPJURY_SETUP");
    return e;
}

/* A library that cannot be had is one line. */
static void test_zygote_dies_in_set_up(void **state)
{
    static const struct {
        const char *setup, *says;
        double start_cap;
    } cases[] = {
        {"import-segv", "died of signal 11", 0},
        {"import-exit", "ended with status 0", 0},
        {"import-raise", "import of selftest_denied fails", 0},
        {"warm-abort", "died of signal 6", 0},
        {"import-sleep", "did not import selftest within 0.5 s", 0.5},
        {"warm-spin-locked", "did not import selftest within 0.5 s", 0.5},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture f;
        assert_int_equal(open_broken(&f, cases[i].setup, cases[i].start_cap), ERR_MISSING);
        if (!strstr(err_text(), cases[i].says)) {
            fail_msg("%s: %s", cases[i].setup, err_text());
        }
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        arena_free(f.arena);
    }
}

/* Its tests are not exercised, and each says why. */
static void test_worker_dies_in_set_up(void **state)
{
    static const char *const cases[] = {"worker-segv", "worker-exit", "worker-spin-locked"};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture f;
        must(open_broken(&f, cases[i], 0));
        for (uint64_t k = 0; k < 2; k++) {
            struct outcome o;
            must(jury_run(f.jury, 0, echo_test(f.arena, k, PLACE_END), f.arena, &o));
            assert_int_equal(o.kind, OUTCOME_NOT_EXERCISED);
            assert_non_null(strstr(o.message, "before it runs anything"));
        }
        jury_close(f.jury);
        arena_free(f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hangs),
        TEST(test_illegal_instruction),
        TEST(test_no_process),
        TEST(test_fork_bomb),
        TEST(test_leaked_files),
        TEST(test_no_files_left),
        TEST(test_closed_channel),
        TEST(test_truncated_ring),
        TEST(test_output),
        TEST(test_zygote_dies_in_set_up),
        TEST(test_worker_dies_in_set_up),
    };

    return cmocka_run_group_tests_name("target_limits", tests, NULL, NULL);
}
