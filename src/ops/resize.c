/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resize: x[N,C,...] of 1 to 3 spatial dims to given sizes, by the nearest element or by linear or
 * cubic interpolation. The coordinates are ONNX Resize's with scale = size / size exactly, or as
 * given; torch's interpolate has some of the modes. What models have but nothing draws: given
 * scales, antialias, exclude_outside, half_pixel_symmetric. A library computes coordinates in
 * floating point: where the nearest element changes within their rounding nothing is specified,
 * elsewhere it is noise.
 */
#include "ops/ops_internal.h"

#include <stdlib.h>

enum { SPATIAL_MAX = 3 };
enum { RATIO_BITS = 20 }; /* ratios of sizes beyond 2^20 are not exact in f32 with an offset */

static const char *const modes[] = {"nearest", "linear", "cubic"};
enum { MODE_NEAREST, MODE_LINEAR, MODE_CUBIC };
static const char *const places[] = {"half_pixel", "align_corners", "asymmetric",
                                     "pytorch_half_pixel", "half_pixel_symmetric"};
enum { HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC, PYTORCH_HALF_PIXEL, HALF_PIXEL_SYMMETRIC };
static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
enum { PREFER_FLOOR, PREFER_CEIL, DOWN, UP };
/* Of the last dims. */
static const char *const scales[SPATIAL_MAX] = {"scale_d", "scale_h", "scale_w"};
enum { SCALE_MAX = 1024 }; /* and its reciprocal: how far antialias looks */

/* ---- structure and relation ---- */

/* settle_text, where one drawn is texts[draw]. */
static bool settle_choice(struct instance *m, const char *name, const char *const *texts, size_t n,
                          size_t draw, struct rng *rng, size_t *which)
{
    if (rng && !instance_attr(m, name)) {
        instance_add_attr(m, name, ATTR_TEXT, 1)->text = texts[draw];
    }
    return settle_text(m, name, n, texts, rng, which);
}

#define CUBIC_SLOPE (-0.75) /* torch has no other */

static size_t pick(struct rng *rng, const uint8_t *choices, size_t n)
{
    return rng ? choices[rng_below(rng, n)] : 0;
}

/* The slope says nothing where it is not cubic. */
static bool settle_slope(struct instance *m, bool is_cubic, struct rng *rng)
{
    if (rng && !is_cubic && !instance_attr(m, "cubic_coeff_a")) {
        instance_add_attr(m, "cubic_coeff_a", ATTR_REAL, 1)->f = CUBIC_SLOPE;
    }
    return settle_real(m, "cubic_coeff_a", rng);
}

/* Cubic of planes only (torch and ONNX Runtime have no other); what is no float is copied. */
static bool structure_modes(struct instance *m, int rank, struct rng *rng)
{
    /* Mostly what torch has too: it runs no program that holds another. */
    static const uint8_t usual[] = {
        HALF_PIXEL,    HALF_PIXEL,    HALF_PIXEL,    HALF_PIXEL,    HALF_PIXEL, ALIGN_CORNERS,
        ALIGN_CORNERS, ALIGN_CORNERS, ALIGN_CORNERS, ALIGN_CORNERS, ASYMMETRIC, PYTORCH_HALF_PIXEL};
    static const uint8_t copies[] = {ASYMMETRIC,    ASYMMETRIC,        ASYMMETRIC, ASYMMETRIC,
                                     HALF_PIXEL,    HALF_PIXEL,        HALF_PIXEL, HALF_PIXEL,
                                     ALIGN_CORNERS, PYTORCH_HALF_PIXEL};
    static const uint8_t down[] = {DOWN, DOWN, DOWN, DOWN,         DOWN,        DOWN,
                                   DOWN, DOWN, DOWN, PREFER_FLOOR, PREFER_CEIL, UP};
    static const uint8_t half[] = {PREFER_CEIL,  PREFER_CEIL, PREFER_CEIL, PREFER_CEIL,
                                   PREFER_CEIL,  PREFER_CEIL, PREFER_CEIL, PREFER_CEIL,
                                   PREFER_FLOOR, DOWN,        UP};
    size_t mode, place, rounding;
    bool is_float = dtype_is_float(m->in[0].dtype);
    size_t most = !is_float ? 1 : rank == 4 ? 3 : 2;
    size_t drawn = rng ? rng_below(rng, most) : 0;
    if (!settle_choice(m, "mode", modes, ARRAY_SIZE(modes), drawn, rng, &mode)) {
        return false;
    }
    if (mode >= most) {
        return REFUSE("mode \"%s\" of %s with rank %d", modes[mode], dtype_name(m->in[0].dtype),
                      rank);
    }
    drawn = mode == MODE_NEAREST ? pick(rng, copies, ARRAY_SIZE(copies))
                                 : pick(rng, usual, ARRAY_SIZE(usual));
    if (!settle_choice(m, "coordinate_transformation_mode", places, ARRAY_SIZE(places), drawn, rng,
                       &place)) {
        return false;
    }
    drawn = mode != MODE_NEAREST  ? PREFER_FLOOR
            : place == ASYMMETRIC ? pick(rng, down, ARRAY_SIZE(down))
                                  : pick(rng, half, ARRAY_SIZE(half));
    return settle_choice(m, "nearest_mode", roundings, ARRAY_SIZE(roundings), drawn, rng,
                         &rounding) &&
           settle_slope(m, mode == MODE_CUBIC, rng);
}

static bool is_set(struct instance *m, const char *name)
{
    const struct attr *a = instance_attr(m, name);
    return a && a->i[0] != 0;
}

/* Scales of all spatial dims or of none; filters of what is interpolated. */
static bool check_options(struct instance *m, int rank)
{
    bool has_filter = is_set(m, "antialias") || is_set(m, "exclude_outside");
    double slope = instance_attr(m, "cubic_coeff_a")->f, most = SCALE_MAX;
    for (int k = 0; k < SPATIAL_MAX; k++) {
        const struct attr *scale = instance_attr(m, scales[k]);
        bool is_asked = k >= SPATIAL_MAX - (rank - 2) && instance_attr(m, scales[SPATIAL_MAX - 1]);
        if (is_asked != (scale != NULL)) {
            return REFUSE("%s of rank %d, where scales are of all spatial dims or none", scales[k],
                          rank);
        }
        if (scale && !(scale->f * most >= 1 && scale->f <= most)) {
            return REFUSE("%s lies outside 1/%d..%d", scales[k], SCALE_MAX, SCALE_MAX);
        }
    }
    if (has_filter && strcmp(instance_attr(m, "mode")->text, modes[MODE_NEAREST]) == 0) {
        return REFUSE("antialias or exclude_outside of the nearest element");
    }
    return !has_filter || (slope >= -1 && slope <= 0) ||
           REFUSE("a cubic_coeff_a outside -1..0 with antialias or exclude_outside");
}

static bool resize_structure(struct instance *m, struct rng *rng)
{
    struct slot *x = &m->in[0], *y = &m->out[0];
    if (!settle_dtypes(m, rng)) {
        return false;
    }
    if (x->rank < 0) {
        x->rank = y->rank;
    }
    return draw_rank(x, 3, 2 + SPATIAL_MAX, rng) && settle_rank(y, x->rank) &&
           structure_modes(m, x->rank, rng) && check_options(m, x->rank) &&
           check_ints(m, "sizes", (unsigned)x->rank - 2, 1, rng);
}

static void resize_relate(struct relation *r, struct instance *m)
{
    const struct slot *x = &m->in[0], *y = &m->out[0];
    for (int d = 0; d < x->rank; d++) {
        relation_narrow(r, x->dim[d], 1, DIM_LIMIT); /* a scale of 0 / 0 otherwise */
        if (d < 2) {
            relate_equal(r, x->dim[d], y->dim[d]);
        } else {
            var size = instance_attr_var(m, r, "sizes", (unsigned)d - 2, 1, DIM_LIMIT);
            relate_equal(r, size, y->dim[d]);
        }
    }
}

/* ---- coordinates ---- */

struct resize {
    int mode, place, rounding;
    real a; /* cubic_coeff_a */
    bool antialias, excludes;
    real scale[SPATIAL_MAX]; /* 0: the quotient of sizes */
};

static int find_text(const struct attr *a, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(a->text, texts[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static struct resize resize_of(const struct node *node)
{
    struct resize s = {
        .mode = find_text(node_attr(node, "mode"), modes, ARRAY_SIZE(modes)),
        .place = find_text(node_attr(node, "coordinate_transformation_mode"), places,
                           ARRAY_SIZE(places)),
        .rounding = find_text(node_attr(node, "nearest_mode"), roundings, ARRAY_SIZE(roundings)),
        .a = (real)node_real(node, "cubic_coeff_a", 0),
        .antialias = node_int(node, "antialias", 0) != 0,
        .excludes = node_int(node, "exclude_outside", 0) != 0};
    for (int k = 0; k < SPATIAL_MAX; k++) {
        s.scale[k] = (real)node_real(node, scales[k], 0);
    }
    return s;
}

/* What one output position of one dim reads: weights, zero for the elements that only a coordinate
 * a rounding away, or clamped, would read. */
struct taps {
    int n;
    int64_t *at;
    real *weight, size; /* size: the sum of their magnitudes */
    real error;         /* of the coordinate: 0 exact */
    bool is_open;       /* not defined: the nearest element hangs on rounding */
};

static bool is_power_of_two(real v)
{
    int exponent;
    return frexpl(v, &exponent) == 0.5L && abs(exponent) <= RATIO_BITS;
}

/* Dim k of 3; width: the output's, a fraction where it is of a given scale. */
struct line_of {
    int64_t in, out;
    real scale, width;
};

static struct line_of line_of(const struct resize *s, int k, int64_t in, int64_t out)
{
    bool is_given = s->scale[k] != 0;
    return (struct line_of){.in = in,
                            .out = out,
                            .scale = is_given ? s->scale[k] : (real)out / (real)in,
                            .width = is_given ? s->scale[k] * (real)in : (real)out};
}

/* Step between output positions: a power of two is exact in any order of operations. */
static real step_of(const struct resize *s, const struct line_of *l)
{
    if (s->place == ALIGN_CORNERS) { /* one output: the first element */
        return l->width > 1 ? (real)(l->in - 1) / (l->width - 1) : 0;
    }
    return s->place == PYTORCH_HALF_PIXEL && l->out == 1 ? 0 : (real)l->in / l->width;
}

static real coordinate(const struct resize *s, const struct line_of *l, real step, int64_t o)
{
    bool is_half = s->place == HALF_PIXEL || s->place == HALF_PIXEL_SYMMETRIC ||
                   (s->place == PYTORCH_HALF_PIXEL && step != 0);
    real x = is_half ? ((real)o + 0.5L) * step - 0.5L : (real)o * step;
    bool is_moved = s->place == HALF_PIXEL_SYMMETRIC && l->width != (real)l->out;
    return is_moved ? x + (real)l->in / 2 * (1 - (real)l->out / l->width) : x;
}

/* Scales are f32 in ONNX, and torch computes in f32 up to that dtype. Scale, product, offset and
 * what the reciprocal of a scale adds. */
static real coordinate_error(const struct line_of *l, real step, real x)
{
    bool is_exact = step == 0 || (is_power_of_two(step) && l->width == (real)l->out);
    return is_exact ? 0 : 8 * dtype_roundoff(DTYPE_F32) * (fabsl(x) + 1);
}

static int64_t clamp(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static int64_t nearest(const struct resize *s, real x, int64_t in)
{
    real i = s->rounding == DOWN           ? floorl(x)
             : s->rounding == UP           ? ceill(x)
             : s->rounding == PREFER_FLOOR ? ceill(x - 0.5L)
                                           : floorl(x + 0.5L);
    return clamp((int64_t)i, in);
}

/* Keys' kernel at distance d (R. Keys, Cubic convolution interpolation, 1981). */
static real cubic(real a, real d)
{
    d = fabsl(d);
    if (d <= 1) {
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    }
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static real kernel(const struct resize *s, real d)
{
    d = fabsl(d);
    return s->mode == MODE_CUBIC ? cubic(s->a, d) : d < 1 ? 1 - d : 0;
}

/*
 * Weights of a filter have the sum 1. "The weight of sampling locations outside the tensor will be
 * set to 0" by exclude_outside; without it ONNX's reference repeats the ends under antialias too,
 * where torch and ONNX Runtime leave them out, as Pillow does; its text does not say.
 */
static void filter(const struct resize *s, const struct line_of *l, int64_t first, struct taps *t)
{
    real sum = 0;
    for (int k = 0; k < t->n; k++) {
        bool is_outside = first + k < 0 || first + k >= l->in;
        t->is_open |= is_outside && s->antialias && !s->excludes && t->weight[k] != 0;
        t->weight[k] = is_outside && s->excludes ? 0 : t->weight[k];
        sum += t->weight[k];
    }
    t->is_open |= sum == 0;
    for (int k = 0; k < t->n && sum != 0; k++) {
        t->weight[k] /= sum;
    }
}

/* Elements behind the ends are those at the ends. One more on each side when the coordinate is not
 * exact, or may be clamped instead. */
static void interpolate(const struct resize *s, const struct line_of *l, real x, struct taps *t,
                        struct arena *arena)
{
    real shrink = s->antialias ? fminl(l->scale, 1) : 1;
    bool is_outside = x < 0 || x > (real)(l->in - 1);
    int reach =
        (int)ceill((s->mode == MODE_CUBIC ? 2 : 1) / shrink) + (t->error > 0 || is_outside ? 1 : 0);
    int64_t first = (int64_t)floorl(x) - reach + 1;
    t->n = 2 * reach;
    t->at = ARENA_ARRAY(arena, int64_t, (size_t)t->n);
    t->weight = ARENA_ARRAY(arena, real, (size_t)t->n);
    for (int k = 0; k < t->n; k++) {
        t->at[k] = clamp(first + k, l->in);
        t->weight[k] = kernel(s, shrink * (x - (real)(first + k)));
    }
    if (s->antialias || s->excludes) {
        filter(s, l, first, t);
    }
    for (int k = 0; k < t->n; k++) {
        t->size += fabsl(t->weight[k]);
    }
}

static struct taps taps_at(const struct resize *s, const struct line_of *l, int64_t o,
                           struct arena *arena)
{
    real step = step_of(s, l), x = coordinate(s, l, step, o);
    struct taps t = {.error = coordinate_error(l, step, x)};
    if (s->mode == MODE_NEAREST) {
        t.n = 1;
        t.at = ARENA_ARRAY(arena, int64_t, 1);
        t.weight = ARENA_ARRAY(arena, real, 1);
        t.at[0] = nearest(s, x, l->in);
        t.weight[0] = t.size = 1;
        t.is_open = nearest(s, x - t.error, l->in) != nearest(s, x + t.error, l->in);
    } else {
        interpolate(s, l, x, &t, arena);
    }
    /* By ONNX's text the lengths of tensors count, by its reference what the scale asks for. */
    t.is_open |= s->place == ALIGN_CORNERS && l->width != (real)l->out;
    return t;
}

/* ---- the walk ---- */

struct resizing {
    struct resize s;
    size_t planes, in_plane, out_plane;
    int64_t in[SPATIAL_MAX], out[SPATIAL_MAX]; /* ones in front when there are fewer dims */
    struct taps *taps[SPATIAL_MAX];
};

static struct resizing resizing_of(const struct node *node, const struct shape *x,
                                   const struct shape *y, struct arena *arena)
{
    static const struct resize copy = {.mode = MODE_NEAREST, .rounding = DOWN};
    struct resizing z = {.s = resize_of(node), .in_plane = 1, .out_plane = 1};
    int missing = SPATIAL_MAX - (x->rank - 2);
    z.planes = (size_t)(x->dim[0] * x->dim[1]);
    for (int k = 0; k < SPATIAL_MAX; k++) {
        z.in[k] = k < missing ? 1 : x->dim[2 + k - missing];
        z.out[k] = k < missing ? 1 : y->dim[2 + k - missing];
        z.in_plane *= (size_t)z.in[k];
        z.out_plane *= (size_t)z.out[k];
        z.taps[k] = ARENA_ARRAY(arena, struct taps, (size_t)z.out[k]);
        const struct resize *s = k < missing ? &copy : &z.s;
        struct line_of l = line_of(s, k, z.in[k], z.out[k]);
        for (int64_t o = 0; o < z.out[k]; o++) {
            z.taps[k][o] = taps_at(s, &l, o, arena);
        }
    }
    return z;
}

static struct resizing resizing_in(const struct evaluation *e)
{
    return resizing_of(e->node, &e->in[0]->shape, &e->out[0].shape, e->scratch);
}

/* One output element: its taps, and a function of each product of them. */
typedef void tap_fn(void *data, size_t y, size_t x, real weight);

static void element_taps(const struct resizing *z, size_t y, const struct taps *t[SPATIAL_MAX])
{
    size_t o = y % z->out_plane, inner = (size_t)z->out[2], middle = (size_t)z->out[1];
    t[0] = &z->taps[0][o / inner / middle];
    t[1] = &z->taps[1][o / inner % middle];
    t[2] = &z->taps[2][o % inner];
}

ALWAYS_INLINE void for_taps(const struct resizing *z, size_t y, tap_fn *fn, void *data)
{
    const struct taps *t[SPATIAL_MAX];
    size_t plane = y / z->out_plane * z->in_plane;
    element_taps(z, y, t);
    for (int i = 0; i < t[0]->n; i++) {
        for (int j = 0; j < t[1]->n; j++) {
            int64_t row = (t[0]->at[i] * z->in[1] + t[1]->at[j]) * z->in[2];
            real weight = t[0]->weight[i] * t[1]->weight[j];
            for (int k = 0; k < t[2]->n; k++) {
                fn(data, y, plane + (size_t)(row + t[2]->at[k]), weight * t[2]->weight[k]);
            }
        }
    }
}

/* ---- evaluation ---- */

struct sum {
    const real *x;
    real y, largest; /* the largest magnitude that may take part */
    bool is_finite;
};

ALWAYS_INLINE void add_tap(void *data, size_t y, size_t x, real weight)
{
    struct sum *s = data;
    real v = s->x[x];
    s->y += weight == 0 ? 0 : weight == 1 ? v : weight * v;
    s->largest = fabsl(v) > s->largest ? fabsl(v) : s->largest;
    s->is_finite = s->is_finite && isfinite(v);
}

/* Sums of the magnitudes of weights are this at most in each dim. */
static real weight_sum(const struct resize *s)
{
    return s->mode == MODE_CUBIC ? 2 + fabsl(s->a) : 1;
}

/* Weights of a coordinate that is off by its error, and the roundings of weights (cubic: of a
 * polynomial of degree 3), products and sums. */
enum { LINEAR_UNITS = 4, CUBIC_UNITS = 16 };

static real resize_noise(const struct resizing *z, size_t y, const struct sum *s, enum dtype d)
{
    const struct taps *t[SPATIAL_MAX];
    bool is_cubic = z->s.mode == MODE_CUBIC, has_filter = z->s.antialias || z->s.excludes;
    real relative = 0, most = 1, slope = is_cubic ? 4 + 4 * fabsl(z->s.a) : 2;
    real u = dtype_roundoff(DTYPE_F32);
    element_taps(z, y, t);
    for (int k = 0; k < SPATIAL_MAX; k++) {
        if (t[k]->n > 1) {
            most *= fmaxl(weight_sum(&z->s), t[k]->size);
            relative += has_filter ? u * (real)t[k]->n + slope * t[k]->error : 0;
            relative += slope * t[k]->error + u * (is_cubic ? CUBIC_UNITS : LINEAR_UNITS);
            /* torch keeps weights in the dtype (UpSampleKernel.cpp: scalar_t). */
            relative += dtype_is_half(d) ? dtype_roundoff(d) : 0;
        }
    }
    if (s->largest * most > dtype_max(dtype_is_half(d) ? DTYPE_F32 : d) / 4) {
        return INFINITY;
    }
    real noise = most * relative * s->largest + dtype_tiny(d);
    return dtype_is_half(d) ? noise + dtype_roundoff(d) * fabsl(s->y) : noise;
}

static void resize_evaluate(struct evaluation *e)
{
    struct resizing z = resizing_in(e);
    struct array *y = &e->out[0];
    for (size_t i = 0; i < y->n; i++) {
        struct sum s = {.x = e->in[0]->v, .is_finite = true};
        for_taps(&z, i, add_tap, &s);
        y->v[i] = s.y;
        if (e->noise[0] && z.s.mode != MODE_NEAREST && s.is_finite) {
            e->noise[0][i] = resize_noise(&z, i, &s, y->dtype);
        }
    }
}

/* ONNX's linear interpolation is one over all dims, batch and channels too, and a weight of 0 times
 * NaN is NaN: ONNX Runtime does so where it has no kernel of its own (rank 3). The output elements
 * whose taps count: y itself and those in the next planes. */
static int elements_beside(const struct resizing *z, const struct shape *x, size_t y,
                           size_t beside[4])
{
    size_t channels = (size_t)x->dim[1], inside = channels * z->out_plane;
    bool has_channel = y / z->out_plane % channels + 1 < channels;
    bool has_batch = y / inside + 1 < (size_t)x->dim[0];
    int n = 0;
    for (int k = 0; k < 4; k++) {
        bool is_there = (!(k & 1) || has_channel) && (!(k & 2) || has_batch);
        if (k == 0 || (is_there && z->s.mode == MODE_LINEAR)) {
            beside[n++] = y + (k & 1 ? z->out_plane : 0) + (k & 2 ? inside : 0);
        }
    }
    return n;
}

static bool all_are_finite(const struct evaluation *e, const struct resizing *z, size_t y)
{
    struct sum s = {.x = e->in[0]->v, .is_finite = true};
    size_t beside[4];
    int n = elements_beside(z, &e->in[0]->shape, y, beside);
    for (int k = 0; k < n; k++) {
        for_taps(z, beside[k], add_tap, &s);
    }
    return s.is_finite;
}

/*
 * What `is_open` says of the coordinates and weights; an infinite or NaN one among those
 * interpolated, as 0 * inf is NaN if a weight of 0 is multiplied. Neither document says more than
 * formulas.
 */
static void resize_unspecified(const struct evaluation *e, uint8_t *const *mark)
{
    struct resizing z = resizing_in(e);
    bool is_finite = true;
    for (size_t i = 0; i < e->in[0]->n; i++) {
        is_finite = is_finite && isfinite(e->in[0]->v[i]);
    }
    for (size_t i = 0; i < e->out[0].n; i++) {
        const struct taps *t[SPATIAL_MAX];
        element_taps(&z, i, t);
        mark[0][i] |= t[0]->is_open || t[1]->is_open || t[2]->is_open;
        if (z.s.mode != MODE_NEAREST && !is_finite) {
            mark[0][i] |= !all_are_finite(e, &z, i);
        }
    }
}

/* ---- taint, gradient, range ---- */

struct marks {
    const uint8_t *in;
    uint8_t out;
};

ALWAYS_INLINE void taint_tap(void *data, size_t y, size_t x, real weight)
{
    struct marks *m = data;
    m->out |= m->in[x];
}

static void resize_taint(const struct taint *t)
{
    struct resizing z = resizing_in(t->e);
    for (size_t i = 0; t->in_mark[0] && i < t->e->out[0].n; i++) {
        struct marks m = {.in = t->in_mark[0]};
        size_t beside[4];
        int n = elements_beside(&z, &t->e->in[0]->shape, i, beside);
        for (int k = 0; k < n; k++) {
            for_taps(&z, beside[k], taint_tap, &m);
        }
        t->out_mark[0][i] |= m.out;
    }
}

ALWAYS_INLINE void vjp_tap(void *data, size_t y, size_t x, real weight)
{
    const struct vjp *v = data;
    v->grad[0][x] += weight * v->cotangent[0][y];
}

static void resize_vjp(const struct vjp *v)
{
    struct resizing z = resizing_in(v->e);
    struct vjp copy = *v;
    for (size_t i = 0; v->grad[0] && v->cotangent[0] && i < v->e->out[0].n; i++) {
        for_taps(&z, i, vjp_tap, &copy);
    }
}

static void resize_range(struct range_query *q)
{
    struct resize s = resize_of(q->node);
    struct interval x = q->in[0];
    q->out[0] = x;
    if (s.mode == MODE_NEAREST || interval_is_empty(x)) {
        return;
    }
    bool has_filter = s.antialias || s.excludes;
    /* Cubic weights whose sum is made 1: with a in -1..0 less than four times as much. */
    real most = weight_sum(&s) * weight_sum(&s) * (has_filter ? 16 : 1);
    if (s.mode == MODE_CUBIC) {
        real largest = fmaxl(fabsl(x.lo), fabsl(x.hi));
        x = (struct interval){.lo = -most * largest, .hi = most * largest, .may_nan = x.may_nan};
    }
    x = has_filter ? interval_union(x, (struct interval){.lo = 0, .hi = 0}) : x;
    q->out[0] = interval_widen(x);
    q->out[0].may_nan |= isinf(x.lo) || isinf(x.hi);
}

const struct op op_resize = {
    .name = "resize",
    .summary = "spatial dims to given sizes: nearest, linear or cubic",
    .in = {{"x", .dtypes = DT_ALL, .rank_min = 3, .rank_max = 2 + SPATIAL_MAX}},
    .out = {{"y", .same_as = "x", .rank_min = 3, .rank_max = 2 + SPATIAL_MAX}},
    .attrs = {{"sizes", ATTR_INTS},
              {"mode", ATTR_TEXT},
              {"coordinate_transformation_mode", ATTR_TEXT},
              {"nearest_mode", ATTR_TEXT},
              {"cubic_coeff_a", ATTR_REAL,
               .real = {{CUBIC_SLOPE, CUBIC_SLOPE}, 0x1p-4, 4, SIGNS_MINUS}},
              {"antialias", ATTR_BOOL, .optional = true},
              {"exclude_outside", ATTR_BOOL, .optional = true},
              {"scale_d", ATTR_REAL, .optional = true},
              {"scale_h", ATTR_REAL, .optional = true},
              {"scale_w", ATTR_REAL, .optional = true}},
    .structure = resize_structure,
    .relate = resize_relate,
    .evaluate = resize_evaluate,
    .taint = resize_taint,
    .vjp = resize_vjp,
    .range = resize_range,
    .unspecified = resize_unspecified};
