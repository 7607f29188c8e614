/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs, op by op: which op, by the policy's weights, then a node of it with inputs among what is
 * there (choose.c, shape.c, commit.c), or with an output that is there as an input or constant
 * (backward.c). What does not fit is undone and something else tried.
 */
#include <string.h>

#include "generate/motif.h"

/* Output 0 or another is to be what was an input or a constant; false: none fits. */
static bool give_placeholder(struct maker *g, struct attempt *a)
{
    uint32_t o = (uint32_t)rng_below(&g->rng, a->n_out);
    uint32_t target = pick_placeholder(g, a, o);
    return target != VALUE_NEW && attempt_give_output(g, a, o, target);
}

size_t draw_op(struct maker *g)
{
    uint64_t drawn = rng_below(&g->rng, g->weight_up_to[op_count - 1]);
    size_t lo = 0, hi = op_count - 1; /* the first place whose sum is beyond it lies in lo..hi */
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (g->weight_up_to[middle] > drawn) {
            hi = middle;
        } else {
            lo = middle + 1;
        }
    }
    return lo;
}

bool op_is_drawn(const struct maker *g, size_t place)
{
    return g->weight_up_to[place] > (place > 0 ? g->weight_up_to[place - 1] : 0);
}

/* A node more; an op that cannot go backward goes forward. */
static bool insert(struct maker *g)
{
    struct attempt a;
    uint32_t n_in, n_out;
    size_t place = draw_op(g);
    draw_counts(g, op_table[place], &n_in, &n_out);
    attempt_init(g, &a, place, n_in, n_out);
    if (percent(g, g->policy->backward_percent) && give_placeholder(g, &a) &&
        attempt_choose(g, &a) && attempt_make_somehow(g, &a)) {
        return true;
    }
    attempt_init(g, &a, place, n_in, n_out);
    return attempt_choose(g, &a) && attempt_make_somehow(g, &a);
}

/* ---- the finished program ---- */

/* The place of each value: in the order in which nodes first name them, which program_verify wants.
 */
static uint32_t order_values(const struct program *p, uint32_t *to)
{
    uint32_t n = 0;
    memset(to, 0xff, p->n_values * sizeof(*to)); /* VALUE_ABSENT: none yet */
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; k < node->n_in; k++) {
            if (node->in[k] != VALUE_ABSENT && to[node->in[k]] == VALUE_ABSENT) {
                CHECK(p->values[node->in[k]].kind != VALUE_NODE);
                to[node->in[k]] = n++;
            }
        }
        for (uint32_t o = 0; o < node->n_out; o++) {
            to[node->out[o]] = n++;
        }
    }
    return n;
}

static void renumber(struct maker *g)
{
    uint32_t n = g->p->n_values, *to = ARENA_ARRAY(g->arena, uint32_t, n);
    struct facts *facts = ARENA_ARRAY(g->arena, struct facts, n);
    CHECK(order_values(g->p, to) == n);
    for (uint32_t id = 0; id < n; id++) {
        facts[to[id]] = g->facts[id];
    }
    program_renumber(g->p, to);
    g->facts = facts;
    g->facts_capacity = n;
}

static void add_outputs(struct maker *g)
{
    for (uint32_t id = 0; id < g->p->n_values; id++) {
        if (g->p->values[id].kind == VALUE_NODE &&
            (g->facts[id].uses == 0 || (!g->facts[id].is_inside && !g->facts[id].is_dull &&
                                        percent(g, g->policy->intermediate_percent)))) {
            program_add_output(g->p, id);
        }
    }
}

static bool is_supported(const struct support *support, size_t op)
{
    bool is = false;
    for (enum dtype d = DTYPE_COUNT; !is && d-- > 1;) {
        is = support->pairs[op][d] != 0;
    }
    return is;
}

/* Of those that the policy has; DTYPE_NONE: this program has none. Half are floats, or the many ops
 * of floats alone would be rare. */
static enum dtype draw_theme(struct maker *g)
{
    uint32_t weights[DTYPE_COUNT];
    for (enum dtype d = 0; d < DTYPE_COUNT; d++) {
        weights[d] = g->policy->dtype_weight[d] == 0 ? 0 : dtype_is_float(d) ? 2 : 1;
    }
    bool is_themed = percent(g, g->policy->theme_percent);
    size_t drawn = is_themed ? rng_weighted(&g->rng, weights, DTYPE_COUNT) : DTYPE_COUNT;
    return drawn < DTYPE_COUNT ? (enum dtype)drawn : DTYPE_NONE;
}

/* Ops that only some targets support make up in the programs that may use them for those that may
 * not, so that none is rare. Those that take no theme as their first input are. */
static void weigh_ops(struct maker *g, enum dtype theme)
{
    enum { UNION_BOOST = 5, THEME_BOOST = 8 };
    uint64_t sum = 0;
    for (size_t i = 0; i < op_count; i++) {
        bool is_rare = g->support == &g->policy->any && !is_supported(&g->policy->all, i);
        uint64_t weight = is_supported(g->support, i) ? g->policy->op_weight[i] : 0;
        weight *= is_rare ? UNION_BOOST : 1;
        sum += weight * (theme && g->support->pairs[i][theme] ? THEME_BOOST : 1);
        g->weight_up_to[i] = sum;
    }
}

/* Nine values in ten of a theme, where there is a choice. */
static void weigh_dtypes(struct maker *g, enum dtype theme)
{
    uint32_t others = 0;
    for (enum dtype d = 0; d < DTYPE_COUNT; d++) {
        g->dtype_weight[d] = g->policy->dtype_weight[d];
        others += d == theme ? 0 : g->dtype_weight[d];
    }
    if (theme) {
        g->dtype_weight[theme] += 9 * others;
    }
}

void maker_init(struct maker *g, const struct policy *policy, bool is_clean, struct rng rng,
                struct arena *arena)
{
    *g = (struct maker){.policy = policy,
                        .arena = arena,
                        .p = program_new(arena),
                        .r = relation_new(arena),
                        .rng = rng,
                        .is_clean = is_clean};
    g->support = percent(g, policy->union_percent) ? &policy->any : &policy->all;
    g->may_be_empty = percent(g, policy->empty_percent);
    bool is_large = percent(g, policy->large_percent) || policy->numel_max < 4;
    g->numel_max = is_large ? policy->numel_max : policy->numel_max / 4;
    g->special_kinds = special_kinds_draw(&g->rng);
    for (int rank = 0; rank <= RANK_MAX; rank++) {
        g->rank_limit = policy->rank_weight[rank] > 0 ? rank : g->rank_limit;
    }
    enum dtype theme = draw_theme(g);
    weigh_ops(g, theme);
    weigh_dtypes(g, theme);
    maker_reserve(g, policy->nodes); /* for twice as many, which is what most have */
}

struct graph maker_finish(struct maker *g)
{
    renumber(g);
    add_outputs(g);
    return (struct graph){
        .program = g->p, .facts = g->facts, .is_clean = g->is_clean, .is_unproven = g->is_unproven};
}

struct graph maker_finish_plain(struct maker *g)
{
    struct graph graph = maker_finish(g);
    graph.is_clean = !graph.is_unproven;
    graph.is_unproven = false;
    return graph;
}

struct graph graph_make(const struct policy *policy, bool is_clean, struct rng rng,
                        struct arena *arena)
{
    /* No op of a policy that passed policy_check fails this often on new inputs. */
    enum { ATTEMPTS_MAX = 100000 };
    struct maker g;
    maker_init(&g, policy, is_clean, rng, arena);
    for (uint32_t n = 0, attempts = 0; n < policy->nodes;) {
        bool is_motif = percent(&g, policy->motif_percent);
        uint32_t made = is_motif ? motif_insert(&g, policy->nodes - n) : 0;
        made = made > 0 ? made : insert(&g);
        n += made;
        attempts = made > 0 ? 0 : attempts + 1;
        if (attempts == ATTEMPTS_MAX) {
            BUG("policy %s: no op fits after %u attempts", policy->name, attempts);
        }
    }
    return maker_finish(&g);
}
