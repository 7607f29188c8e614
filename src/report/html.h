/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html: a campaign as one page that needs nothing else: summary, accounting, trends, and each
 * bucket with its program drawn, its verdict table and its script. It works from a file, without a
 * network (a policy inside forbids it) and, but for filters and copying, without a script. Every
 * text from outside stands in it as text.
 */
#ifndef OPJURY_REPORT_HTML_H
#define OPJURY_REPORT_HTML_H

#include "report/counts.h"
#include "report/record.h"

/* What is seen at once, and what behind a click each. */
enum html_group {
    HTML_FIRST,   /* what there is to do, and what waits for its maintainers */
    HTML_WAITING, /* new ones beyond the limit of open ones */
    HTML_SETTLED, /* known, fixed, not to be mended */
    HTML_FLAKY,
    HTML_GROUPS,
};
struct html_bucket {
    enum html_group group;
    const struct bucket_row *row;
    const struct record *record; /* NULL: no folder, or one that cannot be read */
    const char *trouble;         /* why it cannot; "" */
    const char *known;           /* the rule that knows it, "" */
};
struct html_page {
    const char *dir, *version; /* of opjury */
    uint64_t seed;
    const struct counts *counts;
    size_t n_buckets;
    const struct html_bucket *buckets; /* by group, then in the order of their rank */
    uint64_t max_open;                 /* new buckets of a library that are seen at once; 0: all */
    size_t n_points;
    const struct progress_point *points; /* in order of time */
};
void html_print(const struct html_page *page, struct buffer *html);

#endif
