/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One engine process of a campaign: claims a block of test indices, keeps the workers busy with up
 * to jury_window() tests while it evaluates references and judges what came back, commits the
 * block's counts in one transaction. Tests are judged in the order of their indices, so what is
 * committed is always a whole prefix of the block, whenever it is told to stop. Memory is bounded:
 * one arena a place in the window, reset for each test.
 */
#include "campaign_parts.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every run of one test in this many is made twice and compared bit for bit; of a library that
 * builds packs, one in so many packs. */
enum { REPEAT_ONE_IN = 64 };

/* Bytes that a place in the window keeps from test to test: what a large one needed more goes back,
 * lest the engine grow by one rare test after the other. */
enum { PLACE_KEEPS = 2 << 20 };

/* Microseconds between two looks whether the epochs before are complete. */
enum { EPOCH_WAIT = 20000 };

struct pending {
    struct arena *arena;
    struct test test;
    struct reference *reference;
    struct outcome *outcomes; /* per target */
    struct verdict *verdicts;
};

struct engine {
    const struct engine_options *options;
    struct arena *arena; /* lives as long as the engine */
    struct store *store;
    struct jury *jury;
    struct policy *policy;
    const char *policy_text;
    const struct policy *policy_now; /* of the block's epoch */
    struct arena *epoch_arena;
    const struct known_rules *rules;
    const struct regressions *regressions; /* NULL: all failures are findings */
    struct triage *triage;
    struct pending pending[JURY_WINDOW_MAX];
    /* Of the block under way: tests first..judged-1 are counted, judged..taken-1 have answers,
     * taken..posted-1 are at the workers. */
    struct block block;
    uint64_t judged, taken, posted;
    struct counts counts;
    struct arena *counts_arena;
    double committed[USAGE_COUNT]; /* this process's usage that earlier commits hold */
    uint64_t committed_restarts;
    double cpu_due; /* wall time at which live->cpu is to be set again */
};

/* ---- usage ---- */

/* Seconds between two looks at the CPU time for those who watch. */
static const double cpu_period = 0.25;

static double engine_cpu(const struct engine *e)
{
    return e->options->cpu_before + clock_cpu_self() + jury_usage(e->jury).worker_cpu +
           generator_cpu(e->policy) + triage_other_cpu(e->triage);
}

static void count_usage(struct engine *e)
{
    struct jury_usage jury = jury_usage(e->jury);
    const double now[USAGE_COUNT] = {
        [USAGE_CPU] = engine_cpu(e),
        [USAGE_LIBRARY] = jury.library_cpu,
        [USAGE_REDUCE] = triage_reduce_cpu(e->triage),
        [USAGE_ELAPSED] = (clock_wall() - e->options->first->begin) / e->options->campaign->jobs,
    };
    e->options->live->cpu = (uint64_t)(now[USAGE_CPU] * 1e6);
    for (size_t i = 0; i < USAGE_COUNT; i++) {
        e->counts.usage[i] = now[i] > e->committed[i] ? now[i] - e->committed[i] : 0;
        e->committed[i] += e->counts.usage[i];
    }
    e->counts.restarts = jury.restarts - e->committed_restarts;
    e->committed_restarts = jury.restarts;
}

/* ---- opening ---- */

/* The policy's own tables say what is wanted, by default all that the ops allow. */
static void narrow(struct support *wanted, const struct support *possible)
{
    for (size_t op = 0; op < op_count; op++) {
        for (size_t in = 0; in < DTYPE_COUNT; in++) {
            wanted->pairs[op][in] &= possible->pairs[op][in];
        }
    }
}

enum err campaign_policy(const char *name, uint32_t nodes, struct target *const *targets, size_t n,
                         struct arena *arena, struct policy **result)
{
    struct policy *policy;
    TRY(policy_load(name != NULL ? name : "default", arena, &policy));
    if (nodes != 0) {
        policy->nodes = nodes;
    }
    /* The tables below say what each target takes at its own opset; this must not narrow them.
     * Targets of dynamic shapes want programs that have several. */
    for (size_t i = 0; i < n; i++) {
        if (targets[i]->dynamic && policy->dynamic_percent == 0) {
            policy->dynamic_percent = 100;
        }
        if (targets[i]->onnx.opset > (int)policy->opset) {
            policy->opset = (uint32_t)targets[i]->onnx.opset;
        }
    }
    struct support all, any;
    support_combine(targets, n, arena, &all, &any);
    narrow(&policy->all, &all);
    narrow(&policy->any, &any);
    TRY(policy_check(policy));
    *result = policy;
    return ERR_OK;
}

static enum err bind_store(struct engine *e)
{
    const struct engine_options *o = e->options;
    struct buffer targets = BUFFER_INIT;
    for (size_t i = 0; i < o->n_targets; i++) {
        const struct target *t = o->targets[i];
        buffer_printf(&targets, "%s %s\n", t->text, t->version != NULL ? t->version : "-");
    }
    const struct campaign_key key = {
        .seed = o->campaign->seed,
        .targets = targets.data,
        .policy = e->policy_text,
        .policy_hash = policy_hash(e->policy),
    };
    enum err err = store_bind(e->store, &key);
    buffer_release(&targets);
    return err;
}

static enum err open_triage(struct engine *e)
{
    const struct engine_options *o = e->options;
    struct known_rules *known;
    TRY(known_load(o->campaign->known, e->arena, &known));
    e->rules = known;
    struct counts *totals = arena_alloc(e->arena, sizeof(*totals));
    TRY(counts_read(e->store, o->dir, e->arena, totals));
    const struct triage_options triage = {
        .store = e->store,
        .jury = e->jury,
        .targets = o->targets,
        .n_targets = o->n_targets,
        .known = known,
        .dir = o->dir,
        .jobs = o->campaign->jobs,
        .totals = totals,
        .live = o->live,
    };
    return triage_open(&triage, &e->triage);
}

static enum err engine_open(struct engine *e)
{
    const struct engine_options *o = e->options;
    const struct jury_options options = {.is_told = o->live != o->first};
    TRY(jury_open(o->targets, o->n_targets, &options, &e->jury));
    if (!o->campaign->all_failures) {
        e->regressions = regressions_new(o->targets, o->n_targets, e->arena);
        regressions_align(e->regressions);
        if (o->live == o->first) {
            regressions_say(e->regressions);
        }
    }
    TRY(campaign_policy(o->campaign->policy, o->campaign->nodes, o->targets, o->n_targets, e->arena,
                        &e->policy));
    if (o->campaign->generator != NULL) {
        e->policy->generator = o->campaign->generator;
    }
    if (o->campaign->seeds != NULL) {
        TRY(policy_seeds(e->policy, o->campaign->seeds, e->arena));
    }
    TRY(generator_open(e->policy, e->arena));
    struct buffer text = BUFFER_INIT;
    policy_print(e->policy, &text);
    e->policy_text = arena_strdup(e->arena, text.data);
    buffer_release(&text);
    TRY(store_open(o->dir, true, &e->store));
    TRY(bind_store(e));
    TRY(open_triage(e));
    for (size_t i = 0; i < JURY_WINDOW_MAX; i++) {
        e->pending[i].arena = arena_new();
    }
    return ERR_OK;
}

static void engine_close(struct engine *e)
{
    if (e->policy != NULL) {
        generator_say_left_out(e->policy);
        generator_close(e->policy);
    }
    triage_close(e->triage);
    store_close(e->store);
    jury_close(e->jury);
    for (size_t i = 0; i < JURY_WINDOW_MAX; i++) {
        arena_free(e->pending[i].arena);
    }
    arena_free(e->counts_arena);
    arena_free(e->epoch_arena);
    arena_free(e->arena);
}

/* ---- tests ---- */

static bool stopping(const struct engine *e)
{
    const struct engine_options *o = e->options;
    bool timed = o->campaign->time > 0;
    bool is_spent = o->campaign->cpu > 0 && (double)o->live->cpu / 1e6 >= o->cpu_left;
    return stop_requested || is_spent || (timed && clock_wall() >= o->first->begin + o->time_left);
}

static struct pending *pending_of(struct engine *e, uint64_t index)
{
    return &e->pending[index % jury_window(e->jury)];
}

static enum err post_tests(struct engine *e)
{
    while (e->posted < e->block.end && e->posted - e->judged < jury_window(e->jury) &&
           !stopping(e)) {
        struct pending *s = pending_of(e, e->posted);
        struct arena *arena = s->arena;
        size_t n = e->options->n_targets;
        arena_reset(arena);
        arena_trim(arena, PLACE_KEEPS);
        *s = (struct pending){
            .arena = arena,
            .outcomes = ARENA_ZARRAY(arena, struct outcome, n),
            .verdicts = ARENA_ZARRAY(arena, struct verdict, n),
        };
        TRY(generate_any_test(e->policy_now, e->options->campaign->seed, e->posted, MATERIALIZE_ALL,
                              arena, &s->test));
        TRY(jury_post(e->jury, &s->test));
        e->posted++;
    }
    return ERR_OK;
}

static enum err take_test(struct engine *e)
{
    struct pending *s = pending_of(e, e->taken);
    TRY(jury_take(e->jury, s->arena, s->outcomes));
    e->taken++;
    return ERR_OK;
}

/* The standing workers run one more test for us only when nothing is queued there. */
static enum err drain(struct engine *e)
{
    while (e->taken < e->posted) {
        TRY(take_test(e));
    }
    return ERR_OK;
}

/* By itself a program costs about as much as a pack of them. */
static bool is_repeated(const struct engine *e, size_t target, uint64_t index)
{
    uint64_t draw = hash_mix(e->options->campaign->seed, index);
    uint32_t pack = e->options->targets[target]->kind->pack;
    return draw % (REPEAT_ONE_IN * (pack > 1 ? (uint64_t)pack : 1)) == 0;
}

static enum err repeat_runs(struct engine *e, struct pending *s)
{
    for (size_t t = 0; t < e->options->n_targets; t++) {
        struct verdict *v = &s->verdicts[t];
        if ((v->kind != VERDICT_PASS && v->kind != VERDICT_UNJUDGED) ||
            !is_repeated(e, t, e->judged)) {
            continue; /* findings are run again by triage; the rest did not run */
        }
        struct outcome again;
        TRY(drain(e));
        TRY(jury_run(e->jury, t, &s->test, s->arena, &again));
        e->counts.repeated++;
        const char *text;
        if (!outcomes_agree(&s->outcomes[t], &again, s->arena, &text)) {
            *v = (struct verdict){
                .kind = VERDICT_FINDING,
                .oracle = "determinism",
                .text = text,
            };
        }
    }
    return ERR_OK;
}

/* All libraries against the reference: a fault of ours, very likely. It does not stop the campaign;
 * the test is kept. */
static enum err keep_suspect(struct engine *e, const struct pending *s)
{
    const char *all = arena_printf(s->arena, "%s/suspects", e->options->dir);
    const char *folder = arena_printf(s->arena, "%s/%llu", all, (unsigned long long)e->judged);
    TRY(dir_make(all));
    TRY(test_write(folder, "all libraries differ alike from the reference", &s->test));
    log_warn("test %llu: all libraries differ alike from the reference; `opjury run "
             "%s/program.txt` shows it",
             (unsigned long long)e->judged, folder);
    return ERR_OK;
}

static enum err judge_pending(struct engine *e, struct pending *s)
{
    size_t n_suspect = judge_runs(&s->test, s->reference, e->options->targets, s->outcomes,
                                  e->options->n_targets, s->arena, s->verdicts);
    return n_suspect > 0 ? keep_suspect(e, s) : ERR_OK;
}

static enum err triage_runs(struct engine *e, struct pending *s)
{
    const struct trial trial = {
        .test = &s->test,
        .reference = s->reference,
        .outcomes = s->outcomes,
        .verdicts = s->verdicts,
        .regressions = e->regressions,
    };
    for (size_t t = 0; t < e->options->n_targets; t++) {
        if (s->verdicts[t].kind == VERDICT_FINDING) {
            TRY(drain(e));
            TRY(triage_finding(e->triage, &trial, t, engine_cpu(e), s->arena));
        }
    }
    return ERR_OK;
}

static void count_test(struct engine *e, const struct pending *s)
{
    struct live *live = e->options->live;
    for (size_t t = 0; t < e->options->n_targets; t++) {
        counts_add(&e->counts, t, &s->verdicts[t], e->counts_arena);
        live->verdicts[s->verdicts[t].kind]++;
    }
    e->counts.tests++;
    live->tests++;
    /* The workers' times cost system calls: each test only where a limit hangs on it. */
    double now = clock_wall();
    if (e->options->campaign->cpu > 0 || now >= e->cpu_due) {
        live->cpu = (uint64_t)(engine_cpu(e) * 1e6);
        e->cpu_due = now + cpu_period;
    }
}

static enum err judge_test(struct engine *e)
{
    struct pending *s = pending_of(e, e->judged);
    s->reference = reference_new(&s->test, s->arena); /* the workers are at it meanwhile */
    if (e->taken == e->judged) {
        TRY(take_test(e));
    }
    TRY(judge_pending(e, s));
    TRY(repeat_runs(e, s));
    if (e->regressions != NULL) {
        regressions_filter(e->regressions, s->verdicts, s->arena);
    }
    TRY(triage_runs(e, s));
    count_test(e, s);
    e->judged++;
    return ERR_OK;
}

/* ---- blocks ---- */

/* The policy of the block's epoch, which is made by the engine that comes first. *ready false: what
 * it is to be made of is still under way. */
static enum err enter_epoch(struct engine *e, bool *ready)
{
    uint64_t epoch = e->block.first / EPOCH_TESTS;
    const char *text;
    arena_reset(e->epoch_arena);
    TRY(store_policy(e->store, epoch, NULL, e->epoch_arena, &text));
    *ready = text != NULL || e->options->campaign->fixed;
    if (!*ready) {
        TRY(store_complete(e->store, epoch_known_tests(epoch), ready));
    }
    if (!*ready) {
        return ERR_OK;
    }
    if (text == NULL) {
        const char *made = e->policy_text;
        if (!e->options->campaign->fixed) {
            TRY(epoch_make(e->store, e->rules, e->policy, e->policy_text, epoch, e->epoch_arena,
                           &made));
        }
        TRY(store_policy(e->store, epoch, made, e->epoch_arena, &text));
    }
    return campaign_policy_at(e->store, e->policy, e->policy_text, e->block.first, e->epoch_arena,
                              &e->policy_now);
}

static enum err commit(struct engine *e)
{
    count_usage(e);
    counts_check(&e->counts);
    struct buffer json = BUFFER_INIT;
    counts_print(&e->counts, &json);
    enum err err = store_commit(e->store, &e->block, e->judged, json.data);
    buffer_release(&json);
    return err;
}

static enum err run_tests(struct engine *e)
{
    for (;;) {
        TRY(post_tests(e));
        if (e->judged == e->posted) {
            return ERR_OK; /* all done, or told to stop and nothing is under way */
        }
        TRY(judge_test(e));
        e->options->live->restarts = jury_usage(e->jury).restarts;
    }
}

static enum err run_block(struct engine *e)
{
    arena_reset(e->counts_arena);
    counts_init(&e->counts, e->options->targets, e->options->n_targets, e->counts_arena);
    e->judged = e->taken = e->posted = e->block.first;
    bool ready;
    TRY(enter_epoch(e, &ready));
    if (!ready) { /* given back: a block before it that nobody works on comes first */
        usleep(EPOCH_WAIT);
        return commit(e);
    }
    enum err err = run_tests(e);
    if (err != ERR_OK) {
        /* What was judged is true whatever went wrong next; but that is what to report. */
        char *text = xstrdup(err_text());
        (void)!commit(e);
        err = err_set(err, "%s", text);
        free(text);
        return err;
    }
    return commit(e);
}

static enum err run_blocks(struct engine *e)
{
    while (!stopping(e)) {
        bool got;
        TRY(store_claim(e->store, e->options->campaign->tests, &e->block, &got));
        if (!got) {
            break;
        }
        TRY(run_block(e));
        malloc_trim(0); /* what a rare large test has left (campaign_keep_memory) */
    }
    return ERR_OK;
}

void campaign_keep_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

enum err engine_run(const struct engine_options *options)
{
    campaign_keep_memory();
    struct engine e = {
        .options = options,
        .arena = arena_new(),
        .counts_arena = arena_new(),
        .epoch_arena = arena_new(),
    };
    enum err err = engine_open(&e);
    if (err == ERR_OK) {
        options->live->begin = clock_wall();
        options->live->ready = true;
        err = run_blocks(&e);
    }
    engine_close(&e);
    return err;
}
