/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracles that look at what a run did rather than what it computed: it crashed, hung, refused a
 * valid program, or left something changed behind.
 */
#include "oracle/oracle_internal.h"

#include <string.h>

static bool spoke(struct verdict *v, enum verdict_kind kind, const char *text)
{
    v->kind = kind;
    v->text = text;
    return true;
}

/* What an undefined element allows is no finding. */
static bool spoke_of_end(const struct judgement *j, struct verdict *v, const char *text)
{
    if (reference_traps(j->reference)) {
        return spoke(v, VERDICT_UNJUDGED,
                     arena_printf(j->arena, "undefined (integer division, index): %s", text));
    }
    return spoke(v, VERDICT_FINDING, text);
}

static bool crash_judge(const struct judgement *j, struct verdict *v)
{
    const struct outcome *o = j->outcome;
    if (o->kind != OUTCOME_CRASH) {
        return false;
    }
    const char *where = o->n_frames ? o->frames[0] : "no frame known";
    if (o->signal) {
        const char *why = o->assertion ? o->assertion : o->fault;
        return spoke_of_end(j, v,
                            arena_printf(j->arena, "killed by SIG%s in %s%s%s",
                                         sigabbrev_np(o->signal), where, why ? ": " : "",
                                         why ? why : ""));
    }
    return spoke(v, VERDICT_FINDING,
                 arena_printf(j->arena, "the process ended with status %d", o->exit_status));
}

static bool hang_judge(const struct judgement *j, struct verdict *v)
{
    return j->outcome->kind == OUTCOME_HANG && spoke(v, VERDICT_FINDING, j->outcome->message);
}

/* The first line, which is what people search for. */
static const char *first_line(const char *text, struct arena *arena)
{
    size_t n = strcspn(text, "\r\n");
    return arena_printf(arena, "%.*s", (int)(n > 300 ? 300 : n), text);
}

static bool status_judge(const struct judgement *j, struct verdict *v)
{
    const struct outcome *o = j->outcome;
    switch (o->kind) {
    case OUTCOME_UNSUPPORTED:
        return spoke(v, VERDICT_UNSUPPORTED, o->message);
    case OUTCOME_NOT_EXERCISED:
        return spoke(v, VERDICT_NOT_EXERCISED, o->message);
    case OUTCOME_ERROR:
        if (error_is_unsupported(j->target, o)) {
            return spoke(v, VERDICT_UNSUPPORTED, first_line(o->message, j->arena));
        }
        if (error_is_of_form(o)) {
            return spoke(v, VERDICT_FINDING, o->message);
        }
        return spoke_of_end(j, v,
                            arena_printf(j->arena, "%s refused a valid program: %s", o->phase,
                                         first_line(o->message, j->arena)));
    case OUTCOME_OK:
    case OUTCOME_CRASH:
    case OUTCOME_HANG:
        break;
    }
    return false;
}

static bool side_effects_judge(const struct judgement *j, struct verdict *v)
{
    const struct outcome *o = j->outcome;
    if (o->input_changed) {
        return spoke(v, VERDICT_FINDING, "an input tensor was changed");
    }
    if (o->out_of_bounds) {
        return spoke(v, VERDICT_FINDING, "memory beside an input tensor was overwritten");
    }
    if (o->state_changed) {
        return spoke(
            v, VERDICT_FINDING,
            arena_printf(j->arena, "process state was left changed: %s", o->state_changed));
    }
    return false;
}

const struct oracle oracle_crash = {
    .name = "crash",
    .summary = "no signal, no unexpected exit",
    .judge = crash_judge,
};
const struct oracle oracle_hang = {
    .name = "hang",
    .summary = "an answer within the CPU deadline",
    .judge = hang_judge,
};
const struct oracle oracle_status = {
    .name = "status",
    .summary = "a valid program is not refused",
    .judge = status_judge,
};
const struct oracle oracle_side_effects = {
    .name = "side_effects",
    .summary = "inputs, memory around them and process state stay as they were",
    .judge = side_effects_judge,
};
