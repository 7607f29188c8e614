/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jury: spreads tests over libraries and brings outcomes back in target order. Targets of one
 * library and interpreter share a job: the program is encoded once, the inputs lie in memory once,
 * and each target's options are a run of it.
 */
#include "target/target_internal.h"

#include <stdlib.h>
#include <string.h>

/* Where one target's answer to one test comes from. */
struct answer {
    bool asked;            /* there is a run of it in its library's job */
    uint32_t run;          /* which */
    enum outcome_kind why; /* else what it is instead, with the text */
    char *text;            /* heap; NULL: run in this process */
};

struct posted {
    const struct test *test;
    uint32_t *seq;          /* a library's job */
    bool *has_job;          /* does the library have one? */
    struct answer *answers; /* a target */
};

struct jury {
    struct arena *arena;
    struct arena *scratch; /* of one post */
    struct target **targets;
    size_t n_targets;
    struct library **libraries;
    size_t n_libraries;
    size_t *library_of; /* a target's; SIZE_MAX: runs in this process */
    struct posted window[JURY_WINDOW_MAX];
    uint32_t n_window;
    uint64_t posted, taken;
    double command_cpu; /* of processes that kinds without an adapter started */
};

/* ---- open and close ---- */

static bool same_library(const struct library *l, const struct target *t)
{
    return l->kind == t->kind && l->dynamic == t->dynamic && l->device == t->device &&
           strcmp(l->python, t->python) == 0 && l->n_targets < WIRE_RUNS_MAX;
}

static void join_library(struct jury *j, size_t target)
{
    const struct target *t = j->targets[target];
    size_t i = 0;

    if (!t->kind->adapter) {
        j->library_of[target] = SIZE_MAX;
        return;
    }
    while (i < j->n_libraries && !same_library(j->libraries[i], t)) {
        i++;
    }
    if (i == j->n_libraries) {
        struct library *fresh = ARENA_ZARRAY(j->arena, struct library, 1);
        fresh->kind = t->kind;
        fresh->python = t->python;
        fresh->dynamic = t->dynamic;
        fresh->device = t->device;
        fresh->arena = j->arena;
        fresh->zygote = ZYGOTE_NONE;
        for (unsigned w = 0; w < WIRE_WORKERS_MAX; w++) {
            fresh->worker[w].ring = RING_NONE;
        }
        j->libraries[j->n_libraries++] = fresh;
    }
    struct library *l = j->libraries[i];
    j->library_of[target] = i;
    l->target[l->n_targets++] = target;
}

static struct jury_options with_defaults(const struct jury_options *given, double patience)
{
    struct jury_options o = given ? *given : (struct jury_options){0};

    o.cpu_deadline = o.cpu_deadline > 0 ? o.cpu_deadline : 10 * patience;
    o.wall_cap = o.wall_cap > 0 ? o.wall_cap : 60 * patience;
    /* Importing torch took 4 s and tensorflow 10 s on two busy cores. */
    o.start_cap = o.start_cap > 0 ? o.start_cap : 180;
    o.memory_limit = o.memory_limit ? o.memory_limit : (uint64_t)2 << 30;
    o.tests_per_worker = o.tests_per_worker ? o.tests_per_worker : 10000;
    return o;
}

/* Enough that workers seldom wait for us; where they build packs, one more while one is judged. A
 * power of two: places in a ring. */
static uint32_t window_of(const struct jury *j)
{
    uint32_t n = 8;

    for (size_t i = 0; i < j->n_libraries; i++) {
        while (n < 2 * j->libraries[i]->kind->pack) {
            n *= 2;
        }
    }
    CHECK(n <= JURY_WINDOW_MAX);
    return n;
}

uint32_t jury_window(const struct jury *j)
{
    return j->n_window;
}

static struct jury *jury_new(struct target *const *targets, size_t n,
                             const struct jury_options *options)
{
    struct arena *arena = arena_new();
    struct jury *j = ARENA_ZARRAY(arena, struct jury, 1);

    j->arena = arena;
    j->scratch = arena_new();
    j->n_targets = n;
    j->targets = arena_copy(arena, targets, n * sizeof(struct target *));
    j->libraries = ARENA_ZARRAY(arena, struct library *, n);
    j->library_of = ARENA_ZARRAY(arena, size_t, n);
    for (size_t i = 0; i < n; i++) {
        join_library(j, i);
    }
    j->n_window = window_of(j);
    for (size_t i = 0; i < j->n_libraries; i++) {
        double patience = j->libraries[i]->kind->patience;
        j->libraries[i]->options = with_defaults(options, patience > 0 ? patience : 1);
        if (j->libraries[i]->device) {
            /* Drivers reserve as much address space as all devices and the host have memory. */
            j->libraries[i]->options.memory_limit = 0;
        }
        j->libraries[i]->slots = j->n_window;
    }
    for (size_t i = 0; i < JURY_WINDOW_MAX; i++) {
        j->window[i].seq = ARENA_ZARRAY(arena, uint32_t, n);
        j->window[i].has_job = ARENA_ZARRAY(arena, bool, n);
        j->window[i].answers = ARENA_ZARRAY(arena, struct answer, n);
    }
    return j;
}

/* All interpreters import side by side, then each is waited for. */
static enum err open_libraries(struct jury *j)
{
    for (size_t i = 0; i < j->n_libraries; i++) {
        struct library *l = j->libraries[i];
        TRY(zygote_start(&l->zygote, l->python, l->kind->adapter));
    }
    for (size_t i = 0; i < j->n_libraries; i++) {
        TRY(library_open(j->libraries[i]));
    }
    for (size_t i = 0; i < j->n_libraries; i++) {
        TRY(probe_library(j, j->libraries[i], j->targets));
    }
    for (size_t i = 0; i < j->n_targets; i++) {
        struct target *t = j->targets[i];
        if (!t->kind->adapter && t->kind->encode) {
            t->support = probe_declared(t, j->arena);
            TRY(probe_plain(t));
        }
    }
    return ERR_OK;
}

/* What has no device is passed over, unless that is all. */
static enum err check_devices(const struct jury *j, bool is_told)
{
    const struct target *missing = NULL;
    size_t n = 0;

    for (size_t i = 0; i < j->n_targets; i++) {
        missing = j->targets[i]->no_device ? j->targets[i] : missing;
        n += j->targets[i]->no_device != NULL;
    }
    if (n == 1 && n == j->n_targets) {
        return err_set(ERR_MISSING, "%s: %s", missing->text, missing->no_device);
    }
    for (size_t i = 0; i < j->n_targets && !is_told; i++) {
        if (j->targets[i]->no_device) {
            log_warn("%s is passed over: %s", j->targets[i]->text, j->targets[i]->no_device);
        }
    }
    if (n > 0 && n == j->n_targets) {
        return err_set(ERR_MISSING, "no target has its device");
    }
    return ERR_OK;
}

enum err jury_open(struct target *const *targets, size_t n, const struct jury_options *options,
                   struct jury **jury)
{
    struct jury *j = jury_new(targets, n, options);
    enum err e = open_libraries(j);

    e = e ? e : check_devices(j, options && options->is_told);
    if (e) {
        jury_close(j);
        return e;
    }
    *jury = j;
    return ERR_OK;
}

void jury_close(struct jury *j)
{
    if (!j) {
        return;
    }
    for (size_t i = 0; i < j->n_libraries; i++) {
        library_close(j->libraries[i]);
    }
    for (; j->taken < j->posted; j->taken++) {
        for (size_t i = 0; i < j->n_targets; i++) {
            free(j->window[j->taken % JURY_WINDOW_MAX].answers[i].text);
        }
    }
    arena_free(j->scratch);
    arena_free(j->arena);
}

/* ---- post ---- */

static void refuse(struct answer *a, enum outcome_kind why, const char *text)
{
    *a = (struct answer){.why = why, .text = xstrdup(text)};
}

/* Post the runs with the program's bytes added. */
static enum err encode_and_post(struct library *l, const struct target *t, const struct job *runs,
                                unsigned worker, uint32_t *seq)
{
    struct buffer program = BUFFER_INIT;
    struct job job = *runs;
    enum err e = l->kind->encode(t, job.test, &program);

    job.program = &program;
    job.with_constants = l->kind->constants_as_tensors;
    job.before = t->dynamic ? job.test->before : NULL;
    e = e ? e : library_post(l, worker, &job, seq);
    buffer_release(&program);
    return e;
}

static enum err post_to_library(struct jury *j, struct posted *p, size_t index)
{
    struct library *l = j->libraries[index];
    struct job job = {.test = p->test};
    const struct target *first = NULL;

    for (size_t i = 0; i < l->n_targets; i++) {
        const struct target *t = target_drawn(j->targets[l->target[i]], p->test, j->scratch);
        struct answer *a = &p->answers[l->target[i]];
        if (t->no_device) {
            refuse(a, OUTCOME_NOT_EXERCISED, t->no_device);
            continue;
        }
        if (!target_supports(t, p->test->program)) {
            refuse(a, OUTCOME_UNSUPPORTED, "not in the target's support table");
            continue;
        }
        if (t->dynamic && !p->test->before) {
            refuse(a, OUTCOME_NOT_EXERCISED, "the program has one shape only");
            continue;
        }
        *a = (struct answer){.asked = true, .run = job.n_runs};
        job.options[job.n_runs++] = t->options;
        first = first ? first : t;
    }
    p->has_job[index] = false;
    if (!first) {
        return ERR_OK;
    }
    enum err e = encode_and_post(l, first, &job, WORKER_STANDING, &p->seq[index]);
    if (e != ERR_OK && e != ERR_UNSUPPORTED && e != ERR_LIMIT) {
        return e;
    }
    for (size_t i = 0; e && i < l->n_targets; i++) {
        struct answer *a = &p->answers[l->target[i]];
        if (a->asked) {
            refuse(a, e == ERR_LIMIT ? OUTCOME_NOT_EXERCISED : OUTCOME_UNSUPPORTED, err_text());
        }
    }
    p->has_job[index] = e == ERR_OK;
    return ERR_OK;
}

enum err jury_post(struct jury *j, const struct test *test)
{
    CHECK(j->posted - j->taken < j->n_window);
    struct posted *p = &j->window[j->posted % JURY_WINDOW_MAX];

    p->test = test;
    memset(p->answers, 0, j->n_targets * sizeof *p->answers);
    arena_reset(j->scratch);
    for (size_t i = 0; i < j->n_libraries; i++) {
        TRY(post_to_library(j, p, i));
    }
    j->posted++;
    return ERR_OK;
}

/* ---- take ---- */

static enum err wait_for(struct jury *j, const struct posted *p)
{
    for (size_t i = 0; i < j->n_libraries; i++) {
        if (p->has_job[i]) {
            TRY(library_finish(j->libraries[i], WORKER_STANDING, p->seq[i], j->libraries,
                               j->n_libraries));
        }
    }
    return ERR_OK;
}

/* In this process: no worker of ours, hence no crash record. */
static enum err run_here(struct jury *j, const struct target *t, const struct test *test,
                         struct arena *arena, struct outcome *o)
{
    double start = clock_cpu_self();

    *o = (struct outcome){.message = "", .log = "", .phase = "run", .error_class = ""};
    TRY(t->kind->run(target_drawn(t, test, arena), test, arena, o));
    j->command_cpu += o->cpu;
    o->cpu += clock_cpu_self() - start;
    return ERR_OK;
}

static enum err fill_outcome(struct jury *j, const struct posted *p, size_t target,
                             struct arena *arena, struct outcome *o)
{
    const struct answer *a = &p->answers[target];
    size_t library = j->library_of[target];

    if (library == SIZE_MAX) {
        TRY(run_here(j, j->targets[target], p->test, arena, o));
    } else if (a->asked) {
        library_read(j->libraries[library], WORKER_STANDING, p->seq[library], a->run, arena, o);
    } else {
        *o = (struct outcome){.kind = a->why, .log = "", .phase = "load", .error_class = ""};
        o->message = arena_strdup(arena, a->text);
    }
    return ERR_OK;
}

enum err jury_take(struct jury *j, struct arena *arena, struct outcome *outcomes)
{
    CHECK(j->taken < j->posted);
    struct posted *p = &j->window[j->taken % JURY_WINDOW_MAX];

    TRY(wait_for(j, p));
    for (size_t i = 0; i < j->n_targets; i++) {
        TRY(fill_outcome(j, p, i, arena, &outcomes[i]));
        free(p->answers[i].text);
        p->answers[i].text = NULL;
    }
    for (size_t i = 0; i < j->n_libraries; i++) {
        if (p->has_job[i]) {
            library_forget(j->libraries[i], WORKER_STANDING, p->seq[i]);
        }
    }
    j->taken++;
    return ERR_OK;
}

/* ---- single runs ---- */

enum err jury_run_on(struct jury *j, struct library *l, const struct target *t,
                     const struct test *test, unsigned worker, struct arena *arena,
                     struct outcome *o)
{
    struct job job = {.test = test, .n_runs = 1, .options = {t->options}};
    uint32_t seq;
    enum err e = encode_and_post(l, t, &job, worker, &seq);

    if (e == ERR_UNSUPPORTED || e == ERR_LIMIT) {
        *o = (struct outcome){.log = "", .phase = "load", .error_class = ""};
        o->kind = e == ERR_LIMIT ? OUTCOME_NOT_EXERCISED : OUTCOME_UNSUPPORTED;
        o->message = arena_strdup(arena, err_text());
        return ERR_OK;
    }
    TRY(e);
    TRY(library_finish(l, worker, seq, j->libraries, j->n_libraries));
    library_read(l, worker, seq, 0, arena, o);
    library_forget(l, worker, seq);
    return ERR_OK;
}

static enum err run_one(struct jury *j, size_t target, const struct target *t,
                        const struct test *test, unsigned worker, struct arena *arena,
                        struct outcome *o)
{
    if (j->library_of[target] == SIZE_MAX) {
        return run_here(j, t, test, arena, o);
    }
    return jury_run_on(j, j->libraries[j->library_of[target]], target_drawn(t, test, arena), test,
                       worker, arena, o);
}

enum err jury_run_fresh(struct jury *j, size_t target, const struct test *test, struct arena *arena,
                        struct outcome *outcome)
{
    return run_one(j, target, j->targets[target], test, WORKER_FRESH, arena, outcome);
}

enum err jury_run_fresh_as(struct jury *j, size_t target, const struct target *as,
                           const struct test *test, struct arena *arena, struct outcome *outcome)
{
    return run_one(j, target, as, test, WORKER_FRESH, arena, outcome);
}

enum err jury_run(struct jury *j, size_t target, const struct test *test, struct arena *arena,
                  struct outcome *outcome)
{
    CHECK(j->posted == j->taken);
    return run_one(j, target, j->targets[target], test, WORKER_STANDING, arena, outcome);
}

enum err jury_run_struck(struct jury *j, size_t target, const struct test *test, int signal,
                         struct arena *arena, struct outcome *o, struct strike *strike)
{
    struct library *l = j->libraries[j->library_of[target]];
    const struct target *t = target_drawn(j->targets[target], test, arena);
    struct job job = {.test = test, .n_runs = 1, .options = {t->options}};
    bool struck = false;
    uint32_t seq;

    CHECK(j->posted == j->taken);
    TRY(encode_and_post(l, t, &job, WORKER_STANDING, &seq));
    TRY(library_strike(l, WORKER_STANDING, seq, signal, &struck));
    *strike = (struct strike){.wall = clock_wall(),
                              .cpu = clock_cpu_self() + jury_usage(j).worker_cpu,
                              .is_late = !struck};
    TRY(library_finish(l, WORKER_STANDING, seq, j->libraries, j->n_libraries));
    library_read(l, WORKER_STANDING, seq, 0, arena, o);
    library_forget(l, WORKER_STANDING, seq);
    return ERR_OK;
}

struct jury_usage jury_usage(const struct jury *j)
{
    struct jury_usage usage = {.worker_cpu = j->command_cpu, .library_cpu = j->command_cpu};

    for (size_t i = 0; i < j->n_libraries; i++) {
        usage.worker_cpu += library_total_cpu(j->libraries[i]);
        usage.library_cpu += j->libraries[i]->library_cpu;
        usage.restarts += j->libraries[i]->restarts;
    }
    return usage;
}
