/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of test indices: who works on which, how far each is, and the sum of what was counted. A
 * block has a row from its first claim on. A commit moves `done` and the totals in one transaction,
 * so an index is counted once however often its block is run.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "store/store_internal.h"

/* ---- processes ---- */

/* The first bytes of a small file of /proc; false when it cannot be read. */
static bool read_small(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

char *claimer_of(int pid)
{
    char path[64], stat[1024], boot[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!read_small(path, stat, sizeof(stat)) ||
        !read_small("/proc/sys/kernel/random/boot_id", boot, sizeof(boot))) {
        return NULL;
    }
    boot[strcspn(boot, "\n")] = '\0';
    /* "PID (NAME) STATE ..."; NAME may hold anything. The start time is field 22 (proc(5)). */
    char *field = strrchr(stat, ')');
    if (field == NULL || field[1] == '\0' || strchr("ZXx", field[2]) != NULL) {
        return NULL;
    }
    field++;
    for (int i = 3; i < 22 && field != NULL; i++) {
        field = strchr(field + 1, ' ');
    }
    if (field == NULL) {
        return NULL;
    }
    struct buffer claimer = BUFFER_INIT;
    buffer_printf(&claimer, "%d %" PRIu64 " %s", pid, (uint64_t)strtoull(field, NULL, 10), boot);
    return buffer_detach(&claimer, NULL);
}

bool claimer_alive(const char *claimer)
{
    char *now = claimer_of(atoi(claimer));
    bool alive = now != NULL && strcmp(now, claimer) == 0;
    free(now);
    return alive;
}

/* ---- claims ---- */

static enum err take(struct store *store, uint64_t number, uint64_t done)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement,
                      "INSERT INTO blocks VALUES (?1, ?2, ?3)"
                      " ON CONFLICT DO UPDATE SET claimer = excluded.claimer",
                      "iit", (int64_t)number, (int64_t)done, store->claimer));
    return store_step(store, statement, &row);
}

/* The lowest begun block with work below `tests` that nobody alive works on. */
static enum err find_open(struct store *store, uint64_t tests, uint64_t *number, uint64_t *done,
                          bool *got)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement,
                      "SELECT number, done, claimer FROM blocks WHERE done BETWEEN 0 AND 255"
                      " AND (?1 = 0 OR number * 256 + done < ?1) ORDER BY number",
                      "i", (int64_t)tests));
    *got = false;
    for (;;) {
        TRY(store_step(store, statement, &row));
        if (!row) {
            return ERR_OK;
        }
        const char *claimer = (const char *)sqlite3_column_text(statement, 2);
        if (claimer == NULL || !claimer_alive(claimer)) {
            *number = (uint64_t)sqlite3_column_int64(statement, 0);
            *done = (uint64_t)sqlite3_column_int64(statement, 1);
            *got = true;
            return ERR_OK;
        }
    }
}

static enum err next_new(struct store *store, uint64_t *number)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement, "SELECT coalesce(max(number) + 1, 0) FROM blocks", ""));
    TRY(store_step(store, statement, &row));
    *number = (uint64_t)sqlite3_column_int64(statement, 0);
    return ERR_OK;
}

static enum err claim_locked(struct store *store, uint64_t tests, struct block *block, bool *got)
{
    uint64_t number = 0, done = 0;
    TRY(find_open(store, tests, &number, &done, got));
    if (!*got) {
        TRY(next_new(store, &number));
        *got = tests == 0 || number * BLOCK_TESTS < tests;
    }
    if (!*got) {
        return ERR_OK;
    }
    TRY(take(store, number, done));
    uint64_t end = (number + 1) * BLOCK_TESTS;
    *block = (struct block){
        .number = number,
        .first = number * BLOCK_TESTS + done,
        .end = tests != 0 && tests < end ? tests : end,
    };
    return ERR_OK;
}

enum err store_claim(struct store *store, uint64_t tests, struct block *block, bool *got)
{
    TRY(store_begin(store));
    return store_end(store, claim_locked(store, tests, block, got));
}

enum err store_complete(struct store *store, uint64_t tests, bool *complete)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement,
                      "SELECT count(*) FROM blocks WHERE number < ?1 AND done = 256", "i",
                      (int64_t)(tests / BLOCK_TESTS)));
    TRY(store_step(store, statement, &row));
    *complete = (uint64_t)sqlite3_column_int64(statement, 0) == tests / BLOCK_TESTS;
    return ERR_OK;
}

/* ---- counts ---- */

/* sum += part, numbers and objects of numbers. false: the sum, which was read, is damaged. */
static bool add_counts(json_t *sum, json_t *part)
{
    const char *key;
    json_t *value;
    json_object_foreach(part, key, value)
    {
        json_t *old = json_object_get(sum, key);
        if (json_is_object(value)) {
            if (old == NULL) {
                old = json_object();
                CHECK(json_object_set_new(sum, key, old) == 0);
            }
            if (!json_is_object(old) || !add_counts(old, value)) {
                return false;
            }
            continue;
        }
        CHECK(json_is_number(value)); /* made by us */
        if (old != NULL && !json_is_number(old)) {
            return false;
        }
        json_t *added = json_is_integer(value) && (old == NULL || json_is_integer(old))
                            ? json_integer(json_integer_value(old) + json_integer_value(value))
                            : json_real(json_number_value(old) + json_number_value(value));
        CHECK(json_object_set_new(sum, key, added) == 0);
    }
    return true;
}

static enum err read_totals(struct store *store, struct arena *arena, const char **counts,
                            uint64_t *tests)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement, "SELECT tests, counts FROM totals", ""));
    TRY(store_step(store, statement, &row));
    if (!row) {
        return err_set(ERR_STORE, "%s: the row of totals is gone; take another directory",
                       store->path);
    }
    *tests = (uint64_t)sqlite3_column_int64(statement, 0);
    *counts = store_text(statement, 1, arena);
    return ERR_OK;
}

enum err store_totals(struct store *store, struct arena *arena, const char **counts_json,
                      uint64_t *tests)
{
    return read_totals(store, arena, counts_json, tests);
}

static enum err merge_totals(struct store *store, struct arena *arena, uint64_t more,
                             const char *counts_json)
{
    const char *old;
    uint64_t tests;
    TRY(read_totals(store, arena, &old, &tests));
    json_t *sum = json_loads(old, 0, NULL);
    json_t *part = json_loads(counts_json, 0, NULL);
    CHECK(json_is_object(part)); /* made by us */
    if (!json_is_object(sum) || !add_counts(sum, part)) {
        json_decref(sum);
        json_decref(part);
        return err_set(ERR_STORE, "%s: its totals are damaged; take another directory",
                       store->path);
    }
    /* Sorted: the bytes do not depend on who committed first. */
    char *text = json_dumps(sum, JSON_COMPACT | JSON_SORT_KEYS);
    CHECK(text != NULL);
    json_decref(part);
    json_decref(sum);

    STATEMENT statement = NULL;
    bool row;
    enum err e = store_prepare(store, &statement, "UPDATE totals SET tests = ?1, counts = ?2", "it",
                               (int64_t)(tests + more), text);
    if (e == ERR_OK) {
        e = store_step(store, statement, &row);
    }
    free(text);
    return e;
}

static enum err commit_locked(struct store *store, struct arena *arena, const struct block *block,
                              uint64_t done, const char *counts_json)
{
    uint64_t start = block->number * BLOCK_TESTS;
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement,
                      "UPDATE blocks SET done = ?1, claimer = NULL"
                      " WHERE number = ?2 AND done = ?3 AND claimer = ?4",
                      "iiit", (int64_t)(done - start), (int64_t)block->number,
                      (int64_t)(block->first - start), store->claimer));
    TRY(store_step(store, statement, &row));
    if (sqlite3_changes(store->db) != 1) {
        return err_set(ERR_STORE, "%s: block %" PRIu64 " is not ours any more; nothing was counted",
                       store->path, block->number);
    }
    return merge_totals(store, arena, done - block->first, counts_json);
}

enum err store_commit(struct store *store, const struct block *block, uint64_t done,
                      const char *counts_json)
{
    CHECK(block->first <= done && done <= block->end);
    TRY(store_begin(store));
    struct arena *arena = arena_new();
    enum err e = store_end(store, commit_locked(store, arena, block, done, counts_json));
    arena_free(arena);
    return e;
}
