/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file itself: opening, schema, transactions, messages; and the campaign's settings and
 * policies. WAL with synchronous NORMAL: a commit is in the file's pages of the kernel when it
 * returns, so no death of a process loses it (a power failure may lose the last ones, never more).
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_internal.h"

/* "opju": tells our file from any other SQLite data base. */
#define APPLICATION_ID 0x6f706a75
#define SCHEMA_VERSION 2
/* A writer holds the lock for milliseconds; longer than this it hangs or is stopped. */
#define BUSY_SECONDS 30

static const char schema[] =
    "CREATE TABLE campaign (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE policies (epoch INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"
    /* done: tests of the block that are counted; claimer NULL: nobody works on it. */
    "CREATE TABLE blocks (number INTEGER PRIMARY KEY, done INTEGER NOT NULL, claimer TEXT) STRICT;"
    "CREATE INDEX blocks_open ON blocks (number) WHERE done < 256;"
    "CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), tests INTEGER NOT NULL,"
    " counts TEXT NOT NULL) STRICT;"
    "INSERT INTO totals VALUES (1, 0, '{}');"
    /* state: what somebody said of it, '' nothing yet; url: where it is reported. */
    "CREATE TABLE buckets (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
    " state TEXT NOT NULL DEFAULT '', url TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE TABLE findings (id INTEGER PRIMARY KEY, test_index INTEGER NOT NULL,"
    " target TEXT NOT NULL, scenario TEXT NOT NULL, oracle TEXT NOT NULL,"
    " signature TEXT NOT NULL, text TEXT NOT NULL, ops TEXT NOT NULL, state TEXT NOT NULL,"
    " bucket INTEGER NOT NULL REFERENCES buckets (id), folder TEXT NOT NULL, json TEXT NOT NULL,"
    " UNIQUE (test_index, target, scenario, oracle)) STRICT;"
    "CREATE INDEX findings_bucket ON findings (bucket);"
    "PRAGMA application_id = " STRINGIFY(APPLICATION_ID) ";"
                                                         "PRAGMA user_version = " STRINGIFY(
                                                             SCHEMA_VERSION) ";";
_Static_assert(BLOCK_TESTS == 256, "the index blocks_open says so too");

/* ---- messages ---- */

enum err store_failed(struct store *store)
{
    int code = sqlite3_errcode(store->db) & 0xff;
    int system_error = sqlite3_system_errno(store->db);
    /* The list of codes is SQLite's and open: what is not named gets its own text. */
    switch (code) {
    case SQLITE_FULL:
        return err_set(ERR_STORE,
                       "%s: the disk is full; free space and give the same command again, what is "
                       "stored is kept",
                       store->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(ERR_STORE,
                       "%s: another process has kept it locked for %d s; end it and give the same "
                       "command again",
                       store->path, BUSY_SECONDS);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(ERR_STORE,
                       "%s: the file is damaged or not a campaign (%s); take another directory, or "
                       "move it away",
                       store->path, sqlite3_errmsg(store->db));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return err_set(ERR_STORE, "%s: cannot be opened for writing (%s); look at its permissions",
                       store->path,
                       system_error != 0 ? strerror(system_error) : sqlite3_errmsg(store->db));
    case SQLITE_IOERR:
        return err_set(ERR_STORE, "%s: %s (%s); what is stored is kept", store->path,
                       sqlite3_errmsg(store->db),
                       system_error != 0 ? strerror(system_error) : "no reason given");
    default:
        return err_set(ERR_STORE, "%s: %s", store->path, sqlite3_errmsg(store->db));
    }
}

/* ---- statements and transactions ---- */

enum err store_prepare(struct store *store, sqlite3_stmt **statement, const char *sql,
                       const char *types, ...)
{
    CHECK(store->pid == getpid()); /* SQLite forbids a connection that crossed a fork */
    if (sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) != SQLITE_OK) {
        return store_failed(store);
    }
    va_list values;
    va_start(values, types);
    int code = SQLITE_OK;
    for (int i = 0; types[i] != '\0' && code == SQLITE_OK; i++) {
        if (types[i] == 'i') {
            code = sqlite3_bind_int64(*statement, i + 1, va_arg(values, int64_t));
            continue;
        }
        const char *text = va_arg(values, const char *);
        if (text == NULL && types[i] == 't') {
            text = "";
        }
        code = sqlite3_bind_text(*statement, i + 1, text, -1, SQLITE_STATIC);
    }
    va_end(values);
    return code == SQLITE_OK ? ERR_OK : store_failed(store);
}

enum err store_step(struct store *store, sqlite3_stmt *statement, bool *row)
{
    *row = false;
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return store_failed(store);
    }
    *row = code == SQLITE_ROW;
    return ERR_OK;
}

enum err store_exec(struct store *store, const char *sql)
{
    CHECK(store->pid == getpid());
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK
                                                                       : store_failed(store);
}

enum err store_begin(struct store *store)
{
    return store_exec(store, "BEGIN IMMEDIATE");
}

enum err store_end(struct store *store, enum err e)
{
    if (e == ERR_OK) {
        e = store_exec(store, "COMMIT");
    }
    /* A failed write may have rolled back by itself; the first message is the one that counts. */
    if (e != ERR_OK && !sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return e;
}

const char *store_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return arena_strdup(arena, text != NULL ? text : "");
}

/* ---- opening ---- */

static enum err read_number(struct store *store, const char *sql, int64_t *number)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement, sql, ""));
    TRY(store_step(store, statement, &row));
    *number = row ? sqlite3_column_int64(statement, 0) : 0;
    return ERR_OK;
}

/* A campaign of version 1 goes on: only what buckets can say is more. Their keys stay as they are,
 * because what names a cause now was not written down then: `opjury reduce` finds it. */
static const char schema_1_to_2[] = "ALTER TABLE buckets ADD COLUMN state TEXT NOT NULL DEFAULT '';"
                                    "ALTER TABLE buckets ADD COLUMN url TEXT NOT NULL DEFAULT '';"
                                    "PRAGMA user_version = 2;";

static enum err upgrade(struct store *store)
{
    int64_t buckets;
    TRY(store_exec(store, schema_1_to_2));
    TRY(read_number(store, "SELECT count(DISTINCT bucket) FROM findings WHERE state = 'new'",
                    &buckets));
    if (buckets > 0) {
        log_warn("%s is of an older opjury, which named buckets in another way: what is found from "
                 "now on may be in a second bucket of the same cause; `opjury reduce ID` puts an "
                 "older finding where it belongs now",
                 store->path);
    }
    return ERR_OK;
}

static enum err make_schema(struct store *store)
{
    int64_t version, id, tables;
    TRY(read_number(store, "PRAGMA user_version", &version));
    TRY(read_number(store, "PRAGMA application_id", &id));
    TRY(read_number(store, "SELECT count(*) FROM sqlite_master", &tables));
    if (tables == 0 && version == 0) {
        return store_exec(store, schema);
    }
    if (id != APPLICATION_ID) {
        return err_set(ERR_STORE, "%s: not a campaign of opjury; take another directory",
                       store->path);
    }
    if (version == 1) {
        return upgrade(store);
    }
    if (version != SCHEMA_VERSION) {
        return err_set(ERR_STORE,
                       "%s: has schema version %" PRId64 ", this opjury reads %d; use the opjury "
                       "that made it, or another directory",
                       store->path, version, SCHEMA_VERSION);
    }
    return ERR_OK;
}

/* SQLite does not wait for its busy handler here: whoever looks at the new file meanwhile makes the
 * change fail at once, so the waiting is ours. */
static enum err enter_wal(struct store *store)
{
    double end = clock_wall() + BUSY_SECONDS;
    enum err e;
    while ((e = store_exec(store, "PRAGMA journal_mode = WAL")) != ERR_OK &&
           (sqlite3_errcode(store->db) & 0xff) == SQLITE_BUSY && clock_wall() < end) {
        usleep(1000);
    }
    return e;
}

static enum err open_file(struct store *store, bool create)
{
    int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) {
        return store->db != NULL ? store_failed(store)
                                 : err_set(ERR_STORE, "%s: out of memory", store->path);
    }
    sqlite3_busy_timeout(store->db, BUSY_SECONDS * 1000);
    /* Little is read twice: the usual cache of 2 MB would only fill, in each of many engines. */
    TRY(store_exec(store, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; "
                          "PRAGMA cache_size = -256;"));
    /* Look before anything is written: a file that is not ours must stay as it is. */
    TRY(store_begin(store));
    TRY(store_end(store, make_schema(store)));
    return enter_wal(store);
}

enum err store_open(const char *dir, bool create, struct store **store)
{
    struct buffer path = BUFFER_INIT;
    buffer_printf(&path, "%s/campaign.db", dir);
    struct store *s = xcalloc(1, sizeof(*s));
    s->path = buffer_detach(&path, NULL);
    s->pid = getpid();
    s->lock = -1;
    s->claimer = claimer_of(s->pid);
    enum err e = ERR_OK;
    if (s->claimer == NULL) {
        e = err_set(ERR_IO, "/proc is not mounted: needed to know which processes are alive");
    } else if (create) {
        e = dir_make(dir);
    } else if (!file_exists(s->path)) {
        e = err_set(ERR_MISSING, "%s holds no campaign: there is no campaign.db", dir);
    }
    if (e == ERR_OK) {
        e = open_file(s, create);
    }
    if (e != ERR_OK) {
        store_close(s);
        return e;
    }
    *store = s;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    /* Every statement ended with its function, so nothing can keep the file open. */
    CHECK(sqlite3_close(store->db) == SQLITE_OK);
    if (store->lock >= 0) {
        close(store->lock);
    }
    free(store->path);
    free(store->claimer);
    free(store);
}

/* ---- one process at a time ---- */

/* A record lock is the process's own: what it forks meanwhile has none. */
static enum err set_lock(struct store *store, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    while (fcntl(store->lock, F_SETLKW, &lock) != 0) {
        if (errno != EINTR) {
            return err_set(ERR_IO, "%s.lock: cannot be locked: %m", store->path);
        }
    }
    return ERR_OK;
}

enum err store_enter(struct store *store)
{
    CHECK(store->pid == getpid());
    if (store->lock < 0) {
        struct buffer path = BUFFER_INIT;
        buffer_printf(&path, "%s.lock", store->path);
        store->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        enum err err = store->lock < 0 ? err_set(ERR_IO, "%s: %m", path.data) : ERR_OK;
        buffer_release(&path);
        TRY(err);
    }
    return set_lock(store, F_WRLCK);
}

void store_leave(struct store *store)
{
    CHECK(set_lock(store, F_UNLCK) == ERR_OK);
}

/* ---- settings ---- */

static enum err read_setting(struct store *store, const char *name, struct arena *arena,
                             const char **value)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement, "SELECT value FROM campaign WHERE name = ?1", "t", name));
    TRY(store_step(store, statement, &row));
    *value = row ? store_text(statement, 0, arena) : NULL;
    return ERR_OK;
}

static enum err write_setting(struct store *store, const char *name, const char *value)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement, "INSERT INTO campaign VALUES (?1, ?2)", "tt", name,
                      value));
    return store_step(store, statement, &row);
}

enum err store_key(struct store *store, struct arena *arena, struct campaign_key *key, bool *bound)
{
    const char *seed, *targets, *policy, *hash;
    TRY(read_setting(store, "seed", arena, &seed));
    TRY(read_setting(store, "targets", arena, &targets));
    TRY(read_setting(store, "policy", arena, &policy));
    TRY(read_setting(store, "policy_hash", arena, &hash));
    *bound = seed != NULL && targets != NULL && policy != NULL && hash != NULL;
    if (*bound) {
        *key = (struct campaign_key){
            .seed = strtoull(seed, NULL, 10),
            .targets = targets,
            .policy = policy,
            .policy_hash = strtoull(hash, NULL, 16),
        };
    }
    return ERR_OK;
}

/* Lines joined by ", ", for a message of one line. */
static const char *one_line(struct arena *arena, const char *lines)
{
    struct buffer joined = BUFFER_INIT;
    buffer_puts(&joined, "");
    for (const char *p = lines; *p != '\0'; p++) {
        if (*p != '\n') {
            buffer_append(&joined, p, 1);
        } else if (p[1] != '\0') {
            buffer_puts(&joined, ", ");
        }
    }
    const char *text = arena_strdup(arena, joined.data);
    buffer_release(&joined);
    return text;
}

static enum err compare_key(const struct store *store, struct arena *arena,
                            const struct campaign_key *stored, const struct campaign_key *key)
{
    static const char mend[] = "give the same or take another directory";
    if (stored->seed != key->seed) {
        return err_set(ERR_USAGE, "%s has seed %" PRIu64 ", not %" PRIu64 "; %s", store->path,
                       stored->seed, key->seed, mend);
    }
    if (strcmp(stored->targets, key->targets) != 0) {
        return err_set(ERR_USAGE, "%s has targets %s, not %s; %s", store->path,
                       one_line(arena, stored->targets), one_line(arena, key->targets), mend);
    }
    if (stored->policy_hash != key->policy_hash) {
        return err_set(ERR_USAGE, "%s has policy %016" PRIx64 ", not %016" PRIx64 "; %s",
                       store->path, stored->policy_hash, key->policy_hash, mend);
    }
    return ERR_OK;
}

static enum err bind_locked(struct store *store, struct arena *arena,
                            const struct campaign_key *key)
{
    struct campaign_key stored;
    bool bound;
    TRY(store_key(store, arena, &stored, &bound));
    if (bound) {
        return compare_key(store, arena, &stored, key);
    }
    TRY(write_setting(store, "seed", arena_printf(arena, "%" PRIu64, key->seed)));
    TRY(write_setting(store, "targets", key->targets));
    TRY(write_setting(store, "policy", key->policy));
    return write_setting(store, "policy_hash",
                         arena_printf(arena, "%016" PRIx64, key->policy_hash));
}

enum err store_bind(struct store *store, const struct campaign_key *key)
{
    TRY(store_begin(store));
    struct arena *arena = arena_new();
    enum err e = store_end(store, bind_locked(store, arena, key));
    arena_free(arena);
    return e;
}

/* ---- policies ---- */

static enum err read_policy(struct store *store, uint64_t epoch, struct arena *arena,
                            const char **policy)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement, "SELECT text FROM policies WHERE epoch = ?1", "i",
                      (int64_t)epoch));
    TRY(store_step(store, statement, &row));
    *policy = row ? store_text(statement, 0, arena) : NULL;
    return ERR_OK;
}

static enum err write_policy(struct store *store, uint64_t epoch, const char *made)
{
    STATEMENT statement = NULL;
    bool row;
    TRY(store_prepare(store, &statement, "INSERT OR IGNORE INTO policies VALUES (?1, ?2)", "it",
                      (int64_t)epoch, made));
    return store_step(store, statement, &row);
}

enum err store_policy(struct store *store, uint64_t epoch, const char *made, struct arena *arena,
                      const char **policy)
{
    TRY(read_policy(store, epoch, arena, policy));
    if (*policy != NULL || made == NULL) {
        return ERR_OK;
    }
    TRY(store_begin(store));
    TRY(store_end(store, write_policy(store, epoch, made)));
    return read_policy(store, epoch, arena, policy);
}
