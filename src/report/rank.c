/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which findings are worth looking at first. The order is lexicographic, so that it can be said in
 * a sentence: whether the project's own check lets it pass, whether the newest version installed
 * shows it, severity, realism, error against the bound, size of the bucket, age.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/record.h"

const char *const severity_names[SEVERITY_COUNT] = {
#define SEVERITY_TEXT(name, text) [SEVERITY_##name] = text,
    SEVERITY_MAP(SEVERITY_TEXT)
#undef SEVERITY_TEXT
};

enum severity severity_of(const char *oracle)
{
    static const struct {
        const char *oracle;
        enum severity severity;
    } table[] = {
        {"crash", SEVERITY_CRASH}, {"gradient", SEVERITY_GRADIENT}, {"status", SEVERITY_REFUSED},
        {"hang", SEVERITY_SLOW},   {"time", SEVERITY_SLOW},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(table[i].oracle, oracle) == 0) {
            return table[i].severity;
        }
    }
    return SEVERITY_WRONG;
}

/* Whole powers of ten: an error of 30 bounds is no more interesting than one of 20. NaN: 0. */
static double magnitude(double times)
{
    return times > 1 ? floor(log10(times)) : 0;
}

int rank_compare(const struct rank *a, const struct rank *b)
{
    if (a->is_tolerated != b->is_tolerated) {
        return a->is_tolerated ? 1 : -1;
    }
    if (a->is_gone != b->is_gone) {
        return a->is_gone ? 1 : -1;
    }
    if (a->severity != b->severity) {
        return a->severity < b->severity ? -1 : 1;
    }
    if (a->realism != b->realism) {
        return a->realism > b->realism ? -1 : 1;
    }
    double x = magnitude(a->times), y = magnitude(b->times);
    if (x != y) {
        return x > y ? -1 : 1;
    }
    if (a->bucket_size != b->bucket_size) {
        return a->bucket_size > b->bucket_size ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

struct rank record_rank(const struct record *record)
{
    return (struct rank){
        .severity = record->severity,
        .realism = realism_count(&record->realism),
        .times = record->times,
        .bucket_size = record->bucket_size,
        .id = record->id,
        .is_gone = record->gone_in != NULL,
        .is_tolerated = record->torch_rule.applies && !record->torch_rule.passes,
    };
}

/* ---- buckets ---- */

struct ranked {
    struct rank rank;
    struct bucket_row bucket;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return rank_compare(&x->rank, &y->rank);
}

/* The folder of the finding that the bucket is shown by, else the first of the others that can be
 * read: one that followed the look of it was not rechecked as it was. NULL: none. */
static const struct record *record_of_bucket(const struct finding_row *rows, size_t n,
                                             const struct bucket_row *bucket, const char *dir,
                                             struct arena *arena)
{
    for (size_t i = 0; i < 2 * n; i++) {
        const struct finding_row *row = &rows[i % n];
        struct record *record;
        bool is_turn = (row->id == bucket->first_finding) == (i < n);
        if (is_turn && row->folder[0] != '\0' && strcmp(row->bucket, bucket->key) == 0 &&
            record_read(arena_printf(arena, "%s/%s", dir, row->folder), arena, &record) == ERR_OK) {
            return record;
        }
    }
    return NULL;
}

enum err rank_buckets(struct store *store, const char *dir, struct arena *arena,
                      struct bucket_row *buckets, size_t n)
{
    struct finding_row *rows;
    size_t n_rows;
    TRY(store_findings(store, arena, &rows, &n_rows));
    struct ranked *ranked = ARENA_ARRAY(arena, struct ranked, n);
    struct arena *scratch = arena_new();
    for (size_t i = 0; i < n; i++) {
        const struct record *r = record_of_bucket(rows, n_rows, &buckets[i], dir, scratch);
        struct rank rank = r != NULL ? record_rank(r) : (struct rank){.times = NAN};
        if (r != NULL) {
            record_tolerate(r, &buckets[i], arena);
        }
        rank.severity = severity_of(buckets[i].oracle);
        rank.bucket_size = buckets[i].n_findings;
        rank.id = buckets[i].first_finding;
        ranked[i] = (struct ranked){.rank = rank, .bucket = buckets[i]};
        arena_reset(scratch);
    }
    arena_free(scratch);
    qsort(ranked, n, sizeof(*ranked), compare_ranked);
    for (size_t i = 0; i < n; i++) {
        buckets[i] = ranked[i].bucket;
    }
    return ERR_OK;
}
