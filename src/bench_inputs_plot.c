/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plot of `opjury bench inputs`: clean programs on the left, CPU time on the right (decades),
 * both over the number of nodes; a line each for plain sampling and search in each scene.
 */
#include "bench_inputs.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Pixels: two panels side by side, the legend below. */
static const double width = 400, height = 260, margin = 60, legend = 40;
/* Least and largest CPU milliseconds shown, as powers of ten. */
static const int first_decade = -3, last_decade = 3;

typedef double measure_fn(const struct inputs_row *row);

static const struct series {
    const char *name, *scene, *colour, *dash;
    measure_fn *percent, *ms;
} table[] = {
    {"free: one sample", "free", "#c0392b", "4 3", inputs_plain, inputs_plain_ms},
    {"free: search", "free", "#c0392b", "", inputs_searched, inputs_search_ms},
    {"default: one sample", "default", "#2471a3", "4 3", inputs_plain, inputs_plain_ms},
    {"default: search", "default", "#2471a3", "", inputs_searched, inputs_search_ms},
};

struct panel {
    double left;
    uint64_t nodes_max;
    bool is_time;
};

static double x_of(const struct panel *panel, uint64_t nodes)
{
    return panel->left + width * (double)nodes / (double)panel->nodes_max;
}

static double y_of(const struct panel *panel, double value)
{
    double part = panel->is_time
                      ? (log10(fmax(value, 1e-9)) - first_decade) / (last_decade - first_decade)
                      : value / 100;
    return margin + height * (1 - fmin(fmax(part, 0), 1));
}

static void draw_text(struct buffer *svg, double x, double y, const char *anchor, const char *text)
{
    buffer_printf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                  text);
}

static void draw_grid(struct buffer *svg, const struct panel *panel)
{
    char text[32];
    int first = panel->is_time ? first_decade : 0, last = panel->is_time ? last_decade : 5;
    for (int i = first; i <= last; i++) {
        double value = panel->is_time ? pow(10, i) : 20 * i, y = y_of(panel, value);
        buffer_printf(svg, "<path d=\"M%.1f %.1fh%g\" stroke=\"#ddd\"/>\n", panel->left, y, width);
        snprintf(text, sizeof(text), "%g", value);
        draw_text(svg, panel->left - 6, y + 4, "end", text);
    }
    buffer_printf(svg, "<path d=\"M%.1f %gv%gh%g\" stroke=\"black\" fill=\"none\"/>\n", panel->left,
                  margin, height, width);
    draw_text(svg, panel->left + width / 2.0, margin - 14, "middle",
              panel->is_time ? "CPU ms a sample or search" : "clean, %");
    draw_text(svg, panel->left + width / 2.0, margin + height + 34, "middle", "nodes");
}

static void draw_series(struct buffer *svg, const struct panel *panel, const struct series *series,
                        const struct inputs_row *rows, size_t n)
{
    measure_fn *measure = panel->is_time ? series->ms : series->percent;
    char text[32], command = 'M';
    buffer_printf(svg, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s%s%s d=\"",
                  series->colour, *series->dash ? " stroke-dasharray=\"" : "", series->dash,
                  *series->dash ? "\"" : "");
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].scene, series->scene) == 0) {
            buffer_printf(svg, "%c%.1f %.1f", command, x_of(panel, rows[i].nodes),
                          y_of(panel, measure(&rows[i])));
            command = 'L';
        }
    }
    buffer_puts(svg, "\"/>\n");
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].scene, series->scene) == 0) {
            double x = x_of(panel, rows[i].nodes);
            buffer_printf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x,
                          y_of(panel, measure(&rows[i])), series->colour);
            snprintf(text, sizeof(text), "%" PRIu64, rows[i].nodes);
            draw_text(svg, x, margin + height + 16, "middle", text);
        }
    }
}

static void draw_legend(struct buffer *svg)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        const struct series *s = &table[i];
        double x = margin + (double)i * 215, y = margin + height + legend + 20;
        buffer_printf(svg, "<path d=\"M%.1f %.1fh30\" stroke=\"%s\" stroke-width=\"2\"%s%s%s/>\n",
                      x, y - 4, s->colour, *s->dash ? " stroke-dasharray=\"" : "", s->dash,
                      *s->dash ? "\"" : "");
        draw_text(svg, x + 36, y, "start", s->name);
    }
}

void inputs_plot(const struct inputs_row *rows, size_t n, struct buffer *svg)
{
    uint64_t nodes_max = 1;
    for (size_t i = 0; i < n; i++) {
        nodes_max = rows[i].nodes > nodes_max ? rows[i].nodes : nodes_max;
    }
    buffer_printf(svg,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
                  "font-family=\"sans-serif\" font-size=\"12\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                  2 * width + 3 * margin, height + 2 * margin + legend);
    for (int k = 0; k < 2; k++) {
        struct panel panel = {
            .left = margin + k * (width + margin), .nodes_max = nodes_max, .is_time = k == 1};
        draw_grid(svg, &panel);
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
            draw_series(svg, &panel, &table[i], rows, n);
        }
    }
    draw_legend(svg);
    buffer_puts(svg, "</svg>\n");
}
