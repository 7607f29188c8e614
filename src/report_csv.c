/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A campaign as three tables. Everything comes from the store; what a file says can be added up
 * against what `opjury fuzz` said at its end.
 */
#include "report_csv.h"

#include "campaign_parts.h"
#include "report/escape.h"
#include "report/record.h"

#include <jansson.h>
#include <string.h>

/* ---- cells and lines ---- */

static void put_text(struct buffer *out, const char *text)
{
    csv_put(out, text);
    buffer_puts(out, ",");
}

static void put_count(struct buffer *out, uint64_t n)
{
    buffer_printf(out, "%llu,", (unsigned long long)n);
}

/* Each cell left a comma behind it: the line's last becomes its end. */
static void end_line(struct buffer *out)
{
    out->data[out->size - 1] = '\n';
}

static enum err write_file(const char *folder, const char *name, struct buffer *text,
                           struct arena *arena)
{
    enum err err = file_write(arena_printf(arena, "%s/%s", folder, name), text->data, text->size);
    buffer_release(text);
    return err;
}

/* ---- the tables ---- */

/* Facts of the row that have no column in the store. */
static void put_facts(struct buffer *out, const char *json)
{
    static const char *const counts[] = {"runs", "repeats"};
    json_t *root = json_loads(json, 0, NULL);
    const char *version = json_string_value(json_object_get(root, "version"));
    put_text(out, version != NULL ? version : "");
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        put_count(out, (uint64_t)json_integer_value(json_object_get(root, counts[i])));
    }
    json_decref(root);
}

static enum err write_findings(struct store *store, const char *folder, struct arena *arena)
{
    struct finding_row *rows;
    size_t n;
    TRY(store_findings(store, arena, &rows, &n));
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, "id,test,state,severity,oracle,target,scenario,ops,text,signature,bucket,"
                      "folder,version,rechecks,repeats\n");
    for (size_t i = 0; i < n; i++) {
        const struct finding_row *f = &rows[i];
        put_count(&out, f->id);
        put_count(&out, f->test_index);
        const char *const cells[] = {f->state,    severity_names[severity_of(f->oracle)],
                                     f->oracle,   f->target,
                                     f->scenario, f->ops,
                                     f->text,     f->signature,
                                     f->bucket,   f->folder};
        for (size_t c = 0; c < ARRAY_SIZE(cells); c++) {
            put_text(&out, cells[c]);
        }
        put_facts(&out, f->json);
        end_line(&out);
    }
    return write_file(folder, "findings.csv", &out, arena);
}

static enum err write_buckets(struct store *store, const char *dir, const char *folder,
                              uint64_t max_open, struct arena *arena)
{
    struct bucket_row *rows;
    size_t n;
    TRY(buckets_read(store, dir, NULL, arena, &rows, &n));
    bool *offered = ARENA_ZARRAY(arena, bool, n);
    buckets_offer(rows, n, max_open, offered);
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out,
                "rank,first_finding,findings,state,severity,oracle,ops,targets,text,bucket,url,"
                "note,offered\n");
    for (size_t i = 0; i < n; i++) {
        const struct bucket_row *b = &rows[i];
        put_count(&out, i + 1);
        put_count(&out, b->first_finding);
        put_count(&out, b->n_findings);
        const char *const cells[] = {b->state,   severity_names[severity_of(b->oracle)],
                                     b->oracle,  b->ops,
                                     b->targets, b->text,
                                     b->key,     b->url,
                                     b->note};
        for (size_t c = 0; c < ARRAY_SIZE(cells); c++) {
            put_text(&out, cells[c]);
        }
        put_count(&out, offered[i]);
        end_line(&out);
    }
    return write_file(folder, "buckets.csv", &out, arena);
}

static void put_verdicts(struct buffer *out, const struct verdict_counts *counts)
{
    put_count(out, verdict_sum(counts));
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        put_count(out, counts->n[v]);
    }
    end_line(out);
}

static enum err write_runs(struct store *store, const char *dir, const char *folder,
                           struct arena *arena)
{
    struct counts counts;
    TRY(counts_read(store, dir, arena, &counts));
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, "target,version,runs,");
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        put_text(&out, verdict_names[v]);
    }
    end_line(&out);
    for (size_t t = 0; t < counts.n_targets; t++) {
        put_text(&out, counts.targets[t].text);
        put_text(&out, counts.targets[t].version);
        put_verdicts(&out, &counts.targets[t].verdicts);
    }
    put_text(&out, "all");
    put_text(&out, "");
    put_verdicts(&out, &counts.verdicts);
    return write_file(folder, "runs.csv", &out, arena);
}

enum err report_csv(const char *dir, const char *folder, uint64_t max_open, struct arena *arena)
{
    struct store *store;
    TRY(store_open(dir, false, &store));
    enum err err = dir_make(folder);
    if (err == ERR_OK) {
        err = write_findings(store, folder, arena);
    }
    if (err == ERR_OK) {
        err = write_buckets(store, dir, folder, max_open, arena);
    }
    if (err == ERR_OK) {
        err = write_runs(store, dir, folder, arena);
    }
    store_close(store);
    return err;
}
