/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page around the findings. Style and script are constants of the build (page.css, page.js and,
 * if it was fetched, a chart library), so the page's policy names them by their hashes: nothing
 * else may run or load, whatever got into the texts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/html_internal.h"
#include "report/report_assets.h" /* made by scripts/embed-assets */

/* ---- small parts ---- */

void html_element(struct buffer *html, const char *tag, const char *class, const char *text)
{
    buffer_printf(html, "<%s", tag);
    if (class != NULL) {
        buffer_printf(html, " class=\"%s\"", class);
    }
    buffer_puts(html, ">");
    xml_text(html, text);
    buffer_printf(html, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void html_fact(struct buffer *html, const char *name, const char *text)
{
    if (text != NULL && *text != '\0') {
        html_element(html, "dt", NULL, name);
        html_element(html, "dd", NULL, text);
        buffer_puts(html, "\n");
    }
}

void html_cell(struct buffer *html, uint64_t n)
{
    buffer_printf(html, "<td class=\"number%s\">%" PRIu64 "</td>", n == 0 ? " zero" : "", n);
}

void html_pre(struct buffer *html, const char *class, const char *text)
{
    enum { SHOWN_MAX = 64 << 10 };
    size_t size = strnlen(text, SHOWN_MAX);
    char *part = strndup(text, size);
    CHECK(part != NULL);
    buffer_printf(html, "<pre tabindex=\"0\" class=\"%s\">", class);
    xml_text(html, part);
    buffer_printf(html, "%s</pre>\n", text[size] != '\0' ? "\n(cut here: see the folder)" : "");
    free(part);
}

/* ---- head ---- */

static void put_head(const struct html_page *page, struct buffer *html)
{
    buffer_puts(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "base-uri 'none'; form-action 'none'; style-src " ASSETS_STYLE_HASHES
                      "; script-src " ASSETS_SCRIPT_HASHES "\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<title>opjury: ");
    xml_text(html, page->dir);
    buffer_puts(html, "</title>\n");
    for (size_t i = 0; i < ARRAY_SIZE(assets_styles); i++) {
        buffer_printf(html, "<style>%s</style>\n", assets_styles[i]);
    }
    buffer_puts(html, "</head>\n<body>\n");
}

static size_t count_state(const struct html_page *page, const char *state)
{
    size_t n = 0;
    for (size_t i = 0; i < page->n_buckets; i++) {
        n += strcmp(page->buckets[i].row->state, state) == 0;
    }
    return n;
}

static void put_tile(struct buffer *html, const char *name, const char *format, double value)
{
    buffer_puts(html, "<div class=\"tile\"><b>");
    char text[64];
    snprintf(text, sizeof(text), format, value);
    buffer_printf(html, "%s</b><span>%s</span></div>\n", text, name);
}

static void put_summary(const struct html_page *page, struct buffer *html)
{
    const struct counts *c = page->counts;
    double cpu = c->usage[USAGE_CPU];
    buffer_puts(html, "<header><h1>");
    xml_text(html, page->dir);
    buffer_puts(html, "</h1>\n<p>A campaign of opjury ");
    xml_text(html, page->version);
    buffer_printf(html, ", seed %" PRIu64 ", on ", page->seed);
    for (size_t i = 0; i < c->n_targets; i++) {
        buffer_puts(html, i > 0 ? ", " : "");
        html_element(html, "code", NULL, c->targets[i].text);
        buffer_puts(html, *c->targets[i].version != '\0' ? " " : "");
        xml_text(html, c->targets[i].version);
    }
    buffer_puts(html, "</p>\n<nav><a href=\"#accounting\">Accounting</a> <a href=\"#trends\">Trends"
                      "</a> <a href=\"#findings\">Findings</a></nav></header>\n"
                      "<main>\n<section id=\"summary\" aria-label=\"summary\">\n");
    put_tile(html, "new buckets", "%.0f", (double)count_state(page, "new"));
    put_tile(html, "known", "%.0f", (double)count_state(page, "known"));
    if (count_state(page, BUCKET_TOLERATED) > 0) {
        put_tile(html, BUCKET_TOLERATED, "%.0f", (double)count_state(page, BUCKET_TOLERATED));
    }
    put_tile(html, "did not repeat", "%.0f", (double)count_state(page, "flaky"));
    put_tile(html, "tests", "%.0f", (double)c->tests);
    put_tile(html, "runs", "%.0f", (double)c->runs);
    put_tile(html, "CPU seconds", "%.0f", cpu);
    put_tile(html, "tests per CPU second", "%.1f", cpu > 0 ? (double)c->tests / cpu : 0);
    buffer_puts(html, "</section>\n");
}

/* ---- accounting ---- */

static void put_counts(struct buffer *html, const struct verdict_counts *counts)
{
    uint64_t sum = 0;
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        html_cell(html, counts->n[v]);
        sum += counts->n[v];
    }
    html_cell(html, sum);
    buffer_puts(html, "</tr>\n");
}

static void put_accounting(const struct html_page *page, struct buffer *html)
{
    const struct counts *c = page->counts;
    buffer_puts(html, "<section id=\"accounting\">\n<h2>Accounting</h2>\n<p>Every run has one "
                      "verdict.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>target</th>"
                      "<th>version</th>");
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        html_element(html, "th", NULL, verdict_names[v]);
    }
    buffer_puts(html, "<th>runs</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < c->n_targets; i++) {
        buffer_puts(html, "<tr>");
        html_element(html, "th scope=\"row\"", NULL, c->targets[i].text);
        html_element(html, "td", NULL, c->targets[i].version);
        put_counts(html, &c->targets[i].verdicts);
    }
    buffer_puts(html, "</tbody>\n<tfoot><tr><th scope=\"row\">all</th><td></td>");
    put_counts(html, &c->verdicts);
    buffer_puts(html, "</tfoot></table></div>\n");
    for (size_t i = 0; i < c->n_filters; i++) {
        buffer_puts(html, i == 0 ? "<p>Filtered: " : ", ");
        xml_text(html, c->filters[i].name);
        buffer_printf(html, " %" PRIu64 "%s", c->filters[i].n,
                      i + 1 == c->n_filters ? ".</p>\n" : "");
    }
    buffer_puts(html, "</section>\n");
}

/* ---- findings ---- */

static const char *library_of(const struct html_bucket *b, struct arena *arena)
{
    return b->record != NULL ? b->record->library
                             : arena_printf(arena, "%.*s", (int)strcspn(b->row->targets, ":@\n"),
                                            b->row->targets);
}

enum facet { FACET_LIBRARY, FACET_ORACLE, FACET_STATE, FACET_COUNT };
static const char *const facet_names[FACET_COUNT] = {"library", "oracle", "state"};

static const char *facet_of(const struct html_bucket *b, enum facet facet, struct arena *arena)
{
    switch (facet) {
    case FACET_LIBRARY:
        return library_of(b, arena);
    case FACET_ORACLE:
        return b->row->oracle;
    case FACET_STATE:
        return b->row->state;
    case FACET_COUNT:
        break;
    }
    BUG("facet %d", facet);
}

static void put_choice(const struct html_page *page, enum facet facet, struct buffer *html,
                       struct arena *arena)
{
    struct texts seen = {0};
    buffer_printf(html, "<label>%s <select data-facet=\"%s\"><option value=\"\">all</option>",
                  facet_names[facet], facet_names[facet]);
    for (size_t i = 0; i < page->n_buckets; i++) {
        const char *value = facet_of(&page->buckets[i], facet, arena);
        size_t k = 0;
        while (k < seen.n && strcmp(seen.items[k], value) != 0) {
            k++;
        }
        if (k == seen.n) {
            texts_add(&seen, value, arena);
            html_element(html, "option", NULL, value);
        }
    }
    buffer_puts(html, "</select></label>\n");
}

static void put_filters(const struct html_page *page, size_t first, struct buffer *html,
                        struct arena *arena)
{
    buffer_puts(html, "<form id=\"filters\" hidden>\n<label>search <input type=\"search\" "
                      "data-search placeholder=\"op, message, target\"></label>\n");
    for (enum facet f = 0; f < FACET_COUNT; f++) {
        put_choice(page, f, html, arena);
    }
    buffer_printf(html,
                  "<button type=\"reset\">Show all</button>\n<output id=\"shown\" "
                  "aria-live=\"polite\">%zu of %zu</output>\n</form>\n",
                  first, page->n_buckets);
}

static void put_bucket(const struct html_bucket *b, struct buffer *html, struct arena *arena)
{
    buffer_printf(html, "<details class=\"finding\" id=\"finding-%" PRIu64 "\"",
                  b->row->first_finding);
    for (enum facet f = 0; f < FACET_COUNT; f++) {
        buffer_printf(html, " data-%s=\"", facet_names[f]);
        xml_put(html, facet_of(b, f, arena));
        buffer_puts(html, "\"");
    }
    buffer_puts(html, ">\n");
    html_bucket_print(b, html);
    buffer_puts(html, "</details>\n");
}

static void put_head_of_group(const struct html_page *page, enum html_group group, size_t n,
                              struct buffer *html)
{
    static const char *const ids[HTML_GROUPS] = {
        [HTML_WAITING] = "waiting", [HTML_SETTLED] = "settled", [HTML_FLAKY] = "flaky"};
    buffer_printf(html, "<details class=\"group\" id=\"%s\">\n<summary>%zu ", ids[group], n);
    if (group == HTML_WAITING) {
        buffer_printf(html, "more wait%s: %" PRIu64 " open ones a library are enough",
                      n == 1 ? "s" : "", page->max_open);
    } else {
        buffer_puts(html, group == HTML_SETTLED ? "known, fixed or not to be mended"
                                                : "that did not repeat");
    }
    buffer_puts(html, "</summary>\n");
}

static void put_findings(const struct html_page *page, struct buffer *html)
{
    struct arena *arena = arena_new();
    size_t n[HTML_GROUPS] = {0}, at = 0;
    for (size_t i = 0; i < page->n_buckets; i++) {
        n[page->buckets[i].group]++;
    }
    buffer_puts(html, "<section id=\"findings\">\n<h2>Findings</h2>\n<p>One entry a bucket: "
                      "failures with one cause. The worst, most realistic and largest come "
                      "first.</p>\n");
    put_filters(page, n[HTML_FIRST], html, arena);
    if (n[HTML_FIRST] == 0) {
        buffer_puts(html, page->n_buckets == 0 ? "<p>Nothing was found.</p>\n"
                                               : "<p>Nothing new was found.</p>\n");
    }
    for (enum html_group group = 0; group < HTML_GROUPS; group++) {
        bool is_closed = group != HTML_FIRST && n[group] > 0;
        if (is_closed) {
            put_head_of_group(page, group, n[group], html);
        }
        for (size_t i = 0; i < n[group]; i++) {
            put_bucket(&page->buckets[at++], html, arena);
        }
        buffer_puts(html, is_closed ? "</details>\n" : "");
    }
    buffer_puts(html, "</section>\n</main>\n");
    arena_free(arena);
}

void html_print(const struct html_page *page, struct buffer *html)
{
    put_head(page, html);
    put_summary(page, html);
    put_accounting(page, html);
    html_trends_print(page, html);
    put_findings(page, html);
    for (size_t i = 0; i < ARRAY_SIZE(assets_scripts); i++) {
        buffer_printf(html, "<script>%s</script>\n", assets_scripts[i]);
    }
    buffer_puts(html, "</body>\n</html>\n");
}
