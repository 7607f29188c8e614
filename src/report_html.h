/* SPDX-License-Identifier: Apache-2.0 */
/* A campaign as one page. */
#ifndef OPJURY_REPORT_HTML_FILE_H
#define OPJURY_REPORT_HTML_FILE_H

#include "base/base.h"

/* Writes the campaign in `dir` as the page `path`. A finding whose folder is broken is on it with
 * what is wrong. */
MUST_USE enum err report_html(const char *dir, const char *path, struct arena *arena);

#endif
