/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench throughput`: how many tests a CPU second pays for on each target by itself, and
 * which part of the work takes the time. The same steps as a campaign's, without store and triage;
 * start-up is measured apart, as a campaign pays it once.
 */
#include "bench.h"
#include "campaign.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { TESTS = 2000 };

/* Adds the CPU time of this process since *mark to *sum and moves the mark. */
static void lap(double *mark, double *sum)
{
    double now = clock_cpu_self();
    *sum += now - *mark;
    *mark = now;
}

static void judge_one(const struct test *test, struct target *target, struct reference *reference,
                      const struct outcome *outcome, struct arena *arena, struct throughput *t)
{
    const struct judgement j = {
        .test = test, .reference = reference, .target = target, .outcome = outcome, .arena = arena};
    struct verdict verdict;
    judge(&j, &verdict);
    t->verdicts.n[verdict.kind]++;
}

/* The window is kept full, as in a campaign. */
static enum err run_window(const struct bench_settings *s, const struct policy *policy,
                           struct jury *jury, struct target *target, struct arena **arenas,
                           struct throughput *t)
{
    struct test *tests[JURY_WINDOW_MAX];
    uint32_t window = jury_window(jury);
    uint64_t posted = 0;
    double mark = clock_cpu_self();
    double waiting = 0;
    for (uint64_t i = 0; i < t->tests && !stop_requested; i++) {
        for (; posted < t->tests && posted - i < window; posted++) {
            struct arena *arena = arenas[posted % window];
            arena_reset(arena);
            struct test *test = arena_alloc(arena, sizeof(*test));
            tests[posted % window] = test;
            generate_test(policy, s->seed, posted, MATERIALIZE_ALL, arena, test);
            lap(&mark, &t->generate);
            TRY(jury_post(jury, test));
            lap(&mark, &waiting);
        }
        struct arena *arena = arenas[i % window];
        const struct test *test = tests[i % window];
        struct reference *reference = reference_new(test, arena);
        lap(&mark, &t->reference);
        struct outcome outcome;
        TRY(jury_take(jury, arena, &outcome));
        lap(&mark, &waiting);
        judge_one(test, target, reference, &outcome, arena, t);
        lap(&mark, &t->judge);
    }
    return ERR_OK;
}

static enum err measure_open(const struct bench_settings *s, struct target *target,
                             struct jury *jury, struct arena *arena, struct throughput *t)
{
    struct policy *policy;
    TRY(campaign_policy(s->policy, 0, &target, 1, arena, &policy));
    struct jury_usage before = jury_usage(jury);
    double self = clock_cpu_self();
    struct arena *arenas[JURY_WINDOW_MAX];
    for (size_t i = 0; i < JURY_WINDOW_MAX; i++) {
        arenas[i] = arena_new();
    }
    enum err err = run_window(s, policy, jury, target, arenas, t);
    for (size_t i = 0; i < JURY_WINDOW_MAX; i++) {
        arena_free(arenas[i]);
    }
    struct jury_usage after = jury_usage(jury);
    t->startup = before.worker_cpu;
    t->worker = after.worker_cpu - before.worker_cpu;
    t->library = after.library_cpu - before.library_cpu;
    t->total = t->worker + clock_cpu_self() - self;
    return err;
}

/* It ends with the jury. */
static const char *version_of(const struct target *target, struct arena *arena)
{
    return arena_strdup(arena, target->version != NULL ? target->version : "");
}

enum err bench_throughput_of(const struct bench_settings *s, struct target *target,
                             struct arena *arena, struct throughput *t)
{
    struct jury *jury;
    TRY(jury_open(&target, 1, &(struct jury_options){0}, &jury));
    *t = (struct throughput){.target = target->text,
                             .version = version_of(target, arena),
                             .tests = s->tests != 0 ? s->tests : TESTS};
    enum err err = measure_open(s, target, jury, arena, t);
    jury_close(jury);
    return err;
}

static double per_test(const struct throughput *t, double seconds)
{
    return 1e6 * seconds / (double)t->tests;
}

static void print_table(const struct throughput *rows, size_t n)
{
    printf("%-36s %9s %9s %9s %9s %9s %9s %9s\n", "target", "tests/s", "generate", "reference",
           "judge", "worker", "library", "start-up");
    for (size_t i = 0; i < n; i++) {
        const struct throughput *t = &rows[i];
        printf("%-36s %9.0f %9.0f %9.0f %9.0f %9.0f %9.0f %8.2fs\n", t->target,
               t->total > 0 ? (double)t->tests / t->total : 0, per_test(t, t->generate),
               per_test(t, t->reference), per_test(t, t->judge), per_test(t, t->worker),
               per_test(t, t->library), t->startup);
    }
    printf("tests/s: tests per CPU second of all processes; the rest in microseconds a test\n");
}

static json_t *row_json(const struct throughput *t)
{
    json_t *row = json_pack(
        "{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "target", t->target, "version",
        t->version, "tests", (json_int_t)t->tests, "tests_per_cpu_second",
        t->total > 0 ? (double)t->tests / t->total : 0, "generate_us", per_test(t, t->generate),
        "reference_us", per_test(t, t->reference), "judge_us", per_test(t, t->judge), "worker_us",
        per_test(t, t->worker), "library_us", per_test(t, t->library), "startup_s", t->startup);
    CHECK(row != NULL);
    return row;
}

static void print_json(const struct throughput *rows, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        CHECK(json_array_append_new(list, row_json(&rows[i])) == 0);
    }
    bench_print_json("throughput", list);
}

static enum err run_throughput(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct target **targets;
    size_t n;
    TRY(campaign_targets(s->targets.items, s->targets.n, s->python, arena, &targets, &n));
    struct throughput *rows = ARENA_ZARRAY(arena, struct throughput, n);
    for (size_t i = 0; i < n && !stop_requested; i++) {
        TRY(bench_throughput_of(s, targets[i], arena, &rows[i]));
    }
    if (stop_requested) {
        return err_set(ERR_STOPPED, "stopped before all targets were measured");
    }
    if (s->json) {
        print_json(rows, n);
    } else {
        print_table(rows, n);
    }
    return ERR_OK;
}

const struct bench_subject bench_throughput = {
    .name = "throughput",
    .summary = "tests per CPU second on each target, and what takes the time",
    .run = run_throughput,
};
