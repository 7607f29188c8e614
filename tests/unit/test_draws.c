/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is drawn of ops: real attributes in the bins that their specs declare, and which nodes tell
 * nothing of their first input by shapes and attributes alone.
 */
#include "unit.h"

#include "ops/ops_internal.h"

/* ---- real attributes ---- */

enum { DRAWS_AN_OCTAVE = 400 };

static void draw_many(const struct op *op, const struct attr_spec *attr)
{
    const struct real_spec *spec = &attr->real;
    const unsigned bins = spec->octaves + spec->has_zero;
    struct instance m;
    struct rng rng = rng_seeded(op_index(op));
    unsigned by_octave[64] = {0}, n_negative = 0, n_zero = 0;
    assert_true(bins < ARRAY_SIZE(by_octave));
    instance_init(&m, op, (uint32_t)op_n_inputs(op));
    for (unsigned i = 0; i < bins * DRAWS_AN_OCTAVE; i++) {
        double x = draw_real(&m, attr->name, DTYPE_F64, &rng);
        n_negative += x < 0;
        n_zero += x == 0;
        if (x != 0) {
            assert_true(fabs(x) >= spec->least);
            assert_true(dtype_round(DTYPE_BF16, (real)x) == (real)x);
            by_octave[(unsigned)floor(log2(fabs(x) / spec->least))]++;
        }
    }
    for (unsigned k = 0; k < ARRAY_SIZE(by_octave); k++) { /* five standard deviations */
        bool is_even = by_octave[k] > DRAWS_AN_OCTAVE - 100 && by_octave[k] < DRAWS_AN_OCTAVE + 100;
        assert_true(k < spec->octaves ? is_even : by_octave[k] == 0);
    }
    assert_int_equal(n_zero > 0, spec->has_zero);
    assert_int_equal(n_negative > 0, spec->signs != SIGNS_PLUS);
    assert_int_equal(n_negative == bins * DRAWS_AN_OCTAVE, spec->signs == SIGNS_MINUS);
}

static void reals_are_log_uniform(void **state)
{
    unsigned n = 0;
    for (size_t i = 0; i < op_count; i++) {
        for (size_t k = 0; k < OP_ATTRS_MAX && op_table[i]->attrs[k].name; k++) {
            if (op_table[i]->attrs[k].real.octaves > 0) {
                draw_many(op_table[i], &op_table[i]->attrs[k]);
                n++;
            }
        }
    }
    assert_true(n > 20);
}

static void usual_reals_are_as_often_as_asked(void **state)
{
    enum { N = 2000 };
    struct instance m;
    struct rng rng = rng_seeded(3);
    instance_init(&m, op_find("elu"), 1);
    for (unsigned percent = 0; percent <= 100; percent += 50) {
        unsigned n_usual = 0;
        m.usual_percent = percent;
        for (unsigned i = 0; i < N; i++) {
            n_usual += draw_real(&m, "alpha", DTYPE_F32, &rng) == 1;
        }
        double share = 100.0 * n_usual / N; /* 1 is one of 9 * 128 others, too */
        assert_true(fabs(share - percent) < 5);
        assert_true(percent < 100 || n_usual == N);
    }
}

static void integers_get_integers(void **state)
{
    struct instance m;
    struct rng rng = rng_seeded(4);
    bool has_negative = false, has_large = false;
    instance_init(&m, op_find("gemm"), 2);
    for (unsigned i = 0; i < 1000; i++) {
        double x = draw_real(&m, "alpha", DTYPE_I8, &rng);
        double y = draw_real(&m, "beta", DTYPE_U8, &rng);
        assert_true(x == trunc(x) && y == trunc(y) && y >= 0 && fabs(x) < 8 && y < 8);
        has_negative |= x < 0;
        has_large |= y > 4;
    }
    assert_true(has_negative && has_large);
}

/* ---- blind nodes ---- */

static const struct {
    const char *text; /* x is the input that a blind node tells nothing of */
    bool is_blind;
} nodes[] = {
    {"x: f32[3,1] = input\ny: f32[3,1], z: i64[3,1] = sort(x, axis=1, descending=false)\n", true},
    {"x: f32[1,3] = input\ny: f32[1,3], z: i64[1,3] = sort(x, axis=1, descending=false)\n", false},
    {"x: f32[1,3] = input\n"
     "y: f32[1,3], z: i64[1,3] = top_k(x, axis=0, k=1, largest=true, sorted=true)\n",
     true},
    {"x: f32[3,1] = input\n"
     "y: f32[1,1], z: i64[1,1] = top_k(x, axis=0, k=1, largest=true, sorted=true)\n",
     false},
    {"x: f64[2,1] = input\ny: f64[2] = reduce_var(x, axes=[1], keepdims=false, correction=0)\n",
     true},
    {"x: f64[1,2] = input\ny: f64[1] = reduce_var(x, axes=[1], keepdims=false, correction=0)\n",
     false},
    {"x: f64[2,1] = input\ns: f64[1] = const [2]\ny: f64[2,1] = "
     "layer_norm(x, s, axis=-1, epsilon=0.125)\n",
     true},
    {"x: f64[2,1] = input\ns: f64[2,1] = const [2,3]\ny: f64[2,1] = "
     "layer_norm(x, s, axis=0, epsilon=0.125)\n",
     false},
    {"x: f64[1,2,1] = input\ns: f64[2] = const [2,3]\ny: f64[1,2,1] = "
     "group_norm(x, s, s, num_groups=2, epsilon=0.125)\n",
     true},
    {"x: f64[1,2,1] = input\ns: f64[2] = const [2,3]\ny: f64[1,2,1] = "
     "group_norm(x, s, s, num_groups=1, epsilon=0.125)\n",
     false},
    {"x: f64[2,2,1] = input\ns: f64[2] = const [2,3]\ny: f64[2,2,1] = "
     "instance_norm(x, s, s, epsilon=0.125)\n",
     true},
    {"x: f64[2,1,2] = input\ns: f64[1] = const [2]\ny: f64[2,1,2] = "
     "instance_norm(x, s, s, epsilon=0.125)\n",
     false},
    {"x: f64[1,2] = input\ns: f64[2] = const [2,3]\ny: f64[1,2], m: f64[2], v: f64[2] = "
     "batch_norm_training(x, s, s, s, s, epsilon=0.125, momentum=0.5)\n",
     true},
    {"x: f64[2,1] = input\ns: f64[1] = const [2]\ny: f64[2,1], m: f64[1], v: f64[1] = "
     "batch_norm_training(x, s, s, s, s, epsilon=0.125, momentum=0.5)\n",
     false},
    /* windows at -1 and 2 of two elements; at -1, 1 and 3 */
    {"x: f32[1,1,2] = input\nw: f32[1,1,1] = const [2]\ny: f32[1,1,2] = "
     "conv1d(x, w, strides=[3], pads=[1,1], dilations=[1], group=1)\n",
     true},
    {"x: f32[1,1,2] = input\nw: f32[1,1,1] = const [2]\ny: f32[1,1,2] = "
     "conv1d(x, w, strides=[2], pads=[1,1], dilations=[1], group=1)\n",
     false},
    /* taps at -1 and 1 of one element */
    {"x: f32[1,1,1] = input\nw: f32[1,1,2] = const [2,3]\ny: f32[1,1,1] = "
     "conv1d(x, w, strides=[1], pads=[1,1], dilations=[2], group=1)\n",
     true},
};

static struct array *evaluate_at(struct arena *arena, const struct program *p, unsigned sample)
{
    const struct value *x = &p->values[0];
    struct tensor input = tensor_new(arena, x->dtype, &x->shape);
    struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values);
    for (size_t i = 0; i < shape_numel(&x->shape); i++) {
        real v = (real)(i + 1);
        dtype_store(x->dtype, input.data, i, sample == 0 ? v : 3 - v * v);
    }
    program_evaluate(p, &input, values, arena);
    return values;
}

/* Some result is the same for other elements of x if and only if the node is blind. */
static void blind_nodes_tell_nothing(void **state)
{
    struct arena *arena = arena_new();
    for (size_t c = 0; c < ARRAY_SIZE(nodes); c++) {
        struct program *p;
        const char *text = arena_printf(arena, "%soutput y\n", nodes[c].text);
        assert_int_equal(program_parse("test", text, strlen(text), arena, &p), ERR_OK);
        if (ops_check(p) != ERR_OK) {
            fail_msg("%s in\n%s", err_text(), text);
        }
        const struct node *node = &p->nodes[0];
        struct array *a = evaluate_at(arena, p, 0), *b = evaluate_at(arena, p, 1);
        bool has_same = false;
        for (uint32_t o = 0; o < node->n_out; o++) {
            const struct array *y = &a[node->out[o]], *z = &b[node->out[o]];
            bool same = true;
            for (size_t i = 0; i < y->n; i++) {
                same = same && y->v[i] == z->v[i];
            }
            has_same |= same;
        }
        if (has_same != nodes[c].is_blind || node->op->is_blind(p, node) != nodes[c].is_blind) {
            fail_msg("results are %s in\n%s", has_same ? "the same" : "others", text);
        }
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reals_are_log_uniform),
        cmocka_unit_test(usual_reals_are_as_often_as_asked),
        cmocka_unit_test(integers_get_integers),
        cmocka_unit_test(blind_nodes_tell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
