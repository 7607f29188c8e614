/* SPDX-License-Identifier: Apache-2.0 */
/* Do two ops fail by one cause? Asked by the choice of a bucket. */
#ifndef OPJURY_EXCHANGE_H
#define OPJURY_EXCHANGE_H

#include "triage/cause_internal.h"

struct exchange {
    struct jury *jury;
    /* Of the first, with the verdict of its test; the other has its signature. */
    const struct failure *failure;
    struct arena *arena;
};
/* Is the test of one op alone? Only such are asked of. */
bool can_exchange(const struct test *test);
/* *same: each op fails with what the other fails with, and not with what is ordinary; or both give
 * the same wrong numbers. Both fail by a wrong value, or by a wrong shape. */
MUST_USE enum err exchange_fails_alike(const struct exchange *x, const struct test *a,
                                       const struct test *b, bool *same);

#endif
