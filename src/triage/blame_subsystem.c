/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ablation of the parts of a compiler: without which of them is the program right? Of one that is
 * applied again and again (a lowering for each node), halving then finds the application that makes
 * it fail, and its log what that was. So PyTorch's CompilerBisector goes, in the same order.
 */
#include <stdlib.h>
#include <string.h>

#include "triage/blame_internal.h"

/* More applications than any program of ours has. */
enum { ALL = 1 << 20 };

static bool is_of_level(const struct blamer *b, const struct subsystem *s)
{
    return strcmp(s->level, b->level) == 0;
}

static bool has_subsystems(const struct blamer *b)
{
    /* One that has some left out would lose that. */
    return b->culprit->kind->subsystems != NULL && b->level_is_guilty &&
           target_option(b->culprit, "skip", b->arena) == NULL;
}

/* ---- applications ---- */

/* The last line "applied NAME K WHAT" of a log: K, 0 when there is none, and WHAT. */
static unsigned last_applied(const char *log, const char *name, struct arena *arena,
                             const char **what)
{
    const char *begin = arena_printf(arena, "applied %s ", name);
    unsigned n = 0;
    *what = "";
    for (const char *at = log; (at = strstr(at, begin)) != NULL;) {
        char *end;
        at += strlen(begin);
        n = (unsigned)strtoul(at, &end, 10);
        end += *end == ' ';
        *what = arena_printf(arena, "%.*s", (int)strcspn(end, "\n"), end);
    }
    return n;
}

/* Only the first `most` applications. */
static const char *with_first(const struct blamer *b, const struct subsystem *s, unsigned most)
{
    return arena_printf(b->arena, "%s,%s:%u", b->level, s->without, most);
}

static enum err applied_of(struct blamer *b, const struct subsystem *s, unsigned most, unsigned *n,
                           const char **what)
{
    struct target *varied;
    struct outcome outcome = {.kind = OUTCOME_OK};
    TRY(target_vary(b->slot, with_first(b, s, most), b->arena, &varied));
    TRY(jury_run_fresh_as(b->jury, 0, varied, b->failure.test, b->arena, &outcome));
    *n = last_applied(outcome.log != NULL ? outcome.log : "", s->name, b->arena, what);
    return ERR_OK;
}

/* The least number of applications that shows it, of `n`, which do; 1 .. n. */
static enum err halve(struct blamer *b, const struct subsystem *s, unsigned n, unsigned *least)
{
    unsigned right = 0, wrong = n;
    while (wrong - right > 1) {
        enum answer answer;
        unsigned middle = right + (wrong - right) / 2;
        const struct variation v = {.kind = "subsystem", .options = with_first(b, s, middle)};
        TRY(blame_run(b, &v, &answer));
        *(answer == ANSWER_SHOWS ? &wrong : &right) = middle;
    }
    *least = wrong;
    return ERR_OK;
}

static enum err find_application(struct blamer *b, const struct subsystem *s)
{
    unsigned n, least, named;
    const char *what;
    TRY(applied_of(b, s, ALL, &n, &what));
    if (n == 0) {
        return ERR_OK;
    }
    TRY(halve(b, s, n, &least));
    TRY(applied_of(b, s, least, &named, &what));
    if (named != least) {
        return ERR_OK; /* it died before it said so */
    }
    const char *which = arena_printf(b->arena, "%s %s", s->noun, what);
    if (n == 1) {
        blame_say(b, "It is applied once: %s.", which);
    } else {
        blame_say(b, "The first %u of its %u applications show it and the first %u do not: %s.",
                  least, n, least - 1, which);
    }
    b->result->component = NULL;
    blame_component(b, which);
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err subsystem_apply(struct blamer *b)
{
    bool is_any = false;
    for (const struct subsystem *s = b->culprit->kind->subsystems; s->name != NULL; s++) {
        enum answer answer;
        if (!is_of_level(b, s)) {
            continue;
        }
        is_any = true;
        const struct variation v = {
            .kind = "subsystem",
            .what = s->without,
            .options = arena_printf(b->arena, "%s,%s", b->level, s->without),
        };
        TRY(blame_run(b, &v, &answer));
        if (answer == ANSWER_GOES) {
            blame_say(b, "Without %s (%s) the program is right.", s->name, s->without);
            b->result->component = NULL; /* the level: this says more */
            blame_component(b, s->noun);
            return s->is_counted ? find_application(b, s) : ERR_OK;
        }
    }
    if (is_any) {
        blame_say(b, "No part of %s that can be left out makes it go away.", b->level);
    }
    return ERR_OK;
}

const struct ablation ablation_subsystem = {
    .kind = "subsystem",
    .applies = has_subsystems,
    .apply = subsystem_apply,
};
