/* SPDX-License-Identifier: Apache-2.0 */
/* target: programs on the libraries themselves. A library that is not installed is passed over. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/target.h"

struct fixture {
    struct arena *arena;
    struct jury *jury;
    struct target *targets[4];
    size_t n;
};

/* false: not installed. */
static bool open_jury(struct fixture *f, size_t n, const char *const *texts)
{
    *f = (struct fixture){.arena = arena_new(), .n = n};
    for (size_t i = 0; i < n; i++) {
        must(target_parse(texts[i], NULL, f->arena, &f->targets[i]));
    }
    enum err e = jury_open(f->targets, n, NULL, &f->jury);
    if (e == ERR_MISSING) {
        print_message("passed over: %s\n", err_text());
        arena_free(f->arena);
        return false;
    }
    must(e);
    return true;
}

static void close_jury(struct fixture *f)
{
    jury_close(f->jury);
    arena_free(f->arena);
}

/* Inputs hold small numbers that every dtype has. */
static struct test *make_test(struct arena *arena, const char *text, enum placement placement)
{
    struct test *test = ARENA_ZARRAY(arena, struct test, 1);
    struct program *p;

    must(program_parse("test", text, strlen(text), arena, &p));
    must(ops_check(p));
    test->program = p;
    test->placement = placement;
    test->policy = "given";
    test->n_inputs = program_n_inputs(p);
    test->inputs = ARENA_ARRAY(arena, struct tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        const struct value *v = &p->values[program_input(p, k)];
        struct tensor *t = &test->inputs[k];
        *t = tensor_new(arena, v->dtype, &v->shape);
        for (size_t i = 0; i < shape_numel(&t->shape); i++) {
            dtype_store(t->dtype, t->data, i, (real)((i + k) % 7));
        }
    }
    return test;
}

static struct outcome run(struct fixture *f, size_t target, const struct test *test)
{
    struct outcome o;

    must(jury_run(f->jury, target, test, f->arena, &o));
    return o;
}

/* The outputs are what our evaluator gives, bit for bit. */
static void assert_exact(struct fixture *f, size_t target, const struct test *test)
{
    struct outcome o = run(f, target, test);
    const struct program *p = test->program;
    struct array *values = ARENA_ZARRAY(f->arena, struct array, p->n_values);

    if (o.kind != OUTCOME_OK) {
        fail_msg("%s: %s", f->targets[target]->text, o.message);
    }
    assert_false(o.input_changed || o.out_of_bounds);
    assert_null(o.state_changed);
    assert_string_equal(o.log, "");
    program_evaluate(p, test->inputs, values, f->arena);
    assert_int_equal(o.n_outputs, p->n_outputs);
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        struct tensor expected = tensor_from_array(f->arena, &values[p->outputs[i]]);
        if (!tensor_equal(&o.outputs[i], &expected)) {
            fail_msg("%s: output %u differs", f->targets[target]->text, i);
        }
    }
}

static const char *const all_targets[] = {"torch", "onnxruntime:opt=all", "onnxruntime:opt=none"};
enum { ALL_TARGETS = 3 };

static void each_library(void (*check)(struct fixture *f, size_t target))
{
    for (size_t i = 0; i < ALL_TARGETS; i++) {
        struct fixture f;
        if (open_jury(&f, 1, &all_targets[i])) {
            check(&f, 0);
            close_jury(&f);
        }
    }
}

/* Elements of every dtype go in and come out unchanged, wherever they lie. */
static void check_dtypes(struct fixture *f, size_t target)
{
    static const enum placement placements[] = {PLACE_ALIGNED, PLACE_END, PLACE_START};

    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        const char *text = arena_printf(f->arena,
                                        "x: %s[2,3] = input\n"
                                        "y: %s[3,2] = transpose(x, perm=[1,0])\n"
                                        "output y\n",
                                        dtype_name(d), dtype_name(d));
        for (size_t i = 0; i < ARRAY_SIZE(placements); i++) {
            struct test *test = make_test(f->arena, text, placements[i]);
            if (target_supports(f->targets[target], test->program)) {
                assert_exact(f, target, test);
            } else {
                print_message("%s has no transpose of %s\n", f->targets[target]->text,
                              dtype_name(d));
            }
        }
    }
}

static void test_dtypes(void **state)
{
    each_library(check_dtypes);
}

static void check_shapes(struct fixture *f, size_t target)
{
    static const char several[] = "x: f32[2,2] = input\n"
                                  "z: f32[2,2] = input\n"
                                  "y: f32[2,2] = add(x, z)\n"
                                  "b: bool[2,2] = less(x, z)\n"
                                  "h: bf16[2,2] = cast(y, to=bf16)\n"
                                  "output y\noutput b\noutput h\n";
    static const char *const texts[] = {
        "x: f32[] = input\ny: f32[] = neg(x)\noutput y\n",
        "x: f32[0] = input\ny: f32[0] = neg(x)\noutput y\n",
        "x: f32[3,0,2] = input\ny: f32[3,0,2] = relu(x)\noutput y\n",
        "x: i64[1,2,1,2,1,2] = input\ny: i64[1,2,1,2,1,2] = neg(x)\noutput y\n",
        several,
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_exact(f, target, make_test(f->arena, texts[i], PLACE_END));
    }
}

static void test_shapes(void **state)
{
    each_library(check_shapes);
}

static void check_constants(struct fixture *f, size_t target)
{
    static const char *const dtypes[] = {"f32", "f16", "i32", "i64", "f64"};

    for (size_t i = 0; i < ARRAY_SIZE(dtypes); i++) {
        const char *d = dtypes[i];
        const char *last = *d == 'f' ? "4.0" : "4";
        const char *text = arena_printf(f->arena,
                                        "x: %s[2,2] = input\n"
                                        "w: %s[2,2] = const [1, 2, 3, %s]\n"
                                        "v: %s[2,2] = const [5, 6, 7, 8]\n"
                                        "a: %s[2,2] = add(x, v)\n"
                                        "y: %s[2,2] = mul(a, w)\n"
                                        "output y\n",
                                        d, d, last, d, d, d);
        assert_exact(f, target, make_test(f->arena, text, PLACE_START));
    }
}

static void test_constants(void **state)
{
    each_library(check_constants);
}

/* A known fault of ONNX Runtime 1.31.1, at load time and at one of two levels only. */
static void test_load_error(void **state)
{
    struct fixture f;
    static const char *const texts[] = {"onnxruntime:opt=all", "onnxruntime:opt=none"};
    struct outcome o[2];

    if (!open_jury(&f, 2, texts)) {
        return;
    }
    struct test *test = make_test(f.arena,
                                  "x: f64[3] = input\n"
                                  "r: f64[3] = relu(x)\n"
                                  "y: f64[3] = clip(r, min=0.0, max=3.0)\n"
                                  "output y\n",
                                  PLACE_ALIGNED);
    must(jury_post(f.jury, test));
    must(jury_take(f.jury, f.arena, o));
    assert_int_equal(o[1].kind, OUTCOME_OK);
    if (strcmp(f.targets[0]->version, "1.31.1") == 0) {
        assert_int_equal(o[0].kind, OUTCOME_ERROR);
        assert_string_equal(o[0].phase, "load");
        assert_string_equal(o[0].error_class, "Fail");
        assert_non_null(strstr(o[0].message, "relu_clip_fusion"));
        assert_false(error_is_unsupported(f.targets[0], &o[0]));
    }
    close_jury(&f);
}

static void test_run_error(void **state)
{
    static const char *const texts[] = {"torch"};
    struct fixture f;

    if (!open_jury(&f, 1, texts)) {
        return;
    }
    /* Index 6 of 2 rows: valid as a program, refused by the values. */
    struct test *test = make_test(f.arena,
                                  "x: f32[2,3] = input\n"
                                  "i: i64[7] = input\n"
                                  "y: f32[7,3] = gather(x, i, axis=0)\n"
                                  "output y\n",
                                  PLACE_END);
    struct outcome o = run(&f, 0, test);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.phase, "run");
    assert_string_equal(o.error_class, "IndexError");
    assert_false(error_is_unsupported(f.targets[0], &o));
    close_jury(&f);
}

/* ---- support ---- */

/* A folder of our own for the cache, removed at the end. */
static char *enter_cache(struct arena *arena)
{
    char *dir = arena_strdup(arena, "/tmp/opjury-test-XXXXXX");

    assert_non_null(mkdtemp(dir));
    setenv("OPJURY_CACHE", dir, 1);
    return dir;
}

static void leave_cache(const char *dir, const char *old, struct arena *arena)
{
    assert_int_equal(system(arena_printf(arena, "rm -r '%s'", dir)), 0);
    if (old) {
        setenv("OPJURY_CACHE", old, 1);
    } else {
        unsetenv("OPJURY_CACHE");
    }
}

static char *cache_text(const char *dir, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    FILE *f = popen(arena_printf(arena, "cat '%s'/support-*", dir), "r");
    char part[4096];
    size_t n;

    assert_non_null(f);
    while (f && (n = fread(part, 1, sizeof part, f)) > 0) {
        buffer_append(&text, part, n);
    }
    if (f) {
        pclose(f);
    }
    char *copy = arena_strdup(arena, text.data ? text.data : "");
    buffer_release(&text);
    return copy;
}

static void probe_once(const char *library, const char *dir, struct arena *arena, char **text)
{
    struct fixture f;

    *text = NULL;
    if (open_jury(&f, 1, &library)) {
        close_jury(&f);
        *text = cache_text(dir, arena);
    }
}

static void check_cache(const char *library)
{
    struct arena *arena = arena_new();
    const char *set = getenv("OPJURY_CACHE");
    const char *old = set ? arena_strdup(arena, set) : NULL;
    char *dir = enter_cache(arena), *first, *again, *damaged;

    probe_once(library, dir, arena, &first);
    if (first) {
        assert_non_null(strstr(first, "add f32: f32\n"));
        assert_null(strstr(first, "exp i32"));
        /* Read back; then damaged ones are made anew, the same. */
        probe_once(library, dir, arena, &again);
        assert_string_equal(first, again);
        assert_int_equal(system(arena_printf(arena, "truncate -s -8 '%s'/support-*", dir)), 0);
        probe_once(library, dir, arena, &damaged);
        assert_string_equal(first, damaged);
        assert_int_equal(
            system(arena_printf(arena, "sed -i 's/add f32/add x32/' '%s'/support-*", dir)), 0);
        probe_once(library, dir, arena, &damaged);
        assert_string_equal(first, damaged);
    }
    leave_cache(dir, old, arena);
    arena_free(arena);
}

static void test_support_cache(void **state)
{
    check_cache("torch");
    check_cache("onnxruntime");
}

static void test_unsupported(void **state)
{
    struct fixture f;
    static const char *const texts[] = {"onnxruntime:opt=basic"};
    struct outcome o;

    if (!open_jury(&f, 1, texts)) {
        return;
    }
    /* Allowed by ONNX since opset 7, without a kernel in ONNX Runtime. */
    struct test *test =
        make_test(f.arena, "x: f64[2] = input\ny: f64[2] = tan(x)\noutput y\n", PLACE_ALIGNED);
    assert_false(target_supports(f.targets[0], test->program));
    must(jury_post(f.jury, test));
    must(jury_take(f.jury, f.arena, &o));
    assert_int_equal(o.kind, OUTCOME_UNSUPPORTED);
    assert_true(strlen(o.message) > 0);
    /* Run all the same, the library says so itself. */
    o = run(&f, 0, test);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.phase, "load");
    assert_true(error_is_unsupported(f.targets[0], &o));
    assert_true(f.targets[0]->onnx.opset >= 21 && f.targets[0]->onnx.ir >= 10);
    close_jury(&f);
}

/* ---- torch with lines added to its adapter ---- */

static void with_torch(const char *lines, void (*check)(struct fixture *f, size_t target))
{
    struct arena *arena = arena_new();
    const char *given = getenv("OPJURY_WORKER_DIR"), *built;
    char *dir = arena_strdup(arena, "/tmp/opjury-test-XXXXXX"), *exe;
    struct fixture f;
    static const char *const texts[] = {"torch"};

    must(exe_dir(arena, &exe));
    built = given ? arena_strdup(arena, given) : arena_printf(arena, "%s/../../python", exe);
    assert_non_null(mkdtemp(dir));
    char *adapter = arena_printf(arena, "%s/opjury/torch.py", dir);
    assert_int_equal(system(arena_printf(arena, "cp -r '%s/opjury' '%s'", built, dir)), 0);
    struct buffer source = BUFFER_INIT;
    must(file_read(adapter, 0, &source));
    buffer_puts(&source, lines);
    must(file_write(adapter, source.data, source.size));
    buffer_release(&source);
    setenv("OPJURY_WORKER_DIR", dir, 1);
    if (open_jury(&f, 1, texts)) {
        check(&f, 0);
        close_jury(&f);
    }
    if (given) {
        setenv("OPJURY_WORKER_DIR", built, 1);
    } else {
        unsetenv("OPJURY_WORKER_DIR");
    }
    assert_int_equal(system(arena_printf(arena, "rm -r '%s'", dir)), 0);
    arena_free(arena);
}

static void check_exchange(struct fixture *f, size_t target)
{
    check_dtypes(f, target);
    check_shapes(f, target);
}

/* Without the C exchange table, as torch before 2.10 is: DLPack capsules. */
static void test_dlpack_fallback(void **state)
{
    with_torch("exchange = None\n", check_exchange);
}

static void assert_changed(struct fixture *f, const char *name)
{
    struct test *test =
        make_test(f->arena, "x: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n", PLACE_END);

    for (int i = 0; i < 3; i++) { /* each time anew: it was put back in between */
        struct outcome o = run(f, 0, test);
        assert_int_equal(o.kind, OUTCOME_OK);
        assert_non_null(o.state_changed);
        assert_string_equal(o.state_changed, name);
    }
}

static void check_random(struct fixture *f, size_t target)
{
    assert_changed(f, "random generator");
}

static void check_dtype_left(struct fixture *f, size_t target)
{
    assert_changed(f, "default dtype");
}

static void check_grad(struct fixture *f, size_t target)
{
    assert_changed(f, "grad mode");
}

/* A call that leaves torch's own state changed is seen, and the state put back. */
static void test_state(void **state)
{
#define MEDDLE(call)                                                                               \
    "look_up = resolve\n"                                                                          \
    "def resolve(path):\n"                                                                         \
    "    found = look_up(path)\n"                                                                  \
    "    return lambda *a, **k: (" call ", found(*a, **k))[1]\n"
    with_torch(MEDDLE("torch.rand(1)"), check_random);
    with_torch(MEDDLE("torch.set_default_dtype(torch.float64)"), check_dtype_left);
    with_torch(MEDDLE("torch.set_grad_enabled(False)"), check_grad);
#undef MEDDLE
}

static void test_installed(void **state)
{
    struct arena *arena = arena_new();
    struct target **targets;
    size_t n;

    must(targets_installed(NULL, arena, &targets, &n));
    for (size_t i = 0; i < n; i++) {
        assert_string_not_equal(targets[i]->kind->name, "selftest");
        assert_string_not_equal(targets[i]->kind->name, "faulty");
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),      cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_constants),   cmocka_unit_test(test_load_error),
        cmocka_unit_test(test_run_error),   cmocka_unit_test(test_support_cache),
        cmocka_unit_test(test_unsupported), cmocka_unit_test(test_dlpack_fallback),
        cmocka_unit_test(test_state),       cmocka_unit_test(test_installed),
    };

    return cmocka_run_group_tests_name("target_libraries", tests, NULL, NULL);
}
