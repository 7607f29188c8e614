/* SPDX-License-Identifier: Apache-2.0 */
/* All that a campaign's folder holds, for its page (report/html.h). */
#include "report_html.h"

#include <stdlib.h>
#include <string.h>

#include "campaign_parts.h"
#include "report/html.h"

#ifndef OPJURY_VERSION /* the build says it; tools that look at this file alone do not */
#define OPJURY_VERSION "unknown"
#endif

/* New ones first, then what others know of, what did not repeat last; each in order of rank. */
static int state_rank(const char *state)
{
    return strcmp(state, "new") == 0 ? 0 : strcmp(state, "flaky") == 0 ? 2 : 1;
}

static struct bucket_row *in_order(const struct bucket_row *ranked, size_t n, struct arena *arena)
{
    struct bucket_row *rows = ARENA_ARRAY(arena, struct bucket_row, n);
    size_t filled = 0;
    for (int rank = 0; rank <= 2; rank++) {
        for (size_t i = 0; i < n; i++) {
            if (state_rank(ranked[i].state) == rank) {
                rows[filled++] = ranked[i];
            }
        }
    }
    return rows;
}

/* The folder of the bucket's first finding that has one. */
static void read_record(const char *dir, const struct finding_row *findings, size_t n,
                        struct html_bucket *b, struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(findings[i].bucket, b->row->key) == 0 && findings[i].folder[0] != '\0') {
            struct record *record;
            if (record_of_row(dir, &findings[i], b->row, arena, &record) == ERR_OK) {
                b->record = record;
                b->trouble = "";
                return;
            }
            b->trouble = arena_strdup(arena, err_text());
        }
    }
}

static enum err read_buckets(struct store *store, struct html_page *page, struct arena *arena)
{
    struct bucket_row *rows;
    struct finding_row *findings;
    size_t n_findings;
    TRY(buckets_read(store, page->dir, NULL, arena, &rows, &page->n_buckets));
    TRY(store_findings(store, arena, &findings, &n_findings));
    rows = in_order(rows, page->n_buckets, arena);
    struct html_bucket *buckets = ARENA_ZARRAY(arena, struct html_bucket, page->n_buckets);
    for (size_t i = 0; i < page->n_buckets; i++) {
        const char *rule = known_bucket_rule(rows[i].key);
        rows[i].targets = counts_bucket_targets(page->counts, &rows[i], arena);
        buckets[i] =
            (struct html_bucket){.row = &rows[i], .trouble = "", .known = rule != NULL ? rule : ""};
        read_record(page->dir, findings, n_findings, &buckets[i], arena);
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

static enum err read_page(const char *dir, struct html_page *page, struct arena *arena)
{
    struct store *store;
    struct progress_point *points;
    TRY(store_open(dir, false, &store));
    enum err err = read_counts(store, page, arena);
    if (err == ERR_OK) {
        err = read_buckets(store, page, arena);
    }
    store_close(store);
    TRY(err);
    page->counts = counts_labelled(page->counts, arena);
    TRY(progress_read(dir, arena, &points, &page->n_points));
    page->points = points;
    return ERR_OK;
}

enum err report_html(const char *dir, const char *path, struct arena *arena)
{
    struct html_page page = {.dir = dir, .version = OPJURY_VERSION};
    TRY(read_page(dir, &page, arena));
    struct buffer html = BUFFER_INIT;
    html_print(&page, &html);
    enum err err = file_write(path, html.data, html.size);
    buffer_release(&html);
    return err;
}
