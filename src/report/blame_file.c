/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blame.json: what `opjury blame` found out about a finding, beside its other files. Reports and
 * buckets read it.
 */
#include <stdlib.h>
#include <string.h>

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
    json_object_set_new(root, "complete", json_boolean(blame->complete));
    return root;
}

/* NULL where there is no text. */
static const char *text_or_null(const json_t *root, const char *key, struct arena *arena)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static void read_tries(const json_t *list, struct arena *arena, struct blame *blame)
{
    blame->tries = ARENA_ZARRAY(arena, struct blame_try, json_array_size(list) + 1);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        struct blame_try *try = &blame->tries[blame->n_tries++];
        *try = (struct blame_try){.kind = arena_strdup(arena, json_text_of(row, "kind")),
                                  .what = arena_strdup(arena, json_text_of(row, "what")),
                                  .target = arena_strdup(arena, json_text_of(row, "target")),
                                  .text = arena_strdup(arena, json_text_of(row, "text")),
                                  .verdict = VERDICT_UNJUDGED};
        for (unsigned v = 0; v < VERDICT_COUNT; v++) {
            bool is_it = strcmp(json_text_of(row, "verdict"), verdict_names[v]) == 0;
            try->verdict = is_it ? (enum verdict_kind)v : try->verdict;
        }
    }
}

enum err blame_read(const char *folder, struct arena *arena, struct blame *blame)
{
    json_t *root = NULL;
    const json_t *complete;
    *blame = (struct blame){.text = ""};
    TRY(folder_json(folder, "blame.json", arena, &root));
    blame->reproduced = true;
    blame->component = text_or_null(root, "component", arena);
    blame->text = arena_strdup(arena, json_text_of(root, "text"));
    blame->version = text_or_null(root, "version", arena);
    blame->first_bad = text_or_null(root, "first_bad", arena);
    blame->last_good = text_or_null(root, "last_good", arena);
    complete = json_object_get(root, "complete");
    blame->complete =
        complete == NULL || json_is_true(complete); /* older ones were never cut off */
    read_tries(json_object_get(root, "tried"), arena, blame);
    json_decref(root);
    return ERR_OK;
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
