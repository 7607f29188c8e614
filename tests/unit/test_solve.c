/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The solver against definitions written a second time here and against brute force: every solution
 * satisfies, every `unsat` has no solution, hints and distributions do what they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stated.h"

struct fixture {
    struct arena *arena;
    struct relation *r;
    struct rng rng;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_new();
    f.r = relation_new(f.arena);
    f.rng = rng_seeded(7);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    return 0;
}

static enum solve_result solve(struct fixture *f)
{
    return relation_solve(f->r, &f->rng, 0);
}

/* ---- each kind ---- */

static void test_nothing_to_solve(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(solve(f), SOLVE_SAT);
    var x = relation_fixed(f->r, -3);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, x), -3);
    relation_narrow(f->r, x, 0, 5);
    assert_int_equal(solve(f), SOLVE_UNSAT);
    relation_clear(f->r);
    assert_int_equal(relation_n_vars(f->r), 0);
    assert_int_equal(solve(f), SOLVE_SAT);
}

/* Nothing is open: the constraints are only checked. */
static void test_all_is_given(void **state)
{
    struct fixture *f = *state;
    for (int64_t k = 0; k < 3; k++) {
        relation_clear(f->r);
        var x[6];
        for (int64_t i = 0; i < 6; i++) {
            x[i] = relation_fixed(f->r, i);
        }
        relate_product(f->r, 2, (var[]){x[1], x[5]}, x[k == 1 ? 4 : 5]);
        relate_broadcast(f->r, x[1], x[3], x[k == 2 ? 1 : 3]);
        relate_window(f->r, x[5], x[2], x[3], x[2], x[0], x[0], x[1]);
        relate_product_le(f->r, 2, (var[]){x[4], x[5]}, 20);
        assert_int_equal(solve(f), k == 0 ? SOLVE_SAT : SOLVE_UNSAT);
    }
}

static void test_linear(void **state)
{
    struct fixture *f = *state;
    var x = relation_var(f->r, 0, 10);
    var y = relation_var(f->r, -5, 5);
    relate_linear_eq(f->r, 2, (int64_t[]){3, -2}, (var[]){x, y}, 7);
    relate_linear_le(f->r, 2, (int64_t[]){1, 1}, (var[]){x, y}, 3);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        int64_t vx = relation_value(f->r, x), vy = relation_value(f->r, y);
        assert_int_equal(3 * vx - 2 * vy, 7);
        assert_true(vx + vy <= 3 && vx >= 0 && vy >= -5);
    }
    /* 2x + 4y is even */
    relation_clear(f->r);
    x = relation_var(f->r, -100, 100);
    y = relation_var(f->r, -100, 100);
    relate_linear_eq(f->r, 2, (int64_t[]){2, 4}, (var[]){x, y}, 7);
    assert_int_equal(solve(f), SOLVE_UNSAT);
}

/* No bounds show it, and the domains are too large to be searched. */
static void test_divisors_of_sums(void **state)
{
    struct fixture *f = *state;
    var x[3];
    for (int i = 0; i < 3; i++) {
        x[i] = relation_var(f->r, 0, (int64_t)1 << 40);
    }
    relate_linear_eq(f->r, 3, (int64_t[]){6, -10, 14}, x, 1001);
    assert_int_equal(solve(f), SOLVE_UNSAT);
    relation_clear(f->r);
    for (int i = 0; i < 3; i++) {
        x[i] = relation_var(f->r, 0, (int64_t)1 << 40);
    }
    relation_narrow(f->r, x[2], 1, 1);
    relate_linear_eq(f->r, 3, (int64_t[]){6, -10, 13}, x, 1001);
    assert_int_equal(solve(f), SOLVE_SAT);
    relation_narrow(f->r, x[2], 2, 2);
    assert_int_equal(solve(f), SOLVE_UNSAT);
}

static void test_linear_does_not_overflow(void **state)
{
    struct fixture *f = *state;
    int64_t big = (int64_t)1 << 40;
    var x = relation_var(f->r, -big, big);
    var y = relation_var(f->r, -big, big);
    int64_t coef = (int64_t)1 << 59;
    relate_linear_eq(f->r, 2, (int64_t[]){coef, coef}, (var[]){x, y}, coef);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, x) + relation_value(f->r, y), 1);
    relate_linear_le(f->r, 1, (int64_t[]){-coef}, (var[]){x}, INT64_MIN);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_true(relation_value(f->r, x) >= 16);
}

static void test_sum_and_equal(void **state)
{
    struct fixture *f = *state;
    var a = relation_var(f->r, 1, 9), b = relation_var(f->r, 1, 9),
        total = relation_fixed(f->r, 10);
    relate_sum(f->r, 2, (var[]){a, b}, total);
    relate_equal(f->r, a, b);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, a), 5);
    assert_int_equal(relation_value(f->r, b), 5);
    relation_narrow(f->r, a, 6, 9);
    assert_int_equal(solve(f), SOLVE_UNSAT);
}

static void test_equal_variables_are_one(void **state)
{
    struct fixture *f = *state;
    enum { N = 6 };
    var x[N];
    for (int i = 0; i < N; i++) {
        x[i] = relation_var(f->r, i, 20 + i);
    }
    relation_hint(f->r, x[1], 2); /* outside of what they share: the next one counts */
    relation_hint(f->r, x[4], 7);
    relation_hint(f->r, x[5], 8);
    relate_equal(f->r, x[3], x[3]);
    for (int i = N - 1; i > 0; i--) {
        relate_equal(f->r, x[i], x[i - 1]);
    }
    relate_equal(f->r, x[0], x[N - 1]);
    assert_int_equal(solve(f), SOLVE_SAT);
    for (int i = 0; i < N; i++) {
        assert_int_equal(relation_value(f->r, x[i]), 7);
    }
    int64_t values[N] = {9, 9, 9, 9, 9, 9};
    assert_true(relation_holds(f->r, values));
    values[3] = 10;
    assert_false(relation_holds(f->r, values));
    /* what is asked of one afterwards holds for all */
    relation_narrow(f->r, x[2], 19, 25);
    relate_linear_eq(f->r, 1, (int64_t[]){1}, (var[]){x[5]}, 20);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, x[0]), 20);
    relation_narrow(f->r, x[0], 0, 18);
    assert_int_equal(solve(f), SOLVE_UNSAT);
    relation_clear(f->r);
    x[0] = relation_var(f->r, 0, 3);
    x[1] = relation_var(f->r, 4, 9);
    relate_equal(f->r, x[0], x[1]);
    assert_int_equal(solve(f), SOLVE_UNSAT);
}

/* Sums and products of one or none are equalities and numbers. */
static void test_short_sums_and_products(void **state)
{
    struct fixture *f = *state;
    var a = relation_var(f->r, 0, 50), sum = relation_var(f->r, 3, 90);
    var product = relation_var(f->r, 0, 40), empty = relation_var(f->r, -5, 5);
    relate_sum(f->r, 1, &a, sum);
    relate_product(f->r, 1, &a, product);
    relate_product_le(f->r, 1, &a, 3);
    relate_product_le(f->r, 0, NULL, 1);
    relate_sum(f->r, 0, NULL, empty);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, a), 3);
    assert_int_equal(relation_value(f->r, sum), 3);
    assert_int_equal(relation_value(f->r, product), 3);
    assert_int_equal(relation_value(f->r, empty), 0);
    relate_product_le(f->r, 0, NULL, 0);
    assert_int_equal(solve(f), SOLVE_UNSAT);
}

/* A tensor of 0 x 100 is as large as one of 100, and none is smaller than 1. */
static void test_zeros_count_as_ones_within_a_limit(void **state)
{
    struct fixture *f = *state;
    var none = relation_fixed(f->r, 0), other = relation_var(f->r, 90, 200);
    relate_product_le(f->r, 2, (var[]){none, other}, 100);
    for (int k = 0; k < 20; k++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        assert_in_range(relation_value(f->r, other), 90, 100);
    }
    relation_narrow(f->r, other, 101, 200);
    assert_int_equal(solve(f), SOLVE_UNSAT);
    relation_clear(f->r);
    none = relation_fixed(f->r, 0);
    relate_product_le(f->r, 1, &none, 1);
    assert_int_equal(solve(f), SOLVE_SAT);
    relate_product_le(f->r, 1, &none, 0);
    assert_int_equal(solve(f), SOLVE_UNSAT);
}

static void test_product(void **state)
{
    struct fixture *f = *state;
    var x[3];
    for (int i = 0; i < 3; i++) {
        x[i] = relation_var(f->r, 1, 1000);
    }
    var p = relation_fixed(f->r, 5040);
    relate_product(f->r, 3, x, p);
    bool differs = false;
    int64_t first = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        int64_t v = relation_value(f->r, x[0]);
        assert_int_equal(v * relation_value(f->r, x[1]) * relation_value(f->r, x[2]), 5040);
        first = i == 0 ? v : first;
        differs |= v != first;
    }
    assert_true(differs);
    /* a prime in a box that holds neither 1 nor the prime */
    relation_clear(f->r);
    x[0] = relation_var(f->r, 2, 60000);
    x[1] = relation_var(f->r, 2, 60000);
    p = relation_fixed(f->r, 65537);
    relate_product(f->r, 2, x, p);
    assert_int_equal(solve(f), SOLVE_UNSAT);
    /* the empty product is 1 */
    relation_clear(f->r);
    p = relation_var(f->r, 0, 5);
    relate_product(f->r, 0, NULL, p);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, p), 1);
}

static void test_product_with_zero_and_limits(void **state)
{
    struct fixture *f = *state;
    var x = relation_var(f->r, 0, 9), y = relation_var(f->r, 0, 9), p = relation_fixed(f->r, 0);
    relate_product(f->r, 2, (var[]){x, y}, p);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, x) * relation_value(f->r, y), 0);
    /* six dims of 2^40 saturate; they do not wrap */
    relation_clear(f->r);
    var d[6];
    for (int i = 0; i < 6; i++) {
        d[i] = relation_var(f->r, (int64_t)1 << 39, (int64_t)1 << 40);
    }
    relate_product_le(f->r, 6, d, INT64_MAX);
    assert_int_equal(solve(f), SOLVE_UNSAT);
    relation_clear(f->r);
    for (int i = 0; i < 6; i++) {
        d[i] = relation_var(f->r, 0, (int64_t)1 << 40);
        relation_prefer_log(f->r, d[i]);
    }
    relate_product_le(f->r, 6, d, 1000);
    for (int k = 0; k < 100; k++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        int64_t product = 1;
        for (int i = 0; i < 6; i++) {
            int64_t v = relation_value(f->r, d[i]);
            assert_true(v >= 0);
            product *= product <= 1000 && v > 0 ? v : 1;
        }
        assert_true(product <= 1000);
    }
}

/* The dims of a reshape: 5400 elements cannot be within 4096. */
static void test_product_and_its_limit(void **state)
{
    struct fixture *f = *state;
    enum { N = 4 };
    var x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = relation_var(f->r, 1, 4096);
        y[i] = relation_var(f->r, 0, 5000);
    }
    relate_product_le(f->r, N, x, 4096);
    var numel = relation_fixed(f->r, 5400);
    relate_product(f->r, N, y, numel);
    for (int i = 0; i < N; i++) {
        relate_equal(f->r, x[i], y[i]);
    }
    assert_int_equal(relation_solve(f->r, &f->rng, 1), SOLVE_UNSAT);
}

static void test_window(void **state)
{
    struct fixture *f = *state;
    /* ONNX: (28 + 2 + 2 - 1 * (5 - 1) - 1) / 2 + 1 = 14 */
    var out = relation_var(f->r, 0, 1000);
    var one = relation_fixed(f->r, 1), two = relation_fixed(f->r, 2);
    relate_window(f->r, relation_fixed(f->r, 28), out, relation_fixed(f->r, 5), two, two, two, one);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, out), 14);
    /* a kernel that does not fit */
    relation_clear(f->r);
    one = relation_fixed(f->r, 1);
    var zero = relation_fixed(f->r, 0);
    out = relation_var(f->r, 0, 1000);
    relate_window(f->r, relation_fixed(f->r, 4), out, relation_fixed(f->r, 3), one, zero, zero,
                  relation_fixed(f->r, 2));
    assert_int_equal(solve(f), SOLVE_UNSAT);
    /* backward: which inputs give this output? */
    relation_clear(f->r);
    var in = relation_var(f->r, 1, 200), k = relation_var(f->r, 1, 7), s = relation_var(f->r, 1, 4);
    var pad = relation_var(f->r, 0, 3), d = relation_var(f->r, 1, 3);
    relate_window(f->r, in, relation_fixed(f->r, 9), k, s, pad, pad, d);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        int64_t m = relation_value(f->r, in) + 2 * relation_value(f->r, pad) -
                    relation_value(f->r, d) * (relation_value(f->r, k) - 1) - 1;
        assert_int_equal(m / relation_value(f->r, s) + 1, 9);
    }
}

static void test_broadcast(void **state)
{
    struct fixture *f = *state;
    static const int64_t cases[][4] = {/* a, b, out (-1: impossible) */
                                       {3, 1, 3},  {1, 4, 4}, {5, 5, 5}, {1, 1, 1},
                                       {2, 3, -1}, {0, 1, 0}, {1, 0, 0}, {0, 2, -1}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        relation_clear(f->r);
        var out = relation_var(f->r, 0, 100);
        relate_broadcast(f->r, relation_fixed(f->r, cases[i][0]), relation_fixed(f->r, cases[i][1]),
                         out);
        enum solve_result result = solve(f);
        assert_int_equal(result, cases[i][2] < 0 ? SOLVE_UNSAT : SOLVE_SAT);
        if (result == SOLVE_SAT) {
            assert_int_equal(relation_value(f->r, out), cases[i][2]);
        }
    }
}

static void test_choice_and_element(void **state)
{
    struct fixture *f = *state;
    var x = relation_var(f->r, -100, 100);
    relate_choice(f->r, x, 4, (int64_t[]){64, -7, 3, 500});
    int seen[3] = {0};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        int64_t v = relation_value(f->r, x);
        assert_true(v == 64 || v == -7 || v == 3);
        seen[v == 64 ? 0 : v == -7 ? 1 : 2]++;
    }
    assert_true(seen[0] > 10 && seen[1] > 10 && seen[2] > 10);
    relation_narrow(f->r, x, 4, 63);
    assert_int_equal(solve(f), SOLVE_UNSAT);

    relation_clear(f->r);
    var values[3] = {relation_fixed(f->r, 10), relation_var(f->r, 20, 29),
                     relation_fixed(f->r, 30)};
    var index = relation_var(f->r, -5, 5), y = relation_var(f->r, 15, 27);
    relate_element(f->r, index, 3, values, y);
    assert_int_equal(solve(f), SOLVE_SAT);
    assert_int_equal(relation_value(f->r, index), 1);
    assert_int_equal(relation_value(f->r, y), relation_value(f->r, values[1]));
}

/* ---- hints, distributions, budget, determinism ---- */

static void test_hints_come_first(void **state)
{
    struct fixture *f = *state;
    var a = relation_var(f->r, 1, 64), b = relation_var(f->r, 1, 64);
    relate_product_le(f->r, 2, (var[]){a, b}, 64);
    relation_hint(f->r, b, 40);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        assert_int_equal(relation_value(f->r, b), 40);
        assert_int_equal(relation_value(f->r, a), 1);
    }
    relation_hint(f->r, b, 1000); /* cannot be: forgotten */
    assert_int_equal(solve(f), SOLVE_SAT);
}

/* Of two that exclude each other either is taken, each time one. */
static void test_hints_exclude_each_other(void **state)
{
    struct fixture *f = *state;
    var a = relation_var(f->r, 0, 10), b = relation_var(f->r, 0, 10);
    relate_linear_eq(f->r, 2, (int64_t[]){1, 1}, (var[]){a, b}, 10);
    relation_hint(f->r, a, 7);
    relation_hint(f->r, b, 8);
    int n_first = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        bool is_first = relation_value(f->r, a) == 7;
        assert_true(is_first || relation_value(f->r, b) == 8);
        n_first += is_first;
    }
    assert_in_range(n_first, 20, 80);
}

/* Propagation keeps it, only search shows that nothing goes with it: then another value does. */
static void test_hint_without_a_solution(void **state)
{
    struct fixture *f = *state;
    for (int64_t least = 0; least < 2; least++) {
        relation_clear(f->r);
        var odd = relation_var(f->r, least, 1), x[4];
        for (int i = 0; i < 4; i++) {
            x[i] = relation_var(f->r, -30, 30);
        }
        relation_hint(f->r, odd, 1);
        relate_linear_eq(f->r, 2, (int64_t[]){1, -2}, (var[]){x[0], x[1]}, 0);
        relate_linear_eq(f->r, 4, (int64_t[]){1, -2, -2, -1}, (var[]){x[0], x[2], x[3], odd}, 0);
        assert_int_equal(solve(f), least == 0 ? SOLVE_SAT : SOLVE_UNSAT);
        assert_true(least > 0 || relation_value(f->r, odd) == 0);
    }
}

static void test_log_preference(void **state)
{
    struct fixture *f = *state;
    var u = relation_var(f->r, 1, 1023), l = relation_var(f->r, 1, 1023);
    relation_prefer_log(f->r, l);
    int small_u = 0, small_l = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        small_u += relation_value(f->r, u) < 32;
        small_l += relation_value(f->r, l) < 32;
    }
    assert_in_range(small_u, 5, 80);    /* 3 % */
    assert_in_range(small_l, 400, 600); /* half of the bit lengths */
}

/* x^3 + y^3 == z^3 has no solution: nothing but search can say so, and it is long. */
static void pose_fermat(struct relation *r, int64_t max)
{
    var x[3], cube[3];
    for (int i = 0; i < 3; i++) {
        x[i] = relation_var(r, 1, max);
        cube[i] = relation_var(r, 1, (int64_t)1 << 40);
        relate_product(r, 3, (var[]){x[i], x[i], x[i]}, cube[i]);
    }
    relate_sum(r, 2, cube, cube[2]);
}

static void test_budget_and_proof(void **state)
{
    struct fixture *f = *state;
    pose_fermat(f->r, 2000);
    assert_int_equal(relation_solve(f->r, &f->rng, 300), SOLVE_GAVE_UP);
    relation_clear(f->r);
    pose_fermat(f->r, 12);
    assert_int_equal(relation_solve(f->r, &f->rng, 100000), SOLVE_UNSAT);
}

/* A core without a solution, labelled after much else that has nothing to do with it. */
static void test_failures_are_remembered(void **state)
{
    struct fixture *f = *state;
    enum { N_OTHERS = 40, STEPS = 1000 };
    for (int round = 0; round < 20; round++) {
        relation_clear(f->r);
        var x[4];
        for (int i = 0; i < 4; i++) {
            x[i] = relation_var(f->r, -30, 30);
        }
        for (int i = 0; i < N_OTHERS; i++) {
            relation_hint(f->r, relation_var(f->r, 0, 1000), 5);
        }
        relate_linear_eq(f->r, 2, (int64_t[]){1, -2}, (var[]){x[0], x[1]}, 0);
        relate_linear_eq(f->r, 3, (int64_t[]){1, -2, -2}, (var[]){x[0], x[2], x[3]}, 1);
        assert_int_equal(relation_solve(f->r, &f->rng, STEPS), SOLVE_UNSAT);
    }
}

static void test_creeping_bounds_end(void **state)
{
    struct fixture *f = *state;
    int64_t big = (int64_t)1 << 40;
    var x = relation_var(f->r, 0, big), y = relation_var(f->r, 0, big);
    relate_linear_le(f->r, 2, (int64_t[]){1, -1}, (var[]){x, y}, -1);
    relate_linear_le(f->r, 2, (int64_t[]){1, -1}, (var[]){y, x}, -1);
    assert_int_not_equal(relation_solve(f->r, &f->rng, 100), SOLVE_SAT);
    /* where the last step before the end fixes both */
    for (int64_t most = 0; most < 2500; most++) {
        relation_clear(f->r);
        x = relation_var(f->r, 0, most);
        y = relation_var(f->r, 0, most);
        relate_linear_le(f->r, 2, (int64_t[]){1, -1}, (var[]){x, y}, -1);
        relate_linear_le(f->r, 2, (int64_t[]){1, -1}, (var[]){y, x}, -1);
        assert_int_equal(solve(f), SOLVE_UNSAT);
    }
}

static void test_same_stream_same_solution(void **state)
{
    struct fixture *f = *state;
    int64_t first[4];
    for (int round = 0; round < 2; round++) {
        relation_clear(f->r);
        var x[4];
        for (int i = 0; i < 4; i++) {
            x[i] = relation_var(f->r, 1, 500);
        }
        relate_product_le(f->r, 4, x, 4000);
        struct rng rng = rng_seeded(99);
        assert_int_equal(relation_solve(f->r, &rng, 0), SOLVE_SAT);
        for (int i = 0; i < 4; i++) {
            if (round == 0) {
                first[i] = relation_value(f->r, x[i]);
            } else {
                assert_int_equal(relation_value(f->r, x[i]), first[i]);
            }
        }
    }
}

/* ---- random relations against brute force ---- */

static void test_random_relations_by_brute_force(void **state)
{
    struct fixture *f = *state;
    enum { N_RELATIONS = 20000 };
    unsigned counts[3] = {0};
    for (uint64_t k = 0; k < N_RELATIONS; k++) {
        struct rng draw = rng_seeded(k);
        struct source from = {.rng = &draw};
        struct box box;
        struct stated stated[STATED_MAX];
        size_t n = pose_stated(&from, f->r, &box, stated);
        counts[check_stated(f->r, &f->rng, &box, stated, n)]++;
    }
    print_message("# %d relations: %u sat, %u unsat\n", (int)N_RELATIONS, counts[SOLVE_SAT],
                  counts[SOLVE_UNSAT]);
    assert_true(counts[SOLVE_SAT] > N_RELATIONS / 5 && counts[SOLVE_UNSAT] > N_RELATIONS / 5);
}

/* Does random labelling reach every solution of a small relation? */
static void test_every_solution_is_reached(void **state)
{
    struct fixture *f = *state;
    var a = relation_var(f->r, 0, 3), b = relation_var(f->r, 0, 3), out = relation_var(f->r, 0, 3);
    relate_broadcast(f->r, a, b, out);
    bool seen[64] = {false};
    int n_seen = 0;
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(solve(f), SOLVE_SAT);
        size_t k = (size_t)(relation_value(f->r, a) * 16 + relation_value(f->r, b) * 4 +
                            relation_value(f->r, out));
        n_seen += !seen[k];
        seen[k] = true;
    }
    assert_int_equal(n_seen, 10); /* (1,b), (a,1), (a,a): 4 + 4 + 4 less (1,1) twice */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_to_solve),
        TEST(test_all_is_given),
        TEST(test_linear),
        TEST(test_divisors_of_sums),
        TEST(test_linear_does_not_overflow),
        TEST(test_sum_and_equal),
        TEST(test_equal_variables_are_one),
        TEST(test_short_sums_and_products),
        TEST(test_zeros_count_as_ones_within_a_limit),
        TEST(test_product),
        TEST(test_product_with_zero_and_limits),
        TEST(test_product_and_its_limit),
        TEST(test_window),
        TEST(test_broadcast),
        TEST(test_choice_and_element),
        TEST(test_hints_come_first),
        TEST(test_hints_exclude_each_other),
        TEST(test_hint_without_a_solution),
        TEST(test_log_preference),
        TEST(test_budget_and_proof),
        TEST(test_failures_are_remembered),
        TEST(test_creeping_bounds_end),
        TEST(test_same_stream_same_solution),
        TEST(test_random_relations_by_brute_force),
        TEST(test_every_solution_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
