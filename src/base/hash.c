/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes: XXH3-64, inlined, so that the short keys of the hot path cost no call. */
#include "base/base.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

uint64_t hash_text(const char *text, uint64_t seed)
{
    return hash_bytes(text, strlen(text), seed);
}

uint64_t hash_mix(uint64_t a, uint64_t b)
{
    return XXH3_64bits_withSeed(&a, sizeof a, b);
}
