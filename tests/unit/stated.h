/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small relations whose solutions can be counted: constraints as the tests understand solve.h,
 * drawn from a random stream or from the bytes of a fuzzer, and the solver's answer held against
 * every point of the box.
 */
#ifndef OPJURY_STATED_H
#define OPJURY_STATED_H

#include <string.h>

#include "solve/solve.h"

enum { STATED_VARS_MAX = 5, STATED_MAX = 4, STATED_ELEMENTS = 2 };

/* ---- numbers from a stream, or from bytes as long as there are any, then the least ---- */

struct source {
    struct rng *rng; /* NULL: bytes */
    const uint8_t *data;
    size_t size;
};

/* hi - lo < 256 */
static inline int64_t take(struct source *from, int64_t lo, int64_t hi)
{
    if (from->rng) {
        return rng_range(from->rng, lo, hi);
    }
    if (from->size == 0) {
        return lo;
    }
    from->size--;
    return lo + (int64_t)*from->data++ % (hi - lo + 1);
}

/* ---- constraints ---- */

struct stated {
    size_t n;
    int64_t num[4];
    int64_t rhs;
    int kind;
    var x[7];
};

enum { STATED_KINDS = 9 };

/* Far beyond every number here, and small enough to be multiplied once more. */
#define STATED_HUGE ((__int128)1 << 80)

/* Factors below `least` count as it. */
static inline __int128 stated_product(const struct stated *s, size_t n, int64_t least,
                                      const int64_t *v)
{
    __int128 product = 1;
    for (size_t i = 0; i < n; i++) {
        product *= v[s->x[i]] < least ? least : v[s->x[i]];
        product = product > STATED_HUGE ? STATED_HUGE : product;
        product = product < -STATED_HUGE ? -STATED_HUGE : product;
    }
    return product;
}

static inline __int128 stated_sum(const struct stated *s, const int64_t *v)
{
    __int128 sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum += (__int128)s->num[i] * v[s->x[i]];
    }
    return sum;
}

static inline bool stated_window_holds(const struct stated *s, const int64_t *v)
{
    int64_t in = v[s->x[0]], out = v[s->x[1]], kernel = v[s->x[2]], stride = v[s->x[3]];
    int64_t lo = v[s->x[4]], hi = v[s->x[5]], dilation = v[s->x[6]];
    __int128 numerator = (__int128)in + lo + hi - (__int128)dilation * (kernel - 1) - 1;
    return kernel >= 0 && stride >= 1 && dilation >= 1 && lo >= 0 && hi >= 0 && numerator >= 0 &&
           out == numerator / stride + 1;
}

static inline bool stated_holds(const struct stated *s, const int64_t *v)
{
    switch (s->kind) {
    case 0:
        return stated_sum(s, v) == s->rhs;
    case 1:
        return stated_sum(s, v) <= s->rhs;
    case 2:
        return v[s->x[0]] == v[s->x[1]];
    case 3:
        return stated_product(s, s->n - 1, INT64_MIN, v) == v[s->x[s->n - 1]];
    case 4:
        return stated_product(s, s->n, 1, v) <= s->rhs;
    case 5:
        return stated_window_holds(s, v);
    case 6: {
        int64_t a = v[s->x[0]], b = v[s->x[1]], out = v[s->x[2]];
        return (b == 1 && out == a) || (a == 1 && out == b) || (a == b && out == a);
    }
    case 7:
        for (size_t i = 0; i < s->n; i++) {
            if (s->num[i] == v[s->x[0]]) {
                return true;
            }
        }
        return false;
    default: {
        int64_t index = v[s->x[0]];
        return index >= 0 && index < STATED_ELEMENTS && v[s->x[2 + index]] == v[s->x[1]];
    }
    }
}

static inline void state_one(struct relation *r, const struct stated *s)
{
    switch (s->kind) {
    case 0:
        relate_linear_eq(r, s->n, s->num, s->x, s->rhs);
        break;
    case 1:
        relate_linear_le(r, s->n, s->num, s->x, s->rhs);
        break;
    case 2:
        relate_equal(r, s->x[0], s->x[1]);
        break;
    case 3:
        relate_product(r, s->n - 1, s->x, s->x[s->n - 1]);
        break;
    case 4:
        relate_product_le(r, s->n, s->x, s->rhs);
        break;
    case 5:
        relate_window(r, s->x[0], s->x[1], s->x[2], s->x[3], s->x[4], s->x[5], s->x[6]);
        break;
    case 6:
        relate_broadcast(r, s->x[0], s->x[1], s->x[2]);
        break;
    case 7:
        relate_choice(r, s->x[0], s->n, s->num);
        break;
    default:
        relate_element(r, s->x[0], STATED_ELEMENTS, s->x + 2, s->x[1]);
        break;
    }
}

/* ---- drawing ---- */

struct box {
    size_t n;
    int64_t lo[STATED_VARS_MAX], hi[STATED_VARS_MAX];
};

/* Mostly near 0; now and then where sums and products grow large. */
static inline struct box draw_box(struct source *from)
{
    const int64_t most = (int64_t)1 << 40;
    const int64_t far[] = {(int64_t)1 << 20, most / 2, most - 5, -most, -most / 1024};
    struct box box = {.n = 2 + (size_t)take(from, 0, STATED_VARS_MAX - 2)};
    for (size_t i = 0; i < box.n; i++) {
        int64_t place = take(from, 0, 31);
        int64_t base = place < (int64_t)ARRAY_SIZE(far) ? far[place] : take(from, -2, 3);
        box.lo[i] = base;
        box.hi[i] = base + take(from, 0, 5);
    }
    return box;
}

/* The right side that the constraint would have at a point of the box, or one near 0. */
static inline int64_t draw_rhs(struct source *from, const struct stated *s, const struct box *box)
{
    const __int128 most = ((int64_t)1 << 60) - 8;
    int64_t v[STATED_VARS_MAX];
    if (take(from, 0, 1) == 0) {
        return take(from, -6, 25);
    }
    for (size_t i = 0; i < box->n; i++) {
        v[i] = take(from, box->lo[i], box->hi[i]);
    }
    __int128 at = s->kind == 4 ? stated_product(s, s->n, 1, v) : stated_sum(s, v);
    at = at > most ? most : at < -most ? -most : at;
    return (int64_t)at + take(from, -1, 1);
}

static inline struct stated draw_stated(struct source *from, const struct box *box)
{
    struct stated s = {.kind = (int)take(from, 0, STATED_KINDS - 1)};
    s.n = (size_t)take(from, 1, 4);
    for (size_t i = 0; i < ARRAY_SIZE(s.x); i++) {
        s.x[i] = (var)take(from, 0, (int64_t)box->n - 1); /* the same twice happens */
    }
    for (size_t i = 0; i < ARRAY_SIZE(s.num); i++) {
        bool is_large = take(from, 0, 31) == 0;
        s.num[i] = take(from, -4, 6);
        if (is_large) {
            s.num[i] *= (int64_t)1 << take(from, 0, 57);
        }
    }
    s.rhs = draw_rhs(from, &s, box);
    return s;
}

/* A new relation over the box: 1 to STATED_MAX constraints and hints. Returns how many. */
static inline size_t pose_stated(struct source *from, struct relation *r, struct box *box,
                                 struct stated *stated)
{
    *box = draw_box(from);
    size_t n = (size_t)take(from, 1, STATED_MAX);
    relation_clear(r);
    for (size_t i = 0; i < box->n; i++) {
        var x = relation_var(r, box->lo[i], box->hi[i]);
        if (take(from, 0, 3) == 0) {
            relation_hint(r, x, box->lo[i] + take(from, -1, 3));
        }
        if (take(from, 0, 3) == 0) {
            relation_prefer_log(r, x);
        }
    }
    for (size_t i = 0; i < n; i++) {
        stated[i] = draw_stated(from, box);
        if (i > 0 && take(from, 0, 3) == 0) { /* over the variables of the one before */
            memcpy(stated[i].x, stated[i - 1].x, sizeof(stated[i].x));
        }
        state_one(r, &stated[i]);
    }
    return n;
}

/* ---- every point ---- */

static inline bool next_point(const struct box *box, int64_t *v)
{
    for (size_t i = 0; i < box->n; i++) {
        if (v[i] < box->hi[i]) {
            v[i]++;
            return true;
        }
        v[i] = box->lo[i];
    }
    return false;
}

static inline bool all_hold(const struct stated *s, size_t n, const int64_t *v)
{
    for (size_t i = 0; i < n; i++) {
        if (!stated_holds(&s[i], v)) {
            return false;
        }
    }
    return true;
}

/* Number of solutions by looking at every point; relation_holds must agree at each. */
static inline size_t count_solutions(const struct relation *r, const struct box *box,
                                     const struct stated *s, size_t n)
{
    int64_t v[STATED_VARS_MAX];
    memcpy(v, box->lo, sizeof(v));
    size_t count = 0;
    do {
        bool holds = all_hold(s, n, v);
        CHECK(relation_holds(r, v) == holds);
        count += holds;
    } while (next_point(box, v));
    return count;
}

/* Solve it and hold the answer against the points. Boxes are small enough to be searched in whole.
 */
static inline enum solve_result check_stated(struct relation *r, struct rng *rng,
                                             const struct box *box, const struct stated *s,
                                             size_t n)
{
    size_t solutions = count_solutions(r, box, s, n);
    enum solve_result result = relation_solve(r, rng, 1000000);
    CHECK(result == (solutions > 0 ? SOLVE_SAT : SOLVE_UNSAT));
    if (result == SOLVE_SAT) {
        int64_t v[STATED_VARS_MAX];
        for (size_t i = 0; i < box->n; i++) {
            v[i] = relation_value(r, (var)i);
        }
        CHECK(relation_holds(r, v) && all_hold(s, n, v));
    }
    return result;
}

#endif
