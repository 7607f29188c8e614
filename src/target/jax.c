/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JAX: each call made and compiled by itself (jax), or the whole program traced and compiled as one
 * function with its constants in it (jax:jit). A program is a plan of public calls; both adapters
 * execute it. XLA compiles for every new shape, so a test costs tens of milliseconds; support is
 * probed by tracing alone. x64 is on.
 */
#include "target/kinds.h"

#include <string.h>

/* Compilation takes tens of milliseconds where a call takes microseconds. */
static const double patience = 3;

static const char *const devices[] = {"device=gpu", NULL};
static const char *const switches[] = {"on", "off", NULL};
static const char *const levels[] = {"eager", "0", "1", "2", "3", NULL};

/* Passes of XLA's CPU compiler over HLO that a program can do without, in the order in which they
 * first run (xla_dump_hlo_pass_re). */
#define PASS(name) {name, "HLO pass " name, "opt=0", "skip=" name}
static const struct subsystem passes[] = {
    PASS("topk-decomposer"),
    PASS("batch-dot-simplification"),
    PASS("reduce-window-rewriter"),
    PASS("convolution-canonicalization"),
    PASS("algsimp"),
    PASS("simplify-sorts"),
    PASS("gather_simplifier"),
    PASS("tree_reduction_rewriter"),
    PASS("reshape-mover"),
    PASS("constant_folding"),
    PASS("simplify-conditional"),
    PASS("cse"),
    PASS("topk-rewriter"),
    PASS("fusion"),
    {NULL},
};
#undef PASS

static bool holds(const char *const *list, const char *value)
{
    for (; value && *list; list++) {
        if (strcmp(*list, value) == 0) {
            return true;
        }
    }
    return false;
}

static void set(struct target *t, const char *const *order, const char *key, const char *value,
                const char *usual, struct arena *arena)
{
    const char *said = strcmp(value, usual) == 0 ? "" : arena_printf(arena, "%s=%s", key, value);

    t->options = options_with(t->options, order, key, said, arena);
}

/* ---- jax ---- */

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    static const char *const order[] = {"disable_jit", "threads", "device", NULL};

    if (strcmp(key, "threads") == 0) {
        return options_threads(t, order, value, arena);
    }
    if (strcmp(key, "device") == 0) {
        return options_device(t, order, key, value, arena);
    }
    if (strcmp(key, "disable_jit") == 0 && holds(switches, value)) {
        set(t, order, key, value, "off", arena);
    } else if (value || strcmp(key, "eager") != 0) {
        return err_set(ERR_USAGE,
                       "jax takes eager, disable_jit=on|off, threads=N and device=gpu, or "
                       "jax:jit,...; not '%s%s%s'",
                       key, value ? "=" : "", value ? value : "");
    }
    return ERR_OK;
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return calls_can_spell(&jax_calls, op);
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    struct arena *arena = arena_new();
    struct plan *plan;
    enum err e = calls_plan(&jax_calls, test->program, arena, &plan);

    if (!e) {
        plan_encode(plan, job);
    }
    arena_free(arena);
    return e;
}

/* Thousands of times slower than other eager libraries: by name only. */
static const char *const defaults[] = {NULL};

const struct target_kind target_jax = {
    .name = "jax",
    .engine = "xla",
    .summary = "JAX, each call by itself, x64",
    .options = "eager, disable_jit=on (each primitive by itself), threads=N (1), device=gpu",
    .package = "jax",
    .adapter = "jax",
    .option = set_option,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = encode,
    .constants_as_tensors = true,
    .probe_options = "probe",
    .flushes_subnormals = true, /* XLA's CPU client runs with DAZ and FTZ (tsl::port::
                                   ScopedFlushDenormal) */
    .patience = patience,
    .level_option = "disable_jit",
    .levels = switches,
    .has_threads = true,
    .devices = devices,
};

/* ---- jax:jit ---- */

static bool is_pass(const char *name)
{
    for (const struct subsystem *s = passes; name && s->name; s++) {
        if (strcmp(s->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum err set_jit_option(struct target *t, const char *key, const char *value,
                               struct arena *arena)
{
    static const char *const order[] = {"opt", "skip", "threads", "device", NULL};

    if (strcmp(key, "threads") == 0) {
        return options_threads(t, order, value, arena);
    }
    if (strcmp(key, "device") == 0) {
        return options_device(t, order, key, value, arena);
    }
    if (strcmp(key, "opt") == 0 && holds(levels, value)) {
        set(t, order, key, value, "3", arena);
        if (strcmp(value, "eager") == 0) {
            set(t, order, "skip", "", "", arena); /* there is no whole program */
        }
        return ERR_OK;
    }
    if (strcmp(key, "skip") == 0 && is_pass(value)) {
        set(t, order, key, value, "", arena);
        return ERR_OK;
    }
    return err_set(ERR_USAGE,
                   "jax:jit takes opt=eager|0|1|2|3, skip=PASS (algsimp, fusion, ...), threads=N "
                   "and device=gpu, not '%s%s%s'",
                   key, value ? "=" : "", value ? value : "");
}

const struct target_kind target_jax_jit = {
    .name = "jax",
    .engine = "xla",
    .mode = "jit",
    .summary = "JAX, jax.jit of each test as a whole, x64",
    .options = "opt=3|2|1|0 (xla_backend_optimization_level)|eager (no jax.jit), skip=PASS (an HLO "
               "pass: algsimp, fusion, ...), threads=N (1), device=gpu",
    .package = "jax",
    .adapter = "jax_jit",
    .option = set_jit_option,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = encode,
    .constants_as_tensors = true,
    .probe_options = "probe",
    .flushes_subnormals = true,
    .patience = patience,
    .level_option = "opt",
    .levels = levels,
    .subsystems = passes,
    .has_threads = true,
    .devices = devices,
};
