/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of `opjury bench buckets`. */
#ifndef OPJURY_BENCH_BUCKETS_H
#define OPJURY_BENCH_BUCKETS_H

#include "bench.h"

/* A finding: its cause by what is known of it, and the bucket that triage put it in. */
struct labelled {
    const char *label, *bucket;
};

/* Findings of --tests ordinary tests on the targets --target; the rules in --labels name the cause
 * of each. What no rule knows is listed on stderr and left out. */
MUST_USE enum err label_found(const struct bench_settings *settings, struct arena *arena,
                              struct labelled **all, size_t *n);

#endif
