/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator: what it promises of every test (valid, exactly N ops, bounded, the same bytes from
 * the same seed, clean where it says clean, indices in range) and what its taste looks like.
 */
#include <math.h>
#include <string.h>

#include "generate_fixture.h"

static struct test make(struct fixture *f, uint64_t seed, uint64_t index, enum materialize what)
{
    struct test test;
    arena_reset(f->test);
    generate_test(f->policy, seed, index, what, f->test, &test);
    return test;
}

static struct program *program_of(const struct test *test)
{
    return (struct program *)(uintptr_t)test->program;
}

static void assert_valid(const struct test *test)
{
    enum err err = program_verify(test->program);
    err = err == ERR_OK ? ops_check(program_of(test)) : err;
    if (err != ERR_OK) {
        fail_msg("test %d: %s", (int)test->index, err_text());
    }
}

/* ---- determinism ---- */

static void test_same_seed_same_bytes_in_any_order(void **state)
{
    struct fixture *f = *state;
    enum { N = 300 };
    uint64_t first[N];
    for (uint32_t i = 0; i < N; i++) {
        struct test test = make(f, 5, i, MATERIALIZE_ALL);
        first[i] = digest(&test);
    }
    uint32_t order[N];
    for (uint32_t i = 0; i < N; i++) {
        order[i] = i;
    }
    struct rng rng = rng_seeded(1);
    rng_shuffle(&rng, order, N);
    size_t n_other = 0;
    for (uint32_t i = 0; i < N; i++) {
        struct test test = make(f, 5, order[i], MATERIALIZE_ALL);
        assert_true(digest(&test) == first[order[i]]);
        struct test other = make(f, 6, order[i], MATERIALIZE_ALL);
        n_other += digest(&other) != first[order[i]];
    }
    assert_int_equal(n_other, N);
}

static void test_graph_without_data_is_the_same_graph(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 0; i < 200; i++) {
        struct buffer shapes = BUFFER_INIT, all = BUFFER_INIT;
        struct test test = make(f, 3, i, MATERIALIZE_NONE);
        assert_null(test.inputs);
        program_print(test.program, &shapes);
        test = make(f, 3, i, MATERIALIZE_ALL);
        struct program *p = program_of(&test);
        for (uint32_t id = 0; id < p->n_values; id++) {
            assert_true((p->values[id].kind == VALUE_CONST) == (p->values[id].data != NULL));
            p->values[id].data = NULL;
        }
        program_print(p, &all);
        assert_string_equal(shapes.data, all.data);
        buffer_release(&shapes);
        buffer_release(&all);
    }
}

/* ---- what all programs keep to ---- */

struct census {
    size_t n_dims, n_ones, n_zeros, n_values, n_outputs, n_programs, n_empty, n_consts, n_inputs;
    size_t by_op[OP_WEIGHTS_MAX], by_dtype[DTYPE_COUNT], by_rank[RANK_MAX + 1];
    size_t extent_max, numel[100000];
};

static void count_program(struct census *c, const struct program *p)
{
    bool is_empty = false;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        size_t numel = shape_numel(&v->shape);
        c->n_consts += v->kind == VALUE_CONST;
        c->n_inputs += v->kind == VALUE_INPUT;
        c->by_dtype[v->dtype]++;
        c->by_rank[v->shape.rank]++;
        is_empty |= numel == 0;
        size_t extent = 1; /* of what a library may compute on the way to an empty tensor */
        for (int d = 0; d < v->shape.rank; d++) {
            extent *= v->shape.dim[d] > 0 ? (size_t)v->shape.dim[d] : 1;
        }
        c->extent_max = extent > c->extent_max ? extent : c->extent_max;
        for (int d = 0; d < v->shape.rank; d++) {
            c->n_dims++;
            c->n_ones += v->shape.dim[d] == 1;
            c->n_zeros += v->shape.dim[d] == 0;
        }
        if (c->n_values < ARRAY_SIZE(c->numel)) {
            c->numel[c->n_values++] = numel;
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        c->by_op[op_index(p->nodes[i].op)]++;
    }
    c->n_outputs += p->n_outputs;
    c->n_empty += is_empty;
    c->n_programs++;
}

static void assert_outputs(const struct program *p)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        bool is_used = false, is_output = false;
        for (uint32_t i = 0; i < p->n_nodes; i++) {
            for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
                is_used |= p->nodes[i].in[k] == id;
            }
        }
        for (uint32_t o = 0; o < p->n_outputs; o++) {
            is_output |= p->outputs[o] == id;
        }
        assert_true(is_used || is_output);
    }
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static void print_census(struct census *c)
{
    qsort(c->numel, c->n_values, sizeof(c->numel[0]), compare_sizes);
    print_message("# %zu programs: dims equal to 1 %.1f %%, to 0 %.2f %%; numel median %zu, p90 "
                  "%zu, max %zu\n",
                  c->n_programs, 100.0 * (double)c->n_ones / (double)c->n_dims,
                  100.0 * (double)c->n_zeros / (double)c->n_dims, c->numel[c->n_values / 2],
                  c->numel[c->n_values * 9 / 10], c->numel[c->n_values - 1]);
    print_message("# a program: %.2f inputs, %.2f constants, %.2f outputs\n",
                  (double)c->n_inputs / (double)c->n_programs,
                  (double)c->n_consts / (double)c->n_programs,
                  (double)c->n_outputs / (double)c->n_programs);
}

static void test_programs_are_valid_and_varied(void **state)
{
    struct fixture *f = *state;
    enum { N = 2000 };
    struct census *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    for (uint64_t i = 0; i < N; i++) {
        struct test test = make(f, 1, i, MATERIALIZE_NONE);
        assert_valid(&test);
        assert_int_equal(test.program->n_nodes, f->policy->nodes);
        assert_outputs(test.program);
        count_program(c, test.program);
    }
    print_census(c);
    assert_true(c->n_ones * 100 < 20 * c->n_dims);
    assert_in_range(c->numel[c->n_values / 2], 50, 300);
    assert_true(c->numel[c->n_values - 1] <= f->policy->numel_max);
    assert_true(c->extent_max <= f->policy->numel_max);
    assert_in_range(c->n_empty, N / 100, N / 20);
    size_t weights = 0;
    for (size_t i = 0; i < op_count; i++) {
        weights += f->policy->op_weight[i];
    }
    for (size_t i = 0; i < op_count; i++) {
        /* Motifs and refusals take their part; three deviations are chance. */
        double half =
            (double)(N * f->policy->nodes * f->policy->op_weight[i]) / (double)weights / 2;
        if ((double)c->by_op[i] < half - 3 * sqrt(half)) {
            fail_msg("%s appears %zu times: less than half of its share", op_table[i]->name,
                     c->by_op[i]);
        }
    }
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        assert_true(c->by_dtype[d] > c->n_values / 500);
    }
    for (int rank = 0; rank <= RANK_MAX; rank++) {
        assert_true(c->by_rank[rank] > c->n_values / 100);
    }
    free(c);
}

static void test_limits_are_kept(void **state)
{
    struct fixture *f = *state;
    f->policy->numel_max = 50;
    f->policy->dim_max = 7;
    f->policy->nodes = 40;
    f->policy->empty_percent = 0;
    for (uint64_t i = 0; i < 100; i++) {
        struct test test = make(f, 2, i, MATERIALIZE_NONE);
        assert_valid(&test);
        const struct program *p = test.program;
        assert_int_equal(p->n_nodes, 40);
        for (uint32_t id = 0; id < p->n_values; id++) {
            size_t numel = shape_numel(&p->values[id].shape);
            assert_true(numel >= 1 && numel <= 50);
            for (int d = 0; d < p->values[id].shape.rank && p->values[id].kind != VALUE_NODE; d++) {
                assert_true(p->values[id].shape.dim[d] <= 7);
            }
        }
    }
}

static size_t largest_numel(const struct program *p)
{
    size_t largest = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        size_t numel = shape_numel(&p->values[id].shape);
        largest = numel > largest ? numel : largest;
    }
    return largest;
}

/* large_percent of the programs, but for those that do not use what they may. */
static void test_few_programs_are_large(void **state)
{
    static const struct {
        uint32_t percent;
        unsigned least, most; /* of N */
    } cases[] = {{0, 0, 0}, {25, 60, 100}, {100, 240, 400}};
    enum { N = 400 };
    struct fixture *f = *state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        unsigned large = 0;
        f->policy->large_percent = cases[c].percent;
        for (uint64_t i = 0; i < N; i++) {
            struct test test = make(f, 4, i, MATERIALIZE_NONE);
            large += largest_numel(test.program) > f->policy->numel_max / 4;
        }
        print_message("# large_percent %u: %u of %d\n", cases[c].percent, large, N);
        assert_in_range(large, cases[c].least, cases[c].most);
    }
}

static void test_work_is_bounded(void **state)
{
    struct fixture *f = *state;
    memset(f->policy->op_weight, 0, sizeof(f->policy->op_weight));
    f->policy->op_weight[op_index(op_find("matmul"))] = 1;
    f->policy->op_weight[op_index(op_find("conv2d"))] = 1;
    f->policy->work_max = 5000;
    for (uint64_t i = 0; i < 100; i++) {
        struct test test = make(f, 2, i, MATERIALIZE_NONE);
        const struct program *p = test.program;
        for (uint32_t k = 0; k < p->n_nodes; k++) {
            const struct node *node = &p->nodes[k];
            const struct shape *a = &p->values[node->in[0]].shape;
            const struct shape *b = &p->values[node->in[1]].shape;
            size_t work = shape_numel(&p->values[node->out[0]].shape);
            if (strcmp(node->op_name, "matmul") == 0) {
                work *= (size_t)a->dim[a->rank - 1];
            } else {
                work *= (size_t)(b->dim[1] * b->dim[2] * b->dim[3]);
            }
            assert_true(work <= 5000);
        }
    }
}

/* Every op alone, with every dtype that it takes alone: nothing is out of reach. */
static void test_each_op_and_dtype_alone(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < op_count; i++) {
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            struct policy *p;
            assert_int_equal(policy_load("default", f->arena, &p), ERR_OK);
            if (p->all.pairs[i][d] == 0) {
                continue;
            }
            memset(p->op_weight, 0, sizeof(p->op_weight));
            p->op_weight[i] = 1;
            p->union_percent = 0;
            for (enum dtype other = 1; other < DTYPE_COUNT; other++) {
                p->all.pairs[i][other] = other == d ? p->all.pairs[i][other] : 0;
            }
            if (policy_check(p) != ERR_OK) {
                fail_msg("%s", err_text());
            }
            for (uint64_t k = 0; k < 10; k++) {
                struct test test;
                arena_reset(f->test);
                generate_test(p, 9, k, MATERIALIZE_ALL, f->test, &test);
                assert_valid(&test);
                assert_int_equal(test.program->n_nodes, p->nodes);
                for (uint32_t n = 0; n < p->nodes; n++) {
                    const struct node *node = &test.program->nodes[n];
                    assert_true(node->op == op_table[i]);
                    assert_int_equal(test.program->values[node->in[0]].dtype, d);
                }
            }
        }
    }
}

static void test_support_tables_are_kept(void **state)
{
    struct fixture *f = *state;
    policy_at_opset(f->policy, 13);
    assert_int_equal(f->policy->opset, 13);
    assert_int_equal(policy_check(f->policy), ERR_OK);
    size_t add = op_index(op_find("add"));
    f->policy->all.pairs[add][DTYPE_F32] = 0;
    f->policy->union_percent = 0;
    for (uint64_t i = 0; i < 500; i++) {
        struct test test = make(f, 4, i, MATERIALIZE_NONE);
        const struct program *p = test.program;
        for (uint32_t n = 0; n < p->n_nodes; n++) {
            const struct node *node = &p->nodes[n];
            enum dtype in[OP_INPUTS_MAX], out = p->values[node->out[0]].dtype;
            for (uint32_t k = 0; k < node->n_in; k++) {
                in[k] = node->in[k] == VALUE_ABSENT ? DTYPE_NONE : p->values[node->in[k]].dtype;
            }
            assert_true(onnx_can_spell(node->op, 13, in, node->n_in, &out, 1));
            assert_false(node->op == op_table[add] && in[0] == DTYPE_F32);
        }
    }
}

/* ---- values ---- */

static void evaluate(struct fixture *f, const struct test *test, struct array *values)
{
    program_evaluate(test->program, test->inputs, values, f->test);
}

static bool all_finite(const struct array *a)
{
    for (size_t i = 0; i < a->n; i++) {
        if (!isfinite(a->v[i])) {
            return false;
        }
    }
    return true;
}

/* Elements of a quotient or cast that nothing defines. Other unspecified things (ties of arg_max,
 * sums that wrap) are wanted in clean tests too. */
static size_t count_unspecified(struct fixture *f, const struct program *p, const struct node *node,
                                struct array *values)
{
    struct evaluation e = {
        .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = f->test};
    uint8_t *marks[OP_OUTPUTS_MAX];
    if (strcmp(node->op_name, "div") != 0 && strcmp(node->op_name, "cast") != 0) {
        return 0;
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        e.in[k] = node->in[k] == VALUE_ABSENT ? NULL : &values[node->in[k]];
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        e.out[o] = values[node->out[o]];
        marks[o] = ARENA_ZARRAY(f->test, uint8_t, e.out[o].n);
    }
    node->op->unspecified(&e, marks);
    size_t count = 0;
    for (uint32_t o = 0; o < node->n_out; o++) {
        for (size_t i = 0; i < e.out[o].n; i++) {
            count += marks[o][i];
        }
    }
    return count;
}

static void assert_indices_in_range(const struct program *p, const struct array *values)
{
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *node = &p->nodes[n];
        for (uint32_t k = 0; k < node->n_in; k++) {
            const struct array *a = &values[node->in[k]];
            for (size_t i = 0; i < a->n; i++) {
                int64_t limit = node_index_limit(p, node, k, i);
                assert_true(limit < 0 || (a->v[i] >= (real)-limit && a->v[i] < (real)limit));
            }
        }
    }
}

static void assert_no_trap(const struct program *p, const struct array *values)
{
    static const char *const divisions[] = {"div", "floor_div", "mod", "fmod"};
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *node = &p->nodes[n];
        bool divides = false;
        for (size_t i = 0; i < ARRAY_SIZE(divisions); i++) {
            divides |= strcmp(node->op_name, divisions[i]) == 0;
        }
        if (divides && dtype_is_int(p->values[node->in[0]].dtype)) {
            const struct array *divisor = &values[node->in[1]];
            for (size_t i = 0; i < divisor->n; i++) {
                assert_true(divisor->v[i] != 0);
            }
        }
    }
}

static void test_clean_is_clean_and_special_is_not(void **state)
{
    struct fixture *f = *state;
    enum { N = 1500 };
    size_t n_clean = 0, n_special = 0, n_wild = 0, n_places[3] = {0};
    for (uint64_t i = 0; i < N; i++) {
        struct test test = make(f, 8, i, MATERIALIZE_ALL);
        const struct program *p = test.program;
        struct array *values = ARENA_ZARRAY(f->test, struct array, p->n_values);
        evaluate(f, &test, values);
        assert_indices_in_range(p, values);
        assert_no_trap(p, values);
        n_places[test.placement]++;
        bool is_finite = true;
        size_t unspecified = 0;
        for (uint32_t id = 0; id < p->n_values; id++) {
            is_finite &= all_finite(&values[id]);
        }
        for (uint32_t n = 0; n < p->n_nodes; n++) {
            unspecified += count_unspecified(f, p, &p->nodes[n], values);
        }
        if (strcmp(test.policy, "clean") == 0) {
            n_clean++;
            if (!is_finite || unspecified > 0) {
                fail_msg("test %d is not clean", (int)i);
            }
        } else {
            assert_string_equal(test.policy, "special");
            n_special++;
            n_wild += !is_finite;
        }
    }
    print_message("# %zu clean, %zu special, of which %zu hold NaN or Inf\n", n_clean, n_special,
                  n_wild);
    /* clean_percent is 73; the search leaves next to none of those unclean */
    assert_in_range(n_clean, N * 69 / 100, N * 77 / 100);
    assert_true(n_wild * 2 > n_special);
    for (int i = 0; i < 3; i++) {
        assert_true(n_places[i] > N / 8);
    }
}

/* Every op tries to produce an input or constant that is there. Nothing is left to evaluation here:
 * that values are finite and indices valid rests on ranges that hold behind what was replaced. */
static void test_backward_insertion(void **state)
{
    struct fixture *f = *state;
    static const uint32_t sizes[] = {1, 10, 20};
    size_t inputs[2] = {0};
    f->policy->clean_percent = 100;
    f->policy->unproven_percent = 0;
    for (uint64_t i = 0; i < 600; i++) {
        f->policy->nodes = i % 100 == 0 ? 200 : sizes[i % 3];
        for (uint32_t share = 0; share <= 100; share += 100) {
            f->policy->backward_percent = share;
            struct test test = make(f, 3, i, MATERIALIZE_ALL);
            assert_valid(&test);
            assert_int_equal(test.program->n_nodes, f->policy->nodes);
            assert_outputs(test.program);
            inputs[share / 100] += test.n_inputs;
        }
        struct test test = make(f, 3, i, MATERIALIZE_ALL);
        const struct program *p = test.program;
        struct array *values = ARENA_ZARRAY(f->test, struct array, p->n_values);
        evaluate(f, &test, values);
        assert_indices_in_range(p, values);
        assert_no_trap(p, values);
        assert_string_equal(test.policy, "clean");
        for (uint32_t id = 0; id < p->n_values; id++) {
            assert_true(all_finite(&values[id]));
        }
    }
    print_message("# inputs of 600 programs: %zu forward, %zu backward\n", inputs[0], inputs[1]);
    assert_true(inputs[1] * 100 < inputs[0] * 95); /* a chain that grows backward needs fewer */
}

/* Shares of elements of float inputs. */
struct value_census {
    size_t n, zero, negative, integral, nan, inf, subnormal, extreme, negative_zero, repeated;
};

static void count_values(struct value_census *c, const struct tensor *t)
{
    size_t n = shape_numel(&t->shape);
    real before = 0;
    for (size_t i = 0; i < n; i++) {
        real x = dtype_load(t->dtype, t->data, i);
        c->n++;
        c->zero += x == 0;
        c->negative += x < 0;
        c->nan += isnan(x) != 0;
        c->inf += isinf(x) != 0;
        c->integral += isfinite(x) && truncl(x) == x;
        c->negative_zero += x == 0 && signbit(x);
        c->subnormal += x != 0 && fabsl(x) < dtype_min_normal(t->dtype);
        c->extreme += x == dtype_max(t->dtype) || x == dtype_lowest(t->dtype);
        c->repeated += i > 0 && x == before;
        before = x;
    }
}

static void test_inputs_are_varied(void **state)
{
    struct fixture *f = *state;
    struct value_census clean = {0}, special = {0};
    for (uint64_t i = 0; i < 500; i++) {
        struct test test = make(f, 10, i, MATERIALIZE_ALL);
        for (uint32_t k = 0; k < test.n_inputs; k++) {
            if (dtype_is_float(test.inputs[k].dtype)) {
                count_values(strcmp(test.policy, "clean") == 0 ? &clean : &special,
                             &test.inputs[k]);
            }
        }
    }
    assert_int_equal(clean.nan + clean.inf, 0);
    assert_in_range(clean.negative * 100 / clean.n, 20, 60);
    assert_in_range(clean.integral * 100 / clean.n, 5, 60);
    assert_in_range(clean.repeated * 100 / clean.n, 2, 50);
    assert_true(clean.zero * 100 < clean.n * 20);
    assert_true(special.nan > 0 && special.inf > 0 && special.subnormal > 0);
    assert_true(special.extreme > 0 && special.negative_zero > 0);
    assert_true(special.nan * 100 < special.n * 20);
}

/* ---- inputs of given programs ---- */

static struct test inputs_for(struct fixture *f, const char *text, const struct domain *domains,
                              size_t n_domains)
{
    struct program *p;
    struct test test;
    arena_reset(f->test);
    if (program_parse("given", text, strlen(text), f->test, &p) != ERR_OK ||
        ops_check(p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    generate_inputs(p, 1, domains, n_domains, f->test, &test);
    assert_string_equal(test.policy, "given");
    return test;
}

static void test_inputs_of_a_given_program(void **state)
{
    struct fixture *f = *state;
    struct test test = inputs_for(f,
                                  "x: f32[100] = input\n"
                                  "i: i64[50] = input\n"
                                  "j: i64[50] = input\n"
                                  "k: i64[50] = input\n"
                                  "y: f32[100] = log(x)\n"
                                  "z: f32[50] = gather(y, i, axis=0)\n"
                                  "u: f32[50] = gather(y, j, axis=0)\n"
                                  "v: f32[50] = gather(y, k, axis=0)\n"
                                  "output z\noutput u\noutput v\n",
                                  NULL, 0);
    assert_int_equal(test.n_inputs, 4);
    for (size_t k = 0; k < 100; k++) {
        assert_true(dtype_load(DTYPE_F32, test.inputs[0].data, k) > 0);
    }
    unsigned with_negative = 0; /* in half of the tensors */
    for (size_t input = 1; input < 4; input++) {
        bool any_negative = false;
        for (size_t k = 0; k < 50; k++) {
            real index = dtype_load(DTYPE_I64, test.inputs[input].data, k);
            assert_true(index >= -100 && index < 100);
            any_negative |= index < 0;
        }
        with_negative += any_negative;
    }
    assert_in_range(with_negative, 1, 2);
    /* nothing makes sqrt(log(x)) clean by interval, but values above 1 do */
    test = inputs_for(f,
                      "x: f64[20] = input\n"
                      "y: f64[20] = log(x)\n"
                      "z: f64[20] = sqrt(y)\n"
                      "output z\n",
                      NULL, 0);
    for (size_t k = 0; k < 20; k++) {
        assert_true(dtype_load(DTYPE_F64, test.inputs[0].data, k) >= 1);
    }
}

static void test_given_domains_win(void **state)
{
    struct fixture *f = *state;
    const struct domain domains[] = {{.input = "b", .lo = -5, .hi = -4}, {.lo = 10, .hi = 12}};
    struct test test = inputs_for(f,
                                  "a: f32[30] = input\n"
                                  "b: i32[30] = input\n"
                                  "c: f32[30] = cast(b, to=f32)\n"
                                  "d: f32[30] = log(a)\n"
                                  "e: f32[30] = add(c, d)\n"
                                  "output e\n",
                                  domains, ARRAY_SIZE(domains));
    for (size_t k = 0; k < 30; k++) {
        real a = dtype_load(DTYPE_F32, test.inputs[0].data, k);
        real b = dtype_load(DTYPE_I32, test.inputs[1].data, k);
        assert_true(a >= 10 && a <= 12);
        assert_true(b == -5 || b == -4);
    }
}

/* ---- relations of the catalogue ---- */

/* Each op's relation with all dims free, as for a new op on new values: what the solver makes of
 * it. */
static enum solve_result solve_op(const struct op *op, struct relation *r, struct rng *rng)
{
    struct instance m;
    instance_init(&m, op, (uint32_t)op_n_inputs(op));
    if (!op->structure(&m, rng)) {
        return SOLVE_UNSAT;
    }
    relation_clear(r);
    for (uint32_t k = 0; k < m.n_in + m.n_out; k++) {
        struct slot *s = k < m.n_in ? &m.in[k] : &m.out[k - m.n_in];
        for (int d = 0; d < s->rank; d++) {
            s->dim[d] = relation_var(r, 1, 64);
            relation_prefer_log(r, s->dim[d]);
        }
        relate_product_le(r, (size_t)s->rank, s->dim, 4096);
    }
    op->relate(r, &m);
    enum solve_result result = relation_solve(r, rng, 0);
    if (result == SOLVE_SAT) {
        int64_t *values = calloc(relation_n_vars(r) + 1, sizeof(*values));
        assert_non_null(values);
        for (size_t x = 0; x < relation_n_vars(r); x++) {
            values[x] = relation_value(r, (var)x);
        }
        assert_true(relation_holds(r, values));
        free(values);
    }
    return result;
}

static void test_relations_of_the_catalogue(void **state)
{
    struct fixture *f = *state;
    struct relation *r = relation_new(f->arena);
    struct rng rng = rng_seeded(3);
    size_t counts[3] = {0};
    for (size_t i = 0; i < op_count; i++) {
        size_t sat = 0;
        for (int k = 0; k < 200; k++) {
            enum solve_result result = solve_op(op_table[i], r, &rng);
            counts[result]++;
            sat += result == SOLVE_SAT;
        }
        if (sat < 150) {
            fail_msg("%s: only %zu of 200 relations were solved", op_table[i]->name, sat);
        }
    }
    print_message("# relations of the catalogue: %zu sat, %zu unsat, %zu gave up\n",
                  counts[SOLVE_SAT], counts[SOLVE_UNSAT], counts[SOLVE_GAVE_UP]);
    assert_true(counts[SOLVE_GAVE_UP] * 100 < counts[SOLVE_SAT]);
}

/* ---- two shapes of a program ---- */

static void assert_same_program(const struct program *a, const struct program *b)
{
    assert_int_equal(a->n_values, b->n_values);
    assert_int_equal(a->n_nodes, b->n_nodes);
    for (uint32_t i = 0; i < a->n_nodes; i++) {
        assert_string_equal(a->nodes[i].op_name, b->nodes[i].op_name);
        for (uint32_t k = 0; k < a->nodes[i].n_attrs; k++) {
            assert_true(attr_equal(&a->nodes[i].attrs[k], &b->nodes[i].attrs[k]));
        }
    }
    for (uint32_t id = 0; id < a->n_values; id++) {
        if (a->values[id].kind == VALUE_CONST) {
            struct tensor x = value_tensor(&a->values[id]), y = value_tensor(&b->values[id]);
            assert_true(tensor_equal(&x, &y));
        }
    }
}

static bool same_inputs(const struct test *a, const struct test *b)
{
    bool same = a->n_inputs == b->n_inputs;
    for (uint32_t k = 0; same && k < a->n_inputs; k++) {
        same = tensor_equal(&a->inputs[k], &b->inputs[k]);
    }
    return same;
}

/* Tests 2k and 2k + 1 are each other's `before`: valid, the same but for shapes. Index 1's is index
 * 0's, made by itself. */
static void test_pairs(void **state)
{
    enum { PAIRS = 300 };
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    f->policy->dynamic_percent = 100;
    unsigned found = 0;
    for (uint64_t i = 0; i < 2 * (uint64_t)PAIRS; i += 2) {
        struct test even = make(f, 3, i, MATERIALIZE_ALL), odd;
        arena_reset(arena);
        generate_test(f->policy, 3, i + 1, MATERIALIZE_ALL, arena, &odd);
        assert_valid(&even);
        assert_valid(&odd);
        assert_true((even.before == NULL) == (odd.before == NULL));
        if (!even.before || !odd.before) {
            continue;
        }
        found++;
        assert_same_program(even.program, odd.program);
        assert_true(same_inputs(&even, odd.before));
        assert_true(same_inputs(&odd, even.before));
        assert_int_equal(program_hash(even.program), program_hash(odd.before->program));
        assert_int_equal(program_hash(odd.program), program_hash(even.before->program));
        assert_int_not_equal(program_hash(even.program), program_hash(odd.program));
    }
    print_message("# %u of %d programs have other shapes\n", found, PAIRS);
    assert_true(found > PAIRS * 8 / 10);
    arena_free(arena);
}

/* ---- speed ---- */

static void test_speed(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        enum materialize what;
        uint32_t nodes, n;
    } runs[] = {{"shapes only", MATERIALIZE_NONE, 10, 2000},
                {"shapes only", MATERIALIZE_NONE, 100, 200},
                {"with data", MATERIALIZE_ALL, 10, 500}};
    for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
        f->policy->nodes = runs[i].nodes;
        double start = clock_cpu_self();
        for (uint32_t k = 0; k < runs[i].n; k++) {
            make(f, 77, k, runs[i].what);
        }
        double seconds = clock_cpu_self() - start;
        print_message("# %u ops, %s: %.0f programs per CPU second\n", runs[i].nodes, runs[i].name,
                      runs[i].n / (seconds > 0 ? seconds : 1e-9));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_same_seed_same_bytes_in_any_order),
        TEST(test_graph_without_data_is_the_same_graph),
        TEST(test_programs_are_valid_and_varied),
        TEST(test_backward_insertion),
        TEST(test_limits_are_kept),
        TEST(test_few_programs_are_large),
        TEST(test_work_is_bounded),
        TEST(test_each_op_and_dtype_alone),
        TEST(test_support_tables_are_kept),
        TEST(test_clean_is_clean_and_special_is_not),
        TEST(test_inputs_are_varied),
        TEST(test_inputs_of_a_given_program),
        TEST(test_given_domains_win),
        TEST(test_relations_of_the_catalogue),
        TEST(test_pairs),
        TEST(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
