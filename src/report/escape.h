/* SPDX-License-Identifier: Apache-2.0 */
/* escape: any bytes as text in another language. What is no UTF-8 becomes U+FFFD in all of them. */
#ifndef OPJURY_REPORT_ESCAPE_H
#define OPJURY_REPORT_ESCAPE_H

#include "base/base.h"

/* What one of these makes of the text; the arena's. */
typedef void escape_printer(struct buffer *out, const char *text);
const char *escaped(escape_printer *put, const char *text, struct arena *arena);

/* As it is but for what is no text: what is no UTF-8, and control characters that are no line ends
 * or tabs. */
void utf8_put(struct buffer *out, const char *text);

/* The same in one line, for lists and terminals; the arena's. */
const char *line_text(const char *text, struct arena *arena);

/* As the value of an attribute in double or single quotes, in XML 1.0 and HTML; line ends and tabs
 * stay what they are. Control characters, which XML cannot hold, become U+FFFD. */
void xml_put(struct buffer *out, const char *text);
/* As text between tags: line ends and tabs are written as they are. */
void xml_text(struct buffer *out, const char *text);
/* As code within a line of GitHub's Markdown: nothing in it is a mark-up, a link, a mention or a
 * reference. Line ends are blanks. */
void markdown_code(struct buffer *out, const char *text);
/* As it is where nothing in it means more to GitHub than its characters, else as code. */
void markdown_text(struct buffer *out, const char *text);
/* The same two as a cell of a table, where a bar would begin the next one. */
void markdown_code_cell(struct buffer *out, const char *text);
void markdown_cell(struct buffer *out, const char *text);

/* As a cell of a CSV file (RFC 4180). */
void csv_put(struct buffer *out, const char *text);

/* As one word of a shell's command: as it is, or in single quotes where a shell would read more in
 * it. */
void shell_put(struct buffer *out, const char *text);
const char *shell_word(const char *text, struct arena *arena);
/* A fenced block: no line of the text can end it. Ends with the line of its end; of text's `size`
 * bytes the empty lines at the end are not shown. */
void markdown_block(struct buffer *out, const char *language, const char *text, size_t size);

#endif
