/* SPDX-License-Identifier: Apache-2.0 */
/* Which files hold models and programs, by their names. */
#include <fts.h>
#include <string.h>

#include "spell/spell_internal.h"

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

bool is_onnx_file(const char *path)
{
    return ends_in(path, ".onnx");
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void add_path(const char *path, const char ***paths, size_t *n, struct arena *arena)
{
    if ((*n & (*n - 1)) == 0) { /* full at each power of two */
        const char **grown = ARENA_ARRAY(arena, const char *, *n ? 2 * *n : 1);
        if (*n > 0) {
            memcpy(grown, *paths, *n * sizeof(*grown));
        }
        *paths = grown;
    }
    (*paths)[(*n)++] = arena_strdup(arena, path);
}

enum err models_under(const char *folder, struct arena *arena, const char ***paths, size_t *n)
{
    char *roots[] = {arena_strdup(arena, folder), NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (walk == NULL) {
        return err_set(ERR_IO, "%s: %m", folder);
    }
    *paths = NULL;
    *n = 0;
    for (FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        bool is_model = is_onnx_file(entry->fts_name) || ends_in(entry->fts_name, ".txt");
        if (entry->fts_info == FTS_F && is_model) {
            add_path(entry->fts_path, paths, n, arena);
        }
    }
    fts_close(walk);
    return ERR_OK;
}
