/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ablations of how a program is run and of what: the number of threads, where in memory its inputs
 * lie, the float dtype.
 */
#include <string.h>

#include "triage/blame_internal.h"

/* ---- threads ---- */

static bool has_threads(const struct blamer *b)
{
    return b->culprit->kind->has_threads;
}

static enum err threads_apply(struct blamer *b)
{
    enum answer answer;
    bool is_one = target_option(b->culprit, "threads", b->arena) == NULL;
    const char *other = is_one ? "threads=4" : "threads=1";
    const char *text = is_one ? "With 4 threads" : "With one thread";
    const struct variation v = {.kind = "threads", .what = other, .options = other};
    TRY(blame_run(b, &v, &answer));
    if (answer == ANSWER_SHOWS) {
        blame_say(b, "%s it shows too.", text);
    } else if (answer == ANSWER_GOES) {
        blame_say(b, "%s it goes away.", text);
        blame_component(b, is_one ? "threads=1" : "threads>1");
    } else if (answer == ANSWER_OTHER) {
        blame_say(b, "%s it fails in another way.", text);
    }
    return ERR_OK;
}

const struct ablation ablation_threads = {
    .kind = "threads",
    .applies = has_threads,
    .apply = threads_apply,
};

/* ---- layout ---- */

/* What is evaluated in this process has its inputs where they are. */
static bool has_layout(const struct blamer *b)
{
    return b->culprit->kind->adapter != NULL && b->failure.test->n_inputs > 0;
}

static enum err layout_apply(struct blamer *b)
{
    enum placement own = b->failure.test->placement;
    struct texts shows = {0}, passes = {0};
    for (enum placement i = PLACE_ALIGNED; i <= PLACE_START; i++) {
        enum answer answer = ANSWER_SHOWS;
        struct test test = *b->failure.test;
        test.placement = i;
        const struct variation v = {
            .kind = "layout",
            .what = arena_printf(b->arena, "placement=%s", placement_names[i]),
            .options = "",
            .test = &test,
            .by_oracle = true,
        };
        if (test.placement != own) {
            TRY(blame_run(b, &v, &answer));
        }
        if (answer == ANSWER_SHOWS || answer == ANSWER_GOES) {
            texts_add(answer == ANSWER_SHOWS ? &shows : &passes, placement_names[i], b->arena);
        }
    }
    if (passes.n > 0) {
        blame_say(b,
                  "It depends on where in memory its inputs lie: placement %s shows it and %s does "
                  "not (aligned to 64 bytes; at the end or the start of a page beside one that may "
                  "not be touched).",
                  blame_list(&shows, " or ", b->arena), blame_list(&passes, " or ", b->arena));
        blame_component(b, arena_printf(b->arena, "placement=%s", placement_names[own]));
    }
    return ERR_OK;
}

const struct ablation ablation_layout = {
    .kind = "layout",
    .applies = has_layout,
    .apply = layout_apply,
};

/* ---- dtypes ---- */

static dtype_set float_dtypes(const struct program *p)
{
    dtype_set set = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        set |= dtype_is_float(p->values[id].dtype) ? (dtype_set)1 << p->values[id].dtype : 0;
    }
    return set;
}

static bool has_floats(const struct blamer *b)
{
    return float_dtypes(b->failure.test->program) != 0;
}

/* The program in one float dtype. Its values are rounded to that, so that it may pass because what
 * made it fail has no such value: it tells where to look and blames nothing. */
static enum err try_dtype(struct blamer *b, enum dtype to, enum answer *answer)
{
    const char *name = dtype_name(to);
    const struct test *test =
        test_retyped(b->failure.test, DT_FLOATS & ~((dtype_set)1 << to), to, b->arena);
    *answer = ANSWER_NONE;
    if (test == NULL) {
        blame_note(b, "dtype", name, target_label(b->slot, b->arena), VERDICT_UNSUPPORTED,
                   "the program does not hold together in this dtype");
        return ERR_OK;
    }
    const struct variation v = {
        .kind = "dtype", .what = name, .options = "", .test = test, .by_oracle = true};
    return blame_run(b, &v, answer);
}

static enum err dtype_apply(struct blamer *b)
{
    static const enum dtype tried[] = {DTYPE_F32, DTYPE_F64, DTYPE_F16, DTYPE_BF16};
    dtype_set own = float_dtypes(b->failure.test->program);
    struct texts shows = {0}, passes = {0};
    for (size_t i = 0; i < ARRAY_SIZE(tried); i++) {
        enum answer answer = ANSWER_SHOWS;
        if (own != (dtype_set)1 << tried[i]) {
            TRY(try_dtype(b, tried[i], &answer));
        }
        if (answer == ANSWER_SHOWS || answer == ANSWER_GOES) {
            texts_add(answer == ANSWER_SHOWS ? &shows : &passes, dtype_name(tried[i]), b->arena);
        }
    }
    if (shows.n > 0) {
        blame_say(b, "Its floats as %s: it shows%s%s%s.", blame_list(&shows, " or ", b->arena),
                  passes.n > 0 ? "; as " : "", blame_list(&passes, " or ", b->arena),
                  passes.n > 0 ? ": it does not" : "");
    }
    return ERR_OK;
}

const struct ablation ablation_dtype = {
    .kind = "dtype",
    .applies = has_floats,
    .apply = dtype_apply,
};
