/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reducer: tactics propose smaller tests, this file runs them and keeps the ones that fail in
 * the same way (same signature, not merely "still fails"), round after round until no tactic makes
 * progress or a bound is hit. Every candidate is checked as a program before it is run, none is run
 * twice, and nothing depends on chance or time but where a CPU bound ends it.
 */
#include <stdlib.h>
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* In this order: what throws away most with the fewest runs comes first; dtypes last, because a
 * dtype tells more about a fault than a shape. */
static const struct tactic *const tactic_table[] = {
    &tactic_outputs, &tactic_nodes,  &tactic_inputs, &tactic_dims,
    &tactic_attrs,   &tactic_values, &tactic_dtypes,
};

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
    struct program *pruned = program_prune(c->program, r->scratch, true);
    void **leaf = ARENA_ZARRAY(r->scratch, void *, pruned->n_values);
    for (uint32_t id = 0; id < pruned->n_values; id++) {
        leaf[id] = c->leaf[program_find_value(c->program, pruned->values[id].name)];
    }
    c->program = pruned;
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

static const char *text_clone(const char *text, struct arena *arena)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static struct verdict verdict_clone(const struct verdict *v, struct arena *arena)
{
    struct verdict copy = *v;
    copy.oracle = text_clone(v->oracle, arena);
    copy.filter = text_clone(v->filter, arena);
    copy.text = text_clone(v->text, arena);
    return copy;
}

static struct outcome outcome_clone(const struct outcome *o, struct arena *arena)
{
    struct outcome copy = *o;
    copy.outputs = ARENA_ARRAY(arena, struct tensor, o->n_outputs);
    for (uint32_t i = 0; i < o->n_outputs; i++) {
        copy.outputs[i] = o->outputs[i];
        copy.outputs[i].data = arena_copy(arena, o->outputs[i].data, tensor_size(&o->outputs[i]));
    }
    copy.phase = text_clone(o->phase, arena);
    copy.error_class = text_clone(o->error_class, arena);
    copy.message = text_clone(o->message, arena);
    copy.log = text_clone(o->log, arena);
    copy.state_changed = text_clone(o->state_changed, arena);
    for (uint32_t i = 0; i < o->n_frames && i < FRAMES_MAX; i++) {
        copy.frames[i] = text_clone(o->frames[i], arena);
    }
    return copy;
}

/* ---- what was tried ---- */

static uint64_t test_hash(const struct test *test)
{
    uint64_t hash = program_hash(test->program);
    for (uint32_t i = 0; i < test->n_inputs; i++) {
        hash = tensor_hash(&test->inputs[i], hash);
    }
    return hash != 0 ? hash : 1;
}

static bool tried_insert(uint64_t *table, size_t capacity, uint64_t hash)
{
    for (size_t i = hash & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        if (table[i] == hash) {
            return false;
        }
        if (table[i] == 0) {
            table[i] = hash;
            return true;
        }
    }
}

/* Remembers the hash; false: it was there already. */
static bool tried_first(struct reducer *r, uint64_t hash)
{
    if (2 * (r->n_tried + 1) > r->tried_capacity) {
        size_t capacity = r->tried_capacity == 0 ? 256 : 2 * r->tried_capacity;
        uint64_t *table = xcalloc(capacity, sizeof(*table));
        for (size_t i = 0; i < r->tried_capacity; i++) {
            if (r->tried[i] != 0) {
                (void)tried_insert(table, capacity, r->tried[i]);
            }
        }
        free(r->tried);
        r->tried = table;
        r->tried_capacity = capacity;
    }
    bool first = tried_insert(r->tried, r->tried_capacity, hash);
    r->n_tried += first ? 1 : 0;
    return first;
}

/* ---- one try ---- */

static double cpu_used(const struct reducer *r)
{
    return clock_cpu_self() + jury_usage(r->jury).worker_cpu - r->cpu_start;
}

bool reduce_over(const struct reducer *r)
{
    return r->err != ERR_OK || stop_requested || r->runs >= r->max_runs ||
           cpu_used(r) >= r->cpu_limit;
}

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

/* The candidate's test and what it showed become the best; the old best is forgotten. */
static void keep(struct reducer *r, const struct test *test, const struct outcome *outcome,
                 const struct verdict *verdict)
{
    r->best = test_clone(test, r->spare);
    r->outcome = outcome_clone(outcome, r->spare);
    r->verdict = verdict_clone(verdict, r->spare);
    r->failure.signature = failure_signature(&r->verdict, &r->outcome, r->spare);
    r->reference = NULL;
    arena_reset(r->kept);
    struct arena *old = r->kept;
    r->kept = r->spare;
    r->spare = old;
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

/* Runs it: true when it fails in the same way, and is kept. */
static bool run_once(struct reducer *r, const struct test *test)
{
    struct outcome outcome = {.kind = OUTCOME_OK};
    struct verdict verdict = {.kind = VERDICT_PASS};
    bool same = false;
    r->runs++;
    r->err = failure_shows(r->jury, &r->failure, test, r->scratch, &outcome, &verdict, &same);
    if (r->err != ERR_OK || !same) {
        return false;
    }
    keep(r, test, &outcome, &verdict);
    return true;
}

bool reduce_try(struct reducer *r, struct candidate *c)
{
    bool better = false;
    if (!reduce_over(r) && candidate_holds(c) && target_supports(r->failure.what, c->program)) {
        struct test test = candidate_test(r, c);
        bool fits = r->twin == NULL || test.before != NULL;
        better = fits && tried_first(r, test_hash(&test)) && run_once(r, &test);
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

/* ---- the whole ---- */

/* x0, w0, v0, ... in order, as a program that was never reduced has them. */
static void rename_values(struct reducer *r)
{
    static const char letters[] = {[VALUE_INPUT] = 'x', [VALUE_CONST] = 'w', [VALUE_NODE] = 'v'};
    struct candidate c = candidate_new(r);
    unsigned next[ARRAY_SIZE(letters)] = {0};
    for (uint32_t id = 0; id < c.program->n_values; id++) {
        struct value *v = &c.program->values[id];
        v->name = arena_printf(r->scratch, "%c%u", letters[v->kind], next[v->kind]++);
    }
    struct test test = candidate_test(r, &c);
    (void)run_once(r, &test); /* names are no part of a test's hash: it counts as tried */
    arena_reset(r->scratch);
}

/* Round after round; true when a whole round made no progress. */
static bool apply_all(struct reducer *r)
{
    for (bool progress = true; progress;) {
        progress = false;
        for (size_t i = 0; i < ARRAY_SIZE(tactic_table); i++) {
            if (reduce_over(r)) {
                return false;
            }
            unsigned before = r->runs;
            bool did = tactic_table[i]->apply(r);
            arena_reset(r->notes);
            log_debug("reduce: %s: %u runs, %s, %u nodes", tactic_table[i]->name, r->runs - before,
                      did ? "smaller" : "no change", r->best.program->n_nodes);
            progress = progress || did;
        }
    }
    return !reduce_over(r);
}

/* Does it fail without a run at other shapes before it, and known shapes? Else these stay. */
static bool drop_twin(struct reducer *r)
{
    if (r->best.before == NULL) {
        return false;
    }
    struct test alone = r->best;
    alone.before = NULL;
    if (run_once(r, &alone)) {
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
        (void)run_once(r, &aligned);
    }
}

enum err reduce(struct jury *jury, const struct failure *f, struct reduction *result,
                struct arena *arena)
{
    struct reducer r = {
        .jury = jury,
        .failure = *f,
        .kept = arena_new(),
        .spare = arena_new(),
        .scratch = arena_new(),
        .origin = arena_new(),
        .notes = arena_new(),
        .max_runs = result->max_runs,
        .cpu_limit = result->cpu_limit,
        .cpu_start = clock_cpu_self() + jury_usage(jury).worker_cpu,
    };
    r.best = test_clone(f->test, r.kept);
    r.outcome = outcome_clone(&f->outcome, r.kept);
    r.verdict = verdict_clone(&f->verdict, r.kept);
    (void)tried_first(&r, test_hash(&r.best));

    /* What does not show again cannot be reduced: it stays as it was found. */
    result->reproduced = !reduce_over(&r) && (drop_twin(&r) || run_once(&r, f->test));
    if (result->reproduced) {
        place_as_usual(&r);
    }
    result->complete = result->reproduced && apply_all(&r);
    if (result->reproduced && r.twin == NULL && !reduce_over(&r)) {
        rename_values(&r);
    }
    struct test *best = arena_alloc(arena, sizeof(*best));
    *best = test_clone(&r.best, arena);
    result->test = best;
    result->outcome = outcome_clone(&r.outcome, arena);
    result->verdict = verdict_clone(&r.verdict, arena);
    result->runs = r.runs;
    result->cpu = cpu_used(&r);
    free(r.tried);
    arena_free(r.kept);
    arena_free(r.spare);
    arena_free(r.scratch);
    arena_free(r.origin);
    arena_free(r.notes);
    return r.err;
}
