/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: numbers read from text, and names looked up. */
#ifndef OPJURY_PROGRAM_INTERNAL_H
#define OPJURY_PROGRAM_INTERNAL_H

#include "program/program.h"

/* A letter or '_', then letters, digits and '_'; "_" alone is the absent input. */
bool text_is_name(const char *text);
/* A decimal number; is_integer: neither point nor exponent. */
bool text_is_decimal(const char *text, bool *is_integer);
/* False when it is no integer or does not fit. */
bool text_to_int(const char *text, int64_t *value);
/* What dtype_print writes, and any other decimal in d's range; false otherwise. */
bool dtype_scan(enum dtype d, const char *text, real *value);

/* Value ids by name: open addressing, memory of the arena. Zeroed is empty. */
struct name_table {
    uint32_t *slots; /* value id + 1; 0 is free */
    size_t n_slots;  /* a power of two, or 0 */
    size_t n_used;
};
/* The id of the value of that name, or VALUE_ABSENT. */
uint32_t name_table_find(const struct name_table *table, const struct program *p, const char *name);
/* The name must not be in it yet. */
void name_table_add(struct name_table *table, const struct program *p, uint32_t value,
                    struct arena *arena);

#endif
