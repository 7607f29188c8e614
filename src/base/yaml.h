/* SPDX-License-Identifier: Apache-2.0 */
/* yaml: a YAML text into structs by a schema of libcyaml, for every file of ours that people write.
 */
#ifndef OPJURY_YAML_H
#define OPJURY_YAML_H

#include "base/base.h"

struct cyaml_schema_value;
/* What the schema describes, in the arena: nothing to free. *n: the entries of a sequence; NULL
 * where the schema is no sequence. ERR_USAGE says the line, "name:3: ...". */
MUST_USE enum err yaml_load(const char *name, const char *text, size_t size,
                            const struct cyaml_schema_value *schema, struct arena *arena,
                            void **loaded, unsigned *n);
/* The line of the value `value` of `key`, from 1; 1 when it is not found. */
unsigned yaml_line_of(const char *text, const char *key, const char *value);

#endif
