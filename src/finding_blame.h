/* SPDX-License-Identifier: Apache-2.0 */
/* Blame of a finding's folder: for who asks for it, and for who needs what it says. */
#ifndef OPJURY_FINDING_BLAME_H
#define OPJURY_FINDING_BLAME_H

#include "triage/triage.h"

/* What is asked about. */
struct blame_claim {
    const char *folder;
    struct target *target;
    struct test *test;
    struct failure failure;
};
/* target: as a campaign has it, with its interpreter; NULL: what the folder says. python: as
 * finding_target takes it. The folder's variables are the caller's to set. ERR_MISSING, ERR_INPUT,
 * ERR_USAGE. */
MUST_USE enum err blame_claim_read(const char *folder, const char *target, const char *python,
                                   struct arena *arena, struct blame_claim *claim);
/* What an earlier run tried before it was stopped; NULL: there was none, or it came to its end
 * (*is_whole). */
const struct blame *blame_earlier(const char *folder, struct arena *arena, bool *is_whole);
/* Makes the folder's blame.json, unless there is a whole one; target and python as above. What
 * keeps it from that (the library is not there, the failure does not show any more) is a warning:
 * who asks can do without. ERR_STOPPED: by the user; what was tried is kept. */
MUST_USE enum err blame_if_missing(const char *folder, const char *target, const char *python,
                                   struct arena *arena);

#endif
