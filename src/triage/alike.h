/* SPDX-License-Identifier: Apache-2.0 */
/* Is what the same ops fail with one failure, though the library says it in other words? Asked by
 * the choice of a bucket. */
#ifndef OPJURY_ALIKE_H
#define OPJURY_ALIKE_H

#include "triage/triage.h"

/* Of a refusal or a crash: they differ in one word of many, or in one function of the way to the
 * crash. */
bool signatures_alike(const char *a, const char *b);
/* What fails with these signatures, which are alike: is the library told both in the same ops, as
 * relu6 in its Clip? Of crashes in the same functions one op in both is enough. Not of targets that
 * are told no ONNX. */
struct worded {
    const struct test *test;
    const char *signature;
};
MUST_USE enum err told_alike(const struct target *t, const struct worded *a, const struct worded *b,
                             struct arena *arena, bool *same);
/* What may be an optimizer's doing. */
struct fused {
    struct texts optimizers; /* without one of which the failure's test passes on its target */
    struct texts types;      /* the ops that the library is told it in */
};
/* No optimizers of a target that has no such options, or where none is to blame. */
MUST_USE enum err optimizers_behind(struct jury *jury, const struct failure *f, struct arena *arena,
                                    struct fused *fused);
/* *same: `older` fails on the failure's target too, passes there without one of these, and the one
 * program is told to the library in ops that the other has, too. Wrong numbers are compared with
 * wrong numbers of that signature alone, crashes with crashes. */
MUST_USE enum err shares_optimizer(struct jury *jury, const struct failure *f,
                                   const struct fused *fused, const struct test *older,
                                   struct arena *arena, bool *same);

#endif
