/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws that every op of the catalogue keeps, on nodes drawn at random as the generator draws them:
 * what structure, relate and the solver make passes ops_check, and a wrong shape does not; taint
 * marks every output that a change reaches; gradients agree with finite differences; ranges hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "ops/ops.h"

enum { SAMPLES = 300, PROBES = 5 };

/* One node over inputs only. */
struct sample {
    struct arena *arena;
    struct program *p;
    const struct op *op;
    struct node *node;
    struct array in[OP_INPUTS_MAX]; /* values */
};

struct demand {
    enum dtype dtype; /* of the first input, or DTYPE_NONE */
    bool backward;    /* the output's rank and dims are given, the inputs follow */
    int64_t dim_least;
};

static uint32_t draw_n_in(const struct op *op, struct rng *rng)
{
    uint32_t n = (uint32_t)op_n_inputs(op);
    if (op->in[n - 1].variadic) {
        return n + (uint32_t)rng_below(rng, 4);
    }
    return op->in[n - 1].optional && rng_chance(rng, 1, 2) ? n - 1 : n;
}

static void make_dims(struct slot *s, struct relation *r, int64_t least)
{
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] == VAR_NONE) {
            s->dim[d] = relation_var(r, least, 5);
        }
    }
}

/* false: this draw led nowhere (an output that cannot be). */
static bool draw_instance(struct instance *m, const struct op *op, const struct demand *demand,
                          struct relation *r, struct rng *rng)
{
    instance_init(m, op, draw_n_in(op, rng));
    instance_set_outputs(m, op_draw_n_out(op, rng));
    m->in[0].dtype = demand->dtype;
    if (demand->backward) {
        int lo = op->out[0].rank_min, hi = op->out[0].rank_max < 3 ? 3 : 4;
        m->out[0].rank = (int)rng_range(rng, lo, hi < lo ? lo : hi);
        for (int d = 0; d < m->out[0].rank; d++) {
            m->out[0].dim[d] = relation_fixed(r, rng_range(rng, 1, 4));
        }
    }
    if (!op->structure(m, rng)) {
        return false;
    }
    for (uint32_t k = 0; k < m->n_in; k++) {
        make_dims(&m->in[k], r, demand->dim_least);
    }
    for (uint32_t o = 0; o < m->n_out; o++) {
        make_dims(&m->out[o], r, demand->dim_least);
    }
    op->relate(r, m);
    if (relation_solve(r, rng, 0) != SOLVE_SAT) {
        return false;
    }
    instance_settle(m, r);
    if (op->finish) {
        op->finish(m, NULL, rng);
    }
    return true;
}

static bool draw_sample(struct sample *s, struct arena *arena, const struct op *op,
                        const struct demand *demand, struct rng *rng)
{
    struct instance m;
    struct relation *r = relation_new(arena);
    if (!draw_instance(&m, op, demand, r, rng)) {
        return false;
    }
    *s = (struct sample){.arena = arena, .op = op, .p = program_new(arena)};
    uint32_t in[OP_INPUTS_MAX];
    for (uint32_t k = 0; k < m.n_in; k++) {
        struct shape shape = slot_shape(&m.in[k], r);
        in[k] = program_add_input(s->p, NULL, m.in[k].dtype, &shape);
    }
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];
    for (uint32_t o = 0; o < m.n_out; o++) {
        dtypes[o] = m.out[o].dtype;
        shapes[o] = slot_shape(&m.out[o], r);
    }
    program_add_node(s->p, op->name, m.n_in, in, m.n_attrs, m.attr, m.n_out, dtypes, shapes);
    s->node = &s->p->nodes[0];
    for (uint32_t o = 0; o < m.n_out; o++) {
        program_add_output(s->p, s->node->out[o]);
    }
    return true;
}

/* clean: quarters in -8..8; special: zeros, limits, infinities and NaN among them. */
static real draw_element(enum dtype d, bool special, struct rng *rng)
{
    real v = (real)rng_range(rng, -32, 32) / 4;
    if (d == DTYPE_BOOL) {
        return rng_chance(rng, 1, 2);
    }
    if (dtype_is_int(d)) {
        if (special && rng_chance(rng, 1, 4)) {
            return rng_chance(rng, 1, 2) ? dtype_lowest(d) : dtype_max(d);
        }
        return dtype_wrap(d, real_pattern(truncl(v)));
    }
    if (special && rng_chance(rng, 1, 4)) {
        const real odd[] = {NAN, INFINITY, -INFINITY, -0.0L, 0, dtype_max(d), dtype_tiny(d)};
        return odd[rng_below(rng, ARRAY_SIZE(odd))];
    }
    return v;
}

static void fill_inputs(struct sample *s, bool special, struct rng *rng)
{
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        const struct value *v = &s->p->values[s->node->in[k]];
        s->in[k] =
            (struct array){.dtype = v->dtype, .shape = v->shape, .n = shape_numel(&v->shape)};
        s->in[k].v = ARENA_ARRAY(s->arena, real, s->in[k].n);
        for (size_t i = 0; i < s->in[k].n; i++) {
            int64_t limit = node_index_limit(s->p, s->node, k, i);
            s->in[k].v[i] = limit >= 0 ? (real)rng_range(rng, -limit, limit - 1)
                                       : draw_element(v->dtype, special, rng);
        }
    }
}

struct results {
    struct array y[OP_OUTPUTS_MAX];
};

static struct results evaluate(const struct sample *s, bool round, real **noise)
{
    const struct array *in[OP_INPUTS_MAX] = {0};
    struct results out = {0};
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        in[k] = &s->in[k];
    }
    op_evaluate(s->p, s->node, in, round, out.y, noise, s->arena);
    return out;
}

static struct evaluation describe(struct sample *s, const struct results *out)
{
    struct evaluation e = {
        .node = s->node, .n_in = s->node->n_in, .n_out = s->node->n_out, .scratch = s->arena};
    for (uint32_t k = 0; k < e.n_in; k++) {
        e.in[k] = &s->in[k];
    }
    memcpy(e.out, out->y, sizeof(e.out));
    return e;
}

static _Noreturn void fail_on(const struct sample *s, const char *what)
{
    struct buffer text = BUFFER_INIT;
    program_print(s->p, &text);
    fail_msg("%s in\n%s(%s)", what, text.data, err_text());
    __builtin_unreachable();
}

/* Calls `law` on samples of every op; each op must give some. */
typedef void law_fn(struct sample *s, struct rng *rng);
static void for_all_ops(law_fn *law, const struct demand *demand, dtype_set dtypes)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < op_count; i++) {
        struct rng rng = rng_seeded(1000 + i);
        unsigned n = 0;
        dtype_set possible = op_table[i]->in[0].dtypes & dtypes;
        for (unsigned draw = 0; draw < SAMPLES && possible; draw++) {
            struct sample s;
            struct demand d = *demand;
            do {
                d.dtype = (enum dtype)rng_below(&rng, DTYPE_COUNT);
            } while (!dtype_in(d.dtype, possible));
            if (draw_sample(&s, arena, op_table[i], &d, &rng)) {
                n++;
                if (ops_check(s.p) != ERR_OK) {
                    fail_on(&s, "a drawn node does not check");
                }
                law(&s, &rng);
            }
            arena_reset(arena);
        }
        /* Backward, some outputs cannot be: all spatial dims of a global pool are 1, unsqueeze
         * needs one that is. */
        if (possible && n < (demand->backward ? SAMPLES / 20 : SAMPLES / 8)) {
            fail_msg("%s: only %u of %d draws led to a node", op_table[i]->name, n, SAMPLES);
        }
    }
    arena_free(arena);
}

/* ---- structure, relation, check ---- */

static void law_infers(struct sample *s, struct rng *rng)
{
    enum dtype dtype[OP_OUTPUTS_MAX];
    struct shape shape[OP_OUTPUTS_MAX];
    if (op_infer(s->p, s->node, s->arena, dtype, shape) != ERR_OK) {
        fail_on(s, "inference failed");
    }
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        const struct value *y = &s->p->values[s->node->out[o]];
        if (dtype[o] != y->dtype || !shape_equal(&shape[o], &y->shape)) {
            fail_on(s, "inferred something else");
        }
    }
    struct relation *r = relation_new(s->arena);
    struct instance m;
    instance_from_node(&m, s->p, s->node, r);
    assert_true(s->op->structure(&m, NULL));
    s->op->relate(r, &m);
    assert_int_equal(relation_solve(r, rng, 0), SOLVE_SAT);
}

/* A dim of the output more, a rank more: refused, and the node is named. */
static void law_rejects(struct sample *s, struct rng *rng)
{
    struct value *y = &s->p->values[s->node->out[0]];
    struct shape good = y->shape;
    if (good.rank > 0) {
        y->shape.dim[rng_below(rng, (uint64_t)good.rank)]++;
    } else {
        y->shape.dim[y->shape.rank++] = 2;
    }
    if (ops_check(s->p) != ERR_INPUT || !strstr(err_text(), y->name)) {
        fail_on(s, "a wrong shape passes or is not named");
    }
    y->shape = good;
    enum dtype dtype = y->dtype;
    y->dtype = dtype == DTYPE_F32 ? DTYPE_I32 : DTYPE_F32;
    if (ops_check(s->p) != ERR_INPUT || !strstr(err_text(), y->name)) {
        fail_on(s, "a wrong dtype passes or is not named");
    }
    y->dtype = dtype;
    if (s->node->n_attrs == 0) {
        return;
    }
    s->node->attrs[0].name = "nonsense";
    if (ops_check(s->p) != ERR_INPUT || !strstr(err_text(), "nonsense")) {
        fail_on(s, "a wrong attribute passes");
    }
}

static void drawn_nodes_infer(void **state)
{
    for_all_ops(law_infers, &(struct demand){.dim_least = 0}, DT_ALL);
}

static void backward_nodes_infer(void **state)
{
    for_all_ops(law_infers, &(struct demand){.backward = true, .dim_least = 1}, DT_ALL);
}

static void wrong_nodes_are_refused(void **state)
{
    for_all_ops(law_rejects, &(struct demand){.dim_least = 1}, DT_ALL);
}

/* ---- values ---- */

static void law_results_are_values(struct sample *s, struct rng *rng)
{
    fill_inputs(s, true, rng);
    real *noise[OP_OUTPUTS_MAX];
    const struct results first = evaluate(s, true, noise), second = evaluate(s, true, NULL);
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        const struct array a = first.y[o], b = second.y[o];
        for (size_t i = 0; i < a.n; i++) {
            bool same = a.v[i] == b.v[i] || (isnan(a.v[i]) && isnan(b.v[i]));
            bool is_value = isnan(a.v[i]) || dtype_round(a.dtype, a.v[i]) == a.v[i];
            if (!same || !is_value) {
                fail_on(s, "a result differs the second time or is no value of its dtype");
            }
            if (!(noise[o][i] >= 0) || (!dtype_is_float(a.dtype) && noise[o][i] != 0)) {
                fail_on(s, "wrong noise");
            }
        }
    }
}

static void results_are_values(void **state)
{
    for_all_ops(law_results_are_values, &(struct demand){.dim_least = 0}, DT_ALL);
}

/* ---- taint ---- */

static bool differ(real a, real b)
{
    return !(a == b || (isnan(a) && isnan(b)));
}

static void compare_marked(const struct sample *s, const struct results *before,
                           const struct results *after, uint8_t *const *mark)
{
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        for (size_t i = 0; i < after->y[o].n; i++) {
            if (differ(before->y[o].v[i], after->y[o].v[i]) && mark[o][i] != 2) {
                fail_on(s, "a changed output is not marked");
            }
        }
    }
}

static void law_taint(struct sample *s, struct rng *rng)
{
    fill_inputs(s, rng_chance(rng, 1, 2), rng);
    uint32_t k = (uint32_t)rng_below(rng, s->node->n_in);
    if (s->in[k].n == 0) {
        return;
    }
    const struct results before = evaluate(s, true, NULL);
    struct evaluation e = describe(s, &before);
    uint8_t *in_mark = arena_zalloc(s->arena, s->in[k].n);
    size_t at = rng_below(rng, s->in[k].n);
    in_mark[at] = 2;
    struct taint t = {.e = &e};
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        t.out_mark[o] = arena_zalloc(s->arena, before.y[o].n + 1);
    }
    t.in_mark[k] = in_mark;
    s->op->taint(&t);
    int64_t limit = node_index_limit(s->p, s->node, k, at);
    for (int again = 0; again < 4; again++) {
        s->in[k].v[at] = limit >= 0 ? (real)rng_range(rng, -limit, limit - 1)
                                    : draw_element(s->in[k].dtype, true, rng);
        const struct results after = evaluate(s, true, NULL);
        compare_marked(s, &before, &after, t.out_mark);
    }
}

static void taint_is_sound(void **state)
{
    for_all_ops(law_taint, &(struct demand){.dim_least = 1}, DT_ALL);
}

/* ---- gradient ---- */

/* sum of cotangent * op(in), unrounded: its derivative is what vjp adds. */
static real objective(const struct sample *s, const real *const *cotangent)
{
    const struct results out = evaluate(s, false, NULL);
    real sum = 0;
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        for (size_t i = 0; cotangent[o] && i < out.y[o].n; i++) {
            sum += cotangent[o][i] * out.y[o].v[i];
        }
    }
    return sum;
}

static const real *draw_cotangent(const struct sample *s, const struct array *y, struct rng *rng)
{
    real *cotangent = ARENA_ARRAY(s->arena, real, y->n);
    for (size_t i = 0; i < y->n; i++) {
        cotangent[i] = (real)rng_range(rng, -8, 8) / 4;
    }
    return cotangent;
}

static void law_vjp(struct sample *s, struct rng *rng)
{
    if (!s->op->vjp) {
        return;
    }
    fill_inputs(s, false, rng);
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        for (size_t i = 0; dtype_is_float(s->in[k].dtype) && i < s->in[k].n; i++) {
            /* positive (log, sqrt), distinct (max), away from kinks at halves */
            real v = 0.27L + fabsl(s->in[k].v[i]) / 8 + (real)rng_range(rng, 1, 999) / 9999;
            bool is_kink = fabsl(v * 2 - rintl(v * 2)) < 0.01L;
            s->in[k].v[i] = (is_kink ? v + 0.02L : v) + (real)i * 1e-7L;
        }
    }
    const struct results out = evaluate(s, false, NULL);
    struct evaluation e = describe(s, &out);
    struct vjp v = {.e = &e};
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        v.cotangent[o] = dtype_is_float(out.y[o].dtype) ? draw_cotangent(s, &out.y[o], rng) : NULL;
    }
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        bool is_float = dtype_is_float(s->in[k].dtype);
        v.grad[k] = is_float ? ARENA_ZARRAY(s->arena, real, s->in[k].n) : NULL;
    }
    s->op->vjp(&v);
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        for (int probe = 0; v.grad[k] && s->in[k].n && probe < PROBES; probe++) {
            size_t i = rng_below(rng, s->in[k].n);
            const real h = 0x1p-28L, x = s->in[k].v[i];
            s->in[k].v[i] = x + h;
            real above = objective(s, v.cotangent);
            s->in[k].v[i] = x - h;
            real below = objective(s, v.cotangent);
            s->in[k].v[i] = x;
            real slope = (above - below) / (2 * h);
            bool is_jump = s->op->jumps == JUMPS_ALWAYS && fabsl(slope) > 0x1p20L;
            if (!is_jump && fabsl(slope - v.grad[k][i]) > 1e-5L * (1 + fabsl(slope))) {
                char text[128];
                snprintf(text, sizeof(text), "input %u element %zu: slope %Lg, gradient %Lg", k, i,
                         slope, v.grad[k][i]);
                fail_on(s, text);
            }
        }
    }
}

static void gradients_agree(void **state)
{
    for_all_ops(law_vjp, &(struct demand){.dim_least = 1}, DT(F64));
}

/* ---- range ---- */

static struct interval hull(const struct array *a)
{
    struct interval out = {.lo = INFINITY, .hi = -INFINITY};
    for (size_t i = 0; i < a->n; i++) {
        out.may_nan |= isnan(a->v[i]) != 0;
        out.lo = a->v[i] < out.lo ? a->v[i] : out.lo;
        out.hi = a->v[i] > out.hi ? a->v[i] : out.hi;
    }
    return out;
}

static void check_inside(const struct sample *s, const struct array *y, struct interval range)
{
    for (size_t i = 0; i < y->n; i++) {
        real v = y->v[i];
        if (isnan(v) ? !range.may_nan : !(v >= range.lo && v <= range.hi)) {
            char text[128];
            snprintf(text, sizeof(text), "%Lg outside [%Lg, %Lg] (NaN %d)", v, range.lo, range.hi,
                     range.may_nan);
            fail_on(s, text);
        }
    }
}

static void law_range(struct sample *s, struct rng *rng)
{
    fill_inputs(s, rng_chance(rng, 1, 2), rng);
    const struct results out = evaluate(s, false, NULL);
    struct range_query q = {.node = s->node};
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        q.in_value[k] = &s->p->values[s->node->in[k]];
        q.in[k] = hull(&s->in[k]);
    }
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        q.out_value[o] = &s->p->values[s->node->out[o]];
    }
    s->op->range(&q);
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        check_inside(s, &out.y[o], q.out[o]);
    }
}

static void ranges_hold(void **state)
{
    for_all_ops(law_range, &(struct demand){.dim_least = 0}, DT_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_nodes_infer),
        cmocka_unit_test(backward_nodes_infer),
        cmocka_unit_test(wrong_nodes_are_refused),
        cmocka_unit_test(results_are_values),
        cmocka_unit_test(taint_is_sound),
        cmocka_unit_test(gradients_agree),
        cmocka_unit_test(ranges_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
