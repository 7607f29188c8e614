/* SPDX-License-Identifier: Apache-2.0 */
/* What the forms of a check's result share. */
#include "report/ci.h"

const char *const standing_names[STANDING_COUNT] = {
#define STANDING_TEXT(name, text) [STANDING_##name] = text,
    STANDING_MAP(STANDING_TEXT)
#undef STANDING_TEXT
};
