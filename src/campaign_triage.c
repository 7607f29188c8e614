/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a failing run to a row, a bucket and a folder. Reduction is what costs, so it is spent where
 * it tells something: a failure that looks like one seen before (same library, signature and op
 * chain) joins that one's bucket at once; one that an existing bucket could explain is reduced only
 * while there is plenty; one that nothing explains comes first. What could not be reduced any more
 * waits in a bucket that says so, for `opjury reduce`.
 */
#include "campaign_parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECHECKS = 2,         /* fresh runs that must show a failure again */
    CHANCE_RECHECKS = 4,  /* pairs of fresh runs, of which one must differ */
    FOLDERS_A_BUCKET = 3, /* further findings of a bucket are rows: they regenerate from the seed */
    LOOKS_MAX = 1 << 16,  /* remembered looks; a forgotten one costs one more reduction */
    REDUCE_RUNS_MAX = 500, /* per finding */
};
/* Share of the campaign's CPU time for reduction; half of it for what a bucket could explain. */
static const double reduce_share = 0.02;
/* Seconds a campaign may spend on reduction whatever it has used so far: the first finding of a
 * short campaign is reduced too. */
static const double reduce_floor = 5.0;
/* Less than this is not worth beginning. */
static const double reduce_least = 0.25;
/* One finding takes this at most: most need 15 to 70 runs, well below a second; what is stubborn
 * must not take the others' turn. */
static const double reduce_most = 1.5;

struct seen_bucket {
    const char *key;
    unsigned folders;
};

/* What fails with this signature and holds the ops of this reduced form is of that bucket. */
struct explanation {
    const char *library, *signature, *ops;
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
    size_t n_buckets, buckets_capacity;
    struct explanation *explanations;
    size_t n_explanations, explanations_capacity;
    struct look *looks; /* a ring */
    size_t n_looks;
    double reduce_cpu;
};

/* One failing run on its way to a row. */
struct incident {
    struct failure failure;
    const struct trial *trial;
    const char *library;
    struct reduction reduction;
    bool reduced;
    const char *known; /* rule, NULL: none */
    const char *ops;   /* chain of the smallest form */
    const char *bucket;
    const char *state;
};

/* ---- what was seen ---- */

static const char *library_of(const char *target, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(target, ":@"), target);
}

/* Room for one more item of an array that grows. */
static void *grown(void *items, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    return xrealloc(items, *capacity * size);
}

static size_t add_bucket(struct triage *triage, const char *key)
{
    for (size_t i = 0; i < triage->n_buckets; i++) {
        if (strcmp(triage->buckets[i].key, key) == 0) {
            return i;
        }
    }
    triage->buckets = grown(triage->buckets, triage->n_buckets, &triage->buckets_capacity,
                            sizeof(*triage->buckets));
    triage->buckets[triage->n_buckets].key = arena_strdup(triage->arena, key);
    triage->buckets[triage->n_buckets].folders = 0;
    return triage->n_buckets++;
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
    triage->explanations = grown(triage->explanations, triage->n_explanations,
                                 &triage->explanations_capacity, sizeof(*triage->explanations));
    triage->explanations[triage->n_explanations++] = (struct explanation){
        .library = arena_strdup(triage->arena, library),
        .signature = arena_strdup(triage->arena, signature),
        .ops = arena_strdup(triage->arena, ops),
        .bucket = bucket,
    };
}

static const char *unreduced_key(const struct incident *in, struct arena *arena)
{
    return arena_printf(arena, "%s | not reduced | %s", in->library, in->failure.signature);
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

/* A resumed campaign knows its buckets again. */
static enum err load_buckets(struct triage *triage)
{
    struct arena *arena = arena_new();
    struct finding_row *rows;
    size_t n;
    enum err err = store_findings(triage->o.store, arena, &rows, &n);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        const struct finding_row *row = &rows[i];
        size_t before = triage->n_buckets;
        size_t b = add_bucket(triage, row->bucket);
        /* The first finding of a bucket is the one that was reduced. */
        if (b == before && strcmp(row->state, "new") == 0 && !is_unreduced_bucket(row->bucket)) {
            add_explanation(triage, library_of(row->target, arena), row->signature, row->ops, b);
        }
        triage->buckets[b].folders += row->folder[0] != '\0';
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
    enum err err = load_buckets(triage);
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
        free(triage->looks);
        free(triage);
    }
}

double triage_reduce_cpu(const struct triage *triage)
{
    return triage->reduce_cpu;
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

/* "relu(f32)" and "arg_max(f32->i64)": the reducer makes f32 and i64 of any dtype with which a
 * failure stays the same, so in a reduced form these two stand for all. */
static bool any_dtype_will_do(const char *op, size_t size)
{
    static const char *const words[] = {"f32", "i64", "bool", "->", ")"};
    size_t at = strcspn(op, "(") + 1;
    while (at < size) {
        size_t i = 0;
        while (i < ARRAY_SIZE(words) && strncmp(op + at, words[i], strlen(words[i])) != 0) {
            i++;
        }
        if (i == ARRAY_SIZE(words)) {
            return false;
        }
        at += strlen(words[i]);
    }
    return true;
}

static bool op_explains(const char *reduced, size_t size, const char *other, size_t other_size)
{
    size_t name = strcspn(reduced, "(");
    if (any_dtype_will_do(reduced, size)) {
        return strcspn(other, "(") == name && memcmp(reduced, other, name) == 0;
    }
    return size == other_size && memcmp(reduced, other, size) == 0;
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

static uint64_t look_hash(const struct incident *in, const char *chain)
{
    return hash_text(in->library, hash_text(in->failure.signature, hash_text(chain, 0)));
}

static const struct look *find_look(const struct triage *triage, uint64_t hash)
{
    size_t n = triage->n_looks < LOOKS_MAX ? triage->n_looks : LOOKS_MAX;
    for (size_t i = 0; i < n; i++) {
        if (triage->looks[i].hash == hash) {
            return &triage->looks[i];
        }
    }
    return NULL;
}

/* ---- steps ---- */

/* Chance shows only now and then: one look in which two fresh runs differ is enough. */
static bool shows_chance(const struct failure *f)
{
    return strcmp(f->verdict.oracle, "determinism") == 0;
}

static enum err repeats(struct triage *triage, struct failure *f, struct arena *arena, bool *yes)
{
    bool chance = shows_chance(f);
    TRY(recheck(triage->o.jury, f, chance ? CHANCE_RECHECKS : RECHECKS, arena));
    *yes = chance ? f->repeats > 0 : f->repeats == f->runs;
    return ERR_OK;
}

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

static enum err reduce_incident(struct triage *triage, struct incident *in, double cpu_limit,
                                struct arena *arena)
{
    struct reduction *r = &in->reduction;
    *r = (struct reduction){.cpu_limit = cpu_limit, .max_runs = REDUCE_RUNS_MAX};
    TRY(reduce(triage->o.jury, &in->failure, r, arena));
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
static bool join_look(const struct triage *triage, struct incident *in, uint64_t hash)
{
    const struct look *look = find_look(triage, hash);
    if (look == NULL) {
        return false;
    }
    in->bucket = triage->buckets[look->bucket].key;
    in->known = known_bucket_rule(in->bucket);
    in->state = in->known != NULL ? "known" : "new";
    return true;
}

/* Bucket of a failure that repeats and that no rule knows as it stands. */
static enum err choose_bucket(struct triage *triage, struct incident *in, double cpu,
                              struct arena *arena)
{
    const char *found_signature = in->failure.signature; /* reduction may make it plainer */
    uint64_t hash = look_hash(in, in->ops);
    if (join_look(triage, in, hash)) {
        return ERR_OK;
    }
    in->state = "new";
    size_t b = explaining_bucket(triage, in);
    double allowance = reduce_allowance(triage, cpu, b < triage->n_buckets);
    if (allowance >= reduce_least) {
        double limit = allowance < reduce_most ? allowance : reduce_most;
        TRY(reduce_incident(triage, in, limit, arena));
        b = in->reduction.complete ? triage->n_buckets : explaining_bucket(triage, in);
    }
    bool explained = b < triage->n_buckets;
    if (in->known != NULL) {
        set_known(in, arena);
    } else if (explained) {
        in->bucket = triage->buckets[b].key;
    } else if (in->reduced) {
        in->bucket =
            bucket_key(in->reduction.test->program, in->failure.what, in->failure.signature, arena);
    } else {
        in->bucket = unreduced_key(in, arena);
    }
    b = add_bucket(triage, in->bucket);
    if (in->known == NULL && in->reduced && !explained) {
        add_explanation(triage, in->library, in->failure.signature, in->ops, b);
        add_explanation(triage, in->library, found_signature, in->ops, b);
    }
    triage->looks[triage->n_looks++ % LOOKS_MAX] = (struct look){.hash = hash, .bucket = b};
    return ERR_OK;
}

/* ---- the row and the folder ---- */

static const char *incident_json(const struct incident *in, struct arena *arena)
{
    const struct failure *f = &in->failure;
    json_t *root = json_pack("{s:I, s:s, s:s, s:i, s:i, s:b, s:b, s:s?}", /* */
                             "seed", (json_int_t)f->test->seed, "inputs", f->test->policy,
                             "version", f->what->version != NULL ? f->what->version : "", "runs",
                             (int)f->runs, "repeats", (int)f->repeats, "reduced", in->reduced,
                             "complete", in->reduced && in->reduction.complete, "known", in->known);
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

/* The row comes first, so that nothing found is lost; its folder needs the row's id. */
static enum err record(struct triage *triage, const struct incident *in, struct arena *arena)
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
    if (strcmp(in->state, "known") == 0) {
        return ERR_OK;
    }
    if (old_bucket == 0 && strcmp(in->state, "new") == 0) {
        triage->o.live->buckets++;
    }
    size_t b = add_bucket(triage, in->bucket);
    if (triage->buckets[b].folders >= FOLDERS_A_BUCKET) {
        return ERR_OK;
    }
    triage->buckets[b].folders++;
    row.folder = finding_folder(id, row.target, row.oracle, arena);
    TRY(write_folder(triage, in, row.folder, arena));
    return store_add_finding(triage->o.store, &row, &id);
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
    in.known =
        known_match(triage->o.known, in.failure.what, p, verdict, &trial->outcomes[t], arena);
    bool repeated = true;
    if (in.known != NULL) {
        set_known(&in, arena);
    } else {
        TRY(repeats(triage, &in.failure, arena, &repeated));
    }
    if (!repeated) {
        in.state = "flaky";
        in.bucket = arena_printf(arena, "%s | flaky | %s", in.library, in.failure.signature);
    } else if (in.known == NULL) {
        TRY(choose_bucket(triage, &in, cpu, arena));
    }
    bool known = strcmp(in.state, "known") == 0;
    verdict->kind = !repeated ? VERDICT_FLAKY : known ? VERDICT_KNOWN : VERDICT_FINDING;
    return record(triage, &in, arena);
}
