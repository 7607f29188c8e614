/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can a program be clean at all? Two intervals of each value tell of all clean evaluations at once:
 * all elements lie in `widest`, and some element in `sure`, which is the narrower one where an op
 * puts zeros between others (padding, triangles, strides of a transposed convolution) or shares out
 * a sum (softmax). A node that has no clean result of either is impossible: log(-relu(x)),
 * acosh(softmax(x)), 1 / tril(x).
 */
#include <math.h>
#include <string.h>

#include "generate/search_internal.h"

void possible_reserve(struct possible *x, uint32_t n_values, struct arena *arena)
{
    if (n_values <= x->capacity) {
        return;
    }
    uint32_t capacity = 2 * n_values + 64;
    struct possible grown = *x;
    grown.capacity = capacity;
    grown.arena = arena;
    grown.widest = ARENA_ARRAY(arena, struct interval, capacity);
    grown.sure = ARENA_ARRAY(arena, struct interval, capacity);
    grown.is_moved = ARENA_ZARRAY(arena, bool, capacity);
    grown.is_whole = ARENA_ZARRAY(arena, bool, capacity);
    grown.is_place = ARENA_ZARRAY(arena, bool, capacity);
    grown.facts = ARENA_ZARRAY(arena, struct facts, capacity);
    if (x->capacity > 0) {
        memcpy(grown.widest, x->widest, x->capacity * sizeof(*x->widest));
        memcpy(grown.sure, x->sure, x->capacity * sizeof(*x->sure));
        memcpy(grown.is_whole, x->is_whole, x->capacity * sizeof(*x->is_whole));
        memcpy(grown.is_place, x->is_place, x->capacity * sizeof(*x->is_place));
    }
    *x = grown;
}

void possible_leaf(struct possible *x, uint32_t id, struct interval range)
{
    x->widest[id] = x->sure[id] = range;
    x->is_whole[id] = x->is_place[id] = false;
}

static bool is_point(struct interval a, real at)
{
    return a.lo == at && a.hi == at;
}

static struct interval point(real at)
{
    return (struct interval){.lo = at, .hi = at};
}

/* Of two overlapping ones, the one that says more. */
static bool is_narrower(struct interval a, struct interval b)
{
    bool inside = a.lo >= b.lo && a.hi <= b.hi && (a.lo > b.lo || a.hi < b.hi);
    return inside || a.hi - a.lo < b.hi - b.lo;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (text_equal(name, *names)) {
            return true;
        }
    }
    return false;
}

/* ---- elementwise ---- */

static bool divides(const struct node *node)
{
    static const char *const names[] = {"div", "floor_div", "mod", "fmod", NULL};
    return is_one_of(node->op_name, names);
}

/* x - x and the like */
static bool is_zero_of_twins(const struct node *node)
{
    static const char *const names[] = {"sub", "mod", "fmod", "bit_xor", "xor", NULL};
    return node->n_in == 2 && node->in[0] == node->in[1] && is_one_of(node->op_name, names);
}

static bool has_pole_at_zero(const struct possible *x, const struct node *node)
{
    uint32_t k = divides(node) ? 1 : 0;
    bool applies = k == 1 || text_equal(node->op_name, "reciprocal");
    return applies && is_point(x->sure[node->in[k]], 0);
}

bool node_at_point(const struct program *p, const struct node *node, const struct facts *facts,
                   struct arena *arena, real *result)
{
    if (!node->op->elementwise) {
        return false;
    }
    struct value values[OP_INPUTS_MAX + 1] = {0};
    uint32_t in[OP_INPUTS_MAX], out = OP_INPUTS_MAX;
    real at[OP_INPUTS_MAX];
    struct array operands[OP_INPUTS_MAX], y;
    const struct array *given[OP_INPUTS_MAX] = {0};
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = node->in[k] == VALUE_ABSENT ? VALUE_ABSENT : k;
        if (in[k] != VALUE_ABSENT) {
            values[k].dtype = p->values[node->in[k]].dtype;
            at[k] = facts[node->in[k]].range.lo;
            operands[k] = (struct array){.dtype = values[k].dtype, .n = 1, .v = &at[k]};
            given[k] = &operands[k];
        }
    }
    values[out].dtype = p->values[node->out[0]].dtype;
    const struct program single = {.n_values = ARRAY_SIZE(values), .values = values};
    struct node alone = *node;
    alone.in = in;
    alone.out = &out;
    struct arena_mark mark = arena_mark(arena);
    op_evaluate(&single, &alone, given, true, &y, NULL, arena);
    *result = y.v[0];
    struct evaluation e = {.node = &alone, .n_in = node->n_in, .n_out = 1, .scratch = arena};
    memcpy(e.in, given, sizeof(given));
    e.out[0] = y;
    uint8_t is_open = 0, *marks[OP_OUTPUTS_MAX] = {&is_open};
    if (node->op->unspecified && node->op->hazard && !dtype_is_float(y.dtype)) {
        node->op->unspecified(&e, marks);
    }
    arena_rewind(arena, mark);
    return isfinite(*result) && !is_open;
}

/* x less its own mean, greatest or least element along some axes: of both signs, or 0. */
static bool is_likely_centred(const struct program *p, const struct node *node)
{
    static const char *const names[] = {"reduce_mean", "reduce_max", "reduce_min", NULL};
    if (!text_equal(node->op_name, "sub")) {
        return false;
    }
    for (uint32_t k = 0; k < 2; k++) {
        const struct value *v = &p->values[node->in[k]];
        const struct node *by = v->kind == VALUE_NODE ? &p->nodes[v->node] : NULL;
        if (by && is_one_of(by->op_name, names) && by->in[0] == node->in[1 - k]) {
            return true;
        }
    }
    return false;
}

/* The result's range with one operand at a time where some element of it is for sure. */
static bool settle_elementwise(struct possible *x, const struct program *p, const struct node *node,
                               struct interval *sure)
{
    enum dtype d = p->values[node->out[0]].dtype;
    if (has_pole_at_zero(x, node)) {
        return false;
    }
    if (x->is_guess && is_likely_centred(p, node)) {
        *sure = point(0);
        return true;
    }
    struct interval first = x->sure[node->in[0]];
    if (node->n_in == 1 && first.lo == first.hi) {
        real y;
        x->facts[node->in[0]].range = first;
        bool is_clean = node_at_point(p, node, x->facts, x->arena, &y);
        x->facts[node->in[0]].range = x->widest[node->in[0]];
        *sure = point(y);
        return is_clean;
    }
    if (divides(node) && is_point(first, 0)) { /* whatever the divisor */
        *sure = point(0);
        return true;
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        uint32_t id = node->in[k];
        if (id == VALUE_ABSENT || !is_narrower(x->sure[id], x->widest[id])) {
            continue;
        }
        x->facts[id].range = x->sure[id];
        node_ranges(p, node, x->facts);
        x->facts[id].range = x->widest[id];
        struct interval range =
            interval_intersect(x->facts[node->out[0]].range, interval_of_dtype(d));
        if (interval_has_none(range)) {
            return false;
        }
        range = interval_intersect(range, x->widest[node->out[0]]);
        *sure = is_narrower(range, *sure) ? range : *sure;
    }
    return true;
}

/* ---- ops that bring elements of their own ---- */

static int64_t value_of(const struct node *node, const char *name, int k, int64_t otherwise)
{
    const struct attr *a = node_attr(node, name);
    return a && k < a->n ? a->i[k] : otherwise;
}

/* Along one spatial dim, is there an output position to which no input goes? */
static bool has_gap(const struct node *node, int d, int64_t in, int64_t kernel, int64_t out,
                    bool is_transposed)
{
    int64_t stride = value_of(node, "strides", d, 1), dilation = value_of(node, "dilations", d, 1);
    int64_t pad = value_of(node, "pads", d, 0);
    for (int64_t y = 0; y < out; y++) {
        bool any = false;
        for (int64_t k = 0; k < kernel && !any; k++) {
            int64_t at = is_transposed ? y + pad - k * dilation : y * stride + k * dilation - pad;
            bool fits = at >= 0 && (!is_transposed || at % stride == 0);
            any = fits && (is_transposed ? at / stride : at) < in;
        }
        if (!any) {
            return true;
        }
    }
    return false;
}

static bool has_any_gap(const struct program *p, const struct node *node, const struct shape *w)
{
    const struct shape *x = &p->values[node->in[0]].shape, *y = &p->values[node->out[0]].shape;
    bool is_transposed = strncmp(node->op_name, "conv_transpose", 14) == 0;
    for (int d = 2; d < y->rank; d++) {
        int64_t kernel = w ? w->dim[d] : value_of(node, "kernel_shape", d - 2, 1);
        if (has_gap(node, d - 2, x->dim[d], kernel, y->dim[d], is_transposed)) {
            return true;
        }
    }
    return false;
}

static bool cuts_all(const struct node *node, const struct shape *x)
{
    bool is_lower = text_equal(node->op_name, "tril");
    if (!is_lower && !text_equal(node->op_name, "triu")) {
        return false;
    }
    int64_t rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1];
    int64_t k = value_of(node, "k", 0, 0);
    return is_lower ? -(rows - 1) > k : columns - 1 < k;
}

static bool has_cut(const struct node *node, const struct shape *x)
{
    int64_t rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1];
    int64_t k = value_of(node, "k", 0, 0);
    return text_equal(node->op_name, "tril") ? columns - 1 > k : -(rows - 1) < k;
}

static bool is_padded(const struct node *node)
{
    const struct attr *mode = node_attr(node, "mode"), *pads = node_attr(node, "pads");
    bool any = false;
    for (int k = 0; pads && k < pads->n; k++) {
        any |= pads->i[k] > 0;
    }
    return any && mode && text_equal(mode->text, "constant");
}

static int64_t largest_dim(const struct node *node, const struct shape *x)
{
    int64_t start = node_int(node, "start", 0), end = node_int(node, "end", x->rank), most = 0;
    start += start < 0 ? x->rank : 0;
    end += end < 0 ? x->rank : 0;
    for (int64_t d = start > 0 ? start : 0; d < end && d < x->rank; d++) {
        most = x->dim[d] > most ? x->dim[d] : most;
    }
    return most;
}

static int64_t axis_length(const struct node *node, const struct shape *x)
{
    int64_t axis = node_int(node, "axis", -1);
    return x->rank > 0 ? x->dim[axis < 0 ? axis + x->rank : axis] : 1;
}

/* Ops whose results hold every element of their first input, in some order. */
static const char *const keepers[] = {
    "transpose", "reshape", "squeeze",        "unsqueeze",      "flatten", "expand", "tile",
    "flip",      "roll",    "depth_to_space", "space_to_depth", "sort",    NULL};

/* Not above log n, in steps of 1/16, without a libm. */
static real least_log(int64_t n)
{
    const real step = 1.0645L; /* above exp(1/16) */
    real power = step;
    unsigned steps = 0;
    while (power <= (real)n) {
        power *= step;
        steps++;
    }
    return (real)steps / 16;
}

/* Whatever the elements. */
static bool is_always_zero(const struct program *p, const struct node *node)
{
    const struct shape *x = &p->values[node->in[0]].shape;
    bool is_alone = text_equal(node->op_name, "log_softmax") && axis_length(node, x) == 1;
    return is_alone || is_zero_of_twins(node) || cuts_all(node, x);
}

/* What is surely among the operand's elements is likely among the result's. */
static bool is_likely_kept(const struct node *node)
{
    static const char *const names[] = {
        "reduce_max",        "reduce_min", "max_pool", "avg_pool", "adaptive_max_pool",
        "adaptive_avg_pool", "resize",     "top_k",    "cum_sum",  NULL};
    return node->op->origins || is_one_of(node->op_name, names);
}

/* Without a bias, results of both signs, or 0 alone. */
static bool is_centred(const struct node *node)
{
    static const char *const names[] = {"layer_norm", "group_norm", "instance_norm", NULL};
    bool has_bias = node->n_in > 2 && node->in[2] != VALUE_ABSENT;
    return is_one_of(node->op_name, names) && !has_bias;
}

/* Of output 0; false: impossible. */
static bool settle_other(struct possible *x, const struct program *p, const struct node *node,
                         struct interval *sure)
{
    const char *name = node->op_name;
    const struct shape *in = &p->values[node->in[0]].shape;
    enum dtype d = p->values[node->out[0]].dtype;
    bool is_conv = strncmp(name, "conv", 4) == 0;
    if (is_one_of(name, keepers)) {
        *sure = x->sure[node->in[0]];
    } else if (text_equal(name, "concat")) {
        for (uint32_t k = 0; k < node->n_in; k++) {
            bool has_any = shape_numel(&p->values[node->in[k]].shape) > 0;
            const struct interval own = x->sure[node->in[k]];
            *sure = has_any && is_narrower(own, *sure) ? own : *sure;
        }
    } else if (is_conv && has_any_gap(p, node, &p->values[node->in[1]].shape)) {
        bool has_bias = node->n_in > 2 && node->in[2] != VALUE_ABSENT;
        *sure = has_bias ? x->sure[node->in[2]] : point(0);
    } else if (text_equal(name, "max_pool") && dtype_is_float(d)) {
        *sure = x->is_guess ? x->sure[node->in[0]] : *sure;
        if (has_any_gap(p, node, NULL)) { /* of none: -inf */
            return false;
        }
    } else if (text_equal(name, "reduce_var")) {
        /* Over no degree of freedom: 0 / 0, or infinite. */
        size_t terms = shape_numel(in) / shape_numel(&p->values[node->out[0]].shape);
        return (int64_t)terms > node_int(node, "correction", 1);
    } else if (text_equal(name, "avg_pool") && has_any_gap(p, node, NULL)) {
        *sure = point(0);
        return node_int(node, "count_include_pad", 0) != 0; /* else 0 / 0 */
    } else if (text_equal(name, "tril") || text_equal(name, "triu")) {
        *sure = has_cut(node, in) ? point(0) : x->sure[node->in[0]];
    } else if (text_equal(name, "pad") && is_padded(node)) {
        *sure = point((real)node_real(node, "value", 0));
    } else if (text_equal(name, "one_hot") && node_int(node, "depth", 1) > 1) {
        real on = (real)node_real(node, "on", 1), off = (real)node_real(node, "off", 0);
        *sure = point(on == 0 ? on : off);
    } else if (text_equal(name, "softmax")) {
        *sure = (struct interval){.lo = 0, .hi = dtype_round(d, 1 / (real)axis_length(node, in))};
    } else if (x->is_guess && is_centred(node)) {
        *sure = (struct interval){.lo = dtype_lowest(d), .hi = 0};
    } else if (text_equal(name, "shape")) {
        *sure = point((real)largest_dim(node, in));
    } else if (text_equal(name, "cum_sum") && node_int(node, "exclusive", 0)) {
        *sure = point(0);
    } else if (strncmp(name, "scatter", 7) == 0 && !node_attr(node, "reduction")) {
        *sure = x->sure[node->in[2]];
    } else if (text_equal(name, "reduce_prod") && is_point(x->sure[node->in[0]], 0)) {
        *sure = point(0);
    } else if (text_equal(name, "log_softmax")) {
        *sure = (struct interval){.lo = dtype_lowest(d), .hi = -least_log(axis_length(node, in))};
    } else if (x->is_guess && is_likely_kept(node)) {
        *sure = x->sure[node->in[0]];
    }
    *sure = interval_intersect(*sure, x->widest[node->out[0]]);
    return !interval_has_none(*sure);
}

/* ---- the node ---- */

/* Valid indices narrow what is known of the value, too: for the nodes behind. */
static bool settle_indices(struct possible *x, const struct program *p, const struct node *node)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        int64_t least = node_index_least(p, node, k);
        if (least < 0 || shape_numel(&p->values[node->in[k]].shape) == 0) {
            continue;
        }
        struct interval valid = {.lo = -(real)least, .hi = (real)(least - 1)};
        const struct value *v = &p->values[node->in[k]];
        /* Places in an order, and indices that stay as drawn (a leaf with a sure 0). */
        bool is_place = x->is_guess && (v->kind == VALUE_NODE ? x->is_place[node->in[k]]
                                                              : is_point(x->sure[node->in[k]], 0));
        if ((is_place && x->widest[node->in[k]].hi > valid.hi) ||
            interval_has_none(interval_intersect(x->widest[node->in[k]], valid)) ||
            interval_has_none(interval_intersect(x->sure[node->in[k]], valid))) {
            return false;
        }
    }
    return true;
}

/* Are all results whole numbers? */
static bool gives_whole(const struct possible *x, const struct program *p, const struct node *node)
{
    static const char *const makers[] = {"floor", "ceil",      "round", "trunc",
                                         "sign",  "floor_div", NULL};
    static const char *const passers[] = {"neg", "abs", "relu", "cast", NULL};
    bool passes = is_one_of(node->op_name, passers) || is_one_of(node->op_name, keepers);
    if (strcmp(node->op_name, "one_hot") == 0) {
        double on = node_real(node, "on", 1), off = node_real(node, "off", 0);
        return on == trunc(on) && off == trunc(off);
    }
    return !dtype_is_float(p->values[node->out[0]].dtype) || is_one_of(node->op_name, makers) ||
           (passes && x->is_whole[node->in[0]]);
}

/* Of places in an order, still places: what the search cannot move. */
static bool keeps_places(const struct possible *x, const struct node *node)
{
    return x->is_place[node->in[0]] && (node->op->origins || text_equal(node->op_name, "abs"));
}

/* Where an operand's elements lie if the node is clean. At an end that is open it is not. */
struct domain_rule {
    uint32_t k;
    real lo, hi;
    bool is_open;
};

static bool find_domain(const struct program *p, const struct node *node, struct domain_rule *rule)
{
    static const struct {
        const char *name;
        struct domain_rule rule;
    } functions[] = {
        {"log", {0, 0, INFINITY, true}},    {"log2", {0, 0, INFINITY, true}},
        {"log1p", {0, -1, INFINITY, true}}, {"rsqrt", {0, 0, INFINITY, true}},
        {"atanh", {0, -1, 1, true}},        {"sqrt", {0, 0, INFINITY, false}},
        {"acosh", {0, 1, INFINITY, false}}, {"asin", {0, -1, 1, false}},
        {"acos", {0, -1, 1, false}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        if (text_equal(node->op_name, functions[i].name)) {
            *rule = functions[i].rule;
            return true;
        }
    }
    enum dtype from = p->values[node->in[0]].dtype, to = p->values[node->out[0]].dtype;
    if (text_equal(node->op_name, "cast") && dtype_is_float(from) && dtype_is_int(to)) {
        *rule = (struct domain_rule){0, dtype_lowest(to) - 1, dtype_max(to) + 1, true};
        return true;
    }
    if (strncmp(node->op_name, "shift_", 6) == 0) {
        *rule = (struct domain_rule){1, 0, (real)(8 * dtype_size(to) - 1), false};
        return true;
    }
    if (text_equal(node->op_name, "batch_norm")) { /* the variance */
        *rule = (struct domain_rule){4, -(real)node_real(node, "epsilon", 0), INFINITY, true};
        return true;
    }
    return false;
}

/* For the nodes behind. From an open end one step of whole numbers; a guess is that a little of
 * others is needed, too. */
static bool narrow_operand(struct possible *x, const struct node *node,
                           const struct domain_rule *rule)
{
    const uint32_t id = node->in[rule->k];
    real inset = x->is_whole[id] ? 1 : x->is_guess ? 0x1p-14L : 0;
    inset = rule->is_open ? inset : 0;
    const bool lies_whole = rule->lo == floorl(rule->lo);
    inset = x->is_whole[id] && !lies_whole ? 0 : inset;
    const struct interval domain = {.lo = rule->lo + inset, .hi = rule->hi - inset};
    if (x->widest[id].lo < domain.lo || x->widest[id].hi > domain.hi) {
        x->has_narrowed = true;
        x->narrowed = id;
        x->widest_before = x->widest[id];
        x->sure_before = x->sure[id];
    }
    x->widest[id] = interval_intersect(x->widest[id], domain);
    x->sure[id] = interval_intersect(x->sure[id], domain);
    return !interval_has_none(x->widest[id]) && !interval_has_none(x->sure[id]);
}

/* What only the very end of a range would make clean is no hope: tanh(x) = 1, cosh(x) = 1. */
static void pull_in(const struct node *node, struct interval *range)
{
    static const char *const positive[] = {"exp", "exp2", "sigmoid", "softplus", "rsqrt", NULL};
    if (range->lo == 0 && is_one_of(node->op_name, positive)) {
        range->lo = 0x1p-10L; /* 0 by underflow alone */
    }
    const struct interval inner = {.lo = range->lo + fabsl(range->lo) * 0x1p-6L,
                                   .hi = range->hi - fabsl(range->hi) * 0x1p-6L};
    *range = inner.lo < inner.hi ? inner : *range;
}

static bool reads_moved(const struct possible *x, const struct node *node)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT && x->is_moved[node->in[k]]) {
            return true;
        }
    }
    return false;
}

bool possible_behind(struct possible *x, const struct program *p, uint32_t moved, uint32_t from,
                     uint32_t end)
{
    bool is_possible = true;
    uint32_t i = from;
    x->is_again = true;
    x->is_moved[moved] = true;
    for (; is_possible && i < end; i++) {
        const struct node *node = &p->nodes[i];
        if (reads_moved(x, node)) {
            is_possible = possible_node(x, p, node);
            for (uint32_t o = 0; o < node->n_out; o++) {
                x->is_moved[node->out[o]] = true;
            }
        }
    }
    while (i-- > from) {
        for (uint32_t o = 0; o < p->nodes[i].n_out; o++) {
            x->is_moved[p->nodes[i].out[o]] = false;
        }
    }
    x->is_moved[moved] = x->is_again = false;
    return is_possible;
}

bool possible_node(struct possible *x, const struct program *p, const struct node *node)
{
    bool is_possible = settle_indices(x, p, node);
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT) {
            x->facts[node->in[k]].range = x->widest[node->in[k]];
        }
    }
    node_ranges(p, node, x->facts);
    for (uint32_t o = 0; o < node->n_out; o++) {
        uint32_t id = node->out[o];
        const struct value *v = &p->values[id];
        struct interval range = interval_intersect(x->facts[id].range, interval_of_dtype(v->dtype));
        x->widest[id] = x->is_again ? interval_intersect(x->widest[id], range) : range;
        if (x->is_guess && node->op->elementwise && dtype_is_float(v->dtype)) {
            pull_in(node, &x->widest[id]);
        }
        if (is_always_zero(p, node)) {
            x->widest[id] = point(0);
        }
        x->is_place[id] = (node->op->jumps == JUMPS_IN_ORDER && o + 1 == node->n_out) ||
                          (o == 0 && keeps_places(x, node));
        x->is_whole[id] = !dtype_is_float(v->dtype) || (o == 0 && gives_whole(x, p, node));
        if (x->is_whole[id]) {
            x->widest[id].lo = ceill(x->widest[id].lo);
            x->widest[id].hi = floorl(x->widest[id].hi);
        }
        is_possible &= !interval_has_none(x->widest[id]) || shape_numel(&v->shape) == 0;
        x->sure[id] = x->widest[id];
    }
    if (!is_possible || shape_numel(&p->values[node->out[0]].shape) == 0) {
        return is_possible;
    }
    struct domain_rule rule = {0};
    bool has_domain =
        find_domain(p, node, &rule) && shape_numel(&p->values[node->in[rule.k]].shape) > 0;
    const uint32_t narrowed = node->in[rule.k];
    const struct interval widest = x->widest[narrowed], sure = x->sure[narrowed];
    is_possible = !has_domain || narrow_operand(x, node, &rule);
    struct interval *own = &x->sure[node->out[0]];
    is_possible &=
        node->op->elementwise ? settle_elementwise(x, p, node, own) : settle_other(x, p, node, own);
    if (text_equal(node->op_name, "sort")) { /* each line's indices are 0, 1, ... */
        x->sure[node->out[1]] = point(0);
    }
    if (!is_possible) { /* it may not come into the program */
        x->widest[narrowed] = widest;
        x->sure[narrowed] = sure;
    }
    if (x->is_guess && node->op->jumps == JUMPS_IN_ORDER) { /* the last output: places */
        x->sure[node->out[node->n_out - 1]] = point(0);
    }
    return is_possible;
}
