/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target `command`: any program that reads a model and inputs and writes outputs, in files
 * (docs/command.md). What it takes is not probed, for each run starts it: the configuration says
 * it, and the program says in a run what it lacks.
 */
#include "target/command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/config.h"
#include "target/kinds.h"

/* Seconds, MiB: where the configuration says nothing. */
enum { TIMEOUT = 60, MEMORY = 8192, OUTPUT = 1024 };

/* The highest IR of a model that a reader of this opset must know (ONNX, docs/Versioning.md). */
static const struct onnx_version versions[] = {
    {13, 7}, {14, 7},  {15, 8},  {16, 8},  {17, 8},  {18, 8},  {19, 9},
    {20, 9}, {21, 10}, {22, 10}, {23, 11}, {24, 12}, {25, 13}, {26, 13},
};

static enum err set_opset(struct target *t, const struct command_config *c)
{
    t->onnx = ONNX_VERSION_DEFAULT;
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        if (versions[i].opset == (int)c->opset) {
            t->onnx = versions[i];
        }
    }
    if (c->opset != 0 && t->onnx.opset != (int)c->opset) {
        return err_set(ERR_USAGE, "command %s: opset %u is not from %d to %d", c->name, c->opset,
                       versions[0].opset, versions[ARRAY_SIZE(versions) - 1].opset);
    }
    return ERR_OK;
}

/* ---- its command line ---- */

static bool is_executable(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Absolute, for it runs in another folder; links stay, for a virtual environment is known by its.
 */
static const char *absolute(const char *path, struct arena *arena)
{
    char *here = path[0] != '/' ? getcwd(NULL, 0) : NULL;
    const char *full = here != NULL ? arena_printf(arena, "%s/%s", here, path) : path;
    free(here);
    return full;
}

static enum err find_program(const char *word, struct arena *arena, const char **path)
{
    const char *list = getenv("PATH");
    char *rest = arena_strdup(arena, list != NULL ? list : "/usr/local/bin:/usr/bin:/bin");
    const char *found = NULL;
    if (strchr(word, '/') != NULL) {
        found = is_executable(word) ? word : NULL;
        rest = NULL;
    }
    for (char *dir; found == NULL && (dir = strsep(&rest, ":")) != NULL;) {
        const char *there = arena_printf(arena, "%s/%s", *dir != '\0' ? dir : ".", word);
        found = is_executable(there) ? there : NULL;
    }
    if (found == NULL) {
        return err_set(ERR_MISSING,
                       "command: '%s' is no executable file, and no command of a configuration "
                       "(docs/command.md)",
                       word);
    }
    *path = absolute(found, arena);
    return ERR_OK;
}

/* All three files must be named, or none: then they stand at the end. */
static enum err make_words(struct command_target *made, const struct command_config *c,
                           struct arena *arena)
{
    static const char *const files[] = {"{model}", "{inputs}", "{outputs}"};
    size_t n = c->run_count > 0 ? c->run_count : 1, n_named = 0;
    const char **words = ARENA_ZARRAY(arena, const char *, n + ARRAY_SIZE(files) + 1);
    TRY(find_program(c->run_count > 0 ? c->run[0] : c->name, arena, &words[0]));
    for (size_t i = 1; i < n; i++) {
        words[i] = c->run[i];
    }
    for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
        bool is_named = false;
        for (size_t i = 1; i < n; i++) {
            is_named = is_named || strstr(words[i], files[f]) != NULL;
        }
        n_named += is_named;
    }
    if (n_named != 0 && n_named != ARRAY_SIZE(files)) {
        return err_set(ERR_USAGE,
                       "command %s: run names some of {model}, {inputs} and {outputs}, but not all",
                       c->name);
    }
    for (size_t f = 0; n_named == 0 && f < ARRAY_SIZE(files); f++) {
        words[n++] = files[f];
    }
    made->words = words;
    made->n_words = n;
    return ERR_OK;
}

static const bool *make_ops(const struct command_config *c, struct arena *arena)
{
    bool *ops = c->ops_count > 0 ? ARENA_ZARRAY(arena, bool, op_count) : NULL;
    for (unsigned i = 0; i < c->ops_count; i++) {
        ops[op_index(op_find(c->ops[i]))] = true;
    }
    return ops;
}

/* ---- the kind ---- */

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    const struct config *config;
    if (t->options[0] != '\0' || value != NULL) {
        return err_set(ERR_USAGE, "command takes one program, command:PROGRAM; what holds ',' or "
                                  "'=' needs a name in the configuration (docs/command.md)");
    }
    TRY(config_get(&config));
    const struct command_config *named = config_command(config, key);
    const struct command_config plain = {.name = key};
    const struct command_config *c = named != NULL ? named : &plain;
    struct command_target *made = ARENA_ZARRAY(arena, struct command_target, 1);
    TRY(set_opset(t, c));
    TRY(make_words(made, c, arena));
    made->ops = make_ops(c, arena);
    made->dtypes = c->dtypes_count > 0 ? 0 : DT_ALL;
    for (unsigned i = 0; i < c->dtypes_count; i++) {
        made->dtypes |= (dtype_set)1 << dtype_parse(c->dtypes[i], strlen(c->dtypes[i]));
    }
    made->timeout = c->timeout > 0 ? c->timeout : TIMEOUT;
    made->memory = (uint64_t)(c->memory > 0 ? c->memory : MEMORY) << 20;
    made->output = (uint64_t)(c->output > 0 ? c->output : OUTPUT) << 20;
    made->reads = c->sandbox;
    made->n_reads = c->sandbox_count;
    t->options = key;
    t->version = c->version;
    t->flushes_subnormals = c->flushes_subnormals;
    t->command = made;
    return ERR_OK;
}

static enum err finish(struct target *t, struct arena *arena)
{
    return t->command != NULL && t->options[0] != '\0'
               ? ERR_OK
               : err_set(ERR_USAGE,
                         "command takes a program: command:PROGRAM, or the name of one in "
                         "the configuration (docs/command.md)");
}

static bool has_dtypes(const struct command_target *c, const enum dtype *dtypes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (dtypes[i] != DTYPE_NONE && !dtype_in(dtypes[i], c->dtypes)) {
            return false;
        }
    }
    return true;
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    const struct command_target *c = t->command;
    return (c->ops == NULL || c->ops[op_index(op)]) && has_dtypes(c, in, n_in) &&
           has_dtypes(c, out, n_out) && onnx_can_spell(op, t->onnx.opset, in, n_in, out, n_out);
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    return onnx_write(test->program, t->onnx, job);
}

enum err command_target_allows(const char *target)
{
    static const char start[] = "command:";
    const struct config *config;
    const char *name = target + sizeof(start) - 1;
    if (strncmp(target, start, sizeof(start) - 1) != 0) {
        return ERR_OK;
    }
    TRY(config_get(&config));
    if (config_command(config, name) == NULL) {
        return err_set(
            ERR_USAGE,
            "it was found on the program %s, and what a folder names is not run unasked; "
            "if you know it, name it in a configuration (opjury.yaml): 'commands: "
            "[{name: %s}]'",
            name, name);
    }
    return ERR_OK;
}

static const char *const defaults[] = {NULL}; /* only when asked for */

const struct target_kind target_command = {
    .name = "command",
    .summary =
        "any program that reads an ONNX model and inputs, and writes outputs (docs/command.md)",
    .options = "PROGRAM, or the name of one in the configuration",
    .option = set_option,
    .finish = finish,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = encode,
    .run = command_target_run,
};
