/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures of several subjects are put in order, counted and printed with. */
#include "bench.h"

#include <stdlib.h>

int bench_by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

int bench_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

void bench_print_json(const char *name, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    CHECK(text != NULL);
    printf("{\"%s\": %s}\n", name, text);
    free(text);
    json_decref(value);
}
