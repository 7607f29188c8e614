/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench generator`: valid models per CPU second beside nnsmith 0.1.0, in one run, of the
 * same 39 ops, dtype and limits (policy nnsmith39), in two tiers: the graph with its shapes and
 * attributes, and that with weights and inputs on top. Nobody runs a model here. What the models
 * look like is printed beside, since small and alike ones are cheap. Then how our cost grows with
 * size and ops.
 */
#include "bench.h"
#include "generate/generate.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZES = 4,
    OURS = 400,          /* models of ours a size, beside theirs */
    THEIRS = 60,         /* of theirs: the method has a heavy tail */
    THEIRS_LOOKED = 100, /* of theirs at sizes[0], which are looked at */
    WARM = 8,
    OPS_GROWTH = 40000, /* ops for each figure of cost per op */
};
static const uint32_t sizes[SIZES] = {10, 20, 40, 100};
static const char *const methods[] = {"concolic", "symbolic-cinit"};
/* CPU seconds for one method at one size, after which it gets no more models. */
static const double theirs_at_most = 25;
/* Floors, issue by issue the product's claims: times nnsmith's better method at 10 and 100 ops; an
 * op's cost at 1,000 ops over that at 100, and with all ops over that with 39; share of dims that
 * are 1. */
static const double least_at_10 = 200, least_at_100 = 500, most_growth = 1.5, most_all_ops = 1.5,
                    most_ones = 0.2;

/* ---- one generator at one size ---- */

struct times {
    size_t n;
    double *seconds; /* of each model */
    double sum;      /* those of failed ones, too */
};

/* What results of ops and whole models look like. */
struct looks {
    size_t models, ops, operands, outputs, depth, dims, ones;
    size_t *numel, n_numel;
    size_t weight;      /* elements of the largest */
    struct texts kinds; /* distinct "op dtype rank" of the first THEIRS_LOOKED models */
};

struct cell {
    const char *name;
    uint32_t nodes;
    size_t tried;
    struct times graph, whole; /* the two tiers; valid models only */
    struct looks looks;
};

static void times_add(struct times *t, double seconds)
{
    t->seconds = heap_room(t->seconds, t->n, sizeof(*t->seconds));
    t->seconds[t->n++] = seconds;
}

/* In milliseconds; share 0.5: the median. */
static double quantile(const struct times *t, double share)
{
    if (t->n == 0) {
        return NAN;
    }
    qsort(t->seconds, t->n, sizeof(*t->seconds), bench_by_value);
    size_t at = (size_t)(share * (double)t->n);
    return 1e3 * t->seconds[at < t->n ? at : t->n - 1];
}

static double rate(const struct times *t)
{
    return t->sum > 0 ? (double)t->n / t->sum : 0;
}

static void add_numel(struct looks *l, size_t numel)
{
    l->numel = heap_room(l->numel, l->n_numel, sizeof(*l->numel));
    l->numel[l->n_numel++] = numel;
}

static void add_kind(struct looks *l, const char *kind, struct arena *arena)
{
    for (size_t i = 0; i < l->kinds.n; i++) {
        if (strcmp(l->kinds.items[i], kind) == 0) {
            return;
        }
    }
    texts_add(&l->kinds, arena_strdup(arena, kind), arena);
}

static size_t numel_at(struct looks *l, double share)
{
    if (l->n_numel == 0) {
        return 0;
    }
    qsort(l->numel, l->n_numel, sizeof(*l->numel), bench_by_size);
    size_t at = (size_t)(share * (double)l->n_numel);
    return l->numel[at < l->n_numel ? at : l->n_numel - 1];
}

static void cell_release(struct cell *c)
{
    free(c->graph.seconds);
    free(c->whole.seconds);
    free(c->looks.numel);
}

/* ---- ours ---- */

static void look_at_result(struct looks *l, const struct value *v)
{
    l->dims += (size_t)v->shape.rank;
    for (int32_t d = 0; d < v->shape.rank; d++) {
        l->ones += v->shape.dim[d] == 1;
    }
    add_numel(l, shape_numel(&v->shape));
}

static void look_at(struct looks *l, const struct program *p, struct arena *memory,
                    struct arena *arena)
{
    size_t *depth = ARENA_ZARRAY(memory, size_t, p->n_values + 1), deepest = 0;
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *node = &p->nodes[n];
        size_t below = 0;
        for (uint32_t i = 0; i < node->n_in; i++) {
            if (node->in[i] != VALUE_ABSENT) {
                l->operands++;
                below = depth[node->in[i]] > below ? depth[node->in[i]] : below;
            }
        }
        for (uint32_t o = 0; o < node->n_out; o++) {
            depth[node->out[o]] = below + 1;
            look_at_result(l, &p->values[node->out[o]]);
        }
        deepest = below + 1 > deepest ? below + 1 : deepest;
        const struct value *first = &p->values[node->out[0]];
        if (l->models < THEIRS_LOOKED) {
            add_kind(l,
                     arena_printf(memory, "%s %s %d", node->op->name, dtype_name(first->dtype),
                                  first->shape.rank),
                     arena);
        }
    }
    for (uint32_t id = 0; id < p->n_values; id++) {
        size_t numel = shape_numel(&p->values[id].shape);
        bool is_weight = p->values[id].kind == VALUE_CONST;
        l->weight = is_weight && numel > l->weight ? numel : l->weight;
    }
    l->models++;
    l->ops += p->n_nodes;
    l->outputs += p->n_outputs;
    l->depth += deepest;
}

/* CPU seconds of one test. */
static double time_one(const struct policy *policy, uint64_t seed, uint64_t index,
                       enum materialize what, struct arena *memory, struct test *test)
{
    double start = clock_cpu_self();
    arena_reset(memory);
    generate_test(policy, seed, index, what, memory, test);
    return clock_cpu_self() - start;
}

/* One tier. looks: NULL or what to add its models to. */
static void run_tier(const struct policy *policy, uint64_t seed, size_t models,
                     enum materialize what, struct arena *arena, struct times *times,
                     struct looks *looks)
{
    struct arena *memory = arena_new();
    struct test test;
    for (size_t i = 0; i < models + WARM && !stop_requested; i++) {
        double took = time_one(policy, seed, i, what, memory, &test);
        if (i < WARM) {
            continue;
        }
        times->sum += took;
        if (test.program->n_nodes == policy->nodes) {
            times_add(times, took);
            if (looks) {
                look_at(looks, test.program, memory, arena);
            }
        }
    }
    arena_free(memory);
}

static void run_ours(struct policy *policy, uint64_t seed, size_t models, struct arena *arena,
                     struct cell *c)
{
    policy->nodes = c->nodes;
    c->tried = models;
    run_tier(policy, seed, models, MATERIALIZE_NONE, arena, &c->graph, NULL);
    run_tier(policy, seed, models, MATERIALIZE_ALL, arena, &c->whole, &c->looks);
}

/* Microseconds an op, of graphs. */
static double cost_per_op(struct policy *policy, uint64_t seed, uint32_t nodes)
{
    struct arena *memory = arena_new();
    struct test test;
    size_t models = OPS_GROWTH / nodes;
    double sum = 0;
    policy->nodes = nodes;
    for (size_t i = 0; i < models + WARM && !stop_requested; i++) {
        double took = time_one(policy, seed, i, MATERIALIZE_NONE, memory, &test);
        sum += i < WARM ? 0 : took;
    }
    arena_free(memory);
    return 1e6 * sum / (double)(models * nodes);
}

/* ---- theirs ---- */

static size_t whole_number(const json_t *o, const char *key)
{
    return (size_t)json_integer_value(json_object_get(o, key));
}

static void look_at_theirs(struct looks *l, const json_t *model, struct arena *arena)
{
    const json_t *numel = json_object_get(model, "numel"), *kinds = json_object_get(model, "kinds");
    for (size_t i = 0; i < json_array_size(numel); i++) {
        add_numel(l, (size_t)json_integer_value(json_array_get(numel, i)));
    }
    for (size_t i = 0; i < json_array_size(kinds) && l->models < THEIRS_LOOKED; i++) {
        add_kind(l, json_string_value(json_array_get(kinds, i)), arena);
    }
    size_t weight = whole_number(model, "weight");
    l->weight = weight > l->weight ? weight : l->weight;
    l->models++;
    l->ops += json_array_size(kinds);
    l->operands += whole_number(model, "operands");
    l->outputs += whole_number(model, "outputs");
    l->depth += whole_number(model, "depth");
    l->dims += whole_number(model, "dims");
    l->ones += whole_number(model, "ones");
}

static enum err run_theirs(struct peer *peer, const char *method, uint64_t seed, size_t models,
                           struct arena *arena, struct cell *c)
{
    for (size_t i = 0; i < models + WARM && c->whole.sum < theirs_at_most && !stop_requested; i++) {
        char *line;
        TRY(peer_ask(peer, &line, "model %s %u %llu", method, c->nodes,
                     (unsigned long long)(seed + i)));
        json_t *model = json_loads(line, 0, NULL);
        if (!model) {
            return err_set(ERR_IO, "%s says '%.60s'", peer->script, line);
        }
        double graph = json_number_value(json_object_get(model, "a"));
        double whole = json_number_value(json_object_get(model, "b"));
        if (i >= WARM) {
            c->tried++;
            c->graph.sum += graph;
            c->whole.sum += whole;
            if (json_is_true(json_object_get(model, "ok"))) {
                times_add(&c->graph, graph);
                times_add(&c->whole, whole);
                look_at_theirs(&c->looks, model, arena);
            }
        }
        json_decref(model);
    }
    return ERR_OK;
}

/* ---- all ---- */

enum { CELLS_A_SIZE = 1 + ARRAY_SIZE(methods), GROWTHS = 6 };
static const uint32_t growth_sizes[GROWTHS] = {10, 20, 40, 100, 300, 1000};

struct figures {
    const char *versions, *why; /* of the peer; why there is none */
    const char *policy;
    struct cell cells[SIZES][CELLS_A_SIZE]; /* ours first */
    double growth[GROWTHS];                 /* microseconds an op */
    double all_ops[2], same[2];             /* at 10 and 100: all ops; the 39, in turn with them */
};

static enum err measure_cells(const struct bench_settings *s, struct policy *policy,
                              struct peer *peer, struct arena *arena, struct figures *f)
{
    for (size_t i = 0; i < SIZES && !stop_requested; i++) {
        f->cells[i][0] = (struct cell){.name = "opjury", .nodes = sizes[i]};
        run_ours(policy, s->seed, s->tests ? s->tests : OURS, arena, &f->cells[i][0]);
        for (size_t m = 0; f->versions && m < ARRAY_SIZE(methods); m++) {
            struct cell *c = &f->cells[i][1 + m];
            *c = (struct cell){.name = methods[m], .nodes = sizes[i]};
            log_info("nnsmith, %s, %u ops", methods[m], sizes[i]);
            size_t models = i == 0 ? THEIRS_LOOKED : THEIRS;
            TRY(run_theirs(peer, methods[m], s->seed, models, arena, c));
        }
    }
    return ERR_OK;
}

static enum err measure_growth(const struct bench_settings *s, struct policy *policy,
                               struct arena *arena, struct figures *f)
{
    struct policy *all;
    TRY(policy_load("default", arena, &all));
    policy_without_targets(all, all->opset);
    for (size_t i = 0; i < GROWTHS; i++) {
        f->growth[i] = cost_per_op(policy, s->seed, growth_sizes[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        uint32_t nodes = i == 0 ? 10 : 100;
        f->all_ops[i] = cost_per_op(all, s->seed, nodes);
        f->same[i] = cost_per_op(policy, s->seed, nodes);
    }
    return ERR_OK;
}

/* ---- what is said ---- */

/* Times nnsmith's better method, by rates; NAN without it. */
static double ratio_at(const struct figures *f, size_t size, bool whole)
{
    double best = 0;
    for (size_t m = 1; m < CELLS_A_SIZE; m++) {
        const struct cell *c = &f->cells[size][m];
        best = fmax(best, rate(whole ? &c->whole : &c->graph));
    }
    const struct cell *ours = &f->cells[size][0];
    return best > 0 ? rate(whole ? &ours->whole : &ours->graph) / best : (double)NAN;
}

static double ones_of(const struct looks *l)
{
    return l->dims ? (double)l->ones / (double)l->dims : 0;
}

static double mean(size_t sum, size_t n)
{
    return n ? (double)sum / (double)n : 0;
}

static void print_cells(struct figures *f)
{
    printf("CPU seconds (user and system) of one process, imports and %d first models not counted; "
           "a model that\nfails or has fewer ops is none, its time counts\n",
           WARM);
    printf("%42s | %28s | %28s\n", "", "graph, shapes, attributes", "weights and inputs, too");
    printf("%5s %-16s %6s %6s %5s | %10s %8s %8s | %10s %8s %8s\n", "ops", "generator", "models",
           "valid", "", "models/s", "median", "p95", "models/s", "median", "p95");
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t k = 0; k < (f->versions ? CELLS_A_SIZE : 1); k++) {
            struct cell *c = &f->cells[i][k];
            printf("%5u %-16s %6zu %6zu %5s | %10.1f %6.3fms %6.3fms | %10.1f %6.3fms %6.3fms\n",
                   c->nodes, c->name, c->tried, c->graph.n, "", rate(&c->graph),
                   quantile(&c->graph, 0.5), quantile(&c->graph, 0.95), rate(&c->whole),
                   quantile(&c->whole, 0.5), quantile(&c->whole, 0.95));
        }
    }
}

static void print_looks(struct figures *f)
{
    printf("what they look like: results of ops; kinds: distinct (op, dtype, rank) in the first %d "
           "models\n",
           THEIRS_LOOKED);
    printf("%5s %-16s %7s %7s %8s %6s %8s %9s %6s %10s\n", "ops", "generator", "numel", "p90",
           "dims = 1", "depth", "outputs", "operands", "kinds", "weight");
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t k = 0; k < (f->versions ? CELLS_A_SIZE : 1); k++) {
            struct looks *l = &f->cells[i][k].looks;
            printf("%5u %-16s %7zu %7zu %7.0f%% %6.1f %8.1f %9.2f %6zu %10zu\n", sizes[i],
                   f->cells[i][k].name, numel_at(l, 0.5), numel_at(l, 0.9), 100 * ones_of(l),
                   mean(l->depth, l->models), mean(l->outputs, l->models),
                   mean(l->operands, l->ops), l->kinds.n, l->weight);
        }
    }
}

static double growth_of(const struct figures *f)
{
    return f->growth[GROWTHS - 1] / f->growth[3];
}

static double all_ops_of(const struct figures *f)
{
    return fmax(f->all_ops[0] / f->same[0], f->all_ops[1] / f->same[1]);
}

static void print_tables(struct figures *f)
{
    printf("ours: policy %s; theirs: %s\n", f->policy, f->versions ? f->versions : f->why);
    print_cells(f);
    print_looks(f);
    for (size_t i = 0; f->versions && i < SIZES; i++) {
        double least = i == 0 ? least_at_10 : i == SIZES - 1 ? least_at_100 : 0;
        printf("times nnsmith's better method at %u ops: graph %.0f", sizes[i],
               ratio_at(f, i, false));
        if (least > 0) {
            printf(" (at least %.0f)", least);
        }
        printf(", weights and inputs too %.0f\n", ratio_at(f, i, true));
    }
    printf("microseconds an op of a graph:");
    for (size_t i = 0; i < GROWTHS; i++) {
        printf(" %.2f at %u%s", f->growth[i], growth_sizes[i], i + 1 < GROWTHS ? "," : " ops");
    }
    printf("; at 1,000 over at 100: %.2f (at most %.1f)\n", growth_of(f), most_growth);
    printf("all ops on (policy default): %.2f and %.2f microseconds an op at 10 and 100 ops, over "
           "these 39: %.2f and %.2f (at most %.1f)\n",
           f->all_ops[0], f->all_ops[1], f->all_ops[0] / f->same[0], f->all_ops[1] / f->same[1],
           most_all_ops);
}

static json_t *cell_json(struct cell *c)
{
    struct looks *l = &c->looks;
    json_t *o =
        json_pack("{s:s, s:i, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:f, s:f, s:f, "
                  "s:f, s:I, s:I}",
                  "generator", c->name, "ops", (int)c->nodes, "models", (json_int_t)c->tried,
                  "valid", (json_int_t)c->graph.n, "graphs_per_s", rate(&c->graph),
                  "graph_median_ms", c->graph.n ? quantile(&c->graph, 0.5) : 0, "graph_p95_ms",
                  c->graph.n ? quantile(&c->graph, 0.95) : 0, "whole_per_s", rate(&c->whole),
                  "whole_median_ms", c->graph.n ? quantile(&c->whole, 0.5) : 0, "whole_p95_ms",
                  c->graph.n ? quantile(&c->whole, 0.95) : 0, "numel_median",
                  (json_int_t)numel_at(l, 0.5), "numel_p90", (json_int_t)numel_at(l, 0.9), "ones",
                  ones_of(l), "depth", mean(l->depth, l->models), "outputs",
                  mean(l->outputs, l->models), "operands", mean(l->operands, l->ops), "kinds",
                  (json_int_t)l->kinds.n, "weight", (json_int_t)l->weight);
    CHECK(o != NULL);
    return o;
}

static void print_json(struct figures *f)
{
    json_t *cells = json_array(), *ratios = json_array(), *growth = json_array();
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t k = 0; k < (f->versions ? CELLS_A_SIZE : 1); k++) {
            CHECK(json_array_append_new(cells, cell_json(&f->cells[i][k])) == 0);
        }
        if (f->versions) {
            json_t *ratio = json_pack("{s:i, s:f, s:f}", "ops", (int)sizes[i], "graph",
                                      ratio_at(f, i, false), "whole", ratio_at(f, i, true));
            CHECK(ratio != NULL && json_array_append_new(ratios, ratio) == 0);
        }
    }
    for (size_t i = 0; i < GROWTHS; i++) {
        json_t *cost =
            json_pack("{s:i, s:f}", "ops", (int)growth_sizes[i], "us_per_op", f->growth[i]);
        CHECK(cost != NULL && json_array_append_new(growth, cost) == 0);
    }
    json_t *all = json_pack("{s:s, s:s?, s:o, s:o, s:o, s:f}", "policy", f->policy, "peer",
                            f->versions, "cells", cells, "ratios", ratios, "growth", growth,
                            "all_ops_over_these", all_ops_of(f));
    bench_print_json("generator", all);
}

/* Without the peer only what needs none. */
static bool floors_hold(const struct figures *f)
{
    bool hold = growth_of(f) <= most_growth && all_ops_of(f) <= most_all_ops;
    for (size_t i = 0; i < SIZES; i++) {
        hold &= ones_of(&f->cells[i][0].looks) <= most_ones;
    }
    if (f->versions) {
        hold &=
            ratio_at(f, 0, false) >= least_at_10 && ratio_at(f, SIZES - 1, false) >= least_at_100;
    }
    return hold;
}

static enum err run_generator(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    struct figures f = {.policy = s->policy ? s->policy : "nnsmith39"};
    struct policy *policy;
    struct peer peer;
    TRY(policy_load(f.policy, arena, &policy));
    policy_without_targets(policy, policy->opset);
    TRY(policy_check(policy));
    enum err err = peer_start_nnsmith(arena, &peer, &f.versions, &f.why);
    err = err == ERR_OK ? measure_cells(s, policy, &peer, arena, &f) : err;
    peer_stop(&peer);
    err = err == ERR_OK ? measure_growth(s, policy, arena, &f) : err;
    if (err == ERR_OK && stop_requested) {
        err = err_set(ERR_STOPPED, "stopped before all was measured");
    }
    if (err == ERR_OK) {
        (s->json ? print_json : print_tables)(&f);
        *failed = !floors_hold(&f);
    }
    for (size_t i = 0; i < SIZES * CELLS_A_SIZE; i++) {
        cell_release(&f.cells[i / CELLS_A_SIZE][i % CELLS_A_SIZE]);
    }
    return err;
}

const struct bench_subject bench_generator = {
    .name = "generator",
    .summary = "models per CPU second beside nnsmith's, and how the cost grows",
    .run = run_generator,
};
