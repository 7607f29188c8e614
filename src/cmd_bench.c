/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench SUBJECT`: the figures that the documents quote, measured again on this machine. A
 * subject is one struct (bench.h) and one line here.
 */
#include "bench.h"
#include "campaign.h"

#include <stdio.h>
#include <string.h>

enum {
    KEY_JSON = COMMAND_KEYS,
    KEY_PYTHON,
    KEY_POLICY,
    KEY_TIME,
    KEY_NODES,
    KEY_MODELS,
    KEY_SAMPLES,
    KEY_SAVE,
    KEY_LOAD,
    KEY_PLOT,
    KEY_FROM,
    KEY_LABELS,
};

static const struct bench_subject *const subject_table[] = {
    &bench_judge,      &bench_bounds,    &bench_diversity, &bench_evaluate, &bench_observability,
    &bench_throughput, &bench_generator, &bench_inputs,    &bench_unjudged, &bench_campaign,
    &bench_compile,    &bench_reduce,    &bench_buckets,   &bench_crash,
};

static const struct bench_subject *find_subject(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(subject_table); i++) {
        if (strcmp(subject_table[i]->name, name) == 0) {
            return subject_table[i];
        }
    }
    return NULL;
}

static enum err run_bench(void *settings, struct arena *arena, bool *found)
{
    const struct bench_settings *s = settings;
    if (s->subject == NULL) {
        for (size_t i = 0; i < ARRAY_SIZE(subject_table); i++) {
            printf("%-14s %s\n", subject_table[i]->name, subject_table[i]->summary);
        }
        return output_flush();
    }
    const struct bench_subject *subject = find_subject(s->subject);
    if (subject == NULL) {
        return err_set(ERR_USAGE, "there is no figure '%s'; `opjury bench` lists them", s->subject);
    }
    bool is_inputs = subject == &bench_inputs;
    if (!is_inputs && (s->nodes.n || s->models || s->samples || s->save || s->load || s->plot)) {
        return err_set(ERR_USAGE, "--nodes, --models, --samples, --save, --load and --plot are "
                                  "options of `opjury bench inputs`");
    }
    if (subject != &bench_buckets && (s->from.n > 0 || s->labels)) {
        return err_set(ERR_USAGE, "--from and --labels are options of `opjury bench buckets`");
    }
    campaign_keep_memory();
    TRY(subject->run(s, arena, found));
    return output_flush();
}

/* What another program or a folder of models gives is measured by `compare`. */
static enum err check_generator(const char *name, struct arena *arena)
{
    struct policy *policy;
    TRY(policy_load(name, arena, &policy));
    const struct generator *g = policy->generator;
    return g->is_outside || g->needs_seeds
               ? err_set(ERR_USAGE,
                         "bench makes its programs itself: generator '%s' is for `opjury compare`",
                         g->name)
               : ERR_OK;
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct bench_settings *s = settings;
    switch (key) {
    case COMMAND_ARGUMENT:
        if (s->subject != NULL) {
            return err_set(ERR_USAGE, "bench takes one SUBJECT, not also '%s'", value);
        }
        s->subject = value;
        return ERR_OK;
    case 'n':
        return parse_u64_range("--tests", value, 1, INT64_MAX, &s->tests);
    case 's':
        return parse_u64("--seed", value, &s->seed);
    case 't':
        texts_add(&s->targets, value, arena);
        return ERR_OK;
    case KEY_PYTHON:
        s->python = value;
        return ERR_OK;
    case KEY_POLICY:
        s->policy = value;
        return check_generator(value, arena);
    case KEY_TIME:
        return parse_duration("--time", value, &s->time);
    case KEY_JSON:
        s->json = true;
        return ERR_OK;
    case KEY_NODES:
        texts_add(&s->nodes, value, arena);
        return ERR_OK;
    case KEY_MODELS:
        return parse_u64_range("--models", value, 1, 1000000, &s->models);
    case KEY_SAMPLES:
        return parse_u64_range("--samples", value, 1, 1000, &s->samples);
    case KEY_SAVE:
        s->save = value;
        return ERR_OK;
    case KEY_LOAD:
        s->load = value;
        return ERR_OK;
    case KEY_PLOT:
        s->plot = value;
        return ERR_OK;
    case KEY_FROM:
        texts_add(&s->from, value, arena);
        return ERR_OK;
    case KEY_LABELS:
        s->labels = value;
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

static const struct argp_option options[] = {
    {"tests", 'n', "N", 0, "how many (the subject says)", 0},
    {"seed", 's', "S", 0, "of all chance (1)", 0},
    {"target", 't', "TARGET", 0, "measure this one; may be repeated (the subject says)", 0},
    {"time", KEY_TIME, "20s", 0, "campaign, compile, crash: how long each", 0},
    {"policy", KEY_POLICY, "P", 0, "of the programs: name or file (the subject says)", 0},
    {"python", KEY_PYTHON, "PATH", 0, "interpreter of the libraries, or its environment", 0},
    {"json", KEY_JSON, NULL, 0, "one line with one object", 0},
    {"nodes", KEY_NODES, "N", 0, "inputs: operators a program; may be repeated (5, 20, 40)", 0},
    {"models", KEY_MODELS, "M", 0, "inputs: programs of each size (200)", 0},
    {"samples", KEY_SAMPLES, "S", 0, "inputs: plain samples of each program (4)", 0},
    {"save", KEY_SAVE, "DIR", 0, "inputs: keep programs and samples in a new folder", 0},
    {"load", KEY_LOAD, "DIR", 0, "inputs: measure those of a folder again", 0},
    {"from", KEY_FROM, "DIR", 0,
     "buckets: those of this campaign; with --target its findings go into new buckets, and it may "
     "be repeated",
     0},
    {"labels", KEY_LABELS, "FILE", 0,
     "buckets: of its findings, lines `ID<tab>CAUSE'; with --target rules of causes", 0},
    {"plot", KEY_PLOT, "FILE", 0, "inputs: draw the figures (SVG)", 0},
    {0},
};

static const struct bench_settings defaults = {.seed = 1};

const struct command command_bench = {
    .name = "bench",
    .summary = "Measure again the figures that the documents quote",
    .arguments = "[SUBJECT]",
    .help = "Without SUBJECT, lists them. Exit status 1: a floor that the subject states "
            "was not reached.\n",
    .options = options,
    .settings_size = sizeof(struct bench_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_bench,
};
