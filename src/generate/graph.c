/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs, op by op: which op, by the policy's weights, then a node of it with inputs among what is
 * there (choose.c, shape.c, commit.c). What does not fit is undone and something else tried.
 */
#include "generate/generate_internal.h"

static bool insert(struct maker *g)
{
    struct attempt a;
    uint32_t n_in, n_out;
    size_t place = rng_weighted(&g->rng, g->op_weight, op_count);
    CHECK(place < op_count);
    draw_counts(g, op_table[place], &n_in, &n_out);
    attempt_init(&a, op_table[place], n_in, n_out);
    return attempt_choose(g, &a) && attempt_make_somehow(g, &a);
}

static void add_outputs(struct maker *g)
{
    for (uint32_t id = 0; id < g->p->n_values; id++) {
        if (g->p->values[id].kind == VALUE_NODE &&
            (g->facts[id].uses == 0 || percent(g, g->policy->intermediate_percent))) {
            program_add_output(g->p, id);
        }
    }
}

static void weigh_ops(struct maker *g)
{
    for (size_t i = 0; i < op_count; i++) {
        dtype_set outs = 0;
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            outs |= g->support->pairs[i][d];
        }
        g->op_weight[i] = outs ? g->policy->op_weight[i] : 0;
    }
}

struct graph graph_make(const struct policy *policy, bool is_clean, struct rng rng,
                        struct arena *arena)
{
    /* No op of a policy that passed policy_check fails this often on new inputs. */
    enum { ATTEMPTS_MAX = 100000 };
    struct maker g = {.policy = policy,
                      .arena = arena,
                      .p = program_new(arena),
                      .r = relation_new(arena),
                      .rng = rng,
                      .is_clean = is_clean};
    g.support = percent(&g, policy->union_percent) ? &policy->any : &policy->all;
    g.may_be_empty = percent(&g, policy->empty_percent);
    g.special_kinds = special_kinds_draw(&g.rng);
    for (int rank = 0; rank <= RANK_MAX; rank++) {
        g.rank_limit = policy->rank_weight[rank] > 0 ? rank : g.rank_limit;
    }
    weigh_ops(&g);
    for (uint32_t n = 0; n < policy->nodes; n++) {
        uint32_t attempts = 0;
        while (!insert(&g)) {
            if (++attempts == ATTEMPTS_MAX) {
                BUG("policy %s: no op fits after %u attempts", policy->name, attempts);
            }
        }
    }
    add_outputs(&g);
    return (struct graph){.program = g.p, .facts = g.facts, .is_unproven = g.is_unproven};
}
