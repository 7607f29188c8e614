/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a failure show with another thread count, and in the newest version of its library that is
 * installed? Newest among the interpreters of the jury's targets and the default one, which gets
 * workers of its own when it is first asked.
 */
#include <string.h>

#include "triage/triage.h"

/* Where a target's library is newest. */
struct newest {
    bool is_known;
    const struct target *target; /* there, as it was probed; NULL: nothing is newer */
    struct jury *jury;           /* that runs it, in the place `slot` */
    size_t slot;
    bool is_own; /* the jury is ours */
};

struct elsewhere {
    struct jury *jury;
    struct target *const *targets;
    size_t n;
    struct arena *arena;
    struct newest *newest; /* by target */
};

struct elsewhere *elsewhere_new(struct jury *jury, struct target *const *targets, size_t n)
{
    struct arena *arena = arena_new();
    struct elsewhere *e = ARENA_ZARRAY(arena, struct elsewhere, 1);
    *e = (struct elsewhere){.jury = jury,
                            .targets = targets,
                            .n = n,
                            .arena = arena,
                            .newest = ARENA_ZARRAY(arena, struct newest, n)};
    return e;
}

void elsewhere_close(struct elsewhere *e)
{
    for (size_t i = 0; e != NULL && i < e->n; i++) {
        jury_close(e->newest[i].is_own ? e->newest[i].jury : NULL);
    }
    arena_free(e != NULL ? e->arena : NULL);
}

double elsewhere_cpu(const struct elsewhere *e)
{
    double cpu = 0;
    for (size_t i = 0; i < e->n; i++) {
        cpu += e->newest[i].is_own ? jury_usage(e->newest[i].jury).worker_cpu : 0;
    }
    return cpu;
}

/* ---- the newest version ---- */

static bool is_newer(const struct target *a, const struct target *b)
{
    return a->kind == b->kind && a->version != NULL && b->version != NULL &&
           version_compare(a->version, b->version) > 0;
}

/* The default interpreter's, if that is not the target's own. What cannot be opened is not
 * installed. */
static enum err ask_default(struct elsewhere *e, const struct target *t, struct newest *newest)
{
    struct target *own;
    struct jury *jury;
    enum err err = target_parse(target_label(t, e->arena), NULL, e->arena, &own);
    if (err == ERR_OK && (own->python == NULL || strcmp(own->python, t->python) == 0)) {
        return ERR_OK;
    }
    struct target **list = arena_copy(e->arena, &own, sizeof(own)); /* as long as the jury */
    err = err == ERR_OK ? jury_open(list, 1, &(struct jury_options){0}, &jury) : err;
    if (err != ERR_OK) {
        return err == ERR_STOPPED ? err : ERR_OK;
    }
    if (is_newer(own, newest->target != NULL ? newest->target : t)) {
        *newest = (struct newest){true, own, jury, 0, true};
    } else {
        jury_close(jury);
    }
    return ERR_OK;
}

static enum err find_newest(struct elsewhere *e, size_t target)
{
    const struct target *t = e->targets[target];
    struct newest *newest = &e->newest[target];
    newest->is_known = true;
    for (size_t i = 0; i < e->n; i++) {
        if (is_newer(e->targets[i], newest->target != NULL ? newest->target : t)) {
            *newest = (struct newest){true, e->targets[i], e->jury, i, false};
        }
    }
    return t->python != NULL ? ask_default(e, t, newest) : ERR_OK;
}

/* ---- runs ---- */

/* A pass here is told as a pass only where each run passes: a failure may show now and then. */
enum { LOOKS = 2, CHANCE_LOOKS = 4 };

static enum err look(struct jury *jury, struct failure *f, struct arena *arena,
                     struct recheck_try *try)
{
    unsigned looks = shows_chance(f) ? CHANCE_LOOKS : f->outcome.kind == OUTCOME_HANG ? 1 : LOOKS;
    f->runs = f->repeats = f->passes = 0;
    try->verdict = VERDICT_UNJUDGED;
    if (!target_supports(f->what, f->test->program)) {
        try->verdict = VERDICT_UNSUPPORTED;
        return ERR_OK;
    }
    TRY(recheck(jury, f, looks, arena));
    if (f->repeats > 0) {
        try->verdict = VERDICT_FINDING;
    } else if (f->passes == f->runs) {
        try->verdict = VERDICT_PASS;
    }
    return ERR_OK;
}

static enum err try_threads(const struct elsewhere *e, const struct failure *f, struct arena *arena,
                            struct recheck_try *try)
{
    const char *other =
        target_option(f->what, "threads", arena) == NULL ? "threads=4" : "threads=1";
    struct failure varied = *f;
    struct target *t;
    TRY(target_vary(f->what, other, arena, &t));
    varied.what = t;
    *try = (struct recheck_try){.kind = "threads", .what = other};
    return look(e->jury, &varied, arena, try);
}

/* The failing target's options in the other interpreter, with a model that both read. */
static enum err try_newest(const struct newest *newest, const struct failure *f,
                           struct arena *arena, struct recheck_try *try)
{
    const struct target *t = f->what;
    struct target *there = arena_copy(arena, newest->target, sizeof(*there));
    struct failure varied = *f;
    there->options = t->options;
    there->dynamic = t->dynamic;
    there->strict_casts = t->strict_casts;
    there->precision = t->precision;
    there->onnx.opset = t->onnx.opset < there->onnx.opset ? t->onnx.opset : there->onnx.opset;
    there->onnx.ir = t->onnx.ir < there->onnx.ir ? t->onnx.ir : there->onnx.ir;
    varied.what = there;
    varied.target = newest->slot;
    *try = (struct recheck_try){.kind = "version", .what = arena_strdup(arena, there->version)};
    return look(newest->jury, &varied, arena, try);
}

enum err elsewhere_run(struct elsewhere *e, const struct failure *f, struct arena *arena,
                       struct recheck_try tries[ELSEWHERE_MAX], size_t *n)
{
    *n = 0;
    if (f->what->kind->has_threads) {
        TRY(try_threads(e, f, arena, &tries[*n]));
        ++*n;
    }
    struct newest *newest = &e->newest[f->target];
    TRY(newest->is_known ? ERR_OK : find_newest(e, f->target));
    if (newest->target != NULL) {
        TRY(try_newest(newest, f, arena, &tries[*n]));
        ++*n;
    }
    return ERR_OK;
}

enum err elsewhere_reduced(struct elsewhere *e, const struct failure *f, const struct reduction *r,
                           struct arena *arena, struct recheck_try tries[ELSEWHERE_MAX], size_t *n)
{
    const struct failure small = failure_reduced(f, r);
    enum err err = stop_requested ? ERR_STOPPED : elsewhere_run(e, &small, arena, tries, n);
    if (err == ERR_STOPPED) {
        *n = 0;
        return ERR_OK;
    }
    return err;
}
