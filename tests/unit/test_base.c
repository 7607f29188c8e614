/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base against published vectors (random streams, hash), and against counting
 * (distributions). Ends of the process are looked at from its parent. Files are in test_file.c.
 */
#include "unit.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* ---- errors ---- */

static void error_keeps_code_and_text(void **state)
{
    assert_int_equal(err_set(ERR_INPUT, "%s:%d: no", "a.txt", 3), ERR_INPUT);
    assert_string_equal(err_text(), "a.txt:3: no");
    assert_string_equal(err_name(ERR_INPUT), "malformed input");
    assert_string_equal(err_name(ERR_OK), "no error");
}

static void error_says_what_errno_said(void **state)
{
    errno = ENOENT;
    assert_int_equal(err_set(ERR_IO, "%s: %m", "f"), ERR_IO);
    assert_string_equal(err_text(), "f: No such file or directory");
    assert_int_equal(errno, ENOENT);
}

static void error_may_wrap_the_last_one(void **state)
{
    assert_int_equal(err_set(ERR_IO, "inner"), ERR_IO);
    assert_int_equal(err_set(ERR_STORE, "outer: %s (%s)", err_text(), err_text()), ERR_STORE);
    assert_string_equal(err_text(), "outer: inner (inner)");
}

static void long_error_is_cut(void **state)
{
    static char text[100000];
    memset(text, 'a', sizeof text - 1);
    assert_int_equal(err_set(ERR_INPUT, "%s", text), ERR_INPUT);
    size_t size = strlen(err_text());
    assert_in_range(size, 500, 10000);
    assert_memory_equal(err_text(), text, size);
}

static void a_message_is_one_line_of_characters(void **state)
{
    assert_int_equal(err_set(ERR_INPUT, "%s", "a\nb\t\033[31m \xff \xc3\xa9 \xc2\x9b \xc3"),
                     ERR_INPUT);
    assert_string_equal(err_text(), "a b  [31m ? \xc3\xa9  ? ?");
}

static void *set_other(void *arg)
{
    return err_set(ERR_USAGE, "of the other thread") == ERR_USAGE ? arg : NULL;
}

static void error_is_the_threads_own(void **state)
{
    assert_int_equal(err_set(ERR_IO, "mine"), ERR_IO);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_other, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(err_text(), "mine");
}

static enum err third_fails(int n, int *reached)
{
    *reached = n;
    return n == 3 ? err_set(ERR_LIMIT, "3") : ERR_OK;
}

static enum err try_all(int *reached)
{
    for (int i = 1; i < 6; i++) {
        TRY(third_fails(i, reached));
    }
    return ERR_OK;
}

static void try_stops_at_the_first_error(void **state)
{
    int reached = 0;
    assert_int_equal(try_all(&reached), ERR_LIMIT);
    assert_int_equal(reached, 3);
}

static void commit_bug(void)
{
    CHECK(1 + 1 == 3);
}

static void bug_names_its_place_and_aborts(void **state)
{
    char text[4096];
    int status = in_child(commit_bug, text, sizeof text);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "test_base.c:"));
    assert_non_null(strstr(text, "1 + 1 == 3"));
}

static void log_at_levels(void)
{
    log_set_level(LOG_WARN);
    log_warn("one %d", 1);
    log_info("two");
    log_set_level(LOG_DEBUG);
    log_debug("three");
    log_set_level(LOG_QUIET);
    log_warn("four");
}

static void log_obeys_its_level(void **state)
{
    char text[4096];
    assert_int_equal(in_child(log_at_levels, text, sizeof text), 0);
    assert_string_equal(text, "opjury: warning: one 1\nopjury: three\n");
}

/* ---- memory ---- */

static void arena_pieces_are_apart_and_aligned(void **state)
{
    enum { N = 3000 };
    static unsigned char *piece[N];
    static size_t size[N];
    struct arena *arena = arena_new();
    struct rng rng = rng_seeded(1);
    size_t total = 0;
    for (int i = 0; i < N; i++) {
        size[i] = (size_t)rng_log_range(&rng, 0, i % 100 == 0 ? 1 << 20 : 5000);
        piece[i] = arena_alloc(arena, size[i]);
        assert_int_equal((uintptr_t)piece[i] % 16, 0);
        memset(piece[i], i, size[i]);
        total += size[i];
    }
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < size[i]; k++) {
            assert_int_equal(piece[i][k], (unsigned char)i);
        }
    }
    assert_true(arena_used(arena) >= total);
    assert_true(arena_used(arena) <= total + N * (size_t)48);
    arena_free(arena);
    arena_free(NULL);
}

/* A child outlives its own resets but not its parent's; ASan tells of what is not given back. */
static void arena_child_ends_with_its_parent(void **state)
{
    (void)state;
    struct arena *parent = arena_new();
    for (int i = 0; i < 3; i++) {
        struct arena *child = arena_child(parent), *grandchild = arena_child(child);
        arena_strdup(grandchild, "of the child");
        arena_reset(child);
        assert_string_equal(arena_strdup(child, "of the parent"), "of the parent");
        arena_child(child);
        if (i == 0) {
            arena_reset(parent);
        }
    }
    arena_free(parent);
}

static void arena_zeroes_also_what_was_used(void **state)
{
    struct arena *arena = arena_new();
    for (int round = 0; round < 2; round++) {
        unsigned char *p = arena_zalloc(arena, 200000);
        for (int i = 0; i < 200000; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 255, 200000);
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
    }
    arena_free(arena);
}

static void arena_texts(void **state)
{
    struct arena *arena = arena_new();
    assert_string_equal(arena_strdup(arena, "abc"), "abc");
    assert_string_equal(arena_strdup(arena, ""), "");
    errno = ENOSPC;
    assert_string_equal(arena_printf(arena, "%d: %m", 7), "7: No space left on device");
    char *wide = arena_printf(arena, "%0300d|", 5); /* longer than what is formatted at once */
    assert_int_equal(strlen(wide), 301);
    assert_memory_equal(wide + 298, "05|", 4);
    int numbers[3] = {1, 2, 3};
    int *copy = arena_copy(arena, numbers, sizeof numbers);
    assert_ptr_not_equal(copy, numbers);
    assert_memory_equal(copy, numbers, sizeof numbers);
    assert_non_null(arena_copy(arena, NULL, 0));
    assert_non_null(ARENA_ARRAY(arena, double, 0));
    arena_free(arena);
}

static void rewind_keeps_what_came_before(void **state)
{
    struct arena *arena = arena_new();
    struct rng rng = rng_seeded(2);
    for (int round = 0; round < 200; round++) {
        size_t before = (size_t)rng_log_range(&rng, 1, 300000);
        unsigned char *kept = arena_alloc(arena, before);
        memset(kept, round, before);
        struct arena_mark mark = arena_mark(arena);
        size_t used = arena_used(arena);
        for (int i = 0; i < 20; i++) {
            size_t n = (size_t)rng_log_range(&rng, 1, 200000);
            memset(arena_alloc(arena, n), 0xee, n);
        }
        arena_rewind(arena, mark);
        assert_int_equal(arena_used(arena), used);
        for (size_t i = 0; i < before; i++) {
            assert_int_equal(kept[i], (unsigned char)round);
        }
        if (round % 10 == 9) {
            arena_reset(arena);
        }
    }
    arena_free(arena);
}

static void rewound_memory_comes_again(void **state)
{
    struct arena *arena = arena_new();
    struct arena_mark mark = arena_mark(arena);
    void *first = arena_alloc(arena, 100);
    arena_alloc(arena, 1 << 20);
    arena_rewind(arena, mark);
    assert_ptr_equal(arena_alloc(arena, 100), first);
    arena_free(arena);
}

/* Whatever the order of sizes, an arena that is reset needs no more than a few times its largest
 * round. */
static void reset_arena_does_not_grow(void **state)
{
#ifndef UNDER_ASAN
    struct arena *arena = arena_new();
    struct rng rng = rng_seeded(3);
    size_t start = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int round = 0; round < 2000; round++) {
        arena_reset(arena);
        int64_t big = rng_range(&rng, 0, 30);
        for (int i = 0; i < 30; i++) {
            arena_alloc(arena, i == big ? 8 << 20 : (size_t)rng_range(&rng, 1, 50000));
        }
    }
    assert_in_range(mallinfo2().uordblks + mallinfo2().hblkhd - start, 0, 24 << 20);
    arena_free(arena);
#endif
}

static void trimmed_arena_gives_back(void **state)
{
#ifndef UNDER_ASAN
    struct arena *arena = arena_new();
    size_t start = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < 100; i++) {
        memset(arena_alloc(arena, 100000), i, 100000);
    }
    arena_reset(arena);
    arena_trim(arena, 1 << 20);
    assert_in_range(mallinfo2().uordblks + mallinfo2().hblkhd - start, 0, 1 << 20);
    for (int i = 0; i < 100; i++) {
        memset(arena_alloc(arena, 100000), i, 100000);
    }
    arena_free(arena);
#endif
}

static void dead_memory_is_poisoned(void **state)
{
#ifdef UNDER_ASAN
    struct arena *arena = arena_new();
    struct arena_mark mark = arena_mark(arena);
    char *p = arena_alloc(arena, 20);
    assert_false(__asan_address_is_poisoned(p + 19));
    assert_true(__asan_address_is_poisoned(p + 20));
    char *q = arena_alloc(arena, 1 << 20);
    arena_rewind(arena, mark);
    assert_true(__asan_address_is_poisoned(p));
    assert_true(__asan_address_is_poisoned(q + 5000));
    arena_free(arena);
#endif
}

static void want_too_much(void)
{
    struct arena *arena = arena_new();
    volatile size_t size = SIZE_MAX / 2;
    arena_alloc(arena, size);
}

static void out_of_memory_ends_with_a_message(void **state)
{
    char text[4096];
    int status = in_child(want_too_much, text, sizeof text);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    assert_non_null(strstr(text, "out of memory"));
}

static void heap_helpers(void **state)
{
    unsigned char *p = xcalloc(10, 3);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(p[i], 0);
    }
    p[29] = 9;
    p = xrealloc(p, 3000);
    assert_int_equal(p[29], 9);
    free(p);
    free(xmalloc(0));
    char *text = xstrdup("text");
    assert_string_equal(text, "text");
    free(text);
}

/* ---- buffer ---- */

static void buffer_grows_and_stays_a_string(void **state)
{
    struct buffer buffer = BUFFER_INIT;
    for (int i = 0; i < 5000; i++) {
        buffer_printf(&buffer, "%d,", i);
        buffer_puts(&buffer, "x");
        assert_int_equal(strlen(buffer.data), buffer.size);
    }
    const char *at = buffer.data;
    for (int i = 0; i < 5000; i++) {
        char expected[32];
        int n = snprintf(expected, sizeof expected, "%d,x", i);
        assert_memory_equal(at, expected, (size_t)n);
        at += n;
    }
    buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_string_equal(buffer.data, "");
    buffer_append(&buffer, NULL, 0);
    buffer_append(&buffer, "a\0b", 3);
    assert_int_equal(buffer.size, 3);
    assert_memory_equal(buffer.data, "a\0b", 4);
    buffer_release(&buffer);
    assert_null(buffer.data);
    buffer_clear(&buffer);
}

static void buffer_formats_long_lines(void **state)
{
    struct buffer buffer = BUFFER_INIT;
    errno = ENOENT;
    buffer_printf(&buffer, "%0*d %m", 10000, 1);
    assert_int_equal(buffer.size, 10000 + strlen(" No such file or directory"));
    assert_string_equal(buffer.data + 9999, "1 No such file or directory");
    buffer_release(&buffer);
}

static void detached_bytes_are_the_callers(void **state)
{
    struct buffer buffer = BUFFER_INIT;
    size_t size = 9;
    char *data = buffer_detach(&buffer, &size);
    assert_string_equal(data, "");
    assert_int_equal(size, 0);
    free(data);
    buffer_puts(&buffer, "given");
    data = buffer_detach(&buffer, NULL);
    assert_string_equal(data, "given");
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
    free(data);
}

/* ---- random streams ---- */

static void streams_follow_the_published_vectors(void **state)
{
    /* splitmix64 from 1234567 and xoshiro256** from {1, 2, 3, 4}, as their authors' code gives. */
    struct rng seeded = rng_seeded(1234567);
    assert_true(seeded.s[0] == UINT64_C(6457827717110365317));
    assert_true(seeded.s[1] == UINT64_C(3203168211198807973));
    assert_true(seeded.s[2] == UINT64_C(9817491932198370423));
    assert_true(seeded.s[3] == UINT64_C(4593380528125082431));
    struct rng rng = {.s = {1, 2, 3, 4}};
    static const uint64_t expected[] = {UINT64_C(11520),
                                        UINT64_C(0),
                                        UINT64_C(1509978240),
                                        UINT64_C(1215971899390074240),
                                        UINT64_C(1216172134540287360),
                                        UINT64_C(607988272756665600),
                                        UINT64_C(16172922978634559625),
                                        UINT64_C(8476171486693032832)};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_true(rng_next(&rng) == expected[i]);
    }
}

/* Pearson's statistic of n counts that should be equal is below its mean by 6 deviations. */
static void assert_even(const uint32_t *count, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        total += count[i];
    }
    double expected = total / (double)n, statistic = 0;
    for (size_t i = 0; i < n; i++) {
        statistic += (count[i] - expected) * (count[i] - expected) / expected;
    }
    assert_true(statistic < (double)(n - 1) + 6 * sqrt(2.0 * (double)(n - 1)));
}

static void below_is_even(void **state)
{
    static const uint64_t sizes[] = {2, 3, 7, 10, 100, 999};
    struct rng rng = rng_seeded(4);
    for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
        uint32_t count[1000] = {0};
        for (int i = 0; i < 200000; i++) {
            uint64_t x = rng_below(&rng, sizes[k]);
            assert_true(x < sizes[k]);
            count[x]++;
        }
        assert_even(count, (size_t)sizes[k]);
    }
    assert_int_equal(rng_below(&rng, 1), 0);
    /* 3 * 2^62: the high word of a product alone would give each third result twice. */
    uint32_t third[3] = {0};
    for (int i = 0; i < 90000; i++) {
        third[rng_below(&rng, UINT64_C(3) << 62) % 3]++;
    }
    assert_even(third, 3);
}

static void range_reaches_both_ends(void **state)
{
    struct rng rng = rng_seeded(5);
    uint32_t count[7] = {0};
    for (int i = 0; i < 70000; i++) {
        count[rng_range(&rng, -3, 3) + 3]++;
    }
    assert_even(count, 7);
    assert_int_equal(rng_range(&rng, 5, 5), 5);
    assert_true(rng_range(&rng, INT64_MAX, INT64_MAX) == INT64_MAX);
    uint32_t sign[2] = {0};
    for (int i = 0; i < 10000; i++) {
        sign[rng_range(&rng, INT64_MIN, INT64_MAX) < 0]++;
    }
    assert_even(sign, 2);
}

static void chance_and_unit(void **state)
{
    struct rng rng = rng_seeded(6);
    int hits = 0;
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        hits += rng_chance(&rng, 3, 10);
        assert_false(rng_chance(&rng, 0, 10));
        assert_true(rng_chance(&rng, 10, 10));
        double u = rng_unit(&rng);
        assert_true(0 <= u && u < 1);
        sum += u;
    }
    assert_in_range(hits, 29000, 31000);
    assert_true(fabs(sum / 100000 - 0.5) < 0.01);
}

static void log_range_is_even_over_lengths(void **state)
{
    struct rng rng = rng_seeded(7);
    uint32_t count[11] = {0};
    for (int i = 0; i < 110000; i++) {
        int64_t x = rng_log_range(&rng, 0, 1023);
        assert_in_range(x, 0, 1023);
        count[x ? 64 - __builtin_clzll((uint64_t)x) : 0]++;
    }
    assert_even(count, 11);
    uint32_t half[2] = {0};
    for (int i = 0; i < 10000; i++) {
        int64_t x = rng_log_range(&rng, 5, 9); /* lengths 3: 5..7, 4: 8..9 */
        assert_in_range(x, 5, 9);
        half[x >= 8]++;
    }
    assert_even(half, 2);
    assert_int_equal(rng_log_range(&rng, 0, 0), 0);
    assert_true(rng_log_range(&rng, INT64_MAX, INT64_MAX) == INT64_MAX);
}

static void weights_are_obeyed(void **state)
{
    struct rng rng = rng_seeded(8);
    const uint32_t weights[] = {0, 1, 0, 3, UINT32_MAX, 0};
    for (int i = 0; i < 1000; i++) {
        size_t drawn = rng_weighted(&rng, weights, ARRAY_SIZE(weights));
        assert_true(drawn < ARRAY_SIZE(weights) && weights[drawn] > 0);
    }
    const uint32_t quarter[] = {1, 3};
    int ones = 0;
    for (int i = 0; i < 40000; i++) {
        ones += rng_weighted(&rng, quarter, 2) == 1;
    }
    assert_in_range(ones, 29400, 30600);
    const uint32_t none[] = {0, 0};
    assert_int_equal(rng_weighted(&rng, none, 2), 2);
    assert_int_equal(rng_weighted(&rng, NULL, 0), 0);
}

static void shuffle_is_even_over_orders(void **state)
{
    struct rng rng = rng_seeded(9);
    uint32_t count[27] = {0}, orders[6];
    for (int i = 0; i < 60000; i++) {
        uint32_t items[3] = {0, 1, 2};
        rng_shuffle(&rng, items, 3);
        assert_int_equal(1u << items[0] | 1u << items[1] | 1u << items[2], 7);
        count[items[0] * 9 + items[1] * 3 + items[2]]++;
    }
    size_t n = 0;
    for (size_t i = 0; i < 27; i++) {
        if (count[i]) {
            assert_true(n < 6);
            orders[n++] = count[i];
        }
    }
    assert_int_equal(n, 6);
    assert_even(orders, 6);
}

static void split_streams_are_their_own(void **state)
{
    enum { N = 2000 };
    struct rng parent = rng_seeded(10);
    const struct rng before = parent;
    static uint64_t first[N];
    for (uint64_t label = 0; label < N; label++) {
        struct rng child = rng_split(&parent, label);
        struct rng again = rng_split(&parent, label);
        assert_memory_equal(&child, &again, sizeof child);
        first[label] = rng_next(&child);
    }
    assert_memory_equal(&parent, &before, sizeof parent);
    /* Neighbouring labels differ in half of the bits, in every place. */
    uint32_t ones[64] = {0};
    for (size_t i = 1; i < N; i++) {
        for (int bit = 0; bit < 64; bit++) {
            ones[bit] += (uint32_t)((first[i] ^ first[i - 1]) >> bit & 1);
        }
    }
    for (int bit = 0; bit < 64; bit++) {
        assert_in_range(ones[bit], N / 2 - 6 * 23, N / 2 + 6 * 23); /* 6 deviations */
    }
    /* It is a function of the state, not of the seed. */
    struct rng here = rng_split(&parent, 1);
    rng_next(&parent);
    struct rng there = rng_split(&parent, 1);
    assert_memory_not_equal(&here, &there, sizeof here);
}

/* ---- hash ---- */

static void hash_is_xxh3(void **state)
{
    assert_true(hash_bytes("", 0, 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash_text("abc", 5) == hash_bytes("abcd", 3, 5));
    assert_true(hash_text("abc", 5) != hash_text("abc", 6));
    assert_true(hash_text("abc", 5) != hash_text("abd", 5));
    assert_true(hash_mix(1, 2) != hash_mix(2, 1));
    assert_true(hash_mix(1, 2) == hash_mix(1, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_keeps_code_and_text),
        cmocka_unit_test(error_says_what_errno_said),
        cmocka_unit_test(error_may_wrap_the_last_one),
        cmocka_unit_test(long_error_is_cut),
        cmocka_unit_test(a_message_is_one_line_of_characters),
        cmocka_unit_test(error_is_the_threads_own),
        cmocka_unit_test(try_stops_at_the_first_error),
        cmocka_unit_test(bug_names_its_place_and_aborts),
        cmocka_unit_test(log_obeys_its_level),
        cmocka_unit_test(arena_pieces_are_apart_and_aligned),
        cmocka_unit_test(arena_child_ends_with_its_parent),
        cmocka_unit_test(arena_zeroes_also_what_was_used),
        cmocka_unit_test(arena_texts),
        cmocka_unit_test(rewind_keeps_what_came_before),
        cmocka_unit_test(rewound_memory_comes_again),
        cmocka_unit_test(reset_arena_does_not_grow),
        cmocka_unit_test(trimmed_arena_gives_back),
        cmocka_unit_test(dead_memory_is_poisoned),
        cmocka_unit_test(out_of_memory_ends_with_a_message),
        cmocka_unit_test(heap_helpers),
        cmocka_unit_test(buffer_grows_and_stays_a_string),
        cmocka_unit_test(buffer_formats_long_lines),
        cmocka_unit_test(detached_bytes_are_the_callers),
        cmocka_unit_test(streams_follow_the_published_vectors),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(range_reaches_both_ends),
        cmocka_unit_test(chance_and_unit),
        cmocka_unit_test(log_range_is_even_over_lengths),
        cmocka_unit_test(weights_are_obeyed),
        cmocka_unit_test(shuffle_is_even_over_orders),
        cmocka_unit_test(split_streams_are_their_own),
        cmocka_unit_test(hash_is_xxh3),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
