/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make a record. */
#ifndef OPJURY_RECORD_INTERNAL_H
#define OPJURY_RECORD_INTERNAL_H

#include "report/record.h"

/* A library's text for others to read: paths of a machine cut to what lies behind them, control
 * bytes spaces. */
const char *report_text(const char *text, struct arena *arena);

/* The numbers of expected.npz, realism and PyTorch's rule; verdicts and test are there. */
MUST_USE enum err record_read_values(struct record *r, struct arena *arena);

/* What an issue about it is called: at most 100 characters, in one line. All else is there. */
const char *record_title(const struct record *r, struct arena *arena);

/* r->script and r->needs; all else is there. */
MUST_USE enum err record_write_script(struct record *r, struct arena *arena);

/* An output as the failing run gave it, element by element: values as they are stored. */
struct output_values {
    const char *name;
    enum dtype dtype;
    struct shape shape;
    size_t n;
    const struct tensor *expected, *bound;
    const struct tensor *actual; /* NULL: no run gave one, or its form is wrong */
};
/* What PyTorch's own check says of the outputs that came; it speaks of the output of `failing`,
 * "y[1,0]", where none is different. */
struct torch_rule torch_rule_of(const struct test *test, const struct output_values *outputs,
                                const char *failing, struct arena *arena);

/* Is it wrong by the bound (NaN: not compared)? The rule that repro.py has. */
bool element_is_wrong(real expected, real actual, real bound);
/* What makes memory that was never written show: the workers' setting (src/target/zygote.c). */
#define FILL_VARIABLE "MALLOC_PERTURB_"
#define FILL_VALUE "65"
enum { FILL_BYTE = 65 };
/* "NAME=VALUE" each: what a run of this process has and a folder may hold (environment_allows). */
struct texts environment_variables(struct arena *arena);
/* "NAME=VALUE python repro.py", quoted for a shell. */
const char *repro_command(const struct texts *variables, struct arena *arena);
/* Does some wrong element hold nothing but the byte that fills fresh or freed memory? */
bool holds_filled_memory(const struct tensor *expected, const struct tensor *bound,
                         const struct tensor *actual);

#endif
