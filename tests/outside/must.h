/* SPDX-License-Identifier: Apache-2.0 */
/* Tools end where what they stand on fails. */
#ifndef OPJURY_MUST_H
#define OPJURY_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

static inline void must(enum err err)
{
    if (err != ERR_OK) {
        fprintf(stderr, "%s\n", err_text());
        exit(2);
    }
}

#endif
