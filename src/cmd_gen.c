/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury gen`: tests without running them. Text on stdout, or a model and its inputs as files;
 * what is printed depends on seed, index and policy alone.
 */
#include "campaign.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    KEY_FIRST = COMMAND_KEYS,
    KEY_COUNT,
    KEY_NODES,
    KEY_POLICY,
    KEY_GENERATOR,
    KEY_SEEDS,
    KEY_OPSET,
    KEY_FORMAT,
    KEY_OUT,
    KEY_PYTHON,
};

enum format { FORMAT_TEXT, FORMAT_ONNX, FORMAT_NONE };

struct gen_settings {
    uint64_t seed, first, count;
    uint64_t nodes, opset; /* 0: as the policy says */
    const char *policy, *target, *python, *out, *seeds;
    const struct generator *generator; /* NULL: the policy's */
    enum format format;
};

static const struct gen_settings defaults = {.seed = 1, .count = 1};

static const struct argp_option options[] = {
    {"seed", 's', "S", 0, "of all chance (1)", 0},
    {"first", KEY_FIRST, "I", 0, "index of the first test (0)", 0},
    {"count", KEY_COUNT, "N", 0, "how many tests (1)", 0},
    {"nodes", KEY_NODES, "K", 0, "operators a program (the policy says)", 0},
    {"policy", KEY_POLICY, "P", 0, "default, clean, nnsmith39 or a file (default)", 0},
    {"generator", KEY_GENERATOR, "G", 0,
     "opjury, or a baseline: mutate, random, nnsmith (the policy says)", 0},
    {"seeds", KEY_SEEDS, "DIR", 0, "models that mutate starts from: .onnx, .txt (the build's)", 0},
    {"target", 't', "TARGET", 0, "only what this one supports", 0},
    {"opset", KEY_OPSET, "N", 0, "only what ONNX can say at this opset (21)", 0},
    {"format", KEY_FORMAT, "F", 0,
     "text; onnx: files I.onnx and I.npz; none: no tensor data, no output (text)", 0},
    {"out", KEY_OUT, "DIR", 0, "folder of --format onnx (.)", 0},
    {"python", KEY_PYTHON, "PATH", 0, "interpreter of the target's library, or its environment", 0},
    {0},
};

static enum err set_format(struct gen_settings *s, const char *value)
{
    static const char *const names[] = {"text", "onnx", "none"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            s->format = (enum format)i;
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "--format is text, onnx or none, not '%s'", value);
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct gen_settings *s = settings;
    switch (key) {
    case 's':
        return parse_u64("--seed", value, &s->seed);
    case 't':
        s->target = value;
        return ERR_OK;
    case KEY_FIRST:
        return parse_u64("--first", value, &s->first);
    case KEY_COUNT:
        return parse_u64("--count", value, &s->count);
    case KEY_NODES:
        return parse_u64_range("--nodes", value, 1, 100000, &s->nodes);
    case KEY_POLICY:
        s->policy = value;
        return ERR_OK;
    case KEY_SEEDS:
        s->seeds = value;
        return ERR_OK;
    case KEY_GENERATOR:
        return generator_find(value, &s->generator);
    case KEY_OPSET:
        return parse_u64_range("--opset", value, 1, 1000, &s->opset);
    case KEY_FORMAT:
        return set_format(s, value);
    case KEY_OUT:
        s->out = value;
        return ERR_OK;
    case KEY_PYTHON:
        s->python = python_add(s->python, value, arena);
        return ERR_OK;
    default:
        BUG("option %d", key);
    }
}

/* ---- the policy ---- */

/* The target's own table; its worker is needed only to probe it. */
static enum err policy_of_target(const struct gen_settings *s, struct arena *arena,
                                 struct policy **policy, struct onnx_version *version)
{
    struct target **targets;
    size_t n;
    TRY(campaign_targets(&s->target, 1, s->python, arena, &targets, &n));
    struct jury *jury;
    TRY(jury_open(targets, n, &(struct jury_options){0}, &jury));
    enum err err = campaign_policy(s->policy, (uint32_t)s->nodes, targets, n, arena, policy);
    if (targets[0]->onnx.opset > 0) {
        *version = targets[0]->onnx;
    }
    jury_close(jury);
    return err;
}

static enum err make_policy(const struct gen_settings *s, struct arena *arena,
                            struct policy **policy, struct onnx_version *version)
{
    *version = ONNX_VERSION_DEFAULT;
    if (s->target) {
        TRY(policy_of_target(s, arena, policy, version));
    } else {
        TRY(policy_load(s->policy ? s->policy : "default", arena, policy));
        version->opset = (int)(*policy)->opset;
    }
    if (s->opset) {
        version->opset = (int)s->opset;
    }
    if (s->generator) {
        (*policy)->generator = s->generator;
    }
    if (s->seeds) {
        TRY(policy_seeds(*policy, s->seeds, arena));
    }
    if (s->nodes) {
        (*policy)->nodes = (uint32_t)s->nodes;
    }
    /* A policy in a file is a campaign's: the same tests again, so its tables stay. */
    bool is_file = s->policy && !policy_is_builtin(s->policy);
    if (!s->target && !is_file) {
        policy_without_targets(*policy, (uint32_t)version->opset);
    } else if (s->opset || (s->format == FORMAT_ONNX && !is_file)) {
        policy_at_opset(*policy, (uint32_t)version->opset);
    }
    enum err err = policy_check(*policy);
    if (err != ERR_OK && s->opset) {
        return err_set(err, "at opset %d there is nothing to generate: %s", version->opset,
                       arena_strdup(arena, err_text()));
    }
    return err;
}

/* ---- printing ---- */

static void print_input(const char *name, const struct tensor *t, struct buffer *text)
{
    enum { ELEMENTS_SHOWN = 16 };
    size_t n = shape_numel(&t->shape);
    buffer_printf(text, "# %s = ", name);
    if (n > ELEMENTS_SHOWN) {
        buffer_printf(text, "digest %016" PRIx64 "\n", tensor_hash(t, 0));
        return;
    }
    buffer_puts(text, "[");
    for (size_t i = 0; i < n; i++) {
        buffer_puts(text, i ? ", " : "");
        dtype_print(t->dtype, dtype_load(t->dtype, t->data, i), text);
    }
    buffer_puts(text, "]\n");
}

static void print_test(const struct test *test, uint64_t hash, struct buffer *text)
{
    static const char *const places[] = {
        [PLACE_ALIGNED] = "aligned", [PLACE_END] = "end", [PLACE_START] = "start"};
    buffer_printf(text,
                  "# test %" PRIu64 ", seed %" PRIu64 ", policy %016" PRIx64 ", inputs %s, placed "
                  "%s\n",
                  test->index, test->seed, hash, test->policy, places[test->placement]);
    program_print(test->program, text);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        uint32_t id = program_input(test->program, k);
        print_input(test->program->values[id].name, &test->inputs[k], text);
    }
}

/* A program whose attributes have no ONNX form is said and left out: *left_out counts it. */
static enum err write_files(const struct test *test, const char *dir, struct onnx_version version,
                            struct arena *arena, uint64_t *left_out)
{
    struct buffer model = BUFFER_INIT;
    enum err err = onnx_write(test->program, version, &model);
    if (err == ERR_UNSUPPORTED) {
        buffer_release(&model);
        log_warn("test %" PRIu64 " is left out: %s", test->index, err_text());
        ++*left_out;
        return ERR_OK;
    }
    if (err == ERR_OK) {
        const char *path = arena_printf(arena, "%s/%" PRIu64 ".onnx", dir, test->index);
        err = file_write(path, model.data, model.size);
    }
    buffer_release(&model);
    TRY(err);
    struct named_tensor *items = ARENA_ARRAY(arena, struct named_tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        uint32_t id = program_input(test->program, k);
        items[k] = (struct named_tensor){test->program->values[id].name, test->inputs[k]};
    }
    const char *path = arena_printf(arena, "%s/%" PRIu64 ".npz", dir, test->index);
    return npz_write(path, items, test->n_inputs);
}

static enum err make_tests(const struct gen_settings *s, const struct policy *policy,
                           struct onnx_version version, struct arena *arena)
{
    const enum materialize what = s->format == FORMAT_NONE ? MATERIALIZE_NONE : MATERIALIZE_ALL;
    uint64_t hash = policy_hash(policy), left_out = 0;
    struct buffer text = BUFFER_INIT;
    enum err err = ERR_OK;
    for (uint64_t i = 0; i < s->count && err == ERR_OK && !stop_requested; i++) {
        struct test test;
        arena_reset(arena);
        err = generate_any_test(policy, s->seed, s->first + i, what, arena, &test);
        if (err != ERR_OK) {
            break;
        }
        if (s->format == FORMAT_TEXT) {
            buffer_clear(&text);
            print_test(&test, hash, &text);
            fwrite(text.data, 1, text.size, stdout);
            err = ferror(stdout) ? output_flush() : ERR_OK;
        } else if (s->format == FORMAT_ONNX) {
            err = write_files(&test, s->out ? s->out : ".", version, arena, &left_out);
        }
    }
    if (left_out > 0 && err == ERR_OK) {
        log_warn("%" PRIu64 " of %" PRIu64 " tests have no ONNX form at opset %d", left_out,
                 s->count, version.opset);
    }
    buffer_release(&text);
    return err;
}

static enum err run_gen(void *settings, struct arena *arena, bool *found)
{
    const struct gen_settings *s = settings;
    struct policy *policy;
    struct onnx_version version;
    if (s->out && s->format != FORMAT_ONNX) {
        return err_set(ERR_USAGE, "--out goes with --format onnx");
    }
    if (s->count > 0 && s->first > UINT64_MAX - (s->count - 1)) {
        return err_set(ERR_USAGE, "--first and --count go beyond the last index");
    }
    TRY(make_policy(s, arena, &policy, &version));
    if (s->out) {
        TRY(dir_make(s->out));
    }
    TRY(generator_open(policy, arena));
    struct arena *memory = arena_new();
    enum err err = make_tests(s, policy, version, memory);
    arena_free(memory);
    generator_say_left_out(policy);
    generator_close(policy);
    return err;
}

const struct command command_gen = {
    .name = "gen",
    .summary = "Generate tests: print them, or write models and inputs",
    .help = "A test is a function of seed, index and policy: `fuzz` with the same three runs "
            "it (from test 8192 on with --fixed). In text each begins with a line `# test INDEX, "
            "...` and ends with the "
            "inputs' values, or digests of the larger ones.\n"
            "\n"
            "Policies: default; clean (all values finite, where ranges can tell); "
            "nnsmith39 (39 ops that nnsmith has too, f32, for comparisons); or a file. Its "
            "lines are `key = value': numbers (nodes, numel_max, "
            "clean_percent, ...), weights (rank.2, dtype.f16, op.add), and what is supported "
            "(all.cast = f32>f16 f32>i8; any.cast likewise, by some target only). What a file "
            "leaves out is as in the default.\n"
            "\n"
            "Examples:\n"
            "  opjury gen --count 3\n"
            "  opjury gen --seed 7 --first 100 --count 10 --target torch\n"
            "  opjury gen --count 1000 --format onnx --out models\n",
    .options = options,
    .settings_size = sizeof(struct gen_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_gen,
};
