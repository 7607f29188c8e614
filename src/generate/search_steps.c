/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation for the search, node by node up to the first that is not clean, and gradient steps.
 * The loss of a node is how far its operands lie outside of intervals in which it is clean. Its
 * least is 0 and known, so that a step's length follows from loss and gradient (Polyak,
 * Introduction to Optimization, 1987, 5.3).
 */
#include <math.h>
#include <string.h>

#include "generate/search_internal.h"

/* ---- evaluation ---- */

static struct evaluation describe(const struct search *s, const struct node *node)
{
    struct evaluation e = {
        .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = s->arena};
    for (uint32_t k = 0; k < node->n_in; k++) {
        e.in[k] = node->in[k] == VALUE_ABSENT ? NULL : &s->values[node->in[k]];
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        e.out[o] = s->values[node->out[o]];
    }
    return e;
}

static bool all_finite(const struct array *a)
{
    real sum = 0; /* of zeros, but for what is not finite */
    for (size_t i = 0; i < a->n; i++) {
        sum += a->v[i] * 0;
    }
    return sum == 0;
}

/* Integers that no document defines, and results of indices out of range. */
static bool has_undefined(const struct search *s, const struct node *node)
{
    const struct op *op = node->op;
    bool is_int = !dtype_is_float(s->p->values[node->out[0]].dtype);
    if (!op->unspecified || !((op->hazard && is_int) || (op->traps && op->index_inputs))) {
        return false;
    }
    struct arena_mark mark = arena_mark(s->arena);
    struct evaluation e = describe(s, node);
    uint8_t *marks[OP_OUTPUTS_MAX] = {0};
    for (uint32_t o = 0; o < node->n_out; o++) {
        marks[o] = arena_zalloc(s->arena, e.out[o].n + 1);
    }
    op->unspecified(&e, marks);
    bool any = false;
    for (uint32_t o = 0; o < node->n_out; o++) {
        any |= memchr(marks[o], 1, e.out[o].n) != NULL;
    }
    arena_rewind(s->arena, mark);
    return any;
}

static bool is_clean(const struct search *s, const struct node *node)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct array *y = &s->values[node->out[o]];
        if (dtype_is_float(y->dtype) && !all_finite(y)) {
            return false;
        }
    }
    return !has_undefined(s, node);
}

static void evaluate_node(struct search *s, const struct node *node)
{
    const struct array *in[OP_INPUTS_MAX] = {0};
    struct array out[OP_OUTPUTS_MAX];
    struct arena_mark mark = arena_mark(s->arena);
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = node->in[k] == VALUE_ABSENT ? NULL : &s->values[node->in[k]];
    }
    op_evaluate(s->p, node, in, true, out, NULL, s->arena);
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct array *y = &s->values[node->out[o]];
        memcpy(y->v, out[o].v, y->n * sizeof(*y->v));
    }
    arena_rewind(s->arena, mark);
    s->nodes++;
}

static bool takes_dirty(const struct search *s, const struct node *node)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT && s->is_dirty[node->in[k]]) {
            return true;
        }
    }
    return false;
}

void search_evaluate(struct search *s)
{
    const struct program *p = s->p;
    uint32_t known = s->bad, i = 0;
    for (; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        if (i < known && !takes_dirty(s, node)) {
            continue;
        }
        evaluate_node(s, node);
        for (uint32_t o = 0; o < node->n_out; o++) {
            s->is_dirty[node->out[o]] = true;
        }
        if (!is_clean(s, node)) {
            break;
        }
    }
    s->bad = i;
    memset(s->is_dirty, 0, p->n_values * sizeof(*s->is_dirty));
}

struct interval array_range(const struct array *a)
{
    struct interval range = {.lo = (real)INFINITY, .hi = -(real)INFINITY};
    for (size_t i = 0; i < a->n; i++) {
        real x = a->v[i];
        range.may_nan |= isnan(x) != 0;
        range.lo = x < range.lo ? x : range.lo;
        range.hi = x > range.hi ? x : range.hi;
    }
    return range;
}

/* ---- trials ---- */

bool search_try_node(struct search *s, const struct node *node, uint32_t n, const uint32_t *ids,
                     const struct array *given)
{
    struct arena_mark mark = arena_mark(s->arena);
    struct array kept_in[OP_INPUTS_MAX], kept_out[OP_OUTPUTS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        kept_in[i] = s->values[ids[i]];
        s->values[ids[i]] = given[i];
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct array *y = &s->values[node->out[o]];
        kept_out[o] = *y;
        y->v = ARENA_ARRAY(s->arena, real, y->n);
    }
    evaluate_node(s, node);
    bool is_fine = is_clean(s, node);
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct interval range = array_range(&s->values[node->out[o]]);
        const struct interval want = s->want[node->out[o]];
        is_fine &= range.lo > range.hi || (range.lo >= want.lo && range.hi <= want.hi);
        s->values[node->out[o]] = kept_out[o];
    }
    for (uint32_t i = 0; i < n; i++) {
        s->values[ids[i]] = kept_in[i];
    }
    arena_rewind(s->arena, mark);
    return is_fine;
}

/* ---- loss ---- */

static real beyond(real x, struct interval a)
{
    return x < a.lo ? x - a.lo : x > a.hi ? x - a.hi : 0;
}

/* Where the operands of `bad` should lie. */
struct aim {
    uint32_t bad;
    struct interval wanted[OP_INPUTS_MAX];
};

static bool find_aim(struct search *s, struct aim *aim)
{
    const struct node *node = &s->p->nodes[s->bad];
    *aim = (struct aim){.bad = s->bad};
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT) {
            s->now[node->in[k]] = array_range(&s->values[node->in[k]]);
            s->want[node->in[k]] = s->possible.widest[node->in[k]];
        }
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        s->want[node->out[o]] = s->possible.widest[node->out[o]];
    }
    if (!search_settle_node(s, node, s->is_smooth, false)) {
        return false;
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT) {
            aim->wanted[k] = s->now[node->in[k]];
        }
    }
    return true;
}

static real loss_of(const struct search *s, const struct aim *aim)
{
    const struct node *node = &s->p->nodes[aim->bad];
    real loss = 0;
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] == VALUE_ABSENT || !dtype_is_float(s->p->values[node->in[k]].dtype)) {
            continue;
        }
        const struct array *x = &s->values[node->in[k]];
        for (size_t i = 0; i < x->n; i++) {
            loss += fabsl(beyond(x->v[i], aim->wanted[k]));
        }
    }
    return loss;
}

/* ---- gradient ---- */

static real *gradient_at(struct search *s, real **grad, uint32_t id)
{
    bool is_wanted = id != VALUE_ABSENT && s->is_smooth[id];
    if (is_wanted && !grad[id]) {
        grad[id] = ARENA_ZARRAY(s->arena, real, s->values[id].n + 1);
    }
    return is_wanted ? grad[id] : NULL;
}

static void backward(struct search *s, const struct node *node, real **grad)
{
    struct evaluation e = describe(s, node);
    struct vjp v = {.e = &e};
    bool any_out = false, any_in = false;
    for (uint32_t o = 0; o < node->n_out; o++) {
        v.cotangent[o] = grad[node->out[o]];
        any_out |= v.cotangent[o] != NULL;
    }
    for (uint32_t k = 0; any_out && node->op->vjp && k < node->n_in; k++) {
        v.grad[k] = gradient_at(s, grad, node->in[k]);
        any_in |= v.grad[k] != NULL;
    }
    if (any_in) {
        node->op->vjp(&v);
        s->nodes++;
    }
}

/* Of the loss, by value id; NULL where it does not hang on the value. */
static real **find_gradient(struct search *s, const struct aim *aim)
{
    const struct node *node = &s->p->nodes[aim->bad];
    real **grad = ARENA_ZARRAY(s->arena, real *, s->p->n_values);
    for (uint32_t k = 0; k < node->n_in; k++) {
        real *g = gradient_at(s, grad, node->in[k]);
        for (size_t i = 0; g && i < s->values[node->in[k]].n; i++) {
            real d = beyond(s->values[node->in[k]].v[i], aim->wanted[k]);
            g[i] += (real)((d > 0) - (d < 0));
        }
    }
    for (uint32_t i = aim->bad; i-- > 0;) {
        backward(s, &s->p->nodes[i], grad);
    }
    return grad;
}

/* To few bits: what hangs on the last bits of a libm is rounded away. */
static real to_few_bits(real x)
{
    enum { BITS = 10 };
    int exponent;
    real fraction = frexpl(x, &exponent);
    return ldexpl(rintl(ldexpl(fraction, BITS)), exponent - BITS);
}

static real moved(const struct search *s, uint32_t id, real x, real by)
{
    const struct interval domain = s->possible.widest[id];
    real to = x - by;
    if (!isfinite(to) || by == 0) {
        return x;
    }
    to = to_few_bits(to);
    to = to < domain.lo ? domain.lo : to > domain.hi ? domain.hi : to;
    return dtype_round(s->values[id].dtype, to);
}

/* False: no leaf moves. */
static bool take_step(struct search *s, real *const *grad, real length)
{
    bool any = false;
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        if (!grad[id] || s->p->values[id].kind == VALUE_NODE) {
            continue;
        }
        struct array *x = &s->values[id];
        for (size_t i = 0; i < x->n; i++) {
            real to = moved(s, id, x->v[i], length * grad[id][i]);
            s->is_dirty[id] |= to != x->v[i];
            x->v[i] = to;
        }
        any |= s->is_dirty[id];
    }
    return any;
}

static real square_of_gradient(const struct search *s, real *const *grad)
{
    real sum = 0;
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        for (size_t i = 0; grad[id] && s->p->values[id].kind != VALUE_NODE && i < s->values[id].n;
             i++) {
            real g = grad[id][i];
            grad[id][i] = isfinite(g) ? g : 0;
            sum += isfinite(g) ? g * g : 0;
        }
    }
    return sum;
}

/* The leaves that have a gradient, as they are / as they were. */
static real **keep_leaves(struct search *s, real *const *grad)
{
    real **kept = ARENA_ZARRAY(s->arena, real *, s->p->n_values);
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        if (grad[id] && s->p->values[id].kind != VALUE_NODE) {
            kept[id] = arena_copy(s->arena, s->values[id].v, s->values[id].n * sizeof(real));
        }
    }
    return kept;
}

static void put_leaves(struct search *s, real *const *kept)
{
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        if (kept[id]) {
            memcpy(s->values[id].v, kept[id], s->values[id].n * sizeof(real));
            s->is_dirty[id] = true;
        }
    }
}

/* One step, shorter ones while it does not help; false: none helps. */
static bool descend_once(struct search *s, const struct aim *aim)
{
    static const real factors[] = {1.5L, 0.5L, 0.125L, 0x1p-6L};
    real loss = loss_of(s, aim);
    if (!(loss > 0)) {
        return false;
    }
    real **grad = find_gradient(s, aim);
    real square = square_of_gradient(s, grad);
    real **kept = keep_leaves(s, grad);
    for (size_t i = 0; square > 0 && isfinite(square) && i < ARRAY_SIZE(factors); i++) {
        if (!take_step(s, grad, factors[i] * loss / square)) {
            return false;
        }
        search_evaluate(s);
        if (s->bad > aim->bad || (s->bad == aim->bad && loss_of(s, aim) < loss)) {
            return true;
        }
        put_leaves(s, kept);
        search_evaluate(s);
    }
    return false;
}

void search_descend(struct search *s)
{
    enum { STEPS = 16 }; /* at one node */
    struct aim aim = {.bad = UINT32_MAX};
    unsigned steps = 0;
    while (s->bad < s->p->n_nodes && s->nodes < s->nodes_max) {
        struct arena_mark mark = arena_mark(s->arena);
        if (aim.bad != s->bad) {
            steps = 0;
            if (!find_aim(s, &aim)) {
                return;
            }
        }
        bool helps = steps++ < STEPS && descend_once(s, &aim);
        arena_rewind(s->arena, mark);
        if (!helps) {
            return;
        }
    }
}
