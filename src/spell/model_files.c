/* SPDX-License-Identifier: Apache-2.0 */
/* Which files hold models and programs, by their names. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "spell/spell_internal.h"

/* And has a name before it? */
static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && path[n - m - 1] != '/' && strcmp(path + n - m, ending) == 0;
}

bool is_onnx_file(const char *path)
{
    return ends_in(path, ".onnx");
}

static bool is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A regular file, or a link to one, named as a model. */
static bool is_model(const char *path)
{
    struct stat st;
    return (is_onnx_file(path) || ends_in(path, ".txt")) && stat(path, &st) == 0 &&
           S_ISREG(st.st_mode);
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

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is in the folder, sorted. */
static enum err list_folder(const char *folder, struct arena *arena, const char ***names, size_t *n)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return err_set(ERR_IO, "%s: %m", folder);
    }
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            add_path(entry->d_name, names, n, arena);
        }
    }
    enum err err = errno != 0 ? err_set(ERR_IO, "%s: %m", folder) : ERR_OK;
    closedir(dir);
    if (*n > 0) {
        qsort(*names, *n, sizeof(**names), by_name);
    }
    return err;
}

/* glibc's fts does not survive a lack of memory. */
static enum err add_folder(const char *folder, struct arena *arena, const char ***paths, size_t *n)
{
    const char **names = NULL;
    size_t n_names = 0;
    TRY(list_folder(folder, arena, &names, &n_names));
    for (size_t i = 0; i < n_names; i++) {
        const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
        const char *path = arena_printf(arena, "%s%s%s", folder, slash, names[i]);
        if (is_folder(path)) { /* a link to one may lead back */
            TRY(add_folder(path, arena, paths, n));
        } else if (is_model(path)) {
            add_path(path, paths, n, arena);
        }
    }
    return ERR_OK;
}

enum err models_under(const char *folder, struct arena *arena, const char ***paths, size_t *n)
{
    *paths = NULL;
    *n = 0;
    if (is_model(folder)) {
        add_path(folder, paths, n, arena);
        return ERR_OK;
    }
    return add_folder(folder, arena, paths, n);
}
