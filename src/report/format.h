/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: a record as a text for the people of one project, in the sections and the order of its
 * issue template, or as JSON. A format is one `const struct report_format` in a file format_*.c and
 * a line in report_format_table.
 */
#ifndef OPJURY_FORMAT_H
#define OPJURY_FORMAT_H

#include "report/record.h"

/* What a section is written with. */
struct report_text {
    const struct record *record;
    struct buffer *out;
    struct arena *arena;
};
struct report_section {
    const char *heading; /* of the project's template */
    void (*print)(struct report_text *t);
};
struct report_format {
    const char *name;
    const char *summary;                   /* for the help: "PyTorch: Bug Report" */
    const char *library;                   /* whose findings it is for; NULL: anybody's */
    const char *title;                     /* what stands before the title: "[Bug] " */
    const struct report_section *sections; /* ends with {0} */
    /* NULL: the title and the sections as Markdown. */
    void (*print)(struct report_text *t);
    /* May this finding be reported there? *why: a sentence. NULL: any may. */
    bool (*accepts)(const struct record *record, const char **why);
};
extern const struct report_format *const report_format_table[];
extern const size_t report_format_count;

/* ERR_USAGE names those that there are. */
MUST_USE enum err report_format_find(const char *name, const struct report_format **format);
/* The library's own, or plain Markdown. */
const struct report_format *report_format_of(const char *library);
void report_print(const struct report_format *format, const struct record *record,
                  struct buffer *out);

/* ---- parts, for the sections of any project ---- */

/* A part below a line of its own in bold; nothing when the part has nothing to say. */
void part_labelled(struct report_text *t, const char *label, void (*part)(struct report_text *t));
void part_summary(struct report_text *t);     /* what is wrong, in words */
void part_reason(struct report_text *t);      /* why it is one, where somebody has judged */
void part_script(struct report_text *t);      /* the script and the command that runs it */
void part_expected(struct report_text *t);    /* what should come out */
void part_actual(struct report_text *t);      /* what does, with errors in numbers */
void part_log(struct report_text *t);         /* the library's message, or the frames of a crash */
void part_verdicts(struct report_text *t);    /* all targets side by side, with bounds */
void part_ablation(struct report_text *t);    /* what makes it go away */
void part_repeats(struct report_text *t);     /* flake rate */
void part_environment(struct report_text *t); /* versions and machine, a line each */
void part_versions(struct report_text *t);    /* releases that were tried */
void part_realism(struct report_text *t);     /* what speaks for program and inputs */
/* From the summary to the table of all runs, each under its label. */
void part_fault(struct report_text *t);
void part_reproduction(struct report_text *t); /* script, how often, origin */
void part_origin(struct report_text *t);       /* found by fuzzing: seed, test, tool */
void part_known_issue(struct report_text *t);  /* where it is reported already */
void part_system(struct report_text *t);       /* "Linux 6.1 on x86_64" */
void part_python(struct report_text *t);       /* the version of the library's interpreter */
void part_version(struct report_text *t);      /* of the library */
void part_architecture(struct report_text *t); /* "X64" */

#endif
