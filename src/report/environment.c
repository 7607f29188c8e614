/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a maintainer needs to know of the machine: versions of the libraries, Python, the kernel and
 * the processor, and the variables by which they choose kernels. Nothing that tells whose machine
 * it is: no host name, user name, path or secret.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/escape.h"
#include "report/record_internal.h"
#include "report/report.h"
#include "report/report_internal.h"

#ifndef OPJURY_VERSION /* the build says it; tools that look at this file alone do not */
#define OPJURY_VERSION "unknown"
#endif

/* What stands behind `mark` in the first line of the file that begins with `key`; `otherwise` where
 * there is none. */
static const char *line_of(const char *path, const char *key, char mark, const char *otherwise,
                           struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    const char *found = otherwise;
    if (file_read(path, 0, &text) == ERR_OK && text.size > 0) {
        const char *line = text.data;
        while (line != NULL && strncmp(line, key, strlen(key)) != 0) {
            line = strchr(line, '\n');
            line = line != NULL ? line + 1 : NULL;
        }
        const char *value = line != NULL ? strchr(line, mark) : NULL;
        if (value != NULL) {
            value += 1 + strspn(value + 1, " \t\"");
            found = arena_printf(arena, "%.*s", (int)strcspn(value, "\"\n"), value);
        }
    }
    buffer_release(&text);
    return found;
}

/* Of the processor's instructions those by which libraries choose their kernels. */
static const char *instructions(struct arena *arena)
{
    static const char *const known[] = {"avx",         "avx2",        "fma",         "avx512f",
                                        "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni",
                                        "amx_tile",    "amx_bf16",    "asimd",       "sve"};
    const char *flags = line_of("/proc/cpuinfo", "flags", ':', NULL, arena);
    flags = flags != NULL ? flags : line_of("/proc/cpuinfo", "Features", ':', "", arena);
    const char *text = "";
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        size_t n = strlen(known[i]);
        for (const char *at = flags; (at = strstr(at, known[i])) != NULL; at += n) {
            if ((at == flags || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) {
                text = arena_printf(arena, "%s%s%s", text, text[0] != '\0' ? " " : "", known[i]);
                break;
            }
        }
    }
    return text;
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

/* ---- variables ---- */

enum { VALUE_MAX = 256 };

bool environment_allows(const char *name, const char *value)
{
    if (variable_use(name) != VARIABLE_CHOICE || strlen(value) > VALUE_MAX) {
        return false;
    }
    for (const char *c = value; *c != '\0'; c++) {
        /* A path is of this machine, or to be loaded; quotes might end the text of a script. */
        if (*c < ' ' || *c > '~' || strchr("/\\\"`", *c) != NULL) {
            return false;
        }
    }
    return true;
}

/* Those that the workers took over from whoever started us. */
struct texts environment_variables(struct arena *arena)
{
    struct texts found = {0};
    for (char **v = environ; v != NULL && *v != NULL; v++) {
        size_t n = strcspn(*v, "=");
        const char *name = arena_printf(arena, "%.*s", (int)n, *v);
        if ((*v)[n] == '=' && worker_variable(name) == NULL &&
            environment_allows(name, *v + n + 1)) {
            texts_add(&found, *v, arena);
        }
    }
    return found;
}

const char *repro_command(const struct texts *variables, struct arena *arena)
{
    struct buffer line = BUFFER_INIT;
    for (size_t i = 0; i < variables->n; i++) {
        const char *text = variables->items[i];
        size_t name = strcspn(text, "=") + 1;
        buffer_append(&line, text, name);
        shell_put(&line, text + name);
        buffer_puts(&line, " ");
    }
    buffer_puts(&line, "python repro.py");
    const char *kept = arena_strdup(arena, line.data);
    buffer_release(&line);
    return kept;
}

/* ---- the file ---- */

static json_t *variables_json(const struct texts *variables, struct arena *arena)
{
    json_t *root = json_object();
    for (size_t i = 0; i < variables->n; i++) {
        const char *text = variables->items[i];
        size_t n = strcspn(text, "=");
        json_object_set_new(root, arena_printf(arena, "%.*s", (int)n, text),
                            json_text(text + n + 1));
    }
    return root;
}

json_t *environment_json(const struct finding_files *f, const struct texts *variables,
                         struct arena *arena)
{
    struct utsname name;
    json_t *root = json_object();
    json_object_set_new(root, "opjury", json_text(OPJURY_VERSION));
    if (uname(&name) == 0) {
        json_object_set_new(root, "system", json_text(name.sysname));
        json_object_set_new(root, "kernel", json_text(name.release));
        json_object_set_new(root, "architecture", json_text(name.machine));
        json_object_set_new(
            root, "cpu",
            json_text(line_of("/proc/cpuinfo", "model name", ':', name.machine, arena)));
    }
    json_object_set_new(root, "os",
                        json_text(line_of("/etc/os-release", "PRETTY_NAME", '=', "", arena)));
    json_object_set_new(root, "libc",
                        json_text(arena_printf(arena, "glibc %s", gnu_get_libc_version())));
    json_object_set_new(root, "isa", json_text(instructions(arena)));
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
    if (variables->n > 0) {
        json_object_set_new(root, "variables", variables_json(variables, arena));
    }
    return root;
}
