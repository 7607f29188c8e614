/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plot of `opjury bench inputs`: clean programs on the left, CPU time on the right (decades),
 * both over the number of nodes; a line each for plain sampling and search in each scene.
 */
#include "bench_inputs.h"
#include "svg.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

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
    return panel->left + SVG_PANEL_WIDTH * (double)nodes / (double)panel->nodes_max;
}

static double y_of(const struct panel *panel, double value)
{
    double part = panel->is_time
                      ? (log10(fmax(value, 1e-9)) - first_decade) / (last_decade - first_decade)
                      : value / 100;
    return svg_panel_y(fmin(fmax(part, 0), 1));
}

static void draw_grid(struct buffer *svg, const struct panel *panel)
{
    char text[32];
    int first = panel->is_time ? first_decade : 0, last = panel->is_time ? last_decade : 5;
    for (int i = first; i <= last; i++) {
        double value = panel->is_time ? pow(10, i) : 20 * i;
        snprintf(text, sizeof(text), "%g", value);
        svg_grid_line(svg, panel->left, y_of(panel, value), text);
    }
    svg_frame(svg, panel->left, panel->is_time ? "CPU ms a sample or search" : "clean, %", "nodes");
}

static void draw_series(struct buffer *svg, const struct panel *panel, const struct series *series,
                        const struct inputs_row *rows, size_t n)
{
    measure_fn *measure = panel->is_time ? series->ms : series->percent;
    char text[32], command = 'M';
    svg_begin_curve(svg, series->colour, series->dash);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].scene, series->scene) == 0) {
            buffer_printf(svg, "%c%.1f %.1f", command, x_of(panel, rows[i].nodes),
                          y_of(panel, measure(&rows[i])));
            command = 'L';
        }
    }
    svg_end_curve(svg);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].scene, series->scene) == 0) {
            double x = x_of(panel, rows[i].nodes);
            buffer_printf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x,
                          y_of(panel, measure(&rows[i])), series->colour);
            snprintf(text, sizeof(text), "%" PRIu64, rows[i].nodes);
            svg_tick(svg, x, text);
        }
    }
}

void inputs_plot(const struct inputs_row *rows, size_t n, struct buffer *svg)
{
    uint64_t nodes_max = 1;
    for (size_t i = 0; i < n; i++) {
        nodes_max = rows[i].nodes > nodes_max ? rows[i].nodes : nodes_max;
    }
    svg_begin_panels(svg);
    for (int k = 0; k < 2; k++) {
        struct panel panel = {.left = svg_panel_left(k), .nodes_max = nodes_max, .is_time = k == 1};
        draw_grid(svg, &panel);
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
            draw_series(svg, &panel, &table[i], rows, n);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        svg_legend(svg, SVG_MARGIN + (double)i * 215, table[i].colour, table[i].dash,
                   table[i].name);
    }
    svg_end(svg);
}
