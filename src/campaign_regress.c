/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several versions of a library with the same options: what fails is a finding only where an older
 * version passes. Each failure that is none is counted as filtered, by the reason.
 */
#include "campaign_parts.h"

#include <string.h>

/* Names of filters. */
static const char of_base[] = "base-version";        /* it is the oldest of them */
static const char also_older[] = "older-fails";      /* no older one passes, and one fails, too */
static const char not_in_older[] = "older-untested"; /* no older one could be judged */

/* Is `a` a version of the library before `b`? Of the same one the first that is named. */
static bool is_before(struct target *const *targets, size_t a, size_t b)
{
    const char *old = targets[a]->version, *new = targets[b]->version;
    int order = version_compare(old != NULL ? old : "", new != NULL ? new : "");
    return order != 0 ? order < 0 : a < b;
}

static bool is_same_but_version(const struct target *a, const struct target *b, struct arena *arena)
{
    return a != b && a->kind == b->kind && a->python != NULL && strcmp(a->python, b->python) != 0 &&
           strcmp(target_label(a, arena), target_label(b, arena)) == 0;
}

struct regressions *regressions_new(struct target *const *targets, size_t n, struct arena *arena)
{
    struct regressions *r = ARENA_ZARRAY(arena, struct regressions, 1);
    *r = (struct regressions){.n = n,
                              .targets = targets,
                              .n_older = ARENA_ZARRAY(arena, size_t, n),
                              .older = ARENA_ZARRAY(arena, size_t *, n),
                              .is_version = ARENA_ZARRAY(arena, bool, n)};
    for (size_t t = 0; t < n; t++) {
        r->older[t] = ARENA_ARRAY(arena, size_t, n);
        for (size_t o = 0; o < n; o++) {
            if (!is_same_but_version(targets[t], targets[o], arena)) {
                continue;
            }
            r->is_version[t] = r->any = true;
            if (is_before(targets, o, t)) {
                r->older[t][r->n_older[t]++] = o;
            }
        }
    }
    return r;
}

void regressions_align(const struct regressions *r)
{
    /* An old library's models for both: what an operator does depends on the opset. */
    for (size_t t = 0; t < r->n; t++) {
        for (size_t i = 0; i < r->n_older[t]; i++) {
            struct onnx_version *a = &r->targets[t]->onnx, *b = &r->targets[r->older[t][i]]->onnx;
            const struct onnx_version both = {.opset = a->opset < b->opset ? a->opset : b->opset,
                                              .ir = a->ir < b->ir ? a->ir : b->ir};
            *a = *b = both;
        }
    }
}

void regressions_say(const struct regressions *r)
{
    for (size_t t = 0; t < r->n; t++) {
        if (r->is_version[t] && r->n_older[t] == 0) {
            log_info("%s, version %s, is the base: failures of newer versions are findings where "
                     "an older one passes (--all-failures: all)",
                     r->targets[t]->text, r->targets[t]->version);
        }
    }
}

size_t regression_from(const struct regressions *r, size_t target, const struct verdict *verdicts)
{
    size_t from = NO_TARGET;
    for (size_t i = 0; i < r->n_older[target]; i++) {
        size_t o = r->older[target][i];
        bool passes = verdicts[o].kind == VERDICT_PASS;
        if (passes && (from == NO_TARGET || is_before(r->targets, from, o))) {
            from = o;
        }
    }
    return from;
}

static const char *reason(const struct regressions *r, size_t t, const bool *failed)
{
    for (size_t i = 0; i < r->n_older[t]; i++) {
        if (failed[r->older[t][i]]) {
            return also_older;
        }
    }
    return r->n_older[t] == 0 ? of_base : not_in_older;
}

void regressions_filter(const struct regressions *r, struct verdict *verdicts, struct arena *arena)
{
    bool *failed = ARENA_ZARRAY(arena, bool, r->n); /* before any is filtered */
    for (size_t t = 0; r->any && t < r->n; t++) {
        failed[t] = verdicts[t].kind == VERDICT_FINDING;
    }
    for (size_t t = 0; r->any && t < r->n; t++) {
        if (r->is_version[t] && failed[t] && regression_from(r, t, verdicts) == NO_TARGET) {
            verdicts[t].kind = VERDICT_FILTERED;
            verdicts[t].filter = reason(r, t, failed);
        }
    }
}

uint64_t regressions_filtered(const struct counts *counts)
{
    static const char *const names[] = {of_base, also_older, not_in_older};
    uint64_t n = 0;
    for (size_t i = 0; i < counts->n_filters; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            n += strcmp(counts->filters[i].name, names[k]) == 0 ? counts->filters[i].n : 0;
        }
    }
    return n;
}
