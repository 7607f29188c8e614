/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench bounds`: the curves by which K and c of the verdict's bound are chosen. For each
 * run the smallest c that lets it pass is computed at several K; the share of correct runs (real
 * libraries, and our evaluator with legal rounding noise) above c is the false-alarm rate, the
 * share of planted-fault runs above c is the recall.
 */
#include "bench.h"
#include "campaign.h"
#include "generate/generate.h"
#include "target/faulty.h"

#include <math.h>
#include <stdio.h>

static const unsigned k_values[] = {2, 4, 8, 16};
static const double c_values[] = {0, 0.25, 0.5, 1, 2, 4, 8};

/* Runs whose critical c is above c_values[i], by K. */
struct curve {
    const char *name;
    uint64_t runs;
    uint64_t above[ARRAY_SIZE(k_values)][ARRAY_SIZE(c_values)];
};

static bool has_the_form(const struct program *p, const struct outcome *o)
{
    if (o->kind != OUTCOME_OK || o->n_outputs != p->n_outputs) {
        return false;
    }
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        const struct value *v = &p->values[p->outputs[i]];
        if (v->dtype != o->outputs[i].dtype || !shape_equal(&v->shape, &o->outputs[i].shape)) {
            return false;
        }
    }
    return true;
}

static void curve_add(struct curve *curve, const struct test *test, const struct outcome *o,
                      struct arena *arena)
{
    if (!has_the_form(test->program, o)) {
        return;
    }
    struct reference *r = reference_new(test, arena);
    curve->runs++;
    for (size_t k = 0; k < ARRAY_SIZE(k_values); k++) {
        reference_set_samples(r, k_values[k]);
        double critical = value_critical_c(r, o);
        for (size_t c = 0; c < ARRAY_SIZE(c_values); c++) {
            curve->above[k][c] += critical > c_values[c];
        }
    }
}

static void run_fault(const struct test *test, const struct fault *fault, uint64_t noise,
                      struct arena *arena, struct outcome *o)
{
    *o = (struct outcome){.kind = OUTCOME_OK, .n_outputs = test->program->n_outputs};
    o->outputs = ARENA_ARRAY(arena, struct tensor, o->n_outputs);
    fault_evaluate(test, fault, noise, arena, o->outputs);
}

static bool same_outputs(const struct outcome *a, const struct outcome *b)
{
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        if (!tensor_equal(&a->outputs[i], &b->outputs[i])) {
            return false;
        }
    }
    return true;
}

/* One random fault in each test; counted when it changes an output. */
static void planted(const struct policy *policy, const struct bench_settings *settings,
                    uint64_t tests, struct arena *arena, struct curve *faulty, struct curve *noisy)
{
    struct arena *memory = arena_new();
    struct fault *faults;
    size_t n = faults_all(arena, &faults);
    struct rng rng = rng_seeded(settings->seed);
    for (uint64_t i = 0; i < tests && !stop_requested; i++) {
        arena_reset(memory);
        struct test test;
        generate_test(policy, settings->seed, i, MATERIALIZE_ALL, memory, &test);
        struct outcome right, wrong, noise;
        const struct fault *fault = &faults[rng_below(&rng, n)];
        run_fault(&test, NULL, 0, memory, &right);
        run_fault(&test, fault, 0, memory, &wrong);
        run_fault(&test, NULL, i + 1, memory, &noise);
        curve_add(noisy, &test, &noise, memory);
        if (has_the_form(test.program, &wrong) && !same_outputs(&right, &wrong)) {
            curve_add(faulty, &test, &wrong, memory);
        }
    }
    arena_free(memory);
}

static enum err real_runs(const struct policy *policy, const struct bench_settings *settings,
                          uint64_t tests, struct jury *jury, struct target *const *targets,
                          size_t n, struct curve *curves)
{
    struct arena *memory = arena_new();
    enum err e = ERR_OK;
    for (uint64_t i = 0; i < tests && !stop_requested && e == ERR_OK; i++) {
        arena_reset(memory);
        struct test test;
        generate_test(policy, settings->seed, i, MATERIALIZE_ALL, memory, &test);
        struct outcome *outcomes = ARENA_ZARRAY(memory, struct outcome, n);
        e = jury_post(jury, &test);
        e = e == ERR_OK ? jury_take(jury, memory, outcomes) : e;
        for (size_t t = 0; e == ERR_OK && t < n; t++) {
            curves[t].name = targets[t]->text;
            curve_add(&curves[t], &test, &outcomes[t], memory);
        }
    }
    arena_free(memory);
    return e;
}

static void print_curve(const struct curve *curve, bool recall)
{
    printf("\n%s: %llu runs, %s in %%\n   K \\ c", curve->name, (unsigned long long)curve->runs,
           recall ? "recall" : "false alarms");
    for (size_t c = 0; c < ARRAY_SIZE(c_values); c++) {
        printf(" %8.2f", c_values[c]);
    }
    for (size_t k = 0; k < ARRAY_SIZE(k_values); k++) {
        printf("\n%8u", k_values[k]);
        for (size_t c = 0; c < ARRAY_SIZE(c_values); c++) {
            double share =
                curve->runs ? 100.0 * (double)curve->above[k][c] / (double)curve->runs : 0;
            printf(" %8.3f", share);
        }
    }
    printf("\n");
}

static enum err bounds_run(const struct bench_settings *settings, struct arena *arena, bool *failed)
{
    uint64_t tests = settings->tests ? settings->tests : 2000;
    struct target **targets;
    size_t n;
    TRY(campaign_targets(settings->targets.items, settings->targets.n, settings->python, arena,
                         &targets, &n));
    struct jury *jury;
    TRY(jury_open(targets, n, &(struct jury_options){0}, &jury));
    struct policy *policy;
    struct curve faulty = {.name = "planted faults"},
                 noisy = {.name = "evaluator with legal noise"};
    struct curve *curves = ARENA_ZARRAY(arena, struct curve, n);
    enum err e = campaign_policy("default", 0, targets, n, arena, &policy);
    if (e == ERR_OK) {
        planted(policy, settings, tests, arena, &faulty, &noisy);
        e = real_runs(policy, settings, tests, jury, targets, n, curves);
    }
    jury_close(jury);
    TRY(e);
    printf("in use: K = %u, c = %g\n", bound_table.samples, bound_table.c);
    print_curve(&faulty, true);
    print_curve(&noisy, false);
    for (size_t t = 0; t < n; t++) {
        print_curve(&curves[t], false);
    }
    return ERR_OK;
}

const struct bench_subject bench_bounds = {
    .name = "bounds",
    .summary = "false-alarm and recall curves over K and c of the verdict's bound",
    .run = bounds_run,
};
