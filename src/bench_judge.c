/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench judge`: the judge is judged. Every planted fault (mutation operator x op) runs in
 * tests that hold its op until it has changed the outputs of enough of them; printed are the faults
 * found and the share of changed runs found, per mutation operator and per op, what was masked as
 * unstable or unjudged, and the false findings on correct runs that carry legal rounding noise.
 */
#include "bench.h"
#include "generate/generate.h"
#include "oracle/oracle.h"
#include "target/faulty.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    CHANGED_RUNS = 20, /* per fault: runs whose outputs the fault changes; --tests N: N / 100 */
    TRIES = 30,        /* tests generated for each of them */
    TRIES_LEAST = 4,   /* times TRIES */
    CORRECT_TESTS = 2000,
    NODES = 4,
    LEAST_RECALL = 80, /* percent of changed runs, of an op with at least LEAST_RUNS of them */
    LEAST_RUNS = 40,
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
    struct arena *arena;     /* one test */
    struct tally *of_ops;    /* in op_table's order */
    struct tally *of_faults; /* as faults_all has them */
    size_t n_faults;
    struct tally sum, correct;
};

static const struct target in_process = {
    .kind = &target_faulty, .text = "faulty", .options = "none"};

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
                            const struct fault *fault, struct reference *r, struct verdict *v)
{
    uint32_t n = test->program->n_outputs;
    struct outcome o = {.kind = OUTCOME_OK, .n_outputs = n, .message = "", .log = ""};
    o.outputs = ARENA_ARRAY(s->arena, struct tensor, n);
    fault_evaluate(test, fault, hash_mix(program_hash(test->program), test->index) | 1, s->arena,
                   o.outputs);
    struct judgement j = {test, r, s->target, &o, s->arena};
    judge(&j, v);
}

/* Does the fault change what the program gives (rounded exactly, so nothing else differs)? -0 is 0,
 * and what no document defines may be anything. */
static bool changes_output(struct reference *r, const struct array *right,
                           const struct tensor *wrong, uint32_t o)
{
    if (right->dtype != wrong->dtype || !shape_equal(&right->shape, &wrong->shape)) {
        return true;
    }
    for (size_t i = 0; i < right->n; i++) {
        real v = right->v[i], w = dtype_load(wrong->dtype, wrong->data, i);
        bool is_same = v == w || (isnan(v) && isnan(w));
        if (!is_same && reference_expectation(r, o)->state[i] != ELEMENT_UNSPECIFIED) {
            return true;
        }
    }
    return false;
}

static bool changes_outputs(struct bench_state *s, const struct test *test,
                            const struct fault *fault, struct reference *r)
{
    const struct program *p = test->program;
    struct tensor *wrong = ARENA_ARRAY(s->arena, struct tensor, p->n_outputs);
    fault_evaluate(test, fault, 0, s->arena, wrong);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        if (changes_output(r, &reference_values(r)[p->outputs[o]], &wrong[o], o)) {
            return true;
        }
    }
    return false;
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

/* Every other node is the op under test, its dtype one in which the fault shows. */
static struct policy policy_for(const struct bench_state *s, const struct fault *fault)
{
    struct policy policy = *s->policy;
    uint32_t total = 0;
    for (size_t i = 0; i < op_count; i++) {
        total += policy.op_weight[i];
    }
    policy.op_weight[op_index(fault->op)] = total;
    dtype_set dtypes = mutation_dtypes(fault->mutation) & fault->op->in[0].dtypes;
    for (enum dtype d = 1; dtypes && d < DTYPE_COUNT; d++) {
        policy.dtype_weight[d] = dtype_in(d, dtypes) ? policy.dtype_weight[d] : 0;
    }
    return policy;
}

static void try_fault(struct bench_state *s, const struct fault *fault, struct tally *t)
{
    struct policy policy = policy_for(s, fault);
    struct tally own = {.faults = 1};
    uint64_t tries = TRIES * (s->changed_runs < TRIES_LEAST ? TRIES_LEAST : s->changed_runs);
    for (uint64_t i = 0; i < tries && own.changed < s->changed_runs && !stop_requested; i++) {
        arena_reset(s->arena);
        struct test test;
        generate_test(&policy, s->seed, i, MATERIALIZE_ALL, s->arena, &test);
        struct reference *r = reference_new(&test, s->arena);
        if (!has_op(test.program, fault->op) || !changes_outputs(s, &test, fault, r)) {
            continue;
        }
        struct verdict v;
        judge_fault_run(s, &test, fault, r, &v);
        count_run(&own, &v);
    }
    own.exercised = own.changed > 0;
    own.found = own.detected > 0;
    if (own.exercised && !own.found) {
        log_warn("not found: %s (%u changed runs)", fault_name(fault, s->arena), own.changed);
    }
    s->of_faults[s->n_faults++] = own;
    add_tally(t, &own);
    add_tally(&s->of_ops[op_index(fault->op)], &own);
}

static unsigned false_findings(struct bench_state *s, unsigned tests, struct tally *t)
{
    unsigned found = 0;
    for (uint64_t i = 0; i < tests && !stop_requested; i++) {
        arena_reset(s->arena);
        struct test test;
        generate_test(s->policy, s->seed + 1, i, MATERIALIZE_ALL, s->arena, &test);
        struct verdict v;
        judge_fault_run(s, &test, NULL, reference_new(&test, s->arena), &v);
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

static void print_head(const char *what)
{
    printf("%-18s %6s %9s %6s %8s %9s %9s %9s %11s\n", what, "faults", "exercised", "found",
           "changed", "detected%", "unjudged%", "unstable%", "unspecified%");
}

static void print_row(const char *name, const struct tally *t)
{
    size_t elements = t->compared + t->unstable + t->unspecified;
    printf("%-18s %6u %9u %6u %8u %9.1f %9.1f %9.2f %11.2f\n", name, t->faults, t->exercised,
           t->found, t->changed, percent(t->detected, t->changed), percent(t->unjudged, t->changed),
           percent(t->unstable, elements), percent(t->unspecified, elements));
}

static bool is_blind(const struct tally *t)
{
    return t->changed >= LEAST_RUNS && 100 * t->detected < LEAST_RECALL * t->changed;
}

static unsigned count_exercised(const struct bench_state *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < op_count; i++) {
        n += s->of_ops[i].exercised > 0;
    }
    return n;
}

static unsigned count_blind(const struct bench_state *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < op_count; i++) {
        n += is_blind(&s->of_ops[i]);
    }
    return n;
}

/* The same by op, and what is not found of the ops of which too little is. */
static void print_ops(const struct bench_state *s, const struct fault *faults, struct arena *arena)
{
    print_row("all", &s->sum);
    printf("\n");
    print_head("op");
    for (size_t i = 0; i < op_count; i++) {
        print_row(op_table[i]->name, &s->of_ops[i]);
    }
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct tally *t = &s->of_faults[i];
        if (is_blind(&s->of_ops[op_index(faults[i].op)]) && t->detected < t->changed) {
            printf("%s: %u of %u changed runs found, %u unjudged\n", fault_name(&faults[i], arena),
                   t->detected, t->changed, t->unjudged);
        }
    }
}

static void print_json(const struct bench_state *s, unsigned blind, unsigned wrong)
{
    printf("{\"ops\": %u, \"faults\": %u, \"exercised\": %u, \"found\": %u, \"changed_runs\": %u, "
           "\"detected_runs\": %u, \"unjudged_runs\": %u, \"ops_below\": %u, \"correct_runs\": %u, "
           "\"false_findings\": %u, \"correct_unjudged\": %u}\n",
           count_exercised(s), s->sum.faults, s->sum.exercised, s->sum.found, s->sum.changed,
           s->sum.detected, s->sum.unjudged, blind, s->correct.changed, wrong, s->correct.unjudged);
}

static void print_summary(const struct bench_state *s, unsigned blind, unsigned wrong)
{
    const struct tally *sum = &s->sum, *correct = &s->correct;
    printf("\nfaults found: %u of %u exercised (%.1f %%); changed runs found: %.1f %%; ops of "
           "which less than %d %% is found: %u\n",
           sum->found, sum->exercised, percent(sum->found, sum->exercised),
           percent(sum->detected, sum->changed), LEAST_RECALL, blind);
    printf(
        "correct runs with legal rounding noise: %u, false findings: %u, unjudged: %u, "
        "elements masked as unstable: %.2f %%\n",
        correct->changed, wrong, correct->unjudged,
        percent(correct->unstable, correct->compared + correct->unstable + correct->unspecified));
}

static void try_faults(struct bench_state *s, const struct fault *faults, size_t n, bool quiet)
{
    if (!quiet) {
        print_head("mutation");
    }
    for (size_t i = 0; i < n && !stop_requested;) {
        struct tally t = {.mutation = faults[i].mutation};
        for (; i < n && faults[i].mutation == t.mutation && !stop_requested; i++) {
            try_fault(s, &faults[i], &t);
        }
        add_tally(&s->sum, &t);
        if (!quiet) {
            print_row(mutation_name(t.mutation), &t);
            fflush(stdout);
        }
    }
}

static enum err judge_run(const struct bench_settings *settings, struct arena *arena, bool *failed)
{
    struct bench_state s = {.target = &in_process, .seed = settings->seed, .arena = arena_new()};
    unsigned tests = settings->tests ? (unsigned)settings->tests : CORRECT_TESTS;
    s.changed_runs = tests < 100 ? 1 : tests / 100 < CHANGED_RUNS ? tests / 100 : CHANGED_RUNS;
    s.of_ops = ARENA_ZARRAY(arena, struct tally, op_count);
    TRY(policy_load("default", arena, &s.policy));
    s.policy->nodes = NODES;
    struct fault *faults;
    size_t n = faults_all(arena, &faults);
    s.of_faults = ARENA_ZARRAY(arena, struct tally, n);
    try_faults(&s, faults, n, settings->json);
    unsigned wrong = false_findings(&s, tests, &s.correct);
    unsigned blind = count_blind(&s);
    arena_free(s.arena);
    if (settings->json) {
        print_json(&s, blind, wrong);
    } else {
        print_ops(&s, faults, arena);
        print_summary(&s, blind, wrong);
    }
    *failed =
        wrong > 0 || blind > 0 || 100 * s.sum.found < 95 * s.sum.exercised || s.sum.exercised < 60;
    return stop_requested ? err_set(ERR_STOPPED, "stopped") : ERR_OK;
}

const struct bench_subject bench_judge = {
    .name = "judge",
    .summary = "recall of planted faults per mutation operator, false findings on correct runs",
    .run = judge_run,
};
