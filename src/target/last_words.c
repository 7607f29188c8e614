/* SPDX-License-Identifier: Apache-2.0 */
/*
 * last_words: what a dying process says of itself beside its native frames: which address it
 * wanted, which assertion did not hold, and where the library's Python code was (the interpreter's
 * faulthandler writes that behind what the library wrote to stderr).
 */
#include <signal.h>
#include <string.h>

#include "target/target_internal.h"

/* ---- addresses ---- */

const char *fault_text(int signal, int code, const char *place, struct arena *arena)
{
    bool is_access = signal == SIGSEGV || signal == SIGBUS;

    if (!is_access || code <= 0) { /* sent by somebody */
        return NULL;
    }
    if (code == SI_KERNEL) {
        return "no address can be so"; /* its upper bits are not alike; which it was is not told */
    }
    return *place                ? arena_strdup(arena, place)
           : signal == SIGBUS    ? "nothing stands behind it"
           : code == SEGV_MAPERR ? "not mapped"
                                 : "not accessible so";
}

/* ---- assertions ---- */

/* How lines are worded with which libraries end themselves: `is_next`: the reason stands in the
 * line behind. */
static const struct {
    const char *phrase, *skip; /* what stands before `skip` says nothing */
    bool is_next;
} phrases[] = {
    {"INTERNAL ASSERT FAILED", NULL, false},                     /* PyTorch */
    {"Check failed: ", "] ", false},                             /* glog, absl: XLA, TensorFlow */
    {"InternalError: Check failed", NULL, false},                /* TVM */
    {": Assertion `", ": ", false},                              /* glibc's assert */
    {"terminate called after throwing an instance", NULL, true}, /* libstdc++ */
    {"LLVM ERROR: ", NULL, false},
    {"*** stack smashing detected ***", NULL, false}, /* glibc, and its malloc: */
    {"double free or corruption", NULL, false},
    {"free(): ", NULL, false},
    {"malloc(): ", NULL, false},
    {"malloc_consolidate(): ", NULL, false},
    {"realloc(): ", NULL, false},
    {"corrupted size vs. prev_size", NULL, false},
    {"corrupted double-linked list", NULL, false},
};

static const char *line_at(const char *text, const char *at, struct arena *arena)
{
    while (at > text && at[-1] != '\n') {
        at--;
    }
    at += strspn(at, " \t");
    return arena_printf(arena, "%.*s", (int)strcspn(at, "\n"), at);
}

static const char *find_assertion(const char *log, struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
        const char *at = strstr(log, phrases[i].phrase);
        const char *next = at && phrases[i].is_next ? strchr(at, '\n') : NULL;
        if (!at) {
            continue;
        }
        bool is_told = next && strstr(next, "what(): ");
        const char *line = line_at(log, is_told ? next + 1 : at, arena);
        const char *skip = phrases[i].skip ? strstr(line, phrases[i].skip) : NULL;
        line = skip ? skip + strlen(phrases[i].skip) : line;
        static const char what[] = "what(): ";
        line += strncmp(line, what, strlen(what)) == 0 ? strlen(what) : 0;
        return line + strspn(line, " ");
    }
    return NULL;
}

/* ---- Python's code ---- */

/* "  File "/x/site-packages/torch/nn/functional.py", line 12 in relu" without what hangs on the
 * machine; NULL: it is of our own, or no such line. */
static const char *python_place(const char *line, struct arena *arena)
{
    static const char file[] = "  File \"", number[] = "\", line ";
    static const char packages[] = "-packages/", own[] = "/opjury";
    static const char library[] = "/lib/python3.";
    const char *path = line + strlen(file), *end = strstr(line, number);

    if (strncmp(line, file, strlen(file)) != 0 || !end || end > strchr(line, '\n')) {
        return NULL;
    }
    const char *name = arena_printf(arena, "%.*s", (int)(end - path), path);
    const char *slash = strrchr(name, '/'), *kept = slash ? slash + 1 : name;
    bool is_ours = slash && slash - name > (ptrdiff_t)strlen(own) &&
                   strncmp(slash - strlen(own), own, strlen(own)) == 0;
    if (is_ours || strcmp(name, "<string>") == 0) {
        return NULL;
    }
    const char *installed = strstr(name, packages), *shipped = strstr(name, library);
    const char *folder = shipped ? strchr(shipped + 1, '/') : NULL;
    folder = folder ? strchr(folder + 1, '/') : NULL;
    kept = installed ? installed + strlen(packages) : folder ? folder + 1 : kept;
    end += strlen(number);
    return arena_printf(arena, "%s:%.*s", kept, (int)strcspn(end, "\n"), end);
}

static const char *find_python(const char *trace, struct arena *arena)
{
    static const char head[] = "(most recent call first):\n";
    const char *line = strstr(trace, head);

    for (line = line ? line + strlen(head) : ""; strncmp(line, "  File ", 7) == 0;) {
        const char *end = strchr(line, '\n');
        if (!end) {
            break;
        }
        const char *place = python_place(line, arena);
        if (place) {
            return place;
        }
        line = end + 1;
    }
    return NULL;
}

void last_words_read(struct arena *arena, struct outcome *o)
{
    const char *trace = strstr(o->log, "Fatal Python error: ");
    const char *said = o->log;

    if (trace) {
        o->python = find_python(trace, arena);
        said = arena_printf(arena, "%.*s", (int)(trace - o->log), o->log);
    }
    o->log = said;
    o->assertion = find_assertion(said, arena);
}
