/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench buckets --target T --labels RULES`: what real libraries do wrong, with causes as
 * people judged them. Ordinary tests run on the targets, and their findings go a campaign's own way
 * into buckets. Apart from that each is made small by itself, and the rule that knows the small
 * form says its cause. Some causes are found a hundred times as often as others: of what a rule
 * knows as it was found only the first are taken. Of the targets of one library the first that
 * fails counts: the same failure at another level is no second finding.
 */
#include "bench_buckets.h"
#include "campaign_parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    TESTS = 4000,       /* --tests N */
    OF_A_CAUSE = 8,     /* findings that look like one cause */
    OF_A_SIGNATURE = 24 /* that look like none, but fail in the same way */
};

struct taken { /* so many that look like this */
    const char *library, *look;
    unsigned n;
};

struct survey {
    const struct bench_settings *settings;
    struct target **targets;
    size_t n_targets;
    struct policy *policy;
    struct jury *jury;
    struct store *store;
    struct known_rules *none, *labels;
    struct triage *triage;
    struct counts totals;
    struct live live;
    struct taken *taken;
    size_t n_taken;
    struct arena *arena;  /* as long as the survey */
    struct arena *memory; /* of one test */
};

static bool is_enough(struct survey *s, const char *library, const char *look, unsigned most)
{
    size_t i = 0;
    while (i < s->n_taken &&
           (strcmp(s->taken[i].look, look) != 0 || strcmp(s->taken[i].library, library) != 0)) {
        i++;
    }
    if (i == s->n_taken) {
        s->taken = arena_room(s->arena, s->taken, s->n_taken, sizeof(*s->taken));
        s->taken[s->n_taken++] = (struct taken){library, arena_strdup(s->arena, look), 0};
    }
    return s->taken[i].n++ >= most;
}

static enum err take_findings(struct survey *s, const struct trial *trial)
{
    const char *seen = NULL; /* library that failed already */
    for (size_t t = 0; t < s->n_targets; t++) {
        const struct target *target = s->targets[t];
        struct verdict *v = &trial->verdicts[t];
        const struct outcome *o = &trial->outcomes[t];
        const char *library = target->kind->name;
        if (v->kind != VERDICT_FINDING || (seen != NULL && strcmp(seen, library) == 0)) {
            continue;
        }
        seen = library;
        const char *rule = known_match(s->labels, target, trial->test->program, v, o, s->memory);
        const char *look = rule != NULL ? rule : failure_signature(v, o, s->memory);
        if (!is_enough(s, library, look, rule != NULL ? OF_A_CAUSE : OF_A_SIGNATURE)) {
            /* Of as much CPU time that the campaign's share for reduction is never the limit. */
            TRY(triage_finding(s->triage, trial, t, 1e9, s->memory));
        }
    }
    return ERR_OK;
}

static enum err survey_test(struct survey *s, uint64_t index)
{
    arena_reset(s->memory);
    struct test test;
    struct outcome *outcomes = ARENA_ZARRAY(s->memory, struct outcome, s->n_targets);
    struct verdict *verdicts = ARENA_ZARRAY(s->memory, struct verdict, s->n_targets);
    generate_test(s->policy, s->settings->seed, index, MATERIALIZE_ALL, s->memory, &test);
    for (size_t t = 0; t < s->n_targets; t++) {
        TRY(jury_run(s->jury, t, &test, s->memory, &outcomes[t]));
    }
    const struct trial trial = {.test = &test,
                                .reference = reference_new(&test, s->memory),
                                .outcomes = outcomes,
                                .verdicts = verdicts};
    judge_runs(&test, trial.reference, s->targets, outcomes, s->n_targets, s->memory, verdicts);
    return take_findings(s, &trial);
}

static enum err survey_all(struct survey *s, const char *dir)
{
    const struct bench_settings *settings = s->settings;
    uint64_t tests = settings->tests > 0 ? settings->tests : TESTS;
    TRY(known_load(settings->labels, s->arena, &s->labels));
    TRY(known_load("none", s->arena, &s->none));
    TRY(campaign_targets(settings->targets.items, settings->targets.n, settings->python, s->arena,
                         &s->targets, &s->n_targets));
    TRY(jury_open(s->targets, s->n_targets, &(struct jury_options){0}, &s->jury));
    TRY(campaign_policy(settings->policy != NULL ? settings->policy : "default", 0, s->targets,
                        s->n_targets, s->arena, &s->policy));
    TRY(store_open(dir, true, &s->store));
    const struct triage_options options = {
        .store = s->store,
        .jury = s->jury,
        .targets = s->targets,
        .n_targets = s->n_targets,
        .known = s->none,
        .labels = s->labels,
        .dir = dir,
        .jobs = 1,
        .totals = &s->totals,
        .live = &s->live,
    };
    TRY(triage_open(&options, &s->triage));
    for (uint64_t i = 0; i < tests; i++) {
        if (stop_requested) {
            return err_set(ERR_STOPPED, "stopped before all was measured");
        }
        if (i % 500 == 0 && i > 0) {
            log_info("test %llu of %llu", (unsigned long long)i, (unsigned long long)tests);
        }
        TRY(survey_test(s, i));
    }
    return ERR_OK;
}

static const char *label_of(const struct finding_row *row, struct arena *arena)
{
    json_t *root = json_loads(row->json, 0, NULL);
    const char *label = json_string_value(json_object_get(root, "label"));
    const char *text = label != NULL ? arena_strdup(arena, label) : NULL;
    json_decref(root);
    return text;
}

static enum err read_survey(struct store *store, struct arena *arena, struct labelled **all,
                            size_t *n)
{
    struct finding_row *rows;
    size_t n_rows;
    TRY(store_findings(store, arena, &rows, &n_rows));
    *all = ARENA_ARRAY(arena, struct labelled, n_rows);
    *n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        const char *label = label_of(&rows[i], arena);
        if (label != NULL) {
            (*all)[(*n)++] = (struct labelled){.label = label, .bucket = rows[i].bucket};
        } else if (strcmp(rows[i].state, "flaky") != 0) {
            log_info("no rule knows test %llu: %s", (unsigned long long)rows[i].test_index,
                     rows[i].bucket);
        }
    }
    return ERR_OK;
}

enum err label_found(const struct bench_settings *settings, struct arena *arena,
                     struct labelled **all, size_t *n)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = arena_printf(arena, "%s/opjury-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        return err_set(ERR_IO, "%s: %m", dir);
    }
    struct survey *s = xcalloc(1, sizeof(*s));
    s->settings = settings;
    s->arena = arena;
    s->memory = arena_new();
    enum err err = survey_all(s, dir);
    if (err == ERR_OK) {
        err = read_survey(s->store, arena, all, n);
    }
    triage_close(s->triage);
    store_close(s->store);
    jury_close(s->jury);
    arena_free(s->memory);
    free(s);
    bench_remove_tree(dir);
    return err;
}
