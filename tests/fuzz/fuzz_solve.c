/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The solver on small relations of arbitrary constraints: what it says must be what counting all
 * points of the box says, and once more when the same relation is solved again.
 */
#include <stdint.h>

#include "../unit/stated.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (!arena) {
        arena = arena_new();
    }
    arena_reset(arena);
    struct source from = {.data = data, .size = size};
    struct rng rng = rng_seeded((uint64_t)take(&from, 0, 255));
    struct relation *r = relation_new(arena);
    struct box box;
    struct stated stated[STATED_MAX];
    size_t n = pose_stated(&from, r, &box, stated);
    enum solve_result first = check_stated(r, &rng, &box, stated, n);
    CHECK(check_stated(r, &rng, &box, stated, n) == first);
    return 0;
}
