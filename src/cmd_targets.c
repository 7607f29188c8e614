/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury targets`: which libraries opjury can run, where each is installed, its version and what
 * it takes; `--support T` prints the probed table of operators and dtypes of one target.
 */
#include "campaign.h"
#include "command.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SUPPORT = COMMAND_KEYS, KEY_JSON, KEY_PYTHON };

struct targets_settings {
    const char *support, *python;
    bool json;
};

/* One kind of target on this machine. */
struct installed {
    const struct target_kind *kind;
    struct interpreters places; /* that have it, the one that runs it first */
    struct target **targets;    /* the variants that `fuzz` runs, once they were opened */
    const char *version;
    size_t n, n_devices; /* behind those n: variants on devices, whose no_device says more */
    const char *missing; /* why it cannot be used; NULL: it can */
};

/* ---- looking ---- */

/* Kinds without a package are tools of tests: run only when asked for. */
static bool is_library(const struct target_kind *kind)
{
    return kind->package != NULL && kind->package[0] != '\0';
}

/* What does not travel as a model with its constants inside is not ONNX. */
static bool takes_onnx(const struct target_kind *kind)
{
    return kind->encode != NULL && !kind->constants_as_tensors;
}

static const char *variant(const struct target_kind *kind, const char *options, struct arena *arena)
{
    return arena_printf(arena, "%s%s%s", kind->name, options[0] != '\0' ? ":" : "", options);
}

static enum err parse_variants(struct installed *it, const char *python, struct arena *arena)
{
    const char *const *options = it->kind->defaults;
    while (options[it->n] != NULL) {
        it->n++;
    }
    const char *const *devices = it->kind->devices;
    while (devices != NULL && devices[it->n_devices] != NULL) {
        it->n_devices++;
    }
    it->targets = ARENA_ZARRAY(arena, struct target *, it->n + it->n_devices);
    for (size_t i = 0; i < it->n + it->n_devices; i++) {
        const char *words = i < it->n ? options[i] : devices[i - it->n];
        TRY(target_parse(variant(it->kind, words, arena), python, arena, &it->targets[i]));
    }
    return ERR_OK;
}

/* They end with the jury. */
static void keep_texts(struct installed *it, struct arena *arena)
{
    it->version = arena_strdup(arena, it->targets[0]->version);
    for (size_t i = it->n; i < it->n + it->n_devices; i++) {
        struct target *t = it->targets[i];
        t->no_device = t->no_device != NULL ? arena_strdup(arena, t->no_device) : NULL;
    }
}

/* Is it in the interpreter that was given, or the default one? */
static bool is_usual(const struct interpreter *it)
{
    return it->place == PLACE_GIVEN || it->place == PLACE_USUAL;
}

static enum err open_variants(struct installed *it, const char *python, struct arena *arena)
{
    struct jury *jury;
    TRY(parse_variants(it, python, arena));
    const struct jury_options options = {.is_told = true};
    TRY(jury_open(it->targets, it->n + it->n_devices, &options, &jury));
    if (it->targets[0]->version != NULL) {
        keep_texts(it, arena);
    }
    jury_close(jury);
    return ERR_OK;
}

static enum err missing(const struct target_kind *kind, const char *python, struct arena *arena)
{
    struct interpreters all;
    TRY(interpreters_list(python, arena, &all));
    return err_set(ERR_MISSING, "%s is not installed for %s", kind->name, all.items[0].python);
}

/*
 * A library that is missing or does not start is an answer here, not an error. What fuzz runs
 * unasked in the usual interpreter is started, for that takes seconds at most; of the rest the
 * packages' metadata tells.
 */
static enum err look(const struct target_kind *kind, const char *python, struct arena *arena,
                     struct installed *it)
{
    *it = (struct installed){.kind = kind};
    if (!is_library(kind)) {
        return ERR_OK;
    }
    TRY(interpreters_with(kind, python, arena, &it->places));
    bool has_defaults = kind->defaults[0] != NULL;
    enum err err = ERR_OK;
    if (it->places.n == 0) {
        err = missing(kind, python, arena);
    } else if (has_defaults && is_usual(&it->places.items[0])) {
        err = open_variants(it, python, arena);
    } else {
        it->version = it->places.items[0].version;
    }
    if (err != ERR_OK) {
        it->missing = arena_strdup(arena, err_text());
    }
    return err == ERR_STOPPED ? err : ERR_OK;
}

/* ---- the list ---- */

/* "torch:compile" */
static const char *kind_label(const struct target_kind *kind, struct arena *arena)
{
    bool has_mode = kind->mode != NULL;
    return arena_printf(arena, "%s%s%s", kind->name, has_mode ? ":" : "",
                        has_mode ? kind->mode : "");
}

/* What a --target says to have it there. */
static const char *target_at(const struct target_kind *kind, const struct interpreter *it,
                             struct arena *arena)
{
    const char *at = it->environment != NULL ? it->environment : it->python;
    return arena_printf(arena, "%s@%s", kind_label(kind, arena), at);
}

static void print_others(const struct installed *it, struct arena *arena)
{
    for (size_t i = 1; i < it->places.n; i++) {
        const struct interpreter *place = &it->places.items[i];
        printf("    also in: %s, version %s: --target %s\n", place->python, place->version,
               target_at(it->kind, place, arena));
    }
}

static void print_places(const struct installed *it, struct arena *arena)
{
    const struct target_kind *kind = it->kind;
    printf("    runs in: %s%s%s\n", it->places.items[0].python, it->n > 0 ? "" : ": --target ",
           it->n > 0 ? "" : kind_label(kind, arena));
    if (it->n > 0 && takes_onnx(kind)) {
        const struct target *first = it->targets[0];
        printf("    takes ONNX up to opset %d, IR %d\n", first->onnx.opset, first->onnx.ir);
    }
    bool is_run = kind->defaults[0] != NULL && it->places.items[0].place != PLACE_BESIDE;
    for (size_t i = 0; is_run && kind->defaults[i] != NULL; i++) {
        printf("    %s %s\n", i == 0 ? "fuzz runs:" : "          ",
               variant(kind, kind->defaults[i], arena));
    }
    for (size_t i = it->n; i < it->n + it->n_devices; i++) {
        const struct target *t = it->targets[i];
        printf("    %s %s%s%s\n", i == it->n ? "device:   " : "          ", t->text,
               t->no_device != NULL ? ": " : "", t->no_device != NULL ? t->no_device : "");
    }
    print_others(it, arena);
}

/* "any draws: opt, threads" */
static void print_draws(const struct target_kind *kind)
{
    for (const struct option_draw *d = kind->draws; d != NULL && d->key != NULL; d++) {
        printf("%s%s", d == kind->draws ? "    any draws: " : ", ", d->key);
    }
    printf("%s", kind->draws != NULL ? "\n" : "");
}

static void print_kind(const struct installed *it, struct arena *arena)
{
    const struct target_kind *kind = it->kind;
    const char *version = it->version != NULL ? it->version : "";
    printf("%s%s%s: %s\n", kind_label(kind, arena), version[0] != '\0' ? " " : "", version,
           kind->summary);
    printf("    options: %s\n", kind->options);
    print_draws(kind);
    if (it->missing == NULL && it->places.n > 0) {
        print_places(it, arena);
    } else if (it->missing == NULL) {
        printf("    %sruns only when a --target names it\n", kind->is_test ? "for tests: " : "");
    } else {
        printf("    not usable: %s\n", it->missing);
        printf("    to install: python3 -m pip install %s, or name another interpreter with "
               "--python\n",
               kind->package);
        print_others(it, arena);
    }
}

static void set(json_t *object, const char *key, json_t *value)
{
    CHECK(value != NULL && json_object_set_new(object, key, value) == 0);
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static void set_onnx(json_t *object, const struct target *t)
{
    if (takes_onnx(t->kind)) {
        set(object, "opset", json_integer(t->onnx.opset));
        set(object, "ir", json_integer(t->onnx.ir));
    }
}

/* By target, why it is not there; null: it is. */
static json_t *devices_json(const struct installed *it)
{
    json_t *devices = json_object();
    for (size_t i = it->n; i < it->n + it->n_devices; i++) {
        set(devices, it->targets[i]->text, text_or_null(it->targets[i]->no_device));
    }
    return devices;
}

/* The other places. */
static json_t *also_json(const struct installed *it)
{
    json_t *list = json_array();
    for (size_t i = 1; i < it->places.n; i++) {
        const struct interpreter *place = &it->places.items[i];
        json_t *object = json_object();
        set(object, "version", text_or_null(place->version));
        set(object, "python", text_or_null(place->python));
        set(object, "environment", text_or_null(place->environment));
        CHECK(json_array_append_new(list, object) == 0);
    }
    return list;
}

static json_t *kind_json(const struct installed *it, struct arena *arena)
{
    json_t *object = json_object();
    json_t *defaults = json_array();
    set(object, "name", json_string(kind_label(it->kind, arena)));
    set(object, "installed", json_boolean(it->missing == NULL));
    if (it->missing == NULL && it->places.n > 0) {
        const struct interpreter *first = &it->places.items[0];
        set(object, "version", text_or_null(it->version));
        set(object, "python", text_or_null(first->python));
        set(object, "environment", text_or_null(first->environment));
        set(object, "beside", json_boolean(first->place == PLACE_BESIDE));
        set(object, "also", also_json(it));
    } else if (it->missing != NULL) {
        set(object, "missing", json_string(it->missing));
        set(object, "package", text_or_null(it->kind->package));
    }
    if (it->missing == NULL && it->n > 0) {
        set_onnx(object, it->targets[0]);
        set(object, "devices", devices_json(it));
    }
    for (size_t i = 0; it->kind->defaults[i] != NULL; i++) {
        json_t *text = json_string(variant(it->kind, it->kind->defaults[i], arena));
        CHECK(json_array_append_new(defaults, text) == 0);
    }
    set(object, "defaults", defaults);
    json_t *draws = json_array();
    for (const struct option_draw *d = it->kind->draws; d != NULL && d->key != NULL; d++) {
        CHECK(json_array_append_new(draws, json_string(d->key)) == 0);
    }
    set(object, "draws", draws);
    return object;
}

static void print_json(json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);
    CHECK(text != NULL);
    puts(text);
    free(text);
    json_decref(root);
}

static enum err list_kinds(const struct targets_settings *s, struct arena *arena)
{
    json_t *list = json_array();
    struct installed plain = {0};
    enum err err = ERR_OK;
    for (size_t i = 0; i < target_kind_count && err == ERR_OK; i++) {
        struct installed it;
        err = look(target_kind_table[i], s->python, arena, &it);
        if (it.kind->mode == NULL) {
            plain = it;
        } else if (strcmp(it.kind->name, plain.kind->name) == 0 && plain.missing != NULL) {
            it.missing = plain.missing; /* another mode of the same package */
        }
        if (s->json) {
            CHECK(json_array_append_new(list, kind_json(&it, arena)) == 0);
        } else {
            print_kind(&it, arena);
        }
    }
    if (s->json) {
        json_t *root = json_object();
        set(root, "targets", list);
        set(root, "sandbox", json_string(sandbox_text(arena)));
        print_json(root);
    } else {
        json_decref(list);
        printf("%s\n", sandbox_text(arena));
    }
    TRY(err);
    return output_flush();
}

/* ---- a support table ---- */

static void print_support(const struct target *t)
{
    printf("# %s %s", t->text, t->version != NULL ? t->version : "");
    if (takes_onnx(t->kind)) {
        printf(", opset %d, IR %d", t->onnx.opset, t->onnx.ir);
    }
    printf("\n# operator, dtype of the first input -> dtypes of the first output\n");
    for (size_t i = 0; i < op_count; i++) {
        bool any = false;
        for (int in = 1; in < DTYPE_COUNT; in++) {
            dtype_set outs = t->support->pairs[i][in];
            if (outs == 0) {
                continue;
            }
            any = true;
            printf("%-12s %-4s ->", op_table[i]->name, dtype_name((enum dtype)in));
            for (int out = 1; out < DTYPE_COUNT; out++) {
                printf("%s%s", dtype_in((enum dtype)out, outs) ? " " : "",
                       dtype_in((enum dtype)out, outs) ? dtype_name((enum dtype)out) : "");
            }
            printf("\n");
        }
        if (!any) {
            printf("%-12s not at all\n", op_table[i]->name);
        }
    }
}

static json_t *outputs_json(dtype_set outs)
{
    json_t *list = json_array();
    for (int out = 1; out < DTYPE_COUNT; out++) {
        if (dtype_in((enum dtype)out, outs)) {
            json_t *name = json_string(dtype_name((enum dtype)out));
            CHECK(json_array_append_new(list, name) == 0);
        }
    }
    return list;
}

static void print_support_json(const struct target *t)
{
    json_t *ops = json_object();
    for (size_t i = 0; i < op_count; i++) {
        json_t *op = json_object();
        for (int in = 1; in < DTYPE_COUNT; in++) {
            if (t->support->pairs[i][in] != 0) {
                set(op, dtype_name((enum dtype)in), outputs_json(t->support->pairs[i][in]));
            }
        }
        set(ops, op_table[i]->name, op);
    }
    json_t *root = json_object();
    set(root, "target", json_string(t->text));
    set(root, "version", text_or_null(t->version));
    set_onnx(root, t);
    set(root, "ops", ops);
    print_json(root);
}

static enum err list_support(const struct targets_settings *s, struct arena *arena)
{
    struct target *target;
    struct jury *jury;
    TRY(target_parse(s->support, s->python, arena, &target));
    TRY(jury_open(&target, 1, &(struct jury_options){0}, &jury));
    enum err err = ERR_OK;
    if (target->support == NULL) {
        err = err_set(ERR_USAGE, "%s runs in this process: it takes the whole catalogue",
                      target->text);
    } else if (s->json) {
        print_support_json(target);
    } else {
        print_support(target);
    }
    jury_close(jury);
    TRY(err);
    return output_flush();
}

/* ---- the command ---- */

static enum err run_targets(void *settings, struct arena *arena, bool *found)
{
    const struct targets_settings *s = settings;
    return s->support != NULL ? list_support(s, arena) : list_kinds(s, arena);
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct targets_settings *s = settings;
    switch (key) {
    case KEY_SUPPORT:
        s->support = value;
        return ERR_OK;
    case KEY_PYTHON:
        s->python = python_add(s->python, value, arena);
        return ERR_OK;
    case KEY_JSON:
        s->json = true;
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

static const struct argp_option options[] = {
    {"support", KEY_SUPPORT, "TARGET", 0, "print what this target takes", 0},
    {"python", KEY_PYTHON, "PATH", 0, PYTHON_HELP, 0},
    {"json", KEY_JSON, NULL, 0, "one line with one object", 0},
    {0},
};

const struct command command_targets = {
    .name = "targets",
    .summary = "List libraries: where installed, versions, what each supports",
    .help =
        "A target is NAME[:word|key=value,...][@PATH], PATH an interpreter, its virtual "
        "environment, or the name of one in the configuration. Without PATH a library runs in the "
        "first place that has it: with --python, of those given; else the default interpreter "
        "($OPJURY_PYTHON, $VIRTUAL_ENV, the .venv beside the build, or python3), the environments "
        "of the configuration, and the .venv-NAME beside the build that `scripts/setup NAME` "
        "makes; these run only when a --target names them.\n"
        "\n"
        "The configuration is --config FILE, $OPJURY_CONFIG, opjury.yaml in this folder, or "
        "~/.config/opjury/config.yaml; `none' stands for no file and nothing beside the build. In "
        "it:\n"
        "  environments:\n"
        "    - name: old\n"
        "      python: ~/venvs/onnxruntime-1.20\n"
        "\n"
        "What fuzz runs unasked is started to see what it takes; of all else the packages are "
        "looked up.\n"
        "\n"
        "A target on a device that this machine lacks (torch:device=cuda) is passed over with a "
        "line where others are named beside it.\n"
        "\n"
        "With the word `any` each test draws the options that the target's text does not give, by "
        "its seed and index: each is as by default in half of the tests. A finding is recorded "
        "with those that it needs.\n"
        "\n"
        "Examples:\n"
        "  opjury targets\n"
        "  opjury targets --python old-env --python new-env\n"
        "  opjury targets --support onnxruntime:opt=none\n"
        "  opjury targets --support onnxruntime@old\n"
        "  opjury fuzz --target onnxruntime:opt=all,any\n",
    .options = options,
    .settings_size = sizeof(struct targets_settings),
    .option = set_option,
    .run = run_targets,
};
