/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline `random`: which blocks a test is made of (random_blocks.c), by a tree search over
 * what the tests before it brought, and the graph that is made of them (random.c).
 */
#ifndef OPJURY_GENERATE_RANDOM_H
#define OPJURY_GENERATE_RANDOM_H

#include "generate/generate_internal.h"

/* An op, or a subgraph: ops with the edges between them. */
enum { SUBGRAPH_OPS_MAX = 4, SUBGRAPH_EDGES_MAX = 4 };
struct subgraph {
    uint32_t n_ops, n_edges;
    const char *op[SUBGRAPH_OPS_MAX];
    uint8_t edge[SUBGRAPH_EDGES_MAX][2]; /* from, to */
};
/* 1 .. op_count: an op by op_table; beyond: a subgraph; 0: none. */
typedef uint32_t block;
const struct op *block_op(block b);             /* NULL: it is a subgraph */
const struct subgraph *block_subgraph(block b); /* NULL: it is an op */

/* The levels of the tree, its branches, and tc1 of the paper: levels below the root. */
enum { TREE_LEVELS = 10, TREE_BRANCHES = 3, TREE_NODES = CHAIN_TESTS + 1 };
struct tree_node {
    block block;
    uint32_t parent, level;
    uint32_t n_children, child[TREE_BRANCHES];
    uint32_t visits;
    double gain;
};
struct blocks {
    uint32_t n;
    struct tree_node node[TREE_NODES]; /* 0 is the root */
    struct coverage coverage;
};

/* From the root to node `end`, and to a child of it that is new with this test. */
struct path {
    uint32_t n, end;
    block block[TREE_LEVELS];
    block new_child; /* the last of them; 0: none is new */
};
/* Of ops that the maker draws; empty where it draws none. */
void blocks_choose(const struct blocks *b, struct maker *g, struct path *path);
/* The program was made of the path that ends so. */
void blocks_learn(struct blocks *b, uint32_t end, block new_child, const struct program *p);

#endif
