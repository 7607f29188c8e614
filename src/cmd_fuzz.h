/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `opjury fuzz`, for every command that runs a campaign. */
#ifndef OPJURY_CMD_FUZZ_H
#define OPJURY_CMD_FUZZ_H

#include "campaign.h"
#include "command.h"

/* A command's own keys are from FUZZ_KEYS on. */
enum {
    KEY_NODES = COMMAND_KEYS,
    KEY_POLICY,
    KEY_GENERATOR,
    KEY_SEEDS,
    KEY_KNOWN,
    KEY_OUT,
    KEY_JSON,
    KEY_PYTHON,
    KEY_TESTS,
    KEY_TIME,
    KEY_MAX_OPEN,
    KEY_ALL_FAILURES,
    FUZZ_KEYS,
};

struct fuzz_settings {
    struct campaign_options campaign;
    struct texts targets;
    bool has_limit;
};
#define FUZZ_DEFAULTS                                                                              \
    {                                                                                              \
        .campaign = {.seed = 1, .jobs = 1, .max_open = MAX_OPEN }                                  \
    }

#define FUZZ_OPTIONS                                                                                \
    {"target", 't', "TARGET", 0, "run on this one; may be repeated (all installed)", 0},            \
        {"time", KEY_TIME, "60s", 0, "stop after this time in total", 0},                           \
        {"tests", KEY_TESTS, "N", 0, "stop after this many tests in total", 0},                     \
        {"seed", 's', "S", 0, "of all chance; a number or `random' (1)", 0},                        \
        {"nodes", KEY_NODES, "K", 0, "operators a program (the policy says)", 0},                   \
        {"policy", KEY_POLICY, "P", 0, "default, clean, nnsmith39 or a file (default)", 0},         \
        {"generator",                                                                               \
         KEY_GENERATOR,                                                                             \
         "G",                                                                                       \
         0,                                                                                         \
         "opjury, or a baseline: mutate, random, nnsmith (the policy says)",                        \
         0},                                                                                        \
        {"seeds", KEY_SEEDS, "DIR", 0, "models that mutate starts from: .onnx, .txt (the build's)", \
         0},                                                                                        \
        {"known", KEY_KNOWN, "FILE", 0, "rules of known bugs, or `none' (the shipped ones)", 0},    \
        {"jobs", 'j', "J", 0, "engine processes (1)", 0},                                           \
        {"out", 'o', "DIR", 0, "the campaign's folder (a new one under out/)", 0},                  \
        MAX_OPEN_OPTION(KEY_MAX_OPEN),                                                              \
        {"all-failures",                                                                            \
         KEY_ALL_FAILURES,                                                                          \
         NULL,                                                                                      \
         0,                                                                                         \
         "of several versions of a library not only what an older one passes",                      \
         0},                                                                                        \
        {"json", KEY_JSON, NULL, 0, "one line with one object on stdout", 0},                       \
        {"python", KEY_PYTHON, "PATH", 0, PYTHON_HELP, 0}

/* One of these options, or an argument, into the settings. */
MUST_USE enum err fuzz_option(int key, const char *value, void *settings, struct arena *arena);
/* The campaign that all options together mean; part of the settings. */
const struct campaign_options *fuzz_campaign(struct fuzz_settings *settings);

#endif
