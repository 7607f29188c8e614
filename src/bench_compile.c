/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench compile`: tests per CPU minute on torch:compile beside nnsmith's models, each of
 * which is compiled by itself by torch.compile and compared with eager, in the same run. Both make
 * programs of 5 ops from the same 39 (policy nnsmith39), ours of the default policy's sizes. All
 * processes count, the C++ compiler's too; start-up does not: imports, warm-up, precompiled
 * headers.
 */
#include "bench.h"
#include "campaign.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

enum { NODES = 5, TESTS = 128 };
static const double seconds_theirs = 60; /* CPU */
/* Floor: tests of ours over tests of nnsmith's, per CPU second. */
static const double least_faster = 2.5;

/* How its better loop makes graphs (`opjury bench generator`). */
static const char method[] = "concolic";

struct figures {
    const char *versions, *why; /* of the peer; why there is none */
    size_t numel;
    struct throughput ours;
    double tests, wrong, seconds; /* theirs */
};

static enum err run_ours(const struct bench_settings *s, const char *dir, struct arena *arena,
                         struct figures *f)
{
    struct bench_settings own = *s;
    struct target *target;
    const char *policy = arena_printf(arena, "%s/policy", dir);
    TRY(bench_policy(s, NODES, policy, arena, &f->numel));
    own.policy = policy;
    own.tests = s->tests != 0 ? s->tests : TESTS;
    TRY(target_parse(s->targets.n > 0 ? s->targets.items[0] : "torch:compile", s->python, arena,
                     &target));
    log_info("%llu tests on %s", (unsigned long long)own.tests, target->text);
    return bench_throughput_of(&own, target, arena, &f->ours);
}

static enum err run_theirs(const struct bench_settings *s, struct peer *peer, struct figures *f)
{
    char *line;
    double seconds = s->time > 0 ? s->time : seconds_theirs;
    log_info("nnsmith's models, compiled one by one, for %.0f CPU s", seconds);
    TRY(peer_ask(peer, &line, "compile %s %d %llu %.0f", method, NODES, (unsigned long long)s->seed,
                 seconds));
    json_t *o = json_loads(line, 0, NULL);
    if (!o) {
        return err_set(ERR_IO, "%s says '%.60s'", peer->script, line);
    }
    f->tests = json_number_value(json_object_get(o, "tests"));
    f->wrong = json_number_value(json_object_get(o, "wrong"));
    f->seconds = json_number_value(json_object_get(o, "seconds"));
    json_decref(o);
    return ERR_OK;
}

static double a_minute(double tests, double seconds)
{
    return seconds > 0 ? 60 * tests / seconds : 0;
}

static double ours_a_minute(const struct figures *f)
{
    return a_minute((double)f->ours.tests, f->ours.total);
}

/* 0: there is nothing to compare with. */
static double times_faster(const struct figures *f)
{
    double theirs = a_minute(f->tests, f->seconds);
    return theirs > 0 ? ours_a_minute(f) / theirs : 0;
}

static void print_table(const struct figures *f)
{
    const struct throughput *t = &f->ours;
    double judged = (double)(t->verdicts.n[VERDICT_PASS] + t->verdicts.n[VERDICT_FINDING]);
    printf("programs of %d ops of the same 39, ours of median numel %zu; theirs: %s\n", NODES,
           f->numel, f->versions ? f->versions : f->why);
    printf("%-8s %-32s %7s %9s %9s %8s\n", "", "", "tests", "CPU s", "tests/min", "wrong");
    printf("%-8s %-32s %7llu %9.1f %9.1f %8llu\n", "opjury", t->target,
           (unsigned long long)t->tests, t->total, ours_a_minute(f),
           (unsigned long long)t->verdicts.n[VERDICT_FINDING]);
    if (f->versions) {
        printf("%-8s %-32s %7.0f %9.1f %9.1f %8.0f\n", "nnsmith", method, f->tests, f->seconds,
               a_minute(f->tests, f->seconds), f->wrong);
    }
    printf("CPU s: of all processes, the C++ compiler's too, warmed up (ours took %.1f s for "
           "that); %.1f %% of our tests judged; wrong: theirs by one tolerance, ours by each "
           "element's bound\n",
           t->startup, 100 * judged / (double)t->tests);
    if (times_faster(f) > 0) {
        printf("times nnsmith: %.2f (at least %.1f)\n", times_faster(f), least_faster);
    }
}

static void print_json(const struct figures *f)
{
    json_t *all = json_pack("{s:i, s:I, s:s?, s:I, s:f, s:f, s:f, s:f}", "ops", NODES,
                            "numel_median", (json_int_t)f->numel, "peer", f->versions, "tests",
                            (json_int_t)f->ours.tests, "cpu_s", f->ours.total, "startup_s",
                            f->ours.startup, "peer_tests", f->tests, "peer_cpu_s", f->seconds);
    char *text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(6));
    CHECK(text != NULL);
    printf("{\"compile\": %s}\n", text);
    free(text);
    json_decref(all);
}

static enum err measure(const struct bench_settings *s, const char *dir, struct arena *arena,
                        struct peer *peer, struct figures *f)
{
    TRY(peer_start_nnsmith(arena, peer, &f->versions, &f->why));
    TRY(run_ours(s, dir, arena, f));
    return f->versions ? run_theirs(s, peer, f) : ERR_OK;
}

static enum err run_compile(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct figures f = {0};
    struct peer peer = {.fd = -1};
    char dir[] = "/tmp/opjury-bench-XXXXXX";
    if (!mkdtemp(dir)) {
        return err_set(ERR_IO, "cannot make %s: %m", dir);
    }
    enum err err = measure(s, dir, arena, &peer, &f);
    peer_stop(&peer);
    bench_remove_tree(dir);
    TRY(err);
    if (s->json) {
        print_json(&f);
    } else {
        print_table(&f);
    }
    *failed = times_faster(&f) > 0 && times_faster(&f) < least_faster;
    return stop_requested ? err_set(ERR_STOPPED, "stopped before all was measured") : ERR_OK;
}

const struct bench_subject bench_compile = {
    .name = "compile",
    .summary = "tests per CPU minute on torch:compile beside nnsmith's models, each compiled alone",
    .run = run_compile,
};
