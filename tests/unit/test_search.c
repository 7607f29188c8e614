/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for clean inputs: each kind of hazard planted in a small program with inputs that meet
 * it, what no inputs make clean, what must stay as it is, and that it repeats.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generate/search_internal.h"

struct fixture {
    struct arena *arena;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_new();
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    return 0;
}

static struct program *parse(struct fixture *f, const char *text)
{
    struct program *p;
    arena_reset(f->arena);
    if (program_parse("planted", text, strlen(text), f->arena, &p) != ERR_OK ||
        program_verify(p) != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    return p;
}

/* Leaves whose free ones hold `fill` everywhere. */
static struct leaf *filled(struct fixture *f, const struct program *p, real fill)
{
    struct leaf *leaves = leaves_new(p, f->arena);
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_INPUT) {
            leaves[id].data = tensor_new(f->arena, v->dtype, &v->shape);
            for (size_t i = 0; i < shape_numel(&v->shape); i++) {
                dtype_store(v->dtype, leaves[id].data.data, i, fill);
            }
        }
    }
    return leaves;
}

static struct array *evaluate(struct fixture *f, const struct program *p, const struct leaf *leaves)
{
    struct array *values = ARENA_ZARRAY(f->arena, struct array, p->n_values);
    struct tensor *inputs = ARENA_ARRAY(f->arena, struct tensor, p->n_values);
    uint32_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind == VALUE_INPUT) {
            inputs[n++] = leaves[id].data;
        }
    }
    program_evaluate(p, inputs, values, f->arena);
    return values;
}

static uint64_t digest(const struct program *p, const struct leaf *leaves)
{
    uint64_t hash = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind != VALUE_NODE && leaves[id].data.data) {
            hash = tensor_hash(&leaves[id].data, hash);
        }
    }
    return hash;
}

/* ---- planted hazards ---- */

static const struct planted {
    real fill; /* of all inputs: meets the hazard */
    const char *name;
    const char *text;
} planted[] = {
    {-3, "log", "x: f32[20] = input\ny: f32[20] = log(x)\noutput y\n"},
    {-3, "log2 of f16", "x: f16[20] = input\ny: f16[20] = log2(x)\noutput y\n"},
    {-3, "log1p", "x: f64[20] = input\ny: f64[20] = log1p(x)\noutput y\n"},
    {-3, "sqrt", "x: bf16[20] = input\ny: bf16[20] = sqrt(x)\noutput y\n"},
    {0, "rsqrt", "x: f32[20] = input\ny: f32[20] = rsqrt(x)\noutput y\n"},
    {7, "asin", "x: f32[20] = input\ny: f32[20] = asin(x)\noutput y\n"},
    {0, "acosh", "x: f16[20] = input\ny: f16[20] = acosh(x)\noutput y\n"},
    {1, "atanh", "x: f32[20] = input\ny: f32[20] = atanh(x)\noutput y\n"},
    {0, "reciprocal", "x: f64[20] = input\ny: f64[20] = reciprocal(x)\noutput y\n"},
    {0, "division by 0",
     "a: f32[20] = input\nb: f32[20] = input\ny: f32[20] = div(a, b)\noutput y\n"},
    {0, "remainder", "a: f32[20] = input\nb: f32[20] = input\ny: f32[20] = fmod(a, b)\noutput y\n"},
    {20, "exp of f16", "x: f16[20] = input\ny: f16[20] = exp(x)\noutput y\n"},
    {1000, "cosh of f64", "x: f64[20] = input\ny: f64[20] = cosh(x)\noutput y\n"},
    {400, "product of f16",
     "a: f16[20] = input\nb: f16[20] = input\ny: f16[20] = mul(a, b)\noutput y\n"},
    {40000, "sum of f16",
     "x: f16[20] = input\ny: f16[] = reduce_sum(x, axes=[0], keepdims=false)\noutput y\n"},
    {300, "matmul of f16",
     "a: f16[5,8] = input\nb: f16[8,5] = input\ny: f16[5,5] = matmul(a, b)\noutput y\n"},
    {1e6, "cast to f16", "x: f32[20] = input\ny: f16[20] = cast(x, to=f16)\noutput y\n"},
    {-2.5L, "fractional power",
     "a: f32[20] = input\nb: f32[20] = input\ny: f32[20] = pow(a, b)\noutput y\n"},
    {-1, "negative variance",
     "x: f32[2,3,4] = input\ns: f32[3] = input\nb: f32[3] = input\nm: f32[3] = input\n"
     "v: f32[3] = input\ny: f32[2,3,4] = batch_norm(x, s, b, m, v, epsilon=0.001)\noutput y\n"},
    {0, "integer division",
     "a: i32[20] = input\nb: i32[20] = input\ny: i32[20] = div(a, b)\noutput y\n"},
    {0, "modulo", "a: u8[20] = input\nb: u8[20] = input\ny: u8[20] = mod(a, b)\noutput y\n"},
    {1e6, "float to integer", "x: f32[20] = input\ny: i8[20] = cast(x, to=i8)\noutput y\n"},
    {40, "shift",
     "a: i32[20] = input\nb: i32[20] = input\ny: i32[20] = shift_left(a, b)\noutput y\n"},
    {50, "computed index",
     "d: f32[7] = input\ni: i64[20] = input\nj: i64[20] = add(i, i)\n"
     "y: f32[20] = gather(d, j, axis=0)\noutput y\n"},
    /* behind other ops */
    {-1, "log behind a product and a bias",
     "x: f32[4,6] = input\nw: f32[6,3] = input\nb: f32[3] = input\np: f32[4,3] = matmul(x, w)\n"
     "q: f32[4,3] = sub(b, p)\ny: f32[4,3] = log(q)\noutput y\n"},
    {5, "a band behind a sum",
     "x: f64[30] = input\ns: f64[] = reduce_mean(x, axes=[0], keepdims=false)\n"
     "y: f64[] = atanh(s)\noutput y\n"},
    {3, "a divisor behind integers",
     "a: i64[20] = input\nb: i64[20] = input\nc: i64[20] = sub(a, b)\n"
     "y: i64[20] = floor_div(a, c)\noutput y\n"},
    {-2, "no gradient on the way",
     "x: f32[20] = input\nf: f32[20] = floor(x)\ny: f32[20] = rsqrt(f)\noutput y\n"},
    {9, "two that pull apart",
     "x: f32[20] = input\na: f32[20] = asin(x)\nb: f32[20] = log(x)\noutput a, b\n"},
    {3, "only a point",
     "x: f32[20] = input\nc: f32[20] = cosh(x)\ny: f32[20] = acos(c)\noutput y\n"},
    {-5, "what a clean node leaves",
     "x: f32[20] = input\ny: f32[20] = log(x)\nz: f32[20] = sqrt(y)\nw: f32[20] = acosh(z)\n"
     "output w\n"},
};

static void test_planted_hazards_are_cleared(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(planted); i++) {
        const struct program *p = parse(f, planted[i].text);
        struct leaf *leaves = filled(f, p, planted[i].fill);
        struct search_result result;
        if (leaves_are_clean(p, leaves, f->arena)) {
            fail_msg("%s: nothing is wrong to begin with", planted[i].name);
        }
        search_clean(p, leaves, rng_seeded(1), f->arena, &result);
        if (!result.is_clean || result.is_impossible || result.bad != p->n_nodes) {
            fail_msg("%s: not found", planted[i].name);
        }
        assert_true(result.way != SEARCH_DRAWN);
        const struct array *values = evaluate(f, p, leaves);
        for (uint32_t id = 0; id < p->n_values; id++) {
            for (size_t k = 0; k < values[id].n; k++) {
                assert_true(isfinite(values[id].v[k]));
            }
        }
    }
}

static void test_integers_are_defined_afterwards(void **state)
{
    struct fixture *f = *state;
    struct search_result result;
    const struct program *p = parse(f, "a: i8[9] = input\nb: i8[9] = input\nc: i8[9] = neg(b)\n"
                                       "y: i8[9] = div(a, c)\nz: i8[9] = shift_right(y, b)\n"
                                       "output z\n");
    struct leaf *leaves = filled(f, p, 0);
    search_clean(p, leaves, rng_seeded(1), f->arena, &result);
    assert_true(result.is_clean);
    for (size_t i = 0; i < 9; i++) {
        real by = dtype_load(DTYPE_I8, leaves[1].data.data, i);
        assert_true(by >= 1 && by < 8);
    }
}

/* ---- what cannot be ---- */

static const struct {
    const char *text;
    bool is_impossible;
} hopeless[] = {
    {"x: f32[9] = input\na: f32[9] = relu(x)\nb: f32[9] = neg(a)\nc: f32[9] = const "
     "[1,1,1,1,1,1,1,1,1]\nd: f32[9] = sub(b, c)\ny: f32[9] = log(d)\noutput y\n",
     true},
    {"x: f32[3,4] = input\na: f32[3,4] = softmax(x, axis=1)\ny: f32[3,4] = acosh(a)\noutput y\n",
     true},
    {"x: f32[4,4] = input\na: f32[4,4] = tril(x, k=0)\ny: f32[4,4] = reciprocal(a)\noutput y\n",
     true},
    {"a: i32[9] = input\nx: i32[9] = input\nb: i32[9] = sub(x, x)\ny: i32[9] = div(a, b)\noutput "
     "y\n",
     true},
    {"x: f16[2,2,2] = input\nw: f16[2,1,1] = input\n"
     "a: f16[2,1,5] = conv_transpose1d(x, w, strides=[4], pads=[0,0], dilations=[1], group=1, "
     "output_padding=[0])\ny: f16[2,1,5] = log(a)\noutput y\n",
     true},
    {"x: f32[3,4] = input\na: f32[3,4] = log_softmax(x, axis=1)\ny: f32[3,4] = asin(a)\noutput y\n",
     true},
    {"x: f32[9] = input\na: f32[9] = sign(x)\nb: f32[9] = atanh(a)\ny: f32[9] = log(b)\noutput y\n",
     true},
    {"x: f32[9] = input\na: f32[9] = asin(x)\nb: f32[] = reduce_max(x, axes=[0], keepdims=false)\n"
     "c: f32[] = atan(b)\ny: f32[] = acosh(c)\noutput a, y\n",
     true},
    {"x: f32[3,1] = input\ny: f32[3] = reduce_var(x, axes=[1], keepdims=false, correction=1)\n"
     "output y\n",
     true},
    {"x: f32[9] = input\na: f32[9] = clip(x, min=300.0, max=400.0)\ny: i8[9] = cast(a, to=i8)\n"
     "output y\n",
     true},
    {"x: i32[9] = input\na: f32[30,30] = input\ns: i64[] = size(a)\nc: i32[] = cast(s, to=i32)\n"
     "y: i32[9] = shift_left(x, c)\noutput y\n",
     true},
    {"x: f32[2,3] = input\ns: f32[3] = input\nb: f32[3] = input\nm: f32[3] = input\n"
     "u: f32[2] = input\nv: f32[3] = pad(u, mode=\"constant\", pads=[1,0], value=-3.0)\n"
     "y: f32[2,3] = batch_norm(x, s, b, m, v, epsilon=0.001)\noutput y\n",
     true},
    /* near misses: possible */
    {"x: f32[9] = input\na: f32[9] = clip(x, min=127.5, max=400.0)\ny: i8[9] = cast(a, to=i8)\n"
     "output y\n",
     false},
    {"x: f32[3,2] = input\na: f32[3,2] = log_softmax(x, axis=1)\ny: f32[3,2] = asin(a)\noutput y\n",
     false},
    {"x: f32[9] = input\na: f32[9] = sign(x)\ny: f32[9] = atanh(a)\noutput y\n", false},
    {"x: f32[9] = input\na: f32[9] = relu(x)\nb: f32[9] = neg(a)\ny: f32[9] = sqrt(b)\noutput y\n",
     false},
    {"x: f32[3,1] = input\na: f32[3,1] = softmax(x, axis=1)\ny: f32[3,1] = acosh(a)\noutput y\n",
     false},
    {"x: f32[4,4] = input\na: f32[4,4] = tril(x, k=3)\ny: f32[4,4] = reciprocal(a)\noutput y\n",
     false},
    {"a: i32[9] = input\nx: i32[9] = input\nz: i32[9] = input\nb: i32[9] = sub(x, z)\n"
     "y: i32[9] = div(a, b)\noutput y\n",
     false},
};

static void test_impossible_is_proved(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(hopeless); i++) {
        const struct program *p = parse(f, hopeless[i].text);
        struct leaf *leaves = filled(f, p, 0);
        struct search_result result;
        uint64_t before = digest(p, leaves);
        search_clean(p, leaves, rng_seeded(1), f->arena, &result);
        if (result.is_impossible != hopeless[i].is_impossible ||
            result.is_clean == hopeless[i].is_impossible) {
            fail_msg("program %zu: clean %d, impossible %d", i, result.is_clean,
                     result.is_impossible);
        }
        assert_true(result.is_clean || digest(p, leaves) == before);
    }
}

/* ---- what stays ---- */

static void test_clean_leaves_stay(void **state)
{
    struct fixture *f = *state;
    struct search_result result;
    const struct program *p = parse(f, planted[0].text);
    struct leaf *leaves = filled(f, p, 2);
    uint64_t before = digest(p, leaves);
    search_clean(p, leaves, rng_seeded(1), f->arena, &result);
    assert_true(result.is_clean && result.way == SEARCH_DRAWN);
    assert_int_equal(result.nodes, 1);
    assert_true(digest(p, leaves) == before);
}

/* A gradient step moves what is wrong, and only that. */
static void test_elements_that_are_right_stay(void **state)
{
    struct fixture *f = *state;
    struct search_result result;
    const struct program *p = parse(f, planted[0].text);
    struct leaf *leaves = filled(f, p, 2);
    dtype_store(DTYPE_F32, leaves[0].data.data, 7, -3);
    search_clean(p, leaves, rng_seeded(1), f->arena, &result);
    assert_true(result.is_clean && result.way == SEARCH_DESCENDED);
    for (size_t i = 0; i < 20; i++) {
        real x = dtype_load(DTYPE_F32, leaves[0].data.data, i);
        assert_true(i == 7 ? x > 0 : x == 2);
    }
}

static void test_domains_and_fixed_leaves_are_kept(void **state)
{
    struct fixture *f = *state;
    struct search_result result;
    const struct program *p = parse(f, "a: f32[9] = input\nb: f32[9] = input\n"
                                       "w: f32[9] = const [1,1,1,1,1,1,1,1,1]\n"
                                       "c: f32[9] = add(a, b)\nd: f32[9] = sub(c, w)\n"
                                       "y: f32[9] = log(d)\noutput y\n");
    struct leaf *leaves = filled(f, p, -1);
    leaves[0].has_domain = true;
    leaves[0].domain = (struct interval){.lo = -2, .hi = -1};
    search_clean(p, leaves, rng_seeded(1), f->arena, &result);
    assert_true(result.is_clean);
    for (size_t i = 0; i < 9; i++) {
        real a = dtype_load(DTYPE_F32, leaves[0].data.data, i);
        assert_true(a >= -2 && a <= -1);
        assert_true(dtype_load(DTYPE_F32, leaves[2].data.data, i) == 1);
    }
    leaves = filled(f, p, -1);
    leaves[0].is_free = leaves[1].is_free = false;
    search_clean(p, leaves, rng_seeded(1), f->arena, &result);
    assert_true(!result.is_clean && result.is_impossible);
}

static void test_indices_stay_valid(void **state)
{
    struct fixture *f = *state;
    struct search_result result;
    const struct program *p = parse(f, "d: f32[7] = input\ni: i64[20] = input\n"
                                       "g: f32[20] = gather(d, i, axis=0)\n"
                                       "y: f32[20] = log(g)\nj: i64[20] = mod(i, i)\n"
                                       "output y, j\n");
    struct leaf *leaves = filled(f, p, 0);
    search_clean(p, leaves, rng_seeded(1), f->arena, &result);
    assert_true(result.is_clean);
    for (size_t i = 0; i < 20; i++) {
        real index = dtype_load(DTYPE_I64, leaves[1].data.data, i);
        assert_true(index >= -7 && index < 7 && index != 0);
    }
}

/* ---- generated programs ---- */

static struct policy *free_policy(struct fixture *f, uint32_t nodes)
{
    struct policy *policy;
    assert_int_equal(policy_parse("free",
                                  "clean_percent = 100\nunproven_percent = 100\n"
                                  "undefined_percent = 100\nunion_percent = 100\n"
                                  "op.* = 10\ndtype.* = 10\n",
                                  f->arena, &policy),
                     ERR_OK);
    policy->nodes = nodes;
    return policy;
}

static uint64_t digest_of_test(const struct policy *policy, uint64_t index, struct arena *arena,
                               bool *is_clean)
{
    struct test test;
    arena_reset(arena);
    generate_test(policy, 5, index, MATERIALIZE_ALL, arena, &test);
    uint64_t hash = program_hash(test.program);
    for (uint32_t k = 0; k < test.n_inputs; k++) {
        hash = tensor_hash(&test.inputs[k], hash);
    }
    *is_clean = strcmp(test.policy, "clean") == 0;
    return hash;
}

static void test_searched_tests_regenerate(void **state)
{
    struct fixture *f = *state;
    enum { N = 60 };
    arena_reset(f->arena);
    const struct policy *policy = free_policy(f, 15);
    struct arena *memory = arena_new();
    uint64_t hashes[N];
    unsigned n_clean = 0;
    for (uint64_t i = 0; i < N; i++) {
        bool is_clean;
        hashes[i] = digest_of_test(policy, i, memory, &is_clean);
        n_clean += is_clean;
    }
    assert_true(n_clean * 100 >= N * 95); /* plain sampling: under half */
    for (uint64_t i = N; i-- > 0;) {
        bool is_clean;
        assert_true(digest_of_test(policy, i, memory, &is_clean) == hashes[i]);
    }
    arena_free(memory);
}

/* What `possible` says of all clean evaluations holds for those that there are. */
static void test_possible_is_sound(void **state)
{
    struct fixture *f = *state;
    enum { N = 300 };
    unsigned n_clean = 0, n_narrow = 0;
    struct arena *memory = arena_new();
    arena_reset(f->arena);
    const struct policy *policy = free_policy(f, 12);
    for (uint64_t i = 0; i < N; i++) {
        struct test test;
        struct leaf *leaves;
        struct search_result result;
        arena_reset(memory);
        generate_samples(policy, 6, i, 1, memory, &test, &leaves);
        const struct program *p = test.program;
        for (uint32_t id = 0; id < p->n_values; id++) {
            ((struct value *)(uintptr_t)&p->values[id])->kind =
                p->values[id].kind == VALUE_CONST ? VALUE_INPUT : p->values[id].kind;
        }
        search_clean(p, leaves, rng_seeded(i), memory, &result);
        if (!result.is_clean) {
            continue;
        }
        n_clean++;
        struct fixture own = {memory};
        const struct array *values = evaluate(&own, p, leaves);
        struct possible x = {0};
        possible_reserve(&x, p->n_values, memory);
        for (uint32_t id = 0; id < p->n_values; id++) {
            if (p->values[id].kind != VALUE_NODE) {
                possible_leaf(&x, id, interval_of_dtype(p->values[id].dtype));
            }
        }
        for (uint32_t k = 0; k < p->n_nodes; k++) {
            if (!possible_node(&x, p, &p->nodes[k])) {
                fail_msg("program %d: %s is said to be impossible", (int)i, p->nodes[k].op_name);
            }
        }
        for (uint32_t id = 0; id < p->n_values; id++) {
            bool is_sure = values[id].n == 0;
            for (size_t k = 0; k < values[id].n; k++) {
                real v = values[id].v[k];
                assert_true(v >= x.widest[id].lo && v <= x.widest[id].hi);
                is_sure |= v >= x.sure[id].lo && v <= x.sure[id].hi;
            }
            if (!is_sure) {
                fail_msg("program %d: no element of %s is where one must be", (int)i,
                         p->values[id].name);
            }
            n_narrow += x.sure[id].hi - x.sure[id].lo < x.widest[id].hi - x.widest[id].lo;
        }
    }
    assert_true(n_clean * 10 > N * 9);
    assert_true(n_narrow > 50);
    arena_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted_hazards_are_cleared),
        cmocka_unit_test(test_integers_are_defined_afterwards),
        cmocka_unit_test(test_impossible_is_proved),
        cmocka_unit_test(test_clean_leaves_stay),
        cmocka_unit_test(test_elements_that_are_right_stay),
        cmocka_unit_test(test_domains_and_fixed_leaves_are_kept),
        cmocka_unit_test(test_indices_stay_valid),
        cmocka_unit_test(test_searched_tests_regenerate),
        cmocka_unit_test(test_possible_is_sound),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
