/* SPDX-License-Identifier: Apache-2.0 */
/* spell_fixture: programs from their text. */
#ifndef OPJURY_TESTS_SPELL_FIXTURE_H
#define OPJURY_TESTS_SPELL_FIXTURE_H

#include <string.h>

#include "unit.h"

static inline struct program *parse(struct arena *arena, const char *text)
{
    struct program *p = NULL;
    enum err err = program_parse("test", text, strlen(text), arena, &p);
    err = err == ERR_OK ? ops_check(p) : err;
    if (err != ERR_OK) {
        print_error("%s\n%s\n", text, err_text());
        fail();
    }
    return p;
}

#endif
