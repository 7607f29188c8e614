/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the solver share: solve.c holds the model and the search, propagate.c
 * knows what each kind of constraint implies. A domain is an interval; holes (a choice, divisors)
 * are seen at its ends and when a value is drawn.
 */
#ifndef OPJURY_SOLVE_INTERNAL_H
#define OPJURY_SOLVE_INTERNAL_H

#include "solve/solve.h"

/* Largest magnitude of a domain's bound: two of them multiply within int64 after saturation. */
#define BOUND_MAX ((int64_t)1 << 40)
/* Where products saturate: beyond every domain, and far from INT64_MAX so that sums of a few fit.
 */
#define SATURATED ((int64_t)1 << 60)

enum { FACTORS_MAX = 16 };

struct bounds {
    int64_t lo, hi;
};

static inline bool has(struct bounds b, int64_t value)
{
    return b.lo <= value && value <= b.hi;
}

enum constraint_kind {
    LINEAR_EQ,  /* sum num[i] * ref[i] == rhs */
    LINEAR_LE,  /* sum num[i] * ref[i] <= rhs */
    PRODUCT,    /* ref[0] * ... * ref[n-2] == ref[n-1] */
    PRODUCT_LE, /* max(ref[0], 1) * ... * max(ref[n-1], 1) <= rhs */
    WINDOW,     /* ref: in, out, kernel, stride, pad_lo, pad_hi, dilation */
    BROADCAST,  /* ref: a, b, out */
    CHOICE,     /* ref[0] is one of num[0] < num[1] < ... (rhs of them) */
    ELEMENT,    /* ref: index, y, values... */
};

struct constraint {
    enum constraint_kind kind;
    bool queued;
    bool has_steps;     /* a coefficient other than 1, 0 and -1 */
    bool settles_alone; /* what it has just cut gives it nothing more to cut; known while solving */
    uint32_t n;         /* variables */
    uint32_t ref;       /* their place in relation.refs */
    uint32_t num;       /* place of the numbers in relation.nums */
    int64_t rhs;
};

/* A constraint over a variable, and the changes of its domain that may let it cut more. */
enum { LO_RISES = 1, HI_FALLS = 2 };
struct watch {
    uint32_t constraint;
    unsigned wakes_on;
};

struct change {
    var x;
    struct bounds old;
};

/* A decision: x == value first, then what lies beside it, in either order. */
struct decision {
    var x;
    int64_t value;
    uint32_t trail;    /* length before it */
    uint32_t position; /* in the labelling order */
    uint8_t stage;     /* 0: == value; 1, 2: the sides */
    bool below_first;
};

/* Of a class of equal variables; only its root's count. */
struct var_facts {
    int64_t hint;
    var parent;        /* towards the root, which is its own */
    uint32_t failures; /* of constraints over it, in this solve */
    bool prefer_log;
    bool hinted;
    bool has_holes; /* factor of a product, or a choice; known while solving */
};

#define POOL(type)                                                                                 \
    struct {                                                                                       \
        type *at;                                                                                  \
        uint32_t n, capacity;                                                                      \
    }

struct relation {
    struct arena *arena;
    uint32_t n_vars, vars_capacity;
    struct bounds *domain;
    struct var_facts *facts;
    int64_t *solution;
    uint32_t *order;
    uint32_t *open, n_open; /* roots whose values are not given; made anew by each solve */
    POOL(struct constraint) constraints;
    POOL(var) refs;
    POOL(int64_t) nums;
    POOL(struct change) trail;
    POOL(struct decision) decisions;
    /* Constraints over a free x: watch[watch_start[x]] up to, not with, watch[watch_start[x + 1]].
     * Made anew by each solve. */
    uint32_t *watch_start;
    POOL(struct watch) watch;
    /* Constraints to look at again: a ring of queue_capacity, a power of two. */
    uint32_t *queue;
    uint32_t queue_head, queue_n, queue_capacity;
    bool solved, use_hints;
};

/* The variable that stands for all that are equal to x. Halves the path to it. */
static inline var root_of(const struct relation *r, var x)
{
    struct var_facts *facts = r->facts;
    while (facts[x].parent != x) {
        facts[x].parent = facts[facts[x].parent].parent;
        x = facts[x].parent;
    }
    return x;
}

static inline bool is_free(const struct relation *r, var x)
{
    return r->domain[x].lo < r->domain[x].hi;
}

static inline int64_t saturate(int64_t x)
{
    return x > SATURATED ? SATURATED : x < -SATURATED ? -SATURATED : x;
}

static inline int64_t multiply(int64_t a, int64_t b)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return (a < 0) == (b < 0) ? SATURATED : -SATURATED;
    }
    return saturate(product);
}

/* b > 0 */
static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static inline int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b > 0);
}

/* Room for n more in a pool. */
void *pool_grow(struct arena *arena, void *at, uint32_t n, uint32_t more, uint32_t *capacity,
                size_t size);
#define POOL_RESERVE(r, pool, more)                                                                \
    do {                                                                                           \
        if ((pool).n + (more) > (pool).capacity) {                                                 \
            (pool).at = pool_grow((r)->arena, (pool).at, (pool).n, (more), &(pool).capacity,       \
                                  sizeof(*(pool).at));                                             \
        }                                                                                          \
    } while (0)

/* Intersect the domain, remember the old one, queue the constraints that the change wakes; false:
 * it is empty. */
bool narrow_domain(struct relation *r, var x, int64_t lo, int64_t hi);
static inline bool narrow(struct relation *r, var x, int64_t lo, int64_t hi)
{
    const struct bounds *b = &r->domain[x]; /* mostly nothing changes */
    return (lo <= b->lo && hi >= b->hi) || narrow_domain(r, x, lo, hi);
}
/* The changes of variable `place` that may let the constraint cut more. */
unsigned constraint_wakes_on(const struct relation *r, const struct constraint *c, uint32_t place);
/* Is one look at it as good as several, while nothing else changes? */
bool constraint_settles_alone(const struct relation *r, const struct constraint *c);
/* Empty the queue; false: a constraint cannot hold. */
bool propagate(struct relation *r);
/* Do fixed values satisfy it? */
bool constraint_holds(const struct relation *r, const struct constraint *c, const int64_t *values);
/* What is left of a fixed product for its factor `place`: the product over the fixed others, when
 * all is known and positive; else 0. */
int64_t product_rest(const struct relation *r, const struct constraint *c, uint32_t place);

#endif
