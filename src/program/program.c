/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: made value by value and node by node, read, copied, cut down to what the outputs need.
 * The arrays grow in the program's arena. Ids follow the order of making, which is what makes the
 * text form canonical (see program_verify).
 */
#include "program/internal.h"

#include <stdlib.h>
#include <string.h>

/* An array with room for one more item: doubled in the arena, the old one is left to it. */
static void *grow(struct arena *arena, void *items, uint32_t n, uint32_t *capacity, size_t size)
{
    if (n < *capacity) {
        return items;
    }
    CHECK(n < UINT32_MAX / 4);
    *capacity = n < 8 ? 16 : 2 * n;
    void *wider = arena_alloc(arena, *capacity * size);
    if (n) {
        memcpy(wider, items, n * size);
    }
    return wider;
}

struct program *program_new(struct arena *arena)
{
    struct program *p = arena_zalloc(arena, sizeof *p);
    p->arena = arena;
    return p;
}

/* "x3": by kind and id. Only a given name can be in the way, so mostly nothing is searched. */
static const char *fresh_name(struct program *p, enum value_kind kind, uint32_t id)
{
    static const char letters[] = {[VALUE_INPUT] = 'x', [VALUE_CONST] = 'w', [VALUE_NODE] = 'v'};
    char name[32] = {letters[kind]};
    int n = 1;
    for (uint32_t rest = id / 10; rest > 0; rest /= 10) {
        n++;
    }
    for (int at = n; at > 0; at--, id /= 10) {
        name[at] = (char)('0' + id % 10);
    }
    n++;
    while (p->has_given_names && program_find_value(p, name) != VALUE_ABSENT) {
        CHECK(n < (int)sizeof name - 2);
        name[n++] = '_';
        name[n] = '\0';
    }
    return arena_copy(p->arena, name, (size_t)n + 1);
}

static uint32_t add_value(struct program *p, const char *name, struct value value)
{
    uint32_t id = p->n_values;
    value.name = name ? name : fresh_name(p, value.kind, id);
    p->has_given_names |= name != NULL;
    for (int32_t i = value.shape.rank < 0 ? 0 : value.shape.rank; i < RANK_MAX; i++) {
        value.shape.dim[i] = 0;
    }
    p->values = grow(p->arena, p->values, id, &p->values_capacity, sizeof *p->values);
    p->values[id] = value;
    p->n_values++;
    return id;
}

uint32_t program_add_input(struct program *p, const char *name, enum dtype d, const struct shape *s)
{
    return add_value(p, name, (struct value){.kind = VALUE_INPUT, .dtype = d, .shape = *s});
}

uint32_t program_add_const(struct program *p, const char *name, enum dtype d, const struct shape *s,
                           const void *data)
{
    return add_value(p, name,
                     (struct value){.kind = VALUE_CONST, .dtype = d, .shape = *s, .data = data});
}

/* NOLINTNEXTLINE(readability-function-size): three arrays and their counts, each used at once. */
uint32_t program_add_node(struct program *p, const char *op_name, uint32_t n_in, const uint32_t *in,
                          uint32_t n_attrs, const struct attr *attrs, uint32_t n_out,
                          const enum dtype *dtypes, const struct shape *shapes)
{
    return program_add_named_node(p, op_name, n_in, in, n_attrs, attrs, n_out, dtypes, shapes,
                                  NULL);
}

/* NOLINTNEXTLINE(readability-function-size): three arrays and their counts, each used at once. */
uint32_t program_add_named_node(struct program *p, const char *op_name, uint32_t n_in,
                                const uint32_t *in, uint32_t n_attrs, const struct attr *attrs,
                                uint32_t n_out, const enum dtype *dtypes,
                                const struct shape *shapes, const char *const *names)
{
    uint32_t index = p->n_nodes;
    struct node node = {
        .op_name = op_name,
        .n_in = n_in,
        .n_out = n_out,
        .n_attrs = n_attrs,
        .in = arena_copy(p->arena, in, sizeof *in * n_in),
        .out = ARENA_ARRAY(p->arena, uint32_t, n_out),
        .attrs = arena_copy(p->arena, attrs, sizeof *attrs * n_attrs),
    };
    for (uint32_t o = 0; o < n_out; o++) {
        node.out[o] = add_value(p, names ? names[o] : NULL,
                                (struct value){.kind = VALUE_NODE,
                                               .dtype = dtypes[o],
                                               .shape = shapes[o],
                                               .node = index,
                                               .output = o});
    }
    p->nodes = grow(p->arena, p->nodes, index, &p->nodes_capacity, sizeof *p->nodes);
    p->nodes[index] = node;
    p->n_nodes++;
    return index;
}

static void rename_ids(uint32_t *ids, uint32_t n, const uint32_t *to)
{
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = ids[i] == VALUE_ABSENT ? VALUE_ABSENT : to[ids[i]];
    }
}

void program_renumber(struct program *p, const uint32_t *to)
{
    struct value *values = ARENA_ARRAY(p->arena, struct value, p->n_values);
    for (uint32_t id = 0; id < p->n_values; id++) {
        values[to[id]] = p->values[id];
    }
    p->values = values;
    p->values_capacity = p->n_values;
    p->has_given_names = false;
    for (uint32_t id = 0; id < p->n_values; id++) {
        values[id].name = fresh_name(p, values[id].kind, id);
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        rename_ids(p->nodes[i].in, p->nodes[i].n_in, to);
        rename_ids(p->nodes[i].out, p->nodes[i].n_out, to);
    }
    rename_ids(p->outputs, p->n_outputs, to);
}

void program_add_output(struct program *p, uint32_t value)
{
    p->outputs = grow(p->arena, p->outputs, p->n_outputs, &p->outputs_capacity, sizeof *p->outputs);
    p->outputs[p->n_outputs++] = value;
}

/* ---- reading ---- */

const struct attr *node_attr(const struct node *node, const char *name)
{
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        if (text_equal(node->attrs[i].name, name)) {
            return &node->attrs[i];
        }
    }
    return NULL;
}

int64_t node_int(const struct node *node, const char *name, int64_t otherwise)
{
    const struct attr *attr = node_attr(node, name);
    bool is_int = attr && (attr->kind == ATTR_INT || attr->kind == ATTR_BOOL);
    return is_int ? attr->i[0] : otherwise;
}

double node_real(const struct node *node, const char *name, double otherwise)
{
    const struct attr *attr = node_attr(node, name);
    return attr && attr->kind == ATTR_REAL ? attr->f : otherwise;
}

static uint64_t bits_of(double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

bool attr_equal(const struct attr *a, const struct attr *b)
{
    if (strcmp(a->name, b->name) != 0 || a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case ATTR_INT:
    case ATTR_BOOL:
        return a->i[0] == b->i[0];
    case ATTR_INTS:
        return a->n == b->n && memcmp(a->i, b->i, sizeof a->i[0] * a->n) == 0;
    case ATTR_REAL: /* by bits: -0 is not 0; but one NaN is as good as another */
        return (a->f != a->f && b->f != b->f) || bits_of(a->f) == bits_of(b->f);
    case ATTR_DTYPE:
        return a->dtype == b->dtype;
    case ATTR_TEXT:
        return strcmp(a->text, b->text) == 0;
    }
    BUG("attribute kind %d", a->kind);
}

uint32_t program_n_inputs(const struct program *p)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        n += p->values[id].kind == VALUE_INPUT;
    }
    return n;
}

uint32_t program_input(const struct program *p, uint32_t k)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind == VALUE_INPUT && k-- == 0) {
            return id;
        }
    }
    BUG("program_input: no such input");
}

void program_mark_constants(const struct program *p, bool *is_const)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        is_const[id] = p->values[id].kind == VALUE_CONST;
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        bool all = true;
        for (uint32_t k = 0; k < node->n_in; k++) {
            all = all && (node->in[k] == VALUE_ABSENT || is_const[node->in[k]]);
        }
        for (uint32_t o = 0; o < node->n_out; o++) {
            is_const[node->out[o]] = all;
        }
    }
}

uint32_t program_find_value(const struct program *p, const char *name)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (strcmp(p->values[id].name, name) == 0) {
            return id;
        }
    }
    return VALUE_ABSENT;
}

/* ---- copying ---- */

/* Which values and nodes a copy takes over, and the ids they get there. */
struct selection {
    const bool *node;
    const bool *value; /* of inputs and consts */
    uint32_t *new_id;
};

static void copy_node(const struct program *p, const struct node *node, struct program *copy,
                      uint32_t *new_id)
{
    struct arena *arena = copy->arena;
    struct node to = *node;
    to.op_name = arena_strdup(arena, node->op_name);
    to.in = ARENA_ARRAY(arena, uint32_t, node->n_in);
    to.out = ARENA_ARRAY(arena, uint32_t, node->n_out);
    to.attrs = arena_copy(arena, node->attrs, sizeof *node->attrs * node->n_attrs);
    for (uint32_t i = 0; i < node->n_in; i++) {
        to.in[i] = node->in[i] == VALUE_ABSENT ? VALUE_ABSENT : new_id[node->in[i]];
    }
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        to.attrs[i].name = arena_strdup(arena, node->attrs[i].name);
        if (to.attrs[i].kind == ATTR_TEXT) {
            to.attrs[i].text = arena_strdup(arena, node->attrs[i].text);
        }
    }
    if (node->alias) {
        to.alias = arena_copy(arena, node->alias, sizeof *node->alias * node->n_out);
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct value value = p->values[node->out[o]];
        value.node = copy->n_nodes;
        to.out[o] = new_id[node->out[o]] = add_value(copy, arena_strdup(arena, value.name), value);
    }
    copy->nodes = grow(arena, copy->nodes, copy->n_nodes, &copy->nodes_capacity, sizeof to);
    copy->nodes[copy->n_nodes++] = to;
}

static struct program *copy_selected(const struct program *p, struct arena *arena,
                                     const struct selection *keep)
{
    struct program *copy = program_new(arena);
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct value value = p->values[id];
        if (value.kind == VALUE_NODE) {
            if (value.output == 0 && keep->node[value.node]) {
                copy_node(p, &p->nodes[value.node], copy, keep->new_id);
            }
            continue;
        }
        if (!keep->value[id]) {
            continue;
        }
        if (value.data) {
            struct tensor data = {.dtype = value.dtype, .shape = value.shape};
            value.data = arena_copy(arena, value.data, tensor_size(&data));
        }
        keep->new_id[id] = add_value(copy, arena_strdup(arena, value.name), value);
    }
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        program_add_output(copy, keep->new_id[p->outputs[i]]);
    }
    copy->has_given_names = p->has_given_names;
    return copy;
}

struct program *program_clone(const struct program *p, struct arena *arena)
{
    size_t n = (p->n_values > p->n_nodes ? p->n_values : p->n_nodes) + (size_t)1;
    bool *all = xmalloc(n);
    memset(all, true, n);
    uint32_t *new_id = xcalloc(n, sizeof *new_id);
    struct program *copy =
        copy_selected(p, arena, &(struct selection){.node = all, .value = all, .new_id = new_id});
    free(new_id);
    free(all);
    return copy;
}

struct program *program_prune(const struct program *p, struct arena *arena, bool drop_inputs)
{
    bool *node = xcalloc(p->n_nodes, sizeof *node);
    bool *value = xcalloc(p->n_values, sizeof *value);
    uint32_t *new_id = xcalloc(p->n_values, sizeof *new_id);
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        value[p->outputs[i]] = true;
    }
    /* Producers come first, so one walk backwards finds all that is needed. What a node writes into
     * may be seen through another name: such nodes stay. */
    for (uint32_t i = p->n_nodes; i-- > 0;) {
        const struct node *n = &p->nodes[i];
        node[i] = n->mutates != 0;
        for (uint32_t o = 0; o < n->n_out; o++) {
            node[i] |= value[n->out[o]];
        }
        for (uint32_t k = 0; node[i] && k < n->n_in; k++) {
            if (n->in[k] != VALUE_ABSENT) {
                value[n->in[k]] = true;
            }
        }
    }
    for (uint32_t id = 0; id < p->n_values && !drop_inputs; id++) {
        value[id] |= p->values[id].kind == VALUE_INPUT;
    }
    struct program *copy = copy_selected(
        p, arena, &(struct selection){.node = node, .value = value, .new_id = new_id});
    free(new_id);
    free(value);
    free(node);
    return copy;
}

const char *const placement_names[] = {
    [PLACE_ALIGNED] = "aligned",
    [PLACE_END] = "end",
    [PLACE_START] = "start",
    NULL,
};
