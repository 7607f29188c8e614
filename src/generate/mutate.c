/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline `mutate`: LEMON (Wang et al., Deep learning library testing via effective model
 * generation, ESEC/FSE 2020). A model of a pool, at first the seeds, is changed by one of twelve
 * rules: a layer is removed, copied, switched with another one, one or several added, an activation
 * removed or replaced, or what weights hold is changed in one of five ways. Layers come and go only
 * where a value's dtype and shape stay, as in the paper; a mutant that does not come together is
 * given up and another one made. Which model and which rule follow the paper too: a model with the
 * chance 1 / (times it was taken + 1), a rule by Metropolis and Hastings from the last one, by
 * their ranks. Inputs are drawn plainly, not searched for.
 *
 * What differs from the paper: there a rule does well, and a mutant joins the pool, when outputs of
 * two libraries differ more than the parent's. What a run gave must not decide a test here, so both
 * go by what no model of the chain held before (coverage.c), which is what its layer rules are for;
 * rules for weights add no such thing and rank last, but are taken still. A constant that a rule
 * added has its elements drawn anew in each mutant.
 */
#include <string.h>

#include "generate/mutate.h"

/* A mutant may have so many layers more than twice its seed's. */
enum { GROWTH = 8 };

static mutation_fn remove_layer, switch_layers, copy_layer, add_layer, add_layers,
    remove_activation, replace_activation;
static mutation_fn *const rules[] = {remove_layer,       switch_layers, copy_layer,
                                     add_layer,          add_layers,    remove_activation,
                                     replace_activation, weights_fuzz,  weights_shuffle,
                                     weights_invert,     weights_block, weights_switch};
enum { RULES = ARRAY_SIZE(rules) };

/* ---- the model as layers ---- */

static void mutant_init(struct mutant *m, struct maker *g, const struct program *seed,
                        uint32_t n_most)
{
    uint32_t n_values = seed->n_values + ADDED_MAX;
    *m = (struct mutant){.g = g,
                         .seed = seed,
                         .n = seed->n_nodes,
                         .n_most = n_most,
                         .n_values = seed->n_values,
                         .layers = ARENA_ZARRAY(g->arena, struct layer, seed->n_nodes + ADDED_MAX),
                         .like = ARENA_ARRAY(g->arena, uint32_t, n_values),
                         .made = ARENA_ARRAY(g->arena, uint32_t, n_values),
                         .weights = ARENA_ZARRAY(g->arena, void *, seed->n_values)};
    for (uint32_t id = 0; id < n_values; id++) {
        m->like[id] = id;
        m->made[id] = VALUE_ABSENT;
    }
    for (uint32_t i = 0; i < seed->n_nodes; i++) {
        const struct node *node = &seed->nodes[i];
        struct layer *l = &m->layers[i];
        *l = (struct layer){.op = node->op,
                            .n_in = node->n_in,
                            .n_out = node->n_out,
                            .n_attrs = node->n_attrs,
                            .attrs = node->attrs};
        memcpy(l->in, node->in, node->n_in * sizeof(*l->in));
        memcpy(l->out, node->out, node->n_out * sizeof(*l->out));
    }
}

/* ---- mutations ---- */

static const struct value *value_like(const struct mutant *m, uint32_t id)
{
    return &m->seed->values[m->like[id]];
}

/* One result, as its first input is. */
static bool keeps_value(const struct mutant *m, const struct layer *l)
{
    const struct value *in = value_like(m, l->in[0]), *out = value_like(m, l->out[0]);
    return l->n_out == 1 && in->dtype == out->dtype && shape_equal(&in->shape, &out->shape);
}

static bool is_activation(const struct op *op)
{
    return op->elementwise && op_n_inputs(op) == 1 && !op->in[0].variadic;
}

/* Layers from `first` on read `now` where they read `old`. */
static void redirect(struct mutant *m, uint32_t first, uint32_t old, uint32_t now)
{
    for (uint32_t i = first; i < m->n; i++) {
        for (uint32_t k = 0; k < m->layers[i].n_in; k++) {
            if (m->layers[i].in[k] == old) {
                m->layers[i].in[k] = now;
            }
        }
    }
}

/* Behind layer i: reads its first result, which all later layers then get from the new one. */
static void insert_behind(struct mutant *m, uint32_t i, struct layer l)
{
    uint32_t old = m->layers[i].out[0], now = m->n_values++;
    m->like[now] = m->like[old];
    redirect(m, i + 1, old, now);
    memmove(&m->layers[i + 2], &m->layers[i + 1], (m->n - i - 1) * sizeof(*m->layers));
    m->n++;
    l.in[0] = old;
    l.out[0] = now;
    m->layers[i + 1] = l;
}

static bool remove_layer(struct mutant *m, uint32_t i)
{
    struct layer *l = &m->layers[i];
    if (!keeps_value(m, l) || m->n == 1) {
        return false;
    }
    redirect(m, i + 1, l->out[0], l->in[0]);
    m->n--;
    memmove(l, l + 1, (m->n - i) * sizeof(*l));
    return true;
}

static bool remove_activation(struct mutant *m, uint32_t i)
{
    return is_activation(m->layers[i].op) && remove_layer(m, i);
}

static bool copy_layer(struct mutant *m, uint32_t i)
{
    if (!keeps_value(m, &m->layers[i]) || m->n == m->n_most) {
        return false;
    }
    insert_behind(m, i, m->layers[i]);
    return true;
}

static const struct op *draw_activation(struct maker *g)
{
    enum { DRAWS = 64 };
    const struct op *op = NULL;
    for (int i = 0; i < DRAWS && !op; i++) {
        const struct op *drawn = op_table[draw_op(g)];
        op = is_activation(drawn) ? drawn : NULL;
    }
    return op;
}

/* Of an op that takes such a value, its other inputs new. Whether it gives one like it shows when
 * it is made. */
static bool draw_layer(const struct mutant *m, uint32_t like, struct layer *l)
{
    enum { DRAWS = 16 };
    const struct value *v = value_like(m, like);
    for (int i = 0; i < DRAWS; i++) {
        const struct op *op = op_table[draw_op(m->g)];
        *l = (struct layer){.op = op};
        draw_counts(m->g, op, &l->n_in, &l->n_out);
        for (uint32_t k = 1; k < l->n_in; k++) {
            l->in[k] = op_input_spec(op, k)->optional ? VALUE_ABSENT : VALUE_NEW;
        }
        if (l->n_out == 1 && dtype_in(v->dtype, op->in[0].dtypes) &&
            dtype_in(v->dtype, op->out[0].dtypes) && rank_fits(&op->in[0], v->shape.rank)) {
            return true;
        }
    }
    return false;
}

static bool add_layer(struct mutant *m, uint32_t i)
{
    struct layer l;
    if (m->n == m->n_most || !draw_layer(m, m->layers[i].out[0], &l)) {
        return false;
    }
    insert_behind(m, i, l);
    return true;
}

/* A row: one, and activations behind it. */
static bool add_layers(struct mutant *m, uint32_t i)
{
    uint32_t n = 2 + (uint32_t)rng_below(&m->g->rng, ADDED_MAX - 1);
    if (m->n + n > m->n_most || !add_layer(m, i)) {
        return false;
    }
    for (uint32_t k = 1; k < n; k++) {
        const struct op *op = draw_activation(m->g);
        if (op) {
            insert_behind(m, i + k, (struct layer){.op = op, .n_in = 1, .n_out = 1});
        }
    }
    return true;
}

static bool replace_activation(struct mutant *m, uint32_t i)
{
    struct layer *l = &m->layers[i];
    const struct op *op =
        is_activation(l->op) && l->n_in == 1 && keeps_value(m, l) ? draw_activation(m->g) : NULL;
    if (!op || op == l->op) {
        return false;
    }
    l->op = op;
    l->n_attrs = 0;
    return true;
}

/* Its inputs but the first are there wherever the layer goes. */
static bool is_free(const struct mutant *m, const struct layer *l)
{
    bool is = keeps_value(m, l);
    for (uint32_t k = 1; k < l->n_in && is; k++) {
        is = l->in[k] == VALUE_ABSENT ||
             (l->in[k] < m->seed->n_values && m->seed->values[l->in[k]].kind != VALUE_NODE);
    }
    return is;
}

/* With any other one that keeps a value like this one's. */
static bool switch_layers(struct mutant *m, uint32_t i)
{
    uint32_t j = (uint32_t)rng_below(&m->g->rng, m->n);
    struct layer *a = &m->layers[i], *b = &m->layers[j];
    if (a->op == b->op || !is_free(m, a) || !is_free(m, b)) {
        return false;
    }
    const struct value *va = value_like(m, a->in[0]), *vb = value_like(m, b->in[0]);
    if (va->dtype != vb->dtype || !shape_equal(&va->shape, &vb->shape)) {
        return false;
    }
    struct layer old = *a;
    uint32_t in = b->in[0], out = b->out[0];
    *a = *b;
    a->in[0] = old.in[0];
    a->out[0] = old.out[0];
    *b = old;
    b->in[0] = in;
    b->out[0] = out;
    return true;
}

/* At some layer; false: at none of those that were tried. */
static bool apply(struct mutant *m, uint32_t rule)
{
    enum { PLACES = 32 };
    bool is_done = false;
    for (int i = 0; i < PLACES && !is_done; i++) {
        is_done = rules[rule](m, (uint32_t)rng_below(&m->g->rng, m->n));
    }
    return is_done;
}

/* ---- the new program ---- */

/* The value of the new program for one that a layer reads. */
static uint32_t value_made(struct mutant *m, uint32_t id)
{
    struct maker *g = m->g;
    if (id == VALUE_ABSENT || m->made[id] != VALUE_ABSENT) {
        return id == VALUE_ABSENT ? VALUE_ABSENT : m->made[id];
    }
    CHECK(id < m->seed->n_values && m->seed->values[id].kind != VALUE_NODE);
    struct value v = m->seed->values[id];
    v.data = m->weights[id] ? m->weights[id] : v.data;
    maker_reserve(g, 1);
    m->made[id] = v.kind == VALUE_INPUT ? program_add_input(g->p, "", v.dtype, &v.shape)
                                        : program_add_const(g->p, "", v.dtype, &v.shape, v.data);
    struct facts *f = &g->facts[m->made[id]];
    *f = leaf_facts(m->seed, id, &g->rng);
    f->range = v.data ? range_of_data(&v) : f->range;
    return m->made[id];
}

static bool make_layer(struct mutant *m, const struct layer *l)
{
    struct maker *g = m->g;
    struct attempt a;
    attempt_init(g, &a, op_index(l->op), l->n_in, l->n_out);
    for (uint32_t k = 0; k < l->n_in; k++) {
        uint32_t id = l->in[k] == VALUE_NEW ? VALUE_NEW : value_made(m, l->in[k]);
        if (!IS_VALUE(id)) {
            a.value[k] = id;
        } else if (g->p->values[id].dtype != value_like(m, l->in[k])->dtype) {
            return false;
        } else {
            attempt_give_input(g, &a, k, id);
        }
    }
    for (uint32_t i = 0; i < l->n_attrs; i++) {
        a.attr[a.n_attrs++] = l->attrs[i];
    }
    a.out_dtype = value_like(m, l->out[0])->dtype;
    if (!attempt_choose(g, &a)) {
        return false;
    }
    a.risk = HAZARD_TRAP; /* the seed's author knows */
    if (!attempt_make(g, &a)) {
        return false;
    }
    const struct node *node = &g->p->nodes[a.node];
    bool is_like = node->n_out == l->n_out;
    for (uint32_t o = 0; o < l->n_out && is_like; o++) {
        const struct value *v = &g->p->values[node->out[o]], *like = value_like(m, l->out[o]);
        is_like = v->dtype == like->dtype && shape_equal(&v->shape, &like->shape);
        m->made[l->out[o]] = node->out[o];
    }
    return is_like;
}

static void begin_maker(struct maker *g, const struct policy *policy, struct rng rng,
                        struct arena *arena)
{
    maker_init(g, policy, true, rng, arena);
    g->support = &policy->any; /* what a seed has is not the policy's to choose */
    g->rank_limit = RANK_MAX;
    g->numel_max = policy->numel_max;
    g->may_be_empty = true;
    g->is_unsteered = true;
}

static bool replay(struct mutant *m)
{
    bool is_made = true;
    for (uint32_t i = 0; i < m->n && is_made; i++) {
        is_made = make_layer(m, &m->layers[i]);
    }
    return is_made;
}

/* ---- which model, which rule ---- */

struct model {
    const struct program *program;
    uint32_t n_taken, n_most; /* n_most: of its mutants' layers */
};

struct pool {
    uint32_t n;
    struct model *models;                        /* the seeds, then mutants */
    uint32_t n_used[RULES], n_good[RULES], last; /* last: RULES while there is none */
    struct coverage coverage;
};

static void *mutate_begin(const struct policy *policy, struct arena *arena)
{
    struct pool *pool = ARENA_ZARRAY(arena, struct pool, 1);
    CHECK(policy->n_seeds > 0);
    pool->last = RULES;
    pool->models = ARENA_ZARRAY(arena, struct model, policy->n_seeds + CHAIN_TESTS);
    for (size_t i = 0; i < policy->n_seeds; i++) {
        const struct program *seed = policy->seed[i];
        pool->models[pool->n++] =
            (struct model){.program = seed, .n_most = 2 * seed->n_nodes + GROWTH};
        coverage_add(&pool->coverage, seed);
    }
    return pool;
}

static uint32_t draw_model(const struct pool *pool, struct rng *rng)
{
    double sum = 0, up_to = 0;
    for (uint32_t i = 0; i < pool->n; i++) {
        sum += 1.0 / (pool->models[i].n_taken + 1);
    }
    double drawn = sum * rng_unit(rng);
    for (uint32_t i = 0; i < pool->n; i++) {
        up_to += 1.0 / (pool->models[i].n_taken + 1);
        if (drawn < up_to) {
            return i;
        }
    }
    return pool->n - 1;
}

/* Rules that did better, or as well and stand before it; one that was not used yet did well. */
static uint32_t rank_of(const struct pool *pool, uint32_t rule)
{
    double ratio[RULES];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < RULES; i++) {
        uint32_t n = pool->n_used[i];
        ratio[i] = n > 0 ? (double)pool->n_good[i] / (double)n : 1;
    }
    for (uint32_t i = 0; i < RULES; i++) {
        rank += ratio[i] > ratio[rule] || (i < rule && ratio[i] >= ratio[rule]);
    }
    return rank;
}

/* The step from the last rule to another one is taken with (1 - p)^(how many ranks lower it is); p
 * is one by the number of rules. */
static uint32_t draw_rule(const struct pool *pool, struct rng *rng)
{
    for (;;) {
        uint32_t rule = (uint32_t)rng_below(rng, RULES);
        double chance = 1;
        if (pool->last < RULES) {
            uint32_t from = rank_of(pool, pool->last), to = rank_of(pool, rule);
            for (uint32_t i = from; i < to; i++) {
                chance *= 1 - 1.0 / (double)RULES;
            }
        }
        if (rng_unit(rng) < chance) {
            return rule;
        }
    }
}

static bool make_mutant(const struct model *model, uint32_t rule, const struct policy *policy,
                        struct rng rng, struct arena *arena, struct graph *graph)
{
    struct maker g;
    struct mutant m;
    begin_maker(&g, policy, rng, arena);
    mutant_init(&m, &g, model->program, model->n_most);
    if (!apply(&m, rule) || !replay(&m)) {
        return false;
    }
    *graph = maker_finish_plain(&g);
    return true;
}

static struct graph mutate_make(const void *state, const struct policy *policy, struct rng rng,
                                struct arena *arena)
{
    /* So often a model and a rule are drawn, and a mutant by them tried. */
    enum { PAIRS = 12, TRIES = 4 };
    const struct pool *pool = state;
    struct graph graph;
    uint32_t model = 0;
    for (uint64_t i = 0; i < PAIRS; i++) {
        model = draw_model(pool, &rng);
        uint32_t rule = draw_rule(pool, &rng);
        for (uint64_t k = 0; k < TRIES; k++) {
            if (make_mutant(&pool->models[model], rule, policy, rng_split(&rng, i * TRIES + k),
                            arena, &graph)) {
                graph.choice[0] = model;
                graph.choice[1] = rule;
                return graph;
            }
        }
    }
    graph = graph_of(program_clone(pool->models[model].program, arena), &rng, arena); /* as it is */
    graph.choice[0] = model;
    graph.choice[1] = RULES;
    return graph;
}

static void mutate_learn(void *state, const struct graph *graph, struct arena *arena)
{
    struct pool *pool = state;
    struct model *parent = &pool->models[graph->choice[0]];
    uint32_t rule = graph->choice[1];
    parent->n_taken++;
    if (rule == RULES) {
        return;
    }
    bool is_good = coverage_add(&pool->coverage, graph->program).n_new > 0;
    pool->n_used[rule]++;
    pool->n_good[rule] += is_good;
    pool->last = rule;
    if (is_good) {
        pool->models[pool->n++] = (struct model){.program = program_clone(graph->program, arena),
                                                 .n_most = parent->n_most};
    }
}

const struct learner mutate_learner = {mutate_begin, mutate_make, mutate_learn};
