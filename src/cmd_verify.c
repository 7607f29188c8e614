/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury verify`: is a finding still there? The small program of each open bucket runs again, in
 * fresh workers, on what is installed now; what does not show in another version is marked fixed.
 */
#include "cmd_finding.h"
#include "command.h"
#include "report/escape.h"
#include "report/json.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_PYTHON = COMMAND_KEYS, KEY_JSON };
enum { RUNS = 3 }; /* fresh ones, of which none must show a failure that is gone */

struct verify_settings {
    const char *out, *python;
    bool json;
    size_t n_ids;
    uint64_t *ids; /* none: all that are open */
};

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "the campaign's folder (the newest under out/)", 0},
    {"python", KEY_PYTHON, "PATH", 0,
     "interpreter of the libraries, or its environment; also in place of a target's @PATH", 0},
    {"json", KEY_JSON, NULL, 0, "one line with one object on stdout", 0},
    {0},
};

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct verify_settings *s = settings;
    switch (key) {
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_PYTHON:
        s->python = value;
        return ERR_OK;
    case KEY_JSON:
        s->json = true;
        return ERR_OK;
    case COMMAND_ARGUMENT:
        s->ids = arena_room(arena, s->ids, s->n_ids, sizeof(*s->ids));
        return parse_id(value, &s->ids[s->n_ids++]);
    default:
        BUG("option %d has no meaning", key);
    }
}

/* What came of one bucket. */
struct check {
    struct bucket_row bucket;
    struct finding_row row; /* the one with the program */
    const char *version;    /* installed; NULL: unknown */
    const char *found;      /* version in which it was found, "": unknown */
    const char *result;     /* NULL: not looked at yet */
    const char *why;        /* not tried or unclear: the reason; else "" */
    struct texts variables; /* in which it was found */
    unsigned runs, repeats;
};

struct work {
    const struct verify_settings *settings;
    struct store *store;
    const char *dir;
    struct check *checks;
    size_t n;
    bool any_there;
    struct arena *arena;
};

/* ---- which ---- */

static const char *found_version(const struct finding_row *row, struct arena *arena)
{
    json_t *json = json_loads(row->json, 0, NULL);
    const char *version = json_string_value(json_object_get(json, "version"));
    const char *text = arena_strdup(arena, version != NULL ? version : "");
    json_decref(json);
    return text;
}

/* The finding that the bucket is shown by, or another that has a folder. */
static void choose_row(struct work *w, struct check *c, const struct finding_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool is_of = strcmp(rows[i].bucket, c->bucket.key) == 0;
        bool is_better = c->row.id == 0 ||
                         (c->row.folder[0] == '\0' && rows[i].folder[0] != '\0') ||
                         (rows[i].id == c->bucket.first_finding && rows[i].folder[0] != '\0');
        if (is_of && is_better) {
            c->row = rows[i];
        }
    }
    CHECK(c->row.target != NULL); /* a bucket has a finding */
    c->found = found_version(&c->row, w->arena);
    c->why = "";
}

static const char *folder_of(const struct work *w, const struct check *c)
{
    return arena_printf(w->arena, "%s/%s", w->dir, c->row.folder);
}

static void add_check(struct work *w, const struct bucket_row *bucket,
                      const struct finding_row *rows, size_t n)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->checks[i].bucket.id == bucket->id) {
            return;
        }
    }
    w->checks = arena_room(w->arena, w->checks, w->n, sizeof(*w->checks));
    struct check *c = &w->checks[w->n++];
    *c = (struct check){.bucket = *bucket};
    choose_row(w, c, rows, n);
    if (c->row.folder[0] != '\0' &&
        finding_variables(folder_of(w, c), w->arena, &c->variables) != ERR_OK) {
        c->why = arena_strdup(w->arena, err_text());
    }
}

static enum err choose_checks(struct work *w)
{
    const struct verify_settings *s = w->settings;
    struct bucket_row *buckets, bucket;
    struct finding_row *rows;
    size_t n, n_rows;
    TRY(store_findings(w->store, w->arena, &rows, &n_rows));
    TRY(store_buckets(w->store, w->arena, &buckets, &n));
    for (size_t i = 0; i < n && s->n_ids == 0; i++) {
        const char *state = buckets[i].state;
        if (strcmp(state, "new") == 0 || strcmp(state, "reported") == 0) {
            add_check(w, &buckets[i], rows, n_rows);
        }
    }
    for (size_t i = 0; i < s->n_ids; i++) {
        TRY(findings_bucket(w->store, w->dir, s->ids[i], w->arena, &bucket));
        add_check(w, &bucket, rows, n_rows);
    }
    return ERR_OK;
}

/* ---- one ---- */

static enum err look(struct work *w, struct jury *jury, struct target *target, struct check *c)
{
    struct test *test;
    if (c->why[0] == '\0' && finding_read(folder_of(w, c), "program", w->arena, &test) != ERR_OK) {
        c->why = arena_strdup(w->arena, err_text());
    }
    if (c->why[0] != '\0') {
        c->result = "unclear"; /* the others may say more */
        return ERR_OK;
    }
    struct failure f = {
        .what = target,
        .test = test,
        .verdict = {.kind = VERDICT_FINDING, .oracle = c->row.oracle, .text = c->row.text},
        .signature = c->row.signature,
    };
    TRY(recheck(jury, &f, RUNS, w->arena));
    c->runs = f.runs;
    c->repeats = f.repeats;
    c->version = target->version != NULL ? arena_strdup(w->arena, target->version) : "";
    bool is_same_version = c->version[0] != '\0' && strcmp(c->version, c->found) == 0;
    c->result = f.repeats > 0       ? "still there"
                : f.passes < f.runs ? "unclear"
                : is_same_version   ? "not seen"
                                    : "gone";
    if (f.repeats == 0 && f.other != NULL) {
        bool is_other = f.other_kind == VERDICT_FINDING;
        c->why =
            arena_printf(w->arena, "%s: %s",
                         is_other ? "it fails in another way" : "it cannot be judged", f.other);
    }
    return ERR_OK;
}

/* Gone is fixed; what is there is not. What is not seen in the version that had it comes and goes.
 */
static enum err set_state(struct work *w, struct check *c)
{
    const char *state =
        strcmp(c->result, "gone") == 0                                                   ? "fixed"
        : strcmp(c->result, "still there") == 0 && strcmp(c->bucket.state, "fixed") == 0 ? ""
                                                                                         : NULL;
    w->any_there =
        w->any_there || strcmp(c->result, "still there") == 0 || strcmp(c->result, "unclear") == 0;
    if (state == NULL) {
        return ERR_OK;
    }
    c->bucket.state = state[0] != '\0' ? state : "new";
    return store_mark_bucket(w->store, c->bucket.key, state, NULL);
}

static void print_check(const struct work *w, const struct check *c)
{
    if (w->settings->json) {
        return;
    }
    const char *version = c->version != NULL ? c->version : "";
    const char *line = arena_printf(w->arena, "%-11s  %-8s  %s%s%s  %s%s%s", c->result,
                                    c->bucket.state, c->row.target, version[0] != '\0' ? " " : "",
                                    version, c->bucket.ops, c->why[0] != '\0' ? "  " : "", c->why);
    printf("%6llu  %s\n", (unsigned long long)c->bucket.first_finding, line_text(line, w->arena));
    fflush(stdout);
}

static enum err finish(struct work *w, struct check *c)
{
    TRY(set_state(w, c));
    print_check(w, c);
    return ERR_OK;
}

/* ---- all of one target, then of the next ---- */

static enum err not_tried(struct work *w, struct check *c, const char *why)
{
    c->result = "not tried";
    c->why = arena_strdup(w->arena, why);
    return finish(w, c);
}

static bool same_texts(const struct texts *a, const struct texts *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++) {
        same = strcmp(a->items[i], b->items[i]) == 0;
    }
    return same;
}

/* What runs in the same workers. */
static bool is_like(const struct check *a, const struct check *b)
{
    return strcmp(a->row.target, b->row.target) == 0 && same_texts(&a->variables, &b->variables);
}

static enum err look_at_one(struct work *w, struct jury *jury, struct target *target,
                            const char *why, struct check *c)
{
    if (why != NULL) {
        return not_tried(w, c, why);
    }
    if (c->row.folder[0] == '\0') {
        return not_tried(w, c,
                         arena_printf(w->arena, "no program; `opjury reduce %llu` makes one",
                                      (unsigned long long)c->row.id));
    }
    TRY(look(w, jury, target, c));
    return finish(w, c);
}

static enum err look_at_all_like(struct work *w, const struct check *first)
{
    struct target *target;
    struct jury *jury = NULL;
    struct texts before;
    variables_set(&first->variables, w->arena, &before);
    enum err err = finding_target(first->row.target, w->settings->python, w->arena, &target);
    if (err == ERR_OK) {
        err = jury_open(&target, 1, &(struct jury_options){0}, &jury);
    }
    const char *why = err == ERR_OK ? NULL : arena_strdup(w->arena, err_text());
    err = ERR_OK;
    for (size_t i = 0; i < w->n && err == ERR_OK && !stop_requested; i++) {
        struct check *c = &w->checks[i];
        if (c->result == NULL && is_like(c, first)) {
            err = look_at_one(w, jury, target, why, c);
        }
    }
    jury_close(jury);
    variables_restore(&before, w->arena);
    return err;
}

static json_t *check_json(const struct check *c)
{
    json_t *one = json_object();
    json_object_set_new(one, "id", json_integer((json_int_t)c->bucket.first_finding));
    json_object_set_new(one, "target", json_text(c->row.target));
    json_object_set_new(one, "found_version", json_text(c->found));
    json_object_set_new(one, "version", json_text(c->version != NULL ? c->version : ""));
    json_object_set_new(one, "result", json_text(c->result));
    json_object_set_new(one, "state", json_text(c->bucket.state));
    json_object_set_new(one, "why", json_text(c->why));
    json_object_set_new(one, "runs", json_integer(c->runs));
    json_object_set_new(one, "repeats", json_integer(c->repeats));
    return one;
}

static void print_json(const struct work *w)
{
    json_t *root = json_object(), *list = json_array();
    for (size_t i = 0; i < w->n; i++) {
        json_array_append_new(list, check_json(&w->checks[i]));
    }
    json_object_set_new(root, "buckets", list);
    char *text = json_dumps(root, JSON_COMPACT);
    CHECK(text != NULL); /* json_text made all that is in it */
    printf("%s\n", text);
    free(text);
    json_decref(root);
}

static enum err verify(struct work *w)
{
    TRY(choose_checks(w));
    for (size_t i = 0; i < w->n; i++) {
        if (w->checks[i].result == NULL) {
            TRY(look_at_all_like(w, &w->checks[i]));
        }
        if (stop_requested) {
            return err_set(ERR_STOPPED, "stopped; what was seen is marked");
        }
    }
    if (w->settings->json) {
        print_json(w);
    } else if (w->n == 0) {
        printf("nothing is open\n");
    }
    return ERR_OK;
}

static enum err run_verify(void *settings, struct arena *arena, bool *found)
{
    struct work w = {.settings = settings, .arena = arena};
    TRY(findings_folder(w.settings->out, arena, &w.dir));
    TRY(store_open(w.dir, false, &w.store));
    enum err err = verify(&w);
    store_close(w.store);
    *found = w.any_there;
    TRY(err);
    return output_flush();
}

const struct command command_verify = {
    .name = "verify",
    .summary = "Run open findings again on the installed versions",
    .arguments = "[ID...]",
    .help = "Each bucket that is new or reported, or those of the IDs: its small program runs "
            "in three fresh workers of the target that it was found on.\n"
            "\n"
            "  still there  it shows\n"
            "  gone         it does not, and this is another version: it is marked fixed\n"
            "  not seen     it does not, in the version that had it: its state stays\n"
            "  unclear      it fails in another way, or it cannot be read or judged: its\n"
            "               state stays\n"
            "  not tried    no program, no such library, or an interpreter (@PATH) that\n"
            "               only its folder names: --python says that it may run\n"
            "\n"
            "The line says why. Exit status: 1 when something is still there or unclear.\n"
            "\n"
            "Examples:\n"
            "  opjury verify\n"
            "  opjury verify 3 7 --python .venv-nightly\n",
    .options = options,
    .settings_size = sizeof(struct verify_settings),
    .option = set_option,
    .run = run_verify,
};
