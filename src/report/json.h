/* SPDX-License-Identifier: Apache-2.0 */
/* What everybody needs who writes JSON of texts that a library, a file or a data base gave. */
#ifndef OPJURY_REPORT_JSON_H
#define OPJURY_REPORT_JSON_H

#include <jansson.h>

#include "base/base.h"

/* A JSON string of any bytes: what is no UTF-8 becomes '?'. NULL becomes null. */
json_t *json_text(const char *text);
json_t *json_texts(const struct texts *texts); /* a list of them */

#endif
