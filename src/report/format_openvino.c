/* SPDX-License-Identifier: Apache-2.0 */
/* OpenVINO's template, .github/ISSUE_TEMPLATE/bug.yml. */
#include "report/format_internal.h"

static void print_device(struct report_text *t)
{
    buffer_puts(t->out, "CPU\n");
}

static void print_framework(struct report_text *t)
{
    buffer_puts(t->out, "ONNX\n");
}

static void print_model(struct report_text *t)
{
    buffer_printf(t->out, "%s; the script below makes it.\n", t->record->ops);
}

static void print_issue(struct report_text *t)
{
    part_fault(t);
    part_labelled(t, "Environment", part_environment);
    part_labelled(t, "Versions tried", part_versions);
    part_labelled(t, "Already reported", part_known_issue);
}

/* The box about other issues is for who sends the report: nobody has looked yet. */
static void print_checklist(struct report_text *t)
{
    buffer_printf(t->out,
                  "- [x] I report the issue. It's not a question\n"
                  "- [%s] I checked the problem with the documentation, FAQ, open issues, Stack "
                  "Overflow, etc., and have not found the solution\n"
                  "- [x] There is reproducer code and related data files such as images, videos, "
                  "models, etc.\n",
                  t->record->judgement != NULL ? "x" : " ");
}

static const struct report_section sections[] = {
    {"OpenVINO Version", part_version},
    {"Operating System", part_system},
    {"Device used for inference", print_device},
    {"Framework", print_framework},
    {"Model used", print_model},
    {"Issue description", print_issue},
    {"Step by step reproduction", part_reproduction},
    {"Relevant log output", part_log},
    {"Issue submission checklist", print_checklist},
    {0},
};

const struct report_format format_openvino = {
    .name = "openvino",
    .summary = "OpenVINO's Bug Report",
    .library = "openvino",
    .title = "[Bug]: ",
    .sections = sections,
};
