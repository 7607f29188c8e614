/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: what libraries and files say stays text in every form of report, whatever bytes it has.
 * The record is made by hand; a reader of Markdown takes fenced blocks and code spans away, and in
 * what is left nothing of the hostile text may be.
 */
#include "unit.h"

#include <string.h>

#include "report/escape.h"
#include "report/format.h"
#include "report/json.h"

#define HOSTILE                                                                                    \
    "@user #12 GH-7 <img src=x> | cell `tick` ```\n# heading\n```\n- [x](http://y.z) *b* \xff\x01"

/* ---- escapes ---- */

static void code_is_a_span_that_nothing_ends(void **state)
{
    static const struct {
        const char *text, *code, *cell;
    } cases[] = {
        {"a", "`a`", "`a`"},
        {"", "`  `", "`  `"},
        {"a|b", "`a|b`", "`a\\|b`"},
        {"`", "`` ` ``", "`` ` ``"},
        {"a `b` ``c``", "``` a `b` ``c`` ```", "``` a `b` ``c`` ```"},
        {"x\ny\t\x01\xff", "`x y \xef\xbf\xbd\xef\xbf\xbd`", "`x y \xef\xbf\xbd\xef\xbf\xbd`"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buffer out = BUFFER_INIT;
        markdown_code(&out, cases[i].text);
        assert_string_equal(out.data, cases[i].code);
        buffer_clear(&out);
        markdown_code_cell(&out, cases[i].text);
        assert_string_equal(out.data, cases[i].cell);
        buffer_release(&out);
    }
}

/* What GitHub reads something into is code; what it does not stays as people write it. */
static void text_is_code_only_where_it_must_be(void **state)
{
    static const char *const plain[] = {
        "onnxruntime 1.31.1: relu(f64) -> clip(f64): wrong result: -1 expected, nan came back",
        "v0: shape [0,0,1] expected, got [0,1,1] at opt=all; opt=none passes",
        "Intel(R) Xeon(R) CPU @ 2.20GHz",
        "batch_norm_training",
        "2.13.0+cpu",
        "torch:threads=4",
        "# of them",
        "a - b > c",
        "[ONNXRuntimeError] : 1 : FAIL",
    };
    static const char *const meant[] = {
        "@user", "see #12", "org/name#12", "GH-7",       "a `b`",      "*b*",     "_b_",
        "<img>", "&lt;",    "[a](b)",      "[a]: b",     "http://a.b", "www.a.b", ":bug:",
        "$x$",   "a\nb",    "\xff",        "a\x1b[31mb", "\\",         "a|b",     "~~a~~",
    };
    for (size_t i = 0; i < ARRAY_SIZE(plain) + ARRAY_SIZE(meant); i++) {
        bool is_plain = i < ARRAY_SIZE(plain);
        const char *text = is_plain ? plain[i] : meant[i - ARRAY_SIZE(plain)];
        struct buffer out = BUFFER_INIT;
        markdown_cell(&out, text);
        if ((out.data[0] != '`') != is_plain) {
            fail_msg("'%s' became '%s'", text, out.data);
        }
        buffer_release(&out);
    }
}

/* As the first of a line it may mean more. */
static void a_line_begins_no_block(void **state)
{
    static const char *const texts[] = {"1. a", "2) a", "- a", "# a", "> a", "== a", "    a", "-"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buffer out = BUFFER_INIT;
        markdown_text(&out, texts[i]);
        assert_int_equal(out.data[0], '`');
        buffer_release(&out);
    }
    struct buffer out = BUFFER_INIT;
    markdown_text(&out, "1.31.1");
    markdown_text(&out, "-1");
    assert_string_equal(out.data, "1.31.1-1");
    buffer_release(&out);
}

static void words_of_a_shell(void **state)
{
    struct buffer out = BUFFER_INIT;
    shell_put(&out, "a/b.c-1=2:3,4@5%6+7");
    shell_put(&out, "");
    shell_put(&out, "it's $(id)");
    assert_string_equal(out.data, "a/b.c-1=2:3,4@5%6+7'''it'\\''s $(id)'");
    buffer_release(&out);
}

/* Of bytes that are no UTF-8 those alone are lost. */
static void json_keeps_what_is_text(void **state)
{
    static const struct {
        const char *text, *kept;
    } cases[] = {
        {"\xc3\xa9", "\xc3\xa9"},
        {"\xc3\xa9\xff|\xe2\x82|\xed\xa0\x80", "\xc3\xa9?|\?\?|\?\?\?"},
        {"\xf0\x9f\x90\x9b\xfe\x01", "\xf0\x9f\x90\x9b?\x01"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *made = json_text(cases[i].text);
        assert_non_null(made);
        assert_string_equal(json_string_value(made), cases[i].kept);
        json_decref(made);
    }
}

/* ---- all forms ---- */

static size_t ticks(const char *at)
{
    return strspn(at, "`");
}

/* Behind the span that begins at `at`; NULL: nothing ends it in its line. */
static const char *behind_span(const char *at)
{
    size_t n = ticks(at);
    for (const char *c = at + n; *c != '\0' && *c != '\n';) {
        size_t found = ticks(c);
        if (found == n) {
            return c + n;
        }
        c += found > 0 ? found : 1;
    }
    return NULL;
}

/* The text without fenced blocks and code spans, as CommonMark finds them. */
static char *outside_of_code(const char *text)
{
    struct buffer out = BUFFER_INIT;
    size_t fence = 0;
    buffer_puts(&out, "");
    while (*text != '\0') {
        size_t size = strcspn(text, "\n"), n = ticks(text);
        bool is_fence = n >= 3 && memchr(text + n, '`', size - n) == NULL;
        if (fence > 0 ? n >= fence && n == size : is_fence) {
            fence = fence > 0 ? 0 : n;
        } else if (fence == 0) {
            for (const char *c = text; c < text + size;) {
                const char *behind = *c == '`' ? behind_span(c) : NULL;
                buffer_append(&out, c, behind == NULL);
                c = behind != NULL ? behind : c + 1;
            }
            buffer_puts(&out, "\n");
        }
        text += size + (text[size] != '\0');
    }
    assert_int_equal(fence, 0);
    return out.data;
}

struct scene {
    struct arena *arena;
    struct record_run runs[2];
    struct record_trial trial;
    struct record_library library;
    struct record record;
};

/* Every text that does not come from this program is hostile. */
static void scene_open(struct scene *s, const char *oracle)
{
    static const char program[] = "x: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n";
    *s = (struct scene){.arena = arena_new()};
    struct program *p;
    assert_int_equal(program_parse("test", program, strlen(program), s->arena, &p), ERR_OK);
    assert_int_equal(ops_check(p), ERR_OK);
    struct test *test = arena_zalloc(s->arena, sizeof(*test));
    test->program = p;
    bool is_value = strcmp(oracle, "value") == 0, is_error = strcmp(oracle, "status") == 0;
    s->runs[0] = (struct record_run){.target = "torch:" HOSTILE,
                                     .library = "torch",
                                     .version = HOSTILE,
                                     .verdict = "finding",
                                     .oracle = oracle,
                                     .text = HOSTILE,
                                     .place = is_value ? "y[1]" : NULL,
                                     .expected = HOSTILE,
                                     .actual = HOSTILE,
                                     .bound = "1",
                                     .phase = is_error ? HOSTILE : NULL,
                                     .error_class = is_error ? HOSTILE : NULL,
                                     .message = is_error ? HOSTILE : NULL};
    texts_add(&s->runs[0].frames, HOSTILE, s->arena);
    s->runs[1] = s->runs[0];
    s->runs[1].verdict = "pass";
    s->trial = (struct record_trial){"version", HOSTILE, "torch", "finding", HOSTILE};
    s->library = (struct record_library){"torch", HOSTILE, HOSTILE};
    const char *title = "torch 1: neg: fails with \"" HOSTILE "\"";
    s->record = (struct record){
        .title = title,
        .fault = title,
        .library = "torch",
        .version = HOSTILE,
        .target = "torch",
        .oracle = oracle,
        .ops = "neg(f32)",
        .signature = oracle,
        .test = test,
        .program = HOSTILE,
        .script = HOSTILE,
        .needs = "torch",
        .repro = HOSTILE,
        .n_runs = 2,
        .runs = s->runs,
        .culprit = &s->runs[0],
        .is_blamed = true,
        .n_trials = 1,
        .trials = &s->trial,
        .component = HOSTILE,
        .first_bad = HOSTILE,
        .last_good = HOSTILE,
        .blame_text = HOSTILE,
        .opjury = HOSTILE,
        .system = HOSTILE,
        .kernel = HOSTILE,
        .architecture = HOSTILE,
        .cpu = HOSTILE,
        .os = HOSTILE,
        .libc = HOSTILE,
        .isa = HOSTILE,
        .n_libraries = 1,
        .libraries = &s->library,
        .seed = "1",
        .inputs = HOSTILE,
        .placement = "end",
        .torch_rule = {.text = ""},
        .n_elsewhere = 1,
        .elsewhere = &s->trial,
    };
    texts_add(&s->record.variables, "OMP_X=`id` @user | $(id)", s->arena);
}

static void assert_is_text(const struct report_format *format, const char *oracle)
{
    static const char *const never[] = {"@user", "#12",         "GH-7", "<img", "cell", "http:",
                                        "*b*",   "\n# heading", "\xff", "\x01", "$("};
    struct scene s;
    struct buffer out = BUFFER_INIT;
    scene_open(&s, oracle);
    report_print(format, &s.record, &out);
    char *text = outside_of_code(out.data);
    for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
        if (strstr(text, never[i]) != NULL) {
            fail_msg("%s, %s: '%s' is in:\n%s", format->name, oracle, never[i], text);
        }
    }
    assert_non_null(strstr(out.data, "@user")); /* but it is said */
    assert_null(strstr(out.data, "\xff"));
    free(text);
    buffer_release(&out);
    arena_free(s.arena);
}

static void hostile_text_is_text_in_every_form(void **state)
{
    static const char *const oracles[] = {"value", "status", "crash", "shape"};
    for (size_t f = 0; f < report_format_count; f++) {
        for (size_t o = 0; o < ARRAY_SIZE(oracles); o++) {
            if (report_format_table[f]->sections != NULL) {
                assert_is_text(report_format_table[f], oracles[o]);
            }
        }
    }
}

/* What a person has written as the title is Markdown. */
static void judged_title_stays(void **state)
{
    struct scene s;
    struct buffer out = BUFFER_INIT;
    scene_open(&s, "value");
    s.record.title = "`clip` is *wrong*";
    s.record.is_titled = true;
    s.record.fault = "torch 1: clip: wrong";
    report_print(report_format_table[0], &s.record, &out);
    assert_memory_equal(out.data, "# `clip` is *wrong*\n", 20);
    assert_non_null(strstr(out.data, "\n`torch 1: clip: wrong`\n"));
    buffer_release(&out);
    arena_free(s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_is_a_span_that_nothing_ends),
        cmocka_unit_test(text_is_code_only_where_it_must_be),
        cmocka_unit_test(a_line_begins_no_block),
        cmocka_unit_test(words_of_a_shell),
        cmocka_unit_test(json_keeps_what_is_text),
        cmocka_unit_test(hostile_text_is_text_in_every_form),
        cmocka_unit_test(judged_title_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
