/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes and attributes of a node: structure, then the op's relation solved with hints for the new
 * dims, within the policy's bounds on elements and work.
 */
#include "generate/generate_internal.h"

/* Dims of a new tensor: their product is log-uniform up to numel_max, split at random, few ones. */
static void draw_dims(struct maker *g, int rank, int64_t *dims)
{
    int64_t most = g->numel_max;
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
 * dim, now and then 1 to be broadcast, or drawn where the model's is; beyond it drawn. Half of the
 * weights have no hints: they rather follow from what the op asks, as the groups of a convolution
 * do. */
static void make_dims(struct maker *g, struct slot *s, const struct shape *model, bool is_model,
                      bool is_weight)
{
    bool is_hinted = !is_weight || s->rank < 2 || rng_chance(&g->rng, 1, 2);
    int64_t drawn[RANK_MAX] = {0};
    bool is_longer = !is_model && rng_chance(&g->rng, 1, 4);
    if (is_longer || s->rank > model->rank) {
        draw_dims(g, s->rank, drawn);
    }
    for (int d = 0; d < s->rank; d++) {
        int from = d - s->rank + model->rank;
        bool is_drawn = from < 0 || (is_longer && model->dim[from] == 1);
        int64_t hint = is_drawn ? drawn[d] : model->dim[from];
        if (!is_model && percent(g, g->policy->one_percent)) {
            hint = 1;
        }
        s->dim[d] = relation_var(g->r, g->may_be_empty ? 0 : 1, g->policy->dim_max);
        relation_prefer_log(g->r, s->dim[d]);
        if (is_hinted) {
            relation_hint(g->r, s->dim[d], hint);
        }
    }
}

/* Dims of 0 count as 1: what a library computes on the way to an empty tensor may have none. */
static void limit_numel(struct maker *g, const struct slot *s)
{
    relate_product_le(g->r, (size_t)s->rank, s->dim, g->numel_max);
}

static void limit_work(struct maker *g, struct instance *m)
{
    var factors[2 * RANK_MAX];
    if (m->op->work) {
        size_t n = m->op->work(m, factors);
        relate_product_le(g->r, n, factors, g->policy->work_max);
    }
}

/* As the existing value has them. */
static void fix_dims(struct maker *g, struct slot *s, uint32_t id)
{
    for (int d = 0; d < s->rank; d++) {
        s->dim[d] = relation_fixed(g->r, g->p->values[id].shape.dim[d]);
    }
}

/* Functions of single elements keep the shape: one that is there is the other's, and a limit of one
 * the other's too. Two ops in five are such; the solver has little left to do. */
static bool keeps_shape(const struct op *op)
{
    return op->elementwise && op_n_inputs(op) == 1;
}

static void make_variables_of_one_shape(struct maker *g, struct attempt *a)
{
    struct slot *x = &a->instance.in[0], *y = &a->instance.out[0];
    uint32_t given = a->target != VALUE_NEW ? a->target : a->value[0];
    if (IS_VALUE(given)) {
        fix_dims(g, x, IS_VALUE(a->value[0]) ? a->value[0] : given);
        fix_dims(g, y, given);
        return;
    }
    struct shape model = {.rank = x->rank};
    draw_dims(g, model.rank, model.dim);
    make_dims(g, x, &model, true, false);
    limit_numel(g, x);
    for (int d = 0; d < y->rank; d++) {
        y->dim[d] = relation_var(g->r, 0, g->policy->dim_max);
    }
}

static void make_variables(struct maker *g, struct attempt *a)
{
    struct instance *m = &a->instance;
    struct shape model = {.rank = 0};
    if (keeps_shape(a->op)) {
        make_variables_of_one_shape(g, a);
        return;
    }
    if (IS_VALUE(a->value[0])) {
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
            make_dims(g, s, &model, k == 0, op_input_spec(a->op, k)->constant_likely);
            limit_numel(g, s);
        } else {
            fix_dims(g, s, a->value[k]);
        }
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        struct slot *s = &m->out[o];
        if (a->target != VALUE_NEW && o == a->target_output) {
            fix_dims(g, s, a->target);
            continue;
        }
        for (int d = 0; d < s->rank; d++) {
            s->dim[d] = relation_var(g->r, g->may_be_empty ? 0 : 1, g->numel_max);
            relation_prefer_log(g->r, s->dim[d]);
        }
        limit_numel(g, s);
    }
}

/* Existing indices: the dim that they choose from must hold them all, without an axis every dim. */
static void make_room_for_indices(struct maker *g, struct attempt *a)
{
    if (a->op->index_inputs == 0) {
        return;
    }
    struct slot *data = &a->instance.in[0];
    const struct attr *axis = instance_attr(&a->instance, "axis");
    for (uint32_t k = 1; k < a->n_in; k++) {
        if ((a->op->index_inputs >> k & 1) && IS_VALUE(a->value[k]) && may_index(g, a->value[k])) {
            const struct interval *range = &g->facts[a->value[k]].range;
            real least = range->hi + 1 > -range->lo ? range->hi + 1 : -range->lo;
            int64_t only = !axis ? -1 : axis->i[0] < 0 ? axis->i[0] + data->rank : axis->i[0];
            for (int d = 0; d < data->rank && least >= 1; d++) { /* else it has no element */
                if (!axis || d == only) {
                    relation_narrow(g->r, data->dim[d], (int64_t)least, g->numel_max);
                }
            }
        }
    }
}

static bool ranks_are_allowed(const struct maker *g, const struct instance *m)
{
    bool allowed = true;
    for (uint32_t k = 0; k < m->n_in; k++) {
        allowed = allowed && m->in[k].rank <= g->rank_limit;
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        allowed = allowed && m->out[o].rank <= g->rank_limit;
    }
    return allowed;
}

bool attempt_solve(struct maker *g, struct attempt *a)
{
    struct instance *m = &a->instance;
    instance_init(m, a->op, a->n_in);
    instance_set_outputs(m, a->n_out);
    m->usual_percent = g->policy->usual_percent;
    for (uint32_t k = 0; k < a->n_in; k++) {
        struct slot *s = &m->in[k];
        s->present = a->value[k] != VALUE_ABSENT;
        s->dtype = s->present ? a->dtype[k] : DTYPE_NONE;
        if (s->present && a->value[k] != VALUE_NEW) {
            s->rank = g->p->values[a->value[k]].shape.rank;
        } else if ((a->is_scalar | a->is_vector) >> k & 1) {
            s->rank = a->is_vector >> k & 1 ? 1 : 0;
        }
    }
    if (a->value[0] == VALUE_NEW) {
        m->in[0].rank = a->rank;
    }
    m->out[0].dtype = a->out_dtype;
    if (a->target != VALUE_NEW) {
        m->out[a->target_output].dtype = g->p->values[a->target].dtype;
        m->out[a->target_output].rank = g->p->values[a->target].shape.rank;
    }
    for (uint32_t i = 0; i < a->n_attrs; i++) {
        *instance_add_attr(m, a->attr[i].name, a->attr[i].kind, a->attr[i].n) = a->attr[i];
    }
    if (!a->op->structure(m, &g->rng) || !ranks_are_allowed(g, m)) {
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
