/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read only when asked: most failures have a bucket of their own key, and no test is looked at.
 */
#include "bucket_test.h"

#include <jansson.h>

#include "report/report.h"

/* Was it reduced to its end? What is not may have another cause than its bucket. */
static bool is_whole(const struct finding_row *row)
{
    json_t *json = json_loads(row->json, 0, NULL);
    bool whole = json_is_true(json_object_get(json, "complete"));
    json_decref(json);
    return whole;
}

enum err bucket_test_read(void *tests, const char *key, struct arena *arena,
                          const struct test **test)
{
    const struct bucket_tests *of = tests;
    struct finding_row *rows;
    size_t n;
    *test = NULL;
    TRY(store_bucket_folders(of->store, key, arena, &rows, &n));
    for (size_t i = 0; i < n && *test == NULL; i++) {
        if (rows[i].id == of->except || !is_whole(&rows[i])) {
            continue;
        }
        struct test *read;
        const char *folder = arena_printf(arena, "%s/%s", of->dir, rows[i].folder);
        enum err err = finding_read(folder, "program", arena, &read);
        if (err == ERR_OK) {
            *test = read;
        } else if (err != ERR_MISSING) {
            log_warn("%s; its bucket is compared without it", err_text());
        }
    }
    return ERR_OK;
}
