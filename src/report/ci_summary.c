/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads on the page of a build: Markdown as GitHub and GitLab show it. First the
 * answer, then what is outside the baseline with its program, then the accounting.
 */
#include <inttypes.h>
#include <string.h>

#include "report/ci.h"
#include "report/escape.h"

/* A page of a build may hold 1 MiB (GitHub, job summaries); a program and its table are 4 KiB at
 * most here, so these many are far below. */
enum { SHOWN_MAX = 50, TEXT_SHOWN_MAX = 4 << 10 };

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* Whole lines of it, at most TEXT_SHOWN_MAX bytes. */
static size_t shown_size(const char *text)
{
    size_t size = strlen(text);
    if (size <= TEXT_SHOWN_MAX) {
        return size;
    }
    for (size = TEXT_SHOWN_MAX; size > 0 && text[size - 1] != '\n'; size--) {
    }
    return size;
}

static void put_block(struct buffer *out, const char *text)
{
    size_t size = shown_size(text);
    markdown_block(out, "text", text, size);
    buffer_puts(out, text[size] != '\0' ? "...\n\n" : "\n");
}

static void put_answer(struct buffer *out, const struct ci_report *r)
{
    size_t n = r->n[STANDING_OUTSIDE];
    if (n > 0) {
        buffer_printf(out, "## opjury: %zu bucket%s outside the baseline\n\n", n, plural(n));
    } else {
        buffer_printf(out, "## opjury: nothing outside the baseline\n\n");
    }
    if (r->is_stopped) {
        buffer_puts(out, "**The campaign was stopped before its end.**\n\n");
    }
    buffer_printf(out,
                  "%" PRIu64 " runs of %" PRIu64 " tests in %.0f s; %zu of the baseline's buckets "
                  "seen, %zu not; %zu known; %zu did not repeat.\n\n",
                  r->counts->runs, r->counts->tests, r->counts->usage[USAGE_ELAPSED],
                  r->n[STANDING_INSIDE], r->n_unseen, r->n[STANDING_KNOWN], r->n[STANDING_FLAKY]);
}

static void put_bucket(struct buffer *out, const struct ci_report *r, const struct ci_bucket *b)
{
    buffer_puts(out, "### ");
    markdown_code(out, b->row->oracle);
    buffer_puts(out, " ");
    markdown_code(out, b->row->ops);
    buffer_puts(out, "\n\n");
    markdown_code(out, b->row->text);
    buffer_puts(out, "\n\n");
    for (const char *line = b->targets; *line != '\0';) {
        struct buffer one = BUFFER_INIT;
        size_t size = strcspn(line, "\n");
        buffer_printf(&one, "%.*s", (int)size, line);
        buffer_puts(out, "- ");
        markdown_code(out, one.data);
        buffer_puts(out, "\n");
        buffer_release(&one);
        line += size + (line[size] != '\0');
    }
    buffer_printf(out, "\n%" PRIu64 " finding%s; ", b->row->n_findings, plural(b->row->n_findings));
    struct buffer command = BUFFER_INIT;
    buffer_printf(&command, "opjury show %" PRIu64 " --out ", b->row->first_finding);
    shell_put(&command, r->dir);
    markdown_code(out, command.data);
    buffer_release(&command);
    buffer_puts(out, "\n\n");
    if (b->program != NULL) {
        put_block(out, b->program);
    }
    if (b->verdicts != NULL) {
        put_block(out, b->verdicts);
    }
}

static void put_accounting(struct buffer *out, const struct counts *c)
{
    buffer_puts(out, "### Accounting\n\n| target |");
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        buffer_printf(out, " %s |", verdict_names[v]);
    }
    buffer_puts(out, " runs |\n|---|");
    for (size_t v = 0; v <= VERDICT_COUNT; v++) {
        buffer_puts(out, "---:|");
    }
    for (size_t i = 0; i <= c->n_targets; i++) {
        const struct target_counts *t = i < c->n_targets ? &c->targets[i] : NULL;
        const struct verdict_counts *counts = t != NULL ? &t->verdicts : &c->verdicts;
        uint64_t sum = 0;
        buffer_puts(out, "\n| ");
        if (t != NULL) {
            struct buffer name = BUFFER_INIT;
            buffer_printf(&name, "%s%s%s", t->text, *t->version != '\0' ? " " : "", t->version);
            markdown_code_cell(out, name.data);
            buffer_release(&name);
        } else {
            buffer_puts(out, "all");
        }
        buffer_puts(out, " |");
        for (size_t v = 0; v < VERDICT_COUNT; v++) {
            buffer_printf(out, " %" PRIu64 " |", counts->n[v]);
            sum += counts->n[v];
        }
        buffer_printf(out, " %" PRIu64 " |", sum);
    }
    buffer_puts(out, "\n");
}

void ci_summary_print(const struct ci_report *report, struct buffer *markdown)
{
    put_answer(markdown, report);
    size_t shown = 0;
    for (size_t i = 0; i < report->n_buckets && shown < SHOWN_MAX; i++) {
        if (report->buckets[i].standing == STANDING_OUTSIDE) {
            put_bucket(markdown, report, &report->buckets[i]);
            shown++;
        }
    }
    if (shown < report->n[STANDING_OUTSIDE]) {
        buffer_printf(markdown, "%zu more are in the campaign's folder.\n\n",
                      report->n[STANDING_OUTSIDE] - shown);
    }
    put_accounting(markdown, report->counts);
}
