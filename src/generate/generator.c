/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All generators: ours, and baselines to compare it with.
 */
#include <string.h>

#include "generate/generate_internal.h"

const struct generator generators[] = {
    {"opjury", "ours: motifs, backward insertion, value ranges and a search for inputs", graph_make,
     false},
    {"mutate", "LEMON (ESEC/FSE 2020): layers of given models removed, copied, added, swapped",
     mutate_make, true},
    {"random", "GraphFuzz (ICSE 2021): random graphs of blocks that bring what is new", NULL, false,
     &random_learner},
};
const size_t generator_count = ARRAY_SIZE(generators);

enum err generator_find(const char *name, const struct generator **generator)
{
    struct buffer names = BUFFER_INIT;
    for (size_t i = 0; i < generator_count; i++) {
        if (strcmp(name, generators[i].name) == 0) {
            *generator = &generators[i];
            buffer_release(&names);
            return ERR_OK;
        }
        buffer_printf(&names, "%s%s", i == 0 ? "" : ", ", generators[i].name);
    }
    enum err err = err_set(ERR_USAGE, "there is no generator '%s', only %s", name, names.data);
    buffer_release(&names);
    return err;
}
