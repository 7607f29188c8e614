/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blame.json: what `opjury blame` found out about a finding, beside its other files. Reports and
 * buckets read it.
 */
#include <stdlib.h>

#include "report/report_internal.h"

static json_t *tried_json(const struct blame *blame)
{
    json_t *list = json_array();
    for (size_t i = 0; i < blame->n_tries; i++) {
        const struct blame_try *try = &blame->tries[i];
        json_t *row = json_object();
        json_object_set_new(row, "kind", json_text(try->kind));
        json_object_set_new(row, "what", json_text(try->what));
        json_object_set_new(row, "target", json_text(try->target));
        json_object_set_new(row, "verdict", json_text(verdict_names[try->verdict]));
        json_object_set_new(row, "text", json_text(try->text));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *blame_json(const struct blame *blame)
{
    json_t *root = json_object();
    json_object_set_new(root, "component", json_text(blame->component));
    json_object_set_new(root, "text", json_text(blame->text));
    json_object_set_new(root, "version", json_text(blame->version));
    json_object_set_new(root, "tried", tried_json(blame));
    json_object_set_new(root, "first_bad", json_text(blame->first_bad));
    json_object_set_new(root, "last_good", json_text(blame->last_good));
    return root;
}

enum err blame_write(const char *folder, const struct blame *blame)
{
    struct arena *arena = arena_new();
    enum err err = write_json(folder, "blame.json", blame_json(blame), arena);
    arena_free(arena);
    return err;
}

char *blame_line(const struct blame *blame)
{
    json_t *root = blame_json(blame);
    char *line = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    CHECK(line != NULL);
    return line;
}
