/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: their text form, its errors, the ones made in and what they promise.
 */
#include <math.h>
#include <string.h>

#include "generate_fixture.h"

/* ---- text ---- */

static void test_policy_prints_and_parses(void **state)
{
    struct fixture *f = *state;
    struct buffer once = BUFFER_INIT, twice = BUFFER_INIT;
    f->policy->nodes = 17;
    f->policy->op_weight[op_index(op_find("tan"))] = 0;
    f->policy->all.pairs[op_index(op_find("cast"))][DTYPE_F32] = DT(F64) | DT(I8);
    f->policy->any.pairs[op_index(op_find("add"))][DTYPE_U16] = 0;
    policy_print(f->policy, &once);
    struct policy *read;
    assert_int_equal(policy_parse("printed", once.data, f->arena, &read), ERR_OK);
    policy_print(read, &twice);
    assert_string_equal(once.data, twice.data);
    assert_true(policy_hash(read) == policy_hash(f->policy));
    assert_non_null(strstr(once.data, "nodes = 17\n"));
    assert_non_null(strstr(once.data, "op.tan = 0\n"));
    assert_non_null(strstr(once.data, "f32>i8 f32>f64"));
    buffer_release(&once);
    buffer_release(&twice);
}

static void test_policy_hash_sees_all_fields(void **state)
{
    struct fixture *f = *state;
    static const char *const changes[] = {"",
                                          "nodes = 11",
                                          "opset = 20",
                                          "union_percent = 11",
                                          "rank.6 = 6",
                                          "dtype.f64 = 15",
                                          "dtype.bool = 4",
                                          "op.gather = 11",
                                          "all.add = f32>f32",
                                          "any.add = f32>f32",
                                          "all.gather =",
                                          "generator = random"};
    uint64_t hashes[ARRAY_SIZE(changes)];
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        struct policy *p;
        assert_int_equal(policy_parse("p", changes[i], f->arena, &p), ERR_OK);
        hashes[i] = policy_hash(p);
        for (size_t k = 0; k < i; k++) {
            assert_true(hashes[i] != hashes[k]);
        }
    }
    struct policy *named;
    assert_int_equal(policy_parse("p", "name = other", f->arena, &named), ERR_OK);
    assert_string_equal(named->name, "other");
    assert_true(policy_hash(named) == hashes[0]);
}

static void test_policy_errors_name_the_line(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"nodes 10", "p:1: 'nodes 10' is not `key = value`"},
        {"\n# fine\nnode = 10", "p:3: there is no setting 'node'"},
        {"nodes = ten", "p:1: nodes must be a number from 1 to 1000000, not 'ten'"},
        {"nodes = 0", "p:1: nodes must be a number from 1"},
        {"nodes = -1", "p:1: nodes must be a number"},
        {"nodes = 99999999999999999999999", "p:1: nodes must be a number"},
        {"clean_percent = 101", "p:1: clean_percent must be a number from 0 to 100, not '101'"},
        {"generator = none", "p:1: there is no generator 'none'"},
        {"rank.7 = 1", "p:1: ranks go from 0 to 6, not '7'"},
        {"dtype.f33 = 1", "p:1: there is no dtype 'f33'"},
        {"op.frobnicate = 1", "p:1: there is no op 'frobnicate'"},
        {"motif.frobnicate = 1", "p:1: there is no motif 'frobnicate'"},
        {"motif.* = many", "p:1: motif.* must be a number from 0 to"},
        {"all.add = f32", "p:1: 'f32' is not two dtypes as in f32>f64"},
        {"all.add = bool>bool", "p:1: add does not take bool"},
        {"none.add = f32>f32", "p:1: there is no setting 'none.add'"},
        {"name = ", "p:1: a name has 1 to 31 bytes"},
        {"rank.0 = 0\nrank.1 = 0\nrank.2=0\nrank.3=0\nrank.4=0\nrank.5=0\nrank.6=0",
         "policy default: no rank has a weight"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct policy *p = NULL;
        assert_int_equal(policy_parse("p", bad[i].text, f->arena, &p), ERR_USAGE);
        assert_null(p);
        if (strncmp(err_text(), bad[i].message, strlen(bad[i].message)) != 0) {
            fail_msg("'%s' where '%s' is wanted", err_text(), bad[i].message);
        }
    }
    struct policy *p;
    assert_int_equal(policy_load("/nowhere/policy", f->arena, &p), ERR_MISSING);
}

static void test_policy_without_ops_is_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < op_count; i++) {
        f->policy->op_weight[i] = strcmp(op_table[i]->name, "floor") == 0;
    }
    assert_int_equal(policy_check(f->policy), ERR_OK);
    memset(f->policy->all.pairs[op_index(op_find("floor"))], 0, sizeof(*f->policy->all.pairs));
    assert_int_equal(policy_check(f->policy), ERR_USAGE);
}

/* ---- the ones made in ---- */

/* What the comparison with nnsmith rests on; the ops with a weight are 38, concat counts twice. */
static void test_nnsmith_policy_is_its_operators(void **state)
{
    struct fixture *f = *state;
    size_t n_ops = 0, weights = 0;
    assert_true(policy_is_builtin("nnsmith39"));
    assert_int_equal(policy_load("nnsmith39", f->arena, &f->policy), ERR_OK);
    assert_string_equal(f->policy->name, "nnsmith39");
    for (size_t i = 0; i < op_count; i++) {
        n_ops += f->policy->op_weight[i] > 0;
        weights += f->policy->op_weight[i];
    }
    assert_int_equal(n_ops, 38);
    assert_int_equal(weights, 390);
    for (uint64_t i = 0; i < 300; i++) {
        struct test test;
        arena_reset(f->test);
        generate_test(f->policy, 2, i, MATERIALIZE_NONE, f->test, &test);
        const struct program *p = test.program;
        assert_int_equal(p->n_nodes, f->policy->nodes);
        for (uint32_t id = 0; id < p->n_values; id++) {
            const struct shape *s = &p->values[id].shape;
            assert_int_equal(p->values[id].dtype, DTYPE_F32);
            assert_true(s->rank <= 5 && shape_numel(s) >= 1 && shape_numel(s) <= 65536);
        }
    }
}

static void test_clean_policy_is_clean(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(policy_load("clean", f->arena, &f->policy), ERR_OK);
    for (uint64_t i = 0; i < 300; i++) {
        struct test test;
        arena_reset(f->test);
        generate_test(f->policy, 2, i, MATERIALIZE_ALL, f->test, &test);
        struct array *values = ARENA_ZARRAY(f->test, struct array, test.program->n_values);
        assert_string_equal(test.policy, "clean");
        program_evaluate(test.program, test.inputs, values, f->test);
        for (uint32_t id = 0; id < test.program->n_values; id++) {
            for (size_t k = 0; k < values[id].n; k++) {
                assert_true(isfinite(values[id].v[k]));
            }
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_policy_prints_and_parses),        TEST(test_policy_hash_sees_all_fields),
        TEST(test_policy_errors_name_the_line),     TEST(test_policy_without_ops_is_refused),
        TEST(test_nnsmith_policy_is_its_operators), TEST(test_clean_policy_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
