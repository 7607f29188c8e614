/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix: op x dtype x target. Each cell is judged by tests of one op; their dtype is that of the
 * op's first input, or of its output where all its first inputs have one dtype (the condition of
 * where). What a team with a new backend works down, and what its CI holds.
 */
#ifndef OPJURY_MATRIX_H
#define OPJURY_MATRIX_H

#include "campaign.h"
#include "run_test.h"

/* The worst that its tests showed, of two the later. */
#define CELL_MAP(X)                                                                                \
    X(UNTESTED, "untested")       /* no test of it could be judged */                              \
    X(UNSUPPORTED, "unsupported") /* the target takes none of its tests */                         \
    X(PASS, "pass")                                                                                \
    X(WRONG, "wrong") /* fails, again and again */

enum cell_status {
#define CELL_ENUM(name, text) CELL_##name,
    CELL_MAP(CELL_ENUM)
#undef CELL_ENUM
        CELL_STATUS_COUNT,
};
extern const char *const cell_names[CELL_STATUS_COUNT];

struct cell {
    enum cell_status status;
    bool is_known;    /* WRONG: all that fails is known; id is the rule's */
    const char *id;   /* WRONG: of the rule, or the folder with the first finding; "" for none */
    const char *text; /* WRONG: what is wrong */
    /* Its tests by verdict; those that fail, which are numbered from 0. */
    uint32_t n[VERDICT_COUNT];
    uint64_t failing;
};

enum { MATRIX_TESTS_MAX = 64 };
struct matrix_options {
    struct target *const *targets;
    size_t n_targets;
    const struct texts *ops; /* names; none: all */
    const char *out;         /* folder for findings; NULL: none is written */
    const char *known;       /* as known_load takes it */
    uint64_t seed;
    uint32_t tests; /* of a cell, at most MATRIX_TESTS_MAX */
};
struct matrix {
    struct target *const *targets;
    size_t n_targets;
    const char *const *labels, *const *versions; /* of the targets */
    bool is_whole;                               /* false: it was stopped; the rest is untested */
    bool exists[OP_WEIGHTS_MAX][DTYPE_COUNT];    /* the op takes the dtype */
    struct cell *cells;                          /* matrix_cell */
};
struct cell *matrix_cell(const struct matrix *m, size_t op, enum dtype d, size_t target);
/* Runs all of it. Memory: the arena's. Ctrl-C ends it early. ERR_USAGE: no such op. */
MUST_USE enum err matrix_run(const struct matrix_options *options, struct arena *arena,
                             struct matrix **result);

/* ---- files ---- */

/* op,dtype,target,status,id,tests,text: a line a cell, RFC 4180. */
MUST_USE enum err matrix_write_csv(const struct matrix *m, const char *path);
/* A table a target, for a browser. */
MUST_USE enum err matrix_write_html(const struct matrix *m, const char *path);

/* What was expected: a CSV as it is written here, of which lines may be missing and the columns
 * behind status are not read. */
struct expected_cell {
    const char *op, *dtype, *target;
    enum cell_status status;
};
MUST_USE enum err matrix_read_expected(const char *path, struct arena *arena,
                                       struct expected_cell **cells, size_t *n);

#endif
