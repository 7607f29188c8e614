/* SPDX-License-Identifier: Apache-2.0 */
/* Files, directories and clocks of base: what comes back, and what the operating system can refuse.
 */
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"

static void file_comes_back_as_written(void **state)
{
    char *dir = temporary_dir();
    char path[600];
    snprintf(path, sizeof path, "%s/file", dir);
    static char data[300000];
    struct rng rng = rng_seeded(11);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)rng_next(&rng);
    }
    struct buffer buffer = BUFFER_INIT;
    buffer_puts(&buffer, "head");
    static const size_t sizes[] = {sizeof data, 0, 1, 65536};
    for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
        assert_int_equal(file_write(path, data, sizes[k]), ERR_OK);
        buffer.size = 4;
        assert_int_equal(file_read(path, 0, &buffer), ERR_OK);
        assert_int_equal(buffer.size, 4 + sizes[k]);
        assert_memory_equal(buffer.data + 4, data, sizes[k]);
        assert_int_equal(buffer.data[buffer.size], 0);
    }
    struct stat info;
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0666 & ~mask);
    buffer_release(&buffer);
    remove_dir(dir);
}

static void file_without_a_size_is_read(void **state)
{
    struct buffer buffer = BUFFER_INIT;
    assert_int_equal(file_read("/proc/self/status", 0, &buffer), ERR_OK);
    assert_non_null(strstr(buffer.data, "VmPeak"));
    buffer_release(&buffer);
}

static void read_refusals_are_said(void **state)
{
    char *dir = temporary_dir();
    char path[600];
    snprintf(path, sizeof path, "%s/file", dir);
    struct buffer buffer = BUFFER_INIT;
    buffer_puts(&buffer, "head");
    assert_int_equal(file_read(path, 0, &buffer), ERR_MISSING);
    assert_non_null(strstr(err_text(), path));
    assert_non_null(strstr(err_text(), "No such file"));
    assert_int_equal(file_read(dir, 0, &buffer), ERR_IO);
    assert_int_equal(file_write(path, "12345", 5), ERR_OK);
    assert_int_equal(file_read(path, 4, &buffer), ERR_LIMIT);
    assert_non_null(strstr(err_text(), "larger than 4 bytes"));
    assert_string_equal(buffer.data, "head");
    assert_int_equal(file_read(path, 5, &buffer), ERR_OK);
    assert_string_equal(buffer.data, "head12345");
    assert_true(file_exists(path));
    unlink(path);
    assert_false(file_exists(path));
    buffer_release(&buffer);
    remove_dir(dir);
}

static void write_refusals_are_said(void **state)
{
    char *dir = temporary_dir();
    char path[600];
    snprintf(path, sizeof path, "%s/none/file", dir);
    assert_int_equal(file_write(path, "x", 1), ERR_IO);
    assert_non_null(strstr(err_text(), path));
    assert_int_equal(file_write("/proc/opjury", "x", 1), ERR_IO);
    assert_int_equal(file_write(dir, "x", 1), ERR_IO); /* is a directory */
    assert_non_null(strstr(err_text(), "directory"));
    snprintf(path, sizeof path, "%s", dir);
    assert_int_equal(rmdir(path), 0); /* so nothing was left in it */
    remove_dir(dir);
    char *slash = strrchr(path, '/');
    char command[700];
    snprintf(command, sizeof command, "test -z \"$(ls -d '%.*s'/%s.*tmp 2>/dev/null)\"",
             (int)(slash - path), path, slash + 1);
    assert_int_equal(system(command), 0); /* nor beside it */
}

static const char *limited_path;
static void write_over_limit(void)
{
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 1000});
    static char data[5000];
    if (file_write(limited_path, data, sizeof data) != ERR_IO) {
        _exit(3);
    }
    fprintf(stderr, "%s", err_text());
}

static void failed_write_leaves_the_old_file(void **state)
{
    char *dir = temporary_dir();
    char path[600], text[4096], command[700];
    snprintf(path, sizeof path, "%s/file", dir);
    assert_int_equal(file_write(path, "old", 3), ERR_OK);
    limited_path = path;
    assert_int_equal(in_child(write_over_limit, text, sizeof text), 0);
    assert_non_null(strstr(text, path));
    assert_non_null(strstr(text, "File too large"));
    struct buffer buffer = BUFFER_INIT;
    assert_int_equal(file_read(path, 0, &buffer), ERR_OK);
    assert_string_equal(buffer.data, "old");
    snprintf(command, sizeof command, "test \"$(ls -A '%s')\" = file", dir);
    assert_int_equal(system(command), 0);
    buffer_release(&buffer);
    remove_dir(dir);
}

/* A process of the same pid may have been killed in the middle of writing. */
static void leftovers_are_no_obstacle(void **state)
{
    char *dir = temporary_dir();
    char path[600], leftover[700];
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(leftover, sizeof leftover, "%s.%ld-0.tmp", path, (long)getpid());
    assert_int_equal(file_write(leftover, "a part of something", 19), ERR_OK);
    assert_int_equal(file_write(path, "new", 3), ERR_OK);
    struct buffer buffer = BUFFER_INIT;
    assert_int_equal(file_read(path, 0, &buffer), ERR_OK);
    assert_string_equal(buffer.data, "new");
    assert_true(file_exists(leftover));
    buffer_release(&buffer);
    remove_dir(dir);
}

/* A reader beside a writer sees one of the whole texts, always. */
static void file_is_replaced_at_once(void **state)
{
    char *dir = temporary_dir();
    char path[600];
    snprintf(path, sizeof path, "%s/file", dir);
    static char data[2][20000];
    memset(data[0], 'a', sizeof data[0]);
    memset(data[1], 'b', 7000);
    assert_int_equal(file_write(path, data[0], 20000), ERR_OK);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0;; i++) {
            if (file_write(path, data[i & 1], i & 1 ? 7000 : 20000)) {
                _exit(1);
            }
        }
    }
    struct buffer buffer = BUFFER_INIT;
    for (int i = 0; i < 1000; i++) {
        buffer_clear(&buffer);
        assert_int_equal(file_read(path, 0, &buffer), ERR_OK);
        bool is_a = buffer.data[0] == 'a';
        assert_int_equal(buffer.size, is_a ? 20000 : 7000);
        assert_memory_equal(buffer.data, data[!is_a], buffer.size);
    }
    int status;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    buffer_release(&buffer);
    remove_dir(dir);
}

static void dirs_are_made(void **state)
{
    char *dir = temporary_dir();
    char path[600];
    struct stat info;
    snprintf(path, sizeof path, "%s/a//b/c/", dir);
    assert_int_equal(dir_make(path), ERR_OK);
    assert_int_equal(dir_make(path), ERR_OK);
    assert_true(stat(path, &info) == 0 && S_ISDIR(info.st_mode));
    assert_int_equal(dir_make("/"), ERR_OK);
    snprintf(path, sizeof path, "%s/file", dir);
    assert_int_equal(file_write(path, "", 0), ERR_OK);
    assert_int_equal(dir_make(path), ERR_IO);
    assert_non_null(strstr(err_text(), "Not a directory"));
    snprintf(path, sizeof path, "%s/file/below", dir);
    assert_int_equal(dir_make(path), ERR_IO);
    assert_int_equal(dir_make(""), ERR_IO);
    remove_dir(dir);
}

static void own_places_are_found(void **state)
{
    struct arena *arena = arena_new();
    char *dir = NULL;
    char place[600], expected[700];
    assert_int_equal(exe_dir(arena, &dir), ERR_OK);
    snprintf(expected, sizeof expected, "%s/test_file", dir);
    assert_true(file_exists(expected));

    snprintf(place, sizeof place, "%s", temporary_dir());
    snprintf(expected, sizeof expected, "%s/own", place);
    setenv("OPJURY_CACHE", expected, 1);
    assert_int_equal(cache_dir(arena, &dir), ERR_OK);
    assert_string_equal(dir, expected);
    assert_true(file_exists(expected));
    unsetenv("OPJURY_CACHE");
    setenv("XDG_CACHE_HOME", place, 1);
    snprintf(expected, sizeof expected, "%s/opjury", place);
    assert_int_equal(cache_dir(arena, &dir), ERR_OK);
    assert_string_equal(dir, expected);
    setenv("XDG_CACHE_HOME", "relative", 1);
    setenv("HOME", place, 1);
    snprintf(expected, sizeof expected, "%s/.cache/opjury", place);
    assert_int_equal(cache_dir(arena, &dir), ERR_OK);
    assert_string_equal(dir, expected);
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    assert_int_equal(cache_dir(arena, &dir), ERR_MISSING);
    assert_non_null(strstr(err_text(), "HOME"));
    remove_dir(place);
    arena_free(arena);
}

static void clocks_run(void **state)
{
    double wall = clock_wall(), cpu = clock_cpu_self();
    volatile double sink = 0;
    while (clock_cpu_self() - cpu < 0.02) {
        for (int i = 0; i < 100000; i++) {
            sink += i;
        }
    }
    assert_true(clock_wall() - wall >= 0.01);
    assert_true(clock_cpu_children() >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_comes_back_as_written),
        cmocka_unit_test(file_without_a_size_is_read),
        cmocka_unit_test(read_refusals_are_said),
        cmocka_unit_test(write_refusals_are_said),
        cmocka_unit_test(failed_write_leaves_the_old_file),
        cmocka_unit_test(leftovers_are_no_obstacle),
        cmocka_unit_test(file_is_replaced_at_once),
        cmocka_unit_test(dirs_are_made),
        cmocka_unit_test(own_places_are_found),
        cmocka_unit_test(clocks_run),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
