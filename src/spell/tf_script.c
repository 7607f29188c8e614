/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow in scripts: what the worker's adapter does, by the same options. */
#include "spell/spell_internal.h"

#include <string.h>

/* "xla" of "xla,mode=function,disable=A+B" unless mode= says another; NULL: eager. */
static const char *mode_of(const struct script *script, size_t *size)
{
    static const char key[] = "mode=";
    const char *setup = script->setup, *at = setup ? strstr(setup, key) : NULL;
    const char *mode = at ? at + strlen(key) : setup;

    *size = mode ? strcspn(mode, ",") : 0;
    return *size == strlen("eager") && strncmp(mode, "eager", *size) == 0 ? NULL : mode;
}

bool tf_is_graph(const struct script *script)
{
    size_t size;
    return mode_of(script, &size) != NULL;
}

void python_tf_function(const struct script *script, struct buffer *source)
{
    size_t size;
    const char *mode = mode_of(script, &size);
    bool is_xla = mode && size == strlen("xla") && strncmp(mode, "xla", size) == 0;

    buffer_printf(source, "tf.function(autograph=False%s)", is_xla ? ", jit_compile=True" : "");
}

void python_tf_config(const struct script *script, const char *indent, struct buffer *source)
{
    static const char all[] = "meta_optimizer";

    buffer_printf(source,
                  "%stf.config.threading.set_intra_op_parallelism_threads(1)\n"
                  "%stf.config.threading.set_inter_op_parallelism_threads(1)\n",
                  indent, indent);
    for (const char *at = script->disabled; at;) {
        size_t n = strcspn(at, "+");
        bool is_all = n == strlen(all) && strncmp(at, all, n) == 0;
        buffer_printf(source, "%stf.config.optimizer.set_experimental_options({\"%s%.*s\": %s})\n",
                      indent, is_all ? "disable_" : "", (int)n, at, is_all ? "True" : "False");
        at = at[n] == '+' ? at + n + 1 : NULL;
    }
}

static const char convert[] =
    "\ndef to_tensor(x, is_bfloat16):\n"
    "    return tf.constant(x.view(tf.bfloat16.as_numpy_dtype) if is_bfloat16 else x)\n"
    "\n\n"
    "def to_numpy(y):\n"
    "    is_bfloat16, y = y.dtype == tf.bfloat16, y.numpy()\n"
    "    return y.view(np.uint16) if is_bfloat16 else np.asarray(y)\n"
    "\n\n"
    "def run():\n";

static const char eager_run[] =
    "    arguments = [to_tensor(x, b) for x, b in zip(inputs + constants, is_bfloat16)]\n"
    "    return [to_numpy(y) for y in program(*arguments)]\n\n";

static const char graph_run[] =
    "\n    def graph(*arguments):\n"
    "        literals = [to_tensor(x, b) for x, b in zip(constants, is_bfloat16[len(inputs):])]\n"
    "        return program(*arguments, *literals)\n\n"
    "    arguments = [to_tensor(x, b) for x, b in zip(inputs, is_bfloat16)]\n"
    "    return [to_numpy(y) for y in ";

void python_tf_run(const struct script *script, struct buffer *source)
{
    buffer_puts(source, convert);
    python_tf_config(script, "    ", source);
    if (!tf_is_graph(script)) {
        buffer_puts(source, eager_run);
        return;
    }
    buffer_puts(source, graph_run);
    python_tf_function(script, source);
    buffer_puts(source, "(graph)(*arguments)]\n\n");
}

void python_tf_tensor(struct buffer *out, const struct tensor *t)
{
    const char *bits = t->dtype == DTYPE_BF16 ? "uint16" : python_dtype(t->dtype);

    if (python_is_literal(t)) {
        buffer_puts(out, t->shape.rank == 0 ? "tf.constant(" : "tf.constant([");
        python_elements(out, t);
        buffer_printf(out, "%s, tf.%s", t->shape.rank == 0 ? "" : "]", python_dtype(t->dtype));
        if (t->shape.rank > 1) {
            buffer_puts(out, ", ");
            python_shape(out, &t->shape);
        }
        buffer_puts(out, ")");
        return;
    }
    buffer_puts(out, "tf.constant(np.frombuffer(base64.b64decode(\"\"\"");
    python_base64(out, t->data, tensor_size(t));
    buffer_printf(out, "\"\"\"), np.%s%s)", bits, t->dtype == DTYPE_BOOL ? "_" : "");
    buffer_puts(out, t->dtype == DTYPE_BF16 ? ".view(tf.bfloat16.as_numpy_dtype)" : "");
    buffer_puts(out, ".reshape(");
    python_shape(out, &t->shape);
    buffer_puts(out, "))");
}
