/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random streams. xoshiro256** 1.0 and its seeding by splitmix64 as D. Blackman and S. Vigna
 * describe them ("Scrambled linear pseudorandom number generators", 2021). Integers and exact
 * binary fractions only: every machine draws the same.
 */
#include "base/base.h"

/* splitmix64's increment, 2^64 over the golden ratio, and its finaliser. */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static uint64_t scramble(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct rng rng_seeded(uint64_t seed)
{
    struct rng rng;
    for (int i = 0; i < 4; i++) {
        seed += GOLDEN;
        rng.s[i] = scramble(seed);
    }
    return rng;
}

struct rng rng_split(const struct rng *parent, uint64_t label)
{
    uint64_t seed = scramble(label + GOLDEN);
    for (int i = 0; i < 4; i++) {
        seed = scramble((seed ^ parent->s[i]) + GOLDEN);
    }
    return rng_seeded(seed);
}

uint64_t rng_below_again(struct rng *rng, uint64_t n, unsigned __int128 product)
{
    uint64_t reject = (0 - n) % n;
    while ((uint64_t)product < reject) {
        product = (unsigned __int128)rng_next(rng) * n;
    }
    return (uint64_t)(product >> 64);
}

int64_t rng_range(struct rng *rng, int64_t lo, int64_t hi)
{
    CHECK(lo <= hi);
    uint64_t count = (uint64_t)hi - (uint64_t)lo + 1; /* 0: all 2^64 */
    uint64_t offset = count ? rng_below(rng, count) : rng_next(rng);
    return (int64_t)((uint64_t)lo + offset);
}

double rng_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

static int bit_length(uint64_t x)
{
    return x ? 64 - __builtin_clzll(x) : 0;
}

int64_t rng_log_range(struct rng *rng, int64_t lo, int64_t hi)
{
    CHECK(0 <= lo && lo <= hi);
    int length = (int)rng_range(rng, bit_length((uint64_t)lo), bit_length((uint64_t)hi));
    if (length == 0) {
        return 0;
    }
    int64_t first = INT64_C(1) << (length - 1);
    int64_t last = first + (first - 1);
    return rng_range(rng, first > lo ? first : lo, last < hi ? last : hi);
}

size_t rng_weighted(struct rng *rng, const uint32_t *weights, size_t n)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += weights[i];
    }
    if (total == 0) {
        return n;
    }
    uint64_t drawn = rng_below(rng, total);
    size_t i = 0;
    while (drawn >= weights[i]) {
        drawn -= weights[i];
        i++;
    }
    return i;
}

void rng_shuffle(struct rng *rng, uint32_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)rng_below(rng, i);
        uint32_t other = items[j];
        items[j] = items[i - 1];
        items[i - 1] = other;
    }
}
