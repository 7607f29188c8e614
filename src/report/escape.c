/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of libraries, files and people inside documents: they must not become part of the language.
 */
#include "report/escape.h"

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

/* GitHub links no mention, issue or address inside the element, which a text with backticks can
 * leave less easily than a span of backticks; what is in it is still Markdown. */
void markdown_code(struct buffer *out, const char *text)
{
    size_t left = strlen(text), length;
    buffer_puts(out, "<code>");
    while (left > 0) {
        const char *c = next_character(&text, &left, &length);
        if (strchr("\n\r\t", *c) != NULL) {
            buffer_puts(out, " ");
        } else if (*c == '&') {
            buffer_puts(out, "&amp;");
        } else if (*c == '<') {
            buffer_puts(out, "&lt;");
        } else if (strchr("\\`*_{}[]()#+-!|~>$:@", *c) != NULL) {
            buffer_printf(out, "\\%c", *c);
        } else {
            buffer_append(out, c, length);
        }
    }
    buffer_puts(out, "</code>");
}

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
    buffer_printf(out, "%s%s\n%.*s\n%s\n", line.data, language, (int)size, text, line.data);
    buffer_release(&line);
}
