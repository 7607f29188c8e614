/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: a finding's folder read back into what reports say, PyTorch's rule, and the order of
 * findings. Folders are written by hand here, so that every number is known.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "report/format.h"

/* ---- a folder by hand ---- */

struct scene {
    struct arena *arena;
    const char *folder;
};

static void write_text(const struct scene *s, const char *name, const char *text)
{
    assert_int_equal(
        file_write(arena_printf(s->arena, "%s/%s", s->folder, name), text, strlen(text)), ERR_OK);
}

static const char environment[] =
    "{\"opjury\": \"0.1.0\", \"system\": \"Linux\", \"kernel\": \"6.1\", \"architecture\": "
    "\"x86_64\", \"cpu\": \"A CPU\", \"targets\": [{\"target\": \"torch\", \"library\": \"torch\", "
    "\"version\": \"2.13.0\", \"python\": \"CPython 3.11.2\"}]}\n";

static void write_verdict(const struct scene *s, const char *oracle, const char *more)
{
    write_text(s, "verdict.json",
               arena_printf(s->arena,
                            "{\"title\": \"torch 2.13.0: neg: wrong\", \"library\": \"torch\", "
                            "\"version\": \"2.13.0\", \"target\": \"torch\", \"oracle\": \"%s\", "
                            "\"seed\": \"7\", \"test\": 3, \"runs\": 4, \"repeats\": 3, "
                            "\"verdicts\": [{\"target\": \"torch\", \"version\": \"2.13.0\", "
                            "\"verdict\": \"finding\", \"oracle\": \"%s\", \"text\": \"wrong\", "
                            "\"compared\": 2%s}]}\n",
                            oracle, oracle, more));
}

static struct tensor tensor_of(const struct scene *s, enum dtype d, const real *values, size_t n)
{
    struct shape shape = {.rank = 1, .dim = {(int64_t)n}};
    struct tensor t = tensor_new(s->arena, d, &shape);
    dtype_store_many(d, t.data, n, values);
    return t;
}

/* A folder whose one output y has these values. program: of x, that makes y. */
struct values {
    enum dtype dtype;
    size_t n;
    real input[4], expected[4], bound[4], actual[4];
};

static void write_values(const struct scene *s, const char *program, const struct values *v)
{
    struct tensor x = tensor_of(s, v->dtype, v->input, v->n);
    struct named_tensor input = {"x", x};
    struct named_tensor outputs[] = {
        {"y.expected", tensor_of(s, v->dtype, v->expected, v->n)},
        {"y.bound", tensor_of(s, DTYPE_F64, v->bound, v->n)},
        {"y.actual", tensor_of(s, v->dtype, v->actual, v->n)},
    };
    write_text(s, "program.txt", program);
    write_text(s, "environment.json", environment);
    write_verdict(s, "value",
                  ", \"output\": \"y\", \"element\": \"[1]\", \"expected\": -2, \"actual\": -3, "
                  "\"bound\": 0.5, \"wrong\": 1");
    assert_int_equal(npz_write(arena_printf(s->arena, "%s/inputs.npz", s->folder), &input, 1),
                     ERR_OK);
    assert_int_equal(npz_write(arena_printf(s->arena, "%s/expected.npz", s->folder), outputs, 3),
                     ERR_OK);
}

static const char neg_f32[] = "# wrong\nx: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n";
static const struct values wrong_f32 = {.dtype = DTYPE_F32,
                                        .n = 2,
                                        .input = {1, 2},
                                        .expected = {-1, -2},
                                        .bound = {0.5, 0.5},
                                        .actual = {-1, -3}};

static struct scene scene_open(void)
{
    struct scene s = {.arena = arena_new()};
    s.folder = arena_strdup(s.arena, temporary_dir());
    write_values(&s, neg_f32, &wrong_f32);
    return s;
}

static void scene_close(struct scene *s)
{
    remove_dir(s->folder);
    arena_free(s->arena);
}

static struct record *read_record(const struct scene *s)
{
    struct record *r = NULL;
    if (record_read(s->folder, s->arena, &r) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    return r;
}

static struct record *read_values(const struct scene *s, const char *program,
                                  const struct values *v)
{
    write_values(s, program, v);
    return read_record(s);
}

/* ---- the record ---- */

static void record_has_what_the_files_say(void **state)
{
    struct scene s = scene_open();
    const struct record *r = read_record(&s);
    assert_string_equal(r->title, "neg gives -3 instead of -2");
    assert_string_equal(r->fault, "torch 2.13.0: neg: wrong");
    assert_false(r->is_titled);
    assert_string_equal(r->library, "torch");
    assert_int_equal(r->severity, SEVERITY_WRONG);
    assert_string_equal(r->seed, "7");
    assert_int_equal(r->test_index, 3);
    assert_int_equal(r->repeats, 3);
    assert_int_equal(r->rechecks, 4);
    assert_int_equal(r->n_runs, 1);
    assert_ptr_equal(r->culprit, &r->runs[0]);
    assert_string_equal(r->culprit->place, "y[1]");
    assert_string_equal(r->culprit->expected, "-2");
    assert_string_equal(r->culprit->actual, "-3");
    assert_string_equal(r->culprit->bound, "0.5");
    assert_true(r->max_abs == 1);
    assert_true(r->max_rel == 0.5);
    assert_true(r->times == 2);
    assert_string_equal(r->libraries[0].python, "CPython 3.11.2");
    assert_null(r->judgement);
    assert_null(r->script); /* no repro.py: no library to run */
    assert_false(r->is_blamed);
    assert_false(r->is_reduced);
    assert_int_equal(realism_count(&r->realism), REALISM_COUNT);
    scene_close(&s);
}

/* A program that nothing makes smaller is reduced, one for which there was no time is not. */
static void reduced_is_what_was_made_smaller(void **state)
{
    static const struct {
        const char *reduction;
        bool reduced;
    } cases[] = {
        {"null", false},
        {"{\"complete\": false, \"nodes_before\": 4, \"nodes_after\": 4, \"elements_before\": 9, "
         "\"elements_after\": 9}",
         false},
        {"{\"complete\": true, \"nodes_before\": 4, \"nodes_after\": 4, \"elements_before\": 9, "
         "\"elements_after\": 9}",
         true},
        {"{\"complete\": false, \"nodes_before\": 4, \"nodes_after\": 3, \"elements_before\": 9, "
         "\"elements_after\": 9}",
         true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s = scene_open();
        write_verdict(&s, "value",
                      arena_printf(s.arena, "}], \"reduction\": %s, \"more\": [{\"a\": 1",
                                   cases[i].reduction));
        assert_int_equal(read_record(&s)->is_reduced, cases[i].reduced);
        scene_close(&s);
    }
}

static void allowed_variables_tell_no_secret_and_no_path(void **state)
{
    static const struct {
        const char *name, *value;
        bool allowed;
    } cases[] = {
        {"ONEDNN_MAX_CPU_ISA", "AVX512_CORE", true},
        {"MALLOC_PERTURB_", "65", true},
        {"ATEN_CPU_CAPABILITY", "avx2", true},
        {"KMP_AFFINITY", "granularity=fine,compact,1,0", true},
        {"OMP_PLACES", "{0,1}; 'x'", true}, /* reports quote it */
        {"TORCHINDUCTOR_MAX_AUTOTUNE", "1", true},
        {"ORT_TEST", "1", true},
        {"MALLOC_PERTURB_X", "65", false}, /* a name of its own */
        {"AWS_SECRET_ACCESS_KEY", "x", false},
        {"GITHUB_TOKEN", "x", false},
        {"TORCH_HUB_TOKEN", "x", false},
        {"MKL_PASSWORD", "x", false},
        {"HOME", "x", false},
        {"LD_PRELOAD", "x.so", false},
        {"PYTHONPATH", "x", false},
        {"MY_OMP_X", "1", false},
        {"OMP_", "1", false}, /* nothing but the beginning */
        {"OMP_X Y", "1", false},
        {"OMP_X;id", "1", false},
        {"TORCH_HOME", "/srv/somebody/models", false},
        {"OMP_X", "a\nb", false},
        {"OMP_X", "\xff", false},
        {"OMP_X", "\"\"\"", false}, /* the end of a script's first text */
        {"OMP_X", "\\", false},
        {"OMP_X", "", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (environment_allows(cases[i].name, cases[i].value) != cases[i].allowed) {
            fail_msg("%s=%s", cases[i].name, cases[i].value);
        }
    }
    char large[512] = "";
    memset(large, 'x', sizeof(large) - 1);
    assert_false(environment_allows("OMP_X", large));
}

static void judgement_gives_the_title_and_the_issue(void **state)
{
    struct scene s = scene_open();
    write_text(&s, "judgement.md",
               "# neg is wrong for 2\n\n**Why it is a bug.** It is.\n\n"
               "**Reported:** https://example.org/1 (open)\n");
    const struct record *r = read_record(&s);
    assert_string_equal(r->title, "neg is wrong for 2");
    assert_string_equal(r->fault, "torch 2.13.0: neg: wrong");
    assert_string_equal(r->known_issue, "https://example.org/1 (open)");
    write_text(&s, "judgement.md", "# neg is wrong\n\n**Reported:** not so far as we know\n");
    r = read_record(&s);
    assert_null(r->known_issue);
    scene_close(&s);
}

static void blame_is_read(void **state)
{
    struct scene s = scene_open();
    write_text(&s, "blame.json",
               "{\"component\": \"optimizer A\", \"tried\": [{\"kind\": \"version\", \"what\": "
               "\"2.12.0\", \"target\": \"torch\", \"verdict\": \"pass\", \"text\": \"\"}], "
               "\"first_bad\": \"2.13.0\", \"last_good\": \"2.12.0\"}");
    const struct record *r = read_record(&s);
    assert_true(r->is_blamed);
    assert_string_equal(r->component, "optimizer A");
    assert_int_equal(r->n_trials, 1);
    assert_string_equal(r->trials[0].what, "2.12.0");
    assert_string_equal(r->last_good, "2.12.0");
    write_text(&s, "blame.json", "{\"component\": null, \"tried\": [], \"first_bad\": null}");
    r = read_record(&s);
    assert_true(r->is_blamed);
    assert_null(r->component);
    assert_null(r->last_good);
    scene_close(&s);
}

/* What was tried in another version than the finding's is said to be of that. */
static void blame_says_its_version(void **state)
{
    struct scene s = scene_open();
    for (int is_other = 0; is_other < 2; is_other++) {
        struct buffer text = BUFFER_INIT;
        write_text(
            &s, "blame.json",
            arena_printf(s.arena,
                         "{\"version\": \"%s\", \"tried\": [{\"kind\": \"threads\", \"what\": "
                         "\"threads=4\", \"target\": \"torch\", \"verdict\": \"finding\"}]}",
                         is_other ? "2.14.0" : "2.13.0"));
        report_print(report_format_of("faulty"), read_record(&s), &text);
        assert_non_null(strstr(text.data, "- with `threads=4`: fails\n"));
        assert_int_equal(strstr(text.data, "\nIn torch 2.14.0:\n\n- with") != NULL, is_other);
        assert_null(strstr(text.data, "In torch 2.13.0"));
        buffer_release(&text);
    }
    scene_close(&s);
}

static void broken_folders_are_named(void **state)
{
    static const struct {
        const char *file, *text; /* NULL: it is removed */
        const char *said;
    } cases[] = {
        {"verdict.json", NULL, "is no finding's folder"},
        {"verdict.json", "{", "verdict.json:1"},
        {"verdict.json", "[]", "it holds no object"},
        {"verdict.json", "{\"title\": \"t\"}", "it has no library"},
        {"verdict.json",
         "{\"title\": \"t\", \"library\": \"torch\", \"target\": \"torch\", \"oracle\": \"value\"}",
         "its verdicts have no row of torch"},
        {"program.txt", NULL, "program.txt"},
        {"program.txt", "x: f32[", "program.txt:1"},
        {"inputs.npz", NULL, "inputs.npz"},
        {"inputs.npz", "PK", "inputs.npz"},
        {"environment.json", NULL, "environment.json"},
        {"environment.json", "nothing", "environment.json:1"},
        {"blame.json", "{\"component\"", "blame.json:1"},
        {"expected.npz", "PK", "expected.npz"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s = scene_open();
        struct record *r;
        if (cases[i].text == NULL) {
            unlink(arena_printf(s.arena, "%s/%s", s.folder, cases[i].file));
        } else {
            write_text(&s, cases[i].file, cases[i].text);
        }
        if (record_read(s.folder, s.arena, &r) == ERR_OK ||
            strstr(err_text(), cases[i].said) == NULL || strchr(err_text(), '\n') != NULL) {
            fail_msg("case %zu: %s", i, err_text());
        }
        scene_close(&s);
    }
}

/* An output of another shape than the program's. */
static void arrays_of_another_form_are_named(void **state)
{
    struct scene s = scene_open();
    struct record *r;
    write_text(&s, "program.txt",
               "x: f32[2] = input\ny: f32[] = reduce_sum(x, axes=[0], "
               "keepdims=false)\noutput y\n");
    assert_int_equal(record_read(s.folder, s.arena, &r), ERR_INPUT);
    assert_non_null(strstr(err_text(), "y.expected"));
    scene_close(&s);
}

static void paths_of_a_machine_are_cut(void **state)
{
    struct scene s = scene_open();
    write_verdict(&s, "status",
                  ", \"phase\": \"run\", \"error_class\": \"Fail\", \"message\": \"at "
                  "/opt/me/env/lib/site-packages/torch/x.py and /onnxruntime_src/core/a.cc:3 in "
                  "'/tmp/me/model.onnx'\"");
    const struct record *r = read_record(&s);
    assert_string_equal(r->culprit->message,
                        "at site-packages/torch/x.py and /onnxruntime_src/core/a.cc:3 in "
                        "'model.onnx'");
    assert_int_equal(r->severity, SEVERITY_REFUSED);
    scene_close(&s);
}

/* ---- numbers ---- */

static void numbers_leave_out_what_is_not_compared(void **state)
{
    struct scene s = scene_open();
    struct values v = wrong_f32;
    v.bound[1] = NAN;
    const struct record *r = read_values(&s, neg_f32, &v);
    assert_true(r->max_abs == 0);
    assert_true(r->times == 0);
    v.bound[1] = 0;
    v.actual[1] = INFINITY;
    r = read_values(&s, neg_f32, &v);
    assert_true(isinf(r->max_abs));
    assert_true(isinf(r->times));
    v.expected[1] = INFINITY; /* and the two agree */
    r = read_values(&s, neg_f32, &v);
    assert_true(r->times == 0);
    unlink(arena_printf(s.arena, "%s/expected.npz", s.folder));
    r = read_record(&s);
    assert_true(isnan(r->times));
    assert_null(r->outputs);
    scene_close(&s);
}

static void filled_memory_is_known_by_its_byte(void **state)
{
    struct scene s = scene_open();
    struct values v = wrong_f32;
    uint32_t fresh = 0xbebebebe, freed = 0x41414141, near = 0xbebebebf;
    float fill;
    memcpy(&fill, &fresh, sizeof(fill));
    v.actual[1] = (real)fill;
    const struct record *r = read_values(&s, neg_f32, &v);
    assert_true(r->is_unwritten);
    assert_int_equal(r->variables.n, 1);
    assert_string_equal(r->variables.items[0], "MALLOC_PERTURB_=65");
    memcpy(&fill, &freed, sizeof(fill));
    v.actual[1] = (real)fill;
    assert_true(read_values(&s, neg_f32, &v)->is_unwritten);
    memcpy(&fill, &near, sizeof(fill)); /* one bit off */
    v.actual[1] = (real)fill;
    r = read_values(&s, neg_f32, &v);
    assert_false(r->is_unwritten);
    assert_int_equal(r->variables.n, 0);
    memcpy(&fill, &fresh, sizeof(fill)); /* the value, but right */
    v.actual[1] = v.expected[1] = (real)fill;
    assert_false(read_values(&s, neg_f32, &v)->is_unwritten);
    scene_close(&s);
}

/* ---- realism ---- */

static void realism_marks_fall_one_by_one(void **state)
{
    struct scene s = scene_open();
    struct values v = wrong_f32;
    assert_int_equal(realism_count(&read_values(&s, neg_f32, &v)->realism), 5);
    v.input[0] = 65535; /* ordinary still */
    assert_true(read_values(&s, neg_f32, &v)->realism.ordinary_magnitudes);
    v.input[0] = 65536;
    const struct record *r = read_values(&s, neg_f32, &v);
    assert_false(r->realism.ordinary_magnitudes);
    assert_true(r->realism.finite_inputs);
    v.input[0] = INFINITY;
    r = read_values(&s, neg_f32, &v);
    assert_false(r->realism.finite_inputs);
    assert_true(r->realism.ordinary_magnitudes); /* counted once */
    v = wrong_f32;
    r = read_values(&s,
                    "x: f32[2] = input\nw: f32[0] = const []\ny: f32[2] = neg(x)\n"
                    "z: f32[0] = neg(w)\noutput y\n",
                    &v);
    assert_false(r->realism.plain_shapes);
    r = read_values(&s,
                    "x: f32[2] = input\nr: f32[1,1,1,2] = reshape(x, shape=[1,1,1,2])\n"
                    "y: f32[2] = reshape(r, shape=[2])\noutput y\n",
                    &v);
    assert_true(r->realism.plain_shapes); /* four dims */
    r = read_values(&s,
                    "x: f32[2] = input\nr: f32[1,1,1,1,2] = reshape(x, shape=[1,1,1,1,2])\n"
                    "y: f32[2] = reshape(r, shape=[2])\noutput y\n",
                    &v);
    assert_false(r->realism.plain_shapes);
    write_text(&s, "repro.py", "import torch\ny = torch._neg_view(x)\n");
    assert_false(read_values(&s, neg_f32, &v)->realism.public_api);
    write_text(&s, "repro.py", "import torch\ny = torch.neg(x)\n");
    assert_true(read_values(&s, neg_f32, &v)->realism.public_api);
    scene_close(&s);
}

static void undefined_programs_are_not_valid(void **state)
{
    struct scene s = scene_open();
    struct values v = {
        .dtype = DTYPE_I64, .n = 2, .input = {4, 6}, .expected = {4, 3}, .actual = {4, 4}};
    static const char division[] = "x: i64[2] = input\nd: i64[2] = const [1, %d]\n"
                                   "y: i64[2] = floor_div(x, d)\noutput y\n";
    char text[256];
    snprintf(text, sizeof(text), division, 2);
    assert_true(read_values(&s, text, &v)->realism.valid);
    snprintf(text, sizeof(text), division, 0);
    assert_false(read_values(&s, text, &v)->realism.valid);
    scene_close(&s);
}

/* ---- PyTorch's rule ---- */

static void torch_rule_is_the_projects(void **state)
{
    struct scene s = scene_open();
    struct values v = wrong_f32;
    struct torch_rule rule = read_values(&s, neg_f32, &v)->torch_rule;
    assert_true(rule.applies);
    assert_true(rule.passes);
    v.actual[1] = -2.0001L; /* within 1e-4 + 1e-4 * 2 */
    rule = read_values(&s, neg_f32, &v)->torch_rule;
    assert_false(rule.passes);
    v.actual[1] = -2.001L;
    assert_true(read_values(&s, neg_f32, &v)->torch_rule.passes);
    v.bound[1] = NAN; /* not compared */
    assert_false(read_values(&s, neg_f32, &v)->torch_rule.passes);
    v.bound[1] = 0;
    v.actual[1] = NAN;
    assert_true(read_values(&s, neg_f32, &v)->torch_rule.passes);
    v.expected[1] = NAN;
    assert_false(read_values(&s, neg_f32, &v)->torch_rule.passes);
    write_verdict(&s, "status", ", \"phase\": \"run\", \"message\": \"no\"");
    assert_false(read_record(&s)->torch_rule.applies); /* no values to compare */
    scene_close(&s);
}

/* Rounding a half may cost 2^-9 of its value: an error of the same size three times over is what
 * the rule allows, more is a fault. sqrt(2) = 1.41421, nearest bf16 1.4140625. */
static void torch_rule_lets_halves_round(void **state)
{
    struct scene s = scene_open();
    struct values v = {.dtype = DTYPE_BF16,
                       .n = 2,
                       .input = {2, 3},
                       .expected = {1.4140625L, 1.734375L},
                       .bound = {0, 0},
                       .actual = {1.4140625L, 1.734375L}};
    static const char square_root[] = "x: bf16[2] = input\ny: bf16[2] = sqrt(x)\noutput y\n";
    v.actual[1] = 1.7265625L; /* sqrt(3) = 1.73205: off by 0.0055; rounded: by 0.0023 */
    assert_false(read_values(&s, square_root, &v)->torch_rule.passes);
    v.actual[1] = 1.71875L; /* off by 0.0133 */
    assert_true(read_values(&s, square_root, &v)->torch_rule.passes);
    scene_close(&s);
}

static void indices_of_extremes_are_not_compared(void **state)
{
    struct scene s = scene_open();
    const char *program = "x: f32[2] = input\ni: i64[1] = arg_max(x, axis=0, keepdims=true)\n"
                          "output i\n";
    int64_t one = 1, zero = 0;
    double bound = 0;
    struct shape shape = {.rank = 1, .dim = {1}};
    struct named_tensor outputs[] = {
        {"i.expected", {DTYPE_I64, shape, &one}},
        {"i.bound", {DTYPE_F64, shape, &bound}},
        {"i.actual", {DTYPE_I64, shape, &zero}},
    };
    write_text(&s, "program.txt", program);
    assert_int_equal(npz_write(arena_printf(s.arena, "%s/expected.npz", s.folder), outputs, 3),
                     ERR_OK);
    struct torch_rule rule = read_record(&s)->torch_rule;
    assert_false(rule.passes);
    assert_non_null(strstr(rule.text, "indices"));
    scene_close(&s);
}

/* ---- the order ---- */

/* Each is just behind the one before it. */
static void the_order_is_the_documented_one(void **state)
{
    static const struct rank ranks[] = {
        {SEVERITY_WRONG, 5, INFINITY, 1, 9},
        {SEVERITY_WRONG, 5, 1000, 1, 9},
        {SEVERITY_WRONG, 5, 12, 8, 9},
        {SEVERITY_WRONG, 5, 99, 7, 9}, /* a power of ten */
        {SEVERITY_WRONG, 5, 10, 7, 10},
        {SEVERITY_WRONG, 5, 9.9, 99, 1},
        {SEVERITY_WRONG, 4, 1e9, 99, 1},
        {SEVERITY_CRASH, 5, NAN, 99, 1},
        {SEVERITY_CRASH, 5, NAN, 98, 1},
        {SEVERITY_GRADIENT, 5, 1e9, 99, 1},
        {SEVERITY_REFUSED, 5, NAN, 99, 1},
        {SEVERITY_SLOW, 5, NAN, 99, 1},
        {SEVERITY_WRONG, 5, INFINITY, 99, 1, .is_gone = true},
        {SEVERITY_WRONG, 5, INFINITY, 99, 1, .is_tolerated = true},
        {SEVERITY_WRONG, 5, INFINITY, 99, 1, .is_gone = true, .is_tolerated = true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ranks); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(ranks); k++) {
            int order = rank_compare(&ranks[i], &ranks[k]);
            if ((order < 0) != (i < k) || (order == 0) != (i == k)) {
                fail_msg("%zu against %zu: %d", i, k, order);
            }
        }
    }
    assert_int_equal(severity_of("value"), SEVERITY_WRONG);
    assert_int_equal(severity_of("shape"), SEVERITY_WRONG);
    assert_int_equal(severity_of("side_effects"), SEVERITY_WRONG);
    assert_int_equal(severity_of("crash"), SEVERITY_CRASH);
    assert_int_equal(severity_of("status"), SEVERITY_REFUSED);
    assert_int_equal(severity_of("hang"), SEVERITY_SLOW);
}

/* ---- formats ---- */

static void every_format_prints_every_record(void **state)
{
    struct scene s = scene_open();
    const struct record *r = read_record(&s);
    for (size_t i = 0; i < report_format_count; i++) {
        struct buffer text = BUFFER_INIT;
        report_print(report_format_table[i], r, &text);
        assert_non_null(strstr(text.data, "torch 2.13.0"));
        assert_null(strstr(text.data, s.folder));
        buffer_release(&text);
        const struct report_format *found;
        assert_int_equal(report_format_find(report_format_table[i]->name, &found), ERR_OK);
        assert_ptr_equal(found, report_format_table[i]);
    }
    assert_string_equal(report_format_of("torch")->name, "pytorch");
    assert_string_equal(report_format_of("onnxruntime")->name, "onnxruntime");
    assert_string_equal(report_format_of("faulty")->name, "markdown");
    const struct report_format *none;
    assert_int_equal(report_format_find("html", &none), ERR_USAGE);
    scene_close(&s);
}

/* A message may hold what Markdown reads as its own. */
static void texts_do_not_break_the_form(void **state)
{
    struct scene s = scene_open();
    write_verdict(&s, "status", ", \"phase\": \"run\", \"message\": \"a | b\\n```\\nc\"");
    struct buffer text = BUFFER_INIT;
    report_print(report_format_of("faulty"), read_record(&s), &text);
    assert_non_null(strstr(text.data, "````\na | b\n```\nc\n````"));
    buffer_release(&text);
    scene_close(&s);
}

/* Of the modules whose frames are shown: those behind the interpreter's are not. */
static void offsets_stand_beside_their_build_ids(void **state)
{
    struct scene s = scene_open();
    write_verdict(
        &s, "crash",
        ", \"signal\": 11, \"frames\": [\"a.so+0x1+0x2\", \"f\", \"Py_Main\", \"c.so+0x1\"], "
        "\"modules\": \"a.so: 12ab\\nb.so: 34\\nc.so: 56\\n\"");
    struct buffer text = BUFFER_INIT;
    report_print(report_format_of("faulty"), read_record(&s), &text);
    assert_non_null(strstr(text.data, "#0 a.so+0x1+0x2\n#1 f\n(then the interpreter)\n"
                                      "build id of a.so: 12ab\n```\n"));
    buffer_release(&text);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_has_what_the_files_say),
        cmocka_unit_test(reduced_is_what_was_made_smaller),
        cmocka_unit_test(allowed_variables_tell_no_secret_and_no_path),
        cmocka_unit_test(judgement_gives_the_title_and_the_issue),
        cmocka_unit_test(blame_is_read),
        cmocka_unit_test(blame_says_its_version),
        cmocka_unit_test(broken_folders_are_named),
        cmocka_unit_test(arrays_of_another_form_are_named),
        cmocka_unit_test(paths_of_a_machine_are_cut),
        cmocka_unit_test(numbers_leave_out_what_is_not_compared),
        cmocka_unit_test(filled_memory_is_known_by_its_byte),
        cmocka_unit_test(realism_marks_fall_one_by_one),
        cmocka_unit_test(undefined_programs_are_not_valid),
        cmocka_unit_test(torch_rule_is_the_projects),
        cmocka_unit_test(torch_rule_lets_halves_round),
        cmocka_unit_test(indices_of_extremes_are_not_compared),
        cmocka_unit_test(the_order_is_the_documented_one),
        cmocka_unit_test(every_format_prints_every_record),
        cmocka_unit_test(texts_do_not_break_the_form),
        cmocka_unit_test(offsets_stand_beside_their_build_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
