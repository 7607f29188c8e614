/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plots of `opjury compare`: distinct pairs of ops and new buckets over CPU time, a line each
 * for every generator, and which buckets two or three generators share.
 */
#include "compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Pixels: two panels side by side, the legend below. */
static const double width = 400, height = 260, margin = 60, legend = 40;

static const char *const colours[COMPARE_MAX] = {"#2471a3", "#c0392b", "#1e8449", "#b9770e",
                                                 "#7d3c98", "#566573", "#d4ac0d", "#117a65"};

static void begin_svg(struct buffer *svg, double w, double h)
{
    buffer_printf(svg,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
                  "font-family=\"sans-serif\" font-size=\"12\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                  w, h);
}

static void draw_text(struct buffer *svg, double x, double y, const char *anchor, const char *text)
{
    buffer_printf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                  text);
}

/* ---- curves ---- */

enum measure { MEASURE_PAIRS, MEASURE_BUCKETS, MEASURES };
static const char *const measure_names[MEASURES] = {"distinct pairs of operators", "new buckets"};

static uint64_t measured(const struct compare_row *row, size_t point, enum measure measure)
{
    return measure == MEASURE_PAIRS ? row->at[point].n[VARIETY_PAIRS]
                                    : row->progress.points[point].buckets;
}

struct panel {
    enum measure measure;
    double left, cpu_max, y_max;
};

static struct panel panel_of(enum measure measure, const struct compare_row *rows, size_t n)
{
    struct panel panel = {.measure = measure,
                          .left = margin + (measure == MEASURE_BUCKETS ? width + margin : 0),
                          .cpu_max = 1e-3,
                          .y_max = 1};
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < rows[k].progress.n; i++) {
            double cpu = rows[k].progress.points[i].cpu;
            double y = (double)measured(&rows[k], i, measure);
            panel.cpu_max = cpu > panel.cpu_max ? cpu : panel.cpu_max;
            panel.y_max = y > panel.y_max ? y : panel.y_max;
        }
    }
    return panel;
}

static void draw_axes(struct buffer *svg, const struct panel *panel)
{
    const int ticks = 4;
    char text[32];
    for (int i = 0; i <= ticks; i++) {
        double y = margin + height * (1 - (double)i / ticks);
        double x = panel->left + width * i / ticks;
        buffer_printf(svg, "<path d=\"M%.1f %.1fh%g\" stroke=\"#ddd\"/>\n", panel->left, y, width);
        snprintf(text, sizeof(text), "%.4g", panel->y_max * i / ticks);
        draw_text(svg, panel->left - 6, y + 4, "end", text);
        snprintf(text, sizeof(text), "%.3g", panel->cpu_max * i / ticks);
        draw_text(svg, x, margin + height + 16, "middle", text);
    }
    buffer_printf(svg, "<path d=\"M%.1f %gv%gh%g\" stroke=\"black\" fill=\"none\"/>\n", panel->left,
                  margin, height, width);
    draw_text(svg, panel->left + width / 2, margin - 14, "middle", measure_names[panel->measure]);
    draw_text(svg, panel->left + width / 2, margin + height + 34, "middle", "CPU seconds");
}

static void draw_curve(struct buffer *svg, const struct panel *panel, const struct compare_row *row,
                       const char *colour)
{
    buffer_printf(svg, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"M%.1f %.1f",
                  colour, panel->left, margin + height);
    for (size_t i = 0; i < row->progress.n; i++) {
        double x = panel->left + width * row->progress.points[i].cpu / panel->cpu_max;
        double part = (double)measured(row, i, panel->measure) / panel->y_max;
        buffer_printf(svg, "L%.1f %.1f", x, margin + height * (1 - part));
    }
    buffer_puts(svg, "\"/>\n");
}

void compare_curves_svg(const struct compare_row *rows, size_t n, struct buffer *svg)
{
    begin_svg(svg, 2 * width + 3 * margin, height + 2 * margin + legend);
    for (enum measure m = 0; m < MEASURES; m++) {
        struct panel panel = panel_of(m, rows, n);
        draw_axes(svg, &panel);
        for (size_t k = 0; k < n; k++) {
            draw_curve(svg, &panel, &rows[k], colours[k]);
        }
    }
    for (size_t k = 0; k < n; k++) {
        double x = margin + (double)k * 110, y = margin + height + legend + 20;
        buffer_printf(svg, "<path d=\"M%.1f %.1fh30\" stroke=\"%s\" stroke-width=\"2\"/>\n", x,
                      y - 4, colours[k]);
        draw_text(svg, x + 36, y, "start", rows[k].generator->name);
    }
    buffer_puts(svg, "</svg>\n");
}

/* ---- shared buckets ---- */

/* Centres of the circles, and where the number of each set stands (bit k: circle k). */
struct place {
    double x, y;
};
static const double radius = 90;
static const struct place centres[2][VENN_MAX] = {{{140, 150}, {250, 150}},
                                                  {{140, 150}, {250, 150}, {195, 245}}};
static const struct place labels[2][1 << VENN_MAX] = {
    {{0, 0}, {100, 154}, {290, 154}, {195, 154}},
    {{0, 0}, {100, 135}, {290, 135}, {195, 120}, {195, 295}, {140, 214}, {250, 214}, {195, 186}}};
static const struct place names[VENN_MAX] = {{140, 50}, {250, 50}, {195, 352}};

void compare_venn_svg(const struct compare_row *rows, size_t n, struct buffer *svg)
{
    CHECK(n >= 2 && n <= VENN_MAX);
    char text[32];
    begin_svg(svg, 390, 370);
    draw_text(svg, 195, 24, "middle", "buckets");
    for (size_t k = 0; k < n; k++) {
        const struct place *c = &centres[n - 2][k];
        buffer_printf(svg,
                      "<circle cx=\"%g\" cy=\"%g\" r=\"%g\" fill=\"%s\" fill-opacity=\"0.25\" "
                      "stroke=\"%s\"/>\n",
                      c->x, c->y, radius, colours[k], colours[k]);
        draw_text(svg, names[k].x, names[k].y, "middle", rows[k].generator->name);
    }
    for (unsigned set = 1; set < 1u << n; set++) {
        snprintf(text, sizeof(text), "%" PRIu64, compare_shared(rows, n, set));
        draw_text(svg, labels[n - 2][set].x, labels[n - 2][set].y, "middle", text);
    }
    buffer_puts(svg, "</svg>\n");
}

/* ---- files ---- */

/* Blocks of lines, one a generator, with two empty lines between: what gnuplot calls an index. */
static void print_points(const struct compare_row *rows, size_t n, struct buffer *csv)
{
    for (size_t k = 0; k < n; k++) {
        buffer_printf(csv, "%s# %s: CPU seconds, tests, pairs of ops, new buckets\n",
                      k == 0 ? "" : "\n\n", rows[k].generator->name);
        for (size_t i = 0; i < rows[k].progress.n; i++) {
            const struct campaign_point *p = &rows[k].progress.points[i];
            buffer_printf(csv, "%.3f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", p->cpu, p->tests,
                          rows[k].at[i].n[VARIETY_PAIRS], p->buckets);
        }
    }
}

static void print_script(const struct compare_row *rows, size_t n, struct buffer *script)
{
    static const int columns[MEASURES] = {3, 4};
    buffer_puts(script, "set terminal pngcairo size 1000,420\nset output 'curves.png'\n"
                        "set datafile separator ','\nset key bottom right\n"
                        "set xlabel 'CPU seconds'\nset multiplot layout 1,2\n");
    for (enum measure m = 0; m < MEASURES; m++) {
        buffer_printf(script, "set title '%s'\nplot [0:] [0:]", measure_names[m]);
        for (size_t k = 0; k < n; k++) {
            buffer_printf(script,
                          "%s 'curves.csv' index %zu using 1:%d with lines lw 2 "
                          "lc rgb '%s' title '%s'",
                          k == 0 ? "" : ",", k, columns[m], colours[k], rows[k].generator->name);
        }
        buffer_puts(script, "\n");
    }
    buffer_puts(script, "unset multiplot\n");
}

/* In DIR. *drawn false: there is no gnuplot. */
static enum err run_gnuplot(const char *dir, bool *drawn)
{
    enum { NOT_THERE = 127 };
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return err_set(ERR_IO, "cannot start gnuplot: %m");
    }
    if (pid == 0) {
        if (chdir(dir) == 0) {
            execlp("gnuplot", "gnuplot", "curves.gp", (char *)NULL);
        }
        _exit(NOT_THERE);
    }
    if (waitpid(pid, &status, 0) != pid) {
        return err_set(ERR_IO, "cannot wait for gnuplot: %m");
    }
    *drawn = !(WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE);
    if (*drawn && status != 0) {
        return err_set(ERR_IO, "gnuplot failed on %s/curves.gp", dir);
    }
    return ERR_OK;
}

static enum err write_buffer(const char *dir, const char *name, struct buffer *text,
                             struct arena *arena)
{
    enum err err = file_write(arena_printf(arena, "%s/%s", dir, name), text->data, text->size);
    buffer_release(text);
    return err;
}

enum err compare_plot(const char *dir, const struct compare_row *rows, size_t n,
                      struct arena *arena, bool *drawn)
{
    struct buffer svg = BUFFER_INIT, venn = BUFFER_INIT, csv = BUFFER_INIT, script = BUFFER_INIT;
    compare_curves_svg(rows, n, &svg);
    TRY(write_buffer(dir, "curves.svg", &svg, arena));
    if (n >= 2 && n <= VENN_MAX) {
        compare_venn_svg(rows, n, &venn);
        TRY(write_buffer(dir, "venn.svg", &venn, arena));
    }
    print_points(rows, n, &csv);
    TRY(write_buffer(dir, "curves.csv", &csv, arena));
    print_script(rows, n, &script);
    TRY(write_buffer(dir, "curves.gp", &script, arena));
    return run_gnuplot(dir, drawn);
}
