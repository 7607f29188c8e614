/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury reduce`: make one finding's program smaller than the campaign had time for. It starts
 * from the smallest form so far and knows what was tried, so asking again goes on; the folder and
 * the row are written anew.
 */
#include "campaign_parts.h"
#include "cmd_finding.h"
#include "command.h"
#include "generate/generate.h"
#include "report/escape.h"
#include "report/json.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_TIME = COMMAND_KEYS, KEY_RUNS, KEY_KNOWN, KEY_PYTHON, KEY_JSON };

struct reduce_settings {
    const char *out, *known, *python;
    uint64_t id;
    double time;
    uint64_t runs;
    bool json;
};

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "the campaign's folder (the newest under out/)", 0},
    {"time", KEY_TIME, "60s", 0, "CPU time at most (60s)", 0},
    {"runs", KEY_RUNS, "N", 0, "runs of the failing target at most (2000)", 0},
    {"known", KEY_KNOWN, "FILE", 0, "rules of known bugs, or `none' (the shipped ones)", 0},
    {"python", KEY_PYTHON, "PATH", 0,
     "interpreter of the libraries, or its environment; also in place of a target's @PATH", 0},
    {"json", KEY_JSON, NULL, 0, "one line with one object", 0},
    {0},
};

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct reduce_settings *s = settings;
    switch (key) {
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_TIME:
        return parse_duration("--time", value, &s->time);
    case KEY_RUNS:
        return parse_u64_range("--runs", value, 2, 1000000,
                               &s->runs); /* the first shows it again */
    case KEY_KNOWN:
        s->known = value;
        return ERR_OK;
    case KEY_PYTHON:
        s->python = value;
        return ERR_OK;
    case KEY_JSON:
        s->json = true;
        return ERR_OK;
    case COMMAND_ARGUMENT:
        if (s->id != 0) {
            return err_set(ERR_USAGE, "reduce takes one ID, not '%s' too", value);
        }
        return parse_id(value, &s->id);
    default:
        BUG("option %d has no meaning", key);
    }
}

/* One finding under way. */
struct work {
    const struct reduce_settings *settings;
    struct arena *arena;
    const char *dir, *folder;
    struct finding_row row;
    struct target **targets; /* the failing one first */
    size_t n_targets;
    struct jury *jury;
    const char *const *others; /* targets of its table, or of the campaign */
    size_t n_others;
    struct test *before, *original;
    struct target *older; /* of a regression, the second of them; NULL */
    struct failure failure;
    bool repeats; /* as what a campaign calls new does */
    struct reduction reduction;
    struct placed placed;
};

/* --python is of the failing target: an interpreter that another one names is another. */
static const char *other_python(const struct work *w, const char *label)
{
    return strchr(label, '@') == NULL ? w->settings->python : NULL;
}

/* Of a regression the older version, which must pass: without it another failure may take its
 * place. */
static void add_older(struct work *w)
{
    const char *text = row_text(&w->row, "regression_from", w->arena);
    struct target **next = &w->targets[w->n_targets];
    if (text == NULL) {
        return;
    }
    if (finding_target(text, NULL, w->arena, next) == ERR_OK) {
        w->older = *next;
        w->n_targets++;
    } else {
        log_warn("%s, which passes, is not asked: %s", text, err_text());
    }
}

/* The failing target as the row has it, and the others of the finding's table that are installed:
 * the table shows what they say of the smaller program. */
static enum err open_targets(struct work *w)
{
    const char *const *labels = w->others;
    size_t n = w->n_others;
    w->targets = ARENA_ARRAY(w->arena, struct target *, n + 2);
    TRY(finding_target(w->row.target, w->settings->python, w->arena, &w->targets[0]));
    w->n_targets = 1;
    add_older(w);
    size_t label = strcspn(w->row.target, "@");
    for (size_t i = 0; i < n; i++) {
        bool same = (strncmp(labels[i], w->row.target, label) == 0 && labels[i][label] == '\0') ||
                    strcmp(labels[i], w->row.target) == 0;
        struct target **next = &w->targets[w->n_targets];
        if (same) {
            continue;
        }
        if (w->older != NULL && strcmp(target_label(w->older, w->arena), labels[i]) == 0) {
            continue; /* the same row */
        }
        if (finding_target(labels[i], other_python(w, labels[i]), w->arena, next) == ERR_OK) {
            w->n_targets++;
        } else {
            log_warn("%s: %s; left out of the table", labels[i], err_text());
        }
    }
    return jury_open(w->targets, w->n_targets, &(struct jury_options){0}, &w->jury);
}

static struct verdict judge_run(struct work *w, const struct test *test,
                                struct reference *reference, size_t t,
                                const struct outcome *outcome)
{
    struct verdict verdict;
    const struct judgement j = {.test = test,
                                .reference = reference,
                                .target = w->targets[t],
                                .outcome = outcome,
                                .arena = w->arena};
    judge(&j, &verdict);
    return verdict;
}

static enum err not_any_more(const struct work *w)
{
    const struct failure *f = &w->failure;
    bool is_other = f->other != NULL && f->other_kind == VERDICT_FINDING;
    unsigned long long id = w->row.id;
    if (w->settings->json) {
        printf("{\"finding\": %llu, \"reproduced\": false}\n", id);
    } else if (is_other) {
        printf("finding %llu fails in another way on %s now: %s\n", id, w->row.target,
               line_text(f->other, w->arena));
    } else {
        printf("finding %llu does not show on %s any more\n", id, w->row.target);
    }
    return ERR_OK;
}

/* Does it still fail, and in the way the row says? Once is enough to begin. */
static enum err show_failure(struct work *w, bool *shows)
{
    w->failure = (struct failure){
        .target = 0,
        .what = w->targets[0],
        .test = w->before,
        .verdict = {.kind = VERDICT_FINDING, .oracle = w->row.oracle, .text = w->row.text},
        .signature = w->row.signature,
        .passes_in = w->older,
        .passes_slot = 1,
    };
    TRY(failure_repeats(w->jury, &w->failure, w->arena, &w->repeats));
    *shows = w->failure.repeats > 0;
    return ERR_OK;
}

static size_t count_elements(const struct program *p)
{
    size_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        n += shape_numel(&p->values[id].shape);
    }
    return n;
}

static const char *ops_text(uint32_t n, struct arena *arena)
{
    return arena_printf(arena, "%u op%s", n, n == 1 ? "" : "s");
}

/* How far it is, where somebody looks on. */
static void show_smaller(const struct test *best, unsigned runs)
{
    uint32_t n = best->program->n_nodes;
    fprintf(stderr, "\r\033[K%u op%s, %zu elements, %u runs", n, n == 1 ? "" : "s",
            count_elements(best->program), runs);
}

static void print_result(const struct work *w)
{
    const struct reduction *r = &w->reduction;
    const struct program *before = w->before->program, *after = r->test->program;
    printf("%s -> %s, %zu -> %zu elements, %u runs, %.1f CPU s%s\n",
           ops_text(before->n_nodes, w->arena), ops_text(after->n_nodes, w->arena),
           count_elements(before), count_elements(after), r->runs, r->cpu,
           r->complete ? "" : "; not finished: the same command goes on");
    if (strcmp(r->target, w->targets[0]->text) != 0) {
        printf("%s shows it too\n", r->target);
    }
}

static json_t *pair_json(size_t before, size_t after)
{
    json_t *pair = json_array();
    json_array_append_new(pair, json_integer((json_int_t)before));
    json_array_append_new(pair, json_integer((json_int_t)after));
    return pair;
}

static void print_json(const struct work *w, const struct finding_row *row, bool reopened)
{
    const struct reduction *r = &w->reduction;
    const struct program *before = w->before->program, *after = r->test->program;
    json_t *root = json_object();
    json_object_set_new(root, "finding", json_integer((json_int_t)row->id));
    json_object_set_new(root, "reproduced", json_true());
    json_object_set_new(root, "complete", json_boolean(r->complete));
    json_object_set_new(root, "state", json_text(row->state));
    json_object_set_new(root, "reopened", json_boolean(reopened));
    json_object_set_new(root, "ops", pair_json(before->n_nodes, after->n_nodes));
    json_object_set_new(root, "elements", pair_json(count_elements(before), count_elements(after)));
    json_object_set_new(root, "runs", json_integer(r->runs));
    json_object_set_new(root, "cpu", json_real(r->cpu));
    json_object_set_new(root, "target", json_text(r->target));
    json_object_set_new(root, "chain", json_text(row->ops));
    json_object_set_new(root, "signature", json_text(row->signature));
    json_object_set_new(root, "bucket", json_text(row->bucket));
    json_object_set_new(root, "merged", json_texts(&w->placed.merged));
    json_object_set_new(root, "folder", json_text(w->folder));
    char *text = json_dumps(root, JSON_COMPACT);
    CHECK(text != NULL); /* json_text made all that is in it */
    printf("%s\n", text);
    free(text);
    json_decref(root);
}

/* ---- what was tried ---- */

/* Beside a program that is not finished: the hash of its test, then of each test that was tried, a
 * line each. */
static const char *tried_path(const struct work *w)
{
    return arena_printf(w->arena, "%s/tried.txt", w->folder);
}

static enum err read_tried(struct work *w)
{
    enum { DIGITS = 16 };
    const char *path = tried_path(w);
    struct buffer text = BUFFER_INIT;
    if (!file_exists(path)) {
        return ERR_OK;
    }
    enum err err = file_read(path, 0, &text);
    uint64_t *tried = ARENA_ARRAY(w->arena, uint64_t, text.size / (DIGITS + 1) + 1);
    size_t n = 0;
    for (const char *line = text.data; err == ERR_OK && line != NULL && *line != '\0';
         line += DIGITS + 1) {
        if (strspn(line, "0123456789abcdef") != DIGITS || line[DIGITS] != '\n') {
            err = err_set(ERR_INPUT, "%s:%zu: no hash; without this file reduction starts over",
                          path, n + 1);
            break;
        }
        tried[n++] = strtoull(line, NULL, 16);
    }
    buffer_release(&text);
    if (err == ERR_OK && n > 0) {
        w->reduction.tried_of = tried[0];
        w->reduction.tried = tried + 1;
        w->reduction.n_tried = n - 1;
    }
    return err;
}

static enum err write_tried(const struct work *w)
{
    const struct reduction *r = &w->reduction;
    const char *path = tried_path(w);
    if (r->complete) {
        return unlink(path) == 0 || !file_exists(path) ? ERR_OK : err_set(ERR_IO, "%s: %m", path);
    }
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%016llx\n", (unsigned long long)r->tried_of);
    for (size_t i = 0; i < r->n_tried; i++) {
        buffer_printf(&text, "%016llx\n", (unsigned long long)r->tried[i]);
    }
    enum err err = file_write(path, text.data, text.size);
    buffer_release(&text);
    return err;
}

/* What the other targets say of the smaller program; nothing, once the user wants to stop. */
static enum err run_others(struct work *w, struct reference *reference, struct outcome *outcomes,
                           struct verdict *verdicts)
{
    for (size_t t = 1; t < w->n_targets; t++) {
        const struct test *test = w->reduction.test;
        enum err err =
            stop_requested ? ERR_STOPPED : jury_run_fresh(w->jury, t, test, w->arena, &outcomes[t]);
        if (err == ERR_STOPPED) {
            outcomes[t] = (struct outcome){
                .kind = OUTCOME_NOT_EXERCISED, .message = "stopped before its run", .log = ""};
            err = ERR_OK;
        }
        TRY(err);
        verdicts[t] = judge_run(w, test, reference, t, &outcomes[t]);
    }
    return ERR_OK;
}

/* Where else the smaller program shows it. */
static enum err look_elsewhere(struct work *w, struct recheck_try *tries, size_t *n)
{
    struct elsewhere *e = elsewhere_new(w->jury, w->targets, w->n_targets);
    enum err err = elsewhere_reduced(e, &w->failure, &w->reduction, w->arena, tries, n);
    elsewhere_close(e);
    return err;
}

/* The folder with the verdicts of all targets on the smaller program. */
static enum err write_folder(struct work *w)
{
    const struct reduction *r = &w->reduction;
    struct outcome *outcomes = ARENA_ZARRAY(w->arena, struct outcome, w->n_targets);
    struct verdict *verdicts = ARENA_ZARRAY(w->arena, struct verdict, w->n_targets);
    struct reference *reference = reference_new(r->test, w->arena);
    outcomes[0] = r->outcome;
    verdicts[0] = r->verdict;
    TRY(run_others(w, reference, outcomes, verdicts));
    struct recheck_try tries[ELSEWHERE_MAX];
    size_t n_tries = 0;
    TRY(look_elsewhere(w, tries, &n_tries));
    const struct finding_files files = {
        .test = r->test,
        .original = w->original,
        .targets = w->targets,
        .outcomes = outcomes,
        .verdicts = verdicts,
        .n_targets = w->n_targets,
        .reference = reference,
        .failure = &w->failure,
        .reduction = r,
        .elsewhere = tries,
        .n_elsewhere = n_tries,
    };
    TRY(finding_write(w->folder, &files));
    TRY(write_tried(w));
    if (!w->settings->json) {
        struct buffer table = BUFFER_INIT;
        verdict_table_print(&files, false, &table);
        printf("%s\n%s", op_chain(r->test->program, w->arena), table.data);
        buffer_release(&table);
    }
    return ERR_OK;
}

static void set_text(json_t *root, const char *key, const char *text)
{
    json_object_set_new(root, key, json_text(text));
}

/* The row's other columns, with what has changed: it is reduced, to its end or not, in the version
 * that is installed; and its bucket is no guess any more. */
static const char *row_json(const struct work *w, const char *known)
{
    const char *version = w->targets[0]->version;
    json_t *root = json_loads(w->row.json, 0, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        root = json_object();
    }
    set_text(root, "version", version != NULL ? version : "");
    json_object_set_new(root, "runs", json_integer(w->failure.runs));
    json_object_set_new(root, "repeats", json_integer(w->failure.repeats));
    json_object_set_new(root, "reduced", json_true());
    json_object_set_new(root, "complete", json_boolean(w->reduction.complete));
    set_text(root, "known", known);
    set_text(root, "joined", w->placed.is_guess ? "explained" : NULL);
    set_text(root, "own_key", w->placed.own);
    json_object_set_new(root, "merged", json_texts(&w->placed.merged));
    char *text = json_dumps(root, JSON_COMPACT);
    CHECK(text != NULL); /* of texts that JSON or json_text made */
    const char *json = arena_strdup(w->arena, text);
    json_decref(root);
    free(text);
    return json;
}

/* What shows is not fixed, whatever was said of its bucket. */
static enum err reopen(const struct work *w, struct store *store, const char *key, bool *reopened)
{
    struct bucket_row *buckets;
    size_t n;
    *reopened = false;
    TRY(store_buckets(store, w->arena, &buckets, &n));
    for (size_t i = 0; i < n; i++) {
        *reopened = *reopened ||
                    (strcmp(buckets[i].key, key) == 0 && strcmp(buckets[i].state, "fixed") == 0);
    }
    return *reopened ? store_mark_bucket(store, key, "", NULL) : ERR_OK;
}

static void print_state(const struct work *w, const struct finding_row *row, const char *known,
                        bool reopened)
{
    const char *version = w->targets[0]->version;
    if (w->settings->json) {
        print_json(w, row, reopened);
    } else if (known != NULL) {
        printf("known bug: %s\n", known);
    } else if (!w->repeats) {
        printf("it shows in %u of %u runs%s\n", w->failure.repeats, w->failure.runs,
               strcmp(row->state, "flaky") == 0 ? ": it stays flaky" : "");
    }
    for (size_t i = 0; i < w->placed.merged.n && !w->settings->json; i++) {
        printf("of its cause was another bucket, which is a part of its own now: %s\n",
               line_text(w->placed.merged.items[i], w->arena));
    }
    if (reopened && !w->settings->json) {
        printf("its bucket was marked fixed, but it shows on %s%s%s: it is new again\n",
               w->targets[0]->text, version != NULL ? " " : "", version != NULL ? version : "");
    }
}

/* Are all others of this bucket there by a guess, because they looked like this finding? */
static enum err holds_guesses(const struct work *w, struct store *store, const char *key,
                              bool *guesses)
{
    struct finding_row *rows;
    size_t n;
    TRY(store_findings(store, w->arena, &rows, &n));
    *guesses = true;
    for (size_t i = 0; i < n && *guesses; i++) {
        bool is_other = rows[i].id != w->row.id && strcmp(rows[i].bucket, key) == 0;
        *guesses = !is_other || row_text(&rows[i], "joined", w->arena) != NULL;
    }
    return ERR_OK;
}

/* The bucket of its reduced form, as a campaign finds it. Those that were in its old one because
 * they looked like it go with it. */
static enum err find_bucket(struct work *w, struct store *store, const char **key)
{
    struct placed *p = &w->placed;
    struct seen *seen = seen_new(store, w->dir);
    *p = (struct placed){.jury = w->jury,
                         .failure = &w->failure,
                         .reduction = &w->reduction,
                         .found_signature = row_found_signature(&w->row, w->arena),
                         .is_asked = true,
                         .except = w->row.id};
    enum err err = seen_place(seen, p, w->arena);
    *key = err == ERR_OK ? arena_strdup(w->arena, seen_key(seen, p->bucket)) : NULL;
    seen_free(seen);
    TRY(err);
    bool goes = strcmp(*key, w->row.bucket) != 0 && strcmp(w->row.state, "new") == 0 &&
                !is_unreduced_bucket(w->row.bucket);
    TRY(goes ? holds_guesses(w, store, w->row.bucket, &goes) : ERR_OK);
    return goes ? store_merge_buckets(store, w->row.bucket, *key) : ERR_OK;
}

/* The reduced form decides what the row says. What was flaky is new once it repeats as what a
 * campaign calls new. */
static enum err update_row(struct work *w, struct store *store, const char *known)
{
    const struct reduction *r = &w->reduction;
    bool is_flaky = !w->repeats && strcmp(w->row.state, "flaky") == 0;
    struct finding_row row = w->row;
    uint64_t id;
    bool reopened;
    row.signature = w->failure.signature;
    row.ops = op_chain(r->test->program, w->arena);
    row.text = r->verdict.text;
    row.state = known != NULL ? "known" : is_flaky ? "flaky" : "new";
    if (known != NULL) {
        row.bucket = known_bucket_key(known, w->arena);
    } else if (!is_flaky) {
        TRY(find_bucket(w, store, &row.bucket));
    }
    row.json = row_json(w, known);
    TRY(store_add_finding(store, &row, &id));
    if (is_unreduced_bucket(
            w->row.bucket)) { /* what looked the same goes with it, as in a campaign */
        TRY(store_move_findings(store, w->row.bucket, w->row.signature, w->row.ops, row.bucket,
                                row.state));
    }
    TRY(reopen(w, store, row.bucket, &reopened));
    print_state(w, &row, known, reopened);
    return ERR_OK;
}

/* Is it a known bug? Else its bucket, as one of the processes that put findings there. */
static enum err settle(struct work *w, struct store *store)
{
    const struct reduction *r = &w->reduction;
    struct known_rules *rules;
    TRY(known_load(w->settings->known, w->arena, &rules));
    const char *known =
        known_match(rules, w->targets[0], r->test->program, &r->verdict, &r->outcome, w->arena);
    TRY(store_enter(store));
    enum err err = update_row(w, store, known);
    store_leave(store);
    return err;
}

/* The finding's test from its folder: the smallest form so far, and what was found. */
static enum err read_test(struct work *w)
{
    w->folder = arena_printf(w->arena, "%s/%s", w->dir, w->row.folder);
    TRY(finding_read(w->folder, "program", w->arena, &w->before));
    TRY(finding_set_variables(w->folder, w->arena));
    w->original = w->before;
    if (file_exists(arena_printf(w->arena, "%s/original.txt", w->folder))) {
        TRY(finding_read(w->folder, "original", w->arena, &w->original));
    }
    return finding_targets(w->folder, w->arena, &w->others, &w->n_others);
}

/* Lines "target version". */
static void split_targets(struct work *w, const char *lines)
{
    size_t n = 0;
    for (const char *c = lines; *c != '\0'; c++) {
        n += *c == '\n';
    }
    const char **others = ARENA_ARRAY(w->arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        size_t size = strcspn(lines, "\n"), text = size;
        while (text > 0 && lines[text] != ' ') {
            text--;
        }
        others[i] = arena_printf(w->arena, "%.*s", (int)text, lines);
        lines += size + 1;
    }
    w->others = others;
    w->n_others = n;
}

/* A bucket keeps a few folders only: the test of any other of its findings is made again from the
 * campaign's seed and policy, and gets a folder. */
static enum err make_test_again(struct work *w, struct store *store)
{
    struct campaign_again again;
    TRY(campaign_again_open(store, w->dir, w->arena, &again));
    struct test *test = arena_alloc(w->arena, sizeof(*test));
    enum err err = campaign_again_test(&again, w->row.test_index, w->arena, test);
    campaign_again_close(&again);
    TRY(err);
    w->before = w->original = test;
    w->row.signature = row_found_signature(&w->row, w->arena);
    w->row.folder = finding_folder(w->row.id, w->row.target, w->row.oracle, w->arena);
    w->folder = arena_printf(w->arena, "%s/%s", w->dir, w->row.folder);
    split_targets(w, again.key.targets);
    return ERR_OK;
}

static enum err reduce_work(struct work *w, struct store *store)
{
    const struct reduce_settings *s = w->settings;
    bool shows;
    TRY(findings_row(store, w->dir, s->id, w->arena, &w->row));
    TRY(w->row.folder[0] == '\0' ? make_test_again(w, store) : read_test(w));
    TRY(read_tried(w));
    TRY(open_targets(w));
    TRY(show_failure(w, &shows));
    if (!shows) {
        return not_any_more(w);
    }
    bool looks_on = isatty(STDERR_FILENO) && !s->json;
    w->reduction.cpu_limit = s->time;
    w->reduction.max_runs = (unsigned)s->runs;
    w->reduction.smaller = looks_on ? show_smaller : NULL;
    enum err err = reduce_to_cause(w->jury, &w->failure, &w->reduction, w->arena);
    if (looks_on) {
        fputs("\r\033[K", stderr);
    }
    if (err != ERR_STOPPED) { /* else what was reached is kept */
        TRY(err);
    }
    if (!w->reduction.reproduced) {
        bool has_begun = err != ERR_STOPPED && !stop_requested && w->reduction.runs > 0;
        return has_begun ? not_any_more(w)
                         : err_set(ERR_STOPPED, "stopped before it had begun; nothing is changed");
    }
    w->failure.signature =
        failure_signature(&w->reduction.verdict, &w->reduction.outcome, w->arena);
    if (!s->json) {
        print_result(w);
    }
    TRY(write_folder(w));
    return settle(w, store);
}

static enum err run_reduce(void *settings, struct arena *arena, bool *found)
{
    struct work w = {.settings = settings, .arena = arena};
    struct store *store;
    *found = false;
    if (w.settings->id == 0) {
        return err_set(ERR_USAGE, "reduce needs the ID of a finding; `opjury show` lists them");
    }
    TRY(findings_folder(w.settings->out, arena, &w.dir));
    TRY(store_open(w.dir, false, &store));
    enum err err = reduce_work(&w, store);
    jury_close(w.jury);
    store_close(store);
    TRY(err);
    return output_flush();
}

static const struct reduce_settings defaults = {.time = 60, .runs = 2000};

const struct command command_reduce = {
    .name = "reduce",
    .summary = "Make the program of a finding smaller",
    .arguments = "ID",
    .help = "Only what fails in the same way is kept: nodes go and leave their recorded "
            "results as inputs, dims shrink through the relations of all ops, attributes, "
            "values and dtypes become simple, options of the target go. The finding's folder "
            "is written anew; what was found at first stays beside it as original.txt and "
            "original.npz. A finding that has no folder, because its bucket has some, gets "
            "one.\n"
            "\n"
            "Its bucket is found again, as in a campaign: what has one cause is in one bucket, so "
            "two may become one.\n"
            "\n"
            "What shows is not fixed: a bucket that was marked so is new again. A flaky finding "
            "becomes a new one where it shows in each of two fresh runs, as in a campaign.\n"
            "\n"
            "Stopped by --time, --runs or Ctrl-C it keeps the smallest program so far, and "
            "the same command goes on from there; none is tried twice.\n"
            "\n"
            "Examples:\n"
            "  opjury reduce 3\n"
            "  opjury reduce 3 --out out/seven --time 10m\n",
    .options = options,
    .settings_size = sizeof(struct reduce_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_reduce,
};
