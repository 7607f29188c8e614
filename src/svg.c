/* SPDX-License-Identifier: Apache-2.0 */
/* Plots as SVG text. */
#include "svg.h"

void svg_begin(struct buffer *svg, double width, double height)
{
    buffer_printf(svg,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
                  "font-family=\"sans-serif\" font-size=\"12\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                  width, height);
}

void svg_begin_panels(struct buffer *svg)
{
    svg_begin(svg, 2 * SVG_PANEL_WIDTH + 3 * SVG_MARGIN,
              SVG_PANEL_HEIGHT + 2 * SVG_MARGIN + SVG_LEGEND);
}

void svg_end(struct buffer *svg)
{
    buffer_puts(svg, "</svg>\n");
}

void svg_text(struct buffer *svg, double x, double y, const char *anchor, const char *text)
{
    buffer_printf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                  text);
}

double svg_panel_left(int panel)
{
    return SVG_MARGIN + panel * (SVG_PANEL_WIDTH + SVG_MARGIN);
}

double svg_panel_y(double part)
{
    return SVG_MARGIN + SVG_PANEL_HEIGHT * (1 - part);
}

void svg_grid_line(struct buffer *svg, double left, double y, const char *label)
{
    buffer_printf(svg, "<path d=\"M%.1f %.1fh%g\" stroke=\"#ddd\"/>\n", left, y, SVG_PANEL_WIDTH);
    svg_text(svg, left - 6, y + 4, "end", label);
}

void svg_tick(struct buffer *svg, double x, const char *label)
{
    svg_text(svg, x, SVG_MARGIN + SVG_PANEL_HEIGHT + 16, "middle", label);
}

void svg_frame(struct buffer *svg, double left, const char *title, const char *below)
{
    double middle = left + SVG_PANEL_WIDTH / 2;
    buffer_printf(svg, "<path d=\"M%.1f %gv%gh%g\" stroke=\"black\" fill=\"none\"/>\n", left,
                  SVG_MARGIN, SVG_PANEL_HEIGHT, SVG_PANEL_WIDTH);
    svg_text(svg, middle, SVG_MARGIN - 14, "middle", title);
    svg_text(svg, middle, SVG_MARGIN + SVG_PANEL_HEIGHT + 34, "middle", below);
}

static void put_dash(struct buffer *svg, const char *dash)
{
    if (*dash) {
        buffer_printf(svg, " stroke-dasharray=\"%s\"", dash);
    }
}

void svg_legend(struct buffer *svg, double x, const char *colour, const char *dash,
                const char *name)
{
    double y = SVG_MARGIN + SVG_PANEL_HEIGHT + SVG_LEGEND + 20;
    buffer_printf(svg, "<path d=\"M%.1f %.1fh30\" stroke=\"%s\" stroke-width=\"2\"", x, y - 4,
                  colour);
    put_dash(svg, dash);
    buffer_puts(svg, "/>\n");
    svg_text(svg, x + 36, y, "start", name);
}

void svg_begin_curve(struct buffer *svg, const char *colour, const char *dash)
{
    buffer_printf(svg, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"", colour);
    put_dash(svg, dash);
    buffer_puts(svg, " d=\"");
}

void svg_end_curve(struct buffer *svg)
{
    buffer_puts(svg, "\"/>\n");
}
