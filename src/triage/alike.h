/* SPDX-License-Identifier: Apache-2.0 */
/* Is what the same ops fail with one failure, though the library says it in other words? Asked by
 * the choice of a bucket. */
#ifndef OPJURY_ALIKE_H
#define OPJURY_ALIKE_H

#include "triage/triage.h"

/* Of a refusal or a crash: they differ in one word of many, or in one function of the way to the
 * crash. */
bool signatures_alike(const char *a, const char *b);
/* The optimizers of the failure's target without one of which its test passes there; none of a
 * target that has no such options. */
MUST_USE enum err optimizers_behind(struct jury *jury, const struct failure *f, struct arena *arena,
                                    struct texts *names);
/* *same: `older` fails on the failure's target too, passes there without one of these, and the one
 * program is told to the library in ops that the other has, too. Wrong numbers are compared with
 * wrong numbers of that signature alone, crashes with crashes. */
MUST_USE enum err shares_optimizer(struct jury *jury, const struct failure *f,
                                   const struct texts *names, const struct test *older,
                                   struct arena *arena, bool *same);

#endif
