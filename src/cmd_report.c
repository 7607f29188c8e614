/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury report`: a finding as a text for those who maintain the library, in the form in which
 * their tracker asks for it; or all of a campaign in tables, or as a page. Of a campaign's finding
 * it finds out what is to blame where nobody has asked; of a folder, which may be a stranger's, it
 * runs nothing.
 */
#include "campaign_parts.h"
#include "cmd_finding.h"
#include "command.h"
#include "finding_blame.h"
#include "report/escape.h"
#include "report/format.h"
#include "report_csv.h"
#include "report_html.h"

#include <stdio.h>
#include <string.h>

enum {
    KEY_FORMAT = COMMAND_KEYS,
    KEY_CSV,
    KEY_HTML,
    KEY_FORCE,
    KEY_MAX_OPEN,
    KEY_NO_BLAME,
    KEY_PYTHON
};

struct report_settings {
    const char *out, *format, *csv, *html;
    const char *what; /* ID or folder */
    struct report_blame blame;
    bool force, no_blame;
    uint64_t max_open;
};

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "the campaign's folder (the newest under out/)", 0},
    {"format", KEY_FORMAT, "NAME", 0, "whose form: see below (the library's own)", 0},
    {"force", KEY_FORCE, NULL, 0, "print it even if the project's rule is not met", 0},
    {"csv", KEY_CSV, "DIR", 0,
     "the whole campaign as tables: findings.csv, buckets.csv, runs.csv in DIR", 0},
    {"html", KEY_HTML, "FILE", 0, "the whole campaign as one page for a browser", 0},
    {"no-blame", KEY_NO_BLAME, NULL, 0,
     "run nothing: what nobody has asked `opjury blame` stays open", 0},
    {"python", KEY_PYTHON, "PATH", 0,
     "interpreter of the library to blame, or its environment; also in place of a target's @PATH",
     0},
    MAX_OPEN_OPTION(KEY_MAX_OPEN),
    {0},
};

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct report_settings *s = settings;
    switch (key) {
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_FORMAT:
        s->format = value;
        return ERR_OK;
    case KEY_FORCE:
        s->force = true;
        return ERR_OK;
    case KEY_NO_BLAME:
        s->no_blame = true;
        return ERR_OK;
    case KEY_PYTHON:
        s->blame.python = value;
        return ERR_OK;
    case KEY_CSV:
        s->csv = value;
        return ERR_OK;
    case KEY_MAX_OPEN:
        return parse_max_open(value, &s->max_open);
    case KEY_HTML:
        s->html = value;
        return ERR_OK;
    case COMMAND_ARGUMENT:
        if (s->what != NULL) {
            return err_set(ERR_USAGE, "report takes one ID or folder, not '%s' too", value);
        }
        s->what = value;
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

static enum err read_row(struct store *store, const struct report_settings *s, const char *dir,
                         uint64_t id, struct arena *arena, struct record **record)
{
    struct finding_row row;
    struct bucket_row bucket;
    TRY(findings_row(store, dir, id, arena, &row));
    TRY(findings_bucket(store, dir, id, arena, &bucket));
    buckets_put_urls(NULL, &bucket, 1, arena);
    if (row.folder[0] != '\0' && !s->no_blame) {
        const char *folder = arena_printf(arena, "%s/%s", dir, row.folder);
        TRY(blame_if_missing(folder, row.target, s->blame.python, arena));
    }
    return record_of_row(dir, &row, &bucket, arena, record);
}

static enum err read_id(const struct report_settings *s, const char *dir, struct arena *arena,
                        struct record **record)
{
    uint64_t id;
    struct store *store;
    TRY(parse_id(s->what, &id));
    TRY(store_open(dir, false, &store));
    enum err err = read_row(store, s, dir, id, arena, record);
    store_close(store);
    return err;
}

static enum err choose_format(const struct report_settings *s, const struct record *record,
                              const struct report_format **format)
{
    *format = report_format_of(record->library);
    if (s->format != NULL) {
        TRY(report_format_find(s->format, format));
    }
    const char *own = (*format)->library, *why;
    if (own != NULL && strcmp(own, record->library) != 0) {
        log_warn("this is %s, but the finding is of %s", (*format)->summary, record->library);
    }
    if ((*format)->accepts == NULL || (*format)->accepts(record, &why)) {
        return ERR_OK;
    }
    if (s->force) {
        log_warn("the rule of %s is not met: %s", (*format)->name, why);
        return ERR_OK;
    }
    return err_set(ERR_UNSUPPORTED,
                   "by the project's own rule this is no fault: %s; --force prints it all the same",
                   why);
}

/* What a maintainer would send back. */
static void warn_of_size(const struct record *record, const char *text, size_t size)
{
    enum { BODY_MAX = 65536, TITLE_MAX = 256 }; /* characters of an issue on GitHub */
    size_t title = strcspn(text, "\n") - strlen("# ");
    if (strncmp(text, "# ", 2) == 0 && title > TITLE_MAX) {
        log_warn("its title has %zu characters; GitHub takes %d", title, (int)TITLE_MAX);
    }
    if (!record->is_reduced) {
        log_warn("the program is as it was found (%u nodes); `opjury reduce` makes it smaller",
                 record->test->program->n_nodes);
    }
    if (size > BODY_MAX) {
        log_warn("%zu characters; GitHub takes %d", size, (int)BODY_MAX);
    }
}

/* To who sends the report: its maintainers want to know whether it is a regression. */
static void hint_versions(const struct record *record, const char *what, const char *dir,
                          struct arena *arena)
{
    bool has_releases =
        strcmp(record->library, "onnxruntime") == 0 || strcmp(record->library, "torch") == 0;
    for (size_t i = 0; i < record->n_trials; i++) {
        has_releases = has_releases && strcmp(record->trials[i].kind, "version") != 0;
    }
    if (has_releases) {
        log_warn("only %s %s was tried; whether it is a regression says `opjury blame %s%s%s "
                 "--versions A,B,...`",
                 record->library, record->version, shell_word(what, arena),
                 dir != NULL ? " --out " : "", dir != NULL ? shell_word(dir, arena) : "");
    }
}

static enum err print_record(const struct report_settings *s, struct arena *arena)
{
    struct record *record;
    const struct report_format *format;
    const char *dir = NULL;
    if (finding_is_id(s->what)) {
        TRY(findings_folder(s->out, arena, &dir));
        TRY(read_id(s, dir, arena, &record));
    } else {
        TRY(record_read(s->what, arena, &record));
    }
    TRY(choose_format(s, record, &format));
    struct buffer text = BUFFER_INIT;
    report_print(format, record, &text);
    warn_of_size(record, text.data, text.size);
    hint_versions(record, s->what, dir, arena);
    fwrite(text.data, 1, text.size, stdout);
    buffer_release(&text);
    return output_flush();
}

static enum err write_campaign(const struct report_settings *s, struct arena *arena)
{
    const char *dir;
    if (s->csv == NULL && s->html == NULL) {
        return ERR_OK;
    }
    TRY(findings_folder(s->out, arena, &dir));
    TRY(s->csv != NULL ? report_csv(dir, s->csv, s->max_open, arena) : ERR_OK);
    return s->html != NULL
               ? report_html(dir, s->html, s->max_open, s->no_blame ? NULL : &s->blame, arena)
               : ERR_OK;
}

static enum err run_report(void *settings, struct arena *arena, bool *found)
{
    const struct report_settings *s = settings;
    const struct report_format *format;
    *found = false;
    if (s->format != NULL) {
        TRY(report_format_find(s->format, &format));
    }
    if (s->what == NULL && s->csv == NULL && s->html == NULL) {
        return err_set(ERR_USAGE, "report needs the ID of a finding (`opjury show` lists them), a "
                                  "finding's folder, --csv DIR or --html FILE");
    }
    TRY(write_campaign(s, arena));
    return s->what != NULL ? print_record(s, arena) : output_flush();
}

static const struct report_settings defaults = {.max_open = MAX_OPEN};

const struct command command_report = {
    .name = "report",
    .summary = "Write a finding up for those who maintain the library",
    .arguments = "[ID|FOLDER]",
    .help =
        "Prints the finding as the issue tracker of its library wants it: the title as the "
        "first line, then the sections of that project's template, with a script that "
        "shows the fault by itself, what came and what should have come, the runs of all "
        "targets with the errors that rounding allows, what makes it go away, how often it "
        "shows, and the machine. Nothing is sent: read it, then put it where it belongs. --html "
        "writes a page of all findings, with filters and drawn programs, that needs no network; "
        "new ones beyond --max-open, known ones and what did not repeat are on it behind a "
        "click.\n"
        "\n"
        "Of a campaign's findings that are reported so, what `opjury blame` says is found out "
        "where it is not known yet (a second or a few each), left in their folders, and told in "
        "title and text; --no-blame leaves that out. A FOLDER may be anybody's: it is read only. "
        "Whether it is a regression is asked by `opjury blame ID --versions`.\n"
        "\n"
        "Formats (--format):\n"
        "  markdown         any reader\n"
        "  json             programs: all that is known\n"
        "  pytorch          PyTorch's Bug Report\n"
        "  pytorch-compile  PyTorch's torch.compile Bug Report\n"
        "  onnxruntime      ONNX Runtime's General issue\n"
        "  openvino         OpenVINO's Bug Report\n"
        "  tvm              TVM's Bug report\n"
        "  jax              JAX's Bug report\n"
        "  tensorflow       TensorFlow's issue\n"
        "PyTorch accepts of fuzzers only what its own check calls different "
        "(torch._dynamo.utils.same against float64): what is not is refused.\n"
        "\n"
        "Examples:\n"
        "  opjury report 3 > issue.md\n"
        "  opjury report findings/ort-clip-int64 --format json\n"
        "  opjury report --csv tables --out out/seven\n"
        "  opjury report --html out.html\n",
    .options = options,
    .settings_size = sizeof(struct report_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_report,
};
