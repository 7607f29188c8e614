/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of Python source: literals that read back to the same bits, identifiers that no keyword
 * shadows. Whoever prints source uses these and nothing else for values.
 */
#include "spell/spell_internal.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static void put_real(struct buffer *source, enum dtype d, double value)
{
    if (isnan(value)) {
        buffer_puts(source, "float(\"nan\")");
    } else if (isinf(value)) {
        buffer_puts(source, value < 0 ? "float(\"-inf\")" : "float(\"inf\")");
    } else {
        size_t start = source->size;
        dtype_print(d, (real)value, source);
        if (!strpbrk(source->data + start, ".e")) {
            buffer_puts(source, ".0");
        }
    }
}

void python_real(struct buffer *source, double value)
{
    put_real(source, DTYPE_F64, value);
}

void python_single(struct buffer *source, float value)
{
    put_real(source, DTYPE_F32, (double)value);
}

void python_string(struct buffer *source, const char *text)
{
    buffer_puts(source, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            buffer_printf(source, "\\%c", *c);
        } else if (*c == '\n') {
            buffer_puts(source, "\\n");
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            buffer_printf(source, "\\x%02x", (unsigned)*c);
        } else {
            buffer_append(source, c, 1);
        }
    }
    buffer_puts(source, "\"");
}

/* Keywords of Python 3.11 (keyword.kwlist) and the one builtin that literals need. */
static const char *const python_words[] = {
    "False",   "None",     "True",     "and",    "as",   "assert", "async",  "await",
    "break",   "class",    "continue", "def",    "del",  "elif",   "else",   "except",
    "finally", "for",      "from",     "global", "if",   "import", "in",     "is",
    "lambda",  "nonlocal", "not",      "or",     "pass", "raise",  "return", "try",
    "while",   "with",     "yield",    "float",  NULL,
};

static bool is_word(const char *const *words, const char *name)
{
    for (; words && *words; words++) {
        if (strcmp(*words, name) == 0) {
            return true;
        }
    }
    return false;
}

char *python_identifier(struct arena *arena, const char *name, const char *const *reserved)
{
    char *id = arena_printf(arena, "%s%s", isdigit((unsigned char)name[0]) ? "_" : "",
                            name[0] ? name : "_");

    for (char *c = id; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_') {
            *c = '_';
        }
    }
    if (is_word(python_words, id) || is_word(reserved, id)) {
        id = arena_printf(arena, "%s_", id);
    }
    return id;
}

void python_disabled(struct buffer *source, const char *names, const char *indent)
{
    if (names == NULL) {
        return;
    }
    buffer_printf(source, ",\n%sdisabled_optimizers=[", indent);
    for (const char *at = names; *at != '\0';) {
        size_t size = strcspn(at, "+");
        buffer_printf(source, "%s\"%.*s\"", at == names ? "" : ", ", (int)size, at);
        at += size + (at[size] == '+');
    }
    buffer_puts(source, "]");
}
