/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: what a sub-command of the program is, and helpers that commands share. A command is one
 * `const struct command` in one file src/cmd_NAME.c, a line in main.c's table and a line in
 * src/meson.build. main.c parses the options, prints help and errors and makes the exit status;
 * no command calls exit or prints an error itself.
 */
#ifndef OPJURY_COMMAND_H
#define OPJURY_COMMAND_H

#include <argp.h>

#include "store/store.h"

/* The program's exit status. */
enum { EXIT_NOTHING_FOUND = 0, EXIT_FOUND = 1, EXIT_TROUBLE = 2 };

/* What `option` gets as key for an argument that is not an option. Options without a letter have
 * keys from COMMAND_KEYS on. */
enum { COMMAND_ARGUMENT = 0x100, COMMAND_KEYS };

struct command {
    const char *name;
    const char *summary;   /* one line for `opjury --help` */
    const char *arguments; /* usage behind the options, "FILE|DIR...", NULL: none are taken */
    const char *help;      /* what it does, and examples; lines of at most 78 columns */
    const struct argp_option *options; /* ends with {0}; --help is added; NULL: none */
    size_t settings_size;
    const void *defaults; /* settings_size bytes to start from; NULL: zeros */
    /* One option or argument (key COMMAND_ARGUMENT) into the settings. value lives as long as the
     * process; NULL when the option takes none. NULL function: the command has no options. */
    enum err (*option)(int key, const char *value, void *settings, struct arena *arena);
    /* Do it. *found: new findings, exit status 1. An error is printed by main.c: exit status 2. */
    enum err (*run)(void *settings, struct arena *arena, bool *found);
};

extern const struct command command_bench, command_blame, command_ci, command_compare, command_fuzz,
    command_gen, command_known, command_mark, command_matrix, command_reduce, command_report,
    command_run, command_show, command_targets, command_verify;

/* Readers of option values; `what` names the option in the message ("--seed"). ERR_USAGE. */
MUST_USE enum err parse_u64(const char *what, const char *text, uint64_t *value); /* 10, 0x1f */
MUST_USE enum err parse_u64_range(const char *what, const char *text, uint64_t lo, uint64_t hi,
                                  uint64_t *value);
MUST_USE enum err parse_id(const char *text, uint64_t *id); /* of a finding, from 1 */
MUST_USE enum err parse_duration(const char *what, const char *text,
                                 double *seconds); /* 90, 60s, 10m, 2h, 1d, 0.5s */
MUST_USE enum err parse_size(const char *what, const char *text,
                             uint64_t *bytes); /* 4096, 64k, 2M, 1G: powers of 1024 */

/* The limit of buckets_offer, for every command that lists buckets. */
#define MAX_OPEN_OPTION(key)                                                                       \
    {"max-open",                                                                                   \
     key,                                                                                          \
     "N",                                                                                          \
     0,                                                                                            \
     "of each library list new ones while at most N are open, reported ones counted; 0: all "      \
     "(" STRINGIFY(MAX_OPEN) ")",                                                                  \
     0}
MUST_USE enum err parse_max_open(const char *text, uint64_t *max_open);

/* --python of commands that take several, as target_parse wants them. */
#define PYTHON_HELP                                                                                \
    "interpreter of the libraries, or its environment; may be repeated (see `opjury targets "      \
    "--help`)"
const char *python_add(const char *given, const char *more, struct arena *arena);

/* How far something is, for what may take long: a line on the terminal (nothing elsewhere) that
 * comes after 2 s, is written over, and is gone at the end. */
struct live_line {
    const char *what; /* "buckets" */
    double begin, last;
    bool is_terminal;
};
struct live_line live_line_begin(const char *what);
/* all 0: nobody knows how many. */
void live_line_show(struct live_line *line, size_t done, size_t all);
void live_line_end(struct live_line *line);

/* May colour be used on this descriptor? (a terminal that is not "dumb", and no $NO_COLOR) */
bool colour_wanted(int fd);
/* Flushes stdout: ERR_IO when what was printed could not be written; ERR_CLOSED when whoever read
 * it has gone, which ends a command early and is nothing to complain of. */
MUST_USE enum err output_flush(void);

#endif
