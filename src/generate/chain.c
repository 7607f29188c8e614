/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generators that learn from what they made before. A chain is the tests of one of the store's
 * blocks, which an engine makes in their order: a test is made by what the tests before it in its
 * chain hold, never by how they ran, so that it stays a function of seed, index and policy, the
 * same in any order and with any number of engines. What was learnt so far is remembered beside the
 * policy: it spares making a chain's first tests again for each of the others, and changes nothing
 * else.
 */
#include "generate/generate_internal.h"
#include "store/store.h"

_Static_assert((int)CHAIN_TESTS == (int)BLOCK_TESTS, "an engine makes a chain's tests in order");

struct chain {
    struct arena *parent;         /* of the policy: the parent of the other two */
    struct arena *arena, *recent; /* of the state; of the last graph */
    uint64_t key, first;          /* of seed and policy; the chain's first index */
    uint64_t n;                   /* tests that were learnt from */
    void *state;                  /* NULL: none yet */
    struct graph last;            /* of test first + n, without facts; program NULL: not made yet */
};

struct chain *chain_new(struct arena *arena)
{
    struct chain *chain = ARENA_ZARRAY(arena, struct chain, 1);
    chain->parent = arena;
    return chain;
}

static void begin(struct chain *chain, const struct policy *policy, uint64_t key, uint64_t first)
{
    if (chain->arena == NULL) {
        chain->arena = arena_child(chain->parent);
        chain->recent = arena_child(chain->parent);
    }
    arena_reset(chain->arena);
    chain->key = key;
    chain->first = first;
    chain->n = 0;
    chain->last.program = NULL;
    chain->state = policy->generator->learner->begin(policy, chain->arena);
}

/* Test first + n. */
static struct graph make(struct chain *chain, const struct policy *policy, struct arena *arena)
{
    struct rng root = rng_seeded(hash_mix(chain->key, chain->first + chain->n));
    struct graph graph = policy->generator->learner->make(
        chain->state, policy, rng_split(&root, STREAM_STRUCTURE), arena);
    arena_reset(chain->recent);
    chain->last = graph;
    chain->last.facts = NULL;
    chain->last.program = program_clone(graph.program, chain->recent);
    return graph;
}

static void learn(struct chain *chain, const struct policy *policy, struct arena *arena)
{
    if (chain->last.program == NULL) {
        struct arena_mark mark = arena_mark(arena);
        make(chain, policy, arena);
        arena_rewind(arena, mark);
    }
    policy->generator->learner->learn(chain->state, &chain->last, chain->arena);
    chain->last.program = NULL;
    chain->n++;
}

struct graph chain_make(const struct policy *policy, uint64_t key, uint64_t index,
                        struct arena *arena)
{
    struct chain *chain = policy->chain;
    uint64_t first = index - index % CHAIN_TESTS;
    CHECK(chain != NULL);
    if (chain->state == NULL || chain->key != key || chain->first != first ||
        first + chain->n > index) {
        begin(chain, policy, key, first);
    }
    while (first + chain->n < index) {
        learn(chain, policy, arena);
    }
    return make(chain, policy, arena);
}
