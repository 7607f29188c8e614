/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of normalisations at the ends of the range: of which elements all ways of computing
 * them agree on the class (finite, infinite, NaN), and how near to the reference they must be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "ops/ops.h"

/* Of the program's output: noise and the exact result. */
struct result {
    struct array y;
    const real *noise;
};

/* The value y is the output, unless the text names one. */
static struct program *parse(struct arena *arena, const char *text)
{
    struct program *p;
    const char *full = strstr(text, "\noutput ") ? text : arena_printf(arena, "%soutput y\n", text);
    if (program_parse("test", full, strlen(full), arena, &p) || ops_check(p)) {
        fail_msg("%s in\n%s", err_text(), full);
    }
    return p;
}

static struct result result_of(struct arena *arena, const char *text)
{
    struct program *p = parse(arena, text);
    const struct node *node = &p->nodes[0];
    struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values), out[OP_OUTPUTS_MAX];
    const struct array *in[OP_INPUTS_MAX] = {0};
    real *noise[OP_OUTPUTS_MAX];
    program_evaluate(p, NULL, values, arena);
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = &values[node->in[k]];
    }
    op_evaluate(p, node, in, false, out, noise, arena);
    uint32_t o = p->values[p->outputs[0]].output;
    return (struct result){out[o], noise[o]};
}

/* One character an element: '.' known, 'o' open. */
static const struct {
    const char *label, *text, *known;
} ends[] = {
    {"an infinite x, and a slope that is 0 in f32",
     "x: f32[1,3] = const [inf, inf, 1]\n"
     "s: f32[3] = const [1e-30, 1, 1e-30]\nz: f32[3] = const [0, 0, 0]\n"
     "v: f32[3] = const [3e38, 3e38, 3e38]\n"
     "y: f32[1,3] = batch_norm(x, s, z, z, v, epsilon=1.0)\n",
     "o.."},
    {"beyond the range by any way; the slope overflows; mean * slope overflows",
     "x: f32[1,3] = const [1e20, 1, 2e30]\n"
     "s: f32[3] = const [1e20, 3e38, 1e10]\nz: f32[3] = const [0, 0, 0]\n"
     "m: f32[3] = const [0, 0, 1e30]\nv: f32[3] = const [0, 0, 0]\n"
     "y: f32[1,3] = batch_norm(x, s, z, m, v, epsilon=0.125)\n",
     ".oo"},
    {"scaled beyond the range, and beside it",
     "x: f32[1,1,4] = const [0, 0, 0, 4]\ns: f32[1] = const [3e38]\nb: f32[1] = const [0]\n"
     "y: f32[1,1,4] = group_norm(x, s, b, num_groups=1, epsilon=0.125)\n",
     "...."},
    {"of f64 too, whose scale is not held in single precision",
     "x: f64[1,1,4] = const [0, 0, 0, 4]\ns: f64[1] = const [1.7e308]\nb: f64[1] = const [0]\n"
     "y: f64[1,1,4] = group_norm(x, s, b, num_groups=1, epsilon=0.125)\n",
     "...."},
    {"a slope that overflows, which nothing folds",
     "x: f32[1,4] = const [1, -1, 0, 0.25]\ns: f32[4] = const [3e38, 3e38, 3e38, 1]\n"
     "y: f32[1,4] = rms_norm(x, s, axis=1, epsilon=0.125)\n",
     "..o."},
    {"squares that overflow",
     "x: f32[2,2] = const [1e30, 1, 1e10, 1]\ns: f32[2] = const [1, 1]\n"
     "y: f32[2,2] = layer_norm(x, s, axis=1, epsilon=0.125)\n",
     "oo.."},
    {"deviations that do not overflow where squares do",
     "x: f64[1,1,2] = const [2e154, 2.0000001e154]\ns: f64[1] = const [1]\n"
     "y: f64[1,1,2] = instance_norm(x, s, s, epsilon=0.125)\n",
     ".."},
    {"an infinite scale takes the sign of x - mean, if that has one",
     "x: f32[2,3] = const [1, 2, 4, 3, 3, 3]\ns: f32[3] = const [inf, -inf, inf]\n"
     "y: f32[2,3] = layer_norm(x, s, axis=1, epsilon=0.125)\n",
     "...ooo"},
    {"without a mean, of 0 too; not where x / deviation is lost",
     "x: f32[2,3] = const [1, 0, -4, 1e19, 1e-30, 0]\ns: f32[3] = const [inf, inf, inf]\n"
     "y: f32[2,3] = rms_norm(x, s, axis=1, epsilon=0.125)\n",
     "....o."},
    {"an infinite x makes the others 0, the products before the division aside",
     "x: f32[4] = const [inf, 1, -3e30, 1e30]\ns: f32[4] = const [1, inf, 1e10, 1]\n"
     "y: f32[4] = rms_norm(x, s, axis=0, epsilon=0.125)\n",
     "..o."},
    {"a running mean of sums that may overflow",
     "x: f32[2,3] = const [3e38, 1, -inf, 3e38, -inf, inf]\ns: f32[3] = const [1, 1, 1]\n"
     "a: f32[2,3], y: f32[3], b: f32[3] = batch_norm_training(x, s, s, s, s, epsilon=0.125, "
     "momentum=0.5)\noutput y\n",
     "o.."},
    {"a running variance beyond the range; one that torch's correction takes there",
     "x: f32[2,4] = const [1e20, 1, 1, 1e38, -1e20, 3, 3, 3e38]\n"
     "s: f32[4] = const [1, 1, 1, 1]\nv: f32[4] = const [1, 3e38, 1e38, 1]\n"
     "a: f32[2,4], b: f32[4], y: f32[4] = batch_norm_training(x, s, s, s, v, epsilon=0.125, "
     "momentum=0.5)\noutput y\n",
     ".o.o"},
};

static void ends_of_the_range(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        struct arena *arena = arena_new();
        struct result r = result_of(arena, ends[i].text);
        assert_int_equal(r.y.n, strlen(ends[i].known));
        for (size_t k = 0; k < r.y.n; k++) {
            if (isinf(r.noise[k]) != (ends[i].known[k] == 'o')) {
                fail_msg("%s: element %zu has noise %Lg", ends[i].label, k, r.noise[k]);
            }
        }
        arena_free(arena);
    }
}

/* Where nothing underflows on its way, a subnormal result is known to a step or two of itself. */
static void subnormal_results_are_known(void **state)
{
    static const char *const texts[] = {
        "x: f32[1,4] = const [1, 2, 3, 8]\ns: f32[4] = const [1e-40, 1e-40, 1e-40, 1e-40]\n"
        "y: f32[1,4] = layer_norm(x, s, axis=1, epsilon=0.125)\n",
        "x: f32[4] = const [1e-39, 2e-40, 3e-38, 0]\ns: f32[4] = const [1, 1, 1, 1]\n"
        "y: f32[4] = rms_norm(x, s, axis=0, epsilon=1.0)\n",
        "x: f64[1,2] = const [1e-310, 3e-309]\ns: f64[2] = const [1, 2]\nz: f64[2] = const [0, 0]\n"
        "y: f64[1,2] = batch_norm(x, s, z, z, s, epsilon=0.125)\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct arena *arena = arena_new();
        struct result r = result_of(arena, texts[i]);
        for (size_t k = 0; k < r.y.n; k++) {
            if (!(r.noise[k] <= 32 * dtype_tiny(r.y.dtype))) {
                fail_msg("noise %Lg of %Lg in\n%s", r.noise[k], r.y.v[k], texts[i]);
            }
        }
        arena_free(arena);
    }
}

/* ---- taint ---- */

/* The first input's marks as text, and all outputs' in order: '.' none, 'm' marked. */
static const struct {
    const char *text, *x, *marks;
} taints[] = {
    {"x: f32[2,2] = const [1, 2, nan, 4]\ns: f32[2] = const [1, 1]\n"
     "y: f32[2,2] = layer_norm(x, s, axis=1, epsilon=0.125)\n",
     ".m.m", "mm.."},
    {"x: f32[2,2] = const [inf, 2, nan, 4]\ns: f32[2] = const [1, 1]\n"
     "y: f32[2,2] = layer_norm(x, s, axis=1, epsilon=0.125)\n",
     ".mmm", "..mm"},
    {"x: f32[4] = const [inf, 2, 1, 4]\ns: f32[4] = const [1, 1, 1, 1]\n"
     "y: f32[4] = rms_norm(x, s, axis=0, epsilon=0.125)\n",
     ".m..", "mmmm"},
    {"x: f32[2,3] = const [1, inf, nan, 4, 5, 6]\ns: f32[3] = const [1, 1, 1]\n"
     "y: f32[2,3], q: f32[3], r: f32[3] = batch_norm_training(x, s, s, s, s, epsilon=0.125, "
     "momentum=0.5)\n",
     "...mmm", "m..m..mm.m.."},
};

static void certain_nan_is_not_tainted(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(taints); i++) {
        struct arena *arena = arena_new();
        struct program *p = parse(arena, taints[i].text);
        const struct node *node = &p->nodes[0];
        struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values);
        struct evaluation e = {
            .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = arena};
        struct taint t = {.e = &e};
        uint8_t in[16] = {0}, out[OP_OUTPUTS_MAX][16] = {{0}};
        program_evaluate(p, NULL, values, arena);
        for (uint32_t k = 0; k < node->n_in; k++) {
            e.in[k] = &values[node->in[k]];
        }
        for (size_t k = 0; taints[i].x[k]; k++) {
            in[k] = taints[i].x[k] == 'm';
        }
        t.in_mark[0] = in;
        const char *mark = taints[i].marks;
        for (uint32_t o = 0; o < node->n_out; o++) {
            e.out[o] = values[node->out[o]];
            t.out_mark[o] = out[o];
        }
        node->op->taint(&t);
        for (uint32_t o = 0; o < node->n_out; o++) {
            for (size_t k = 0; k < e.out[o].n; k++, mark++) {
                if (out[o][k] != (*mark == 'm')) {
                    fail_msg("output %u, element %zu of\n%s", o, k, taints[i].text);
                }
            }
        }
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_of_the_range),
        cmocka_unit_test(subnormal_results_are_known),
        cmocka_unit_test(certain_nan_is_not_tainted),
    };
    return cmocka_run_group_tests_name("norm", tests, NULL, NULL);
}
