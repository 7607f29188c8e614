/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding's folder as one record. verdict.json, environment.json, program.txt and inputs.npz must
 * be there: a folder without one of them was never whole. All else (blame.json, judgement.md,
 * repro.py, expected.npz) may be missing. A folder is people's to edit and goes into reports that
 * others read, so every file is checked, and paths of a machine are cut out of messages.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/record_internal.h"
#include "report/report_internal.h"

/* ---- texts ---- */

/* Characters that end a path in a message. */
static bool ends_path(char c)
{
    return (unsigned char)c <= ' ' || strchr("\"'`<>()[]{},;:|=", c) != NULL;
}

/* Bytes of the part of a path that tells of a machine: up to the installed packages, or the folder
 * where someone works. 0: the path tells nothing (a library's own sources as they were compiled).
 */
static size_t machine_part(const char *path)
{
    static const char packages[] = "site-packages/";
    static const char *const places[] = {"home/", "root/", "tmp/",   "mnt/", "srv/",
                                         "var/",  "work/", "Users/", NULL};
    size_t size = 0;
    while (!ends_path(path[size])) {
        size++;
    }
    const char *found = memmem(path, size, packages, strlen(packages));
    if (found != NULL) {
        return (size_t)(found - path);
    }
    for (size_t i = 0; places[i] != NULL; i++) {
        if (size > 1 + strlen(places[i]) && strncmp(path + 1, places[i], strlen(places[i])) == 0) {
            const char *name = memrchr(path, '/', size);
            return (size_t)(name + 1 - path);
        }
    }
    return 0;
}

const char *report_text(const char *text, struct arena *arena)
{
    struct buffer out = BUFFER_INIT;
    CHECK(text != NULL);
    buffer_puts(&out, "");
    for (const char *c = text; *c != '\0';) {
        bool begins = *c == '/' && (c == text || ends_path(c[-1]));
        size_t skip = begins ? machine_part(c) : 0;
        if (skip > 0) {
            c += skip;
            continue;
        }
        bool plain = (unsigned char)*c >= ' ' || *c == '\n' || *c == '\t';
        buffer_append(&out, plain ? c : " ", 1);
        c++;
    }
    const char *kept = arena_strdup(arena, out.data);
    buffer_release(&out);
    return kept;
}

static const char *text_or_null(const json_t *root, const char *key, struct arena *arena)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text != NULL ? report_text(text, arena) : NULL;
}

static const char *text_of(const json_t *root, const char *key, struct arena *arena)
{
    return report_text(json_text_of(root, key), arena);
}

/* "torch" of "torch:compile" */
static const char *library_of(const char *target, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(target, ":@"), target);
}

static uint64_t count_of(const json_t *root, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(root, key));
    return n > 0 ? (uint64_t)n : 0;
}

/* A whole file; NULL when there is none. */
static enum err read_text(const char *folder, const char *name, struct arena *arena,
                          const char **result)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    *result = NULL;
    if (!file_exists(path)) {
        return ERR_OK;
    }
    struct buffer text = BUFFER_INIT;
    enum err err = file_read(path, 0, &text);
    if (err == ERR_OK && text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        err = err_set(ERR_INPUT, "%s: it is no text", path);
    }
    if (err == ERR_OK) {
        *result = arena_strdup(arena, text.data != NULL ? text.data : "");
    }
    buffer_release(&text);
    return err;
}

/* ---- the verdict table ---- */

/* A number of verdict.json as the output's dtype prints it. */
static const char *number_of(const json_t *row, const char *key, enum dtype d, struct arena *arena)
{
    const json_t *value = json_object_get(row, key);
    if (json_is_string(value)) {
        return arena_strdup(arena, json_string_value(value));
    }
    if (!json_is_number(value)) {
        return NULL;
    }
    real number =
        json_is_integer(value) ? (real)json_integer_value(value) : (real)json_real_value(value);
    struct buffer text = BUFFER_INIT;
    dtype_print_value(d, number, &text);
    const char *printed = arena_strdup(arena, text.data);
    buffer_release(&text);
    return printed;
}

static enum dtype output_dtype(const struct program *p, const char *name)
{
    uint32_t id = program_find_value(p, name);
    return id != VALUE_ABSENT ? p->values[id].dtype : DTYPE_F64;
}

static void read_worst(const json_t *row, const struct program *p, struct record_run *run,
                       struct arena *arena)
{
    const char *output = json_text_of(row, "output");
    enum dtype d = output_dtype(p, output);
    run->place = arena_printf(arena, "%s%s", output, json_text_of(row, "element"));
    run->expected = number_of(row, "expected", d, arena);
    run->actual = number_of(row, "actual", d, arena);
    const json_t *bound = json_object_get(row, "bound");
    run->bound = json_is_number(bound) ? arena_printf(arena, "%.3g", json_number_value(bound))
                                       : number_of(row, "bound", DTYPE_F64, arena);
    run->n_wrong = count_of(row, "wrong");
}

static void read_run(const json_t *row, const struct program *p, struct record_run *run,
                     struct arena *arena)
{
    *run = (struct record_run){
        .target = text_of(row, "target", arena),
        .version = text_of(row, "version", arena),
        .verdict = text_of(row, "verdict", arena),
        .oracle = text_of(row, "oracle", arena),
        .text = text_of(row, "text", arena),
        .n_compared = count_of(row, "compared"),
        .n_unstable = count_of(row, "unstable"),
        .n_unspecified = count_of(row, "unspecified"),
        .phase = text_or_null(row, "phase", arena),
        .error_class = text_or_null(row, "error_class", arena),
        .message = text_or_null(row, "message", arena),
        .signal = (int)json_integer_value(json_object_get(row, "signal")),
        .exit_status = (int)json_integer_value(json_object_get(row, "exit_status")),
        .address = text_or_null(row, "address", arena),
        .fault = text_or_null(row, "fault", arena),
        .python_frame = text_or_null(row, "python_frame", arena),
        .assertion = text_or_null(row, "assertion", arena),
        .log = text_or_null(row, "stderr", arena),
    };
    run->library = library_of(run->target, arena);
    if (json_is_string(json_object_get(row, "element"))) {
        read_worst(row, p, run, arena);
    }
    const json_t *frames = json_object_get(row, "frames");
    for (size_t i = 0; i < json_array_size(frames); i++) {
        const char *frame = json_string_value(json_array_get(frames, i));
        if (frame != NULL) {
            texts_add(&run->frames, report_text(frame, arena), arena);
        }
    }
    for (const char *at = json_text_of(row, "modules"); *at != '\0';) {
        size_t n = strcspn(at, "\n");
        texts_add(&run->modules, report_text(arena_printf(arena, "%.*s", (int)n, at), arena),
                  arena);
        at += n + (at[n] == '\n');
    }
}

static enum err read_runs(const json_t *root, struct record *r, struct arena *arena)
{
    const json_t *rows = json_object_get(root, "verdicts");
    r->n_runs = json_array_size(rows);
    struct record_run *runs = ARENA_ARRAY(arena, struct record_run, r->n_runs);
    for (size_t i = 0; i < r->n_runs; i++) {
        read_run(json_array_get(rows, i), r->test->program, &runs[i], arena);
        if (strcmp(runs[i].target, r->target) == 0) {
            r->culprit = &runs[i];
        }
    }
    r->runs = runs;
    if (r->culprit == NULL) {
        return err_set(ERR_INPUT, "%s/verdict.json: its verdicts have no row of %s", r->folder,
                       r->target);
    }
    return ERR_OK;
}

/* ---- verdict.json ---- */

static void read_elsewhere(const json_t *root, struct record *r, struct arena *arena)
{
    const json_t *rows = json_object_get(root, "elsewhere");
    struct record_trial *trials = ARENA_ARRAY(arena, struct record_trial, json_array_size(rows));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct record_trial *trial = &trials[r->n_elsewhere++];
        *trial = (struct record_trial){.kind = text_of(row, "kind", arena),
                                       .what = text_of(row, "what", arena),
                                       .target = "",
                                       .verdict = text_of(row, "verdict", arena),
                                       .text = ""};
        if (strcmp(trial->kind, "version") == 0 &&
            strcmp(trial->verdict, verdict_names[VERDICT_PASS]) == 0) {
            r->gone_in = trial->what;
        }
    }
    r->elsewhere = trials;
}

/* The library's reason as it is said now: folders of older versions have less telling parts of the
 * message in their titles. */
static const char *renew_reason(const char *fault, const char *message, struct arena *arena)
{
    static const char mark[] = " fails with \"";
    const char *begin = strstr(fault, mark), *end = strrchr(fault, '"');
    if (begin == NULL || end == NULL || end < begin + strlen(mark)) {
        return fault;
    }
    int kept = (int)(begin - fault) + (int)strlen(mark);
    return arena_printf(arena, "%.*s%s%s", kept, fault, message_reason(message, arena), end);
}

/* The same of a wrong form. */
static const char *renew_form(const char *fault, const char *text, struct arena *arena)
{
    const char *at = text[0] != '\0' ? strstr(fault, text) : NULL, *form = form_fault(text, arena);
    return at != NULL && form != NULL
               ? arena_printf(arena, "%.*sthe result has %s%s", (int)(at - fault), fault, form,
                              at + strlen(text))
               : fault;
}

static enum err read_verdict(struct record *r, struct arena *arena, const json_t *root)
{
    static const char *const needed[] = {"title", "library", "target", "oracle"};
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        if (json_text_of(root, needed[i])[0] == '\0') {
            return err_set(ERR_INPUT, "%s/verdict.json: it has no %s", r->folder, needed[i]);
        }
    }
    r->fault = text_of(root, "title", arena);
    r->library = text_of(root, "library", arena);
    r->version = text_of(root, "version", arena);
    r->target = text_of(root, "target", arena);
    r->oracle = text_of(root, "oracle", arena);
    r->severity = severity_of(r->oracle);
    r->signature = text_of(root, "signature", arena);
    r->ops = text_of(root, "ops", arena);
    r->seed = text_of(root, "seed", arena);
    r->inputs = text_of(root, "inputs", arena);
    r->placement = text_of(root, "placement", arena);
    r->test_index = count_of(root, "test");
    r->rechecks = (unsigned)count_of(root, "runs");
    r->repeats = (unsigned)count_of(root, "repeats");
    read_elsewhere(root, r, arena);
    const json_t *reduction = json_object_get(root, "reduction");
    r->nodes_before = count_of(reduction, "nodes_before");
    r->nodes_after = count_of(reduction, "nodes_after");
    r->elements_before = count_of(reduction, "elements_before");
    r->elements_after = count_of(reduction, "elements_after");
    r->is_reduced = r->nodes_after < r->nodes_before || r->elements_after < r->elements_before ||
                    json_is_true(json_object_get(reduction, "complete"));
    TRY(read_runs(root, r, arena));
    r->fault = r->culprit->message != NULL ? renew_reason(r->fault, r->culprit->message, arena)
                                           : renew_form(r->fault, r->culprit->text, arena);
    return ERR_OK;
}

/* ---- environment.json ---- */

static const struct record_library *find_library(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->n_libraries; i++) {
        if (strcmp(r->libraries[i].name, name) == 0) {
            return &r->libraries[i];
        }
    }
    return NULL;
}

static void read_libraries(const json_t *root, struct record *r, struct arena *arena)
{
    const json_t *targets = json_object_get(root, "targets");
    size_t n = json_array_size(targets);
    struct record_library *libraries = ARENA_ARRAY(arena, struct record_library, n + 1);
    r->libraries = libraries;
    libraries[r->n_libraries++] =
        (struct record_library){.name = r->library, .version = r->version};
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(targets, i);
        const char *python = text_or_null(row, "python", arena);
        if (strcmp(json_text_of(row, "library"), r->library) == 0) {
            libraries[0].python = python != NULL ? python : libraries[0].python;
        } else if (find_library(r, json_text_of(row, "library")) == NULL) {
            libraries[r->n_libraries++] =
                (struct record_library){.name = text_of(row, "library", arena),
                                        .version = text_of(row, "version", arena),
                                        .python = python};
        }
    }
}

static void read_environment(const json_t *root, struct record *r, struct arena *arena)
{
    r->opjury = text_of(root, "opjury", arena);
    r->system = text_of(root, "system", arena);
    r->kernel = text_of(root, "kernel", arena);
    r->architecture = text_of(root, "architecture", arena);
    r->cpu = text_of(root, "cpu", arena);
    r->os = text_of(root, "os", arena);
    r->libc = text_of(root, "libc", arena);
    r->isa = text_of(root, "isa", arena);
    read_libraries(root, r, arena);
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(root, "variables"), name, value)
    {
        const char *text = json_string_value(value);
        if (text != NULL && environment_allows(name, text)) {
            texts_add(&r->variables, arena_printf(arena, "%s=%s", name, text), arena);
        }
    }
}

/* ---- blame.json and judgement.md ---- */

static enum err read_blame(struct record *r, struct arena *arena)
{
    json_t *root = NULL;
    if (!file_exists(arena_printf(arena, "%s/blame.json", r->folder))) {
        return ERR_OK;
    }
    TRY(folder_json(r->folder, "blame.json", arena, &root));
    const json_t *tried = json_object_get(root, "tried");
    struct record_trial *trials = ARENA_ARRAY(arena, struct record_trial, json_array_size(tried));
    r->is_blamed = true;
    r->component = text_or_null(root, "component", arena);
    r->blame_text = text_or_null(root, "text", arena);
    r->blame_version = text_or_null(root, "version", arena);
    r->first_bad = text_or_null(root, "first_bad", arena);
    r->last_good = text_or_null(root, "last_good", arena);
    for (size_t i = 0; i < json_array_size(tried); i++) {
        const json_t *row = json_array_get(tried, i);
        trials[r->n_trials++] = (struct record_trial){.kind = text_of(row, "kind", arena),
                                                      .what = text_of(row, "what", arena),
                                                      .target = text_of(row, "target", arena),
                                                      .verdict = text_of(row, "verdict", arena),
                                                      .text = text_of(row, "text", arena)};
    }
    r->trials = trials;
    json_decref(root);
    return ERR_OK;
}

/* The rest of the line behind `mark`; NULL: there is none. */
static const char *rest_of_line(const char *text, const char *mark, struct arena *arena)
{
    const char *found = strstr(text, mark);
    if (found == NULL) {
        return NULL;
    }
    found += strlen(mark);
    found += strspn(found, " ");
    return arena_printf(arena, "%.*s", (int)strcspn(found, "\n"), found);
}

static enum err read_judgement(struct record *r, struct arena *arena)
{
    TRY(read_text(r->folder, "judgement.md", arena, &r->judgement));
    if (r->judgement == NULL) {
        return ERR_OK;
    }
    r->judgement = report_text(r->judgement, arena);
    const char *known = rest_of_line(r->judgement, "**Reported:**", arena);
    if (known != NULL && strstr(known, "://") != NULL) { /* else it says that nobody has */
        r->known_issue = known;
    }
    const char *title =
        strncmp(r->judgement, "# ", 2) == 0 ? rest_of_line(r->judgement, "# ", arena) : NULL;
    r->is_titled = title != NULL && title[0] != '\0';
    r->title = r->is_titled ? title : NULL;
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err read_jsons(struct record *r, struct arena *arena)
{
    json_t *root = NULL;
    TRY(folder_json(r->folder, "verdict.json", arena, &root));
    enum err err = read_verdict(r, arena, root);
    json_decref(root);
    TRY(err);
    TRY(folder_json(r->folder, "environment.json", arena, &root));
    read_environment(root, r, arena);
    json_decref(root);
    return read_blame(r, arena);
}

enum err record_read(const char *folder, struct arena *arena, struct record **record)
{
    struct record *r = arena_zalloc(arena, sizeof(*r));
    struct test *test;
    r->folder = arena_strdup(arena, folder);
    if (!file_exists(arena_printf(arena, "%s/verdict.json", folder))) {
        return err_set(ERR_MISSING, "%s is no finding's folder: it has no verdict.json", folder);
    }
    TRY(finding_read(folder, "program", arena, &test));
    r->test = test;
    TRY(read_text(folder, "program.txt", arena, &r->program));
    r->program = report_text(r->program, arena);
    TRY(read_jsons(r, arena));
    TRY(read_judgement(r, arena));
    TRY(read_text(folder, "repro.py", arena, &r->repro));
    TRY(record_read_values(r, arena));
    TRY(record_write_script(r, arena));
    r->title = r->is_titled ? r->title : report_text(record_title(r, arena), arena);
    *record = r;
    return ERR_OK;
}

void record_tolerate(const struct record *record, struct bucket_row *bucket, struct arena *arena)
{
    const struct torch_rule *rule = &record->torch_rule;
    if (rule->applies && !rule->passes && strcmp(bucket->state, "new") == 0) {
        bucket->state = BUCKET_TOLERATED;
        bucket->note = arena_printf(arena, "PyTorch's own check lets it pass: %s", rule->text);
    }
}

enum err record_of_row(const char *dir, const struct finding_row *row,
                       const struct bucket_row *bucket, struct arena *arena, struct record **record)
{
    if (row->folder[0] == '\0') {
        return err_set(ERR_MISSING,
                       "finding %llu has no folder; `opjury reduce %llu --out %s` makes it one",
                       (unsigned long long)row->id, (unsigned long long)row->id, dir);
    }
    struct record *r;
    TRY(record_read(arena_printf(arena, "%s/%s", dir, row->folder), arena, &r));
    r->id = row->id;
    r->bucket = row->bucket;
    struct bucket_row shown = *bucket;
    record_tolerate(r, &shown, arena);
    r->state = shown.state;
    r->bucket_size = bucket->n_findings;
    if (r->known_issue == NULL && bucket->url[0] != '\0') {
        r->known_issue = report_text(bucket->url, arena);
    }
    *record = r;
    return ERR_OK;
}
