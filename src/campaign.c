/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of a campaign: finds the targets, forks the engine processes, watches them, shows the
 * live line, passes a request to stop on, and says at the end what came out. It judges nothing and
 * opens no library, so nothing a target does can touch it. The engines die with it.
 */
#include "campaign_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct watch {
    const struct campaign_options *options;
    struct engine_options engine;  /* live: the first engine's page */
    struct live *live;             /* one page an engine */
    pid_t pids[CAMPAIGN_JOBS_MAX]; /* 0: not started or ended */
    unsigned started, ended;
    struct counts before; /* of earlier sittings */
    size_t buckets_before;
    double last_line;
    uint64_t last_tests;
    bool announced;
    bool told_to_stop;
    bool terminal;
    struct progress_file file;
    double cpu_at_start; /* of this process and its children: campaigns before this one */
    enum err err;        /* the first engine's that failed */
    char error[1024];
};

/* ---- targets and the folder ---- */

enum err campaign_targets(const char *const *texts, size_t n_texts, const char *python,
                          struct arena *arena, struct target ***targets, size_t *n)
{
    if (n_texts == 0) {
        TRY(targets_installed(python, arena, targets, n));
        if (*n == 0) {
            return err_set(ERR_MISSING, "no library that opjury knows is installed; `opjury "
                                        "targets` says what it looked for and how to mend it");
        }
        return ERR_OK;
    }
    struct target **list = ARENA_ARRAY(arena, struct target *, n_texts);
    for (size_t i = 0; i < n_texts; i++) {
        TRY(target_parse(texts[i], python, arena, &list[i]));
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list[i]->text, list[j]->text) == 0) {
                return err_set(ERR_USAGE, "target %s is named twice", list[i]->text);
            }
        }
    }
    *targets = list;
    *n = n_texts;
    return ERR_OK;
}

enum err campaign_new_folder(struct arena *arena, const char **dir)
{
    TRY(dir_make("out"));
    for (unsigned i = 1; i < 1000000; i++) {
        const char *name = arena_printf(arena, "out/%u", i);
        if (mkdir(name, 0777) == 0) {
            *dir = name;
            return ERR_OK;
        }
        if (errno != EEXIST) {
            return err_set(ERR_IO, "cannot make %s: %m; name a folder with --out", name);
        }
    }
    return err_set(ERR_LIMIT, "out/ holds a million campaigns; name a folder with --out");
}

/* What is wrong with a setting is said before anything is started or made. */
static enum err check_settings(const struct campaign_options *options)
{
    struct arena *arena = arena_new();
    struct policy *policy;
    struct known_rules *known;
    enum err err =
        policy_load(options->policy != NULL ? options->policy : "default", arena, &policy);
    if (err == ERR_OK) {
        err = known_load(options->known, arena, &known);
    }
    arena_free(arena);
    return err;
}

/* What earlier sittings counted. The store is closed again before any fork. A new one is made by
 * the first engine, once its libraries are open. */
static enum err read_before(struct watch *w, struct arena *arena)
{
    if (!file_exists(arena_printf(arena, "%s/campaign.db", w->engine.dir))) {
        return ERR_OK;
    }
    struct store *store;
    TRY(store_open(w->engine.dir, false, &store));
    struct bucket_row *buckets;
    size_t n;
    enum err err = counts_read(store, w->engine.dir, arena, &w->before);
    if (err == ERR_OK) {
        err = store_buckets(store, arena, &buckets, &n);
    }
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        w->buckets_before += strcmp(buckets[i].state, "new") == 0;
    }
    store_close(store);
    return err;
}

/* ---- engines ---- */

_Noreturn static void engine_process(const struct watch *w, struct live *live, pid_t parent,
                                     bool first)
{
    /* The parent passes requests on; a Ctrl-C that reached us as well would count twice. */
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_FAILURE); /* it died before the line above */
    }
    struct engine_options options = w->engine;
    options.live = live;
    if (!first) {
        options.cpu_before = 0;
    }
    live->err = engine_run(&options);
    if (live->err != ERR_OK) {
        snprintf(live->error, sizeof(live->error), "%s", err_text());
    }
    live->done = true;
    _exit(EXIT_SUCCESS);
}

static enum err start_engine(struct watch *w)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return err_set(ERR_IO, "cannot start an engine process: %m");
    }
    if (pid == 0) {
        engine_process(w, &w->live[w->started], parent, w->started == 0);
    }
    w->pids[w->started++] = pid;
    return ERR_OK;
}

static void note_failure(struct watch *w, enum err err, const char *text)
{
    if (w->err == ERR_OK) {
        w->err = err;
        snprintf(w->error, sizeof(w->error), "%s", text);
    }
}

static void note_end(struct watch *w, unsigned i, int status)
{
    w->pids[i] = 0;
    w->ended++;
    if (w->live[i].done) {
        if (w->live[i].err != ERR_OK) {
            w->live[i].error[sizeof(w->live[i].error) - 1] = '\0';
            note_failure(w, w->live[i].err, w->live[i].error);
        }
        return;
    }
    char text[200];
    if (WIFSIGNALED(status)) {
        snprintf(text, sizeof(text),
                 "an engine process was killed by signal %d (%s); what it "
                 "had committed is kept, the same command goes on",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, sizeof(text), "an engine process ended with status %d before it was done",
                 WEXITSTATUS(status));
    }
    note_failure(w, ERR_IO, text);
}

static void reap(struct watch *w)
{
    for (unsigned i = 0; i < w->started; i++) {
        int status;
        if (w->pids[i] != 0 && waitpid(w->pids[i], &status, WNOHANG) == w->pids[i]) {
            note_end(w, i, status);
        }
    }
}

static void tell_to_stop(struct watch *w)
{
    for (unsigned i = 0; i < w->started; i++) {
        if (w->pids[i] != 0) {
            kill(w->pids[i], SIGTERM);
        }
    }
    w->told_to_stop = true;
}

/* ---- the live line ---- */

/* A line that wraps could not be written over by the next one. */
static void fit_terminal(struct buffer *line)
{
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 &&
        line->size >= window.ws_col) {
        line->size = window.ws_col - 1U;
        line->data[line->size] = '\0';
    }
}

static void show_line(struct watch *w, double now)
{
    uint64_t tests = w->before.tests;
    uint64_t restarts = w->before.restarts;
    uint64_t buckets = w->buckets_before;
    struct verdict_counts verdicts = w->before.verdicts;
    for (unsigned i = 0; i < w->started; i++) {
        const struct live *live = &w->live[i];
        tests += live->tests;
        restarts += live->restarts;
        buckets += live->buckets;
        for (size_t v = 0; v < VERDICT_COUNT; v++) {
            verdicts.n[v] += live->verdicts[v];
        }
    }
    struct buffer line = BUFFER_INIT;
    double elapsed = w->before.usage[USAGE_ELAPSED] + now - w->live[0].begin;
    double rate = (double)(tests - w->last_tests) / (now - w->last_line);
    buffer_printf(&line, "%6.0fs  %llu tests  %.0f/s  %llu new buckets  %llu workers restarted ",
                  elapsed, (unsigned long long)tests, rate, (unsigned long long)buckets,
                  (unsigned long long)restarts);
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        if (verdicts.n[v] > 0) {
            buffer_printf(&line, " %s %llu", verdict_names[v], (unsigned long long)verdicts.n[v]);
        }
    }
    if (w->terminal) {
        fit_terminal(&line);
    }
    fprintf(stderr, w->terminal ? "\r\033[K%s" : "%s\n", line.data);
    fflush(stderr);
    buffer_release(&line);
    w->last_line = now;
    w->last_tests = tests;
}

/* One point for each of POINTS equal parts of the CPU time, and one at the end. */
static void note_progress(const struct watch *w, bool is_end)
{
    enum { POINTS = CAMPAIGN_POINTS_MAX - 1 };
    struct campaign_progress *progress = w->options->progress;
    if (progress == NULL || progress->n == CAMPAIGN_POINTS_MAX) {
        return;
    }
    struct campaign_point now = {0};
    for (unsigned i = 0; i < w->started; i++) {
        now.cpu += (double)w->live[i].cpu / 1e6;
        now.tests += w->live[i].tests;
        now.buckets += w->live[i].buckets;
    }
    double next = w->options->cpu * (double)(progress->n + 1) / (double)POINTS;
    if (is_end || (now.cpu >= next && progress->n < POINTS)) {
        progress->points[progress->n++] = now;
    }
}

/* The engines' time begins when the first is ready. */
static void note_in_file(struct watch *w, double now)
{
    if (!w->announced) {
        return;
    }
    struct progress_point p = {.elapsed = w->before.usage[USAGE_ELAPSED] + now - w->live[0].begin,
                               .cpu = w->before.usage[USAGE_CPU],
                               .tests = w->before.tests,
                               .findings = w->before.verdicts.n[VERDICT_FINDING],
                               .buckets = w->buckets_before};
    for (unsigned i = 0; i < w->started; i++) {
        p.cpu += (double)w->live[i].cpu / 1e6;
        p.tests += w->live[i].tests;
        p.findings += w->live[i].verdicts[VERDICT_FINDING];
        p.buckets += w->live[i].buckets;
    }
    progress_note(&w->file, &p, w->ended == w->started);
}

static void end_line(const struct watch *w)
{
    if (w->terminal && w->announced) {
        fputs("\r\033[K", stderr);
    }
}

/* ---- the watch ---- */

static void announce(struct watch *w)
{
    fprintf(stderr, "opjury: campaign in %s, seed %llu, %zu target%s%s\n", w->engine.dir,
            (unsigned long long)w->options->seed, w->engine.n_targets,
            w->engine.n_targets == 1 ? "" : "s", w->before.tests > 0 ? ", going on" : "");
    w->announced = true;
    w->last_line = w->live[0].begin;
}

static enum err watch_engines(struct watch *w)
{
    const double period = w->terminal ? 1 : 10;
    const struct timespec pause = {.tv_nsec = 50000000};
    TRY(start_engine(w));
    while (w->ended < w->started) {
        nanosleep(&pause, NULL);
        /* The others start once the first has probed the libraries (others find the cache) and
         * bound the store (a wrong setting is said once). */
        if (w->live[0].ready && !w->announced) {
            announce(w);
        }
        bool more = w->live[0].ready && w->err == ERR_OK && !stop_requested;
        if (more && w->started < w->options->jobs) {
            TRY(start_engine(w));
        }
        reap(w);
        note_progress(w, w->ended == w->started);
        if ((stop_requested || w->err != ERR_OK) && !w->told_to_stop) {
            tell_to_stop(w);
        }
        double now = clock_wall();
        note_in_file(w, now);
        if (w->announced && now - w->last_line >= period) {
            show_line(w, now);
        }
    }
    return ERR_OK;
}

/* Whatever failed, no engine outlives the watch. */
static enum err watch(struct watch *w)
{
    enum err err = watch_engines(w);
    for (unsigned i = 0; i < w->started; i++) {
        if (w->pids[i] != 0) {
            kill(w->pids[i], SIGKILL);
            waitpid(w->pids[i], NULL, 0);
        }
    }
    end_line(w);
    if (err == ERR_OK && w->err != ERR_OK) {
        err = err_set(w->err, "%s", w->error);
    }
    return err;
}

static enum err say_summary(const struct watch *w, struct arena *arena, bool *found)
{
    struct summary summary;
    TRY(summary_read(w->engine.dir, w->options, arena, &summary));
    *found = summary_new_buckets(&summary) > 0;
    if (w->options->quiet) {
        return ERR_OK;
    }
    struct buffer text = BUFFER_INIT;
    if (w->options->json) {
        summary_json(&summary, &text);
    } else {
        summary_print(&summary, &text);
    }
    fwrite(text.data, 1, text.size, stdout);
    buffer_release(&text);
    return ERR_OK;
}

enum err campaign_run(const struct campaign_options *options, struct arena *arena, bool *found)
{
    CHECK(options->jobs >= 1 && options->jobs <= CAMPAIGN_JOBS_MAX);
    struct watch w = {
        .options = options,
        .terminal = isatty(STDERR_FILENO),
        .cpu_at_start = options->progress != NULL ? clock_cpu_self() + clock_cpu_children() : 0,
        .engine = {.campaign = options, .dir = options->out},
    };
    TRY(check_settings(options));
    TRY(campaign_targets(options->targets, options->n_targets, options->python, arena,
                         &w.engine.targets, &w.engine.n_targets));
    const char *made = NULL;
    if (options->out == NULL) {
        TRY(campaign_new_folder(arena, &made));
        w.engine.dir = made;
    }
    w.file.path = arena_printf(arena, "%s/progress.csv", w.engine.dir);
    TRY(read_before(&w, arena));
    w.last_tests = w.before.tests;
    if (options->time > 0) {
        double left = options->time - w.before.usage[USAGE_ELAPSED];
        w.engine.time_left = left > 0 ? left : 0;
    }
    double cpu_left = options->cpu - w.before.usage[USAGE_CPU];
    w.engine.cpu_left = cpu_left > 0 ? cpu_left / options->jobs : 0;
    w.engine.cpu_before = clock_cpu_self() + clock_cpu_children() - w.cpu_at_start;
    size_t size = options->jobs * sizeof(struct live);
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return err_set(ERR_IO, "cannot map memory to share with the engines: %m");
    }
    w.live = w.engine.first = pages;
    enum err err = watch(&w);
    munmap(pages, size);
    if (err != ERR_OK && made != NULL) {
        rmdir(made); /* if it is still empty, nobody needs it */
    }
    TRY(err);
    return say_summary(&w, arena, found);
}
