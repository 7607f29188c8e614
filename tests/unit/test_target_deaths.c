/* SPDX-License-Identifier: Apache-2.0 */
/* target: workers, zygotes and engines that die, and what must die with them. */
#include "selftest.h"

#include <dirent.h>
#include <signal.h>
#include <time.h>

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
    /* Its record lay in what it wrote over, which is seen at once or before it dies. */
    assert_crash("garbage-segv", SIGSEGV, false);
    assert_crash("garbage-later", SIGSEGV, false);
}

/* Frames are those of the library, innermost first, by exported name where there is one, else by
 * where their function begins: here the one of libc that sends the signal. */
static void test_frames(void **state)
{
    struct fixture f;
    struct outcome o = provoke(&f, "abort", NULL, PLACE_ALIGNED);
    bool named = false, unnamed = false;

    for (uint32_t i = 0; i < o.n_frames && i < 4; i++) {
        named = named || strcmp(o.frames[i], "abort") == 0;
        const char *function = strstr(o.frames[i], "libc.so.6+0x");
        unnamed = unnamed || (function && strstr(function + strlen("libc.so.6+0x"), "+0x"));
    }
    assert_true(named);
    assert_true(unnamed);
    /* Which libc: 20 bytes, as linkers write them. */
    const char *module = strstr(o.modules, "libc.so.6: ");
    assert_non_null(module);
    module += strlen("libc.so.6: ");
    assert_int_equal(strspn(module, "0123456789abcdef"), 40);
    assert_int_equal(module[40], '\n');
    close_jury(&f);
}

/* The address, beside which tensor it lies, the library's words and its Python code. */
static void test_crash_facts(void **state)
{
    struct fixture f;
    struct outcome o = provoke(&f, "segv", NULL, PLACE_ALIGNED);

    assert_true(o.address == 8);
    assert_string_equal(o.fault, "not mapped");
    assert_non_null(strstr(o.python, "ctypes/__init__.py:"));
    assert_non_null(strstr(o.python, " in string_at"));
    assert_null(o.assertion);
    assert_string_equal(o.log, ""); /* what Python added is taken out */
    close_jury(&f);

    o = provoke(&f, "read-behind", NULL, PLACE_END);
    assert_string_equal(o.fault, "0 bytes behind the end of input 0");
    close_jury(&f);
    o = provoke(&f, "write-before", NULL, PLACE_START);
    assert_string_equal(o.fault, "1 bytes before input 0");
    close_jury(&f);

    o = provoke(&f, "assert", NULL, PLACE_ALIGNED);
    assert_int_equal(o.signal, SIGABRT);
    assert_string_equal(o.assertion, "library.cc:12: int f(int): Assertion `n > 0' failed.");
    assert_null(o.fault);
    assert_non_null(strstr(o.log, "a line before"));
    close_jury(&f);
}

static void test_crash_among_others(void **state)
{
    struct fixture f = open_jury(2, (const char *const[]){"selftest:segv", "selftest:echo"}, NULL);
    struct test *tests[WINDOW];
    struct outcome o[2];

    for (uint64_t i = 0; i < WINDOW; i++) {
        tests[i] = echo_test(f.arena, i, PLACE_END);
        must(jury_post(f.jury, tests[i]));
    }
    for (uint64_t i = 0; i < WINDOW; i++) {
        must(jury_take(f.jury, f.arena, o));
        assert_int_equal(o[0].kind, OUTCOME_CRASH);
        assert_echo(tests[i], &o[1]);
    }
    assert_int_equal(jury_usage(f.jury).restarts, WINDOW);
    close_jury(&f);
}

/* ---- a worker that writes over what it shares with us ---- */

/* Whether it goes on to its end, never ends or sleeps: the run that did it is to blame. */
static void test_garbage(void **state)
{
    static const char *const actions[] = {"garbage", "garbage-spin", "garbage-sleep"};
    struct jury_options options = {.cpu_deadline = 5, .wall_cap = 3};

    for (size_t i = 0; i < 2 * ARRAY_SIZE(actions); i++) {
        char text[32];
        snprintf(text, sizeof text, "selftest:%s", actions[i / 2]);
        struct fixture f = open_jury(1, (const char *const[]){text}, &options);
        struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
        struct outcome o;
        must(i % 2 ? jury_run_fresh(f.jury, 0, test, f.arena, &o)
                   : jury_run(f.jury, 0, test, f.arena, &o));
        assert_int_equal(o.kind, OUTCOME_CRASH);
        assert_int_equal(o.signal, 0);
        assert_non_null(strstr(o.message, "overwritten"));
        close_jury(&f);
    }
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

/* What is waited for comes at once, unless the machine has much else to do. */
enum { PATIENCE = 60 };

static bool all_gone(const pid_t *list, size_t n)
{
    for (double end = clock_wall() + PATIENCE; clock_wall() < end; nap(0.02)) {
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

/* Wait until `root` has between least and most living descendants: how many. */
static size_t wait_descendants(pid_t root, size_t least, size_t most, pid_t *list, size_t max)
{
    double end = clock_wall() + PATIENCE;
    size_t n = descendants(root, list, max);

    while ((n < least || n > most) && clock_wall() < end) {
        nap(0.02);
        n = descendants(root, list, max);
    }
    assert_in_range(n, least, most);
    return n;
}

static void test_close_ends_all(void **state)
{
    struct fixture f;
    pid_t list[64] = {0};

    provoke(&f, "child", NULL, PLACE_ALIGNED);
    size_t n = descendants(getpid(), list, 64);
    assert_true(n >= 3); /* zygote, worker, the worker's child */
    close_jury(&f);
    assert_true(all_gone(list, n));
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
    wait_descendants(getpid(), 1, 2, list, 64); /* the zygote, a worker; none of 5 children */
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
    size_t n = wait_descendants(engine, 3, 64, list, 64);
    kill(engine, SIGKILL);
    assert_int_equal(waitpid(engine, NULL, 0), engine);
    assert_true(all_gone(list, n));
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
        assert_true(all_gone(list, n)); /* else the worker may answer once more */
        must(jury_run(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
    }
    close_jury(&f);

    /* Where a worker may do that: in no sandbox, and as root it has become another user. */
    setenv("OPJURY_SANDBOX", "off", 1);
    struct outcome killed = provoke(&f, "kill-zygote", NULL, PLACE_ALIGNED);
    unsetenv("OPJURY_SANDBOX");
    if (killed.kind == OUTCOME_ERROR) {
        assert_string_equal(killed.error_class, "PermissionError");
    } else {
        assert_int_equal(killed.kind, OUTCOME_NOT_EXERCISED);
        assert_non_null(strstr(killed.message, "mother process died"));
    }
    close_jury(&f);
}

/* Kills each zygote of `engine` that has a worker, until it is killed itself. */
static pid_t start_killer(pid_t engine)
{
    pid_t killer = fork();

    while (killer == 0) {
        pid_t list[64] = {0};
        size_t n = descendants(engine, list, 64);
        for (size_t i = 0; i < n; i++) {
            pid_t workers[8];
            if (parent_of(list[i]) == engine && list[i] != getpid() &&
                descendants(list[i], workers, 8) > 0) {
                nap(0.3); /* the worker begins its run */
                kill(list[i], SIGKILL);
            }
        }
        nap(0.02);
    }
    return killer;
}

/* It dies under the same run again and again: that one is given up, the next is done. */
static void test_zygote_killed_again(void **state)
{
    struct fixture f = open_jury(2, (const char *const[]){"selftest:sleep", "selftest:echo"}, NULL);
    struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
    struct outcome o;
    pid_t killer = start_killer(getpid());

    must(jury_run(f.jury, 0, test, f.arena, &o));
    kill(killer, SIGKILL);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_int_equal(o.kind, OUTCOME_NOT_EXERCISED);
    assert_non_null(strstr(o.message, "mother process died"));
    must(jury_run(f.jury, 1, test, f.arena, &o));
    assert_echo(test, &o);
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

/* No room for its own work: that is nobody's fault, and the jury goes on to the next test. */
static void test_worker_without_memory(void **state)
{
    struct jury_options options = {.memory_limit = 1};
    struct fixture f = open_jury(1, (const char *const[]){"selftest:echo"}, &options);

    for (uint64_t i = 0; i < 2; i++) {
        struct outcome o;
        must(jury_run(f.jury, 0, echo_test(f.arena, i, PLACE_ALIGNED), f.arena, &o));
        assert_int_equal(o.kind, OUTCOME_NOT_EXERCISED);
        assert_string_equal(o.error_class, "MemoryError");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_crashes),       TEST(test_frames),
        TEST(test_crash_facts),   TEST(test_crash_among_others),
        TEST(test_garbage),       TEST(test_close_ends_all),
        TEST(test_orphans_die),   TEST(test_engine_killed),
        TEST(test_zygote_killed), TEST(test_zygote_killed_again),
        TEST(test_worker_killed), TEST(test_worker_without_memory),
        TEST(test_fresh),         TEST(test_usage),
    };

    return cmocka_run_group_tests_name("target_deaths", tests, NULL, NULL);
}
