/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interpreter: finds the Python that has a library, and the folder of our own worker code. A path
 * that was given explicitly must be right; of the places searched by default the first that exists
 * is taken.
 */
#include "target/target_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* `path` itself when it is a program, its bin/python when it is a venv; NULL otherwise. The link is
 * not resolved: a venv is recognised by where its python lies. */
static const char *as_interpreter(const char *path, struct arena *arena)
{
    if (is_program(path)) {
        return arena_strdup(arena, path);
    }
    const char *inside = arena_printf(arena, "%s/bin/python", path);
    return is_program(inside) ? inside : NULL;
}

static const char *on_search_path(const char *program, struct arena *arena)
{
    const char *path = getenv("PATH");
    char *list = arena_strdup(arena, path ? path : "/usr/local/bin:/usr/bin:/bin");

    for (char *dir = strtok_r(list, ":", &list); dir; dir = strtok_r(NULL, ":", &list)) {
        const char *full = arena_printf(arena, "%s/%s", dir, program);
        if (is_program(full)) {
            return full;
        }
    }
    return NULL;
}

static const char *beside_build(struct arena *arena)
{
    char *dir;

    if (exe_dir(arena, &dir)) {
        return NULL;
    }
    /* build/opjury, build/tests/unit/test_target: the checkout is one to three folders up. */
    for (int up = 1; up <= 3; up++) {
        dir = arena_printf(arena, "%s/..", dir);
        char *venv = realpath(arena_printf(arena, "%s/.venv", dir), NULL);
        const char *found = venv ? as_interpreter(venv, arena) : NULL;
        free(venv);
        if (found) {
            return found;
        }
    }
    return NULL;
}

static enum err given(const char *path, const char *whence, struct arena *arena, const char **found)
{
    const char *python = as_interpreter(path, arena);

    if (!python && !strchr(path, '/')) {
        python = on_search_path(path, arena);
    }
    if (!python) {
        return err_set(ERR_MISSING,
                       "%s: '%s' is neither a Python interpreter nor a folder with bin/python",
                       whence, path);
    }
    *found = python;
    return ERR_OK;
}

enum err interpreter_find(const char *at, const char *python, struct arena *arena,
                          const char **path)
{
    const char *venv = getenv("VIRTUAL_ENV");
    const char *env = getenv("OPJURY_PYTHON");

    if (at) {
        return given(at, "the target's @PATH", arena, path);
    }
    if (python) {
        return given(python, "--python", arena, path);
    }
    if (env && *env) {
        return given(env, "$OPJURY_PYTHON", arena, path);
    }
    const char *found = venv && *venv ? as_interpreter(venv, arena) : NULL;
    found = found ? found : beside_build(arena);
    found = found ? found : on_search_path("python3", arena);
    if (!found) {
        return err_set(ERR_MISSING, "no Python interpreter: install python3 (3.11 or newer) or "
                                    "give one with --python PATH");
    }
    *path = found;
    return ERR_OK;
}

enum err worker_dir(struct arena *arena, const char **found)
{
    char *dir;
    const char *env = getenv("OPJURY_WORKER_DIR");

    if (env && *env) {
        *found = env;
        return ERR_OK;
    }
    TRY(exe_dir(arena, &dir));
    /* build/python beside build/opjury, or above the unit tests; PREFIX/lib/opjury when installed.
     */
    for (int up = 0; up <= 3; up++) {
        const char *built = arena_printf(arena, "%s/python", dir);
        const char *installed = arena_printf(arena, "%s/lib/opjury", dir);
        const char *const places[] = {built, installed};
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
            if (file_exists(arena_printf(arena, "%s/opjury/zygote.py", places[i]))) {
                *found = places[i];
                return ERR_OK;
            }
        }
        dir = arena_printf(arena, "%s/..", dir);
    }
    return err_set(ERR_MISSING, "the worker's files (python/opjury) are not beside the program: "
                                "build with 'make build' or set OPJURY_WORKER_DIR");
}

bool interpreter_has(const char *python, const char *package)
{
    static const char code[] =
        "import importlib.util, sys; sys.path[:] = [p for p in sys.path if p]; "
        "sys.exit(importlib.util.find_spec(sys.argv[1]) is None)";
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) {
            _exit(WIRE_EXIT_EXEC);
        }
        execl(python, python, "-c", code, package, (char *)NULL);
        _exit(WIRE_EXIT_EXEC);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
