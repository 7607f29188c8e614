/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs, op by op, forward. For each: an op and dtypes by the policy's weights among what is
 * supported; for each input an existing value that fits or a new one; structure, relation, a
 * solution with hints for the new dims; then value ranges decide whether it stays. What does not
 * fit is undone and something else tried.
 */
#include <math.h>
#include <string.h>

#include "generate/generate_internal.h"

/* In place of a value id: to be made. */
#define VALUE_NEW (UINT32_MAX - 1)

struct maker {
    const struct policy *policy;
    const struct support *support;
    struct arena *arena;
    struct program *p;
    struct relation *r;
    struct rng rng;
    struct facts *facts;
    uint32_t facts_capacity;
    bool is_clean, is_unproven, may_be_empty;
    uint32_t special_kinds;
    uint32_t op_weight[OP_WEIGHTS_MAX];
};

/* One op on its way into the program. */
struct attempt {
    const struct op *op;
    uint32_t n_in, n_out;
    enum dtype out_dtype;
    enum dtype dtype[OP_INPUTS_MAX];
    uint32_t value[OP_INPUTS_MAX]; /* id, VALUE_NEW or VALUE_ABSENT */
    int rank;                      /* of input 0 when it is new */
    struct instance instance;
};

static bool percent(struct maker *g, uint32_t share)
{
    return rng_chance(&g->rng, share, 100);
}

/* ---- facts ---- */

static void reserve_facts(struct maker *g, uint32_t more)
{
    uint32_t n = g->p->n_values;
    if (n + more <= g->facts_capacity) {
        return;
    }
    uint32_t capacity = 2 * (n + more) + 64;
    struct facts *grown = ARENA_ARRAY(g->arena, struct facts, capacity);
    if (n > 0) {
        memcpy(grown, g->facts, n * sizeof(*grown));
    }
    g->facts = grown;
    g->facts_capacity = capacity;
}

/* ---- choosing ---- */

/* A dtype of the set by the policy's weights; any of it when none has one; DTYPE_NONE for none. */
static enum dtype draw_dtype(struct maker *g, dtype_set set)
{
    uint32_t weights[DTYPE_COUNT] = {0};
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        weights[d] = dtype_in(d, set) ? g->policy->dtype_weight[d] : 0;
    }
    size_t drawn = rng_weighted(&g->rng, weights, DTYPE_COUNT);
    for (enum dtype d = 1; d < DTYPE_COUNT && drawn == DTYPE_COUNT; d++) {
        drawn = dtype_in(d, set) ? (size_t)d : drawn;
    }
    return drawn < DTYPE_COUNT ? (enum dtype)drawn : DTYPE_NONE;
}

/* Right-aligned, as broadcasting sees them. */
static bool shapes_agree(const struct shape *a, const struct shape *b)
{
    for (int back = 1; back <= a->rank && back <= b->rank; back++) {
        int64_t x = a->dim[a->rank - back], y = b->dim[b->rank - back];
        if (x != y && x != 1 && y != 1) {
            return false;
        }
    }
    return true;
}

/* How gladly it is taken, of 16: unused results first; what has shrunk to ones less. */
static unsigned appeal(const struct maker *g, uint32_t id, const struct shape *like)
{
    const struct value *v = &g->p->values[id];
    unsigned chance = g->facts[id].uses == 0 ? 14 : v->kind == VALUE_NODE ? 5 : 3;
    unsigned ones = 0;
    for (int d = 0; d < v->shape.rank; d++) {
        ones += v->shape.dim[d] == 1;
    }
    chance = ones > 1 ? chance / ones : chance;
    return like && !shapes_agree(like, &v->shape) ? chance / 6 : chance;
}

/*
 * An existing value, by a walk backwards from the newest (or, now and then, from anywhere): each
 * that fits is taken with the chance of its appeal. like: shapes that broadcast with it are
 * preferred. VALUE_NEW when nothing was taken.
 */
static uint32_t pick_existing(struct maker *g, dtype_set set, const struct slot_spec *spec,
                              const struct shape *like)
{
    enum { WALK_MAX = 48 };
    uint32_t n = g->p->n_values;
    if (n == 0) {
        return VALUE_NEW;
    }
    uint32_t at = rng_chance(&g->rng, 1, 4) ? (uint32_t)rng_below(&g->rng, n) : n - 1;
    uint32_t last = VALUE_NEW;
    for (uint32_t step = 0; step < WALK_MAX && step < n; step++) {
        const struct value *v = &g->p->values[at];
        bool fits = dtype_in(v->dtype, set) && v->shape.rank >= spec->rank_min &&
                    v->shape.rank <= spec->rank_max;
        if (fits) {
            if (rng_below(&g->rng, 16) < appeal(g, at, like)) {
                return at;
            }
            last = like ? last : at;
        }
        at = at == 0 ? n - 1 : at - 1;
    }
    return last;
}

static int draw_rank(struct maker *g, const struct slot_spec *spec)
{
    uint32_t weights[RANK_MAX + 1] = {0};
    for (int k = 0; k <= RANK_MAX; k++) {
        bool fits = k >= spec->rank_min && k <= spec->rank_max;
        weights[k] = fits ? g->policy->rank_weight[k] : 0;
    }
    size_t rank = rng_weighted(&g->rng, weights, RANK_MAX + 1);
    return rank <= RANK_MAX ? (int)rank : (int)spec->rank_min;
}

static const struct slot_spec *leader_of(const struct op *op, const struct slot_spec *spec)
{
    for (size_t k = 0; spec->same_as && k < OP_INPUTS_MAX && op->in[k].name; k++) {
        if (strcmp(op->in[k].name, spec->same_as) == 0) {
            return leader_of(op, &op->in[k]);
        }
    }
    return spec;
}

/* The dtype that slot k must have because of slots already chosen; DTYPE_NONE: free. */
static enum dtype dtype_so_far(const struct attempt *a, uint32_t k)
{
    const struct slot_spec *leader = leader_of(a->op, op_input_spec(a->op, k));
    if (leader_of(a->op, &a->op->out[0]) == leader) {
        return a->out_dtype;
    }
    for (uint32_t i = 0; i < k; i++) {
        if (leader_of(a->op, op_input_spec(a->op, i)) == leader) {
            return a->dtype[i];
        }
    }
    return DTYPE_NONE;
}

/* Of an input slot already chosen. */
static enum dtype dtype_of_slot(const struct attempt *a, const char *name)
{
    uint32_t k = 0;
    while (strcmp(a->op->in[k].name, name) != 0) {
        k++;
    }
    return a->dtype[k];
}

/* Input 0: it selects the row of the support table. */
static bool choose_first(struct maker *g, struct attempt *a)
{
    const dtype_set *pairs = g->support->pairs[op_index(a->op)];
    dtype_set usable = 0;
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        usable |= pairs[d] ? (dtype_set)1 << d : 0;
    }
    a->value[0] = VALUE_NEW;
    if (percent(g, g->policy->reuse_percent)) {
        a->value[0] = pick_existing(g, usable, &a->op->in[0], NULL);
    }
    a->dtype[0] =
        a->value[0] == VALUE_NEW ? draw_dtype(g, usable) : g->p->values[a->value[0]].dtype;
    a->rank = a->value[0] == VALUE_NEW ? draw_rank(g, &a->op->in[0]) : -1;
    a->out_dtype = a->dtype[0] != DTYPE_NONE ? draw_dtype(g, pairs[a->dtype[0]]) : DTYPE_NONE;
    return a->out_dtype != DTYPE_NONE;
}

/* Is the value known well enough to be an index into some dim? */
static bool may_index(const struct maker *g, uint32_t id)
{
    const struct facts *f = &g->facts[id];
    real most = g->policy->dim_max;
    return !f->assumed && !f->range.may_nan && f->range.lo >= -most && f->range.hi < most;
}

static void choose_other(struct maker *g, struct attempt *a, uint32_t k)
{
    const struct slot_spec *spec = op_input_spec(a->op, k);
    a->value[k] = VALUE_ABSENT;
    a->dtype[k] = dtype_so_far(a, k);
    if (spec->optional && rng_chance(&g->rng, 1, 2)) {
        return;
    }
    if (a->dtype[k] == DTYPE_NONE && spec->mostly_as && rng_chance(&g->rng, 3, 4)) {
        a->dtype[k] = dtype_of_slot(a, spec->mostly_as);
    }
    dtype_set set = a->dtype[k] != DTYPE_NONE ? (dtype_set)1 << a->dtype[k] : spec->dtypes;
    bool is_index = a->op->index_inputs >> k & 1;
    /* An existing value seldom has the right shape of a weight. */
    uint32_t share = g->policy->reuse_percent / (spec->constant_likely ? 4 : 1);
    a->value[k] = VALUE_NEW;
    if (percent(g, share)) {
        const struct shape *like =
            a->value[0] == VALUE_NEW || is_index ? NULL : &g->p->values[a->value[0]].shape;
        a->value[k] = pick_existing(g, set, spec, like);
    }
    if (is_index && a->value[k] < VALUE_NEW &&
        (a->op->unique_indices || !may_index(g, a->value[k]))) {
        a->value[k] = VALUE_NEW;
    }
    /* x - x and the like say little: a new value instead. */
    for (uint32_t i = 0; i < k && a->value[k] < VALUE_NEW; i++) {
        bool is_twin = a->value[i] == a->value[k] && !percent(g, g->policy->twin_percent);
        a->value[k] = is_twin ? VALUE_NEW : a->value[k];
    }
    a->dtype[k] = a->value[k] == VALUE_NEW ? draw_dtype(g, set) : g->p->values[a->value[k]].dtype;
}

static bool choose(struct maker *g, struct attempt *a)
{
    size_t place = rng_weighted(&g->rng, g->op_weight, op_count);
    CHECK(place < op_count);
    a->op = op_table[place];
    a->n_in = (uint32_t)op_n_inputs(a->op);
    if (a->op->in[a->n_in - 1].variadic) {
        /* Two more times out of three, up to the most a node may have. */
        a->n_in += (uint32_t)rng_below(&g->rng, 3);
        while (a->n_in < OP_INPUTS_MAX && rng_chance(&g->rng, 1, 8)) {
            a->n_in++;
        }
    }
    a->n_out = op_draw_n_out(a->op, &g->rng);
    if (!choose_first(g, a)) {
        return false;
    }
    for (uint32_t k = 1; k < a->n_in; k++) {
        choose_other(g, a, k);
    }
    while (a->n_in > 0 && a->value[a->n_in - 1] == VALUE_ABSENT) {
        a->n_in--;
    }
    return true;
}

/* ---- dims ---- */

/* Dims of a new tensor: their product is log-uniform up to numel_max, split at random, few ones. */
static void draw_dims(struct maker *g, int rank, int64_t *dims)
{
    int64_t most = g->policy->numel_max;
    int64_t least = rank < 20 && (int64_t)1 << rank < most ? (int64_t)1 << rank : 1;
    int64_t left = rng_log_range(&g->rng, least, most);
    uint32_t order[RANK_MAX];
    for (int d = 0; d < rank; d++) {
        order[d] = (uint32_t)d;
    }
    rng_shuffle(&g->rng, order, (size_t)rank);
    for (int k = 0; k < rank; k++) {
        int64_t dim = left;
        if (percent(g, g->policy->one_percent)) {
            dim = 1;
        } else if (k < rank - 1) {
            /* A bit length around the fair share of what is left. */
            int bits = 64 - __builtin_clzll((unsigned long long)left);
            int share = bits / (rank - k) > 1 ? bits / (rank - k) : 1;
            int own = 1 + (int)rng_below(&g->rng, (uint64_t)(2 * share - 1));
            dim = rng_range(&g->rng, (int64_t)1 << own, ((int64_t)2 << own) - 1);
        }
        dim = dim > g->policy->dim_max ? g->policy->dim_max : dim;
        CHECK(dim >= 1);
        left = left / dim > 1 ? left / dim : 2;
        bool is_zero = g->may_be_empty && percent(g, g->policy->zero_percent);
        dims[order[k]] = is_zero ? 0 : dim;
    }
}

/* Variables for a new tensor's dims, hinted: as in `model` seen from the right, where that has a
 * dim, now and then 1 to be broadcast; beyond it drawn. */
static void make_dims(struct maker *g, struct slot *s, const struct shape *model, bool is_model)
{
    int64_t drawn[RANK_MAX] = {0};
    if (s->rank > model->rank) {
        draw_dims(g, s->rank, drawn);
    }
    for (int d = 0; d < s->rank; d++) {
        int from = d - s->rank + model->rank;
        int64_t hint = from >= 0 ? model->dim[from] : drawn[d];
        if (!is_model && percent(g, g->policy->one_percent)) {
            hint = 1;
        }
        s->dim[d] = relation_var(g->r, g->may_be_empty ? 0 : 1, g->policy->dim_max);
        relation_prefer_log(g->r, s->dim[d]);
        relation_hint(g->r, s->dim[d], hint);
    }
}

static void limit_numel(struct maker *g, const struct slot *s)
{
    relate_product_le(g->r, (size_t)s->rank, s->dim, g->policy->numel_max);
}

static void limit_work(struct maker *g, struct instance *m)
{
    var factors[2 * RANK_MAX];
    if (m->op->work) {
        size_t n = m->op->work(m, factors);
        relate_product_le(g->r, n, factors, g->policy->work_max);
    }
}

static void make_variables(struct maker *g, struct attempt *a)
{
    struct instance *m = &a->instance;
    struct shape model = {.rank = 0};
    if (a->value[0] != VALUE_NEW) {
        model = g->p->values[a->value[0]].shape;
    } else {
        model.rank = m->in[0].rank;
        draw_dims(g, model.rank, model.dim);
    }
    for (uint32_t k = 0; k < a->n_in; k++) {
        struct slot *s = &m->in[k];
        if (!s->present) {
            continue;
        }
        if (a->value[k] == VALUE_NEW) {
            make_dims(g, s, &model, k == 0);
            limit_numel(g, s);
        } else {
            for (int d = 0; d < s->rank; d++) {
                s->dim[d] = relation_fixed(g->r, g->p->values[a->value[k]].shape.dim[d]);
            }
        }
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        struct slot *s = &m->out[o];
        for (int d = 0; d < s->rank; d++) {
            s->dim[d] = relation_var(g->r, g->may_be_empty ? 0 : 1, g->policy->numel_max);
            relation_prefer_log(g->r, s->dim[d]);
        }
        limit_numel(g, s);
    }
}

/* Existing indices: the dim that they choose from must hold them all, without an axis every dim. */
static void make_room_for_indices(struct maker *g, struct attempt *a)
{
    struct slot *data = &a->instance.in[0];
    const struct attr *axis = instance_attr(&a->instance, "axis");
    for (uint32_t k = 1; k < a->n_in; k++) {
        if ((a->op->index_inputs >> k & 1) && a->value[k] < VALUE_NEW) {
            const struct interval *range = &g->facts[a->value[k]].range;
            real least = range->hi + 1 > -range->lo ? range->hi + 1 : -range->lo;
            int64_t only = !axis ? -1 : axis->i[0] < 0 ? axis->i[0] + data->rank : axis->i[0];
            for (int d = 0; d < data->rank && least >= 1; d++) { /* else it has no element */
                if (!axis || d == only) {
                    relation_narrow(g->r, data->dim[d], (int64_t)least, g->policy->numel_max);
                }
            }
        }
    }
}

/* Structure and shapes of the attempt; false: they do not come together. */
static bool shape_up(struct maker *g, struct attempt *a)
{
    struct instance *m = &a->instance;
    instance_init(m, a->op, a->n_in);
    instance_set_outputs(m, a->n_out);
    for (uint32_t k = 0; k < a->n_in; k++) {
        struct slot *s = &m->in[k];
        s->present = a->value[k] != VALUE_ABSENT;
        s->dtype = s->present ? a->dtype[k] : DTYPE_NONE;
        if (s->present && a->value[k] != VALUE_NEW) {
            s->rank = g->p->values[a->value[k]].shape.rank;
        }
    }
    if (a->value[0] == VALUE_NEW) {
        m->in[0].rank = a->rank;
    }
    m->out[0].dtype = a->out_dtype;
    if (!a->op->structure(m, &g->rng)) {
        return false;
    }
    relation_clear(g->r);
    make_variables(g, a);
    a->op->relate(g->r, m);
    limit_work(g, m);
    make_room_for_indices(g, a);
    enum { STEPS = 300 }; /* far more than a solvable one needs; the next attempt is cheaper */
    if (relation_solve(g->r, &g->rng, STEPS) != SOLVE_SAT) {
        return false;
    }
    instance_settle(m, g->r);
    return true;
}

/* ---- into the program ---- */

static struct recipe draw_recipe(struct maker *g, enum dtype d, unsigned attempt)
{
    struct recipe recipe = recipe_draw(&g->rng, d, attempt);
    /* Special programs keep ordinary tensors too, and take them where nothing else works. */
    if (!g->is_clean && attempt < 2 && rng_chance(&g->rng, 2, 3)) {
        recipe_make_special(&recipe, g->special_kinds, &g->rng);
    }
    return recipe;
}

static void set_recipe(struct maker *g, uint32_t id, struct recipe recipe)
{
    const struct value *v = &g->p->values[id];
    g->facts[id].recipe = recipe;
    g->facts[id].range = recipe_range(&recipe, v->dtype);
}

/* New inputs and constants of the attempt; at least one input of the node depends on an input. */
static void add_new_values(struct maker *g, struct attempt *a, uint32_t *ids, uint32_t *is_new)
{
    struct program *p = g->p;
    bool is_live = false;
    for (uint32_t k = 0; k < a->n_in; k++) {
        ids[k] = a->value[k];
        is_live |= ids[k] < p->n_values && g->facts[ids[k]].is_live;
    }
    for (uint32_t k = 0; k < a->n_in; k++) {
        if (a->value[k] != VALUE_NEW) {
            continue;
        }
        const struct slot_spec *spec = op_input_spec(a->op, k);
        const struct slot *s = &a->instance.in[k];
        struct shape shape = slot_shape(s, g->r);
        uint32_t share =
            spec->constant_likely ? g->policy->weight_percent : g->policy->constant_percent;
        bool is_const = percent(g, share) && (is_live || k == 0) && !(k == 0 && a->n_in == 1);
        ids[k] = is_const ? program_add_const(p, NULL, s->dtype, &shape, NULL)
                          : program_add_input(p, NULL, s->dtype, &shape);
        is_live |= !is_const;
        g->facts[ids[k]] = (struct facts){.is_live = !is_const};
        *is_new |= 1u << k;
    }
}

/* Indices must be valid: new ones are made so, existing ones must be known to be. */
static bool settle_indices(struct maker *g, const struct node *node, uint32_t is_new)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (!(node->op->index_inputs >> k & 1) || node->in[k] == VALUE_ABSENT) {
            continue;
        }
        uint32_t id = node->in[k];
        struct index_use use;
        int64_t limit = node_index_least(g->p, node, k);
        if (limit <= 0 && shape_numel(&g->p->values[id].shape) > 0) {
            return false;
        }
        if (is_new >> k & 1) {
            CHECK(node_index_use(g->p, node, k, &use));
            set_recipe(g, id, recipe_index(&use));
            continue;
        }
        const struct facts *f = &g->facts[id];
        bool is_valid = dtype_is_int(g->p->values[id].dtype) && !f->assumed && !f->range.may_nan &&
                        f->range.lo >= (real)-limit && f->range.hi < (real)limit;
        if (!is_valid) {
            return false;
        }
    }
    return true;
}

/* Does the node give the same element everywhere, whatever its inputs' elements? */
static bool is_dead(const struct maker *g, const struct node *node)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct interval *range = &g->facts[node->out[o]].range;
        if (range->may_nan || range->lo != range->hi) {
            return false;
        }
    }
    return true;
}

/* Recipes for the new values until the node's ranges are fine; false: they never are. */
static bool settle_ranges(struct maker *g, struct node *node, uint32_t is_new)
{
    enum { ATTEMPTS = 6 };
    uint32_t ordinary = is_new & ~node->op->index_inputs;
    bool takes_risk = g->is_clean && percent(g, g->policy->unproven_percent);
    /* shape, size: their weight keeps them rare */
    bool may_be_dead = node->op->weight > 0 || percent(g, g->policy->dead_percent);
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        for (uint32_t k = 0; k < node->n_in; k++) {
            if (ordinary >> k & 1) {
                set_recipe(g, node->in[k],
                           draw_recipe(g, g->p->values[node->in[k]].dtype, attempt));
            }
        }
        enum hazard hazard = node_ranges(g->p, node, g->facts);
        bool is_fine = hazard == HAZARD_NONE || (!g->is_clean && hazard != HAZARD_TRAP);
        if (is_fine && (may_be_dead || !is_dead(g, node))) {
            return true;
        }
        if (takes_risk && hazard == HAZARD_UNPROVEN) {
            for (uint32_t o = 0; o < node->n_out; o++) {
                struct facts *f = &g->facts[node->out[o]];
                f->range = interval_assume(g->p->values[node->out[o]].dtype, f->range);
                f->assumed = true;
            }
            g->is_unproven = true;
            return true;
        }
        if (ordinary == 0) {
            return false;
        }
    }
    return false;
}

static void finish(struct maker *g, struct attempt *a)
{
    if (!a->op->finish) {
        return;
    }
    const struct interval *range = NULL;
    if (a->value[0] < g->p->n_values) {
        range = &g->facts[a->value[0]].range;
    }
    bool is_known = range && !range->may_nan && isfinite(range->lo) && isfinite(range->hi);
    a->op->finish(&a->instance, is_known ? range : NULL, &g->rng);
}

/* Put the attempt into the program; what ranges or indices refuse is taken out again. */
static bool commit(struct maker *g, struct attempt *a)
{
    struct program *p = g->p;
    struct instance *m = &a->instance;
    uint32_t n_values = p->n_values, n_nodes = p->n_nodes;
    uint32_t ids[OP_INPUTS_MAX], is_new = 0;
    reserve_facts(g, OP_INPUTS_MAX + OP_OUTPUTS_MAX);
    finish(g, a);
    add_new_values(g, a, ids, &is_new);
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];
    for (uint32_t o = 0; o < m->n_out; o++) {
        dtypes[o] = m->out[o].dtype;
        shapes[o] = slot_shape(&m->out[o], g->r);
    }
    uint32_t index = program_add_node(p, a->op->name, a->n_in, ids, m->n_attrs, m->attr, m->n_out,
                                      dtypes, shapes);
    struct node *node = &p->nodes[index];
    node->op = a->op;
    if (!settle_indices(g, node, is_new) || !settle_ranges(g, node, is_new)) {
        p->n_values = n_values;
        p->n_nodes = n_nodes;
        return false;
    }
    for (uint32_t k = 0; k < a->n_in; k++) {
        if (ids[k] != VALUE_ABSENT) {
            g->facts[ids[k]].uses++;
        }
    }
    return true;
}

/* One op more: as chosen, then with one existing value less, from the last input to the first. */
static bool insert(struct maker *g)
{
    struct attempt a;
    if (!choose(g, &a)) {
        return false;
    }
    uint32_t kept = a.n_in;
    while (!shape_up(g, &a) || !commit(g, &a)) {
        while (kept > 0 && a.value[kept - 1] >= g->p->n_values) {
            kept--;
        }
        if (kept == 0) {
            return false;
        }
        a.value[--kept] = VALUE_NEW;
        if (kept == 0) {
            a.rank = draw_rank(g, &a.op->in[0]);
        }
    }
    return true;
}

static void add_outputs(struct maker *g)
{
    for (uint32_t id = 0; id < g->p->n_values; id++) {
        if (g->p->values[id].kind == VALUE_NODE &&
            (g->facts[id].uses == 0 || percent(g, g->policy->intermediate_percent))) {
            program_add_output(g->p, id);
        }
    }
}

static void weigh_ops(struct maker *g)
{
    for (size_t i = 0; i < op_count; i++) {
        dtype_set outs = 0;
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            outs |= g->support->pairs[i][d];
        }
        g->op_weight[i] = outs ? g->policy->op_weight[i] : 0;
    }
}

struct graph graph_make(const struct policy *policy, bool is_clean, struct rng rng,
                        struct arena *arena)
{
    /* No op of a policy that passed policy_check fails this often on new inputs. */
    enum { ATTEMPTS_MAX = 100000 };
    struct maker g = {.policy = policy,
                      .arena = arena,
                      .p = program_new(arena),
                      .r = relation_new(arena),
                      .rng = rng,
                      .is_clean = is_clean};
    g.support = percent(&g, policy->union_percent) ? &policy->any : &policy->all;
    g.may_be_empty = percent(&g, policy->empty_percent);
    g.special_kinds = special_kinds_draw(&g.rng);
    weigh_ops(&g);
    for (uint32_t n = 0; n < policy->nodes; n++) {
        uint32_t attempts = 0;
        while (!insert(&g)) {
            if (++attempts == ATTEMPTS_MAX) {
                BUG("policy %s: no op fits after %u attempts", policy->name, attempts);
            }
        }
    }
    add_outputs(&g);
    return (struct graph){.program = g.p, .facts = g.facts, .is_unproven = g.is_unproven};
}
