/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the campaign went: tests, new buckets and the rate of findings over time, as curves, as a
 * table, and as data for the chart library, which draws over the curves where the page has one.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/html_internal.h"

/* Points of a curve and lines of the table at most: more are not seen. */
enum { CURVE_POINTS = 200, TABLE_LINES = 20 };
static const double chart_width = 420, chart_height = 200, left = 64, right = 24, top = 12,
                    bottom = 34;

struct curve {
    const char *name, *title;
    double (*y)(const struct progress_point *now, const struct progress_point *before);
};

static double tests_of(const struct progress_point *now, const struct progress_point *before)
{
    return (double)now->tests;
}

static double buckets_of(const struct progress_point *now, const struct progress_point *before)
{
    return (double)now->buckets;
}

static double rate_of(const struct progress_point *now, const struct progress_point *before)
{
    double tests = (double)now->tests - (double)before->tests;
    double findings = (double)now->findings - (double)before->findings;
    return tests > 0 && findings > 0 ? 1000 * findings / tests : 0;
}

static const struct curve curves[] = {
    {"tests", "tests", tests_of},
    {"buckets", "new buckets", buckets_of},
    {"rate", "failing runs per 1000 tests", rate_of},
};

static const struct progress_point origin = {0};

/* Some of the points, the last always: *n of them. */
static struct progress_point *thin(const struct html_page *page, size_t most, size_t *n)
{
    size_t step = page->n_points > most ? (page->n_points + most - 1) / most : 1;
    struct progress_point *some = xcalloc(page->n_points / step + 2, sizeof(*some));
    *n = 0;
    for (size_t i = page->n_points; i > 0; i = i > step ? i - step : 0) {
        some[(*n)++] = page->points[i - 1];
    }
    for (size_t i = 0; i < *n / 2; i++) {
        struct progress_point swap = some[i];
        some[i] = some[*n - 1 - i];
        some[*n - 1 - i] = swap;
    }
    return some;
}

/* The point that a rate at i counts from: a part of the campaign back, or its rates would be noise.
 */
static const struct progress_point *before(const struct progress_point *points, size_t n, size_t i)
{
    static const double window = 0.1;
    double from = points[i].elapsed - window * points[n - 1].elapsed;
    while (i > 0 && points[i - 1].elapsed > from) {
        i--;
    }
    return i > 0 ? &points[i - 1] : &origin;
}

/* Large numbers in full: a count of tests is none of physics. */
static void put_tick(struct buffer *html, const char *class, double x, double y, double value)
{
    buffer_printf(html, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    buffer_printf(html, fabs(value) >= 1000 ? "%.0f</text>" : "%.4g</text>", value);
}

static void put_axes(double x_max, double y_max, struct buffer *html)
{
    const int ticks = 4;
    for (int t = 0; t <= ticks; t++) {
        double x = left + (chart_width - left - right) * t / ticks;
        double y = top + (chart_height - top - bottom) * (ticks - t) / ticks;
        buffer_printf(html, "<path class=\"grid\" d=\"M%g %.1fH%g\"/>", left, y,
                      chart_width - right);
        put_tick(html, "tick y", left - 6, y + 4, y_max * t / ticks);
        put_tick(html, "tick", x, chart_height - bottom + 16, x_max * t / ticks);
        buffer_puts(html, "\n");
    }
    buffer_printf(html, "<text class=\"tick\" x=\"%g\" y=\"%g\">seconds</text>\n",
                  (left + chart_width - right) / 2, chart_height - 4);
}

static void put_chart(const struct curve *curve, const struct progress_point *points, size_t n,
                      struct buffer *html)
{
    double x_max = points[n - 1].elapsed, y_max = 1;
    for (size_t i = 0; i < n; i++) {
        double y = curve->y(&points[i], before(points, n, i));
        y_max = y > y_max ? y : y_max;
    }
    buffer_printf(html, "<figure data-curve=\"%s\"><figcaption>%s</figcaption>\n", curve->name,
                  curve->title);
    buffer_printf(html,
                  "<svg class=\"chart\" role=\"img\" aria-label=\"%s over time\" viewBox=\"0 0 %g "
                  "%g\" width=\"%g\" height=\"%g\">\n",
                  curve->title, chart_width, chart_height, chart_width, chart_height);
    put_axes(x_max, y_max, html);
    buffer_puts(html, "<path class=\"curve\" d=\"");
    for (size_t i = 0; i < n; i++) {
        double x = points[i].elapsed / (x_max > 0 ? x_max : 1);
        double y = curve->y(&points[i], before(points, n, i)) / y_max;
        buffer_printf(html, "%s%.1f %.1f", i == 0 ? "M" : "L",
                      left + (chart_width - left - right) * x,
                      top + (chart_height - top - bottom) * (1 - y));
    }
    buffer_puts(html, "\"/></svg></figure>\n");
}

static void put_table(const struct html_page *page, struct buffer *html)
{
    size_t n;
    struct progress_point *points = thin(page, TABLE_LINES, &n);
    buffer_puts(html, "<details><summary>As a table</summary>\n<div class=\"scroll\"><table><thead>"
                      "<tr><th>seconds</th><th>CPU seconds</th><th>tests</th><th>failing runs</th>"
                      "<th>new buckets</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < n; i++) {
        const struct progress_point *p = &points[i];
        buffer_printf(html, "<tr><td class=\"number\">%.1f</td><td class=\"number\">%.1f</td>",
                      p->elapsed, p->cpu);
        html_cell(html, p->tests);
        html_cell(html, p->findings);
        html_cell(html, p->buckets);
        buffer_puts(html, "</tr>\n");
    }
    buffer_puts(html, "</tbody></table></div></details>\n");
    free(points);
}

/* Numbers alone, so nothing in it can end the element. */
static void put_data(const struct progress_point *points, size_t n, struct buffer *html)
{
    buffer_puts(html, "<script type=\"application/json\" id=\"trend-data\">{\"elapsed\":[");
    for (size_t i = 0; i < n; i++) {
        buffer_printf(html, "%s%.3f", i > 0 ? "," : "", points[i].elapsed);
    }
    buffer_puts(html, "],\"cpu\":[");
    for (size_t i = 0; i < n; i++) {
        buffer_printf(html, "%s%.3f", i > 0 ? "," : "", points[i].cpu);
    }
    for (size_t c = 0; c < ARRAY_SIZE(curves); c++) {
        buffer_printf(html, "],\"%s\":[", curves[c].name);
        for (size_t i = 0; i < n; i++) {
            buffer_printf(html, "%s%.6g", i > 0 ? "," : "",
                          curves[c].y(&points[i], before(points, n, i)));
        }
    }
    buffer_puts(html, "]}</script>\n");
}

void html_trends_print(const struct html_page *page, struct buffer *html)
{
    buffer_puts(html, "<section id=\"trends\">\n<h2>Trends</h2>\n");
    if (page->n_points == 0) {
        buffer_puts(html, "<p>The campaign holds no record of how it went (progress.csv).</p>\n");
    } else {
        size_t n;
        struct progress_point *points = thin(page, CURVE_POINTS, &n);
        buffer_puts(html, "<form id=\"axis\" hidden><label>over <select data-axis><option "
                          "value=\"elapsed\">elapsed seconds</option><option value=\"cpu\">CPU "
                          "seconds</option></select></label></form>\n<div class=\"charts\">\n");
        for (size_t c = 0; c < ARRAY_SIZE(curves); c++) {
            put_chart(&curves[c], points, n, html);
        }
        buffer_puts(html, "</div>\n");
        put_table(page, html);
        put_data(points, n, html);
        free(points);
    }
    buffer_puts(html, "</section>\n");
}
