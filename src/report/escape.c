/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of libraries, files and people inside documents: they must not become part of the language.
 */
#include "report/escape.h"

#include <ctype.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* XML 1.0, production 2 (Char): no control characters but tab and line ends, no U+FFFE and U+FFFF.
 * U+0080 to U+009F may be there, but mean nothing. */
static bool is_character(const char *c, size_t length)
{
    unsigned char first = (unsigned char)c[0], second = (unsigned char)c[1];
    if (length == 1) {
        return first >= 0x20 ? first != 0x7F : strchr("\t\n\r", first) != NULL;
    }
    if (length == 2) {
        return first != 0xC2 || second >= 0xA0;
    }
    return length != 3 ||
           (strncmp(c, "\xEF\xBF\xBE", 3) != 0 && strncmp(c, "\xEF\xBF\xBF", 3) != 0);
}

/* The next character of *text into `out`, if it stands for itself; *text moves behind it. */
static const char *next_character(const char **text, size_t *left, size_t *length)
{
    const char *c = *text;
    *length = utf8_length(c, *left);
    size_t step = *length > 0 ? *length : 1;
    if (*length == 0 || !is_character(c, *length)) {
        c = replacement;
        *length = strlen(replacement);
    }
    *text += step;
    *left -= step;
    return c;
}

void utf8_put(struct buffer *out, const char *text)
{
    for (size_t left = strlen(text), length; left > 0;) {
        const char *c = next_character(&text, &left, &length);
        buffer_append(out, c, length);
    }
}

const char *escaped(escape_printer *put, const char *text, struct arena *arena)
{
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, "");
    put(&out, text);
    const char *made = arena_strdup(arena, out.data);
    buffer_release(&out);
    return made;
}

static void put_line(struct buffer *out, const char *text)
{
    size_t from = out->size;
    utf8_put(out, text);
    for (size_t i = from; i < out->size; i++) {
        out->data[i] = strchr("\n\r\t", out->data[i]) != NULL ? ' ' : out->data[i];
    }
}

const char *line_text(const char *text, struct arena *arena)
{
    return escaped(put_line, text, arena);
}

static void put_xml(struct buffer *out, const char *text, bool attribute)
{
    size_t left = strlen(text), length;
    while (left > 0) {
        const char *c = next_character(&text, &left, &length);
        switch (*c) {
        case '&':
            buffer_puts(out, "&amp;");
            break;
        case '<':
            buffer_puts(out, "&lt;");
            break;
        case '>':
            buffer_puts(out, "&gt;");
            break;
        case '"':
            buffer_puts(out, "&quot;");
            break;
        case '\'':
            buffer_puts(out, "&#39;");
            break;
        case '\n':
        case '\r':
        case '\t':
            if (attribute) {
                buffer_printf(out, "&#%d;", *c);
                break;
            }
            buffer_append(out, c, length);
            break;
        default:
            buffer_append(out, c, length);
        }
    }
}

void xml_put(struct buffer *out, const char *text)
{
    put_xml(out, text, true);
}

void xml_text(struct buffer *out, const char *text)
{
    put_xml(out, text, false);
}

/* ---- Markdown ---- */

/*
 * CommonMark 6.1: a span ends with as many backticks as it began with, and nothing in it is
 * mark-up; GitHub links no mention, issue or address in it. One blank at both ends is taken off,
 * which keeps backticks of the text apart. A table is cut into cells before its spans are read, but
 * then takes the backslash of \| away, in spans too.
 */
static void put_code(struct buffer *out, const char *text, bool in_table)
{
    size_t fence = 1, run = 0, left = strlen(text), length;
    for (const char *c = text; *c != '\0'; c++) {
        run = *c == '`' ? run + 1 : 0;
        fence = run >= fence ? run + 1 : fence;
    }
    for (size_t i = 0; i < fence; i++) {
        buffer_puts(out, "`");
    }
    bool is_apart = fence > 1 || left == 0 || text[strspn(text, " ")] == '\0';
    buffer_puts(out, is_apart ? " " : "");
    while (left > 0) {
        const char *c = next_character(&text, &left, &length);
        bool is_blank = strchr("\n\r\t", *c) != NULL;
        buffer_puts(out, in_table && *c == '|' ? "\\" : "");
        buffer_append(out, is_blank ? " " : c, length);
    }
    buffer_puts(out, is_apart ? " " : "");
    for (size_t i = 0; i < fence; i++) {
        buffer_puts(out, "`");
    }
}

void markdown_code(struct buffer *out, const char *text)
{
    put_code(out, text, false);
}

void markdown_code_cell(struct buffer *out, const char *text)
{
    put_code(out, text, true);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* A character that may mean more, by what stands beside it. */
static bool is_meant(const char *text, const char *c)
{
    char before = c > text ? c[-1] : ' ', after = c[1];
    switch (*c) {
    case '_': /* inside a word it is emphasis nowhere */
        return !(is_word(before) && is_word(after));
    case '@': /* a mention */
    case '#': /* an issue */
        return is_word(after);
    case ']': /* a link */
        return strchr("([:", after) != NULL && after != '\0';
    case ':': { /* an address, an emoji */
        size_t name = strspn(c + 1, "abcdefghijklmnopqrstuvwxyz0123456789_+-");
        return strncmp(c, "://", 3) == 0 || (name > 0 && c[1 + name] == ':');
    }
    case '-': /* GH-1 */
        return c - text >= 2 && c[-2] == 'G' && before == 'H' && isdigit((unsigned char)after);
    default:
        return strchr("\\`*<&~$|", *c) != NULL;
    }
}

/* Of "1. x", "- x", "> x", "# x" a line would become something else. */
static bool begins_block(const char *text)
{
    size_t digits = strspn(text, "0123456789"), marks = strspn(text, "#+-");
    bool is_number = digits > 0 && (text[digits] == '.' || text[digits] == ')');
    const char *behind = text + (is_number ? digits + 1 : marks);
    return ((is_number || marks > 0) && (*behind == ' ' || *behind == '\0')) ||
           (*text != '\0' && strchr(">= ", *text) != NULL);
}

/* Does nothing in it mean more within a line than its characters? */
static bool is_plain(const char *text)
{
    size_t left = strlen(text), length;
    if (strstr(text, "www.") != NULL) { /* an address */
        return false;
    }
    for (const char *rest = text; left > 0;) {
        const char *at = rest, *c = next_character(&rest, &left, &length);
        if (c != at || strchr("\n\r\t", *c) != NULL || is_meant(text, at)) {
            return false;
        }
    }
    return true;
}

void markdown_text(struct buffer *out, const char *text)
{
    if (is_plain(text) && !begins_block(text)) {
        buffer_puts(out, text);
    } else {
        put_code(out, text, false);
    }
}

void markdown_cell(struct buffer *out, const char *text)
{
    if (is_plain(text)) {
        buffer_puts(out, text);
    } else {
        put_code(out, text, true);
    }
}

void markdown_block(struct buffer *out, const char *language, const char *text, size_t size)
{
    enum { FENCE_MIN = 3 };
    size_t fence = FENCE_MIN, run = 0;
    for (size_t i = 0; i < size; i++) {
        run = text[i] == '`' ? run + 1 : 0;
        fence = run >= fence ? run + 1 : fence;
    }
    while (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    struct buffer line = BUFFER_INIT;
    for (size_t i = 0; i < fence; i++) {
        buffer_puts(&line, "`");
    }
    buffer_printf(out, "%s%s\n", line.data, language);
    for (size_t length; size > 0;) {
        const char *c = next_character(&text, &size, &length);
        buffer_append(out, c, length);
    }
    buffer_printf(out, "\n%s\n", line.data);
    buffer_release(&line);
}

/* ---- a shell ---- */

void shell_put(struct buffer *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./@%";
    size_t n = strspn(text, plain);
    if (n > 0 && text[n] == '\0') {
        buffer_puts(out, text);
        return;
    }
    buffer_puts(out, "'");
    for (const char *c = text; *c != '\0'; c++) {
        buffer_append(out, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    }
    buffer_puts(out, "'");
}

const char *shell_word(const char *text, struct arena *arena)
{
    return escaped(shell_put, text, arena);
}

void csv_put(struct buffer *out, const char *text)
{
    struct buffer clean = BUFFER_INIT;
    buffer_puts(&clean, "");
    utf8_put(&clean, text);
    const char *quote = strpbrk(clean.data, ",\"\r\n") != NULL ? "\"" : "";
    buffer_puts(out, quote);
    for (const char *c = clean.data; *c != '\0'; c++) {
        buffer_append(out, c, 1);
        buffer_puts(out, *c == '"' ? "\"" : "");
    }
    buffer_puts(out, quote);
    buffer_release(&clean);
}
