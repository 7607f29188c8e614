/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models to start from: the files of a folder, in the order of their names.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generate_internal.h"

enum { SEED_BYTES_MAX = 1 << 26 };

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

static int is_model(const struct dirent *entry)
{
    return ends_in(entry->d_name, ".onnx") || ends_in(entry->d_name, ".txt");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err read_program(const char *path, struct arena *arena, struct program **p)
{
    struct buffer bytes = BUFFER_INIT;
    TRY(file_read(path, SEED_BYTES_MAX, &bytes));
    char *text = arena_alloc(arena, bytes.size + 1); /* the program may borrow from it */
    memcpy(text, bytes.data ? bytes.data : "", bytes.size);
    text[bytes.size] = '\0';
    const struct onnx_source model = {.name = path, .data = text, .size = bytes.size};
    enum err err = ends_in(path, ".onnx") ? onnx_read(&model, arena, p)
                                          : program_parse(path, text, bytes.size, arena, p);
    buffer_release(&bytes);
    TRY(err);
    TRY(ops_check(*p));
    return program_verify(*p);
}

/* Programs that keep to the policy's limits, as all tests do. */
static enum err check_limits(const char *path, const struct policy *policy, const struct program *p)
{
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (shape_numel(&v->shape) > policy->numel_max) {
            return err_set(ERR_UNSUPPORTED, "%s: %s has more than the policy's %u elements", path,
                           v->name, policy->numel_max);
        }
        if (v->kind == VALUE_CONST && v->data == NULL) {
            return err_set(ERR_UNSUPPORTED, "%s: constant %s has no data", path, v->name);
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (p->nodes[i].n_in > OP_INPUTS_MAX || p->nodes[i].n_in == 0 ||
            p->nodes[i].n_out > OP_OUTPUTS_MAX) {
            return err_set(ERR_UNSUPPORTED, "%s: %s has too many inputs or outputs", path,
                           p->nodes[i].op_name);
        }
    }
    return p->n_nodes > 0 ? ERR_OK : err_set(ERR_UNSUPPORTED, "%s has no operators", path);
}

enum err policy_seeds(struct policy *policy, const char *dir, struct arena *arena)
{
    struct dirent **list = NULL;
    int n = scandir(dir, &list, is_model, by_name);
    if (n < 0) {
        return err_set(ERR_MISSING, "cannot read the folder of models %s: %m", dir);
    }
    policy->seeds = arena_strdup(arena, dir);
    policy->n_seeds = 0;
    policy->seed = ARENA_ARRAY(arena, const struct program *, (size_t)n + 1);
    for (int i = 0; i < n; i++) {
        struct program *p = NULL;
        const char *path = arena_printf(arena, "%s/%s", dir, list[i]->d_name);
        enum err err = read_program(path, arena, &p);
        err = err == ERR_OK ? check_limits(path, policy, p) : err;
        if (err == ERR_OK) {
            policy->seed[policy->n_seeds++] = p;
        } else {
            log_warn("no model to start from: %s", err_text());
        }
        free(list[i]);
    }
    free(list);
    if (policy->n_seeds == 0) {
        return err_set(ERR_INPUT, "%s has no model (.onnx, .txt) to start from", dir);
    }
    return ERR_OK;
}

enum err generator_check(const struct policy *policy)
{
    if (policy->generator->needs_seeds && policy->n_seeds == 0) {
        return err_set(ERR_USAGE, "generator %s needs models to start from: --seeds DIR",
                       policy->generator->name);
    }
    return ERR_OK;
}
