/* SPDX-License-Identifier: Apache-2.0 */
/*
 * svg: what our plots are drawn with: two panels side by side over a legend, as text. All lengths
 * are pixels.
 */
#ifndef OPJURY_SVG_H
#define OPJURY_SVG_H

#include "base/base.h"

/* A panel's size, the space around it, the legend's height below. */
#define SVG_PANEL_WIDTH 400.0
#define SVG_PANEL_HEIGHT 260.0
#define SVG_MARGIN 60.0
#define SVG_LEGEND 40.0

void svg_begin(struct buffer *svg, double width, double height);
/* The same for two panels and their legend. */
void svg_begin_panels(struct buffer *svg);
void svg_end(struct buffer *svg);
/* anchor: "start", "middle" or "end" of the text stands at x. */
void svg_text(struct buffer *svg, double x, double y, const char *anchor, const char *text);

/* Where panel 0 or 1 begins; the height of a value there, part 0 at the bottom to 1 at the top. */
double svg_panel_left(int panel);
double svg_panel_y(double part);
/* A thin line across the panel at y, with its label to the left. */
void svg_grid_line(struct buffer *svg, double left, double y, const char *label);
/* A label below the panel. */
void svg_tick(struct buffer *svg, double x, const char *label);
/* The two axes, the panel's title and what the lower axis says. */
void svg_frame(struct buffer *svg, double left, const char *title, const char *below);
/* A line of the legend at x; dash: "4 3", "" for a whole line. */
void svg_legend(struct buffer *svg, double x, const char *colour, const char *dash,
                const char *name);
/* Begins the path of a curve: points follow as "M.." and "L..", then svg_end_curve. */
void svg_begin_curve(struct buffer *svg, const char *colour, const char *dash);
void svg_end_curve(struct buffer *svg);

#endif
