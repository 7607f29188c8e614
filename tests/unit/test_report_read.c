/* SPDX-License-Identifier: Apache-2.0 */
/* report: findings read back from their folders, damaged ones too. */
#include "report_fixture.h"

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
                                     .modules = "library.so: 12ab\n",
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
    assert_string_equal(json_string_value(json_object_get(row, "modules")), "library.so: 12ab\n");
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
