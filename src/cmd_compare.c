/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury compare`: a campaign for each generator, with the same CPU time, targets, policy, seed
 * and verdicts; then what came out, side by side.
 */
#include "command.h"
#include "compare.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_TIME = COMMAND_KEYS,
    KEY_NODES,
    KEY_POLICY,
    KEY_SEEDS,
    KEY_KNOWN,
    KEY_OUT,
    KEY_JSON,
    KEY_PYTHON
};

struct compare_settings {
    struct campaign_options campaign;
    struct texts targets;
    size_t n;
    const struct generator *generators[COMPARE_MAX];
};

static const struct argp_option options[] = {
    {"target", 't', "TARGET", 0, "run on this one; may be repeated (all installed)", 0},
    {"time", KEY_TIME, "60s", 0, "CPU time of each generator, in all its processes (60s)", 0},
    {"seed", 's', "S", 0, "of all chance (1)", 0},
    {"nodes", KEY_NODES, "K", 0, "operators a program (the policy says)", 0},
    {"policy", KEY_POLICY, "P", 0, "default, clean, nnsmith39 or a file (default)", 0},
    {"seeds", KEY_SEEDS, "DIR", 0, "models that mutate starts from: .onnx, .txt (the build's)", 0},
    {"known", KEY_KNOWN, "FILE", 0, "rules of known bugs, or `none' (the shipped ones)", 0},
    {"out", 'o', "DIR", 0, "a new folder for campaigns and plots (one under out/)", 0},
    {"json", KEY_JSON, NULL, 0, "one line with one object on stdout", 0},
    {"python", KEY_PYTHON, "PATH", 0, "interpreter of the libraries, or its environment", 0},
    {0},
};

static enum err add_generator(struct compare_settings *s, const char *name)
{
    const struct generator *generator;
    TRY(generator_find(name, &generator));
    for (size_t k = 0; k < s->n; k++) {
        if (s->generators[k] == generator) {
            return err_set(ERR_USAGE, "generator %s is named twice", name);
        }
    }
    CHECK(s->n < COMPARE_MAX && generator_count <= COMPARE_MAX);
    s->generators[s->n++] = generator;
    return ERR_OK;
}

static enum err set_nodes(struct compare_settings *s, const char *value)
{
    uint64_t nodes;
    TRY(parse_u64_range("--nodes", value, 1, CAMPAIGN_NODES_MAX, &nodes));
    s->campaign.nodes = (uint32_t)nodes;
    return ERR_OK;
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct compare_settings *s = settings;
    switch (key) {
    case COMMAND_ARGUMENT:
        return add_generator(s, value);
    case 't':
        texts_add(&s->targets, value, arena);
        return ERR_OK;
    case 's':
        return parse_u64("--seed", value, &s->campaign.seed);
    case KEY_TIME:
        return parse_duration("--time", value, &s->campaign.cpu);
    case KEY_NODES:
        return set_nodes(s, value);
    case KEY_POLICY:
        s->campaign.policy = value;
        return ERR_OK;
    case KEY_SEEDS:
        s->campaign.seeds = value;
        return ERR_OK;
    case KEY_KNOWN:
        s->campaign.known = value;
        return ERR_OK;
    case 'o':
        s->campaign.out = value;
        return ERR_OK;
    case KEY_JSON:
        s->campaign.json = true;
        return ERR_OK;
    case KEY_PYTHON:
        s->campaign.python = value;
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

/* ---- the campaigns ---- */

static enum err read_row(const struct campaign_options *campaign, struct arena *arena,
                         struct compare_row *row)
{
    struct summary summary;
    TRY(summary_read(row->dir, campaign, arena, &summary));
    row->counts = summary.counts;
    row->buckets = ARENA_ARRAY(arena, const char *, summary.n_buckets);
    for (size_t i = 0; i < summary.n_buckets; i++) {
        if (strcmp(summary.buckets[i].state, "flaky") != 0) {
            row->buckets[row->n_buckets++] = summary.buckets[i].key;
        }
    }
    fprintf(stderr, "opjury: %s: counting what its %" PRIu64 " tests hold\n", row->generator->name,
            row->counts.tests);
    return compare_count(row, arena);
}

static enum err run_generator(const struct compare_settings *s, const char *dir,
                              struct arena *arena, struct compare_row *row, bool *found)
{
    struct campaign_options campaign = s->campaign;
    campaign.fixed = true;
    row->dir = arena_printf(arena, "%s/%s", dir, row->generator->name);
    campaign.out = row->dir;
    campaign.generator = row->generator;
    campaign.quiet = true;
    campaign.progress = &row->progress;
    bool found_here = false;
    TRY(campaign_run(&campaign, arena, &found_here));
    *found = *found || found_here;
    if (stop_requested) {
        return err_set(ERR_USAGE,
                       "stopped before all generators had their time: nothing to compare");
    }
    return read_row(&campaign, arena, row);
}

/* ---- text ---- */

static void print_head(struct buffer *text)
{
    buffer_printf(text, "%-10s %8s %7s %9s %6s %14s %9s %8s %8s\n", "generator", "tests", "CPU s",
                  "validity", "ops", "op,dtype,rank", "op pairs", "findings", "buckets");
}

static void print_row(const struct compare_row *r, struct buffer *text)
{
    buffer_printf(text,
                  "%-10s %8" PRIu64 " %7.1f %7.1f %% %6" PRIu64 " %14" PRIu64 " %9" PRIu64
                  " %8" PRIu64 " %8zu\n",
                  r->generator->name, r->counts.tests, r->counts.usage[USAGE_CPU],
                  100 * compare_validity(r), r->variety.n[VARIETY_OPS], r->variety.n[VARIETY_TYPED],
                  r->variety.n[VARIETY_PAIRS], r->counts.verdicts.n[VERDICT_FINDING], r->n_buckets);
}

static void print_verdicts(const struct compare_row *rows, size_t n, struct buffer *text)
{
    buffer_printf(text, "\n%-10s", "runs");
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        buffer_printf(text, " %13s", verdict_names[v]);
    }
    for (size_t k = 0; k < n; k++) {
        buffer_printf(text, "\n%-10s", rows[k].generator->name);
        for (size_t v = 0; v < VERDICT_COUNT; v++) {
            buffer_printf(text, " %13" PRIu64, rows[k].counts.verdicts.n[v]);
        }
    }
    buffer_puts(text, "\n");
}

static void print_set(const struct compare_row *rows, size_t n, unsigned set, struct buffer *text)
{
    const char *before = "";
    for (size_t k = 0; k < n; k++) {
        if (set >> k & 1) {
            buffer_printf(text, "%s%s", before, rows[k].generator->name);
            before = " and ";
        }
    }
}

static void print_sets(const struct compare_row *rows, size_t n, struct buffer *text)
{
    buffer_puts(text, "\nbuckets found by exactly\n");
    for (unsigned set = 1; set < 1u << n; set++) {
        uint64_t shared = compare_shared(rows, n, set);
        if (shared > 0) {
            buffer_printf(text, "%10" PRIu64 " ", shared);
            print_set(rows, n, set, text);
            buffer_puts(text, "\n");
        }
    }
}

static void print_text(const char *dir, const struct compare_row *rows, size_t n,
                       struct buffer *text)
{
    print_head(text);
    for (size_t k = 0; k < n; k++) {
        print_row(&rows[k], text);
    }
    print_verdicts(rows, n, text);
    print_sets(rows, n, text);
    buffer_printf(text, "\ncampaigns and plots: %s\n", dir);
}

/* ---- JSON ---- */

static void set(json_t *object, const char *key, json_t *value)
{
    CHECK(value != NULL && json_object_set_new(object, key, value) == 0);
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *row_json(const struct compare_row *r)
{
    json_t *row = json_object(), *verdicts = json_object();
    set(row, "generator", json_string(r->generator->name));
    set(row, "tests", integer(r->counts.tests));
    set(row, "runs", integer(r->counts.runs));
    set(row, "cpu", json_real(r->counts.usage[USAGE_CPU]));
    set(row, "validity", json_real(compare_validity(r)));
    set(row, "ops", integer(r->variety.n[VARIETY_OPS]));
    set(row, "op_dtype_ranks", integer(r->variety.n[VARIETY_TYPED]));
    set(row, "op_pairs", integer(r->variety.n[VARIETY_PAIRS]));
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        set(verdicts, verdict_names[v], integer(r->counts.verdicts.n[v]));
    }
    set(row, "verdicts", verdicts);
    set(row, "left_out", integer(r->n_left_out));
    set(row, "buckets", integer(r->n_buckets));
    return row;
}

static void print_json(const char *dir, const struct compare_row *rows, size_t n,
                       struct buffer *text)
{
    json_t *root = json_object(), *list = json_array(), *sets = json_array();
    for (size_t k = 0; k < n; k++) {
        CHECK(json_array_append_new(list, row_json(&rows[k])) == 0);
    }
    for (unsigned members = 1; members < 1u << n; members++) {
        json_t *entry = json_object(), *names = json_array();
        for (size_t k = 0; k < n; k++) {
            if (members >> k & 1) {
                CHECK(json_array_append_new(names, json_string(rows[k].generator->name)) == 0);
            }
        }
        set(entry, "generators", names);
        set(entry, "buckets", integer(compare_shared(rows, n, members)));
        CHECK(json_array_append_new(sets, entry) == 0);
    }
    set(root, "folder", json_string(dir));
    set(root, "generators", list);
    set(root, "exactly", sets);
    char *dumped = json_dumps(root, JSON_REAL_PRECISION(6));
    CHECK(dumped != NULL);
    buffer_printf(text, "%s\n", dumped);
    free(dumped);
    json_decref(root);
}

/* ---- all of it ---- */

/* Each generator starts from nothing. */
static enum err make_folder(const struct compare_settings *s, struct arena *arena, const char **dir)
{
    if (s->campaign.out == NULL) {
        return campaign_new_folder(arena, dir);
    }
    *dir = s->campaign.out;
    if (file_exists(*dir)) {
        return err_set(ERR_USAGE, "%s is there already; name a new folder with --out", *dir);
    }
    return dir_make(*dir);
}

static enum err run_compare(void *settings, struct arena *arena, bool *found)
{
    struct compare_settings *s = settings;
    const char *dir;
    if (s->n == 0) {
        return err_set(ERR_USAGE, "no generator is named; `opjury compare --help` has them");
    }
    s->campaign.targets = s->targets.items;
    s->campaign.n_targets = s->targets.n;
    TRY(make_folder(s, arena, &dir));
    struct compare_row *rows = ARENA_ZARRAY(arena, struct compare_row, s->n);
    for (size_t k = 0; k < s->n; k++) {
        rows[k].generator = s->generators[k];
        TRY(run_generator(s, dir, arena, &rows[k], found));
    }
    bool drawn = false;
    TRY(compare_plot(dir, rows, s->n, arena, &drawn));
    if (!drawn) {
        fprintf(stderr,
                "opjury: no gnuplot, so only SVG in %s and no PNG: `scripts/setup plot` (or "
                "`apt-get install gnuplot-nox`), then `cd %s && gnuplot *.gp`\n",
                dir, dir);
    }
    struct buffer text = BUFFER_INIT;
    (s->campaign.json ? print_json : print_text)(dir, rows, s->n, &text);
    fwrite(text.data, 1, text.size, stdout);
    buffer_release(&text);
    return ERR_OK;
}

static const struct compare_settings defaults = {.campaign = {.seed = 1, .jobs = 1, .cpu = 60}};

const struct command command_compare = {
    .name = "compare",
    .summary = "Generators side by side, each with the same CPU time",
    .arguments = "GENERATOR...",
    .help = "Generators: opjury (ours); random (as GraphFuzz does, ICSE 2021: random graphs of "
            "blocks, chosen by what the tests before them brought that was new); mutate (as LEMON "
            "does, ESEC/FSE 2020: layers and weights of models changed, those under --seeds or "
            "else the onnx package's, which the build made); nnsmith (itself, where it is "
            "installed). Each gets a campaign of its own on the "
            "same targets, with the same policy, seed, verdicts and CPU time: all processes, "
            "libraries and reduction included; what is under way at the end is finished.\n"
            "\n"
            "Printed: tests; validity (runs that the target did not refuse as unsupported); "
            "distinct ops, (op, dtype, rank) by the first input, and pairs of ops (producer, "
            "reader); findings; buckets, new and known; runs by verdict; buckets that only "
            "one generator found, or several. DIR gets a campaign a generator, curves.svg, "
            "curves.csv, venn.svg (2 to 4 generators), and both as PNG where gnuplot is "
            "installed (`scripts/setup plot`; Debian: gnuplot-nox).\n"
            "\n"
            "Exit status: 0 nothing new found, 1 new findings, 2 trouble.\n"
            "\n"
            "Examples:\n"
            "  opjury compare opjury random --time 10m --target onnxruntime:opt=all\n"
            "  opjury compare opjury random --target faulty:negate.relu --time 5s\n",
    .options = options,
    .settings_size = sizeof(struct compare_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_compare,
};
