/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draw: a program as a picture: one SVG element to stand in an HTML page, whose style sheet
 * (page.css) colours it by the classes op, source, result, edge and wrong.
 */
#ifndef OPJURY_REPORT_DRAW_H
#define OPJURY_REPORT_DRAW_H

#include "program/program.h"

/* Programs of more nodes are a text only: nobody reads the picture. */
enum { DRAW_NODES_MAX = 60 };

/* wrong: the value that came out wrong, by name; NULL: none is known. */
void draw_program(const struct program *p, const char *wrong, struct buffer *svg);

#endif
