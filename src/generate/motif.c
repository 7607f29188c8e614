/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Motifs into the graph: a step becomes a node through the same attempt that any node is made by,
 * with what the pattern says given and all else open.
 */
#include "generate/motif.h"

#include <string.h>

/* What of the pattern is another, and in which step. */
enum miss {
    MISS_NOTHING,
    MISS_LITERAL,   /* a scalar is another number, or a tensor */
    MISS_ATTRIBUTE, /* a given attribute is drawn */
    MISS_OP,        /* another op of as many inputs */
    MISS_ORDER,     /* the first two inputs change places */
    MISS_RANK,      /* a vector has any rank */
    MISS_COUNT,
};

/* A motif on its way into the program. */
struct composition {
    struct maker *g;
    const struct motif *motif;
    uint32_t x; /* value id; VALUE_OPEN: not chosen yet */
    uint32_t node[MOTIF_STEPS_MAX];
    enum miss miss;
    uint32_t missed; /* the step that has it */
    struct recipe literals[OP_INPUTS_MAX];
};

/* ---- which op ---- */

/* One of "a|b|c", as its place in op_table. */
static size_t draw_named(struct maker *g, const char *names)
{
    size_t n = 1;
    for (const char *c = names; *c; c++) {
        n += *c == '|';
    }
    for (size_t chosen = rng_below(&g->rng, n); chosen > 0; chosen--) {
        names = strchr(names, '|') + 1;
    }
    size_t size = strcspn(names, "|");
    for (size_t place = 0; place < op_count; place++) {
        const char *name = op_table[place]->name;
        if (name[0] == names[0] && strncmp(name, names, size) == 0 && name[size] == '\0') {
            return place;
        }
    }
    BUG("there is no op %.*s", (int)size, names);
}

/* Any other of as many inputs, by the policy's weights; the same op when none is found. */
static size_t draw_other(struct maker *g, size_t place)
{
    enum { TRIES = 40 };
    const size_t n_inputs = op_n_inputs(op_table[place]);
    for (unsigned i = 0; i < TRIES; i++) {
        size_t drawn = draw_op(g);
        const struct op *other = op_table[drawn];
        if (drawn != place && op_n_inputs(other) == n_inputs && !other->index_inputs) {
            return drawn;
        }
    }
    return place;
}

/* ---- near misses ---- */

static bool has_operand(const struct step *s, enum operand_kind kind)
{
    for (uint32_t k = 0; k < MOTIF_INPUTS_MAX; k++) {
        if (s->in[k].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool is_again(const struct step *s)
{
    return strcmp(s->op, AGAIN) == 0;
}

static bool can_miss(const struct step *s, enum miss miss)
{
    const char *bar = strchr(s->op, '|');
    switch (miss) {
    case MISS_LITERAL:
        return has_operand(s, OPERAND_LITERAL);
    case MISS_ATTRIBUTE:
        return s->attrs[0].kind != GIVEN_NOT || s->to_x || s->to != DTYPE_NONE || is_again(s);
    case MISS_OP:
        return bar == NULL; /* of several one more is no miss */
    case MISS_ORDER:
        return s->in[1].kind != OPERAND_OPEN && s->in[2].kind == OPERAND_OPEN;
    case MISS_RANK:
        return has_operand(s, OPERAND_VECTOR);
    case MISS_NOTHING:
    case MISS_COUNT:
        break;
    }
    return false;
}

/* As written half of the time. */
static void draw_miss(struct composition *c)
{
    enum { TRIES = 20 };
    c->miss = MISS_NOTHING;
    if (percent(c->g, 50)) {
        return;
    }
    uint32_t n = motif_n_steps(c->motif);
    for (unsigned i = 0; i < TRIES && c->miss == MISS_NOTHING; i++) {
        enum miss miss = (enum miss)rng_range(&c->g->rng, MISS_LITERAL, MISS_COUNT - 1);
        c->missed = (uint32_t)rng_below(&c->g->rng, n);
        c->miss = can_miss(&c->motif->steps[c->missed], miss) ? miss : MISS_NOTHING;
    }
}

/* ---- a step ---- */

static uint32_t value_of(const struct composition *c, const struct operand *from)
{
    const struct node *node = &c->g->p->nodes[c->node[from->step]];
    return node->out[from->output < node->n_out ? from->output : node->n_out - 1];
}

/* A scalar of that value; of a near miss another number, or a whole tensor. */
static void give_literal(struct composition *c, struct attempt *a, uint32_t k, double value,
                         bool is_missed)
{
    static const double factors[] = {2, 0.5, -1, 1.0078125};
    bool is_tensor = is_missed && percent(c->g, 50);
    if (is_missed && !is_tensor) {
        double factor = factors[rng_below(&c->g->rng, ARRAY_SIZE(factors))];
        value = value == 0 ? factor : value * factor;
    }
    a->value[k] = VALUE_NEW;
    a->is_const |= 1u << k;
    c->literals[k] = recipe_between((real)value, (real)value);
    a->recipe[k] = &c->literals[k];
    a->is_scalar |= is_tensor ? 0 : 1u << k;
}

static void give_operand(struct composition *c, struct attempt *a, uint32_t k,
                         const struct operand *from, enum miss miss)
{
    switch (from->kind) {
    case OPERAND_OPEN:
        return;
    case OPERAND_X:
        if (c->x != VALUE_OPEN) {
            attempt_give_input(c->g, a, k, c->x);
        }
        return;
    case OPERAND_STEP:
        attempt_give_input(c->g, a, k, value_of(c, from));
        return;
    case OPERAND_WEIGHT:
    case OPERAND_VECTOR:
        a->value[k] = VALUE_NEW;
        a->is_const |= 1u << k;
        a->is_vector |= from->kind == OPERAND_VECTOR && miss != MISS_RANK ? 1u << k : 0;
        return;
    case OPERAND_LITERAL:
        give_literal(c, a, k, from->value, miss == MISS_LITERAL);
        return;
    }
}

static enum attr_kind kind_of(const struct op *op, const char *name)
{
    for (size_t i = 0; i < OP_ATTRS_MAX && op->attrs[i].name; i++) {
        if (text_equal(op->attrs[i].name, name)) {
            return op->attrs[i].kind;
        }
    }
    BUG("%s has no attribute %s", op->name, name);
}

static void give_ints(struct attempt *a, const char *name, unsigned n, const int64_t *values)
{
    enum attr_kind kind = kind_of(a->op, name);
    struct attr *attr = attempt_give_attr(a, name, kind, kind == ATTR_INTS ? n : 1);
    memcpy(attr->i, values, attr->n * sizeof(attr->i[0]));
}

/* Of what the first operand is; nothing of one that is yet to be made. */
static void give_attr_of_operand(const struct composition *c, struct attempt *a,
                                 const struct given *given)
{
    if (!IS_VALUE(a->value[0])) {
        return;
    }
    const struct shape *shape = &c->g->p->values[a->value[0]].shape;
    unsigned times = given->kind == GIVEN_EACH ? given->n : 1, n = times * (unsigned)shape->rank;
    int64_t values[ATTR_VALUES_MAX];
    for (unsigned i = 0; i < n && i < ATTR_VALUES_MAX; i++) {
        values[i] = given->kind == GIVEN_EACH  ? given->i[0]
                    : given->kind == GIVEN_OWN ? shape->dim[i]
                                               : (int64_t)i;
    }
    give_ints(a, given->name, n, values);
}

static void give_attr(const struct composition *c, struct attempt *a, const struct given *given)
{
    const struct program *p = c->g->p;
    const struct attr *from = given->kind == GIVEN_SAME || given->kind == GIVEN_INVERSE
                                  ? node_attr(&p->nodes[c->node[given->step]], given->name)
                                  : NULL;
    int64_t inverse[RANK_MAX];
    switch (given->kind) {
    case GIVEN_NOT:
        return;
    case GIVEN_INTS:
        give_ints(a, given->name, given->n, given->i);
        return;
    case GIVEN_SAME:
        if (from) { /* the step may be another op, by a near miss */
            give_ints(a, given->name, from->n, from->i);
        }
        return;
    case GIVEN_INVERSE:
        for (unsigned i = 0; from && i < from->n; i++) {
            inverse[from->i[i]] = (int64_t)i;
        }
        if (from) {
            give_ints(a, given->name, from->n, inverse);
        }
        return;
    case GIVEN_SHAPE:
        give_ints(a, given->name, (unsigned)p->values[c->x].shape.rank, p->values[c->x].shape.dim);
        return;
    case GIVEN_OWN:
    case GIVEN_ORDER:
    case GIVEN_EACH:
        give_attr_of_operand(c, a, given);
        return;
    }
}

/* Attributes and dtype as that node has them. */
static void give_all_again(const struct composition *c, struct attempt *a, const struct node *node)
{
    for (unsigned i = 0; i < node->n_attrs; i++) {
        const struct attr *from = &node->attrs[i];
        *attempt_give_attr(a, from->name, from->kind, from->n) = *from;
    }
    a->out_dtype = c->g->p->values[node->out[0]].dtype;
}

/* What the pattern says of the step, but for what is missed. */
static void give_step(struct composition *c, struct attempt *a, const struct step *s,
                      enum miss miss)
{
    bool is_swapped = miss == MISS_ORDER && a->n_in >= 2;
    for (uint32_t k = 0; k < a->n_in && k < MOTIF_INPUTS_MAX; k++) {
        uint32_t from = is_swapped && k < 2 ? 1 - k : k;
        give_operand(c, a, k, &s->in[from], miss);
    }
    if (miss == MISS_ATTRIBUTE || miss == MISS_OP) {
        return;
    }
    if (is_again(s)) {
        give_all_again(c, a, &c->g->p->nodes[c->node[s - c->motif->steps - 1]]);
        return;
    }
    for (unsigned i = 0; i < MOTIF_GIVEN_MAX; i++) {
        give_attr(c, a, &s->attrs[i]);
    }
    a->out_dtype = s->to_x ? c->g->p->values[c->x].dtype : s->to;
}

/* X is what the first step that reads it got. */
static void note_x(struct composition *c, const struct attempt *a, const struct step *s)
{
    for (uint32_t k = 0; k < a->n_in && k < MOTIF_INPUTS_MAX && c->x == VALUE_OPEN; k++) {
        if (s->in[k].kind == OPERAND_X) {
            c->x = c->g->p->nodes[a->node].in[k];
        }
    }
}

/* x * x: both inputs of the first step. */
static bool reads_x_twice(const struct step *s)
{
    return s->in[0].kind == OPERAND_X && s->in[1].kind == OPERAND_X;
}

/* Is what was chosen for the first input what later steps want of X? */
static bool suits(const struct composition *c, const struct attempt *a)
{
    const struct motif *motif = c->motif;
    if (reads_x_twice(&motif->steps[0]) && !IS_VALUE(a->value[0])) {
        return false; /* a new value has no id yet */
    }
    int rank = IS_VALUE(a->value[0]) ? c->g->p->values[a->value[0]].shape.rank : a->rank;
    return (!motif->floats || dtype_is_float(a->dtype[0])) &&
           (motif->rank_max == 0 || (rank >= motif->rank_min && rank <= motif->rank_max));
}

static bool make_step(struct composition *c, uint32_t i)
{
    enum { X_TRIES = 12 };
    struct maker *g = c->g;
    const struct step *s = &c->motif->steps[i];
    enum miss miss = i == c->missed ? c->miss : MISS_NOTHING;
    size_t place = is_again(s) ? op_index(g->p->nodes[c->node[i - 1]].op) : draw_named(g, s->op);
    place = miss == MISS_OP ? draw_other(g, place) : place;
    if (!op_is_drawn(g, place)) {
        return false; /* not wanted, or not supported */
    }
    const struct op *op = op_table[place];
    struct attempt a;
    uint32_t n_in, n_out;
    draw_counts(g, op, &n_in, &n_out);
    if (op->in[op_n_inputs(op) - 1].variadic) { /* as many as the pattern has */
        for (n_in = 1; n_in < MOTIF_INPUTS_MAX && s->in[n_in].kind != OPERAND_OPEN; n_in++) {
        }
        n_in = n_in < 2 ? 2 : n_in;
    }
    unsigned tries = 0;
    do {
        attempt_init(g, &a, place, n_in, s->n_out && miss != MISS_OP ? s->n_out : n_out);
        give_step(c, &a, s, miss);
        if (!attempt_choose(g, &a)) {
            return false;
        }
    } while (i == 0 && !suits(c, &a) && ++tries < X_TRIES);
    if (i == 0 && reads_x_twice(s) && IS_VALUE(a.value[0]) && a.n_in > 1) {
        attempt_give_input(g, &a, 0, a.value[0]);
        attempt_give_input(g, &a, 1, a.value[0]);
    }
    if (!attempt_make_somehow(g, &a)) {
        return false;
    }
    c->node[i] = a.node;
    note_x(c, &a, s);
    return true;
}

/* Optimisers leave alone what somebody else reads. */
static void close_inside(const struct composition *c, uint32_t n)
{
    for (uint32_t i = 0; i + 1 < n; i++) {
        const struct node *node = &c->g->p->nodes[c->node[i]];
        for (uint32_t o = 0; o < node->n_out; o++) {
            c->g->facts[node->out[o]].is_inside = true;
        }
    }
}

uint32_t motif_n_steps(const struct motif *motif)
{
    uint32_t n = 0;
    while (n < MOTIF_STEPS_MAX && motif->steps[n].op) {
        n++;
    }
    return n;
}

uint32_t motif_insert(struct maker *g, uint32_t most)
{
    size_t place = rng_weighted(&g->rng, g->policy->motif_weight, motif_count);
    if (place == motif_count || motif_n_steps(&motif_table[place]) > most) {
        return 0;
    }
    struct composition c = {.g = g, .motif = &motif_table[place], .x = VALUE_OPEN};
    uint32_t n = motif_n_steps(c.motif), made = 0;
    draw_miss(&c);
    while (made < n && make_step(&c, made)) {
        made++;
    }
    if (made == n && c.miss == MISS_NOTHING) {
        close_inside(&c, n);
    }
    return made;
}
