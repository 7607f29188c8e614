/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: the verdict table, titles, and findings as folders. Runs are written by hand here, so
 * that the exact text is known; what targets really do is tested where they are.
 */
#include "report_fixture.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
