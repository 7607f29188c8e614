/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX Runtime's template, .github/ISSUE_TEMPLATE/08-general.yml. */
#include <string.h>

#include "report/format_internal.h"

static void print_issue(struct report_text *t)
{
    part_fault(t);
    part_labelled(t, "Versions tried", part_versions);
    part_labelled(t, "Already reported", part_known_issue);
}

static void print_urgency(struct report_text *t)
{
    const struct record *r = t->record;
    buffer_printf(t->out, "Nobody is blocked that we know of. Kind: %s. ",
                  severity_names[r->severity]);
    if (realism_count(&r->realism) == REALISM_COUNT) {
        buffer_puts(t->out, "The model and its inputs are ordinary.\n");
        return;
    }
    const char *before = "The model and its inputs are ordinary in all but: ";
#define PUT_FLAG(name, text)                                                                       \
    if (!r->realism.name) {                                                                        \
        buffer_printf(t->out, "%s%s", before, text);                                               \
        before = "; ";                                                                             \
    }
    REALISM_MAP(PUT_FLAG)
#undef PUT_FLAG
    buffer_puts(t->out, ".\n");
}

static void print_platform(struct report_text *t)
{
    buffer_printf(t->out, "%s\n",
                  strcmp(t->record->system, "Linux") == 0 ? "Linux" : "Other / Unknown");
}

static void print_installation(struct report_text *t)
{
    buffer_puts(t->out, "Released Package\n");
}

static void print_api(struct report_text *t)
{
    buffer_puts(t->out, "Python\n");
}

static void print_provider(struct report_text *t)
{
    buffer_puts(t->out, "Default CPU\n");
}

static void print_provider_version(struct report_text *t)
{
    buffer_puts(t->out, "The CPU's:\n\n");
    part_environment(t);
}

static const struct report_section sections[] = {
    {"Describe the issue", print_issue},
    {"To reproduce", part_reproduction},
    {"Urgency", print_urgency},
    {"Platform", print_platform},
    {"OS Version", part_system},
    {"ONNX Runtime Installation", print_installation},
    {"ONNX Runtime Version or Commit ID", part_version},
    {"ONNX Runtime API", print_api},
    {"Architecture", part_architecture},
    {"Execution Provider", print_provider},
    {"Execution Provider Library Version", print_provider_version},
    {0},
};

const struct report_format format_onnxruntime = {
    .name = "onnxruntime",
    .summary = "ONNX Runtime's General issue",
    .library = "onnxruntime",
    .sections = sections,
};
