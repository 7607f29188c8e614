/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which options of its target does a failure need? One after the other is left out, and stays out
 * where the failure shows without it. Of a target that draws them (`any`) this comes first of all:
 * buckets and folders then hold a failure's cause, and not what else was drawn.
 */
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

const struct target *fewest_options(const struct target *t, shows_on *shows, void *context,
                                    struct arena *arena)
{
    const struct target *less;
    for (unsigned word = 0; (less = target_without(t, word, arena)) != NULL;) {
        if (strcmp(less->text, t->text) != 0 && shows(context, less)) {
            t = less;
        } else {
            word++;
        }
    }
    return t;
}

struct look {
    struct jury *jury;
    struct failure *failure;
    const struct target *draws;
    struct arena *arena;
    enum err err;
};

/* What it gives there is the failure from then on. */
static bool shows(void *context, const struct target *less)
{
    struct look *l = context;
    struct failure f = *l->failure;
    bool same = false;
    if (l->err != ERR_OK || !target_keeps_given(less, l->draws)) {
        return false;
    }
    f.what = less;
    l->err = failure_shows(l->jury, &f, f.test, l->arena, &f.outcome, &f.verdict, &same);
    same = same && l->err == ERR_OK;
    if (same) {
        *l->failure = f;
    }
    return same;
}

enum err failure_drop_options(struct jury *jury, struct failure *f, const struct target *draws,
                              struct arena *arena)
{
    struct look l = {.jury = jury, .failure = f, .draws = draws, .arena = arena};
    if (f->outcome.kind != OUTCOME_HANG) { /* which takes ten seconds a look */
        (void)fewest_options(f->what, shows, &l, arena);
    }
    return l.err;
}
