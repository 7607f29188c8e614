/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: libcyaml with memory of an arena and complaints of one line that say the place.
 */
#include "base/yaml.h"

#include <cyaml/cyaml.h>
#include <stdio.h>

/* What is loaded lives in the caller's arena: nothing to free, also when loading fails half-way.
 * The size stands in front of each block because growing one must copy the old. */
static void *arena_memory(void *ctx, void *old, size_t size)
{
    enum { HEADER = 16 }; /* keeps the alignment of the arena */
    if (size == 0) {
        return NULL;
    }
    char *block = arena_alloc(ctx, size + HEADER);
    memcpy(block, &size, sizeof(size));
    if (old != NULL) {
        size_t old_size;
        memcpy(&old_size, (char *)old - HEADER, sizeof(old_size));
        memcpy(block + HEADER, old, old_size < size ? old_size : size);
    }
    return block + HEADER;
}

/* The first line says what is wrong; the first place in the backtrace says where. */
struct complaint {
    char what[200];
    unsigned line;
};

static void complain(cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct complaint *c = ctx;
    char text[sizeof(c->what)];
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    const char *line = strstr(text, "(line: ");
    if (c->what[0] == '\0') {
        const char *what = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
        snprintf(c->what, sizeof(c->what), "%s", what);
    } else if (line != NULL && c->line == 0) {
        sscanf(line, "(line: %u", &c->line);
    }
}

/* libcyaml places an unknown key at the start of its mapping; people look for the key itself. */
static unsigned line_of_key(const char *text, const char *key, unsigned from)
{
    unsigned line = 1;
    size_t n = strlen(key);
    for (const char *s = text; *s != '\0'; line++) {
        const char *word = s + strspn(s, " -{");
        if (line >= from && strncmp(word, key, n) == 0 && word[n] == ':') {
            return line;
        }
        s += strcspn(s, "\n");
        s += *s == '\n' ? 1 : 0;
    }
    return from;
}

unsigned yaml_line_of(const char *text, const char *key, const char *value)
{
    unsigned line = 1;
    size_t size = strlen(key);
    for (const char *s = text; *s != '\0'; line++) {
        size_t n = strcspn(s, "\n");
        const char *word = s + strspn(s, " -{");
        const char *found = strstr(word, value);
        if (strncmp(word, key, size) == 0 && word[size] == ':' && found != NULL && found < s + n) {
            return line;
        }
        s += n + (s[n] == '\n' ? 1 : 0);
    }
    return 1;
}

enum err yaml_load(const char *name, const char *text, size_t size,
                   const struct cyaml_schema_value *schema, struct arena *arena, void **loaded,
                   unsigned *n)
{
    struct complaint wrong = {.line = 0};
    cyaml_config_t config = {
        .log_fn = complain,
        .log_ctx = &wrong,
        .mem_fn = arena_memory,
        .mem_ctx = arena,
        .log_level = CYAML_LOG_ERROR,
    };
    *loaded = NULL;
    cyaml_err_t rc = cyaml_load_data((const uint8_t *)text, size, &config, schema, loaded, n);
    if (rc == CYAML_OK) {
        return ERR_OK;
    }
    static const char unknown[] = "Unexpected key: ";
    unsigned line = wrong.line > 0 ? wrong.line : 1;
    if (strncmp(wrong.what, unknown, strlen(unknown)) == 0) {
        line = line_of_key(text, wrong.what + strlen(unknown), line);
    }
    return err_set(ERR_USAGE, "%s:%u: %s", name, line,
                   wrong.what[0] != '\0' ? wrong.what : cyaml_strerror(rc));
}
