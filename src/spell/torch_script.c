/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch.compile in scripts: the call that the worker's adapter makes, by the same options.
 */
#include "spell/spell_internal.h"

#include <string.h>

static const char mode_name[] = "compile";

bool is_compiled(const struct script *script)
{
    size_t n = strlen(mode_name);

    return strcmp(script->library, "torch") == 0 && script->setup != NULL &&
           strncmp(script->setup, mode_name, n) == 0 &&
           (script->setup[n] == '\0' || script->setup[n] == ',');
}

/* The value behind `key`, "" for a word alone; 0: it is not there. */
static size_t find_option(const char *options, const char *key, const char **value)
{
    size_t n = strlen(key);

    for (const char *at = strchr(options, ','); at != NULL; at = strchr(at + 1, ',')) {
        if (strncmp(at + 1, key, n) == 0 && strchr("=,", at[1 + n]) != NULL) {
            *value = at + 1 + n + (at[1 + n] == '=');
            return strcspn(*value, ",") + 1;
        }
    }
    return 0;
}

void python_compile(const struct script *script, struct buffer *source)
{
    const char *setup = script->setup, *value;
    size_t n = find_option(setup, "backend", &value);

    buffer_puts(source, "torch.compile(program, fullgraph=True");
    if (n > 0) {
        buffer_printf(source, ", backend=\"%.*s\"", (int)n - 1, value);
    }
    if (find_option(setup, "dynamic", &value) > 0) {
        buffer_puts(source, ", dynamic=True");
    }
    n = find_option(setup, "mode", &value);
    const char *mode = value;
    bool is_strict = find_option(setup, "casts", &value) > 0;
    if (is_strict) { /* beside options torch.compile takes no mode */
        buffer_puts(source, ", options={");
        if (n > 0) {
            buffer_printf(source, "**torch._inductor.list_mode_options(\"%.*s\"), ", (int)n - 1,
                          mode);
        }
        buffer_puts(source, "\"emulate_precision_casts\": True}");
    } else if (n > 0) {
        buffer_printf(source, ", mode=\"%.*s\"", (int)n - 1, mode);
    }
    buffer_puts(source, ")");
}
