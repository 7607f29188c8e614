/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a failing run to a row, a bucket and a folder. Reduction is what costs, so it is spent where
 * it tells something: a failure that looks like one that was reduced (same release of a library,
 * signature and op chain) joins that one's bucket at once; one that looks like a known bug, which
 * nobody will look at again, or that an existing bucket could explain is reduced only while there
 * is plenty, and else counted there by this guess; one that nothing explains comes first. What
 * could not be reduced any more waits in a bucket that says so, for `opjury reduce`.
 */
#include "bucket_test.h"
#include "campaign_parts.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FOLDERS_A_BUCKET = 3, /* further findings of a bucket are rows: they regenerate from the seed */
    LOOKS_MAX = 1 << 16,  /* remembered looks; a forgotten one costs one more reduction */
};
/* Share of the campaign's CPU time for reduction; half of it for what a bucket could explain. */
static const double reduce_share = 0.1;
/* Seconds a campaign may spend on reduction whatever it has used so far: the first finding of a
 * short campaign is reduced too. */
static const double reduce_floor = 20.0;
/* Less than this is not worth beginning. */
static const double reduce_least = 0.25;

struct seen_bucket {
    const char *key;
    bool is_full; /* it has as many folders as it may */
};

/* What fails with this signature and holds the ops of this cause may be of that bucket. */
struct explanation {
    const char *library, *signature, *ops;
    size_t bucket;
};

/* A reduced form that a bucket of another key took: what has this key later goes there too. */
struct alias {
    const char *own;
    size_t bucket;
};

struct look { /* of a failure before it is reduced */
    uint64_t hash;
    size_t bucket;
};

struct triage {
    struct triage_options o;
    struct arena *arena;
    struct seen_bucket *buckets;
    size_t n_buckets;
    struct explanation *explanations;
    size_t n_explanations;
    struct alias *aliases;
    size_t n_aliases;
    struct look *looks; /* a ring */
    size_t n_looks;
    double reduce_cpu;
    struct elsewhere *elsewhere;
    uint64_t seen; /* the last finding that was read from the store */
};

/* One failing run on its way to a row. */
struct incident {
    struct failure failure;
    const struct trial *trial;
    const char *library;
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
    const char *own;   /* key of its own reduced form, whichever bucket took it; NULL: none */
    const char *label; /* of triage_options.labels, NULL: none */
};

/* ---- what was seen ---- */

static const char *library_of(const char *target, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(target, ":@"), target);
}

static size_t add_bucket(struct triage *triage, const char *key)
{
    for (size_t i = 0; i < triage->n_buckets; i++) {
        if (strcmp(triage->buckets[i].key, key) == 0) {
            return i;
        }
    }
    triage->buckets = heap_room(triage->buckets, triage->n_buckets, sizeof(*triage->buckets));
    triage->buckets[triage->n_buckets] =
        (struct seen_bucket){.key = arena_strdup(triage->arena, key)};
    return triage->n_buckets++;
}

/* "LIBRARY | CHAIN | SIGNATURE": the chain. */
static const char *key_chain(const char *key, struct arena *arena)
{
    static const char bar[] = " | ";
    const char *chain = strstr(key, bar);
    const char *end = chain != NULL ? strstr(chain + strlen(bar), bar) : NULL;
    return end == NULL ? ""
                       : arena_printf(arena, "%.*s", (int)(end - chain - (int)strlen(bar)),
                                      chain + strlen(bar));
}

static void add_explanation(struct triage *triage, const char *library, const char *signature,
                            const char *ops, size_t bucket)
{
    for (size_t i = 0; i < triage->n_explanations; i++) {
        const struct explanation *e = &triage->explanations[i];
        if (e->bucket == bucket && strcmp(e->signature, signature) == 0 &&
            strcmp(e->ops, ops) == 0 && strcmp(e->library, library) == 0) {
            return;
        }
    }
    triage->explanations =
        heap_room(triage->explanations, triage->n_explanations, sizeof(*triage->explanations));
    triage->explanations[triage->n_explanations++] = (struct explanation){
        .library = arena_strdup(triage->arena, library),
        .signature = arena_strdup(triage->arena, signature),
        .ops = arena_strdup(triage->arena, ops),
        .bucket = bucket,
    };
}

static const char *unreduced_key(const struct incident *in, struct arena *arena)
{
    return arena_printf(arena, "%s | not reduced | %s", in->library, in->found_signature);
}

bool is_unreduced_bucket(const char *key)
{
    return strstr(key, " | not reduced | ") != NULL;
}

static const char known_prefix[] = "known | ";

const char *known_bucket_rule(const char *key)
{
    size_t n = strlen(known_prefix);
    return strncmp(key, known_prefix, n) == 0 ? key + n : NULL;
}

const char *row_text(const struct finding_row *row, const char *name, struct arena *arena)
{
    json_t *json = json_loads(row->json, 0, NULL);
    const char *found = json_string_value(json_object_get(json, name));
    const char *text = found != NULL ? arena_strdup(arena, found) : NULL;
    json_decref(json);
    return text;
}

/* The bucket that took what had this key; n_buckets: none did. */
static size_t taken_by(const struct triage *triage, const char *own)
{
    size_t i = 0;
    while (i < triage->n_aliases && strcmp(triage->aliases[i].own, own) != 0) {
        i++;
    }
    return i < triage->n_aliases ? triage->aliases[i].bucket : triage->n_buckets;
}

static void add_alias(struct triage *triage, const char *own, size_t bucket)
{
    if (taken_by(triage, own) == triage->n_buckets) {
        triage->aliases = heap_room(triage->aliases, triage->n_aliases, sizeof(*triage->aliases));
        triage->aliases[triage->n_aliases++] =
            (struct alias){.own = arena_strdup(triage->arena, own), .bucket = bucket};
    }
}

static void learn_row(struct triage *triage, const struct finding_row *row, struct arena *arena)
{
    size_t b = add_bucket(triage, row->bucket);
    if (strcmp(row->state, "new") == 0 && !is_unreduced_bucket(row->bucket)) {
        const char *library = library_of(row->target, arena);
        const char *chain = key_chain(row->bucket, arena);
        const char *found = row_text(row, "found_signature", arena);
        const char *own = row_text(row, "own_key", arena);
        add_explanation(triage, library, row->signature, chain, b);
        add_explanation(triage, library, found != NULL ? found : row->signature, chain, b);
        if (own != NULL) {
            add_alias(triage, own, b);
        }
    }
}

/* The buckets of the campaign so far, of earlier sittings and of the other engines: what came since
 * the last look. */
static enum err read_buckets(struct triage *triage)
{
    struct arena *arena = arena_new();
    struct finding_row *rows;
    size_t n;
    enum err err = store_findings_since(triage->o.store, triage->seen, arena, &rows, &n);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        learn_row(triage, &rows[i], arena);
        triage->seen = rows[i].id;
    }
    arena_free(arena);
    return err;
}

enum err triage_open(const struct triage_options *options, struct triage **result)
{
    struct triage *triage = xcalloc(1, sizeof(*triage));
    triage->o = *options;
    triage->arena = arena_new();
    triage->looks = xcalloc(LOOKS_MAX, sizeof(*triage->looks));
    triage->elsewhere = elsewhere_new(options->jury, options->targets, options->n_targets);
    enum err err = read_buckets(triage);
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
        arena_free(triage->arena);
        free(triage->buckets);
        free(triage->explanations);
        free(triage->aliases);
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

/* ---- does an existing bucket explain it? ---- */

/* The next op of a chain "relu(f64) -> clip(f64), add(f32)"; NULL at its end. */
static const char *next_op(const char **chain, size_t *size)
{
    const char *op = *chain + strspn(*chain, " ,");
    if (strncmp(op, "-> ", 3) == 0) {
        op += 3;
    }
    if (*op == '\0') {
        return NULL;
    }
    *size = strcspn(op, " ,");
    *chain = op + *size;
    return op;
}

/* Of a cause "relu(float)" and a program's "relu(f64)". Only what must be half a float says so: the
 * reducer makes f32 and i64 of any dtype with which a failure stays the same. */
static bool op_explains(const char *cause, size_t size, const char *other, size_t other_size)
{
    size_t name = strcspn(cause, "( ,");
    bool is_half = memmem(cause, size, "half", 4) != NULL;
    return strcspn(other, "( ,") == name && memcmp(cause, other, name) == 0 &&
           (!is_half || memmem(other, other_size, "f16", 3) != NULL);
}

static unsigned count_explained(const char *chain, const char *op, size_t size)
{
    unsigned count = 0;
    size_t n;
    for (const char *other = next_op(&chain, &n); other != NULL; other = next_op(&chain, &n)) {
        count += op_explains(op, size, other, n);
    }
    return count;
}

/* Has `whole` every op of the reduced form, as often? */
static bool chain_holds(const char *whole, const char *reduced)
{
    const char *rest = reduced;
    size_t size;
    for (const char *op = next_op(&rest, &size); op != NULL; op = next_op(&rest, &size)) {
        if (count_explained(whole, op, size) < count_explained(reduced, op, size)) {
            return false;
        }
    }
    return true;
}

/* The bucket; n_buckets: none does. */
static size_t explaining_bucket(const struct triage *triage, const struct incident *in)
{
    for (size_t i = 0; i < triage->n_explanations; i++) {
        const struct explanation *e = &triage->explanations[i];
        if (strcmp(e->library, in->library) == 0 &&
            strcmp(e->signature, in->failure.signature) == 0 && chain_holds(in->ops, e->ops)) {
            return e->bucket;
        }
    }
    return triage->n_buckets;
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
    size_t b = add_bucket(triage, in->bucket);
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
    in->bucket = arena_printf(arena, "%s%s", known_prefix, in->known);
}

/* Joins the bucket of what looked the same before it was reduced. */
static void join_look(const struct triage *triage, struct incident *in, const struct look *look)
{
    in->bucket = triage->buckets[look->bucket].key;
    in->joined = "look";
    in->known = known_bucket_rule(in->bucket);
    in->state = in->known != NULL ? "known" : "new";
}

static void join_explained(const struct triage *triage, struct incident *in, size_t bucket)
{
    in->bucket = triage->buckets[bucket].key;
    in->joined = "explained";
}

/* Among those that are there, by running. */
static enum err choose_among(struct triage *triage, struct incident *in, struct arena *arena)
{
    const char **keys = ARENA_ARRAY(arena, const char *, triage->n_buckets);
    for (size_t i = 0; i < triage->n_buckets; i++) {
        keys[i] = triage->buckets[i].key;
    }
    struct bucket_tests tests = {.store = triage->o.store, .dir = triage->o.dir};
    const struct older_buckets older = {keys, triage->n_buckets, bucket_tests_read, &tests};
    return choose_bucket_key(triage->o.jury, &in->failure, &in->reduction, &older, arena,
                             &in->bucket);
}

/* The bucket of what was reduced. */
static enum err place_reduced(struct triage *triage, struct incident *in, struct arena *arena)
{
    const struct reduction *r = &in->reduction;
    const struct failure *f = &in->failure;
    if (in->known != NULL) {
        set_known(in, arena);
        return ERR_OK;
    }
    TRY(read_buckets(triage));
    size_t explained = r->complete ? triage->n_buckets : explaining_bucket(triage, in);
    if (explained < triage->n_buckets) {
        join_explained(triage, in, explained);
        return ERR_OK;
    }
    in->own = bucket_key(r->test->program, r->stands_in, f->what, f->signature, arena);
    size_t taken = taken_by(triage, in->own);
    if (taken < triage->n_buckets) {
        in->bucket = triage->buckets[taken].key;
    } else {
        TRY(choose_among(triage, in, arena));
    }
    size_t b = add_bucket(triage, in->bucket);
    const char *chain = key_chain(in->own, arena);
    add_explanation(triage, in->library, f->signature, chain, b);
    add_explanation(triage, in->library, in->found_signature, chain, b);
    return ERR_OK;
}

/* Bucket of a failure that repeats and that no rule knows as it stands; of what is reduced it is
 * chosen later (place_reduced). */
static enum err choose_bucket(struct triage *triage, struct incident *in, double cpu,
                              struct arena *arena)
{
    TRY(read_buckets(triage));
    const struct look *look = find_look(triage, in->look);
    bool looks_known = look != NULL && known_bucket_rule(triage->buckets[look->bucket].key) != NULL;
    size_t b = explaining_bucket(triage, in);
    bool guessed = looks_known || b < triage->n_buckets;
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
    if (b < triage->n_buckets) {
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
        "{s:I, s:s, s:s, s:i, s:i, s:b, s:b, s:s?, s:s?, s:s?, s:s, s:s?, s:s, s:s, s:s*, s:s*}",
        "seed", (json_int_t)f->test->seed, "inputs", f->test->policy, "version",
        f->what->version != NULL ? f->what->version : "", "runs", (int)f->runs, "repeats",
        (int)f->repeats, "reduced", in->reduced, "complete", in->reduced && in->reduction.complete,
        "known", in->known, "joined", in->joined, "gone_in", gone_in(in), "found_oracle",
        f->verdict.oracle, "found_known", in->found_known, "found_signature", in->found_signature,
        "found_ops", in->found_ops, "own_key", in->own, "label", in->label);
    char *dumped = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    /* A library's version may hold bytes that are no UTF-8; then the columns have to do. */
    const char *text = arena_strdup(arena, dumped != NULL ? dumped : "{}");
    free(dumped);
    return text;
}

/* The verdict table of a finding shows what every target says of the reduced program. */
static enum err run_everywhere(struct triage *triage, const struct incident *in,
                               struct reference *reference, struct outcome *outcomes,
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
            .reference = reference,
            .target = triage->o.targets[t],
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
    struct finding_files files = {
        .test = f->test,
        .original = f->test,
        .targets = triage->o.targets,
        .outcomes = in->trial->outcomes,
        .verdicts = in->trial->verdicts,
        .n_targets = n,
        .culprit = f->target,
        .reference = in->trial->reference,
        .failure = f,
        .elsewhere = in->elsewhere,
        .n_elsewhere = in->n_elsewhere,
    };
    if (in->reduced) {
        struct outcome *outcomes = ARENA_ZARRAY(arena, struct outcome, n);
        struct verdict *verdicts = ARENA_ZARRAY(arena, struct verdict, n);
        files.test = in->reduction.test;
        files.reduction = &in->reduction;
        files.reference = reference_new(in->reduction.test, arena);
        files.outcomes = outcomes;
        files.verdicts = verdicts;
        TRY(run_everywhere(triage, in, files.reference, outcomes, verdicts, arena));
    }
    return finding_write(arena_printf(arena, "%s/%s", triage->o.dir, folder), &files);
}

/* Has the bucket as many folders as it may? Once it has, it stays so. */
static enum err is_full(struct triage *triage, const char *key, bool *full)
{
    size_t b = add_bucket(triage, key), n;
    *full = triage->buckets[b].is_full;
    if (*full) {
        return ERR_OK;
    }
    struct arena *arena = arena_new();
    struct finding_row *rows;
    enum err err = store_bucket_folders(triage->o.store, key, arena, &rows, &n);
    arena_free(arena);
    TRY(err);
    triage->buckets[b].is_full = *full = n >= FOLDERS_A_BUCKET;
    return ERR_OK;
}

/* Where else its reduced form shows: once a bucket. */
static enum err look_elsewhere(struct triage *triage, struct incident *in, struct arena *arena)
{
    struct failure f = in->failure;
    f.test = in->reduction.test;
    f.verdict = in->reduction.verdict;
    f.outcome = in->reduction.outcome;
    enum err err = elsewhere_run(triage->elsewhere, &f, arena, in->elsewhere, &in->n_elsewhere);
    return err == ERR_STOPPED ? ERR_OK : err; /* then nothing is told */
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
        TRY(in->reduced ? look_elsewhere(triage, in, arena) : ERR_OK);
        row.json = incident_json(in, arena);
    }
    bool full;
    TRY(is_full(triage, in->bucket, &full));
    if (full) {
        return ERR_OK;
    }
    row.folder = finding_folder(id, row.target, row.oracle, arena);
    TRY(write_folder(triage, in, row.folder, arena));
    return store_add_finding(triage->o.store, &row, &id);
}

/* One engine at a time: each sees the buckets of the others, with their tests, before it makes one;
 * two that fail by one cause at the same time would make two of it. */
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
                    .what = triage->o.targets[t],
                    .test = trial->test,
                    .verdict = *verdict,
                    .outcome = trial->outcomes[t]},
        .trial = trial,
        .library = triage->o.targets[t]->kind->name,
    };
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
