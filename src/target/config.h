/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the user's configuration, a YAML file that names environments of libraries and programs
 * to test. docs/configuration.md shows one. What it names is the user's own, and is run.
 */
#ifndef OPJURY_CONFIG_H
#define OPJURY_CONFIG_H

#include "target/target.h"

/* What stands behind @ in place of a path. */
struct environment {
    const char *name;
    const char *python; /* as given: an interpreter or a virtual environment; ~ and relative paths
                           are made absolute */
};

/* A program that reads model and inputs and writes outputs (docs/command.md). 0, NULL: not given.
 */
struct command_config {
    const char *name;
    const char **run; /* the words of its command line; none: `name`, with the three files */
    unsigned run_count;
    const char *version;
    unsigned opset; /* of the models that it reads */
    const char **dtypes;
    unsigned dtypes_count; /* 0: all */
    const char **ops;
    unsigned ops_count; /* 0: all */
    unsigned timeout;   /* seconds */
    unsigned memory;    /* MiB that each of its processes may have as data */
    unsigned output;    /* MiB that each of its files may have */
    bool flushes_subnormals;
    const char **sandbox; /* it is confined, and reads these besides */
    unsigned sandbox_count;
};

struct config {
    const char *path; /* NULL: there is none */
    struct environment *environments;
    unsigned environments_count;
    struct command_config *commands;
    unsigned commands_count;
};

/* The configuration of this process, read when it is first asked for: config_choose's file, else
 * $OPJURY_CONFIG, opjury.yaml in the current folder (which must be the user's own),
 * $XDG_CONFIG_HOME/opjury/config.yaml or ~/.config/opjury/config.yaml; empty when there is none. It
 * lives as long as the process. ERR_USAGE, ERR_IO: what is wrong with it, each time. */
MUST_USE enum err config_get(const struct config **config);
/* Are there no environments beside those that are given by path? ("none" in place of a file) */
bool config_is_none(void);
MUST_USE enum err config_parse(const char *path, const char *text, size_t size, struct arena *arena,
                               struct config **config);
const struct environment *config_environment(const struct config *config, const char *name);
const struct command_config *config_command(const struct config *config, const char *name);

#endif
