/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML, in the form that Jenkins, GitLab, GitHub's actions and pytest's readers share: one
 * suite, a test case a bucket, <failure> for what is outside the baseline, <skipped> for what is
 * accepted, known or did not repeat. The campaign itself is a test case, so that no suite is empty:
 * some readers refuse a file without tests.
 */
#include <inttypes.h>
#include <stdio.h>

#include "report/ci.h"
#include "report/escape.h"

static void put_attribute(struct buffer *xml, const char *name, const char *value)
{
    buffer_printf(xml, " %s=\"", name);
    xml_put(xml, value);
    buffer_puts(xml, "\"");
}

static void put_property(struct buffer *xml, const char *name, const char *value)
{
    buffer_puts(xml, "      <property");
    put_attribute(xml, "name", name);
    put_attribute(xml, "value", value);
    buffer_puts(xml, "/>\n");
}

static void put_number(struct buffer *xml, const char *name, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    put_property(xml, name, text);
}

static void put_properties(struct buffer *xml, const struct ci_report *r)
{
    const struct counts *c = r->counts;
    buffer_puts(xml, "    <properties>\n");
    put_property(xml, "opjury", r->version);
    put_property(xml, "campaign", r->dir);
    put_property(xml, "baseline", r->baseline != NULL ? r->baseline : "");
    put_number(xml, "seed", r->seed);
    put_number(xml, "tests", c->tests);
    put_number(xml, "runs", c->runs);
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        char name[64];
        snprintf(name, sizeof(name), "runs.%s", verdict_names[v]);
        put_number(xml, name, c->verdicts.n[v]);
    }
    struct buffer name = BUFFER_INIT;
    for (size_t i = 0; i < c->n_targets; i++) {
        buffer_clear(&name);
        buffer_printf(&name, "target.%s", c->targets[i].text);
        put_property(xml, name.data, c->targets[i].version);
    }
    buffer_release(&name);
    buffer_puts(xml, "    </properties>\n");
}

static void put_section(struct buffer *text, const char *head, const char *body)
{
    if (body != NULL && *body != '\0') {
        buffer_printf(text, "\n%s\n%s", head, body);
    }
}

/* What a person needs to see it: the report of one test is often all that a reader shows. */
static void put_details(struct buffer *xml, const struct ci_report *r, const struct ci_bucket *b)
{
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s\n%" PRIu64 " finding%s on\n%s\n", b->row->text, b->row->n_findings,
                  b->row->n_findings == 1 ? "" : "s", b->targets);
    put_section(&text, "program:", b->program);
    put_section(&text, "verdicts:", b->verdicts);
    buffer_printf(&text, "\nto look at it: opjury show %" PRIu64 " --out ", b->row->first_finding);
    shell_put(&text, r->dir);
    buffer_printf(&text, "\nbucket: %s\n", b->row->key);
    xml_text(xml, text.data);
    buffer_release(&text);
}

static void put_case(struct buffer *xml, const struct ci_report *r, const struct ci_bucket *b)
{
    struct buffer class = BUFFER_INIT;
    buffer_printf(&class, "opjury.%s.%s", b->library, b->row->oracle);
    buffer_puts(xml, "    <testcase");
    put_attribute(xml, "classname", class.data);
    put_attribute(xml, "name", b->row->key);
    put_attribute(xml, "time", "0");
    buffer_puts(xml, ">\n      ");
    if (b->standing == STANDING_OUTSIDE) {
        buffer_puts(xml, "<failure");
        put_attribute(xml, "type", b->row->oracle);
        put_attribute(xml, "message", b->row->text);
        buffer_puts(xml, ">");
        put_details(xml, r, b);
        buffer_puts(xml, "</failure>\n");
    } else {
        buffer_clear(&class);
        buffer_printf(&class, "%s%s%s", standing_names[b->standing], *b->why != '\0' ? ": " : "",
                      b->why);
        buffer_puts(xml, "<skipped");
        put_attribute(xml, "message", class.data);
        buffer_puts(xml, "/>\n");
    }
    buffer_puts(xml, "    </testcase>\n");
    buffer_release(&class);
}

/* An error, as readers know the word: the check itself did not come to its end. */
static void put_campaign(struct buffer *xml, const struct ci_report *r)
{
    buffer_printf(xml, "    <testcase classname=\"opjury\" name=\"campaign\" time=\"%.3f\"",
                  r->counts->usage[USAGE_ELAPSED]);
    buffer_puts(xml, r->is_stopped ? ">\n      <error type=\"stopped\" message=\"the campaign was "
                                     "stopped before its end\"/>\n    </testcase>\n"
                                   : "/>\n");
}

static void put_totals(struct buffer *xml, const struct ci_report *r)
{
    buffer_printf(xml,
                  " name=\"opjury\" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"%zu\" "
                  "time=\"%.3f\">\n",
                  r->n_buckets + 1, r->n[STANDING_OUTSIDE], r->is_stopped,
                  r->n_buckets - r->n[STANDING_OUTSIDE], r->counts->usage[USAGE_ELAPSED]);
}

void junit_print(const struct ci_report *report, struct buffer *xml)
{
    buffer_puts(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    put_totals(xml, report);
    buffer_puts(xml, "  <testsuite");
    put_totals(xml, report);
    put_properties(xml, report);
    put_campaign(xml, report);
    for (size_t i = 0; i < report->n_buckets; i++) {
        put_case(xml, report, &report->buckets[i]);
    }
    buffer_puts(xml, "  </testsuite>\n</testsuites>\n");
}
