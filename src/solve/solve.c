/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of a relation and the search for its solutions: depth first with a trail, a variable
 * and a value by chance at each step (x == v, then what lies below and above v), propagation after
 * each. A search that ends without a solution is a proof; one that takes too long starts again with
 * another order, which failures decide, and twice the steps, until the budget is spent.
 */
#include <string.h>

#include "solve/solve_internal.h"

void *pool_grow(struct arena *arena, void *at, uint32_t n, uint32_t more, uint32_t *capacity,
                size_t size)
{
    uint32_t wanted = *capacity == 0 ? 64 : *capacity;
    while (wanted < n + more) {
        wanted *= 2;
    }
    void *grown = arena_alloc(arena, wanted * size);
    if (n > 0) {
        memcpy(grown, at, n * size);
    }
    *capacity = wanted;
    return grown;
}

static void grow_vars(struct relation *r)
{
    uint32_t capacity = r->vars_capacity;
    uint32_t n = r->n_vars;
    r->domain = pool_grow(r->arena, r->domain, n, 1, &capacity, sizeof(*r->domain));
    capacity = r->vars_capacity;
    r->facts = pool_grow(r->arena, r->facts, n, 1, &capacity, sizeof(*r->facts));
    r->solution = ARENA_ARRAY(r->arena, int64_t, capacity);
    r->order = ARENA_ARRAY(r->arena, uint32_t, capacity);
    r->open = ARENA_ARRAY(r->arena, uint32_t, capacity);
    r->watch_start = ARENA_ARRAY(r->arena, uint32_t, capacity + 1);
    r->vars_capacity = capacity;
}

/* Arrays are there from the start: nobody asks whether one is. */
struct relation *relation_new(struct arena *arena)
{
    struct relation *r = ARENA_ZARRAY(arena, struct relation, 1);
    r->arena = arena;
    grow_vars(r);
    POOL_RESERVE(r, r->refs, 1);
    POOL_RESERVE(r, r->nums, 1);
    return r;
}

void relation_clear(struct relation *r)
{
    r->n_vars = 0;
    r->constraints.n = 0;
    r->refs.n = 0;
    r->nums.n = 0;
    r->trail.n = 0;
    r->decisions.n = 0;
    r->queue_n = 0;
    r->solved = false;
}

/* ---- variables ---- */

static var checked_root(const struct relation *r, var x)
{
    CHECK(x >= 0 && (uint32_t)x < r->n_vars);
    return root_of(r, x);
}

var relation_var(struct relation *r, int64_t lo, int64_t hi)
{
    CHECK(lo >= -BOUND_MAX && lo <= BOUND_MAX && hi >= -BOUND_MAX && hi <= BOUND_MAX);
    if (r->n_vars == r->vars_capacity) {
        grow_vars(r);
    }
    r->solved = false;
    r->domain[r->n_vars] = (struct bounds){lo, hi};
    r->facts[r->n_vars] = (struct var_facts){.parent = (var)r->n_vars};
    return (var)r->n_vars++;
}

var relation_fixed(struct relation *r, int64_t value)
{
    return relation_var(r, value, value);
}

void relation_prefer_log(struct relation *r, var x)
{
    r->facts[checked_root(r, x)].prefer_log = true;
}

void relation_hint(struct relation *r, var x, int64_t value)
{
    struct var_facts *facts = &r->facts[checked_root(r, x)];
    facts->hinted = true;
    facts->hint = value;
}

void relation_narrow(struct relation *r, var x, int64_t lo, int64_t hi)
{
    struct bounds *b = &r->domain[checked_root(r, x)];
    b->lo = lo > b->lo ? lo : b->lo;
    b->hi = hi < b->hi ? hi : b->hi;
}

size_t relation_n_vars(const struct relation *r)
{
    return r->n_vars;
}

/* ---- constraints ---- */

/* A constraint over n variables and n_nums numbers, to be filled by the caller. */
static struct constraint *add_constraint(struct relation *r, enum constraint_kind kind, size_t n,
                                         size_t n_nums)
{
    CHECK(n < UINT32_MAX / 2 && n_nums < UINT32_MAX / 2);
    POOL_RESERVE(r, r->constraints, 1);
    POOL_RESERVE(r, r->refs, (uint32_t)n);
    POOL_RESERVE(r, r->nums, (uint32_t)n_nums);
    struct constraint *c = &r->constraints.at[r->constraints.n++];
    *c = (struct constraint){.kind = kind, .n = (uint32_t)n, .ref = r->refs.n, .num = r->nums.n};
    r->refs.n += (uint32_t)n;
    r->nums.n += (uint32_t)n_nums;
    return c;
}

static void set_ref(struct relation *r, const struct constraint *c, size_t k, var x)
{
    CHECK(x >= 0 && (uint32_t)x < r->n_vars);
    r->refs.at[c->ref + k] = x;
}

static void set_coef(struct relation *r, const struct constraint *c, size_t k, int64_t coef)
{
    CHECK(coef >= -SATURATED && coef <= SATURATED);
    r->nums.at[c->num + k] = coef;
}

static void add_linear(struct relation *r, enum constraint_kind kind, size_t n, const int64_t *coef,
                       const var *x, int64_t rhs)
{
    struct constraint *c = add_constraint(r, kind, n, n);
    c->rhs = rhs;
    c->has_steps = rhs > SATURATED || rhs < -SATURATED;
    for (size_t i = 0; i < n; i++) {
        set_ref(r, c, i, x[i]);
        set_coef(r, c, i, coef[i]);
        c->has_steps |= coef[i] > 1 || coef[i] < -1;
    }
}

void relate_linear_eq(struct relation *r, size_t n, const int64_t *coef, const var *x, int64_t rhs)
{
    add_linear(r, LINEAR_EQ, n, coef, x, rhs);
}

void relate_linear_le(struct relation *r, size_t n, const int64_t *coef, const var *x, int64_t rhs)
{
    add_linear(r, LINEAR_LE, n, coef, x, rhs);
}

/* Equal variables become one: no propagation, and what is known of one (hints, holes) is of all. Of
 * two hints the older variable's stays if it can still hold. */
void relate_equal(struct relation *r, var a, var b)
{
    a = checked_root(r, a);
    b = checked_root(r, b);
    if (a == b) {
        return;
    }
    var root = a < b ? a : b, other = a < b ? b : a;
    struct var_facts *kept = &r->facts[root], *merged = &r->facts[other];
    relation_narrow(r, root, r->domain[other].lo, r->domain[other].hi);
    if (merged->hinted && !(kept->hinted && has(r->domain[root], kept->hint))) {
        kept->hinted = true;
        kept->hint = merged->hint;
    }
    kept->prefer_log |= merged->prefer_log;
    merged->parent = root;
}

void relate_sum(struct relation *r, size_t n, const var *parts, var total)
{
    if (n == 1) {
        relate_equal(r, parts[0], total);
        return;
    }
    struct constraint *c = add_constraint(r, LINEAR_EQ, n + 1, n + 1);
    for (size_t i = 0; i <= n; i++) {
        set_ref(r, c, i, i < n ? parts[i] : total);
        set_coef(r, c, i, i < n ? 1 : -1);
    }
}

void relate_product(struct relation *r, size_t n, const var *factors, var product)
{
    CHECK(n <= FACTORS_MAX);
    if (n == 0) {
        relation_narrow(r, product, 1, 1);
        return;
    }
    if (n == 1) {
        relate_equal(r, factors[0], product);
        return;
    }
    struct constraint *c = add_constraint(r, PRODUCT, n + 1, 0);
    for (size_t i = 0; i <= n; i++) {
        set_ref(r, c, i, i < n ? factors[i] : product);
    }
}

void relate_product_le(struct relation *r, size_t n, const var *factors, int64_t limit)
{
    CHECK(n <= FACTORS_MAX);
    if (n == 1 && limit >= 1) {
        relation_narrow(r, factors[0], -BOUND_MAX, limit);
        return;
    }
    struct constraint *c = add_constraint(r, PRODUCT_LE, n, 0);
    for (size_t i = 0; i < n; i++) {
        set_ref(r, c, i, factors[i]);
    }
    /* Products saturate, so the limit must lie below that. */
    c->rhs = limit < SATURATED ? limit : SATURATED - 1;
}

void relate_window(struct relation *r, var in, var out, var kernel, var stride, var pad_lo,
                   var pad_hi, var dilation)
{
    const var x[] = {in, out, kernel, stride, pad_lo, pad_hi, dilation};
    struct constraint *c = add_constraint(r, WINDOW, ARRAY_SIZE(x), 0);
    for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
        set_ref(r, c, i, x[i]);
    }
    relation_narrow(r, kernel, 0, BOUND_MAX);
    relation_narrow(r, stride, 1, BOUND_MAX);
    relation_narrow(r, pad_lo, 0, BOUND_MAX);
    relation_narrow(r, pad_hi, 0, BOUND_MAX);
    relation_narrow(r, dilation, 1, BOUND_MAX);
}

void relate_broadcast(struct relation *r, var a, var b, var out)
{
    struct constraint *c = add_constraint(r, BROADCAST, 3, 0);
    set_ref(r, c, 0, a);
    set_ref(r, c, 1, b);
    set_ref(r, c, 2, out);
}

void relate_choice(struct relation *r, var x, size_t n, const int64_t *values)
{
    struct constraint *c = add_constraint(r, CHOICE, 1, n);
    c->rhs = (int64_t)n;
    set_ref(r, c, 0, x);
    if (n > 0) {
        memcpy(r->nums.at + c->num, values, n * sizeof(*values));
    }
}

void relate_element(struct relation *r, var index, size_t n, const var *values, var y)
{
    struct constraint *c = add_constraint(r, ELEMENT, n + 2, 0);
    set_ref(r, c, 0, index);
    set_ref(r, c, 1, y);
    for (size_t i = 0; i < n; i++) {
        set_ref(r, c, i + 2, values[i]);
    }
}

/* ---- drawing a value ---- */

static int64_t draw_between(struct rng *rng, struct bounds b, bool prefer_log)
{
    return prefer_log && b.lo >= 0 ? rng_log_range(rng, b.lo, b.hi) : rng_range(rng, b.lo, b.hi);
}

/* One of the choice's values that are in the domain; the bounds are. */
static int64_t draw_choice(const struct relation *r, const struct constraint *c, struct rng *rng,
                           struct bounds b)
{
    int64_t drawn = b.lo;
    uint64_t seen = 0;
    for (int64_t i = 0; i < c->rhs; i++) {
        int64_t value = r->nums.at[c->num + (uint32_t)i];
        if (b.lo <= value && value <= b.hi && rng_below(rng, ++seen) == 0) {
            drawn = value;
        }
    }
    return drawn;
}

/* A divisor of `rest` in the domain, each equally likely; but 1 and `rest` itself, which leaves 1
 * to the other factors, only in one draw of eight where others exist. */
static int64_t draw_divisor(int64_t rest, struct rng *rng, struct bounds b)
{
    /* Trial division to the root; beyond the largest tensor of a policy any value is tried. */
    if (rest > (int64_t)1 << 24) {
        return draw_between(rng, b, true);
    }
    int64_t proper = 0, trivial = b.lo;
    uint64_t n_proper = 0, n_trivial = 0;
    for (int64_t low = 1; low * low <= rest; low++) {
        if (rest % low != 0) {
            continue;
        }
        int64_t high = rest / low;
        uint64_t *n = low == 1 ? &n_trivial : &n_proper;
        int64_t *drawn = low == 1 ? &trivial : &proper;
        if (b.lo <= low && low <= b.hi && rng_below(rng, ++*n) == 0) {
            *drawn = low;
        }
        if (high != low && b.lo <= high && high <= b.hi && rng_below(rng, ++*n) == 0) {
            *drawn = high;
        }
    }
    return n_proper > 0 && (n_trivial == 0 || !rng_chance(rng, 1, 8)) ? proper : trivial;
}

/* Holes that intervals do not show: values of a choice, divisors of a fixed product. */
static int64_t draw_value(const struct relation *r, var x, struct rng *rng)
{
    struct bounds b = r->domain[x];
    const struct var_facts *facts = &r->facts[x];
    if (facts->hinted && r->use_hints && b.lo <= facts->hint && facts->hint <= b.hi) {
        return facts->hint;
    }
    uint32_t end = facts->has_holes ? r->watch_start[x + 1] : 0;
    for (uint32_t w = r->watch_start[x]; w < end; w++) {
        const struct constraint *c = &r->constraints.at[r->watch.at[w].constraint];
        if (c->kind == CHOICE) {
            return draw_choice(r, c, rng, b);
        }
        if (c->kind == PRODUCT && b.lo > 0) {
            uint32_t place = 0;
            while (r->refs.at[c->ref + place] != x) {
                place++;
            }
            int64_t rest = place + 1 < c->n ? product_rest(r, c, place) : 0;
            if (rest > 0) {
                return draw_divisor(rest, rng, b);
            }
        }
    }
    return draw_between(rng, b, facts->prefer_log);
}

/* ---- search ---- */

static void undo_to(struct relation *r, uint32_t trail)
{
    while (r->trail.n > trail) {
        const struct change *change = &r->trail.at[--r->trail.n];
        r->domain[change->x] = change->old;
    }
}

/* Equal variables are one from here on: references go to their roots. False: a domain is empty. */
static bool find_open(struct relation *r)
{
    for (uint32_t i = 0; i < r->refs.n; i++) {
        r->refs.at[i] = root_of(r, r->refs.at[i]);
    }
    r->n_open = 0;
    for (uint32_t x = 0; x < r->n_vars; x++) {
        if (r->domain[x].lo > r->domain[x].hi) {
            return false;
        }
        if (r->facts[x].parent == (var)x && is_free(r, (var)x)) {
            r->open[r->n_open++] = x;
        }
    }
    return true;
}

/* Who looks at a free variable is listed with it. */
static void make_watches(struct relation *r)
{
    memset(r->watch_start, 0, (r->n_vars + 1) * sizeof(*r->watch_start));
    for (uint32_t i = 0; i < r->refs.n; i++) {
        var x = r->refs.at[i];
        r->watch_start[x] += is_free(r, x);
    }
    uint32_t end = 0;
    for (uint32_t x = 0; x < r->n_vars; x++) {
        end += r->watch_start[x];
        r->watch_start[x] = end;
        r->facts[x].failures = 0;
        r->facts[x].has_holes = false;
    }
    r->watch_start[r->n_vars] = end;
    r->watch.n = 0;
    POOL_RESERVE(r, r->watch, end);
    for (uint32_t k = r->constraints.n; k-- > 0;) {
        struct constraint *c = &r->constraints.at[k];
        bool is_open = false;
        for (uint32_t i = c->n; i-- > 0;) {
            var x = r->refs.at[c->ref + i];
            if (is_free(r, x)) {
                is_open = true;
                r->watch.at[--r->watch_start[x]] = (struct watch){k, constraint_wakes_on(r, c, i)};
                r->facts[x].has_holes |= c->kind == CHOICE || (c->kind == PRODUCT && i + 1 < c->n);
            }
        }
        c->settles_alone = is_open && constraint_settles_alone(r, c);
    }
}

/* A product within a limit (relate_product_le) that is a variable too (relate_product of the same
 * factors): the limit is its own. Bounds of single factors do not show it. */
static bool limit_products(struct relation *r)
{
    for (uint32_t k = 0; k < r->constraints.n; k++) {
        const struct constraint *c = &r->constraints.at[k];
        for (uint32_t j = 0; c->kind == PRODUCT && j < r->constraints.n; j++) {
            const struct constraint *d = &r->constraints.at[j];
            if (d->kind == PRODUCT_LE && d->n + 1 == c->n &&
                memcmp(r->refs.at + d->ref, r->refs.at + c->ref, d->n * sizeof(var)) == 0 &&
                !narrow(r, r->refs.at[c->ref + d->n], -BOUND_MAX, d->rhs)) {
                return false;
            }
        }
    }
    return true;
}

static void prepare(struct relation *r)
{
    if (r->queue_capacity < r->constraints.n) {
        uint32_t capacity = 64;
        while (capacity < r->constraints.n) {
            capacity *= 2;
        }
        r->queue = ARENA_ARRAY(r->arena, uint32_t, capacity);
        r->queue_capacity = capacity;
    }
    make_watches(r);
    r->trail.n = 0;
    r->decisions.n = 0;
    r->queue_head = 0;
    r->queue_n = 0;
    for (uint32_t k = 0; k < r->constraints.n; k++) {
        r->constraints.at[k].queued = true;
        r->queue[r->queue_n++] = k;
    }
}

/* Hinted ones first; then those whose values have holes, which draw_value knows; then the rest. */
static unsigned label_rank(const struct relation *r, uint32_t x)
{
    if (r->facts[x].hinted && r->use_hints) {
        return 0;
    }
    return r->facts[x].has_holes ? 1 : 2;
}

/* Of one rank those come first over which constraints failed most in the searches before: the
 * weights of Boussemart, Hemery, Lecoutre and Sais, "Boosting systematic search by weighting
 * constraints", 2004. */
static void sort_by_failures(struct relation *r, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t x = r->order[i], at = i;
        unsigned rank = label_rank(r, x);
        while (at > 0 && label_rank(r, r->order[at - 1]) == rank &&
               r->facts[r->order[at - 1]].failures < r->facts[x].failures) {
            r->order[at] = r->order[at - 1];
            at--;
        }
        r->order[at] = x;
    }
}

/* Free variables by label_rank, within it by failures, else at random. Returns how many. */
static uint32_t draw_order(struct relation *r, struct rng *rng)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_open; i++) {
        if (is_free(r, (var)r->open[i])) {
            r->order[n++] = r->open[i];
        }
    }
    rng_shuffle(rng, r->order, n);
    uint32_t sorted = 0;
    for (unsigned rank = 0; rank < 2; rank++) {
        for (uint32_t i = sorted; i < n; i++) {
            uint32_t x = r->order[i];
            if (label_rank(r, x) == rank) {
                r->order[i] = r->order[sorted];
                r->order[sorted++] = x;
            }
        }
    }
    sort_by_failures(r, n);
    return n;
}

/* All variables are fixed: is it a solution? Propagation may have been cut short. */
static bool accept(struct relation *r)
{
    for (uint32_t x = 0; x < r->n_vars; x++) {
        r->solution[x] = r->domain[x].lo;
    }
    for (uint32_t k = 0; k < r->constraints.n; k++) {
        if (!constraint_holds(r, &r->constraints.at[k], r->solution)) {
            return false;
        }
    }
    return true;
}

/* Take the next branch of a decision: its value, what lies below, what lies above. */
static bool take_branch(struct relation *r, struct decision *d)
{
    int64_t value = d->value;
    if (d->stage == 0) {
        return narrow(r, d->x, value, value) && propagate(r);
    }
    bool below = (d->stage == 1) == d->below_first;
    bool alive =
        below ? narrow(r, d->x, -BOUND_MAX, value - 1) : narrow(r, d->x, value + 1, BOUND_MAX);
    return alive && propagate(r);
}

/* The last decision that has an untried branch takes it; false: none has. */
static bool backtrack(struct relation *r, size_t *steps)
{
    while (r->decisions.n > 0) {
        struct decision *d = &r->decisions.at[r->decisions.n - 1];
        undo_to(r, d->trail);
        if (d->stage == 2) {
            r->decisions.n--;
            continue;
        }
        d->stage++;
        ++*steps;
        if (take_branch(r, d)) {
            return true;
        }
        CHECK(r->queue_n == 0);
    }
    return false;
}

/* x == a value by chance; false: a constraint fails. */
static bool decide(struct relation *r, var x, uint32_t position, struct rng *rng)
{
    POOL_RESERVE(r, r->decisions, 1);
    struct decision *d = &r->decisions.at[r->decisions.n++];
    *d = (struct decision){.x = x,
                           .value = draw_value(r, x, rng),
                           .trail = r->trail.n,
                           .position = position,
                           .below_first = rng_chance(rng, 1, 2)};
    return take_branch(r, d);
}

/*
 * One search from the root over the n variables of the order, of at most *steps <= limit. The
 * variable whose value failed last comes before its turn, until one of its values holds: what
 * cannot be is then seen at once below each other value of those before it, whatever lies between
 * (Lecoutre, Sais, Tabary and Vidal, "Reasoning from last conflict(s) in constraint programming",
 * 2009).
 */
static enum solve_result search(struct relation *r, struct rng *rng, uint32_t n, size_t *steps,
                                size_t limit)
{
    uint32_t position = 0;
    var suspect = VAR_NONE;
    for (;;) {
        while (position < n && !is_free(r, (var)r->order[position])) {
            position++;
        }
        bool alive = false;
        if (position < n) {
            if (++*steps > limit) {
                return SOLVE_GAVE_UP;
            }
            bool is_suspected = suspect != VAR_NONE && is_free(r, suspect);
            var x = is_suspected ? suspect : (var)r->order[position];
            alive = decide(r, x, position, rng);
            suspect = !alive ? x : suspect == x ? VAR_NONE : suspect;
        } else if (accept(r)) {
            return SOLVE_SAT;
        }
        if (!alive) {
            if (!backtrack(r, steps)) {
                return SOLVE_UNSAT;
            }
            if (*steps > limit) {
                return SOLVE_GAVE_UP;
            }
            position = r->decisions.at[r->decisions.n - 1].position;
        }
    }
}

/* All hints that may hold, at once: mostly they do, and are then what labelling one by one gives.
 * False: not so. */
static bool take_hints(struct relation *r)
{
    for (uint32_t i = 0; i < r->n_open; i++) {
        var x = (var)r->open[i];
        const struct var_facts *facts = &r->facts[x];
        if (facts->hinted && has(r->domain[x], facts->hint)) {
            narrow(r, x, facts->hint, facts->hint);
        }
    }
    return propagate(r);
}

enum solve_result relation_solve(struct relation *r, struct rng *rng, size_t steps)
{
    enum { STEPS_DEFAULT = 10000, FIRST_SEARCH = 100 };
    size_t budget = steps == 0 ? STEPS_DEFAULT : steps;
    r->solved = false;
    if (!find_open(r)) {
        return SOLVE_UNSAT;
    }
    if (r->n_open == 0) { /* all is given */
        r->solved = accept(r);
        return r->solved ? SOLVE_SAT : SOLVE_UNSAT;
    }
    prepare(r);
    enum solve_result result = SOLVE_UNSAT;
    if (limit_products(r) && propagate(r)) {
        uint32_t root = r->trail.n;
        size_t used = 0;
        size_t length = FIRST_SEARCH;
        r->use_hints = true;
        bool are_hinted = take_hints(r) && r->trail.n > root;
        if (!are_hinted) {
            undo_to(r, root);
        }
        do {
            uint32_t n = draw_order(r, rng);
            size_t limit = used + n + length < budget ? used + n + length : budget;
            result = search(r, rng, n, &used, limit);
            undo_to(r, root);
            r->decisions.n = 0;
            if (are_hinted && result == SOLVE_UNSAT) { /* with these hints together */
                result = SOLVE_GAVE_UP;
            } else {
                r->use_hints = false; /* they may be what made it hard */
            }
            are_hinted = false;
            length *= 2;
        } while (result == SOLVE_GAVE_UP && used < budget);
    }
    undo_to(r, 0);
    r->solved = result == SOLVE_SAT;
    return result;
}

int64_t relation_value(const struct relation *r, var x)
{
    CHECK(r->solved);
    return r->solution[checked_root(r, x)];
}

bool relation_holds(const struct relation *r, const int64_t *values)
{
    for (uint32_t x = 0; x < r->n_vars; x++) {
        var root = root_of(r, (var)x);
        if (!has(r->domain[root], values[x]) || values[x] != values[root]) {
            return false;
        }
    }
    for (uint32_t k = 0; k < r->constraints.n; k++) {
        if (!constraint_holds(r, &r->constraints.at[k], values)) {
            return false;
        }
    }
    return true;
}
