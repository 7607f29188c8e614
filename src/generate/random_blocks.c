/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which blocks a test of the baseline `random` is made of: GraphFuzz's Monte Carlo tree search. A
 * node of the tree is a block, a path from the root the blocks of a test. Going down, the child is
 * taken that promises most (UCT: Kocsis and Szepesvári, Bandit based Monte-Carlo planning, ECML
 * 2006); at a node with room one more is tried, the op that is least covered so far, or a subgraph
 * with it.
 *
 * The paper's search is rewarded when a test succeeds on the engine under test. Here the reward is
 * the share of new items in what the test holds: what a run gave must not decide a test.
 */
#include <math.h>
#include <string.h>

#include "generate/random.h"

/* The paper's figure 5; of its third subgraph only the idea is published. */
static const struct subgraph subgraphs[] = {
    {4, 3, {"conv2d", "relu", "pow", "concat"}, {{0, 1}, {1, 3}, {2, 3}}},
    {4, 4, {"conv2d", "conv2d", "add", "add"}, {{0, 2}, {1, 2}, {2, 3}, {2, 3}}},
};

const struct op *block_op(block b)
{
    return b > 0 && b <= op_count ? op_table[b - 1] : NULL;
}

const struct subgraph *block_subgraph(block b)
{
    return b > op_count ? &subgraphs[b - op_count - 1] : NULL;
}

/* ln n without libm, whose last bits differ between machines: n = m * 2^k, ln m by the series of
 * artanh, which is exact to 1e-9 for m < 2 after nine terms. */
static double ln(uint32_t n)
{
    const double ln_2 = 0.69314718055994530942;
    int k = 31 - __builtin_clz(n);
    double m = (double)n / (double)(1u << k), z = (m - 1) / (m + 1), power = z, sum = 0;
    for (int i = 1; i < 18; i += 2) {
        sum += power / i;
        power *= z * z;
    }
    return k * ln_2 + 2 * sum;
}

/* sqrt is the correctly rounded one of IEEE 754 everywhere. The second term's factor is the
 * paper's. */
static double promise(const struct tree_node *node, uint32_t parent_visits)
{
    const double explore = 0.70710678118654752440;
    double n = node->visits;
    return node->gain / n + explore * sqrt(ln(parent_visits) / n);
}

static uint32_t best_child(const struct blocks *b, const struct tree_node *node)
{
    uint32_t best = node->child[0];
    for (uint32_t i = 1; i < node->n_children; i++) {
        uint32_t child = node->child[i];
        if (promise(&b->node[child], node->visits) > promise(&b->node[best], node->visits)) {
            best = child;
        }
    }
    return best;
}

static bool has_op(block b, const struct op *op)
{
    const struct subgraph *subgraph = block_subgraph(b);
    bool has = block_op(b) == op;
    for (uint32_t i = 0; subgraph && i < subgraph->n_ops && !has; i++) {
        has = strcmp(subgraph->op[i], op->name) == 0;
    }
    return has;
}

/* In the path, or a child of its end? */
static bool is_taken(const struct blocks *b, const struct path *path, const struct op *op)
{
    const struct tree_node *end = &b->node[path->end];
    bool is = false;
    for (uint32_t i = 0; i < path->n && !is; i++) {
        is = has_op(path->block[i], op);
    }
    for (uint32_t i = 0; i < end->n_children && !is; i++) {
        is = has_op(b->node[end->child[i]].block, op);
    }
    return is;
}

/* NULL: all are taken. */
static const struct op *least_covered(const struct blocks *b, struct maker *g,
                                      const struct path *path)
{
    const struct op *least = NULL;
    double coverage = 0;
    uint64_t n_ties = 0;
    for (size_t i = 0; i < op_count; i++) {
        if (!op_is_drawn(g, i) || is_taken(b, path, op_table[i])) {
            continue;
        }
        double c = coverage_of_op(&b->coverage, op_table[i]);
        if (least == NULL || c < coverage) {
            least = op_table[i];
            coverage = c;
            n_ties = 1;
        } else if (c <= coverage && rng_below(&g->rng, ++n_ties) == 0) {
            least = op_table[i];
        }
    }
    return least;
}

static block draw_block(struct maker *g, const struct op *op)
{
    block drawn = 1 + (block)op_index(op);
    for (block b = 1 + (block)op_count; b <= op_count + ARRAY_SIZE(subgraphs); b++) {
        drawn = has_op(b, op) && rng_chance(&g->rng, 1, 2) ? b : drawn;
    }
    return drawn;
}

void blocks_choose(const struct blocks *b, struct maker *g, struct path *path)
{
    *path = (struct path){0};
    for (;;) {
        const struct tree_node *end = &b->node[path->end];
        bool has_room = end->n_children < TREE_BRANCHES && end->level < TREE_LEVELS;
        const struct op *op = has_room ? least_covered(b, g, path) : NULL;
        if (op) {
            path->new_child = path->block[path->n++] = draw_block(g, op);
            return;
        }
        if (end->n_children == 0) {
            return;
        }
        path->end = best_child(b, end);
        path->block[path->n++] = b->node[path->end].block;
    }
}

void blocks_learn(struct blocks *b, uint32_t end, block new_child, const struct program *p)
{
    struct novelty novelty = coverage_add(&b->coverage, p);
    double gain = novelty.n > 0 ? (double)novelty.n_new / novelty.n : 0;
    if (new_child) {
        struct tree_node *parent = &b->node[end];
        CHECK(b->n < TREE_NODES);
        parent->child[parent->n_children++] = b->n;
        b->node[b->n] =
            (struct tree_node){.block = new_child, .parent = end, .level = parent->level + 1};
        end = b->n++;
    }
    for (uint32_t at = end;; at = b->node[at].parent) {
        b->node[at].visits++;
        b->node[at].gain += gain;
        if (at == 0) {
            break;
        }
    }
}
