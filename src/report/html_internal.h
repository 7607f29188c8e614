/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make the page. */
#ifndef OPJURY_HTML_INTERNAL_H
#define OPJURY_HTML_INTERNAL_H

#include "report/escape.h"
#include "report/html.h"

/* "<TAG CLASS>text</TAG>"; class NULL: none. The tag may have attributes. */
void html_element(struct buffer *html, const char *tag, const char *class, const char *text);
/* <dt> and <dd>; nothing when there is no text. */
void html_fact(struct buffer *html, const char *name, const char *text);
void html_cell(struct buffer *html, uint64_t n);
/* A text of any length in <pre>, cut where it is too long for a page. */
void html_pre(struct buffer *html, const char *class, const char *text);

void html_bucket_print(const struct html_bucket *bucket, struct buffer *html);
void html_trends_print(const struct html_page *page, struct buffer *html);

#endif
