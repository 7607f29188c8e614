/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the samples of a program say nothing: what no document defines, what integers that may
 * change and indices choose, what is behind a pole or an overflow that may happen, what compilers
 * may do to products.
 */
#include "oracle/sampler.h"

#include <math.h>

static uint8_t *mark_of(struct track *t)
{
    if (!t->mark) {
        t->mark = xcalloc(t->variant[0].n + 1, 1);
    }
    return t->mark;
}

static struct evaluation describe(struct sampler *s, const struct node *node,
                                  const struct array *const *in, unsigned k)
{
    struct evaluation e = {
        .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = s->scratch};
    for (uint32_t i = 0; i < node->n_in; i++) {
        e.in[i] = in[i];
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        e.out[o] = s->tracks[node->out[o]].variant[k];
    }
    return e;
}

void mark_unspecified(struct sampler *s, const struct node *node, const struct array *const *in,
                      unsigned k)
{
    if (!node->op->unspecified) {
        return;
    }
    struct evaluation e = describe(s, node, in, k);
    uint8_t *mark[OP_OUTPUTS_MAX] = {0};
    for (uint32_t o = 0; o < node->n_out; o++) {
        mark[o] = arena_zalloc(s->scratch, e.out[o].n + 1);
    }
    node->op->unspecified(&e, mark);
    for (uint32_t o = 0; o < node->n_out; o++) {
        for (size_t i = 0; i < e.out[o].n; i++) {
            if (mark[o][i]) {
                mark_of(&s->tracks[node->out[o]])[i] |= MARK_UNSPECIFIED;
            }
        }
    }
    s->traps = s->traps || (node->op->traps && node->op->traps(&e));
}

static bool is_unclaimed(const struct precision *precision, enum dtype d, bool is_constant, real v)
{
    enum dtype in = precision->computes[d];
    if (dtype_is_int(d)) {
        return dtype_is_int(in) && !(v >= dtype_lowest(in) && v <= dtype_max(in));
    }
    bool may_flush = (d == DTYPE_BF16 && precision->flushes_bf16) ||
                     (d == DTYPE_F32 && is_constant && precision->flushes_constants);
    return may_flush && v != 0 && fabsl(v) < dtype_min_normal(d);
}

void mark_unclaimed(struct sampler *s, uint32_t id, const struct array *given)
{
    struct track *t = &s->tracks[id];
    const struct array *y = &t->variant[0];
    bool is_constant = s->p->values[id].kind == VALUE_CONST;
    for (size_t i = 0; s->precision && i < y->n; i++) {
        bool overflows = given && isinf(y->v[i]) && isfinite(given->v[i]);
        if (overflows || is_unclaimed(s->precision, y->dtype, is_constant, y->v[i])) {
            mark_of(t)[i] |= MARK_UNSPECIFIED;
        }
    }
}

static void run_taint(struct sampler *s, const struct node *node, const struct array *const *in,
                      struct taint *taint)
{
    struct evaluation e = describe(s, node, in, 0);
    taint->e = &e;
    for (uint32_t o = 0; o < node->n_out; o++) {
        taint->out_mark[o] = mark_of(&s->tracks[node->out[o]]);
    }
    node->op->taint(taint);
}

/*
 * What marks of inputs mean for a result. Behind a clash it may be anything. Behind an integer or
 * bool that may change, an integer or bool may as well; a float's spread shows the change if the
 * samples do, else nothing bounds it.
 */
static void settle_marks(struct sampler *s, const struct node *node, struct track *t)
{
    bool takes_back = node->op->folding == FOLDS_AS_SCALE;
    bool is_float = dtype_is_float(t->variant[0].dtype);
    for (size_t i = 0; t->mark && i < t->variant[0].n; i++) {
        uint8_t m = t->mark[i];
        bool shows = t->deviation && t->deviation[i] != 0;
        if (m & MARK_CLASH || (is_float && m & MARK_JUMP && !shows)) {
            m |= MARK_WILD;
            s->is_settled &= (m & MARK_CLASH) != 0; /* other samples may show it */
        }
        if (takes_back && m & MARK_OVERFLOW) {
            m |= MARK_WILD;
        }
        if (is_float && m & MARK_JUMP) {
            m |= MARK_STEP;
        }
        unsigned gone = MARK_CLASH | (is_float ? MARK_JUMP : MARK_STEP) |
                        (node->op->origins ? 0 : MARK_OVERFLOW);
        t->mark[i] = (uint8_t)(m & ~gone);
    }
}

/* An index that may change chooses anything. */
static const uint8_t *index_mark(struct sampler *s, const struct track *t)
{
    size_t n = t->variant[0].n;
    uint8_t *mark = arena_zalloc(s->scratch, n + 1);
    for (size_t i = 0; i < n; i++) {
        mark[i] = t->mark[i] | (t->mark[i] & MARK_JUMP ? MARK_WILD : 0);
    }
    return mark;
}

static void propagate_marks(struct sampler *s, const struct node *node,
                            const struct array *const *in)
{
    struct taint taint = {0};
    bool any = false;
    for (uint32_t i = 0; i < node->n_in; i++) {
        const struct track *t = in[i] ? &s->tracks[node->in[i]] : NULL;
        if (t && t->mark) {
            taint.in_mark[i] = node->op->index_inputs >> i & 1 ? index_mark(s, t) : t->mark;
            any = true;
        }
    }
    if (any) {
        run_taint(s, node, in, &taint);
        for (uint32_t o = 0; o < node->n_out; o++) {
            settle_marks(s, node, &s->tracks[node->out[o]]);
        }
    }
}

/* What the samples of a node say of itself. An index that they disagree on (arg_max) may be any. */
static void mark_spread(struct sampler *s, const struct node *node)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct track *t = &s->tracks[node->out[o]];
        enum dtype d = t->variant[0].dtype;
        bool is_index = node->op->jumps == JUMPS_IN_ORDER && dtype_is_int(d);
        for (size_t i = 0; t->deviation && i < t->variant[0].n; i++) {
            if (isinf(t->deviation[i])) {
                mark_of(t)[i] |= MARK_CLASH;
            } else if (t->deviation[i] != 0 && !dtype_is_float(d)) {
                mark_of(t)[i] |= is_index ? MARK_WILD : MARK_JUMP;
            } else if (t->deviation[i] != 0 && node->op->jumps == JUMPS_ALWAYS) {
                mark_of(t)[i] |= MARK_STEP;
            }
        }
    }
}

/* Elements of an input that may move further than a quarter of what the op is near linear in: by
 * the mean value theorem the slope then differs by more than a third (1/x) from the sampled one,
 * which c does not cover. NULL: none. */
static uint8_t *wild_of(struct sampler *s, const struct node *node, uint32_t k,
                        const struct array *const *in)
{
    const struct track *t = &s->tracks[node->in[k]];
    bool has_reach = node->op->reach || node->op->reaches;
    if (!has_reach || !t->deviation || !dtype_is_float(in[k]->dtype)) {
        return NULL;
    }
    size_t n = in[k]->n;
    real *reach = ARENA_ARRAY(s->scratch, real, n);
    if (node->op->reaches) {
        struct evaluation e = describe(s, node, in, 0);
        node->op->reaches(&e, k, reach);
    } else {
        for (size_t i = 0; i < n; i++) {
            reach[i] = node->op->reach(k, in[k]->v[i]);
        }
    }
    uint8_t *wild = NULL;
    for (size_t i = 0; i < n; i++) {
        if (4 * t->deviation[i] > reach[i]) {
            wild = wild ? wild : arena_zalloc(s->scratch, n + 1);
            wild[i] = MARK_WILD;
        }
    }
    return wild;
}

void mark_overflowing(struct sampler *s, const struct node *node, real **noise)
{
    for (uint32_t o = 0; o < node->n_out; o++) {
        struct track *t = &s->tracks[node->out[o]];
        for (size_t i = 0; i < t->variant[0].n; i++) {
            if (isinf(noise[o][i])) {
                noise[o][i] = 0;
                mark_of(t)[i] |= MARK_WILD;
            }
        }
    }
}

void mark_overflowed(struct sampler *s, const struct node *node, const struct array *exact)
{
    struct track *t = &s->tracks[node->out[0]];
    const struct array *y = &t->variant[0];
    for (size_t i = 0; node->op->folding == FOLDS_AS_SCALE && i < y->n; i++) {
        if (isinf(y->v[i]) && isfinite(exact->v[i])) {
            mark_of(t)[i] |= MARK_OVERFLOW;
        }
    }
}

/* The node that makes a value, data movement aside; NULL: none. */
static const struct node *maker_of(const struct program *p, uint32_t id)
{
    while (id != VALUE_ABSENT && p->values[id].kind == VALUE_NODE) {
        const struct node *node = &p->nodes[p->values[id].node];
        if (!node->op->origins) {
            return node;
        }
        id = node->in[0];
    }
    return NULL;
}

static bool reads_from(const struct program *p, const struct node *node, enum folding folding)
{
    for (uint32_t i = 0; i < node->n_in; i++) {
        const struct node *maker = maker_of(p, node->in[i]);
        if (maker && maker->op->folding == folding) {
            return true;
        }
    }
    return false;
}

static bool is_read_by(const struct program *p, const struct node *node, enum folding folding)
{
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *reader = &p->nodes[n];
        for (uint32_t i = 0; reader->op->folding == folding && i < reader->n_in; i++) {
            if (maker_of(p, reader->in[i]) == node) {
                return true;
            }
        }
    }
    return false;
}

/* Normalisation kernels take the mean in other ways (Welford's), which round sums that are short.
 */
static bool is_centring(const struct program *p, const struct node *node)
{
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *reader = &p->nodes[n];
        bool reads_mean = false, reads_same = false;
        for (uint32_t i = 0; reader->op->folding == FOLDS_AS_SCALE && i < reader->n_in; i++) {
            reads_mean |= maker_of(p, reader->in[i]) == node;
            reads_same |= reader->in[i] == node->in[0];
        }
        if (reads_mean && reads_same) {
            return true;
        }
    }
    return false;
}

bool may_be_folded(const struct program *p, const struct node *node)
{
    if (node->op->is_mean) {
        return is_centring(p, node);
    }
    return node->op->folding == FOLDS_AS_PRODUCT &&
           (reads_from(p, node, FOLDS_AS_SCALE) || is_read_by(p, node, FOLDS_AS_SCALE));
}

/* A comparison whose inputs may be equal or pass each other: samples may all lie to one side, or on
 * both sides of the one point where two are equal. */
static void mark_near_equal(struct sampler *s, const struct node *node,
                            const struct array *const *in)
{
    struct track *y = &s->tracks[node->out[0]];
    const real *deviation[2] = {0};
    for (uint32_t k = 0; k < 2 && node->op->jumps == JUMPS_WHERE_EQUAL; k++) {
        deviation[k] = s->tracks[node->in[k]].deviation;
    }
    if (!deviation[0] && !deviation[1]) {
        return;
    }
    for (size_t i = 0; i < y->variant[0].n; i++) {
        real may_move = 0, v[2];
        for (uint32_t k = 0; k < 2; k++) {
            size_t at = broadcast_index(&y->variant[0].shape, &in[k]->shape, i);
            v[k] = in[k]->v[at];
            may_move += deviation[k] ? deviation[k][at] : 0;
        }
        if (may_move > 0 && fabsl(v[0] - v[1]) <= (real)bound_table.widen * may_move) {
            mark_of(y)[i] |= MARK_JUMP;
        }
    }
}

/* Indices of elements that may pass each other: two of the same pattern of ways move together. */
static void mark_near_places(struct sampler *s, const struct node *node,
                             const struct array *const *in)
{
    const real *deviation = node->op->places ? s->tracks[node->in[0]].deviation : NULL;
    if (!deviation || !dtype_is_float(in[0]->dtype)) {
        return;
    }
    struct track *y = &s->tracks[node->out[node->n_out - 1]];
    real *move = ARENA_ARRAY(s->scratch, real, in[0]->n + 1);
    for (size_t i = 0; i < in[0]->n; i++) {
        move[i] = (real)bound_table.widen * deviation[i];
    }
    uint8_t *may_change = arena_zalloc(s->scratch, y->variant[0].n + 1);
    struct evaluation e = describe(s, node, in, 0);
    node->op->places(&e, move, may_change);
    for (size_t i = 0; i < y->variant[0].n; i++) {
        if (may_change[i]) {
            mark_of(y)[i] |= MARK_WILD;
        }
    }
}

/* A cast to bool of what may be zero. */
static void mark_near_zero(struct sampler *s, const struct node *node,
                           const struct array *const *in)
{
    struct track *y = &s->tracks[node->out[0]];
    bool is_cast = node->op->jumps == JUMPS_TO_INTEGERS && y->variant[0].dtype == DTYPE_BOOL;
    const real *deviation = is_cast ? s->tracks[node->in[0]].deviation : NULL;
    for (size_t i = 0; deviation && i < y->variant[0].n; i++) {
        if (deviation[i] > 0 && fabsl(in[0]->v[i]) <= (real)bound_table.widen * deviation[i]) {
            mark_of(y)[i] |= MARK_JUMP;
        }
    }
}

/* What the elements of input k become in a product's weights. */
static const real *factors_of(struct sampler *s, const struct node *node, uint32_t k,
                              const struct array *const *in)
{
    if (!node->op->factors) {
        return in[k]->v;
    }
    real *factor = ARENA_ARRAY(s->scratch, real, in[k]->n + 1);
    struct evaluation e = describe(s, node, in, 0);
    node->op->factors(&e, k, factor);
    return factor;
}

/*
 * A scale that may be folded into a product's weights moves its intermediate results by as much:
 * where it is as large or small as a good part of the dtype's range, they may overflow or vanish
 * although the result as written does not, or not although it does.
 */
static uint8_t *extreme_of(struct sampler *s, const struct node *node, uint32_t k,
                           const struct array *const *in)
{
    const struct array *x = in[k];
    bool beside_product =
        node->op->folding == FOLDS_AS_SCALE &&
        (reads_from(s->p, node, FOLDS_AS_PRODUCT) || is_read_by(s->p, node, FOLDS_AS_PRODUCT));
    const struct node *own = maker_of(s->p, node->in[k]);
    bool is_product = own && own->op->folding == FOLDS_AS_PRODUCT; /* it is scaled, no scale */
    if (!beside_product || is_product || !dtype_is_float(x->dtype)) {
        return NULL;
    }
    real weight = 1;
    for (uint32_t i = 0; i < node->n_in; i++) {
        const struct node *maker = maker_of(s->p, node->in[i]);
        weight = fmaxl(weight, maker ? s->largest[maker - s->p->nodes] : 0);
    }
    real top = dtype_max(x->dtype), most = fminl(powl(top, 0.25L), top / weight);
    const real *factor = factors_of(s, node, k, in);
    uint8_t *mark = NULL;
    for (size_t i = 0; i < x->n; i++) {
        real size = fabsl(factor[i]);
        if (size != 0 && (size > most || size < 1 / most)) {
            mark = mark ? mark : arena_zalloc(s->scratch, x->n + 1);
            mark[i] = MARK_WILD;
        }
    }
    return mark;
}

/*
 * The other way round: a scale before a product may be taken behind it, so that its operands meet
 * as they were before. Where one is a good part of the range, their product may overflow.
 */
static uint8_t *unscaled_of(struct sampler *s, const struct node *node, uint32_t k,
                            const struct array *const *in)
{
    const struct array *x = in[k];
    bool is_scaled =
        node->op->folding == FOLDS_AS_PRODUCT && reads_from(s->p, node, FOLDS_AS_SCALE);
    if (!is_scaled || !dtype_is_float(x->dtype)) {
        return NULL;
    }
    real most = powl(dtype_max(x->dtype), 0.75L);
    uint8_t *mark = NULL;
    for (size_t i = 0; i < x->n; i++) {
        if (isfinite(x->v[i]) && fabsl(x->v[i]) > most) {
            mark = mark ? mark : arena_zalloc(s->scratch, x->n + 1);
            mark[i] = MARK_WILD;
        }
    }
    return mark;
}

/* Of a product's finite operands, for scales behind it. */
static void note_largest(struct sampler *s, const struct node *node, const struct array *const *in)
{
    real *largest = &s->largest[node - s->p->nodes];
    for (uint32_t k = 0; k < node->n_in; k++) {
        for (size_t i = 0; in[k] && i < in[k]->n; i++) {
            real size = fabsl(in[k]->v[i]);
            *largest = isfinite(size) && size > *largest ? size : *largest;
        }
    }
}

/*
 * AVX512_BF16's dot products take subnormals of bf16 as zero (Intel SDM, VDPBF16PS: as if DAZ),
 * which loses a term of any size where the other factor is large.
 */
static uint8_t *flushed_of(struct sampler *s, const struct node *node, uint32_t k,
                           const struct array *const *in)
{
    const struct array *x = in[k];
    if (node->op->folding != FOLDS_AS_PRODUCT || x->dtype != DTYPE_BF16) {
        return NULL;
    }
    real least = dtype_min_normal(DTYPE_BF16);
    uint8_t *mark = NULL;
    for (size_t i = 0; i < x->n; i++) {
        if (x->v[i] != 0 && fabsl(x->v[i]) < least) {
            mark = mark ? mark : arena_zalloc(s->scratch, x->n + 1);
            mark[i] = MARK_UNSPECIFIED;
        }
    }
    return mark;
}

/* Marks of elements of input k, given; NULL: none. What they go into has them, too. */
typedef uint8_t *input_marks(struct sampler *s, const struct node *node, uint32_t k,
                             const struct array *const *in);

static void mark_behind(struct sampler *s, const struct node *node, const struct array *const *in,
                        input_marks *marks_of)
{
    struct taint taint = {0};
    bool any = false;
    for (uint32_t k = 0; k < node->n_in; k++) {
        taint.in_mark[k] = in[k] ? marks_of(s, node, k, in) : NULL;
        any |= taint.in_mark[k] != NULL;
    }
    if (any) {
        run_taint(s, node, in, &taint);
    }
}

void mark_node(struct sampler *s, const struct node *node, const struct array *const *in)
{
    propagate_marks(s, node, in);
    mark_behind(s, node, in, wild_of);
    mark_behind(s, node, in, flushed_of);
    mark_behind(s, node, in, extreme_of);
    mark_behind(s, node, in, unscaled_of);
    if (may_be_folded(s->p, node)) {
        note_largest(s, node, in);
    }
    mark_near_equal(s, node, in);
    mark_near_places(s, node, in);
    mark_near_zero(s, node, in);
    mark_spread(s, node);
}
