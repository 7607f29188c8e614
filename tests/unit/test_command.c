/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of option values take what they say and nothing else. */
#include "command.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_usage(enum err e, const char *text)
{
    if (e != ERR_USAGE || strstr(err_text(), "--x takes a ") == NULL) {
        fail_msg("'%s' gave %d, %s", text, (int)e, err_text());
    }
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"10", 10},
        {"0x1f", 31},
        {"0XFF", 255},
        {"010", 10},
        {"18446744073709551615", UINT64_MAX},
        {"0xffffffffffffffff", UINT64_MAX},
    };
    static const char *const bad[] = {
        "",    "-1", "+1", " 1", "1 ",  "1.0", "1e3",
        "ten", "0x", "1x", "--", "0xg", "1,",  "18446744073709551616",
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        uint64_t v = 1234;
        assert_int_equal(parse_u64("--x", good[i].text, &v), ERR_OK);
        assert_true(v == good[i].value);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint64_t v = 1234;
        assert_usage(parse_u64("--x", bad[i], &v), bad[i]);
        assert_int_equal(v, 1234);
    }
}

static void numbers_in_a_range(void **state)
{
    uint64_t v = 0;
    assert_int_equal(parse_u64_range("--x", "3", 3, 5, &v), ERR_OK);
    assert_int_equal(parse_u64_range("--x", "5", 3, 5, &v), ERR_OK);
    assert_int_equal(v, 5);
    assert_usage(parse_u64_range("--x", "2", 3, 5, &v), "2");
    assert_usage(parse_u64_range("--x", "6", 3, 5, &v), "6");
    assert_non_null(strstr(err_text(), "from 3 to 5, not '6'"));
    assert_usage(parse_u64_range("--x", "four", 3, 5, &v), "four");
    assert_int_equal(v, 5);
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"90", 90},    {"60s", 60},   {"10m", 600}, {"2h", 7200},
                {"1d", 86400}, {"0.5s", 0.5}, {"0", 0},     {"1.5h", 5400}};
    static const char *const bad[] = {"",    "s",   "-1s", "1 s",  "1w",
                                      "1ms", "1s1", "inf", "0x10", "nan"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        double v = -1;
        assert_int_equal(parse_duration("--x", good[i].text, &v), ERR_OK);
        assert_true(v == good[i].seconds);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        double v = -1;
        assert_usage(parse_duration("--x", bad[i], &v), bad[i]);
        assert_true(v == -1);
    }
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"4096", 4096},  {"64k", 65536},
                {"64K", 65536},  {"2M", 2 << 20},
                {"1G", 1 << 30}, {"1t", (uint64_t)1 << 40},
                {"0", 0},        {"16777215T", 16777215ull << 40}};
    static const char *const bad[] = {"",     "k",         "-1",  "1kb", "1 k",
                                      "1.5k", "16777216T", "1e9", "1p"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        uint64_t v = 1;
        assert_int_equal(parse_size("--x", good[i].text, &v), ERR_OK);
        assert_true(v == good[i].bytes);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint64_t v = 1;
        assert_usage(parse_size("--x", bad[i], &v), bad[i]);
        assert_int_equal(v, 1);
    }
}

static void texts_keep_their_order(void **state)
{
    struct arena *arena = arena_new();
    struct texts texts = {0};
    for (int i = 0; i < 100; i++) {
        texts_add(&texts, arena_printf(arena, "%d", i), arena);
    }
    assert_int_equal(texts.n, 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(atoi(texts.items[i]), i);
    }
    arena_free(arena);
}

static void colour_is_for_terminals(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_false(colour_wanted(ends[1]));
    close(ends[0]);
    close(ends[1]);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0) {
        skip();
    }
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_true(colour_wanted(terminal));
    setenv("NO_COLOR", "", 1); /* empty does not count: no-color.org */
    assert_true(colour_wanted(terminal));
    setenv("NO_COLOR", "1", 1);
    assert_false(colour_wanted(terminal));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(colour_wanted(terminal));
    close(terminal);
}

/* Nothing in the first two seconds, nor where no terminal is. */
static void live_line_comes_late_and_goes(void **state)
{
    static const struct {
        bool is_terminal;
        double ago;
        const char *seen;
    } cases[] = {
        {true, 3, "\r\033[K7 of 9 buckets\r\033[K"},
        {true, 0, ""},
        {false, 3, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int ends[2], own = dup(STDERR_FILENO);
        char seen[128];
        assert_int_equal(pipe(ends), 0);
        if (own < 0) {
            fail_msg("no descriptor is left");
            return;
        }
        fflush(stderr);
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        struct live_line line = live_line_begin("buckets");
        assert_false(line.is_terminal);
        line.is_terminal = cases[i].is_terminal;
        line.begin -= cases[i].ago;
        live_line_show(&line, 7, 9);
        live_line_show(&line, 8, 9); /* at once: too soon */
        live_line_end(&line);
        live_line_end(&line);
        fflush(stderr);
        dup2(own, STDERR_FILENO);
        close(own);
        close(ends[1]);
        ssize_t n = read(ends[0], seen, sizeof(seen) - 1);
        close(ends[0]);
        assert_true(n >= 0);
        seen[n] = '\0';
        assert_string_equal(seen, cases[i].seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(numbers_in_a_range),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(texts_keep_their_order),
        cmocka_unit_test(colour_is_for_terminals),
        cmocka_unit_test(live_line_comes_late_and_goes),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
