/* SPDX-License-Identifier: Apache-2.0 */
/* target: targets from text, what comes back from workers, limits. */
#include "selftest.h"

#include "target/faulty.h"

#include <sys/stat.h>

#include "generate/generate.h"
#include "target/target_internal.h"

/* ---- text ---- */

static void test_parse(void **state)
{
    struct arena *arena = arena_new();
    struct target *t = parse(arena, "selftest:echo");

    assert_string_equal(t->text, "selftest:echo");
    assert_string_equal(t->options, "echo");
    assert_non_null(t->python);
    t = parse(arena, "onnxruntime");
    assert_string_equal(t->text, "onnxruntime:opt=all");
    t = parse(arena, "onnxruntime:opt=none,opt=basic");
    assert_string_equal(t->options, "opt=basic");
    t = parse(arena, "torch:eager");
    assert_string_equal(t->text, "torch");
    arena_free(arena);
}

static void test_parse_path(void **state)
{
    struct arena *arena = arena_new();
    struct target *plain = parse(arena, "selftest:echo");
    /* The path goes to the end, whatever it holds. */
    char *odd = arena_strdup(arena, "/tmp/opjury-test-XXXXXX");
    assert_non_null(mkdtemp(odd));
    char *link = arena_printf(arena, "%s/py:a=b,c@d", odd);
    assert_int_equal(symlink(plain->python, link), 0);

    struct target *t = parse(arena, arena_printf(arena, "selftest:echo@%s", link));
    assert_string_equal(t->python, link);
    assert_string_equal(t->options, "echo");
    unlink(link);
    rmdir(odd);
    arena_free(arena);
}

/* Options in one order, the last of a name holds, and a variation keeps the others. */
static void test_options(void **state)
{
    static const struct {
        const char *text, *more, *options;
    } cases[] = {
        {"onnxruntime", "", "opt=all"},
        {"onnxruntime:dynamic,opt=none", "", "opt=none,dynamic"},
        {"onnxruntime:opt=none,opt=basic,threads=4", "", "opt=basic,threads=4"},
        {"onnxruntime:threads=4,threads=1", "", "opt=all"},
        {"onnxruntime:disable=A_1+B,threads=2", "opt=extended",
         "opt=extended,threads=2,disable=A_1+B"},
        {"onnxruntime:disable=A,dynamic", "disable=C,trace", "opt=all,disable=C,trace,dynamic"},
        {"onnxruntime:saved=ort,memory=no_arena,opt=none", "execution=parallel",
         "opt=none,execution=parallel,memory=no_arena,saved=ort"},
        {"onnxruntime:saved=ort,prepacking=off", "saved=usual", "opt=all,prepacking=off"},
        {"onnxsim:level=fold", "level=none", "level=none"},
        {"onnxslim:level=none", "level=all", ""},
        {"torch", "threads=4", "threads=4"},
        {"openvino", "", ""},
        {"openvino:dynamic,threads=2,hint=bf16", "mode=throughput",
         "hint=bf16,mode=throughput,threads=2,dynamic"},
        {"openvino:hint=bf16,snippets=off,mode=cumulative", "hint=f32,mode=latency,snippets=on",
         ""},
        {"tvm", "", "opt=3"},
        {"tvm:dynamic,opt=1", "opt=0", "opt=0,dynamic"},
        {"torch:threads=4,eager", "threads=1", ""},
        {"tensorflow:eager", "", ""},
        {"tensorflow:function", "disable=remapping+constant_folding",
         "disable=remapping+constant_folding"},
        {"tensorflow:function,mode=eager", "mode=function,disable=meta_optimizer",
         "disable=meta_optimizer"},
        {"tensorflow:xla,mode=xla", "", ""},
        {"tensorflow:xla,disable=remapping", "mode=function", "mode=function,disable=remapping"},
        {"torch:compile", "", ""},
        {"torch:compile,backend=inductor,fullgraph", "", ""},
        {"torch:compile,threads=2,dynamic,casts=strict", "", "casts=strict,threads=2,dynamic"},
        {"torch:compile,mode=reduce-overhead,casts=strict", "backend=aot_eager",
         "backend=aot_eager"},
        {"torch:device=cuda,threads=2", "", "threads=2,device=cuda"},
        {"torch:device=cuda", "device=cpu", ""},
        {"torch:compile,dynamic,device=cuda", "backend=eager", "backend=eager,device=cuda,dynamic"},
        {"torch:jit", "opt=freeze", "opt=freeze"},
        {"torch:jit,dynamic,script,opt=none,trace", "opt=default", "dynamic"},
        {"torch:jit,opt=inference,script,threads=2", "", "opt=inference,script,threads=2"},
        {"torch:onnx", "", ""},
        {"torch:onnx,opt=all,exporter=torchscript,plain", "runtime=reference,opt=none",
         "exporter=torchscript,plain,runtime=reference"},
        {"torch:export,strict,decompositions=core,dynamic", "",
         "decompositions=core,strict,dynamic"},
        {"torch:export,decompositions=functional", "decompositions=none", ""},
        {"torch:compile,dynamic,skip=lowerings", "skip=lowerings:12", "skip=lowerings:12,dynamic"},
        {"torch:compile,skip=post_grad_passes:0", "backend=inductor", "skip=post_grad_passes:0"},
        {"torch:compile,skip=lowerings", "backend=aot_eager_decomp_partition,skip=cse",
         "backend=aot_eager_decomp_partition,skip=cse"},
        {"torch:compile,skip=lowerings", "backend=eager", "backend=eager"},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *at = arena_printf(arena, "%s@/bin/sh", cases[i].text);
        struct target *t = parse(arena, at), *varied = t;
        if (*cases[i].more) {
            const char *before = t->text;
            must(target_vary(t, cases[i].more, arena, &varied));
            assert_string_equal(t->text, before);
        }
        assert_string_equal(varied->options, cases[i].options);
        assert_non_null(strstr(varied->text, "@/bin/sh"));
        assert_string_equal(varied->python, "/bin/sh");
    }
    struct target *wrong = NULL;
    assert_int_equal(target_vary(parse(arena, "torch@/bin/sh"), "opt=all", arena, &wrong),
                     ERR_USAGE);
    arena_free(arena);
}

/* What `any` draws: by the test and the text alone; given options stay; each value comes up. */
static void test_draws(void **state)
{
    struct arena *arena = arena_new();
    struct target *t = parse(arena, "onnxruntime:threads=1,any@/bin/sh");
    struct target *other = parse(arena, "onnxruntime:any,threads=1@/bin/env");
    unsigned levels = 0, n_all = 0;

    assert_string_equal(t->text, "onnxruntime:threads=1,any@/bin/sh");
    assert_string_equal(other->text, "onnxruntime:threads=1,any@/bin/env");
    for (uint64_t i = 0; i < 400; i++) {
        const struct test test = {.seed = 3, .index = i};
        const struct target *drawn = target_drawn(t, &test, arena);
        assert_string_equal(drawn->options, target_drawn(t, &test, arena)->options);
        assert_string_equal(drawn->options, target_drawn(other, &test, arena)->options);
        assert_string_equal(parse(arena, drawn->text)->text, drawn->text);
        assert_null(drawn->given);
        assert_null(strstr(drawn->options, "threads"));
        const char *level = target_option(drawn, "opt", arena);
        n_all += strcmp(level, "all") == 0;
        levels |= 1U << (level[0] % 32);
    }
    assert_int_equal(__builtin_popcount(levels), 4);
    assert_in_range(n_all, 210, 290); /* 5 of 8 */
    const struct test test = {.seed = 4, .index = 0};
    t = parse(arena, "onnxruntime:opt=basic@/bin/sh");
    assert_ptr_equal(target_drawn(t, &test, arena), t);
    assert_ptr_equal(*targets_drawn(&t, 1, &test, arena), t);
    arena_free(arena);
}

/* What scripts can set a target can choose. */
static void test_session_choices(void **state)
{
    struct arena *arena = arena_new();

    for (const struct session_choice *c = session_choices; c->option; c++) {
        struct target *t = parse(arena, arena_printf(arena, "onnxruntime:%s@/bin/sh", c->option));
        assert_string_equal(t->options, arena_printf(arena, "opt=all,%s", c->option));
    }
    arena_free(arena);
}

static void test_parse_wrong(void **state)
{
    static const struct {
        const char *text;
        enum err error;
        const char *says;
    } cases[] = {
        {"", ERR_USAGE, "no target is called ''"},
        {"paddle", ERR_USAGE, "there are onnxruntime, torch"},
        {"tensorflow:function,mode=xla", ERR_USAGE, "mode=function|eager"},
        {"tensorflow:xla,disable=remapping+Gelu", ERR_USAGE, "meta_optimizer (all of them)"},
        {"tensorflow:threads=2", ERR_USAGE, "tensorflow takes eager"},
        {"onnxruntime:opt=max", ERR_USAGE, "opt=all|extended|basic|none"},
        {"onnxruntime:opt", ERR_USAGE, "opt=all|extended|basic|none"},
        {"onnxruntime:", ERR_USAGE, "an option is empty"},
        {"onnxruntime:opt=all,", ERR_USAGE, "an option is empty"},
        {"onnxruntime:disable", ERR_USAGE, "disable=A+B"},
        {"onnxruntime:disable=", ERR_USAGE, "takes names of optimizers, not ''"},
        {"onnxruntime:disable=A+", ERR_USAGE, "takes names of optimizers, not ''"},
        {"onnxruntime:disable=A+b c", ERR_USAGE, "takes names of optimizers, not 'b c'"},
        {"onnxruntime:trace=yes", ERR_USAGE, "not 'trace=yes'"},
        {"onnxsim:level=some", ERR_USAGE, "onnxsim takes level=all|fold|none"},
        {"onnxslim:fold", ERR_USAGE, "not 'fold'"},
        {"onnxruntime:memory=none", ERR_USAGE, "not 'memory=none'"},
        {"onnxruntime:saved", ERR_USAGE, "not 'saved'"},
        {"onnxruntime:threads", ERR_USAGE, "threads=N takes 1 to 64, not ''"},
        {"onnxruntime:threads=0", ERR_USAGE, "threads=N takes 1 to 64, not '0'"},
        {"torch:threads=65", ERR_USAGE, "threads=N takes 1 to 64, not '65'"},
        {"torch:threads=4x", ERR_USAGE, "not '4x'"},
        {"torch:script", ERR_USAGE, "torch takes eager"},
        {"torch:device", ERR_USAGE, "torch takes device=cuda, not 'device='"},
        {"torch:compile,device=cuda:1", ERR_USAGE, "not 'device=cuda:1'"},
        {"torch:jit,opt=all", ERR_USAGE, "opt=none|default|freeze|inference, not 'all'"},
        {"torch:jit,frozen", ERR_USAGE, "torch:jit takes trace, script"},
        {"torch:jit,script=yes", ERR_USAGE, "not 'script=yes'"},
        {"torch:export,decompositions", ERR_USAGE, "not 'decompositions'"},
        {"torch:export,decompositions=all", ERR_USAGE, "none|functional|core, not 'all'"},
        {"torch:onnx,exporter=old", ERR_USAGE, "exporter=dynamo|torchscript"},
        {"torch:onnx,runtime", ERR_USAGE, "not 'runtime'"},
        {"torch:export,trace", ERR_USAGE, "torch:export takes strict"},
        {"openvino:hint=f64", ERR_USAGE, "hint=f32|bf16|f16"},
        {"openvino:hint", ERR_USAGE, "not 'hint'"},
        {"openvino:dynamic=1", ERR_USAGE, "not 'dynamic=1'"},
        {"openvino:snippets=none", ERR_USAGE, "snippets=on|off"},
        {"tvm:opt=4", ERR_USAGE, "tvm takes opt=0|1|2|3 and dynamic, not 'opt=4'"},
        {"tvm:threads=2", ERR_USAGE, "not 'threads=2'"},
        {"torch:compile,backend=tvm", ERR_USAGE, "backend=eager|aot_eager"},
        {"torch:compile,mode=fast", ERR_USAGE, "mode=default|reduce-overhead"},
        {"torch:compile,backend=eager,casts=strict", ERR_USAGE, "casts= is of backend=inductor"},
        {"torch:compile,dynamic=yes", ERR_USAGE, "not 'dynamic=yes'"},
        {"torch:compile,skip", ERR_USAGE, "skip=NAME leaves out"},
        {"torch:compile,skip=lowering", ERR_USAGE, "not 'lowering'"},
        {"torch:compile,skip=lowerings:", ERR_USAGE, "not 'lowerings:'"},
        {"torch:compile,skip=lowerings:3x", ERR_USAGE, "not 'lowerings:3x'"},
        {"torch:compile,skip=layout_optimization:3", ERR_USAGE, "not 'layout_optimization:3'"},
        {"torch:compile,skip=fused casts", ERR_USAGE, "not 'fused casts'"},
        {"torch:compile,backend=aot_eager,skip=lowerings", ERR_USAGE, "not 'lowerings'"},
        {"torch:compile,", ERR_USAGE, "an option is empty"},
        {"torch:compiled", ERR_USAGE, "torch takes eager"},
        {"torch@", ERR_USAGE, "behind @ is empty"},
        {"torch@/no/such/place", ERR_MISSING, "neither a Python interpreter nor a folder"},
        {"faulty:none@/usr/bin/python3", ERR_USAGE, "no @PATH"},
        {"torch:any", ERR_USAGE, "torch has no options that a test could draw"},
        {"onnxruntime:any,any", ERR_USAGE, "not 'any'"},
        {"onnxruntime:any=3", ERR_USAGE, "not 'any=3'"},
        {"onnxruntime:any,", ERR_USAGE, "an option is empty"},
        {"faulty:negate.relu,frob", ERR_USAGE, "no fault \"frob\""},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct target *t;
        enum err e = target_parse(cases[i].text, NULL, arena, &t);
        assert_int_equal(e, cases[i].error);
        if (!strstr(err_text(), cases[i].says)) {
            fail_msg("'%s' gave: %s", cases[i].text, err_text());
        }
    }
    arena_free(arena);
}

static void write_script(const char *path, const char *text)
{
    must(file_write(path, text, strlen(text)));
    assert_int_equal(chmod(path, 0700), 0);
}

/* Interpreters that cannot serve: one line each, and no process left. */
static void test_bad_interpreters(void **state)
{
    static const struct {
        const char *script, *says;
    } cases[] = {
        {"#!/bin/sh\necho 'first line' >&2\necho 'it broke' >&2\nexit 1\n", "it broke"},
        {"#!/bin/sh\nkill -11 $$\n", "died of signal 11"},
        {"#!/no/such/interpreter\n", "No such file"},
        {"#!/bin/sh\nexit 4\n", "-m pip install "},
        {"#!/bin/sh\nexit 0\n", "cannot run a worker for selftest: it ended with status 0"},
        /* -c CODE ...: the real one, pretending. */
        {"#!/bin/sh\nshift; code=$1; shift\n"
         "exec '%s' -c \"import sys; sys.version_info = (3, 9, 2, 'final', 0); $code\" \"$@\"\n",
         "is version 3.9: opjury needs CPython 3.11 or newer"},
        {"#!/bin/sh\nshift; code=$1; shift\n"
         "exec '%s' -c \"import sysconfig; sysconfig.get_config_var = lambda n: 1; $code\" "
         "\"$@\"\n",
         "free-threaded build"},
    };
    struct arena *arena = arena_new();
    char *dir = arena_strdup(arena, "/tmp/opjury-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    char *path = arena_printf(arena, "%s/python", dir);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct jury *jury;
        const char *hole = strstr(cases[i].script, "%s");
        const char *script = cases[i].script;
        if (hole) {
            const char *python = parse(arena, "selftest:echo")->python;
            script =
                arena_printf(arena, "%.*s%s%s", (int)(hole - script), script, python, hole + 2);
        }
        write_script(path, script);
        struct target *t = parse(arena, arena_printf(arena, "selftest:echo@%s", path));
        assert_int_equal(jury_open(&t, 1, NULL, &jury), ERR_MISSING);
        if (!strstr(err_text(), cases[i].says)) {
            fail_msg("case %zu gave: %s", i, err_text());
        }
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
    unlink(path);
    rmdir(dir);
    arena_free(arena);
}

/* --python before $OPJURY_PYTHON before $VIRTUAL_ENV, which may be stale. */
static void test_interpreter_order(void **state)
{
    struct arena *arena = arena_new();
    struct target *t, *usual = parse(arena, "selftest:echo");
    const char *old = getenv("OPJURY_PYTHON"), *venv = getenv("VIRTUAL_ENV");

    old = old ? arena_strdup(arena, old) : NULL;
    venv = venv ? arena_strdup(arena, venv) : NULL;
    setenv("OPJURY_PYTHON", "/no/such/env", 1);
    assert_int_equal(target_parse("torch", NULL, arena, &t), ERR_MISSING);
    assert_non_null(strstr(err_text(), "$OPJURY_PYTHON: '/no/such/env'"));
    must(target_parse("torch", usual->python, arena, &t));
    assert_string_equal(t->python, usual->python);
    assert_int_equal(target_parse("torch", "/no/such/option", arena, &t), ERR_MISSING);
    assert_non_null(strstr(err_text(), "--python"));
    must(target_parse(arena_printf(arena, "torch@%s", usual->python), "/no", arena, &t));
    unsetenv("OPJURY_PYTHON");
    setenv("VIRTUAL_ENV", "/no/such/venv", 1);
    must(target_parse("torch", NULL, arena, &t));
    must(target_parse("torch", "python3", arena, &t)); /* a name without a slash: from $PATH */
    assert_int_equal(t->python[0], '/');
    if (old) {
        setenv("OPJURY_PYTHON", old, 1);
    }
    if (venv) {
        setenv("VIRTUAL_ENV", venv, 1);
    } else {
        unsetenv("VIRTUAL_ENV");
    }
    arena_free(arena);
}

/* ---- answers ---- */

static void test_echo(void **state)
{
    static const enum placement placements[] = {PLACE_ALIGNED, PLACE_END, PLACE_START};
    struct fixture f = open_jury(1, (const char *const[]){"selftest:echo"}, NULL);

    for (size_t i = 0; i < 3; i++) {
        struct test *test = echo_test(f.arena, i, placements[i]);
        struct outcome o;
        must(jury_run(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
        assert_string_equal(o.log, "");
        assert_false(o.input_changed || o.out_of_bounds || o.state_changed);
        assert_true(o.cpu > 0);
    }
    close_jury(&f);
}

/* A target of dynamic shapes runs the other shape first, in what it loaded once. */
static void test_dynamic(void **state)
{
    struct fixture f = open_jury(1, (const char *const[]){"selftest:stale"}, NULL);
    struct test *test = echo_test(f.arena, 1, PLACE_END);
    struct outcome o;

    must(jury_post(f.jury, test));
    must(jury_take(f.jury, f.arena, &o));
    assert_int_equal(o.kind, OUTCOME_NOT_EXERCISED); /* one shape is not what it is there for */
    test->before = echo_test(f.arena, 2, PLACE_END);
    must(jury_run(f.jury, 0, test, f.arena, &o));
    assert_echo(test->before, &o);
    close_jury(&f);
}

/* The window full all the time, workers replaced every 50 tests. */
static void test_many(void **state)
{
    enum { TESTS = 2000 };
    struct jury_options options = {.tests_per_worker = 50};
    struct fixture f =
        open_jury(2, (const char *const[]){"selftest:echo", "selftest:raise"}, &options);
    struct arena *window[WINDOW];
    struct test *tests[WINDOW];
    struct arena *arena = arena_new();

    for (size_t i = 0; i < WINDOW; i++) {
        window[i] = arena_new();
    }
    for (uint64_t i = 0; i < TESTS + WINDOW; i++) {
        size_t slot = i % WINDOW;
        if (i >= WINDOW) {
            struct outcome o[2];
            arena_reset(arena);
            must(jury_take(f.jury, arena, o));
            assert_echo(tests[slot], &o[0]);
            assert_int_equal(o[1].kind, OUTCOME_ERROR);
            assert_string_equal(o[1].error_class, "ZeroDivisionError");
        }
        if (i < TESTS) {
            arena_reset(window[slot]);
            tests[slot] = echo_test(window[slot], i, PLACE_ALIGNED);
            must(jury_post(f.jury, tests[slot]));
        }
    }
    assert_int_equal(jury_usage(f.jury).restarts, 0); /* retired ones are no failures */
    for (size_t i = 0; i < WINDOW; i++) {
        arena_free(window[i]);
    }
    arena_free(arena);
    close_jury(&f);
}

static void test_errors(void **state)
{
    struct fixture f;
    struct outcome o = provoke(&f, "raise", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.phase, "run");
    assert_non_null(strstr(o.message, "by zero"));
    close_jury(&f);

    o = provoke(&f, "raise-load", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.phase, "load");
    assert_string_equal(o.message, "cannot load");
    close_jury(&f);

    o = provoke(&f, "rank", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_non_null(strstr(o.message, "rank 8"));
    close_jury(&f);

    /* A lone surrogate and a control character: readers get clean UTF-8. */
    o = provoke(&f, "text", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.message, "bad \\udcff? text");
    close_jury(&f);

    o = provoke(&f, "print", NULL, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_OK);
    assert_non_null(strstr(o.log, "to stdout"));
    assert_non_null(strstr(o.log, "to stderr"));
    close_jury(&f);
}

/* ---- limits ---- */

static void test_hangs(void **state)
{
    struct jury_options options = {.cpu_deadline = 0.3, .wall_cap = 120};
    struct fixture f;
    struct outcome o = provoke(&f, "spin", &options, PLACE_ALIGNED);

    assert_int_equal(o.kind, OUTCOME_HANG);
    assert_string_equal(o.message, "no answer after 0.3 s of CPU time");
    close_jury(&f);
    /* Wall time runs for the innocent target too while it waits for a core. */
    options = (struct jury_options){.cpu_deadline = 20, .wall_cap = 3};
    o = provoke(&f, "sleep", &options, PLACE_ALIGNED);
    assert_int_equal(o.kind, OUTCOME_HANG);
    assert_string_equal(o.phase, "run");
    assert_string_equal(o.message, "no answer after 3 s");
    close_jury(&f);
}

static void test_memory(void **state)
{
    struct jury_options options = {.memory_limit = 256 << 20};
    struct fixture f;
    struct outcome o = provoke(&f, "allocate", &options, PLACE_ALIGNED);

    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.error_class, "MemoryError");
    close_jury(&f);
}

/* 100 MB stay behind each time: a new worker comes before an innocent run pays for it. */
static void test_leak(void **state)
{
    struct jury_options options = {.memory_limit = 256 << 20};
    struct fixture f = open_jury(1, (const char *const[]){"selftest:leak"}, &options);

    for (uint64_t i = 0; i < 10; i++) {
        struct test *test = echo_test(f.arena, i, PLACE_ALIGNED);
        struct outcome o;
        must(jury_run(f.jury, 0, test, f.arena, &o));
        assert_echo(test, &o);
    }
    assert_int_equal(jury_usage(f.jury).restarts, 0);
    close_jury(&f);
}

/* ---- what a dead process said ---- */

static void test_assertions_are_read(void **state)
{
    static const struct {
        const char *log, *assertion;
    } cases[] = {
        {"", NULL},
        {"a warning: all is well\n", NULL},
        {"F0000 00:00:17.123 4711 shape.cc:12] Check failed: n > 0 (0 vs. 1)\n",
         "Check failed: n > 0 (0 vs. 1)"},
        {"first\npython: ../x.c:7: f: Assertion `x == 1' failed.\nlast\n",
         "../x.c:7: f: Assertion `x == 1' failed."},
        {"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  no room\n",
         "no room"},
        {"terminate called after throwing an instance of 'int'\n",
         "terminate called after throwing an instance of 'int'"},
        {"x INTERNAL ASSERT FAILED at \"../c10/core/Tensor.h\":12, please report a bug",
         "x INTERNAL ASSERT FAILED at \"../c10/core/Tensor.h\":12, please report a bug"},
        {"double free or corruption (out)\n", "double free or corruption (out)"},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct outcome o = {.kind = OUTCOME_CRASH, .log = cases[i].log};
        last_words_read(arena, &o);
        if (cases[i].assertion) {
            assert_non_null(o.assertion);
            assert_string_equal(o.assertion, cases[i].assertion);
        } else {
            assert_null(o.assertion);
        }
        assert_string_equal(o.log, cases[i].log);
    }
    arena_free(arena);
}

/* Of the library, without what hangs on the machine; what is ours is passed over. */
static void test_python_code_is_read(void **state)
{
    static const char head[] =
        "said\nFatal Python error: Aborted\n\nCurrent thread 0x00007f1 (most "
        "recent call first):\n";
    static const char ours[] = "  File \"/opt/opjury/python/opjury/zygote.py\", line 7 in main\n"
                               "  File \"<string>\", line 1 in <module>\n";
    static const struct {
        const char *line, *python;
    } cases[] = {
        {"", NULL},
        {"  File \"/opt/opjury/v/lib/python3.11/site-packages/torch/f.py\", line 3 in g\n",
         "torch/f.py:3 in g"},
        {"  File \"/usr/lib/python3.12/ctypes/__init__.py\", line 9 in f\n",
         "ctypes/__init__.py:9 in f"},
        {"  File \"/tmp/x/ckernel.py\", line 2 in call\n", "ckernel.py:2 in call"},
        {"  File \"<program 3>\", line 2 in program\n", "<program 3>:2 in program"},
        {"  File \"cut", NULL},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct outcome o = {.kind = OUTCOME_CRASH};
        o.log = arena_printf(arena, "%s%s%s", head, cases[i].line, ours);
        last_words_read(arena, &o);
        if (cases[i].python) {
            assert_non_null(o.python);
            assert_string_equal(o.python, cases[i].python);
        } else {
            assert_null(o.python);
        }
        assert_string_equal(o.log, "said\n");
    }
    arena_free(arena);
}

/* ---- what a run leaves behind ---- */

static void test_fences(void **state)
{
    static const struct {
        const char *action;
        enum placement placement;
        bool crash, changed, out_of_bounds;
    } cases[] = {
        {"write-input", PLACE_ALIGNED, false, true, false},
        {"write-input", PLACE_END, false, true, false},
        {"write-behind", PLACE_ALIGNED, false, false, true},
        {"write-behind", PLACE_START, false, false, true},
        {"write-behind", PLACE_END, true, false, false},
        {"read-behind", PLACE_END, true, false, false},
        {"write-before", PLACE_ALIGNED, false, false, true},
        {"write-before", PLACE_END, false, false, true},
        {"write-before", PLACE_START, true, false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture f;
        struct outcome o = provoke(&f, cases[i].action, NULL, cases[i].placement);
        assert_int_equal(o.kind, cases[i].crash ? OUTCOME_CRASH : OUTCOME_OK);
        assert_int_equal(o.input_changed, cases[i].changed);
        assert_int_equal(o.out_of_bounds, cases[i].out_of_bounds);
        close_jury(&f);
    }
}

static void test_state(void **state)
{
    struct fixture f;
    struct outcome o = provoke(&f, "round", NULL, PLACE_ALIGNED);

    assert_string_equal(o.state_changed, "MXCSR");
    close_jury(&f);
    o = provoke(&f, "setting", NULL, PLACE_ALIGNED);
    assert_string_equal(o.state_changed, "setting");
    close_jury(&f);

    /* It is put back: the next test of the same worker starts clean. */
    f = open_jury(2, (const char *const[]){"selftest:round", "selftest:echo"}, NULL);
    for (int i = 0; i < 2; i++) {
        struct test *test = echo_test(f.arena, 1, PLACE_ALIGNED);
        struct outcome both[2];
        must(jury_post(f.jury, test));
        must(jury_take(f.jury, f.arena, both));
        assert_string_equal(both[0].state_changed, "MXCSR");
        assert_null(both[1].state_changed);
    }
    close_jury(&f);
}

/* ---- devices ---- */

/* What has no device is passed over, beside what has one and what needs none; a run says why. */
static void test_devices(void **state)
{
    struct fixture f = open_jury(
        3,
        (const char *const[]){"selftest:device=absent", "selftest:device=present", "selftest:echo"},
        &(struct jury_options){.is_told = true});
    struct outcome o[3];
    struct test *test = echo_test(f.arena, 7, PLACE_END);

    assert_string_equal(f.targets[0]->device, "device=absent");
    assert_string_equal(f.targets[0]->no_device, "no device: nothing is plugged in");
    assert_string_equal(f.targets[1]->device, "device=present");
    assert_null(f.targets[1]->no_device);
    assert_null(f.targets[2]->device);
    must(jury_post(f.jury, test));
    must(jury_take(f.jury, f.arena, o));
    assert_int_equal(o[0].kind, OUTCOME_NOT_EXERCISED);
    assert_string_equal(o[0].message, "no device: nothing is plugged in");
    assert_echo(test, &o[1]);
    assert_echo(test, &o[2]);
    /* Without the word it is a target like any other. */
    const struct target *less = target_without(f.targets[0], 0, f.arena);
    assert_non_null(less);
    assert_null(less->device);
    close_jury(&f);
}

/* It is an error where nothing else is to be run. */
static void test_no_device_at_all(void **state)
{
    struct arena *arena = arena_new();
    struct target *t = parse(arena, "selftest:device=absent");
    struct jury *jury;

    assert_int_equal(jury_open(&t, 1, NULL, &jury), ERR_MISSING);
    assert_string_equal(err_text(), "selftest:device=absent: no device: nothing is plugged in");
    arena_free(arena);
}

/* ---- support tables ---- */

static struct support table_of(struct arena *arena, const char *op, enum dtype in, dtype_set out)
{
    struct support s = {.pairs = arena_zalloc(arena, op_count * sizeof *s.pairs)};
    s.pairs[op_index(op_find(op))][in] = out;
    return s;
}

static void test_support_combines(void **state)
{
    struct arena *arena = arena_new();
    const size_t cast = op_index(op_find("cast"));
    struct support a = table_of(arena, "cast", DTYPE_F32, DT(F16) | DT(I8));
    struct support b = table_of(arena, "cast", DTYPE_F32, DT(I8) | DT(BOOL)), all, any;
    struct target first = {.support = &a}, second = {.support = &b}, ours = {.support = NULL};
    struct target absent = {.no_device = "no device"};

    support_combine((struct target *const[]){&first, &second, &ours}, 3, arena, &all, &any);
    assert_int_equal(all.pairs[cast][DTYPE_F32], DT(I8));
    assert_int_equal(any.pairs[cast][DTYPE_F32], DT_ALL); /* without a table it takes everything */
    assert_int_equal(all.pairs[cast][DTYPE_I8], 0);
    support_combine((struct target *const[]){&first, &absent, &second}, 3, arena, &all, &any);
    assert_int_equal(any.pairs[cast][DTYPE_F32], DT(F16) | DT(I8) | DT(BOOL));
    arena_free(arena);
}

/* A table comes back from its file; one that is cut, damaged or of another library does not. */
static void test_support_is_kept(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } damage[] = {
        {"library selftest 1.0", "library selftest 9.9", "not the table of selftest 1.0"},
        {"onnx 21 10", "onnx 21", "the ONNX version is missing"},
        {"cast f32:", "coast f32:", "malformed line of 'coast'"},
        {"cast f32:", "cast f33:", "malformed line of 'cast'"},
        {" f16\n", " f17\n", "no dtype 'f17'"},
        {"end\n", "", "the end is missing"},
    };
    struct arena *arena = arena_new();
    const char *dir = temporary_dir(), *path = arena_printf(arena, "%s/table", dir);
    struct target *t = parse(arena, "selftest:echo");
    struct support table = table_of(arena, "cast", DTYPE_F32, DT(F16) | DT(I8));
    struct support back = table_of(arena, "cast", DTYPE_F32, 0);
    struct buffer text = BUFFER_INIT;

    t->version = "1.0";
    t->onnx = (struct onnx_version){.opset = 21, .ir = 10};
    must(support_save(path, t, &table));
    t->onnx = (struct onnx_version){0};
    must(support_load(path, t, &back));
    assert_memory_equal(back.pairs, table.pairs, op_count * sizeof *table.pairs);
    assert_int_equal(t->onnx.opset, 21);
    assert_int_equal(t->onnx.ir, 10);
    must(file_read(path, 0, &text));
    for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
        const char *at = strstr(text.data, damage[i].from);
        assert_non_null(at);
        const char *changed = arena_printf(arena, "%.*s%s%s", (int)(at - text.data), text.data,
                                           damage[i].to, at + strlen(damage[i].from));
        must(file_write(path, changed, strlen(changed)));
        assert_int_equal(support_load(path, t, &back), ERR_INPUT);
        assert_non_null(strstr(err_text(), damage[i].says));
    }
    buffer_release(&text);
    remove_dir(dir);
    arena_free(arena);
}

static void test_faults_have_names(void **state)
{
    struct arena *arena = arena_new();
    struct fault *faults, parsed;
    size_t n = faults_all(arena, &faults);
    assert_true(n >= 60);
    for (size_t i = 0; i < n; i++) {
        assert_true(fault_parse(fault_name(&faults[i], arena), &parsed));
        assert_ptr_equal(parsed.mutation, faults[i].mutation);
        assert_ptr_equal(parsed.op, faults[i].op);
        assert_ptr_equal(parsed.attr, faults[i].attr);
    }
    assert_true(fault_parse("real_one.gemm.alpha", &parsed));
    assert_null(parsed.fused);
    assert_true(fault_parse("real_one.gemm.alpha+relu6", &parsed));
    assert_string_equal(fault_name(&parsed, arena), "real_one.gemm.alpha+relu6");
    assert_true(fault_parse("negate.relu+add", &parsed));
    assert_ptr_equal(parsed.fused, op_find("add"));
    assert_false(fault_parse("negate.relu+", &parsed));
    assert_false(fault_parse("negate.relu+frob", &parsed));
    assert_false(fault_parse("negate+add", &parsed));
    assert_false(fault_parse("real_one.gemm+add", &parsed));
    assert_false(fault_parse("real_one.gemm", &parsed));
    assert_false(fault_parse("negate.gemm.alpha", &parsed));
    assert_false(fault_parse("negate.nothing", &parsed));
    assert_false(fault_parse("nothing", &parsed));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_parse),
        TEST(test_parse_path),
        TEST(test_options),
        TEST(test_draws),
        TEST(test_session_choices),
        TEST(test_parse_wrong),
        TEST(test_bad_interpreters),
        TEST(test_interpreter_order),
        TEST(test_echo),
        TEST(test_dynamic),
        TEST(test_many),
        TEST(test_errors),
        TEST(test_hangs),
        TEST(test_memory),
        TEST(test_leak),
        TEST(test_assertions_are_read),
        TEST(test_python_code_is_read),
        TEST(test_fences),
        TEST(test_state),
        TEST(test_devices),
        TEST(test_no_device_at_all),
        TEST(test_support_combines),
        TEST(test_support_is_kept),
        TEST(test_faults_have_names),
    };

    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
