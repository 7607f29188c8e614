/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench judge`: the judge is judged. Every planted fault (mutation operator x op) runs in
 * tests that hold its op until it has changed the outputs of enough of them; printed are the faults
 * found and the share of changed runs found, per mutation operator, what was masked as unstable or
 * unjudged, and the false findings on correct runs that carry legal rounding noise.
 */
#include "bench.h"
#include "generate/generate.h"
#include "oracle/oracle.h"
#include "target/faulty.h"

#include <stdio.h>
#include <string.h>

enum {
    CHANGED_RUNS = 20, /* per fault: runs whose outputs the fault changes; --tests N: N / 100 */
    TRIES_MAX = 600,   /* per fault: tests generated to get them */
    CORRECT_TESTS = 2000,
    NODES = 4,
};

struct tally {
    const struct mutation *mutation;
    unsigned faults, exercised, found;
    unsigned changed, detected, unjudged;
    size_t compared, unstable, unspecified;
};

struct bench_state {
    struct policy *policy;
    const struct target *target;
    uint64_t seed;
    unsigned changed_runs;
    struct arena *arena; /* one test */
};

static const struct target in_process = {
    .kind = &target_faulty, .text = "faulty", .options = "none"};

static bool outputs_equal(const struct tensor *a, const struct tensor *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!tensor_equal(&a[i], &b[i])) {
            return false;
        }
    }
    return true;
}

static bool has_op(const struct program *p, const struct op *op)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (p->nodes[i].op == op) {
            return true;
        }
    }
    return false;
}

static void judge_fault_run(struct bench_state *s, const struct test *test,
                            const struct fault *fault, struct verdict *v)
{
    uint32_t n = test->program->n_outputs;
    struct outcome o = {.kind = OUTCOME_OK, .n_outputs = n, .message = "", .log = ""};
    o.outputs = ARENA_ARRAY(s->arena, struct tensor, n);
    fault_evaluate(test, fault, hash_mix(program_hash(test->program), test->index) | 1, s->arena,
                   o.outputs);
    struct judgement j = {test, reference_new(test, s->arena), s->target, &o, s->arena};
    judge(&j, v);
}

/* Does the fault change what the program gives (both rounded exactly, so nothing else differs)? */
static bool changes_outputs(struct bench_state *s, const struct test *test,
                            const struct fault *fault)
{
    uint32_t n = test->program->n_outputs;
    struct tensor *right = ARENA_ARRAY(s->arena, struct tensor, n);
    struct tensor *wrong = ARENA_ARRAY(s->arena, struct tensor, n);
    fault_evaluate(test, NULL, 0, s->arena, right);
    fault_evaluate(test, fault, 0, s->arena, wrong);
    return !outputs_equal(right, wrong, n);
}

static void count_run(struct tally *t, const struct verdict *v)
{
    t->changed++;
    t->detected += v->kind == VERDICT_FINDING;
    t->unjudged += v->kind == VERDICT_UNJUDGED;
    t->compared += v->n_compared;
    t->unstable += v->n_unstable;
    t->unspecified += v->n_unspecified;
}

static void try_fault(struct bench_state *s, const struct fault *fault, struct tally *t)
{
    uint32_t *weight = &s->policy->op_weight[op_index(fault->op)], kept = *weight;
    uint32_t total = 0;
    for (size_t i = 0; i < op_count; i++) {
        total += s->policy->op_weight[i];
    }
    *weight = total; /* every other node is the op under test */
    unsigned changed = 0, detected = t->detected;
    for (uint64_t i = 0; i < TRIES_MAX && changed < s->changed_runs && !stop_requested; i++) {
        arena_reset(s->arena);
        struct test test;
        generate_test(s->policy, s->seed, i, MATERIALIZE_ALL, s->arena, &test);
        if (!has_op(test.program, fault->op) || !changes_outputs(s, &test, fault)) {
            continue;
        }
        struct verdict v;
        judge_fault_run(s, &test, fault, &v);
        count_run(t, &v);
        changed++;
    }
    *weight = kept;
    t->faults++;
    t->exercised += changed > 0;
    t->found += t->detected > detected;
    if (changed > 0 && t->detected == detected) {
        log_warn("not found: %s (%u changed runs)", fault_name(fault, s->arena), changed);
    } else if (changed == 0) {
        log_warn("never exercised: %s", fault_name(fault, s->arena));
    }
}

static unsigned false_findings(struct bench_state *s, unsigned tests, struct tally *t)
{
    unsigned found = 0;
    for (uint64_t i = 0; i < tests && !stop_requested; i++) {
        arena_reset(s->arena);
        struct test test;
        generate_test(s->policy, s->seed + 1, i, MATERIALIZE_ALL, s->arena, &test);
        struct verdict v;
        judge_fault_run(s, &test, NULL, &v);
        count_run(t, &v);
        if (v.kind == VERDICT_FINDING) {
            found++;
            log_warn("false finding in test %llu of seed %llu: %s", (unsigned long long)i,
                     (unsigned long long)s->seed + 1, v.text);
            struct buffer text = BUFFER_INIT;
            program_print(test.program, &text);
            fputs(text.data, stderr);
            buffer_release(&text);
        }
    }
    return found;
}

static double percent(size_t part, size_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_row(const char *name, const struct tally *t)
{
    size_t elements = t->compared + t->unstable + t->unspecified;
    printf("%-18s %6u %9u %6u %8u %9.1f %9.1f %9.2f %11.2f\n", name, t->faults, t->exercised,
           t->found, t->changed, percent(t->detected, t->changed), percent(t->unjudged, t->changed),
           percent(t->unstable, elements), percent(t->unspecified, elements));
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->faults += t->faults;
    sum->exercised += t->exercised;
    sum->found += t->found;
    sum->changed += t->changed;
    sum->detected += t->detected;
    sum->unjudged += t->unjudged;
    sum->compared += t->compared;
    sum->unstable += t->unstable;
    sum->unspecified += t->unspecified;
}

static void print_json(const struct tally *sum, const struct tally *correct, unsigned wrong)
{
    printf("{\"faults\": %u, \"exercised\": %u, \"found\": %u, \"changed_runs\": %u, "
           "\"detected_runs\": %u, \"unjudged_runs\": %u, \"correct_runs\": %u, "
           "\"false_findings\": %u, \"correct_unjudged\": %u}\n",
           sum->faults, sum->exercised, sum->found, sum->changed, sum->detected, sum->unjudged,
           correct->changed, wrong, correct->unjudged);
}

static enum err judge_run(const struct bench_settings *settings, struct arena *arena, bool *failed)
{
    struct bench_state s = {.target = &in_process, .seed = settings->seed, .arena = arena_new()};
    unsigned tests = settings->tests ? (unsigned)settings->tests : CORRECT_TESTS;
    s.changed_runs = tests < 100 ? 1 : tests / 100 < CHANGED_RUNS ? tests / 100 : CHANGED_RUNS;
    TRY(policy_load("default", arena, &s.policy));
    s.policy->nodes = NODES;
    struct fault *faults;
    size_t n = faults_all(arena, &faults);
    if (!settings->json) {
        printf("%-18s %6s %9s %6s %8s %9s %9s %9s %11s\n", "mutation", "faults", "exercised",
               "found", "changed", "detected%", "unjudged%", "unstable%", "unspecified%");
    }
    struct tally sum = {0};
    for (size_t i = 0; i < n && !stop_requested;) {
        struct tally t = {.mutation = faults[i].mutation};
        for (; i < n && faults[i].mutation == t.mutation && !stop_requested; i++) {
            try_fault(&s, &faults[i], &t);
        }
        add_tally(&sum, &t);
        if (!settings->json) {
            print_row(mutation_name(t.mutation), &t);
            fflush(stdout);
        }
    }
    struct tally correct = {0};
    unsigned wrong = false_findings(&s, tests, &correct);
    arena_free(s.arena);
    if (settings->json) {
        print_json(&sum, &correct, wrong);
    } else {
        print_row("all", &sum);
        printf("\nfaults found: %u of %u exercised (%.1f %%); changed runs found: %.1f %%\n",
               sum.found, sum.exercised, percent(sum.found, sum.exercised),
               percent(sum.detected, sum.changed));
        printf(
            "correct runs with legal rounding noise: %u, false findings: %u, unjudged: %u, "
            "elements masked as unstable: %.2f %%\n",
            correct.changed, wrong, correct.unjudged,
            percent(correct.unstable, correct.compared + correct.unstable + correct.unspecified));
    }
    *failed = wrong > 0 || 100 * sum.found < 95 * sum.exercised || sum.exercised < 60;
    return stop_requested ? err_set(ERR_STOPPED, "stopped") : ERR_OK;
}

const struct bench_subject bench_judge = {
    .name = "judge",
    .summary = "recall of planted faults per mutation operator, false findings on correct runs",
    .run = judge_run,
};
