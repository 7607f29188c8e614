/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jax in scripts: x64, one thread, and the function that jax.jit compiles, by the options that the
 * worker's adapter is given. Constants are in the function and no arguments of it, as there.
 */
#include "spell/spell_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_jax(const struct script *script)
{
    return strcmp(script->library, "jax") == 0;
}

/* The value behind `key` in "jit,opt=0", "" for a word alone; NULL: it is not there. */
static const char *option(const struct script *script, const char *key, size_t *size)
{
    size_t n = strlen(key);

    for (const char *at = script->setup; at && *at;) {
        size_t length = strcspn(at, ",");
        if (strncmp(at, key, n) == 0 && (length == n || at[n] == '=')) {
            *size = length > n ? length - n - 1 : 0;
            return length > n ? at + n + 1 : "";
        }
        at += length + (at[length] == ',');
    }
    return NULL;
}

static bool option_is(const struct script *script, const char *key, const char *value)
{
    size_t n;
    const char *found = option(script, key, &n);

    return found && n == strlen(value) && strncmp(found, value, n) == 0;
}

bool jax_is_jitted(const struct script *script)
{
    return is_jax(script) && option_is(script, "jit", "") && !option_is(script, "opt", "eager");
}

void python_jax_head(const struct script *script, struct buffer *source)
{
    unsigned threads = script->threads > 0 ? script->threads : 1;

    buffer_printf(source, "os.environ[\"NPROC\"] = \"%u\"  # XLA's threads, read once\n\n",
                  threads);
}

void python_jax_setup(const struct script *script, const char *indent, struct buffer *source)
{
    size_t n;
    const char *device = option(script, "device", &n);

    buffer_printf(source, "%sjax.config.update(\"jax_platforms\", \"%.*s\")\n", indent,
                  device ? (int)n : 3, device ? device : "cpu");
    buffer_printf(source, "%sjax.config.update(\"jax_enable_x64\", True)\n", indent);
    if (option_is(script, "disable_jit", "on")) {
        buffer_printf(source, "%sjax.config.update(\"jax_disable_jit\", True)\n", indent);
    }
}

void python_jit(const struct script *script, const char *function, struct buffer *source)
{
    size_t n_level, n_pass;
    const char *level = option(script, "opt", &n_level), *pass = option(script, "skip", &n_pass);

    buffer_printf(source, "jax.jit(%s", function);
    if (level || pass) {
        buffer_puts(source, ", compiler_options={");
        if (level) {
            buffer_printf(source, "\"xla_backend_optimization_level\": %.*s", (int)n_level, level);
        }
        if (pass) {
            buffer_printf(source, "%s\"xla_disable_hlo_passes\": \"%.*s\"", level ? ", " : "",
                          (int)n_pass, pass);
        }
        buffer_puts(source, "}");
    }
    buffer_puts(source, ")");
}

static const char run_head[] =
    "\ndef to_jax(x, is_bfloat16):\n"
    "    return jax.numpy.asarray(x.view(jax.numpy.bfloat16) if is_bfloat16 else x)\n"
    "\n\n"
    "def to_numpy(y):\n"
    "    y = np.asarray(y)\n"
    "    return y.view(np.uint16) if y.dtype == jax.numpy.bfloat16 else y\n"
    "\n\n"
    "def run():\n";

void python_jax_run(const struct script *script, struct buffer *source)
{
    buffer_puts(source, run_head);
    python_jax_setup(script, "    ", source);
    buffer_puts(
        source,
        "    arguments = [to_jax(x, b) for x, b in zip(inputs + constants, is_bfloat16)]\n");
    if (jax_is_jitted(script)) {
        buffer_puts(source,
                    "    n = len(inputs)  # constants are in the function\n    compiled = ");
        python_jit(script, "lambda *values: program(*values, *arguments[n:])", source);
        buffer_puts(source, "\n    return [to_numpy(y) for y in compiled(*arguments[:n])]\n\n");
    } else {
        buffer_puts(source, "    return [to_numpy(y) for y in program(*arguments)]\n\n");
    }
}
