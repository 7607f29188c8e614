/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ops_check refuses, and how it says so: programs written down, and a node of each op of the
 * catalogue that is broken in one thing.
 */
#include <math.h>
#include <string.h>

#include "generate_fixture.h"

static struct program *parse(struct arena *arena, const char *text)
{
    struct program *p;
    const char *full = arena_printf(arena, "%soutput y\n", text);
    if (program_parse("test", full, strlen(full), arena, &p) != ERR_OK) {
        fail_msg("%s in\n%s", err_text(), full);
    }
    return p;
}

/* ---- programs written down ---- */

static const struct refusal {
    const char *text, *complaint;
} refusals[] = {
    {"a: f32[2] = input\ny: f32[2] = frobnicate(a)\n", "y: there is no op frobnicate"},
    {"a: f32[1,1,4] = input\n"
     "y: f32[1,1,7] = max_pool(a, kernel_shape=[2], strides=[1], dilations=[1], pads=[2,2], "
     "ceil_mode=false)\n",
     "its input shapes [1,1,4] and attributes do not fit together"},
    {"a: f32[2] = input\ny: f32[3] = relu(a)\n",
     "y (relu): its declared shape is [3], but [2] follows from its inputs"},
    {"a: f32[2] = input\ny: f16[2] = relu(a)\n",
     "y (relu): its declared dtype is f16, but f32 follows from its inputs"},
    {"a: f32[2] = input\nb: i32[2] = input\ny: f32[2] = add(a, b)\n", "b is i32"},
    {"a: i32[2] = input\ny: i32[2] = exp(a)\n", "exp does not take i32"},
    {"a: f32[2] = input\nb: f32[3] = input\ny: f32[3] = add(a, b)\n",
     "its input shapes [2] [3] and attributes do not fit together"},
    {"a: f32[2] = input\ny: f32[2] = add(a)\n", "1 inputs where 2 to 2 are needed"},
    {"a: f32[2] = input\ny: f32[2] = add(a, _)\n", "input b is missing"},
    {"a: f32[2] = input\ny: f32[2] = softmax(a)\n", "attribute axis is missing"},
    {"a: f32[2] = input\ny: f32[2] = softmax(a, axis=0.5)\n", "attribute axis must be an integer"},
    {"a: f32[2] = input\ny: f32[2] = softmax(a, axis=0, hard=true)\n",
     "there is no attribute hard"},
    {"a: f32[2] = input\ny: f32[2] = softmax(a, axis=1)\n", "axis 1 lies outside rank 1"},
    {"a: f32[] = input\ny: f32[] = softmax(a, axis=0)\n", "x has rank 0"},
    {"a: f32[2,3] = input\ny: f32[] = reduce_sum(a, axes=[0,-2], keepdims=false)\n",
     "axis -2 is named twice"},
    {"a: f32[2] = input\ny: f32[2] = reduce_sum(a, axes=[], keepdims=false)\n",
     "at least one axis"},
    {"a: f32[0] = input\ny: f32[] = reduce_mean(a, axes=[0], keepdims=false)\n",
     "do not fit together"},
    {"a: f32[2] = input\ny: f32[2] = clip(a, min=1.0, max=0.0)\n", "min 1 lies above max 0"},
    {"a: i8[2] = input\ny: i8[2] = clip(a, min=0.0, max=200.0)\n", "max 200 is not a value of i8"},
    {"a: f32[2] = input\ny: f32[2] = clip(a, min=0.1, max=inf)\n", "min 0.1 is not a value of f32"},
    {"a: f32[2] = input\ny: i8[2] = cast(a, to=f16)\n",
     "its declared dtype is i8, but f16 follows"},
    {"a: f32[2,3] = input\ny: f32[3,2] = transpose(a, perm=[1,1])\n", "no permutation"},
    {"a: f32[2,3] = input\ny: f32[3,2] = transpose(a, perm=[1])\n",
     "perm has 1 values where 2 are needed"},
    {"a: f32[2,3] = input\ny: f32[7] = reshape(a, shape=[7])\n", "do not fit together"},
    {"a: f32[2,3] = input\ny: f32[6] = reshape(a, shape=[-1])\n", "shape holds -1"},
    {"a: f32[2] = input\nb: f32[2,1] = input\ny: f32[4] = concat(a, b, axis=0)\n", "rank 2"},
    {"a: f32[2] = input\ni: f32[1] = input\ny: f32[1] = gather(a, i, axis=0)\n",
     "gather does not take f32 for indices"},
    {"a: f32[2,3] = input\nb: f32[2,3] = input\ny: f32[2,3] = matmul(a, b)\n",
     "do not fit together"},
    {"x: f32[1,2,4,4] = input\nw: f32[1,1,2,2] = input\ny: f32[1,1,3,3] = conv2d(x, w, "
     "strides=[1,1], pads=[0,0,0,0], dilations=[1,1], group=1)\n",
     "do not fit together"},
    {"x: f32[1,1,4,4] = input\nw: f32[1,1,2,2] = input\ny: f32[1,1,3,3] = conv2d(x, w, "
     "strides=[0,1], pads=[0,0,0,0], dilations=[1,1], group=1)\n",
     "strides holds 0; 1 to 2^39 is possible"},
    {"a: f32[2] = input\ny: f32[2] = gelu(a)\n", "attribute approximate is missing"},
    {"a: f32[2] = input\ny: f32[2] = gelu(a, approximate=\"erf\")\n",
     "approximate is erf; none or tanh is possible"},
    {"a: f32[2] = input\ny: f32[2] = elu(a, alpha=nan)\n",
     "alpha is nan; a finite number is needed"},
    {"a: f32[2,2] = input\ny: f32[2] = einsum(a, equation=\"ij\")\n",
     "equation \"ij\" is not of the form ij,jk->ik"},
    {"a: f32[2,2] = input\ny: f32[2] = einsum(a, equation=\"ij->k\")\n",
     "gives k twice or from nothing"},
    {"a: f32[2,2] = input\ny: f32[2,2] = einsum(a, equation=\"ij->ii\")\n", "gives i twice"},
    {"a: f32[2,2] = input\ny: f32[2] = einsum(a, equation=\"abcdefg->a\")\n", "goes beyond rank 6"},
    {"a: f32[2,2] = input\ny: f32[2] = einsum(a, equation=\"ijk->i\")\n",
     "does not fit the operands' count or ranks"},
    {"a: f32[2] = input\ny: f32[2] = reshape(a, shape=[1,1,1,1,1,1,2])\n",
     "shape has 7 dims; ranks go to 6"},
    {"a: f32[2] = input\ny: f32[2] = slice(a, axes=[0], starts=[0], ends=[2], steps=[0])\n",
     "a step of 0"},
    {"a: f32[2] = input\ny: f32[2] = slice(a, axes=[0], starts=[0,0], ends=[2], steps=[1])\n",
     "each of 1 axes needs a start, an end and a step"},
    {"a: i32[2,2] = input\nb: i32[2,2] = input\n"
     "y: i32[2,2] = gemm(a, b, transA=false, transB=false, alpha=0.5, beta=1.0)\n",
     "alpha 0.5 is no factor of i32"},
};

static void wrong_programs_are_explained(void **state)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        struct program *p = parse(arena, refusals[i].text);
        assert_int_equal(ops_check(p), ERR_INPUT);
        if (!strstr(err_text(), refusals[i].complaint) || strncmp(err_text(), "y", 1) != 0) {
            fail_msg("\"%s\", not \"%s\" for\n%s", err_text(), refusals[i].complaint,
                     refusals[i].text);
        }
    }
    arena_free(arena);
}

/* ---- every op, broken in one thing ---- */

/* Refused in one line that names the node. */
static void assert_refused(const struct program *valid, const struct program *broken,
                           const char *how, const char *complaint)
{
    struct program *p = program_clone(broken, broken->arena);
    const char *name = valid->values[valid->nodes[0].out[0]].name;
    if (ops_check(p) == ERR_OK) {
        fail_msg("%s: %s is taken", valid->nodes[0].op_name, how);
    }
    if (strncmp(err_text(), name, strlen(name)) != 0 || strchr(err_text(), '\n') != NULL ||
        (complaint && !strstr(err_text(), complaint))) {
        fail_msg("%s, %s: \"%s\", not \"%s\"", valid->nodes[0].op_name, how, err_text(),
                 complaint ? complaint : name);
    }
}

/* The program with attributes of its own, and room for one more. */
static struct program *with_attrs(const struct program *valid, struct arena *arena)
{
    struct program *p = program_clone(valid, arena);
    struct node *node = &p->nodes[0];
    struct attr *attrs = ARENA_ZARRAY(arena, struct attr, node->n_attrs + 1);
    memcpy(attrs, node->attrs, node->n_attrs * sizeof(*attrs));
    node->attrs = attrs;
    return p;
}

static bool is_optional(const struct op *op, const char *name)
{
    for (size_t s = 0; s < OP_ATTRS_MAX && op->attrs[s].name; s++) {
        if (strcmp(op->attrs[s].name, name) == 0) {
            return op->attrs[s].optional;
        }
    }
    fail_msg("%s has no attribute %s", op->name, name);
    return false;
}

/* No value of the attribute's kind; false: it has none. What is padded with may be NaN. */
static bool spoil_value(struct attr *a)
{
    if (strcmp(a->name, "value") == 0) {
        return false;
    }
    switch (a->kind) {
    case ATTR_TEXT:
        a->text = "nonsense";
        return true;
    case ATTR_REAL:
        a->f = NAN;
        return true;
    case ATTR_INT:
    case ATTR_INTS:
        a->i[0] = -(INT64_C(1) << 50); /* far outside what dims may be */
        return a->n > 0;
    case ATTR_BOOL:
    case ATTR_DTYPE:
        break;
    }
    return false;
}

static void break_attrs(const struct program *valid, struct arena *arena)
{
    const struct op *op = valid->nodes[0].op;
    for (uint32_t k = 0; k < valid->nodes[0].n_attrs; k++) {
        struct program *p = with_attrs(valid, arena);
        struct node *node = &p->nodes[0];
        const struct attr a = node->attrs[k];
        node->attrs[node->n_attrs++] = a;
        assert_refused(valid, p, arena_printf(arena, "%s twice", a.name), "is given twice");

        p = with_attrs(valid, arena);
        node = &p->nodes[0];
        node->attrs[k].kind = a.kind == ATTR_TEXT ? ATTR_INT : ATTR_TEXT;
        node->attrs[k].text = "1";
        node->attrs[k].n = 1;
        assert_refused(valid, p, arena_printf(arena, "%s of another kind", a.name), "must be");

        p = with_attrs(valid, arena);
        if (spoil_value(&p->nodes[0].attrs[k])) {
            assert_refused(valid, p, arena_printf(arena, "%s of another value", a.name), NULL);
        }

        p = with_attrs(valid, arena);
        node = &p->nodes[0];
        node->attrs[k] = node->attrs[--node->n_attrs];
        if (!is_optional(op, a.name)) {
            assert_refused(valid, p, arena_printf(arena, "no %s", a.name), "is missing");
        }
    }
    struct program *p = with_attrs(valid, arena);
    p->nodes[0].attrs[p->nodes[0].n_attrs++] =
        (struct attr){.name = "nonsense", .kind = ATTR_INT, .n = 1};
    assert_refused(valid, p, "an attribute more", "");
}

static void break_slots(const struct program *valid, struct arena *arena)
{
    struct program *p = program_clone(valid, arena);
    p->nodes[0].n_in = 0;
    assert_refused(valid, p, "no inputs", "0 inputs where");
    p = program_clone(valid, arena);
    p->nodes[0].in[0] = VALUE_ABSENT;
    assert_refused(valid, p, "the first input is absent", "is missing");
    p = program_clone(valid, arena);
    const uint32_t out[OP_OUTPUTS_MAX + 1] = {p->nodes[0].out[0]};
    p->nodes[0].n_out = OP_OUTPUTS_MAX + 1;
    p->nodes[0].out = arena_copy(arena, out, sizeof(out));
    assert_refused(valid, p, "outputs more", "5 outputs where");
    for (uint32_t o = 0; o < valid->nodes[0].n_out; o++) {
        p = program_clone(valid, arena);
        struct shape *s = &p->values[p->nodes[0].out[o]].shape;
        s->rank = s->rank < RANK_MAX ? s->rank + 1 : 0;
        s->dim[s->rank > 0 ? s->rank - 1 : 0] = 1;
        struct program *checked = program_clone(p, arena);
        assert_int_equal(ops_check(checked), ERR_INPUT); /* the shape's own output is named */
        p = program_clone(valid, arena);
        struct value *v = &p->values[p->nodes[0].out[o]];
        v->dtype = v->dtype == DTYPE_F32 ? DTYPE_U8 : DTYPE_F32;
        checked = program_clone(p, arena);
        assert_int_equal(ops_check(checked), ERR_INPUT);
    }
}

static void every_op_refuses_what_is_broken(void **state)
{
    enum { TRIES = 6, SEED = 3 };
    struct fixture *f = *state;
    struct policy policy = *f->policy;
    policy.nodes = 1;
    for (size_t i = 0; i < op_count; i++) {
        memset(policy.op_weight, 0, sizeof(policy.op_weight));
        policy.op_weight[i] = 1;
        for (uint64_t k = 0; k < TRIES; k++) {
            struct test test;
            arena_reset(f->test);
            generate_test(&policy, SEED, k, MATERIALIZE_ALL, f->test, &test);
            struct program *valid = program_clone(test.program, f->test);
            assert_int_equal(ops_check(valid), ERR_OK);
            break_attrs(valid, f->test);
            break_slots(valid, f->test);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_programs_are_explained),
        cmocka_unit_test_setup_teardown(every_op_refuses_what_is_broken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
