/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of a campaign hold: its programs are made again (they depend on seed, index and
 * policy alone) and what is distinct in them counted.
 */
#include "compare.h"

#include <string.h>

struct seen {
    bool *ops;   /* [op] */
    bool *typed; /* [op][dtype][rank] */
    bool *pairs; /* [op][op] */
    struct variety variety;
};

static void see(struct seen *seen, enum variety_kind kind, bool *entry)
{
    seen->variety.n[kind] += !*entry;
    *entry = true;
}

static void see_node(struct seen *seen, const struct program *p, const struct node *node)
{
    size_t op = op_index(node->op);
    const struct value *first = &p->values[node->in[0]];
    size_t rank = (size_t)first->shape.rank;
    see(seen, VARIETY_OPS, &seen->ops[op]);
    see(seen, VARIETY_TYPED,
        &seen->typed[(op * DTYPE_COUNT + first->dtype) * (RANK_MAX + 1) + rank]);
    for (uint32_t k = 0; k < node->n_in; k++) {
        const struct value *v = node->in[k] == VALUE_ABSENT ? NULL : &p->values[node->in[k]];
        if (v != NULL && v->kind == VALUE_NODE) {
            see(seen, VARIETY_PAIRS, &seen->pairs[op_index(p->nodes[v->node].op) * op_count + op]);
        }
    }
}

static enum err read_key(const char *dir, struct arena *arena, struct campaign_key *key)
{
    struct store *store;
    bool bound = false;
    TRY(store_open(dir, false, &store));
    enum err err = store_key(store, arena, key, &bound);
    store_close(store);
    TRY(err);
    return bound ? ERR_OK
                 : err_set(ERR_STORE, "%s/campaign.db does not say of which seed and policy it is",
                           dir);
}

static enum err see_tests(const struct policy *policy, uint64_t seed, struct compare_row *row,
                          struct seen *seen)
{
    struct arena *one = arena_new();
    size_t point = 0;
    enum err err = ERR_OK;
    for (uint64_t i = 0; err == ERR_OK; i++) {
        while (point < row->progress.n && row->progress.points[point].tests == i) {
            row->at[point++] = seen->variety;
        }
        if (i == row->counts.tests) {
            break;
        }
        struct test test;
        arena_reset(one);
        err = generate_any_test(policy, seed, i, MATERIALIZE_NONE, one, &test);
        for (uint32_t k = 0; err == ERR_OK && k < test.program->n_nodes; k++) {
            see_node(seen, test.program, &test.program->nodes[k]);
        }
    }
    arena_free(one);
    return err;
}

enum err compare_count(struct compare_row *row, struct arena *arena)
{
    struct campaign_key key;
    struct policy *policy;
    TRY(read_key(row->dir, arena, &key));
    TRY(generator_open_again(row->dir, key.policy, key.policy_hash, arena, &policy));
    struct seen seen = {
        .ops = ARENA_ZARRAY(arena, bool, op_count),
        .typed = ARENA_ZARRAY(arena, bool, op_count *DTYPE_COUNT *(RANK_MAX + 1)),
        .pairs = ARENA_ZARRAY(arena, bool, op_count *op_count),
    };
    enum err err = see_tests(policy, key.seed, row, &seen);
    row->n_left_out = generator_left_out(policy);
    generator_close(policy);
    row->variety = seen.variety;
    return err;
}

double compare_validity(const struct compare_row *row)
{
    const struct counts *c = &row->counts;
    uint64_t refused = c->verdicts.n[VERDICT_UNSUPPORTED];
    return c->runs > 0 ? (double)(c->runs - refused) / (double)c->runs : 0;
}

/* Bit k: rows[k] has the bucket. */
static unsigned owners(const struct compare_row *rows, size_t n, const char *key)
{
    unsigned set = 0;
    for (size_t k = 0; k < n; k++) {
        for (size_t b = 0; b < rows[k].n_buckets; b++) {
            set |= (unsigned)(strcmp(rows[k].buckets[b], key) == 0) << k;
        }
    }
    return set;
}

uint64_t compare_shared(const struct compare_row *rows, size_t n, unsigned set)
{
    uint64_t shared = 0;
    size_t first = 0;
    while (first < n && !(set >> first & 1)) {
        first++;
    }
    for (size_t b = 0; first < n && b < rows[first].n_buckets; b++) {
        shared += owners(rows, n, rows[first].buckets[b]) == set;
    }
    return shared;
}
