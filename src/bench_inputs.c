/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench inputs`: how often are a program's inputs clean, and what does it cost? Plain
 * sampling, S samples of each program by the generator's recipes, against the search, which starts
 * from the first sample. Two ways to generate: `free` takes every op and dtype whatever value
 * ranges say, so that much may go wrong; `default` is what campaigns use, where ranges steer. The
 * programs and samples can be kept in a folder and measured again, by another search.
 */
#include "bench_inputs.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODELS = 200, SAMPLES = 4, NODES_MAX = 1000 };
static const char *const default_sizes[] = {"5", "20", "40"};
/* The floor is percent of the programs that the search makes clean. The aim is 99, which `free`
 * does not reach beyond 5 nodes: some of its programs are clean for no inputs, and intervals do not
 * prove it of all. Floors are what is reached at 40 nodes less three deviations of 200 programs. */
static const struct scene {
    const char *name, *text;
    double floor;
} scenes[] = {
    {"free",
     "name = free\n"
     "clean_percent = 100\n"
     "unproven_percent = 100\n"
     "undefined_percent = 100\n"
     "union_percent = 100\n"
     "dtype.* = 10\n"
     "op.* = 10\n",
     89},
    {"default", "clean_percent = 100\n", 98},
};

static const char *const way_names[SEARCH_WAYS] = {"drawn", "gradient", "intervals", "restarts"};

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static double mean_ms(double seconds, uint64_t n)
{
    return n ? 1e3 * seconds / (double)n : 0;
}

double inputs_plain(const struct inputs_row *row)
{
    return share(row->plain, row->samples);
}

double inputs_any(const struct inputs_row *row)
{
    return share(row->any, row->models);
}

double inputs_searched(const struct inputs_row *row)
{
    return share(row->searched, row->models);
}

double inputs_plain_ms(const struct inputs_row *row)
{
    return mean_ms(row->plain_seconds, row->samples);
}

double inputs_search_ms(const struct inputs_row *row)
{
    return mean_ms(row->search_seconds, row->models);
}

/* ---- one program ---- */

/* All its leaves are inputs, so that files hold them all. */
struct model {
    struct program *p;
    uint64_t n_samples;
    struct leaf **samples;
};

static void measure_plain(const struct model *m, struct arena *arena, struct inputs_row *row)
{
    uint64_t n_clean = 0;
    double start = clock_cpu_self();
    for (uint64_t k = 0; k < m->n_samples; k++) {
        n_clean += leaves_are_clean(m->p, m->samples[k], arena);
    }
    row->plain_seconds += clock_cpu_self() - start;
    row->samples += m->n_samples;
    row->plain += n_clean;
    row->any += n_clean > 0;
}

static void measure_search(const struct model *m, struct arena *arena, struct inputs_row *row)
{
    struct search_result result;
    double start = clock_cpu_self();
    search_clean(m->p, m->samples[0], rng_seeded(program_hash(m->p)), arena, &result);
    double took = clock_cpu_self() - start;
    row->seconds[row->models++] = took;
    row->search_seconds += took;
    row->evaluations += (double)result.nodes / m->p->n_nodes;
    row->searched += result.is_clean;
    row->impossible += result.is_impossible;
    if (result.is_clean) {
        row->ways[result.way]++;
        CHECK(leaves_are_clean(m->p, m->samples[0], arena)); /* as it was stored */
    } else {
        row->failing[op_index(m->p->nodes[result.bad].op)]++;
    }
}

/* ---- programs of the generator ---- */

static void make_model(const struct policy *policy, uint64_t seed, uint64_t index,
                       struct arena *arena, struct inputs_row *row, struct model *m)
{
    struct test test;
    struct arena_mark mark = arena_mark(arena);
    double start = clock_cpu_self();
    generate_test(policy, seed, index, MATERIALIZE_NONE, arena, &test);
    double graph = clock_cpu_self() - start;
    arena_rewind(arena, mark);
    m->samples = ARENA_ARRAY(arena, struct leaf *, m->n_samples);
    start = clock_cpu_self();
    generate_samples(policy, seed, index, (unsigned)m->n_samples, arena, &test, m->samples);
    row->plain_seconds += clock_cpu_self() - start - graph;
    row->make_seconds += graph;
    m->p = (struct program *)(uintptr_t)test.program; /* just made, nobody else's */
    for (uint32_t id = 0; id < m->p->n_values; id++) {
        struct value *v = &m->p->values[id];
        v->kind = v->kind == VALUE_CONST ? VALUE_INPUT : v->kind;
    }
}

/* ---- programs in a folder: SCENE-N-I.txt, and SCENE-N-I.K.npz for sample K ---- */

static const char *model_path(const char *dir, const struct inputs_row *row, uint64_t index,
                              struct arena *arena)
{
    return arena_printf(arena, "%s/%s-%" PRIu64 "-%" PRIu64, dir, row->scene, row->nodes, index);
}

static const char *sample_path(const char *path, uint64_t sample, struct arena *arena)
{
    return arena_printf(arena, "%s.%" PRIu64 ".npz", path, sample);
}

static enum err save_model(const char *path, const struct model *m, struct arena *arena)
{
    const struct program *p = m->p;
    uint32_t n = program_n_inputs(p);
    struct named_tensor *items = ARENA_ARRAY(arena, struct named_tensor, n);
    struct buffer text = BUFFER_INIT;
    program_print(p, &text);
    enum err err = file_write(arena_printf(arena, "%s.txt", path), text.data, text.size);
    buffer_release(&text);
    for (uint64_t k = 0; k < m->n_samples && err == ERR_OK; k++) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t id = program_input(p, i);
            items[i] = (struct named_tensor){p->values[id].name, m->samples[k][id].data};
        }
        err = npz_write(sample_path(path, k, arena), items, n);
    }
    return err;
}

static enum err load_sample(const char *path, const struct program *p, struct arena *arena,
                            struct leaf **sample)
{
    struct named_tensor *items;
    size_t n_items;
    uint32_t n = program_n_inputs(p);
    struct tensor *inputs = ARENA_ARRAY(arena, struct tensor, n);
    TRY(npz_read(path, arena, &items, &n_items));
    TRY(npz_inputs(path, items, n_items, p, inputs));
    *sample = leaves_new(p, arena);
    for (uint32_t i = 0; i < n; i++) {
        (*sample)[program_input(p, i)].data = inputs[i];
    }
    return ERR_OK;
}

static enum err load_model(const char *path, struct arena *arena, struct model *m)
{
    struct buffer text = BUFFER_INIT;
    const char *file = arena_printf(arena, "%s.txt", path);
    enum err err = file_read(file, 0, &text);
    err = err == ERR_OK ? program_parse(file, text.data, text.size, arena, &m->p) : err;
    buffer_release(&text);
    TRY(err);
    TRY(ops_check(m->p));
    m->n_samples = 0;
    while (file_exists(sample_path(path, m->n_samples, arena))) {
        m->n_samples++;
    }
    m->samples = ARENA_ARRAY(arena, struct leaf *, m->n_samples);
    for (uint64_t k = 0; k < m->n_samples; k++) {
        TRY(load_sample(sample_path(path, k, arena), m->p, arena, &m->samples[k]));
    }
    return m->n_samples > 0 ? ERR_OK : err_set(ERR_INPUT, "%s has no sample", file);
}

/* ---- one scene and size ---- */

struct measurement {
    const struct bench_settings *settings;
    uint64_t models, samples;
    struct arena *memory; /* of one program */
};

/* The index-th program; *is_there false: the folder has no more. */
static enum err get_model(const struct measurement *w, const struct policy *policy, uint64_t index,
                          struct inputs_row *row, struct model *m, bool *is_there)
{
    const struct bench_settings *s = w->settings;
    *is_there = true;
    if (s->load) {
        const char *path = model_path(s->load, row, index, w->memory);
        *is_there = file_exists(arena_printf(w->memory, "%s.txt", path));
        return *is_there ? load_model(path, w->memory, m) : ERR_OK;
    }
    m->n_samples = w->samples;
    make_model(policy, s->seed, index, w->memory, row, m);
    return s->save ? save_model(model_path(s->save, row, index, w->memory), m, w->memory) : ERR_OK;
}

static enum err measure_row(const struct measurement *w, const struct policy *policy,
                            struct inputs_row *row)
{
    for (uint64_t i = 0; i < w->models && !stop_requested; i++) {
        struct model m;
        bool is_there;
        arena_reset(w->memory);
        TRY(get_model(w, policy, i, row, &m, &is_there));
        if (!is_there) {
            break;
        }
        measure_plain(&m, w->memory, row);
        measure_search(&m, w->memory, row);
    }
    qsort(row->seconds, row->models, sizeof(*row->seconds), bench_by_value);
    return stop_requested ? err_set(ERR_STOPPED, "stopped before all was measured") : ERR_OK;
}

/* ---- what is said ---- */

static double quantile_ms(const struct inputs_row *row, double q)
{
    return row->models ? 1e3 * row->seconds[(size_t)(q * (double)(row->models - 1))] : 0;
}

static void print_row(const struct inputs_row *row)
{
    printf("%-8s %5" PRIu64 " %7" PRIu64 " %8.1f %8.1f %8.1f %11" PRIu64 " %9.2f %9.2f %9.2f %9.2f"
           " %9.2f %6.1f\n",
           row->scene, row->nodes, row->models, inputs_plain(row), inputs_any(row),
           inputs_searched(row), row->impossible, mean_ms(row->make_seconds, row->models),
           inputs_plain_ms(row), inputs_search_ms(row), quantile_ms(row, 0.5),
           quantile_ms(row, 0.95), row->models ? row->evaluations / (double)row->models : 0);
}

static void print_details(const struct inputs_row *row)
{
    printf("%s, %" PRIu64 " nodes: clean as", row->scene, row->nodes);
    for (int way = 0; way < SEARCH_WAYS; way++) {
        printf(" %s %" PRIu64, way_names[way], row->ways[way]);
    }
    printf("; not clean: %" PRIu64, row->models - row->searched);
    for (size_t i = 0; i < op_count; i++) {
        if (row->failing[i] > 0) {
            printf(", %s %" PRIu64, op_table[i]->name, row->failing[i]);
        }
    }
    printf("\n");
}

static void print_tables(const struct inputs_row *rows, size_t n)
{
    printf("%-8s %5s %7s %8s %8s %8s %11s %9s %9s %9s %9s %9s %6s\n", "scene", "nodes", "models",
           "plain%", "any%", "search%", "impossible", "make", "plain", "search", "median", "p95",
           "evals");
    for (size_t i = 0; i < n; i++) {
        print_row(&rows[i]);
    }
    printf(
        "plain%%: clean samples; any%%: programs with a clean sample; search%%: programs that the "
        "search\nmakes clean, from the first sample; impossible: intervals prove that no inputs "
        "are clean (they\ncount as not clean); CPU ms: make a graph, plain a sample, search a "
        "program, its median and 95th\npercentile; evals: whole programs' worth of nodes that a "
        "search evaluates\n");
    for (size_t i = 0; i < n; i++) {
        print_details(&rows[i]);
    }
}

static json_t *row_json(const struct inputs_row *row)
{
    json_t *ways = json_object(), *failing = json_object();
    for (int way = 0; way < SEARCH_WAYS; way++) {
        json_object_set_new(ways, way_names[way], json_integer((json_int_t)row->ways[way]));
    }
    for (size_t i = 0; i < op_count; i++) {
        if (row->failing[i] > 0) {
            json_object_set_new(failing, op_table[i]->name,
                                json_integer((json_int_t)row->failing[i]));
        }
    }
    json_t *item = json_pack(
        "{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o}", "scene",
        row->scene, "nodes", (json_int_t)row->nodes, "models", (json_int_t)row->models, "samples",
        (json_int_t)row->samples, "plain_percent", inputs_plain(row), "any_percent",
        inputs_any(row), "search_percent", inputs_searched(row), "impossible",
        (json_int_t)row->impossible, "make_ms", mean_ms(row->make_seconds, row->models), "plain_ms",
        inputs_plain_ms(row), "search_ms", inputs_search_ms(row), "search_median_ms",
        quantile_ms(row, 0.5), "search_p95_ms", quantile_ms(row, 0.95), "evaluations",
        row->models ? row->evaluations / (double)row->models : 0, "ways", ways, "failing", failing);
    CHECK(item != NULL);
    return item;
}

static void print_json(const struct inputs_row *rows, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        CHECK(json_array_append_new(list, row_json(&rows[i])) == 0);
    }
    bench_print_json("inputs", list);
}

static enum err write_plot(const char *path, const struct inputs_row *rows, size_t n)
{
    struct buffer svg = BUFFER_INIT;
    inputs_plot(rows, n, &svg);
    enum err err = file_write(path, svg.data, svg.size);
    buffer_release(&svg);
    return err;
}

/* ---- the subject ---- */

/* One row for each scene and size, none measured yet. */
static enum err make_rows(const struct bench_settings *s, uint64_t models, struct arena *arena,
                          struct inputs_row **rows, size_t *n)
{
    size_t n_sizes = s->nodes.n ? s->nodes.n : ARRAY_SIZE(default_sizes);
    const char *const *sizes = s->nodes.n ? s->nodes.items : default_sizes;
    *rows = ARENA_ZARRAY(arena, struct inputs_row, n_sizes * ARRAY_SIZE(scenes));
    *n = 0;
    for (size_t c = 0; c < ARRAY_SIZE(scenes); c++) {
        for (size_t i = 0; i < n_sizes; i++) {
            struct inputs_row *row = &(*rows)[(*n)++];
            row->scene = scenes[c].name;
            row->seconds = ARENA_ZARRAY(arena, double, models);
            TRY(parse_u64_range("--nodes", sizes[i], 1, NODES_MAX, &row->nodes));
        }
    }
    return ERR_OK;
}

static const struct scene *scene_of(const struct inputs_row *row)
{
    const struct scene *scene = scenes;
    while (scene->name != row->scene) {
        scene++;
    }
    return scene;
}

static enum err make_policy(const struct inputs_row *row, struct arena *arena,
                            struct policy **policy)
{
    const struct scene *scene = scene_of(row);
    TRY(policy_parse(scene->name, scene->text, arena, policy));
    (*policy)->nodes = (uint32_t)row->nodes;
    return policy_check(*policy);
}

static enum err measure_rows(const struct measurement *w, struct inputs_row *rows, size_t n,
                             struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        struct policy *policy;
        TRY(make_policy(&rows[i], arena, &policy));
        TRY(measure_row(w, policy, &rows[i]));
        log_info("inputs: %s, %" PRIu64 " nodes: %.1f %% of %" PRIu64 " programs clean by search",
                 rows[i].scene, rows[i].nodes, inputs_searched(&rows[i]), rows[i].models);
        if (w->settings->load && rows[i].models == 0) {
            return err_set(ERR_INPUT, "%s holds no %s program of %" PRIu64 " nodes",
                           w->settings->load, rows[i].scene, rows[i].nodes);
        }
    }
    return ERR_OK;
}

static enum err run_inputs(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct inputs_row *rows;
    size_t n;
    struct measurement w = {.settings = s,
                            .models = s->models ? s->models : MODELS,
                            .samples = s->samples ? s->samples : SAMPLES};
    if (s->save && s->load) {
        return err_set(ERR_USAGE, "--save and --load exclude one another");
    }
    if (s->save && file_exists(s->save)) {
        return err_set(ERR_USAGE, "%s is there already; --save takes a new folder", s->save);
    }
    TRY(make_rows(s, w.models, arena, &rows, &n));
    if (s->save) {
        TRY(dir_make(s->save));
    }
    w.memory = arena_new();
    enum err err = measure_rows(&w, rows, n, arena);
    arena_free(w.memory);
    TRY(err);
    (s->json ? print_json : print_tables)(rows, n);
    for (size_t i = 0; i < n; i++) {
        *failed |= inputs_searched(&rows[i]) < scene_of(&rows[i])->floor;
    }
    return s->plot ? write_plot(s->plot, rows, n) : ERR_OK;
}

const struct bench_subject bench_inputs = {
    .name = "inputs",
    .summary = "clean inputs by plain sampling and by search: share and cost",
    .run = run_inputs,
};
