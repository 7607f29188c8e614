/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow's template, .github/ISSUE_TEMPLATE/tensorflow_issue_template.yaml. */
#include <string.h>

#include "report/format_internal.h"

static void print_type(struct report_text *t)
{
    buffer_puts(t->out, t->record->severity == SEVERITY_SLOW ? "Performance\n" : "Bug\n");
}

/* Yes only where a nightly version is among those that showed it. */
static void print_nightly(struct report_text *t)
{
    const struct record *r = t->record;
    bool nightly = strstr(r->version, "dev") != NULL;
    for (size_t i = 0; i < r->n_trials; i++) {
        const struct record_trial *trial = &r->trials[i];
        nightly =
            nightly || (strcmp(trial->kind, "version") == 0 && strstr(trial->what, "dev") != NULL &&
                        strcmp(trial->verdict, "finding") == 0);
    }
    buffer_puts(t->out, nightly ? "Yes\n" : "No\n");
}

static void print_source(struct report_text *t)
{
    buffer_puts(t->out, "binary\n");
}

static void print_custom(struct report_text *t)
{
    buffer_puts(t->out, "No\n");
}

static void print_behaviour(struct report_text *t)
{
    part_fault(t);
    part_labelled(t, "Environment", part_environment);
    part_labelled(t, "Versions tried", part_versions);
    part_labelled(t, "Already reported", part_known_issue);
}

static const struct report_section sections[] = {
    {"Issue Type", print_type},
    {"Have you reproduced the bug with TF nightly?", print_nightly},
    {"Source", print_source},
    {"Tensorflow Version", part_version},
    {"Custom Code", print_custom},
    {"OS Platform and Distribution", part_system},
    {"Python version", part_python},
    {"Current Behaviour?", print_behaviour},
    {"Standalone code to reproduce the issue", part_reproduction},
    {"Relevant log output", part_log},
    {0},
};

const struct report_format format_tensorflow = {
    .name = "tensorflow",
    .summary = "TensorFlow's issue",
    .library = "tensorflow",
    .sections = sections,
};
