/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch.compile, on the CPU or a GPU. A program is the Python source of its calls, which dynamo
 * traces as it does anybody's; it must become one graph (fullgraph). What eager torch supports a
 * compiler must too, so eager is what is probed. inductor starts a C++ compiler, which costs more
 * than all else: the kernels of several programs are built together, each program is compiled by
 * itself.
 */
#include "target/kinds.h"

#include <string.h>

/* Python, for a pack of 16, and g++ behind it: `opjury bench compile` says what each costs. */
enum { PACK = 16 };
/* A compilation takes up to seconds where a call takes microseconds. */
static const double patience = 3;

/* What is said of an option when it is as by default. */
static const char *const backends[] = {"eager", "aot_eager", "aot_eager_decomp_partition",
                                       "inductor", NULL};
static const char *const modes[] = {"default", "reduce-overhead", "max-autotune-no-cudagraphs",
                                    NULL};
static const char *const casts[] = {"usual", "strict", NULL};
static const char *const order[] = {"backend", "mode",   "casts",   "skip",
                                    "threads", "device", "dynamic", NULL};

/* Those of torch._inductor.compiler_bisector that do something on a CPU, in its order. */
static const char partition[] = "backend=aot_eager_decomp_partition",
                  inductor[] = "backend=inductor";
static const struct subsystem subsystems[] = {
    {"cse", "cse", partition, "skip=cse"},
    {"decomposition", "decomposition", partition, "skip=decomposition", true},
    {"pre_grad_passes", "pre-grad pass", inductor, "skip=pre_grad_passes", true},
    {"joint_graph_passes", "joint graph pass", inductor, "skip=joint_graph_passes", true},
    {"post_grad_passes", "post-grad pass", inductor, "skip=post_grad_passes", true},
    {"fused casts", "casts that are left out", inductor, "casts=strict"},
    {"layout_optimization", "layout_optimization", inductor, "skip=layout_optimization"},
    {"comprehensive_padding", "comprehensive_padding", inductor, "skip=comprehensive_padding"},
    {"lowerings", "lowering", inductor, "skip=lowerings", true},
    {NULL},
};

static bool holds(const char *const *list, const char *value)
{
    for (; value && *list; list++) {
        if (strcmp(*list, value) == 0) {
            return true;
        }
    }
    return false;
}

static void set(struct target *t, const char *key, const char *value, const char *usual,
                struct arena *arena)
{
    const char *said = strcmp(value, usual) == 0 ? "" : arena_printf(arena, "%s=%s", key, value);

    t->options = options_with(t->options, order, key, said, arena);
}

/* "skip=NAME[:N]" of a backend; NULL: it has no such part, or none that is counted. */
static const struct subsystem *find_part(const char *backend, const char *value)
{
    size_t n = strcspn(value, ":"), digits = value[n] ? strspn(value + n + 1, "0123456789") : 0;

    for (const struct subsystem *s = subsystems; s->name; s++) {
        bool is_it = strcmp(s->level + strlen("backend="), backend) == 0 &&
                     strncmp(s->name, value, n) == 0 && s->name[n] == '\0';
        bool is_whole =
            !value[n] || (s->is_counted && digits > 0 && digits < 8 && !value[n + 1 + digits]);
        if (is_it && is_whole && strncmp(s->without, "skip=", strlen("skip=")) == 0) {
            return s;
        }
    }
    return NULL;
}

static const char *backend_of(const struct target *t, struct arena *arena)
{
    const char *backend = target_option(t, "backend", arena);

    return backend ? backend : "inductor";
}

static enum err set_skip(struct target *t, const char *value, struct arena *arena)
{
    if (!value || !find_part(backend_of(t, arena), value)) {
        return err_set(ERR_USAGE,
                       "torch:compile: skip=NAME leaves out cse or decomposition of "
                       "backend=aot_eager_decomp_partition, pre_grad_passes, joint_graph_passes, "
                       "post_grad_passes, layout_optimization, comprehensive_padding or lowerings "
                       "of backend=inductor; NAME:N all but the first N passes, lowerings or "
                       "decompositions; not '%s'",
                       value ? value : "");
    }
    set(t, "skip", value, "", arena);
    return ERR_OK;
}

/* Modes and casts are inductor's: they go where a later word chooses another backend. */
static void set_backend(struct target *t, const char *value, struct arena *arena)
{
    set(t, "backend", value, "inductor", arena);
    if (strcmp(value, "inductor") != 0) {
        set(t, "mode", "default", "default", arena);
        set(t, "casts", "usual", "usual", arena);
        t->strict_casts = false;
    }
    const char *skip = target_option(t, "skip", arena);
    if (skip && !find_part(value, skip)) {
        set(t, "skip", "", "", arena);
    }
}

static enum err set_inductor(struct target *t, const char *key, const char *value,
                             struct arena *arena)
{
    const char *backend = target_option(t, "backend", arena);

    if (backend) {
        return err_set(ERR_USAGE, "torch:compile: %s= is of backend=inductor, not of %s", key,
                       backend);
    }
    set(t, key, value, strcmp(key, "mode") == 0 ? "default" : "usual", arena);
    t->strict_casts = strcmp(key, "casts") == 0 ? strcmp(value, "strict") == 0 : t->strict_casts;
    return ERR_OK;
}

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    if (strcmp(key, "threads") == 0) {
        return options_threads(t, order, value, arena);
    }
    if (strcmp(key, "device") == 0) {
        return options_device(t, order, key, value, arena);
    }
    if (strcmp(key, "skip") == 0) {
        return set_skip(t, value, arena);
    }
    if ((strcmp(key, "mode") == 0 && holds(modes, value)) ||
        (strcmp(key, "casts") == 0 && holds(casts, value))) {
        return set_inductor(t, key, value, arena);
    }
    if (strcmp(key, "backend") == 0 && holds(backends, value)) {
        set_backend(t, value, arena);
    } else if (strcmp(key, "dynamic") == 0 && !value) {
        t->options = options_with(t->options, order, key, key, arena);
        t->dynamic = true;
    } else if (strcmp(key, "fullgraph") != 0 || value) { /* always */
        return err_set(ERR_USAGE,
                       "torch:compile takes backend=eager|aot_eager|aot_eager_decomp_partition|"
                       "inductor, mode=default|reduce-overhead|max-autotune-no-cudagraphs, "
                       "casts=strict, skip=NAME, threads=N, device=cuda and dynamic, not '%s%s%s'",
                       key, value ? "=" : "", value ? value : "");
    }
    return ERR_OK;
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    struct arena *arena = arena_new();
    struct plan *plan;
    enum err e = calls_print(&torch_calls, test->program, t->dynamic ? test->before : NULL, arena,
                             &plan, job);

    arena_free(arena);
    return e;
}

static const char *const defaults[] = {NULL}; /* a hundred times slower than eager: by name only */

const struct target_kind target_torch_compile = {
    .name = "torch",
    .mode = "compile",
    .summary = "PyTorch, torch.compile, one graph of each test",
    .options = "backend=inductor|aot_eager_decomp_partition|aot_eager|eager, "
               "mode=default|reduce-overhead|max-autotune-no-cudagraphs, casts=strict, "
               "skip=NAME[:N] (a part of the compiler, as its bisector does), threads=N (1), "
               "device=cuda, dynamic (one compilation for two shapes)",
    .package = "torch",
    .adapter = "torch_compile",
    .option = set_option,
    .defaults = defaults,
    .can_spell = torch_target_can_spell,
    .encode = encode,
    .constants_as_tensors = true,
    .probe_options = "probe",
    .pack = PACK,
    .patience = patience,
    .level_option = "backend",
    .levels = backends,
    .subsystems = subsystems,
    .has_threads = true,
    .devices = torch_devices,
};
