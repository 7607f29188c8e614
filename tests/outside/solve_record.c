/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wrappers of solve.h. `ld --wrap=f` sends calls of f to __wrap_f, and those of __real_f to f;
 * calls within the solver stay what they are.
 */
#include "solve_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct record record;
solve_hook record_hook;

/* Variables of a constraint. */
enum { MAX = 64 };

#define PUSH(array, n, item)                                                                       \
    do {                                                                                           \
        (array) = heap_room((array), (n), sizeof(*(array)));                                       \
        (array)[(n)++] = (item);                                                                   \
    } while (0)

static void begin(const struct relation *r)
{
    record.owner = r;
    record.n_vars = record.n_x = record.n_num = record.n_constraints = 0;
}

static void keep(const struct relation *r, enum recorded_kind kind, size_t n, const var *x,
                 size_t n_num, const int64_t *num, int64_t rhs)
{
    CHECK(r == record.owner);
    struct recorded c = {
        .kind = kind, .n = n, .n_num = n_num, .x = record.n_x, .num = record.n_num, .rhs = rhs};
    for (size_t i = 0; i < n; i++) {
        PUSH(record.x, record.n_x, x[i]);
    }
    for (size_t i = 0; i < n_num; i++) {
        PUSH(record.num, record.n_num, num[i]);
    }
    PUSH(record.constraints, record.n_constraints, c);
}

void record_release(void)
{
    free(record.domain);
    free(record.x);
    free(record.num);
    free(record.constraints);
    record = (struct record){0};
}

void record_print(void)
{
    static const char *const names[] = {
        [RECORDED_LINEAR_EQ] = "sum ==", [RECORDED_LINEAR_LE] = "sum <=",
        [RECORDED_PRODUCT] = "product",  [RECORDED_PRODUCT_LE] = "product <=",
        [RECORDED_WINDOW] = "window",    [RECORDED_BROADCAST] = "broadcast",
        [RECORDED_CHOICE] = "choice",    [RECORDED_ELEMENT] = "element"};
    for (size_t x = 0; x < record.n_vars; x++) {
        printf("#   x%zu in %" PRId64 "..%" PRId64 "\n", x, record.domain[x].lo,
               record.domain[x].hi);
    }
    for (size_t k = 0; k < record.n_constraints; k++) {
        const struct recorded *c = &record.constraints[k];
        printf("#   %s %" PRId64 ":", names[c->kind], c->rhs);
        for (size_t i = 0; i < c->n; i++) {
            printf(" x%d", (int)record.x[c->x + i]);
        }
        for (size_t i = 0; i < c->n_num; i++) {
            printf("%s%" PRId64, i > 0 ? " " : " with ", record.num[c->num + i]);
        }
        printf("\n");
    }
}

/* ---- the wrappers ---- */

#define WRAP(type, name, parameters)                                                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters

WRAP(struct relation *, relation_new, (struct arena * arena))
{
    struct relation *r = __real_relation_new(arena);
    begin(r);
    return r;
}

WRAP(void, relation_clear, (struct relation * r))
{
    begin(r);
    __real_relation_clear(r);
}

WRAP(var, relation_var, (struct relation * r, int64_t lo, int64_t hi))
{
    var x = __real_relation_var(r, lo, hi);
    CHECK(r == record.owner && (size_t)x == record.n_vars);
    PUSH(record.domain, record.n_vars, ((struct recorded_domain){lo, hi}));
    return x;
}

WRAP(var, relation_fixed, (struct relation * r, int64_t value))
{
    return __wrap_relation_var(r, value, value);
}

WRAP(void, relation_narrow, (struct relation * r, var x, int64_t lo, int64_t hi))
{
    CHECK(r == record.owner && (size_t)x < record.n_vars);
    struct recorded_domain *d = &record.domain[x];
    d->lo = lo > d->lo ? lo : d->lo;
    d->hi = hi < d->hi ? hi : d->hi;
    __real_relation_narrow(r, x, lo, hi);
}

WRAP(void, relate_linear_eq,
     (struct relation * r, size_t n, const int64_t *coef, const var *x, int64_t rhs))
{
    keep(r, RECORDED_LINEAR_EQ, n, x, n, coef, rhs);
    __real_relate_linear_eq(r, n, coef, x, rhs);
}

WRAP(void, relate_linear_le,
     (struct relation * r, size_t n, const int64_t *coef, const var *x, int64_t rhs))
{
    keep(r, RECORDED_LINEAR_LE, n, x, n, coef, rhs);
    __real_relate_linear_le(r, n, coef, x, rhs);
}

WRAP(void, relate_equal, (struct relation * r, var a, var b))
{
    keep(r, RECORDED_LINEAR_EQ, 2, (const var[]){a, b}, 2, (const int64_t[]){1, -1}, 0);
    __real_relate_equal(r, a, b);
}

WRAP(void, relate_sum, (struct relation * r, size_t n, const var *parts, var total))
{
    var x[MAX];
    int64_t coef[MAX];
    CHECK(n < MAX);
    for (size_t i = 0; i <= n; i++) {
        x[i] = i < n ? parts[i] : total;
        coef[i] = i < n ? 1 : -1;
    }
    keep(r, RECORDED_LINEAR_EQ, n + 1, x, n + 1, coef, 0);
    __real_relate_sum(r, n, parts, total);
}

WRAP(void, relate_product, (struct relation * r, size_t n, const var *factors, var product))
{
    var x[MAX];
    CHECK(n < MAX);
    for (size_t i = 0; i <= n; i++) {
        x[i] = i < n ? factors[i] : product;
    }
    keep(r, RECORDED_PRODUCT, n + 1, x, 0, NULL, 0);
    __real_relate_product(r, n, factors, product);
}

WRAP(void, relate_product_le, (struct relation * r, size_t n, const var *factors, int64_t limit))
{
    keep(r, RECORDED_PRODUCT_LE, n, factors, 0, NULL, limit);
    __real_relate_product_le(r, n, factors, limit);
}

WRAP(void, relate_window,
     (struct relation * r, var in, var out, var kernel, var stride, var pad_lo, var pad_hi,
      var dilation))
{
    const var x[] = {in, out, kernel, stride, pad_lo, pad_hi, dilation};
    keep(r, RECORDED_WINDOW, ARRAY_SIZE(x), x, 0, NULL, 0);
    __real_relate_window(r, in, out, kernel, stride, pad_lo, pad_hi, dilation);
}

WRAP(void, relate_broadcast, (struct relation * r, var a, var b, var out))
{
    keep(r, RECORDED_BROADCAST, 3, (const var[]){a, b, out}, 0, NULL, 0);
    __real_relate_broadcast(r, a, b, out);
}

WRAP(void, relate_choice, (struct relation * r, var x, size_t n, const int64_t *values))
{
    keep(r, RECORDED_CHOICE, 1, &x, n, values, 0);
    __real_relate_choice(r, x, n, values);
}

WRAP(void, relate_element, (struct relation * r, var index, size_t n, const var *values, var y))
{
    var x[MAX] = {index, y};
    CHECK(n + 2 <= MAX);
    for (size_t i = 0; i < n; i++) {
        x[i + 2] = values[i];
    }
    keep(r, RECORDED_ELEMENT, n + 2, x, 0, NULL, 0);
    __real_relate_element(r, index, n, values, y);
}

WRAP(enum solve_result, relation_solve, (struct relation * r, struct rng *rng, size_t steps))
{
    CHECK(r == record.owner);
    return record_hook ? record_hook(r, rng, steps) : __real_relation_solve(r, rng, steps);
}

enum solve_result record_solve(struct relation *r, struct rng *rng, size_t steps)
{
    return __real_relation_solve(r, rng, steps);
}
