/* SPDX-License-Identifier: Apache-2.0 */
/* One bucket on the page: a line to tell it by, and behind it all that its best finding's folder
 * says. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/draw.h"
#include "report/html_internal.h"

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void put_line(const struct html_bucket *b, struct buffer *html)
{
    const struct record *r = b->record;
    buffer_puts(html, "<summary><span class=\"title\">");
    xml_text(html, r != NULL ? r->title : b->row->ops);
    buffer_puts(html, "</span> ");
    html_element(html, "span", "badge state", b->row->state);
    buffer_puts(html, " ");
    if (r != NULL) {
        html_element(html, "span", "badge", r->library);
        buffer_puts(html, " ");
    }
    html_element(html, "span", "badge", b->row->oracle);
    buffer_puts(html, " ");
    if (r != NULL) {
        html_element(html, "span", "badge", severity_names[r->severity]);
    }
    buffer_printf(html, " <span class=\"badge\">%" PRIu64 " finding%s</span></summary>\n",
                  b->row->n_findings, plural(b->row->n_findings));
}

/* ---- facts ---- */

static void put_number(struct buffer *html, const char *name, const char *format, double value)
{
    char text[64];
    if (!isnan(value)) {
        snprintf(text, sizeof(text), format, value);
        html_fact(html, name, text);
    }
}

static void put_realism(const struct record *r, struct buffer *html)
{
    struct buffer text = BUFFER_INIT;
#define PUT(name, words)                                                                           \
    if (r->realism.name) {                                                                         \
        buffer_printf(&text, "%s%s", text.size > 0 ? ", " : "", words);                            \
    }
    REALISM_MAP(PUT)
#undef PUT
    html_fact(html, "realism", text.size > 0 ? text.data : "none of the usual signs");
    buffer_release(&text);
}

static void put_versions(const struct record *r, struct buffer *html)
{
    struct buffer text = BUFFER_INIT;
    for (size_t i = 0; i < r->n_libraries; i++) {
        const struct record_library *l = &r->libraries[i];
        buffer_printf(&text, "%s%s%s%s", i > 0 ? ", " : "", l->name, *l->version != '\0' ? " " : "",
                      l->version);
        if (l->python != NULL) {
            buffer_printf(&text, " (%s)", l->python);
        }
    }
    buffer_printf(&text, "%s%s", text.size > 0 ? ", " : "", r->system);
    html_fact(html, "environment", text.data);
    buffer_release(&text);
}

/* "https://... (closed)": the address as a link, the rest as text. */
static void put_issue(struct buffer *html, const char *text)
{
    bool is_link = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    size_t size = is_link ? strcspn(text, " \n") : 0;
    char *address = strndup(text, size);
    CHECK(address != NULL);
    buffer_puts(html, "<dt>reported as</dt><dd>");
    if (size > 0) {
        buffer_puts(html, "<a rel=\"noreferrer\" href=\"");
        xml_put(html, address);
        buffer_puts(html, "\">");
        xml_text(html, address);
        buffer_puts(html, "</a>");
    }
    xml_text(html, text + size);
    buffer_puts(html, "</dd>\n");
    free(address);
}

static void put_facts(const struct html_bucket *b, struct buffer *html)
{
    const struct record *r = b->record;
    buffer_puts(html, "<dl>\n");
    html_fact(html, "what", b->row->text);
    html_fact(html, "operators", b->row->ops);
    html_fact(html, "targets", b->row->targets);
    html_fact(html, "known as", b->known);
    html_fact(html, "why it is no fault", b->row->note);
    const char *issue = r != NULL && r->known_issue != NULL ? r->known_issue : b->row->url;
    if (issue[0] != '\0') {
        put_issue(html, issue);
    }
    if (r != NULL) {
        char text[160];
        put_number(html, "largest error, absolute", "%.3g", r->max_abs);
        put_number(html, "largest error, relative", "%.3g", r->max_rel);
        put_number(html, "error by its bound", "%.3g", r->times);
        snprintf(text, sizeof(text), "in %u of %u fresh processes", r->repeats, r->rechecks);
        html_fact(html, "repeats", text);
        html_fact(html, "gone in the newest version installed", r->gone_in);
        snprintf(text, sizeof(text), "%zu to %zu operators, %zu to %zu elements", r->nodes_before,
                 r->nodes_after, r->elements_before, r->elements_after);
        html_fact(html, "reduced from", r->nodes_before > 0 ? text : NULL);
        put_realism(r, html);
        html_fact(html, "guilty component", r->component);
        html_fact(html, "first bad version", r->first_bad);
        html_fact(html, "last good version", r->last_good);
        put_versions(r, html);
        html_fact(html, "folder", r->folder);
    }
    html_fact(html, "bucket", b->row->key);
    buffer_puts(html, "</dl>\n");
}

/* ---- verdicts ---- */

static void put_run(const struct record_run *run, bool is_culprit, struct buffer *html)
{
    buffer_puts(html, is_culprit ? "<tr class=\"culprit\">" : "<tr>");
    html_element(html, "th scope=\"row\"", NULL, run->target);
    const char *const cells[] = {run->version,  run->verdict, run->oracle, run->place,
                                 run->expected, run->actual,  run->bound};
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
        html_element(html, "td", NULL, cells[i] != NULL ? cells[i] : "");
    }
    html_element(html, "td", NULL, run->message != NULL ? run->message : run->text);
    buffer_puts(html, "</tr>\n");
}

static void put_runs(const struct record *r, struct buffer *html)
{
    static const char *const heads[] = {"target",   "version", "verdict", "oracle", "worst element",
                                        "expected", "actual",  "bound",   "text"};
    buffer_puts(html, "<h3>Verdicts</h3>\n<div class=\"scroll\"><table class=\"verdicts\"><thead>"
                      "<tr>");
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        html_element(html, "th", NULL, heads[i]);
    }
    buffer_puts(html, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < r->n_runs; i++) {
        put_run(&r->runs[i], &r->runs[i] == r->culprit, html);
    }
    buffer_puts(html, "</tbody></table></div>\n");
}

static void put_trials(const struct record *r, struct buffer *html)
{
    static const char *const heads[] = {"kind", "what", "verdict", "text"};
    if (r->n_trials == 0) {
        return;
    }
    buffer_puts(html, "<h3>What makes it go away</h3>\n<div class=\"scroll\"><table><thead><tr>");
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        html_element(html, "th", NULL, heads[i]);
    }
    buffer_puts(html, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < r->n_trials; i++) {
        const struct record_trial *t = &r->trials[i];
        buffer_puts(html, "<tr>");
        html_element(html, "td", NULL, t->kind);
        html_element(html, "td", NULL, t->what);
        html_element(html, "td", NULL, t->verdict);
        html_element(html, "td", NULL, t->text);
        buffer_puts(html, "</tr>\n");
    }
    buffer_puts(html, "</tbody></table></div>\n");
}

/* ---- program and script ---- */

/* "v1" of "v1[0,2]" */
static const char *wrong_value(const struct record *r)
{
    return r->culprit != NULL && r->culprit->place != NULL
               ? strndup(r->culprit->place, strcspn(r->culprit->place, "["))
               : NULL;
}

static void put_program(const struct record *r, struct buffer *html)
{
    const struct program *p = r->test->program;
    buffer_puts(html, "<h3>Program</h3>\n");
    if (p->n_nodes <= DRAW_NODES_MAX) {
        const char *wrong = wrong_value(r);
        buffer_puts(html, "<div class=\"scroll\">");
        draw_program(p, wrong, html);
        buffer_puts(html, "</div>\n");
        free((void *)wrong);
    }
    html_pre(html, "text", r->program);
}

static void put_script(const struct record *r, struct buffer *html)
{
    if (r->script == NULL) {
        return;
    }
    buffer_puts(html,
                "<h3>Script</h3>\n<div class=\"script\"><button type=\"button\" class=\"copy\" "
                "hidden>Copy</button>\n");
    html_pre(html, "code", r->script);
    buffer_puts(html, "</div>\n");
}

void html_bucket_print(const struct html_bucket *b, struct buffer *html)
{
    put_line(b, html);
    buffer_puts(html, "<div class=\"body\">\n");
    if (*b->trouble != '\0') {
        html_element(html, "p", "trouble", b->trouble);
    }
    put_facts(b, html);
    if (b->record != NULL) {
        put_program(b->record, html);
        put_runs(b->record, html);
        put_trials(b->record, html);
        put_script(b->record, html);
    }
    buffer_puts(html, "</div>\n");
}
