/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury known`: the rules of known bugs in a list, and a rule made from a finding that somebody
 * has reported. A rule that does not know its own finding is not written.
 */
#include "campaign_parts.h"
#include "cmd_finding.h"
#include "command.h"

#include <stdio.h>
#include <string.h>

enum { KEY_URL = COMMAND_KEYS, KEY_NOTE, KEY_FILE, KEY_PYTHON };

struct known_settings {
    const char *out, *url, *note, *file, *python;
    bool add;
    uint64_t id;
};

static const struct argp_option options[] = {
    {"url", KEY_URL, "URL", 0, "add: where the bug is reported", 0},
    {"note", KEY_NOTE, "TEXT", 0, "add: what is wrong, for people", 0},
    {"file", KEY_FILE, "FILE", 0, "of rules (" KNOWN_FILE ")", 0},
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
    return parse_u64_range("ID", value, 1, INT64_MAX, &s->id);
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

/* The finding on its target now. */
struct scene {
    const struct known_settings *settings;
    struct store *store;
    const char *dir, *file;
    struct finding_row row;
    struct bucket_row bucket;
    struct target *target;
    struct test *test;
    struct outcome outcome;
    struct verdict verdict;
    struct arena *arena;
};

static enum err run_finding(struct scene *s)
{
    struct jury *jury;
    if (s->row.folder[0] == '\0') {
        return err_set(ERR_USAGE, "finding %llu has no program; `opjury reduce %llu` makes one",
                       (unsigned long long)s->row.id, (unsigned long long)s->row.id);
    }
    const char *folder = arena_printf(s->arena, "%s/%s", s->dir, s->row.folder);
    TRY(finding_read(folder, "program", s->arena, &s->test));
    TRY(finding_set_variables(folder, s->arena));
    TRY(finding_target(s->row.target, s->settings->python, s->arena, &s->target));
    TRY(jury_open(&s->target, 1, &(struct jury_options){0}, &jury));
    enum err err = jury_run_fresh(jury, 0, s->test, s->arena, &s->outcome);
    const char *version = s->target->version;
    s->target->version = version != NULL ? arena_strdup(s->arena, version) : NULL;
    if (err == ERR_OK) {
        const struct judgement j = {.test = s->test,
                                    .reference = reference_new(s->test, s->arena),
                                    .target = s->target,
                                    .outcome = &s->outcome,
                                    .arena = s->arena};
        judge(&j, &s->verdict);
    }
    jury_close(jury);
    TRY(err);
    bool is_there = s->verdict.kind == VERDICT_FINDING;
    return is_there
               ? ERR_OK
               : err_set(ERR_USAGE, "finding %llu does not show on %s any more: no rule to make",
                         (unsigned long long)s->row.id, s->row.target);
}

static enum err read_or_empty(const char *path, struct buffer *text)
{
    buffer_puts(text, "");
    return file_exists(path) ? file_read(path, 1 << 20, text) : ERR_OK;
}

/* A bucket of several ops, each in the place of the other: the key with all of them, "min|max". */
static enum err key_with_all_ops(struct scene *s, const char **key)
{
    struct finding_row *rows;
    size_t n;
    const char *own = s->bucket.key, *bar = strstr(own, " | ");
    *key = own;
    if (bar == NULL || strstr(bar + 3, " | ") == NULL) {
        return err_set(
            ERR_STORE,
            "%s/campaign.db: bucket '%s' of finding %llu is not LIBRARY | OPS | SIGNATURE; "
            "`opjury reduce %llu` gives it another",
            s->dir, own, (unsigned long long)s->row.id, (unsigned long long)s->row.id);
    }
    size_t head = (size_t)(bar - own) + 3, size = strcspn(own + head, "( ");
    if (strcspn(own + head, " ") != strcspn(own + head, "|") - 1) {
        return ERR_OK; /* of more than one op */
    }
    TRY(store_findings(s->store, s->arena, &rows, &n));
    const char *ops = arena_printf(s->arena, "%.*s", (int)size, own + head);
    for (size_t i = 0; i < n; i++) {
        const char *chain = rows[i].ops;
        size_t name = strcspn(chain, "(");
        bool is_of = strcmp(rows[i].bucket, own) == 0 && strpbrk(chain, " ,") == NULL;
        const char *bars = arena_printf(s->arena, "|%s|", ops);
        if (is_of && !strstr(bars, arena_printf(s->arena, "|%.*s|", (int)name, chain))) {
            ops = arena_printf(s->arena, "%s|%.*s", ops, (int)name, chain);
        }
    }
    *key = arena_printf(s->arena, "%.*s%s%s", (int)head, own, ops, own + head + size);
    return ERR_OK;
}

/* LIBRARY-OP-ORACLE, with a number where that is taken. */
static const char *new_id(const struct scene *s, const char *taken)
{
    const char *library = s->target->kind->name;
    int size = (int)strcspn(s->row.ops, "( ,");
    const char *id = NULL;
    for (int i = 1; id == NULL || strstr(taken, arena_printf(s->arena, "id: %s\n", id)); i++) {
        id = arena_printf(s->arena, "%s-%.*s-%s", library, size, s->row.ops, s->verdict.oracle);
        id = i > 1 ? arena_printf(s->arena, "%s-%d", id, i) : id;
    }
    return id;
}

/* Does the rule know the finding? */
static enum err try_rule(struct scene *s, const char *rule)
{
    struct known_rules *rules;
    TRY(known_parse("the rule", rule, strlen(rule), s->arena, &rules));
    bool matches =
        known_match(rules, s->target, s->test->program, &s->verdict, &s->outcome, s->arena) != NULL;
    return matches ? ERR_OK
                   : err_set(ERR_USAGE,
                             "the rule would not know finding %llu itself; `opjury reduce %llu` "
                             "first, or write one by hand:\n%s",
                             (unsigned long long)s->row.id, (unsigned long long)s->row.id, rule);
}

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

static enum err refuse_known(struct scene *s)
{
    struct known_rules *rules, *own;
    TRY(known_load(NULL, s->arena, &rules));
    const char *id =
        known_match(rules, s->target, s->test->program, &s->verdict, &s->outcome, s->arena);
    if (id == NULL && strcmp(s->file, KNOWN_FILE) != 0 && file_exists(s->file)) {
        TRY(known_load(s->file, s->arena, &own));
        id = known_match(own, s->target, s->test->program, &s->verdict, &s->outcome, s->arena);
    }
    return id == NULL ? ERR_OK
                      : err_set(ERR_USAGE, "finding %llu is known already, by rule %s",
                                (unsigned long long)s->row.id, id);
}

static enum err add_rule(struct scene *s)
{
    const struct known_settings *o = s->settings;
    struct buffer old = BUFFER_INIT;
    const char *key;
    TRY(findings_row(s->store, s->dir, o->id, s->arena, &s->row));
    TRY(findings_bucket(s->store, s->dir, o->id, s->arena, &s->bucket));
    if (known_bucket_rule(s->row.bucket) != NULL) {
        return err_set(ERR_USAGE, "finding %llu is known already, by rule %s",
                       (unsigned long long)o->id, known_bucket_rule(s->row.bucket));
    }
    if (is_unreduced_bucket(s->row.bucket)) {
        return err_set(ERR_USAGE,
                       "finding %llu is not reduced, so its cause is not known; `opjury "
                       "reduce %llu` first",
                       (unsigned long long)o->id, (unsigned long long)o->id);
    }
    TRY(run_finding(s));
    TRY(refuse_known(s));
    TRY(key_with_all_ops(s, &key));
    enum err err = read_or_empty(s->file, &old);
    if (err == ERR_OK) {
        const char *rule = known_rule_for(new_id(s, old.data), key, s->target, s->test->program,
                                          &s->verdict, &s->outcome, o->url, o->note, s->arena);
        err = try_rule(s, rule);
        err = err == ERR_OK ? append_rule(s, &old, rule) : err;
        if (err == ERR_OK) {
            printf("%s\nadded to %s; the bucket is marked reported\n", rule, s->file);
            err = store_mark_bucket(s->store, s->bucket.key, "reported", o->url);
        }
    }
    buffer_release(&old);
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
            "a rule from a reduced finding: its library and version, the ops of its bucket, "
            "dtypes, oracle and message as far as they tell its cause from others. The rule "
            "is tried on the finding and appended to " KNOWN_FILE ", which every `opjury fuzz`, "
            "`run` and `reduce` started here reads beside the shipped rules (--known FILE "
            "reads FILE alone). It is text to be edited: src/triage/known.yaml says what a rule "
            "may hold.\n"
            "\n"
            "Examples:\n"
            "  opjury known\n"
            "  opjury known add 3 --url https://github.com/OWNER/NAME/issues/1\n",
    .options = options,
    .settings_size = sizeof(struct known_settings),
    .option = set_option,
    .run = run_known,
};
