/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a finding: without --out the newest campaign is meant, because that is the one somebody
 * has just seen the end of. And its target, of which a folder may say what options it had, but not
 * which program to run.
 */
#include "cmd_finding.h"
#include "report/escape.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static bool holds_campaign(const char *dir, struct arena *arena)
{
    return file_exists(arena_printf(arena, "%s/campaign.db", dir));
}

enum err findings_folder(const char *out, struct arena *arena, const char **dir)
{
    if (out != NULL) {
        if (!holds_campaign(out, arena)) {
            return err_set(ERR_MISSING, "%s holds no campaign (campaign.db)", out);
        }
        *dir = out;
        return ERR_OK;
    }
    unsigned long newest = 0;
    DIR *folder = opendir("out");
    for (struct dirent *e = NULL; folder != NULL && (e = readdir(folder)) != NULL;) {
        char *end;
        unsigned long number = strtoul(e->d_name, &end, 10);
        if (*end == '\0' && number > newest &&
            holds_campaign(arena_printf(arena, "out/%s", e->d_name), arena)) {
            newest = number;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    if (newest == 0) {
        return err_set(ERR_MISSING,
                       "no campaign under out/; name its folder with --out DIR, or run "
                       "`opjury fuzz` first");
    }
    *dir = arena_printf(arena, "out/%lu", newest);
    return ERR_OK;
}

bool finding_is_id(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

enum err findings_row(struct store *store, const char *dir, uint64_t id, struct arena *arena,
                      struct finding_row *row)
{
    struct finding_row *rows;
    size_t n;
    TRY(store_findings(store, arena, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id == id) {
            *row = rows[i];
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE,
                   "%s has no finding %llu (it has %zu); `opjury show --out %s` lists them", dir,
                   (unsigned long long)id, n, dir);
}

enum err findings_bucket(struct store *store, const char *dir, uint64_t id, struct arena *arena,
                         struct bucket_row *bucket)
{
    struct finding_row row;
    struct bucket_row *rows;
    size_t n;
    TRY(findings_row(store, dir, id, arena, &row));
    TRY(store_buckets(store, arena, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].key, row.bucket) == 0) {
            *bucket = rows[i];
            return ERR_OK;
        }
    }
    /* Between the two looks somebody has reduced it, and it went to another. */
    return err_set(
        ERR_STORE,
        "%s: finding %llu is being changed by another opjury; give the same command again", dir,
        (unsigned long long)id);
}

enum err finding_target(const char *text, const char *python, struct arena *arena,
                        struct target **target)
{
    struct target *named, *usual;
    const char *at = strchr(text, '@'), *label = target_text_label(text, arena);
    TRY(command_target_allows(text));
    if (at == NULL || python != NULL) {
        return target_parse(label, python, arena, target);
    }
    if (environment_is_configured(at + 1)) {
        return target_parse(text, NULL, arena, target); /* a name of the user's own */
    }
    /* Nothing runs before a jury opens. */
    enum err of_named = target_parse(text, NULL, arena, &named);
    if (of_named == ERR_USAGE) {
        return of_named;
    }
    bool is_usual = of_named == ERR_OK && target_parse(label, NULL, arena, &usual) == ERR_OK &&
                    strcmp(named->python, usual->python) == 0;
    if (is_usual) {
        *target = named;
        return ERR_OK;
    }
    return err_set(ERR_USAGE,
                   "it was found on %s in the interpreter %s, and what a folder names is not run "
                   "unasked; if you know it, add --python %s",
                   label, at + 1, shell_word(at + 1, arena));
}
