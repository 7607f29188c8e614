/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script of a record: the short one, which people read, where that can say the failure; else
 * repro.py as it lies in the folder, which also is the measure: only what it runs is said shorter.
 * Both run the same program on the same inputs in the same configuration.
 */
#include <stdlib.h>
#include <string.h>

#include "report/record_internal.h"

/* The model's own versions: at another opset the library may not show it. ERR_MISSING: somebody has
 * taken the model away. */
static enum err read_version(const struct record *r, struct arena *arena,
                             struct onnx_version *version)
{
    const char *path = arena_printf(arena, "%s/model.onnx", r->folder);
    if (!file_exists(path)) {
        return ERR_MISSING;
    }
    struct buffer model = BUFFER_INIT;
    *version = ONNX_VERSION_DEFAULT;
    enum err err = file_read(path, 0, &model);
    if (err == ERR_OK) {
        err = onnx_read_version(path, model.data, model.size, version);
    }
    buffer_release(&model);
    return err;
}

/* Of "onnxruntime:opt=all,threads=2" the value behind `key`; NULL: it is not there. */
static const char *option_of(const char *target, const char *key, struct arena *arena)
{
    size_t n = strlen(key);
    for (const char *at = strpbrk(target, ":"); at != NULL; at = strchr(at + 1, ',')) {
        if (strncmp(at + 1, key, n) == 0 && at[1 + n] == '=') {
            const char *value = at + 2 + n;
            return arena_printf(arena, "%.*s", (int)strcspn(value, ",@"), value);
        }
    }
    return NULL;
}

/* "compile,dynamic" of "torch:compile,dynamic@..."; NULL: it has no options. */
static const char *setup_of(const char *target, struct arena *arena)
{
    const char *at = strchr(target, ':');
    return at != NULL ? arena_printf(arena, "%.*s", (int)strcspn(at + 1, "@"), at + 1) : NULL;
}

/* Output and flat index of "y[1,0]". false: the program has no such element. */
static bool find_element(const struct program *p, const char *place, struct script_claim *claim)
{
    size_t name = strcspn(place, "[");
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct value *v = &p->values[p->outputs[o]];
        if (strlen(v->name) != name || strncmp(v->name, place, name) != 0) {
            continue;
        }
        const char *at = place + name;
        size_t element = 0;
        for (int d = 0; d < v->shape.rank; d++) {
            char *end;
            long long i = *at != '\0' ? strtoll(at + 1, &end, 10) : -1;
            if (i < 0 || i >= v->shape.dim[d]) {
                return false;
            }
            at = end;
            element = element * (size_t)v->shape.dim[d] + (size_t)i;
        }
        claim->output = o;
        claim->element = element;
        return true;
    }
    return false;
}

/* false: a few lines cannot say it. */
static bool find_claim(const struct record *r, struct script_claim *claim)
{
    const char *oracle = r->oracle;
    if (strcmp(oracle, "value") == 0) {
        claim->kind = CLAIM_VALUE;
        return r->outputs != NULL && r->culprit->place != NULL &&
               find_element(r->test->program, r->culprit->place, claim);
    }
    if (strcmp(oracle, "shape") == 0 || strcmp(oracle, "dtype") == 0) {
        claim->kind = CLAIM_FORM;
        return true;
    }
    if (strcmp(oracle, "side_effects") == 0) {
        claim->kind = CLAIM_INPUTS;
        return strcmp(r->culprit->text, "an input tensor was changed") == 0;
    }
    claim->kind = CLAIM_RUNS;
    return strcmp(oracle, "crash") == 0 || strcmp(oracle, "status") == 0;
}

static void set_script(struct record *r, const char *script, const char *packages,
                       struct arena *arena)
{
    r->script = script;
    r->needs = arena_printf(arena, "%s", packages);
}

enum err record_write_script(struct record *r, struct arena *arena)
{
    struct script_claim claim = {0};
    bool is_onnx = script_is_onnx(r->library);
    if (r->repro == NULL) { /* there is no library to call */
        return ERR_OK;
    }
    set_script(r, r->repro, script_needs(r->library, false, arena), arena);
    if (!find_claim(r, &claim)) {
        return ERR_OK;
    }
    uint32_t n = r->test->program->n_outputs;
    struct tensor *expected = ARENA_ZARRAY(arena, struct tensor, n);
    struct tensor *bound = ARENA_ZARRAY(arena, struct tensor, n);
    for (uint32_t o = 0; r->outputs != NULL && o < n; o++) {
        expected[o] = *r->outputs[o].expected;
        bound[o] = *r->outputs[o].bound;
    }
    const char *threads = option_of(r->target, "threads", arena);
    struct script script = {
        .library = r->library,
        .setup = strcmp(r->library, "onnxruntime") == 0 ? option_of(r->target, "opt", arena)
                                                        : setup_of(r->target, arena),
        .disabled = option_of(r->target, "disable", arena),
        .options = setup_of(r->target, arena),
        .threads = threads != NULL ? (unsigned)strtoul(threads, NULL, 10) : 1,
        .program = r->test->program,
        .inputs = r->test->inputs,
        .at_page_end = strstr(r->repro, "at_page_end(") != NULL, /* as repro.py has it */
        .before = r->test->before,
        .expected = expected,
        .bound = bound,
    };
    enum err version = is_onnx ? read_version(r, arena, &script.onnx) : ERR_OK;
    if (version != ERR_OK) {
        return version == ERR_MISSING ? ERR_OK : version;
    }
    if (!script_has_program(&script, r->repro)) {
        return ERR_OK;
    }
    struct buffer source = BUFFER_INIT;
    enum err err = script_write_short(&script, &claim, &source);
    if (err == ERR_OK) {
        set_script(r, arena_strdup(arena, source.data), script_needs(r->library, true, arena),
                   arena);
    }
    buffer_release(&source);
    return err == ERR_UNSUPPORTED ? ERR_OK : err;
}
