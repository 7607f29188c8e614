/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench judge`: the judge is judged. Every planted fault (mutation operator x op) runs in
 * small programs made to hold its op until it has changed the outputs of the same number of them as
 * every other fault; printed are the faults found and the share of changed runs found, per op and
 * per mutation operator, what was masked as unstable or unjudged, the faults that changed nothing,
 * and the false findings on correct runs that carry legal rounding noise.
 */
#include "bench.h"
#include "bench_faults.h"
#include "oracle/oracle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    CHANGED_RUNS = 10, /* per fault: runs whose outputs the fault changes; --tests N: N / 100 */
    TRIES = 300,       /* tests that hold the op, ordinary ones and then as many special ones */
    SHARES = 3,        /* a fault runs in every third of them: else all faults of an op would be
                          judged by the same few */
    CORRECT_TESTS = 2000,
    NODES = 4,
    EVERY = 1,         /* as many nodes are the op under test as are others */
    LEAST_RECALL = 80, /* percent of changed runs, of an op with at least LEAST_RUNS of them */
    LEAST_RUNS = 40,
    LEAST_CHANGED = 3, /* runs that a fault changes, before it is said that none was found */
};

struct tally {
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
    struct fault *faults;
    size_t n_faults;
    struct tally *of_faults;    /* as faults_all has them */
    struct tally *of_ops;       /* in op_table's order */
    struct tally *of_mutations; /* in the order of their faults, named by `mutations` */
    const struct mutation **mutations;
    size_t n_mutations;
    struct tally sum, correct;
};

static const struct target in_process = {
    .kind = &target_faulty, .text = "faulty", .options = "none"};

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

/* Does the fault belong to the group that shares tests, and has it changed too few runs as yet? */
static bool is_wanting(const struct bench_state *s, size_t fault, const struct op *op,
                       dtype_set dtypes)
{
    const struct fault *f = &s->faults[fault];
    return f->op == op && mutation_dtypes(f->mutation) == dtypes &&
           s->of_faults[fault].changed < s->changed_runs;
}

static bool any_wanting(const struct bench_state *s, const struct op *op, dtype_set dtypes)
{
    for (size_t f = 0; f < s->n_faults; f++) {
        if (is_wanting(s, f, op, dtypes)) {
            return true;
        }
    }
    return false;
}

static void try_faults_in(struct bench_state *s, const struct test *test, const struct op *op,
                          dtype_set dtypes)
{
    struct reference *r = reference_new(test, s->arena);
    for (size_t f = 0; f < s->n_faults; f++) {
        bool has_turn = (f + test->index) % SHARES == 0;
        if (has_turn && is_wanting(s, f, op, dtypes) &&
            changes_outputs(s, test, &s->faults[f], r)) {
            struct verdict v;
            judge_fault_run(s, test, &s->faults[f], r, &v);
            count_run(&s->of_faults[f], &v);
        }
    }
}

/* Faults of an op that show in the same dtypes share tests; those that ordinary values do not let
 * show then get NaN, infinities, subnormals and extremes. */
static void try_group(struct bench_state *s, const struct op *op, dtype_set dtypes)
{
    struct policy policy = bench_policy_of(s->policy, op, dtypes, EVERY);
    unsigned tests = 0;
    for (uint64_t i = 0; tests < 2 * TRIES && any_wanting(s, op, dtypes) && !stop_requested; i++) {
        if (tests == TRIES) {
            policy.clean_percent = 0;
        }
        arena_reset(s->arena);
        struct test test;
        generate_test(&policy, s->seed, i, MATERIALIZE_ALL, s->arena, &test);
        if (bench_has_op(test.program, op)) {
            tests++;
            try_faults_in(s, &test, op, dtypes);
        }
    }
}

static size_t mutation_place(struct bench_state *s, const struct mutation *mutation)
{
    size_t i = 0;
    while (i < s->n_mutations && s->mutations[i] != mutation) {
        i++;
    }
    s->mutations[i] = mutation;
    s->n_mutations = i < s->n_mutations ? s->n_mutations : i + 1;
    return i;
}

/* Is it the first of its group? Each group is tried once: a test counts once for a fault. */
static bool is_first_of_group(const struct bench_state *s, size_t fault)
{
    const struct fault *own = &s->faults[fault];
    for (size_t f = 0; f < fault; f++) {
        const struct fault *other = &s->faults[f];
        if (other->op == own->op &&
            mutation_dtypes(other->mutation) == mutation_dtypes(own->mutation)) {
            return false;
        }
    }
    return true;
}

static void try_op(struct bench_state *s, const struct op *op)
{
    for (size_t f = 0; f < s->n_faults; f++) {
        if (s->faults[f].op == op && is_first_of_group(s, f)) {
            try_group(s, op, mutation_dtypes(s->faults[f].mutation));
        }
    }
    for (size_t f = 0; f < s->n_faults; f++) {
        struct tally *own = &s->of_faults[f];
        if (s->faults[f].op != op) {
            continue;
        }
        own->faults = 1;
        own->exercised = own->changed > 0;
        own->found = own->detected > 0;
        if (own->changed >= LEAST_CHANGED && !own->found) {
            log_warn("not found: %s (%u changed runs)", fault_name(&s->faults[f], s->arena),
                     own->changed);
        }
        add_tally(&s->of_mutations[mutation_place(s, s->faults[f].mutation)], own);
        add_tally(&s->of_ops[op_index(op)], own);
        add_tally(&s->sum, own);
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

static void print_head(const char *what)
{
    printf("%-18s %6s %9s %6s %8s %9s %9s %9s %11s\n", what, "faults", "exercised", "found",
           "changed", "detected%", "unjudged%", "unstable%", "unspecified%");
}

static void print_row(const char *name, const struct tally *t)
{
    size_t elements = t->compared + t->unstable + t->unspecified;
    printf("%-18s %6u %9u %6u %8u %9.1f %9.1f %9.2f %11.2f\n", name, t->faults, t->exercised,
           t->found, t->changed, bench_percent(t->detected, t->changed),
           bench_percent(t->unjudged, t->changed), bench_percent(t->unstable, elements),
           bench_percent(t->unspecified, elements));
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

/* The same by mutation, and what is not found of the ops of which too little is. */
static void print_mutations(const struct bench_state *s, struct arena *arena)
{
    printf("\n");
    print_head("mutation");
    for (size_t i = 0; i < s->n_mutations; i++) {
        print_row(mutation_name(s->mutations[i]), &s->of_mutations[i]);
    }
    print_row("all", &s->sum);
    for (size_t i = 0; i < s->n_faults; i++) {
        const struct tally *t = &s->of_faults[i];
        const char *name = fault_name(&s->faults[i], arena);
        if (t->faults && !t->exercised) {
            printf("not exercised in %d tests: %s\n", 2 * TRIES / SHARES, name);
        }
        if (is_blind(&s->of_ops[op_index(s->faults[i].op)]) && t->detected < t->changed) {
            printf("%s: %u of %u changed runs found, %u unjudged\n", name, t->detected, t->changed,
                   t->unjudged);
        }
    }
}

static void print_json(const struct bench_state *s, struct arena *arena, unsigned blind,
                       unsigned wrong)
{
    printf("{\"ops\": %u, \"faults\": %u, \"exercised\": %u, \"found\": %u, \"changed_runs\": %u, "
           "\"detected_runs\": %u, \"unjudged_runs\": %u, \"ops_below\": %u, \"correct_runs\": %u, "
           "\"false_findings\": %u, \"correct_unjudged\": %u, \"recall\": {",
           count_exercised(s), s->sum.faults, s->sum.exercised, s->sum.found, s->sum.changed,
           s->sum.detected, s->sum.unjudged, blind, s->correct.changed, wrong, s->correct.unjudged);
    for (size_t i = 0; i < op_count; i++) {
        const struct tally *t = &s->of_ops[i];
        printf("%s\"%s\": %.3f", i ? ", " : "", op_table[i]->name,
               bench_percent(t->detected, t->changed) / 100);
    }
    const char *separator = "";
    printf("}, \"not_exercised\": [");
    for (size_t i = 0; i < s->n_faults; i++) {
        if (!s->of_faults[i].exercised) {
            printf("%s\"%s\"", separator, fault_name(&s->faults[i], arena));
            separator = ", ";
        }
    }
    printf("]}\n");
}

static void print_summary(const struct bench_state *s, unsigned blind, unsigned wrong)
{
    const struct tally *sum = &s->sum, *correct = &s->correct;
    printf("\nfaults found: %u of %u exercised (%.1f %%); changed runs found: %.1f %%; ops of "
           "which less than %d %% is found: %u\n",
           sum->found, sum->exercised, bench_percent(sum->found, sum->exercised),
           bench_percent(sum->detected, sum->changed), LEAST_RECALL, blind);
    printf("correct runs with legal rounding noise: %u, false findings: %u, unjudged: %u, "
           "elements masked as unstable: %.2f %%\n",
           correct->changed, wrong, correct->unjudged,
           bench_percent(correct->unstable,
                         correct->compared + correct->unstable + correct->unspecified));
}

static void try_faults(struct bench_state *s, bool quiet)
{
    if (!quiet) {
        print_head("op");
    }
    for (size_t i = 0; i < op_count && !stop_requested; i++) {
        try_op(s, op_table[i]);
        if (!quiet) {
            print_row(op_table[i]->name, &s->of_ops[i]);
            fflush(stdout);
        }
    }
}

static enum err judge_run(const struct bench_settings *settings, struct arena *arena, bool *failed)
{
    struct bench_state s = {.target = &in_process, .seed = settings->seed};
    unsigned tests = settings->tests ? (unsigned)settings->tests : CORRECT_TESTS;
    s.changed_runs = tests < 100 ? 1 : tests / 100 < CHANGED_RUNS ? tests / 100 : CHANGED_RUNS;
    TRY(policy_load("default", arena, &s.policy));
    s.policy->nodes = NODES;
    s.n_faults = faults_all(arena, &s.faults);
    s.of_faults = ARENA_ZARRAY(arena, struct tally, s.n_faults);
    s.of_ops = ARENA_ZARRAY(arena, struct tally, op_count);
    s.of_mutations = ARENA_ZARRAY(arena, struct tally, mutation_count);
    s.mutations = ARENA_ZARRAY(arena, const struct mutation *, mutation_count);
    s.arena = arena_new();
    try_faults(&s, settings->json);
    unsigned wrong = false_findings(&s, tests, &s.correct);
    unsigned blind = count_blind(&s);
    arena_free(s.arena);
    if (settings->json) {
        print_json(&s, arena, blind, wrong);
    } else {
        print_mutations(&s, arena);
        print_summary(&s, blind, wrong);
    }
    *failed = wrong > 0 || blind > 0 || 100 * s.sum.found < 95 * s.sum.exercised ||
              100 * s.sum.detected < 95 * s.sum.changed ||
              100 * s.sum.exercised < 99 * s.sum.faults;
    return stop_requested ? err_set(ERR_STOPPED, "stopped") : ERR_OK;
}

const struct bench_subject bench_judge = {
    .name = "judge",
    .summary = "recall of planted faults per mutation operator, false findings on correct runs",
    .run = judge_run,
};
