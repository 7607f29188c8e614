/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spellings of generated programs: models read back as the program, plans pass the wire's check,
 * sources define what the plan calls.
 */
#include "unit.h"

#include <math.h>

#include "canonical.h"
#include "generate/generate.h"
#include "opjury/plan_wire.h"

enum { PROGRAMS = 3000, SEED = 7 };

struct fixture {
    struct arena *arena; /* of the policy */
    struct policy *policy;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_new();
    assert_int_equal(policy_load("default", f.arena, &f.policy), ERR_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    arena_free(((struct fixture *)*state)->arena);
    return 0;
}

/* The newest opset whose types the tables hold: most ops have all their dtypes. */
static const struct onnx_version newest = {.opset = 28, .ir = 13};

/* Are all nodes of forms that are read as the same op? */
static bool comes_back(const struct program *p)
{
    bool all = true;

    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        bool is_one_hot = strcmp(node->op_name, "one_hot") == 0; /* of a scalar it is three nodes */
        bool is_several = is_one_hot && p->values[node->out[0]].shape.rank == 1;
        all = all && onnx_comes_back(node->op) && !is_several;
    }
    return all;
}

/* NULL: it has no form at that opset. What the model is read as holds. */
static struct program *written_and_read(const struct program *p, struct onnx_version version,
                                        struct arena *arena, struct buffer *model)
{
    struct program *back = NULL;

    buffer_clear(model);
    enum err err = onnx_write(p, version, model);
    if (err == ERR_UNSUPPORTED) {
        return NULL;
    }
    if (err != ERR_OK ||
        onnx_read(&(struct onnx_source){.name = "model", .data = model->data, .size = model->size},
                  arena, &back) != ERR_OK ||
        ops_check(back) != ERR_OK) {
        struct buffer text = BUFFER_INIT;
        program_print(p, &text);
        fail_msg("opset %d: %s\n%s", version.opset, err_text(), text.data);
    }
    return back;
}

static void assert_same(bool same, const struct program *p, const struct program *back)
{
    if (!same) {
        struct buffer text = BUFFER_INIT;
        program_print(p, &text);
        program_print(back, &text);
        fail_msg("not the same:\n%s", text.data);
    }
}

static void models_read_back(void **state)
{
    const struct fixture *f = *state;
    struct arena *arena = arena_new();
    struct buffer model = BUFFER_INIT;
    unsigned written = 0;

    struct policy policy = *f->policy;
    for (size_t i = 0; i < op_count; i++) { /* a few ops are torch's alone */
        policy.op_weight[i] = onnx_type_of(op_table[i]) ? policy.op_weight[i] : 0;
    }
    for (uint64_t i = 0; i < PROGRAMS; i++) {
        struct test test;
        arena_reset(arena);
        generate_test(&policy, SEED, i, MATERIALIZE_ALL, arena, &test);
        const struct program *p = test.program;
        const struct program *back = written_and_read(p, newest, arena, &model);
        written += back != NULL;
        assert_same(!back || !comes_back(p) ||
                        program_hash(canonical(p, arena)) == program_hash(canonical(back, arena)),
                    p, back);
    }
    print_message("# %u of %d programs have a form at opset %d\n", written, PROGRAMS, newest.opset);
    assert_true(written > PROGRAMS / 3);
    buffer_release(&model);
    arena_free(arena);
}

/* slack: of values of the size 1 or above, in roundoffs. */
static bool same_elements(const struct array *a, const struct array *b, real slack)
{
    bool same = a->dtype == b->dtype && shape_equal(&a->shape, &b->shape);
    real u = dtype_is_float(a->dtype) ? slack * dtype_roundoff(a->dtype) : 0;

    for (size_t i = 0; same && i < a->n; i++) {
        real x = a->v[i], y = b->v[i];
        same = x == y || (isnan(x) && isnan(y)) || fabsl(x - y) <= u * fmaxl(1, fabsl(x));
    }
    return same;
}

static bool same_results(const struct program *p, const struct program *q, const struct test *test,
                         struct arena *arena)
{
    struct array *a = ARENA_ZARRAY(arena, struct array, p->n_values);
    struct array *b = ARENA_ZARRAY(arena, struct array, q->n_values);
    real slack = q->n_nodes > p->n_nodes ? 4 : 0; /* of several nodes each rounds */
    bool same = p->n_outputs == q->n_outputs && program_n_inputs(q) == test->n_inputs;

    if (same) {
        program_evaluate(p, test->inputs, a, arena);
        program_evaluate(q, test->inputs, b, arena);
    }
    for (uint32_t k = 0; same && k < p->n_outputs; k++) {
        same = same_elements(&a[p->outputs[k]], &b[q->outputs[k]], slack);
    }
    return same;
}

/* The forms that ops had in older opsets: attributes that became inputs, Upsample, axes that count
 * from 0 alone, several nodes for one. What is refused says where. */
static void models_of_old_opsets_mean_the_same(void **state)
{
    enum { PROGRAMS_EACH = 500, OLDEST = 7, LEAST = 100 };
    const struct fixture *f = *state;
    struct arena *arena = arena_new();
    struct buffer model = BUFFER_INIT;

    struct policy policy = *f->policy;
    policy.nodes = 1;
    for (int opset = OLDEST; opset < newest.opset; opset++) {
        unsigned written = 0;
        for (uint64_t i = 0; i < PROGRAMS_EACH; i++) {
            struct test test;
            arena_reset(arena);
            generate_test(&policy, SEED + (uint64_t)opset, i, MATERIALIZE_ALL, arena, &test);
            const struct program *p = test.program,
                                 *back = written_and_read(
                                     p, (struct onnx_version){.opset = opset, .ir = newest.ir},
                                     arena, &model);
            const char *y = p->values[p->nodes[0].out[0]].name;
            written += back != NULL;
            assert_same(!back || same_results(p, back, &test, arena), p, back);
            if (!back && strncmp(err_text(), y, strlen(y)) != 0) {
                fail_msg("opset %d: \"%s\" does not begin with %s", opset, err_text(), y);
            }
        }
        if (written < LEAST) {
            fail_msg("opset %d: only %u of %d programs have a form", opset, written, PROGRAMS_EACH);
        }
    }
    buffer_release(&model);
    arena_free(arena);
}

static void constants_need_data(void **state)
{
    const struct fixture *f = *state;
    struct arena *arena = arena_new();
    struct buffer model = BUFFER_INIT;
    unsigned refused = 0;

    for (uint64_t i = 0; i < 50; i++) {
        struct test test;
        arena_reset(arena);
        generate_test(f->policy, SEED, i, MATERIALIZE_NONE, arena, &test);
        refused += onnx_write(test.program, ONNX_VERSION_DEFAULT, &model) == ERR_INPUT;
    }
    assert_true(refused > 10);
    buffer_release(&model);
    arena_free(arena);
}

static void plans_are_whole(void **state)
{
    const struct fixture *f = *state;
    struct arena *arena = arena_new();
    struct buffer bytes = BUFFER_INIT, source = BUFFER_INIT;
    unsigned planned = 0;

    for (uint64_t i = 0; i < PROGRAMS; i++) {
        struct test test;
        struct plan *plan;
        arena_reset(arena);
        buffer_clear(&bytes);
        buffer_clear(&source);
        generate_test(f->policy, SEED, i, MATERIALIZE_NONE, arena, &test);
        enum err err = calls_plan(&torch_calls, test.program, arena, &plan);
        if (err == ERR_UNSUPPORTED) { /* attributes that torch has no call for */
            continue;
        }
        assert_int_equal(err, ERR_OK);
        planned++;
        plan_encode(plan, &bytes);
        assert_true(plan_wire_valid(bytes.data, bytes.size));
        plan_print_python(plan, &source);
        unsigned lines = 0;
        for (size_t k = 0; k < source.size; k++) {
            lines += source.data[k] == '\n';
        }
        assert_int_equal(lines, plan->n_calls + 2); /* def, one a call, return */
    }
    print_message("# %u of %d programs have a plan\n", planned, PROGRAMS);
    assert_true(planned > PROGRAMS / 2);
    buffer_release(&bytes);
    buffer_release(&source);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_read_back),
        cmocka_unit_test(models_of_old_opsets_mean_the_same),
        cmocka_unit_test(constants_need_data),
        cmocka_unit_test(plans_are_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
