/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds: the table of target kinds, and targets from their text NAME[:word|key=value,...][@PATH].
 */
#include "target/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/faulty.h"
#include "target/target_internal.h"

const struct target_kind *const target_kind_table[] = {
    &target_onnxruntime,
    &target_torch,
    &target_torch_compile,
    &target_tensorflow,
    &target_tensorflow_function,
    &target_tensorflow_xla,
    &target_torch_export,
    &target_torch_jit,
    &target_torch_onnx,
    &target_jax,
    &target_jax_jit,
    &target_onnxsim,
    &target_onnxslim,
    &target_openvino,
    &target_tvm,
    &target_command,
    &target_faulty,
    &target_selftest,
    &target_selftest_denied,
    &target_selftest_pack,
    &target_selftest_runtime,
};
const size_t target_kind_count = ARRAY_SIZE(target_kind_table);

/* The kind of that library whose mode is the first word of the options, which then is cut off; else
 * its plain one. */
static const struct target_kind *find_kind(const char *name, char **options)
{
    const struct target_kind *found = NULL;
    size_t size = *options ? strcspn(*options, ",") : 0;

    for (size_t i = 0; i < target_kind_count; i++) {
        const struct target_kind *kind = target_kind_table[i];
        if (strcmp(kind->name, name) != 0) {
            continue;
        }
        if (!kind->mode) {
            found = found ? found : kind;
        } else if (size == strlen(kind->mode) && strncmp(*options, kind->mode, size) == 0) {
            *options = (*options)[size] ? *options + size + 1 : NULL;
            return kind;
        }
    }
    return found;
}

static enum err unknown_kind(const char *name)
{
    struct buffer names = BUFFER_INIT;

    for (size_t i = 0; i < target_kind_count; i++) {
        const struct target_kind *kind = target_kind_table[i];
        buffer_printf(&names, "%s%s%s%s", i ? ", " : "", kind->name, kind->mode ? ":" : "",
                      kind->mode ? kind->mode : "");
    }
    enum err e = err_set(ERR_USAGE, "no target is called '%s'; there are %s", name, names.data);
    buffer_release(&names);
    return e;
}

/* The option `key` in canonical options; its size, 0 when it is not there. */
static size_t find_option(const char *options, const char *key, const char **found)
{
    size_t n = strlen(key);

    for (const char *at = options; *at;) {
        size_t size = strcspn(at, ",");
        if (strncmp(at, key, n) == 0 && (n == size || at[n] == '=')) {
            *found = at;
            return size;
        }
        at += size + (at[size] == ',');
    }
    return 0;
}

/* Which of the kind's devices the options name. */
static const char *find_device(const struct target *t)
{
    const char *found;

    for (const char *const *d = t->kind->devices; d && *d; d++) {
        const char *key = *d;
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(key, "="), key);
        size_t size = find_option(t->options, name, &found);
        if (size == strlen(*d) && strncmp(found, *d, size) == 0) {
            return *d;
        }
    }
    return NULL;
}

/* One "word" or "key=value" after the other; `text` is cut up. */
static enum err parse_options(struct target *t, char *text, struct arena *arena)
{
    for (char *next = text; text; text = next) {
        next = strchr(text, ',');
        if (next) {
            *next++ = '\0';
        }
        char *value = strchr(text, '=');
        if (value) {
            *value++ = '\0';
        }
        if (!*text) {
            return err_set(ERR_USAGE, "target %s: an option is empty; it takes %s", t->kind->name,
                           t->kind->options);
        }
        TRY(t->kind->option(t, text, value, arena));
    }
    t->device = find_device(t);
    return ERR_OK;
}

const char *target_option(const struct target *t, const char *key, struct arena *arena)
{
    const char *found;
    size_t size = t->options ? find_option(t->options, key, &found) : 0, n = strlen(key);

    return size > n ? arena_printf(arena, "%.*s", (int)(size - n - 1), found + n + 1) : NULL;
}

const char *options_with(const char *options, const char *const *order, const char *key,
                         const char *said, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;

    for (; *order; order++) {
        const char *part = said;
        size_t size = strcmp(*order, key) == 0 ? strlen(said) : find_option(options, *order, &part);
        if (size) {
            buffer_puts(&text, text.size ? "," : "");
            buffer_append(&text, part, size);
        }
    }
    const char *canonical = arena_strdup(arena, text.size ? text.data : "");
    buffer_release(&text);
    return canonical;
}

enum err options_threads(struct target *t, const char *const *order, const char *value,
                         struct arena *arena)
{
    char *end = NULL;
    long n = value && *value >= '0' && *value <= '9' ? strtol(value, &end, 10) : 0;

    if (n < 1 || n > THREADS_MAX || *end) {
        return err_set(ERR_USAGE, "%s: threads=N takes 1 to %d, not '%s'", t->kind->name,
                       THREADS_MAX, value ? value : "");
    }
    const char *said = n > 1 ? arena_printf(arena, "threads=%ld", n) : "";
    t->options = options_with(t->options, order, "threads", said, arena);
    return ERR_OK;
}

enum err options_device(struct target *t, const char *const *order, const char *key,
                        const char *value, struct arena *arena)
{
    const char *said = arena_printf(arena, "%s=%s", key, value ? value : "");
    struct buffer names = BUFFER_INIT;
    bool is_usual = strcmp(said + strlen(key), "=cpu") == 0, is_device = is_usual;

    for (const char *const *d = t->kind->devices; *d; d++) {
        is_device = is_device || strcmp(*d, said) == 0;
        buffer_printf(&names, "%s%s", names.size ? "|" : "", *d);
    }
    enum err e = is_device
                     ? ERR_OK
                     : err_set(ERR_USAGE, "%s takes %s, not '%s'", t->kind->name, names.data, said);
    buffer_release(&names);
    if (!e) {
        t->options = options_with(t->options, order, key, is_usual ? "" : said, arena);
    }
    return e;
}

bool op_rounds_inside(const struct op *op, dtype_set dtypes, const enum dtype *in, size_t n_in,
                      const enum dtype *out, size_t n_out)
{
    bool is_of = false;

    for (size_t i = 0; i < n_in; i++) {
        is_of = is_of || dtype_in(in[i], dtypes);
    }
    for (size_t i = 0; i < n_out; i++) {
        is_of = is_of || dtype_in(out[i], dtypes);
    }
    return is_of && !op->elementwise && !op->origins;
}

static const char *target_text(const struct target *t, const char *path, struct arena *arena)
{
    const char *mode = t->kind->mode, *options = t->options;

    if (t->given) {
        options = arena_printf(arena, "%s%sany", t->given, *t->given ? "," : "");
    }
    return arena_printf(arena, "%s%s%s%s%s%s%s", t->kind->name, *options || mode ? ":" : "",
                        mode ? mode : "", mode && *options ? "," : "", options, path ? "@" : "",
                        path ? path : "");
}

/* The word `any`, which is no option, is cut out of the text. */
static enum err take_any(struct target *t, char **text, struct arena *arena)
{
    const char *found;
    size_t size = *text ? find_option(*text, "any", &found) : 0;

    if (size != strlen("any")) {
        return ERR_OK;
    }
    if (!t->kind->draws) {
        return err_set(ERR_USAGE, "%s has no options that a test could draw: leave out 'any'",
                       t->kind->name);
    }
    int before = (int)(found - *text);
    bool is_last = found[size] == '\0';
    *text = arena_printf(arena, "%.*s%s", before - (is_last && before > 0), *text,
                         is_last ? "" : found + size + 1);
    t->given = arena_strdup(arena, *text);
    *text = is_last && before == 0 ? NULL : *text;
    return ERR_OK;
}

enum err target_parse(const char *text, const char *python, struct arena *arena,
                      struct target **target)
{
    struct target *t = ARENA_ZARRAY(arena, struct target, 1);
    char *name = arena_strdup(arena, text);
    char *path = strchr(name, '@');

    if (path) {
        *path++ = '\0';
    }
    char *options = strchr(name, ':');
    if (options) {
        *options++ = '\0';
    }
    t->kind = find_kind(name, &options);
    if (!t->kind) {
        return unknown_kind(name);
    }
    if (path && !*path) {
        return err_set(ERR_USAGE, "target '%s': the path behind @ is empty", text);
    }
    t->options = t->kind->defaults[0] ? t->kind->defaults[0] : "";
    t->onnx = ONNX_VERSION_DEFAULT;
    t->precision = t->kind->precision;
    TRY(take_any(t, &options, arena));
    TRY(parse_options(t, options, arena));
    TRY(t->kind->finish ? t->kind->finish(t, arena) : ERR_OK);
    if (!t->kind->adapter && path) {
        return err_set(ERR_USAGE, "target '%s' runs inside opjury: it takes no @PATH",
                       t->kind->name);
    }
    if (t->kind->adapter) {
        TRY(interpreter_find(path, python, t->kind, arena, &t->python));
    }
    t->text = target_text(t, path, arena);
    *target = t;
    return ERR_OK;
}

enum err target_vary(const struct target *t, const char *options, struct arena *arena,
                     struct target **varied)
{
    struct target *copy = arena_copy(arena, t, sizeof *t);
    const char *path = strchr(t->text, '@');

    TRY(parse_options(copy, arena_strdup(arena, options), arena));
    TRY(t->kind->finish ? t->kind->finish(copy, arena) : ERR_OK);
    copy->given = NULL;
    copy->text = target_text(copy, path ? path + 1 : NULL, arena);
    *varied = copy;
    return ERR_OK;
}

const char *target_engine(const struct target *t)
{
    const struct target_kind *kind = t->kind;

    return kind->engine ? kind->engine : kind->runtime ? kind->runtime : kind->name;
}

const char *target_text_label(const char *text, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(text, "@"), text);
}

const char *target_label(const struct target *t, struct arena *arena)
{
    return target_text_label(t->text, arena);
}

const struct target *target_without(const struct target *t, unsigned word, struct arena *arena)
{
    struct target *less = arena_copy(arena, t, sizeof(*t));
    char *words = arena_strdup(arena, t->options ? t->options : "");
    char *gone = words;

    for (; gone && word > 0; word--) {
        gone = strchr(gone, ',');
        gone = gone ? gone + 1 : NULL;
    }
    if (!gone || !*gone) {
        return NULL;
    }
    char *rest = strchr(gone, ',');
    if (rest) {
        memmove(gone, rest + 1, strlen(rest));
    } else {
        gone[gone > words ? -1 : 0] = '\0';
    }
    less->options = t->kind->defaults[0] ? t->kind->defaults[0] : "";
    less->dynamic = less->strict_casts = false;
    less->precision = t->kind->precision;
    if (parse_options(less, *words ? words : NULL, arena) ||
        (t->kind->finish && t->kind->finish(less, arena))) {
        return NULL;
    }
    const char *path = strchr(t->text, '@');
    less->text = target_text(less, path ? path + 1 : NULL, arena);
    return less;
}

/* "threads=4" of one, in half of the tests; NULL: as by default. */
static const char *draw_option(const struct option_draw *draw, struct rng rng, struct arena *arena)
{
    size_t n = 0;

    while (draw->values[n]) {
        n++;
    }
    if (rng_below(&rng, 2) == 0) {
        return NULL;
    }
    const char *value = draw->values[rng_below(&rng, n)];
    return arena_printf(arena, "%s%s%s", draw->key, *value ? "=" : "", value);
}

const struct target *target_drawn(const struct target *t, const struct test *test,
                                  struct arena *arena)
{
    const char *path = strchr(t->text, '@'), *found;

    if (!t->given) {
        return t;
    }
    struct target *drawn = arena_copy(arena, t, sizeof *t);
    /* Whatever the interpreter: what is drawn for two versions of a library is the same. */
    struct rng root =
        rng_seeded(hash_text(target_label(t, arena), hash_mix(test->seed, test->index)));
    drawn->given = NULL;
    for (const struct option_draw *draw = t->kind->draws; draw->key; draw++) {
        struct rng rng = rng_split(&root, hash_text(draw->key, 0));
        const char *said = draw_option(draw, rng, arena);
        struct target *varied;
        if (said && !find_option(t->given, draw->key, &found) &&
            target_vary(drawn, said, arena, &varied) == ERR_OK) {
            drawn = varied;
        }
    }
    CHECK(drawn->dynamic == t->dynamic && drawn->device == t->device);
    drawn->text = target_text(drawn, path ? path + 1 : NULL, arena);
    return drawn;
}

bool target_keeps_given(const struct target *t, const struct target *of)
{
    for (const char *at = of->given ? of->given : ""; *at;) {
        char key[64];
        const char *here, *there;
        snprintf(key, sizeof key, "%.*s", (int)strcspn(at, "=,"), at);
        size_t n = find_option(t->options, key, &here);
        if (n != find_option(of->options, key, &there) || (n && memcmp(here, there, n) != 0)) {
            return false;
        }
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return true;
}

struct target *const *targets_drawn(struct target *const *targets, size_t n,
                                    const struct test *test, struct arena *arena)
{
    struct target **drawn = arena_copy(arena, targets, n * sizeof(struct target *));

    for (size_t i = 0; i < n; i++) {
        if (targets[i]->given) {
            drawn[i] = arena_copy(arena, target_drawn(targets[i], test, arena), sizeof **drawn);
        }
    }
    return drawn;
}

/* Does `fuzz` run this library unasked? What lies beside the build is for tests of opjury itself.
 */
static enum err is_installed(const struct target_kind *kind, const char *python,
                             struct arena *arena, bool *is)
{
    struct interpreters with;

    *is = !kind->adapter;
    if (!*is) {
        TRY(interpreters_with(kind, python, arena, &with));
        *is = with.n > 0 &&
              (python ? with.items[0].place == PLACE_GIVEN : with.items[0].place != PLACE_BESIDE);
    }
    return ERR_OK;
}

enum err targets_installed(const char *python, struct arena *arena, struct target ***targets,
                           size_t *n)
{
    size_t capacity = 0, count = 0;

    for (size_t i = 0; i < target_kind_count; i++) {
        for (size_t k = 0; target_kind_table[i]->defaults[k]; k++) {
            capacity++;
        }
    }
    struct target **list = ARENA_ARRAY(arena, struct target *, capacity);
    for (size_t i = 0; i < target_kind_count; i++) {
        const struct target_kind *kind = target_kind_table[i];
        bool is = false;
        TRY(kind->defaults[0] ? is_installed(kind, python, arena, &is) : ERR_OK);
        for (size_t k = 0; is && kind->defaults[k]; k++) {
            const char *text = arena_printf(arena, "%s%s%s", kind->name,
                                            *kind->defaults[k] ? ":" : "", kind->defaults[k]);
            TRY(target_parse(text, python, arena, &list[count]));
            count++;
        }
    }
    *targets = list;
    *n = count;
    return ERR_OK;
}
