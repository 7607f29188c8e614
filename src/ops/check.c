/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a program right in the sense of its ops? Resolving names, checking each node against its op,
 * and deriving output dtypes and shapes: all by the same `structure` and `relate` that generation
 * uses. Texts name the node by its first output.
 */
#include "ops/ops_internal.h"

static const char *node_name(const struct program *p, const struct node *node)
{
    return node->out && node->n_out ? p->values[node->out[0]].name : "?";
}

enum err ops_resolve(struct program *p)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        struct node *node = &p->nodes[i];
        node->op = op_find(node->op_name);
        if (!node->op) {
            return err_set(ERR_INPUT, "%s: there is no op %s", node_name(p, node), node->op_name);
        }
    }
    return ERR_OK;
}

static size_t required_inputs(const struct op *op)
{
    size_t n = op_n_inputs(op);
    while (n > 0 && op->in[n - 1].optional) {
        n--;
    }
    return n;
}

static bool check_counts(const struct node *node)
{
    const struct op *op = node->op;
    size_t most = op_n_inputs(op), least = required_inputs(op);
    if (most && op->in[most - 1].variadic) {
        most = OP_INPUTS_MAX;
    }
    if (node->n_in < least || node->n_in > most) {
        return REFUSE("%u inputs where %zu to %zu are needed", node->n_in, least, most);
    }
    size_t declared = op_n_outputs(op);
    size_t most_out = op->out[declared - 1].variadic ? OP_OUTPUTS_MAX : declared;
    if (node->n_out < declared || node->n_out > most_out) {
        return REFUSE("%u outputs where there are %zu", node->n_out,
                      node->n_out < declared ? declared : most_out);
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] == VALUE_ABSENT && !op_input_spec(op, k)->optional) {
            return REFUSE("input %s is missing", op_input_spec(op, k)->name);
        }
    }
    return true;
}

static bool check_attrs(const struct node *node)
{
    static const char *const kind_names[] = {
        [ATTR_INT] = "an integer",    [ATTR_INTS] = "a list of integers",
        [ATTR_REAL] = "a real (2.0)", [ATTR_BOOL] = "true or false",
        [ATTR_DTYPE] = "a dtype",     [ATTR_TEXT] = "a text"};
    const struct op *op = node->op;
    if (node->n_attrs > OP_ATTRS_MAX) {
        return REFUSE("%u attributes", node->n_attrs);
    }
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        const struct attr *a = &node->attrs[i];
        const struct attr_spec *spec = NULL;
        for (int s = 0; s < OP_ATTRS_MAX && op->attrs[s].name; s++) {
            if (strcmp(op->attrs[s].name, a->name) == 0) {
                spec = &op->attrs[s];
            }
        }
        if (!spec) {
            return REFUSE("there is no attribute %s", a->name);
        }
        if (a->kind != spec->kind || (a->kind != ATTR_INTS && a->n != 1)) {
            return REFUSE("attribute %s must be %s", a->name, kind_names[spec->kind]);
        }
        if (node_attr(node, a->name) != a) {
            return REFUSE("attribute %s is given twice", a->name);
        }
    }
    for (int s = 0; s < OP_ATTRS_MAX && op->attrs[s].name; s++) {
        if (!op->attrs[s].optional && !node_attr(node, op->attrs[s].name)) {
            return REFUSE("attribute %s is missing", op->attrs[s].name);
        }
    }
    return true;
}

static bool check_rank(const struct slot *s, const struct slot_spec *spec)
{
    if (s->present && s->rank >= 0 && !rank_fits(spec, s->rank)) {
        return REFUSE("%s has rank %d where %d to %d is possible", spec->name, s->rank,
                      spec->rank_min, spec->rank_max);
    }
    return true;
}

static bool check_ranks(const struct instance *m)
{
    for (uint32_t k = 0; k < m->n_in; k++) {
        if (!check_rank(&m->in[k], op_input_spec(m->op, k))) {
            return false;
        }
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        if (!check_rank(&m->out[o], op_output_spec(m->op, o))) {
            return false;
        }
    }
    return true;
}

/* Outputs unknown: infer their dtypes, ranks and dims. */
static bool infer(struct instance *m, const struct program *p, const struct node *node,
                  struct relation *r)
{
    instance_describe(m, p, node);
    for (uint32_t k = 0; k < node->n_in; k++) {
        for (int d = 0; d < m->in[k].rank; d++) {
            m->in[k].dim[d] = relation_fixed(r, p->values[node->in[k]].shape.dim[d]);
        }
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        m->out[o].rank = -1;
        m->out[o].dtype = DTYPE_NONE;
    }
    if (!check_ranks(m) || !m->op->structure(m, NULL)) {
        return false;
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        for (int d = 0; d < m->out[o].rank; d++) {
            m->out[o].dim[d] = relation_var(r, 0, DIM_LIMIT);
        }
    }
    m->op->relate(r, m);
    struct rng rng = rng_seeded(0); /* everything follows: nothing is left to chance */
    if (relation_solve(r, &rng, 0) != SOLVE_SAT) {
        struct buffer shapes = BUFFER_INIT;
        for (uint32_t k = 0; k < node->n_in; k++) {
            if (m->in[k].present) {
                buffer_puts(&shapes, " ");
                shape_print(&p->values[node->in[k]].shape, &shapes);
            }
        }
        err_set(ERR_INPUT, "its input shapes%s and attributes do not fit together", shapes.data);
        buffer_release(&shapes);
        return false;
    }
    return true;
}

/* ERR_INPUT with the node's name before the last text. */
static enum err blame(const struct program *p, const struct node *node)
{
    char text[512];
    snprintf(text, sizeof(text), "%s", err_text());
    return err_set(ERR_INPUT, "%s (%s): %s", node_name(p, node), node->op_name, text);
}

enum err op_infer(const struct program *p, const struct node *node, struct arena *arena,
                  enum dtype *dtypes, struct shape *shapes)
{
    struct instance m;
    struct relation *r = relation_new(arena);
    if (!check_counts(node) || !check_attrs(node) || !infer(&m, p, node, r)) {
        return blame(p, node);
    }
    for (uint32_t o = 0; o < m.n_out; o++) {
        dtypes[o] = m.out[o].dtype;
        shapes[o] = slot_shape(&m.out[o], r);
    }
    return ERR_OK;
}

static bool check_against(const struct program *p, const struct node *node,
                          const struct instance *m, const struct relation *r)
{
    for (uint32_t o = 0; o < m->n_out; o++) {
        const struct value *v = &p->values[node->out[o]];
        if (v->dtype != m->out[o].dtype) {
            return REFUSE("its declared dtype is %s, but %s follows from its inputs",
                          dtype_name(v->dtype), dtype_name(m->out[o].dtype));
        }
        struct shape follows = slot_shape(&m->out[o], r);
        if (!shape_equal(&follows, &v->shape)) {
            struct buffer text = BUFFER_INIT;
            buffer_puts(&text, "its declared shape is ");
            shape_print(&v->shape, &text);
            buffer_puts(&text, ", but ");
            shape_print(&follows, &text);
            buffer_puts(&text, " follows from its inputs");
            err_set(ERR_INPUT, "%s", text.data);
            buffer_release(&text);
            return false;
        }
    }
    return true;
}

/* Is the node right as declared? The quick way; why not is found by inference. */
static bool holds(const struct program *p, const struct node *node, struct relation *r)
{
    struct instance m;
    relation_clear(r);
    instance_from_node(&m, p, node, r);
    if (!check_ranks(&m) || !m.op->structure(&m, NULL)) {
        return false;
    }
    m.op->relate(r, &m);
    struct rng rng = rng_seeded(0);
    return relation_solve(r, &rng, 0) == SOLVE_SAT;
}

static bool explain(const struct program *p, const struct node *node, struct relation *r)
{
    struct instance m;
    relation_clear(r);
    return infer(&m, p, node, r) && check_against(p, node, &m, r);
}

enum err ops_check(struct program *p)
{
    TRY(ops_resolve(p));
    struct arena *arena = arena_new();
    struct relation *r = relation_new(arena);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < p->n_nodes && err == ERR_OK; i++) {
        const struct node *node = &p->nodes[i];
        bool is_good =
            check_counts(node) && check_attrs(node) && (holds(p, node, r) || explain(p, node, r));
        if (!is_good) {
            err = blame(p, node);
        }
    }
    arena_free(arena);
    return err;
}

enum err program_infer(struct program *p, struct arena *arena)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        enum dtype dtypes[OP_OUTPUTS_MAX] = {DTYPE_NONE};
        struct shape shapes[OP_OUTPUTS_MAX];
        TRY(op_infer(p, node, arena, dtypes, shapes));
        for (uint32_t o = 0; o < node->n_out; o++) {
            p->values[node->out[o]].dtype = dtypes[o];
            p->values[node->out[o]].shape = shapes[o];
        }
    }
    return ERR_OK;
}
