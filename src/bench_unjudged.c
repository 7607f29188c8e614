/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench unjudged`: which ops make that results cannot be judged. An output of which over
 * half may not be compared is blind: a run that does not give it as declared is unjudged. In
 * generated tests each blind output is followed back to the node where that begins, and the op
 * counted, once a test, by what most of the elements there are. Shares are of all tests of those
 * inputs, so they tell how much would be won, at most.
 */
#include "bench.h"
#include "generate/generate.h"
#include "oracle/oracle.h"

#include <stdio.h>
#include <stdlib.h>

enum { TESTS = 2000, SHOWN = 20 };
enum why { WHY_UNSTABLE, WHY_UNSPECIFIED, WHYS };
enum { SCENES = 2 };
static const char *const scene_names[SCENES] = {"clean", "special"};

struct tally {
    uint64_t tests, blind;
    uint64_t (*begins)[WHYS]; /* tests in which it begins there, in op_table's order */
};

static bool is_blind(const struct expectation *x)
{
    return x->n > 0 && 2 * (x->n_unstable + x->n_unspecified) > x->n;
}

/* Every result of a test as an output of it. */
struct bared {
    struct program program;
    struct test test;
    struct reference *reference;
    uint32_t *place; /* by value id: which output; UINT32_MAX: no node's result */
};

static void bare(struct bared *b, const struct test *test, struct arena *arena)
{
    struct program *p = &b->program;
    b->test = *test;
    *p = *test->program;
    p->outputs = ARENA_ARRAY(arena, uint32_t, p->n_values + 1);
    p->outputs_capacity = p->n_values + 1;
    p->n_outputs = 0;
    b->place = ARENA_ARRAY(arena, uint32_t, p->n_values + 1);
    for (uint32_t id = 0; id < p->n_values; id++) {
        b->place[id] = UINT32_MAX;
        if (p->values[id].kind == VALUE_NODE) {
            b->place[id] = p->n_outputs;
            p->outputs[p->n_outputs++] = id;
        }
    }
    b->test.program = p;
    b->reference = reference_new(&b->test, arena);
}

/* NULL: an input, a constant, or absent. */
static const struct expectation *expected(const struct bared *b, uint32_t id)
{
    bool is_made = id != VALUE_ABSENT && b->place[id] != UINT32_MAX;
    return is_made ? reference_expectation(b->reference, b->place[id]) : NULL;
}

/* The blind result that a blind one comes from, with none before it. */
static uint32_t beginning(const struct bared *b, uint32_t id)
{
    for (;;) {
        const struct node *node = &b->program.nodes[b->program.values[id].node];
        uint32_t before = VALUE_ABSENT;
        for (uint32_t k = 0; k < node->n_in; k++) {
            const struct expectation *x = expected(b, node->in[k]);
            before = x && is_blind(x) ? node->in[k] : before;
        }
        if (before == VALUE_ABSENT) {
            return id;
        }
        id = before;
    }
}

static void count_test(const struct test *test, struct tally *t, struct arena *arena)
{
    struct bared b;
    bare(&b, test, arena);
    bool(*seen)[WHYS] = arena_zalloc(arena, op_count * sizeof(*seen));
    bool any = false;
    for (uint32_t o = 0; o < test->program->n_outputs; o++) {
        const struct expectation *x = expected(&b, test->program->outputs[o]);
        if (!x || !is_blind(x)) {
            continue;
        }
        uint32_t id = beginning(&b, test->program->outputs[o]);
        const struct expectation *first = expected(&b, id);
        enum why why = first->n_unspecified > first->n_unstable ? WHY_UNSPECIFIED : WHY_UNSTABLE;
        size_t op = op_index(b.program.nodes[b.program.values[id].node].op);
        t->begins[op][why] += !seen[op][why];
        seen[op][why] = any = true;
    }
    t->tests++;
    t->blind += any;
}

static double total_of(const struct tally *tallies, size_t op)
{
    double total = 0;
    for (int s = 0; s < SCENES; s++) {
        for (int why = 0; why < WHYS; why++) {
            total += bench_percent(tallies[s].begins[op][why], tallies[s].tests);
        }
    }
    return total;
}

/* The op with the largest total of those not yet taken; op_count: nothing begins at the others. */
static size_t next_op(const struct tally *tallies, bool *taken)
{
    size_t best = op_count;
    for (size_t op = 0; op < op_count; op++) {
        bool is_more = best == op_count || total_of(tallies, op) > total_of(tallies, best);
        best = !taken[op] && is_more && total_of(tallies, op) > 0 ? op : best;
    }
    if (best < op_count) {
        taken[best] = true;
    }
    return best;
}

static void print_table(const struct tally *tallies, struct arena *arena)
{
    bool *taken = ARENA_ZARRAY(arena, bool, op_count);
    for (int s = 0; s < SCENES; s++) {
        printf("%s inputs: %llu tests, %.1f %% with an output of which over half is not compared\n",
               scene_names[s], (unsigned long long)tallies[s].tests,
               bench_percent(tallies[s].blind, tallies[s].tests));
    }
    printf("\nbegins at           clean: unstable unspecified  special: unstable unspecified\n");
    for (int i = 0; i < SHOWN; i++) {
        size_t op = next_op(tallies, taken);
        if (op == op_count) {
            break;
        }
        printf("%-20s", op_table[op]->name);
        for (int s = 0; s < SCENES; s++) {
            printf("%*.2f%% %10.2f%%", s == 0 ? 14 : 17,
                   bench_percent(tallies[s].begins[op][WHY_UNSTABLE], tallies[s].tests),
                   bench_percent(tallies[s].begins[op][WHY_UNSPECIFIED], tallies[s].tests));
        }
        printf("\n");
    }
}

static void print_json(const struct tally *tallies, struct arena *arena)
{
    bool *taken = ARENA_ZARRAY(arena, bool, op_count);
    printf("{");
    for (int s = 0; s < SCENES; s++) {
        printf("\"%s\": {\"tests\": %llu, \"blind\": %llu}, ", scene_names[s],
               (unsigned long long)tallies[s].tests, (unsigned long long)tallies[s].blind);
    }
    printf("\"begins\": {");
    size_t op = next_op(tallies, taken);
    for (bool is_first = true; op < op_count; is_first = false, op = next_op(tallies, taken)) {
        printf("%s\"%s\": {", is_first ? "" : ", ", op_table[op]->name);
        for (int s = 0; s < SCENES; s++) {
            printf("%s\"%s\": {\"unstable\": %llu, \"unspecified\": %llu}", s ? ", " : "",
                   scene_names[s], (unsigned long long)tallies[s].begins[op][WHY_UNSTABLE],
                   (unsigned long long)tallies[s].begins[op][WHY_UNSPECIFIED]);
        }
        printf("}");
    }
    printf("}}\n");
}

static enum err unjudged_run(const struct bench_settings *settings, struct arena *arena,
                             bool *failed)
{
    struct policy *policy;
    struct tally tallies[SCENES] = {0};
    uint64_t tests = settings->tests > 0 ? settings->tests : TESTS;
    TRY(policy_load("default", arena, &policy));
    struct arena *work = arena_new();
    policy_without_targets(policy, policy->opset);
    for (int s = 0; s < SCENES; s++) {
        tallies[s].begins = arena_zalloc(arena, op_count * sizeof(*tallies[s].begins));
        policy->clean_percent = s == 0 ? 100 : 0;
        for (uint64_t i = 0; i < tests && !stop_requested; i++) {
            struct test test;
            arena_reset(work);
            generate_test(policy, settings->seed, i, MATERIALIZE_ALL, work, &test);
            count_test(&test, &tallies[s], work);
        }
    }
    arena_free(work);
    if (settings->json) {
        print_json(tallies, arena);
    } else {
        print_table(tallies, arena);
    }
    return stop_requested ? err_set(ERR_STOPPED, "stopped") : ERR_OK;
}

const struct bench_subject bench_unjudged = {
    .name = "unjudged",
    .summary = "ops at which it begins that over half of an output cannot be compared, and why",
    .run = unjudged_run,
};
