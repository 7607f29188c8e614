/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the headers that it wants before it, and what unit tests of several layers need. */
#ifndef OPJURY_UNIT_H
#define OPJURY_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static inline void must(enum err err)
{
    if (err != ERR_OK) {
        fail_msg("%s", err_text());
    }
}

/* Runs `body` in a child whose stderr comes back in `text`; gives the wait status. */
static inline int in_child(void (*body)(void), char *text, size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        dup2(fds[1], STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        body();
        fflush(stderr);
        _exit(0);
    }
    close(fds[1]);
    size_t used = 0;
    ssize_t n;
    while ((n = read(fds[0], text + used, size - 1 - used)) > 0) {
        used += (size_t)n;
    }
    text[used] = '\0';
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline char *temporary_dir(void)
{
    const char *parent = getenv("TMPDIR");
    static char path[512];
    snprintf(path, sizeof path, "%s/opjury-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void remove_dir(const char *dir)
{
    char command[4096];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

#endif
