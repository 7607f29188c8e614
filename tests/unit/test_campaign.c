/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of a campaign and what is said of them: they add up, survive the store, and the summary
 * shows what the store holds.
 */
#include "campaign_parts.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <cmocka.h>

static struct target one = {.text = "faulty:none", .version = "1"};
static struct target two = {.text = "torch@/a path/with:odd=signs", .version = "2.13.0+cpu"};
static struct target *const targets[] = {&one, &two};

static struct verdict verdict(enum verdict_kind kind)
{
    return (struct verdict){.kind = kind,
                            .filter = kind == VERDICT_FILTERED ? "reference-suspect" : NULL};
}

/* Every kind of verdict: target one `times`, target two once. */
static void fill(struct counts *counts, unsigned times, struct arena *arena)
{
    counts_init(counts, targets, 2, arena);
    for (unsigned v = 0; v < VERDICT_COUNT; v++) {
        for (unsigned i = 0; i < times; i++) {
            counts_add(counts, 0, &(struct verdict){.kind = VERDICT_PASS}, arena);
            struct verdict other = verdict((enum verdict_kind)v);
            counts_add(counts, 1, &other, arena);
            counts->tests++;
        }
    }
    counts->repeated = 3;
    counts->restarts = 2;
    counts->usage[USAGE_CPU] = 10;
    counts->usage[USAGE_LIBRARY] = 7.5;
    counts->usage[USAGE_REDUCE] = 0.25;
    counts->usage[USAGE_ELAPSED] = 12;
}

static void test_counts_add_up(void **state)
{
    struct arena *arena = arena_new();
    struct counts counts;
    fill(&counts, 5, arena);
    counts_check(&counts);
    assert_int_equal(counts.runs, 2 * 5 * VERDICT_COUNT);
    assert_int_equal(counts.verdicts.n[VERDICT_PASS], 5 * VERDICT_COUNT + 5);
    assert_int_equal(counts.targets[1].verdicts.n[VERDICT_FLAKY], 5);
    assert_int_equal(counts.n_filters, 1);
    assert_string_equal(counts.filters[0].name, "reference-suspect");
    assert_int_equal(counts.filters[0].n, 5);
    arena_free(arena);
}

static void test_counts_round_trip(void **state)
{
    struct arena *arena = arena_new();
    struct counts counts, back;
    struct buffer json = BUFFER_INIT, again = BUFFER_INIT;
    fill(&counts, 4, arena);
    counts_print(&counts, &json);
    assert_int_equal(counts_parse(json.data, arena, &back), ERR_OK);
    counts_check(&back);
    counts_print(&back, &again);
    assert_string_equal(json.data, again.data);
    assert_string_equal(back.targets[1].text, two.text);
    assert_string_equal(back.targets[1].version, two.version);
    assert_true(back.usage[USAGE_LIBRARY] == 7.5);
    buffer_release(&json);
    buffer_release(&again);
    arena_free(arena);
}

static void test_damaged_counts(void **state)
{
    static const char *const damaged[] = {"", "[]", "{", "3", "{\"work\": "};
    struct arena *arena = arena_new();
    struct counts counts;
    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
        assert_int_equal(counts_parse(damaged[i], arena, &counts), ERR_STORE);
    }
    assert_int_equal(counts_parse("{}", arena, &counts), ERR_OK);
    assert_int_equal(counts.tests, 0);
    assert_int_equal(counts.n_targets, 0);
    counts_check(&counts);
    arena_free(arena);
}

/* ---- a campaign that a store holds ---- */

struct campaign {
    char dir[64];
    struct arena *arena;
    struct store *store;
    struct campaign_options options;
};

static int open_campaign(void **state)
{
    struct campaign *c = calloc(1, sizeof(*c));
    strcpy(c->dir, "/tmp/opjury-test-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    c->arena = arena_new();
    c->options.seed = 9;
    assert_int_equal(store_open(c->dir, true, &c->store), ERR_OK);
    const struct campaign_key key = {.seed = 9, .targets = "t", .policy = "p", .policy_hash = 1};
    assert_int_equal(store_bind(c->store, &key), ERR_OK);
    *state = c;
    return 0;
}

static int close_campaign(void **state)
{
    struct campaign *c = *state;
    char command[128];
    store_close(c->store);
    arena_free(c->arena);
    snprintf(command, sizeof(command), "rm -rf %s", c->dir);
    int status = system(command);
    free(c);
    return status;
}

static void commit_tests(struct campaign *c, unsigned times)
{
    struct block block;
    bool got;
    struct counts counts;
    struct buffer json = BUFFER_INIT;
    assert_int_equal(store_claim(c->store, 0, &block, &got), ERR_OK);
    assert_true(got);
    fill(&counts, times, c->arena);
    counts_print(&counts, &json);
    assert_int_equal(store_commit(c->store, &block, block.first + counts.tests, json.data), ERR_OK);
    buffer_release(&json);
}

static void add_finding_of(struct campaign *c, uint64_t index, const char *target,
                           const char *state, const char *bucket, const char *ops,
                           const char *oracle)
{
    uint64_t id;
    const struct finding_row row = {.test_index = index,
                                    .target = target,
                                    .scenario = "direct",
                                    .oracle = oracle,
                                    .signature = oracle,
                                    .text = "element 3 is 1, expected 2",
                                    .ops = ops,
                                    .state = state,
                                    .bucket = bucket,
                                    .json = "{}"};
    assert_int_equal(store_add_finding(c->store, &row, &id), ERR_OK);
}

static void add_finding(struct campaign *c, uint64_t index, const char *target, const char *state,
                        const char *bucket, const char *ops)
{
    add_finding_of(c, index, target, state, bucket, ops, "value");
}

static json_t *summary_object(struct campaign *c)
{
    struct summary summary;
    struct buffer line = BUFFER_INIT;
    assert_int_equal(summary_read(c->dir, &c->options, c->arena, &summary), ERR_OK);
    summary_json(&summary, &line);
    assert_ptr_equal(strchr(line.data, '\n'), line.data + line.size - 1);
    json_t *o = json_loads(line.data, 0, NULL);
    assert_non_null(o);
    buffer_release(&line);
    return o;
}

static const char *at(const json_t *bucket, const char *list, size_t i)
{
    return json_string_value(json_array_get(json_object_get(bucket, list), i));
}

static void test_summary_of_nothing(void **state)
{
    struct campaign *c = *state;
    struct summary summary;
    struct buffer text = BUFFER_INIT;
    assert_int_equal(summary_read(c->dir, &c->options, c->arena, &summary), ERR_OK);
    assert_int_equal(summary_new_buckets(&summary), 0);
    summary_print(&summary, &text);
    assert_non_null(strstr(text.data, "no new findings"));
    buffer_release(&text);
    json_t *o = summary_object(c);
    assert_int_equal(json_integer_value(json_object_get(o, "tests")), 0);
    assert_true(json_real_value(json_object_get(o, "tests_per_cpu_second")) == 0);
    json_decref(o);
}

static void test_summary_json(void **state)
{
    struct campaign *c = *state;
    commit_tests(c, 3);
    commit_tests(c, 2);
    add_finding(c, 1, "torch", "new", "b1", "relu(f64) -> cast(f64->f32), arg_max(f32->i64)");
    add_finding(c, 2, "onnxruntime:opt=all", "new", "b1", "relu(f64)");
    add_finding(c, 3, "torch", "known", "known | x", "add(f32)");
    add_finding(c, 4, "torch", "flaky", "torch | flaky", "add(f32)");
    json_t *o = summary_object(c);
    assert_int_equal(json_object_size(o), 8);
    assert_int_equal(json_integer_value(json_object_get(o, "tests")), 5 * VERDICT_COUNT);
    assert_int_equal(json_integer_value(json_object_get(o, "runs")), 10 * VERDICT_COUNT);
    assert_int_equal(json_integer_value(json_object_get(o, "findings")), 5);
    assert_true(json_real_value(json_object_get(o, "tests_per_cpu_second")) ==
                5.0 * VERDICT_COUNT / 20);
    assert_true(json_real_value(json_object_get(o, "library_cpu_share")) == 0.75);
    json_t *buckets = json_object_get(o, "buckets");
    assert_int_equal(json_array_size(buckets), 2);
    json_t *first = json_array_get(buckets, 0);
    assert_string_equal(json_string_value(json_object_get(first, "state")), "new");
    assert_int_equal(json_array_size(json_object_get(first, "ops")), 3);
    assert_string_equal(at(first, "ops", 0), "relu");
    assert_string_equal(at(first, "ops", 1), "cast");
    assert_string_equal(at(first, "ops", 2), "arg_max");
    assert_int_equal(json_array_size(json_object_get(first, "targets")), 2);
    assert_string_equal(at(first, "targets", 0), "onnxruntime:opt=all");
    assert_string_equal(json_string_value(json_object_get(json_array_get(buckets, 1), "state")),
                        "known");
    json_decref(o);
}

static void test_summary_text(void **state)
{
    struct campaign *c = *state;
    commit_tests(c, 1);
    add_finding(c, 1, "torch", "new", "b1", "relu(f64)");
    add_finding(c, 3, "torch", "known", "known | x", "add(f32)");
    struct summary summary;
    struct buffer text = BUFFER_INIT;
    assert_int_equal(summary_read(c->dir, &c->options, c->arena, &summary), ERR_OK);
    assert_int_equal(summary_new_buckets(&summary), 1);
    summary_print(&summary, &text);
    static const char *const parts[] = {
        "16 runs of 8 tests on 2 targets",
        "filtered: reference-suspect 1",
        "known bugs:",
        "  x  (1 finding)\n        element 3 is 1, expected 2\n",
        "new findings:",
        "value: relu(f64)  (1 finding)\n        element 3 is 1, expected 2\n        torch\n",
        "opjury show 1 --out ",
        "torch@/a path/with:odd=signs 2.13.0+cpu",
    };
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (strstr(text.data, parts[i]) == NULL) {
            fail_msg("'%s' is not in:\n%s", parts[i], text.data);
        }
    }
    buffer_release(&text);
}

/* Places of the texts in it, each behind the one before. */
static void assert_in_order(const char *text, const char *const *parts, size_t n)
{
    const char *at = text;
    for (size_t i = 0; i < n; i++) {
        const char *found = strstr(at, parts[i]);
        if (found == NULL) {
            fail_msg("'%s' is not there, or not behind what should come before:\n%s", parts[i],
                     text);
            return;
        }
        at = found;
    }
}

/* The worst come first whenever they were found, no more of a library than asked for. */
static void test_summary_order_and_limit(void **state)
{
    struct campaign *c = *state;
    static const char *const in_order[] = {"new findings:", "value: abs(f64)", "value: neg(f64)",
                                           "status: relu(f64)"};
    struct summary summary;
    struct buffer text = BUFFER_INIT;
    commit_tests(c, 1);
    add_finding_of(c, 1, "torch", "new", "b1", "relu(f64)", "status");
    add_finding_of(c, 2, "torch", "new", "b2", "neg(f64)", "value");
    add_finding_of(c, 3, "torch", "new", "b3", "abs(f64)", "value");
    add_finding_of(c, 4, "torch", "new", "b3", "abs(f64)", "value");
    add_finding_of(c, 5, "onnxruntime:opt=all", "new", "b5", "exp(f64)", "status");
    assert_int_equal(summary_read(c->dir, &c->options, c->arena, &summary), ERR_OK);
    summary_print(&summary, &text);
    assert_in_order(text.data, in_order, ARRAY_SIZE(in_order));
    assert_null(strstr(text.data, "more wait"));
    buffer_clear(&text);
    c->options.max_open = 2;
    summary_print(&summary, &text);
    assert_in_order(text.data, in_order, ARRAY_SIZE(in_order) - 1);
    assert_null(strstr(text.data, "status: relu(f64)"));
    assert_non_null(strstr(text.data, "status: exp(f64)")); /* of another library */
    assert_non_null(strstr(text.data, "1 more waits: 2 open ones a library are enough; `opjury "
                                      "show --max-open 0 --out "));
    buffer_release(&text);
    json_t *o = summary_object(c); /* a program gets all, in the same order */
    const json_t *buckets = json_object_get(o, "buckets");
    assert_int_equal(json_array_size(buckets), 4);
    assert_string_equal(at(json_array_get(buckets, 0), "ops", 0), "abs");
    json_decref(o);
}

/* Where it is reported: by its own mark, else by the rule that knows it. */
static void test_summary_addresses(void **state)
{
    struct campaign *c = *state;
    static const char *const parts[] = {
        "known bugs:", "ort-clip-int64  (1 finding)\n        https://github.com/",
        "reported:",   "value: relu(f64)  (1 finding)\n        https://example.org/1\n",
        "no new",
    };
    struct summary summary;
    struct buffer text = BUFFER_INIT;
    commit_tests(c, 1);
    add_finding(c, 1, "torch", "new", "b1", "relu(f64)");
    add_finding(c, 2, "onnxruntime:opt=all", "known", "known | ort-clip-int64", "clip(i64)");
    add_finding(c, 3, "torch", "known", "known | a-rule-that-is-gone", "abs(f64)");
    assert_int_equal(store_mark_bucket(c->store, "b1", "reported", "https://example.org/1"),
                     ERR_OK);
    assert_int_equal(summary_read(c->dir, &c->options, c->arena, &summary), ERR_OK);
    summary_print(&summary, &text);
    assert_in_order(text.data, parts, ARRAY_SIZE(parts));
    buffer_release(&text);
    json_t *o = summary_object(c);
    for (size_t i = 0; i < 3; i++) {
        const json_t *bucket = json_array_get(json_object_get(o, "buckets"), i);
        bool is_gone = strcmp(at(bucket, "ops", 0), "abs") == 0;
        assert_int_equal(json_object_get(bucket, "url") == NULL, is_gone);
    }
    json_decref(o);
}

/* ---- progress.csv ---- */

static void test_progress(void **state)
{
    struct arena *arena = arena_new();
    char dir[] = "/tmp/opjury-progress-XXXXXX", path[64], command[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/progress.csv", dir);
    struct progress_file file = {.path = path};
    struct progress_point *points;
    size_t n;
    assert_int_equal(progress_read(dir, arena, &points, &n), ERR_OK);
    assert_int_equal(n, 0); /* an older campaign */
    /* A day, asked every second: a few hundred lines. */
    for (unsigned s = 0; s <= 86400; s++) {
        progress_note(&file, &(struct progress_point){s, s / 2.0, s, 7, 1}, s == 86400);
    }
    assert_int_equal(progress_read(dir, arena, &points, &n), ERR_OK);
    assert_in_range(n, 100, 1000);
    assert_true(points[n - 1].elapsed == 86400 && points[n - 1].cpu == 43200);
    assert_int_equal(points[n - 1].tests, 86400);
    /* A sitting that goes on from what was committed before a kill. */
    file = (struct progress_file){.path = path};
    progress_note(&file, &(struct progress_point){1000, 500, 1000, 7, 1}, false);
    assert_int_equal(progress_read(dir, arena, &points, &n), ERR_OK);
    assert_true(points[n - 1].elapsed == 1000 && points[n - 2].elapsed < 1000);
    /* What is no line of it is left out; a file that cannot be written ends no campaign. */
    assert_int_equal(file_write(path, "x\n1,2,3,4,5\n2,3\n", 17), ERR_OK);
    assert_int_equal(progress_read(dir, arena, &points, &n), ERR_OK);
    assert_int_equal(n, 1);
    /* What is no number is none in the file, and none of a curve. */
    static const char odd[] = "nan,1,2,3,4\n1,inf,3,4,5\n1,2,3,4,5\n";
    assert_int_equal(file_write(path, odd, strlen(odd)), ERR_OK);
    assert_int_equal(progress_read(dir, arena, &points, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(file_write(path, "", 0), ERR_OK);
    file = (struct progress_file){.path = path};
    progress_note(&file, &(struct progress_point){7, NAN, 3, 2, 1}, true);
    struct buffer text = BUFFER_INIT;
    assert_int_equal(file_read(path, 0, &text), ERR_OK);
    assert_string_equal(text.data, "elapsed_s,cpu_s,tests,findings,buckets\n7.000,,3,2,1\n");
    buffer_release(&text);
    assert_int_equal(progress_read(dir, arena, &points, &n), ERR_OK);
    assert_int_equal(n, 0);
    file = (struct progress_file){.path = "/no/such/folder/progress.csv"};
    log_set_level(LOG_QUIET);
    progress_note(&file, &(struct progress_point){1, 2, 3, 4, 5}, true);
    assert_true(file.failed);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_add_up),
        cmocka_unit_test(test_counts_round_trip),
        cmocka_unit_test(test_damaged_counts),
        cmocka_unit_test(test_progress),
        cmocka_unit_test_setup_teardown(test_summary_of_nothing, open_campaign, close_campaign),
        cmocka_unit_test_setup_teardown(test_summary_json, open_campaign, close_campaign),
        cmocka_unit_test_setup_teardown(test_summary_text, open_campaign, close_campaign),
        cmocka_unit_test_setup_teardown(test_summary_order_and_limit, open_campaign,
                                        close_campaign),
        cmocka_unit_test_setup_teardown(test_summary_addresses, open_campaign, close_campaign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
