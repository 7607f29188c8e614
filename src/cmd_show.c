/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury show`: the buckets of a campaign in a list, or one finding in full: its program, its
 * verdict table and how to see it happen again.
 */
#include "campaign_parts.h"
#include "cmd_finding.h"
#include "command.h"
#include "report/escape.h"
#include "report/record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FLAKY = COMMAND_KEYS, KEY_ALL, KEY_MAX_OPEN };

struct show_settings {
    const char *out;
    uint64_t id; /* 0: the list */
    bool flaky;  /* the list has what did not repeat, too */
    bool all;    /* the list has what is settled, too */
    uint64_t max_open;
};

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "the campaign's folder (the newest under out/)", 0},
    MAX_OPEN_OPTION(KEY_MAX_OPEN),
    {"all", KEY_ALL, NULL, 0, "also list what is fixed or will not be", 0},
    {"flaky", KEY_FLAKY, NULL, 0, "also list what did not repeat", 0},
    {0},
};

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct show_settings *s = settings;
    switch (key) {
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_FLAKY:
        s->flaky = true;
        return ERR_OK;
    case KEY_ALL:
        s->all = true;
        return ERR_OK;
    case KEY_MAX_OPEN:
        return parse_max_open(value, &s->max_open);
    case COMMAND_ARGUMENT:
        if (s->id != 0) {
            return err_set(ERR_USAGE, "show takes one ID, not '%s' too", value);
        }
        return parse_id(value, &s->id);
    default:
        BUG("option %d has no meaning", key);
    }
}

/* ---- the list ---- */

static int width_of(const struct bucket_row *rows, size_t n)
{
    size_t width = strlen("ops");
    for (size_t i = 0; i < n; i++) {
        size_t ops = strlen(rows[i].ops);
        width = ops > width && ops <= 48 ? ops : width; /* longer ones break their own line only */
    }
    return (int)width;
}

static void print_bucket(const struct bucket_row *b, int width, bool colour)
{
    bool new = strcmp(b->state, "new") == 0;
    printf("%6llu  %s%-9s%s  %-12s  %6llu  %-*s  ", (unsigned long long)b->first_finding,
           colour && new ? "\033[31m" : "", b->state, colour && new ? "\033[0m" : "", b->oracle,
           (unsigned long long)b->n_findings, width, b->ops);
    for (const char *t = b->targets; *t != '\0'; t++) {
        fputs(*t == '\n' ? ", " : (char[]){*t, '\0'}, stdout);
    }
    printf("\n        %s\n", b->text);
    const char *const more[] = {b->url, b->note};
    for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
        if (more[i][0] != '\0') {
            printf("        %s\n", more[i]);
        }
    }
}

/* New ones first: that is what there is to do. */
static size_t print_state(const char *state, const struct bucket_row *rows, const bool *offered,
                          size_t n, int width)
{
    size_t printed = 0;
    bool new = strcmp(state, "new") == 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].state, state) == 0 && (!new || offered[i])) {
            print_bucket(&rows[i], width, colour_wanted(STDOUT_FILENO));
            printed++;
        }
    }
    return printed;
}

static enum err print_list(struct store *store, const char *dir, const struct show_settings *s,
                           struct arena *arena)
{
    const struct {
        const char *state;
        bool wanted;
    } states[] = {
        {"new", true},     {"reported", true},  {"known", true},     {BUCKET_TOLERATED, true},
        {"fixed", s->all}, {"wontfix", s->all}, {"flaky", s->flaky},
    };
    struct bucket_row *rows;
    size_t n, printed = 0;
    TRY(buckets_read(store, dir, NULL, arena, &rows, &n));
    bool *offered = ARENA_ZARRAY(arena, bool, n);
    size_t waiting = buckets_offer(rows, n, s->max_open, offered);
    int width = width_of(rows, n);
    printf("campaign %s\n", dir);
    if (n > 0) {
        printf("%6s  %-9s  %-12s  %6s  %-*s  %s\n", "ID", "state", "oracle", "runs", width, "ops",
               "targets");
    }
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        printed += states[i].wanted ? print_state(states[i].state, rows, offered, n, width) : 0;
    }
    if (waiting > 0) {
        printf("%s\n", buckets_waiting(waiting, s->max_open, dir, arena));
    }
    if (printed == 0) {
        printf("no findings\n");
    } else {
        printf("`opjury show ID --out %s` shows one in full\n", shell_word(dir, arena));
    }
    return ERR_OK;
}

/* ---- one finding ---- */

enum { TEXT_MAX = 64 << 10 }; /* of a file in the terminal; more is in the file */

static enum err print_file(const char *folder, const char *name, const char *head,
                           struct arena *arena)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    if (!file_exists(path)) {
        return ERR_OK; /* an older folder, or one that somebody thinned out */
    }
    struct buffer text = BUFFER_INIT;
    enum err err = file_read(path, 0, &text);
    if (err == ERR_OK && text.size > TEXT_MAX) {
        printf("%s (%zu bytes: %s)\n\n", head, text.size, path);
    } else if (err == ERR_OK) {
        struct buffer clean = BUFFER_INIT;
        buffer_puts(&clean, "");
        utf8_put(&clean, text.data != NULL ? text.data : "");
        printf("%s\n%s\n", head, clean.data);
        buffer_release(&clean);
    }
    buffer_release(&text);
    return err;
}

static void print_row(const struct finding_row *row, const struct bucket_row *bucket,
                      struct arena *arena)
{
    const char *drawn = row_text(row, "drawn", arena);
    const struct {
        const char *name, *text;
    } facts[] = {
        {"state", bucket->state},
        {"why", bucket->note},
        {"reported", bucket->url},
        {"target", row->target},
        {"drawn", drawn != NULL ? drawn : ""},
        {"oracle", row->oracle},
        {"ops", row->ops},
        {"what", row->text},
        {"bucket", row->bucket},
        {"signature", row->signature},
    };
    printf("finding %llu of test %llu\n", (unsigned long long)row->id,
           (unsigned long long)row->test_index);
    for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
        if (facts[i].text[0] != '\0') {
            printf("%-10s %s\n", facts[i].name, line_text(facts[i].text, arena));
        }
    }
    printf("\n");
}

/* What a folder names is not run unasked, not even one's own. */
static void print_reduce(const struct finding_row *row, const char *dir, struct arena *arena)
{
    const char *at = strchr(row->target, '@');
    printf("opjury reduce %llu --out %s%s%s\n", (unsigned long long)row->id, shell_word(dir, arena),
           at != NULL ? " --python " : "", at != NULL ? shell_word(at + 1, arena) : "");
}

/* A row without a folder: one of its bucket that has one, and how to get it. */
static enum err print_sibling(struct store *store, const struct finding_row *row, const char *dir,
                              struct arena *arena)
{
    struct finding_row *rows;
    size_t n;
    TRY(store_findings(store, arena, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].bucket, row->bucket) == 0 && rows[i].folder[0] != '\0') {
            printf("no folder of its own; finding %llu is in the same bucket and has one\n",
                   (unsigned long long)rows[i].id);
            printf("its program: ");
            print_reduce(row, dir, arena);
            return ERR_OK;
        }
    }
    printf("no folder: %s findings are counted, not written down\n", row->state);
    return ERR_OK;
}

static void print_reproduce(const char *folder, const char *dir, const struct finding_row *row,
                            struct arena *arena)
{
    const char *place = shell_word(folder, arena);
    printf("to see it again:\n");
    if (file_exists(arena_printf(arena, "%s/repro.py", folder))) {
        printf("    python %s/repro.py        (the library and numpy alone)\n", place);
    }
    printf("    opjury run %s/program.txt\n", place);
    printf("to make it smaller, with more time than the campaign had:\n");
    printf("    ");
    print_reduce(row, dir, arena);
    printf("to tell its maintainers:\n    opjury report %llu --out %s\n",
           (unsigned long long)row->id, shell_word(dir, arena));
}

/* A folder that cannot be read tells nothing here: what is wrong with it is said below. */
static void put_tolerance(const char *dir, const struct finding_row *row, struct bucket_row *bucket,
                          struct arena *arena)
{
    struct record *record;
    if (row->folder[0] != '\0' && record_of_row(dir, row, bucket, arena, &record) == ERR_OK) {
        record_tolerate(record, bucket, arena);
    }
}

static enum err print_finding(struct store *store, const char *dir, uint64_t id,
                              struct arena *arena)
{
    struct finding_row row;
    struct bucket_row bucket;
    TRY(findings_row(store, dir, id, arena, &row));
    TRY(findings_bucket(store, dir, id, arena, &bucket));
    buckets_put_urls(NULL, &bucket, 1, arena);
    put_tolerance(dir, &row, &bucket, arena);
    print_row(&row, &bucket, arena);
    if (row.folder[0] == '\0') {
        return print_sibling(store, &row, dir, arena);
    }
    const char *folder = arena_printf(arena, "%s/%s", dir, row.folder);
    TRY(print_file(folder, "program.txt", "program:", arena));
    TRY(print_file(folder, "verdict.txt", "verdicts:", arena));
    print_reproduce(folder, dir, &row, arena);
    return ERR_OK;
}

static enum err run_show(void *settings, struct arena *arena, bool *found)
{
    const struct show_settings *s = settings;
    const char *dir;
    struct store *store;
    TRY(findings_folder(s->out, arena, &dir));
    TRY(store_open(dir, false, &store));
    enum err err =
        s->id == 0 ? print_list(store, dir, s, arena) : print_finding(store, dir, s->id, arena);
    store_close(store);
    *found = false;
    TRY(err);
    return output_flush();
}

static const struct show_settings defaults = {.max_open = MAX_OPEN};

const struct command command_show = {
    .name = "show",
    .summary = "List the findings of a campaign, or show one in full",
    .arguments = "[ID]",
    .help = "Without ID: the buckets, each by the ID of its first finding, the most interesting "
            "first: new ones before known ones, then silent wrong results, crashes, wrong "
            "gradients, refusals and hangs, then by how ordinary program and inputs are, how "
            "far the error is beyond its bound, and how many runs showed it. "
            "Of each library at most N are listed, reported ones (`opjury mark`) counted: "
            "maintainers mend few good reports sooner than many. What PyTorch's own check for "
            "reports of fuzzers lets pass is \"tolerated\", and listed last. With ID: the program, "
            "its inputs, the verdict table of all targets and the "
            "commands that show the fault again.\n"
            "\n"
            "Examples:\n"
            "  opjury show\n"
            "  opjury show 3 --out out/seven\n",
    .options = options,
    .settings_size = sizeof(struct show_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_show,
};
