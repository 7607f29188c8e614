/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agree_tool COUNT DEFECTS.yaml [-t TARGET]... [OP...]: COUNT generated programs of one node for
 * each op and dtype of its first input, said to ONNX Runtime (not optimised) and to torch, or to
 * the TARGETs; each answer must lie within the reference's bound (TAP, a test an op). Below it the
 * table: of the programs each library's passes, those it lacks (-), that cannot be judged (?), that
 * fail (!) or fail as a rule of the shipped ones or of DEFECTS.yaml says (known).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "narrow.h"
#include "triage/triage.h"

enum { TARGETS_MAX = 8, DRAWS = 6, SHOWN = 2 };
static const char *const usual_targets[] = {"onnxruntime:opt=none", "torch"};

struct tally {
    unsigned programs, n[TARGETS_MAX][VERDICT_COUNT];
};

struct checker {
    struct arena *arena, *work;
    struct target *targets[TARGETS_MAX];
    size_t n_targets;
    struct jury *jury;
    struct known_rules *shipped, *defects;
    struct policy *policy;
    unsigned count;
    unsigned shown; /* failures of the op and dtype at hand */
    unsigned failed_ops, total[TARGETS_MAX][VERDICT_COUNT];
};

static void must(enum err err)
{
    if (err == ERR_MISSING) {
        printf("1..1\nok 1 - three spellings # SKIP %s\n", err_text());
        exit(0);
    }
    if (err != ERR_OK) {
        fprintf(stderr, "%s\n", err_text());
        exit(2);
    }
}

/* ---- one program ---- */

static void show_failure(struct checker *c, size_t t, const struct test *test,
                         const struct verdict *v, const char *rule)
{
    struct buffer text = BUFFER_INIT;

    if (rule || c->shown++ >= SHOWN) {
        return;
    }
    program_print(test->program, &text);
    printf("# %s, test %llu: %s: %s\n", c->targets[t]->text, (unsigned long long)test->index,
           v->oracle, v->text);
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
        printf("#   %.300s\n", line);
    }
    buffer_release(&text);
}

static void judge_answers(struct checker *c, const struct test *test, struct tally *tally)
{
    struct outcome outcomes[TARGETS_MAX];
    struct reference *reference;

    must(jury_post(c->jury, test));
    reference = reference_new(test, c->work);
    must(jury_take(c->jury, c->work, outcomes));
    for (size_t t = 0; t < c->n_targets; t++) {
        const struct judgement j = {.test = test,
                                    .reference = reference,
                                    .target = c->targets[t],
                                    .outcome = &outcomes[t],
                                    .arena = c->work};
        struct verdict v;
        judge(&j, &v);
        if (v.kind == VERDICT_FINDING) {
            const char *rule =
                known_match(c->shipped, c->targets[t], test->program, &v, &outcomes[t], c->work);
            if (!rule) {
                rule = known_match(c->defects, c->targets[t], test->program, &v, &outcomes[t],
                                   c->work);
            }
            show_failure(c, t, test, &v, rule);
            v.kind = rule ? VERDICT_KNOWN : VERDICT_FINDING;
        }
        tally->n[t][v.kind]++;
        c->total[t][v.kind]++;
    }
    tally->programs++;
}

/* ---- an op ---- */

static void check_dtype(struct checker *c, size_t op, enum dtype d, struct tally *tally)
{
    *tally = (struct tally){0};
    c->shown = 0;
    for (uint64_t i = 0; tally->programs < c->count && i < (uint64_t)c->count * DRAWS; i++) {
        struct test test;
        arena_reset(c->work);
        generate_test(c->policy, 1000 + d, i, MATERIALIZE_ALL, c->work, &test);
        if (is_narrow(test.program, op, d)) {
            judge_answers(c, &test, tally);
        }
    }
}

/* "f32 200/198+2?" */
static void print_cell(const struct checker *c, const struct tally *tally, size_t t)
{
    static const char marks[VERDICT_COUNT] = {
        [VERDICT_FINDING] = '!',  [VERDICT_KNOWN] = 'k',    [VERDICT_UNSUPPORTED] = '-',
        [VERDICT_UNJUDGED] = '?', [VERDICT_FILTERED] = 'f', [VERDICT_NOT_EXERCISED] = 'x',
        [VERDICT_FLAKY] = 'y'};

    printf("  %s %u", c->targets[t]->kind->name, tally->n[t][VERDICT_PASS]);
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        if (marks[v] && tally->n[t][v]) {
            printf(" %u%c", tally->n[t][v], marks[v]);
        }
    }
}

/* false: an answer is wrong, or no program could be made at all. */
static bool check_op(struct checker *c, size_t op, dtype_set *baseline)
{
    bool is_right = true;
    unsigned programs = 0;

    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        struct tally tally;
        if (!policy_narrow(c->policy, op, d, baseline[d])) {
            continue;
        }
        check_dtype(c, op, d, &tally);
        printf("# %-20s %-4s %4u", op_table[op]->name, dtype_name(d), tally.programs);
        for (size_t t = 0; t < c->n_targets; t++) {
            print_cell(c, &tally, t);
            is_right = is_right && tally.n[t][VERDICT_FINDING] == 0;
        }
        printf("\n");
        programs += tally.programs;
    }
    return is_right && programs > 0;
}

static bool is_chosen(const struct op *op, int argc, char **argv)
{
    bool found = argc == 0;

    for (int i = 0; i < argc; i++) {
        found = found || strcmp(argv[i], op->name) == 0;
    }
    return found;
}

static void check_all(struct checker *c, int argc, char **argv)
{
    unsigned n = 0;

    for (size_t op = 0; op < op_count; op++) {
        dtype_set baseline[DTYPE_COUNT];
        if (!is_chosen(op_table[op], argc, argv)) {
            continue;
        }
        memcpy(baseline, c->policy->all.pairs[op], sizeof baseline);
        bool ok = check_op(c, op, baseline);
        memcpy(c->policy->all.pairs[op], baseline, sizeof baseline);
        printf("%s %u - %s\n", ok ? "ok" : "not ok", ++n, op_table[op]->name);
        fflush(stdout);
        c->failed_ops += !ok;
    }
    for (size_t t = 0; t < c->n_targets; t++) {
        printf("# %s:", c->targets[t]->text);
        for (size_t v = 0; v < VERDICT_COUNT; v++) {
            printf(" %u %s", c->total[t][v], verdict_names[v]);
        }
        printf("\n");
    }
    printf("1..%u\n", n);
}

static void add_target(struct checker *c, const char *text)
{
    must(c->n_targets < TARGETS_MAX ? ERR_OK : err_set(ERR_USAGE, "too many targets"));
    must(target_parse(text, NULL, c->arena, &c->targets[c->n_targets]));
    c->n_targets++;
}

int main(int argc, char **argv)
{
    struct checker c = {.arena = arena_new(), .work = arena_new()};

    if (argc < 3) {
        fprintf(stderr, "usage: agree_tool COUNT DEFECTS.yaml [-t TARGET]... [OP...]\n");
        return 2;
    }
    c.count = (unsigned)atoi(argv[1]);
    int first = 3;
    for (; first + 1 < argc && strcmp(argv[first], "-t") == 0; first += 2) {
        add_target(&c, argv[first + 1]);
    }
    for (size_t t = 0; c.n_targets < ARRAY_SIZE(usual_targets) && first == 3; t++) {
        add_target(&c, usual_targets[t]);
    }
    must(known_load(NULL, c.arena, &c.shipped));
    must(known_load(argv[2], c.arena, &c.defects));
    must(policy_parse("agree", "nodes = 1\n", c.arena, &c.policy));
    must(jury_open(c.targets, c.n_targets, NULL, &c.jury));
    check_all(&c, argc - first, argv + first);
    jury_close(c.jury);
    arena_free(c.work);
    arena_free(c.arena);
    return c.failed_ops ? 1 : 0;
}
