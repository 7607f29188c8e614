/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding's folder read back: the test to run or reduce again, and which targets its table has. A
 * folder is people's to edit, so every file is checked like any other input.
 */
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/report_internal.h"

enum { JSON_SIZE_MAX = 16 << 20 }; /* bytes of a verdict.json or environment.json */

enum err folder_json(const char *folder, const char *name, struct arena *arena, json_t **root)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    struct buffer text = BUFFER_INIT;
    enum err err = file_read(path, JSON_SIZE_MAX, &text);
    if (err == ERR_OK) {
        json_error_t why;
        *root = json_loadb(text.data != NULL ? text.data : "", text.size, 0, &why);
        if (*root == NULL) {
            err = err_set(ERR_INPUT, "%s:%d: %s", path, why.line, why.text);
        } else if (!json_is_object(*root)) {
            json_decref(*root);
            err = err_set(ERR_INPUT, "%s: it holds no object", path);
        }
    }
    buffer_release(&text);
    return err;
}

static enum err read_program(const char *path, struct arena *arena, struct program **program)
{
    struct buffer text = BUFFER_INIT;
    enum err err = file_read(path, 0, &text);
    if (err == ERR_OK) {
        err = program_parse(path, text.data != NULL ? text.data : "", text.size, arena, program);
    }
    buffer_release(&text);
    TRY(err);
    TRY(program_verify(*program));
    return ops_check(*program);
}

static enum err read_inputs(const char *path, struct test *test, struct arena *arena)
{
    struct named_tensor *items;
    size_t n;
    TRY(npz_read(path, arena, &items, &n));
    test->n_inputs = program_n_inputs(test->program);
    test->inputs = ARENA_ZARRAY(arena, struct tensor, test->n_inputs);
    return npz_inputs(path, items, n, test->program, test->inputs);
}

/* The other shapes that were run before the test's: its program at the inputs of that file. */
static enum err read_before(const char *path, struct test *test, struct arena *arena)
{
    if (!file_exists(path)) {
        return ERR_OK;
    }
    struct named_tensor *items;
    size_t n;
    TRY(npz_read(path, arena, &items, &n));
    struct program *p = program_clone(test->program, arena);
    TRY(ops_resolve(p));
    for (size_t i = 0; i < n; i++) {
        uint32_t id = program_find_value(p, items[i].name);
        if (id != VALUE_ABSENT && p->values[id].kind == VALUE_INPUT) {
            p->values[id].shape = items[i].tensor.shape;
        }
    }
    TRY(program_infer(p, arena));
    struct test *before = arena_zalloc(arena, sizeof(*before));
    before->program = p;
    before->n_inputs = program_n_inputs(p);
    before->inputs = ARENA_ZARRAY(arena, struct tensor, before->n_inputs);
    test->before = before;
    return npz_inputs(path, items, n, p, before->inputs);
}

const char *json_text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text != NULL ? text : "";
}

/* What is not in the files themselves; where verdict.json says nothing it stays zero. */
static void read_origin(const json_t *root, struct test *test, struct arena *arena)
{
    test->seed = strtoull(json_text_of(root, "seed"), NULL, 10);
    test->index = (uint64_t)json_integer_value(json_object_get(root, "test"));
    test->policy = arena_strdup(arena, json_text_of(root, "inputs"));
    for (enum placement i = PLACE_ALIGNED; i <= PLACE_START; i++) {
        if (strcmp(json_text_of(root, "placement"), placement_names[i]) == 0) {
            test->placement = i;
        }
    }
}

enum err finding_read(const char *folder, const char *name, struct arena *arena, struct test **test)
{
    struct test *made = arena_zalloc(arena, sizeof(*made));
    struct program *program;
    bool reduced = strcmp(name, "program") == 0;
    const char *inputs = reduced ? "inputs" : name;
    const char *path = arena_printf(arena, "%s/%s.txt", folder, name);
    if (!file_exists(path)) {
        return err_set(ERR_MISSING, "%s: there is no such file", path);
    }
    TRY(read_program(path, arena, &program));
    made->program = program;
    TRY(read_inputs(arena_printf(arena, "%s/%s.npz", folder, inputs), made, arena));
    TRY(read_before(arena_printf(arena, "%s/%s_before.npz", folder, inputs), made, arena));
    json_t *root = NULL;
    TRY(folder_json(folder, "verdict.json", arena, &root));
    read_origin(root, made, arena);
    json_decref(root);
    *test = made;
    return ERR_OK;
}

enum err finding_claim_read(const char *folder, struct arena *arena, struct finding_claim *claim)
{
    json_t *root = NULL;
    TRY(folder_json(folder, "verdict.json", arena, &root));
    claim->target = arena_strdup(arena, json_text_of(root, "target"));
    claim->oracle = arena_strdup(arena, json_text_of(root, "oracle"));
    claim->signature = arena_strdup(arena, json_text_of(root, "signature"));
    json_decref(root);
    if (claim->target[0] == '\0' || claim->oracle[0] == '\0' || claim->signature[0] == '\0') {
        return err_set(ERR_INPUT,
                       "%s/verdict.json does not say which target failed, by which "
                       "oracle and with which signature",
                       folder);
    }
    return ERR_OK;
}

enum err finding_variables(const char *folder, struct arena *arena, struct texts *variables)
{
    const char *path = arena_printf(arena, "%s/environment.json", folder), *name;
    json_t *root = NULL, *value;
    *variables = (struct texts){0};
    if (!file_exists(path)) {
        return ERR_OK;
    }
    TRY(folder_json(folder, "environment.json", arena, &root));
    json_object_foreach(json_object_get(root, "variables"), name, value)
    {
        const char *text = json_string_value(value);
        if (text != NULL && environment_allows(name, text)) {
            texts_add(variables, arena_printf(arena, "%s=%s", name, text), arena);
        } else {
            log_warn("%s: %s is no variable that a finding may set; left out", path, name);
        }
    }
    json_decref(root);
    return ERR_OK;
}

/* Of "NAME=VALUE". */
static const char *name_of(const char *variable, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(variable, "="), variable);
}

void variables_set(const struct texts *variables, struct arena *arena, struct texts *before)
{
    *before = (struct texts){0};
    for (size_t i = 0; i < variables->n; i++) {
        const char *variable = variables->items[i], *name = name_of(variable, arena);
        const char *old = getenv(name);
        texts_add(before, old != NULL ? arena_printf(arena, "%s=%s", name, old) : name, arena);
        setenv(name, variable + strlen(name) + 1, 1);
    }
}

void variables_restore(const struct texts *before, struct arena *arena)
{
    for (size_t i = 0; i < before->n; i++) {
        const char *variable = before->items[i], *name = name_of(variable, arena);
        if (variable[strlen(name)] == '=') {
            setenv(name, variable + strlen(name) + 1, 1);
        } else {
            unsetenv(name);
        }
    }
}

enum err finding_set_variables(const char *folder, struct arena *arena)
{
    struct texts variables, before;
    TRY(finding_variables(folder, arena, &variables));
    variables_set(&variables, arena, &before);
    return ERR_OK;
}

enum err finding_targets(const char *folder, struct arena *arena, const char *const **labels,
                         size_t *n)
{
    json_t *root = NULL;
    TRY(folder_json(folder, "verdict.json", arena, &root));
    const json_t *rows = json_object_get(root, "verdicts");
    size_t count = json_array_size(rows);
    const char **made = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        made[i] = arena_strdup(arena, json_text_of(json_array_get(rows, i), "target"));
    }
    json_decref(root);
    *labels = made;
    *n = count;
    return ERR_OK;
}
