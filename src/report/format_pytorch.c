/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch's two templates: .github/ISSUE_TEMPLATE/bug-report.yml and, for torch.compile,
 * pt2-bug-report.yml, which also states the rule for reports of fuzzers.
 */
#include "report/format_internal.h"

static bool accepts(const struct record *r, const char **why)
{
    *why = r->torch_rule.text;
    return !r->torch_rule.applies || r->torch_rule.passes;
}

static void put_rule(struct report_text *t)
{
    const struct torch_rule *rule = &t->record->torch_rule;
    if (rule->applies) {
        buffer_printf(t->out,
                      "\nPyTorch's rule for reports of fuzzers (`torch._dynamo.utils.same` "
                      "with a float64 reference) %s: %s.\n",
                      rule->passes ? "is met" : "is NOT met", rule->text);
    }
}

static void put_evidence(struct report_text *t)
{
    part_labelled(t, "Ablation", part_ablation);
    part_labelled(t, "All runs", part_verdicts);
    put_rule(t);
    part_labelled(t, "How often", part_repeats);
    part_labelled(t, "Already reported", part_known_issue);
    buffer_puts(t->out, "\n");
    part_origin(t);
}

static void print_bug(struct report_text *t)
{
    part_summary(t);
    part_reason(t);
    buffer_puts(t->out, "\n");
    part_script(t);
    part_labelled(t, "Expected", part_expected);
    part_labelled(t, "Actual", part_actual);
    put_evidence(t);
}

static void print_compile_bug(struct report_text *t)
{
    print_bug(t);
    buffer_puts(t->out, "\nLabel: `topic: fuzzer`.\n");
}

static void print_versions(struct report_text *t)
{
    part_environment(t);
    part_labelled(t, "Versions tried", part_versions);
}

static const struct report_section sections[] = {
    {"🐛 Describe the bug", print_bug},
    {"Versions", print_versions},
    {0},
};
static const struct report_section compile_sections[] = {
    {"🐛 Describe the bug", print_compile_bug},
    {"Error logs", part_log},
    {"Versions", print_versions},
    {0},
};

const struct report_format format_pytorch = {
    .name = "pytorch",
    .summary = "PyTorch's Bug Report",
    .library = "torch",
    .sections = sections,
    .accepts = accepts,
};
const struct report_format format_pytorch_compile = {
    .name = "pytorch-compile",
    .summary = "PyTorch's torch.compile Bug Report",
    .title = "[Fuzzer] ",
    .sections = compile_sections,
    .accepts = accepts,
};
