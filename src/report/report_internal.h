/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of report. */
#ifndef OPJURY_REPORT_INTERNAL_H
#define OPJURY_REPORT_INTERNAL_H

#include "report/json.h"
#include "report/report.h"

/* "[1,0]": where flat index `element` lies in the shape. */
const char *element_place(const struct shape *shape, size_t element, struct arena *arena);
/* Output's value of the program the files are about; NULL when the index is none. */
const struct value *output_value(const struct finding_files *f, uint32_t output);

/* Of a library's message for a sentence: its first line, or of a long one what says the reason. */
const char *message_reason(const char *message, struct arena *arena);
/* What says the reason in it, in one line. */
const char *message_core(const char *message, struct arena *arena);
/* At most max characters, cut between words. */
const char *cut_text(const char *text, size_t max, struct arena *arena);
/* "shape [1] instead of [1,1]" of an oracle's "v1: shape [1,1] expected, got [1]"; NULL: it is none
 * of these. */
const char *form_fault(const char *text, struct arena *arena);

/* As a table of verdicts prints it: is it NaN or infinite? */
bool is_special_number(const char *number);
/* Of a component (NULL: none): "A or B" of "optimizer A or B", any of which is guilty, "A+B" of
 * "optimizers A+B", which are so together; NULL: it is no optimizer. */
const char *guilty_optimizers(const char *component, bool *together);

/* The object in a file of the folder. ERR_INPUT with the line, ERR_IO. The caller's reference. */
MUST_USE enum err folder_json(const char *folder, const char *name, struct arena *arena,
                              json_t **root);
/* "" where there is no text under that key. */
const char *json_text_of(const json_t *root, const char *key);

/* Writes root to FOLDER/NAME and gives it up. */
MUST_USE enum err write_json(const char *folder, const char *name, json_t *root,
                             struct arena *arena);
json_t *verdicts_json(const struct finding_files *f, struct arena *arena);
/* variables: of environment_variables, and what else the finding needs. */
json_t *environment_json(const struct finding_files *f, const struct texts *variables,
                         struct arena *arena);

#endif
