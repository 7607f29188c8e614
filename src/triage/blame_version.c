/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ablation of the library's release: each that was asked for runs the program in an environment of
 * its own, which scripts/environments.py makes once and the cache keeps. A release that cannot be
 * had or does not take the program is a line of the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "triage/blame_internal.h"

/* Releases in order, with what each showed. */
struct releases {
    struct blamer *b;
    struct peer peer;
    const char *folder; /* of the environments */
    const char **versions;
    enum answer *answers;
    size_t n; /* that were judged */
};

static bool wants_versions(const struct blamer *b)
{
    return b->request->versions.n > 0;
}

/* "1.9" before "1.10". */
static int compare_versions(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return version_compare(*x, *y);
}

void version_span(const char *const *versions, const enum answer *answers, size_t n,
                  const char **first_bad, const char **last_good)
{
    size_t end = n;
    while (end > 0 && answers[end - 1] != ANSWER_SHOWS) {
        end--;
    }
    size_t first = end;
    while (first > 0 && answers[first - 1] == ANSWER_SHOWS) {
        first--;
    }
    *first_bad = first < end ? versions[first] : NULL;
    *last_good = first < end && first > 0 ? versions[first - 1] : NULL;
}

/* ---- one release ---- */

/* Its interpreter; NULL and a line of the answer when there is none. */
static enum err find_python(struct releases *r, const char *version, const char **python)
{
    struct blamer *b = r->b;
    char *line;
    *python = NULL;
    TRY(peer_ask(&r->peer, &line, "%s %s %s", b->culprit->kind->package, version, r->folder));
    if (strncmp(line, "python ", 7) == 0) {
        *python = arena_strdup(b->arena, line + 7);
    } else {
        blame_note(b, "version", version, target_label(b->culprit, b->arena), VERDICT_UNSUPPORTED,
                   strncmp(line, "none ", 5) == 0 ? line + 5 : line);
    }
    return ERR_OK;
}

/* A model as the culprit's release has it, or older where this one takes no such. */
static void limit_onnx(struct blamer *b)
{
    struct onnx_version *mine = &b->slot->onnx;
    mine->opset = mine->opset < b->onnx.opset ? mine->opset : b->onnx.opset;
    mine->ir = mine->ir < b->onnx.ir ? mine->ir : b->onnx.ir;
}

static void judged(struct releases *r, const char *version, enum answer answer)
{
    if (answer == ANSWER_SHOWS || answer == ANSWER_GOES) {
        r->versions[r->n] = version;
        r->answers[r->n++] = answer;
    }
}

/* The release takes older models only, and its model passes. That says something when the culprit's
 * own release shows the failure on such a model: what an operator does depends on the opset. */
static enum err hold_against_own(struct releases *r, const char *version, struct onnx_version older,
                                 enum answer *answer)
{
    struct blamer *b = r->b;
    enum answer own;
    TRY(blame_open(b, b->culprit));
    b->slot->onnx = older;
    const struct variation v = {
        .kind = "version",
        .what = arena_printf(b->arena, "%s, opset %d", b->result->version, older.opset),
        .options = "",
        .by_oracle = true,
    };
    TRY(blame_run(b, &v, &own));
    if (own != ANSWER_SHOWS) {
        *answer = ANSWER_NONE;
        blame_say(b, "%s takes models up to opset %d, at which %s does not show it either.",
                  version, older.opset, b->result->version);
    }
    return ERR_OK;
}

static enum err try_release(struct releases *r, const char *version)
{
    struct blamer *b = r->b;
    const char *python, *label = target_label(b->culprit, b->arena);
    struct target *target;
    enum answer answer;
    TRY(find_python(r, version, &python));
    if (python == NULL) {
        return ERR_OK;
    }
    enum err err =
        target_parse(arena_printf(b->arena, "%s@%s", label, python), NULL, b->arena, &target);
    err = err == ERR_OK ? blame_open(b, target) : err;
    if (err == ERR_STOPPED) {
        return err;
    }
    if (err != ERR_OK) {
        blame_note(b, "version", version, label, VERDICT_UNSUPPORTED, err_text());
        return ERR_OK;
    }
    limit_onnx(b);
    const struct variation v = {
        .kind = "version", .what = version, .options = "", .by_oracle = true};
    TRY(blame_run(b, &v, &answer));
    if (answer == ANSWER_GOES && b->slot->onnx.opset < b->onnx.opset) {
        TRY(hold_against_own(r, version, b->slot->onnx, &answer));
    }
    judged(r, version, answer);
    return ERR_OK;
}

/* The culprit's own release has shown it. */
static void note_own(struct releases *r, const char *version)
{
    blame_note(r->b, "version", version, target_label(r->b->culprit, r->b->arena), VERDICT_FINDING,
               "as found");
    judged(r, version, ANSWER_SHOWS);
}

/* ---- all of them ---- */

static void say_span(struct releases *r)
{
    struct blamer *b = r->b;
    struct blame *result = b->result;
    if (r->n < 2) {
        blame_say(b, "No other release could be judged.");
        return;
    }
    version_span(r->versions, r->answers, r->n, &result->first_bad, &result->last_good);
    if (result->last_good != NULL) {
        blame_say(b,
                  "Of the releases that were tried %s is the first that shows it and %s the last "
                  "before it that does not.",
                  result->first_bad, result->last_good);
        blame_component(b, arena_printf(b->arena, "version %s", result->first_bad));
    } else {
        blame_say(b, "The oldest release that was tried, %s, shows it.", result->first_bad);
    }
    if (r->answers[r->n - 1] == ANSWER_GOES) {
        blame_say(b, "The newest that was tried, %s, does not show it any more.",
                  r->versions[r->n - 1]);
    }
}

static enum err try_all(struct releases *r, const struct texts *wanted, const char *own)
{
    for (size_t i = 0; i < wanted->n; i++) {
        if (strcmp(wanted->items[i], own) == 0) {
            note_own(r, own);
        } else {
            TRY(try_release(r, wanted->items[i]));
        }
    }
    return ERR_OK;
}

/* What was asked for and the culprit's own, in order and each once. */
static struct texts in_order(const struct blamer *b, const char *own)
{
    const struct texts *asked = &b->request->versions;
    struct texts wanted = {0}, once = {0};
    texts_add(&wanted, own, b->arena);
    for (size_t i = 0; i < asked->n; i++) {
        texts_add(&wanted, asked->items[i], b->arena);
    }
    qsort(wanted.items, wanted.n, sizeof(wanted.items[0]), compare_versions);
    for (size_t i = 0; i < wanted.n; i++) {
        if (once.n == 0 || strcmp(once.items[once.n - 1], wanted.items[i]) != 0) {
            texts_add(&once, wanted.items[i], b->arena);
        }
    }
    return once;
}

static enum err version_apply(struct blamer *b)
{
    const char *version = b->result->version;
    /* A build's tag, as in 2.13.0+cpu, is no part of the release. */
    const char *own = arena_printf(b->arena, "%.*s", (int)strcspn(version, "+"), version);
    const struct texts wanted = in_order(b, own);
    struct releases r = {
        .b = b,
        .versions = ARENA_ARRAY(b->arena, const char *, wanted.n),
        .answers = ARENA_ARRAY(b->arena, enum answer, wanted.n),
    };
    char *cache;
    TRY(cache_dir(b->arena, &cache));
    r.folder = arena_printf(b->arena, "%s/releases", cache);
    TRY(peer_start(b->culprit->python, "environments.py", b->arena, &r.peer));
    r.peer.stops = true;
    enum err err = try_all(&r, &wanted, own);
    peer_stop(&r.peer);
    TRY(err);
    say_span(&r);
    return ERR_OK;
}

const struct ablation ablation_version = {
    .kind = "version",
    .applies = wants_versions,
    .apply = version_apply,
};
