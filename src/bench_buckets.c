/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench buckets`: is one cause one bucket? Faults are planted, each in a target of its own
 * but all of one library, in ops drawn by the seed, one an op. In turns each gets findings in
 * ordinary programs that hold its op, which go the campaign's own way: recheck, reduction, bucket.
 * Printed are, over pairs of findings, precision (of one bucket, how many are of one cause) and
 * recall (of one cause, how many are in one bucket), and the number of buckets beside that of
 * causes. Every cause weighs the same, however often it was found: what is found most would else be
 * all that counts. What is in company that it should not be in, or lacks company, is listed. With
 * --from the findings are a campaign's, and --labels says whose cause is which; with --target they
 * are of libraries (bench_buckets_found.c).
 */
#include "bench_buckets.h"
#include "bench_faults.h"
#include "target/faulty.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FAULTS = 60,   /* planted */
    FINDINGS = 6,  /* of each; --tests N */
    TRIES = 60,    /* tests that hold the op, for each of its findings */
    NODES = 10,    /* of a program */
    SHOWN_MAX = 8, /* names in a line of the table */
};

static const double least = 95; /* percent, of both */

/* ---- pairs ---- */

struct pairs {
    size_t findings, causes, buckets;
    size_t alone;             /* causes of one finding, which say nothing of recall */
    double precision, recall; /* percent */
};

/* Of finding i: the others of its cause, of its bucket, of both. */
static void count_company(const struct labelled *all, size_t n, size_t i, size_t company[3])
{
    for (size_t k = 0; k < n; k++) {
        bool label = k != i && strcmp(all[k].label, all[i].label) == 0;
        bool bucket = k != i && strcmp(all[k].bucket, all[i].bucket) == 0;
        company[0] += label;
        company[1] += bucket;
        company[2] += label && bucket;
    }
}

static bool is_first(const struct labelled *all, size_t i, bool of_bucket)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(of_bucket ? all[k].bucket : all[k].label,
                   of_bucket ? all[i].bucket : all[i].label) == 0) {
            return false;
        }
    }
    return true;
}

/* The mean over the cause's findings of the share of their company that belongs to them; false:
 * none has company. */
static bool cause_shares(const struct labelled *all, size_t n, const char *label, double *precision,
                         double *recall)
{
    double right = 0, found = 0, in_buckets = 0, in_cause = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].label, label) != 0) {
            continue;
        }
        size_t company[3] = {0};
        count_company(all, n, i, company);
        right += company[1] > 0 ? (double)company[2] / (double)company[1] : 0;
        in_buckets += company[1] > 0;
        found += company[0] > 0 ? (double)company[2] / (double)company[0] : 0;
        in_cause += company[0] > 0;
    }
    *precision = in_buckets > 0 ? right / in_buckets : -1;
    *recall = in_cause > 0 ? found / in_cause : -1;
    return in_cause > 0;
}

static struct pairs judge_pairs(const struct labelled *all, size_t n)
{
    struct pairs p = {.findings = n};
    double precision = 0, recall = 0;
    size_t in_buckets = 0, in_causes = 0;
    for (size_t i = 0; i < n; i++) {
        p.buckets += is_first(all, i, true);
        if (!is_first(all, i, false)) {
            continue;
        }
        p.causes++;
        double of[2];
        if (cause_shares(all, n, all[i].label, &of[0], &of[1])) {
            recall += of[1];
            in_causes++;
        }
        precision += of[0] >= 0 ? of[0] : 0;
        in_buckets += of[0] >= 0;
    }
    p.precision =
        in_buckets > 0 ? 100 * precision / (double)in_buckets : 100; /* no pair is wrong */
    p.recall = in_causes > 0 ? 100 * recall / (double)in_causes : 0;
    p.alone = p.causes - in_causes;
    return p;
}

/* ---- what is printed ---- */

static bool same_pair(const struct labelled *a, const struct labelled *b)
{
    return strcmp(a->label, b->label) == 0 && strcmp(a->bucket, b->bucket) == 0;
}

/* Is k the first of its cause in its bucket? */
static bool is_first_of_pair(const struct labelled *all, size_t k)
{
    size_t j = 0;
    while (j < k && !same_pair(&all[j], &all[k])) {
        j++;
    }
    return j == k;
}

/* What has the cause (bucket) of i, once for each bucket (cause): how many; which, where it is
 * printed. */
static size_t other_side(const struct labelled *all, size_t n, size_t i, bool of_bucket, bool print)
{
    size_t count = 0;
    for (size_t k = i; k < n; k++) {
        const char *a = of_bucket ? all[k].bucket : all[k].label;
        const char *b = of_bucket ? all[i].bucket : all[i].label;
        if (strcmp(a, b) != 0 || !is_first_of_pair(all, k)) {
            continue;
        }
        count++;
        if (!print || count > SHOWN_MAX) {
            continue;
        }
        size_t findings = 0;
        for (size_t j = k; j < n; j++) {
            findings += same_pair(&all[j], &all[k]);
        }
        printf("    %zu in %s (%s)\n", findings, of_bucket ? all[k].label : all[k].bucket,
               all[k].place);
    }
    return count;
}

static void print_mixed(const struct labelled *all, size_t n, bool of_bucket)
{
    for (size_t i = 0; i < n; i++) {
        bool first = is_first(all, i, of_bucket);
        size_t others = first ? other_side(all, n, i, of_bucket, false) : 0;
        if (others > 1) {
            printf("%s: %zu %s\n", of_bucket ? all[i].bucket : all[i].label, others,
                   of_bucket ? "causes" : "buckets");
            (void)other_side(all, n, i, of_bucket, true);
        }
        if (others > SHOWN_MAX) {
            printf("    and %zu more\n", others - SHOWN_MAX);
        }
    }
}

/* Has any cause two findings? */
static bool knows_recall(const struct pairs *p)
{
    return p->alone < p->causes;
}

static void print_pairs(const struct pairs *p, const struct labelled *all, size_t n, bool json)
{
    bool is_known = knows_recall(p);
    char recall[32];
    snprintf(recall, sizeof(recall), json ? "%.4f" : "%.1f %%", json ? p->recall / 100 : p->recall);
    if (json) {
        printf("{\"findings\": %zu, \"causes\": %zu, \"buckets\": %zu, \"alone\": %zu, "
               "\"precision\": %.4f, \"recall\": %s}\n",
               p->findings, p->causes, p->buckets, p->alone, p->precision / 100,
               is_known ? recall : "null");
        return;
    }
    print_mixed(all, n, false);
    print_mixed(all, n, true);
    printf("%zu findings of %zu causes in %zu buckets\n", p->findings, p->causes, p->buckets);
    if (p->alone > 0) {
        printf("%zu of the causes have one finding, which says nothing of recall\n", p->alone);
    }
    printf("precision %.1f %%, recall %s of pairs, each cause weighing the same (at least "
           "%.0f %%)\n",
           p->precision, is_known ? recall : "not known", least);
}

/* ---- planted faults ---- */

struct planted {
    const struct fault *fault;
    struct policy policy; /* of programs that hold its op */
    uint64_t next;        /* test to look at */
    bool spent;           /* shows too seldom */
};

struct plot {
    struct planted faults[FAULTS];
    struct target *targets[FAULTS];
    size_t n;
    uint64_t seed;
    struct jury *jury;
    struct store *store;
    struct known_rules *none;
    struct counts totals;
    struct live live;
    struct triage *triage;
    struct arena *memory; /* of one test */
};

/* One an op: two faults of one op that look the same to every test are one cause to anybody. */
static enum err draw_faults(struct plot *plot, const struct policy *usual, struct arena *arena)
{
    struct fault *all;
    size_t n = faults_all(arena, &all);
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, n);
    bool *is_taken = ARENA_ZARRAY(arena, bool, op_count);
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    struct rng rng = rng_seeded(plot->seed);
    rng_shuffle(&rng, order, n);
    for (size_t i = 0; i < n && plot->n < FAULTS; i++) {
        const struct fault *fault = &all[order[i]];
        if (is_taken[op_index(fault->op)]) {
            continue;
        }
        is_taken[op_index(fault->op)] = true;
        struct planted *p = &plot->faults[plot->n];
        *p = (struct planted){.fault = fault};
        p->policy = bench_policy_of(usual, fault->op, mutation_dtypes(fault->mutation), 1);
        TRY(target_parse(arena_printf(arena, "faulty:%s", fault_name(fault, arena)), NULL, arena,
                         &plot->targets[plot->n]));
        plot->n++;
    }
    return ERR_OK;
}

enum err bucket_trial(struct jury *jury, struct target *const *targets, size_t n, size_t t,
                      const struct test *test, struct arena *arena, struct trial *trial)
{
    struct outcome *outcomes = ARENA_ZARRAY(arena, struct outcome, n);
    struct verdict *verdicts = ARENA_ZARRAY(arena, struct verdict, n);
    for (size_t i = 0; i < n; i++) {
        outcomes[i] = (struct outcome){.kind = OUTCOME_NOT_EXERCISED, .message = "", .log = ""};
        verdicts[i] = (struct verdict){.kind = VERDICT_NOT_EXERCISED, .oracle = "", .text = ""};
    }
    TRY(jury_run(jury, t, test, arena, &outcomes[t]));
    *trial = (struct trial){.test = test,
                            .reference = reference_new(test, arena),
                            .outcomes = outcomes,
                            .verdicts = verdicts};
    const struct judgement j = {.test = test,
                                .reference = trial->reference,
                                .target = targets[t],
                                .outcome = &outcomes[t],
                                .arena = arena};
    judge(&j, &verdicts[t]);
    return ERR_OK;
}

/* Runs the next test there; *found: it failed, and is in its bucket. */
static enum err try_next(struct plot *plot, size_t f, bool *found)
{
    struct planted *p = &plot->faults[f];
    struct test test;
    struct trial trial;
    arena_reset(plot->memory);
    generate_test(&p->policy, plot->seed, p->next++, MATERIALIZE_ALL, plot->memory, &test);
    TRY(bucket_trial(plot->jury, plot->targets, plot->n, f, &test, plot->memory, &trial));
    *found = trial.verdicts[f].kind == VERDICT_FINDING;
    /* Of as much CPU time that the campaign's share for reduction is never the limit. */
    return *found ? triage_finding(plot->triage, &trial, f, 1e9, plot->memory) : ERR_OK;
}

static enum err find_in_turns(struct plot *plot, uint64_t findings)
{
    for (uint64_t round = 0; round < findings; round++) {
        log_info("finding %llu of %llu of each fault", (unsigned long long)round + 1,
                 (unsigned long long)findings);
        for (size_t f = 0; f < plot->n; f++) {
            bool found = false;
            for (int i = 0; i < TRIES && !found && !plot->faults[f].spent; i++) {
                if (stop_requested) {
                    return err_set(ERR_STOPPED, "stopped before all was measured");
                }
                TRY(try_next(plot, f, &found));
            }
            plot->faults[f].spent = !found;
        }
    }
    return ERR_OK;
}

static enum err plant(struct plot *plot, uint64_t findings, const char *dir, struct arena *arena)
{
    struct policy *usual;
    TRY(policy_load("default", arena, &usual));
    usual->nodes = NODES;
    policy_without_targets(usual, usual->opset);
    TRY(draw_faults(plot, usual, arena));
    TRY(jury_open(plot->targets, plot->n, &(struct jury_options){0}, &plot->jury));
    TRY(store_open(dir, true, &plot->store));
    TRY(known_load("none", arena, &plot->none));
    const struct triage_options options = {
        .store = plot->store,
        .jury = plot->jury,
        .targets = plot->targets,
        .n_targets = plot->n,
        .known = plot->none,
        .dir = dir,
        .jobs = 1,
        .totals = &plot->totals,
        .live = &plot->live,
    };
    TRY(triage_open(&options, &plot->triage));
    return find_in_turns(plot, findings);
}

/* ---- labels ---- */

/* Planted: the target names the cause. */
static enum err read_planted(struct store *store, struct arena *arena, struct labelled **all,
                             size_t *n)
{
    struct finding_row *rows;
    size_t n_rows;
    TRY(store_findings(store, arena, &rows, &n_rows));
    *all = ARENA_ARRAY(arena, struct labelled, n_rows);
    *n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        (*all)[(*n)++] = (struct labelled){
            .label = rows[i].target,
            .bucket = rows[i].bucket,
            .place = arena_printf(arena, "test %llu", (unsigned long long)rows[i].test_index)};
    }
    return ERR_OK;
}

static enum err run_planted(const struct bench_settings *s, struct arena *arena,
                            struct labelled **all, size_t *n)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = arena_printf(arena, "%s/opjury-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        return err_set(ERR_IO, "%s: %m", dir);
    }
    struct plot *plot = xcalloc(1, sizeof(*plot));
    plot->seed = s->seed;
    plot->memory = arena_new();
    enum err err = plant(plot, s->tests > 0 ? s->tests : FINDINGS, dir, arena);
    if (err == ERR_OK) {
        err = read_planted(plot->store, arena, all, n);
    }
    triage_close(plot->triage);
    store_close(plot->store);
    jury_close(plot->jury);
    arena_free(plot->memory);
    free(plot);
    bench_remove_tree(dir);
    return err;
}

static const struct finding_row *row_of(const struct finding_row *rows, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id == id) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Lines "ID<tab>CAUSE"; what is empty or begins with '#' says nothing. */
static enum err read_labels(const char *path, char *text, const struct finding_row *rows,
                            size_t n_rows, struct arena *arena, struct labelled **all, size_t *n)
{
    char *rest = NULL;
    *all = NULL;
    *n = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '#') {
            continue;
        }
        char *tab = strchr(line, '\t');
        if (tab == NULL || tab[1] == '\0') {
            return err_set(ERR_INPUT, "%s: '%.40s' is no line ID<tab>CAUSE", path, line);
        }
        *tab = '\0';
        uint64_t id;
        TRY(parse_u64("ID", line, &id));
        const struct finding_row *row = row_of(rows, n_rows, id);
        if (row == NULL) {
            return err_set(ERR_INPUT, "%s: the campaign has no finding %s", path, line);
        }
        *all = arena_room(arena, *all, *n, sizeof(**all));
        (*all)[(*n)++] = (struct labelled){.label = arena_strdup(arena, tab + 1),
                                           .bucket = row->bucket,
                                           .place = arena_printf(arena, "finding %s", line)};
    }
    return ERR_OK;
}

static enum err run_campaign(const struct bench_settings *s, struct arena *arena,
                             struct labelled **all, size_t *n)
{
    struct store *store;
    struct finding_row *rows;
    size_t n_rows;
    TRY(store_open(s->from.items[0], false, &store));
    enum err err = store_findings(store, arena, &rows, &n_rows);
    store_close(store);
    TRY(err);
    struct buffer text = BUFFER_INIT;
    err = file_read(s->labels, 0, &text);
    if (err == ERR_OK && text.data != NULL) {
        err = read_labels(s->labels, text.data, rows, n_rows, arena, all, n);
    }
    buffer_release(&text);
    return err;
}

static enum err run_buckets(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct labelled *all = NULL;
    size_t n = 0;
    bool is_found = s->targets.n > 0;
    if (!is_found && (s->from.n > 0) != (s->labels != NULL)) {
        return err_set(ERR_USAGE, "--labels FILE goes with --from DIR or with --target");
    }
    if (!is_found && s->from.n > 1) {
        return err_set(ERR_USAGE, "findings of several --from go into new buckets by running: name "
                                  "their --target, too");
    }
    TRY(is_found        ? label_found(s, arena, &all, &n)
        : s->from.n > 0 ? run_campaign(s, arena, &all, &n)
                        : run_planted(s, arena, &all, &n));
    if (n == 0) {
        return err_set(ERR_INPUT, "there are no findings to judge by");
    }
    struct pairs p = judge_pairs(all, n);
    print_pairs(&p, all, n, s->json);
    *failed = p.precision < least || (knows_recall(&p) && p.recall < least);
    return ERR_OK;
}

const struct bench_subject bench_buckets = {
    .name = "buckets",
    .summary = "one cause, one bucket? of planted faults (--tests N each), campaigns, or libraries",
    .run = run_buckets,
};
