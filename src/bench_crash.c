/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench crash`: what the crash of a library costs, on each one that is installed. A worker
 * is sent SIGSEGV in the middle of a test, which it dies of as of a fault of its own: the frames
 * are recorded, it is reaped, another is forked, and the next test is answered. From the signal to
 * that answer, less what the same test takes where nothing has died.
 */
#include "bench.h"
#include "campaign.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CRASHES = 50,
    /* Runs are short, and a signal may come too late: so many tests are tried for one crash. */
    ATTEMPTS = 40,
    NODES = 20, /* a test in which something takes a while */
};
static const double seconds_each = 30; /* wall, a target */

/* Floors, CPU time: torch and ONNX Runtime by themselves, and anything else. */
static const double most_plain = 0.020, most_other = 0.300;

struct cost {
    const char *target, *version;
    double most; /* its floor */
    size_t n;
    /* Of a crash, and of the test by itself; medians when all is measured. */
    double wall[CRASHES], cpu[CRASHES], plain_wall[CRASHES], plain_cpu[CRASHES];
};

static double cpu_of_all(const struct jury *jury)
{
    return clock_cpu_self() + jury_usage(jury).worker_cpu;
}

static bool is_plain(const struct target_kind *kind)
{
    return kind->mode == NULL &&
           (strcmp(kind->name, "torch") == 0 || strcmp(kind->name, "onnxruntime") == 0);
}

/* A test that dies, if the signal comes in time; the same again in a new worker, then as it is. */
static enum err measure_one(struct jury *jury, const struct test *test, struct arena *arena,
                            struct cost *c)
{
    struct outcome died, after;
    struct strike strike;
    TRY(jury_run_struck(jury, 0, test, SIGSEGV, arena, &died, &strike));
    if (strike.is_late || died.kind != OUTCOME_CRASH) {
        return ERR_OK;
    }
    TRY(jury_run(jury, 0, test, arena, &after));
    double wall = clock_wall(), cpu = cpu_of_all(jury);
    TRY(jury_run(jury, 0, test, arena, &after));
    c->plain_wall[c->n] = clock_wall() - wall;
    c->plain_cpu[c->n] = cpu_of_all(jury) - cpu;
    c->wall[c->n] = wall - strike.wall - c->plain_wall[c->n];
    c->cpu[c->n] = cpu - strike.cpu - c->plain_cpu[c->n];
    c->n++;
    return ERR_OK;
}

static void take_medians(struct cost *c)
{
    double *const all[] = {c->wall, c->cpu, c->plain_wall, c->plain_cpu};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        qsort(all[i], c->n, sizeof(double), bench_by_value);
        all[i][0] = all[i][c->n / 2];
    }
}

static enum err measure_open(const struct bench_settings *s, struct jury *jury,
                             struct target *target, struct arena *arena, struct cost *c)
{
    struct policy *policy;
    uint64_t crashes = s->tests != 0 && s->tests < CRASHES ? s->tests : CRASHES;
    double end = clock_wall() + (s->time > 0 ? s->time : seconds_each);
    TRY(campaign_policy(s->policy, s->policy != NULL ? 0 : NODES, &target, 1, arena, &policy));
    struct arena *scratch = arena_new();
    enum err err = ERR_OK;
    for (uint64_t i = 0; !err && i < ATTEMPTS * crashes && c->n < crashes && clock_wall() < end;
         i++) {
        struct test test;
        struct outcome o;
        arena_reset(scratch);
        generate_test(policy, s->seed, i, MATERIALIZE_ALL, scratch, &test);
        err = jury_run(jury, 0, &test, scratch, &o);
        if (!err && o.kind == OUTCOME_OK) {
            err = measure_one(jury, &test, scratch, c);
        }
    }
    arena_free(scratch);
    return err;
}

static enum err measure(const struct bench_settings *s, struct target *target, struct arena *arena,
                        struct cost *c)
{
    struct jury *jury;
    log_info("%s", target->text);
    TRY(jury_open(&target, 1, NULL, &jury));
    *c = (struct cost){.target = target->text,
                       .most = is_plain(target->kind) ? most_plain : most_other,
                       .version = arena_strdup(arena, target->version ? target->version : "")};
    enum err err = measure_open(s, jury, target, arena, c);
    jury_close(jury);
    if (!err && c->n > 0) {
        take_medians(c);
    }
    return err;
}

/* Those named, else one of each kind whose package may be installed. */
static enum err choose(const struct bench_settings *s, struct arena *arena,
                       struct target ***targets, size_t *n)
{
    struct texts texts = s->targets;
    for (size_t i = 0; s->targets.n == 0 && i < target_kind_count; i++) {
        const struct target_kind *kind = target_kind_table[i];
        bool is_library = kind->adapter != NULL && kind->package[0] != '\0';
        if (is_library && kind->mode != NULL) {
            texts_add(&texts, arena_printf(arena, "%s:%s", kind->name, kind->mode), arena);
        } else if (is_library) {
            texts_add(&texts, kind->name, arena);
        }
    }
    *n = 0;
    *targets = ARENA_ZARRAY(arena, struct target *, texts.n);
    for (size_t i = 0; i < texts.n; i++) {
        struct target *t;
        TRY(target_parse(texts.items[i], s->python, arena, &t));
        if (t->kind->adapter == NULL) {
            return err_set(ERR_USAGE, "%s runs in this process, which a crash would end", t->text);
        }
        (*targets)[(*n)++] = t;
    }
    return ERR_OK;
}

static double ms(double seconds)
{
    return 1e3 * seconds;
}

static void print_table(const struct cost *rows, size_t n)
{
    printf("%-28s %7s %12s %12s %12s %12s %9s\n", "target", "crashes", "crash CPU", "crash wall",
           "test CPU", "test wall", "CPU floor");
    for (size_t i = 0; i < n; i++) {
        const struct cost *c = &rows[i];
        if (c->n == 0) {
            printf("%-28s no signal came while a test ran: more --time may do\n", c->target);
            continue;
        }
        printf("%-28s %7zu %9.1f ms %9.1f ms %9.1f ms %9.1f ms %6.0f ms\n", c->target, c->n,
               ms(c->cpu[0]), ms(c->wall[0]), ms(c->plain_cpu[0]), ms(c->plain_wall[0]),
               ms(c->most));
    }
    printf("medians; crash: from the signal to the next answer, less what that test takes by "
           "itself;\nCPU: of all processes; wall: hangs on what else the machine does\n");
}

static json_t *row_json(const struct cost *c)
{
    json_t *row =
        json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "target", c->target, "version",
                  c->version, "crashes", (json_int_t)c->n, "crash_cpu_ms", ms(c->cpu[0]),
                  "crash_wall_ms", ms(c->wall[0]), "test_cpu_ms", ms(c->plain_cpu[0]),
                  "test_wall_ms", ms(c->plain_wall[0]), "floor_cpu_ms", ms(c->most));
    CHECK(row != NULL);
    return row;
}

static enum err run(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct target **targets;
    size_t n;
    TRY(choose(s, arena, &targets, &n));
    struct cost *rows = ARENA_ZARRAY(arena, struct cost, n);
    json_t *list = json_array();
    size_t n_rows = 0;
    for (size_t i = 0; i < n; i++) {
        struct cost *c = &rows[n_rows];
        enum err err = measure(s, targets[i], arena, c);
        if (err == ERR_MISSING && s->targets.n == 0) {
            log_info("%s is passed over: %s", targets[i]->text, err_text());
            continue;
        }
        TRY(err);
        n_rows++;
        json_array_append_new(list, row_json(c));
        *failed = *failed || c->n == 0 || c->cpu[0] > c->most;
    }
    if (s->json) {
        bench_print_json("crash", list);
    } else {
        json_decref(list);
        print_table(rows, n_rows);
    }
    return ERR_OK;
}

const struct bench_subject bench_crash = {
    .name = "crash",
    .summary = "what the crash of a library costs, on each one that is installed",
    .run = run,
};
