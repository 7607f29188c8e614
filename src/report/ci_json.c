/* SPDX-License-Identifier: Apache-2.0 */
/* What `opjury ci --json` says: the accounting, and each bucket outside the baseline. */
#include <stdlib.h>

#include "report/ci.h"
#include "report/report_internal.h"

static void set(json_t *object, const char *key, json_t *value)
{
    CHECK(value != NULL && json_object_set_new(object, key, value) == 0);
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *outside_json(const struct ci_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_buckets; i++) {
        const struct bucket_row *row = r->buckets[i].row;
        if (r->buckets[i].standing != STANDING_OUTSIDE) {
            continue;
        }
        json_t *bucket = json_object();
        set(bucket, "id", integer(row->first_finding));
        set(bucket, "key", json_text(row->key));
        set(bucket, "oracle", json_text(row->oracle));
        set(bucket, "ops", json_text(row->ops));
        set(bucket, "text", json_text(row->text));
        CHECK(json_array_append_new(list, bucket) == 0);
    }
    return list;
}

void ci_json_print(const struct ci_report *report, struct buffer *line)
{
    json_t *root = json_object(), *verdicts = json_object();
    set(root, "campaign", json_text(report->dir));
    set(root, "stopped", json_boolean(report->is_stopped));
    set(root, "tests", integer(report->counts->tests));
    set(root, "runs", integer(report->counts->runs));
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        set(verdicts, verdict_names[v], integer(report->counts->verdicts.n[v]));
    }
    set(root, "verdicts", verdicts);
    set(root, "outside", outside_json(report));
    set(root, "inside", integer(report->n[STANDING_INSIDE]));
    set(root, "known", integer(report->n[STANDING_KNOWN]));
    set(root, "flaky", integer(report->n[STANDING_FLAKY]));
    set(root, "unseen", integer(report->n_unseen));
    char *dumped = json_dumps(root, JSON_COMPACT);
    CHECK(dumped != NULL);
    buffer_printf(line, "%s\n", dumped);
    free(dumped);
    json_decref(root);
}
