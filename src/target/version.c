/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version: which of two releases is the older. As PEP 440 has it, as far as libraries' versions go:
 * numbers by their value, 1.0.dev5 and 1.0rc1 before 1.0, 1.0.post1 behind it, a build's tag
 * (2.13.0+cpu) is no part of it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "target/target.h"

/* What stands behind the numbers, in its order; "" is the release itself, which 0 does not change;
 * a further number is beyond all of them. */
static const char *const stages[] = {"dev", "a", "b", "rc", "", "post"};
enum { STAGE_RELEASE = 4, STAGE_NUMBER = ARRAY_SIZE(stages) };

static size_t stage_of(const char *word, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
        if (strlen(stages[i]) == size && strncmp(stages[i], word, size) == 0) {
            return i;
        }
    }
    return STAGE_RELEASE;
}

/* Takes the next number off, its stage before it: "1", ".15", "rc1", ".dev5". At the end a 0 of the
 * release, so that 1.0 is 1. */
static void next_part(const char **text, size_t *stage, unsigned long *number)
{
    const char *at = *text;
    *stage = STAGE_RELEASE;
    *number = 0;
    at += strspn(at, ".-_");
    size_t size = 0;
    while (isalpha((unsigned char)at[size])) {
        size++;
    }
    if (size > 0) {
        *stage = stage_of(at, size);
        at += size;
    }
    if (isdigit((unsigned char)*at)) {
        char *end;
        *number = strtoul(at, &end, 10);
        *stage = size == 0 && *number > 0 ? STAGE_NUMBER : *stage;
        at = end;
    } else if (size == 0 && *at != '\0' && *at != '+') {
        at++; /* nothing that a version has */
    }
    *text = at;
}

int version_compare(const char *a, const char *b)
{
    while ((*a != '\0' && *a != '+') || (*b != '\0' && *b != '+')) {
        size_t stage_a, stage_b;
        unsigned long number_a, number_b;
        next_part(&a, &stage_a, &number_a);
        next_part(&b, &stage_b, &number_b);
        if (stage_a != stage_b) {
            return stage_a < stage_b ? -1 : 1;
        }
        if (number_a != number_b) {
            return number_a < number_b ? -1 : 1;
        }
    }
    return 0;
}
