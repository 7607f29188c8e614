/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share: the handle, statements, transactions, and the one place that
 * turns what SQLite says into a line for people. Each public function is one transaction.
 */
#ifndef OPJURY_STORE_INTERNAL_H
#define OPJURY_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/store.h"

struct store {
    sqlite3 *db;
    char *path;    /* of the file, for messages */
    char *claimer; /* who we are: "PID START BOOT" */
    int pid;
    int lock; /* file of store_enter, -1: not open */
};

/* Record the last SQLite failure on this store. */
enum err store_failed(struct store *store);

/* A statement that ends with its scope. */
static inline void statement_end(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}
#define STATEMENT __attribute__((cleanup(statement_end))) sqlite3_stmt *

/* Compile `sql` and bind its ?1, ?2 ... by `types`: 'i' an int64_t, 't' a text (NULL is ""),
 * 'n' a text or NULL. */
MUST_USE enum err store_prepare(struct store *store, sqlite3_stmt **statement, const char *sql,
                                const char *types, ...);
/* Next row; *row false at the end. */
MUST_USE enum err store_step(struct store *store, sqlite3_stmt *statement, bool *row);
/* Prepare and run a statement that gives no rows. */
MUST_USE enum err store_exec(struct store *store, const char *sql);

/* Take the write lock now: nothing read afterwards can change before the end. */
MUST_USE enum err store_begin(struct store *store);
/* Commit when `e` is ERR_OK, roll back otherwise; gives the error of either. */
MUST_USE enum err store_end(struct store *store, enum err e);

const char *store_text(sqlite3_stmt *statement, int column, struct arena *arena);

/* "PID START BOOT" of a process (heap); NULL when it is gone, a zombie included. */
char *claimer_of(int pid);
bool claimer_alive(const char *claimer);

#endif
