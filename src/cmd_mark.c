/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury mark`: says what became of a bucket: reported, fixed, not to be fixed, or open again.
 */
#include "cmd_finding.h"
#include "command.h"
#include "report/escape.h"

#include <stdio.h>
#include <string.h>

enum { KEY_URL = COMMAND_KEYS };

struct mark_settings {
    const char *out, *state, *url;
    uint64_t id;
};

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "the campaign's folder (the newest under out/)", 0},
    {"url", KEY_URL, "URL", 0, "where it is reported", 0},
    {0},
};

/* As people say it, and as the store has it. */
static const struct {
    const char *name, *state;
} states[] = {{"reported", "reported"}, {"fixed", "fixed"}, {"wontfix", "wontfix"}, {"new", ""}};

static enum err set_state(struct mark_settings *s, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        if (strcmp(value, states[i].name) == 0) {
            s->state = states[i].state;
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "'%s' is no state: reported, fixed, wontfix or new", value);
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct mark_settings *s = settings;
    switch (key) {
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_URL:
        s->url = value;
        return ERR_OK;
    case COMMAND_ARGUMENT:
        if (s->id == 0) {
            return parse_id(value, &s->id);
        }
        if (s->state != NULL) {
            return err_set(ERR_USAGE, "mark takes one ID and one STATE, not '%s' too", value);
        }
        return set_state(s, value);
    default:
        BUG("option %d has no meaning", key);
    }
}

static enum err mark(struct store *store, const char *dir, const struct mark_settings *s,
                     struct arena *arena)
{
    struct bucket_row bucket;
    TRY(findings_bucket(store, dir, s->id, arena, &bucket));
    bool is_marked = strcmp(bucket.state, "known") != 0 && strcmp(bucket.state, "flaky") != 0;
    if (!is_marked) {
        return err_set(ERR_USAGE, "finding %llu is %s: only new findings are marked",
                       (unsigned long long)s->id, bucket.state);
    }
    TRY(store_mark_bucket(store, bucket.key, s->state, s->url));
    TRY(findings_bucket(store, dir, s->id, arena, &bucket));
    printf("%s: %s\n%llu finding%s of it: %s%s%s\n", line_text(bucket.ops, arena),
           line_text(bucket.text, arena), (unsigned long long)bucket.n_findings,
           bucket.n_findings == 1 ? "" : "s", bucket.state, bucket.url[0] != '\0' ? ", " : "",
           line_text(bucket.url, arena));
    return ERR_OK;
}

static enum err run_mark(void *settings, struct arena *arena, bool *found)
{
    const struct mark_settings *s = settings;
    const char *dir;
    struct store *store;
    *found = false;
    if (s->id == 0 || s->state == NULL) {
        return err_set(ERR_USAGE, "mark needs the ID of a finding and a STATE: reported, fixed, "
                                  "wontfix or new; `opjury show` lists the findings");
    }
    TRY(findings_folder(s->out, arena, &dir));
    TRY(store_open(dir, false, &store));
    enum err err = mark(store, dir, s, arena);
    store_close(store);
    TRY(err);
    return output_flush();
}

const struct command command_mark = {
    .name = "mark",
    .summary = "Say what became of a finding: reported, fixed, wontfix",
    .arguments = "ID STATE",
    .help = "The whole bucket is marked: all findings of the same cause. STATE is one of\n"
            "\n"
            "  reported  its maintainers know; it counts as open for --max-open of show\n"
            "  fixed     a newer version has it no longer (`opjury verify` finds out);\n"
            "            what shows all the same makes it new again\n"
            "  wontfix   it will stay; `opjury show --all` lists it\n"
            "  new       as if nothing had been said\n"
            "\n"
            "Examples:\n"
            "  opjury mark 3 reported --url https://github.com/OWNER/NAME/issues/1\n"
            "  opjury mark 3 new --out out/seven\n",
    .options = options,
    .settings_size = sizeof(struct mark_settings),
    .option = set_option,
    .run = run_mark,
};
