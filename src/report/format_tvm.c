/* SPDX-License-Identifier: Apache-2.0 */
/* TVM's template, .github/ISSUE_TEMPLATE/bug-report.md. */
#include "report/format_internal.h"

static void print_actual(struct report_text *t)
{
    part_actual(t);
    buffer_puts(t->out, "\n");
    part_summary(t);
    part_reason(t);
    part_labelled(t, "Ablation", part_ablation);
    part_labelled(t, "All runs", part_verdicts);
    part_labelled(t, "Already reported", part_known_issue);
}

static void print_environment(struct report_text *t)
{
    part_environment(t);
    part_labelled(t, "Versions tried", part_versions);
}

static void print_triage(struct report_text *t)
{
    buffer_puts(t->out, "* needs-triage\n");
}

static const struct report_section sections[] = {
    {"Expected behavior", part_expected},
    {"Actual behavior", print_actual},
    {"Environment", print_environment},
    {"Steps to reproduce", part_reproduction},
    {"Triage", print_triage},
    {0},
};

const struct report_format format_tvm = {
    .name = "tvm",
    .summary = "TVM's Bug report",
    .library = "tvm",
    .title = "[Bug] ",
    .sections = sections,
};
