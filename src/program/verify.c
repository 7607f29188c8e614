/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a program: does it hold together, and what it hashes to. Neither knows what an op
 * means. The order that is demanded of ids is the order of the text form, which is why printing and
 * parsing keep ids and hash.
 */
#include "program/internal.h"

#include <ctype.h>
#include <string.h>

/* ---- names ---- */

bool text_is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_') {
        return false;
    }
    if (strcmp(text, "_") == 0) {
        return false;
    }
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && *text != '_') {
            return false;
        }
    }
    return true;
}

/* The slot that holds the name, or the free one where it would go. */
static size_t find_slot(const struct name_table *table, const struct program *p, const char *name)
{
    size_t mask = table->n_slots - 1;
    size_t slot = hash_text(name, 0) & mask;
    while (table->slots[slot] && strcmp(p->values[table->slots[slot] - 1].name, name) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

uint32_t name_table_find(const struct name_table *table, const struct program *p, const char *name)
{
    if (table->n_slots == 0) {
        return VALUE_ABSENT;
    }
    uint32_t held = table->slots[find_slot(table, p, name)];
    return held ? held - 1 : VALUE_ABSENT;
}

void name_table_add(struct name_table *table, const struct program *p, uint32_t value,
                    struct arena *arena)
{
    if (2 * (table->n_used + 1) > table->n_slots) {
        struct name_table wider = {.n_slots = table->n_slots ? 2 * table->n_slots : 64};
        wider.slots = ARENA_ZARRAY(arena, uint32_t, wider.n_slots);
        for (size_t i = 0; i < table->n_slots; i++) {
            uint32_t held = table->slots[i];
            if (held) {
                wider.slots[find_slot(&wider, p, p->values[held - 1].name)] = held;
            }
        }
        wider.n_used = table->n_used;
        *table = wider;
    }
    table->slots[find_slot(table, p, p->values[value].name)] = value + 1;
    table->n_used++;
}

/* ---- verify ---- */

static enum err verify_value(const struct value *value, size_t *total)
{
    const char *name = value->name;
    if (!text_is_name(name)) {
        return err_set(ERR_INPUT, "'%s' is no name of a value", name);
    }
    if (value->dtype <= DTYPE_NONE || value->dtype >= DTYPE_COUNT) {
        return err_set(ERR_INPUT, "value %s has no dtype", name);
    }
    if (value->shape.rank < 0 || value->shape.rank > RANK_MAX) {
        return err_set(ERR_INPUT, "value %s has rank %d, at most %d is possible", name,
                       value->shape.rank, RANK_MAX);
    }
    for (int32_t i = 0; i < RANK_MAX; i++) {
        int64_t dim = value->shape.dim[i];
        if (dim < 0 || dim > PROGRAM_NUMEL_MAX) {
            return err_set(ERR_INPUT, "value %s: dim %d is %lld, not in 0..%d", name, i,
                           (long long)dim, PROGRAM_NUMEL_MAX);
        }
        if (i >= value->shape.rank && dim != 0) {
            return err_set(ERR_INPUT, "value %s: dim %d lies beyond its rank", name, i);
        }
    }
    size_t numel = shape_numel(&value->shape);
    if (numel > PROGRAM_NUMEL_MAX - *total) {
        return err_set(ERR_INPUT, "with value %s the program has more than %d elements", name,
                       PROGRAM_NUMEL_MAX);
    }
    *total += numel;
    return ERR_OK;
}

static enum err verify_values(const struct program *p)
{
    struct name_table names = {0};
    size_t total = 0;
    uint32_t next_node = 0, next_output = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *value = &p->values[id];
        TRY(verify_value(value, &total));
        if (name_table_find(&names, p, value->name) != VALUE_ABSENT) {
            return err_set(ERR_INPUT, "two values are named %s", value->name);
        }
        name_table_add(&names, p, id, p->arena);
        if (value->kind != VALUE_NODE) {
            if (next_output != 0) {
                return err_set(ERR_INPUT, "value %s stands between outputs of one node",
                               value->name);
            }
            continue;
        }
        if (next_node >= p->n_nodes || value->node != next_node || value->output != next_output ||
            next_output >= p->nodes[next_node].n_out ||
            p->nodes[next_node].out[next_output] != id) {
            return err_set(ERR_INPUT, "value %s is not where its node's outputs belong",
                           value->name);
        }
        next_output++;
        if (next_output == p->nodes[next_node].n_out) {
            next_node++;
            next_output = 0;
        }
    }
    if (next_node != p->n_nodes || next_output != 0) {
        return err_set(ERR_INPUT, "node %u has no outputs", next_node);
    }
    return ERR_OK;
}

static bool attr_text_is_plain(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\') {
            return false;
        }
    }
    return true;
}

static enum err verify_attr(const char *name, const struct node *node, uint32_t index)
{
    const struct attr *attr = &node->attrs[index];
    if (!text_is_name(attr->name)) {
        return err_set(ERR_INPUT, "%s: '%s' is no name of an attribute", name, attr->name);
    }
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(node->attrs[i].name, attr->name) == 0) {
            return err_set(ERR_INPUT, "%s: attribute %s is given twice", name, attr->name);
        }
    }
    bool fits = false;
    switch (attr->kind) {
    case ATTR_INT:
    case ATTR_REAL:
        fits = true;
        break;
    case ATTR_INTS:
        fits = attr->n <= ATTR_VALUES_MAX;
        break;
    case ATTR_BOOL:
        fits = attr->i[0] == 0 || attr->i[0] == 1;
        break;
    case ATTR_DTYPE:
        fits = attr->dtype > DTYPE_NONE && attr->dtype < DTYPE_COUNT;
        break;
    case ATTR_TEXT:
        fits = attr_text_is_plain(attr->text);
        break;
    }
    return fits ? ERR_OK
                : err_set(ERR_INPUT, "%s: attribute %s has an impossible value", name, attr->name);
}

static enum err verify_node(const struct program *p, const struct node *node)
{
    const char *name = p->values[node->out[0]].name;
    if (!text_is_name(node->op_name) || strcmp(node->op_name, "input") == 0 ||
        strcmp(node->op_name, "const") == 0) {
        return err_set(ERR_INPUT, "%s: '%s' is no name of an op", name, node->op_name);
    }
    if (node->n_in > NODE_INPUTS_MAX || node->n_out > NODE_OUTPUTS_MAX ||
        node->n_attrs > NODE_ATTRS_MAX) {
        return err_set(ERR_INPUT, "%s has more than %d inputs, %d outputs or %d attributes", name,
                       NODE_INPUTS_MAX, NODE_OUTPUTS_MAX, NODE_ATTRS_MAX);
    }
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] != VALUE_ABSENT && node->in[i] >= node->out[0]) {
            return err_set(ERR_INPUT, "%s: input %u is not made before it", name, i);
        }
    }
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        TRY(verify_attr(name, node, i));
    }
    for (uint32_t o = 0; node->alias && o < node->n_out; o++) {
        if (node->alias[o] < -1 || node->alias[o] >= (int64_t)node->n_in) {
            return err_set(ERR_INPUT, "%s: alias names input %d of %u", name, node->alias[o],
                           node->n_in);
        }
    }
    if (node->n_in < 32 && node->mutates >> node->n_in) {
        return err_set(ERR_INPUT, "%s: mutates names an input that is not there", name);
    }
    return ERR_OK;
}

static enum err verify_outputs(const struct program *p)
{
    if (p->n_outputs == 0) {
        return err_set(ERR_INPUT, "the program has no output");
    }
    bool *seen = ARENA_ZARRAY(p->arena, bool, p->n_values);
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        if (p->outputs[i] >= p->n_values) {
            return err_set(ERR_INPUT, "output %u is no value", i);
        }
        if (seen[p->outputs[i]]) {
            return err_set(ERR_INPUT, "%s is an output twice", p->values[p->outputs[i]].name);
        }
        seen[p->outputs[i]] = true;
    }
    return ERR_OK;
}

static enum err verify_all(const struct program *p)
{
    TRY(verify_values(p));
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        TRY(verify_node(p, &p->nodes[i]));
    }
    return verify_outputs(p);
}

enum err program_verify(const struct program *p)
{
    struct arena_mark mark = arena_mark(p->arena);
    enum err err = verify_all(p);
    arena_rewind(p->arena, mark);
    return err;
}

/* ---- hash ---- */

static uint64_t attr_hash(const struct attr *attr)
{
    uint64_t hash = hash_text(attr->name, attr->kind);
    switch (attr->kind) {
    case ATTR_INT:
    case ATTR_BOOL:
        return hash_mix((uint64_t)attr->i[0], hash);
    case ATTR_INTS:
        return hash_bytes(attr->i, sizeof attr->i[0] * attr->n, hash);
    case ATTR_REAL: {
        struct tensor number = {.dtype = DTYPE_F64, .data = (void *)&attr->f};
        return tensor_hash(&number, hash);
    }
    case ATTR_DTYPE:
        return hash_mix(attr->dtype, hash);
    case ATTR_TEXT:
        return hash_text(attr->text, hash);
    }
    BUG("attribute kind %d", attr->kind);
}

static uint64_t node_hash(const struct node *node, uint64_t hash)
{
    hash = hash_text(node->op_name, hash);
    hash = hash_bytes(node->in, sizeof *node->in * node->n_in, hash);
    hash = hash_mix((uint64_t)node->n_out << 32 | node->mutates, hash);
    for (uint32_t o = 0; node->alias && o < node->n_out; o++) {
        if (node->alias[o] >= 0) {
            hash = hash_mix((uint64_t)o << 8 | (uint64_t)node->alias[o], hash);
        }
    }
    uint64_t attrs = 0; /* a sum: their order does not count */
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        attrs += attr_hash(&node->attrs[i]);
    }
    return hash_mix(attrs, hash);
}

uint64_t program_hash(const struct program *p)
{
    uint64_t hash = hash_mix(p->n_values, p->n_nodes);
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *value = &p->values[id];
        hash = hash_mix((uint64_t)value->kind << 16 | (uint64_t)value->dtype << 8 |
                            (uint64_t)value->shape.rank,
                        hash);
        hash = hash_bytes(value->shape.dim, sizeof(int64_t) * (size_t)value->shape.rank, hash);
        if (value->data) {
            struct tensor tensor = {
                .dtype = value->dtype, .shape = value->shape, .data = (void *)value->data};
            hash = tensor_hash(&tensor, hash);
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        hash = node_hash(&p->nodes[i], hash);
    }
    return hash_bytes(p->outputs, sizeof *p->outputs * p->n_outputs, hash);
}
