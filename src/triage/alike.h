/* SPDX-License-Identifier: Apache-2.0 */
/* Is what the same ops fail with one failure, though the library says it in other words? Asked by
 * the choice of a bucket. */
#ifndef OPJURY_ALIKE_H
#define OPJURY_ALIKE_H

#include "triage/triage.h"

/* Of a refusal or a crash: they differ in one word of many, or in one function of the way to the
 * crash. */
bool signatures_alike(const char *a, const char *b);
/* May an optimizer be asked for? Not of wrong numbers: one may make them in several ways. */
bool may_share_optimizer(const struct failure *f);
/* *same: `older` fails on the failure's target too, by no wrong number, and both pass there without
 * one and the same optimizer. */
MUST_USE enum err share_optimizer(struct jury *jury, const struct failure *f,
                                  const struct test *older, struct arena *arena, bool *same);

#endif
