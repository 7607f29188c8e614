/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: what is committed stays, every index is counted exactly once whoever dies when, and
 * each kind of trouble is one line that names the file.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>

#include "store_fixture.h"

static void assert_says(enum err e, enum err expected, const char *part)
{
    assert_int_equal(e, expected);
    if (strstr(err_text(), part) == NULL || strchr(err_text(), '\n') != NULL) {
        fail_msg("'%s' should have '%s' in one line", err_text(), part);
    }
}

static const struct campaign_key key_seven = {
    .seed = UINT64_MAX - 7,
    .targets = "onnxruntime:opt=all 1.31.1\ntorch 2.13.0\n",
    .policy = "nodes = 8\n",
    .policy_hash = 0xfedcba9876543210,
};

/* ---- settings and policies ---- */

static void settings_are_kept_and_compared(void **state)
{
    struct store *store = opened();
    struct campaign_key key;
    bool bound = true;
    assert_int_equal(store_key(store, arena, &key, &bound), ERR_OK);
    assert_false(bound);
    assert_int_equal(store_bind(store, &key_seven), ERR_OK);
    store_close(store);

    store = opened();
    assert_int_equal(store_bind(store, &key_seven), ERR_OK);
    assert_int_equal(store_key(store, arena, &key, &bound), ERR_OK);
    assert_true(bound);
    assert_true(key.seed == key_seven.seed && key.policy_hash == key_seven.policy_hash);
    assert_string_equal(key.targets, key_seven.targets);
    assert_string_equal(key.policy, key_seven.policy);

    key = key_seven;
    key.seed = 8;
    assert_says(store_bind(store, &key), ERR_USAGE, "has seed 18446744073709551608, not 8");
    key = key_seven;
    key.targets = "torch 2.13.0\n";
    assert_says(store_bind(store, &key), ERR_USAGE,
                "has targets onnxruntime:opt=all 1.31.1, torch 2.13.0, not torch 2.13.0;");
    key = key_seven;
    key.policy_hash = 1;
    assert_says(store_bind(store, &key), ERR_USAGE,
                "has policy fedcba9876543210, not 0000000000000001");
    store_close(store);
}

static void first_policy_of_an_epoch_stays(void **state)
{
    struct store *one = opened();
    struct store *two = opened();
    const char *policy = "";
    assert_int_equal(store_policy(one, 3, NULL, arena, &policy), ERR_OK);
    assert_null(policy);
    assert_int_equal(store_policy(one, 3, "first", arena, &policy), ERR_OK);
    assert_string_equal(policy, "first");
    assert_int_equal(store_policy(two, 3, "second", arena, &policy), ERR_OK);
    assert_string_equal(policy, "first");
    assert_int_equal(store_policy(two, 4, "second", arena, &policy), ERR_OK);
    assert_string_equal(policy, "second");
    store_close(one);
    store_close(two);
}

/* ---- one process at a time ---- */

/* Whether another process may enter: a child that waits is killed. */
static bool may_enter(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *store = NULL;
        alarm(1);
        _exit(store_open(dir, false, &store) == ERR_OK && store_enter(store) == ERR_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void one_process_is_in_at_a_time(void **state)
{
    struct store *store = opened();
    for (int i = 0; i < 2; i++) { /* the child that was in has died there */
        assert_true(may_enter());
        assert_int_equal(store_enter(store), ERR_OK);
        assert_false(may_enter());
        store_leave(store);
    }
    store_close(store);
}

/* ---- blocks ---- */

static struct block claimed(struct store *store, uint64_t tests)
{
    struct block block = {0};
    bool got = false;
    assert_int_equal(store_claim(store, tests, &block, &got), ERR_OK);
    assert_true(got);
    return block;
}

static void assert_no_block(struct store *store, uint64_t tests)
{
    struct block block;
    bool got = true;
    assert_int_equal(store_claim(store, tests, &block, &got), ERR_OK);
    assert_false(got);
}

static void assert_block(struct block block, uint64_t number, uint64_t first, uint64_t end)
{
    assert_int_equal(block.number, number);
    assert_int_equal(block.first, first);
    assert_int_equal(block.end, end);
}

static void blocks_come_in_order_and_end(void **state)
{
    struct store *store = opened();
    struct block block = claimed(store, 600);
    assert_block(block, 0, 0, 256);
    assert_int_equal(store_commit(store, &block, 256, "{}"), ERR_OK);
    block = claimed(store, 600);
    assert_block(block, 1, 256, 512);
    assert_int_equal(store_commit(store, &block, 512, "{}"), ERR_OK);
    block = claimed(store, 600);
    assert_block(block, 2, 512, 600);
    assert_int_equal(store_commit(store, &block, 600, "{}"), ERR_OK);
    assert_no_block(store, 600);

    /* A larger total goes on where the smaller one ended; none has no end. */
    block = claimed(store, 601);
    assert_block(block, 2, 600, 601);
    assert_int_equal(store_commit(store, &block, 601, "{}"), ERR_OK);
    assert_no_block(store, 601);
    assert_block(claimed(store, 0), 2, 601, 768);
    assert_block(claimed(store, 0), 3, 768, 1024);
    store_close(store);
}

static void a_part_of_a_block_is_left_for_later(void **state)
{
    struct store *store = opened();
    struct block block = claimed(store, 0);
    assert_int_equal(store_commit(store, &block, 100, "{}"), ERR_OK);
    struct block rest = claimed(store, 0);
    assert_block(rest, 0, 100, 256);
    /* The old claim is over: counting it again would count tests twice. */
    assert_says(store_commit(store, &block, 256, "{\"tests\": 256}"), ERR_STORE, "not ours");
    assert_int_equal(store_commit(store, &rest, 100, "{}"), ERR_OK); /* nothing done is fine */
    uint64_t tests;
    const char *counts;
    assert_int_equal(store_totals(store, arena, &counts, &tests), ERR_OK);
    assert_int_equal(tests, 100);
    assert_string_equal(counts, "{}");
    store_close(store);
}

static void counts_add_up(void **state)
{
    struct store *store = opened();
    uint64_t tests = 1;
    const char *counts;
    assert_int_equal(store_totals(store, arena, &counts, &tests), ERR_OK);
    assert_string_equal(counts, "{}");
    assert_int_equal(tests, 0);

    static const char *const parts[] = {
        "{\"runs\": 9007199254740993, \"cpu\": 0.5, \"verdicts\": {\"pass\": 3}}",
        "{\"cpu\": 1, \"verdicts\": {\"finding\": 1, \"pass\": 4}, \"filters\": {\"slow\": 2}}",
        "{}",
        "{\"filters\": {}, \"runs\": 1}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        struct block block = claimed(store, 0);
        assert_int_equal(store_commit(store, &block, block.end, parts[i]), ERR_OK);
    }
    assert_int_equal(store_totals(store, arena, &counts, &tests), ERR_OK);
    assert_int_equal(tests, 1024);
    assert_string_equal(counts, "{\"cpu\":1.5,\"filters\":{\"slow\":2},\"runs\":9007199254740994,"
                                "\"verdicts\":{\"finding\":1,\"pass\":7}}");
    store_close(store);
}

/* ---- several processes ---- */

/* Run `body` in a child: cmocka's longjmp must not leave it. */
static pid_t in_child(void (*body)(void *), void *argument)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body(argument);
        _exit(0);
    }
    return pid;
}

#define CHILD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "child: %s: %s\n", #condition, err_text());                            \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static int ended(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* How often each index was committed; shared with the children. */
enum { N_TESTS = 20000, SPARE = 256 };
struct tally {
    uint32_t ran[N_TESTS + SPARE];
};

static struct tally *tally_new(void)
{
    struct tally *tally =
        mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(tally != MAP_FAILED);
    return tally;
}

static void work_to_the_end(void *argument)
{
    struct tally *tally = argument;
    struct store *store;
    CHILD_CHECK(store_open(dir, true, &store) == ERR_OK);
    CHILD_CHECK(store_bind(store, &key_seven) == ERR_OK);
    for (unsigned round = 0;; round++) {
        struct block block;
        bool got;
        CHILD_CHECK(store_claim(store, N_TESTS, &block, &got) == ERR_OK);
        if (!got) {
            break;
        }
        /* Every third block is given back half done. */
        uint64_t done = round % 3 == 2 ? (block.first + block.end) / 2 : block.end;
        for (uint64_t i = block.first; i < done; i++) {
            __atomic_fetch_add(&tally->ran[i], 1, __ATOMIC_RELAXED);
        }
        char counts[64];
        snprintf(counts, sizeof(counts), "{\"runs\": %" PRIu64 "}", done - block.first);
        CHILD_CHECK(store_commit(store, &block, done, counts) == ERR_OK);
    }
    store_close(store);
}

static uint64_t runs_of(const char *counts)
{
    json_t *json = json_loads(counts, 0, NULL);
    uint64_t runs = (uint64_t)json_integer_value(json_object_get(json, "runs"));
    json_decref(json);
    return runs;
}

static void two_processes_run_every_index_once(void **state)
{
    struct tally *tally = tally_new();
    pid_t pids[3]; /* and a third, for the race to make the file */
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        pids[i] = in_child(work_to_the_end, tally);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        assert_int_equal(ended(pids[i]), 0);
    }
    for (size_t i = 0; i < N_TESTS + SPARE; i++) {
        assert_int_equal(tally->ran[i], i < N_TESTS);
    }
    struct store *store = opened();
    const char *counts;
    uint64_t tests;
    assert_int_equal(store_totals(store, arena, &counts, &tests), ERR_OK);
    assert_int_equal(tests, N_TESTS);
    assert_int_equal(runs_of(counts), N_TESTS);
    store_close(store);
    munmap(tally, sizeof(*tally));
}

/* All who open a new file try at once to change its journal: what SQLite refuses without waiting.
 */
enum { N_OPENERS = 3, N_OPENINGS = 200 };

static void set_first_journal(void)
{
    struct buffer path = BUFFER_INIT;
    sqlite3 *db;
    buffer_printf(&path, "%s/campaign.db", dir);
    CHILD_CHECK(sqlite3_open(path.data, &db) == SQLITE_OK);
    CHILD_CHECK(sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK);
    CHILD_CHECK(sqlite3_close(db) == SQLITE_OK);
    buffer_release(&path);
}

/* Shared with the children: how often one came to a meeting, was refused, is the first of all. */
struct openers {
    unsigned come, refused, first;
};

static void meet(struct openers *openers, unsigned *meetings)
{
    ++*meetings;
    __atomic_fetch_add(&openers->come, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&openers->come, __ATOMIC_SEQ_CST) < *meetings * N_OPENERS) {
        sched_yield();
    }
}

static void open_with_the_others(void *argument)
{
    struct openers *openers = argument;
    bool first = __atomic_fetch_add(&openers->first, 1, __ATOMIC_SEQ_CST) == 0;
    unsigned meetings = 0;
    for (int i = 0; i < N_OPENINGS; i++) {
        if (first) {
            set_first_journal();
        }
        meet(openers, &meetings);
        struct store *store;
        if (store_open(dir, true, &store) == ERR_OK) {
            store_close(store);
        } else {
            __atomic_fetch_add(&openers->refused, 1, __ATOMIC_SEQ_CST);
        }
        meet(openers, &meetings);
    }
}

static void a_new_file_is_opened_by_all_at_once(void **state)
{
    struct openers *openers =
        mmap(NULL, sizeof(*openers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(openers != MAP_FAILED);
    store_close(opened());
    pid_t pids[N_OPENERS];
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        pids[i] = in_child(open_with_the_others, openers);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        assert_int_equal(ended(pids[i]), 0);
    }
    assert_int_equal(openers->refused, 0);
    munmap(openers, sizeof(*openers));
}

/* One finding a test, announced in shared memory once the store has said it is stored. */
struct progress {
    uint64_t findings; /* stored, by all processes so far */
    uint64_t tests;    /* committed */
};

static void work_until_killed(void *argument)
{
    struct progress *progress = argument;
    struct store *store;
    CHILD_CHECK(store_open(dir, true, &store) == ERR_OK);
    CHILD_CHECK(store_bind(store, &key_seven) == ERR_OK);
    for (;;) {
        struct block block;
        bool got;
        CHILD_CHECK(store_claim(store, 0, &block, &got) == ERR_OK && got);
        for (uint64_t i = block.first; i < block.end; i += 32) {
            struct finding_row row = {
                .test_index = i, .target = "t", .oracle = "value", .state = "new", .bucket = "b"};
            uint64_t id;
            CHILD_CHECK(store_add_finding(store, &row, &id) == ERR_OK);
            __atomic_store_n(&progress->findings, id, __ATOMIC_SEQ_CST);
        }
        char counts[64];
        snprintf(counts, sizeof(counts), "{\"runs\": %" PRIu64 "}", block.end - block.first);
        CHILD_CHECK(store_commit(store, &block, block.end, counts) == ERR_OK);
        __atomic_store_n(&progress->tests, block.end, __ATOMIC_SEQ_CST);
    }
}

static void kill_at_any_moment_loses_nothing(void **state)
{
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(progress != MAP_FAILED);
    struct rng rng = rng_seeded(1);
    for (int round = 0; round < 50; round++) {
        pid_t pid = in_child(work_until_killed, progress);
        usleep((useconds_t)rng_below(&rng, 30000));
        kill(pid, SIGKILL);
        /* Not waited for on odd rounds: a dead claimer that nobody has reaped is dead too. */
        if (round % 2 == 0) {
            assert_int_equal(ended(pid), SIGKILL);
        } else {
            siginfo_t info;
            assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        }
        struct store *store = opened();
        struct finding_row *rows;
        size_t n;
        const char *counts;
        uint64_t tests;
        assert_int_equal(store_findings(store, arena, &rows, &n), ERR_OK);
        assert_true(n >= progress->findings);
        assert_int_equal(store_totals(store, arena, &counts, &tests), ERR_OK);
        assert_true(tests >= progress->tests && tests % BLOCK_TESTS == 0);
        assert_int_equal(runs_of(counts), tests);
        /* The block that was being run is free again, from its start. */
        assert_block(claimed(store, 0), tests / BLOCK_TESTS, tests, tests + BLOCK_TESTS);
        sql("UPDATE blocks SET claimer = NULL"); /* we are alive: give it back */
        store_close(store);
        if (round % 2 != 0) {
            assert_int_equal(ended(pid), SIGKILL);
        }
    }
    assert_true(progress->tests > 0 && progress->findings > 0);
    munmap(progress, sizeof(*progress));
}

static void claims_of_the_living_are_kept(void **state)
{
    struct store *store = opened();
    assert_int_equal(claimed(store, 0).number, 0);
    sql(arena_printf(arena, "INSERT INTO blocks VALUES (1, 7, '%d 1 another-start')", getpid()));
    sql("INSERT INTO blocks VALUES (2, 9, 'what is this')");
    assert_block(claimed(store, 0), 1, 256 + 7, 512); /* the pid was used again */
    assert_block(claimed(store, 0), 2, 512 + 9, 768);
    assert_int_equal(claimed(store, 0).number, 3);
    store_close(store);
}

/* ---- trouble ---- */

static void missing_is_said(void **state)
{
    struct store *store = NULL;
    assert_says(store_open(dir, false, &store), ERR_MISSING, "holds no campaign");
    assert_says(store_open(in_dir("none"), false, &store), ERR_MISSING, "holds no campaign");
    assert_false(file_exists(in_dir("none")));
    assert_null(store);
    /* A folder that is not there is made. */
    assert_int_equal(store_open(in_dir("a/b"), true, &store), ERR_OK);
    store_close(store);
    assert_int_equal(store_open(in_dir("a/b"), false, &store), ERR_OK);
    store_close(store);
}

static void other_files_stay_as_they_are(void **state)
{
    static const char text[] = "Dear diary,\nthis is not a data base at all.\n";
    struct store *store = NULL;
    const char *path = in_dir("campaign.db");
    assert_int_equal(file_write(path, text, sizeof(text)), ERR_OK);
    assert_says(store_open(dir, true, &store), ERR_STORE, "damaged or not a campaign");
    struct buffer now = BUFFER_INIT;
    assert_int_equal(file_read(path, 0, &now), ERR_OK);
    assert_int_equal(now.size, sizeof(text));
    assert_memory_equal(now.data, text, sizeof(text));
    buffer_release(&now);

    assert_int_equal(unlink(path), 0);
    sql("CREATE TABLE recipes (name TEXT)");
    assert_says(store_open(dir, true, &store), ERR_STORE, "not a campaign of opjury");
    assert_int_equal(unlink(path), 0);
    store_close(opened());
    sql("PRAGMA user_version = 99");
    assert_says(store_open(dir, true, &store), ERR_STORE, "schema version 99");
    assert_null(store);
}

/* Bytes of the file are changed one page at a time: no crash, and each call ends with one line. */
static void damage_is_said_not_hidden(void **state)
{
    struct store *store = opened();
    assert_int_equal(store_bind(store, &key_seven), ERR_OK);
    for (uint64_t i = 0; i < 40; i++) {
        struct finding_row row = finding(i, "t", "b");
        added(store, &row);
    }
    store_close(store);
    struct buffer good = BUFFER_INIT;
    assert_int_equal(file_read(in_dir("campaign.db"), 0, &good), ERR_OK);
    int n_failed = 0;
    for (size_t page = 0; page < good.size; page += 4096) {
        struct buffer bad = BUFFER_INIT;
        buffer_append(&bad, good.data, good.size);
        memset(bad.data + page, 0xa5, 200);
        assert_int_equal(file_write(in_dir("campaign.db"), bad.data, bad.size), ERR_OK);
        buffer_release(&bad);
        struct finding_row *rows;
        struct bucket_row *buckets;
        size_t n;
        store = NULL;
        enum err e = store_open(dir, true, &store);
        e = e != ERR_OK ? e : store_bind(store, &key_seven);
        e = e != ERR_OK ? e : store_findings(store, arena, &rows, &n);
        e = e != ERR_OK ? e : store_buckets(store, arena, &buckets, &n);
        if (e != ERR_OK) {
            n_failed++;
            assert_says(e, ERR_STORE, "campaign.db: ");
        }
        store_close(store);
    }
    assert_true(n_failed >= 3);
    buffer_release(&good);
}

static void open_as_nobody(void *argument)
{
    if (geteuid() == 0) { /* permissions do not bind root */
        CHILD_CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    }
    struct store *store;
    enum err e = store_open(argument, true, &store);
    CHILD_CHECK(e == ERR_STORE || e == ERR_IO);
    CHILD_CHECK(strstr(err_text(), dir) != NULL && strchr(err_text(), '\n') == NULL);
}

static void a_read_only_folder_is_said(void **state)
{
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(ended(in_child(open_as_nobody, dir)), 0);
    assert_int_equal(ended(in_child(open_as_nobody, (void *)(uintptr_t)in_dir("new"))), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    store_close(opened());
    assert_int_equal(chmod(in_dir("campaign.db"), 0444), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(ended(in_child(open_as_nobody, dir)), 0);
}

/* RLIMIT_FSIZE stands for a full disk: writes beyond it fail, what is below stays writable. */
static void fill_the_disk(void *argument)
{
    uint64_t *stored = argument;
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    struct store *store;
    CHILD_CHECK(store_open(dir, true, &store) == ERR_OK);
    enum err e = ERR_OK;
    for (uint64_t i = 0; i < 10000 && e == ERR_OK; i++) {
        struct finding_row row = finding(i, "t", "b");
        uint64_t id;
        e = store_add_finding(store, &row, &id);
        if (e == ERR_OK) {
            *stored = id;
        }
    }
    CHILD_CHECK(e == ERR_STORE && strstr(err_text(), "what is stored is kept") != NULL &&
                strchr(err_text(), '\n') == NULL);
    store_close(store);
}

static void a_full_disk_loses_nothing(void **state)
{
    uint64_t *stored =
        mmap(NULL, sizeof(*stored), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(stored != MAP_FAILED);
    assert_int_equal(ended(in_child(fill_the_disk, stored)), 0);
    assert_true(*stored > 20);
    struct store *store = opened();
    struct finding_row *rows;
    size_t n;
    assert_int_equal(store_findings(store, arena, &rows, &n), ERR_OK);
    assert_int_equal(n, *stored);
    struct finding_row row = finding(20000, "t", "b"); /* and there is room again */
    added(store, &row);
    store_close(store);
    munmap(stored, sizeof(*stored));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settings_are_kept_and_compared),
        TEST(first_policy_of_an_epoch_stays),
        TEST(one_process_is_in_at_a_time),
        TEST(blocks_come_in_order_and_end),
        TEST(a_part_of_a_block_is_left_for_later),
        TEST(counts_add_up),
        TEST(two_processes_run_every_index_once),
        TEST(a_new_file_is_opened_by_all_at_once),
        TEST(kill_at_any_moment_loses_nothing),
        TEST(claims_of_the_living_are_kept),
        TEST(missing_is_said),
        TEST(other_files_stay_as_they_are),
        TEST(damage_is_said_not_hidden),
        TEST(a_read_only_folder_is_said),
        TEST(a_full_disk_loses_nothing),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
