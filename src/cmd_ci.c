/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury ci`: a campaign as a check of a build. What it finds is held against a baseline of
 * buckets that are accepted, and told to the programs that read results of tests. All files that
 * are to be written are tried before the campaign runs: a wrong path must not cost its time.
 */
#include "campaign_parts.h"
#include "cmd_fuzz.h"
#include "report/ci.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef OPJURY_VERSION /* the build says it; tools that look at this file alone do not */
#define OPJURY_VERSION "unknown"
#endif

enum { KEY_BASELINE = FUZZ_KEYS, KEY_WRITE, KEY_JUNIT, KEY_SARIF, KEY_SUMMARY };

struct ci_settings {
    struct fuzz_settings fuzz; /* first: fuzz_option takes the settings as these */
    const char *baseline, *junit, *sarif, *summary;
    bool write_baseline;
};

static const struct argp_option options[] = {
    {"baseline", KEY_BASELINE, "FILE", 0, "buckets that are accepted (none)", -2},
    {"write-baseline", KEY_WRITE, NULL, 0, "accept what is found: add it to the baseline", -2},
    {"junit", KEY_JUNIT, "FILE", 0, "write the result as JUnit XML", -2},
    {"sarif", KEY_SARIF, "FILE", 0, "write the result as SARIF 2.1.0", -2},
    {"summary", KEY_SUMMARY, "FILE", 0,
     "write a summary in Markdown ($GITHUB_STEP_SUMMARY is appended to)", -2},
    FUZZ_OPTIONS,
    {0},
};

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct ci_settings *s = settings;
    switch (key) {
    case KEY_BASELINE:
        s->baseline = value;
        return ERR_OK;
    case KEY_WRITE:
        s->write_baseline = true;
        return ERR_OK;
    case KEY_JUNIT:
        s->junit = value;
        return ERR_OK;
    case KEY_SARIF:
        s->sarif = value;
        return ERR_OK;
    case KEY_SUMMARY:
        s->summary = value;
        return ERR_OK;
    default:
        return fuzz_option(key, value, &s->fuzz, arena);
    }
}

/* ---- before the campaign ---- */

static enum err check_path(const char *option, const char *path, struct arena *arena)
{
    if (path == NULL) {
        return ERR_OK;
    }
    const char *slash = strrchr(path, '/');
    const char *folder = slash == NULL   ? "."
                         : slash == path ? "/"
                                         : arena_printf(arena, "%.*s", (int)(slash - path), path);
    if (access(arena_printf(arena, "%s/.", path), F_OK) == 0) {
        return err_set(ERR_USAGE, "%s %s: that is a folder; it takes a file", option, path);
    }
    if (access(folder, W_OK | X_OK) != 0) {
        return err_set(ERR_IO, "%s %s: cannot write into %s: %m", option, path, folder);
    }
    return ERR_OK;
}

/* What GitHub shows on the page of the build: the file for it, unless --summary names one. NULL:
 * none. */
static const char *step_summary(const struct ci_settings *s)
{
    const char *step = getenv("GITHUB_STEP_SUMMARY");
    return s->summary == NULL && step != NULL && *step != '\0' ? step : NULL;
}

/* The file of a build step may hold what others wrote before. */
static enum err open_step(const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    return *fd >= 0 ? ERR_OK
                    : err_set(ERR_IO,
                              "cannot open $GITHUB_STEP_SUMMARY %s: %m; --summary FILE writes "
                              "the summary elsewhere",
                              path);
}

static enum err check_step(const char *path)
{
    int fd;
    if (path == NULL) {
        return ERR_OK;
    }
    TRY(open_step(path, &fd));
    close(fd);
    return ERR_OK;
}

static enum err open_baseline(const struct ci_settings *s, struct arena *arena,
                              struct baseline *baseline)
{
    *baseline = (struct baseline){.head = "", .tail = ""};
    if (s->baseline == NULL) {
        return s->write_baseline ? err_set(ERR_USAGE, "--write-baseline needs --baseline FILE")
                                 : ERR_OK;
    }
    if (file_exists(s->baseline)) {
        return baseline_read(s->baseline, arena, baseline);
    }
    return s->write_baseline ? ERR_OK
                             : err_set(ERR_MISSING,
                                       "there is no baseline %s; the same command with "
                                       "--write-baseline makes it of what is found",
                                       s->baseline);
}

static enum err prepare(const struct ci_settings *s, struct arena *arena, struct baseline *baseline)
{
    TRY(open_baseline(s, arena, baseline));
    TRY(check_path("--baseline", s->write_baseline ? s->baseline : NULL, arena));
    TRY(check_path("--junit", s->junit, arena));
    TRY(check_path("--sarif", s->sarif, arena));
    TRY(check_path("--summary", s->summary, arena));
    return check_step(step_summary(s));
}

/* ---- the campaign held against the baseline ---- */

static void add_key(struct texts *keys, const char *key, struct arena *arena)
{
    for (size_t i = 0; i < keys->n; i++) {
        if (strcmp(keys->items[i], key) == 0) {
            return;
        }
    }
    texts_add(keys, arena_strdup(arena, key), arena);
}

static struct texts keys_of(const struct bucket_row *bucket, const struct finding_row *rows,
                            size_t n, struct arena *arena)
{
    struct texts keys = {0};
    add_key(&keys, bucket->key, arena);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].bucket, bucket->key) == 0) {
            json_t *json = json_loads(rows[i].json, 0, NULL);
            const char *own = json_string_value(json_object_get(json, "own_key"));
            if (own != NULL) {
                add_key(&keys, own, arena);
            }
            json_decref(json);
        }
    }
    return keys;
}

static size_t count_held(const struct texts *keys, const struct baseline *baseline)
{
    size_t n = 0;
    for (size_t i = 0; i < keys->n; i++) {
        n += baseline_holds(baseline, keys->items[i]);
    }
    return n;
}

static enum standing standing_of(const struct bucket_row *row, const struct texts *keys,
                                 const struct baseline *baseline)
{
    if (strcmp(row->state, "flaky") == 0) {
        return STANDING_FLAKY;
    }
    if (strcmp(row->state, "new") != 0) {
        return STANDING_KNOWN;
    }
    return count_held(keys, baseline) > 0 ? STANDING_INSIDE : STANDING_OUTSIDE;
}

/* *text is NULL where there is no such file, or it is too long for a report. */
static enum err text_of(const char *folder, const char *name, struct arena *arena,
                        const char **text)
{
    enum { TEXT_MAX = 64 << 10 };
    struct buffer bytes = BUFFER_INIT;
    *text = NULL;
    enum err err = file_read(arena_printf(arena, "%s/%s", folder, name), TEXT_MAX, &bytes);
    if (err == ERR_OK && bytes.size > 0) {
        *text = arena_strdup(arena, bytes.data);
    }
    buffer_release(&bytes);
    return err == ERR_MISSING || err == ERR_LIMIT ? ERR_OK : err;
}

static enum err put_folder(struct ci_bucket *b, const char *dir, const struct finding_row *rows,
                           size_t n, struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].bucket, b->row->key) == 0 && rows[i].folder[0] != '\0') {
            b->folder = arena_printf(arena, "%s/%s", dir, rows[i].folder);
            TRY(text_of(b->folder, "program.txt", arena, &b->program));
            return text_of(b->folder, "verdict.txt", arena, &b->verdicts);
        }
    }
    return ERR_OK;
}

static enum err read_findings(const char *dir, struct arena *arena, struct finding_row **rows,
                              size_t *n)
{
    struct store *store;
    TRY(store_open(dir, false, &store));
    enum err err = store_findings(store, arena, rows, n);
    store_close(store);
    return err;
}

/* "ort-clip-int64, https://..." */
static const char *why_known(const struct bucket_row *row, struct arena *arena)
{
    const char *rule = known_bucket_rule(row->key);
    if (row->note[0] != '\0') {
        return arena_printf(arena, "%s: %s", row->state, row->note);
    }
    return arena_printf(arena, "%s%s%s", rule != NULL ? rule : row->state,
                        row->url[0] != '\0' ? ", " : "", row->url);
}

static enum err compare(const struct summary *summary, const struct baseline *baseline,
                        struct arena *arena, struct ci_report *report)
{
    struct finding_row *rows;
    size_t n_rows;
    TRY(read_findings(summary->dir, arena, &rows, &n_rows));
    struct ci_bucket *buckets = ARENA_ZARRAY(arena, struct ci_bucket, summary->n_buckets);
    struct texts *keys = ARENA_ARRAY(arena, struct texts, summary->n_buckets);
    size_t n_seen = 0;
    for (size_t i = 0; i < summary->n_buckets; i++) {
        keys[i] = keys_of(&summary->buckets[i], rows, n_rows, arena);
        n_seen += count_held(&keys[i], baseline);
    }
    report->buckets = buckets;
    report->counts = counts_labelled(&summary->counts, arena);
    for (enum standing standing = 0; standing < STANDING_COUNT; standing++) {
        for (size_t i = 0; i < summary->n_buckets; i++) {
            const struct bucket_row *row = &summary->buckets[i];
            if (standing_of(row, &keys[i], baseline) != standing) {
                continue;
            }
            struct ci_bucket *b = &buckets[report->n_buckets++];
            *b = (struct ci_bucket){
                .row = row,
                .keys = keys[i],
                .standing = standing,
                .library =
                    arena_printf(arena, "%.*s", (int)strcspn(row->targets, ":@\n"), row->targets),
                .targets = counts_bucket_targets(&summary->counts, row, arena),
                .why = standing == STANDING_KNOWN ? why_known(row, arena) : "",
            };
            TRY(put_folder(b, summary->dir, rows, n_rows, arena));
            report->n[standing]++;
        }
    }
    report->n_unseen = baseline->n - n_seen;
    return ERR_OK;
}

/* ---- files ---- */

typedef void printer(const struct ci_report *report, struct buffer *text);

static enum err write_form(const char *path, printer *print, const struct ci_report *report)
{
    if (path == NULL) {
        return ERR_OK;
    }
    struct buffer text = BUFFER_INIT;
    print(report, &text);
    enum err err = file_write(path, text.data, text.size);
    buffer_release(&text);
    return err;
}

static enum err append(const char *path, const char *data, size_t size)
{
    int fd;
    TRY(open_step(path, &fd));
    enum err err = ERR_OK;
    while (size > 0 && err == ERR_OK) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR) {
            err = err_set(ERR_IO, "cannot write $GITHUB_STEP_SUMMARY %s: %m", path);
        }
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return err;
}

static enum err write_summary(const struct ci_settings *s, const struct ci_report *report)
{
    const char *step = step_summary(s);
    if (step == NULL) {
        return write_form(s->summary, ci_summary_print, report);
    }
    struct buffer text = BUFFER_INIT;
    ci_summary_print(report, &text);
    enum err err = append(step, text.data, text.size);
    buffer_release(&text);
    return err;
}

static enum err accept_buckets(const struct ci_settings *s, struct baseline *baseline,
                               struct ci_report *report, struct arena *arena)
{
    struct ci_bucket *buckets =
        arena_copy(arena, report->buckets, report->n_buckets * sizeof(*buckets));
    for (size_t i = 0; i < report->n_buckets; i++) {
        const struct bucket_row *row = buckets[i].row;
        bool is_outside = buckets[i].standing == STANDING_OUTSIDE;
        const char *what = arena_printf(arena, "%s: %s: %s", row->oracle, row->ops, row->text);
        /* Of what is in it already, keys that it did not have. */
        bool is_in = is_outside || buckets[i].standing == STANDING_INSIDE;
        for (size_t k = 0; k < buckets[i].keys.n && is_in; k++) {
            baseline_add(baseline, buckets[i].keys.items[k], what, arena);
        }
        buckets[i].standing = is_outside ? STANDING_INSIDE : buckets[i].standing;
    }
    report->buckets = buckets;
    report->n[STANDING_INSIDE] += report->n[STANDING_OUTSIDE];
    report->n[STANDING_OUTSIDE] = 0;
    return baseline_write(s->baseline, baseline);
}

/* ---- what is said ---- */

static void print_outside(const struct ci_report *r, const struct summary *summary,
                          struct buffer *text)
{
    struct bucket_row *rows = xcalloc(r->n_buckets, sizeof(*rows));
    size_t n = 0;
    for (size_t i = 0; i < r->n_buckets; i++) {
        if (r->buckets[i].standing != STANDING_INSIDE) {
            rows[n++] = *r->buckets[i].row;
        }
    }
    summary_print_new(summary, rows, n, text);
    free(rows);
}

static void print_answer(const struct ci_report *r, const struct summary *summary,
                         struct buffer *text)
{
    summary_print_work(summary, text);
    for (enum standing standing = 0; standing < STANDING_COUNT; standing++) {
        buffer_printf(text, "%s%10zu %s%s", standing == 0 ? "\nbuckets:\n" : "", r->n[standing],
                      standing_names[standing],
                      standing == STANDING_INSIDE && r->baseline != NULL ? " " : "\n");
        if (standing == STANDING_INSIDE && r->baseline != NULL) {
            buffer_printf(text, "%s (%zu more of it not seen)\n", r->baseline, r->n_unseen);
        }
    }
    if (r->n[STANDING_OUTSIDE] > 0) {
        buffer_puts(text, "\noutside the baseline:\n");
        print_outside(r, summary, text);
    }
}

static void say(const struct ci_settings *s, const struct ci_report *report,
                const struct summary *summary)
{
    struct buffer text = BUFFER_INIT;
    if (s->fuzz.campaign.json) {
        ci_json_print(report, &text);
    } else {
        print_answer(report, summary, &text);
    }
    fwrite(text.data, 1, text.size, stdout);
    buffer_release(&text);
}

/* ---- the command ---- */

static enum err conclude(const struct ci_settings *s, const struct campaign_options *campaign,
                         struct baseline *baseline, struct arena *arena, bool *found)
{
    struct summary summary;
    TRY(summary_read(campaign->out, campaign, arena, &summary));
    struct ci_report report = {
        .dir = campaign->out,
        .baseline = s->baseline,
        .version = OPJURY_VERSION,
        .seed = campaign->seed,
        .is_stopped = stop_requested != 0,
    };
    TRY(compare(&summary, baseline, arena, &report));
    if (s->write_baseline) {
        TRY(accept_buckets(s, baseline, &report, arena));
    }
    say(s, &report, &summary);
    TRY(write_form(s->junit, junit_print, &report));
    TRY(write_form(s->sarif, sarif_print, &report));
    TRY(write_summary(s, &report));
    *found = report.n[STANDING_OUTSIDE] > 0;
    if (!*found && report.is_stopped) {
        return err_set(ERR_STOPPED,
                       "stopped before the campaign's end, with nothing outside the "
                       "baseline so far; the same command with --out %s goes on",
                       report.dir);
    }
    return ERR_OK;
}

static enum err run_ci(void *settings, struct arena *arena, bool *found)
{
    struct ci_settings *s = settings;
    struct baseline baseline;
    TRY(prepare(s, arena, &baseline));
    struct campaign_options campaign = *fuzz_campaign(&s->fuzz);
    campaign.fixed = true; /* a change of the library must not be one of the tests */
    bool is_new = campaign.out == NULL;
    if (is_new) {
        TRY(campaign_new_folder(arena, &campaign.out));
    }
    campaign.quiet = true;
    bool any;
    enum err err = campaign_run(&campaign, arena, &any);
    if (err != ERR_OK && is_new) {
        rmdir(campaign.out); /* if it is still empty, nobody needs it */
    }
    TRY(err);
    return conclude(s, &campaign, &baseline, arena, found);
}

static const struct ci_settings defaults = {.fuzz = FUZZ_DEFAULTS};

const struct command command_ci = {
    .name = "ci",
    .summary = "Run a campaign as a check of a build: fail on what no baseline has",
    .help =
        "Runs a campaign as `opjury fuzz` does, with the same options, and holds its "
        "buckets against the baseline FILE: a text file with a bucket key a line, for "
        "version control. With --write-baseline all new buckets are added to it; keys leave it by "
        "your hand alone. Without --baseline every new bucket counts. Known bugs and what "
        "did not repeat never count.\n"
        "\n"
        "The same --seed and --tests make the same tests, so that a bucket outside the baseline "
        "is a change of the library; with --time a faster machine makes more of them, "
        "and --seed random looks at new ones each time. A bucket `not reduced' stands for all "
        "findings with that signature for whose reduction there was no time.\n"
        "\n"
        "Exit status: 0 nothing outside the baseline, 1 something is, 2 trouble, or "
        "stopped with nothing found so far.\n"
        "\n"
        "Examples:\n"
        "  opjury ci --tests 20000 --baseline opjury.baseline --write-baseline\n"
        "  opjury ci --tests 20000 --baseline opjury.baseline --junit opjury.xml\n"
        "  opjury ci --time 10m --seed random --baseline opjury.baseline \\\n"
        "      --sarif opjury.sarif --target onnxruntime\n",
    .options = options,
    .settings_size = sizeof(struct ci_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_ci,
};
