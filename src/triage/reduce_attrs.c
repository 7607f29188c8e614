/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tactic that makes attributes simple: what libraries have as the default, else what people
 * would try. Shapes follow from the leaves, or are solved so that the leaves keep theirs.
 */
#include <math.h>
#include <string.h>

#include "triage/reduce_shapes.h"

static const struct attr_spec *spec_of(const struct op *op, const struct attr *a)
{
    const struct attr_spec *spec = NULL;
    for (int i = 0; i < OP_ATTRS_MAX && op->attrs[i].name != NULL; i++) {
        spec = strcmp(op->attrs[i].name, a->name) == 0 ? &op->attrs[i] : spec;
    }
    return spec;
}

/* The usual one, a whole number, a half, what four bits hold; large ones may be the point. NaN: not
 * for this one. */
static double simple_real(const struct attr_spec *spec, double now, unsigned choice)
{
    int exponent;
    double fraction = frexp(now, &exponent);
    bool has_usual = spec != NULL && spec->real.octaves > 0, is_large = fabs(now) > 16;
    switch (choice) {
    case 0:
        return !has_usual ? NAN : now == spec->real.usual[1] ? now : spec->real.usual[0];
    case 1:
        return is_large ? NAN : nearbyint(now);
    case 2:
        return is_large ? NAN : copysign(0.5, now);
    default:
        return ldexp(nearbyint(fraction * 16), exponent - 4);
    }
}

/* Simple settings of an attribute in the order in which people would try them: the usual value of
 * a real one or a truth first. false: no more. *fits: it is one for this attribute. */
static bool simple_attr(const struct op *op, struct attr *a, unsigned choice, bool *fits)
{
    const struct attr_spec *spec = spec_of(op, a);
    *fits = true;
    switch (a->kind) {
    case ATTR_INT:
    case ATTR_INTS:
        for (unsigned k = 0; k < a->n; k++) {
            a->i[k] = choice == 2 ? (int64_t)k : (int64_t)choice;
        }
        return choice < 3;
    case ATTR_BOOL:
        a->i[0] = (spec != NULL && spec->usually_true) == (choice == 0);
        return choice < 2;
    case ATTR_REAL:
        a->f = simple_real(spec, a->f, choice);
        *fits = !isnan(a->f);
        return choice < 4;
    case ATTR_DTYPE:
    case ATTR_TEXT:
        return false;
    }
    return false;
}

/* The attribute at its choice-th simple setting. false: that is no change, or there is none. */
static bool set_attr(struct reducer *r, struct candidate *c, uint32_t node, uint32_t attr,
                     unsigned choice, bool *fits)
{
    const struct node *n = &c->program->nodes[node];
    struct attr *a = &n->attrs[attr];
    return simple_attr(n->op, a, choice, fits) &&
           !attr_equal(a, &r->best.program->nodes[node].attrs[attr]);
}

/* Tries the candidate of the changed node: with what follows from the leaves (way 0), or with
 * shapes solved so that the leaves keep theirs. */
static bool try_attr(struct reducer *r, struct candidate *c, uint32_t node, int way)
{
    const struct request q = {
        .may_grow = true, .leaf = VALUE_ABSENT, .free_attrs = true, .fixed = node};
    bool better =
        (way == 0 ? candidate_infer(r, c) : candidate_resolve(r, c, &q)) && reduce_try(r, c);
    arena_reset(r->scratch);
    return better;
}

/* Tries the simpler settings than the one it has, first the simplest. */
static bool simplify_attr(struct reducer *r, uint32_t node, uint32_t attr)
{
    for (unsigned choice = 0; !reduce_over(r); choice++) {
        bool fits = true;
        for (int way = 0; way < 2 && fits; way++) {
            struct candidate c = candidate_new(r);
            if (!set_attr(r, &c, node, attr, choice, &fits)) {
                arena_reset(r->scratch);
                return false; /* it is what it would become, or there is nothing simpler */
            }
            if (fits && try_attr(r, &c, node, way)) {
                return true;
            }
        }
        arena_reset(r->scratch);
    }
    return false;
}

/* One entry of a list: 0, 1 or -1, whichever comes first. */
static bool simplify_entry(struct reducer *r, uint32_t node, uint32_t attr, unsigned k)
{
    static const int64_t simple[] = {0, 1, -1};
    int64_t now = r->best.program->nodes[node].attrs[attr].i[k];
    for (size_t i = 0; i < ARRAY_SIZE(simple) && simple[i] != now && !reduce_over(r); i++) {
        for (int way = 0; way < 2; way++) {
            struct candidate c = candidate_new(r);
            c.program->nodes[node].attrs[attr].i[k] = simple[i];
            if (try_attr(r, &c, node, way)) {
                return true;
            }
        }
    }
    return false;
}

static bool simplify_entries(struct reducer *r, uint32_t node, uint32_t attr)
{
    bool progress = false;
    const struct attr *a = &r->best.program->nodes[node].attrs[attr];
    bool is_list = a->kind == ATTR_INTS;
    for (unsigned k = 0, n = a->n; is_list && k < n && !reduce_over(r); k++) {
        progress = simplify_entry(r, node, attr, k) || progress;
    }
    return progress;
}

/* A list with one entry less: fewer axes. */
static bool drop_entry(struct reducer *r, uint32_t node, uint32_t attr)
{
    const struct attr *now = &r->best.program->nodes[node].attrs[attr];
    for (uint8_t k = 0; now->kind == ATTR_INTS && now->n > 1 && k < now->n; k++) {
        struct candidate c = candidate_new(r);
        struct attr *a = &c.program->nodes[node].attrs[attr];
        a->n--;
        memmove(&a->i[k], &a->i[k + 1], (size_t)(a->n - k) * sizeof(a->i[0]));
        if (candidate_infer(r, &c) && reduce_try(r, &c)) {
            return true;
        }
        arena_reset(r->scratch);
    }
    return false;
}

static bool attrs_apply(struct reducer *r)
{
    bool progress = false;
    for (uint32_t i = 0; i < r->best.program->n_nodes; i++) {
        for (uint32_t a = 0; a < r->best.program->nodes[i].n_attrs && !reduce_over(r); a++) {
            progress = simplify_attr(r, i, a) || simplify_entries(r, i, a) || progress;
            progress = drop_entry(r, i, a) || progress;
        }
    }
    return progress;
}

const struct tactic tactic_attrs = {
    .name = "attrs",
    .summary = "strides 1, pads 0, dilations 1, axis 0, ... through the relations",
    .apply = attrs_apply,
};
