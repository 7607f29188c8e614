/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relation as z3 formulas, by its C API. Variables of one value enter as that number: what is
 * linear then is linear to z3 too. A context lives for one question, so that no answer hangs on the
 * questions before it.
 */
#include "solve_z3.h"

#include <stdio.h>
#include <stdlib.h>
#include <z3.h>

struct question {
    Z3_context z3;
    Z3_solver solver;
    Z3_ast *term; /* by variable */
};

static _Noreturn void die(Z3_context z3, Z3_error_code code)
{
    fprintf(stderr, "z3: %s\n", Z3_get_error_msg(z3, code));
    exit(2);
}

/* ---- terms ---- */

static Z3_ast number(const struct question *q, int64_t value)
{
    return Z3_mk_int64(q->z3, value, Z3_mk_int_sort(q->z3));
}

static Z3_ast plus(const struct question *q, Z3_ast x, Z3_ast y)
{
    return Z3_mk_add(q->z3, 2, (Z3_ast[]){x, y});
}

static Z3_ast minus(const struct question *q, Z3_ast x, Z3_ast y)
{
    return Z3_mk_sub(q->z3, 2, (Z3_ast[]){x, y});
}

static Z3_ast times(const struct question *q, Z3_ast x, Z3_ast y)
{
    return Z3_mk_mul(q->z3, 2, (Z3_ast[]){x, y});
}

static Z3_ast both(const struct question *q, Z3_ast x, Z3_ast y)
{
    return Z3_mk_and(q->z3, 2, (Z3_ast[]){x, y});
}

static Z3_ast at_least(const struct question *q, Z3_ast x, int64_t least)
{
    return Z3_mk_ge(q->z3, x, number(q, least));
}

static Z3_ast product(const struct question *q, size_t n, Z3_ast const *x)
{
    Z3_ast result = number(q, 1);
    for (size_t i = 0; i < n; i++) {
        result = times(q, result, x[i]);
    }
    return result;
}

static Z3_ast sum(const struct question *q, size_t n, Z3_ast const *x, const int64_t *coef)
{
    Z3_ast result = number(q, 0);
    for (size_t i = 0; i < n; i++) {
        result = plus(q, result, times(q, number(q, coef[i]), x[i]));
    }
    return result;
}

/* ---- formulas ---- */

/* out == floor(m / stride) + 1 with m >= 0, said without a division. */
static Z3_ast window(const struct question *q, Z3_ast const *x)
{
    Z3_ast in = x[0], out = x[1], kernel = x[2], stride = x[3], lo = x[4], hi = x[5],
           dilation = x[6], one = number(q, 1);
    Z3_ast reach = times(q, dilation, minus(q, kernel, one));
    Z3_ast m = minus(q, plus(q, plus(q, in, lo), hi), plus(q, reach, one));
    Z3_ast parts[] = {
        at_least(q, kernel, 0),
        at_least(q, stride, 1),
        at_least(q, lo, 0),
        at_least(q, hi, 0),
        at_least(q, dilation, 1),
        at_least(q, m, 0),
        Z3_mk_le(q->z3, times(q, stride, minus(q, out, one)), m),
        Z3_mk_lt(q->z3, m, times(q, stride, out)),
    };
    return Z3_mk_and(q->z3, ARRAY_SIZE(parts), parts);
}

static Z3_ast broadcast(const struct question *q, Z3_ast x, Z3_ast y, Z3_ast out)
{
    Z3_ast one = number(q, 1);
    Z3_ast ways[] = {
        both(q, Z3_mk_eq(q->z3, y, one), Z3_mk_eq(q->z3, out, x)),
        both(q, Z3_mk_eq(q->z3, x, one), Z3_mk_eq(q->z3, out, y)),
        both(q, Z3_mk_eq(q->z3, x, y), Z3_mk_eq(q->z3, out, x)),
    };
    return Z3_mk_or(q->z3, ARRAY_SIZE(ways), ways);
}

static Z3_ast formula(const struct question *q, const struct record *r, const struct recorded *c)
{
    enum { MAX = 64 };
    Z3_ast x[MAX] = {NULL}, ways[MAX] = {NULL};
    const int64_t *num = r->num + c->num;
    CHECK(c->n <= MAX && c->n_num <= MAX);
    for (size_t i = 0; i < c->n; i++) {
        x[i] = q->term[r->x[c->x + i]];
    }
    switch (c->kind) {
    case RECORDED_LINEAR_EQ:
        return Z3_mk_eq(q->z3, sum(q, c->n, x, num), number(q, c->rhs));
    case RECORDED_LINEAR_LE:
        return Z3_mk_le(q->z3, sum(q, c->n, x, num), number(q, c->rhs));
    case RECORDED_PRODUCT:
        return Z3_mk_eq(q->z3, product(q, c->n - 1, x), x[c->n - 1]);
    case RECORDED_PRODUCT_LE:
        for (size_t i = 0; i < c->n; i++) {
            Z3_ast is_below = Z3_mk_lt(q->z3, x[i], number(q, 1));
            x[i] = Z3_mk_ite(q->z3, is_below, number(q, 1), x[i]);
        }
        return Z3_mk_le(q->z3, product(q, c->n, x), number(q, c->rhs));
    case RECORDED_WINDOW:
        return window(q, x);
    case RECORDED_BROADCAST:
        return broadcast(q, x[0], x[1], x[2]);
    case RECORDED_CHOICE:
        for (size_t i = 0; i < c->n_num; i++) {
            ways[i] = Z3_mk_eq(q->z3, x[0], number(q, num[i]));
        }
        return Z3_mk_or(q->z3, (unsigned)c->n_num, ways);
    case RECORDED_ELEMENT:
        for (size_t i = 2; i < c->n; i++) {
            ways[i - 2] = both(q, Z3_mk_eq(q->z3, x[0], number(q, (int64_t)i - 2)),
                               Z3_mk_eq(q->z3, x[1], x[i]));
        }
        return Z3_mk_or(q->z3, (unsigned)c->n - 2, ways);
    }
    BUG("constraint of kind %d", (int)c->kind);
}

/* values: every variable is that number. */
static void state_all(struct question *q, const struct record *r, const int64_t *values)
{
    for (size_t x = 0; x < r->n_vars; x++) {
        struct recorded_domain d = r->domain[x];
        if (values || d.lo == d.hi) {
            q->term[x] = number(q, values ? values[x] : d.lo);
        } else {
            q->term[x] = Z3_mk_const(q->z3, Z3_mk_int_symbol(q->z3, (int)x), Z3_mk_int_sort(q->z3));
        }
        Z3_solver_assert(q->z3, q->solver, at_least(q, q->term[x], d.lo));
        Z3_solver_assert(q->z3, q->solver, Z3_mk_le(q->z3, q->term[x], number(q, d.hi)));
    }
    for (size_t k = 0; k < r->n_constraints; k++) {
        Z3_solver_assert(q->z3, q->solver, formula(q, r, &r->constraints[k]));
    }
}

/* effort 0: as much as it takes. The plain solver: z3's others for products of integers take ten
 * times as long here and say "unknown" more often. */
static enum opinion ask(const struct record *r, const int64_t *values, unsigned effort)
{
    Z3_config config = Z3_mk_config();
    struct question q = {.z3 = Z3_mk_context(config)};
    Z3_del_config(config);
    Z3_set_error_handler(q.z3, die);
    q.solver = Z3_mk_simple_solver(q.z3);
    Z3_solver_inc_ref(q.z3, q.solver);
    Z3_params params = Z3_mk_params(q.z3);
    Z3_params_inc_ref(q.z3, params);
    Z3_params_set_uint(q.z3, params, Z3_mk_string_symbol(q.z3, "rlimit"), effort);
    Z3_solver_set_params(q.z3, q.solver, params);
    Z3_params_dec_ref(q.z3, params);
    q.term = xmalloc(r->n_vars * sizeof(*q.term));
    state_all(&q, r, values);
    Z3_lbool answer = Z3_solver_check(q.z3, q.solver);
    free(q.term);
    Z3_solver_dec_ref(q.z3, q.solver);
    Z3_del_context(q.z3);
    return answer == Z3_L_TRUE    ? OPINION_SAT
           : answer == Z3_L_FALSE ? OPINION_UNSAT
                                  : OPINION_UNKNOWN;
}

enum opinion z3_solve(const struct record *r, unsigned effort)
{
    return ask(r, NULL, effort);
}

bool z3_accepts(const struct record *r, const int64_t *values)
{
    return ask(r, values, 0) == OPINION_SAT;
}
