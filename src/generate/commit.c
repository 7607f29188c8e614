/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node with its shapes goes into the program: its new inputs and constants, recipes for them,
 * until indices and value ranges are fine. What they refuse is taken out again.
 */
#include <math.h>
#include <string.h>

#include "generate/search_internal.h"

void maker_reserve(struct maker *g, uint32_t more)
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

static struct recipe draw_recipe(struct maker *g, const struct op *op, enum dtype d,
                                 unsigned attempt)
{
    struct recipe recipe = recipe_draw(&g->rng, d, attempt);
    /* Special programs keep ordinary tensors too, and take them where nothing else works. */
    if (!g->is_clean && attempt < 2 && rng_chance(&g->rng, 2, 3)) {
        bool is_drowned = op_mixes(op) && rng_chance(&g->rng, 3, 4);
        recipe_make_special(&recipe, g->special_kinds, is_drowned, &g->rng);
    }
    return recipe;
}

static void set_recipe(struct maker *g, uint32_t id, struct recipe recipe)
{
    const struct value *v = &g->p->values[id];
    g->facts[id].recipe = recipe;
    g->facts[id].range = recipe_range(&recipe, v->dtype);
}

/* New inputs and constants of the attempt; unless constants were asked for, at least one input of
 * the node depends on an input. */
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
        bool may_be_const = (is_live || k == 0) && !(k == 0 && a->n_in == 1);
        bool is_const = (a->is_const >> k & 1) ||
                        (!(a->is_input >> k & 1) && percent(g, share) && may_be_const);
        ids[k] = is_const ? program_add_const(p, "", s->dtype, &shape, NULL)
                          : program_add_input(p, "", s->dtype, &shape);
        is_live |= !is_const;
        g->facts[ids[k]] = (struct facts){.is_live = !is_const};
        *is_new |= 1u << k;
    }
}

bool node_indices_hold(struct maker *g, const struct node *node, enum hazard risk, uint32_t which)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (!(node->op->index_inputs & which & 1u << k) || node->in[k] == VALUE_ABSENT) {
            continue;
        }
        const struct facts *f = &g->facts[node->in[k]];
        const struct value *v = &g->p->values[node->in[k]];
        int64_t limit = node_index_least(g->p, node, k);
        bool is_int = dtype_is_int(v->dtype);
        bool is_valid = is_int && !f->assumed && !f->range.may_nan && f->range.lo >= (real)-limit &&
                        f->range.hi < (real)limit;
        if (!is_valid && !(is_int && risk == HAZARD_TRAP)) {
            return false;
        }
        g->is_unproven |= !is_valid;
    }
    return true;
}

/* New indices are made valid; false: there is nothing that they could choose from. */
static bool make_indices(struct maker *g, const struct node *node, uint32_t is_new)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (!(node->op->index_inputs >> k & 1) || node->in[k] == VALUE_ABSENT) {
            continue;
        }
        struct index_use use;
        size_t n = shape_numel(&g->p->values[node->in[k]].shape);
        if (n > 0 && node_index_least(g->p, node, k) <= 0) {
            return false;
        }
        if (is_new >> k & 1) {
            CHECK(node_index_use(g->p, node, k, &use));
            set_recipe(g, node->in[k], recipe_index(&use));
        }
    }
    return true;
}

bool node_is_dead(const struct maker *g, const struct node *node)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct interval *range = &g->facts[node->out[o]].range;
        if (range->may_nan || range->lo != range->hi) {
            return false;
        }
    }
    return true;
}

bool hazard_is_fine(const struct maker *g, enum hazard hazard)
{
    return hazard == HAZARD_NONE || (!g->is_clean && hazard != HAZARD_TRAP);
}

void node_assume(struct maker *g, uint32_t id)
{
    struct facts *f = &g->facts[id];
    f->range = interval_assume(g->p->values[id].dtype, f->range);
    f->assumed = true;
}

bool op_asks_equality(const struct op *op)
{
    return op->jumps == JUMPS_WHERE_EQUAL && op_is_either(op, "equal", "not_equal");
}

/* Elements of input 0 that one of the result is of. */
static size_t group_size(const struct maker *g, const struct node *node)
{
    size_t n_in = shape_numel(&g->p->values[node->in[0]].shape);
    size_t n_out = shape_numel(&g->p->values[node->out[0]].shape);
    return n_out > 0 && n_in > n_out ? n_in / n_out : 1;
}

static bool is_least(const struct op *op)
{
    return op_is_either(op, "reduce_all", "reduce_min");
}

static bool is_largest(const struct op *op)
{
    return op_is_either(op, "reduce_any", "reduce_max");
}

/*
 * Is there hardly more than one result, as far as ranges tell: dead, a step of a short range
 * (floor of a sigmoid), the extreme of more integers than there are values between their ends?
 */
static bool is_flat(const struct maker *g, const struct node *node)
{
    const struct facts *x = &g->facts[node->in[0]];
    const struct interval *y = &g->facts[node->out[0]].range;
    bool is_step = node->op->jumps == JUMPS_ALWAYS && node->op->elementwise && node->n_in == 1 &&
                   g->p->values[node->out[0]].dtype != DTYPE_BOOL;
    bool is_extreme = !node->op->elementwise && (is_least(node->op) || is_largest(node->op)) &&
                      !dtype_is_float(g->p->values[node->in[0]].dtype);
    bool is_crowded = is_extreme && x->recipe.rarity == 0 &&
                      (real)group_size(g, node) > 2 * (x->range.hi - x->range.lo + 1);
    return node_is_dead(g, node) || (is_step && y->hi - y->lo <= 1) || is_crowded;
}

/*
 * Is it likely that the node's result does not depend on its inputs' elements? Constants make
 * constants; ordinary floats are never NaN, seldom equal, and all true.
 */
static bool is_likely_dull(const struct maker *g, const struct node *node)
{
    const struct value *in = &g->p->values[node->in[0]];
    bool all_dull = true;
    for (uint32_t k = 0; k < node->n_in; k++) {
        const struct facts *f = node->in[k] == VALUE_ABSENT ? NULL : &g->facts[node->in[k]];
        all_dull = all_dull && (!f || f->is_dull || !f->is_live);
    }
    bool is_truth = g->p->values[node->out[0]].dtype == DTYPE_BOOL && in->dtype != DTYPE_BOOL;
    bool is_made =
        in->kind == VALUE_NODE || g->p->values[node->in[node->n_in - 1]].kind == VALUE_NODE;
    bool is_suited = g->facts[node->in[0]].recipe.rarity > 0;
    bool tells_little = (node->n_in == 1 && !is_suited) || (op_asks_equality(node->op) && is_made);
    return all_dull || node->op->weight > 0 || is_flat(g, node) ||
           (is_truth && tells_little && dtype_is_float(in->dtype));
}

/* Backward: the readers of the target go on with what the node gives, and learn something of it. */
static bool fits_readers(struct maker *g, const struct attempt *a, const struct node *node)
{
    return a->target == VALUE_NEW ||
           (!is_likely_dull(g, node) && attempt_fits_readers(g, a, node->out[a->target_output]));
}

/* Reductions of many elements, whose result is always the same if all values are as frequent: the
 * least or largest of few values, a product. Then most elements are the one that does not decide,
 * and one in a group is another. */
static struct recipe suit_reduction(const struct maker *g, const struct node *node, enum dtype d,
                                    struct recipe recipe)
{
    const size_t group = group_size(g, node);
    bool is_any = is_largest(node->op), is_all = is_least(node->op);
    bool is_truth = d == DTYPE_BOOL || op_is_either(node->op, "reduce_any", "reduce_all");
    if (text_equal(node->op->name, "reduce_prod") && group > 3) {
        recipe.style = dtype_is_float(d) ? STYLE_UNIFORM : STYLE_MOST_LO;
        recipe.lo = dtype_is_float(d) ? 0.5L : 1;
        recipe.hi = 2;
    } else if ((is_any || is_all) && group > 1 && (is_truth || !dtype_is_float(d))) {
        recipe.style = is_any ? STYLE_MOST_LO : STYLE_MOST_HI;
        recipe.lo = is_truth ? 0 : recipe.lo;
        recipe.hi = is_truth ? 1 : recipe.hi;
    } else if ((is_any || is_all) && recipe.style != STYLE_LOG) {
        recipe.style = STYLE_UNIFORM;
    }
    recipe.rarity = (uint32_t)group;
    return recipe;
}

/*
 * An ordinary recipe for new input k, made to suit the op. Numbers are compared where they lie
 * close: in the domain of the other one, few and whole where they are to be equal. Integers are
 * mostly small: shifted right by more than a few bits, nothing of them is left.
 */
static struct recipe suit(const struct maker *g, const struct node *node, uint32_t k,
                          bool is_other_known, struct recipe recipe)
{
    static const real shift_most = 3;
    if (node->op->jumps == JUMPS_WHERE_EQUAL && is_other_known) {
        const struct interval *other = &g->facts[node->in[1 - k]].range;
        bool is_known = !other->may_nan && isfinite(other->lo) && isfinite(other->hi);
        if (recipe.special == 0 && is_known && other->lo < other->hi) {
            recipe.lo = other->lo;
            recipe.hi = other->hi;
        }
    }
    if (op_asks_equality(node->op)) {
        recipe.style = STYLE_INTEGER;
    }
    if (k == 1 && text_equal(node->op->name, "shift_right") && recipe.hi > shift_most) {
        recipe.lo = 0;
        recipe.hi = shift_most;
    }
    enum dtype d = g->p->values[node->in[k]].dtype;
    bool reduces = op_mixes(node->op) && node->n_in == 1;
    return reduces && recipe.special == 0 ? suit_reduction(g, node, d, recipe) : recipe;
}

/* Values of the program without the attempt's. */
static uint32_t count_settled(const struct attempt *a, const struct node *node)
{
    uint32_t n = node->out[0];
    for (uint32_t k = 0; k < node->n_in; k++) {
        n -= a->value[k] == VALUE_NEW;
    }
    return n;
}

static void add_possible_leaf(struct maker *g, uint32_t id)
{
    const struct recipe *recipe = &g->facts[id].recipe;
    enum dtype d = g->p->values[id].dtype;
    bool is_index = recipe->index.n > 0;
    possible_leaf(&g->possible, id, is_index ? recipe_range(recipe, d) : interval_of_dtype(d));
    if (is_index && (recipe->index.unique || dtype_is_float(d))) { /* stays as drawn */
        g->possible.sure[id] = (struct interval){0};
    }
}

/* As if the last node had not been looked at: it stays out. */
static void forget_possible(struct maker *g, const struct attempt *a)
{
    struct possible *x = &g->possible;
    if (x->is_current) {
        x->is_current = false;
        x->n_nodes = x->n_nodes_before;
        if (a->target != VALUE_NEW) {
            add_possible_leaf(g, a->target);
        }
    }
}

/* What the node narrows: the nodes before it that read the same, not too far back. */
static bool narrowed_fits(struct maker *g, uint32_t own)
{
    enum { WINDOW = 64 };
    struct possible *x = &g->possible;
    const uint32_t narrowed = x->narrowed, from = own > WINDOW ? own - WINDOW : 0;
    const struct interval widest = x->widest_before, sure = x->sure_before;
    x->n_nodes_before = from;
    if (possible_behind(x, g->p, narrowed, from, own + 1)) {
        return true;
    }
    x->widest[narrowed] = widest;
    x->sure[narrowed] = sure;
    return false;
}

/* Is there hope that the search makes a program with this node clean? It is the last one so far. */
static bool may_be_clean(struct maker *g, const struct attempt *a, const struct node *node)
{
    struct possible *x = &g->possible;
    const bool is_backward = a->target != VALUE_NEW;
    const uint32_t own = g->p->n_nodes - 1;
    forget_possible(g, a);
    possible_reserve(x, g->p->n_values, g->arena);
    x->is_guess = true;
    for (uint32_t id = x->n_values; id < g->p->n_values; id++) {
        if (g->p->values[id].kind != VALUE_NODE) {
            add_possible_leaf(g, id);
        }
    }
    x->n_values = count_settled(a, node);
    x->n_values_after = node->out[0];
    for (; x->n_nodes < own; x->n_nodes++) {
        possible_node(x, g->p, &g->p->nodes[x->n_nodes]);
    }
    x->is_current = true;
    x->n_nodes_before = is_backward ? a->before : own;
    x->has_narrowed = false;
    bool is_possible = possible_node(x, g->p, node);
    if (is_possible && is_backward) {
        const uint32_t made = node->out[a->target_output];
        x->widest[a->target] = x->widest[made];
        x->sure[a->target] = x->sure[made];
        is_possible = possible_behind(x, g->p, a->target, a->before, own);
    } else if (is_possible && x->has_narrowed) {
        is_possible = narrowed_fits(g, own);
    }
    if (!is_possible) {
        forget_possible(g, a);
    }
    return is_possible;
}

/* The node is in the program, and so is what is known of it. A splice moves outputs. */
static void keep_possible(struct maker *g, const struct attempt *a, uint32_t n_out)
{
    struct possible *x = &g->possible;
    if (x->is_current) {
        bool has_shifted = a->target != VALUE_NEW && n_out > 1;
        x->n_nodes = has_shifted ? a->before : g->p->n_nodes;
        x->n_values = x->n_values_after;
        x->is_current = false;
    } else if (a->target != VALUE_NEW && x->n_nodes > a->before) {
        x->n_nodes = a->before;
    }
}

/* Ordinary recipes for the new values; those that are given are set. */
static void draw_recipes(struct maker *g, const struct attempt *a, const struct node *node,
                         uint32_t ordinary, unsigned attempt)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (!(ordinary >> k & 1)) {
            continue;
        }
        bool is_other_known = k == 1 || (node->n_in == 2 && !(ordinary & 2));
        enum dtype d = g->p->values[node->in[k]].dtype;
        set_recipe(g, node->in[k],
                   a->recipe[k]
                       ? *a->recipe[k]
                       : suit(g, node, k, is_other_known, draw_recipe(g, a->op, d, attempt)));
    }
}

/* Special programs take NaN and infinity where special values bring them, and from an ordinary
 * domain only after some attempts: acosh of -1..1 says nothing. */
static bool is_asked_for(const struct maker *g, const struct node *node, unsigned attempt)
{
    enum { ORDINARY_ATTEMPTS = 4 };
    bool is_special = g->is_clean || attempt >= ORDINARY_ATTEMPTS;
    for (uint32_t k = 0; k < node->n_in && !is_special; k++) {
        const struct interval *range =
            node->in[k] == VALUE_ABSENT ? NULL : &g->facts[node->in[k]].range;
        is_special = range && (range->may_nan || isinf(range->lo) || isinf(range->hi));
    }
    return is_special;
}

/* Recipes for the new values until the node's ranges are fine; false: they never are. */
static bool settle_ranges(struct maker *g, const struct attempt *a, const struct node *node,
                          uint32_t is_new)
{
    enum { ATTEMPTS = 6 };
    uint32_t ordinary = is_new & ~node->op->index_inputs;
    bool is_redrawn = false;
    for (uint32_t k = 0; k < node->n_in; k++) {
        is_redrawn = is_redrawn || ((ordinary >> k & 1) && !a->recipe[k]);
    }
    /* shape, size: their weight keeps them rare */
    bool may_be_dead = node->op->weight > 0 || percent(g, g->policy->dead_percent);
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        draw_recipes(g, a, node, ordinary, attempt);
        enum hazard hazard = node_ranges(g->p, node, g->facts);
        if (g->is_unsteered) {
            g->is_unproven |= hazard != HAZARD_NONE;
            return hazard <= a->risk;
        }
        bool is_alive = may_be_dead || !is_flat(g, node);
        bool is_hopeful = !g->is_clean || (hazard == HAZARD_NONE && !g->is_unproven) ||
                          (hazard <= a->risk && may_be_clean(g, a, node));
        bool is_fine =
            hazard == HAZARD_NONE || (hazard_is_fine(g, hazard) && is_asked_for(g, node, attempt));
        if (is_hopeful && is_fine && is_alive && fits_readers(g, a, node)) {
            return true;
        }
        if (is_hopeful && hazard != HAZARD_NONE && hazard <= a->risk) {
            for (uint32_t o = 0; o < node->n_out; o++) {
                node_assume(g, node->out[o]);
            }
            if (fits_readers(g, a, node)) {
                g->is_unproven = true;
                return true;
            }
        }
        if (!is_redrawn) {
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
    bool was_unproven = g->is_unproven;
    uint32_t ids[OP_INPUTS_MAX], is_new = 0;
    maker_reserve(g, OP_INPUTS_MAX + OP_OUTPUTS_MAX);
    finish(g, a);
    add_new_values(g, a, ids, &is_new);
    static const char *const no_names[OP_OUTPUTS_MAX] = {"", "", "",
                                                         ""}; /* graph_make gives them */
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];
    for (uint32_t o = 0; o < m->n_out; o++) {
        dtypes[o] = m->out[o].dtype;
        shapes[o] = slot_shape(&m->out[o], g->r);
    }
    uint32_t index = program_add_named_node(p, a->op->name, a->n_in, ids, m->n_attrs, m->attr,
                                            m->n_out, dtypes, shapes, no_names);
    struct node *node = &p->nodes[index];
    node->op = a->op;
    bool is_blind = a->op->is_blind && a->op->is_blind(p, node);
    if ((is_blind && !percent(g, g->policy->dead_percent)) || !make_indices(g, node, is_new) ||
        !node_indices_hold(g, node, a->risk, ~is_new) || !settle_ranges(g, a, node, is_new)) {
        p->n_values = n_values;
        p->n_nodes = n_nodes;
        g->is_unproven = was_unproven;
        forget_possible(g, a);
        return false;
    }
    for (uint32_t k = 0; k < a->n_in; k++) {
        if (ids[k] != VALUE_ABSENT) {
            g->facts[ids[k]].uses++;
        }
    }
    bool is_dull = is_likely_dull(g, node);
    for (uint32_t o = 0; o < node->n_out; o++) {
        g->facts[node->out[o]].is_dull = is_dull;
    }
    uint32_t n_out = node->n_out;
    a->node = index;
    if (a->target != VALUE_NEW) {
        attempt_splice(g, a, index);
    }
    keep_possible(g, a, n_out);
    return true;
}

bool attempt_make(struct maker *g, struct attempt *a)
{
    return attempt_solve(g, a) && commit(g, a);
}

/* Input k is an existing value that attempt_choose picked. */
static bool is_picked(const struct attempt *a, uint32_t k)
{
    return IS_VALUE(a->value[k]) && !(a->given >> k & 1);
}

bool attempt_make_somehow(struct maker *g, struct attempt *a)
{
    uint32_t kept = a->n_in;
    while (!attempt_make(g, a)) {
        uint32_t n_dropped = 0;
        bool had_first = a->value[0] != VALUE_NEW;
        /* Backward, all go at once: the op can still go forward. */
        for (; kept > 0 && (n_dropped == 0 || a->target != VALUE_NEW); kept--) {
            if (is_picked(a, kept - 1)) {
                a->value[kept - 1] = VALUE_NEW;
                n_dropped++;
            }
        }
        if (n_dropped == 0) {
            return false;
        }
        if (had_first && a->value[0] == VALUE_NEW && a->target == VALUE_NEW) {
            a->rank = choose_rank(g, &a->op->in[0]);
        }
    }
    return true;
}
