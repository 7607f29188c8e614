/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which optimizers a library has: measured, because a list would age with each release. What ran is
 * in the library's own log; the rules that some of them apply are not, but their names are strings
 * of its file.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "triage/blame_internal.h"

/* ---- the log ---- */

static size_t word_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_') {
        n++;
    }
    return n;
}

/* The words behind each `before` (and before `after`), each once. */
static void words_between(const char *log, const char *before, const char *after,
                          struct arena *arena, struct texts *words)
{
    for (const char *at = log; (at = strstr(at, before)) != NULL;) {
        at += strlen(before);
        size_t n = word_length(at);
        const char *word = arena_printf(arena, "%.*s", (int)n, at);
        bool is_new = n > 0 && strncmp(at + n, after, strlen(after)) == 0;
        for (size_t i = 0; i < words->n && is_new; i++) {
            is_new = strcmp(words->items[i], word) != 0;
        }
        if (is_new) {
            texts_add(words, word, arena);
        }
    }
}

static const char begin_mark[] = "Applying graph transformer ", end_mark[] = "GraphTransformer ";

/* They run in loops, one after the other. */
static const char *still_open(const char *log, struct arena *arena)
{
    const char *last = NULL;
    for (const char *at = log; (at = strstr(at, begin_mark)) != NULL;) {
        at += strlen(begin_mark);
        last = at;
    }
    return last != NULL && strstr(last, end_mark) == NULL
               ? arena_printf(arena, "%.*s", (int)word_length(last), last)
               : NULL;
}

/* ONNX Runtime's words; python/opjury/onnxruntime.py keeps them and adds the library's place. */
struct trace trace_read(const char *log, struct arena *arena)
{
    static const char place[] = "library ";
    struct trace t = {0};
    words_between(log, begin_mark, "", arena, &t.ran);
    words_between(log, end_mark, " modified: 1", arena, &t.changed);
    if (t.ran.n == 0) {
        words_between(log, end_mark, " modified: 0", arena, &t.ran);
        words_between(log, end_mark, " modified: 1", arena, &t.ran);
    }
    t.open = still_open(log, arena);
    const char *at = log;
    while (at != NULL && strncmp(at, place, strlen(place)) != 0) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at != NULL) {
        at += strlen(place);
        t.library = arena_printf(arena, "%.*s", (int)strcspn(at, "\n"), at);
    }
    return t;
}

enum err trace_run(struct jury *jury, size_t target, const struct target *as,
                   const struct test *test, struct arena *arena, struct trace *trace)
{
    struct target *traced;
    struct outcome outcome = {.kind = OUTCOME_OK};
    TRY(target_vary(as, "trace", arena, &traced));
    TRY(jury_run_fresh_as(jury, target, traced, test, arena, &outcome));
    *trace = trace_read(outcome.log != NULL ? outcome.log : "", arena);
    trace->is_cut = outcome.kind != OUTCOME_OK && strcmp(outcome.phase, "load") == 0;
    /* One that raised or died has not said that it changed anything. */
    if (trace->is_cut && trace->open != NULL && !texts_have(&trace->changed, trace->open)) {
        texts_add(&trace->changed, trace->open, arena);
    }
    return ERR_OK;
}

bool applies_rules(const char *optimizer)
{
    return strstr(optimizer, "RuleBasedTransformer") != NULL;
}

/* ---- strings of a file ---- */

/* Names begin with a capital letter, then come letters, digits and _. A linker makes one string of
 * two where one is the end of the other, so every capital that begins a word may begin a name. */
static void add_names(const char *text, size_t n, struct arena *arena, struct texts *names)
{
    enum { SHORTEST = 4, LONGEST = 64 };
    size_t from = n;
    while (from > 0 && (isalnum((unsigned char)text[from - 1]) || text[from - 1] == '_')) {
        from--;
    }
    for (size_t i = from; i + SHORTEST <= n; i++) {
        bool begins =
            isupper((unsigned char)text[i]) && (i == from || !isupper((unsigned char)text[i - 1]));
        if (begins && n - i <= LONGEST) {
            texts_add(names, arena_strdup(arena, text + i), arena);
        }
    }
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

enum err library_names(const char *path, struct arena *arena, struct texts *names)
{
    struct buffer file = BUFFER_INIT;
    *names = (struct texts){0};
    TRY(file_read(path, 0, &file));
    for (size_t at = 0; at < file.size;) {
        size_t n = strlen(file.data + at); /* a buffer ends with a NUL */
        add_names(file.data + at, n, arena, names);
        at += n + 1;
    }
    buffer_release(&file);
    size_t kept = 0;
    if (names->n > 0) {
        qsort(names->items, names->n, sizeof(names->items[0]), compare_texts);
    }
    for (size_t i = 0; i < names->n; i++) {
        if (kept == 0 || strcmp(names->items[kept - 1], names->items[i]) != 0) {
            names->items[kept++] = names->items[i];
        }
    }
    names->n = kept;
    return ERR_OK;
}

/* ---- a smallest set ---- */

/* Names from .. end-1 only, or all others. */
static struct texts part_of(const struct texts *names, size_t from, size_t end, bool only,
                            struct arena *arena)
{
    struct texts part = {0, ARENA_ARRAY(arena, const char *, names->n)};
    for (size_t i = 0; i < names->n; i++) {
        if ((i >= from && i < end) == only) {
            part.items[part.n++] = names->items[i];
        }
    }
    return part;
}

/* One of `parts` parts alone, or all but one. true in *smaller: `names` is it. */
static enum err try_parts(struct texts *names, size_t parts, bool only, names_predicate goes,
                          void *context, struct arena *arena, bool *smaller)
{
    *smaller = false;
    for (size_t k = 0; k < parts && !*smaller; k++) {
        size_t from = names->n * k / parts, end = names->n * (k + 1) / parts;
        struct texts part = part_of(names, from, end, only, arena);
        bool is_less = part.n > 0 && part.n < names->n;
        TRY(is_less ? goes(context, &part, smaller) : ERR_OK);
        if (*smaller) {
            *names = part;
        }
    }
    return ERR_OK;
}

enum err names_minimise(struct texts *names, names_predicate goes, void *context,
                        struct arena *arena)
{
    for (size_t parts = 2; names->n > 1 && parts <= names->n;) {
        bool alone = false, without = false;
        TRY(try_parts(names, parts, true, goes, context, arena, &alone));
        if (!alone && parts > 2) {
            TRY(try_parts(names, parts, false, goes, context, arena, &without));
        }
        if (alone) {
            parts = 2;
        } else if (without) {
            parts = parts > 3 ? parts - 1 : 2;
        } else if (parts == names->n) {
            break;
        } else {
            parts = 2 * parts < names->n ? 2 * parts : names->n;
        }
    }
    return ERR_OK;
}
