/* SPDX-License-Identifier: Apache-2.0 */
/* JAX's template, .github/ISSUE_TEMPLATE/bug-report.yml. */
#include "report/format_internal.h"

static void print_description(struct report_text *t)
{
    part_summary(t);
    part_reason(t);
    buffer_puts(t->out, "\n");
    part_script(t);
    part_labelled(t, "Expected", part_expected);
    part_labelled(t, "Actual", part_actual);
    part_labelled(t, "Ablation", part_ablation);
    part_labelled(t, "All runs", part_verdicts);
    part_labelled(t, "How often", part_repeats);
    part_labelled(t, "Already reported", part_known_issue);
    buffer_puts(t->out, "\n");
    part_origin(t);
}

static void print_accelerators(struct report_text *t)
{
    buffer_puts(t->out, "- [x] CPU\n- [ ] GPU\n- [ ] TPU\n");
}

static void print_system(struct report_text *t)
{
    part_environment(t);
    part_labelled(t, "Versions tried", part_versions);
}

static const struct report_section sections[] = {
    {"Description", print_description},
    {"What jax/jaxlib version are you using?", part_version},
    {"Which accelerator(s) are you using?", print_accelerators},
    {"Additional System Info", print_system},
    {0},
};

const struct report_format format_jax = {
    .name = "jax",
    .summary = "JAX's Bug report",
    .library = "jax",
    .title = "BUG: ",
    .sections = sections,
};
