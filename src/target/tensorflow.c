/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow on the CPU, one thread: eager calls; the same calls as a graph (tf.function), which
 * grappler optimises; the same compiled by XLA. Eager programs are plans of public calls. The
 * others are the Python source of those calls, traced as anybody's; constants are literals of the
 * graph, so that they are folded.
 */
#include "target/kinds.h"

#include <string.h>

/* Tracing and XLA take up to a second where a call takes microseconds. */
static const double patience = 3;

static const char *const function_levels[] = {"eager", "function", NULL};
static const char *const xla_levels[] = {"eager", "function", "xla", NULL};
static const char *const order[] = {"mode", "disable", NULL};

/* What tf.config.optimizer.set_experimental_options turns off of those that are on by default for
 * graphs of numbers on a CPU. */
#define OPTIMIZER(name) {name, "grappler optimizer " name, "mode=function", "disable=" name}
static const struct subsystem optimizers[] = {
    OPTIMIZER("constant_folding"),
    OPTIMIZER("arithmetic_optimization"),
    OPTIMIZER("remapping"),
    OPTIMIZER("layout_optimizer"),
    OPTIMIZER("shape_optimization"),
    OPTIMIZER("dependency_optimization"),
    OPTIMIZER("loop_optimization"),
    OPTIMIZER("function_optimization"),
    OPTIMIZER("common_subgraph_elimination"),
    OPTIMIZER("meta_optimizer"), /* all of grappler */
    {NULL},
};

static bool has_optimizer(const char *name, size_t size)
{
    for (const struct subsystem *s = optimizers; s->name; s++) {
        if (strlen(s->name) == size && strncmp(s->name, name, size) == 0) {
            return true;
        }
    }
    return false;
}

static enum err set_disabled(struct target *t, const char *value, struct arena *arena)
{
    for (const char *at = value; at;) {
        size_t size = strcspn(at, "+");
        if (!has_optimizer(at, size)) {
            return err_set(ERR_USAGE,
                           "tensorflow:%s: disable=A+B takes constant_folding, "
                           "arithmetic_optimization, remapping, layout_optimizer, "
                           "shape_optimization, dependency_optimization, loop_optimization, "
                           "function_optimization, common_subgraph_elimination and "
                           "meta_optimizer (all of them), not '%.*s'",
                           t->kind->mode, (int)size, at);
        }
        at = at[size] == '+' ? at + size + 1 : NULL;
    }
    t->options =
        options_with(t->options, order, "disable", arena_printf(arena, "disable=%s", value), arena);
    return ERR_OK;
}

/* The kind's own mode is not said. */
static enum err set_mode(struct target *t, const char *value, struct arena *arena)
{
    for (const char *const *level = t->kind->levels; *level; level++) {
        if (strcmp(*level, value) == 0) {
            bool is_own = strcmp(value, t->kind->mode) == 0;
            const char *said = is_own ? "" : arena_printf(arena, "mode=%s", value);
            t->options = options_with(t->options, order, "mode", said, arena);
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "tensorflow:%s takes mode=%s, not '%s'", t->kind->mode,
                   t->kind->levels == xla_levels ? "xla|function|eager" : "function|eager", value);
}

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    if (value && strcmp(key, "mode") == 0) {
        return set_mode(t, value, arena);
    }
    if (value && strcmp(key, "disable") == 0) {
        return set_disabled(t, value, arena);
    }
    return err_set(ERR_USAGE, "tensorflow:%s takes %s, not '%s%s%s'", t->kind->mode,
                   t->kind->options, key, value ? "=" : "", value ? value : "");
}

static enum err set_eager(struct target *t, const char *key, const char *value, struct arena *arena)
{
    if (value || strcmp(key, "eager") != 0) {
        return err_set(ERR_USAGE,
                       "tensorflow takes eager, or tensorflow:function,..., tensorflow:xla,...; "
                       "not '%s'",
                       key);
    }
    return ERR_OK; /* the only mode, hence no option of the canonical text */
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return calls_can_spell(&tf_calls, op);
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    struct arena *arena = arena_new();
    struct plan *plan;
    enum err e = calls_plan(&tf_calls, test->program, arena, &plan);

    if (!e) {
        plan_encode(plan, job);
    }
    arena_free(arena);
    return e;
}

/* The source, and which of the tensors that come with it are inputs. */
static enum err encode_source(const struct target *t, const struct test *test, struct buffer *job)
{
    struct arena *arena = arena_new();
    struct plan *plan;
    enum err e = calls_print(&tf_calls, test->program, NULL, arena, &plan, job);

    if (!e) {
        buffer_printf(job, "n_inputs = %u\n", plan->n_inputs);
    }
    arena_free(arena);
    return e;
}

static const char *const defaults[] = {"", NULL};
static const char *const no_defaults[] = {NULL};

/* Its op threads run in a port::ScopedFlushDenormal (tensorflow/core/platform/denormal.h). */
#define TENSORFLOW                                                                                 \
    .name = "tensorflow", .package = "tensorflow", .can_spell = can_spell,                         \
    .constants_as_tensors = true, .flushes_subnormals = true

const struct target_kind target_tensorflow = {
    TENSORFLOW,          .summary = "TensorFlow, CPU, eager",
    .options = "eager",  .adapter = "tensorflow",
    .option = set_eager, .defaults = defaults,
    .encode = encode,    .probe_options = "",
};

const struct target_kind target_tensorflow_function = {
    TENSORFLOW,
    .mode = "function",
    .summary = "TensorFlow, CPU, tf.function: a graph of each test, optimised by grappler",
    .options = "mode=function|eager, disable=A+B (optimizers of grappler by their names)",
    .adapter = "tensorflow_function",
    .option = set_option,
    .defaults = no_defaults,
    .encode = encode_source,
    .probe_options = "mode=eager",
    .patience = patience,
    .level_option = "mode",
    .levels = function_levels,
    .subsystems = optimizers,
};

const struct target_kind target_tensorflow_xla = {
    TENSORFLOW,
    .mode = "xla",
    .summary = "TensorFlow, CPU, tf.function(jit_compile=True): each test compiled by XLA",
    .options = "mode=xla|function|eager, disable=A+B (optimizers of grappler by their names)",
    .adapter = "tensorflow_xla",
    .option = set_option,
    .defaults = no_defaults,
    .encode = encode_source,
    .probe_options = "mode=lower",
    .own_support = true,
    .patience = patience,
    .level_option = "mode",
    .levels = xla_levels,
    .subsystems = optimizers,
};
