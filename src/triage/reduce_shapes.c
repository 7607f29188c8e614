/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tactics that change shapes. The relations of all nodes are stated over the same variables, one a
 * dim of a value, and solved as a whole: what comes out is a valid program, not a guess. Of a leaf
 * that gets smaller the slice stays that the worst element of the failing output depends on.
 */
#include <string.h>

#include "triage/reduce_shapes.h"

/* ---- which elements matter ---- */

/* Marks of the output element that differs most after a run of the taint rules over the program. */
static uint8_t worst_mark(struct reducer *r, const uint8_t *leaf_mark, uint32_t leaf)
{
    const struct program *p = r->best.program;
    const struct array *values = reference_values(reducer_reference(r));
    uint8_t **mark = ARENA_ZARRAY(r->scratch, uint8_t *, p->n_values);
    for (uint32_t id = 0; id < p->n_values; id++) {
        mark[id] = ARENA_ZARRAY(r->scratch, uint8_t, values[id].n + 1);
    }
    memcpy(mark[leaf], leaf_mark, values[leaf].n);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        struct evaluation e = {
            .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = r->scratch};
        struct taint t = {.e = &e};
        for (uint32_t k = 0; k < node->n_in; k++) {
            bool present = node->in[k] != VALUE_ABSENT;
            e.in[k] = present ? &values[node->in[k]] : NULL;
            t.in_mark[k] = present ? mark[node->in[k]] : NULL;
        }
        for (uint32_t k = 0; k < node->n_out; k++) {
            e.out[k] = values[node->out[k]];
            t.out_mark[k] = mark[node->out[k]];
        }
        node->op->taint(&t);
    }
    uint32_t out = p->outputs[r->verdict.output];
    return r->verdict.element < values[out].n ? mark[out][r->verdict.element] : 0;
}

/*
 * The one index along the leaf's axis that the worst element depends on; -1 when there are several
 * or none. Each element carries its index (coarse, in 8 bits), then the complement: where no bit is
 * in both answers, only one index arrived.
 */
static int64_t worst_index(struct reducer *r, uint32_t leaf, int axis)
{
    const struct value *v = &r->best.program->values[leaf];
    if (r->outcome.kind != OUTCOME_OK || r->verdict.output >= r->best.program->n_outputs) {
        return -1;
    }
    int64_t dim = v->shape.dim[axis], coarse = (dim + 255) / 256, stride = 1;
    for (int d = axis + 1; d < v->shape.rank; d++) {
        stride *= v->shape.dim[d];
    }
    size_t n = shape_numel(&v->shape);
    uint8_t *index = ARENA_ARRAY(r->scratch, uint8_t, n);
    for (size_t i = 0; i < n; i++) {
        index[i] = (uint8_t)((int64_t)i / stride % dim / coarse);
    }
    uint8_t bits = worst_mark(r, index, leaf);
    for (size_t i = 0; i < n; i++) {
        index[i] = (uint8_t)~index[i];
    }
    uint8_t others = worst_mark(r, index, leaf);
    return (bits | others) == 0xff && (bits & others) == 0 ? bits * coarse : -1;
}

/* ---- leaves of new shapes ---- */

static int64_t slice_start(struct reducer *r, uint32_t leaf, int axis, int64_t to, enum part part)
{
    int64_t from = r->best.program->values[leaf].shape.dim[axis];
    if (to >= from || part == PART_FIRST) {
        return 0;
    }
    int64_t index = part == PART_LAST ? from - to : worst_index(r, leaf, axis);
    return index < 0 ? 0 : index <= from - to ? index : from - to;
}

/* The elements of `data` (shape `from`) at start.. in a tensor of shape `to`; where that is larger
 * the elements repeat, or are 1 where there were none. */
static void *slice(struct arena *arena, enum dtype d, const void *data, const struct shape *from,
                   const struct shape *to, const int64_t *start)
{
    size_t n = shape_numel(to), size = dtype_size(d);
    char *cut = arena_zalloc(arena, n * size);
    for (size_t i = 0; i < n && shape_numel(from) == 0; i++) {
        dtype_store(d, cut, i, 1);
    }
    if (shape_numel(from) == 0) {
        return cut;
    }
    int64_t at[RANK_MAX] = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t flat = 0;
        for (int k = 0; k < from->rank; k++) {
            flat = flat * from->dim[k] + (start[k] + at[k]) % from->dim[k];
        }
        memcpy(cut + i * size, (const char *)data + (size_t)flat * size, size);
        for (int k = to->rank - 1; k >= 0 && ++at[k] == to->dim[k]; k--) {
            at[k] = 0;
        }
    }
    return cut;
}

/* Indices that a smaller tensor no longer has are folded back into it. */
static void fold_indices(struct candidate *c)
{
    const struct program *p = c->program;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; k < node->n_in; k++) {
            uint32_t id = node->in[k];
            int64_t limit = ((node->op->index_inputs >> k) & 1) != 0 && id != VALUE_ABSENT
                                ? node_index_least(p, node, k)
                                : -1;
            if (limit <= 0 || c->leaf[id] == NULL) {
                continue;
            }
            const struct value *v = &p->values[id];
            for (size_t e = 0; e < shape_numel(&v->shape); e++) {
                int64_t index = (int64_t)dtype_load(v->dtype, c->leaf[id], e);
                index %= node_index_limit(p, node, k, e);
                dtype_store(v->dtype, c->leaf[id], e, (real)index);
            }
        }
    }
}

/* ---- the program's relations ---- */

struct shape_vars {
    struct relation *relation;
    var (*dim)[RANK_MAX];   /* by value id */
    struct instance *nodes; /* by node */
};

enum { SOLVE_STEPS = 2000 };

/* Attributes that the relation uses become variables below their values. */
static void free_attrs(struct shape_vars *s, struct reducer *r, const struct program *p,
                       const struct node *node, struct instance *m)
{
    struct instance probe;
    struct relation *relation = relation_new(r->scratch);
    instance_from_node(&probe, p, node, relation);
    node->op->relate(relation, &probe);
    for (uint32_t a = 0; a < m->n_attrs; a++) {
        for (unsigned k = 0; k < m->attr[a].n; k++) {
            int64_t now = m->attr[a].i[k];
            if (probe.attr_var[a][k] != VAR_NONE) {
                m->attr_var[a][k] = relation_var(s->relation, now > 1 ? 1 : now, now);
            }
        }
    }
}

/* One node's relation over the program's variables. false: with its attributes the ranks do not fit
 * together any more. */
static bool relate_node(struct shape_vars *s, struct reducer *r, const struct program *p,
                        uint32_t i, const struct request *q)
{
    const struct node *node = &p->nodes[i];
    struct instance *m = &s->nodes[i];
    instance_describe(m, p, node);
    if (!m->op->structure(m, NULL)) {
        return false;
    }
    if (q->free_attrs && q->fixed != i) {
        free_attrs(s, r, p, node, m);
    }
    node_relate(s->relation, node, (const var(*)[RANK_MAX])s->dim, m);
    return true;
}

static bool asks_for(const struct request *q, uint32_t id, const struct value *v, int d)
{
    if (q->leaf == VALUE_ABSENT) {
        return q->axis == AXES_ALL || q->axis == v->shape.rank - 1 - d;
    }
    return q->leaf == id && q->axis == d;
}

static void make_dims(struct shape_vars *s, const struct program *p, uint32_t id,
                      const struct request *q)
{
    const struct value *v = &p->values[id];
    for (int d = 0; d < v->shape.rank; d++) {
        int64_t now = v->shape.dim[d];
        bool asked = q->size > 0 && is_leaf(v) && asks_for(q, id, v, d);
        bool wanted = asked && q->size < now, grows = asked && q->leaf == id && now == 0;
        var x = relation_var(s->relation, now > 0 ? 1 : 0, q->may_grow ? 2 * now + 8 : now);
        s->dim[id][d] = x;
        if (wanted && q->leaf == id) {
            relation_narrow(s->relation, x, 0, q->size);
        } else if (grows) {
            relation_narrow(s->relation, x, q->size, q->size);
        }
        if (is_leaf(v)) {
            relation_hint(s->relation, x, wanted || grows ? q->size : now);
        }
    }
}

/* A value gets its solved shape; of a leaf's elements those stay that matter. */
static void fit_value(struct reducer *r, struct candidate *c, uint32_t id,
                      const struct shape_vars *s, enum part part)
{
    struct value *v = &c->program->values[id];
    struct shape to = {.rank = v->shape.rank};
    int64_t start[RANK_MAX] = {0};
    for (int d = 0; d < to.rank; d++) {
        to.dim[d] = relation_value(s->relation, s->dim[id][d]);
        if (is_leaf(v)) {
            start[d] = slice_start(r, id, d, to.dim[d], part);
        }
    }
    if (is_leaf(v) && !shape_equal(&to, &v->shape)) {
        c->leaf[id] = slice(r->scratch, v->dtype, c->leaf[id], &v->shape, &to, start);
    }
    v->shape = to;
}

bool candidate_resolve(struct reducer *r, struct candidate *c, const struct request *q)
{
    struct program *p = c->program;
    struct shape_vars s = {.relation = relation_new(r->scratch)};
    s.dim = arena_zalloc(r->scratch, sizeof(*s.dim) * p->n_values);
    s.nodes = ARENA_ARRAY(r->scratch, struct instance, p->n_nodes);
    for (uint32_t id = 0; id < p->n_values; id++) {
        make_dims(&s, p, id, q);
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (!relate_node(&s, r, p, i, q)) {
            return false;
        }
    }
    struct rng rng = rng_seeded(0); /* the same question has the same answer */
    if (relation_solve(s.relation, &rng, SOLVE_STEPS) != SOLVE_SAT) {
        return false;
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        instance_settle(&s.nodes[i], s.relation);
        memcpy(p->nodes[i].attrs, s.nodes[i].attr, p->nodes[i].n_attrs * sizeof(struct attr));
    }
    for (uint32_t id = 0; id < p->n_values; id++) {
        fit_value(r, c, id, &s, q->part);
    }
    fold_indices(c);
    return true;
}

bool candidate_infer(struct reducer *r, struct candidate *c)
{
    if (program_infer(c->program, r->scratch) != ERR_OK) {
        return false;
    }
    fold_indices(c);
    return true;
}

/* ---- dims ---- */

size_t shape_cost(const struct program *p)
{
    size_t cost = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        cost += shape_numel(&p->values[id].shape);
        for (int d = 0; d < p->values[id].shape.rank; d++) {
            cost += (size_t)p->values[id].shape.dim[d];
        }
    }
    return cost;
}

static bool try_dims(struct reducer *r, uint32_t leaf, int axis, int64_t size)
{
    for (unsigned way = 0; way < 4; way++) {
        struct request q = {.leaf = leaf,
                            .axis = axis,
                            .size = size,
                            .free_attrs = (way & 2) != 0,
                            .fixed = UINT32_MAX,
                            .part = (way & 1) != 0 ? PART_LAST : PART_WORST};
        struct candidate c = candidate_new(r);
        if (candidate_resolve(r, &c, &q) && shape_cost(c.program) < shape_cost(r->best.program)) {
            if (reduce_try(r, &c)) {
                return true;
            }
        }
        arena_reset(r->scratch);
    }
    return false;
}

/* What falls first: dims of leaves that are 0, which is a special case of its own. */
static size_t count_empty(const struct program *p)
{
    size_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        for (int d = 0; d < v->shape.rank && is_leaf(v); d++) {
            n += v->shape.dim[d] == 0;
        }
    }
    return n;
}

/* A dim of 0 becomes 1 or 2, with all that must be like it: 1 is another special case. */
static bool try_fill(struct reducer *r, uint32_t leaf, int axis)
{
    bool filled = false;
    for (int64_t size = 1; size <= 2 && !filled && !reduce_over(r); size++) {
        const struct request q = {.may_grow = true,
                                  .leaf = leaf,
                                  .axis = axis,
                                  .size = size,
                                  .free_attrs = true,
                                  .fixed = UINT32_MAX};
        struct candidate c = candidate_new(r);
        filled = candidate_resolve(r, &c, &q) &&
                 count_empty(c.program) < count_empty(r->best.program) && reduce_try(r, &c);
        arena_reset(r->scratch);
    }
    return filled;
}

/* Axis `gone` of tensors of this rank is no more: what names a later one moves, what names it goes.
 * Attributes of other meaning that are changed by this are refused by the check that follows. */
static void drop_axis(struct attr *a, int rank, int gone)
{
    uint8_t kept = 0;
    for (uint8_t k = 0; k < a->n; k++) {
        int64_t axis = a->i[k] < 0 ? a->i[k] + rank : a->i[k];
        if (axis != gone || a->kind == ATTR_INT) {
            a->i[kept++] = axis > gone ? axis - 1 : axis;
        }
    }
    a->n = kept;
}

static bool is_axes(const struct attr *a)
{
    return strcmp(a->name, "axis") == 0 || strcmp(a->name, "axes") == 0 ||
           strcmp(a->name, "perm") == 0;
}

/* Every leaf of that rank loses dim `axis` where it is 1. Rank 0 is more special than rank 1,
 * so that is where it ends. */
static bool try_rank(struct reducer *r, int rank, int axis)
{
    struct candidate c = candidate_new(r);
    struct program *p = c.program;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        struct node *node = &p->nodes[i];
        bool whole = node->n_in > 0 && node->in[0] != VALUE_ABSENT &&
                     p->values[node->in[0]].shape.rank == rank;
        for (uint32_t a = 0; whole && a < node->n_attrs; a++) {
            if (is_axes(&node->attrs[a])) {
                drop_axis(&node->attrs[a], rank, axis);
            }
        }
    }
    bool changed = false;
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct shape *s = &p->values[id].shape;
        if (is_leaf(&p->values[id]) && s->rank == rank && s->dim[axis] == 1) {
            memmove(&s->dim[axis], &s->dim[axis + 1],
                    (size_t)(RANK_MAX - 1 - axis) * sizeof(s->dim[0]));
            s->dim[RANK_MAX - 1] = 0;
            s->rank--;
            changed = true;
        }
    }
    bool smaller = changed && candidate_infer(r, &c) && reduce_try(r, &c);
    arena_reset(r->scratch);
    return smaller;
}

static bool fill_dims(struct reducer *r)
{
    bool progress = false;
    for (uint32_t id = 0; id < r->best.program->n_values; id++) {
        const struct value *v = &r->best.program->values[id];
        for (int d = 0; is_leaf(v) && d < v->shape.rank && !reduce_over(r); d++) {
            progress = (v->shape.dim[d] == 0 && try_fill(r, id, d)) || progress;
            v = &r->best.program->values[id];
        }
    }
    return progress;
}

static bool shrink_ranks(struct reducer *r)
{
    bool progress = false;
    for (int rank = RANK_MAX; rank >= 2; rank--) {
        for (int axis = 0; axis < rank && !reduce_over(r); axis++) {
            if (try_rank(r, rank, axis)) {
                progress = true;
                break; /* other leaves of this rank come in the next round */
            }
        }
    }
    return progress;
}

/* Of all leaves at once: operands that must agree only shrink together. */
static bool shrink_together(struct reducer *r, int axis)
{
    for (int64_t size = 1; size <= 4 && !reduce_over(r); size *= 2) {
        if (try_dims(r, VALUE_ABSENT, axis, size)) {
            return true;
        }
    }
    return false;
}

/* One dim: to 1, 2, half, one less. */
static bool shrink_dim(struct reducer *r, uint32_t leaf, int axis)
{
    int64_t now = r->best.program->values[leaf].shape.dim[axis];
    const int64_t sizes[] = {1, 2, now / 2, now - 1};
    for (size_t i = 0; i < ARRAY_SIZE(sizes) && !reduce_over(r); i++) {
        if (sizes[i] > 0 && sizes[i] < now && try_dims(r, leaf, axis, sizes[i])) {
            return true;
        }
    }
    return false;
}

static bool dims_apply(struct reducer *r)
{
    bool progress = shrink_together(r, AXES_ALL);
    progress = fill_dims(r) || progress;
    for (int axis = 0; axis < RANK_MAX; axis++) {
        progress = shrink_together(r, axis) || progress;
    }
    for (uint32_t id = 0; id < r->best.program->n_values; id++) {
        const struct value *v = &r->best.program->values[id];
        for (int d = 0; is_leaf(v) && d < v->shape.rank; d++) {
            progress = shrink_dim(r, id, d) || progress;
            v = &r->best.program->values[id];
        }
    }
    return shrink_ranks(r) || progress;
}

const struct tactic tactic_dims = {
    .name = "dims",
    .summary = "smaller dims, fewer of 0, through the relations of the whole program",
    .apply = dims_apply,
};
