/* SPDX-License-Identifier: Apache-2.0 */
/* record_title: what an issue is called, of programs, symptoms and guilty parts of any length. */
#include "unit.h"

#include <string.h>

#include "report/record_internal.h"

struct told {
    const char *program, *library, *component, *oracle;
    struct record_run run;
    const char *title;
    bool is_unwritten;
};

#define MATMUL                                                                                     \
    "x: f32[2,2] = input\nw: f32[2] = input\nv0: f32[2,2] = transpose(x, perm=[1,0])\n"            \
    "v1: f32[2] = matmul(v0, w)\noutput v1\n"
#define CHAIN                                                                                      \
    "x: f32[0] = input\na: f32[0] = neg(x)\nb: f32[0] = abs(a)\nc: f32[0] = sqrt(b)\n"             \
    "d: f32[0] = floor(c)\ne: f32[0] = relu(d)\nf: f32[0] = sigmoid(e)\noutput f\n"
#define DIV "x: i64[2] = input\ny: i64[2] = input\nv: i64[2] = div(x, y)\noutput v\n"
#define WRONG .place = "v1[0]", .expected = "1", .actual = "2"
#define LONG                                                                                       \
    "A_RatherLongOptimizersName_1, A_RatherLongOptimizersName_2 or A_RatherLongOptimizersName_3"

static const struct told cases[] = {
    {MATMUL,
     "onnxruntime",
     NULL,
     "value",
     {WRONG},
     "Transpose -> MatMul(vector) gives 2 instead of 1"},
    {MATMUL, "torch", NULL, "value", {WRONG}, "transpose -> matmul(vector) gives 2 instead of 1"},
    {MATMUL,
     "onnxruntime",
     NULL,
     "value",
     {WRONG},
     "Transpose -> MatMul(vector) leaves its result unwritten",
     .is_unwritten = true},
    /* Where an optimizer is named, how wrong the numbers are says little; what they are not, much.
     */
    {MATMUL,
     "onnxruntime",
     "optimizer Fusion",
     "value",
     {WRONG},
     "Fusion: Transpose -> MatMul(vector) gives wrong values"},
    {MATMUL,
     "onnxruntime",
     "optimizer Fusion",
     "value",
     {.place = "v1[0]", .expected = "1", .actual = "nan"},
     "Fusion: Transpose -> MatMul(vector) gives nan instead of 1"},
    {MATMUL,
     "onnxruntime",
     "optimizer A or B",
     "crash",
     {.signal = 11},
     "A or B: Transpose -> MatMul(vector) crashes (SIGSEGV)"},
    {MATMUL,
     "onnxruntime",
     "optimizers A+B",
     "crash",
     {.exit_status = 3},
     "A+B: Transpose -> MatMul(vector) ends the process with status 3"},
    {MATMUL,
     "onnxruntime",
     "opt>=basic",
     "hang",
     {0},
     "opt>=basic: Transpose -> MatMul(vector) hangs"},
    /* What is no part of the library is not blamed in a title. */
    {MATMUL, "onnxruntime", "version 1.2", "hang", {0}, "Transpose -> MatMul(vector) hangs"},
    {MATMUL, "onnxruntime", "placement=end", "hang", {0}, "Transpose -> MatMul(vector) hangs"},
    {DIV,
     "onnxruntime",
     NULL,
     "shape",
     {.text = "v: shape [1,1] expected, got [1]"},
     "Div in int64 gives shape [1] instead of [1,1]"},
    {DIV,
     "onnxruntime",
     NULL,
     "dtype",
     {.text = "v: dtype i64 expected, got f32"},
     "Div in int64 gives dtype f32 instead of i64"},
    {DIV,
     "onnxruntime",
     NULL,
     "count",
     {.text = "1 outputs expected, 2 came back"},
     "Div in int64 fails: 1 outputs expected, 2 came back"},
    {DIV,
     "onnxruntime",
     NULL,
     "side_effects",
     {.text = "an input tensor was changed"},
     "Div in int64 changes its input"},
    {DIV,
     "onnxruntime",
     NULL,
     "status",
     {.message = "[ONNXRuntimeError] : 1 : FAIL : Node () Op (Div) no\nat x"},
     "Div in int64 is refused: Node () Op (Div) no"},
    /* All ops, or the ends of the chain, or the one that came out wrong. */
    {CHAIN,
     "onnxruntime",
     NULL,
     "value",
     {.expected = "1", .actual = "2"},
     "Neg -> Abs -> Sqrt -> Floor -> Relu -> Sigmoid(empty) gives 2 instead of 1"},
    {CHAIN,
     "onnxruntime",
     "optimizer SomeRatherLongFusion",
     "status",
     {.message = "here are more than forty-five characters, which are kept of it"},
     "SomeRatherLongFusion: Neg -> ... -> Sigmoid(empty) is refused: here are more than forty-five "
     "..."},
    {CHAIN,
     "onnxruntime",
     "optimizer " LONG,
     "value",
     {.expected = "1", .actual = "2"},
     "A_RatherLongOptimizersName_1 and others: Neg -> ... -> Sigmoid(empty) gives wrong values"},
};

static void titles_are_short_and_tell_what_is_wrong(void **state)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct told *c = &cases[i];
        struct program *p;
        must(program_parse("test", c->program, strlen(c->program), arena, &p));
        must(ops_check(p));
        struct test test = {.program = p};
        struct record_run run = c->run;
        run.text = run.text != NULL ? run.text : "";
        const struct record r = {.library = c->library,
                                 .component = c->component,
                                 .oracle = c->oracle,
                                 .test = &test,
                                 .is_unwritten = c->is_unwritten,
                                 .culprit = &run};
        const char *title = record_title(&r, arena);
        assert_string_equal(title, c->title);
        assert_in_range(strlen(title), 1, 100);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(titles_are_short_and_tell_what_is_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
