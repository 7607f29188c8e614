/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library: keeps one library's workers busy and alive. Jobs are numbered; a worker answers them in
 * order, so the first unanswered job and the worker's cursor name the run that killed it. That run
 * is recorded as its own outcome, a new worker is forked, and it goes on behind the culprit: the
 * jobs still lie in the ring.
 */
#include "target/target_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TICK_MS = 50, /* how late a deadline may be noticed */
    /* A worker that dies before it begins a run, or a zygote that dies, is tried so often. */
    ATTEMPTS = 3,
    LARGE_JOB = 1 << 20, /* bytes; its pages are given back after use */
};
/* From our SIGKILL to the report of the death, on a machine with many times more to do than cores:
 * more means that the zygote hangs. */
static const double kill_seconds = 30;
/* A worker that wrote over what it shares with us mostly dies of it, and how says more than our
 * SIGKILL would: so much CPU time it has for that, which the handler and the exit do not need. */
static const double overwritten_cpu = 0.5;
static const char overwritten_text[] = "the memory shared with the worker was overwritten";

/* ---- forking ---- */

static void reset_watch(struct worker *w)
{
    w->seen_steps = 0;
    w->seen_done = w->done;
    w->seen_cpu = 0;
    w->seen_wall = clock_wall();
    w->overwritten = false;
    w->killed = KILLED_NOT;
}

static enum err fork_worker(struct library *l, unsigned index)
{
    struct worker *w = &l->worker[index];
    uint32_t jobs = index == WORKER_FRESH ? 1 : l->options.tests_per_worker;

    ring_begin(&w->ring, w->done, w->posted, jobs, w->pack, l->options.memory_limit);
    if (ftruncate(w->ring.fd[WIRE_FD_LOG], 0) || lseek(w->ring.fd[WIRE_FD_LOG], 0, SEEK_SET)) {
        return err_set(ERR_IO, "cannot empty a worker's log: %m");
    }
    TRY(zygote_command(&l->zygote, WIRE_FORK, index, w->ring.fd));
    w->forking = true;
    reset_watch(w);
    return ERR_OK;
}

static bool has_work(const struct worker *w)
{
    return w->posted != w->done;
}

static enum err start_zygote(struct library *l)
{
    const char *version;

    if (!l->zygote.pid) {
        TRY(zygote_start(&l->zygote, l->python, l->kind->adapter));
    }
    TRY(zygote_wait(&l->zygote, l->python, l->kind, l->options.start_cap, l->arena, &version));
    l->version = l->version ? l->version : version;
    return ERR_OK;
}

static uint32_t full_pack(const struct library *l)
{
    return l->kind->pack > 0 ? l->kind->pack : 1;
}

enum err library_open(struct library *l)
{
    TRY(start_zygote(l));
    TRY(ring_open(&l->worker[WORKER_STANDING].ring, l->slots));
    l->worker[WORKER_STANDING].pack = full_pack(l);
    return fork_worker(l, WORKER_STANDING);
}

/* ---- deaths ---- */

static const char *death_text(int status, int signal, struct arena *arena)
{
    if (WIFEXITED(status)) {
        return arena_printf(arena, "the process exited with status %d inside the run",
                            WEXITSTATUS(status));
    }
    return arena_printf(arena, "killed by signal %d (%s)", signal, strsignal(signal));
}

static struct pending *pending_of(struct worker *w, uint32_t seq)
{
    return &w->pending[seq % WIRE_SLOTS_MAX];
}

static bool is_skipped(const struct pending *p, uint32_t run)
{
    return p->skip >> run & 1;
}

/* The first run that has neither been answered nor given up. */
static uint32_t first_open(const struct worker *w, uint32_t seq)
{
    const struct pending *p = &w->pending[seq % WIRE_SLOTS_MAX];
    uint32_t run = 0;

    while (run + 1 < p->n_runs &&
           (is_skipped(p, run) || ring_answered(&w->ring, seq, run, p->n_runs))) {
        run++;
    }
    return run;
}

/* The next worker leaves out what is done of the job. */
static void skip_runs(struct worker *w, uint32_t seq)
{
    struct pending *p = pending_of(w, seq);
    uint32_t n = 0;

    for (uint32_t run = 0; run < p->n_runs; run++) {
        if (p->died[run] || ring_answered(&w->ring, seq, run, p->n_runs)) {
            p->skip |= 1u << run;
            n++;
        }
    }
    ring_skip(&w->ring, seq, p->skip);
    if (n == p->n_runs && seq == w->done) {
        w->done++;
    }
}

static void record_death(struct worker *w, uint32_t seq, uint32_t run, enum outcome_kind kind,
                         int status)
{
    struct pending *p = pending_of(w, seq);
    const struct wire_ring *h = ring_header(&w->ring);
    struct outcome *o = &p->death[run];

    p->arena = p->arena ? p->arena : arena_new();
    *o = (struct outcome){.kind = kind, .message = w->killed_text};
    uint32_t phase = h->cursor.phase;
    o->phase = phase == WIRE_LOAD || phase == WIRE_BUILD ? "load" : "run";
    o->log = ring_read_log(&w->ring, p->arena);
    if (kind == OUTCOME_CRASH && !w->killed) {
        /* A handler that its alarm ended has at least recorded what came first. */
        int first = h->crash.valid ? h->crash.signal : 0;
        o->signal =
            WIFSIGNALED(status) ? (first > 0 && first < NSIG ? first : WTERMSIG(status)) : 0;
        o->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        o->message = death_text(status, o->signal, p->arena);
        if (w->overwritten) {
            o->message = arena_printf(p->arena, "%s; before, %s", o->message, overwritten_text);
        }
        ring_read_crash(&w->ring, p->arena, o);
        last_words_read(p->arena, o);
    }
    o->message = arena_strdup(p->arena, o->message);
    p->died[run] = true;
    p->is_large = true; /* whatever it left there */
    skip_runs(w, seq);
}

/* The rest of the job cannot be had. */
static void abandon_job(struct worker *w, const char *why)
{
    uint32_t seq = w->done;

    snprintf(w->killed_text, sizeof w->killed_text, "%s", why);
    while (w->done == seq) {
        record_death(w, seq, first_open(w, seq), OUTCOME_NOT_EXERCISED, 0);
    }
    w->idle_deaths = 0;
}

/* Had the worker begun a run of an unanswered job? Which? Of a pack each is loaded before the first
 * is answered. A cursor that cannot be has been overwritten, by the first run not yet answered. */
static bool culprit(const struct worker *w, uint32_t *seq, uint32_t *run)
{
    struct wire_cursor c = ring_header(&w->ring)->cursor;
    bool in_pack = c.seq - w->done < w->posted - w->done && c.seq - w->done < w->pack;
    const struct pending *p = &w->pending[c.seq % WIRE_SLOTS_MAX];
    bool in_job = in_pack && c.run < p->n_runs && !is_skipped(p, c.run);
    bool idle = c.phase == WIRE_IDLE && (c.seq == w->done || c.seq == w->done - 1);

    *seq = in_job ? c.seq : w->done;
    *run = in_job ? c.run : first_open(w, w->done);
    return !idle;
}

/* A death in what several share is the fault of one of them: halves, until it is alone. */
static bool halve_pack(struct worker *w)
{
    bool in_build = ring_header(&w->ring)->cursor.phase == WIRE_BUILD && !w->overwritten;

    if (!in_build || w->pack <= 1) {
        return false;
    }
    if ((int32_t)(w->pack_until - w->done) <= 0) {
        w->pack_until = w->done + w->pack;
    }
    w->pack /= 2;
    return true;
}

static void blame(struct library *l, struct worker *w, int status)
{
    uint32_t seq, run;

    if (!has_work(w)) {
        log_warn("%s: a worker died between two runs (status %d)", l->kind->name, status);
        return;
    }
    if (w->killed == KILLED_TOLD) {
        return;
    }
    if (halve_pack(w)) {
        return;
    }
    if (culprit(w, &seq, &run) || w->overwritten) {
        w->idle_deaths = 0;
        record_death(w, seq, run, w->killed == KILLED_HANG ? OUTCOME_HANG : OUTCOME_CRASH, status);
        return;
    }
    if (++w->idle_deaths >= ATTEMPTS) {
        struct arena *arena = arena_new();
        const char *log = ring_read_log(&w->ring, arena);
        char text[96];
        snprintf(text, sizeof text, "the worker dies before it runs anything: %.*s",
                 (int)strcspn(log, "\n"), log);
        abandon_job(w, text);
        arena_free(arena);
    }
}

/* Answers counted by the worker; false: the header has been overwritten, as what only we write in
 * it or an impossible count shows. */
static bool update_done(struct worker *w)
{
    const struct wire_ring *h = ring_header(&w->ring);
    uint32_t done = __atomic_load_n(&h->done, __ATOMIC_ACQUIRE);

    if (h->version != WIRE_VERSION || h->posted != w->posted ||
        done - w->done > w->posted - w->done) {
        return false;
    }
    if (done != w->done) {
        w->done = done;
        w->idle_deaths = 0;
    }
    return true;
}

static enum err on_death(struct library *l, unsigned index, int status)
{
    struct worker *w = &l->worker[index];
    bool retired =
        ring_header(&w->ring)->retired == 1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;

    if (!update_done(w)) {
        w->overwritten = true;
        retired = false;
    }
    /* It died by itself before our SIGKILL came. */
    bool by_itself = !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
    if (by_itself && w->killed != KILLED_TOLD) {
        w->killed = KILLED_NOT;
    }
    w->pid = 0;
    if (retired && has_work(w)) {
        skip_runs(w, w->done); /* it may have done a part of a job */
    }
    if (!retired) {
        blame(l, w, status);
        l->restarts++;
    }
    return index == WORKER_STANDING || has_work(w) ? fork_worker(l, index) : ERR_OK;
}

/* The zygote died once more under this run. */
static void give_up_run(struct worker *w)
{
    uint32_t seq, run;

    (void)culprit(w, &seq, &run);
    snprintf(w->killed_text, sizeof w->killed_text, "the library's mother process died");
    record_death(w, seq, run, OUTCOME_NOT_EXERCISED, 0);
}

/* All workers died with it. They may be at fault: after some attempts their runs are given up. */
static enum err on_zygote_death(struct library *l)
{
    l->closed_cpu += zygote_close(&l->zygote);
    l->dead_cpu = 0;
    l->restarts++;
    bool give_up = ++l->zygote_deaths >= ATTEMPTS;
    TRY(start_zygote(l));
    for (unsigned i = 0; i < WIRE_WORKERS_MAX; i++) {
        struct worker *w = &l->worker[i];
        if (!w->ring.map) {
            continue;
        }
        if (w->pid > 0 && !w->forking) {
            update_done(w);
        }
        w->pid = 0;
        w->forking = false;
        if (give_up && has_work(w)) {
            give_up_run(w);
            l->zygote_deaths = 0;
        }
        if (i == WORKER_STANDING || has_work(w)) {
            TRY(fork_worker(l, i));
        }
    }
    return ERR_OK;
}

/* ---- watching ---- */

static enum err take_reports(struct library *l)
{
    struct wire_report r;
    bool got = true;

    while (got) {
        if (zygote_report(&l->zygote, &r, &got)) {
            return on_zygote_death(l);
        }
        if (!got) {
            break;
        }
        struct worker *w = &l->worker[r.worker];
        if (r.kind == WIRE_FORKED && r.pid < 0) {
            return err_set(ERR_IO, "cannot fork a worker of %s: %s", l->kind->name,
                           strerror(r.status));
        }
        if (r.kind == WIRE_FORKED) {
            w->forking = false;
            w->pid = r.pid;
            reset_watch(w);
        } else if (r.kind == WIRE_DIED && r.pid == w->pid) {
            l->dead_cpu += (double)r.cpu_ns * 1e-9;
            TRY(on_death(l, r.worker, r.status));
        }
    }
    return ERR_OK;
}

static void kill_worker(struct library *l, unsigned index, enum killed why, const char *text)
{
    struct worker *w = &l->worker[index];

    w->killed = why;
    w->killed_wall = clock_wall();
    snprintf(w->killed_text, sizeof w->killed_text, "%s", text);
    /* A zygote that does not listen has died or will be killed: either is noticed elsewhere. */
    if (zygote_command(&l->zygote, WIRE_KILL, index, NULL)) {
        log_debug("%s", err_text());
    }
}

/* Has the worker got on since it was last looked at? */
static bool made_progress(struct worker *w, double cpu, double now)
{
    uint32_t steps = __atomic_load_n(&ring_header(&w->ring)->cursor.steps, __ATOMIC_ACQUIRE);

    if (has_work(w) && steps == w->seen_steps && w->done == w->seen_done) {
        return false;
    }
    w->seen_steps = steps;
    w->seen_done = w->done;
    w->seen_cpu = cpu;
    w->seen_wall = now;
    return true;
}

/* It may die by itself: kill it only when it lives on. */
static void watch_overwritten(struct library *l, unsigned index, double cpu, double now)
{
    struct worker *w = &l->worker[index];

    if (!w->overwritten) {
        w->overwritten = true;
        w->seen_cpu = cpu;
        w->seen_wall = now;
    } else if (cpu - w->seen_cpu > overwritten_cpu || now - w->seen_wall > l->options.wall_cap) {
        kill_worker(l, index, KILLED_OVERWRITTEN, overwritten_text);
    }
}

static void watch_worker(struct library *l, unsigned index, double now)
{
    struct worker *w = &l->worker[index];
    double cpu = clock_cpu_of(w->pid);
    char text[64];

    if (w->killed) {
        if (now - w->killed_wall > kill_seconds) {
            kill(l->zygote.pid, SIGKILL);
        }
    } else if (!update_done(w)) {
        watch_overwritten(l, index, cpu, now);
    } else if (made_progress(w, cpu, now)) {
        return;
    } else if (cpu - w->seen_cpu > l->options.cpu_deadline) {
        snprintf(text, sizeof text, "no answer after %g s of CPU time", l->options.cpu_deadline);
        kill_worker(l, index, KILLED_HANG, text);
    } else if (now - w->seen_wall > l->options.wall_cap) {
        snprintf(text, sizeof text, "no answer after %g s", l->options.wall_cap);
        kill_worker(l, index, KILLED_HANG, text);
    }
}

static void watch(struct library *l)
{
    double now = clock_wall();

    if (now - l->watched < (double)TICK_MS / 1000) {
        return;
    }
    l->watched = now;
    for (unsigned i = 0; i < WIRE_WORKERS_MAX; i++) {
        if (l->worker[i].pid > 0 && !l->worker[i].forking) {
            watch_worker(l, i, now);
        }
    }
}

enum err libraries_wait(struct library *const *libraries, size_t n)
{
    enum { PER_LIBRARY = 1 + WIRE_WORKERS_MAX };
    struct pollfd *p = xmalloc((n * PER_LIBRARY + 1) * sizeof *p);
    size_t n_fds = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; i < n; i++) {
        p[n_fds++] = (struct pollfd){.fd = libraries[i]->zygote.socket, .events = POLLIN};
        for (unsigned w = 0; w < WIRE_WORKERS_MAX; w++) {
            int fd = libraries[i]->worker[w].ring.fd[WIRE_FD_DONE];
            p[n_fds++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    if (poll(p, n_fds, TICK_MS) < 0 && errno != EINTR) {
        e = err_set(ERR_IO, "poll: %m");
    }
    for (size_t i = 0; i < n_fds && !e; i++) {
        struct library *l = libraries[i / PER_LIBRARY];
        eventfd_t count;
        if (i % PER_LIBRARY == 0) {
            e = take_reports(l);
            watch(l);
        } else if (p[i].fd >= 0 && p[i].revents) {
            (void)eventfd_read(p[i].fd,
                               &count); /* emptied; the counts themselves are in the ring */
        }
    }
    free(p);
    if (!e && stop_requested) {
        e = err_set(ERR_STOPPED, "stopped");
    }
    return e;
}

/* ---- jobs ---- */

/* A fresh worker is forked for each job: the last one must be gone. */
static enum err ready_fresh(struct library *l)
{
    struct worker *w = &l->worker[WORKER_FRESH];

    if (!w->ring.map) {
        TRY(ring_open(&w->ring, 1));
        w->pack = 1;
    }
    while (w->pid || w->forking) {
        TRY(libraries_wait(&l, 1));
    }
    return ERR_OK;
}

/* The jobs that were posted when a build died are done: all is as before. */
static void restore_pack(const struct library *l, struct worker *w)
{
    if (w->pack < full_pack(l) && (int32_t)(w->done - w->pack_until) >= 0) {
        w->pack = full_pack(l);
        __atomic_store_n(&ring_header(&w->ring)->pack, w->pack, __ATOMIC_RELAXED);
    }
}

enum err library_post(struct library *l, unsigned index, const struct job *job, uint32_t *seq)
{
    struct worker *w = &l->worker[index];
    struct pending *p;

    if (index == WORKER_FRESH) {
        TRY(ready_fresh(l));
    } else {
        restore_pack(l, w);
    }
    p = pending_of(w, w->posted);
    TRY(ring_put_job(&w->ring, w->posted, job));
    p->n_runs = job->n_runs;
    p->skip = 0;
    p->is_large = job->program->size > LARGE_JOB;
    memset(p->died, 0, sizeof p->died);
    *seq = w->posted++;
    __atomic_store_n(&ring_header(&w->ring)->posted, w->posted, __ATOMIC_RELEASE);
    if (eventfd_write(w->ring.fd[WIRE_FD_JOB], 1)) {
        return err_set(ERR_IO, "cannot signal a worker: %m");
    }
    return index == WORKER_FRESH ? fork_worker(l, index) : ERR_OK;
}

bool library_done(struct library *l, unsigned index, uint32_t seq)
{
    struct worker *w = &l->worker[index];

    /* While none lives, the header is about a worker that died. What is overwritten is watch's. */
    if (w->pid > 0 && !w->forking && !w->killed) {
        update_done(w);
    }
    return (int32_t)(w->done - seq) > 0;
}

/* Of job seq's answer the engine is told. */
static enum err ask_for(struct worker *w, uint32_t seq)
{
    /* When half of what is queued from there on is done: one wake-up for several jobs, while the
     * worker has others to do. */
    uint32_t more = (w->posted - seq - 1) / 2;

    __atomic_store_n(&ring_header(&w->ring)->wake, seq + 1 + more, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (w->pack > 1 && eventfd_write(w->ring.fd[WIRE_FD_JOB], 1)) {
        return err_set(ERR_IO, "cannot signal a worker: %m"); /* not to wait for a full pack */
    }
    return ERR_OK;
}

enum err library_finish(struct library *l, unsigned index, uint32_t seq,
                        struct library *const *libraries, size_t n)
{
    struct worker *w = &l->worker[index];

    while (!library_done(l, index, seq)) {
        TRY(ask_for(w, seq));
        if (!library_done(l, index, seq)) {
            TRY(libraries_wait(libraries, n));
        }
    }
    return ERR_OK;
}

enum err library_strike(struct library *l, unsigned index, uint32_t seq, int signal, bool *struck)
{
    struct worker *w = &l->worker[index];

    *struck = false;
    TRY(ask_for(w, seq));
    while (!*struck && !library_done(l, index, seq)) {
        const struct wire_cursor *c = &ring_header(&w->ring)->cursor;
        bool is_under_way = l->kind->pack > 1 ? c->phase != WIRE_IDLE : c->phase == WIRE_RUN;
        if (w->pid <= 0 || w->forking) {
            TRY(libraries_wait(&l, 1));
        } else if (__atomic_load_n(&c->steps, __ATOMIC_ACQUIRE) > 0 && c->seq == seq &&
                   is_under_way) {
            /* No sleep before: many a run takes less than a wake-up. */
            *struck = kill(w->pid, signal) == 0;
        } else if (stop_requested) {
            return err_set(ERR_STOPPED, "stopped");
        }
    }
    return ERR_OK;
}

static void copy_death(const struct outcome *death, struct arena *arena, struct outcome *o)
{
    *o = *death;
    o->message = arena_strdup(arena, death->message);
    o->log = arena_strdup(arena, death->log);
    for (uint32_t i = 0; i < death->n_frames; i++) {
        o->frames[i] = arena_strdup(arena, death->frames[i]);
    }
    const char **const texts[] = {&o->modules, &o->fault, &o->python, &o->assertion};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        *texts[i] = *texts[i] ? arena_strdup(arena, *texts[i]) : NULL;
    }
}

void library_read(struct library *l, unsigned index, uint32_t seq, uint32_t run,
                  struct arena *arena, struct outcome *o)
{
    struct worker *w = &l->worker[index];
    struct pending *p = pending_of(w, seq);
    const char *why;
    size_t bytes = 0;

    if (p->died[run]) {
        copy_death(&p->death[run], arena, o);
        return;
    }
    if (!ring_read_result(&w->ring, seq, run, p->n_runs, arena, o, &why)) {
        *o = (struct outcome){.kind = OUTCOME_CRASH, .phase = "run", .message = why, .log = ""};
        p->is_large = true;
        if (w->pid > 0 && !w->killed) {
            kill_worker(l, index, KILLED_TOLD, why);
        }
        return;
    }
    for (uint32_t i = 0; i < o->n_outputs; i++) {
        bytes += tensor_size(&o->outputs[i]);
    }
    p->is_large = p->is_large || bytes > LARGE_JOB;
    l->zygote_deaths = 0;
    l->library_cpu += o->cpu;
}

void library_forget(struct library *l, unsigned index, uint32_t seq)
{
    struct worker *w = &l->worker[index];
    struct pending *p = pending_of(w, seq);

    if (p->arena) {
        arena_free(p->arena);
        p->arena = NULL;
    }
    if (p->is_large) {
        ring_trim(&w->ring, seq);
    }
}

/* ---- end ---- */

void library_close(struct library *l)
{
    l->closed_cpu += zygote_close(&l->zygote);
    l->dead_cpu = 0;
    for (unsigned i = 0; i < WIRE_WORKERS_MAX; i++) {
        struct worker *w = &l->worker[i];
        for (unsigned s = 0; s < WIRE_SLOTS_MAX; s++) {
            arena_free(w->pending[s].arena);
        }
        ring_close(&w->ring);
    }
}

double library_total_cpu(const struct library *l)
{
    double cpu = l->closed_cpu + l->dead_cpu + clock_cpu_of(l->zygote.pid) + l->zygote.warm_cpu;

    for (unsigned i = 0; i < WIRE_WORKERS_MAX; i++) {
        pid_t pid = l->worker[i].pid;
        cpu += clock_cpu_of(pid);
        cpu += l->kind->pack > 1 ? clock_cpu_waited(pid) : 0;
    }
    return cpu;
}
