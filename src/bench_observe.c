/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench observability`: can a fault be seen? In generated programs one node's result is
 * changed by 1 % (integers 1 more, bools the other way), and the run is judged. Printed is the
 * share of programs in which that is a finding, and why the others are none: an op behind it
 * absorbs the change, what changes is masked, or it stays in the bound. Zeros, infinities, NaN and
 * what is empty cannot be changed by 1 %: those programs do not count.
 */
#include "bench.h"
#include "generate/generate.h"
#include "oracle/oracle.h"
#include "target/faulty.h"

#include <math.h>
#include <stdio.h>

enum { TESTS = 1000, ABSORBERS_SHOWN = 8 };

/* What became of a change; the first is what is wanted. */
enum fate { FATE_FOUND, FATE_SAME, FATE_ABSORBED, FATE_MASKED, FATE_IN_BOUND, FATES };
static const char *const fate_names[FATES] = {"found", "no change", "absorbed", "masked",
                                              "in bound"};

static const struct scene {
    uint32_t nodes;
    bool is_clean;
    unsigned floor; /* percent found */
} scenes[] = {{10, true, 80}, {10, false, 80}, {40, true, 60}, {40, false, 60}};

struct tally {
    unsigned tests, fates[FATES];
    unsigned *absorbers; /* in op_table's order */
};

static bool same_elements(const struct array *a, const struct array *b)
{
    for (size_t i = 0; i < a->n; i++) {
        bool same = a->v[i] == b->v[i] || (isnan(a->v[i]) && isnan(b->v[i]));
        if (!same) {
            return false;
        }
    }
    return true;
}

static bool differs(const struct array *a, const struct array *b, uint32_t n, const uint32_t *ids)
{
    for (uint32_t i = 0; i < n; i++) {
        if (ids[i] != VALUE_ABSENT && !same_elements(&a[ids[i]], &b[ids[i]])) {
            return true;
        }
    }
    return false;
}

/* The last node that reads a change and gives none. */
static const struct op *absorber(const struct program *p, const struct array *right,
                                 const struct array *wrong)
{
    const struct op *op = NULL;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        if (differs(right, wrong, node->n_in, node->in) &&
            !differs(right, wrong, node->n_out, node->out)) {
            op = node->op;
        }
    }
    return op;
}

/* Is every element that changed one that is not compared? */
static bool is_masked(struct reference *r, const struct program *p, const struct array *wrong)
{
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct expectation *x = reference_expectation(r, o);
        const struct array *y = &wrong[p->outputs[o]];
        for (size_t i = 0; i < x->n; i++) {
            bool same = x->declared[i] == y->v[i] || (isnan(x->declared[i]) && isnan(y->v[i]));
            if (!same && x->state[i] == ELEMENT_COMPARED) {
                return false;
            }
        }
    }
    return true;
}

static enum fate fate_of(const struct test *test, uint32_t changed, struct tally *t,
                         struct arena *arena)
{
    static const struct target in_process = {
        .kind = &target_faulty, .text = "faulty", .options = "none"};
    const struct program *p = test->program;
    struct outcome o = {.kind = OUTCOME_OK, .n_outputs = p->n_outputs, .message = "", .log = ""};
    struct reference *r = reference_new(test, arena);
    struct array *wrong = ARENA_ZARRAY(arena, struct array, p->n_values);
    o.outputs = ARENA_ARRAY(arena, struct tensor, p->n_outputs);
    nudge_evaluate(test, changed, arena, wrong, o.outputs);
    const struct array *right = reference_values(r);
    const struct node *node = &p->nodes[changed];
    if (!differs(right, wrong, node->n_out, node->out)) {
        return FATE_SAME;
    }
    if (!differs(right, wrong, p->n_outputs, p->outputs)) {
        t->absorbers[op_index(absorber(p, right, wrong))]++;
        return FATE_ABSORBED;
    }
    struct verdict v;
    judge(&(struct judgement){test, r, &in_process, &o, arena}, &v);
    if (v.kind == VERDICT_FINDING) {
        return FATE_FOUND;
    }
    return is_masked(r, p, wrong) ? FATE_MASKED : FATE_IN_BOUND;
}

static void observe(const struct scene *scene, const struct policy *of, uint64_t tests,
                    uint64_t seed, struct tally *t)
{
    struct arena *arena = arena_new();
    struct policy policy = *of;
    struct rng rng = rng_seeded(seed);
    policy.nodes = scene->nodes;
    policy.clean_percent = scene->is_clean ? 100 : policy.clean_percent;
    for (uint64_t i = 0; i < tests && !stop_requested; i++) {
        arena_reset(arena);
        struct test test;
        generate_test(&policy, seed, i, MATERIALIZE_ALL, arena, &test);
        uint32_t changed = (uint32_t)rng_below(&rng, test.program->n_nodes);
        t->fates[fate_of(&test, changed, t, arena)]++;
        t->tests++;
    }
    arena_free(arena);
}

/* Of the programs in which something was changed. */
static double share(const struct tally *t, enum fate fate)
{
    unsigned n = fate == FATE_SAME ? t->tests : t->tests - t->fates[FATE_SAME];
    return n ? 100.0 * t->fates[fate] / n : 0;
}

static void print_tally(const struct scene *scene, struct tally *t)
{
    printf("%5u %-6s %6u", scene->nodes, scene->is_clean ? "clean" : "all", t->tests);
    for (unsigned f = 0; f < FATES; f++) {
        printf(" %9.1f", share(t, (enum fate)f));
    }
    for (unsigned k = 0; k < ABSORBERS_SHOWN; k++) {
        size_t most = 0;
        for (size_t i = 0; i < op_count; i++) {
            most = t->absorbers[i] > t->absorbers[most] ? i : most;
        }
        if (t->absorbers[most] > 0) {
            printf(" %s %u", op_table[most]->name, t->absorbers[most]);
        }
        t->absorbers[most] = 0;
    }
    printf("\n");
}

static void print_json(const struct tally *tallies)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
        const struct tally *t = &tallies[i];
        printf("%s{\"nodes\": %u, \"clean\": %s, \"programs\": %u, \"changed\": %u, "
               "\"found\": %u}",
               i ? ", " : "[", scenes[i].nodes, scenes[i].is_clean ? "true" : "false", t->tests,
               t->tests - t->fates[FATE_SAME], t->fates[FATE_FOUND]);
    }
    printf("]\n");
}

static enum err observe_run(const struct bench_settings *settings, struct arena *arena,
                            bool *failed)
{
    struct tally tallies[ARRAY_SIZE(scenes)] = {0};
    struct policy *policy;
    TRY(policy_load("default", arena, &policy));
    if (!settings->json) {
        printf("%5s %-6s %6s", "nodes", "inputs", "tests");
        for (unsigned f = 0; f < FATES; f++) {
            printf(" %8s%%", fate_names[f]);
        }
        printf(" absorbed by\n");
    }
    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
        struct tally *t = &tallies[i];
        t->absorbers = ARENA_ZARRAY(arena, unsigned, op_count);
        observe(&scenes[i], policy, settings->tests ? settings->tests : TESTS, settings->seed, t);
        *failed |= share(t, FATE_FOUND) < scenes[i].floor;
        if (!settings->json) {
            print_tally(&scenes[i], t);
            fflush(stdout);
        }
    }
    if (settings->json) {
        print_json(tallies);
    }
    return stop_requested ? err_set(ERR_STOPPED, "stopped") : ERR_OK;
}

const struct bench_subject bench_observability = {
    .name = "observability",
    .summary = "share of programs in which one result changed by 1 % is a finding, and why not",
    .run = observe_run,
};
