/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models that others made: those to start from are the files of a folder and its subfolders, in the
 * order of their names; when none is given, those that scripts/seed-models made at the build,
 * beside the program.
 */
#include <string.h>

#include "generate/generate_internal.h"

enum { SEED_BYTES_MAX = 1 << 26 };

/* ---- any model ---- */

enum err program_accept(const struct policy *policy, struct program *p)
{
    TRY(ops_check(p));
    TRY(program_verify(p));
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (shape_numel(&v->shape) > policy->numel_max) {
            return err_set(ERR_UNSUPPORTED, "%s has more than the policy's %u elements", v->name,
                           policy->numel_max);
        }
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (p->nodes[i].n_in > OP_INPUTS_MAX || p->nodes[i].n_in == 0 ||
            p->nodes[i].n_out > OP_OUTPUTS_MAX) {
            return err_set(ERR_UNSUPPORTED, "%s has too many inputs or outputs",
                           p->nodes[i].op_name);
        }
    }
    return p->n_nodes > 0 ? ERR_OK : err_set(ERR_UNSUPPORTED, "it has no operators");
}

struct facts leaf_facts(const struct program *p, uint32_t id, struct rng *rng)
{
    const struct value *v = &p->values[id];
    struct facts f = {.is_live = v->kind == VALUE_INPUT};
    struct index_use use;
    if (v->data) {
        f.range = range_of_data(v);
        return f;
    }
    f.recipe = index_use_of(p, id, &use) ? recipe_index(&use) : recipe_draw(rng, v->dtype, 0);
    f.range = recipe_range(&f.recipe, v->dtype);
    return f;
}

struct graph graph_of(struct program *p, struct rng *rng, struct arena *arena)
{
    struct graph graph = {.program = p, .facts = ARENA_ZARRAY(arena, struct facts, p->n_values)};
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind != VALUE_NODE) {
            graph.facts[id] = leaf_facts(p, id, rng);
        }
    }
    return graph;
}

/* ---- models to start from ---- */

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
    return err;
}

/* Programs that keep to the policy's limits, as all tests do, with all of their weights. */
static enum err accept_seed(const char *path, const struct policy *policy, struct program *p)
{
    enum err err = program_accept(policy, p);
    for (uint32_t id = 0; err == ERR_OK && id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_CONST && v->data == NULL) {
            err = err_set(ERR_UNSUPPORTED, "constant %s has no data", v->name);
        }
    }
    return err == ERR_OK ? ERR_OK : err_set(err, "%s: %s", path, err_text());
}

static void add_seed(struct policy *policy, const struct program *p, struct arena *arena)
{
    policy->seed = arena_room(arena, policy->seed, policy->n_seeds, sizeof(*policy->seed));
    policy->seed[policy->n_seeds++] = p;
    policy->seeds_hash = hash_mix(policy->seeds_hash, program_hash(p));
}

/* Adds the file; *why: the first that is none says why. */
static void try_seed(struct policy *policy, const char *path, size_t *n_others, const char **why,
                     struct arena *arena)
{
    struct program *p = NULL;
    enum err err = read_program(path, arena, &p);
    err = err == ERR_OK ? accept_seed(path, policy, p) : err;
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
    struct texts paths = {0};
    TRY(models_under(dir, arena, &paths));
    policy->n_seeds = 0;
    policy->seeds_hash = 0;
    for (size_t i = 0; i < paths.n; i++) {
        try_seed(policy, paths.items[i], n_others, why, arena);
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
enum err policy_seeds_of_build(struct policy *policy, struct arena *arena)
{
    char *dir;
    const char *why = "";
    size_t n_others = 0;
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
