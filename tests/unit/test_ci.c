/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: the forms of a check's result hold hostile text as text. Buckets are written by hand;
 * what a reader of each form must see again is what was put in. tests/cli/ci.sh has the command.
 */
#include "unit.h"

#include <jansson.h>

#include "report/ci.h"
#include "report/escape.h"

/* Ends of sections and elements, quotes, markup, control bytes, bytes that are no UTF-8, a
 * character XML has no place for, and one beyond the first 65536. */
#define HOSTILE                                                                                    \
    "]]> </failure> <script>alert(1)</script> \"q\" 'a' & &amp; \x01\x1b[31m \x7f \xff\xfe "       \
    "\xef\xbf\xbf \xf0\x9f\x90\x9b\ttab\nline `code` ``` | cell @user #1 \\"

static struct bucket_row row = {
    .id = 1,
    .key = "torch | " HOSTILE,
    .oracle = "status",
    .ops = "relu(f32) " HOSTILE,
    .targets = "torch@/path",
    .state = "new",
    .text = HOSTILE,
    .first_finding = 7,
    .n_findings = 1,
};
static struct ci_bucket buckets[2];
static struct target_counts targets[] = {
    {.text = "torch", .version = "1 " HOSTILE, .verdicts = {{3}}}};
static struct counts counts = {
    .tests = 3, .runs = 3, .verdicts = {{3}}, .n_targets = 1, .targets = targets};

static struct ci_report hostile_report(void)
{
    buckets[0] = (struct ci_bucket){.row = &row,
                                    .standing = STANDING_OUTSIDE,
                                    .library = "torch",
                                    .targets = "torch 1",
                                    .why = "",
                                    .program = HOSTILE,
                                    .verdicts = HOSTILE,
                                    .folder = "out/a b#1"};
    buckets[1] = buckets[0];
    buckets[1].standing = STANDING_KNOWN;
    buckets[1].why = HOSTILE;
    return (struct ci_report){
        .dir = "out/1 " HOSTILE,
        .baseline = "file " HOSTILE,
        .version = "0",
        .counts = &counts,
        .n_buckets = 2,
        .buckets = buckets,
        .n = {[STANDING_OUTSIDE] = 1, [STANDING_KNOWN] = 1},
    };
}

/* ---- escapes ---- */

static const struct {
    const char *text, *attribute, *body;
} xml_cases[] = {
    {"", "", ""},
    {"a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;", "a&lt;b&gt;&amp;&quot;&#39;"},
    {"]]>", "]]&gt;", "]]&gt;"},
    {"\t\r\n", "&#9;&#13;&#10;", "\t\r\n"},
    {"\x01|\x1f|\x7f|\xc2\x85|", "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|",
     "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|"},
    /* Valid and kept: U+00A0, U+20AC, U+FFFD, U+1F41B. */
    {"\xc2\xa0\xe2\x82\xac\xef\xbf\xbd\xf0\x9f\x90\x9b",
     "\xc2\xa0\xe2\x82\xac\xef\xbf\xbd\xf0\x9f\x90\x9b",
     "\xc2\xa0\xe2\x82\xac\xef\xbf\xbd\xf0\x9f\x90\x9b"},
    /* None: alone, cut short, overlong, a surrogate, U+FFFE. */
    {"\xff", "\xef\xbf\xbd", "\xef\xbf\xbd"},
    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xef\xbf\xbe", "\xef\xbf\xbd", "\xef\xbf\xbd"},
};

static void test_xml(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(xml_cases); i++) {
        struct buffer attribute = BUFFER_INIT, body = BUFFER_INIT;
        buffer_puts(&attribute, "");
        buffer_puts(&body, "");
        xml_put(&attribute, xml_cases[i].text);
        xml_text(&body, xml_cases[i].text);
        assert_string_equal(attribute.data, xml_cases[i].attribute);
        assert_string_equal(body.data, xml_cases[i].body);
        buffer_release(&attribute);
        buffer_release(&body);
    }
}

/* ---- forms ---- */

/* What python's reader finds, a line each: number of elements, the failure's message and text. */
static const char reader[] = "import sys, xml.etree.ElementTree as t\n"
                             "r = t.parse(sys.argv[1]).getroot()\n"
                             "print(sorted({e.tag for e in r.iter()}))\n"
                             "f = r.find('.//failure')\n"
                             "print(ascii(f.get('message')))\n"
                             "print(ascii(f.text.split('program:')[0].splitlines()[0]))\n"
                             "print(ascii(r.find('.//skipped').get('message')))\n";
#define SEEN                                                                                       \
    "]]> </failure> <script>alert(1)</script> \"q\" \\'a\\' & &amp; \\ufffd\\ufffd[31m \\ufffd "   \
    "\\ufffd\\ufffd \\ufffd \\U0001f41b\\ttab"
#define SEEN_ALL SEEN "\\nline `code` ``` | cell @user #1 \\\\"

static void test_junit(void **state)
{
    const struct ci_report report = hostile_report();
    struct buffer xml = BUFFER_INIT;
    junit_print(&report, &xml);
    char *dir = temporary_dir(), command[4096], seen[4096];
    char path[600], script[600];
    snprintf(path, sizeof(path), "%s/junit.xml", dir);
    snprintf(script, sizeof(script), "%s/reader.py", dir);
    assert_int_equal(file_write(path, xml.data, xml.size), ERR_OK);
    assert_int_equal(file_write(script, reader, strlen(reader)), ERR_OK);
    snprintf(command, sizeof(command), "python3 '%s' '%s'", script, path);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) {
        fail_msg("%s cannot be run", command);
        return;
    }
    size_t n = fread(seen, 1, sizeof(seen) - 1, pipe);
    seen[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
    assert_string_equal(seen, "['failure', 'properties', 'property', 'skipped', 'testcase', "
                              "'testsuite', 'testsuites']\n"
                              "'" SEEN_ALL "'\n'" SEEN "'\n'known: " SEEN_ALL "'\n");
    buffer_release(&xml);
    remove_dir(dir);
}

static json_t *at(json_t *array, size_t i)
{
    json_t *item = json_array_get(array, i);
    assert_non_null(item);
    return item;
}

static void test_sarif(void **state)
{
    const struct ci_report report = hostile_report();
    struct buffer text = BUFFER_INIT;
    sarif_print(&report, &text);
    json_t *root = json_loadb(text.data, text.size, 0, NULL);
    assert_non_null(root);
    json_t *results = json_object_get(at(json_object_get(root, "runs"), 0), "results");
    assert_int_equal(json_array_size(results), 2);
    const char *uri, *level;
    json_t *location = at(json_object_get(at(results, 0), "locations"), 0);
    assert_int_equal(
        json_unpack(location, "{s:{s:{s:s}}}", "physicalLocation", "artifactLocation", "uri", &uri),
        0);
    assert_string_equal(uri, "out/a%20b%231/program.txt");
    assert_int_equal(json_unpack(at(results, 0), "{s:s}", "level", &level), 0);
    assert_string_equal(level, "warning"); /* a refusal is seen at once */
    json_decref(root);
    buffer_release(&text);
}

/* The fence around a program is longer than any in it; nothing else starts a line. */
static void test_summary(void **state)
{
    const struct ci_report report = hostile_report();
    struct buffer text = BUFFER_INIT;
    ci_summary_print(&report, &text);
    assert_non_null(strstr(text.data, "\n````text\n]]> </failure>"));
    assert_non_null(strstr(text.data, "cell @user #1 \\\n````\n"));
    assert_null(strstr(text.data, "\n`code`"));
    buffer_release(&text);
}

/* ---- the baseline ---- */

static void test_baseline(void **state)
{
    struct arena *arena = arena_new();
    char *dir = temporary_dir(), path[600];
    snprintf(path, sizeof(path), "%s/baseline", dir);
    static const char *const keys[] = {"b | x | " HOSTILE, "a | \n | y ", "c | 1 | \\x0a"};
    struct baseline made = {0}, read;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        assert_false(baseline_holds(&made, keys[i]));
        baseline_add(&made, keys[i], "what\nfails", arena);
        baseline_add(&made, keys[i], "again", arena);
    }
    assert_int_equal(baseline_write(path, &made), ERR_OK);
    assert_int_equal(baseline_read(path, arena, &read), ERR_OK);
    assert_int_equal(read.n, ARRAY_SIZE(keys));
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        assert_true(baseline_holds(&read, keys[i]));
    }
    assert_false(baseline_holds(&read, "c | 1 | \n"));
    assert_false(baseline_holds(&read, "a | "));
    assert_string_equal(read.entries[0].key, "a | \\x0a | y\\x20");
    assert_string_equal(read.entries[0].note, "# what\\x0afails\n");
    /* Line ends of another system. */
    static const char windows[] = "# n\r\na | b | c\r\n\r\nx | y | z";
    assert_int_equal(file_write(path, windows, strlen(windows)), ERR_OK);
    assert_int_equal(baseline_read(path, arena, &read), ERR_OK);
    assert_int_equal(read.n, 2);
    assert_true(baseline_holds(&read, "a | b | c") && baseline_holds(&read, "x | y | z"));
    remove_dir(dir);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xml),      cmocka_unit_test(test_junit),
        cmocka_unit_test(test_sarif),    cmocka_unit_test(test_summary),
        cmocka_unit_test(test_baseline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
