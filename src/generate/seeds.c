/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models to start from: the files of a folder and its subfolders, in the order of their names; when
 * none is given, those that scripts/seed-models made at the build, beside the program.
 */
#include <string.h>

#include "generate/generate_internal.h"

enum { SEED_BYTES_MAX = 1 << 26 };

static enum err read_program(const char *path, struct arena *arena, struct program **p)
{
    struct buffer bytes = BUFFER_INIT;
    TRY(file_read(path, SEED_BYTES_MAX, &bytes));
    char *text = arena_alloc(arena, bytes.size + 1); /* the program may borrow from it */
    memcpy(text, bytes.data ? bytes.data : "", bytes.size);
    text[bytes.size] = '\0';
    const struct onnx_source model = {.name = path, .data = text, .size = bytes.size};
    enum err err = is_onnx_file(path) ? onnx_read(&model, arena, p)
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

static void add_seed(struct policy *policy, const struct program *p, struct arena *arena)
{
    size_t n = policy->n_seeds;
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        const struct program **grown = ARENA_ARRAY(arena, const struct program *, n ? 2 * n : 1);
        if (n > 0) {
            memcpy(grown, policy->seed, n * sizeof(*grown));
        }
        policy->seed = grown;
    }
    policy->seed[policy->n_seeds++] = p;
    policy->seeds_hash = hash_mix(policy->seeds_hash, program_hash(p));
}

/* Adds the file; *why: the first that is none says why. */
static void try_seed(struct policy *policy, const char *path, size_t *n_others, const char **why,
                     struct arena *arena)
{
    struct program *p = NULL;
    enum err err = read_program(path, arena, &p);
    err = err == ERR_OK ? check_limits(path, policy, p) : err;
    if (err == ERR_OK) {
        add_seed(policy, p, arena);
    } else if ((*n_others)++ == 0) {
        *why = arena_strdup(arena, err_text());
    }
}

/* *n_others files are no model to start from, and the first of them says *why. */
static enum err add_seeds(struct policy *policy, const char *dir, size_t *n_others,
                          const char **why, struct arena *arena)
{
    const char **paths;
    size_t n_paths;
    TRY(models_under(dir, arena, &paths, &n_paths));
    policy->n_seeds = 0;
    policy->seeds_hash = 0;
    for (size_t i = 0; i < n_paths; i++) {
        try_seed(policy, paths[i], n_others, why, arena);
    }
    return ERR_OK;
}

enum err policy_seeds(struct policy *policy, const char *dir, struct arena *arena)
{
    const char *why = "";
    size_t n_others = 0;
    if (!file_exists(dir)) {
        return err_set(ERR_MISSING, "cannot read the folder of models %s: %m", dir);
    }
    TRY(add_seeds(policy, dir, &n_others, &why, arena));
    policy->seeds = arena_strdup(arena, dir);
    if (n_others > 0) {
        log_warn("%zu of %zu files under %s are no model to start from; the first: %s", n_others,
                 n_others + policy->n_seeds, dir, why);
    }
    if (policy->n_seeds == 0) {
        return err_set(ERR_INPUT, "%s has no model (.onnx, .txt) to start from", dir);
    }
    return ERR_OK;
}

/* The build makes them for the catalogue of tomorrow too: those that today's lacks are no news. */
enum err generator_prepare(struct policy *policy, struct arena *arena)
{
    char *dir;
    const char *why = "";
    size_t n_others = 0;
    if (!policy->generator->needs_seeds || policy->n_seeds > 0) {
        return ERR_OK;
    }
    TRY(exe_dir(arena, &dir));
    dir = arena_printf(arena, "%s/seeds", dir);
    if (file_exists(dir)) {
        TRY(add_seeds(policy, dir, &n_others, &why, arena));
    }
    if (policy->n_seeds == 0) {
        return err_set(ERR_USAGE,
                       "generator %s needs models to start from: --seeds DIR, or those that the "
                       "build makes with the onnx package (there are none in %s)",
                       policy->generator->name, dir);
    }
    return ERR_OK;
}
