/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs as a form of test that the reducer can make smaller: candidates that the tactics change in
 * place, the tests made of them, and what is done once before the tactics and after them.
 */
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* ---- candidates ---- */

bool is_leaf(const struct value *v)
{
    return v->kind != VALUE_NODE;
}

size_t value_bytes(const struct value *v)
{
    return shape_numel(&v->shape) * dtype_size(v->dtype);
}

/* A copy whose nodes know their ops. */
static struct program *resolved_clone(const struct program *p, struct arena *arena)
{
    struct program *copy = program_clone(p, arena);
    CHECK(ops_resolve(copy) == ERR_OK);
    return copy;
}

struct candidate candidate_new(struct reducer *r)
{
    struct candidate c = {.program = resolved_clone(r->best.program, r->scratch)};
    c.leaf = ARENA_ZARRAY(r->scratch, void *, c.program->n_values);
    uint32_t input = 0;
    for (uint32_t id = 0; id < c.program->n_values; id++) {
        const struct value *v = &c.program->values[id];
        if (v->kind == VALUE_INPUT) {
            c.leaf[id] = arena_copy(r->scratch, r->best.inputs[input++].data, value_bytes(v));
        } else if (v->kind == VALUE_CONST) {
            c.leaf[id] = arena_copy(r->scratch, v->data, value_bytes(v));
        }
    }
    return c;
}

void candidate_prune(struct reducer *r, struct candidate *c)
{
    candidate_become(r, c, program_prune(c->program, r->scratch, true), NULL, NULL);
}

void candidate_become(struct reducer *r, struct candidate *c, struct program *p, const char *fresh,
                      void *elements)
{
    void **leaf = ARENA_ZARRAY(r->scratch, void *, p->n_values);
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        uint32_t old = program_find_value(c->program, v->name);
        bool is_fresh = fresh != NULL && strcmp(v->name, fresh) == 0;
        if (is_fresh) {
            leaf[id] = elements;
        } else if (old != VALUE_ABSENT) {
            leaf[id] = c->leaf[old];
        } else if (v->kind == VALUE_CONST) {
            leaf[id] = arena_copy(r->scratch, v->data, value_bytes(v));
        }
    }
    c->program = p;
    c->leaf = leaf;
}

/* The candidate at the other shapes: what computed its inputs there is recorded in the twin's
 * values. NULL: it does not fit together there. */
static const struct test *candidate_before(struct reducer *r, const struct candidate *c)
{
    struct program *p = resolved_clone(c->program, r->scratch);
    struct test *before = arena_zalloc(r->scratch, sizeof(*before));
    before->n_inputs = program_n_inputs(p);
    before->inputs = ARENA_ARRAY(r->scratch, struct tensor, before->n_inputs);
    before->program = p;
    uint32_t input = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct value *v = &p->values[id];
        if (v->kind != VALUE_INPUT) {
            v->data = v->kind == VALUE_CONST ? c->leaf[id] : NULL;
            continue;
        }
        uint32_t from = program_find_value(r->twin->program, v->name);
        if (from == VALUE_ABSENT || r->twin_values[from].dtype != v->dtype) {
            return NULL;
        }
        before->inputs[input] = tensor_from_array(r->scratch, &r->twin_values[from]);
        v->shape = before->inputs[input++].shape;
    }
    return program_infer(p, r->scratch) == ERR_OK ? before : NULL;
}

/* The candidate as a test: like the best one in all else. */
struct test candidate_test(struct reducer *r, const struct candidate *c)
{
    struct program *p = c->program;
    struct test test = r->best;
    test.before = r->twin != NULL ? candidate_before(r, c) : NULL;
    test.program = p;
    test.n_inputs = program_n_inputs(p);
    test.inputs = ARENA_ARRAY(r->scratch, struct tensor, test.n_inputs);
    uint32_t input = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct value *v = &p->values[id];
        if (v->kind == VALUE_INPUT) {
            test.inputs[input++] = (struct tensor){v->dtype, v->shape, c->leaf[id]};
        } else if (v->kind == VALUE_CONST) {
            v->data = c->leaf[id];
        }
    }
    return test;
}

/* ---- one try ---- */

/* Indices must lie inside what they index: no library promises anything else. */
static bool indices_hold(const struct candidate *c)
{
    const struct program *p = c->program;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; k < node->n_in; k++) {
            uint32_t id = node->in[k];
            if (((node->op->index_inputs >> k) & 1) == 0 || id == VALUE_ABSENT ||
                c->leaf[id] == NULL) {
                continue;
            }
            size_t n = shape_numel(&p->values[id].shape);
            for (size_t e = 0; e < n; e++) {
                real limit = (real)node_index_limit(p, node, k, e);
                real index = dtype_load(p->values[id].dtype, c->leaf[id], e);
                if (index >= limit || index < -limit) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool candidate_holds(const struct candidate *c)
{
    return program_verify(c->program) == ERR_OK && ops_check(c->program) == ERR_OK &&
           indices_hold(c);
}

const struct test *test_retyped(const struct test *test, dtype_set from, enum dtype to,
                                struct arena *arena)
{
    struct reducer r = {.best = *test, .scratch = arena};
    struct candidate c = candidate_new(&r);
    if (!candidate_retype(&r, &c, from, to) || !candidate_holds(&c)) {
        return NULL;
    }
    struct test *made = arena_alloc(arena, sizeof(*made));
    *made = candidate_test(&r, &c);
    if (test->before != NULL) {
        made->before = test_retyped(test->before, from, to, arena);
    }
    return test->before != NULL && made->before == NULL ? NULL : made;
}

bool reduce_try(struct reducer *r, struct candidate *c)
{
    bool better = false;
    if (!reduce_over(r) && candidate_holds(c) && target_supports(r->failure.what, c->program)) {
        struct test test = candidate_test(r, c);
        bool fits = r->twin == NULL || test.before != NULL;
        better = fits && reduce_test(r, &test);
    }
    arena_reset(r->scratch);
    return better;
}

struct reference *reducer_reference(struct reducer *r)
{
    if (r->reference == NULL) {
        r->reference = reference_new(&r->best, r->kept);
    }
    return r->reference;
}

/* ---- the form ---- */

static struct test test_clone(const struct test *test, struct arena *arena)
{
    struct test copy = *test;
    if (test->before != NULL) {
        struct test *before = arena_alloc(arena, sizeof(*before));
        struct test first = *test->before;
        first.before = NULL;
        *before = test_clone(&first, arena);
        copy.before = before;
    }
    copy.program = resolved_clone(test->program, arena);
    copy.inputs = ARENA_ARRAY(arena, struct tensor, test->n_inputs);
    for (uint32_t i = 0; i < test->n_inputs; i++) {
        copy.inputs[i] = test->inputs[i];
        copy.inputs[i].data =
            arena_copy(arena, test->inputs[i].data, tensor_size(&test->inputs[i]));
    }
    return copy;
}

static uint64_t graph_hash(const struct test *test)
{
    uint64_t hash = program_hash(test->program);
    for (uint32_t i = 0; i < test->n_inputs; i++) {
        hash = tensor_hash(&test->inputs[i], hash);
    }
    return hash != 0 ? hash : 1;
}

/* x0, w0, v0, ... in order, as a program that was never reduced has them. */
static void rename_values(struct reducer *r)
{
    static const char letters[] = {[VALUE_INPUT] = 'x', [VALUE_CONST] = 'w', [VALUE_NODE] = 'v'};
    struct candidate c = candidate_new(r);
    unsigned next[ARRAY_SIZE(letters)] = {0};
    bool differ = false;
    for (uint32_t id = 0; id < c.program->n_values; id++) {
        struct value *v = &c.program->values[id];
        const char *name = arena_printf(r->scratch, "%c%u", letters[v->kind], next[v->kind]++);
        differ = differ || strcmp(v->name, name) != 0;
        v->name = name;
    }
    struct test test = candidate_test(r, &c);
    if (differ) { /* names are no part of a test's hash: it counts as tried */
        (void)reduce_run(r, &test);
    }
    arena_reset(r->scratch);
}

/* Does it fail without a run at other shapes before it, and known shapes? Else these stay. */
static bool drop_twin(struct reducer *r)
{
    if (r->best.before == NULL) {
        return false;
    }
    struct test alone = r->best;
    alone.before = NULL;
    if (reduce_run(r, &alone)) {
        return true;
    }
    r->twin = r->failure.test->before;
    struct array *values = ARENA_ZARRAY(r->origin, struct array, r->twin->program->n_values);
    program_evaluate(r->twin->program, r->twin->inputs, values, r->origin);
    r->twin_values = values;
    return false;
}

/* Where the inputs lie matters to few failures; those that it does not matter to lie as usual. */
static void place_as_usual(struct reducer *r)
{
    if (r->best.placement != PLACE_ALIGNED && !reduce_over(r)) {
        struct test aligned = r->best;
        aligned.placement = PLACE_ALIGNED;
        (void)reduce_run(r, &aligned);
    }
}

static bool graph_begin(struct reducer *r)
{
    bool shows = drop_twin(r) || (r->err == ERR_OK && reduce_run(r, r->failure.test));
    if (shows) {
        place_as_usual(r);
    }
    return shows;
}

static void graph_end(struct reducer *r)
{
    if (r->twin == NULL) {
        rename_values(r);
    }
}

/* In this order: what throws away most with the fewest runs comes first; dtypes last, because a
 * dtype tells more about a fault than a shape. */
static const struct tactic *const tactics[] = {
    &tactic_outputs,  &tactic_nodes,  &tactic_ops,    &tactic_bypass,
    &tactic_operands, &tactic_inputs, &tactic_dims,   &tactic_attrs,
    &tactic_values,   &tactic_rows,   &tactic_dtypes,
};

const struct form form_graph = {
    .clone = test_clone,
    .hash = graph_hash,
    .begin = graph_begin,
    .tactics = tactics,
    .n_tactics = ARRAY_SIZE(tactics),
    .end = graph_end,
};
