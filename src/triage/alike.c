/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One failure in other words: which operand was looked at first, which of the checks behind a
 * rewrite that has gone wrong says so, on which line of a kernel a division by zero is. The words
 * are compared; where they say nothing, the library is asked: what goes away without the same
 * optimizer has one cause.
 */
#include "triage/alike.h"

#include <math.h>
#include <string.h>

#include "triage/blame_internal.h"

/* One in so many may differ. */
enum { WORDS_MIN = 8 };

static size_t next_word(const char **at)
{
    *at += strspn(*at, " ");
    return strcspn(*at, " ");
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

static enum err run_as(struct jury *jury, const struct failure *f, const struct target *as,
                       const struct test *test, struct arena *arena, struct outcome *outcome,
                       struct verdict *verdict)
{
    struct failure varied = *f;
    bool same;
    varied.what = as;
    return failure_shows(jury, &varied, test, arena, outcome, verdict, &same);
}

static enum err passes_without(struct jury *jury, const struct failure *f, const char *optimizer,
                               const struct test *test, struct arena *arena, bool *passes)
{
    struct target *without;
    struct outcome outcome;
    struct verdict verdict;
    TRY(target_vary(f->what, arena_printf(arena, "disable=%s", optimizer), arena, &without));
    TRY(run_as(jury, f, without, test, arena, &outcome, &verdict));
    *passes = verdict.kind == VERDICT_PASS;
    return ERR_OK;
}

/* What the library is told, linear being MatMul and Add; without the op that only has to be there.
 */
static enum err types_of(const struct target *t, const struct test *test, struct arena *arena,
                         struct texts *types)
{
    struct buffer model = BUFFER_INIT;
    struct texts all = {0};
    const char *plain = onnx_type_of(op_find(plain_ops[0].name));
    enum err err = t->kind->encode(t, test, &model);
    if (err == ERR_OK) {
        err = onnx_read_types("the model", model.data, model.size, arena, &all);
    }
    buffer_release(&model);
    TRY(err);
    *types = (struct texts){0};
    for (size_t i = 0; i < all.n; i++) {
        if (strcmp(all.items[i], plain) != 0) {
            texts_add(types, all.items[i], arena);
        }
    }
    return ERR_OK;
}

enum err optimizers_behind(struct jury *jury, const struct failure *f, struct arena *arena,
                           struct fused *fused)
{
    struct trace trace;
    *fused = (struct fused){0};
    /* One that has some disabled would lose that. */
    if (!f->what->kind->has_optimizers || target_option(f->what, "disable", arena) != NULL) {
        return ERR_OK;
    }
    TRY(trace_run(jury, f->target, f->what, f->test, arena, &trace));
    for (size_t i = trace.changed.n; i-- > 0;) {
        bool passes = false;
        /* One that applies rules is many. */
        if (!applies_rules(trace.changed.items[i])) {
            TRY(passes_without(jury, f, trace.changed.items[i], f->test, arena, &passes));
        }
        if (passes) {
            texts_add(&fused->optimizers, trace.changed.items[i], arena);
        }
    }
    return fused->optimizers.n > 0 ? types_of(f->what, f->test, arena, &fused->types) : ERR_OK;
}

/* Not where nothing is left. */
static bool holds_all(const struct texts *types, const struct texts *part)
{
    bool all = part->n > 0;
    for (size_t i = 0; i < part->n && all; i++) {
        all = texts_have(types, part->items[i]);
    }
    return all;
}

static bool holds_any(const struct texts *types, const struct texts *part)
{
    bool any = false;
    for (size_t i = 0; i < part->n && !any; i++) {
        any = texts_have(types, part->items[i]);
    }
    return any;
}

/* The innermost three functions on the way to a crash tell it: so does ClusterFuzz. But what is
 * there may be the library's way to end itself, so that an op is to be the same, too. Fewer
 * functions are never alike (WORDS_MIN). */
static bool is_one_crash(const struct worded *a, const struct worded *b)
{
    static const char crash[] = "crash ";
    return strncmp(a->signature, crash, strlen(crash)) == 0 &&
           strcmp(a->signature, b->signature) == 0;
}

enum err told_alike(const struct target *t, const struct worded *a, const struct worded *b,
                    struct arena *arena, bool *same)
{
    struct texts ours, theirs;
    *same = false;
    if (!t->kind->speaks_onnx || !target_supports(t, a->test->program) ||
        !target_supports(t, b->test->program)) {
        return ERR_OK;
    }
    TRY(types_of(t, a->test, arena, &ours));
    TRY(types_of(t, b->test, arena, &theirs));
    *same = (holds_all(&ours, &theirs) && holds_all(&theirs, &ours)) ||
            (is_one_crash(a, b) && holds_any(&ours, &theirs));
    return ERR_OK;
}

/* Are the first digits of the number right? Where they are it was computed with too few bits, where
 * they are not it is another number. 2^-10: as many bits as a half float has. */
static bool has_first_digits(const struct verdict *v)
{
    real size = fmaxl(fabsl(v->expected), fabsl(v->actual));
    return isfinite(size) && fabsl(v->actual - v->expected) < 0x1p-10L * size;
}

/* May one mistake be behind both? */
static bool is_comparable(const struct failure *f, const struct verdict *seen,
                          const char *signature)
{
    if (is_value(f->verdict.oracle) || is_value(seen->oracle)) {
        return strcmp(f->signature, signature) == 0 &&
               has_first_digits(&f->verdict) == has_first_digits(seen);
    }
    bool is_crash = strcmp(f->verdict.oracle, "crash") == 0;
    return is_crash == (strcmp(seen->oracle, "crash") == 0);
}

enum err shares_optimizer(struct jury *jury, const struct failure *f, const struct fused *fused,
                          const struct test *older, struct arena *arena, bool *same)
{
    struct outcome outcome;
    struct verdict verdict;
    struct texts theirs;
    *same = false;
    if (fused->optimizers.n == 0 || !target_supports(f->what, older->program)) {
        return ERR_OK;
    }
    TRY(types_of(f->what, older, arena, &theirs));
    if (!holds_all(&fused->types, &theirs) && !holds_all(&theirs, &fused->types)) {
        return ERR_OK;
    }
    TRY(run_as(jury, f, f->what, older, arena, &outcome, &verdict));
    if (verdict.kind != VERDICT_FINDING ||
        !is_comparable(f, &verdict, failure_signature(&verdict, &outcome, arena))) {
        return ERR_OK;
    }
    for (size_t i = 0; i < fused->optimizers.n && !*same; i++) {
        TRY(passes_without(jury, f, fused->optimizers.items[i], older, arena, same));
    }
    return ERR_OK;
}
