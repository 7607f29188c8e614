/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench campaign`: `opjury fuzz` as it is, on ONNX Runtime with and without optimisation,
 * beside nnsmith's own loop on ONNX Runtime in the same run: tests per CPU second of all processes,
 * which part of it is inside library calls, and how the engine's memory grows. Both make programs
 * of 10 ops from the same 39 (policy nnsmith39), ours of the default policy's sizes.
 */
#include "bench.h"
#include "generate/generate.h"

#include <ftw.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 10, LOOKED = 200 };
static const double seconds_default = 20; /* wall, of each of ours */
static const double seconds_theirs = 10;  /* CPU */
/* Floors: runs of ours over tests of nnsmith's, which are one run each, per CPU second; share of
 * the CPU inside library calls; growth of the engine's memory after the first tenth of ten minutes.
 */
static const double least_faster = 30, least_library = 0.7, most_growth_mb = 1;
static const double soak_seconds = 600, first_part = 0.1;
/* NNSmith's median is about 50; a library's time for larger tensors would hide what we cost. */
static const size_t least_numel = 50, most_numel = 500;

static const char *const ours[] = {"onnxruntime:opt=all onnxruntime:opt=none",
                                   "onnxruntime:opt=all", "onnxruntime:opt=none"};
static const char *const methods[] = {"concolic", "symbolic-cinit"};

struct row {
    const char *name;
    double tests, runs, seconds, library; /* seconds: of CPU; library: share of them, NAN unknown */
    double growth;                        /* MB; NAN: unknown */
};

struct figures {
    const char *versions, *why; /* of the peer; why there is none */
    size_t numel;
    struct row ours[ARRAY_SIZE(ours)], theirs[ARRAY_SIZE(methods)];
};

/* ---- ours: a child that runs `opjury fuzz` ---- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    return remove(path);
}

void bench_remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        log_warn("cannot remove %s: %m", path);
    }
}

/* Of the results of ops. */
static size_t median_numel(const struct policy *policy, uint64_t seed)
{
    struct arena *memory = arena_new();
    size_t *numel = NULL, n = 0;
    for (size_t i = 0; i < LOOKED; i++) {
        struct test test;
        arena_reset(memory);
        generate_test(policy, seed, i, MATERIALIZE_NONE, memory, &test);
        const struct program *p = test.program;
        numel = xrealloc(numel, (n + p->n_values) * sizeof(*numel));
        for (uint32_t id = 0; id < p->n_values; id++) {
            if (p->values[id].kind == VALUE_NODE) {
                numel[n++] = shape_numel(&p->values[id].shape);
            }
        }
    }
    qsort(numel, n, sizeof(*numel), bench_by_size);
    size_t median = numel[n / 2];
    free(numel);
    arena_free(memory);
    return median;
}

enum err bench_policy(const struct bench_settings *s, uint32_t nodes, const char *path,
                      struct arena *arena, size_t *numel)
{
    struct policy *policy, *usual;
    TRY(policy_load(s->policy ? s->policy : "nnsmith39", arena, &policy));
    TRY(policy_load("default", arena, &usual));
    policy->numel_max = usual->numel_max;
    policy->large_percent = usual->large_percent;
    policy->nodes = nodes;
    struct buffer text = BUFFER_INIT;
    policy_print(policy, &text);
    enum err err = file_write(path, text.data, text.size);
    buffer_release(&text);
    policy_without_targets(policy, policy->opset);
    *numel = median_numel(policy, s->seed);
    return err;
}

/* Megabytes that process holds in anonymous memory; NAN: it cannot be read. */
static double anonymous_mb(pid_t pid)
{
    char path[64], line[256];
    double kb = NAN;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kb = strtod(line + 8, NULL);
        }
    }
    if (file) {
        fclose(file);
    }
    return kb / 1024;
}

/* The engine: the child's first child; 0: none yet. */
static pid_t engine_of(pid_t pid)
{
    char path[64];
    long engine = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    if (file) {
        char text[32] = "";
        engine = fgets(text, sizeof(text), file) ? strtol(text, NULL, 10) : 0;
        fclose(file);
    }
    return (pid_t)engine;
}

/* Sums for the straight line through megabytes over time by least squares. */
struct trend {
    double n, t, tt, mb, t_mb;
};

static void trend_add(struct trend *trend, double t, double mb)
{
    trend->n++;
    trend->t += t;
    trend->tt += t * t;
    trend->mb += mb;
    trend->t_mb += t * mb;
}

/* Megabytes a unit of t; NAN: fewer than two moments. */
static double trend_slope(const struct trend *s)
{
    return (s->n * s->t_mb - s->t * s->mb) / (s->n * s->tt - s->t * s->t);
}

/* Waits for the child; *growth: of the engine's memory after the first part, by the line through
 * all that was seen there: it goes up by megabytes for a large test, so two means of half a minute
 * each differ by up to one where nothing grows. */
static int watch_child(pid_t pid, double seconds, double *growth)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    double start = clock_wall();
    struct trend trend = {0};
    int status = 0;
    pid_t engine = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (stop_requested) {
            kill(pid, SIGINT);
        }
        double gone = (clock_wall() - start) / seconds;
        engine = engine ? engine : engine_of(pid);
        double mb = engine ? anonymous_mb(engine) : NAN;
        if (gone >= first_part && gone < 1 && !isnan(mb)) {
            trend_add(&trend, gone, mb);
        }
        nanosleep(&pause, NULL);
    }
    *growth = trend_slope(&trend) * (1 - first_part); /* 0 / 0: NAN */
    return status;
}

static enum err read_result(const char *path, struct row *row)
{
    json_error_t error;
    json_t *o = json_load_file(path, 0, &error);
    if (!o) {
        return err_set(ERR_IO, "%s: %s", path, error.text);
    }
    row->tests = json_number_value(json_object_get(o, "tests"));
    row->runs = json_number_value(json_object_get(o, "runs"));
    double rate = json_number_value(json_object_get(o, "tests_per_cpu_second"));
    row->seconds = rate > 0 ? row->tests / rate : 0;
    row->library = json_number_value(json_object_get(o, "library_cpu_share"));
    json_decref(o);
    return ERR_OK;
}

static _Noreturn void run_fuzz(const struct bench_settings *s, const char *targets, const char *dir,
                               double seconds, struct arena *arena)
{
    const char *argv[32] = {"opjury", "fuzz", "--json"};
    size_t n = 3;
    char *exe, *save = NULL;
    if (exe_dir(arena, &exe) != ERR_OK ||
        !freopen(arena_printf(arena, "%s/result", dir), "w", stdout) ||
        !freopen(arena_printf(arena, "%s/log", dir), "w", stderr)) {
        _exit(EXIT_FAILURE);
    }
    argv[n++] = arena_printf(arena, "--policy=%s/policy", dir);
    argv[n++] = arena_printf(arena, "--seed=%llu", (unsigned long long)s->seed);
    argv[n++] = arena_printf(arena, "--time=%.0fs", seconds);
    argv[n++] = arena_printf(arena, "--out=%s/campaign", dir);
    if (s->python) {
        argv[n++] = arena_printf(arena, "--python=%s", s->python);
    }
    char *list = arena_strdup(arena, targets);
    for (char *t = strtok_r(list, " ", &save); t && n + 1 < ARRAY_SIZE(argv);
         t = strtok_r(NULL, " ", &save)) {
        argv[n++] = arena_printf(arena, "--target=%s", t);
    }
    execv(arena_printf(arena, "%s/opjury", exe), (char *const *)argv);
    _exit(EXIT_FAILURE);
}

static enum err run_ours(const struct bench_settings *s, const char *targets, const char *dir,
                         double seconds, struct arena *arena, struct row *row)
{
    log_info("fuzz on %s for %.0f s", targets, seconds);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return err_set(ERR_IO, "cannot start `opjury fuzz`: %m");
    }
    if (pid == 0) {
        run_fuzz(s, targets, dir, seconds, arena);
    }
    int status = watch_child(pid, seconds, &row->growth);
    row->name = targets;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) { /* 1: it has found something */
        return err_set(ERR_IO, "`opjury fuzz` failed; see %s/log", dir);
    }
    TRY(read_result(arena_printf(arena, "%s/result", dir), row));
    bench_remove_tree(arena_printf(arena, "%s/campaign", dir));
    return ERR_OK;
}

/* ---- theirs ---- */

static enum err run_theirs(struct peer *peer, const char *method, uint64_t seed, struct row *row)
{
    char *line;
    log_info("nnsmith's loop, %s, for %.0f CPU s", method, seconds_theirs);
    TRY(peer_ask(peer, &line, "loop %s %d %llu %.0f", method, NODES, (unsigned long long)seed,
                 seconds_theirs));
    json_t *o = json_loads(line, 0, NULL);
    if (!o) {
        return err_set(ERR_IO, "%s says '%.60s'", peer->script, line);
    }
    row->name = method;
    row->tests = row->runs = json_number_value(json_object_get(o, "tests"));
    row->seconds = json_number_value(json_object_get(o, "seconds"));
    row->library = row->growth = NAN;
    json_decref(o);
    return ERR_OK;
}

/* ---- all ---- */

static double rate(const struct row *row, double n)
{
    return row->seconds > 0 ? n / row->seconds : 0;
}

static double better_of_theirs(const struct figures *f)
{
    double best = 0;
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        best = fmax(best, rate(&f->theirs[i], f->theirs[i].tests));
    }
    return best;
}

static enum err measure(const struct bench_settings *s, struct arena *arena, const char *dir,
                        struct peer *peer, struct figures *f)
{
    double seconds = s->time > 0 ? s->time : seconds_default;
    TRY(bench_policy(s, NODES, arena_printf(arena, "%s/policy", dir), arena, &f->numel));
    for (size_t i = 0; i < ARRAY_SIZE(ours) && !stop_requested; i++) {
        TRY(run_ours(s, ours[i], dir, i == 0 ? seconds : fmin(seconds, seconds_default), arena,
                     &f->ours[i]));
    }
    for (size_t i = 0; f->versions && i < ARRAY_SIZE(methods) && !stop_requested; i++) {
        TRY(run_theirs(peer, methods[i], s->seed, &f->theirs[i]));
    }
    return stop_requested ? err_set(ERR_STOPPED, "stopped before all was measured") : ERR_OK;
}

static void print_row(const char *who, const struct row *row)
{
    printf("%-8s %-42s %7.0f %7.0f %8.2f %9.1f %9.1f ", who, row->name, row->tests, row->runs,
           row->seconds, rate(row, row->tests), rate(row, row->runs));
    if (isnan(row->library)) {
        printf("%8s %10s\n", "", "");
    } else {
        printf("%7.1f%% %7.2f MB\n", 100 * row->library, row->growth);
    }
}

static void print_table(const struct figures *f, double seconds)
{
    printf("programs of %d ops of the same 39, ours of median numel %zu (%zu to %zu); theirs: %s\n",
           NODES, f->numel, least_numel, most_numel, f->versions ? f->versions : f->why);
    printf("%-8s %-42s %7s %7s %8s %9s %9s %8s %10s\n", "", "", "tests", "runs", "CPU s", "tests/s",
           "runs/s", "library", "growth");
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        print_row("opjury", &f->ours[i]);
    }
    for (size_t i = 0; f->versions && i < ARRAY_SIZE(methods); i++) {
        print_row("nnsmith", &f->theirs[i]);
    }
    printf("CPU s: of all processes, ours with start-up, theirs without and warmed up; growth: of "
           "the engine's memory after the first %.0f s, by the straight line through it\n",
           seconds * first_part);
    double theirs = better_of_theirs(f);
    for (size_t i = 0; theirs > 0 && i < ARRAY_SIZE(ours); i++) {
        printf("times nnsmith's better loop, %s: tests %.1f, runs %.1f%s\n", ours[i],
               rate(&f->ours[i], f->ours[i].tests) / theirs,
               rate(&f->ours[i], f->ours[i].runs) / theirs, i == 0 ? " (runs: at least 30)" : "");
    }
    printf("inside library calls: %.1f %% of the CPU of all processes (at least %.0f %%)\n",
           100 * f->ours[0].library, 100 * least_library);
}

static json_t *row_json(const char *who, const struct row *row)
{
    json_t *o = json_pack("{s:s, s:s, s:f, s:f, s:f}", "who", who, "what", row->name, "tests",
                          row->tests, "runs", row->runs, "cpu_s", row->seconds);
    CHECK(o != NULL);
    if (!isnan(row->library)) {
        CHECK(json_object_set_new(o, "library_cpu_share", json_real(row->library)) == 0);
    }
    if (!isnan(row->growth)) {
        CHECK(json_object_set_new(o, "growth_mb", json_real(row->growth)) == 0);
    }
    return o;
}

static void print_json(const struct figures *f)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        CHECK(json_array_append_new(rows, row_json("opjury", &f->ours[i])) == 0);
    }
    for (size_t i = 0; f->versions && i < ARRAY_SIZE(methods); i++) {
        CHECK(json_array_append_new(rows, row_json("nnsmith", &f->theirs[i])) == 0);
    }
    json_t *all = json_pack("{s:i, s:I, s:s?, s:o}", "ops", NODES, "numel_median",
                            (json_int_t)f->numel, "peer", f->versions, "rows", rows);
    bench_print_json("campaign", all);
}

static bool floors_hold(const struct figures *f, double seconds)
{
    double theirs = better_of_theirs(f);
    bool hold = f->numel >= least_numel && f->numel <= most_numel;
    hold &= f->ours[0].library >= least_library;
    hold &= theirs == 0 || rate(&f->ours[0], f->ours[0].runs) >= least_faster * theirs;
    return hold && (seconds < soak_seconds || f->ours[0].growth < most_growth_mb);
}

static enum err run_campaign(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct figures f = {0};
    struct peer peer;
    char dir[] = "/tmp/opjury-bench-XXXXXX";
    if (!mkdtemp(dir)) {
        return err_set(ERR_IO, "cannot make %s: %m", dir);
    }
    double seconds = s->time > 0 ? s->time : seconds_default;
    enum err err = peer_start_nnsmith(arena, &peer, &f.versions, &f.why);
    err = err == ERR_OK ? measure(s, arena, dir, &peer, &f) : err;
    peer_stop(&peer);
    if (err == ERR_OK) {
        if (s->json) {
            print_json(&f);
        } else {
            print_table(&f, seconds);
        }
        *failed = !floors_hold(&f, seconds);
        bench_remove_tree(dir);
    }
    return err;
}

const struct bench_subject bench_campaign = {
    .name = "campaign",
    .summary = "tests per CPU second of `opjury fuzz` beside nnsmith's loop, --time each",
    .run = run_campaign,
};
