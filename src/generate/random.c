/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline `random`: GraphFuzz (Luo et al., Graph-based fuzz testing for deep learning
 * inference engines, ICSE 2021). A test is made of blocks, ops and a few subgraphs, which a search
 * over what the tests before it brought chooses (random_blocks.c). First the edges between them,
 * one of two random digraphs; then the mutations of the graph, each as often as a rate drawn for it
 * says: edges added and removed, and in subgraphs ops doubled and removed; then an op for each
 * node: each block once, and elsewhere any op, drawn evenly until one takes what the edges bring.
 * Of two such graphs the one that holds more that is new is kept. There is nothing of ours: no
 * motifs, no node before another one, and value ranges do not say what may follow what: only what
 * would be undefined (integer division by zero, an index out of range) is refused. Inputs are drawn
 * plainly, not searched for.
 *
 * What differs from the paper. Feedback is what tests hold and not how they ran, and the memory
 * ends with a chain of tests (chain.c), so that a test stays a function of its index. The paper
 * does not say what a graph with more nodes than the path has blocks is made of; ops drawn evenly
 * cover more than the blocks again and again. Where the paper reshapes and pads what an edge brings
 * until it fits, an edge that does not fit is left out. Its two other mutations, of input shapes
 * and of attributes, need no step of their own: each input's shape and each op's attributes are
 * drawn anew where the paper keeps a few.
 */
#include <string.h>

#include "generate/random.h"

/* Sources of each node, all below it; more than a node can read are not needed. */
struct sources {
    const struct op *op; /* a block's; NULL: any */
    uint32_t n;
    uint32_t node[OP_INPUTS_MAX];
};

struct design {
    struct maker *g;
    struct path path;
    uint32_t n;
    struct sources *node;
};

/* ---- edges ---- */

static void add_edge(struct design *d, uint32_t a, uint32_t b)
{
    uint32_t from = a < b ? a : b, to = a < b ? b : a;
    struct sources *s = &d->node[to];
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->node[i] == from) {
            return;
        }
    }
    if (from != to && s->n < OP_INPUTS_MAX) {
        s->node[s->n++] = from;
    }
}

/* A ring in which each node is joined to k / 2 ahead, half of them rewired: WS(k, 0.5) of Watts and
 * Strogatz (Nature 393, 1998), made acyclic by the order of its nodes. */
static void draw_small_world(struct design *d, uint32_t k)
{
    for (uint32_t i = 0; i < d->n; i++) {
        for (uint32_t ahead = 1; ahead <= k / 2; ahead++) {
            bool is_rewired = percent(d->g, 50);
            uint32_t other =
                is_rewired ? (uint32_t)rng_below(&d->g->rng, d->n) : (i + ahead) % d->n;
            add_edge(d, i, other);
        }
    }
}

/* A line, and while a node has fewer than k neighbours edges to later ones that have too, each with
 * 0.9: the paper's RN(k, 0.9), residual blocks. */
static void draw_residual(struct design *d, uint32_t k)
{
    uint32_t *n_neighbours = ARENA_ZARRAY(d->g->arena, uint32_t, d->n);
    for (uint32_t i = 0; i + 1 < d->n; i++) {
        add_edge(d, i, i + 1);
        n_neighbours[i]++;
        n_neighbours[i + 1]++;
    }
    for (uint32_t i = 0; i + 1 < d->n; i++) {
        for (uint32_t missing = n_neighbours[i]; missing < k; missing++) {
            uint32_t j = i + 1 + (uint32_t)rng_below(&d->g->rng, d->n - i - 1);
            if (percent(d->g, 90) && n_neighbours[j] < k) {
                add_edge(d, i, j);
                n_neighbours[i]++;
                n_neighbours[j]++;
            }
        }
    }
}

/* ---- mutations of the graph ---- */

/* r of the paper. */
static uint32_t draw_rate(struct maker *g)
{
    return 10 * (uint32_t)rng_below(&g->rng, 3);
}

static void mutate_edges(struct design *d)
{
    struct rng *rng = &d->g->rng;
    uint32_t n_more = (d->n * draw_rate(d->g) + 99) / 100;
    uint32_t n_fewer = d->n * draw_rate(d->g) / 100;
    for (uint32_t i = 0; i < n_more; i++) {
        uint32_t from = (uint32_t)rng_below(rng, d->n);
        add_edge(d, from, (uint32_t)rng_below(rng, d->n));
    }
    for (uint32_t i = 0; i < n_fewer; i++) {
        struct sources *s = &d->node[rng_below(rng, d->n)];
        if (s->n > 0) {
            s->node[rng_below(rng, s->n)] = s->node[s->n - 1];
            s->n--;
        }
    }
}

/* A subgraph in the nodes from `first` on, if they are enough: its ops, less one or with one twice
 * in a row at these rates, and its edges beside those that are there. The nodes it takes; 0: too
 * few. */
static uint32_t place_subgraph(struct design *d, const struct subgraph *subgraph, uint32_t first,
                               uint32_t twice_rate, uint32_t less_rate)
{
    struct rng *rng = &d->g->rng;
    uint32_t at[SUBGRAPH_OPS_MAX], n = 0, n_ops = subgraph->n_ops;
    uint32_t twice = percent(d->g, twice_rate) ? (uint32_t)rng_below(rng, n_ops) : n_ops;
    uint32_t less = percent(d->g, less_rate) ? (uint32_t)rng_below(rng, n_ops) : n_ops;
    if (n_ops + 1 > d->n - first) {
        return 0;
    }
    for (uint32_t i = 0; i < n_ops; i++) {
        at[i] = first + n;
        if (i != less) {
            d->node[first + n++].op = op_find(subgraph->op[i]);
        }
        if (i != less && i == twice) {
            add_edge(d, at[i], first + n);
            d->node[first + n++].op = op_find(subgraph->op[i]);
        }
    }
    for (uint32_t e = 0; e < subgraph->n_edges; e++) {
        uint32_t from = subgraph->edge[e][0], to = subgraph->edge[e][1];
        if (from != less && to != less) {
            add_edge(d, at[from], at[to]);
        }
    }
    return n;
}

/* Each of the path's blocks at a place drawn for it, in their order, subgraphs where there is room;
 * the ops of all other places are drawn when it is their turn. */
static void place_blocks(struct design *d)
{
    uint32_t twice_rate = draw_rate(d->g), less_rate = draw_rate(d->g);
    uint32_t n_placed = 0;
    for (uint32_t i = 0; i < d->n && n_placed < d->path.n;) {
        if (rng_below(&d->g->rng, d->n - i) >= d->path.n - n_placed) {
            i++;
            continue;
        }
        block b = d->path.block[n_placed++];
        const struct subgraph *subgraph = block_subgraph(b);
        uint32_t taken = subgraph ? place_subgraph(d, subgraph, i, twice_rate, less_rate) : 1;
        if (!subgraph) {
            d->node[i].op = block_op(b);
        }
        i += taken > 0 ? taken : 1;
    }
}

static void draw_design(struct design *d)
{
    struct rng *rng = &d->g->rng;
    uint32_t k = 2 + 2 * (uint32_t)rng_below(rng, 3); /* 2, 4, 6: the paper's */
    d->node = ARENA_ZARRAY(d->g->arena, struct sources, d->n);
    if (rng_chance(rng, 1, 2)) {
        draw_small_world(d, k);
    } else {
        draw_residual(d, k);
    }
    mutate_edges(d);
    place_blocks(d);
}

/* ---- nodes ---- */

/* All supported ops that have a weight, with the same one. */
static void weigh_equally(struct maker *g)
{
    uint64_t sum = 0, before = 0;
    for (size_t i = 0; i < op_count; i++) {
        bool is_drawn = g->weight_up_to[i] > before;
        before = g->weight_up_to[i];
        sum += is_drawn;
        g->weight_up_to[i] = sum;
    }
}

/* May input k be this value, beside those that are chosen? */
static bool fits(const struct maker *g, const struct attempt *a, uint32_t k, uint32_t id)
{
    const struct slot_spec *spec = op_input_spec(a->op, k);
    const struct value *v = &g->p->values[id];
    bool fits = dtype_in(v->dtype, spec->dtypes) && rank_fits(spec, v->shape.rank) &&
                (k > 0 || a->pairs[v->dtype] != 0);
    for (uint32_t i = 0; i < k && fits; i++) {
        bool is_tied = a->in_leader[i] == a->in_leader[k] && IS_VALUE(a->value[i]);
        fits = !is_tied || a->dtype[i] == v->dtype;
    }
    bool is_index = a->op->index_inputs >> k & 1;
    return fits && (!is_index || (!a->op->unique_indices && may_index(g, id)));
}

/* Each source goes into the first input that is free and takes it; other inputs are new, or absent
 * where that is allowed. False: a node with sources reads none of them. */
static bool wire(struct maker *g, struct attempt *a, const struct sources *s)
{
    uint32_t n_wired = 0;
    for (uint32_t k = 0; k < a->n_in; k++) {
        bool is_absent = op_input_spec(a->op, k)->optional && rng_chance(&g->rng, 1, 2);
        a->value[k] = is_absent ? VALUE_ABSENT : VALUE_NEW;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        const struct node *source = &g->p->nodes[s->node[i]];
        uint32_t id = source->out[rng_below(&g->rng, source->n_out)];
        for (uint32_t k = 0; k < a->n_in; k++) {
            if (!IS_VALUE(a->value[k]) && fits(g, a, k, id)) {
                a->value[k] = id;
                a->dtype[k] = g->p->values[id].dtype;
                n_wired++;
                break;
            }
        }
    }
    return n_wired > 0 || s->n == 0;
}

/* The block's op, as long as there is hope that it fits; else any. */
static size_t choose_op(struct maker *g, const struct sources *s, uint32_t tries)
{
    enum { BLOCK_TRIES = 16 };
    bool is_block = s->op && tries < BLOCK_TRIES && op_is_drawn(g, op_index(s->op));
    return is_block ? op_index(s->op) : draw_op(g);
}

static bool insert_at(struct maker *g, const struct sources *s, uint32_t tries)
{
    struct attempt a;
    uint32_t n_in, n_out;
    size_t place = choose_op(g, s, tries);
    draw_counts(g, op_table[place], &n_in, &n_out);
    attempt_init(g, &a, place, n_in, n_out);
    if (!wire(g, &a, s) || !attempt_choose(g, &a)) {
        return false;
    }
    a.risk = HAZARD_UNPROVEN;
    return attempt_make_somehow(g, &a);
}

static struct graph make_one(const struct blocks *b, const struct policy *policy, struct rng rng,
                             struct arena *arena)
{
    /* With a source, ops are tried so often before the node may do without. */
    enum { WIRED_TRIES = 64, TRIES_MAX = 100000 };
    static const struct sources none = {0};
    struct maker g;
    maker_init(&g, policy, true, rng, arena);
    g.is_unsteered = true;
    weigh_equally(&g);
    struct design d = {.g = &g, .n = policy->nodes};
    blocks_choose(b, &g, &d.path);
    draw_design(&d);
    for (uint32_t n = 0, tries = 0; n < policy->nodes;) {
        bool is_made = insert_at(&g, tries < WIRED_TRIES ? &d.node[n] : &none, tries);
        n += is_made;
        tries = is_made ? 0 : tries + 1;
        if (tries == TRIES_MAX) {
            BUG("policy %s: no op fits after %u attempts", policy->name, tries);
        }
    }
    struct graph graph = maker_finish_plain(&g);
    graph.choice[0] = d.path.end;
    graph.choice[1] = d.path.new_child;
    return graph;
}

/* ---- what it learns ---- */

static void *random_begin(const struct policy *policy, struct arena *arena)
{
    (void)policy;
    struct blocks *b = ARENA_ZARRAY(arena, struct blocks, 1);
    b->n = 1;
    return b;
}

/* Of two candidates the one that holds the most that is new. The paper keeps what holds anything
 * new, but with these many ops, dtypes and attributes nearly everything does. */
static struct graph random_make(const void *state, const struct policy *policy, struct rng rng,
                                struct arena *arena)
{
    enum { CANDIDATES = 2 };
    const struct blocks *b = state;
    struct graph best = make_one(b, policy, rng_split(&rng, 0), arena);
    uint32_t most = coverage_ask(&b->coverage, best.program).n_new;
    for (uint64_t i = 1; i < CANDIDATES; i++) {
        struct graph graph = make_one(b, policy, rng_split(&rng, i), arena);
        uint32_t n_new = coverage_ask(&b->coverage, graph.program).n_new;
        if (n_new > most) {
            best = graph;
            most = n_new;
        }
    }
    return best;
}

static void random_learn(void *state, const struct graph *graph, struct arena *arena)
{
    (void)arena;
    blocks_learn(state, graph->choice[0], graph->choice[1], graph->program);
}

const struct learner random_learner = {random_begin, random_make, random_learn};
