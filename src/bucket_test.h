/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reduced tests of a bucket, from the folders of its findings: what choose_bucket_key asks for
 * where tests decide.
 */
#ifndef OPJURY_BUCKET_TEST_H
#define OPJURY_BUCKET_TEST_H

#include "store/store.h"
#include "triage/triage.h"

struct bucket_tests {
    struct store *store;
    const char *dir; /* of the campaign */
    uint64_t except; /* a finding that is no evidence: it is looking for its bucket; 0: none */
};
/* older_buckets.tests_of; `context`: a struct bucket_tests. Folders that people have changed are
 * none. */
MUST_USE enum err bucket_tests_read(void *context, const char *key, struct arena *arena,
                                    const struct test ***tests, size_t *n);

#endif
