/* SPDX-License-Identifier: Apache-2.0 */
/* Findings whose runs are written by hand, and the folders they are written to. */
#ifndef OPJURY_TEST_REPORT_FIXTURE_H
#define OPJURY_TEST_REPORT_FIXTURE_H

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

static inline const struct target_kind *kind(const char *name)
{
    for (size_t i = 0; i < target_kind_count; i++) {
        if (strcmp(target_kind_table[i]->name, name) == 0) {
            return target_kind_table[i];
        }
    }
    fail_msg("no target kind %s", name);
    return NULL;
}

static inline struct test *parse(const char *text, struct arena *arena)
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
static inline struct outcome right_outcome(struct scene *s)
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

static inline void judge_all(struct scene *s)
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

static inline void scene_open(struct scene *s, const char *program)
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

static inline void scene_close(struct scene *s)
{
    arena_free(s->arena);
}

static const char relu_clip[] = "x: f64[2] = input\n"
                                "r: f64[2] = relu(x)\n"
                                "y: f64[2] = clip(r, min=0.0, max=1.0)\n"
                                "output y\n";

static inline void relu_clip_scene(struct scene *s)
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

static inline void wrong_value_scene(struct scene *s)
{
    scene_open(s, "x: f32[2,3] = input\ny: f32[2,3] = neg(x)\noutput y\n");
    ((float *)s->outcomes[0].outputs[0].data)[4] = 5;
    judge_all(s);
}

/* ---- folders ---- */

struct folder {
    char path[64];
};

static inline struct folder folder_new(void)
{
    struct folder f = {"/tmp/opjury-report-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

static inline void folder_remove(const struct folder *f)
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

static inline bool has_file(const struct folder *f, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    return file_exists(path);
}

static inline char *file_text(const struct folder *f, const char *name)
{
    char path[128];
    struct buffer text = BUFFER_INIT;
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    assert_int_equal(file_read(path, 0, &text), ERR_OK);
    size_t size;
    return buffer_detach(&text, &size);
}

static inline json_t *file_json(const struct folder *f, const char *name)
{
    char *text = file_text(f, name);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static inline const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    assert_non_null(text);
    return text;
}

#endif
