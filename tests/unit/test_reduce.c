/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reducer end to end, against planted faults: the target is our own evaluator with one mutated
 * op, so the smallest program that fails is known to be that op alone. The last test does it for
 * every fault on generated programs and prints how small and how quick.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generate/generate.h"
#include "target/faulty.h"
#include "triage/triage.h"

/* One faulty target in its jury, and the memory of a test. */
struct scene {
    struct arena *arena;
    struct target *target;
    struct jury *jury;
};

static void scene_open(struct scene *s, const char *fault)
{
    s->arena = arena_new();
    assert_int_equal(
        target_parse(arena_printf(s->arena, "faulty:%s", fault), NULL, s->arena, &s->target),
        ERR_OK);
    assert_int_equal(jury_open(&s->target, 1, &(struct jury_options){0}, &s->jury), ERR_OK);
}

static void scene_close(struct scene *s)
{
    jury_close(s->jury);
    arena_free(s->arena);
}

/* The text as a test; inputs are small numbers of both signs, indices 0, 1, 0, 1, ... */
static struct test *parse(const char *text, struct arena *arena)
{
    struct program *p;
    if (program_parse("test", text, strlen(text), arena, &p) != ERR_OK || ops_check(p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    struct test *test = arena_zalloc(arena, sizeof(*test));
    test->program = p;
    test->policy = "given";
    test->n_inputs = program_n_inputs(p);
    test->inputs = ARENA_ARRAY(arena, struct tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        const struct value *v = &p->values[program_input(p, k)];
        test->inputs[k] = tensor_new(arena, v->dtype, &v->shape);
        for (size_t i = 0; i < shape_numel(&v->shape); i++) {
            bool whole = !dtype_is_float(v->dtype);
            dtype_store(v->dtype, test->inputs[k].data, i,
                        whole ? (real)(i % 2) : (real)(37 * (i + k) % 29) / 8 - (real)1.703125);
        }
    }
    return test;
}

/* Runs and judges; false: it passes. */
static bool fails(struct scene *s, const struct test *test, struct failure *f)
{
    *f = (struct failure){.what = s->target, .test = test};
    assert_int_equal(jury_run_fresh(s->jury, 0, test, s->arena, &f->outcome), ERR_OK);
    const struct judgement j = {.test = test,
                                .reference = reference_new(test, s->arena),
                                .target = s->target,
                                .outcome = &f->outcome,
                                .arena = s->arena};
    judge(&j, &f->verdict);
    f->signature = failure_signature(&f->verdict, &f->outcome, s->arena);
    return f->verdict.kind == VERDICT_FINDING;
}

static struct reduction reduced(struct scene *s, const struct failure *f)
{
    struct reduction r = {.cpu_limit = 60, .max_runs = 1000};
    assert_int_equal(reduce(s->jury, f, &r, s->arena), ERR_OK);
    return r;
}

/* Opens the scene of a fault that shows in the text, for the caller to close. */
static struct reduction reduced_text(struct scene *s, struct failure *f, const char *fault,
                                     const char *text)
{
    scene_open(s, fault);
    if (!fails(s, parse(text, s->arena), f)) { /* the oracle sees only outputs */
        fail_msg("%s passes", fault);
    }
    return reduced(s, f);
}

static size_t count_elements(const struct program *p)
{
    size_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        n += shape_numel(&p->values[id].shape);
    }
    return n;
}

/* ---- programs whose smallest form is known ---- */

static const char network[] = "x: f32[4,6] = input\n"
                              "w: f32[6,5] = input\n"
                              "b: f32[5] = input\n"
                              "m: f32[4,5] = matmul(x, w)\n"
                              "a: f32[4,5] = add(m, b)\n"
                              "r: f32[4,5] = relu(a)\n"
                              "t: f32[5,4] = transpose(r, perm=[1,0])\n"
                              "s: f32[5,4] = softmax(t, axis=-1)\n"
                              "q: f32[20] = reshape(s, shape=[20])\n"
                              "i: i64[3] = input\n"
                              "g: f32[3] = gather(q, i, axis=0)\n"
                              "h: f32[3] = exp(g)\n"
                              "z: f32[] = reduce_sum(h, axes=[0], keepdims=false)\n"
                              "output z, r\n";

/* Attributes that say how ranks fit together have no simpler setting at the same ranks. */
static void ranks_fit_together(void **state)
{
    struct scene s;
    struct failure f;
    struct reduction r =
        reduced_text(&s, &f, "negate.gather_nd",
                     "x: f32[1,2,2,2,1] = input\n"
                     "i: i64[1,2,1,1,2,3] = input\n"
                     "y: f32[1,2,1,1,2,1] = gather_nd(x, i, parts=3, batch_dims=1)\n"
                     "output y\n");
    assert_string_equal(op_chain(r.test->program, s.arena), "gather_nd(f32)");
    assert_true(r.complete);
    scene_close(&s);
    (void)state;
}

/* Where inputs lie is of the finding only where it matters. */
static void inputs_lie_as_usual(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "negate.relu");
    struct test *test = parse(network, s.arena);
    test->placement = PLACE_END;
    assert_true(fails(&s, test, &f));
    struct reduction r = reduced(&s, &f);
    assert_int_equal(r.test->placement, PLACE_ALIGNED);
    scene_close(&s);
    (void)state;
}

static void only_the_faulty_op_stays(void **state)
{
    static const struct {
        const char *fault, *chain;
        size_t elements; /* of all values, at most */
    } cases[] = {
        {"negate.relu", "relu(f32)", 2},
        {"off_by_one.softmax", "softmax(f32)", 4},
        {"off_by_one.transpose", "transpose(f32)", 8},
        {"negate.matmul", "matmul(f32)", 3},
        {"low_precision.exp", "exp(f32)", 2},
        {"drop_tail.gather", "gather(f32)", 6},
        {"wrong_dtype.relu", "relu(f32)", 2},
        {"wrong_shape.reduce_sum", "reduce_sum(f32)", 2},
        /* Wrong fusions: of neighbours, and of what others stand between in the text. */
        {"negate.relu+add", "add(f32) -> relu(f32)", 4},
        {"negate.exp+gather", "gather(f32) -> exp(f32)", 9},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s;
        struct failure f;
        struct reduction r = reduced_text(&s, &f, cases[i].fault, network);
        assert_true(r.complete);
        assert_string_equal(op_chain(r.test->program, s.arena), cases[i].chain);
        if (count_elements(r.test->program) > cases[i].elements) {
            fail_msg("%s: %zu elements", cases[i].fault, count_elements(r.test->program));
        }
        scene_close(&s);
    }
}

static void result_is_a_valid_test_that_fails_alike(void **state)
{
    struct scene s;
    struct failure f, again;
    struct reduction r = reduced_text(&s, &f, "negate.softmax", network);
    assert_int_equal(program_verify(r.test->program), ERR_OK);
    assert_int_equal(r.test->n_inputs, program_n_inputs(r.test->program));
    assert_true(fails(&s, r.test, &again));
    assert_string_equal(again.signature, f.signature);
    assert_string_equal(failure_signature(&r.verdict, &r.outcome, s.arena), f.signature);
    scene_close(&s);
}

static uint64_t test_hash(const struct test *test)
{
    uint64_t hash = program_hash(test->program);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        hash = tensor_hash(&test->inputs[k], hash);
    }
    return hash;
}

static void same_failure_gives_the_same_result(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "off_by_one.softmax");
    assert_true(fails(&s, parse(network, s.arena), &f));
    struct reduction a = reduced(&s, &f), b = reduced(&s, &f);
    assert_true(test_hash(a.test) == test_hash(b.test));
    assert_int_equal(a.runs, b.runs);
    scene_close(&s);
}

static void shrunk_shapes_go_through_reshape_and_concat(void **state)
{
    struct scene s;
    struct failure f;
    /* Nothing can go: the constant, its two different elements and so the dim matter. */
    struct reduction r = reduced_text(&s, &f, "stale_constant.mul",
                                      "x: f32[6,4] = input\n"
                                      "y: f32[6,4] = input\n"
                                      "c: f32[12,4] = concat(x, y, axis=0)\n"
                                      "q: f32[3,16] = reshape(c, shape=[3,16])\n"
                                      "w: f32[3,1] = const [1, 2, 3]\n"
                                      "m: f32[3,16] = mul(q, w)\n"
                                      "output m\n");
    assert_string_equal(op_chain(r.test->program, s.arena), "mul(f32)");
    const struct program *p = r.test->program;
    unsigned consts = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        consts += p->values[id].kind == VALUE_CONST;
    }
    assert_int_equal(consts, 1);
    assert_true(count_elements(p) <= 5);
    scene_close(&s);
}

/* What is computed of constants alone is a constant to the library that folds it. */
static void folded_values_become_constants(void **state)
{
    struct scene s;
    struct failure f;
    struct reduction r = reduced_text(&s, &f, "stale_constant.mul",
                                      "x: f32[4,3] = input\n"
                                      "w: f32[3] = const [1, 2, 3]\n"
                                      "n: f32[3] = neg(w)\n"
                                      "e: f32[3] = exp(n)\n"
                                      "m: f32[4,3] = mul(x, e)\n"
                                      "output m\n");
    assert_true(r.complete);
    assert_string_equal(op_chain(r.test->program, s.arena), "mul(f32)");
    scene_close(&s);
}

/* The one element of a row that differs may be the last, far from the one that fails most. */
static void the_other_end_may_matter(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "flip_weight.einsum");
    struct test *test = parse("a: f32[] = input\n"
                              "b: f32[22] = input\n"
                              "y: f32[22] = einsum(a, b, equation=\",i->i\")\n"
                              "output y\n",
                              s.arena);
    ((float *)test->inputs[0].data)[0] = 1;
    for (int i = 0; i < 22; i++) {
        ((float *)test->inputs[1].data)[i] = i < 21 ? 1 : 0;
    }
    assert_true(fails(&s, test, &f));
    struct reduction r = reduced(&s, &f);
    assert_true(count_elements(r.test->program) <= 5);
    scene_close(&s);
}

/* Of the many paddings that are wrong together one is enough. */
static void attributes_become_simple_one_by_one(void **state)
{
    struct scene s;
    struct failure f;
    struct reduction r =
        reduced_text(&s, &f, "swap_pads.conv2d",
                     "x: f32[1,1,5,6] = input\n"
                     "w: f32[1,1,2,2] = input\n"
                     "c: f32[1,1,9,9] = conv2d(x, w, dilations=[1,1], group=1, pads=[3,1,2,3], "
                     "strides=[1,1])\n"
                     "output c\n");
    const struct attr *pads = node_attr(&r.test->program->nodes[0], "pads");
    assert_int_equal(pads->i[0] + pads->i[1] + pads->i[2] + pads->i[3], 1);
    scene_close(&s);
}

/* A real attribute that has no part in the fault is what libraries have as its default. */
static void real_attributes_become_usual(void **state)
{
    struct scene s;
    struct failure f;
    struct reduction r = reduced_text(&s, &f, "negate.elu",
                                      "x: f32[3] = input\n"
                                      "y: f32[3] = elu(x, alpha=0.734375)\n"
                                      "output y\n");
    assert_true(node_real(&r.test->program->nodes[0], "alpha", 0) == 1);
    scene_close(&s);
}

static void the_element_that_fails_stays(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "lose_nan.relu");
    struct test *test = parse("x: f32[9,31] = input\n"
                              "n: f32[9,31] = neg(x)\n"
                              "r: f32[9,31] = relu(n)\n"
                              "t: f32[31,9] = transpose(r, perm=[1,0])\n"
                              "output t\n",
                              s.arena);
    ((float *)test->inputs[0].data)[5 * 31 + 17] = __builtin_nanf("");
    assert_true(fails(&s, test, &f));
    struct reduction r = reduced(&s, &f);
    assert_string_equal(op_chain(r.test->program, s.arena), "relu(f32)");
    assert_int_equal(count_elements(r.test->program), 2);
    float kept = ((const float *)r.test->inputs[0].data)[0];
    assert_true(kept != kept);
    scene_close(&s);
}

static void a_comparison_does_not_hide_what_it_compares(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "lose_nan.relu");
    struct test *test = parse("x: f32[2,3] = input\n"
                              "y: f32[2,3] = input\n"
                              "r: f32[2,3] = relu(x)\n"
                              "l: bool[2,3] = less(y, r)\n"
                              "c: i32[2,3] = cast(l, to=i32)\n"
                              "output c\n",
                              s.arena);
    for (int i = 0; i < 6; i++) {
        ((float *)test->inputs[0].data)[i] = i == 4 ? __builtin_nanf("") : -2;
        ((float *)test->inputs[1].data)[i] = -1;
    }
    assert_true(fails(&s, test, &f)); /* less(-1, NaN) is false, less(-1, 0) is not */
    struct reduction r = reduced(&s, &f);
    assert_string_equal(op_chain(r.test->program, s.arena), "relu(f32)");
    scene_close(&s);
}

static void attributes_become_simple(void **state)
{
    struct scene s;
    struct failure f;
    struct reduction r = reduced_text(&s, &f, "negate.conv2d",
                                      "x: f32[2,4,9,7] = input\n"
                                      "w: f32[6,2,3,2] = input\n"
                                      "y: f32[6] = input\n"
                                      "c: f32[2,6,5,7] = conv2d(x, w, y, dilations=[2,1], group=2, "
                                      "pads=[2,1,2,0], strides=[2,1])\n"
                                      "output c\n");
    const struct node *node = &r.test->program->nodes[0];
    static const struct {
        const char *name;
        int64_t value;
    } simple[] = {{"strides", 1}, {"dilations", 1}, {"pads", 0}, {"group", 1}};
    for (size_t i = 0; i < ARRAY_SIZE(simple); i++) {
        const struct attr *a = node_attr(node, simple[i].name);
        assert_non_null(a);
        for (unsigned k = 0; k < a->n; k++) {
            if (a->i[k] != simple[i].value) {
                fail_msg("%s[%u] is %lld", simple[i].name, k, (long long)a->i[k]);
            }
        }
    }
    assert_true(count_elements(r.test->program) <= 4);
    scene_close(&s);
}

/* ---- faults of how results reach an op ---- */

static bool comes_from(const struct program *p, uint32_t id, const struct op *op)
{
    if (id == VALUE_ABSENT || p->values[id].kind != VALUE_NODE) {
        return false;
    }
    const struct node *node = &p->nodes[p->values[id].node];
    bool does = op == NULL || node->op == op;
    for (uint32_t k = 0; k < node->n_in && !does; k++) {
        does = comes_from(p, node->in[k], op);
    }
    return does;
}

/* Softmax is wrong behind the op that the options name, however far; of any result without one. */
static enum err wrong_behind(const struct target *t, const struct test *test, struct arena *arena,
                             struct outcome *o)
{
    const struct program *p = test->program;
    struct fault fault;
    bool is_hit = false;
    assert_true(fault_parse("off_by_one.softmax", &fault));
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        bool is_softmax = p->nodes[i].op == fault.op;
        is_hit = is_hit || (is_softmax && comes_from(p, p->nodes[i].in[0], op_find(t->options)));
    }
    *o = (struct outcome){.kind = OUTCOME_OK, .message = "", .log = "", .n_outputs = p->n_outputs};
    o->outputs = ARENA_ARRAY(arena, struct tensor, p->n_outputs);
    fault_evaluate(test, is_hit ? &fault : NULL, 1, arena, o->outputs);
    return ERR_OK;
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return true;
}

static void what_is_around_stays_connected(void **state)
{
    static const char *const no_defaults[] = {NULL};
    static const struct target_kind kind = {
        .name = "behind", .defaults = no_defaults, .can_spell = can_spell, .run = wrong_behind};
    static const struct {
        const char *behind, *chain;
    } cases[] = {
        {"add", "add(f32) -> softmax(f32)"}, /* relu and transpose are in between */
        {"matmul", "matmul(f32) -> softmax(f32)"},
        {"", "neg(f32) -> softmax(f32)"}, /* any op will do */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct target target = {.kind = &kind, .text = "behind", .options = cases[i].behind};
        struct scene s = {.arena = arena_new(), .target = &target};
        struct failure f;
        assert_int_equal(jury_open(&s.target, 1, &(struct jury_options){0}, &s.jury), ERR_OK);
        assert_true(fails(&s, parse(network, s.arena), &f));
        struct reduction r = reduced(&s, &f);
        assert_true(r.complete);
        assert_string_equal(op_chain(r.test->program, s.arena), cases[i].chain);
        scene_close(&s);
    }
}

/* ---- bounds ---- */

/* A library that answers with what it was first asked fails only behind a run of other shapes: the
 * reduced test keeps one, of the same nodes. */
static void other_shapes_stay_where_they_are_needed(void **state)
{
    struct scene s = {.arena = arena_new()};
    assert_int_equal(target_parse("selftest:stale", NULL, s.arena, &s.target), ERR_OK);
    assert_int_equal(jury_open(&s.target, 1, &(struct jury_options){0}, &s.jury), ERR_OK);
    struct test *test = parse("x: f32[5,3] = input\noutput x\n", s.arena);
    test->before = parse("x: f32[2,3] = input\noutput x\n", s.arena);
    struct failure f;
    assert_true(fails(&s, test, &f));
    struct reduction r = reduced(&s, &f);
    assert_true(r.reproduced && r.complete);
    assert_non_null(r.test->before);
    assert_int_equal(r.test->before->inputs[0].shape.dim[0], 2);
    assert_true(count_elements(r.test->program) < 15);
    scene_close(&s);

    /* Where they are not needed they go. */
    scene_open(&s, "negate.relu");
    test = parse("x: f32[4] = input\ny: f32[4] = relu(x)\noutput y\n", s.arena);
    test->before = parse("x: f32[3] = input\ny: f32[3] = relu(x)\noutput y\n", s.arena);
    assert_true(fails(&s, test, &f));
    r = reduced(&s, &f);
    assert_true(r.reproduced);
    assert_null(r.test->before);
    scene_close(&s);
}

static void limits_are_kept(void **state)
{
    struct scene s;
    struct failure f, again;
    scene_open(&s, "off_by_one.softmax");
    assert_true(fails(&s, parse(network, s.arena), &f));
    for (unsigned runs = 0; runs < 8; runs++) {
        struct reduction r = {.cpu_limit = 60, .max_runs = runs};
        assert_int_equal(reduce(s.jury, &f, &r, s.arena), ERR_OK);
        assert_true(r.runs <= runs);
        assert_false(r.complete);
        assert_true(fails(&s, r.test, &again));
    }
    struct reduction none = {.cpu_limit = 0, .max_runs = 1000};
    assert_int_equal(reduce(s.jury, &f, &none, s.arena), ERR_OK);
    assert_int_equal(none.runs, 0);
    assert_true(test_hash(none.test) == test_hash(f.test));
    scene_close(&s);
}

/* The next sitting after r, of at most `runs` runs. */
static struct reduction next_sitting(struct scene *s, const struct failure *f,
                                     const struct reduction *r, unsigned runs)
{
    struct failure now = *f;
    struct reduction next = {
        .cpu_limit = 60,
        .max_runs = runs,
        .tried_of = r->tried_of,
        .tried = r->tried,
        .n_tried = r->n_tried,
    };
    now.test = r->test;
    assert_int_equal(reduce(s->jury, &now, &next, s->arena), ERR_OK);
    return next;
}

/* In sittings of two runs, one of which only shows that the failure is still there, it ends where
 * one sitting ends, and no test is run again. */
static void sittings_go_on_where_the_last_ended(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "off_by_one.softmax");
    assert_true(fails(&s, parse(network, s.arena), &f));
    struct reduction whole = reduced(&s, &f), r = {.test = f.test};
    unsigned sittings = 0;
    for (; !r.complete && sittings < 3 * whole.runs; sittings++) {
        r = next_sitting(&s, &f, &r, 2);
        assert_true(r.runs <= 2);
    }
    assert_true(r.complete);
    assert_string_equal(op_chain(r.test->program, s.arena), op_chain(whole.test->program, s.arena));
    assert_int_equal(count_elements(r.test->program), count_elements(whole.test->program));
    assert_true(sittings <= whole.runs + whole.runs / 2);

    /* What was tried of another test says nothing of this one. */
    struct reduction other = r;
    other.test = f.test;
    other = next_sitting(&s, &f, &other, 1000);
    assert_true(other.complete);
    assert_int_equal(other.runs, whole.runs);
    scene_close(&s);
}

static void stop_when_smaller(const struct test *best, unsigned runs)
{
    assert_true(runs > 0 && best->n_inputs == program_n_inputs(best->program));
    stop_requested = 1;
}

/* Stopped by the user it gives the best so far. */
static void what_was_reached_stays(void **state)
{
    struct scene s;
    struct failure f, again;
    scene_open(&s, "negate.relu");
    assert_true(fails(&s, parse(network, s.arena), &f));
    struct reduction r = {.cpu_limit = 60, .max_runs = 1000, .smaller = stop_when_smaller};
    enum err err = reduce(s.jury, &f, &r, s.arena);
    stop_requested = 0;
    assert_true(err == ERR_OK || err == ERR_STOPPED);
    assert_true(r.reproduced && !r.complete);
    assert_true(count_elements(r.test->program) < count_elements(f.test->program));
    assert_true(fails(&s, r.test, &again));
    r = next_sitting(&s, &f, &r, 1000);
    assert_true(r.complete);
    assert_string_equal(op_chain(r.test->program, s.arena), "relu(f32)");
    scene_close(&s);
}

/* The optimiser's fault is there without dynamic shapes too, but not at another level. */
static void options_that_do_not_matter_go(void **state)
{
    static const struct {
        const char *target, *fewest;
        unsigned sittings; /* of two runs, where there are several */
    } cases[] = {
        {"onnxruntime:opt=all,dynamic", "onnxruntime:opt=all", 1},
        {"onnxruntime:opt=all", "onnxruntime:opt=all", 1},
        {"onnxruntime:opt=all,threads=4,dynamic", "onnxruntime:opt=all", 200},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s = {.arena = arena_new()};
        unsigned most = cases[i].sittings > 1 ? 2 : 1000, sittings = 0;
        assert_int_equal(target_parse(cases[i].target, NULL, s.arena, &s.target), ERR_OK);
        assert_int_equal(jury_open(&s.target, 1, &(struct jury_options){0}, &s.jury), ERR_OK);
        struct test *test = parse("x: f64[3] = input\n"
                                  "r: f64[3] = relu(x)\n"
                                  "c: f64[3] = clip(r, min=0.5, max=6.0)\n"
                                  "output c\n",
                                  s.arena);
        struct failure f;
        assert_true(fails(&s, test, &f));
        struct reduction r = {.test = f.test};
        for (; !r.complete && sittings < cases[i].sittings; sittings++) {
            r = next_sitting(&s, &f, &r, most);
        }
        assert_true(r.complete);
        assert_string_equal(r.target, cases[i].fewest);
        assert_string_equal(op_chain(r.test->program, s.arena), "relu(f64) -> clip(f64)");
        scene_close(&s);
    }
}

static void what_does_not_fail_comes_back_as_it_was(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "none");
    assert_false(fails(&s, parse(network, s.arena), &f));
    f.signature = "value";
    struct reduction r = reduced(&s, &f);
    assert_false(r.complete);
    assert_int_equal(r.runs, 1);
    assert_true(test_hash(r.test) == test_hash(f.test));
    scene_close(&s);
}

static void recheck_counts_what_repeats(void **state)
{
    struct scene s;
    struct failure f;
    scene_open(&s, "negate.relu");
    assert_true(fails(&s, parse(network, s.arena), &f));
    assert_int_equal(recheck(s.jury, &f, 3, s.arena), ERR_OK);
    assert_int_equal(f.runs, 3);
    assert_int_equal(f.repeats, 3);
    f.signature = "crash signal 11";
    assert_int_equal(recheck(s.jury, &f, 2, s.arena), ERR_OK);
    assert_int_equal(f.runs, 5);
    assert_int_equal(f.repeats, 3);
    scene_close(&s);
}

/* ---- planted faults ---- */

enum { FAULT_STEP = 6 }; /* every sixth fault, for the time */

struct tally {
    unsigned found, minimal;
    unsigned runs[1024];
    size_t elements;
    double cpu;
};

/* The first generated test that shows the fault and that a correct implementation passes. */
static bool first_failure(struct scene *s, struct scene *correct, const struct policy *policy,
                          struct failure *f)
{
    enum { TESTS = 24 }; /* few faults need more, and they cost most of the time */
    for (uint64_t index = 0; index < TESTS; index++) {
        struct failure other;
        struct test *test = arena_zalloc(s->arena, sizeof(*test));
        struct arena_mark mark = arena_mark(s->arena);
        struct arena_mark other_mark = arena_mark(correct->arena);
        generate_test(policy, 7, index, MATERIALIZE_ALL, s->arena, test);
        if (fails(s, test, f) && !fails(correct, test, &other)) {
            return true;
        }
        arena_rewind(s->arena, mark);
        arena_rewind(correct->arena, other_mark);
    }
    return false;
}

static void tally_fault(const struct fault *fault, struct scene *correct,
                        const struct policy *policy, struct tally *tally)
{
    struct arena *names = arena_new();
    const char *name = fault_name(fault, names);
    struct scene s;
    struct failure f;
    scene_open(&s, name);
    if (first_failure(&s, correct, policy, &f)) {
        struct reduction r = reduced(&s, &f);
        const struct program *p = r.test->program;
        bool minimal = p->n_nodes == 1 && p->nodes[0].op == fault->op;
        CHECK(tally->found < ARRAY_SIZE(tally->runs));
        tally->runs[tally->found++] = r.runs;
        tally->minimal += minimal;
        tally->elements += count_elements(p);
        tally->cpu += r.cpu;
        if (!minimal) {
            printf("# %s: %s\n", name, op_chain(p, s.arena));
        }
    }
    scene_close(&s);
    arena_free(names);
}

static int compare_runs(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

static void planted_faults_shrink_to_their_op(void **state)
{
    struct arena *arena = arena_new();
    struct policy *policy;
    struct fault *faults;
    struct scene correct;
    struct tally *tally = arena_zalloc(arena, sizeof(*tally));
    assert_int_equal(policy_load("default", arena, &policy), ERR_OK);
    policy->numel_max = 512; /* the time goes into evaluating what does not fail */
    size_t n = faults_all(arena, &faults);
    scene_open(&correct, "none");
    n = (n + FAULT_STEP - 1) / FAULT_STEP;
    for (size_t i = 0; i < n; i++) {
        const struct fault *fault = &faults[i * FAULT_STEP];
        struct policy more = *policy;
        more.op_weight[op_index(fault->op)] *= 10;
        tally_fault(fault, &correct, &more, tally);
    }
    scene_close(&correct);
    assert_true(tally->found >= n / 2);
    qsort(tally->runs, tally->found, sizeof(*tally->runs), compare_runs);
    unsigned median = tally->runs[tally->found / 2];
    printf("# %u of %zu planted faults reduced: %u to the op alone (%.1f %%), median %u runs "
           "(at most %u), %.1f elements and %.1f ms CPU on average\n",
           tally->found, n, tally->minimal, 100.0 * tally->minimal / tally->found, median,
           tally->runs[tally->found - 1], (double)tally->elements / tally->found,
           1000 * tally->cpu / tally->found);
    /* What the issue asks for: 95 %, median under 200 runs. */
    assert_true(100 * tally->minimal >= 95 * tally->found);
    assert_true(median < 200);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_faulty_op_stays),
        cmocka_unit_test(result_is_a_valid_test_that_fails_alike),
        cmocka_unit_test(same_failure_gives_the_same_result),
        cmocka_unit_test(shrunk_shapes_go_through_reshape_and_concat),
        cmocka_unit_test(folded_values_become_constants),
        cmocka_unit_test(the_other_end_may_matter),
        cmocka_unit_test(the_element_that_fails_stays),
        cmocka_unit_test(a_comparison_does_not_hide_what_it_compares),
        cmocka_unit_test(attributes_become_simple),
        cmocka_unit_test(attributes_become_simple_one_by_one),
        cmocka_unit_test(real_attributes_become_usual),
        cmocka_unit_test(what_is_around_stays_connected),
        cmocka_unit_test(ranks_fit_together),
        cmocka_unit_test(inputs_lie_as_usual),
        cmocka_unit_test(other_shapes_stay_where_they_are_needed),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(sittings_go_on_where_the_last_ended),
        cmocka_unit_test(what_was_reached_stays),
        cmocka_unit_test(options_that_do_not_matter_go),
        cmocka_unit_test(what_does_not_fail_comes_back_as_it_was),
        cmocka_unit_test(recheck_counts_what_repeats),
        cmocka_unit_test(planted_faults_shrink_to_their_op),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
