/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a maintainer reads of a reduced test: elements, dims, constants and attributes that say no
 * more than the fault needs, and no less. The target is refused a program where a predicate over
 * the test holds, so what is needed is known.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/faulty.h"
#include "triage/triage.h"

/* Elements of an input or constant, NULL of what is computed. */
static const void *leaf_data(const struct test *test, uint32_t id)
{
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        if (program_input(test->program, k) == id) {
            return test->inputs[k].data;
        }
    }
    return test->program->values[id].data;
}

static uint32_t operand(const struct test *test, uint32_t node, uint32_t k)
{
    return test->program->nodes[node].in[k];
}

static size_t size_of(const struct test *test, uint32_t id)
{
    return shape_numel(&test->program->values[id].shape);
}

static real element(const struct test *test, uint32_t id, size_t i)
{
    return dtype_load(test->program->values[id].dtype, leaf_data(test, id), i);
}

/* ---- faults ---- */

/* An infinity before a NaN; of many elements in any order. */
static bool infinity_and_nan(const struct test *test)
{
    uint32_t x = operand(test, 0, 0);
    size_t inf = SIZE_MAX, nan = SIZE_MAX, n = size_of(test, x);
    for (size_t i = 0; i < n; i++) {
        real v = element(test, x, i);
        inf = isinf(v) && inf == SIZE_MAX ? i : inf;
        nan = isnan(v) && nan == SIZE_MAX ? i : nan;
    }
    return inf != SIZE_MAX && nan != SIZE_MAX && (inf < nan || n > 2);
}

/* Two numbers, and nothing between them but what neither is. */
static bool five_beside_one(const struct test *test)
{
    uint32_t x = operand(test, 0, 0);
    bool found = false;
    for (size_t i = 1; i < size_of(test, x); i++) {
        found = found || (element(test, x, i - 1) == 5 && element(test, x, i) == 1);
    }
    return found;
}

/* Of a sum over anything but 1. */
static bool nothing_in_second(const struct test *test)
{
    const struct shape *x = &test->program->values[operand(test, 0, 0)].shape;
    return size_of(test, operand(test, 0, 1)) == 0 && x->dim[x->rank - 1] != 1;
}

static bool nothing_to_sum(const struct test *test)
{
    uint32_t a = operand(test, 0, 0), b = operand(test, 0, 1);
    return size_of(test, a) == 0 && size_of(test, b) == 0;
}

static const struct node *find_node(const struct test *test, const char *op)
{
    const struct node *found = NULL;
    for (uint32_t i = 0; i < test->program->n_nodes; i++) {
        const struct node *node = &test->program->nodes[i];
        found = strcmp(node->op_name, op) == 0 ? node : found;
    }
    return found;
}

/* A pattern of ops, which any numbers do. */
static bool pow_then_add(const struct test *test)
{
    const struct node *pow = find_node(test, "pow"), *add = find_node(test, "add");
    return pow != NULL && add != NULL && add->in[0] == pow->out[0];
}

static bool has_max_pool(const struct test *test)
{
    return find_node(test, "max_pool") != NULL;
}

static bool has_linear(const struct test *test)
{
    return find_node(test, "linear") != NULL;
}

static bool has_scale(const struct test *test)
{
    const struct node *norm = find_node(test, "instance_norm");
    return norm != NULL && norm->n_in > 1 && norm->in[1] != VALUE_ABSENT;
}

static bool scaled(const struct test *test)
{
    const struct node *gemm = &test->program->nodes[0];
    double beta = node_real(gemm, "beta", 1);
    return gemm->n_in == 3 && beta != 0 && beta != 1;
}

static bool large(const struct test *test, real least)
{
    uint32_t x = operand(test, 0, 0);
    bool found = false;
    for (size_t i = 0; i < size_of(test, x); i++) {
        found = found || fabsl(element(test, x, i)) > least;
    }
    return found;
}

static bool beyond_float(const struct test *test)
{
    return large(test, 0x1p24L);
}

static bool beyond_double(const struct test *test)
{
    return large(test, 0x1p53L);
}

static bool the_largest(const struct test *test)
{
    return test->program->values[operand(test, 0, 0)].dtype == DTYPE_I64 &&
           large(test, (real)INT64_MAX - 1);
}

struct fault_case {
    const char *name;
    bool (*fails)(const struct test *test);
    /* Inputs are written with their elements, as constants of names that begin with x. */
    const char *text, *reduced;
};

static const struct fault_case cases[] = {
    {"far apart, and in the other order", infinity_and_nan,
     "x: f32[9] = const [1, nan, nan, 1, 1, 0, 1, inf, 1]\n"
     "y: f32[1] = reduce_max(x, axes=[0], keepdims=true)\n"
     "output y\n",
     "x0: f32[2] = const [inf, nan]\n"
     "v0: f32[1] = reduce_max(x0, axes=[0], keepdims=true)\n"
     "output v0\n"},
    {"beside an ordinary one", five_beside_one,
     "x: f32[9] = const [0, 0, 0, 5, 1, 0, 1, 0, 0]\n"
     "y: f32[1] = reduce_max(x, axes=[0], keepdims=true)\n"
     "output y\n",
     "x0: f32[2] = const [5, 1]\n"
     "v0: f32[1] = reduce_max(x0, axes=[0], keepdims=true)\n"
     "output v0\n"},
    {"one operand is empty", nothing_in_second,
     "x: i64[10,3,2,0] = const []\n"
     "x1: i64[10,0,3,0] = const []\n"
     "z: i64[10,2,3,0] = einsum(x, x1, equation=\"bhij,bjhd->bihd\")\n"
     "output z\n",
     "x0: f32[1,1,1,2] = const [1, 1]\n"
     "x1: f32[1,2,1,0] = const []\n"
     "v0: f32[1,1,1,0] = einsum(x0, x1, equation=\"bhij,bjhd->bihd\")\n"
     "output v0\n"},
    {"the dim of both is 0", nothing_to_sum,
     "x: f32[3,0] = const []\n"
     "x1: f32[0,4] = const []\n"
     "z: f32[3,4] = matmul(x, x1)\n"
     "output z\n",
     "x0: f32[0] = const []\n"
     "x1: f32[0] = const []\n"
     "v0: f32[] = matmul(x0, x1)\n"
     "output v0\n"},
    {"a pattern keeps its parameters", pow_then_add,
     "x: f32[3,5] = const [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]\n"
     "w: f32[] = const [2]\n"
     "p: f32[3,5] = pow(x, w)\n"
     "e: f32[] = const [7.62939453125e-06]\n"
     "a: f32[3,5] = add(p, e)\n"
     "s: f32[5] = const [2, 3, 4, 5, 6]\n"
     "m: f32[3,5] = mul(a, s)\n"
     "output m\n",
     "x0: f32[1] = const [1]\n"
     "w0: f32[] = const [2]\n"
     "v0: f32[1] = pow(x0, w0)\n"
     "w1: f32[] = const [7.6293945e-06]\n"
     "v1: f32[1] = add(v0, w1)\n"
     "output v1\n"},
    {"parameters become short", pow_then_add,
     "x: f32[2] = const [2, 3]\n"
     "w: f32[] = const [-2.806518]\n"
     "p: f32[2] = pow(x, w)\n"
     "e: f32[] = const [0.1259765625]\n"
     "a: f32[2] = add(p, e)\n"
     "output a\n",
     "x0: f32[1] = const [1]\n"
     "w0: f32[] = const [-3]\n"
     "v0: f32[1] = pow(x0, w0)\n"
     "w1: f32[] = const [0.125]\n"
     "v1: f32[1] = add(v0, w1)\n"
     "output v1\n"},
    {"constants that are no parameters become ones, and stay constants", pow_then_add,
     "x: f32[3] = const [2, 3, 4]\n"
     "w: f32[3] = const [3, 2, 3]\n"
     "p: f32[3] = pow(x, w)\n"
     "x1: f32[3] = const [7, 8, 9]\n"
     "a: f32[3] = add(p, x1)\n"
     "output a\n",
     "x0: f32[1] = const [1]\n"
     "w0: f32[1] = const [1]\n"
     "v0: f32[1] = pow(x0, w0)\n"
     "x1: f32[1] = const [1]\n"
     "v1: f32[1] = add(v0, x1)\n"
     "output v1\n"},
    {"all that has a default has it", has_max_pool,
     "x: f32[2,3,7] = const [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
     "20, 21, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]\n"
     "y: f32[2,3,4] = max_pool(x, ceil_mode=true, kernel_shape=[3], strides=[2], dilations=[1], "
     "pads=[1,1])\n"
     "output y\n",
     "x0: f32[1,1,1] = const [1]\n"
     "v0: f32[1,1,1] = max_pool(x0, ceil_mode=false, kernel_shape=[1], strides=[1], "
     "dilations=[1], pads=[0,0])\n"
     "output v0\n"},
    {"no bias where none is needed", has_linear,
     "x: f32[2,3] = const [1, 2, 3, 4, 5, 6]\n"
     "x1: f32[4,3] = const [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\n"
     "b: f32[4] = const [1, 2, 3, 4]\n"
     "y: f32[2,4] = linear(x, x1, b)\n"
     "output y\n",
     "x0: f32[1,1] = const [1]\n"
     "x1: f32[1,1] = const [1]\n"
     "v0: f32[1,1] = linear(x0, x1)\n"
     "output v0\n"},
    {"scale and bias where one of them is", has_scale,
     "x: f32[2,1,2] = const [1, 2, 3, 4]\n"
     "s: f32[1] = const [2]\n"
     "b: f32[1] = const [3]\n"
     "y: f32[2,1,2] = instance_norm(x, s, b, epsilon=0.5)\n"
     "output y\n",
     "x0: f32[1,1,1] = const [1]\n"
     "x1: f32[1] = const [1]\n"
     "x2: f32[1] = const [1]\n"
     "v0: f32[1,1,1] = instance_norm(x0, x1, x2, epsilon=9.999999747378752e-06)\n"
     "output v0\n"},
    {"a half is simpler than 0.026", scaled,
     "x: f32[2,3] = const [1, 2, 3, 4, 5, 6]\n"
     "x1: f32[3,1] = const [1, 2, 3]\n"
     "x2: f32[2,1] = const [4, 5]\n"
     "r: f32[2,1] = gemm(x, x1, x2, transA=false, transB=false, alpha=2.5, beta=0.0260009765625)\n"
     "output r\n",
     "x0: f32[1,1] = const [1]\n"
     "x1: f32[1,1] = const [1]\n"
     "x2: f32[1,1] = const [1]\n"
     "v0: f32[1,1] = gemm(x0, x1, x2, transA=false, transB=false, alpha=1.0, beta=0.5)\n"
     "output v0\n"},
    {"what a float cannot hold", beyond_float,
     "x: i64[3] = const [-5, 9223372036854775807, 7]\n"
     "y: i64[1] = reduce_sum(x, keepdims=true, axes=[0])\n"
     "output y\n",
     "x0: i64[1] = const [16777217]\n"
     "v0: i64[1] = reduce_sum(x0, keepdims=true, axes=[0])\n"
     "output v0\n"},
    {"what a double cannot hold", beyond_double,
     "x: i64[3] = const [-5, -9223372036854775807, 7]\n"
     "y: i64[1] = reduce_sum(x, keepdims=true, axes=[0])\n"
     "output y\n",
     "x0: i64[1] = const [-9007199254740993]\n"
     "v0: i64[1] = reduce_sum(x0, keepdims=true, axes=[0])\n"
     "output v0\n"},
    {"the largest, where it must be", the_largest,
     "x: i64[3] = const [-5, 9223372036854775807, 7]\n"
     "y: i64[1] = reduce_sum(x, keepdims=true, axes=[0])\n"
     "output y\n",
     "x0: i64[1] = const [9223372036854775807]\n"
     "v0: i64[1] = reduce_sum(x0, keepdims=true, axes=[0])\n"
     "output v0\n"},
};

/* ---- running ---- */

static enum err run_refused(const struct target *t, const struct test *test, struct arena *arena,
                            struct outcome *o)
{
    const struct fault_case *c = &cases[atoi(t->options)];
    *o = (struct outcome){.kind = OUTCOME_OK, .message = "", .log = ""};
    if (c->fails(test)) {
        o->kind = OUTCOME_ERROR;
        o->phase = "run";
        o->error_class = "Error";
        o->message = "refused";
        return ERR_OK;
    }
    o->n_outputs = test->program->n_outputs;
    o->outputs = ARENA_ARRAY(arena, struct tensor, o->n_outputs);
    fault_evaluate(test, NULL, 0, arena, o->outputs);
    return ERR_OK;
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return true;
}

static struct test *parse(const char *text, struct arena *arena)
{
    struct program *p;
    struct test *test = arena_zalloc(arena, sizeof(*test));
    if (program_parse("test", text, strlen(text), arena, &p) != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    *test = (struct test){.program = p, .policy = "given"};
    test->inputs = ARENA_ARRAY(arena, struct tensor, p->n_values);
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct value *v = &p->values[id];
        if (v->kind == VALUE_CONST && v->name[0] == 'x') {
            test->inputs[test->n_inputs++] = (struct tensor){v->dtype, v->shape, (void *)v->data};
            v->kind = VALUE_INPUT;
            v->data = NULL;
        }
    }
    return test;
}

static const char *print(const struct test *test, struct arena *arena)
{
    struct program *p = program_clone(test->program, arena);
    struct buffer text = BUFFER_INIT;
    for (uint32_t k = test->n_inputs; k-- > 0;) {
        struct value *v = &p->values[program_input(test->program, k)];
        v->kind = VALUE_CONST;
        v->data = test->inputs[k].data;
    }
    program_print(p, &text);
    const char *printed = arena_strdup(arena, text.data);
    buffer_release(&text);
    return printed;
}

static void what_is_left_is_plain(void **state)
{
    static const char *const no_defaults[] = {NULL};
    static const struct target_kind kind = {
        .name = "refuses", .defaults = no_defaults, .can_spell = can_spell, .run = run_refused};
    size_t other = 0;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena *arena = arena_new();
        struct target target = {
            .kind = &kind, .text = "refuses", .options = arena_printf(arena, "%zu", i)};
        struct target *targets = &target;
        struct jury *jury;
        assert_int_equal(jury_open(&targets, 1, &(struct jury_options){0}, &jury), ERR_OK);
        struct failure f = {.what = &target, .test = parse(cases[i].text, arena)};
        assert_int_equal(jury_run_fresh(jury, 0, f.test, arena, &f.outcome), ERR_OK);
        const struct judgement j = {.test = f.test,
                                    .reference = reference_new(f.test, arena),
                                    .target = &target,
                                    .outcome = &f.outcome,
                                    .arena = arena};
        judge(&j, &f.verdict);
        assert_int_equal(f.verdict.kind, VERDICT_FINDING);
        f.signature = failure_signature(&f.verdict, &f.outcome, arena);
        struct reduction r = {.cpu_limit = 60, .max_runs = 500};
        assert_int_equal(reduce(jury, &f, &r, arena), ERR_OK);
        assert_true(r.complete);
        if (strcmp(print(r.test, arena), cases[i].reduced) != 0) {
            print_error("%s:\n%s", cases[i].name, print(r.test, arena));
            other++;
        }
        jury_close(jury);
        arena_free(arena);
    }
    assert_int_equal(other, 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_left_is_plain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
