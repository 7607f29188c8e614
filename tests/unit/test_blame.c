/* SPDX-License-Identifier: Apache-2.0 */
/* blame: what makes a failure go away, on a library of ours whose faults are planted; and what no
 * variation changes must blame nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "selftest.h"
#include "target/kinds.h"
#include "triage/blame_internal.h"

/* ---- a library with a planted fault ---- */

/* What the library does wrong, and what it says of itself. */
static struct fault {
    const char *from_level; /* the lowest at which it is wrong; NULL: none of them is to blame */
    const char *any;        /* right without any one of these, "A+B"; NULL: no such */
    const char *all;        /* right without all of these */
    const char *threads;    /* wrong only with these options of threads; NULL: with any */
    enum dtype dtype;       /* wrong only for these floats; NONE: for all */
    unsigned every;         /* wrong in each so manieth run; 0: in all */
    bool is_other_below;    /* another failure where it is not wrong by its level */
    const char *log;        /* of a traced run */
    const char *part;       /* right without this part of the compiler; NULL: no such */
    unsigned application;   /* of it is wrong, and each later one is of no matter; 0: not counted */
} fault;
static unsigned n_runs;

static const char *const levels[] = {"none", "basic", "all", NULL};
static const char *const order[] = {"opt", "threads", "disable", "trace", "skip", NULL};
static const struct subsystem parts[] = {
    {"early", "early", "opt=basic", "skip=early"},
    {"passes", "pass", "opt=basic", "skip=passes", true},
    {"late", "lowering", "opt=all", "skip=late", true},
    {NULL},
};
enum { APPLICATIONS = 11 }; /* of each part that is counted */

static enum err fake_option(struct target *t, const char *key, const char *value,
                            struct arena *arena)
{
    const char *said = value != NULL ? arena_printf(arena, "%s=%s", key, value) : key;
    t->options = options_with(t->options, order, key, said, arena);
    return ERR_OK;
}

static bool fake_can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                           size_t n_in, const enum dtype *out, size_t n_out)
{
    return in[0] != DTYPE_BF16;
}

static size_t level_of(const char *text)
{
    size_t i = 0;
    while (levels[i] != NULL && strncmp(text, levels[i], strlen(levels[i])) != 0) {
        i++;
    }
    return i;
}

/* How many of the names in "A+B" are disabled by the options. */
static size_t n_disabled(const char *options, const char *names, size_t *n)
{
    const char *list = strstr(options, "disable=");
    size_t found = 0;
    *n = 0;
    for (const char *at = names; *at != '\0'; (*n)++) {
        size_t size = strcspn(at, "+");
        for (const char *d = list; d != NULL && *d != '\0' && *d != ',';) {
            d += d == list ? strlen("disable=") : 1;
            size_t length = strcspn(d, "+,");
            found += length == size && memcmp(d, at, size) == 0;
            d += length;
        }
        at += size + (at[size] == '+');
    }
    return found;
}

/* Is the part of the fault left out, or its application? */
static bool is_skipped(const char *options)
{
    const char *skip = strstr(options, "skip=");
    size_t n = skip != NULL ? strcspn(skip + 5, ":,") : 0;
    if (skip == NULL || strlen(fault.part) != n || memcmp(skip + 5, fault.part, n) != 0) {
        return false;
    }
    return skip[5 + n] != ':' || strtoul(skip + 6 + n, NULL, 10) < fault.application;
}

/* "applied passes 1 pass-1" and so on, as many as are not left out. */
static const char *applied_log(const char *options, struct arena *arena)
{
    const char *skip = strstr(options, "skip="), *colon = skip != NULL ? strchr(skip, ':') : NULL;
    unsigned long most = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;
    const char *log = "";
    for (unsigned i = 1; i <= APPLICATIONS && i <= most; i++) {
        log = arena_printf(arena, "%sapplied %.*s %u pass-%u\n", log, (int)(colon - skip - 5),
                           skip + 5, i, i);
    }
    return log;
}

static bool is_wrong(const struct target *t, const struct test *test)
{
    size_t n;
    n_runs++;
    bool is_it = fault.every == 0 || n_runs % fault.every == 0;
    if (fault.part != NULL) {
        is_it = is_it && !is_skipped(t->options);
    }
    if (fault.any != NULL) {
        is_it = is_it && n_disabled(t->options, fault.any, &n) == 0;
    }
    if (fault.all != NULL) {
        is_it = is_it && n_disabled(t->options, fault.all, &n) < n;
    }
    if (fault.threads != NULL) {
        bool has = strstr(t->options, "threads=") != NULL;
        is_it = is_it && has == (fault.threads[0] != '\0');
    }
    return is_it && (fault.dtype == DTYPE_NONE || test->inputs[0].dtype == fault.dtype);
}

/* The program is relu of positive numbers: right is what came in. */
static enum err fake_run(const struct target *t, const struct test *test, struct arena *arena,
                         struct outcome *o)
{
    bool by_level = fault.from_level == NULL ||
                    level_of(t->options + strlen("opt=")) >= level_of(fault.from_level);
    *o = (struct outcome){.kind = OUTCOME_OK, .n_outputs = 1, .message = "", .phase = "run"};
    o->log = strstr(t->options, "trace") != NULL && fault.log != NULL
                 ? fault.log
                 : applied_log(t->options, arena);
    o->outputs = arena_copy(arena, test->inputs, sizeof(*test->inputs));
    if (by_level && is_wrong(t, test)) {
        o->outputs[0] = tensor_new(arena, test->inputs[0].dtype, &test->inputs[0].shape);
        dtype_store(o->outputs[0].dtype, o->outputs[0].data, 0, 7);
    } else if (!by_level && fault.is_other_below) {
        *o = (struct outcome){.kind = OUTCOME_ERROR,
                              .message = "cannot",
                              .error_class = "Fail",
                              .phase = "load",
                              .log = ""};
    }
    return ERR_OK;
}

static const char *const fake_defaults[] = {"opt=all", NULL};
static const struct target_kind fake = {
    .name = "fake",
    .options = "",
    .option = fake_option,
    .defaults = fake_defaults,
    .can_spell = fake_can_spell,
    .run = fake_run,
    .level_option = "opt",
    .levels = levels,
    .has_threads = true,
    .has_optimizers = true,
    .subsystems = parts,
};

static int clear(void **state)
{
    *state = arena_new();
    fault = (struct fault){0};
    n_runs = 0;
    return 0;
}

static int end(void **state)
{
    arena_free(*state);
    return 0;
}

/* Asked to stop after so many tries; 0: not. */
static unsigned stop_after;

static void count_try(const struct blame_try *try, void *context)
{
    stop_requested = stop_after == 1;
    stop_after -= stop_after > 0;
}

/* The blame of a wrong value that the fault makes, by a run that goes on with an earlier one. */
static enum err blame_on(enum dtype dtype, const struct blame *earlier, struct arena *arena,
                         struct blame *result)
{
    const char *text = arena_printf(arena, "x: %s[2] = input\ny: %s[2] = relu(x)\noutput y\n",
                                    dtype_name(dtype), dtype_name(dtype));
    struct test *test = ARENA_ZARRAY(arena, struct test, 1);
    struct program *p;
    const struct shape shape = {1, {2}};
    must(program_parse("test", text, strlen(text), arena, &p));
    must(ops_check(p));
    test->program = p;
    test->policy = "given";
    test->n_inputs = 1;
    test->inputs = ARENA_ARRAY(arena, struct tensor, 1);
    test->inputs[0] = tensor_new(arena, dtype, &shape);
    dtype_store(dtype, test->inputs[0].data, 0, 1);
    dtype_store(dtype, test->inputs[0].data, 1, 2);
    const struct target target = {.kind = &fake, .text = "fake:opt=all", .options = "opt=all"};
    const struct failure failure = {.test = test,
                                    .verdict = {.kind = VERDICT_FINDING, .oracle = "value"},
                                    .signature = "value"};
    const struct blame_request request = {
        .target = &target, .failure = &failure, .earlier = earlier, .tried = count_try};
    enum err err = blame(&request, arena, result);
    stop_requested = 0;
    return err;
}

static struct blame blame_it(enum dtype dtype, struct arena *arena)
{
    struct blame result;
    must(blame_on(dtype, NULL, arena, &result));
    assert_true(result.complete);
    return result;
}

static const struct blame_try *find_try(const struct blame *b, const char *what)
{
    for (size_t i = 0; i < b->n_tries; i++) {
        if (strcmp(b->tries[i].what, what) == 0) {
            return &b->tries[i];
        }
    }
    return NULL;
}

static void assert_says(const struct blame *b, const char *part)
{
    if (strstr(b->text, part) == NULL) {
        fail_msg("'%s' does not say '%s'", b->text, part);
    }
}

/* ---- stopped and gone on with ---- */

static const char three[] = "Applying graph transformer Early\nApplying graph transformer Middle\n"
                            "Applying graph transformer Late\n"
                            "GraphTransformer Early modified: 1\n"
                            "GraphTransformer Middle modified: 1\n";

static void what_was_tried_before_a_stop_is_not_tried_again(void **state)
{
    fault = (struct fault){.from_level = "basic", .any = "Middle", .log = three};
    struct blame whole = blame_it(DTYPE_F32, *state);
    unsigned runs_whole = n_runs;
    for (unsigned stop = 1; stop < whole.n_tries; stop++) {
        struct blame part, rest;
        stop_after = stop;
        assert_int_equal(blame_on(DTYPE_F32, NULL, *state, &part), ERR_STOPPED);
        assert_false(part.complete);
        assert_true(part.reproduced);
        assert_int_equal(part.n_tries, stop);
        assert_says(&part, "It was stopped before all had been tried.");

        part.tries[0].text = "seen before";
        n_runs = 0;
        must(blame_on(DTYPE_F32, &part, *state, &rest));
        assert_true(rest.complete);
        assert_true(n_runs < runs_whole || stop == 1); /* opt=none is right, which counts no run */
        assert_string_equal(rest.tries[0].text, "seen before");
        assert_int_equal(rest.n_tries, whole.n_tries);
        assert_string_equal(rest.component, whole.component);
        assert_string_equal(rest.text, whole.text);
    }
}

static void another_version_is_tried_anew(void **state)
{
    fault = (struct fault){.from_level = "basic"};
    struct blame part, rest;
    stop_after = 2;
    assert_int_equal(blame_on(DTYPE_F32, NULL, *state, &part), ERR_STOPPED);
    part.version = "1.2.3";
    part.tries[0].text = "seen before";
    must(blame_on(DTYPE_F32, &part, *state, &rest));
    assert_string_not_equal(rest.tries[0].text, "seen before");
}

/* ---- levels and optimizers ---- */

static void the_one_optimizer_is_named(void **state)
{
    fault = (struct fault){.from_level = "basic", .any = "Middle", .log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_true(b.reproduced);
    assert_string_equal(b.component, "optimizer Middle");
    assert_says(&b, "It shows at opt=basic and all and not at opt=none.");
    assert_says(&b, "At opt=basic 3 optimizers ran, and 2 of them changed the program.");
    assert_says(&b, "Without Middle the program is right.");
    assert_int_equal(find_try(&b, "opt=none")->verdict, VERDICT_PASS);
    assert_int_equal(find_try(&b, "opt=basic")->verdict, VERDICT_FINDING);
    assert_int_equal(find_try(&b, "Middle")->verdict, VERDICT_PASS);
    assert_string_equal(find_try(&b, "Middle")->target, "fake:opt=basic,disable=Middle");
    assert_int_equal(find_try(&b, "Early")->verdict, VERDICT_FINDING);
    assert_null(find_try(&b, "Late")); /* it changed nothing */
}

static void any_of_two_and_both_are_named(void **state)
{
    fault = (struct fault){.from_level = "all", .any = "Early+Middle", .log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "optimizer Middle or Early");
    assert_says(&b, "It shows at opt=all and not at opt=none or basic.");
    assert_says(&b, "Without any one of Middle or Early the program is right.");
}

/* It changes the program and says that it did not. */
static void one_that_says_nothing_is_named_too(void **state)
{
    fault = (struct fault){.from_level = "all", .any = "Early+Late", .log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "optimizer Early or Late");
    assert_int_equal(find_try(&b, "Late")->verdict, VERDICT_PASS);
    fault.any = "Late";
    b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "optimizer Late");
}

static void several_together_are_the_smallest_set(void **state)
{
    fault = (struct fault){.from_level = "basic", .all = "Early+Late", .log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "optimizers Early+Late");
    assert_says(&b, "without Early and Late together");
}

static void a_rule_is_found_among_the_strings_of_the_library(void **state)
{
    char path[] = "/tmp/opjury-blame-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (file == NULL) {
        fail_msg("no file in /tmp");
        return;
    }
    for (int i = 0; i < 1000; i++) {
        fprintf(file, "SomeName%d%c\x7f\x01 text of a message%c", i, 0, 0);
    }
    /* As a linker leaves it that makes one string of two. */
    fprintf(file, "BeforeHiddenRule%c", 0);
    fclose(file);
    fault = (struct fault){.from_level = "basic",
                           .any = "Level1_RuleBasedTransformer+HiddenRule",
                           .log = arena_printf(*state,
                                               "Applying graph transformer Early\n"
                                               "Applying graph transformer "
                                               "Level1_RuleBasedTransformer\n"
                                               "GraphTransformer Level1_RuleBasedTransformer "
                                               "modified: 1\nlibrary %s\n",
                                               path)};
    struct blame b = blame_it(DTYPE_F32, *state);
    unlink(path);
    assert_string_equal(b.component, "optimizer HiddenRule");
    assert_int_equal(find_try(&b, "Level1_RuleBasedTransformer")->verdict, VERDICT_PASS);
    assert_int_equal(find_try(&b, "HiddenRule")->verdict, VERDICT_PASS);
    assert_in_range(n_runs, 0, 100); /* not one for each name */
    /* Without the file the whole is what can be said. */
    b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "optimizer Level1_RuleBasedTransformer");
}

static void a_level_is_all_that_can_be_said(void **state)
{
    fault = (struct fault){.from_level = "basic", .log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "opt>=basic");
    assert_says(&b, "No set of them makes it go away");
    fault.from_level = "all";
    b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "opt=all");
    fault.log = NULL; /* a release that logs nothing */
    b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "opt=all");
}

static void another_failure_below_is_no_proof(void **state)
{
    fault = (struct fault){.from_level = "all", .is_other_below = true, .log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_null(b.component);
    assert_int_equal(find_try(&b, "opt=none")->verdict, VERDICT_FINDING);
    assert_memory_equal(find_try(&b, "opt=none")->text, "another failure: ", 17);
    assert_says(&b, "fails in another way");
}

/* ---- parts of a compiler ---- */

static void the_part_and_its_application_are_named(void **state)
{
    for (unsigned k = 1; k <= APPLICATIONS; k++) {
        fault = (struct fault){.from_level = "basic", .part = "passes", .application = k};
        struct blame b = blame_it(DTYPE_F32, *state);
        assert_string_equal(b.component, arena_printf(*state, "pass pass-%u", k));
        assert_says(&b, "Without passes (skip=passes) the program is right.");
        assert_says(&b, arena_printf(*state,
                                     "The first %u of its 11 applications show it and the first %u "
                                     "do not: pass pass-%u.",
                                     k, k - 1, k));
        assert_int_equal(find_try(&b, "skip=early")->verdict, VERDICT_FINDING);
        assert_int_equal(find_try(&b, "skip=passes")->verdict, VERDICT_PASS);
        assert_string_equal(find_try(&b, "skip=passes")->target, "fake:opt=basic,skip=passes");
        assert_null(find_try(&b, "skip=late")); /* of another level */
    }
}

static void a_part_that_is_not_counted_is_named(void **state)
{
    fault = (struct fault){.from_level = "basic", .part = "early"};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "early");
    assert_null(find_try(&b, "skip=passes"));
}

static void no_part_is_guilty(void **state)
{
    fault = (struct fault){.from_level = "all"};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "opt=all");
    assert_says(&b, "No part of opt=all that can be left out makes it go away.");
    fault = (struct fault){.part = "late"}; /* all levels show it, so no part is looked at */
    b = blame_it(DTYPE_F32, *state);
    assert_null(b.component);
    assert_null(find_try(&b, "skip=late"));
}

/* ---- what nothing changes ---- */

static void a_kernel_is_blamed_on_nothing(void **state)
{
    fault = (struct fault){.log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_null(b.component);
    assert_says(&b, "All levels show it (none, basic and all): it is in a kernel");
    assert_says(&b, "With 4 threads it shows too.");
    assert_says(&b, "Its floats as f32, f64 or f16: it shows.");
    assert_null(find_try(&b, "Middle")); /* no level is guilty, so no optimizer is */
    assert_int_equal(find_try(&b, "bf16")->verdict, VERDICT_UNSUPPORTED);
}

static void what_shows_by_chance_is_looked_at_more_often(void **state)
{
    fault = (struct fault){.every = 3, .log = three};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_true(b.reproduced);
    assert_null(b.component);
    assert_says(&b, "It shows by chance");
    fault = (struct fault){.every = 3, .from_level = "basic", .any = "Middle", .log = three};
    b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "optimizer Middle");
}

static void what_does_not_show_is_not_tried(void **state)
{
    fault = (struct fault){.every = 1000};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_false(b.reproduced);
    assert_null(b.component);
    assert_int_equal(b.n_tries, 0);
}

/* ---- threads and dtypes ---- */

static void threads_are_blamed(void **state)
{
    fault = (struct fault){.threads = ""};
    struct blame b = blame_it(DTYPE_F32, *state);
    assert_string_equal(b.component, "threads=1");
    assert_says(&b, "With 4 threads it goes away.");
}

static void a_dtype_is_told_and_not_blamed(void **state)
{
    fault = (struct fault){.dtype = DTYPE_F64};
    struct blame b = blame_it(DTYPE_F64, *state);
    assert_null(b.component);
    assert_says(&b, "Its floats as f64: it shows; as f32 or f16: it does not.");
    assert_null(find_try(&b, "f64")); /* as it is */
    assert_int_equal(find_try(&b, "f32")->verdict, VERDICT_PASS);
}

/* ---- layout ---- */

/* One that reads behind its input dies where nothing lies behind it. */
static void where_the_inputs_lie_is_blamed(void **state)
{
    struct arena *arena = *state;
    const struct failure failure = {
        .test = echo_test(arena, 1, PLACE_END),
        .verdict = {.kind = VERDICT_FINDING, .oracle = "crash"},
        .signature = "crash as another build said it",
    };
    const struct blame_request request = {.target = parse(arena, "selftest:read-behind"),
                                          .failure = &failure};
    struct blame b;
    must(blame(&request, arena, &b));
    assert_true(b.reproduced);
    assert_string_equal(b.component, "placement=end");
    assert_int_equal(find_try(&b, "placement=aligned")->verdict, VERDICT_PASS);
    assert_null(find_try(&b, "placement=end")); /* as it is */
    assert_says(&b, "placement end shows it and aligned or start does not");
    /* One that dies wherever they lie is no matter of that. */
    const struct blame_request anywhere = {.target = parse(arena, "selftest:segv"),
                                           .failure = &failure};
    must(blame(&anywhere, arena, &b));
    assert_true(b.reproduced);
    assert_null(b.component);
}

/* ---- names ---- */

static void a_log_gives_names_in_order_and_once(void **state)
{
    struct trace t = trace_read("2026 [V:x] Applying graph transformer A on step 1.\n"
                                "[I:x] GraphTransformer A modified: 0 with status: OK\n"
                                "Applying graph transformer B_2 on step 1.\n"
                                "GraphTransformer B_2 modified: 1 with\n"
                                "Applying graph transformer A on step 2.\nlibrary /a b/c.so\n",
                                *state);
    assert_string_equal(blame_list(&t.ran, "+", *state), "A+B_2");
    assert_string_equal(blame_list(&t.changed, "+", *state), "B_2");
    assert_string_equal(t.library, "/a b/c.so");
    assert_string_equal(t.open, "A");
    /* What fails behind the last of them fails in none. */
    t = trace_read("Applying graph transformer A\nApplying graph transformer B\n"
                   "GraphTransformer A modified: 1\nGraphTransformer B modified: 0\n",
                   *state);
    assert_string_equal(blame_list(&t.ran, "+", *state), "A+B");
    assert_null(t.open);
    /* An older release says nothing of one that has not ended. */
    t = trace_read(
        "library /c.so\nGraphTransformer A modified: 0\nGraphTransformer B modified: 1\n", *state);
    assert_string_equal(blame_list(&t.ran, "+", *state), "A+B");
    assert_string_equal(t.library, "/c.so");
    assert_null(t.open);
    t = trace_read("", *state);
    assert_int_equal(t.ran.n + t.changed.n, 0);
    assert_null(t.library);
}

struct wanted {
    const char *const *names;
    size_t n, asked;
};

static enum err holds_wanted(void *context, const struct texts *names, bool *goes)
{
    struct wanted *w = context;
    size_t found = 0;
    w->asked++;
    for (size_t i = 0; i < names->n; i++) {
        for (size_t k = 0; k < w->n; k++) {
            found += strcmp(names->items[i], w->names[k]) == 0;
        }
    }
    *goes = found == w->n;
    return ERR_OK;
}

static void sets_become_smallest(void **state)
{
    static const char *const wanted[] = {"n3", "n700", "n999"};
    for (size_t n = 1; n <= ARRAY_SIZE(wanted); n++) {
        struct wanted w = {.names = wanted, .n = n};
        struct texts names = {0};
        for (int i = 0; i < 1000; i++) {
            texts_add(&names, arena_printf(*state, "n%d", i), *state);
        }
        must(names_minimise(&names, holds_wanted, &w, *state));
        assert_int_equal(names.n, n);
        for (size_t i = 0; i < n; i++) {
            assert_string_equal(names.items[i], wanted[i]);
        }
        assert_in_range(w.asked, 1, n == 1 ? 20 : 100 * n); /* of one: twice the logarithm */
    }
}

/* ---- releases ---- */

static void releases_have_a_first_bad_and_a_last_good(void **state)
{
    static const struct {
        const char *answers; /* of releases "a", "b", ...: x shows, o passes */
        const char *first_bad, *last_good;
    } cases[] = {
        {"xx", "a", NULL},    {"ox", "b", "a"},   {"oox", "c", "b"}, {"oxx", "b", "a"},
        {"xox", "c", "b"},    {"oxo", "b", "a"},  {"xo", "a", NULL}, {"xoo", "a", NULL},
        {"oxoxxo", "d", "c"}, {"oo", NULL, NULL}, {"", NULL, NULL},
    };
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum answer answers[6];
        const char *bad, *good;
        size_t n = strlen(cases[i].answers);
        for (size_t k = 0; k < n; k++) {
            answers[k] = cases[i].answers[k] == 'x' ? ANSWER_SHOWS : ANSWER_GOES;
        }
        version_span(names, answers, n, &bad, &good);
        assert_string_equal(bad ? bad : "-", cases[i].first_bad ? cases[i].first_bad : "-");
        assert_string_equal(good ? good : "-", cases[i].last_good ? cases[i].last_good : "-");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define BLAME(name) cmocka_unit_test_setup_teardown(name, clear, end)
        BLAME(what_was_tried_before_a_stop_is_not_tried_again),
        BLAME(another_version_is_tried_anew),
        BLAME(the_one_optimizer_is_named),
        BLAME(any_of_two_and_both_are_named),
        BLAME(one_that_says_nothing_is_named_too),
        BLAME(several_together_are_the_smallest_set),
        BLAME(a_rule_is_found_among_the_strings_of_the_library),
        BLAME(a_level_is_all_that_can_be_said),
        BLAME(another_failure_below_is_no_proof),
        BLAME(the_part_and_its_application_are_named),
        BLAME(a_part_that_is_not_counted_is_named),
        BLAME(no_part_is_guilty),
        BLAME(a_kernel_is_blamed_on_nothing),
        BLAME(what_shows_by_chance_is_looked_at_more_often),
        BLAME(what_does_not_show_is_not_tried),
        BLAME(threads_are_blamed),
        BLAME(a_dtype_is_told_and_not_blamed),
        BLAME(where_the_inputs_lie_is_blamed),
        BLAME(a_log_gives_names_in_order_and_once),
        BLAME(sets_become_smallest),
        BLAME(releases_have_a_first_bad_and_a_last_good),
#undef BLAME
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
