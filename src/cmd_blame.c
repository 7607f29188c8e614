/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury blame`: run a finding's program again in variations of the failing target and say what
 * makes the failure go away. The finding is one of a campaign, by its ID, or any folder of one; the
 * answer is printed as it grows and left in the folder as blame.json.
 */
#include "cmd_finding.h"
#include "command.h"
#include "finding_blame.h"
#include "report/escape.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_JSON = COMMAND_KEYS, KEY_PYTHON, KEY_VERSIONS };

struct blame_settings {
    const char *finding; /* ID or folder */
    const char *out, *python;
    struct texts versions;
    bool json;
};

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "the campaign's folder (the newest under out/)", 0},
    {"versions", KEY_VERSIONS, "A,B", 0, "also run these releases of the library", 0},
    {"json", KEY_JSON, NULL, 0, "print what blame.json holds, on one line", 0},
    {"python", KEY_PYTHON, "PATH", 0,
     "interpreter of the library, or its environment; also in place of a target's @PATH", 0},
    {0},
};

/* "1.20.1,1.29" */
static enum err add_versions(const char *list, struct texts *versions, struct arena *arena)
{
    static const char letters[] = "0123456789.abcdefghijklmnopqrstuvwxyz";
    for (const char *at = list; at != NULL;) {
        size_t size = strcspn(at, ",");
        if (size == 0 || at[0] < '0' || at[0] > '9' || strspn(at, letters) < size) {
            return err_set(ERR_USAGE,
                           "--versions takes releases such as 1.20.1,1.29.0,1.31.1, not '%.*s'",
                           (int)size, at);
        }
        texts_add(versions, arena_printf(arena, "%.*s", (int)size, at), arena);
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return ERR_OK;
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct blame_settings *s = settings;
    switch (key) {
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_JSON:
        s->json = true;
        return ERR_OK;
    case KEY_VERSIONS:
        return add_versions(value, &s->versions, arena);
    case KEY_PYTHON:
        s->python = value;
        return ERR_OK;
    case COMMAND_ARGUMENT:
        if (s->finding != NULL) {
            return err_set(ERR_USAGE, "blame takes one finding, not '%s' too", value);
        }
        s->finding = value;
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

/* ---- the finding ---- */

/* The folder, and the failing target's text with its interpreter where a campaign knows it. */
static enum err find_folder(const struct blame_settings *s, struct arena *arena,
                            const char **folder, const char **target)
{
    const char *dir;
    struct store *store;
    struct finding_row row;
    uint64_t id;
    *target = NULL;
    if (!finding_is_id(s->finding)) {
        *folder = s->finding;
        return file_exists(arena_printf(arena, "%s/verdict.json", s->finding))
                   ? ERR_OK
                   : err_set(ERR_USAGE,
                             "'%s' is neither the ID of a finding nor a folder with "
                             "verdict.json",
                             s->finding);
    }
    TRY(parse_id(s->finding, &id));
    TRY(findings_folder(s->out, arena, &dir));
    TRY(store_open(dir, false, &store));
    enum err err = findings_row(store, dir, id, arena, &row);
    store_close(store);
    TRY(err);
    if (row.folder[0] == '\0') {
        return err_set(ERR_USAGE,
                       "finding %s has no folder, because its bucket has some; `opjury reduce %s` "
                       "makes one",
                       s->finding, s->finding);
    }
    *folder = arena_printf(arena, "%s/%s", dir, row.folder);
    *target = row.target;
    return ERR_OK;
}

static enum err read_claim(const struct blame_settings *s, struct arena *arena,
                           struct blame_claim *claim)
{
    const char *folder = NULL, *target;
    TRY(find_folder(s, arena, &folder, &target));
    TRY(finding_set_variables(folder, arena));
    return blame_claim_read(folder, target, s->python, arena, claim);
}

/* ---- the answer ---- */

static void print_try(const struct blame_try *try, void *context)
{
    const int *columns = context;
    int width = (int)strlen(try->text);
    if (*columns > 0 && width > *columns) {
        width = *columns;
    }
    struct arena *arena = arena_new();
    const char *text = line_text(arena_printf(arena, "%.*s", width, try->text), arena);
    printf("  %-9s  %-28s  %-11s  %s\n", try->kind, try->what, verdict_names[try->verdict], text);
    arena_free(arena);
    fflush(stdout);
}

/* Lines of at most 78 columns, broken at blanks. */
static void print_wrapped(const char *text)
{
    enum { COLUMNS = 78 };
    while (*text != '\0') {
        size_t n = strlen(text);
        if (n > COLUMNS) {
            n = COLUMNS;
            while (n > 0 && text[n] != ' ') {
                n--;
            }
            n = n > 0 ? n : strcspn(text, " ");
        }
        printf("%.*s\n", (int)n, text);
        text += n + strspn(text + n, " ");
    }
}

static enum err print_answer(const struct blame_settings *s, const struct blame_claim *claim,
                             const struct blame *answer)
{
    if (!answer->reproduced) {
        return err_set(ERR_UNSUPPORTED, "%s does not show on %s %s any more: nothing is to blame",
                       claim->folder, claim->target->text,
                       answer->version != NULL ? answer->version : "");
    }
    TRY(blame_write(claim->folder, answer));
    if (s->json) {
        char *line = blame_line(answer);
        puts(line);
        free(line);
    } else {
        printf("\nblamed: %s\n", answer->component != NULL ? answer->component : "nothing");
        print_wrapped(answer->text);
    }
    return output_flush();
}

/* A whole answer of before is worth more than a part of one. */
static enum err keep_part(const struct blame_claim *claim, const struct blame *answer,
                          bool is_whole)
{
    if (!answer->reproduced || answer->n_tries == 0 || is_whole) {
        return err_set(ERR_STOPPED, "stopped; nothing is changed");
    }
    TRY(blame_write(claim->folder, answer));
    return err_set(ERR_STOPPED,
                   "stopped; what was tried is in %s/blame.json, and the same command goes on",
                   claim->folder);
}

static enum err run_blame(void *settings, struct arena *arena, bool *found)
{
    const struct blame_settings *s = settings;
    struct blame_claim claim = {0};
    struct blame answer = {0};
    bool is_whole;
    int columns = isatty(STDOUT_FILENO) ? 60 : 0; /* of a text; a file has room */
    *found = false;
    if (s->finding == NULL) {
        return err_set(ERR_USAGE, "blame needs the ID of a finding or its folder; `opjury show` "
                                  "lists them");
    }
    TRY(read_claim(s, arena, &claim));
    const struct blame_request request = {
        .target = claim.target,
        .failure = &claim.failure,
        .earlier = blame_earlier(claim.folder, arena, &is_whole),
        .versions = s->versions,
        .tried = s->json ? NULL : print_try,
        .context = &columns,
    };
    if (s->versions.n > 0 && claim.target->python == NULL) {
        return err_set(ERR_USAGE, "%s runs inside opjury: it has no other --versions",
                       claim.target->text);
    }
    if (!s->json) {
        printf("%s: %s on %s\n", claim.folder, line_text(claim.failure.verdict.oracle, arena),
               claim.target->text);
        TRY(output_flush());
    }
    enum err err = blame(&request, arena, &answer);
    if (err == ERR_STOPPED) {
        return keep_part(&claim, &answer, is_whole);
    }
    TRY(err);
    return print_answer(s, &claim, &answer);
}

const struct command command_blame = {
    .name = "blame",
    .summary = "Find out what makes a finding go away",
    .arguments = "ID|FOLDER",
    .help = "The reduced program is run again in variations of the failing target and "
            "each run is judged: the optimisation level (backend of torch:compile; "
            "jax:jit call by call, then XLA's levels), then single optimizers of the "
            "lowest level that shows it, or parts of that compiler (HLO passes of XLA) "
            "and which application of one (the lowering of an op) it is, the number of "
            "threads, where in memory its inputs lie, the float dtype. An optimizer or "
            "part is named when the program is right without it. The answer is left in "
            "the finding's folder as blame.json. Stopped by Ctrl-C it keeps there what "
            "was tried, and the same command goes on.\n"
            "\n"
            "With --versions releases of the library run it too, and the first bad and the\n"
            "last good one are named. Each has an environment that is made once, under\n"
            "$OPJURY_CACHE or ~/.cache/opjury; torch comes from $TORCH_INDEX_URL where that\n"
            "is set, for the general index has only its large CUDA build.\n"
            "\n"
            "What a folder names is not run unasked: where a finding was made with another\n"
            "interpreter (onnxruntime@old-env), --python says that it may be.\n"
            "\n"
            "Examples:\n"
            "  opjury blame 3\n"
            "  opjury blame findings/ort-relu-clip-dtypes --json\n"
            "  opjury blame 3 --versions 1.20.1,1.29.0,1.31.1\n",
    .options = options,
    .settings_size = sizeof(struct blame_settings),
    .option = set_option,
    .run = run_blame,
};
