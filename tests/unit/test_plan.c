/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans of calls without a library: as source, at two shapes, as bytes, and what the reader makes
 * of damaged ones. What libraries say of them is tested by tests/spell.
 */
#include <string.h>

#include "unit.h"

#include "opjury/plan_wire.h"
#include "spell/planner.h"
#include "spell_fixture.h"

static struct plan *plan_of(struct arena *arena, const char *text)
{
    struct plan *plan = NULL;
    assert_int_equal(calls_plan(&torch_calls, parse(arena, text), arena, &plan), ERR_OK);
    return plan;
}

static void assert_source(const char *text, const char *expected)
{
    struct arena *arena = arena_new();
    struct buffer source = BUFFER_INIT;

    plan_print_python(plan_of(arena, text), &source);
    assert_string_equal(source.data, expected);
    buffer_release(&source);
    arena_free(arena);
}

/* What is asserted of an element of y, whose program has an x of 1. */
static const char *short_script(struct arena *arena, const char *text)
{
    const struct program *p = parse(arena, text);
    const struct value *x = &p->values[program_input(p, 0)];
    struct tensor one = tensor_new(arena, x->dtype, &x->shape);
    struct tensor bound = tensor_new(arena, DTYPE_F64, &x->shape);
    struct buffer source = BUFFER_INIT;
    dtype_store(x->dtype, one.data, 0, 1);
    const struct script script = {
        .library = "torch", .program = p, .inputs = &one, .expected = &one, .bound = &bound};
    must(script_write_short(&script, &(struct script_claim){.kind = CLAIM_VALUE}, &source));
    const char *kept = arena_strdup(arena, source.data);
    buffer_release(&source);
    return kept;
}

/* As people write it where that is the same in single precision, else all digits. */
static void a_short_script_says_reals_as_people_do(void **state)
{
    static const struct {
        const char *dtype, *alpha, *said;
    } rows[] = {
        {"f32", "9.999999747378752e-06", "elu(x, 1e-05)"},
        {"bf16", "9.999999747378752e-06", "elu(x, 1e-05)"},
        {"f32", "0.5", "elu(x, 0.5)"},
        {"f32", "9.9e-06", "elu(x, 9.9e-06)"}, /* float32 does not hold it */
        {"f64", "9.999999747378752e-06", "elu(x, 9.999999747378752e-06)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena *arena = arena_new();
        const char *text =
            arena_printf(arena, "x: %s[1] = input\ny: %s[1] = elu(x, alpha=%s)\noutput y\n",
                         rows[i].dtype, rows[i].dtype, rows[i].alpha);
        const char *script = short_script(arena, text);
        if (strstr(script, rows[i].said) == NULL) {
            fail_msg("'%s' is not in:\n%s", rows[i].said, script);
        }
        arena_free(arena);
    }
}

/* Each number that is another at the other shape is said by the size that says it most simply. */
static void plan_of_two_shapes(void **state)
{
    static const struct {
        const char *x, *y, *other_x, *other_y, *shape; /* NULL: it cannot be said */
    } cases[] = {
        {"3,4", "12", "3,4", "12", "[12]"},
        {"3,4", "12", "3,7", "21", "[3 * x.shape[1]]"},
        {"4,1", "1,4", "7,1", "1,7", "[1, x.shape[0]]"},
        {"4", "2,2", "8", "2,4", "[2, x.shape[0] // 2]"},
        {"2,3", "6", "4,6", "24", "[9 * x.shape[0] - 12]"},
        {"3,5", "15", "5,2", "10", NULL},
    };
    static const char text[] =
        "x: f32[%s] = input\ny: f32[%s] = reshape(x, shape=[%s])\noutput y\n";

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena *arena = arena_new();
        const char *y = cases[i].y, *other = cases[i].other_y;
        struct program *p = parse(arena, arena_printf(arena, text, cases[i].x, y, y));
        const struct test before = {
            .program = parse(arena, arena_printf(arena, text, cases[i].other_x, other, other))};
        struct buffer source = BUFFER_INIT;
        struct plan *plan;
        enum err e = calls_print(&torch_calls, p, &before, arena, &plan, &source);
        assert_int_equal(e, cases[i].shape ? ERR_OK : ERR_UNSUPPORTED);
        if (cases[i].shape) {
            assert_string_equal(source.data, arena_printf(arena,
                                                          "def program(x):\n"
                                                          "    y = torch.reshape(x, %s)\n"
                                                          "    return (y,)\n",
                                                          cases[i].shape));
        }
        buffer_release(&source);
        arena_free(arena);
    }
}

static void plan_prints_python(void **state)
{
    assert_source("x: f32[2] = input\nw: f32[2] = const [1, 2]\ny: f32[2] = add(x, w)\noutput y\n",
                  "def program(x, w):\n    y = torch.add(x, w)\n    return (y,)\n");
    assert_source("x: i8[2] = input\ny: i8[2] = div(x, x)\nz: f16[2] = cast(y, to=f16)\n"
                  "output z\noutput x\n",
                  "def program(x):\n"
                  "    y = torch.div(x, x, rounding_mode=\"trunc\")\n"
                  "    z = torch.Tensor.to(y, torch.float16)\n"
                  "    return (z, x)\n");
    assert_source("x: f64[2] = input\ny: f64[2] = clip(x, min=-inf, max=0.1)\n"
                  "z: f64[2] = clip(y, min=-0.0, max=2.0)\noutput z\n",
                  "def program(x):\n"
                  "    y = torch.clamp(x, min=float(\"-inf\"), max=0.1)\n"
                  "    z = torch.clamp(y, min=-0.0, max=2.0)\n"
                  "    return (z,)\n");
    assert_source("x: i16[2,3] = input\ny: i16[] = reduce_sum(x, axes=[0,-1], keepdims=false)\n"
                  "z: i16[] = clip(y, min=-1.0, max=2.0)\noutput z\n",
                  "def program(x):\n"
                  "    y = torch.sum(x, dim=[0, -1], keepdim=False, dtype=torch.int16)\n"
                  "    z = torch.clamp(y, min=-1, max=2)\n"
                  "    return (z,)\n");
}

/* Words of Python, the library's name and helpers' names do not collide. */
static void plan_names_are_free(void **state)
{
    assert_source("torch: f32[3,2] = input\nlambda: i64[] = input\n"
                  "float: f32[3] = gather(torch, lambda, axis=1)\nfloat_flat: f32[3] = neg(float)\n"
                  "output float_flat\n",
                  "def program(torch_, lambda_):\n"
                  "    float_below = torch.lt(lambda_, 0)\n"
                  "    float_moved = torch.add(lambda_, 2)\n"
                  "    float_index = torch.where(float_below, float_moved, lambda_)\n"
                  "    float_flat = torch.reshape(float_index, [1])\n"
                  "    float_picked = torch.index_select(torch_, 1, float_flat)\n"
                  "    float_ = torch.reshape(float_picked, [3])\n"
                  "    float_flat_2 = torch.neg(float_)\n"
                  "    return (float_flat_2,)\n");
}

/* Calls with an argument of each kind. */
static struct plan *all_kinds(struct arena *arena)
{
    static const int64_t ints[] = {1, 2, 3, 4};
    static const uint32_t values[] = {0, 2}, results[] = {3, 4}, outputs[] = {4, 0};
    static const struct plan_arg first[] = {
        VALUE(1),
        VALUES(2, values),
        INT(NULL, -5),
        INTS(NULL, 2, ints),
        REAL(NULL, 0.5),
        {.kind = PLAN_NONE},
        OBJECT("by", "some.module.function"),
        BOOL("flag", true),
        DTYPE("to", DTYPE_BF16),
        TEXT("mode", "a\"b"),
    };
    static const struct plan_arg second[] = {TUPLE(NULL, 0, ints), TUPLE(NULL, 1, ints),
                                             TUPLE(NULL, 3, ints), TUPLES("pads", 2, 2, ints),
                                             TUPLES("one", 1, 3, ints)};
    static const struct plan_call calls[] = {
        {"some.pair", ARRAY_SIZE(first), first, 2, results},
        {"some.call", ARRAY_SIZE(second), second, 1, results},
    };
    static const char *const names[] = {"x", "y", "w", "a", "b"};
    const struct plan plan = {.library = "some",
                              .dtypes = "some.dtypes",
                              .n_registers = 5,
                              .n_inputs = 2,
                              .n_consts = 1,
                              .n_calls = ARRAY_SIZE(calls),
                              .n_outputs = 2,
                              .calls = calls,
                              .outputs = outputs,
                              .names = names};

    return arena_copy(arena, &plan, sizeof plan);
}

static void plan_prints_all_kinds(void **state)
{
    struct arena *arena = arena_new();
    struct buffer source = BUFFER_INIT;

    plan_print_python(all_kinds(arena), &source);
    assert_string_equal(source.data,
                        "def program(x, y, w):\n"
                        "    a, b = some.pair(y, [x, w], -5, [1, 2], 0.5, None, "
                        "by=some.module.function, flag=True, to=some.dtypes.bfloat16, "
                        "mode=\"a\\\"b\")\n"
                        "    a = some.call((), (1,), (1, 2, 3), pads=((1, 2), (3, 4)), "
                        "one=((1, 2, 3),))\n"
                        "    return (b, x)\n");
    buffer_release(&source);
    arena_free(arena);
}

static const struct plan_wire_call *wire_calls(const struct plan_wire *w)
{
    const void *place = (const char *)w + w->calls_at;
    return place;
}

static void plan_travels_as_bytes(void **state)
{
    struct arena *arena = arena_new();
    struct plan *plan = all_kinds(arena);
    struct buffer bytes = BUFFER_INIT;

    buffer_puts(&bytes, "8 before"); /* a plan may stand behind other data */
    plan_encode(plan, &bytes);
    const void *place = bytes.data + 8;
    const struct plan_wire *w = place;
    assert_true(plan_wire_valid(w, bytes.size - 8));
    assert_int_equal(w->n_inputs, 2);
    assert_int_equal(w->n_consts, 1);
    assert_int_equal(w->n_outputs, 2);
    assert_int_equal(w->n_calls, plan->n_calls);
    for (uint32_t c = 0; c < plan->n_calls; c++) {
        const struct plan_wire_call *call = &wire_calls(w)[c];
        assert_string_equal((const char *)w + call->callable, plan->calls[c].callable);
        assert_int_equal(call->n_args, plan->calls[c].n_args);
    }
    buffer_release(&bytes);
    arena_free(arena);
}

static uint64_t count_ints(const struct plan_wire_arg *a)
{
    return a->kind == PLAN_WIRE_INTS    ? a->n
           : a->kind == PLAN_WIRE_TUPLE ? a->n * (a->u ? a->u : 1)
                                        : 0;
}

/* Follow every offset of a plan that passed the check; sanitizers watch. */
static uint64_t walk(const struct plan_wire *w)
{
    const char *base = (const char *)w;
    const struct plan_wire_arg *args = (const void *)(base + w->args_at);
    uint64_t sum = 0;

    for (uint32_t c = 0; c < w->n_calls; c++) {
        const struct plan_wire_call *call = &wire_calls(w)[c];
        sum += strlen(base + call->callable);
        for (uint32_t i = 0; i < call->n_args; i++) {
            const struct plan_wire_arg *a = &args[call->first_arg + i];
            sum += a->keyword ? strlen(base + a->keyword) : 0;
            bool is_text = a->kind == PLAN_WIRE_TEXT || a->kind == PLAN_WIRE_OBJECT;
            sum += is_text ? strlen(base + a->at) : 0;
            const void *ints = base + a->at;
            for (uint64_t k = 0; k < count_ints(a); k++) {
                sum += (uint64_t)((const int64_t *)ints)[k];
            }
        }
    }
    return sum;
}

static void plan_check_finds_damage(void **state)
{
    struct arena *arena = arena_new();
    struct buffer bytes = BUFFER_INIT;
    struct rng rng = rng_seeded(2);
    unsigned refused = 0;

    plan_encode(all_kinds(arena), &bytes);
    struct plan_wire *w = xmalloc(bytes.size);
    for (size_t size = 0; size < bytes.size; size++) {
        memcpy(w, bytes.data, size);
        assert_false(plan_wire_valid(w, size));
    }
    for (int i = 0; i < 20000; i++) {
        memcpy(w, bytes.data, bytes.size);
        uint32_t word = (uint32_t)rng_log_range(&rng, 0, UINT32_MAX);
        memcpy((char *)w + rng_below(&rng, bytes.size / 4) * 4, &word, 4);
        if (plan_wire_valid(w, bytes.size)) {
            walk(w);
        } else {
            refused++;
        }
    }
    assert_true(refused > 4000); /* most words are offsets, counts or registers */
    free(w);
    buffer_release(&bytes);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_prints_python),
        cmocka_unit_test(a_short_script_says_reals_as_people_do),
        cmocka_unit_test(plan_of_two_shapes),
        cmocka_unit_test(plan_names_are_free),
        cmocka_unit_test(plan_prints_all_kinds),
        cmocka_unit_test(plan_travels_as_bytes),
        cmocka_unit_test(plan_check_finds_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
