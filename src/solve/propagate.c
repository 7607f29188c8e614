/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds propagation: what each kind of constraint implies for the intervals of its variables.
 * Every rule is sound (it removes no value that belongs to a solution); with all variables fixed
 * each is exact, so that search over them is a proof.
 */
#include "solve/solve_internal.h"

static inline struct bounds dom(const struct relation *r, const struct constraint *c, uint32_t k)
{
    return r->domain[r->refs.at[c->ref + k]];
}

static inline bool cut(struct relation *r, const struct constraint *c, uint32_t k, int64_t lo,
                       int64_t hi)
{
    return narrow(r, r->refs.at[c->ref + k], lo, hi);
}

static inline int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct bounds interval_multiply(struct bounds a, struct bounds b)
{
    if (a.lo >= 0 && b.lo >= 0) {
        return (struct bounds){multiply(a.lo, b.lo), multiply(a.hi, b.hi)};
    }
    int64_t p[4] = {multiply(a.lo, b.lo), multiply(a.lo, b.hi), multiply(a.hi, b.lo),
                    multiply(a.hi, b.hi)};
    return (struct bounds){min64(min64(p[0], p[1]), min64(p[2], p[3])),
                           max64(max64(p[0], p[1]), max64(p[2], p[3]))};
}

static struct bounds interval_meet(struct bounds a, struct bounds b)
{
    return (struct bounds){max64(a.lo, b.lo), min64(a.hi, b.hi)};
}

static void interval_join(struct bounds *a, struct bounds b)
{
    a->lo = min64(a->lo, b.lo);
    a->hi = max64(a->hi, b.hi);
}

static inline bool is_empty(struct bounds b)
{
    return b.lo > b.hi;
}

#define EMPTY_BOUNDS ((struct bounds){INT64_MAX, INT64_MIN})

/* ---- linear ---- */

/* Sums are made in 128 bits: coefficients reach SATURATED, bounds 2^40. */
static __int128 term_lo(int64_t coef, struct bounds b)
{
    return (__int128)coef * (coef >= 0 ? b.lo : b.hi);
}

static __int128 term_hi(int64_t coef, struct bounds b)
{
    return (__int128)coef * (coef >= 0 ? b.hi : b.lo);
}

static int64_t clamp128(__int128 x)
{
    return x > SATURATED ? SATURATED : x < -SATURATED ? -SATURATED : (int64_t)x;
}

/* coef * x <= room */
static bool cut_above(struct relation *r, var x, int64_t coef, __int128 room)
{
    if (room > ((__int128)1 << 62) || room < -((__int128)1 << 62)) {
        /* 128-bit division is slow and such numbers are rare: be exact only here. */
        if (coef > 0) {
            __int128 q = room / coef - (room % coef < 0);
            return narrow(r, x, -BOUND_MAX, clamp128(q));
        }
        __int128 q = room / coef + (room % coef < 0);
        return narrow(r, x, clamp128(q), BOUND_MAX);
    }
    int64_t room64 = (int64_t)room;
    if (coef > 0) {
        return narrow(r, x, -BOUND_MAX, floor_div(room64, coef));
    }
    return narrow(r, x, ceil_div(-room64, -coef), BOUND_MAX);
}

/* Does what the fixed variables leave of the sum divide by all coefficients of the free ones? */
static bool may_divide(const struct relation *r, const struct constraint *c)
{
    __int128 left = c->rhs;
    int64_t divisor = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        int64_t coef = r->nums.at[c->num + i];
        struct bounds b = dom(r, c, i);
        if (b.lo == b.hi) {
            left -= (__int128)coef * b.lo;
        } else {
            divisor = common_divisor(coef < 0 ? -coef : coef, divisor);
        }
    }
    return divisor <= 1 || left % divisor == 0;
}

/* Coefficients 1, 0 and -1, as most are: sums of bounds fit int64, and nothing is divided. */
static bool propagate_sum(struct relation *r, const struct constraint *c)
{
    const int64_t *coef = r->nums.at + c->num;
    const var *x = r->refs.at + c->ref;
    int64_t lo = 0, hi = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const struct bounds *b = &r->domain[x[i]];
        lo += coef[i] * (coef[i] >= 0 ? b->lo : b->hi);
        hi += coef[i] * (coef[i] >= 0 ? b->hi : b->lo);
    }
    bool eq = c->kind == LINEAR_EQ;
    if (lo > c->rhs || (eq && hi < c->rhs)) {
        return false;
    }
    if (hi <= c->rhs && (!eq || lo == hi)) {
        return true; /* holds whatever happens */
    }
    int64_t above = c->rhs - lo, below = eq ? hi - c->rhs : 2 * SATURATED; /* room of each term */
    for (uint32_t i = 0; i < c->n; i++) {
        struct bounds b = r->domain[x[i]];
        if (coef[i] == 0 || b.lo == b.hi) {
            continue;
        }
        bool fits = coef[i] > 0 ? narrow(r, x[i], b.hi - below, b.lo + above)
                                : narrow(r, x[i], b.hi - above, b.lo + below);
        if (!fits) {
            return false;
        }
    }
    return true;
}

static bool propagate_linear(struct relation *r, const struct constraint *c)
{
    if (!c->has_steps) {
        return propagate_sum(r, c);
    }
    const int64_t *coef = r->nums.at + c->num;
    __int128 lo = 0;
    __int128 hi = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        lo += term_lo(coef[i], dom(r, c, i));
        hi += term_hi(coef[i], dom(r, c, i));
    }
    bool eq = c->kind == LINEAR_EQ;
    if (lo > c->rhs || (eq && hi < c->rhs)) {
        return false;
    }
    if (hi <= c->rhs && (!eq || lo == hi)) {
        return true; /* holds whatever happens */
    }
    if (eq && c->has_steps && !may_divide(r, c)) {
        return false;
    }
    for (uint32_t i = 0; i < c->n; i++) {
        struct bounds b = dom(r, c, i);
        if (coef[i] == 0 || b.lo == b.hi) {
            continue;
        }
        var x = r->refs.at[c->ref + i];
        __int128 others_lo = lo - term_lo(coef[i], b);
        if (!cut_above(r, x, coef[i], c->rhs - others_lo)) {
            return false;
        }
        if (eq) {
            __int128 others_hi = hi - term_hi(coef[i], b);
            if (!cut_above(r, x, -coef[i], others_hi - c->rhs)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- products ---- */

int64_t product_rest(const struct relation *r, const struct constraint *c, uint32_t place)
{
    struct bounds product = dom(r, c, c->n - 1);
    if (c->kind != PRODUCT || product.lo != product.hi || product.lo <= 0) {
        return 0;
    }
    int64_t rest = product.lo;
    for (uint32_t i = 0; i + 1 < c->n; i++) {
        struct bounds b = dom(r, c, i);
        if (i == place || b.lo != b.hi) {
            continue;
        }
        if (b.lo == 0 || rest % b.lo != 0) {
            return 0;
        }
        rest /= b.lo;
    }
    return rest > 0 ? rest : 0;
}

/* Both ends of a factor move to divisors of what is left of a fixed product. The search for the
 * next divisor is cut after DIVISOR_STEPS: sound, only weaker. */
static bool cut_to_divisors(struct relation *r, const struct constraint *c, uint32_t place)
{
    enum { DIVISOR_STEPS = 64 };
    struct bounds b = dom(r, c, place);
    int64_t rest = product_rest(r, c, place);
    if (rest == 0 || b.lo < 1) {
        return true;
    }
    int64_t lo = b.lo;
    for (int k = 0; k < DIVISOR_STEPS && lo <= b.hi && rest % lo != 0; k++) {
        lo++;
    }
    int64_t hi = min64(b.hi, rest);
    for (int k = 0; k < DIVISOR_STEPS && hi >= lo && rest % hi != 0; k++) {
        hi--;
    }
    return cut(r, c, place, lo, hi);
}

/* Of the first n variables, the least of whose values is *least. */
static struct bounds product_bounds(const struct relation *r, const struct constraint *c,
                                    uint32_t n, int64_t *least)
{
    int64_t lo = 1, hi = 1;
    *least = BOUND_MAX;
    for (uint32_t k = 0; k < n; k++) {
        const struct bounds *b = &r->domain[r->refs.at[c->ref + k]];
        *least = min64(*least, b->lo);
        lo = multiply(lo, b->lo);
        hi = multiply(hi, b->hi);
    }
    struct bounds product = {lo, hi};
    if (*least < 0) {
        product = (struct bounds){1, 1};
        for (uint32_t k = 0; k < n; k++) {
            product = interval_multiply(product, dom(r, c, k));
        }
    }
    return product;
}

/* Narrow factors so that their product lies in `product`; all of them are >= 0. */
static bool cut_factors(struct relation *r, const struct constraint *c, uint32_t n,
                        struct bounds product)
{
    struct bounds after[FACTORS_MAX + 1]; /* product of factors k.. */
    after[n] = (struct bounds){1, 1};
    for (uint32_t k = n; k-- > 0;) {
        const struct bounds *b = &r->domain[r->refs.at[c->ref + k]];
        after[k].lo = multiply(after[k + 1].lo, b->lo);
        after[k].hi = multiply(after[k + 1].hi, b->hi);
    }
    int64_t before_lo = 1, before_hi = 1;
    for (uint32_t k = 0; k < n; k++) {
        struct bounds b = dom(r, c, k);
        int64_t others_lo = multiply(before_lo, after[k + 1].lo);
        int64_t others_hi = multiply(before_hi, after[k + 1].hi);
        before_lo = multiply(before_lo, b.lo);
        before_hi = multiply(before_hi, b.hi);
        if (b.lo == b.hi) {
            continue;
        }
        int64_t hi = others_lo > 0 ? floor_div(product.hi, others_lo) : b.hi;
        int64_t lo = b.lo;
        if (product.lo > 0) {
            if (others_hi == 0) {
                return false;
            }
            lo = max64(lo, ceil_div(product.lo, others_hi));
        }
        if (!cut(r, c, k, lo, hi)) {
            return false;
        }
    }
    return true;
}

static bool propagate_product(struct relation *r, const struct constraint *c)
{
    uint32_t n = c->n - 1;
    int64_t least;
    struct bounds total = product_bounds(r, c, n, &least);
    if (!cut(r, c, n, total.lo, total.hi)) {
        return false;
    }
    if (least < 0 || total.lo == total.hi) {
        return true;
    }
    struct bounds product = dom(r, c, n);
    if (!cut_factors(r, c, n, product)) {
        return false;
    }
    if (product.lo != product.hi) {
        return true;
    }
    for (uint32_t k = 0; k < n; k++) {
        struct bounds b = dom(r, c, k);
        if (b.lo != b.hi && !cut_to_divisors(r, c, k)) {
            return false;
        }
    }
    return true;
}

/* The other factors are at least the product of lower bounds over one's own. */
static bool propagate_product_le(struct relation *r, const struct constraint *c)
{
    int64_t lo = 1, hi = 1;
    for (uint32_t k = 0; k < c->n; k++) {
        const struct bounds *b = &r->domain[r->refs.at[c->ref + k]];
        lo = multiply(lo, max64(b->lo, 1));
        hi = multiply(hi, max64(b->hi, 1));
    }
    if (lo > c->rhs || hi <= c->rhs) {
        return lo <= c->rhs;
    }
    int64_t most_beside_one = c->rhs / lo; /* divisions are what costs here */
    for (uint32_t k = 0; k < c->n; k++) {
        struct bounds b = dom(r, c, k);
        int64_t most = b.lo <= 1 ? most_beside_one : c->rhs / (lo / b.lo);
        if (b.hi > most && !cut(r, c, k, b.lo, most)) {
            return false;
        }
    }
    return true;
}

/* ---- windows ---- */

enum { W_IN, W_OUT, W_KERNEL, W_STRIDE, W_PAD_LO, W_PAD_HI, W_DILATION };

/*
 * With e = dilation * (kernel - 1) + 1 and m = in + pads - e (the numerator, >= 0):
 * stride * (out - 1) <= m < stride * out.
 */
static bool window_holds(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pads,
                         int64_t dilation)
{
    int64_t m = in + pads - multiply(dilation, kernel - 1) - 1;
    return m >= 0 && out == m / stride + 1;
}

static bool is_fixed(struct bounds b)
{
    return b.lo == b.hi;
}

static bool propagate_window(struct relation *r, const struct constraint *c)
{
    struct bounds in = dom(r, c, W_IN), out = dom(r, c, W_OUT), kernel = dom(r, c, W_KERNEL);
    struct bounds stride = dom(r, c, W_STRIDE), dilation = dom(r, c, W_DILATION);
    struct bounds pad_lo = dom(r, c, W_PAD_LO), pad_hi = dom(r, c, W_PAD_HI);
    if (is_fixed(in) && is_fixed(out) && is_fixed(kernel) && is_fixed(stride) &&
        is_fixed(dilation) && is_fixed(pad_lo) && is_fixed(pad_hi)) {
        return window_holds(in.lo, out.lo, kernel.lo, stride.lo, pad_lo.lo + pad_hi.lo,
                            dilation.lo);
    }
    struct bounds e = interval_multiply(dilation, (struct bounds){kernel.lo - 1, kernel.hi - 1});
    e.lo++;
    e.hi++;
    struct bounds padded = {in.lo + pad_lo.lo + pad_hi.lo, in.hi + pad_lo.hi + pad_hi.hi};
    struct bounds m = {max64(0, padded.lo - e.hi), padded.hi - e.lo};
    out.lo = max64(out.lo, 1);
    m = interval_meet(
        m, (struct bounds){multiply(stride.lo, out.lo - 1), multiply(stride.hi, out.hi) - 1});
    /* Divisions are what costs here, and what is fixed is held by m and span. */
    if (is_empty(m) || (!is_fixed(out) && !cut(r, c, W_OUT, floor_div(m.lo, stride.hi) + 1,
                                               floor_div(m.hi, stride.lo) + 1))) {
        return false;
    }
    out = dom(r, c, W_OUT);
    if (!is_fixed(stride) && !cut(r, c, W_STRIDE, floor_div(m.lo, out.hi) + 1,
                                  out.lo >= 2 ? floor_div(m.hi, out.lo - 1) : stride.hi)) {
        return false;
    }
    /* in = m + e - pad_lo - pad_hi, and the same for each pad */
    if (!cut(r, c, W_IN, m.lo + e.lo - pad_lo.hi - pad_hi.hi,
             m.hi + e.hi - pad_lo.lo - pad_hi.lo) ||
        !cut(r, c, W_PAD_LO, m.lo + e.lo - in.hi - pad_hi.hi, m.hi + e.hi - in.lo - pad_hi.lo) ||
        !cut(r, c, W_PAD_HI, m.lo + e.lo - in.hi - pad_lo.hi, m.hi + e.hi - in.lo - pad_lo.lo)) {
        return false;
    }
    /* dilation * (kernel - 1) = padded - m - 1 */
    struct bounds span = interval_meet((struct bounds){padded.lo - m.hi - 1, padded.hi - m.lo - 1},
                                       (struct bounds){e.lo - 1, e.hi - 1});
    if (is_empty(span)) {
        return false;
    }
    if (kernel.lo < 1) { /* 0 (an empty weight) is left to the check of fixed values */
        return true;
    }
    if (!is_fixed(kernel) && !cut(r, c, W_KERNEL, ceil_div(max64(span.lo, 0), dilation.hi) + 1,
                                  floor_div(max64(span.hi, 0), dilation.lo) + 1)) {
        return false;
    }
    if (is_fixed(dilation)) {
        return true;
    }
    kernel = dom(r, c, W_KERNEL);
    int64_t least = kernel.hi >= 2 ? ceil_div(max64(span.lo, 0), kernel.hi - 1) : dilation.lo;
    int64_t most = kernel.lo >= 2 ? floor_div(span.hi, kernel.lo - 1) : dilation.hi;
    return cut(r, c, W_DILATION, least, most);
}

/* ---- broadcast, choice, element ---- */

static bool propagate_broadcast(struct relation *r, const struct constraint *c)
{
    struct bounds a = dom(r, c, 0), b = dom(r, c, 1), out = dom(r, c, 2);
    if (is_fixed(a) && is_fixed(b) && is_fixed(out)) {
        return out.lo == (a.lo == 1 ? b.lo : a.lo) && (a.lo == b.lo || a.lo == 1 || b.lo == 1);
    }
    struct bounds one = {1, 1};
    struct bounds new_a = EMPTY_BOUNDS, new_b = EMPTY_BOUNDS, new_out = EMPTY_BOUNDS;
    struct bounds meet = interval_meet(b, out);
    if (has(a, 1) && !is_empty(meet)) {
        interval_join(&new_a, one);
        interval_join(&new_b, meet);
        interval_join(&new_out, meet);
    }
    meet = interval_meet(a, out);
    if (has(b, 1) && !is_empty(meet)) {
        interval_join(&new_b, one);
        interval_join(&new_a, meet);
        interval_join(&new_out, meet);
    }
    meet = interval_meet(meet, b);
    if (!is_empty(meet)) {
        interval_join(&new_a, meet);
        interval_join(&new_b, meet);
        interval_join(&new_out, meet);
    }
    return !is_empty(new_out) && cut(r, c, 0, new_a.lo, new_a.hi) &&
           cut(r, c, 1, new_b.lo, new_b.hi) && cut(r, c, 2, new_out.lo, new_out.hi);
}

static bool propagate_choice(struct relation *r, const struct constraint *c)
{
    struct bounds b = dom(r, c, 0);
    const int64_t *values = r->nums.at + c->num;
    int64_t lo = INT64_MAX;
    int64_t hi = INT64_MIN;
    for (int64_t i = 0; i < c->rhs; i++) {
        if (has(b, values[i])) {
            lo = min64(lo, values[i]);
            hi = max64(hi, values[i]);
        }
    }
    return lo <= hi && cut(r, c, 0, lo, hi);
}

static bool propagate_element(struct relation *r, const struct constraint *c)
{
    struct bounds index = interval_meet(dom(r, c, 0), (struct bounds){0, (int64_t)c->n - 3});
    struct bounds y = dom(r, c, 1);
    struct bounds new_index = EMPTY_BOUNDS, new_y = EMPTY_BOUNDS;
    for (int64_t i = index.lo; i <= index.hi; i++) {
        struct bounds meet = interval_meet(dom(r, c, (uint32_t)i + 2), y);
        if (!is_empty(meet)) {
            interval_join(&new_index, (struct bounds){i, i});
            interval_join(&new_y, meet);
        }
    }
    if (is_empty(new_index) || !cut(r, c, 0, new_index.lo, new_index.hi) ||
        !cut(r, c, 1, new_y.lo, new_y.hi)) {
        return false;
    }
    return new_index.lo != new_index.hi ||
           cut(r, c, (uint32_t)new_index.lo + 2, new_y.lo, new_y.hi);
}

static bool propagate_one(struct relation *r, const struct constraint *c)
{
    switch (c->kind) {
    case LINEAR_EQ:
    case LINEAR_LE:
        return propagate_linear(r, c);
    case PRODUCT:
        return propagate_product(r, c);
    case PRODUCT_LE:
        return propagate_product_le(r, c);
    case WINDOW:
        return propagate_window(r, c);
    case BROADCAST:
        return propagate_broadcast(r, c);
    case CHOICE:
        return propagate_choice(r, c);
    case ELEMENT:
        return propagate_element(r, c);
    }
    BUG("constraint of kind %d", (int)c->kind);
}

static void queue_constraint(struct relation *r, uint32_t k)
{
    if (!r->constraints.at[k].queued) {
        r->constraints.at[k].queued = true;
        r->queue[(r->queue_head + r->queue_n++) & (r->queue_capacity - 1)] = k;
    }
}

bool narrow_domain(struct relation *r, var x, int64_t lo, int64_t hi)
{
    struct bounds *b = &r->domain[x];
    unsigned changes = (lo > b->lo ? LO_RISES : 0) | (hi < b->hi ? HI_FALLS : 0);
    if (max64(lo, b->lo) > min64(hi, b->hi)) {
        return false;
    }
    POOL_RESERVE(r, r->trail, 1);
    struct change *change = &r->trail.at[r->trail.n++];
    change->x = x;
    change->old.lo = b->lo;
    change->old.hi = b->hi;
    b->lo = max64(lo, b->lo);
    b->hi = min64(hi, b->hi);
    const uint32_t end = r->watch_start[x + 1];
    for (uint32_t w = r->watch_start[x]; w < end; w++) {
        if (r->watch.at[w].wakes_on & changes) {
            queue_constraint(r, r->watch.at[w].constraint);
        }
    }
    return true;
}

/* Upper limits are cut where the least that the others give rises; what is cut is the other end. */
unsigned constraint_wakes_on(const struct relation *r, const struct constraint *c, uint32_t place)
{
    if (c->kind == LINEAR_LE) {
        int64_t coef = r->nums.at[c->num + place];
        return coef > 0 ? LO_RISES : coef < 0 ? HI_FALLS : 0;
    }
    return c->kind == PRODUCT_LE ? LO_RISES : LO_RISES | HI_FALLS;
}

/*
 * Sums whose coefficients are 1 and -1: the new end of a variable is reached with the others at
 * ends that no cut of the same sum moves. Broadcasting: what is cut are ends of its solutions. Not
 * where one variable stands twice. Windows: nearly so, and a second look costs more than the little
 * that it may cut.
 */
bool constraint_settles_alone(const struct relation *r, const struct constraint *c)
{
    if (c->kind == WINDOW) {
        return true;
    }
    if (c->kind != BROADCAST && (c->kind != LINEAR_EQ || c->has_steps)) {
        return false;
    }
    const var *x = r->refs.at + c->ref;
    for (uint32_t i = 1; i < c->n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (x[i] == x[k]) {
                return false;
            }
        }
    }
    return true;
}

static void blame(struct relation *r, const struct constraint *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        r->facts[r->refs.at[c->ref + i]].failures++;
    }
}

bool propagate(struct relation *r)
{
    /* Intervals that creep (x < y < x over wide domains) end here: what is not cut is searched. */
    uint32_t budget = 1000 + 50 * r->constraints.n;
    bool holds = true;
    while (r->queue_n > 0) {
        struct constraint *c = &r->constraints.at[r->queue[r->queue_head]];
        r->queue_head = (r->queue_head + 1) & (r->queue_capacity - 1);
        r->queue_n--;
        c->queued = c->settles_alone; /* else it may queue itself again */
        if (holds && budget > 0) {
            holds = propagate_one(r, c);
            budget--;
            if (!holds) {
                blame(r, c);
            }
        }
        if (c->settles_alone) {
            c->queued = false;
        }
    }
    return holds;
}

/* ---- exact checks ---- */

static bool linear_holds(const struct relation *r, const struct constraint *c,
                         const int64_t *values)
{
    __int128 sum = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        sum += (__int128)r->nums.at[c->num + i] * values[r->refs.at[c->ref + i]];
    }
    return c->kind == LINEAR_EQ ? sum == c->rhs : sum <= c->rhs;
}

/* Factors below `least` count as it. */
static int64_t product_of(const struct relation *r, const struct constraint *c, uint32_t n,
                          int64_t least, const int64_t *values)
{
    int64_t product = 1;
    for (uint32_t i = 0; i < n; i++) {
        product = multiply(product, max64(values[r->refs.at[c->ref + i]], least));
    }
    return product;
}

bool constraint_holds(const struct relation *r, const struct constraint *c, const int64_t *values)
{
    CHECK(r->refs.at);
    const var *x = r->refs.at + c->ref;
    switch (c->kind) {
    case LINEAR_EQ:
    case LINEAR_LE:
        return linear_holds(r, c, values);
    case PRODUCT:
        return product_of(r, c, c->n - 1, INT64_MIN, values) == values[x[c->n - 1]];
    case PRODUCT_LE:
        return product_of(r, c, c->n, 1, values) <= c->rhs;
    case WINDOW:
        return window_holds(values[x[W_IN]], values[x[W_OUT]], values[x[W_KERNEL]],
                            values[x[W_STRIDE]], values[x[W_PAD_LO]] + values[x[W_PAD_HI]],
                            values[x[W_DILATION]]);
    case BROADCAST: {
        int64_t a = values[x[0]], b = values[x[1]], out = values[x[2]];
        return a == 1 ? out == b : b == 1 ? out == a : a == b && out == a;
    }
    case CHOICE:
        for (int64_t i = 0; i < c->rhs; i++) {
            if (r->nums.at[c->num + (uint32_t)i] == values[x[0]]) {
                return true;
            }
        }
        return false;
    case ELEMENT: {
        int64_t index = values[x[0]];
        return index >= 0 && index < (int64_t)c->n - 2 && values[x[index + 2]] == values[x[1]];
    }
    }
    BUG("constraint of kind %d", (int)c->kind);
}
