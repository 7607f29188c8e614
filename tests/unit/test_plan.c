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

static void assert_source_of(const struct call_library *library, const char *text,
                             const char *expected)
{
    struct arena *arena = arena_new();
    struct buffer source = BUFFER_INIT;
    struct plan *plan = NULL;

    assert_int_equal(calls_plan(library, parse(arena, text), arena, &plan), ERR_OK);
    plan_print_python(plan, &source);
    assert_string_equal(source.data, expected);
    buffer_release(&source);
    arena_free(arena);
}

static void assert_source(const char *text, const char *expected)
{
    assert_source_of(&torch_calls, text, expected);
}

/* What is asserted of an element of y, whose program has an x of 1. */
static const char *short_script_of(struct arena *arena, const char *text, const char *library,
                                   const char *setup)
{
    const struct program *p = parse(arena, text);
    const struct value *x = &p->values[program_input(p, 0)];
    struct tensor one = tensor_new(arena, x->dtype, &x->shape);
    struct tensor bound = tensor_new(arena, DTYPE_F64, &x->shape);
    struct buffer source = BUFFER_INIT;
    dtype_store(x->dtype, one.data, 0, 1);
    const struct script script = {.library = library,
                                  .setup = setup,
                                  .program = p,
                                  .inputs = &one,
                                  .expected = &one,
                                  .bound = &bound};
    must(script_write_short(&script, &(struct script_claim){.kind = CLAIM_VALUE}, &source));
    const char *kept = arena_strdup(arena, source.data);
    buffer_release(&source);
    return kept;
}

static const char *short_script(struct arena *arena, const char *text)
{
    return short_script_of(arena, text, "torch", NULL);
}

/* What jax.jit compiles has the constants in it, under the options of the target. */
static void a_short_script_of_jax(void **state)
{
    static const char text[] =
        "x: f32[1] = input\nw: f32[1] = const [2]\ny: f32[1] = add(x, w)\noutput y\n";
    static const char head[] = "import jax\nimport jax.numpy\nimport numpy as np\n\n"
                               "jax.config.update(\"jax_platforms\", \"cpu\")\n"
                               "jax.config.update(\"jax_enable_x64\", True)\n";
    static const char *const setups[][2] = {
        {NULL, "y = jax.numpy.add(x, w)\n"},
        {"disable_jit=on", "jax.config.update(\"jax_disable_jit\", True)\n"},
        {"jit,opt=eager", "y = jax.numpy.add(x, w)\n"},
        {"jit", "y, = jax.jit(lambda x: program(x, w))(x)\n"},
        {"jit,opt=0,skip=algsimp",
         "y, = jax.jit(lambda x: program(x, w), compiler_options={"
         "\"xla_backend_optimization_level\": 0, \"xla_disable_hlo_passes\": \"algsimp\"})(x)\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(setups); i++) {
        struct arena *arena = arena_new();
        const char *script = short_script_of(arena, text, "jax", setups[i][0]);
        assert_int_equal(strncmp(script, head, strlen(head)), 0);
        if (strstr(script, setups[i][1]) == NULL) {
            fail_msg("'%s' is not in:\n%s", setups[i][1], script);
        }
        if (strstr(script, "np.testing.assert_allclose(y[0].item(), 1") == NULL) {
            fail_msg("no assertion in:\n%s", script);
        }
        arena_free(arena);
    }
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

static void every_op_has_its_calls(void **state)
{
    static const struct call_library *const libraries[] = {&torch_calls, &jax_calls};

    for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
        for (size_t op = 0; op < op_count; op++) {
            if (!calls_can_spell(libraries[i], op_table[op])) {
                fail_msg("%s has no %s", libraries[i]->name, op_table[op]->name);
            }
        }
    }
}

/* Lists are tuples, integers divide as ONNX's do, half floats are summed in f32. */
static void plan_prints_jax(void **state)
{
    assert_source_of(&jax_calls,
                     "x: i32[2,3] = input\nw: i32[3] = const [1, 2, 3]\n"
                     "y: i32[2,3] = div(x, w)\nz: i32[3,2] = transpose(y, perm=[1,0])\n"
                     "s: i32[] = reduce_sum(z, axes=[0,-1], keepdims=false)\noutput s\n",
                     "def program(x, w):\n"
                     "    y_wide = jax.numpy.broadcast_to(w, (2, 3))\n"
                     "    y = jax.lax.div(x, y_wide)\n"
                     "    z = jax.numpy.transpose(y, (1, 0))\n"
                     "    s = jax.numpy.sum(z, axis=(0, -1), dtype=jax.numpy.int32, "
                     "keepdims=False)\n"
                     "    return (s,)\n");
    assert_source_of(&jax_calls,
                     "x: bf16[1,1,4] = input\n"
                     "y: bf16[1,1,2] = max_pool(x, kernel_shape=[2], strides=[2], pads=[0,0], "
                     "dilations=[1], ceil_mode=false)\n"
                     "z: bf16[1,1,2] = softmax(y, axis=2)\noutput z\n",
                     "def program(x):\n"
                     "    y = jax.lax.reduce_window(x, float(\"-inf\"), jax.lax.max, "
                     "window_dimensions=(1, 1, 2), window_strides=(1, 1, 2), "
                     "padding=((0, 0), (0, 0), (0, 0)), window_dilation=(1, 1, 1))\n"
                     "    z_wide = jax.numpy.astype(y, jax.numpy.float32)\n"
                     "    z_result = jax.nn.softmax(z_wide, axis=2)\n"
                     "    z = jax.numpy.astype(z_result, jax.numpy.bfloat16)\n"
                     "    return (z,)\n");
    assert_source_of(&jax_calls,
                     "x: f32[2,3] = input\ni: i64[1,1] = input\n"
                     "y: f32[1,1] = gather_elements(x, i, axis=1)\noutput y\n",
                     "def program(x, i):\n"
                     "    y_part = jax.lax.slice(x, (0, 0), (1, 3))\n"
                     "    y = jax.numpy.take_along_axis(y_part, i, axis=1)\n"
                     "    return (y,)\n");
    assert_source_of(&jax_calls,
                     "jax: f32[2,3] = input\ni: i64[1,2] = const [1, -1]\n"
                     "u: f32[1] = input\ny: f32[2,3] = scatter_nd(jax, i, u, parts=2, "
                     "reduction=\"add\")\noutput y\n",
                     "def program(jax_, u, i):\n"
                     "    y_dims = jax.numpy.array((2, 3), jax.numpy.int64)\n"
                     "    y_below = jax.numpy.less(i, 0)\n"
                     "    y_moved = jax.numpy.add(i, y_dims)\n"
                     "    y_index = jax.numpy.where(y_below, y_moved, i)\n"
                     "    y_numbers = jax.lax.ScatterDimensionNumbers(update_window_dims=(), "
                     "inserted_window_dims=(0, 1), scatter_dims_to_operand_dims=(0, 1))\n"
                     "    y = jax.lax.scatter_add(jax_, y_index, u, y_numbers)\n"
                     "    return (y,)\n");
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
        cmocka_unit_test(a_short_script_of_jax),
        cmocka_unit_test(a_short_script_says_reals_as_people_do),
        cmocka_unit_test(plan_of_two_shapes),
        cmocka_unit_test(plan_names_are_free),
        cmocka_unit_test(plan_prints_all_kinds),
        cmocka_unit_test(every_op_has_its_calls),
        cmocka_unit_test(plan_prints_jax),
        cmocka_unit_test(plan_travels_as_bytes),
        cmocka_unit_test(plan_check_finds_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
