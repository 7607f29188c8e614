/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline `mutate`: seed models with some of their layers changed, as LEMON does (Wang et al.,
 * Deep learning library testing via effective model generation, ESEC/FSE 2020): a layer is removed,
 * copied, added, swapped with the next one, its activation is another one, or its attributes are
 * drawn again. The first three only where a value's dtype and shape stay, as in the paper; a mutant
 * that does not come together is given up and another one made. Changes of weights' values and the
 * choice of mutations by how much outputs then differ are not here.
 */
#include <math.h>
#include <string.h>

#include "generate/generate_internal.h"

enum { MUTATIONS_MAX = 6, ADDED_MAX = MUTATIONS_MAX, TRIES = 24 };

/* A layer as it is to be: values are ids of the seed's, from its n_values on new ones. */
struct layer {
    const struct op *op;
    uint32_t n_in, n_out, n_attrs;
    uint32_t in[OP_INPUTS_MAX], out[OP_OUTPUTS_MAX];
    const struct attr *attrs;
};

struct mutant {
    struct maker *g;
    const struct program *seed;
    uint32_t n, n_values;
    struct layer *layers;
    uint32_t *like; /* by id: the seed's value whose dtype and shape it has */
    uint32_t *made; /* by id: the value of the new program; VALUE_ABSENT: none yet */
};

static void mutant_init(struct mutant *m, struct maker *g, const struct program *seed)
{
    uint32_t n_values = seed->n_values + ADDED_MAX;
    *m = (struct mutant){.g = g,
                         .seed = seed,
                         .n = seed->n_nodes,
                         .n_values = seed->n_values,
                         .layers = ARENA_ZARRAY(g->arena, struct layer, seed->n_nodes + ADDED_MAX),
                         .like = ARENA_ARRAY(g->arena, uint32_t, n_values),
                         .made = ARENA_ARRAY(g->arena, uint32_t, n_values)};
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

static bool copy_layer(struct mutant *m, uint32_t i)
{
    if (!keeps_value(m, &m->layers[i])) {
        return false;
    }
    insert_behind(m, i, m->layers[i]);
    return true;
}

/* An op that takes one value and gives one like it. */
static const struct op *draw_activation(struct maker *g)
{
    enum { DRAWS = 64 };
    const struct op *op = NULL;
    for (int i = 0; i < DRAWS && !op; i++) {
        const struct op *drawn = draw_op(g);
        op = is_activation(drawn) ? drawn : NULL;
    }
    return op;
}

static bool add_layer(struct mutant *m, uint32_t i)
{
    const struct op *op = draw_activation(m->g);
    if (op) {
        insert_behind(m, i, (struct layer){.op = op, .n_in = 1, .n_out = 1});
    }
    return op != NULL;
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

/* With the layer that reads it next, if both keep the value. */
static bool swap_layers(struct mutant *m, uint32_t i)
{
    struct layer *a = &m->layers[i], *b = a + 1;
    if (i + 1 >= m->n || b->in[0] != a->out[0] || a->op == b->op || !keeps_value(m, a) ||
        !keeps_value(m, b)) {
        return false;
    }
    for (uint32_t k = 1; k < b->n_in; k++) {
        if (b->in[k] == a->out[0]) {
            return false;
        }
    }
    struct layer old = *a;
    uint32_t in = a->in[0], between = a->out[0], out = b->out[0];
    *a = *b;
    *b = old;
    a->in[0] = in;
    a->out[0] = b->in[0] = between;
    b->out[0] = out;
    return true;
}

static bool redraw_attributes(struct mutant *m, uint32_t i)
{
    bool has_any = m->layers[i].n_attrs > 0;
    m->layers[i].n_attrs = 0;
    return has_any;
}

typedef bool mutation_fn(struct mutant *m, uint32_t layer);
static mutation_fn *const mutations[] = {remove_layer,       copy_layer,  add_layer,
                                         replace_activation, swap_layers, redraw_attributes};

static void mutate(struct mutant *m)
{
    enum { PLACES = 32 };
    struct rng *rng = &m->g->rng;
    uint32_t n = 1 + (uint32_t)rng_below(rng, MUTATIONS_MAX);
    while (n-- > 0) {
        mutation_fn *mutation = mutations[rng_below(rng, ARRAY_SIZE(mutations))];
        for (int tries = 0; tries < PLACES; tries++) {
            if (mutation(m, (uint32_t)rng_below(rng, m->n))) {
                break;
            }
        }
    }
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
    const struct value *v = &m->seed->values[id];
    maker_reserve(g, 1);
    m->made[id] = v->kind == VALUE_INPUT
                      ? program_add_input(g->p, "", v->dtype, &v->shape)
                      : program_add_const(g->p, "", v->dtype, &v->shape, v->data);
    g->facts[m->made[id]] = leaf_facts(m->seed, id, &g->rng);
    return m->made[id];
}

static bool make_layer(struct mutant *m, const struct layer *l)
{
    struct maker *g = m->g;
    struct attempt a;
    attempt_init(g, &a, l->op, l->n_in, l->n_out);
    for (uint32_t k = 0; k < l->n_in; k++) {
        uint32_t id = value_made(m, l->in[k]);
        if (id == VALUE_ABSENT) {
            a.value[k] = VALUE_ABSENT;
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
    for (uint32_t o = 0; o < l->n_out && o < node->n_out; o++) {
        m->made[l->out[o]] = node->out[o];
    }
    return node->n_out == l->n_out;
}

static void begin(struct maker *g, const struct policy *policy, struct rng rng, struct arena *arena)
{
    maker_init(g, policy, true, rng, arena);
    g->support = &policy->any; /* what a seed has is not the policy's to choose */
    g->rank_limit = RANK_MAX;
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

struct graph mutate_make(const struct policy *policy, bool is_clean, struct rng rng,
                         struct arena *arena)
{
    (void)is_clean; /* LEMON does not ask */
    CHECK(policy->n_seeds > 0);
    const struct program *seed = policy->seed[rng_below(&rng, policy->n_seeds)];
    for (uint64_t i = 0; i < TRIES; i++) {
        struct maker g;
        struct mutant m;
        begin(&g, policy, rng_split(&rng, i), arena);
        mutant_init(&m, &g, seed);
        mutate(&m);
        if (replay(&m)) {
            struct graph graph = maker_finish(&g);
            graph.is_clean = !graph.is_unproven;
            graph.is_unproven = false; /* no search: inputs stay as drawn */
            return graph;
        }
    }
    return graph_of(program_clone(seed, arena), &rng, arena); /* as it is */
}
