/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench buckets --target T --labels RULES`: what real libraries do wrong, with causes as
 * people judged them. Ordinary tests run on the targets, and their findings go a campaign's own way
 * into buckets. Apart from that each is made small by itself, and the rule that knows the small
 * form says its cause. Some causes are found a hundred times as often as others: of what a rule
 * knows as it was found only the first are taken. Of the targets of one library the first that
 * fails counts: the same failure at another level is no second finding.
 *
 * With --from the tests are those in which campaigns found something, made again, each on the
 * target on which it was found: from campaigns of any seeds into the same buckets. Of what a
 * campaign had in one bucket the first are taken here, too.
 *
 * Each interpreter (the @PATH of targets) has buckets of its own, as a campaign on a release has:
 * what a library says, and where it dies, is not the same in the next.
 */
#include "bench_buckets.h"

#include <stdlib.h>
#include <string.h>

enum {
    TESTS = 4000,       /* --tests N */
    OF_A_CAUSE = 8,     /* findings that look like one cause, or were in one bucket */
    OF_A_SIGNATURE = 24 /* that look like none, but fail in the same way */
};

struct taken { /* so many that look like this, of a library or campaign */
    const char *of, *look;
    unsigned n;
};

struct source { /* of a finding: one of a campaign */
    const char *dir;
    uint64_t id;
};

/* What became of the findings of campaigns. */
struct tally {
    size_t all, ours; /* ours: of the targets that were named */
    size_t more;      /* of one bucket, left out */
    size_t passed;    /* that do not show again */
};

struct survey { /* of one interpreter */
    const struct bench_settings *settings;
    struct tally *tally;
    bool is_first, is_only; /* of the interpreters */
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
    struct source *sources; /* by what the survey has as index of the test */
    size_t n_sources;
    struct arena *arena;  /* as long as the survey */
    struct arena *memory; /* of one test */
};

static bool is_enough(struct survey *s, const char *of, const char *look, unsigned most)
{
    size_t i = 0;
    while (i < s->n_taken &&
           (strcmp(s->taken[i].look, look) != 0 || strcmp(s->taken[i].of, of) != 0)) {
        i++;
    }
    if (i == s->n_taken) {
        s->taken = arena_room(s->arena, s->taken, s->n_taken, sizeof(*s->taken));
        s->taken[s->n_taken++] = (struct taken){of, arena_strdup(s->arena, look), 0};
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

static enum err survey_tests(struct survey *s)
{
    const struct bench_settings *settings = s->settings;
    uint64_t tests = settings->tests > 0 ? settings->tests : TESTS;
    TRY(campaign_policy(settings->policy != NULL ? settings->policy : "default", 0, s->targets,
                        s->n_targets, s->arena, &s->policy));
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

/* ---- findings of campaigns ---- */

static bool is_target(const struct target *t, const char *label, const char *version,
                      struct arena *arena)
{
    const char *own = t->version != NULL ? t->version : "";
    return strcmp(target_label(t, arena), label) == 0 && strcmp(own, version) == 0;
}

/* The target that found it: of its name and version, wherever it is here. n_targets: it is none of
 * those that were named. */
static size_t target_of(const struct survey *s, const struct finding_row *row)
{
    const char *label = target_text_label(row->target, s->memory);
    const char *version = row_text(row, "version", s->memory);
    size_t t = 0;
    while (t < s->n_targets &&
           !is_target(s->targets[t], label, version != NULL ? version : "", s->memory)) {
        t++;
    }
    return t;
}

/* Has the library failed in this test at another level? */
static bool is_second(const struct survey *s, const struct finding_row *rows, size_t i, size_t t)
{
    for (size_t k = 0; k < i; k++) {
        size_t other =
            rows[k].test_index == rows[i].test_index ? target_of(s, &rows[k]) : s->n_targets;
        if (other < s->n_targets && s->targets[other]->kind == s->targets[t]->kind) {
            return true;
        }
    }
    return false;
}

static enum err survey_row(struct survey *s, const struct campaign_again *again, size_t t,
                           const struct finding_row *row, const char *dir)
{
    struct test test;
    struct trial trial;
    TRY(campaign_again_test(again, row->test_index, s->memory, &test));
    /* Rows are told apart by it: of two campaigns it may be the same. */
    test.index = s->n_sources;
    TRY(bucket_trial(s->jury, s->targets, s->n_targets, t, &test, s->memory, &trial));
    if (trial.verdicts[t].kind != VERDICT_FINDING) {
        s->tally->passed++;
        return ERR_OK;
    }
    s->sources = arena_room(s->arena, s->sources, s->n_sources, sizeof(*s->sources));
    s->sources[s->n_sources++] = (struct source){dir, row->id};
    return triage_finding(s->triage, &trial, t, 1e9, s->memory);
}

static enum err survey_rows(struct survey *s, const char *dir, const struct campaign_again *again,
                            const struct finding_row *rows, size_t n)
{
    size_t taken = 0;
    for (size_t i = 0; i < n; i++) {
        if (stop_requested) {
            return err_set(ERR_STOPPED, "stopped before all was measured");
        }
        arena_reset(s->memory);
        size_t t = target_of(s, &rows[i]);
        s->tally->ours += t < s->n_targets;
        if (t == s->n_targets || strcmp(rows[i].state, "flaky") == 0 || is_second(s, rows, i, t)) {
            continue;
        }
        unsigned most = is_unreduced_bucket(rows[i].bucket) ? OF_A_SIGNATURE : OF_A_CAUSE;
        if (is_enough(s, dir, rows[i].bucket, most)) {
            s->tally->more++;
            continue;
        }
        if (taken++ % 50 == 0) {
            log_info("%s: finding %zu of %zu", dir, i + 1, n);
        }
        TRY(survey_row(s, again, t, &rows[i], dir));
    }
    return ERR_OK;
}

static enum err survey_campaign(struct survey *s, const char *dir)
{
    struct store *store;
    struct finding_row *rows;
    size_t n;
    struct campaign_again again = {0};
    TRY(store_open(dir, false, &store));
    enum err err = store_findings(store, s->arena, &rows, &n);
    if (err == ERR_OK) {
        err = campaign_again_open(store, dir, s->arena, &again);
    }
    if (err == ERR_OK) {
        uint64_t most = s->settings->tests;
        n = most > 0 && most < n ? most : n;
        s->tally->all += s->is_first ? n : 0;
        err = survey_rows(s, dir, &again, rows, n);
    }
    campaign_again_close(&again);
    store_close(store);
    return err;
}

static enum err survey_campaigns(struct survey *s)
{
    for (size_t i = 0; i < s->settings->from.n; i++) {
        TRY(survey_campaign(s, s->settings->from.items[i]));
    }
    return ERR_OK;
}

static void say_tally(const struct tally *tally)
{
    if (tally->ours < tally->all) {
        log_warn(
            "%zu findings are of targets or versions that no --target names; they are left out",
            tally->all - tally->ours);
    }
    if (tally->more > 0) {
        log_info("%zu more findings were in buckets of which %d are taken, or %d of what was not "
                 "reduced",
                 tally->more, OF_A_CAUSE, OF_A_SIGNATURE);
    }
    if (tally->passed > 0) {
        log_warn("%zu findings do not show again; they are left out", tally->passed);
    }
}

/* ---- all of it ---- */

static enum err survey_all(struct survey *s, const char *dir)
{
    const struct bench_settings *settings = s->settings;
    TRY(known_load(settings->labels, s->arena, &s->labels));
    TRY(known_load("none", s->arena, &s->none));
    TRY(campaign_targets(settings->targets.items, settings->targets.n, settings->python, s->arena,
                         &s->targets, &s->n_targets));
    TRY(jury_open(s->targets, s->n_targets, &(struct jury_options){0}, &s->jury));
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
    return settings->from.n > 0 ? survey_campaigns(s) : survey_tests(s);
}

static const char *place_of(const struct survey *s, const struct finding_row *row,
                            struct arena *arena)
{
    if (row->test_index < s->n_sources) {
        const struct source *source = &s->sources[row->test_index];
        return arena_printf(arena, "%s finding %llu", source->dir, (unsigned long long)source->id);
    }
    return arena_printf(arena, "test %llu", (unsigned long long)row->test_index);
}

/* A line a bucket. */
static void say_unknown(const struct labelled *unknown, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = 0, of_bucket = 0;
        for (size_t k = 0; k < n; k++) {
            bool same = strcmp(unknown[k].bucket, unknown[i].bucket) == 0;
            before += same && k < i;
            of_bucket += same;
        }
        if (before == 0) {
            log_info("no rule knows %zu in %s (%s)", of_bucket, unknown[i].bucket,
                     unknown[i].place);
        }
    }
}

/* Of several interpreters each has causes and buckets of its own. */
static const char *name_here(const struct survey *s, const char *name, struct arena *arena)
{
    const char *version = s->targets[0]->version;
    return s->is_only || version == NULL ? name : arena_printf(arena, "%s: %s", version, name);
}

static enum err read_survey(const struct survey *s, struct arena *arena, struct labelled **all,
                            size_t *n)
{
    struct finding_row *rows;
    size_t n_rows, n_unknown = 0;
    TRY(store_findings(s->store, arena, &rows, &n_rows));
    struct labelled *unknown = ARENA_ARRAY(arena, struct labelled, n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        const char *label = row_text(&rows[i], "label", arena);
        const struct labelled one = {.label = label ? name_here(s, label, arena) : NULL,
                                     .bucket = name_here(s, rows[i].bucket, arena),
                                     .place = place_of(s, &rows[i], arena)};
        if (label != NULL) {
            *all = arena_room(arena, *all, *n, sizeof(**all));
            (*all)[(*n)++] = one;
        } else if (strcmp(rows[i].state, "flaky") != 0) {
            unknown[n_unknown++] = one;
        }
    }
    say_unknown(unknown, n_unknown);
    return ERR_OK;
}

static enum err survey_interpreter(struct survey *s, struct labelled **all, size_t *n)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = arena_printf(s->arena, "%s/opjury-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        return err_set(ERR_IO, "%s: %m", dir);
    }
    s->memory = arena_new();
    enum err err = survey_all(s, dir);
    if (err == ERR_OK) {
        err = read_survey(s, s->arena, all, n);
    }
    triage_close(s->triage);
    store_close(s->store);
    jury_close(s->jury);
    arena_free(s->memory);
    bench_remove_tree(dir);
    return err;
}

static const char *path_of(const char *target)
{
    const char *at = strchr(target, '@');
    return at != NULL ? at : "";
}

/* The targets in the interpreter of the i-th; none: one before it is there too. */
static struct texts targets_beside(const struct texts *all, size_t i, struct arena *arena)
{
    struct texts beside = {0};
    for (size_t k = 0; k < all->n; k++) {
        if (strcmp(path_of(all->items[k]), path_of(all->items[i])) != 0) {
            continue;
        }
        if (k < i) {
            return (struct texts){0};
        }
        texts_add(&beside, all->items[k], arena);
    }
    return beside;
}

enum err label_found(const struct bench_settings *settings, struct arena *arena,
                     struct labelled **all, size_t *n)
{
    struct tally tally = {0};
    *all = NULL;
    *n = 0;
    for (size_t i = 0; i < settings->targets.n; i++) {
        struct bench_settings here = *settings;
        here.targets = targets_beside(&settings->targets, i, arena);
        struct survey s = {.settings = &here,
                           .tally = &tally,
                           .is_first = i == 0,
                           .is_only = here.targets.n == settings->targets.n,
                           .arena = arena};
        TRY(here.targets.n > 0 ? survey_interpreter(&s, all, n) : ERR_OK);
    }
    say_tally(&tally);
    return ERR_OK;
}
