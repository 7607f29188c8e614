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

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned k_values[] = {2, 4, 8, 16};
static const double c_values[] = {0, 0.25, 0.5, 1, 2, 4, 8};

/* Whose curves: the first is of recall, the others of false alarms. */
enum { OF_FAULTS, OF_NOISE, OF_TARGETS };

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
    for (size_t t = 0; t < n; t++) {
        curves[t].name = targets[t]->text;
    }
    for (uint64_t i = 0; i < tests && !stop_requested && e == ERR_OK; i++) {
        arena_reset(memory);
        struct test test;
        generate_test(policy, settings->seed, i, MATERIALIZE_ALL, memory, &test);
        struct outcome *outcomes = ARENA_ZARRAY(memory, struct outcome, n);
        e = jury_post(jury, &test);
        e = e == ERR_OK ? jury_take(jury, memory, outcomes) : e;
        for (size_t t = 0; e == ERR_OK && t < n; t++) {
            curve_add(&curves[t], &test, &outcomes[t], memory);
        }
    }
    arena_free(memory);
    return e;
}

static double percent_above(const struct curve *curve, size_t k, size_t c)
{
    return curve->runs ? 100.0 * (double)curve->above[k][c] / (double)curve->runs : 0;
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
            printf(" %8.3f", percent_above(curve, k, c));
        }
    }
    printf("\n");
}

/* percent[i][j]: at k[i] and c[j]. */
static json_t *curve_json(const struct curve *curve, bool recall)
{
    json_t *rows = json_array();
    for (size_t k = 0; k < ARRAY_SIZE(k_values); k++) {
        json_t *row = json_array();
        for (size_t c = 0; c < ARRAY_SIZE(c_values); c++) {
            CHECK(json_array_append_new(row, json_real(percent_above(curve, k, c))) == 0);
        }
        CHECK(json_array_append_new(rows, row) == 0);
    }
    json_t *of_runs = json_pack("{s:s, s:s, s:I, s:o}", "runs_of", curve->name, "what",
                                recall ? "recall" : "false alarms", "runs", (json_int_t)curve->runs,
                                "percent", rows);
    CHECK(of_runs != NULL);
    return of_runs;
}

static void print_json(const struct curve *curves, size_t n)
{
    json_t *list = json_array(), *k_list = json_array(), *c_list = json_array();
    for (size_t i = 0; i < n; i++) {
        CHECK(json_array_append_new(list, curve_json(&curves[i], i == OF_FAULTS)) == 0);
    }
    for (size_t k = 0; k < ARRAY_SIZE(k_values); k++) {
        CHECK(json_array_append_new(k_list, json_integer(k_values[k])) == 0);
    }
    for (size_t c = 0; c < ARRAY_SIZE(c_values); c++) {
        CHECK(json_array_append_new(c_list, json_real(c_values[c])) == 0);
    }
    bench_print_json("bounds", json_pack("{s:{s:i, s:f}, s:o, s:o, s:o}", "in_use", "k",
                                         (int)bound_table.samples, "c", bound_table.c, "k", k_list,
                                         "c", c_list, "curves", list));
}

static void print_tables(const struct curve *curves, size_t n)
{
    printf("in use: K = %u, c = %g\n", bound_table.samples, bound_table.c);
    for (size_t i = 0; i < n; i++) {
        print_curve(&curves[i], i == OF_FAULTS);
    }
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
    struct curve *curves = ARENA_ZARRAY(arena, struct curve, OF_TARGETS + n);
    curves[OF_FAULTS].name = "planted faults";
    curves[OF_NOISE].name = "evaluator with legal noise";
    enum err e = campaign_policy("default", 0, targets, n, arena, &policy);
    if (e == ERR_OK) {
        planted(policy, settings, tests, arena, &curves[OF_FAULTS], &curves[OF_NOISE]);
        e = real_runs(policy, settings, tests, jury, targets, n, &curves[OF_TARGETS]);
    }
    jury_close(jury);
    TRY(e);
    if (stop_requested) {
        return err_set(ERR_STOPPED, "stopped before all tests were run");
    }
    (settings->json ? print_json : print_tables)(curves, OF_TARGETS + n);
    return ERR_OK;
}

const struct bench_subject bench_bounds = {
    .name = "bounds",
    .summary = "false-alarm and recall curves over K and c of the verdict's bound",
    .run = bounds_run,
};
