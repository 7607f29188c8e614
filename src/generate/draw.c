/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements of inputs and constants. A recipe is a domain, a style within it, and a share of special
 * values. Everything is made of integers and exact binary fractions, so that the same stream gives
 * the same bytes on every machine.
 */
#include "generate/generate_internal.h"

/* ---- domains ---- */

struct domain_choice {
    real lo, hi;
    uint32_t weight;
};

/* Bounds are powers of two (or 0): values of every float dtype. Most are near 1, where errors of
 * all ops show; some are tiny or large, some keep a sign, as divisors and arguments of log must. */
static const struct domain_choice float_domains[] = {
    {-1, 1, 10},       {-4, 4, 10},      {-16, 16, 5}, {-256, 256, 2}, {-0x1p-6L, 0x1p-6L, 2},
    {0, 1, 4},         {0x1p-4L, 4, 6},  {1, 2, 4},    {1, 64, 2},     {0x1p-10L, 1, 3},
    {-8, -0x1p-3L, 3}, {-0.5L, 0.5L, 3},
};
static const struct domain_choice int_domains[] = {
    {-4, 4, 10},
    {0, 8, 5},
    {1, 9, 6},
    {-16, 16, 6},
    {-128, 127, 4},
    {0, 100, 4},
    {-0x1p62L, 0x1p62L, 2},
};
/* What almost every op takes, atanh and its poles at 1 included; the last resort when ranges do not
 * fit. Of integers: divisors, shifts, powers. */
static const struct domain_choice tame_floats[] = {{-0.5L, 0.5L, 1}, {0x1p-4L, 1, 1}, {1, 2, 1}};
static const struct domain_choice tame_ints[] = {{1, 9, 1}, {0, 4, 1}, {1, 2, 1}};

static struct domain_choice choose_domain(struct rng *rng, const struct domain_choice *from,
                                          size_t n)
{
    uint32_t weights[16];
    CHECK(n <= ARRAY_SIZE(weights));
    for (size_t i = 0; i < n; i++) {
        weights[i] = from[i].weight;
    }
    return from[rng_weighted(rng, weights, n)];
}

static real clamp_real(real x, real lo, real hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

struct recipe recipe_draw(struct rng *rng, enum dtype d, unsigned attempt)
{
    enum { WILD_ATTEMPTS = 3 };
    struct recipe recipe = {.style = (enum style)rng_below(rng, STYLE_COUNT)};
    struct domain_choice domain;
    if (attempt >= WILD_ATTEMPTS) {
        const size_t last = ARRAY_SIZE(tame_floats) - 1;
        size_t tame = attempt - WILD_ATTEMPTS < last ? attempt - WILD_ATTEMPTS : last;
        domain = dtype_is_float(d) ? tame_floats[tame] : tame_ints[tame];
    } else if (dtype_is_float(d)) {
        domain = choose_domain(rng, float_domains, ARRAY_SIZE(float_domains));
    } else {
        domain = choose_domain(rng, int_domains, ARRAY_SIZE(int_domains));
    }
    recipe.lo = domain.lo;
    recipe.hi = domain.hi;
    _Static_assert(ARRAY_SIZE(tame_floats) == ARRAY_SIZE(tame_ints), "one attempt each");
    if (!dtype_is_float(d)) {
        recipe.lo = clamp_real(domain.lo, dtype_lowest(d), dtype_max(d));
        recipe.hi = clamp_real(domain.hi, dtype_lowest(d), dtype_max(d));
        recipe.lo = d == DTYPE_BOOL ? 0 : recipe.lo; /* not all true */
    }
    return recipe;
}

struct recipe recipe_between(real lo, real hi)
{
    return (struct recipe){.style = STYLE_UNIFORM, .lo = lo, .hi = hi};
}

struct recipe recipe_index(const struct index_use *use)
{
    int64_t most = 0;
    for (uint32_t c = 0; c < use->n; c++) {
        most = use->limit[c] > most ? use->limit[c] : most;
    }
    return (struct recipe){.style = STYLE_INTEGER,
                           .lo = -(real)most,
                           .hi = (real)(most > 0 ? most - 1 : 0),
                           .index = *use};
}

/* ---- special values ---- */

enum special_kind {
    SPECIAL_ZERO,
    SPECIAL_NEGATIVE_ZERO,
    SPECIAL_ONE,
    SPECIAL_SUBNORMAL,
    SPECIAL_MIN_NORMAL,
    SPECIAL_EXTREME,      /* max or lowest */
    SPECIAL_NEAR_EXTREME, /* a step or so inside */
    SPECIAL_POWER,        /* of two, over the whole range */
    SPECIAL_INT_EDGE,     /* 2^7, 2^8, 2^15 ... 2^64, and next to them: where casts overflow */
    SPECIAL_INFINITY,
    SPECIAL_NAN,
    SPECIAL_COUNT,
};

uint32_t special_kinds_draw(struct rng *rng)
{
    /* NaN and infinity drown what follows: two thirds of the programs go without. */
    uint32_t all = rng_chance(rng, 1, 3) ? (1u << SPECIAL_COUNT) - 1 : (1u << SPECIAL_INFINITY) - 1;
    return (uint32_t)rng_below(rng, all) + 1;
}

void recipe_make_special(struct recipe *recipe, uint32_t kinds, bool is_drowned, struct rng *rng)
{
    static const uint8_t shares[] = {1, 1, 2, 4, 16};
    const uint32_t small = 1U << SPECIAL_ZERO | 1U << SPECIAL_NEGATIVE_ZERO | 1U << SPECIAL_ONE |
                           1U << SPECIAL_SUBNORMAL | 1U << SPECIAL_MIN_NORMAL;
    if (is_drowned) {
        kinds = kinds & small ? kinds & small : small;
    }
    recipe->special = shares[rng_below(rng, ARRAY_SIZE(shares) - is_drowned)];
    recipe->kinds = kinds;
}

/* Toward zero; the nearest end where it is beyond all. */
static int64_t int64_near(real x)
{
    if (x >= 0x1p63L) {
        return INT64_MAX;
    }
    return x >= -0x1p63L ? (int64_t)x : INT64_MIN;
}

/* The next one above where there is none. */
static void integers_between(real lo, real hi, int64_t *first, int64_t *last)
{
    *first = int64_near(lo);
    *last = int64_near(hi);
    *first += (real)*first < lo && *first < INT64_MAX;
    *last -= (real)*last > hi && *last > INT64_MIN;
    *last = *last < *first ? *first : *last;
}

/* Elements of an integer dtype that are drawn between lo and hi. */
static struct interval range_of_integers(real lo, real hi, enum dtype d)
{
    int64_t first, last;
    integers_between(lo, hi, &first, &last);
    if (first == last) {
        real only = dtype_round(d, (real)first);
        return (struct interval){.lo = only, .hi = only};
    }
    bool wraps = (real)first < dtype_lowest(d) || (real)last > dtype_max(d);
    return (struct interval){.lo = wraps ? dtype_lowest(d) : (real)first,
                             .hi = wraps ? dtype_max(d) : (real)last};
}

struct interval recipe_range(const struct recipe *recipe, enum dtype d)
{
    if (recipe->special == 0 || d == DTYPE_BOOL) {
        return dtype_is_float(d) ? (struct interval){.lo = dtype_round(d, recipe->lo),
                                                     .hi = dtype_round(d, recipe->hi)}
                                 : range_of_integers(recipe->lo, recipe->hi, d);
    }
    if (dtype_is_float(d)) {
        return (struct interval){
            .lo = -(real)__builtin_inf(), .hi = (real)__builtin_inf(), .may_nan = true};
    }
    return (struct interval){.lo = dtype_lowest(d), .hi = dtype_max(d)};
}

/* 2^e, exactly: by squaring. */
static real power_of_two(int e)
{
    real base = e < 0 ? 0.5L : 2;
    real power = 1;
    for (unsigned n = (unsigned)(e < 0 ? -e : e); n > 0; n >>= 1) {
        if (n & 1) {
            power *= base;
        }
        base *= base;
    }
    return power;
}

static real with_sign(struct rng *rng, real x)
{
    return rng_chance(rng, 1, 2) ? -x : x;
}

static real special_float(struct rng *rng, enum dtype d, enum special_kind kind)
{
    const struct dtype_info *info = &dtype_table[d];
    switch (kind) {
    case SPECIAL_ZERO:
    case SPECIAL_COUNT:
        return 0;
    case SPECIAL_NEGATIVE_ZERO:
        return -0.0L;
    case SPECIAL_ONE:
        return with_sign(rng, 1);
    case SPECIAL_SUBNORMAL:
        /* k steps of the smallest, k < 2^(bits-1) */
        return with_sign(
            rng, dtype_tiny(d) * (real)rng_log_range(rng, 1, ((int64_t)1 << (info->bits - 1)) - 1));
    case SPECIAL_MIN_NORMAL:
        return with_sign(rng, dtype_min_normal(d));
    case SPECIAL_EXTREME:
        return with_sign(rng, dtype_max(d));
    case SPECIAL_NEAR_EXTREME:
        return with_sign(rng,
                         dtype_max(d) * (1 - power_of_two(-(int)rng_range(rng, 1, info->bits))));
    case SPECIAL_POWER:
        return with_sign(rng, power_of_two((int)rng_range(rng, info->emin - 1, info->emax - 1)));
    case SPECIAL_INT_EDGE: {
        static const int bits[] = {7, 8, 15, 16, 24, 31, 32, 53, 63, 64};
        real edge = power_of_two(bits[rng_below(rng, ARRAY_SIZE(bits))]);
        return with_sign(rng, edge + (real)rng_range(rng, -1, 1));
    }
    case SPECIAL_INFINITY:
        return with_sign(rng, (real)__builtin_inf());
    case SPECIAL_NAN:
        return (real)__builtin_nan("");
    }
    BUG("special kind %d", (int)kind);
}

static real special_int(struct rng *rng, enum dtype d, enum special_kind kind)
{
    real lowest = dtype_lowest(d), max = dtype_max(d);
    switch (kind) {
    case SPECIAL_ZERO:
    case SPECIAL_NEGATIVE_ZERO:
        return 0;
    case SPECIAL_ONE:
    case SPECIAL_SUBNORMAL:
        return lowest < 0 ? with_sign(rng, 1) : 1;
    case SPECIAL_EXTREME:
    case SPECIAL_INFINITY:
        return rng_chance(rng, 1, 2) ? lowest : max;
    case SPECIAL_MIN_NORMAL:
    case SPECIAL_NEAR_EXTREME:
        return rng_chance(rng, 1, 2) ? lowest + (real)rng_range(rng, 1, 3)
                                     : max - (real)rng_range(rng, 1, 3);
    case SPECIAL_POWER:
    case SPECIAL_INT_EDGE:
    case SPECIAL_NAN:
    case SPECIAL_COUNT:
        break;
    }
    real power = power_of_two((int)rng_below(rng, (uint64_t)dtype_table[d].bits));
    return clamp_real(lowest < 0 ? with_sign(rng, power) : power, lowest, max);
}

static real draw_special(struct rng *rng, enum dtype d, uint32_t kinds)
{
    int n = __builtin_popcount(kinds);
    for (uint64_t skip = rng_below(rng, (uint64_t)n); skip > 0; skip--) {
        kinds &= kinds - 1;
    }
    enum special_kind kind = (enum special_kind)__builtin_ctz(kinds);
    return dtype_is_float(d) ? special_float(rng, d, kind) : special_int(rng, d, kind);
}

/* ---- ordinary values ---- */

/* 24 bits in [0, 1). */
static real unit24(struct rng *rng)
{
    return (real)(rng_next(rng) >> 40) * 0x1p-24L;
}

/* The mean of four, 16 bits each. */
static real bell(struct rng *rng)
{
    uint64_t bits = rng_next(rng);
    uint64_t sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    return (real)sum * 0x1p-18L;
}

static real draw_integer(struct rng *rng, real lo, real hi)
{
    int64_t first, last;
    integers_between(lo, hi, &first, &last);
    return (real)(first < last ? rng_range(rng, first, last) : first);
}

/* Toward zero from one of the domain's ends, by 0..11 octaves and 10 bits below. */
static real draw_log(struct rng *rng, real lo, real hi)
{
    uint64_t bits = rng_next(rng);
    bool low_end = hi <= 0 || (lo < 0 && (bits & 1));
    real end = low_end ? lo : hi;
    real octave = (real)1 / (real)(1u << ((bits >> 1) % 12));
    real x = end * octave * (1 - (real)((bits >> 8) & 1023) * 0x1p-11L);
    return x < lo || x > hi ? lo + (hi - lo) * unit24(rng) : x;
}

/* Of integers: cut to one, a step of the grid would nearly always be the domain's least. */
static void draw_mostly(struct rng *rng, const struct recipe *recipe, real *x, size_t n)
{
    const real most = recipe->style == STYLE_MOST_LO ? recipe->lo : recipe->hi;
    for (size_t i = 0; i < n; i++) {
        bool is_rare = rng_below(rng, recipe->rarity) == 0;
        x[i] = is_rare ? draw_integer(rng, recipe->lo, recipe->hi) : most;
    }
}

/* A loop a style: most of the time of making a test is here. */
#define FILL(expression)                                                                           \
    for (size_t i = 0; i < n; i++) {                                                               \
        x[i] = (expression);                                                                       \
    }                                                                                              \
    return

static void draw_ordinary(struct rng *rng, const struct recipe *recipe, const real *ties, real *x,
                          size_t n)
{
    const real lo = recipe->lo, hi = recipe->hi, width = hi - lo;
    switch (recipe->style) {
    case STYLE_UNIFORM:
        FILL(lo + width * unit24(rng));
    case STYLE_GRID:
        FILL(lo + width * (real)rng_below(rng, 17) * 0x1p-4L);
    case STYLE_INTEGER:
        FILL(draw_integer(rng, lo, hi));
    case STYLE_LOG:
        FILL(draw_log(rng, lo, hi));
    case STYLE_BELL:
        FILL(lo + width * bell(rng));
    case STYLE_TIES:
        FILL(ties[rng_below(rng, 3)]);
    case STYLE_MOST_LO:
    case STYLE_MOST_HI:
        draw_mostly(rng, recipe, x, n);
        return;
    case STYLE_COUNT:
        break;
    }
    BUG("style %d", (int)recipe->style);
}

/* Integers have fewer styles: what lies between them is nothing, of few all octaves are 0, and
 * three truth values are often one. */
static enum style style_for(const struct recipe *recipe, enum dtype d)
{
    bool between = recipe->style == STYLE_UNIFORM || recipe->style == STYLE_GRID ||
                   recipe->style == STYLE_BELL;
    if (!dtype_is_float(d)) {
        bool is_narrow = recipe->style == STYLE_LOG && recipe->hi - recipe->lo < 256;
        bool is_one = recipe->style == STYLE_TIES && d == DTYPE_BOOL;
        return between || is_narrow || is_one ? STYLE_INTEGER : recipe->style;
    }
    bool holds_integers =
        recipe->hi - recipe->lo >= 2 && recipe->lo >= -0x1p63L && recipe->hi < 0x1p63L;
    return recipe->style == STYLE_INTEGER && !holds_integers ? STYLE_GRID : recipe->style;
}

/* A fraction to an integer of the domain, toward zero (as the cast does). */
static real to_integer(real x)
{
    bool fits = x >= -0x1p63L && x < 0x1p63L; /* not NaN: it stays, and what stores it decides */
    return fits ? (real)(int64_t)x : x;
}

/* ---- indices ---- */

/* Row `row` of t: the place's parts, the last one counting fastest, `below` of 4 from the end. */
static void put_index(struct rng *rng, const struct index_use *use, unsigned below,
                      struct tensor *t, size_t row, int64_t place)
{
    for (uint32_t c = use->n; c-- > 0;) {
        int64_t part = place % use->limit[c];
        place /= use->limit[c];
        part -= rng_chance(rng, below, 4) ? use->limit[c] : 0;
        dtype_store(t->dtype, t->data, row * use->n + c, (real)part);
    }
}

/* Places first, first + step, ... modulo their number differ when the two have no common divisor.
 */
static void fill_indices(const struct index_use *use, struct rng *rng, struct tensor *t)
{
    int64_t places = 1, first = 0, step = 1;
    unsigned below = rng_chance(rng, 1, 2); /* most people's indices count from 0 */
    size_t rows = shape_numel(&t->shape) / (use->n ? use->n : 1);
    for (uint32_t c = 0; c < use->n; c++) {
        places *= use->limit[c] > 0 ? use->limit[c] : 1;
    }
    for (size_t group = 0; use->unique && use->count > 0 && group < rows / use->count; group++) {
        size_t start = group / use->inside * use->inside * use->count + group % use->inside;
        first = rng_range(rng, 0, places - 1);
        do {
            step = rng_range(rng, 1, places);
        } while (common_divisor(step, places) != 1);
        for (size_t i = 0; i < use->count; i++) {
            put_index(rng, use, below, t, start + i * use->inside, first);
            first = (first + step) % places;
        }
    }
    for (size_t row = 0; !use->unique && row < rows; row++) {
        put_index(rng, use, below, t, row, rng_range(rng, 0, places - 1));
    }
}

void recipe_fill(const struct recipe *recipe, struct rng *rng, struct tensor *t)
{
    enum { CHUNK = 256 };
    if (recipe->index.n > 0) {
        fill_indices(&recipe->index, rng, t);
        return;
    }
    struct recipe own = *recipe;
    own.style = style_for(recipe, t->dtype);
    bool is_float = dtype_is_float(t->dtype);
    real ties[3];
    for (int i = 0; i < 3; i++) {
        real x = is_float ? own.lo + (own.hi - own.lo) * (real)rng_below(rng, 257) / 256
                          : draw_integer(rng, own.lo, own.hi);
        ties[i] = x;
    }
    size_t n = shape_numel(&t->shape);
    bool takes_special = own.special > 0 && t->dtype != DTYPE_BOOL;
    bool may_pass = is_float && own.lo + (own.hi - own.lo) > own.hi;
    for (size_t first = 0; first < n; first += CHUNK) {
        real x[CHUNK];
        size_t m = n - first < CHUNK ? n - first : CHUNK;
        draw_ordinary(rng, &own, ties, x, m);
        for (size_t i = 0; may_pass && i < m; i++) { /* the difference was rounded up */
            x[i] = x[i] > own.hi ? own.hi : x[i];
        }
        for (size_t i = 0; takes_special && i < m; i++) {
            x[i] = rng_below(rng, 16) < own.special ? draw_special(rng, t->dtype, own.kinds) : x[i];
        }
        for (size_t i = 0; !is_float && i < m; i++) {
            x[i] = to_integer(x[i]);
        }
        dtype_store_many(t->dtype, (char *)t->data + first * dtype_size(t->dtype), m, x);
    }
}
