/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances: one op being made, inferred or checked. Here are their making from a node, and the
 * steps that the ops' `structure` and `relate` are put together from. Every step keeps what is
 * known, infers what follows, and draws the rest only when there is an rng.
 */
#include "ops/ops_internal.h"

/* ---- instances ---- */

const struct slot_spec *op_input_spec(const struct op *op, uint32_t k)
{
    bool is_declared = k < OP_INPUTS_MAX && op->in[k].name;
    return &op->in[is_declared ? k : op_n_inputs(op) - 1];
}

const struct slot_spec *op_output_spec(const struct op *op, uint32_t o)
{
    bool is_declared = o < OP_OUTPUTS_MAX && op->out[o].name;
    return &op->out[is_declared ? o : op_n_outputs(op) - 1];
}

static void slot_init(struct slot *s, bool present)
{
    *s = (struct slot){.present = present, .rank = -1};
    for (int d = 0; d < RANK_MAX; d++) {
        s->dim[d] = VAR_NONE;
    }
}

void instance_init(struct instance *m, const struct op *op, uint32_t n_in)
{
    CHECK(n_in <= OP_INPUTS_MAX);
    m->op = op;
    m->n_in = n_in;
    m->n_out = (uint32_t)op_n_outputs(op);
    m->n_attrs = 0;
    m->is_node = false;
    m->usual_percent = 0;
    for (uint32_t k = 0; k < OP_INPUTS_MAX; k++) {
        slot_init(&m->in[k], k < n_in);
    }
    for (uint32_t o = 0; o < OP_OUTPUTS_MAX; o++) {
        slot_init(&m->out[o], o < m->n_out);
    }
}

void instance_set_outputs(struct instance *m, uint32_t n_out)
{
    CHECK(n_out <= OP_OUTPUTS_MAX);
    for (uint32_t o = m->n_out; o < n_out; o++) {
        m->out[o].present = true;
    }
    m->n_out = n_out;
}

uint32_t op_draw_n_out(const struct op *op, struct rng *rng)
{
    uint32_t n = (uint32_t)op_n_outputs(op);
    if (!op->out[n - 1].variadic || rng_chance(rng, 1, 16)) {
        return n;
    }
    return n + 1 + (uint32_t)rng_below(rng, OP_OUTPUTS_MAX - n);
}

struct attr *instance_attr(struct instance *m, const char *name)
{
    for (uint32_t i = 0; i < m->n_attrs; i++) {
        if (text_equal(m->attr[i].name, name)) {
            return &m->attr[i];
        }
    }
    return NULL;
}

struct attr *instance_add_attr(struct instance *m, const char *name, enum attr_kind kind,
                               unsigned n)
{
    CHECK(m->n_attrs < OP_ATTRS_MAX && n <= ATTR_VALUES_MAX);
    uint32_t i = m->n_attrs++;
    m->attr[i] = (struct attr){.name = name, .kind = kind, .n = (uint8_t)n};
    for (int k = 0; k < ATTR_VALUES_MAX; k++) {
        m->attr_var[i][k] = VAR_NONE;
    }
    return &m->attr[i];
}

static enum attr_kind declared_kind(const struct op *op, const char *name)
{
    for (int i = 0; i < OP_ATTRS_MAX && op->attrs[i].name; i++) {
        if (text_equal(op->attrs[i].name, name)) {
            return op->attrs[i].kind;
        }
    }
    BUG("%s has no attribute %s", op->name, name);
}

var instance_attr_var(struct instance *m, struct relation *r, const char *name, unsigned k,
                      int64_t lo, int64_t hi)
{
    struct attr *a = instance_attr(m, name);
    if (!a) {
        a = instance_add_attr(m, name, declared_kind(m->op, name), 0);
    }
    var *own = m->attr_var[a - m->attr];
    CHECK(k < ATTR_VALUES_MAX);
    if (k >= a->n) {
        CHECK(!m->is_node && k == a->n);
        a->n++;
        own[k] = relation_var(r, lo, hi);
    } else if (own[k] == VAR_NONE) {
        own[k] = relation_fixed(r, a->i[k]);
    }
    return own[k];
}

void instance_settle(struct instance *m, const struct relation *r)
{
    for (uint32_t i = 0; i < m->n_attrs; i++) {
        for (unsigned k = 0; k < m->attr[i].n; k++) {
            if (m->attr_var[i][k] != VAR_NONE) {
                m->attr[i].i[k] = relation_value(r, m->attr_var[i][k]);
            }
        }
    }
}

struct shape slot_shape(const struct slot *s, const struct relation *r)
{
    struct shape shape = {.rank = s->rank};
    for (int d = 0; d < s->rank; d++) {
        shape.dim[d] = relation_value(r, s->dim[d]);
    }
    return shape;
}

static void slot_describe(struct slot *s, const struct program *p, uint32_t id)
{
    slot_init(s, id != VALUE_ABSENT);
    if (s->present) {
        s->dtype = p->values[id].dtype;
        s->rank = p->values[id].shape.rank;
    }
}

void instance_describe(struct instance *m, const struct program *p, const struct node *node)
{
    instance_init(m, node->op, node->n_in);
    m->is_node = true;
    for (uint32_t k = 0; k < node->n_in; k++) {
        slot_describe(&m->in[k], p, node->in[k]);
    }
    instance_set_outputs(m, node->n_out);
    for (uint32_t o = 0; node->out && o < node->n_out; o++) {
        slot_describe(&m->out[o], p, node->out[o]);
    }
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        const struct attr *from = &node->attrs[i];
        struct attr *a = instance_add_attr(m, from->name, from->kind, from->n);
        *a = *from;
    }
}

void node_relate(struct relation *r, const struct node *node, const var (*dim)[RANK_MAX],
                 struct instance *m)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT) {
            memcpy(m->in[k].dim, dim[node->in[k]], sizeof(m->in[k].dim));
        }
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        memcpy(m->out[o].dim, dim[node->out[o]], sizeof(m->out[o].dim));
    }
    node->op->relate(r, m);
}

static void slot_fix(struct slot *s, const struct shape *shape, struct relation *r)
{
    for (int d = 0; d < s->rank; d++) {
        s->dim[d] = relation_fixed(r, shape->dim[d]);
    }
}

void instance_from_node(struct instance *m, const struct program *p, const struct node *node,
                        struct relation *r)
{
    instance_describe(m, p, node);
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT) {
            slot_fix(&m->in[k], &p->values[node->in[k]].shape, r);
        }
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        slot_fix(&m->out[o], &p->values[node->out[o]].shape, r);
    }
}

/* ---- dtypes ---- */

struct member {
    struct slot *slot;
    const struct slot_spec *spec;
};

static unsigned collect_members(struct instance *m, struct member *members)
{
    unsigned n = 0;
    const struct slot_spec *spec = m->op->in;
    for (uint32_t k = 0; k < m->n_in; k++) { /* a variadic one repeats */
        spec = m->op->in[k].name ? &m->op->in[k] : spec;
        if (m->in[k].present) {
            members[n++] = (struct member){&m->in[k], spec};
        }
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        spec = m->op->out[o].name ? &m->op->out[o] : spec;
        members[n++] = (struct member){&m->out[o], spec};
    }
    return n;
}

static enum dtype draw_dtype(dtype_set set, struct rng *rng)
{
    enum dtype choice[DTYPE_COUNT];
    size_t n = 0;
    for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        if (dtype_in(d, set)) {
            choice[n++] = d;
        }
    }
    CHECK(n > 0);
    if (n == 1) {
        return choice[0];
    }
    return rng ? choice[rng_below(rng, n)] : DTYPE_NONE;
}

static bool is_of_leader(const struct slot_spec *spec, const struct slot_spec *leader)
{
    return spec == leader || (spec->same_as && text_equal(spec->same_as, leader->name));
}

static bool settle_leader(struct instance *m, const struct slot_spec *leader,
                          const struct member *members, unsigned n, struct rng *rng)
{
    enum dtype d = DTYPE_NONE;
    for (unsigned i = 0; i < n; i++) {
        if (!is_of_leader(members[i].spec, leader) || members[i].slot->dtype == DTYPE_NONE) {
            continue;
        }
        if (d != DTYPE_NONE && d != members[i].slot->dtype) {
            return REFUSE("%s is %s but must be %s like the slots it goes with",
                          members[i].spec->name, dtype_name(members[i].slot->dtype), dtype_name(d));
        }
        d = members[i].slot->dtype;
    }
    d = d == DTYPE_NONE ? draw_dtype(leader->dtypes, rng) : d;
    if (d == DTYPE_NONE) {
        return REFUSE("the dtype of %s does not follow from the inputs", leader->name);
    }
    if (!dtype_in(d, leader->dtypes)) {
        return REFUSE("%s does not take %s for %s", m->op->name, dtype_name(d), leader->name);
    }
    for (unsigned i = 0; i < n; i++) {
        if (is_of_leader(members[i].spec, leader)) {
            members[i].slot->dtype = d;
        }
    }
    return true;
}

bool settle_dtypes(struct instance *m, struct rng *rng)
{
    struct member members[OP_INPUTS_MAX + OP_OUTPUTS_MAX];
    unsigned n = collect_members(m, members);
    const struct slot_spec *last = NULL;
    for (unsigned i = 0; i < n; i++) {
        const struct slot_spec *spec = members[i].spec;
        if (spec->same_as || spec == last) { /* a variadic slot is one leader */
            continue;
        }
        if (!settle_leader(m, spec, members, n, rng)) {
            return false;
        }
        last = spec;
    }
    return true;
}

/* ---- ranks and attributes ---- */

bool settle_rank(struct slot *s, int rank)
{
    if (rank < 0 || rank > RANK_MAX) {
        return REFUSE("a tensor of rank %d would be needed; ranks go to %d", rank, RANK_MAX);
    }
    if (s->rank >= 0 && s->rank != rank) {
        return REFUSE("rank %d where %d follows from the rest", s->rank, rank);
    }
    s->rank = rank;
    return true;
}

bool draw_rank(struct slot *s, int lo, int hi, struct rng *rng)
{
    if (s->rank < 0) {
        if (!rng || lo > hi) {
            return REFUSE("a rank does not follow from the inputs");
        }
        s->rank = (int)rng_range(rng, lo, hi);
    }
    if (s->rank < lo || s->rank > hi) {
        return REFUSE("rank %d where %d to %d is possible", s->rank, lo, hi);
    }
    return true;
}

static bool missing(const char *name)
{
    return REFUSE("attribute %s is missing", name);
}

bool settle_bool(struct instance *m, const char *name, struct rng *rng, bool *value)
{
    struct attr *a = instance_attr(m, name);
    if (!a) {
        if (!rng) {
            return missing(name);
        }
        a = instance_add_attr(m, name, ATTR_BOOL, 1);
        a->i[0] = rng_chance(rng, 1, 2);
    }
    *value = a->i[0] != 0;
    return true;
}

int axis_normalize(int64_t axis, int rank)
{
    return (int)(axis < 0 ? axis + rank : axis);
}

bool settle_axis(struct instance *m, const char *name, int rank, struct rng *rng, int *axis)
{
    struct attr *a = instance_attr(m, name);
    if (!a) {
        if (!rng || rank < 1) {
            return missing(name);
        }
        a = instance_add_attr(m, name, ATTR_INT, 1);
        a->i[0] = rng_range(rng, 0, rank - 1) - (rng_chance(rng, 1, 4) ? rank : 0);
    }
    if (a->i[0] < -rank || a->i[0] >= rank) {
        return REFUSE("%s %lld lies outside rank %d", name, (long long)a->i[0], rank);
    }
    *axis = axis_normalize(a->i[0], rank);
    return true;
}

static const struct real_spec *real_spec_of(const struct op *op, const char *name)
{
    size_t k = 0;
    while (strcmp(op->attrs[k].name, name) != 0) {
        k++;
    }
    CHECK(op->attrs[k].real.octaves > 0);
    return &op->attrs[k].real;
}

double draw_real(const struct instance *m, const char *name, enum dtype d, struct rng *rng)
{
    const struct real_spec *spec = real_spec_of(m->op, name);
    if (d == DTYPE_BOOL || rng_chance(rng, m->usual_percent, 100)) {
        return spec->usual[rng_below(rng, ARRAY_SIZE(spec->usual))];
    }
    uint64_t octave = rng_below(rng, spec->octaves + spec->has_zero);
    if (octave == spec->octaves) {
        return 0;
    }
    double x = spec->least * (double)(UINT64_C(1) << octave);
    bool is_minus = spec->signs == SIGNS_MINUS ||
                    (spec->signs == SIGNS_BOTH && dtype_lowest(d) < 0 && rng_chance(rng, 1, 2));
    if (dtype_is_float(d)) {
        x *= (double)rng_range(rng, 128, 255) / 128;
    } else {
        double most = spec->least * (double)(UINT64_C(1) << spec->octaves) - 1;
        x = (double)rng_log_range(rng, 1, (int64_t)most);
    }
    return is_minus ? -x : x;
}

bool settle_real(struct instance *m, const char *name, struct rng *rng)
{
    struct attr *a = instance_attr(m, name);
    if (!a) {
        if (!rng) {
            return missing(name);
        }
        double drawn = draw_real(m, name, DTYPE_F64, rng);
        a = instance_add_attr(m, name, ATTR_REAL, 1);
        a->f = drawn;
    }
    return isfinite(a->f) ? true : REFUSE("%s is %g; a finite number is needed", name, a->f);
}

bool check_ints(struct instance *m, const char *name, unsigned n, int64_t lo, struct rng *rng)
{
    const struct attr *a = instance_attr(m, name);
    if (!a) {
        return rng ? true : missing(name);
    }
    if (a->n != n) {
        return REFUSE("%s has %d values where %u are needed", name, a->n, n);
    }
    for (unsigned k = 0; k < n; k++) {
        if (a->i[k] < lo || a->i[k] > DIM_LIMIT) {
            return REFUSE("%s holds %lld; %lld to 2^39 is possible", name, (long long)a->i[k],
                          (long long)lo);
        }
    }
    return true;
}

bool settle_text(struct instance *m, const char *name, size_t n, const char *const *choices,
                 struct rng *rng, size_t *chosen)
{
    struct attr *a = instance_attr(m, name);
    if (!a) {
        if (!rng) {
            return missing(name);
        }
        a = instance_add_attr(m, name, ATTR_TEXT, 1);
        a->text = choices[rng_below(rng, n)];
    }
    for (*chosen = 0; *chosen < n; ++*chosen) {
        if (text_equal(a->text, choices[*chosen])) {
            return true;
        }
    }
    return REFUSE("%s cannot be \"%s\"", name, a->text);
}

var solve_attr_var(struct instance *m, struct relation *r, const char *name, unsigned k,
                   int64_t most)
{
    const struct attr *a = instance_attr(m, name);
    CHECK(a && k < a->n);
    var *own = &m->attr_var[a - m->attr][k];
    bool is_open = *own == VAR_NONE && !m->is_node;
    if (is_open && a->i[k] == TO_SOLVE) {
        *own = relation_var(r, 0, most);
    } else if (is_open && a->i[k] == -TO_SOLVE) {
        *own = relation_var(r, -most, -1);
    }
    return instance_attr_var(m, r, name, k, 0, 0);
}

/* ---- elementwise ---- */

bool structure_same(struct instance *m, struct rng *rng)
{
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    struct slot *x = &m->in[0], *y = &m->out[0];
    const struct slot_spec *spec = &m->op->in[0];
    if (x->rank < 0) {
        x->rank = y->rank;
    }
    return draw_rank(x, spec->rank_min, spec->rank_max, rng) && settle_rank(y, x->rank);
}

bool structure_alpha(struct instance *m, struct rng *rng)
{
    return structure_same(m, rng) && settle_real(m, "alpha", rng);
}

/* The output has the largest rank. When that is known and no input has it, the first unknown one
 * gets it. */
bool structure_broadcast(struct instance *m, struct rng *rng)
{
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    struct slot *y = &m->out[0];
    int most = -1;
    for (uint32_t k = 0; k < m->n_in; k++) {
        most = m->in[k].rank > most ? m->in[k].rank : most;
    }
    for (uint32_t k = 0; k < m->n_in; k++) {
        struct slot *x = &m->in[k];
        if (x->rank >= 0) {
            continue;
        }
        if (!rng) {
            return REFUSE("a rank does not follow from the inputs");
        }
        if (y->rank > most) {
            x->rank = y->rank;
        } else if (most >= 0 && rng_chance(rng, 1, 2)) {
            x->rank = most;
        } else {
            x->rank = (int)rng_range(rng, 0, y->rank >= 0 ? y->rank : 4);
        }
        most = x->rank > most ? x->rank : most;
    }
    return settle_rank(y, most);
}

void relate_same(struct relation *r, struct instance *m)
{
    for (int d = 0; d < m->in[0].rank; d++) {
        relate_equal(r, m->in[0].dim[d], m->out[0].dim[d]);
    }
}

void relate_broadcast_dims(struct relation *r, const var *a, int n_a, const var *b, int n_b,
                           const var *out, int n_out)
{
    for (int back = 1; back <= n_out; back++) {
        bool in_a = back <= n_a, in_b = back <= n_b;
        if (in_a && in_b) {
            relate_broadcast(r, a[n_a - back], b[n_b - back], out[n_out - back]);
        } else {
            relate_equal(r, in_a ? a[n_a - back] : b[n_b - back], out[n_out - back]);
        }
    }
}

/* More than two inputs: what the first ones give is a shape of its own. */
void relate_broadcast_slots(struct relation *r, struct instance *m)
{
    struct slot so_far = m->in[0];
    for (uint32_t k = 1; k < m->n_in; k++) {
        const struct slot *x = &m->in[k];
        struct slot next = m->out[0];
        if (k + 1 < m->n_in) {
            next.rank = x->rank > so_far.rank ? x->rank : so_far.rank;
            for (int d = 0; d < next.rank; d++) {
                next.dim[d] = relation_var(r, 0, DIM_LIMIT);
            }
        }
        relate_broadcast_dims(r, so_far.dim, so_far.rank, x->dim, x->rank, next.dim, next.rank);
        so_far = next;
    }
}
