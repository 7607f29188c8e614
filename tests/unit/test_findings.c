/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings and buckets in the store: a bucket is what its findings and people say of it.
 */
#include "store_fixture.h"

static void a_finding_is_one_row_however_often_added(void **state)
{
    struct store *store = opened();
    struct finding_row row = finding(12, "torch", "k");
    uint64_t id = added(store, &row);
    row.text = "again";
    row.state = "new";
    row.folder = NULL;
    assert_int_equal(added(store, &row), id);
    row.oracle = "crash";
    assert_int_not_equal(added(store, &row), id);

    struct finding_row *rows;
    size_t n;
    assert_int_equal(store_findings(store, arena, &rows, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].id, id);
    assert_int_equal(rows[0].test_index, 12);
    assert_string_equal(rows[0].target, "torch");
    assert_string_equal(rows[0].scenario, "direct");
    assert_string_equal(rows[0].oracle, "value");
    assert_string_equal(rows[0].signature, "value NaN expected");
    assert_string_equal(rows[0].text, "again");
    assert_string_equal(rows[0].ops, "relu(f64) -> clip(f64)");
    assert_string_equal(rows[0].state, "new");
    assert_string_equal(rows[0].bucket, "k");
    assert_string_equal(rows[0].folder, "");
    assert_string_equal(rows[0].json, "{\"a\": 1}");
    store_close(store);
}

static void what_came_since_is_read(void **state)
{
    struct store *store = opened();
    struct finding_row one = finding(1, "torch", "k"), two = finding(2, "torch", "k");
    two.folder = "";
    uint64_t first = added(store, &one), second = added(store, &two);
    struct finding_row *rows;
    size_t n;
    assert_int_equal(store_findings_since(store, first, arena, &rows, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, second);
    assert_int_equal(store_findings_since(store, second, arena, &rows, &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(store_bucket_folders(store, "k", arena, &rows, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, first);
    assert_int_equal(store_bucket_folders(store, "no such", arena, &rows, &n), ERR_OK);
    assert_int_equal(n, 0);
    store_close(store);
}

static void buckets_follow_their_findings(void **state)
{
    struct store *store = opened();
    struct finding_row row = finding(1, "onnxruntime:opt=all", "b1");
    uint64_t first = added(store, &row);
    row = finding(2, "onnxruntime:opt=all", "b2");
    added(store, &row);
    row = finding(3, "a,b", "b1");
    row.text = "later";
    added(store, &row);
    row = finding(4, "a,b", "b1");
    row.state = "flaky";
    added(store, &row);

    struct bucket_row *rows;
    size_t n;
    assert_int_equal(store_buckets(store, arena, &rows, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].key, "b1");
    assert_string_equal(rows[0].oracle, "value");
    assert_string_equal(rows[0].ops, "relu(f64) -> clip(f64)");
    assert_string_equal(rows[0].targets, "a,b\nonnxruntime:opt=all");
    assert_string_equal(rows[0].state, "known");
    assert_string_equal(rows[0].text, "it's 1 \"not\" 2");
    assert_int_equal(rows[0].first_finding, first);
    assert_int_equal(rows[0].n_findings, 3);
    assert_string_equal(rows[1].key, "b2");

    uint64_t id;
    assert_int_equal(store_find_bucket(store, "b1", &id), ERR_OK);
    assert_int_equal(id, rows[0].id);
    assert_int_equal(store_find_bucket(store, "b3", &id), ERR_OK);
    assert_int_equal(id, 0);

    /* A finding that moves takes its bucket with it. */
    row = finding(2, "onnxruntime:opt=all", "b3");
    row.state = "new";
    added(store, &row);
    assert_int_equal(store_buckets(store, arena, &rows, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_string_equal(rows[1].key, "b3");
    assert_string_equal(rows[1].state, "new");
    assert_int_equal(store_find_bucket(store, "b2", &id), ERR_OK);
    assert_int_equal(id, 0);
    store_close(store);
}

static struct bucket_row bucket_of(struct store *store, const char *key)
{
    struct bucket_row *rows;
    size_t n;
    assert_int_equal(store_buckets(store, arena, &rows, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].key, key) == 0) {
            return rows[i];
        }
    }
    fail_msg("no bucket %s", key);
    return rows[0];
}

static void a_bucket_is_shown_by_what_was_reduced(void **state)
{
    struct store *store = opened();
    struct finding_row row = finding(1, "t", "b");
    added(store, &row);
    row = finding(2, "t", "b");
    row.json = "{\"reduced\":true}";
    row.ops = "relu(f32)";
    uint64_t id = added(store, &row);
    assert_int_equal(bucket_of(store, "b").first_finding, id);
    assert_string_equal(bucket_of(store, "b").ops, "relu(f32)");
    assert_int_equal(bucket_of(store, "b").n_findings, 2);
    store_close(store);
}

static void a_marked_bucket_stays_so_until_it_is_found_again(void **state)
{
    struct store *store = opened();
    struct finding_row row = finding(1, "t", "b");
    row.state = "new";
    added(store, &row);
    assert_string_equal(bucket_of(store, "b").url, "");
    assert_int_equal(store_mark_bucket(store, "b", "reported", "https://x"), ERR_OK);
    assert_string_equal(bucket_of(store, "b").state, "reported");
    row = finding(2, "t", "b");
    row.state = "new";
    added(store, &row);
    assert_string_equal(bucket_of(store, "b").state, "reported");
    assert_int_equal(store_mark_bucket(store, "b", "fixed", NULL), ERR_OK);
    added(store, &row); /* the same one: nothing is found */
    assert_string_equal(bucket_of(store, "b").state, "fixed");
    assert_string_equal(bucket_of(store, "b").url, "https://x");
    row = finding(3, "t", "b");
    row.state = "new";
    added(store, &row);
    assert_string_equal(bucket_of(store, "b").state, "new");
    store_close(store);
}

static void findings_that_look_the_same_move(void **state)
{
    struct store *store = opened();
    struct finding_row row = finding(1, "t", "waiting");
    added(store, &row);
    row = finding(2, "t", "waiting");
    row.ops = "exp(f32)";
    added(store, &row);
    row = finding(3, "t", "b");
    added(store, &row);
    assert_int_equal(store_move_findings(store, "waiting", row.signature, row.ops, "b", "new"),
                     ERR_OK);
    assert_int_equal(bucket_of(store, "b").n_findings, 2);
    assert_int_equal(bucket_of(store, "waiting").n_findings, 1);
    struct finding_row *rows;
    size_t n;
    assert_int_equal(store_findings(store, arena, &rows, &n), ERR_OK);
    assert_string_equal(rows[0].json, "{\"a\":1,\"joined\":\"look\"}");
    assert_string_equal(rows[1].json, row.json);
    assert_string_equal(rows[2].json, row.json);
    store_close(store);
}

/* Of each library its first, reported ones counted. */
/* What people said of the one that goes is not lost, unless it was said that it is fixed. */
static void two_buckets_become_one(void **state)
{
    static const struct {
        const char *from, *to, *state;
    } cases[] = {{"", "", "new"},
                 {"reported", "", "reported"},
                 {"reported", "wontfix", "wontfix"},
                 {"fixed", "", "new"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct store *store = opened();
        const char *to = arena_printf(arena, "to %zu", i), *from = arena_printf(arena, "f %zu", i);
        struct finding_row kept = finding(10 * i + 1, "t", to),
                           goes = finding(10 * i + 2, "t", from);
        kept.state = goes.state = "new";
        added(store, &kept);
        added(store, &goes);
        bool is_reported = strcmp(cases[i].from, "reported") == 0;
        const char *url = is_reported ? "https://example.org/7" : NULL;
        assert_int_equal(store_mark_bucket(store, from, cases[i].from, url), ERR_OK);
        assert_int_equal(store_mark_bucket(store, to, cases[i].to, NULL), ERR_OK);
        assert_int_equal(store_merge_buckets(store, from, to), ERR_OK);
        struct bucket_row one = bucket_of(store, to);
        assert_int_equal(one.n_findings, 2);
        assert_string_equal(one.state, cases[i].state);
        assert_string_equal(one.url, url != NULL ? url : "");
        uint64_t id;
        assert_int_equal(store_find_bucket(store, from, &id), ERR_OK);
        assert_int_equal(id, 0);
        store_close(store);
    }
}

static void few_buckets_are_offered(void **state)
{
    const struct bucket_row rows[] = {
        {.state = "new", .targets = "torch"},
        {.state = "reported", .targets = "onnxruntime:opt=all"},
        {.state = "new", .targets = "onnxruntime:opt=none\nonnxruntime:opt=all"},
        {.state = "fixed", .targets = "onnxruntime:opt=all"},
        {.state = "new", .targets = "onnxruntime@env"},
        {.state = "new", .targets = "torch:x"},
    };
    bool offered[ARRAY_SIZE(rows)];
    assert_int_equal(buckets_offer(rows, ARRAY_SIZE(rows), 2, offered), 1);
    static const bool two[] = {true, false, true, false, false, true};
    assert_memory_equal(offered, two, sizeof(two));
    assert_int_equal(buckets_offer(rows, ARRAY_SIZE(rows), 0, offered), 0);
    assert_true(offered[4]);
    assert_int_equal(buckets_offer(rows, ARRAY_SIZE(rows), 1, offered), 3);
}

static void a_store_of_version_1_goes_on(void **state)
{
    struct store *store = opened();
    struct finding_row row = finding(1, "t", "b");
    row.state = "new";
    added(store, &row);
    store_close(store);
    sql("ALTER TABLE buckets DROP COLUMN state");
    sql("ALTER TABLE buckets DROP COLUMN url");
    sql("PRAGMA user_version = 1");
    store = opened();
    assert_string_equal(bucket_of(store, "b").state, "new");
    assert_int_equal(store_mark_bucket(store, "b", "wontfix", NULL), ERR_OK);
    store_close(store);
    store = opened();
    assert_string_equal(bucket_of(store, "b").state, "wontfix");
    store_close(store);
}

static void many_findings_come_back_in_order(void **state)
{
    struct store *store = opened();
    enum { N = 300 };
    for (uint64_t i = 0; i < N; i++) {
        struct finding_row row = finding(N - i, "t", arena_printf(arena, "b%d", (int)i));
        added(store, &row);
    }
    struct finding_row *rows;
    size_t n;
    assert_int_equal(store_findings(store, arena, &rows, &n), ERR_OK);
    assert_int_equal(n, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(rows[i].test_index, N - i);
    }
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_finding_is_one_row_however_often_added),
        TEST(what_came_since_is_read),
        TEST(buckets_follow_their_findings),
        TEST(a_bucket_is_shown_by_what_was_reduced),
        TEST(a_marked_bucket_stays_so_until_it_is_found_again),
        TEST(findings_that_look_the_same_move),
        TEST(two_buckets_become_one),
        TEST(few_buckets_are_offered),
        TEST(a_store_of_version_1_goes_on),
        TEST(many_findings_come_back_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
