/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding as a folder. Each file stands alone: program.txt for people, model.onnx and inputs.npz
 * for any tool, repro.py for whoever has the library, verdict.json and environment.json for
 * programs. verdict.json is written last: a folder that has it is whole.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/record_internal.h"
#include "report/report.h"
#include "report/report_internal.h"

/* ---- helpers ---- */

static enum err write_text(const char *folder, const char *name, const struct buffer *text,
                           struct arena *arena)
{
    return file_write(arena_printf(arena, "%s/%s", folder, name),
                      text->data != NULL ? text->data : "", text->size);
}

/* What the folder held before of another test must not stand beside this one. */
static void forget(const char *folder, const char *name, struct arena *arena)
{
    (void)unlink(arena_printf(arena, "%s/%s", folder, name));
}

enum err write_json(const char *folder, const char *name, json_t *root, struct arena *arena)
{
    /* 17 significant digits bring every double back. */
    char *dumped = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    CHECK(dumped != NULL);
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s\n", dumped);
    free(dumped);
    enum err err = write_text(folder, name, &text, arena);
    buffer_release(&text);
    return err;
}

static enum err write_inputs(const char *folder, const char *name, const struct test *test,
                             struct arena *arena)
{
    struct named_tensor *items = ARENA_ARRAY(arena, struct named_tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        items[k].name = test->program->values[program_input(test->program, k)].name;
        items[k].tensor = test->inputs[k];
    }
    return npz_write(arena_printf(arena, "%s/%s", folder, name), items, test->n_inputs);
}

/* ---- program.txt ---- */

/* Inputs up to this many elements are shown; of larger ones the digest tells them apart. */
enum { INPUT_SHOWN_MAX = 64 };

static void put_input(const char *name, const struct tensor *t, struct buffer *text)
{
    size_t n = shape_numel(&t->shape);
    buffer_printf(text, "# %s = ", name);
    if (n > INPUT_SHOWN_MAX) {
        buffer_printf(text, "%zu elements, XXH3 %016llx (see inputs.npz)\n", n,
                      (unsigned long long)tensor_hash(t, 0));
        return;
    }
    buffer_puts(text, "[");
    for (size_t i = 0; i < n; i++) {
        buffer_puts(text, i > 0 ? ", " : "");
        dtype_print_value(t->dtype, dtype_load(t->dtype, t->data, i), text);
    }
    buffer_puts(text, "]\n");
}

static enum err write_program(const char *folder, const char *name, const char *title,
                              const struct test *test, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "# %s\n# seed %llu, test %llu, inputs %s\n", title,
                  (unsigned long long)test->seed, (unsigned long long)test->index,
                  test->policy != NULL ? test->policy : "given");
    program_print(test->program, &text);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        put_input(test->program->values[program_input(test->program, k)].name, &test->inputs[k],
                  &text);
    }
    enum err err = write_text(folder, name, &text, arena);
    buffer_release(&text);
    return err;
}

/* ---- model.onnx ---- */

/* Those of the model that failed: at another opset the library may not show it (ONNX Runtime infers
 * the shape of a pool with ceil_mode by its opset). */
static struct onnx_version model_version(const struct finding_files *f)
{
    const struct target *t = f->targets[f->culprit];
    return t->onnx.opset != 0 ? t->onnx : ONNX_VERSION_DEFAULT;
}

static enum err write_model(const char *folder, const struct finding_files *f, struct arena *arena)
{
    struct buffer model = BUFFER_INIT;
    enum err err = onnx_write(f->test->program, model_version(f), &model);
    if (err == ERR_OK) {
        err = write_text(folder, "model.onnx", &model, arena);
    } else if (err == ERR_UNSUPPORTED) {
        forget(folder, "model.onnx", arena); /* not every program has an ONNX form */
        err = ERR_OK;
    }
    buffer_release(&model);
    return err;
}

/* ---- repro.py ---- */

static void expected_of(const struct finding_files *f, struct tensor *expected,
                        struct tensor *bound, struct arena *arena)
{
    for (uint32_t o = 0; o < f->test->program->n_outputs; o++) {
        const struct program *p = f->test->program;
        struct reference *reference = reference_for(f->reference, f->targets[f->culprit]);
        expectation_tensors(reference_expectation(reference, o), p->values[p->outputs[o]].dtype,
                            arena, &expected[o], &bound[o]);
    }
}

/* Does the failing run give what nobody wrote into fresh memory? It shows only where that memory is
 * filled. */
static bool is_unwritten(const struct finding_files *f, const struct tensor *expected,
                         const struct tensor *bound)
{
    const struct outcome *o = &f->outcomes[f->culprit];
    bool found = false;
    for (uint32_t k = 0; k < f->test->program->n_outputs && k < o->n_outputs; k++) {
        found = found || (o->kind == OUTCOME_OK &&
                          holds_filled_memory(&expected[k], &bound[k], &o->outputs[k]));
    }
    return found;
}

/* What it is run with. */
static struct texts variables_of(const struct finding_files *f, struct arena *arena)
{
    uint32_t n = f->test->program->n_outputs;
    struct tensor *expected = ARENA_ARRAY(arena, struct tensor, n);
    struct tensor *bound = ARENA_ARRAY(arena, struct tensor, n);
    struct texts variables = environment_variables(arena);
    expected_of(f, expected, bound, arena);
    if (is_unwritten(f, expected, bound)) {
        texts_add(&variables, FILL_VARIABLE "=" FILL_VALUE, arena);
    }
    return variables;
}

static enum err write_environment(const char *folder, const struct finding_files *f,
                                  struct arena *arena)
{
    struct texts variables = variables_of(f, arena);
    return write_json(folder, "environment.json", environment_json(f, &variables, arena), arena);
}

/* The command, where it takes more than the script. */
static void put_command(const struct finding_files *f, bool unwritten, struct script *script,
                        struct arena *arena)
{
    struct texts variables = variables_of(f, arena);
    if (variables.n > 0) {
        script->command = repro_command(&variables, arena);
        script->why = unwritten ? "fresh memory, which an output shows that no kernel writes, "
                                  "otherwise often is zeros"
                                : "so it was found; otherwise another kernel may be chosen, which "
                                  "is right";
    }
}

/* "compile,dynamic" of torch:compile,dynamic; of onnxruntime its level. */
static const char *target_setup(const struct target *t, struct arena *arena)
{
    const char *options = strchr(target_label(t, arena), ':');

    return strcmp(t->kind->name, "onnxruntime") == 0 ? target_option(t, "opt", arena)
           : options                                 ? options + 1
                                                     : NULL;
}

static enum err write_repro(const char *folder, const struct finding_files *f, const char *title,
                            struct arena *arena)
{
    const struct target *t = f->targets[f->culprit];
    const struct outcome *o = &f->outcomes[f->culprit];
    if (!script_has_library(t->kind->name)) {
        forget(folder, "repro.py", arena);
        return ERR_OK; /* evaluated in this process: there is no library to call */
    }
    uint32_t n = f->test->program->n_outputs;
    struct tensor *expected = ARENA_ARRAY(arena, struct tensor, n);
    struct tensor *bound = ARENA_ARRAY(arena, struct tensor, n);
    expected_of(f, expected, bound, arena);
    const struct test *test = f->test;
    const char *threads = target_option(t, "threads", arena);
    struct script script = {
        .title = title,
        .library = t->kind->name,
        .setup = target_setup(t, arena),
        .disabled = target_option(t, "disable", arena),
        .options = t->options,
        .threads = threads != NULL ? (unsigned)strtoul(threads, NULL, 10) : 1,
        .program = test->program,
        .inputs = test->inputs,
        .at_page_end = test->placement == PLACE_END,
        .before = t->dynamic ? test->before : NULL,
        .onnx = model_version(f),
        .expected = expected,
        .bound = bound,
        .expected_error = o->kind == OUTCOME_ERROR && !error_is_of_form(o)
                              ? message_fragment(o->message, arena)
                              : NULL,
    };
    put_command(f, is_unwritten(f, expected, bound), &script, arena);
    struct buffer source = BUFFER_INIT;
    enum err err = script_write(&script, &source);
    if (err == ERR_OK) {
        err = write_text(folder, "repro.py", &source, arena);
    }
    buffer_release(&source);
    return err;
}

/* ---- expected.npz: what an independent judge compares ---- */

/*
 * For each output NAME: NAME.expected, NAME.bound (f64; NaN: not compared) and, when the failing
 * run gave values, NAME.actual. `make verify-findings` holds them against numpy.
 */
static enum err write_expected(const char *folder, const struct finding_files *f,
                               struct arena *arena)
{
    const struct program *p = f->test->program;
    const struct outcome *o = &f->outcomes[f->culprit];
    struct tensor *expected = ARENA_ARRAY(arena, struct tensor, p->n_outputs);
    struct tensor *bound = ARENA_ARRAY(arena, struct tensor, p->n_outputs);
    struct named_tensor *items = ARENA_ARRAY(arena, struct named_tensor, 3 * (size_t)p->n_outputs);
    size_t n = 0;
    expected_of(f, expected, bound, arena);
    for (uint32_t k = 0; k < p->n_outputs; k++) {
        const char *name = p->values[p->outputs[k]].name;
        items[n++] = (struct named_tensor){arena_printf(arena, "%s.expected", name), expected[k]};
        items[n++] = (struct named_tensor){arena_printf(arena, "%s.bound", name), bound[k]};
        if (o->kind == OUTCOME_OK && k < o->n_outputs) {
            items[n++] =
                (struct named_tensor){arena_printf(arena, "%s.actual", name), o->outputs[k]};
        }
    }
    return npz_write(arena_printf(arena, "%s/expected.npz", folder), items, n);
}

/* ---- verdict.json ---- */

static size_t count_elements(const struct program *p)
{
    size_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        n += shape_numel(&p->values[id].shape);
    }
    return n;
}

static json_t *reduction_json(const struct finding_files *f)
{
    const struct reduction *r = f->reduction;
    const struct program *before = f->original->program, *after = f->test->program;
    json_t *root = json_object();
    json_object_set_new(root, "complete", json_boolean(r->complete));
    json_object_set_new(root, "runs", json_integer(r->runs));
    json_object_set_new(root, "target", json_text(r->target));
    json_object_set_new(root, "nodes_before", json_integer(before->n_nodes));
    json_object_set_new(root, "nodes_after", json_integer(after->n_nodes));
    json_object_set_new(root, "elements_before", json_integer((json_int_t)count_elements(before)));
    json_object_set_new(root, "elements_after", json_integer((json_int_t)count_elements(after)));
    return root;
}

static json_t *elsewhere_json(const struct finding_files *f)
{
    json_t *root = json_array();
    for (size_t i = 0; i < f->n_elsewhere; i++) {
        const struct recheck_try *try = &f->elsewhere[i];
        json_t *row = json_object();
        json_object_set_new(row, "kind", json_text(try->kind));
        json_object_set_new(row, "what", json_text(try->what));
        json_object_set_new(row, "verdict", json_text(verdict_names[try->verdict]));
        json_array_append_new(root, row);
    }
    return root;
}

static json_t *finding_json(const struct finding_files *f, const char *title, struct arena *arena)
{
    const struct target *t = f->targets[f->culprit];
    const struct test *test = f->test;
    json_t *root = json_object();
    json_object_set_new(root, "title", json_text(title));
    json_object_set_new(root, "library", json_text(t->kind->name));
    json_object_set_new(root, "version", json_text(t->version));
    json_object_set_new(root, "target", json_text(target_label(t, arena)));
    json_object_set_new(root, "oracle", json_text(f->verdicts[f->culprit].oracle));
    json_object_set_new(root, "signature", json_text(f->failure->signature));
    json_object_set_new(root, "ops", json_text(op_chain(test->program, arena)));
    /* As text: a 64-bit seed is no JSON number for everybody. */
    json_object_set_new(root, "seed",
                        json_text(arena_printf(arena, "%llu", (unsigned long long)test->seed)));
    json_object_set_new(root, "test", json_integer((json_int_t)test->index));
    json_object_set_new(root, "inputs", json_text(test->policy));
    json_object_set_new(root, "placement", json_text(placement_names[test->placement]));
    json_object_set_new(root, "runs", json_integer(f->failure->runs));
    json_object_set_new(root, "repeats", json_integer(f->failure->repeats));
    json_object_set_new(root, "elsewhere", elsewhere_json(f));
    json_object_set_new(root, "reduction", f->reduction != NULL ? reduction_json(f) : json_null());
    json_object_set_new(root, "verdicts", verdicts_json(f, arena));
    return root;
}

/* ---- the folder ---- */

/* Of several versions of a library their number: without paths they look the same. */
static const char *table_label(const struct finding_files *f, size_t t, struct arena *arena)
{
    const char *label = target_label(f->targets[t], arena);
    size_t n = 0;
    for (size_t i = 0; i < f->n_targets; i++) {
        n += strcmp(target_label(f->targets[i], arena), label) == 0;
    }
    return n < 2 || f->targets[t]->version == NULL
               ? label
               : arena_printf(arena, "%s %s", label, f->targets[t]->version);
}

/* The table without paths of this machine: the folder goes to others. */
static enum err write_table(const char *folder, const struct finding_files *f, const char *title,
                            struct arena *arena)
{
    struct finding_files labelled = *f;
    struct target *copies = ARENA_ARRAY(arena, struct target, f->n_targets);
    struct target **targets = ARENA_ARRAY(arena, struct target *, f->n_targets);
    for (size_t t = 0; t < f->n_targets; t++) {
        copies[t] = *f->targets[t];
        copies[t].text = table_label(f, t, arena);
        targets[t] = &copies[t];
    }
    labelled.targets = targets;
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s\n\n", title);
    verdict_table_print(&labelled, false, &text);
    enum err err = write_text(folder, "verdict.txt", &text, arena);
    buffer_release(&text);
    return err;
}

/* Inputs of a test, and of the other shapes that a target of dynamic shapes runs before it. */
static enum err write_test_inputs(const char *folder, const char *name, const struct test *test,
                                  struct arena *arena)
{
    TRY(write_inputs(folder, arena_printf(arena, "%s.npz", name), test, arena));
    const char *before = arena_printf(arena, "%s_before.npz", name);
    if (test->before == NULL) {
        forget(folder, before, arena);
        return ERR_OK;
    }
    return write_inputs(folder, before, test->before, arena);
}

static enum err write_test(const char *folder, const char *title, const struct test *test,
                           struct arena *arena)
{
    TRY(dir_make(folder));
    TRY(write_program(folder, "program.txt", title, test, arena));
    return write_test_inputs(folder, "inputs", test, arena);
}

/* As it was found, where it has been made smaller. */
static enum err write_original(const char *folder, const struct finding_files *f, const char *title,
                               struct arena *arena)
{
    if (f->reduction != NULL) {
        TRY(write_program(folder, "original.txt", title, f->original, arena));
        return write_test_inputs(folder, "original", f->original, arena);
    }
    forget(folder, "original.txt", arena);
    forget(folder, "original.npz", arena);
    forget(folder, "original_before.npz", arena);
    return ERR_OK;
}

static enum err write_all(const char *folder, const struct finding_files *f, struct arena *arena)
{
    const char *title = f->title != NULL ? f->title : finding_title(f, arena);
    TRY(write_test(folder, title, f->test, arena));
    forget(folder, "blame.json", arena);
    TRY(write_original(folder, f, title, arena));
    TRY(write_model(folder, f, arena));
    TRY(write_expected(folder, f, arena));
    TRY(write_repro(folder, f, title, arena));
    TRY(write_table(folder, f, title, arena));
    TRY(write_environment(folder, f, arena));
    return write_json(folder, "verdict.json", finding_json(f, title, arena), arena);
}

const char *finding_folder(uint64_t id, const char *target, const char *oracle, struct arena *arena)
{
    return arena_printf(arena, "findings/%llu-%.*s-%s", (unsigned long long)id,
                        (int)strcspn(target, ":@"), target, oracle);
}

enum err finding_write(const char *folder, const struct finding_files *f)
{
    struct arena *arena = arena_new();
    enum err err = write_all(folder, f, arena);
    arena_free(arena);
    return err;
}

enum err test_write(const char *folder, const char *why, const struct test *test)
{
    struct arena *arena = arena_new();
    enum err err = write_test(folder, why, test, arena);
    arena_free(arena);
    return err;
}
