/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known bugs: what a rule may say, and the shipped ones: each knows the findings that it is for, as
 * they stand under findings/, and nothing near them.
 */
#include <dirent.h>
#include <jansson.h>
#include <string.h>

#include "report/report.h"
#include "unit.h"

static int make_arena(void **state)
{
    *state = arena_new();
    return 0;
}

static int free_arena(void **state)
{
    arena_free(*state);
    return 0;
}

static struct program *parse(const char *text, struct arena *arena)
{
    struct program *p;
    if (program_parse("test", text, strlen(text), arena, &p) != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s\n%s", err_text(), text);
    }
    return p;
}

static const struct target_kind some_kind = {.name = "onnxruntime"}, torch_kind = {.name = "torch"};

struct scene { /* a failure that rules are asked about */
    struct target target;
    struct verdict verdict;
    struct outcome outcome;
};

static struct scene relu_clip_scene(void)
{
    return (struct scene){
        .target = {.kind = &some_kind, .text = "onnxruntime:opt=all", .version = "1.31.1"},
        .verdict = {.kind = VERDICT_FINDING, .oracle = "status", .text = "load refused it"},
        .outcome = {.kind = OUTCOME_ERROR,
                    .phase = "load",
                    .error_class = "Fail",
                    .message = "relu_clip_fusion.cc:83 FuseReluClip::Apply(Graph&) const "
                               "Unexpected data type for Clip 'min' input of 11\n"},
    };
}

static const char *match(const struct known_rules *rules, const struct scene *s,
                         const struct program *p)
{
    struct arena *arena = arena_new();
    const char *id = known_match(rules, &s->target, p, &s->verdict, &s->outcome, arena);
    arena_free(arena);
    return id;
}

static const char relu_clip_text[] = "x: f64[3] = input\n"
                                     "r: f64[3] = relu(x)\n"
                                     "y: f64[3] = clip(r, min=-1.0, max=1.0)\n"
                                     "output y\n";

/* ---- what a rule may say ---- */

static void shipped_rules_know_relu_clip_and_no_more(void **state)
{
    struct known_rules *rules;
    assert_int_equal(known_load(NULL, *state, &rules), ERR_OK);
    struct scene s = relu_clip_scene();
    struct program *p = parse(relu_clip_text, *state);
    assert_string_equal(match(rules, &s, p), "ort-relu-clip");

    struct scene other = s;
    other.outcome.message = "something else";
    assert_null(match(rules, &other, p));
    other = s;
    other.verdict.oracle = "value";
    other.outcome.kind = OUTCOME_OK;
    assert_null(match(rules, &other, p));
    other = s;
    other.target.kind = &torch_kind;
    assert_null(match(rules, &other, p));

    struct program *alone = parse("x: f64[3] = input\n"
                                  "y: f64[3] = clip(x, min=-1.0, max=1.0)\n"
                                  "output y\n",
                                  *state);
    assert_null(match(rules, &s, alone));
    struct program *apart = parse("x: f64[3] = input\n"
                                  "r: f64[3] = relu(x)\n"
                                  "y: f64[3] = clip(x, min=-1.0, max=1.0)\n"
                                  "output r, y\n",
                                  *state);
    assert_null(match(rules, &s, apart));
    struct program *between = parse("x: f64[3] = input\n"
                                    "r: f64[3] = relu(x)\n"
                                    "t: f64[3] = transpose(r, perm=[0])\n"
                                    "y: f64[3] = clip(t, min=-1.0, max=1.0)\n"
                                    "output y\n",
                                    *state);
    assert_string_equal(match(rules, &s, between), "ort-relu-clip");
}

static void none_knows_nothing(void **state)
{
    struct known_rules *rules;
    assert_int_equal(known_load("none", *state, &rules), ERR_OK);
    struct scene s = relu_clip_scene();
    assert_null(match(rules, &s, parse(relu_clip_text, *state)));
}

/* Loads rules from a file with this text. */
static enum err load_text(const char *text, struct arena *arena, struct known_rules **rules)
{
    char path[] = "/tmp/opjury-known-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    enum err err = known_load(path, arena, rules);
    unlink(path);
    return err;
}

static void versions_are_prefixes_by_component(void **state)
{
    static const struct {
        const char *version;
        bool known;
    } cases[] = {
        {"1.31", true},   {"1.31.1", true}, {"1.31+cpu", true}, {"1.3", false},
        {"1.310", false}, {"2.1", false},   {NULL, false},
    };
    struct known_rules *rules;
    assert_int_equal(
        load_text("- id: a\n  library: onnxruntime\n  versions: [\"1.31\"]\n  url: u\n", *state,
                  &rules),
        ERR_OK);
    struct program *p = parse(relu_clip_text, *state);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s = relu_clip_scene();
        s.target.version = cases[i].version;
        assert_true((match(rules, &s, p) != NULL) == cases[i].known);
    }
}

static void first_matching_rule_speaks(void **state)
{
    struct known_rules *rules;
    assert_int_equal(load_text("- id: a\n  library: onnxruntime\n  ops: [conv2d]\n  url: u\n"
                               "- id: b\n  library: onnxruntime\n  ops: [clip, relu]\n  url: u\n"
                               "- id: c\n  library: onnxruntime\n  url: u\n",
                               *state, &rules),
                     ERR_OK);
    struct scene s = relu_clip_scene();
    assert_string_equal(match(rules, &s, parse(relu_clip_text, *state)), "b");
}

static void any_of_several_ops_will_do(void **state)
{
    static const struct {
        const char *ops;
        bool known;
    } cases[] = {
        {"relu|conv2d", true},          {"conv2d|clip", true},      {"conv2d|exp", false},
        {"relu|exp -> min|clip", true}, {"relu -> min|max", false},
    };
    struct scene s = relu_clip_scene();
    struct program *p = parse(relu_clip_text, *state);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[128];
        struct known_rules *rules;
        snprintf(text, sizeof(text), "- id: a\n  library: onnxruntime\n  ops: [%s]\n  url: u\n",
                 cases[i].ops);
        bool is_rule = load_text(text, *state, &rules) == ERR_OK;
        assert_true((is_rule && match(rules, &s, p) != NULL) == cases[i].known);
    }
}

static void bad_rules_are_refused_with_the_line(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"- id: a\n  library: x\n  url: u\n  opz: [relu]\n", ":4:", "opz"},
        {"- id: a\n  library: x\n", ":", "url"},
        {"- id: a\n  library: x\n  url: u\n- id: b\n  library: x\n  ops: [frobnicate]\n  url: u\n",
         ":4:", "frobnicate"},
        {"- id: a\n  library: x\n  url: u\n  ops: [relu => clip]\n", ":1:", "relu => clip"},
        {"- id: a\n  library: x\n  url: u\n  ops: [relu -> clip|]\n", ":1:", "relu -> clip|"},
        {"- id: a\n  library: x\n  url: u\n  dtypes: [f33]\n", ":1:", "f33"},
        {"- id: a\n  library: x\n  url: u\n  ranks: [two]\n", ":4:", "two"},
        {"- id: a\n  library: x\n  url: u\n  ops: [relu -> clip]\n  read_again: [mean]\n",
         ":1:", "'mean'"},
        {"- id: a\n  library: x\n  url: u\n  read_again: [x]\n", ":1:", "'x'"},
        {"- id: a\n  library: x\n  url: u\n  message: \"(\"\n", ":1:", "message"},
        {"- id: a\n  ops: {x: y}\n", ":2:", "SEQUENCE"},
        {"just text\n", ":1:", "SEQUENCE"},
        {"- id: [\n", ":", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct known_rules *rules = NULL;
        assert_int_equal(load_text(cases[i].text, *state, &rules), ERR_USAGE);
        assert_null(rules);
        if (strstr(err_text(), cases[i].where) == NULL ||
            strstr(err_text(), cases[i].what) == NULL) {
            fail_msg("case %zu: %s", i, err_text());
        }
    }
}

static void dtypes_are_those_of_every_op_named(void **state)
{
    struct known_rules *rules;
    assert_int_equal(load_text("- id: a\n  library: onnxruntime\n  ops: [relu -> cast, cast]\n"
                               "  dtypes: [f64, f16]\n  url: u\n",
                               *state, &rules),
                     ERR_OK);
    struct scene s = relu_clip_scene();
    static const struct {
        const char *text;
        bool known;
    } cases[] = {
        {"x: f64[3] = input\nr: f64[3] = relu(x)\ny: i8[3] = cast(r, to=i8)\noutput y\n", true},
        {"x: f16[3] = input\nr: f16[3] = relu(x)\ny: i8[3] = cast(r, to=i8)\noutput y\n", true},
        {"x: f32[3] = input\nr: f32[3] = relu(x)\ny: i8[3] = cast(r, to=i8)\noutput y\n", false},
        {"x: f64[3] = input\nr: i8[3] = cast(x, to=i8)\ny: i8[3] = relu(r)\noutput y\n", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true((match(rules, &s, parse(cases[i].text, *state)) != NULL) == cases[i].known);
    }
}

static void missing_and_empty_files(void **state)
{
    struct known_rules *rules;
    assert_int_not_equal(known_load("/nonexistent/known.yaml", *state, &rules), ERR_OK);
    assert_int_equal(load_text("", *state, &rules), ERR_OK);
    assert_int_equal(load_text("# nothing yet\n", *state, &rules), ERR_OK);
    assert_int_equal(load_text("[]\n", *state, &rules), ERR_OK);
}

static void ranks_are_of_the_first_input(void **state)
{
    static const struct {
        const char *text;
        bool known;
    } cases[] = {
        {"x: f32[3] = input\ny: f32[3] = neg(x)\noutput y\n", true},
        {"x: f32[] = input\ny: f32[] = neg(x)\noutput y\n", true},
        {"x: f32[2,3] = input\ny: f32[2,3] = neg(x)\noutput y\n", false},
        {"x: f32[2,3] = input\nn: f32[2,3] = neg(x)\ny: f32[3] = reduce_sum(n, axes=[0], "
         "keepdims=false)\nz: f32[3] = neg(y)\noutput z\n",
         true},
    };
    struct known_rules *rules;
    assert_int_equal(
        load_text("- id: a\n  library: onnxruntime\n  ops: [neg]\n  ranks: [0, 1]\n  url: u\n",
                  *state, &rules),
        ERR_OK);
    struct scene s = relu_clip_scene();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true((match(rules, &s, parse(cases[i].text, *state)) != NULL) == cases[i].known);
    }
}

static void read_again_is_elsewhere_or_in_the_next_run(void **state)
{
    static const struct {
        const char *text;
        bool known, known_dynamic;
    } cases[] = {
        {"x: f32[3] = input\ny: f32[3] = input\nz: f32[3] = sub(x, y)\noutput z\n", false, false},
        {"x: f32[3] = input\ny: f32[3] = const [1, 2, 3]\nz: f32[3] = sub(x, y)\noutput z\n", false,
         true},
        {"y: f32[3] = input\nx: f32[3] = const [1, 2, 3]\nz: f32[3] = sub(x, y)\noutput z\n", false,
         false},
        {"x: f32[3] = const [1, 2, 3]\ny: f32[3] = const [1, 2, 3]\nz: f32[3] = sub(x, y)\n"
         "output z\n",
         true, true},
        {"x: f32[3] = const [1, 2, 4]\ny: f32[3] = const [1, 2, 3]\nz: f32[3] = sub(x, y)\n"
         "output z\n",
         false, true},
        {"x: f32[3] = input\nz: f32[3] = sub(x, x)\noutput z\n", true, true},
        {"x: f32[3] = input\ny: f32[3] = input\nz: f32[3] = sub(x, y)\nn: f32[3] = neg(y)\n"
         "output z, n\n",
         true, true},
        {"x: f32[3] = input\ny: f32[3] = input\nz: f32[3] = sub(x, y)\nn: f32[3] = neg(x)\n"
         "output z, n\n",
         false, false},
        {"x: f32[3] = input\ny: f32[3] = neg(x)\nz: f32[3] = sub(x, y)\noutput z, y\n", true, true},
        /* Of another op. */
        {"x: f32[3] = input\nz: f32[3] = mul(x, x)\ny: f32[3] = input\nw: f32[3] = sub(z, y)\n"
         "output w\n",
         false, false},
    };
    struct known_rules *rules;
    assert_int_equal(
        load_text("- id: a\n  library: onnxruntime\n  ops: [sub]\n  read_again: [b]\n  url: u\n",
                  *state, &rules),
        ERR_OK);
    struct scene s = relu_clip_scene();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct program *p = parse(cases[i].text, *state);
        s.target.dynamic = false;
        assert_true((match(rules, &s, p) != NULL) == cases[i].known);
        s.target.dynamic = true;
        assert_true((match(rules, &s, p) != NULL) == cases[i].known_dynamic);
    }
}

/* Of an output: what it does not need is not to blame, but for what was written over. */
static void only_what_the_output_needs_is_asked(void **state)
{
    static const struct {
        const char *ops, *text;
        uint32_t output;
        bool known;
    } cases[] = {
        {"[neg]", "x: f32[3] = input\nn: f32[3] = neg(x)\na: f32[3] = abs(x)\noutput n, a\n", 0,
         true},
        {"[neg]", "x: f32[3] = input\nn: f32[3] = neg(x)\na: f32[3] = abs(x)\noutput n, a\n", 1,
         false},
        {"[neg -> abs]", "x: f32[3] = input\nn: f32[3] = neg(x)\na: f32[3] = abs(n)\noutput n, a\n",
         0, false},
        {"[sub]\n  read_again: [b]",
         "x: f32[3] = input\ny: f32[3] = input\nz: f32[3] = sub(x, y)\nn: f32[3] = neg(y)\n"
         "m: f32[3] = abs(n)\noutput z, m\n",
         1, true},
        {"[sub]\n  read_again: [b]", /* before it is written over, or at least not by this op's
                                        fault */
         "x: f32[3] = input\ny: f32[3] = input\nz: f32[3] = sub(x, y)\nn: f32[3] = neg(y)\n"
         "output z, n\n",
         0, false},
        {"[sub]\n  read_again: [b]", /* this output has to do with neither */
         "x: f32[3] = input\ny: f32[3] = input\nz: f32[3] = sub(x, y)\nn: f32[3] = neg(y)\n"
         "m: f32[3] = abs(x)\noutput z, n, m\n",
         2, false},
        {"[sub]\n  read_again: [b]", /* it needs the op and not the other reader */
         "x: f32[3] = input\ny: f32[3] = input\nz: f32[3] = sub(x, y)\nm: f32[3] = abs(z)\n"
         "n: f32[3] = neg(y)\noutput m, n\n",
         0, false},
        {"[sub]\n  read_again: [b]", /* the value itself comes back */
         "x: f32[3] = input\nq: f32[3] = abs(x)\ny: f32[3] = neg(q)\nz: f32[3] = sub(x, y)\noutput "
         "z, y\n",
         1, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct known_rules *rules;
        const char *text = arena_printf(
            *state, "- id: a\n  library: onnxruntime\n  ops: %s\n  url: u\n", cases[i].ops);
        assert_int_equal(load_text(text, *state, &rules), ERR_OK);
        struct scene s = relu_clip_scene();
        s.verdict.oracle = "value";
        s.verdict.output = cases[i].output;
        s.outcome = (struct outcome){.kind = OUTCOME_OK};
        if ((match(rules, &s, parse(cases[i].text, *state)) != NULL) != cases[i].known) {
            fail_msg("case %zu: %s", i, cases[i].text);
        }
    }
}

/* ---- the shipped rules ---- */

static const char *source_path(struct arena *arena, const char *path)
{
    const char *root = getenv("OPJURY_SOURCE");
    if (root == NULL) {
        fail_msg("OPJURY_SOURCE is not set; `meson test` does");
    }
    return arena_printf(arena, "%s/%s", root, path);
}

static char *source_text(struct arena *arena, const char *path)
{
    struct buffer text = BUFFER_INIT;
    assert_int_equal(file_read(source_path(arena, path), 0, &text), ERR_OK);
    char *copy = arena_strdup(arena, text.data);
    buffer_release(&text);
    return copy;
}

enum { RULES_MAX = 200 };
struct shipped {
    struct known_rules *rules;
    size_t n;
    const char *id[RULES_MAX], *url[RULES_MAX];
    unsigned findings[RULES_MAX], near_misses[RULES_MAX]; /* that the tests have of each */
    struct known_rules *causes;                           /* findings/causes.yaml */
    const char *causes_text;
};

static void shipped_load(struct arena *arena, struct shipped *s)
{
    *s = (struct shipped){0};
    assert_int_equal(known_load(NULL, arena, &s->rules), ERR_OK);
    s->causes_text = source_text(arena, "findings/causes.yaml");
    assert_int_equal(
        known_parse("causes.yaml", s->causes_text, strlen(s->causes_text), arena, &s->causes),
        ERR_OK);
    char *text = source_text(arena, "src/triage/known.yaml");
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "- id: ", 6) == 0) {
            assert_true(s->n < RULES_MAX);
            s->id[s->n++] = line + 6;
        } else if (strncmp(line, "  url: ", 7) == 0) {
            assert_true(s->n > 0);
            s->url[s->n - 1] = line + 7;
        }
    }
    assert_true(s->n > 0);
}

static size_t shipped_find(const struct shipped *s, const char *id)
{
    size_t i = 0;
    while (i < s->n && strcmp(s->id[i], id) != 0) {
        i++;
    }
    return i;
}

/* Is the URL in the text, and not as the beginning of a longer one? */
static bool has_url(const char *text, const char *url)
{
    bool found = false;
    for (const char *at = text; (at = strstr(at, url)) != NULL; at++) {
        found = found || strchr(" ,;).\n", at[strlen(url)]) != NULL;
    }
    return found;
}

/*
 * May the finding be known by that rule (s->n: by none)? Its judgement says where it is reported:
 * "https://..." when it is, else "not reported" or "related". A rule of the finding's own name is
 * the one.
 */
static bool is_due(const struct shipped *s, const char *finding, const char *judgement, size_t rule)
{
    static const char mark[] = "**Reported:** ";
    const char *reported = strstr(judgement, mark);
    assert_non_null(reported);
    reported += strlen(mark);
    size_t own = shipped_find(s, finding);
    if (strncmp(reported, "https://", 8) != 0) {
        return rule == s->n && own == s->n;
    }
    return rule < s->n && has_url(reported, s->url[rule]) && (own == s->n || own == rule);
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

static struct scene scene_of(const json_t *row)
{
    const char *target = text_of(row, "target");
    return (struct scene){
        .target = {.kind = strncmp(target, "torch", 5) == 0 ? &torch_kind : &some_kind,
                   .text = target,
                   .version = text_of(row, "version"),
                   .dynamic = strstr(target, "dynamic") != NULL},
        .verdict = {.kind = VERDICT_FINDING,
                    .oracle = text_of(row, "oracle"),
                    .text = text_of(row, "text")},
        .outcome = {.message = text_of(row, "message")},
    };
}

/* Does a rule of that cause name the finding? Several may have one id. */
static bool cause_names(const char *text, const char *id, const char *finding, struct arena *arena)
{
    const char *head = arena_printf(arena, "- id: %s\n", id);
    size_t size = strlen(finding);
    for (const char *at = text; (at = strstr(at, head)) != NULL; at++) {
        const char *end = strstr(at, "\n- id: ");
        for (const char *hit = at + strlen(head); (hit = strstr(hit, finding)) != NULL; hit++) {
            if ((end == NULL || hit < end) && hit[-1] != '-' && strchr(" ,:\"\n", hit[size])) {
                return true;
            }
        }
    }
    return false;
}

static void check_cause(const struct shipped *s, const char *finding, const struct scene *scene,
                        const struct program *p, struct arena *arena)
{
    const char *id = match(s->causes, scene, p);
    if (id == NULL || !cause_names(s->causes_text, id, finding, arena)) {
        fail_msg("%s on %s is of %s by findings/causes.yaml", finding, scene->target.text,
                 id ? id : "no cause");
    }
}

/* A failing row of a finding's table: its rule speaks, and for no other library or oracle. */
static void check_row(struct shipped *s, const char *finding, const char *judgement,
                      const struct program *p, const json_t *row, struct arena *arena)
{
    struct scene scene = scene_of(row);
    check_cause(s, finding, &scene, p, arena);
    const char *id = match(s->rules, &scene, p);
    size_t rule = id != NULL ? shipped_find(s, id) : s->n;
    if (!is_due(s, finding, judgement, rule)) {
        fail_msg("%s on %s is known by %s", finding, scene.target.text, id ? id : "no rule");
    }
    if (id == NULL) {
        return;
    }
    s->findings[rule]++;
    struct scene other = scene;
    other.target.kind = scene.target.kind == &some_kind ? &torch_kind : &some_kind;
    assert_null(match(s->rules, &other, p));
    other = scene;
    other.verdict.oracle = "determinism";
    assert_null(match(s->rules, &other, p));
}

static void check_finding(struct shipped *s, const char *finding, struct arena *arena)
{
    const char *folder = arena_printf(arena, "findings/%s", finding);
    const char *judgement = source_text(arena, arena_printf(arena, "%s/judgement.md", folder));
    const char *verdict = source_text(arena, arena_printf(arena, "%s/verdict.json", folder));
    struct test *test;
    if (finding_read(source_path(arena, folder), "program", arena, &test) != ERR_OK) {
        fail_msg("%s: %s", finding, err_text());
    }
    json_t *root = json_loads(verdict, 0, NULL), *rows = json_object_get(root, "verdicts");
    unsigned failing = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(text_of(row, "verdict"), "finding") == 0) {
            check_row(s, finding, judgement, test->program, row, arena);
            failing++;
        }
    }
    assert_true(failing > 0);
    json_decref(root);
}

/* What is reported is known by its rule, what is not is a finding; each rule has one to know. And
 * the cause of each is in findings/causes.yaml. */
static void shipped_rules_know_their_findings(void **state)
{
    struct shipped s;
    shipped_load(*state, &s);
    DIR *dir = opendir(source_path(*state, "findings"));
    if (dir == NULL) {
        fail_msg("findings/ cannot be read");
        return;
    }
    unsigned n = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.' && strchr(entry->d_name, '.') == NULL) { /* a folder */
            check_finding(&s, entry->d_name, *state);
            n++;
        }
    }
    closedir(dir);
    assert_true(n > 0);
    for (size_t i = 0; i < s.n; i++) {
        if (s.findings[i] == 0) {
            fail_msg("%s knows nothing under findings/", s.id[i]);
        }
    }
}

#define BATCH_NORM(mean, var)                                                                      \
    "v0: f32[2,1], v1: f32[1], v2: f32[1] = batch_norm_training(x, a, a, " mean ", " var           \
    ", epsilon=0.125, momentum=0.5)\n"
#define PAD "p: f32[1,1,4] = pad(x, mode=\"constant\", pads=[0,0,1,0,0,0], value=0.0)\n"
#define MAX_POOL(y, x, size)                                                                       \
    y ": f32[1,1," size "] = max_pool(" x                                                          \
      ", ceil_mode=false, kernel_shape=[2], strides=[1], dilations=[1], pads=[0,0])\n"

#define LAYER_NORM                                                                                 \
    "x: f32[1,1] = input\ns: f32[2] = input\n"                                                     \
    "m: f32[1,1] = reduce_mean(x, axes=[1], keepdims=true)\nc: f32[1,1] = sub(x, m)\n"             \
    "q: f32[1,1] = square(c)\nv: f32[1,1] = reduce_mean(q, axes=[1], keepdims=true)\n"             \
    "r: f32[1,1] = sqrt(v)\nd: f32[1,1] = div(c, r)\n"
#define SCALE_AND_BIAS "t: f32[1,2] = mul(d, s)\ny: f32[1,2] = add(t, s)\noutput y\n"

/* What differs from what a rule knows by little: in the first dtype, the order, the rank, what came
 * back. */
static const struct near_miss {
    const char *rule, *oracle, *text, *program;
} near_misses[] = {
    {"ort-relu-clip", "status", "FuseReluClip Unexpected data type for Clip",
     "x: f64[3] = input\nr: f64[3] = clip(x, min=-1.0, max=1.0)\ny: f64[3] = relu(r)\noutput y\n"},
    {"ort-relu-clip", "status", "FuseReluClip Unexpected data type for Clip",
     "x: f64[3] = input\nr: f64[3] = relu6(x)\noutput r\n"},
    {"ort-reduce-max-nan", "value", "y[0]: expected 2, got nan",
     "x: f32[3] = input\ny: f32[] = reduce_max(x, axes=[0], keepdims=false)\noutput y\n"},
    {"ort-reduce-empty", "shape", "y: shape [1] expected, got [10]",
     "x: f32[3] = input\ny: f32[1] = reduce_sum(x, axes=[0], keepdims=true)\noutput y\n"},
    {"ort-clip-int64", "value", "y[0]: expected 1, got 2147483648",
     "x: u32[3] = input\ny: u32[3] = clip(x, min=0.0, max=1.0)\noutput y\n"},
    {"ort-matmul-empty-batch", "status", "Compute left operand cannot broadcast on dim 0",
     "x: f32[0] = input\nw: f32[1] = input\ny: f32[0] = add(x, w)\noutput y\n"},
    {"ort-matmul-empty-batch", "status", "MatMul dimension mismatch",
     "x: f32[0,1] = input\nw: f32[1] = input\ny: f32[0] = matmul(x, w)\noutput y\n"},
    {"torch-batch-norm-half", "value", "y[0]: expected 0.1, got 0",
     "x: f32[1,1,2] = input\ns: f32[1] = input\n"
     "y: f32[1,1,2] = instance_norm(x, s, s, epsilon=1e-05)\noutput y\n"},
    {"ort-transpose-matmul-f16", "crash", "killed by SIGSEGV",
     "x: f64[1,1,1] = input\nw: f64[1,1,1] = input\n"
     "t: f64[1,1,1] = transpose(x, perm=[1,2,0])\ny: f64[1,1,1] = matmul(t, w)\noutput y\n"},
    {"ort-transpose-matmul-f16", "crash", "killed by SIGSEGV",
     "x: f16[1,1,1] = input\nw: f16[1,1,1] = input\ny: f16[1,1,1] = matmul(x, w)\noutput y\n"},
    {"torch-erf-half", "value", "y[0]: expected 0.1, got 0",
     "x: f32[3] = input\ny: f32[3] = erf(x)\noutput y\n"},
    {"torch-bf16-matmul-inf", "value", "y[0]: expected inf, got nan",
     "x: f16[2,3] = input\nw: f16[3,2] = input\ny: f16[2,2] = matmul(x, w)\noutput y\n"},
    {"torch-bf16-matmul-inf", "value", "y[0]: expected nan, got inf",
     "x: bf16[2,3] = input\nw: bf16[3,2] = input\ny: bf16[2,2] = matmul(x, w)\noutput y\n"},
    {"torch-sinh-overflow", "value", "y[0]: expected inf, got 3",
     "x: f32[3] = input\ny: f32[3] = sinh(x)\noutput y\n"},
    {"torch-gelu-inf", "value", "y[0]: expected nan, got inf",
     "x: f32[3] = input\ny: f32[3] = gelu(x, approximate=\"none\")\noutput y\n"},
    {"torch-fmod-quotient", "value", "y[0]: expected nan, got 0",
     "x: f32[3] = input\ny: f32[3] = fmod(x, x)\noutput y\n"},
    {"torch-log-softmax-half", "value", "y[0]: expected -0.00247, got 0",
     "x: f32[2] = input\ny: f32[2] = log_softmax(x, axis=0)\noutput y\n"},
    {"torch-pixel-unshuffle-empty", "shape", "y: shape [1,1,2,0] expected, got [1,4,1,0]",
     "x: f32[1,4,1,0] = input\ny: f32[1,1,2,0] = depth_to_space(x, blocksize=2, mode=\"CRD\")\n"
     "output y\n"},
    {"torch-adaptive-avg-pool-half", "value", "y[0]: expected 1, got 0.9",
     "x: bf16[1,1,4,4] = input\ny: bf16[1,1,2,2] = adaptive_avg_pool(x, output_size=[2,2])\n"
     "output y\n"},
    {"torch-adaptive-avg-pool-half", "value", "y[0]: expected 1, got 0.9",
     "x: f32[1,1,4,4,4] = input\n"
     "y: f32[1,1,2,2,2] = adaptive_avg_pool(x, output_size=[2,2,2])\noutput y\n"},
    {"ort-pad-max-pool", "value", "y[0]: expected 0, got -1",
     "x: f32[1,1,3] = input\n" MAX_POOL("m", "x",
                                        "2") "p: f32[1,1,3] = pad(m, mode=\"constant\", "
                                             "pads=[0,0,1,0,0,0], value=0.0)\noutput p\n"},
    {"ort-pad-max-pool", "value", "y[0]: expected -0.5, got -1",
     "x: f32[1,1,3] = input\n" PAD MAX_POOL("y", "p", "3") "output y\n"},
    {"ort-pad-max-pool", "value", "y[0]: expected 0, got 1",
     "x: f32[1,1,3] = input\n" PAD MAX_POOL("y", "p", "3") "output y\n"},
    {"ort-pad-max-pool-load", "status", "Pad should be smaller than kernel.",
     "x: f32[1,1,4] = input\n" MAX_POOL("y", "x", "3") "output y\n"},
    {"ort-pad-max-pool-load", "status", "Unexpected mode of 3",
     "x: f32[1,1,3] = input\n" PAD MAX_POOL("y", "p", "3") "output y\n"},
    {"ort-rms-norm-broadcast", "status",
     "running LayerNormalization node: Scale and (optional) bias must match X.shape[axis:]",
     "x: f32[1,1] = input\nm: f32[1,1] = reduce_mean(x, axes=[1], keepdims=true)\n"
     "s: f32[2] = input\ny: f32[1,2] = mul(m, s)\noutput y\n"},
    {"ort-layer-norm-broadcast", "status",
     "running LayerNormalization node. Name:'y' Status Message: Scale and (optional) bias must "
     "match",
     LAYER_NORM SCALE_AND_BIAS},
    {"ort-layer-norm-broadcast", "status",
     "Type parameter (T) of Optype (LayerNormalization) bound to different types (tensor(float16) "
     "and tensor(double) in node (/LayerNormFusion/).",
     LAYER_NORM SCALE_AND_BIAS},
    {"ort-layer-norm-broadcast", "value", "y[0]: expected 1, got 2", LAYER_NORM SCALE_AND_BIAS},
    {"ort-layer-norm-broadcast", "status",
     "Name:'/LayerNormFusion/' Status Message: Scale and (optional) bias must match",
     LAYER_NORM "t: f32[1,2] = add(d, s)\noutput t\n"},
    {"ort-batch-norm-input-changed", "side_effects", "an input tensor was changed",
     "x: f32[2,1] = input\na: f32[1] = input\n"
     "y: f32[2,1] = batch_norm(x, a, a, a, a, epsilon=0.125)\noutput y\n"},
    {"ort-batch-norm-read-later", "value", "v1[0]: expected 1.9, got 1.8",
     "x: f32[2,1] = input\na: f32[1] = input\nm: f32[1] = input\nv: f32[1] = const [1]\n" //
     BATCH_NORM("m", "v") "y: f32[1] = add(a, v2)\noutput v1, y\n"},
};

static void shipped_rules_know_nothing_near_their_findings(void **state)
{
    struct shipped s;
    shipped_load(*state, &s);
    for (size_t i = 0; i < ARRAY_SIZE(near_misses); i++) {
        const struct near_miss *near = &near_misses[i];
        struct scene scene = {
            .target = {.kind = strncmp(near->rule, "torch-", 6) == 0 ? &torch_kind : &some_kind,
                       .version = "9.9.9"},
            .verdict = {.kind = VERDICT_FINDING, .oracle = near->oracle, .text = near->text},
            .outcome = {.message = near->text},
        };
        const char *id = match(s.rules, &scene, parse(near->program, *state));
        if (id != NULL) {
            fail_msg("near miss %zu, of %s, is known by %s", i, near->rule, id);
        }
        size_t rule = shipped_find(&s, near->rule);
        assert_true(rule < s.n);
        s.near_misses[rule]++;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.near_misses[i] == 0) {
            fail_msg("%s has no near miss here", s.id[i]);
        }
    }
}

/* The value that the node overwrote may be read by the node itself, by the graph's outputs, or by
 * the next run. */
static void shipped_rules_know_overwritten_statistics(void **state)
{
    static const char inputs[] = "x: f32[2,1] = input\na: f32[1] = input\n";
    static const struct {
        const char *statistics, *node;
        bool dynamic;
    } cases[] = {
        {"", BATCH_NORM("a", "m") "output v0\n", false},
        {"", BATCH_NORM("m", "m") "output v2\n", false},
        {"c: f32[1] = neg(m)\n", BATCH_NORM("c", "m") "output v1, c\n", false},
        {"c: f32[1] = const [1]\n", BATCH_NORM("m", "c") "output v2\n", true},
    };
    struct known_rules *rules;
    assert_int_equal(known_load(NULL, *state, &rules), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s = {.target = {.kind = &some_kind, .dynamic = cases[i].dynamic},
                          .verdict = {.kind = VERDICT_FINDING, .oracle = "value", .text = ""}};
        const char *text = arena_printf(*state, "%sm: f32[1] = input\n%s%s", inputs,
                                        cases[i].statistics, cases[i].node);
        const char *id = match(rules, &s, parse(text, *state));
        assert_non_null(id);
        assert_string_equal(id, "ort-batch-norm-read-later");
    }
}

/* Whose weight a known bug lowers. */
static void a_rule_names_its_ops(void **state)
{
    static const struct {
        const char *id, *op;
        bool named;
    } cases[] = {
        {"a", "relu", true},        {"a", "relu6", true}, {"a", "clip", true},
        {"a", "min", true},         {"a", "neg", false},  {"a", "reduce_min", false},
        {"nothing", "relu", false}, {"b", "relu", false},
    };
    struct known_rules *rules;
    assert_int_equal(load_text("- id: a\n  library: onnxruntime\n  ops: [relu -> clip|relu6, min]\n"
                               "  url: u\n- id: b\n  library: onnxruntime\n  url: u\n",
                               *state, &rules),
                     ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(known_names(rules, cases[i].id, cases[i].op) == cases[i].named);
    }
    assert_true(chain_has_op("relu(f64) -> clip(f64), min(i8)", "min"));
    assert_true(chain_has_op("relu6(f64) -> clip(f64)", "clip"));
    assert_false(chain_has_op("relu6(f64) -> reduce_min(f64)", "min"));
    assert_false(chain_has_op("relu6(f64) -> reduce_min(f64)", "relu"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shipped_rules_know_relu_clip_and_no_more),
        TEST(none_knows_nothing),
        TEST(versions_are_prefixes_by_component),
        TEST(first_matching_rule_speaks),
        TEST(dtypes_are_those_of_every_op_named),
        TEST(any_of_several_ops_will_do),
        TEST(bad_rules_are_refused_with_the_line),
        TEST(missing_and_empty_files),
        TEST(ranks_are_of_the_first_input),
        TEST(read_again_is_elsewhere_or_in_the_next_run),
        TEST(only_what_the_output_needs_is_asked),
        TEST(shipped_rules_know_their_findings),
        TEST(shipped_rules_know_nothing_near_their_findings),
        TEST(shipped_rules_know_overwritten_statistics),
        TEST(a_rule_names_its_ops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
