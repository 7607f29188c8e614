/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding's folder as a question to blame, and the answer kept there. Reports name what is guilty
 * whether or not somebody has asked before: it takes about a second.
 */
#include "finding_blame.h"

#include "cmd_finding.h"
#include "command.h"
#include "report/report.h"

enum err blame_claim_read(const char *folder, const char *target, const char *python,
                          struct arena *arena, struct blame_claim *claim)
{
    struct finding_claim said;
    *claim = (struct blame_claim){.folder = folder};
    TRY(finding_claim_read(folder, arena, &said));
    TRY(finding_read(folder, "program", arena, &claim->test));
    TRY(finding_target(target != NULL ? target : said.target, python, arena, &claim->target));
    claim->failure = (struct failure){
        .test = claim->test,
        .verdict = {.kind = VERDICT_FINDING, .oracle = said.oracle, .text = ""},
        .signature = said.signature,
    };
    return ERR_OK;
}

const struct blame *blame_earlier(const char *folder, struct arena *arena, bool *is_whole)
{
    struct blame *earlier = arena_alloc(arena, sizeof(*earlier));
    bool is_there = file_exists(arena_printf(arena, "%s/blame.json", folder)) &&
                    blame_read(folder, arena, earlier) == ERR_OK;
    *is_whole = is_there && earlier->complete;
    return is_there && !earlier->complete ? earlier : NULL;
}

/* ---- for who needs the answer ---- */

struct tries {
    struct live_line line;
    size_t n;
};

static void count_try(const struct blame_try *try, void *context)
{
    struct tries *tries = context;
    live_line_show(&tries->line, ++tries->n, 0);
}

static enum err ask(const struct blame_claim *claim, const struct blame *earlier,
                    struct arena *arena)
{
    struct blame answer;
    struct tries tries = {.line = live_line_begin("variations tried to find what is to blame")};
    const struct blame_request request = {.target = claim->target,
                                          .failure = &claim->failure,
                                          .earlier = earlier,
                                          .tried = count_try,
                                          .context = &tries};
    enum err err = blame(&request, arena, &answer);
    live_line_end(&tries.line);
    if (err == ERR_STOPPED && answer.reproduced && answer.n_tries > 0) {
        TRY(blame_write(claim->folder, &answer));
        return err_set(ERR_STOPPED, "stopped; what was tried is in %s/blame.json", claim->folder);
    }
    TRY(err);
    if (!answer.reproduced) {
        return err_set(ERR_UNSUPPORTED, "it does not show on %s %s any more", claim->target->text,
                       answer.version != NULL ? answer.version : "");
    }
    return blame_write(claim->folder, &answer);
}

enum err blame_if_missing(const char *folder, const char *target, const char *python,
                          struct arena *arena)
{
    struct blame_claim claim;
    struct texts variables, before = {0};
    bool is_whole;
    const struct blame *earlier = blame_earlier(folder, arena, &is_whole);
    if (is_whole) {
        return ERR_OK;
    }
    enum err err = finding_variables(folder, arena, &variables);
    if (err == ERR_OK) {
        variables_set(&variables, arena, &before);
        err = blame_claim_read(folder, target, python, arena, &claim);
        err = err == ERR_OK ? ask(&claim, earlier, arena) : err;
        variables_restore(&before, arena);
    }
    if (err == ERR_OK || err == ERR_STOPPED) {
        return err;
    }
    log_warn("%s: nothing is blamed: %s", folder, err_text());
    return ERR_OK;
}
