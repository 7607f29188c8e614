/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds of every generator made here: valid programs of as many ops as asked, within the
 * policy's limits, clean where it says so, the same bytes from the same seed; and what sets
 * baselines apart from ours.
 */
#include <math.h>
#include <string.h>

#include "generate_fixture.h"

#include "generate/generate_internal.h"

/* All but nnsmith, the last: that is another program (tests/cli/nnsmith.sh). */
#define N_INSIDE (generator_count - 1)

/* Some of ours to start from. */
static void give_seeds(struct fixture *f)
{
    enum { SEEDS = 12 };
    f->policy->seed = ARENA_ARRAY(f->arena, const struct program *, SEEDS);
    f->policy->n_seeds = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct test test;
        generate_test(f->policy, 9, i, MATERIALIZE_ALL, f->arena, &test);
        f->policy->seed[i] = test.program;
    }
    f->policy->n_seeds = SEEDS;
}

static int set_up_with_seeds(void **state)
{
    set_up(state);
    give_seeds(*state);
    return 0;
}

static struct test make(struct fixture *f, size_t generator, uint64_t index)
{
    struct test test;
    arena_reset(f->test);
    f->policy->generator = &generators[generator];
    generate_test(f->policy, 5, index, MATERIALIZE_ALL, f->test, &test);
    return test;
}

static void assert_within_limits(const struct policy *policy, const struct program *p)
{
    assert_true(policy->generator->needs_seeds || p->n_nodes == policy->nodes);
    for (uint32_t id = 0; id < p->n_values; id++) {
        assert_true(shape_numel(&p->values[id].shape) <= policy->numel_max);
        assert_true(policy->rank_weight[p->values[id].shape.rank] > 0);
    }
}

static void test_programs_are_valid(void **state)
{
    struct fixture *f = *state;
    for (size_t k = 0; k < N_INSIDE; k++) {
        for (uint64_t i = 0; i < 200; i++) {
            /* Another number is another campaign, which learns from the start. */
            f->policy->nodes = 1 + (uint32_t)(i / 20 * 7 % 30);
            struct test test = make(f, k, i);
            struct program *p = program_clone(test.program, f->test);
            if (program_verify(p) != ERR_OK || ops_check(p) != ERR_OK) {
                fail_msg("%s, test %d: %s", generators[k].name, (int)i, err_text());
            }
            assert_within_limits(f->policy, p);
        }
    }
}

static void test_same_seed_same_bytes_in_any_order(void **state)
{
    struct fixture *f = *state;
    enum { N = 50 };
    for (size_t k = 0; k < N_INSIDE; k++) {
        uint64_t first[N], differ = 0;
        for (uint64_t i = 0; i < N; i++) {
            struct test test = make(f, k, i);
            first[i] = digest(&test);
        }
        for (uint64_t i = N; i-- > 0;) {
            struct test test = make(f, k, i);
            assert_true(digest(&test) == first[i]);
            struct test other = make(f, (k + 1) % N_INSIDE, i);
            differ += digest(&other) != first[i];
        }
        assert_int_equal(differ, N);
    }
}

static bool is_finite(const struct array *a)
{
    bool finite = true;
    for (size_t i = 0; i < a->n && finite; i++) {
        finite = isfinite(a->v[i]);
    }
    return finite;
}

static void test_what_says_clean_is_clean(void **state)
{
    struct fixture *f = *state;
    for (size_t k = 0; k < N_INSIDE; k++) {
        size_t n_clean = 0;
        for (uint64_t i = 0; i < 100; i++) {
            struct test test = make(f, k, i);
            if (strcmp(test.policy, "clean") != 0) {
                continue;
            }
            struct array *values = ARENA_ZARRAY(f->test, struct array, test.program->n_values);
            program_evaluate(test.program, test.inputs, values, f->test);
            for (uint32_t id = 0; id < test.program->n_values; id++) {
                assert_true(is_finite(&values[id]));
            }
            n_clean++;
        }
        print_message("# %s: %zu of 100 tests are clean\n", generators[k].name, n_clean);
        assert_true(n_clean > 0);
    }
}

/* `random` over many tests: ops that the policy of ours makes rare (size: a third as often) are
 * not, and most nodes read another one. */
static void test_random_is_even(void **state)
{
    struct fixture *f = *state;
    const struct op *size = op_find("size");
    size_t n_size = 0, n_edges = 0, n = 0;
    for (uint64_t i = 0; i < 1500; i++) {
        struct test test = make(f, 2, i);
        const struct program *p = test.program;
        for (uint32_t k = 0; k < p->n_nodes; k++) {
            n_size += p->nodes[k].op == size;
            for (uint32_t in = 0; in < p->nodes[k].n_in; in++) {
                uint32_t id = p->nodes[k].in[in];
                n_edges += id != VALUE_ABSENT && p->values[id].kind == VALUE_NODE;
            }
            n++;
        }
    }
    double mean = (double)n / (double)op_count;
    print_message("# random: size %.2f of the mean, %.2f edges a node\n", (double)n_size / mean,
                  (double)n_edges / (double)n);
    assert_true((double)n_size > 0.6 * mean);
    assert_true((double)n_edges > 0.5 * (double)n);
}

/* Operator-level coverage, in percent, of a chain's first tests, or of as many tests that each
 * begin a chain of their own and so know of none before. */
static double coverage_of(struct fixture *f, size_t generator, uint64_t n, uint64_t step)
{
    struct coverage *c = test_calloc(1, sizeof(*c));
    double sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct test test = make(f, generator, i * step);
        coverage_add(c, test.program);
    }
    for (size_t i = 0; i < op_count; i++) {
        sum += coverage_of_op(c, op_table[i]);
    }
    test_free(c);
    return 100 * sum / (double)op_count;
}

static void test_random_learns(void **state)
{
    struct fixture *f = *state;
    enum { N = 64 };
    f->policy->union_percent = 0;
    double learnt = coverage_of(f, 2, N, 1), plain = coverage_of(f, 2, N, CHAIN_TESTS);
    print_message("# random: %d tests of a chain cover %.1f %%, as many first ones %.1f %%\n", N,
                  learnt, plain);
    assert_true(learnt > plain + 1);
}

/* Most of what `mutate` makes is none of the seeds, which have 10 ops, and near one. A chain's
 * first test is one rule from a seed; later ones start from mutants too and go further. */
static void test_mutants(void **state)
{
    struct fixture *f = *state;
    size_t n_other = 0, n_longer = 0, n_shorter = 0, n_far = 0;
    enum { N = CHAIN_TESTS, ADDED_BY_ONE_RULE = 4, MOST = 2 * 10 + 8 };
    f->policy->union_percent = 0;
    for (uint64_t i = 0; i < N; i++) {
        struct test test = make(f, 1, i);
        uint64_t hash = program_hash(test.program);
        bool is_seed = false;
        for (size_t s = 0; s < f->policy->n_seeds; s++) {
            is_seed = is_seed || program_hash(f->policy->seed[s]) == hash;
        }
        n_other += !is_seed;
        n_longer += test.program->n_nodes > 10;
        n_shorter += test.program->n_nodes < 10;
        n_far += test.program->n_nodes < 9 || test.program->n_nodes > 10 + ADDED_BY_ONE_RULE;
        assert_true(test.program->n_nodes <= MOST);
    }
    print_message("# mutate: %zu of %d are none of the seeds, %zu longer, %zu shorter, %zu by more "
                  "than one rule\n",
                  n_other, N, n_longer, n_shorter, n_far);
    assert_true(n_other > N * 8 / 10);
    assert_true(n_longer > N / 10 && n_shorter > N / 50 && n_far > N / 50);
    for (uint64_t i = 0; i < 100; i++) {
        struct test test = make(f, 1, i * CHAIN_TESTS);
        assert_in_range(test.program->n_nodes, 9, 10 + ADDED_BY_ONE_RULE);
    }
}

/* What LEMON's rules for weights do to the columns of a matrix that x is multiplied with. */
enum { ROWS = 3, COLUMNS = 4 };
enum change { NONE, FUZZED, SHUFFLED, INVERTED, BLOCKED, SWITCHED, CHANGES };
static const float original[ROWS][COLUMNS] = {{1, 2, 3, 4}, {11, 12, 13, 14}, {21, 22, 23, 24}};

static bool is_column(const float *w, uint32_t column, const float *of, float factor)
{
    bool is = true;
    for (uint32_t r = 0; r < ROWS; r++) {
        is = is && w[r * COLUMNS + column] == factor * of[r];
    }
    return is;
}

static bool are_equal(const float *a, const float *b, size_t n)
{
    bool equal = true;
    for (size_t i = 0; i < n; i++) {
        equal = equal && a[i] == b[i];
    }
    return equal;
}

static enum change change_of(const float *w, uint32_t column)
{
    float was[ROWS], noise = 0;
    enum change change = NONE;
    uint32_t n_kept = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        was[r] = original[r][column];
        float x = w[r * COLUMNS + column];
        noise = fabsf(x - was[r]) > noise ? fabsf(x - was[r]) : noise;
        for (uint32_t other = 0; other < ROWS; other++) {
            n_kept += x == original[other][column];
        }
    }
    for (uint32_t c = 0; c < COLUMNS; c++) {
        const float other[ROWS] = {original[0][c], original[1][c], original[2][c]};
        change = c != column && is_column(w, column, other, 1) ? SWITCHED : change;
    }
    change = noise > 0 && noise < 0.35F ? FUZZED : change;
    change = noise > 0 && n_kept == ROWS ? SHUFFLED : change;
    change = is_column(w, column, was, -1) ? INVERTED : change;
    return is_column(w, column, was, 0) ? BLOCKED : change;
}

static void test_weights_change(void **state)
{
    static const char text[] = "x0: f32[2,3] = input\n"
                               "w1: f32[3,4] = const [1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24]\n"
                               "v2: f32[2,4] = matmul(x0, w1)\n"
                               "output v2\n";
    struct fixture *f = *state;
    struct program *seed;
    size_t n[CHANGES] = {0};
    assert_int_equal(program_parse("seed", text, strlen(text), f->arena, &seed), ERR_OK);
    assert_int_equal(ops_check(seed), ERR_OK);
    f->policy->seed[0] = seed;
    f->policy->n_seeds = 1;
    for (uint64_t i = 0; i < 400; i++) {
        struct test test = make(f, 1, i * CHAIN_TESTS); /* one rule from the seed */
        const struct program *p = test.program;
        if (p->n_nodes != 1) {
            continue;
        }
        const float *w = p->values[1].data;
        enum change change = NONE;
        for (uint32_t c = 0; c < COLUMNS; c++) {
            enum change here = change_of(w, c);
            bool is_same = are_equal(w, &original[0][0], ROWS * COLUMNS);
            assert_true(
                is_same || here != NONE ||
                is_column(w, c, (const float[ROWS]){original[0][c], original[1][c], original[2][c]},
                          1));
            change = here != NONE ? here : change;
        }
        n[change]++;
    }
    print_message("# mutate: weights fuzzed %zu, shuffled %zu, inverted %zu, blocked %zu, "
                  "switched %zu times\n",
                  n[FUZZED], n[SHUFFLED], n[INVERTED], n[BLOCKED], n[SWITCHED]);
    for (enum change c = FUZZED; c < CHANGES; c++) {
        assert_true(n[c] > 5);
    }
}

/* LEMON's rules for layers, from one seed of three layers that all keep their value. */
static void test_layers_change(void **state)
{
    static const char text[] = "x0: f32[2,3] = input\n"
                               "v1: f32[2,3] = tanh(x0)\n"
                               "w2: f32[3] = const [1, 2, 3]\n"
                               "v3: f32[2,3] = add(v1, w2)\n"
                               "v4: f32[2,3] = relu(v3)\n"
                               "output v4\n";
    static const char *const names[] = {"tanh", "add", "relu"};
    struct fixture *f = *state;
    struct program *seed;
    assert_int_equal(program_parse("seed", text, strlen(text), f->arena, &seed), ERR_OK);
    assert_int_equal(ops_check(seed), ERR_OK);
    f->policy->seed[0] = seed;
    f->policy->n_seeds = 1;
    size_t n_removed = 0, n_copied = 0, n_added = 0, n_rows = 0, n_replaced = 0, n_switched = 0;
    for (uint64_t i = 0; i < 400; i++) {
        struct test test = make(f, 1, i * CHAIN_TESTS);
        const struct program *p = test.program;
        uint32_t n = p->n_nodes, n_strange = 0, n_moved = 0;
        for (uint32_t k = 0; k < n; k++) {
            const char *name = p->nodes[k].op_name;
            bool is_known = false;
            for (uint32_t j = 0; j < ARRAY_SIZE(names); j++) {
                is_known = is_known || strcmp(name, names[j]) == 0;
            }
            n_strange += !is_known;
            n_moved += n == 3 && is_known && strcmp(name, names[k]) != 0;
        }
        const struct value *last = &p->values[p->nodes[n - 1].out[0]];
        assert_true(last->dtype == DTYPE_F32 && last->shape.rank == 2 && last->shape.dim[1] == 3);
        n_removed += n == 2;
        n_copied += n == 4 && n_strange == 0;
        n_added += n == 4 && n_strange == 1;
        n_rows += n > 4;
        n_replaced += n == 3 && n_strange == 1;
        n_switched += n_moved == 2;
    }
    print_message("# mutate: layers removed %zu, copied %zu, added %zu, rows of them %zu, "
                  "activations replaced %zu, layers switched %zu times\n",
                  n_removed, n_copied, n_added, n_rows, n_replaced, n_switched);
    assert_true(n_removed > 10 && n_copied > 10 && n_added > 5 && n_rows > 5);
    assert_true(n_replaced > 10 && n_switched > 10);
}

/* Literals of motifs are drawn in any dtype: 0.0447 as an integer, -1 as one without a sign. */
static void test_elements_lie_where_recipes_say(void **state)
{
    enum { N = 16 };
    static const struct {
        real lo, hi;
    } domains[] = {{0.044715L, 0.044715L},
                   {-1, -1},
                   {0.797885L, 0.797885L},
                   {1000, 1000},
                   {-2.5L, 2.5L},
                   {0.25L, 0.75L},
                   {-3, 1e6L},
                   {1e9L, 1e9L},
                   {-1, -0x1p-70L},
                   {-6.2e27L, -2.7L},
                   {2.7L, 6.2e27L}};
    (void)state;
    struct arena *arena = arena_new();
    struct rng rng = rng_seeded(1);
    const struct shape shape = {.rank = 1, .dim = {N}};
    for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        for (size_t n = 0; n < STYLE_COUNT * ARRAY_SIZE(domains); n++) {
            const size_t k = n / STYLE_COUNT;
            struct recipe recipe = recipe_between(domains[k].lo, domains[k].hi);
            recipe.style = dtype_is_float(d) ? (enum style)(n % STYLE_COUNT) : recipe.style;
            recipe.rarity = 4;
            struct interval range = recipe_range(&recipe, d);
            struct tensor t = tensor_new(arena, d, &shape);
            recipe_fill(&recipe, &rng, &t);
            for (size_t i = 0; i < N; i++) {
                real x = dtype_load(d, t.data, i);
                if (!(x >= range.lo && x <= range.hi)) {
                    fail_msg("%s of %Lg..%Lg: %Lg is not in %Lg..%Lg", dtype_name(d), domains[k].lo,
                             domains[k].hi, x, range.lo, range.hi);
                }
            }
        }
    }
    arena_free(arena);
}

/* Of `groups` of 64 elements of a recipe for a reduction, those in which none is another. */
static int groups_alike(enum dtype d, enum style style, real lo, real hi, struct arena *arena)
{
    enum { GROUP = 64, GROUPS = 400 };
    struct rng rng = rng_seeded(7);
    const struct shape shape = {.rank = 2, .dim = {GROUPS, GROUP}};
    struct recipe recipe = recipe_between(lo, hi);
    recipe.style = style;
    recipe.rarity = GROUP;
    struct tensor t = tensor_new(arena, d, &shape);
    recipe_fill(&recipe, &rng, &t);
    const real most = style == STYLE_MOST_LO ? lo : hi;
    int alike = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        size_t n = 0;
        while (n < GROUP && dtype_load(d, t.data, g * GROUP + n) == most) {
            n++;
        }
        alike += n == GROUP;
    }
    return alike;
}

/* reduce_all of 64 values that are true half of the time is false; so are the others. Of two values
 * every other rare one is the frequent one: (1 - 1 / 128) ^ 64 = 61 % of 400. */
static void test_reductions_of_many_are_not_always_the_same(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_in_range(groups_alike(DTYPE_BOOL, STYLE_MOST_HI, 0, 1, arena), 200, 290);
    assert_in_range(groups_alike(DTYPE_BOOL, STYLE_MOST_LO, 0, 1, arena), 200, 290);
    assert_in_range(groups_alike(DTYPE_I32, STYLE_MOST_LO, 1, 2, arena), 200, 290);
    assert_in_range(groups_alike(DTYPE_I64, STYLE_MOST_HI, -90, 70, arena), 100, 200); /* 37 % */
    assert_int_equal(groups_alike(DTYPE_BOOL, STYLE_INTEGER, 0, 1, arena), 0);
    arena_free(arena);
}

/* Of the results of most themed programs half or more have one dtype, and each dtype is that of
 * some. */
static void test_themes(void **state)
{
    enum { N = 600 };
    struct fixture *f = *state;
    unsigned themes[DTYPE_COUNT] = {0}, themed = 0;
    f->policy->theme_percent = 100;
    for (uint64_t i = 0; i < N; i++) {
        struct test test = make(f, 0, i);
        unsigned of[DTYPE_COUNT] = {0}, all = 0;
        for (uint32_t id = 0; id < test.program->n_values; id++) {
            const struct value *v = &test.program->values[id];
            of[v->dtype] += v->kind == VALUE_NODE;
            all += v->kind == VALUE_NODE;
        }
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            themes[d] += 2 * of[d] >= all;
            themed += 2 * of[d] >= all;
        }
    }
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        print_message("# %s: %u of %d\n", dtype_name(d), themes[d], N);
        assert_in_range(themes[d], N / 100, N / 4);
    }
    assert_true(themed > N / 2);
}

static void test_unknown_names(void **state)
{
    (void)state;
    const struct generator *found;
    assert_int_equal(generator_find("opjury", &found), ERR_OK);
    assert_ptr_equal(found, &generators[0]);
    assert_int_equal(generator_find("none", &found), ERR_USAGE);
    assert_non_null(strstr(err_text(), "'none', only opjury, mutate, random, nnsmith"));
    for (size_t k = 0; k < generator_count; k++) {
        assert_int_equal(generators[k].is_outside, k >= N_INSIDE);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_with_seeds, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_programs_are_valid),
        TEST(test_same_seed_same_bytes_in_any_order),
        TEST(test_what_says_clean_is_clean),
        TEST(test_random_is_even),
        TEST(test_random_learns),
        TEST(test_mutants),
        TEST(test_layers_change),
        TEST(test_weights_change),
        TEST(test_elements_lie_where_recipes_say),
        TEST(test_reductions_of_many_are_not_always_the_same),
        TEST(test_themes),
        TEST(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
