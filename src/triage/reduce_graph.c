/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tactics that change the graph: fewer outputs, fewer nodes, plainer ops, inputs for constants. A
 * node that goes leaves inputs (or constants) behind that hold the values it had by the reference,
 * so what follows it still sees the numbers that made it fail; where it is the way between two ops
 * that matters, they are joined without it.
 */
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* ---- outputs ---- */

static bool try_outputs(struct reducer *r, uint32_t from, uint32_t n, bool keep_those)
{
    struct candidate c = candidate_new(r);
    struct program *p = c.program;
    uint32_t kept = 0;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        bool inside = o >= from && o < from + n;
        if (inside == keep_those) {
            p->outputs[kept++] = p->outputs[o];
        }
    }
    p->n_outputs = kept;
    candidate_prune(r, &c);
    return kept > 0 && reduce_try(r, &c);
}

/* The failing one alone, any one alone, else without each. */
static bool outputs_apply(struct reducer *r)
{
    uint32_t n = r->best.program->n_outputs;
    if (n <= 1) {
        return false;
    }
    if (r->verdict.output < n && try_outputs(r, r->verdict.output, 1, true)) {
        return true;
    }
    for (uint32_t o = 0; o < n && !reduce_over(r); o++) {
        if (try_outputs(r, o, 1, true)) {
            return true;
        }
    }
    bool progress = false;
    for (uint32_t o = n; o-- > 0 && !reduce_over(r);) {
        progress = (r->best.program->n_outputs > 1 && try_outputs(r, o, 1, false)) || progress;
    }
    return progress;
}

const struct tactic tactic_outputs = {
    .name = "outputs",
    .summary = "only the outputs that fail, and what they need",
    .apply = outputs_apply,
};

/* ---- nodes ---- */

/* The value becomes a leaf that holds what the reference recorded for it: an input, or a constant
 * where it is one in effect, computed of constants alone. */
static void make_leaf(struct reducer *r, struct candidate *c, uint32_t id, bool is_const)
{
    struct value *v = &c->program->values[id];
    struct tensor recorded =
        tensor_from_array(r->scratch, &reference_values(reducer_reference(r))[id]);
    v->kind = is_const ? VALUE_CONST : VALUE_INPUT;
    v->data = is_const ? recorded.data : NULL;
    c->leaf[id] = recorded.data;
}

/* Which values stand behind the candidate's new outputs: old outputs that are still computed, and
 * computed values nobody reads any more. */
static void choose_outputs(struct program *p, struct arena *scratch)
{
    bool *is_output = ARENA_ZARRAY(scratch, bool, p->n_values);
    bool *is_read = ARENA_ZARRAY(scratch, bool, p->n_values);
    uint32_t n = 0;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        uint32_t id = p->outputs[o];
        if (p->values[id].kind == VALUE_NODE && !is_output[id]) {
            is_output[id] = true;
            p->outputs[n++] = id;
        }
    }
    p->n_outputs = n;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
            if (p->nodes[i].in[k] != VALUE_ABSENT) {
                is_read[p->nodes[i].in[k]] = true;
            }
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_out; k++) {
            uint32_t id = p->nodes[i].out[k];
            if (!is_read[id] && !is_output[id]) {
                program_add_output(p, id);
            }
        }
    }
}

/* What is not kept goes, and what it computed becomes inputs. false: nothing is computed then. */
static bool keep_nodes(struct reducer *r, struct candidate *c, const bool *keep)
{
    struct program *p = c->program;
    bool *is_const = ARENA_ZARRAY(r->scratch, bool, p->n_values);
    uint32_t kept = 0;
    program_mark_constants(p, is_const);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; k < node->n_out; k++) {
            if (keep[i]) {
                p->values[node->out[k]].node = kept;
            } else {
                make_leaf(r, c, node->out[k], is_const[node->out[k]]);
            }
        }
        if (keep[i]) {
            p->nodes[kept++] = *node;
        }
    }
    p->n_nodes = kept;
    choose_outputs(p, r->scratch);
    candidate_prune(r, c);
    return kept > 0;
}

const struct test *test_of_nodes(const struct test *test, struct reference *reference,
                                 const bool *keep, struct arena *arena)
{
    struct reducer r = {.best = *test, .reference = reference, .scratch = arena};
    struct candidate c = candidate_new(&r);
    struct test *of = arena_alloc(arena, sizeof(*of));
    bool computes = keep_nodes(&r, &c, keep);
    *of = candidate_test(&r, &c);
    return computes ? of : NULL;
}

/* Try the program of the nodes from .. from+n-1 only (keep_those), or of all others. */
static bool try_nodes(struct reducer *r, uint32_t from, uint32_t n, bool keep_those)
{
    struct candidate c = candidate_new(r);
    bool *keep = ARENA_ARRAY(r->scratch, bool, c.program->n_nodes);
    for (uint32_t i = 0; i < c.program->n_nodes; i++) {
        keep[i] = (i >= from && i < from + n) == keep_those;
    }
    return keep_nodes(r, &c, keep) && reduce_try(r, &c);
}

/*
 * Delta debugging (Zeller and Hildebrandt 2002) over the nodes in program order: parts alone, then
 * all but a part, then finer parts. A fault in one op is found in about 2 log2(n) runs.
 */
static bool nodes_apply(struct reducer *r)
{
    bool progress = false;
    uint32_t parts = 2;
    for (uint32_t n; n = r->best.program->n_nodes, n > 1 && parts <= n && !reduce_over(r);) {
        uint32_t i = 0;
        bool smaller = false;
        for (; i < parts && !smaller; i++) {
            uint32_t from = n * i / parts, to = n * (i + 1) / parts;
            smaller = try_nodes(r, from, to - from, true);
        }
        if (smaller) {
            parts = 2;
            progress = true;
            continue;
        }
        for (i = 0; i < parts && parts > 2 && !smaller; i++) {
            uint32_t from = n * i / parts, to = n * (i + 1) / parts;
            smaller = try_nodes(r, from, to - from, false);
        }
        if (smaller) {
            parts = parts > 2 ? parts - 1 : 2;
            progress = true;
        } else {
            parts = parts < n && 2 * parts > n ? n : 2 * parts;
        }
    }
    return progress;
}

const struct tactic tactic_nodes = {
    .name = "nodes",
    .summary = "fewer nodes; their results become inputs with the recorded values",
    .apply = nodes_apply,
};

/* ---- bypasses ---- */

/* Whoever reads a result of the node reads its k-th input in its place. */
static void bypass(struct program *p, const struct node *node, uint32_t k)
{
    uint32_t first = node->out[0], in = node->in[k];
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t j = 0; j < p->nodes[i].n_in; j++) {
            uint32_t id = p->nodes[i].in[j];
            if (id != VALUE_ABSENT && id >= first && id - first < node->n_out) {
                p->nodes[i].in[j] = in;
            }
        }
    }
    uint32_t n = 0;
    bool given = p->values[in].kind != VALUE_NODE;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        given = given || p->outputs[o] == in;
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        uint32_t id = p->outputs[o];
        if (id < first || id - first >= node->n_out) {
            p->outputs[n++] = id;
        } else if (!given) {
            p->outputs[n++] = in;
            given = true;
        }
    }
    p->n_outputs = n;
}

static bool try_bypass(struct reducer *r, uint32_t i, uint32_t k)
{
    struct candidate c = candidate_new(r);
    const struct node *node = &c.program->nodes[i];
    bool smaller = false;
    if (node->in[k] != VALUE_ABSENT && node->n_out > 0) {
        bypass(c.program, node, k);
        candidate_prune(r, &c);
        smaller = c.program->n_outputs > 0 && candidate_infer(r, &c) && reduce_try(r, &c);
    }
    arena_reset(r->scratch);
    return smaller;
}

/*
 * A node in the middle goes and what is around it stays connected, which a fault needs that is of
 * how results reach an op: which optimiser sees them, where they lie. Shapes follow from the leaves
 * again; where they do not fit nothing is run.
 */
static bool bypass_apply(struct reducer *r)
{
    bool progress = false;
    for (uint32_t i = r->best.program->n_nodes; i-- > 0 && !reduce_over(r);) {
        if (i >= r->best.program->n_nodes || r->best.program->n_nodes < 2) {
            continue;
        }
        uint32_t n_in = r->best.program->nodes[i].n_in;
        bool smaller = false;
        for (uint32_t k = 0; k < n_in && !smaller; k++) {
            smaller = try_bypass(r, i, k);
        }
        progress = progress || smaller;
    }
    return progress;
}

const struct tactic tactic_bypass = {
    .name = "bypass",
    .summary = "nodes left out of the middle; their readers read what they read",
    .apply = bypass_apply,
};

/* ---- optional operands ---- */

static bool try_without(struct reducer *r, uint32_t i, uint32_t k)
{
    struct candidate c = candidate_new(r);
    struct node *node = &c.program->nodes[i];
    node->in[k] = VALUE_ABSENT;
    while (node->n_in > 0 && node->in[node->n_in - 1] == VALUE_ABSENT) {
        node->n_in--;
    }
    candidate_prune(r, &c);
    bool smaller = candidate_infer(r, &c) && reduce_try(r, &c);
    arena_reset(r->scratch);
    return smaller;
}

/* From the last on: an operand may be there only where those before it are. */
static bool operands_apply(struct reducer *r)
{
    bool progress = false;
    for (uint32_t i = 0; i < r->best.program->n_nodes; i++) {
        for (uint32_t k = r->best.program->nodes[i].n_in; k-- > 0 && !reduce_over(r);) {
            const struct node *node = &r->best.program->nodes[i];
            bool may = k < OP_INPUTS_MAX && k < node->n_in && node->in[k] != VALUE_ABSENT &&
                       node->op->in[k].optional;
            progress = (may && try_without(r, i, k)) || progress;
        }
    }
    return progress;
}

const struct tactic tactic_operands = {
    .name = "operands",
    .summary = "optional operands left out",
    .apply = operands_apply,
};

/* ---- plain ops ---- */

/* The first input that is like the result in dtype and shape; n_in: none is. */
static uint32_t passed_on(const struct program *p, const struct node *node)
{
    const struct value *y = &p->values[node->out[0]];
    uint32_t k = 0;
    for (; k < node->n_in; k++) {
        const struct value *x = node->in[k] != VALUE_ABSENT ? &p->values[node->in[k]] : NULL;
        if (x != NULL && x->dtype == y->dtype && shape_equal(&x->shape, &y->shape)) {
            break;
        }
    }
    return k;
}

static bool try_stand_in(struct reducer *r, const struct stand_in *in)
{
    struct candidate c = candidate_new(r);
    const char *fresh;
    struct program *p = with_stand_in(c.program, in, &fresh, r->scratch);
    bool better = false;
    if (p != NULL && ops_resolve(p) == ERR_OK) {
        candidate_become(r, &c, p, fresh, in->recorded);
        better = reduce_try(r, &c);
    }
    arena_reset(r->scratch);
    return better;
}

/* No optimiser does much with neg, and it keeps shapes and magnitudes. */
static struct stand_in neg_for(const struct program *p, uint32_t i)
{
    return (struct stand_in){
        .node = i, .op = &plain_ops[0], .operand = VALUE_ABSENT, .result = p->nodes[i].out[0]};
}

static bool is_neg(const struct node *node)
{
    return strcmp(node->op_name, plain_ops[0].name) == 0;
}

/* neg in the node's place. */
static bool try_plain(struct reducer *r, uint32_t i)
{
    const struct node *node = &r->best.program->nodes[i];
    uint32_t k = node->n_out == 1 ? passed_on(r->best.program, node) : node->n_in;
    if (is_neg(node) || k == node->n_in) {
        return false;
    }
    struct stand_in in = neg_for(r->best.program, i);
    in.operand = node->in[k];
    return try_stand_in(r, &in);
}

/* Its result comes from a new input by neg, which is exact: still a result, with the recorded
 * value, but of nothing that the node did. */
static bool try_source(struct reducer *r, uint32_t i)
{
    const struct program *p = r->best.program;
    const struct node *node = &p->nodes[i];
    bool is_source = is_neg(node) && is_leaf(&p->values[node->in[0]]);
    if (is_source || node->n_out != 1 || node->n_in == 0 || r->twin != NULL ||
        !plain_takes(&plain_ops[0], p->values[node->out[0]].dtype)) {
        return false;
    }
    struct stand_in in = neg_for(p, i);
    in.recorded =
        plain_source(in.op, &reference_values(reducer_reference(r))[in.result], r->scratch);
    return try_stand_in(r, &in);
}

/* An op that only has to be there, whichever it is, does not name the fault. From the last on, for
 * with a result goes all that it came from. */
static bool ops_apply(struct reducer *r)
{
    bool progress = false;
    for (uint32_t i = r->best.program->n_nodes; i-- > 0 && !reduce_over(r);) {
        if (i < r->best.program->n_nodes && r->best.program->n_nodes > 1) {
            progress = try_source(r, i) || try_plain(r, i) || progress;
        }
    }
    return progress;
}

const struct tactic tactic_ops = {
    .name = "ops",
    .summary = "neg in the place of ops that are not to blame",
    .apply = ops_apply,
};

/* ---- constants and inputs ---- */

static uint32_t count_consts(const struct program *p)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        n += p->values[id].kind == VALUE_CONST ? 1 : 0;
    }
    return n;
}

static bool try_unconst(struct reducer *r, uint32_t only)
{
    struct candidate c = candidate_new(r);
    for (uint32_t id = 0; id < c.program->n_values; id++) {
        struct value *v = &c.program->values[id];
        if (v->kind == VALUE_CONST && (only == VALUE_ABSENT || only == id)) {
            v->kind = VALUE_INPUT;
            v->data = NULL;
        }
    }
    return reduce_try(r, &c);
}

/* Of one op a constant that may as well be an input says that folding has no part in the fault.
 * Among several it stays what it is: optimisers look for constants (the exponent and the epsilon of
 * a norm), and whether they take an input for one is another question. */
static bool inputs_apply(struct reducer *r)
{
    uint32_t n = count_consts(r->best.program);
    if (n == 0 || r->best.program->n_nodes > 1) {
        return false;
    }
    if (try_unconst(r, VALUE_ABSENT)) {
        return true;
    }
    bool progress = false;
    for (uint32_t id = 0; n > 1 && id < r->best.program->n_values && !reduce_over(r); id++) {
        if (r->best.program->values[id].kind == VALUE_CONST) {
            progress = try_unconst(r, id) || progress;
        }
    }
    return progress;
}

const struct tactic tactic_inputs = {
    .name = "inputs",
    .summary = "inputs instead of the constants of an op that is alone",
    .apply = inputs_apply,
};
