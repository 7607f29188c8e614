/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about findings share: which campaign, which row. */
#ifndef OPJURY_CMD_FINDING_H
#define OPJURY_CMD_FINDING_H

#include "store/store.h"
#include "target/target.h"

/* `out` when given, else the campaign under out/ with the highest number. ERR_MISSING. */
MUST_USE enum err findings_folder(const char *out, struct arena *arena, const char **dir);
/* Where an ID or a folder may stand: is it an ID? */
bool finding_is_id(const char *text);
/* The row with this id. ERR_USAGE names how many there are. */
MUST_USE enum err findings_row(struct store *store, const char *dir, uint64_t id,
                               struct arena *arena, struct finding_row *row);
/* The bucket of that finding. ERR_USAGE as findings_row. */
MUST_USE enum err findings_bucket(struct store *store, const char *dir, uint64_t id,
                                  struct arena *arena, struct bucket_row *bucket);
/* The target that a finding's folder or a campaign names, on the interpreter `python` (NULL: found
 * as target_parse says). One behind its @ is not run because a folder says so, which may be a
 * stranger's: ERR_USAGE says how the user does; `python` takes its place. A name of the
 * configuration is the user's own. */
MUST_USE enum err finding_target(const char *text, const char *python, struct arena *arena,
                                 struct target **target);

#endif
