/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury known`: the rules of known bugs in a list, and a rule made from a finding that somebody
 * has reported. A rule that does not know its own finding is not written.
 */
#include "campaign_parts.h"
#include "cmd_finding.h"
#include "command.h"
#include "report/escape.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { KEY_URL = COMMAND_KEYS, KEY_NOTE, KEY_FILE, KEY_PYTHON, KEY_FORCE };
enum { LOOKS = 3 }; /* fresh runs of the finding, of which one has to show it */

struct known_settings {
    const char *out, *url, *note, *file, *python;
    bool add, force;
    uint64_t id;
};

static const struct argp_option options[] = {
    {"url", KEY_URL, "URL", 0, "add: where the bug is reported", 0},
    {"note", KEY_NOTE, "TEXT", 0, "add: what is wrong, for people", 0},
    {"file", KEY_FILE, "FILE", 0, "the rules to list or to add to (" KNOWN_FILE ")", 0},
    {"force", KEY_FORCE, NULL, 0, "add: even if the rule hides other findings", 0},
    {"out", 'o', "DIR", 0, "the campaign's folder (the newest under out/)", 0},
    {"python", KEY_PYTHON, "PATH", 0,
     "interpreter of the libraries, or its environment; also in place of a target's @PATH", 0},
    {0},
};

static enum err set_argument(struct known_settings *s, const char *value)
{
    if (!s->add) {
        s->add = strcmp(value, "add") == 0;
        return s->add ? ERR_OK
                      : err_set(ERR_USAGE,
                                "known: '%s' is not `add ID`; without it, it lists the "
                                "rules",
                                value);
    }
    if (s->id != 0) {
        return err_set(ERR_USAGE, "known add takes one ID, not '%s' too", value);
    }
    return parse_id(value, &s->id);
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct known_settings *s = settings;
    switch (key) {
    case KEY_URL:
        s->url = value;
        return ERR_OK;
    case KEY_NOTE:
        s->note = value;
        return ERR_OK;
    case KEY_FORCE:
        s->force = true;
        return ERR_OK;
    case KEY_FILE:
        s->file = value;
        return ERR_OK;
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_PYTHON:
        s->python = value;
        return ERR_OK;
    case COMMAND_ARGUMENT:
        return set_argument(s, value);
    default:
        BUG("option %d has no meaning", key);
    }
}

/* ---- add ---- */

/* The program of a finding and how it fails now. */
struct view {
    struct finding_row row;
    struct bucket_row bucket;
    struct target *target;
    size_t slot; /* of the target in the jury */
    struct test *test;
    struct outcome outcome;
    struct verdict verdict;
};

struct scene {
    const struct known_settings *settings;
    struct store *store;
    const char *dir, *file;
    struct view own;
    struct view *others; /* other buckets of the library, one finding each */
    size_t n_others;
    struct target **targets; /* of the jury, each once */
    size_t n_targets;
    struct jury *jury;
    struct arena *arena;
};

static const char *folder_of(const struct scene *s, const struct finding_row *row)
{
    return arena_printf(s->arena, "%s/%s", s->dir, row->folder);
}

/* Its target in the jury, which is not open yet. */
static enum err take_target(struct scene *s, struct view *v)
{
    struct target *target;
    TRY(finding_target(v->row.target, s->settings->python, s->arena, &target));
    for (v->slot = 0; v->slot < s->n_targets; v->slot++) {
        if (strcmp(s->targets[v->slot]->text, target->text) == 0) {
            v->target = s->targets[v->slot];
            return ERR_OK;
        }
    }
    s->targets = arena_room(s->arena, s->targets, s->n_targets, sizeof(struct target *));
    s->targets[s->n_targets++] = v->target = target;
    return ERR_OK;
}

/* How often the program fails in the way of its row; the last of these runs is kept. other: of one
 * that failed in another way, NULL: none did. */
static enum err look(struct scene *s, struct view *v, unsigned times, unsigned *shown,
                     const char **other)
{
    const struct failure f = {
        .target = v->slot,
        .what = v->target,
        .test = v->test,
        .verdict = {.kind = VERDICT_FINDING, .oracle = v->row.oracle, .text = v->row.text},
        .signature = v->row.signature,
    };
    *shown = 0;
    *other = NULL;
    for (unsigned i = 0; i < times; i++) {
        struct outcome outcome;
        struct verdict verdict;
        bool same;
        if (stop_requested) {
            return err_set(ERR_STOPPED, "stopped; nothing is written");
        }
        TRY(failure_shows(s->jury, &f, v->test, s->arena, &outcome, &verdict, &same));
        if (same) {
            (*shown)++;
            v->outcome = outcome;
            v->verdict = verdict;
        } else if (verdict.kind == VERDICT_FINDING) {
            *other = verdict.text;
        }
    }
    return ERR_OK;
}

/* The finding on its target now: a rule is made of what is seen, not of what was. */
static enum err run_finding(struct scene *s)
{
    struct view *v = &s->own;
    unsigned long long id = v->row.id;
    unsigned shown;
    const char *other;
    TRY(look(s, v, LOOKS, &shown, &other));
    if (shown == LOOKS) {
        return ERR_OK;
    }
    const char *version = v->target->version != NULL ? v->target->version : "";
    if (shown > 0) {
        printf("it shows in %u of %d runs only\n", shown, (int)LOOKS);
        return ERR_OK;
    }
    if (other != NULL) {
        return err_set(ERR_USAGE,
                       "finding %llu fails in another way on %s %s now, so there is no rule to "
                       "make: %s",
                       id, v->row.target, version, other);
    }
    return err_set(ERR_USAGE,
                   "finding %llu does not show on %s %s (%d fresh runs), so there is no rule to "
                   "make; `opjury verify %llu` marks what is fixed",
                   id, v->row.target, version, (int)LOOKS, id);
}

static enum err read_or_empty(const char *path, struct buffer *text)
{
    buffer_puts(text, "");
    return file_exists(path) ? file_read(path, 1 << 20, text) : ERR_OK;
}

/* "LIBRARY | OP(CLASS) | SIGNATURE": where OP begins and how long it is; 0: the key has none, or
 * several in a chain. */
static size_t one_op(const char *key, size_t *at)
{
    const char *bar = strstr(key, " | ");
    *at = (size_t)(bar - key) + 3;
    const char *op = key + *at;
    return strcspn(op, " ") == strcspn(op, "|") - 1 ? strcspn(op, "( ") : 0;
}

/* Was it reduced, and is in its bucket for that? Else the bucket is a guess. */
static bool is_sure(const struct finding_row *row)
{
    json_t *json = json_loads(row->json, 0, NULL);
    const json_t *joined = json_object_get(json, "joined");
    bool sure =
        json_is_true(json_object_get(json, "reduced")) && (joined == NULL || json_is_null(joined));
    json_decref(json);
    return sure;
}

/* What the other findings of the bucket tell beside its key: a bucket of several ops, each in the
 * place of the other, has the key "min|max" then; and the dtypes in which they failed. */
static enum err read_bucket(struct scene *s, struct known_report *report)
{
    struct finding_row *rows;
    size_t n, at;
    const char *own = report->key;
    size_t size = one_op(own, &at);
    if (size == 0) {
        return ERR_OK;
    }
    TRY(store_findings(s->store, s->arena, &rows, &n));
    const char *ops = arena_printf(s->arena, "%.*s", (int)size, own + at);
    for (size_t i = 0; i < n; i++) {
        const char *chain = rows[i].ops;
        size_t name = strcspn(chain, "(");
        bool is_of = strcmp(rows[i].bucket, own) == 0 && is_sure(&rows[i]);
        if (!is_of || strpbrk(chain, " ,") != NULL || chain[name] == '\0') {
            continue;
        }
        const char *dtype = chain + name + 1, *bars = arena_printf(s->arena, "|%s|", ops);
        report->dtypes |= (dtype_set)1 << dtype_parse(dtype, strcspn(dtype, "-)"));
        if (!strstr(bars, arena_printf(s->arena, "|%.*s|", (int)name, chain))) {
            ops = arena_printf(s->arena, "%s|%.*s", ops, (int)name, chain);
        }
    }
    report->dtypes &= ~((dtype_set)1 << DTYPE_NONE);
    report->key = arena_printf(s->arena, "%.*s%s%s", (int)at, own, ops, own + at + size);
    return ERR_OK;
}

/* LIBRARY-OP-ORACLE, with a number where that is taken. */
static const char *new_id(const struct scene *s, const char *taken)
{
    const struct view *v = &s->own;
    int size = (int)strcspn(v->row.ops, "( ,");
    const char *id = NULL;
    for (int i = 1; id == NULL || strstr(taken, arena_printf(s->arena, "id: %s\n", id)); i++) {
        id = arena_printf(s->arena, "%s-%.*s-%s", v->target->kind->name, size, v->row.ops,
                          v->verdict.oracle);
        id = i > 1 ? arena_printf(s->arena, "%s-%d", id, i) : id;
    }
    return id;
}

static const char *rule_of(const struct scene *s, const struct known_rules *rules,
                           const struct view *v)
{
    return known_match(rules, v->target, v->test->program, &v->verdict, &v->outcome, s->arena);
}

/* Does the rule know the finding? */
static enum err try_rule(struct scene *s, const char *rule, struct known_rules **rules)
{
    TRY(known_parse("the rule", rule, strlen(rule), s->arena, rules));
    if (rule_of(s, *rules, &s->own) != NULL) {
        return ERR_OK;
    }
    printf("%s\n", rule);
    return err_set(ERR_USAGE,
                   "this rule would not know finding %llu itself; `opjury reduce %llu` first, or "
                   "write one by hand",
                   (unsigned long long)s->own.row.id, (unsigned long long)s->own.row.id);
}

/* ---- what else it would hide ---- */

/* Of every other bucket of the library that is no known bug's, the first finding with a folder; so
 * that all targets are known before the jury opens. */
static enum err choose_others(struct scene *s, size_t *unseen)
{
    struct bucket_row *buckets;
    struct finding_row *rows;
    size_t n, n_rows, library = strcspn(s->own.row.target, ":@");
    TRY(store_buckets(s->store, s->arena, &buckets, &n));
    TRY(store_findings(s->store, s->arena, &rows, &n_rows));
    s->others = ARENA_ZARRAY(s->arena, struct view, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct view *v = &s->others[s->n_others];
        bool is_settled =
            strcmp(buckets[i].state, "known") == 0 || strcmp(buckets[i].state, "flaky") == 0;
        bool is_own = strcmp(buckets[i].key, s->own.bucket.key) == 0;
        bool is_ours = strncmp(buckets[i].targets, s->own.row.target, library) == 0 &&
                       strchr(":@\n", buckets[i].targets[library]) != NULL;
        if (is_settled || is_own || !is_ours) {
            continue;
        }
        *v = (struct view){.bucket = buckets[i]};
        for (size_t r = 0; r < n_rows && v->row.id == 0; r++) {
            bool is_of = strcmp(rows[r].bucket, buckets[i].key) == 0 && rows[r].folder[0] != '\0';
            v->row = is_of ? rows[r] : v->row;
        }
        bool is_there =
            v->row.id != 0 &&
            finding_read(folder_of(s, &v->row), "program", s->arena, &v->test) == ERR_OK &&
            take_target(s, v) == ERR_OK;
        s->n_others += is_there;
        *unseen += !is_there;
    }
    return ERR_OK;
}

/* Runs the program of each other bucket; prints those that the rule knows too. *n: of them those
 * whose cause is known to be another. */
static enum err find_hidden(struct scene *s, const struct known_rules *rules, size_t unseen,
                            size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < s->n_others; i++) {
        struct view *v = &s->others[i];
        unsigned shown;
        const char *other;
        TRY(look(s, v, 1, &shown, &other));
        unseen += shown == 0;
        if (shown == 0 || rule_of(s, rules, v) == NULL) {
            continue;
        }
        bool is_reduced = !is_unreduced_bucket(v->bucket.key);
        printf("%s %llu, %s: %s: %s\n",
               is_reduced ? "hides finding" : "hides, as far as its cause is not known, finding",
               (unsigned long long)v->bucket.first_finding, v->bucket.state,
               line_text(v->row.ops, s->arena), line_text(v->verdict.text, s->arena));
        *n += is_reduced;
    }
    if (unseen > 0) {
        printf("%zu other bucket%s of %s not run: no folder, or what it holds does not show now\n",
               unseen, unseen == 1 ? "" : "s", s->own.target->kind->name);
    }
    return ERR_OK;
}

static enum err check_hidden(struct scene *s, const struct known_rules *rules, size_t unseen,
                             const char *rule)
{
    size_t n;
    TRY(find_hidden(s, rules, unseen, &n));
    if (n == 0 || s->settings->force) {
        return ERR_OK;
    }
    printf("\n%s\n", rule);
    return err_set(ERR_USAGE,
                   "the rule hides %zu other bucket%s, so nothing is written; write a narrower one "
                   "by hand, or say --force where they are the same bug",
                   n, n == 1 ? "" : "s");
}

/* ---- writing it ---- */

static enum err append_rule(struct scene *s, const struct buffer *old, const char *rule)
{
    struct buffer text = BUFFER_INIT;
    if (old->size > 0) {
        buffer_append(&text, old->data, old->size);
        buffer_puts(&text, old->data[old->size - 1] == '\n' ? "" : "\n");
    }
    buffer_puts(&text, rule);
    struct known_rules *all;
    enum err err = known_parse(s->file, text.data, text.size, s->arena, &all);
    if (err == ERR_OK && strchr(s->file, '/') != NULL) {
        err = dir_make(
            arena_printf(s->arena, "%.*s", (int)(strrchr(s->file, '/') - s->file), s->file));
    }
    err = err == ERR_OK ? file_write(s->file, text.data, text.size) : err;
    buffer_release(&text);
    return err;
}

static enum err is_known(const struct scene *s, const char *rule)
{
    return err_set(ERR_USAGE, "finding %llu is known already, by rule %s",
                   (unsigned long long)s->own.row.id, rule);
}

static enum err refuse_known(struct scene *s)
{
    struct known_rules *rules, *own;
    TRY(known_load(NULL, s->arena, &rules));
    const char *id = rule_of(s, rules, &s->own);
    if (id == NULL && strcmp(s->file, KNOWN_FILE) != 0 && file_exists(s->file)) {
        TRY(known_load(s->file, s->arena, &own));
        id = rule_of(s, own, &s->own);
    }
    return id == NULL ? ERR_OK : is_known(s, id);
}

/* What says no before anything runs. */
static enum err choose_finding(struct scene *s)
{
    struct view *v = &s->own;
    unsigned long long id = s->settings->id;
    TRY(findings_row(s->store, s->dir, id, s->arena, &v->row));
    TRY(findings_bucket(s->store, s->dir, id, s->arena, &v->bucket));
    const char *key = v->bucket.key, *bar = strstr(key, " | ");
    if (known_bucket_rule(key) != NULL) {
        return is_known(s, known_bucket_rule(key));
    }
    if (strcmp(v->row.state, "flaky") == 0) {
        return err_set(ERR_USAGE,
                       "finding %llu is flaky: it did not show again, so there is no rule to make; "
                       "`opjury reduce %llu` looks once more",
                       id, id);
    }
    if (is_unreduced_bucket(key)) {
        return err_set(ERR_USAGE,
                       "finding %llu is not reduced, so its cause is not known; `opjury "
                       "reduce %llu` first",
                       id, id);
    }
    if (bar == NULL || strstr(bar + 3, " | ") == NULL) {
        return err_set(ERR_STORE,
                       "%s/campaign.db: bucket '%s' of finding %llu is not LIBRARY | OPS | "
                       "SIGNATURE; `opjury reduce %llu` gives it another",
                       s->dir, key, id, id);
    }
    if (v->row.folder[0] == '\0') {
        return err_set(ERR_USAGE, "finding %llu has no program; `opjury reduce %llu` makes one", id,
                       id);
    }
    TRY(finding_read(folder_of(s, &v->row), "program", s->arena, &v->test));
    TRY(finding_set_variables(folder_of(s, &v->row), s->arena));
    return take_target(s, v);
}

/* All of it with the jury open. */
static enum err make_rule(struct scene *s, size_t unseen)
{
    struct buffer old = BUFFER_INIT;
    struct known_rules *rules;
    struct known_report report = {.key = s->own.bucket.key,
                                  .target = s->own.target,
                                  .verdict = &s->own.verdict,
                                  .outcome = &s->own.outcome,
                                  .url = s->settings->url,
                                  .note = s->settings->note};
    TRY(run_finding(s));
    TRY(refuse_known(s));
    TRY(read_bucket(s, &report));
    enum err err = read_or_empty(s->file, &old);
    if (err == ERR_OK) {
        report.id = new_id(s, old.data);
        const char *rule = known_rule_for(&report, s->arena);
        err = try_rule(s, rule, &rules);
        err = err == ERR_OK ? check_hidden(s, rules, unseen, rule) : err;
        err = err == ERR_OK ? append_rule(s, &old, rule) : err;
        if (err == ERR_OK) {
            printf("%s\nadded to %s; the bucket is marked reported\n", rule, s->file);
            err = store_mark_bucket(s->store, s->own.bucket.key, "reported", s->settings->url);
        }
    }
    buffer_release(&old);
    return err;
}

static enum err add_rule(struct scene *s)
{
    size_t unseen = 0;
    TRY(choose_finding(s));
    TRY(choose_others(s, &unseen));
    TRY(jury_open(s->targets, s->n_targets, &(struct jury_options){0}, &s->jury));
    enum err err = make_rule(s, unseen);
    jury_close(s->jury);
    return err;
}

static enum err list_rules(const struct known_settings *s, struct arena *arena)
{
    struct known_rules *rules;
    struct buffer text = BUFFER_INIT;
    TRY(known_load(s->file, arena, &rules));
    known_list(rules, &text);
    printf("%s", text.data != NULL ? text.data : "");
    buffer_release(&text);
    return output_flush();
}

static enum err run_known(void *settings, struct arena *arena, bool *found)
{
    const struct known_settings *s = settings;
    struct scene scene = {.settings = s, .arena = arena};
    *found = false;
    if (!s->add) {
        return list_rules(s, arena);
    }
    if (s->id == 0 || s->url == NULL) {
        return err_set(ERR_USAGE, "known add needs the ID of a finding and --url, where it is "
                                  "reported; `opjury show` lists the findings");
    }
    scene.file = s->file != NULL ? s->file : KNOWN_FILE;
    TRY(findings_folder(s->out, arena, &scene.dir));
    TRY(store_open(scene.dir, false, &scene.store));
    enum err err = add_rule(&scene);
    store_close(scene.store);
    TRY(err);
    return output_flush();
}

const struct command command_known = {
    .name = "known",
    .summary = "List the rules of known bugs, or make one of a finding",
    .arguments = "[add ID]",
    .help = "Findings that a rule matches are counted as known and not shown. `known add` makes "
            "a rule of a reduced finding that is reported: its library and version, the ops of "
            "its bucket, dtypes, oracle and message as far as they tell its cause from others (a "
            "wrong number is not a wrong NaN). What does not show any more, or fails in another "
            "way, gets no rule. One finding of every other bucket of the library runs too: where "
            "the rule would hide it, it is named and nothing is written, unless --force says so."
            "\n\n"
            "The rule is appended to " KNOWN_FILE ", which every `opjury fuzz`, `run` and "
            "`reduce` started here reads beside the shipped rules (--known FILE reads FILE "
            "alone). It is text to be edited: src/triage/known.yaml says what a rule may hold.\n"
            "\n"
            "Examples:\n"
            "  opjury known\n"
            "  opjury known add 3 --url https://github.com/OWNER/NAME/issues/1\n",
    .options = options,
    .settings_size = sizeof(struct known_settings),
    .option = set_option,
    .run = run_known,
};
