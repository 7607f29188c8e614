/* SPDX-License-Identifier: Apache-2.0 */
/* A campaign as one page. */
#ifndef OPJURY_REPORT_HTML_FILE_H
#define OPJURY_REPORT_HTML_FILE_H

#include "base/base.h"

struct report_blame {
    const char *python; /* as finding_target takes it */
};

/* Writes the campaign in `dir` as the page `path`. A finding whose folder is broken is on it with
 * what is wrong. max_open: as buckets_offer has it; what waits is behind a click. blame: NULL, or
 * find out what is to blame for those that are seen at once, where nobody has. */
MUST_USE enum err report_html(const char *dir, const char *path, uint64_t max_open,
                              const struct report_blame *blame, struct arena *arena);

#endif
