/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline file. People own it: what they wrote beside a key, before the first and behind the
 * last stays there when keys are added, and a key goes away only by their hand.
 */
#include <stdlib.h>
#include <string.h>

#include "report/ci.h"

enum { BASELINE_SIZE_MAX = 16 << 20 }; /* bytes; a key has a few hundred */

static const char default_head[] = "# Buckets that `opjury ci` accepts, a key a line; the comment "
                                   "above a key is for people and stays\n"
                                   "# with it. Delete a key to have it reported again.\n";
static const char key_mark[] = " | "; /* every bucket key has it */

/* ---- keys as lines ---- */

static const char *key_line(const char *key, struct arena *arena)
{
    struct buffer line = BUFFER_INIT;
    for (const char *c = key; *c != '\0'; c++) {
        if (*c == '\\') {
            buffer_puts(&line, "\\\\");
        } else if ((unsigned char)*c < 0x20 || *c == 0x7F || (*c == ' ' && c[1] == '\0')) {
            buffer_printf(&line, "\\x%02x", (unsigned char)*c);
        } else {
            buffer_append(&line, c, 1);
        }
    }
    const char *text = arena_strdup(arena, line.data != NULL ? line.data : "");
    buffer_release(&line);
    return text;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct baseline_entry *)a)->key, ((const struct baseline_entry *)b)->key);
}

/* Entries hold keys as lines: what is compared is what is in the file. */
static const struct baseline_entry *find_line(const struct baseline *baseline, const char *line)
{
    const struct baseline_entry wanted = {.key = line};
    return baseline->n == 0 ? NULL
                            : bsearch(&wanted, baseline->entries, baseline->n,
                                      sizeof(*baseline->entries), by_key);
}

bool baseline_holds(const struct baseline *baseline, const char *key)
{
    struct arena *arena = arena_new();
    bool holds = find_line(baseline, key_line(key, arena)) != NULL;
    arena_free(arena);
    return holds;
}

static void sort(struct baseline *baseline)
{
    if (baseline->n > 1) {
        qsort(baseline->entries, baseline->n, sizeof(*baseline->entries), by_key);
    }
}

static void add_line(struct baseline *baseline, const char *line, const char *note,
                     struct arena *arena)
{
    baseline->entries =
        arena_room(arena, baseline->entries, baseline->n, sizeof(*baseline->entries));
    baseline->entries[baseline->n++] = (struct baseline_entry){.note = note, .key = line};
}

void baseline_add(struct baseline *baseline, const char *key, const char *what, struct arena *arena)
{
    const char *line = key_line(key, arena);
    if (find_line(baseline, line) == NULL) {
        add_line(baseline, line, arena_printf(arena, "# %s\n", key_line(what, arena)), arena);
        sort(baseline);
    }
}

/* ---- the file ---- */

struct reading {
    const char *path;
    unsigned line;
    struct buffer comments; /* since the last key */
    bool any_key, head_ended;
};

static enum err take_line(struct reading *r, struct baseline *baseline, char *line,
                          struct arena *arena)
{
    size_t size = strlen(line);
    while (size > 0 && strchr(" \t\r", line[size - 1]) != NULL) {
        line[--size] = '\0';
    }
    if (line[0] == '#') {
        buffer_printf(&r->comments, "%s\n", line);
        return ERR_OK;
    }
    if (size == 0) { /* the first empty line ends the head, if there is one */
        if (!r->any_key && !r->head_ended) {
            baseline->head = arena_strdup(arena, r->comments.size > 0 ? r->comments.data : "");
            buffer_clear(&r->comments);
        }
        r->head_ended = true;
        return ERR_OK;
    }
    if (strstr(line, key_mark) == NULL) {
        return err_set(ERR_INPUT,
                       "%s:%u: this is no bucket key (LIBRARY | OPS | WHAT); is it a file of "
                       "`opjury ci --write-baseline`?",
                       r->path, r->line);
    }
    r->any_key = true;
    const char *note = arena_strdup(arena, r->comments.size > 0 ? r->comments.data : "");
    add_line(baseline, arena_strdup(arena, line), note, arena);
    buffer_clear(&r->comments);
    return ERR_OK;
}

/* The same key twice, of two branches that were merged: one is enough, with both notes. */
static void join_doubles(struct baseline *baseline, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < baseline->n; i++) {
        struct baseline_entry *e = &baseline->entries[i];
        struct baseline_entry *last = n > 0 ? &baseline->entries[n - 1] : NULL;
        if (last == NULL || strcmp(last->key, e->key) != 0) {
            baseline->entries[n++] = *e;
        } else if (strcmp(last->note, e->note) != 0) {
            last->note = arena_printf(arena, "%s%s", last->note, e->note);
        }
    }
    baseline->n = n;
}

static enum err take_lines(struct reading *r, struct baseline *baseline, struct buffer *text,
                           struct arena *arena)
{
    if (strlen(text->data) != text->size) {
        return err_set(ERR_INPUT, "%s: it holds a zero byte, so it is no baseline", r->path);
    }
    for (char *line = text->data; *line != '\0';) {
        char *next = line + strcspn(line, "\n");
        next += *next == '\n' ? (*next = '\0', 1) : 0;
        r->line++;
        TRY(take_line(r, baseline, line, arena));
        line = next;
    }
    baseline->tail = arena_strdup(arena, r->comments.size > 0 ? r->comments.data : "");
    sort(baseline);
    join_doubles(baseline, arena);
    return ERR_OK;
}

enum err baseline_read(const char *path, struct arena *arena, struct baseline *baseline)
{
    struct buffer text = BUFFER_INIT;
    struct reading r = {.path = path};
    struct baseline made = {.head = "", .tail = ""};
    enum err err = file_read(path, BASELINE_SIZE_MAX, &text);
    if (err == ERR_OK && text.size > 0) {
        err = take_lines(&r, &made, &text, arena);
    }
    buffer_release(&r.comments);
    buffer_release(&text);
    TRY(err);
    *baseline = made;
    return ERR_OK;
}

enum err baseline_write(const char *path, const struct baseline *baseline)
{
    struct buffer text = BUFFER_INIT;
    const char *head = baseline->head;
    buffer_puts(&text, head == NULL || *head == '\0' ? default_head : head);
    for (size_t i = 0; i < baseline->n; i++) {
        buffer_printf(&text, "\n%s%s\n", baseline->entries[i].note, baseline->entries[i].key);
    }
    if (baseline->tail != NULL && *baseline->tail != '\0') {
        buffer_printf(&text, "\n%s", baseline->tail);
    }
    enum err err = file_write(path, text.data, text.size);
    buffer_release(&text);
    return err;
}
