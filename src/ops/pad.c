/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that repeat elements or put others beside them: expand tile pad tril triu. Of any dtype,
 * exact.
 */
#include "ops/ops_internal.h"

#define RANK_ANY .rank_min = 0, .rank_max = RANK_MAX

/* ---- expand ---- */

/* As ONNX Expand: x and a tensor of that shape broadcast with each other, so that a 1 in it, or a
 * shape of lower rank, keeps what x has. */
static bool expand_structure(struct instance *m, struct rng *rng)
{
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    struct slot *x = &m->in[0], *y = &m->out[0];
    const struct attr *shape = instance_attr(m, "shape");
    int n = shape ? shape->n : -1;
    if (n > RANK_MAX || (shape && !check_ints(m, "shape", shape->n, 0, rng))) {
        return n > RANK_MAX ? REFUSE("shape has %d dims; ranks go to %d", n, RANK_MAX) : false;
    }
    int most = y->rank >= 0 ? y->rank : RANK_MAX;
    if (!draw_rank(x, 0, most, rng)) {
        return false;
    }
    if (n < 0) {
        if (!rng) {
            return REFUSE("attribute shape is missing");
        }
        bool is_lower = y->rank == x->rank || (y->rank < 0 && rng_chance(rng, 1, 8));
        int least = x->rank + !rng_chance(rng, 1, 4), over = x->rank + 2;
        least = least < RANK_MAX ? least : RANK_MAX;
        over = over < RANK_MAX ? over : RANK_MAX;
        n = y->rank > x->rank ? y->rank
            : is_lower        ? (int)rng_range(rng, x->rank / 2, x->rank)
                              : (int)rng_range(rng, least, over);
        instance_add_attr(m, "shape", ATTR_INTS, (unsigned)n);
        for (int d = 0; d < n; d++) {
            instance_attr(m, "shape")->i[d] = TO_SOLVE;
        }
    }
    return settle_rank(y, x->rank > n ? x->rank : n);
}

static void expand_relate(struct relation *r, struct instance *m)
{
    const struct attr *shape = instance_attr(m, "shape");
    const struct slot *x = &m->in[0], *y = &m->out[0];
    var to[RANK_MAX];
    for (int d = 0; d < shape->n; d++) {
        to[d] = solve_attr_var(m, r, "shape", (unsigned)d, DIM_LIMIT);
    }
    if (!m->is_node && x->rank > 0) { /* a dim to expand, if there can be one */
        relation_hint(r, x->dim[(x->rank + shape->n) % x->rank], 1);
    }
    relate_broadcast_dims(r, x->dim, x->rank, to, shape->n, y->dim, y->rank);
}

static int64_t expand_source(const struct evaluation *e, int axis, int64_t i)
{
    return e->in[0]->shape.dim[axis] == 1 ? 0 : i;
}

static void expand_origins(const struct evaluation *e, struct origin *from)
{
    origins_by_axis(e, from, expand_source);
}

const struct op op_expand = {.name = "expand",
                             .summary = "broadcast with a shape",
                             .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                             .out = {{"y", .same_as = "x", RANK_ANY}},
                             .attrs = {{"shape", ATTR_INTS}},
                             .structure = expand_structure,
                             .relate = expand_relate,
                             .origins = expand_origins,
                             MOVE_CALLS};

/* ---- tile ---- */

static bool tile_structure(struct instance *m, struct rng *rng)
{
    if (!structure_same(m, rng)) {
        return false;
    }
    if (rng && !instance_attr(m, "repeats")) {
        instance_add_attr(m, "repeats", ATTR_INTS, 0); /* its values are variables */
        return true;
    }
    return check_ints(m, "repeats", (unsigned)m->in[0].rank, 0, rng);
}

static void tile_relate(struct relation *r, struct instance *m)
{
    enum { DRAWN_MAX = 4 };
    for (int d = 0; d < m->in[0].rank; d++) {
        var repeats = instance_attr_var(m, r, "repeats", (unsigned)d, 0, DRAWN_MAX);
        relate_product(r, 2, (const var[]){m->in[0].dim[d], repeats}, m->out[0].dim[d]);
    }
}

static int64_t tile_source(const struct evaluation *e, int axis, int64_t i)
{
    return i % e->in[0]->shape.dim[axis];
}

static void tile_origins(const struct evaluation *e, struct origin *from)
{
    origins_by_axis(e, from, tile_source);
}

const struct op op_tile = {.name = "tile",
                           .summary = "one after the other, repeats times along each axis",
                           .in = {{"x", .dtypes = DT_ALL, RANK_ANY}},
                           .out = {{"y", .same_as = "x", RANK_ANY}},
                           .attrs = {{"repeats", ATTR_INTS}},
                           .structure = tile_structure,
                           .relate = tile_relate,
                           .origins = tile_origins,
                           MOVE_CALLS};

/* ---- pad ---- */

/*
 * As ONNX Pad: all begins, then all ends. Pads below 0 take elements away; what the other modes
 * make of those no document says, so only constant has them. Reflection and wrapping once around is
 * what torch.nn.functional.pad has; numpy (onnx.reference) goes on.
 */
enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };
static const char *const pad_modes[] = {"constant", "reflect", "edge", "wrap"};

static enum pad_mode pad_mode_of(const struct attr *mode)
{
    enum pad_mode k = PAD_CONSTANT;
    while (strcmp(mode->text, pad_modes[k]) != 0) {
        k++;
    }
    return k;
}

static bool fits_dtype(enum dtype d, double value)
{
    real v = (real)value;
    if (dtype_is_float(d)) {
        return isnan(v) || dtype_round(d, v) == v;
    }
    bool is_bool = d == DTYPE_BOOL;
    return v == truncl(v) && v >= (is_bool ? 0 : dtype_lowest(d)) &&
           v <= (is_bool ? 1 : dtype_max(d));
}

static void draw_pads(struct instance *m, int rank, bool is_constant, struct rng *rng)
{
    struct attr *pads = instance_add_attr(m, "pads", ATTR_INTS, 2 * (unsigned)rank);
    for (unsigned k = 0; k < pads->n; k++) {
        bool is_kept = rng_chance(rng, 2, 5);
        bool is_cut = is_constant && rng_chance(rng, 1, 4);
        pads->i[k] = is_kept ? 0 : is_cut ? -TO_SOLVE : TO_SOLVE;
    }
}

static bool pad_structure(struct instance *m, struct rng *rng)
{
    size_t mode = 0;
    if (!structure_same(m, rng)) {
        return false;
    }
    if (rng && !instance_attr(m, "mode") && rng_chance(rng, 1, 2)) {
        instance_add_attr(m, "mode", ATTR_TEXT, 1)->text = pad_modes[PAD_CONSTANT];
    }
    if (!settle_text(m, "mode", ARRAY_SIZE(pad_modes), pad_modes, rng, &mode)) {
        return false;
    }
    const struct attr *value = instance_attr(m, "value");
    if (value && !fits_dtype(m->in[0].dtype, value->f)) {
        return REFUSE("value %g is none of %s", value->f, dtype_name(m->in[0].dtype));
    }
    if (rng && !instance_attr(m, "pads")) {
        draw_pads(m, m->in[0].rank, mode == PAD_CONSTANT, rng);
    }
    return check_ints(m, "pads", 2 * (unsigned)m->in[0].rank, mode == PAD_CONSTANT ? -DIM_LIMIT : 0,
                      rng);
}

/* How far a pad reaches into x. */
static void relate_reach(struct relation *r, enum pad_mode mode, var pad, var x)
{
    if (mode == PAD_EDGE) {
        relation_narrow(r, x, 1, DIM_LIMIT);
    } else if (mode != PAD_CONSTANT) {
        relate_linear_le(r, 2, (const int64_t[]){1, -1}, (const var[]){pad, x},
                         mode == PAD_REFLECT ? -1 : 0);
    }
}

static void pad_relate(struct relation *r, struct instance *m)
{
    enum { DRAWN_MAX = 4 };
    enum pad_mode mode = pad_mode_of(instance_attr(m, "mode"));
    const struct attr *pads = instance_attr(m, "pads");
    int rank = m->in[0].rank;
    for (int d = 0; d < rank; d++) {
        var x = m->in[0].dim[d], pad[2];
        int64_t is_cut[2];
        for (int side = 0; side < 2; side++) {
            unsigned k = (unsigned)(d + side * rank);
            pad[side] = solve_attr_var(m, r, "pads", k, DRAWN_MAX);
            is_cut[side] = pads->i[k] < 0;
            if (!m->is_node && pads->i[k] == TO_SOLVE) {
                relation_narrow(r, pad[side], 1, DRAWN_MAX);
            }
            if (pads->i[k] != 0) {
                relate_reach(r, mode, pad[side], x);
            }
        }
        relate_linear_eq(r, 4, (const int64_t[]){1, 1, 1, -1},
                         (const var[]){x, pad[0], pad[1], m->out[0].dim[d]}, 0);
        /* no more is cut off than there is; what is drawn leaves something */
        int64_t left = !m->is_node && (is_cut[0] || is_cut[1]);
        relate_linear_le(r, 3, (const int64_t[]){-1, -is_cut[0], -is_cut[1]},
                         (const var[]){x, pad[0], pad[1]}, -left);
    }
}

static void pad_finish(struct instance *m, const struct interval *range, struct rng *rng)
{
    enum dtype d = m->in[0].dtype;
    bool is_constant = pad_mode_of(instance_attr(m, "mode")) == PAD_CONSTANT;
    if (!instance_attr(m, "value")) {
        double value = is_constant ? draw_real(m, "value", d, rng) : 0;
        instance_add_attr(m, "value", ATTR_REAL, 1)->f = value;
    }
}

static int64_t pad_source(const struct evaluation *e, int axis, int64_t i)
{
    int64_t n = e->in[0]->shape.dim[axis], at = i - node_attr(e->node, "pads")->i[axis];
    if (at >= 0 && at < n) {
        return at;
    }
    switch (pad_mode_of(node_attr(e->node, "mode"))) {
    case PAD_CONSTANT:
        return -1;
    case PAD_REFLECT:
        return at < 0 ? -at : 2 * (n - 1) - at;
    case PAD_EDGE:
        return at < 0 ? 0 : n - 1;
    case PAD_WRAP:
        return at < 0 ? at + n : at - n;
    }
    BUG("a mode that was not checked");
}

static void pad_origins(const struct evaluation *e, struct origin *from)
{
    origins_by_axis(e, from, pad_source);
}

static void pad_range(struct range_query *q)
{
    const real value = (real)node_real(q->node, "value", 0);
    move_range(q);
    if (pad_mode_of(node_attr(q->node, "mode")) == PAD_CONSTANT) {
        struct interval beside = {.lo = value, .hi = value};
        q->out[0] = interval_union(
            q->out[0], isnan(value) ? (struct interval){INFINITY, -INFINITY, true} : beside);
    }
}

const struct op op_pad = {.name = "pad",
                          .summary = "more at both ends of each axis, or less",
                          .in = {{"x", .dtypes = DT_ALL, .rank_min = 1, .rank_max = RANK_MAX}},
                          .out = {{"y", .same_as = "x", .rank_min = 1, .rank_max = RANK_MAX}},
                          .attrs = {{"mode", ATTR_TEXT},
                                    {"pads", ATTR_INTS},
                                    {"value", ATTR_REAL, .real = {{0, 0}, 0x1p-7, 14, SIGNS_BOTH}}},
                          .structure = pad_structure,
                          .relate = pad_relate,
                          .finish = pad_finish,
                          .evaluate = move_evaluate,
                          .taint = move_taint,
                          .vjp = move_vjp,
                          .range = pad_range,
                          .origins = pad_origins};

/* ---- tril, triu ---- */

static bool triangle_structure(struct instance *m, struct rng *rng)
{
    if (!structure_same(m, rng)) {
        return false;
    }
    if (rng && !instance_attr(m, "k")) {
        instance_add_attr(m, "k", ATTR_INT, 1)->i[0] = rng_chance(rng, 1, 3)   ? 0
                                                       : rng_chance(rng, 1, 2) ? TO_SOLVE
                                                                               : -TO_SOLVE;
    }
    return check_ints(m, "k", 1, -DIM_LIMIT, rng);
}

/* A k that is drawn leaves something of the matrix. */
static void triangle_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0];
    const struct attr *k = instance_attr(m, "k");
    bool is_drawn = !m->is_node && (k->i[0] == TO_SOLVE || k->i[0] == -TO_SOLVE);
    relate_same(r, m);
    if (is_drawn) {
        bool is_upper = m->op == &op_triu;
        var own = solve_attr_var(m, r, "k", 0, DIM_LIMIT);
        relation_prefer_log(r, own);
        /* triu: k <= columns - 1; tril: -k <= rows - 1 */
        relate_linear_le(r, 2, (const int64_t[]){is_upper ? 1 : -1, -1},
                         (const var[]){own, x->dim[x->rank - (is_upper ? 1 : 2)]}, -1);
    }
}

/* Of each matrix in the last two dims what lies on the diagonal k and to one side of it. */
static void triangle_origins(const struct evaluation *e, struct origin *from)
{
    const struct shape *x = &e->in[0]->shape;
    int64_t k = node_int(e->node, "k", 0);
    bool is_upper = e->node->op == &op_triu;
    for (size_t i = 0; i < e->out[0].n; i++) {
        size_t columns = (size_t)x->dim[x->rank - 1], rows = (size_t)x->dim[x->rank - 2];
        int64_t off = (int64_t)(i % columns) - (int64_t)(i / columns % rows);
        bool is_kept = is_upper ? off >= k : off <= k;
        from[i] = (struct origin){.input = is_kept ? 0 : ORIGIN_NONE, .at = i};
    }
}

static void triangle_range(struct range_query *q)
{
    move_range(q);
    q->out[0] = interval_union(q->out[0], (struct interval){.lo = 0, .hi = 0});
}

#define TRIANGLE                                                                                   \
    .in = {{"x", .dtypes = DT_ALL, .rank_min = 2, .rank_max = RANK_MAX}},                          \
    .out = {{"y", .same_as = "x", .rank_min = 2, .rank_max = RANK_MAX}},                           \
    .attrs = {{"k", ATTR_INT}}, .structure = triangle_structure, .relate = triangle_relate,        \
    .evaluate = move_evaluate, .taint = move_taint, .vjp = move_vjp, .range = triangle_range,      \
    .origins = triangle_origins

const struct op op_tril = {
    .name = "tril", .summary = "matrices' part on and below diagonal k, else 0", TRIANGLE};

const struct op op_triu = {
    .name = "triu", .summary = "matrices' part on and above diagonal k, else 0", TRIANGLE};
