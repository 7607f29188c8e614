/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury fuzz`: the main job. Options to a campaign; all else is campaign.c's.
 */
#include "cmd_fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A campaign without --time and --tests. */
static const double default_time = 60;

enum { KEY_FIXED = FUZZ_KEYS };

static const struct argp_option options[] = {
    FUZZ_OPTIONS,
    {"fixed", KEY_FIXED, NULL, 0, "keep the weights of ops whatever known bugs they find again", 0},
    {0},
};

static enum err set_seed(struct fuzz_settings *s, const char *value)
{
    if (strcmp(value, "random") != 0) {
        return parse_u64("--seed", value, &s->campaign.seed);
    }
    /* 32 bits: still a number that people can type again. */
    uint32_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        return err_set(ERR_IO, "no random seed to be had: %m; give a number");
    }
    s->campaign.seed = seed;
    return ERR_OK;
}

static enum err set_count(const char *name, const char *value, uint64_t lo, uint64_t hi,
                          uint32_t *result)
{
    uint64_t n;
    TRY(parse_u64_range(name, value, lo, hi, &n));
    *result = (uint32_t)n;
    return ERR_OK;
}

enum err fuzz_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct fuzz_settings *s = settings;
    struct campaign_options *c = &s->campaign;
    switch (key) {
    case 't':
        texts_add(&s->targets, value, arena);
        return ERR_OK;
    case KEY_TIME:
        s->has_limit = true;
        return parse_duration("--time", value, &c->time);
    case KEY_TESTS:
        s->has_limit = true;
        return parse_u64_range("--tests", value, 1, INT64_MAX, &c->tests);
    case 's':
        return set_seed(s, value);
    case KEY_NODES:
        return set_count("--nodes", value, 1, CAMPAIGN_NODES_MAX, &c->nodes);
    case KEY_POLICY:
        c->policy = value;
        return ERR_OK;
    case KEY_SEEDS:
        c->seeds = value;
        return ERR_OK;
    case KEY_GENERATOR:
        return generator_find(value, &c->generator);
    case KEY_KNOWN:
        c->known = value;
        return ERR_OK;
    case 'j':
        return set_count("--jobs", value, 1, CAMPAIGN_JOBS_MAX, &c->jobs);
    case 'o':
        c->out = value;
        return ERR_OK;
    case KEY_MAX_OPEN:
        return parse_max_open(value, &c->max_open);
    case KEY_ALL_FAILURES:
        c->all_failures = true;
        return ERR_OK;
    case KEY_JSON:
        c->json = true;
        return ERR_OK;
    case KEY_PYTHON:
        c->python = python_add(c->python, value, arena);
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

const struct campaign_options *fuzz_campaign(struct fuzz_settings *s)
{
    s->campaign.targets = s->targets.items;
    s->campaign.n_targets = s->targets.n;
    if (!s->has_limit) {
        s->campaign.time = default_time;
    }
    return &s->campaign;
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct fuzz_settings *s = settings;
    if (key == KEY_FIXED) {
        s->campaign.fixed = true;
        return ERR_OK;
    }
    return fuzz_option(key, value, settings, arena);
}

static enum err run_fuzz(void *settings, struct arena *arena, bool *found)
{
    return campaign_run(fuzz_campaign(settings), arena, found);
}

static const struct fuzz_settings defaults = FUZZ_DEFAULTS;

const struct command command_fuzz = {
    .name = "fuzz",
    .summary = "Generate tests, run them on every target, judge every run",
    .help =
        "Without --time and --tests it runs for a minute. The same command on the "
        "same --out DIR goes on where the last one stopped, was stopped (Ctrl-C) or "
        "was killed; --time (from when the libraries are open) and --tests are totals "
        "over all sittings. A campaign is its seed, targets, policy and generator: the "
        "same ones give the same tests with any number of --jobs, others need another DIR.\n"
        "\n"
        "From test 8192 on an op has half its weight where, of the failures with it in their "
        "failing part, at least 16, and four times as many as all others, are those of known "
        "bugs whose rules (--known) name it: each 4096 tests, by all that were complete 4096 "
        "tests before. These tests depend on what the libraries do; with --fixed none does, "
        "as in `opjury ci' and `opjury compare'.\n"
        "\n"
        "torch:compile, torch:jit, torch:export, torch:onnx, jax and jax:jit run only when a "
        "--target "
        "names them: they compile each test, which takes tens of milliseconds of CPU "
        "(torch:compile half a second) and a "
        "thousandth of that elsewhere. `opjury targets` lists their options, `opjury bench "
        "compile` measures torch:compile.\n"
        "\n"
        "A target with the word `any`, such as onnxruntime:any, draws the options that are not "
        "given "
        "for each test anew (`opjury targets` lists what it draws); of a finding's target those "
        "are "
        "left out first that it does not need.\n"
        "\n"
        "Targets that differ only in the interpreter behind @ are versions of one library: all get "
        "models of the oldest one's opset, and a failure is a finding only where an older version "
        "passes; of equal versions the one named first is the base. Other failures are counted as "
        "filtered: base-version (of the oldest), older-fails (it fails, too), older-untested. With "
        "--all-failures they are findings.\n"
        "\n"
        "Policies: default; clean (all values finite, where ranges can tell); "
        "nnsmith39 (39 ops that nnsmith has too, f32, for comparisons); or a file, "
        "described by `opjury gen --help`.\n"
        "\n"
        "Before a finding is shown it is run again in fresh processes, and the reduced program of "
        "a new bucket with another thread count and in the newest version of its library that "
        "is installed (in the environment of another target, or the default one). What that "
        "version does not show any more is listed last, and its reports say so.\n"
        "\n"
        "Findings are folders under DIR/findings; at the end the worst are listed, "
        "and `opjury show --out DIR` lists them again. "
        "Exit status: 0 nothing new found, 1 new findings, 2 trouble.\n"
        "\n"
        "Examples:\n"
        "  opjury fuzz --time 10m --jobs 4\n"
        "  opjury fuzz --target onnxruntime:opt=all --target torch --tests 5000\n"
        "  opjury fuzz --target onnxruntime:any --time 10m\n"
        "  opjury fuzz --target torch@old-env --target torch --out out/versions\n"
        "  opjury fuzz --target torch:compile --target torch --time 1h\n",
    .options = options,
    .settings_size = sizeof(struct fuzz_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_fuzz,
};
