/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what people and programs read of a finding or a campaign.
 */
#ifndef OPJURY_REPORT_H
#define OPJURY_REPORT_H

#include "triage/triage.h"

/*
 * A finding as a folder: program.txt (for people, with small inputs), model.onnx (where it has that
 * form), inputs.npz, expected.npz (expected, bound and actual of each output), repro.py,
 * environment.json, verdict.txt (the table), verdict.json; original.txt and original.npz as found,
 * when it was reduced; inputs_before.npz (and original_before.npz) of shapes that a session ran
 * before these.
 */
struct finding_files {
    const char *title;                  /* NULL: finding_title makes it */
    const struct test *test, *original; /* reduced, and as found */
    struct target *const *targets;      /* all of the jury: the verdict table */
    const struct outcome *outcomes;
    const struct verdict *verdicts;
    size_t n_targets;
    size_t culprit; /* index of the failing target */
    struct reference *reference;
    const struct failure *failure;
    const struct reduction *reduction;   /* NULL: not reduced */
    const struct recheck_try *elsewhere; /* other configurations that it was run in */
    size_t n_elsewhere;
};
/* "onnxruntime 1.31.1: relu(f64) -> clip(f64): load fails with "..." at opt=all; opt=none passes"
 */
const char *finding_title(const struct finding_files *f, struct arena *arena);
/* Where a finding lies in its campaign's folder: findings/ID-LIBRARY-ORACLE. */
const char *finding_folder(uint64_t id, const char *target, const char *oracle,
                           struct arena *arena);
MUST_USE enum err finding_write(const char *folder, const struct finding_files *f);
/* A test alone, for `opjury run FOLDER/program.txt`; `why` is the first line of program.txt. */
MUST_USE enum err test_write(const char *folder, const char *why, const struct test *test);
/*
 * The test of a finding's folder again: `name` is "program" or "original" (what was found, when the
 * folder holds a reduced form). ERR_MISSING when there is no such file. Memory: the arena's.
 */
MUST_USE enum err finding_read(const char *folder, const char *name, struct arena *arena,
                               struct test **test);
/* Labels of all targets in the folder's verdict table, in its order. */
MUST_USE enum err finding_targets(const char *folder, struct arena *arena,
                                  const char *const **labels, size_t *n);
/* What the folder's verdict.json says of the failing run. Texts are never NULL; memory: the
 * arena's. */
struct finding_claim {
    const char *target; /* without a path */
    const char *oracle, *signature;
};
MUST_USE enum err finding_claim_read(const char *folder, struct arena *arena,
                                     struct finding_claim *claim);
/* May a folder hold this variable of the environment? Only those by which numeric libraries choose
 * kernels, threads and memory, without paths: a folder goes to others, and what others put into one
 * must not choose what is loaded. */
bool environment_allows(const char *name, const char *value);
/* Environment variables that the finding needs (a processor without AMX, say), "NAME=VALUE", from
 * "variables" of environment.json. Those that are not allowed are left out with a warning. */
MUST_USE enum err finding_variables(const char *folder, struct arena *arena,
                                    struct texts *variables);
/* For this process and all that it starts; before: what variables_restore makes of it again. */
void variables_set(const struct texts *variables, struct arena *arena, struct texts *before);
void variables_restore(const struct texts *before, struct arena *arena);
/* Both, for good. */
MUST_USE enum err finding_set_variables(const char *folder, struct arena *arena);
/* blame.json of a finding's folder: component, text, version, tried, first_bad, last_good, complete
 * (false: it was stopped); as one line too, which is the caller's. ERR_MISSING, ERR_INPUT. */
MUST_USE enum err blame_write(const char *folder, const struct blame *blame);
char *blame_line(const struct blame *blame);
MUST_USE enum err blame_read(const char *folder, struct arena *arena, struct blame *blame);
/* The verdict table in text: target, verdict, worst element with expected / actual / bound. */
void verdict_table_print(const struct finding_files *f, bool colour, struct buffer *out);

#endif
