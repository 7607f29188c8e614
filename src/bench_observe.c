/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench observability`: can a fault be seen? In generated programs the results of a node,
 * drawn among those that this changes (not zeros, infinities, NaN or nothing), are changed by 1 %
 * (integers 1 more, bools the other way), and the run is judged. Printed is the share of all
 * programs in which that is a finding, and why the others are none: an op behind it absorbs the
 * change, what changes is masked, it stays in the bound, or no node's results can be changed. Then
 * the same of the changed op, with the times that the op absorbed a change.
 */
#include "bench.h"
#include "generate/generate.h"
#include "oracle/oracle.h"
#include "target/faulty.h"

#include <math.h>
#include <stdio.h>

enum { TESTS = 1000 };

/* What became of a change; the first is what is wanted. */
enum fate { FATE_FOUND, FATE_ABSORBED, FATE_MASKED, FATE_IN_BOUND, FATE_SAME, FATES };
static const char *const fate_names[FATES] = {"found", "absorbed", "masked", "in bound",
                                              "no change"};

static const struct scene {
    uint32_t nodes;
    bool is_clean;
    unsigned floor; /* percent found */
} scenes[] = {{10, true, 80}, {10, false, 80}, {40, true, 75}, {40, false, 75}};

struct tally {
    unsigned tests, fates[FATES];
};

/* Of all scenes, in op_table's order. */
struct by_op {
    struct tally *changed;
    unsigned *absorbed; /* by it */
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

/* Some node's results, changed: its index; n_nodes: none can be. */
static uint32_t change_one(const struct test *test, const struct array *right, struct rng *rng,
                           struct arena *arena, struct array *wrong, struct tensor *outputs)
{
    const struct program *p = test->program;
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, p->n_nodes);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        order[i] = i;
    }
    rng_shuffle(rng, order, p->n_nodes);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[order[i]];
        nudge_evaluate(test, order[i], arena, wrong, outputs);
        if (differs(right, wrong, node->n_out, node->out)) {
            return order[i];
        }
    }
    return p->n_nodes;
}

static enum fate fate_of(const struct test *test, struct rng *rng, struct by_op *ops,
                         struct arena *arena)
{
    static const struct target in_process = {
        .kind = &target_faulty, .text = "faulty", .options = "none"};
    const struct program *p = test->program;
    struct outcome o = {.kind = OUTCOME_OK, .n_outputs = p->n_outputs, .message = "", .log = ""};
    struct reference *r = reference_new(test, arena);
    const struct array *right = reference_values(r);
    struct array *wrong = ARENA_ZARRAY(arena, struct array, p->n_values);
    o.outputs = ARENA_ARRAY(arena, struct tensor, p->n_outputs);
    uint32_t changed = change_one(test, right, rng, arena, wrong, o.outputs);
    if (changed == p->n_nodes) {
        return FATE_SAME;
    }
    struct tally *own = &ops->changed[op_index(p->nodes[changed].op)];
    struct verdict v;
    enum fate fate;
    if (!differs(right, wrong, p->n_outputs, p->outputs)) {
        ops->absorbed[op_index(absorber(p, right, wrong))]++;
        fate = FATE_ABSORBED;
    } else {
        judge(&(struct judgement){test, r, &in_process, &o, arena}, &v);
        fate = v.kind == VERDICT_FINDING ? FATE_FOUND
               : is_masked(r, p, wrong)  ? FATE_MASKED
                                         : FATE_IN_BOUND;
    }
    own->tests++;
    own->fates[fate]++;
    return fate;
}

static void observe(const struct scene *scene, const struct policy *of, uint64_t tests,
                    uint64_t seed, struct tally *t, struct by_op *ops)
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
        t->fates[fate_of(&test, &rng, ops, arena)]++;
        t->tests++;
    }
    arena_free(arena);
}

static double share(const struct tally *t, enum fate fate)
{
    return t->tests ? 100.0 * t->fates[fate] / t->tests : 0;
}

static void print_head(const char *what)
{
    printf("%-18s %6s", what, "tests");
    for (unsigned f = 0; f < FATES; f++) {
        printf(" %9s%%", fate_names[f]);
    }
}

static void print_tally(const char *name, const struct tally *t)
{
    printf("%-18s %6u", name, t->tests);
    for (unsigned f = 0; f < FATES; f++) {
        printf(" %10.1f", share(t, (enum fate)f));
    }
}

static void print_ops(const struct by_op *ops)
{
    printf("\n");
    print_head("changed op");
    printf(" %9s\n", "absorbs");
    for (size_t i = 0; i < op_count; i++) {
        print_tally(op_table[i]->name, &ops->changed[i]);
        printf(" %9u\n", ops->absorbed[i]);
    }
}

static void print_scene(const struct scene *scene, const struct tally *t)
{
    char name[32];
    snprintf(name, sizeof(name), "%u nodes, %s", scene->nodes, scene->is_clean ? "clean" : "all");
    print_tally(name, t);
    printf("\n");
    fflush(stdout);
}

static void print_json(const struct tally *tallies)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
        const struct tally *t = &tallies[i];
        printf("%s{\"nodes\": %u, \"clean\": %s, \"programs\": %u, \"changed\": %u, "
               "\"found\": %u}",
               i ? ", " : "{\"observability\": [", scenes[i].nodes,
               scenes[i].is_clean ? "true" : "false", t->tests, t->tests - t->fates[FATE_SAME],
               t->fates[FATE_FOUND]);
    }
    printf("]}\n");
}

static enum err observe_run(const struct bench_settings *settings, struct arena *arena,
                            bool *failed)
{
    struct tally tallies[ARRAY_SIZE(scenes)] = {0};
    struct by_op ops = {.changed = ARENA_ZARRAY(arena, struct tally, op_count),
                        .absorbed = ARENA_ZARRAY(arena, unsigned, op_count)};
    struct policy *policy;
    TRY(policy_load("default", arena, &policy));
    if (!settings->json) {
        print_head("programs, inputs");
        printf("\n");
    }
    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
        struct tally *t = &tallies[i];
        observe(&scenes[i], policy, settings->tests ? settings->tests : TESTS, settings->seed, t,
                &ops);
        *failed |= share(t, FATE_FOUND) < scenes[i].floor;
        if (!settings->json) {
            print_scene(&scenes[i], t);
        }
    }
    if (settings->json) {
        print_json(tallies);
    } else {
        print_ops(&ops);
    }
    return stop_requested ? err_set(ERR_STOPPED, "stopped") : ERR_OK;
}

const struct bench_subject bench_observability = {
    .name = "observability",
    .summary = "share of programs in which one result changed by 1 % is a finding, and why not",
    .run = observe_run,
};
