/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of spell share: Python literals and identifiers, the ONNX tables and names.
 */
#ifndef OPJURY_SPELL_INTERNAL_H
#define OPJURY_SPELL_INTERNAL_H

#include "spell/spell.h"

/* ---- names (names.c): a map from texts to numbers, in an arena ---- */

#define NAME_NONE UINT32_MAX
struct names;
struct names *names_new(struct arena *arena, size_t expected);
uint32_t names_find(const struct names *names, const char *name); /* NAME_NONE: not there */
/* The name is borrowed. An old number is replaced. */
void names_set(struct names *names, const char *name, uint32_t number);
/* `name`, or name_2, name_3 ...: the first that is not there yet; added with that number. */
const char *names_add_fresh(struct names *names, const char *name, uint32_t number);

/* ---- Python source (python_text.c) ---- */

/* A float literal that reads back to the same bits: 1.0, -0.0, float("inf"). */
void python_real(struct buffer *source, double value);
/* A string literal with escapes. */
void python_string(struct buffer *source, const char *text);
/* `name` itself, or with underscores behind it where Python or `reserved` (NULL-terminated) has
 * that word; other characters than identifiers' become underscores. */
char *python_identifier(struct arena *arena, const char *name, const char *const *reserved);

/* ---- plan.c ---- */

/* The name that numpy, torch and others have for it: "float32". */
const char *python_dtype(enum dtype d);

#endif
