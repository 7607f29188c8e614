/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SARIF 2.1.0 (OASIS Standard, errata 01), as code-scanning services read it: a rule an oracle, a
 * result a bucket. A bucket is the same in every run by its key, so the fingerprint is the key's
 * hash. A bug of a library has no place in the sources under test; its place is the finding's
 * program.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/ci.h"
#include "report/record.h"
#include "report/report_internal.h"

static const char schema_uri[] =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

static void set(json_t *object, const char *key, json_t *value)
{
    CHECK(value != NULL && json_object_set_new(object, key, value) == 0);
}

static void add(json_t *list, json_t *value)
{
    CHECK(value != NULL && json_array_append_new(list, value) == 0);
}

static json_t *message(const char *text)
{
    json_t *object = json_object();
    set(object, "text", json_text(text));
    return object;
}

/* ---- rules ---- */

/* What is worse than a refusal, which the user sees at once, is an error. */
static const char *level_of(const char *oracle)
{
    return severity_of(oracle) < SEVERITY_REFUSED ? "error" : "warning";
}

static json_t *rule_json(const char *name, const char *summary)
{
    json_t *rule = json_object(), *configuration = json_object();
    set(rule, "id", json_text(name));
    set(rule, "name", json_text(name));
    set(rule, "shortDescription", message(summary));
    set(configuration, "level", json_text(level_of(name)));
    set(rule, "defaultConfiguration", configuration);
    return rule;
}

/* The engine's own oracle: it compares two runs, so it is none of the table. */
static const char other_summary[] = "the same run gives the same bits";

static json_t *rules_json(const struct ci_report *r)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < oracle_count; i++) {
        add(rules, rule_json(oracle_table[i]->name, oracle_table[i]->summary));
    }
    for (size_t i = 0; i < r->n_buckets; i++) {
        const char *name = r->buckets[i].row->oracle;
        size_t k = 0;
        while (k < json_array_size(rules) &&
               strcmp(json_string_value(json_object_get(json_array_get(rules, k), "id")), name) !=
                   0) {
            k++;
        }
        if (k == json_array_size(rules)) {
            add(rules, rule_json(name, other_summary));
        }
    }
    return rules;
}

static json_int_t rule_index(const json_t *rules, const char *name)
{
    size_t i;
    const json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        if (strcmp(json_string_value(json_object_get(rule, "id")), name) == 0) {
            return (json_int_t)i;
        }
    }
    BUG("no rule for oracle %s", name);
}

/* ---- results ---- */

/* RFC 3986: what stands for itself in a path. */
static const char *uri_of(const char *path, struct arena *arena)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    struct buffer uri = BUFFER_INIT;
    buffer_puts(&uri, path[0] == '/' ? "file://" : "");
    for (const char *c = path; *c != '\0'; c++) {
        if (strchr(plain, *c) != NULL) {
            buffer_append(&uri, c, 1);
        } else {
            buffer_printf(&uri, "%%%02X", (unsigned char)*c);
        }
    }
    const char *text = arena_strdup(arena, uri.data);
    buffer_release(&uri);
    return text;
}

static json_t *location_json(const struct ci_report *r, const struct ci_bucket *b,
                             struct arena *arena)
{
    const char *path = b->folder != NULL && b->program != NULL
                           ? arena_printf(arena, "%s/program.txt", b->folder)
                           : arena_printf(arena, "%s/campaign.db", r->dir);
    json_t *location = json_object(), *physical = json_object(), *artifact = json_object();
    set(artifact, "uri", json_text(uri_of(path, arena)));
    set(physical, "artifactLocation", artifact);
    if (b->program != NULL) {
        json_t *region = json_object();
        set(region, "startLine", json_integer(1));
        set(physical, "region", region);
    }
    set(location, "physicalLocation", physical);
    json_t *logical = json_object(), *logicals = json_array();
    set(logical, "fullyQualifiedName", json_text(b->row->key));
    add(logicals, logical);
    set(location, "logicalLocations", logicals);
    json_t *list = json_array();
    add(list, location);
    return list;
}

static json_t *lines_json(const char *text)
{
    json_t *list = json_array();
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        char *line = strndup(text, size);
        CHECK(line != NULL);
        add(list, json_text(line));
        free(line);
        text += size + (text[size] != '\0');
    }
    return list;
}

static json_t *result_json(const struct ci_report *r, const struct ci_bucket *b,
                           const json_t *rules, struct arena *arena)
{
    json_t *result = json_object();
    bool flaky = b->standing == STANDING_FLAKY;
    set(result, "ruleId", json_text(b->row->oracle));
    set(result, "ruleIndex", json_integer(rule_index(rules, b->row->oracle)));
    set(result, "level", json_text(flaky ? "note" : level_of(b->row->oracle)));
    set(result, "message",
        message(arena_printf(arena, "%s: %s: %s", b->library, b->row->ops, b->row->text)));
    set(result, "locations", location_json(r, b, arena));
    json_t *prints = json_object();
    set(prints, "opjuryBucket/v1",
        json_text(arena_printf(arena, "%016" PRIx64, hash_text(b->row->key, 0))));
    set(result, "partialFingerprints", prints);
    if (r->baseline != NULL) {
        set(result, "baselineState",
            json_text(b->standing == STANDING_INSIDE ? "unchanged" : "new"));
    }
    if (b->standing == STANDING_KNOWN || b->standing == STANDING_INSIDE) {
        json_t *suppression = json_object(), *list = json_array();
        set(suppression, "kind", json_text("external"));
        set(suppression, "justification",
            json_text(arena_printf(arena, "%s%s%s", standing_names[b->standing],
                                   *b->why != '\0' ? ": " : "", b->why)));
        add(list, suppression);
        set(result, "suppressions", list);
    }
    json_t *properties = json_object();
    set(properties, "bucket", json_text(b->row->key));
    set(properties, "standing", json_text(standing_names[b->standing]));
    set(properties, "findings", json_integer((json_int_t)b->row->n_findings));
    set(properties, "id", json_integer((json_int_t)b->row->first_finding));
    set(properties, "targets", lines_json(b->targets));
    set(result, "properties", properties);
    return result;
}

/* ---- the run ---- */

static json_t *accounting_json(const struct counts *c)
{
    json_t *object = json_object();
    set(object, "tests", json_integer((json_int_t)c->tests));
    set(object, "runs", json_integer((json_int_t)c->runs));
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        set(object, verdict_names[v], json_integer((json_int_t)c->verdicts.n[v]));
    }
    return object;
}

static json_t *run_json(const struct ci_report *r, struct arena *arena)
{
    json_t *driver = json_object(), *tool = json_object(), *run = json_object();
    json_t *rules = rules_json(r), *results = json_array();
    for (size_t i = 0; i < r->n_buckets; i++) {
        add(results, result_json(r, &r->buckets[i], rules, arena));
    }
    set(driver, "name", json_text("opjury"));
    set(driver, "semanticVersion", json_text(r->version));
    set(driver, "rules", rules);
    set(tool, "driver", driver);
    set(run, "tool", tool);
    json_t *invocation = json_object(), *invocations = json_array();
    set(invocation, "executionSuccessful", json_boolean(!r->is_stopped));
    add(invocations, invocation);
    set(run, "invocations", invocations);
    set(run, "results", results);
    set(run, "properties", accounting_json(r->counts));
    return run;
}

void sarif_print(const struct ci_report *report, struct buffer *json)
{
    struct arena *arena = arena_new();
    json_t *root = json_object(), *runs = json_array();
    set(root, "$schema", json_text(schema_uri));
    set(root, "version", json_text("2.1.0"));
    add(runs, run_json(report, arena));
    set(root, "runs", runs);
    char *dumped = json_dumps(root, JSON_INDENT(2));
    CHECK(dumped != NULL);
    buffer_printf(json, "%s\n", dumped);
    free(dumped);
    json_decref(root);
    arena_free(arena);
}
