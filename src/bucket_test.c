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

enum err bucket_tests_read(void *context, const char *key, struct arena *arena,
                           const struct test ***tests, size_t *n)
{
    const struct bucket_tests *of = context;
    struct finding_row *rows;
    size_t n_rows;
    *n = 0;
    TRY(store_bucket_folders(of->store, key, arena, &rows, &n_rows));
    *tests = ARENA_ARRAY(arena, const struct test *, n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i].id == of->except || !is_whole(&rows[i])) {
            continue;
        }
        struct test *read;
        const char *folder = arena_printf(arena, "%s/%s", of->dir, rows[i].folder);
        enum err err = finding_read(folder, "program", arena, &read);
        if (err == ERR_OK) {
            (*tests)[(*n)++] = read;
        } else if (err != ERR_MISSING) {
            log_warn("%s; its bucket is compared without it", err_text());
        }
    }
    return ERR_OK;
}
