/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings and their buckets. A bucket is a key with a number; all else of it is computed from its
 * findings, so the two cannot disagree.
 */
#include <string.h>

#include "store/store_internal.h"

static enum err bucket_id(struct store *store, const char *key, int64_t *id)
{
    STATEMENT statement = NULL;
    bool row;
    /* DO UPDATE rather than DO NOTHING: only then does RETURNING give the old row. */
    TRY(store_prepare(store, &statement,
                      "INSERT INTO buckets (key) VALUES (?1)"
                      " ON CONFLICT DO UPDATE SET key = key RETURNING id",
                      "t", key));
    TRY(store_step(store, statement, &row));
    *id = sqlite3_column_int64(statement, 0);
    return store_step(store, statement, &row); /* to its end, else it is rolled back */
}

/* What is found once more is not fixed. */
static enum err reopen_locked(struct store *store, const struct finding_row *f, int64_t bucket)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(
        store, &statement,
        "UPDATE buckets SET state = '' WHERE id = ?1 AND state = 'fixed' AND NOT EXISTS"
        " (SELECT 1 FROM findings WHERE test_index = ?2 AND target = ?3)",
        "iit", bucket, (int64_t)f->test_index, f->target));
    return store_step(store, statement, &row);
}

static enum err add_locked(struct store *store, const struct finding_row *f, uint64_t *id)
{
    int64_t bucket;
    TRY(bucket_id(store, f->bucket, &bucket));
    TRY(reopen_locked(store, f, bucket));
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(
        store, &statement,
        "INSERT INTO findings (test_index, target, scenario, oracle, signature, text, ops, state,"
        " bucket, folder, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT DO UPDATE SET signature = excluded.signature, text = excluded.text,"
        " ops = excluded.ops, state = excluded.state, bucket = excluded.bucket,"
        " folder = excluded.folder, json = excluded.json RETURNING id",
        "itttttttitt", (int64_t)f->test_index, f->target, f->scenario, f->oracle, f->signature,
        f->text, f->ops, f->state, bucket, f->folder, f->json));
    TRY(store_step(store, statement, &row));
    *id = (uint64_t)sqlite3_column_int64(statement, 0);
    return store_step(store, statement, &row);
}

enum err store_add_finding(struct store *store, const struct finding_row *row, uint64_t *id)
{
    TRY(store_begin(store));
    return store_end(store, add_locked(store, row, id));
}

static enum err move_locked(struct store *store, const char *from, const char *signature,
                            const char *ops, const char *to, const char *state)
{
    int64_t bucket;
    bool row;
    STATEMENT statement = NULL;
    TRY(bucket_id(store, to, &bucket));
    TRY(store_prepare(store, &statement,
                      "UPDATE findings SET bucket = ?1, state = ?2,"
                      " json = iif(json_valid(json), json_set(json, '$.joined', 'look'), json)"
                      " WHERE signature = ?3"
                      " AND ops = ?4 AND bucket = (SELECT id FROM buckets WHERE key = ?5)",
                      "itttt", bucket, state, signature, ops, from));
    return store_step(store, statement, &row);
}

enum err store_move_findings(struct store *store, const char *from, const char *signature,
                             const char *ops, const char *to, const char *state)
{
    TRY(store_begin(store));
    return store_end(store, move_locked(store, from, signature, ops, to, state));
}

static enum err merge_locked(struct store *store, const char *from, const char *to)
{
    /* Of `from` (?1) and `to` (?2). */
    static const char *const steps[] = {
        "UPDATE findings SET bucket = ?2 WHERE bucket = ?1",
        ("UPDATE buckets SET state = (SELECT state FROM buckets WHERE id = ?1) WHERE id = ?2"
         " AND state = ''"
         " AND (SELECT state FROM buckets WHERE id = ?1) IN ('reported', 'wontfix')"),
        ("UPDATE buckets SET url = (SELECT url FROM buckets WHERE id = ?1)"
         " WHERE id = ?2 AND url = ''"),
        "UPDATE buckets SET state = '', url = '' WHERE id = ?1 AND id != ?2",
    };
    int64_t part, whole;
    TRY(bucket_id(store, from, &part));
    TRY(bucket_id(store, to, &whole));
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        STATEMENT statement = NULL;
        bool row;
        TRY(store_prepare(store, &statement, steps[i], "ii", part, whole));
        TRY(store_step(store, statement, &row));
    }
    return ERR_OK;
}

enum err store_merge_buckets(struct store *store, const char *from, const char *to)
{
    TRY(store_begin(store));
    return store_end(store, merge_locked(store, from, to));
}

/* What is read and written there must lie in the campaign, whoever filled the data base. "": it
 * does not. */
static const char *inner_folder(const char *folder)
{
    bool is_inner = folder[0] != '/';
    for (const char *part = folder; *part != '\0' && is_inner;) {
        size_t size = strcspn(part, "/");
        is_inner = size != 2 || memcmp(part, "..", 2) != 0;
        part += size + (part[size] == '/');
    }
    return is_inner ? folder : "";
}

/* Of findings f and their buckets b; a condition goes behind it. */
#define SELECT_ROWS                                                                                \
    "SELECT f.id, test_index, target, scenario, oracle, signature, text, ops, f.state, b.key,"     \
    " folder, json FROM findings f JOIN buckets b ON b.id = bucket "

static enum err read_rows(struct store *store, sqlite3_stmt *s, struct arena *arena,
                          struct finding_row **rows, size_t *n)
{
    struct finding_row *all = NULL;
    size_t count = 0;
    for (;;) {
        bool row;
        TRY(store_step(store, s, &row));
        if (!row) {
            break;
        }
        all = arena_room(arena, all, count, sizeof(*all));
        all[count++] = (struct finding_row){
            .id = (uint64_t)sqlite3_column_int64(s, 0),
            .test_index = (uint64_t)sqlite3_column_int64(s, 1),
            .target = store_text(s, 2, arena),
            .scenario = store_text(s, 3, arena),
            .oracle = store_text(s, 4, arena),
            .signature = store_text(s, 5, arena),
            .text = store_text(s, 6, arena),
            .ops = store_text(s, 7, arena),
            .state = store_text(s, 8, arena),
            .bucket = store_text(s, 9, arena),
            .folder = inner_folder(store_text(s, 10, arena)),
            .json = store_text(s, 11, arena),
        };
    }
    *rows = all;
    *n = count;
    return ERR_OK;
}

enum err store_findings(struct store *store, struct arena *arena, struct finding_row **rows,
                        size_t *n)
{
    return store_findings_since(store, 0, arena, rows, n);
}

enum err store_findings_since(struct store *store, uint64_t id, struct arena *arena,
                              struct finding_row **rows, size_t *n)
{
    STATEMENT s = NULL;
    TRY(store_prepare(store, &s, SELECT_ROWS "WHERE f.id > ?1 ORDER BY f.id", "i", (int64_t)id));
    return read_rows(store, s, arena, rows, n);
}

enum err store_bucket_folders(struct store *store, const char *key, struct arena *arena,
                              struct finding_row **rows, size_t *n)
{
    STATEMENT s = NULL;
    TRY(store_prepare(store, &s, SELECT_ROWS "WHERE b.key = ?1 AND folder != '' ORDER BY f.id", "t",
                      key));
    return read_rows(store, s, arena, rows, n);
}

enum err store_buckets(struct store *store, struct arena *arena, struct bucket_row **rows,
                       size_t *n)
{
    STATEMENT s = NULL;
    /* With one min(), SQLite takes the bare columns from the row that has the minimum: the first
     * that was reduced, else the first. */
    TRY(store_prepare(
        store, &s,
        "SELECT b.id, b.key, substr(f.signature, 1, instr(f.signature || ' ', ' ') - 1), f.ops, "
        "f.text, f.id, count(*),"
        " CASE WHEN sum(f.state = 'new') > 0 THEN iif(b.state = '', 'new', b.state)"
        "      WHEN sum(f.state = 'known') > 0 THEN 'known' ELSE 'flaky' END,"
        /* One that draws its options is one target, whatever each test drew. */
        " (SELECT group_concat(t, char(10)) FROM (SELECT DISTINCT coalesce("
        "  iif(json_valid(json), json_extract(json, '$.draws'), NULL), target) AS t"
        "  FROM findings WHERE bucket = b.id ORDER BY t)),"
        " b.url, min(f.id + iif(instr(f.json, '\"reduced\":true'), 0, 1 << 62))"
        " FROM findings f JOIN buckets b ON b.id = f.bucket GROUP BY b.id ORDER BY b.id",
        ""));
    struct bucket_row *all = NULL;
    size_t count = 0;
    for (;;) {
        bool row;
        TRY(store_step(store, s, &row));
        if (!row) {
            break;
        }
        all = arena_room(arena, all, count, sizeof(*all));
        all[count++] = (struct bucket_row){
            .id = (uint64_t)sqlite3_column_int64(s, 0),
            .key = store_text(s, 1, arena),
            .oracle = store_text(s, 2, arena),
            .ops = store_text(s, 3, arena),
            .text = store_text(s, 4, arena),
            .first_finding = (uint64_t)sqlite3_column_int64(s, 5),
            .n_findings = (uint64_t)sqlite3_column_int64(s, 6),
            .state = store_text(s, 7, arena),
            .targets = store_text(s, 8, arena),
            .url = store_text(s, 9, arena),
            .note = "",
        };
    }
    *rows = all;
    *n = count;
    return ERR_OK;
}

enum err store_find_bucket(struct store *store, const char *key, uint64_t *id)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement,
                      "SELECT id FROM buckets b WHERE key = ?1"
                      " AND EXISTS (SELECT 1 FROM findings WHERE bucket = b.id)",
                      "t", key));
    TRY(store_step(store, statement, &row));
    *id = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    return ERR_OK;
}

enum err store_mark_bucket(struct store *store, const char *key, const char *state, const char *url)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement,
                      "UPDATE buckets SET state = ?2, url = coalesce(?3, url) WHERE key = ?1",
                      "ttn", key, state, url));
    return store_step(store, statement, &row);
}

static size_t library_length(const struct bucket_row *b)
{
    return strcspn(b->targets, ":@\n");
}

static bool same_library(const struct bucket_row *a, const struct bucket_row *b)
{
    size_t n = library_length(a);
    return n == library_length(b) && memcmp(a->targets, b->targets, n) == 0;
}

size_t buckets_offer(const struct bucket_row *rows, size_t n, uint64_t max_open, bool *offered)
{
    size_t waiting = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t open = 0;
        bool is_new = strcmp(rows[i].state, "new") == 0;
        for (size_t k = 0; k < n && is_new; k++) {
            bool is_open = strcmp(rows[k].state, "reported") == 0 || (k < i && offered[k]);
            open += is_open && same_library(&rows[k], &rows[i]);
        }
        offered[i] = is_new && (max_open == 0 || open < max_open);
        waiting += is_new && !offered[i];
    }
    return waiting;
}
