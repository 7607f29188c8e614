/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench diversity`: what generated programs are made of, counted in finished programs, not
 * in tries. Evenness is entropy by the largest that there could be (100 %: uniform): of ops, of
 * (op, dtype) among the pairs that the policy allows, of bins of attributes' values among those
 * that came up (bits of a number's magnitude with its sign), of (producer, reader) among all pairs
 * of ops. An output is constant if it is the same for SAMPLES draws of the inputs (of two, bools
 * agree by chance), or one element over and over.
 */
#include "bench.h"
#include "generate/generate.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TESTS = 20000,
    EVALUATED_MAX = 2000,
    SAMPLES = 4,
    RARE_SHOWN = 5,
    KILLERS_SHOWN = 12,
    SKEWED_SHOWN = 8
};

/* Bins of one value: 0; 1, 2-3, 4-7, ...; the same of negative ones; what is not finite. */
enum { LEAST_EXPONENT = -24, MAGNITUDES = 64, BINS = 2 * MAGNITUDES + 3, BIN_NAN = BINS - 1 };

static const struct scene {
    const char *policy;
    uint32_t nodes;
    bool has_floors;
} scenes[] = {{"default", 10, true},
              {"default", 40, true},
              {"clean", 10, true},
              {"nnsmith39", 10, false},
              {"nnsmith39", 100, false}};

/* What is asked of a policy whose scene has floors. */
static const double least_op = 0.25, most_ones = 20, most_constant = 10;
static const size_t least_median = 50, most_median = 500;

struct census {
    const struct policy *policy;
    size_t n_programs, n_nodes, n_edges, n_dims, n_ones, n_values, n_weights;
    size_t n_inputs, n_consts, n_outputs, depth;
    size_t most_weight; /* elements of the largest constant */
    size_t by_op[OP_WEIGHTS_MAX];
    size_t by_killer[OP_WEIGHTS_MAX];             /* of evaluated programs */
    size_t (*by_pair)[OP_WEIGHTS_MAX];            /* [producer][reader] */
    size_t by_dtype[OP_WEIGHTS_MAX][DTYPE_COUNT]; /* of the first input */
    size_t (*by_bin)[OP_ATTRS_MAX][BINS];         /* [op] */
    size_t by_numel[64];                          /* 2^k .. 2^(k+1)-1 */
    size_t *numel, numel_capacity;
    size_t n_evaluated, n_fixed, n_uniform; /* outputs */
};

/* ---- counting ---- */

static unsigned bin_of(double x)
{
    int exponent = 0;
    if (!isfinite(x)) {
        return BIN_NAN;
    }
    if (x == 0) {
        return 0;
    }
    frexp(x, &exponent); /* |x| in 2^(exponent-1) .. 2^exponent */
    exponent -= LEAST_EXPONENT;
    int magnitude = exponent < 0 ? 0 : exponent >= MAGNITUDES ? MAGNITUDES - 1 : exponent;
    return 1 + (unsigned)magnitude + (x < 0 ? MAGNITUDES : 0);
}

static void count_attr(struct census *c, size_t op, const struct attr *a)
{
    size_t k = 0;
    while (strcmp(op_table[op]->attrs[k].name, a->name) != 0) {
        k++;
    }
    size_t *bins = c->by_bin[op][k];
    switch (a->kind) {
    case ATTR_INT:
    case ATTR_INTS:
    case ATTR_BOOL:
        for (unsigned i = 0; i < a->n; i++) {
            bins[bin_of((double)a->i[i])]++;
        }
        return;
    case ATTR_REAL:
        bins[bin_of(a->f)]++;
        return;
    case ATTR_DTYPE:
        bins[a->dtype]++;
        return;
    case ATTR_TEXT:
        bins[hash_text(a->text, 0) % BINS]++;
        return;
    }
}

static void count_node(struct census *c, const struct program *p, const struct node *node,
                       uint32_t *depths)
{
    size_t op = op_index(node->op);
    uint32_t deepest = 0;
    c->n_nodes++;
    c->by_op[op]++;
    c->by_dtype[op][p->values[node->in[0]].dtype]++;
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        count_attr(c, op, &node->attrs[i]);
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        const struct value *v = node->in[k] == VALUE_ABSENT ? NULL : &p->values[node->in[k]];
        if (v && v->kind == VALUE_NODE) {
            c->n_edges++;
            c->by_pair[op_index(p->nodes[v->node].op)][op]++;
            deepest = depths[v->node] > deepest ? depths[v->node] : deepest;
        }
    }
    depths[node - p->nodes] = deepest + 1;
}

static void count_value(struct census *c, const struct value *v)
{
    size_t n = shape_numel(&v->shape);
    c->n_inputs += v->kind == VALUE_INPUT;
    c->n_consts += v->kind == VALUE_CONST;
    c->most_weight = v->kind == VALUE_CONST && n > c->most_weight ? n : c->most_weight;
    for (int d = 0; d < v->shape.rank; d++) {
        c->n_dims++;
        c->n_ones += v->shape.dim[d] == 1;
    }
    if (c->n_values < c->numel_capacity) {
        c->numel[c->n_values++] = n;
    }
}

static void count_program(struct census *c, const struct program *p, struct arena *arena)
{
    uint32_t *depths = ARENA_ZARRAY(arena, uint32_t, p->n_nodes);
    uint32_t deepest = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        count_value(c, &p->values[id]);
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        count_node(c, p, &p->nodes[i], depths);
        deepest = depths[i] > deepest ? depths[i] : deepest;
    }
    c->depth += deepest;
    c->n_outputs += p->n_outputs;
    c->n_programs++;
}

/* ---- constant outputs ---- */

static bool same_element(real a, real b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool is_uniform(const struct array *a)
{
    bool same = a->n > 1;
    for (size_t i = 1; same && i < a->n; i++) {
        same = same_element(a->v[0], a->v[i]);
    }
    return same;
}

/* In all samples. */
static bool is_same(struct array *const *samples, uint32_t id)
{
    const struct array *a = &samples[0][id];
    bool same = true;
    for (unsigned s = 1; s < SAMPLES; s++) {
        const struct array *b = &samples[s][id];
        for (size_t i = 0; same && i < a->n; i++) {
            same = same_element(a->v[i], b->v[i]);
        }
    }
    return same;
}

/* Constants of the first sample, inputs of the given one. */
static struct array *evaluate_sample(const struct program *p, const struct leaf *inputs,
                                     struct arena *arena)
{
    struct tensor *given = ARENA_ARRAY(arena, struct tensor, p->n_values);
    struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values);
    uint32_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind == VALUE_INPUT) {
            given[n++] = inputs[id].data;
        }
    }
    program_evaluate(p, given, values, arena);
    return values;
}

/* Nodes that read what differs and give what does not. */
static void count_killers(struct census *c, const struct program *p, struct array *const *samples)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        bool reads_same = true, gives_same = true;
        for (uint32_t k = 0; k < node->n_in; k++) {
            uint32_t id = node->in[k];
            reads_same = reads_same && (id == VALUE_ABSENT || is_same(samples, id));
        }
        for (uint32_t o = 0; o < node->n_out; o++) {
            gives_same = gives_same && is_same(samples, node->out[o]);
        }
        c->by_killer[op_index(node->op)] += !reads_same && gives_same;
    }
}

static void count_constants(struct census *c, uint64_t seed, uint64_t index, struct arena *arena)
{
    struct test test;
    struct leaf *samples[SAMPLES];
    struct array *values[SAMPLES];
    generate_samples(c->policy, seed, index, SAMPLES, arena, &test, samples);
    struct program *p = program_clone(test.program, arena);
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (p->values[id].kind == VALUE_CONST) {
            p->values[id].data = samples[0][id].data.data;
        }
    }
    for (unsigned s = 0; s < SAMPLES; s++) {
        values[s] = evaluate_sample(p, samples[s], arena);
    }
    count_killers(c, p, values);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        uint32_t id = p->outputs[o];
        if (values[0][id].n > 0) {
            bool is_fixed = is_same(values, id);
            c->n_evaluated++;
            c->n_fixed += is_fixed;
            c->n_uniform += !is_fixed && is_uniform(&values[0][id]) && is_uniform(&values[1][id]);
        }
    }
}

/* ---- figures ---- */

/* In percent of log2(possible); 100 where there is but one. */
static double evenness(const size_t *counts, size_t n, size_t possible)
{
    double total = 0, bits = 0;
    for (size_t i = 0; i < n; i++) {
        total += (double)counts[i];
    }
    for (size_t i = 0; i < n; i++) {
        double share = total > 0 ? (double)counts[i] / total : 0;
        bits -= share > 0 ? share * log2(share) : 0;
    }
    return possible > 1 ? 100 * bits / log2((double)possible) : 100;
}

static size_t count_nonzero(const size_t *counts, size_t n)
{
    size_t nonzero = 0;
    for (size_t i = 0; i < n; i++) {
        nonzero += counts[i] > 0;
    }
    return nonzero;
}

struct bin_evenness {
    double percent;
    size_t op, attr; /* places in op_table and in its attrs */
};

struct figures {
    double op, op_dtype, bins, pairs; /* evenness */
    size_t ops, dtypes, attrs, one_bin, pairs_seen;
    size_t rarest[RARE_SHOWN], n_rare; /* places in op_table */
    struct bin_evenness skewed[SKEWED_SHOWN];
    size_t n_skewed;
    double rarest_share; /* of the mean */
    double ones, constant, fixed, uniform;
    size_t median, p90;
};

static void figure_ops(const struct census *c, struct figures *f)
{
    size_t wanted[OP_WEIGHTS_MAX], n = 0;
    for (size_t i = 0; i < op_count; i++) {
        if (c->policy->op_weight[i] > 0) {
            wanted[n++] = i;
        }
    }
    f->ops = n;
    f->op = evenness(c->by_op, op_count, n);
    for (; f->n_rare < RARE_SHOWN && f->n_rare < n; f->n_rare++) {
        size_t least = f->n_rare;
        for (size_t i = f->n_rare; i < n; i++) {
            least = c->by_op[wanted[i]] < c->by_op[wanted[least]] ? i : least;
        }
        size_t place = wanted[least];
        wanted[least] = wanted[f->n_rare];
        wanted[f->n_rare] = place;
        f->rarest[f->n_rare] = place;
    }
    f->rarest_share = c->n_nodes ? (double)(c->by_op[f->rarest[0]] * n) / (double)c->n_nodes : 0;
}

static void figure_dtypes(const struct census *c, struct figures *f)
{
    for (size_t i = 0; i < op_count; i++) {
        for (enum dtype d = 1; d < DTYPE_COUNT && c->policy->op_weight[i] > 0; d++) {
            f->dtypes += c->policy->any.pairs[i][d] != 0 && c->policy->dtype_weight[d] > 0;
        }
    }
    f->op_dtype = evenness(c->by_dtype[0], OP_WEIGHTS_MAX * DTYPE_COUNT, f->dtypes);
}

/* The least even ones in order. */
static void keep_skewed(struct figures *f, struct bin_evenness own)
{
    size_t at = SKEWED_SHOWN - 1;
    if (f->n_skewed < SKEWED_SHOWN) {
        at = f->n_skewed++;
    } else if (own.percent >= f->skewed[at].percent) {
        return;
    }
    f->skewed[at] = own;
    for (; at > 0 && f->skewed[at].percent < f->skewed[at - 1].percent; at--) {
        struct bin_evenness t = f->skewed[at];
        f->skewed[at] = f->skewed[at - 1];
        f->skewed[at - 1] = t;
    }
}

/* The mean over attributes that came up. */
static void figure_bins(const struct census *c, struct figures *f)
{
    for (size_t i = 0; i < op_count; i++) {
        for (size_t k = 0; k < OP_ATTRS_MAX; k++) {
            size_t seen = count_nonzero(c->by_bin[i][k], BINS);
            f->attrs += seen > 0;
            f->one_bin += seen == 1;
            if (seen > 0) {
                struct bin_evenness own = {evenness(c->by_bin[i][k], BINS, seen), i, k};
                f->bins += own.percent;
                keep_skewed(f, own);
            }
        }
    }
    f->bins = f->attrs ? f->bins / (double)f->attrs : 0;
}

static struct figures figures_of(struct census *c)
{
    struct figures f = {0};
    size_t n_pairs = OP_WEIGHTS_MAX * OP_WEIGHTS_MAX;
    figure_ops(c, &f);
    figure_dtypes(c, &f);
    figure_bins(c, &f);
    f.pairs_seen = count_nonzero(c->by_pair[0], n_pairs);
    f.pairs = evenness(c->by_pair[0], n_pairs, f.ops * f.ops);
    f.ones = bench_percent(c->n_ones, c->n_dims);
    f.fixed = bench_percent(c->n_fixed, c->n_evaluated);
    f.uniform = bench_percent(c->n_uniform, c->n_evaluated);
    f.constant = f.fixed + f.uniform;
    qsort(c->numel, c->n_values, sizeof(c->numel[0]), bench_by_size);
    f.median = c->n_values ? c->numel[c->n_values / 2] : 0;
    f.p90 = c->n_values ? c->numel[c->n_values * 9 / 10] : 0;
    return f;
}

static bool holds_floors(const struct figures *f)
{
    return f->rarest_share >= least_op && f->ones < most_ones && f->constant < most_constant &&
           f->median >= least_median && f->median <= most_median;
}

/* ---- printing ---- */

static double per_program(const struct census *c, size_t n)
{
    return c->n_programs ? (double)n / (double)c->n_programs : 0;
}

static void print_killers(const struct census *c)
{
    bool is_shown[OP_WEIGHTS_MAX] = {false};
    printf("  made constant by:");
    for (unsigned n = 0; n < KILLERS_SHOWN; n++) {
        size_t most = 0;
        for (size_t i = 0; i < op_count; i++) {
            bool is_more = is_shown[most] || c->by_killer[i] > c->by_killer[most];
            most = !is_shown[i] && is_more ? i : most;
        }
        is_shown[most] = true;
        if (c->by_killer[most] > 0) {
            printf(" %s %zu", op_table[most]->name, c->by_killer[most]);
        }
    }
    printf("\n");
}

static void print_figures(const struct scene *scene, const struct census *c,
                          const struct figures *f)
{
    printf("%s, %u ops: %zu programs%s\n", c->policy->name, c->policy->nodes, c->n_programs,
           scene->has_floors && !holds_floors(f) ? " (below a floor)" : "");
    printf("  evenness: ops %.1f %%, (op, dtype) %.1f %% of %zu, attribute bins %.1f %% of %zu "
           "attributes (%zu with one bin), op pairs %.1f %% (%zu of %zu)\n",
           f->op, f->op_dtype, f->dtypes, f->bins, f->attrs, f->one_bin, f->pairs, f->pairs_seen,
           f->ops * f->ops);
    printf("  least even attributes:");
    for (size_t i = 0; i < f->n_skewed; i++) {
        const struct bin_evenness *b = &f->skewed[i];
        printf(" %s.%s %.0f %%", op_table[b->op]->name, op_table[b->op]->attrs[b->attr].name,
               b->percent);
    }
    printf("\n");
    printf("  least frequent: %.2f of the mean (floor %.2f):", f->rarest_share, least_op);
    for (size_t i = 0; i < f->n_rare; i++) {
        printf(" %s %zu", op_table[f->rarest[i]]->name, c->by_op[f->rarest[i]]);
    }
    printf("\n  shapes: dims equal to 1 %.1f %% (under %.0f), numel median %zu (%zu to %zu), p90 "
           "%zu, max %zu; largest constant %zu\n",
           f->ones, most_ones, f->median, least_median, most_median, f->p90,
           c->n_values ? c->numel[c->n_values - 1] : 0, c->most_weight);
    printf("  a program: depth %.1f, %.1f inputs, %.1f constants, %.1f outputs, %.2f edges an op\n",
           per_program(c, c->depth), per_program(c, c->n_inputs), per_program(c, c->n_consts),
           per_program(c, c->n_outputs), c->n_nodes ? (double)c->n_edges / (double)c->n_nodes : 0);
    printf("  constant outputs: %.1f %% (under %.0f) of %zu: %.1f %% whatever the inputs, %.1f %% "
           "one element over and over\n",
           f->constant, most_constant, c->n_evaluated, f->fixed, f->uniform);
    print_killers(c);
    fflush(stdout);
}

static json_t *figures_json(const struct scene *scene, const struct census *c,
                            const struct figures *f)
{
    json_t *object = json_pack(
        "{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:s, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:f, "
        "s:f, s:f, s:f, s:b}",
        "policy", c->policy->name, "nodes", (json_int_t)c->policy->nodes, "programs",
        (json_int_t)c->n_programs, "op_evenness", f->op, "op_dtype_evenness", f->op_dtype,
        "attribute_evenness", f->bins, "op_pair_evenness", f->pairs, "op_pairs",
        (json_int_t)f->pairs_seen, "rarest_op", op_table[f->rarest[0]]->name, "rarest_of_mean",
        f->rarest_share, "dims_one_percent", f->ones, "numel_median", (json_int_t)f->median,
        "numel_p90", (json_int_t)f->p90, "largest_constant", (json_int_t)c->most_weight, "depth",
        per_program(c, c->depth), "inputs", per_program(c, c->n_inputs), "constants",
        per_program(c, c->n_consts), "outputs", per_program(c, c->n_outputs), "edges_per_op",
        c->n_nodes ? (double)c->n_edges / (double)c->n_nodes : 0, "constant_outputs_percent",
        f->constant, "floors_hold", !scene->has_floors || holds_floors(f));
    CHECK(object != NULL);
    return object;
}

/* ---- the subject ---- */

static struct census *census_new(const struct policy *policy, uint64_t tests, struct arena *arena)
{
    struct census *c = ARENA_ZARRAY(arena, struct census, 1);
    c->policy = policy;
    c->by_pair = arena_zalloc(arena, OP_WEIGHTS_MAX * sizeof(*c->by_pair));
    c->by_bin = arena_zalloc(arena, OP_WEIGHTS_MAX * sizeof(*c->by_bin));
    /* The first million values are enough for a median. */
    c->numel_capacity =
        tests * policy->nodes * 4 < 1000000 ? (size_t)tests * policy->nodes * 4 : 1000000;
    c->numel = ARENA_ARRAY(arena, size_t, c->numel_capacity);
    return c;
}

static enum err measure(const struct bench_settings *s, const struct scene *scene,
                        struct arena *arena, struct census **result)
{
    struct policy *policy;
    struct arena *memory = arena_new();
    enum err err = policy_load(scene->policy, arena, &policy);
    if (err == ERR_OK) {
        policy->nodes = scene->nodes > 0 ? scene->nodes : policy->nodes;
        policy_of_libraries(policy, policy->opset);
        err = policy_check(policy);
    }
    /* The same number of ops, whatever a program has of them. */
    uint64_t programs = (s->tests ? s->tests : TESTS) * 10 / (err == ERR_OK ? policy->nodes : 10);
    struct census *c = err == ERR_OK ? census_new(policy, programs + 1, arena) : NULL;
    for (uint64_t i = 0; c && i <= programs && !stop_requested; i++) {
        struct test test;
        arena_reset(memory);
        generate_test(policy, s->seed, i, MATERIALIZE_NONE, memory, &test);
        count_program(c, test.program, memory);
        if (i < EVALUATED_MAX) {
            count_constants(c, s->seed, i, memory);
        }
    }
    arena_free(memory);
    *result = c;
    return err;
}

static enum err run_diversity(const struct bench_settings *s, struct arena *arena, bool *failed)
{
    const struct scene own = {.policy = s->policy, .has_floors = true};
    const struct scene *all = s->policy ? &own : scenes;
    size_t n = s->policy ? 1 : ARRAY_SIZE(scenes);
    json_t *list = json_array();
    enum err err = ERR_OK;
    for (size_t i = 0; i < n && err == ERR_OK && !stop_requested; i++) {
        struct census *c;
        err = measure(s, &all[i], arena, &c);
        if (err != ERR_OK || stop_requested) {
            break;
        }
        struct figures f = figures_of(c);
        *failed |= all[i].has_floors && !holds_floors(&f);
        if (s->json) {
            CHECK(json_array_append_new(list, figures_json(&all[i], c, &f)) == 0);
        } else {
            print_figures(&all[i], c, &f);
        }
    }
    if (s->json && err == ERR_OK && !stop_requested) {
        char *text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(4));
        CHECK(text != NULL);
        printf("{\"diversity\": %s}\n", text);
        free(text);
    }
    json_decref(list);
    return err == ERR_OK && stop_requested ? err_set(ERR_STOPPED, "stopped") : err;
}

const struct bench_subject bench_diversity = {
    .name = "diversity",
    .summary = "what generated programs are made of: evenness, shapes, constant outputs",
    .run = run_diversity,
};
