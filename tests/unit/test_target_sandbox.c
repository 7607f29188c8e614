/* SPDX-License-Identifier: Apache-2.0 */
/* target: what workers may not do, tried by one (python/opjury/selftest_sandbox.py), and what they
 * must be able to; and the sandbox by itself, as kernels of each kind have it. */
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "opjury/sandbox.h"

/* ---- a folder that is not a worker's ---- */

static const char *outside;

static const char *at(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", outside, name);
    return path;
}

/* Anew for each test. */
static int set_up(void **state)
{
    char number[16];

    outside = temporary_dir();
    FILE *key = fopen(at("key"), "w");
    assert_non_null(key);
    fputs("a key", key);
    fclose(key);
    snprintf(number, sizeof number, "%d", (int)getpid());
    setenv("OPJURY_SELFTEST", outside, 1);
    setenv("OPJURY_SELFTEST_ENGINE", number, 1);
    return 0;
}

static int tear_down(void **state)
{
    close_all(state);
    scratch_remove(outside);
    return 0;
}

/* The key is there as it was, and nothing else. */
static void assert_untouched(void)
{
    char text[16] = "";
    struct stat st;

    FILE *key = fopen(at("key"), "r");
    assert_non_null(key);
    assert_non_null(fgets(text, sizeof text, key));
    fclose(key);
    assert_string_equal(text, "a key");
    assert_int_equal(stat(outside, &st), 0);
    assert_int_equal(st.st_nlink, 2);
    assert_int_not_equal(stat(at("new"), &st), 0);
    assert_int_not_equal(stat(at("moved"), &st), 0);
}

/* ---- in a worker ---- */

/* What the action's run wrote; the worker lives on. */
static const char *log_of(struct fixture *f, const char *action)
{
    struct outcome o = provoke(f, action, NULL, PLACE_ALIGNED);

    if (o.kind != OUTCOME_OK) {
        fail_msg("outcome %d: %s", (int)o.kind, o.message);
    }
    assert_int_equal(jury_usage(f->jury).restarts, 0);
    return o.log;
}

/* Lines "NAME: TEXT" of the log. */
static size_t count(const char *log, const char *text)
{
    char end[64];
    size_t n = 0;

    snprintf(end, sizeof end, ": %s\n", text);
    for (const char *p = log; (p = strstr(p, end)); p += strlen(end)) {
        n++;
    }
    return n;
}

static void test_attempts(void **state)
{
    enum { ATTEMPTS = 36 };
    struct fixture f;
    const char *log = log_of(&f, "attempts");

    if (count(log, "refused") != ATTEMPTS) {
        print_error("%s", log);
        fail_msg("not all are refused");
    }
    assert_untouched();
    close_jury(&f);
}

/* The same without: had they not been real, they would tell nothing. */
static void test_attempts_without(void **state)
{
    static const char *const done[] = {"read a file",      "read a file in a thread",
                                       "read a folder",    "read by a symbolic link",
                                       "read in a shell",  "write a file",
                                       "write in a shell", "append to a file",
                                       "socket, IPv4",     "socket, local",
                                       "make a folder",    "socket, pair of datagrams"};
    struct fixture f;

    setenv("OPJURY_SANDBOX", "off", 1);
    const char *log = log_of(&f, "attempts");
    unsetenv("OPJURY_SANDBOX");
    for (size_t i = 0; i < ARRAY_SIZE(done); i++) {
        char line[64];
        snprintf(line, sizeof line, "%s: done\n", done[i]);
        if (!strstr(log, line)) {
            print_error("%s", log);
            fail_msg("%s: not done without a sandbox", done[i]);
        }
    }
    close_jury(&f);
}

static void test_needs(void **state)
{
    enum { NEEDS = 8 };
    struct fixture f;
    const char *log = log_of(&f, "needs");

    if (count(log, "done") != NEEDS) {
        print_error("%s", log);
        fail_msg("not all are done");
    }
    close_jury(&f);
}

static void test_environment(void **state)
{
    static const char *const secrets[] = {"GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK",
                                          "OPJURY_API_KEY", "OMP_PASSWORD"};
    struct fixture f;

    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        setenv(secrets[i], "classified", 1);
    }
    setenv("OMP_SELFTEST", "public", 1);
    setenv("LC_SELFTEST", "public", 1);
    int left_open = memfd_create("classified", 0); /* as a shell or a runner of CI does */
    const char *log = log_of(&f, "environment");
    close(left_open);
    assert_non_null(strstr(log, "open: "));
    assert_null(strstr(log, "classified"));
    assert_non_null(strstr(log, "OMP_SELFTEST=public\n"));
    assert_non_null(strstr(log, "LC_SELFTEST=public\n"));
    assert_non_null(strstr(log, "\nOMP_NUM_THREADS=1\n"));
    close_jury(&f);
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        unsetenv(secrets[i]);
    }
    unsetenv("OMP_SELFTEST");
    unsetenv("LC_SELFTEST");
}

static void test_variables(void **state)
{
    static const struct {
        const char *name;
        enum variable_use use;
    } cases[] = {{"PATH", VARIABLE_WORKER},          {"PATHS", VARIABLE_OTHER},
                 {"HOME", VARIABLE_OTHER},           {"OMP_DYNAMIC", VARIABLE_CHOICE},
                 {"OMP_", VARIABLE_OTHER},           {"COMP_X", VARIABLE_OTHER},
                 {"XLA_FLAGS", VARIABLE_CHOICE},     {"CUDA_VISIBLE_DEVICES", VARIABLE_WORKER},
                 {"OPJURY_API_KEY", VARIABLE_OTHER}, {"TORCH_TOKEN", VARIABLE_OTHER},
                 {"HTTPS_PROXY", VARIABLE_OTHER},    {"OMP_x", VARIABLE_OTHER}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (variable_use(cases[i].name) != cases[i].use) {
            fail_msg("%s", cases[i].name);
        }
    }
}

/* ---- scratch folders ---- */

/* A tree deeper than a path may be long, without permissions, with a link to elsewhere. */
static void make_mess(const char *folder)
{
    enum { DEEP = 30 }; /* of 200 bytes each */
    char name[201];
    int start = open(".", O_RDONLY | O_DIRECTORY);

    memset(name, 'x', 200);
    name[200] = '\0';
    assert_int_equal(chdir(folder), 0);
    for (int i = 0; i < DEEP; i++) {
        assert_int_equal(mkdir(name, 0700), 0);
        assert_int_equal(chdir(name), 0);
    }
    assert_int_equal(symlink(outside, "link"), 0);
    assert_int_equal(mkdir("closed", 0700), 0);
    assert_int_equal(mkdir("closed/in", 0), 0);
    assert_int_equal(chmod("closed", 0), 0);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(symlink(outside, "link"), 0);
    assert_int_equal(fchdir(start), 0);
    close(start);
}

static void test_scratch(void **state)
{
    int lock, other;
    struct stat st;
    char *folder = scratch_make(outside, &lock), *next;

    assert_non_null(folder);
    make_mess(folder);
    scratch_empty(folder);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_nlink, 2);
    /* While the first has its lock, it is no leftover; then it is. */
    next = scratch_make(outside, &other);
    assert_non_null(next);
    assert_int_equal(stat(folder, &st), 0);
    scratch_remove(next);
    free(next);
    close(other);
    close(lock);
    next = scratch_make(outside, &other);
    assert_non_null(next);
    assert_int_not_equal(stat(folder, &st), 0);
    scratch_remove(next);
    close(other);
    free(next);
    free(folder);
    assert_untouched();
    assert_null(scratch_make("/nowhere", &lock));
}

/* ---- the sandbox as other kernels have it ---- */

struct tries {
    int landlock;
    bool has_seccomp;
};
static struct tries lacking;

static void expect(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "Landlock %d, seccomp %d: %s: %s\n", lacking.landlock,
                (int)lacking.has_seccomp, what, strerror(errno));
    }
}

static void try_files(void)
{
    const char *path = at("key");
    expect(open(path, O_RDONLY) < 0, "reads outside");
    expect(open(path, O_WRONLY) < 0, "writes outside");
    expect(open(path, O_RDONLY | O_TRUNC) < 0, "truncates by opening");
    expect(truncate(path, 0) < 0 || !lacking.has_seccomp, "truncates");
    expect(unlink(path) < 0, "removes");
    expect(!lacking.has_seccomp || chmod(path, 0600) < 0, "changes a mode");
    path = at("scratch/file");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    expect(fd >= 0, "writes in its folder");
    expect(open(path, O_RDONLY) >= 0, "reads in its folder");
    expect(open("/proc/self/status", O_RDONLY) >= 0, "reads of itself");
    expect(open("/usr", O_RDONLY | O_DIRECTORY) >= 0, "reads what it may");
}

static void try_calls(void)
{
    expect(kill(getppid(), 0) < 0, "signals");
    expect(kill(getpid(), 0) == 0, "signals itself");
    expect(socket(AF_UNIX, SOCK_STREAM, 0) < 0, "makes a socket");
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    expect(pid > 0, "forks");
}

static void enter_and_try(void)
{
    struct sandbox s;

    sandbox_init(&s);
    s.landlock = lacking.landlock;
    s.has_seccomp = lacking.has_seccomp;
    expect(sandbox_allow_system(&s), "places");
    expect(sandbox_enter(&s, at("scratch")), "sandbox_enter");
    if (lacking.landlock > 0) {
        try_files();
    }
    if (lacking.has_seccomp) {
        try_calls();
    }
}

static void test_kernels(void **state)
{
    struct sandbox s;
    char text[1024];

    sandbox_init(&s);
    if (sandbox_lacks(&s)) {
        print_message("# SKIP %s\n", sandbox_lacks(&s));
        skip();
    }
    assert_int_equal(mkdir(at("scratch"), 0700), 0);
    for (int abi = 0; abi <= s.landlock; abi++) {
        for (int seccomp = 0; seccomp <= 1; seccomp++) {
            /* Without filters, files may be truncated where Landlock does not know of it. */
            if (seccomp == 0 && abi > 0 && abi < 3) {
                continue;
            }
            lacking = (struct tries){abi, seccomp};
            in_child(enter_and_try, text, sizeof text);
            assert_string_equal(text, "");
        }
    }
    scratch_remove(at("scratch"));
    assert_untouched();
}

static void test_lacks(void **state)
{
    struct sandbox s = {.landlock = 1, .has_seccomp = true};

    assert_null(sandbox_lacks(&s));
    s.landlock = 0;
    assert_non_null(strstr(sandbox_lacks(&s), "no Landlock"));
    s.has_seccomp = false;
    assert_non_null(strstr(sandbox_lacks(&s), "neither Landlock nor seccomp"));
    s.landlock = 1;
    assert_non_null(strstr(sandbox_lacks(&s), "no seccomp"));
}

/* ---- what it costs ---- */

static void nothing(void) {}

static void enter(void)
{
    struct sandbox s;

    sandbox_init(&s);
    expect(sandbox_allow_system(&s), "places");
    expect(sandbox_enter(&s, outside), "sandbox_enter");
}

/* At best: other processes run too. */
static double milliseconds(void (*body)(void))
{
    enum { TIMES = 50 };
    char text[1024];
    double least = 1e9;

    for (int i = 0; i < TIMES; i++) {
        double start = clock_wall();
        in_child(body, text, sizeof text);
        double ms = (clock_wall() - start) * 1000;
        least = ms < least ? ms : least;
    }
    assert_string_equal(text, "");
    return least;
}

/* A crash may cost 20 ms in all. */
static void test_cost(void **state)
{
    double plain = milliseconds(nothing), confined = milliseconds(enter);

    print_message("# a process: %.2f ms, in a sandbox %.2f ms\n", plain, confined);
    assert_true(confined - plain < 5);
}

#define TEST_OUTSIDE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_OUTSIDE(test_attempts),  TEST_OUTSIDE(test_attempts_without),
        TEST_OUTSIDE(test_needs),     TEST_OUTSIDE(test_environment),
        TEST_OUTSIDE(test_scratch),   TEST_OUTSIDE(test_kernels),
        TEST_OUTSIDE(test_cost),      cmocka_unit_test(test_variables),
        cmocka_unit_test(test_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
