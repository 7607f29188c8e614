/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One failure in other words: which operand was looked at first, which of the checks behind a
 * rewrite that has gone wrong says so, on which line of a kernel a division by zero is. The words
 * are compared; where they say nothing, the library is asked: what goes away without the same
 * optimizer has one cause.
 */
#include "triage/alike.h"

#include <string.h>

#include "triage/blame_internal.h"

/* One in so many may differ. */
enum { WORDS_MIN = 8 };

static size_t next_word(const char **at)
{
    *at += strspn(*at, " ");
    return strcspn(*at, " ");
}

static bool is_value(const char *oracle)
{
    return strncmp(oracle, "value", strlen("value")) == 0;
}

bool signatures_alike(const char *a, const char *b)
{
    unsigned words = 0, differ = 0;
    size_t n = next_word(&a), m = next_word(&b);
    while (n > 0 && m > 0) {
        words++;
        differ += n != m || memcmp(a, b, n) != 0;
        a += n;
        b += m;
        n = next_word(&a);
        m = next_word(&b);
    }
    return n == 0 && m == 0 && words >= WORDS_MIN && differ <= 1;
}

bool may_share_optimizer(const struct failure *f)
{
    const struct target *t = f->what;
    struct arena *arena = arena_new();
    /* One that has some disabled would lose that. */
    bool may = t->kind->has_optimizers && target_option(t, "disable", arena) == NULL &&
               !is_value(f->verdict.oracle);
    arena_free(arena);
    return may;
}

static enum err run_as(struct jury *jury, const struct failure *f, const struct target *as,
                       const struct test *test, struct arena *arena, struct verdict *verdict)
{
    struct failure varied = *f;
    struct outcome outcome;
    bool same;
    varied.what = as;
    return failure_shows(jury, &varied, test, arena, &outcome, verdict, &same);
}

/* Do both pass without it? */
static enum err both_go(struct jury *jury, const struct failure *f, const struct test *older,
                        const char *name, struct arena *arena, bool *go)
{
    struct target *without;
    struct verdict verdict;
    TRY(target_vary(f->what, arena_printf(arena, "disable=%s", name), arena, &without));
    TRY(run_as(jury, f, without, f->test, arena, &verdict));
    *go = verdict.kind == VERDICT_PASS;
    if (*go) {
        TRY(run_as(jury, f, without, older, arena, &verdict));
        *go = verdict.kind == VERDICT_PASS;
    }
    return ERR_OK;
}

enum err share_optimizer(struct jury *jury, const struct failure *f, const struct test *older,
                         struct arena *arena, bool *same)
{
    struct verdict verdict;
    struct trace trace;
    *same = false;
    TRY(run_as(jury, f, f->what, older, arena, &verdict));
    if (verdict.kind != VERDICT_FINDING || is_value(verdict.oracle)) {
        return ERR_OK;
    }
    TRY(trace_run(jury, f->target, f->what, f->test, arena, &trace));
    for (size_t i = trace.changed.n; i-- > 0 && !*same;) {
        /* One that applies rules is many. */
        if (!applies_rules(trace.changed.items[i])) {
            TRY(both_go(jury, f, older, trace.changed.items[i], arena, same));
        }
    }
    return ERR_OK;
}
