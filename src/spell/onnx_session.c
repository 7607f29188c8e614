/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of an ONNX Runtime session beside its level and threads, and how a script sets each. What
 * they mean: onnxruntime_c_api.h and onnxruntime_session_options_config_keys.h of the library.
 */
#include <string.h>

#include "spell/spell_internal.h"

static const char two_pools[] = "options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL\n"
                                "options.inter_op_num_threads = 2\n";

const struct session_choice session_choices[] = {
    {"execution=parallel", two_pools},
    {"memory=no_pattern", "options.enable_mem_pattern = False\n"},
    {"memory=no_arena", "options.enable_cpu_mem_arena = False\n"},
    {"memory=no_reuse", "options.enable_mem_reuse = False\n"},
    {"prepacking=off", "options.add_session_config_entry(\"session.disable_prepacking\", \"1\")\n"},
    {"compute=deterministic", "options.use_deterministic_compute = True\n"},
    {NULL},
};

static bool has_word(const char *options, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = options; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strcspn(at, ",") == n && strncmp(at, word, n) == 0) {
            return true;
        }
    }
    return false;
}

void session_lines(const char *options, const char *indent, struct buffer *source)
{
    for (const struct session_choice *c = session_choices; c->option; c++) {
        for (const char *line = c->lines; has_word(options, c->option) && *line;) {
            size_t size = strcspn(line, "\n") + 1;
            buffer_printf(source, "%s%.*s", indent, (int)size, line);
            line += size;
        }
    }
}

const char *session_saved(const char *options)
{
    return has_word(options, "saved=onnx") ? "ONNX" : has_word(options, "saved=ort") ? "ORT" : NULL;
}
