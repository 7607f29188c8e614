/* SPDX-License-Identifier: Apache-2.0 */
/*
 * einsum of one or two operands (ONNX Einsum, torch.einsum) by the attribute `equation`: a letter
 * for each dim of each operand, "->", the letters of the result. A letter that the result lacks is
 * summed over; one that an operand has twice takes its diagonal. The output is explicit, there is
 * no ellipsis: who reads others writes them out.
 */
#include "ops/product.h"

/* ---- equations ---- */

struct equation {
    int n_terms;         /* operands */
    const char *term[3]; /* letters of a, b, y, not closed */
    int length[3];
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *read_term(const char *text, struct equation *q, int k)
{
    q->term[k] = text;
    while (is_letter(*text)) {
        text++;
    }
    q->length[k] = (int)(text - q->term[k]);
    return text;
}

static bool has_letter(const struct equation *q, int k, char c)
{
    return q->length[k] > 0 && memchr(q->term[k], c, (size_t)q->length[k]) != NULL;
}

static bool equation_parse(const char *text, struct equation *q)
{
    *q = (struct equation){.n_terms = 1};
    const char *at = read_term(text, q, 0);
    if (*at == ',') {
        q->n_terms = 2;
        at = read_term(at + 1, q, 1);
    }
    if (at[0] != '-' || at[1] != '>' || *read_term(at + 2, q, 2) != '\0') {
        return REFUSE("equation \"%.60s\" is not of the form ij,jk->ik", text);
    }
    for (int k = 0; k < 3; k++) {
        if (q->length[k] > RANK_MAX) {
            return REFUSE("equation \"%.60s\" goes beyond rank %d", text, RANK_MAX);
        }
    }
    for (int i = 0; i < q->length[2]; i++) {
        char c = q->term[2][i];
        bool is_given = has_letter(q, 0, c) || has_letter(q, 1, c);
        if (!is_given || memchr(q->term[2] + i + 1, c, (size_t)(q->length[2] - i - 1))) {
            return REFUSE("equation \"%.60s\" gives %c twice or from nothing", text, c);
        }
    }
    return true;
}

/* Is there a letter of one operand alone that is summed over? Beside another operand libraries sum
 * it before they multiply (torch: sumproduct_pair). */
static bool sums_alone(const struct equation *q)
{
    for (int k = 0; k < q->n_terms; k++) {
        for (int i = 0; i < q->length[k]; i++) {
            char c = q->term[k][i];
            if (!has_letter(q, 1 - k, c) && !has_letter(q, 2, c)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- structure and relation ---- */

/* What is drawn: products of matrices and vectors in all their transpositions, outer products, sums
 * over one operand alone, diagonals. */
static const char *const drawn[] = {"ij->ji",
                                    "ijk->kij",
                                    "i->i",
                                    "ij->i",
                                    "ijk->j",
                                    "ij->",
                                    "ii->i",
                                    "ijkl->iljk",
                                    "ijkl->kl",
                                    "iij->ij",
                                    ",->",
                                    ",i->i",
                                    "i,->i",
                                    "i,i->",
                                    "i,i->i",
                                    "i,j->ij",
                                    "i,j->ji",
                                    "ij,j->i",
                                    "ij,i->j",
                                    "j,ij->i",
                                    "i,ij->ij",
                                    "ij,ij->ij",
                                    "ij,ij->",
                                    "ij,ij->j",
                                    "ij,ji->",
                                    "ij,jk->ik",
                                    "ij,jk->ki",
                                    "ij,kj->ik",
                                    "ji,jk->ik",
                                    "ij,kl->ijkl",
                                    "ij,jk->ijk",
                                    "ij,jk->k",
                                    "ij,jk->",
                                    "ijk,k->ij",
                                    "ijk,j->ki",
                                    "ijk,jk->i",
                                    "ijk,kl->ijl",
                                    "ijk,lk->ilj",
                                    "bij,bjk->bik",
                                    "bij,bkj->bik",
                                    "bij,bjk->ikb",
                                    "ijk,ijk->ij",
                                    "ijk,ijk->k",
                                    "bi,bij->bj",
                                    "bij,jk->bik",
                                    "ijk,ljk->il",
                                    "abij,abjk->abik",
                                    "bhij,bhkj->bhik",
                                    "bihd,bjhd->bhij",
                                    "bhij,bjhd->bihd",
                                    "abij,jk->abik",
                                    "ijkl,kl->ij",
                                    "ijkl,klm->ijm",
                                    "ijk,jlk->il",
                                    "ijkl,ijkl->ikl",
                                    "ii,ij->j",
                                    "iji,j->i",
                                    "ijklm,m->ijkl",
                                    "ij,jklm->iklm",
                                    "abcij,abcjk->abcik"};

static bool fits(const struct equation *q, const struct instance *m)
{
    int n_terms = m->n_in > 1 && m->in[1].present ? 2 : 1;
    const struct slot *slot[3] = {&m->in[0], &m->in[1], &m->out[0]};
    for (int k = 0; k < 3; k++) {
        bool is_absent = k == 1 && n_terms == 1;
        if (!is_absent && slot[k]->rank >= 0 && slot[k]->rank != q->length[k]) {
            return false;
        }
    }
    return q->n_terms == n_terms;
}

/* Integers are summed alone in int64 by some (torch, where it is then the result's dtype), half
 * floats rounded before the product; no document says: not drawn. */
static bool may_be_drawn(const struct equation *q, enum dtype d)
{
    return !sums_alone(q) || d == DTYPE_F32 || d == DTYPE_F64 ||
           (dtype_is_float(d) && q->n_terms == 1);
}

static const char *draw_equation(const struct instance *m, struct rng *rng)
{
    uint32_t weight[ARRAY_SIZE(drawn)];
    for (size_t i = 0; i < ARRAY_SIZE(drawn); i++) {
        struct equation q;
        weight[i] = equation_parse(drawn[i], &q) && fits(&q, m) && may_be_drawn(&q, m->in[0].dtype);
    }
    size_t i = rng_weighted(rng, weight, ARRAY_SIZE(drawn));
    return i < ARRAY_SIZE(drawn) ? drawn[i] : NULL;
}

static bool einsum_structure(struct instance *m, struct rng *rng)
{
    struct equation q;
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    if (!instance_attr(m, "equation")) {
        const char *text = rng ? draw_equation(m, rng) : NULL;
        if (!text) {
            return REFUSE("attribute equation is missing");
        }
        instance_add_attr(m, "equation", ATTR_TEXT, 1)->text = text;
    }
    const char *text = instance_attr(m, "equation")->text;
    if (!equation_parse(text, &q)) {
        return false;
    }
    if (!fits(&q, m)) {
        return REFUSE("equation \"%.60s\" does not fit the operands' count or ranks", text);
    }
    return settle_rank(&m->in[0], q.length[0]) &&
           (q.n_terms == 1 || settle_rank(&m->in[1], q.length[1])) &&
           settle_rank(&m->out[0], q.length[2]);
}

/* Equal letters are equal dims. */
static void einsum_relate(struct relation *r, struct instance *m)
{
    struct equation q;
    const struct slot *slot[3] = {&m->in[0], &m->in[1], &m->out[0]};
    var dim[128];
    memset(dim, -1, sizeof(dim)); /* VAR_NONE */
    CHECK(equation_parse(instance_attr(m, "equation")->text, &q));
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < q.length[k]; i++) {
            var *first = &dim[(unsigned char)q.term[k][i]];
            if (*first == VAR_NONE) {
                *first = slot[k]->dim[i];
            } else {
                relate_equal(r, *first, slot[k]->dim[i]);
            }
        }
    }
}

/* ---- evaluation ---- */

struct einsum {
    struct equation q;
    struct product p;
    const struct array *a, *b;
};

/* Beside one operand. */
static const struct array *single_one(struct arena *scratch)
{
    struct array *one = ARENA_ZARRAY(scratch, struct array, 1);
    *one = (struct array){.dtype = DTYPE_F64, .n = 1, .v = ARENA_ARRAY(scratch, real, 1)};
    one->v[0] = 1;
    return one;
}

/* The axis of a letter: steps add up where it comes twice. */
static struct axis axis_of(const struct equation *q, char c, const struct shape *const *shape,
                           size_t steps[3][RANK_MAX])
{
    struct axis x = {.is_summed = !has_letter(q, 2, c)};
    size_t *step[3] = {&x.a, &x.b, &x.y};
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < q->length[k]; i++) {
            if (q->term[k][i] == c) {
                *step[k] += steps[k][i];
                x.size = (size_t)shape[k]->dim[i];
            }
        }
    }
    return x;
}

static struct einsum einsum_in(const struct evaluation *e)
{
    struct einsum s = {.a = e->in[0],
                       .b = e->n_in > 1 && e->in[1] ? e->in[1] : single_one(e->scratch)};
    const struct shape *shape[3] = {&s.a->shape, &s.b->shape, &e->out[0].shape};
    size_t steps[3][RANK_MAX], n = 0;
    bool is_done[128] = {0};
    struct axis axes[AXES_MAX];
    CHECK(equation_parse(node_attr(e->node, "equation")->text, &s.q));
    for (int k = 0; k < 3; k++) {
        steps_of(shape[k], steps[k]);
    }
    for (int turn = 2; turn < 5; turn++) { /* the result's letters first, in its order */
        int k = turn % 3;
        for (int i = 0; i < s.q.length[k]; i++) {
            char c = s.q.term[k][i];
            if (!is_done[(unsigned char)c]) {
                is_done[(unsigned char)c] = true;
                axes[n++] = axis_of(&s.q, c, shape, steps);
            }
        }
    }
    s.p = product_of(e->scratch, axes, n, e->out[0].n);
    return s;
}

static real largest_of(const struct array *x)
{
    real largest = 0;
    for (size_t i = 0; i < x->n; i++) {
        largest = fmaxl(largest, fabsl(x->v[i]));
    }
    return largest;
}

/* May elements of one operand that are summed before they are multiplied (sums_alone) be infinite,
 * or overflow? Then infinity times 0, or less infinity, is NaN in one order and not in another. */
static bool may_overflow_alone(const struct einsum *s, enum dtype d)
{
    if (s->q.n_terms < 2 || !sums_alone(&s->q)) {
        return false;
    }
    return fmaxl(largest_of(s->a), largest_of(s->b)) * (real)s->p.inner > dtype_max(d);
}

static void einsum_evaluate(struct evaluation *e)
{
    const struct array *y = &e->out[0];
    const struct einsum s = einsum_in(e);
    product_evaluate(&s.p, e->scratch, s.a, s.b, y);
    if (!e->noise[0] || !dtype_is_float(y->dtype)) {
        return;
    }
    const real *magnitude = product_magnitude(&s.p, e->scratch, s.a, s.b, y);
    struct sum_noise sum = sum_noise_init(y->dtype, s.p.inner, grid_of(s.a) + grid_of(s.b));
    bool may_overflow = may_overflow_alone(&s, y->dtype);
    /* Half floats: what is summed alone is rounded before it is multiplied. */
    real early = 0;
    if (dtype_is_half(y->dtype) && s.q.n_terms == 2 && sums_alone(&s.q)) {
        early = dtype_roundoff(y->dtype);
    }
    for (size_t i = 0; i < y->n; i++) {
        real noise = sum_noise_of(&sum, y->v[i], magnitude[i]);
        e->noise[0][i] = isfinite(y->v[i]) ? noise + early * magnitude[i] : noise;
        e->noise[0][i] = may_overflow ? INFINITY : e->noise[0][i];
    }
}

static void einsum_taint(const struct taint *t)
{
    const struct einsum s = einsum_in(t->e);
    product_taint(&s.p, t->e->scratch, t->in_mark[0], s.q.n_terms == 1 ? NULL : t->in_mark[1],
                  t->out_mark[0]);
}

static void einsum_vjp(const struct vjp *v)
{
    if (v->cotangent[0]) {
        const struct einsum s = einsum_in(v->e);
        product_vjp(&s.p, s.a->v, s.b->v, v->cotangent[0], 1, v->grad[0],
                    s.q.n_terms == 1 ? NULL : v->grad[1]);
    }
}

/* Terms of one sum: the letters that the result lacks. */
static size_t n_summed(const struct range_query *q, const struct equation *equation)
{
    bool is_done[128] = {0};
    size_t n = 1;
    for (int k = 0; k < equation->n_terms; k++) {
        for (int i = 0; i < equation->length[k]; i++) {
            char c = equation->term[k][i];
            if (!has_letter(equation, 2, c) && !is_done[(unsigned char)c]) {
                is_done[(unsigned char)c] = true;
                n *= (size_t)q->in_value[k]->shape.dim[i];
            }
        }
    }
    return n;
}

static void einsum_range(struct range_query *q)
{
    struct equation equation;
    enum dtype d = q->out_value[0]->dtype;
    const struct interval unit = {.lo = 1, .hi = 1};
    CHECK(equation_parse(node_attr(q->node, "equation")->text, &equation));
    struct interval b = equation.n_terms == 2 ? q->in[1] : unit;
    struct interval sum = product_range(q->in[0], b, n_summed(q, &equation));
    q->out[0] = dtype_is_float(d) ? sum : interval_fit(d, sum);
}

/* The dims of all letters. */
static size_t einsum_work(struct instance *m, var *factors)
{
    struct equation q;
    const struct slot *slot[2] = {&m->in[0], &m->in[1]};
    bool is_done[128] = {0};
    size_t n = 0;
    CHECK(equation_parse(instance_attr(m, "equation")->text, &q) && q.n_terms <= 2);
    for (int k = 0; k < q.n_terms; k++) {
        for (int i = 0; i < q.length[k]; i++) {
            bool *done = &is_done[(unsigned char)q.term[k][i]];
            if (!*done) {
                *done = true;
                factors[n++] = slot[k]->dim[i];
            }
        }
    }
    return n;
}

const struct op op_einsum = {
    .name = "einsum",
    .folding = FOLDS_AS_PRODUCT,
    .summary = "sums of products of one or two operands along dims named by letters",
    .in = {{"a", .dtypes = DT_NUMBERS, .rank_min = 0, .rank_max = RANK_MAX},
           {"b", .same_as = "a", .rank_min = 0, .rank_max = RANK_MAX, .optional = true}},
    .out = {{"y", .same_as = "a", .rank_min = 0, .rank_max = RANK_MAX}},
    .attrs = {{"equation", ATTR_TEXT}},
    .structure = einsum_structure,
    .relate = einsum_relate,
    .evaluate = einsum_evaluate,
    .taint = einsum_taint,
    .vjp = einsum_vjp,
    .range = einsum_range,
    .work = einsum_work};
