/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a failure real, and does it repeat? Each look is a run in a worker forked for it alone, so
 * that nothing an earlier test left behind can be the cause.
 */
#include <stdio.h>
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

bool shows_chance(const struct failure *f)
{
    return strcmp(f->verdict.oracle, "determinism") == 0;
}

static enum err compare_two(struct jury *jury, const struct failure *f, const struct test *test,
                            struct arena *arena, const struct outcome *first,
                            struct verdict *verdict)
{
    struct outcome second = {.kind = OUTCOME_OK};
    const char *text = "";
    TRY(jury_run_fresh_as(jury, f->target, f->what, test, arena, &second));
    *verdict = f->verdict;
    if (outcomes_agree(first, &second, arena, &text)) {
        verdict->kind = VERDICT_PASS;
    }
    verdict->text = text;
    return ERR_OK;
}

/* A regression is one as long as the older version is right, with the same options. */
static enum err passes_there(struct jury *jury, const struct failure *f, const struct test *test,
                             struct arena *arena, bool *passes)
{
    struct target there = *f->passes_in;
    struct outcome outcome = {.kind = OUTCOME_OK};
    struct verdict verdict;
    there.options = f->what->options;
    there.given = f->what->given;
    there.strict_casts = f->what->strict_casts;
    there.precision = f->what->precision;
    TRY(jury_run_fresh_as(jury, f->passes_slot, &there, test, arena, &outcome));
    const struct judgement j = {.test = test,
                                .reference = reference_new(test, arena),
                                .target = &there,
                                .outcome = &outcome,
                                .arena = arena};
    judge(&j, &verdict);
    *passes = verdict.kind == VERDICT_PASS;
    return ERR_OK;
}

/* Is the failure the runtime's, of what the target makes of the program? It fails in the program
 * itself too, or not where another runs what was made. */
static enum err judge_beneath(struct jury *jury, const struct failure *f, const struct test *test,
                              struct arena *arena, struct verdict *verdict)
{
    struct target *varied;
    struct outcome outcome;
    struct verdict second;
    const struct target_kind *kind = f->what->kind;
    const char *option = kind->without != NULL ? kind->without : kind->instead;
    if (option == NULL || verdict->kind != VERDICT_FINDING) {
        return ERR_OK;
    }
    TRY(target_vary(f->what, option, arena, &varied));
    if (strcmp(varied->text, f->what->text) == 0) {
        return ERR_OK; /* it is the one that is asked about */
    }
    TRY(jury_run_fresh_as(jury, f->target, varied, test, arena, &outcome));
    const struct judgement j = {.test = test,
                                .reference = reference_new(test, arena),
                                .target = varied,
                                .outcome = &outcome,
                                .arena = arena};
    judge(&j, &second);
    if (second.kind == (kind->without != NULL ? VERDICT_FINDING : VERDICT_PASS)) {
        verdict->kind = VERDICT_FILTERED;
        verdict->filter = "runtime";
        verdict->text = kind->without != NULL
                            ? arena_printf(arena, "%s alone: %s", kind->runtime, second.text)
                            : arena_printf(arena, "%s, for it is right with %s: %s", kind->runtime,
                                           option, verdict->text);
    }
    return ERR_OK;
}

enum err failure_shows(struct jury *jury, const struct failure *f, const struct test *test,
                       struct arena *arena, struct outcome *outcome, struct verdict *verdict,
                       bool *same)
{
    *same = false;
    TRY(jury_run_fresh_as(jury, f->target, f->what, test, arena, outcome));
    if (shows_chance(f)) {
        TRY(compare_two(jury, f, test, arena, outcome, verdict));
        *same = verdict->kind == VERDICT_FINDING;
        return *same && f->passes_in != NULL ? passes_there(jury, f, test, arena, same) : ERR_OK;
    }
    struct judgement j = {
        .test = test,
        .reference = reference_new(test, arena),
        .target = f->what,
        .outcome = outcome,
        .arena = arena,
    };
    judge(&j, verdict);
    TRY(judge_beneath(jury, f, test, arena, verdict));
    *same = verdict->kind == VERDICT_FINDING &&
            same_failure(f->signature, failure_signature(verdict, outcome, arena));
    return *same && f->passes_in != NULL ? passes_there(jury, f, test, arena, same) : ERR_OK;
}

enum {
    RECHECKS = 2,        /* fresh runs that must show a failure again */
    CHANCE_RECHECKS = 4, /* pairs of fresh runs, of which one must differ */
};

enum err recheck(struct jury *jury, struct failure *f, unsigned times, struct arena *arena)
{
    for (unsigned i = 0; i < times; i++) {
        struct arena_mark mark = arena_mark(arena);
        struct outcome outcome;
        struct verdict verdict;
        bool same;
        char other[512] = "";
        TRY(failure_shows(jury, f, f->test, arena, &outcome, &verdict, &same));
        bool is_other = !same && verdict.kind != VERDICT_PASS;
        f->runs++;
        f->repeats += same ? 1 : 0;
        f->passes += verdict.kind == VERDICT_PASS;
        if (is_other && verdict.text != NULL) {
            snprintf(other, sizeof(other), "%s", verdict.text);
        }
        arena_rewind(arena, mark);
        if (is_other) {
            f->other = arena_strdup(arena, other);
            f->other_kind = verdict.kind;
        }
    }
    return ERR_OK;
}

enum err failure_repeats(struct jury *jury, struct failure *f, struct arena *arena, bool *yes)
{
    bool chance = shows_chance(f); /* now and then: one look in which two runs differ is enough */
    TRY(recheck(jury, f, chance ? CHANCE_RECHECKS : RECHECKS, arena));
    *yes = chance ? f->repeats > 0 : f->repeats == f->runs;
    return ERR_OK;
}
