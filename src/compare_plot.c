/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plots of `opjury compare`: distinct pairs of ops and new buckets over CPU time, a line each
 * for every generator, and which buckets two or three generators share.
 */
#include "compare.h"
#include "svg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const colours[COMPARE_MAX] = {"#2471a3", "#c0392b", "#1e8449", "#b9770e",
                                                 "#7d3c98", "#566573", "#d4ac0d", "#117a65"};

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
                          .left = svg_panel_left(measure == MEASURE_BUCKETS ? 1 : 0),
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
        snprintf(text, sizeof(text), "%.4g", panel->y_max * i / ticks);
        svg_grid_line(svg, panel->left, svg_panel_y((double)i / ticks), text);
        snprintf(text, sizeof(text), "%.3g", panel->cpu_max * i / ticks);
        svg_tick(svg, panel->left + SVG_PANEL_WIDTH * i / ticks, text);
    }
    svg_frame(svg, panel->left, measure_names[panel->measure], "CPU seconds");
}

static void draw_curve(struct buffer *svg, const struct panel *panel, const struct compare_row *row,
                       const char *colour)
{
    svg_begin_curve(svg, colour, "");
    buffer_printf(svg, "M%.1f %.1f", panel->left, svg_panel_y(0));
    for (size_t i = 0; i < row->progress.n; i++) {
        double x = panel->left + SVG_PANEL_WIDTH * row->progress.points[i].cpu / panel->cpu_max;
        double part = (double)measured(row, i, panel->measure) / panel->y_max;
        buffer_printf(svg, "L%.1f %.1f", x, svg_panel_y(part));
    }
    svg_end_curve(svg);
}

void compare_curves_svg(const struct compare_row *rows, size_t n, struct buffer *svg)
{
    svg_begin_panels(svg);
    for (enum measure m = 0; m < MEASURES; m++) {
        struct panel panel = panel_of(m, rows, n);
        draw_axes(svg, &panel);
        for (size_t k = 0; k < n; k++) {
            draw_curve(svg, &panel, &rows[k], colours[k]);
        }
    }
    for (size_t k = 0; k < n; k++) {
        svg_legend(svg, SVG_MARGIN + (double)k * 110, colours[k], "", rows[k].generator->name);
    }
    svg_end(svg);
}

/* ---- shared buckets ---- */

struct place {
    double x, y;
};
/* An ellipse, turned by `angle` degrees clockwise. */
struct oval {
    double x, y, rx, ry, angle;
};
static const double venn_width = 390, venn_height = 370;
/* SVG sets a text on its base line, gnuplot around its middle. */
static const double text_below = 4;

/*
 * For 2, 3 and 4 sets: the ovals, where the number of each set stands (bit k: oval k), and the
 * names. Four circles have no place for all 15 sets; these four ellipses do, each at least 40 wide,
 * and the numbers stand where there is most room.
 */
static const struct venn {
    struct oval ovals[VENN_MAX];
    struct place labels[1 << VENN_MAX], names[VENN_MAX];
} venns[] = {
    {.ovals = {{140, 150, 90, 90, 0}, {250, 150, 90, 90, 0}},
     .labels = {{0, 0}, {100, 150}, {290, 150}, {195, 150}},
     .names = {{140, 46}, {250, 46}}},
    {.ovals = {{140, 150, 90, 90, 0}, {250, 150, 90, 90, 0}, {195, 245, 90, 90, 0}},
     .labels = {{0, 0},
                {100, 131},
                {290, 131},
                {195, 116},
                {195, 291},
                {140, 210},
                {250, 210},
                {195, 182}},
     .names = {{140, 46}, {250, 46}, {195, 348}}},
    {.ovals = {{140, 215, 150, 80, 38},
               {180, 180, 150, 80, 38},
               {210, 180, 150, 80, -38},
               {250, 215, 150, 80, -38}},
     .labels = {{0, 0},
                {57, 203},
                {147, 99},
                {93, 143},
                {243, 99},
                {105, 244},
                {195, 125},
                {149, 165},
                {333, 203},
                {195, 303},
                {285, 244},
                {247, 272},
                {297, 143},
                {143, 272},
                {241, 165},
                {195, 223}},
     .names = {{34, 92}, {112, 58}, {278, 58}, {356, 92}}},
};

void compare_venn_svg(const struct compare_row *rows, size_t n, struct buffer *svg)
{
    CHECK(n >= 2 && n <= VENN_MAX);
    const struct venn *venn = &venns[n - 2];
    char text[32];
    svg_begin(svg, venn_width, venn_height);
    svg_text(svg, 195, 24, "middle", "buckets");
    for (size_t k = 0; k < n; k++) {
        const struct oval *o = &venn->ovals[k];
        buffer_printf(svg,
                      "<ellipse cx=\"%g\" cy=\"%g\" rx=\"%g\" ry=\"%g\" "
                      "transform=\"rotate(%g %g %g)\" fill=\"%s\" fill-opacity=\"0.25\" "
                      "stroke=\"%s\"/>\n",
                      o->x, o->y, o->rx, o->ry, o->angle, o->x, o->y, colours[k], colours[k]);
        svg_text(svg, venn->names[k].x, venn->names[k].y + text_below, "middle",
                 rows[k].generator->name);
    }
    for (unsigned set = 1; set < 1u << n; set++) {
        snprintf(text, sizeof(text), "%" PRIu64, compare_shared(rows, n, set));
        svg_text(svg, venn->labels[set].x, venn->labels[set].y + text_below, "middle", text);
    }
    svg_end(svg);
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

static void print_curves(const struct compare_row *rows, size_t n, struct buffer *script)
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

/* The same places as in the SVG, y downwards. */
static void print_venn(const struct compare_row *rows, size_t n, struct buffer *script)
{
    const struct venn *venn = &venns[n - 2];
    buffer_printf(script,
                  "set terminal pngcairo size %g,%g\nset output 'venn.png'\n"
                  "set margins 0,0,0,0\nunset border\nunset tics\nunset key\n"
                  "set label 'buckets' at 195,20 center\n",
                  venn_width, venn_height);
    for (size_t k = 0; k < n; k++) {
        const struct oval *o = &venn->ovals[k];
        buffer_printf(script,
                      "set object ellipse center %g,%g size %g,%g angle %g units xx "
                      "fillcolor rgb '%s' fillstyle transparent solid 0.25 border rgb '%s'\n"
                      "set label '%s' at %g,%g center\n",
                      o->x, o->y, 2 * o->rx, 2 * o->ry, -o->angle, colours[k], colours[k],
                      rows[k].generator->name, venn->names[k].x, venn->names[k].y);
    }
    for (unsigned set = 1; set < 1u << n; set++) {
        const struct place *at = &venn->labels[set];
        buffer_printf(script, "set label '%" PRIu64 "' at %g,%g center front\n",
                      compare_shared(rows, n, set), at->x, at->y);
    }
    buffer_printf(script, "plot [0:%g] [%g:0] NaN\n", venn_width, venn_height);
}

/* Runs the script in DIR. *drawn false: there is no gnuplot. */
static enum err run_gnuplot(const char *dir, const char *script, bool *drawn)
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
            execlp("gnuplot", "gnuplot", script, (char *)NULL);
        }
        _exit(NOT_THERE);
    }
    if (waitpid(pid, &status, 0) != pid) {
        return err_set(ERR_IO, "cannot wait for gnuplot: %m");
    }
    *drawn = !(WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE);
    if (*drawn && status != 0) {
        return err_set(ERR_IO, "gnuplot failed on %s/%s", dir, script);
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
    struct buffer svg = BUFFER_INIT, csv = BUFFER_INIT, script = BUFFER_INIT;
    compare_curves_svg(rows, n, &svg);
    TRY(write_buffer(dir, "curves.svg", &svg, arena));
    print_points(rows, n, &csv);
    TRY(write_buffer(dir, "curves.csv", &csv, arena));
    print_curves(rows, n, &script);
    TRY(write_buffer(dir, "curves.gp", &script, arena));
    TRY(run_gnuplot(dir, "curves.gp", drawn));
    if (n < 2 || n > VENN_MAX) {
        return ERR_OK;
    }
    compare_venn_svg(rows, n, &svg);
    TRY(write_buffer(dir, "venn.svg", &svg, arena));
    print_venn(rows, n, &script);
    TRY(write_buffer(dir, "venn.gp", &script, arena));
    return *drawn ? run_gnuplot(dir, "venn.gp", drawn) : ERR_OK;
}
