/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packages: which libraries an interpreter has, in which version, by the metadata of its packages:
 * nothing is imported. One start of an interpreter answers for all kinds, once in a process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/target_internal.h"

/* Modules and what pip calls their packages, "jax=jax numpy", as arguments; answers "jax 0.10.2". A
 * variant of a package (tensorflow-cpu, onnxruntime-gpu) has another name and the same module. */
static const char script[] = "import sys\n"
                             "sys.path[:] = [p for p in sys.path if p]\n"
                             "import importlib.util, importlib.metadata as metadata\n"
                             "def version(module, package):\n"
                             "    for name in (package, module):\n"
                             "        try:\n"
                             "            return metadata.version(name)\n"
                             "        except Exception:\n"
                             "            pass\n"
                             "    names = metadata.packages_distributions().get(module)\n"
                             "    return metadata.version(names[0]) if names else '?'\n"
                             "for word in sys.argv[1:]:\n"
                             "    module, package = word.split('=', 1)\n"
                             "    try:\n"
                             "        if importlib.util.find_spec(module) is not None:\n"
                             "            print(module, version(module, package.split()[0]))\n"
                             "    except Exception:\n"
                             "        pass\n";

/* A Python that is on a disk far away; one that hangs must not hold us up. */
static const double look_seconds = 60;

struct look {
    char *python, *answer; /* lines "module version" */
    struct look *next;
};

static bool is_library(const struct target_kind *kind)
{
    return kind->package && *kind->package;
}

static const char *module_of(const struct target_kind *kind)
{
    return kind->module ? kind->module : kind->name;
}

static _Noreturn void exec_look(const char *python, int out, struct arena *arena)
{
    const char **argv = ARENA_ZARRAY(arena, const char *, target_kind_count + 4);
    int null = open("/dev/null", O_RDWR);
    size_t n = 0;

    argv[n++] = python;
    argv[n++] = "-c";
    argv[n++] = script;
    for (size_t i = 0; i < target_kind_count; i++) {
        const struct target_kind *kind = target_kind_table[i];
        if (is_library(kind)) {
            argv[n++] = arena_printf(arena, "%s=%s", module_of(kind), kind->package);
        }
    }
    if (null >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(null, 2) >= 0) {
        execv(python, (char *const *)argv);
    }
    _exit(WIRE_EXIT_EXEC);
}

/* Until it ends, closes its output or has taken too long. */
static void read_answer(int fd, struct buffer *answer)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    double end = clock_wall() + look_seconds;
    ssize_t n = 1;

    while (n > 0 && answer->size < 1 << 16) {
        double left = end - clock_wall();
        int ready = left > 0 ? poll(&p, 1, (int)(left * 1000) + 1) : 0;
        if (ready < 0 && errno == EINTR && !stop_requested) {
            continue;
        }
        buffer_reserve(answer, 4096);
        n = ready > 0 ? read(fd, answer->data + answer->size, 4096) : 0;
        answer->size += n > 0 ? (size_t)n : 0;
    }
}

/* What cannot be asked has none. */
static char *ask(const char *python)
{
    struct arena *arena = arena_new();
    struct buffer answer = BUFFER_INIT;
    int out[2] = {-1, -1};
    double cpu;
    pid_t pid = pipe2(out, O_CLOEXEC) ? -1 : fork();

    if (pid == 0) {
        exec_look(python, out[1], arena);
    }
    if (out[1] >= 0) {
        close(out[1]);
    }
    if (pid > 0) {
        read_answer(out[0], &answer);
        (void)child_reap(pid, 1, &cpu);
    }
    if (out[0] >= 0) {
        close(out[0]);
    }
    arena_free(arena);
    buffer_append(&answer, "", 1);
    return buffer_detach(&answer, &(size_t){0});
}

static const char *look(const char *python)
{
    static struct look *looks; /* as long as the process: its children know it, too */

    for (const struct look *l = looks; l; l = l->next) {
        if (strcmp(l->python, python) == 0) {
            return l->answer;
        }
    }
    struct look *l = xcalloc(1, sizeof *l);
    *l = (struct look){.python = xstrdup(python), .answer = ask(python), .next = looks};
    looks = l;
    return l->answer;
}

const char *package_version(const char *python, const struct target_kind *kind, struct arena *arena)
{
    const char *module = module_of(kind);
    size_t n = strlen(module);

    for (const char *line = is_library(kind) ? look(python) : ""; *line;) {
        size_t size = strcspn(line, "\n");
        if (size > n && strncmp(line, module, n) == 0 && line[n] == ' ') {
            return arena_printf(arena, "%.*s", (int)(size - n - 1), line + n + 1);
        }
        line += size + (line[size] == '\n');
    }
    return NULL;
}
