/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blame: runs a finding's program in variations of the failing target, judges each against the
 * reference as any run, and says what makes the failure go away. What a variation may be is a table
 * of ablations; each adds its tries and a sentence, and the first that finds something guilty names
 * it. A variation that passes is believed only after as many looks as the failure's own rate asks
 * for.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "triage/blame_internal.h"

enum {
    FIRST_LOOKS = 5, /* at the failure itself, for its rate */
    LOOKS_MIN = 2,
    LOOKS_MAX = 50,
};
/* How often a failure that shows by chance may be missed in all looks at a variation. */
static const double missed_max = 0.01;

/* In the order of what tells a maintainer most. */
static const struct ablation *const ablation_table[] = {
    &ablation_level,  &ablation_optimizer, &ablation_subsystem, &ablation_threads,
    &ablation_layout, &ablation_dtype,     &ablation_version,
};

/* ---- runs ---- */

enum err blame_open(struct blamer *b, const struct target *target)
{
    struct target *const slot = arena_copy(b->arena, target, sizeof(*target));
    struct jury *jury = NULL;
    TRY(jury_open(&slot, 1, &(struct jury_options){0}, &jury));
    jury_close(b->jury);
    b->jury = jury;
    b->slot = slot;
    b->failure.target = 0;
    b->failure.what = slot;
    return ERR_OK;
}

static enum answer answer_of(const struct blamer *b, const struct variation *v,
                             const struct verdict *verdict, bool same)
{
    if (verdict->kind == VERDICT_FINDING) {
        same = same || (v->by_oracle && strcmp(verdict->oracle, b->failure.verdict.oracle) == 0);
        return same ? ANSWER_SHOWS : ANSWER_OTHER;
    }
    return verdict->kind == VERDICT_PASS ? ANSWER_GOES : ANSWER_NONE;
}

/* One look after the other until it fails or has passed often enough. The last one's verdict. */
static enum err look(struct blamer *b, const struct variation *v, struct verdict *verdict,
                     enum answer *answer)
{
    const struct test *test = v->test != NULL ? v->test : b->failure.test;
    *answer = ANSWER_GOES;
    for (unsigned i = 0; i < b->looks && *answer == ANSWER_GOES; i++) {
        struct outcome outcome = {.kind = OUTCOME_OK};
        bool same = false;
        if (stop_requested) {
            return err_set(ERR_STOPPED, "stopped");
        }
        arena_reset(b->scratch);
        *verdict = (struct verdict){.kind = VERDICT_UNSUPPORTED, .text = "not supported"};
        if (target_supports(b->slot, test->program)) {
            TRY(failure_shows(b->jury, &b->failure, test, b->scratch, &outcome, verdict, &same));
        }
        *answer = answer_of(b, v, verdict, same);
    }
    return ERR_OK;
}

void blame_note(struct blamer *b, const char *kind, const char *what, const char *target,
                enum verdict_kind verdict, const char *text)
{
    struct blame *r = b->result;
    const struct blame_try try = {.kind = kind,
                                  .what = arena_strdup(b->arena, what),
                                  .target = arena_strdup(b->arena, target),
                                  .verdict = verdict,
                                  .text = arena_strdup(b->arena, text)};
    r->tries = arena_room(b->arena, r->tries, r->n_tries, sizeof(*r->tries));
    r->tries[r->n_tries++] = try;
    if (b->request->tried != NULL) {
        b->request->tried(&try, b->request->context);
    }
}

/* The verdicts that a reader of blame.json has to know. */
static enum verdict_kind told_verdict(enum answer answer, enum verdict_kind kind)
{
    bool is_judged = answer != ANSWER_NONE || kind == VERDICT_UNSUPPORTED;
    return is_judged ? kind : VERDICT_UNJUDGED;
}

static const char other_failure[] = "another failure: ";

static enum answer answer_of_try(const struct blame_try *try)
{
    if (try->verdict == VERDICT_FINDING) {
        bool is_other = strncmp(try->text, other_failure, strlen(other_failure)) == 0;
        return is_other ? ANSWER_OTHER : ANSWER_SHOWS;
    }
    return try->verdict == VERDICT_PASS ? ANSWER_GOES : ANSWER_NONE;
}

/* Did an earlier run try it, in the version that is installed? Then that counts. */
static bool take_earlier(struct blamer *b, const struct variation *v, const char *label,
                         enum answer *answer)
{
    const struct blame *earlier = b->request->earlier;
    const char *version = b->result->version != NULL ? b->result->version : "";
    const char *then = earlier != NULL && earlier->version != NULL ? earlier->version : "";
    bool is_same_version = earlier != NULL && strcmp(then, version) == 0;
    for (size_t i = 0; is_same_version && v->what != NULL && i < earlier->n_tries; i++) {
        const struct blame_try *try = &earlier->tries[i];
        if (strcmp(try->kind, v->kind) == 0 && strcmp(try->what, v->what) == 0 &&
            strcmp(try->target, label) == 0) {
            *answer = answer_of_try(try);
            blame_note(b, v->kind, v->what, label, try->verdict, try->text);
            return true;
        }
    }
    return false;
}

enum err blame_run(struct blamer *b, const struct variation *v, enum answer *answer)
{
    struct target *varied;
    struct verdict verdict = {.kind = VERDICT_UNJUDGED};
    const struct target was = *b->slot;
    arena_reset(b->options);
    if (v->options[0] != '\0') {
        TRY(target_vary(b->slot, v->options, b->options, &varied));
        *b->slot = *varied;
    }
    const char *label = target_label(b->slot, b->options);
    bool is_tried = take_earlier(b, v, label, answer);
    enum err err = is_tried ? ERR_OK : look(b, v, &verdict, answer);
    *b->slot = was;
    if (is_tried || err != ERR_OK) {
        return err;
    }
    if (v->what != NULL) {
        const char *text = verdict.text != NULL ? verdict.text : "";
        blame_note(b, v->kind, v->what, label, told_verdict(*answer, verdict.kind),
                   *answer == ANSWER_OTHER ? arena_printf(b->arena, "%s%s", other_failure, text)
                                           : text);
    }
    return ERR_OK;
}

/* ---- results ---- */

void blame_component(struct blamer *b, const char *component)
{
    if (b->result->component == NULL) {
        b->result->component = arena_strdup(b->arena, component);
    }
}

void blame_say(struct blamer *b, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buffer_printf(&b->text, "%s%s", b->text.size > 0 ? " " : "", text);
}

const char *blame_list(const struct texts *texts, const char *last, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    for (size_t i = 0; i < texts->n; i++) {
        bool is_last = i + 1 == texts->n;
        buffer_printf(&text, "%s%s", i == 0 ? "" : is_last ? last : ", ", texts->items[i]);
    }
    const char *list = arena_strdup(arena, text.size > 0 ? text.data : "");
    buffer_release(&text);
    return list;
}

/* ---- the whole ---- */

/* A folder that an older opjury wrote may have another signature for what its oracle says still. */
static enum err look_anew(struct blamer *b)
{
    struct outcome outcome = {.kind = OUTCOME_OK};
    struct verdict verdict = {.kind = VERDICT_PASS};
    bool same;
    TRY(failure_shows(b->jury, &b->failure, b->failure.test, b->arena, &outcome, &verdict, &same));
    if (verdict.kind == VERDICT_FINDING && strcmp(verdict.oracle, b->failure.verdict.oracle) == 0) {
        b->failure.signature = failure_signature(&verdict, &outcome, b->arena);
        b->failure.runs = b->failure.repeats = 0;
        return recheck(b->jury, &b->failure, FIRST_LOOKS, b->scratch);
    }
    return ERR_OK;
}

/* Does it still fail, and how often? A failure that shows by chance asks for more looks. */
static enum err look_first(struct blamer *b)
{
    TRY(recheck(b->jury, &b->failure, FIRST_LOOKS, b->scratch));
    if (b->failure.repeats == 0) {
        TRY(look_anew(b));
    }
    double miss = 1 - (double)b->failure.repeats / b->failure.runs;
    b->result->reproduced = b->failure.repeats > 0;
    b->looks = LOOKS_MIN;
    while (b->looks < LOOKS_MAX && pow(miss, b->looks) > missed_max) {
        b->looks++;
    }
    if (b->result->reproduced && miss > 0) {
        blame_say(b,
                  "It shows by chance, in %u of %u runs: what passed %u times is taken to be "
                  "without it.",
                  b->failure.repeats, b->failure.runs, b->looks);
    }
    return ERR_OK;
}

static enum err apply_all(struct blamer *b)
{
    TRY(look_first(b));
    if (!b->result->reproduced) {
        return ERR_OK;
    }
    for (size_t i = 0; i < ARRAY_SIZE(ablation_table); i++) {
        if (ablation_table[i]->applies(b)) {
            TRY(ablation_table[i]->apply(b));
        }
    }
    if (b->result->component == NULL) {
        blame_say(b, "No other way to run it makes it go away.");
    }
    return ERR_OK;
}

enum err blame(const struct blame_request *request, struct arena *arena, struct blame *result)
{
    *result = (struct blame){0};
    struct blamer b = {
        .request = request,
        .arena = arena,
        .scratch = arena_new(),
        .options = arena_new(),
        .culprit = request->target,
        .failure = *request->failure,
        .result = result,
    };
    b.failure.runs = b.failure.repeats = 0;
    enum err err = blame_open(&b, request->target);
    if (err == ERR_OK) {
        /* It ends with the jury. */
        result->version = b.slot->version != NULL ? arena_strdup(arena, b.slot->version) : NULL;
        b.onnx = b.slot->onnx;
        err = apply_all(&b);
    }
    result->complete = err == ERR_OK;
    if (err == ERR_STOPPED) {
        blame_say(&b, "It was stopped before all had been tried.");
    }
    result->text = arena_strdup(arena, b.text.size > 0 ? b.text.data : "");
    jury_close(b.jury);
    buffer_release(&b.text);
    arena_free(b.scratch);
    arena_free(b.options);
    return err;
}
