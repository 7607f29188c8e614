/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ablations of what a library does to a program before it runs it: the optimisation level, then
 * single optimizers of the lowest level that shows the failure. A name that makes the failure go
 * away is believed; one that the library does not have changes nothing, so it is never blamed.
 */
#include <string.h>

#include "triage/blame_internal.h"

/* ---- levels ---- */

static bool has_levels(const struct blamer *b)
{
    return b->culprit->kind->levels != NULL;
}

/* What the levels say: which of n show it, from `lowest` on, which pass, and the others. */
static void say_levels(struct blamer *b, const struct texts *shows, const struct texts *passes,
                       size_t lowest, size_t n)
{
    const char *shown = blame_list(shows, " and ", b->arena);
    if (shows->n == n) {
        blame_say(b, "All levels show it (%s): it is in a kernel, or in what every level does.",
                  shown);
        return;
    }
    const char *option = b->culprit->kind->level_option;
    const char *not_at = arena_printf(b->arena, " and not at %s=", option);
    blame_say(b, "It shows at %s=%s%s%s.", option, shown, passes->n > 0 ? not_at : "",
              blame_list(passes, " or ", b->arena));
    if (shows->n + passes->n < n) {
        blame_say(b, "At the other levels it fails in another way or cannot be judged.");
    }
    if (b->level_is_guilty) {
        bool goes_on = shows->n > 1 && lowest + shows->n == n;
        blame_component(b, arena_printf(b->arena, "%s%s%s", option, goes_on ? ">=" : "=",
                                        b->culprit->kind->levels[lowest]));
    }
}

static enum err level_apply(struct blamer *b)
{
    const char *const *levels = b->culprit->kind->levels;
    struct texts shows = {0}, passes = {0};
    size_t lowest = SIZE_MAX, n = 0;
    bool goes_below = false;
    for (; levels[n] != NULL; n++) {
        enum answer answer;
        const char *options =
            arena_printf(b->arena, "%s=%s", b->culprit->kind->level_option, levels[n]);
        const struct variation v = {.kind = "level", .what = options, .options = options};
        TRY(blame_run(b, &v, &answer));
        if (answer == ANSWER_SHOWS || answer == ANSWER_GOES) {
            texts_add(answer == ANSWER_SHOWS ? &shows : &passes, levels[n], b->arena);
        }
        if (answer == ANSWER_SHOWS && lowest == SIZE_MAX) {
            lowest = n;
            b->level = options;
            b->level_is_guilty = goes_below;
        }
        goes_below = answer == ANSWER_GOES;
    }
    if (lowest != SIZE_MAX) {
        say_levels(b, &shows, &passes, lowest, n);
    }
    return ERR_OK;
}

const struct ablation ablation_level = {
    .kind = "level",
    .applies = has_levels,
    .apply = level_apply,
};

/* ---- single optimizers ---- */

/* The search for names at the guilty level. */
struct search {
    struct blamer *b;
    struct arena *arena;
    struct trace trace;
    unsigned steps; /* made so far to make sets smaller */
};
/* A set that takes so many stays as it is then: a single name among 4000 takes 12. */
enum { STEPS_MAX = 500 };

static const char *joined(const struct texts *names, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    for (size_t i = 0; i < names->n; i++) {
        buffer_printf(&text, "%s%s", i > 0 ? "+" : "", names->items[i]);
    }
    const char *line = arena_strdup(arena, text.size > 0 ? text.data : "");
    buffer_release(&text);
    return line;
}

/* Does the failure go away without these? what: NULL for a step on the way. */
static enum err goes_without(struct search *s, const struct texts *names, const char *what,
                             bool *goes)
{
    enum answer answer;
    struct arena_mark mark = arena_mark(s->arena);
    const struct variation v = {
        .kind = "optimizer",
        .what = what,
        .options = arena_printf(s->arena, "%s,disable=%s", s->b->level, joined(names, s->arena)),
    };
    enum err err = blame_run(s->b, &v, &answer);
    arena_rewind(s->arena, mark);
    TRY(err);
    *goes = answer == ANSWER_GOES;
    return ERR_OK;
}

static enum err step(void *context, const struct texts *names, bool *goes)
{
    struct search *s = context;
    *goes = false;
    return s->steps++ < STEPS_MAX ? goes_without(s, names, NULL, goes) : ERR_OK;
}

/* Each alone, the last that changed something first: it is next to what ran. */
static enum err try_alone(struct search *s, struct texts *alone)
{
    for (size_t i = s->trace.changed.n; i-- > 0;) {
        const struct texts one = {1, &s->trace.changed.items[i]};
        bool goes;
        TRY(goes_without(s, &one, one.items[0], &goes));
        if (goes) {
            texts_add(alone, one.items[0], s->arena);
        }
    }
    return ERR_OK;
}

/*
 * The others that ran: one may change the program and say that it did not, and one that dies takes
 * what was said before with it. One run without all of them tells mostly that none of them is
 * meant.
 */
static enum err try_silent(struct search *s, struct texts *alone)
{
    struct texts silent = {0};
    bool goes = false;
    for (size_t i = 0; i < s->trace.ran.n; i++) {
        if (!texts_have(&s->trace.changed, s->trace.ran.items[i])) {
            texts_add(&silent, s->trace.ran.items[i], s->arena);
        }
    }
    TRY(silent.n > 0 ? goes_without(s, &silent, NULL, &goes) : ERR_OK);
    for (size_t i = 0; i < silent.n && goes; i++) {
        const struct texts one = {1, &silent.items[i]};
        bool is_it;
        TRY(goes_without(s, &one, NULL, &is_it));
        if (is_it) {
            TRY(goes_without(s, &one, one.items[0], &is_it)); /* a line of its own */
            texts_add(alone, one.items[0], s->arena);
        }
    }
    return ERR_OK;
}

/* The smallest set of `names` without which the failure goes away; none when it stays. */
static enum err try_set(struct search *s, const struct texts *names, struct texts *found)
{
    bool goes = false;
    *found = (struct texts){0};
    if (names->n == 0) {
        return ERR_OK;
    }
    TRY(goes_without(s, names, NULL, &goes));
    if (!goes) {
        return ERR_OK;
    }
    *found = (struct texts){names->n,
                            arena_copy(s->arena, names->items, names->n * sizeof(names->items[0]))};
    TRY(names_minimise(found, step, s, s->arena));
    return goes_without(s, found, joined(found, s->b->arena), &goes);
}

/*
 * One that applies rules has names of its own for them, which no log says. Whatever they are, they
 * stand in the library's file: of all strings there that could be names, the smallest set without
 * which the failure goes away. That of the whole stays when there is none.
 */
static enum err find_rule(struct search *s, const char *whole, struct texts *found)
{
    struct texts names, rules = {0};
    *found = (struct texts){0};
    if (s->trace.library == NULL) {
        return ERR_OK;
    }
    enum err err = library_names(s->trace.library, s->arena, &names);
    if (err != ERR_OK) {
        log_warn("rules of %s: %s", whole, err_text());
        return ERR_OK;
    }
    for (size_t i = 0; i < names.n; i++) {
        if (!texts_have(&s->trace.ran, names.items[i])) {
            texts_add(&rules, names.items[i], s->arena);
        }
    }
    return try_set(s, &rules, found);
}

/* The names to say in place of one that was found. */
static enum err refine(struct search *s, const char **name)
{
    struct texts rules;
    if (applies_rules(*name)) {
        TRY(find_rule(s, *name, &rules));
        *name = rules.n > 0 ? joined(&rules, s->b->arena) : *name;
    }
    return ERR_OK;
}

/* Any one of these makes the failure go away. */
static void say_alone(struct search *s, const struct texts *names)
{
    struct blamer *b = s->b;
    blame_say(b, "Without %s%s the program is right.", names->n > 1 ? "any one of " : "",
              blame_list(names, " or ", b->arena));
    b->result->component = NULL; /* the level: this says more */
    blame_component(b, arena_printf(b->arena, "optimizer %s", blame_list(names, " or ", b->arena)));
}

static void say_set(struct search *s, const struct texts *set)
{
    struct blamer *b = s->b;
    const char *all = joined(set, b->arena);
    if (set->n == 1) {
        say_alone(s, set);
        return;
    }
    blame_say(b,
              "It goes away without %s together, the smallest set that was found; none alone "
              "does it.",
              blame_list(set, " and ", b->arena));
    b->result->component = NULL;
    blame_component(b, arena_printf(b->arena, "optimizers %s", all));
}

static enum err find_optimizers(struct search *s)
{
    struct texts alone = {0}, set;
    TRY(try_alone(s, &alone));
    TRY(try_silent(s, &alone));
    if (alone.n > 0) {
        for (size_t i = 0; i < alone.n; i++) {
            TRY(refine(s, &alone.items[i]));
        }
        say_alone(s, &alone);
        return ERR_OK;
    }
    TRY(try_set(s, &s->trace.changed, &set));
    if (set.n == 0) {
        TRY(try_set(s, &s->trace.ran, &set));
    }
    if (set.n == 0) {
        TRY(find_rule(s, "the library", &set));
    }
    if (set.n > 0) {
        say_set(s, &set);
    } else {
        blame_say(s->b, "No set of them makes it go away: it is what else the level does.");
    }
    return ERR_OK;
}

static void say_trace(const struct search *s)
{
    if (s->trace.is_cut && s->trace.open != NULL) {
        blame_say(s->b, "At %s it fails in the optimizer %s.", s->b->level, s->trace.open);
    } else if (s->trace.ran.n > 0) {
        blame_say(s->b, "At %s %zu optimizer%s ran, and %zu of them changed the program.",
                  s->b->level, s->trace.ran.n, s->trace.ran.n > 1 ? "s" : "", s->trace.changed.n);
    }
}

static bool has_optimizers(const struct blamer *b)
{
    /* One that has some disabled would lose that. */
    return b->culprit->kind->has_optimizers && b->level_is_guilty &&
           target_option(b->culprit, "disable", b->arena) == NULL;
}

static enum err optimizer_apply(struct blamer *b)
{
    struct search s = {.b = b, .arena = arena_new()};
    struct target *varied;
    enum err err = target_vary(b->slot, b->level, s.arena, &varied);
    if (err == ERR_OK) {
        err = trace_run(b->jury, 0, varied, b->failure.test, s.arena, &s.trace);
    }
    if (err == ERR_OK) {
        say_trace(&s);
        err = find_optimizers(&s);
    }
    arena_free(s.arena);
    return err;
}

const struct ablation ablation_optimizer = {
    .kind = "optimizer",
    .applies = has_optimizers,
    .apply = optimizer_apply,
};
