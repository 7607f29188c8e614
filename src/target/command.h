/* SPDX-License-Identifier: Apache-2.0 */
/* command: a program of the user's as a target; command.c knows what it is, command_run.c runs it.
 */
#ifndef OPJURY_TARGET_COMMAND_H
#define OPJURY_TARGET_COMMAND_H

#include "target/target.h"

/* The exit status by which a program says that it lacks something (Automake's of a skipped test).
 */
enum { COMMAND_UNSUPPORTED = 77 };

struct command_target {
    const char *const *words; /* of its command line, NULL at the end; the first is a path */
    size_t n_words;
    dtype_set dtypes;         /* that it takes */
    const bool *ops;          /* by op_index; NULL: all */
    double timeout;           /* seconds */
    uint64_t memory;          /* bytes of data that each of its processes may have */
    uint64_t output;          /* bytes that each of its files may have */
    const char *const *reads; /* paths besides its own and the system's; NULL: it is not confined */
    size_t n_reads;
};

/* As target_kind.run. */
MUST_USE enum err command_target_run(const struct target *t, const struct test *test,
                                     struct arena *arena, struct outcome *o);

#endif
