/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue's ops on nodes written down: values, what is unspecified, noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "ops/ops.h"
#include "ops_cases.h"

#include "cases_activation.h"
#include "cases_index.h"
#include "cases_linear.h"
#include "cases_logic.h"
#include "cases_math.h"
#include "cases_move.h"
#include "cases_pool.h"
#include "cases_reduce.h"

/* The value y is the output, unless the text names one. */
static struct program *parse(struct arena *arena, const char *text)
{
    struct program *p;
    const char *full = strstr(text, "\noutput ") ? text : arena_printf(arena, "%soutput y\n", text);
    if (program_parse("test", full, strlen(full), arena, &p) != ERR_OK) {
        fail_msg("%s in\n%s", err_text(), full);
    }
    return p;
}

static struct program *parse_checked(struct arena *arena, const char *text)
{
    struct program *p = parse(arena, text);
    if (ops_check(p) != ERR_OK) {
        fail_msg("%s in\n%s", err_text(), text);
    }
    return p;
}

/* All values of a program of constants. */
static struct array *evaluate(struct arena *arena, const struct program *p)
{
    struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values);
    program_evaluate(p, NULL, values, arena);
    return values;
}

static uint32_t result_of(const struct program *p)
{
    return p->outputs[0];
}

static struct evaluation describe(struct arena *arena, const struct node *node,
                                  const struct array *values)
{
    struct evaluation e = {
        .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = arena};
    for (uint32_t k = 0; k < node->n_in; k++) {
        e.in[k] = &values[node->in[k]];
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        e.out[o] = values[node->out[o]];
    }
    return e;
}

/* ---- values ---- */

static struct array expected_values(struct arena *arena, const struct array *like, const char *list)
{
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "e: %s", dtype_name(like->dtype));
    shape_print(&like->shape, &text);
    buffer_printf(&text, " = const %s\noutput e\n", list);
    struct program *p = parse(arena, text.data);
    buffer_release(&text);
    const struct value *v = &p->values[0];
    struct tensor t = {.dtype = v->dtype, .shape = v->shape};
    t.data = arena_copy(arena, v->data, tensor_size(&t));
    return array_from_tensor(arena, &t);
}

static void run_case(const struct op_case *c)
{
    struct arena *arena = arena_new();
    struct program *p = parse_checked(arena, c->text);
    const struct array *y = &evaluate(arena, p)[result_of(p)];
    struct array e = expected_values(arena, y, c->expected);
    for (size_t i = 0; i < y->n; i++) {
        bool both_nan = isnan(y->v[i]) && isnan(e.v[i]);
        int64_t steps = both_nan ? 0 : dtype_steps(y->dtype, y->v[i], e.v[i]);
        if (steps > c->steps || steps < -c->steps) {
            fail_msg("%s: element %zu is %Lg, not %Lg", c->label, i, y->v[i], e.v[i]);
        }
    }
    arena_free(arena);
}

#define FAMILY(name) {cases_##name, ARRAY_SIZE(cases_##name)}
static const struct {
    const struct op_case *cases;
    size_t n;
} families[] = {FAMILY(first),  FAMILY(math), FAMILY(activation), FAMILY(logic), FAMILY(reduce),
                FAMILY(linear), FAMILY(pool), FAMILY(move),       FAMILY(index)};

static void cases_give_their_values(void **state)
{
    for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
        for (size_t i = 0; i < families[f].n; i++) {
            run_case(&families[f].cases[i]);
        }
    }
}

/* Every op has a case: a new one without is noticed. */
static void every_op_has_a_case(void **state)
{
    for (size_t i = 0; i < op_count; i++) {
        char call[64];
        snprintf(call, sizeof(call), "= %s(", op_table[i]->name);
        bool found = false;
        for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
            for (size_t k = 0; k < families[f].n; k++) {
                found |= strstr(families[f].cases[k].text, call) != NULL;
            }
        }
        if (!found) {
            fail_msg("no case of %s", op_table[i]->name);
        }
    }
}

/* A chain, an absent input, and rounding between the nodes. */
static void programs_round_every_value(void **state)
{
    struct arena *arena = arena_new();
    struct program *p =
        parse_checked(arena, "a: f16[1] = const [2048]\nb: f16[1] = const [1]\n"
                             "c: f16[1] = add(a, b)\nd: f16[1] = add(c, b)\noutput d\n");
    assert_true(evaluate(arena, p)[result_of(p)].v[0] == 2048);
    p = parse_checked(arena, "x: f32[1,1,1,2] = const [1, 2]\nw: f32[1,1,1,1] = const [3]\n"
                             "y: f32[1,1,1,2] = conv2d(x, w, _, strides=[1,1], pads=[0,0,0,0], "
                             "dilations=[1,1], group=1)\n");
    assert_true(evaluate(arena, p)[result_of(p)].v[1] == 6);
    arena_free(arena);
}

/* ---- unspecified elements ---- */

struct mark_case {
    const char *text, *marks; /* one character an element: 'u' unspecified, '.' not */
};

static void marks_are(const struct mark_case *c)
{
    struct arena *arena = arena_new();
    struct program *p = parse_checked(arena, c->text);
    struct array *values = evaluate(arena, p);
    const struct node *node = &p->nodes[p->n_nodes - 1];
    struct evaluation e = describe(arena, node, values);
    uint8_t *mark[OP_OUTPUTS_MAX] = {0};
    for (uint32_t o = 0; o < e.n_out; o++) {
        mark[o] = arena_zalloc(arena, e.out[o].n + 1);
    }
    node->op->unspecified(&e, mark);
    uint32_t o = p->values[result_of(p)].output;
    assert_int_equal(e.out[o].n, strlen(c->marks));
    for (size_t i = 0; i < e.out[o].n; i++) {
        if (mark[o][i] != (c->marks[i] == 'u')) {
            fail_msg("element %zu of\n%s", i, c->text);
        }
    }
    arena_free(arena);
}

static const struct mark_case mark_cases[] = {
    {"a: f32[7] = const [127.9, 128, -128.9, -129, nan, inf, -0.5]\n"
     "y: i8[7] = cast(a, to=i8)\n",
     ".u.uuu."},
    {"a: f64[4] = const [-0.9, -1, 4294967295.5, 4294967296]\ny: u32[4] = cast(a, to=u32)\n",
     ".u.u"},
    {"a: f64[3] = const [9223372036854774784, 9223372036854775808, -9223372036854775808]\n"
     "y: i64[3] = cast(a, to=i64)\n",
     ".u."},
    {"a: f32[3] = const [nan, inf, 7]\ny: bool[3] = cast(a, to=bool)\n", "..."},
    {"x: f32[1,2,2] = const [1, inf, 3, 4]\ns: f32[2] = const [1, 1]\nm: f32[2] = const [1, 1]\n"
     "q: f32[1,2,2], y: f32[2], r: f32[2] = batch_norm_training(x, s, s, m, s, "
     "epsilon=0.125, momentum=1.0)\n",
     "u."},
    {"x: f32[1,2,2] = const [1, inf, 3, 4]\ns: f32[2] = const [1, 1]\nm: f32[2] = const [1, 1]\n"
     "q: f32[1,2,2], y: f32[2], r: f32[2] = batch_norm_training(x, s, s, m, s, "
     "epsilon=0.125, momentum=0.5)\n",
     ".."},
    {"x: f32[1,2,2] = const [1, inf, 3, 4]\ns: f32[2] = const [1, 1]\nm: f32[2] = const [1, inf]\n"
     "q: f32[1,2,2], y: f32[2], r: f32[2] = batch_norm_training(x, s, s, m, s, "
     "epsilon=0.125, momentum=0.0)\n",
     ".u"},
    {"x: f32[1,2,2] = const [1, inf, 3, 4]\ns: f32[2] = const [1, 1]\nm: f32[2] = const [1, inf]\n"
     "q: f32[1,2,2], y: f32[2], r: f32[2] = batch_norm_training(x, s, s, m, s, "
     "epsilon=0.125, momentum=0.5)\n",
     ".."},
    {"a: i32[2] = const [300, -1]\ny: u8[2] = cast(a, to=u8)\n", ".."},
    {"a: i32[4] = const [5, -2147483648, -2147483648, 0]\n"
     "b: i32[4] = const [0, -1, 1, 0]\ny: i32[4] = div(a, b)\n",
     "uu.u"},
    {"a: i8[2,2] = const [100, 100, 100, 27]\n"
     "y: i8[2] = reduce_sum(a, axes=[1], keepdims=false)\n",
     "u."},
    {"a: u8[2] = const [0, 3]\nb: u8[2] = const [255, 0]\ny: u8[2] = div(a, b)\n", ".u"},
    {"a: f32[4] = const [1, 0, nan, inf]\nb: f32[] = const [0]\ny: f32[4] = div(a, b)\n", "u..u"},
    {"a: i8[4] = const [5, -128, -128, 0]\nb: i8[4] = const [0, -1, 1, 0]\n"
     "y: i8[4] = mod(a, b)\n",
     "uu.u"},
    {"a: f32[5] = const [33554432, 8, nan, inf, 33554432]\nb: f32[5] = const [1, 3, 1, 1, 0]\n"
     "y: f32[5] = mod(a, b)\n",
     "u...."},
    {"a: f32[2] = const [33554432, inf]\nb: f32[2] = const [1, 1]\ny: f32[2] = fmod(a, b)\n", ".."},
    {"a: i64[2] = const [9007199254740992, 9007199254740993]\nb: i64[] = const [3]\n"
     "y: i64[2] = fmod(a, b)\n",
     ".u"},
    {"a: f32[5] = const [inf, -5, 5, 1, 0]\nb: f32[5] = const [2, inf, inf, 0, 0]\n"
     "y: f32[5] = floor_div(a, b)\n",
     "uu.u."},
    {"a: f32[4] = const [0, 0, 0, 0]\nb: f32[4] = const [-1, -2, -0.5, 3]\ny: f32[4] = pow(a, b)\n",
     "u..."},
    {"a: i8[5] = const [2, 2, -2, 2, 5]\nb: i8[5] = const [6, 7, 7, -1, 0]\ny: i8[5] = pow(a, b)\n",
     ".u.u."},
    {"a: f32[4] = const [-1, -1, 1.000001, 1]\n"
     "b: i64[4] = const [16777216, 16777217, 16777217, 16777217]\ny: f32[4] = pow(a, b)\n",
     ".uu."},
    {"a: f32[1] = const [2]\nb: f64[1] = const [0.1]\ny: f32[1] = pow(a, b)\n", "."},
    {"a: f64[2] = const [-inf, -inf]\nb: i64[2] = const [9007199254740993, 9007199254740992]\n"
     "y: f64[2] = pow(a, b)\n",
     "u."},
    {"a: i32[4] = const [2, -2, 2, 3]\nb: f32[4] = const [0.5, 0.5, nan, 40]\n"
     "y: i32[4] = pow(a, b)\n",
     ".uuu"},
    {"a: f32[5] = const [0, 0, 0, 1, 0]\nb: f32[5] = const [1, -1, 0, -0, nan]\n"
     "y: f32[5] = atan2(a, b)\n",
     ".uu.."},
    {"a: i8[4] = const [1, 1, 1, 1]\nb: i8[4] = const [0, 7, 8, -1]\ny: i8[4] = shift_left(a, b)\n",
     "..uu"},
    {"a: u16[2] = const [1, 1]\nb: u16[2] = const [15, 16]\ny: u16[2] = shift_right(a, b)\n", ".u"},
    {"a: f32[5,3] = const [1,2,2, 2,1,0, nan,1,0, 1,nan,1, -inf,-inf,-inf]\n"
     "y: i64[5] = arg_max(a, axis=1, keepdims=false)\n",
     "..uu."},
    {"a: i32[2,2] = const [1,2, 1,3]\ny: i64[1,2] = arg_max(a, axis=0, keepdims=true)\n", ".."},
    {"a: f32[3,3] = const [1,2,2, nan,1,0, 3,2,1]\n"
     "v: f32[3,2], y: i64[3,2] = top_k(a, axis=1, k=2, largest=true, sorted=true)\n",
     "uuuu.."},
    {"a: f32[3,3] = const [1,2,2, nan,1,0, 3,2,1]\n"
     "y: f32[3,2], i: i64[3,2] = top_k(a, axis=1, k=2, largest=true, sorted=true)\n",
     "..uu.."},
    {"a: f32[3] = const [3,2,1]\n"
     "y: f32[2], i: i64[2] = top_k(a, axis=0, k=2, largest=true, sorted=false)\n",
     "uu"},
    {"a: f32[2,3] = const [1,2,2, nan,1,0]\n"
     "v: f32[2,3], y: i64[2,3] = sort(a, axis=1, descending=true)\n",
     "...uuu"},
    {"a: i32[3,2] = const [65536,65536, -65536,32768, 2,0]\n"
     "y: i32[3] = reduce_prod(a, axes=[1], keepdims=false)\n",
     "u.."},
    {"a: i8[2,2] = const [-128,0, -127,0]\ny: i8[2] = reduce_l1(a, axes=[1], keepdims=false)\n",
     "u."},
    {"a: f32[1,2] = const [1,2]\n"
     "y: f32[1] = reduce_var(a, axes=[1], keepdims=false, correction=2)\n",
     "u"},
    {"a: f32[4,2] = const [inf,1, inf,inf, nan,inf, -inf,-inf]\n"
     "y: f32[4,2] = softmax(a, axis=1)\n",
     ".u......"},
    {"a: f32[2] = const [1,2]\ni: i64[4] = const [1,2,-2,-3]\ny: f32[4] = gather(a, i, "
     "axis=0)\n",
     ".u.u"},
    {"x: f32[3] = const [1,2,3]\ni: i64[3] = const [1,3,-3]\n"
     "y: f32[3] = gather_elements(x, i, axis=0)\n",
     ".u."},
    {"x: f32[2] = const [1,2]\ni: i64[3,1] = const [1,2,-3]\n"
     "y: f32[3] = gather_nd(x, i, parts=1, batch_dims=0)\n",
     ".uu"},
    {"x: f32[3] = const [1,2,3]\ni: i64[2] = const [1,-2]\nu: f32[2] = const [7,8]\n"
     "y: f32[3] = scatter_elements(x, i, u, axis=0)\n",
     ".u."},
    {"x: f32[2,2] = const [1,2,3,4]\ni: i64[2,1] = const [1,-1]\n"
     "u: f32[2,2] = const [5,6,7,8]\ny: f32[2,2] = scatter_nd(x, i, u, parts=1)\n",
     "..uu"},
    {"x: f32[2] = const [1,2]\ni: i64[1] = const [2]\nu: f32[1] = const [7]\n"
     "y: f32[2] = scatter_elements(x, i, u, axis=0)\n",
     "uu"},
    {"x: f32[3] = const [1,2,nan]\ni: i64[4] = const [1,-2,0,2]\nu: f32[4] = const [7,8,nan,1]\n"
     "y: f32[3] = scatter_elements(x, i, u, axis=0, reduction=\"max\")\n",
     "u.u"},
    {"x: f32[3] = const [1,2,nan]\ni: i64[4,1] = const [1,-2,0,2]\nu: f32[4] = const [7,8,nan,1]\n"
     "y: f32[3] = scatter_nd(x, i, u, parts=1, reduction=\"add\")\n",
     "..."},
    {"x: f32[1,1,5] = const [1,4,9,16,25]\n"
     "y: f32[1,1,2] = resize(x, sizes=[2], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, antialias=true, scale_w=0.5)\n",
     "u."},
    {"x: f32[1,1,5] = const [1,4,9,16,25]\n"
     "y: f32[1,1,2] = resize(x, sizes=[2], mode=\"linear\", "
     "coordinate_transformation_mode=\"align_corners\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, scale_w=0.5)\n",
     "uu"},
    {"i: i64[2] = const [2,-1]\n"
     "y: f32[2,2] = one_hot(i, depth=2, axis=1, on=1.0, off=0.0, dtype=f32)\n",
     "uu.."},
    {"a: f32[4] = const [nan,inf,-inf,1]\ny: f32[4] = softsign(a)\n", ".uu."},
    {"a: f32[4] = const [nan,inf,-inf,1]\ny: f32[4] = mish(a)\n", "..u."},
    {"a: f32[4] = const [nan,inf,-inf,1]\ny: f32[4] = swish(a, alpha=-1.0)\n", ".u.."},
    {"a: f32[4] = const [nan,inf,-inf,1]\ny: f32[4] = thresholded_relu(a, alpha=1.0)\n", "u..."},
    {"a: f32[3] = const [0,1,-1]\nb: f32[] = const [inf]\ny: f32[3] = prelu(a, b)\n", "uu."},
    {"x: f32[1,1,2,2] = const [1,2,3,4]\nw: f32[1,1,2,2] = const [inf,1,1,1]\n"
     "y: f32[1,1,2,2] = conv2d(x, w, strides=[1,1], pads=[1,1,0,0], dilations=[1,1], "
     "group=1)\n",
     "uuu."},
    {"a: f32[3] = const [nan, inf, 0]\ny: f32[3] = sign(a)\n", "u.."},
    {"a: f32[4] = const [0, -0, 1e-40, inf]\ny: f32[4] = rsqrt(a)\n", "uu.."},
    {"a: f32[3] = const [nan, -0, inf]\ny: f32[3] = reciprocal(a)\n", ".u."},
    {"x: f32[1,1,1,2] = const [inf,nan]\nw: f32[1,1,1,2] = const [1,1]\n"
     "y: f32[1,1,1,2] = conv2d(x, w, strides=[1,1], pads=[0,1,0,0], dilations=[1,1], "
     "group=1)\n",
     ".."},
};

static void unspecified_is_marked(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(mark_cases); i++) {
        marks_are(&mark_cases[i]);
    }
}

/* ---- noise ---- */

static const real *noise_of(struct arena *arena, const char *text, struct array *y)
{
    struct program *p = parse_checked(arena, text);
    struct array *values = evaluate(arena, p);
    const struct node *node = &p->nodes[p->n_nodes - 1];
    const struct array *in[OP_INPUTS_MAX] = {0};
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = &values[node->in[k]];
    }
    real *noise[OP_OUTPUTS_MAX];
    struct array out[OP_OUTPUTS_MAX];
    op_evaluate(p, node, in, false, out, noise, arena);
    *y = out[0];
    return noise[0];
}

/* Exact results carry no noise, so that what jumps behind them stays comparable. */
static void exact_results_have_no_noise(void **state)
{
    static const char *const exact[] = {
        "a: f32[2] = const [1, 2.5]\ny: f32[2] = add(a, a)\n",
        "a: f32[2] = const [1, -2.5]\ny: f32[2] = relu(a)\n",
        "a: f32[1,3] = const [1, 2, 3]\nb: f32[3,1] = const [4, 5, -6]\ny: f32[1,1] = matmul(a, "
        "b)\n",
        "a: f32[3] = const [0.25, 16384, -3]\ny: f32[] = reduce_sum(a, axes=[0], keepdims=false)\n",
        "a: i32[2] = const [7, 9]\nb: i32[2] = const [2, 4]\ny: i32[2] = div(a, b)\n",
        "a: f32[2] = const [nan, inf]\ny: f32[2] = exp(a)\n",
        "a: f16[2] = const [0.5, 0]\ny: f32[2] = cast(a, to=f32)\n",
        "x: f32[1,1,1,2] = const [1, 2]\nw: f32[1,1,1,2] = const [0.5, 3]\n"
        "y: f32[1,1,1,1] = conv2d(x, w, strides=[1,1], pads=[0,0,0,0], dilations=[1,1], group=1)\n",
    };
    static const char *const inexact[] = {
        "a: f32[] = const [1]\nb: f32[] = const [1e-8]\ny: f32[] = add(a, b)\n",
        "a: f32[] = const [1]\ny: f32[] = exp(a)\n",
        "a: f32[2] = const [1, 1e-8]\ny: f32[] = reduce_sum(a, axes=[0], keepdims=false)\n",
        "a: f32[1,2] = const [1, 1e-8]\nb: f32[2,1] = const [1, 1]\ny: f32[1,1] = matmul(a, b)\n",
        "a: f64[] = const [2]\ny: f64[] = sqrt(a)\n",
        "a: i32[] = const [16777217]\ny: f32[] = cast(a, to=f32)\n",
        "a: f32[2] = const [0, 1]\ny: f32[2] = softmax(a, axis=0)\n",
    };
    struct arena *arena = arena_new();
    struct array y;
    for (size_t i = 0; i < ARRAY_SIZE(exact); i++) {
        const real *noise = noise_of(arena, exact[i], &y);
        for (size_t k = 0; k < y.n; k++) {
            if (noise[k] != 0) {
                fail_msg("noise %Lg in\n%s", noise[k], exact[i]);
            }
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(inexact); i++) {
        const real *noise = noise_of(arena, inexact[i], &y);
        if (!(noise[0] > 0)) {
            fail_msg("no noise in\n%s", inexact[i]);
        }
    }
    arena_free(arena);
}

/* Partial sums may overflow in one order and not in another: nothing is expected there. */
static void sums_that_may_overflow_are_open(void **state)
{
    struct arena *arena = arena_new();
    struct array y;
    const real *noise = noise_of(arena,
                                 "a: f32[4] = const [3e38, 3e38, -3e38, -3e38]\n"
                                 "y: f32[] = reduce_sum(a, axes=[0], keepdims=false)\n",
                                 &y);
    assert_true(isinf(noise[0]));
    noise = noise_of(arena,
                     "a: f32[2] = const [3e38, 3e38]\n"
                     "y: f32[] = reduce_sum(a, axes=[0], keepdims=false)\n",
                     &y);
    assert_true(isfinite(noise[0]) && y.v[0] > dtype_max(DTYPE_F32));
    noise = noise_of(arena,
                     "a: f32[2] = const [1e30, -1e30]\n"
                     "y: f32[] = reduce_var(a, axes=[0], keepdims=false, correction=0)\n",
                     &y);
    assert_true(isfinite(noise[0]) && y.v[0] > dtype_max(DTYPE_F32));
    noise = noise_of(arena, /* its mean overflows */
                     "a: f32[3] = const [3e38, 3e38, 0]\n"
                     "y: f32[] = reduce_var(a, axes=[0], keepdims=false, correction=0)\n",
                     &y);
    assert_true(isinf(noise[0]));
    noise = noise_of(arena, /* the small term overflows too, but is lost beside the large one */
                     "a: f32[1,2] = const [3e38, 3e38]\nb: f32[2,1] = const [3e38, -10]\n"
                     "y: f32[1,1] = matmul(a, b)\n",
                     &y);
    assert_true(isinf(noise[0]));
    arena_free(arena);
}

/* What plain f32 loops give, in two orders, lies within noise and rounding of the reference. */
static void noise_covers_single_precision(void **state)
{
    enum { ROWS = 3, INNER = 200, COLS = 4 };
    struct arena *arena = arena_new();
    struct rng rng = rng_seeded(3);
    float a[ROWS * INNER], b[INNER * COLS];
    struct program *p = program_new(arena);
    struct shape sa = {.rank = 2, .dim = {ROWS, INNER}}, sb = {.rank = 2, .dim = {INNER, COLS}};
    struct shape sy = {.rank = 2, .dim = {ROWS, COLS}};
    for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
        a[i] = (float)(rng_unit(&rng) - 0.5);
    }
    for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
        b[i] = (float)(rng_unit(&rng) - 0.5);
    }
    uint32_t in[2] = {program_add_const(p, "a", DTYPE_F32, &sa, a),
                      program_add_const(p, "b", DTYPE_F32, &sb, b)};
    enum dtype d = DTYPE_F32;
    program_add_node(p, "matmul", 2, in, 0, NULL, 1, &d, &sy);
    assert_int_equal(ops_check(p), ERR_OK);
    struct array *values = evaluate(arena, p), out[OP_OUTPUTS_MAX];
    const struct array *args[2] = {&values[in[0]], &values[in[1]]};
    real *noise[OP_OUTPUTS_MAX];
    op_evaluate(p, &p->nodes[0], args, false, out, noise, arena);
    size_t differing = 0;
    for (size_t i = 0; i < ROWS * COLS; i++) {
        float up = 0, down = 0;
        for (size_t k = 0; k < INNER; k++) {
            size_t back = INNER - 1 - k;
            up += a[i / COLS * INNER + k] * b[k * COLS + i % COLS];
            down += a[i / COLS * INNER + back] * b[back * COLS + i % COLS];
        }
        real bound = noise[0][i] + dtype_roundoff(d) * fabsl(out[0].v[i]);
        assert_true(fabsl((real)up - out[0].v[i]) <= bound);
        assert_true(fabsl((real)down - out[0].v[i]) <= bound);
        assert_true(noise[0][i] < 1e-3L); /* and says something */
        differing += up != down;
    }
    assert_true(differing > 0);
    arena_free(arena);
}

/* ---- ranges and gradients worked out by hand ---- */

/* What follows from input intervals, as tight as it should be and with NaN where it can be. */
static const struct range_case {
    const char *text;
    struct interval in[2], out;
} range_cases[] = {
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = add(a, b)\n",
     {{-1, 2, false}, {3, 4, false}},
     {2, 6, false}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = add(a, b)\n",
     {{0, INFINITY, false}, {-INFINITY, 0, false}},
     {-INFINITY, INFINITY, true}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = add(a, b)\n",
     {{-INFINITY, 0, false}, {0, INFINITY, false}},
     {-INFINITY, INFINITY, true}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = add(a, b)\n",
     {{0, INFINITY, false}, {0, INFINITY, false}},
     {0, INFINITY, false}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = mul(a, b)\n",
     {{-1, 2, false}, {-3, 4, false}},
     {-6, 8, false}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = mul(a, b)\n",
     {{0, 2, false}, {1, INFINITY, false}},
     {0, INFINITY, true}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = mul(a, b)\n",
     {{1, INFINITY, false}, {0, 2, false}},
     {0, INFINITY, true}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = div(a, b)\n",
     {{1, 2, false}, {-2, -1, true}},
     {-2, -0.5, true}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = div(a, b)\n",
     {{1, 2, false}, {0, 1, false}},
     {-INFINITY, INFINITY, false}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: f32[2] = div(a, b)\n",
     {{0, 2, false}, {0, 1, false}},
     {-INFINITY, INFINITY, true}},
    {"a: i8[2] = input\nb: i8[2] = input\ny: i8[2] = add(a, b)\n",
     {{0, 100, false}, {0, 27, false}},
     {0, 127, false}},
    {"a: i8[2] = input\nb: i8[2] = input\ny: i8[2] = add(a, b)\n",
     {{0, 100, false}, {0, 28, false}},
     {-128, 127, false}},
    {"a: f32[2] = input\ny: f32[2] = relu(a)\n", {{-1, 2, true}}, {0, 2, true}},
    {"a: f32[2] = input\ny: f32[2] = sqrt(a)\n", {{-1, 0, false}}, {0, 0, true}},
    {"a: f32[2] = input\ny: f32[2] = log(a)\n", {{-2, -1, false}}, {INFINITY, -INFINITY, true}},
    {"a: f32[2] = input\ny: f32[2] = tan(a)\n", {{1, 2, false}}, {-INFINITY, INFINITY, false}},
    {"a: f32[2] = input\ny: f32[2] = clip(a, min=-1.0, max=1.0)\n", {{2, 3, false}}, {1, 1, false}},
    {"a: f32[2] = input\ny: i8[2] = cast(a, to=i8)\n", {{-1.5, 7.9L, false}}, {-1, 7, false}},
    {"a: f32[2] = input\ny: i8[2] = cast(a, to=i8)\n", {{-1, 1, true}}, {-128, 127, false}},
    {"a: f32[2] = input\ny: bool[2] = cast(a, to=bool)\n", {{1, 2, true}}, {1, 1, false}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: bool[2] = less(a, b)\n",
     {{1, 2, false}, {3, 4, false}},
     {1, 1, false}},
    {"a: f32[2] = input\nb: f32[2] = input\ny: bool[2] = less(a, b)\n",
     {{4, 5, true}, {3, 4, false}},
     {0, 0, false}},
    {"a: i8[3,2] = input\ny: i8[2] = reduce_sum(a, axes=[0], keepdims=false)\n",
     {{0, 50, false}},
     {-128, 127, false}},
    {"a: f32[3,2] = input\ny: f32[3,1] = reduce_max(a, axes=[1], keepdims=true)\n",
     {{-3, 5, false}},
     {-3, 5, false}},
    {"a: f32[3,2] = input\ny: i64[2] = arg_max(a, axis=0, keepdims=false)\n",
     {{-3, 5, false}},
     {0, 2, false}},
    {"a: f32[3,2] = input\ni: i64[1] = input\ny: f32[1,2] = gather(a, i, axis=0)\n",
     {{3, 5, false}, {-3, 2, false}},
     {3, 5, false}},
};

static void ranges_are_as_worked_out(void **state)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_SIZE(range_cases); i++) {
        struct program *p = parse_checked(arena, range_cases[i].text);
        const struct node *node = &p->nodes[0];
        struct range_query q = {.node = node, .out_value = {&p->values[node->out[0]]}};
        for (uint32_t k = 0; k < node->n_in; k++) {
            q.in_value[k] = &p->values[node->in[k]];
            q.in[k] = range_cases[i].in[k];
        }
        node->op->range(&q);
        struct interval y = q.out[0], e = range_cases[i].out;
        if (y.lo != e.lo || y.hi != e.hi || y.may_nan != e.may_nan) {
            fail_msg("[%Lg, %Lg] NaN %d of\n%s", y.lo, y.hi, y.may_nan, range_cases[i].text);
        }
    }
    arena_free(arena);
}

/* Where finite differences cannot look: ties and kinks, by the rules the comments name. */
static void gradients_at_kinks(void **state)
{
    static const struct {
        const char *text;
        real grad[4];
    } cases[] = {
        {"a: f32[4] = const [3, 1, 3, 3]\n"
         "y: f32[] = reduce_max(a, axes=[0], keepdims=false)\n",
         {1.0L / 3, 0, 1.0L / 3, 1.0L / 3}},
        {"a: f32[4] = const [-1, 0, 1, 6]\ny: f32[4] = relu(a)\n", {0, 0, 1, 1}},
        {"a: f32[4] = const [-1, 0, 6, 7]\ny: f32[4] = clip(a, min=0.0, max=6.0)\n", {0, 1, 1, 0}},
        {"a: f32[4] = const [-1, 0, 6, 7.5]\ny: f32[4] = floor(a)\n", {0, 0, 0, 0}},
        {"a: f32[2,2] = const [1, 2, 3, 4]\ni: i32[3] = const [1, 0, 1]\n"
         "y: f32[3,2] = gather(a, i, axis=0)\n",
         {1, 1, 2, 2}},
        {"a: f32[4] = const [1, 2, 3, 4]\ny: f32[8] = concat(a, a, axis=0)\n", {1, 1, 1, 1}},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct program *p = parse_checked(arena, cases[i].text);
        struct array *values = evaluate(arena, p);
        const struct node *node = &p->nodes[0];
        struct evaluation e = describe(arena, node, values);
        real cotangent[8] = {1, 1, 1, 1, 1, 1, 1, 1}, grad[4] = {0};
        struct vjp v = {.e = &e, .cotangent = {cotangent}, .grad = {grad}};
        node->op->vjp(&v);
        for (size_t k = 0; k < 4; k++) {
            if (fabsl(grad[k] - cases[i].grad[k]) > 1e-15L) {
                fail_msg("gradient %zu is %Lg of\n%s", k, grad[k], cases[i].text);
            }
        }
    }
    arena_free(arena);
}

/* ---- the table and small things ---- */

static void ops_are_found_by_name(void **state)
{
    for (size_t i = 0; i < op_count; i++) {
        assert_ptr_equal(op_find(op_table[i]->name), op_table[i]);
        assert_int_equal(op_index(op_table[i]), i);
        assert_true(op_n_inputs(op_table[i]) > 0 && op_n_outputs(op_table[i]) > 0);
    }
    assert_null(op_find("addd"));
}

static void index_limits_are_known(void **state)
{
    struct arena *arena = arena_new();
    struct program *p = parse_checked(
        arena, "a: f32[2,5] = input\ni: i64[3] = input\ny: f32[2,3] = gather(a, i, axis=-1)\n");
    assert_int_equal(node_index_limit(p, &p->nodes[0], 1, 0), 5);
    assert_int_equal(node_index_limit(p, &p->nodes[0], 0, 0), -1);
    arena_free(arena);
}

static void clip_draws_values_of_the_dtype(void **state)
{
    struct rng rng = rng_seeded(1);
    const struct interval ranges[] = {
        {.lo = -1000, .hi = 70000}, {.lo = -INFINITY, .hi = 0}, {.lo = 1e-30L, .hi = 1e300L}};
    for (int i = 0; i < 5000; i++) {
        struct instance m;
        instance_init(&m, op_find("clip"), 1);
        do {
            m.in[0].dtype = (enum dtype)rng_below(&rng, DTYPE_COUNT);
        } while (!dtype_in(m.in[0].dtype, DT_NUMBERS));
        assert_true(m.op->structure(&m, &rng));
        m.op->finish(&m, i % 4 ? &ranges[i % 3] : NULL, &rng);
        assert_int_equal(m.n_attrs, 2);
        assert_true(m.op->structure(&m, NULL)); /* min <= max, both values of the dtype */
    }
}

/* Merged rows and the odometer against the plain definition. */
static void broadcasting_agrees_with_its_definition(void **state)
{
    struct arena *arena = arena_new();
    struct rng rng = rng_seeded(8);
    for (int round = 0; round < 500; round++) {
        struct program *p = program_new(arena);
        struct shape y = {.rank = (int)rng_range(&rng, 0, 5)}, s[2] = {y, y};
        for (int d = 0; d < y.rank; d++) {
            y.dim[d] = rng_range(&rng, 1, 4);
            s[0].dim[d] = rng_chance(&rng, 1, 3) ? 1 : y.dim[d];
            s[1].dim[d] = s[0].dim[d] != y.dim[d] || rng_chance(&rng, 1, 2) ? y.dim[d] : 1;
        }
        struct array in[2];
        uint32_t id[2];
        for (int k = 0; k < 2; k++) {
            in[k] = (struct array){.dtype = DTYPE_I64, .shape = s[k], .n = shape_numel(&s[k])};
            in[k].v = ARENA_ARRAY(arena, real, in[k].n);
            for (size_t i = 0; i < in[k].n; i++) {
                in[k].v[i] = (real)(i * (k ? 10000 : 1));
            }
            id[k] = program_add_input(p, NULL, DTYPE_I64, &s[k]);
        }
        enum dtype d = DTYPE_I64;
        program_add_node(p, "add", 2, id, 0, NULL, 1, &d, &y);
        assert_int_equal(ops_check(p), ERR_OK);
        struct array out[OP_OUTPUTS_MAX];
        op_evaluate(p, &p->nodes[0], (const struct array *[]){&in[0], &in[1]}, true, out, NULL,
                    arena);
        for (size_t i = 0; i < out[0].n; i++) {
            real e =
                in[0].v[broadcast_index(&y, &s[0], i)] + in[1].v[broadcast_index(&y, &s[1], i)];
            assert_true(out[0].v[i] == e);
        }
        arena_reset(arena);
    }
    arena_free(arena);
}

/* Would take hours, or all memory, if the dims beside the 0 were walked. */
static void empty_results_cost_nothing(void **state)
{
    static const char *const texts[] = {
        "x: f32[2,220000,270700,851,0] = const []\n"
        "y: f32[2,220000,270700,851,0] = concat(x, x, axis=-1)\n",
        "a: f32[220000,270700,0,3] = const []\nb: f32[3,1] = const [1,2,3]\n"
        "y: f32[220000,270700,0,1] = matmul(a, b)\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct arena *arena = arena_new();
        struct program *p = parse_checked(arena, texts[i]);
        struct array *values = evaluate(arena, p);
        assert_int_equal(values[result_of(p)].n, 0);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_give_their_values),
        cmocka_unit_test(every_op_has_a_case),
        cmocka_unit_test(programs_round_every_value),
        cmocka_unit_test(unspecified_is_marked),
        cmocka_unit_test(exact_results_have_no_noise),
        cmocka_unit_test(sums_that_may_overflow_are_open),
        cmocka_unit_test(noise_covers_single_precision),
        cmocka_unit_test(ranges_are_as_worked_out),
        cmocka_unit_test(gradients_at_kinks),
        cmocka_unit_test(ops_are_found_by_name),
        cmocka_unit_test(index_limits_are_known),
        cmocka_unit_test(clip_draws_values_of_the_dtype),
        cmocka_unit_test(empty_results_cost_nothing),
        cmocka_unit_test(broadcasting_agrees_with_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
