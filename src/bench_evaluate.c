/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench evaluate`: what the reference costs, in CPU seconds as ratios. Plain evaluation
 * against onnx's ReferenceEvaluator, model by model in one run, on the onnx package's node tests
 * and on generated programs, reading and making of sessions not counted on either side; and the K
 * perturbed re-evaluations that bounds are made of against plain ones.
 */
#include "bench.h"
#include "generate/generate.h"
#include "oracle/oracle.h"
#include "target/target.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS = 300, BATCHES = 3, SHOWN = 10 };
static const double batch_seconds = 0.002; /* far above the clock's grain */
/* Floors: times faster than onnx's evaluator; plain evaluations that a bound may cost, over K + 1.
 */
static const double least_faster = 20, most_per_plain = 2;

/* ---- timing ---- */

/* CPU seconds of a call: the least of some batches, as others use the machine, too. */
static double seconds_of(void (*run)(void *data), void *data)
{
    double best = INFINITY;
    run(data);
    for (uint64_t n = 1, batches = 0; batches < BATCHES;) {
        double start = clock_cpu_self();
        for (uint64_t i = 0; i < n; i++) {
            run(data);
        }
        double took = clock_cpu_self() - start;
        if (took < batch_seconds) {
            n *= 2;
        } else {
            best = took / (double)n < best ? took / (double)n : best;
            batches++;
        }
    }
    return best;
}

struct plain_run {
    const struct program *p;
    const struct tensor *inputs;
    struct arena *arena;
};

static void run_plain(void *data)
{
    const struct plain_run *r = data;
    struct arena_mark mark = arena_mark(r->arena);
    struct array *values = ARENA_ZARRAY(r->arena, struct array, r->p->n_values);
    program_evaluate(r->p, r->inputs, values, r->arena);
    arena_rewind(r->arena, mark);
}

struct bounds_run {
    struct reference *reference;
    struct arena *arena;
};

static void run_bounds(void *data)
{
    const struct bounds_run *r = data;
    struct arena_mark mark = arena_mark(r->arena);
    reference_set_samples(r->reference, bound_table.samples);
    reference_expectation(r->reference, 0);
    arena_rewind(r->arena, mark);
}

/* ---- rows ---- */

/* One model or test: what is measured, and what it is measured against. */
struct row {
    const char *name;
    size_t numel; /* the median of its values */
    double seconds, against;
};

struct rows {
    struct row *items;
    size_t n;
};

static size_t median_numel(const struct program *p)
{
    size_t *numel = xmalloc(sizeof(*numel) * (p->n_values + 1));
    for (uint32_t id = 0; id < p->n_values; id++) {
        numel[id] = shape_numel(&p->values[id].shape);
    }
    qsort(numel, p->n_values, sizeof(*numel), bench_by_size);
    size_t median = p->n_values ? numel[p->n_values / 2] : 0;
    free(numel);
    return median;
}

static void rows_add(struct rows *rows, const char *name, const struct program *p, double seconds,
                     double against)
{
    rows->items = heap_room(rows->items, rows->n, sizeof(*rows->items));
    rows->items[rows->n++] = (struct row){name, median_numel(p), seconds, against};
}

static double ratio_of(const struct row *row)
{
    return row->against / row->seconds;
}

static int by_numel(const void *a, const void *b)
{
    return bench_by_size(&((const struct row *)a)->numel, &((const struct row *)b)->numel);
}

static int by_ratio(const void *a, const void *b)
{
    double x = ratio_of(a), y = ratio_of(b);
    return (x > y) - (x < y);
}

static double geometric_mean(const struct rows *rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows->n; i++) {
        sum += log(ratio_of(&rows->items[i]));
    }
    return rows->n ? exp(sum / (double)rows->n) : 0;
}

static double ratio_of_sums(const struct rows *rows)
{
    double seconds = 0, against = 0;
    for (size_t i = 0; i < rows->n; i++) {
        seconds += rows->items[i].seconds;
        against += rows->items[i].against;
    }
    return seconds > 0 ? against / seconds : 0;
}

/* ---- onnx's ReferenceEvaluator: scripts/time_reference.py ---- */

struct reader {
    struct peer peer;
    const char *folder;
};

static enum err reader_start(const char *python, struct arena *arena, struct reader *r)
{
    char *line;
    TRY(peer_start(python, "time_reference.py", arena, &r->peer));
    TRY(peer_line(&r->peer, &line));
    r->folder = arena_strdup(arena, line);
    return ERR_OK;
}

/* *seconds 0: it could not. */
static enum err reader_time(struct reader *r, const char *name, double *seconds)
{
    char *line;
    TRY(peer_ask(&r->peer, &line, "%s", name));
    *seconds = strncmp(line, "error", 5) == 0 ? 0 : strtod(line, NULL);
    if (*seconds == 0) {
        log_debug("onnx's evaluator on %s: %s", name, line);
    }
    return ERR_OK;
}

/* ---- plain evaluation ---- */

struct comparison {
    struct reader *reader;
    struct arena *names, *memory;
    struct rows rows;
    size_t unread; /* models that we cannot read or write */
    size_t failed; /* that onnx's evaluator cannot run */
};

static enum err compare(struct comparison *c, const char *name, const struct program *p,
                        const struct tensor *inputs)
{
    double theirs;
    TRY(reader_time(c->reader, name, &theirs));
    if (theirs == 0) {
        c->failed++;
        return ERR_OK;
    }
    struct plain_run run = {p, inputs, c->memory};
    rows_add(&c->rows, name, p, seconds_of(run_plain, &run), theirs);
    return ERR_OK;
}

/* The node test's program and inputs; NULL: not one that we can read. */
static struct program *read_case(struct comparison *c, const char *name, struct tensor **inputs)
{
    const char *model = arena_printf(c->memory, "%s/%s.onnx", c->reader->folder, name);
    const char *arrays = arena_printf(c->memory, "%s/%s.npz", c->reader->folder, name);
    struct buffer bytes = BUFFER_INIT;
    struct onnx_source source = {.name = name};
    struct named_tensor *items;
    struct program *p = NULL;
    enum err err = npz_read(arrays, c->memory, &items, &source.n_inputs);
    err = err == ERR_OK ? file_read(model, 0, &bytes) : err;
    if (err == ERR_OK) {
        source.data = bytes.data;
        source.size = bytes.size;
        source.inputs = items;
        err = onnx_read(&source, c->memory, &p);
    }
    buffer_release(&bytes);
    err = err == ERR_OK ? program_verify(p) : err;
    if (err == ERR_OK) {
        *inputs = ARENA_ARRAY(c->memory, struct tensor, program_n_inputs(p));
        err = npz_inputs(arrays, items, source.n_inputs, p, *inputs);
    }
    if (err != ERR_OK) {
        log_debug("%s: %s", name, err_text());
    }
    return err == ERR_OK ? p : NULL;
}

static enum err compare_node_tests(struct comparison *c)
{
    char *line;
    struct texts names = {0};
    for (;;) {
        TRY(peer_line(&c->reader->peer, &line));
        if (line[0] == '\0') {
            break;
        }
        texts_add(&names, arena_strdup(c->names, line), c->names);
    }
    for (size_t i = 0; i < names.n && !stop_requested; i++) {
        struct tensor *inputs;
        arena_reset(c->memory);
        const struct program *p = read_case(c, names.items[i], &inputs);
        if (!p) {
            c->unread++;
            continue;
        }
        TRY(compare(c, names.items[i], p, inputs));
    }
    return ERR_OK;
}

/* The test as NAME.onnx and NAME.npz in the reader's folder. */
static enum err write_test(const struct comparison *c, const char *name, const struct test *test)
{
    const struct program *p = test->program;
    struct buffer model = BUFFER_INIT;
    struct named_tensor *items = ARENA_ARRAY(c->memory, struct named_tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        const struct value *v = &p->values[program_input(p, k)];
        items[k] = (struct named_tensor){v->name, test->inputs[k]};
    }
    enum err err = onnx_write(p, ONNX_VERSION_DEFAULT, &model);
    if (err == ERR_OK) {
        const char *path = arena_printf(c->memory, "%s/%s.onnx", c->reader->folder, name);
        err = file_write(path, model.data, model.size);
    }
    buffer_release(&model);
    TRY(err);
    return npz_write(arena_printf(c->memory, "%s/%s.npz", c->reader->folder, name), items,
                     test->n_inputs);
}

static enum err compare_generated(struct comparison *c, const struct policy *policy, uint64_t seed,
                                  uint64_t tests)
{
    for (uint64_t i = 0; i < tests && !stop_requested; i++) {
        struct test test;
        const char *name = arena_printf(c->names, "generated_%llu", (unsigned long long)i);
        arena_reset(c->memory);
        generate_test(policy, seed, i, MATERIALIZE_ALL, c->memory, &test);
        enum err err = write_test(c, name, &test);
        if (err == ERR_UNSUPPORTED) {
            c->unread++;
            continue;
        }
        TRY(err);
        TRY(compare(c, name, test.program, test.inputs));
    }
    return ERR_OK;
}

/* ---- bounds ---- */

static void measure_bounds(const struct policy *policy, uint64_t seed, uint64_t tests,
                           struct arena *names, struct rows *rows)
{
    struct arena *memory = arena_new();
    for (uint64_t i = 0; i < tests && !stop_requested; i++) {
        struct test test;
        arena_reset(memory);
        generate_test(policy, seed, i, MATERIALIZE_ALL, memory, &test);
        struct plain_run plain = {test.program, test.inputs, memory};
        struct bounds_run bounds = {reference_new(&test, memory), memory};
        rows_add(rows, arena_printf(names, "test %llu", (unsigned long long)i), test.program,
                 seconds_of(run_plain, &plain), seconds_of(run_bounds, &bounds));
    }
    arena_free(memory);
}

/* ---- what is said ---- */

static void print_rows(const char *title, struct rows *rows, bool largest)
{
    if (rows->n == 0) {
        printf("%s: none\n", title);
        return;
    }
    qsort(rows->items, rows->n, sizeof(*rows->items), by_numel);
    size_t numel = rows->n ? rows->items[rows->n / 2].numel : 0;
    qsort(rows->items, rows->n, sizeof(*rows->items), by_ratio);
    printf("%s: %zu, median numel %zu, geometric mean %.1f, of the sums %.1f\n", title, rows->n,
           numel, geometric_mean(rows), ratio_of_sums(rows));
    for (size_t i = 0; i < rows->n && i < SHOWN; i++) {
        const struct row *row = &rows->items[largest ? rows->n - 1 - i : i];
        printf("  %8.2f  %-50s %10.2f us, against %10.2f us\n", ratio_of(row), row->name,
               1e6 * row->seconds, 1e6 * row->against);
    }
}

static json_t *rows_json(struct rows *rows)
{
    if (rows->n == 0) {
        return json_array();
    }
    qsort(rows->items, rows->n, sizeof(*rows->items), by_ratio);
    json_t *list = json_array();
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *row = &rows->items[i];
        json_t *item = json_pack("{s:s, s:I, s:f, s:f, s:f}", "name", row->name, "numel",
                                 (json_int_t)row->numel, "us", 1e6 * row->seconds, "against_us",
                                 1e6 * row->against, "ratio", ratio_of(row));
        CHECK(item != NULL && json_array_append_new(list, item) == 0);
    }
    json_t *all = json_pack("{s:f, s:f, s:o}", "geometric_mean", geometric_mean(rows),
                            "ratio_of_sums", ratio_of_sums(rows), "rows", list);
    CHECK(all != NULL);
    return all;
}

static void print_json(struct comparison *nodes, struct comparison *made, struct rows *bounds)
{
    json_t *all = json_pack("{s:o, s:o, s:o}", "node_tests", rows_json(&nodes->rows), "generated",
                            rows_json(&made->rows), "bounds", rows_json(bounds));
    bench_print_json("evaluate", all);
}

static void print_tables(struct comparison *nodes, struct comparison *made, struct rows *bounds)
{
    printf("CPU seconds of onnx's ReferenceEvaluator over those of plain evaluation, the least "
           "ratios below:\n");
    print_rows("node tests of onnx", &nodes->rows, false);
    printf("  not read: %zu; onnx's evaluator fails: %zu\n", nodes->unread, nodes->failed);
    print_rows("generated programs", &made->rows, false);
    printf("  not written: %zu; onnx's evaluator fails: %zu\n", made->unread, made->failed);
    printf("CPU seconds of bounds (K = %u) over those of plain evaluation, the largest ratios "
           "below:\n",
           bound_table.samples);
    print_rows("generated tests", bounds, true);
}

static enum err measure_all(const struct bench_settings *s, const struct policy *policy,
                            struct comparison *nodes, struct comparison *made, struct rows *bounds)
{
    uint64_t tests = s->tests ? s->tests : TESTS;
    TRY(compare_node_tests(nodes));
    TRY(compare_generated(made, policy, s->seed, tests));
    measure_bounds(policy, s->seed, tests, nodes->names, bounds);
    return stop_requested ? err_set(ERR_STOPPED, "stopped before all was measured") : ERR_OK;
}

static enum err run_evaluate(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct target *target; /* for its interpreter */
    struct policy *policy;
    TRY(target_parse("onnxruntime", s->python, arena, &target));
    TRY(policy_load("default", arena, &policy));
    policy_at_opset(policy, (uint32_t)ONNX_VERSION_DEFAULT.opset);
    struct arena *memory = arena_new();
    struct reader reader = {0};
    struct comparison nodes = {.reader = &reader, .names = arena, .memory = memory}, made = nodes;
    struct rows bounds = {0};
    enum err err = reader_start(target->python, arena, &reader);
    err = err == ERR_OK ? measure_all(s, policy, &nodes, &made, &bounds) : err;
    peer_stop(&reader.peer);
    if (err == ERR_OK) {
        (s->json ? print_json : print_tables)(&nodes, &made, &bounds);
        double most = most_per_plain * (bound_table.samples + 1);
        *failed = geometric_mean(&nodes.rows) < least_faster || ratio_of_sums(&bounds) > most;
    }
    free(nodes.rows.items);
    free(made.rows.items);
    free(bounds.items);
    arena_free(memory);
    return err;
}

const struct bench_subject bench_evaluate = {
    .name = "evaluate",
    .summary = "plain evaluation against onnx's ReferenceEvaluator, bounds against plain ones",
    .run = run_evaluate,
};
