/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about findings share: which campaign, which row. */
#ifndef OPJURY_CMD_FINDING_H
#define OPJURY_CMD_FINDING_H

#include "store/store.h"

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

#endif
