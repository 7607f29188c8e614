/* SPDX-License-Identifier: Apache-2.0 */
/* All that a campaign's folder holds, for its page (report/html.h). */
#include "report_html.h"

#include <stdlib.h>
#include <string.h>

#include "campaign_parts.h"
#include "command.h"
#include "finding_blame.h"
#include "report/html.h"

#ifndef OPJURY_VERSION /* the build says it; tools that look at this file alone do not */
#define OPJURY_VERSION "unknown"
#endif

static enum html_group group_of(const struct bucket_row *row, bool is_offered)
{
    static const struct {
        const char *state;
        enum html_group group;
    } groups[] = {{"reported", HTML_FIRST}, {"flaky", HTML_FLAKY}};
    if (strcmp(row->state, "new") == 0) {
        return is_offered ? HTML_FIRST : HTML_WAITING;
    }
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (strcmp(row->state, groups[i].state) == 0) {
            return groups[i].group;
        }
    }
    return HTML_SETTLED;
}

/* Ranked rows by group; of one group new ones first. */
static struct html_bucket *in_groups(struct bucket_row *ranked, size_t n, uint64_t max_open,
                                     struct arena *arena)
{
    struct html_bucket *buckets = ARENA_ZARRAY(arena, struct html_bucket, n);
    bool *offered = ARENA_ZARRAY(arena, bool, n);
    size_t filled = 0;
    buckets_offer(ranked, n, max_open, offered);
    for (unsigned pass = 0; pass < 2 * HTML_GROUPS; pass++) {
        for (size_t i = 0; i < n; i++) {
            bool is_new = strcmp(ranked[i].state, "new") == 0;
            enum html_group group = group_of(&ranked[i], offered[i]);
            if (pass == 2 * group + !is_new) {
                buckets[filled++] = (struct html_bucket){.group = group, .row = &ranked[i]};
            }
        }
    }
    return buckets;
}

/* The folder of the bucket's first finding that has one. */
static enum err read_record(const char *dir, const struct finding_row *findings, size_t n,
                            const struct report_blame *blame, struct html_bucket *b,
                            struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        const struct finding_row *row = &findings[i];
        if (strcmp(row->bucket, b->row->key) == 0 && row->folder[0] != '\0') {
            struct record *record;
            if (blame != NULL && b->group == HTML_FIRST) {
                const char *folder = arena_printf(arena, "%s/%s", dir, row->folder);
                TRY(blame_if_missing(folder, row->target, blame->python, arena));
            }
            if (record_of_row(dir, row, b->row, arena, &record) == ERR_OK) {
                b->record = record;
                b->trouble = "";
                return ERR_OK;
            }
            b->trouble = arena_strdup(arena, err_text());
        }
    }
    return ERR_OK;
}

static enum err read_buckets(struct store *store, struct html_page *page,
                             const struct report_blame *blame, struct arena *arena)
{
    struct bucket_row *rows;
    struct finding_row *findings;
    size_t n_findings;
    TRY(buckets_read(store, page->dir, NULL, arena, &rows, &page->n_buckets));
    TRY(store_findings(store, arena, &findings, &n_findings));
    struct html_bucket *buckets = in_groups(rows, page->n_buckets, page->max_open, arena);
    struct live_line line = live_line_begin("buckets");
    for (size_t i = 0; i < page->n_buckets; i++) {
        const char *rule = known_bucket_rule(buckets[i].row->key);
        buckets[i].trouble = "";
        buckets[i].known = rule != NULL ? rule : "";
        enum err err = read_record(page->dir, findings, n_findings, blame, &buckets[i], arena);
        live_line_show(&line, i + 1, page->n_buckets);
        if (err != ERR_OK) {
            live_line_end(&line);
            return err;
        }
    }
    live_line_end(&line);
    for (size_t i = 0; i < page->n_buckets; i++) {
        rows[i].targets = counts_bucket_targets(page->counts, &rows[i], arena);
    }
    page->buckets = buckets;
    return ERR_OK;
}

static enum err read_counts(struct store *store, struct html_page *page, struct arena *arena)
{
    bool bound;
    struct campaign_key key = {0};
    struct counts *counts = arena_zalloc(arena, sizeof(*counts));
    TRY(store_key(store, arena, &key, &bound));
    TRY(counts_read(store, page->dir, arena, counts));
    page->seed = key.seed;
    page->counts = counts;
    return ERR_OK;
}

static enum err read_page(const char *dir, struct html_page *page, const struct report_blame *blame,
                          struct arena *arena)
{
    struct store *store;
    struct progress_point *points;
    TRY(store_open(dir, false, &store));
    enum err err = read_counts(store, page, arena);
    if (err == ERR_OK) {
        err = read_buckets(store, page, blame, arena);
    }
    store_close(store);
    TRY(err);
    page->counts = counts_labelled(page->counts, arena);
    TRY(progress_read(dir, arena, &points, &page->n_points));
    page->points = points;
    return ERR_OK;
}

enum err report_html(const char *dir, const char *path, uint64_t max_open,
                     const struct report_blame *blame, struct arena *arena)
{
    struct html_page page = {.dir = dir, .version = OPJURY_VERSION, .max_open = max_open};
    TRY(read_page(dir, &page, blame, arena));
    struct buffer html = BUFFER_INIT;
    html_print(&page, &html);
    enum err err = file_write(path, html.data, html.size);
    buffer_release(&html);
    return err;
}
