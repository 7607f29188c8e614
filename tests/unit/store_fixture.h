/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, and findings to put there. */
#ifndef OPJURY_TEST_STORE_FIXTURE_H
#define OPJURY_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/store.h"

static struct arena *arena;
static char dir[64];

static inline int set_up(void **state)
{
    arena = arena_new();
    strcpy(dir, "/tmp/opjury-store-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static inline int tear_down(void **state)
{
    arena_free(arena);
    chmod(dir, 0700);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

static inline const char *in_dir(const char *name)
{
    return arena_printf(arena, "%s/%s", dir, name);
}

static inline struct store *opened(void)
{
    struct store *store = NULL;
    enum err e = store_open(dir, true, &store);
    if (e != ERR_OK) {
        print_error("%s\n", err_text());
    }
    assert_int_equal(e, ERR_OK);
    return store;
}

static inline void sql(const char *statement)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_dir("campaign.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 30000);
    assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline struct finding_row finding(uint64_t index, const char *target, const char *bucket)
{
    return (struct finding_row){
        .test_index = index,
        .target = target,
        .scenario = "direct",
        .oracle = "value",
        .signature = "value NaN expected",
        .text = "it's 1 \"not\" 2",
        .ops = "relu(f64) -> clip(f64)",
        .state = "known",
        .bucket = bucket,
        .folder = "findings/1",
        .json = "{\"a\": 1}",
    };
}

static inline uint64_t added(struct store *store, const struct finding_row *row)
{
    uint64_t id = 0;
    assert_int_equal(store_add_finding(store, row, &id), ERR_OK);
    assert_true(id > 0);
    return id;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
