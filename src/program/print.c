/* SPDX-License-Identifier: Apache-2.0 */
/* Programs as text (the grammar is in program.h). Values are printed in the order of their ids,
 * which parse.c gives back to them. */
#include "program/program.h"

#include <math.h>
#include <string.h>

static void print_value(const struct value *value, struct buffer *buffer)
{
    buffer_puts(buffer, value->name);
    buffer_puts(buffer, ": ");
    buffer_puts(buffer, dtype_name(value->dtype));
    shape_print(&value->shape, buffer);
}

static void print_const(const struct value *value, struct buffer *buffer)
{
    if (!value->data) {
        buffer_puts(buffer, "const ?");
        return;
    }
    buffer_puts(buffer, "const [");
    size_t numel = shape_numel(&value->shape);
    for (size_t i = 0; i < numel; i++) {
        if (i) {
            buffer_puts(buffer, ", ");
        }
        dtype_print(value->dtype, dtype_load(value->dtype, value->data, i), buffer);
    }
    buffer_puts(buffer, "]");
}

/* A real must not look like an integer. */
static void print_real(double f, struct buffer *buffer)
{
    size_t start = buffer->size;
    dtype_print(DTYPE_F64, f, buffer);
    if (isfinite(f) && !strpbrk(buffer->data + start, ".e")) {
        buffer_puts(buffer, ".0");
    }
}

void attr_print(const struct attr *attr, struct buffer *buffer)
{
    buffer_puts(buffer, attr->name);
    buffer_puts(buffer, "=");
    switch (attr->kind) {
    case ATTR_INT:
        buffer_printf(buffer, "%lld", (long long)attr->i[0]);
        break;
    case ATTR_INTS:
        buffer_puts(buffer, "[");
        for (int i = 0; i < attr->n; i++) {
            buffer_printf(buffer, i ? ",%lld" : "%lld", (long long)attr->i[i]);
        }
        buffer_puts(buffer, "]");
        break;
    case ATTR_REAL:
        print_real(attr->f, buffer);
        break;
    case ATTR_BOOL:
        buffer_puts(buffer, attr->i[0] ? "true" : "false");
        break;
    case ATTR_DTYPE:
        buffer_puts(buffer, dtype_name(attr->dtype));
        break;
    case ATTR_TEXT:
        buffer_printf(buffer, "\"%s\"", attr->text);
        break;
    }
}

static void print_alias(const struct node *node, struct buffer *buffer)
{
    bool any = false;
    for (uint32_t o = 0; node->alias && o < node->n_out; o++) {
        any |= node->alias[o] >= 0;
    }
    if (!any) {
        return;
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        buffer_puts(buffer, o ? "," : " alias(");
        if (node->alias[o] >= 0) {
            buffer_printf(buffer, "%d", node->alias[o]);
        } else {
            buffer_puts(buffer, "_");
        }
    }
    buffer_puts(buffer, ")");
}

static void print_node(const struct program *p, const struct node *node, struct buffer *buffer)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        buffer_puts(buffer, o ? ", " : "");
        print_value(&p->values[node->out[o]], buffer);
    }
    buffer_printf(buffer, " = %s(", node->op_name);
    const char *separator = "";
    for (uint32_t i = 0; i < node->n_in; i++, separator = ", ") {
        buffer_puts(buffer, separator);
        buffer_puts(buffer, node->in[i] == VALUE_ABSENT ? "_" : p->values[node->in[i]].name);
    }
    for (uint32_t i = 0; i < node->n_attrs; i++, separator = ", ") {
        buffer_puts(buffer, separator);
        attr_print(&node->attrs[i], buffer);
    }
    buffer_puts(buffer, ")");
    print_alias(node, buffer);
    for (uint32_t i = 0, first = 1; i < 32; i++) {
        if (node->mutates >> i & 1) {
            buffer_printf(buffer, first ? " mutates(%u" : ",%u", i);
            first = 0;
        }
    }
    buffer_puts(buffer, node->mutates ? ")\n" : "\n");
}

void program_print(const struct program *p, struct buffer *buffer)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *value = &p->values[id];
        if (value->kind == VALUE_NODE) {
            if (value->output == 0) {
                print_node(p, &p->nodes[value->node], buffer);
            }
            continue;
        }
        print_value(value, buffer);
        buffer_puts(buffer, " = ");
        if (value->kind == VALUE_CONST) {
            print_const(value, buffer);
        } else {
            buffer_puts(buffer, "input");
        }
        buffer_puts(buffer, "\n");
    }
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        buffer_puts(buffer, i ? ", " : "output ");
        buffer_puts(buffer, p->values[p->outputs[i]].name);
    }
    buffer_puts(buffer, p->n_outputs ? "\n" : "");
}
