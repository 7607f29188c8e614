/* SPDX-License-Identifier: Apache-2.0 */
/* report: drawings of programs of odd forms. tests/cli/html.sh looks at them in a browser. */
#include "unit.h"

#include <math.h>

#include "ops/ops.h"
#include "report/draw.h"

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *c = text; (c = strstr(c, word)) != NULL; c++) {
        n++;
    }
    return n;
}

struct numbers {
    size_t ops, sources, constants, results, tips, labels, wrong;
};

static void check(const char *text, const char *wrong, const struct numbers *due)
{
    struct arena *arena = arena_new();
    struct program *p;
    if (program_parse("test", text, strlen(text), arena, &p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    struct buffer svg = BUFFER_INIT, again = BUFFER_INIT;
    draw_program(p, wrong, &svg);
    draw_program(p, wrong, &again);
    assert_string_equal(svg.data, again.data);
    assert_int_equal(count(svg.data, "<rect class=\"op\""), due->ops);
    assert_int_equal(count(svg.data, "<rect class=\"source\""), due->sources);
    assert_int_equal(count(svg.data, "<rect class=\"source const\""), due->constants);
    assert_int_equal(count(svg.data, "<rect class=\"result"), due->results);
    assert_int_equal(count(svg.data, "m-4 -7l4 7l4 -7"), due->tips);
    assert_int_equal(count(svg.data, "<text class=\"label"), due->labels);
    assert_int_equal(count(svg.data, " wrong\""), due->wrong);
    assert_null(strstr(svg.data, "nan"));
    assert_null(strstr(svg.data, "inf\""));
    buffer_release(&svg);
    buffer_release(&again);
    arena_free(arena);
}

static void test_forms(void **state)
{
    check("x: f32[2] = input\noutput x\n", NULL, &(struct numbers){0, 1, 0, 1, 1, 1, 0});
    check("x: f32[] = input\nw: f32[] = const [2]\ny: f32[] = add(x, w)\noutput y\n", "y",
          &(struct numbers){1, 1, 1, 1, 3, 3, 3});
    /* An optional input that is not given; one value read twice; one that nobody reads. */
    check("x: f32[2] = input\nu: f32[2] = input\na: f32[2] = clip(x, _, x)\noutput a\n", NULL,
          &(struct numbers){1, 2, 0, 1, 3, 3, 0});
    /* Several outputs of one op, also read further below. */
    check("x: f32[4] = input\na: f32[2], b: f32[2] = split(x)\nc: f32[2] = neg(a)\n"
          "d: f32[2] = neg(c)\ne: f32[2] = add(d, b)\noutput e, b, x\n",
          "b", &(struct numbers){4, 1, 0, 3, 8, 6, 6});
}

/* What a text may hold ends up as text. */
static void test_escapes(void **state)
{
    struct arena *arena = arena_new();
    struct program *p;
    static const char text[] = "x: f32[2] = input\ny: f32[2] = op(x, mode=\"<b>&'\")\noutput y\n";
    assert_int_equal(program_parse("test", text, strlen(text), arena, &p), ERR_OK);
    struct buffer svg = BUFFER_INIT;
    draw_program(p, NULL, &svg);
    assert_null(strstr(svg.data, "<b>"));
    assert_non_null(strstr(svg.data, "mode=&quot;&lt;b&gt;&amp;&#39;&quot;"));
    buffer_release(&svg);
    arena_free(arena);
}

/* A chain with an edge from its top to its end, and as many nodes as a program may have. */
static void test_large(void **state)
{
    struct arena *arena = arena_new();
    struct buffer text = BUFFER_INIT;
    struct program *p;
    enum { NODES = 256 };
    buffer_puts(&text, "v0: f32[2] = input\n");
    for (int i = 1; i < NODES; i++) {
        buffer_printf(&text, "v%d: f32[2] = neg(v%d)\n", i, i - 1);
    }
    buffer_printf(&text, "v%d: f32[2] = add(v%d, v0)\noutput v%d\n", NODES, NODES - 1, NODES);
    assert_int_equal(program_parse("test", text.data, text.size, arena, &p), ERR_OK);
    struct buffer svg = BUFFER_INIT;
    draw_program(p, NULL, &svg);
    assert_int_equal(count(svg.data, "<rect class=\"op\""), NODES);
    buffer_release(&svg);
    buffer_release(&text);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
