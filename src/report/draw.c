/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layered drawing of a graph from top to bottom: K. Sugiyama, S. Tagawa, M. Toda, "Methods for
 * Visual Understanding of Hierarchical System Structures", 1981. Every item has a layer below all
 * that it reads; an edge over several layers goes through a bend in each; items of a layer are
 * ordered by the mean place of their neighbours, and then moved towards it. Lengths are pixels.
 */
#include <stdlib.h>
#include <string.h>

#include "report/draw.h"
#include "report/escape.h"

enum item_kind { ITEM_SOURCE, ITEM_OP, ITEM_RESULT, ITEM_BEND };

/* Characters of the drawing's font (monospace, 12 px) are 0.602 em wide in DejaVu Sans Mono, one of
 * the widest. */
static const double char_width = 7.3;
static const double line_height = 15, padding = 8, gap_x = 22, gap_y = 44, margin = 8;
enum { SWEEPS = 6, TEXT_MAX = 44, VALUES_SHOWN = 4 };

struct item {
    enum item_kind kind;
    uint32_t id; /* of the value; OP: the node's index */
    int layer;
    double x, y, width, height; /* x: its middle, y: its top */
    double place;               /* the mean of its neighbours */
    size_t order;               /* in its layer */
};
/* Between neighbouring layers: a tensor, or a part of its way. */
struct edge {
    size_t from, to;   /* items */
    size_t out, n_out; /* which of the upper item's outputs it begins at */
    size_t in, n_in;   /* which of the lower item's inputs it ends at */
    uint32_t value;
    bool is_last; /* of its tensor's way: it has the tip */
};
struct drawing {
    const struct program *p;
    const char *wrong;
    struct arena *arena;
    size_t n_items, n_edges;
    struct item *items;
    struct edge *edges;
    size_t *source_items, *node_items; /* by value, by node */
    int n_layers;
    size_t **layers, *layer_sizes;
    double width, height;
};

/* ---- what stands in the boxes ---- */

static const char *cut(const char *text, struct arena *arena)
{
    return strlen(text) <= TEXT_MAX ? text : arena_printf(arena, "%.*s...", TEXT_MAX - 3, text);
}

static const char *kept(struct buffer *text, struct arena *arena)
{
    const char *copy = arena_strdup(arena, text->size > 0 ? text->data : "");
    buffer_release(text);
    return copy;
}

static const char *type_text(const struct value *v, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    buffer_puts(&text, dtype_name(v->dtype));
    shape_print(&v->shape, &text);
    return kept(&text, arena);
}

/* "w0 = [1, 2]", longer ones by their name alone. */
static const char *source_text(const struct value *v, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    buffer_puts(&text, v->name);
    size_t n = shape_numel(&v->shape);
    if (v->kind == VALUE_CONST && v->data != NULL && n <= VALUES_SHOWN) {
        buffer_puts(&text, " = [");
        for (size_t i = 0; i < n; i++) {
            buffer_puts(&text, i > 0 ? ", " : "");
            dtype_print(v->dtype, dtype_load(v->dtype, v->data, i), &text);
        }
        buffer_puts(&text, "]");
    }
    return cut(kept(&text, arena), arena);
}

/* The text of a node is the program's own: what stands behind its inputs. */
static const char *attrs_text(const struct node *node, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        buffer_puts(&text, i > 0 ? ", " : "");
        attr_print(&node->attrs[i], &text);
    }
    return kept(&text, arena);
}

static double text_width(const char *text)
{
    return char_width * (double)strlen(text);
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

/* Wide enough for the labels of all outputs below it, side by side. */
static double labels_width(const struct program *p, const uint32_t *values, size_t n,
                           struct arena *arena)
{
    double widest = 0;
    for (size_t i = 0; i < n; i++) {
        widest = max(widest, text_width(type_text(&p->values[values[i]], arena)) + padding);
    }
    return widest * (double)n;
}

/* ---- items and layers ---- */

static size_t add_item(struct drawing *d, enum item_kind kind, uint32_t id, int layer)
{
    d->items = arena_room(d->arena, d->items, d->n_items, sizeof(*d->items));
    d->items[d->n_items] = (struct item){.kind = kind, .id = id, .layer = layer};
    d->n_layers = layer >= d->n_layers ? layer + 1 : d->n_layers;
    return d->n_items++;
}

static bool is_source(const struct program *p, uint32_t value)
{
    return p->values[value].kind != VALUE_NODE;
}

static void add_nodes(struct drawing *d)
{
    const struct program *p = d->p;
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *node = &p->nodes[n];
        int layer = 1;
        for (uint32_t i = 0; i < node->n_in; i++) {
            if (node->in[i] != VALUE_ABSENT && !is_source(p, node->in[i])) {
                int above = d->items[d->node_items[p->values[node->in[i]].node]].layer;
                layer = above + 1 > layer ? above + 1 : layer;
            }
        }
        d->node_items[n] = add_item(d, ITEM_OP, n, layer);
        struct item *item = &d->items[d->node_items[n]];
        const char *attrs = cut(attrs_text(node, d->arena), d->arena);
        item->width = 2 * padding + max(text_width(node->op_name), text_width(attrs));
        item->width = max(item->width, labels_width(p, node->out, node->n_out, d->arena));
        item->height = 2 * padding + line_height * (*attrs != '\0' ? 2 : 1);
    }
}

/* Right above the first that reads it. */
static void add_sources(struct drawing *d)
{
    const struct program *p = d->p;
    for (uint32_t v = 0; v < p->n_values; v++) {
        int layer = -1;
        for (uint32_t n = 0; is_source(p, v) && n < p->n_nodes; n++) {
            for (uint32_t i = 0; i < p->nodes[n].n_in; i++) {
                int reader = d->items[d->node_items[n]].layer;
                if (p->nodes[n].in[i] == v && (layer < 0 || reader - 1 < layer)) {
                    layer = reader - 1;
                }
            }
        }
        if (!is_source(p, v)) {
            continue;
        }
        d->source_items[v] = add_item(d, ITEM_SOURCE, v, layer < 0 ? 0 : layer);
        struct item *item = &d->items[d->source_items[v]];
        item->width = 2 * padding + text_width(source_text(&p->values[v], d->arena));
        item->width = max(item->width, labels_width(p, &v, 1, d->arena));
        item->height = 2 * padding + line_height;
    }
}

/* ---- edges ---- */

static struct edge *add_edge(struct drawing *d, struct edge edge)
{
    d->edges = arena_room(d->arena, d->edges, d->n_edges, sizeof(*d->edges));
    d->edges[d->n_edges] = edge;
    return &d->edges[d->n_edges++];
}

/* The way of a tensor from where it is made to `to`: an edge for every layer between. */
static void connect(struct drawing *d, uint32_t value, size_t to, size_t in, size_t n_in)
{
    const struct value *v = &d->p->values[value];
    bool source = is_source(d->p, value);
    size_t from = source ? d->source_items[value] : d->node_items[v->node];
    struct edge edge = {.value = value,
                        .out = source ? 0 : v->output,
                        .n_out = source ? 1 : d->p->nodes[v->node].n_out,
                        .in = 0,
                        .n_in = 1};
    while (d->items[from].layer + 1 < d->items[to].layer) {
        edge.from = from;
        from = add_item(d, ITEM_BEND, value, d->items[from].layer + 1);
        edge.to = from;
        add_edge(d, edge);
        edge.out = 0;
        edge.n_out = 1;
    }
    edge.from = from;
    edge.to = to;
    edge.in = in;
    edge.n_in = n_in;
    edge.is_last = true;
    add_edge(d, edge);
}

static void add_edges(struct drawing *d)
{
    const struct program *p = d->p;
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        for (uint32_t i = 0; i < p->nodes[n].n_in; i++) {
            if (p->nodes[n].in[i] != VALUE_ABSENT) {
                connect(d, p->nodes[n].in[i], d->node_items[n], i, p->nodes[n].n_in);
            }
        }
    }
    CHECK(d->items != NULL); /* what is an output is a source or of a node */
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        uint32_t v = p->outputs[o];
        size_t from = is_source(p, v) ? d->source_items[v] : d->node_items[p->values[v].node];
        size_t to = add_item(d, ITEM_RESULT, v, d->items[from].layer + 1);
        d->items[to].width = 2 * padding + text_width(p->values[v].name);
        d->items[to].height = 2 * padding + line_height;
        connect(d, v, to, 0, 1);
    }
}

/* ---- order within layers ---- */

static void fill_layers(struct drawing *d)
{
    size_t n = (size_t)d->n_layers;
    d->layers = ARENA_ZARRAY(d->arena, size_t *, n);
    d->layer_sizes = ARENA_ZARRAY(d->arena, size_t, n);
    for (size_t l = 0; l < n; l++) {
        d->layers[l] = ARENA_ARRAY(d->arena, size_t, d->n_items);
    }
    for (size_t i = 0; i < d->n_items; i++) {
        size_t l = (size_t)d->items[i].layer;
        d->items[i].order = d->layer_sizes[l];
        d->layers[l][d->layer_sizes[l]++] = i;
    }
}

/* Where along the item's width its k-th of n places is. */
static double port(const struct item *item, size_t k, size_t n)
{
    return item->x - item->width / 2 + item->width * (double)(2 * k + 1) / (double)(2 * n);
}

static double edge_start(const struct drawing *d, const struct edge *e)
{
    return port(&d->items[e->from], e->out, e->n_out);
}

static double edge_end(const struct drawing *d, const struct edge *e)
{
    return port(&d->items[e->to], e->in, e->n_in);
}

/* The mean of the neighbours in the layer above or below, where they touch the edges. */
static void find_place(struct drawing *d, size_t item, bool from_above)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < d->n_edges; i++) {
        const struct edge *e = &d->edges[i];
        if (from_above ? e->to == item : e->from == item) {
            double here = from_above ? edge_end(d, e) : edge_start(d, e);
            double there = from_above ? edge_start(d, e) : edge_end(d, e);
            sum += there - (here - d->items[item].x);
            n++;
        }
    }
    d->items[item].place = n > 0 ? sum / (double)n : d->items[item].x;
}

static int by_place(const void *a, const void *b, void *drawing)
{
    const struct drawing *d = drawing;
    const struct item *x = &d->items[*(const size_t *)a], *y = &d->items[*(const size_t *)b];
    if (x->place != y->place) {
        return x->place < y->place ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

/* As near to their places as order and room allow: the mean of what is pushed to the right and what
 * is pushed to the left keeps the gaps of both. */
static void spread(struct drawing *d, size_t layer)
{
    size_t n = d->layer_sizes[layer];
    double *right = ARENA_ARRAY(d->arena, double, n), *left = ARENA_ARRAY(d->arena, double, n);
    for (size_t i = 0; i < n; i++) {
        const struct item *item = &d->items[d->layers[layer][i]];
        right[i] = item->place;
        if (i > 0) {
            const struct item *last = &d->items[d->layers[layer][i - 1]];
            right[i] = max(right[i], right[i - 1] + (last->width + item->width) / 2 + gap_x);
        }
    }
    for (size_t i = n; i-- > 0;) {
        const struct item *item = &d->items[d->layers[layer][i]];
        left[i] = item->place;
        if (i + 1 < n) {
            const struct item *next = &d->items[d->layers[layer][i + 1]];
            double most = left[i + 1] - (next->width + item->width) / 2 - gap_x;
            left[i] = left[i] < most ? left[i] : most;
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct item *item = &d->items[d->layers[layer][i]];
        item->x = (right[i] + left[i]) / 2;
        item->order = i;
    }
}

static void sweep_layer(struct drawing *d, size_t layer, bool from_above)
{
    for (size_t i = 0; i < d->layer_sizes[layer]; i++) {
        find_place(d, d->layers[layer][i], from_above);
    }
    qsort_r(d->layers[layer], d->layer_sizes[layer], sizeof(size_t), by_place, d);
    spread(d, layer);
}

static void place_items(struct drawing *d)
{
    size_t n = (size_t)d->n_layers;
    for (size_t l = 0; l < n; l++) {
        spread(d, l); /* all places are 0: in order, side by side */
    }
    for (int s = 0; s < SWEEPS; s++) {
        for (size_t l = 0; l < n; l++) {
            sweep_layer(d, l, true);
        }
        for (size_t l = n; l-- > 0;) {
            sweep_layer(d, l, false);
        }
    }
}

static int by_left(const void *a, const void *b)
{
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    double left_x = x->x - x->width / 2, left_y = y->x - y->width / 2;
    return left_x < left_y ? -1 : left_x > left_y;
}

/* Parts that have nothing to do with each other drift apart: strips with nothing in them go. */
static void close_up(struct drawing *d)
{
    struct item **items = ARENA_ARRAY(d->arena, struct item *, d->n_items);
    for (size_t i = 0; i < d->n_items; i++) {
        items[i] = &d->items[i];
    }
    qsort(items, d->n_items, sizeof(struct item *), by_left);
    double shift = 0, covered = 0; /* covered: how far, as moved */
    for (size_t i = 0; i < d->n_items; i++) {
        double left = items[i]->x - items[i]->width / 2 + shift;
        if (i > 0 && left > covered + gap_x) {
            shift -= left - covered - gap_x;
        }
        items[i]->x += shift;
        double right = items[i]->x + items[i]->width / 2;
        covered = i == 0 ? right : max(covered, right);
    }
}

/* Numbers from the left and the top margin on; a bend is as tall as its layer. */
static void settle(struct drawing *d)
{
    close_up(d);
    double least = 0, most = 0, y = margin;
    for (size_t i = 0; i < d->n_items; i++) {
        double left = d->items[i].x - d->items[i].width / 2, right = left + d->items[i].width;
        least = i == 0 || left < least ? left : least;
        most = i == 0 ? right : max(most, right);
    }
    for (size_t l = 0; l < (size_t)d->n_layers; l++) {
        double tallest = 0;
        for (size_t i = 0; i < d->layer_sizes[l]; i++) {
            tallest = max(tallest, d->items[d->layers[l][i]].height);
        }
        for (size_t i = 0; i < d->layer_sizes[l]; i++) {
            struct item *item = &d->items[d->layers[l][i]];
            item->x += margin - least;
            item->y = y;
            item->height = item->kind == ITEM_BEND ? tallest : item->height;
        }
        y += tallest + gap_y;
    }
    d->width = most - least + 2 * margin;
    d->height = y - gap_y + margin;
}

/* ---- the picture ---- */

static bool is_wrong(const struct drawing *d, uint32_t value)
{
    return d->wrong != NULL && strcmp(d->p->values[value].name, d->wrong) == 0;
}

static void put_text(struct buffer *svg, const char *class, double x, double y, const char *text)
{
    buffer_printf(svg, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    xml_text(svg, text);
    buffer_puts(svg, "</text>\n");
}

static void put_box(struct buffer *svg, const struct item *item, const char *class, double round)
{
    buffer_printf(svg,
                  "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                  "rx=\"%g\"/>\n",
                  class, item->x - item->width / 2, item->y, item->width, item->height, round);
}

static void put_edge(struct buffer *svg, const struct drawing *d, const struct edge *e)
{
    const struct item *from = &d->items[e->from], *to = &d->items[e->to];
    double x1 = edge_start(d, e), y1 = from->y + from->height, x2 = edge_end(d, e), y2 = to->y;
    double middle = (y1 + y2) / 2;
    const char *class = is_wrong(d, e->value) ? "edge wrong" : "edge";
    buffer_printf(svg, "<path class=\"%s\" d=\"M%.1f %.1f", class, x1,
                  from->kind == ITEM_BEND ? from->y : y1);
    buffer_printf(svg, "L%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x1, y1, x1, middle, x2, middle,
                  x2, y2);
    if (e->is_last) {
        buffer_puts(svg, "m-4 -7l4 7l4 -7");
    }
    buffer_puts(svg, "\"/>\n");
}

static void put_label(struct buffer *svg, const struct drawing *d, const struct item *item,
                      uint32_t value, size_t k, size_t n)
{
    put_text(svg, is_wrong(d, value) ? "label wrong" : "label", port(item, k, n),
             item->y + item->height + line_height + 2, type_text(&d->p->values[value], d->arena));
}

static void put_op(struct buffer *svg, const struct drawing *d, const struct item *item)
{
    const struct node *node = &d->p->nodes[item->id];
    const char *attrs = attrs_text(node, d->arena);
    double y = item->y + padding + 11; /* text stands on its base line */
    buffer_puts(svg, "<g><title>");
    xml_text(svg, node->op_name);
    buffer_puts(svg, *attrs != '\0' ? ": " : "");
    xml_text(svg, attrs);
    buffer_puts(svg, "</title>\n");
    put_box(svg, item, "op", 3);
    put_text(svg, "name", item->x, y, node->op_name);
    if (*attrs != '\0') {
        put_text(svg, "attrs", item->x, y + line_height, cut(attrs, d->arena));
    }
    buffer_puts(svg, "</g>\n");
    for (uint32_t o = 0; o < node->n_out; o++) {
        put_label(svg, d, item, node->out[o], o, node->n_out);
    }
}

static void put_item(struct buffer *svg, const struct drawing *d, const struct item *item)
{
    switch (item->kind) {
    case ITEM_OP:
        put_op(svg, d, item);
        break;
    case ITEM_SOURCE:
        put_box(svg, item, d->p->values[item->id].kind == VALUE_CONST ? "source const" : "source",
                item->height / 2);
        put_text(svg, "name", item->x, item->y + padding + 11,
                 source_text(&d->p->values[item->id], d->arena));
        put_label(svg, d, item, item->id, 0, 1);
        break;
    case ITEM_RESULT:
        put_box(svg, item, is_wrong(d, item->id) ? "result wrong" : "result", item->height / 2);
        put_text(svg, "name", item->x, item->y + padding + 11, d->p->values[item->id].name);
        break;
    case ITEM_BEND:
        break;
    }
}

static void put_drawing(struct buffer *svg, const struct drawing *d)
{
    buffer_printf(svg,
                  "<svg class=\"program\" role=\"img\" aria-label=\"the program: %u operators\" "
                  "width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
                  d->p->n_nodes, d->width, d->height, d->width, d->height);
    for (size_t i = 0; i < d->n_edges; i++) {
        put_edge(svg, d, &d->edges[i]);
    }
    for (size_t i = 0; i < d->n_items; i++) {
        put_item(svg, d, &d->items[i]);
    }
    buffer_puts(svg, "</svg>\n");
}

void draw_program(const struct program *p, const char *wrong, struct buffer *svg)
{
    struct arena *arena = arena_new();
    struct drawing d = {.p = p, .wrong = wrong, .arena = arena};
    d.source_items = ARENA_ZARRAY(arena, size_t, p->n_values);
    d.node_items = ARENA_ZARRAY(arena, size_t, p->n_nodes);
    add_nodes(&d);
    add_sources(&d);
    add_edges(&d);
    fill_layers(&d);
    place_items(&d);
    settle(&d);
    put_drawing(svg, &d);
    arena_free(arena);
}
