/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a failing run to a row, a bucket and a folder. Reduction is what costs, so it is spent where
 * it tells something: a failure that looks like one that was reduced (same release of a library,
 * signature and op chain) joins that one's bucket at once; one that looks like a known bug, which
 * nobody will look at again, or that an existing bucket could explain is reduced only while there
 * is plenty, and else counted there by this guess; one that nothing explains comes first. What
 * could not be reduced any more waits in a bucket that says so, for `opjury reduce`.
 */
#include "campaign_parts.h"

#include "report/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOKS_MAX = 1 << 16, /* remembered looks; a forgotten one costs one more reduction */
};
/* Share of the campaign's CPU time for reduction; half of it for what a bucket could explain. */
static const double reduce_share = 0.1;
/* Seconds a campaign may spend on reduction whatever it has used so far: the first finding of a
 * short campaign is reduced too. */
static const double reduce_floor = 20.0;
/* Less than this is not worth beginning. */
static const double reduce_least = 0.25;

struct look { /* of a failure before it is reduced */
    uint64_t hash;
    size_t bucket;
};

struct triage {
    struct triage_options o;
    struct seen *seen;
    struct look *looks; /* a ring */
    size_t n_looks;
    double reduce_cpu;
    struct elsewhere *elsewhere;
};

/* One failing run on its way to a row. */
struct incident {
    struct failure failure;
    const struct trial *trial;
    const char *library;
    const char *draws, *drawn; /* the target that drew its options, and with all of them; NULL */
    struct reduction reduction;
    bool reduced;
    const char *known; /* rule, NULL: none */
    /* Before it was reduced: */
    const char *found_known, *found_signature, *found_ops;
    uint64_t look;   /* of these */
    const char *ops; /* chain of the smallest form */
    const char *bucket;
    const char *state;
    /* The bucket is a guess, for it was not reduced to the end: by its "look", or "explained" by
     * the ops of one that was. NULL: it is none. */
    const char *joined;
    struct recheck_try elsewhere[ELSEWHERE_MAX]; /* of the first of a bucket */
    size_t n_elsewhere;
    const char *own;     /* key of its own reduced form, whichever bucket took it; NULL: none */
    struct texts merged; /* of the buckets that it showed to be parts of its own */
    const char *label;   /* of triage_options.labels, NULL: none */
};

static const char *unreduced_key(const struct incident *in, struct arena *arena)
{
    return arena_printf(arena, "%s | not reduced | %s", in->library, in->found_signature);
}

enum err triage_open(const struct triage_options *options, struct triage **result)
{
    struct triage *triage = xcalloc(1, sizeof(*triage));
    triage->o = *options;
    triage->seen = seen_new(options->store, options->dir);
    triage->looks = xcalloc(LOOKS_MAX, sizeof(*triage->looks));
    triage->elsewhere = elsewhere_new(options->jury, options->targets, options->n_targets);
    enum err err = seen_read(triage->seen);
    if (err != ERR_OK) {
        triage_close(triage);
        return err;
    }
    *result = triage;
    return ERR_OK;
}

void triage_close(struct triage *triage)
{
    if (triage != NULL) {
        seen_free(triage->seen);
        free(triage->looks);
        elsewhere_close(triage->elsewhere);
        free(triage);
    }
}

double triage_reduce_cpu(const struct triage *triage)
{
    return triage->reduce_cpu;
}

double triage_other_cpu(const struct triage *triage)
{
    return elsewhere_cpu(triage->elsewhere);
}

/* ---- looks ---- */

static size_t explaining_bucket(const struct triage *triage, const struct incident *in)
{
    return seen_explaining(triage->seen, in->library, in->failure.signature, in->ops);
}

/* What looks the same in another release may be one that was mended since. */
static uint64_t look_hash(const struct incident *in)
{
    const char *version = in->failure.what->version;
    uint64_t library = hash_text(in->library, hash_text(version != NULL ? version : "", 0));
    return hash_text(in->found_signature, hash_text(in->found_ops, library));
}

/* The latest. */
static const struct look *find_look(const struct triage *triage, uint64_t hash)
{
    size_t n = triage->n_looks < LOOKS_MAX ? triage->n_looks : LOOKS_MAX;
    for (size_t i = 1; i <= n; i++) {
        const struct look *look = &triage->looks[(triage->n_looks - i) % LOOKS_MAX];
        if (look->hash == hash) {
            return look;
        }
    }
    return NULL;
}

static void remember_look(struct triage *triage, const struct incident *in)
{
    size_t b = seen_bucket(triage->seen, in->bucket);
    triage->looks[triage->n_looks++ % LOOKS_MAX] = (struct look){.hash = in->look, .bucket = b};
}

/* ---- steps ---- */

/* Seconds that reduction may take now. Totals of earlier sittings are shared out evenly. */
static double reduce_allowance(const struct triage *triage, double cpu, bool explained)
{
    double jobs = triage->o.jobs;
    const double *before = triage->o.totals->usage;
    double share = reduce_share * (before[USAGE_CPU] / jobs + cpu);
    double least = reduce_floor / jobs;
    double all = explained ? share / 2 : share > least ? share : least;
    return all - before[USAGE_REDUCE] / jobs - triage->reduce_cpu;
}

/* Seconds for one finding, as much for the search for the cause as for the rest. Of what there is
 * plenty of, a stubborn one may take more: cut off, it is a guess, which hangs on how busy the
 * machine is. */
static double finding_limit(double allowance)
{
    double least = 2 * reduce_bounds.cpu, most = 2 * reduce_bounds.cpu_most, share = allowance / 4;
    double limit = share < least ? least : share < most ? share : most;
    return allowance < limit ? allowance : limit;
}

static enum err reduce_incident(struct triage *triage, struct incident *in, double allowance,
                                struct arena *arena)
{
    struct reduction *r = &in->reduction;
    *r = (struct reduction){.cpu_limit = finding_limit(allowance),
                            .max_runs = 2 * reduce_bounds.runs};
    TRY(reduce_to_cause(triage->o.jury, &in->failure, r, arena));
    CHECK(r->test != NULL);
    triage->reduce_cpu += r->cpu;
    in->reduced = true;
    in->ops = op_chain(r->test->program, arena);
    in->failure.signature = failure_signature(&r->verdict, &r->outcome, arena);
    in->known = known_match(triage->o.known, in->failure.what, r->test->program, &r->verdict,
                            &r->outcome, arena);
    return ERR_OK;
}

static void set_known(struct incident *in, struct arena *arena)
{
    in->state = "known";
    in->bucket = known_bucket_key(in->known, arena);
}

/* Joins the bucket of what looked the same before it was reduced. */
static void join_look(const struct triage *triage, struct incident *in, const struct look *look)
{
    in->bucket = seen_key(triage->seen, look->bucket);
    in->joined = "look";
    in->known = known_bucket_rule(in->bucket);
    in->state = in->known != NULL ? "known" : "new";
}

static void join_explained(const struct triage *triage, struct incident *in, size_t bucket)
{
    in->bucket = seen_key(triage->seen, bucket);
    in->joined = "explained";
}

/* The bucket of what was reduced. */
static enum err place_reduced(struct triage *triage, struct incident *in, struct arena *arena)
{
    struct placed p = {.jury = triage->o.jury,
                       .failure = &in->failure,
                       .reduction = &in->reduction,
                       .found_signature = in->found_signature};
    if (in->known != NULL) {
        set_known(in, arena);
        return ERR_OK;
    }
    TRY(seen_place(triage->seen, &p, arena));
    in->bucket = seen_key(triage->seen, p.bucket);
    in->own = p.own;
    in->merged = p.merged;
    in->joined = p.is_guess ? "explained" : NULL;
    return ERR_OK;
}

/* Bucket of a failure that repeats and that no rule knows as it stands; of what is reduced it is
 * chosen later (place_reduced). */
static enum err choose_bucket(struct triage *triage, struct incident *in, double cpu,
                              struct arena *arena)
{
    TRY(seen_read(triage->seen));
    const struct look *look = find_look(triage, in->look);
    bool looks_known =
        look != NULL && known_bucket_rule(seen_key(triage->seen, look->bucket)) != NULL;
    size_t b = explaining_bucket(triage, in);
    bool guessed = looks_known || b != NO_BUCKET;
    double allowance = reduce_allowance(triage, cpu, guessed);
    bool may_reduce = allowance >= reduce_least;
    if (look != NULL && !(looks_known && may_reduce)) {
        join_look(triage, in, look);
        return ERR_OK;
    }
    in->state = "new";
    if (may_reduce) {
        return reduce_incident(triage, in, allowance, arena);
    }
    /* A guess for want of time is no look: the next one may find the time. */
    if (b != NO_BUCKET) {
        join_explained(triage, in, b);
    } else {
        in->bucket = unreduced_key(in, arena);
    }
    return ERR_OK;
}

/* What joined a bucket as it was is made small here, so that its label is its own and not the
 * bucket's. */
static enum err label_incident(struct triage *triage, struct incident *in, struct arena *arena)
{
    struct incident small = *in;
    if (triage->o.labels == NULL) {
        return ERR_OK;
    }
    if (!small.reduced) {
        TRY(reduce_incident(triage, &small, HUGE_VAL, arena));
    }
    const struct reduction *r = &small.reduction;
    in->label = known_match(triage->o.labels, in->failure.what, r->test->program, &r->verdict,
                            &r->outcome, arena);
    return ERR_OK;
}

/* ---- the row and the folder ---- */

/* The newest version installed, where that does not show it. */
static const char *gone_in(const struct incident *in)
{
    for (size_t i = 0; i < in->n_elsewhere; i++) {
        const struct recheck_try *try = &in->elsewhere[i];
        if (strcmp(try->kind, "version") == 0 && try->verdict == VERDICT_PASS) {
            return try->what;
        }
    }
    return NULL;
}

static const char *incident_json(const struct incident *in, struct arena *arena)
{
    const struct failure *f = &in->failure;
    json_t *root = json_pack(
        "{s:I, s:s, s:s, s:i, s:i, s:b, s:b, s:s?, s:s?, s:s?, s:s, s:s?, s:s, s:s, s:s*, s:s*, "
        "s:s*, s:s*, s:s*, s:o*}",
        "seed", (json_int_t)f->test->seed, "inputs", f->test->policy, "version",
        f->what->version != NULL ? f->what->version : "", "runs", (int)f->runs, "repeats",
        (int)f->repeats, "reduced", in->reduced, "complete", in->reduced && in->reduction.complete,
        "known", in->known, "joined", in->joined, "gone_in", gone_in(in), "found_oracle",
        f->verdict.oracle, "found_known", in->found_known, "found_signature", in->found_signature,
        "found_ops", in->found_ops, "own_key", in->own, "label", in->label, "draws", in->draws,
        "drawn", in->drawn, "regression_from", f->passes_in != NULL ? f->passes_in->text : NULL,
        "merged", in->merged.n > 0 ? json_texts(&in->merged) : NULL);
    char *dumped = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    /* A library's version may hold bytes that are no UTF-8; then the columns have to do. */
    const char *text = arena_strdup(arena, dumped != NULL ? dumped : "{}");
    free(dumped);
    return text;
}

/* The verdict table of a finding shows what every target says of the reduced program. */
static enum err run_everywhere(struct triage *triage, const struct incident *in,
                               const struct finding_files *files, struct outcome *outcomes,
                               struct verdict *verdicts, struct arena *arena)
{
    const struct reduction *r = &in->reduction;
    for (size_t t = 0; t < triage->o.n_targets; t++) {
        if (t == in->failure.target) {
            outcomes[t] = r->outcome;
            verdicts[t] = r->verdict;
            continue;
        }
        TRY(jury_run(triage->o.jury, t, r->test, arena, &outcomes[t]));
        const struct judgement j = {
            .test = r->test,
            .reference = files->reference,
            .target = files->targets[t],
            .outcome = &outcomes[t],
            .arena = arena,
        };
        judge(&j, &verdicts[t]);
    }
    return ERR_OK;
}

static enum err write_folder(struct triage *triage, const struct incident *in, const char *folder,
                             struct arena *arena)
{
    const struct failure *f = &in->failure;
    size_t n = triage->o.n_targets;
    struct target **targets = arena_copy(arena, targets_drawn(triage->o.targets, n, f->test, arena),
                                         n * sizeof(struct target *));
    struct outcome *outcomes = arena_copy(arena, in->trial->outcomes, n * sizeof(*outcomes));
    struct verdict *verdicts = arena_copy(arena, in->trial->verdicts, n * sizeof(*verdicts));
    targets[f->target] = arena_copy(arena, f->what, sizeof(struct target));
    outcomes[f->target] = f->outcome;
    verdicts[f->target] = f->verdict;
    struct finding_files files = {
        .test = f->test,
        .original = f->test,
        .targets = targets,
        .outcomes = outcomes,
        .verdicts = verdicts,
        .n_targets = n,
        .culprit = f->target,
        .reference = in->trial->reference,
        .failure = f,
        .elsewhere = in->elsewhere,
        .n_elsewhere = in->n_elsewhere,
    };
    if (in->reduced) {
        files.test = in->reduction.test;
        files.reduction = &in->reduction;
        files.reference = reference_new(in->reduction.test, arena);
        TRY(run_everywhere(triage, in, &files, outcomes, verdicts, arena));
    }
    return finding_write(arena_printf(arena, "%s/%s", triage->o.dir, folder), &files);
}

/* The row comes first, so that nothing found is lost; its folder needs the row's id. */
static enum err record(struct triage *triage, struct incident *in, struct arena *arena)
{
    const struct failure *f = &in->failure;
    uint64_t old_bucket;
    TRY(store_find_bucket(triage->o.store, in->bucket, &old_bucket));
    struct finding_row row = {
        .test_index = f->test->index,
        .target = f->what->text,
        .scenario = "direct",
        .oracle = f->verdict.oracle,
        .signature = f->signature,
        .text = in->reduced ? in->reduction.verdict.text : f->verdict.text,
        .ops = in->ops,
        .state = in->state,
        .bucket = in->bucket,
        .folder = "",
        .json = incident_json(in, arena),
    };
    uint64_t id;
    TRY(store_add_finding(triage->o.store, &row, &id));
    /* What looked the same when there was no time goes with it, to a known bug too: left where it
     * is, each would be shown as news of a bug that is reported. Its row says that it is a guess,
     * and what looks so from now on is reduced again as far as there is time. */
    if (in->reduced) {
        TRY(store_move_findings(triage->o.store, unreduced_key(in, arena), in->found_signature,
                                in->found_ops, in->bucket, in->state));
    }
    if (strcmp(in->state, "known") == 0) {
        return ERR_OK;
    }
    if (old_bucket == 0 && strcmp(in->state, "new") == 0) {
        triage->o.live->buckets++;
        TRY(in->reduced ? elsewhere_reduced(triage->elsewhere, f, &in->reduction, arena,
                                            in->elsewhere, &in->n_elsewhere)
                        : ERR_OK);
        row.json = incident_json(in, arena);
    }
    bool full;
    TRY(seen_is_full(triage->seen, seen_bucket(triage->seen, in->bucket), &full));
    if (full) {
        return ERR_OK;
    }
    row.folder = finding_folder(id, row.target, row.oracle, arena);
    TRY(write_folder(triage, in, row.folder, arena));
    return store_add_finding(triage->o.store, &row, &id);
}

/* One engine at a time. */
static enum err place_and_record(struct triage *triage, struct incident *in, struct arena *arena)
{
    TRY(store_enter(triage->o.store));
    enum err err = place_reduced(triage, in, arena);
    if (err == ERR_OK) {
        remember_look(triage, in);
        err = record(triage, in, arena);
    }
    store_leave(triage->o.store);
    return err;
}

enum err triage_finding(struct triage *triage, const struct trial *trial, size_t t, double cpu,
                        struct arena *arena)
{
    struct verdict *verdict = &trial->verdicts[t];
    struct incident in = {
        .failure = {.target = t,
                    .what = target_drawn(triage->o.targets[t], trial->test, arena),
                    .test = trial->test,
                    .verdict = *verdict,
                    .outcome = trial->outcomes[t]},
        .trial = trial,
        .library = triage->o.targets[t]->kind->name,
    };
    size_t from = trial->regressions != NULL
                      ? regression_from(trial->regressions, t, trial->verdicts)
                      : NO_TARGET;
    if (from != NO_TARGET) {
        in.failure.passes_in = triage->o.targets[from];
        in.failure.passes_slot = from;
    }
    if (triage->o.targets[t]->given != NULL) {
        in.draws = triage->o.targets[t]->text;
        in.drawn = target_label(in.failure.what, arena);
    }
    in.failure.signature = failure_signature(verdict, &trial->outcomes[t], arena);
    const struct program *p = trial->test->program;
    in.ops = op_chain(failing_slice(p, verdict, &trial->outcomes[t], arena), arena);
    in.found_signature = in.failure.signature;
    in.found_ops = in.ops;
    in.look = look_hash(&in);
    in.known =
        known_match(triage->o.known, in.failure.what, p, verdict, &trial->outcomes[t], arena);
    in.found_known = in.known;
    bool repeated = true;
    if (in.known != NULL) {
        set_known(&in, arena);
    } else {
        TRY(failure_repeats(triage->o.jury, &in.failure, arena, &repeated));
        TRY(repeated && in.draws != NULL
                ? failure_drop_options(triage->o.jury, &in.failure, triage->o.targets[t], arena)
                : ERR_OK);
    }
    if (!repeated && in.failure.other_kind == VERDICT_FILTERED) {
        *verdict = (struct verdict){.kind = VERDICT_FILTERED, .filter = "runtime"};
        return ERR_OK;
    }
    if (!repeated) {
        in.state = "flaky";
        in.bucket = arena_printf(arena, "%s | flaky | %s", in.library, in.failure.signature);
    } else if (in.known == NULL) {
        TRY(choose_bucket(triage, &in, cpu, arena));
        TRY(label_incident(triage, &in, arena));
    }
    bool known = in.known != NULL;
    verdict->kind = !repeated ? VERDICT_FLAKY : known ? VERDICT_KNOWN : VERDICT_FINDING;
    return in.reduced ? place_and_record(triage, &in, arena) : record(triage, &in, arena);
}
