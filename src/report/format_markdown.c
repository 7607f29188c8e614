/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding for any reader, in Markdown: all parts, in the order in which a maintainer asks for
 * them.
 */
#include "report/format_internal.h"

static void print_what(struct report_text *t)
{
    part_summary(t);
    part_reason(t);
}

static const struct report_section sections[] = {
    {"What is wrong", print_what},
    {"To reproduce", part_script},
    {"Expected", part_expected},
    {"Actual", part_actual},
    {"Verdicts", part_verdicts},
    {"Ablation", part_ablation},
    {"How often", part_repeats},
    {"Environment", part_environment},
    {"Versions tried", part_versions},
    {"How ordinary it is", part_realism},
    {"Known", part_known_issue},
    {"Origin", part_origin},
    {0},
};

const struct report_format format_markdown = {
    .name = "markdown",
    .summary = "any reader, in Markdown",
    .sections = sections,
};
