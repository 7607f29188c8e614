/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: the verdict table, titles, and findings as folders. Runs are written by hand here, so
 * that the exact text is known; what targets really do is tested where they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "report/report.h"

/* ---- a finding made by hand ---- */

enum { TARGETS_MAX = 3 };
struct scene {
    struct arena *arena;
    struct test *test;
    struct target targets[TARGETS_MAX];
    struct target *list[TARGETS_MAX];
    struct outcome outcomes[TARGETS_MAX];
    struct verdict verdicts[TARGETS_MAX];
    struct failure failure;
    struct reduction reduction;
    struct finding_files files;
};

static const struct target_kind *kind(const char *name)
{
    for (size_t i = 0; i < target_kind_count; i++) {
        if (strcmp(target_kind_table[i]->name, name) == 0) {
            return target_kind_table[i];
        }
    }
    fail_msg("no target kind %s", name);
    return NULL;
}

static struct test *parse(const char *text, struct arena *arena)
{
    struct program *p;
    if (program_parse("test", text, strlen(text), arena, &p) != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    struct test *test = arena_zalloc(arena, sizeof(*test));
    *test = (struct test){.seed = UINT64_MAX,
                          .index = 77,
                          .program = p,
                          .n_inputs = program_n_inputs(p),
                          .placement = PLACE_END,
                          .policy = "special"};
    test->inputs = ARENA_ARRAY(arena, struct tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        const struct value *v = &p->values[program_input(p, k)];
        test->inputs[k] = tensor_new(arena, v->dtype, &v->shape);
        for (size_t i = 0; i < shape_numel(&v->shape); i++) {
            dtype_store(v->dtype, test->inputs[k].data, i, (real)i / 4);
        }
    }
    return test;
}

/* The reference's own values: a run that passes. */
static struct outcome right_outcome(struct scene *s)
{
    const struct program *p = s->test->program;
    struct outcome o = {.kind = OUTCOME_OK, .n_outputs = p->n_outputs, .message = "", .log = ""};
    o.outputs = ARENA_ARRAY(s->arena, struct tensor, p->n_outputs);
    for (uint32_t k = 0; k < p->n_outputs; k++) {
        o.outputs[k] =
            tensor_from_array(s->arena, &reference_values(s->files.reference)[p->outputs[k]]);
    }
    return o;
}

static void judge_all(struct scene *s)
{
    for (size_t t = 0; t < s->files.n_targets; t++) {
        const struct judgement j = {.test = s->test,
                                    .reference = s->files.reference,
                                    .target = s->list[t],
                                    .outcome = &s->outcomes[t],
                                    .arena = s->arena};
        judge(&j, &s->verdicts[t]);
    }
    s->failure.verdict = s->verdicts[s->files.culprit];
    s->failure.signature =
        failure_signature(&s->failure.verdict, &s->outcomes[s->files.culprit], s->arena);
}

static void scene_open(struct scene *s, const char *program)
{
    static const char *const texts[TARGETS_MAX] = {"onnxruntime:opt=all@/home/somebody/env",
                                                   "onnxruntime:opt=none", "torch"};
    static const char *const options[TARGETS_MAX] = {"opt=all", "opt=none", ""};
    *s = (struct scene){.arena = arena_new()};
    s->test = parse(program, s->arena);
    s->files = (struct finding_files){
        .test = s->test,
        .original = s->test,
        .targets = s->list,
        .outcomes = s->outcomes,
        .verdicts = s->verdicts,
        .n_targets = TARGETS_MAX,
        .reference = reference_new(s->test, s->arena),
        .failure = &s->failure,
    };
    s->failure = (struct failure){.test = s->test, .runs = 3, .repeats = 3};
    for (size_t t = 0; t < TARGETS_MAX; t++) {
        bool torch = strcmp(texts[t], "torch") == 0;
        s->targets[t] = (struct target){.kind = kind(torch ? "torch" : "onnxruntime"),
                                        .text = texts[t],
                                        .options = options[t],
                                        .version = torch ? "2.13.0+cpu" : "1.31.1",
                                        .onnx = {.opset = 21, .ir = 10}};
        s->list[t] = &s->targets[t];
        s->outcomes[t] = right_outcome(s);
    }
}

static void scene_close(struct scene *s)
{
    arena_free(s->arena);
}

static const char relu_clip[] = "x: f64[2] = input\n"
                                "r: f64[2] = relu(x)\n"
                                "y: f64[2] = clip(r, min=0.0, max=1.0)\n"
                                "output y\n";

static void relu_clip_scene(struct scene *s)
{
    scene_open(s, relu_clip);
    s->outcomes[0] = (struct outcome){
        .kind = OUTCOME_ERROR,
        .phase = "load",
        .error_class = "Fail",
        .message = "relu_clip_fusion.cc:83 Unexpected data type for Clip 'min' input of 11\n",
        .log = "",
    };
    judge_all(s);
}

static void wrong_value_scene(struct scene *s)
{
    scene_open(s, "x: f32[2,3] = input\ny: f32[2,3] = neg(x)\noutput y\n");
    ((float *)s->outcomes[0].outputs[0].data)[4] = 5;
    judge_all(s);
}

/* ---- the table and the title ---- */

static const char *table_of(const struct scene *s, bool colour)
{
    struct buffer text = BUFFER_INIT;
    verdict_table_print(&s->files, colour, &text);
    const char *table = arena_strdup(s->arena, text.data);
    buffer_release(&text);
    return table;
}

static void table_shows_an_error_in_words(void **state)
{
    struct scene s;
    relu_clip_scene(&s);
    assert_string_equal(table_of(&s, false),
                        "target                                  verdict  oracle\n"
                        "onnxruntime:opt=all@/home/somebody/env  finding  status\n"
                        "onnxruntime:opt=none                    pass\n"
                        "torch                                   pass\n"
                        "onnxruntime:opt=all@/home/somebody/env: load refused a valid program: "
                        "relu_clip_fusion.cc:83 Unexpected data type for Clip 'min' input of 11\n");
    scene_close(&s);
}

static void table_shows_the_worst_element_of_a_value(void **state)
{
    struct scene s;
    wrong_value_scene(&s);
    const char *table = table_of(&s, false);
    assert_non_null(strstr(table, "worst element"));
    assert_non_null(strstr(table, "y[1,1]"));
    assert_non_null(strstr(table, "  -1  "));
    assert_non_null(strstr(table, "  5  "));
    assert_null(strstr(table, "\033"));
    assert_non_null(strstr(table_of(&s, true), "\033[31mfinding\033[0m"));
    scene_close(&s);
}

static void title_says_what_fails_and_what_does_not(void **state)
{
    struct scene s;
    relu_clip_scene(&s);
    assert_string_equal(finding_title(&s.files, s.arena),
                        "onnxruntime 1.31.1: relu(f64) -> clip(f64): load fails with "
                        "\"relu_clip_fusion.cc:83 Unexpected data type for Clip 'min' input of "
                        "11\" at opt=all; opt=none passes");
    /* Of a long one the part that says the reason. */
    s.outcomes[0].message =
        "[ONNXRuntimeError] : 1 : FAIL : Exception during initialization: /src/a/long/way/to/the/"
        "optimizer/relu_clip_fusion.cc:83 Unexpected data type for Clip 'min' input of 11\nat x";
    assert_string_equal(finding_title(&s.files, s.arena),
                        "onnxruntime 1.31.1: relu(f64) -> clip(f64): load fails with "
                        "\"Unexpected data type for Clip 'min' input of 11\" at opt=all; opt=none "
                        "passes");
    static const struct {
        const char *message, *reason;
    } cases[] = {
        {"[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Resize node. "
         "Name:'' Status Message: upsamplebase.h:579 ScalesValidation 'Cubic' mode only "
         "supports:\n "
         "* 2-D inputs\nin the Resize operator\n",
         "ScalesValidation 'Cubic' mode only supports:"},
        {"[ONNXRuntimeError] : 1 : FAIL : Exception during initialization: "
         "/src/pool_attributes.h:88 "
         "onnxruntime::PoolAttributes::PoolAttributes(const KernelInfoType&, int) [with "
         "KernelInfoType = onnxruntime::OpKernelInfo] pads[dim] < kernel_shape[dim] was false. Pad "
         "should be smaller than kernel.\n\n",
         "Pad should be smaller than kernel."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        s.outcomes[0].message = cases[i].message;
        const char *said = arena_printf(s.arena, "load fails with \"%s\" at", cases[i].reason);
        assert_non_null(strstr(finding_title(&s.files, s.arena), said));
    }
    s.outcomes[0].message =
        "the library says more than a title holds and a a a a a a a a a a a a a a a a a a a a a "
        "b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b";
    assert_non_null(strstr(finding_title(&s.files, s.arena), "b b ...\" at"));
    scene_close(&s);
    wrong_value_scene(&s);
    assert_string_equal(finding_title(&s.files, s.arena),
                        "onnxruntime 1.31.1: neg(f32): wrong result: -1 expected, 5 came back at "
                        "opt=all; opt=none passes");
    s.outcomes[0] = (struct outcome){.kind = OUTCOME_CRASH, .signal = 11, .message = "", .log = ""};
    judge_all(&s);
    assert_string_equal(
        finding_title(&s.files, s.arena),
        "onnxruntime 1.31.1: neg(f32): crash (SIGSEGV) at opt=all; opt=none passes");
    scene_close(&s);
}

/* ---- folders ---- */

struct folder {
    char path[64];
};

static struct folder folder_new(void)
{
    struct folder f = {"/tmp/opjury-report-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

static void folder_remove(const struct folder *f)
{
    static const char *const names[] = {"program.txt",  "inputs.npz",       "expected.npz",
                                        "model.onnx",   "repro.py",         "verdict.txt",
                                        "verdict.json", "environment.json", "original.txt",
                                        "original.npz", "inputs_before.npz"};
    char path[128];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->path), 0); /* nothing else was written */
}

static bool has_file(const struct folder *f, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    return file_exists(path);
}

static char *file_text(const struct folder *f, const char *name)
{
    char path[128];
    struct buffer text = BUFFER_INIT;
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    assert_int_equal(file_read(path, 0, &text), ERR_OK);
    size_t size;
    return buffer_detach(&text, &size);
}

static json_t *file_json(const struct folder *f, const char *name)
{
    char *text = file_text(f, name);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    assert_non_null(text);
    return text;
}

static void folder_holds_what_its_readers_need(void **state)
{
    static const char *const names[] = {"program.txt",  "inputs.npz",      "expected.npz",
                                        "model.onnx",   "repro.py",        "verdict.txt",
                                        "verdict.json", "environment.json"};
    struct scene s;
    struct folder f = folder_new();
    relu_clip_scene(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!has_file(&f, names[i])) {
            fail_msg("no %s", names[i]);
        }
    }
    assert_false(has_file(&f, "original.txt"));
    char *table = file_text(&f, "verdict.txt");
    assert_null(strstr(table, "somebody")); /* no path of a machine */
    free(table);
    char *repro = file_text(&f, "repro.py");
    assert_non_null(strstr(repro, "Unexpected data type for Clip"));
    free(repro);
    folder_remove(&f);
    scene_close(&s);
}

/* At an older opset ONNX Runtime infers other shapes of pools: the fault would not show. */
static void the_model_is_of_the_opset_that_failed(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    relu_clip_scene(&s);
    s.targets[0].onnx = (struct onnx_version){.opset = 22, .ir = 10};
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    char *repro = file_text(&f, "repro.py");
    assert_non_null(strstr(repro, "An ONNX model of opset 22"));
    free(repro);
    folder_remove(&f);
    scene_close(&s);
}

static void the_script_runs_what_the_target_was(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    relu_clip_scene(&s);
    s.targets[0].options = "opt=basic,threads=2,disable=Some+Pad_Fusion";
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    char *repro = file_text(&f, "repro.py");
    assert_non_null(strstr(repro, "ORT_ENABLE_BASIC"));
    assert_non_null(strstr(repro, "intra_op_num_threads = 2"));
    assert_non_null(strstr(repro, "disabled_optimizers=[\"Some\", \"Pad_Fusion\"])\n"));
    free(repro);
    folder_remove(&f);
    scene_close(&s);
}

static void a_folder_says_what_it_claims_and_what_is_to_blame(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    struct finding_claim claim;
    struct blame_try tries[] = {{.kind = "level",
                                 .what = "opt=none",
                                 .target = "onnxruntime:opt=none",
                                 .verdict = VERDICT_PASS,
                                 .text = "a \xff byte"}};
    const struct blame blame = {
        .component = "opt>=basic", .text = "It shows.", .tries = tries, .n_tries = 1};
    relu_clip_scene(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    assert_int_equal(finding_claim_read(f.path, s.arena, &claim), ERR_OK);
    assert_string_equal(claim.target, "onnxruntime:opt=all");
    assert_string_equal(claim.oracle, "status");
    assert_memory_equal(claim.signature, "status load", 11);
    assert_int_equal(blame_write(f.path, &blame), ERR_OK);
    json_t *root = file_json(&f, "blame.json");
    assert_string_equal(text_of(root, "component"), "opt>=basic");
    assert_true(json_is_null(json_object_get(root, "first_bad")));
    const json_t *row = json_array_get(json_object_get(root, "tried"), 0);
    assert_string_equal(text_of(row, "verdict"), "pass");
    assert_string_equal(text_of(row, "text"), "a ? byte");
    json_decref(root);
    /* Of what the folder holds next nothing is known. */
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    assert_false(has_file(&f, "blame.json"));
    folder_remove(&f);
    scene_close(&s);
}

static void variables_of_the_environment_are_set(void **state)
{
    static const char text[] =
        "{\"variables\": {\"OMP_TEST\": \"a b\", \"KMP_OTHER\": 3, \"LD_TEST\": \"x\", "
        "\"OMP_TOOL_LIBRARIES\": \"/tmp/evil.so\"}}";
    struct arena *arena = arena_new();
    struct folder f = folder_new();
    char path[128];
    snprintf(path, sizeof(path), "%s/environment.json", f.path);
    assert_int_equal(finding_set_variables(f.path, arena), ERR_OK); /* no file, no variables */
    assert_int_equal(file_write(path, text, strlen(text)), ERR_OK);
    assert_int_equal(finding_set_variables(f.path, arena), ERR_OK);
    assert_string_equal(getenv("OMP_TEST"), "a b");
    assert_null(getenv("KMP_OTHER"));
    assert_null(getenv("LD_TEST")); /* a folder of others must not choose what is loaded */
    assert_null(getenv("OMP_TOOL_LIBRARIES"));
    unsetenv("OMP_TEST");
    assert_int_equal(file_write(path, "[]", 2), ERR_OK);
    assert_int_equal(finding_set_variables(f.path, arena), ERR_INPUT);
    folder_remove(&f);
    arena_free(arena);
}

/* What the campaign ran with stands in the folder; what its workers set for themselves does not. */
static void folder_holds_the_variables_it_was_found_with(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    wrong_value_scene(&s);
    setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
    setenv("OMP_NUM_THREADS", "8", 1); /* a worker has 1, whatever this says */
    setenv("TORCH_SECRET_TEST", "x", 1);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    unsetenv("ONEDNN_MAX_CPU_ISA");
    unsetenv("OMP_NUM_THREADS");
    unsetenv("TORCH_SECRET_TEST");
    json_t *root = file_json(&f, "environment.json");
    const json_t *variables = json_object_get(root, "variables");
    assert_string_equal(text_of(variables, "ONEDNN_MAX_CPU_ISA"), "AVX2");
    assert_null(json_object_get(variables, "OMP_NUM_THREADS"));
    assert_null(json_object_get(variables, "TORCH_SECRET_TEST"));
    assert_null(json_object_get(variables, "PATH"));
    json_decref(root);
    char *repro = file_text(&f, "repro.py");
    assert_non_null(strstr(repro, "\nRun it as ONEDNN_MAX_CPU_ISA=AVX2 python repro.py:\n"));
    free(repro);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    root = file_json(&f, "environment.json");
    assert_null(json_object_get(root, "variables"));
    json_decref(root);
    folder_remove(&f);
    scene_close(&s);
}

static void verdict_json_has_the_table_and_the_origin(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    wrong_value_scene(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    json_t *root = file_json(&f, "verdict.json");
    assert_string_equal(text_of(root, "library"), "onnxruntime");
    assert_string_equal(text_of(root, "target"), "onnxruntime:opt=all");
    assert_string_equal(text_of(root, "oracle"), "value");
    assert_string_equal(text_of(root, "seed"), "18446744073709551615");
    assert_int_equal(json_integer_value(json_object_get(root, "test")), 77);
    assert_int_equal(json_integer_value(json_object_get(root, "repeats")), 3);
    const json_t *rows = json_object_get(root, "verdicts");
    assert_int_equal(json_array_size(rows), TARGETS_MAX);
    const json_t *bad = json_array_get(rows, 0);
    assert_string_equal(text_of(bad, "verdict"), "finding");
    assert_string_equal(text_of(bad, "element"), "[1,1]");
    assert_true(json_number_value(json_object_get(bad, "expected")) == -1);
    assert_true(json_number_value(json_object_get(bad, "actual")) == 5);
    assert_int_equal(json_integer_value(json_object_get(bad, "wrong")), 1);
    assert_string_equal(text_of(json_array_get(rows, 2), "verdict"), "pass");
    json_decref(root);
    folder_remove(&f);
    scene_close(&s);
}

static void nothing_tells_whose_machine_it_was(void **state)
{
    static const char *const names[] = {"verdict.json", "environment.json", "program.txt",
                                        "repro.py"};
    struct scene s;
    struct folder f = folder_new();
    char host[256] = "";
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    wrong_value_scene(&s);
    s.targets[0].python = s.targets[1].python = "/usr/bin/python3";
    s.targets[2].python = "/nowhere/somebody/bin/python";
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *text = file_text(&f, names[i]);
        assert_null(strstr(text, "somebody"));
        assert_null(strstr(text, f.path));
        if (strlen(host) > 3) {
            assert_null(strstr(text, host));
        }
        free(text);
    }
    json_t *root = file_json(&f, "environment.json");
    assert_non_null(json_object_get(root, "cpu"));
    assert_non_null(json_object_get(root, "kernel"));
    const json_t *first = json_array_get(json_object_get(root, "targets"), 0);
    assert_string_equal(text_of(first, "version"), "1.31.1");
    assert_memory_equal(text_of(first, "python"), "CPython 3.", 10);
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(root, "targets"), 2),
                                             "python"))); /* cannot be run */
    json_decref(root);
    folder_remove(&f);
    scene_close(&s);
}

static void any_bytes_in_messages_give_valid_json(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    relu_clip_scene(&s);
    s.outcomes[0].message = "broken \xff\xfe bytes and \"quotes\" \\ and \x01";
    judge_all(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    json_decref(file_json(&f, "verdict.json"));
    folder_remove(&f);
    scene_close(&s);
}

static void special_values_survive_in_json(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    scene_open(&s, "x: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n");
    ((float *)s.outcomes[0].outputs[0].data)[1] = __builtin_nanf("");
    judge_all(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    json_t *root = file_json(&f, "verdict.json");
    const json_t *row = json_array_get(json_object_get(root, "verdicts"), 0);
    assert_string_equal(text_of(row, "actual"), "nan");
    json_decref(root);
    folder_remove(&f);
    scene_close(&s);
}

/* ---- reading back ---- */

static const char all_dtypes[] = "a: f16[3] = input\n"
                                 "b: bf16[2,1] = input\n"
                                 "c: i64[2] = input\n"
                                 "d: bool[] = input\n"
                                 "w: f32[2] = const [nan, -0.0]\n"
                                 "e: f16[3] = neg(a)\n"
                                 "g: bf16[2,1] = neg(b)\n"
                                 "h: i64[2] = neg(c)\n"
                                 "k: f32[] = cast(d, to=f32)\n"
                                 "m: f32[2] = add(k, w)\n"
                                 "output e, g, h, m\n";

static void a_test_comes_back_bit_for_bit(void **state)
{
    struct scene s;
    struct test *back;
    struct folder f = folder_new();
    scene_open(&s, all_dtypes);
    s.outcomes[0] = (struct outcome){.kind = OUTCOME_HANG, .message = "no answer", .log = ""};
    judge_all(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    assert_int_equal(finding_read(f.path, "program", s.arena, &back), ERR_OK);
    assert_true(program_hash(back->program) == program_hash(s.test->program));
    assert_int_equal(back->n_inputs, s.test->n_inputs);
    for (uint32_t k = 0; k < back->n_inputs; k++) {
        assert_true(tensor_equal(&back->inputs[k], &s.test->inputs[k]));
    }
    assert_true(back->seed == UINT64_MAX);
    assert_int_equal(back->index, 77);
    assert_int_equal(back->placement, PLACE_END);
    assert_string_equal(back->policy, "special");
    assert_int_equal(finding_read(f.path, "original", s.arena, &back), ERR_MISSING);

    const char *const *labels;
    size_t n;
    assert_int_equal(finding_targets(f.path, s.arena, &labels, &n), ERR_OK);
    assert_int_equal(n, TARGETS_MAX);
    assert_string_equal(labels[0], "onnxruntime:opt=all");
    assert_string_equal(labels[2], "torch");
    folder_remove(&f);
    scene_close(&s);
}

static void a_test_alone_can_be_run_again(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    scene_open(&s, all_dtypes);
    assert_int_equal(test_write(f.path, "as it was", s.test), ERR_OK);
    struct buffer text = BUFFER_INIT;
    struct program *back;
    struct named_tensor *items;
    size_t n;
    assert_int_equal(file_read(arena_printf(s.arena, "%s/program.txt", f.path), 0, &text), ERR_OK);
    assert_memory_equal(text.data, "# as it was\n", 12);
    assert_int_equal(program_parse("back", text.data, text.size, s.arena, &back), ERR_OK);
    assert_true(program_hash(back) == program_hash(s.test->program));
    assert_int_equal(npz_read(arena_printf(s.arena, "%s/inputs.npz", f.path), s.arena, &items, &n),
                     ERR_OK);
    assert_int_equal(n, s.test->n_inputs);
    for (size_t k = 0; k < n; k++) {
        const struct tensor *was = &s.test->inputs[k]; /* bf16 comes back as its bits */
        assert_memory_equal(items[k].tensor.data, was->data,
                            shape_numel(&was->shape) * dtype_size(was->dtype));
    }
    buffer_release(&text);
    folder_remove(&f);
    scene_close(&s);
}

static void a_reduced_finding_keeps_what_was_found(void **state)
{
    struct scene s;
    struct test *back;
    struct folder f = folder_new();
    relu_clip_scene(&s);
    struct test *original = parse("x: f64[2,2] = input\n"
                                  "n: f64[2,2] = neg(x)\n"
                                  "r: f64[2,2] = relu(n)\n"
                                  "y: f64[2,2] = clip(r, min=0.0, max=1.0)\n"
                                  "output y\n",
                                  s.arena);
    s.reduction = (struct reduction){.test = s.test, .runs = 9, .complete = true};
    s.files.original = original;
    s.files.reduction = &s.reduction;
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    assert_int_equal(finding_read(f.path, "original", s.arena, &back), ERR_OK);
    assert_true(program_hash(back->program) == program_hash(original->program));
    json_t *root = file_json(&f, "verdict.json");
    const json_t *reduction = json_object_get(root, "reduction");
    assert_int_equal(json_integer_value(json_object_get(reduction, "nodes_before")), 3);
    assert_int_equal(json_integer_value(json_object_get(reduction, "nodes_after")), 2);
    assert_int_equal(json_integer_value(json_object_get(reduction, "elements_before")), 16);
    assert_int_equal(json_integer_value(json_object_get(reduction, "elements_after")), 6);
    json_decref(root);
    folder_remove(&f);
    scene_close(&s);
}

/* Where a process died is in the JSON, and how in the title. */
static void a_death_is_told(void **state)
{
    struct scene s;
    struct folder f = folder_new();
    scene_open(&s, "x: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n");
    s.outcomes[0] = (struct outcome){.kind = OUTCOME_CRASH,
                                     .signal = 11,
                                     .n_frames = 2,
                                     .frames = {"kernel", "library.so+0x12"},
                                     .message = "",
                                     .log = ""};
    judge_all(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    json_t *root = file_json(&f, "verdict.json");
    const json_t *row = json_array_get(json_object_get(root, "verdicts"), 0);
    const json_t *frames = json_object_get(row, "frames");
    assert_int_equal(json_integer_value(json_object_get(row, "signal")), 11);
    assert_int_equal(json_array_size(frames), 2);
    assert_string_equal(json_string_value(json_array_get(frames, 1)), "library.so+0x12");
    json_decref(root);
    folder_remove(&f);

    s.outcomes[0] =
        (struct outcome){.kind = OUTCOME_CRASH, .exit_status = 3, .message = "", .log = ""};
    judge_all(&s);
    assert_non_null(
        strstr(finding_title(&s.files, s.arena), "neg(f32): the process exits with status 3"));
    s.outcomes[0] = right_outcome(&s);
    s.outcomes[0].input_changed = true;
    judge_all(&s);
    assert_non_null(strstr(finding_title(&s.files, s.arena), "an input tensor was changed"));
    scene_close(&s);
}

/* A session ran other shapes first: they come back with the test, and repro.py runs them. */
static void the_shapes_before_come_back(void **state)
{
    struct scene s;
    struct test *back;
    struct folder f = folder_new();
    scene_open(&s, "x: f32[2,3] = input\ny: f32[3,2] = transpose(x, perm=[1,0])\noutput y\n");
    s.test->before =
        parse("x: f32[2,5] = input\ny: f32[5,2] = transpose(x, perm=[1,0])\noutput y\n", s.arena);
    s.targets[0].dynamic = true;
    ((float *)s.outcomes[0].outputs[0].data)[4] = 5;
    judge_all(&s);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    assert_int_equal(finding_read(f.path, "program", s.arena, &back), ERR_OK);
    assert_true(program_hash(back->program) == program_hash(s.test->program));
    assert_non_null(back->before);
    assert_true(program_hash(back->before->program) == program_hash(s.test->before->program));
    assert_int_equal(back->before->n_inputs, 1);
    assert_true(tensor_equal(&back->before->inputs[0], &s.test->before->inputs[0]));
    char *repro = file_text(&f, "repro.py");
    assert_non_null(strstr(repro, "run_session(session, other_inputs)"));
    free(repro);

    /* Inputs of shapes that the program cannot have are no test. */
    const struct named_tensor wrong = {"x",
                                       tensor_new(s.arena, DTYPE_F32, &(struct shape){1, {2}})};
    const char *path = arena_printf(s.arena, "%s/inputs_before.npz", f.path);
    assert_int_equal(npz_write(path, &wrong, 1), ERR_OK);
    assert_int_not_equal(finding_read(f.path, "program", s.arena, &back), ERR_OK);
    assert_null(strchr(err_text(), '\n'));

    /* Made smaller, it needs no other shapes: none are left in the folder. */
    s.test->before = NULL;
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    assert_int_equal(finding_read(f.path, "program", s.arena, &back), ERR_OK);
    assert_null(back->before);
    folder_remove(&f);
    scene_close(&s);
}

/* Not every program has an ONNX form, not every target a script, not every test was reduced: what a
 * folder held of another finding must not stand beside this one's files. */
static void nothing_of_before_is_left(void **state)
{
    static const char *const names[] = {"model.onnx", "repro.py", "original.txt", "original.npz",
                                        "original_before.npz"};
    struct scene s, t;
    struct folder f = folder_new();
    relu_clip_scene(&s);
    s.files.reduction = &s.reduction;
    s.test->before = parse("x: f64[3] = input\nr: f64[3] = relu(x)\nc: f64[3] = clip(r, min=0.0, "
                           "max=1.0)\noutput c\n",
                           s.arena);
    assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_true(has_file(&f, names[i]));
    }
    /* No float holds 0.1. */
    scene_open(&t, "x: f32[2] = input\ny: f32[2] = leaky_relu(x, alpha=0.1)\noutput y\n");
    t.targets[0].kind = kind("faulty");
    t.outcomes[0].outputs[0] = tensor_new(t.arena, DTYPE_F32, &(struct shape){1, {2}});
    dtype_store(DTYPE_F32, t.outcomes[0].outputs[0].data, 0, 7);
    judge_all(&t);
    assert_int_equal(finding_write(f.path, &t.files), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (has_file(&f, names[i])) {
            fail_msg("%s is still there", names[i]);
        }
    }
    folder_remove(&f);
    scene_close(&t);
    scene_close(&s);
}

static void damaged_folders_are_refused_in_one_line(void **state)
{
    static const struct {
        const char *name, *text;
    } damage[] = {
        {"program.txt", "x: f64[2] = frobnicate(y)\n"},
        {"program.txt", "z: f64[2] = input\nr: f64[2] = relu(z)\noutput r\n"},
        {"program.txt", "x: f64[3] = input\nr: f64[3] = relu(x)\noutput r\n"},
        {"inputs.npz", "no archive"},
        {"inputs.npz", ""},
        {"verdict.json", "{"},
        {"verdict.json", "[]"},
        {"verdict.json", ""},
    };
    struct scene s;
    struct folder f = folder_new();
    relu_clip_scene(&s);
    for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
        struct test *back = NULL;
        char path[128];
        assert_int_equal(finding_write(f.path, &s.files), ERR_OK);
        snprintf(path, sizeof(path), "%s/%s", f.path, damage[i].name);
        assert_int_equal(file_write(path, damage[i].text, strlen(damage[i].text)), ERR_OK);
        assert_int_not_equal(finding_read(f.path, "program", s.arena, &back), ERR_OK);
        assert_null(back);
        assert_null(strchr(err_text(), '\n'));
    }
    folder_remove(&f);
    scene_close(&s);
}

static void an_unwritable_folder_is_an_error(void **state)
{
    struct scene s;
    relu_clip_scene(&s);
    assert_int_not_equal(finding_write("/proc/opjury-cannot-be-made", &s.files), ERR_OK);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_shows_an_error_in_words),
        cmocka_unit_test(table_shows_the_worst_element_of_a_value),
        cmocka_unit_test(title_says_what_fails_and_what_does_not),
        cmocka_unit_test(folder_holds_what_its_readers_need),
        cmocka_unit_test(the_model_is_of_the_opset_that_failed),
        cmocka_unit_test(the_script_runs_what_the_target_was),
        cmocka_unit_test(variables_of_the_environment_are_set),
        cmocka_unit_test(folder_holds_the_variables_it_was_found_with),
        cmocka_unit_test(a_folder_says_what_it_claims_and_what_is_to_blame),
        cmocka_unit_test(verdict_json_has_the_table_and_the_origin),
        cmocka_unit_test(nothing_tells_whose_machine_it_was),
        cmocka_unit_test(any_bytes_in_messages_give_valid_json),
        cmocka_unit_test(special_values_survive_in_json),
        cmocka_unit_test(a_test_comes_back_bit_for_bit),
        cmocka_unit_test(a_test_alone_can_be_run_again),
        cmocka_unit_test(a_reduced_finding_keeps_what_was_found),
        cmocka_unit_test(a_death_is_told),
        cmocka_unit_test(the_shapes_before_come_back),
        cmocka_unit_test(nothing_of_before_is_left),
        cmocka_unit_test(damaged_folders_are_refused_in_one_line),
        cmocka_unit_test(an_unwritable_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
