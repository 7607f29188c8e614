/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the user's configuration, found, read and checked. libcyaml holds the form, the rest is
 * said here with its line.
 */
#include "target/config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/yaml.h"

/* ---- the schema ---- */

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED),
};

#define TEXT(type, name, flags)                                                                    \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | (flags), type, name, 1, CYAML_UNLIMITED)
#define NUMBER(name) CYAML_FIELD_UINT(#name, CYAML_FLAG_OPTIONAL, struct command_config, name)
#define TEXTS(name)                                                                                \
    CYAML_FIELD_SEQUENCE(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct command_config,   \
                         name, &text_schema, 1, CYAML_UNLIMITED)
#define LIST(name, schema)                                                                         \
    CYAML_FIELD_SEQUENCE(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config, name,     \
                         &(schema), 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t environment_fields[] = {
    TEXT(struct environment, name, 0),
    TEXT(struct environment, python, 0),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t environment_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct environment, environment_fields),
};
static const cyaml_schema_field_t command_fields[] = {
    TEXT(struct command_config, name, 0),
    TEXTS(run),
    TEXT(struct command_config, version, CYAML_FLAG_OPTIONAL),
    NUMBER(opset),
    TEXTS(dtypes),
    TEXTS(ops),
    NUMBER(timeout),
    NUMBER(memory),
    NUMBER(output),
    CYAML_FIELD_BOOL("flushes_subnormals", CYAML_FLAG_OPTIONAL, struct command_config,
                     flushes_subnormals),
    TEXTS(sandbox),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t command_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct command_config, command_fields),
};
static const cyaml_schema_field_t config_fields[] = {
    LIST(environments, environment_schema),
    LIST(commands, command_schema),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config, config_fields),
};

/* ---- what a schema cannot say ---- */

/* A name stands in a target's text, where these mean something. */
static const char name_ends[] = ":@,= \t\n";

static enum err check_name(const char *path, const char *text, const char *name, bool is_again)
{
    unsigned line = yaml_line_of(text, "name", name);
    if (name[strcspn(name, name_ends)] != '\0') {
        return err_set(ERR_USAGE, "%s:%u: a name holds no blank, ':', '@', ',' or '=': '%s'", path,
                       line, name);
    }
    if (is_again) {
        return err_set(ERR_USAGE, "%s:%u: '%s' is named twice", path, line, name);
    }
    return ERR_OK;
}

/* ~/x and what is relative to the file's folder. */
static const char *absolute(const char *config, const char *path, struct arena *arena)
{
    const char *home = getenv("HOME");
    const char *slash = strrchr(config, '/');
    if (path[0] == '~' && path[1] == '/' && home != NULL) {
        return arena_printf(arena, "%s%s", home, path + 1);
    }
    if (path[0] == '/' || slash == NULL) {
        return path;
    }
    path += strncmp(path, "./", 2) == 0 ? 2 : 0;
    return arena_printf(arena, "%.*s/%s", (int)(slash - config), config, path);
}

static enum err check_words(const char *path, const char *text, const struct command_config *c)
{
    unsigned line = yaml_line_of(text, "name", c->name);
    for (unsigned i = 0; i < c->dtypes_count; i++) {
        if (dtype_parse(c->dtypes[i], strlen(c->dtypes[i])) == DTYPE_NONE) {
            return err_set(ERR_USAGE, "%s:%u: command %s: no dtype '%s'", path, line, c->name,
                           c->dtypes[i]);
        }
    }
    for (unsigned i = 0; i < c->ops_count; i++) {
        if (op_find(c->ops[i]) == NULL) {
            return err_set(ERR_USAGE, "%s:%u: command %s: no operator '%s'", path, line, c->name,
                           c->ops[i]);
        }
    }
    return ERR_OK;
}

static enum err check(const char *path, const char *text, struct config *c, struct arena *arena)
{
    for (unsigned i = 0; i < c->environments_count; i++) {
        struct environment *e = &c->environments[i];
        TRY(check_name(path, text, e->name, config_environment(c, e->name) != e));
        e->python = absolute(path, e->python, arena);
    }
    for (unsigned i = 0; i < c->commands_count; i++) {
        struct command_config *command = &c->commands[i];
        TRY(check_name(path, text, command->name, config_command(c, command->name) != command));
        TRY(check_words(path, text, command));
        for (unsigned w = 0; w < command->run_count; w++) {
            const char *word = command->run[w];
            bool is_path = strncmp(word, "./", 2) == 0 || strncmp(word, "../", 3) == 0 ||
                           strncmp(word, "~/", 2) == 0 || (w == 0 && strchr(word, '/') != NULL);
            command->run[w] = is_path ? absolute(path, word, arena) : word;
        }
        for (unsigned p = 0; p < command->sandbox_count; p++) {
            command->sandbox[p] = absolute(path, command->sandbox[p], arena);
        }
    }
    return ERR_OK;
}

enum err config_parse(const char *path, const char *text, size_t size, struct arena *arena,
                      struct config **config)
{
    void *loaded;
    struct config *made = ARENA_ZARRAY(arena, struct config, 1);
    bool is_empty = text[strspn(text, " \t\n")] == '\0'; /* all is optional */
    if (!is_empty) {
        TRY(yaml_load(path, text, size, &config_schema, arena, &loaded, NULL));
        made = loaded;
    }
    made->path = path;
    TRY(check(path, text, made, arena));
    *config = made;
    return ERR_OK;
}

const struct environment *config_environment(const struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->environments_count; i++) {
        if (strcmp(c->environments[i].name, name) == 0) {
            return &c->environments[i];
        }
    }
    return NULL;
}

const struct command_config *config_command(const struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->commands_count; i++) {
        if (strcmp(c->commands[i].name, name) == 0) {
            return &c->commands[i];
        }
    }
    return NULL;
}

/* ---- where it is ---- */

static const char *chosen; /* --config */
static struct config *current;

void config_choose(const char *path)
{
    chosen = path;
    current = NULL;
}

static const char *asked_for(void)
{
    const char *env = getenv("OPJURY_CONFIG");
    return chosen != NULL ? chosen : env != NULL && env[0] != '\0' ? env : NULL;
}

bool config_is_none(void)
{
    const char *path = asked_for();
    return path != NULL && strcmp(path, "none") == 0;
}

/* One in the current folder is found unasked: in a folder of somebody else it is not the user's. */
static enum err check_owner(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_uid != 0 && st.st_uid != geteuid()) {
        return err_set(ERR_USAGE,
                       "%s in this folder is another user's, and names programs to be run; if you "
                       "trust it, add --config %s, else --config none",
                       path, path);
    }
    return ERR_OK;
}

/* NULL: there is none. */
static enum err find_file(struct arena *arena, const char **path)
{
    const char *asked = asked_for(), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    *path = asked;
    if (asked != NULL) {
        return ERR_OK;
    }
    if (file_exists("opjury.yaml")) {
        *path = "opjury.yaml";
        return check_owner(*path);
    }
    bool has_xdg = xdg != NULL && xdg[0] == '/';
    if (has_xdg || home != NULL) {
        const char *usual = arena_printf(arena, "%s%s/opjury/config.yaml", has_xdg ? xdg : home,
                                         has_xdg ? "" : "/.config");
        *path = file_exists(usual) ? usual : NULL;
    }
    return ERR_OK;
}

static enum err read_file(const char *path, struct arena *arena, struct config **config)
{
    struct buffer text = BUFFER_INIT;
    /* Paths in it are relative to where it is, whatever the current folder becomes. */
    char *full = realpath(path, NULL);
    if (full == NULL) {
        return err_set(ERR_MISSING, "the configuration %s: %s", path, strerror(errno));
    }
    const char *name = arena_strdup(arena, full);
    free(full);
    enum err err = file_read(name, 1 << 20, &text);
    if (err == ERR_OK) {
        const char *copy = arena_strdup(arena, text.size > 0 ? text.data : "");
        err = strlen(copy) == text.size
                  ? config_parse(name, copy, text.size, arena, config)
                  : err_set(ERR_USAGE, "the configuration %s holds a zero byte", name);
    }
    buffer_release(&text);
    return err;
}

enum err config_get(const struct config **config)
{
    static struct config none;
    static struct arena *arena; /* as long as the process */
    const char *path = NULL;
    if (current == NULL) {
        arena = arena != NULL ? arena : arena_new();
        TRY(config_is_none() ? ERR_OK : find_file(arena, &path));
        if (path == NULL) {
            current = &none;
        } else {
            TRY(read_file(path, arena, &current));
        }
    }
    *config = current;
    return ERR_OK;
}
