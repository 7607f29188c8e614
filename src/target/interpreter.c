/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interpreter: finds the Python that has a library, and the folder of our own worker code. A path
 * that was given explicitly must be right; of the places searched by default the first that exists
 * is taken. A library that this one lacks is looked for in the environments of the configuration,
 * then in those that `scripts/setup NAME` made beside the build.
 */
#include "target/config.h"
#include "target/target_internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* `path` itself when it is a program, its bin/python when it is a venv; NULL otherwise. The link is
 * not resolved: a venv is recognised by where its python lies. */
static const char *as_interpreter(const char *path, struct arena *arena)
{
    if (is_program(path)) {
        return arena_strdup(arena, path);
    }
    const char *inside = arena_printf(arena, "%s/bin/python", path);
    return is_program(inside) ? inside : NULL;
}

static const char *on_search_path(const char *program, struct arena *arena)
{
    const char *path = getenv("PATH");
    char *list = arena_strdup(arena, path ? path : "/usr/local/bin:/usr/bin:/bin");

    for (char *dir = strtok_r(list, ":", &list); dir; dir = strtok_r(NULL, ":", &list)) {
        const char *full = arena_printf(arena, "%s/%s", dir, program);
        if (is_program(full)) {
            return full;
        }
    }
    return NULL;
}

/* build/opjury, build/tests/unit/test_target: the checkout is one to three folders up. */
enum { CHECKOUT_UP = 3 };

static const char *beside_build(struct arena *arena)
{
    char *dir;

    if (exe_dir(arena, &dir)) {
        return NULL;
    }
    for (int up = 1; up <= CHECKOUT_UP; up++) {
        dir = arena_printf(arena, "%s/..", dir);
        char *venv = realpath(arena_printf(arena, "%s/.venv", dir), NULL);
        const char *found = venv ? as_interpreter(venv, arena) : NULL;
        free(venv);
        if (found) {
            return found;
        }
    }
    return NULL;
}

static enum err given(const char *path, const char *whence, struct arena *arena, const char **found)
{
    const char *python = as_interpreter(path, arena);

    if (!python && !strchr(path, '/')) {
        python = on_search_path(path, arena);
    }
    if (!python) {
        return err_set(ERR_MISSING,
                       "%s: '%s' is neither a Python interpreter nor a folder with bin/python",
                       whence, path);
    }
    *found = python;
    return ERR_OK;
}

/* NULL: there is none. */
static enum err usual(struct arena *arena, const char **path)
{
    const char *venv = getenv("VIRTUAL_ENV");
    const char *env = getenv("OPJURY_PYTHON");

    if (env && *env) {
        return given(env, "$OPJURY_PYTHON", arena, path);
    }
    const char *found = venv && *venv ? as_interpreter(venv, arena) : NULL;
    found = found ? found : beside_build(arena);
    found = found ? found : on_search_path("python3", arena);
    if (!found) {
        return err_set(ERR_MISSING, "no Python interpreter: install python3 (3.11 or newer) or "
                                    "give one with --python PATH");
    }
    *path = found;
    return ERR_OK;
}

/* ---- all of them, in the order in which libraries are looked for ---- */

/* One path may be relative. The links of virtual environments all lead to one interpreter, so that
 * their places tell them apart. */
static bool is_same(const char *a, const char *b)
{
    struct stat at_a, at_b;
    const char *name_a = strrchr(a, '/'), *name_b = strrchr(b, '/');
    char *dir_a = strndup(a, name_a ? (size_t)(name_a - a) : 0);
    char *dir_b = strndup(b, name_b ? (size_t)(name_b - b) : 0);

    bool is = name_a && name_b && strcmp(name_a, name_b) == 0 && dir_a && dir_b &&
              stat(dir_a, &at_a) == 0 && stat(dir_b, &at_b) == 0 && at_a.st_dev == at_b.st_dev &&
              at_a.st_ino == at_b.st_ino;
    free(dir_a);
    free(dir_b);
    return is || strcmp(a, b) == 0;
}

static void add(struct interpreters *all, struct interpreter i, struct arena *arena)
{
    for (size_t k = 0; k < all->n; k++) {
        if (is_same(all->items[k].python, i.python)) {
            all->items[k].environment =
                all->items[k].environment ? all->items[k].environment : i.environment;
            return;
        }
    }
    all->items = arena_room(arena, all->items, all->n, sizeof *all->items);
    all->items[all->n++] = i;
}

/* --python's: one, or several with ':' between them. */
static enum err add_given(struct interpreters *all, const char *python, struct arena *arena)
{
    struct interpreter i = {.place = PLACE_GIVEN};
    char *rest = arena_strdup(arena, python);

    if (as_interpreter(python, arena)) {
        rest = NULL;
        TRY(given(python, "--python", arena, &i.python));
        add(all, i, arena);
    }
    for (char *one; (one = strsep(&rest, ":"));) {
        TRY(given(one, "--python", arena, &i.python));
        add(all, i, arena);
    }
    return ERR_OK;
}

/* One that is not there breaks none of the others: its name says so when it is used. */
static void add_configured(struct interpreters *all, const struct config *c, struct arena *arena)
{
    for (unsigned k = 0; k < c->environments_count; k++) {
        const struct environment *e = &c->environments[k];
        struct interpreter i = {.environment = e->name, .place = PLACE_CONFIGURED};
        if (given(e->python, "", arena, &i.python) == ERR_OK) {
            add(all, i, arena);
        }
    }
}

static int is_library_venv(const struct dirent *entry)
{
    static const char start[] = ".venv-";
    size_t n = sizeof start - 1;

    /* nnsmith's has the same libraries once more. */
    return strncmp(entry->d_name, start, n) == 0 && strcmp(entry->d_name + n, "peer") != 0;
}

/* .venv-NAME of `scripts/setup NAME`. */
static void add_beside(struct interpreters *all, struct arena *arena)
{
    char *dir;
    int n = 0;

    if (exe_dir(arena, &dir)) {
        return;
    }
    for (int up = 1; up <= CHECKOUT_UP && n <= 0; up++) {
        struct dirent **entries = NULL;
        dir = arena_printf(arena, "%s/..", dir);
        char *checkout = realpath(dir, NULL);
        n = checkout ? scandir(checkout, &entries, is_library_venv, alphasort) : 0;
        for (int k = 0; k < n; k++) {
            struct interpreter i = {.place = PLACE_BESIDE};
            const char *venv = arena_printf(arena, "%s/%s", checkout, entries[k]->d_name);
            i.environment = arena_strdup(arena, entries[k]->d_name + strlen(".venv-"));
            i.python = as_interpreter(venv, arena);
            if (i.python) {
                add(all, i, arena);
            }
            free(entries[k]);
        }
        free(entries);
        free(checkout);
    }
}

enum err interpreters_list(const char *python, struct arena *arena, struct interpreters *all)
{
    const struct config *config;

    *all = (struct interpreters){0};
    TRY(config_get(&config));
    if (python) {
        TRY(add_given(all, python, arena));
    } else {
        struct interpreter i = {.place = PLACE_USUAL};
        TRY(usual(arena, &i.python));
        add(all, i, arena);
    }
    add_configured(all, config, arena);
    if (!config_is_none()) {
        add_beside(all, arena);
    }
    return ERR_OK;
}

/* ---- one of them ---- */

static const struct interpreter *named(const struct interpreters *all, const char *name)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->items[i].environment && strcmp(all->items[i].environment, name) == 0) {
            return &all->items[i];
        }
    }
    return NULL;
}

bool environment_is_configured(const char *name)
{
    const struct config *config;

    return config_get(&config) == ERR_OK && config_environment(config, name) != NULL;
}

/* A name of the configuration comes first; one beside the build is for what is no path. */
static enum err find_at(const char *at, const char *python, struct arena *arena, const char **path)
{
    const struct config *config;
    struct interpreters all;

    TRY(config_get(&config));
    const struct environment *e = config_environment(config, at);
    if (e) {
        return given(e->python, arena_printf(arena, "environment %s of %s", at, config->path),
                     arena, path);
    }
    if (given(at, "the target's @PATH", arena, path) == ERR_OK) {
        return ERR_OK;
    }
    const char *why = arena_strdup(arena, err_text());
    const struct interpreter *i = NULL;
    if (!strchr(at, '/') && interpreters_list(python, arena, &all) == ERR_OK) {
        i = named(&all, at);
    }
    if (!i) {
        return err_set(ERR_MISSING, "%s, nor an environment of the configuration%s%s", why,
                       config->path ? " " : "", config->path ? config->path : "");
    }
    *path = i->python;
    return ERR_OK;
}

/* Do libraries that are named alone run there? What --python gives is meant and nothing else. */
static bool is_searched(const struct interpreter *i, const char *python)
{
    return python ? i->place == PLACE_GIVEN : true;
}

static void put_first(struct interpreters *all, size_t k)
{
    struct interpreter i = all->items[k];

    memmove(all->items + 1, all->items, k * sizeof i);
    all->items[0] = i;
}

enum err interpreters_with(const struct target_kind *kind, const char *python, struct arena *arena,
                           struct interpreters *with)
{
    struct interpreters all;

    TRY(interpreters_list(python, arena, &all));
    *with = (struct interpreters){0};
    for (size_t i = 0; i < all.n; i++) {
        struct interpreter it = all.items[i];
        it.version = package_version(it.python, kind, arena);
        if (!it.version) {
            continue;
        }
        add(with, it, arena);
        const struct interpreter *first = &with->items[0];
        if (it.place == PLACE_BESIDE && first->place == PLACE_BESIDE &&
            strcmp(it.environment, kind->name) == 0) {
            put_first(with, with->n - 1); /* .venv-jax for jax, whoever else has it */
        }
    }
    return ERR_OK;
}

enum err interpreter_find(const char *at, const char *python, const struct target_kind *kind,
                          struct arena *arena, const char **path)
{
    static const struct target_kind *said;
    struct interpreters all, with;
    size_t n = 0;

    if (at) {
        return find_at(at, python, arena, path);
    }
    TRY(interpreters_list(python, arena, &all));
    *path = all.items[0].python;
    for (size_t i = 0; i < all.n; i++) {
        n += is_searched(&all.items[i], python);
    }
    /* Looking costs the start of an interpreter: not where there is no choice. */
    if (n < 2 || !kind->package || !*kind->package ||
        package_version(all.items[0].python, kind, arena)) {
        return ERR_OK;
    }
    TRY(interpreters_with(kind, python, arena, &with));
    for (size_t i = 0; i < with.n; i++) {
        const struct interpreter *it = &with.items[i];
        if (is_searched(it, python)) {
            *path = it->python;
            if (said != kind && it->place != PLACE_GIVEN) {
                log_info("%s is not in %s: it runs in %s%s%s", kind->name, all.items[0].python,
                         it->environment ? it->environment : "", it->environment ? ", " : "",
                         it->python);
                said = kind;
            }
            break;
        }
    }
    return ERR_OK;
}

enum err worker_dir(struct arena *arena, const char **found)
{
    char *dir;
    const char *env = getenv("OPJURY_WORKER_DIR");

    if (env && *env) {
        *found = env;
        return ERR_OK;
    }
    TRY(exe_dir(arena, &dir));
    /* build/python beside build/opjury, or above the unit tests; PREFIX/lib/opjury when installed.
     */
    for (int up = 0; up <= 3; up++) {
        const char *built = arena_printf(arena, "%s/python", dir);
        const char *installed = arena_printf(arena, "%s/lib/opjury", dir);
        const char *const places[] = {built, installed};
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
            if (file_exists(arena_printf(arena, "%s/opjury/zygote.py", places[i]))) {
                *found = places[i];
                return ERR_OK;
            }
        }
        dir = arena_printf(arena, "%s/..", dir);
    }
    return err_set(ERR_MISSING, "the worker's files (python/opjury) are not beside the program: "
                                "build with 'make build' or set OPJURY_WORKER_DIR");
}
