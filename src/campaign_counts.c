/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of a campaign: one verdict a run, summed over all, over each target and over filters, and
 * the time it took. In the store they are JSON of integers only (microseconds for times), so that
 * sums made in any order by any number of engines are the same.
 */
#include "campaign_parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const usage_names[USAGE_COUNT] = {
    [USAGE_CPU] = "cpu",
    [USAGE_LIBRARY] = "library",
    [USAGE_REDUCE] = "reduce",
    [USAGE_ELAPSED] = "elapsed",
};
/* Keys of targets: this prefix, the target's text, a tab, its version. */
static const char target_prefix[] = "target ";
static const double micro = 1e6;

uint64_t verdict_sum(const struct verdict_counts *counts)
{
    uint64_t sum = 0;
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        sum += counts->n[v];
    }
    return sum;
}

void counts_init(struct counts *counts, struct target *const *targets, size_t n,
                 struct arena *arena)
{
    *counts = (struct counts){.n_targets = n};
    counts->targets = ARENA_ZARRAY(arena, struct target_counts, n);
    for (size_t i = 0; i < n; i++) {
        counts->targets[i].text = targets[i]->text;
        counts->targets[i].version = targets[i]->version != NULL ? targets[i]->version : "";
    }
}

static struct filter_count *counts_filter(struct counts *counts, const char *name,
                                          struct arena *arena)
{
    for (size_t i = 0; i < counts->n_filters; i++) {
        if (strcmp(counts->filters[i].name, name) == 0) {
            return &counts->filters[i];
        }
    }
    struct filter_count *more = ARENA_ARRAY(arena, struct filter_count, counts->n_filters + 1);
    if (counts->n_filters > 0) {
        memcpy(more, counts->filters, counts->n_filters * sizeof(*more));
    }
    counts->filters = more;
    more[counts->n_filters] = (struct filter_count){.name = arena_strdup(arena, name)};
    return &more[counts->n_filters++];
}

void counts_add(struct counts *counts, size_t target, const struct verdict *verdict,
                struct arena *arena)
{
    CHECK(target < counts->n_targets && verdict->kind < VERDICT_COUNT);
    counts->runs++;
    counts->verdicts.n[verdict->kind]++;
    counts->targets[target].verdicts.n[verdict->kind]++;
    if (verdict->kind == VERDICT_FILTERED) {
        CHECK(verdict->filter != NULL);
        counts_filter(counts, verdict->filter, arena)->n++;
    }
}

bool counts_add_up(const struct counts *counts)
{
    uint64_t by_target = 0;
    uint64_t filtered = 0;
    for (size_t i = 0; i < counts->n_targets; i++) {
        by_target += verdict_sum(&counts->targets[i].verdicts);
    }
    for (size_t i = 0; i < counts->n_filters; i++) {
        filtered += counts->filters[i].n;
    }
    return verdict_sum(&counts->verdicts) == counts->runs && by_target == counts->runs &&
           filtered == counts->verdicts.n[VERDICT_FILTERED] &&
           counts->runs == counts->tests * counts->n_targets;
}

void counts_check(const struct counts *counts)
{
    CHECK(counts_add_up(counts));
}

/* ---- JSON ---- */

static void put(json_t *object, const char *key, uint64_t value)
{
    CHECK(json_object_set_new(object, key, json_integer((json_int_t)value)) == 0);
}

static json_t *put_object(json_t *root, const char *key)
{
    json_t *object = json_object();
    CHECK(object != NULL && json_object_set_new(root, key, object) == 0);
    return object;
}

static void put_verdicts(json_t *object, const struct verdict_counts *counts)
{
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        put(object, verdict_names[v], counts->n[v]);
    }
}

void counts_print(const struct counts *counts, struct buffer *text)
{
    json_t *root = json_object();
    CHECK(root != NULL);
    json_t *work = put_object(root, "work");
    put(work, "tests", counts->tests);
    put(work, "runs", counts->runs);
    put(work, "repeated", counts->repeated);
    put(work, "restarts", counts->restarts);
    put_verdicts(put_object(root, "verdicts"), &counts->verdicts);
    json_t *filters = put_object(root, "filters");
    for (size_t i = 0; i < counts->n_filters; i++) {
        put(filters, counts->filters[i].name, counts->filters[i].n);
    }
    json_t *usage = put_object(root, "microseconds");
    for (size_t i = 0; i < USAGE_COUNT; i++) {
        put(usage, usage_names[i], (uint64_t)(counts->usage[i] * micro + 0.5));
    }
    for (size_t i = 0; i < counts->n_targets; i++) {
        const struct target_counts *t = &counts->targets[i];
        struct buffer key = BUFFER_INIT;
        buffer_printf(&key, "%s%s\t%s", target_prefix, t->text, t->version);
        put_verdicts(put_object(root, key.data), &t->verdicts);
        buffer_release(&key);
    }
    char *dumped = json_dumps(root, JSON_COMPACT);
    CHECK(dumped != NULL);
    buffer_puts(text, dumped);
    free(dumped);
    json_decref(root);
}

static uint64_t get(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static struct verdict_counts get_verdicts(const json_t *object)
{
    struct verdict_counts counts = {0};
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        counts.n[v] = get(object, verdict_names[v]);
    }
    return counts;
}

static void get_targets(const json_t *root, struct arena *arena, struct counts *counts)
{
    const char *key;
    json_t *object;
    size_t skip = strlen(target_prefix);
    counts->targets = ARENA_ZARRAY(arena, struct target_counts, json_object_size(root));
    json_object_foreach((json_t *)root, key, object)
    {
        if (strncmp(key, target_prefix, skip) != 0) {
            continue;
        }
        struct target_counts *t = &counts->targets[counts->n_targets++];
        char *text = arena_strdup(arena, key + skip);
        char *tab = strchr(text, '\t');
        t->version = tab != NULL ? tab + 1 : "";
        if (tab != NULL) {
            *tab = '\0';
        }
        t->text = text;
        t->verdicts = get_verdicts(object);
    }
}

enum err counts_parse(const char *text, struct arena *arena, struct counts *counts)
{
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(ERR_STORE, "the campaign's counts are damaged: %s", error.text);
    }
    const json_t *work = json_object_get(root, "work");
    *counts = (struct counts){
        .tests = get(work, "tests"),
        .runs = get(work, "runs"),
        .repeated = get(work, "repeated"),
        .restarts = get(work, "restarts"),
        .verdicts = get_verdicts(json_object_get(root, "verdicts")),
    };
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(root, "filters"), key, value)
    {
        counts_filter(counts, key, arena)->n = (uint64_t)json_integer_value(value);
    }
    const json_t *usage = json_object_get(root, "microseconds");
    for (size_t i = 0; i < USAGE_COUNT; i++) {
        counts->usage[i] = (double)get(usage, usage_names[i]) / micro;
    }
    get_targets(root, arena, counts);
    json_decref(root);
    return ERR_OK;
}

enum err counts_read(struct store *store, const char *dir, struct arena *arena,
                     struct counts *counts)
{
    const char *json;
    uint64_t tests;
    TRY(store_totals(store, arena, &json, &tests));
    TRY(counts_parse(json, arena, counts));
    bool is_whole = counts->tests == tests && counts_add_up(counts);
    return is_whole ? ERR_OK
                    : err_set(ERR_STORE,
                              "%s/campaign.db: its counts do not add up, so it is damaged; take "
                              "another directory",
                              dir);
}

/* ---- for reports ---- */

const struct counts *counts_labelled(const struct counts *counts, struct arena *arena)
{
    struct counts *made = arena_copy(arena, counts, sizeof(*counts));
    made->targets = arena_copy(arena, counts->targets, counts->n_targets * sizeof(*made->targets));
    for (size_t i = 0; i < made->n_targets; i++) {
        made->targets[i].text = target_text_label(made->targets[i].text, arena);
    }
    return made;
}

const char *counts_bucket_targets(const struct counts *counts, const struct bucket_row *row,
                                  struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    for (const char *line = row->targets; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        const char *name = arena_printf(arena, "%.*s", (int)size, line);
        buffer_printf(&text, "%s%s", text.size > 0 ? "\n" : "", target_text_label(name, arena));
        for (size_t i = 0; i < counts->n_targets; i++) {
            const char *version = counts->targets[i].version;
            if (strcmp(counts->targets[i].text, name) == 0 && *version != '\0') {
                buffer_printf(&text, " %s", version);
            }
        }
        line += size + (line[size] != '\0');
    }
    const char *kept = arena_strdup(arena, text.size > 0 ? text.data : "");
    buffer_release(&text);
    return kept;
}
