/* SPDX-License-Identifier: Apache-2.0 */
/* target: targets from text, and workers that are provoked in every way they must survive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/target.h"

static void must(enum err e)
{
    if (e) {
        fail_msg("%s", err_text());
    }
}

static struct target *parse(struct arena *arena, const char *text)
{
    struct target *t = NULL;

    must(target_parse(text, NULL, arena, &t));
    return t;
}

/* x: f32[2,3] in, x out. */
static struct test *echo_test(struct arena *arena, uint64_t index, enum placement placement)
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

static void assert_echo(const struct test *test, const struct outcome *o)
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

static struct fixture open_jury(size_t n, const char *const *texts,
                                const struct jury_options *options)
{
    struct fixture f = {.arena = arena_new(), .n = n};

    for (size_t i = 0; i < n; i++) {
        f.targets[i] = parse(f.arena, texts[i]);
    }
    must(jury_open(f.targets, n, options, &f.jury));
    return f;
}

static void close_jury(struct fixture *f)
{
    jury_close(f->jury);
    arena_free(f->arena);
}

/* One run of a selftest action beside an innocent target in the same worker. */
static struct outcome provoke(struct fixture *f, const char *action,
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

/* ---- text ---- */

static void test_parse(void **state)
{
    struct arena *arena = arena_new();
    struct target *t = parse(arena, "selftest:echo");

    assert_string_equal(t->text, "selftest:echo");
    assert_string_equal(t->options, "echo");
    assert_non_null(t->python);
    t = parse(arena, "onnxruntime");
    assert_string_equal(t->text, "onnxruntime:opt=all");
    t = parse(arena, "onnxruntime:opt=none,opt=basic");
    assert_string_equal(t->options, "opt=basic");
    t = parse(arena, "torch:eager");
    assert_string_equal(t->text, "torch");
    arena_free(arena);
}

static void test_parse_path(void **state)
{
    struct arena *arena = arena_new();
    struct target *plain = parse(arena, "selftest:echo");
    /* The path goes to the end, whatever it holds. */
    char *odd = arena_strdup(arena, "/tmp/opjury-test-XXXXXX");
    assert_non_null(mkdtemp(odd));
    char *link = arena_printf(arena, "%s/py:a=b,c@d", odd);
    assert_int_equal(symlink(plain->python, link), 0);

    struct target *t = parse(arena, arena_printf(arena, "selftest:echo@%s", link));
    assert_string_equal(t->python, link);
    assert_string_equal(t->options, "echo");
    unlink(link);
    rmdir(odd);
    arena_free(arena);
}

static void test_parse_wrong(void **state)
{
    static const struct {
        const char *text;
        enum err error;
        const char *says;
    } cases[] = {
        {"", ERR_USAGE, "no target is called ''"},
        {"tensorflow", ERR_USAGE, "there are onnxruntime, torch"},
        {"onnxruntime:opt=max", ERR_USAGE, "opt=all|extended|basic|none"},
        {"onnxruntime:opt", ERR_USAGE, "opt=all|extended|basic|none"},
        {"onnxruntime:", ERR_USAGE, "an option is empty"},
        {"onnxruntime:opt=all,", ERR_USAGE, "an option is empty"},
        {"torch:compile", ERR_USAGE, "torch takes eager"},
        {"torch@", ERR_USAGE, "behind @ is empty"},
        {"torch@/no/such/place", ERR_MISSING, "neither a Python interpreter nor a folder"},
        {"faulty:none@/usr/bin/python3", ERR_USAGE, "no @PATH"},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct target *t;
        enum err e = target_parse(cases[i].text, NULL, arena, &t);
        assert_int_equal(e, cases[i].error);
        if (!strstr(err_text(), cases[i].says)) {
            fail_msg("'%s' gave: %s", cases[i].text, err_text());
        }
    }
    arena_free(arena);
}

static void write_script(const char *path, const char *text)
{
    must(file_write(path, text, strlen(text)));
    assert_int_equal(chmod(path, 0700), 0);
}

/* Interpreters that cannot serve: one line each, and no process left. */
static void test_bad_interpreters(void **state)
{
    static const struct {
        const char *script, *says;
    } cases[] = {
        {"#!/bin/sh\necho 'first line' >&2\necho 'it broke' >&2\nexit 1\n", "it broke"},
        {"#!/bin/sh\nkill -11 $$\n", "died of signal 11"},
        {"#!/no/such/interpreter\n", "No such file"},
        {"#!/bin/sh\nexit 4\n", "-m pip install "},
        {"#!/bin/sh\nexit 0\n", "cannot run a worker for selftest: it ended with status 0"},
        /* -c CODE ...: the real one, pretending. */
        {"#!/bin/sh\nshift; code=$1; shift\n"
         "exec '%s' -c \"import sys; sys.version_info = (3, 9, 2, 'final', 0); $code\" \"$@\"\n",
         "is version 3.9: opjury needs CPython 3.11 or newer"},
        {"#!/bin/sh\nshift; code=$1; shift\n"
         "exec '%s' -c \"import sysconfig; sysconfig.get_config_var = lambda n: 1; $code\" "
         "\"$@\"\n",
         "free-threaded build"},
    };
    struct arena *arena = arena_new();
    char *dir = arena_strdup(arena, "/tmp/opjury-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    char *path = arena_printf(arena, "%s/python", dir);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct jury *jury;
        const char *hole = strstr(cases[i].script, "%s");
        const char *script = cases[i].script;
        if (hole) {
            const char *python = parse(arena, "selftest:echo")->python;
            script =
                arena_printf(arena, "%.*s%s%s", (int)(hole - script), script, python, hole + 2);
        }
        write_script(path, script);
        struct target *t = parse(arena, arena_printf(arena, "selftest:echo@%s", path));
        assert_int_equal(jury_open(&t, 1, NULL, &jury), ERR_MISSING);
        if (!strstr(err_text(), cases[i].says)) {
            fail_msg("case %zu gave: %s", i, err_text());
        }
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
    unlink(path);
    rmdir(dir);
    arena_free(arena);
}

/* --python before $OPJURY_PYTHON before $VIRTUAL_ENV, which may be stale. */
static void test_interpreter_order(void **state)
{
    struct arena *arena = arena_new();
    struct target *t, *usual = parse(arena, "selftest:echo");
    const char *old = getenv("OPJURY_PYTHON"), *venv = getenv("VIRTUAL_ENV");

    old = old ? arena_strdup(arena, old) : NULL;
    venv = venv ? arena_strdup(arena, venv) : NULL;
    setenv("OPJURY_PYTHON", "/no/such/env", 1);
    assert_int_equal(target_parse("torch", NULL, arena, &t), ERR_MISSING);
    assert_non_null(strstr(err_text(), "$OPJURY_PYTHON: '/no/such/env'"));
    must(target_parse("torch", usual->python, arena, &t));
    assert_string_equal(t->python, usual->python);
    assert_int_equal(target_parse("torch", "/no/such/option", arena, &t), ERR_MISSING);
    assert_non_null(strstr(err_text(), "--python"));
    must(target_parse(arena_printf(arena, "torch@%s", usual->python), "/no", arena, &t));
    unsetenv("OPJURY_PYTHON");
    setenv("VIRTUAL_ENV", "/no/such/venv", 1);
    must(target_parse("torch", NULL, arena, &t));
    must(target_parse("torch", "python3", arena, &t)); /* a name without a slash: from $PATH */
    assert_int_equal(t->python[0], '/');
    if (old) {
        setenv("OPJURY_PYTHON", old, 1);
    }
    if (venv) {
        setenv("VIRTUAL_ENV", venv, 1);
    } else {
        unsetenv("VIRTUAL_ENV");
    }
    arena_free(arena);
}

/* ---- answers ---- */

static void test_echo(void **state)
{
    static const enum placement placements[] = {PLACE_ALIGNED, PLACE_END, PLACE_START};
    struct fixture f = open_jury(1, (const char *const[]){"selftest:echo"}, NULL);

    for (size_t i = 0; i < 3; i++) {
        struct test *test = echo_test(f.arena, i, placements[i]);
        struct outcome o;
        must(jury_run(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
        assert_string_equal(o.log, "");
        assert_false(o.input_changed || o.out_of_bounds || o.state_changed);
        assert_true(o.cpu > 0);
    }
    close_jury(&f);
}

/* The window full all the time, workers replaced every 50 tests. */
static void test_many(void **state)
{
    enum { TESTS = 2000 };
    struct jury_options options = {.tests_per_worker = 50};
    struct fixture f =
        open_jury(2, (const char *const[]){"selftest:echo", "selftest:raise"}, &options);
    struct arena *window[JURY_WINDOW];
    struct test *tests[JURY_WINDOW];
    struct arena *arena = arena_new();

    for (size_t i = 0; i < JURY_WINDOW; i++) {
        window[i] = arena_new();
    }
    for (uint64_t i = 0; i < TESTS + JURY_WINDOW; i++) {
        size_t slot = i % JURY_WINDOW;
        if (i >= JURY_WINDOW) {
            struct outcome o[2];
            arena_reset(arena);
            must(jury_take(f.jury, arena, o));
            assert_echo(tests[slot], &o[0]);
            assert_int_equal(o[1].kind, OUTCOME_ERROR);
            assert_string_equal(o[1].error_class, "ZeroDivisionError");
        }
        if (i < TESTS) {
            arena_reset(window[slot]);
            tests[slot] = echo_test(window[slot], i, PLACE_ALIGNED);
            must(jury_post(f.jury, tests[slot]));
        }
    }
    assert_int_equal(jury_usage(f.jury).restarts, 0); /* retired ones are no failures */
    for (size_t i = 0; i < JURY_WINDOW; i++) {
        arena_free(window[i]);
    }
    arena_free(arena);
    close_jury(&f);
}

static void test_errors(void **state)
{
    struct fixture f;
    struct outcome o = provoke(&f, "raise", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.phase, "run");
    assert_non_null(strstr(o.message, "by zero"));
    close_jury(&f);

    o = provoke(&f, "raise-load", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.phase, "load");
    assert_string_equal(o.message, "cannot load");
    close_jury(&f);

    o = provoke(&f, "rank", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_non_null(strstr(o.message, "rank 8"));
    close_jury(&f);

    /* A lone surrogate and a control character: readers get clean UTF-8. */
    o = provoke(&f, "text", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.message, "bad \\udcff? text");
    close_jury(&f);

    o = provoke(&f, "print", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_OK);
    assert_non_null(strstr(o.log, "to stdout"));
    assert_non_null(strstr(o.log, "to stderr"));
    close_jury(&f);
}

/* ---- crashes ---- */

static void assert_crash(const char *action, int number, bool has_frames)
{
    struct fixture f;
    struct outcome o = provoke(&f, action, NULL, PLACE_ALIGNED);

    assert_int_equal(o.kind, OUTCOME_CRASH);
    assert_int_equal(o.signal, number);
    assert_true(strlen(o.message) > 0);
    assert_true(o.n_frames > 0 || !has_frames);
    for (uint32_t i = 0; i < o.n_frames; i++) {
        assert_true(strlen(o.frames[i]) > 0);
        assert_null(strstr(o.frames[i], "_worker.abi3.so+")); /* the handler's are dropped */
    }
    assert_int_equal(jury_usage(f.jury).restarts, 1);
    close_jury(&f);
}

static void test_crashes(void **state)
{
    assert_crash("segv", SIGSEGV, true);
    assert_crash("segv-load", SIGSEGV, true);
    assert_crash("abort", SIGABRT, true);
    assert_crash("fpe", SIGFPE, true);
    assert_crash("overflow", SIGSEGV, true);
    assert_crash("exit", 0, false);
    /* Its record lay in what it wrote over. */
    assert_crash("garbage-segv", SIGSEGV, false);
}

/* Frames are those of the library, innermost first, by exported name where there is one. */
static void test_frames(void **state)
{
    struct fixture f;
    struct outcome o = provoke(&f, "abort", NULL, PLACE_ALIGNED);
    bool named = false;

    for (uint32_t i = 0; i < o.n_frames && i < 4; i++) {
        named = named || strcmp(o.frames[i], "abort") == 0;
    }
    assert_true(named);
    close_jury(&f);
}

static void test_crash_among_others(void **state)
{
    struct fixture f = open_jury(2, (const char *const[]){"selftest:segv", "selftest:echo"}, NULL);
    struct test *tests[JURY_WINDOW];
    struct outcome o[2];

    for (uint64_t i = 0; i < JURY_WINDOW; i++) {
        tests[i] = echo_test(f.arena, i, PLACE_END);
        must(jury_post(f.jury, tests[i]));
    }
    for (uint64_t i = 0; i < JURY_WINDOW; i++) {
        must(jury_take(f.jury, f.arena, o));
        assert_int_equal(o[0].kind, OUTCOME_CRASH);
        assert_echo(tests[i], &o[1]);
    }
    assert_int_equal(jury_usage(f.jury).restarts, JURY_WINDOW);
    close_jury(&f);
}

/* ---- limits ---- */

static void test_hangs(void **state)
{
    struct jury_options options = {.cpu_deadline = 0.3, .wall_cap = 20};
    struct fixture f;
    double start = clock_wall();
    struct outcome o = provoke(&f, "spin", &options, PLACE_ALIGNED);

    assert_int_equal(o.kind, OUTCOME_HANG);
    assert_non_null(strstr(o.message, "CPU"));
    close_jury(&f);
    options = (struct jury_options){.cpu_deadline = 20, .wall_cap = 0.5};
    o = provoke(&f, "sleep", &options, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_HANG);
    assert_string_equal(o.phase, "run");
    assert_true(clock_wall() - start < 15);
    close_jury(&f);
}

static void test_memory(void **state)
{
    struct jury_options options = {.memory_limit = 256 << 20};
    struct fixture f;
    struct outcome o = provoke(&f, "allocate", &options, PLACE_ALIGNED);

    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.error_class, "MemoryError");
    close_jury(&f);
}

/* 100 MB stay behind each time: a new worker comes before an innocent run pays for it. */
static void test_leak(void **state)
{
    struct jury_options options = {.memory_limit = 256 << 20};
    struct fixture f = open_jury(1, (const char *const[]){"selftest:leak"}, &options);

    for (uint64_t i = 0; i < 10; i++) {
        struct test *test = echo_test(f.arena, i, PLACE_ALIGNED);
        struct outcome o;
        must(jury_run(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
    }
    assert_int_equal(jury_usage(f.jury).restarts, 0);
    close_jury(&f);
}

/* ---- what a run leaves behind ---- */

static void test_fences(void **state)
{
    static const struct {
        const char *action;
        enum placement placement;
        bool crash, changed, out_of_bounds;
    } cases[] = {
        {"write-input", PLACE_ALIGNED, false, true, false},
        {"write-input", PLACE_END, false, true, false},
        {"write-behind", PLACE_ALIGNED, false, false, true},
        {"write-behind", PLACE_START, false, false, true},
        {"write-behind", PLACE_END, true, false, false},
        {"read-behind", PLACE_END, true, false, false},
        {"write-before", PLACE_ALIGNED, false, false, true},
        {"write-before", PLACE_END, false, false, true},
        {"write-before", PLACE_START, true, false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture f;
        struct outcome o = provoke(&f, cases[i].action, NULL, cases[i].placement);
        assert_int_equal(o.kind, cases[i].crash ? OUTCOME_CRASH : OUTCOME_OK);
        assert_int_equal(o.input_changed, cases[i].changed);
        assert_int_equal(o.out_of_bounds, cases[i].out_of_bounds);
        close_jury(&f);
    }
}

static void test_state(void **state)
{
    struct fixture f;
    struct outcome o = provoke(&f, "round", NULL, PLACE_ALIGNED);

    assert_string_equal(o.state_changed, "MXCSR");
    close_jury(&f);
    o = provoke(&f, "setting", NULL, PLACE_ALIGNED);
    assert_string_equal(o.state_changed, "setting");
    close_jury(&f);

    /* It is put back: the next test of the same worker starts clean. */
    f = open_jury(2, (const char *const[]){"selftest:round", "selftest:echo"}, NULL);
    for (int i = 0; i < 2; i++) {
        struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
        struct outcome both[2];
        must(jury_post(f.jury, test));
        must(jury_take(f.jury, f.arena, both));
        assert_string_equal(both[0].state_changed, "MXCSR");
        assert_null(both[1].state_changed);
    }
    close_jury(&f);
}

/* ---- a worker that writes over what it shares with us ---- */

static void test_garbage(void **state)
{
    struct jury_options options = {.cpu_deadline = 5, .wall_cap = 5};
    struct fixture f = open_jury(1, (const char *const[]){"selftest:garbage"}, &options);
    struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);

    for (int i = 0; i < 4; i++) {
        struct outcome o = {0};
        must(jury_run(f.jury, 0, test, f.arena, &o));
        /* Either the count of answers is nonsense or, after it was put right, the run passed. */
        if (o.kind != OUTCOME_CRASH && o.kind != OUTCOME_HANG && o.kind != OUTCOME_OK) {
            fail_msg("outcome %d: %s", (int)o.kind, o.message);
        }
        assert_true(o.kind == OUTCOME_OK || strlen(o.message) > 0);
    }
    close_jury(&f);
}

/* ---- processes ---- */

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f) {
        return 0;
    }
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *behind = strrchr(text, ')');
    /* A zombie lives no more. */
    return behind && behind[2] != 'Z' ? (pid_t)atoi(behind + 4) : 0;
}

/* Living descendants of `root`, root excluded. */
static size_t descendants(pid_t root, pid_t *list, size_t max)
{
    size_t n = 0;

    for (size_t from = 0; from <= n && n < max; from++) {
        pid_t parent = from == 0 ? root : list[from - 1];
        DIR *proc = opendir("/proc");
        const struct dirent *e;
        while (proc && (e = readdir(proc)) && n < max) {
            pid_t pid = (pid_t)atoi(e->d_name);
            if (pid > 0 && parent_of(pid) == parent) {
                list[n++] = pid;
            }
        }
        if (proc) {
            closedir(proc);
        }
    }
    return n;
}

static void nap(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

static bool all_gone(const pid_t *list, size_t n, double within)
{
    for (double end = clock_wall() + within; clock_wall() < end; nap(0.02)) {
        size_t alive = 0;
        for (size_t i = 0; i < n; i++) {
            alive += parent_of(list[i]) != 0;
        }
        if (alive == 0) {
            return true;
        }
    }
    return false;
}

static void test_close_ends_all(void **state)
{
    struct fixture f;
    pid_t list[64] = {0};

    provoke(&f, "child", NULL, PLACE_ALIGNED);
    size_t n = descendants(getpid(), list, 64);
    assert_true(n >= 3); /* zygote, worker, the worker's child */
    close_jury(&f);
    assert_true(all_gone(list, n, 2));
    assert_int_equal(descendants(getpid(), list, 64), 0);
}

/* A dead worker's child goes with it, the zygote stays. */
static void test_orphans_die(void **state)
{
    struct fixture f = open_jury(2, (const char *const[]){"selftest:child", "selftest:segv"}, NULL);
    struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
    struct outcome o[2];
    pid_t list[64] = {0};

    for (int i = 0; i < 5; i++) {
        must(jury_post(f.jury, test));
        must(jury_take(f.jury, f.arena, o));
        assert_int_equal(o[1].kind, OUTCOME_CRASH);
    }
    nap(0.3);
    assert_true(descendants(getpid(), list, 64) <= 2);
    close_jury(&f);
}

/* An engine that dies by SIGKILL while its worker spins and has a child of its own. */
static void engine_dies(const char *action)
{
    int ready[2];
    char byte;
    pid_t list[64] = {0};

    assert_int_equal(pipe(ready), 0);
    pid_t engine = fork();
    if (engine == 0) {
        struct outcome o;
        struct jury_options options = {.cpu_deadline = 60, .wall_cap = 60};
        struct fixture f = open_jury(2, (const char *const[]){"selftest:child", action}, &options);
        struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
        must(jury_run(f.jury, 0, test, f.arena, &o));
        must(jury_post(f.jury, test));
        if (write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        (void)!jury_take(f.jury, f.arena, &o);
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    nap(0.3);
    size_t n = descendants(engine, list, 64);
    assert_true(n >= 3);
    kill(engine, SIGKILL);
    assert_int_equal(waitpid(engine, NULL, 0), engine);
    assert_true(all_gone(list, n, 2));
}

static void test_engine_killed(void **state)
{
    engine_dies("selftest:spin");
    engine_dies("selftest:sleep");
}

/* Killed from outside while idle, and by its own worker while it runs. */
static void test_zygote_killed(void **state)
{
    struct fixture f = open_jury(1, (const char *const[]){"selftest:echo"}, NULL);
    struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
    struct outcome o;
    pid_t list[64] = {0};

    must(jury_run(f.jury, 0, test, f.arena, &o));
    for (int i = 0; i < 3; i++) {
        size_t n = descendants(getpid(), list, 64);
        assert_int_equal(n, 2);
        kill(list[0], SIGKILL);
        assert_true(all_gone(list, n, 2)); /* else the worker may answer once more */
        must(jury_run(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
    }
    close_jury(&f);

    struct outcome killed = provoke(&f, "kill-zygote", NULL, PLACE_ALIGNED);
    assert_int_equal(killed.kind, OUTCOME_NOT_EXERCISED);
    assert_non_null(strstr(killed.message, "mother process died"));
    close_jury(&f);
}

static void test_worker_killed(void **state)
{
    struct fixture f = open_jury(1, (const char *const[]){"selftest:echo"}, NULL);
    struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
    struct outcome o;
    pid_t list[64] = {0};

    must(jury_run(f.jury, 0, test, f.arena, &o));
    for (int i = 0; i < 5; i++) {
        size_t n = descendants(getpid(), list, 64);
        assert_int_equal(n, 2);
        kill(list[1], SIGKILL);
        must(jury_run(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
    }
    close_jury(&f);
}

static void test_fresh(void **state)
{
    struct fixture f = open_jury(2, (const char *const[]){"selftest:echo", "selftest:segv"}, NULL);
    struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
    struct test *waiting = echo_test(f.arena, 2, PLACE_END);
    struct outcome o, both[2];

    must(jury_post(f.jury, waiting)); /* the standing worker goes on beside it */
    for (int i = 0; i < 20; i++) {
        must(jury_run_fresh(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
        must(jury_run_fresh(f.jury, 1, test, f.arena, &o));
        assert_int_equal(o.kind, OUTCOME_CRASH);
    }
    must(jury_take(f.jury, f.arena, both));
    assert_echo(waiting, &both[0]);
    assert_int_equal(both[1].kind, OUTCOME_CRASH);
    close_jury(&f);
}

static void test_usage(void **state)
{
    struct jury_options options = {.cpu_deadline = 0.4};
    struct fixture f;

    provoke(&f, "spin", &options, PLACE_ALIGNED);
    struct jury_usage usage = jury_usage(f.jury);
    assert_true(usage.worker_cpu > 0.4 && usage.worker_cpu < 5);
    assert_true(usage.library_cpu > 0 && usage.library_cpu < usage.worker_cpu);
    assert_int_equal(usage.restarts, 1);
    close_jury(&f);
}

/* One at a time: these tests count processes and seconds. */
static void wait_for_others(void)
{
    int lock = open("/tmp/opjury-test-target.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert(lock < 0 || flock(lock, LOCK_EX) == 0);
}

int main(void)
{
    wait_for_others();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_path),
        cmocka_unit_test(test_parse_wrong),
        cmocka_unit_test(test_bad_interpreters),
        cmocka_unit_test(test_interpreter_order),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_crash_among_others),
        cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_leak),
        cmocka_unit_test(test_fences),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_close_ends_all),
        cmocka_unit_test(test_orphans_die),
        cmocka_unit_test(test_engine_killed),
        cmocka_unit_test(test_zygote_killed),
        cmocka_unit_test(test_worker_killed),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_usage),
    };

    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
