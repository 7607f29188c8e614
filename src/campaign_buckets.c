/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buckets of a campaign as people are shown them, in lists, tables and pages alike: the most
 * interesting first, each with the address where its bug is reported.
 */
#include "campaign_parts.h"
#include "report/escape.h"
#include "report/record.h"

/* Rules that cannot be read (a file of the user's, changed since) are no reason to show nothing. */
void buckets_put_urls(const char *known, struct bucket_row *rows, size_t n, struct arena *arena)
{
    struct known_rules *rules = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *rule = known_bucket_rule(rows[i].key);
        if (rule == NULL || rows[i].url[0] != '\0') {
            continue;
        }
        if (rules == NULL && known_load(known, arena, &rules) != ERR_OK) {
            log_warn("%s; the addresses of known bugs are not shown", err_text());
            return;
        }
        const char *url = known_url(rules, rule);
        rows[i].url = url != NULL ? url : "";
    }
}

/* Texts of libraries and of whoever made the data base, for a line of a terminal; by its key a
 * bucket is found. */
static void clean(struct bucket_row *row, struct arena *arena)
{
    row->state = line_text(row->state, arena);
    row->oracle = line_text(row->oracle, arena);
    row->targets = escaped(utf8_put, row->targets, arena); /* one a line */
    row->ops = line_text(row->ops, arena);
    row->text = line_text(row->text, arena);
    row->url = line_text(row->url, arena);
    row->note = line_text(row->note, arena);
}

enum err buckets_read(struct store *store, const char *dir, const char *known, struct arena *arena,
                      struct bucket_row **rows, size_t *n)
{
    TRY(store_buckets(store, arena, rows, n));
    buckets_put_urls(known, *rows, *n, arena);
    for (size_t i = 0; i < *n; i++) {
        clean(&(*rows)[i], arena);
    }
    return rank_buckets(store, dir, arena, *rows, *n);
}

const char *buckets_waiting(size_t waiting, uint64_t max_open, const char *dir, struct arena *arena)
{
    return arena_printf(arena,
                        "%zu more wait%s: %llu open ones a library are enough; "
                        "`opjury show --max-open 0 --out %s` lists all",
                        waiting, waiting == 1 ? "s" : "", (unsigned long long)max_open,
                        shell_word(dir, arena));
}
