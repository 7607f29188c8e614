/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of `opjury bench buckets`. */
#ifndef OPJURY_BENCH_BUCKETS_H
#define OPJURY_BENCH_BUCKETS_H

#include "bench.h"
#include "campaign_parts.h"

/* A finding: its cause by what is known of it, the bucket that triage put it in, and where it is,
 * for people ("out/7 finding 12", "test 5"). */
struct labelled {
    const char *label, *bucket, *place;
};

/* Runs the test on target t alone, and judges it: what triage_finding takes. Memory: `arena`. */
MUST_USE enum err bucket_trial(struct jury *jury, struct target *const *targets, size_t n, size_t t,
                               const struct test *test, struct arena *arena, struct trial *trial);

/* Findings on the targets --target: of --tests ordinary tests, or those of the campaigns --from, of
 * each the first --tests; the causes and buckets of each interpreter are its own. The rules in
 * --labels name the cause of each. What no rule knows is listed on stderr and left out. */
MUST_USE enum err label_found(const struct bench_settings *settings, struct arena *arena,
                              struct labelled **all, size_t *n);

#endif
