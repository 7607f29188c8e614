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

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is in the folder, sorted. */
static enum err list_folder(const char *folder, struct arena *arena, struct texts *names)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return err_set(ERR_IO, "%s: %m", folder);
    }
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            texts_add(names, arena_strdup(arena, entry->d_name), arena);
        }
    }
    enum err err = errno != 0 ? err_set(ERR_IO, "%s: %m", folder) : ERR_OK;
    closedir(dir);
    if (names->n > 0) {
        qsort(names->items, names->n, sizeof(*names->items), by_name);
    }
    return err;
}

/* glibc's fts does not survive a lack of memory. */
static enum err add_folder(const char *folder, struct arena *arena, struct texts *paths)
{
    struct texts names = {0};
    TRY(list_folder(folder, arena, &names));
    for (size_t i = 0; i < names.n; i++) {
        const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
        const char *path = arena_printf(arena, "%s%s%s", folder, slash, names.items[i]);
        if (is_folder(path)) { /* a link to one may lead back */
            TRY(add_folder(path, arena, paths));
        } else if (is_model(path)) {
            texts_add(paths, path, arena);
        }
    }
    return ERR_OK;
}

enum err models_under(const char *folder, struct arena *arena, struct texts *paths)
{
    if (is_model(folder)) {
        texts_add(paths, arena_strdup(arena, folder), arena);
        return ERR_OK;
    }
    return add_folder(folder, arena, paths);
}
