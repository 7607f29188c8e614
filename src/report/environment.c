/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a maintainer needs to know of the machine: versions of the libraries, Python, the kernel and
 * the processor. Nothing that tells whose machine it is: no host name, user name or path.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/report.h"
#include "report/report_internal.h"

#ifndef OPJURY_VERSION
#error "the build defines OPJURY_VERSION"
#endif

/* "model name : ..." of the first processor; the architecture's name where there is none. */
static const char *cpu_model(const char *otherwise, struct arena *arena)
{
    static const char key[] = "model name";
    struct buffer text = BUFFER_INIT;
    const char *model = otherwise;
    if (file_read("/proc/cpuinfo", 0, &text) == ERR_OK && text.size > 0) {
        const char *line = strstr(text.data, key);
        const char *value = line != NULL ? strchr(line, ':') : NULL;
        if (value != NULL) {
            value += 1 + strspn(value + 1, " \t");
            model = arena_printf(arena, "%.*s", (int)strcspn(value, "\n"), value);
        }
    }
    buffer_release(&text);
    return model;
}

/* What the interpreter's script prints in its one line; NULL when it cannot be run. */
static const char *interpreter_line(const char *python, const char *script, struct arena *arena)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return NULL;
    }
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null >= 0 && dup2(null, 0) == 0 && dup2(ends[1], 1) == 1 && dup2(null, 2) == 2) {
            execl(python, python, "-I", "-S", "-c", script, (char *)NULL);
        }
        _exit(127);
    }
    close(ends[1]);
    char line[128];
    size_t size = 0;
    while (pid > 0 && size + 1 < sizeof(line)) {
        ssize_t n = read(ends[0], line + size, sizeof(line) - 1 - size);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        size += n > 0 ? (size_t)n : 0;
    }
    close(ends[0]);
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    line[size] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return status == 0 ? arena_strdup(arena, line) : NULL;
}

/* "CPython 3.11.2"; NULL for targets without an interpreter. */
static const char *python_version(const char *python, struct arena *arena)
{
    static const char script[] =
        "import platform as p; print(p.python_implementation(), p.python_version())";
    return python != NULL ? interpreter_line(python, script, arena) : NULL;
}

json_t *environment_json(const struct finding_files *f, struct arena *arena)
{
    struct utsname name;
    json_t *root = json_object();
    json_object_set_new(root, "opjury", json_text(OPJURY_VERSION));
    if (uname(&name) == 0) {
        json_object_set_new(root, "system", json_text(name.sysname));
        json_object_set_new(root, "kernel", json_text(name.release));
        json_object_set_new(root, "architecture", json_text(name.machine));
        json_object_set_new(root, "cpu", json_text(cpu_model(name.machine, arena)));
    }
    json_t *targets = json_array();
    const char *python = NULL, *version = NULL; /* of the target before: most share one */
    for (size_t t = 0; t < f->n_targets; t++) {
        json_t *row = json_object();
        json_object_set_new(row, "target", json_text(target_label(f->targets[t], arena)));
        json_object_set_new(row, "library", json_text(f->targets[t]->kind->name));
        json_object_set_new(row, "version", json_text(f->targets[t]->version));
        if (python == NULL || f->targets[t]->python == NULL ||
            strcmp(python, f->targets[t]->python) != 0) {
            python = f->targets[t]->python;
            version = python_version(python, arena);
        }
        json_object_set_new(row, "python", json_text(version));
        json_array_append_new(targets, row);
    }
    json_object_set_new(root, "targets", targets);
    return root;
}
