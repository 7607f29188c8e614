/* SPDX-License-Identifier: Apache-2.0 */
/* One test outside a campaign: run, judged, and what fails looked up and run again. */
#ifndef OPJURY_RUN_TEST_H
#define OPJURY_RUN_TEST_H

#include "report/report.h"

struct test_runner {
    struct target *const *targets;
    size_t n_targets;
    struct jury *jury; /* open, with nothing under way */
    const struct known_rules *known;
};
/*
 * The test on all targets. A failure that a rule knows is KNOWN, one that does not show again in
 * fresh workers FLAKY; the verdict's text says so. files: all that finding_write takes but for
 * culprit and failure; failures[n_targets]: what was a failure, with `rule` where a rule knows it;
 * `test` NULL where the target did not fail. Memory: the arena's.
 */
MUST_USE enum err run_test(const struct test_runner *r, const struct test *test,
                           struct arena *arena, struct finding_files *files,
                           struct failure **failures);

#endif
