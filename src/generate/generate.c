/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests: a graph, then data for its constants and inputs, each from a stream of its own, so that
 * the graph is the same whether data is made or not.
 */
#include <math.h>
#include <string.h>

#include "generate/generate_internal.h"

/* ---- data ---- */

static struct rng value_stream(const struct rng *root, enum stream stream, uint32_t id,
                               unsigned redraw)
{
    struct rng of_stream = rng_split(root, (uint64_t)stream << 32 | redraw);
    return rng_split(&of_stream, id);
}

/* One sample of all inputs and constants by their recipes. */
static struct leaf *draw_leaves(const struct graph *g, const struct rng *root, unsigned sample,
                                struct arena *arena)
{
    const struct program *p = g->program;
    struct leaf *leaves = leaves_new(p, arena);
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_NODE || v->data) {
            continue;
        }
        enum stream stream = v->kind == VALUE_CONST ? STREAM_CONSTANTS : STREAM_INPUTS;
        struct rng rng = value_stream(root, stream, id, sample);
        leaves[id].data = tensor_new(arena, v->dtype, &v->shape);
        recipe_fill(&g->facts[id].recipe, &rng, &leaves[id].data);
    }
    return leaves;
}

static void put_inputs(const struct program *p, const struct leaf *leaves, struct arena *arena,
                       struct test *test)
{
    test->n_inputs = program_n_inputs(p);
    test->inputs = ARENA_ARRAY(arena, struct tensor, test->n_inputs);
    uint32_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind == VALUE_INPUT) {
            test->inputs[n++] = leaves[id].data;
        }
    }
}

void fill_inputs(const struct graph *g, const struct rng *root, unsigned sample,
                 struct arena *arena, struct test *test)
{
    put_inputs(g->program, draw_leaves(g, root, sample, arena), arena, test);
}

static void put_constants(struct program *p, const struct leaf *leaves)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind == VALUE_CONST && p->values[id].data == NULL) {
            p->values[id].data = leaves[id].data.data;
        }
    }
}

static enum placement draw_placement(const struct rng *root)
{
    static const enum placement choices[] = {PLACE_ALIGNED, PLACE_ALIGNED, PLACE_END, PLACE_START};
    struct rng rng = rng_split(root, STREAM_PLACEMENT);
    return choices[rng_below(&rng, ARRAY_SIZE(choices))];
}

/* ---- tests ---- */

/* Of policy and seed: what all tests of a campaign have in common. */
struct campaign_key {
    const struct policy *policy;
    uint64_t seed, hash;
};

static struct campaign_key key_of(const struct policy *policy, uint64_t seed)
{
    return (struct campaign_key){policy, seed, hash_mix(policy_hash(policy), seed)};
}

static struct graph make_graph(const struct campaign_key *key, uint64_t index, struct arena *arena,
                               struct rng *root, struct test *test)
{
    *root = rng_seeded(hash_mix(key->hash, index));
    struct rng structure = rng_split(root, STREAM_STRUCTURE);
    bool is_clean = rng_chance(&structure, key->policy->clean_percent, 100);
    const struct generator *generator = key->policy->generator;
    struct graph g = generator->learner ? chain_make(key->policy, key->hash, index, arena)
                                        : generator->make(key->policy, is_clean, structure, arena);
    *test = (struct test){.seed = key->seed,
                          .index = index,
                          .program = g.program,
                          .placement = draw_placement(root),
                          .policy = g.is_clean ? "clean" : "special"};
    return g;
}

static void fill(const struct graph *g, const struct rng *root, struct arena *arena,
                 struct test *test)
{
    struct leaf *leaves = draw_leaves(g, root, 0, arena);
    if (g->is_unproven) { /* clean, as far as that can be told */
        struct search_result result;
        search_clean(g->program, leaves, rng_split(root, STREAM_SEARCH), arena, &result);
        test->policy = result.is_clean ? "clean" : "special";
    }
    put_constants(g->program, leaves);
    put_inputs(g->program, leaves, arena, test);
}

void generate_samples(const struct policy *policy, uint64_t seed, uint64_t index, unsigned n,
                      struct arena *arena, struct test *test, struct leaf **samples)
{
    struct rng root;
    const struct campaign_key key = key_of(policy, seed);
    struct graph g = make_graph(&key, index, arena, &root, test);
    CHECK(g.program); /* for generators that cannot fail */
    for (unsigned k = 0; k < n; k++) {
        samples[k] = draw_leaves(&g, &root, k, arena);
    }
}

/* Are tests 2k and 2k + 1 to be one program at two shapes? */
static bool is_paired(const struct campaign_key *key, uint64_t index)
{
    struct rng rng = rng_seeded(hash_mix(key->hash, ~(index / 2)));
    return rng_chance(&rng, key->policy->dynamic_percent, 100);
}

/* One of a pair, the other one as its `before`; false: the program has no other shapes, or there is
 * none. */
static bool make_one_of_pair(const struct campaign_key *key, uint64_t index, struct arena *arena,
                             struct test *test)
{
    struct test *even = arena_alloc(arena, sizeof(*even));
    struct test *odd = arena_alloc(arena, sizeof(*odd));
    struct rng root;
    struct graph g = make_graph(key, index & ~(uint64_t)1, arena, &root, even);
    if (!g.program) {
        return false;
    }
    fill(&g, &root, arena, even);
    if (!test_at_other_shapes(key->policy, &g, even, rng_split(&root, STREAM_SHAPES), arena, odd)) {
        return false;
    }
    odd->index++;
    *test = index % 2 == 0 ? *even : *odd;
    test->before = index % 2 == 0 ? odd : even;
    return true;
}

enum err generate_any_test(const struct policy *policy, uint64_t seed, uint64_t index,
                           enum materialize what, struct arena *arena, struct test *test)
{
    const struct campaign_key key = key_of(policy, seed);
    if (is_paired(&key, index) && make_one_of_pair(&key, index, arena, test)) {
        test->inputs = what == MATERIALIZE_NONE ? NULL : test->inputs;
        return ERR_OK;
    }
    struct rng root;
    struct graph g = make_graph(&key, index, arena, &root, test);
    if (!g.program) {
        return ERR_IO; /* said by the generator */
    }
    if (what == MATERIALIZE_ALL) {
        fill(&g, &root, arena, test);
    }
    return ERR_OK;
}

void generate_test(const struct policy *policy, uint64_t seed, uint64_t index,
                   enum materialize what, struct arena *arena, struct test *test)
{
    if (generate_any_test(policy, seed, index, what, arena, test) != ERR_OK) {
        BUG("generator %s is not for this: %s", policy->generator->name, err_text());
    }
}

/* ---- inputs of a given program ---- */

/* What all float inputs are tried in, the widest first; what an `is clean` cannot be said of at all
 * gets the last. */
static const struct interval tried_domains[] = {
    {.lo = -4, .hi = 4}, {.lo = -1, .hi = 1}, {.lo = 0x1p-4L, .hi = 4}, {.lo = 1, .hi = 2}};

static const struct domain *domain_of(const char *name, const struct domain *domains, size_t n)
{
    const struct domain *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!domains[i].input) {
            found = found ? found : &domains[i];
        } else if (strcmp(domains[i].input, name) == 0) {
            return &domains[i];
        }
    }
    return found;
}

bool index_use_of(const struct program *p, uint32_t id, struct index_use *use)
{
    int64_t least = -1;
    uint32_t n_uses = 0;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; k < node->n_in; k++) {
            struct index_use other;
            if (node->in[k] != id || !node_index_use(p, node, k, &other)) {
                continue;
            }
            int64_t limit = node_index_least(p, node, k);
            least = least < 0 || limit < least ? limit : least;
            *use = n_uses == 0 || (other.unique && !use->unique) ? other : *use;
            n_uses++;
        }
    }
    for (uint32_t c = 0; n_uses > 1 && c < use->n; c++) {
        use->limit[c] = least < use->limit[c] ? least : use->limit[c];
    }
    return n_uses > 0;
}

static struct recipe recipe_for(const struct program *p, uint32_t id, struct interval tried,
                                const struct domain *domains, size_t n_domains)
{
    const struct value *v = &p->values[id];
    const struct domain *given = domain_of(v->name, domains, n_domains);
    struct index_use use;
    if (given) {
        return recipe_between((real)given->lo, (real)given->hi);
    }
    if (index_use_of(p, id, &use)) {
        return recipe_index(&use);
    }
    if (dtype_is_float(v->dtype)) {
        return recipe_between(tried.lo, tried.hi);
    }
    real lo = tried.lo < 1 && tried.lo > 0 ? 1 : tried.lo, hi = tried.hi;
    if (v->dtype == DTYPE_BOOL) {
        return recipe_between(0, 1);
    }
    return recipe_between(lo < dtype_lowest(v->dtype) ? dtype_lowest(v->dtype) : lo, hi);
}

struct interval range_of_data(const struct value *v)
{
    struct interval range = {.lo = (real)INFINITY, .hi = -(real)INFINITY};
    size_t n = shape_numel(&v->shape);
    for (size_t i = 0; i < n; i++) {
        real x = dtype_load(v->dtype, v->data, i);
        range.may_nan |= isnan(x);
        range.lo = x < range.lo ? x : range.lo;
        range.hi = x > range.hi ? x : range.hi;
    }
    return range;
}

/* Number of nodes in which something may go wrong. */
static uint32_t count_hazards(const struct program *p, struct facts *facts)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        if (node_ranges(p, node, facts) == HAZARD_NONE) {
            continue;
        }
        count++;
        for (uint32_t o = 0; o < node->n_out; o++) {
            struct facts *f = &facts[node->out[o]];
            f->range = interval_assume(p->values[node->out[o]].dtype, f->range);
        }
    }
    return count;
}

static uint32_t try_domain(const struct program *p, struct interval tried,
                           const struct domain *domains, size_t n_domains, struct facts *facts)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        facts[id] = (struct facts){0};
        if (v->kind == VALUE_CONST) {
            facts[id].range = range_of_data(v);
        } else if (v->kind == VALUE_INPUT) {
            facts[id].recipe = recipe_for(p, id, tried, domains, n_domains);
            facts[id].range = recipe_range(&facts[id].recipe, v->dtype);
        }
    }
    return count_hazards(p, facts);
}

/* Inputs that the search may move, but not out of given domains and not from valid indices. */
static struct leaf *leaves_for(const struct program *p, const struct facts *facts,
                               const struct domain *domains, size_t n_domains,
                               const struct rng *root, struct arena *arena)
{
    const struct graph g = {.program = (struct program *)(uintptr_t)p,
                            .facts = (struct facts *)(uintptr_t)facts};
    struct leaf *leaves = draw_leaves(&g, root, 0, arena);
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct domain *given = domain_of(p->values[id].name, domains, n_domains);
        if (given && p->values[id].kind == VALUE_INPUT) {
            leaves[id].has_domain = true;
            leaves[id].domain = (struct interval){.lo = (real)given->lo, .hi = (real)given->hi};
        }
    }
    return leaves;
}

void generate_inputs(const struct program *p, uint64_t seed, const struct domain *domains,
                     size_t n_domains, struct arena *arena, struct test *test)
{
    struct facts *facts = ARENA_ARRAY(arena, struct facts, p->n_values);
    size_t best = 0;
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(tried_domains) && least > 0; i++) {
        uint32_t hazards = try_domain(p, tried_domains[i], domains, n_domains, facts);
        best = hazards < least ? i : best;
        least = hazards < least ? hazards : least;
    }
    try_domain(p, tried_domains[best], domains, n_domains, facts);
    struct rng root = rng_seeded(seed);
    *test = (struct test){.seed = seed, .program = p, .policy = "given"};
    struct leaf *leaves = leaves_for(p, facts, domains, n_domains, &root, arena);
    if (least > 0) {
        struct search_result result;
        search_clean(p, leaves, rng_split(&root, STREAM_SEARCH), arena, &result);
    }
    put_inputs(p, leaves, arena, test);
}
